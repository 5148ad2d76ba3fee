package sqlstore

import (
	"context"
	"strings"

	"gatehouse/internal/application"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

func appPrincipal(p application.Principal) string { return string(p.Type) + "/" + p.ID }

func scanAppAssignment(r row) (application.Assignment, error) {
	var a application.Assignment
	var p string
	err := r.Scan(&a.ApplicationID, &p, into(&a.CreatedAt))
	kind, id, _ := strings.Cut(p, "/")
	a.Principal = application.Principal{Type: application.PrincipalType(kind), ID: id}
	return a, err
}

// Assign implements [application.ApplicationStore].
func (s *Application) Assign(ctx context.Context, a application.Assignment, maxGroups int, e audit.Event) error {
	ev, err := eventRow(e)
	if err != nil {
		return err
	}
	p := appPrincipal(a.Principal)
	return s.db.write(ctx, func(c conn) error {
		if _, err := one(c, column[int], `SELECT 1 FROM applications WHERE id = $1 {lock}`, a.ApplicationID); err != nil {
			return s.db.lookup(err, application.ResourceApplication, a.ApplicationID)
		}
		n, err := c.exec(`INSERT INTO application_assignments (application_id, principal, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, a.ApplicationID, p, a.CreatedAt)
		if err != nil || n == 0 {
			return err
		}
		if a.Principal.Type == application.Group {
			n, err := one(c, column[int], `SELECT COUNT(*) FROM application_assignments WHERE application_id = $1 AND principal >= 'GROUP/' AND principal < 'GROUP0'`, a.ApplicationID)
			if err != nil {
				return err
			}
			if n > maxGroups {
				return fault.New(fault.Quota, "You have exceeded the limit of %d groups assigned to an application", maxGroups)
			}
		}
		return c.insertEvent(ev)
	})
}

// Unassign implements [application.ApplicationStore].
func (s *Application) Unassign(ctx context.Context, a application.Assignment, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM application_assignments WHERE application_id = $1 AND principal = $2`, a.ApplicationID, appPrincipal(a.Principal))
		if err == nil && n == 0 {
			err = missing(application.ResourceAssignment, a.Principal.ID)
		}
		return err
	})
}

// Assignment implements [application.ApplicationStore].
func (s *Application) Assignment(ctx context.Context, applicationID string, p application.Principal) (application.Assignment, error) {
	a, err := one(s.db.read(ctx), scanAppAssignment, `SELECT application_id, principal, created_at FROM application_assignments WHERE application_id = $1 AND principal = $2`, applicationID, appPrincipal(p))
	return a, s.db.lookup(err, application.ResourceAssignment, p.ID)
}

// AssignmentsOf implements [application.ApplicationStore].
func (s *Application) AssignmentsOf(ctx context.Context, applicationID string, after application.Principal, limit int) ([]application.Assignment, error) {
	as, err := all(s.db.read(ctx), scanAppAssignment, `SELECT application_id, principal, created_at FROM application_assignments
		WHERE application_id = $1 AND principal > $2 ORDER BY principal LIMIT $3`, applicationID, appPrincipal(after), limit)
	return as, s.db.fault(err)
}

// AssignmentsFor implements [application.ApplicationStore].
func (s *Application) AssignmentsFor(ctx context.Context, p application.Principal, after string, limit int) ([]application.Assignment, error) {
	as, err := all(s.db.read(ctx), scanAppAssignment, `SELECT application_id, principal, created_at FROM application_assignments
		WHERE principal = $1 AND application_id > $2 ORDER BY application_id LIMIT $3`, appPrincipal(p), after, limit)
	return as, s.db.fault(err)
}

// Assigned implements [application.ApplicationStore].
func (s *Application) Assigned(ctx context.Context, applicationID string, ps []application.Principal) (bool, error) {
	n, err := one(s.db.read(ctx), column[int], `SELECT COUNT(*) FROM (SELECT 1 AS hit FROM application_assignments WHERE application_id = $1 AND principal IN {list $2} LIMIT 1) AS counted`,
		applicationID, list(mapped(ps, appPrincipal)))
	return n > 0, s.db.fault(err)
}
