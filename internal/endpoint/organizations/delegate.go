package organizations

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/awswire"
	"gatehouse/internal/organization"
)

// delegateRows are the operations on services that work with the organization and on accounts that administer them.
func (d *Door[P]) delegateRows() []awswire.Operation[P] {
	return []awswire.Operation[P]{
		row(d, "EnableAWSServiceAccess", func(*EnableAWSServiceAccessRequest) ids { return nil }, d.enableServiceAccess),
		row(d, "DisableAWSServiceAccess", func(*DisableAWSServiceAccessRequest) ids { return nil }, d.disableServiceAccess),
		row(d, "ListAWSServiceAccessForOrganization", func(*ListAWSServiceAccessForOrganizationRequest) ids { return nil }, d.listServiceAccess),
		row(d, "RegisterDelegatedAdministrator", func(in *RegisterDelegatedAdministratorRequest) ids { return ids{in.AccountId} }, d.registerDelegate),
		row(d, "DeregisterDelegatedAdministrator", func(in *DeregisterDelegatedAdministratorRequest) ids { return ids{in.AccountId} }, d.deregisterDelegate),
		row(d, "ListDelegatedAdministrators", func(*ListDelegatedAdministratorsRequest) ids { return nil }, d.listDelegates),
		row(d, "ListDelegatedServicesForAccount", func(in *ListDelegatedServicesForAccountRequest) ids { return ids{in.AccountId} }, d.listDelegatedServices),
	}
}

// serving is an input that names a service: it becomes the condition key organizations:ServicePrincipal.
type serving interface{ service() *string }

func (in *EnableAWSServiceAccessRequest) service() *string           { return in.ServicePrincipal }
func (in *DisableAWSServiceAccessRequest) service() *string          { return in.ServicePrincipal }
func (in *RegisterDelegatedAdministratorRequest) service() *string   { return in.ServicePrincipal }
func (in *DeregisterDelegatedAdministratorRequest) service() *string { return in.ServicePrincipal }
func (in *ListDelegatedAdministratorsRequest) service() *string      { return in.ServicePrincipal }

func (d *Door[P]) enableServiceAccess(ctx context.Context, c *awswire.Call[P], in *EnableAWSServiceAccessRequest) (*awswire.Empty, error) {
	return nil, d.org.EnableService(ctx, c.Actor, *in.ServicePrincipal)
}

func (d *Door[P]) disableServiceAccess(ctx context.Context, c *awswire.Call[P], in *DisableAWSServiceAccessRequest) (*awswire.Empty, error) {
	return nil, d.org.DisableService(ctx, c.Actor, *in.ServicePrincipal)
}

func (d *Door[P]) listServiceAccess(ctx context.Context, _ *awswire.Call[P], in *ListAWSServiceAccessForOrganizationRequest) (*ListAWSServiceAccessForOrganizationResponse, error) {
	after, err := awswire.Cursor(in.NextToken, "ListAWSServiceAccessForOrganization")
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	ts, err := d.org.EnabledServices(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	ts, next := awswire.Page(ts, limit, func(t organization.TrustedService) string { return t.Name })
	out := &ListAWSServiceAccessForOrganizationResponse{EnabledServicePrincipals: []EnabledServicePrincipal{}, NextToken: awswire.PageToken(next, "ListAWSServiceAccessForOrganization")}
	for _, t := range ts {
		out.EnabledServicePrincipals = append(out.EnabledServicePrincipals, EnabledServicePrincipal{&t.Name, awswire.At(t.EnabledAt)})
	}
	return out, nil
}

func (d *Door[P]) registerDelegate(ctx context.Context, c *awswire.Call[P], in *RegisterDelegatedAdministratorRequest) (*awswire.Empty, error) {
	return nil, d.org.RegisterDelegate(ctx, c.Actor, *in.AccountId, *in.ServicePrincipal)
}

func (d *Door[P]) deregisterDelegate(ctx context.Context, c *awswire.Call[P], in *DeregisterDelegatedAdministratorRequest) (*awswire.Empty, error) {
	return nil, d.org.DeregisterDelegate(ctx, c.Actor, *in.AccountId, *in.ServicePrincipal)
}

// listDelegates lists accounts; one that administers several services is there once, with its first registration.
func (d *Door[P]) listDelegates(ctx context.Context, _ *awswire.Call[P], in *ListDelegatedAdministratorsRequest) (*ListDelegatedAdministratorsResponse, error) {
	what := []string{"ListDelegatedAdministrators", awswire.Val(in.ServicePrincipal)}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	f := organization.DelegateFilter{Service: awswire.Val(in.ServicePrincipal), Limit: limit + 1}
	var found []organization.Delegate
	for len(found) <= limit {
		// Past every service of the account seen last: service principals are lower-case ASCII.
		f.AfterAccount, f.AfterService = after, "\x7f"
		ds, err := d.org.Delegates(ctx, f)
		if err != nil {
			return nil, err
		}
		if len(ds) == 0 {
			break
		}
		for _, one := range ds {
			if one.AccountID != after {
				after = one.AccountID
				found = append(found, one)
			}
		}
	}
	found, next := awswire.Page(found[:min(len(found), limit+1)], limit, func(d organization.Delegate) string { return d.AccountID })
	out := &ListDelegatedAdministratorsResponse{DelegatedAdministrators: []DelegatedAdministrator{}, NextToken: awswire.PageToken(next, what...)}
	for _, one := range found {
		a, err := d.org.Account(ctx, one.AccountID)
		if err != nil {
			return nil, err
		}
		w, err := d.accounts(ctx, []organization.Account{a})
		if err != nil {
			return nil, err
		}
		out.DelegatedAdministrators = append(out.DelegatedAdministrators, DelegatedAdministrator{
			Id: w[0].Id, Arn: w[0].Arn, Email: w[0].Email, Name: w[0].Name, Status: w[0].Status, State: w[0].State, JoinedMethod: w[0].JoinedMethod,
			JoinedTimestamp: w[0].JoinedTimestamp, DelegationEnabledDate: awswire.At(one.EnabledAt),
		})
	}
	return out, nil
}

func (d *Door[P]) listDelegatedServices(ctx context.Context, _ *awswire.Call[P], in *ListDelegatedServicesForAccountRequest) (*ListDelegatedServicesForAccountResponse, error) {
	what := []string{"ListDelegatedServicesForAccount", *in.AccountId}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	if _, err := d.org.Account(ctx, *in.AccountId); err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	ds, err := d.org.Delegates(ctx, organization.DelegateFilter{AccountID: *in.AccountId, AfterAccount: *in.AccountId, AfterService: after, Limit: limit + 1})
	if err != nil {
		return nil, err
	}
	if len(ds) == 0 && after == "" {
		return nil, organization.ErrNotDelegate(*in.AccountId)
	}
	ds, next := awswire.Page(ds, limit, func(d organization.Delegate) string { return d.Service })
	out := &ListDelegatedServicesForAccountResponse{DelegatedServices: []DelegatedService{}, NextToken: awswire.PageToken(next, what...)}
	for _, one := range ds {
		out.DelegatedServices = append(out.DelegatedServices, DelegatedService{&one.Service, awswire.At(one.EnabledAt)})
	}
	return out, nil
}

// open says which operations a delegated administrator may call as well: those that read. (API reference: «can be called only from
// the organization's management account or by a member account that is a delegated administrator».)
func open(operation string) bool {
	return slices.ContainsFunc([]string{"List", "Describe"}, func(p string) bool { return strings.HasPrefix(operation, p) })
}
