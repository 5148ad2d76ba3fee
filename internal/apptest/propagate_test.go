package apptest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/jwt"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
	"gatehouse/internal/signin/signintest"
)

const wikiBack = "https://wiki.example.com/back"

// propagating is a world with an application, the wiki, that ann may use, and an issuer of tokens on this machine.
type propagating struct {
	*world
	account string
	wiki    arn.InInstance
	key     jwt.PrivateKey
	issuer  string
	// app are the keys of the user whose policies and whose name in the wiki's authentication method let it act as the wiki.
	app keys
}

func newPropagating(t *testing.T) *propagating {
	t.Helper()
	p := &propagating{world: newSignIn(t)}
	ctx := t.Context()
	p.account = p.Instance.OwnerAccountID
	var err error
	p.key, err = jwt.NewPrivateKey(jwt.RS256)
	p.ok(err)
	public, err := p.key.Public()
	p.ok(err)
	set, err := jwt.KeySet(public)
	p.ok(err)
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.issuer = srv.URL
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, p.issuer, p.issuer+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
	issuer, err := p.Applications.CreateIssuer(ctx, tester, application.Issuer{InstanceID: p.Instance.ID, AccountID: p.account, Name: "login", URL: p.issuer, ClaimPath: "upn", UserPath: "userName"}, "")
	p.ok(err)
	made, err := p.Applications.Create(ctx, tester, application.Application{InstanceID: p.Instance.ID, AccountID: p.account, Provider: "custom", Name: "Wiki"}, "")
	p.ok(err)
	p.wiki = arn.InInstance{AccountID: p.account, InstanceID: p.Instance.ID, ID: made.ID}
	p.app = p.user("app", p.account, `"sso-oauth:CreateTokenWithIAM","sts:AssumeRole","sts:SetContext"`)
	_, err = p.Applications.Update(ctx, tester, p.wiki, "UpdateApplication", func(a *application.Application) error {
		a.Grants = application.Grants{RedirectURIs: []string{wikiBack}, RefreshToken: true, Issuers: []application.TrustedIssuer{{AccountID: p.account, InstanceID: p.Instance.ID, IssuerID: issuer.ID, Audiences: []string{"wiki"}}}}
		a.ActorPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + p.account + `:user/app","arn:aws:iam::` + p.account + `:user/unpermitted"]},"Action":"sso-oauth:CreateTokenWithIAM","Resource":"*"}]}`
		return nil
	})
	p.ok(err)
	p.ok(p.Applications.Assign(ctx, tester, p.wiki, application.Principal{Type: application.User, ID: p.world.user(ann).ID}))
	return p
}

