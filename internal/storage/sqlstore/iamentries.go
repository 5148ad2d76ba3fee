package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// Kinds of entries, and what faults call them.
const (
	kindProfile = "profile"
	kindOIDC    = "oidc"

	resourceProfile = "INSTANCE_PROFILE"
	resourceOIDC    = "OIDC_PROVIDER"
	resourceAlias   = "ACCOUNT_ALIAS"
)

// entry is a row of iam_entries.
type entry struct {
	accountID, kind, resource, name, path, link string
	revision                                    int64
	doc                                         string
}

const (
	entryByName  = `SELECT account_id, path, revision, doc FROM iam_entries WHERE account_id = $1 AND kind = $2 AND name_fold = $3`
	entryListing = `SELECT account_id, path, revision, doc FROM iam_entries WHERE account_id = $1 AND kind = $2 AND name_fold > $3
		AND substr(path, 1, length($4)) = $4 ORDER BY name_fold LIMIT $5`
)

func (c conn) saveEntry(x entry) error {
	args := []any{x.accountID, x.kind, localiam.Fold(x.name), x.path, localiam.Fold(x.link), x.doc}
	query := `INSERT INTO iam_entries (account_id, kind, name_fold, path, link, revision, doc) VALUES ($1, $2, $3, $4, $5, 1, $6) ON CONFLICT DO NOTHING`
	if x.revision != 0 {
		query = `UPDATE iam_entries SET path = $4, link = $5, revision = revision + 1, doc = $6 WHERE account_id = $1 AND kind = $2 AND name_fold = $3 AND revision = $7`
		args = append(args, x.revision)
	}
	n, err := c.exec(query, args...)
	return saved(n, err, x.revision, x.resource, x.name)
}

func (c conn) deleteEntry(x entry) error {
	fold := localiam.Fold(x.name)
	if err := c.hold(x.revision, x.resource, x.name, `SELECT revision FROM iam_entries WHERE account_id = $1 AND kind = $2 AND name_fold = $3`, x.accountID, x.kind, fold); err != nil {
		return err
	}
	return c.run(`DELETE FROM iam_entries WHERE account_id = $1 AND kind = $2 AND name_fold = $3`, x.accountID, x.kind, fold)
}

type profileDoc struct {
	Name      string            `json:"name"`
	ID        string            `json:"id"`
	RoleName  string            `json:"roleName,omitzero"`
	Tags      map[string]string `json:"tags,omitempty"`
	CreatedAt stamp             `json:"createdAt,omitzero"`
}

func scanProfile(r row) (localiam.InstanceProfile, error) {
	var p localiam.InstanceProfile
	var doc string
	if err := r.Scan(&p.AccountID, &p.Path, &p.Revision, &doc); err != nil {
		return p, err
	}
	d, err := decode[profileDoc](doc)
	p.Name, p.ID, p.RoleName, p.Tags, p.CreatedAt = d.Name, d.ID, d.RoleName, d.Tags, d.CreatedAt.Time
	return p, err
}

// Profile implements [localiam.ProfileStore].
func (s *LocalIAM) Profile(ctx context.Context, accountID, name string) (localiam.InstanceProfile, error) {
	p, err := one(s.db.read(ctx), scanProfile, entryByName, accountID, kindProfile, localiam.Fold(name))
	return p, s.db.lookup(err, resourceProfile, name)
}

// Profiles implements [localiam.ProfileStore].
func (s *LocalIAM) Profiles(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]localiam.InstanceProfile, error) {
	ps, err := all(s.db.read(ctx), scanProfile, entryListing, accountID, kindProfile, localiam.Fold(after), pathPrefix, limit)
	return ps, s.db.fault(err)
}

// ProfilesOf implements [localiam.ProfileStore].
func (s *LocalIAM) ProfilesOf(ctx context.Context, accountID, role, after string, limit int) ([]localiam.InstanceProfile, error) {
	ps, err := all(s.db.read(ctx), scanProfile, `SELECT account_id, path, revision, doc FROM iam_entries WHERE account_id = $1 AND kind = $2 AND link = $3 AND name_fold > $4
		ORDER BY name_fold LIMIT $5`, accountID, kindProfile, localiam.Fold(role), localiam.Fold(after), limit)
	return ps, s.db.fault(err)
}

// SaveProfile implements [localiam.ProfileStore].
func (s *LocalIAM) SaveProfile(ctx context.Context, p localiam.InstanceProfile, e audit.Event) error {
	doc, err := encode(profileDoc{p.Name, p.ID, p.RoleName, p.Tags, stamp{p.CreatedAt}})
	if err != nil {
		return err
	}
	return s.iamChange(ctx, p.AccountID, e, func(c conn) error {
		if p.RoleName != "" {
			_, err := one(c, column[int], `SELECT 1 FROM iam_identities WHERE account_id = $1 AND kind = 'role' AND name_fold = $2 {share}`, p.AccountID, localiam.Fold(p.RoleName))
			if errors.Is(err, sql.ErrNoRows) {
				return fault.New(fault.NotFound, "there is no role %q", p.RoleName).About(resourceIAMRole, p.RoleName).For("role")
			}
			if err != nil {
				return err
			}
		}
		return c.saveEntry(entry{p.AccountID, kindProfile, resourceProfile, p.Name, p.Path, p.RoleName, p.Revision, doc})
	})
}

