package adopt

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
)

// sets describes permission sets. One that the files' own checks would refuse, or change, is left out and told: it is named in assignments all the same.
func (w *writer) sets() mapping {
	var out mapping
	for i := range w.e.Sets {
		s := &w.e.Sets[i]
		if !s.DetailsRead {
			continue
		}
		m := describeSet(s)
		why := ""
		if w.o.has(Assignments) {
			why = w.beyond[int32(i)]
		}
		if why = cmp.Or(why, w.refused(s, m)); why != "" {
			w.warn("permission-set", s.Name, "describe it by hand, or leave it: its assignments are in the files", "the permission set %q is left out: %s", s.Name, why)
			continue
		}
		out = append(out, pair{key: s.Name, value: m})
	}
	w.out.Sets = len(out)
	return section(Sets, out)
}

// section is a section with its entries by name, or nothing when there are none.
func section(s Section, entries mapping) mapping {
	if len(entries) == 0 {
		return nil
	}
	byName(entries)
	return mapping{{key: string(s), value: entries}}
}

func byName(m mapping) {
	slices.SortFunc(m, func(a, b pair) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.key), strings.ToLower(b.key)), cmp.Compare(a.key, b.key))
	})
}

// refused says why a description of a set would not do, or nothing.
func (w *writer) refused(s *estate.Set, m mapping) string {
	var b strings.Builder
	emit(&b, mapping{{key: string(Sets), value: mapping{{key: s.Name, value: m}}}})
	alone := *s
	alone.Behind = nil
	p, problems := planned(map[string][]byte{"set.yaml": []byte(b.String())}, &estate.Estate{Instance: w.e.Instance, Sets: []estate.Set{alone}})
	for _, x := range problems {
		if x.Severity == source.Error {
			return x.Message
		}
	}
	if !p.Empty() {
		var parts []string
		for _, c := range p.Sets {
			for _, d := range plan.SetDifferences(c.Before, c.After) {
				parts = append(parts, d.What)
			}
		}
		return "files cannot say its " + strings.Join(slices.Compact(parts), ", ")
	}
	return ""
}

func describeSet(s *estate.Set) mapping {
	m := mapping{}
	add := func(key string, v any) { m = append(m, pair{key: key, value: v}) }
	if s.Description != "" {
		add("description", text(s.Description))
	}
	if s.Session != 0 && s.Session != time.Hour {
		add("session", exact(plan.Human(s.Session)))
	}
	if s.RelayState != "" {
		add("relay_state", text(s.RelayState))
	}
	if len(s.AWSPolicies) > 0 {
		names := make([]string, len(s.AWSPolicies))
		for i, arn := range s.AWSPolicies {
			names[i] = file.PolicyName(arn)
		}
		slices.Sort(names)
		add("aws_policies", texts(names))
	}
	if len(s.CustomerPolicies) > 0 {
		refs := make(sequel, len(s.CustomerPolicies))
		for i, r := range s.CustomerPolicies {
			refs[i] = customer(r)
		}
		add("customer_policies", refs)
	}
	if b := s.Boundary; b != nil {
		if b.Customer != nil {
			add("boundary", mapping{{key: "customer", value: customer(*b.Customer)}})
		} else {
			add("boundary", text(file.PolicyName(b.AWS)))
		}
	}
	if s.Inline != "" {
		add("inline_policy", policy(s.Inline))
	}
	if t := tags(s.Tags); len(t) > 0 {
		add("tags", t)
	}
	return m
}

// tags without those that AWS gives, which nobody else can.
func tags(of map[string]string) (out mapping) {
	for _, k := range slices.Sorted(maps.Keys(of)) {
		if !estate.Reserved(k) {
			out = append(out, pair{key: k, value: text(of[k])})
		}
	}
	return out
}

