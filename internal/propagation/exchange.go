package propagation

import (
	"context"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/signin"
)

// Request is what an application asks for (CreateTokenWithIAM). Members that its grant type does not use are ignored; an absent one is empty.
type Request struct {
	// Application is who asks. That the caller may act as it was decided before.
	Application arn.InInstance
	// Account is the caller's: the identity context is for roles that are assumed from there.
	Account                                        string
	GrantType                                      application.GrantType
	Code, RedirectURI, CodeVerifier                string
	RefreshToken                                   string
	Assertion                                      string
	SubjectToken, SubjectTokenType, RequestedToken string
	// Scopes narrow what is granted; none asks for all.
	Scopes []string
}

// Issued is the answer to a request.
type Issued struct {
	AccessToken string
	// RefreshToken is empty for a grant that gets none. A refresh always has one.
	RefreshToken string
	// Type is the RFC 8693 type of what was asked for.
	Type string
	// Life is how long the access token lasts.
	Life   time.Duration
	Scopes []string
	// IDToken comes with the scope openid, IdentityContext with sts:identity_context; else empty.
	IDToken, IdentityContext string
}

// issuing is an answer together with the rows to keep of it.
type issuing struct {
	Issued
	tokens Tokens
}

func missing(t application.GrantType, members string) error {
	return oauth(signin.InvalidRequest, "the grant type %s needs %s", t, members)
}

// CreateToken issues tokens to an application for a person.
//
// Faults by Reason: UnsupportedGrantType, UnauthorizedClient (the application is disabled, or not configured for the grant type), InvalidRequest (a member
// is missing), InvalidGrant (what was shown is worth nothing), InvalidScope, AccessDenied (the person may not use the application). Denied for an
// application that is not there.
func (s *Service) CreateToken(ctx context.Context, by audit.Actor, r Request) (Issued, error) {
	a, err := s.cfg.Applications.Application(ctx, r.Application)
	if err != nil {
		return Issued{}, hide(err, oauth(signin.AccessDenied, "No access to the application %s", arn.Application(r.Application)))
	}
	exchange := map[application.GrantType]func(context.Context, audit.Actor, application.Application, Request) (Issued, error){
		application.AuthorizationCode: s.exchangeCode, application.RefreshToken: s.refresh, application.JWTBearer: s.exchangeAssertion, application.TokenExchange: s.exchangeToken,
	}[r.GrantType]
	switch {
	case exchange == nil:
		return Issued{}, oauth(signin.UnsupportedGrantType, "the grant type is not supported; use one of %s", types())
	case a.Disabled:
		return Issued{}, oauth(signin.UnauthorizedClient, "the application is disabled")
	case !a.Grants.Has(r.GrantType):
		return Issued{}, oauth(signin.UnauthorizedClient, "the application has no grant %s; see PutApplicationGrant", r.GrantType)
	}
	return exchange(ctx, by, a, r)
}

func types() string {
	var all []string
	for _, t := range application.Types() {
		all = append(all, string(t))
	}
	return strings.Join(all, ", ")
}

// event is what the audit trail says of an issue.
func (s *Service) event(ctx context.Context, by audit.Actor, a application.Application, g Grant, r Request) audit.Event {
	return audit.New(ctx, s.now(), by, "sso-oauth:CreateTokenWithIAM", a.ARN()).With("grantType", string(r.GrantType)).With("userId", g.UserID).
		With("credentialId", g.ID).With("scopes", strings.Join(g.Scopes, " "))
}

// issue makes tokens, not stored yet, for the person of a grant, if she may use the application now. The access token has the grant's scopes.
func (s *Service) issue(ctx context.Context, a application.Application, g Grant, r Request, refresh bool) (issuing, error) {
	n, err := arn.ParseApplication(g.Application)
	if err != nil {
		return issuing{}, err
	}
	if _, err := s.user(ctx, n, g.UserID, g.CreatedAt); err != nil {
		return issuing{}, err
	}
	now := s.now()
	end := now.Add(AccessLife)
	if g.ExpiresAt.Before(end) {
		end = g.ExpiresAt
	}
	i := issuing{Issued: Issued{AccessToken: s.secret("gtat_"), Type: TypeAccessToken, Life: end.Sub(now), Scopes: g.Scopes}}
	i.tokens.Access = AccessToken{Hash: signin.Hash(i.AccessToken), GrantID: g.ID, Scopes: g.Scopes, CreatedAt: now, ExpiresAt: end}
	if refresh {
		i.RefreshToken = s.secret(signin.OrdinaryRefresh)
		i.tokens.Refresh = &RefreshToken{Hash: signin.Hash(i.RefreshToken), GrantID: g.ID, CreatedAt: now, ExpiresAt: g.ExpiresAt}
	}
	if slices.Contains(g.Scopes, ScopeIdentityContext) {
		if i.IdentityContext, err = s.sealContext(g, r.Account, identity, end); err != nil {
			return issuing{}, err
		}
	}
	if slices.Contains(g.Scopes, ScopeOpenID) {
		if i.IDToken, err = s.idToken(ctx, a, g, r.Account, i.IdentityContext, now, end); err != nil {
			return issuing{}, err
		}
	}
	return i, nil
}

