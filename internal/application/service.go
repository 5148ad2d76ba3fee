package application

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Resource names used in faults.
const (
	ResourceApplication = "APPLICATION"
	ResourceProvider    = "APPLICATION_PROVIDER"
	ResourceAssignment  = "APPLICATION_ASSIGNMENT"
	ResourceScope       = "ACCESS_SCOPE"
	ResourceGrant       = "GRANT"
	ResourceMethod      = "AUTHENTICATION_METHOD"
	ResourceIssuer      = "TRUSTED_TOKEN_ISSUER"
)

// TokenLife is how long a client token is remembered.
const TokenLife = 24 * time.Hour

// Quotas limit how many there may be.
type Quotas struct {
	// Applications and Issuers are per instance, Scopes and Groups (assigned) per application, Tags per resource.
	Applications, Issuers, Scopes, Groups, Tags int
}

// DefaultQuotas are AWS's figures.
func DefaultQuotas() Quotas {
	return Quotas{Applications: 7000, Issuers: 10, Scopes: 25, Groups: 100, Tags: 50}
}

// People is what application asks of the identity store.
type People interface {
	User(ctx context.Context, id string) (directory.User, error)
	UserByName(ctx context.Context, userName string) (directory.User, error)
	UsersByEmail(ctx context.Context, address string, limit int) ([]directory.User, error)
	Group(ctx context.Context, id string) (directory.Group, error)
	GroupIDsOf(ctx context.Context, userID string) ([]string, error)
}

// Service holds the rules of applications and trusted token issuers.
type Service struct {
	store    Store
	people   People
	instance func(ctx context.Context, id string) error
	policy   func(document string) error
	quotas   Quotas
	now      func() time.Time
	rand     io.Reader
}

// Config is what a Service is made of; every field but Quotas is required.
type Config struct {
	Store  Store
	People People
	// Instance answers fault.NotFound unless there is an instance with the id.
	Instance func(ctx context.Context, id string) error
	// CheckPolicy refuses a document that is not a resource policy, with fault.Invalid.
	CheckPolicy func(document string) error
	// Quotas are AWS's figures where they are zero.
	Quotas Quotas
	Now    func() time.Time
	Rand   io.Reader
}

// NewService returns a Service.
func NewService(c Config) *Service {
	q, d := c.Quotas, DefaultQuotas()
	q = Quotas{cmp.Or(q.Applications, d.Applications), cmp.Or(q.Issuers, d.Issuers), cmp.Or(q.Scopes, d.Scopes), cmp.Or(q.Groups, d.Groups), cmp.Or(q.Tags, d.Tags)}
	return &Service{store: c.Store, people: c.People, instance: c.Instance, policy: c.CheckPolicy, quotas: q, now: c.Now, rand: c.Rand}
}

// Create adds an application. Its ID, Version and CreatedAt are chosen here. A clientToken that is not empty makes a
// repetition with the same parameters answer the same application.
//
// Faults: NotFound for an instance, provider or issuer that is not there; Invalid; Quota; Conflict "idempotency".
func (s *Service) Create(ctx context.Context, by audit.Actor, a Application, clientToken string) (Application, error) {
	if err := s.instance(ctx, a.InstanceID); err != nil {
		return Application{}, err
	}
	if err := creatable(a.Provider); err != nil {
		return Application{}, err
	}
	if err := s.check(ctx, a, Application{}); err != nil {
		return Application{}, err
	}
	t, err := s.token(a.AccountID, "CreateApplication", clientToken, a)
	if err != nil {
		return Application{}, err
	}
	a.ID, a.Version, a.CreatedAt = arn.NewApplicationID(s.rand), 1, s.now()
	e := audit.New(ctx, a.CreatedAt, by, "sso:CreateApplication", a.ARN()).With("name", a.Name)
	a.ID, err = s.store.InsertApplication(ctx, a, s.quotas.Applications, t, e)
	return a, err
}

