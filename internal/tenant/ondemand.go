package tenant

import (
	"context"
	"errors"
	"slices"

	"gatehouse/internal/fault"
)

// maxOnDemand is how many members of a group may be provisioned on demand.
const maxOnDemand = 5

// OnDemandUser provisions one user now: test connection, import, scope, match, action. It ignores the flag, does
// not delete and does not wait for the schedule. The entries are also in the log. Faults: NotFound,
// Conflict (no address), Unavailable (the connection test failed).
func (t *Tenant) OnDemandUser(ctx context.Context, key string) ([]LogEntry, error) {
	return t.onDemand(ctx, func(r *run) error {
		u, err := r.st.user(key)
		if err != nil {
			return err
		}
		e := newEntry(u.ID, kindUser, u.UserPrincipalName)
		if err := r.result(e, &r.cycle.Users, r.user(ctx, u, e)); err != nil {
			return err
		}
		r.tell(e)
		l := r.st.Job.Links[u.ID]
		if l == nil || !r.st.wanted(r.scope, u) || !r.managersToo() {
			return nil
		}
		e = newEntry(u.ID, kindUser, u.UserPrincipalName)
		e.key, e.Target.ID = managerKey, l.TargetID
		if err := r.result(e, &r.cycle.Users, r.manager(ctx, u, l, e)); err != nil || e.Action == "" {
			return err
		}
		r.tell(e)
		return nil
	})
}

// OnDemandGroup provisions one group now, with at most five of its direct members (each first as a user).
func (t *Tenant) OnDemandGroup(ctx context.Context, key string, members []string) ([]LogEntry, error) {
	if len(members) > maxOnDemand {
		return nil, fault.New(fault.Invalid, "On demand takes at most %d members of a group.", maxOnDemand).At("members")
	}
	return t.onDemand(ctx, func(r *run) error {
		g, err := r.st.group(key)
		if err != nil {
			return err
		}
		var chosen []*userRecord
		for _, m := range members {
			u, err := r.st.user(m)
			if err != nil {
				return err
			}
			if !slices.Contains(g.Members, u.ID) {
				return fault.New(fault.Invalid, "%s is not a direct member of %s.", u.UserPrincipalName, g.DisplayName).At("members")
			}
			chosen = append(chosen, u)
		}
		return r.groupOnDemand(ctx, g, chosen)
	})
}

func (r *run) groupOnDemand(ctx context.Context, g *groupRecord, chosen []*userRecord) error {
	var ids []string
	for _, u := range chosen {
		e := newEntry(u.ID, kindUser, u.UserPrincipalName)
		if err := r.result(e, &r.cycle.Users, r.user(ctx, u, e)); err != nil {
			return err
		}
		r.tell(e)
		ids = append(ids, u.ID)
	}
	e := newEntry(g.ID, kindGroup, g.DisplayName)
	if err := r.result(e, &r.cycle.Groups, r.group(ctx, g, e)); err != nil {
		return err
	}
	r.tell(e)
	l := r.st.Job.Links[g.ID]
	if l == nil || len(ids) == 0 || !r.scope.group(g.ID) {
		return nil
	}
	e = newEntry(g.ID, kindGroup, g.DisplayName)
	e.key, e.Target.ID = membersKey, l.TargetID
	pending := l.Pending
	join, err := r.joining(ctx, minus(ids, l.Seen), l, e)
	if err == nil {
		err = r.sendMembers(ctx, g, l, e, nil, r.moves(join, true))
	}
	l.Pending = l.Pending || pending
	if err := r.result(e, &r.cycle.Groups, err); err != nil {
		return err
	}
	r.tell(e)
	return nil
}

// tell adds an entry to what an on-demand run answers, also one that found nothing to do.
func (r *run) tell(e *entry) {
	if e.Action == "" {
		e.Action, e.Status = "Other", resultSkipped
		e.SkipReason = "RedundantExport"
	}
	e.Steps = append([]Step{{"TestConnection", resultSuccess, ""}}, e.Steps...)
	r.told = append(r.told, e.LogEntry)
}

func (t *Tenant) onDemand(ctx context.Context, do func(*run) error) ([]LogEntry, error) {
	r, release, err := t.begin(ctx, true)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := r.probe(ctx); err != nil {
		return nil, fault.New(fault.Unavailable, "The test of the connection failed: %s", clip(err.Error(), 600))
	}
	err = do(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	if serr := errors.Join(t.save(), t.saveLog()); serr != nil {
		return r.told, fault.New(fault.Internal, "the tenant's state could not be written").Because(serr)
	}
	return r.told, err
}

// TestConnection probes the application as the button of that name does.
func (t *Tenant) TestConnection(ctx context.Context) error {
	r, release, err := t.begin(ctx, true)
	if err != nil {
		return err
	}
	defer release()
	r.rehearse = true
	if err := r.probe(ctx); err != nil {
		return fault.New(fault.Unavailable, "The test of the connection failed: %s", clip(err.Error(), 600))
	}
	return nil
}
