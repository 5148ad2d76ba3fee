package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/localiam"
)

// What roles and users have in common, for roles.

func (d *Door) attachRolePolicy(ctx context.Context, c *call, in *AttachRolePolicyRequest) (*empty, error) {
	return nil, d.iam.Attach(ctx, c.Actor, role(c, in.RoleName), *in.PolicyArn)
}

func (d *Door) detachRolePolicy(ctx context.Context, c *call, in *DetachRolePolicyRequest) (*empty, error) {
	return nil, d.iam.Detach(ctx, c.Actor, role(c, in.RoleName), *in.PolicyArn)
}

func (d *Door) listAttachedRolePolicies(ctx context.Context, c *call, in *ListAttachedRolePoliciesRequest) (*ListAttachedRolePoliciesResponse, error) {
	out := &ListAttachedRolePoliciesResponse{}
	var err error
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = d.attached(ctx, role(c, in.RoleName), list{in.PathPrefix, in.Marker, in.MaxItems})
	return out, err
}

func (d *Door) putRolePolicy(ctx context.Context, c *call, in *PutRolePolicyRequest) (*empty, error) {
	return nil, d.iam.PutInline(ctx, c.Actor, role(c, in.RoleName), localiam.InlinePolicy{Name: *in.PolicyName, Document: *in.PolicyDocument})
}

func (d *Door) getRolePolicy(ctx context.Context, c *call, in *GetRolePolicyRequest) (*GetRolePolicyResponse, error) {
	document, err := d.iam.Inline(ctx, role(c, in.RoleName), *in.PolicyName)
	return &GetRolePolicyResponse{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: encoded(document)}, err
}

func (d *Door) deleteRolePolicy(ctx context.Context, c *call, in *DeleteRolePolicyRequest) (*empty, error) {
	return nil, d.iam.DeleteInline(ctx, c.Actor, role(c, in.RoleName), *in.PolicyName)
}

func (d *Door) listRolePolicies(ctx context.Context, c *call, in *ListRolePoliciesRequest) (*ListRolePoliciesResponse, error) {
	out := &ListRolePoliciesResponse{}
	var err error
	out.PolicyNames, out.IsTruncated, out.Marker, err = d.inline(ctx, role(c, in.RoleName), list{nil, in.Marker, in.MaxItems})
	return out, err
}

func (d *Door) putRoleBoundary(ctx context.Context, c *call, in *PutRolePermissionsBoundaryRequest) (*empty, error) {
	return nil, d.iam.SetBoundary(ctx, c.Actor, role(c, in.RoleName), *in.PermissionsBoundary)
}

func (d *Door) deleteRoleBoundary(ctx context.Context, c *call, in *DeleteRolePermissionsBoundaryRequest) (*empty, error) {
	return nil, d.iam.SetBoundary(ctx, c.Actor, role(c, in.RoleName), "")
}

func (d *Door) tagRole(ctx context.Context, c *call, in *TagRoleRequest) (*empty, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.Tag(ctx, c.Actor, role(c, in.RoleName), t)
}

func (d *Door) untagRole(ctx context.Context, c *call, in *UntagRoleRequest) (*empty, error) {
	return nil, d.iam.Untag(ctx, c.Actor, role(c, in.RoleName), in.TagKeys)
}

func (d *Door) listRoleTags(ctx context.Context, c *call, in *ListRoleTagsRequest) (*ListRoleTagsResponse, error) {
	out := &ListRoleTagsResponse{}
	var err error
	out.Tags, out.IsTruncated, out.Marker, err = d.tagsOf(ctx, role(c, in.RoleName), list{nil, in.Marker, in.MaxItems})
	return out, err
}

// What roles and users have in common, for users.

func (d *Door) attachUserPolicy(ctx context.Context, c *call, in *AttachUserPolicyRequest) (*empty, error) {
	return nil, d.iam.Attach(ctx, c.Actor, user(c, in.UserName), *in.PolicyArn)
}

func (d *Door) detachUserPolicy(ctx context.Context, c *call, in *DetachUserPolicyRequest) (*empty, error) {
	return nil, d.iam.Detach(ctx, c.Actor, user(c, in.UserName), *in.PolicyArn)
}

func (d *Door) listAttachedUserPolicies(ctx context.Context, c *call, in *ListAttachedUserPoliciesRequest) (*ListAttachedUserPoliciesResponse, error) {
	out := &ListAttachedUserPoliciesResponse{}
	var err error
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = d.attached(ctx, user(c, in.UserName), list{in.PathPrefix, in.Marker, in.MaxItems})
	return out, err
}

func (d *Door) putUserPolicy(ctx context.Context, c *call, in *PutUserPolicyRequest) (*empty, error) {
	return nil, d.iam.PutInline(ctx, c.Actor, user(c, in.UserName), localiam.InlinePolicy{Name: *in.PolicyName, Document: *in.PolicyDocument})
}

