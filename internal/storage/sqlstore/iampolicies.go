package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

const policyColumns = `account_id, path, revision, doc`

// Policy implements [localiam.PolicyStore].
func (s *LocalIAM) Policy(ctx context.Context, accountID, name string) (localiam.ManagedPolicy, error) {
	p, err := one(s.db.read(ctx), scanPolicy, `SELECT `+policyColumns+` FROM iam_policies WHERE account_id = $1 AND name_fold = $2`, accountID, localiam.Fold(name))
	return p, s.db.lookup(err, resourcePolicy, name)
}

// Policies implements [localiam.PolicyStore].
func (s *LocalIAM) Policies(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]localiam.ManagedPolicy, error) {
	ps, err := all(s.db.read(ctx), scanPolicy, `SELECT `+policyColumns+` FROM iam_policies WHERE account_id = $1 AND name_fold > $2
		AND substr(path, 1, length($3)) = $3 ORDER BY name_fold LIMIT $4`, accountID, localiam.Fold(after), pathPrefix, limit)
	return ps, s.db.fault(err)
}

// PoliciesByARN implements [localiam.PolicyStore].
func (s *LocalIAM) PoliciesByARN(ctx context.Context, accountID string, arns []string) ([]localiam.ManagedPolicy, error) {
	if err := atMost(len(arns), 1000); err != nil {
		return nil, err
	}
	ps, err := all(s.db.read(ctx), scanPolicy, `SELECT `+policyColumns+` FROM iam_policies WHERE account_id = $1 AND arn IN {list $2}`,
		accountID, list(arns))
	return ps, s.db.fault(err)
}

// SavePolicy implements [localiam.PolicyStore].
func (s *LocalIAM) SavePolicy(ctx context.Context, p localiam.ManagedPolicy, e audit.Event) error {
	doc, err := encode(newPolicyDoc(p))
	if err != nil {
		return err
	}
	return s.iamChange(ctx, p.AccountID, e, func(c conn) error {
		args := []any{p.AccountID, localiam.Fold(p.Name), p.Path, p.ARN(), doc}
		query := `INSERT INTO iam_policies (account_id, name_fold, path, arn, revision, doc) VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT DO NOTHING`
		if p.Revision != 0 {
			query = `UPDATE iam_policies SET path = $3, arn = $4, revision = revision + 1, doc = $5 WHERE account_id = $1 AND name_fold = $2 AND revision = $6`
			args = append(args, p.Revision)
		}
		n, err := c.exec(query, args...)
		return saved(n, err, p.Revision, resourcePolicy, p.Name)
	})
}

// DeletePolicy implements [localiam.PolicyStore].
func (s *LocalIAM) DeletePolicy(ctx context.Context, accountID, name string, revision int64, e audit.Event) error {
	return s.iamChange(ctx, accountID, e, func(c conn) error {
		fold := localiam.Fold(name)
		err := c.hold(revision, resourcePolicy, name, `SELECT revision FROM iam_policies WHERE account_id = $1 AND name_fold = $2`, accountID, fold)
		if err != nil {
			return err
		}
		arn, err := one(c, column[string], `DELETE FROM iam_policies WHERE account_id = $1 AND name_fold = $2 RETURNING arn`, accountID, fold)
		if err != nil {
			return err
		}
		// Deleting waited for whoever was attaching it; only now can there be no other one.
		_, err = one(c, column[int], `SELECT 1 FROM iam_attachments WHERE account_id = $1 AND arn = $2 LIMIT 1`, accountID, arn)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = conflict("attached", "the policy is still attached to a role or user").About(resourcePolicy, name)
		}
		return err
	})
}

// PolicyUses implements [localiam.PolicyStore]. They are counted in an index.
func (s *LocalIAM) PolicyUses(ctx context.Context, accountID string, arns []string) (map[string]localiam.PolicyUse, error) {
	if err := atMost(len(arns), 1000); err != nil {
		return nil, err
	}
	type count struct {
		arn      string
		boundary bool
		n        int
	}
	scan := func(r row) (c count, err error) { return c, r.Scan(&c.arn, &c.boundary, &c.n) }
	cs, err := all(s.db.read(ctx), scan, `SELECT arn, boundary, COUNT(*) FROM iam_attachments WHERE account_id = $1 AND arn IN {list $2} GROUP BY arn, boundary`, accountID, list(arns))
	out := make(map[string]localiam.PolicyUse, len(cs))
	for _, c := range cs {
		use := out[c.arn]
		if c.boundary {
			use.Boundaries = c.n
		} else {
			use.Policies = c.n
		}
		out[c.arn] = use
	}
	return out, s.db.fault(err)
}

