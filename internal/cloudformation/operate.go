package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// operation is a claimed stack on its way through its states. Every transition is recorded; run can begin at any of them.
type operation struct {
	w      *Worker
	claim  Claim
	stack  Stack
	rows   map[string]*Resource
	caller Caller
	// unknown is why the caller is not known any more.
	unknown error
	// secrets are not shown in events.
	secrets []string
	// mu guards rows and the stack against the steps that run side by side.
	mu sync.Mutex
}

// run goes from state to state until the operation is over, or ctx ends between two steps. An error means that nothing could be
// recorded: the claim is given back.
func (o *operation) run(ctx context.Context) error {
	for o.stack.Status.Busy() {
		var err error
		switch o.stack.Status {
		case CreateInProgress, UpdateInProgress:
			err = o.apply(ctx)
		case RollbackInProgress, DeleteInProgress:
			err = o.removeAll(ctx)
		case UpdateRollbackInProgress:
			err = o.restore(ctx)
		case UpdateCleanup, UpdateRollbackCleanup:
			err = o.cleanUp(ctx)
		default:
			return fault.New(fault.Internal, "stack %s is in state %s", o.stack.ID, o.stack.Status)
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// turn records a change of the stack's status with whatever else changes, and ends the work when the new status is one of rest.
func (o *operation) turn(ctx context.Context, to Status, reason string, st Step) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := o.stack
	now := o.w.now()
	next.Status, next.Reason = to, reason
	e := stackEvent(next, o.stack.Operation, now, o.w.uuid())
	if to == DeleteComplete {
		next.DeletedAt = now
	}
	if !to.Busy() {
		st.Done = true
		a := audit.New(ctx, now, o.stack.Operation.Actor, "cloudformation:FinishOperation", o.stack.ID).With("status", string(to))
		if strings.Contains(string(to), "FAILED") || strings.Contains(string(to), "ROLLBACK") {
			a.Outcome = "failed"
		}
		st.Audit = &a
		if to == UpdateRollbackFailed {
			op := *next.Operation
			op.Key = CallerKey{}
			next.Operation = &op
		} else {
			next.Operation = nil
		}
	}
	st.Stack = &next
	st.Events = append(st.Events, e)
	if err := o.w.store.Record(ctx, o.claim, st); err != nil {
		return err
	}
	next.Version++
	o.stack = next
	return nil
}

// note records a resource and an event about it.
func (o *operation) note(ctx context.Context, r Resource) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	r.UpdatedAt = o.w.now()
	e := o.event(r)
	if err := o.w.store.Record(ctx, o.claim, Step{Resources: []Resource{r}, Events: []Event{e}}); err != nil {
		return err
	}
	o.rows[r.LogicalID] = &r
	return nil
}

func (o *operation) event(r Resource) Event {
	props, _ := EncodeJSON(map[string]any(r.Properties)) // values that were decoded can be encoded
	at := o.w.now()
	return Event{
		ID:      r.LogicalID + "-" + string(r.Status) + "-" + at.UTC().Format("2006-01-02T15:04:05.000Z"),
		StackID: o.stack.ID, StackName: o.stack.Name, LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Type: r.Type,
		Status: r.Status, Reason: r.Reason, Properties: o.hidden(props), Token: o.stack.Operation.Token, At: at,
	}
}

// hidden leaves properties with the value of a NoEcho parameter out of what events show.
func (o *operation) hidden(props string) string {
	if slices.ContainsFunc(o.secrets, func(v string) bool { return strings.Contains(props, v) }) {
		return ""
	}
	return props
}

// secrets are the values of NoEcho parameters, as JSON spells them.
func secrets(revs ...*Revision) []string {
	var out []string
	for _, rev := range revs {
		if rev == nil || !strings.Contains(rev.Template, "NoEcho") {
			continue
		}
		t, err := stackDraft(rev.Template)
		if err != nil {
			continue // it was parsed when it was stored
		}
		for _, d := range t.Parameters {
			if v := rev.Parameters[d.Name]; d.NoEcho && v != "" {
				quoted, _ := EncodeJSON(v) // text that came through the API is UTF-8
				out = append(out, strings.Trim(quoted, `"`))
			}
		}
	}
	return out
}

// parallel is how many resources of a stack are worked on at a time.
const parallel = 8

// wave does something for several resources side by side and returns the first error of recording.
func wave(names []string, do func(logical string) error) error {
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	errs := make([]error, len(names))
	for i, name := range names {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(name)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// apply brings the resources to the stack's revision, then its outputs.
func (o *operation) apply(ctx context.Context) error {
	b, err := o.builder(ctx)
	if err != nil {
		return o.failed(ctx, err, nil)
	}
	done, failures := map[string]bool{}, map[string]string{}
	for len(done) < len(b.order) && len(failures) == 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var ready []string
		for _, name := range b.order {
			if !done[name] && !slices.ContainsFunc(b.deps[name], func(on string) bool { return !done[on] }) {
				ready = append(ready, name)
			}
		}
		var mu sync.Mutex
		err := wave(ready, func(name string) error {
			why, err := b.bring(context.WithoutCancel(ctx), name)
			mu.Lock()
			defer mu.Unlock()
			if done[name] = true; why != "" {
				failures[name] = why
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(failures) > 0 {
		return o.failed(ctx, nil, slices.Sorted(maps.Keys(failures)))
	}
	return o.complete(ctx, b)
}

// complete settles outputs and exports and ends the creation, or begins the cleaning up after an update.
func (o *operation) complete(ctx context.Context, b *builder) error {
	outputs, err := b.scope.outputs()
	if err != nil {
		return o.failed(ctx, err, nil)
	}
	trade := Trade{Imports: slices.Sorted(maps.Keys(b.imports))}
	for _, out := range outputs {
		if out.Export != "" {
			trade.Exports = append(trade.Exports, Export{Place: o.stack.Place, Name: out.Export, Value: out.Value, StackID: o.stack.ID})
		}
	}
	rows := o.standing()
	before := o.stack.Outputs
	o.stack.Outputs = outputs
	to := CreateComplete
	if o.stack.Status == UpdateInProgress {
		to = UpdateCleanup
	}
	err = o.turn(ctx, to, "", Step{Resources: rows, Trade: &trade})
	if fault.Is(err, fault.Conflict) && strings.HasPrefix(fault.Of(err).Reason, "export") {
		o.stack.Outputs = before
		return o.failed(ctx, err, nil)
	}
	if err == nil {
		o.keep(rows)
	}
	return err
}

// standing returns the resources as they are when there is no way back any more: what was replaced is doomed.
func (o *operation) standing() []Resource {
	var rows []Resource
	for _, r := range o.rows {
		n := *r
		if n.Previous != nil && n.Previous.PhysicalID != n.PhysicalID && n.Previous.PhysicalID != "" && n.PhysicalID != "" && n.UpdateReplacePolicy != "Retain" {
			n.Doomed = append(slices.Clone(n.Doomed), *n.Previous)
		}
		if n.Previous != nil && n.PhysicalID == "" {
			n.State = *n.Previous // its replacement failed
		}
		n.Previous, n.New = nil, false
		rows = append(rows, n)
	}
	return rows
}

func (o *operation) keep(rows []Resource) {
	for _, r := range rows {
		o.rows[r.LogicalID] = &r
	}
}

// failed decides what follows a failure: of resources, or of the revision as a whole.
func (o *operation) failed(ctx context.Context, err error, names []string) error {
	op := o.stack.Operation
	verb := "create"
	if o.stack.Status == UpdateInProgress {
		verb = "update"
	}
	reason := "The following resource(s) failed to " + verb + ": [" + strings.Join(names, ", ") + "]. "
	if err != nil {
		if passing(err) {
			return err
		}
		reason = fault.Shown(err)
	}
	update := verb == "update"
	switch {
	case op.OnFailure == DoNothing && update:
		return o.turn(ctx, UpdateFailed, reason, Step{Resources: o.standing()})
	case op.OnFailure == DoNothing:
		return o.turn(ctx, CreateFailed, reason, Step{Resources: o.standing()})
	case op.OnFailure == Delete && !update:
		return o.turn(ctx, DeleteInProgress, reason+"Delete requested by user.", Step{})
	case !update:
		return o.turn(ctx, RollbackInProgress, reason+"Rollback requested by user.", Step{})
	}
	if op.Old != nil {
		o.mu.Lock()
		o.stack.Revision, o.stack.Outputs = *op.Old, op.OldOutputs
		o.mu.Unlock()
	}
	return o.turn(ctx, UpdateRollbackInProgress, reason, Step{})
}

// passing reports whether an error may go away by itself.
func passing(err error) bool {
	switch fault.Of(err).Kind {
	case fault.Internal, fault.Unavailable, fault.Throttled:
		return true
	}
	return false
}

// restore takes every resource that the operation touched back to what it was.
func (o *operation) restore(ctx context.Context) error {
	var touched []string
	for _, name := range slices.Sorted(maps.Keys(o.rows)) {
		if r := o.rows[name]; r.OperationID == o.stack.Operation.ID && r.Previous != nil {
			touched = append(touched, name)
		} else if r.Status == UpdateFailed {
			r.Status, r.Reason = UpdateComplete, ""
			if err := o.silently(ctx, *r); err != nil {
				return err
			}
		}
	}
	var mu sync.Mutex
	var failed []string
	for _, level := range o.levels(touched) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := wave(level, func(name string) error {
			okay, err := o.takeBack(context.WithoutCancel(ctx), name)
			if !okay && err == nil {
				mu.Lock()
				failed = append(failed, name)
				mu.Unlock()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		slices.Sort(failed)
		return o.turn(ctx, UpdateRollbackFailed, "The following resource(s) failed to update: ["+strings.Join(failed, ", ")+"]. ", Step{})
	}
	return o.turn(ctx, UpdateRollbackCleanup, "", Step{})
}

// levels orders resources so that each comes after those of them that it depends on.
func (o *operation) levels(names []string) [][]string {
	left := slices.Clone(names)
	var out [][]string
	for len(left) > 0 {
		var ready, later []string
		for _, n := range left {
			if slices.ContainsFunc(o.rows[n].DependsOn, func(on string) bool { return on != n && slices.Contains(left, on) }) {
				later = append(later, n)
			} else {
				ready = append(ready, n)
			}
		}
		if len(ready) == 0 { // dependencies of two revisions may contradict each other
			ready, later = left, nil
		}
		out, left = append(out, ready), later
	}
	return out
}

// takeBack undoes what the operation did to one resource. A replacement is kept as doomed, for the cleaning up.
func (o *operation) takeBack(ctx context.Context, name string) (bool, error) {
	r := *o.rows[name]
	if r.PhysicalID != r.Previous.PhysicalID || r.Type != r.Previous.Type {
		if r.PhysicalID != "" {
			r.Doomed = append(slices.Clone(r.Doomed), r.State)
		}
		r.State, r.Previous = *r.Previous, nil
		r.Status, r.Reason = UpdateComplete, ""
		return true, o.note(ctx, r)
	}
	p, err := o.w.provider(r.Type)
	if err != nil {
		return false, err
	}
	resumed := r.Status == UpdateInProgress && r.Reason == takingBack
	if !resumed {
		r.Status, r.Reason = UpdateInProgress, takingBack
		r.StepToken, r.StepAt = o.w.uuid(), o.w.now()
		if err := o.note(ctx, r); err != nil {
			return false, err
		}
	}
	q := o.request(&r, r.Previous.Properties, r.Properties)
	q.Resumed = resumed
	made, err := o.step(ctx, q, p.Update)
	if err != nil {
		r.Status, r.Reason = UpdateFailed, reasonOf(err)
		return false, o.note(ctx, r)
	}
	r.State = State{PhysicalID: made.PhysicalID, Type: r.Type, Properties: r.Previous.Properties, Attributes: made.Attributes}
	r.Previous, r.Status, r.Reason = nil, UpdateComplete, ""
	return true, o.note(ctx, r)
}

const takingBack = "Taking the update back"

func (o *operation) request(r *Resource, new, old Properties) Request {
	return Request{
		Caller: o.caller, Place: o.stack.Place, StackName: o.stack.Name, StackID: o.stack.ID, LogicalID: r.LogicalID,
		Token: r.StepToken, Since: r.StepAt, New: new, Old: old, PhysicalID: r.PhysicalID,
	}
}

// Timing of a step.
const (
	stepTries  = 5
	firstPause = 200 * time.Millisecond
)

// step takes one step. Passing failures are tried again, a bounded number of times.
func (o *operation) step(ctx context.Context, q Request, do func(context.Context, Request) (Made, error)) (Made, error) {
	if o.unknown != nil {
		return Made{}, o.unknown
	}
	for try := 0; ; try++ {
		made, err := do(ctx, q)
		if err == nil {
			return made, nil
		}
		if !passing(err) || try+1 == stepTries {
			return made, err
		}
		o.w.log.Warn("cloudformation: will try again", "stack", o.stack.ID, "resource", q.LogicalID, "error", err)
		pause(ctx, firstPause<<try)
		q.Resumed = true
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// reasonOf is the sentence of a failed step.
func reasonOf(err error) string {
	f := fault.Of(err)
	handler := "GeneralServiceException"
	switch {
	case f.Kind == fault.NotFound:
		handler = "NotFound"
	case f.Kind == fault.Conflict && (f.Reason == "uniqueness" || f.Reason == "exists" || f.Reason == "duplicate-name"):
		handler = "AlreadyExists"
	case f.Kind == fault.Conflict:
		handler = "ResourceConflict"
	case f.Kind == fault.Denied, f.Kind == fault.Unauthenticated:
		handler = "AccessDenied"
	case f.Kind == fault.Invalid && f.Reason == "properties":
		return f.Message
	case f.Kind == fault.Invalid:
		handler = "InvalidRequest"
	case f.Kind == fault.Quota:
		handler = "ServiceLimitExceeded"
	case f.Kind == fault.Internal, f.Kind == fault.Unavailable:
		handler = "InternalFailure"
	}
	return "Resource handler returned message: \"" + fault.Shown(err) + "\" (HandlerErrorCode: " + handler + ")"
}
