package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"gatehouse/internal/fault"
)

// removeAll removes every resource: a deletion, or the rollback of a creation.
func (o *operation) removeAll(ctx context.Context) error {
	deleting := o.stack.Status == DeleteInProgress
	if deleting {
		if err := o.notImported(ctx); err != nil {
			if passing(err) {
				return err
			}
			return o.turn(ctx, DeleteFailed, fault.Shown(err), Step{})
		}
	}
	failed, err := o.remove(ctx, func(*Resource) bool { return true })
	if err != nil || ctx.Err() != nil {
		return err
	}
	switch {
	case len(failed) > 0 && deleting:
		return o.turn(ctx, DeleteFailed, "The following resource(s) failed to delete: ["+strings.Join(failed, ", ")+"]. ", Step{})
	case len(failed) > 0:
		return o.turn(ctx, RollbackFailed, "The following resource(s) failed to delete: ["+strings.Join(failed, ", ")+"]. ", Step{})
	case deleting:
		return o.turn(ctx, DeleteComplete, "", Step{Trade: &Trade{}})
	}
	return o.turn(ctx, RollbackComplete, "", Step{Trade: &Trade{}})
}

// notImported refuses to delete a stack whose exports others import.
func (o *operation) notImported(ctx context.Context) error {
	for _, out := range o.stack.Outputs {
		if out.Export == "" {
			continue
		}
		users, err := o.w.store.Importers(ctx, o.stack.Place, out.Export, "", 1)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return fault.New(fault.Conflict, "Export %s cannot be deleted as it is in use by %s", out.Export, users[0])
		}
	}
	return nil
}

// cleanUp removes what an update, or its rollback, leaves over. What cannot be removed stays and does not fail the stack.
func (o *operation) cleanUp(ctx context.Context) error {
	t, err := ParseTemplate(o.stack.Revision.Template, o.stack.Revision.Parameters)
	if err != nil {
		return err
	}
	sc := o.w.newScope(ctx, o.stack, t, o.stack.Revision)
	if err := sc.decideAll(); err != nil {
		return err
	}
	wanted, err := t.order(sc.decided)
	if err != nil {
		return err
	}
	_, err = o.remove(ctx, func(r *Resource) bool { return r.New || !slices.Contains(wanted, r.LogicalID) })
	if err != nil || ctx.Err() != nil {
		return err
	}
	st := Step{}
	for _, name := range slices.Sorted(maps.Keys(o.rows)) {
		if r := o.rows[name]; r.Status == DeleteComplete || r.Status == DeleteSkipped || r.PhysicalID == "" && len(r.Doomed) == 0 && r.New {
			st.Remove = append(st.Remove, name)
		}
	}
	to := UpdateComplete
	if o.stack.Status == UpdateRollbackCleanup {
		to = UpdateRollbackComplete
	}
	return o.turn(ctx, to, "", st)
}

// remove removes the doomed incarnations of all resources, and the resources that whole says, each before what it depends on. It
// returns the names of those that failed, and leaves what they depend on.
func (o *operation) remove(ctx context.Context, whole func(*Resource) bool) ([]string, error) {
	left := map[string]bool{}
	for name, r := range o.rows {
		if len(r.Doomed) > 0 || whole(r) && r.Status != DeleteComplete && r.Status != DeleteSkipped {
			left[name] = true
		}
	}
	var failed []string
	for len(left) > 0 && ctx.Err() == nil {
		ready := o.undepended(left, failed)
		if len(ready) == 0 {
			break
		}
		var mu sync.Mutex
		err := wave(ready, func(name string) error {
			r, _ := o.row(name)
			okay, err := o.removeOne(context.WithoutCancel(ctx), r, whole(&r))
			mu.Lock()
			defer mu.Unlock()
			if delete(left, name); !okay {
				failed = append(failed, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(failed)
	return failed, nil
}

// undepended returns those that nothing that is left, or failed to go, depends on. Where dependencies of two revisions make a ring, all of
// it is returned.
func (o *operation) undepended(left map[string]bool, failed []string) []string {
	var ready, held []string
	for _, name := range slices.Sorted(maps.Keys(left)) {
		by := func(other string) bool { return other != name && slices.Contains(o.rows[other].DependsOn, name) }
		switch {
		case slices.ContainsFunc(failed, by):
			held = append(held, name)
		case !slices.ContainsFunc(slices.Collect(maps.Keys(left)), by):
			ready = append(ready, name)
		}
	}
	if len(ready) == 0 && len(held) == 0 {
		return slices.Sorted(maps.Keys(left))
	}
	return ready
}

// removeOne removes the doomed incarnations of a resource and, if whole, the resource. okay is false if something could not be removed.
func (o *operation) removeOne(ctx context.Context, r Resource, whole bool) (okay bool, err error) {
	okay = true
	for len(r.Doomed) > 0 {
		if gone, err := o.removeDoomed(ctx, &r); err != nil || !gone {
			return false, err
		}
	}
	if !whole || r.Status == DeleteComplete {
		return okay, nil
	}
	if r.PhysicalID == "" {
		r.Status, r.Reason = DeleteComplete, ""
		return true, o.silently(ctx, r)
	}
	if slices.Contains(o.stack.Operation.Retain, r.LogicalID) || r.DeletionPolicy == "Retain" || r.DeletionPolicy == "RetainExceptOnCreate" && !r.New {
		r.Status, r.Reason = DeleteSkipped, ""
		return true, o.note(ctx, r)
	}
	if r.Status != DeleteInProgress {
		r.Status, r.Reason = DeleteInProgress, ""
		if err := o.note(ctx, r); err != nil {
			return false, err
		}
	}
	if err := o.destroy(ctx, r, r.State); err != nil {
		r.Status, r.Reason = DeleteFailed, reasonOf(err)
		return false, o.note(ctx, r)
	}
	r.Status = DeleteComplete
	return true, o.note(ctx, r)
}

// removeDoomed removes the first doomed incarnation of a resource.
func (o *operation) removeDoomed(ctx context.Context, r *Resource) (bool, error) {
	old := r.Doomed[0]
	status, reason, current := r.Status, r.Reason, r.State
	err := o.destroy(ctx, *r, old)
	shown := *r
	shown.State = old
	shown.Status = DeleteComplete
	if err != nil {
		shown.Status, shown.Reason = DeleteFailed, reasonOf(err)
	} else {
		r.Doomed = slices.Clone(r.Doomed[1:])
	}
	r.Status, r.Reason, r.State = status, reason, current
	o.mu.Lock()
	defer o.mu.Unlock()
	r.UpdatedAt = o.w.now()
	if err := o.w.store.Record(ctx, o.claim, Step{Resources: []Resource{*r}, Events: []Event{o.event(shown)}}); err != nil {
		return false, err
	}
	kept := *r
	o.rows[r.LogicalID] = &kept
	return err == nil, nil
}

func (o *operation) destroy(ctx context.Context, r Resource, st State) error {
	p, err := o.w.provider(st.Type)
	if err != nil {
		return err
	}
	r.State = st
	q := o.request(&r, nil, st.Properties)
	_, err = o.step(ctx, q, func(ctx context.Context, q Request) (Made, error) {
		return Made{PhysicalID: q.PhysicalID}, p.Delete(ctx, q)
	})
	return err
}
