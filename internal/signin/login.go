package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/url"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// The clients of `aws login`: not registered, the same everywhere, without a secret (AWS Sign-In API, CreateOAuth2Token). What ties a code to who asked for
// it is PKCE; what ties a refresh token to who got it is a key of the client's, by which each request is proven (DPoP, RFC 9449).
const (
	// SameDevice waits for the code on a port of the machine where the browser is.
	SameDevice = "arn:aws:signin:::devtools/same-device"
	// CrossDevice is on another machine: the person carries the code over.
	CrossDevice = "arn:aws:signin:::devtools/cross-device"
)

// ConfirmationPath ends the redirect URI of [CrossDevice]. Nobody is ever sent there: the code is shown.
const ConfirmationPath = "/v1/sessions/confirmation"

// LoginLife is how long an approval of `aws login` can be refreshed, at most; the sign-in session may end before.
const LoginLife = 12 * time.Hour

// Refused proofs have this reason (RFC 9449 §5).
const InvalidProof = "invalid_dpop_proof"

// Role is the role that a person chose for a command line.
type Role struct {
	AccountID string
	// Name is a permission set's, or "role/path/Name" for an account's own role.
	Name string
}

// LoginRequest is the query of GET /v1/authorize.
type LoginRequest struct {
	ResponseType, ClientID, RedirectURI, State string
	Challenge, ChallengeMethod, Scope          string
}

// CheckLoginClient checks what decides where anything may be sent: errors are shown to the person and never sent to the redirect URI (RFC 6749 §4.1.2.1).
//
// Faults: Invalid with Reason InvalidRequest, InvalidRedirectURI or UnauthorizedClient.
func CheckLoginClient(r LoginRequest) error {
	switch r.ClientID {
	case SameDevice:
		if _, ok := loopback(r.RedirectURI); !ok {
			return oauth(InvalidRedirectURI, "The program that sent you here names an address to return to that is not on this computer.")
		}
	case CrossDevice:
		u, err := url.Parse(r.RedirectURI)
		if err != nil || len(r.RedirectURI) > maxPath || u.Path != ConfirmationPath || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return oauth(InvalidRedirectURI, "The program that sent you here names an address to return to that is not this server's.")
		}
	default:
		return oauth(UnauthorizedClient, "The program that sent you here is not one that may sign in this way.")
	}
	if len(r.State) > MaxState {
		return oauth(InvalidRequest, "The parameter state is too long.")
	}
	return nil
}

// CheckLogin checks the rest of the request.
func CheckLogin(r LoginRequest) error {
	switch {
	case r.ResponseType != "code":
		return oauth("unsupported_response_type", "response_type must be code")
	case r.ChallengeMethod != "SHA-256" && r.ChallengeMethod != "S256": // what the AWS CLI says, and what RFC 7636 does
		return oauth(InvalidRequest, "code_challenge_method must be SHA-256")
	case !isChallenge(r.Challenge):
		return oauth(InvalidRequest, "code_challenge must be the 43 characters of BASE64URL(SHA256(code_verifier))")
	case r.Scope != "" && r.Scope != "openid":
		return oauth(InvalidScope, "scope must be openid")
	}
	return nil
}

// AuthorizeLogin issues an authorization code: the person has approved the request and chosen a role, to which she was found entitled.
func (s *Service) AuthorizeLogin(ctx context.Context, who Identity, r LoginRequest, role Role) (code string, err error) {
	if err := CheckLoginClient(r); err != nil {
		return "", err
	}
	if err := CheckLogin(r); err != nil {
		return "", err
	}
	now, code := s.now(), s.secret("gtlc_")
	k := Code{
		Hash: Hash(code), ClientID: r.ClientID, RedirectURI: r.RedirectURI, Challenge: r.Challenge, Role: role,
		GrantID: arn.UUID(s.rand), UserID: who.User.ID, SessionID: who.Session.ID, CreatedAt: now, ExpiresAt: now.Add(CodeLife),
	}
	e := audit.New(ctx, now, who.Actor(), "signin:AuthorizeOAuth2Access", k.GrantID).With("clientId", r.ClientID).With("account", role.AccountID).With("role", role.Name)
	if err := s.store.InsertCode(ctx, k, e); err != nil {
		return "", gone(err, fault.New(fault.Unauthenticated, "You are not signed in."))
	}
	return code, nil
}

// Possession is a verified DPoP proof: that the client which sends the request has a key.
type Possession struct {
	// Thumbprint is its key's, ID the proof's own; until Until the proof would be accepted by its time.
	Thumbprint, ID string
	Until          time.Time
}

// Login is what a client of `aws login` gets: the right to credentials of a role, now, and a refresh token for later.
type Login struct {
	Who          Identity
	Role         Role
	RefreshToken string
}

// prove uses a proof up: shown again, it is no proof. It is called when everything else fits, so that strangers write nothing.
func (s *Service) prove(ctx context.Context, p Possession) error {
	err := s.store.UseProof(ctx, Replay{SourceID: "dpop/" + p.Thumbprint, AssertionID: p.ID, ExpiresAt: p.Until})
	return lost(err, oauth(InvalidProof, "The DPoP proof was used before."))
}

