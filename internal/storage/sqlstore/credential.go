package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
)

// Credential is the [credential.Store].
type Credential struct{ db *DB }

var _ credential.Store = (*Credential)(nil)

// Credential returns the Store of what people sign in with at the built-in directory.
func (db *DB) Credential() *Credential { return &Credential{db} }

// Settings implements [credential.Store].
func (s *Credential) Settings(ctx context.Context) (credential.Settings, error) {
	set, err := one(s.db.read(ctx), scanCredentialSettings, `SELECT version, doc FROM credential_settings WHERE only_one = 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.Settings{}, nil
	}
	return set, s.db.fault(err)
}

// PutSettings implements [credential.Store].
func (s *Credential) PutSettings(ctx context.Context, v credential.Settings, ifVersion int64, e audit.Event) error {
	doc, err := encode(credentialSettingsDoc{v.Enabled, v.MFA, v.WithoutDevice, v.MinLength, v.SelfReset, mailServerDoc(v.Mail)})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if ifVersion == 0 {
			return c.insertNew("version", `INSERT INTO credential_settings (only_one, version, doc) VALUES (1, $1, $2) ON CONFLICT DO NOTHING`, v.Version, doc)
		}
		return c.update("version", `UPDATE credential_settings SET version = $1, doc = $2 WHERE only_one = 1 AND version = $3`, v.Version, doc, ifVersion)
	})
}

// Note implements [credential.Store].
func (s *Credential) Note(ctx context.Context, e audit.Event) error {
	return s.db.change(ctx, e, func(conn) error { return nil })
}

// Person implements [credential.PersonStore].
func (s *Credential) Person(ctx context.Context, userID string) (credential.Person, error) {
	p, err := one(s.db.read(ctx), scanPerson, `SELECT user_id, version, doc FROM credentials WHERE user_id = $1`, userID)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.Person{UserID: userID}, nil
	}
	return p, s.db.fault(err)
}

// holdUser keeps a user from being deleted until the commit, and answers NotFound when she is gone.
func (c conn) holdUser(userID string) error {
	_, err := one(c, column[string], `SELECT id FROM users WHERE id = $1 {share}`, userID)
	return c.db.lookup(err, directory.ResourceUser, userID)
}

// PutPerson implements [credential.PersonStore].
func (s *Credential) PutPerson(ctx context.Context, p credential.Person, q credential.Consequences, ifVersion int64, e audit.Event) error {
	doc, err := encode(newPersonDoc(p))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.holdUser(p.UserID); err != nil {
			return err
		}
		if ifVersion == 0 {
			err = c.insertNew("version", `INSERT INTO credentials (user_id, version, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, p.UserID, p.Version, doc)
		} else {
			err = c.update("version", `UPDATE credentials SET version = $2, doc = $3 WHERE user_id = $1 AND version = $4`, p.UserID, p.Version, doc, ifVersion)
		}
		if err != nil {
			return err
		}
		if err := c.putPasskeys(p); err != nil {
			return err
		}
		return c.follow(p.UserID, q)
	})
}

// putPasskeys brings the rows of a person's passkeys in line with her document.
func (c conn) putPasskeys(p credential.Person) error {
	have, err := all(c, column[[]byte], `SELECT credential_id FROM credential_passkeys WHERE user_id = $1 {lock}`, p.UserID)
	if err != nil {
		return err
	}
	for _, id := range have {
		if !slices.ContainsFunc(p.Passkeys, func(k credential.Passkey) bool { return bytes.Equal(k.CredentialID, id) }) {
			if err := c.run(`DELETE FROM credential_passkeys WHERE credential_id = $1`, id); err != nil {
				return err
			}
		}
	}
	for _, k := range p.Passkeys {
		if slices.ContainsFunc(have, func(id []byte) bool { return bytes.Equal(k.CredentialID, id) }) {
			continue
		}
		if err := c.insertNew("exists", `INSERT INTO credential_passkeys (credential_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, k.CredentialID, p.UserID); err != nil {
			return err
		}
	}
	return nil
}

func (c conn) follow(userID string, q credential.Consequences) error {
	if q.UseLink != nil {
		if err := c.update("used", `DELETE FROM credential_links WHERE hash = $1 AND user_id = $2`, q.UseLink, userID); err != nil {
			return err
		}
	}
	if q.DropLinks {
		if err := c.run(`DELETE FROM credential_links WHERE user_id = $1`, userID); err != nil {
			return err
		}
	}
	if q.ForgetBrowsers {
		return c.run(`DELETE FROM credential_browsers WHERE user_id = $1`, userID)
	}
	return nil
}

// Known implements [credential.PersonStore].
func (s *Credential) Known(ctx context.Context, hash []byte, userID string) (credential.Known, error) {
	k, err := one(s.db.read(ctx), scanKnown, `SELECT hash, user_id, expires_at, doc FROM credential_browsers WHERE user_id = $1 AND hash = $2`, userID, hash)
	return k, s.db.lookup(err, "BROWSER", "")
}

// PutKnown implements [credential.PersonStore].
func (s *Credential) PutKnown(ctx context.Context, k credential.Known) error {
	doc, err := encode(browserDoc{k.Places, stamp{k.LastSeenAt}})
	if err != nil {
		return err
	}
	return s.db.write(ctx, func(c conn) error {
		if err := c.holdUser(k.UserID); err != nil {
			return err
		}
		return c.run(`INSERT INTO credential_browsers (user_id, hash, expires_at, doc) VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id, hash) DO UPDATE SET expires_at = excluded.expires_at, doc = excluded.doc`, k.UserID, k.Hash, k.ExpiresAt, doc)
	})
}

// InsertLink implements [credential.PersonStore].
func (s *Credential) InsertLink(ctx context.Context, l credential.Link, e audit.Event) error {
	doc, err := encode(linkDoc{l.Kind, stamp{l.CreatedAt}, l.Address})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.holdUser(l.UserID); err != nil {
			return err
		}
		return c.insertNew("exists", `INSERT INTO credential_links (hash, user_id, expires_at, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, l.Hash, l.UserID, l.ExpiresAt, doc)
	})
}

