package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// LocalIAM is the [localiam.Store].
type LocalIAM struct{ db *DB }

var _ localiam.Store = (*LocalIAM)(nil)

// LocalIAM returns the Store of the IAM of embedded accounts.
func (db *DB) LocalIAM() *LocalIAM { return &LocalIAM{db} }

// Kinds of identities, and what faults call them.
const (
	kindRole  = "role"
	kindUser  = "user"
	kindGroup = "group"

	resourceIAMRole   = "ROLE"
	resourceIAMUser   = "USER"
	resourceAccessKey = "ACCESS_KEY"
	resourcePolicy    = "POLICY"
	resourceProvider  = "SAML_PROVIDER"
)

// iamChange runs f, and then raises the account's generation: last, because every change of the account waits for
// that row.
func (s *LocalIAM) iamChange(ctx context.Context, accountID string, e audit.Event, f func(c conn) error) error {
	return s.db.change(ctx, e, func(c conn) error {
		if err := f(c); err != nil {
			return err
		}
		return c.raiseGeneration(accountID)
	})
}

func (c conn) raiseGeneration(accountID string) error {
	return c.run(`INSERT INTO iam_generations (account_id, n) VALUES ($1, 1) ON CONFLICT (account_id) DO UPDATE SET n = iam_generations.n + 1`, accountID)
}

// saved interprets the row count of a create (revision 0) or of a replacement.
func saved(n int64, err error, revision int64, resource, name string) error {
	switch {
	case err != nil || n > 0:
		return err
	case revision == 0:
		return conflict("exists", "the %s %q exists already", noun(resource), name).About(resource, name)
	}
	return stale(resource, name)
}

// hold locks a row that is about to be deleted and checks its revision.
func (c conn) hold(revision int64, resource, name, query string, args ...any) error {
	have, err := one(c, column[int64], query+` {lock}`, args...)
	if err != nil {
		return c.db.lookup(err, resource, name)
	}
	if have != revision {
		return stale(resource, name)
	}
	return nil
}

// identity is a role or user with its stored document.
type identity struct {
	localiam.Identity
	kind, resource string
	doc            string
}

// Role implements [localiam.RoleStore].
func (s *LocalIAM) Role(ctx context.Context, accountID, name string) (localiam.Role, error) {
	r, err := one(s.db.read(ctx), scanIAMRole, identityByName, accountID, kindRole, localiam.Fold(name))
	return r, s.db.lookup(err, resourceIAMRole, name)
}

const (
	identityByName  = `SELECT ` + identityColumns + ` FROM iam_identities WHERE account_id = $1 AND kind = $2 AND name_fold = $3`
	identityListing = `SELECT ` + identityColumns + ` FROM iam_identities WHERE account_id = $1 AND kind = $2 AND name_fold > $3
		AND substr(path, 1, length($4)) = $4 ORDER BY name_fold LIMIT $5`
)

// Roles implements [localiam.RoleStore].
func (s *LocalIAM) Roles(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]localiam.Role, error) {
	rs, err := all(s.db.read(ctx), scanIAMRole, identityListing, accountID, kindRole, localiam.Fold(after), pathPrefix, limit)
	return rs, s.db.fault(err)
}

// SaveRole implements [localiam.RoleStore].
func (s *LocalIAM) SaveRole(ctx context.Context, r localiam.Role, e audit.Event) error {
	doc, err := encode(newRoleDoc(r))
	if err != nil {
		return err
	}
	return s.saveIdentity(ctx, identity{r.Identity, kindRole, resourceIAMRole, doc}, e)
}

// DeleteRole implements [localiam.RoleStore].
func (s *LocalIAM) DeleteRole(ctx context.Context, accountID, name string, revision int64, e audit.Event) error {
	i := identity{localiam.Identity{AccountID: accountID, Name: name, Revision: revision}, kindRole, resourceIAMRole, ""}
	return s.iamChange(ctx, accountID, e, func(c conn) error {
		if err := c.deleteIdentity(i); err != nil {
			return err
		}
		// Deleting waited for whoever was putting the role into a profile.
		return c.nothingLeft("profiles", "the role is still in an instance profile", resourceIAMRole, name,
			`SELECT 1 FROM iam_entries WHERE account_id = $1 AND kind = 'profile' AND link = $2 LIMIT 1`, accountID, localiam.Fold(name))
	})
}

