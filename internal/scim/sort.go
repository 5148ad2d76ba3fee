package scim

import (
	"strings"
	"time"
)

// Sort is the order a list is wanted in: the parameters sortBy and sortOrder (RFC 7644 §3.4.2.3). The zero Sort is no
// order of the client's.
type Sort struct {
	by         ref
	descending bool
}

// SortKey is where a resource stands in an order. It holds no more than the value that it was made from.
type SortKey struct {
	text    string
	present bool
}

// ParseSort reads the two parameters. sortBy is an attribute path; of a complex attribute with several parts it must
// name one ("name.familyName"). sortOrder is "ascending" (the default) or "descending"; without sortBy it
// means nothing. What cannot be sorted by is invalidPath, another order invalidValue.
func ParseSort(rt *ResourceType, by, order string) (Sort, error) {
	if by = strings.TrimSpace(by); by == "" {
		return Sort{}, nil
	}
	s := Sort{}
	switch strings.ToLower(order) {
	case "", "ascending":
	case "descending":
		s.descending = true
	default:
		return Sort{}, refuse(InvalidValue, "sortOrder is \"ascending\" or \"descending\"")
	}
	r := rt.resolve(by)
	if r.attr != nil && r.sub == nil && r.attr.Type == Complex {
		r.sub = r.attr.sub("value")
	}
	switch {
	case r.attr == nil:
		return Sort{}, refuse(InvalidPath, "there is no attribute %q to sort by", clip(by))
	case r.attr.Type == Complex && r.sub == nil:
		return Sort{}, refuse(InvalidPath, "%q has several parts; sort by one of them, like %s.%s", clip(by), r.attr.Name, r.attr.Sub[0].Name)
	case r.attr.Name == "groups" || r.attr.Name == "members":
		return Sort{}, refuse(InvalidPath, "resources cannot be sorted by %s", r.attr.Name)
	}
	s.by = r
	return s, nil
}

// Given reports whether the client asked for an order.
func (s Sort) Given() bool { return s.by.known() }

// Key finds what a resource is sorted by. Of several values it is the primary one, or else the first. Texts go by their
// folded form unless their case counts.
func (s Sort) Key(o Object) SortKey {
	v := s.value(o)
	switch v := v.(type) {
	case bool:
		if v {
			return SortKey{"1", true}
		}
		return SortKey{"0", true}
	case string:
		return SortKey{s.comparable(v), true}
	}
	return SortKey{}
}

func (s Sort) value(o Object) any {
	if s.by.sub == nil {
		if c := container(o, s.by, false); c != nil {
			return c[s.by.attr.Name]
		}
		return nil
	}
	all := elements(o, s.by)
	if len(all) == 0 {
		return nil
	}
	chosen := all[0]
	for _, e := range all {
		if e["primary"] == true {
			chosen = e
		}
	}
	return chosen[s.by.sub.Name]
}

// comparable makes texts compare as the attribute's type says.
func (s Sort) comparable(v string) string {
	a := s.by.attr
	if s.by.sub != nil {
		a = s.by.sub
	}
	if a.Type == DateTime {
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format("2006-01-02T15:04:05.000000000")
		}
	}
	if a.CaseExact {
		return v
	}
	return fold(v)
}

// Compare is negative when a comes before b in this order. Resources without a value come last ascending, and first
// descending.
func (s Sort) Compare(a, b SortKey) int {
	c := 0
	switch {
	case a.present && b.present:
		c = strings.Compare(a.text, b.text)
	case a.present:
		c = -1
	case b.present:
		c = 1
	}
	if s.descending {
		return -c
	}
	return c
}
