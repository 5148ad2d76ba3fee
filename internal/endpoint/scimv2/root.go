package scimv2

import (
	"context"
	"strings"

	"gatehouse/internal/directory"
	"gatehouse/internal/scim"
)

// Queries at the root look among users and groups together (RFC 7644 §3.4.2.1): users come first, then groups. An attribute that one kind does not
// have is, for the filter and for the order, an attribute without a value.

// resource is a user or a group; the other is nil.
type resource struct {
	user  *directory.User
	group *directory.Group
}

// Places in a list of both: the ids, each kind behind a digit of its own.
const (
	userPlace  = "1-"
	groupPlace = "2-"
)

func resourceID(x resource) string {
	if x.user != nil {
		return userPlace + x.user.ID
	}
	return groupPlace + x.group.ID
}

func ofUser(u directory.User) resource   { return resource{user: &u} }
func ofGroup(g directory.Group) resource { return resource{group: &g} }

// listAll is GET / and POST /.search.
func (d *door) listAll(ctx context.Context, q *request) (answer, error) {
	p, err := q.paging()
	if err != nil {
		return answer{}, err
	}
	order, err := q.order(scim.Users(), p)
	if err != nil { // what users do not have may be what groups have
		if order, err = q.order(scim.Groups(), p); err != nil {
			return answer{}, err
		}
	}
	both, err := d.selectBoth(ctx, q)
	if err != nil {
		return answer{}, err
	}
	found, err := collect(ctx, wanted{order: order, paging: p}, both)
	if err != nil {
		return answer{}, err
	}
	ofUsers, ofGroups := q.projection(scim.Users()), q.projection(scim.Groups())
	var resources [][]byte
	members := 0
	for _, x := range found.items {
		var body []byte
		n := 0
		if x.user != nil {
			body, err = d.encodeUser(ctx, q, ofUsers, *x.user)
		} else {
			body, n, err = d.encodeGroup(ctx, q, ofGroups, *x.group)
		}
		if err != nil {
			return answer{}, err
		}
		if members += n; members > maxListedMembers && len(resources) > 0 {
			break
		}
		resources = append(resources, body)
	}
	return page(p, found, resources, resourceID), nil
}

// selectBoth chooses users and groups, each kind by the filter as it reads there.
func (d *door) selectBoth(ctx context.Context, q *request) (s selection[resource], err error) {
	var users selection[directory.User]
	var groups selection[directory.Group]
	filter, err := q.filter(scim.Users())
	if err != nil {
		return s, err
	}
	if filter.Impossible() {
		users.rows = none[directory.User]
	} else if users, err = d.selectUsers(ctx, q, filter); err != nil {
		return s, err
	}
	if filter, err = q.filter(scim.Groups()); err != nil {
		return s, err
	}
	if filter.Impossible() {
		groups.rows = none[directory.Group]
	} else if groups, err = d.selectGroups(ctx, q, filter); err != nil {
		return s, err
	}
	return d.both(q, users, groups), nil
}

// both makes one selection of two.
func (d *door) both(q *request, users selection[directory.User], groups selection[directory.Group]) selection[resource] {
	return selection[resource]{
		id: resourceID,
		rows: func(ctx context.Context, after string, n int) ([]resource, string, error) {
			behind, inUsers := strings.CutPrefix(after, userPlace)
			if after == "" || inUsers {
				us, next, err := users.rows(ctx, behind, n)
				if next = userPlace + next; next == userPlace {
					next = groupPlace // the groups from their beginning
				}
				return mapped(us, ofUser), next, err
			}
			gs, next, err := groups.rows(ctx, strings.TrimPrefix(after, groupPlace), n)
			if next != "" {
				next = groupPlace + next
			}
			return mapped(gs, ofGroup), next, err
		},
		keep: func(ctx context.Context, x resource) (bool, error) {
			if x.user != nil {
				return users.keep(ctx, *x.user)
			}
			return groups.keep(ctx, *x.group)
		},
		object: func(x resource) scim.Object {
			if x.user != nil {
				return q.wireUser(*x.user).Object()
			}
			return q.wireGroup(*x.group).Object()
		},
		byID: func(ctx context.Context, ids []string) ([]resource, error) {
			var ofUsers, ofGroups []string
			for _, id := range ids {
				if id, is := strings.CutPrefix(id, userPlace); is {
					ofUsers = append(ofUsers, id)
				} else {
					ofGroups = append(ofGroups, strings.TrimPrefix(id, groupPlace))
				}
			}
			us, err := d.Directory.UsersByID(ctx, ofUsers)
			if err != nil {
				return nil, err
			}
			gs, err := d.Directory.GroupsByID(ctx, ofGroups)
			return append(mapped(us, ofUser), mapped(gs, ofGroup)...), err
		},
	}
}

func mapped[T, U any](xs []T, f func(T) U) []U {
	out := make([]U, len(xs))
	for i, x := range xs {
		out[i] = f(x)
	}
	return out
}
