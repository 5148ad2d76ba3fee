package scim

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxBulkOperations bounds one bulk request.
const MaxBulkOperations = 1000

// bulkReference begins a text that stands for the id of a resource made in the same bulk request (RFC 7644 §3.7.2).
const bulkReference = "bulkId:"

// Bulk is a decoded bulk request (RFC 7644 §3.7).
type Bulk struct {
	// FailOnErrors is how many failures end the work; 0 means that none does.
	FailOnErrors int
	Operations   []BulkOperation
}

// BulkOperation is one change of a bulk request. It was read, and not checked: whether its method, path and data go
// together is known where it is done.
type BulkOperation struct {
	// Method is in upper case.
	Method, Path string
	// BulkID is the client's name for a resource that is made; Version the entity tag that the present one must have.
	BulkID, Version string
	data            any
}

// BulkResult is what became of an operation.
type BulkResult struct {
	Method, BulkID, Location string
	// Version is the entity tag, empty where there is none.
	Version string
	Status  int
	// Error is the body of an error, nil after success.
	Error []byte
}

// DecodeBulk reads a bulk request. More than [MaxBulkOperations] is tooMany.
func DecodeBulk(body []byte) (Bulk, error) {
	in, err := parseMessage(body)
	if err != nil {
		return Bulk{}, err
	}
	if err := checkMessageSchema(in, bulkURN); err != nil {
		return Bulk{}, err
	}
	var b Bulk
	if v, _ := in.get("failOnErrors"); v != nil {
		n, _ := v.(number)
		if b.FailOnErrors, err = strconv.Atoi(string(n)); err != nil || b.FailOnErrors < 0 {
			return Bulk{}, refuse(InvalidValue, "\"failOnErrors\" must be an integer that is not negative").At("failOnErrors")
		}
	}
	v, _ := in.get("Operations")
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return Bulk{}, refuse(InvalidSyntax, "\"Operations\" must be an array of at least one operation")
	}
	if len(list) > MaxBulkOperations {
		return Bulk{}, refuse(TooMany, "a bulk request may hold at most %d operations", MaxBulkOperations)
	}
	named := map[string]bool{}
	for i, v := range list {
		o, err := decodeBulkOperation(v)
		if err != nil {
			return Bulk{}, inOperation(i, err)
		}
		if o.BulkID != "" && named[o.BulkID] {
			return Bulk{}, inOperation(i, refuse(InvalidValue, "the bulkId %q is given twice", clip(o.BulkID)))
		}
		named[o.BulkID] = true
		b.Operations = append(b.Operations, o)
	}
	return b, nil
}

func decodeBulkOperation(v any) (BulkOperation, error) {
	in, ok := v.(object)
	if !ok {
		return BulkOperation{}, refuse(InvalidSyntax, "an operation must be an object, not %s", kindOf(v))
	}
	var o BulkOperation
	for name, to := range map[string]*string{"method": &o.Method, "path": &o.Path, "bulkId": &o.BulkID, "version": &o.Version} {
		v, _ := in.get(name)
		s, ok := v.(string)
		if v != nil && !ok {
			return o, refuse(InvalidSyntax, "%q must be a string, not %s", name, kindOf(v))
		}
		*to = s
	}
	o.Method = strings.ToUpper(o.Method)
	o.data, _ = in.get("data")
	switch {
	case o.Method == "" || o.Path == "":
		return o, refuse(InvalidSyntax, "an operation needs a \"method\" and a \"path\"")
	case o.Method == http.MethodPost && o.BulkID == "":
		return o, refuse(InvalidSyntax, "an operation with method POST needs a \"bulkId\"")
	}
	return o, nil
}

// References lists the bulkIds that the operation speaks of, each once: in its path, and wherever its data has a text
// that begins with "bulkId:".
func (o BulkOperation) References() []string {
	var out []string
	seen := map[string]bool{}
	note := func(s string) {
		if id, ok := strings.CutPrefix(s, bulkReference); ok && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, segment := range strings.Split(o.Path, "/") {
		note(segment)
	}
	eachText(o.data, note)
	return out
}

// Changes reports whether the operation is one on the resource that the bulkId stands for: whether its path speaks of it.
func (o BulkOperation) Changes(bulkID string) bool {
	for segment := range strings.SplitSeq(o.Path, "/") {
		if id, ok := strings.CutPrefix(segment, bulkReference); ok && id == bulkID {
			return true
		}
	}
	return false
}

func eachText(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case []any:
		for _, e := range v {
			eachText(e, visit)
		}
	case object:
		for _, m := range v {
			eachText(m.value, visit)
		}
	}
}

// Resolved returns the operation's path and its data as a body, with the ids of the resources that were made in the
// places of their bulkIds. What speaks of a resource that is not made yet is left out of the body with the attribute
// or the element that it is part of; whole is then false. The body is nil when the operation has no data.
func (o BulkOperation) Resolved(ids map[string]string) (path string, body []byte, whole bool) {
	segments := strings.Split(o.Path, "/")
	for i, s := range segments {
		if id, ok := strings.CutPrefix(s, bulkReference); ok && ids[id] != "" {
			segments[i] = ids[id]
		}
	}
	path = strings.Join(segments, "/")
	if o.data == nil {
		return path, nil, true
	}
	r := resolver{ids: ids}
	in, ok := o.data.(object)
	if !ok {
		return path, encode(o.data), true
	}
	out := object{}
	for _, m := range in {
		if v, ok := r.resolve(m.value); ok {
			out = append(out, member{m.name, v})
		}
	}
	return path, encode(out), !r.open
}

// resolver puts ids in the places of references; open says that it met one it did not know.
type resolver struct {
	ids  map[string]string
	open bool
}

// resolve is false for what cannot be said without an unknown id. An array loses such elements and stays.
func (r *resolver) resolve(v any) (_ any, ok bool) {
	switch v := v.(type) {
	case string:
		id, is := strings.CutPrefix(v, bulkReference)
		if !is {
			return v, true
		}
		if r.ids[id] == "" {
			r.open = true
			return nil, false
		}
		return r.ids[id], true
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if e, ok := r.resolve(e); ok {
				out = append(out, e)
			}
		}
		return out, true
	case object:
		out := make(object, 0, len(v))
		for _, m := range v {
			x, ok := r.resolve(m.value)
			if !ok {
				return nil, false
			}
			out = append(out, member{m.name, x})
		}
		return out, true
	}
	return v, true
}

// EncodeBulk writes the answer to a bulk request.
func EncodeBulk(results []BulkResult) []byte {
	list := make([]any, len(results))
	for i, r := range results {
		o := object{{"method", r.Method}}
		for _, m := range []struct{ name, value string }{{"bulkId", r.BulkID}, {"version", r.Version}, {"location", r.Location}} {
			if m.value != "" {
				o = append(o, member{m.name, m.value})
			}
		}
		o = append(o, member{"status", strconv.Itoa(r.Status)})
		if r.Error != nil {
			o = append(o, member{"response", jsontext.Value(r.Error)})
		}
		list[i] = o
	}
	return encode(object{{"schemas", []any{bulkAnswerURN}}, {"Operations", list}})
}
