package sqlstore

import (
	"context"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

const groupColumns = `groups.id, groups.version, groups.updated_at, groups.updated_by, groups.doc`

// groupDoc is the stored shape of a group, but for what a change of its members changes: those are columns, so that such
// a change need not write the document again.
type groupDoc struct {
	DisplayName string          `json:"displayName"`
	Description string          `json:"description,omitzero"`
	ExternalIDs []externalIDDoc `json:"externalIds,omitempty"`
	Source      string          `json:"source,omitzero"`
	CreatedAt   stamp           `json:"createdAt,omitzero"`
	CreatedBy   string          `json:"createdBy,omitzero"`
}

func newGroupDoc(g directory.Group) groupDoc {
	return groupDoc{g.DisplayName, g.Description, externalIDDocs(g.ExternalIDs), g.Source, stamp{g.CreatedAt}, g.CreatedBy}
}

func scanGroup(r row) (directory.Group, error) {
	var g directory.Group
	var doc string
	if err := r.Scan(&g.ID, &g.Version, into(&g.UpdatedAt), &g.UpdatedBy, &doc); err != nil {
		return g, err
	}
	d, err := decode[groupDoc](doc)
	g.DisplayName, g.Description, g.ExternalIDs = d.DisplayName, d.Description, externalIDs(d.ExternalIDs)
	g.Source, g.CreatedAt, g.CreatedBy = d.Source, d.CreatedAt.Time, d.CreatedBy
	return g, err
}

// InsertGroup implements [directory.GroupStore].
func (s *Directory) InsertGroup(ctx context.Context, g directory.Group, first directory.MembershipChange, e audit.Event) error {
	doc, err := encode(newGroupDoc(g))
	if err != nil {
		return err
	}
	name := directory.Fold(g.DisplayName)
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.lockNesting(len(first.AddGroups) > 0); err != nil {
			return err
		}
		if err := c.ownerStays(g.Source); err != nil {
			return err
		}
		n, err := c.exec(`INSERT INTO groups (id, name_fold, version, updated_at, updated_by, source, doc) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			g.ID, name, g.Version, g.UpdatedAt, g.UpdatedBy, g.Source, doc)
		if err != nil {
			return err
		}
		if n == 0 {
			return c.taken(`SELECT 1 FROM groups WHERE id = $1`, g.ID, directory.ResourceGroup, groupNameTaken(g))
		}
		if err := c.groupKeys(g, directory.Group{}); err != nil {
			return err
		}
		if _, err := c.addMembers(g.ID, first.Add); err != nil {
			return err
		}
		if _, err := c.nest(g.ID, first.AddGroups); err != nil {
			return err
		}
		return c.countOwned(countGroups, g.Source, g.ID, 1)
	})
}

func groupNameTaken(g directory.Group) error {
	return conflict("uniqueness", "a group named %q exists already", g.DisplayName).At("displayName").About(directory.ResourceGroup, g.ID)
}

func (c conn) groupKeys(now, old directory.Group) error {
	gone, fresh := difference(old.ExternalIDs, now.ExternalIDs)
	for _, x := range gone {
		if err := c.run(`DELETE FROM group_external_ids WHERE issuer = $1 AND external_id = $2 AND group_id = $3`, x.Issuer, x.ID, old.ID); err != nil {
			return err
		}
	}
	for _, x := range fresh {
		n, err := c.exec(`INSERT INTO group_external_ids (issuer, external_id, group_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, x.Issuer, x.ID, now.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return externalIDTaken(directory.ResourceGroup, now.ID, x)
		}
	}
	return nil
}

// UpdateGroup implements [directory.GroupStore].
func (s *Directory) UpdateGroup(ctx context.Context, g directory.Group, ifVersion int64, m directory.MembershipChange, e audit.Event) (moves directory.MemberMoves, err error) {
	doc, err := encode(newGroupDoc(g))
	if err != nil {
		return moves, err
	}
	name := directory.Fold(g.DisplayName)
	err = s.db.change(ctx, e, func(c conn) error {
		if err := c.lockNesting(len(m.AddGroups) > 0); err != nil {
			return err
		}
		old, err := c.lockGroup(g.ID, ifVersion)
		if err != nil {
			return err
		}
		if g.Source != old.Source {
			if err := c.ownerStays(g.Source); err != nil {
				return err
			}
		}
		err = c.run(`UPDATE groups SET name_fold = $2, version = $3, updated_at = $4, updated_by = $5, source = $6, doc = $7 WHERE id = $1`,
			g.ID, name, g.Version, g.UpdatedAt, g.UpdatedBy, g.Source, doc)
		if s.db.dialect.Unique(err) {
			return groupNameTaken(g)
		}
		if err != nil {
			return err
		}
		if err := c.groupKeys(g, old); err != nil {
			return err
		}
		if err := c.countMoved(countGroups, old.Source, g.Source, g.ID); err != nil {
			return err
		}
		if moves, err = c.changeMembers(g.ID, m); err != nil {
			return err
		}
		moves.AddedGroups, moves.RemovedGroups, err = c.changeNested(g.ID, m)
		return err
	})
	return moves, err
}

// lockGroup reads a group that is about to be changed; ifVersion 0 means any version.
func (c conn) lockGroup(id string, ifVersion int64) (directory.Group, error) {
	old, err := one(c, scanGroup, `SELECT `+groupColumns+` FROM groups WHERE id = $1 {lock}`, id)
	if err != nil {
		return old, c.db.lookup(err, directory.ResourceGroup, id)
	}
	if ifVersion != 0 && old.Version != ifVersion {
		return old, stale(directory.ResourceGroup, id)
	}
	return old, nil
}

// DeleteGroup implements [directory.GroupStore]. The groups it was a member of get a new version.
func (s *Directory) DeleteGroup(ctx context.Context, id string, ifVersion int64, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.lockNesting(true); err != nil {
			return err
		}
		above, err := all(c, column[string], `SELECT group_id FROM nested_groups WHERE member_id = $1`, id)
		if err != nil {
			return err
		}
		// They are locked in the order in which everybody locks groups.
		if _, err := all(c, column[string], `SELECT id FROM groups WHERE id IN {list $1} ORDER BY id {lock}`, list(append(above, id))); err != nil {
			return err
		}
		old, err := c.lockGroup(id, ifVersion)
		if err != nil {
			return err
		}
		if err := c.run(`DELETE FROM memberships WHERE group_id = $1`, id); err != nil {
			return err
		}
		if err := c.unnest(id, e); err != nil {
			return err
		}
		if err := c.groupKeys(directory.Group{}, old); err != nil {
			return err
		}
		if err := c.run(`DELETE FROM groups WHERE id = $1`, id); err != nil {
			return err
		}
		return c.countOwned(countGroups, old.Source, id, -1)
	})
}