// Link implements [credential.PersonStore].
func (s *Credential) Link(ctx context.Context, hash []byte) (credential.Link, error) {
	l, err := one(s.db.read(ctx), scanLink, `SELECT hash, user_id, expires_at, doc FROM credential_links WHERE hash = $1`, hash)
	return l, s.db.lookup(err, "LINK", "")
}

// InsertAttempt implements [credential.AttemptStore].
func (s *Credential) InsertAttempt(ctx context.Context, a credential.Attempt) error {
	doc, err := encode(newAttemptDoc(a))
	if err != nil {
		return err
	}
	return s.db.write(ctx, func(c conn) error {
		return c.insertNew("exists", `INSERT INTO credential_attempts (hash, version, expires_at, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, a.Hash, a.Version, a.ExpiresAt, doc)
	})
}

// Attempt implements [credential.AttemptStore].
func (s *Credential) Attempt(ctx context.Context, hash []byte) (credential.Attempt, error) {
	a, err := one(s.db.read(ctx), scanAttempt, `SELECT hash, version, expires_at, doc FROM credential_attempts WHERE hash = $1`, hash)
	return a, s.db.lookup(err, "ATTEMPT", "")
}

// UpdateAttempt implements [credential.AttemptStore].
func (s *Credential) UpdateAttempt(ctx context.Context, a credential.Attempt) error {
	doc, err := encode(newAttemptDoc(a))
	if err != nil {
		return err
	}
	return s.db.write(ctx, func(c conn) error {
		return c.update("version", `UPDATE credential_attempts SET version = $2, expires_at = $3, doc = $4 WHERE hash = $1 AND version = $5`, a.Hash, a.Version, a.ExpiresAt, doc, a.Version-1)
	})
}

// Spend implements [credential.LimitStore]. The rows are the locks: each is made first if it is not there, in the order of the keys.
func (s *Credential) Spend(ctx context.Context, bs []credential.Bucket, now time.Time) (wait time.Duration, err error) {
	bs = sorted(bs)
	err = s.db.write(ctx, func(c conn) error {
		wait = 0
		next := make([]time.Time, len(bs))
		for i, b := range bs {
			full, err := c.limit(b, now)
			if err != nil {
				return err
			}
			var w time.Duration
			next[i], w = b.Take(full, now)
			wait = max(wait, w)
		}
		if wait > 0 {
			return nil
		}
		for i, b := range bs {
			if err := c.setLimit(b, next[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return wait, err
}

// Refund implements [credential.LimitStore].
func (s *Credential) Refund(ctx context.Context, bs []credential.Bucket, now time.Time) error {
	bs = sorted(bs)
	return s.db.write(ctx, func(c conn) error {
		for _, b := range bs {
			full, err := c.limit(b, now)
			if err == nil {
				err = c.setLimit(b, b.Return(full))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Fill implements [credential.LimitStore].
func (s *Credential) Fill(ctx context.Context, keys [][]byte) error {
	return s.db.write(ctx, func(c conn) error {
		for _, k := range slices.SortedFunc(slices.Values(keys), bytes.Compare) {
			if err := c.run(`DELETE FROM credential_limits WHERE hash = $1`, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func sorted(bs []credential.Bucket) []credential.Bucket {
	return slices.SortedFunc(slices.Values(bs), func(a, b credential.Bucket) int { return bytes.Compare(a.Key, b.Key) })
}

// limit locks the row of a bucket and reads when it is full.
func (c conn) limit(b credential.Bucket, now time.Time) (time.Time, error) {
	if err := c.run(`INSERT INTO credential_limits (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, b.Key, now); err != nil {
		return time.Time{}, err
	}
	full, err := one(c, column[int64], `SELECT expires_at FROM credential_limits WHERE hash = $1 {lock}`, b.Key)
	return moment(full), err
}

func (c conn) setLimit(b credential.Bucket, full time.Time) error {
	return c.run(`UPDATE credential_limits SET expires_at = $2 WHERE hash = $1`, b.Key, full)
}

// Sweep implements [credential.Store].
func (s *Credential) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	total := 0
	for _, query := range []string{
		sweep("credential_attempts", "hash"), sweep("credential_links", "hash"), sweep("credential_browsers", "user_id, hash"), sweep("credential_limits", "hash"),
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
