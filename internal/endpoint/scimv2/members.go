package scimv2

import (
	"cmp"
	"context"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
)

// membersGiven are the members that a client names, told apart by what they are ids of. What exists for it neither as a user nor as a group is in neither.
type membersGiven struct{ users, groups []string }

// tellApart looks up what ids are of.
func (d *door) tellApart(ctx context.Context, q *request, ids []string) (m membersGiven, err error) {
	if m.users, err = d.visible(ctx, q, ids); err != nil || len(m.users) == len(ids) {
		return m, err
	}
	isUser := make(map[string]bool, len(m.users))
	for _, id := range m.users {
		isUser[id] = true
	}
	rest := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return isUser[id] || !arn.IsPrincipalID(id) })
	for part := range slices.Chunk(rest, batch) {
		groups, err := d.Directory.GroupsByID(ctx, part)
		if err != nil {
			return m, err
		}
		for _, g := range inOrder(groups, part, groupID) {
			if q.seesGroup(g) {
				m.groups = append(m.groups, g.ID)
			}
		}
	}
	return m, nil
}

// toBeMembers tells apart members that are to be added, and demands that all of them exist for this client and are of a kind that the directory
// takes. Answering 404 here would tell Entra that the group is gone.
func (d *door) toBeMembers(ctx context.Context, q *request, ids []string) (membersGiven, error) {
	m, err := d.tellApart(ctx, q, ids)
	if err != nil {
		return m, err
	}
	known := map[string]bool{}
	for _, id := range slices.Concat(m.users, m.groups) {
		known[id] = true
	}
	for _, id := range ids {
		if !known[id] {
			return m, noMember(id)
		}
	}
	if len(m.groups) > 0 && q.source.Nested != directory.NestingExpand {
		return m, directory.NoNesting(q.source.ID)
	}
	return m, nil
}

// visible returns those of the ids that are of users who exist for this client.
func (d *door) visible(ctx context.Context, q *request, ids []string) ([]string, error) {
	var out []string
	for part := range slices.Chunk(ids, batch) {
		seen, err := d.Directory.UsersAmong(ctx, q.source.Sight(), slices.DeleteFunc(slices.Clone(part), func(id string) bool { return !arn.IsPrincipalID(id) }))
		if err != nil {
			return nil, err
		}
		out = append(out, inOrder(seen, part, func(id string) string { return id })...)
	}
	return out, nil
}

// fewMembers is how many memberships of one request are looked at one by one.
const fewMembers = 16

// memberChange leaves out of a small change what is so already: clients repeat themselves (JumpCloud adds a
// member at every sync), and a repetition must not look like a change (RFC 7644 §3.5.2.1).
func (d *door) memberChange(ctx context.Context, q *request, replace bool, add, remove membersGiven) (directory.MemberChange, error) {
	m := directory.MemberChange{Replace: replace, Add: add.users, Remove: remove.users, AddGroups: add.groups, RemoveGroups: remove.groups}
	if m.Replace || len(m.Add)+len(m.Remove)+len(m.AddGroups)+len(m.RemoveGroups) > fewMembers {
		return m, nil
	}
	for _, part := range []struct {
		ids *[]string
		is  func(ctx context.Context, groupID, id string) (bool, error)
		are bool
	}{{&m.Add, d.isMember, false}, {&m.Remove, d.isMember, true}, {&m.AddGroups, d.isNested, false}, {&m.RemoveGroups, d.isNested, true}} {
		var out []string
		for _, id := range *part.ids {
			is, err := part.is(ctx, q.id, id)
			if err != nil {
				return m, err
			}
			if is == part.are {
				out = append(out, id)
			}
		}
		*part.ids = out
	}
	return m, nil
}