// nothingLeft refuses with a conflict if the query finds a row.
func (c conn) nothingLeft(reason, sentence, resource, name, query string, args ...any) error {
	_, err := one(c, column[int], query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = conflict(reason, "%s", sentence).About(resource, name)
	}
	return err
}

// User implements [localiam.UserStore].
func (s *LocalIAM) User(ctx context.Context, accountID, name string) (localiam.User, error) {
	u, err := one(s.db.read(ctx), scanIAMUser, identityByName, accountID, kindUser, localiam.Fold(name))
	return u, s.db.lookup(err, resourceIAMUser, name)
}

// Users implements [localiam.UserStore].
func (s *LocalIAM) Users(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]localiam.User, error) {
	us, err := all(s.db.read(ctx), scanIAMUser, identityListing, accountID, kindUser, localiam.Fold(after), pathPrefix, limit)
	return us, s.db.fault(err)
}

// SaveUser implements [localiam.UserStore].
func (s *LocalIAM) SaveUser(ctx context.Context, u localiam.User, e audit.Event) error {
	doc, err := encode(newIdentityDoc(u.Identity))
	if err != nil {
		return err
	}
	return s.saveIdentity(ctx, identity{u.Identity, kindUser, resourceIAMUser, doc}, e)
}

// DeleteUser implements [localiam.UserStore].
func (s *LocalIAM) DeleteUser(ctx context.Context, accountID, name string, revision int64, e audit.Event) error {
	i := identity{localiam.Identity{AccountID: accountID, Name: name, Revision: revision}, kindUser, resourceIAMUser, ""}
	return s.iamChange(ctx, accountID, e, func(c conn) error {
		if err := c.deleteIdentity(i); err != nil {
			return err
		}
		// Deleting waited for whoever was adding a key or a membership; only now can there be no other one.
		err := c.nothingLeft("keys", "the user still has access keys", resourceIAMUser, name,
			`SELECT 1 FROM iam_access_keys WHERE account_id = $1 AND user_fold = $2 LIMIT 1`, accountID, localiam.Fold(name))
		if err != nil {
			return err
		}
		return c.nothingLeft("groups", "the user is still in a group", resourceIAMUser, name,
			`SELECT 1 FROM iam_members WHERE account_id = $1 AND user_fold = $2 LIMIT 1`, accountID, localiam.Fold(name))
	})
}

func (s *LocalIAM) saveIdentity(ctx context.Context, i identity, e audit.Event) error {
	return s.iamChange(ctx, i.AccountID, e, func(c conn) error {
		old, err := c.putIdentity(i)
		if err != nil {
			return err
		}
		if err := c.holdPolicies(i); err != nil {
			return err
		}
		return c.attach(i, old)
	})
}

// putIdentity writes the row and returns what was there before.
func (c conn) putIdentity(i identity) (old localiam.Identity, err error) {
	fold := localiam.Fold(i.Name)
	if i.Revision == 0 {
		n, err := c.exec(`INSERT INTO iam_identities (account_id, kind, name_fold, name, path, revision, doc) VALUES ($1, $2, $3, $4, $5, 1, $6) ON CONFLICT DO NOTHING`,
			i.AccountID, i.kind, fold, i.Name, i.Path, i.doc)
		return old, saved(n, err, 0, i.resource, i.Name)
	}
	old, err = one(c, plainIdentity, identityByName+` {lock}`, i.AccountID, i.kind, fold)
	if errors.Is(err, sql.ErrNoRows) || err == nil && old.Revision != i.Revision {
		return old, stale(i.resource, i.Name)
	}
	if err != nil {
		return old, err
	}
	return old, c.run(`UPDATE iam_identities SET name = $4, path = $5, revision = revision + 1, doc = $6 WHERE account_id = $1 AND kind = $2 AND name_fold = $3`,
		i.AccountID, i.kind, fold, i.Name, i.Path, i.doc)
}

func plainIdentity(r row) (localiam.Identity, error) {
	i, _, err := scanIdentity(r)
	return i, err
}

// attachment is one row of iam_attachments, but for the identity. ARNs are compared exactly, as policies are found by them.
type attachment struct {
	arn      string
	boundary bool
}

