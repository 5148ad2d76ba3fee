package sqlstore

import (
	"context"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// EnableService implements [organization.DelegateStore].
func (s *Organization) EnableService(ctx context.Context, t organization.TrustedService, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO org_services (name, enabled_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, t.Name, t.EnabledAt)
		if err == nil && n == 0 {
			err = conflict("enabled", "the service is enabled already")
		}
		return err
	})
}

// DisableService implements [organization.DelegateStore].
func (s *Organization) DisableService(ctx context.Context, name string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM org_services WHERE name = $1`, name)
		if err == nil && n == 0 {
			err = missing("SERVICE", name)
		}
		return err
	})
}

// EnabledServices implements [organization.DelegateStore].
func (s *Organization) EnabledServices(ctx context.Context, after string, limit int) ([]organization.TrustedService, error) {
	scan := func(r row) (t organization.TrustedService, err error) { return t, r.Scan(&t.Name, into(&t.EnabledAt)) }
	ts, err := all(s.db.read(ctx), scan, `SELECT name, enabled_at FROM org_services WHERE name > $1 ORDER BY name LIMIT $2`, after, limit)
	return ts, s.db.fault(err)
}

// InsertDelegate implements [organization.DelegateStore].
func (s *Organization) InsertDelegate(ctx context.Context, d organization.Delegate, e audit.Event) error {
	return s.orgChange(ctx, e, func(c conn) error {
		if _, err := one(c, column[int], `SELECT 1 FROM accounts WHERE id = $1 {share}`, d.AccountID); err != nil {
			return c.db.lookup(err, organization.ResourceAccount, d.AccountID)
		}
		n, err := c.exec(`INSERT INTO org_delegates (account_id, service, enabled_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, d.AccountID, d.Service, d.EnabledAt)
		if err == nil && n == 0 {
			err = conflict("registered", "The account is already a delegated administrator for the service.").About(organization.ResourceAccount, d.AccountID)
		}
		return err
	})
}

// DeleteDelegate implements [organization.DelegateStore].
func (s *Organization) DeleteDelegate(ctx context.Context, d organization.Delegate, e audit.Event) error {
	return s.orgChange(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM org_delegates WHERE account_id = $1 AND service = $2`, d.AccountID, d.Service)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "The specified account is not a delegated administrator for this Amazon Web Services service.").For("not-registered").About(organization.ResourceAccount, d.AccountID)
		}
		return err
	})
}

// Delegates implements [organization.DelegateStore].
func (s *Organization) Delegates(ctx context.Context, f organization.DelegateFilter) ([]organization.Delegate, error) {
	scan := func(r row) (d organization.Delegate, err error) {
		return d, r.Scan(&d.AccountID, &d.Service, into(&d.EnabledAt))
	}
	query := `SELECT account_id, service, enabled_at FROM org_delegates WHERE (account_id, service) > ($1, $2)`
	args := []any{f.AfterAccount, f.AfterService, f.Limit}
	switch {
	case f.AccountID != "" && f.Service != "":
		query += ` AND account_id = $4 AND service = $5`
		args = append(args, f.AccountID, f.Service)
	case f.AccountID != "":
		query += ` AND account_id = $4`
		args = append(args, f.AccountID)
	case f.Service != "":
		query += ` AND service = $4 AND account_id >= $1` // which seeks in the index by service
		args = append(args, f.Service)
	}
	ds, err := all(s.db.read(ctx), scan, query+` ORDER BY account_id, service LIMIT $3`, args...)
	return ds, s.db.fault(err)
}

type accountRequestDoc struct {
	Name          string `json:"name"`
	AccountID     string `json:"accountId,omitzero"`
	State         string `json:"state"`
	FailureReason string `json:"failureReason,omitzero"`
	RequestedAt   stamp  `json:"requestedAt,omitzero"`
	CompletedAt   stamp  `json:"completedAt,omitzero"`
}

func scanAccountRequest(r row) (organization.AccountRequest, error) {
	var q organization.AccountRequest
	var doc string
	if err := r.Scan(&q.ID, &doc); err != nil {
		return q, err
	}
	d, err := decode[accountRequestDoc](doc)
	q.Name, q.AccountID, q.State, q.FailureReason = d.Name, d.AccountID, d.State, d.FailureReason
	q.RequestedAt, q.CompletedAt = d.RequestedAt.Time, d.CompletedAt.Time
	return q, err
}

// InsertRequest implements [organization.RequestStore].
func (s *Organization) InsertRequest(ctx context.Context, r organization.AccountRequest, made *organization.Account, e audit.Event) error {
	doc, err := encode(accountRequestDoc{r.Name, r.AccountID, r.State, r.FailureReason, stamp{r.RequestedAt}, stamp{r.CompletedAt}})
	if err != nil {
		return err
	}
	var account string
	if made != nil {
		if account, err = encode(newAccountDoc(*made)); err != nil {
			return err
		}
	}
	return s.db.change(ctx, e, func(c conn) error {
		if made != nil {
			if err := c.insertAccount(*made, account); err != nil {
				return err
			}
		}
		return c.run(`INSERT INTO org_account_requests (id, doc) VALUES ($1, $2)`, r.ID, doc)
	})
}

// Request implements [organization.RequestStore].
func (s *Organization) Request(ctx context.Context, id string) (organization.AccountRequest, error) {
	r, err := one(s.db.read(ctx), scanAccountRequest, `SELECT id, doc FROM org_account_requests WHERE id = $1`, id)
	return r, s.db.lookup(err, "ACCOUNT_REQUEST", id)
}

// Requests implements [organization.RequestStore].
func (s *Organization) Requests(ctx context.Context, after string, limit int) ([]organization.AccountRequest, error) {
	rs, err := all(s.db.read(ctx), scanAccountRequest, `SELECT id, doc FROM org_account_requests WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return rs, s.db.fault(err)
}

// RootTags implements [organization.RequestStore].
func (s *Organization) RootTags(ctx context.Context) (map[string]string, error) {
	doc, err := one(s.db.read(ctx), column[string], `SELECT root_tags FROM org_state WHERE only_one = 1`)
	if err != nil {
		return nil, s.db.fault(err)
	}
	return decode[map[string]string](doc)
}

// SetRootTags implements [organization.RequestStore].
func (s *Organization) SetRootTags(ctx context.Context, tags map[string]string, e audit.Event) error {
	doc, err := encode(tags)
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error { return c.run(`UPDATE org_state SET root_tags = $1 WHERE only_one = 1`, doc) })
}