// exchangeAssertion begins a grant with the assertion of a trusted token issuer (RFC 7523 §2.1).
func (s *Service) exchangeAssertion(ctx context.Context, by audit.Actor, a application.Application, r Request) (Issued, error) {
	if r.Assertion == "" {
		return Issued{}, missing(r.GrantType, "assertion")
	}
	granted, err := scopes(a, r.Scopes)
	if err != nil {
		return Issued{}, err
	}
	v, err := s.vouched(ctx, a, r.Assertion)
	if err != nil {
		return Issued{}, err
	}
	settings, err := s.cfg.Sessions.Settings(ctx)
	if err != nil {
		return Issued{}, err
	}
	now := s.now()
	g := Grant{ID: arn.UUID(s.cfg.Rand), Application: a.ARN(), UserID: v.userID, Began: application.JWTBearer, Issuer: v.issuer.ARN(), Scopes: granted,
		AuthenticatedAt: now, CreatedAt: now, ExpiresAt: now.Add(settings.SessionLength)}
	i, err := s.issue(ctx, a, g, r, a.Grants.RefreshToken)
	if err != nil {
		return Issued{}, err
	}
	var used *Assertion
	if v.claims.ID != "" {
		used = &Assertion{spent(v.issuer.ARN(), v.claims.ID), v.claims.Until}
	}
	err = s.store.Begin(ctx, g, i.tokens, used, s.event(ctx, by, a, g, r).With("issuer", g.Issuer))
	if f := fault.Of(err); f != nil && f.Reason == "replay" {
		return Issued{}, oauth(signin.InvalidGrant, "The assertion was used before.").Because(err)
	}
	return i.Issued, err
}

// voucher is an assertion that was believed.
type voucher struct {
	issuer application.Issuer
	claims jwt.Claims
	userID string
}

// vouched verifies an assertion as one of the issuers that the application accepts, with that one's keys, audiences and mapping. There may be several of one
// URL; the first of which all holds counts.
func (s *Service) vouched(ctx context.Context, a application.Application, assertion string) (voucher, error) {
	url, err := jwt.Issuer(assertion)
	if err != nil {
		return voucher{}, err
	}
	accepted, err := s.cfg.Applications.Accepts(ctx, a, url)
	if err != nil {
		return voucher{}, err
	}
	for _, as := range accepted {
		var claims jwt.Claims
		if claims, err = s.cfg.Assertions.Verify(ctx, assertion, as.Issuer.URL, as.Audiences); err != nil {
			if fault.Is(err, fault.Unavailable) {
				// Whether the issuer answers is not this server's failure; who set it up finds the cause in the log.
				s.cfg.Log.WarnContext(ctx, "the keys of a trusted token issuer cannot be had", "issuer", as.Issuer.ARN(), "url", as.Issuer.URL, "error", err)
				err = oauth(signin.InvalidGrant, "The token issuer's keys cannot be had; the server's log says why.").Because(err)
			}
			continue
		}
		value, ok := claims.Text(as.Issuer.ClaimPath)
		if !ok {
			err = oauth(signin.InvalidGrant, "The assertion has no claim %s, which says who the user is.", as.Issuer.ClaimPath)
			continue
		}
		u, named := s.cfg.Applications.Named(ctx, as.Issuer, value)
		if named != nil {
			err = named
			continue
		}
		return voucher{as.Issuer, claims, u.ID}, nil
	}
	return voucher{}, err
}

