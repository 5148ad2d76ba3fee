package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

type attributeDoc struct {
	Key    string `json:"key"`
	Source string `json:"source"`
}

// attributesDoc is an object so that it can grow.
type attributesDoc struct {
	Attributes []attributeDoc `json:"attributes,omitempty"`
}

func encodeAttributes(as []access.Attribute) (string, error) {
	return encode(attributesDoc{mapped(as, func(a access.Attribute) attributeDoc { return attributeDoc{a.Key, a.Source} })})
}

// InsertAttributes implements [access.AttributeStore].
func (s *Access) InsertAttributes(ctx context.Context, instanceID string, as []access.Attribute, e audit.Event) error {
	doc, err := encodeAttributes(as)
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO instance_attributes (instance_id, doc) VALUES ($1, $2) ON CONFLICT DO NOTHING`, instanceID, doc)
		if s.db.dialect.Reference(err) {
			return missing(access.ResourceInstance, instanceID)
		}
		if err == nil && n == 0 {
			err = conflict("exists", "attributes for access control are enabled already").About(access.ResourceAttributes, instanceID)
		}
		return err
	})
}

// UpdateAttributes implements [access.AttributeStore].
func (s *Access) UpdateAttributes(ctx context.Context, instanceID string, as []access.Attribute, e audit.Event) error {
	doc, err := encodeAttributes(as)
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`UPDATE instance_attributes SET doc = $2 WHERE instance_id = $1`, instanceID, doc)
		if err == nil && n == 0 {
			err = missing(access.ResourceAttributes, instanceID)
		}
		return err
	})
}

// DeleteAttributes implements [access.AttributeStore].
func (s *Access) DeleteAttributes(ctx context.Context, instanceID string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM instance_attributes WHERE instance_id = $1`, instanceID)
		if err == nil && n == 0 {
			err = missing(access.ResourceAttributes, instanceID)
		}
		return err
	})
}

// Attributes implements [access.AttributeStore].
func (s *Access) Attributes(ctx context.Context, instanceID string) ([]access.Attribute, error) {
	doc, err := one(s.db.read(ctx), column[string], `SELECT doc FROM instance_attributes WHERE instance_id = $1`, instanceID)
	if err != nil {
		return nil, s.db.lookup(err, access.ResourceAttributes, instanceID)
	}
	d, err := decode[attributesDoc](doc)
	return mapped(d.Attributes, func(a attributeDoc) access.Attribute { return access.Attribute{Key: a.Key, Source: a.Source} }), s.db.fault(err)
}

// InsertRegion implements [access.RegionStore].
func (s *Access) InsertRegion(ctx context.Context, instanceID string, r access.Region, max int, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if _, err := one(c, column[int], `SELECT 1 FROM instances WHERE id = $1 {lock}`, instanceID); err != nil {
			return s.db.lookup(err, access.ResourceInstance, instanceID)
		}
		n, err := c.exec(`INSERT INTO instance_regions (instance_id, name, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, instanceID, r.Name, r.AddedAt)
		if err != nil {
			return err
		}
		if n == 0 {
			return conflict("exists", "the instance is in region %s already", r.Name).About(access.ResourceRegion, r.Name)
		}
		have, err := one(c, column[int], `SELECT COUNT(*) FROM instance_regions WHERE instance_id = $1`, instanceID)
		if err == nil && have > max {
			err = fault.New(fault.Quota, "You have exceeded the limit of %d additional regions of an instance", max)
		}
		return err
	})
}

// DeleteRegion implements [access.RegionStore].
func (s *Access) DeleteRegion(ctx context.Context, instanceID, name string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM instance_regions WHERE instance_id = $1 AND name = $2`, instanceID, name)
		if err == nil && n == 0 {
			err = missing(access.ResourceRegion, name)
		}
		return err
	})
}

// Regions implements [access.RegionStore].
func (s *Access) Regions(ctx context.Context, instanceID string) ([]access.Region, error) {
	rs, err := all(s.db.read(ctx), scanRegion, `SELECT name, added_at FROM instance_regions WHERE instance_id = $1 ORDER BY name`, instanceID)
	return rs, s.db.fault(err)
}

func scanRegion(r row) (out access.Region, err error) {
	err = r.Scan(&out.Name, into(&out.AddedAt))
	return out, err
}

// HasRegion implements [access.RegionStore].
func (s *Access) HasRegion(ctx context.Context, name string) (bool, error) {
	_, err := one(s.db.read(ctx), column[int], `SELECT 1 FROM instance_regions WHERE name = $1 LIMIT 1`, name)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, s.db.fault(err)
}

// EditInstance implements [access.InstanceStore].
func (s *Access) EditInstance(ctx context.Context, id string, change func(*access.Instance) error, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		i, err := one(c, scanInstance, `SELECT id, doc FROM instances WHERE id = $1 {lock}`, id)
		if err != nil {
			return s.db.lookup(err, access.ResourceInstance, id)
		}
		if err := change(&i); err != nil {
			return err
		}
		doc, err := encode(newInstanceDoc(i))
		if err != nil {
			return err
		}
		return c.run(`UPDATE instances SET doc = $2 WHERE id = $1`, id, doc)
	})
}
