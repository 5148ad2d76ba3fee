package propagation

import (
	"cmp"
	"context"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Bearer returns the person behind an application's access token at the portal's API, where the application acts as she does: it lists her accounts and gets credentials of her
// roles. The token must have the scope sso:account:access, and the application must have it still, for the instance or for any target. It must be of an account that
// administers the instance: whoever administers another one decides what people may do there, and not with what they may do elsewhere.
//
// Faults: Unauthenticated for any other token.
func (s *Service) Bearer(ctx context.Context, token string) (signin.Identity, error) {
	who, _, err := s.portal(ctx, token)
	return who, err
}

func (s *Service) portal(ctx context.Context, token string) (signin.Identity, Grant, error) {
	bad := fault.New(fault.Unauthenticated, "Session token not found or invalid")
	t, g, err := s.bearer(ctx, token)
	if err != nil {
		return signin.Identity{}, g, hide(err, bad)
	}
	n, err := arn.ParseApplication(g.Application)
	if err != nil {
		return signin.Identity{}, g, bad.Because(err)
	}
	a, err := s.cfg.Applications.Application(ctx, n)
	if err != nil {
		return signin.Identity{}, g, hide(err, bad)
	}
	sc, err := a.Scope(signin.ScopeAccountAccess)
	if err != nil || !slices.Contains(t.Scopes, sc.Name) || len(sc.Targets) > 0 && !slices.Contains(sc.Targets, arn.Instance(s.cfg.Instance)) {
		return signin.Identity{}, g, bad.Because(err)
	}
	if ok, err := s.cfg.Administers(ctx, n.AccountID); err != nil || !ok {
		return signin.Identity{}, g, cmp.Or(err, error(bad))
	}
	if g.SessionID != "" { // with what the identity provider said of her
		who, err := s.cfg.Sessions.Approver(ctx, g.UserID, g.SessionID)
		if err != nil {
			err = hide(err, bad)
		}
		return who, g, err
	}
	u, err := s.user(ctx, n, g.UserID, g.CreatedAt)
	if err != nil {
		return signin.Identity{}, g, hide(err, bad)
	}
	return signin.Identity{User: u, Session: signin.Session{ID: g.ID, UserID: u.ID, CreatedAt: g.CreatedAt, ExpiresAt: t.ExpiresAt, LastSeenAt: s.now()}}, g, nil
}

// SignOutBearer ends the grant of such a token. A portal session that it hangs on stays.
//
// Faults are as for Bearer.
func (s *Service) SignOutBearer(ctx context.Context, token string) error {
	who, g, err := s.portal(ctx, token)
	if err != nil {
		return err
	}
	return s.store.Revoke(ctx, g.ID, audit.New(ctx, s.now(), who.Actor(), "sso-oauth:RevokeGrant", g.ID).With("why", "signed out by an application"))
}
