package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Issued is the answer to a token request.
type Issued struct {
	AccessToken string
	// RefreshToken is empty for a client that gets none. A refresh always has one: SDKs forget theirs otherwise.
	RefreshToken string
	// Life is how long the access token lasts.
	Life time.Duration
}

// issuing is an answer together with the rows to keep of it.
type issuing struct {
	Issued
	now    time.Time
	tokens Tokens
}

// issue makes tokens, not stored yet, for a client whom the person has approved.
func (s *Service) issue(c Client, who Identity, grantID string, scopes []string) issuing {
	now := s.now()
	i := issuing{now: now, Issued: Issued{AccessToken: s.secret("gtat_")}}
	end := who.Session.ExpiresAt
	if c.refreshes(scopes) {
		i.RefreshToken = s.secret(OrdinaryRefresh)
		i.tokens.Refresh = &RefreshToken{
			Hash: Hash(i.RefreshToken), GrantID: grantID, ClientID: c.ID, UserID: who.User.ID, SessionID: who.Session.ID,
			Scopes: scopes, CreatedAt: now, ExpiresAt: end,
		}
		if h := now.Add(AccessLife); h.Before(end) {
			end = h
		}
	}
	i.Life = end.Sub(now)
	i.tokens.Access = AccessToken{
		Hash: Hash(i.AccessToken), GrantID: grantID, ClientID: c.ID, UserID: who.User.ID, SessionID: who.Session.ID,
		Scopes: scopes, CreatedAt: now, ExpiresAt: end,
	}
	return i
}

// Approver loads the person who approved a grant, with her session, as both are now.
//
// Faults: Denied with Reason AccessDenied when the session is over, is not hers, or she is inactive or deleted.
func (s *Service) Approver(ctx context.Context, userID, sessionID string) (Identity, error) {
	over := oauth(AccessDenied, "The sign-in that approved this request is over. Begin again.")
	ses, err := s.store.Session(ctx, sessionID)
	if err != nil {
		return Identity{}, gone(err, over)
	}
	if ses.UserID != userID || !s.now().Before(ses.ExpiresAt) {
		return Identity{}, over
	}
	who, err := s.person(ctx, ses)
	if fault.Is(err, fault.Unauthenticated) {
		return Identity{}, over.Because(err)
	}
	return who, err
}

// OrdinaryRefresh begins refresh tokens of registered clients.
const OrdinaryRefresh = "gtrt_"

// Successor is the refresh token that follows a token: the same each time, see the package's doc comment. nonce is 32 random bytes that are kept in the token's row.
func Successor(prefix, token string, nonce []byte) string {
	m := hmac.New(sha256.New, []byte(token))
	m.Write(nonce)
	return prefix + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// Refresh exchanges a refresh token for a new access token and the next refresh token. The same token may be shown again as long as
// its successor was not used; the answer then has the same successor. After that, showing it revokes the grant.
//
// Faults by Reason: InvalidClient, UnauthorizedClient; InvalidGrant also when the session is over or the user inactive.
func (s *Service) Refresh(ctx context.Context, clientID, clientSecret, refreshToken string) (Issued, error) {
	c, err := s.client(ctx, clientID, clientSecret)
	if err != nil {
		return Issued{}, err
	}
	if !c.May(GrantRefreshToken) {
		return Issued{}, oauth(UnauthorizedClient, "the client was not registered for %s", GrantRefreshToken)
	}
	hash := Hash(refreshToken)
	r, who, err := s.refreshable(ctx, c, hash)
	if err != nil {
		return Issued{}, err
	}
	if r.RotatedAt.IsZero() {
		i, err := s.rotate(ctx, c, who, refreshToken, r)
		if !fault.Is(err, fault.Conflict) {
			return i, err
		}
		// Another process was quicker with the same token: read what it left, and answer as it was answered.
		if r, who, err = s.refreshable(ctx, c, hash); err != nil {
			return Issued{}, err
		}
	}
	return s.repeat(ctx, c, who, refreshToken, r)
}

var errRefresh = oauth(InvalidGrant, "The refresh token is unknown, used or expired, or the sign-in is over. Sign in again.")

func (s *Service) refreshable(ctx context.Context, c Client, hash []byte) (RefreshToken, Identity, error) {
	r, ses, err := s.store.RefreshToken(ctx, hash)
	if err != nil {
		return RefreshToken{}, Identity{}, gone(err, errRefresh)
	}
	now := s.now()
	if r.ClientID != c.ID || r.UserID != ses.UserID || !now.Before(r.ExpiresAt) || !now.Before(ses.ExpiresAt) {
		return RefreshToken{}, Identity{}, errRefresh
	}
	who, err := s.person(ctx, ses)
	if fault.Is(err, fault.Unauthenticated) {
		return RefreshToken{}, Identity{}, errRefresh.Because(err)
	}
	return r, who, err
}

// rotate uses a current refresh token up. Conflict means that it is not current any more.
func (s *Service) rotate(ctx context.Context, c Client, who Identity, token string, r RefreshToken) (Issued, error) {
	nonce := make([]byte, sha256.Size)
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return Issued{}, err
	}
	i := s.reissue(c, who, Successor(OrdinaryRefresh, token, nonce), r)
	err := s.store.Rotate(ctx, r.Hash, nonce, i.tokens, s.refreshEvent(ctx, who, r))
	if err != nil {
		return Issued{}, gone(err, errRefresh)
	}
	return i.Issued, nil
}

