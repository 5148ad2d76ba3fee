package file

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
	"gatehouse/internal/policy"
)

// decoder makes the document of nodes that have their shapes. Nodes that have not are passed over: they were told.
type decoder struct {
	prefix   string // what stands before a name of files in positions
	source   *Source
	problems *source.Problems
	out      *Document
	seen     map[string]source.Position // kind and name of what may be there once
}

// once tells of something that a second file, or a second place, says again.
func (d *decoder) once(kind, name string, at source.Position) bool {
	key := kind + "\x00" + name
	if first, twice := d.seen[key]; twice {
		d.problems.Add("duplicate", at, name, "keep one of the two", "%s %s is described already, at %s", kind, quote(name), first)
		return false
	}
	d.seen[key] = at
	return true
}

func textOf(n *node) Text { return Text{n.value, n.at} }

// texts of a list, or of the one value that stands for it; text that comes twice is dropped.
func texts(n *node) []Text {
	if n == nil || n.kind == null {
		return nil
	}
	items := elements(n)
	out, seen := make([]Text, 0, len(items)), make(map[string]bool, len(items))
	for _, i := range items {
		if i.kind == text && !seen[i.value] {
			seen[i.value] = true
			out = append(out, textOf(i))
		}
	}
	return out
}

func values(n *node) (out []string) {
	for _, t := range texts(n) {
		out = append(out, t.Value)
	}
	return out
}

func isTrue(n *node, otherwise bool) bool {
	if n == nil || n.kind != text {
		return otherwise
	}
	return strings.EqualFold(n.value, "true") || strings.EqualFold(n.value, "yes") || strings.EqualFold(n.value, "on")
}

func said(n *node) string {
	if n == nil {
		return ""
	}
	return n.value
}

// pairs is nil when nothing is said, and empty when nothing is wanted.
func pairs(n *node) map[string]string {
	if n == nil || n.kind == null {
		return nil
	}
	out := map[string]string{}
	for _, e := range n.entries {
		out[e.key.value] = e.value.value
	}
	return out
}

// document adds what one file says.
func (d *decoder) document(root *node) {
	for _, e := range root.entries {
		n := e.value
		switch e.key.value {
		case "manage":
			if d.once("the section", "manage", e.key.at) {
				d.manage(n)
			}
		case "permission_sets":
			for _, s := range n.entries {
				if d.once("the permission set", s.key.value, s.key.at) {
					d.set(s)
				}
			}
		case "groups":
			for _, g := range n.entries {
				if d.once("the group", strings.ToLower(g.key.value), g.key.at) {
					d.group(g)
				}
			}
		case "assignments", "break_glass":
			for _, i := range elements(n) {
				if i.kind == table {
					d.out.Rules = append(d.out.Rules, d.rule(i, e.key.value == "break_glass"))
				}
			}
		case "attributes":
			if n.kind != null && d.once("the section", "attributes", e.key.at) { // nothing is not "none": that is {}
				d.attributes(n)
			}
		case "applications":
			for _, a := range n.entries {
				if d.once("the application", a.key.value, a.key.at) {
					d.application(a)
				}
			}
		case "protected":
			if d.once("the section", "protected", e.key.at) {
				d.out.Protected = Protected{Sets: texts(n.get("permission_sets")), Groups: texts(n.get("groups")), Users: texts(n.get("users")), Accounts: d.accounts(n.get("accounts"), nil)}
			}
		case "production":
			if d.once("the section", "production", e.key.at) {
				d.out.Production = d.accounts(n, nil)
			}
		case "limits":
			if r := n.get("removals"); r != nil && d.once("the section", "limits", e.key.at) {
				d.limit(r)
			}
		case "tests":
			for _, t := range elements(n) {
				if t.kind == table {
					d.test(t)
				}
			}
		}
	}
}

// elements of a list; a single value stands for a list of one.
func elements(n *node) []*node {
	if n.kind == list {
		return n.items
	}
	return []*node{n}
}

