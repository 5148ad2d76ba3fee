package propagation_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/propagation"
	"gatehouse/internal/seal"
	"gatehouse/internal/signin"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	ok(t, json.Unmarshal([]byte(text), &out))
	return out
}

func TestAnAssertionBecomesTokens(t *testing.T) {
	t.Parallel()
	w := start(t)
	i, err := w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	if i.Type != propagation.TypeAccessToken || i.Life != time.Hour || i.RefreshToken == "" || !slices.Equal(i.Scopes, []string{"aws", "openid", "sts:identity_context", "wiki:read", "wiki:write"}) {
		t.Errorf("got %+v", i)
	}
	// The claims of contract §4.6, and what OpenID Connect Core §2 requires.
	c := claims(t, i.IDToken)
	for name, want := range map[string]any{
		"iss": "https://gatehouse.test/oidc/x", "sub": w.ada.ID, "aud": arn.Application(w.wiki), "iat": float64(w.clock().Unix()), "exp": float64(w.clock().Add(time.Hour).Unix()),
		"auth_time": float64(w.clock().Unix()), "aws:identity_store_id": store, "aws:identity_store_arn": "arn:aws:identitystore::" + account + ":identitystore/" + store,
		"aws:instance_arn": arn.Instance(w.ins), "aws:instance_account": account, "aws:application_arn": arn.Application(w.wiki), "sts:identity_context": i.IdentityContext,
	} {
		if c[name] != want {
			t.Errorf("claim %s is %v, want %v", name, c[name], want)
		}
	}
	if act, _ := c["act"].(map[string]any); act["sub"] != w.issuer.ARN() || c["sts:audit_context"] == nil || c["aws:credential_id"] == "" {
		t.Errorf("claims %v", c)
	}
	// Only what was asked for.
	i, err = w.bearer(w.assertion(issuerKey(), nil), "wiki:read")
	ok(t, err)
	if i.IDToken != "" || i.IdentityContext != "" || !slices.Equal(i.Scopes, []string{"wiki:read"}) {
		t.Errorf("got %+v", i)
	}
	if _, err := w.bearer(w.assertion(issuerKey(), map[string]any{"who": map[string]any{"mail": "ADA@example.com"}})); err != nil {
		t.Error(err)
	}
}

func TestAssertionsThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	w := start(t)
	// «evil» is an issuer of the instance that the wiki does not accept; it publishes what it likes.
	_, err := w.apps.CreateIssuer(t.Context(), admin, application.Issuer{InstanceID: w.ins, AccountID: account, Name: "evil", URL: "https://evil.example.com", ClaimPath: "who.mail", UserPath: "emails.value"}, "")
	ok(t, err)
	w.publish("https://evil.example.com", strangerKey())
	public := must(issuerKey().Public())
	b64 := base64.RawURLEncoding.EncodeToString
	good := w.assertion(issuerKey(), nil)
	payload := strings.Split(good, ".")[1]
	hs := func(secret []byte) string {
		head := b64([]byte(`{"alg":"HS256","typ":"JWT","kid":"`+issuerKey().ID+`"}`)) + "." + payload
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(head))
		return head + "." + b64(m.Sum(nil))
	}
	jku := func() string {
		head := b64([]byte(`{"alg":"RS256","typ":"JWT","kid":"`+strangerKey().ID+`","jku":"https://evil.example.com/keys","x5u":"https://evil.example.com/keys","jwk":`+string(must(strangerKey().Public()))+`}`)) + "." + payload
		return head + "." + strings.Split(w.assertion(strangerKey(), nil), ".")[2]
	}
	for what, assertion := range map[string]string{
		"not accepted by the application": w.assertion(strangerKey(), map[string]any{"iss": "https://evil.example.com"}),
		"signed by another issuer":        w.assertion(strangerKey(), nil),
		"of nobody's issuer":              w.assertion(issuerKey(), map[string]any{"iss": "https://nobody.example.com"}),
		"issuer with a slash":             w.assertion(issuerKey(), map[string]any{"iss": outside + "/"}),
		"another audience":                w.assertion(issuerKey(), map[string]any{"aud": "api://other"}),
		"no audience":                     w.assertion(issuerKey(), map[string]any{"aud": nil}),
		"expired":                         w.assertion(issuerKey(), map[string]any{"exp": w.clock().Add(-2 * time.Minute).Unix()}),
		"no end":                          w.assertion(issuerKey(), map[string]any{"exp": nil}),
		"issued in the future":            w.assertion(issuerKey(), map[string]any{"iat": w.clock().Add(time.Hour).Unix()}),
		"not valid yet":                   w.assertion(issuerKey(), map[string]any{"nbf": w.clock().Add(time.Hour).Unix()}),
		"names nobody":                    w.assertion(issuerKey(), map[string]any{"who": map[string]any{"mail": "eve@example.com"}}),
		"no claim":                        w.assertion(issuerKey(), map[string]any{"who": nil}),
		"a claim that is no text":         w.assertion(issuerKey(), map[string]any{"who": map[string]any{"mail": []string{"ada@example.com"}}}),
		"alg none":                        b64([]byte(`{"alg":"none"}`)) + "." + payload + ".",
		"HS256 with the public key":       hs(public),
		"HS256 with the key set":          hs([]byte(w.docs[outside+"/keys"])),
		"keys it brings":                  jku(),
		"cut off":                         good[:len(good)-8],
		"no JWT":                          "x",
	} {
		i, err := w.bearer(assertion)
		refused(t, what, signin.InvalidGrant, i, err)
	}
	i, err := w.bearer(w.assertion(issuerKey(), map[string]any{"who": map[string]any{"mail": "bob@example.com"}}))
	refused(t, "a user who is not assigned", signin.AccessDenied, i, err)
	i, err = w.bearer("")
	refused(t, "no assertion", signin.InvalidRequest, i, err)
	i, err = w.bearer(good, "openid", "data:query")
	refused(t, "a scope the application has not", signin.InvalidScope, i, err)
	i, err = w.bearer(good, "sso:account:access")
	refused(t, "the scope of command lines", signin.InvalidScope, i, err)
	if _, err := w.bearer(good); err != nil {
		t.Error(err)
	}
	// The issuer is deleted: nobody is named by it any more.
	ok(t, w.apps.DeleteIssuer(t.Context(), admin, arn.InInstance{AccountID: account, InstanceID: w.ins, ID: w.issuer.ID}))
	i, err = w.bearer(good)
	refused(t, "an issuer that is gone", signin.InvalidGrant, i, err)
}

func TestAnAssertionWithAnIDIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	once := w.assertion(issuerKey(), map[string]any{"jti": "1"})
	_, err := w.bearer(once)
	ok(t, err)
	i, err := w.bearer(once)
	refused(t, "the same again", signin.InvalidGrant, i, err)
	i, err = w.bearer(w.assertion(issuerKey(), map[string]any{"jti": "1", "sub": "y"}))
	refused(t, "another with the same id", signin.InvalidGrant, i, err)
	_, err = w.bearer(w.assertion(issuerKey(), map[string]any{"jti": "2"}))
	ok(t, err)
}

func TestAnIssuerThatMisbehaves(t *testing.T) {
	t.Parallel()
	for what, docs := range map[string]map[string]string{
		"no answer":             {},
		"not JSON":              {outside + "/.well-known/openid-configuration": "<html>"},
		"another issuer":        {outside + "/.well-known/openid-configuration": `{"issuer":"https://evil.example.com","jwks_uri":"https://login.example.com/keys"}`},
		"keys over http":        {outside + "/.well-known/openid-configuration": `{"issuer":"` + outside + `","jwks_uri":"http://login.example.com/keys"}`},
		"keys that are no keys": {outside + "/.well-known/openid-configuration": `{"issuer":"` + outside + `","jwks_uri":"` + outside + `/keys"}`, outside + "/keys": `[]`},
	} {
		w := start(t)
		w.docs = docs
		i, err := w.bearer(w.assertion(issuerKey(), nil))
		refused(t, what, signin.InvalidGrant, i, err)
	}
}