// user makes an IAM user who may do some actions, and returns its key.
func (p *propagating) user(name, account, actions string) keys {
	p.t.Helper()
	_, err := p.IAM.CreateUser(p.t.Context(), tester, localiam.User{Identity: localiam.Identity{AccountID: account, Name: name}})
	p.ok(err)
	p.ok(p.IAM.PutInline(p.t.Context(), tester, localiam.UserRef(account, name),
		localiam.InlinePolicy{Name: "may", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`}))
	k, err := p.IAM.CreateAccessKey(p.t.Context(), tester, account, name)
	p.ok(err)
	return keys{AccessKeyID: k.ID, SecretAccessKey: k.Secret}
}

// role makes a role that sessions of Ann alone may list users with. actions is what its trust policy allows.
func (p *propagating) role(name, actions, condition string) string {
	p.t.Helper()
	r, err := p.IAM.CreateRole(p.t.Context(), tester, localiam.Role{
		Identity:    localiam.Identity{AccountID: p.account, Name: name},
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + p.account + `"},"Action":[` + actions + `]` + condition + `}]}`,
	})
	p.ok(err)
	p.ok(p.IAM.PutInline(p.t.Context(), tester, localiam.RoleRef(p.account, name), localiam.InlinePolicy{Name: "hers",
		Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"StringEquals":{"identitystore:UserId":"` + p.world.user(ann).ID + `","identitycenter:ApplicationArn":"` + arn.Application(p.wiki) + `"}}}]}`}))
	return r.ARN()
}

// assertion is a token of the issuer about somebody.
func (p *propagating) assertion(upn string) string {
	p.t.Helper()
	return p.assertionFor(upn, "wiki")
}

// assertionFor is one for another audience.
func (p *propagating) assertionFor(upn, audience string) string {
	p.t.Helper()
	s, err := jwt.Sign(p.key, map[string]any{"iss": p.issuer, "aud": audience, "sub": "1", "upn": upn, "iat": p.Clock.Now().Unix(), "exp": p.Clock.Now().Add(time.Minute).Unix()})
	p.ok(err)
	return s
}

// token calls CreateTokenWithIAM, signed by the SDK.
func (p *propagating) token(k keys, in map[string]any) (int, string, map[string]any) {
	p.t.Helper()
	in["clientId"] = arn.Application(p.wiki)
	b, err := json.Marshal(in)
	p.ok(err)
	r, err := http.NewRequest("POST", p.URL+"/token?aws_iam=t", bytes.NewReader(b))
	p.ok(err)
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(b)
	p.ok(v4.NewSigner().SignHTTP(p.t.Context(), aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken},
		r, hex.EncodeToString(sum[:]), "sso-oauth", p.Config.Region, p.Clock.Now()))
	res, err := http.DefaultClient.Do(r)
	p.ok(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	p.ok(err)
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil || res.StatusCode >= 500 {
		p.t.Fatalf("CreateTokenWithIAM: HTTP %d %s", res.StatusCode, raw)
	}
	return res.StatusCode, res.Header.Get("x-amzn-ErrorType"), out
}

func (p *propagating) bearer(k keys, upn string) (int, string, map[string]any) {
	p.t.Helper()
	return p.token(k, map[string]any{"grantType": string(application.JWTBearer), "assertion": p.assertion(upn)})
}

// assume assumes a role with a context.
func (p *propagating) assume(k keys, role, context string) (int, string) {
	p.t.Helper()
	form := "Action=AssumeRole&Version=2011-06-15&RoleSessionName=job&RoleArn=" + url.QueryEscape(role)
	if context != "" {
		form += "&ProvidedContexts.member.1.ProviderArn=" + url.QueryEscape(localiam.ContextProvider) + "&ProvidedContexts.member.1.ContextAssertion=" + url.QueryEscape(context)
	}
	return p.query(k, "sts", form)
}

func sessionKeys(body string) keys {
	part := func(name string) string {
		_, after, _ := strings.Cut(body, "<"+name+">")
		value, _, _ := strings.Cut(after, "</"+name+">")
		return value
	}
	return keys{AccessKeyID: part("AccessKeyId"), SecretAccessKey: part("SecretAccessKey"), SessionToken: part("SessionToken")}
}

const listUsers = "Action=ListUsers&Version=2010-05-08"

// TestAnApplicationActsForAPerson: an outside issuer's token becomes a role session that knows who stands behind it, and ends with her.
func TestAnApplicationActsForAPerson(t *testing.T) {
	t.Parallel()
	p := newPropagating(t)
	status, _, out := p.bearer(p.app, ann)
	if status != http.StatusOK || out["accessToken"] == nil || out["idToken"] == nil || out["refreshToken"] == nil {
		t.Fatalf("HTTP %d %v", status, out)
	}
	// Anybody can verify the ID token with what the issuer that it names publishes.
	get := func(_ context.Context, url string) ([]byte, error) {
		res, err := http.Get(url)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		return io.ReadAll(res.Body)
	}
	ring := jwt.NewKeyring(get, p.Clock.Now)
	verified, err := ring.Verify(t.Context(), out["idToken"].(string), p.URL+"/oidc/"+p.Instance.ID, []string{arn.Application(p.wiki)})
	if err != nil || verified.Subject != p.world.user(ann).ID {
		t.Fatalf("the ID token: %v of %q", err, verified.Subject)
	}
	said := out["awsAdditionalDetails"].(map[string]any)["identityContext"].(string)
	const both = `"sts:AssumeRole","sts:SetContext"`
	expects := `,"Condition":{"StringEquals":{"sts:RequestContext/identitycenter:InstanceArn":"` + arn.Instance(p.Instance.ID) + `"},"ForAllValues:ArnEquals":{"sts:RequestContextProviders":"` + localiam.ContextProvider + `"}}`
	data := p.role("data", both, expects)
	status, body := p.assume(p.app, data, said)
	if status != http.StatusOK {
		t.Fatalf("AssumeRole: HTTP %d %s", status, body)
	}
	session := sessionKeys(body)
	if status, body := p.query(session, "iam", listUsers); status != http.StatusOK {
		t.Errorf("with the context: HTTP %d %s", status, body)
	}

	open := p.role("open", both, "")
	status, body = p.assume(p.app, open, "")
	if status != http.StatusOK {
		t.Fatalf("without a context: HTTP %d %s", status, body)
	}
	if status, _ := p.query(sessionKeys(body), "iam", listUsers); status != http.StatusForbidden {
		t.Errorf("without a context the session may list users: HTTP %d", status)
	}
	// An audit context says for logs alone who she is.
	part := strings.Split(out["idToken"].(string), ".")[1]
	raw, err := base64.RawURLEncoding.DecodeString(part)
	p.ok(err)
	var id map[string]any
	p.ok(json.Unmarshal(raw, &id))
	status, body = p.assume(p.app, open, id["sts:audit_context"].(string))
	if status != http.StatusOK {
		t.Fatalf("an audit context: HTTP %d %s", status, body)
	}
	if status, _ := p.query(sessionKeys(body), "iam", listUsers); status != http.StatusForbidden {
		t.Errorf("with an audit context the session may list users: HTTP %d", status)
	}
	// A role assumed with that session does not inherit the context, and still ends with her.
	status, body = p.assume(session, open, "")
	if status == http.StatusOK {
		t.Errorf("the session may assume roles, which no policy allows")
	}

	other := keys{}
	if acct, err := p.Organization.CreateAccount(t.Context(), tester, "other", "other@example.com", nil); err != nil {
		t.Fatal(err)
	} else {
		other = p.user("app", acct.ID, both)
		_, err := p.IAM.CreateRole(t.Context(), tester, localiam.Role{Identity: localiam.Identity{AccountID: acct.ID, Name: "there"},
			TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + acct.ID + `"},"Action":[` + both + `]}]}`})
		p.ok(err)
		if status, body := p.assume(other, "arn:aws:iam::"+acct.ID+":role/there", said); status != http.StatusBadRequest || !strings.Contains(body, "ValidationError") {
			t.Errorf("shown in another account: HTTP %d %s", status, body)
		}
	}
	altered := []byte(said)
	altered[len(altered)/2] ^= 1
	for what, c := range map[string]struct {
		k             keys
		role, context string
		status        int
		code          string
	}{
		"the trust policy does not allow SetContext": {p.app, p.role("trustless", `"sts:AssumeRole"`, ""), said, http.StatusForbidden, "sts:SetContext"},
		"the caller may not SetContext":              {p.user("timid", p.account, `"sts:AssumeRole"`), open, said, http.StatusForbidden, "sts:SetContext"},
		"the context lacks what trust wants":         {p.app, data, "", http.StatusForbidden, "AccessDenied"},
		"an altered context":                         {p.app, open, string(altered), http.StatusBadRequest, "ValidationError"},
		"an ID token as context":                     {p.app, open, id["aws:credential_id"].(string), http.StatusBadRequest, "ValidationError"},
	} {
		if status, body := p.assume(c.k, c.role, c.context); status != c.status || !strings.Contains(body, c.code) {
			t.Errorf("%s: HTTP %d %s", what, status, body)
		}
	}
	if status, body := p.query(p.app, "sts", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=job&RoleArn="+url.QueryEscape(open)+
		"&ProvidedContexts.member.1.ProviderArn=arn:aws:iam::aws:contextProvider/Other&ProvidedContexts.member.1.ContextAssertion="+url.QueryEscape(said)); status != http.StatusBadRequest {
		t.Errorf("another provider: HTTP %d %s", status, body)
	}
	// Signing her out everywhere takes it from the application too, which needs no session of hers.
	p.Clock.Move(time.Second)
	p.admin("DELETE", "/api/v1/users/"+ann+"/sessions", "")
	if status, body := p.query(session, "iam", listUsers); status != http.StatusForbidden || !strings.Contains(body, "ExpiredToken") {
		t.Errorf("the session after she was signed out: HTTP %d %s", status, body)
	}
	if status, body := p.assume(p.app, open, said); status != http.StatusBadRequest || !strings.Contains(body, "ExpiredTokenException") {
		t.Errorf("the context after she was signed out: HTTP %d %s", status, body)
	}
	if status, code, _ := p.token(p.app, map[string]any{"grantType": string(application.RefreshToken), "refreshToken": out["refreshToken"]}); status != http.StatusBadRequest || code != "InvalidGrantException" {
		t.Errorf("the refresh token after she was signed out: HTTP %d %s", status, code)
	}
	if _, _, out = p.bearer(p.app, ann); out["awsAdditionalDetails"] == nil {
		t.Fatalf("a new assertion: %v", out)
	}
	said = out["awsAdditionalDetails"].(map[string]any)["identityContext"].(string)
	if status, body = p.assume(p.app, data, said); status != http.StatusOK {
		t.Fatalf("AssumeRole: HTTP %d %s", status, body)
	}
	session = sessionKeys(body)

	p.Clock.Move(time.Second)
	p.setActive(ann, false)
	if status, body := p.query(session, "iam", listUsers); status != http.StatusForbidden || !strings.Contains(body, "ExpiredToken") {
		t.Errorf("the session after she was disabled: HTTP %d %s", status, body)
	}
	if status, body := p.assume(p.app, open, said); status != http.StatusBadRequest || !strings.Contains(body, "ExpiredTokenException") {
		t.Errorf("the context after she was disabled: HTTP %d %s", status, body)
	}
	p.Clock.Move(time.Second)
	p.setActive(ann, true)
	if status, _ := p.query(session, "iam", listUsers); status != http.StatusForbidden {
		t.Errorf("the session came back with her: HTTP %d", status)
	}
}

