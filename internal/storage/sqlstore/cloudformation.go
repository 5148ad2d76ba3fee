package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/cloudformation"
)

// CloudFormation implements [cloudformation.Store].
type CloudFormation struct{ db *DB }

// CloudFormation returns the store of stacks.
func (db *DB) CloudFormation() *CloudFormation { return &CloudFormation{db} }

var _ cloudformation.Store = (*CloudFormation)(nil)

// InsertStack implements [cloudformation.StackStore].
func (s *CloudFormation) InsertStack(ctx context.Context, st cloudformation.Stack, happened []cloudformation.Event, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error { return c.insertStack(st, happened) })
}

func (c conn) insertStack(st cloudformation.Stack, happened []cloudformation.Event) error {
	doc, err := encode(newStackDoc(st))
	if err != nil {
		return err
	}
	n, err := c.exec(`INSERT INTO cfn_stacks (id, account, region, name, live, version, doc) VALUES ($1, $2, $3, $4, 1, 1, $5) ON CONFLICT DO NOTHING`,
		st.ID, st.AccountID, st.Region, st.Name, doc)
	if err != nil {
		return err
	}
	if n == 0 {
		return conflict("exists", "there is a stack of this name").About(cloudformation.ResourceStack, st.Name)
	}
	if st.Operation != nil {
		if err := c.stackWork(st); err != nil {
			return err
		}
	}
	return c.insertStackEvents(happened)
}

// stackWork makes a stack's work due at once.
func (c conn) stackWork(st cloudformation.Stack) error {
	return c.run(`INSERT INTO cfn_work (stack_id, worker, ready_at, attempt) VALUES ($1, '', $2, 0)
		ON CONFLICT (stack_id) DO UPDATE SET worker = '', ready_at = excluded.ready_at, attempt = 0`, st.ID, st.Operation.StartedAt)
}

// putStack replaces the stack whose version is st.Version.
func (c conn) putStack(st cloudformation.Stack) error {
	doc, err := encode(newStackDoc(st))
	if err != nil {
		return err
	}
	n, err := c.exec(`UPDATE cfn_stacks SET doc = $3, version = version + 1, live = $4 WHERE id = $1 AND version = $2`, st.ID, st.Version, doc, st.Live())
	if err == nil && n == 0 {
		err = stale(cloudformation.ResourceStack, st.ID)
	}
	return err
}

// BeginOperation implements [cloudformation.StackStore].
func (s *CloudFormation) BeginOperation(ctx context.Context, st cloudformation.Stack, happened []cloudformation.Event, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error { return c.beginOperation(st, happened) })
}

func (c conn) beginOperation(st cloudformation.Stack, happened []cloudformation.Event) error {
	if err := c.putStack(st); err != nil {
		return err
	}
	if err := c.run(`DELETE FROM cfn_change_sets WHERE stack_id = $1`, st.ID); err != nil {
		return err
	}
	if err := c.stackWork(st); err != nil {
		return err
	}
	return c.insertStackEvents(happened)
}

// SaveStack implements [cloudformation.StackStore].
func (s *CloudFormation) SaveStack(ctx context.Context, st cloudformation.Stack, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error { return c.putStack(st) })
}

const stackColumns = `id, account, region, name, version, doc`

func scanStack(r row) (cloudformation.Stack, error) {
	var st cloudformation.Stack
	var doc string
	if err := r.Scan(&st.ID, &st.AccountID, &st.Region, &st.Name, &st.Version, &doc); err != nil {
		return st, err
	}
	d, err := decode[stackDoc](doc)
	d.fill(&st)
	return st, err
}

// Stack implements [cloudformation.StackStore].
func (s *CloudFormation) Stack(ctx context.Context, id string) (cloudformation.Stack, error) {
	st, err := one(s.db.read(ctx), scanStack, `SELECT `+stackColumns+` FROM cfn_stacks WHERE id = $1`, id)
	return st, s.db.lookup(err, cloudformation.ResourceStack, id)
}