func TestWhoMayNotIsRefusedWhateverHeShows(t *testing.T) {
	t.Parallel()
	w := start(t)
	first, err := w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	all := func(what, reason, refreshReason string) {
		t.Helper()
		i, err := w.bearer(w.assertion(issuerKey(), nil))
		refused(t, what+": assertion", reason, i, err)
		i, err = w.refresh(w.wiki, first.RefreshToken)
		refused(t, what+": refresh", refreshReason, i, err)
		i, err = w.exchange(w.wiki, first.AccessToken, "")
		refused(t, what+": exchange", map[string]string{signin.AccessDenied: signin.InvalidGrant, signin.InvalidGrant: signin.InvalidGrant}[reason]+map[string]string{signin.UnauthorizedClient: signin.UnauthorizedClient}[reason], i, err)
		if _, err := w.OpenContext(t.Context(), account, first.IdentityContext); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: the identity context is still good: %v", what, err)
		}
	}
	ok(t, w.apps.Unassign(t.Context(), admin, w.wiki, application.Principal{Type: application.User, ID: w.ada.ID}))
	all("unassigned", signin.AccessDenied, signin.AccessDenied)
	ok(t, w.apps.Assign(t.Context(), admin, w.wiki, application.Principal{Type: application.User, ID: w.ada.ID}))
	w.change(w.wiki, func(a *application.Application) { a.Disabled = true })
	all("application disabled", signin.UnauthorizedClient, signin.UnauthorizedClient)
	w.change(w.wiki, func(a *application.Application) { a.Disabled = false })
	w.pass(time.Second)
	w.setActive(w.ada, false)
	all("user disabled", signin.InvalidGrant, signin.AccessDenied)
	// Enabled again, she may begin anew; what she had stays dead.
	w.pass(time.Second)
	w.setActive(w.ada, true)
	w.pass(time.Second)
	i, err := w.refresh(w.wiki, first.RefreshToken)
	refused(t, "a refresh token from before she was disabled", signin.AccessDenied, i, err)
	if _, err := w.OpenContext(t.Context(), account, first.IdentityContext); !fault.Is(err, fault.Invalid) {
		t.Errorf("an identity context from before she was disabled: %v", err)
	}
	_, err = w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	// Grants taken away.
	w.change(w.wiki, func(a *application.Application) { a.Grants = application.Grants{RedirectURIs: []string{back}} })
	all("no such grant", signin.UnauthorizedClient, signin.UnauthorizedClient)
	r := w.request(arn.InInstance{AccountID: account, InstanceID: w.ins, ID: "apl-ffffffffffffffff"}, application.RefreshToken)
	i, err = w.CreateToken(t.Context(), app, r)
	refused(t, "no such application", signin.AccessDenied, i, err)
	i, err = w.CreateToken(t.Context(), app, w.request(w.wiki, "password"))
	refused(t, "no such grant type", signin.UnsupportedGrantType, i, err)
}

func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	w := start(t)
	who := w.signedIn(w.ada)
	code := w.code(who)
	i, err := w.redeem(code, nil)
	ok(t, err)
	if i.RefreshToken == "" || i.IDToken == "" || claims(t, i.IDToken)["act"] != nil {
		t.Errorf("got %+v", i)
	}
	// Shown twice: what the first exchange got is revoked too.
	again, err := w.redeem(code, nil)
	refused(t, "a code again", signin.InvalidGrant, again, err)
	again, err = w.refresh(w.wiki, i.RefreshToken)
	refused(t, "what came of it", signin.InvalidGrant, again, err)

	other := w.application("Other", func(a *application.Application) { a.Grants.RedirectURIs = []string{back} })
	for what, edit := range map[string]func(*propagation.Request){
		"another application's code": func(r *propagation.Request) { r.Application = other },
		"another redirect URI":       func(r *propagation.Request) { r.RedirectURI += "/" },
		"another verifier":           func(r *propagation.Request) { r.CodeVerifier = strings.Repeat("x", 43) },
		"the challenge as verifier":  func(r *propagation.Request) { r.CodeVerifier = w.authorization().Challenge },
		"a made-up code":             func(r *propagation.Request) { r.Code = "gtac_x" },
	} {
		i, err := w.redeem(w.code(who), edit)
		refused(t, what, signin.InvalidGrant, i, err)
	}
	for what, edit := range map[string]func(*propagation.Request){
		"no verifier": func(r *propagation.Request) { r.CodeVerifier = "" }, "no redirect URI": func(r *propagation.Request) { r.RedirectURI = "" }, "no code": func(r *propagation.Request) { r.Code = "" },
	} {
		i, err := w.redeem(w.code(who), edit)
		refused(t, what, signin.InvalidRequest, i, err)
	}
	i, err = w.redeem(w.code(who, "wiki:read"), func(r *propagation.Request) { r.Scopes = []string{"wiki:read", "wiki:write"} })
	refused(t, "a scope that was not approved", signin.InvalidScope, i, err)
	late := w.code(who)
	w.pass(signin.CodeLife)
	i, err = w.redeem(late, nil)
	refused(t, "a late code", signin.InvalidGrant, i, err)
	gone := w.code(who)
	w.change(w.wiki, func(a *application.Application) { a.Grants.RedirectURIs = []string{"https://wiki.example.com/new"} })
	i, err = w.redeem(gone, nil)
	refused(t, "a redirect URI that was taken away", signin.InvalidGrant, i, err)
	w.change(w.wiki, func(a *application.Application) { a.Grants.RedirectURIs = []string{back} })
	out := w.code(who)
	w.signOut(who)
	i, err = w.redeem(out, nil)
	refused(t, "after signing out", signin.InvalidGrant, i, err)
}

func TestAuthorizationRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	for what, row := range map[string]struct {
		edit   func(*signin.AuthorizationRequest)
		reason string
	}{
		"another address":     {func(r *signin.AuthorizationRequest) { r.RedirectURI = "https://evil.example.com/" }, signin.InvalidRedirectURI},
		"another path":        {func(r *signin.AuthorizationRequest) { r.RedirectURI = back + "/x" }, signin.InvalidRedirectURI},
		"another port":        {func(r *signin.AuthorizationRequest) { r.RedirectURI = "https://wiki.example.com:8443/back" }, signin.InvalidRedirectURI},
		"no such application": {func(r *signin.AuthorizationRequest) { r.ClientID = r.ClientID[:len(r.ClientID)-1] + "z" }, signin.InvalidClient},
		"another account's ARN": {func(r *signin.AuthorizationRequest) {
			r.ClientID = strings.Replace(r.ClientID, account, "999999999999", 1)
		}, signin.InvalidClient},
		"no ARN":          {func(r *signin.AuthorizationRequest) { r.ClientID = "arn:x" }, signin.InvalidClient},
		"no such grant":   {func(r *signin.AuthorizationRequest) { r.ClientID = arn.Application(w.data) }, signin.UnauthorizedClient},
		"a long state":    {func(r *signin.AuthorizationRequest) { r.State = strings.Repeat("x", signin.MaxState+1) }, signin.InvalidRequest},
		"no PKCE":         {func(r *signin.AuthorizationRequest) { r.Challenge, r.ChallengeMethod = "", "" }, signin.InvalidRequest},
		"plain PKCE":      {func(r *signin.AuthorizationRequest) { r.ChallengeMethod = "plain" }, signin.InvalidRequest},
		"a foreign scope": {func(r *signin.AuthorizationRequest) { r.Scopes = []string{"data:query"} }, signin.InvalidScope},
	} {
		r := w.authorization()
		row.edit(&r)
		if code, err := w.Authorize(t.Context(), w.signedIn(w.ada), r); code != "" || fault.Of(err) == nil || fault.Of(err).Reason != row.reason {
			t.Errorf("%s: %q, %v", what, code, err)
		}
	}
	if code, err := w.Authorize(t.Context(), w.signedIn(w.bob), w.authorization()); code != "" || !fault.Is(err, fault.Denied) {
		t.Errorf("a user who is not assigned: %q, %v", code, err)
	}
	w.change(w.wiki, func(a *application.Application) { a.Disabled = true })
	if _, err := w.AuthorizationClient(t.Context(), w.authorization()); fault.Of(err) == nil || fault.Of(err).Reason != signin.InvalidClient {
		t.Errorf("a disabled application: %v", err)
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	t.Parallel()
	w := start(t)
	one, err := w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	two, err := w.refresh(w.wiki, one.RefreshToken)
	ok(t, err)
	// The answer was lost: the same token again gets the same successor.
	again, err := w.refresh(w.wiki, one.RefreshToken)
	ok(t, err)
	if again.RefreshToken != two.RefreshToken || again.AccessToken == two.AccessToken || two.RefreshToken == one.RefreshToken {
		t.Errorf("one %q, two %q, again %q", one.RefreshToken, two.RefreshToken, again.RefreshToken)
	}
	i, err := w.refresh(w.data, two.RefreshToken)
	refused(t, "another application's refresh token", signin.InvalidGrant, i, err)
	i, err = w.refresh(w.wiki, two.AccessToken)
	refused(t, "an access token as refresh token", signin.InvalidGrant, i, err)
	narrow, err := w.refresh(w.wiki, two.RefreshToken, "wiki:read")
	ok(t, err)
	if !slices.Equal(narrow.Scopes, []string{"wiki:read"}) || narrow.IDToken != "" {
		t.Errorf("got %+v", narrow)
	}
	// The successor was used: the first is a copy in somebody else's hands, and all ends.
	i, err = w.refresh(w.wiki, one.RefreshToken)
	refused(t, "a copy", signin.InvalidGrant, i, err)
	i, err = w.refresh(w.wiki, narrow.RefreshToken)
	refused(t, "after a copy was seen", signin.InvalidGrant, i, err)
	i, err = w.exchange(w.wiki, again.AccessToken, "")
	refused(t, "access tokens after a copy was seen", signin.InvalidGrant, i, err)
}

