package plan

import (
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
)

// Options loosen what a plan refuses.
type Options struct {
	MassRemoval bool // may remove more than the limit
	BreakGlass  bool // may change what emergencies depend on
}

// Make compares. The estate must have been read with what [Needs] says; it is not changed. The plan has problems of severity error when it must not be
// applied: it then may lack the changes that could not be worked out.
func Make(d *file.Document, e *estate.Estate, o Options) *Plan {
	m := newMaker(d, e)
	m.groups()
	m.sets()
	m.assignments()
	m.attributes()
	m.applications()
	m.members()
	m.protected()
	m.settle()
	m.warn(o)
	m.plan.Tests = runTests(d, m.after, m.resolver, &m.plan.Problems)
	return m.plan
}

// maker is a plan in the making.
type maker struct {
	*resolver
	d      *file.Document
	before *estate.Estate
	after  *estate.Estate
	plan   *Plan

	wanted     []bool // sets by index: the files describe them
	desired    []estate.Assignment
	inScope    func(estate.Assignment) bool
	scope      int // existing assignments in the scope
	protects   protection
	goneSets   map[int]bool
	goneGroups map[int]bool
}

// protection is what is never touched.
type protection struct {
	accounts []bool // nil: none
	p        file.Protected
	e        *estate.Estate
}

func newMaker(d *file.Document, e *estate.Estate) *maker {
	after := *e
	after.Groups, after.Sets, after.Applications = slices.Clone(e.Groups), slices.Clone(e.Sets), slices.Clone(e.Applications)
	m := &maker{d: d, before: e, after: &after, plan: &Plan{Before: e, After: &after}, goneSets: map[int]bool{}, goneGroups: map[int]bool{}}
	m.resolver = newResolver(&after, &m.plan.Problems)
	m.protects = protection{p: d.Protected, e: &after}
	if d.Protected.Accounts != nil {
		m.protects.accounts = m.accounts(d.Protected.Accounts)
	}
	return m
}

func (p protection) set(i int) bool { return likeAny(p.p.Sets, p.e.Sets[i].Name) }

func (p protection) group(i int) bool { return likeAny(p.p.Groups, p.e.Groups[i].Name) }

func (p protection) user(i int) bool {
	u := &p.e.Users[i]
	return likeAny(p.p.Users, u.Name) || slices.ContainsFunc(u.Emails, func(m string) bool { return likeAny(p.p.Users, m) })
}

func (p protection) assignment(a estate.Assignment) bool {
	if p.accounts != nil && p.accounts[a.Account] || p.set(int(a.Set)) {
		return true
	}
	return p.principal(a.Principal)
}

func (p protection) principal(who estate.Principal) bool {
	if who.IsUser() {
		return p.user(who.Index())
	}
	return p.group(who.Index())
}

// protected tells of names under protected that stand for nothing: they would protect nothing. Patterns may.
func (m *maker) protected() {
	likely := func(t file.Text, names []string) bool {
		return isPattern(t.Value) || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, t.Value) })
	}
	sets := names(m.after.Sets, func(s estate.Set) string { return s.Name })
	for _, t := range m.d.Protected.Sets {
		if !likely(t, sets) {
			m.missing("no-such-permission-set", "permission set", t, sets, "remove it, or write the name as it is")
		}
	}
	for _, t := range m.d.Protected.Groups {
		if !isPattern(t.Value) {
			m.group(t)
		}
	}
	for _, t := range m.d.Protected.Users {
		if !isPattern(t.Value) && len(m.x.Users(t.Value)) == 0 {
			m.user(t)
		}
	}
}

// refuseProtected tells that something the files want is not done.
func (m *maker) refuseProtected(at source.Position, what, name string) {
	m.problems.Warn("protected", at, name, "remove it from protected to have it changed", "%s %q differs from the files, and is protected: it stays as it is", what, name)
}

