package tenant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/internal/fault"
)

// Cycle is the summary of one cycle.
type Cycle struct {
	ID      string    `json:"id"`
	Initial bool      `json:"initial"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	// Result is Succeeded, Partial (some objects failed), Quarantined or Stopped.
	Result string `json:"result"`
	Users  Counts `json:"users"`
	Groups Counts `json:"groups"`
	// References counts members added, members removed and managers written.
	MembersAdded   int `json:"membersAdded"`
	MembersRemoved int `json:"membersRemoved"`
	Managers       int `json:"managers"`
	// Requests counts the SCIM requests sent.
	Requests int       `json:"requests"`
	Failures []Failure `json:"failures"`
	Error    string    `json:"error,omitempty"`
}

// Counts are the exports of one kind of object.
type Counts struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Disabled  int `json:"disabled"`
	Deleted   int `json:"deleted"`
	Unchanged int `json:"unchanged"`
	Skipped   int `json:"skipped"`
	Failed    int `json:"failed"`
}

// Failure is one object that could not be exported.
type Failure struct {
	ObjectID string `json:"objectId"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Code     string `json:"errorCode"`
	Detail   string `json:"detail"`
}

// run is one cycle, or one on-demand run, at work. It reads a copy of the tenant made at its start and
// writes links and escrows into it; both go back into the tenant's state as they change.
type run struct {
	t       *Tenant
	c       *client
	st      *state // a private copy of users, groups, application and settings
	byID    map[string]*userRecord
	scope   *scope
	set     Settings
	p       *product
	dialect Dialect
	batch   int  // how many members one request changes; 0 for any number
	demand  bool // on demand: no deletes, no escrows
	// rehearse says that the connection test is one of those that JumpCloud makes when it is activated.
	rehearse bool
	cycle    *Cycle
	created  map[string]bool // groups made in this run: their members need no look-up
	renamed  map[string]bool // groups that were written in this run
	escrows  int             // failures of objects, for the threshold
	refused  int             // consecutive 401 and 403
	refSent  int             // how many requests had been sent at the last of them
	objects  int
	saved    time.Time
	orphans  []string   // links to drop at the end
	told     []LogEntry // what an on-demand run answers
}

// errQuarantine ends a cycle; its text is the reason.
type errQuarantine struct{ reason, detail string }

func (e *errQuarantine) Error() string { return e.reason + ": " + e.detail }

// RunCycle runs one cycle now, an initial one when there is no watermark, and waits for it. A cycle that
// is already running is waited for first. A cycle in which objects failed is no error; one that could not be
// run at all (no address, connection refused, quarantine) is. The summary is returned in both cases.
func (t *Tenant) RunCycle(ctx context.Context) (Cycle, error) {
	r, release, err := t.begin(ctx, false)
	if err != nil {
		return Cycle{}, err
	}
	defer release()
	r.cycle.Initial = r.st.Job.Watermark == 0
	r.rehearse = r.cycle.Initial
	err = r.exports(ctx)
	return *r.cycle, r.finish(ctx, err)
}