// exchangeToken begins a grant with another application's token (RFC 8693).
func (s *Service) exchangeToken(ctx context.Context, by audit.Actor, a application.Application, r Request) (Issued, error) {
	if r.SubjectToken == "" {
		return Issued{}, missing(r.GrantType, "subjectToken and subjectTokenType")
	}
	if r.SubjectTokenType != TypeAccessToken {
		return Issued{}, oauth(signin.InvalidRequest, "subjectTokenType must be %s", TypeAccessToken)
	}
	switch r.RequestedToken {
	case "", TypeAccessToken:
	case TypeRefreshToken:
		if !a.BackgroundSessions {
			return Issued{}, oauth(signin.UnauthorizedClient, "the application may have no background sessions; see PutApplicationSessionConfiguration")
		}
	default:
		return Issued{}, oauth(signin.InvalidRequest, "requestedTokenType must be %s or %s", TypeAccessToken, TypeRefreshToken)
	}
	now := s.now() // before the token is looked at: what ends it while it is exchanged ends what comes of it
	t, parent, err := s.bearer(ctx, r.SubjectToken)
	if err != nil {
		return Issued{}, err
	}
	granted, err := s.exchangeable(ctx, a, t, parent, r.Scopes)
	if err != nil {
		return Issued{}, err
	}
	g := Grant{ID: arn.UUID(s.cfg.Rand), Application: a.ARN(), UserID: parent.UserID, Began: application.TokenExchange, SessionID: parent.SessionID, SourceID: parent.SourceID, Issuer: parent.Issuer,
		Background: parent.Background, Scopes: granted, AuthenticatedAt: parent.AuthenticatedAt, CreatedAt: now, ExpiresAt: parent.ExpiresAt}
	background := r.RequestedToken == TypeRefreshToken
	if background && !parent.Background { // else a job could prolong itself for ever
		g.SessionID, g.Background, g.ExpiresAt = "", true, now.Add(BackgroundLife)
	}
	i, err := s.issue(ctx, a, g, r, background)
	if err != nil {
		return Issued{}, err
	}
	if background {
		i.Type = TypeRefreshToken
	}
	return i.Issued, s.store.Begin(ctx, g, i.tokens, nil, s.event(ctx, by, a, g, r).With("subject", parent.Application).With("subjectCredentialId", parent.ID))
}

// bearer returns a token that is good now, and its grant.
func (s *Service) bearer(ctx context.Context, token string) (AccessToken, Grant, error) {
	bad := oauth(signin.InvalidGrant, "The subject token is unknown or expired, or the sign-in behind it is over.")
	t, g, err := s.store.AccessToken(ctx, signin.Hash(token))
	if err != nil {
		return t, g, hide(err, bad)
	}
	if !s.now().Before(t.ExpiresAt) {
		return t, g, bad
	}
	if err := s.lives(ctx, g); err != nil {
		return t, g, hide(err, bad)
	}
	n, err := arn.ParseApplication(g.Application)
	if err != nil {
		return t, g, bad.Because(err)
	}
	if _, err := s.user(ctx, n, g.UserID, g.CreatedAt); err != nil {
		return t, g, hide(err, bad)
	}
	return t, g, nil
}

// exchangeable says which scopes an application gets for a token of another. The token must have a scope that the other application is still
// configured with, and among whose targets this one is; then this one's own scopes count. An application that exchanges its own token gets no more than the
// token has.
func (s *Service) exchangeable(ctx context.Context, a application.Application, t AccessToken, g Grant, asked []string) ([]string, error) {
	granted, err := scopes(a, asked)
	if err != nil {
		return nil, err
	}
	if g.Application == a.ARN() {
		var may []string
		for _, sc := range granted {
			if slices.Contains(t.Scopes, sc) {
				may = append(may, sc)
			}
		}
		if len(asked) == 0 {
			asked = may
		}
		return within(may, asked)
	}
	no := oauth(signin.InvalidGrant, "The subject token has no scope whose authorized targets include this application.")
	n, err := arn.ParseApplication(g.Application)
	if err != nil {
		return nil, no.Because(err)
	}
	other, err := s.cfg.Applications.Application(ctx, n)
	if err != nil {
		return nil, hide(err, no)
	}
	for _, name := range t.Scopes {
		if sc, err := other.Scope(name); err == nil && (len(sc.Targets) == 0 || slices.Contains(sc.Targets, a.ARN()) || slices.Contains(sc.Targets, arn.Instance(a.InstanceID))) {
			return granted, nil
		}
	}
	return nil, no
}