// Group implements [directory.GroupStore].
func (s *Directory) Group(ctx context.Context, id string) (directory.Group, error) {
	return s.group(ctx, id, `SELECT `+groupColumns+` FROM groups WHERE id = $1`, id)
}

// GroupByName implements [directory.GroupStore].
func (s *Directory) GroupByName(ctx context.Context, displayName string) (directory.Group, error) {
	return s.group(ctx, displayName, `SELECT `+groupColumns+` FROM groups WHERE name_fold = $1`, directory.Fold(displayName))
}

// GroupByExternalID implements [directory.GroupStore].
func (s *Directory) GroupByExternalID(ctx context.Context, x directory.ExternalID) (directory.Group, error) {
	return s.group(ctx, x.ID, `SELECT `+groupColumns+` FROM group_external_ids x JOIN groups ON groups.id = x.group_id
		WHERE x.issuer = $1 AND x.external_id = $2`, x.Issuer, x.ID)
}

func (s *Directory) group(ctx context.Context, asked, query string, args ...any) (directory.Group, error) {
	g, err := one(s.db.read(ctx), scanGroup, query, args...)
	return g, s.db.lookup(err, directory.ResourceGroup, asked)
}

// GroupsByID implements [directory.GroupStore].
func (s *Directory) GroupsByID(ctx context.Context, ids []string) ([]directory.Group, error) {
	if err := atMost(len(ids), 1000); err != nil {
		return nil, err
	}
	return s.groups(ctx, `SELECT `+groupColumns+` FROM groups WHERE id IN {list $1}`, list(ids))
}

// Groups implements [directory.GroupStore].
func (s *Directory) Groups(ctx context.Context, after string, limit int) ([]directory.Group, error) {
	return s.groups(ctx, `SELECT `+groupColumns+` FROM groups WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// GroupsFrom implements [directory.GroupStore].
func (s *Directory) GroupsFrom(ctx context.Context, skip, limit int) ([]directory.Group, error) {
	prefix, skip, err := s.db.read(ctx).seek(countGroups, skip)
	if err != nil {
		return nil, s.db.fault(err)
	}
	return s.groups(ctx, `SELECT `+groupColumns+` FROM groups WHERE id >= (SELECT id FROM groups WHERE id >= $1 ORDER BY id LIMIT 1 OFFSET $2)
		ORDER BY id LIMIT $3`, prefix, skip, limit)
}

// GroupsOf implements [directory.GroupStore].
func (s *Directory) GroupsOf(ctx context.Context, source, after string, limit int) ([]directory.Group, error) {
	return s.groups(ctx, `SELECT `+groupColumns+` FROM groups WHERE source = $1 AND id > $2 ORDER BY id LIMIT $3`, source, after, limit)
}

// GroupsOfFrom implements [directory.GroupStore].
func (s *Directory) GroupsOfFrom(ctx context.Context, source string, skip, limit int) ([]directory.Group, error) {
	prefix, skip, err := s.db.read(ctx).seek(ofSource(countGroups, source), skip)
	if err != nil {
		return nil, s.db.fault(err)
	}
	return s.groups(ctx, `SELECT `+groupColumns+` FROM groups WHERE source = $1
		AND id >= (SELECT id FROM groups WHERE source = $1 AND id >= $2 ORDER BY id LIMIT 1 OFFSET $3) ORDER BY id LIMIT $4`, source, prefix, skip, limit)
}

func (s *Directory) groups(ctx context.Context, query string, args ...any) ([]directory.Group, error) {
	gs, err := all(s.db.read(ctx), scanGroup, query, args...)
	return gs, s.db.fault(err)
}

// CountGroups implements [directory.GroupStore].
func (s *Directory) CountGroups(ctx context.Context) (int, error) {
	return s.db.counted(ctx, countGroups)
}
