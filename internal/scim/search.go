package scim

import (
	"strconv"
	"strings"
)

// searchParameters are the members of a SearchRequest; each means what the query parameter of its name means.
var searchParameters = [...]string{"filter", "attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count", "cursor"}

// DecodeSearch reads the body of a query by POST (RFC 7644 §3.4.3) into the query parameters that ask the same.
// Members that nobody knows are ignored.
func DecodeSearch(body []byte) (map[string]string, error) {
	in, err := parseMessage(body)
	if err != nil {
		return nil, err
	}
	if err := checkMessageSchema(in, searchURN); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, name := range searchParameters {
		v, _ := in.get(name)
		switch v := v.(type) {
		case nil:
		case string:
			out[name] = v
		case number:
			if _, err := strconv.Atoi(string(v)); err != nil {
				return nil, refuse(InvalidValue, "%q must be an integer", name).At(name)
			}
			out[name] = string(v)
		case []any:
			if out[name], err = nameList(name, v); err != nil {
				return nil, err
			}
		default:
			return nil, refuse(InvalidValue, "%q cannot be %s", name, kindOf(v)).At(name)
		}
	}
	return out, nil
}

// nameList joins attribute names as the query parameter has them.
func nameList(parameter string, list []any) (string, error) {
	if !strings.HasSuffix(strings.ToLower(parameter), "attributes") {
		return "", refuse(InvalidValue, "%q cannot be an array", parameter).At(parameter)
	}
	names := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok || strings.Contains(s, ",") {
			return "", refuse(InvalidValue, "%q must be an array of attribute names", parameter).At(parameter)
		}
		names[i] = s
	}
	return strings.Join(names, ","), nil
}
