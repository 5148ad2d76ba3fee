package scimv2

import (
	"context"
	"net/http"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/scim"
	"gatehouse/internal/scimlog"
)

// createUser is POST /Users (RFC 7644 §3.3). A user nobody called inactive is active.
func (d *door) createUser(ctx context.Context, q *request) (answer, error) {
	in, err := scim.DecodeUser(q.profile, q.body)
	if err != nil {
		return answer{}, err
	}
	u := directory.User{Active: true, Source: q.source.ID}
	q.store(&u, in)
	q.trace.sawUser(q, u)
	if u, err = d.Directory.CreateUser(ctx, q.actor, u); err != nil {
		return answer{}, d.claimed(ctx, q, err, in.UserName)
	}
	q.trace.changedUser(q, directory.User{}, u, nil)
	a, err := d.showUser(ctx, q, u)
	a.status = http.StatusCreated
	return a, err
}

// getUser is GET /Users/{id} (RFC 7644 §3.4.1).
func (d *door) getUser(ctx context.Context, q *request) (answer, error) {
	u, err := d.user(ctx, q)
	if err != nil {
		return answer{}, err
	}
	if err := q.unchanged(u.Version); err != nil {
		return answer{}, err
	}
	return d.showUser(ctx, q, u)
}

// putUser is PUT /Users/{id} (RFC 7644 §3.5.1): what is not named is unassigned, except active.
func (d *door) putUser(ctx context.Context, q *request) (answer, error) {
	in, err := scim.DecodeUser(q.profile, q.body)
	if err != nil {
		return answer{}, err
	}
	return d.changeUser(ctx, q, func(u *directory.User) error {
		q.store(u, in)
		return nil
	})
}

// patchUser is PATCH /Users/{id} (RFC 7644 §3.5.2). The patch is applied to the user as the store has it at
// that moment, so that two clients' patches are both kept.
func (d *door) patchUser(ctx context.Context, q *request) (answer, error) {
	patch, err := scim.DecodePatch(q.body)
	if err != nil {
		return answer{}, err
	}
	return d.changeUser(ctx, q, func(u *directory.User) error {
		after, changed, err := scim.PatchUser(q.profile, q.wireUser(*u), patch)
		if err == nil && changed {
			q.store(u, after)
		}
		return err
	})
}

func (d *door) changeUser(ctx context.Context, q *request, change func(*directory.User) error) (answer, error) {
	defer d.turns.take(q.id)()
	present, err := d.user(ctx, q)
	if err != nil {
		return answer{}, err
	}
	version, err := q.ifVersion(present.Version)
	if err != nil {
		return answer{}, err
	}
	name := ""
	var before directory.User
	u, err := d.Directory.UpdateUser(ctx, q.actor, q.id, version, func(u *directory.User) error {
		before = *u
		err := change(u)
		name = u.UserName
		return err
	})
	if err != nil {
		return answer{}, q.lost(d.claimed(ctx, q, err, name))
	}
	if u.Version != before.Version {
		q.trace.changedUser(q, before, u, nil)
	}
	return d.showUser(ctx, q, u)
}

// deleteUser is DELETE /Users/{id} (RFC 7644 §3.6).
func (d *door) deleteUser(ctx context.Context, q *request) (answer, error) {
	u, err := d.user(ctx, q)
	if err != nil {
		return answer{}, err
	}
	version, err := q.ifVersion(u.Version)
	if err != nil {
		return answer{}, err
	}
	groups := d.lostGroups(ctx, q.id)
	if err := d.Directory.DeleteUser(ctx, q.actor, q.id, version); err != nil {
		return answer{}, q.lost(err)
	}
	q.trace.changedUser(q, u, directory.User{}, groups)
	return answer{status: http.StatusNoContent}, nil
}

// user reads the user of the path, if it exists for this client. Package directory asks once more when a change is made.
func (d *door) user(ctx context.Context, q *request) (directory.User, error) {
	q.trace.resource = scimlog.Resource{Kind: scimlog.KindUser, ID: q.id}
	if !arn.IsPrincipalID(q.id) {
		return directory.User{}, notFound(directory.ResourceUser, clip(q.id))
	}
	u, err := d.Directory.User(ctx, q.id)
	if err == nil && !q.seesUser(u) {
		err = notFound(directory.ResourceUser, q.id)
	}
	if err == nil {
		q.trace.sawUser(q, u)
	}
	return u, err
}

func (d *door) showUser(ctx context.Context, q *request, u directory.User) (answer, error) {
	body, err := d.encodeUser(ctx, q, q.projection(scim.Users()), u)
	return answer{body: body, location: q.base + "/Users/" + u.ID, version: u.Version}, err
}

func (d *door) encodeUser(ctx context.Context, q *request, p scim.Projection, u directory.User) ([]byte, error) {
	w := q.wireUser(u)
	if q.profile != scim.AWS && p.Wants("groups") {
		var err error
		if w.Groups, err = d.groupsOf(ctx, q, u.ID); err != nil {
			return nil, err
		}
	}
	return scim.Encode(scim.Users(), p.Apply(w.Object())), nil
}

// groupsOf lists the groups of a user that exist for this client, those that she is in by way of others too (RFC 7643 §4.1.2).
func (d *door) groupsOf(ctx context.Context, q *request, userID string) ([]scim.Link, error) {
	ids, err := d.Directory.GroupIDsOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	var out []scim.Link
	for part := range slices.Chunk(ids, batch) {
		groups, err := d.Directory.GroupsByID(ctx, part)
		if err != nil {
			return nil, err
		}
		direct, err := d.directlyIn(ctx, userID, part)
		if err != nil {
			return nil, err
		}
		for _, g := range inOrder(groups, part, groupID) {
			kind := "indirect"
			if direct[g.ID] {
				kind = "direct"
			}
			if q.seesGroup(g) {
				out = append(out, scim.Link{ID: g.ID, Ref: q.base + "/Groups/" + g.ID, Display: g.DisplayName, Type: kind})
			}
		}
	}
	return out, nil
}

// directlyIn says of which groups, given in order, a user is a member herself.
func (d *door) directlyIn(ctx context.Context, userID string, groups []string) (map[string]bool, error) {
	out := map[string]bool{}
	last := groups[len(groups)-1]
	for after := ""; after < last; {
		ms, err := d.Directory.MembershipsOf(ctx, userID, after, batch)
		if err != nil || len(ms) == 0 {
			return out, err
		}
		for _, m := range ms {
			out[m.GroupID], after = true, m.GroupID
		}
		if len(ms) < batch {
			break
		}
	}
	return out, nil
}