func (d *Door) getUserPolicy(ctx context.Context, c *call, in *GetUserPolicyRequest) (*GetUserPolicyResponse, error) {
	document, err := d.iam.Inline(ctx, user(c, in.UserName), *in.PolicyName)
	return &GetUserPolicyResponse{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: encoded(document)}, err
}

func (d *Door) deleteUserPolicy(ctx context.Context, c *call, in *DeleteUserPolicyRequest) (*empty, error) {
	return nil, d.iam.DeleteInline(ctx, c.Actor, user(c, in.UserName), *in.PolicyName)
}

func (d *Door) listUserPolicies(ctx context.Context, c *call, in *ListUserPoliciesRequest) (*ListUserPoliciesResponse, error) {
	out := &ListUserPoliciesResponse{}
	var err error
	out.PolicyNames, out.IsTruncated, out.Marker, err = d.inline(ctx, user(c, in.UserName), list{nil, in.Marker, in.MaxItems})
	return out, err
}

func (d *Door) putUserBoundary(ctx context.Context, c *call, in *PutUserPermissionsBoundaryRequest) (*empty, error) {
	return nil, d.iam.SetBoundary(ctx, c.Actor, user(c, in.UserName), *in.PermissionsBoundary)
}

func (d *Door) deleteUserBoundary(ctx context.Context, c *call, in *DeleteUserPermissionsBoundaryRequest) (*empty, error) {
	return nil, d.iam.SetBoundary(ctx, c.Actor, user(c, in.UserName), "")
}

func (d *Door) tagUser(ctx context.Context, c *call, in *TagUserRequest) (*empty, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.Tag(ctx, c.Actor, user(c, in.UserName), t)
}

func (d *Door) untagUser(ctx context.Context, c *call, in *UntagUserRequest) (*empty, error) {
	return nil, d.iam.Untag(ctx, c.Actor, user(c, in.UserName), in.TagKeys)
}

func (d *Door) listUserTags(ctx context.Context, c *call, in *ListUserTagsRequest) (*ListUserTagsResponse, error) {
	out := &ListUserTagsResponse{}
	var err error
	out.Tags, out.IsTruncated, out.Marker, err = d.tagsOf(ctx, user(c, in.UserName), list{nil, in.Marker, in.MaxItems})
	return out, err
}

// list is what list operations have in common.
type list struct {
	pathPrefix, marker *string
	maxItems           *int32
}

// attached lists the managed policies of a user or role, by ARN.
func (d *Door) attached(ctx context.Context, ref localiam.Ref, l list) ([]AttachedPolicy, *bool, *string, error) {
	p, err := listing(l.marker, l.maxItems, "attached", string(ref.Kind), ref.Name, path(l.pathPrefix))
	if err != nil {
		return nil, nil, nil, err
	}
	id, _, err := d.iam.Identity(ctx, ref)
	if err != nil {
		return nil, nil, nil, err
	}
	all := slices.DeleteFunc(slices.Sorted(slices.Values(id.Attached)), func(a string) bool {
		_, rest, _ := strings.Cut(a, ":policy")
		return !strings.HasPrefix(rest, path(l.pathPrefix))
	})
	kept, truncated, marker := cut(p, p.sorted(all), same)
	return wire(kept, func(a string) *AttachedPolicy { return &AttachedPolicy{new(policyNameOf(a)), &a} }), truncated, marker, nil
}

// inline lists the names of inline policies.
func (d *Door) inline(ctx context.Context, ref localiam.Ref, l list) ([]string, *bool, *string, error) {
	p, err := listing(l.marker, l.maxItems, "inline", string(ref.Kind), ref.Name)
	if err != nil {
		return nil, nil, nil, err
	}
	id, _, err := d.iam.Identity(ctx, ref)
	if err != nil {
		return nil, nil, nil, err
	}
	kept, truncated, marker := cut(p, p.sorted(slices.Sorted(maps.Keys(id.Inline))), same)
	return append([]string{}, kept...), truncated, marker, nil
}

// tagsOf lists tags by their keys.
func (d *Door) tagsOf(ctx context.Context, ref localiam.Ref, l list) ([]Tag, *bool, *string, error) {
	id, _, err := d.iam.Identity(ctx, ref)
	if err != nil {
		return nil, nil, nil, err
	}
	return tagPage(id.Tags, l, string(ref.Kind), ref.Name)
}

func tagPage(have map[string]string, l list, what ...string) ([]Tag, *bool, *string, error) {
	p, err := listing(l.marker, l.maxItems, append([]string{"tags"}, what...)...)
	if err != nil {
		return nil, nil, nil, err
	}
	kept, truncated, marker := cut(p, p.sorted(slices.Sorted(maps.Keys(have))), same)
	return wire(kept, func(k string) *Tag { return &Tag{&k, new(have[k])} }), truncated, marker, nil
}
