package scimv2

import (
	"context"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
	"gatehouse/internal/scimlog"
)

// listUsers is GET /Users (RFC 7644 §3.4.2).
func (d *door) listUsers(ctx context.Context, q *request) (answer, error) {
	w, err := q.wanted(scim.Users())
	q.trace.asked(scimlog.KindUser, w.filter)
	if err != nil {
		return answer{}, err
	}
	users, err := d.findUsers(ctx, q, w)
	if err != nil {
		return answer{}, err
	}
	projection := q.projection(scim.Users())
	resources := make([][]byte, len(users.items))
	for i, u := range users.items {
		if resources[i], err = d.encodeUser(ctx, q, projection, u); err != nil {
			return answer{}, err
		}
	}
	return page(w.paging, users, resources, userID), nil
}

func (d *door) findUsers(ctx context.Context, q *request, w wanted) (found[directory.User], error) {
	if w.whole() && q.seesOwnOnly() {
		return d.ownUsers(ctx, q, w.paging)
	}
	s, err := d.selectUsers(ctx, q, w.filter)
	if err != nil {
		return found[directory.User]{}, err
	}
	return collect(ctx, w, s)
}

// ownUsers is a page of everything that the source owns, by the store's own counter and index paging.
func (d *door) ownUsers(ctx context.Context, q *request, p paging) (f found[directory.User], err error) {
	if f.total, _, err = d.Directory.CountsOf(ctx, q.source.ID); err != nil || p.count == 0 {
		return f, err
	}
	f.items, err = d.Directory.UsersOfFrom(ctx, q.source.ID, p.start-1, p.count)
	return f, err
}

// users lists what exists for this client, by id.
func (d *door) users(q *request) candidates[directory.User] {
	return ordered(ofOwners(q.source.Sight(), d.Directory.UsersOf, userID), userID)
}

// selectUsers chooses the cheapest candidates that a filter allows, and what remains to be asked of each.
func (d *door) selectUsers(ctx context.Context, q *request, f *scim.Filter) (selection[directory.User], error) {
	rest, groups := withoutAll(f, "groups.value")
	if rest.Uses("groups") {
		return selection[directory.User]{}, invalid(scim.InvalidFilter, "groups can only be compared by value eq, joined by and")
	}
	object := func(u directory.User) scim.Object { return q.wireUser(u).Object() }
	s := selection[directory.User]{id: userID, object: object, byID: d.Directory.UsersByID}
	byKey, rest, err := d.usersByKey(ctx, q, rest)
	if err != nil {
		return s, err
	}
	seen, err := d.seesGroups(ctx, q, groups)
	switch {
	case err != nil:
		return s, err
	case !seen:
		s.rows = none[directory.User]
	case byKey != nil:
		s.rows = byKey
	case len(groups) > 0:
		s.rows, groups = d.usersOfGroup(groups[0]), groups[1:]
	default:
		s.rows = d.users(q)
	}
	s.keep = func(ctx context.Context, u directory.User) (bool, error) {
		if !q.seesUser(u) || rest != nil && !rest.Match(object(u)) {
			return false, nil
		}
		return d.inAll(ctx, groups, u.ID)
	}
	return s, nil
}

// withoutAll takes the conditions on one key out of a filter and returns their values.
func withoutAll(f *scim.Filter, attribute string) (rest *scim.Filter, values []string) {
	rest = f
	for _, k := range f.Keys() {
		if k.Attribute == attribute {
			values = append(values, k.Value)
			rest = rest.Without(k)
		}
	}
	return rest, values
}

// usersByKey looks the candidates up by the first key that has an index; rows is nil when there is none. The
// store's answer to a plain key is final: it folds case as names are made unique.
func (d *door) usersByKey(ctx context.Context, q *request, f *scim.Filter) (candidates[directory.User], *scim.Filter, error) {
	for _, k := range f.Keys() {
		if !storable(k.Value) || k.Attribute == "id" && !arn.IsPrincipalID(k.Value) {
			return none[directory.User], nil, nil
		}
		var users []directory.User
		var err error
		switch k.Attribute {
		case "id":
			users, err = optional(d.Directory.User(ctx, k.Value))
		case "userName":
			users, err = optional(d.Directory.UserByName(ctx, k.Value))
		case "externalId":
			users, err = optional(d.Directory.UserByExternalID(ctx, directory.ExternalID{Issuer: q.source.Issuer(), ID: k.Value}))
		case "emails.value":
			users, err = d.Directory.UsersByEmail(ctx, k.Value, batch)
		default:
			continue
		}
		return fixed(users, userID), f.Without(k), err
	}
	return nil, f, nil
}

// seesGroups reports whether all of the groups exist for this client.
func (d *door) seesGroups(ctx context.Context, q *request, ids []string) (bool, error) {
	for _, id := range ids {
		if !arn.IsPrincipalID(id) {
			return false, nil
		}
		g, err := d.Directory.Group(ctx, id)
		if fault.Is(err, fault.NotFound) || err == nil && !q.seesGroup(g) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// inAll reports whether the user is in all of the groups, herself or by way of a group in them.
func (d *door) inAll(ctx context.Context, groups []string, userID string) (bool, error) {
	if len(groups) == 0 {
		return true, nil
	}
	mine, err := d.Directory.GroupIDsOf(ctx, userID)
	for _, g := range groups {
		if !slices.Contains(mine, g) {
			return false, err
		}
	}
	return true, err
}
