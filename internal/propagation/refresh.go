package propagation

import (
	"context"
	"crypto/sha256"
	"io"

	"gatehouse/internal/application"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// refresh exchanges a refresh token for a new access token and the next refresh token, with the rotation and the tolerance of package signin: the same
// token may be shown again as long as its successor was not used; after that, showing it ends the grant.
func (s *Service) refresh(ctx context.Context, by audit.Actor, a application.Application, r Request) (Issued, error) {
	if r.RefreshToken == "" {
		return Issued{}, missing(r.GrantType, "refreshToken")
	}
	t, g, err := s.refreshable(ctx, a, r)
	if err != nil {
		return Issued{}, err
	}
	if t.RotatedAt.IsZero() {
		i, err := s.rotate(ctx, by, a, g, t, r)
		if !fault.Is(err, fault.Conflict) {
			return i, err
		}
		// Another process was quicker with the same token: read what it left, and answer as it was answered.
		if t, g, err = s.refreshable(ctx, a, r); err != nil {
			return Issued{}, err
		}
	}
	return s.repeat(ctx, by, a, g, t, r)
}

func errRefresh() *fault.Fault {
	return oauth(signin.InvalidGrant, "The refresh token is unknown, used or expired, or the sign-in behind it is over.")
}

// refreshable returns a refresh token of the application and its grant, narrowed to the scopes asked for.
func (s *Service) refreshable(ctx context.Context, a application.Application, r Request) (RefreshToken, Grant, error) {
	t, g, err := s.store.RefreshToken(ctx, signin.Hash(r.RefreshToken))
	if err != nil {
		return t, g, hide(err, errRefresh())
	}
	if g.Application != a.ARN() || !s.now().Before(t.ExpiresAt) {
		return t, g, errRefresh()
	}
	if err := s.lives(ctx, g); err != nil {
		return t, g, hide(err, errRefresh())
	}
	// What was taken from the application meanwhile is not refreshed.
	may, err := scopes(a, nil)
	if err != nil {
		return t, g, err
	}
	var still []string
	for _, sc := range g.Scopes {
		if _, err := within(may, []string{sc}); err == nil {
			still = append(still, sc)
		}
	}
	if len(still) == 0 {
		return t, g, oauth(signin.InvalidScope, "the application has none of the scopes any more that were granted")
	}
	g.Scopes, err = within(still, r.Scopes)
	return t, g, err
}

// rotate uses a current refresh token up. Conflict means that it is not current any more.
func (s *Service) rotate(ctx context.Context, by audit.Actor, a application.Application, g Grant, t RefreshToken, r Request) (Issued, error) {
	nonce := make([]byte, sha256.Size)
	if _, err := io.ReadFull(s.cfg.Rand, nonce); err != nil {
		return Issued{}, err
	}
	i, err := s.reissue(ctx, a, g, signin.Successor(signin.OrdinaryRefresh, r.RefreshToken, nonce), r)
	if err != nil {
		return Issued{}, err
	}
	if err := s.store.Rotate(ctx, t.Hash, nonce, i.tokens, s.event(ctx, by, a, g, r)); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = errRefresh().Because(err)
		}
		return Issued{}, err
	}
	return i.Issued, nil
}

// repeat answers a rotated refresh token whose successor may not have arrived.
func (s *Service) repeat(ctx context.Context, by audit.Actor, a application.Application, g Grant, t RefreshToken, r Request) (Issued, error) {
	next := signin.Successor(signin.OrdinaryRefresh, r.RefreshToken, t.Nonce)
	i, err := s.reissue(ctx, a, g, next, r)
	if err != nil {
		return Issued{}, err
	}
	err = s.store.Reissue(ctx, signin.Hash(next), i.tokens.Access, s.event(ctx, by, a, g, r))
	switch {
	case fault.Is(err, fault.Conflict):
		return Issued{}, s.reused(ctx, g.ID, errRefresh().Because(err))
	case fault.Is(err, fault.NotFound):
		return Issued{}, errRefresh().Because(err)
	}
	return i.Issued, err
}

func (s *Service) reissue(ctx context.Context, a application.Application, g Grant, next string, r Request) (issuing, error) {
	i, err := s.issue(ctx, a, g, r, false)
	if err != nil {
		return issuing{}, err
	}
	i.RefreshToken = next
	i.tokens.Refresh = &RefreshToken{Hash: signin.Hash(next), GrantID: g.ID, CreatedAt: i.tokens.Access.CreatedAt, ExpiresAt: g.ExpiresAt}
	return i, nil
}
