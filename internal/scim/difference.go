package scim

import (
	"maps"
	"slices"
)

// Difference is an attribute that two states of a resource do not share. Before and After are JSON; nil where it is unassigned.
type Difference struct {
	// Attribute is the name as a PATCH path has it: "userName", "name.familyName", "urn:…:enterprise:2.0:User:department".
	Attribute     string
	Before, After []byte
}

// Differences compares two states of a resource, either of which may be empty, in the order of the attributes' names. Parts of a complex attribute
// are compared one by one, multi-valued attributes as a whole. What the server sets by itself (id, meta, $ref) is left out.
func Differences(before, after Object) []Difference {
	return differences(nil, "", before, after)
}

func differences(out []Difference, prefix string, before, after Object) []Difference {
	names := map[string]bool{}
	for _, o := range []Object{before, after} {
		for name := range o {
			names[name] = name != "$ref" && (prefix != "" || name != "id" && name != "meta")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, is := before[name], after[name]
		if !names[name] || sameValue(was, is) {
			continue
		}
		x, complexBefore := was.(Object)
		y, complexAfter := is.(Object)
		if complexBefore || complexAfter {
			separator := "."
			if ofExtension(name) {
				separator = ":"
			}
			out = differences(out, prefix+name+separator, x, y)
			continue
		}
		out = append(out, Difference{prefix + name, valueJSON(was), valueJSON(is)})
	}
	return out
}

// ofExtension reports whether a name is that of an extension's schema, after which attributes follow a colon (RFC 7644 §3.10).
func ofExtension(name string) bool { return name == EnterpriseURN }

func valueJSON(v any) []byte {
	if v == nil {
		return nil
	}
	return encode(sorted(v))
}

// sorted turns objects into what has an order, by name.
func sorted(v any) any {
	switch v := v.(type) {
	case Object:
		out := object{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, member{name, sorted(v[name])})
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = sorted(e)
		}
		return out
	}
	return v
}
