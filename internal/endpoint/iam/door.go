// Package iam is the door of the IAM API (AWS Query, version 2010-05-08) for the accounts that exist in this server: users
// and their access keys, groups, roles, instance profiles, customer managed and AWS managed policies, SAML and OIDC providers, simulation.
//
// It owns nothing. It turns wire shapes into nouns of package localiam and back, and lets localiam.Service
// decide. What is the API's own, and therefore here: documents are percent-encoded in answers, lists have markers,
// and an operation says which resources it touches, with their tags, before it is allowed.
//
// Every operation acts on the caller's own account. Whoever is not allowed an operation on a name learns nothing about whether the
// name exists. Reserved roles can be read; a write answers UnmodifiableEntity.
//
// Start reading at [Door.Service], the table. Operations of the API without a row answer that they are not
// implemented.
package iam

import (
	"context"
	"slices"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// Door answers the IAM API.
type Door struct{ iam *localiam.Service }

// New returns a door.
func New(iam *localiam.Service) *Door { return &Door{iam: iam} }

type (
	call  = awswire.Call[localiam.Caller]
	empty = awswire.Empty
)

// Service returns the table of operations: name, what it touches, handler. The action bears the operation's name.
func (d *Door) Service() awswire.Service[localiam.Caller] {
	rows := d.roleRows()
	rows = append(rows, d.userRows()...)
	rows = append(rows, d.policyRows()...)
	rows = append(rows, d.groupRows()...)
	rows = append(rows, d.profileRows()...)
	rows = append(rows, d.providerRows()...)
	rows = append(rows, d.accountRows()...)
	rows = append(rows, d.outboundRows()...)
	rows = append(rows, d.rootRows()...)
	rows = append(rows, d.delegationRows()...)
	return awswire.Service[localiam.Caller]{Model: &model, Errors: wireError, Operations: rows}
}

func (d *Door) roleRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "CreateRole", func(in *CreateRoleRequest) touch {
			return made("role", in.Path, *in.RoleName, in.Tags).bounded(in.PermissionsBoundary)
		}, d.createRole),
		row(d, "GetRole", func(in *GetRoleRequest) touch { return touch{role: in.RoleName} }, d.getRole),
		row(d, "ListRoles", func(in *ListRolesRequest) touch { return touch{fresh: "role" + path(in.PathPrefix)} }, d.listRoles),
		row(d, "UpdateRole", func(in *UpdateRoleRequest) touch { return touch{role: in.RoleName} }, d.updateRole),
		row(d, "UpdateRoleDescription", func(in *UpdateRoleDescriptionRequest) touch { return touch{role: in.RoleName} }, d.updateRoleDescription),
		row(d, "UpdateAssumeRolePolicy", func(in *UpdateAssumeRolePolicyRequest) touch { return touch{role: in.RoleName} }, d.updateTrust),
		row(d, "DeleteRole", func(in *DeleteRoleRequest) touch { return touch{role: in.RoleName} }, d.deleteRole),

		row(d, "AttachRolePolicy", func(in *AttachRolePolicyRequest) touch { return touch{role: in.RoleName, policy: in.PolicyArn} }, d.attachRolePolicy),
		row(d, "DetachRolePolicy", func(in *DetachRolePolicyRequest) touch { return touch{role: in.RoleName, policy: in.PolicyArn} }, d.detachRolePolicy),
		row(d, "ListAttachedRolePolicies", func(in *ListAttachedRolePoliciesRequest) touch { return touch{role: in.RoleName} }, d.listAttachedRolePolicies),
		row(d, "PutRolePolicy", func(in *PutRolePolicyRequest) touch { return touch{role: in.RoleName} }, d.putRolePolicy),
		row(d, "GetRolePolicy", func(in *GetRolePolicyRequest) touch { return touch{role: in.RoleName} }, d.getRolePolicy),
		row(d, "DeleteRolePolicy", func(in *DeleteRolePolicyRequest) touch { return touch{role: in.RoleName} }, d.deleteRolePolicy),
		row(d, "ListRolePolicies", func(in *ListRolePoliciesRequest) touch { return touch{role: in.RoleName} }, d.listRolePolicies),
		row(d, "PutRolePermissionsBoundary", func(in *PutRolePermissionsBoundaryRequest) touch {
			return touch{role: in.RoleName, boundary: in.PermissionsBoundary}
		}, d.putRoleBoundary),
		row(d, "DeleteRolePermissionsBoundary", func(in *DeleteRolePermissionsBoundaryRequest) touch { return touch{role: in.RoleName} }, d.deleteRoleBoundary),
		row(d, "TagRole", func(in *TagRoleRequest) touch { return touch{role: in.RoleName, tags: in.Tags} }, d.tagRole),
		row(d, "UntagRole", func(in *UntagRoleRequest) touch { return touch{role: in.RoleName, tagKeys: in.TagKeys} }, d.untagRole),
		row(d, "ListRoleTags", func(in *ListRoleTagsRequest) touch { return touch{role: in.RoleName} }, d.listRoleTags),
	}
}

