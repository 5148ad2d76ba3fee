package samlsp

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

const (
	server    = "https://sso.example"
	idpEntity = "https://idp.example/entity"
	idpSSO    = "https://idp.example/sso"
)

// The identity provider's key, its next one, the service provider's, and an attacker's.
var idpKey, nextKey, spKey, attackerKey = sync.OnceValues(newKey), sync.OnceValues(newKey), sync.OnceValues(newKey), sync.OnceValues(newKey)

func newKey() (*rsa.PrivateKey, *x509.Certificate) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	cert, err := saml.SelfSign(rand.Reader, key, saml.CertificateSpec{CommonName: "IdP", NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0)})
	if err != nil {
		panic(err)
	}
	return key, cert
}

// world is the door with a real sign-in service and an identity store of maps.
type world struct {
	t       *testing.T
	handler http.Handler
	config  Config
	refs    atomic.Int64 // references given out
	people  *people
	store   *signintest.Memory
	signIn  *signin.Service
	clock   time.Time
	url     string
	log     *strings.Builder
}

func newWorld(t *testing.T, serverURL string) *world {
	t.Helper()
	_, cert := idpKey()
	w := &world{t: t, store: signintest.NewMemory(), clock: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), url: serverURL, log: &strings.Builder{}}
	w.people = &people{sources: map[string]directory.Source{}, users: map[string]directory.User{}}
	w.people.sources["entra"] = directory.Source{ID: "entra", Name: "Entra ID", SAML: directory.SAMLSettings{
		EntityID: idpEntity, SSORedirectURL: idpSSO, Certificates: [][]byte{cert.Raw},
	}}
	w.people.sources["okta"] = directory.Source{ID: "okta", Name: "Okta", SAML: w.people.sources["entra"].SAML}
	w.people.sources["bare"] = directory.Source{ID: "bare", Name: "No identity provider"}
	w.people.put(directory.User{ID: "u-anna", UserName: "anna@contoso.example", Active: true, Source: "entra"})
	w.people.put(directory.User{ID: "u-ben", UserName: "ben@contoso.example", Active: false, Source: "entra"})
	w.people.put(directory.User{ID: "u-carla", UserName: "carla@contoso.example", Active: true, Source: "okta"})
	now := func() time.Time { return w.clock }
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.signIn = signin.NewService(signin.Config{Store: w.store, Users: w.people, Now: now, Rand: rand.Reader, Log: log, StartURLs: []string{server + "/start"}})
	w.config = Config{SignIn: w.signIn, Directory: w.people, Name: "Gatehouse", URL: serverURL, Now: now, Rand: rand.Reader, Log: log}
	w.handler = New(w.config)
	return w
}

func (w *world) set(id string, change func(*directory.Source)) {
	src := w.people.sources[id]
	change(&src)
	w.people.sources[id] = src
}

// people is the identity store.
type people struct {
	sources map[string]directory.Source
	users   map[string]directory.User // by id
	broken  error
	// endProvider is with which look-up sources have no identity provider any more; never when zero.
	endProvider int
	// lookups is after how many look-ups sources are gone; never when zero.
	lookups int
	refresh func(*directory.Source) (changed bool)
}

func (p *people) put(u directory.User) { p.users[u.ID] = u }

func (p *people) Source(_ context.Context, id string) (directory.Source, error) {
	if p.lookups > 0 {
		if p.lookups--; p.lookups == 0 {
			defer clear(p.sources)
		}
	}
	if s, ok := p.sources[id]; ok {
		if p.endProvider > 0 {
			if p.endProvider--; p.endProvider == 0 {
				s.SAML, s.ProviderClosing = directory.SAMLSettings{}, true
				p.sources[id] = s
			}
		}
		return s, nil
	}
	return directory.Source{}, fault.New(fault.NotFound, "no such source")
}

func (p *people) Vouches(context.Context, string, time.Time) (bool, error) { return true, nil }

func (p *people) User(_ context.Context, id string) (directory.User, error) {
	if u, ok := p.users[id]; ok {
		return u, nil
	}
	return directory.User{}, fault.New(fault.NotFound, "no such user")
}

func (p *people) UserByName(_ context.Context, name string) (directory.User, error) {
	if p.broken != nil {
		return directory.User{}, p.broken
	}
	for _, u := range p.users {
		if directory.Fold(u.UserName) == directory.Fold(name) {
			return u, nil
		}
	}
	return directory.User{}, fault.New(fault.NotFound, "no such user")
}

func (p *people) CreateUser(_ context.Context, _ audit.Actor, u directory.User) (directory.User, error) {
	if strings.Contains(u.UserName, " ") {
		return directory.User{}, fault.New(fault.Invalid, "no white space")
	}
	u.ID = "u-" + u.UserName
	p.put(u)
	return u, nil
}