// ExchangeLogin exchanges an authorization code. The refresh token is bound to the proof's key. A code that is shown twice by its own client revokes what the first exchange got
// (RFC 6749 §4.1.2).
//
// Faults by Reason: InvalidGrant, AccessDenied, InvalidProof, SlowDown.
func (s *Service) ExchangeLogin(ctx context.Context, clientID string, x CodeExchange, p Possession) (Login, error) {
	bad := oauth(InvalidGrant, "The authorization code is unknown, expired or used, or does not belong to this request.")
	if !s.arrivals.allow("login "+Place(ctx), s.now()) {
		return Login{}, oauth(SlowDown, "Too many requests. Wait a moment.")
	}
	hash := Hash(x.Code)
	k, err := s.store.Code(ctx, hash)
	if err != nil {
		return Login{}, gone(err, bad)
	}
	switch {
	case k.ClientID != clientID || k.Role == Role{}:
		return Login{}, bad
	case !Verifies(x.Verifier, k.Challenge): // before a reuse is noticed: who only saw the code must not be able to end what it bought
		return Login{}, bad
	case !k.UsedAt.IsZero():
		return Login{}, s.reused(ctx, k.SessionID, k.GrantID, bad)
	case !s.now().Before(k.ExpiresAt), x.RedirectURI != k.RedirectURI:
		return Login{}, bad
	}
	who, err := s.Approver(ctx, k.UserID, k.SessionID)
	if err != nil {
		return Login{}, err
	}
	if err := s.prove(ctx, p); err != nil {
		return Login{}, err
	}
	now, token := s.now(), s.secret(loginRefresh)
	end := now.Add(LoginLife)
	if who.Session.ExpiresAt.Before(end) {
		end = who.Session.ExpiresAt
	}
	r := RefreshToken{
		Hash: Hash(token), GrantID: k.GrantID, ClientID: k.ClientID, UserID: k.UserID, SessionID: k.SessionID, Role: k.Role, Key: p.Thumbprint, CreatedAt: now, ExpiresAt: end,
	}
	err = s.store.ExchangeCode(ctx, hash, now, loginTokens(r), loginEvent(ctx, who, r, GrantAuthorizationCode))
	if fault.Is(err, fault.Conflict) {
		return Login{}, s.reused(ctx, k.SessionID, k.GrantID, bad)
	}
	return Login{who, k.Role, token}, gone(err, bad)
}

// loginRefresh begins refresh tokens of `aws login`, as AWS's do.
const loginRefresh = "ASOR"

// loginTokens are the rows of an exchange that gives no access token: credentials take its place.
func loginTokens(r RefreshToken) Tokens {
	return Tokens{Access: AccessToken{GrantID: r.GrantID, ClientID: r.ClientID, UserID: r.UserID, SessionID: r.SessionID, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt}, Refresh: &r}
}

func loginEvent(ctx context.Context, who Identity, r RefreshToken, g GrantType) audit.Event {
	return audit.New(ctx, r.CreatedAt, who.Actor(), "signin:CreateOAuth2Token", r.GrantID).
		With("clientId", r.ClientID).With("grantType", string(g)).With("account", r.Role.AccountID).With("role", r.Role.Name)
}

// RefreshLogin exchanges a refresh token for the next one, as Refresh does: the same token may be shown again as long as its successor was not used. The proof must be of
// the key to which the token is bound; who has the token without the key gets nothing, and ends nothing.
//
// Faults by Reason: InvalidGrant, InvalidProof, SlowDown.
func (s *Service) RefreshLogin(ctx context.Context, clientID, refreshToken string, p Possession) (Login, error) {
	if !s.arrivals.allow("login "+Place(ctx), s.now()) {
		return Login{}, oauth(SlowDown, "Too many requests. Wait a moment.")
	}
	r, who, err := s.refreshableLogin(ctx, clientID, refreshToken, p)
	if err != nil {
		return Login{}, err
	}
	if err := s.prove(ctx, p); err != nil {
		return Login{}, err
	}
	if r.RotatedAt.IsZero() {
		next, err := s.rotateLogin(ctx, who, refreshToken, r)
		if !fault.Is(err, fault.Conflict) {
			return Login{who, r.Role, next}, err
		}
		// Another process was quicker with the same token: answer as it was answered.
		if r, who, err = s.refreshableLogin(ctx, clientID, refreshToken, p); err != nil {
			return Login{}, err
		}
	}
	next := Successor(loginRefresh, refreshToken, r.Nonce)
	at := r
	at.CreatedAt = s.now()
	err = s.store.Reissue(ctx, Hash(next), loginTokens(at).Access, loginEvent(ctx, who, at, GrantRefreshToken))
	if fault.Is(err, fault.Conflict) {
		return Login{}, s.reused(ctx, r.SessionID, r.GrantID, errRefresh.Because(err))
	}
	return Login{who, r.Role, next}, gone(err, errRefresh)
}

func (s *Service) refreshableLogin(ctx context.Context, clientID, refreshToken string, p Possession) (RefreshToken, Identity, error) {
	r, who, err := s.refreshable(ctx, Client{ID: clientID}, Hash(refreshToken))
	if err == nil && (r.Key == "" || subtle.ConstantTimeCompare([]byte(r.Key), []byte(p.Thumbprint)) != 1) {
		err = errRefresh
	}
	return r, who, err
}

// rotateLogin uses a current refresh token up. Conflict means that it is not current any more.
func (s *Service) rotateLogin(ctx context.Context, who Identity, token string, r RefreshToken) (string, error) {
	nonce := make([]byte, sha256.Size)
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return "", err
	}
	next := Successor(loginRefresh, token, nonce)
	n := r
	n.Hash, n.CreatedAt, n.RotatedAt, n.Nonce = Hash(next), s.now(), time.Time{}, nil
	err := s.store.Rotate(ctx, r.Hash, nonce, loginTokens(n), loginEvent(ctx, who, n, GrantRefreshToken))
	return next, gone(err, errRefresh)
}
