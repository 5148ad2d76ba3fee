package sqlstore

import (
	"context"
	"encoding/hex"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Application is the [application.Store].
type Application struct{ db *DB }

var _ application.Store = (*Application)(nil)

// Application returns the Store of applications and trusted token issuers.
func (db *DB) Application() *Application { return &Application{db} }

// once makes a creation happen once per client token: made is the id to be made, the answer the id that stands for the token.
// fresh is false if the token was used before, and then nothing is to be written.
func (c conn) once(t application.Token, made string) (id string, fresh bool, err error) {
	if t.Key == "" {
		return made, true, nil
	}
	if err := c.run(`DELETE FROM client_tokens WHERE expires_at <= $1`, t.Now); err != nil {
		return "", false, err
	}
	sum := hex.EncodeToString(t.Fingerprint)
	n, err := c.exec(`INSERT INTO client_tokens (name, fingerprint, made, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, t.Key, sum, made, t.ExpiresAt)
	if err != nil || n > 0 {
		return made, true, err
	}
	have, err := one(c, scanClientToken, `SELECT fingerprint, made FROM client_tokens WHERE name = $1`, t.Key)
	if err != nil {
		return "", false, err
	}
	if have.fingerprint != sum {
		return "", false, conflict("idempotency", "IdempotentParameterMismatch: this ClientToken was used before, with other parameters").At("ClientToken")
	}
	return have.made, false, nil
}

type clientToken struct{ fingerprint, made string }

func scanClientToken(r row) (t clientToken, err error) {
	err = r.Scan(&t.fingerprint, &t.made)
	return t, err
}

// room refuses a creation where an instance has max already. query counts; the instance's row stays locked, so that two creations cannot
// pass together.
func (c conn) room(instanceID, what string, max int, query string) error {
	if _, err := one(c, column[int], `SELECT 1 FROM instances WHERE id = $1 {lock}`, instanceID); err != nil {
		return c.db.lookup(err, access.ResourceInstance, instanceID)
	}
	n, err := one(c, column[int], query, instanceID)
	if err == nil && n >= max {
		err = fault.New(fault.Quota, "You have exceeded the limit of %d %s in an instance", max, what)
	}
	return err
}

const applicationColumns = `id, instance_id, account_id, provider, version, doc`

func scanApplication(r row) (application.Application, error) {
	var a application.Application
	var doc string
	if err := r.Scan(&a.ID, &a.InstanceID, &a.AccountID, &a.Provider, &a.Version, &doc); err != nil {
		return a, err
	}
	d, err := decode[applicationDoc](doc)
	d.into(&a)
	return a, err
}

// InsertApplication implements [application.ApplicationStore].
func (s *Application) InsertApplication(ctx context.Context, a application.Application, max int, t application.Token, e audit.Event) (id string, err error) {
	doc, err := encode(newApplicationDoc(a))
	if err != nil {
		return "", err
	}
	ev, err := eventRow(e)
	if err != nil {
		return "", err
	}
	err = s.db.write(ctx, func(c conn) error {
		made, fresh, err := c.once(t, a.ID)
		if err != nil || !fresh {
			id = made
			return err
		}
		if err := c.room(a.InstanceID, "applications", max, `SELECT COUNT(*) FROM applications WHERE instance_id = $1`); err != nil {
			return err
		}
		err = c.run(`INSERT INTO applications (`+applicationColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`, a.ID, a.InstanceID, a.AccountID, a.Provider, a.Version, doc)
		if err != nil {
			return err
		}
		id = made
		return c.insertEvent(ev)
	})
	return id, err
}

// UpdateApplication implements [application.ApplicationStore].
func (s *Application) UpdateApplication(ctx context.Context, a application.Application, ifVersion int64, e audit.Event) error {
	doc, err := encode(newApplicationDoc(a))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`UPDATE applications SET version = $2, doc = $3 WHERE id = $1 AND version = $4`, a.ID, a.Version, doc, ifVersion)
		if err != nil || n > 0 {
			return err
		}
		if _, err := one(c, column[int], `SELECT 1 FROM applications WHERE id = $1`, a.ID); err != nil {
			return s.db.lookup(err, application.ResourceApplication, a.ID)
		}
		return stale(application.ResourceApplication, a.ID)
	})
}

// DeleteApplication implements [application.ApplicationStore].
func (s *Application) DeleteApplication(ctx context.Context, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if _, err := one(c, column[int], `SELECT 1 FROM applications WHERE id = $1 {exclusive}`, id); err != nil {
			return s.db.lookup(err, application.ResourceApplication, id)
		}
		if err := c.run(`DELETE FROM application_assignments WHERE application_id = $1`, id); err != nil {
			return err
		}
		return c.run(`DELETE FROM applications WHERE id = $1`, id)
	})
}

// Application implements [application.ApplicationStore].
func (s *Application) Application(ctx context.Context, id string) (application.Application, error) {
	a, err := one(s.db.read(ctx), scanApplication, `SELECT `+applicationColumns+` FROM applications WHERE id = $1`, id)
	return a, s.db.lookup(err, application.ResourceApplication, id)
}

// Applications implements [application.ApplicationStore].
func (s *Application) Applications(ctx context.Context, f application.Filter, after string, limit int) ([]application.Application, error) {
	query, args := `SELECT `+applicationColumns+` FROM applications WHERE instance_id = $1 AND id > $2`, []any{f.InstanceID, after, limit}
	switch {
	case f.AccountID != "" && f.Provider != "":
		query, args = query+` AND account_id = $4 AND provider = $5`, append(args, f.AccountID, f.Provider)
	case f.AccountID != "":
		query, args = query+` AND account_id = $4`, append(args, f.AccountID)
	case f.Provider != "":
		query, args = query+` AND provider = $4`, append(args, f.Provider)
	}
	as, err := all(s.db.read(ctx), scanApplication, query+` ORDER BY id LIMIT $3`, args...)
	return as, s.db.fault(err)
}
