package scimv2

import (
	"context"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/scim"
	"gatehouse/internal/scimlog"
)

// listGroups is GET /Groups (RFC 7644 §3.4.2).
func (d *door) listGroups(ctx context.Context, q *request) (answer, error) {
	w, err := q.wanted(scim.Groups())
	q.trace.asked(scimlog.KindGroup, w.filter)
	if err != nil {
		return answer{}, err
	}
	groups, err := d.findGroups(ctx, q, w)
	if err != nil {
		return answer{}, err
	}
	projection := q.projection(scim.Groups())
	var resources [][]byte
	members := 0
	for _, g := range groups.items {
		body, n, err := d.encodeGroup(ctx, q, projection, g)
		if err != nil {
			return answer{}, err
		}
		if members += n; members > maxListedMembers && len(resources) > 0 {
			break
		}
		resources = append(resources, body)
	}
	return page(w.paging, groups, resources, groupID), nil
}

func (d *door) findGroups(ctx context.Context, q *request, w wanted) (found[directory.Group], error) {
	if w.whole() && q.seesOwnOnly() {
		return d.ownGroups(ctx, q, w.paging)
	}
	s, err := d.selectGroups(ctx, q, w.filter)
	if err != nil {
		return found[directory.Group]{}, err
	}
	return collect(ctx, w, s)
}

func (d *door) ownGroups(ctx context.Context, q *request, p paging) (f found[directory.Group], err error) {
	if _, f.total, err = d.Directory.CountsOf(ctx, q.source.ID); err != nil || p.count == 0 {
		return f, err
	}
	f.items, err = d.Directory.GroupsOfFrom(ctx, q.source.ID, p.start-1, p.count)
	return f, err
}

func (d *door) groups(q *request) candidates[directory.Group] {
	return ordered(ofOwners(q.source.Sight(), d.Directory.GroupsOf, groupID), groupID)
}

// selectGroups chooses the cheapest candidates that a filter allows. Members are never read to be compared:
// Entra asks "id and members" before it adds somebody, of groups of any size.
func (d *door) selectGroups(ctx context.Context, q *request, f *scim.Filter) (selection[directory.Group], error) {
	rest, members := withoutAll(f, "members.value")
	if rest.Uses("members") {
		return selection[directory.Group]{}, invalid(scim.InvalidFilter, "members can only be compared by value eq, joined by and")
	}
	object := func(g directory.Group) scim.Object { return q.wireGroup(g).Object() }
	s := selection[directory.Group]{id: groupID, object: object, byID: d.Directory.GroupsByID}
	seen, err := d.tellApart(ctx, q, members)
	if err != nil || len(seen.users)+len(seen.groups) < len(members) {
		s.rows = none[directory.Group]
		return s, err
	}
	byKey, rest, err := d.groupsByKey(ctx, q, rest)
	switch {
	case err != nil:
		return s, err
	case byKey != nil:
		s.rows = byKey
	case len(members) > 0:
		s.rows, members = d.groupsOfMember(members[0]), members[1:]
	default:
		s.rows = d.groups(q)
	}
	s.keep = func(ctx context.Context, g directory.Group) (bool, error) {
		if !q.seesGroup(g) || rest != nil && !rest.Match(object(g)) {
			return false, nil
		}
		for _, m := range members {
			is := d.isMember
			if slices.Contains(seen.groups, m) {
				is = d.isNested
			}
			if is, err := is(ctx, g.ID, m); err != nil || !is {
				return false, err
			}
		}
		return true, nil
	}
	return s, nil
}

// groupsByKey looks the candidates up by the first key that has an index; rows is nil when there is none.
func (d *door) groupsByKey(ctx context.Context, q *request, f *scim.Filter) (candidates[directory.Group], *scim.Filter, error) {
	for _, k := range f.Keys() {
		if !storable(k.Value) || k.Attribute == "id" && !arn.IsPrincipalID(k.Value) {
			return none[directory.Group], nil, nil
		}
		var groups []directory.Group
		var err error
		switch k.Attribute {
		case "id":
			groups, err = optional(d.Directory.Group(ctx, k.Value))
		case "displayName":
			groups, err = optional(d.Directory.GroupByName(ctx, k.Value))
		case "externalId":
			groups, err = optional(d.Directory.GroupByExternalID(ctx, directory.ExternalID{Issuer: q.source.Issuer(), ID: k.Value}))
		default:
			continue
		}
		return fixed(groups, groupID), f.Without(k), err
	}
	return nil, f, nil
}
