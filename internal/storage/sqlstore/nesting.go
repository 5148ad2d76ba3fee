package sqlstore

import (
	"context"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// A group's place among groups is kept as edges: nested_groups says which group is a direct member of which. What follows from them is looked up
// when it is asked for, from the user or group upwards or downwards; no row says what follows from another.

// lockNesting lets one transaction at a time add edges or take groups away: whether an edge closes a circle depends on edges that another would be adding. It
// comes before every other lock.
func (c conn) lockNesting(needed bool) error {
	if !needed {
		return nil
	}
	_, err := one(c, column[int], `SELECT only_one FROM nesting WHERE only_one = 1 {lock}`)
	return err
}

// upwards is what a group is in, and how many edges away, the group itself included. Paths end: there are no circles, and
// none is longer than directory.MaxNesting.
const upwards = `WITH RECURSIVE up (id, far) AS (SELECT id, 0 FROM groups WHERE id = $1 UNION SELECT n.group_id, up.far + 1 FROM nested_groups n JOIN up ON n.member_id = up.id)
	SELECT id, MAX(far) FROM up GROUP BY id`

// depthBelow is how many edges the longest path below a group has.
const depthBelow = `WITH RECURSIVE down (id, far) AS (SELECT id, 0 FROM groups WHERE id = $1 UNION SELECT n.member_id, down.far + 1 FROM nested_groups n JOIN down ON n.group_id = down.id)
	SELECT MAX(far) FROM down`

// nest adds edges below a group. Every group must exist; lockNesting holds.
func (c conn) nest(groupID string, add []directory.NestedGroup) (added []string, err error) {
	if len(add) == 0 {
		return nil, nil
	}
	want := mapped(add, func(n directory.NestedGroup) string { return n.MemberID })
	there, err := all(c, column[string], `SELECT id FROM groups WHERE id IN {list $1} ORDER BY id {share}`, list(want))
	if err != nil {
		return nil, err
	}
	if unknown := only(want, there); len(unknown) > 0 {
		return nil, missing(directory.ResourceGroup, unknown[0])
	}
	above, height := map[string]bool{}, 0
	type step struct {
		id  string
		far int
	}
	steps, err := all(c, func(r row) (s step, err error) { return s, r.Scan(&s.id, &s.far) }, upwards, groupID)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		above[s.id], height = true, max(height, s.far)
	}
	rows := make([][]any, 0, len(add))
	for _, n := range add {
		if above[n.MemberID] {
			return nil, fault.New(fault.Invalid, "the group %s is, or contains, the group %s; a group cannot be a member of itself", n.MemberID, groupID).For("nesting").At("members").About(directory.ResourceGroup, n.MemberID)
		}
		depth, err := one(c, column[int], depthBelow, n.MemberID)
		if err != nil {
			return nil, err
		}
		if height+1+depth > directory.MaxNesting {
			return nil, fault.New(fault.Invalid, "with the group %s in it, groups would be nested more than %d deep", n.MemberID, directory.MaxNesting).For("nesting").At("members").About(directory.ResourceGroup, n.MemberID)
		}
		rows = append(rows, []any{n.GroupID, n.MemberID, n.CreatedAt, n.CreatedBy})
	}
	added, err = insertReturning(c, column[string], `INSERT INTO nested_groups (group_id, member_id, created_at, created_by) VALUES`, `ON CONFLICT DO NOTHING RETURNING member_id`, rows)
	if err != nil {
		return nil, err
	}
	n, err := one(c, column[int], `SELECT COUNT(*) FROM (SELECT 1 FROM nested_groups WHERE group_id = $1 LIMIT $2) few`, groupID, directory.MaxNestedGroups+1)
	if err == nil && n > directory.MaxNestedGroups {
		err = fault.New(fault.Quota, "a group has at most %d groups as members", directory.MaxNestedGroups).At("members").About(directory.ResourceGroup, groupID)
	}
	return added, err
}

// changeNested applies a change to the edges below a group whose row is locked and returns which groups it moved.
func (c conn) changeNested(groupID string, m directory.MembershipChange) (added, removed []string, err error) {
	bound, owners := "", []any(nil)
	if m.Owners != nil {
		bound, owners = ` AND EXISTS (SELECT 1 FROM groups g WHERE g.id = nested_groups.member_id AND g.source IN {list $3})`, []any{list(m.Owners)}
	}
	if m.Replace {
		keep := mapped(m.AddGroups, func(n directory.NestedGroup) string { return n.MemberID })
		args := append([]any{groupID, list(keep)}, owners...)
		removed, err = all(c, column[string], `DELETE FROM nested_groups WHERE group_id = $1 AND member_id NOT IN {list $2}`+bound+` RETURNING member_id`, args...)
		if err != nil {
			return nil, nil, err
		}
	}
	if added, err = c.nest(groupID, m.AddGroups); err != nil || len(m.RemoveGroups) == 0 {
		return added, removed, err
	}
	args := append([]any{groupID, list(m.RemoveGroups)}, owners...)
	gone, err := all(c, column[string], `DELETE FROM nested_groups WHERE group_id = $1 AND member_id IN {list $2}`+bound+` RETURNING member_id`, args...)
	return added, append(removed, gone...), err
}

