package saml

import (
	"strconv"
	"strings"
)

// startTag reads a start tag or an empty-element tag.
func (s *scanner) startTag() error {
	if s.elements++; s.elements > maxElements {
		return s.fail("too-many-elements")
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("too-deep")
	}
	e := &element{parent: s.top, start: s.pos}
	s.pos++
	var ok bool
	if e.prefix, e.local, ok = s.qualifiedName(); !ok {
		return s.fail("bad-name")
	}
	if err := s.attributes(e); err != nil {
		return err
	}
	if err := s.resolve(e); err != nil {
		return err
	}
	return s.open(e)
}

// open makes e the innermost element and reads the end of its start tag.
func (s *scanner) open(e *element) error {
	if s.top == nil {
		s.root = e
	} else {
		s.top.children = append(s.top.children, node{elem: e})
	}
	s.top = e
	switch {
	case s.has("/>"):
		s.pos += 2
		e.content, e.contentEnd = s.pos, s.pos
		s.close()
	case s.has(">"):
		s.pos++
		e.content = s.pos
	default:
		return s.fail("bad-start-tag")
	}
	return nil
}

// attributes reads attributes and namespace declarations up to the end of the tag.
func (s *scanner) attributes(e *element) error {
	for {
		spaced := s.space()
		if s.pos >= len(s.src) || s.src[s.pos] == '>' || s.src[s.pos] == '/' {
			return nil
		}
		if !spaced {
			return s.fail("bad-start-tag")
		}
		if len(e.attrs)+len(e.decls) >= maxAttributes {
			return s.fail("too-many-attributes")
		}
		prefix, local, ok := s.qualifiedName()
		if !ok {
			return s.fail("bad-name")
		}
		value, err := s.attributeValue()
		if err != nil {
			return err
		}
		switch {
		case prefix == "xmlns":
			err = s.declare(e, local, value)
		case prefix == "" && local == "xmlns":
			err = s.declare(e, "", value)
		default:
			e.attrs = append(e.attrs, attribute{prefix: prefix, local: local, value: value})
		}
		if err != nil {
			return err
		}
	}
}

// attributeValue reads = and the quoted value, and normalises it: a literal tab, line feed or carriage return is a
// space, one written as a character reference stays (XML 1.0 §3.3.3, after §2.11).
func (s *scanner) attributeValue() (string, error) {
	s.space()
	if !s.has("=") {
		return "", s.fail("bad-attribute")
	}
	s.pos++
	s.space()
	if !s.has(`"`) && !s.has("'") {
		return "", s.fail("bad-attribute")
	}
	quote := s.src[s.pos]
	s.pos++
	from := s.pos
	for s.pos < len(s.src) && s.src[s.pos] != quote && s.src[s.pos] != '<' && s.src[s.pos] != '&' && s.src[s.pos] >= ' ' {
		s.pos++
	}
	if s.pos < len(s.src) && s.src[s.pos] == quote {
		s.pos++
		return string(s.src[from : s.pos-1]), nil
	}
	s.pos = from
	return s.normalisedValue(quote)
}

// normalisedValue is attributeValue for a value with references or white space in it.
func (s *scanner) normalisedValue(quote byte) (string, error) {
	var b strings.Builder
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; c {
		case quote:
			s.pos++
			return b.String(), nil
		case '<':
			return "", s.fail("bad-attribute")
		case '&':
			if err := s.reference(&b); err != nil {
				return "", err
			}
		case '\r':
			s.pos++
			if !s.has("\n") {
				b.WriteByte(' ')
			}
		case '\n', '\t':
			s.pos++
			b.WriteByte(' ')
		default:
			s.pos++
			b.WriteByte(c)
		}
	}
	return "", s.fail("document-ends-early")
}

