package scim

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Encode writes a resource. The order is the table's, so that equal resources are equal bytes; "schemas"
// names the core schema and the extensions that are there (RFC 7643 §3).
func Encode(rt *ResourceType, o Object) []byte {
	schemas := []any{rt.Core.ID}
	for _, x := range rt.Extensions {
		if len(o.object(x.ID)) > 0 {
			schemas = append(schemas, x.ID)
		}
	}
	out := object{{"schemas", schemas}}
	out = appendAttributes(out, common[:2], o)
	out = appendAttributes(out, rt.Core.Attributes, o)
	for _, x := range rt.Extensions {
		if e := o.object(x.ID); len(e) > 0 {
			out = append(out, member{x.ID, appendAttributes(nil, x.Attributes, e)})
		}
	}
	out = appendAttributes(out, common[2:], o)
	return encode(out)
}

func appendAttributes(out object, as []Attribute, o Object) object {
	for i := range as {
		a := &as[i]
		switch v := o[a.Name].(type) {
		case nil:
		case Object:
			out = append(out, member{a.Name, appendAttributes(nil, a.Sub, v)})
		case []any:
			list := make([]any, len(v))
			for i, e := range v {
				list[i] = appendAttributes(nil, a.Sub, e.(Object))
			}
			out = append(out, member{a.Name, list})
		default:
			out = append(out, member{a.Name, v})
		}
	}
	return out
}

// encode writes a value: what parse gives, and ints and raw JSON besides.
func encode(v any) []byte {
	var b bytes.Buffer
	e := jsontext.NewEncoder(&b)
	// A bytes.Buffer does not fail, and every string that reaches this point was checked to be UTF-8 or is
	// replaced by the encoder's option.
	writeValue(e, v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func writeValue(e *jsontext.Encoder, v any) {
	switch v := v.(type) {
	case nil:
		_ = e.WriteToken(jsontext.Null)
	case bool:
		_ = e.WriteToken(jsontext.Bool(v))
	case int:
		_ = e.WriteToken(jsontext.Int(int64(v)))
	case number:
		_ = e.WriteValue(jsontext.Value(v))
	case string:
		_ = e.WriteToken(jsontext.String(strings.ToValidUTF8(v, "\uFFFD")))
	case jsontext.Value:
		_ = e.WriteValue(v)
	case []any:
		_ = e.WriteToken(jsontext.BeginArray)
		for _, x := range v {
			writeValue(e, x)
		}
		_ = e.WriteToken(jsontext.EndArray)
	case object:
		_ = e.WriteToken(jsontext.BeginObject)
		for _, m := range v {
			_ = e.WriteToken(jsontext.String(m.name))
			writeValue(e, m.value)
		}
		_ = e.WriteToken(jsontext.EndObject)
	}
}

// Page is one page of a list (RFC 7644 §3.4.2).
type Page struct {
	// Total is the number of matches on all pages; negative when it is not known (with cursors it may be left out).
	Total int
	// StartIndex is the 1-based index of the first resource; it is not shown with cursors.
	StartIndex int
	// ByCursor says that the client pages by cursor (RFC 9865); NextCursor is empty on the last page.
	ByCursor   bool
	NextCursor string
	// Resources are encoded resources.
	Resources [][]byte
}

// EncodeList writes a ListResponse. "Resources" is always there, since clients iterate over it unasked.
func EncodeList(p Page) []byte {
	list := make([]any, len(p.Resources))
	for i, r := range p.Resources {
		list[i] = jsontext.Value(r)
	}
	out := object{{"schemas", []any{listURN}}}
	if p.Total >= 0 {
		out = append(out, member{"totalResults", p.Total})
	}
	out = append(out, member{"itemsPerPage", len(p.Resources)})
	if !p.ByCursor {
		out = append(out, member{"startIndex", p.StartIndex})
	}
	if p.NextCursor != "" {
		out = append(out, member{"nextCursor", p.NextCursor})
	}
	return encode(append(out, member{"Resources", list}))
}

// ErrorBody is an error answer (RFC 7644 §3.12).
type ErrorBody struct {
	Status           int
	ScimType, Detail string
	// RequestID and At are shown in the AWS profile only.
	RequestID string
	At        time.Time
}

// Encode writes the error. The AWS profile has AWS's body: both spellings of "schemas", no scimType, the
// request's id and the time.
func (e ErrorBody) Encode(p Profile) []byte {
	status := strconv.Itoa(e.Status) // a string, as the RFC has it
	if p == AWS {
		return encode(object{
			{"schema", []any{errorURN}}, {"schemas", []any{errorURN}}, {"detail", e.Detail}, {"status", status},
			{"exceptionRequestId", e.RequestID}, {"timeStamp", e.At.UTC().Format("2006-01-02 15:04:05.000")},
		})
	}
	out := object{{"schemas", []any{errorURN}}, {"status", status}}
	if e.ScimType != "" {
		out = append(out, member{"scimType", e.ScimType})
	}
	return encode(append(out, member{"detail", e.Detail}))
}

// ETag is the weak entity tag of a version (RFC 7644 §3.14).
func ETag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// ETagMatches reports whether an If-Match or If-None-Match header names the version, by weak comparison.
// Some clients send the tag without its W/.
func ETagMatches(header string, version int64) bool {
	want := `"` + strconv.FormatInt(version, 10) + `"`
	for _, tag := range strings.Split(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == want {
			return true
		}
	}
	return false
}