// isMember reports whether a user is a direct member of a group.
func (d *door) isMember(ctx context.Context, groupID, userID string) (bool, error) {
	_, err := d.Directory.MembershipOf(ctx, groupID, userID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// isNested reports whether a group is a direct member of another.
func (d *door) isNested(ctx context.Context, groupID, memberID string) (bool, error) {
	under, err := d.under(ctx, memberID)
	return slices.Contains(under, groupID), err
}

// under lists the groups of which a group is a direct member.
func (d *door) under(ctx context.Context, memberID string) ([]string, error) {
	var out []string
	for after := ""; ; {
		ns, err := d.Directory.NestedUnder(ctx, memberID, after, batch)
		if err != nil {
			return nil, err
		}
		for _, n := range ns {
			out = append(out, n.GroupID)
		}
		if len(ns) < batch {
			return out, nil
		}
		after = out[len(out)-1]
	}
}

func noMember(id string) error {
	return fault.New(fault.Invalid, "there is no user or group %q to be a member", clip(id)).For(scim.InvalidValue).At("members")
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// asMember turns "no such user" or "no such group" other than the one that is changed, when a member vanished between the check and the change, into the
// fault of the body that it is.
func asMember(err error, group string) error {
	f := fault.Of(err)
	if f != nil && f.Kind == fault.NotFound && (f.Resource == directory.ResourceUser || f.Resource == directory.ResourceGroup && f.ID != group) {
		return noMember(f.ID)
	}
	return err
}

// membersOf reads all members who exist for this client: users, then groups. Their names are not read: no client needs them, and a group may be large.
func (d *door) membersOf(ctx context.Context, q *request, groupID string) ([]scim.Link, error) {
	var out []scim.Link
	for after := ""; ; {
		ms, err := d.Directory.MembersOwnedBy(ctx, groupID, q.source.Sight(), after, batch)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			out = append(out, scim.Link{ID: m.UserID, Ref: q.base + "/Users/" + m.UserID, Type: "User"})
		}
		if len(ms) < batch {
			break
		}
		after = ms[len(ms)-1].UserID
	}
	ns, err := d.Directory.NestedIn(ctx, groupID, "", directory.MaxNestedGroups)
	if err != nil || len(ns) == 0 {
		return out, err
	}
	ids := make([]string, len(ns))
	for i, n := range ns {
		ids[i] = n.MemberID
	}
	nested, err := d.tellApart(ctx, q, ids)
	for _, id := range nested.groups {
		out = append(out, scim.Link{ID: id, Ref: q.base + "/Groups/" + id, Type: "Group"})
	}
	return out, err
}

// usersOfGroup lists a group's effective members, by id.
func (d *door) usersOfGroup(id string) candidates[directory.User] {
	return func(ctx context.Context, after string, n int) ([]directory.User, string, error) {
		groups, err := d.Directory.GroupsBelow(ctx, id)
		if err != nil {
			return nil, "", err
		}
		// The first n of all of them together are among the first n of each.
		var ids []string
		more := false
		for _, g := range groups {
			ms, err := d.Directory.MembersOf(ctx, g, after, n)
			if fault.Is(err, fault.NotFound) { // deleted meanwhile
				continue
			}
			if err != nil {
				return nil, "", err
			}
			for _, m := range ms {
				ids = append(ids, m.UserID)
			}
			more = more || len(ms) == n
		}
		slices.SortFunc(ids, cmp.Compare)
		ids = slices.Compact(ids)
		more = more || len(ids) > n
		ids = ids[:min(n, len(ids))]
		if len(ids) == 0 {
			return nil, "", nil
		}
		users, err := d.Directory.UsersByID(ctx, ids)
		next := ""
		if more {
			next = ids[len(ids)-1]
		}
		return inOrder(users, ids, userID), next, err
	}
}

// groupsOfMember lists the groups of which a user, or a group, is a direct member; none of what does not exist.
func (d *door) groupsOfMember(id string) candidates[directory.Group] {
	return func(ctx context.Context, after string, n int) ([]directory.Group, string, error) {
		var ids []string
		ms, err := d.Directory.MembershipsOf(ctx, id, after, n)
		if fault.Is(err, fault.NotFound) {
			ns, err := d.Directory.NestedUnder(ctx, id, after, n)
			if err != nil {
				return nil, "", err
			}
			for _, x := range ns {
				ids = append(ids, x.GroupID)
			}
		} else if err != nil {
			return nil, "", err
		}
		for _, m := range ms {
			ids = append(ids, m.GroupID)
		}
		if len(ids) == 0 {
			return nil, "", nil
		}
		groups, err := d.Directory.GroupsByID(ctx, ids)
		next := ""
		if len(ids) == n {
			next = ids[n-1]
		}
		return inOrder(groups, ids, groupID), next, err
	}
}
