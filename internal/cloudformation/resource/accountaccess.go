package resource

import (
	"context"
	"maps"
	"slices"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
)

// manager is AWS::AccountAccess::Application: an account access manager. Its physical id is its ARN.
type manager struct{ Services }

func (manager) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::AccountAccess::Application", Taggable: true,
		Attributes: []string{"ApplicationArn", "CreatedAt", "UpdatedAt", "Status", "TenantId", "IdentitySource.IdentityCenter.ApplicationArn"},
		Properties: []property{
			{Name: "IdentitySource", Kind: cloudformation.Object, Required: true, CreateOnly: true, Members: []property{
				{Name: "IdentityCenter", Kind: cloudformation.Object, Required: true, Members: []property{{Name: "InstanceArn", Required: true}}}}},
			{Name: "Tags", Kind: cloudformation.Tags},
		},
	}
}

func (manager) result(m access.Manager) made {
	return made{PhysicalID: m.Name().String(), Attributes: map[string]string{
		"ApplicationArn": m.Name().String(), "CreatedAt": m.CreatedAt.Format(time.RFC3339), "UpdatedAt": m.UpdatedAt.Format(time.RFC3339), "Status": "ACTIVE", "TenantId": m.TenantID,
		"IdentitySource.IdentityCenter.ApplicationArn": arn.Application(m.Application()),
	}}
}

func (s manager) Create(ctx context.Context, r request) (made, error) {
	id, err := arn.ParseInstance(str(object(object(r.New["IdentitySource"])["IdentityCenter"]), "InstanceArn"))
	if err != nil {
		return made{}, err
	}
	t, err := tags(r.New)
	if err != nil {
		return made{}, err
	}
	if err := askWith(ctx, r, "account-access:CreateApplication", tagKeys(t)); err != nil {
		return made{}, err
	}
	if err := ask(ctx, r, "sso:CreateApplication", arn.Instance(id), arn.ApplicationProvider(application.AccountAccess)); err != nil {
		return made{}, err
	}
	if len(t) > 0 {
		if err := askWith(ctx, r, "account-access:TagResource", tagKeys(t), arn.Manager{Region: r.Region, AccountID: r.Caller.Actor().AccountID, ID: "*"}.String()); err != nil {
			return made{}, err
		}
	}
	have, err := s.Access.Managers(ctx, r.Caller.Actor().AccountID, "", 10)
	if err != nil {
		return made{}, err
	}
	if i := slices.IndexFunc(have, func(m access.Manager) bool { return m.InstanceID == id }); i >= 0 && !ours(r, have[i].CreatedAt) {
		return made{}, fault.New(fault.Conflict, "The instance has an account access manager already: %s", have[i].Name()).For("exists")
	}
	m, err := s.Access.CreateManager(ctx, r.Caller.Actor(), id, t) // the second time it answers the one there is
	if m.ID == "" {
		return made{}, err
	}
	return s.result(m), err
}

func (s manager) Update(ctx context.Context, r request) (made, error) {
	n, err := arn.ParseManager(r.PhysicalID)
	if err != nil {
		return made{}, err
	}
	want, err := tags(r.New)
	if err != nil {
		return made{}, err
	}
	m, err := s.Access.Manager(ctx, n)
	if err != nil || maps.Equal(m.Tags, want) {
		return s.result(m), err
	}
	remove := without(slices.Collect(maps.Keys(m.Tags)), slices.Collect(maps.Keys(want)))
	if len(remove) > 0 {
		if err := askWith(ctx, r, "account-access:UntagResource", map[string][]string{"aws:TagKeys": remove}, r.PhysicalID); err != nil {
			return made{}, err
		}
	}
	if len(want) > 0 {
		if err := askWith(ctx, r, "account-access:TagResource", tagKeys(want), r.PhysicalID); err != nil {
			return made{}, err
		}
	}
	if err := s.Access.TagManager(ctx, r.Caller.Actor(), n, want, remove); err != nil {
		return made{}, err
	}
	m, err = s.Access.Manager(ctx, n)
	return s.result(m), err
}

func (s manager) Delete(ctx context.Context, r request) error {
	n, err := arn.ParseManager(r.PhysicalID)
	if err != nil {
		return err
	}
	if err := ask(ctx, r, "account-access:DeleteApplication", r.PhysicalID); err != nil {
		return err
	}
	m, err := s.Access.Manager(ctx, n)
	if err != nil {
		return gone(err)
	}
	if err := ask(ctx, r, "sso:DeleteApplication", arn.Application(m.Application())); err != nil {
		return err
	}
	return s.Access.DeleteManager(ctx, r.Caller.Actor(), n)
}