func TestScopesDoNotGrow(t *testing.T) {
	t.Parallel()
	w := start(t)
	i, err := w.bearer(w.assertion(issuerKey(), nil), "wiki:read")
	ok(t, err)
	for _, sc := range []string{"wiki:write", "openid", "sts:identity_context", "data:query"} {
		more, err := w.refresh(w.wiki, i.RefreshToken, sc)
		refused(t, "refresh with "+sc, signin.InvalidScope, more, err)
		more, err = w.exchange(w.wiki, i.AccessToken, "", sc)
		refused(t, "exchange of its own token with "+sc, signin.InvalidScope, more, err)
	}
	own, err := w.exchange(w.wiki, i.AccessToken, "")
	ok(t, err)
	if !slices.Equal(own.Scopes, []string{"wiki:read"}) {
		t.Errorf("its own token again: %v", own.Scopes)
	}
	// A scope taken from the application is not refreshed.
	w.change(w.wiki, func(a *application.Application) { a.Scopes = a.Scopes[1:] })
	more, err := w.refresh(w.wiki, i.RefreshToken)
	refused(t, "a scope that the application has no more", signin.InvalidScope, more, err)
}

func TestTokenExchange(t *testing.T) {
	t.Parallel()
	w := start(t)
	one, err := w.bearer(w.assertion(issuerKey(), nil), "wiki:read", "openid")
	ok(t, err)
	two, err := w.exchange(w.data, one.AccessToken, "")
	ok(t, err)
	if two.Type != propagation.TypeAccessToken || two.RefreshToken != "" || !slices.Contains(two.Scopes, "data:query") || claims(t, two.IDToken)["sub"] != w.ada.ID || claims(t, two.IDToken)["aud"] != arn.Application(w.data) {
		t.Errorf("got %+v", two)
	}
	i, err := w.exchange(w.wiki, two.AccessToken, "")
	if err != nil { // data:query has no targets, which means any
		t.Errorf("back again: %v", err)
	}
	untargeted, err := w.bearer(w.assertion(issuerKey(), nil), "wiki:write", "openid", "aws")
	ok(t, err)
	i, err = w.exchange(w.data, untargeted.AccessToken, "")
	refused(t, "a token whose scopes have other targets", signin.InvalidGrant, i, err)
	i, err = w.exchange(w.data, one.RefreshToken, "")
	refused(t, "a refresh token", signin.InvalidGrant, i, err)
	i, err = w.exchange(w.data, one.IDToken, "")
	refused(t, "an ID token", signin.InvalidGrant, i, err)
	i, err = w.exchange(w.data, "gtat_x", "")
	refused(t, "a made-up token", signin.InvalidGrant, i, err)
	i, err = w.exchange(w.data, one.AccessToken, "urn:ietf:params:oauth:token-type:id_token")
	refused(t, "another type", signin.InvalidRequest, i, err)
	r := w.request(w.data, application.TokenExchange)
	r.SubjectToken = one.AccessToken
	i, err = w.CreateToken(t.Context(), app, r)
	refused(t, "no subject token type", signin.InvalidRequest, i, err)
	// The scope is taken from the wiki: its tokens open nothing any more.
	w.change(w.wiki, func(a *application.Application) { a.Scopes = a.Scopes[1:] })
	i, err = w.exchange(w.data, one.AccessToken, "")
	refused(t, "a scope that the other application has no more", signin.InvalidGrant, i, err)
	w.pass(propagation.AccessLife)
	i, err = w.exchange(w.data, two.AccessToken, "")
	refused(t, "an expired token", signin.InvalidGrant, i, err)
}

