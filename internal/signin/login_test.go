package signin_test

import (
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

var admin = signin.Role{AccountID: "111122223333", Name: "Admin"}

func loginRequest(client string) signin.LoginRequest {
	a := authorization("")
	r := signin.LoginRequest{ResponseType: "code", ClientID: client, RedirectURI: a.RedirectURI, State: "s", Challenge: a.Challenge, ChallengeMethod: "SHA-256", Scope: "openid"}
	if client == signin.CrossDevice {
		r.RedirectURI = "https://gatehouse.test" + signin.ConfirmationPath
	}
	return r
}

// proof returns a proof of a key, that nobody used before.
func (l *logging) proof(key string) signin.Possession {
	l.proofs++
	return signin.Possession{Thumbprint: key, ID: time.Duration(l.proofs).String(), Until: l.Clock.Now().Add(5 * time.Minute)}
}

type logging struct {
	signintest.World
	t      *testing.T
	who    signin.Identity
	secret string
	proofs int
}

func newLogin(t *testing.T) *logging {
	t.Helper()
	w := newWorld(t)
	secret, who := w.SignIn(t, signintest.Alice)
	return &logging{World: w, t: t, who: who, secret: secret}
}

func (l *logging) code(client string) string {
	l.t.Helper()
	code, err := l.AuthorizeLogin(l.t.Context(), l.who, loginRequest(client), admin)
	if err != nil {
		l.t.Fatal(err)
	}
	return code
}

func exchange(client, code string) signin.CodeExchange {
	return signin.CodeExchange{Code: code, RedirectURI: loginRequest(client).RedirectURI, Verifier: verifier}
}

// begun is a login that was exchanged, with the key "key".
func (l *logging) begun() string {
	l.t.Helper()
	got, err := l.ExchangeLogin(l.t.Context(), signin.SameDevice, exchange(signin.SameDevice, l.code(signin.SameDevice)), l.proof("key"))
	if err != nil {
		l.t.Fatal(err)
	}
	return got.RefreshToken
}

func (l *logging) refused(what, reason string, err error) {
	l.t.Helper()
	if f := fault.Of(err); f == nil || f.Reason != reason {
		l.t.Errorf("%s: got %v, want %s", what, err, reason)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	l := newLogin(t)
	for _, client := range []string{signin.SameDevice, signin.CrossDevice} {
		got, err := l.ExchangeLogin(t.Context(), client, exchange(client, l.code(client)), l.proof("key"))
		if err != nil || got.Role != admin || got.Who.User.ID != l.who.User.ID || got.RefreshToken[:4] != "ASOR" {
			t.Fatalf("%s: got %+v, %v", client, got, err)
		}
		again, err := l.RefreshLogin(t.Context(), client, got.RefreshToken, l.proof("key"))
		if err != nil || again.Role != admin || again.RefreshToken == got.RefreshToken {
			t.Fatalf("%s: got %+v, %v", client, again, err)
		}
		// Whoever lost the answer gets the very same one.
		repeated, err := l.RefreshLogin(t.Context(), client, got.RefreshToken, l.proof("key"))
		if err != nil || repeated.RefreshToken != again.RefreshToken {
			t.Fatalf("%s: repeated: %+v, %v", client, repeated, err)
		}
	}
}

// TestLoginCodesAreTheirClientsAlone: each is one way in that must stay shut.
func TestLoginCodesAreTheirClientsAlone(t *testing.T) {
	t.Parallel()
	l := newLogin(t)
	ctx := t.Context()
	code := l.code(signin.SameDevice)
	good := exchange(signin.SameDevice, code)
	for name, x := range map[string]signin.CodeExchange{
		"no PKCE":          {Code: code, RedirectURI: good.RedirectURI},
		"another verifier": {Code: code, RedirectURI: good.RedirectURI, Verifier: verifier[1:] + "x"},
		"another redirect": {Code: code, RedirectURI: "http://127.0.0.1:1/oauth/callback", Verifier: verifier},
		"no redirect":      {Code: code, Verifier: verifier},
		"another code":     {Code: code + "x", RedirectURI: good.RedirectURI, Verifier: verifier},
	} {
		_, err := l.ExchangeLogin(ctx, signin.SameDevice, x, l.proof("key"))
		l.refused(name, signin.InvalidGrant, err)
	}
	_, err := l.ExchangeLogin(ctx, signin.CrossDevice, good, l.proof("key"))
	l.refused("another client", signin.InvalidGrant, err)
	_, err = l.ExchangeLogin(ctx, "client", good, l.proof("key"))
	l.refused("no client", signin.InvalidGrant, err)

	used := l.proof("key")
	got, err := l.ExchangeLogin(ctx, signin.SameDevice, good, used)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.ExchangeLogin(ctx, signin.SameDevice, exchange(signin.SameDevice, l.code(signin.SameDevice)), used)
	l.refused("a proof shown again", signin.InvalidProof, err)
	// Who only saw the code cannot end what it bought; its own client showing it twice does.
	_, err = l.ExchangeLogin(ctx, signin.SameDevice, signin.CodeExchange{Code: code, RedirectURI: good.RedirectURI, Verifier: verifier[1:] + "x"}, l.proof("thief"))
	l.refused("the code without its verifier", signin.InvalidGrant, err)
	next, err := l.RefreshLogin(ctx, signin.SameDevice, got.RefreshToken, l.proof("key"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.ExchangeLogin(ctx, signin.SameDevice, good, l.proof("key"))
	l.refused("the code again", signin.InvalidGrant, err)
	_, err = l.RefreshLogin(ctx, signin.SameDevice, next.RefreshToken, l.proof("key"))
	l.refused("what the code bought", signin.InvalidGrant, err)

	late := l.code(signin.SameDevice)
	l.Clock.Pass(signin.CodeLife)
	_, err = l.ExchangeLogin(ctx, signin.SameDevice, exchange(signin.SameDevice, late), l.proof("key"))
	l.refused("a late code", signin.InvalidGrant, err)

	// A code of `aws sso login` buys nothing here, nor the other way round.
	id, secret := register(t, l.World, pkceProfile)
	ordinary, err := l.Authorize(ctx, l.who, authorization(id))
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.ExchangeLogin(ctx, signin.SameDevice, exchange(signin.SameDevice, ordinary), l.proof("key"))
	l.refused("an ordinary code", signin.InvalidGrant, err)
	_, err = l.ExchangeLogin(ctx, id, exchange(signin.SameDevice, ordinary), l.proof("key"))
	l.refused("an ordinary code of its own client", signin.InvalidGrant, err)
	_, err = l.ExchangeCode(ctx, id, secret, exchange(signin.SameDevice, l.code(signin.SameDevice)))
	l.refused("a login's code for an ordinary client", signin.InvalidGrant, err)
}

func TestLoginRefreshTokensAreBoundToAKey(t *testing.T) {
	t.Parallel()
	l := newLogin(t)
	ctx := t.Context()
	token := l.begun()
	_, err := l.RefreshLogin(ctx, signin.SameDevice, token, l.proof("thief"))
	l.refused("another key", signin.InvalidGrant, err)
	_, err = l.RefreshLogin(ctx, signin.SameDevice, token, l.proof(""))
	l.refused("no key", signin.InvalidGrant, err)
	_, err = l.RefreshLogin(ctx, signin.CrossDevice, token, l.proof("key"))
	l.refused("another client", signin.InvalidGrant, err)
	used := l.proof("key")
	next, err := l.RefreshLogin(ctx, signin.SameDevice, token, used)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.RefreshLogin(ctx, signin.SameDevice, next.RefreshToken, used)
	l.refused("a proof shown again", signin.InvalidProof, err)
	third, err := l.RefreshLogin(ctx, signin.SameDevice, next.RefreshToken, l.proof("key"))
	if err != nil {
		t.Fatal(err)
	}
	// A thief with an old token and no key ends nothing; with the key, the whole grant.
	_, err = l.RefreshLogin(ctx, signin.SameDevice, token, l.proof("thief"))
	l.refused("an old token with another key", signin.InvalidGrant, err)
	if third, err = l.RefreshLogin(ctx, signin.SameDevice, third.RefreshToken, l.proof("key")); err != nil {
		t.Fatal(err)
	}
	_, err = l.RefreshLogin(ctx, signin.SameDevice, token, l.proof("key"))
	l.refused("an old token", signin.InvalidGrant, err)
	_, err = l.RefreshLogin(ctx, signin.SameDevice, third.RefreshToken, l.proof("key"))
	l.refused("the newest token after an old one was shown", signin.InvalidGrant, err)

	// Tokens of registered clients have no key and are refused, and these are no use to such clients.
	id, secret := register(t, l.World, pkceProfile)
	code, err := l.Authorize(ctx, l.who, authorization(id))
	if err != nil {
		t.Fatal(err)
	}
	ordinary, err := l.ExchangeCode(ctx, id, secret, exchange(signin.SameDevice, code))
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.RefreshLogin(ctx, id, ordinary.RefreshToken, l.proof(""))
	l.refused("an ordinary token", signin.InvalidGrant, err)
	_, err = l.Refresh(ctx, id, secret, l.begun())
	l.refused("a login's token for an ordinary client", signin.InvalidGrant, err)
}

func TestALoginEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*logging){
		"sign-out":        func(l *logging) { _ = l.SignOut(l.t.Context(), l.secret) },
		"a disabled user": func(l *logging) { l.People.Switch(signintest.Alice, false) },
		"twelve hours":    func(l *logging) { l.Clock.Pass(signin.LoginLife) },
		"a session's end": func(l *logging) { l.Clock.Pass(l.who.Session.ExpiresAt.Sub(l.Clock.Now())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLogin(t)
			token, code := l.begun(), l.code(signin.SameDevice)
			end(l)
			_, err := l.RefreshLogin(t.Context(), signin.SameDevice, token, l.proof("key"))
			l.refused("refresh", signin.InvalidGrant, err)
			if _, err := l.ExchangeLogin(t.Context(), signin.SameDevice, exchange(signin.SameDevice, code), l.proof("key")); err == nil {
				t.Error("a code was exchanged")
			}
		})
	}
}

func TestLoginRequestsThatMustNotRedirect(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]signin.LoginRequest{
		"unknown client":        {ClientID: "arn:aws:signin:::devtools/other", RedirectURI: "http://127.0.0.1:1/oauth/callback"},
		"another host":          {ClientID: signin.SameDevice, RedirectURI: "http://evil.example/oauth/callback"},
		"https elsewhere":       {ClientID: signin.SameDevice, RedirectURI: "https://evil.example/oauth/callback"},
		"a user name":           {ClientID: signin.SameDevice, RedirectURI: "http://127.0.0.1:1@evil.example/oauth/callback"},
		"a backslash":           {ClientID: signin.SameDevice, RedirectURI: `http://127.0.0.1\@evil.example/`},
		"a script":              {ClientID: signin.SameDevice, RedirectURI: "javascript:alert(1)"},
		"a fragment":            {ClientID: signin.SameDevice, RedirectURI: "http://127.0.0.1:1/oauth/callback#x"},
		"nothing":               {ClientID: signin.SameDevice},
		"cross-device, a port":  {ClientID: signin.CrossDevice, RedirectURI: "http://127.0.0.1:1/oauth/callback"},
		"cross-device, a query": {ClientID: signin.CrossDevice, RedirectURI: "https://gatehouse.test" + signin.ConfirmationPath + "?x=1"},
	} {
		if err := signin.CheckLoginClient(r); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	l := newLogin(t)
	for name, change := range map[string]func(*signin.LoginRequest){
		"no challenge":      func(r *signin.LoginRequest) { r.Challenge = "" },
		"a plain challenge": func(r *signin.LoginRequest) { r.ChallengeMethod = "plain" },
		"no method":         func(r *signin.LoginRequest) { r.ChallengeMethod = "" },
		"a token at once":   func(r *signin.LoginRequest) { r.ResponseType = "token" },
		"another scope":     func(r *signin.LoginRequest) { r.Scope = "openid admin" },
	} {
		r := loginRequest(signin.SameDevice)
		change(&r)
		if _, err := l.AuthorizeLogin(t.Context(), l.who, r, admin); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