// begin takes the one place for runs and makes a run over a copy of the present state.
func (t *Tenant) begin(ctx context.Context, demand bool) (*run, func(), error) {
	select {
	case t.running <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	release := func() { <-t.running }
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.st.Job.ready() {
		release()
		return nil, nil, fault.New(fault.Conflict, "Set the application's SCIM address and token first.")
	}
	t.purgeOld(t.st)
	st := t.st.snapshot()
	set := st.Job.settings()
	r := &run{
		t: t, c: t.newClient(set, st.Job.Token), st: st, scope: st.newScope(), set: set, p: products[set.Dialect], dialect: set.dialect(), demand: demand,
		cycle: &Cycle{ID: t.uuid(), Start: t.now().UTC(), Failures: []Failure{}}, created: map[string]bool{}, renamed: map[string]bool{}, byID: map[string]*userRecord{}, saved: time.Now(),
	}
	for _, u := range st.Users {
		r.byID[u.ID] = u
	}
	r.batch = r.p.batch
	if demand {
		r.dialect = DialectDefault // the flag has no effect on on-demand provisioning
	}
	return r, release, nil
}

// snapshot copies what a run reads. Links and escrows are copied too: the run changes its own and
// publishes them one by one.
func (st *state) snapshot() *state {
	c := *st
	c.Users = make([]*userRecord, len(st.Users))
	for i, u := range st.Users {
		v := *u
		c.Users[i] = &v
	}
	c.Groups = make([]*groupRecord, len(st.Groups))
	for i, g := range st.Groups {
		c.Groups[i] = &groupRecord{Group: g.clone(), Rev: g.Rev}
	}
	c.Tombstones = append([]tombstone(nil), st.Tombstones...)
	c.App = st.App.clone()
	c.Job.Settings = st.Job.settings()
	c.Job.Links, c.Job.Escrows = map[string]*link{}, map[string]*Escrow{}
	for id, l := range st.Job.Links {
		c.Job.Links[id] = l.clone()
	}
	for id, e := range st.Job.Escrows {
		v := *e
		c.Job.Escrows[id] = &v
	}
	return &c
}

func (l *link) clone() *link {
	v := *l
	v.Seen, v.Exported = append([]string(nil), l.Seen...), append([]string(nil), l.Exported...)
	return &v
}

// exports is the cycle: test the connection, hold back too many deletions, users, groups, references.
func (r *run) exports(ctx context.Context) error {
	if err := r.probe(ctx); err != nil {
		return &errQuarantine{ReasonException, err.Error()}
	}
	if held := r.st.heldBack(r.t.now()); r.set.DeletionThreshold > 0 && len(held) > r.set.DeletionThreshold && !r.st.Job.AllowDeletes {
		return &errQuarantine{ReasonDeletes, fmt.Sprintf("%d deletions are more than the threshold of %d; allow or reject them", len(held), r.set.DeletionThreshold)}
	}
	for _, phase := range []func(context.Context) error{r.discover, r.users, r.purged, r.groups, r.managers, r.members} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return r.tooManyFailures()
}

// probe is the connection test; with chaos, Entra's habit of repeating it.
func (r *run) probe(ctx context.Context) error {
	for _, path := range r.p.hello {
		a, err := r.c.ask(ctx, path)
		if err != nil {
			return err
		}
		r.configure(a)
	}
	if r.p.rehearses && r.rehearse {
		if err := r.rehearsal(ctx); err != nil {
			return err
		}
	}
	n := 1
	switch {
	case r.set.Chaos.Probes:
		n = 4
	case r.p.hello != nil || r.p.rehearses:
		n = 0
	}
	for range n {
		if err := r.c.probe(ctx, r.set.MatchingAttribute, r.t.uuid(), r.groupsToo()); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the end of a cycle into the job.
func (r *run) finish(ctx context.Context, err error) error {
	c := r.cycle
	c.End, c.Requests = r.t.now().UTC(), r.c.sent
	var q *errQuarantine
	switch {
	case errors.As(err, &q):
		c.Result, c.Error = "Quarantined", q.Error()
	case err != nil:
		c.Result, c.Error = "Stopped", err.Error()
	case len(c.Failures) > 0:
		c.Result = "Partial"
	default:
		c.Result = "Succeeded"
	}
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	r.settle(q, err)
	r.t.log.Info("provisioning cycle", "result", c.Result, "initial", c.Initial, "requests", c.Requests, "failures", len(c.Failures),
		"users", c.Users, "groups", c.Groups)
	if serr := errors.Join(r.t.save(), r.t.saveLog()); serr != nil {
		return fault.New(fault.Internal, "the tenant's state could not be written").Because(serr)
	}
	if q != nil {
		return fault.New(fault.Unavailable, "The job is in quarantine: %s", clip(q.Error(), 600))
	}
	return err
}

// keep publishes what the run learned about one object into the tenant's state, and now and then
// to disk. A crash loses at most a second of cached identifiers, which matching finds again.
func (r *run) keep(id string) {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	j := &r.t.st.Job
	if j.Settings.BaseURL != r.set.BaseURL {
		return // another server since: these identifiers are not its own
	}
	if l := r.st.Job.Links[id]; l != nil {
		j.Links[id] = l.clone()
	} else {
		delete(j.Links, id)
	}
	for _, key := range []string{id, id + managerKey, id + membersKey} {
		if e := r.st.Job.Escrows[key]; e != nil {
			v := *e
			j.Escrows[key] = &v
		} else {
			delete(j.Escrows, key)
		}
	}
	if time.Since(r.saved) > time.Second {
		r.saved = time.Now()
		if err := r.t.save(); err != nil {
			r.t.log.Error("tenant state not written", "err", err)
		}
	}
}

func (r *run) write(e *entry) {
	if e.Status == "" {
		e.Status = resultSuccess
	}
	if e.Action == "" {
		return // nothing to tell: looked at and found as it should be
	}
	e.ID, e.At, e.CycleID, e.JobID = r.t.uuid(), r.t.now().UTC(), r.cycle.ID, r.st.Job.ID
	r.t.appendLog(e.LogEntry)
}

// Escrows of references stand beside that of the object itself.
const (
	managerKey = "#manager"
	membersKey = "#members"
)

// due reports whether an object is to be looked at: changed since the watermark, all of them in an initial
// cycle, or waiting in an escrow whose time has come.
func (st *state) due(id string, rev uint64, key string, now time.Time) bool {
	if rev > st.Job.Watermark {
		return true
	}
	x := st.Job.Escrows[id+key]
	return x != nil && !x.NextAttempt.After(now)
}

func (r *run) due(id string, rev uint64, key string) bool { return r.st.due(id, rev, key, r.t.now()) }

// speak returns the dialect of the next PATCH; a mixed job changes it from request to request.
func (r *run) speak() Dialect {
	if r.dialect != DialectMixed {
		return r.dialect
	}
	if r.t.patches.Add(1)%2 == 0 {
		return DialectFlag
	}
	return DialectDefault
}
