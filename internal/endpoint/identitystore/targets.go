package identitystore

import (
	"context"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
)

// What each input touches, as the service authorization reference lists it: the store (added by onStore), the
// resources named, and "all of a kind" where the operation looks among them.

const (
	allUsers       = "arn:aws:identitystore:::user/*"
	allGroups      = "arn:aws:identitystore:::group/*"
	allMemberships = "arn:aws:identitystore:::membership/*"
)

// found looks up what an input does not name itself: whom it describes, and whose membership it is about. Where there is nobody it is all
// of the kind, so that only those who may look among all learn that there is nobody.
func (d *Door[P]) found(ctx context.Context, in any) ([]string, error) {
	switch in := in.(type) {
	case *GetUserIdRequest:
		u, err := d.findUser(ctx, in.AlternateIdentifier)
		return orAll(arn.User(u.ID), allUsers, err)
	case *GetGroupIdRequest:
		g, err := d.findGroup(ctx, in.AlternateIdentifier)
		return orAll(arn.Group(g.ID), allGroups, err)
	case *GetGroupMembershipIdRequest:
		gid, uid, err := groupAndMember(in.GroupId, in.MemberId)
		if err != nil {
			return nil, err
		}
		m, err := d.people.MembershipOf(ctx, gid, uid)
		return orAll(arn.Membership(m.ID), allMemberships, err)
	case *DescribeGroupMembershipRequest:
		return d.membershipParts(ctx, in.MembershipId)
	case *DeleteGroupMembershipRequest:
		return d.membershipParts(ctx, in.MembershipId)
	}
	return nil, nil
}

func orAll(found, all string, err error) ([]string, error) {
	switch {
	case fault.Is(err, fault.NotFound):
		return []string{all}, nil
	case err != nil:
		return nil, err
	}
	return []string{found}, nil
}

// membershipParts are the group and the user of a membership: whoever may not touch the group may not take anybody out of it either.
func (d *Door[P]) membershipParts(ctx context.Context, s *string) ([]string, error) {
	id, err := membershipID(s)
	if err != nil {
		return nil, err
	}
	m, err := d.people.Membership(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return []string{allGroups, allUsers}, nil
	}
	return []string{arn.Group(m.GroupID), arn.User(m.UserID)}, err
}

// touched collects ARNs and stops at the first bad id.
type touched struct {
	arns []string
	err  error
}

func (t touched) user(s *string) touched       { return t.add(arn.User)(userID(s)) }
func (t touched) group(s *string) touched      { return t.add(arn.Group)(groupID(s)) }
func (t touched) membership(s *string) touched { return t.add(arn.Membership)(membershipID(s)) }
func (t touched) member(m *MemberId) touched   { return t.add(arn.User)(memberID(m)) }

func (t touched) add(make func(string) string) func(string, error) touched {
	return func(id string, err error) touched {
		if t.err == nil && err != nil {
			t.err = err
		}
		if err == nil {
			t.arns = append(t.arns, make(id))
		}
		return t
	}
}

func all(arns ...string) touched          { return touched{arns: arns} }
func (t touched) done() ([]string, error) { return t.arns, t.err }

func (v *CreateUserRequest) store() string              { return *v.IdentityStoreId }
func (v *CreateUserRequest) touches() ([]string, error) { return nil, nil }

func (v *DescribeUserRequest) store() string              { return *v.IdentityStoreId }
func (v *DescribeUserRequest) touches() ([]string, error) { return all().user(v.UserId).done() }

func (v *UpdateUserRequest) store() string              { return *v.IdentityStoreId }
func (v *UpdateUserRequest) touches() ([]string, error) { return all().user(v.UserId).done() }

func (v *DeleteUserRequest) store() string              { return *v.IdentityStoreId }
func (v *DeleteUserRequest) touches() ([]string, error) { return all().user(v.UserId).done() }

func (v *ListUsersRequest) store() string              { return *v.IdentityStoreId }
func (v *ListUsersRequest) touches() ([]string, error) { return all(allUsers).done() }

func (v *GetUserIdRequest) store() string              { return *v.IdentityStoreId }
func (v *GetUserIdRequest) touches() ([]string, error) { return nil, nil } // see found

func (v *CreateGroupRequest) store() string              { return *v.IdentityStoreId }
func (v *CreateGroupRequest) touches() ([]string, error) { return nil, nil }

func (v *DescribeGroupRequest) store() string              { return *v.IdentityStoreId }
func (v *DescribeGroupRequest) touches() ([]string, error) { return all().group(v.GroupId).done() }

func (v *UpdateGroupRequest) store() string              { return *v.IdentityStoreId }
func (v *UpdateGroupRequest) touches() ([]string, error) { return all().group(v.GroupId).done() }

func (v *DeleteGroupRequest) store() string              { return *v.IdentityStoreId }
func (v *DeleteGroupRequest) touches() ([]string, error) { return all().group(v.GroupId).done() }

func (v *ListGroupsRequest) store() string              { return *v.IdentityStoreId }
func (v *ListGroupsRequest) touches() ([]string, error) { return all(allGroups).done() }

func (v *GetGroupIdRequest) store() string              { return *v.IdentityStoreId }
func (v *GetGroupIdRequest) touches() ([]string, error) { return nil, nil } // see found

func (v *CreateGroupMembershipRequest) store() string { return *v.IdentityStoreId }
func (v *CreateGroupMembershipRequest) touches() ([]string, error) {
	return all().group(v.GroupId).member(v.MemberId).done()
}

func (v *DescribeGroupMembershipRequest) store() string { return *v.IdentityStoreId }
func (v *DescribeGroupMembershipRequest) touches() ([]string, error) {
	return all().membership(v.MembershipId).done()
}

func (v *DeleteGroupMembershipRequest) store() string { return *v.IdentityStoreId }
func (v *DeleteGroupMembershipRequest) touches() ([]string, error) {
	return all().membership(v.MembershipId).done()
}

func (v *GetGroupMembershipIdRequest) store() string { return *v.IdentityStoreId }
func (v *GetGroupMembershipIdRequest) touches() ([]string, error) {
	return all().group(v.GroupId).member(v.MemberId).done()
}

func (v *IsMemberInGroupsRequest) store() string { return *v.IdentityStoreId }
func (v *IsMemberInGroupsRequest) touches() ([]string, error) {
	t := all(allMemberships).member(v.MemberId)
	for i := range v.GroupIds {
		t = t.group(&v.GroupIds[i])
	}
	return t.done()
}

func (v *ListGroupMembershipsRequest) store() string { return *v.IdentityStoreId }
func (v *ListGroupMembershipsRequest) touches() ([]string, error) {
	return all(allMemberships).group(v.GroupId).done()
}

func (v *ListGroupMembershipsForMemberRequest) store() string { return *v.IdentityStoreId }
func (v *ListGroupMembershipsForMemberRequest) touches() ([]string, error) {
	return all(allMemberships).member(v.MemberId).done()
}

func (v *DescribeIdentityStoreRequest) store() string              { return *v.IdentityStoreId }
func (v *DescribeIdentityStoreRequest) touches() ([]string, error) { return nil, nil }

func (v *UpdateIdentityStoreRequest) store() string              { return *v.IdentityStoreId }
func (v *UpdateIdentityStoreRequest) touches() ([]string, error) { return nil, nil }
