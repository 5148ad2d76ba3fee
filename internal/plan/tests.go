package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
	"gatehouse/internal/policy"
)

// manyReasons is how many contradictions of one test are told.
const manyReasons = 5

// runTests decides the tests of access against the estate as it will be. Those that fail are problems.
func runTests(d *file.Document, e *estate.Estate, r *resolver, problems *source.Problems) []TestResult {
	var out []TestResult
	for i := range d.Tests {
		t := &d.Tests[i]
		before := len(*problems)
		one := tester{resolver: r, t: t}
		one.run()
		result := TestResult{Name: t.Name.Value, At: t.Name.At, Outcome: Passed, Reasons: one.contradictions}
		switch {
		case len(*problems) > before: // a name in it stands for nothing
			result.Outcome, result.Reasons = Undecided, []string{"names in it stand for nothing"}
		case len(one.contradictions) > 0:
			result.Outcome = Failed
			problems.Add("test-failed", t.Name.At, "", "", "the test %q fails: %s", t.Name.Value, few(one.contradictions, manyReasons))
		case len(one.doubts) > 0:
			result.Outcome, result.Reasons = Undecided, one.doubts
			problems.Warn("test-undecided", t.Name.At, "", "", "the test %q cannot be decided: %s", t.Name.Value, few(one.doubts, manyReasons))
		}
		out = append(out, result)
	}
	return out
}

// tester decides one test.
type tester struct {
	*resolver
	t              *file.Test
	contradictions []string
	doubts         []string
}

func (t *tester) run() {
	switch {
	case t.t.Only != nil:
		t.only()
	case t.t.Reach != nil:
		t.reach()
	case t.t.Has:
		t.has()
	case t.t.Lacks:
		t.lacks()
	default:
		t.simulate()
	}
}

// inAccounts are the accounts the test is about.
func (t *tester) inAccounts() []bool {
	if t.t.Accounts != nil {
		return t.accounts(t.t.Accounts)
	}
	out := make([]bool, len(t.e.Accounts))
	for i := range out {
		out[i] = true
	}
	return out
}

// found collects accounts by who has what there, so that a contradiction is told once and not for every account.
type found struct {
	order []estate.Assignment // with Account 0
	where map[estate.Assignment][]string
}

func (f *found) add(e *estate.Estate, a estate.Assignment) {
	if f.where == nil {
		f.where = map[estate.Assignment][]string{}
	}
	name := e.Accounts[a.Account].Name
	a.Account = 0
	if f.where[a] == nil {
		f.order = append(f.order, a)
	}
	f.where[a] = append(f.where[a], name)
}

func (t *tester) tell(f found, format string) {
	for _, a := range f.order {
		t.contradictions = append(t.contradictions, fmt.Sprintf(format, t.e.Name(a.Principal), t.e.Sets[a.Set].Name, few(f.where[a], manyReasons)))
	}
}

// sets are those that the test is about. It is not decided by patterns that choose none: they may be mistyped.
func (t *tester) sets() []bool {
	for _, p := range t.t.Sets {
		if isPattern(p.Value) && !slices.ContainsFunc(t.e.Sets, func(s estate.Set) bool { return policy.Like(p.Value, s.Name) }) {
			t.doubts = append(t.doubts, fmt.Sprintf("no permission set has a name like %q", p.Value))
		}
	}
	return t.matching(t.t.Sets)
}

// only: nobody else has the sets in the accounts.
func (t *tester) only() {
	sets, accounts := t.sets(), t.inAccounts()
	var groups []int
	may := map[estate.Principal]bool{}
	for _, p := range t.principals(t.t.Only.Groups, t.t.Only.Users) {
		may[p] = true
		if !p.IsUser() {
			groups = append(groups, p.Index())
		}
	}
	t.unread(sets)
	var f found
	for _, a := range t.e.Assignments {
		if sets[a.Set] && accounts[a.Account] && !may[a.Principal] && !(a.Principal.IsUser() && t.memberOf(groups, a.Principal.Index())) {
			f.add(t.e, a)
		}
	}
	t.tell(f, "%s has %s in %s")
}

// unread doubts what is said about sets whose assignments were not read.
func (t *tester) unread(sets []bool) {
	for i, is := range sets {
		if is && !t.e.Sets[i].AssignmentsRead {
			t.doubts = append(t.doubts, "the assignments of "+t.e.Sets[i].Name+" were not read")
		}
	}
}

// memberOf tells whether somebody is in one of the groups; not when members are not known.
func (t *tester) memberOf(groups []int, user int) bool {
	return slices.ContainsFunc(groups, func(g int) bool {
		_, in := slices.BinarySearch(t.e.Groups[g].Members, int32(user))
		return in
	})
}

// asked are the groups and users that the test names, and the users among them once more.
func (t *tester) asked() (who map[estate.Principal]bool, people map[int32]bool) {
	who, people = map[estate.Principal]bool{}, map[int32]bool{}
	for _, p := range t.principals(t.t.Groups, t.t.Users) {
		who[p] = true
		if p.IsUser() {
			people[int32(p.Index())] = true
		}
	}
	return who, people
}

