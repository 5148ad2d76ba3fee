package cloudformation

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A value is what an expression of a template comes to: string, [Number], bool, []any, map[string]any, or nil for what is left out
// (AWS::NoValue). Properties are a map of them.

// Number is a number as it is written, so that nothing of it is lost.
type Number string

// MarshalJSONTo writes the number.
func (n Number) MarshalJSONTo(e *jsontext.Encoder) error { return e.WriteValue(jsontext.Value(n)) }

// Properties are a resource's properties with every function resolved.
type Properties map[string]any

// unknown stands, in a plan, for what is known only when the operation runs.
type unknown struct{}

// Later is how an unknown value is shown in change sets.
const later = "{{changeSet:KNOWN_AFTER_APPLY}}"

func isUnknown(v any) bool {
	switch v := v.(type) {
	case unknown:
		return true
	case []any:
		for _, x := range v {
			if isUnknown(x) {
				return true
			}
		}
	case map[string]any:
		for _, x := range v {
			if isUnknown(x) {
				return true
			}
		}
	}
	return false
}

// equal compares values as CloudFormation does: a scalar is the same whatever its type is written as.
func equal(a, b any) bool {
	if sa, ok := text(a); ok {
		sb, ok := text(b)
		return ok && sa == sb
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			v, ok := b[k]
			if !ok || !equal(a[k], v) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

// text is a scalar as text.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Number:
		return string(v), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// EncodeJSON writes a value as JSON.
func EncodeJSON(v any) (string, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	return string(b), err
}

// DecodeProperties reads properties that EncodeJSON wrote.
func DecodeProperties(s string) (Properties, error) {
	d := jsontext.NewDecoder(strings.NewReader(s))
	v, err := decodeValue(d)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	return m, nil
}

func decodeValue(d *jsontext.Decoder) (any, error) {
	switch d.PeekKind() {
	case '{':
		return decodeObject(d)
	case '[':
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		out := []any{}
		for d.PeekKind() != ']' {
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err := d.ReadToken()
		return out, err
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '"':
		return t.String(), nil
	case '0':
		return Number(t.String()), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil
}

func decodeObject(d *jsontext.Decoder) (any, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for d.PeekKind() != '}' {
		k, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := k.String()
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		out[key] = v
	}
	_, err := d.ReadToken()
	return out, err
}

func itoa(i int) string { return strconv.Itoa(i) }