// StackByName implements [cloudformation.StackStore].
func (s *CloudFormation) StackByName(ctx context.Context, p cloudformation.Place, name string) (cloudformation.Stack, error) {
	st, err := one(s.db.read(ctx), scanStack, `SELECT `+stackColumns+` FROM cfn_stacks WHERE account = $1 AND region = $2 AND name = $3 AND live = 1`, p.AccountID, p.Region, name)
	return st, s.db.lookup(err, cloudformation.ResourceStack, name)
}

// Stacks implements [cloudformation.StackStore].
func (s *CloudFormation) Stacks(ctx context.Context, p cloudformation.Place, deleted bool, after string, limit int) ([]cloudformation.Stack, error) {
	q := `SELECT ` + stackColumns + ` FROM cfn_stacks WHERE account = $1 AND region = $2 AND live = 1 AND id > $3 ORDER BY id LIMIT $4`
	if deleted {
		q = `SELECT ` + stackColumns + ` FROM cfn_stacks WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4`
	}
	out, err := all(s.db.read(ctx), scanStack, q, p.AccountID, p.Region, after, limit)
	return out, s.db.fault(err)
}

func scanStackResource(r row) (cloudformation.Resource, error) {
	var res cloudformation.Resource
	var doc string
	if err := r.Scan(&res.StackID, &res.LogicalID, &doc); err != nil {
		return res, err
	}
	d, err := decode[resourceDoc](doc)
	if err != nil {
		return res, err
	}
	return res, d.fill(&res)
}

// Resources implements [cloudformation.StackStore].
func (s *CloudFormation) Resources(ctx context.Context, stackID string) ([]cloudformation.Resource, error) {
	out, err := all(s.db.read(ctx), scanStackResource, `SELECT stack_id, logical_id, doc FROM cfn_resources WHERE stack_id = $1 ORDER BY logical_id`, stackID)
	return out, s.db.fault(err)
}

func scanStackEvent(r row) (cloudformation.Event, error) {
	var seq int64
	var doc string
	if err := r.Scan(&seq, &doc); err != nil {
		return cloudformation.Event{}, err
	}
	d, err := decode[stackEventDoc](doc)
	return d.event(seq), err
}

// Events implements [cloudformation.StackStore].
func (s *CloudFormation) Events(ctx context.Context, stackID string, before int64, limit int) ([]cloudformation.Event, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	out, err := all(s.db.read(ctx), scanStackEvent, `SELECT seq, doc FROM cfn_events WHERE stack_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`, stackID, before, limit)
	return out, s.db.fault(err)
}

func (c conn) insertStackEvents(es []cloudformation.Event) error {
	for _, e := range es {
		doc, err := encode(newStackEventDoc(e))
		if err != nil {
			return err
		}
		if err := c.run(`INSERT INTO cfn_events (stack_id, doc) VALUES ($1, $2)`, e.StackID, doc); err != nil {
			return err
		}
	}
	return nil
}

func scanExport(r row) (cloudformation.Export, error) {
	var e cloudformation.Export
	err := r.Scan(&e.AccountID, &e.Region, &e.Name, &e.Value, &e.StackID)
	return e, err
}

const exportColumns = `account, region, name, value, stack_id`

// Export implements [cloudformation.StackStore].
func (s *CloudFormation) Export(ctx context.Context, p cloudformation.Place, name string) (cloudformation.Export, error) {
	e, err := one(s.db.read(ctx), scanExport, `SELECT `+exportColumns+` FROM cfn_exports WHERE account = $1 AND region = $2 AND name = $3`, p.AccountID, p.Region, name)
	return e, s.db.lookup(err, cloudformation.ResourceExport, name)
}

// Exports implements [cloudformation.StackStore].
func (s *CloudFormation) Exports(ctx context.Context, p cloudformation.Place, after string, limit int) ([]cloudformation.Export, error) {
	out, err := all(s.db.read(ctx), scanExport, `SELECT `+exportColumns+` FROM cfn_exports WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4`,
		p.AccountID, p.Region, after, limit)
	return out, s.db.fault(err)
}

// Importers implements [cloudformation.StackStore].
func (s *CloudFormation) Importers(ctx context.Context, p cloudformation.Place, name, after string, limit int) ([]string, error) {
	out, err := all(s.db.read(ctx), column[string], `SELECT stack_name FROM cfn_imports WHERE account = $1 AND region = $2 AND name = $3 AND stack_name > $4
		ORDER BY stack_name LIMIT $5`, p.AccountID, p.Region, name, after, limit)
	return out, s.db.fault(err)
}

