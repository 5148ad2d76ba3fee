package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Directory is the identity store's [directory.Store].
type Directory struct{ db *DB }

var _ directory.Store = (*Directory)(nil)

// Directory returns the identity store's Store.
func (db *DB) Directory() *Directory { return &Directory{db} }

const userColumns = `users.id, users.version, users.doc`

// InsertUser implements [directory.UserStore].
func (s *Directory) InsertUser(ctx context.Context, u directory.User, e audit.Event) error {
	doc, err := encode(newUserDoc(u))
	if err != nil {
		return err
	}
	name := directory.Fold(u.UserName)
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.ownerStays(u.Source); err != nil {
			return err
		}
		n, err := c.exec(`INSERT INTO users (id, name_fold, version, source, doc) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, u.ID, name, u.Version, u.Source, doc)
		if err != nil {
			return err
		}
		if n == 0 {
			return c.taken(`SELECT 1 FROM users WHERE id = $1`, u.ID, directory.ResourceUser, userNameTaken(u))
		}
		if err := c.userKeys(u, directory.User{}); err != nil {
			return err
		}
		return c.countOwned(countUsers, u.Source, u.ID, 1)
	})
}

// taken tells why an insert met another row: either its id, which byID finds, or else its name.
func (c conn) taken(byID, id, resource string, byName error) error {
	_, err := one(c, column[int], byID, id)
	if errors.Is(err, sql.ErrNoRows) {
		return byName
	}
	if err != nil {
		return err
	}
	return conflict("uniqueness", "this id belongs to another %s already", noun(resource)).At("id").About(resource, id)
}

func userNameTaken(u directory.User) error {
	return conflict("uniqueness", "a user named %q exists already", u.UserName).At("userName").About(directory.ResourceUser, u.ID)
}

func externalIDTaken(resource, id string, x directory.ExternalID) error {
	return conflict("uniqueness", "the external id %q of issuer %q belongs to another %s already", x.ID, x.Issuer, noun(resource)).
		At("externalId").About(resource, id)
}

// userKeys brings the rows by which a user is found from those of the old user to those of the new.
func (c conn) userKeys(now, old directory.User) error {
	gone, fresh := difference(old.ExternalIDs, now.ExternalIDs)
	for _, x := range gone {
		if err := c.run(`DELETE FROM user_external_ids WHERE issuer = $1 AND external_id = $2 AND user_id = $3`, x.Issuer, x.ID, old.ID); err != nil {
			return err
		}
	}
	for _, x := range fresh {
		n, err := c.exec(`INSERT INTO user_external_ids (issuer, external_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, x.Issuer, x.ID, now.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return externalIDTaken(directory.ResourceUser, now.ID, x)
		}
	}
	lost, won := difference(addresses(old), addresses(now))
	for _, a := range lost {
		if err := c.run(`DELETE FROM user_emails WHERE address_fold = $1 AND user_id = $2`, a, old.ID); err != nil {
			return err
		}
	}
	for _, a := range won {
		if err := c.run(`INSERT INTO user_emails (address_fold, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, a, now.ID); err != nil {
			return err
		}
	}
	return nil
}

func addresses(u directory.User) []string {
	return mapped(u.Emails, func(v directory.Value) string { return directory.Fold(v.Value) })
}

// difference returns what is only in old and what is only in now, each once.
func difference[T comparable](old, now []T) (gone, fresh []T) {
	return only(old, now), only(now, old)
}

func only[T comparable](in, notIn []T) (out []T) {
	seen := make(map[T]bool, len(in)+len(notIn))
	for _, v := range notIn {
		seen[v] = true
	}
	for _, v := range in {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

// UpdateUser implements [directory.UserStore].
func (s *Directory) UpdateUser(ctx context.Context, u directory.User, ifVersion int64, e audit.Event) error {
	doc, err := encode(newUserDoc(u))
	if err != nil {
		return err
	}
	name := directory.Fold(u.UserName)
	return s.db.change(ctx, e, func(c conn) error {
		old, err := one(c, scanUser, `SELECT `+userColumns+` FROM users WHERE id = $1 {lock}`, u.ID)
		if err != nil {
			return s.db.lookup(err, directory.ResourceUser, u.ID)
		}
		if old.Version != ifVersion {
			return stale(directory.ResourceUser, u.ID)
		}
		if u.Source != old.Source {
			if err := c.ownerStays(u.Source); err != nil {
				return err
			}
		}
		err = c.run(`UPDATE users SET name_fold = $2, version = $3, source = $4, doc = $5 WHERE id = $1`, u.ID, name, u.Version, u.Source, doc)
		if s.db.dialect.Unique(err) {
			return userNameTaken(u)
		}
		if err != nil {
			return err
		}
		if err := c.userKeys(u, old); err != nil {
			return err
		}
		return c.countMoved(countUsers, old.Source, u.Source, u.ID)
	})
}

// DeleteUser implements [directory.UserStore]. The groups she was a member of get a new version.
func (s *Directory) DeleteUser(ctx context.Context, id string, ifVersion int64, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		// Groups are locked before users, as everywhere. The user is locked against whoever is making her a member, too, so that
		// after it her memberships are all there are.
		groups := `SELECT id FROM groups WHERE id IN (SELECT group_id FROM memberships WHERE user_id = $1) ORDER BY id {lock}`
		if _, err := all(c, column[string], groups, id); err != nil {
			return err
		}
		old, err := one(c, scanUser, `SELECT `+userColumns+` FROM users WHERE id = $1 {exclusive}`, id)
		if err != nil {
			return s.db.lookup(err, directory.ResourceUser, id)
		}
		if ifVersion != 0 && old.Version != ifVersion {
			return stale(directory.ResourceUser, id)
		}
		touch := `UPDATE groups SET version = version + 1, updated_at = $2, updated_by = $3 WHERE id IN (SELECT group_id FROM memberships WHERE user_id = $1)`
		if err := c.run(touch, id, e.At, e.Actor.ID); err != nil {
			return err
		}
		if err := c.run(`DELETE FROM memberships WHERE user_id = $1`, id); err != nil {
			return err
		}
		if err := c.userKeys(directory.User{}, old); err != nil {
			return err
		}
		if err := c.run(`DELETE FROM users WHERE id = $1`, id); err != nil {
			return err
		}
		return c.countOwned(countUsers, old.Source, id, -1)
	})
}

// User implements [directory.UserStore].
func (s *Directory) User(ctx context.Context, id string) (directory.User, error) {
	return s.user(ctx, id, `SELECT `+userColumns+` FROM users WHERE id = $1`, id)
}

// UserByName implements [directory.UserStore].
func (s *Directory) UserByName(ctx context.Context, userName string) (directory.User, error) {
	return s.user(ctx, userName, `SELECT `+userColumns+` FROM users WHERE name_fold = $1`, directory.Fold(userName))
}

// UserByExternalID implements [directory.UserStore].
func (s *Directory) UserByExternalID(ctx context.Context, x directory.ExternalID) (directory.User, error) {
	return s.user(ctx, x.ID, `SELECT `+userColumns+` FROM user_external_ids x JOIN users ON users.id = x.user_id
		WHERE x.issuer = $1 AND x.external_id = $2`, x.Issuer, x.ID)
}

func (s *Directory) user(ctx context.Context, asked, query string, args ...any) (directory.User, error) {
	u, err := one(s.db.read(ctx), scanUser, query, args...)
	return u, s.db.lookup(err, directory.ResourceUser, asked)
}

// UsersByID implements [directory.UserStore].
func (s *Directory) UsersByID(ctx context.Context, ids []string) ([]directory.User, error) {
	if err := atMost(len(ids), 1000); err != nil {
		return nil, err
	}
	return s.users(ctx, `SELECT `+userColumns+` FROM users WHERE id IN {list $1}`, list(ids))
}

// UsersAmong implements [directory.UserStore].
func (s *Directory) UsersAmong(ctx context.Context, owners, ids []string) ([]string, error) {
	if err := atMost(len(ids), 1000); err != nil {
		return nil, err
	}
	found, err := all(s.db.read(ctx), column[string], `SELECT id FROM users WHERE source IN {list $1} AND id IN {list $2}`, list(owners), list(ids))
	return found, s.db.fault(err)
}

// UsersByEmail implements [directory.UserStore].
func (s *Directory) UsersByEmail(ctx context.Context, address string, limit int) ([]directory.User, error) {
	return s.users(ctx, `SELECT `+userColumns+` FROM user_emails m JOIN users ON users.id = m.user_id
		WHERE m.address_fold = $1 ORDER BY m.user_id LIMIT $2`, directory.Fold(address), limit)
}

// Users implements [directory.UserStore].
func (s *Directory) Users(ctx context.Context, after string, limit int) ([]directory.User, error) {
	return s.users(ctx, `SELECT `+userColumns+` FROM users WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// UsersFrom implements [directory.UserStore].
func (s *Directory) UsersFrom(ctx context.Context, skip, limit int) ([]directory.User, error) {
	prefix, skip, err := s.db.read(ctx).seek(countUsers, skip)
	if err != nil {
		return nil, s.db.fault(err)
	}
	return s.users(ctx, `SELECT `+userColumns+` FROM users WHERE id >= (SELECT id FROM users WHERE id >= $1 ORDER BY id LIMIT 1 OFFSET $2)
		ORDER BY id LIMIT $3`, prefix, skip, limit)
}

// UsersOf implements [directory.UserStore].
func (s *Directory) UsersOf(ctx context.Context, source, after string, limit int) ([]directory.User, error) {
	return s.users(ctx, `SELECT `+userColumns+` FROM users WHERE source = $1 AND id > $2 ORDER BY id LIMIT $3`, source, after, limit)
}

// UsersOfFrom implements [directory.UserStore].
func (s *Directory) UsersOfFrom(ctx context.Context, source string, skip, limit int) ([]directory.User, error) {
	prefix, skip, err := s.db.read(ctx).seek(ofSource(countUsers, source), skip)
	if err != nil {
		return nil, s.db.fault(err)
	}
	return s.users(ctx, `SELECT `+userColumns+` FROM users WHERE source = $1
		AND id >= (SELECT id FROM users WHERE source = $1 AND id >= $2 ORDER BY id LIMIT 1 OFFSET $3) ORDER BY id LIMIT $4`, source, prefix, skip, limit)
}

func (s *Directory) users(ctx context.Context, query string, args ...any) ([]directory.User, error) {
	us, err := all(s.db.read(ctx), scanUser, query, args...)
	return us, s.db.fault(err)
}

// CountUsers implements [directory.UserStore].
func (s *Directory) CountUsers(ctx context.Context) (int, error) {
	return s.db.counted(ctx, countUsers)
}

// atMost refuses lists that are longer than a contract allows.
func atMost(n, limit int) error {
	if n > limit {
		return fault.New(fault.Invalid, "at most %d at a time, not %d", limit, n)
	}
	return nil
}

func scanUser(r row) (directory.User, error) {
	var id, doc string
	var version int64
	if err := r.Scan(&id, &version, &doc); err != nil {
		return directory.User{}, err
	}
	d, err := decode[userDoc](doc)
	return d.user(id, version), err
}
