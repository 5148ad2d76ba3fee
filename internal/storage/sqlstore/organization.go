package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/organization"
)

// Organization is the organization's [organization.Store].
type Organization struct{ db *DB }

var _ organization.Store = (*Organization)(nil)

// Organization returns the organization's Store.
func (db *DB) Organization() *Organization { return &Organization{db} }

// InsertOrganization implements [organization.Store].
func (s *Organization) InsertOrganization(ctx context.Context, o organization.Organization, management organization.Account, e audit.Event) error {
	doc, err := encode(newAccountDoc(management))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO organization (only_one, id, root_id, management_account_id, created_at) VALUES (1, $1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			o.ID, o.RootID, o.ManagementAccountID, o.CreatedAt)
		if err != nil {
			return err
		}
		if n == 0 {
			return conflict("exists", "the organization exists already").About(organization.ResourceOrganization, o.ID)
		}
		return c.insertAccount(management, doc)
	})
}

// Organization implements [organization.Store].
func (s *Organization) Organization(ctx context.Context) (organization.Organization, error) {
	o, err := one(s.db.read(ctx), func(r row) (o organization.Organization, err error) {
		err = r.Scan(&o.ID, &o.RootID, &o.ManagementAccountID, into(&o.CreatedAt))
		return o, err
	}, `SELECT id, root_id, management_account_id, created_at FROM organization`)
	return o, s.db.lookup(err, organization.ResourceOrganization, "")
}

// holdParent makes sure that the place in the tree exists and stays until the commit.
func (c conn) holdParent(id string) error {
	_, err := one(c, column[int], `SELECT 1 FROM organization WHERE root_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = one(c, column[int], `SELECT 1 FROM units WHERE id = $1 {share}`, id)
	}
	return c.db.lookup(err, organization.ResourceParent, id)
}

type unitDoc struct {
	Tags map[string]string `json:"tags,omitempty"`
}

const unitColumns = `id, parent_id, name, created_at, doc`

func scanUnit(r row) (organization.Unit, error) {
	var u organization.Unit
	var doc string
	if err := r.Scan(&u.ID, &u.ParentID, &u.Name, into(&u.CreatedAt), &doc); err != nil {
		return u, err
	}
	d, err := decode[unitDoc](doc)
	u.Tags = d.Tags
	return u, err
}

// InsertUnit implements [organization.Store].
func (s *Organization) InsertUnit(ctx context.Context, u organization.Unit, e audit.Event) error {
	doc, err := encode(unitDoc{u.Tags})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.holdParent(u.ParentID); err != nil {
			return err
		}
		n, err := c.exec(`INSERT INTO units (`+unitColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, u.ID, u.ParentID, u.Name, u.CreatedAt, doc)
		if err == nil && n == 0 {
			err = unitNameTaken(u)
		}
		if err != nil {
			return err
		}
		return c.arrives(u.ID)
	})
}

func unitNameTaken(u organization.Unit) error {
	return conflict("duplicate-name", "an organizational unit named %q exists under this parent already", u.Name).At("name").About(organization.ResourceUnit, u.ID)
}

// UpdateUnit implements [organization.Store].
func (s *Organization) UpdateUnit(ctx context.Context, u organization.Unit, e audit.Event) error {
	doc, err := encode(unitDoc{u.Tags})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.holdParent(u.ParentID); err != nil {
			return err
		}
		n, err := c.exec(`UPDATE units SET parent_id = $2, name = $3, created_at = $4, doc = $5 WHERE id = $1`, u.ID, u.ParentID, u.Name, u.CreatedAt, doc)
		if s.db.dialect.Unique(err) {
			return unitNameTaken(u)
		}
		if err == nil && n == 0 {
			err = missing(organization.ResourceUnit, u.ID)
		}
		return err
	})
}

// DeleteUnit implements [organization.Store].
func (s *Organization) DeleteUnit(ctx context.Context, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		// Deleting first waits for everyone who holds the unit as a parent; then the children can be counted on.
		n, err := c.exec(`DELETE FROM units WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return missing(organization.ResourceUnit, id)
		}
		children, err := one(c, column[int], `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM units WHERE parent_id = $1 LIMIT 1) child_units)
			+ (SELECT COUNT(*) FROM (SELECT 1 FROM accounts WHERE parent_id = $1 LIMIT 1) child_accounts)`, id)
		if err == nil && children > 0 {
			err = conflict("not-empty", "the organizational unit still has units or accounts below it").About(organization.ResourceUnit, id)
		}
		if err != nil {
			return err
		}
		return c.run(`DELETE FROM org_attachments WHERE target_id = $1`, id)
	})
}

