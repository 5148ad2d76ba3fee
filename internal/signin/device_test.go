package signin_test

import (
	"strings"
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
