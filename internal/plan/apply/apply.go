// Package apply makes a plan's changes over AWS's public API: in the order in which they depend on each other, what is added before what is
// removed, as fast as the limits allow, and on past what fails.
//
// Nothing is remembered between runs. Every change is made so that making it again does no harm, and what is under way from a run that was killed is waited
// for: to plan and apply again is how to go on after a crash.
package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/live"
)

// Kind is a list of a plan.
type Kind string

// The lists of a plan.
const (
	Groups       Kind = "groups"
	Members      Kind = "members"
	Sets         Kind = "sets"
	Provision    Kind = "provision"
	Assignments  Kind = "assignments"
	Attributes   Kind = "attributes"
	Applications Kind = "applications"
	Uses         Kind = "uses"
)

// Kinds are all of them, in the order of a plan.
var Kinds = []Kind{Groups, Members, Sets, Provision, Assignments, Attributes, Applications, Uses}

// Options say how to apply.
type Options struct {
	// Only are the lists to apply; empty is all.
	Only []Kind
	// Progress is told how many changes are done.
	Progress live.Progress
	// Patience is how long a request may be under way before it is given up (default: ten minutes).
	Patience time.Duration
	// Grace is how long requests that are under way are waited for after a cancellation (default: ten seconds).
	Grace time.Duration
	// Now is the clock (default: time.Now).
	Now func() time.Time
}

