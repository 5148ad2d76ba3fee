package signin

import (
	"context"
	"crypto/subtle"
	"slices"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Reasons of the faults of the OIDC methods: OAuth's own error codes (RFC 6749 §5.2, RFC 8628 §3.5, RFC 7591 §3.2.2).
const (
	InvalidRequest        = "invalid_request"
	InvalidClient         = "invalid_client"
	InvalidGrant          = "invalid_grant"
	InvalidScope          = "invalid_scope"
	InvalidClientMetadata = "invalid_client_metadata"
	InvalidRedirectURI    = "invalid_redirect_uri"
	UnauthorizedClient    = "unauthorized_client"
	UnsupportedGrantType  = "unsupported_grant_type"
	AuthorizationPending  = "authorization_pending"
	SlowDown              = "slow_down"
	ExpiredToken          = "expired_token"
	AccessDenied          = "access_denied"
)

// oauth makes a fault whose Reason is an OAuth error code.
func oauth(code, format string, args ...any) *fault.Fault {
	k := fault.Invalid
	switch code {
	case InvalidClient:
		k = fault.Unauthenticated
	case AccessDenied:
		k = fault.Denied
	case SlowDown:
		k = fault.Throttled
	}
	return fault.New(k, format, args...).For(code)
}

// Registration is what a client says of itself.
type Registration struct {
	// Name is 1–256 printable characters.
	Name string
	// Type must be "public".
	Type string
	// GrantTypes is empty for the device flow.
	GrantTypes []GrantType
	// RedirectURIs are up to ten loopback URLs, at least one with GrantAuthorizationCode.
	RedirectURIs []string
	// Scopes may be empty or name ScopeAccountAccess, the only scope there is.
	Scopes []string
	// IssuerURL is a start URL of this instance, or empty.
	IssuerURL string
}

const (
	maxClientName   = 256
	maxRedirectURIs = 10
)

func (s *Service) checkRegistration(r Registration) error {
	if r.Type != "public" {
		return oauth(InvalidClientMetadata, "clientType must be public").At("clientType")
	}
	if r.Name == "" || len(r.Name) > maxClientName || !utf8.ValidString(r.Name) || hasUnprintable(r.Name) {
		return oauth(InvalidClientMetadata, "clientName must be 1 to %d printable characters", maxClientName).At("clientName")
	}
	for _, g := range r.GrantTypes {
		if g != GrantDeviceCode && g != GrantAuthorizationCode && g != GrantRefreshToken {
			return oauth(UnsupportedGrantType, "a grant type is not supported; use %s, %s and %s", GrantAuthorizationCode, GrantRefreshToken, GrantDeviceCode).At("grantTypes")
		}
	}
	for _, v := range r.Scopes {
		if v != ScopeAccountAccess {
			return oauth(InvalidScope, "a scope is not known; the scope of this instance is %s", ScopeAccountAccess).At("scopes")
		}
	}
	if len(r.RedirectURIs) > maxRedirectURIs || slices.Contains(r.GrantTypes, GrantAuthorizationCode) && len(r.RedirectURIs) == 0 {
		return oauth(InvalidRedirectURI, "register 1 to %d redirectUris for %s", maxRedirectURIs, GrantAuthorizationCode).At("redirectUris")
	}
	for _, u := range r.RedirectURIs {
		if _, ok := loopback(u); !ok {
			return oauth(InvalidRedirectURI, "a redirect URI must be an http URL of 127.0.0.1, [::1] or localhost without a fragment").At("redirectUris")
		}
	}
	if r.IssuerURL != "" && !s.isStartURL(r.IssuerURL) {
		return oauth(InvalidRequest, "the issuer URL does not name this instance").At("issuerUrl")
	}
	return nil
}

func hasUnprintable(s string) bool {
	for _, r := range s {
		// Directional marks would let a name show itself differently on the approval page.
		if !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) {
			return true
		}
	}
	return false
}

// RegisterClient registers an OIDC client and returns its secret, which is shown this once.
//
// Faults by Reason: InvalidClientMetadata, UnsupportedGrantType, InvalidScope, InvalidRedirectURI, InvalidRequest, SlowDown.
func (s *Service) RegisterClient(ctx context.Context, r Registration) (Client, string, error) {
	if err := s.checkRegistration(r); err != nil {
		return Client{}, "", err
	}
	now, secret := s.now(), s.secret("gtcs_")
	if !s.arrivals.allow("client "+Place(ctx), now) {
		return Client{}, "", oauth(SlowDown, "Too many registrations. Wait a moment.")
	}
	c := Client{
		ID: arn.Hex(s.rand, 32), SecretHash: Hash(secret), Name: r.Name,
		GrantTypes: r.GrantTypes, RedirectURIs: r.RedirectURIs, Scopes: slices.Compact(r.Scopes), IssuerURL: r.IssuerURL,
		CreatedAt: now, ExpiresAt: now.Add(ClientLife),
	}
	e := audit.New(ctx, now, anonymous, "sso-oauth:RegisterClient", c.ID).With("clientName", c.Name)
	if err := s.store.InsertClient(ctx, c, e); err != nil {
		return Client{}, "", err
	}
	return c, secret, nil
}

// client authenticates a client by its secret. One answer for every failure: who asks may not learn which ids exist.
func (s *Service) client(ctx context.Context, id, secret string) (Client, error) {
	bad := oauth(InvalidClient, "The client is not registered, its registration has expired, or its secret is wrong.")
	c, err := s.store.Client(ctx, id)
	if err != nil {
		return Client{}, gone(err, bad)
	}
	if subtle.ConstantTimeCompare(Hash(secret), c.SecretHash) != 1 || !s.now().Before(c.ExpiresAt) {
		return Client{}, bad
	}
	return c, nil
}

// May reports whether the client was registered for the grant type. A registration that named none may use the device flow and refresh.
func (c Client) May(g GrantType) bool {
	if len(c.GrantTypes) == 0 {
		return g == GrantDeviceCode || g == GrantRefreshToken
	}
	return slices.Contains(c.GrantTypes, g)
}

// refreshes reports whether tokens of these scopes come with a refresh token for the client.
func (c Client) refreshes(scopes []string) bool {
	return c.May(GrantRefreshToken) && slices.Contains(scopes, ScopeAccountAccess)
}