// TestAnApplicationOfAMemberAccountOpensNoOtherAccount: every account may make applications, name any issuer and audience for them, and open them to everybody. That
// gives its administrators tokens about people, and must not give them what these people may do in other accounts.
func TestAnApplicationOfAMemberAccountOpensNoOtherAccount(t *testing.T) {
	t.Parallel()
	p := newPropagating(t)
	ctx := t.Context()
	p.grant("ReadOnly", access.Principal{Type: access.Group, ID: p.groupID("Devs")})
	member, err := p.Organization.CreateAccount(ctx, tester, "other", "other@example.com", nil)
	p.ok(err)
	k := p.user("mallory", member.ID, `"sso:*","sso-oauth:CreateTokenWithIAM"`)
	do := func(operation, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest("POST", p.URL+"/", strings.NewReader(body))
		p.ok(err)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "SWBExternalService."+operation)
		p.ok(awswire.Sign(r, []byte(body), awswire.Key{ID: k.AccessKeyID, Secret: k.SecretAccessKey}, p.Config.Region, "sso", p.Clock.Now()))
		res, err := http.DefaultClient.Do(r)
		p.ok(err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		p.ok(err)
		return res.StatusCode, string(b)
	}
	status, body := do("CreateApplication", `{"InstanceArn":"`+arn.Instance(p.Instance.ID)+`","ApplicationProviderArn":"arn:aws:sso::aws:applicationProvider/custom","Name":"Nice"}`)
	var made struct{ ApplicationArn string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != http.StatusOK {
		t.Fatalf("HTTP %d %s", status, body)
	}
	issuers, err := p.Applications.Issuers(ctx, p.Instance.ID, "", 10)
	p.ok(err)
	on := `{"ApplicationArn":"` + made.ApplicationArn + `",`
	for operation, rest := range map[string]string{
		"PutApplicationAssignmentConfiguration": `"AssignmentRequired":false}`,
		"PutApplicationGrant":                   `"GrantType":"` + string(application.JWTBearer) + `","Grant":{"JwtBearer":{"AuthorizedTokenIssuers":[{"AuthorizedAudiences":["any"],"TrustedTokenIssuerArn":"` + issuers[0].ARN() + `"}]}}}`,
		"PutApplicationAuthenticationMethod": `"AuthenticationMethodType":"IAM","AuthenticationMethod":{"Iam":{"ActorPolicy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` +
			member.ID + `:user/mallory"},"Action":"sso-oauth:CreateTokenWithIAM","Resource":"*"}]}}}}`,
	} {
		if status, body := do(operation, on+rest); status != http.StatusOK {
			t.Fatalf("%s: HTTP %d %s", operation, status, body)
		}
	}
	if status, body := do("PutApplicationAccessScope", on+`"Scope":"sso:account:access"}`); status != http.StatusBadRequest || !strings.Contains(body, "every account") {
		t.Errorf("PutApplicationAccessScope: HTTP %d %s", status, body)
	}
	// However it got the scope: from a server of before, or while its account was a delegate.
	p.wiki, err = arn.ParseApplication(made.ApplicationArn)
	p.ok(err)
	p.ok(p.Applications.PutScope(ctx, tester, p.wiki, application.Scope{Name: "sso:account:access"}))
	status, code, out := p.token(k, map[string]any{"grantType": string(application.JWTBearer), "assertion": p.assertionFor(ann, "any")})
	if status != http.StatusOK {
		t.Fatalf("HTTP %d %s %v", status, code, out)
	}
	portal := func(want int) {
		t.Helper()
		for _, path := range []string{"/assignment/accounts", "/federation/credentials?account_id=" + p.account + "&role_name=ReadOnly"} {
			r, err := http.NewRequest("GET", p.URL+path, nil)
			p.ok(err)
			r.Header.Set("x-amz-sso_bearer_token", out["accessToken"].(string))
			res, err := http.DefaultClient.Do(r)
			p.ok(err)
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s: HTTP %d, want %d", path, res.StatusCode, want)
			}
		}
	}
	portal(http.StatusUnauthorized)
	p.ok(p.Organization.RegisterDelegate(ctx, tester, member.ID, organization.IdentityCenter))
	portal(http.StatusOK)
	p.ok(p.Organization.DeregisterDelegate(ctx, tester, member.ID, organization.IdentityCenter))
	portal(http.StatusUnauthorized)
}

