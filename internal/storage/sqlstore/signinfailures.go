package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/signin"
)

type failureDoc struct {
	SourceID   string `json:"source,omitzero"`
	Reason     string `json:"reason,omitzero"`
	Why        string `json:"why,omitzero"`
	Advice     string `json:"advice,omitzero"`
	ClientAddr string `json:"client,omitzero"`
	RequestID  string `json:"request,omitzero"`
	Message    string `json:"message,omitzero"`
}

const failureColumns = `id, at, vouched, expires_at, doc`

func scanFailure(r row) (signin.Failure, error) {
	var f signin.Failure
	var vouched int
	var doc string
	if err := r.Scan(&f.ID, into(&f.At), &vouched, into(&f.ExpiresAt), &doc); err != nil {
		return f, err
	}
	d, err := decode[failureDoc](doc)
	f.Vouched = vouched != 0
	f.SourceID, f.Reason, f.Why, f.Advice, f.ClientAddr, f.RequestID, f.Message = d.SourceID, d.Reason, d.Why, d.Advice, d.ClientAddr, d.RequestID, d.Message
	return f, err
}

// InsertFailure implements [signin.FailureStore].
func (s *SignIn) InsertFailure(ctx context.Context, f signin.Failure, e audit.Event) error {
	doc, err := encode(failureDoc{f.SourceID, f.Reason, f.Why, f.Advice, f.ClientAddr, f.RequestID, f.Message})
	if err != nil {
		return err
	}
	vouched := 0
	if f.Vouched {
		vouched = 1
	}
	return s.db.change(ctx, e, func(c conn) error {
		return c.insertNew("exists", `INSERT INTO signin_failures (`+failureColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, f.ID, f.At, vouched, f.ExpiresAt, doc)
	})
}

// Failure implements [signin.FailureStore].
func (s *SignIn) Failure(ctx context.Context, id string) (signin.Failure, error) {
	f, err := one(s.db.read(ctx), scanFailure, `SELECT `+failureColumns+` FROM signin_failures WHERE id = $1`, id)
	return f, s.db.lookup(err, "FAILURE", id)
}

// Failures implements [signin.FailureStore].
func (s *SignIn) Failures(ctx context.Context, before signin.FailureKey, limit int) ([]signin.Failure, error) {
	if before.At.IsZero() {
		before.At = time.UnixMicro(math.MaxInt64 / 2)
	}
	fs, err := all(s.db.read(ctx), scanFailure, `SELECT `+failureColumns+` FROM signin_failures WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3`,
		before.At, before.ID, limit)
	return fs, s.db.fault(err)
}

// pruneFailures removes what is beyond the newest of each kind.
func (s *SignIn) pruneFailures(ctx context.Context) error {
	for vouched := range 2 {
		err := s.db.write(ctx, func(c conn) error {
			last, err := one(c, scanFailure, `SELECT `+failureColumns+` FROM signin_failures WHERE vouched = $1 ORDER BY at DESC, id DESC LIMIT 1 OFFSET $2`, vouched, signin.MaxFailures)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			return c.run(`DELETE FROM signin_failures WHERE vouched = $1 AND (at, id) <= ($2, $3)`, vouched, last.At, last.ID)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