func (o Options) complete() Options {
	o.Patience, o.Grace = cmp.Or(o.Patience, 10*time.Minute), cmp.Or(o.Grace, 10*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Outcome is what became of a change.
type Outcome string

// Done is in effect. Failed was refused. Skipped depends on something that failed. Unfinished was not begun, or its end is not known, when the run was ended.
const (
	Done       Outcome = "done"
	Failed     Outcome = "failed"
	Skipped    Outcome = "skipped"
	Unfinished Outcome = "unfinished"
)

// Result is what became of one change: the change at an index of the plan's list of the kind.
type Result struct {
	Kind    Kind    `json:"kind"`
	Index   int     `json:"index"`
	What    string  `json:"what"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	Advice  string  `json:"advice,omitempty"`
}

// Report is what became of a plan, every change in the order of the plan's lists.
type Report struct {
	Results  []Result       `json:"results"`
	Calls    map[string]int `json:"calls"` // by operation
	Duration time.Duration  `json:"-"`
}

// Count is how many changes had an outcome.
func (r *Report) Count(o Outcome) (n int) {
	for _, x := range r.Results {
		if x.Outcome == o {
			n++
		}
	}
	return n
}

// OK tells whether everything was done.
func (r *Report) OK() bool { return r.Count(Done) == len(r.Results) }

// Run makes the changes of a plan without errors. It returns an error only if nothing could be begun; what failed later is in the report, also if ctx
// ends: then nothing more is begun, and what is under way is waited for a little.
func Run(ctx context.Context, p *plan.Plan, c *live.Client, o Options) (*Report, error) {
	if p.Problems.Failed() {
		return nil, errors.New("the plan has errors, and must not be applied")
	}
	o = o.complete()
	for _, k := range o.Only {
		if !slices.Contains(Kinds, k) {
			return nil, fmt.Errorf("there are no changes of kind %q; there are %v", k, Kinds)
		}
	}
	before, began := c.Calls(), o.Now()
	if _, err := c.Find(ctx); err != nil {
		return nil, err
	}
	r := newRun(p, c, o)
	if r.only[Assignments] && len(p.Assignments) > 0 || r.only[Provision] && len(p.Provision) > 0 {
		if err := Settle(ctx, c, o); err != nil {
			return nil, err
		}
	}
	r.additions(ctx)
	r.removals(ctx)
	return r.report(before, began), nil
}

// key names a change.
type key struct {
	kind  Kind
	index int
}

// run is one application of a plan.
type run struct {
	plan   *plan.Plan
	client *live.Client
	opts   Options
	only   map[Kind]bool

	mu      sync.Mutex
	results map[key]Result
	told    map[key]bool // in the progress
	total   int
	groups  []string // ids, sets and applications: ARNs; "" is not there (yet)
	sets    []string
	apps    []string
	broken  map[int]string // sets that could not be made what they are to be, and why
	heard   time.Time      // when the service last answered, whatever it said
	silence error          // what came in place of an answer since

	// What removals wait for; see findLacks.
	lacks    map[int32][]lack // by account, of applications by place
	unjoined map[int32]bool   // users who were to come into a group
	held     map[estate.Principal][]estate.Assignment
	meet     map[meeting]bool
}

// place stands for an application where an account stands otherwise.
func place(application int) int32 { return int32(^application) }

func newRun(p *plan.Plan, c *live.Client, o Options) *run {
	r := &run{plan: p, client: c, opts: o, only: map[Kind]bool{}, results: map[key]Result{}, told: map[key]bool{}, broken: map[int]string{}, heard: time.Now(),
		lacks: map[int32][]lack{}, unjoined: map[int32]bool{}, held: map[estate.Principal][]estate.Assignment{}, meet: map[meeting]bool{}}
	for _, k := range Kinds {
		r.only[k] = len(o.Only) == 0 || slices.Contains(o.Only, k)
	}
	for _, g := range p.After.Groups {
		r.groups = append(r.groups, g.ID)
	}
	for _, s := range p.After.Sets {
		r.sets = append(r.sets, s.ARN)
	}
	for _, a := range p.After.Applications {
		r.apps = append(r.apps, a.ARN)
	}
	r.total = len(r.all())
	return r
}

// all are the changes that are to be made, in the plan's order.
func (r *run) all() (ks []key) {
	p := r.plan
	attributes := 0
	if p.Attributes != nil {
		attributes = 1
	}
	for kind, n := range map[Kind]int{Groups: len(p.Groups), Members: len(p.Members), Sets: len(p.Sets), Provision: len(p.Provision), Assignments: len(p.Assignments), Attributes: attributes,
		Applications: len(p.Applications), Uses: len(p.Uses)} {
		for i := range n {
			if r.only[kind] {
				ks = append(ks, key{kind, i})
			}
		}
	}
	slices.SortFunc(ks, func(a, b key) int {
		return cmp.Or(slices.Index(Kinds, a.kind)-slices.Index(Kinds, b.kind), a.index-b.index)
	})
	return ks
}

// set takes down what became of a change.
func (r *run) set(k key, o Outcome, reason string) {
	r.mu.Lock()
	r.results[k] = Result{Kind: k.kind, Index: k.index, Outcome: o, Reason: reason}
	r.mu.Unlock()
	r.ended(k)
}

// ended tells the progress of a change that has come to its end, also before it is known to which.
func (r *run) ended(k key) {
	if r.opts.Progress == nil {
		return
	}
	r.mu.Lock()
	r.told[k] = true
	n := len(r.told)
	r.mu.Unlock()
	r.opts.Progress("changes", n, r.total)
}

// silentFor is how long a service may give no answer at all before nothing more is begun: longer than it takes to start it again.
const silentFor = 90 * time.Second

// note takes down whether a call was answered.
func (r *run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !live.NoAnswer(err) {
		r.heard, r.silence = time.Now(), nil
	} else {
		r.silence = err
	}
}

// lost says that the service cannot be reached any more, or "".
func (r *run) lost() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.silence == nil || time.Since(r.heard) < silentFor {
		return ""
	}
	return "the service does not answer any more: " + r.silence.Error()
}

// took takes down how a call for a change ended.
func (r *run) took(ctx context.Context, k key, err error) {
	r.note(err)
	switch {
	case err == nil:
		r.set(k, Done, "")
	case ctx.Err() != nil:
		r.set(k, Unfinished, "the run was ended before it was answered")
	default:
		r.set(k, Failed, err.Error())
	}
}

const unbegun = "the run was ended before it was begun"

func (r *run) outcome(k key) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results[k].Outcome
}

func (r *run) report(before map[string]int, began time.Time) *Report {
	out := &Report{Calls: r.client.Calls(), Duration: r.opts.Now().Sub(began)}
	maps.DeleteFunc(out.Calls, func(op string, n int) bool { return n == before[op] })
	for op := range out.Calls {
		out.Calls[op] -= before[op]
	}
	for _, k := range r.all() {
		x, ok := r.results[k]
		if !ok {
			x = Result{Kind: k.kind, Index: k.index, Outcome: Unfinished, Reason: cmp.Or(r.lost(), unbegun)}
		}
		x.What = r.what(k)
		if x.Outcome != Done {
			x.Advice = Advice(x)
		}
		out.Results = append(out.Results, x)
	}
	return out
}

// Settle waits for what an earlier run left under way: until it has ended an estate does not show it, and assignments of the same roles are refused.
// [Run] does so by itself; where a plan is made anew to be applied, it is to be called before the estate is read.
func Settle(ctx context.Context, c *live.Client, o Options) error {
	o = o.complete()
	if _, err := c.Find(ctx); err != nil {
		return err
	}
	end := o.Now().Add(o.Patience)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		n := 0
		for _, rs := range []live.Requests{c.Creations(), c.Removals(), c.Provisionings()} {
			ids, _, err := rs.UnderWay(ctx)
			if err != nil {
				return err
			}
			n += len(ids)
		}
		if n == 0 {
			return nil
		}
		if o.Now().After(end) {
			return fmt.Errorf("%d requests from before are still under way after %s; look at them with `aws sso-admin list-account-assignment-creation-status`, and apply again when they have ended", n, o.Patience)
		}
		if o.Progress != nil {
			o.Progress("waiting for requests of before", 0, n)
		}
		if err := live.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// over tells whether nothing more is to be begun.
func (r *run) over(ctx context.Context) bool { return ctx.Err() != nil || r.lost() != "" }

// each calls f for the indices that pass, several at a time, until the run is over.
func (r *run) each(ctx context.Context, kind Kind, n int, pass func(int) bool, f func(context.Context, key, int)) {
	if !r.only[kind] {
		return
	}
	var g errgroup.Group
	g.SetLimit(64)
	for i := range n {
		if pass(i) && !r.over(ctx) {
			g.Go(func() error { f(ctx, key{kind, i}, i); return nil })
		}
	}
	_ = g.Wait() // none of them returns an error
}

// beside runs all of them at the same time.
func beside(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}

// additions makes everything that is made or changed.
func (r *run) additions(ctx context.Context) {
	p := r.plan
	beside(
		func() {
			r.each(ctx, Groups, len(p.Groups), func(i int) bool { return p.Groups[i].Action != plan.Delete }, r.putGroup)
			r.each(ctx, Members, len(p.Members), func(i int) bool { return p.Members[i].Action == plan.Create }, r.addMember)
		},
		func() {
			r.each(ctx, Sets, len(p.Sets), func(i int) bool { return p.Sets[i].Action != plan.Delete }, r.putSet)
		},
		func() {
			r.each(ctx, Applications, len(p.Applications), func(i int) bool { return p.Applications[i].Action != plan.Delete }, r.putApplication)
		},
		func() {
			if p.Attributes != nil && r.only[Attributes] && ctx.Err() == nil {
				r.took(ctx, key{Attributes, 0}, r.client.PutAttributes(ctx, p.Attributes.After))
			}
		})
	if r.over(ctx) { // what is missing now was not begun, and is no reason to skip anything
		return
	}
	beside(
		func() { r.each(ctx, Uses, len(p.Uses), func(i int) bool { return !p.Uses[i].Remove }, r.allowUse) },
		func() { r.requests(ctx, append(r.provisionJobs(), r.creationJobs()...)) })
}

// removals takes away what is to go, when what takes its place is there.
func (r *run) removals(ctx context.Context) {
	if r.over(ctx) {
		return
	}
	p := r.plan
	r.findLacks()
	beside(
		func() { r.requests(ctx, r.removalJobs()) },
		func() { r.each(ctx, Uses, len(p.Uses), func(i int) bool { return p.Uses[i].Remove }, r.denyUse) },
		func() {
			r.each(ctx, Members, len(p.Members), func(i int) bool { return p.Members[i].Action == plan.Delete }, r.removeMember)
		})
	beside(
		func() {
			r.each(ctx, Sets, len(p.Sets), func(i int) bool { return p.Sets[i].Action == plan.Delete }, r.deleteSet)
		},
		func() {
			r.each(ctx, Applications, len(p.Applications), func(i int) bool { return p.Applications[i].Action == plan.Delete }, r.deleteApplication)
		},
		func() {
			r.each(ctx, Groups, len(p.Groups), func(i int) bool { return p.Groups[i].Action == plan.Delete }, r.deleteGroup)
		})
}

// lack is what was to be given in an account and is not there. The people are who was to have it by that, sorted, where they are known.
type lack struct {
	who    estate.Principal
	set    int32
	people []int32
	known  bool
	joins  bool // who is a group that has it, and the people could not be put into it
}

// findLacks notes what was to be given and is not there, because it failed or was not asked for. A membership is what the group has.
func (r *run) findLacks() {
	joins := map[estate.Principal][]int32{} // users by group
	for i, m := range r.plan.Members {
		if m.Action == plan.Create && r.outcome(key{Members, i}) != Done {
			g := estate.GroupPrincipal(m.Group)
			joins[g] = append(joins[g], int32(m.User))
			r.unjoined[int32(m.User)] = true
		}
	}
	for _, users := range joins {
		slices.Sort(users)
	}
	for _, a := range r.plan.After.Assignments {
		if users := joins[a.Principal]; users != nil {
			r.lacks[a.Account] = append(r.lacks[a.Account], lack{a.Principal, a.Set, users, true, true})
		}
	}
	lacks := func(account int32, set int32, p estate.Principal) {
		people, known := peopleOf(r.plan.After, p)
		r.lacks[account] = append(r.lacks[account], lack{p, set, people, known, false})
	}
	for i, a := range r.plan.Assignments {
		if !a.Remove && r.outcome(key{Assignments, i}) != Done {
			lacks(a.Account, a.Set, a.Principal)
		}
	}
	for i, u := range r.plan.Uses {
		if !u.Remove && r.outcome(key{Uses, i}) != Done {
			lacks(place(u.Application), 0, u.Principal)
		}
	}
	if len(r.lacks) == 0 {
		return
	}
	for _, a := range r.plan.Before.Assignments {
		if !a.Principal.IsUser() {
			r.held[a.Principal] = append(r.held[a.Principal], a)
		}
	}
	for i := range r.plan.Before.Applications {
		for _, p := range r.plan.Before.Applications[i].Principals {
			r.held[p] = append(r.held[p], estate.Assignment{Account: place(i), Principal: p})
		}
	}
}

// peopleOf a principal, as far as they are known.
func peopleOf(e *estate.Estate, p estate.Principal) (users []int32, known bool) {
	switch i := p.Index(); {
	case p.IsUser():
		return []int32{int32(i)}, true
	case i < len(e.Groups):
		return e.Groups[i].Members, e.Groups[i].MembersRead
	}
	return nil, true
}

// waits tells whether something may not be taken yet: somebody who loses it was to get something in the same account, and did not. Where it is not known who is in the groups,
// that is whoever was to get the same permission set, as when one group takes the place of another.
func (r *run) waits(a estate.Assignment) bool {
	return slices.ContainsFunc(r.lacks[a.Account], func(l lack) bool {
		if l.who == a.Principal && !l.joins {
			return true
		}
		lose, known := peopleOf(r.plan.Before, a.Principal)
		switch {
		case !known || !l.known:
			return l.set == a.Set
		case len(lose) == 1:
			_, in := slices.BinarySearch(l.people, lose[0])
			return in
		}
		pair := meeting{l.who, a.Principal, l.joins}
		r.mu.Lock()
		defer r.mu.Unlock()
		meet, told := r.meet[pair]
		if !told {
			meet = slices.ContainsFunc(lose, func(u int32) bool { _, in := slices.BinarySearch(l.people, u); return in })
			r.meet[pair] = meet
		}
		return meet
	})
}

// meeting is whether people of what gets something are among those of what loses something: there are few such pairs, and many accounts.
type meeting struct {
	gets, loses estate.Principal
	joins       bool
}

// leaves tells whether somebody may not be taken out of a group yet: she was to come into another, or to get something where the group has something.
func (r *run) leaves(group int, user int32) bool {
	return r.unjoined[user] || slices.ContainsFunc(r.held[estate.GroupPrincipal(group)], func(a estate.Assignment) bool {
		a.Principal = estate.UserPrincipal(int(user))
		return r.waits(a)
	})
}

const orphaned = "what takes its place is not there, and nobody is to stand without access between the two"

func (r *run) putGroup(ctx context.Context, k key, i int) {
	g := r.plan.Groups[i]
	if g.Action == plan.Update {
		r.took(ctx, k, r.client.UpdateGroup(ctx, r.groups[g.Group], *g.After))
		return
	}
	id, err := r.client.CreateGroup(ctx, *g.After)
	if id != "" {
		r.mu.Lock()
		r.groups[g.Group] = id
		r.mu.Unlock()
	}
	r.took(ctx, k, err)
}

func (r *run) addMember(ctx context.Context, k key, i int) {
	m := r.plan.Members[i]
	if r.groups[m.Group] == "" {
		r.set(k, Skipped, fmt.Sprintf("group %q is not there", r.plan.After.Groups[m.Group].Name))
		return
	}
	r.took(ctx, k, r.client.AddMember(ctx, r.groups[m.Group], r.plan.After.Users[m.User].ID))
}

func (r *run) removeMember(ctx context.Context, k key, i int) {
	m := r.plan.Members[i]
	if r.leaves(m.Group, int32(m.User)) {
		r.set(k, Skipped, orphaned)
		return
	}
	r.took(ctx, k, r.client.RemoveMember(ctx, r.groups[m.Group], r.plan.After.Users[m.User].ID))
}

func (r *run) putSet(ctx context.Context, k key, i int) {
	s := r.plan.Sets[i]
	var err error
	if s.Action == plan.Update {
		is := *s.Before
		is.ARN = r.sets[s.Set]
		err = r.client.UpdateSet(ctx, is, *s.After)
	} else {
		var arn string
		arn, err = r.client.CreateSet(ctx, *s.After)
		r.mu.Lock()
		r.sets[s.Set] = arn
		r.mu.Unlock()
	}
	if err != nil {
		r.mu.Lock()
		r.broken[s.Set] = fmt.Sprintf("permission set %q is not what it is to be", r.plan.After.Sets[s.Set].Name)
		r.mu.Unlock()
	}
	r.took(ctx, k, err)
}

// unusable says why a set cannot be assigned or provisioned, or "".
func (r *run) unusable(set int) string {
	if why := r.broken[set]; why != "" {
		return why
	}
	if r.sets[set] == "" {
		return fmt.Sprintf("permission set %q is not there", r.plan.After.Sets[set].Name)
	}
	return ""
}

func (r *run) deleteSet(ctx context.Context, k key, i int) {
	s := r.plan.Sets[i]
	for j, a := range r.plan.Assignments {
		if a.Remove && int(a.Set) == s.Set && r.outcome(key{Assignments, j}) != Done {
			r.set(k, Skipped, fmt.Sprintf("permission set %q is still assigned", r.plan.After.Sets[s.Set].Name))
			return
		}
	}
	r.took(ctx, k, r.insist(ctx, func() error { return r.client.DeleteSet(ctx, r.sets[s.Set]) }))
}

// insist repeats what is refused as a conflict for a while: AWS takes some seconds to notice that the last assignment of a set is gone.
func (r *run) insist(ctx context.Context, f func() error) error {
	end := r.opts.Now().Add(min(r.opts.Patience, time.Minute))
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f()
		if live.Code(err) != "ConflictException" || r.opts.Now().Add(wait).After(end) || live.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

func (r *run) putApplication(ctx context.Context, k key, i int) {
	a := r.plan.Applications[i]
	if a.Action == plan.Update {
		is := *a.Before
		is.ARN = r.apps[a.Application]
		r.took(ctx, k, r.client.UpdateApplication(ctx, is, *a.After))
		return
	}
	arn, err := r.client.CreateApplication(ctx, *a.After)
	r.mu.Lock()
	r.apps[a.Application] = arn
	r.mu.Unlock()
	r.took(ctx, k, err)
}

func (r *run) deleteApplication(ctx context.Context, k key, i int) {
	r.took(ctx, k, r.client.DeleteApplication(ctx, r.apps[r.plan.Applications[i].Application]))
}

// deleteGroup removes a group that has no assignment any more. Whoever is in it and did not get what takes its place keeps it.
func (r *run) deleteGroup(ctx context.Context, k key, i int) {
	g := r.plan.Groups[i]
	for j, a := range r.plan.Assignments {
		if a.Remove && a.Principal == estate.GroupPrincipal(g.Group) && r.outcome(key{Assignments, j}) != Done {
			r.set(k, Skipped, fmt.Sprintf("group %q is still assigned", g.Before.Name))
			return
		}
	}
	if slices.ContainsFunc(g.Before.Members, func(u int32) bool { return r.leaves(g.Group, u) }) {
		r.set(k, Skipped, orphaned)
		return
	}
	r.took(ctx, k, r.client.DeleteGroup(ctx, r.groups[r.plan.Groups[i].Group]))
}

// principal is a principal's id, or "" with the reason that there is none.
func (r *run) principal(p estate.Principal) (id, why string) {
	if p.IsUser() {
		return r.plan.After.Users[p.Index()].ID, ""
	}
	if id = r.groups[p.Index()]; id == "" {
		why = fmt.Sprintf("group %q is not there", r.plan.After.Groups[p.Index()].Name)
	}
	return id, why
}

func (r *run) allowUse(ctx context.Context, k key, i int) {
	u := r.plan.Uses[i]
	id, why := r.principal(u.Principal)
	if r.apps[u.Application] == "" {
		why = fmt.Sprintf("application %q is not there", r.plan.After.Applications[u.Application].Name)
	}
	if why != "" {
		r.set(k, Skipped, why)
		return
	}
	r.took(ctx, k, r.client.AllowUse(ctx, r.apps[u.Application], live.Grant{Principal: id, User: u.Principal.IsUser()}))
}

func (r *run) denyUse(ctx context.Context, k key, i int) {
	u := r.plan.Uses[i]
	if r.waits(estate.Assignment{Account: place(u.Application), Principal: u.Principal}) {
		r.set(k, Skipped, orphaned)
		return
	}
	id, _ := r.principal(u.Principal)
	r.took(ctx, k, r.client.DenyUse(ctx, r.apps[u.Application], live.Grant{Principal: id, User: u.Principal.IsUser()}))
}
