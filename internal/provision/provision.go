// Package provision is the worker that makes the roles at targets match what package access wants.
//
// # How it works
//
// Work is claimed by role (account, permission set), never by request. For a claimed role the worker asks the
// store what is true now (is anyone assigned? does the role exist? at which revision?) and brings about what
// should be; the request that woke it is not consulted, so it does not matter how many there were or in
// which order they came. Finishing ends all of them at once.
//
//	assigned?  role exists?  reprovision asked?   action
//	no         no            –                    nothing
//	no         yes           –                    remove it
//	yes        no            –                    make it, with a new suffix
//	yes        yes           no                   nothing (later edits of the set are not pushed, as with AWS)
//	yes        yes           yes                  bring it to the set's revision
//
// # Failures
//
// A fault that trying again cannot mend (a missing customer managed policy, say) ends the requests FAILED with
// its sentence. Anything else is tried again with growing pauses, and ends FAILED after [maxAttempts], so that no
// request stays IN_PROGRESS for ever. A worker that dies lets its claim lapse; the suffix it had planned is recorded
// before the role is made, so that the next worker finds the same role and no orphan is left.
//
// Start reading at [Worker.Run].
package provision

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/target"
)

// Timing of the worker.
const (
	// claimFor is far longer than a batch takes here, and how long a crash can hold work up.
	claimFor    = 10 * time.Second
	maxAttempts = 6
	firstPause  = 500 * time.Millisecond
	// idlePoll is how often a node looks for work that another node may have left; its own work wakes it.
	idlePoll = 2 * time.Second
	// gather is how long to wait after a batch before the next, unless it was full: under load many requests for one role
	// then become one change, and on a quiet system nobody notices, because the first request wakes the worker at once.
	gather = 100 * time.Millisecond
	batch  = 64
)

// Store is what the worker needs of package access's store.
type Store interface {
	access.WorkStore
	Set(ctx context.Context, id string) (access.PermissionSet, error)
	Instance(ctx context.Context, id string) (access.Instance, error)
}

// Worker brings roles about. Make one per process.
type Worker struct {
	store    Store
	target   target.Target
	name     string
	parallel int
	now      func() time.Time
	rand     io.Reader
	log      *slog.Logger
	woken    chan struct{}
}

// Config is what a Worker is made of; every field is required.
type Config struct {
	Store  Store
	Target target.Target
	// Name tells this process from every other one that works on the same database.
	Name string
	// Parallel is how many roles are brought about at a time.
	Parallel int
	Now      func() time.Time
	Rand     io.Reader
	Log      *slog.Logger
}

// New returns a worker that does nothing until Run.
func New(c Config) *Worker {
	return &Worker{store: c.Store, target: c.Target, name: c.Name, parallel: c.Parallel, now: c.Now, rand: c.Rand, log: c.Log, woken: make(chan struct{}, 1)}
}

// Wake tells the worker that there is work. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then lets what it has begun finish.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := w.Step(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.Error("provisioning: claiming work failed", "error", err)
		}
		switch {
		case n == batch && err == nil:
		case n > 0 && err == nil:
			wait(ctx, gather, nil)
		default:
			wait(ctx, w.pause(ctx), w.woken)
		}
	}
}

// wait returns after a time, or when woken, or when ctx ends.
func wait(ctx context.Context, d time.Duration, woken <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-woken:
	case <-time.After(d):
	}
}

// pause is how long to sleep when nothing is claimable now.
func (w *Worker) pause(ctx context.Context) time.Duration {
	due, ok, err := w.store.NextWork(ctx)
	if err != nil || !ok {
		return idlePoll
	}
	return max(5*time.Millisecond, min(idlePoll, due.Sub(w.now())))
}

// Step claims one batch of roles and brings it about. It returns how many it claimed.
func (w *Worker) Step(ctx context.Context) (int, error) {
	now := w.now()
	works, err := w.store.ClaimWork(ctx, w.name, now, now.Add(claimFor), batch)
	if err != nil {
		return 0, err
	}
	// What is begun is finished even when the process is asked to stop: half a role helps nobody.
	ctx = context.WithoutCancel(ctx)
	var wg sync.WaitGroup
	slots := make(chan struct{}, w.parallel)
	for _, work := range works {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			w.do(ctx, work)
		})
	}
	wg.Wait()
	return len(works), nil
}

// do brings one role about and records the outcome.
func (w *Worker) do(ctx context.Context, work access.RoleWork) {
	role, err := w.reconcile(ctx, work)
	if err != nil && passing(err) && work.Attempt < maxAttempts {
		w.log.Warn("provisioning: will try again", "account", work.AccountID, "permissionSet", work.PermissionSetID, "attempt", work.Attempt, "error", err)
		due := w.now().Add(firstPause << (work.Attempt - 1))
		if err := w.store.RetryWork(ctx, w.name, work, due); err != nil {
			w.log.Error("provisioning: giving a claim back failed; it will lapse", "error", err)
		}
		return
	}
	o := access.Outcome{Role: role, At: w.now(), Failure: failure(err)}
	e := audit.New(ctx, o.At, audit.Gatehouse, "provision:FinishRole", work.AccountID+"/"+work.PermissionSetID)
	if role != nil {
		e = e.With("role", role.RoleName)
	}
	if err != nil {
		e.Outcome = fault.Of(err).Kind.String()
		e = e.With("reason", o.Failure)
		w.log.Warn("provisioning failed", "account", work.AccountID, "permissionSet", work.PermissionSetID, "error", err)
	}
	if err := w.store.FinishWork(ctx, w.name, work, o, e); err != nil {
		w.log.Error("provisioning: recording an outcome failed; the work will be done again", "error", err)
	}
}

