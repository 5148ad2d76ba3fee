package app

import (
	"context"
	"strings"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// resourceKeys are the condition keys of what an ARN names, of all services: tags, and what else policies may ask about it. They are looked
// up here and not at the doors, so that they are the same whatever way a change comes: a Deny on what bears a tag holds for stacks too. What
// is not there, is yet to be made (fresh) or stands for several things has those keys alone that do not depend on it.
func (a *App) resourceKeys(ctx context.Context, resource string, fresh bool) (map[string][]string, error) {
	n, err := arn.Parse(resource)
	if err != nil {
		return nil, nil // "*"
	}
	out := map[string][]string{}
	kind, id, _ := strings.Cut(n.Resource, "/")
	switch {
	case n.Service == "sso" && kind != "account" && kind != "applicationProvider":
		out["sso:PrimaryRegion"] = []string{a.Instance.Region} // there is one instance
	case n.Service == "identitystore":
		out["identitystore:PrimaryRegion"] = []string{a.Instance.Region}
	case n.Service == "organizations" && kind == "policy":
		out["organizations:PolicyType"] = []string{organization.ServiceControl}
	}
	if fresh || strings.ContainsAny(resource, "*?") {
		return out, nil
	}
	switch n.Service {
	case "iam":
		out, err = a.IAM.ResourceKeys(ctx, resource)
	case "sso":
		err = a.centerKeys(ctx, resource, out)
	case "identitystore":
		err = a.storeKeys(ctx, kind, id, out)
	case "organizations":
		var tags map[string]string
		tags, err = a.Organization.TagsOf(ctx, id[strings.LastIndexByte(id, '/')+1:])
		tagged(out, tags)
	case "account-access":
		var m access.Manager
		var name arn.Manager
		if name, err = arn.ParseManager(resource); err == nil {
			m, err = a.Access.Manager(ctx, name)
			tagged(out, m.Tags)
		}
	case "cloudformation":
		var st cloudformation.Stack
		st, err = a.Stacks.Stack(ctx, cloudformation.Place{AccountID: n.AccountID, Region: n.Region}, resource)
		tagged(out, st.Revision.Tags)
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		err = nil
	}
	return out, err
}

func tagged(out map[string][]string, tags map[string]string) {
	for key, value := range tags {
		out["aws:ResourceTag/"+key] = []string{value}
	}
}

// centerKeys are those of instances, permission sets, applications and trusted token issuers.
func (a *App) centerKeys(ctx context.Context, resource string, out map[string][]string) error {
	if id, err := arn.ParseInstance(resource); err == nil {
		i, err := a.Access.Instance(ctx, id)
		tagged(out, i.Tags)
		return err
	}
	if ins, id, err := arn.ParsePermissionSet(resource); err == nil {
		set, err := a.Access.Set(ctx, ins, id)
		tagged(out, set.Tags)
		return err
	}
	if n, err := arn.ParseApplication(resource); err == nil {
		out["sso:ApplicationAccount"] = []string{n.AccountID}
		found, err := a.Applications.Application(ctx, n)
		tagged(out, found.Tags)
		return err
	}
	if n, err := arn.ParseTrustedTokenIssuer(resource); err == nil {
		found, err := a.Applications.Issuer(ctx, n)
		tagged(out, found.Tags)
		return err
	}
	return nil
}

// storeKeys are those of users and groups: where the names are from that other systems know them by.
func (a *App) storeKeys(ctx context.Context, kind, id string, out map[string][]string) error {
	var external []directory.ExternalID
	key := "identitystore:UserExternalIdIssuers"
	switch kind {
	case "user":
		u, err := a.Directory.User(ctx, id)
		if err != nil {
			return err
		}
		external = u.ExternalIDs
	case "group":
		g, err := a.Directory.Group(ctx, id)
		if err != nil {
			return err
		}
		key, external = "identitystore:GroupExternalIdIssuers", g.ExternalIDs
	}
	for _, e := range external {
		out[key] = append(out[key], e.Issuer)
	}
	return nil
}
