package localiam

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Metadata says what is to be known of a SAML metadata document.
type Metadata interface {
	// CheckMetadata refuses a document that is no identity provider's metadata, and tells until when its newest certificate is valid.
	CheckMetadata(document string) (validUntil time.Time, err error)
}

var samlProviderName = regexp.MustCompile(`^[\w._-]{1,128}$`)

// maxMetadata is IAM's bound of a metadata document, in characters.
const maxMetadata = 10_000_000

func (s *Service) checkMetadata(document string) (time.Time, error) {
	if len(document) < 1000 || len(document) > maxMetadata {
		return time.Time{}, invalid("SAMLMetadataDocument", "The metadata document must have 1000 to 10000000 characters.")
	}
	if s.cfg.Metadata == nil {
		return time.Time{}, invalid("SAMLMetadataDocument", "This server takes no SAML providers.")
	}
	until, err := s.cfg.Metadata.CheckMetadata(document)
	if err != nil {
		return time.Time{}, invalid("SAMLMetadataDocument", "Could not parse metadata: %s", fault.Shown(err))
	}
	return until, nil
}

// CreateSAMLProvider makes a customer's SAML provider from its name, metadata and tags.
func (s *Service) CreateSAMLProvider(ctx context.Context, a audit.Actor, p SAMLProvider) (SAMLProvider, error) {
	if !samlProviderName.MatchString(p.Name) || reservedProvider.MatchString(p.Name) {
		return SAMLProvider{}, invalid("Name", "The name of the provider is invalid or reserved.")
	}
	if err := checkTags(p.Tags); err != nil {
		return SAMLProvider{}, err
	}
	var err error
	if p.ValidUntil, err = s.checkMetadata(p.Metadata); err != nil {
		return SAMLProvider{}, err
	}
	p.CreatedAt, p.Protected, p.Revision = s.now(), false, 0
	err = s.cfg.Store.SaveSAMLProvider(ctx, p, s.event(ctx, a, "iam:CreateSAMLProvider", p.ARN()))
	if isConflict(err, "exists") {
		return SAMLProvider{}, fault.New(fault.Conflict, "SAMLProvider with name %s already exists.", p.Name).For("exists")
	}
	return p, err
}

// reservedProvider are the names of providers that belong to Identity Center.
var reservedProvider = regexp.MustCompile(`^(?i)AWSSSO_.*_DO_NOT_DELETE$`)

func (s *Service) changeSAMLProvider(ctx context.Context, a audit.Actor, ref PolicyRef, action string, edit func(*SAMLProvider) error) error {
	return retry(func() error {
		p, err := s.SAMLProvider(ctx, ref.AccountID, ref.ARN)
		if err != nil {
			return err
		}
		if p.Protected {
			return errUnmodifiable(p.Name)
		}
		if err := edit(&p); err != nil {
			return err
		}
		return s.cfg.Store.SaveSAMLProvider(ctx, p, s.event(ctx, a, "iam:"+action, p.ARN()))
	})
}

// UpdateSAMLProvider replaces a customer's provider's metadata.
func (s *Service) UpdateSAMLProvider(ctx context.Context, a audit.Actor, ref PolicyRef, metadata string) error {
	until, err := s.checkMetadata(metadata)
	if err != nil {
		return err
	}
	return s.changeSAMLProvider(ctx, a, ref, "UpdateSAMLProvider", func(p *SAMLProvider) error {
		p.Metadata, p.ValidUntil = metadata, until
		return nil
	})
}

// TagSAMLProvider sets and removes tags of a customer's provider.
func (s *Service) TagSAMLProvider(ctx context.Context, a audit.Actor, ref PolicyRef, t Retag) error {
	return s.changeSAMLProvider(ctx, a, ref, t.verb()+"SAMLProvider", func(p *SAMLProvider) (err error) {
		p.Tags, err = t.of(p.Tags)
		return err
	})
}

// DeleteSAMLProvider deletes a customer's provider. Roles that trust it stay; nobody can assume them through it any more.
func (s *Service) DeleteSAMLProvider(ctx context.Context, a audit.Actor, ref PolicyRef) error {
	return retry(func() error {
		p, err := s.SAMLProvider(ctx, ref.AccountID, ref.ARN)
		if err != nil {
			return err
		}
		if p.Protected {
			return errUnmodifiable(p.Name)
		}
		return s.cfg.Store.DeleteSAMLProvider(ctx, p.AccountID, p.Name, p.Revision, s.event(ctx, a, "iam:DeleteSAMLProvider", p.ARN()))
	})
}

// Quotas of OIDC providers.
const (
	maxClientIDs   = 100
	maxThumbprints = 5
)

var thumbprint = regexp.MustCompile(`^[0-9a-fA-F]{40}$`)

