package apply

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/live"
)

// job is a request that the service works on after it has answered: to make or end an assignment, or to provision.
type job struct {
	key     key
	flow    *flow
	set     int32
	account string // "": every account that has the set
	start   func(ctx context.Context) (id string, status live.Status, err error)
	fresh   bool // what it names was made by this run

	id       string
	created  time.Time // when it was accepted
	first    time.Time // when it was first tried
	notSoon  time.Time // when it may be tried again
	refusals int
	failures int
}

// flow are the requests of one kind, which share a list of statuses.
type flow struct {
	requests live.Requests
	most     int // how many may be under way

	starting int
	under    map[string]*job // by id
	ended    map[string]*job // not under way any more; how they ended is not known yet

	// takes is how long a request takes, as far as has been seen.
	takes     time.Duration
	low, high time.Duration // bounds of it; 0: none is known
	misses    int           // lists in a row from which nothing had gone
	nextPoll  time.Time
	asked     time.Time // when the last list was made
	polling   bool
}

func (f *flow) busy() int { return f.starting + len(f.under) }

// scheduler keeps as many requests under way as the limits allow, one for each role at a time, and learns from lists of statuses which have ended.
//
// A list tells of all at once, but each costs a call, of which there are few. So it is asked for only when something is to be gained: when nothing more
// can be begun, and a good part of what is under way is expected to have ended. How long requests take is learned on the way.
type scheduler struct {
	*run
	queue    []*job
	roles    map[role]bool
	accounts map[string]int // how many roles of it are being changed
	sets     map[int32]int  // sets of which roles are being changed; -1: all of them
	flows    []*flow
	events   chan event
	least    time.Duration // between lists
}

type role struct {
	account string
	set     int32
}

// event is something that came back: the answer to a start, or a list.
type event struct {
	job    *job
	id     string
	status live.Status

	flow  *flow
	list  map[string]bool
	asked time.Time

	err error
}

// few is how many requests may still be on their way to the service when a list is asked for: it comes after them.
const few = 2

// worth is what a list may cost in places that stand empty, as a share of how long a request takes: more empty places or more calls, neither is to be many.
const worth = 0.33

func (r *run) flow(rs live.Requests, most int) *flow {
	f := &flow{requests: rs, most: most, under: map[string]*job{}, ended: map[string]*job{}, takes: time.Second}
	if r.client.Limits().Rate == 0 {
		f.takes = 5 * time.Millisecond
	}
	if f.most == 0 {
		f.most = 100 // a page of a list
	}
	return f
}

func (r *run) creationJobs() []*job { return r.assignmentJobs(r.client.Creations(), false) }
func (r *run) removalJobs() []*job  { return r.assignmentJobs(r.client.Removals(), true) }

func (r *run) assignmentJobs(rs live.Requests, remove bool) (jobs []*job) {
	if !r.only[Assignments] {
		return nil
	}
	f := r.flow(rs, r.client.Limits().Outstanding)
	e := r.plan.After
	for i, a := range r.plan.Assignments {
		if a.Remove != remove {
			continue
		}
		k := key{Assignments, i}
		principal, why := r.principal(a.Principal)
		switch {
		case remove && r.waits(a.Assignment):
			why = orphaned
		case !remove:
			why = cmp.Or(r.unusable(int(a.Set)), why)
		}
		if why != "" {
			r.set(k, Skipped, why)
			continue
		}
		g := live.Grant{Set: r.sets[a.Set], Account: e.Accounts[a.Account].ID, Principal: principal, User: a.Principal.IsUser()}
		start := func(ctx context.Context) (string, live.Status, error) { return r.client.Assign(ctx, g) }
		if remove {
			start = func(ctx context.Context) (string, live.Status, error) { return r.client.Unassign(ctx, g) }
		}
		fresh := e.Sets[a.Set].ARN == "" || !g.User && e.Groups[a.Principal.Index()].ID == ""
		jobs = append(jobs, &job{key: k, flow: f, set: a.Set, account: g.Account, start: start, fresh: fresh})
	}
	return spread(jobs)
}