// AttachedPolicies implements [localiam.PolicyStore]. From each ARN the index is sought for the next, so that it does not matter how many have one.
func (s *LocalIAM) AttachedPolicies(ctx context.Context, accountID, begin, after string, limit int) ([]string, error) {
	const next = `(SELECT arn FROM iam_attachments WHERE account_id = $1 AND arn < $2 AND arn > `
	end := begin[:len(begin)-1] + string(begin[len(begin)-1]+1)
	arns, err := all(s.db.read(ctx), column[string], `WITH RECURSIVE attached (arn) AS (
		SELECT `+next+`$3 ORDER BY arn LIMIT 1)
		UNION ALL SELECT `+next+`attached.arn ORDER BY arn LIMIT 1) FROM attached WHERE attached.arn IS NOT NULL)
		SELECT arn FROM attached WHERE arn IS NOT NULL LIMIT $4`, accountID, end, max(begin, after), limit)
	return arns, s.db.fault(err)
}

// PolicyHolders implements [localiam.PolicyStore].
func (s *LocalIAM) PolicyHolders(ctx context.Context, accountID, policyARN string, f localiam.HolderFilter, after localiam.HolderPlace, limit int) ([]localiam.PolicyHolder, error) {
	query := `SELECT a.kind, a.boundary, i.account_id, i.name, i.path, i.revision, i.doc FROM iam_attachments a
		JOIN iam_identities i ON i.account_id = a.account_id AND i.kind = a.kind AND i.name_fold = a.name_fold
		WHERE a.account_id = $1 AND a.arn = $2 AND (a.kind, a.boundary, a.name_fold) > ($3, $4, $5) AND substr(i.path, 1, length($6)) = $6`
	args := []any{accountID, policyARN, after.Kind, after.Boundary, localiam.Fold(after.Name), f.PathPrefix, limit}
	and := func(condition string, arg any) {
		args = append(args, arg)
		query += condition + placeholder(len(args))
	}
	if f.Kind != "" {
		and(` AND a.kind = `, f.Kind)
	}
	if f.Use != "" {
		and(` AND a.boundary = `, f.Use == "boundary")
	} else {
		query += ` AND (a.boundary = 0 OR NOT EXISTS (SELECT 1 FROM iam_attachments o
			WHERE o.account_id = a.account_id AND o.arn = a.arn AND o.kind = a.kind AND o.boundary = 0 AND o.name_fold = a.name_fold))`
	}
	hs, err := all(s.db.read(ctx), scanHolder, query+` ORDER BY a.kind, a.boundary, a.name_fold LIMIT $7`, args...)
	return hs, s.db.fault(err)
}

func scanHolder(r row) (localiam.PolicyHolder, error) {
	var h localiam.PolicyHolder
	i, _, err := scanIdentity(tail(r, &h.Kind, &h.Boundary))
	h.Name, h.ID = i.Name, i.ID
	return h, err
}

// AccessKey implements [localiam.UserStore].
func (s *LocalIAM) AccessKey(ctx context.Context, id string) (localiam.AccessKey, error) {
	k, err := one(s.db.read(ctx), scanAccessKey, `SELECT id, account_id, revision, doc FROM iam_access_keys WHERE id = $1`, id)
	return k, s.db.lookup(err, resourceAccessKey, id)
}

// AccessKeys implements [localiam.UserStore].
func (s *LocalIAM) AccessKeys(ctx context.Context, accountID, userName, after string, limit int) ([]localiam.AccessKey, error) {
	ks, err := all(s.db.read(ctx), scanAccessKey, `SELECT id, account_id, revision, doc FROM iam_access_keys WHERE account_id = $1 AND user_fold = $2 AND id > $3
		ORDER BY id LIMIT $4`, accountID, localiam.Fold(userName), after, limit)
	return ks, s.db.fault(err)
}

