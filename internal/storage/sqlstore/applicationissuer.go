package sqlstore

import (
	"context"

	"gatehouse/internal/application"
	"gatehouse/internal/audit"
)

const issuerColumns = `id, instance_id, version, doc`

// InsertIssuer implements [application.IssuerStore].
func (s *Application) InsertIssuer(ctx context.Context, i application.Issuer, max int, t application.Token, e audit.Event) (id string, err error) {
	doc, err := encode(newIssuerDoc(i))
	if err != nil {
		return "", err
	}
	ev, err := eventRow(e)
	if err != nil {
		return "", err
	}
	err = s.db.write(ctx, func(c conn) error {
		made, fresh, err := c.once(t, i.ID)
		if err != nil || !fresh {
			id = made
			return err
		}
		if err := c.room(i.InstanceID, "trusted token issuers", max, `SELECT COUNT(*) FROM token_issuers WHERE instance_id = $1`); err != nil {
			return err
		}
		if err := c.run(`INSERT INTO token_issuers (`+issuerColumns+`) VALUES ($1, $2, $3, $4)`, i.ID, i.InstanceID, i.Version, doc); err != nil {
			return err
		}
		id = made
		return c.insertEvent(ev)
	})
	return id, err
}

// UpdateIssuer implements [application.IssuerStore].
func (s *Application) UpdateIssuer(ctx context.Context, i application.Issuer, ifVersion int64, e audit.Event) error {
	doc, err := encode(newIssuerDoc(i))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`UPDATE token_issuers SET version = $2, doc = $3 WHERE id = $1 AND version = $4`, i.ID, i.Version, doc, ifVersion)
		if err != nil || n > 0 {
			return err
		}
		if _, err := one(c, column[int], `SELECT 1 FROM token_issuers WHERE id = $1`, i.ID); err != nil {
			return s.db.lookup(err, application.ResourceIssuer, i.ID)
		}
		return stale(application.ResourceIssuer, i.ID)
	})
}

// DeleteIssuer implements [application.IssuerStore].
func (s *Application) DeleteIssuer(ctx context.Context, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM token_issuers WHERE id = $1`, id)
		if err == nil && n == 0 {
			err = missing(application.ResourceIssuer, id)
		}
		return err
	})
}

// Issuer implements [application.IssuerStore].
func (s *Application) Issuer(ctx context.Context, id string) (application.Issuer, error) {
	i, err := one(s.db.read(ctx), scanIssuer, `SELECT `+issuerColumns+` FROM token_issuers WHERE id = $1`, id)
	return i, s.db.lookup(err, application.ResourceIssuer, id)
}

// Issuers implements [application.IssuerStore].
func (s *Application) Issuers(ctx context.Context, instanceID, after string, limit int) ([]application.Issuer, error) {
	is, err := all(s.db.read(ctx), scanIssuer, `SELECT `+issuerColumns+` FROM token_issuers WHERE instance_id = $1 AND id > $2 ORDER BY id LIMIT $3`, instanceID, after, limit)
	return is, s.db.fault(err)
}