// reach: the groups' members and the users get nowhere else, by whatever way.
func (t *tester) reach() {
	accounts := t.accounts(t.t.Reach)
	who, people := t.asked()
	for _, p := range slices.Sorted(maps.Keys(who)) {
		if p.IsUser() {
			continue
		}
		g := &t.e.Groups[p.Index()]
		if !g.MembersRead {
			t.doubts = append(t.doubts, "the members of "+g.Name+" were not read")
		}
		for _, u := range g.Members {
			people[u] = true
			who[estate.UserPrincipal(int(u))] = true
		}
	}
	t.ways(who, people)
	t.unread(slices.Repeat([]bool{true}, len(t.e.Sets)))
	var f found
	for _, a := range t.e.Assignments {
		if who[a.Principal] && !accounts[a.Account] {
			f.add(t.e, a)
		}
	}
	t.tell(f, "%s has %s in %s")
}

// ways adds the other groups that people get anywhere by.
func (t *tester) ways(who map[estate.Principal]bool, people map[int32]bool) {
	if len(people) == 0 {
		return
	}
	seen := map[estate.Principal]bool{}
	for _, a := range t.e.Assignments {
		if a.Principal.IsUser() || seen[a.Principal] {
			continue
		}
		seen[a.Principal] = true
		g := &t.e.Groups[a.Principal.Index()]
		if !g.MembersRead && !who[a.Principal] {
			t.doubts = append(t.doubts, "the members of "+cmp.Or(g.Name, g.ID)+" were not read")
		}
		if slices.ContainsFunc(g.Members, func(u int32) bool { return people[u] }) {
			who[a.Principal] = true
		}
	}
}

// has: every principal has every set in every account, a user perhaps through a group.
func (t *tester) has() {
	sets, accounts := t.sets(), t.inAccounts()
	t.unread(sets)
	held := map[estate.Assignment]bool{}
	holders := map[estate.Assignment][]int{} // groups by account and set
	for _, a := range t.e.Assignments {
		if !sets[a.Set] || !accounts[a.Account] {
			continue
		}
		held[a] = true
		if !a.Principal.IsUser() {
			key := estate.Assignment{Account: a.Account, Set: a.Set}
			holders[key] = append(holders[key], a.Principal.Index())
		}
	}
	var f found
	for _, p := range t.principals(t.t.Groups, t.t.Users) {
		for s, is := range sets {
			for a, in := range accounts {
				one := estate.Assignment{Account: int32(a), Set: int32(s), Principal: p}
				if !is || !in || !t.e.Accounts[a].Active() || held[one] {
					continue
				}
				if p.IsUser() && t.memberOf(holders[estate.Assignment{Account: one.Account, Set: one.Set}], p.Index()) {
					continue
				}
				f.add(t.e, one)
			}
		}
	}
	t.tell(f, "%s lacks %s in %s")
}

// lacks: no principal has any of the sets in any of the accounts, a user not through a group either.
func (t *tester) lacks() {
	sets, accounts := t.sets(), t.inAccounts()
	t.unread(sets)
	who, people := t.asked()
	t.ways(who, people)
	var f found
	for _, a := range t.e.Assignments {
		if sets[a.Set] && accounts[a.Account] && who[a.Principal] {
			f.add(t.e, a)
		}
	}
	t.tell(f, "%s has %s in %s")
}

// simulate asks the policies of the sets.
func (t *tester) simulate() {
	for s, is := range t.sets() {
		if !is {
			continue
		}
		set := &t.e.Sets[s]
		if !set.DetailsRead {
			t.doubts = append(t.doubts, "the policies of "+set.Name+" were not read")
			continue
		}
		p := powerOf(set, t.t.Context)
		for _, action := range t.t.Can {
			t.can(&p, set.Name, action.Value)
		}
		for _, action := range t.t.Cannot {
			t.cannot(&p, set.Name, action.Value)
		}
	}
}

// anywhere are resources to ask about when the test names none: what the policies speak of, and something that they do not.
func (p *power) anywhere() []string {
	return append(slices.Compact(slices.Sorted(slices.Values(p.sample))), "*", "arn:aws:any:eu-central-1:111122223333:thing/of-no-policy")
}

func (t *tester) can(p *power, set, action string) {
	if t.t.On != nil {
		for _, resource := range t.t.On {
			switch v, why := p.ask(action, resource, t.t.Context); v {
			case denied:
				t.contradictions = append(t.contradictions, fmt.Sprintf("%s cannot %s on %s", set, action, resource))
			case depends:
				t.doubts = append(t.doubts, fmt.Sprintf("whether %s can %s on %s: %s", set, action, resource, why))
			}
		}
		return
	}
	doubt := ""
	for _, resource := range p.anywhere() {
		switch v, why := p.ask(action, resource, t.t.Context); v {
		case allowed:
			return
		case depends:
			doubt = why
		}
	}
	if doubt != "" {
		t.doubts = append(t.doubts, fmt.Sprintf("whether %s can %s: %s", set, action, doubt))
		return
	}
	t.contradictions = append(t.contradictions, fmt.Sprintf("%s cannot %s", set, action))
}

func (t *tester) cannot(p *power, set, action string) {
	resources := t.t.On
	if resources == nil {
		resources = p.anywhere()
	}
	doubt := ""
	for _, resource := range resources {
		switch v, why := p.ask(action, resource, t.t.Context); v {
		case allowed:
			t.contradictions = append(t.contradictions, fmt.Sprintf("%s can %s on %s, by %s", set, action, resource, why))
			return
		case depends:
			doubt = why
		}
	}
	if doubt != "" {
		t.doubts = append(t.doubts, fmt.Sprintf("whether %s cannot %s: %s", set, action, doubt))
	}
}