// SaveAccessKey implements [localiam.UserStore].
func (s *LocalIAM) SaveAccessKey(ctx context.Context, k localiam.AccessKey, max int, e audit.Event) error {
	doc, err := encode(accessKeyDoc{k.UserName, k.SealedSecret, k.Active, stamp{k.CreatedAt}})
	if err != nil {
		return err
	}
	user := localiam.Fold(k.UserName)
	return s.iamChange(ctx, k.AccountID, e, func(c conn) error {
		// The user's row is the lock under which her keys are counted.
		_, err := one(c, column[int], `SELECT 1 FROM iam_identities WHERE account_id = $1 AND kind = 'user' AND name_fold = $2 {lock}`, k.AccountID, user)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "there is no user %q", k.UserName).About(resourceIAMUser, k.UserName).For("user")
		}
		if err != nil {
			return err
		}
		if k.Revision == 0 {
			have, err := one(c, column[int], `SELECT COUNT(*) FROM iam_access_keys WHERE account_id = $1 AND user_fold = $2 AND id <> $3`, k.AccountID, user, k.ID)
			if err != nil {
				return err
			}
			if have >= max {
				return fault.New(fault.Quota, "Cannot exceed quota for AccessKeysPerUser: %d", max)
			}
			n, err := c.exec(`INSERT INTO iam_access_keys (id, account_id, user_fold, revision, doc) VALUES ($1, $2, $3, 1, $4) ON CONFLICT DO NOTHING`, k.ID, k.AccountID, user, doc)
			return saved(n, err, 0, resourceAccessKey, k.ID)
		}
		n, err := c.exec(`UPDATE iam_access_keys SET revision = revision + 1, doc = $4 WHERE id = $1 AND account_id = $2 AND user_fold = $3 AND revision = $5`,
			k.ID, k.AccountID, user, doc, k.Revision)
		return saved(n, err, k.Revision, resourceAccessKey, k.ID)
	})
}

// DeleteAccessKey implements [localiam.UserStore].
func (s *LocalIAM) DeleteAccessKey(ctx context.Context, id string, revision int64, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if err := c.hold(revision, resourceAccessKey, id, `SELECT revision FROM iam_access_keys WHERE id = $1`, id); err != nil {
			return err
		}
		account, err := one(c, column[string], `DELETE FROM iam_access_keys WHERE id = $1 RETURNING account_id`, id)
		if err != nil {
			return err
		}
		return c.raiseGeneration(account)
	})
}

// SAMLProvider implements [localiam.ProviderStore].
func (s *LocalIAM) SAMLProvider(ctx context.Context, accountID, name string) (localiam.SAMLProvider, error) {
	p, err := one(s.db.read(ctx), scanSAMLProvider, `SELECT account_id, revision, doc FROM iam_saml_providers WHERE account_id = $1 AND name_fold = $2`,
		accountID, localiam.Fold(name))
	return p, s.db.lookup(err, resourceProvider, name)
}

// SAMLProviders implements [localiam.ProviderStore].
func (s *LocalIAM) SAMLProviders(ctx context.Context, accountID, after string, limit int) ([]localiam.SAMLProvider, error) {
	ps, err := all(s.db.read(ctx), scanSAMLProvider, `SELECT account_id, revision, doc FROM iam_saml_providers WHERE account_id = $1 AND name_fold > $2
		ORDER BY name_fold LIMIT $3`, accountID, localiam.Fold(after), limit)
	return ps, s.db.fault(err)
}

// SaveSAMLProvider implements [localiam.ProviderStore].
func (s *LocalIAM) SaveSAMLProvider(ctx context.Context, p localiam.SAMLProvider, e audit.Event) error {
	doc, err := encode(samlProviderDoc{p.Name, p.Metadata, p.Protected, stamp{p.CreatedAt}, stamp{p.ValidUntil}, p.Tags})
	if err != nil {
		return err
	}
	return s.iamChange(ctx, p.AccountID, e, func(c conn) error {
		args := []any{p.AccountID, localiam.Fold(p.Name), doc}
		query := `INSERT INTO iam_saml_providers (account_id, name_fold, revision, doc) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING`
		if p.Revision != 0 {
			query = `UPDATE iam_saml_providers SET revision = revision + 1, doc = $3 WHERE account_id = $1 AND name_fold = $2 AND revision = $4`
			args = append(args, p.Revision)
		}
		n, err := c.exec(query, args...)
		return saved(n, err, p.Revision, resourceProvider, p.Name)
	})
}

// DeleteSAMLProvider implements [localiam.ProviderStore].
func (s *LocalIAM) DeleteSAMLProvider(ctx context.Context, accountID, name string, revision int64, e audit.Event) error {
	return s.iamChange(ctx, accountID, e, func(c conn) error {
		fold := localiam.Fold(name)
		err := c.hold(revision, resourceProvider, name, `SELECT revision FROM iam_saml_providers WHERE account_id = $1 AND name_fold = $2`, accountID, fold)
		if err != nil {
			return err
		}
		return c.run(`DELETE FROM iam_saml_providers WHERE account_id = $1 AND name_fold = $2`, accountID, fold)
	})
}