func (d *Door) userRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "CreateUser", func(in *CreateUserRequest) touch {
			return made("user", in.Path, *in.UserName, in.Tags).bounded(in.PermissionsBoundary)
		}, d.createUser),
		row(d, "GetUser", func(in *GetUserRequest) touch { return touch{user: orSelf(in.UserName)} }, d.getUser),
		row(d, "ListUsers", func(in *ListUsersRequest) touch { return touch{fresh: "user" + path(in.PathPrefix)} }, d.listUsers),
		row(d, "UpdateUser", func(in *UpdateUserRequest) touch {
			return touch{user: in.UserName, name: in.NewUserName, path: in.NewPath}
		}, d.updateUser),
		row(d, "DeleteUser", func(in *DeleteUserRequest) touch { return touch{user: in.UserName} }, d.deleteUser),

		row(d, "AttachUserPolicy", func(in *AttachUserPolicyRequest) touch { return touch{user: in.UserName, policy: in.PolicyArn} }, d.attachUserPolicy),
		row(d, "DetachUserPolicy", func(in *DetachUserPolicyRequest) touch { return touch{user: in.UserName, policy: in.PolicyArn} }, d.detachUserPolicy),
		row(d, "ListAttachedUserPolicies", func(in *ListAttachedUserPoliciesRequest) touch { return touch{user: in.UserName} }, d.listAttachedUserPolicies),
		row(d, "PutUserPolicy", func(in *PutUserPolicyRequest) touch { return touch{user: in.UserName} }, d.putUserPolicy),
		row(d, "GetUserPolicy", func(in *GetUserPolicyRequest) touch { return touch{user: in.UserName} }, d.getUserPolicy),
		row(d, "DeleteUserPolicy", func(in *DeleteUserPolicyRequest) touch { return touch{user: in.UserName} }, d.deleteUserPolicy),
		row(d, "ListUserPolicies", func(in *ListUserPoliciesRequest) touch { return touch{user: in.UserName} }, d.listUserPolicies),
		row(d, "PutUserPermissionsBoundary", func(in *PutUserPermissionsBoundaryRequest) touch {
			return touch{user: in.UserName, boundary: in.PermissionsBoundary}
		}, d.putUserBoundary),
		row(d, "DeleteUserPermissionsBoundary", func(in *DeleteUserPermissionsBoundaryRequest) touch { return touch{user: in.UserName} }, d.deleteUserBoundary),
		row(d, "TagUser", func(in *TagUserRequest) touch { return touch{user: in.UserName, tags: in.Tags} }, d.tagUser),
		row(d, "UntagUser", func(in *UntagUserRequest) touch { return touch{user: in.UserName, tagKeys: in.TagKeys} }, d.untagUser),
		row(d, "ListUserTags", func(in *ListUserTagsRequest) touch { return touch{user: in.UserName} }, d.listUserTags),

		row(d, "CreateAccessKey", func(in *CreateAccessKeyRequest) touch { return touch{user: orSelf(in.UserName)} }, d.createAccessKey),
		row(d, "ListAccessKeys", func(in *ListAccessKeysRequest) touch { return touch{user: orSelf(in.UserName)} }, d.listAccessKeys),
		row(d, "UpdateAccessKey", func(in *UpdateAccessKeyRequest) touch { return touch{user: orSelf(in.UserName)} }, d.updateAccessKey),
		row(d, "DeleteAccessKey", func(in *DeleteAccessKeyRequest) touch { return touch{user: orSelf(in.UserName)} }, d.deleteAccessKey),
	}
}

