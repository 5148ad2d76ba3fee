package sqlstore

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

type managerDoc struct {
	Region        string            `json:"region"`
	TenantID      string            `json:"tenantId"`
	ApplicationID string            `json:"applicationId"`
	Tags          map[string]string `json:"tags,omitempty"`
	CreatedAt     stamp             `json:"createdAt,omitzero"`
	UpdatedAt     stamp             `json:"updatedAt,omitzero"`
}

func newManagerDoc(m access.Manager) managerDoc {
	return managerDoc{m.Region, m.TenantID, m.ApplicationID, m.Tags, stamp{m.CreatedAt}, stamp{m.UpdatedAt}}
}

const managerColumns = `id, instance_id, account_id, version, doc`

func scanManager(r row) (access.Manager, error) {
	var m access.Manager
	var doc string
	if err := r.Scan(&m.ID, &m.InstanceID, &m.AccountID, &m.Version, &doc); err != nil {
		return m, err
	}
	d, err := decode[managerDoc](doc)
	m.Region, m.TenantID, m.ApplicationID, m.Tags, m.CreatedAt, m.UpdatedAt = d.Region, d.TenantID, d.ApplicationID, d.Tags, d.CreatedAt.Time, d.UpdatedAt.Time
	return m, err
}

// InsertManager implements [access.ManagerStore].
func (s *Access) InsertManager(ctx context.Context, m access.Manager, e audit.Event) error {
	doc, err := encode(newManagerDoc(m))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO access_managers (`+managerColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, m.ID, m.InstanceID, m.AccountID, m.Version, doc)
		if s.db.dialect.Reference(err) {
			return missing(access.ResourceInstance, m.InstanceID)
		}
		if err == nil && n == 0 {
			err = conflict("exists", "the instance has an account access manager already").About(access.ResourceManager, m.ID)
		}
		return err
	})
}

// UpdateManager implements [access.ManagerStore].
func (s *Access) UpdateManager(ctx context.Context, m access.Manager, ifVersion int64, e audit.Event) error {
	doc, err := encode(newManagerDoc(m))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`UPDATE access_managers SET version = $2, doc = $3 WHERE id = $1 AND version = $4`, m.ID, m.Version, doc, ifVersion)
		if err != nil || n > 0 {
			return err
		}
		if _, err := one(c, column[int], `SELECT 1 FROM access_managers WHERE id = $1`, m.ID); err != nil {
			return s.db.lookup(err, access.ResourceManager, m.ID)
		}
		return stale(access.ResourceManager, m.ID)
	})
}

// DeleteManager implements [access.ManagerStore].
func (s *Access) DeleteManager(ctx context.Context, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if _, err := one(c, column[int], `SELECT 1 FROM access_managers WHERE id = $1 {exclusive}`, id); err != nil {
			return s.db.lookup(err, access.ResourceManager, id)
		}
		if err := c.run(`DELETE FROM role_entitlements WHERE manager_id = $1`, id); err != nil {
			return err
		}
		return c.run(`DELETE FROM access_managers WHERE id = $1`, id)
	})
}

// Manager implements [access.ManagerStore].
func (s *Access) Manager(ctx context.Context, id string) (access.Manager, error) {
	m, err := one(s.db.read(ctx), scanManager, `SELECT `+managerColumns+` FROM access_managers WHERE id = $1`, id)
	return m, s.db.lookup(err, access.ResourceManager, id)
}

// ManagerOf implements [access.ManagerStore].
func (s *Access) ManagerOf(ctx context.Context, instanceID string) (access.Manager, error) {
	m, err := one(s.db.read(ctx), scanManager, `SELECT `+managerColumns+` FROM access_managers WHERE instance_id = $1`, instanceID)
	return m, s.db.lookup(err, access.ResourceManager, instanceID)
}

// Managers implements [access.ManagerStore].
func (s *Access) Managers(ctx context.Context, accountID, after string, limit int) ([]access.Manager, error) {
	query, args := `SELECT `+managerColumns+` FROM access_managers WHERE id > $1`, []any{after, limit}
	if accountID != "" {
		query, args = query+` AND account_id = $3`, append(args, accountID)
	}
	ms, err := all(s.db.read(ctx), scanManager, query+` ORDER BY id LIMIT $2`, args...)
	return ms, s.db.fault(err)
}

const entitlementColumns = `id, manager_id, account_id, role, principal, role_id, created_at`

func scanEntitlement(r row) (access.RoleEntitlement, error) {
	var en access.RoleEntitlement
	var p string
	err := r.Scan(&en.ID, &en.ManagerID, &en.AccountID, &en.Role, &p, &en.RoleID, into(&en.CreatedAt))
	en.Principal = principalOf(p)
	return en, err
}

// InsertEntitlement implements [access.ManagerStore].
func (s *Access) InsertEntitlement(ctx context.Context, en access.RoleEntitlement, maxGroups int, e audit.Event) (made access.RoleEntitlement, err error) {
	ev, err := eventRow(e)
	if err != nil {
		return access.RoleEntitlement{}, err
	}
	err = s.db.write(ctx, func(c conn) error {
		// Locked, so that two nodes do not exceed the quota together.
		if _, err := one(c, column[int], `SELECT 1 FROM access_managers WHERE id = $1 {lock}`, en.ManagerID); err != nil {
			return s.db.lookup(err, access.ResourceManager, en.ManagerID)
		}
		var fresh bool
		if made, fresh, err = c.entitle(en); err != nil || !fresh {
			return err
		}
		if made.ID == en.ID && en.Principal.Type == access.Group {
			if err := c.roomForGroup(en, maxGroups); err != nil {
				return err
			}
		}
		return c.insertEvent(ev)
	})
	return made, err
}

// entitle inserts the entitlement or binds the one there is to the role that is meant now; fresh is false if there is nothing to write.
func (c conn) entitle(en access.RoleEntitlement) (made access.RoleEntitlement, fresh bool, err error) {
	p := principalKey(en.Principal)
	n, err := c.exec(`INSERT INTO role_entitlements (`+entitlementColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (manager_id, account_id, role, principal) DO NOTHING`,
		en.ID, en.ManagerID, en.AccountID, en.Role, p, en.RoleID, en.CreatedAt)
	if err != nil || n > 0 {
		return en, true, err
	}
	have, err := one(c, scanEntitlement, `SELECT `+entitlementColumns+` FROM role_entitlements WHERE manager_id = $1 AND account_id = $2 AND role = $3 AND principal = $4`,
		en.ManagerID, en.AccountID, en.Role, p)
	if err != nil || have.RoleID == en.RoleID {
		return have, false, err
	}
	have.RoleID = en.RoleID
	return have, true, c.run(`UPDATE role_entitlements SET role_id = $2 WHERE id = $1`, have.ID, have.RoleID)
}

func (c conn) roomForGroup(en access.RoleEntitlement, max int) error {
	n, err := one(c, column[int], `SELECT COUNT(*) FROM role_entitlements WHERE manager_id = $1 AND account_id = $2 AND role = $3 AND principal >= 'GROUP/' AND principal < 'GROUP0'`,
		en.ManagerID, en.AccountID, en.Role)
	if err == nil && n > max {
		err = fault.New(fault.Quota, "You have exceeded the limit of %d groups entitled to a role", max)
	}
	return err
}

// DeleteEntitlement implements [access.ManagerStore].
func (s *Access) DeleteEntitlement(ctx context.Context, managerID, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM role_entitlements WHERE id = $1 AND manager_id = $2`, id, managerID)
		if err == nil && n == 0 {
			err = missing(access.ResourceEntitlement, id)
		}
		return err
	})
}

// Entitlement implements [access.ManagerStore].
func (s *Access) Entitlement(ctx context.Context, managerID, id string) (access.RoleEntitlement, error) {
	en, err := one(s.db.read(ctx), scanEntitlement, `SELECT `+entitlementColumns+` FROM role_entitlements WHERE id = $1 AND manager_id = $2`, id, managerID)
	return en, s.db.lookup(err, access.ResourceEntitlement, id)
}

// Entitlements implements [access.ManagerStore]. Each filter is the beginning of an index, and the rest of it the order.
func (s *Access) Entitlements(ctx context.Context, managerID string, f access.EntitlementFilter, after access.EntitlementPlace, limit int) ([]access.RoleEntitlement, error) {
	query, args := `SELECT `+entitlementColumns+` FROM role_entitlements WHERE manager_id = $1`, []any{managerID, limit}
	p, at := principalKey(f.Principal), principalKey(after.Principal)
	switch {
	case p != "" && f.Role != "":
		query += ` AND principal = $3 AND account_id = $4 AND role = $5 AND (account_id, role, principal) > ($6, $7, $8)`
		args = append(args, p, f.AccountID, f.Role, after.AccountID, after.Role, at)
	case p != "" && f.AccountID != "":
		query += ` AND principal = $3 AND account_id = $4 AND role > $5`
		args = append(args, p, f.AccountID, after.Role)
	case p != "":
		query += ` AND principal = $3 AND (account_id, role) > ($4, $5)`
		args = append(args, p, after.AccountID, after.Role)
	case f.Role != "":
		query += ` AND account_id = $3 AND role = $4 AND principal > $5`
		args = append(args, f.AccountID, f.Role, at)
	case f.AccountID != "":
		query += ` AND account_id = $3 AND (role, principal) > ($4, $5)`
		args = append(args, f.AccountID, after.Role, at)
	default:
		query += ` AND (account_id, role, principal) > ($3, $4, $5)`
		args = append(args, after.AccountID, after.Role, at)
	}
	ens, err := all(s.db.read(ctx), scanEntitlement, query+` ORDER BY account_id, role, principal LIMIT $2`, args...)
	return ens, s.db.fault(err)
}

// HeldRoles implements [access.ManagerStore].
func (s *Access) HeldRoles(ctx context.Context, managerID string, ps []access.Principal, after access.HeldRole, limit int) ([]access.HeldRole, error) {
	if err := atMost(len(ps), 10_000); err != nil {
		return nil, err
	}
	rs, err := all(s.db.read(ctx), scanHeldRole, `SELECT DISTINCT a.account_id, a.role, a.role_id FROM role_entitlements a
		WHERE a.manager_id = $1 AND a.principal IN {list $2} AND (a.account_id, a.role, a.role_id) > ($3, $4, $5)
		ORDER BY a.account_id, a.role, a.role_id LIMIT $6`, managerID, principalKeys(ps), after.AccountID, after.Role, after.RoleID, limit)
	return rs, s.db.fault(err)
}

func scanHeldRole(r row) (h access.HeldRole, err error) {
	err = r.Scan(&h.AccountID, &h.Role, &h.RoleID)
	return h, err
}