// unnest takes away all edges of a group that is about to be deleted; lockNesting holds.
func (c conn) unnest(id string, e audit.Event) error {
	touch := `UPDATE groups SET version = version + 1, updated_at = $2, updated_by = $3 WHERE id IN (SELECT group_id FROM nested_groups WHERE member_id = $1)`
	if err := c.run(touch, id, e.At, e.Actor.ID); err != nil {
		return err
	}
	if err := c.run(`DELETE FROM nested_groups WHERE member_id = $1`, id); err != nil {
		return err
	}
	return c.run(`DELETE FROM nested_groups WHERE group_id = $1`, id)
}

// GroupIDsOf implements [directory.MembershipStore].
func (s *Directory) GroupIDsOf(ctx context.Context, userID string) ([]string, error) {
	return s.ids(ctx, `WITH RECURSIVE up (id) AS (SELECT group_id FROM memberships WHERE user_id = $1
		UNION SELECT n.group_id FROM nested_groups n JOIN up ON n.member_id = up.id) SELECT id FROM up ORDER BY id`, userID)
}

// GroupsBelow implements [directory.MembershipStore].
func (s *Directory) GroupsBelow(ctx context.Context, groupID string) ([]string, error) {
	return s.ids(ctx, `WITH RECURSIVE down (id) AS (SELECT id FROM groups WHERE id = $1
		UNION SELECT n.member_id FROM nested_groups n JOIN down ON n.group_id = down.id) SELECT id FROM down ORDER BY id`, groupID)
}

func (s *Directory) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	ids, err := all(s.db.read(ctx), column[string], query, args...)
	return ids, s.db.fault(err)
}

// EffectiveMembershipsOf implements [directory.MembershipStore]. Of several ways into a group the direct one is shown, else the one by the first group.
func (s *Directory) EffectiveMembershipsOf(ctx context.Context, userID, afterGroupID string, limit int) ([]directory.Membership, error) {
	return s.memberships(ctx, `WITH RECURSIVE up (id, direct) AS (SELECT group_id, group_id FROM memberships WHERE user_id = $1
		UNION SELECT n.group_id, up.direct FROM nested_groups n JOIN up ON n.member_id = up.id),
		way (id, direct) AS (SELECT id, COALESCE(MIN(CASE WHEN direct = id THEN direct END), MIN(direct)) FROM up WHERE id > $2 GROUP BY id ORDER BY id LIMIT $3)
		SELECT m.id, way.id, m.user_id, m.created_at, m.created_by FROM way JOIN memberships m ON m.group_id = way.direct AND m.user_id = $1 ORDER BY way.id`,
		userID, afterGroupID, limit)
}

// NestedIn implements [directory.MembershipStore].
func (s *Directory) NestedIn(ctx context.Context, groupID, after string, limit int) ([]directory.NestedGroup, error) {
	return s.nested(ctx, `SELECT group_id, member_id, created_at, created_by FROM nested_groups WHERE group_id = $1 AND member_id > $2 ORDER BY member_id LIMIT $3`, groupID, after, limit)
}

// NestedUnder implements [directory.MembershipStore].
func (s *Directory) NestedUnder(ctx context.Context, memberID, after string, limit int) ([]directory.NestedGroup, error) {
	return s.nested(ctx, `SELECT group_id, member_id, created_at, created_by FROM nested_groups WHERE member_id = $1 AND group_id > $2 ORDER BY group_id LIMIT $3`, memberID, after, limit)
}

func (s *Directory) nested(ctx context.Context, query string, args ...any) ([]directory.NestedGroup, error) {
	ns, err := all(s.db.read(ctx), func(r row) (n directory.NestedGroup, err error) {
		return n, r.Scan(&n.GroupID, &n.MemberID, into(&n.CreatedAt), &n.CreatedBy)
	}, query, args...)
	return ns, s.db.fault(err)
}

// NestingOf implements [directory.MembershipStore]. It looks through the edges, which are few, in an administrator's rare command.
func (s *Directory) NestingOf(ctx context.Context, sourceID string) (string, error) {
	id, err := one(s.db.read(ctx), column[string], `SELECT n.group_id FROM nested_groups n JOIN groups g ON g.id = n.group_id WHERE g.source = $1 LIMIT 1`, sourceID)
	return id, s.db.lookup(err, directory.ResourceGroup, "")
}
