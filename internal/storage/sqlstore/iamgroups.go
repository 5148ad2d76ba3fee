package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

const resourceIAMGroup = "GROUP"

func scanIAMGroup(r row) (localiam.Group, error) {
	i, _, err := scanIdentity(r)
	return localiam.Group{Identity: i}, err
}

// Group implements [localiam.GroupStore].
func (s *LocalIAM) Group(ctx context.Context, accountID, name string) (localiam.Group, error) {
	g, err := one(s.db.read(ctx), scanIAMGroup, identityByName, accountID, kindGroup, localiam.Fold(name))
	return g, s.db.lookup(err, resourceIAMGroup, name)
}

// Groups implements [localiam.GroupStore].
func (s *LocalIAM) Groups(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]localiam.Group, error) {
	gs, err := all(s.db.read(ctx), scanIAMGroup, identityListing, accountID, kindGroup, localiam.Fold(after), pathPrefix, limit)
	return gs, s.db.fault(err)
}

// SaveGroup implements [localiam.GroupStore].
func (s *LocalIAM) SaveGroup(ctx context.Context, g localiam.Group, e audit.Event) error {
	doc, err := encode(newIdentityDoc(g.Identity))
	if err != nil {
		return err
	}
	return s.saveIdentity(ctx, identity{g.Identity, kindGroup, resourceIAMGroup, doc}, e)
}

// RenameGroup implements [localiam.GroupStore].
func (s *LocalIAM) RenameGroup(ctx context.Context, oldName string, g localiam.Group, e audit.Event) error {
	doc, err := encode(newIdentityDoc(g.Identity))
	if err != nil {
		return err
	}
	i := identity{g.Identity, kindGroup, resourceIAMGroup, doc}
	return s.rename(ctx, oldName, i, e, func(c conn, from, to string) error {
		return c.run(`UPDATE iam_members SET group_fold = $3 WHERE account_id = $1 AND group_fold = $2`, g.AccountID, from, to)
	})
}

// RenameUser implements [localiam.UserStore].
func (s *LocalIAM) RenameUser(ctx context.Context, oldName string, u localiam.User, e audit.Event) error {
	doc, err := encode(newIdentityDoc(u.Identity))
	if err != nil {
		return err
	}
	i := identity{u.Identity, kindUser, resourceIAMUser, doc}
	return s.rename(ctx, oldName, i, e, func(c conn, from, to string) error {
		if err := c.run(`UPDATE iam_members SET user_fold = $3 WHERE account_id = $1 AND user_fold = $2`, u.AccountID, from, to); err != nil {
			return err
		}
		ks, err := all(c, scanAccessKey, `SELECT id, account_id, revision, doc FROM iam_access_keys WHERE account_id = $1 AND user_fold = $2`, u.AccountID, from)
		if err != nil {
			return err
		}
		for _, k := range ks {
			doc, err := encode(accessKeyDoc{u.Name, k.SealedSecret, k.Active, stamp{k.CreatedAt}})
			if err != nil {
				return err
			}
			if err := c.run(`UPDATE iam_access_keys SET user_fold = $2, revision = revision + 1, doc = $3 WHERE id = $1`, k.ID, to, doc); err != nil {
				return err
			}
		}
		return nil
	})
}