// Signer is the service provider's key, for every source that is said to have one.
func (p *people) Signer(src directory.Source) (crypto.Signer, *x509.Certificate, error) {
	if len(src.SAML.SigningKey) == 0 {
		return nil, nil, fault.New(fault.NotFound, "no key")
	}
	key, cert := spKey()
	return key, cert, nil
}

// RefreshMetadata does what the test has said.
func (p *people) RefreshMetadata(_ context.Context, _ audit.Actor, id string, _ time.Duration) (bool, error) {
	if p.refresh == nil {
		return false, nil
	}
	src := p.sources[id]
	changed := p.refresh(&src)
	p.sources[id] = src
	return changed, nil
}

// browser keeps cookies as browsers do that know SameSite: all of the door's are Lax, so none goes with a cross-site POST.
type browser struct {
	w       *world
	cookies map[string]*http.Cookie
}

func (w *world) browser() *browser { return &browser{w, map[string]*http.Cookie{}} }

func (b *browser) do(r *http.Request) *http.Response {
	b.w.t.Helper()
	if r.Method == http.MethodGet {
		for _, c := range b.cookies {
			r.AddCookie(c)
		}
	}
	r = r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{RequestID: fmt.Sprint("ref-", b.w.refs.Add(1)), ClientAddr: "192.0.2.1"}))
	rec := httptest.NewRecorder()
	b.w.handler.ServeHTTP(rec, r)
	resp := rec.Result()
	for _, c := range resp.Cookies() {
		if c.SameSite != http.SameSiteLaxMode || !c.HttpOnly || c.Secure != strings.HasPrefix(b.w.url, "https:") {
			b.w.t.Errorf("cookie %s lacks an attribute: %v", c.Name, c)
		}
		if strings.HasPrefix(c.Name, "__Host-") && (c.Path != "/" || !c.Secure || c.Domain != "") {
			b.w.t.Errorf("browsers refuse cookie %v (RFC 6265bis §4.1.3.2)", c)
		}
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		b.w.t.Errorf("content security policy is %q", csp)
	}
	return resp
}

func (b *browser) get(path string) *http.Response {
	b.w.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

// post posts what the identity provider's page posts.
func (b *browser) post(path string, form url.Values) *http.Response {
	b.w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// begin begins a sign-in and returns what the identity provider gets.
func (b *browser) begin(path string) (saml.AuthnRequest, string) {
	b.w.t.Helper()
	resp := b.get(path)
	u, err := resp.Location()
	if resp.StatusCode != http.StatusSeeOther || err != nil {
		b.w.t.Fatalf("login: status %d, location %v", resp.StatusCode, err)
	}
	message, err := saml.InflateRedirect(u.Query().Get("SAMLRequest"))
	if err != nil {
		b.w.t.Fatal(err)
	}
	q, err := saml.ParseAuthnRequest(message)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return q, u.Query().Get("RelayState")
}

// letter is what the identity provider answers.
type letter struct {
	inResponseTo, nameID, acs, audience, attributes string
	at                                              time.Time
	next                                            bool // signed with the next key
}

// answer returns the signed response, base64.
func (w *world) answer(s letter) string {
	w.t.Helper()
	esc, id, rid := html.EscapeString, saml.NewID(rand.Reader), saml.NewID(rand.Reader)
	if s.at.IsZero() {
		s.at = w.clock
	}
	if s.acs == "" {
		s.acs = ACSURL(w.url, "entra")
	}
	if s.audience == "" {
		s.audience = EntityID(w.url, "entra")
	}
	to := ""
	if s.inResponseTo != "" {
		to = ` InResponseTo="` + s.inResponseTo + `"`
	}
	now, end := saml.Instant(s.at), saml.Instant(s.at.Add(time.Hour))
	doc := fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"%s>`, rid, now, s.acs, to) +
		`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + idpEntity + `</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
		fmt.Sprintf(`<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="%s" Version="2.0" IssueInstant="%s"><Issuer>%s</Issuer>`, id, now, idpEntity) +
		fmt.Sprintf(`<Subject><NameID Format="%s">%s</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData%s NotOnOrAfter="%s" Recipient="%s"/></SubjectConfirmation></Subject>`, saml.NameIDEmail, esc(s.nameID), to, end, s.acs) +
		fmt.Sprintf(`<Conditions NotBefore="%s" NotOnOrAfter="%s"><AudienceRestriction><Audience>%s</Audience></AudienceRestriction></Conditions>`, now, end, s.audience) +
		`<AttributeStatement>` + s.attributes + `</AttributeStatement>` +
		fmt.Sprintf(`<AuthnStatement AuthnInstant="%s" SessionIndex="s1"/></Assertion></samlp:Response>`, now)
	key, cert := idpKey()
	if s.next {
		key, cert = nextKey()
	}
	signed, err := saml.Sign([]byte(doc), id, key, cert)
	if err != nil {
		w.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signed)
}

func form(response, relay string) url.Values {
	f := url.Values{"SAMLResponse": {response}}
	if relay != "" {
		f.Set("RelayState", relay)
	}
	return f
}