// entitlement is AWS::AccountAccess::Entitlement. Its physical id is the entitlement's. Nothing of it can change.
type entitlement struct{ Services }

func (entitlement) Schema() cloudformation.Schema {
	principal := []property{{Name: "IdentityCenter", Kind: cloudformation.Object, Required: true, Members: []property{{Name: "UserId"}, {Name: "GroupId"}}}}
	return cloudformation.Schema{
		Type: "AWS::AccountAccess::Entitlement", Attributes: []string{"EntitlementId", "CreatedAt", "Entitlement.PrincipalRole.Account"},
		Properties: []property{
			{Name: "ApplicationArn", Required: true, CreateOnly: true},
			{Name: "Entitlement", Kind: cloudformation.Object, Required: true, CreateOnly: true, Members: []property{
				{Name: "PrincipalRole", Kind: cloudformation.Object, Required: true, Members: []property{
					{Name: "Principal", Kind: cloudformation.Object, Required: true, Members: principal}, {Name: "RoleArn", Required: true}, {Name: "Account"}}}}},
		},
	}
}

// wanted reads the properties.
func (entitlement) wanted(p props) (n arn.Manager, who access.Principal, roleARN string, err error) {
	if n, err = arn.ParseManager(str(p, "ApplicationArn")); err != nil {
		return n, who, "", err
	}
	by := object(object(p["Entitlement"])["PrincipalRole"])
	whom := object(object(by["Principal"])["IdentityCenter"])
	user, group := str(whom, "UserId"), str(whom, "GroupId")
	switch {
	case (user == "") == (group == ""):
		return n, who, "", fault.New(fault.Invalid, "an entitlement is for a UserId or for a GroupId").At("Entitlement")
	case user != "":
		who = access.Principal{Type: access.User, ID: user}
	default:
		who = access.Principal{Type: access.Group, ID: group}
	}
	roleARN = str(by, "RoleArn")
	account, _, err := arn.ParseRole(roleARN)
	if given := str(by, "Account"); err == nil && given != "" && given != account {
		err = fault.New(fault.Invalid, "the role %s is not in account %s", roleARN, given).At("Entitlement")
	}
	return n, who, roleARN, err
}

func (entitlement) result(en access.RoleEntitlement) made {
	return made{PhysicalID: en.ID, Attributes: map[string]string{
		"EntitlementId": en.ID, "CreatedAt": en.CreatedAt.Format(time.RFC3339), "Entitlement.PrincipalRole.Account": en.AccountID,
	}}
}

func (s entitlement) Create(ctx context.Context, r request) (made, error) {
	n, who, roleARN, err := s.wanted(r.New)
	if err != nil {
		return made{}, err
	}
	if err := s.ask(ctx, r, n, "account-access:CreateEntitlement"); err != nil {
		return made{}, err
	}
	account, role, err := arn.ParseRole(roleARN)
	if err != nil {
		return made{}, err
	}
	have, err := s.Access.RoleEntitlements(ctx, n, access.EntitlementFilter{Principal: who, AccountID: account, Role: role}, access.EntitlementPlace{}, 1)
	if err != nil {
		return made{}, err
	}
	if len(have) > 0 && !ours(r, have[0].CreatedAt) {
		return made{}, fault.New(fault.Conflict, "The entitlement exists already: %s", have[0].ID).For("exists")
	}
	en, err := s.Access.Entitle(ctx, r.Caller.Actor(), n, who, roleARN)
	if err != nil {
		return made{}, err
	}
	return s.result(en), nil
}

// ask asks for an action on a manager, with its tags.
func (s entitlement) ask(ctx context.Context, r request, n arn.Manager, action string) error {
	m, err := s.Access.Manager(ctx, n)
	if gone(err) != nil {
		return err
	}
	keys := map[string][]string{}
	for k, v := range m.Tags {
		keys["aws:ResourceTag/"+k] = []string{v}
	}
	return askWith(ctx, r, action, keys, n.String())
}

func (s entitlement) Update(ctx context.Context, r request) (made, error) {
	n, err := arn.ParseManager(str(r.New, "ApplicationArn"))
	if err != nil {
		return made{}, err
	}
	en, err := s.Access.RoleEntitlement(ctx, n, r.PhysicalID)
	return s.result(en), err
}

func (s entitlement) Delete(ctx context.Context, r request) error {
	n, err := arn.ParseManager(str(r.Old, "ApplicationArn"))
	if err != nil {
		return err
	}
	if err := s.ask(ctx, r, n, "account-access:DeleteEntitlement"); err != nil {
		return err
	}
	return gone(s.Access.Disentitle(ctx, r.Caller.Actor(), n, r.PhysicalID))
}
