package iam

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/policy"
)

func (d *Door) createPolicy(ctx context.Context, c *call, in *CreatePolicyRequest) (*CreatePolicyResponse, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	p, err := d.iam.CreatePolicy(ctx, c.Actor, localiam.ManagedPolicy{
		AccountID: c.Principal.AccountID, Name: *in.PolicyName, Path: path(in.Path), Description: awswire.Val(in.Description), Tags: t,
	}, *in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	w := wirePolicy(p, localiam.PolicyUse{})
	w.Description = nil // only GetPolicy answers it
	return &CreatePolicyResponse{Policy: w}, nil
}

// wirePolicy writes a customer managed policy.
func wirePolicy(p localiam.ManagedPolicy, use localiam.PolicyUse) *Policy {
	return &Policy{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: new(p.ARN()), Path: &p.Path, DefaultVersionId: versionID(p.Default), IsAttachable: new(true),
		AttachmentCount: attachments(use), PermissionsBoundaryUsageCount: boundaries(use),
		Description: awswire.Opt(p.Description), CreateDate: awswire.At(p.CreatedAt), UpdateDate: awswire.At(p.UpdatedAt), Tags: wireTags(p.Tags),
	}
}

// wireManaged writes an AWS managed policy.
func wireManaged(m *policy.ManagedPolicy, use localiam.PolicyUse) *Policy {
	return &Policy{
		PolicyName: &m.Name, PolicyId: &m.ID, Arn: &m.ARN, Path: &m.Path, DefaultVersionId: versionID(1), IsAttachable: new(true),
		AttachmentCount: attachments(use), PermissionsBoundaryUsageCount: boundaries(use),
		Description: awswire.Opt(m.Description), CreateDate: awswire.At(m.CreatedAt), UpdateDate: awswire.At(m.CreatedAt),
	}
}

func attachments(u localiam.PolicyUse) *int32 {
	return new(int32(u.Policies))
}

func boundaries(u localiam.PolicyUse) *int32 {
	return new(int32(u.Boundaries))
}

func versionID(n int) *string { return new("v" + strconv.Itoa(n)) }

// version reads "v1".
func version(s string) (int, error) {
	rest, ok := strings.CutPrefix(s, "v")
	n, err := strconv.Atoi(rest)
	if !ok || err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "The version id must look like v1.").For("constraint").At("VersionId")
	}
	return n, nil
}

