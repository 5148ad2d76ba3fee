package iam

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

func (d *Door) groupRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "CreateGroup", func(in *CreateGroupRequest) touch { return touch{fresh: "group" + path(in.Path) + *in.GroupName} }, d.createGroup),
		row(d, "GetGroup", func(in *GetGroupRequest) touch { return touch{group: in.GroupName} }, d.getGroup),
		row(d, "ListGroups", func(in *ListGroupsRequest) touch { return touch{fresh: "group" + path(in.PathPrefix)} }, d.listGroups),
		row(d, "UpdateGroup", func(in *UpdateGroupRequest) touch {
			return touch{group: in.GroupName, name: in.NewGroupName, path: in.NewPath}
		}, d.updateGroup),
		row(d, "DeleteGroup", func(in *DeleteGroupRequest) touch { return touch{group: in.GroupName} }, d.deleteGroup),
		row(d, "AddUserToGroup", func(in *AddUserToGroupRequest) touch { return touch{group: in.GroupName} }, d.addUserToGroup),
		row(d, "RemoveUserFromGroup", func(in *RemoveUserFromGroupRequest) touch { return touch{group: in.GroupName} }, d.removeUserFromGroup),
		row(d, "ListGroupsForUser", func(in *ListGroupsForUserRequest) touch { return touch{user: in.UserName} }, d.listGroupsForUser),

		row(d, "AttachGroupPolicy", func(in *AttachGroupPolicyRequest) touch { return touch{group: in.GroupName, policy: in.PolicyArn} }, d.attachGroupPolicy),
		row(d, "DetachGroupPolicy", func(in *DetachGroupPolicyRequest) touch { return touch{group: in.GroupName, policy: in.PolicyArn} }, d.detachGroupPolicy),
		row(d, "ListAttachedGroupPolicies", func(in *ListAttachedGroupPoliciesRequest) touch { return touch{group: in.GroupName} }, d.listAttachedGroupPolicies),
		row(d, "PutGroupPolicy", func(in *PutGroupPolicyRequest) touch { return touch{group: in.GroupName} }, d.putGroupPolicy),
		row(d, "GetGroupPolicy", func(in *GetGroupPolicyRequest) touch { return touch{group: in.GroupName} }, d.getGroupPolicy),
		row(d, "DeleteGroupPolicy", func(in *DeleteGroupPolicyRequest) touch { return touch{group: in.GroupName} }, d.deleteGroupPolicy),
		row(d, "ListGroupPolicies", func(in *ListGroupPoliciesRequest) touch { return touch{group: in.GroupName} }, d.listGroupPolicies),
	}
}

func group(c *call, name *string) localiam.Ref {
	return localiam.GroupRef(c.Principal.AccountID, *name)
}

func wireGroup(g localiam.Group) *Group {
	return &Group{Path: &g.Path, GroupName: &g.Name, GroupId: &g.ID, Arn: new(g.ARN()), CreateDate: awswire.At(g.CreatedAt)}
}

func groupName(g localiam.Group) string { return g.Name }

func (d *Door) createGroup(ctx context.Context, c *call, in *CreateGroupRequest) (*CreateGroupResponse, error) {
	g, err := d.iam.CreateGroup(ctx, c.Actor, localiam.Group{Identity: localiam.Identity{AccountID: c.Principal.AccountID, Name: *in.GroupName, Path: path(in.Path)}})
	return &CreateGroupResponse{Group: wireGroup(g)}, err
}

func (d *Door) getGroup(ctx context.Context, c *call, in *GetGroupRequest) (*GetGroupResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "GetGroup", *in.GroupName)
	if err != nil {
		return nil, err
	}
	g, err := d.iam.Group(ctx, c.Principal.AccountID, *in.GroupName)
	if err != nil {
		return nil, err
	}
	users, err := d.iam.Members(ctx, c.Principal.AccountID, g.Name, localiam.Page{After: p.after, Limit: p.limit + 1})
	if err != nil {
		return nil, err
	}
	out := &GetGroupResponse{Group: wireGroup(g)}
	users, out.IsTruncated, out.Marker = cut(p, users, func(u localiam.User) string { return u.Name })
	out.Users = wire(users, func(u localiam.User) *User {
		w := wireUser(u)
		w.Tags, w.PermissionsBoundary = nil, nil // GetGroup leaves these out
		return w
	})
	return out, nil
}

