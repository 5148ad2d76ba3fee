package signin_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

// The registrations that the AWS CLI makes (contract §5.1, §5.2).
var (
	legacyProfile  = signin.Registration{Name: "botocore-client-1", Type: "public"}
	sessionProfile = signin.Registration{Name: "botocore-client-dev", Type: "public", Scopes: []string{signin.ScopeAccountAccess}}
	pkceProfile    = signin.Registration{
		Name: "botocore-client-dev", Type: "public", Scopes: []string{signin.ScopeAccountAccess}, IssuerURL: signintest.StartURL,
		GrantTypes:   []signin.GrantType{signin.GrantAuthorizationCode, signin.GrantRefreshToken},
		RedirectURIs: []string{"http://127.0.0.1/oauth/callback"},
	}
)

// loggedIn is what a command line has after its login.
type loggedIn struct {
	signin.Issued
	client, secret string
}

func register(t *testing.T, w signintest.World, r signin.Registration) (id, secret string) {
	t.Helper()
	c, secret, err := w.RegisterClient(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID, secret
}

// login runs the device flow to its end.
func login(t *testing.T, w signintest.World, who signin.Identity, r signin.Registration) loggedIn {
	t.Helper()
	id, secret := register(t, w, r)
	d, err := w.StartDevice(t.Context(), id, secret, signintest.StartURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.DecideDevice(t.Context(), who, d.UserCode, true); err != nil {
		t.Fatal(err)
	}
	i, err := w.ExchangeDevice(t.Context(), id, secret, d.DeviceCode)
	if err != nil {
		t.Fatal(err)
	}
	return loggedIn{i, id, secret}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := []struct {
		name   string
		change func(*signin.Registration)
		reason string // "" is accepted
	}{
		{"as the CLI has it", func(*signin.Registration) {}, ""},
		{"issuer form", func(r *signin.Registration) {
			r.IssuerURL = "https://identitycenter.amazonaws.com/ssoins-0123456789abcdef"
		}, ""},
		{"own URL", func(r *signin.Registration) { r.IssuerURL = signintest.ServerURL + "/start" }, ""},
		{"pasted from the browser", func(r *signin.Registration) { r.IssuerURL = "https://D-0123456789.awsapps.com/start/#/" }, ""},
		{"no issuer", func(r *signin.Registration) { r.IssuerURL = "" }, ""},
		{"redirect without a path (aws-sso-cli)", func(r *signin.Registration) { r.RedirectURIs = []string{"http://127.0.0.1:18080"} }, ""},
		{"IPv6 loopback", func(r *signin.Registration) { r.RedirectURIs = []string{"http://[::1]/cb"} }, ""},
		{"confidential", func(r *signin.Registration) { r.Type = "confidential" }, signin.InvalidClientMetadata},
		{"no name", func(r *signin.Registration) { r.Name = "" }, signin.InvalidClientMetadata},
		{"long name", func(r *signin.Registration) { r.Name = strings.Repeat("x", 257) }, signin.InvalidClientMetadata},
		{"name with a line end", func(r *signin.Registration) { r.Name = "aws\ncli" }, signin.InvalidClientMetadata},
		{"name that reads backwards", func(r *signin.Registration) { r.Name = "aws\u202ecli" }, signin.InvalidClientMetadata},
		{"name not UTF-8", func(r *signin.Registration) { r.Name = "\xff" }, signin.InvalidClientMetadata},
		{"password grant", func(r *signin.Registration) { r.GrantTypes = append(r.GrantTypes, "password") }, signin.UnsupportedGrantType},
		{"unknown scope", func(r *signin.Registration) { r.Scopes = []string{"admin"} }, signin.InvalidScope},
		{"no redirect", func(r *signin.Registration) { r.RedirectURIs = nil }, signin.InvalidRedirectURI},
		{"redirect elsewhere", func(r *signin.Registration) { r.RedirectURIs = []string{"http://evil.example/cb"} }, signin.InvalidRedirectURI},
		{"redirect to a look-alike", func(r *signin.Registration) { r.RedirectURIs = []string{"http://127.0.0.1.evil.example/cb"} }, signin.InvalidRedirectURI},
		{"redirect with a user name", func(r *signin.Registration) { r.RedirectURIs = []string{"http://127.0.0.1@evil.example/cb"} }, signin.InvalidRedirectURI},
		{"redirect with a fragment", func(r *signin.Registration) { r.RedirectURIs = []string{"http://127.0.0.1/cb#x"} }, signin.InvalidRedirectURI},
		{"redirect to a program", func(r *signin.Registration) { r.RedirectURIs = []string{"javascript:alert(1)"} }, signin.InvalidRedirectURI},
		{"eleven redirects", func(r *signin.Registration) {
			for range 10 {
				r.RedirectURIs = append(r.RedirectURIs, r.RedirectURIs[0])
			}
		}, signin.InvalidRedirectURI},
		{"another instance's issuer", func(r *signin.Registration) { r.IssuerURL = "https://d-9999999999.awsapps.com/start" }, signin.InvalidRequest},
		{"own host with a user name", func(r *signin.Registration) { r.IssuerURL = "https://x@d-0123456789.awsapps.com/start" }, signin.InvalidRequest},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := pkceProfile
			r.GrantTypes, r.RedirectURIs = append([]signin.GrantType(nil), r.GrantTypes...), append([]string(nil), r.RedirectURIs...)
			row.change(&r)
			c, secret, err := w.RegisterClient(t.Context(), r)
			if row.reason != "" {
				if f := fault.Of(err); f == nil || f.Reason != row.reason {
					t.Fatalf("got %v, want %s", err, row.reason)
				}
				return
			}
			if err != nil || secret == "" || c.ExpiresAt.Sub(c.CreatedAt) != signin.ClientLife {
				t.Fatalf("got %+v, %v", c, err)
			}
		})
	}
}

func TestDeviceFlowStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	id, secret := register(t, w, sessionProfile)
	d, err := w.StartDevice(t.Context(), id, secret, signintest.ServerURL+"/start")
	if err != nil {
		t.Fatal(err)
	}
	// The CLI polls twice back to back before anybody had a chance to look (contract §5.1).
	for range 2 {
		_, err = w.ExchangeDevice(t.Context(), id, secret, d.DeviceCode)
		wantReason(t, err, fault.Invalid, signin.AuthorizationPending)
	}
	a, err := w.DeviceAsking(t.Context(), who, strings.ToLower(strings.ReplaceAll(d.UserCode, "-", " ")))
	if err != nil || a.Client.Name != sessionProfile.Name || a.UserCode != d.UserCode {
		t.Fatalf("got %+v, %v", a, err)
	}
	if _, err := w.DecideDevice(t.Context(), who, d.UserCode, true); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeviceAsking(t.Context(), who, d.UserCode); !fault.Is(err, fault.NotFound) {
		t.Errorf("asked again: %v", err)
	}
	if _, err := w.DecideDevice(t.Context(), who, d.UserCode, true); !fault.Is(err, fault.NotFound) {
		t.Errorf("approved twice: %v", err)
	}
	i, err := w.ExchangeDevice(t.Context(), id, secret, d.DeviceCode)
	if err != nil || i.Life != signin.AccessLife || i.RefreshToken == "" {
		t.Fatalf("got %+v, %v", i, err)
	}
	_, err = w.ExchangeDevice(t.Context(), id, secret, d.DeviceCode)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	if got, err := w.Bearer(t.Context(), i.AccessToken); err != nil || got.User.ID != signintest.Alice {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestALegacyProfileGetsOneTokenForTheWholeSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	w.Clock.Pass(time.Hour)
	i := login(t, w, who, legacyProfile)
	if i.RefreshToken != "" || i.Life != signin.DefaultSessionLength-time.Hour {
		t.Errorf("got %+v", i)
	}
	w.Clock.Pass(i.Life - 1)
	if _, err := w.Bearer(t.Context(), i.AccessToken); err != nil {
		t.Errorf("just before its end: %v", err)
	}
	w.Clock.Pass(1)
	if _, err := w.Bearer(t.Context(), i.AccessToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("at its end: %v", err)
	}
}

