package saml

import "strings"

// element is one element of a document that the scanner accepted. Names are resolved: space is the namespace URI,
// prefix is kept only because canonical XML writes it.
type element struct {
	prefix, local, space string
	attrs                []attribute
	decls                []declaration
	parent               *element
	children             []node

	// start and end delimit the element in the scanned bytes; content and contentEnd delimit what stands between
	// its tags (both equal end for an empty-element tag). Signing splices at these offsets.
	start, content, contentEnd, end int
}

// attribute is one attribute that is not a namespace declaration. Its value is normalised as XML 1.0 §3.3.3 says
// for an attribute without a declared type.
type attribute struct {
	prefix, local, space, value string
}

// declaration binds a prefix ("" for the default namespace) to a namespace URI ("" only for the default).
type declaration struct {
	prefix, uri string
}

// node is a child: an element, or a run of character data when elem is nil. Two runs never stand side by side.
type node struct {
	elem *element
	text string
}

// addText adds character data, joined to the run before it if there is one.
func (e *element) addText(text string) {
	if n := len(e.children); n > 0 && e.children[n-1].elem == nil {
		e.children[n-1].text += text
		return
	}
	e.children = append(e.children, node{text: text})
}

// is reports whether e has the given namespace and local name.
func (e *element) is(space, local string) bool { return e.local == local && e.space == space }

// attr returns the value of the attribute without a namespace.
func (e *element) attr(local string) (string, bool) {
	for i := range e.attrs {
		if a := &e.attrs[i]; a.local == local && a.space == "" {
			return a.value, true
		}
	}
	return "", false
}

// value returns the attribute without a namespace, or "".
func (e *element) value(local string) string {
	v, _ := e.attr(local)
	return v
}

// all returns the child elements with the given name.
func (e *element) all(space, local string) []*element {
	var found []*element
	for _, c := range e.children {
		if c.elem != nil && c.elem.is(space, local) {
			found = append(found, c.elem)
		}
	}
	return found
}

// one returns the only child element with the given name; false when there is none or more than one.
func (e *element) one(space, local string) (*element, bool) {
	found := e.all(space, local)
	if len(found) != 1 {
		return nil, false
	}
	return found[0], true
}

// text returns the character data of an element that has no child elements; false when it has some. All runs are
// joined, so nothing can cut a value short (CVE-2017-11427 and its kin).
func (e *element) text() (string, bool) {
	switch len(e.children) {
	case 0:
		return "", true
	case 1:
		return e.children[0].text, e.children[0].elem == nil
	}
	return "", false
}

// elementsOnly reports whether e holds nothing but elements and white space.
func (e *element) elementsOnly() bool {
	for _, c := range e.children {
		if c.elem == nil && strings.Trim(c.text, "\t\r\n ") != "" {
			return false
		}
	}
	return true
}

// walk calls f for e and every element below it, in document order.
func (e *element) walk(f func(*element)) {
	f(e)
	for _, c := range e.children {
		if c.elem != nil {
			c.elem.walk(f)
		}
	}
}

// lookup returns the namespace that prefix is bound to at e, and whether it is bound. An undeclared default
// namespace is bound to "".
func (e *element) lookup(prefix string) (string, bool) {
	for at := e; at != nil; at = at.parent {
		for _, d := range at.decls {
			if d.prefix == prefix {
				return d.uri, true
			}
		}
	}
	return "", prefix == ""
}
