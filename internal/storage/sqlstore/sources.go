package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

type sourceDoc struct {
	Name       string            `json:"name,omitzero"`
	Profile    directory.Profile `json:"profile,omitzero"`
	Domains    []string          `json:"domains,omitempty"`
	LocalUsers bool              `json:"localUsers,omitzero"`
	SAML       samlDoc           `json:"saml,omitzero"`
	Guard      guardDoc          `json:"guard,omitzero"`
	CreatedAt  stamp             `json:"createdAt,omitzero"`

	Local       directory.OwnerRule            `json:"local,omitzero"`
	Directories map[string]directory.OwnerRule `json:"directories,omitempty"`
	Nested      directory.Nesting              `json:"nested,omitzero"`
	Closing     directory.Disposal             `json:"closing,omitzero"`

	ProviderClosing bool  `json:"providerClosing,omitzero"`
	VouchesSince    stamp `json:"vouchesSince,omitzero"`
	ContinueAt      stamp `json:"continueAt,omitzero"`
}

type samlDoc struct {
	EntityID          string   `json:"entityId,omitzero"`
	SSORedirectURL    string   `json:"ssoRedirectUrl,omitzero"`
	SSOPostURL        string   `json:"ssoPostUrl,omitzero"`
	Certificates      [][]byte `json:"certificates,omitempty"`
	MetadataURL       string   `json:"metadataUrl,omitzero"`
	AllowIDPInitiated bool     `json:"allowIdpInitiated,omitzero"`
	JustInTime        bool     `json:"justInTime,omitzero"`

	SLORedirectURL       string   `json:"sloRedirectUrl,omitzero"`
	SLOPostURL           string   `json:"sloPostUrl,omitzero"`
	SLORedirectAnswerURL string   `json:"sloRedirectAnswerUrl,omitzero"`
	SLOPostAnswerURL     string   `json:"sloPostAnswerUrl,omitzero"`
	MetadataSigners      [][]byte `json:"metadataSigners,omitempty"`
	ValidUntil           stamp    `json:"validUntil,omitzero"`
	SignRequests         bool     `json:"signRequests,omitzero"`
	SingleLogout         bool     `json:"singleLogout,omitzero"`
	SigningKey           []byte   `json:"signingKey,omitempty"`
	SigningCertificate   []byte   `json:"signingCertificate,omitempty"`
}

func newSourceDoc(s directory.Source) sourceDoc {
	m := s.SAML
	return sourceDoc{s.Name, s.Profile, s.Domains, s.LocalUsers,
		samlDoc{m.EntityID, m.SSORedirectURL, m.SSOPostURL, m.Certificates, m.MetadataURL, m.AllowIDPInitiated, m.JustInTime,
			m.SLORedirectURL, m.SLOPostURL, m.SLORedirectAnswerURL, m.SLOPostAnswerURL, m.MetadataSigners, stamp{m.ValidUntil}, m.SignRequests, m.SingleLogout, m.SigningKey, m.SigningCertificate},
		guardDoc{s.Guard.Off, s.Guard.Share, s.Guard.Least}, stamp{s.CreatedAt}, s.Owners.Local, s.Owners.Directories, s.Nested, s.Closing, s.ProviderClosing, stamp{s.VouchesSince}, stamp{s.ContinueAt}}
}

func scanSource(r row) (directory.Source, error) {
	var s directory.Source
	var doc string
	if err := r.Scan(&s.ID, &s.Version, &doc); err != nil {
		return s, err
	}
	d, err := decode[sourceDoc](doc)
	m := d.SAML
	s.Name, s.Profile, s.Domains, s.LocalUsers, s.CreatedAt = d.Name, d.Profile, d.Domains, d.LocalUsers, d.CreatedAt.Time
	s.Owners, s.Nested, s.Closing = directory.Owners{Local: d.Local, Directories: d.Directories}, d.Nested, d.Closing
	s.ProviderClosing, s.VouchesSince, s.ContinueAt = d.ProviderClosing, d.VouchesSince.Time, d.ContinueAt.Time
	s.Guard = directory.Guard{Off: d.Guard.Off, Share: d.Guard.Share, Least: d.Guard.Least}
	s.SAML = directory.SAMLSettings{
		EntityID: m.EntityID, SSORedirectURL: m.SSORedirectURL, SSOPostURL: m.SSOPostURL, Certificates: m.Certificates,
		MetadataURL: m.MetadataURL, AllowIDPInitiated: m.AllowIDPInitiated, JustInTime: m.JustInTime,
		SLORedirectURL: m.SLORedirectURL, SLOPostURL: m.SLOPostURL, SLORedirectAnswerURL: m.SLORedirectAnswerURL, SLOPostAnswerURL: m.SLOPostAnswerURL,
		MetadataSigners: m.MetadataSigners, ValidUntil: m.ValidUntil.Time, SignRequests: m.SignRequests, SingleLogout: m.SingleLogout,
		SigningKey: m.SigningKey, SigningCertificate: m.SigningCertificate,
	}
	return s, err
}