func customer(r estate.PolicyRef) any {
	if cmp.Or(r.Path, "/") == "/" {
		return text(r.Name)
	}
	return mapping{{key: "name", value: text(r.Name)}, {key: "path", value: text(r.Path)}}
}

// policyOrder is the order in which the elements of a policy, and of its statements, are usually written.
var policyOrder = map[string]int{"Version": 1, "Id": 2, "Statement": 3, "Sid": 4, "Effect": 5, "Action": 6, "NotAction": 7, "Resource": 8, "NotResource": 9, "Condition": 10}

// ordered are the elements of a policy or a statement in their usual order; anything else stays in its own.
func ordered(m mapping) mapping {
	if !slices.ContainsFunc(m, func(p pair) bool { return policyOrder[p.key] == 0 }) {
		slices.SortStableFunc(m, func(a, b pair) int { return cmp.Compare(policyOrder[a.key], policyOrder[b.key]) })
	}
	return m
}

// policy is a policy document as YAML; one that YAML could not hold is JSON in text.
func policy(document string) any {
	d := jsontext.NewDecoder(strings.NewReader(document))
	v, err := jsonValue(d, 0)
	if err == nil {
		if _, err = d.ReadToken(); err == io.EOF {
			return v
		}
	}
	return text(document)
}

var errDeep = errors.New("too deep")

// mostDeep is how deep YAML files are read, less what stands around a policy.
const mostDeep = 50

// jsonValue reads a value.
func jsonValue(d *jsontext.Decoder, depth int) (any, error) {
	if depth > mostDeep {
		return nil, errDeep
	}
	switch d.PeekKind() {
	case '{':
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		out := mapping{}
		for d.PeekKind() != '}' {
			t, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			key := t.String()
			v, err := jsonValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, pair{key: key, value: v})
		}
		_, err := d.ReadToken()
		return ordered(out), err
	case '[':
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		out := sequel{}
		for d.PeekKind() != ']' {
			v, err := jsonValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err := d.ReadToken()
		return out, err
	case '"':
		t, err := d.ReadToken()
		return text(t.String()), err
	}
	v, err := d.ReadValue()
	return exact(bytes.Clone(v)), err
}

// groups describes groups that no identity provider owns: those are ours to write.
func (w *writer) groups() mapping {
	var out mapping
	for i := range w.e.Groups {
		g := &w.e.Groups[i]
		if g.Name == "" || w.o.Groups != nil && !w.o.Groups[i] {
			continue
		}
		if g.External {
			if w.o.Groups != nil {
				w.warn("external-group", g.Name, "leave it to the provider, and take it out there", "the description and the members of the group %q are left out: an identity provider owns it", g.Name)
			}
			continue
		}
		if _, ok := w.person(estate.GroupPrincipal(i)); !ok {
			w.warn("group", g.Name, "rename it", "the group %s is left out: no name means it alone, or files cannot hold its name %q", g.ID, g.Name)
			continue
		}
		m := mapping{}
		if g.Description != "" && w.o.has(Groups) {
			m = append(m, pair{key: "description", value: text(g.Description)})
		}
		if g.MembersRead && w.o.has(Members) {
			if members, ok := w.members(g); ok {
				m = append(m, pair{key: "members", value: members})
			}
		}
		if len(m) > 0 || w.o.has(Groups) {
			out = append(out, pair{key: g.Name, value: m})
		}
	}
	w.out.Groups = len(out)
	return section(Groups, out)
}