func (d *Door) getPolicy(ctx context.Context, c *call, in *GetPolicyRequest) (*GetPolicyResponse, error) {
	use, err := d.iam.PolicyUse(ctx, c.Principal.AccountID, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if m, ok := d.iam.Managed().Find(*in.PolicyArn); ok {
		return &GetPolicyResponse{Policy: wireManaged(m, use)}, nil
	}
	p, err := d.iam.Policy(ctx, c.Principal.AccountID, *in.PolicyArn)
	return &GetPolicyResponse{Policy: wirePolicy(p, use)}, err
}

// listPolicies lists AWS's policies by ARN, then the account's by name, or by ARN where only those that somebody has are wanted.
func (d *Door) listPolicies(ctx context.Context, c *call, in *ListPoliciesRequest) (*ListPoliciesResponse, error) {
	scope, prefix := awswire.Val(in.Scope), path(in.PathPrefix)
	p, err := listing(in.Marker, in.MaxItems, "ListPolicies", scope, prefix, strconv.FormatBool(awswire.Val(in.OnlyAttached)), awswire.Val(in.PolicyUsageFilter))
	if err != nil {
		return nil, err
	}
	f := filter{account: c.Principal.AccountID, prefix: prefix, usage: awswire.Val(in.PolicyUsageFilter), onlyAttached: awswire.Val(in.OnlyAttached), want: p.limit + 1}
	local, inLocal := strings.CutPrefix(p.after, localMarker)
	if !inLocal {
		local = ""
	}
	if scope != "Local" && !inLocal {
		if err := d.awsPolicies(ctx, &f, p.after); err != nil {
			return nil, err
		}
	}
	if scope != "AWS" && len(f.found) < f.want {
		if err := d.localPolicies(ctx, &f, local); err != nil {
			return nil, err
		}
	}
	out := &ListPoliciesResponse{}
	f.found, out.IsTruncated, out.Marker = cut(p, f.found, func(l listed) string { return l.place })
	out.Policies = wire(f.found, func(l listed) *Policy {
		l.policy.Description, l.policy.Tags = nil, nil // ListPolicies leaves these out
		return l.policy
	})
	return out, nil
}

// localMarker stands before the name, or the ARN, in the place of a policy of the account; no ARN begins so.
const localMarker = "local:"

// listed is a policy and its place in the list.
type listed struct {
	place  string
	policy *Policy
}

// filter collects the policies that a listing wants.
type filter struct {
	account, prefix, usage string
	onlyAttached           bool
	want                   int
	found                  []listed
}

// narrows reports whether policies are wanted that somebody has.
func (f *filter) narrows() bool { return f.onlyAttached || f.usage != "" }

// keeps reports whether a policy with this use belongs in the list.
func (f *filter) keeps(u localiam.PolicyUse) bool {
	switch f.usage {
	case "PermissionsPolicy":
		return u.Policies > 0
	case "PermissionsBoundary":
		return u.Boundaries > 0
	default:
		return !f.onlyAttached || u != (localiam.PolicyUse{})
	}
}

// used is a policy and how often it is attached.
type used[P any] struct {
	policy P
	use    localiam.PolicyUse
}

// withUse adds how often policies are attached.
func withUse[P any](ctx context.Context, d *Door, account string, ps []P, arnOf func(P) string) ([]used[P], error) {
	arns := make([]string, len(ps))
	for i, p := range ps {
		arns[i] = arnOf(p)
	}
	uses, err := d.iam.PolicyUses(ctx, account, arns)
	out := make([]used[P], len(ps))
	for i, p := range ps {
		out[i] = used[P]{p, uses[arns[i]]}
	}
	return out, err
}

func arnOfManaged(m *policy.ManagedPolicy) string { return m.ARN }

// attached returns AWS's policies that somebody in the account has, by ARN, or the account's own, as many as f wants of those that it keeps. find returns, of some
// ARNs, the policies that exist.
func attached[P any](ctx context.Context, d *Door, f *filter, aws bool, after string, find func(arns []string) ([]P, error), arnOf func(P) string) ([]used[P], error) {
	var out []used[P]
	for len(out) < f.want {
		arns, err := d.iam.AttachedPolicies(ctx, f.account, aws, localiam.Page{PathPrefix: f.prefix, After: after, Limit: max(f.want, 100)}) // few may be kept
		if err != nil || len(arns) == 0 {
			return out, err
		}
		after = arns[len(arns)-1]
		ps, err := find(arns)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(ps, func(a, b P) int { return strings.Compare(arnOf(a), arnOf(b)) })
		some, err := withUse(ctx, d, f.account, ps, arnOf)
		if err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(some, func(u used[P]) bool { return !f.keeps(u.use) })...)
	}
	return out[:f.want], nil
}

// attachedAWS is attached for AWS's policies.
func (d *Door) attachedAWS(ctx context.Context, f *filter, after string) ([]used[*policy.ManagedPolicy], error) {
	return attached(ctx, d, f, true, after, func(arns []string) (out []*policy.ManagedPolicy, err error) {
		for _, a := range arns {
			if m, ok := d.iam.Managed().Find(a); ok && strings.HasPrefix(m.Path, f.prefix) {
				out = append(out, m)
			}
		}
		return out, nil
	}, arnOfManaged)
}

func (d *Door) awsPolicies(ctx context.Context, f *filter, after string) error {
	var us []used[*policy.ManagedPolicy]
	var err error
	if f.narrows() {
		us, err = d.attachedAWS(ctx, f, after)
	} else {
		all := slices.DeleteFunc(slices.Clone(d.iam.Managed().All()), func(m *policy.ManagedPolicy) bool { return m.ARN <= after || !strings.HasPrefix(m.Path, f.prefix) })
		us, err = withUse(ctx, d, f.account, all[:min(f.want, len(all))], arnOfManaged)
	}
	for _, u := range us {
		f.found = append(f.found, listed{u.policy.ARN, wireManaged(u.policy, u.use)})
	}
	return err
}