func TestBackgroundSessionsOutliveSigningOut(t *testing.T) {
	t.Parallel()
	w := start(t)
	who := w.signedIn(w.ada)
	one, err := w.redeem(w.code(who), nil)
	ok(t, err)
	plain, err := w.exchange(w.data, one.AccessToken, "")
	ok(t, err)
	job, err := w.exchange(w.data, one.AccessToken, propagation.TypeRefreshToken)
	ok(t, err)
	if job.Type != propagation.TypeRefreshToken || job.RefreshToken == "" {
		t.Errorf("got %+v", job)
	}
	// A job cannot prolong itself: what is exchanged from it ends with it.
	w.pass(time.Hour / 2)
	prolonged, err := w.exchange(w.data, job.AccessToken, propagation.TypeRefreshToken)
	ok(t, err)
	end := func(i propagation.Issued) time.Time {
		_, g, err := w.db.Propagation().RefreshToken(t.Context(), signin.Hash(i.RefreshToken))
		ok(t, err)
		return g.ExpiresAt
	}
	if a, b := end(job), end(prolonged); !a.Equal(b) || !a.Equal(w.clock().Add(propagation.BackgroundLife-time.Hour/2)) {
		t.Errorf("the job ends %s, what was exchanged from it %s", a, b)
	}
	w.change(w.data, func(a *application.Application) { a.BackgroundSessions = false })
	i, err := w.exchange(w.data, one.AccessToken, propagation.TypeRefreshToken)
	refused(t, "where none are allowed", signin.UnauthorizedClient, i, err)
	w.signOut(who)
	i, err = w.exchange(w.data, plain.AccessToken, "")
	refused(t, "an ordinary token after signing out", signin.InvalidGrant, i, err)
	i, err = w.refresh(w.wiki, one.RefreshToken)
	refused(t, "a refresh after signing out", signin.InvalidGrant, i, err)
	w.pass(6 * 24 * time.Hour)
	job, err = w.refresh(w.data, job.RefreshToken)
	ok(t, err)
	w.setActive(w.ada, false)
	i, err = w.refresh(w.data, job.RefreshToken)
	refused(t, "a job of somebody who was disabled", signin.AccessDenied, i, err)
	w.setActive(w.ada, true)
	w.pass(2 * 24 * time.Hour)
	i, err = w.refresh(w.data, job.RefreshToken)
	refused(t, "after a week", signin.InvalidGrant, i, err)
}

