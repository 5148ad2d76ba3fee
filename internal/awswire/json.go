package awswire

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/fault"
)

// Limits of a request, whatever the protocol.
const (
	// MaxBody is the largest body that is read, in bytes.
	MaxBody = 1 << 20
	// MaxDepth is how deep objects, arrays and form members may nest. No AWS shape comes near it.
	MaxDepth = 64
	// MaxParameters is how many parameters a form may have.
	MaxParameters = 10000
)

// Reasons of Invalid faults that protocols name apart from an ordinary validation error.
const (
	// ReasonSerialization marks a body that is not what its protocol calls well formed.
	ReasonSerialization = "serialization"
	// ReasonUnknownOperation marks a name that is no operation of the service.
	ReasonUnknownOperation = "unknown-operation"
	// ReasonWrongMethod marks a path of a REST service that has no such method.
	ReasonWrongMethod = "wrong-method"
	// ReasonUnimplemented marks an operation that AWS has and Gatehouse has not, yet.
	ReasonUnimplemented = "unimplemented"
	// ReasonTooLarge marks a body beyond MaxBody.
	ReasonTooLarge = "too-large"
)

func malformed(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).For(ReasonSerialization)
}

// DecodeJSON reads a request body into the generated structure that in points to. Member names are
// case-sensitive; a name that occurs twice is refused, because two parsers may disagree on which one
// counts; unknown members are ignored, as AWS does. An empty body is the empty object.
func DecodeJSON(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	if tooDeep(body) {
		return malformed("The request body nests deeper than %d levels.", MaxDepth)
	}
	if k := jsontext.Value(body).Kind(); k != '{' {
		return malformed("The request body must be a JSON object.")
	}
	err := json.Unmarshal(body, in)
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return malformed("The value at %q has the wrong type.", pointer(string(semantic.JSONPointer)))
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName) {
		return malformed("The member %q occurs twice.", pointer(string(syntactic.JSONPointer)))
	}
	return malformed("The request body is not valid JSON.")
}

// pointer shortens a JSON pointer, which may hold a name of any length that the client chose.
func pointer(p string) string {
	const limit = 100
	if p == "" {
		return "/"
	}
	if len(p) > limit {
		return strings.ToValidUTF8(p[:limit], "") + "…"
	}
	return p
}

// tooDeep counts brackets outside strings: enough to refuse before any parser recurses.
func tooDeep(body []byte) bool {
	depth, inString, escaped := 0, false, false
	for _, b := range body {
		switch {
		case escaped:
			escaped = false
		case inString && b == '\\':
			escaped = true
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

// EncodeJSON writes an output structure; nil gives the empty object.
func EncodeJSON(out any) ([]byte, error) {
	if out == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(out)
}
