package awswire

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// template is the URI of a REST operation (Smithy, "http" trait): literal segments, labels such as {id}, at most one greedy label such as {arn+}, which
// takes one or more segments, and literal query parameters such as ?aws_iam=t, which a request must have.
type template struct {
	operation, method string
	segments          []segment
	query             []parameter
}

// segment is a literal, or a label where label is not empty.
type segment struct {
	literal, label string
	greedy         bool
}

// newTemplate parses the path of an operation of the model. The shape generator refuses what it refuses.
func newTemplate(o OperationModel) (template, error) {
	t := template{operation: o.Name, method: o.Method}
	path, query, _ := strings.Cut(o.Path, "?")
	if o.Method == "" || !strings.HasPrefix(path, "/") {
		return t, fmt.Errorf("awswire: %s needs a method and a path that begins with a slash", o.Name)
	}
	greedy := 0
	for part := range strings.SplitSeq(path[1:], "/") {
		s := segment{literal: part}
		if inner, ok := strings.CutPrefix(part, "{"); ok {
			s.literal = ""
			s.label, ok = strings.CutSuffix(inner, "}")
			s.label, s.greedy = strings.CutSuffix(s.label, "+")
			if !ok || s.label == "" {
				return t, fmt.Errorf("awswire: %s: %q is not a label", o.Name, part)
			}
		}
		if s.greedy {
			greedy++
		}
		t.segments = append(t.segments, s)
	}
	if greedy > 1 {
		return t, fmt.Errorf("awswire: %s has two greedy labels", o.Name)
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name != "" {
			t.query = append(t.query, parameter{name, value})
		}
	}
	return t, nil
}

// match returns the values of the labels if the template fits the decoded segments of a path and its query.
func (t *template) match(path []string, q url.Values) (labels map[string]string, ok bool) {
	for _, p := range t.query {
		if values, there := q[p.name]; !there || values[0] != p.value {
			return nil, false
		}
	}
	extra := len(path) - len(t.segments) // what a greedy label takes beyond one segment
	if extra < 0 {
		return nil, false
	}
	labels = map[string]string{}
	for i, s := range t.segments {
		if i >= len(path) {
			return nil, false
		}
		value := path[i]
		if s.greedy {
			value = strings.Join(path[i:i+extra+1], "/")
			path, extra = path[extra:], 0
		}
		switch {
		case s.label == "" && s.literal != value, s.label != "" && value == "":
			return nil, false
		case s.label != "":
			labels[s.label] = value
		}
	}
	return labels, extra == 0
}

// anchored reports whether the path begins with a literal, so that a request without a signature can be told to be meant for it.
func (t *template) anchored() bool { return t.segments[0].literal != "" }

// specific sorts templates so that the first that matches is the one that says most: a literal before a label before a greedy label, then more query
// literals (Smithy, "specificity routing").
func specific(a, b template) int {
	rank := func(s segment) int {
		switch {
		case s.greedy:
			return 2
		case s.label != "":
			return 1
		}
		return 0
	}
	for i := range min(len(a.segments), len(b.segments)) {
		if c := cmp.Compare(rank(a.segments[i]), rank(b.segments[i])); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(b.segments), len(a.segments)), cmp.Compare(len(b.query), len(a.query)), strings.Compare(a.operation, b.operation))
}

// splitPath decodes an escaped path into its segments. What two programs on the way may read in two ways is refused: empty segments, which some fold;
// "." and "..", which some resolve, also when they are escaped; and bytes that are not UTF-8. An escaped slash stays inside its segment.
func splitPath(escaped string) ([]string, error) {
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok {
		return nil, malformed("The path must begin with a slash.")
	}
	parts := strings.Split(rest, "/")
	if len(parts) > MaxDepth {
		return nil, malformed("The path has more than %d segments.", MaxDepth)
	}
	for i, part := range parts {
		decoded, err := url.PathUnescape(part)
		switch {
		case err != nil:
			return nil, malformed("The path is not valid percent-encoding.")
		case part == "" && i < len(parts)-1:
			return nil, malformed("The path has two slashes in a row. Leave one out; a value that begins or ends with a slash is written with %%2F.")
		case decoded == "." || decoded == "..":
			return nil, malformed("The path has a segment %q, which is no value here.", decoded)
		case !utf8.ValidString(decoded):
			return nil, malformed("The path is not UTF-8.")
		}
		parts[i] = decoded
	}
	return parts, nil
}

// findREST returns the operation that a method, a path and a query name, and the values of its labels. allow lists the methods that the path has, where only the
// method is wrong.
func findREST(templates []template, method string, path []string, q url.Values) (operation string, labels map[string]string, allow []string) {
	for i := range templates {
		t := &templates[i]
		l, ok := t.match(path, q)
		switch {
		case ok && t.method == method:
			return t.operation, l, nil
		case ok && !slices.Contains(allow, t.method):
			allow = append(allow, t.method)
		}
	}
	slices.Sort(allow)
	return "", nil, allow
}
