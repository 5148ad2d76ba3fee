package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/signin"
)

// SignIn is the [signin.Store].
type SignIn struct{ db *DB }

var _ signin.Store = (*SignIn)(nil)

// SignIn returns the Store of sign-ins, sessions, clients, grants and tokens.
func (db *DB) SignIn() *SignIn { return &SignIn{db} }

// insertNew runs an INSERT … ON CONFLICT DO NOTHING and answers Conflict with the reason when nothing was inserted.
func (c conn) insertNew(reason, query string, args ...any) error {
	n, err := c.exec(query, args...)
	if err == nil && n == 0 {
		err = conflict(reason, "it exists already")
	}
	return err
}

// update runs a conditional write and answers Conflict with the reason when its condition did not hold.
func (c conn) update(reason, query string, args ...any) error {
	n, err := c.exec(query, args...)
	if err == nil && n == 0 {
		err = conflict(reason, "it was used or decided before, or does not exist")
	}
	return err
}

// Settings implements [signin.SettingStore].
func (s *SignIn) Settings(ctx context.Context) (signin.Settings, error) {
	set, err := one(s.db.read(ctx), func(r row) (set signin.Settings, err error) {
		var doc string
		if err := r.Scan(&set.Version, &doc); err != nil {
			return set, err
		}
		d, err := decode[settingsDoc](doc)
		set.SessionLength = time.Duration(d.SessionNanoseconds)
		return set, err
	}, `SELECT version, doc FROM signin_settings`)
	if errors.Is(err, sql.ErrNoRows) {
		return signin.Settings{}, nil
	}
	return set, s.db.fault(err)
}

// PutSettings implements [signin.SettingStore].
func (s *SignIn) PutSettings(ctx context.Context, set signin.Settings, ifVersion int64, e audit.Event) error {
	doc, err := encode(settingsDoc{int64(set.SessionLength)})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if ifVersion == 0 {
			return c.insertNew("version", `INSERT INTO signin_settings (only_one, version, doc) VALUES (1, $1, $2) ON CONFLICT DO NOTHING`, set.Version, doc)
		}
		return c.update("version", `UPDATE signin_settings SET version = $1, doc = $2 WHERE version = $3`, set.Version, doc, ifVersion)
	})
}