func attachments(i localiam.Identity) []attachment {
	as := mapped(i.Attached, func(arn string) attachment { return attachment{arn, false} })
	if i.BoundaryARN != "" {
		as = append(as, attachment{i.BoundaryARN, true})
	}
	return as
}

// attach brings the rows by which a policy's users are found from the old identity to the new.
func (c conn) attach(now identity, old localiam.Identity) error {
	gone, fresh := difference(attachments(old), attachments(now.Identity))
	fold := localiam.Fold(now.Name)
	for _, a := range gone {
		if err := c.run(`DELETE FROM iam_attachments WHERE account_id = $1 AND arn = $2 AND kind = $3 AND boundary = $4 AND name_fold = $5`,
			now.AccountID, a.arn, now.kind, a.boundary, fold); err != nil {
			return err
		}
	}
	for _, a := range fresh {
		if err := c.run(`INSERT INTO iam_attachments (account_id, arn, kind, boundary, name_fold) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			now.AccountID, a.arn, now.kind, a.boundary, fold); err != nil {
			return err
		}
	}
	return nil
}

// holdPolicies makes sure that the customer managed policies an identity names exist and stay until the commit.
func (c conn) holdPolicies(i identity) error {
	var wanted []string
	for _, arn := range append(i.Attached[:len(i.Attached):len(i.Attached)], i.BoundaryARN) {
		if arn != "" && !isAWSManaged(arn) {
			wanted = append(wanted, arn)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	there, err := all(c, column[string], `SELECT arn FROM iam_policies WHERE account_id = $1 AND arn IN {list $2} ORDER BY arn {share}`, i.AccountID, list(wanted))
	if err != nil {
		return err
	}
	if unknown := only(wanted, there); len(unknown) > 0 {
		return fault.New(fault.NotFound, "the policy %s does not exist", unknown[0]).About(resourcePolicy, unknown[0]).For("policy")
	}
	return nil
}

func (c conn) deleteIdentity(i identity) error {
	fold := localiam.Fold(i.Name)
	old, err := one(c, plainIdentity, identityByName+` {lock}`, i.AccountID, i.kind, fold)
	if err != nil {
		return c.db.lookup(err, i.resource, i.Name)
	}
	if old.Revision != i.Revision {
		return stale(i.resource, i.Name)
	}
	i.Identity = localiam.Identity{AccountID: i.AccountID, Name: i.Name}
	if err := c.attach(i, old); err != nil {
		return err
	}
	return c.run(`DELETE FROM iam_identities WHERE account_id = $1 AND kind = $2 AND name_fold = $3`, i.AccountID, i.kind, fold)
}

// Generation implements [localiam.SessionStore].
func (s *LocalIAM) Generation(ctx context.Context, accountID string) (int64, error) {
	n, err := one(s.db.read(ctx), column[int64], `SELECT n FROM iam_generations WHERE account_id = $1`, accountID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, s.db.fault(err)
}

// RevokedBefore implements [localiam.SessionStore].
func (s *LocalIAM) RevokedBefore(ctx context.Context, subjects ...string) (time.Time, error) {
	latest, err := one(s.db.read(ctx), column[sql.NullInt64], `SELECT MAX(before_at) FROM iam_revocations WHERE subject IN {list $1}`, list(subjects))
	if err != nil || !latest.Valid {
		return time.Time{}, s.db.fault(err)
	}
	return moment(latest.Int64), nil
}

// Revoke implements [localiam.SessionStore].
func (s *LocalIAM) Revoke(ctx context.Context, rs []localiam.Revocation, es []audit.Event) error {
	// Everybody locks them in the same order.
	rows := mapped(slices.SortedFunc(slices.Values(rs), func(a, b localiam.Revocation) int { return strings.Compare(a.Subject, b.Subject) }), func(r localiam.Revocation) []any {
		return []any{r.Subject, r.Before}
	})
	return s.db.changeEach(ctx, es, func(c conn) error {
		_, err := c.insertRows(`INSERT INTO iam_revocations (subject, before_at) VALUES`,
			`ON CONFLICT (subject) DO UPDATE SET before_at = CASE WHEN excluded.before_at > iam_revocations.before_at THEN excluded.before_at ELSE iam_revocations.before_at END`, rows)
		return err
	})
}