// groups makes and describes groups; their members come later, when all groups are there.
func (m *maker) groups() {
	kept := map[int]bool{}
	for i := range m.d.Groups {
		g := &m.d.Groups[i]
		n, there := m.x.Group(g.Name.Value)
		if !there {
			made := estate.Group{Name: g.Name.Value, MembersRead: true}
			if g.Description != nil {
				made.Description = *g.Description
			}
			n = len(m.after.Groups)
			m.after.Groups = append(m.after.Groups, made)
			m.x.AddGroup(n)
			if m.protects.group(n) {
				m.refuseProtected(g.Name.At, "the group", g.Name.Value)
			} else {
				m.plan.Groups = append(m.plan.Groups, GroupChange{Action: Create, Group: n, After: &made})
			}
			continue
		}
		kept[n] = true
		was := &m.before.Groups[n]
		if g.Description == nil || *g.Description == was.Description {
			continue
		}
		switch now := *was; {
		case m.protects.group(n):
			m.refuseProtected(g.Name.At, "the group", g.Name.Value)
		case was.External:
			m.external(g.Name)
		default:
			now.Description = *g.Description
			m.after.Groups[n] = now
			m.plan.Groups = append(m.plan.Groups, GroupChange{Action: Update, Group: n, Before: was, After: &now})
		}
	}
	if !m.d.Manage.ExclusiveGroups {
		return
	}
	for _, t := range m.namedGroups() {
		if n, there := m.x.Group(t.Value); there {
			kept[n] = true
		}
	}
	for n := range m.before.Groups {
		if was := &m.before.Groups[n]; !kept[n] && !was.External && was.Name != "" && !m.protects.group(n) {
			m.goneGroups[n] = true
			m.plan.Groups = append(m.plan.Groups, GroupChange{Action: Delete, Group: n, Before: was})
		}
	}
}

// namedGroups are groups that get something by the files: they are in the files, too.
func (m *maker) namedGroups() (out []file.Text) {
	for i := range m.d.Rules {
		out = append(out, m.d.Rules[i].Groups...)
	}
	for i := range m.d.Applications {
		out = append(out, m.d.Applications[i].Groups...)
	}
	return out
}

func (m *maker) external(t file.Text) {
	m.problems.Add("external-group", t.At, t.Value, "change it there, and leave description and members out here", "an identity provider owns the group %q, and what is changed here it would change back", t.Value)
}

// members compares who is in the groups of the files.
func (m *maker) members() {
	for i := range m.d.Groups {
		g := &m.d.Groups[i]
		n, there := m.x.Group(g.Name.Value)
		if !g.Managed || !there {
			continue
		}
		var want []int32
		for _, t := range g.Members {
			if u, ok := m.user(t); ok {
				want = append(want, int32(u))
			}
		}
		slices.Sort(want)
		want = slices.Compact(want)
		now := &m.after.Groups[n]
		have := now.Members
		var changes []MemberChange
		for _, u := range want {
			if _, in := slices.BinarySearch(have, u); !in {
				changes = append(changes, MemberChange{Create, n, int(u)})
			}
		}
		if !g.Additive && !m.d.Manage.AdditiveMembers {
			for _, u := range have {
				if _, in := slices.BinarySearch(want, u); !in {
					changes = append(changes, MemberChange{Delete, n, int(u)})
				}
			}
		} else {
			want = append(want, have...)
			slices.Sort(want)
			want = slices.Compact(want)
		}
		switch {
		case len(changes) == 0:
		case m.protects.group(n):
			m.refuseProtected(g.Name.At, "the group", g.Name.Value)
		case now.External:
			m.external(g.Name)
		default:
			m.plan.Members = append(m.plan.Members, changes...)
			now.Members = want
		}
	}
}

