package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/signin"
)

// holdSession locks a session on which something is issued or revoked: until the commit it does not go, and nobody else
// issues or revokes anything on it.
func (c conn) holdSession(id string) error {
	_, err := one(c, column[int], `SELECT 1 FROM signin_sessions WHERE id = $1 {lock}`, id)
	return c.db.lookup(err, "SESSION", id)
}

// InsertClient implements [signin.ClientStore].
func (s *SignIn) InsertClient(ctx context.Context, cl signin.Client, e audit.Event) error {
	doc, err := encode(clientDoc{cl.SecretHash, cl.Name, cl.GrantTypes, cl.RedirectURIs, cl.Scopes, cl.IssuerURL, stamp{cl.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		return c.insertNew("exists", `INSERT INTO signin_clients (id, expires_at, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, cl.ID, cl.ExpiresAt, doc)
	})
}

// Client implements [signin.ClientStore].
func (s *SignIn) Client(ctx context.Context, id string) (signin.Client, error) {
	cl, err := one(s.db.read(ctx), scanClient, `SELECT id, expires_at, doc FROM signin_clients WHERE id = $1`, id)
	return cl, s.db.lookup(err, "CLIENT", id)
}

// InsertDevice implements [signin.DeviceStore].
func (s *SignIn) InsertDevice(ctx context.Context, d signin.Device, e audit.Event) error {
	doc, err := encode(deviceDoc{d.ClientID, d.GrantID, d.Origin, stamp{d.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		return c.insertNew("exists", `INSERT INTO signin_devices (`+deviceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			d.Hash, d.UserCode, string(d.Status), d.UserID, d.SessionID, d.ExpiresAt, doc)
	})
}

// Device implements [signin.DeviceStore].
func (s *SignIn) Device(ctx context.Context, hash []byte) (signin.Device, error) {
	d, err := one(s.db.read(ctx), scanDevice, `SELECT `+deviceColumns+` FROM signin_devices WHERE hash = $1`, hash)
	return d, s.db.lookup(err, "DEVICE", "")
}

// DeviceByUserCode implements [signin.DeviceStore].
func (s *SignIn) DeviceByUserCode(ctx context.Context, userCode string) (signin.Device, error) {
	d, err := one(s.db.read(ctx), scanDevice, `SELECT `+deviceColumns+` FROM signin_devices WHERE user_code = $1`, userCode)
	return d, s.db.lookup(err, "DEVICE", "")
}

// DecideDevice implements [signin.DeviceStore].
func (s *SignIn) DecideDevice(ctx context.Context, d signin.Device, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		return c.update("decided", `UPDATE signin_devices SET status = $2, user_id = $3, session_id = $4 WHERE hash = $1 AND status = 'pending'`,
			d.Hash, string(d.Status), d.UserID, d.SessionID)
	})
}

// ExchangeDevice implements [signin.DeviceStore].
func (s *SignIn) ExchangeDevice(ctx context.Context, hash []byte, t signin.Tokens, e audit.Event) error {
	return s.exchange(ctx, t, e, func(c conn) error {
		return c.update("used", `UPDATE signin_devices SET status = 'used' WHERE hash = $1 AND status = 'approved'`, hash)
	})
}

// InsertCode implements [signin.CodeStore].
func (s *SignIn) InsertCode(ctx context.Context, code signin.Code, e audit.Event) error {
	doc, err := encode(codeDoc{code.ClientID, code.RedirectURI, code.Challenge, code.Scopes, code.GrantID, code.UserID, stamp{code.CreatedAt}, chosenDoc(code.Role)})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.holdSession(code.SessionID); err != nil {
			return err
		}
		return c.insertNew("exists", `INSERT INTO signin_codes (`+codeColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			code.Hash, code.SessionID, code.UsedAt, code.ExpiresAt, doc)
	})
}

// Code implements [signin.CodeStore].
func (s *SignIn) Code(ctx context.Context, hash []byte) (signin.Code, error) {
	code, err := one(s.db.read(ctx), scanCode, `SELECT `+codeColumns+` FROM signin_codes WHERE hash = $1`, hash)
	return code, s.db.lookup(err, "CODE", "")
}

// ExchangeCode implements [signin.CodeStore].
func (s *SignIn) ExchangeCode(ctx context.Context, hash []byte, at time.Time, t signin.Tokens, e audit.Event) error {
	return s.exchange(ctx, t, e, func(c conn) error {
		return c.update("used", `UPDATE signin_codes SET used_at = $2 WHERE hash = $1 AND used_at = $3`, hash, at, time.Time{})
	})
}

// exchange uses something up and issues tokens for it, on the tokens' session.
func (s *SignIn) exchange(ctx context.Context, t signin.Tokens, e audit.Event, use func(conn) error) error {
	access, err := encode(tokenDoc{ClientID: t.Access.ClientID, UserID: t.Access.UserID, Scopes: t.Access.Scopes, CreatedAt: stamp{t.Access.CreatedAt}})
	if err != nil {
		return err
	}
	refresh := ""
	if r := t.Refresh; r != nil {
		if refresh, err = encode(tokenDoc{r.ClientID, r.UserID, r.Scopes, stamp{r.CreatedAt}, chosenDoc(r.Role), r.Key}); err != nil {
			return err
		}
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.holdSession(t.Access.SessionID); err != nil {
			return err
		}
		if err := use(c); err != nil {
			return err
		}
		a := t.Access
		var err error
		if len(a.Hash) > 0 {
			err = c.insertNew("exists", `INSERT INTO signin_access_tokens (hash, grant_id, session_id, expires_at, doc) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				a.Hash, a.GrantID, a.SessionID, a.ExpiresAt, access)
		}
		if err != nil || t.Refresh == nil {
			return err
		}
		r := t.Refresh
		return c.insertNew("exists", `INSERT INTO signin_refresh_tokens (hash, grant_id, session_id, rotated_at, nonce, expires_at, doc)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, r.Hash, r.GrantID, r.SessionID, r.RotatedAt, append([]byte{}, r.Nonce...), r.ExpiresAt, refresh)
	})
}

// AccessToken implements [signin.TokenStore].
func (s *SignIn) AccessToken(ctx context.Context, hash []byte) (signin.AccessToken, signin.Session, error) {
	a, err := one(s.db.read(ctx), scanAccess, `SELECT t.hash, t.grant_id, t.session_id, t.expires_at, t.doc, `+sessionColumns+`
		FROM signin_access_tokens t JOIN signin_sessions s ON s.id = t.session_id WHERE t.hash = $1`, hash)
	return a.token, a.session, s.db.lookup(err, "TOKEN", "")
}

// RefreshToken implements [signin.TokenStore].
func (s *SignIn) RefreshToken(ctx context.Context, hash []byte) (signin.RefreshToken, signin.Session, error) {
	f, err := one(s.db.read(ctx), scanRefresh, `SELECT t.hash, t.grant_id, t.session_id, t.rotated_at, t.nonce, t.expires_at, t.doc, `+sessionColumns+`
		FROM signin_refresh_tokens t JOIN signin_sessions s ON s.id = t.session_id WHERE t.hash = $1`, hash)
	return f.token, f.session, s.db.lookup(err, "TOKEN", "")
}

// Rotate implements [signin.TokenStore].
func (s *SignIn) Rotate(ctx context.Context, hash, nonce []byte, next signin.Tokens, e audit.Event) error {
	return s.exchange(ctx, next, e, func(c conn) error {
		return c.update("rotated", `UPDATE signin_refresh_tokens SET rotated_at = $2, nonce = $3 WHERE hash = $1 AND rotated_at = $4`,
			hash, next.Access.CreatedAt, nonce, time.Time{})
	})
}

// Reissue implements [signin.TokenStore]. The session's lock keeps the refresh token current until the commit.
func (s *SignIn) Reissue(ctx context.Context, refresh []byte, a signin.AccessToken, e audit.Event) error {
	return s.exchange(ctx, signin.Tokens{Access: a}, e, func(c conn) error {
		_, err := one(c, column[int], `SELECT 1 FROM signin_refresh_tokens WHERE hash = $1 AND rotated_at = $2`, refresh, time.Time{})
		if errors.Is(err, sql.ErrNoRows) {
			err = conflict("rotated", "the refresh token is not the current one")
		}
		return err
	})
}

// RevokeGrant implements [signin.TokenStore].
func (s *SignIn) RevokeGrant(ctx context.Context, sessionID, grantID string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if _, err := all(c, column[int], `SELECT 1 FROM signin_sessions WHERE id = $1 {lock}`, sessionID); err != nil {
			return err
		}
		if err := c.run(`DELETE FROM signin_access_tokens WHERE grant_id = $1`, grantID); err != nil {
			return err
		}
		return c.run(`DELETE FROM signin_refresh_tokens WHERE grant_id = $1`, grantID)
	})
}
