package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// orgChange runs f, and then raises the organization's generation: last, because every change of it waits for that row.
func (s *Organization) orgChange(ctx context.Context, e audit.Event, f func(c conn) error) error {
	return s.db.change(ctx, e, func(c conn) error {
		if err := f(c); err != nil {
			return err
		}
		return c.raiseOrganization()
	})
}

func (c conn) raiseOrganization() error {
	return c.run(`UPDATE org_state SET generation = generation + 1 WHERE only_one = 1`)
}

// Generation implements [organization.PolicyStore].
func (s *Organization) Generation(ctx context.Context) (int64, error) {
	n, err := one(s.db.read(ctx), column[int64], `SELECT generation FROM org_state WHERE only_one = 1`)
	return n, s.db.fault(err)
}

// ControlOn implements [organization.PolicyStore].
func (s *Organization) ControlOn(ctx context.Context) (bool, error) {
	n, err := one(s.db.read(ctx), column[int64], `SELECT control_on FROM org_state WHERE only_one = 1`)
	return n != 0, s.db.fault(err)
}

type orgPolicyDoc struct {
	Description string            `json:"description,omitzero"`
	Content     string            `json:"content"`
	Tags        map[string]string `json:"tags,omitempty"`
	CreatedAt   stamp             `json:"createdAt,omitzero"`
}

func newOrgPolicyDoc(p organization.Policy) orgPolicyDoc {
	return orgPolicyDoc{p.Description, p.Content, p.Tags, stamp{p.CreatedAt}}
}

func scanOrgPolicy(r row) (organization.Policy, error) {
	var p organization.Policy
	var doc string
	if err := r.Scan(&p.ID, &p.Name, &doc); err != nil {
		return p, err
	}
	d, err := decode[orgPolicyDoc](doc)
	p.Description, p.Content, p.Tags, p.CreatedAt = d.Description, d.Content, d.Tags, d.CreatedAt.Time
	return p, err
}

func policyNameTaken(p organization.Policy) error {
	return conflict("duplicate-policy", "A policy with the specified name and type already exists.").At("Name").About(organization.ResourcePolicy, p.ID)
}

// InsertPolicy implements [organization.PolicyStore].
func (s *Organization) InsertPolicy(ctx context.Context, p organization.Policy, e audit.Event) error {
	doc, err := encode(newOrgPolicyDoc(p))
	if err != nil {
		return err
	}
	return s.orgChange(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO org_policies (id, name, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, p.ID, p.Name, doc)
		if err == nil && n == 0 {
			err = policyNameTaken(p)
		}
		return err
	})
}

// UpdatePolicy implements [organization.PolicyStore].
func (s *Organization) UpdatePolicy(ctx context.Context, p organization.Policy, e audit.Event) error {
	doc, err := encode(newOrgPolicyDoc(p))
	if err != nil {
		return err
	}
	return s.orgChange(ctx, e, func(c conn) error {
		n, err := c.exec(`UPDATE org_policies SET name = $2, doc = $3 WHERE id = $1`, p.ID, p.Name, doc)
		if s.db.dialect.Unique(err) {
			return policyNameTaken(p)
		}
		if err == nil && n == 0 {
			err = missing(organization.ResourcePolicy, p.ID)
		}
		return err
	})
}

