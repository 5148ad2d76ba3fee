package plan

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/plan/estate"
)

// setDiffers tells whether a set is changed, and whether its roles are: tags are the set's alone.
func setDiffers(was, now *estate.Set) (changed, roles bool) {
	ds := SetDifferences(was, now)
	return len(ds) > 0, slices.ContainsFunc(ds, func(d Difference) bool { return d.What != "tags" })
}

// Difference is one part of something that changes, in the words of the files.
type Difference struct {
	What   string `json:"what"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// SetDifferences are the parts in which two states of a set differ; either may be nil.
func SetDifferences(was, now *estate.Set) (out []Difference) {
	empty := &estate.Set{}
	was, now = cmp.Or(was, empty), cmp.Or(now, empty)
	add := func(what, before, after string) {
		if before != after {
			out = append(out, Difference{what, before, after})
		}
	}
	add("description", was.Description, now.Description)
	add("session", Human(was.Session), Human(now.Session))
	add("relay_state", was.RelayState, now.RelayState)
	out = append(out, listDifferences("aws_policies", policyNames(was.AWSPolicies), policyNames(now.AWSPolicies))...)
	out = append(out, listDifferences("customer_policies", refNames(was.CustomerPolicies), refNames(now.CustomerPolicies))...)
	if !SamePolicy(was.Inline, now.Inline) {
		add("inline_policy", was.Inline, now.Inline)
	}
	add("boundary", boundaryName(was.Boundary), boundaryName(now.Boundary))
	return append(out, tagDifferences(was.Tags, now.Tags)...)
}

func tagDifferences(was, now map[string]string) (out []Difference) {
	for _, k := range slices.Sorted(maps.Keys(union(was, now))) {
		before, had := was[k]
		after, has := now[k]
		if had != has || before != after {
			out = append(out, Difference{"tags", pair(k, before, had), pair(k, after, has)})
		}
	}
	return out
}

func pair(k, v string, there bool) string {
	if !there {
		return ""
	}
	return k + "=" + v
}

func union(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}

// listDifferences are what is only in one of two lists; the order means nothing.
func listDifferences(what string, was, now []string) (out []Difference) {
	for _, s := range was {
		if !slices.Contains(now, s) {
			out = append(out, Difference{What: what, Before: s})
		}
	}
	for _, s := range now {
		if !slices.Contains(was, s) {
			out = append(out, Difference{What: what, After: s})
		}
	}
	return out
}

func policyNames(arns []string) []string {
	out := make([]string, len(arns))
	for i, a := range arns {
		out[i] = policyName(a)
	}
	return out
}

func refNames(refs []estate.PolicyRef) []string {
	out := make([]string, len(refs))
	for i, r := range refs {
		out[i] = r.String()
	}
	return out
}

func boundaryName(b *estate.Boundary) string {
	switch {
	case b == nil:
		return ""
	case b.Customer != nil:
		return "customer " + b.Customer.String()
	}
	return policyName(b.AWS)
}

// ApplicationDifferences are the parts in which two states of an application differ; either may be nil. What is false is nothing: one that was made and not
// finished then differs in parts of what was to be made.
func ApplicationDifferences(was, now *estate.Application) (out []Difference) {
	none := &estate.Application{Disabled: true}
	was, now = cmp.Or(was, none), cmp.Or(now, none)
	add := func(what, before, after string) {
		if before != after {
			out = append(out, Difference{what, before, after})
		}
	}
	is := func(b bool) string {
		if b {
			return "true"
		}
		return ""
	}
	add("description", was.Description, now.Description)
	add("url", was.URL, now.URL)
	add("visible", is(was.Visible), is(now.Visible))
	add("enabled", is(!was.Disabled), is(!now.Disabled))
	add("anyone", is(was.AnyoneMayUse), is(now.AnyoneMayUse))
	return append(out, tagDifferences(was.Tags, now.Tags)...)
}

// SamePolicy tells whether two policy documents say the same: white space, the order of keys, a single value in place of a list of one, and a number, true or false
// in place of its text do not matter to IAM.
func SamePolicy(a, b string) bool {
	if a == b {
		return true
	}
	if a == "" || b == "" {
		return false
	}
	return canonicalPolicy(a) == canonicalPolicy(b)
}

func canonicalPolicy(document string) string {
	var v any
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	if !jsontext.Value(document).IsValid() || d.Decode(&v) != nil { // a key that comes twice says two things
		return document
	}
	out, err := json.Marshal(canonical(v))
	if err != nil {
		return document
	}
	return string(out)
}

// canonical replaces every list of one by its element, and what is no text by its text. Maps are written in the order of their keys already.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = canonical(v[k])
		}
	case []any:
		nested := false
		for i := range v {
			_, list := v[i].([]any)
			nested = nested || list
			v[i] = canonical(v[i])
		}
		if len(v) == 1 && !nested {
			return v[0]
		}
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return v
}