// InsertChangeSet implements [cloudformation.ChangeSetStore].
func (s *CloudFormation) InsertChangeSet(ctx context.Context, cs cloudformation.ChangeSet, newStack *cloudformation.Stack, happened []cloudformation.Event, e audit.Event) error {
	doc, err := encode(newChangeSetDoc(cs))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if newStack != nil {
			if err := c.insertStack(*newStack, happened); err != nil {
				return err
			}
		}
		n, err := c.exec(`INSERT INTO cfn_change_sets (id, stack_id, name, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, cs.ID, cs.StackID, cs.Name, doc)
		if err == nil && n == 0 {
			err = conflict("exists", "there is a change set of this name").About(cloudformation.ResourceChangeSet, cs.Name)
		}
		return err
	})
}

func scanChangeSet(r row) (cloudformation.ChangeSet, error) {
	var cs cloudformation.ChangeSet
	var doc string
	if err := r.Scan(&cs.ID, &cs.StackID, &cs.Name, &doc); err != nil {
		return cs, err
	}
	d, err := decode[changeSetDoc](doc)
	d.fill(&cs)
	return cs, err
}

// ChangeSet implements [cloudformation.ChangeSetStore].
func (s *CloudFormation) ChangeSet(ctx context.Context, id string) (cloudformation.ChangeSet, error) {
	cs, err := one(s.db.read(ctx), scanChangeSet, `SELECT id, stack_id, name, doc FROM cfn_change_sets WHERE id = $1`, id)
	return cs, s.db.lookup(err, cloudformation.ResourceChangeSet, id)
}

// ChangeSetByName implements [cloudformation.ChangeSetStore].
func (s *CloudFormation) ChangeSetByName(ctx context.Context, stackID, name string) (cloudformation.ChangeSet, error) {
	cs, err := one(s.db.read(ctx), scanChangeSet, `SELECT id, stack_id, name, doc FROM cfn_change_sets WHERE stack_id = $1 AND name = $2`, stackID, name)
	return cs, s.db.lookup(err, cloudformation.ResourceChangeSet, name)
}

// ChangeSets implements [cloudformation.ChangeSetStore].
func (s *CloudFormation) ChangeSets(ctx context.Context, stackID, after string, limit int) ([]cloudformation.ChangeSet, error) {
	out, err := all(s.db.read(ctx), scanChangeSet, `SELECT id, stack_id, name, doc FROM cfn_change_sets WHERE stack_id = $1 AND name > $2 ORDER BY name LIMIT $3`, stackID, after, limit)
	return out, s.db.fault(err)
}

// DeleteChangeSet implements [cloudformation.ChangeSetStore].
func (s *CloudFormation) DeleteChangeSet(ctx context.Context, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error { return c.run(`DELETE FROM cfn_change_sets WHERE id = $1`, id) })
}

// Execute implements [cloudformation.ChangeSetStore].
func (s *CloudFormation) Execute(ctx context.Context, cs cloudformation.ChangeSet, st cloudformation.Stack, happened []cloudformation.Event, e audit.Event) error {
	doc, err := encode(newChangeSetDoc(cs))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		// The stack's row first: whoever waits for it sees, then, what the one before made of the change sets.
		if _, err := one(c, column[int], `SELECT 1 FROM cfn_stacks WHERE id = $1 {lock}`, st.ID); err != nil {
			return s.db.lookup(err, cloudformation.ResourceStack, st.ID)
		}
		_, err := one(c, column[string], `SELECT id FROM cfn_change_sets WHERE id = $1 {exclusive}`, cs.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return missing(cloudformation.ResourceChangeSet, cs.ID)
		}
		if err != nil {
			return err
		}
		if err := c.beginOperation(st, happened); err != nil {
			return err
		}
		return c.run(`INSERT INTO cfn_change_sets (id, stack_id, name, doc) VALUES ($1, $2, $3, $4)`, cs.ID, cs.StackID, cs.Name, doc)
	})
}