// repeat answers a rotated refresh token whose successor may not have arrived.
func (s *Service) repeat(ctx context.Context, c Client, who Identity, token string, r RefreshToken) (Issued, error) {
	next := Successor(OrdinaryRefresh, token, r.Nonce)
	i := s.reissue(c, who, next, r)
	err := s.store.Reissue(ctx, Hash(next), i.tokens.Access, s.refreshEvent(ctx, who, r))
	if fault.Is(err, fault.Conflict) {
		return Issued{}, s.reused(ctx, r.SessionID, r.GrantID, errRefresh.Because(err))
	}
	if err != nil {
		return Issued{}, gone(err, errRefresh)
	}
	return i.Issued, nil
}

func (s *Service) reissue(c Client, who Identity, next string, r RefreshToken) issuing {
	i := s.issue(c, who, r.GrantID, r.Scopes)
	i.RefreshToken = next
	i.tokens.Refresh = &RefreshToken{
		Hash: Hash(next), GrantID: r.GrantID, ClientID: r.ClientID, UserID: r.UserID, SessionID: r.SessionID,
		Scopes: r.Scopes, CreatedAt: i.now, ExpiresAt: r.ExpiresAt,
	}
	return i
}

func (s *Service) refreshEvent(ctx context.Context, who Identity, r RefreshToken) audit.Event {
	return audit.New(ctx, s.now(), who.Actor(), "sso-oauth:CreateToken", r.GrantID).
		With("clientId", r.ClientID).With("grantType", string(GrantRefreshToken))
}

// Bearer returns the person behind an access token.
//
// Faults: Unauthenticated when the token is unknown or expired, its session is over, or its user inactive or deleted.
func (s *Service) Bearer(ctx context.Context, accessToken string) (Identity, error) {
	bad := fault.New(fault.Unauthenticated, "Session token not found or invalid")
	if accessToken == "" {
		return Identity{}, bad
	}
	t, ses, err := s.store.AccessToken(ctx, Hash(accessToken))
	if err != nil {
		return Identity{}, gone(err, bad)
	}
	now := s.now()
	if t.UserID != ses.UserID || !now.Before(t.ExpiresAt) || !now.Before(ses.ExpiresAt) {
		return Identity{}, bad
	}
	who, err := s.person(ctx, ses)
	if fault.Is(err, fault.Unauthenticated) {
		return Identity{}, bad.Because(err)
	}
	return who, err
}

// SignOutBearer ends the session an access token hangs on, and with it every token and the browser's sign-in: AWS's Logout.
//
// Faults are as for Bearer.
func (s *Service) SignOutBearer(ctx context.Context, accessToken string) error {
	who, err := s.Bearer(ctx, accessToken)
	if err != nil {
		return err
	}
	return s.end(ctx, who.Actor(), who.Session.ID, "signed out by a command line")
}
