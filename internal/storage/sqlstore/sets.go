package sqlstore

import (
	"context"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
)

// Access is the [access.Store].
type Access struct{ db *DB }

var _ access.Store = (*Access)(nil)

// Access returns the Store of instances, permission sets, assignments and role work.
func (db *DB) Access() *Access { return &Access{db} }

type instanceDoc struct {
	Name            string            `json:"name,omitzero"`
	IdentityStoreID string            `json:"identityStoreId"`
	OwnerAccountID  string            `json:"ownerAccountId"`
	Region          string            `json:"region,omitzero"`
	Tags            map[string]string `json:"tags,omitempty"`
	CreatedAt       stamp             `json:"createdAt,omitzero"`
}

func newInstanceDoc(i access.Instance) instanceDoc {
	return instanceDoc{i.Name, i.IdentityStoreID, i.OwnerAccountID, i.Region, i.Tags, stamp{i.CreatedAt}}
}

func scanInstance(r row) (access.Instance, error) {
	var id, doc string
	if err := r.Scan(&id, &doc); err != nil {
		return access.Instance{}, err
	}
	d, err := decode[instanceDoc](doc)
	return access.Instance{
		ID: id, Name: d.Name, IdentityStoreID: d.IdentityStoreID, OwnerAccountID: d.OwnerAccountID, Region: d.Region, Tags: d.Tags, CreatedAt: d.CreatedAt.Time,
	}, err
}

// InsertInstance implements [access.InstanceStore].
func (s *Access) InsertInstance(ctx context.Context, i access.Instance, e audit.Event) error {
	doc, err := encode(newInstanceDoc(i))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO instances (id, doc) VALUES ($1, $2) ON CONFLICT DO NOTHING`, i.ID, doc)
		if err == nil && n == 0 {
			err = conflict("exists", "this instance exists already").About(access.ResourceInstance, i.ID)
		}
		return err
	})
}

// UpdateInstance implements [access.InstanceStore].
func (s *Access) UpdateInstance(ctx context.Context, i access.Instance, e audit.Event) error {
	doc, err := encode(newInstanceDoc(i))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`UPDATE instances SET doc = $2 WHERE id = $1`, i.ID, doc)
		if err == nil && n == 0 {
			err = missing(access.ResourceInstance, i.ID)
		}
		return err
	})
}

// Instance implements [access.InstanceStore].
func (s *Access) Instance(ctx context.Context, id string) (access.Instance, error) {
	i, err := one(s.db.read(ctx), scanInstance, `SELECT id, doc FROM instances WHERE id = $1`, id)
	return i, s.db.lookup(err, access.ResourceInstance, id)
}

// Instances implements [access.InstanceStore].
func (s *Access) Instances(ctx context.Context) ([]access.Instance, error) {
	is, err := all(s.db.read(ctx), scanInstance, `SELECT id, doc FROM instances ORDER BY id`)
	return is, s.db.fault(err)
}

type setDoc struct {
	Description      string            `json:"description,omitzero"`
	SessionSeconds   int64             `json:"sessionSeconds,omitzero"`
	SessionText      string            `json:"sessionText,omitzero"`
	RelayState       string            `json:"relayState,omitzero"`
	Tags             map[string]string `json:"tags,omitempty"`
	ManagedPolicies  []string          `json:"managedPolicies,omitempty"`
	CustomerPolicies []policyRefDoc    `json:"customerPolicies,omitempty"`
	InlinePolicy     string            `json:"inlinePolicy,omitzero"`
	Boundary         *boundaryDoc      `json:"boundary,omitzero"`
	Revision         int64             `json:"revision,omitzero"`
	CreatedAt        stamp             `json:"createdAt,omitzero"`
}

type policyRefDoc struct {
	Name string `json:"name"`
	Path string `json:"path,omitzero"`
}

type boundaryDoc struct {
	ManagedPolicyARN string        `json:"managedPolicyArn,omitzero"`
	Customer         *policyRefDoc `json:"customer,omitzero"`
}

func newSetDoc(s access.PermissionSet) setDoc {
	d := setDoc{
		Description: s.Description, SessionSeconds: int64(s.SessionDuration / time.Second), SessionText: s.SessionText, RelayState: s.RelayState, Tags: s.Tags,
		ManagedPolicies: s.ManagedPolicies, CustomerPolicies: mapped(s.CustomerPolicies, newPolicyRefDoc), InlinePolicy: s.InlinePolicy,
		Revision: s.Revision, CreatedAt: stamp{s.CreatedAt},
	}
	if b := s.Boundary; b != nil {
		d.Boundary = &boundaryDoc{ManagedPolicyARN: b.ManagedPolicyARN}
		if b.Customer != nil {
			ref := newPolicyRefDoc(*b.Customer)
			d.Boundary.Customer = &ref
		}
	}
	return d
}

func newPolicyRefDoc(r access.PolicyRef) policyRefDoc { return policyRefDoc{r.Name, r.Path} }

func (d policyRefDoc) ref() access.PolicyRef { return access.PolicyRef{Name: d.Name, Path: d.Path} }

const setColumns = `id, instance_id, name, version, doc`

func scanSet(r row) (access.PermissionSet, error) {
	var s access.PermissionSet
	var doc string
	if err := r.Scan(&s.ID, &s.InstanceID, &s.Name, &s.Version, &doc); err != nil {
		return s, err
	}
	d, err := decode[setDoc](doc)
	s.Description, s.SessionDuration, s.RelayState, s.Tags = d.Description, time.Duration(d.SessionSeconds)*time.Second, d.RelayState, d.Tags
	s.ManagedPolicies, s.CustomerPolicies, s.InlinePolicy = d.ManagedPolicies, mapped(d.CustomerPolicies, policyRefDoc.ref), d.InlinePolicy
	s.Revision, s.CreatedAt, s.SessionText = d.Revision, d.CreatedAt.Time, d.SessionText
	if b := d.Boundary; b != nil {
		s.Boundary = &access.Boundary{ManagedPolicyARN: b.ManagedPolicyARN}
		if b.Customer != nil {
			ref := b.Customer.ref()
			s.Boundary.Customer = &ref
		}
	}
	return s, err
}

// InsertSet implements [access.SetStore].
func (s *Access) InsertSet(ctx context.Context, set access.PermissionSet, e audit.Event) error {
	doc, err := encode(newSetDoc(set))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO permission_sets (`+setColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			set.ID, set.InstanceID, set.Name, set.Version, doc)
		if err == nil && n == 0 {
			err = conflict("duplicate-name", "a permission set named %q exists already", set.Name).At("name").About(access.ResourceSet, set.ID)
		}
		return err
	})
}

