package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// AuthorizationRequest is the query of GET /authorize (RFC 6749 §4.1.1, RFC 7636 §4.3).
type AuthorizationRequest struct {
	ResponseType, ClientID, RedirectURI, State string
	Challenge, ChallengeMethod                 string
	// Scopes is the parameter `scopes` (AWS's spelling), divided at spaces; empty means all that were registered.
	Scopes []string
}

// MaxState bounds what is echoed, in bytes.
const MaxState = 1024

// AuthorizationClient returns the client of an authorization request. An error of it is shown to the person and never sent to the redirect
// URI, because that is what is in doubt (RFC 6749 §4.1.2.1).
//
// Faults: Invalid with Reason InvalidRequest, InvalidRedirectURI, or UnauthorizedClient; Unauthenticated InvalidClient.
func (s *Service) AuthorizationClient(ctx context.Context, r AuthorizationRequest) (Client, error) {
	bad := oauth(InvalidClient, "The program that sent you here is not registered, or its registration has expired.")
	c, err := s.store.Client(ctx, r.ClientID)
	if err != nil {
		return Client{}, gone(err, bad)
	}
	switch {
	case !s.now().Before(c.ExpiresAt):
		return Client{}, bad
	case !c.May(GrantAuthorizationCode):
		return Client{}, oauth(UnauthorizedClient, "The program that sent you here is not registered for this kind of sign-in.")
	case !redirectAllowed(c.RedirectURIs, r.RedirectURI):
		return Client{}, oauth(InvalidRedirectURI, "The program that sent you here names an address to return to that it did not register.")
	case len(r.State) > MaxState:
		return Client{}, oauth(InvalidRequest, "The parameter state is too long.")
	}
	return c, nil
}

// CheckAuthorization checks the rest of an authorization request. Its errors go to the redirect URI; their Reason is the parameter `error`.
func CheckAuthorization(c Client, r AuthorizationRequest) error {
	switch {
	case r.ResponseType != "code":
		return oauth("unsupported_response_type", "response_type must be code")
	case r.ChallengeMethod != "S256":
		return oauth(InvalidRequest, "code_challenge_method must be S256")
	case !isChallenge(r.Challenge):
		return oauth(InvalidRequest, "code_challenge must be the 43 characters of BASE64URL(SHA256(code_verifier))")
	}
	for _, v := range r.Scopes {
		if !slices.Contains(c.Scopes, v) {
			return oauth(InvalidScope, "a scope was not registered")
		}
	}
	return nil
}

func isChallenge(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == sha256.Size && len(s) == 43
}

// isVerifier is RFC 7636 §4.1: 43 to 128 unreserved characters.
func isVerifier(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	})
}

// Authorize issues an authorization code: the person has approved the request. The request is checked again here; errors are as
// for AuthorizationClient and CheckAuthorization.
func (s *Service) Authorize(ctx context.Context, who Identity, r AuthorizationRequest) (code string, err error) {
	c, err := s.AuthorizationClient(ctx, r)
	if err != nil {
		return "", err
	}
	if err := CheckAuthorization(c, r); err != nil {
		return "", err
	}
	scopes := r.Scopes
	if len(scopes) == 0 {
		scopes = c.Scopes
	}
	now, code := s.now(), s.secret("gtac_")
	k := Code{
		Hash: Hash(code), ClientID: c.ID, RedirectURI: r.RedirectURI, Challenge: r.Challenge, Scopes: slices.Compact(slices.Clone(scopes)),
		GrantID: arn.UUID(s.rand), UserID: who.User.ID, SessionID: who.Session.ID, CreatedAt: now, ExpiresAt: now.Add(CodeLife),
	}
	e := audit.New(ctx, now, who.Actor(), "signin:Authorize", k.GrantID).With("clientId", c.ID).With("clientName", c.Name)
	if err := s.store.InsertCode(ctx, k, e); err != nil {
		return "", gone(err, fault.New(fault.Unauthenticated, "You are not signed in."))
	}
	return code, nil
}

// ExchangeCode exchanges an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5). A code that is shown twice by its own client revokes
// what the first exchange got (RFC 6749 §4.1.2).
//
// Faults by Reason: InvalidClient, UnauthorizedClient, InvalidGrant, AccessDenied.
func (s *Service) ExchangeCode(ctx context.Context, clientID, clientSecret string, x CodeExchange) (Issued, error) {
	c, err := s.client(ctx, clientID, clientSecret)
	if err != nil {
		return Issued{}, err
	}
	if !c.May(GrantAuthorizationCode) {
		return Issued{}, oauth(UnauthorizedClient, "the client was not registered for %s", GrantAuthorizationCode)
	}
	hash := Hash(x.Code)
	bad := oauth(InvalidGrant, "The authorization code is unknown, expired or used, or does not belong to this request.")
	k, err := s.store.Code(ctx, hash)
	if err != nil {
		return Issued{}, gone(err, bad)
	}
	switch {
	case k.ClientID != c.ID:
		return Issued{}, bad
	case !k.UsedAt.IsZero():
		return Issued{}, s.reused(ctx, k.SessionID, k.GrantID, bad)
	case !s.now().Before(k.ExpiresAt), x.RedirectURI != k.RedirectURI, !Verifies(x.Verifier, k.Challenge):
		return Issued{}, bad
	}
	who, err := s.Approver(ctx, k.UserID, k.SessionID)
	if err != nil {
		return Issued{}, err
	}
	i := s.issue(c, who, k.GrantID, k.Scopes)
	e := audit.New(ctx, i.now, who.Actor(), "sso-oauth:CreateToken", k.GrantID).With("clientId", c.ID).With("grantType", string(GrantAuthorizationCode))
	err = s.store.ExchangeCode(ctx, hash, i.now, i.tokens, e)
	if fault.Is(err, fault.Conflict) {
		return Issued{}, s.reused(ctx, k.SessionID, k.GrantID, bad)
	}
	if err != nil {
		return Issued{}, gone(err, bad)
	}
	return i.Issued, nil
}

// CodeExchange is what a client shows for its tokens.
type CodeExchange struct{ Code, RedirectURI, Verifier string }

// Verifies reports whether a code verifier is the one of a challenge (RFC 7636 §4.6 for S256).
func Verifies(verifier, challenge string) bool {
	h := sha256.Sum256([]byte(verifier))
	return isVerifier(verifier) && subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(h[:])), []byte(challenge)) == 1
}

// reused revokes the grant of a code or refresh token that came a second time, and returns answer.
func (s *Service) reused(ctx context.Context, sessionID, grantID string, answer error) error {
	e := audit.New(ctx, s.now(), audit.Gatehouse, "signin:RevokeGrant", grantID).With("session", sessionID).With("why", "a single-use secret was shown twice")
	if err := s.store.RevokeGrant(ctx, sessionID, grantID, e); err != nil {
		return err
	}
	s.log.WarnContext(ctx, "a code or refresh token was shown twice; its tokens are revoked", "grant", grantID, "session", sessionID)
	return answer
}
