package awswire

import (
	"net/http"
	"reflect"
	"strconv"

	"gatehouse/internal/fault"
)

// DecodeREST reads a rest-json request into the generated structure that in points to: tagged members
// from the query string and from headers, all others from the body (already read). It does not check constraints;
// see Valid.
func DecodeREST(r *http.Request, body []byte, in Checker) error {
	if err := DecodeJSON(body, in); err != nil {
		return err
	}
	params, err := ParseForm(r.URL.RawQuery)
	if err != nil {
		return err
	}
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if name := tag.Get("query"); name != "" {
			if value, ok := params[name]; ok {
				if err := (&form{value: value, leaf: true}).into(v.Field(i), name); err != nil {
					return err
				}
			}
		}
		if name := tag.Get("header"); name != "" {
			if values := r.Header.Values(name); len(values) == 1 {
				v.Field(i).Set(reflect.ValueOf(&values[0]))
			} else if len(values) > 1 {
				return malformed("The header %s occurs more than once.", name)
			}
		}
	}
	return nil
}

// Valid returns an Invalid fault with every constraint that in violates, or nil.
func Valid(in Checker) error {
	var c Check
	in.Check(&c)
	return c.Fault()
}

// WriteREST answers a rest-json operation in one write with Content-Length; a nil out has no body.
func WriteREST(w http.ResponseWriter, requestID string, out any) error {
	var body []byte
	if out != nil {
		var err error
		if body, err = EncodeJSON(out); err != nil {
			return fault.New(fault.Internal, "encode the answer").Because(err)
		}
	}
	writeREST(w, http.StatusOK, requestID, body)
	return nil
}

// WriteRESTError answers a rest-json operation with an error: its name in the header x-amzn-ErrorType,
// which clients read first, and body, which each API writes in its own way.
func WriteRESTError(w http.ResponseWriter, requestID string, e WireError, body []byte) {
	w.Header().Set("x-amzn-ErrorType", e.Code)
	writeREST(w, e.Status, requestID, body)
}

func writeREST(w http.ResponseWriter, status int, requestID string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("x-amzn-RequestId", requestID)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone when this fails, and there is no one to tell
}