func (p OIDCProvider) check() error {
	if len(p.ClientIDs) > maxClientIDs {
		return fault.New(fault.Quota, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
	}
	for _, id := range p.ClientIDs {
		if id == "" || len(id) > 255 {
			return invalid("ClientIDList", "A client id has 1 to 255 characters.")
		}
	}
	if len(p.Thumbprints) > maxThumbprints {
		return fault.New(fault.Quota, "Thumbprint list must contain fewer than %d entries.", maxThumbprints+1)
	}
	for _, t := range p.Thumbprints {
		if !thumbprint.MatchString(t) {
			return invalid("ThumbprintList", "A thumbprint has 40 hexadecimal digits.")
		}
	}
	return checkTags(p.Tags)
}

// CreateOIDCProvider makes an OIDC provider; p.URL is given with "https://".
func (s *Service) CreateOIDCProvider(ctx context.Context, a audit.Actor, p OIDCProvider) (OIDCProvider, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(p.URL) > 255 {
		return OIDCProvider{}, invalid("Url", "Invalid Open ID Connect Provider URL")
	}
	if host := u.Hostname(); !strings.Contains(host, ".") && host != "localhost" {
		return OIDCProvider{}, invalid("Url", "Invalid Open ID Connect Provider URL: a host name of one word cannot be told from AWS's own condition keys")
	}
	p.URL = strings.TrimPrefix(p.URL, "https://") // a slash at the end is the issuer's own, and stays
	p.CreatedAt, p.Revision = s.now(), 0
	if err := p.check(); err != nil {
		return OIDCProvider{}, err
	}
	err = s.cfg.Store.SaveOIDCProvider(ctx, p, s.event(ctx, a, "iam:CreateOpenIDConnectProvider", p.ARN()))
	if isConflict(err, "exists") {
		return OIDCProvider{}, fault.New(fault.Conflict, "Provider with url https://%s already exists.", p.URL).For("exists")
	}
	return p, err
}

// OIDCProvider returns a provider of the account by its ARN.
func (s *Service) OIDCProvider(ctx context.Context, accountID, providerARN string) (OIDCProvider, error) {
	missing := fault.New(fault.NotFound, "OpenIDConnect Provider not found for arn %s", clip(providerARN)).About("OIDC_PROVIDER", providerARN)
	name, ok := strings.CutPrefix(providerARN, "arn:aws:iam::"+accountID+":oidc-provider/")
	if !ok {
		if _, _, err := splitARN(providerARN, "oidc-provider/"); err != nil {
			return OIDCProvider{}, err
		}
		return OIDCProvider{}, missing
	}
	p, err := s.cfg.Store.OIDCProvider(ctx, accountID, name)
	if fault.Is(err, fault.NotFound) || err == nil && p.ARN() != providerARN {
		return OIDCProvider{}, missing
	}
	return p, err
}

// OIDCProviders lists the providers of an account, by URL.
func (s *Service) OIDCProviders(ctx context.Context, accountID string, p Page) ([]OIDCProvider, error) {
	return s.cfg.Store.OIDCProviders(ctx, accountID, p.After, p.limit())
}

// changeOIDC reads a provider, lets edit change it, and saves it if it is different then.
func (s *Service) changeOIDC(ctx context.Context, a audit.Actor, ref PolicyRef, action string, edit func(*OIDCProvider) error) error {
	return retry(func() error {
		p, err := s.OIDCProvider(ctx, ref.AccountID, ref.ARN)
		if err != nil {
			return err
		}
		if err := edit(&p); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return err
		}
		return s.cfg.Store.SaveOIDCProvider(ctx, p, s.event(ctx, a, "iam:"+action, p.ARN()))
	})
}

// AddClientID adds an audience; one that is there already stays so.
func (s *Service) AddClientID(ctx context.Context, a audit.Actor, ref PolicyRef, id string) error {
	return s.changeOIDC(ctx, a, ref, "AddClientIDToOpenIDConnectProvider", func(p *OIDCProvider) error {
		if !slices.Contains(p.ClientIDs, id) {
			p.ClientIDs = append(slices.Clone(p.ClientIDs), id)
		}
		return nil
	})
}

// RemoveClientID takes an audience away; one that is not there does not matter.
func (s *Service) RemoveClientID(ctx context.Context, a audit.Actor, ref PolicyRef, id string) error {
	return s.changeOIDC(ctx, a, ref, "RemoveClientIDFromOpenIDConnectProvider", func(p *OIDCProvider) error {
		p.ClientIDs = slices.DeleteFunc(slices.Clone(p.ClientIDs), func(have string) bool { return have == id })
		return nil
	})
}

// SetThumbprints replaces the thumbprints.
func (s *Service) SetThumbprints(ctx context.Context, a audit.Actor, ref PolicyRef, thumbprints []string) error {
	return s.changeOIDC(ctx, a, ref, "UpdateOpenIDConnectProviderThumbprint", func(p *OIDCProvider) error {
		p.Thumbprints = thumbprints
		return nil
	})
}

// TagOIDCProvider sets and removes tags.
func (s *Service) TagOIDCProvider(ctx context.Context, a audit.Actor, ref PolicyRef, t Retag) error {
	return s.changeOIDC(ctx, a, ref, t.verb()+"OpenIDConnectProvider", func(p *OIDCProvider) (err error) {
		p.Tags, err = t.of(p.Tags)
		return err
	})
}

// DeleteOIDCProvider deletes a provider. As with AWS, one that is not there is success.
func (s *Service) DeleteOIDCProvider(ctx context.Context, a audit.Actor, ref PolicyRef) error {
	return retry(func() error {
		p, err := s.OIDCProvider(ctx, ref.AccountID, ref.ARN)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.cfg.Store.DeleteOIDCProvider(ctx, p.AccountID, p.URL, p.Revision, s.event(ctx, a, "iam:DeleteOpenIDConnectProvider", p.ARN()))
	})
}
