package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gatehouse/internal/application"
	"gatehouse/internal/audit"
	"gatehouse/internal/propagation"
)

// Propagation implements [propagation.Store].
type Propagation struct{ db *DB }

var _ propagation.Store = (*Propagation)(nil)

// Propagation returns the store of package propagation.
func (db *DB) Propagation() *Propagation { return &Propagation{db} }

type propagationCodeDoc struct {
	Application string   `json:"application"`
	RedirectURI string   `json:"redirectUri"`
	Challenge   string   `json:"challenge"`
	Scopes      []string `json:"scopes,omitempty"`
	GrantID     string   `json:"grant"`
	UserID      string   `json:"user"`
	SessionID   string   `json:"session"`
	CreatedAt   stamp    `json:"createdAt,omitzero"`
}

type propagationGrantDoc struct {
	Application     string                `json:"application"`
	UserID          string                `json:"user"`
	Began           application.GrantType `json:"began"`
	SessionID       string                `json:"session,omitzero"`
	Background      bool                  `json:"background,omitzero"`
	Issuer          string                `json:"issuer,omitzero"`
	SourceID        string                `json:"source,omitzero"`
	Scopes          []string              `json:"scopes,omitempty"`
	AuthenticatedAt stamp                 `json:"authenticatedAt,omitzero"`
	CreatedAt       stamp                 `json:"createdAt,omitzero"`
}

type propagationTokenDoc struct {
	Scopes    []string `json:"scopes,omitempty"`
	CreatedAt stamp    `json:"createdAt,omitzero"`
}

const propagationGrantColumns = `g.id, g.expires_at, g.doc`

// grantRow scans propagationGrantColumns, alone or at the end of a longer row.
type grantRow struct {
	propagation.Grant
	doc string
}

func (g *grantRow) dest() []any { return []any{&g.ID, into(&g.ExpiresAt), &g.doc} }

func (g *grantRow) grant() (propagation.Grant, error) {
	d, err := decode[propagationGrantDoc](g.doc)
	g.Application, g.UserID, g.Began, g.SessionID, g.Background, g.Issuer, g.SourceID, g.Scopes = d.Application, d.UserID, d.Began, d.SessionID, d.Background, d.Issuer, d.SourceID, d.Scopes
	g.AuthenticatedAt, g.CreatedAt = d.AuthenticatedAt.Time, d.CreatedAt.Time
	return g.Grant, err
}