// TestWhoActsAsAnApplication: his own policies and the application's authentication method must both allow it.
func TestWhoActsAsAnApplication(t *testing.T) {
	t.Parallel()
	p := newPropagating(t)
	acct, err := p.Organization.CreateAccount(t.Context(), tester, "other", "other@example.com", nil)
	p.ok(err)
	const may = `"sso-oauth:CreateTokenWithIAM"`
	stranger := p.user("app", acct.ID, may)
	for what, k := range map[string]keys{
		"not named by the application":        p.user("permitted", p.account, may),
		"named, and not permitted":            p.user("unpermitted", p.account, `"iam:ListUsers"`),
		"an administrator who is not named":   {AccessKeyID: p.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: p.Env["AWS_SECRET_ACCESS_KEY"]},
		"of the same name in another account": stranger,
	} {
		if status, code, out := p.bearer(k, ann); status != http.StatusBadRequest || code != "AccessDeniedException" || out["error"] != "access_denied" || out["accessToken"] != nil {
			t.Errorf("%s: HTTP %d %s %v", what, status, code, out)
		}
	}
	if status, code, out := p.bearer(keys{AccessKeyID: p.app.AccessKeyID, SecretAccessKey: "x"}, ann); status != http.StatusForbidden || code != "InvalidSignatureException" {
		t.Errorf("another secret: HTTP %d %s %v", status, code, out)
	}
	if status, code, out := p.bearer(p.app, bob); status != http.StatusBadRequest || code != "AccessDeniedException" {
		t.Errorf("a person who is not assigned: HTTP %d %s %v", status, code, out)
	}
	// A principal of another account whom the application names, and whose account lets him.
	edit := func(f func(*application.Application)) {
		t.Helper()
		_, err := p.Applications.Update(t.Context(), tester, p.wiki, "UpdateApplication", func(a *application.Application) error { f(a); return nil })
		p.ok(err)
	}
	edit(func(a *application.Application) {
		a.ActorPolicy = strings.ReplaceAll(a.ActorPolicy, p.account, acct.ID)
	})
	if status, code, out := p.bearer(stranger, ann); status != http.StatusOK {
		t.Errorf("named in another account: HTTP %d %s %v", status, code, out)
	}
	if status, code, _ := p.bearer(p.app, ann); status != http.StatusBadRequest || code != "AccessDeniedException" {
		t.Errorf("no longer named: HTTP %d %s", status, code)
	}
	edit(func(a *application.Application) { a.ActorPolicy = "" })
	if status, code, _ := p.bearer(stranger, ann); status != http.StatusBadRequest || code != "AccessDeniedException" {
		t.Errorf("an application without a method: HTTP %d %s", status, code)
	}
}