// Unit implements [organization.Store].
func (s *Organization) Unit(ctx context.Context, id string) (organization.Unit, error) {
	u, err := one(s.db.read(ctx), scanUnit, `SELECT `+unitColumns+` FROM units WHERE id = $1`, id)
	return u, s.db.lookup(err, organization.ResourceUnit, id)
}

// UnitsOf implements [organization.Store].
func (s *Organization) UnitsOf(ctx context.Context, parentID, after string, limit int) ([]organization.Unit, error) {
	us, err := all(s.db.read(ctx), scanUnit, `SELECT `+unitColumns+` FROM units WHERE parent_id = $1 AND id > $2 ORDER BY id LIMIT $3`, parentID, after, limit)
	return us, s.db.fault(err)
}

type accountDoc struct {
	Name     string              `json:"name"`
	Email    string              `json:"email,omitzero"`
	Status   organization.Status `json:"status"`
	Tags     map[string]string   `json:"tags,omitempty"`
	JoinedAt stamp               `json:"joinedAt,omitzero"`
}

func newAccountDoc(a organization.Account) accountDoc {
	return accountDoc{a.Name, a.Email, a.Status, a.Tags, stamp{a.JoinedAt}}
}

func scanAccount(r row) (organization.Account, error) {
	var a organization.Account
	var doc string
	if err := r.Scan(&a.ID, &a.ParentID, &doc); err != nil {
		return a, err
	}
	d, err := decode[accountDoc](doc)
	a.Name, a.Email, a.Status, a.Tags, a.JoinedAt = d.Name, d.Email, d.Status, d.Tags, d.JoinedAt.Time
	return a, err
}

// InsertAccount implements [organization.Store].
func (s *Organization) InsertAccount(ctx context.Context, a organization.Account, e audit.Event) error {
	doc, err := encode(newAccountDoc(a))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error { return c.insertAccount(a, doc) })
}

func (c conn) insertAccount(a organization.Account, doc string) error {
	if err := c.holdParent(a.ParentID); err != nil {
		return err
	}
	n, err := c.exec(`INSERT INTO accounts (id, parent_id, email_fold, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		a.ID, a.ParentID, directory.Fold(a.Email), doc)
	if err == nil && n == 0 {
		err = accountTaken(a)
	}
	if err != nil {
		return err
	}
	return c.arrives(a.ID)
}

func accountTaken(a organization.Account) error {
	return conflict("duplicate", "an account with this id or e-mail address exists already").About(organization.ResourceAccount, a.ID)
}

// UpdateAccount implements [organization.Store].
func (s *Organization) UpdateAccount(ctx context.Context, a organization.Account, e audit.Event) error {
	doc, err := encode(newAccountDoc(a))
	if err != nil {
		return err
	}
	return s.orgChange(ctx, e, func(c conn) error {
		if err := c.holdParent(a.ParentID); err != nil {
			return err
		}
		n, err := c.exec(`UPDATE accounts SET parent_id = $2, email_fold = $3, doc = $4 WHERE id = $1`, a.ID, a.ParentID, directory.Fold(a.Email), doc)
		if s.db.dialect.Unique(err) {
			return accountTaken(a)
		}
		if err == nil && n == 0 {
			err = missing(organization.ResourceAccount, a.ID)
		}
		return err
	})
}

// Account implements [organization.Store].
func (s *Organization) Account(ctx context.Context, id string) (organization.Account, error) {
	a, err := one(s.db.read(ctx), scanAccount, `SELECT id, parent_id, doc FROM accounts WHERE id = $1`, id)
	return a, s.db.lookup(err, organization.ResourceAccount, id)
}

// AccountsByID implements [organization.Store].
func (s *Organization) AccountsByID(ctx context.Context, ids []string) ([]organization.Account, error) {
	if err := atMost(len(ids), 1000); err != nil {
		return nil, err
	}
	return s.accounts(ctx, `SELECT id, parent_id, doc FROM accounts WHERE id IN {list $1}`, list(ids))
}

// Accounts implements [organization.Store].
func (s *Organization) Accounts(ctx context.Context, after string, limit int) ([]organization.Account, error) {
	return s.accounts(ctx, `SELECT id, parent_id, doc FROM accounts WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// AccountsOf implements [organization.Store].
func (s *Organization) AccountsOf(ctx context.Context, parentID, after string, limit int) ([]organization.Account, error) {
	return s.accounts(ctx, `SELECT id, parent_id, doc FROM accounts WHERE parent_id = $1 AND id > $2 ORDER BY id LIMIT $3`, parentID, after, limit)
}

func (s *Organization) accounts(ctx context.Context, query string, args ...any) ([]organization.Account, error) {
	as, err := all(s.db.read(ctx), scanAccount, query, args...)
	return as, s.db.fault(err)
}
