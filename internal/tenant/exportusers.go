package tenant

import (
	"context"
	"errors"
	"slices"
	"time"
)

// wanted reports whether the application should have an active account for u.
func (st *state) wanted(s *scope, u *userRecord) bool {
	return s.user(u.ID) && u.AccountEnabled && !u.Deleted()
}

// takesAway reports whether the cycle would disable or delete u's account, and whether only because u fell
// out of scope.
func (st *state) takesAway(s *scope, u *userRecord) (yes, merelyOut bool) {
	l := st.Job.Links[u.ID]
	if l == nil || !l.Active || l.KeepActive || st.wanted(s, u) {
		return false, false
	}
	return true, u.AccountEnabled && !u.Deleted()
}

// heldBack lists the objects that the next cycle would disable or delete: what the deletion guard counts.
func (st *state) heldBack(now time.Time) []string {
	var ids []string
	s, set := st.newScope(), &st.Job.Settings
	for _, u := range st.Users {
		yes, merely := st.takesAway(s, u)
		if yes && set.UserActions.Delete && !(merely && set.SkipOutOfScopeDeletions) && st.due(u.ID, u.Rev, "", now) {
			ids = append(ids, u.ID)
		}
	}
	for _, x := range st.Tombstones {
		l := st.Job.Links[x.ID]
		if l != nil && !l.KeepActive && x.InScope && (x.Kind == kindUser && set.UserActions.Delete || x.Kind == kindGroup && set.groupDeletes()) {
			ids = append(ids, x.ID)
		}
	}
	for _, g := range st.Groups {
		l := st.Job.Links[g.ID]
		if l != nil && !l.KeepActive && !s.group(g.ID) && set.groupDeletes() && !set.SkipOutOfScopeDeletions && st.due(g.ID, g.Rev, "", now) {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

func (s *Settings) groupDeletes() bool {
	return s.GroupsEnabled && !products[s.Dialect].usersOnly && s.GroupActions.Delete
}

// users exports every user that is due.
func (r *run) users(ctx context.Context) error {
	for _, u := range r.st.Users {
		if !r.due(u.ID, u.Rev, "") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		e := newEntry(u.ID, kindUser, u.UserPrincipalName)
		if err := r.result(e, &r.cycle.Users, r.user(ctx, u, e)); err != nil {
			return err
		}
	}
	return nil
}

func newEntry(id, kind, name string) *entry {
	e := &entry{LogEntry: LogEntry{Source: Object{id, kind, name}, Target: Object{Type: kind}}}
	e.step("EntryImport", resultSuccess, "read from the tenant")
	return e
}

// user decides what one user needs and does it.
func (r *run) user(ctx context.Context, u *userRecord, e *entry) error {
	l := r.st.Job.Links[u.ID]
	if l != nil {
		e.Target.ID = l.TargetID
		l.InScope = r.scope.user(u.ID)
	}
	if r.st.wanted(r.scope, u) {
		e.step("EntrySynchronizationScoping", resultSuccess, "in scope and active")
		return r.provision(ctx, u, e)
	}
	if yes, merely := r.st.takesAway(r.scope, u); yes {
		return r.deprovision(ctx, u, e, merely)
	}
	r.leaveOut(u, l, e)
	return nil
}

// leaveOut notes why nothing is done about a user who is not to have an account.
func (r *run) leaveOut(u *userRecord, l *link, e *entry) {
	why := "NotEffectivelyEntitled"
	switch {
	case l != nil: // disabled already, or kept by an administrator's decision
		r.cycle.Users.Unchanged++
		return
	case r.scope.user(u.ID):
		why = "UnhandledSoftDelete" // disabled or deleted here and never made there: not created
	case r.scope.defaultOnly[u.ID]:
	case !r.demand:
		return // out of scope and never seen: an assigned-only job does not even read such users
	}
	e.Action = "Other"
	e.step("EntrySynchronizationScoping", resultSkipped, why)
	e.skip(why, "the user is not to have an account and has none")
	r.cycle.Users.Skipped++
}

// provision makes sure that u's account exists and has the mapped values.
func (r *run) provision(ctx context.Context, u *userRecord, e *entry) error {
	vals := mapped(r.set.Mappings, &u.User)
	res, err := r.match(ctx, u, vals, e)
	if err != nil {
		return err
	}
	l := r.st.Job.Links[u.ID]
	if l == nil {
		if err = r.createUser(ctx, u, vals, e); !r.exists(err) {
			return err
		}
		if res, err = r.adopt(ctx, u, vals, e, err); err != nil {
			return err
		}
		l = r.st.Job.Links[u.ID]
	}
	changes := diff(vals, res, r.set.Chaos) // all of them where nothing was read, but for an activity that is known
	if res == nil && l.Active {
		changes = slices.DeleteFunc(changes, func(c change) bool { return c.target == targetActive })
	}
	if len(changes) == 0 || !r.set.UserActions.Update {
		l.Active, l.InScope, l.KeepActive = true, true, false
		r.cycle.Users.Unchanged++
		return nil
	}
	e.Action = "Update"
	e.step("EntrySynchronizationUpdate", resultSuccess, "")
	for _, c := range changes {
		e.modified(c.target, c.old, c.text)
	}
	if err := r.writeUser(ctx, l.TargetID, vals, changes); err != nil {
		if gone(err) {
			r.forget(u.ID)
		}
		e.step("EntryExportUpdate", resultFailure, "")
		return err
	}
	e.step("EntryExportUpdate", resultSuccess, "")
	l.Active, l.InScope, l.KeepActive = true, true, false
	r.cycle.Users.Updated++
	return nil
}

// writeUser writes what differs: by PATCH, or by PUT of everything, before which some products send a change of activity by itself.
func (r *run) writeUser(ctx context.Context, id string, vals []value, changes []change) error {
	if r.p.changes != nil {
		return r.patchUser(ctx, id, changes)
	}
	if i := slices.IndexFunc(changes, func(c change) bool { return c.target == targetActive }); i >= 0 && r.p.activity != nil {
		if err := r.c.patch(ctx, "Users", id, r.p.activity(changes[i].text == "True")); err != nil || len(changes) == 1 {
			return err
		}
	}
	return r.c.put(ctx, "Users", id, r.p.user(r, vals, id))
}

func (r *run) patchUser(ctx context.Context, id string, changes []change) error {
	if err := r.c.patch(ctx, "Users", id, r.p.changes(r.speak(), changes)); err != nil {
		return err
	}
	if !r.set.Chaos.RepeatedAdds {
		return nil
	}
	again := slices.Clone(changes)
	for i := range again {
		again[i].op = "Add"
	}
	return r.c.patch(ctx, "Users", id, r.p.changes(r.speak(), again))
}

// match finds u's account: by the cached identifier, else by the matching attribute. It returns what it has read, which is nil when
// there is none or the product does not look, and keeps the link when there is one.
func (r *run) match(ctx context.Context, u *userRecord, vals []value, e *entry) (map[string]any, error) {
	if l := r.st.Job.Links[u.ID]; l != nil {
		if !r.p.reads {
			return nil, nil
		}
		res, err := r.c.get(ctx, "Users", l.TargetID)
		if err == nil && res == nil {
			r.forget(u.ID)
			e.Action = "Update"
			return nil, &failure{code: errorPrefix + "NotFound", status: 404, detail: "the account " + l.TargetID + " is gone; the next cycle looks for another"}
		}
		return res, err
	}
	if r.p.postFirst {
		return nil, nil
	}
	return r.lookUp(ctx, u, vals, e)
}

// lookUp finds u's account by the matching attribute.
func (r *run) lookUp(ctx context.Context, u *userRecord, vals []value, e *entry) (map[string]any, error) {
	i := slices.IndexFunc(vals, func(v value) bool { return v.target == r.set.MatchingAttribute })
	if i < 0 {
		e.Action = "Create"
		return nil, &failure{code: "MatchingAttributeMissing", detail: "the user has no value for " + r.set.MatchingAttribute}
	}
	found, err := r.c.findUsers(ctx, vals[i].target, vals[i].text)
	if err != nil {
		e.Action = "Create"
		return nil, err
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		id := found[0]["id"].(string) // find has checked it
		active, _ := lookup(found[0], targetActive)
		r.st.Job.Links[u.ID] = &link{TargetID: id, Active: active != "False", InScope: true}
		e.Target.ID = id
		return found[0], nil
	}
	e.Action = "Create"
	return nil, &failure{code: "DuplicateTargetEntries", detail: "more than one account matches " + vals[i].target}
}

// exists reports whether a create was refused because there is one already, for a product that had not looked.
func (r *run) exists(err error) bool {
	var f *failure
	return r.p.postFirst && errors.As(err, &f) && f.status == 409
}

// gone reports whether the application no longer knows what was to be changed.
func gone(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.status == 404
}

// adopt looks for the account that stood in the way of a create. Without one the refusal stands.
func (r *run) adopt(ctx context.Context, u *userRecord, vals []value, e *entry, refused error) (map[string]any, error) {
	res, err := r.lookUp(ctx, u, vals, e)
	if err == nil && res == nil {
		err = refused
	}
	return res, err
}

// forget drops a cached identifier whose object is gone, and with it what was known of references to it.
func (r *run) forget(id string) {
	delete(r.st.Job.Links, id)
	for key, l := range r.st.Job.Links {
		if i := slices.Index(l.Seen, id); i >= 0 {
			l.Seen, l.Pending = slices.Delete(l.Seen, i, i+1), true
			l.Exported = slices.DeleteFunc(l.Exported, func(s string) bool { return s == id })
			r.keep(key)
		}
	}
}

func (r *run) createUser(ctx context.Context, u *userRecord, vals []value, e *entry) error {
	e.Action = "Create"
	if !r.set.UserActions.Create {
		e.skip("ActionDisabled", "creating is switched off in the mapping")
		r.cycle.Users.Skipped++
		return nil
	}
	e.step("EntrySynchronizationAdd", resultSuccess, "no account matches")
	id, err := r.c.create(ctx, "Users", r.p.user(r, vals, ""))
	if err != nil {
		e.step("EntryExportAdd", resultFailure, "")
		return err
	}
	for _, v := range vals {
		e.modified(v.target, "", v.text)
	}
	e.Target.ID = id
	e.step("EntryExportAdd", resultSuccess, "")
	r.st.Job.Links[u.ID] = &link{TargetID: id, Active: true, InScope: true}
	r.created[u.ID] = true
	r.cycle.Users.Created++
	return nil
}

// deprovision disables an account, or deletes it when active is not mapped.
func (r *run) deprovision(ctx context.Context, u *userRecord, e *entry, merelyOut bool) error {
	l := r.st.Job.Links[u.ID]
	e.Action = "Disable"
	e.step("EntrySynchronizationScoping", resultSuccess, "out of scope, disabled or deleted")
	if !r.set.UserActions.Delete || merelyOut && r.set.SkipOutOfScopeDeletions {
		e.skip("ActionDisabled", "the job's settings forbid it")
		r.cycle.Users.Skipped++
		return nil
	}
	leaves := merelyOut || u.Deleted()
	if !r.p.keepsUsers && (leaves && r.p.deletesLeavers || !mapsTarget(r.set.Mappings, targetActive)) {
		return r.deleteUser(ctx, u.ID, l, e)
	}
	var res map[string]any
	if r.p.reads {
		var err error
		if res, err = r.c.get(ctx, "Users", l.TargetID); err != nil {
			return err
		}
		if res == nil {
			r.forget(u.ID)
			r.cycle.Users.Unchanged++
			return nil
		}
	}
	if cur, _ := lookup(res, targetActive); cur != "False" {
		e.modified(targetActive, cur, "False")
		c := []change{{op: "Replace", target: targetActive, text: "False"}}
		if err := r.writeUser(ctx, l.TargetID, activeIs(mapped(r.set.Mappings, &u.User), "False"), c); err != nil {
			if gone(err) {
				r.forget(u.ID)
			}
			e.step("EntryExportUpdate", resultFailure, "")
			return err
		}
	}
	e.step("EntryExportUpdate", resultSuccess, "")
	l.Active = false
	r.cycle.Users.Disabled++
	return nil
}

// deleteUser deletes an account. What was known of references to it goes with it, since whoever comes back later is somebody new over there.
func (r *run) deleteUser(ctx context.Context, id string, l *link, e *entry) error {
	e.Action = "Delete"
	if err := r.c.remove(ctx, "Users", l.TargetID); err != nil {
		e.step("EntryExportDelete", resultFailure, "")
		return err
	}
	e.step("EntryExportDelete", resultSuccess, "")
	if r.p.deletesLeavers {
		r.forget(id)
	} else {
		delete(r.st.Job.Links, id)
	}
	r.cycle.Users.Deleted++
	return nil
}

// purged exports what was removed for good.
func (r *run) purged(ctx context.Context) error {
	for _, x := range r.st.Tombstones {
		l := r.st.Job.Links[x.ID]
		if l == nil || !r.due(x.ID, x.Rev, "") {
			continue
		}
		e := newEntry(x.ID, x.Kind, x.Name)
		e.Target.ID = l.TargetID
		counts, err := &r.cycle.Users, error(nil)
		if x.Kind == kindGroup {
			counts = &r.cycle.Groups
		}
		switch {
		case l.KeepActive, x.Kind == kindGroup && !r.set.groupDeletes(), x.Kind == kindUser && (r.p.keepsUsers || !(x.InScope && r.set.UserActions.Delete)):
			// A user who had left the scope before was disabled then, and stays so for ever; some products delete nobody.
			e.Action = "Delete"
			e.skip("NotEffectivelyEntitled", "not in scope when deleted: the application keeps the disabled account")
			counts.Skipped++
			r.orphans = append(r.orphans, x.ID)
		case x.Kind == kindGroup:
			err = r.deleteGroup(ctx, x.ID, l, e)
		default:
			err = r.deleteUser(ctx, x.ID, l, e)
		}
		if err := r.result(e, counts, err); err != nil {
			return err
		}
	}
	return nil
}
