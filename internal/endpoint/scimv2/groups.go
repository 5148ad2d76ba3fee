package scimv2

import (
	"context"
	"net/http"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
)

// createGroup is POST /Groups (RFC 7644 §3.3).
func (d *door) createGroup(ctx context.Context, q *request) (answer, error) {
	in, err := scim.DecodeGroup(q.profile, q.body)
	if err != nil {
		return answer{}, err
	}
	if err := d.checkMembers(ctx, q, in.MemberIDs()); err != nil {
		return answer{}, err
	}
	g := directory.Group{DisplayName: in.DisplayName, Source: q.source.ID}
	g.ExternalIDs = q.externalID(nil, in.ExternalID)
	if g, err = d.Directory.CreateGroup(ctx, q.actor, g, in.MemberIDs()); err != nil {
		return answer{}, d.claimed(ctx, q, asMember(err), in.DisplayName)
	}
	a, err := d.showGroup(ctx, q, g)
	a.status = http.StatusCreated
	return a, err
}

// getGroup is GET /Groups/{id}. Members are read only if they are to be shown.
func (d *door) getGroup(ctx context.Context, q *request) (answer, error) {
	g, err := d.group(ctx, q)
	if err != nil {
		return answer{}, err
	}
	if err := q.unchanged(g.Version); err != nil {
		return answer{}, err
	}
	return d.showGroup(ctx, q, g)
}

// putGroup is PUT /Groups/{id}. Members are replaced when the client speaks of them.
func (d *door) putGroup(ctx context.Context, q *request) (answer, error) {
	in, err := scim.DecodeGroup(q.profile, q.body)
	if err != nil {
		return answer{}, err
	}
	c := scim.GroupChange{DisplayName: &in.DisplayName, ExternalID: &in.ExternalID}
	if in.MembersGiven {
		c.ReplaceMembers, c.AddMembers = true, in.MemberIDs()
	}
	g, err := d.changeGroup(ctx, q, c)
	if err != nil {
		return answer{}, err
	}
	return d.showGroup(ctx, q, g)
}

// patchGroup is PATCH /Groups/{id}. It answers 204, because a group may be large and clients do not want it
// back, unless the client said what it wants to see (RFC 7644 §3.5.2).
func (d *door) patchGroup(ctx context.Context, q *request) (answer, error) {
	patch, err := scim.DecodePatch(q.body)
	if err != nil {
		return answer{}, err
	}
	c, err := scim.PatchGroup(patch)
	if err != nil {
		return answer{}, err
	}
	if err := q.profile.CheckGroupChange(c); err != nil {
		return answer{}, err
	}
	g, err := d.changeGroup(ctx, q, c)
	if err != nil {
		return answer{}, err
	}
	if q.projection(scim.Groups()).Given() {
		return d.showGroup(ctx, q, g)
	}
	return answer{status: http.StatusNoContent, version: g.Version}, nil
}

func (d *door) changeGroup(ctx context.Context, q *request, c scim.GroupChange) (directory.Group, error) {
	defer d.turns.take(q.id)()
	present, err := d.group(ctx, q)
	if err != nil {
		return directory.Group{}, err
	}
	version, err := q.ifVersion(present.Version)
	if err != nil {
		return directory.Group{}, err
	}
	if err := d.checkMembers(ctx, q, c.AddMembers); err != nil {
		return directory.Group{}, err
	}
	g, err := d.Directory.UpdateGroup(ctx, q.actor, q.id, version, func(g *directory.Group) (directory.MemberChange, error) {
		if c.DisplayName != nil {
			g.DisplayName = *c.DisplayName
		}
		if c.ExternalID != nil {
			g.ExternalIDs = q.externalID(g.ExternalIDs, *c.ExternalID)
		}
		return d.memberChange(ctx, q, c)
	})
	if err != nil && c.DisplayName != nil {
		err = d.claimed(ctx, q, err, *c.DisplayName)
	}
	return g, asMember(q.lost(err))
}

// fewMembers is how many memberships of one request are looked at one by one.
const fewMembers = 16

// memberChange leaves out of a small change what is so already: clients repeat themselves (JumpCloud adds a
// member at every sync), and a repetition must not look like a change (RFC 7644 §3.5.2.1).
func (d *door) memberChange(ctx context.Context, q *request, c scim.GroupChange) (directory.MemberChange, error) {
	m := directory.MemberChange{Replace: c.ReplaceMembers, Add: c.AddMembers, Remove: c.RemoveMembers}
	if m.Replace || len(m.Add)+len(m.Remove) > fewMembers {
		return m, nil
	}
	var err error
	if m.Add, err = d.members(ctx, q.id, c.AddMembers, false); err != nil {
		return m, err
	}
	visible, err := d.visible(ctx, q, c.RemoveMembers)
	if err != nil {
		return m, err
	}
	m.Remove, err = d.members(ctx, q.id, visible, true)
	return m, err
}