// UpdateSet implements [access.SetStore]. The name is not written: it never changes.
func (s *Access) UpdateSet(ctx context.Context, set access.PermissionSet, ifVersion int64, e audit.Event) error {
	doc, err := encode(newSetDoc(set))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`UPDATE permission_sets SET version = $2, doc = $3 WHERE id = $1 AND version = $4`, set.ID, set.Version, doc, ifVersion)
		if err != nil || n > 0 {
			return err
		}
		if _, err := one(c, column[int], `SELECT 1 FROM permission_sets WHERE id = $1`, set.ID); err != nil {
			return s.db.lookup(err, access.ResourceSet, set.ID)
		}
		return stale(access.ResourceSet, set.ID)
	})
}

// DeleteSet implements [access.SetStore]. Everything that keeps a set from going refers to it by a foreign key.
func (s *Access) DeleteSet(ctx context.Context, instanceID, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM permission_sets WHERE id = $1 AND instance_id = $2`, id, instanceID)
		if s.db.dialect.Reference(err) {
			return conflict("in-use", "the permission set still has assignments or provisioned roles, or work on them is under way").About(access.ResourceSet, id)
		}
		if err == nil && n == 0 {
			err = missing(access.ResourceSet, id)
		}
		return err
	})
}

// Set implements [access.SetStore].
func (s *Access) Set(ctx context.Context, id string) (access.PermissionSet, error) {
	set, err := one(s.db.read(ctx), scanSet, `SELECT `+setColumns+` FROM permission_sets WHERE id = $1`, id)
	return set, s.db.lookup(err, access.ResourceSet, id)
}

// SetByName implements [access.SetStore].
func (s *Access) SetByName(ctx context.Context, instanceID, name string) (access.PermissionSet, error) {
	set, err := one(s.db.read(ctx), scanSet, `SELECT `+setColumns+` FROM permission_sets WHERE instance_id = $1 AND name = $2`, instanceID, name)
	return set, s.db.lookup(err, access.ResourceSet, name)
}

// Sets implements [access.SetStore].
func (s *Access) Sets(ctx context.Context, instanceID, after string, limit int) ([]access.PermissionSet, error) {
	return s.sets(ctx, `SELECT `+setColumns+` FROM permission_sets WHERE instance_id = $1 AND id > $2 ORDER BY id LIMIT $3`, instanceID, after, limit)
}

// SetsByID implements [access.SetStore].
func (s *Access) SetsByID(ctx context.Context, ids []string) ([]access.PermissionSet, error) {
	return s.sets(ctx, `SELECT `+setColumns+` FROM permission_sets WHERE id IN {list $1}`, list(ids))
}

func (s *Access) sets(ctx context.Context, query string, args ...any) ([]access.PermissionSet, error) {
	sets, err := all(s.db.read(ctx), scanSet, query, args...)
	return sets, s.db.fault(err)
}

// CountSets implements [access.SetStore]. An instance has a few thousand sets at most, and they are counted in an index.
func (s *Access) CountSets(ctx context.Context, instanceID string) (int, error) {
	n, err := one(s.db.read(ctx), column[int], `SELECT COUNT(*) FROM permission_sets WHERE instance_id = $1`, instanceID)
	return n, s.db.fault(err)
}