func (d *decoder) limit(n *node) {
	number, percent := strings.CutSuffix(n.value, "%")
	v, err := strconv.Atoi(number)
	if err != nil || percent && v > 100 {
		d.problems.Add("value", n.at, n.value, "write a share such as 20%, or a number", "removals cannot be %s", quote(n.value))
		return
	}
	d.out.Removals = Limit{v, percent}
}

func (d *decoder) manage(n *node) {
	m := &d.out.Manage
	is := func(key, w string) bool { return said(n.get(key)) == w }
	m.ExclusiveSets, m.ExclusiveGroups, m.ExclusiveApplications = is("permission_sets", "exclusive"), is("groups", "exclusive"), is("applications", "exclusive")
	m.AdditiveMembers, m.AdditiveAssignments = is("members", "additive"), is("assignments", "additive")
	if s := n.get("scope"); s != nil {
		m.ScopeAccounts, m.ScopeSets = d.accounts(s.get("accounts"), nil), texts(s.get("permission_sets"))
	}
}

func (d *decoder) set(e entry) {
	n, s := e.value, Set{At: e.key.at}
	s.Name = e.key.value
	s.Description, s.RelayState, s.Tags, s.DetailsRead = said(n.get("description")), said(n.get("relay_state")), pairs(n.get("tags")), true
	s.Session = minSession
	if v := n.get("session"); v != nil {
		s.Session = d.session(v)
	}
	for _, t := range texts(n.get("aws_policies")) {
		arn := d.awsPolicy(t)
		if slices.Contains(s.AWSPolicies, arn) {
			d.problems.Add("duplicate", t.At, t.Value, "", "the policy %s is there already", quote(t.Value))
			continue
		}
		s.AWSPolicies = append(s.AWSPolicies, arn)
	}
	slices.Sort(s.AWSPolicies)
	if v := n.get("customer_policies"); v != nil && v.kind != null {
		for _, i := range elements(v) {
			ref := customer(i)
			if slices.Contains(s.CustomerPolicies, ref) {
				d.problems.Add("duplicate", i.at, ref.Name, "", "the policy %s is there already", quote(ref.String()))
				continue
			}
			s.CustomerPolicies = append(s.CustomerPolicies, ref)
		}
	}
	if many := len(s.AWSPolicies) + len(s.CustomerPolicies); many > maxPolicies {
		d.problems.Add("too-many", e.key.at, s.Name, "merge some into a customer managed policy, or into the inline policy", "%q has %d policies; at most %d can be attached", s.Name, many, maxPolicies)
	}
	if v := n.get("boundary"); v != nil {
		s.Boundary = d.boundary(v)
	}
	if v := n.get("inline_policy"); v != nil && v.kind != null {
		s.Inline = d.inline(v)
	}
	d.out.Sets = append(d.out.Sets, s)
}

// Limits of a permission set (AWS, IAM Identity Center quotas).
const (
	maxPolicies    = 25
	maxInlineBytes = 32768
	maxInlineSize  = 10240 // characters that are not white space
	maxInlineJSON  = 1 << 20
)

func customer(n *node) estate.PolicyRef {
	ref := estate.PolicyRef{Name: n.value, Path: "/"}
	if n.kind == table {
		ref.Name = said(n.get("name"))
		if p := said(n.get("path")); p != "" {
			ref.Path = p
		}
	}
	return ref
}

func (d *decoder) boundary(n *node) *estate.Boundary {
	if n.kind == text {
		return &estate.Boundary{AWS: d.awsPolicy(textOf(n))}
	}
	aws, own := n.get("aws"), n.get("customer")
	switch {
	case (aws == nil) == (own == nil):
		d.problems.Add("value", n.at, "", "write boundary: PowerUserAccess, or boundary: {customer: TeamBoundary}", "a boundary is one AWS managed policy or one customer managed policy")
		return nil
	case aws != nil:
		return &estate.Boundary{AWS: d.awsPolicy(textOf(aws))}
	}
	ref := customer(own)
	return &estate.Boundary{Customer: &ref}
}

const awsPolicies = "arn:aws:iam::aws:policy/"