// TestTheCodeFlowOfAnApplication goes through the pages that people see.
func TestTheCodeFlowOfAnApplication(t *testing.T) {
	t.Parallel()
	p := newPropagating(t)
	b := p.browser()
	b.signIn(ann)
	const verifier = "a-code-verifier-of-at-least-forty-three-characters-0123456789"
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"response_type": {"code"}, "client_id": {arn.Application(p.wiki)}, "redirect_uri": {wikiBack}, "state": {"st"}, "code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}
	ask := b.get("/authorize?" + q.Encode())
	if ask.status != http.StatusOK || !strings.Contains(ask.body, "Wiki") || !strings.Contains(ask.header.Get("Content-Security-Policy"), "form-action 'self' https://wiki.example.com") {
		t.Fatalf("HTTP %d %v %s", ask.status, ask.header, text(ask.body))
	}
	// Every account may make an application that leads anywhere, so nobody is led there unasked (RFC 9700 §4.11.2): only who is signed in.
	wrong := strings.Replace(q.Encode(), "response_type=code", "response_type=token", 1)
	if to := p.browser().get("/authorize?" + wrong).location(); !strings.HasPrefix(to, "/signin?") {
		t.Errorf("a stranger is led to %s", to)
	}
	if to := b.get("/authorize?" + wrong).location(); !strings.HasPrefix(to, wikiBack+"?error=unsupported_response_type") {
		t.Errorf("a request that is wrong leads to %s", to)
	}
	// The page says what it is: no command line on her computer, whatever it calls itself, and what it gets.
	for words, there := range map[string]bool{
		"this application": true, "of the account " + p.account: true, "wiki.example.com": true, "command line": false, "on this computer": false, "get credentials": false,
	} {
		if strings.Contains(text(ask.body), words) != there {
			t.Errorf("%q on the page is %v, want %v: %s", words, !there, there, text(ask.body))
		}
	}
	p.ok(p.Applications.PutScope(t.Context(), tester, p.wiki, application.Scope{Name: "sso:account:access"}))
	if page := text(b.get("/authorize?" + q.Encode()).body); !strings.Contains(page, "get credentials") {
		t.Errorf("with the scope for it: %s", page)
	}
	p.ok(p.Applications.DeleteScope(t.Context(), tester, p.wiki, "sso:account:access"))
	action, form := ask.form(t)
	form.Set("decision", "allow")
	back, err := url.Parse(b.post(action, form).location())
	p.ok(err)
	if back.Host != "wiki.example.com" || back.Query().Get("state") != "st" || back.Query().Get("code") == "" {
		t.Fatalf("sent back to %s", back)
	}
	redeem := map[string]any{"grantType": "authorization_code", "code": back.Query().Get("code"), "redirectUri": wikiBack, "codeVerifier": verifier}
	status, code, out := p.token(p.app, redeem)
	if status != http.StatusOK {
		t.Fatalf("HTTP %d %s %v", status, code, out)
	}
	refresh := func(token any) (int, string, map[string]any) {
		return p.token(p.app, map[string]any{"grantType": "refresh_token", "refreshToken": token})
	}
	status, code, next := refresh(out["refreshToken"])
	if status != http.StatusOK {
		t.Fatalf("HTTP %d %s %v", status, code, next)
	}
	// The code is no client's of CreateToken, and the tokens are not the portal's.
	if status, out := p.oauth("/token", map[string]any{"clientId": arn.Application(p.wiki), "clientSecret": "", "grantType": "refresh_token", "refreshToken": next["refreshToken"]}); status != http.StatusUnauthorized {
		t.Errorf("CreateToken with the application's id: HTTP %d %v", status, out)
	}
	if status, _ := (&cli{w: p.world, token: next["accessToken"].(string)}).call("GET", "/assignment/accounts"); status != http.StatusUnauthorized {
		t.Errorf("the portal takes the application's token: HTTP %d", status)
	}
	// Bob is not assigned.
	bobs := p.browser()
	bobs.signIn(bob)
	action, form = bobs.get("/authorize?" + q.Encode()).form(t)
	form.Set("decision", "allow")
	if page := bobs.post(action, form); page.status != http.StatusForbidden || page.location() != "" {
		t.Errorf("a person who is not assigned: HTTP %d to %q", page.status, page.location())
	}
	for what, change := range map[string]url.Values{
		"another address": {"redirect_uri": {"https://evil.example.com/"}}, "no such application": {"client_id": {strings.Replace(arn.Application(p.wiki), "/apl-", "/apl-0", 1)}},
	} {
		bad := url.Values{}
		for k, v := range q {
			bad[k] = v
		}
		for k, v := range change {
			bad[k] = v
		}
		if page := b.get("/authorize?" + bad.Encode()); page.status < 400 || page.location() != "" {
			t.Errorf("%s: HTTP %d to %q", what, page.status, page.location())
		}
	}
	p.admin("DELETE", "/api/v1/users/"+ann+"/sessions", "")
	if status, code, out := refresh(next["refreshToken"]); status != http.StatusBadRequest || code != "InvalidGrantException" {
		t.Errorf("after signing out: HTTP %d %s %v", status, code, out)
	}
	// The code again: too late for everything.
	if status, code, _ := p.token(p.app, redeem); status != http.StatusBadRequest || code != "InvalidGrantException" {
		t.Errorf("the code again: HTTP %d %s", status, code)
	}
}