func (d *Door) localPolicies(ctx context.Context, f *filter, after string) error {
	f.want -= len(f.found)
	var us []used[localiam.ManagedPolicy]
	var err error
	place := localiam.ManagedPolicy.ARN
	if f.narrows() {
		us, err = attached(ctx, d, f, false, after, func(arns []string) ([]localiam.ManagedPolicy, error) {
			ps, err := d.iam.PoliciesByARN(ctx, f.account, arns)
			return slices.DeleteFunc(ps, func(p localiam.ManagedPolicy) bool { return !strings.HasPrefix(p.Path, f.prefix) }), err
		}, localiam.ManagedPolicy.ARN)
	} else {
		place = func(p localiam.ManagedPolicy) string { return p.Name }
		us, err = d.localWithUse(ctx, f.account, localiam.Page{PathPrefix: f.prefix, After: after, Limit: f.want})
	}
	for _, u := range us {
		f.found = append(f.found, listed{localMarker + place(u.policy), wirePolicy(u.policy, u.use)})
	}
	return err
}

// localWithUse lists the account's policies by name, and how often each is attached.
func (d *Door) localWithUse(ctx context.Context, account string, p localiam.Page) ([]used[localiam.ManagedPolicy], error) {
	ps, err := d.iam.Policies(ctx, account, p)
	if err != nil {
		return nil, err
	}
	return withUse(ctx, d, account, ps, localiam.ManagedPolicy.ARN)
}

func (d *Door) deletePolicy(ctx context.Context, c *call, in *DeletePolicyRequest) (*empty, error) {
	return nil, d.iam.DeletePolicy(ctx, c.Actor, policyRef(c, in.PolicyArn))
}

func policyRef(c *call, policyARN *string) localiam.PolicyRef {
	return localiam.PolicyRef{AccountID: c.Principal.AccountID, ARN: *policyARN}
}

// versions returns the versions of a policy, AWS's or the account's, as they are written.
func (d *Door) versions(ctx context.Context, c *call, policyARN string) ([]PolicyVersion, error) {
	if m, ok := d.iam.Managed().Find(policyARN); ok {
		return []PolicyVersion{{encoded(m.Text), versionID(1), new(true), awswire.At(m.CreatedAt)}}, nil
	}
	p, err := d.iam.Policy(ctx, c.Principal.AccountID, policyARN)
	out := wire(p.Versions, func(v localiam.PolicyVersion) *PolicyVersion {
		return &PolicyVersion{encoded(v.Document), versionID(v.Number), new(v.Number == p.Default), awswire.At(v.CreatedAt)}
	})
	slices.Reverse(out) // the newest first
	return out, err
}