// TestBackgroundSessionsEndWithTheirSource: a job whose portal session is long over ends for good when the identity source that vouched for it, or that one's identity
// provider, is removed. What other sources vouched for, and what the next provider does, stays.
func TestBackgroundSessionsEndWithTheirSource(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*world) error{
		"provider": func(w *world) error {
			src, err := w.people.RemoveProvider(t.Context(), admin, "okta", time.Time{})
			if src.ProviderClosing {
				t.Error("the removal is not over")
			}
			return err
		},
		"directory": func(w *world) error {
			if _, err := w.people.DeleteSource(t.Context(), admin, "okta", directory.Release, time.Time{}); err != nil {
				return err
			}
			w.source("okta")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			job := func(source string) propagation.Issued {
				t.Helper()
				who := w.signedIn(w.ada, signin.Proof{Method: signin.SAML, SourceID: source})
				one, err := w.redeem(w.code(who), nil)
				ok(t, err)
				job, err := w.exchange(w.data, one.AccessToken, propagation.TypeRefreshToken)
				ok(t, err)
				w.signOut(who)
				return job
			}
			w.source("okta")
			w.source("entra")
			gone, stays := job("okta"), job("entra")
			w.pass(time.Minute)
			ok(t, remove(w))
			w.pass(time.Minute)
			i, err := w.refresh(w.data, gone.RefreshToken)
			refused(t, "a job of the removed source", signin.InvalidGrant, i, err)
			i, err = w.exchange(w.data, gone.AccessToken, "")
			refused(t, "an exchange of its token", signin.InvalidGrant, i, err)
			if _, err := w.OpenContext(t.Context(), account, gone.IdentityContext); fault.Of(err) == nil || fault.Of(err).Reason != propagation.ContextExpired {
				t.Errorf("its identity context: %v", err)
			}
			_, err = w.refresh(w.data, stays.RefreshToken)
			ok(t, err)
			_, err = w.refresh(w.data, job("okta").RefreshToken)
			ok(t, err)
		})
	}
}

// TestSignedOutEverywhere: no grant outlives it, whatever it hangs on; what she is given afterwards is good.
func TestSignedOutEverywhere(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.change(w.wiki, func(a *application.Application) {
		a.Scopes = append([]application.Scope{{Name: signin.ScopeAccountAccess}}, a.Scopes...)
	})
	who := w.signedIn(w.ada)
	one, err := w.redeem(w.code(who), nil)
	ok(t, err)
	job, err := w.exchange(w.data, one.AccessToken, propagation.TypeRefreshToken)
	ok(t, err)
	vouched, err := w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	w.pass(time.Second)
	w.signOut(who)
	w.revoked = w.clock()
	i, err := w.refresh(w.data, job.RefreshToken)
	refused(t, "a job", signin.InvalidGrant, i, err)
	i, err = w.refresh(w.wiki, vouched.RefreshToken)
	refused(t, "what an outside issuer's word began", signin.InvalidGrant, i, err)
	i, err = w.exchange(w.data, vouched.AccessToken, "")
	refused(t, "an exchange of it", signin.InvalidGrant, i, err)
	if who, err := w.Bearer(t.Context(), vouched.AccessToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("at the portal: %v, %v", who.User.UserName, err)
	}
	if _, err := w.OpenContext(t.Context(), account, vouched.IdentityContext); fault.Of(err) == nil || fault.Of(err).Reason != propagation.ContextExpired {
		t.Errorf("the identity context: %v", err)
	}
	again, err := w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	if got, err := w.Bearer(t.Context(), again.AccessToken); err != nil || got.User.ID != w.ada.ID {
		t.Errorf("what began afterwards: %v", err)
	}
}

