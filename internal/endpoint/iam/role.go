package iam

import (
	"context"
	"time"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

func (d *Door) createRole(ctx context.Context, c *call, in *CreateRoleRequest) (*CreateRoleResponse, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	r, err := d.iam.CreateRole(ctx, c.Actor, localiam.Role{
		Identity:    localiam.Identity{AccountID: c.Principal.AccountID, Name: *in.RoleName, Path: path(in.Path), BoundaryARN: awswire.Val(in.PermissionsBoundary), Tags: t},
		Description: awswire.Val(in.Description), TrustPolicy: *in.AssumeRolePolicyDocument, MaxSessionDuration: time.Duration(awswire.Val(in.MaxSessionDuration)) * time.Second,
	})
	if err != nil {
		return nil, err
	}
	w, err := d.wireRole(ctx, r)
	return &CreateRoleResponse{Role: w}, err
}

func (d *Door) getRole(ctx context.Context, c *call, in *GetRoleRequest) (*GetRoleResponse, error) {
	r, err := d.iam.Role(ctx, c.Principal.AccountID, *in.RoleName)
	if err != nil {
		return nil, err
	}
	w, err := d.wireRole(ctx, r)
	return &GetRoleResponse{Role: w}, err
}

func (d *Door) listRoles(ctx context.Context, c *call, in *ListRolesRequest) (*ListRolesResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "ListRoles", path(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	roles, err := d.iam.Roles(ctx, c.Principal.AccountID, localiam.Page{PathPrefix: path(in.PathPrefix), After: p.after, Limit: p.limit + 1})
	if err != nil {
		return nil, err
	}
	out := &ListRolesResponse{}
	roles, out.IsTruncated, out.Marker = cut(p, roles, func(r localiam.Role) string { return r.Name })
	out.Roles = []Role{}
	for _, r := range roles {
		w, err := d.wireRole(ctx, r)
		if err != nil {
			return nil, err
		}
		w.Tags, w.PermissionsBoundary, w.RoleLastUsed = nil, nil, nil // ListRoles leaves these out
		out.Roles = append(out.Roles, *w)
	}
	return out, nil
}

func (d *Door) updateRole(ctx context.Context, c *call, in *UpdateRoleRequest) (*UpdateRoleResponse, error) {
	change := localiam.RoleChange{Description: in.Description}
	if in.MaxSessionDuration != nil {
		change.MaxSessionDuration = new(time.Duration(*in.MaxSessionDuration) * time.Second)
	}
	return &UpdateRoleResponse{}, d.iam.UpdateRole(ctx, c.Actor, role(c, in.RoleName), change)
}

func (d *Door) updateRoleDescription(ctx context.Context, c *call, in *UpdateRoleDescriptionRequest) (*UpdateRoleDescriptionResponse, error) {
	if err := d.iam.UpdateRole(ctx, c.Actor, role(c, in.RoleName), localiam.RoleChange{Description: in.Description}); err != nil {
		return nil, err
	}
	r, err := d.iam.Role(ctx, c.Principal.AccountID, *in.RoleName)
	if err != nil {
		return nil, err
	}
	w, err := d.wireRole(ctx, r)
	return &UpdateRoleDescriptionResponse{Role: w}, err
}

func (d *Door) updateTrust(ctx context.Context, c *call, in *UpdateAssumeRolePolicyRequest) (*empty, error) {
	return nil, d.iam.SetTrust(ctx, c.Actor, role(c, in.RoleName), *in.PolicyDocument)
}

func (d *Door) deleteRole(ctx context.Context, c *call, in *DeleteRoleRequest) (*empty, error) {
	return nil, d.iam.DeleteRole(ctx, c.Actor, c.Principal.AccountID, *in.RoleName)
}

func role(c *call, name *string) localiam.Ref { return localiam.RoleRef(c.Principal.AccountID, *name) }

func user(c *call, name *string) localiam.Ref { return localiam.UserRef(c.Principal.AccountID, *name) }
