package propagation

import (
	"context"
	"slices"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// AuthorizationClient returns the application that an authorization request names by its ARN, as the pages know a client. An error of it is shown to
// the person and never sent to the redirect URI, because that is what is in doubt (RFC 6749 §4.1.2.1). Redirect URIs are compared letter by letter
// (RFC 9700 §2.1).
//
// Faults: Invalid with Reason InvalidRequest, InvalidRedirectURI, InvalidClient or UnauthorizedClient.
func (s *Service) AuthorizationClient(ctx context.Context, r signin.AuthorizationRequest) (signin.Client, error) {
	unknown := oauth(signin.InvalidClient, "The application that sent you here is not known, or not in use.")
	n, err := arn.ParseApplication(r.ClientID)
	if err != nil {
		return signin.Client{}, unknown
	}
	a, err := s.cfg.Applications.Application(ctx, n)
	if err != nil {
		return signin.Client{}, hide(err, unknown)
	}
	switch {
	case a.Disabled:
		return signin.Client{}, unknown
	case !a.Grants.Has(application.AuthorizationCode):
		return signin.Client{}, oauth(signin.UnauthorizedClient, "The application that sent you here is not set up for this kind of sign-in.")
	case !slices.Contains(a.Grants.RedirectURIs, r.RedirectURI):
		return signin.Client{}, oauth(signin.InvalidRedirectURI, "The application that sent you here names an address to return to that it is not set up for.")
	case len(r.State) > signin.MaxState:
		return signin.Client{}, oauth(signin.InvalidRequest, "The parameter state is too long.")
	}
	may, err := scopes(a, nil)
	if err != nil {
		return signin.Client{}, err
	}
	return signin.Client{ID: r.ClientID, Name: a.Name, GrantTypes: []signin.GrantType{signin.GrantAuthorizationCode}, RedirectURIs: a.Grants.RedirectURIs, Scopes: may}, nil
}

// Authorize issues an authorization code: the person has approved the request, which is checked again here.
//
// Faults: as AuthorizationClient and signin.CheckAuthorization; Denied for a person who may not use the application.
func (s *Service) Authorize(ctx context.Context, who signin.Identity, r signin.AuthorizationRequest) (code string, err error) {
	c, err := s.AuthorizationClient(ctx, r)
	if err != nil {
		return "", err
	}
	if err := signin.CheckAuthorization(c, r); err != nil {
		return "", err
	}
	n, err := arn.ParseApplication(r.ClientID)
	if err != nil {
		return "", err
	}
	if _, err := s.user(ctx, n, who.User.ID, who.Session.CreatedAt); err != nil {
		return "", err
	}
	granted, err := within(c.Scopes, r.Scopes)
	if err != nil {
		return "", err
	}
	now, code := s.now(), s.secret("gtac_")
	k := Code{
		Hash: signin.Hash(code), Application: r.ClientID, RedirectURI: r.RedirectURI, Challenge: r.Challenge, Scopes: granted, GrantID: arn.UUID(s.cfg.Rand),
		UserID: who.User.ID, SessionID: who.Session.ID, CreatedAt: now, ExpiresAt: now.Add(signin.CodeLife),
	}
	e := audit.New(ctx, now, who.Actor(), "signin:Authorize", k.GrantID).With("clientId", c.ID).With("clientName", c.Name)
	return code, s.store.InsertCode(ctx, k, e)
}

// exchangeCode begins a grant with an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
func (s *Service) exchangeCode(ctx context.Context, by audit.Actor, a application.Application, r Request) (Issued, error) {
	if r.Code == "" || r.RedirectURI == "" || r.CodeVerifier == "" {
		return Issued{}, missing(r.GrantType, "code, redirectUri and codeVerifier")
	}
	bad := oauth(signin.InvalidGrant, "The authorization code is unknown, expired or used, or does not belong to this request.")
	hash := signin.Hash(r.Code)
	k, err := s.store.Code(ctx, hash)
	if err != nil {
		return Issued{}, hide(err, bad)
	}
	now := s.now()
	switch {
	case k.Application != a.ARN():
		return Issued{}, bad
	case !k.UsedAt.IsZero():
		return Issued{}, s.reused(ctx, k.GrantID, bad)
	case !now.Before(k.ExpiresAt), r.RedirectURI != k.RedirectURI, !slices.Contains(a.Grants.RedirectURIs, k.RedirectURI), !signin.Verifies(r.CodeVerifier, k.Challenge):
		return Issued{}, bad
	}
	who, err := s.cfg.Sessions.Approver(ctx, k.UserID, k.SessionID)
	if err != nil {
		return Issued{}, hide(err, bad)
	}
	granted, err := within(k.Scopes, r.Scopes)
	if err != nil {
		return Issued{}, err
	}
	g := Grant{ID: k.GrantID, Application: a.ARN(), UserID: k.UserID, Began: application.AuthorizationCode, SessionID: k.SessionID, SourceID: who.Session.Proof.SourceID, Scopes: granted,
		AuthenticatedAt: who.Session.CreatedAt, CreatedAt: now, ExpiresAt: who.Session.ExpiresAt}
	i, err := s.issue(ctx, a, g, r, a.Grants.RefreshToken)
	if err != nil {
		return Issued{}, err
	}
	err = s.store.ExchangeCode(ctx, hash, now, g, i.tokens, s.event(ctx, by, a, g, r))
	if fault.Is(err, fault.Conflict) {
		return Issued{}, s.reused(ctx, k.GrantID, bad)
	}
	return i.Issued, err
}