// InsertCode implements [propagation.Store].
func (s *Propagation) InsertCode(ctx context.Context, k propagation.Code, e audit.Event) error {
	doc, err := encode(propagationCodeDoc{k.Application, k.RedirectURI, k.Challenge, k.Scopes, k.GrantID, k.UserID, k.SessionID, stamp{k.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		return c.insertNew("exists", `INSERT INTO propagation_codes (hash, used_at, expires_at, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			k.Hash, k.UsedAt, k.ExpiresAt, doc)
	})
}

// Code implements [propagation.Store].
func (s *Propagation) Code(ctx context.Context, hash []byte) (propagation.Code, error) {
	k, err := one(s.db.read(ctx), func(r row) (propagation.Code, error) {
		var k propagation.Code
		var doc string
		if err := r.Scan(&k.Hash, into(&k.UsedAt), into(&k.ExpiresAt), &doc); err != nil {
			return k, err
		}
		d, err := decode[propagationCodeDoc](doc)
		k.Application, k.RedirectURI, k.Challenge, k.Scopes = d.Application, d.RedirectURI, d.Challenge, d.Scopes
		k.GrantID, k.UserID, k.SessionID, k.CreatedAt = d.GrantID, d.UserID, d.SessionID, d.CreatedAt.Time
		return k, err
	}, `SELECT hash, used_at, expires_at, doc FROM propagation_codes WHERE hash = $1`, hash)
	return k, s.db.lookup(err, "CODE", "")
}

// ExchangeCode implements [propagation.Store].
func (s *Propagation) ExchangeCode(ctx context.Context, hash []byte, at time.Time, g propagation.Grant, t propagation.Tokens, e audit.Event) error {
	return s.begin(ctx, g, t, e, func(c conn) error {
		return c.update("used", `UPDATE propagation_codes SET used_at = $2 WHERE hash = $1 AND used_at = $3`, hash, at, time.Time{})
	})
}

// Begin implements [propagation.Store].
func (s *Propagation) Begin(ctx context.Context, g propagation.Grant, t propagation.Tokens, used *propagation.Assertion, e audit.Event) error {
	return s.begin(ctx, g, t, e, func(c conn) error {
		if used == nil {
			return nil
		}
		return c.insertNew("replay", `INSERT INTO propagation_assertions (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, used.Hash, used.ExpiresAt)
	})
}

// begin uses something up and inserts the grant that comes of it, with its first tokens.
func (s *Propagation) begin(ctx context.Context, g propagation.Grant, t propagation.Tokens, e audit.Event, use func(conn) error) error {
	doc, err := encode(propagationGrantDoc{g.Application, g.UserID, g.Began, g.SessionID, g.Background, g.Issuer, g.SourceID, g.Scopes, stamp{g.AuthenticatedAt}, stamp{g.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := use(c); err != nil {
			return err
		}
		if err := c.insertNew("exists", `INSERT INTO propagation_grants (id, expires_at, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, g.ID, g.ExpiresAt, doc); err != nil {
			return err
		}
		return c.insertPropagated(t)
	})
}

func (c conn) insertPropagated(t propagation.Tokens) error {
	a := t.Access
	doc, err := encode(propagationTokenDoc{a.Scopes, stamp{a.CreatedAt}})
	if err != nil {
		return err
	}
	err = c.insertNew("exists", `INSERT INTO propagation_access_tokens (hash, grant_id, expires_at, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		a.Hash, a.GrantID, a.ExpiresAt, doc)
	if err != nil || t.Refresh == nil {
		return err
	}
	r := t.Refresh
	return c.insertNew("exists", `INSERT INTO propagation_refresh_tokens (hash, grant_id, rotated_at, nonce, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, r.Hash, r.GrantID, r.RotatedAt, append([]byte{}, r.Nonce...), r.ExpiresAt, r.CreatedAt)
}

// Grant implements [propagation.Store].
func (s *Propagation) Grant(ctx context.Context, id string) (propagation.Grant, error) {
	g, err := one(s.db.read(ctx), func(r row) (propagation.Grant, error) {
		var g grantRow
		if err := r.Scan(g.dest()...); err != nil {
			return propagation.Grant{}, err
		}
		return g.grant()
	}, `SELECT `+propagationGrantColumns+` FROM propagation_grants g WHERE g.id = $1`, id)
	return g, s.db.lookup(err, "GRANT", id)
}

// held is a token with its grant.
type held[T any] struct {
	token T
	grant propagation.Grant
}

// AccessToken implements [propagation.Store].
func (s *Propagation) AccessToken(ctx context.Context, hash []byte) (propagation.AccessToken, propagation.Grant, error) {
	h, err := one(s.db.read(ctx), func(r row) (h held[propagation.AccessToken], err error) {
		var g grantRow
		var doc string
		t := &h.token
		if err := r.Scan(append([]any{&t.Hash, &t.GrantID, into(&t.ExpiresAt), &doc}, g.dest()...)...); err != nil {
			return h, err
		}
		d, err := decode[propagationTokenDoc](doc)
		if err != nil {
			return h, err
		}
		t.Scopes, t.CreatedAt = d.Scopes, d.CreatedAt.Time
		h.grant, err = g.grant()
		return h, err
	}, `SELECT t.hash, t.grant_id, t.expires_at, t.doc, `+propagationGrantColumns+`
		FROM propagation_access_tokens t JOIN propagation_grants g ON g.id = t.grant_id WHERE t.hash = $1`, hash)
	return h.token, h.grant, s.db.lookup(err, "TOKEN", "")
}

// RefreshToken implements [propagation.Store].
func (s *Propagation) RefreshToken(ctx context.Context, hash []byte) (propagation.RefreshToken, propagation.Grant, error) {
	h, err := one(s.db.read(ctx), func(r row) (h held[propagation.RefreshToken], err error) {
		var g grantRow
		t := &h.token
		if err := r.Scan(append([]any{&t.Hash, &t.GrantID, into(&t.RotatedAt), &t.Nonce, into(&t.ExpiresAt), into(&t.CreatedAt)}, g.dest()...)...); err != nil {
			return h, err
		}
		h.grant, err = g.grant()
		return h, err
	}, `SELECT t.hash, t.grant_id, t.rotated_at, t.nonce, t.expires_at, t.created_at, `+propagationGrantColumns+`
		FROM propagation_refresh_tokens t JOIN propagation_grants g ON g.id = t.grant_id WHERE t.hash = $1`, hash)
	return h.token, h.grant, s.db.lookup(err, "TOKEN", "")
}

// Rotate implements [propagation.Store].
func (s *Propagation) Rotate(ctx context.Context, hash, nonce []byte, next propagation.Tokens, e audit.Event) error {
	return s.onGrant(ctx, next, e, func(c conn) error {
		return c.update("rotated", `UPDATE propagation_refresh_tokens SET rotated_at = $2, nonce = $3 WHERE hash = $1 AND rotated_at = $4`,
			hash, next.Access.CreatedAt, nonce, time.Time{})
	})
}

// Reissue implements [propagation.Store]. The grant's lock keeps the refresh token current until the commit.
func (s *Propagation) Reissue(ctx context.Context, refresh []byte, a propagation.AccessToken, e audit.Event) error {
	return s.onGrant(ctx, propagation.Tokens{Access: a}, e, func(c conn) error {
		_, err := one(c, column[int], `SELECT 1 FROM propagation_refresh_tokens WHERE hash = $1 AND rotated_at = $2`, refresh, time.Time{})
		if errors.Is(err, sql.ErrNoRows) {
			err = conflict("rotated", "the refresh token is not the current one")
		}
		return err
	})
}

// onGrant locks the grant, uses something up and adds tokens: what is revoked while it is issued stays revoked.
func (s *Propagation) onGrant(ctx context.Context, t propagation.Tokens, e audit.Event, use func(conn) error) error {
	return s.db.change(ctx, e, func(c conn) error {
		if _, err := one(c, column[int], `SELECT 1 FROM propagation_grants WHERE id = $1 {lock}`, t.Access.GrantID); err != nil {
			return c.db.lookup(err, "GRANT", t.Access.GrantID)
		}
		if err := use(c); err != nil {
			return err
		}
		return c.insertPropagated(t)
	})
}

// Revoke implements [propagation.Store].
func (s *Propagation) Revoke(ctx context.Context, grantID string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.run(`DELETE FROM propagation_grants WHERE id = $1`, grantID); err != nil { // first: it waits for who issues
			return err
		}
		if err := c.run(`DELETE FROM propagation_access_tokens WHERE grant_id = $1`, grantID); err != nil {
			return err
		}
		return c.run(`DELETE FROM propagation_refresh_tokens WHERE grant_id = $1`, grantID)
	})
}

// Sweep implements [propagation.Store].
func (s *Propagation) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	total := 0
	for _, query := range []string{
		sweep("propagation_codes", "hash"), sweep("propagation_access_tokens", "hash"), sweep("propagation_refresh_tokens", "hash"),
		sweep("propagation_assertions", "hash"), sweep("propagation_grants", "id"),
	} {
		var n int64
		err := s.db.write(ctx, func(c conn) (err error) {
			n, err = c.exec(query, now, limit)
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(n)
	}
	return total, nil
}
