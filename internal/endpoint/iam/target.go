package iam

import (
	"context"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// touch says what an operation touches, as its input names it. At most one of role, user, fresh and arn is set.
type touch struct {
	// role and user name what is (perhaps) there; an empty user is the caller himself.
	role, user *string
	// fresh is the resource part of an ARN in the caller's account: something new, or a path that is listed.
	fresh string
	// arn is what the input names by its ARN.
	arn *string
	// policy is the policy being attached or detached, boundary the one that becomes the boundary.
	policy, boundary *string
	tags             []Tag
	tagKeys          []string
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
	case t.fresh != "":
		out.Resources = []string{arn.IAM(account, t.fresh)}
	case t.role != nil || t.user != nil:
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
		for key, value := range id.Tags {
			out.Context["aws:ResourceTag/"+key] = []string{value}
			out.Context["iam:ResourceTag/"+key] = []string{value}
		}
	}
	t.context(out.Context)
	return out, nil
}

func ref(c *call, t touch) (localiam.Ref, error) {
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
