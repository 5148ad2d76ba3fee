package identitystore

import (
	"context"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// groupAndMember reads the two ids that several operations take.
func groupAndMember(group *string, member *MemberId) (gid, uid string, err error) {
	if gid, err = groupID(group); err != nil {
		return "", "", err
	}
	uid, err = memberID(member)
	return gid, uid, err
}

func (d *Door[P]) createMembership(ctx context.Context, c *awswire.Call[P], in *CreateGroupMembershipRequest) (*CreateGroupMembershipResponse, error) {
	gid, uid, err := groupAndMember(in.GroupId, in.MemberId)
	if err != nil {
		return nil, err
	}
	m, err := d.people.AddMember(ctx, c.Actor, gid, uid)
	if err != nil {
		return nil, err
	}
	return &CreateGroupMembershipResponse{MembershipId: &m.ID, IdentityStoreId: new(d.people.IdentityStoreID()), MembershipArn: new(arn.Membership(m.ID))}, nil
}

func (d *Door[P]) describeMembership(ctx context.Context, _ *awswire.Call[P], in *DescribeGroupMembershipRequest) (*DescribeGroupMembershipResponse, error) {
	id, err := membershipID(in.MembershipId)
	if err != nil {
		return nil, err
	}
	m, err := d.people.Membership(ctx, id)
	if err != nil {
		return nil, err
	}
	return new(DescribeGroupMembershipResponse(d.membership(m))), nil
}

func (d *Door[P]) deleteMembership(ctx context.Context, c *awswire.Call[P], in *DeleteGroupMembershipRequest) (*DeleteGroupMembershipResponse, error) {
	id, err := membershipID(in.MembershipId)
	if err != nil {
		return nil, err
	}
	return &DeleteGroupMembershipResponse{}, d.people.DeleteMembership(ctx, c.Actor, id)
}

func (d *Door[P]) getMembershipID(ctx context.Context, _ *awswire.Call[P], in *GetGroupMembershipIdRequest) (*GetGroupMembershipIdResponse, error) {
	gid, uid, err := groupAndMember(in.GroupId, in.MemberId)
	if err != nil {
		return nil, err
	}
	m, err := d.people.MembershipOf(ctx, gid, uid)
	if err != nil {
		return nil, err
	}
	return &GetGroupMembershipIdResponse{MembershipId: &m.ID, IdentityStoreId: new(d.people.IdentityStoreID()), MembershipArn: new(arn.Membership(m.ID))}, nil
}

// isMemberInGroups answers for each group in the order asked. The user and every group must exist.
func (d *Door[P]) isMemberInGroups(ctx context.Context, _ *awswire.Call[P], in *IsMemberInGroupsRequest) (*IsMemberInGroupsResponse, error) {
	uid, err := memberID(in.MemberId)
	if err != nil {
		return nil, err
	}
	if _, err := d.people.User(ctx, uid); err != nil {
		return nil, err
	}
	asked := make([]string, len(in.GroupIds))
	for i := range in.GroupIds {
		if asked[i], err = groupID(&in.GroupIds[i]); err != nil {
			return nil, err
		}
	}
	found, err := d.people.GroupsByID(ctx, asked)
	if err != nil {
		return nil, err
	}
	mine, err := d.people.GroupIDsOf(ctx, uid)
	if err != nil {
		return nil, err
	}
	out := &IsMemberInGroupsResponse{Results: []GroupMembershipExistenceResult{}}
	for _, id := range asked {
		if !slices.ContainsFunc(found, func(g directory.Group) bool { return g.ID == id }) {
			return nil, fault.New(fault.NotFound, "GROUP not found.").About(directory.ResourceGroup, id)
		}
		out.Results = append(out.Results, GroupMembershipExistenceResult{GroupId: new(id), MemberId: &MemberId{UserId: &uid}, MembershipExists: new(slices.Contains(mine, id))})
	}
	return out, nil
}

func (d *Door[P]) listMembers(ctx context.Context, _ *awswire.Call[P], in *ListGroupMembershipsRequest) (*ListGroupMembershipsResponse, error) {
	gid, err := groupID(in.GroupId)
	if err != nil {
		return nil, err
	}
	after, err := awswire.Cursor(in.NextToken, "ListGroupMemberships", gid)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	ms, err := d.people.MembersOf(ctx, gid, after, limit+1)
	if err != nil {
		return nil, err
	}
	ms, next := awswire.Page(ms, limit, func(m directory.Membership) string { return m.UserID })
	return &ListGroupMembershipsResponse{GroupMemberships: d.memberships(ms), NextToken: awswire.PageToken(next, "ListGroupMemberships", gid)}, nil
}

// listMemberships lists all groups of a user. AWS has no groups in groups and no id for what follows from them: the membership of a group that she
// is in by way of another is shown with the id of the direct membership on which it hangs.
func (d *Door[P]) listMemberships(ctx context.Context, _ *awswire.Call[P], in *ListGroupMembershipsForMemberRequest) (*ListGroupMembershipsForMemberResponse, error) {
	uid, err := memberID(in.MemberId)
	if err != nil {
		return nil, err
	}
	after, err := awswire.Cursor(in.NextToken, "ListGroupMembershipsForMember", uid)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	ms, err := d.people.EffectiveMembershipsOf(ctx, uid, after, limit+1)
	if err != nil {
		return nil, err
	}
	ms, next := awswire.Page(ms, limit, func(m directory.Membership) string { return m.GroupID })
	return &ListGroupMembershipsForMemberResponse{GroupMemberships: d.memberships(ms), NextToken: awswire.PageToken(next, "ListGroupMembershipsForMember", uid)}, nil
}

func (d *Door[P]) memberships(ms []directory.Membership) []GroupMembership {
	out := make([]GroupMembership, 0, len(ms))
	for _, m := range ms {
		out = append(out, d.membership(m))
	}
	return out
}

func (d *Door[P]) membership(m directory.Membership) GroupMembership {
	return GroupMembership{
		IdentityStoreId: new(d.people.IdentityStoreID()), MembershipId: new(m.ID), MembershipArn: new(arn.Membership(m.ID)),
		GroupId: new(m.GroupID), MemberId: &MemberId{UserId: new(m.UserID)},
		CreatedAt: awswire.At(m.CreatedAt), UpdatedAt: awswire.At(m.CreatedAt), CreatedBy: awswire.Opt(m.CreatedBy), UpdatedBy: awswire.Opt(m.CreatedBy),
	}
}
