package ssoadmin

import (
	"context"
	"slices"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// putScope refuses an application of another account the scope with which it would act as people in every account. The portal's API looks again when a token is used.
func (d *Door[P]) putScope(ctx context.Context, c *awswire.Call[P], p place, in *PutApplicationAccessScopeRequest) (*awswire.Empty, error) {
	if *in.Scope == signin.ScopeAccountAccess {
		ok, err := d.administering(ctx, p.application.AccountID)
		if err == nil && !ok {
			err = fault.New(fault.Denied, "With the scope %s an application acts as people in every account, so only applications of the management account and of the delegated administrator of IAM Identity Center may have it", *in.Scope)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, d.Applications.PutScope(ctx, c.Actor, p.application, application.Scope{Name: *in.Scope, Targets: in.AuthorizedTargets})
}

func (d *Door[P]) getScope(ctx context.Context, _ *awswire.Call[P], p place, in *GetApplicationAccessScopeRequest) (*GetApplicationAccessScopeResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	s, err := a.Scope(*in.Scope)
	if err != nil {
		return nil, err
	}
	return &GetApplicationAccessScopeResponse{Scope: new(s.Name), AuthorizedTargets: s.Targets}, nil
}

func (d *Door[P]) deleteScope(ctx context.Context, c *awswire.Call[P], p place, in *DeleteApplicationAccessScopeRequest) (*awswire.Empty, error) {
	return nil, d.Applications.DeleteScope(ctx, c.Actor, p.application, *in.Scope)
}

// mostScopes is the longest page of access scopes that the model allows.
const mostScopes = 10

func (d *Door[P]) listScopes(ctx context.Context, _ *awswire.Call[P], p place, in *ListApplicationAccessScopesRequest) (*ListApplicationAccessScopesResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	what := []string{"ListApplicationAccessScopes", p.application.ID}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(a.Scopes, func(s application.Scope) bool { return s.Name <= after })
	rest, next := awswire.Page(rest, min(awswire.Limit(in.MaxResults), mostScopes), func(s application.Scope) string { return s.Name })
	out := &ListApplicationAccessScopesResponse{Scopes: []ScopeDetails{}, NextToken: awswire.PageToken(next, what...)}
	for _, s := range rest {
		out.Scopes = append(out.Scopes, ScopeDetails{Scope: new(s.Name), AuthorizedTargets: s.Targets})
	}
	return out, nil
}

func (d *Door[P]) putMethod(ctx context.Context, c *awswire.Call[P], p place, in *PutApplicationAuthenticationMethodRequest) (*awswire.Empty, error) {
	// The method's type and its parameters both have only one form, IAM, and both are required.
	return nil, d.Applications.PutActorPolicy(ctx, c.Actor, p.application, string(in.AuthenticationMethod.Iam.ActorPolicy))
}

func (d *Door[P]) getMethod(ctx context.Context, _ *awswire.Call[P], p place, _ *GetApplicationAuthenticationMethodRequest) (*GetApplicationAuthenticationMethodResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	if a.ActorPolicy == "" {
		return nil, application.NoMethod(p.application)
	}
	return &GetApplicationAuthenticationMethodResponse{AuthenticationMethod: method(a)}, nil
}

func method(a application.Application) *AuthenticationMethod {
	return &AuthenticationMethod{Iam: &IamAuthenticationMethod{ActorPolicy: awswire.Document(a.ActorPolicy)}}
}

func (d *Door[P]) deleteMethod(ctx context.Context, c *awswire.Call[P], p place, _ *DeleteApplicationAuthenticationMethodRequest) (*awswire.Empty, error) {
	return nil, d.Applications.PutActorPolicy(ctx, c.Actor, p.application, "")
}

// listMethods has no pages: there is one kind of method.
func (d *Door[P]) listMethods(ctx context.Context, _ *awswire.Call[P], p place, in *ListApplicationAuthenticationMethodsRequest) (*ListApplicationAuthenticationMethodsResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	if _, err := awswire.Cursor(in.NextToken, "ListApplicationAuthenticationMethods"); err != nil {
		return nil, err
	}
	out := &ListApplicationAuthenticationMethodsResponse{AuthenticationMethods: []AuthenticationMethodItem{}}
	if a.ActorPolicy != "" {
		out.AuthenticationMethods = append(out.AuthenticationMethods, AuthenticationMethodItem{AuthenticationMethodType: new("IAM"), AuthenticationMethod: method(a)})
	}
	return out, nil
}

func (d *Door[P]) putGrant(ctx context.Context, c *awswire.Call[P], p place, in *PutApplicationGrantRequest) (*awswire.Empty, error) {
	t, g, err := fromGrant(in.Grant)
	if err != nil {
		return nil, err
	}
	if string(t) != *in.GrantType {
		return nil, fault.New(fault.Invalid, "The grant is of type %s and GrantType says %s", t, *in.GrantType).At("GrantType")
	}
	return nil, d.Applications.PutGrant(ctx, c.Actor, p.application, t, g)
}

// fromGrant reads a grant, of which exactly one form is set.
func fromGrant(g *Grant) (application.GrantType, application.Grants, error) {
	switch {
	case g.AuthorizationCode != nil:
		return application.AuthorizationCode, application.Grants{RedirectURIs: g.AuthorizationCode.RedirectUris}, nil
	case g.RefreshToken != nil:
		return application.RefreshToken, application.Grants{RefreshToken: true}, nil
	case g.TokenExchange != nil:
		return application.TokenExchange, application.Grants{TokenExchange: true}, nil
	}
	var out []application.TrustedIssuer
	for _, i := range g.JwtBearer.AuthorizedTokenIssuers {
		if i.TrustedTokenIssuerArn == nil {
			return "", application.Grants{}, fault.New(fault.Invalid, "An authorized token issuer is named by TrustedTokenIssuerArn").At("TrustedTokenIssuerArn")
		}
		n, err := arn.ParseTrustedTokenIssuer(*i.TrustedTokenIssuerArn)
		if err != nil {
			return "", application.Grants{}, err
		}
		out = append(out, application.TrustedIssuer{AccountID: n.AccountID, InstanceID: n.InstanceID, IssuerID: n.ID, Audiences: i.AuthorizedAudiences})
	}
	return application.JWTBearer, application.Grants{Issuers: out}, nil
}

func toGrant(t application.GrantType, g application.Grants) *Grant {
	switch t {
	case application.AuthorizationCode:
		return &Grant{AuthorizationCode: &AuthorizationCodeGrant{RedirectUris: g.RedirectURIs}}
	case application.RefreshToken:
		return &Grant{RefreshToken: &RefreshTokenGrant{}}
	case application.TokenExchange:
		return &Grant{TokenExchange: &TokenExchangeGrant{}}
	}
	out := &JwtBearerGrant{}
	for _, i := range g.Issuers {
		out.AuthorizedTokenIssuers = append(out.AuthorizedTokenIssuers, AuthorizedTokenIssuer{TrustedTokenIssuerArn: new(i.ARN()), AuthorizedAudiences: i.Audiences})
	}
	return &Grant{JwtBearer: out}
}

func (d *Door[P]) getGrant(ctx context.Context, _ *awswire.Call[P], p place, in *GetApplicationGrantRequest) (*GetApplicationGrantResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	t := application.GrantType(*in.GrantType)
	g, err := a.Grant(t)
	if err != nil {
		return nil, err
	}
	return &GetApplicationGrantResponse{Grant: toGrant(t, g)}, nil
}

func (d *Door[P]) deleteGrant(ctx context.Context, c *awswire.Call[P], p place, in *DeleteApplicationGrantRequest) (*awswire.Empty, error) {
	return nil, d.Applications.DeleteGrant(ctx, c.Actor, p.application, application.GrantType(*in.GrantType))
}

// listGrants has no pages: there are four types.
func (d *Door[P]) listGrants(ctx context.Context, _ *awswire.Call[P], p place, in *ListApplicationGrantsRequest) (*ListApplicationGrantsResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	if _, err := awswire.Cursor(in.NextToken, "ListApplicationGrants"); err != nil {
		return nil, err
	}
	out := &ListApplicationGrantsResponse{Grants: []GrantItem{}}
	for _, t := range application.Types() {
		if a.Grants.Has(t) {
			out.Grants = append(out.Grants, GrantItem{GrantType: new(string(t)), Grant: toGrant(t, a.Grants.Only(t))})
		}
	}
	return out, nil
}

func (d *Door[P]) putSessions(ctx context.Context, c *awswire.Call[P], p place, in *PutApplicationSessionConfigurationRequest) (*PutApplicationSessionConfigurationResponse, error) {
	_, err := d.Applications.Update(ctx, c.Actor, p.application, "PutApplicationSessionConfiguration", func(a *application.Application) error {
		if in.UserBackgroundSessionApplicationStatus != nil {
			a.BackgroundSessions = *in.UserBackgroundSessionApplicationStatus == "ENABLED"
		}
		return nil
	})
	return &PutApplicationSessionConfigurationResponse{}, err
}

func (d *Door[P]) getSessions(ctx context.Context, _ *awswire.Call[P], p place, _ *GetApplicationSessionConfigurationRequest) (*GetApplicationSessionConfigurationResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	return &GetApplicationSessionConfigurationResponse{UserBackgroundSessionApplicationStatus: new(enabled(a.BackgroundSessions))}, nil
}
