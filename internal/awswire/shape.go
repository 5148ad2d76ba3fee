package awswire

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/fault"
)

// Document is a member of any JSON form, kept as it came.
type Document = jsontext.Value

// Empty is the input or output of an operation without members.
type Empty struct{}

// Check finds nothing.
func (*Empty) Check(*Check) {}

// Time is a timestamp on the wire: JSON carries epoch seconds with milliseconds as a fraction, XML
// and query strings carry ISO 8601 in UTC.
type Time struct{ time.Time }

// At returns t for the wire, cut to milliseconds; nil for the zero time, which is then left out.
func At(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t.UTC().Truncate(time.Millisecond)}
}

// MarshalJSONTo writes epoch seconds.
func (t Time) MarshalJSONTo(e *jsontext.Encoder) error {
	ms := t.UnixMilli()
	b := strconv.AppendInt(make([]byte, 0, 16), ms/1000, 10)
	if frac := ms % 1000; frac > 0 {
		b = append(b, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
	}
	return e.WriteValue(b)
}

// UnmarshalJSONFrom reads epoch seconds between the years 1 and 9999.
func (t *Time) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	tok, err := d.ReadToken()
	if err != nil {
		return err
	}
	if tok.Kind() != '0' {
		return fault.New(fault.Invalid, "a timestamp must be a number of seconds since 1970")
	}
	s, err := tok.Float()
	if err != nil {
		return err
	}
	if s < -62135596800 || s > 253402300799 {
		return fault.New(fault.Invalid, "a timestamp must lie between the years 1 and 9999")
	}
	whole, frac := math.Modf(s)
	t.Time = time.Unix(int64(whole), int64(math.Round(frac*1000))*1e6).UTC()
	return nil
}

// Text returns the ISO 8601 form used in XML.
func (t Time) Text() string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Val returns what p points to, or the zero value. A required member is never nil once checked;
// Val is for the optional ones.
func Val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Opt returns a pointer to v, or nil when v is the zero value: an optional member that is absent
// when there is nothing to say.
func Opt[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