// sets compares permission sets.
func (m *maker) sets() {
	m.wanted = make([]bool, len(m.after.Sets), len(m.after.Sets)+len(m.d.Sets))
	for i := range m.d.Sets {
		want := m.d.Sets[i].Set
		want.AWSPolicies, want.Boundary = m.partition(want.AWSPolicies, want.Boundary)
		n, there := m.x.Set(want.Name)
		if !there {
			n = len(m.after.Sets)
			want.AssignmentsRead = true
			m.after.Sets, m.wanted = append(m.after.Sets, want), append(m.wanted, true)
			m.x.AddSet(n)
			if m.protects.set(n) {
				m.refuseProtected(m.d.Sets[i].At, "the permission set", want.Name)
			} else {
				m.plan.Sets = append(m.plan.Sets, SetChange{Action: Create, Set: n, After: &want})
			}
			continue
		}
		m.wanted[n] = true
		m.changeSet(n, want, m.d.Sets[i].At)
	}
	if !m.d.Manage.ExclusiveSets {
		return
	}
	for n := range m.before.Sets {
		if !m.wanted[n] && !m.protects.set(n) {
			m.goneSets[n] = true
			m.plan.Sets = append(m.plan.Sets, SetChange{Action: Delete, Set: n, Before: &m.before.Sets[n]})
		}
	}
}

// changeSet compares one that is there. Of description, relay state and tags, what the files do not speak of stays: they describe, and grant nothing.
func (m *maker) changeSet(n int, want estate.Set, at source.Position) {
	was := &m.before.Sets[n]
	now := want
	now.ARN, now.Behind, now.AssignmentsRead = was.ARN, was.Behind, was.AssignmentsRead
	if now.Description == "" {
		now.Description = was.Description
	}
	if now.RelayState == "" {
		now.RelayState = was.RelayState
	}
	now.Tags = keptTags(now.Tags, was.Tags)
	if SamePolicy(now.Inline, was.Inline) {
		now.Inline = was.Inline
	}
	changed, roles := setDiffers(was, &now)
	if changed && m.protects.set(n) {
		m.refuseProtected(at, "the permission set", want.Name)
		return
	}
	if changed {
		m.after.Sets[n] = now
		m.plan.Sets = append(m.plan.Sets, SetChange{Action: Update, Set: n, Before: was, After: &now})
	}
	switch {
	case roles:
		m.plan.Provision = append(m.plan.Provision, Provision{Set: n})
	case len(was.Behind) > 0 && !m.protects.set(n):
		m.plan.Provision = append(m.plan.Provision, Provision{Set: n, Accounts: was.Behind})
	}
}

// keptTags are the tags that files want, with those that stay whatever they want: all when nothing is said, and AWS's own always.
func keptTags(want, was map[string]string) map[string]string {
	if want == nil {
		return was
	}
	out := maps.Clone(want)
	for k, v := range was {
		if estate.Reserved(k) {
			out[k] = v
		}
	}
	return out
}

// partition gives ARNs the partition of the instance: aws, aws-cn, aws-us-gov.
func (m *maker) partition(arns []string, b *estate.Boundary) ([]string, *estate.Boundary) {
	parts := strings.SplitN(m.before.Instance.ARN, ":", 3)
	if len(parts) < 3 || parts[1] == "aws" {
		return arns, b
	}
	put := func(arn string) string {
		if rest, ok := strings.CutPrefix(arn, "arn:aws:"); ok {
			return "arn:" + parts[1] + ":" + rest
		}
		return arn
	}
	out := make([]string, len(arns))
	for i, a := range arns {
		out[i] = put(a)
	}
	if b != nil && b.AWS != "" {
		b = &estate.Boundary{AWS: put(b.AWS)}
	}
	return out, b
}

// assignments works out what the rules want and compares it with what is there, within the scope.
func (m *maker) assignments() {
	for i := range m.d.Rules {
		m.rule(&m.d.Rules[i])
	}
	m.desired = estate.Sort(m.desired)
	m.setScope()
	have := m.before.Assignments
	i, j := 0, 0
	for i < len(have) || j < len(m.desired) {
		switch c := compareNext(have[i:], m.desired[j:]); {
		case c == 0:
			if m.inScope(have[i]) {
				m.scope++
			}
			i, j = i+1, j+1
		case c < 0:
			m.extra(have[i])
			i++
		default:
			m.lacking(m.desired[j])
			j++
		}
	}
}

func compareNext(have, want []estate.Assignment) int {
	switch {
	case len(have) == 0:
		return 1
	case len(want) == 0:
		return -1
	}
	return have[0].Compare(want[0])
}

