package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"gatehouse/internal/audit"
	"gatehouse/internal/localiam"
)

const (
	resourceSettings = "ACCOUNT_SETTINGS"
	resourceIssuer   = "ISSUER"
)

type iamSettingsDoc struct {
	Outbound        bool `json:"outbound,omitzero"`
	RootSessions    bool `json:"rootSessions,omitzero"`
	RootCredentials bool `json:"rootCredentials,omitzero"`

	Passwords *passwordPolicyDoc `json:"passwords,omitempty"`
}

type passwordPolicyDoc struct {
	MinimumLength int  `json:"minimumLength"`
	MaxAge        int  `json:"maxAge,omitzero"`
	Reuse         int  `json:"reuse,omitzero"`
	Symbols       bool `json:"symbols,omitzero"`
	Numbers       bool `json:"numbers,omitzero"`
	Uppercase     bool `json:"uppercase,omitzero"`
	Lowercase     bool `json:"lowercase,omitzero"`
	OwnChange     bool `json:"ownChange,omitzero"`
	HardExpiry    bool `json:"hardExpiry,omitzero"`
}

// Settings implements [localiam.AccountStore].
func (s *LocalIAM) Settings(ctx context.Context, accountID string) (localiam.Settings, error) {
	out := localiam.Settings{AccountID: accountID}
	doc, err := one(s.db.read(ctx), func(r row) (doc string, err error) {
		return doc, r.Scan(&out.IssuerID, &out.Revision, &doc)
	}, `SELECT issuer_id, revision, doc FROM iam_settings WHERE account_id = $1`, accountID)
	if errors.Is(err, sql.ErrNoRows) {
		return localiam.Settings{AccountID: accountID}, nil
	}
	if err != nil {
		return out, s.db.fault(err)
	}
	d, err := decode[iamSettingsDoc](doc)
	out.Outbound, out.RootSessions, out.RootCredentials = d.Outbound, d.RootSessions, d.RootCredentials
	out.Passwords = (*localiam.PasswordPolicy)(d.Passwords)
	return out, s.db.fault(err)
}

// SaveSettings implements [localiam.AccountStore].
func (s *LocalIAM) SaveSettings(ctx context.Context, set localiam.Settings, e audit.Event) error {
	doc, err := encode(iamSettingsDoc{set.Outbound, set.RootSessions, set.RootCredentials, (*passwordPolicyDoc)(set.Passwords)})
	if err != nil {
		return err
	}
	return s.iamChange(ctx, set.AccountID, e, func(c conn) error {
		query := `UPDATE iam_settings SET issuer_id = $2, revision = revision + 1, doc = $4 WHERE account_id = $1 AND revision = $3`
		if set.Revision == 0 {
			query = `INSERT INTO iam_settings (account_id, issuer_id, revision, doc) VALUES ($1, $2, $3 + 1, $4) ON CONFLICT (account_id) DO NOTHING`
		}
		n, err := c.exec(query, set.AccountID, set.IssuerID, set.Revision, doc)
		if s.db.dialect.Unique(err) {
			return conflict("exists", "another account has this issuer").About(resourceIssuer, set.IssuerID)
		}
		if err == nil && n == 0 {
			err = stale(resourceSettings, set.AccountID)
		}
		return err
	})
}

// IssuerAccount implements [localiam.AccountStore].
func (s *LocalIAM) IssuerAccount(ctx context.Context, issuerID string) (string, error) {
	a, err := one(s.db.read(ctx), column[string], `SELECT account_id FROM iam_settings WHERE issuer_id = $1 AND issuer_id <> ''`, issuerID)
	return a, s.db.lookup(err, resourceIssuer, issuerID)
}
