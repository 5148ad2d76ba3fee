package sqlstore

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/fault"
)

// encode writes a stored document. It is done before the transaction, because on SQLite all writers share one.
func encode(doc any) (string, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return "", fault.New(fault.Invalid, "text must be UTF-8").Because(err) // the only way a document of ours fails to encode
	}
	return string(b), nil
}

// decode reads a stored document.
func decode[T any](doc string) (T, error) {
	var v T
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		return v, fmt.Errorf("a stored document is damaged: %w", err)
	}
	return v, nil
}

// stamp is a time inside a document: microseconds since 1970, left out when zero.
type stamp struct{ time.Time }

// MarshalJSONTo writes the number.
func (s stamp) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteToken(jsontext.Int(s.UnixMicro()))
}

// UnmarshalJSONFrom reads the number.
func (s *stamp) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return err
	}
	s.Time = moment(n)
	return nil
}

// mapped converts a list to or from its stored shape; an empty list becomes nil.
func mapped[A, B any](in []A, f func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}
