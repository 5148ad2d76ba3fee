package sqlstore

import (
	"context"
	"strings"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
)

// principalKey is the column form of a principal: it sorts as (type, id) does.
func principalKey(p access.Principal) string {
	if p == (access.Principal{}) {
		return ""
	}
	return string(p.Type) + "/" + p.ID
}

func principalOf(key string) access.Principal {
	t, id, _ := strings.Cut(key, "/")
	return access.Principal{Type: access.PrincipalType(t), ID: id}
}

// principalKeys is the list form.
func principalKeys(ps []access.Principal) list { return mapped(ps, principalKey) }

const assignmentColumns = `account_id, set_id, principal, created_at`

func scanAssignment(r row) (access.Assignment, error) {
	var a access.Assignment
	var p string
	err := r.Scan(&a.AccountID, &a.PermissionSetID, &p, into(&a.CreatedAt))
	a.Principal = principalOf(p)
	return a, err
}

func scanKey(r row) (access.RoleKey, error) {
	var k access.RoleKey
	err := r.Scan(&k.AccountID, &k.PermissionSetID)
	return k, err
}

// Assign implements [access.AssignmentStore].
func (s *Access) Assign(ctx context.Context, a access.Assignment, r access.Request, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO assignments (set_id, account_id, principal, created_at, request_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			a.PermissionSetID, a.AccountID, principalKey(a.Principal), a.CreatedAt, r.ID)
		if s.db.dialect.Reference(err) {
			return missing(access.ResourceSet, a.PermissionSetID)
		}
		if err != nil {
			return err
		}
		stored := r
		stored.CreatedAssignment = n > 0
		return c.enqueue(stored)
	})
}

// Unassign implements [access.AssignmentStore].
func (s *Access) Unassign(ctx context.Context, a access.Assignment, r access.Request, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM assignments WHERE set_id = $1 AND account_id = $2 AND principal = $3`,
			a.PermissionSetID, a.AccountID, principalKey(a.Principal))
		if err != nil {
			return err
		}
		if n == 0 {
			return missing(access.ResourceAssignment, "")
		}
		return c.enqueue(r)
	})
}

// AssignmentsOfRole implements [access.AssignmentStore].
func (s *Access) AssignmentsOfRole(ctx context.Context, k access.RoleKey, after access.Principal, limit int) ([]access.Assignment, error) {
	return s.assignments(ctx, `SELECT `+assignmentColumns+` FROM assignments WHERE set_id = $1 AND account_id = $2 AND principal > $3
		ORDER BY principal LIMIT $4`, k.PermissionSetID, k.AccountID, principalKey(after), limit)
}

// AssignmentsOfPrincipal implements [access.AssignmentStore].
func (s *Access) AssignmentsOfPrincipal(ctx context.Context, p access.Principal, after access.RoleKey, limit int) ([]access.Assignment, error) {
	return s.assignments(ctx, `SELECT `+assignmentColumns+` FROM assignments WHERE principal = $1 AND (account_id, set_id) > ($2, $3)
		ORDER BY account_id, set_id LIMIT $4`, principalKey(p), after.AccountID, after.PermissionSetID, limit)
}

func (s *Access) assignments(ctx context.Context, query string, args ...any) ([]access.Assignment, error) {
	as, err := all(s.db.read(ctx), scanAssignment, query, args...)
	return as, s.db.fault(err)
}

// Assigned implements [access.AssignmentStore].
func (s *Access) Assigned(ctx context.Context, k access.RoleKey, ps []access.Principal) (bool, error) {
	is, err := one(s.db.read(ctx), column[bool], `SELECT EXISTS (SELECT 1 FROM provisioned_roles WHERE set_id = $1 AND account_id = $2)
		AND EXISTS (SELECT 1 FROM assignments WHERE set_id = $1 AND account_id = $2 AND principal IN {list $3})`,
		k.PermissionSetID, k.AccountID, principalKeys(ps))
	return is, s.db.fault(err)
}

// CountAssignments implements [access.WorkStore].
func (s *Access) CountAssignments(ctx context.Context, k access.RoleKey, max int) (int, error) {
	n, err := one(s.db.read(ctx), column[int], `SELECT COUNT(*) FROM (SELECT 1 FROM assignments WHERE set_id = $1 AND account_id = $2 LIMIT $3) counted`,
		k.PermissionSetID, k.AccountID, max)
	return n, s.db.fault(err)
}