func (w *writer) members(g *estate.Group) (any, bool) {
	names := make([]string, 0, len(g.Members))
	for _, u := range g.Members {
		name, ok := w.person(estate.UserPrincipal(int(u)))
		if !ok {
			w.warn("unnamed", w.e.Users[u].ID, "give that user a user name", "the members of %q are left out: no name and no e-mail address means the user %s alone", g.Name, w.e.Users[u].ID)
			return nil, false
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return texts(names), true
}

// controls are what files take in no name.
var controls = regexp.MustCompile(`[\x00-\x1f\x7f]`)

// person is a principal by a name that means nobody else.
func (w *writer) person(p estate.Principal) (string, bool) {
	i := p.Index()
	if !p.IsUser() {
		name := w.e.Groups[i].Name
		n, ok := w.x.Group(name)
		return name, name != "" && ok && n == i && !controls.MatchString(name)
	}
	u := &w.e.Users[i]
	for _, name := range append([]string{u.Name}, u.Emails...) {
		if found := w.x.Users(name); name != "" && len([]rune(name)) <= 128 && !controls.MatchString(name) && len(found) == 1 && found[0] == i {
			return name, true
		}
	}
	return "", false
}

// people are the names of principals, each in the order of the alphabet.
func (w *writer) people(ps []estate.Principal) (groups, users []string) {
	for _, p := range ps {
		name, ok := w.person(p)
		switch {
		case !ok:
		case p.IsUser():
			users = append(users, name)
		default:
			groups = append(groups, name)
		}
	}
	slices.Sort(groups)
	slices.Sort(users)
	return groups, users
}

func (w *writer) setNames(of []int32) []string {
	out := make([]string, len(of))
	for i, s := range of {
		out[i] = w.e.Sets[s].Name
	}
	slices.Sort(out)
	return out
}

func (w *writer) attributes() mapping {
	if w.e.Attributes == nil {
		return nil
	}
	out := mapping{}
	for _, a := range w.e.Attributes {
		var v any = texts(a.Source)
		if len(a.Source) == 1 {
			v = text(a.Source[0])
		}
		out = append(out, pair{key: a.Key, value: v})
	}
	byName(out)
	return mapping{{key: string(Attributes), value: out}}
}

// applications describes those that the instance's account owns and that no AWS service made.
func (w *writer) applications() mapping {
	var out mapping
	names := map[string]int{}
	for i := range w.e.Applications {
		names[w.e.Applications[i].Name]++
	}
	for i := range w.e.Applications {
		a := &w.e.Applications[i]
		switch {
		case a.Managed || a.Elsewhere:
			w.warn("managed-application", a.Name, "groups and people who may use it can be given by hand, without its settings", "the application %q is left out: an AWS service made it, or it belongs to another account", a.Name)
		case names[a.Name] > 1:
			w.warn("application", a.Name, "rename it", "the application %s is left out: %d are called %q", a.ARN, names[a.Name], a.Name)
		default:
			out = append(out, pair{key: a.Name, value: w.application(a)})
		}
	}
	w.out.Applications = len(out)
	return section(Applications, out)
}

func (w *writer) application(a *estate.Application) mapping {
	m := mapping{}
	add := func(key string, v any) { m = append(m, pair{key: key, value: v}) }
	if _, p, ok := strings.Cut(a.Provider, ":aws:applicationProvider/"); !ok && a.Provider != "" {
		add("provider", text(a.Provider))
	} else if ok && p != "custom" {
		add("provider", text(p))
	}
	if a.Description != "" {
		add("description", text(a.Description))
	}
	if a.URL != "" {
		add("url", text(a.URL))
	}
	if !a.Visible {
		add("visible", exact("false"))
	}
	if a.Disabled {
		add("enabled", exact("false"))
	}
	if a.AnyoneMayUse {
		add("anyone", exact("true"))
	}
	groups, users := w.people(a.Principals)
	if len(groups)+len(users) < len(a.Principals) {
		w.warn("unnamed", a.Name, "", "%d groups or people who may use %q are left out with all others: they have no name of their own", len(a.Principals)-len(groups)-len(users), a.Name)
	} else {
		if len(groups) > 0 {
			add("groups", texts(groups))
		}
		if len(users) > 0 {
			add("users", texts(users))
		}
	}
	if t := tags(a.Tags); len(t) > 0 {
		add("tags", t)
	}
	return m
}

// comment is text that may stand behind a # on one line.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
}