// awsPolicy is the ARN of a policy by name. A name without a path is that of the policy of this name that is known, with the path it has.
func (d *decoder) awsPolicy(t Text) string {
	if strings.HasPrefix(t.Value, "arn:") {
		return t.Value
	}
	arn := awsPolicies + strings.TrimPrefix(t.Value, "/")
	if _, known := policy.Builtin().Find(arn); known {
		return arn
	}
	var names []string
	for _, p := range policy.Builtin().All() {
		full := strings.TrimPrefix(p.Path, "/") + p.Name
		if p.Name == t.Value {
			return p.ARN
		}
		names = append(names, full)
	}
	if meant := source.Meant(t.Value, names); meant != "" {
		d.problems.Warn("unknown-policy", t.At, t.Value, meant+" (AWS has more policies than are known here: if it is right, never mind)", "no AWS managed policy %s is known", quote(t.Value))
	}
	return arn
}

// PolicyName is what names an AWS managed policy in files, so that its ARN, of whichever partition, comes of it again: the name alone where it is known, with its
// path otherwise, and the ARN where the name would make readers think of a slip.
func PolicyName(arn string) string {
	_, name, ok := strings.Cut(arn, ":aws:policy/")
	if !ok {
		return arn
	}
	var problems source.Problems
	d := decoder{problems: &problems}
	for _, short := range []string{name[strings.LastIndex(name, "/")+1:], name} {
		if d.awsPolicy(Text{Value: short}) == awsPolicies+name && problems == nil {
			return short
		}
	}
	return arn
}

var humanDuration = regexp.MustCompile(`^(?:(\d{1,5})\s*(?:h|hours?))?\s*(?:(\d{1,5})\s*(?:m|min|minutes?))?\s*(?:(\d{1,6})\s*(?:s|seconds?))?$`)

// Duration reads 4h, 90m, 1h30m, 2 hours or ISO 8601's PT4H.
func Duration(s string) (time.Duration, bool) {
	if strings.HasPrefix(s, "P") {
		return estate.ParseDuration(s)
	}
	m := humanDuration.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil || m[1]+m[2]+m[3] == "" {
		return 0, false
	}
	var out time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi("0" + m[i+1])
		out += time.Duration(n) * unit
	}
	return out, true
}

func (d *decoder) session(n *node) time.Duration {
	v, ok := Duration(n.value)
	switch {
	case !ok:
		d.problems.Add("duration", n.at, n.value, "write it like 4h, 90m or 1h30m", "%s is no duration", quote(n.value))
	case v < minSession || v > maxSession:
		d.problems.Add("duration", n.at, n.value, "", "a session lasts from 1h to 12h, not %s", quote(n.value))
	}
	return v
}

func (d *decoder) group(e entry) {
	n, g := e.value, Group{Name: textOf(e.key)}
	if v := n.get("description"); v != nil {
		g.Description = &v.value
	}
	if v := n.get("members"); v != nil {
		g.Members, g.Managed = texts(v), true
	}
	g.Additive = said(n.get("manage")) == "additive"
	d.out.Groups = append(d.out.Groups, g)
}

func (d *decoder) rule(n *node, breakGlass bool) Rule {
	r := Rule{At: n.at, Groups: texts(n.get("groups")), Users: texts(n.get("users")), Sets: texts(n.get("permission_sets")), BreakGlass: breakGlass}
	if a := d.accounts(n.get("accounts"), n.get("except")); a != nil {
		r.Accounts = *a
	}
	if len(r.Groups)+len(r.Users) == 0 {
		d.problems.Add("missing-key", n.at, "", "add groups: [Data Engineers], or users: [ann@example.com]", "nobody is named here")
	}
	return r
}

func (d *decoder) accounts(n, except *node) *Accounts {
	if n == nil || n.kind == null {
		if except == nil {
			return nil
		}
		return &Accounts{At: except.at, Any: []Selector{{At: except.at, Text: "all", All: true}, {At: except.at, Text: "management", Management: true}}, Except: d.selectors(except)}
	}
	a := &Accounts{At: n.at, Any: d.selectors(n)}
	if except != nil {
		a.Except = d.selectors(except)
	}
	return a
}

