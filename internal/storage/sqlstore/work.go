package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
)

// ClaimWork implements [access.WorkStore]. SQLite has one writer; PostgreSQL locks the rows it looks at and leaves out those
// that another claim is looking at.
func (s *Access) ClaimWork(ctx context.Context, worker string, now, until time.Time, max int) ([]access.RoleWork, error) {
	var claimed []access.RoleWork
	err := s.db.write(ctx, func(c conn) (err error) {
		claimed, err = all(c, scanWork, `WITH due AS MATERIALIZED (
				SELECT set_id AS s, account_id AS a FROM role_work WHERE ready_at <= $1 ORDER BY ready_at LIMIT $2 {claim})
			UPDATE role_work SET worker = $3, ready_at = $4, attempt = attempt + 1 FROM due WHERE set_id = due.s AND account_id = due.a
			RETURNING account_id, set_id, seq, attempt, planned, ready_at`, now, max, worker, until)
		if err != nil {
			return err
		}
		for i, w := range claimed {
			claimed[i].Reprovision, err = one(c, column[bool], `SELECT EXISTS (SELECT 1 FROM requests
				WHERE set_id = $1 AND account_id = $2 AND status = 'IN_PROGRESS' AND seq <= $3 AND kind = 'PROVISION')`, w.PermissionSetID, w.AccountID, w.Seq)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return claimed, err
}

func scanWork(r row) (access.RoleWork, error) {
	var w access.RoleWork
	err := r.Scan(&w.AccountID, &w.PermissionSetID, &w.Seq, &w.Attempt, &w.PlannedSuffix, into(&w.ClaimedUntil))
	return w, err
}

func claimLost(k access.RoleKey) error {
	return conflict("claim-lost", "another worker has taken this role over").About(access.ResourceRole, k.AccountID+"/"+k.PermissionSetID)
}

// PlanRole implements [access.WorkStore].
func (s *Access) PlanRole(ctx context.Context, worker string, k access.RoleKey, suffix string) error {
	return s.db.write(ctx, func(c conn) error {
		n, err := c.exec(`UPDATE role_work SET planned = $4 WHERE set_id = $1 AND account_id = $2 AND worker = $3`, k.PermissionSetID, k.AccountID, worker, suffix)
		if err == nil && (n == 0 || worker == "") {
			err = claimLost(k)
		}
		return err
	})
}

// FinishWork implements [access.WorkStore].
func (s *Access) FinishWork(ctx context.Context, worker string, w access.RoleWork, o access.Outcome, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		// A claim is known by its worker and its end: the same worker may have lost this role and claimed it again.
		seq, err := one(c, column[int64], `SELECT seq FROM role_work WHERE set_id = $1 AND account_id = $2 AND worker = $3 AND ready_at = $4 {lock}`,
			w.PermissionSetID, w.AccountID, worker, w.ClaimedUntil)
		if errors.Is(err, sql.ErrNoRows) {
			return claimLost(w.RoleKey)
		}
		if err != nil {
			return err
		}
		if err := c.putRole(w.RoleKey, o.Role); err != nil {
			return err
		}
		if err := c.endRequests(w, o); err != nil {
			return err
		}
		if seq > w.Seq {
			return c.run(`UPDATE role_work SET worker = '', ready_at = $3, attempt = 0, planned = '' WHERE set_id = $1 AND account_id = $2`, w.PermissionSetID, w.AccountID, o.At)
		}
		return c.run(`DELETE FROM role_work WHERE set_id = $1 AND account_id = $2`, w.PermissionSetID, w.AccountID)
	})
}

// putRole records what is at the target now.
func (c conn) putRole(k access.RoleKey, r *access.ProvisionedRole) error {
	if r == nil {
		return c.run(`DELETE FROM provisioned_roles WHERE set_id = $1 AND account_id = $2`, k.PermissionSetID, k.AccountID)
	}
	return c.run(`INSERT INTO provisioned_roles (set_id, account_id, suffix, role_name, revision, provisioned_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (set_id, account_id) DO UPDATE SET suffix = excluded.suffix, role_name = excluded.role_name, revision = excluded.revision,
		provisioned_at = excluded.provisioned_at`, k.PermissionSetID, k.AccountID, r.Suffix, r.RoleName, r.Revision, r.ProvisionedAt)
}

// endRequests ends the requests that the claim covered, takes back what failed ones had assigned, and tells their parents.
func (c conn) endRequests(w access.RoleWork, o access.Outcome) error {
	status := access.Succeeded
	if o.Failure != "" {
		status = access.Failed
	}
	ended, err := all(c, scanRequest, `UPDATE requests SET status = $4, failure = $5, finished_at = $6
		WHERE set_id = $1 AND account_id = $2 AND status = 'IN_PROGRESS' AND seq <= $3 RETURNING `+requestColumns,
		w.PermissionSetID, w.AccountID, w.Seq, string(status), o.Failure, o.At)
	if err != nil {
		return err
	}
	children := map[string]int{}
	for _, r := range ended {
		if r.ParentID != "" {
			children[r.ParentID]++
		}
		if r.Status == access.Failed && r.CreatedAssignment {
			if err := c.takeBack(r, w.Seq); err != nil {
				return err
			}
		}
	}
	for _, parent := range slices.Sorted(maps.Keys(children)) {
		if err := c.endChildren(parent, children[parent], w.AccountID, o); err != nil {
			return err
		}
	}
	return nil
}

// takeBack removes the assignment that a failed request made, if that is still the one. When a later request for the same assignment is
// waiting, the assignment is its own from now on: it would otherwise succeed with nothing assigned.
func (c conn) takeBack(r access.Request, seq int64) error {
	heir, err := one(c, column[string], `SELECT id FROM requests WHERE set_id = $1 AND account_id = $2 AND status = 'IN_PROGRESS' AND seq > $3
		AND kind = 'CREATE' AND principal = $4 ORDER BY seq LIMIT 1`, r.PermissionSetID, r.AccountID, seq, principalKey(r.Principal))
	if errors.Is(err, sql.ErrNoRows) {
		return c.run(`DELETE FROM assignments WHERE set_id = $1 AND account_id = $2 AND principal = $3 AND request_id = $4`,
			r.PermissionSetID, r.AccountID, principalKey(r.Principal), r.ID)
	}
	if err != nil {
		return err
	}
	n, err := c.exec(`UPDATE assignments SET request_id = $5 WHERE set_id = $1 AND account_id = $2 AND principal = $3 AND request_id = $4`,
		r.PermissionSetID, r.AccountID, principalKey(r.Principal), r.ID, heir)
	if err != nil || n == 0 {
		return err
	}
	return c.run(`UPDATE requests SET created_assignment = 1 WHERE id = $1`, heir)
}

// endChildren counts n children of a parent as ended, and ends the parent with the last of them.
func (c conn) endChildren(parent string, n int, accountID string, o access.Outcome) error {
	failed, reason := 0, ""
	if o.Failure != "" {
		failed, reason = n, "Account "+accountID+": "+o.Failure
	}
	type counts struct{ pending, failed int }
	left, err := one(c, func(r row) (k counts, err error) { return k, r.Scan(&k.pending, &k.failed) },
		`UPDATE requests SET pending = pending - $2, failed = failed + $3, failure = CASE WHEN failure = '' THEN $4 ELSE failure END
		WHERE id = $1 RETURNING pending, failed`, parent, n, failed, reason)
	if err != nil || left.pending > 0 {
		return err
	}
	status := access.Succeeded
	if left.failed > 0 {
		status = access.Failed
	}
	return c.run(`UPDATE requests SET status = $2, finished_at = $3 WHERE id = $1`, parent, string(status), o.At)
}

// RetryWork implements [access.WorkStore]. A claim that was lost is fault.Conflict "claim-lost".
func (s *Access) RetryWork(ctx context.Context, worker string, w access.RoleWork, due time.Time) error {
	return s.db.write(ctx, func(c conn) error {
		n, err := c.exec(`UPDATE role_work SET worker = '', ready_at = $5 WHERE set_id = $1 AND account_id = $2 AND worker = $3 AND ready_at = $4`,
			w.PermissionSetID, w.AccountID, worker, w.ClaimedUntil, due)
		if err == nil && n == 0 {
			err = claimLost(w.RoleKey)
		}
		return err
	})
}

// NextWork implements [access.WorkStore].
func (s *Access) NextWork(ctx context.Context) (due time.Time, ok bool, err error) {
	next, err := one(s.db.read(ctx), column[sql.NullInt64], `SELECT MIN(ready_at) FROM role_work`)
	if err != nil || !next.Valid {
		return time.Time{}, false, s.db.fault(err)
	}
	return moment(next.Int64), true, nil
}

const roleColumns = `account_id, set_id, suffix, role_name, revision, provisioned_at`

func scanRole(r row) (access.ProvisionedRole, error) {
	var p access.ProvisionedRole
	err := r.Scan(&p.AccountID, &p.PermissionSetID, &p.Suffix, &p.RoleName, &p.Revision, into(&p.ProvisionedAt))
	return p, err
}

// Role implements [access.WorkStore].
func (s *Access) Role(ctx context.Context, k access.RoleKey) (access.ProvisionedRole, error) {
	r, err := one(s.db.read(ctx), scanRole, `SELECT `+roleColumns+` FROM provisioned_roles WHERE set_id = $1 AND account_id = $2`, k.PermissionSetID, k.AccountID)
	return r, s.db.lookup(err, access.ResourceRole, k.AccountID+"/"+k.PermissionSetID)
}

// RolesOfSet implements [access.WorkStore].
func (s *Access) RolesOfSet(ctx context.Context, setID, afterAccountID string, limit int) ([]access.ProvisionedRole, error) {
	rs, err := all(s.db.read(ctx), scanRole, `SELECT `+roleColumns+` FROM provisioned_roles WHERE set_id = $1 AND account_id > $2 ORDER BY account_id LIMIT $3`,
		setID, afterAccountID, limit)
	return rs, s.db.fault(err)
}

// RolesOfAccount implements [access.WorkStore].
func (s *Access) RolesOfAccount(ctx context.Context, accountID, afterSetID string, limit int) ([]access.ProvisionedRole, error) {
	rs, err := all(s.db.read(ctx), scanRole, `SELECT `+roleColumns+` FROM provisioned_roles WHERE account_id = $1 AND set_id > $2 ORDER BY set_id LIMIT $3`,
		accountID, afterSetID, limit)
	return rs, s.db.fault(err)
}