// Open makes the application of a managed provider be there, with the name, open to everybody: the one there is stays as it is.
//
// Faults: NotFound for an instance that is not there; Quota.
func (s *Service) Open(ctx context.Context, by audit.Actor, n arn.InInstance, provider string) error {
	if _, err := s.Application(ctx, n); err == nil || !fault.Is(err, fault.NotFound) {
		return err
	}
	p, err := FindProvider(provider)
	if err != nil {
		return err
	}
	now := s.now()
	a := Application{
		ID: n.ID, InstanceID: n.InstanceID, AccountID: n.AccountID, Provider: p.Name, Name: p.Title, Description: p.Description,
		Portal: Portal{Origin: FromIdentityCenter}, OpenToAll: true, Version: 1, CreatedAt: now,
	}
	e := audit.New(ctx, now, by, "sso:CreateApplication", a.ARN()).With("name", a.Name)
	_, err = s.store.InsertApplication(ctx, a, s.quotas.Applications, Token{}, e)
	if err != nil {
		if _, there := s.Application(ctx, n); there == nil { // somebody was faster
			return nil
		}
	}
	return err
}

// creatable refuses providers of which no application can be made here.
func creatable(provider string) error {
	p, err := FindProvider(provider)
	if err != nil {
		return err
	}
	if p.Managed {
		return invalid("ApplicationProviderArn", "an application of provider %s is made by the service that it belongs to", provider)
	}
	if p.Protocol != "OAUTH" {
		return invalid("ApplicationProviderArn", "an application of provider %s cannot be made through this API: it makes OAuth 2.0 applications", provider)
	}
	return nil
}

// FindProvider returns the provider with the name.
func FindProvider(name string) (Provider, error) {
	for _, p := range Providers() {
		if p.Name == name {
			return p, nil
		}
	}
	return Provider{}, fault.New(fault.NotFound, "There is no application provider %s", arn.ApplicationProvider(name)).About(ResourceProvider, name)
}

// token prepares the idempotency of a creation: who, what, with which parameters.
func (s *Service) token(account, operation, clientToken string, parameters any) (Token, error) {
	if clientToken == "" {
		return Token{}, nil
	}
	text, err := json.Marshal(parameters) // maps come in the order of their keys
	if err != nil {
		return Token{}, err
	}
	sum, now := sha256.Sum256(text), s.now()
	return Token{Key: account + "/" + operation + "/" + clientToken, Fingerprint: sum[:], Now: now, ExpiresAt: now.Add(TokenLife)}, nil
}

// Application returns the application that a name names in full: one of another instance or account is not found.
func (s *Service) Application(ctx context.Context, n arn.InInstance) (Application, error) {
	a, err := s.store.Application(ctx, n.ID)
	if err == nil && a.named() != n || fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no application %s", arn.Application(n)).About(ResourceApplication, n.ID)
	}
	return a, err
}

// Applications lists an instance's applications by id.
func (s *Service) Applications(ctx context.Context, f Filter, after string, limit int) ([]Application, error) {
	if err := s.instance(ctx, f.InstanceID); err != nil {
		return nil, err
	}
	return s.store.Applications(ctx, f, after, limit)
}

// Delete removes an application with its assignments.
func (s *Service) Delete(ctx context.Context, by audit.Actor, n arn.InInstance) error {
	a, err := s.Application(ctx, n)
	if err != nil {
		return err
	}
	return s.store.DeleteApplication(ctx, a.ID, audit.New(ctx, s.now(), by, "sso:DeleteApplication", a.ARN()).With("name", a.Name))
}

// tries is how often a read-modify-write begins again when somebody else was faster.
const tries = 8

// Update lets change edit an application, checks the result and writes it. What identifies it stays. operation is the API's
// name for the edit, for the audit trail.
func (s *Service) Update(ctx context.Context, by audit.Actor, n arn.InInstance, operation string, change func(*Application) error) (Application, error) {
	for try := 0; ; try++ {
		old, err := s.Application(ctx, n)
		if err != nil {
			return Application{}, err
		}
		a := old.clone()
		if err := change(&a); err != nil {
			return Application{}, err
		}
		a.ID, a.InstanceID, a.AccountID, a.Provider, a.CreatedAt, a.Version = old.ID, old.InstanceID, old.AccountID, old.Provider, old.CreatedAt, old.Version+1
		if err := s.check(ctx, a, old); err != nil {
			return Application{}, err
		}
		err = s.store.UpdateApplication(ctx, a, old.Version, audit.New(ctx, s.now(), by, "sso:"+operation, a.ARN()).With("name", a.Name))
		if err != nil && try < tries && fault.Of(err).Reason == "version" {
			continue
		}
		return a, err
	}
}
