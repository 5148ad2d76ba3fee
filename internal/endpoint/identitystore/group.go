package identitystore

import (
	"context"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

func (d *Door[P]) createGroup(ctx context.Context, c *awswire.Call[P], in *CreateGroupRequest) (*CreateGroupResponse, error) {
	g, err := d.people.CreateGroup(ctx, c.Actor, directory.Group{DisplayName: awswire.Val(in.DisplayName), Description: awswire.Val(in.Description)}, nil)
	if err != nil {
		return nil, err
	}
	return &CreateGroupResponse{GroupId: &g.ID, IdentityStoreId: new(d.people.IdentityStoreID()), GroupArn: new(arn.Group(g.ID)), Revision: revision(g.Version)}, nil
}

func (d *Door[P]) describeGroup(ctx context.Context, _ *awswire.Call[P], in *DescribeGroupRequest) (*DescribeGroupResponse, error) {
	id, err := groupID(in.GroupId)
	if err != nil {
		return nil, err
	}
	g, err := d.people.Group(ctx, id)
	if err != nil {
		return nil, err
	}
	return new(DescribeGroupResponse(d.group(g))), nil
}

func (d *Door[P]) listGroups(ctx context.Context, _ *awswire.Call[P], in *ListGroupsRequest) (*ListGroupsResponse, error) {
	out := &ListGroupsResponse{Groups: []Group{}}
	if len(in.Filters) == 1 {
		f := in.Filters[0]
		if !strings.EqualFold(*f.AttributePath, "DisplayName") {
			return nil, fault.New(fault.Invalid, "groups can be filtered by DisplayName only").At("Filters")
		}
		g, err := d.people.GroupByName(ctx, *f.AttributeValue)
		if fault.Is(err, fault.NotFound) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out.Groups = append(out.Groups, d.group(g))
		return out, nil
	}
	after, err := awswire.Cursor(in.NextToken, "ListGroups")
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	groups, err := d.people.Groups(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	groups, next := awswire.Page(groups, limit, func(g directory.Group) string { return g.ID })
	for _, g := range groups {
		out.Groups = append(out.Groups, d.group(g))
	}
	out.NextToken = awswire.PageToken(next, "ListGroups")
	return out, nil
}

func (d *Door[P]) getGroupID(ctx context.Context, _ *awswire.Call[P], in *GetGroupIdRequest) (*GetGroupIdResponse, error) {
	g, err := d.findGroup(ctx, in.AlternateIdentifier)
	if err != nil {
		return nil, err
	}
	return &GetGroupIdResponse{GroupId: &g.ID, IdentityStoreId: new(d.people.IdentityStoreID()), GroupArn: new(arn.Group(g.ID))}, nil
}

func (d *Door[P]) findGroup(ctx context.Context, alt *AlternateIdentifier) (directory.Group, error) {
	if x := alt.ExternalId; x != nil {
		return d.people.GroupByExternalID(ctx, directory.ExternalID{Issuer: *x.Issuer, ID: *x.Id})
	}
	path, want, err := unique(alt.UniqueAttribute)
	if err != nil {
		return directory.Group{}, err
	}
	if path != "displayname" {
		return directory.Group{}, fault.New(fault.Invalid, "The attribute %s is not a unique attribute of groups; displayName is", *alt.UniqueAttribute.AttributePath).At("AlternateIdentifier")
	}
	return d.people.GroupByName(ctx, want)
}

func (d *Door[P]) updateGroup(ctx context.Context, c *awswire.Call[P], in *UpdateGroupRequest) (*UpdateGroupResponse, error) {
	id, err := groupID(in.GroupId)
	if err != nil {
		return nil, err
	}
	g, err := d.people.UpdateGroup(ctx, c.Actor, id, version(in.Revision), func(g *directory.Group) (directory.MemberChange, error) {
		for _, op := range in.Operations {
			if err := setGroup(g, *op.AttributePath, op.AttributeValue); err != nil {
				return directory.MemberChange{}, err
			}
		}
		return directory.MemberChange{}, nil
	})
	if err != nil {
		return nil, err
	}
	return &UpdateGroupResponse{IdentityStoreId: new(d.people.IdentityStoreID()), GroupId: &g.ID, GroupArn: new(arn.Group(g.ID)), Revision: revision(g.Version)}, nil
}

func (d *Door[P]) deleteGroup(ctx context.Context, c *awswire.Call[P], in *DeleteGroupRequest) (*DeleteGroupResponse, error) {
	id, err := groupID(in.GroupId)
	if err != nil {
		return nil, err
	}
	return &DeleteGroupResponse{}, d.people.DeleteGroup(ctx, c.Actor, id, version(in.Revision))
}

func (d *Door[P]) group(g directory.Group) Group {
	return Group{
		GroupId: &g.ID, GroupArn: new(arn.Group(g.ID)), IdentityStoreId: new(d.people.IdentityStoreID()), Revision: revision(g.Version),
		DisplayName: awswire.Opt(g.DisplayName), Description: awswire.Opt(g.Description), ExternalIds: externalIDs(g.ExternalIDs),
		CreatedAt: awswire.At(g.CreatedAt), UpdatedAt: awswire.At(g.UpdatedAt), CreatedBy: awswire.Opt(g.CreatedBy), UpdatedBy: awswire.Opt(g.UpdatedBy),
	}
}
