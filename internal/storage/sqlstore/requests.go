package sqlstore

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
)

const requestColumns = `id, kind, parent_id, account_id, set_id, principal, status, failure, created_assignment, created_at, finished_at`

func scanRequest(r row) (access.Request, error) {
	var q access.Request
	var p, failure string
	err := r.Scan(&q.ID, &q.Kind, &q.ParentID, &q.AccountID, &q.PermissionSetID, &p, &q.Status, &failure, &q.CreatedAssignment,
		into(&q.CreatedAt), into(&q.FinishedAt))
	q.Principal = principalOf(p)
	if q.Status == access.Failed { // a parent notes the first failure while it is still in progress
		q.FailureReason = failure
	}
	return q, err
}

// enqueue raises the work of the request's role and inserts the request with the number it got there.
func (c conn) enqueue(r access.Request) error {
	// A claim, or the delay before another attempt, is left as it is: only the number of what is wanted grows.
	seq, err := one(c, column[int64], `INSERT INTO role_work (set_id, account_id, seq, worker, ready_at, attempt) VALUES ($1, $2, 1, '', $3, 0)
		ON CONFLICT (set_id, account_id) DO UPDATE SET seq = role_work.seq + 1 RETURNING seq`, r.PermissionSetID, r.AccountID, r.CreatedAt)
	if c.db.dialect.Reference(err) {
		return missing(access.ResourceSet, r.PermissionSetID)
	}
	if err != nil {
		return err
	}
	return c.insertRequest(r, seq, 0)
}

// insertRequest inserts a request. seq is 0 for a parent, which waits for a number of pending children.
func (c conn) insertRequest(r access.Request, seq int64, pending int) error {
	return c.run(`INSERT INTO requests (`+requestColumns+`, seq, pending) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		r.ID, string(r.Kind), r.ParentID, r.AccountID, r.PermissionSetID, principalKey(r.Principal), string(r.Status), r.FailureReason, r.CreatedAssignment,
		r.CreatedAt, r.FinishedAt, seq, pending)
}

// StartProvision implements [access.AssignmentStore].
func (s *Access) StartProvision(ctx context.Context, r access.Request, childID func() string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if r.AccountID != "" {
			return c.enqueue(r)
		}
		accounts, err := all(c, column[string], `SELECT account_id FROM provisioned_roles WHERE set_id = $1 ORDER BY account_id`, r.PermissionSetID)
		if err != nil {
			return err
		}
		parent := r
		if len(accounts) == 0 {
			parent.Status, parent.FinishedAt = access.Succeeded, r.CreatedAt
		}
		if err := c.insertRequest(parent, 0, len(accounts)); err != nil {
			return err
		}
		for _, account := range accounts { // by account, so that two of these lock the work in one order
			child := r
			child.ID, child.ParentID, child.AccountID = childID(), r.ID, account
			if err := c.enqueue(child); err != nil {
				return err
			}
		}
		return nil
	})
}

// Request implements [access.AssignmentStore].
func (s *Access) Request(ctx context.Context, id string) (access.Request, error) {
	r, err := one(s.db.read(ctx), scanRequest, `SELECT `+requestColumns+` FROM requests WHERE id = $1`, id)
	return r, s.db.lookup(err, access.ResourceRequest, id)
}

// Requests implements [access.AssignmentStore].
func (s *Access) Requests(ctx context.Context, kind access.RequestKind, status access.Status, after access.RequestCursor, limit int) ([]access.Request, error) {
	query, args := requestListing(status), []any{string(kind), limit}
	if after != (access.RequestCursor{}) {
		query, args = requestListingAfter(status), append(args, after.CreatedAt, after.ID)
	}
	if status != "" {
		args = append(args, string(status))
	}
	rs, err := all(s.db.read(ctx), scanRequest, query, args...)
	return rs, s.db.fault(err)
}

// The index is by (kind, status, created_at, id). A listing of any status reads the beginning of each of the three and merges them,
// so that its cost does not grow with the number of requests.
func requestListing(status access.Status) string {
	return requestQuery(status, "", "$3")
}

func requestListingAfter(status access.Status) string {
	return requestQuery(status, "AND (created_at, id) < ($3, $4)", "$5")
}

func requestQuery(status access.Status, place, statusParam string) string {
	const order = ` ORDER BY created_at DESC, id DESC LIMIT $2`
	one := func(status string) string {
		return `SELECT ` + requestColumns + ` FROM requests WHERE parent_id = '' AND kind = $1 AND status = ` + status + ` ` + place + order
	}
	if status != "" {
		return one(statusParam)
	}
	return `SELECT ` + requestColumns + ` FROM (SELECT * FROM (` + one(`'IN_PROGRESS'`) + `) open_ones UNION ALL SELECT * FROM (` + one(`'SUCCEEDED'`) +
		`) good_ones UNION ALL SELECT * FROM (` + one(`'FAILED'`) + `) bad_ones) listed` + order
}
