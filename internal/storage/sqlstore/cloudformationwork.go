package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"gatehouse/internal/cloudformation"
)

// ClaimStack implements [cloudformation.WorkStore].
func (s *CloudFormation) ClaimStack(ctx context.Context, worker string, now, until time.Time) (cloudformation.Claim, bool, error) {
	claim := cloudformation.Claim{Worker: worker, Until: until}
	found := false
	err := s.db.write(ctx, func(c conn) error {
		got, err := all(c, func(r row) (cloudformation.Claim, error) {
			k := cloudformation.Claim{Worker: worker, Until: until}
			err := r.Scan(&k.StackID, &k.Attempt)
			return k, err
		}, `WITH due AS MATERIALIZED (SELECT stack_id AS s FROM cfn_work WHERE ready_at <= $1 ORDER BY ready_at LIMIT 1 {claim})
			UPDATE cfn_work SET worker = $2, ready_at = $3, attempt = attempt + 1 FROM due WHERE stack_id = due.s RETURNING stack_id, attempt`, now, worker, until)
		if found = len(got) > 0; found {
			claim = got[0]
		}
		return err
	})
	return claim, found && err == nil, err
}

func stackClaimLost(k cloudformation.Claim) error {
	return conflict("claim-lost", "another worker has taken this stack over").About(cloudformation.ResourceStack, k.StackID)
}

func (c conn) moveClaim(k cloudformation.Claim, query string, args ...any) error {
	n, err := c.exec(query, append([]any{k.StackID, k.Worker}, args...)...)
	if err == nil && (n == 0 || k.Worker == "") {
		err = stackClaimLost(k)
	}
	return err
}

// RenewClaim implements [cloudformation.WorkStore].
func (s *CloudFormation) RenewClaim(ctx context.Context, k cloudformation.Claim, until time.Time) error {
	return s.db.write(ctx, func(c conn) error {
		return c.moveClaim(k, `UPDATE cfn_work SET ready_at = $3 WHERE stack_id = $1 AND worker = $2`, until)
	})
}

// ReleaseClaim implements [cloudformation.WorkStore].
func (s *CloudFormation) ReleaseClaim(ctx context.Context, k cloudformation.Claim, due time.Time) error {
	return s.db.write(ctx, func(c conn) error {
		return c.moveClaim(k, `UPDATE cfn_work SET worker = '', ready_at = $3 WHERE stack_id = $1 AND worker = $2`, due)
	})
}

// NextStack implements [cloudformation.WorkStore].
func (s *CloudFormation) NextStack(ctx context.Context) (time.Time, bool, error) {
	next, err := one(s.db.read(ctx), column[sql.NullInt64], `SELECT MIN(ready_at) FROM cfn_work`)
	if err != nil || !next.Valid {
		return time.Time{}, false, s.db.fault(err)
	}
	return moment(next.Int64), true, nil
}

// Record implements [cloudformation.WorkStore].
func (s *CloudFormation) Record(ctx context.Context, k cloudformation.Claim, st cloudformation.Step) error {
	docs := make([]string, len(st.Resources))
	for i, r := range st.Resources {
		d, err := newResourceDoc(r)
		if err == nil {
			docs[i], err = encode(d)
		}
		if err != nil {
			return err
		}
	}
	f := func(c conn) error {
		_, err := one(c, column[string], `SELECT stack_id FROM cfn_work WHERE stack_id = $1 AND worker = $2 {lock}`, k.StackID, k.Worker)
		if errors.Is(err, sql.ErrNoRows) || err == nil && k.Worker == "" {
			return stackClaimLost(k)
		}
		if err != nil {
			return err
		}
		return c.record(k, st, docs)
	}
	if st.Audit != nil {
		return s.db.change(ctx, *st.Audit, f)
	}
	return s.db.write(ctx, f)
}

func (c conn) record(k cloudformation.Claim, st cloudformation.Step, docs []string) error {
	for i, r := range st.Resources {
		err := c.run(`INSERT INTO cfn_resources (stack_id, logical_id, doc) VALUES ($1, $2, $3) ON CONFLICT (stack_id, logical_id) DO UPDATE SET doc = excluded.doc`,
			k.StackID, r.LogicalID, docs[i])
		if err != nil {
			return err
		}
	}
	for _, logical := range st.Remove {
		if err := c.run(`DELETE FROM cfn_resources WHERE stack_id = $1 AND logical_id = $2`, k.StackID, logical); err != nil {
			return err
		}
	}
	if st.Stack != nil {
		if err := c.putStack(*st.Stack); err != nil {
			return err
		}
	}
	if st.Trade != nil {
		if err := c.trade(k, *st.Trade); err != nil {
			return err
		}
	}
	if err := c.insertStackEvents(st.Events); err != nil {
		return err
	}
	if st.Done {
		return c.run(`DELETE FROM cfn_work WHERE stack_id = $1 AND worker = $2`, k.StackID, k.Worker)
	}
	return nil
}

// trade replaces what a stack exports and imports.
func (c conn) trade(k cloudformation.Claim, t cloudformation.Trade) error {
	st, err := one(c, scanStack, `SELECT `+stackColumns+` FROM cfn_stacks WHERE id = $1`, k.StackID)
	if err != nil {
		return err
	}
	old, err := all(c, scanExport, `SELECT `+exportColumns+` FROM cfn_exports WHERE stack_id = $1 ORDER BY account, region, name {exclusive}`, k.StackID)
	if err != nil {
		return err
	}
	for _, e := range old {
		if slices.Contains(t.Exports, e) {
			continue
		}
		users, err := all(c, column[string], `SELECT stack_name FROM cfn_imports WHERE account = $1 AND region = $2 AND name = $3 ORDER BY stack_name LIMIT 1`, e.AccountID, e.Region, e.Name)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return conflict("export-in-use", "Export %s cannot be updated as it is in use by %s", e.Name, users[0]).About(cloudformation.ResourceExport, e.Name)
		}
		if err := c.run(`DELETE FROM cfn_exports WHERE account = $1 AND region = $2 AND name = $3`, e.AccountID, e.Region, e.Name); err != nil {
			return err
		}
	}
	for _, e := range t.Exports {
		n, err := c.exec(`INSERT INTO cfn_exports (account, region, name, value, stack_id) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (account, region, name) DO UPDATE SET value = excluded.value WHERE cfn_exports.stack_id = excluded.stack_id`, e.AccountID, e.Region, e.Name, e.Value, e.StackID)
		if err != nil {
			return err
		}
		if n == 0 {
			return conflict("export", "Export with name %s is already exported by another stack.", e.Name).About(cloudformation.ResourceExport, e.Name)
		}
	}
	return c.imports(st, t.Imports)
}

func (c conn) imports(st cloudformation.Stack, names []string) error {
	if err := c.run(`DELETE FROM cfn_imports WHERE stack_id = $1`, st.ID); err != nil {
		return err
	}
	for _, name := range names {
		_, err := one(c, column[string], `SELECT name FROM cfn_exports WHERE account = $1 AND region = $2 AND name = $3 {share}`, st.AccountID, st.Region, name)
		if errors.Is(err, sql.ErrNoRows) {
			return conflict("export-gone", "No export named %s found.", name).About(cloudformation.ResourceExport, name)
		}
		if err != nil {
			return err
		}
		err = c.run(`INSERT INTO cfn_imports (account, region, name, stack_name, stack_id) VALUES ($1, $2, $3, $4, $5)`, st.AccountID, st.Region, name, st.Name, st.ID)
		if err != nil {
			return err
		}
	}
	return nil
}
