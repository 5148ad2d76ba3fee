package accountaccess

import (
	"context"
	"slices"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

func (d *Door[P]) createEntitlement(ctx context.Context, c *awswire.Call[P], n arn.Manager, in *CreateEntitlementRequest) (*CreateEntitlementResponse, error) {
	e := in.Entitlement.PrincipalRole
	en, err := d.Access.Entitle(ctx, c.Actor, n, fromPrincipal(e.Principal), *e.RoleArn)
	if err != nil {
		return nil, err
	}
	return &CreateEntitlementResponse{EntitlementId: &en.ID}, nil
}

// fromPrincipal reads whom an entitlement is for. The shapes have seen to it that exactly one is named.
func fromPrincipal(p *Principal) access.Principal {
	if id := p.IdentityCenter.UserId; id != nil {
		return access.Principal{Type: access.User, ID: *id}
	}
	return access.Principal{Type: access.Group, ID: *p.IdentityCenter.GroupId}
}

func toPrincipal(p access.Principal) *Principal {
	if p.Type == access.User {
		return &Principal{IdentityCenter: &IdentityCenterPrincipal{UserId: &p.ID}}
	}
	return &Principal{IdentityCenter: &IdentityCenterPrincipal{GroupId: &p.ID}}
}

func (d *Door[P]) deleteEntitlement(ctx context.Context, c *awswire.Call[P], n arn.Manager, in *DeleteEntitlementRequest) (*struct{}, error) {
	return nil, d.Access.Disentitle(ctx, c.Actor, n, *in.EntitlementId)
}

func (d *Door[P]) getEntitlement(ctx context.Context, _ *awswire.Call[P], n arn.Manager, in *GetEntitlementRequest) (*GetEntitlementResponse, error) {
	en, err := d.Access.RoleEntitlement(ctx, n, *in.EntitlementId)
	if err != nil {
		return nil, err
	}
	names, err := d.names(ctx, []access.RoleEntitlement{en})
	if err != nil {
		return nil, err
	}
	return &GetEntitlementResponse{ApplicationArn: in.ApplicationArn, EntitlementId: &en.ID, Entitlement: details(en, names), CreatedAt: text(en.CreatedAt)}, nil
}

// listEntitlements: everything that the filter names must match.
func (d *Door[P]) listEntitlements(ctx context.Context, _ *awswire.Call[P], n arn.Manager, in *ListEntitlementsRequest) (*ListEntitlementsResponse, error) {
	f, none, err := filter(in.Filter)
	if err != nil {
		return nil, err
	}
	what := []string{"ListEntitlements", n.String(), f.AccountID, f.Role, string(f.Principal.Type), f.Principal.ID}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	if none {
		_, err := d.Access.Manager(ctx, n)
		return &ListEntitlementsResponse{Entitlements: []EntitlementsListMember{}}, err
	}
	limit := awswire.Limit(in.MaxResults)
	ens, err := d.Access.RoleEntitlements(ctx, n, f, place(after), limit+1)
	if err != nil {
		return nil, err
	}
	ens, next := awswire.Page(ens, limit, func(en access.RoleEntitlement) string {
		return cursor(access.EntitlementPlace{AccountID: en.AccountID, Role: en.Role, Principal: en.Principal})
	})
	names, err := d.names(ctx, ens)
	if err != nil {
		return nil, err
	}
	out := &ListEntitlementsResponse{Entitlements: []EntitlementsListMember{}, NextToken: awswire.PageToken(next, what...)}
	for _, en := range ens {
		out.Entitlements = append(out.Entitlements, EntitlementsListMember{EntitlementId: &en.ID, Entitlement: details(en, names), CreatedAt: text(en.CreatedAt)})
	}
	return out, nil
}

// filter reads a filter. none is true if it names a role and another account: nothing matches both.
func filter(in *EntitlementFilter) (f access.EntitlementFilter, none bool, err error) {
	by := in.PrincipalRole
	if by == nil {
		return f, false, nil
	}
	if by.Principal != nil {
		f.Principal = fromPrincipal(by.Principal)
	}
	f.AccountID = awswire.Val(by.Account)
	if by.RoleArn == nil {
		return f, false, nil
	}
	account, role, err := arn.ParseRole(*by.RoleArn)
	if err != nil {
		return f, false, err
	}
	none = f.AccountID != "" && f.AccountID != account
	f.AccountID, f.Role = account, role
	return f, none, nil
}

// names returns what the accounts of entitlements are called.
func (d *Door[P]) names(ctx context.Context, ens []access.RoleEntitlement) (map[string]string, error) {
	var ids []string
	for _, en := range ens {
		ids = append(ids, en.AccountID)
	}
	slices.Sort(ids)
	out := map[string]string{}
	if len(ids) == 0 {
		return out, nil
	}
	accounts, err := d.Accounts.AccountsByID(ctx, slices.Compact(ids))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	for _, a := range accounts {
		out[a.ID] = a.Name
	}
	return out, nil
}

func details(en access.RoleEntitlement, names map[string]string) *EntitlementDetails {
	return &EntitlementDetails{PrincipalRole: &PrincipalRoleEntitlementDetails{
		Principal: toPrincipal(en.Principal), RoleArn: new(en.RoleARN()), Account: &en.AccountID, AccountName: awswire.Opt(names[en.AccountID]),
	}}
}