// createTokenWithIAM describes the operation to a CLI that does not know it.
const createTokenWithIAM = `{"version":"2.0","metadata":{"apiVersion":"2019-06-10","endpointPrefix":"oidc","jsonVersion":"1.1","protocol":"rest-json","serviceAbbreviation":"SSO OIDC","serviceFullName":"AWS SSO OIDC",
	"serviceId":"SSO OIDC","signatureVersion":"v4","signingName":"sso-oauth","uid":"sso-oidc-2019-06-10"},
	"operations":{"CreateTokenWithIAM":{"name":"CreateTokenWithIAM","http":{"method":"POST","requestUri":"/token?aws_iam=t"},"input":{"shape":"In"},"output":{"shape":"Out"}}},
	"shapes":{"In":{"type":"structure","required":["clientId","grantType"],"members":{"clientId":{"shape":"S"},"grantType":{"shape":"S"},"assertion":{"shape":"S"},"scope":{"shape":"L"}}},
	"Out":{"type":"structure","members":{"accessToken":{"shape":"S"},"idToken":{"shape":"S"},"issuedTokenType":{"shape":"S"},"scope":{"shape":"L"}}},"S":{"type":"string"},"L":{"type":"list","member":{"shape":"S"}}}}`

// TestAWSCLICreatesTokens drives a real AWS CLI, to which the operation is described where it is older than it.
func TestAWSCLICreatesTokens(t *testing.T) {
	t.Parallel()
	p := newPropagating(t)
	cli := signintest.NewCLI(t, map[string]string{"sso-oidc": p.URL})
	cli.Describe("sso-oidc", createTokenWithIAM)
	cli.Key(p.app.AccessKeyID, p.app.SecretAccessKey, p.Config.Region)
	out, ok := cli.Run("sso-oidc", "create-token-with-iam", "--client-id", arn.Application(p.wiki), "--grant-type", string(application.JWTBearer), "--assertion", p.assertion(ann), "--scope", "openid", "aws")
	var got struct {
		AccessToken, IDToken, IssuedTokenType string
		Scope                                 []string
	}
	if !ok || json.Unmarshal([]byte(out), &got) != nil || got.AccessToken == "" || got.IDToken == "" || len(got.Scope) != 2 {
		t.Fatalf("%v %s", ok, out)
	}
	if out, ok = cli.Run("sso-oidc", "create-token-with-iam", "--client-id", arn.Application(p.wiki), "--grant-type", string(application.JWTBearer), "--assertion", p.assertion(bob)); ok || !strings.Contains(out, "(AccessDeniedException) when calling the CreateTokenWithIAM operation") {
		t.Errorf("%v %s", ok, out)
	}
	if out, ok = cli.Run("sso-oidc", "create-token-with-iam", "--client-id", "x", "--grant-type", "y"); ok || !strings.Contains(out, "(InvalidRequestException)") {
		t.Errorf("%v %s", ok, out)
	}
}
