package tenant

import (
	"context"
	"slices"
)

// members exports the changes of membership of every group that is due or has unresolved members.
func (r *run) members(ctx context.Context) error {
	if r.groupsToo() && r.set.GroupActions.Update {
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
			err := r.membership(ctx, g, l, e)
			if gone(err) && !r.p.readsGroups {
				delete(r.st.Job.Links, g.ID)
			}
			if err := r.result(e, &r.cycle.Groups, err); err != nil {
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
	again := !r.created[g.ID] && (r.cycle.Initial || r.p.compares && r.renamed[g.ID])
	if again || r.cycle.Initial && !r.p.withMembers || r.p.repeats {
		l.Seen = nil // every member is looked at again
	}
	join, err := r.joining(ctx, minus(now, l.Seen), l, e)
	if err != nil {
		return err
	}
	leaving, joining := r.moves(leave, false), r.moves(join, true)
	switch {
	case again && r.p.fullPush:
		return r.pushMembers(ctx, g, l, e, joining)
	case again && r.p.compares:
		if leaving, joining, err = r.compareMembers(ctx, l, joining); err != nil {
			return err
		}
	}
	return r.sendMembers(ctx, g, l, e, leaving, joining)
}

// joining sorts new members: to be sent, there already, skipped for good, or not resolvable yet.
func (r *run) joining(ctx context.Context, ids []string, l *link, e *entry) ([]string, error) {
	var join []string
	gid := e.Source.ID
	l.Pending = false
	for _, id := range ids {
		u, m := r.byID[id], r.st.Job.Links[id]
		switch {
		case !r.scope.user(id) && !r.p.asks:
			l.Pending = true // who comes into scope later is sent then
			continue
		case !r.scope.user(id):
			l.Seen = append(l.Seen, id)
			e.step("EntrySynchronizationScoping", resultSkipped, u.UserPrincipalName+": NotEffectivelyEntitled")
			continue
		case m == nil:
			l.Pending = true
			continue
		case r.p.asks && !r.created[gid] && !r.created[id] && !r.set.Chaos.RepeatedAdds:
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

// sendMembers sends who left and who joined, in as many requests as the product makes of it.
func (r *run) sendMembers(ctx context.Context, g *groupRecord, l *link, e *entry, leave, join []move) error {
	for _, moves := range r.p.memberGroups(leave, join, r.batch) {
		known := slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.target == "" }) // who was deleted over there left every group by that
		if len(known) > 0 {
			e.Action = "Update"
			if err := r.writeMembers(ctx, g, l, known); err != nil {
				e.step("EntryExportUpdate", resultFailure, "")
				return err
			}
			e.step("EntryExportUpdate", resultSuccess, "")
		}
		r.noteMembers(l, e, moves)
	}
	return nil
}

// writeMembers sends one change of a group's members.
func (r *run) writeMembers(ctx context.Context, g *groupRecord, l *link, moves []move) error {
	if r.p.members == nil {
		all := l.Exported
		for _, m := range moves {
			if m.add {
				all = plus(all, m.id)
			} else {
				all = minus(all, []string{m.id})
			}
		}
		return r.c.put(ctx, "Groups", l.TargetID, r.p.group(&g.Group, l.TargetID, r.moves(all, true)))
	}
	if r.p.renames {
		if err := r.c.patch(ctx, "Groups", l.TargetID, r.p.rename(&g.Group, l.TargetID)); err != nil {
			return err
		}
	}
	return r.c.patch(ctx, "Groups", l.TargetID, patchBody(r.p.members(r.speak(), moves)...))
}

// noteMembers books what was sent.
func (r *run) noteMembers(l *link, e *entry, moves []move) {
	for _, m := range moves {
		switch {
		case m.add:
			e.modified("members", "", m.name)
			r.cycle.MembersAdded++
			l.Seen, l.Exported = plus(l.Seen, m.id), plus(l.Exported, m.id)
		default:
			if m.target != "" {
				e.modified("members", m.name, "")
				r.cycle.MembersRemoved++
			}
			l.Exported = minus(l.Exported, []string{m.id})
		}
	}
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
