package resource

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
)

// app is AWS::SSO::Application. Its physical id is its ARN.
type app struct{ Services }

func (app) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::SSO::Application", Attributes: []string{"ApplicationArn"}, Taggable: true,
		Properties: []property{
			{Name: "Name", Required: true}, {Name: "InstanceArn", Required: true, CreateOnly: true}, {Name: "ApplicationProviderArn", Required: true, CreateOnly: true},
			{Name: "Description"}, {Name: "Status", Values: []string{"ENABLED", "DISABLED"}}, {Name: "Tags", Kind: cloudformation.Tags},
			{Name: "PortalOptions", Kind: cloudformation.Object, Members: []property{
				{Name: "Visibility", Values: []string{"ENABLED", "DISABLED"}},
				{Name: "SignInOptions", Kind: cloudformation.Object, Members: []property{
					{Name: "Origin", Required: true, Values: []string{"IDENTITY_CENTER", "APPLICATION"}}, {Name: "ApplicationUrl"}}}}},
		},
	}
}

// write sets what can change of an application.
func (app) write(a *application.Application, p props) error {
	a.Name, a.Description, a.Disabled = str(p, "Name"), str(p, "Description"), str(p, "Status") == "DISABLED"
	o := object(p["PortalOptions"])
	in := object(o["SignInOptions"])
	a.Portal = application.Portal{Hidden: str(o, "Visibility") == "DISABLED", Origin: application.Origin(str(in, "Origin")), URL: str(in, "ApplicationUrl")}
	return nil
}

func (app) result(a application.Application) made {
	return made{PhysicalID: a.ARN(), Attributes: map[string]string{"ApplicationArn": a.ARN()}}
}

func (s app) Create(ctx context.Context, r request) (made, error) {
	id, err := arn.ParseInstance(str(r.New, "InstanceArn"))
	if err != nil {
		return made{}, err
	}
	provider, err := arn.ParseApplicationProvider(str(r.New, "ApplicationProviderArn"))
	if err != nil {
		return made{}, err
	}
	t, err := tags(r.New)
	if err != nil {
		return made{}, err
	}
	if err := s.owned(ctx, r, "sso:CreateApplication"); err != nil {
		return made{}, err
	}
	every := "arn:aws:sso::" + r.AccountID + ":application/" + id + "/*"
	keys := map[string][]string{"sso:ApplicationAccount": {r.AccountID}}
	maps.Copy(keys, tagKeys(t))
	if err := askWith(ctx, r, "sso:CreateApplication", keys, arn.Instance(id), arn.ApplicationProvider(provider), every); err != nil {
		return made{}, err
	}
	if len(t) > 0 {
		if err := askWith(ctx, r, "sso:TagResource", keys, every); err != nil {
			return made{}, err
		}
	}
	i, err := s.Access.Instance(ctx, id)
	if err != nil {
		return made{}, err
	}
	a := application.Application{InstanceID: i.ID, AccountID: r.Caller.Actor().AccountID, Provider: provider, Tags: t, CreatedFrom: i.Region}
	if err := s.write(&a, r.New); err != nil {
		return made{}, err
	}
	a, err = s.Applications.Create(ctx, r.Caller.Actor(), a, r.Token) // the token makes the second attempt answer what the first one made
	if err != nil {
		return made{}, err
	}
	return s.result(a), nil
}

func (s app) Update(ctx context.Context, r request) (made, error) {
	n, err := arn.ParseApplication(r.PhysicalID)
	if err != nil {
		return made{}, err
	}
	want, err := tags(r.New)
	if err != nil {
		return made{}, err
	}
	if err := ask(ctx, r, "sso:UpdateApplication", r.PhysicalID); err != nil {
		return made{}, err
	}
	a, err := s.Applications.Update(ctx, r.Caller.Actor(), n, "UpdateApplication", func(a *application.Application) error { return s.write(a, r.New) })
	if err != nil || maps.Equal(a.Tags, want) {
		return s.result(a), err
	}
	var remove []string
	for k := range a.Tags {
		if _, keep := want[k]; !keep {
			remove = append(remove, k)
		}
	}
	if len(remove) > 0 {
		if err := askWith(ctx, r, "sso:UntagResource", map[string][]string{"aws:TagKeys": remove}, r.PhysicalID); err != nil {
			return made{}, err
		}
	}
	if len(want) > 0 {
		if err := askWith(ctx, r, "sso:TagResource", tagKeys(want), r.PhysicalID); err != nil {
			return made{}, err
		}
	}
	return s.result(a), s.Applications.Tag(ctx, r.Caller.Actor(), n, want, remove)
}

func (s app) Delete(ctx context.Context, r request) error {
	n, err := arn.ParseApplication(r.PhysicalID)
	if err != nil {
		return err
	}
	if err := ask(ctx, r, "sso:DeleteApplication", r.PhysicalID); err != nil {
		return err
	}
	return gone(s.Applications.Delete(ctx, r.Caller.Actor(), n))
}

// appAssignment is AWS::SSO::ApplicationAssignment. Its physical id is its three properties. Nothing of it can change.
type appAssignment struct{ Services }

