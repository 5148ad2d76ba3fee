package scim

import "strings"

// Projection is what a client wants to see of resources: the query parameters attributes and
// excludedAttributes (RFC 7644 §3.9). The zero Projection shows everything.
type Projection struct {
	// only is non-nil when "attributes" was given, even if it named nothing we know.
	only, except []ref
}

// ParseProjection reads the two parameters: attribute names separated by commas. Names nobody knows name
// nothing.
func ParseProjection(rt *ResourceType, attributes, excluded string) Projection {
	var p Projection
	if strings.TrimSpace(attributes) != "" {
		p.only = append([]ref{}, refs(rt, attributes)...)
	}
	p.except = refs(rt, excluded)
	return p
}

func refs(rt *ResourceType, list string) []ref {
	var out []ref
	for _, name := range strings.Split(clipList(list), ",") {
		if r := rt.resolve(strings.TrimSpace(name)); r.known() {
			out = append(out, r)
		}
	}
	return out
}

// clipList bounds the work that one query parameter can ask for.
func clipList(s string) string {
	if len(s) > maxFilterLength {
		return s[:maxFilterLength]
	}
	return s
}

// Given reports whether the client chose what it wants to see.
func (p Projection) Given() bool { return p.only != nil || len(p.except) > 0 }

// Wants reports whether the attribute, or part of it, would be shown: what is not need not be loaded.
func (p Projection) Wants(attribute string) bool {
	for _, r := range p.except {
		if r.sub == nil && r.attr != nil && r.attr.Name == attribute {
			return false
		}
	}
	if p.only == nil {
		return true
	}
	for _, r := range p.only {
		if r.attr != nil && r.attr.Name == attribute {
			return true
		}
	}
	return false
}

// Apply returns what of o is shown. The id always is (RFC 7643 §7, "returned").
func (p Projection) Apply(o Object) Object {
	if !p.Given() {
		return o
	}
	out := Object{}
	if p.only == nil {
		out = o.clone()
	}
	for _, r := range p.only {
		p.include(out, o, r)
	}
	for _, r := range p.except {
		drop(out, r)
	}
	if id, ok := o["id"]; ok {
		out["id"] = id
	}
	return out
}

func (p Projection) include(out, o Object, r ref) {
	from := container(o, r, false)
	if from == nil {
		return
	}
	if r.whole {
		out[r.ext.ID] = from.clone()
		return
	}
	v, ok := from[r.attr.Name]
	if !ok {
		return
	}
	to := container(out, r, true)
	if r.sub == nil {
		to[r.attr.Name] = Object{r.attr.Name: v}.clone()[r.attr.Name]
		return
	}
	switch v := v.(type) {
	case Object:
		if x, ok := v[r.sub.Name]; ok {
			child(to, r.attr)[r.sub.Name] = x
		}
	case []any:
		includeInEach(to, v, r)
	}
}

// includeInEach copies one sub-attribute of every element, beside those already copied.
func includeInEach(to Object, from []any, r ref) {
	list := to.list(r.attr.Name)
	if list == nil {
		list = make([]any, len(from))
		for i := range list {
			list[i] = Object{}
		}
		to[r.attr.Name] = list
	}
	for i, e := range from {
		if x, ok := e.(Object)[r.sub.Name]; ok && i < len(list) {
			list[i].(Object)[r.sub.Name] = x
		}
	}
}

func drop(o Object, r ref) {
	if r.whole {
		delete(o, r.ext.ID)
		return
	}
	in := container(o, r, false)
	if r.sub == nil {
		delete(in, r.attr.Name)
	} else {
		for _, e := range elements(o, r) {
			delete(e, r.sub.Name)
		}
	}
	if r.ext != nil && len(in) == 0 {
		delete(o, r.ext.ID)
	}
}