func (d *Door) policyRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "CreatePolicy", func(in *CreatePolicyRequest) touch {
			return made("policy", in.Path, *in.PolicyName, in.Tags)
		}, d.createPolicy),
		row(d, "GetPolicy", func(in *GetPolicyRequest) touch { return touch{arn: in.PolicyArn} }, d.getPolicy),
		row(d, "ListPolicies", func(*ListPoliciesRequest) touch { return touch{} }, d.listPolicies),
		row(d, "DeletePolicy", func(in *DeletePolicyRequest) touch { return touch{arn: in.PolicyArn} }, d.deletePolicy),
		row(d, "CreatePolicyVersion", func(in *CreatePolicyVersionRequest) touch { return touch{arn: in.PolicyArn} }, d.createPolicyVersion),
		row(d, "GetPolicyVersion", func(in *GetPolicyVersionRequest) touch { return touch{arn: in.PolicyArn} }, d.getPolicyVersion),
		row(d, "ListPolicyVersions", func(in *ListPolicyVersionsRequest) touch { return touch{arn: in.PolicyArn} }, d.listPolicyVersions),
		row(d, "SetDefaultPolicyVersion", func(in *SetDefaultPolicyVersionRequest) touch { return touch{arn: in.PolicyArn} }, d.setDefaultPolicyVersion),
		row(d, "DeletePolicyVersion", func(in *DeletePolicyVersionRequest) touch { return touch{arn: in.PolicyArn} }, d.deletePolicyVersion),
		row(d, "TagPolicy", func(in *TagPolicyRequest) touch { return touch{arn: in.PolicyArn, tags: in.Tags} }, d.tagPolicy),
		row(d, "UntagPolicy", func(in *UntagPolicyRequest) touch { return touch{arn: in.PolicyArn, tagKeys: in.TagKeys} }, d.untagPolicy),
		row(d, "ListPolicyTags", func(in *ListPolicyTagsRequest) touch { return touch{arn: in.PolicyArn} }, d.listPolicyTags),
		row(d, "ListEntitiesForPolicy", func(in *ListEntitiesForPolicyRequest) touch { return touch{arn: in.PolicyArn} }, d.listEntitiesForPolicy),
	}
}

// row makes a row of the table.
func row[In, Out any, I interface {
	*In
	awswire.Checker
}](d *Door, name string, touches func(I) touch, handle func(context.Context, *call, I) (*Out, error)) awswire.Operation[localiam.Caller] {
	target := func(ctx context.Context, c *call, in I) (awswire.Target, error) { return d.target(ctx, c, touches(in)) }
	return awswire.Op(name, "iam:"+name, target, handle)
}

// wireError chooses IAM's codes where the protocol's own are too coarse.
func wireError(_ string, err error, e awswire.WireError) awswire.WireError {
	f := fault.Of(err)
	switch {
	case f.Kind == fault.Invalid && f.Reason == "malformed-policy":
		e.Code = "MalformedPolicyDocument"
	case f.Kind == fault.Invalid && slices.Contains([]string{localiam.ReasonNotManager, localiam.ReasonNotManagement, localiam.ReasonNoOrganization, localiam.ReasonNotTrusted}, f.Reason):
		e.Code = f.Reason
	case f.Kind == fault.Invalid && f.Reason != "constraint" && f.Field != "NextToken":
		e.Code = "InvalidInput"
	case f.Kind == fault.Denied && f.Reason == "unmodifiable":
		e.Code = "UnmodifiableEntity"
	case f.Kind == fault.Conflict && f.Reason == localiam.ReasonFederationEnabled:
		e.Code = "FeatureEnabled"
	case f.Kind == fault.NotFound && f.Reason == localiam.ReasonFederationDisabled:
		e.Code = "FeatureDisabled"
	case f.Kind == fault.Conflict && f.Reason == "in-use":
		e.Code = "DeleteConflict"
	case f.Kind == fault.Conflict && f.Reason == "version":
		e.Code = "ConcurrentModification"
	case f.Kind == fault.Internal || f.Kind == fault.Unavailable:
		e.Code = "ServiceFailure"
	}
	return e
}
