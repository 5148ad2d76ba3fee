package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/fault"
)

// maxDepth is deeper than any policy: document, statements, statement, Condition, operator, values.
const maxDepth = 8

// node is a JSON value that knows where it stands.
type node struct {
	offset  int64
	end     int64         // of an object: after its closing brace
	kind    jsontext.Kind // '{' '[' '"' '0' 't' 'f' 'n'
	text    string        // of a string, number or boolean
	items   []node        // of an array
	members []member      // of an object, in order
}

type member struct {
	name   string
	offset int64
	value  node
}

// reader turns bytes into nodes.
type reader struct {
	data []byte
	dec  *jsontext.Decoder
}

// read parses the whole of data as one JSON value. Duplicate member names, invalid UTF-8 and anything
// after the value are refused (by jsontext's defaults, RFC 7493 §2.3).
func read(data []byte) (node, error) {
	r := &reader{data: data, dec: jsontext.NewDecoder(bytes.NewBuffer(data))}
	n, err := r.value(0)
	if err != nil {
		return node{}, r.fault(err)
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return node{}, malformed(data, r.next(), "there is more after the end of the document")
	}
	return n, nil
}

// fault names the place of a JSON error.
func (r *reader) fault(err error) error {
	var at *positioned
	if errors.As(err, &at) {
		return malformed(r.data, at.offset, "%s", at.text)
	}
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName):
		return malformed(r.data, syntactic.ByteOffset, "the member %q appears twice", syntactic.JSONPointer.LastToken())
	case errors.As(err, &syntactic) && !errors.Is(err, io.ErrUnexpectedEOF):
		return malformed(r.data, syntactic.ByteOffset, "this is not JSON")
	default:
		return malformed(r.data, int64(len(r.data)), "the document ends too early")
	}
}

// positioned is an error of our own with its place.
type positioned struct {
	offset int64
	text   string
}

func (p *positioned) Error() string { return p.text }

// next returns the offset of the next token.
func (r *reader) next() int64 {
	at := r.dec.InputOffset()
	for at < int64(len(r.data)) && strings.IndexByte(" \t\r\n,:", r.data[at]) >= 0 {
		at++
	}
	return at
}

func (r *reader) value(depth int) (node, error) {
	n := node{offset: r.next()}
	if depth > maxDepth {
		return n, &positioned{n.offset, "the document is nested too deeply"}
	}
	tok, err := r.dec.ReadToken()
	if err != nil {
		return n, err
	}
	switch n.kind = tok.Kind(); n.kind {
	case '{':
		return r.object(n, depth)
	case '[':
		return r.array(n, depth)
	default:
		n.text = tok.String()
		return n, plain(n)
	}
}

// plain refuses control characters in strings: no IAM name holds one, and the matcher uses two of them for
// its wildcards.
func plain(n node) error {
	for i := 0; i < len(n.text); i++ {
		if c := n.text[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return &positioned{n.offset, "a string holds a control character"}
		}
	}
	return nil
}

func (r *reader) object(n node, depth int) (node, error) {
	for r.dec.PeekKind() != '}' {
		m := member{offset: r.next()}
		tok, err := r.dec.ReadToken()
		if err != nil {
			return n, err
		}
		m.name = tok.String()
		if err := plain(node{offset: m.offset, text: m.name}); err != nil {
			return n, err
		}
		if m.value, err = r.value(depth + 1); err != nil {
			return n, err
		}
		n.members = append(n.members, m)
	}
	_, err := r.dec.ReadToken()
	n.end = r.dec.InputOffset()
	return n, err
}

func (r *reader) array(n node, depth int) (node, error) {
	for r.dec.PeekKind() != ']' {
		item, err := r.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
	}
	_, err := r.dec.ReadToken()
	return n, err
}

// malformed makes the fault for a document that breaks the grammar. Its Reason is "malformed-policy", which
// IAM and STS answer as MalformedPolicyDocument.
func malformed(data []byte, offset int64, format string, args ...any) *fault.Fault {
	line, column := position(data, offset)
	return fault.New(fault.Invalid, "Syntax errors in policy: line %d, column %d: %s.", line, column, fmt.Sprintf(format, args...)).For("malformed-policy").At("PolicyDocument")
}

// Position is a place in a document: line and column, in characters, both counted from one.
type Position struct{ Line, Column int }

// reading tells the positions of offsets that only grow, in one pass over the document.
type reading struct {
	data []byte
	at   int64
	Position
}

func (r *reading) to(offset int64) Position {
	for _, c := range string(r.data[r.at:offset]) {
		r.Column++
		if c == '\n' {
			r.Line, r.Column = r.Line+1, 1
		}
	}
	r.at = offset
	return r.Position
}

// position returns the line and the column in characters, both counted from one.
func position(data []byte, offset int64) (line, column int) {
	before := data[:max(0, min(offset, int64(len(data))))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, len(bytes.Runes(before[start:])) + 1
}
