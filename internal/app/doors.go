package app

import (
	"context"
	"net/http"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/endpoint/accountaccess"
	"gatehouse/internal/endpoint/admin"
	"gatehouse/internal/endpoint/awslogin"
	"gatehouse/internal/endpoint/cloudformation"
	"gatehouse/internal/endpoint/iam"
	"gatehouse/internal/endpoint/identitystore"
	"gatehouse/internal/endpoint/oidcissuer"
	"gatehouse/internal/endpoint/organizations"
	"gatehouse/internal/endpoint/samlsp"
	"gatehouse/internal/endpoint/scimv2"
	"gatehouse/internal/endpoint/signinpages"
	"gatehouse/internal/endpoint/ssoadmin"
	"gatehouse/internal/endpoint/ssooidc"
	"gatehouse/internal/endpoint/ssoportal"
	"gatehouse/internal/endpoint/sts"
	"gatehouse/internal/localiam"
	"gatehouse/internal/signin"
	"gatehouse/web"
)

// routes connects every path of the one listener with its door.
func (a *App) routes() (http.Handler, error) {
	verifier := &awswire.Verifier[localiam.Caller]{Authenticator: keys{a.IAM}, Regions: []string{a.Config.Region, "us-east-1"}, Region: a.additionalRegion, Now: a.now}
	aws, err := awswire.NewRouter(awswire.Config[localiam.Caller]{
		Verifier: verifier, Authorizer: a.rights(), Random: a.rand, Log: a.log,
		Observe: func(o awswire.Observation) {
			a.metrics.calls.WithLabelValues(o.Service, o.Operation, o.Code).Observe(o.Took.Seconds())
		},
	}, a.awsServices()...)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	portal := ssoportal.New(ssoportal.Config{Tokens: bearers{a.SignIn, a.Propagation}, Entitlements: a.Access, Credentials: a.credentials, Log: a.log})
	for _, p := range ssoportal.Paths {
		mux.Handle(p, portal)
	}
	pages := signinpages.New(signinpages.Config{
		SignIn: authorizations{a.SignIn, a.Propagation}, Credentials: a.Credentials, Roles: a.Access, EntitledTo: a.entitledTo, Sources: a.Directory.Sources, Onward: a.onward, Console: a.console, Name: a.Instance.Name, URL: a.Config.URL, Now: a.now, Log: a.log,
	})
	for _, p := range signinpages.Paths {
		mux.Handle(p, pages)
	}
	mux.Handle(awslogin.Path, awslogin.New(awslogin.Config{
		Logins: a.SignIn, Credentials: a.loginCredentials, Sign: a.signLogin, Issuer: a.loginIssuer(), URL: a.Config.URL, Now: a.now, Log: a.log,
	}))
	outbound := oidcissuer.New(oidcissuer.Config{Published: a.published, Algorithms: localiam.OutboundAlgorithms(), Log: a.log})
	for _, p := range oidcissuer.Paths {
		mux.Handle(p, outbound)
	}
	mux.Handle("/api/v1/", a.admin(verifier))
	mux.Handle(samlsp.Path, samlsp.New(a.samlsp()))
	mux.Handle("HEAD /start", ssooidc.StartAlias(a.StartURL()))
	mux.Handle("/start", web.Handler())
	mux.Handle("/start/", web.Handler())
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/start", http.StatusFound)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "There is nothing here. The access portal is at /start.", http.StatusNotFound)
	})
	// Browsers say where a request comes from; a changing one from another site is refused. Clients that are no browsers say
	// nothing and pass. The assertion consumer service is posted to from the identity provider's site by design; it binds the
	// sign-in to the browser by itself (package samlsp).
	guard := http.NewCrossOriginProtection()
	for _, pattern := range samlsp.CrossOrigin {
		guard.AddInsecureBypassPattern(pattern)
	}
	scim := scimv2.New(a.scim())
	return a.around(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		// Not through the mux: it would redirect …/v2//Users, which some clients send, and they drop their token on redirects.
		case strings.HasPrefix(r.URL.Path, "/scim/"):
			scim.ServeHTTP(w, r)
		// Nor these: the path is signed as it was sent, and clients do not sign redirects.
		case aws.Wants(r):
			aws.ServeHTTP(w, r)
		default:
			mux.ServeHTTP(w, r)
		}
	}))), nil
}