func TestDeviceFlowRefuses(t *testing.T) {
	t.Parallel()
	type flow struct {
		id, secret, code, userCode string
	}
	rows := []struct {
		name   string
		attack func(*testing.T, signintest.World, signin.Identity, *flow)
		kind   fault.Kind
		reason string
	}{
		{"another client's device code", func(t *testing.T, w signintest.World, _ signin.Identity, f *flow) {
			f.id, f.secret = register(t, w, sessionProfile)
		}, fault.Invalid, signin.InvalidGrant},
		{"a wrong secret", func(_ *testing.T, _ signintest.World, _ signin.Identity, f *flow) { f.secret += "x" }, fault.Unauthenticated, signin.InvalidClient},
		{"an unknown client", func(_ *testing.T, _ signintest.World, _ signin.Identity, f *flow) { f.id = "x" }, fault.Unauthenticated, signin.InvalidClient},
		{"the user code for the device code", func(_ *testing.T, _ signintest.World, _ signin.Identity, f *flow) { f.code = f.userCode }, fault.Invalid, signin.InvalidGrant},
		{"an expired code", func(_ *testing.T, w signintest.World, _ signin.Identity, _ *flow) { w.Clock.Pass(signin.DeviceLife) }, fault.Invalid, signin.ExpiredToken},
		{"an expired registration", func(_ *testing.T, w signintest.World, _ signin.Identity, _ *flow) { w.Clock.Pass(signin.ClientLife) }, fault.Unauthenticated, signin.InvalidClient},
		{"an approver deactivated meanwhile", func(_ *testing.T, w signintest.World, _ signin.Identity, _ *flow) {
			w.People.Switch(signintest.Alice, false)
		}, fault.Denied, signin.AccessDenied},
		{"an approver signed out meanwhile", func(t *testing.T, w signintest.World, who signin.Identity, _ *flow) {
			if err := w.EndSession(t.Context(), who.Actor(), who.User.ID, who.Session.ID); err != nil {
				t.Fatal(err)
			}
		}, fault.Invalid, signin.InvalidGrant},
		{"an approver whose session has ended meanwhile", func(t *testing.T, w signintest.World, who signin.Identity, f *flow) {
			w.Clock.Pass(signin.DefaultSessionLength - time.Minute)
			d, err := w.StartDevice(t.Context(), f.id, f.secret, signintest.StartURL)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.DecideDevice(t.Context(), who, d.UserCode, true); err != nil {
				t.Fatal(err)
			}
			f.code = d.DeviceCode
			w.Clock.Pass(time.Minute)
		}, fault.Denied, signin.AccessDenied},
		{"hammering", func(t *testing.T, w signintest.World, _ signin.Identity, f *flow) {
			d, err := w.StartDevice(t.Context(), f.id, f.secret, signintest.StartURL)
			if err != nil {
				t.Fatal(err)
			}
			f.code = d.DeviceCode
			for range 50 {
				_, _ = w.ExchangeDevice(t.Context(), f.id, f.secret, f.code)
			}
		}, fault.Throttled, signin.SlowDown},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, who := w.SignIn(t, signintest.Alice)
			var f flow
			f.id, f.secret = register(t, w, sessionProfile)
			d, err := w.StartDevice(t.Context(), f.id, f.secret, signintest.StartURL)
			if err != nil {
				t.Fatal(err)
			}
			f.code, f.userCode = d.DeviceCode, d.UserCode
			if _, err := w.DecideDevice(t.Context(), who, d.UserCode, true); err != nil {
				t.Fatal(err)
			}
			row.attack(t, w, who, &f)
			_, err = w.ExchangeDevice(t.Context(), f.id, f.secret, f.code)
			wantReason(t, err, row.kind, row.reason)
		})
	}
}

func TestADeniedDeviceGetsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	id, secret := register(t, w, sessionProfile)
	d, err := w.StartDevice(t.Context(), id, secret, signintest.StartURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.DecideDevice(t.Context(), who, d.UserCode, false); err != nil {
		t.Fatal(err)
	}
	_, err = w.ExchangeDevice(t.Context(), id, secret, d.DeviceCode)
	wantReason(t, err, fault.Denied, signin.AccessDenied)
	if _, err := w.DecideDevice(t.Context(), who, d.UserCode, true); !fault.Is(err, fault.NotFound) {
		t.Errorf("approved after all: %v", err)
	}
}

func TestStartDeviceRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := register(t, w, sessionProfile)
	for _, u := range []string{"", "https://d-9999999999.awsapps.com/start", "http://d-0123456789.awsapps.com/start", "https://d-0123456789.awsapps.com/other", "start", "://"} {
		_, err := w.StartDevice(t.Context(), id, secret, u)
		wantReason(t, err, fault.Invalid, signin.InvalidRequest)
	}
	pid, psecret := register(t, w, pkceProfile)
	_, err := w.StartDevice(t.Context(), pid, psecret, signintest.StartURL)
	wantReason(t, err, fault.Invalid, signin.UnauthorizedClient)
}

func TestGuessingUserCodesIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, alice := w.SignIn(t, signintest.Alice)
	_, bob := w.SignIn(t, signintest.Bob)
	id, secret := register(t, w, sessionProfile)
	d, err := w.StartDevice(t.Context(), id, secret, signintest.StartURL)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 { // right codes do not count
		if _, err := w.DeviceAsking(t.Context(), alice, d.UserCode); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 11 {
		_, err = w.DeviceAsking(t.Context(), alice, "BBBB-BBBB")
		if want := i < 10; fault.Is(err, fault.NotFound) != want {
			t.Fatalf("miss %d: %v", i+1, err)
		}
	}
	if _, err := w.DeviceAsking(t.Context(), alice, d.UserCode); !fault.Is(err, fault.Throttled) {
		t.Errorf("after ten misses: %v, want Throttled", err)
	}
	if _, err := w.DecideDevice(t.Context(), alice, d.UserCode, true); !fault.Is(err, fault.Throttled) {
		t.Errorf("approving is limited too: %v, want Throttled", err)
	}
	if _, err := w.DeviceAsking(t.Context(), bob, d.UserCode); err != nil {
		t.Errorf("another person: %v", err)
	}
	w.Clock.Pass(time.Minute)
	if _, err := w.DeviceAsking(t.Context(), alice, d.UserCode); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkdBjftJeZ4CVP-mB92K27u"

func authorization(client string) signin.AuthorizationRequest {
	h := sha256.Sum256([]byte(verifier))
	return signin.AuthorizationRequest{
		ResponseType: "code", ClientID: client, RedirectURI: "http://127.0.0.1:49152/oauth/callback", State: "s",
		Challenge: base64.RawURLEncoding.EncodeToString(h[:]), ChallengeMethod: "S256", Scopes: []string{signin.ScopeAccountAccess},
	}
}

// RFC 7636 appendix B.
func TestChallengeOfRFC7636AppendixB(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	id, secret := register(t, w, pkceProfile)
	a := authorization(id)
	a.Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	code, err := w.Authorize(t.Context(), who, a)
	if err != nil {
		t.Fatal(err)
	}
	x := signin.CodeExchange{Code: code, RedirectURI: a.RedirectURI, Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}
	if i, err := w.ExchangeCode(t.Context(), id, secret, x); err != nil || i.RefreshToken == "" || i.Life != signin.AccessLife {
		t.Errorf("got %+v, %v", i, err)
	}
}

func TestAuthorizationRequestsThatMustNotRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := register(t, w, pkceProfile)
	device, _ := register(t, w, sessionProfile)
	rows := []struct {
		name   string
		change func(*signin.AuthorizationRequest)
		reason string
	}{
		{"unknown client", func(a *signin.AuthorizationRequest) { a.ClientID = "x" }, signin.InvalidClient},
		{"a client of the device flow", func(a *signin.AuthorizationRequest) { a.ClientID = device }, signin.UnauthorizedClient},
		{"another host", func(a *signin.AuthorizationRequest) { a.RedirectURI = "http://evil.example/oauth/callback" }, signin.InvalidRedirectURI},
		{"localhost for 127.0.0.1", func(a *signin.AuthorizationRequest) { a.RedirectURI = "http://localhost:49152/oauth/callback" }, signin.InvalidRedirectURI},
		{"another path", func(a *signin.AuthorizationRequest) { a.RedirectURI = "http://127.0.0.1:49152/" }, signin.InvalidRedirectURI},
		{"an added query", func(a *signin.AuthorizationRequest) { a.RedirectURI += "?x=1" }, signin.InvalidRedirectURI},
		{"a fragment", func(a *signin.AuthorizationRequest) { a.RedirectURI += "#x" }, signin.InvalidRedirectURI},
		{"a user name", func(a *signin.AuthorizationRequest) { a.RedirectURI = "http://127.0.0.1:1@evil.example/oauth/callback" }, signin.InvalidRedirectURI},
		{"a backslash", func(a *signin.AuthorizationRequest) { a.RedirectURI = `http://127.0.0.1\@evil.example/oauth/callback` }, signin.InvalidRedirectURI},
		{"https", func(a *signin.AuthorizationRequest) { a.RedirectURI = "https://127.0.0.1/oauth/callback" }, signin.InvalidRedirectURI},
		{"nothing", func(a *signin.AuthorizationRequest) { a.RedirectURI = "" }, signin.InvalidRedirectURI},
		{"an endless state", func(a *signin.AuthorizationRequest) { a.State = strings.Repeat("x", 1025) }, signin.InvalidRequest},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			a := authorization(id)
			row.change(&a)
			_, err := w.AuthorizationClient(t.Context(), a)
			if f := fault.Of(err); f == nil || f.Reason != row.reason {
				t.Fatalf("got %v, want %s", err, row.reason)
			}
			if _, err := w.Authorize(t.Context(), signin.Identity{}, a); err == nil {
				t.Error("a code was issued all the same")
			}
		})
	}
	if _, err := w.AuthorizationClient(t.Context(), authorization(id)); err != nil {
		t.Errorf("the unchanged request: %v", err)
	}
	w.Clock.Pass(signin.ClientLife)
	if _, err := w.AuthorizationClient(t.Context(), authorization(id)); err == nil {
		t.Error("an expired registration was accepted")
	}
}

func TestAuthorizationRequestsThatAreSentBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := register(t, w, pkceProfile)
	c, err := w.AuthorizationClient(t.Context(), authorization(id))
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name   string
		change func(*signin.AuthorizationRequest)
		reason string
	}{
		{"implicit flow", func(a *signin.AuthorizationRequest) { a.ResponseType = "token" }, "unsupported_response_type"},
		{"no PKCE", func(a *signin.AuthorizationRequest) { a.Challenge, a.ChallengeMethod = "", "" }, signin.InvalidRequest},
		{"plain PKCE", func(a *signin.AuthorizationRequest) { a.Challenge, a.ChallengeMethod = verifier, "plain" }, signin.InvalidRequest},
		{"no method, which means plain", func(a *signin.AuthorizationRequest) { a.ChallengeMethod = "" }, signin.InvalidRequest},
		{"a short challenge", func(a *signin.AuthorizationRequest) { a.Challenge = a.Challenge[:42] }, signin.InvalidRequest},
		{"a challenge of other letters", func(a *signin.AuthorizationRequest) { a.Challenge = "+" + a.Challenge[1:] }, signin.InvalidRequest},
		{"a scope not registered", func(a *signin.AuthorizationRequest) { a.Scopes = append(a.Scopes, "admin") }, signin.InvalidScope},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := authorization(id)
			row.change(&a)
			wantReason(t, signin.CheckAuthorization(c, a), fault.Invalid, row.reason)
		})
	}
	if err := signin.CheckAuthorization(c, authorization(id)); err != nil {
		t.Errorf("the unchanged request: %v", err)
	}
}