// PutSource implements [directory.SourceStore].
func (s *Directory) PutSource(ctx context.Context, src directory.Source, ifVersion int64, e audit.Event) error {
	doc, err := encode(newSourceDoc(src))
	if err != nil {
		return err
	}
	return s.db.change(ctx, e, func(c conn) error {
		if ifVersion == 0 {
			n, err := c.exec(`INSERT INTO sources (id, version, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, src.ID, src.Version, doc)
			if err == nil && n == 0 {
				err = conflict("uniqueness", "an identity source %q exists already", src.ID).At("id").About(directory.ResourceSource, src.ID)
			}
			return err
		}
		n, err := c.exec(`UPDATE sources SET version = $2, doc = $3 WHERE id = $1 AND version = $4`, src.ID, src.Version, doc, ifVersion)
		if err != nil || n > 0 {
			return err
		}
		if _, err := one(c, column[int], `SELECT 1 FROM sources WHERE id = $1`, src.ID); err != nil {
			return s.db.lookup(err, directory.ResourceSource, src.ID)
		}
		return stale(directory.ResourceSource, src.ID)
	})
}

// ownerStays demands that a source is there and is not removed before the commit; everybody else may own things without being a row.
func (c conn) ownerStays(source string) error {
	if source == "" || source == directory.BuiltIn {
		return nil
	}
	_, err := one(c, column[string], `SELECT id FROM sources WHERE id = $1 {share}`, source)
	return c.db.lookup(err, directory.ResourceSource, source)
}

// DeleteSource implements [directory.SourceStore].
func (s *Directory) DeleteSource(ctx context.Context, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		if _, err := one(c, column[string], `SELECT id FROM sources WHERE id = $1 {exclusive}`, id); err != nil {
			return s.db.lookup(err, directory.ResourceSource, id)
		}
		for _, query := range []string{`SELECT 1 FROM users WHERE source = $1 LIMIT 1`, `SELECT 1 FROM groups WHERE source = $1 LIMIT 1`} {
			if _, err := one(c, column[int], query, id); err == nil {
				return conflict("in-use", "the identity source %q still owns users or groups", id).About(directory.ResourceSource, id)
			} else if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		for _, query := range []string{`DELETE FROM scim_tokens WHERE source_id = $1`, `DELETE FROM source_guards WHERE source_id = $1`,
			`DELETE FROM metadata_checks WHERE source_id = $1`, `DELETE FROM sources WHERE id = $1`} {
			if err := c.run(query, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Source implements [directory.SourceStore].
func (s *Directory) Source(ctx context.Context, id string) (directory.Source, error) {
	src, err := one(s.db.read(ctx), scanSource, `SELECT id, version, doc FROM sources WHERE id = $1`, id)
	return src, s.db.lookup(err, directory.ResourceSource, id)
}

// Sources implements [directory.SourceStore].
func (s *Directory) Sources(ctx context.Context) ([]directory.Source, error) {
	all, err := all(s.db.read(ctx), scanSource, `SELECT id, version, doc FROM sources ORDER BY id`)
	return all, s.db.fault(err)
}

type metadataCheckDoc struct {
	Problem string `json:"problem,omitzero"`
	GoodAt  stamp  `json:"goodAt,omitzero"`
}

func scanMetadataCheck(r row) (directory.MetadataCheck, error) {
	var c directory.MetadataCheck
	var doc string
	if err := r.Scan(&c.SourceID, into(&c.CheckedAt), &doc); err != nil {
		return c, err
	}
	d, err := decode[metadataCheckDoc](doc)
	c.Problem, c.GoodAt = d.Problem, d.GoodAt.Time
	return c, err
}

const selectMetadataCheck = `SELECT source_id, checked_at, doc FROM metadata_checks WHERE source_id = $1`

// ClaimMetadataCheck implements [directory.SourceStore].
func (s *Directory) ClaimMetadataCheck(ctx context.Context, id string, at, ifNotAfter time.Time) (last directory.MetadataCheck, claimed bool, err error) {
	err = s.db.write(ctx, func(c conn) error {
		n, err := c.exec(`INSERT INTO metadata_checks (source_id, checked_at, doc) VALUES ($1, $2, '{}') ON CONFLICT DO NOTHING`, id, at)
		if err != nil {
			return err
		}
		if n == 0 {
			if n, err = c.exec(`UPDATE metadata_checks SET checked_at = $2 WHERE source_id = $1 AND checked_at <= $3`, id, at, ifNotAfter); err != nil {
				return err
			}
		}
		claimed = n > 0
		last, err = one(c, scanMetadataCheck, selectMetadataCheck, id)
		return err
	})
	return last, claimed, err
}

// PutMetadataCheck implements [directory.SourceStore].
func (s *Directory) PutMetadataCheck(ctx context.Context, m directory.MetadataCheck) error {
	doc, err := encode(metadataCheckDoc{m.Problem, stamp{m.GoodAt}})
	if err != nil {
		return err
	}
	return s.db.write(ctx, func(c conn) error {
		return c.run(`UPDATE metadata_checks SET checked_at = $2, doc = $3 WHERE source_id = $1`, m.SourceID, m.CheckedAt, doc)
	})
}

// MetadataCheck implements [directory.SourceStore].
func (s *Directory) MetadataCheck(ctx context.Context, id string) (directory.MetadataCheck, error) {
	c, err := one(s.db.read(ctx), scanMetadataCheck, selectMetadataCheck, id)
	if errors.Is(err, sql.ErrNoRows) {
		return directory.MetadataCheck{}, nil
	}
	return c, s.db.fault(err)
}

const tokenColumns = `id, source_id, hash, created_at, expires_at, last_used_at, created_by`

func scanToken(r row) (directory.Token, error) {
	var t directory.Token
	err := r.Scan(&t.ID, &t.SourceID, &t.Hash, into(&t.CreatedAt), into(&t.ExpiresAt), into(&t.LastUsedAt), &t.CreatedBy)
	return t, err
}

// InsertToken implements [directory.SourceStore].
func (s *Directory) InsertToken(ctx context.Context, t directory.Token, max int, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		// The source's row is the lock under which its tokens are counted.
		if _, err := one(c, column[string], `SELECT id FROM sources WHERE id = $1 {lock}`, t.SourceID); err != nil {
			return s.db.lookup(err, directory.ResourceSource, t.SourceID)
		}
		valid, err := one(c, column[int], `SELECT COUNT(*) FROM scim_tokens WHERE source_id = $1 AND expires_at > $2`, t.SourceID, t.CreatedAt)
		if err != nil {
			return err
		}
		if valid >= max {
			return fault.New(fault.Quota, "an identity source has at most %d valid SCIM tokens; delete one first", max).About(directory.ResourceToken, t.ID)
		}
		n, err := c.exec(`INSERT INTO scim_tokens (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			t.ID, t.SourceID, t.Hash, t.CreatedAt, t.ExpiresAt, t.LastUsedAt, t.CreatedBy)
		if err == nil && n == 0 {
			err = conflict("uniqueness", "this SCIM token exists already").About(directory.ResourceToken, t.ID)
		}
		return err
	})
}

// DeleteToken implements [directory.SourceStore].
func (s *Directory) DeleteToken(ctx context.Context, sourceID, id string, e audit.Event) error {
	return s.db.change(ctx, e, func(c conn) error {
		n, err := c.exec(`DELETE FROM scim_tokens WHERE source_id = $1 AND id = $2`, sourceID, id)
		if err == nil && n == 0 {
			err = missing(directory.ResourceToken, id)
		}
		return err
	})
}

// Tokens implements [directory.SourceStore].
func (s *Directory) Tokens(ctx context.Context, sourceID string) ([]directory.Token, error) {
	ts, err := all(s.db.read(ctx), scanToken, `SELECT `+tokenColumns+` FROM scim_tokens WHERE source_id = $1 ORDER BY created_at DESC, id DESC`, sourceID)
	return ts, s.db.fault(err)
}

// TokenByHash implements [directory.SourceStore].
func (s *Directory) TokenByHash(ctx context.Context, hash []byte) (directory.Token, error) {
	t, err := one(s.db.read(ctx), scanToken, `SELECT `+tokenColumns+` FROM scim_tokens WHERE hash = $1`, hash)
	return t, s.db.lookup(err, directory.ResourceToken, "")
}

// TouchToken implements [directory.SourceStore]. It never moves the time back, and a token that is gone is no error: it may have
// been deleted after it was checked.
func (s *Directory) TouchToken(ctx context.Context, id string, at time.Time) error {
	return s.db.write(ctx, func(c conn) error {
		return c.run(`UPDATE scim_tokens SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`, id, at)
	})
}
