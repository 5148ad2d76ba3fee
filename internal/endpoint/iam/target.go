package iam

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// touch says what an operation touches, as its input names it. At most one of role, user, group, profile, fresh and arn is set.
type touch struct {
	// role, user, group and profile name what is (perhaps) there; an empty user is the caller himself.
	role, user, group, profile *string
	// fresh is the resource part of an ARN in the caller's account: something new, or a path that is listed.
	fresh string
	// arn is what the input names by its ARN.
	arn *string
	// policy is the policy being attached or detached, boundary the one that becomes the boundary.
	policy, boundary *string
	// service is whom a service-linked role is for.
	service *string
	tags    []Tag
	tagKeys []string
}

// orSelf makes an absent user name the caller's own.
func orSelf(name *string) *string {
	if name == nil {
		return new("")
	}
	return name
}

// self returns the user that an absent user name stands for.
func self(c *call, name *string) (string, error) {
	if n := awswire.Val(name); n != "" {
		return n, nil
	}
	if c.Principal.Kind != localiam.KindUser {
		return "", fault.New(fault.Invalid, "Must specify userName when calling with non-User credentials").For("constraint").At("UserName")
	}
	return c.Principal.Name, nil
}

// target finds the ARNs and condition keys of what is touched. What does not exist gets the ARN it would have at the path "/",
// so that only those who are allowed to look learn that it does not.
func (d *Door) target(ctx context.Context, c *call, t touch) (awswire.Target, error) {
	out := awswire.Target{Context: map[string][]string{}}
	account := c.Principal.AccountID
	switch {
	case t.arn != nil:
		out.Resources = []string{*t.arn}
		have, err := d.tagsAt(ctx, account, *t.arn)
		if err != nil {
			return out, err
		}
		resourceTags(out.Context, have)
	case t.fresh != "":
		out.Resources = []string{arn.IAM(account, t.fresh)}
	case t.profile != nil:
		p, err := d.iam.Profile(ctx, account, *t.profile)
		if fault.Is(err, fault.NotFound) {
			p.AccountID, p.Path, p.Name = account, "/", *t.profile
		} else if err != nil {
			return out, err
		}
		out.Resources = []string{p.ARN()}
		resourceTags(out.Context, p.Tags)
	case t.user != nil && asRoot(c, t.user):
		out.Resources = []string{c.Principal.ARN}
	case t.role != nil || t.user != nil || t.group != nil:
		ref, err := ref(c, t)
		if err != nil {
			return out, err
		}
		id, name, err := d.iam.Identity(ctx, ref)
		if fault.Is(err, fault.NotFound) {
			name = arn.IAM(account, localiam.Fold(string(ref.Kind))+"/"+ref.Name)
		} else if err != nil {
			return out, err
		}
		out.Resources = []string{name}
		resourceTags(out.Context, id.Tags)
	}
	t.context(out.Context)
	return out, nil
}

func resourceTags(out map[string][]string, tags map[string]string) {
	for key, value := range tags {
		out["aws:ResourceTag/"+key] = []string{value}
		out["iam:ResourceTag/"+key] = []string{value}
	}
}

// tagsAt returns the tags of what an ARN names; what does not exist, and what takes none, has none.
func (d *Door) tagsAt(ctx context.Context, account, name string) (map[string]string, error) {
	var have map[string]string
	var err error
	a, _ := arn.Parse(name)
	switch kind, _, _ := strings.Cut(a.Resource, "/"); kind {
	case "policy":
		var p localiam.ManagedPolicy
		p, err = d.iam.Policy(ctx, account, name)
		have = p.Tags
	case "saml-provider":
		var p localiam.SAMLProvider
		p, err = d.iam.SAMLProvider(ctx, account, name)
		have = p.Tags
	case "oidc-provider":
		var p localiam.OIDCProvider
		p, err = d.iam.OIDCProvider(ctx, account, name)
		have = p.Tags
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return nil, nil
	}
	return have, err
}

func ref(c *call, t touch) (localiam.Ref, error) {
	if t.group != nil {
		return localiam.GroupRef(c.Principal.AccountID, *t.group), nil
	}
	if t.role != nil {
		return localiam.RoleRef(c.Principal.AccountID, *t.role), nil
	}
	name, err := self(c, t.user)
	return localiam.UserRef(c.Principal.AccountID, name), err
}

// context adds the condition keys that the request itself brings.
func (t touch) context(out map[string][]string) {
	if t.policy != nil {
		out["iam:PolicyARN"] = []string{*t.policy}
	}
	if t.service != nil {
		out["iam:AWSServiceName"] = []string{*t.service}
	}
	if t.boundary != nil {
		out["iam:PermissionsBoundary"] = []string{*t.boundary}
	}
	keys := slices.Clone(t.tagKeys)
	for _, tag := range t.tags {
		out["aws:RequestTag/"+*tag.Key] = []string{*tag.Value}
		keys = append(keys, *tag.Key)
	}
	if len(keys) > 0 {
		out["aws:TagKeys"] = keys
	}
}

// path is an optional path; "/" when absent.
func path(p *string) string {
	if p == nil {
		return "/"
	}
	return *p
}
