package iam

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
	"gatehouse/internal/policy"
)

// getAccountAuthorizationDetails tells everything about an account's users, groups, roles and policies, in this order. A marker is the
// kind and the name of the last one told.
func (d *Door) getAccountAuthorizationDetails(ctx context.Context, c *call, in *GetAccountAuthorizationDetailsRequest) (*GetAccountAuthorizationDetailsResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, append([]string{"GetAccountAuthorizationDetails"}, in.Filter...)...)
	if err != nil {
		return nil, err
	}
	b := &details{d: d, ctx: ctx, account: c.Principal.AccountID, room: p.limit, out: &GetAccountAuthorizationDetailsResponse{
		UserDetailList: []UserDetail{}, GroupDetailList: []GroupDetail{}, RoleDetailList: []RoleDetail{}, Policies: []ManagedPolicyDetail{}, IsTruncated: new(false),
	}}
	begun, after, _ := strings.Cut(p.after, ":")
	for _, k := range []struct {
		name, filter string
		tell         func(after string) (last string, more bool, err error)
	}{
		{"1", "User", b.users}, {"2", "Group", b.groups}, {"3", "Role", b.roles}, {"4", "LocalManagedPolicy", b.local}, {"5", "AWSManagedPolicy", b.aws},
	} {
		if k.name < begun || len(in.Filter) > 0 && !slices.Contains(in.Filter, k.filter) {
			continue
		}
		if k.name > begun {
			after = ""
		}
		last, more, err := k.tell(after)
		if err != nil {
			return nil, err
		}
		if more {
			b.out.IsTruncated, b.out.Marker = new(true), awswire.PageToken(k.name+":"+last, p.what...)
			return b.out, nil
		}
	}
	return b.out, nil
}

// details fills one page.
type details struct {
	d       *Door
	ctx     context.Context // of the one request that it lives for
	account string
	room    int
	out     *GetAccountAuthorizationDetailsResponse
}

// fill tells what fits of one kind: it reads one more than there is room for, to know whether there are more.
func fill[V any](b *details, after string, read func(localiam.Page) ([]V, error), name func(V) string, tell func(V) error) (last string, more bool, err error) {
	vs, err := read(localiam.Page{After: after, Limit: b.room + 1})
	if err != nil {
		return "", false, err
	}
	last = after
	for _, v := range vs {
		if b.room == 0 {
			return last, true, nil
		}
		if err := tell(v); err != nil {
			return "", false, err
		}
		last = name(v)
		b.room--
	}
	return last, false, nil
}

func (b *details) users(after string) (string, bool, error) {
	return fill(b, after, func(p localiam.Page) ([]localiam.User, error) { return b.d.iam.Users(b.ctx, b.account, p) }, func(u localiam.User) string { return u.Name }, func(u localiam.User) error {
		groups, err := b.d.iam.GroupsOf(b.ctx, b.account, u.Name, localiam.Page{})
		w := wireUser(u)
		b.out.UserDetailList = append(b.out.UserDetailList, UserDetail{
			Path: w.Path, UserName: w.UserName, UserId: w.UserId, Arn: w.Arn, CreateDate: w.CreateDate, PermissionsBoundary: w.PermissionsBoundary, Tags: w.Tags,
			UserPolicyList: inlinePolicies(u.Identity), AttachedManagedPolicies: attachedPolicies(u.Identity),
			GroupList: wire(groups, func(g localiam.Group) *string { return &g.Name }),
		})
		return err
	})
}

func (b *details) groups(after string) (string, bool, error) {
	return fill(b, after, func(p localiam.Page) ([]localiam.Group, error) { return b.d.iam.Groups(b.ctx, b.account, p) }, groupName, func(g localiam.Group) error {
		w := wireGroup(g)
		b.out.GroupDetailList = append(b.out.GroupDetailList, GroupDetail{
			Path: w.Path, GroupName: w.GroupName, GroupId: w.GroupId, Arn: w.Arn, CreateDate: w.CreateDate, GroupPolicyList: inlinePolicies(g.Identity), AttachedManagedPolicies: attachedPolicies(g.Identity),
		})
		return nil
	})
}

