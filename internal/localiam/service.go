package localiam

import (
	"context"
	"io"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Config is what a Service needs.
type Config struct {
	Store  Store
	Sealer Sealer
	// Now tells the time.
	Now func() time.Time
	// Rand is crypto/rand.Reader outside tests.
	Rand io.Reader
	// Organization tells what the organization means for an account. Nil: no organization, no service
	// control policies.
	Organization Organization
	// RootAccess tells what an account has to do with centralized root access. Nil: there is none.
	RootAccess func(ctx context.Context, accountID string) (RootAccess, error)
	// Person reports whether a person of the identity store may go on with a session issued then: she is there, active, and was
	// not disabled since. It is asked at each use of a session behind which she stands. Nil: nobody is asked.
	Person func(ctx context.Context, id string, issued time.Time) (bool, error)
	// Contexts opens what callers of AssumeRole show for the people on whose behalf they act. Nil: none is taken.
	Contexts Contexts
	// SAML verifies assertions for AssumeRoleWithSAML. Nil: none is accepted.
	SAML Assertions
	// Managed are the AWS managed policies. Nil: those that are built in.
	Managed *policy.Catalogue
	// Metadata reads what customers bring for SAML providers. Nil: none is taken.
	Metadata Metadata
	// Identities verifies web identity tokens of others for AssumeRoleWithWebIdentity. Nil: none is accepted.
	Identities Identities
	// Tokens signs web identity tokens.
	Tokens Signer
	// URL is this server's, without a slash at the end; the issuers of web identity tokens are below it.
	URL string
	// Quotas are IAM's; zero ones have AWS's figures.
	Quotas Quotas
}

// Organization is what localiam asks about the organization an account belongs to.
type Organization interface {
	// Standing returns what bears on requests of the account's principals.
	Standing(ctx context.Context, accountID string) (Standing, error)
}

// Standing is an account's place in its organization.
type Standing struct {
	// OrganizationID is o-…; it becomes aws:PrincipalOrgID.
	OrganizationID string
	// Path is o-…/r-…/ou-…/, the account's place in the tree; it becomes aws:PrincipalOrgPaths.
	Path string
	// Closed accounts have principals that may do nothing.
	Closed bool
	// ServiceControl holds the policies of each level from the root to the account; empty where none apply
	// (always so for the management account).
	ServiceControl [][]policy.Named
}

// Service is IAM and STS for the accounts of this server. It is safe for concurrent use.
type Service struct {
	cfg   Config
	cache *cache
}

// NewService returns a Service.
func NewService(cfg Config) *Service {
	if cfg.Managed == nil {
		cfg.Managed = policy.Builtin()
	}
	cfg.Quotas = cfg.Quotas.orDefault()
	return &Service{cfg: cfg, cache: newCache()}
}

// Managed returns the AWS managed policies that there are.
func (s *Service) Managed() *policy.Catalogue { return s.cfg.Managed }

// event makes the audit event of a change.
func (s *Service) event(ctx context.Context, a audit.Actor, action, resource string) audit.Event {
	return audit.New(ctx, s.now(), a, action, resource)
}

// now is the time as it is stored.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// maxAttempts bounds how often a change is tried again when another writer was faster.
const maxAttempts = 8

// retry calls change until it does not meet a concurrent writer.
func retry(change func() error) error {
	var err error
	for range maxAttempts {
		if err = change(); !isConflict(err, "version") {
			return err
		}
	}
	return err
}

func isConflict(err error, reason string) bool {
	f := fault.Of(err)
	return f != nil && f.Kind == fault.Conflict && f.Reason == reason
}
