package saml

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of one document. They are far above what identity providers send (a response of 5 kB, metadata of 80 kB)
// and low enough that the worst document costs milliseconds.
const (
	maxDocument     = 256 << 10 // bytes
	maxDepth        = 64
	maxElements     = 8192
	maxAttributes   = 64  // on one element, namespace declarations included
	maxDeclarations = 128 // namespace declarations in scope at one place
	maxNamespace    = 512 // bytes of one namespace name
)

// xmlNamespace is what the prefix xml is bound to, always (Namespaces in XML 1.0 §3).
const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

const xmlnsNamespace = "http://www.w3.org/2000/xmlns/"

// scanError says why a document was refused. The slug is stable and speaks of the form only, never of the content.
type scanError struct {
	slug   string
	offset int
}

func (e *scanError) Error() string { return fmt.Sprintf("%s at byte %d", e.slug, e.offset) }

// scan parses the subset of XML 1.0 that SAML messages need, and refuses everything else that a second reader could
// understand differently: document type declarations, processing instructions, comments, CDATA sections, undeclared or
// rebound prefixes, relative namespace names, duplicate attributes, and anything after the root. The XML
// declaration and a byte order mark are allowed at the very beginning. It is the only XML reader of this package:
// what is verified and what is read come from the same code.
func scan(src []byte) (*element, error) { return (&scanner{src: src}).scan() }

// scanMetadata is scan, but for comments and processing instructions, which it leaves out: people put them into
// metadata by hand, and metadata is trusted because an administrator brought it, not because it is signed.
func scanMetadata(src []byte) (*element, error) { return (&scanner{src: src, tolerant: true}).scan() }

func (s *scanner) scan() (*element, error) {
	src := s.src
	if len(src) > maxDocument {
		return nil, &scanError{"document-too-large", maxDocument}
	}
	if at := badCharacter(src); at >= 0 {
		return nil, &scanError{"bad-character", at}
	}
	s.pos += len(bomOf(src))
	if err := s.declaration(); err != nil {
		return nil, err
	}
	if err := s.miscellaneous(); err != nil {
		return nil, err
	}
	if s.pos >= len(s.src) || s.src[s.pos] != '<' {
		return nil, s.fail("no-root-element")
	}
	if err := s.document(); err != nil {
		return nil, err
	}
	if err := s.miscellaneous(); err != nil {
		return nil, err
	}
	if s.pos != len(s.src) {
		return nil, s.fail("content-after-root")
	}
	return s.root, nil
}

// bomOf returns the UTF-8 byte order mark that src begins with, or nothing.
func bomOf(src []byte) []byte {
	if bytes.HasPrefix(src, []byte("\uFEFF")) {
		return src[:3]
	}
	return nil
}

// badCharacter returns the offset of the first byte that is not part of a character XML 1.0 §2.2 allows, or -1.
func badCharacter(src []byte) int {
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if (r == utf8.RuneError && n == 1) || !allowedRune(r) {
			return i
		}
		i += n
	}
	return -1
}

