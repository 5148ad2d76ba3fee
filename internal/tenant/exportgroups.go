package tenant

import (
	"context"
	"slices"
)

// groups exports every group that is due: the group itself, not yet its members.
func (r *run) groups(ctx context.Context) error {
	if !r.set.GroupsEnabled {
		return nil
	}
	for _, g := range r.st.Groups {
		if !r.due(g.ID, g.Rev, "") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		e := newEntry(g.ID, kindGroup, g.DisplayName)
		if err := r.result(e, &r.cycle.Groups, r.group(ctx, g, e)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) group(ctx context.Context, g *groupRecord, e *entry) error {
	l := r.st.Job.Links[g.ID]
	if l != nil {
		e.Target.ID = l.TargetID
	}
	if !r.scope.group(g.ID) {
		return r.groupOut(ctx, g, l, e)
	}
	e.step("EntrySynchronizationScoping", resultSuccess, "in scope")
	res, err := r.matchGroup(ctx, g, e)
	if err != nil {
		return err
	}
	if res == nil {
		return r.createGroup(ctx, g, e)
	}
	l = r.st.Job.Links[g.ID]
	l.Active, l.InScope, l.KeepActive = true, true, false
	changes := diff([]value{{"displayName", g.DisplayName}, {"externalId", g.ID}}, res, r.set.Chaos)
	if len(changes) == 0 || !r.set.GroupActions.Update {
		r.cycle.Groups.Unchanged++
		return nil
	}
	e.Action = "Update"
	for _, c := range changes {
		e.modified(c.target, c.old, c.text)
	}
	if err := r.c.patch(ctx, "Groups", l.TargetID, userPatch(r.speak(), changes)); err != nil {
		e.step("EntryExportUpdate", resultFailure, "")
		return err
	}
	e.step("EntryExportUpdate", resultSuccess, "")
	r.cycle.Groups.Updated++
	return nil
}

// groupOut deletes a group that has left the scope: groups have no active attribute to clear.
func (r *run) groupOut(ctx context.Context, g *groupRecord, l *link, e *entry) error {
	switch {
	case r.demand:
		e.Action = "Other"
		e.step("EntrySynchronizationScoping", resultSkipped, "NotEffectivelyEntitled")
		e.skip("NotEffectivelyEntitled", "the group is not in scope")
		r.cycle.Groups.Skipped++
		return nil
	case l == nil:
		return nil
	case l.KeepActive:
		r.cycle.Groups.Unchanged++
		return nil
	case !r.set.GroupActions.Delete || r.set.SkipOutOfScopeDeletions:
		e.Action = "Delete"
		e.skip("ActionDisabled", "the job's settings forbid it")
		r.cycle.Groups.Skipped++
		return nil
	}
	e.step("EntrySynchronizationScoping", resultSuccess, "out of scope")
	return r.deleteGroup(ctx, g.ID, l, e)
}

func (r *run) deleteGroup(ctx context.Context, id string, l *link, e *entry) error {
	e.Action = "Delete"
	if err := r.c.remove(ctx, "Groups", l.TargetID); err != nil {
		e.step("EntryExportDelete", resultFailure, "")
		return err
	}
	e.step("EntryExportDelete", resultSuccess, "")
	delete(r.st.Job.Links, id)
	r.cycle.Groups.Deleted++
	return nil
}

// matchGroup finds the group over there, by the cached identifier or by its name.
func (r *run) matchGroup(ctx context.Context, g *groupRecord, e *entry) (map[string]any, error) {
	if l := r.st.Job.Links[g.ID]; l != nil {
		res, err := r.c.get(ctx, "Groups", l.TargetID)
		if err == nil && res == nil {
			delete(r.st.Job.Links, g.ID)
			e.Action = "Update"
			return nil, &failure{code: errorPrefix + "NotFound", status: 404, detail: "the group " + l.TargetID + " is gone; the next cycle looks for another"}
		}
		return res, err
	}
	found, err := r.c.findGroups(ctx, g.DisplayName)
	if err != nil {
		e.Action = "Create"
		return nil, err
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		id := found[0]["id"].(string) // find has checked it
		r.st.Job.Links[g.ID] = &link{TargetID: id, Pending: true}
		e.Target.ID = id
		return found[0], nil
	}
	e.Action = "Create"
	return nil, &failure{code: "DuplicateTargetEntries", detail: "more than one group is named " + g.DisplayName}
}

// createGroup makes the group empty; its members follow as references.
func (r *run) createGroup(ctx context.Context, g *groupRecord, e *entry) error {
	e.Action = "Create"
	if !r.set.GroupActions.Create {
		e.skip("ActionDisabled", "creating is switched off in the mapping")
		r.cycle.Groups.Skipped++
		return nil
	}
	e.step("EntrySynchronizationAdd", resultSuccess, "no group matches")
	id, err := r.c.create(ctx, "Groups", newGroupBody(&g.Group))
	if err != nil {
		e.step("EntryExportAdd", resultFailure, "")
		return err
	}
	e.modified("displayName", "", g.DisplayName)
	e.modified("externalId", "", g.ID)
	e.Target.ID = id
	e.step("EntryExportAdd", resultSuccess, "")
	r.st.Job.Links[g.ID] = &link{TargetID: id, Active: true, InScope: true, Pending: true}
	r.created[g.ID] = true
	r.cycle.Groups.Created++
	return nil
}

// managers exports the manager of every user that is due and whose manager has changed.
func (r *run) managers(ctx context.Context) error {
	if !mapsTarget(r.set.Mappings, targetManager) || !r.set.UserActions.Update {
		return nil
	}
	for _, u := range r.st.Users {
		l := r.st.Job.Links[u.ID]
		if l == nil || !r.st.wanted(r.scope, u) || !(l.Pending || r.due(u.ID, u.Rev, managerKey)) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		e := newEntry(u.ID, kindUser, u.UserPrincipalName)
		e.key, e.Target.ID = managerKey, l.TargetID
		if err := r.result(e, &r.cycle.Users, r.manager(ctx, u, l, e)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) manager(ctx context.Context, u *userRecord, l *link, e *entry) error {
	if l.Manager == u.Manager && !r.cycle.Initial {
		l.Pending = false
		return nil
	}
	id := ""
	if u.Manager != "" {
		m := r.st.Job.Links[u.Manager]
		switch {
		case !r.scope.user(u.Manager): // skipped, and not looked at again before a restart
			l.Manager, l.Pending = u.Manager, false
			return nil
		case m == nil:
			l.Pending = true
			return nil
		}
		id = m.TargetID
	}
	l.Pending = false
	there := id == l.ManagerTarget && id == ""
	if id != "" && !r.created[u.ID] && !r.set.Chaos.RepeatedAdds {
		var err error
		if there, err = r.c.hasManager(ctx, l.TargetID, id); err != nil {
			e.Action = "Update"
			return err
		}
	}
	if !there {
		op := "Replace"
		if l.ManagerTarget == "" {
			op = "Add"
		}
		e.Action = "Update"
		e.modified("manager", l.ManagerTarget, id)
		if err := r.c.patch(ctx, "Users", l.TargetID, managerPatch(r.speak(), op, r.c.base, id, r.set.Chaos)); err != nil {
			e.step("EntryExportUpdate", resultFailure, "")
			return err
		}
		e.step("EntryExportUpdate", resultSuccess, "")
		r.cycle.Managers++
	}
	l.Manager, l.ManagerTarget = u.Manager, id
	return nil
}

// members exports the changes of membership of every group that is due or has unresolved members.
func (r *run) members(ctx context.Context) error {
	if r.set.GroupsEnabled && r.set.GroupActions.Update {
		for _, g := range r.st.Groups {
			l := r.st.Job.Links[g.ID]
			if l == nil || !r.scope.group(g.ID) || !(l.Pending || r.due(g.ID, g.Rev, membersKey)) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			e := newEntry(g.ID, kindGroup, g.DisplayName)
			e.key, e.Target.ID = membersKey, l.TargetID
			if err := r.result(e, &r.cycle.Groups, r.membership(ctx, g, l, e)); err != nil {
				return err
			}
		}
	}
	for _, id := range r.orphans {
		delete(r.st.Job.Links, id)
		r.keep(id)
	}
	return nil
}

// membership works out what joined and left since the last look, and sends that and nothing else.
func (r *run) membership(ctx context.Context, g *groupRecord, l *link, e *entry) error {
	var now []string // direct members that are users: nested groups are not exported
	for _, m := range g.Members {
		if r.byID[m] != nil {
			now = append(now, m)
		}
	}
	leave := minus(l.Exported, now)
	l.Seen = minus(l.Seen, minus(l.Seen, now))
	if r.cycle.Initial {
		l.Seen = nil // an initial cycle looks at every member again
	}
	join, err := r.joining(ctx, minus(now, l.Seen), l, e)
	if err != nil {
		return err
	}
	if err := r.sendMembers(ctx, l, e, false, leave); err != nil {
		return err
	}
	return r.sendMembers(ctx, l, e, true, join)
}

// joining sorts new members: to be sent, there already, skipped for good, or not resolvable yet.
func (r *run) joining(ctx context.Context, ids []string, l *link, e *entry) ([]string, error) {
	var join []string
	gid := e.Source.ID
	l.Pending = false
	for _, id := range ids {
		u, m := r.byID[id], r.st.Job.Links[id]
		switch {
		case !r.scope.user(id):
			l.Seen = append(l.Seen, id)
			e.step("EntrySynchronizationScoping", resultSkipped, u.UserPrincipalName+": NotEffectivelyEntitled")
			continue
		case m == nil:
			l.Pending = true
			continue
		case !r.created[gid] && !r.created[id] && !r.set.Chaos.RepeatedAdds:
			there, err := r.c.hasMember(ctx, l.TargetID, m.TargetID)
			if err != nil {
				e.Action, l.Pending = "Update", false
				return nil, err
			}
			if there {
				l.Seen = append(l.Seen, id)
				l.Exported = plus(l.Exported, id)
				continue
			}
		}
		join = append(join, id)
	}
	return join, nil
}

// memberBatch is how many members one PATCH adds or removes; the application takes no more than a hundred.
const memberBatch = 100

func (r *run) sendMembers(ctx context.Context, l *link, e *entry, add bool, ids []string) error {
	for batch := range slices.Chunk(ids, memberBatch) {
		targets, names := make([]string, 0, len(batch)), make([]string, 0, len(batch))
		for _, id := range batch {
			if m := r.st.Job.Links[id]; m != nil { // who was deleted over there left every group by that
				targets, names = append(targets, m.TargetID), append(names, r.name(id))
			}
		}
		if len(targets) > 0 {
			e.Action = "Update"
			if err := r.c.patch(ctx, "Groups", l.TargetID, memberPatch(r.speak(), add, targets)); err != nil {
				e.step("EntryExportUpdate", resultFailure, "")
				return err
			}
			e.step("EntryExportUpdate", resultSuccess, "")
		}
		for _, n := range names {
			if add {
				e.modified("members", "", n)
				r.cycle.MembersAdded++
			} else {
				e.modified("members", n, "")
				r.cycle.MembersRemoved++
			}
		}
		for _, id := range batch {
			if add {
				l.Seen, l.Exported = append(l.Seen, id), plus(l.Exported, id)
			} else {
				l.Exported = slices.DeleteFunc(l.Exported, func(s string) bool { return s == id })
			}
		}
	}
	return nil
}

func (r *run) name(id string) string {
	if u := r.byID[id]; u != nil {
		return u.UserPrincipalName
	}
	return id
}

// minus returns what of a is not in b, in the order of a.
func minus(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	var out []string
	for _, s := range a {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}

func plus(a []string, s string) []string {
	if slices.Contains(a, s) {
		return a
	}
	return append(a, s)
}
