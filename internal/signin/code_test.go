package signin_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

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
