package saml

import (
	"bytes"
	"cmp"
	"slices"
)

// canonicalization is one of the two transformations this package knows.
type canonicalization struct {
	// inclusive selects Canonical XML 1.0 without comments instead of Exclusive XML Canonicalization 1.0. It is accepted
	// for SignedInfo only, because some identity providers sign it so.
	inclusive bool
	// prefixes is the InclusiveNamespaces PrefixList of the exclusive form ("" for #default).
	prefixes []string
}

// canonical returns the canonical form of e and everything below it but the element omit, which may be nil. The document has
// neither comments nor processing instructions, because the scanner refuses them, so the forms with and
// without comments coincide.
//
// A form longer than maxDocument is an error: exclusive canonicalization repeats a declaration for every sibling that
// needs it, so that a small document can have a form of many megabytes.
func (c canonicalization) canonical(e, omit *element) ([]byte, error) {
	w := &canonicalWriter{rules: c, omit: omit}
	w.buf.Grow(min(e.end-e.start, maxDocument) + 256)
	w.element(e, true)
	if w.buf.Len() > maxDocument {
		return nil, &scanError{"canonical-form-too-large", e.start}
	}
	return w.buf.Bytes(), nil
}

type canonicalWriter struct {
	rules    canonicalization
	omit     *element
	buf      bytes.Buffer
	rendered []declaration // declarations written by the ancestors in the output, innermost last
}

func (w *canonicalWriter) element(e *element, apex bool) {
	if w.buf.Len() > maxDocument {
		return
	}
	mark := len(w.rendered)
	w.buf.WriteByte('<')
	w.name(e.prefix, e.local)
	w.namespaces(e, apex)
	w.attributes(e, apex)
	w.buf.WriteByte('>')
	for _, c := range e.children {
		switch {
		case c.elem == nil:
			w.escape(c.text, false)
		case c.elem != w.omit:
			w.element(c.elem, false)
		}
	}
	w.buf.WriteString("</")
	w.name(e.prefix, e.local)
	w.buf.WriteByte('>')
	w.rendered = w.rendered[:mark]
}

func (w *canonicalWriter) name(prefix, local string) {
	if prefix != "" {
		w.buf.WriteString(prefix)
		w.buf.WriteByte(':')
	}
	w.buf.WriteString(local)
}

// namespaces writes the declarations that this element needs and no ancestor in the output has written with the same value.
func (w *canonicalWriter) namespaces(e *element, apex bool) {
	var need []declaration
	add := func(prefix, uri string) {
		if prefix != "xml" && !slices.Contains(need, declaration{prefix, uri}) {
			need = append(need, declaration{prefix, uri})
		}
	}
	if w.rules.inclusive {
		// Canonical XML 1.0 §2.3: every namespace in scope. Below the apex only new declarations can differ.
		for at := e; at != nil; at = at.parent {
			for _, d := range at.decls {
				if uri, _ := e.lookup(d.prefix); uri == d.uri {
					add(d.prefix, d.uri)
				}
			}
			if !apex {
				break
			}
		}
	} else {
		// Exclusive XML Canonicalization §3: the prefixes visibly utilized, and those listed as inclusive.
		add(e.prefix, e.space)
		for i := range e.attrs {
			if a := &e.attrs[i]; a.prefix != "" {
				add(a.prefix, a.space)
			}
		}
		for _, p := range w.rules.prefixes {
			if uri, bound := e.lookup(p); bound {
				add(p, uri)
			}
		}
	}
	slices.SortFunc(need, func(a, b declaration) int { return cmp.Compare(a.prefix, b.prefix) })
	for _, d := range need {
		w.declare(d)
	}
}

// declare writes d unless the nearest ancestor that wrote this prefix wrote the same.
func (w *canonicalWriter) declare(d declaration) {
	inForce := ""
	for i := len(w.rendered) - 1; i >= 0; i-- {
		if w.rendered[i].prefix == d.prefix {
			inForce = w.rendered[i].uri
			break
		}
	}
	if inForce == d.uri {
		return
	}
	w.rendered = append(w.rendered, d)
	w.buf.WriteString(" xmlns")
	if d.prefix != "" {
		w.buf.WriteByte(':')
		w.buf.WriteString(d.prefix)
	}
	w.buf.WriteString(`="`)
	w.escape(d.uri, true)
	w.buf.WriteByte('"')
}

// attributes writes the attributes ordered by namespace and local name (Canonical XML 1.0 §2.2).
func (w *canonicalWriter) attributes(e *element, apex bool) {
	attrs := e.attrs
	if apex && w.rules.inclusive {
		attrs = withInherited(e)
	}
	if !slices.IsSortedFunc(attrs, attributeOrder) {
		attrs = slices.Clone(attrs)
		slices.SortFunc(attrs, attributeOrder)
	}
	for i := range attrs {
		w.buf.WriteByte(' ')
		w.name(attrs[i].prefix, attrs[i].local)
		w.buf.WriteString(`="`)
		w.escape(attrs[i].value, true)
		w.buf.WriteByte('"')
	}
}

func attributeOrder(a, b attribute) int {
	return cmp.Or(cmp.Compare(a.space, b.space), cmp.Compare(a.local, b.local))
}

// withInherited adds the xml: attributes of e's ancestors, the nearest first (Canonical XML 1.0 §2.4).
func withInherited(e *element) []attribute {
	attrs := slices.Clone(e.attrs)
	for at := e.parent; at != nil; at = at.parent {
		for _, a := range at.attrs {
			same := func(b attribute) bool { return b.space == a.space && b.local == a.local }
			if a.space == xmlNamespace && !slices.ContainsFunc(attrs, same) {
				attrs = append(attrs, a)
			}
		}
	}
	return attrs
}

// escape writes character data or, when quoted, an attribute value with the replacements of Canonical XML 1.0 §2.3.
func (w *canonicalWriter) escape(s string, quoted bool) {
	from := 0
	for i := range len(s) {
		var r string
		switch c := s[i]; {
		case c == '&':
			r = "&amp;"
		case c == '<':
			r = "&lt;"
		case c == '\r':
			r = "&#xD;"
		case c == '>' && !quoted:
			r = "&gt;"
		case c == '"' && quoted:
			r = "&quot;"
		case c == '\t' && quoted:
			r = "&#x9;"
		case c == '\n' && quoted:
			r = "&#xA;"
		default:
			continue
		}
		w.buf.WriteString(s[from:i])
		w.buf.WriteString(r)
		from = i + 1
	}
	w.buf.WriteString(s[from:])
}
