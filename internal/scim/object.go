package scim

import "strings"

// Object is a resource, an extension or an element of a multi-valued attribute: attribute names in the
// table's spelling to values. A value is a string, a bool, an Object, or []any of Objects. What is
// unassigned is absent: null, [] and "" mean the same (RFC 7643 §2.5). An extension stands under its URN.
type Object map[string]any

func (o Object) text(name string) string { s, _ := o[name].(string); return s }

func (o Object) object(name string) Object { x, _ := o[name].(Object); return x }

func (o Object) list(name string) []any { l, _ := o[name].([]any); return l }

// put sets a string, or nothing when it is empty.
func (o Object) put(name, s string) {
	if s != "" {
		o[name] = s
	}
}

// clone copies o and everything in it that can be written to.
func (o Object) clone() Object {
	out := make(Object, len(o))
	for k, v := range o {
		switch v := v.(type) {
		case Object:
			out[k] = v.clone()
		case []any:
			l := make([]any, len(v))
			for i, e := range v {
				l[i] = e.(Object).clone()
			}
			out[k] = l
		default:
			out[k] = v
		}
	}
	return out
}

// equal compares deeply; the order of elements counts.
func (o Object) equal(p Object) bool {
	if len(o) != len(p) {
		return false
	}
	for k, v := range o {
		if !sameValue(v, p[k]) {
			return false
		}
	}
	return true
}

func sameValue(a, b any) bool {
	switch a := a.(type) {
	case Object:
		b, ok := b.(Object)
		return ok && a.equal(b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameValue(a[i], b[i]) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}

// normalise turns what a client sent as a resource of type rt into an Object. Attributes that nobody may
// write and attributes that nobody knows are ignored (RFC 7644 §3.3, §3.5.1).
func (rt *ResourceType) normalise(in object) (Object, error) {
	out := Object{}
	for _, m := range in {
		if err := rt.normaliseMember(out, m); err != nil {
			return nil, err
		}
	}
	prune(rt, out)
	return out, nil
}

func (rt *ResourceType) normaliseMember(out Object, m member) error {
	if strings.EqualFold(m.name, "schemas") {
		return rt.checkSchemas(m.value)
	}
	r := rt.resolve(m.name)
	if r.whole {
		return r.ext.normaliseInto(out, m.value)
	}
	if r.attr == nil || r.attr.Mutability == ReadOnly || r.sub != nil && r.sub.Mutability == ReadOnly {
		return nil
	}
	target := container(out, r, true)
	if r.sub != nil {
		if r.attr.Multi {
			return nil // says nothing about which element
		}
		return setSubs(child(target, r.attr), r.attr, object{{r.sub.Name, m.value}})
	}
	return assignNew(target, r.attr, m.value)
}

// assignNew sets an attribute that must not be there yet: names are compared in any case, so "username"
// beside "userName" is a duplicate that JSON alone does not see.
func assignNew(target Object, a *Attribute, value any) error {
	v, err := coerce(a, value)
	if err != nil || v == nil {
		return err
	}
	if _, taken := target[a.Name]; taken {
		return refuse(InvalidSyntax, "the attribute %q is given twice", a.Name)
	}
	target[a.Name] = v
	return nil
}

func (x *Schema) normaliseInto(out Object, value any) error {
	if value == nil {
		return nil
	}
	in, ok := value.(object)
	if !ok {
		return refuse(InvalidValue, "%q must be an object, not %s", x.ID, kindOf(value))
	}
	target := extension(out, x, true)
	for _, m := range in {
		a := findAttribute(x.Attributes, m.name)
		if a == nil || a.Mutability == ReadOnly {
			continue
		}
		if err := assignNew(target, a, m.value); err != nil {
			return err
		}
	}
	return nil
}

// checkSchemas reads "schemas". Entra adds URIs of its own and misspells the extension's, so only the
// presence of the core schema is asked for, and only where anything is said at all.
func (rt *ResourceType) checkSchemas(value any) error {
	if value == nil {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		return refuse(InvalidValue, "\"schemas\" must be an array of strings, not %s", kindOf(value))
	}
	core := len(list) == 0
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return refuse(InvalidValue, "\"schemas\" must be an array of strings, but holds %s", kindOf(v))
		}
		core = core || strings.EqualFold(s, rt.Core.ID)
	}
	if !core {
		return refuse(InvalidValue, "\"schemas\" does not name %s", rt.Core.ID)
	}
	return nil
}

// container returns the object that holds r's attribute: the resource itself, or the extension's object,
// which is made when create is set and is nil otherwise.
func container(o Object, r ref, create bool) Object {
	if r.ext == nil {
		return o
	}
	return extension(o, r.ext, create)
}

func extension(o Object, x *Schema, create bool) Object {
	e := o.object(x.ID)
	if e == nil && create {
		e = Object{}
		o[x.ID] = e
	}
	return e
}

func firstPrimary(list []any) int {
	for i, e := range list {
		if e.(Object)["primary"] == true {
			return i
		}
	}
	return -1
}

// onePrimary leaves "primary" true at most at index keep (RFC 7643 §2.4).
func onePrimary(list []any, keep int) {
	for i, e := range list {
		if e := e.(Object); i != keep && e["primary"] == true {
			delete(e, "primary")
		}
	}
}

// prune removes what was left empty: elements that say nothing but what kind they are, and extensions
// without attributes.
func prune(rt *ResourceType, o Object) {
	for _, a := range rt.Core.Attributes {
		pruneAttribute(&a, o)
	}
	for _, x := range rt.Extensions {
		e := o.object(x.ID)
		for _, a := range x.Attributes {
			pruneAttribute(&a, e)
		}
		if len(e) == 0 {
			delete(o, x.ID)
		}
	}
}

func pruneAttribute(a *Attribute, o Object) {
	switch v := o[a.Name].(type) {
	case Object:
		if !meaningful(a, v) {
			delete(o, a.Name)
		}
	case []any:
		kept := v[:0:0]
		for _, e := range v {
			if meaningful(a, e.(Object)) {
				kept = append(kept, e)
			}
		}
		if len(kept) == 0 {
			delete(o, a.Name)
		} else {
			o[a.Name] = kept
		}
	}
}

func meaningful(a *Attribute, e Object) bool {
	if a.sub("value") != nil {
		return e.text("value") != ""
	}
	for name := range e {
		if name != "type" && name != "primary" {
			return true
		}
	}
	return false
}
