package scim

import (
	"strings"
	"time"
)

// Match reports whether a resource satisfies the filter. Strings compare in folded case unless the table
// says that the attribute's case counts (RFC 7643 §7).
func (f *Filter) Match(o Object) bool {
	if f == nil {
		return true
	}
	for _, e := range f.conjuncts {
		if !e.match(o) {
			return false
		}
	}
	return true
}

func (e and) match(o Object) bool { return e.left.match(o) && e.right.match(o) }
func (e or) match(o Object) bool  { return e.left.match(o) || e.right.match(o) }
func (e not) match(o Object) bool { return !e.inner.match(o) }

func (e valuePath) match(o Object) bool {
	for _, el := range elements(o, e.ref) {
		if e.inner.match(el) && (e.cmp == nil || e.cmp.match(el)) {
			return true
		}
	}
	return false
}

// elements returns the elements of a complex attribute; one for a single-valued one that is assigned.
func elements(o Object, r ref) []Object {
	c := container(o, r, false)
	if c == nil || r.attr == nil {
		return nil
	}
	switch v := c[r.attr.Name].(type) {
	case Object:
		return []Object{v}
	case []any:
		out := make([]Object, len(v))
		for i, e := range v {
			out[i] = e.(Object)
		}
		return out
	}
	return nil
}

func (e compare) match(o Object) bool {
	values := e.values(o)
	if e.op == "pr" {
		return len(values) > 0
	}
	if len(values) == 0 {
		return e.matchAbsent()
	}
	for _, v := range values {
		if e.holds(v) {
			return true
		}
	}
	return false
}

// matchAbsent decides for an attribute without a value: it equals null, it equals false where it is a
// boolean (nobody sends "primary": false), and it is not equal to anything else.
func (e compare) matchAbsent() bool {
	equalsAbsence := e.value == nil || e.value == false
	switch e.op {
	case "eq":
		return equalsAbsence
	case "ne":
		return !equalsAbsence
	}
	return false
}

// values lists what the comparison looks at.
func (e compare) values(o Object) []any {
	a := e.operand()
	if a == nil {
		return nil
	}
	if a == e.ref.attr {
		if c := container(o, e.ref, false); c != nil && c[a.Name] != nil {
			return []any{c[a.Name]}
		}
		return nil
	}
	var out []any
	for _, el := range elements(o, e.ref) {
		if v := el[a.Name]; v != nil {
			out = append(out, v)
		}
	}
	return out
}

func (e compare) holds(v any) bool {
	switch want := e.value.(type) {
	case nil:
		return e.op == "ne"
	case bool:
		got, ok := v.(bool)
		return ok && (got == want) == (e.op == "eq")
	case time.Time:
		s, _ := v.(string)
		got, err := time.Parse(time.RFC3339Nano, s)
		return err == nil && ordered(e.op, got.Compare(want))
	case string:
		got, ok := v.(string)
		return ok && e.holdsText(got, want)
	}
	return false
}

func (e compare) holdsText(got, want string) bool {
	if !e.operand().CaseExact {
		got, want = fold(got), fold(want)
	}
	switch e.op {
	case "co":
		return strings.Contains(got, want)
	case "sw":
		return strings.HasPrefix(got, want)
	case "ew":
		return strings.HasSuffix(got, want)
	}
	return ordered(e.op, strings.Compare(got, want))
}

func ordered(op string, cmp int) bool {
	switch op {
	case "eq":
		return cmp == 0
	case "ne":
		return cmp != 0
	case "gt":
		return cmp > 0
	case "ge":
		return cmp >= 0
	case "lt":
		return cmp < 0
	default:
		return cmp <= 0
	}
}

// fold makes texts comparable regardless of case. Going through upper case first joins letters such as ſ and s.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func foldEqual(a, b string) bool { return strings.EqualFold(a, b) }
