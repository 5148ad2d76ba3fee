package plan

import (
	"fmt"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
)

// Removals up to this number are never too many.
const fewRemovals = 10

// warn looks at the changes as somebody would who has seen things go wrong.
func (m *maker) warn(o Options) {
	if n := m.before.Pending; n > 0 {
		m.problems.Warn("pending", source.Position{}, "", "plan again when they have ended", "%s under way when this was read: what comes of it is not in it yet", source.Count(n, "request"))
	}
	m.massRemoval(o)
	m.breakGlass(o)
	m.missingPolicies()
	m.widening()
	m.administrators()
	m.oneself()
	m.emptied()
}

// emptied tells of groups that have something and lose all of their people, which the limit on removals does not count.
func (m *maker) emptied() {
	loses := map[int]int{}
	for _, c := range m.plan.Members {
		if c.Action == Delete {
			loses[c.Group]++
		}
	}
	has := map[int]int{}
	for _, a := range m.after.Assignments {
		if g := a.Principal.Index(); !a.Principal.IsUser() && loses[g] > 0 {
			has[g]++
		}
	}
	for i := range m.d.Groups {
		g, ok := m.x.Group(m.d.Groups[i].Name.Value)
		if ok && has[g] > 0 && len(m.after.Groups[g].Members) == 0 {
			m.problems.Warn("emptied-group", m.d.Groups[i].Name.At, m.after.Groups[g].Name, "", "the group %q, which has %s, loses everybody in it: %s", m.after.Groups[g].Name, source.Count(has[g], "assignment"), people(loses[g]))
		}
	}
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func (m *maker) massRemoval(o Options) {
	removed := 0
	for _, c := range m.plan.Assignments {
		if c.Remove {
			removed++
		}
	}
	limit := max(m.d.Removals.Of(m.scope), fewRemovals)
	if removed <= limit || m.d.Removals.Percent && m.d.Removals.Number == 100 {
		return
	}
	if o.MassRemoval {
		m.problems.Warn("mass-removal", source.Position{}, "", "", "%s of %d in the scope are removed", source.Count(removed, "assignment"), m.scope)
		return
	}
	m.problems.Add("mass-removal", source.Position{}, "", "look whether files are missing; if it is meant, say --allow-mass-removal, or raise limits.removals",
		"%s of %d in the scope would be removed, and at most %d may be", source.Count(removed, "assignment"), m.scope, limit)
}

// breakGlass refuses what would take away the access for emergencies.
func (m *maker) breakGlass(o Options) {
	sets, groups := map[string]*file.Rule{}, map[int]*file.Rule{}
	for i := range m.d.Rules {
		r := &m.d.Rules[i]
		if !r.BreakGlass {
			continue
		}
		for _, t := range r.Sets {
			sets[t.Value] = r
		}
		for _, t := range r.Groups {
			if g, ok := m.x.Group(t.Value); ok {
				groups[g] = r
			}
		}
	}
	tell := func(r *file.Rule, name, format string, args ...any) {
		if o.BreakGlass {
			m.problems.Warn("break-glass", r.At, name, "", format, args...)
		} else {
			m.problems.Add("break-glass", r.At, name, "say --unlock-break-glass if it is meant", format, args...)
		}
	}
	for _, c := range m.plan.Sets {
		name := m.after.Sets[c.Set].Name
		if r := sets[name]; r != nil && c.Action != Create {
			if _, roles := setDiffers(c.Before, c.after()); roles {
				tell(r, name, "emergency access depends on the permission set %q, which would be changed or deleted", name)
			}
		}
	}
	for g, r := range groups {
		if now := &m.after.Groups[g]; now.MembersRead && len(now.Members) == 0 && slices.ContainsFunc(m.plan.Members, func(c MemberChange) bool { return c.Group == g }) {
			tell(r, now.Name, "emergency access depends on the group %q, which would lose its last member", now.Name)
		}
	}
}

// after is After, or an empty set for one that is deleted.
func (c SetChange) after() *estate.Set {
	if c.After == nil {
		return &estate.Set{}
	}
	return c.After
}

// missingPolicies tells of customer managed policies without which a change would fail.
func (m *maker) missingPolicies() {
	if n := len(m.before.Unchecked); n > 0 {
		names := make([]string, n)
		for i, id := range m.before.Unchecked {
			names[i] = m.accountName(id)
		}
		m.problems.Warn("unchecked-policies", source.Position{}, "", "name a role that may be assumed there with --account-role", "whether customer managed policies are there could not be seen in %s", few(names, 5))
	}
	lacks := map[string][]estate.PolicyRef{} // by account id
	for _, miss := range m.before.Missing {
		lacks[miss.Account] = append(lacks[miss.Account], miss.Policy)
	}
	if len(lacks) == 0 {
		return
	}
	where := map[string][]string{} // names of accounts by set and policy
	for _, n := range NeededPolicies(m.plan) {
		for _, id := range n.Accounts {
			if slices.ContainsFunc(lacks[id], n.Policy.Same) {
				where[n.Set+"\x00"+n.Policy.String()] = append(where[n.Set+"\x00"+n.Policy.String()], m.accountName(id))
			}
		}
	}
	for _, key := range sortedKeys(where) {
		set, policy, _ := strings.Cut(key, "\x00")
		var at source.Position
		if s := m.d.Set(set); s != nil {
			at = s.At
		}
		m.problems.Add("missing-policy", at, set, "make the policy there first, or leave the accounts out", "the permission set %q needs the customer managed policy %q, which is not in %s", set, policy, few(where[key], 5))
	}
}

func (m *maker) accountName(id string) string {
	if i, ok := m.x.Account(id); ok {
		return m.before.Accounts[i].Name
	}
	return id
}

// Needed is a customer managed policy that accounts must have for a plan's changes of a set.
type Needed struct {
	Set      string
	Policy   estate.PolicyRef
	Accounts []string // ids
}

// NeededPolicies are those that a plan's changes depend on: of sets that are newly assigned in an account, and of changed sets wherever they are.
func NeededPolicies(p *Plan) (out []Needed) {
	accounts := map[int32]map[int32]bool{}
	note := func(a estate.Assignment) {
		if accounts[a.Set] == nil {
			accounts[a.Set] = map[int32]bool{}
		}
		accounts[a.Set][a.Account] = true
	}
	for _, c := range p.Assignments {
		if !c.Remove {
			note(c.Assignment)
		}
	}
	changed := map[int32]bool{}
	for _, c := range p.Provision {
		changed[int32(c.Set)] = true
	}
	if len(changed) > 0 {
		for _, a := range p.After.Assignments {
			if changed[a.Set] {
				note(a)
			}
		}
	}
	for s := range p.After.Sets {
		set := &p.After.Sets[s]
		refs := slices.Clone(set.CustomerPolicies)
		if set.Boundary != nil && set.Boundary.Customer != nil {
			refs = append(refs, *set.Boundary.Customer)
		}
		if len(refs) == 0 || len(accounts[int32(s)]) == 0 {
			continue
		}
		var ids []string
		for a := range accounts[int32(s)] {
			ids = append(ids, p.After.Accounts[a].ID)
		}
		slices.Sort(ids)
		for _, r := range refs {
			out = append(out, Needed{set.Name, r, ids})
		}
	}
	return out
}

// widening tells of sets that allow more than before, as far as it can be seen without deciding every action.
func (m *maker) widening() {
	uses := map[int32]int{}
	for _, a := range m.before.Assignments {
		uses[a.Set]++
	}
	for _, c := range m.plan.Sets {
		if c.Action != Update {
			continue
		}
		var why []string
		for _, d := range SetDifferences(c.Before, c.After) {
			switch {
			case (d.What == "aws_policies" || d.What == "customer_policies") && d.After != "":
				why = append(why, "it gets "+d.After)
			case d.What == "boundary" && d.Before != "":
				why = append(why, "its boundary "+d.Before+" is taken away or changed")
			case d.What == "inline_policy" && wider(d.Before, d.After):
				why = append(why, "its inline policy allows something new, or denies something no more")
			}
		}
		if len(why) > 0 {
			m.problems.Warn("widening", m.setAt(c.After.Name), c.After.Name, "", "the permission set %q, which %s, can do more: %s", c.After.Name, hold(uses[int32(c.Set)]), strings.Join(why, "; "))
		}
	}
}

func hold(n int) string {
	if n == 0 {
		return "nobody has"
	}
	return "has " + source.Count(n, "assignment")
}

func (m *maker) setAt(name string) source.Position {
	if s := m.d.Set(name); s != nil {
		return s.At
	}
	return source.Position{}
}

// gain is that somebody becomes an administrator in an account.
type gain struct {
	set     int32
	who     string // in words
	account int32
}

// gains are who becomes an administrator: by an assignment, by a change of the set, or as a new member of a group.
func (m *maker) gains() (out []gain) {
	is := map[int32]bool{}
	for s := range m.after.Sets {
		is[int32(s)] = isAdministrator(&m.after.Sets[s])
	}
	fresh := map[estate.Assignment]bool{}
	for _, c := range m.plan.Assignments {
		if !c.Remove && is[c.Set] {
			fresh[c.Assignment] = true
			out = append(out, gain{c.Set, m.after.Name(c.Principal), c.Account})
		}
	}
	raised := map[int32]bool{}
	for _, c := range m.plan.Sets {
		if s := int32(c.Set); c.Action == Update && is[s] && !isAdministrator(c.Before) {
			raised[s] = true
		}
	}
	members := map[estate.Principal][]string{}
	for _, c := range m.plan.Members {
		if p := estate.GroupPrincipal(c.Group); c.Action == Create {
			members[p] = append(members[p], m.after.Name(estate.UserPrincipal(c.User)))
		}
	}
	for _, a := range m.after.Assignments {
		switch {
		case !is[a.Set] || fresh[a]:
		case raised[a.Set]:
			out = append(out, gain{a.Set, m.after.Name(a.Principal), a.Account})
		case members[a.Principal] != nil:
			out = append(out, gain{a.Set, few(members[a.Principal], 5) + ", by the group " + m.after.Name(a.Principal), a.Account})
		}
	}
	return out
}

// administrators tells of people who become administrators in production.
func (m *maker) administrators() {
	production := m.production()
	type key struct {
		set int32
		who string
	}
	var order []key
	where := map[key][]string{}
	raised := map[string]bool{}
	for _, g := range m.gains() {
		raised[m.after.Accounts[g.account].ID] = true
		if !production[g.account] {
			continue
		}
		k := key{g.set, g.who}
		if where[k] == nil {
			order = append(order, k)
		}
		where[k] = append(where[k], m.after.Accounts[g.account].Name)
	}
	m.plan.Raised = sortedKeys(raised)
	for _, k := range order {
		m.problems.Warn("administrator-in-production", m.setAt(m.after.Sets[k.set].Name), m.after.Sets[k.set].Name, "", "%s becomes an administrator (%s) of production: %s", k.who, m.after.Sets[k.set].Name, few(where[k], 5))
	}
}

// production tells which accounts are; by their names when the files do not say.
func (m *maker) production() []bool {
	if m.d.Production != nil {
		return m.accounts(m.d.Production)
	}
	is := func(s string) bool {
		s = strings.ToLower(s)
		return s == "prod" || s == "production"
	}
	out := make([]bool, len(m.after.Accounts))
	for i := range out {
		out[i] = slices.ContainsFunc(m.x.Chain(i), func(u int) bool { return is(m.after.Units[u].Name) })
		for k, v := range m.after.Accounts[i].Tags {
			switch strings.ToLower(k) {
			case "env", "environment", "stage":
				out[i] = out[i] || is(v)
			}
		}
	}
	return out
}

// oneself tells whoever plans that she takes away her own access. Who she is, the session of a permission set's role says.
func (m *maker) oneself() {
	set, name, account, ok := reserved(m.before.Caller)
	if !ok {
		return
	}
	for _, c := range m.plan.Assignments {
		if !c.Remove || m.after.Sets[c.Set].Name != set || m.after.Accounts[c.Account].ID != account {
			continue
		}
		if m.may(c.Principal, name) {
			m.problems.Warn("oneself", m.setAt(set), m.after.Name(c.Principal), "", "you are signed in as %s with %s in %s, and %s loses it there: that may be you", name, set, m.after.Accounts[c.Account].Name, m.after.Name(c.Principal))
		}
	}
	for _, c := range m.plan.Members {
		if c.Action != Delete || !strings.EqualFold(m.after.Users[c.User].Name, name) {
			continue
		}
		if slices.ContainsFunc(m.before.Assignments, func(a estate.Assignment) bool {
			return a.Principal == estate.GroupPrincipal(c.Group) && m.after.Sets[a.Set].Name == set && m.after.Accounts[a.Account].ID == account
		}) {
			m.problems.Warn("oneself", source.Position{}, name, "", "you are signed in as %s with %s in %s by the group %q, and leave it", name, set, account, m.after.Groups[c.Group].Name)
		}
	}
}

// may tells whether a principal is somebody, or a group that she may be in.
func (m *maker) may(p estate.Principal, user string) bool {
	if p.IsUser() {
		return strings.EqualFold(m.after.Users[p.Index()].Name, user)
	}
	g := &m.before.Groups[p.Index()]
	if !g.MembersRead {
		return true
	}
	return slices.ContainsFunc(g.Members, func(u int32) bool { return strings.EqualFold(m.before.Users[u].Name, user) })
}

// reserved takes apart arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_<set>_<16 hex>/<user>.
func reserved(caller string) (set, user, account string, ok bool) {
	parts := strings.SplitN(caller, ":", 6)
	if len(parts) < 6 {
		return "", "", "", false
	}
	path := strings.Split(parts[5], "/")
	if len(path) != 3 || path[0] != "assumed-role" {
		return "", "", "", false
	}
	role, found := strings.CutPrefix(path[1], "AWSReservedSSO_")
	end := strings.LastIndexByte(role, '_')
	if !found || end < 1 {
		return "", "", "", false
	}
	return role[:end], path[2], parts[4], true
}