// extra is there, and the files do not want it.
func (m *maker) extra(a estate.Assignment) {
	goes := m.inScope(a) || m.goneSets[int(a.Set)] || !a.Principal.IsUser() && m.goneGroups[a.Principal.Index()]
	if !goes || !m.before.Accounts[a.Account].Active() {
		return
	}
	m.scope++
	if !m.protects.assignment(a) {
		m.plan.Assignments = append(m.plan.Assignments, AssignmentChange{a, true})
	}
}

// lacking is wanted, and not there.
func (m *maker) lacking(a estate.Assignment) {
	if !m.protects.assignment(a) {
		m.plan.Assignments = append(m.plan.Assignments, AssignmentChange{a, false})
		return
	}
	s, p := m.after.Sets[a.Set].Name, m.after.Name(a.Principal)
	if key := "protected\x00" + s + "\x00" + p; !m.told[key] {
		m.told[key] = true
		m.problems.Warn("protected", source.Position{}, p, "remove it from protected to have it made", "%s is not given %s: one of them, or the account, is protected", p, s)
	}
}

func (m *maker) rule(r *file.Rule) {
	principals := m.principals(r.Groups, r.Users)
	told := len(m.plan.Problems)
	chosen := m.accounts(&r.Accounts)
	if len(r.Accounts.Except) > 0 && len(m.plan.Problems) == told && !slices.Contains(chosen, true) {
		m.problems.Warn("nothing-left", r.At, "", "remove the entry, or look at what it leaves out", "this gives nothing: every account that it chooses is left out again")
	}
	for _, t := range r.Sets {
		s, ok := m.set(t)
		if !ok {
			continue
		}
		for a, is := range chosen {
			if !is {
				continue
			}
			for _, p := range principals {
				m.desired = append(m.desired, estate.Assignment{Account: int32(a), Set: int32(s), Principal: p})
			}
		}
	}
}

// setScope works out within what assignments are exclusive: the permission sets of the files in every account, unless the files say otherwise.
func (m *maker) setScope() {
	if m.d.Manage.AdditiveAssignments {
		m.inScope = func(estate.Assignment) bool { return false }
		return
	}
	sets := m.wanted
	if m.d.Manage.ScopeSets != nil {
		sets = m.matching(m.d.Manage.ScopeSets)
	}
	var accounts []bool
	if m.d.Manage.ScopeAccounts != nil {
		accounts = m.accounts(m.d.Manage.ScopeAccounts)
	}
	m.inScope = func(a estate.Assignment) bool {
		return sets[a.Set] && (accounts == nil || accounts[a.Account])
	}
}

func (m *maker) attributes() {
	if m.d.Attributes == nil {
		return
	}
	want, have := m.d.Attributes.List, m.before.Attributes
	same := slices.EqualFunc(want, have, func(a, b estate.Attribute) bool { return a.Key == b.Key && slices.Equal(a.Source, b.Source) })
	if same && (have != nil) {
		return
	}
	c := &AttributesChange{Action: Update, Before: have, After: want}
	if have == nil {
		c.Action = Create
	}
	m.plan.Attributes, m.after.Attributes = c, want
}

func (m *maker) applications() {
	byName := map[string][]int{} // names of applications are not unique
	for i := range m.before.Applications {
		a := &m.before.Applications[i]
		byName[a.Name] = append(byName[a.Name], i)
	}
	kept := map[int]bool{}
	for i := range m.d.Applications {
		want := &m.d.Applications[i]
		found := byName[want.Name]
		for _, n := range found {
			kept[n] = true
		}
		switch len(found) {
		case 0:
			m.application(want, 0, false)
		case 1:
			m.application(want, found[0], true)
		default:
			arns := make([]string, len(found))
			for k, n := range found {
				arns[k] = m.before.Applications[n].ARN
			}
			m.problems.Add("ambiguous-application", want.At, want.Name, "give all but one another name: "+strings.Join(arns, ", "), "%d applications are called %q", len(found), want.Name)
		}
	}
	if !m.d.Manage.ExclusiveApplications {
		return
	}
	for n := range m.before.Applications {
		if a := &m.before.Applications[n]; !kept[n] && !a.Managed && !a.Elsewhere {
			m.plan.Applications = append(m.plan.Applications, ApplicationChange{Action: Delete, Application: n, Before: a})
		}
	}
}