// visible returns those of the users who exist for this client.
func (d *door) visible(ctx context.Context, q *request, ids []string) ([]string, error) {
	var out []string
	for len(ids) > 0 {
		n := min(len(ids), batch)
		users, err := d.Directory.UsersByID(ctx, slices.DeleteFunc(slices.Clone(ids[:n]), func(id string) bool { return !arn.IsPrincipalID(id) }))
		if err != nil {
			return nil, err
		}
		for _, u := range inOrder(users, ids[:n], userID) {
			if q.seesUser(u) {
				out = append(out, u.ID)
			}
		}
		ids = ids[n:]
	}
	return out, nil
}

// members returns those of the users who are, or are not, members.
func (d *door) members(ctx context.Context, groupID string, users []string, are bool) ([]string, error) {
	var out []string
	for _, id := range users {
		is, err := d.isMember(ctx, groupID, id)
		if err != nil {
			return nil, err
		}
		if is == are {
			out = append(out, id)
		}
	}
	return out, nil
}

func (d *door) isMember(ctx context.Context, groupID, userID string) (bool, error) {
	_, err := d.Directory.MembershipOf(ctx, groupID, userID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// checkMembers demands that users to be added exist for this client. Answering 404 here would tell Entra
// that the group is gone.
func (d *door) checkMembers(ctx context.Context, q *request, ids []string) error {
	seen, err := d.visible(ctx, q, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if i == len(seen) || seen[i] != id {
			return noMember(id)
		}
	}
	return nil
}

func noMember(id string) error {
	return fault.New(fault.Invalid, "there is no user %q to be a member", clip(id)).For(scim.InvalidValue).At("members")
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// asMember turns "no such user", when a member vanished between the check and the change, into the fault of
// the body that it is.
func asMember(err error) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound && f.Resource == directory.ResourceUser {
		return noMember(f.ID)
	}
	return err
}

// deleteGroup is DELETE /Groups/{id}.
func (d *door) deleteGroup(ctx context.Context, q *request) (answer, error) {
	g, err := d.group(ctx, q)
	if err != nil {
		return answer{}, err
	}
	version, err := q.ifVersion(g.Version)
	if err != nil {
		return answer{}, err
	}
	if err := d.Directory.DeleteGroup(ctx, q.actor, q.id, version); err != nil {
		return answer{}, q.lost(err)
	}
	return answer{status: http.StatusNoContent}, nil
}

// group reads the group of the path, if it exists for this client.
func (d *door) group(ctx context.Context, q *request) (directory.Group, error) {
	if !arn.IsPrincipalID(q.id) {
		return directory.Group{}, notFound(directory.ResourceGroup, clip(q.id))
	}
	g, err := d.Directory.Group(ctx, q.id)
	if err == nil && !q.seesGroup(g) {
		err = notFound(directory.ResourceGroup, q.id)
	}
	return g, err
}

func (d *door) showGroup(ctx context.Context, q *request, g directory.Group) (answer, error) {
	body, _, err := d.encodeGroup(ctx, q, q.projection(scim.Groups()), g)
	return answer{body: body, location: q.base + "/Groups/" + g.ID, version: g.Version}, err
}

// encodeGroup also says how many members it read.
func (d *door) encodeGroup(ctx context.Context, q *request, p scim.Projection, g directory.Group) ([]byte, int, error) {
	w := q.wireGroup(g)
	if q.profile == scim.AWS {
		// AWS never shows members, and always shows that it has the attribute.
		o := w.Object()
		o["members"] = []any{}
		return scim.Encode(scim.Groups(), p.Apply(o)), 0, nil
	}
	if p.Wants("members") {
		var err error
		if w.Members, err = d.membersOf(ctx, q, g.ID); err != nil {
			return nil, 0, err
		}
	}
	return scim.Encode(scim.Groups(), p.Apply(w.Object())), len(w.Members), nil
}

// membersOf reads all members who exist for this client. Their names are not read: no client needs them, and a group may be large.
func (d *door) membersOf(ctx context.Context, q *request, groupID string) ([]scim.Link, error) {
	var out []scim.Link
	for after := ""; ; {
		ms, err := d.Directory.MembersOwnedBy(ctx, groupID, q.source.Sight(), after, batch)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			out = append(out, scim.Link{ID: m.UserID, Ref: q.base + "/Users/" + m.UserID})
		}
		if len(ms) < batch {
			return out, nil
		}
		after = ms[len(ms)-1].UserID
	}
}
