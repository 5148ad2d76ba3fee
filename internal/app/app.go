// Package app puts Gatehouse together: New(Config) is the whole program as a value, with every service, door and
// worker connected, and nothing running yet.
//
// It holds no rule of the product. What it decides is composition only: which database, which implementation behind which
// small interface (connect.go), what a first start makes (firststart.go), which handler answers which path (mux.go), and
// how the parts start and stop (run.go). Start reading at [New].
package app

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/jwt"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
	"gatehouse/internal/policy"
	"gatehouse/internal/propagation"
	"gatehouse/internal/provision"
	"gatehouse/internal/scimlog"
	"gatehouse/internal/seal"
	"gatehouse/internal/signin"
	"gatehouse/internal/signingkey"
	"gatehouse/internal/storage/postgres"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlstore"
	"gatehouse/internal/target"
	"gatehouse/internal/target/local"
)

// Surroundings is what the program takes from outside itself; tests fix it.
type Surroundings struct {
	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger
	// Roots are the certificate authorities of servers outside; nil: the system's.
	Roots *x509.CertPool
}

// Real returns the clock and randomness of the machine, and a logger.
func Real(log *slog.Logger) Surroundings {
	return Surroundings{Now: time.Now, Rand: rand.Reader, Log: log}
}

// App is the whole program.
type App struct {
	Config       Config
	Instance     access.Instance
	Directory    *directory.Service
	Organization *organization.Service
	Access       *access.Service
	Applications *application.Service
	SignIn       *signin.Service
	Propagation  *propagation.Service
	Credentials  *credential.Service
	IAM          *localiam.Service
	Stacks       *cloudformation.Service
	Requests     *scimlog.Service

	// NewKey is true when this start made an administrator's access key.
	NewKey bool

	db       *sqlstore.DB
	proxies  proxies
	noted    noted
	standing *standing
	sealer   *seal.Sealer
	target   target.Target
	worker   *provision.Worker
	builder  *cloudformation.Worker
	managed  *policy.Catalogue
	metrics  *metrics
	// keys sign tokens; issuers are the keys of those whose tokens are believed.
	keys    *signingkey.Service
	issuers *jwt.Keyring
	handler http.Handler
	now     func() time.Time
	rand    io.Reader
	log     *slog.Logger
	roots   *x509.CertPool
}

