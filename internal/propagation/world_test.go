package propagation_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/propagation"
	"gatehouse/internal/seal"
	"gatehouse/internal/signin"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/storage/sqlstore"
)

const (
	account  = "111122223333"
	store    = "d-0123456789"
	back     = "https://wiki.example.com/back"
	outside  = "https://login.example.com"
	audience = "api://wiki"
	verifier = "a-code-verifier-of-at-least-forty-three-characters-0123456789"
)

var (
	admin = audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:user/admin", AccountID: account}
	app   = audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:role/app", AccountID: account}
)

// issuerKey signs what the trusted token issuer of the tests says; making a key takes a while.
var issuerKey, strangerKey = sync.OnceValue(newKey), sync.OnceValue(newKey)

func newKey() jwt.PrivateKey {
	k, err := jwt.NewPrivateKey(jwt.RS256)
	if err != nil {
		panic(err)
	}
	return k
}

// world has a user ada who may use two applications, wiki and data, a bob who may use none, and a trusted token issuer. A token of the wiki may be
// exchanged by data, not the other way round.
type world struct {
	*propagation.Service
	t          *testing.T
	db         *sqlstore.DB
	apps       *application.Service
	people     *directory.Service
	ins        string
	ada, bob   directory.User
	wiki, data arn.InInstance
	issuer     application.Issuer
	sealer     *seal.Sealer

	mu   sync.Mutex
	now  time.Time
	docs map[string]string
	// revoked is when ada was signed out everywhere. undelegated says that the account of the applications administers nothing (any more).
	revoked     time.Time
	undelegated bool
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func start(t *testing.T) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	ok(t, err)
	t.Cleanup(func() { db.Close() })
	w := &world{t: t, db: db, ins: arn.NewInstanceID(rand.Reader), now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), docs: map[string]string{}}
	ctx := t.Context()
	w.people = directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: store, Now: w.clock, Rand: rand.Reader})
	ok(t, db.Access().InsertInstance(ctx, access.Instance{ID: w.ins, OwnerAccountID: account}, audit.New(ctx, w.now, admin, "sso:CreateInstance", w.ins)))
	w.apps = application.NewService(application.Config{Store: db.Application(), People: w.people, Now: w.clock, Rand: rand.Reader,
		Instance:    func(ctx context.Context, id string) error { _, err := db.Access().Instance(ctx, id); return err },
		CheckPolicy: func(string) error { return nil }})
	w.sealer = must(seal.Parse(must(seal.Generate())))
	w.Service = propagation.NewService(w.config(w.sealer, w.ins))
	w.ada, w.bob = w.user("ada"), w.user("bob")
	w.issuer = must(w.apps.CreateIssuer(ctx, admin, application.Issuer{InstanceID: w.ins, AccountID: account, Name: "login", URL: outside, ClaimPath: "who.mail", UserPath: "emails.value"}, ""))
	w.publish(outside, issuerKey())
	w.data = w.application("Data", func(a *application.Application) {
		a.Scopes = []application.Scope{{Name: "data:query"}}
		a.Grants.RefreshToken, a.Grants.TokenExchange, a.BackgroundSessions = true, true, true
	})
	w.wiki = w.application("Wiki", func(a *application.Application) {
		a.Scopes = []application.Scope{{Name: "wiki:read", Targets: []string{arn.Application(w.data)}}, {Name: "wiki:write", Targets: []string{a.ARN()}}}
		a.Grants = application.Grants{RedirectURIs: []string{back}, RefreshToken: true, TokenExchange: true,
			Issuers: []application.TrustedIssuer{{AccountID: account, InstanceID: w.ins, IssuerID: w.issuer.ID, Audiences: []string{audience}}}}
	})
	return w
}

// config is that of an instance with the sealer; two of one sealer are two instances of one server.
func (w *world) config(sealer *seal.Sealer, instance string) propagation.Config {
	key := issuerKey()
	return propagation.Config{
		Store: w.db.Propagation(), Applications: w.apps, People: w.people, Sealer: sealer, Instance: instance, Owner: account, IdentityStore: store, Issuer: "https://gatehouse.test/oidc/x",
		Sessions:   signin.NewService(signin.Config{Store: w.db.SignIn(), Users: w.people, Now: w.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}),
		Assertions: jwt.NewKeyring(w.fetch, w.clock), Sign: func(_ context.Context, claims any) (string, error) { return jwt.Sign(key, claims) },
		Revoked: func(_ context.Context, userID string) (time.Time, error) {
			if userID != w.ada.ID {
				return time.Time{}, nil
			}
			return w.revoked, nil
		},
		Administers: func(context.Context, string) (bool, error) { return !w.undelegated, nil },
		Now:         w.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}
}

func (w *world) user(name string) directory.User {
	w.t.Helper()
	u, err := w.people.CreateUser(w.t.Context(), admin, directory.User{UserName: name, DisplayName: name, Active: true, Emails: []directory.Value{{Value: name + "@example.com", Type: "work"}}})
	ok(w.t, err)
	return u
}

// application makes one that ada may use.
func (w *world) application(name string, edit func(*application.Application)) arn.InInstance {
	w.t.Helper()
	ctx := w.t.Context()
	a, err := w.apps.Create(ctx, admin, application.Application{InstanceID: w.ins, AccountID: account, Provider: "custom", Name: name}, "")
	ok(w.t, err)
	n := arn.InInstance{AccountID: account, InstanceID: w.ins, ID: a.ID}
	w.change(n, edit)
	ok(w.t, w.apps.Assign(ctx, admin, n, application.Principal{Type: application.User, ID: w.ada.ID}))
	return n
}