// allowedRune is the Char production of XML 1.0 §2.2.
func allowedRune(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

type scanner struct {
	src      []byte
	tolerant bool // leave out comments and processing instructions instead of refusing them
	pos      int
	root     *element
	top      *element
	depth    int
	elements int
	scope    []declaration // declarations in scope, innermost last
}

func (s *scanner) fail(slug string) error { return &scanError{slug, s.pos} }

func (s *scanner) has(prefix string) bool {
	return len(s.src)-s.pos >= len(prefix) && string(s.src[s.pos:s.pos+len(prefix)]) == prefix
}

// space skips white space and reports whether there was any.
func (s *scanner) space() bool {
	from := s.pos
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
	return s.pos > from
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// declaration skips <?xml version="1.0" …?>. Only UTF-8 is accepted, named or by default (XML 1.0 §4.3.3).
func (s *scanner) declaration() error {
	if !s.has("<?xml") || len(s.src) < s.pos+6 || !isSpace(s.src[s.pos+5]) {
		return nil
	}
	end := bytes.Index(s.src[s.pos:], []byte("?>"))
	if end < 0 || end > 200 {
		return s.fail("bad-xml-declaration")
	}
	fields, ok := pseudoAttributes(string(s.src[s.pos+5 : s.pos+end]))
	if !ok || !wellDeclared(fields) {
		return s.fail("bad-xml-declaration")
	}
	s.pos += end + 2
	return nil
}

// wellDeclared checks the pseudo-attributes of an XML declaration, which come in a fixed order (XML 1.0 §2.8).
func wellDeclared(fields [][2]string) bool {
	if len(fields) == 0 || fields[0] != [2]string{"version", "1.0"} {
		return false
	}
	rest := fields[1:]
	if len(rest) > 0 && rest[0][0] == "encoding" {
		if !strings.EqualFold(rest[0][1], "utf-8") {
			return false
		}
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0][0] == "standalone" && (rest[0][1] == "yes" || rest[0][1] == "no") {
		rest = rest[1:]
	}
	return len(rest) == 0
}

// pseudoAttributes splits ` a="x" b='y' ` into pairs.
func pseudoAttributes(s string) (pairs [][2]string, ok bool) {
	for s = strings.TrimLeft(s, " \t\r\n"); s != ""; s = strings.TrimLeft(s, " \t\r\n") {
		name, rest, found := strings.Cut(s, "=")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !found || rest == "" || (rest[0] != '"' && rest[0] != '\'') {
			return nil, false
		}
		value, after, closed := strings.Cut(rest[1:], rest[:1])
		if !closed || (after != "" && !isSpace(after[0])) {
			return nil, false
		}
		pairs = append(pairs, [2]string{strings.TrimRight(name, " \t\r\n"), value})
		s = after
	}
	return pairs, true
}

// document scans from the root's first byte to the root's last.
func (s *scanner) document() error {
	for {
		var err error
		switch {
		case s.pos >= len(s.src):
			return s.fail("document-ends-early")
		case s.src[s.pos] != '<':
			err = s.text()
		case s.has("</"):
			err = s.endTag()
		case s.has("<!") || s.has("<?"):
			err = s.markup()
		default:
			err = s.startTag()
		}
		if err != nil {
			return err
		}
		if s.top == nil {
			return nil
		}
	}
}

// miscellaneous skips what may stand before and after the root.
func (s *scanner) miscellaneous() error {
	for {
		s.space()
		if !s.has("<!") && !s.has("<?") {
			return nil
		}
		if err := s.markup(); err != nil {
			return err
		}
	}
}

// markup refuses what begins with <! or <?, by name for the administrator who reads the diagnosis. The tolerant
// scanner leaves out comments and processing instructions.
func (s *scanner) markup() error {
	switch {
	case s.has("<!--") && s.tolerant:
		// The sequence -- may not stand in a comment (XML 1.0 §2.5).
		end := bytes.Index(s.src[s.pos+4:], []byte("--"))
		if end < 0 || !bytes.HasPrefix(s.src[s.pos+4+end:], []byte("-->")) {
			return s.fail("bad-comment")
		}
		s.pos += 4 + end + 3
		return nil
	case s.has("<!--"):
		return s.fail("comment")
	case s.has("<![CDATA["):
		return s.fail("cdata-section")
	case s.has("<!"):
		return s.fail("document-type-declaration")
	}
	end := bytes.Index(s.src[s.pos:], []byte("?>"))
	if !s.tolerant || end < 0 {
		return s.fail("processing-instruction")
	}
	s.pos += end + 2
	return nil
}

// name reads an NCName. Names are ASCII here: no SAML, XML Signature or metadata name is anything else, and look-alike
// characters have no place in a signed message.
func (s *scanner) name() (string, bool) {
	from := s.pos
	for s.pos < len(s.src) && nameByte(s.src[s.pos], s.pos == from) {
		s.pos++
	}
	return string(s.src[from:s.pos]), s.pos > from
}

func nameByte(c byte, first bool) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		return true
	case c >= '0' && c <= '9', c == '-', c == '.':
		return !first
	}
	return false
}

// qualifiedName reads prefix:local or local.
func (s *scanner) qualifiedName() (prefix, local string, ok bool) {
	local, ok = s.name()
	if !ok || s.pos >= len(s.src) || s.src[s.pos] != ':' {
		return "", local, ok
	}
	s.pos++
	prefix = local
	local, ok = s.name()
	return prefix, local, ok
}

func (s *scanner) endTag() error {
	from := s.pos
	s.pos += 2
	prefix, local, ok := s.qualifiedName()
	if !ok || s.top == nil || s.top.prefix != prefix || s.top.local != local {
		return s.fail("mismatched-end-tag")
	}
	s.space()
	if !s.has(">") {
		return s.fail("mismatched-end-tag")
	}
	s.pos++
	s.top.contentEnd = from
	s.close()
	return nil
}

// close ends the innermost element at the present position.
func (s *scanner) close() {
	s.top.end = s.pos
	s.scope = s.scope[:len(s.scope)-len(s.top.decls)]
	s.top = s.top.parent
	s.depth--
}