// rename moves an identity to another key; follow moves what refers to it. Whoever refers to the old name anew holds the old row, or waits
// for it and finds it gone.
func (s *LocalIAM) rename(ctx context.Context, oldName string, i identity, e audit.Event, follow func(c conn, from, to string) error) error {
	from, to := localiam.Fold(oldName), localiam.Fold(i.Name)
	if from == to {
		return s.saveIdentity(ctx, i, e)
	}
	return s.iamChange(ctx, i.AccountID, e, func(c conn) error {
		n, err := c.exec(`INSERT INTO iam_identities (account_id, kind, name_fold, name, path, revision, doc) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			i.AccountID, i.kind, to, i.Name, i.Path, i.Revision+1, i.doc)
		if err := saved(n, err, 0, i.resource, i.Name); err != nil {
			return err
		}
		old := i
		old.Name = oldName
		if err := c.deleteIdentity(old); err != nil {
			if fault.Is(err, fault.NotFound) {
				err = stale(i.resource, oldName)
			}
			return err
		}
		if err := c.holdPolicies(i); err != nil {
			return err
		}
		if err := c.attach(i, localiam.Identity{}); err != nil {
			return err
		}
		return follow(c, from, to)
	})
}

// DeleteGroup implements [localiam.GroupStore].
func (s *LocalIAM) DeleteGroup(ctx context.Context, accountID, name string, revision int64, e audit.Event) error {
	i := identity{localiam.Identity{AccountID: accountID, Name: name, Revision: revision}, kindGroup, resourceIAMGroup, ""}
	return s.iamChange(ctx, accountID, e, func(c conn) error {
		if err := c.deleteIdentity(i); err != nil {
			return err
		}
		// Deleting waited for whoever was adding a member; only now can there be no other one.
		return c.nothingLeft("members", "somebody is still in the group", resourceIAMGroup, name,
			`SELECT 1 FROM iam_members WHERE account_id = $1 AND group_fold = $2 LIMIT 1`, accountID, localiam.Fold(name))
	})
}

// AddMember implements [localiam.GroupStore].
func (s *LocalIAM) AddMember(ctx context.Context, m localiam.Membership, e audit.Event) error {
	return s.iamChange(ctx, m.AccountID, e, func(c conn) error {
		for _, x := range []struct{ kind, resource, name string }{{kindGroup, resourceIAMGroup, m.Group}, {kindUser, resourceIAMUser, m.User}} {
			_, err := one(c, column[int], `SELECT 1 FROM iam_identities WHERE account_id = $1 AND kind = $2 AND name_fold = $3 {share}`, m.AccountID, x.kind, localiam.Fold(x.name))
			if errors.Is(err, sql.ErrNoRows) {
				return fault.New(fault.NotFound, "there is no such %s", x.kind).About(x.resource, x.name).For(x.kind)
			}
			if err != nil {
				return err
			}
		}
		return c.run(`INSERT INTO iam_members (account_id, group_fold, user_fold) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, m.AccountID, localiam.Fold(m.Group), localiam.Fold(m.User))
	})
}

// RemoveMember implements [localiam.GroupStore].
func (s *LocalIAM) RemoveMember(ctx context.Context, m localiam.Membership, e audit.Event) error {
	return s.iamChange(ctx, m.AccountID, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM iam_members WHERE account_id = $1 AND group_fold = $2 AND user_fold = $3`, m.AccountID, localiam.Fold(m.Group), localiam.Fold(m.User))
		if err == nil && n == 0 {
			err = missing("MEMBERSHIP", m.User)
		}
		return err
	})
}

// Members implements [localiam.GroupStore].
func (s *LocalIAM) Members(ctx context.Context, accountID, group, after string, limit int) ([]localiam.User, error) {
	us, err := all(s.db.read(ctx), scanIAMUser, `SELECT i.account_id, i.name, i.path, i.revision, i.doc FROM iam_members m
		JOIN iam_identities i ON i.account_id = m.account_id AND i.kind = 'user' AND i.name_fold = m.user_fold
		WHERE m.account_id = $1 AND m.group_fold = $2 AND m.user_fold > $3 ORDER BY m.user_fold LIMIT $4`, accountID, localiam.Fold(group), localiam.Fold(after), limit)
	return us, s.db.fault(err)
}

// GroupsOf implements [localiam.GroupStore].
func (s *LocalIAM) GroupsOf(ctx context.Context, accountID, user, after string, limit int) ([]localiam.Group, error) {
	gs, err := all(s.db.read(ctx), scanIAMGroup, `SELECT i.account_id, i.name, i.path, i.revision, i.doc FROM iam_members m
		JOIN iam_identities i ON i.account_id = m.account_id AND i.kind = 'group' AND i.name_fold = m.group_fold
		WHERE m.account_id = $1 AND m.user_fold = $2 AND m.group_fold > $3 ORDER BY m.group_fold LIMIT $4`, accountID, localiam.Fold(user), localiam.Fold(after), limit)
	return gs, s.db.fault(err)
}
