package sqlstore

import (
	"context"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

type networkDoc struct {
	APISources  []string `json:"apiSources,omitempty"`
	SCIMSources []string `json:"scimSources,omitempty"`
	UpdatedAt   stamp    `json:"updatedAt,omitzero"`
	UpdatedBy   string   `json:"updatedBy,omitzero"`
}

// PutNetwork implements [directory.NetworkStore].
func (s *Directory) PutNetwork(ctx context.Context, storeID string, n directory.Network, e audit.Event) error {
	doc, err := encode(networkDoc{n.APISources, n.SCIMSources, stamp{n.UpdatedAt}, n.UpdatedBy})
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		return c.run(`INSERT INTO identity_store_networks (id, doc) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`, storeID, doc)
	})
}

// Network implements [directory.NetworkStore].
func (s *Directory) Network(ctx context.Context, storeID string) (directory.Network, error) {
	doc, err := one(s.db.read(ctx), column[string], `SELECT doc FROM identity_store_networks WHERE id = $1`, storeID)
	if err != nil {
		return directory.Network{}, s.db.lookup(err, directory.ResourceStore, storeID)
	}
	d, err := decode[networkDoc](doc)
	return directory.Network{APISources: d.APISources, SCIMSources: d.SCIMSources, UpdatedAt: d.UpdatedAt.Time, UpdatedBy: d.UpdatedBy}, s.db.fault(err)
}
