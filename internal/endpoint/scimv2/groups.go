package scimv2

import (
	"context"
	"net/http"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/scim"
	"gatehouse/internal/scimlog"
)

// createGroup is POST /Groups (RFC 7644 §3.3).
func (d *door) createGroup(ctx context.Context, q *request) (answer, error) {
	in, err := scim.DecodeGroup(q.profile, q.body)
	if err != nil {
		return answer{}, err
	}
	g := directory.Group{DisplayName: in.DisplayName, Source: q.source.ID}
	g.ExternalIDs = q.externalID(nil, in.ExternalID)
	q.trace.sawGroup(q, g)
	members, err := d.toBeMembers(ctx, q, in.MemberIDs())
	if err != nil {
		return answer{}, err
	}
	if g, err = d.Directory.CreateGroup(ctx, q.actor, g, members.users, members.groups...); err != nil {
		return answer{}, d.claimed(ctx, q, asMember(err, ""), in.DisplayName)
	}
	q.trace.changedGroup(q, directory.Group{}, g, directory.MemberMoves{Added: members.users, AddedGroups: members.groups})
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
	add, err := d.toBeMembers(ctx, q, c.AddMembers)
	if err != nil {
		return directory.Group{}, err
	}
	remove, err := d.tellApart(ctx, q, c.RemoveMembers)
	if err != nil {
		return directory.Group{}, err
	}
	var before directory.Group
	g, moves, err := d.Directory.ChangeGroup(ctx, q.actor, q.id, version, func(g *directory.Group) (directory.MemberChange, error) {
		before = *g
		if c.DisplayName != nil {
			g.DisplayName = *c.DisplayName
		}
		if c.ExternalID != nil {
			g.ExternalIDs = q.externalID(g.ExternalIDs, *c.ExternalID)
		}
		return d.memberChange(ctx, q, c.ReplaceMembers, add, remove)
	})
	if err != nil && c.DisplayName != nil {
		err = d.claimed(ctx, q, err, *c.DisplayName)
	}
	if err == nil && g.Version != before.Version {
		q.trace.changedGroup(q, before, g, moves)
	}
	return g, asMember(q.lost(err), q.id)
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
	members := d.lostMembers(ctx, q.id)
	if err := d.Directory.DeleteGroup(ctx, q.actor, q.id, version); err != nil {
		return answer{}, q.lost(err)
	}
	q.trace.changedGroup(q, g, directory.Group{}, directory.MemberMoves{Removed: members})
	return answer{status: http.StatusNoContent}, nil
}

// group reads the group of the path, if it exists for this client.
func (d *door) group(ctx context.Context, q *request) (directory.Group, error) {
	q.trace.resource = scimlog.Resource{Kind: scimlog.KindGroup, ID: q.id}
	if !arn.IsPrincipalID(q.id) {
		return directory.Group{}, notFound(directory.ResourceGroup, clip(q.id))
	}
	g, err := d.Directory.Group(ctx, q.id)
	if err == nil && !q.seesGroup(g) {
		err = notFound(directory.ResourceGroup, q.id)
	}
	if err == nil {
		q.trace.sawGroup(q, g)
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