func TestCodeExchangeRefuses(t *testing.T) {
	t.Parallel()
	type exchange struct {
		id, secret string
		signin.CodeExchange
	}
	rows := []struct {
		name   string
		attack func(*testing.T, signintest.World, *exchange)
		kind   fault.Kind
		reason string
	}{
		{"a wrong verifier (RFC 7636 §4.6)", func(_ *testing.T, _ signintest.World, x *exchange) { x.Verifier = strings.Repeat("a", 64) }, fault.Invalid, signin.InvalidGrant},
		{"no verifier", func(_ *testing.T, _ signintest.World, x *exchange) { x.Verifier = "" }, fault.Invalid, signin.InvalidGrant},
		{"the challenge as verifier", func(_ *testing.T, _ signintest.World, x *exchange) { x.Verifier = authorization("").Challenge }, fault.Invalid, signin.InvalidGrant},
		{"another port (RFC 6749 §4.1.3)", func(_ *testing.T, _ signintest.World, x *exchange) {
			x.RedirectURI = "http://127.0.0.1:49153/oauth/callback"
		}, fault.Invalid, signin.InvalidGrant},
		{"the registered URI instead of the used one", func(_ *testing.T, _ signintest.World, x *exchange) {
			x.RedirectURI = "http://127.0.0.1/oauth/callback"
		}, fault.Invalid, signin.InvalidGrant},
		{"another client (code injection)", func(t *testing.T, w signintest.World, x *exchange) { x.id, x.secret = register(t, w, pkceProfile) }, fault.Invalid, signin.InvalidGrant},
		{"a wrong secret", func(_ *testing.T, _ signintest.World, x *exchange) { x.secret = "" }, fault.Unauthenticated, signin.InvalidClient},
		{"a client of the device flow", func(t *testing.T, w signintest.World, x *exchange) { x.id, x.secret = register(t, w, sessionProfile) }, fault.Invalid, signin.UnauthorizedClient},
		{"too late", func(_ *testing.T, w signintest.World, _ *exchange) { w.Clock.Pass(signin.CodeLife) }, fault.Invalid, signin.InvalidGrant},
		{"a deactivated user", func(_ *testing.T, w signintest.World, _ *exchange) { w.People.Switch(signintest.Alice, false) }, fault.Denied, signin.AccessDenied},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, who := w.SignIn(t, signintest.Alice)
			var x exchange
			x.id, x.secret = register(t, w, pkceProfile)
			a := authorization(x.id)
			code, err := w.Authorize(t.Context(), who, a)
			if err != nil {
				t.Fatal(err)
			}
			x.CodeExchange = signin.CodeExchange{Code: code, RedirectURI: a.RedirectURI, Verifier: verifier}
			row.attack(t, w, &x)
			_, err = w.ExchangeCode(t.Context(), x.id, x.secret, x.CodeExchange)
			wantReason(t, err, row.kind, row.reason)
		})
	}
}

func TestACodeShownTwiceRevokesItsTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	other := login(t, w, who, sessionProfile)
	id, secret := register(t, w, pkceProfile)
	a := authorization(id)
	code, err := w.Authorize(t.Context(), who, a)
	if err != nil {
		t.Fatal(err)
	}
	x := signin.CodeExchange{Code: code, RedirectURI: a.RedirectURI, Verifier: verifier}
	i, err := w.ExchangeCode(t.Context(), id, secret, x)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody else's client does not get to revoke anything (the code alone is not enough).
	oid, osecret := register(t, w, pkceProfile)
	_, err = w.ExchangeCode(t.Context(), oid, osecret, x)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	if _, err := w.Bearer(t.Context(), i.AccessToken); err != nil {
		t.Fatalf("a stranger revoked the grant: %v", err)
	}
	_, err = w.ExchangeCode(t.Context(), id, secret, x) // RFC 6749 §4.1.2
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	if _, err := w.Bearer(t.Context(), i.AccessToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the access token lives on: %v", err)
	}
	if _, err := w.Refresh(t.Context(), id, secret, i.RefreshToken); err == nil {
		t.Error("the refresh token lives on")
	}
	if _, err := w.Bearer(t.Context(), other.AccessToken); err != nil {
		t.Errorf("another command line of the same session was hit: %v", err)
	}
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	token, seen := l.RefreshToken, map[string]bool{l.RefreshToken: true}
	for hour := range 7 {
		w.Clock.Pass(time.Hour)
		i, err := w.Refresh(t.Context(), l.client, l.secret, token)
		if err != nil {
			t.Fatalf("hour %d: %v", hour+1, err)
		}
		if seen[i.RefreshToken] || i.RefreshToken == "" {
			t.Fatalf("hour %d: the refresh token did not change", hour+1)
		}
		if _, err := w.Bearer(t.Context(), i.AccessToken); err != nil {
			t.Fatal(err)
		}
		token, seen[i.RefreshToken] = i.RefreshToken, true
	}
	w.Clock.Pass(30 * time.Minute)
	i, err := w.Refresh(t.Context(), l.client, l.secret, token)
	if err != nil || i.Life != 30*time.Minute {
		t.Errorf("near the session's end: %+v, %v", i, err)
	}
	w.Clock.Pass(30 * time.Minute)
	_, err = w.Refresh(t.Context(), l.client, l.secret, i.RefreshToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
}

