package tenant

import (
	"context"
	"slices"
	"strings"
)

// groupsToo and managersToo report whether groups and managers are exported at all: some products, and some applications, have users only.
func (r *run) groupsToo() bool { return r.set.GroupsEnabled && !r.p.usersOnly }

func (r *run) managersToo() bool {
	return r.p.managers && mapsTarget(r.set.Mappings, targetManager)
}

// configure reads how many operations the application takes at once, for the product that goes by that and has no limit of its own.
func (r *run) configure(a answer) {
	bulk, _ := a.body["bulk"].(map[string]any)
	if n, ok := bulk["maxOperations"].(float64); ok && r.p.batch == 0 {
		r.batch = max(0, int(n))
	}
}

// rehearsal is what JumpCloud does when a connector is activated: a user and a group are made, changed and deleted. Each must work.
func (r *run) rehearsal(ctx context.Context) error {
	name := "jc-test-" + r.t.uuid()[:8]
	vals := []value{{targetActive, "True"}, {"userName", name + "@" + r.st.Domain}, {"displayName", "JumpCloud Test"}, {"name.givenName", "JumpCloud"}, {"name.familyName", "Test"},
		{`emails[type eq "work"].value`, name + "@" + r.st.Domain}}
	user, err := r.c.create(ctx, "Users", r.p.user(r, vals, ""))
	if err != nil {
		return err
	}
	vals[3].text = "Activated"
	if err := r.c.put(ctx, "Users", user, r.p.user(r, vals, user)); err != nil {
		return err
	}
	if r.groupsToo() {
		g := Group{DisplayName: name}
		group, err := r.c.create(ctx, "Groups", r.p.group(&g, "", nil))
		if err != nil {
			return err
		}
		g.DisplayName += "-activated"
		if err := r.c.patch(ctx, "Groups", group, r.p.rename(&g, group)); err != nil {
			return err
		}
		if err := r.c.remove(ctx, "Groups", group); err != nil {
			return err
		}
	}
	return r.c.remove(ctx, "Users", user)
}

// discover takes over what the application has already, by name, before an initial cycle.
func (r *run) discover(ctx context.Context) error {
	if !r.p.discovers || !r.cycle.Initial {
		return nil
	}
	users, err := r.c.everything(ctx, "Users")
	if err != nil {
		return err
	}
	ours := map[string]string{}
	for _, u := range r.st.Users {
		if r.st.wanted(r.scope, u) {
			ours[strings.ToLower(mappedTo(mapped(r.set.Mappings, &u.User), "userName"))] = u.ID
		}
	}
	r.takeOver(users, "userName", ours)
	if !r.groupsToo() {
		return nil
	}
	groups, err := r.c.everything(ctx, "Groups")
	if err != nil {
		return err
	}
	ours = map[string]string{}
	for _, g := range r.st.Groups {
		if r.scope.group(g.ID) {
			ours[strings.ToLower(g.DisplayName)] = g.ID
		}
	}
	r.takeOver(groups, "displayName", ours)
	return nil
}

// takeOver links resources to objects of ours that have no link, by name.
func (r *run) takeOver(resources []map[string]any, attr string, ours map[string]string) {
	for _, res := range resources {
		name, _ := text(res[attr])
		id := ours[strings.ToLower(name)]
		if name != "" && id != "" && r.st.Job.Links[id] == nil {
			active, _ := lookup(res, targetActive)
			r.st.Job.Links[id] = &link{TargetID: res["id"].(string), Active: active != "False", InScope: true, Pending: true} // resources has checked the id
		}
	}
}

// exportable are the direct members of a group who are users in scope and known to the application.
func (r *run) exportable(g *groupRecord) []string {
	return slices.DeleteFunc(slices.Clone(g.Members), func(id string) bool { return !r.scope.user(id) || r.byID[id] == nil || r.st.Job.Links[id] == nil })
}

// moves are changes of membership; the target of who is not known to the application is empty.
func (r *run) moves(ids []string, add bool) []move {
	out := make([]move, 0, len(ids))
	for _, id := range ids {
		m := move{id: id, name: r.name(id), add: add}
		if l := r.st.Job.Links[id]; l != nil {
			m.target = l.TargetID
		}
		out = append(out, m)
	}
	return out
}

// pushMembers replaces all members of a group, as Okta does when an administrator pushes it anew.
func (r *run) pushMembers(ctx context.Context, g *groupRecord, l *link, e *entry, moves []move) error {
	e.Action = "Update"
	var err error
	if r.p.members == nil {
		err = r.c.put(ctx, "Groups", l.TargetID, r.p.group(&g.Group, l.TargetID, moves))
	} else {
		err = r.c.patch(ctx, "Groups", l.TargetID, patchBody(object{{"op", "replace"}, {"path", "members"}, {"value", displayed(moves)}}))
	}
	if err != nil {
		e.step("EntryExportUpdate", resultFailure, "")
		return err
	}
	e.step("EntryExportUpdate", resultSuccess, "")
	l.Exported = nil
	r.noteMembers(l, e, moves)
	return nil
}

// compareMembers reads the members that a group has, and returns who is to be removed, strangers included, and who to be added.
func (r *run) compareMembers(ctx context.Context, l *link, should []move) (leave, join []move, err error) {
	res, err := r.c.get(ctx, "Groups", l.TargetID)
	if err != nil {
		return nil, nil, err
	}
	wanted, there := map[string]bool{}, map[string]bool{}
	for _, m := range should {
		wanted[m.target] = true
	}
	list, _ := res["members"].([]any)
	for _, m := range list {
		el, _ := m.(map[string]any)
		id, _ := text(el["value"])
		there[id] = true
		if !wanted[id] {
			leave = append(leave, move{target: id, name: id})
		}
	}
	l.Seen, l.Exported = nil, nil
	for _, m := range should {
		if there[m.target] {
			l.Seen, l.Exported = append(l.Seen, m.id), append(l.Exported, m.id)
		} else {
			join = append(join, m)
		}
	}
	return leave, join, nil
}
