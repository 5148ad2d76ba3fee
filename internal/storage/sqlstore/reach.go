package sqlstore

import (
	"context"
	"database/sql"

	"gatehouse/internal/access"
)

// What a person reaches is the union of what she and her groups are assigned. Some principals have a handful of assignments and
// some have one in every account, so a page is read in two steps: how far any of them needs to be read to fill it, and then what all of them
// have up to there. The work is bounded by principals times page, however much lies behind the page.

// reachEnd is an account to which one of the principals alone has as many assignments behind the place as are wanted: no page goes beyond
// it. NULL when nobody has that many.
const reachEnd = `WITH who (principal) AS {list $1}
	SELECT MIN((SELECT b.account_id FROM assignments b WHERE b.principal = who.principal AND (b.account_id, b.set_id) > ($2, $3)
		ORDER BY b.account_id, b.set_id LIMIT 1 OFFSET $4)) FROM who`

// reached selects the assignments behind ($2, $3) to roles that are there. The OFFSET keeps PostgreSQL from making a join of it that begins
// with all roles.
const reached = `WITH who (principal) AS {list $1} SELECT DISTINCT a.account_id, a.set_id
	FROM who JOIN assignments a ON a.principal = who.principal AND (a.account_id, a.set_id) > ($2, $3)
	WHERE EXISTS (SELECT 1 FROM provisioned_roles p WHERE p.set_id = a.set_id AND p.account_id = a.account_id LIMIT 1 OFFSET 0)`

const inOrder = ` ORDER BY a.account_id, a.set_id LIMIT $4`

// afterSets is behind every permission set id, which are of letters, digits, dashes, dots and slashes.
const afterSets = "~"

// RolesOf implements [access.AssignmentStore].
func (s *Access) RolesOf(ctx context.Context, ps []access.Principal, after access.RoleKey, limit int) ([]access.RoleKey, error) {
	if err := atMost(len(ps), 10_000); err != nil {
		return nil, err
	}
	if len(ps) == 0 || limit < 1 {
		return nil, nil
	}
	c, who := s.db.read(ctx), principalKeys(ps)
	var out []access.RoleKey
	for {
		end, err := one(c, column[sql.NullString], reachEnd, who, after.AccountID, after.PermissionSetID, limit-1)
		if err != nil {
			return nil, s.db.fault(err)
		}
		query, args := reached, []any{who, after.AccountID, after.PermissionSetID, limit - len(out)}
		if end.Valid {
			query, args = query+` AND a.account_id <= $5`, append(args, end.String)
		}
		more, err := all(c, scanKey, query+inOrder, args...)
		if err != nil {
			return nil, s.db.fault(err)
		}
		// Too few of them may be there; then the next accounts are looked at.
		if out = append(out, more...); len(out) == limit || !end.Valid {
			return out, nil
		}
		after = access.RoleKey{AccountID: end.String, PermissionSetID: afterSets}
	}
}

// RolesIn implements [access.AssignmentStore].
func (s *Access) RolesIn(ctx context.Context, ps []access.Principal, after access.RoleKey, limit int) ([]access.RoleKey, error) {
	if err := atMost(len(ps), 10_000); err != nil {
		return nil, err
	}
	ks, err := all(s.db.read(ctx), scanKey, reached+` AND a.account_id = $2`+inOrder, principalKeys(ps), after.AccountID, after.PermissionSetID, limit)
	return ks, s.db.fault(err)
}