// text reads character data up to the next markup. Line ends become line feeds (XML 1.0 §2.11).
func (s *scanner) text() error {
	var b strings.Builder
	for s.pos < len(s.src) && s.src[s.pos] != '<' {
		switch c := s.src[s.pos]; c {
		case '&':
			if err := s.reference(&b); err != nil {
				return err
			}
			continue
		case '\r':
			if s.pos+1 >= len(s.src) || s.src[s.pos+1] != '\n' {
				b.WriteByte('\n')
			}
		case ']':
			// The sequence ]]> may not stand in character data (XML 1.0 §2.4).
			if s.has("]]>") {
				return s.fail("bad-character-data")
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
		s.pos++
	}
	s.top.addText(b.String())
	return nil
}

// reference reads a character reference or one of the five predefined entities; no others exist without a document type.
func (s *scanner) reference(b *strings.Builder) error {
	end := strings.IndexByte(string(s.src[s.pos:min(len(s.src), s.pos+12)]), ';')
	if end < 2 {
		return s.fail("bad-reference")
	}
	name := string(s.src[s.pos+1 : s.pos+end])
	switch name {
	case "amp":
		b.WriteByte('&')
	case "lt":
		b.WriteByte('<')
	case "gt":
		b.WriteByte('>')
	case "quot":
		b.WriteByte('"')
	case "apos":
		b.WriteByte('\'')
	default:
		r, ok := characterReference(name)
		if !ok {
			return s.fail("bad-reference")
		}
		b.WriteRune(r)
	}
	s.pos += end + 1
	return nil
}

// characterReference decodes #123 or #x1F.
func characterReference(name string) (rune, bool) {
	if name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	// ParseUint accepts no sign, and underscores only in base 0.
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > 0x10FFFF || !allowedRune(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// declare adds a namespace declaration to e.
func (s *scanner) declare(e *element, prefix, uri string) error {
	for _, d := range e.decls {
		if d.prefix == prefix {
			return s.fail("duplicate-namespace-declaration")
		}
	}
	// The prefixes xml and xmlns are reserved, so are their namespaces; a prefix cannot be undeclared
	// (Namespaces in XML 1.0 §3, §5, §2.2).
	if prefix == "xml" || prefix == "xmlns" || uri == xmlNamespace || uri == xmlnsNamespace || (uri == "" && prefix != "") {
		return s.fail("reserved-namespace")
	}
	if len(uri) > maxNamespace {
		return s.fail("namespace-too-long")
	}
	// Canonical XML fails on relative namespace names, and readers that carry on after that failure digest nothing at
	// all (void canonicalization).
	if uri != "" && !hasScheme(uri) {
		return s.fail("relative-namespace")
	}
	// Nobody needs these in a namespace, and readers disagree: libxml2 takes &amp; in one for the five characters &#38;.
	if strings.IndexFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("&<>\"'\\^`{|}", r) }) >= 0 {
		return s.fail("bad-namespace")
	}
	e.decls = append(e.decls, declaration{prefix, uri})
	return nil
}

// hasScheme reports whether s begins with a scheme (RFC 3986 §3.1).
func hasScheme(s string) bool {
	scheme, _, found := strings.Cut(s, ":")
	for i := range len(scheme) {
		c := scheme[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(scheme[i]))) {
			return false
		}
	}
	return found && scheme != ""
}

// resolve binds the prefixes of e and its attributes and refuses attributes that are the same one twice.
func (s *scanner) resolve(e *element) error {
	if s.scope = append(s.scope, e.decls...); len(s.scope) > maxDeclarations {
		return s.fail("too-many-namespaces")
	}
	var ok bool
	if e.space, ok = s.namespace(e.prefix); !ok {
		return s.fail("undeclared-prefix")
	}
	for i := range e.attrs {
		a := &e.attrs[i]
		// An attribute without a prefix has no namespace, whatever the default is (Namespaces in XML 1.0 §6.2).
		if a.prefix != "" {
			if a.space, ok = s.namespace(a.prefix); !ok {
				return s.fail("undeclared-prefix")
			}
		}
		for j := range i {
			if e.attrs[j].local == a.local && e.attrs[j].space == a.space {
				return s.fail("duplicate-attribute")
			}
		}
	}
	return nil
}

// namespace returns what prefix is bound to here.
func (s *scanner) namespace(prefix string) (string, bool) {
	if prefix == "xml" {
		return xmlNamespace, true
	}
	for i := len(s.scope) - 1; i >= 0; i-- {
		if s.scope[i].prefix == prefix {
			return s.scope[i].uri, true
		}
	}
	return "", prefix == ""
}
