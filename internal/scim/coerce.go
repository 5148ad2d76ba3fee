package scim

import (
	"strings"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

// maxElements bounds a multi-valued attribute of a user. Elements are compared with each other, so that a
// body full of them would cost its square.
const maxElements = 200

func tooManyElements(a *Attribute) error {
	return refuse(InvalidValue, "%q has more than %d elements", a.Name, maxElements).At(a.Name)
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
	if len(in) > maxElements {
		return nil, tooManyElements(a)
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