// InsertRequest implements [signin.RequestStore].
func (s *SignIn) InsertRequest(ctx context.Context, r signin.Request, e audit.Event) error {
	doc, err := encode(signinRequestDoc{r.Relay, r.BrowserHash, r.ReturnTo, stamp{r.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		return c.insertNew("exists", `INSERT INTO signin_requests (id, source_id, used_at, expires_at, doc) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			r.ID, r.SourceID, r.UsedAt, r.ExpiresAt, doc)
	})
}

// Request implements [signin.RequestStore].
func (s *SignIn) Request(ctx context.Context, id string) (signin.Request, error) {
	r, err := one(s.db.read(ctx), scanSigninRequest, `SELECT id, source_id, used_at, expires_at, doc FROM signin_requests WHERE id = $1`, id)
	return r, s.db.lookup(err, "REQUEST", id)
}

// Park implements [signin.RequestStore].
func (s *SignIn) Park(ctx context.Context, p signin.Parked, r signin.Replay, e audit.Event) error {
	doc, err := encode(parkedDoc{p.RequestID, p.BrowserHash, p.ReturnTo, p.UserID, newProofDoc(p.Proof), stamp{p.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if p.RequestID != "" {
			err := c.update("used", `UPDATE signin_requests SET used_at = $2 WHERE id = $1 AND used_at = $3 AND source_id = $4`,
				p.RequestID, p.CreatedAt, time.Time{}, r.SourceID)
			if err != nil {
				return err
			}
		}
		if err := c.remember(r); err != nil {
			return err
		}
		return c.insertNew("exists", `INSERT INTO signin_parked (hash, source_id, expires_at, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, p.Hash, p.Proof.SourceID, p.ExpiresAt, doc)
	})
}

// UseProof implements [signin.RequestStore].
func (s *SignIn) UseProof(ctx context.Context, r signin.Replay) error {
	return s.db.write(ctx, func(c conn) error {
		return c.insertNew("replay", `INSERT INTO signin_replays (source_id, assertion_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			r.SourceID, r.AssertionID, r.ExpiresAt)
	})
}

// Parked implements [signin.RequestStore].
func (s *SignIn) Parked(ctx context.Context, hash []byte) (signin.Parked, error) {
	p, err := one(s.db.read(ctx), scanParked, `SELECT hash, expires_at, doc FROM signin_parked WHERE hash = $1`, hash)
	return p, s.db.lookup(err, "PARKED", "")
}

// Claim implements [signin.RequestStore].
func (s *SignIn) Claim(ctx context.Context, parked []byte, session signin.Session, previous string, e audit.Event) error {
	doc, err := encode(sessionDoc{newProofDoc(session.Proof), stamp{session.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.update("used", `DELETE FROM signin_parked WHERE hash = $1`, parked); err != nil {
			return err
		}
		if previous != "" {
			if _, err := c.dropSessions([]string{previous}); err != nil {
				return err
			}
		}
		return c.insertSession(session, doc)
	})
}

// DropParked implements [signin.RequestStore].
func (s *SignIn) DropParked(ctx context.Context, sourceID string, e audit.Event) (int, error) {
	ev, err := eventRow(e)
	if err != nil {
		return 0, err
	}
	var n int64
	err = s.db.write(ctx, func(c conn) (err error) {
		if n, err = c.exec(`DELETE FROM signin_parked WHERE source_id = $1`, sourceID); err != nil || n == 0 {
			return err
		}
		return c.insertEvent(ev)
	})
	return int(n), err
}

// Note implements [signin.RequestStore].
func (s *SignIn) Note(ctx context.Context, e audit.Event) error {
	return s.db.change(ctx, e, func(conn) error { return nil })
}

func (c conn) insertSession(s signin.Session, doc string) error {
	return c.insertNew("exists", `INSERT INTO signin_sessions (id, hash, user_id, source_id, name_hash, last_seen_at, expires_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		s.ID, s.Hash, s.UserID, s.Proof.SourceID, nameHash(s.Proof.SourceID, s.Proof.NameID), s.LastSeenAt, s.ExpiresAt, doc)
}

// nameHash is the key of sessions by the name that a source opened them with: long names make no long keys.
func nameHash(sourceID, nameID string) []byte {
	h := sha256.Sum256([]byte(sourceID + "\x00" + nameID)) // a source's id has no zero byte
	return h[:]
}

// dropSessions removes sessions, and then what hangs on them. Deleting a session waits for whoever is issuing something on it, so nothing
// is left over; it returns how many sessions there were.
func (c conn) dropSessions(ids []string) (int64, error) {
	n, err := c.exec(`DELETE FROM signin_sessions WHERE id IN {list $1}`, list(ids))
	if err != nil {
		return 0, err
	}
	for _, query := range []string{
		`DELETE FROM signin_devices WHERE session_id IN {list $1}`,
		`DELETE FROM signin_codes WHERE session_id IN {list $1}`,
		`DELETE FROM signin_access_tokens WHERE session_id IN {list $1}`,
		`DELETE FROM signin_refresh_tokens WHERE session_id IN {list $1}`,
	} {
		if err := c.run(query, list(ids)); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// InsertSession implements [signin.SessionStore].
func (s *SignIn) InsertSession(ctx context.Context, session signin.Session, e audit.Event) error {
	doc, err := encode(sessionDoc{newProofDoc(session.Proof), stamp{session.CreatedAt}})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error { return c.insertSession(session, doc) })
}

// SessionByHash implements [signin.SessionStore].
func (s *SignIn) SessionByHash(ctx context.Context, hash []byte) (signin.Session, error) {
	session, err := one(s.db.read(ctx), scanSession, `SELECT `+sessionColumns+` FROM signin_sessions s WHERE s.hash = $1`, hash)
	return session, s.db.lookup(err, "SESSION", "")
}

// Session implements [signin.SessionStore].
func (s *SignIn) Session(ctx context.Context, id string) (signin.Session, error) {
	session, err := one(s.db.read(ctx), scanSession, `SELECT `+sessionColumns+` FROM signin_sessions s WHERE s.id = $1`, id)
	return session, s.db.lookup(err, "SESSION", id)
}

// SessionsOf implements [signin.SessionStore].
func (s *SignIn) SessionsOf(ctx context.Context, userID, after string, limit int) ([]signin.Session, error) {
	ss, err := all(s.db.read(ctx), scanSession, `SELECT `+sessionColumns+` FROM signin_sessions s WHERE s.user_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3`,
		userID, after, limit)
	return ss, s.db.fault(err)
}

// SessionsBySource implements [signin.SessionStore].
func (s *SignIn) SessionsBySource(ctx context.Context, sourceID, after string, limit int) ([]signin.Session, error) {
	ss, err := all(s.db.read(ctx), scanSession, `SELECT `+sessionColumns+` FROM signin_sessions s WHERE s.source_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3`,
		sourceID, after, limit)
	return ss, s.db.fault(err)
}

// CountSessionsBySource implements [signin.SessionStore].
func (s *SignIn) CountSessionsBySource(ctx context.Context, sourceID string) (int, error) {
	n, err := one(s.db.read(ctx), column[int], `SELECT COUNT(*) FROM signin_sessions WHERE source_id = $1`, sourceID)
	return n, s.db.fault(err)
}

// TouchSession implements [signin.SessionStore].
func (s *SignIn) TouchSession(ctx context.Context, id string, at time.Time) error {
	return s.db.write(ctx, func(c conn) error {
		return c.run(`UPDATE signin_sessions SET last_seen_at = $2 WHERE id = $1`, id, at)
	})
}

// DeleteSession implements [signin.SessionStore].
func (s *SignIn) DeleteSession(ctx context.Context, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.dropSessions([]string{id})
		if err == nil && n == 0 {
			err = missing("SESSION", id)
		}
		return err
	})
}

// DeleteSessions implements [signin.SessionStore].
func (s *SignIn) DeleteSessions(ctx context.Context, es []audit.Event) (int, error) {
	evs, ids := make(map[string]preparedEvent, len(es)), make([]string, 0, len(es))
	for _, e := range es {
		ev, err := eventRow(e)
		if err != nil {
			return 0, err
		}
		evs[e.Resource] = ev
		ids = append(ids, e.Resource)
	}
	var n int
	err := s.db.write(ctx, func(c conn) error {
		there, err := all(c, column[string], `SELECT id FROM signin_sessions WHERE id IN {list $1} ORDER BY id {lock}`, list(ids))
		if err != nil {
			return err
		}
		n = len(there)
		if _, err := c.dropSessions(there); err != nil {
			return err
		}
		return c.insertEvents(mapped(there, func(id string) preparedEvent { return evs[id] }))
	})
	return n, err
}

// DeleteSessionsOf implements [signin.SessionStore].
func (s *SignIn) DeleteSessionsOf(ctx context.Context, userID string, e audit.Event) (int, error) {
	var n int64
	err := s.db.change(ctx, e, func(c conn) error {
		ids, err := all(c, column[string], `SELECT id FROM signin_sessions WHERE user_id = $1 ORDER BY id {lock}`, userID)
		if err != nil {
			return err
		}
		n, err = c.dropSessions(ids)
		return err
	})
	return int(n), err
}

// DeleteSessionsNamed implements [signin.SessionStore].
func (s *SignIn) DeleteSessionsNamed(ctx context.Context, nameID string, indexes []string, r signin.Replay, e audit.Event) (int, error) {
	var n int64
	err := s.db.change(ctx, e, func(c conn) error {
		if err := c.remember(r); err != nil {
			return err
		}
		ss, err := all(c, scanSession, `SELECT `+sessionColumns+` FROM signin_sessions s WHERE s.name_hash = $1 ORDER BY s.id {lock}`, nameHash(r.SourceID, nameID))
		if err != nil {
			return err
		}
		var ids []string
		for _, session := range ss {
			if p := session.Proof; p.SourceID == r.SourceID && p.NameID == nameID && (len(indexes) == 0 || slices.Contains(indexes, p.SessionIndex)) {
				ids = append(ids, session.ID)
			}
		}
		if len(ids) > 0 {
			n, err = c.dropSessions(ids)
		}
		return err
	})
	return int(n), err
}

// remember keeps a single-use id.
func (c conn) remember(r signin.Replay) error {
	return c.insertNew("replay", `INSERT INTO signin_replays (source_id, assertion_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		r.SourceID, r.AssertionID, r.ExpiresAt)
}

// Sweep implements [signin.Store]: a short transaction for each noun, so that nobody waits long for a turn.
func (s *SignIn) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	total, err := s.sweepSessions(ctx, now, limit)
	if err != nil {
		return total, err
	}
	for _, query := range []string{
		sweep("signin_requests", "id"), sweep("signin_replays", "source_id, assertion_id"), sweep("signin_parked", "hash"),
		sweep("signin_clients", "id"), sweep("signin_devices", "hash"), sweep("signin_codes", "hash"),
		sweep("signin_access_tokens", "hash"), sweep("signin_refresh_tokens", "hash"), sweep("signin_failures", "id"),
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
	return total, s.pruneFailures(ctx)
}

// sweep deletes expired rows of a table by its key. Rows that another node is about to delete or use are left for later.
func sweep(table, key string) string {
	return `WITH gone AS MATERIALIZED (SELECT ` + key + ` FROM ` + table + ` WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {claim})
		DELETE FROM ` + table + ` WHERE (` + key + `) IN (SELECT ` + key + ` FROM gone)`
}

func (s *SignIn) sweepSessions(ctx context.Context, now time.Time, limit int) (int, error) {
	var n int64
	err := s.db.write(ctx, func(c conn) error {
		ids, err := all(c, column[string], `SELECT id FROM signin_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {claim}`, now, limit)
		if err != nil {
			return err
		}
		n, err = c.dropSessions(ids)
		return err
	})
	return int(n), err
}