func (d *decoder) selectors(n *node) (out []Selector) {
	for _, i := range elements(n) {
		switch i.kind {
		case text:
			out = append(out, selector(i))
		case table:
			s := Selector{At: i.at, Names: texts(i.get("name")), IDs: texts(i.get("id")), Units: texts(i.get("ou")), Direct: !isTrue(i.get("nested"), true)}
			if t := i.get("tags"); t != nil {
				for _, e := range t.entries {
					s.Tags = append(s.Tags, Tag{e.key.value, values(e.value)})
				}
			}
			if len(s.Names)+len(s.IDs)+len(s.Units)+len(s.Tags) == 0 {
				d.problems.Add("value", i.at, "", "write name, id, ou or tags, or the word all", "this says nothing about accounts")
			}
			if s.Direct && len(s.Units) == 0 {
				d.problems.Add("value", i.at, "", "add ou, or remove nested", "nested means nothing without ou")
			}
			s.Text = describe(s)
			out = append(out, s)
		}
	}
	return out
}

var accountID = regexp.MustCompile(`^\d{12}$`)

func selector(n *node) Selector {
	s := Selector{At: n.at, Text: n.value}
	switch {
	case n.value == "all":
		s.All = true
	case n.value == "management":
		s.Management = true
	case accountID.MatchString(n.value):
		s.IDs = []Text{textOf(n)}
	default:
		s.Names = []Text{textOf(n)}
	}
	return s
}

func describe(s Selector) string {
	var parts []string
	add := func(what string, ts []Text) {
		if len(ts) > 0 {
			var vs []string
			for _, t := range ts {
				vs = append(vs, t.Value)
			}
			parts = append(parts, what+strings.Join(vs, ", "))
		}
	}
	add("", s.Names)
	add("", s.IDs)
	add("ou ", s.Units)
	for _, t := range s.Tags {
		parts = append(parts, t.Key+"="+strings.Join(t.Values, "|"))
	}
	return strings.Join(parts, " and ")
}

var attributeSource = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@\[\]{}$\\"]+$`)

func (d *decoder) attributes(n *node) {
	a := &Attributes{At: n.at, List: []estate.Attribute{}}
	for _, e := range n.entries {
		for _, t := range texts(e.value) {
			if !attributeSource.MatchString(t.Value) {
				d.problems.Add("pattern", t.At, t.Value, "write it like ${path:enterprise.department}", "%s cannot be where an attribute comes from", quote(t.Value))
			}
		}
		a.List = append(a.List, estate.Attribute{Key: e.key.value, Source: values(e.value)})
	}
	slices.SortFunc(a.List, func(a, b estate.Attribute) int { return strings.Compare(a.Key, b.Key) })
	d.out.Attributes = a
}

func (d *decoder) application(e entry) {
	n, a := e.value, Application{At: e.key.at}
	a.Name, a.Provider, a.Description, a.URL, a.Tags = e.key.value, said(n.get("provider")), said(n.get("description")), said(n.get("url")), pairs(n.get("tags"))
	a.Visible, a.Disabled, a.AnyoneMayUse = isTrue(n.get("visible"), true), !isTrue(n.get("enabled"), true), isTrue(n.get("anyone"), false)
	a.Groups, a.Users = texts(n.get("groups")), texts(n.get("users"))
	a.GivesVisible = n.get("visible") != nil
	a.GivesGroups = n.get("groups") != nil || n.get("users") != nil
	d.out.Applications = append(d.out.Applications, a)
}

func (d *decoder) test(n *node) {
	t := Test{Name: Text{said(n.get("name")), n.at}, Groups: texts(n.get("groups")), Users: texts(n.get("users")), Sets: texts(n.get("permission_sets")),
		Accounts: d.accounts(n.get("accounts"), n.get("except")), Reach: d.accounts(n.get("reach"), nil), Has: isTrue(n.get("has"), false), Lacks: isTrue(n.get("lacks"), false),
		Can: texts(n.get("can")), Cannot: texts(n.get("cannot")), On: values(n.get("on"))}
	if o := n.get("only"); o != nil {
		t.Only = &Principals{texts(o.get("groups")), texts(o.get("users"))}
	}
	if c := n.get("context"); c != nil {
		t.Context = map[string][]string{}
		for _, e := range c.entries {
			t.Context[e.key.value] = values(e.value)
		}
	}
	d.checkTest(n, t)
	d.out.Tests = append(d.out.Tests, t)
}