func TestIdentityContext(t *testing.T) {
	t.Parallel()
	w := start(t)
	i, err := w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	c, err := w.OpenContext(t.Context(), account, i.IdentityContext)
	ok(t, err)
	id := claims(t, i.IDToken)
	for key, want := range map[string]any{
		"identitystore:UserId": w.ada.ID, "identitystore:IdentityStoreArn": "arn:aws:identitystore::" + account + ":identitystore/" + store, "identitycenter:ApplicationArn": arn.Application(w.wiki),
		"identitycenter:CredentialId": id["aws:credential_id"], "identitycenter:InstanceArn": arn.Instance(w.ins),
	} {
		if c.Keys[key] != want {
			t.Errorf("%s is %q, want %q", key, c.Keys[key], want)
		}
	}
	auditing, err := w.OpenContext(t.Context(), account, id["sts:audit_context"].(string))
	if err != nil || auditing.UserID != w.ada.ID || len(auditing.Keys) != 0 {
		t.Errorf("an audit context: %+v %v", auditing, err)
	}
	sealed := must(base64.RawURLEncoding.DecodeString(i.IdentityContext))
	altered := slices.Clone(sealed)
	altered[len(altered)-1] ^= 1
	for what, assertion := range map[string]string{
		"altered": base64.RawURLEncoding.EncodeToString(altered), "cut off": i.IdentityContext[:len(i.IdentityContext)-4], "empty": "", "no base64": "!", "huge": strings.Repeat("A", 4096),
		"the ID token": i.IDToken, "the access token": i.AccessToken,
	} {
		if c, err := w.OpenContext(t.Context(), account, assertion); !fault.Is(err, fault.Invalid) || c.UserID != "" {
			t.Errorf("%s: %+v %v", what, c, err)
		}
	}
	if _, err := w.OpenContext(t.Context(), "999999999999", i.IdentityContext); !fault.Is(err, fault.Invalid) {
		t.Errorf("shown by another account: %v", err)
	}
	for what, other := range map[string]*propagation.Service{
		"another keyset": propagation.NewService(w.config(must(seal.Parse(must(seal.Generate()))), w.ins)), "another instance": propagation.NewService(w.config(w.sealer, "ssoins-ffffffffffffffff")),
	} {
		if _, err := other.OpenContext(t.Context(), account, i.IdentityContext); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.pass(propagation.AccessLife)
	if _, err := w.OpenContext(t.Context(), account, i.IdentityContext); !fault.Is(err, fault.Invalid) || fault.Of(err).Reason != propagation.ContextExpired {
		t.Errorf("after its life: %v", err)
	}
}

func TestSweepRemovesWhatIsOver(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, err := w.bearer(w.assertion(issuerKey(), map[string]any{"jti": "1"}))
	ok(t, err)
	if n, err := w.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	w.pass(9 * time.Hour)
	if n, err := w.Sweep(t.Context()); n != 4 || err != nil { // grant, access token, refresh token, assertion
		t.Errorf("%d %v", n, err)
	}
}

func TestThePortalTakesTokensWithItsScopeAlone(t *testing.T) {
	t.Parallel()
	w := start(t)
	plain, err := w.bearer(w.assertion(issuerKey(), nil))
	ok(t, err)
	scope := func(targets ...string) {
		w.change(w.wiki, func(a *application.Application) {
			a.Scopes = append(slices.DeleteFunc(a.Scopes, func(s application.Scope) bool { return s.Name == signin.ScopeAccountAccess }), application.Scope{Name: signin.ScopeAccountAccess, Targets: targets})
			slices.SortFunc(a.Scopes, func(a, b application.Scope) int { return strings.Compare(a.Name, b.Name) })
		})
	}
	scope()
	out := func(what, token string) {
		t.Helper()
		if who, err := w.Bearer(t.Context(), token); !fault.Is(err, fault.Unauthenticated) || who.User.ID != "" {
			t.Errorf("%s: %v %v", what, who.User.UserName, err)
		}
		if err := w.SignOutBearer(t.Context(), token); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: signed out: %v", what, err)
		}
	}
	in := func(what, token string) {
		t.Helper()
		if who, err := w.Bearer(t.Context(), token); err != nil || who.User.ID != w.ada.ID || who.Session.ID == "" {
			t.Errorf("%s: %v %v", what, who, err)
		}
	}
	out("granted before the scope", plain.AccessToken)
	one, err := w.bearer(w.assertion(issuerKey(), nil), signin.ScopeAccountAccess)
	ok(t, err)
	in("for any target", one.AccessToken)
	out("a refresh token", one.RefreshToken)
	out("nothing", "")
	scope(arn.Application(w.data))
	out("for another target", one.AccessToken)
	scope(arn.Instance(w.ins))
	in("for the instance", one.AccessToken)
	w.undelegated = true
	out("of an account that administers nothing", one.AccessToken)
	w.undelegated = false
	who := w.signedIn(w.ada)
	coded, err := w.redeem(w.code(who, signin.ScopeAccountAccess), nil)
	ok(t, err)
	if got, err := w.Bearer(t.Context(), coded.AccessToken); err != nil || got.Session.ID != who.Session.ID {
		t.Errorf("begun in the portal: %v %v", got.Session.ID, err)
	}
	w.signOut(who)
	out("begun in the portal, which was left", coded.AccessToken)
	ok(t, w.SignOutBearer(t.Context(), one.AccessToken))
	out("signed out", one.AccessToken)
	two, err := w.bearer(w.assertion(issuerKey(), nil), signin.ScopeAccountAccess)
	ok(t, err)
	w.change(w.wiki, func(a *application.Application) { a.Scopes = nil })
	out("a scope that was taken away", two.AccessToken)
}
