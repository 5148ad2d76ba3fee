package signinpages_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/endpoint/signinpages"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

// site is the pages of a server, and a browser without a person in it.
type site struct {
	onward string // where somebody who signs out is sent
	t      testing.TB
	signintest.World
	handler http.Handler
	sources *[]directory.Source
	// cookie is the session's secret; empty when nobody is signed in.
	cookie, cookieName string
	who                signin.Identity
}

const requestID = "0f8fad5b-d9cb-469f-a165-70867728950e"

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, World: signintest.New(t), sources: &[]directory.Source{
		{ID: "okta", Name: "Zebra Okta", SAML: directory.SAMLSettings{EntityID: "http://okta.example"}},
		{ID: "entra", Name: "Contoso Entra ID", SAML: directory.SAMLSettings{EntityID: "https://sts.windows.net/x/"}},
		{ID: "scim-only", Name: "Only SCIM"},
	}}
	s.at(signintest.ServerURL)
	return s
}

// at lets the site be served at an address.
func (s *site) at(serverURL string) {
	s.cookieName = signin.CookieName(serverURL)
	s.handler = around(signinpages.New(signinpages.Config{
		SignIn: s.Service, Credentials: s.credentials(serverURL), Roles: roles{}, EntitledTo: entitledTo, Sources: func(context.Context) ([]directory.Source, error) { return *s.sources, nil },
		Onward: func(context.Context, signin.Proof) string { return s.onward }, Console: s.console, Name: "Gatehouse", URL: serverURL, Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler),
	}))
}

// credentials is a built-in directory that is switched off: package apptest has the tests of its pages, in a whole program.
func (s *site) credentials(serverURL string) *credential.Service {
	s.t.Helper()
	db, err := sqlite.Open(s.t.Context(), sqlitetest.Path(s.t), slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	people := directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: "d-0123456789", Now: s.Clock.Now, Rand: rand.Reader})
	c, err := credential.NewService(credential.Config{
		Store: db.Credential(), Users: people, Sessions: s.Service, URL: serverURL, Name: "Gatehouse", Now: s.Clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// around is what the server puts around all pages.
func around(h http.Handler) http.Handler {
	h = http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{RequestID: requestID, ClientAddr: "192.0.2.7"})))
	})
}

func (s *site) console(_ context.Context, who signin.Identity, accountID, setName string) (signinpages.Console, error) {
	if who.User.ID != signintest.Alice || accountID != "111122223333" || setName != "ReadOnly" {
		return signinpages.Console{}, fault.New(fault.Denied, "No access")
	}
	return signinpages.Console{
		ARN:       "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_ReadOnly_0123456789abcdef/alice@example.com",
		AccountID: accountID, AccountName: "Payments production", PermissionSet: setName, Expires: s.Clock.Now().Add(time.Hour),
		Policies: []signinpages.Policy{
			{Name: "arn:aws:iam::aws:policy/ReadOnlyAccess", Kind: "AWS managed", Document: "{\n  \"Version\": \"2012-10-17\"\n}"},
			{Name: "AwsSSOInlinePolicy", Kind: "Inline", Document: "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Deny\",\n      \"Action\": \"s3:GetObject\",\n      \"Resource\": \"arn:aws:s3:::secret/*\"\n    }\n  ]\n}"},
			{Name: "developer-boundary", Kind: "Permissions boundary"},
		},
	}, nil
}

// signInAs puts a person into the browser.
func (s *site) signInAs(userID string) {
	s.t.Helper()
	s.cookie, s.who = s.SignIn(s.t, userID)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) location() string { return a.header.Get("Location") }

func (s *site) do(r *http.Request) answer {
	s.t.Helper()
	if s.cookie != "" {
		r.AddCookie(&http.Cookie{Name: s.cookieName, Value: s.cookie})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	body, err := io.ReadAll(rec.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{rec.Code, rec.Header(), string(body)}
}

func (s *site) get(target string) answer {
	s.t.Helper()
	return s.do(httptest.NewRequest(http.MethodGet, target, nil))
}

func (s *site) post(target string, f url.Values) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(r)
}

// show wants a page with the status that says all of the texts.
func (a answer) show(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			t.Errorf("the page does not say %q:\n%s", s, a.body)
		}
	}
}

// goes wants a redirect.
func (a answer) goes(t testing.TB, location string) {
	t.Helper()
	if a.status/100 != 3 || a.location() != location {
		t.Errorf("got %d to %q, want a redirect to %q", a.status, a.location(), location)
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// fields returns the hidden fields of the page's form.
func (a answer) fields() url.Values {
	f := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.body, -1) {
		f.Add(m[1], unescape.Replace(m[2]))
	}
	return f
}

var unescape = strings.NewReplacer("&#43;", "+", "&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&")

// device registers a client and starts a device authorization; exchange is its next poll.
func (s *site) device() (userCode string, exchange func() (signin.Issued, error)) {
	s.t.Helper()
	c, secret, err := s.RegisterClient(s.t.Context(), signin.Registration{Name: "botocore-client-<dev>", Type: "public", Scopes: []string{signin.ScopeAccountAccess}})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx := audit.WithOrigin(s.t.Context(), audit.Origin{ClientAddr: "192.0.2.7"})
	d, err := s.StartDevice(ctx, c.ID, secret, signintest.StartURL)
	if err != nil {
		s.t.Fatal(err)
	}
	return d.UserCode, func() (signin.Issued, error) {
		return s.ExchangeDevice(s.t.Context(), c.ID, secret, d.DeviceCode)
	}
}

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkdBjftJeZ4CVP-mB92K27u"

// authorization registers a PKCE client and returns the query the CLI opens the browser with, and the exchange of the code.
func (s *site) authorization() (q url.Values, exchange func(code string) (signin.Issued, error)) {
	s.t.Helper()
	c, secret, err := s.RegisterClient(s.t.Context(), signin.Registration{
		Name: "botocore-client-dev", Type: "public", Scopes: []string{signin.ScopeAccountAccess}, IssuerURL: signintest.StartURL,
		GrantTypes: []signin.GrantType{signin.GrantAuthorizationCode, signin.GrantRefreshToken}, RedirectURIs: []string{"http://127.0.0.1/oauth/callback"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	h := sha256.Sum256([]byte(verifier))
	q = url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {"http://127.0.0.1:49152/oauth/callback"}, "state": {`a b&c="<é>+%`},
		"code_challenge_method": {"S256"}, "scopes": {"sso:account:access"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(h[:])},
	}
	return q, func(code string) (signin.Issued, error) {
		return s.ExchangeCode(s.t.Context(), c.ID, secret, signin.CodeExchange{Code: code, RedirectURI: q.Get("redirect_uri"), Verifier: verifier})
	}
}
