package scim

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxBody is the largest request body in bytes; a larger one is refused before it is read.
const MaxBody = 1 << 20

// maxDepth bounds the nesting of a request. SCIM itself needs five levels; the rest is for attributes we ignore.
const maxDepth = 32

// A value is parsed JSON: nil, bool, string, number, []any or object.
type (
	object []member // in document order, because PATCH without a path depends on it
	member struct {
		name  string
		value any
	}
	number string
)

// get returns the member of that name in any case.
func (o object) get(name string) (any, bool) {
	for _, m := range o {
		if foldEqual(m.name, name) {
			return m.value, true
		}
	}
	return nil, false
}

// parse reads one JSON text. Duplicate member names, invalid UTF-8 and anything after the text are refused:
// two readers must never understand one request differently (RFC 8259 §4).
func parse(body []byte) (any, error) {
	if len(body) > MaxBody {
		return nil, refuse(InvalidSyntax, "the request body is larger than %d bytes", MaxBody)
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, syntax(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, refuse(InvalidSyntax, "the request body goes on after its JSON text")
	}
	return v, nil
}

var errDepth = errors.New("the JSON is nested too deeply")

func syntax(err error) error {
	if errors.Is(err, errDepth) {
		return refuse(InvalidSyntax, "the JSON is nested deeper than %d levels", maxDepth)
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return refuse(InvalidSyntax, "a JSON object has the same name twice").Because(err)
	}
	return refuse(InvalidSyntax, "the request body is not one JSON text").Because(err)
}

func parseValue(d *jsontext.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	case '0':
		return number(t.String()), nil
	case '[':
		return parseArray(d, depth)
	default:
		return parseObject(d, depth)
	}
}

func parseArray(d *jsontext.Decoder, depth int) (any, error) {
	out := []any{}
	for d.PeekKind() != ']' {
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.ReadToken()
	return out, err
}

func parseObject(d *jsontext.Decoder, depth int) (any, error) {
	out := object{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		n := name.String()
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, member{n, v})
	}
	_, err := d.ReadToken()
	return out, err
}

// kindOf names a value for messages.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case number:
		return "a number"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
