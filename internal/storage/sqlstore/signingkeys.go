package sqlstore

import (
	"context"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/signingkey"
)

// SigningKeys keeps the keys that sign tokens.
type SigningKeys struct{ db *DB }

// SigningKeys returns the store of signing keys.
func (db *DB) SigningKeys() *SigningKeys { return &SigningKeys{db} }

var _ signingkey.Store = (*SigningKeys)(nil)

// SigningKeys implements [signingkey.Store].
func (s *SigningKeys) SigningKeys(ctx context.Context, scope string) ([]signingkey.Key, error) {
	out, err := all(s.db.read(ctx), func(r row) (signingkey.Key, error) {
		k := signingkey.Key{Scope: scope}
		err := r.Scan(&k.Algorithm, &k.Number, &k.Sealed, &k.Public, into(&k.From), into(&k.Until), into(&k.CreatedAt))
		return k, err
	}, `SELECT algorithm, number, sealed, public, from_at, until_at, created_at FROM signing_keys WHERE scope = $1 ORDER BY algorithm, number`, scope)
	return out, s.db.fault(err)
}

// InsertSigningKey implements [signingkey.Store].
func (s *SigningKeys) InsertSigningKey(ctx context.Context, k signingkey.Key, forget time.Time, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO signing_keys (scope, algorithm, number, sealed, public, from_at, until_at, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`, k.Scope, k.Algorithm, k.Number, k.Sealed, k.Public, k.From, k.Until, k.CreatedAt)
		if err == nil && n == 0 {
			err = conflict("exists", "that signing key is there already")
		}
		if err != nil {
			return err
		}
		return c.run(`DELETE FROM signing_keys WHERE scope = $1 AND until_at < $2`, k.Scope, forget)
	})
}
