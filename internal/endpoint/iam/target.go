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
	// name and path are what is to be of what is renamed.
	name, path *string
	tags       []Tag
	tagKeys    []string
	// tagging is the action that something made with tags needs as well.
	tagging string
}

// made is what a creation touches: something new, perhaps with tags.
func made(kind string, where *string, name string, tags []Tag) touch {
	tagging := map[string]string{"role": "TagRole", "user": "TagUser", "policy": "TagPolicy", "instance-profile": "TagInstanceProfile"}[kind]
	return touch{fresh: kind + path(where) + name, tags: tags, tagging: tagging}
}

// bounded adds the boundary that it is made with.
func (t touch) bounded(policyARN *string) touch {
	t.boundary = policyARN
	return t
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

// target finds the ARNs of what is touched, and the condition keys of the request. What does not exist gets the ARN it would have at the
// path "/", so that only those who are allowed to look learn that it does not.
func (d *Door) target(ctx context.Context, c *call, t touch) (awswire.Target, error) {
	out := awswire.Target{Context: map[string][]string{}, Fresh: t.fresh != ""}
	account := c.Principal.AccountID
	switch {
	case t.arn != nil:
		out.Resources = []string{*t.arn}
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
	case t.user != nil && asRoot(c, t.user):
		out.Resources = []string{c.Principal.ARN}
	case t.role != nil || t.user != nil || t.group != nil:
		ref, err := ref(c, t)
		if err != nil {
			return out, err
		}
		_, name, err := d.iam.Identity(ctx, ref)
		if fault.Is(err, fault.NotFound) {
			name = arn.IAM(account, localiam.Fold(string(ref.Kind))+"/"+ref.Name)
		} else if err != nil {
			return out, err
		}
		out.Resources = []string{name}
	}
	t.context(out.Context)
	if t.tagging != "" && len(t.tags) > 0 { // to make something with tags is to tag it
		out.Further = append(out.Further, awswire.Further{Action: "iam:" + t.tagging, On: awswire.Target{Resources: out.Resources, Context: out.Context, Fresh: true}})
	}
	if t.name != nil || t.path != nil {
		to, err := d.renamed(ctx, out.Resources[0], t)
		if err != nil {
			return out, err
		}
		out.Further = append(out.Further, awswire.Further{Action: "iam:" + c.Operation, On: to})
	}
	return out, nil
}

// renamed is what will be after a change of name or path. Whoever renames must be allowed the action on it too, else one could move somebody to
// where others' policies apply. It has the tags and the boundary of what is.
func (d *Door) renamed(ctx context.Context, resource string, t touch) (awswire.Target, error) {
	a, err := arn.Parse(resource)
	if err != nil {
		return awswire.Target{}, err
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	at := strings.LastIndexByte(rest, '/') + 1
	where, name := "/"+rest[:at], rest[at:]
	if t.name != nil {
		name = *t.name
	}
	if t.path != nil {
		where = *t.path
	}
	a.Resource = kind + where + name
	keys, err := d.iam.ResourceKeys(ctx, resource)
	return awswire.Target{Resources: []string{a.String()}, Context: keys, Fresh: true}, err
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
