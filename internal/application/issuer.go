package application

import (
	"context"
	"maps"
	"net/url"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// discoveryPath is what OpenID Connect Discovery 1.0 §4 appends to an issuer's URL.
const discoveryPath = "/.well-known/openid-configuration"

// CreateIssuer adds a trusted token issuer. Its URL is not fetched. A clientToken is as in [Service.Create].
//
// Faults: NotFound for an instance that is not there; Invalid; Quota; Conflict "idempotency".
func (s *Service) CreateIssuer(ctx context.Context, by audit.Actor, i Issuer, clientToken string) (Issuer, error) {
	if err := s.instance(ctx, i.InstanceID); err != nil {
		return Issuer{}, err
	}
	if err := s.checkIssuer(i); err != nil {
		return Issuer{}, err
	}
	t, err := s.token(i.AccountID, "CreateTrustedTokenIssuer", clientToken, i)
	if err != nil {
		return Issuer{}, err
	}
	i.ID, i.Version, i.CreatedAt = arn.NewTrustedTokenIssuerID(s.rand), 1, s.now()
	e := audit.New(ctx, i.CreatedAt, by, "sso:CreateTrustedTokenIssuer", i.ARN()).With("name", i.Name).With("url", i.URL)
	i.ID, err = s.store.InsertIssuer(ctx, i, s.quotas.Issuers, t, e)
	return i, err
}

func (s *Service) checkIssuer(i Issuer) error {
	u, err := url.Parse(i.URL)
	switch {
	case !issuerName.MatchString(i.Name):
		return invalid("Name", `a trusted token issuer's name has 1 to 255 characters of [\w+=,.@-]`)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || len(i.URL) > 512:
		return invalid("IssuerUrl", "an issuer URL is an http or https URL without query and fragment") // OpenID Connect Core 1.0 §2, "iss"
	case strings.HasSuffix(strings.TrimSuffix(i.URL, "/"), discoveryPath):
		return invalid("IssuerUrl", "the issuer URL is given without %s", discoveryPath)
	case len(i.ClaimPath) > 255 || !claimPath.MatchString(i.ClaimPath):
		return invalid("ClaimAttributePath", "a claim's path is one to three words of letters with dots or underscores between")
	case len(i.UserPath) > 255 || !userPath.MatchString(i.UserPath):
		return invalid("IdentityStoreAttributePath", "an attribute's path is one to three words of letters with dots between")
	}
	return s.checkTags(i.Tags)
}

// Issuer returns the trusted token issuer that a name names in full.
func (s *Service) Issuer(ctx context.Context, n arn.InInstance) (Issuer, error) {
	i, err := s.store.Issuer(ctx, n.ID)
	if err == nil && i.named() != n || fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no trusted token issuer %s", arn.TrustedTokenIssuer(n)).About(ResourceIssuer, n.ID)
	}
	return i, err
}

// Issuers lists an instance's trusted token issuers by id.
func (s *Service) Issuers(ctx context.Context, instanceID, after string, limit int) ([]Issuer, error) {
	if err := s.instance(ctx, instanceID); err != nil {
		return nil, err
	}
	return s.store.Issuers(ctx, instanceID, after, limit)
}

// UpdateIssuer lets change edit name, paths and tags, checks the result and writes it.
func (s *Service) UpdateIssuer(ctx context.Context, by audit.Actor, n arn.InInstance, operation string, change func(*Issuer)) (Issuer, error) {
	for try := 0; ; try++ {
		old, err := s.Issuer(ctx, n)
		if err != nil {
			return Issuer{}, err
		}
		i := old
		i.Tags = maps.Clone(old.Tags)
		change(&i)
		i.ID, i.InstanceID, i.AccountID, i.URL, i.CreatedAt, i.Version = old.ID, old.InstanceID, old.AccountID, old.URL, old.CreatedAt, old.Version+1
		if err := s.checkIssuer(i); err != nil {
			return Issuer{}, err
		}
		err = s.store.UpdateIssuer(ctx, i, old.Version, audit.New(ctx, s.now(), by, "sso:"+operation, i.ARN()).With("name", i.Name))
		if err != nil && try < tries && fault.Of(err).Reason == "version" {
			continue
		}
		return i, err
	}
}

// DeleteIssuer removes a trusted token issuer, also one that grants of applications name: they then accept nothing from it.
func (s *Service) DeleteIssuer(ctx context.Context, by audit.Actor, n arn.InInstance) error {
	i, err := s.Issuer(ctx, n)
	if err != nil {
		return err
	}
	return s.store.DeleteIssuer(ctx, i.ID, audit.New(ctx, s.now(), by, "sso:DeleteTrustedTokenIssuer", i.ARN()).With("name", i.Name))
}

// TagIssuer sets and removes tags of a trusted token issuer.
func (s *Service) TagIssuer(ctx context.Context, by audit.Actor, n arn.InInstance, set map[string]string, remove []string) error {
	_, err := s.UpdateIssuer(ctx, by, n, tagOperation(remove), func(i *Issuer) { i.Tags = retagged(i.Tags, set, remove) })
	return err
}