// spread puts jobs into an order in which those of an account are far from each other: the service works on one role of an account at a time.
func spread(jobs []*job) []*job {
	turn := map[*job]int{}
	inAccount, inRole := map[string]int{}, map[role]int{}
	for _, j := range jobs {
		k := role{j.account, j.set}
		turn[j] = max(inAccount[j.account], inRole[k])
		inAccount[j.account]++
		inRole[k]++
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return turn[a] - turn[b] })
	return jobs
}

// Up to fewAccounts are provisioned one by one and not together with all that have the set; where more than mostAccounts have it, the service does not take
// all of them in one request.
const (
	fewAccounts  = 3
	mostAccounts = 3500
)

// provisioned are the ids of the accounts to provision a set in, each by a request of its own; [""] is one request for all that have it.
func (r *run) provisioned(p plan.Provision) []string {
	having := map[int32]bool{}
	for _, a := range r.plan.Before.Assignments {
		if int(a.Set) == p.Set {
			having[a.Account] = true
		}
	}
	switch {
	case len(p.Accounts) > 0 && (len(p.Accounts) <= fewAccounts || len(having) > mostAccounts):
		return p.Accounts
	case len(having) <= mostAccounts:
		return []string{""}
	}
	var ids []string
	for i, a := range r.plan.Before.Accounts {
		if having[int32(i)] {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

func (r *run) provisionJobs() (jobs []*job) {
	if !r.only[Provision] {
		return nil
	}
	f := r.flow(r.client.Provisionings(), r.client.Limits().Provisioning)
	for i, p := range r.plan.Provision {
		k := key{Provision, i}
		if why := r.unusable(p.Set); why != "" {
			r.set(k, Skipped, why)
			continue
		}
		for _, a := range r.provisioned(p) {
			jobs = append(jobs, &job{key: k, flow: f, set: int32(p.Set), account: a, start: func(ctx context.Context) (string, live.Status, error) {
				return r.client.Provision(ctx, r.sets[p.Set], a)
			}})
		}
	}
	return jobs
}

// requests sees all jobs to their end.
func (r *run) requests(ctx context.Context, jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	s := &scheduler{run: r, queue: jobs, roles: map[role]bool{}, accounts: map[string]int{}, sets: map[int32]int{}, events: make(chan event)}
	for _, j := range jobs {
		if !slices.Contains(s.flows, j.flow) {
			s.flows = append(s.flows, j.flow)
		}
	}
	s.least = 2 * time.Millisecond
	if rate := r.client.Limits().Rate; rate > 0 {
		s.least = time.Duration(3 / rate * float64(time.Second))
	}
	for s.work(ctx) {
		if !s.verdicts(ctx) {
			break
		}
	}
}

// work begins jobs and follows them until none is queued or under way, or ctx has ended and the grace is over. It tells whether there are any whose end is not
// known.
func (s *scheduler) work(ctx context.Context) bool {
	// What is under way is followed a little longer than ctx lasts.
	follow, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(s.opts.Grace, stop) })()
	for {
		if s.over(ctx) {
			s.drop()
		} else {
			s.begin(ctx)
		}
		if s.idle() || follow.Err() != nil && s.quiet() {
			break
		}
		timer := time.NewTimer(time.Until(s.poll(follow)))
		select {
		case e := <-s.events:
			s.take(ctx, e)
		case <-timer.C:
		case <-ctx.Done():
			if s.quiet() && follow.Err() == nil { // nothing will come but by a list or the end of the grace
				select {
				case <-timer.C:
				case <-follow.Done():
				}
			} else if !s.quiet() {
				s.take(ctx, <-s.events)
			}
		}
		timer.Stop()
	}
	for _, f := range s.flows {
		for _, j := range f.under {
			s.set(j.key, Unfinished, "the service was still at work on it when the run was ended")
		}
		clear(f.under)
	}
	return slices.ContainsFunc(s.flows, func(f *flow) bool { return len(f.ended) > 0 })
}

// drop gives up what was not begun. A change of several jobs is not done then, whatever became of the others.
func (s *scheduler) drop() {
	why := cmp.Or(s.lost(), unbegun)
	s.mu.Lock()
	for _, j := range s.queue {
		if s.results[j.key].Outcome != Failed {
			s.results[j.key] = Result{Kind: j.key.kind, Index: j.key.index, Outcome: Unfinished, Reason: why}
		}
	}
	s.mu.Unlock()
	s.queue = nil
}

// idle tells that nothing is left, quiet that nothing will come back by itself.
func (s *scheduler) idle() bool {
	return len(s.queue) == 0 && !slices.ContainsFunc(s.flows, func(f *flow) bool { return f.busy() > 0 || f.polling })
}

func (s *scheduler) quiet() bool {
	return !slices.ContainsFunc(s.flows, func(f *flow) bool { return f.starting > 0 || f.polling })
}

// begin starts as many jobs as may be.
func (s *scheduler) begin(ctx context.Context) {
	for {
		i := s.pick()
		if i < 0 {
			return
		}
		j := s.queue[i]
		copy(s.queue[1:i+1], s.queue[:i]) // i is small, and the queue may be long
		s.queue = s.queue[1:]
		s.hold(j, 1)
		j.flow.starting++
		if j.first.IsZero() {
			j.first = time.Now()
		}
		go func() {
			id, status, err := j.start(ctx)
			s.events <- event{job: j, id: id, status: status, err: err}
		}()
	}
}

// settlesWithin is how long it may take until a group or set that was made is known everywhere.
const settlesWithin = 30 * time.Second

// within is how far into the queue is looked for something that can be begun.
const within = 500

// pick is the first job that can be begun now, in an account where nothing is going on if there is one; or -1.
func (s *scheduler) pick() int {
	now, second := time.Now(), -1
	for i, j := range s.queue[:min(within, len(s.queue))] {
		switch {
		case j.flow.busy() >= j.flow.most || now.Before(j.notSoon) || !s.free(j):
		case s.accounts[j.account] == 0:
			return i
		case second < 0:
			second = i
		}
	}
	return second
}

// free tells whether nothing is at work on the roles of a job.
func (s *scheduler) free(j *job) bool {
	if j.account == "" {
		return s.sets[j.set] == 0
	}
	return s.sets[j.set] >= 0 && !s.roles[role{j.account, j.set}]
}

// hold reserves the roles of a job (1) or lets go of them (-1).
func (s *scheduler) hold(j *job, d int) {
	if j.account == "" {
		s.sets[j.set] -= d
		return
	}
	s.sets[j.set] += d
	s.accounts[j.account] += d
	s.roles[role{j.account, j.set}] = d > 0
}

// poll asks for lists whose time has come, and returns when the next comes.
func (s *scheduler) poll(ctx context.Context) time.Time {
	now := time.Now()
	next := now.Add(time.Minute)
	for _, f := range s.flows {
		if len(f.under) == 0 || f.polling {
			continue
		}
		at := s.due(f)
		if at.After(now) {
			next = earlier(next, at)
			continue
		}
		f.polling = true
		go func() {
			list, asked, err := f.requests.UnderWay(ctx)
			s.events <- event{flow: f, list: list, asked: asked, err: err}
		}()
	}
	for _, j := range s.queue[:min(within, len(s.queue))] {
		if j.notSoon.After(now) {
			next = earlier(next, j.notSoon)
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// due is when a list is worth its call: when the least is lost for each place that it finds empty, or when everything that is left is expected to have ended.
func (s *scheduler) due(f *flow) time.Time {
	begun := make([]time.Time, 0, len(f.under))
	for _, j := range f.under {
		if !f.late(f.asked.Sub(j.created)) {
			begun = append(begun, j.created)
		}
	}
	if len(begun) == 0 { // only what takes longer than everything else
		return f.nextPoll.Add(f.takes)
	}
	slices.SortFunc(begun, time.Time.Compare)
	if last := begun[0].Add(2 * f.takes); f.starting > few && last.After(time.Now()) {
		return last // more are on their way: the rate is what holds, not what is under way
	}
	waiting := 0 // jobs that cannot be begun because of those that are under way
	for _, j := range s.queue[:min(within, len(s.queue))] {
		if j.flow == f || f.blocks(j) {
			waiting++
		}
	}
	at := begun[len(begun)-1].Add(f.takes) // the last one: nothing is gained before
	if waiting > 0 {
		at = s.best(f, begun, waiting)
	}
	return later(at, f.nextPoll)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// best is the time at which a list loses the least for each place that it finds empty: the list itself, and for how long places stood empty until then. A
// request is thought to end at any time between the shortest and the longest that was seen, but not before the last list, which showed it.
func (s *scheduler) best(f *flow, begun []time.Time, waiting int) time.Time {
	shortest, longest := f.takes, f.takes
	if spread := f.low - f.high; f.high > 0 && spread > f.high/20 {
		shortest, longest = f.high-spread/4, f.low+spread/4 // there are shorter and longer ones than those that lists happened to show
	}
	list := worth * f.takes.Seconds()
	if rate := s.client.Limits().Rate; rate > 0 { // a call that holds up others costs all places its time
		if all := float64(f.most) / rate; all > 0.9*f.takes.Seconds() {
			list = max(list, all)
		}
	}
	step := max(f.takes/20, time.Millisecond)
	end := begun[len(begun)-1].Add(longest)
	at, least := end, math.Inf(1)
	for t := later(begun[0].Add(shortest), f.asked); !t.After(end); t = t.Add(step) {
		ended, empty := 0.0, 0.0
		for _, b := range begun {
			from := max(shortest, f.asked.Sub(b))
			span := max(longest-from, (longest-shortest)/4) // one that takes longer than was seen may still take a while
			age := (t.Sub(b) - from).Seconds()
			switch w := span.Seconds(); {
			case age < 0 || age == 0 && w > 0:
			case age < w:
				ended, empty = ended+age/w, empty+age*age/w/2
			default:
				ended, empty = ended+1, empty+age-w/2
			}
		}
		if ended = min(ended, float64(waiting)); ended < 0.5 {
			continue
		}
		if lost := (list + empty) / ended; lost < least {
			at, least = t, lost
		}
	}
	return at
}

// late tells of a request that was under way at an age at which others have ended long ago: nothing is learned from it.
func (f *flow) late(age time.Duration) bool { return f.high > 0 && age > 3*f.high }

// blocks tells whether a job of another flow may wait for this one: one that changes the same roles.
func (f *flow) blocks(j *job) bool {
	for _, u := range f.under {
		if u.set == j.set {
			return true
		}
	}
	return false
}

// take learns from what came back.
func (s *scheduler) take(ctx context.Context, e event) {
	switch {
	case e.job != nil:
		s.started(ctx, e)
	case e.err != nil:
		s.note(e.err)
		e.flow.polling = false
		e.flow.nextPoll = time.Now().Add(max(s.least, time.Second))
		s.giveUp(e.flow, e.err)
	default:
		s.note(nil)
		s.listed(e)
	}
}

func (s *scheduler) started(ctx context.Context, e event) {
	j, f, now := e.job, e.job.flow, time.Now()
	f.starting--
	s.note(e.err)
	switch {
	case e.err == nil && e.status == live.InProgress:
		j.id, j.created = e.id, now
		f.under[e.id] = j
		return
	case e.err == nil && e.status == live.Succeeded:
		s.hold(j, -1)
		s.finish(j, Done, "")
		return
	case e.err == nil: // failed at once
		s.hold(j, -1)
		j.id = e.id
		f.ended[e.id] = j
		return
	}
	s.hold(j, -1)
	busy := live.Code(e.err) == "ConflictException" && now.Sub(j.first) < s.opts.Patience                     // something else is at work on the role
	unknown := live.Code(e.err) == "ResourceNotFoundException" && j.fresh && now.Sub(j.first) < settlesWithin // not every part of the service knows it yet
	silent := live.NoAnswer(e.err) && !s.over(ctx)                                                            // it may come back
	if busy || unknown || silent {
		j.refusals++
		j.notSoon = now.Add(min(f.takes<<min(j.refusals-1, 4), 30*time.Second))
		s.queue = append(s.queue, j)
		return
	}
	s.took(ctx, j.key, e.err)
}

// finish takes down the end of a job. A change of several jobs is done when all are, and has failed when one has.
func (s *scheduler) finish(j *job, o Outcome, reason string) {
	if was := s.outcome(j.key); was == Failed || was == Unfinished {
		return
	}
	s.set(j.key, o, reason)
}

// listed takes what is not in the list for ended, if it was accepted before the list was asked for.
func (s *scheduler) listed(e event) {
	f, now := e.flow, time.Now()
	f.polling, f.asked = false, e.asked
	f.nextPoll = now.Add(s.least)
	oldest, youngest := time.Duration(0), time.Duration(-1) // of what is under way, of what has ended
	for id, j := range f.under {
		age := e.asked.Sub(j.created)
		switch {
		case e.list[id]:
			if !f.late(age) {
				oldest = max(oldest, age)
			}
			if now.Sub(j.created) > s.opts.Patience {
				delete(f.under, id)
				s.hold(j, -1)
				s.finish(j, Failed, fmt.Sprintf("request %s is still under way after %s", id, s.opts.Patience))
			}
		case age > 0:
			if youngest < 0 || age < youngest {
				youngest = age
			}
			delete(f.under, id)
			s.hold(j, -1)
			f.ended[id] = j
			s.ended(j.key)
		}
	}
	f.learn(oldest, youngest)
}

// learn corrects how long requests take: longer than the age of the oldest that is under way, and no longer than that of the youngest that has ended
// (-1: none has). To ask too early costs a call and the time to the next, to ask too late only the time; so an age that is known to be enough is
// kept to, once it is near the other. What was learned is forgotten little by little.
func (f *flow) learn(oldest, youngest time.Duration) {
	f.low = max(f.low-f.low/500, oldest)
	if youngest >= 0 && f.misses > 3 { // the service stood still, and goes on: that says nothing of how long requests take
		f.low = oldest
	}
	switch {
	case youngest < 0 && oldest > 0 && f.low >= f.high: // nothing has ended: it takes longer than was thought
		f.misses++
		f.high = 0
		f.takes = max(f.takes+f.takes*time.Duration(min(1<<min(f.misses, 6), 50))/100, f.low+f.low/100)
		return
	case youngest >= 0 && (f.high == 0 || youngest < f.high):
		f.high = youngest
	default:
		f.high += f.high / 500
	}
	f.misses = 0
	f.low = min(f.low, 3*f.high) // what takes longer is an exception: see late
	if gap := f.high - f.low; gap < 0 || gap > f.high/20 {
		f.takes = (f.low + f.high) / 2
	} else {
		f.takes = f.high
	}
	f.takes = max(f.takes, time.Millisecond)
}

// giveUp ends what has been under way for too long, when no list can be read; all of it when the service does not answer any more.
func (s *scheduler) giveUp(f *flow, err error) {
	for id, j := range f.under {
		if time.Since(j.created) > s.opts.Patience || s.lost() != "" {
			delete(f.under, id)
			s.hold(j, -1)
			s.finish(j, Unfinished, "its status could not be read: "+err.Error())
		}
	}
}

// verdicts asks how everything ended that has. What failed for a passing reason is queued again, once; it tells whether there is anything to go on with.
func (s *scheduler) verdicts(ctx context.Context) bool {
	patience := s.opts.Patience
	if ctx.Err() != nil {
		patience = s.opts.Grace
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	for _, f := range s.flows {
		ids := make([]string, 0, len(f.ended))
		for id := range f.ended {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		outcomes, err := f.requests.Outcomes(ctx, ids)
		for _, id := range ids {
			j := f.ended[id]
			switch o := outcomes[id]; {
			case err != nil:
				s.finish(j, Unfinished, "its status could not be read: "+err.Error())
			case o == live.InProgress: // a list showed it too late
				s.hold(j, 1)
				f.under[id] = j
			case o == live.Succeeded:
				s.finish(j, Done, "")
			default:
				s.failed(ctx, j)
			}
		}
		clear(f.ended)
	}
	return !s.idle()
}

// failed asks why a request failed.
func (s *scheduler) failed(ctx context.Context, j *job) {
	_, reason, err := j.flow.requests.Describe(ctx, j.id)
	if err != nil {
		reason = err.Error()
	}
	if reason == "" {
		reason = "the service does not say why"
	}
	removal := j.key.kind == Assignments && s.plan.Assignments[j.key.index].Remove
	if removal && strings.Contains(reason, "Assignment not found") {
		s.finish(j, Done, "")
		return
	}
	for _, passing := range []string{"internal service", "Conflict", "hrottl", "Rate exceeded"} {
		if j.failures == 0 && strings.Contains(reason, passing) {
			j.failures++
			s.queue = append(s.queue, j)
			return
		}
	}
	s.finish(j, Failed, reason)
}