func (a *App) samlsp() samlsp.Config {
	return samlsp.Config{SignIn: a.SignIn, Directory: a.Directory, Name: a.Instance.Name, URL: a.Config.URL, Now: a.now, Rand: a.rand, Log: a.log}
}

// onward is where the browser of somebody who has just signed out is sent, so that she is signed out at her identity provider too; empty for nowhere. That
// she is signed out here does not depend on it.
func (a *App) onward(ctx context.Context, p signin.Proof) string {
	to, err := samlsp.SignOutURL(ctx, a.samlsp(), p)
	if err != nil {
		a.log.ErrorContext(ctx, "signing out at the identity provider is not possible", "source", p.SourceID, "error", err)
	}
	return to
}

// vouched is what stands on the word of identity sources: sessions, and the role credentials that people got by them.
type vouched struct{ *App }

// CountVouched implements directory.Sessions.
func (v vouched) CountVouched(ctx context.Context, sourceID string) (int, error) {
	return v.SignIn.CountSessionsBySource(ctx, sourceID)
}

// EndVouched implements directory.Sessions.
func (v vouched) EndVouched(ctx context.Context, by audit.Actor, sourceID string) (more bool, err error) {
	return v.SignIn.EndSessionsBySource(ctx, by, sourceID, func(ctx context.Context, userIDs []string) error {
		return v.IAM.RevokePeopleSessions(ctx, by, userIDs)
	})
}

func (a *App) awsServices() []awswire.Service[localiam.Caller] {
	return []awswire.Service[localiam.Caller]{
		identitystore.New[localiam.Caller](a.Directory, a.Instance.OwnerAccountID).Delegated(a.standing.delegate).Service(),
		ssoadmin.New[localiam.Caller](ssoadmin.Config{
			Access: a.Access, People: a.Directory, Applications: a.Applications, Owner: a.Instance.OwnerAccountID, Delegate: a.standing.delegate,
		}).Service(),
		organizations.New[localiam.Caller](a.Organization).Service(),
		iam.New(a.IAM).Service(),
		sts.New(a.IAM).Service(),
		ssooidc.New[localiam.Caller](ssooidc.Config{Grants: a.SignIn, Applications: a.Propagation, URL: a.Config.URL}).Service(),
		cloudformation.New(a.Stacks).Service(),
		accountaccess.New[localiam.Caller](accountaccess.Config{
			Access: a.Access, Accounts: a.Organization, Owner: a.Instance.OwnerAccountID, Delegate: a.standing.accountAccess,
		}).Service(),
	}
}

func (a *App) admin(v *awswire.Verifier[localiam.Caller]) http.Handler {
	return admin.New(admin.Config{
		Directory: a.Directory, Organization: a.Organization, Access: a.Access, SignIn: a.SignIn, BuiltIn: a.Credentials, Requests: a.Requests,
		Instance: admin.Instance{
			Name: a.Instance.Name, StartURL: a.StartURL(), PortalURL: a.Config.URL, SSORegion: a.Config.Region,
			IdentityStoreID: a.Instance.IdentityStoreID, InstanceARN: arn.Instance(a.Instance.ID),
			ManagementAccountID: a.Instance.OwnerAccountID,
		},
		Caller: func(r *http.Request, body []byte) (localiam.Caller, error) {
			c, err := v.Verify(r, body, "gatehouse")
			return c.Principal, err
		},
		Authorize:     a.adminRights,
		SessionSecret: a.sessionSecret,
		Credentials:   a.credentials, Revoke: a.IAM.RevokePersonSessions, ParseMetadata: parseMetadata, Fetch: a.providerMetadata, Onward: a.onward, Events: a.events, Now: a.now, Log: a.log,
	})
}

// sessionSecret is what the browser's session cookie holds.
func (a *App) sessionSecret(r *http.Request) string {
	c, err := r.Cookie(signin.CookieName(a.Config.URL))
	if err != nil {
		return ""
	}
	return c.Value
}
