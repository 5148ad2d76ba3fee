package sqlstore

import (
	"context"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

const membershipColumns = `id, group_id, user_id, created_at, created_by`

func scanMembership(r row) (directory.Membership, error) {
	var m directory.Membership
	err := r.Scan(&m.ID, &m.GroupID, &m.UserID, into(&m.CreatedAt), &m.CreatedBy)
	return m, err
}

// changeMembers applies a change to a group whose row is locked and returns whom it moved. First what is added, then what is removed, so that
// a user in both is removed.
func (c conn) changeMembers(groupID string, m directory.MembershipChange) (moves directory.MemberMoves, err error) {
	bound, owners := "", []any(nil)
	if m.Owners != nil {
		// Asked of each member: a list of whom the owners have would be as long as the store.
		bound, owners = ` AND EXISTS (SELECT 1 FROM users u WHERE u.id = memberships.user_id AND u.source IN {list $3})`, []any{list(m.Owners)}
	}
	if m.Replace {
		keep := mapped(m.Add, func(a directory.Membership) string { return a.UserID })
		args := append([]any{groupID, list(keep)}, owners...)
		moves.Removed, err = all(c, column[string], `DELETE FROM memberships WHERE group_id = $1 AND user_id NOT IN {list $2}`+bound+` RETURNING user_id`, args...)
		if err != nil {
			return moves, err
		}
	}
	if moves.Added, err = c.addMembers(groupID, m.Add); err != nil || len(m.Remove) == 0 {
		return moves, err
	}
	args := append([]any{groupID, list(m.Remove)}, owners...)
	gone, err := all(c, column[string], `DELETE FROM memberships WHERE group_id = $1 AND user_id IN {list $2}`+bound+` RETURNING user_id`, args...)
	moves.Removed = append(moves.Removed, gone...)
	return moves, err
}

// addMembers inserts those memberships that are not there, and returns their users. Every user must exist, and must not go before the commit.
func (c conn) addMembers(groupID string, ms []directory.Membership) ([]string, error) {
	if len(ms) == 0 {
		return nil, nil
	}
	want := mapped(ms, func(m directory.Membership) string { return m.UserID })
	there, err := all(c, column[string], `SELECT id FROM users WHERE id IN {list $1} ORDER BY id {share}`, list(want))
	if err != nil {
		return nil, err
	}
	if unknown := only(want, there); len(unknown) > 0 {
		return nil, missing(directory.ResourceUser, unknown[0])
	}
	rows := mapped(ms, func(m directory.Membership) []any { return []any{m.ID, groupID, m.UserID, m.CreatedAt, m.CreatedBy} })
	return insertReturning(c, column[string], `INSERT INTO memberships (id, group_id, user_id, created_at, created_by) VALUES`, `ON CONFLICT (group_id, user_id) DO NOTHING RETURNING user_id`, rows)
}

// Membership implements [directory.MembershipStore].
func (s *Directory) Membership(ctx context.Context, id string) (directory.Membership, error) {
	m, err := one(s.db.read(ctx), scanMembership, `SELECT `+membershipColumns+` FROM memberships WHERE id = $1`, id)
	return m, s.db.lookup(err, directory.ResourceMembership, id)
}

// MembershipOf implements [directory.MembershipStore].
func (s *Directory) MembershipOf(ctx context.Context, groupID, userID string) (directory.Membership, error) {
	m, err := one(s.db.read(ctx), scanMembership, `SELECT `+membershipColumns+` FROM memberships WHERE group_id = $1 AND user_id = $2`, groupID, userID)
	return m, s.db.lookup(err, directory.ResourceMembership, "")
}

// MembersOf implements [directory.MembershipStore].
func (s *Directory) MembersOf(ctx context.Context, groupID, afterUserID string, limit int) ([]directory.Membership, error) {
	return s.memberships(ctx, `SELECT `+membershipColumns+` FROM memberships WHERE group_id = $1 AND user_id > $2
		ORDER BY user_id LIMIT $3`, groupID, afterUserID, limit)
}

// MembersOwnedBy implements [directory.MembershipStore].
func (s *Directory) MembersOwnedBy(ctx context.Context, groupID string, owners []string, afterUserID string, limit int) ([]directory.Membership, error) {
	return s.memberships(ctx, `SELECT m.id, m.group_id, m.user_id, m.created_at, m.created_by FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.group_id = $1 AND m.user_id > $2 AND u.source IN {list $3} ORDER BY m.user_id LIMIT $4`, groupID, afterUserID, list(owners), limit)
}

// MembershipsOf implements [directory.MembershipStore].
func (s *Directory) MembershipsOf(ctx context.Context, userID, afterGroupID string, limit int) ([]directory.Membership, error) {
	return s.memberships(ctx, `SELECT `+membershipColumns+` FROM memberships WHERE user_id = $1 AND group_id > $2
		ORDER BY group_id LIMIT $3`, userID, afterGroupID, limit)
}

func (s *Directory) memberships(ctx context.Context, query string, args ...any) ([]directory.Membership, error) {
	ms, err := all(s.db.read(ctx), scanMembership, query, args...)
	return ms, s.db.fault(err)
}

// DeleteMembership implements [directory.MembershipStore].
func (s *Directory) DeleteMembership(ctx context.Context, id string, at time.Time, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		groupID, err := one(c, column[string], `SELECT group_id FROM memberships WHERE id = $1`, id)
		if err != nil {
			return s.db.lookup(err, directory.ResourceMembership, id)
		}
		// The group is raised before the row goes, so that it is locked first, as everywhere.
		err = c.run(`UPDATE groups SET version = version + 1, updated_at = $2, updated_by = $3 WHERE id = $1`, groupID, at, e.Actor.ID)
		if err != nil {
			return err
		}
		n, err := c.exec(`DELETE FROM memberships WHERE id = $1`, id)
		if err == nil && n == 0 {
			err = missing(directory.ResourceMembership, id)
		}
		return err
	})
}