func (m *maker) application(want *file.Application, n int, there bool) {
	now := want.Application
	now.Provider = providerARN(now.Provider)
	if !there {
		n = len(m.after.Applications)
		m.after.Applications = append(m.after.Applications, now)
		m.plan.Applications = append(m.plan.Applications, ApplicationChange{Action: Create, Application: n, After: &now})
	} else {
		was := &m.before.Applications[n]
		now.ARN, now.Managed, now.Elsewhere, now.Principals = was.ARN, was.Managed, was.Elsewhere, was.Principals
		if want.Provider != "" && now.Provider != was.Provider {
			m.problems.Add("application-provider", want.At, want.Name, "delete the application first, or give the new one another name", "the provider of the application %q is %s and cannot become %s", want.Name, was.Provider, now.Provider)
		}
		now.Provider = was.Provider
		if want.GivesVisible && now.Visible != was.Visible {
			m.problems.Add("application-visible", want.At, want.Name, "leave visible out, or delete the application first", "whether the portal shows the application %q can only be said when it is made", want.Name)
		}
		now.Visible = was.Visible
		now.Tags = keptTags(now.Tags, was.Tags)
		if now.URL == "" {
			now.URL = was.URL
		}
		if now.Description == "" {
			now.Description = was.Description
		}
		if len(ApplicationDifferences(was, &now)) > 0 {
			if was.Managed || was.Elsewhere {
				m.problems.Add("managed-application", want.At, want.Name, "leave its settings out; groups and users can be given", "the application %q is made by an AWS service or belongs to another account", want.Name)
				return
			}
			m.after.Applications[n] = now
			m.plan.Applications = append(m.plan.Applications, ApplicationChange{Action: Update, Application: n, Before: was, After: &now})
		}
	}
	if !want.GivesGroups {
		return
	}
	m.uses(n, want)
}

// uses compares who may use an application. Whoever is protected keeps what she has, and gets nothing.
func (m *maker) uses(n int, want *file.Application) {
	wanted := m.principals(want.Groups, want.Users)
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	have := m.after.Applications[n].Principals
	var after []estate.Principal
	for _, p := range wanted {
		if _, in := slices.BinarySearch(have, p); !in {
			if m.protects.principal(p) {
				m.problems.Warn("protected", want.At, want.Name, "remove it from protected to have it made", "%s is not given the application %q: it is protected", m.after.Name(p), want.Name)
				continue
			}
			m.plan.Uses = append(m.plan.Uses, UseChange{Application: n, Principal: p})
		}
		after = append(after, p)
	}
	for _, p := range have {
		if _, in := slices.BinarySearch(wanted, p); !in {
			if m.protects.principal(p) {
				after = append(after, p)
				continue
			}
			m.plan.Uses = append(m.plan.Uses, UseChange{Application: n, Principal: p, Remove: true})
		}
	}
	slices.Sort(after)
	m.after.Applications[n].Principals = after
}

const providers = "arn:aws:sso::aws:applicationProvider/"

func providerARN(name string) string {
	switch {
	case name == "":
		return providers + "custom"
	case strings.HasPrefix(name, "arn:"):
		return name
	}
	return providers + name
}

// settle makes After what will be: assignments, and nothing of what is deleted.
func (m *maker) settle() {
	m.after.Assignments = m.before.Assignments
	if len(m.plan.Assignments) == 0 {
		return
	}
	out := make([]estate.Assignment, 0, len(m.before.Assignments)+len(m.plan.Assignments))
	gone := map[estate.Assignment]bool{}
	for _, c := range m.plan.Assignments {
		if c.Remove {
			gone[c.Assignment] = true
		} else {
			out = append(out, c.Assignment)
		}
	}
	for _, a := range m.before.Assignments {
		if !gone[a] {
			out = append(out, a)
		}
	}
	m.after.Assignments = estate.Sort(out)
}