// DeletePolicy implements [organization.PolicyStore].
func (s *Organization) DeletePolicy(ctx context.Context, id string, e audit.Event) error {
	return s.orgChange(ctx, e, func(c conn) error {
		// Deleting first waits for whoever holds the policy to attach it; then attachments can be counted on.
		n, err := c.exec(`DELETE FROM org_policies WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return missing(organization.ResourcePolicy, id)
		}
		_, err = one(c, column[int], `SELECT 1 FROM org_attachments WHERE policy_id = $1 LIMIT 1`, id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = conflict("policy-in-use", "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.").About(organization.ResourcePolicy, id)
		}
		return err
	})
}

// Policy implements [organization.PolicyStore].
func (s *Organization) Policy(ctx context.Context, id string) (organization.Policy, error) {
	p, err := one(s.db.read(ctx), scanOrgPolicy, `SELECT id, name, doc FROM org_policies WHERE id = $1`, id)
	return p, s.db.lookup(err, organization.ResourcePolicy, id)
}

// Policies implements [organization.PolicyStore].
func (s *Organization) Policies(ctx context.Context, after string, limit int) ([]organization.Policy, error) {
	ps, err := all(s.db.read(ctx), scanOrgPolicy, `SELECT id, name, doc FROM org_policies WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return ps, s.db.fault(err)
}

// holdControl locks the organization's state, so that attachments of one target change one after the other, and demands that policies are on
// or off.
func (c conn) holdControl(on bool) error {
	n, err := one(c, column[int64], `SELECT control_on FROM org_state WHERE only_one = 1 {lock}`)
	switch {
	case err != nil:
		return err
	case on && n == 0:
		return conflict("type-off", "This operation can be performed only for enabled policy types.")
	case !on && n != 0:
		return conflict("type-on", "The specified policy type is already enabled.")
	}
	return nil
}

// holdTarget makes sure that the root, unit or account exists and stays until the commit.
func (c conn) holdTarget(id string) error {
	err := c.holdParent(id)
	if fault.Is(err, fault.NotFound) {
		_, err = one(c, column[int], `SELECT 1 FROM accounts WHERE id = $1 {share}`, id)
		return c.db.lookup(err, organization.ResourceTarget, id)
	}
	return err
}

// Attach implements [organization.PolicyStore].
func (s *Organization) Attach(ctx context.Context, a organization.Attachment, most int, e audit.Event) error {
	return s.orgChange(ctx, e, func(c conn) error {
		// The organization's state is locked last, here as everywhere: else an account on the move and its new policy wait for each other.
		if err := c.holdTarget(a.TargetID); err != nil {
			return err
		}
		if a.PolicyID != organization.FullAccessID {
			if _, err := one(c, column[int], `SELECT 1 FROM org_policies WHERE id = $1 {share}`, a.PolicyID); err != nil {
				return c.db.lookup(err, organization.ResourcePolicy, a.PolicyID)
			}
		}
		if err := c.holdControl(true); err != nil {
			return err
		}
		n, err := c.exec(`INSERT INTO org_attachments (target_id, policy_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, a.TargetID, a.PolicyID)
		if err != nil {
			return err
		}
		if n == 0 {
			return conflict("attached", "A policy with the specified name and type is attached already.").About(organization.ResourcePolicy, a.PolicyID)
		}
		have, err := one(c, column[int], `SELECT COUNT(*) FROM org_attachments WHERE target_id = $1`, a.TargetID)
		if err == nil && have > most {
			err = fault.New(fault.Quota, "You have attached the maximum number of policies to the target, %d.", most).For("most")
		}
		return err
	})
}

// Detach implements [organization.PolicyStore].
func (s *Organization) Detach(ctx context.Context, a organization.Attachment, e audit.Event) error {
	return s.orgChange(ctx, e, func(c conn) error {
		if err := c.holdControl(true); err != nil {
			return err
		}
		n, err := c.exec(`DELETE FROM org_attachments WHERE target_id = $1 AND policy_id = $2`, a.TargetID, a.PolicyID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "The policy isn't attached to the specified target in the specified root.").For("not-attached").About(organization.ResourcePolicy, a.PolicyID)
		}
		have, err := one(c, column[int], `SELECT COUNT(*) FROM org_attachments WHERE target_id = $1`, a.TargetID)
		if err == nil && have == 0 {
			err = fault.New(fault.Quota, "You cannot remove the last policy attached to the specified target. You should have at least one attached.").For("least")
		}
		return err
	})
}

// PolicyIDsOf implements [organization.PolicyStore].
func (s *Organization) PolicyIDsOf(ctx context.Context, targetIDs []string) (map[string][]string, error) {
	scan := func(r row) (a organization.Attachment, err error) { return a, r.Scan(&a.TargetID, &a.PolicyID) }
	as, err := all(s.db.read(ctx), scan, `SELECT target_id, policy_id FROM org_attachments WHERE target_id IN {list $1} ORDER BY target_id, policy_id`, list(targetIDs))
	out := map[string][]string{}
	for _, a := range as {
		out[a.TargetID] = append(out[a.TargetID], a.PolicyID)
	}
	return out, s.db.fault(err)
}

// TargetsOf implements [organization.PolicyStore].
func (s *Organization) TargetsOf(ctx context.Context, policyID, after string, limit int) ([]string, error) {
	ids, err := all(s.db.read(ctx), column[string], `SELECT target_id FROM org_attachments WHERE policy_id = $1 AND target_id > $2 ORDER BY target_id LIMIT $3`, policyID, after, limit)
	return ids, s.db.fault(err)
}

// SwitchControl implements [organization.PolicyStore].
func (s *Organization) SwitchControl(ctx context.Context, on bool, e audit.Event) error {
	return s.orgChange(ctx, e, func(c conn) error {
		if err := c.holdControl(!on); err != nil {
			return err
		}
		if err := c.run(`UPDATE org_state SET control_on = $1 WHERE only_one = 1`, on); err != nil {
			return err
		}
		if !on {
			return c.run(`DELETE FROM org_attachments`)
		}
		return c.run(`INSERT INTO org_attachments (target_id, policy_id)
			SELECT root_id, $1 FROM organization UNION ALL SELECT id, $1 FROM units every_unit UNION ALL SELECT id, $1 FROM accounts every_account`, organization.FullAccessID)
	})
}

// arrives gives a new unit or account the policy that everything begins with, if policies are on. The state is held, so that nothing
// slips in beside a switch.
func (c conn) arrives(id string) error {
	on, err := one(c, column[int64], `SELECT control_on FROM org_state WHERE only_one = 1 {lock}`)
	if err != nil {
		return err
	}
	if on != 0 {
		if err := c.run(`INSERT INTO org_attachments (target_id, policy_id) VALUES ($1, $2)`, id, organization.FullAccessID); err != nil {
			return err
		}
	}
	return c.raiseOrganization()
}