func (d *Door) listGroups(ctx context.Context, c *call, in *ListGroupsRequest) (*ListGroupsResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "ListGroups", path(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	groups, err := d.iam.Groups(ctx, c.Principal.AccountID, localiam.Page{PathPrefix: path(in.PathPrefix), After: p.after, Limit: p.limit + 1})
	if err != nil {
		return nil, err
	}
	out := &ListGroupsResponse{}
	groups, out.IsTruncated, out.Marker = cut(p, groups, groupName)
	out.Groups = wire(groups, wireGroup)
	return out, nil
}

func (d *Door) updateGroup(ctx context.Context, c *call, in *UpdateGroupRequest) (*empty, error) {
	return nil, d.iam.RenameGroup(ctx, c.Actor, group(c, in.GroupName), localiam.Rename{Name: awswire.Val(in.NewGroupName), Path: awswire.Val(in.NewPath)})
}

func (d *Door) deleteGroup(ctx context.Context, c *call, in *DeleteGroupRequest) (*empty, error) {
	return nil, d.iam.DeleteGroup(ctx, c.Actor, c.Principal.AccountID, *in.GroupName)
}

func (d *Door) addUserToGroup(ctx context.Context, c *call, in *AddUserToGroupRequest) (*empty, error) {
	return nil, d.iam.AddToGroup(ctx, c.Actor, localiam.Membership{AccountID: c.Principal.AccountID, Group: *in.GroupName, User: *in.UserName})
}

func (d *Door) removeUserFromGroup(ctx context.Context, c *call, in *RemoveUserFromGroupRequest) (*empty, error) {
	return nil, d.iam.RemoveFromGroup(ctx, c.Actor, localiam.Membership{AccountID: c.Principal.AccountID, Group: *in.GroupName, User: *in.UserName})
}

func (d *Door) listGroupsForUser(ctx context.Context, c *call, in *ListGroupsForUserRequest) (*ListGroupsForUserResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "ListGroupsForUser", *in.UserName)
	if err != nil {
		return nil, err
	}
	if _, err := d.iam.User(ctx, c.Principal.AccountID, *in.UserName); err != nil {
		return nil, err
	}
	groups, err := d.iam.GroupsOf(ctx, c.Principal.AccountID, *in.UserName, localiam.Page{After: p.after, Limit: p.limit + 1})
	if err != nil {
		return nil, err
	}
	out := &ListGroupsForUserResponse{}
	groups, out.IsTruncated, out.Marker = cut(p, groups, groupName)
	out.Groups = wire(groups, wireGroup)
	return out, nil
}

func (d *Door) attachGroupPolicy(ctx context.Context, c *call, in *AttachGroupPolicyRequest) (*empty, error) {
	return nil, d.iam.Attach(ctx, c.Actor, group(c, in.GroupName), *in.PolicyArn)
}

func (d *Door) detachGroupPolicy(ctx context.Context, c *call, in *DetachGroupPolicyRequest) (*empty, error) {
	return nil, d.iam.Detach(ctx, c.Actor, group(c, in.GroupName), *in.PolicyArn)
}

func (d *Door) listAttachedGroupPolicies(ctx context.Context, c *call, in *ListAttachedGroupPoliciesRequest) (*ListAttachedGroupPoliciesResponse, error) {
	out := &ListAttachedGroupPoliciesResponse{}
	var err error
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = d.attached(ctx, group(c, in.GroupName), list{in.PathPrefix, in.Marker, in.MaxItems})
	return out, err
}

func (d *Door) putGroupPolicy(ctx context.Context, c *call, in *PutGroupPolicyRequest) (*empty, error) {
	return nil, d.iam.PutInline(ctx, c.Actor, group(c, in.GroupName), localiam.InlinePolicy{Name: *in.PolicyName, Document: *in.PolicyDocument})
}

func (d *Door) getGroupPolicy(ctx context.Context, c *call, in *GetGroupPolicyRequest) (*GetGroupPolicyResponse, error) {
	document, err := d.iam.Inline(ctx, group(c, in.GroupName), *in.PolicyName)
	return &GetGroupPolicyResponse{GroupName: in.GroupName, PolicyName: in.PolicyName, PolicyDocument: encoded(document)}, err
}

func (d *Door) deleteGroupPolicy(ctx context.Context, c *call, in *DeleteGroupPolicyRequest) (*empty, error) {
	return nil, d.iam.DeleteInline(ctx, c.Actor, group(c, in.GroupName), *in.PolicyName)
}

func (d *Door) listGroupPolicies(ctx context.Context, c *call, in *ListGroupPoliciesRequest) (*ListGroupPoliciesResponse, error) {
	out := &ListGroupPoliciesResponse{}
	var err error
	out.PolicyNames, out.IsTruncated, out.Marker, err = d.inline(ctx, group(c, in.GroupName), list{nil, in.Marker, in.MaxItems})
	return out, err
}