func (d *Door) getPolicyVersion(ctx context.Context, c *call, in *GetPolicyVersionRequest) (*GetPolicyVersionResponse, error) {
	all, err := d.versions(ctx, c, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if *v.VersionId == *in.VersionId {
			return &GetPolicyVersionResponse{PolicyVersion: &v}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Policy %s version %s does not exist or is not attachable.", *in.PolicyArn, *in.VersionId)
}

func (d *Door) listPolicyVersions(ctx context.Context, c *call, in *ListPolicyVersionsRequest) (*ListPolicyVersionsResponse, error) {
	p, err := listing(in.Marker, in.MaxItems, "ListPolicyVersions", *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	all, err := d.versions(ctx, c, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &ListPolicyVersionsResponse{}
	newestFirst := func(v PolicyVersion) string {
		n, _ := version(*v.VersionId) // it is one of ours
		return fmt.Sprintf("%010d", math.MaxInt32-n)
	}
	out.Versions, out.IsTruncated, out.Marker = cut(p, rest(p, all, newestFirst), newestFirst)
	for i := range out.Versions {
		out.Versions[i].Document = nil // ListPolicyVersions leaves it out
	}
	return out, nil
}

func (d *Door) createPolicyVersion(ctx context.Context, c *call, in *CreatePolicyVersionRequest) (*CreatePolicyVersionResponse, error) {
	isDefault := awswire.Val(in.SetAsDefault)
	v, err := d.iam.CreatePolicyVersion(ctx, c.Actor, policyRef(c, in.PolicyArn), localiam.NewVersion{Document: *in.PolicyDocument, IsDefault: isDefault})
	return &CreatePolicyVersionResponse{PolicyVersion: &PolicyVersion{VersionId: versionID(v.Number), IsDefaultVersion: &isDefault, CreateDate: awswire.At(v.CreatedAt)}}, err
}

func (d *Door) setDefaultPolicyVersion(ctx context.Context, c *call, in *SetDefaultPolicyVersionRequest) (*empty, error) {
	n, err := version(*in.VersionId)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.SetDefaultPolicyVersion(ctx, c.Actor, policyRef(c, in.PolicyArn), n)
}

func (d *Door) deletePolicyVersion(ctx context.Context, c *call, in *DeletePolicyVersionRequest) (*empty, error) {
	n, err := version(*in.VersionId)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.DeletePolicyVersion(ctx, c.Actor, policyRef(c, in.PolicyArn), n)
}

func (d *Door) tagPolicy(ctx context.Context, c *call, in *TagPolicyRequest) (*empty, error) {
	t, err := tags(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, d.iam.TagPolicy(ctx, c.Actor, policyRef(c, in.PolicyArn), localiam.Retag{Set: t})
}

func (d *Door) untagPolicy(ctx context.Context, c *call, in *UntagPolicyRequest) (*empty, error) {
	return nil, d.iam.TagPolicy(ctx, c.Actor, policyRef(c, in.PolicyArn), localiam.Retag{Remove: in.TagKeys})
}

func (d *Door) listPolicyTags(ctx context.Context, c *call, in *ListPolicyTagsRequest) (*ListPolicyTagsResponse, error) {
	p, err := d.iam.Policy(ctx, c.Principal.AccountID, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &ListPolicyTagsResponse{}
	out.Tags, out.IsTruncated, out.Marker, err = tagPage(p.Tags, list{nil, in.Marker, in.MaxItems}, *in.PolicyArn)
	return out, err
}

// listEntitiesForPolicy lists groups, roles and users, in this order.
func (d *Door) listEntitiesForPolicy(ctx context.Context, c *call, in *ListEntitiesForPolicyRequest) (*ListEntitiesForPolicyResponse, error) {
	if _, ok := d.iam.Managed().Find(*in.PolicyArn); !ok {
		if _, err := d.iam.Policy(ctx, c.Principal.AccountID, *in.PolicyArn); err != nil {
			return nil, err
		}
	}
	entity, usage, prefix := strings.ToLower(awswire.Val(in.EntityFilter)), awswire.Val(in.PolicyUsageFilter), path(in.PathPrefix)
	p, err := listing(in.Marker, in.MaxItems, "ListEntitiesForPolicy", *in.PolicyArn, entity, usage, prefix)
	if err != nil {
		return nil, err
	}
	out := &ListEntitiesForPolicyResponse{PolicyGroups: []PolicyGroup{}, PolicyUsers: []PolicyUser{}, PolicyRoles: []PolicyRole{}}
	if entity != "" && entity != "role" && entity != "user" && entity != "group" { // policies are attached to nothing else
		out.IsTruncated = new(false)
		return out, nil
	}
	f := localiam.HolderFilter{Kind: entity, PathPrefix: prefix, Use: map[string]string{"PermissionsPolicy": "policy", "PermissionsBoundary": "boundary"}[usage]}
	holders, err := d.iam.PolicyHolders(ctx, c.Principal.AccountID, *in.PolicyArn, f, holderPlace(p.after), p.limit+1)
	if err != nil {
		return nil, err
	}
	holders, out.IsTruncated, out.Marker = cut(p, holders, func(h localiam.PolicyHolder) string { return placeOfHolder(h.HolderPlace) })
	for _, h := range holders {
		switch h.Kind {
		case "role":
			out.PolicyRoles = append(out.PolicyRoles, PolicyRole{&h.Name, &h.ID})
		case "group":
			out.PolicyGroups = append(out.PolicyGroups, PolicyGroup{&h.Name, &h.ID})
		default:
			out.PolicyUsers = append(out.PolicyUsers, PolicyUser{&h.Name, &h.ID})
		}
	}
	return out, nil
}

// placeOfHolder writes "role//Name", or "role/boundary/Name"; holderPlace reads it.
func placeOfHolder(p localiam.HolderPlace) string {
	use := ""
	if p.Boundary {
		use = "boundary"
	}
	return p.Kind + "/" + use + "/" + p.Name
}

func holderPlace(s string) localiam.HolderPlace {
	kind, rest, _ := strings.Cut(s, "/")
	use, name, _ := strings.Cut(rest, "/")
	return localiam.HolderPlace{Kind: kind, Boundary: use == "boundary", Name: name}
}