func (b *details) roles(after string) (string, bool, error) {
	return fill(b, after, func(p localiam.Page) ([]localiam.Role, error) { return b.d.iam.Roles(b.ctx, b.account, p) }, func(r localiam.Role) string { return r.Name }, func(r localiam.Role) error {
		w, err := b.d.wireRole(b.ctx, r)
		if err != nil {
			return err
		}
		in, err := b.d.iam.ProfilesOf(b.ctx, b.account, r.Name, localiam.Page{})
		if err != nil {
			return err
		}
		profiles, err := b.d.profiles(b.ctx, in)
		b.out.RoleDetailList = append(b.out.RoleDetailList, RoleDetail{
			Path: w.Path, RoleName: w.RoleName, RoleId: w.RoleId, Arn: w.Arn, CreateDate: w.CreateDate, AssumeRolePolicyDocument: w.AssumeRolePolicyDocument, InstanceProfileList: profiles,
			RolePolicyList: inlinePolicies(r.Identity), AttachedManagedPolicies: attachedPolicies(r.Identity), PermissionsBoundary: w.PermissionsBoundary, Tags: w.Tags, RoleLastUsed: w.RoleLastUsed,
		})
		return err
	})
}

func (b *details) local(after string) (string, bool, error) {
	type policyUsed = used[localiam.ManagedPolicy]
	read := func(p localiam.Page) ([]policyUsed, error) { return b.d.localWithUse(b.ctx, b.account, p) }
	return fill(b, after, read, func(u policyUsed) string { return u.policy.Name }, func(u policyUsed) error {
		versions := wire(u.policy.Versions, func(v localiam.PolicyVersion) *PolicyVersion {
			return &PolicyVersion{encoded(v.Document), versionID(v.Number), new(v.Number == u.policy.Default), awswire.At(v.CreatedAt)}
		})
		slices.Reverse(versions)
		b.policy(wirePolicy(u.policy, u.use), versions)
		return nil
	})
}

// aws tells the AWS managed policies that are attached in the account, as IAM does.
func (b *details) aws(after string) (string, bool, error) {
	type policyUsed = used[*policy.ManagedPolicy]
	read := func(p localiam.Page) ([]policyUsed, error) {
		return b.d.attachedAWS(b.ctx, &filter{account: b.account, onlyAttached: true, want: p.Limit}, p.After)
	}
	return fill(b, after, read, func(u policyUsed) string { return u.policy.ARN }, func(u policyUsed) error {
		m := u.policy
		b.policy(wireManaged(m, u.use), []PolicyVersion{{encoded(m.Text), versionID(1), new(true), awswire.At(m.CreatedAt)}})
		return nil
	})
}

func (b *details) policy(w *Policy, versions []PolicyVersion) {
	b.out.Policies = append(b.out.Policies, ManagedPolicyDetail{
		PolicyName: w.PolicyName, PolicyId: w.PolicyId, Arn: w.Arn, Path: w.Path, DefaultVersionId: w.DefaultVersionId, AttachmentCount: w.AttachmentCount,
		PermissionsBoundaryUsageCount: w.PermissionsBoundaryUsageCount, IsAttachable: w.IsAttachable, Description: w.Description, CreateDate: w.CreateDate, UpdateDate: w.UpdateDate, PolicyVersionList: versions,
	})
}

func inlinePolicies(id localiam.Identity) []PolicyDetail {
	out := []PolicyDetail{}
	for name, document := range id.Inline {
		out = append(out, PolicyDetail{&name, encoded(document)})
	}
	slices.SortFunc(out, func(a, b PolicyDetail) int { return strings.Compare(*a.PolicyName, *b.PolicyName) })
	return out
}

func attachedPolicies(id localiam.Identity) []AttachedPolicy {
	return wire(id.Attached, func(a string) *AttachedPolicy { return &AttachedPolicy{new(policyNameOf(a)), &a} })
}