// DeleteProfile implements [localiam.ProfileStore].
func (s *LocalIAM) DeleteProfile(ctx context.Context, accountID, name string, revision int64, e audit.Event) error {
	x := entry{accountID: accountID, kind: kindProfile, resource: resourceProfile, name: name, revision: revision}
	return s.iamChange(ctx, accountID, e, func(c conn) error { return c.deleteEntry(x) })
}

type oidcDoc struct {
	URL         string            `json:"url"`
	ClientIDs   []string          `json:"clientIds,omitempty"`
	Thumbprints []string          `json:"thumbprints,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	CreatedAt   stamp             `json:"createdAt,omitzero"`
}

func scanOIDC(r row) (localiam.OIDCProvider, error) {
	var p localiam.OIDCProvider
	var path, doc string
	if err := r.Scan(&p.AccountID, &path, &p.Revision, &doc); err != nil {
		return p, err
	}
	d, err := decode[oidcDoc](doc)
	p.URL, p.ClientIDs, p.Thumbprints, p.Tags, p.CreatedAt = d.URL, d.ClientIDs, d.Thumbprints, d.Tags, d.CreatedAt.Time
	return p, err
}

// OIDCProvider implements [localiam.ProfileStore].
func (s *LocalIAM) OIDCProvider(ctx context.Context, accountID, url string) (localiam.OIDCProvider, error) {
	p, err := one(s.db.read(ctx), scanOIDC, entryByName, accountID, kindOIDC, localiam.Fold(url))
	return p, s.db.lookup(err, resourceOIDC, url)
}

// OIDCProviders implements [localiam.ProfileStore].
func (s *LocalIAM) OIDCProviders(ctx context.Context, accountID, after string, limit int) ([]localiam.OIDCProvider, error) {
	ps, err := all(s.db.read(ctx), scanOIDC, entryListing, accountID, kindOIDC, localiam.Fold(after), "", limit)
	return ps, s.db.fault(err)
}

// SaveOIDCProvider implements [localiam.ProfileStore].
func (s *LocalIAM) SaveOIDCProvider(ctx context.Context, p localiam.OIDCProvider, e audit.Event) error {
	doc, err := encode(oidcDoc{p.URL, p.ClientIDs, p.Thumbprints, p.Tags, stamp{p.CreatedAt}})
	if err != nil {
		return err
	}
	x := entry{p.AccountID, kindOIDC, resourceOIDC, p.URL, "", "", p.Revision, doc}
	return s.iamChange(ctx, p.AccountID, e, func(c conn) error { return c.saveEntry(x) })
}

// DeleteOIDCProvider implements [localiam.ProfileStore].
func (s *LocalIAM) DeleteOIDCProvider(ctx context.Context, accountID, url string, revision int64, e audit.Event) error {
	x := entry{accountID: accountID, kind: kindOIDC, resource: resourceOIDC, name: url, revision: revision}
	return s.iamChange(ctx, accountID, e, func(c conn) error { return c.deleteEntry(x) })
}

// Alias implements [localiam.AccountStore].
func (s *LocalIAM) Alias(ctx context.Context, accountID string) (string, error) {
	a, err := one(s.db.read(ctx), column[string], `SELECT alias FROM iam_aliases WHERE account_id = $1`, accountID)
	return a, s.db.lookup(err, resourceAlias, accountID)
}

// SetAlias implements [localiam.AccountStore].
func (s *LocalIAM) SetAlias(ctx context.Context, accountID, alias string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		err := c.run(`INSERT INTO iam_aliases (account_id, alias) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET alias = excluded.alias`, accountID, alias)
		if s.db.dialect.Unique(err) {
			err = conflict("exists", "another account has this alias").About(resourceAlias, alias)
		}
		return err
	})
}

// DeleteAlias implements [localiam.AccountStore].
func (s *LocalIAM) DeleteAlias(ctx context.Context, accountID, alias string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM iam_aliases WHERE account_id = $1 AND alias = $2`, accountID, alias)
		if err == nil && n == 0 {
			err = missing(resourceAlias, alias)
		}
		return err
	})
}

// Counts implements [localiam.AccountStore].
func (s *LocalIAM) Counts(ctx context.Context, accountID string) (localiam.Counts, error) {
	c, err := one(s.db.read(ctx), func(r row) (n localiam.Counts, err error) {
		return n, r.Scan(&n.Users, &n.Groups, &n.Roles, &n.Policies, &n.Profiles, &n.Providers)
	}, `SELECT (SELECT COUNT(*) FROM iam_identities WHERE account_id = $1 AND kind = 'user'), (SELECT COUNT(*) FROM iam_identities WHERE account_id = $1 AND kind = 'group'),
		(SELECT COUNT(*) FROM iam_identities WHERE account_id = $1 AND kind = 'role'), (SELECT COUNT(*) FROM iam_policies WHERE account_id = $1),
		(SELECT COUNT(*) FROM iam_entries WHERE account_id = $1 AND kind = 'profile'),
		(SELECT COUNT(*) FROM iam_entries WHERE account_id = $1 AND kind = 'oidc') + (SELECT COUNT(*) FROM iam_saml_providers WHERE account_id = $1)`, accountID)
	return c, s.db.fault(err)
}
