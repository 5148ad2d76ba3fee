package iam

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

func (d *Door) createUser(ctx context.Context, c *call, in *CreateUserRequest) (*CreateUserResponse, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	u, err := d.iam.CreateUser(ctx, c.Actor, localiam.User{Identity: localiam.Identity{
		AccountID: c.Principal.AccountID, Name: *in.UserName, Path: path(in.Path), BoundaryARN: awswire.Val(in.PermissionsBoundary), Tags: t,
	}})
	return &CreateUserResponse{User: wireUser(u)}, err
}

func (d *Door) getUser(ctx context.Context, c *call, in *GetUserRequest) (*GetUserResponse, error) {
	if asRoot(c, in.UserName) { // a root user has an ARN and no name
		return &GetUserResponse{User: &User{UserId: &c.Principal.AccountID, Arn: &c.Principal.ARN}}, nil
	}
	name, err := self(c, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := d.iam.User(ctx, c.Principal.AccountID, name)
	return &GetUserResponse{User: wireUser(u)}, err
}

func (d *Door) listUsers(ctx context.Context, c *call, in *ListUsersRequest) (*ListUsersResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "ListUsers", path(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	users, err := d.iam.Users(ctx, c.Principal.AccountID, localiam.Page{PathPrefix: path(in.PathPrefix), After: p.after, Limit: p.limit + 1})
	if err != nil {
		return nil, err
	}
	out := &ListUsersResponse{}
	users, out.IsTruncated, out.Marker = cut(p, users, func(u localiam.User) string { return u.Name })
	out.Users = wire(users, func(u localiam.User) *User {
		w := wireUser(u)
		w.Tags, w.PermissionsBoundary = nil, nil // ListUsers leaves these out
		return w
	})
	return out, nil
}

func (d *Door) updateUser(ctx context.Context, c *call, in *UpdateUserRequest) (*empty, error) {
	return nil, d.iam.RenameUser(ctx, c.Actor, user(c, in.UserName), localiam.Rename{Name: awswire.Val(in.NewUserName), Path: awswire.Val(in.NewPath)})
}

func (d *Door) deleteUser(ctx context.Context, c *call, in *DeleteUserRequest) (*empty, error) {
	return nil, d.iam.DeleteUser(ctx, c.Actor, c.Principal.AccountID, *in.UserName)
}

func (d *Door) createAccessKey(ctx context.Context, c *call, in *CreateAccessKeyRequest) (*CreateAccessKeyResponse, error) {
	name, err := self(c, in.UserName)
	if err != nil {
		return nil, err
	}
	k, err := d.iam.CreateAccessKey(ctx, c.Actor, c.Principal.AccountID, name)
	return &CreateAccessKeyResponse{AccessKey: &AccessKey{
		UserName: &k.UserName, AccessKeyId: &k.ID, Status: status(k.Active), SecretAccessKey: &k.Secret, CreateDate: awswire.At(k.CreatedAt),
	}}, err
}

func (d *Door) listAccessKeys(ctx context.Context, c *call, in *ListAccessKeysRequest) (*ListAccessKeysResponse, error) {
	if asRoot(c, in.UserName) {
		return &ListAccessKeysResponse{IsTruncated: new(false), AccessKeyMetadata: []AccessKeyMetadata{}}, nil
	}
	name, err := self(c, in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := listing(in.Marker, in.MaxItems, "ListAccessKeys", name)
	if err != nil {
		return nil, err
	}
	keys, err := d.iam.AccessKeys(ctx, c.Principal.AccountID, name)
	if err != nil {
		return nil, err
	}
	out := &ListAccessKeysResponse{}
	id := func(k localiam.AccessKey) string { return k.ID }
	keys, out.IsTruncated, out.Marker = cut(p, rest(p, keys, id), id)
	out.AccessKeyMetadata = wire(keys, func(k localiam.AccessKey) *AccessKeyMetadata {
		return &AccessKeyMetadata{UserName: &k.UserName, AccessKeyId: &k.ID, Status: status(k.Active), CreateDate: awswire.At(k.CreatedAt)}
	})
	return out, nil
}

func (d *Door) updateAccessKey(ctx context.Context, c *call, in *UpdateAccessKeyRequest) (*empty, error) {
	name, err := self(c, in.UserName)
	if err != nil {
		return nil, err
	}
	if *in.Status == "Expired" {
		return nil, fault.New(fault.Invalid, "The status of an access key is set to Active or Inactive.").For("constraint").At("Status")
	}
	return nil, d.iam.SetAccessKeyActive(ctx, c.Actor, localiam.KeyRef{AccountID: c.Principal.AccountID, UserName: name, ID: *in.AccessKeyId}, *in.Status == "Active")
}

func (d *Door) deleteAccessKey(ctx context.Context, c *call, in *DeleteAccessKeyRequest) (*empty, error) {
	if asRoot(c, in.UserName) {
		return nil, fault.New(fault.NotFound, "The Access Key with id %s cannot be found.", *in.AccessKeyId)
	}
	name, err := self(c, in.UserName)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.DeleteAccessKey(ctx, c.Actor, localiam.KeyRef{AccountID: c.Principal.AccountID, UserName: name, ID: *in.AccessKeyId})
}

func status(active bool) *string {
	if active {
		return new("Active")
	}
	return new("Inactive")
}
