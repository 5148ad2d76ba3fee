package scim

import (
	"strings"

	"gatehouse/internal/fault"
)

// maxOperations bounds one PATCH request. Entra sends at most a few dozen, authentik one per member.
const maxOperations = 10_000

// Patch is a decoded PATCH request (RFC 7644 §3.5.2).
type Patch struct {
	operations []operation
}

// Len is the number of operations.
func (p Patch) Len() int { return len(p.operations) }

// operation is one change. kind is "add", "replace" or "remove".
type operation struct {
	kind, path string
	value      any
	hasValue   bool
}

// DecodePatch reads a PATCH request: the PatchOp message with at least one operation. Operation names are
// taken in any case; Entra capitalises them.
func DecodePatch(body []byte) (Patch, error) {
	in, err := parseMessage(body)
	if err != nil {
		return Patch{}, err
	}
	if err := checkMessageSchema(in, patchURN); err != nil {
		return Patch{}, err
	}
	v, _ := in.get("Operations")
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return Patch{}, refuse(InvalidSyntax, "\"Operations\" must be an array of at least one operation")
	}
	if len(list) > maxOperations {
		return Patch{}, refuse(TooMany, "a request may hold at most %d operations", maxOperations)
	}
	p := Patch{operations: make([]operation, len(list))}
	for i, v := range list {
		if p.operations[i], err = decodeOperation(v); err != nil {
			return Patch{}, inOperation(i, err)
		}
	}
	return p, nil
}

// parseMessage reads a body that must be a JSON object without two members of one name in any case.
func parseMessage(body []byte) (object, error) {
	v, err := parse(body)
	if err != nil {
		return nil, err
	}
	in, ok := v.(object)
	if !ok {
		return nil, refuse(InvalidSyntax, "the request body must be a JSON object, not %s", kindOf(v))
	}
	seen := make(map[string]bool, len(in))
	for _, m := range in {
		if seen[fold(m.name)] {
			return nil, refuse(InvalidSyntax, "the attribute %q is given twice", clip(m.name))
		}
		seen[fold(m.name)] = true
	}
	return in, nil
}

// checkMessageSchema demands that a message says which one it is (RFC 7644 §3.1).
func checkMessageSchema(in object, urn string) error {
	v, ok := in.get("schemas")
	if ok {
		list, _ := v.([]any)
		for _, s := range list {
			if s, _ := s.(string); strings.EqualFold(s, urn) {
				return nil
			}
		}
	}
	return refuse(InvalidSyntax, "\"schemas\" must name %s", urn)
}

func decodeOperation(v any) (operation, error) {
	in, ok := v.(object)
	if !ok {
		return operation{}, refuse(InvalidSyntax, "an operation must be an object, not %s", kindOf(v))
	}
	var o operation
	seen := map[string]bool{}
	for _, m := range in {
		key := strings.ToLower(m.name)
		if seen[key] {
			return o, refuse(InvalidSyntax, "%q is given twice", m.name)
		}
		seen[key] = true
		switch key {
		case "op":
			s, _ := m.value.(string)
			o.kind = strings.ToLower(s)
		case "path":
			s, ok := m.value.(string)
			if !ok && m.value != nil {
				return o, refuse(InvalidPath, "\"path\" must be a string, not %s", kindOf(m.value))
			}
			o.path = s
		case "value":
			o.value, o.hasValue = m.value, true
		}
	}
	switch o.kind {
	case "add", "replace":
		if !o.hasValue {
			return o, refuse(InvalidValue, "\"%s\" needs a \"value\"", o.kind)
		}
	case "remove":
		if strings.TrimSpace(o.path) == "" {
			return o, refuse(NoTarget, "\"remove\" needs a \"path\"")
		}
	default:
		return o, refuse(InvalidSyntax, "\"op\" must be add, replace or remove")
	}
	return o, nil
}

// inOperation says which operation failed.
func inOperation(i int, err error) error {
	f := *fault.Of(err)
	f.Message = fault.New(f.Kind, "operation %d: %s", i+1, f.Message).Message
	return &f
}

// change is one operation after its path was read and, where there was none, its value taken apart: a
// pathless operation is one change for each key of its value.
type change struct {
	kind   string
	target target
	value  any
	// hasValue matters for "remove" only.
	hasValue bool
	// pathless changes skip what they may not write, because clients send the resource as they know it, id
	// and all (Okta's group rename); an explicit path to it is an error.
	pathless bool
}

// changes reads an operation's path. Keys of a pathless value are paths themselves: nested objects as in
// the RFC, dotted names and URNs as aadOptscim062020 sends them.
func (o operation) changes(rt *ResourceType) ([]change, error) {
	if strings.TrimSpace(o.path) != "" {
		t, err := parsePath(rt, o.path)
		if err != nil {
			return nil, err
		}
		return expand(change{kind: o.kind, target: t, value: o.value, hasValue: o.hasValue})
	}
	in, ok := o.value.(object)
	if !ok {
		return nil, refuse(InvalidValue, "without a \"path\", \"value\" must be an object of attributes, not %s", kindOf(o.value))
	}
	var out []change
	for _, m := range in {
		if isEnvelope(m.name) {
			continue
		}
		t, err := parsePath(rt, m.name)
		if err != nil {
			return nil, err
		}
		cs, err := expand(change{kind: o.kind, target: t, value: m.value, hasValue: true, pathless: true})
		if err != nil {
			return nil, err
		}
		out = append(out, cs...)
	}
	return out, nil
}

// isEnvelope names the members that frame a resource without being changes to it.
func isEnvelope(name string) bool {
	return strings.EqualFold(name, "schemas") || strings.EqualFold(name, "id") || strings.EqualFold(name, "meta")
}

// expand turns a change of a whole extension into changes of its attributes.
func expand(c change) ([]change, error) {
	if !c.target.whole {
		return []change{c}, nil
	}
	in, ok := c.value.(object)
	if c.kind == "remove" || c.value == nil {
		in, ok = nil, true
		for _, a := range c.target.ext.Attributes {
			in = append(in, member{a.Name, nil})
		}
	}
	if !ok {
		return nil, refuse(InvalidValue, "%q must be an object, not %s", c.target.ext.ID, kindOf(c.value))
	}
	var out []change
	for _, m := range in {
		a := findAttribute(c.target.ext.Attributes, m.name)
		if a == nil {
			continue
		}
		out = append(out, change{kind: c.kind, target: target{ref: ref{ext: c.target.ext, attr: a}}, value: m.value, hasValue: c.kind != "remove", pathless: true})
	}
	return out, nil
}