func (w *world) change(n arn.InInstance, edit func(*application.Application)) {
	w.t.Helper()
	_, err := w.apps.Update(w.t.Context(), admin, n, "UpdateApplication", func(a *application.Application) error { edit(a); return nil })
	ok(w.t, err)
}

func (w *world) setActive(u directory.User, active bool) {
	w.t.Helper()
	_, err := w.people.UpdateUser(w.t.Context(), admin, u.ID, 0, func(u *directory.User) error { u.Active = active; return nil })
	ok(w.t, err)
}

func (w *world) fetch(_ context.Context, url string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if doc := w.docs[url]; doc != "" {
		return []byte(doc), nil
	}
	return nil, errors.New("no such document")
}

func (w *world) publish(issuer string, key jwt.PrivateKey) {
	set := must(jwt.KeySet(must(key.Public())))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs[issuer+"/.well-known/openid-configuration"] = fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, issuer+"/keys")
	w.docs[issuer+"/keys"] = string(set)
}

// assertion is one of the issuer about ada, with the claims changed; a nil value takes one out.
func (w *world) assertion(key jwt.PrivateKey, change map[string]any) string {
	claims := map[string]any{"iss": outside, "aud": audience, "sub": "x", "exp": w.clock().Add(5 * time.Minute).Unix(), "iat": w.clock().Unix(), "who": map[string]any{"mail": "ada@example.com"}}
	for k, v := range change {
		if claims[k] = v; v == nil {
			delete(claims, k)
		}
	}
	return must(jwt.Sign(key, claims))
}

func (w *world) request(n arn.InInstance, t application.GrantType) propagation.Request {
	return propagation.Request{Application: n, Account: account, GrantType: t}
}

// bearer exchanges an assertion.
func (w *world) bearer(assertion string, scopes ...string) (propagation.Issued, error) {
	r := w.request(w.wiki, application.JWTBearer)
	r.Assertion, r.Scopes = assertion, scopes
	return w.CreateToken(w.t.Context(), app, r)
}

func (w *world) refresh(n arn.InInstance, token string, scopes ...string) (propagation.Issued, error) {
	r := w.request(n, application.RefreshToken)
	r.RefreshToken, r.Scopes = token, scopes
	return w.CreateToken(w.t.Context(), app, r)
}

func (w *world) exchange(n arn.InInstance, token, requested string, scopes ...string) (propagation.Issued, error) {
	r := w.request(n, application.TokenExchange)
	r.SubjectToken, r.SubjectTokenType, r.RequestedToken, r.Scopes = token, propagation.TypeAccessToken, requested, scopes
	return w.CreateToken(w.t.Context(), app, r)
}

// source makes an identity source that trusts a provider.
func (w *world) source(id string) {
	w.t.Helper()
	src := directory.Source{ID: id, Version: 1, SAML: directory.SAMLSettings{EntityID: "https://idp.example/"}, CreatedAt: w.clock()}
	ok(w.t, w.db.Directory().PutSource(w.t.Context(), src, 0, audit.New(w.t.Context(), w.clock(), admin, "x", id)))
}

// signedIn opens a portal session for a user, who proved who she is in some way.
func (w *world) signedIn(u directory.User, p ...signin.Proof) signin.Identity {
	w.t.Helper()
	s := signin.Session{ID: arn.UUID(rand.Reader), Hash: signin.Hash(arn.UUID(rand.Reader)), UserID: u.ID, CreatedAt: w.clock(), ExpiresAt: w.clock().Add(8 * time.Hour), LastSeenAt: w.clock()}
	if len(p) > 0 {
		s.Proof = p[0]
	}
	ok(w.t, w.db.SignIn().InsertSession(w.t.Context(), s, audit.New(w.t.Context(), w.clock(), admin, "x", s.ID)))
	return signin.Identity{User: u, Session: s}
}

func (w *world) signOut(who signin.Identity) {
	w.t.Helper()
	ok(w.t, w.db.SignIn().DeleteSession(w.t.Context(), who.Session.ID, audit.New(w.t.Context(), w.clock(), admin, "x", who.Session.ID)))
}

// authorization is the wiki's request for a code.
func (w *world) authorization() signin.AuthorizationRequest {
	sum := sha256.Sum256([]byte(verifier))
	return signin.AuthorizationRequest{ResponseType: "code", ClientID: arn.Application(w.wiki), RedirectURI: back, State: "s", ChallengeMethod: "S256", Challenge: base64.RawURLEncoding.EncodeToString(sum[:])}
}

// code gets one for a person.
func (w *world) code(who signin.Identity, scopes ...string) string {
	w.t.Helper()
	r := w.authorization()
	r.Scopes = scopes
	code, err := w.Authorize(w.t.Context(), who, r)
	ok(w.t, err)
	return code
}

func (w *world) redeem(code string, edit func(*propagation.Request)) (propagation.Issued, error) {
	r := w.request(w.wiki, application.AuthorizationCode)
	r.Code, r.RedirectURI, r.CodeVerifier = code, back, verifier
	if edit != nil {
		edit(&r)
	}
	return w.CreateToken(w.t.Context(), app, r)
}

// refused wants an OAuth error and nothing issued.
func refused(t *testing.T, what, reason string, i propagation.Issued, err error) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Reason != reason || f.Kind != fault.Invalid && f.Kind != fault.Denied || i.AccessToken != "" {
		t.Errorf("%s: %+v, %v; want a refusal with %s", what, i, err, reason)
	}
}

// claims reads a JWT without believing it.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", token)
	}
	return object(t, string(must(base64.RawURLEncoding.DecodeString(parts[1]))))
}