// checkTest tells of tests that ask nothing, or two things.
func (d *decoder) checkTest(n *node, t Test) {
	asks := 0
	for _, is := range []bool{t.Only != nil, t.Reach != nil, t.Has, t.Lacks, len(t.Can)+len(t.Cannot) > 0} {
		if is {
			asks++
		}
	}
	who, what := len(t.Groups)+len(t.Users) > 0, len(t.Sets) > 0
	bad := func(advice, format string, args ...any) {
		d.problems.Add("test", n.at, "", advice, "the test %s "+format, append([]any{quote(t.Name.Value)}, args...)...)
	}
	switch {
	case asks == 0:
		bad("add one of only, reach, has, lacks, can and cannot", "asks nothing")
	case asks > 1:
		bad("make a test of each", "asks more than one thing (only, reach, has, lacks, can or cannot)")
	case t.Only != nil && (who || !what):
		bad("write permission_sets and accounts, and under only who may have them", "must name permission sets and nobody beside only")
	case t.Reach != nil && !who:
		bad("add groups or users", "does not say who")
	case (t.Has || t.Lacks) && !(who && what):
		bad("add groups or users, and permission_sets", "does not say who, or what")
	case len(t.Can)+len(t.Cannot) > 0 && (who || !what):
		bad("name permission_sets, and no groups or users: what a permission set can do is the same for everybody", "must name permission sets and nobody")
	}
}

// inline is the policy document in compact JSON, checked.
func (d *decoder) inline(n *node) string {
	in := &inlineDocument{problems: d.problems, at: n.at}
	switch {
	case n.kind == table && len(n.entries) == 1 && n.entries[0].key.value == "file":
		v := n.entries[0].value
		if v.kind != text {
			d.problems.Add("type", v.at, "", "write {file: policies/readers.json}", "file must be a path")
			return ""
		}
		return d.policyFile(in, v)
	case n.kind == table:
		in.fromNode(n)
	case n.kind == text:
		in.data = []byte(n.value)
		in.place = func(line, column int) source.Position {
			if !n.block {
				return n.at
			}
			at := source.Position{File: n.at.File, Line: n.at.Line + 1}
			first, _ := d.out.Texts.Line(at)
			at.Line, at.Column = n.at.Line+line, column+len(first)-len(strings.TrimLeft(first, " "))
			return at
		}
	default:
		d.problems.Add("type", n.at, "", "write a mapping with Version and Statement, JSON in text, or {file: path}", "a policy document is a mapping")
		return ""
	}
	return in.finish()
}

func (d *decoder) policyFile(in *inlineDocument, n *node) string {
	shown := path.Join(path.Dir(n.at.File), n.value)
	name, within := strings.CutPrefix(shown, d.prefix)
	if path.IsAbs(n.value) || !within || !fs.ValidPath(name) {
		d.problems.Add("file", n.at, n.value, "write a path from this file on, within the directory that is read", "%s leads out of the directory of the files", quote(n.value))
		return ""
	}
	data, err := d.source.contents(name)
	if err != nil {
		reason := err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			reason = "it is not there"
		}
		d.problems.Add("file", n.at, n.value, "paths are looked for from the file on in which they stand", "the policy %s cannot be read: %s", shown, reason)
		return ""
	}
	d.out.Texts[shown] = data
	if isYAML(name) {
		budget, before := maxNodes, len(*d.problems)
		root := read(shown, data, &budget, d.problems)
		if root == nil || root.kind != table {
			if len(*d.problems) == before {
				d.problems.Add("policy", source.Position{File: shown}, "", "write a mapping with Version and Statement", "there is no policy document in this file")
			}
			return ""
		}
		in.fromNode(root)
		return in.finish()
	}
	in.data = data
	in.place = func(line, column int) source.Position {
		return source.Position{File: shown, Line: line, Column: column}
	}
	return in.finish()
}