// New opens the database, makes what a first start needs, and connects everything. Nothing runs before [App.Run].
// On error everything that was opened is closed again.
func New(ctx context.Context, c Config, s Surroundings) (_ *App, err error) {
	c, err = c.Complete()
	if err != nil {
		return nil, fmt.Errorf("the configuration is wrong:\n%w", err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	// Databases keep microseconds; a value must not change by being stored.
	now := func() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
	a := &App{Config: c, now: now, rand: s.Rand, log: s.Log, roots: s.Roots, metrics: newMetrics()}
	if a.proxies, err = parseProxies(c.TrustedProxies); err != nil {
		return nil, err
	}
	if a.db, err = open(ctx, c, s.Log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.db.Close()
		}
	}()
	sealer, err := seal.OpenFile(c.Keyset)
	if err != nil {
		return nil, err
	}
	if a.managed, err = managedPolicies(c.ManagedPolicies); err != nil {
		return nil, err
	}
	a.services(sealer)
	if err := a.firstStart(ctx); err != nil {
		return nil, fmt.Errorf("first start: %w", err)
	}
	if a.handler, err = a.routes(); err != nil {
		return nil, err
	}
	return a, nil
}

func open(ctx context.Context, c Config, log *slog.Logger) (*sqlstore.DB, error) {
	if c.Database != "" {
		return postgres.Open(ctx, c.Database, log)
	}
	return sqlite.Open(ctx, filepath.Join(c.Data, "gatehouse.db"), log)
}

// StartURL is the AWS-looking address that the AWS CLI accepts as a start URL; nothing is ever fetched from it.
func (a *App) StartURL() string {
	return "https://" + a.Instance.IdentityStoreID + ".awsapps.com/start"
}

// Handler answers everything on the one listener.
func (a *App) Handler() http.Handler { return a.handler }

// Close releases the database. Run must have returned.
func (a *App) Close() error { return a.db.Close() }

// services makes the services that need no instance; firstStart makes the others.
func (a *App) services(sealer *seal.Sealer) {
	a.sealer = sealer
	a.Organization = organization.NewService(organization.Config{Store: a.db.Organization(), Now: a.now, Rand: a.rand, Opened: a.openAccount, CheckPolicy: checkControl})
	a.standing = newStanding(a.Organization)
	a.keys = signingkey.NewService(a.db.SigningKeys(), sealer, a.now)
	a.issuers = jwt.NewKeyring(a.outside().Get, a.now)
	a.IAM = localiam.NewService(localiam.Config{
		Store: a.db.LocalIAM(), Sealer: sealer, Now: a.now, Rand: a.rand, Organization: a.standing, SAML: assertions{}, Metadata: metadata{}, Person: a.present, RootAccess: a.rootAccess,
		Contexts: a.openContext, Identities: a.issuers, Tokens: a.keys, URL: a.Config.URL, Managed: a.managed, Quotas: a.Config.Quotas.iam(),
	})
	a.target = local.New(a.IAM, a.reservedMetadata, a.Config.URL)
	a.worker = provision.New(provision.Config{
		Store: a.db.Access(), Target: a.target, Name: "node-" + arn.Hex(a.rand, 12), Parallel: 16,
		Now: a.now, Rand: a.rand, Log: a.log,
	})
}

// domain makes the services that belong to the instance.
func (a *App) domain() error {
	a.Directory = directory.NewService(directory.Config{
		Store: a.db.Directory(), IdentityStoreID: a.Instance.IdentityStoreID, Now: a.now, Rand: a.rand,
		Keys: providerKeys{a.sealer, a.rand, a.now}, Metadata: a.providerMetadata, Sessions: vouched{a},
	})
	a.Access = access.NewService(access.Config{
		Store: a.db.Access(), People: a.Directory, Accounts: a.Organization, Policies: policies{a.IAM.Managed()}, Roles: accountAccess{a}, Applications: accountAccess{a},
		Now: a.now, Rand: a.rand, Wake: a.worker.Wake, Quotas: a.Config.Quotas.access(),
	})
	a.Applications = application.NewService(application.Config{
		Store: a.db.Application(), People: a.Directory, Instance: a.hasInstance, CheckPolicy: policies{}.CheckResourcePolicy, Quotas: a.Config.Quotas.application(),
		Now: a.now, Rand: a.rand,
	})
	a.SignIn = signin.NewService(signin.Config{
		Store: a.db.SignIn(), Users: a.Directory, Now: a.now, Rand: a.rand, Log: a.log,
		StartURLs: []string{a.StartURL(), "https://identitycenter.amazonaws.com/" + a.Instance.ID, a.Config.URL + "/start"},
	})
	a.Propagation = propagation.NewService(propagation.Config{
		Store: a.db.Propagation(), Applications: a.Applications, People: a.Directory, Sessions: a.SignIn, Assertions: a.issuers, Sealer: a.sealer, Sign: a.signForInstance, Revoked: a.IAM.PersonRevoked, Administers: a.administers,
		Instance: a.Instance.ID, Owner: a.Instance.OwnerAccountID, IdentityStore: a.Instance.IdentityStoreID, Issuer: a.issuerURL(), Now: a.now, Rand: a.rand, Log: a.log,
	})
	a.Stacks, a.builder = a.stacks()
	a.Requests = a.scimLog()
	return a.credentialService()
}

// Environment is what `gatehouse env` prints for this server; key is the administrator's access key.
func (a *App) Environment(keyID, secret string) Environment {
	src := a.Config.URL
	return Environment{
		"AWS_ENDPOINT_URL": src, "AWS_ENDPOINT_URL_SSO": src, "AWS_ENDPOINT_URL_SSO_OIDC": src,
		"AWS_REGION": a.Config.Region, "AWS_DEFAULT_REGION": a.Config.Region, "AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secret,
		"GATEHOUSE_URL": src, "GATEHOUSE_START_URL": a.StartURL(),
		"GATEHOUSE_INSTANCE_ARN": arn.Instance(a.Instance.ID), "GATEHOUSE_IDENTITY_STORE_ID": a.Instance.IdentityStoreID,
		"GATEHOUSE_SCIM_URL":          strings.TrimSuffix(src, "/") + "/scim/" + DefaultSource + "/v2",
		"GATEHOUSE_SAML_METADATA_URL": strings.TrimSuffix(src, "/") + "/saml/" + DefaultSource + "/metadata",
	}
}