// passing reports whether an error may go away by itself.
func passing(err error) bool {
	switch f := fault.Of(err); f.Kind {
	case fault.Internal, fault.Unavailable, fault.Throttled:
		return true
	case fault.Conflict:
		return f.Reason == "version" // somebody else changed the same thing at this moment
	}
	return false
}

// failure is the sentence shown as FailureReason, in the form AWS gives it.
func failure(err error) string {
	if err == nil {
		return ""
	}
	switch f := fault.Of(err); f.Kind {
	case fault.NotFound:
		return "Received a 404 status error: " + f.Message
	case fault.Denied:
		return "Received a 403 status error: " + f.Message
	case fault.Internal, fault.Unavailable, fault.Throttled:
		return "An unexpected internal service exception was encountered"
	default:
		return "Received a 400 status error: " + f.Message
	}
}

// reconcile makes the role be what it should be now and returns it as it then is: nil for no role. With an error it
// returns the role that stood before.
func (w *Worker) reconcile(ctx context.Context, work access.RoleWork) (*access.ProvisionedRole, error) {
	had, err := w.existing(ctx, work.RoleKey)
	if err != nil {
		return nil, err
	}
	set, err := w.store.Set(ctx, work.PermissionSetID)
	if err != nil {
		return had, err
	}
	n, err := w.store.CountAssignments(ctx, work.RoleKey, 1)
	if err != nil {
		return had, err
	}
	switch {
	case n == 0:
		return w.remove(ctx, work, set, had)
	case had != nil && !work.Reprovision:
		return had, nil
	default:
		return w.apply(ctx, work, set, had)
	}
}

func (w *Worker) existing(ctx context.Context, k access.RoleKey) (*access.ProvisionedRole, error) {
	r, err := w.store.Role(ctx, k)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// remove takes away the recorded role and one that a dead worker may have made.
func (w *Worker) remove(ctx context.Context, work access.RoleWork, set access.PermissionSet, had *access.ProvisionedRole) (*access.ProvisionedRole, error) {
	if work.PlannedSuffix != "" {
		if err := w.target.Remove(ctx, audit.Gatehouse, work.AccountID, RoleName(set.Name, work.PlannedSuffix)); err != nil {
			return had, err
		}
	}
	if had == nil {
		return nil, nil
	}
	if err := w.target.Remove(ctx, audit.Gatehouse, work.AccountID, had.RoleName); err != nil {
		return had, err
	}
	return nil, nil
}

func (w *Worker) apply(ctx context.Context, work access.RoleWork, set access.PermissionSet, had *access.ProvisionedRole) (*access.ProvisionedRole, error) {
	ins, err := w.store.Instance(ctx, set.InstanceID)
	if err != nil {
		return had, err
	}
	suffix, err := w.suffix(ctx, work, had)
	if err != nil {
		return had, err
	}
	name := RoleName(set.Name, suffix)
	if err := w.target.Apply(ctx, audit.Gatehouse, desired(work.AccountID, name, ins.Region, set)); err != nil {
		return had, err
	}
	return &access.ProvisionedRole{RoleKey: work.RoleKey, Suffix: suffix, RoleName: name, Revision: set.Revision, ProvisionedAt: w.now()}, nil
}

// suffix is that of the role that exists, else the planned one, else a new one, recorded before it is used.
func (w *Worker) suffix(ctx context.Context, work access.RoleWork, had *access.ProvisionedRole) (string, error) {
	if had != nil {
		return had.Suffix, nil
	}
	if work.PlannedSuffix != "" {
		return work.PlannedSuffix, nil
	}
	s := arn.Hex(w.rand, 16)
	return s, w.store.PlanRole(ctx, w.name, work.RoleKey, s)
}

// RoleName is the name of a set's role: AWSReservedSSO_<set>_<16 hex>, at most 64 characters.
func RoleName(setName, suffix string) string { return "AWSReservedSSO_" + setName + "_" + suffix }

// RolePath is where such roles stand. The home region is part of it except for us-east-1, as AWS has it.
func RolePath(region string) string {
	if region == "" || region == "us-east-1" {
		return "/aws-reserved/sso.amazonaws.com/"
	}
	return "/aws-reserved/sso.amazonaws.com/" + region + "/"
}

func desired(accountID, name, region string, set access.PermissionSet) target.Role {
	r := target.Role{
		AccountID: accountID, Name: name, Path: RolePath(region), Description: set.Description,
		ManagedPolicies: set.ManagedPolicies, InlinePolicy: set.InlinePolicy,
	}
	for _, c := range set.CustomerPolicies {
		r.CustomerPolicies = append(r.CustomerPolicies, target.PolicyRef(c))
	}
	if b := set.Boundary; b != nil {
		r.BoundaryARN = b.ManagedPolicyARN
		if b.Customer != nil {
			ref := target.PolicyRef(*b.Customer)
			r.BoundaryPolicy = &ref
		}
	}
	return r
}
