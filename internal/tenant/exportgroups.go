package tenant

import "context"

// groups exports every group that is due: the group itself, not yet its members.
func (r *run) groups(ctx context.Context) error {
	if !r.groupsToo() {
		return nil
	}
	for _, g := range r.st.Groups {
		lost := r.st.Job.Links[g.ID] == nil && r.due(g.ID, g.Rev, membersKey) // what a change of its members has shown
		if !lost && !r.due(g.ID, g.Rev, "") {
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
	if l = r.st.Job.Links[g.ID]; l == nil {
		if err = r.createGroup(ctx, g, e); !r.exists(err) {
			return err
		}
		if err = r.adoptGroup(ctx, g, e, err); err != nil {
			return err
		}
		l = r.st.Job.Links[g.ID]
	}
	l.Active, l.InScope, l.KeepActive = true, true, false
	var changes []change
	switch {
	case r.p.readsGroups:
		changes = diff([]value{{"displayName", g.DisplayName}, {"externalId", g.ID}}, res, r.set.Chaos)
	case l.Name != g.DisplayName || r.cycle.Initial && (r.p.renames || !r.p.fullPush):
		changes = []change{{op: "Replace", target: "displayName", text: g.DisplayName, old: l.Name}}
	}
	if len(changes) == 0 || !r.set.GroupActions.Update {
		r.cycle.Groups.Unchanged++
		return nil
	}
	e.Action = "Update"
	for _, c := range changes {
		e.modified(c.target, c.old, c.text)
	}
	if err := r.writeGroup(ctx, g, l, changes); err != nil {
		if gone(err) {
			delete(r.st.Job.Links, g.ID)
		}
		e.step("EntryExportUpdate", resultFailure, "")
		return err
	}
	l.Name = g.DisplayName
	r.renamed[g.ID] = true
	e.step("EntryExportUpdate", resultSuccess, "")
	r.cycle.Groups.Updated++
	return nil
}

// writeGroup writes what differs, as Entra; else the name, by PATCH or by PUT of the group with its members.
func (r *run) writeGroup(ctx context.Context, g *groupRecord, l *link, changes []change) error {
	switch {
	case r.p.readsGroups:
		return r.c.patch(ctx, "Groups", l.TargetID, r.p.changes(r.speak(), changes))
	case r.p.rename != nil:
		return r.c.patch(ctx, "Groups", l.TargetID, r.p.rename(&g.Group, l.TargetID))
	}
	return r.c.put(ctx, "Groups", l.TargetID, r.p.group(&g.Group, l.TargetID, r.moves(l.Exported, true)))
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
		if !r.p.readsGroups {
			return nil, nil
		}
		res, err := r.c.get(ctx, "Groups", l.TargetID)
		if err == nil && res == nil {
			delete(r.st.Job.Links, g.ID)
			e.Action = "Update"
			return nil, &failure{code: errorPrefix + "NotFound", status: 404, detail: "the group " + l.TargetID + " is gone; the next cycle looks for another"}
		}
		return res, err
	}
	if r.p.postFirst {
		return nil, nil
	}
	return r.lookUpGroup(ctx, g, e)
}

// adoptGroup looks for the group that stood in the way of a create. Without one the refusal stands.
func (r *run) adoptGroup(ctx context.Context, g *groupRecord, e *entry, refused error) error {
	res, err := r.lookUpGroup(ctx, g, e)
	if err == nil && res == nil {
		err = refused
	}
	return err
}

// lookUpGroup finds the group by its name.
func (r *run) lookUpGroup(ctx context.Context, g *groupRecord, e *entry) (map[string]any, error) {
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

// createGroup makes the group; its members follow as references, unless the product sends them along.
func (r *run) createGroup(ctx context.Context, g *groupRecord, e *entry) error {
	e.Action = "Create"
	if !r.set.GroupActions.Create {
		e.skip("ActionDisabled", "creating is switched off in the mapping")
		r.cycle.Groups.Skipped++
		return nil
	}
	e.step("EntrySynchronizationAdd", resultSuccess, "no group matches")
	var with []move
	if r.p.withMembers {
		with = r.moves(r.exportable(g), true)
	}
	id, err := r.c.create(ctx, "Groups", r.p.group(&g.Group, "", with))
	if err != nil {
		e.step("EntryExportAdd", resultFailure, "")
		return err
	}
	e.modified("displayName", "", g.DisplayName)
	e.modified("externalId", "", g.ID)
	e.Target.ID = id
	e.step("EntryExportAdd", resultSuccess, "")
	l := &link{TargetID: id, Active: true, InScope: true, Pending: true, Name: g.DisplayName}
	for _, m := range with {
		e.modified("members", "", m.name)
		l.Seen, l.Exported = append(l.Seen, m.id), append(l.Exported, m.id)
		r.cycle.MembersAdded++
	}
	r.st.Job.Links[g.ID] = l
	r.created[g.ID] = true
	r.cycle.Groups.Created++
	return nil
}

// managers exports the manager of every user that is due and whose manager has changed.
func (r *run) managers(ctx context.Context) error {
	if !r.managersToo() || !r.set.UserActions.Update {
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