func TestALostAnswerIsRepeatedWithTheSameSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	lost, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Pass(3 * time.Hour) // the laptop slept
	again, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	if err != nil || again.RefreshToken != lost.RefreshToken || again.AccessToken == lost.AccessToken {
		t.Fatalf("got %+v after %+v, %v", again, lost, err)
	}
	if _, err := w.Bearer(t.Context(), again.AccessToken); err != nil {
		t.Error(err)
	}
}

func TestParallelCommandLinesAllStaySignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	got := make([]signin.Issued, 12)
	var all sync.WaitGroup
	for n := range got {
		all.Go(func() {
			i, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
			if err != nil {
				t.Errorf("process %d: %v", n, err)
			}
			got[n] = i
		})
	}
	all.Wait()
	for n, i := range got {
		if i.RefreshToken != got[0].RefreshToken {
			t.Errorf("process %d was given another successor", n)
		}
		if _, err := w.Bearer(t.Context(), i.AccessToken); err != nil {
			t.Errorf("process %d: %v", n, err)
		}
	}
}

func TestAStolenRefreshTokenRevokesTheGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	other := login(t, w, who, sessionProfile)
	second, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	third, err := w.Refresh(t.Context(), l.client, l.secret, second.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken) // the thief, or the owner, comes late
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	if _, err := w.Refresh(t.Context(), l.client, l.secret, third.RefreshToken); err == nil {
		t.Error("the newest refresh token lives on")
	}
	if _, err := w.Bearer(t.Context(), third.AccessToken); err == nil {
		t.Error("the newest access token lives on")
	}
	if _, err := w.Bearer(t.Context(), other.AccessToken); err != nil {
		t.Errorf("another command line was hit: %v", err)
	}
}

func TestRefreshRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	oid, osecret := register(t, w, sessionProfile)
	_, err := w.Refresh(t.Context(), oid, osecret, l.RefreshToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	_, err = w.Refresh(t.Context(), l.client, osecret, l.RefreshToken)
	wantReason(t, err, fault.Unauthenticated, signin.InvalidClient)
	_, err = w.Refresh(t.Context(), l.client, l.secret, l.AccessToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	if _, err := w.Bearer(t.Context(), l.RefreshToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a refresh token served as access token: %v", err)
	}
	w.People.Switch(signintest.Alice, false)
	_, err = w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
}

func TestLogoutOfACommandLineEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	if err := w.SignOutBearer(t.Context(), l.AccessToken); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), cookie); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the browser's session: %v", err)
	}
	if err := w.SignOutBearer(t.Context(), l.AccessToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a second logout: %v, want Unauthenticated", err)
	}
}

func TestNoSecretIsStoredOrRecorded(t *testing.T) {
	t.Parallel()
	w := signintest.New(t)
	cookie, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	secrets := []string{cookie, l.AccessToken, l.RefreshToken, l.secret}
	for _, e := range w.Store.Events() {
		for _, v := range e.Detail {
			for _, s := range secrets {
				if strings.Contains(v+e.Resource+e.Actor.ID, s) {
					t.Errorf("%s tells a secret", e.Action)
				}
			}
		}
	}
	for _, s := range secrets {
		if w.Store.Holds(s) {
			t.Error("the store keeps a secret as it is")
		}
	}
}
