package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/policy"
)

// power is what a permission set can do, as far as it is known here.
type power struct {
	identity []policy.Named
	boundary *policy.Named
	generous policy.Policies // the same, with what depends on conditions decided for allowing
	unknown  []string        // policies whose text is not known
	sample   []string        // resources that the policies speak of
}

// statement of a policy, for what is looked at before it is decided.
type statement struct {
	fields map[string]any
}

func statements(document string) (out []statement) {
	var d struct{ Statement any }
	if json.Unmarshal([]byte(document), &d) != nil {
		return nil
	}
	list, many := d.Statement.([]any)
	if !many {
		list = []any{d.Statement}
	}
	for _, s := range list {
		if m, ok := s.(map[string]any); ok {
			out = append(out, statement{m})
		}
	}
	return out
}

func (s statement) allows() bool { return s.fields["Effect"] == "Allow" }

// strings of an element, which may be one or a list.
func (s statement) strings(element string) (out []string) {
	switch v := s.fields[element].(type) {
	case string:
		return []string{v}
	case []any:
		for _, i := range v {
			if t, ok := i.(string); ok {
				out = append(out, t)
			}
		}
	}
	return out
}

// keys are the condition keys a statement depends on.
func (s statement) keys() (out []string) {
	operators, _ := s.fields["Condition"].(map[string]any)
	for _, o := range operators {
		if m, ok := o.(map[string]any); ok {
			out = slices.AppendSeq(out, maps.Keys(m))
		}
	}
	return out
}

func (s statement) canonical() string {
	out, _ := json.Marshal(canonical(s.fields)) // it was decoded from JSON
	return string(out)
}

// wider tells whether a document has an Allow that another has not, or lacks a Deny that it has. Text that cannot be read counts as wider.
func wider(before, after string) bool {
	had := map[string]bool{}
	for _, s := range statements(before) {
		had[s.canonical()] = true
	}
	has := map[string]bool{}
	for _, s := range statements(after) {
		has[s.canonical()] = true
		if s.allows() && !had[s.canonical()] {
			return true
		}
	}
	return slices.ContainsFunc(statements(before), func(s statement) bool { return !s.allows() && !has[s.canonical()] })
}

// powerOf compiles a set. Condition keys in given have values in the question, so that what depends on them alone can be decided.
func powerOf(s *estate.Set, given map[string][]string) power {
	var p power
	texts := map[string]string{}
	managed := func(arn string) (string, bool) {
		m, ok := policy.Builtin().Find("arn:aws:" + afterPartition(arn))
		if !ok {
			return "", false
		}
		return m.Text, true
	}
	for _, arn := range s.AWSPolicies {
		if text, ok := managed(arn); ok {
			texts[policyName(arn)] = text
		} else {
			p.unknown = append(p.unknown, policyName(arn))
		}
	}
	p.unknown = append(p.unknown, refNames(s.CustomerPolicies)...)
	if s.Inline != "" {
		texts["inline policy"] = s.Inline
	}
	for _, name := range sortedKeys(texts) {
		p.add(name, texts[name], given)
	}
	switch b := s.Boundary; {
	case b == nil:
	case b.Customer != nil:
		p.unknown = append(p.unknown, b.Customer.String())
	default:
		if text, ok := managed(b.AWS); ok {
			if d, err := policy.Parse([]byte(text), policy.ForIdentity); err == nil {
				p.boundary = &policy.Named{Name: policyName(b.AWS), Document: d}
				p.sampleOf(text)
			}
			if d, err := policy.Parse([]byte(generous(text, given)), policy.ForIdentity); err == nil {
				p.generous.Boundary = &policy.Named{Name: policyName(b.AWS), Document: d}
			}
		} else {
			p.unknown = append(p.unknown, policyName(b.AWS))
		}
	}
	return p
}

func afterPartition(arn string) string {
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 {
		return parts[2]
	}
	return arn
}

func (p *power) add(name, text string, given map[string][]string) {
	d, err := policy.Parse([]byte(text), policy.ForIdentity)
	if err != nil {
		p.unknown = append(p.unknown, name)
		return
	}
	p.identity = append(p.identity, policy.Named{Name: name, Document: d})
	if g := generous(text, given); g != "" {
		if d, err := policy.Parse([]byte(g), policy.ForIdentity); err == nil {
			p.generous.Identity = append(p.generous.Identity, policy.Named{Name: name, Document: d})
		}
	}
	p.sampleOf(text)
}

// sampleOf notes a resource for every pattern of resources in a document.
func (p *power) sampleOf(text string) {
	for _, s := range statements(text) {
		for _, r := range append(s.strings("Resource"), s.strings("NotResource")...) {
			if r != "*" {
				p.sample = append(p.sample, strings.NewReplacer("*", "x", "?", "x").Replace(r))
			}
		}
	}
}

// generous is a document in which what depends on condition keys without given values is decided for allowing: such an Allow has no conditions, and such a
// Deny is left out. It is "" when nothing is left.
func generous(text string, given map[string][]string) string {
	var out []map[string]any
	for _, s := range statements(text) {
		if slices.ContainsFunc(s.keys(), func(k string) bool { return !givenKey(given, k) }) {
			if !s.allows() {
				continue
			}
			s.fields = maps.Clone(s.fields)
			delete(s.fields, "Condition")
		}
		out = append(out, s.fields)
	}
	if len(out) == 0 {
		return ""
	}
	data, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": out})
	if err != nil {
		return ""
	}
	return string(data)
}

func givenKey(given map[string][]string, key string) bool {
	for k := range given {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// asked is a role's session, for questions.
var asked = policy.Principal{Kind: policy.RoleSession, ARN: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x_0123456789abcdef",
	SessionARN: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_x_0123456789abcdef/person", AccountID: "111122223333", ID: "AROAEXAMPLE"}

// verdict of one question.
type verdict uint8

const (
	denied verdict = iota
	allowed
	depends // on policies whose text is not known, or on conditions
)

// ask decides an action on a resource.
func (p *power) ask(action, resource string, given map[string][]string) (verdict, string) {
	context := policy.Context{}
	for k, v := range given {
		context.Set(k, v...)
	}
	q := policy.Request{Principal: asked, Action: action, Resource: resource, Context: context}
	strict := policy.Evaluate(policy.Policies{Identity: p.identity, Boundary: p.boundary}, q)
	might := policy.Evaluate(p.generous, q)
	because := strict.Policy
	switch {
	case strict.Allowed && might.Allowed && len(p.unknown) == 0:
		return allowed, because
	case !strict.Allowed && !might.Allowed && (might.Explicit || len(p.unknown) == 0):
		return denied, because
	case len(p.unknown) > 0:
		return depends, "it depends on " + strings.Join(p.unknown, ", ") + ", whose text is not known here"
	}
	return depends, "it depends on conditions: give their values under context"
}

// isAdministrator tells whether a set can do everything.
func isAdministrator(s *estate.Set) bool {
	if !slices.ContainsFunc(s.AWSPolicies, func(a string) bool { return policyName(a) == "AdministratorAccess" }) && !strings.Contains(s.Inline, `"*"`) {
		return false
	}
	p := powerOf(s, nil)
	for _, action := range []string{"iam:CreateUser", "organizations:LeaveOrganization", "any-service:AnyAction"} {
		if d := policy.Evaluate(policy.Policies{Identity: p.identity, Boundary: p.boundary}, policy.Request{Principal: asked, Action: action, Resource: "*", Context: policy.Context{}}); !d.Allowed {
			return false
		}
	}
	return true
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
