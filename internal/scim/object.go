package scim

import (
	"strings"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

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

// coerce gives a value its attribute's type. It answers nil for what counts as unassigned.
func coerce(a *Attribute, value any) (any, error) {
	if a.Multi {
		l, err := coerceMany(a, value)
		if err != nil || len(l) == 0 {
			return nil, err
		}
		return l, nil
	}
	return coerceOne(a, value)
}

// coerceMany accepts one element in place of an array, as clients send it.
func coerceMany(a *Attribute, value any) ([]any, error) {
	in, ok := value.([]any)
	if !ok {
		in = []any{value}
	}
	out := make([]any, 0, len(in))
	for _, v := range in {
		e, err := coerceComplex(a, v)
		if err != nil {
			return nil, err
		}
		if len(e) > 0 && !contains(out, e) {
			out = append(out, e)
		}
	}
	onePrimary(out, firstPrimary(out))
	return out, nil
}

func contains(list []any, e Object) bool {
	for _, x := range list {
		if x.(Object).equal(e) {
			return true
		}
	}
	return false
}

func coerceOne(a *Attribute, value any) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case bool:
		if a.Type == Boolean {
			return boolean(a, v), nil
		}
	case string:
		if v == "" {
			return nil, nil
		}
		return coerceString(a, v)
	case []any:
		// Entra sends a manager as an array of one (and clears it with an empty one).
		if a.Type == Complex && len(v) <= 1 {
			if len(v) == 0 {
				return nil, nil
			}
			return coerceOne(a, v[0])
		}
	case object:
		if a.Type == Complex {
			return complexOrNil(coerceComplex(a, v))
		}
	}
	return nil, refuse(InvalidValue, "%q must be %s, not %s", a.Name, describe(a), kindOf(value))
}

// boolean drops a false "primary": it says what its absence says, and would make equal elements differ.
func boolean(a *Attribute, v bool) any {
	if a.Name == "primary" && !v {
		return nil
	}
	return v
}

func describe(a *Attribute) string {
	switch a.Type {
	case Boolean:
		return "a boolean"
	case Complex:
		return "an object"
	default:
		return "a string"
	}
}

func coerceString(a *Attribute, s string) (any, error) {
	switch a.Type {
	case Boolean:
		// Entra's default dialect writes booleans as "True" and "False".
		switch {
		case strings.EqualFold(s, "true"):
			return true, nil
		case strings.EqualFold(s, "false"):
			return boolean(a, false), nil
		}
		return nil, refuse(InvalidValue, "%q must be true or false", a.Name)
	case Complex:
		return complexOrNil(coerceComplex(a, s))
	}
	if !printable(s) {
		return nil, refuse(InvalidValue, "%q holds a control character", a.Name)
	}
	return s, nil
}

func complexOrNil(o Object, err error) (any, error) {
	if err != nil || len(o) == 0 {
		return nil, err
	}
	return o, nil
}

// printable refuses control characters other than tab and line ends; no attribute of a person has a use for
// them, and databases differ in what they do with NUL.
func printable(s string) bool {
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// coerceComplex reads one complex value or element. A bare string is its "value"; Entra's
// AppRoleAssignmentsComplex mapping sends each role as a string that holds a JSON object.
func coerceComplex(a *Attribute, value any) (Object, error) {
	out := Object{}
	switch v := value.(type) {
	case nil:
		return out, nil
	case string:
		if strings.HasPrefix(v, "{") {
			if in, err := parse([]byte(v)); err == nil {
				return coerceComplex(a, in)
			}
		}
		if a.sub("value") == nil {
			return nil, refuse(InvalidValue, "%q must be an object, not a string", a.Name)
		}
		return out, setSubs(out, a, object{{"value", v}})
	case object:
		for _, m := range v {
			s := a.sub(m.name)
			if s == nil || s.Mutability == ReadOnly {
				continue
			}
			if err := assignNew(out, s, m.value); err != nil {
				return nil, within(a, err)
			}
		}
		return out, nil
	}
	return nil, refuse(InvalidValue, "%q must be an object, not %s", a.Name, kindOf(value))
}

// setSubs sets the sub-attributes that in names; null and "" unassign.
func setSubs(o Object, a *Attribute, in object) error {
	for _, m := range in {
		s := a.sub(m.name)
		if s == nil || s.Mutability == ReadOnly {
			continue
		}
		v, err := coerce(s, m.value)
		if err != nil {
			return within(a, err)
		}
		if v == nil {
			delete(o, s.Name)
		} else {
			o[s.Name] = v
		}
	}
	return nil
}

// child returns the object of a single-valued complex attribute, made if need be. prune takes it away again
// when it stays empty.
func child(o Object, a *Attribute) Object {
	c := o.object(a.Name)
	if c == nil {
		c = Object{}
		o[a.Name] = c
	}
	return c
}

// within names the attribute around the one that an error speaks of.
func within(a *Attribute, err error) error {
	f := *fault.Of(err)
	f.Message = "in \"" + a.Name + "\": " + f.Message
	return &f
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