func (appAssignment) Schema() cloudformation.Schema {
	return cloudformation.Schema{Type: "AWS::SSO::ApplicationAssignment", Properties: []property{
		{Name: "ApplicationArn", Required: true, CreateOnly: true}, {Name: "PrincipalType", Required: true, CreateOnly: true, Values: []string{"USER", "GROUP"}},
		{Name: "PrincipalId", Required: true, CreateOnly: true},
	}}
}

func (appAssignment) names(p props) (arn.InInstance, application.Principal, error) {
	n, err := arn.ParseApplication(str(p, "ApplicationArn"))
	return n, application.Principal{Type: application.PrincipalType(str(p, "PrincipalType")), ID: str(p, "PrincipalId")}, err
}

func (s appAssignment) Create(ctx context.Context, r request) (made, error) {
	n, who, err := s.names(r.New)
	if err != nil {
		return made{}, err
	}
	if err := ask(ctx, r, "sso:CreateApplicationAssignment", arn.Application(n)); err != nil {
		return made{}, err
	}
	_, err = s.Applications.Assignment(ctx, n, who)
	if err == nil && !r.Resumed {
		return made{}, fault.New(fault.Conflict, "The assignment exists already.").For("exists")
	}
	if gone(err) != nil {
		return made{}, err
	}
	if err != nil {
		if err := s.Applications.Assign(ctx, r.Caller.Actor(), n, who); err != nil {
			return made{}, err
		}
	}
	return made{PhysicalID: strings.Join([]string{arn.Application(n), string(who.Type), who.ID}, "|")}, nil
}

func (appAssignment) Update(_ context.Context, r request) (made, error) {
	return made{PhysicalID: r.PhysicalID}, nil
}

func (s appAssignment) Delete(ctx context.Context, r request) error {
	n, who, err := s.names(r.Old)
	if err != nil {
		return err
	}
	if err := ask(ctx, r, "sso:DeleteApplicationAssignment", arn.Application(n)); err != nil {
		return err
	}
	return gone(s.Applications.Unassign(ctx, r.Caller.Actor(), n, who))
}

// attributes is AWS::SSO::InstanceAccessControlAttributeConfiguration. Its physical id is the instance's ARN: there is one of it.
type attributes struct{ Services }

func (attributes) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::SSO::InstanceAccessControlAttributeConfiguration",
		Properties: []property{
			{Name: "InstanceArn", Required: true, CreateOnly: true},
			{Name: "AccessControlAttributes", Kind: cloudformation.List, Members: []property{
				{Name: "Key", Required: true},
				{Name: "Value", Required: true, Kind: cloudformation.Object, Members: []property{{Name: "Source", Required: true, Kind: cloudformation.List}}}}},
		},
	}
}

func (attributes) wanted(p props) (string, []access.Attribute, error) {
	id, err := arn.ParseInstance(str(p, "InstanceArn"))
	var out []access.Attribute
	for _, a := range objects(p, "AccessControlAttributes") {
		sources := strs(object(a["Value"]), "Source")
		if len(sources) != 1 {
			return id, nil, fault.New(fault.Invalid, "the attribute %q must have exactly one Source", str(a, "Key")).At("AccessControlAttributes")
		}
		out = append(out, access.Attribute{Key: str(a, "Key"), Source: sources[0]})
	}
	return id, out, err
}

// may asks for one of the configuration's actions.
func (s attributes) may(ctx context.Context, r request, verb, instance string) error {
	action := "sso:" + verb + "InstanceAccessControlAttributeConfiguration"
	if err := s.owned(ctx, r, action); err != nil {
		return err
	}
	return ask(ctx, r, action, arn.Instance(instance))
}

func (s attributes) Create(ctx context.Context, r request) (made, error) {
	id, want, err := s.wanted(r.New)
	if err != nil {
		return made{}, err
	}
	if err := s.may(ctx, r, "Create", id); err != nil {
		return made{}, err
	}
	if r.Resumed {
		have, err := s.Access.Attributes(ctx, id)
		if err == nil && slices.Equal(have, want) {
			return made{PhysicalID: arn.Instance(id)}, nil
		}
		if gone(err) != nil {
			return made{}, err
		}
	}
	if err := s.Access.EnableAttributes(ctx, r.Caller.Actor(), id, want); err != nil {
		return made{}, err
	}
	return made{PhysicalID: arn.Instance(id)}, nil
}

func (s attributes) Update(ctx context.Context, r request) (made, error) {
	id, want, err := s.wanted(r.New)
	if err != nil {
		return made{}, err
	}
	if err := s.may(ctx, r, "Update", id); err != nil {
		return made{}, err
	}
	return made{PhysicalID: r.PhysicalID}, s.Access.ReplaceAttributes(ctx, r.Caller.Actor(), id, want)
}

func (s attributes) Delete(ctx context.Context, r request) error {
	id, err := arn.ParseInstance(r.PhysicalID)
	if err != nil {
		return err
	}
	if err := s.may(ctx, r, "Delete", id); err != nil {
		return err
	}
	return gone(s.Access.DisableAttributes(ctx, r.Caller.Actor(), id))
}
