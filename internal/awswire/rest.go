package awswire

import (
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
)

// DecodeREST reads a rest-json request into the generated structure that in points to: tagged members
// from the query string and from headers, all others from the body (already read). It does not check constraints;
// see Valid. Labels of the path are for services in a [Router], which fills them in itself.
func DecodeREST(r *http.Request, body []byte, in Checker) error {
	params, err := parseValues(r.URL.RawQuery)
	if err != nil {
		return err
	}
	return decodeREST(r, nil, params, body, in)
}

func decodeREST(r *http.Request, labels map[string]string, params url.Values, body []byte, in Checker) error {
	v := reflect.ValueOf(in).Elem()
	document := any(in)
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag
		var err error
		if name := tag.Get("path"); name != "" {
			if value, ok := labels[name]; ok {
				err = textInto(f, value, name)
			}
		} else if name := tag.Get("query"); name != "" {
			err = queryInto(f, params[name], name)
		} else if name := tag.Get("header"); name != "" {
			err = headerInto(f, r.Header.Values(name), name)
		} else if tag.Get("payload") != "" && f.Type() == bytesType {
			f.SetBytes(body)
			document = nil
		} else if tag.Get("payload") != "" {
			document = nil
			if len(body) > 0 {
				f.Set(reflect.New(f.Type().Elem()))
				document = f.Interface()
			}
		}
		if err != nil {
			return err
		}
	}
	if document == nil {
		return nil
	}
	return DecodeJSON(body, document)
}

// textInto stores a value that came as text.
func textInto(f reflect.Value, value, name string) error {
	return (&form{value: value, leaf: true}).into(f, name)
}

// queryInto stores the values of a query parameter: a list takes all, anything else one.
func queryInto(f reflect.Value, values []string, name string) error {
	switch {
	case len(values) == 0:
		return nil
	case f.Kind() == reflect.Slice && f.Type() != bytesType:
		f.Set(reflect.MakeSlice(f.Type(), len(values), len(values)))
		for i, value := range values {
			if err := textInto(f.Index(i), value, name); err != nil {
				return err
			}
		}
		return nil
	case len(values) > 1:
		return malformed("The parameter %q occurs twice.", pointer(name))
	}
	return textInto(f, values[0], name)
}

// headerInto stores a header; lists are separated by commas, and times are HTTP dates (Smithy, "HTTP binding and serialization").
func headerInto(f reflect.Value, values []string, name string) error {
	switch {
	case len(values) == 0:
		return nil
	case f.Kind() == reflect.Slice && f.Type() != bytesType:
		var all []string
		for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
			all = append(all, strings.Trim(part, " \t"))
		}
		return queryInto(f, all, name)
	case len(values) > 1:
		return malformed("The header %s occurs more than once.", name)
	case f.Type() == reflect.PointerTo(timeType):
		t, err := http.ParseTime(values[0])
		if err != nil {
			return malformed("The header %s must be an HTTP date.", name)
		}
		f.Set(reflect.ValueOf(&Time{t.UTC()}))
		return nil
	}
	return textInto(f, values[0], name)
}

// parseValues reads a query string whose parameters may repeat.
func parseValues(raw string) (url.Values, error) {
	out := url.Values{}
	err := eachParameter(raw, func(name, value string) error {
		out[name] = append(out[name], value)
		return nil
	})
	return out, err
}

// encodeREST writes an output structure: tagged members into the header and the status, the payload member or all others into the body. success is the
// operation's own status, or zero.
func encodeREST(h http.Header, success int, out any) (status int, body []byte, err error) {
	if status = success; status == 0 {
		status = http.StatusOK
	}
	document := out
	if v := reflect.ValueOf(out); out != nil {
		for i := range v.Elem().NumField() {
			f, tag := v.Elem().Field(i), v.Type().Elem().Field(i).Tag
			bound := tag.Get("header") != "" || tag.Get("status") != "" || tag.Get("payload") != ""
			if !bound || f.IsZero() {
				continue
			}
			switch {
			case tag.Get("status") != "":
				status = int(f.Elem().Int())
			case tag.Get("header") != "":
				h.Set(tag.Get("header"), headerText(f))
			case f.Type() == bytesType:
				return status, f.Bytes(), nil
			default:
				document = f.Interface()
			}
		}
	}
	if status == http.StatusNoContent {
		return status, nil, nil
	}
	body, err = EncodeJSON(document)
	return status, body, err
}

// headerText is the value of a member in a header.
func headerText(f reflect.Value) string {
	switch v := f.Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case *Time:
		return v.UTC().Format(http.TimeFormat)
	case *string:
		return *v
	case *bool:
		return strconv.FormatBool(*v)
	}
	return strconv.FormatInt(f.Elem().Int(), 10)
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
	write(w, http.StatusOK, restType, requestID, body)
	return nil
}

const restType = "application/json"

// WriteRESTError answers a rest-json operation with an error: its name in the header x-amzn-ErrorType,
// which clients read first, and body, which each API writes in its own way.
func WriteRESTError(w http.ResponseWriter, requestID string, e WireError, body []byte) {
	w.Header().Set("x-amzn-ErrorType", e.Code)
	write(w, e.Status, restType, requestID, body)
}

// write sends header and body with a Content-Length in one write: older Go SDKs lose an answer whose
// body arrives in a later segment than its header.
func write(w http.ResponseWriter, status int, contentType, requestID string, body []byte) {
	h := w.Header()
	h.Set("x-amzn-RequestId", requestID)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if status != http.StatusNoContent {
		h.Set("Content-Type", contentType)
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if len(body) > 0 {
		_, _ = w.Write(body) // the client is gone when this fails, and there is no one to tell
	}
}
