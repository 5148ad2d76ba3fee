package signinpages_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/internal/access"
	"gatehouse/internal/endpoint/signinpages"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

// roles are what Alice may act as: Admin and <Read> in one account.
type roles struct{}

func (roles) EntitledAccounts(_ context.Context, userID, after string, _ int) ([]organization.Account, error) {
	if userID != signintest.Alice || after != "" {
		return nil, nil
	}
	return []organization.Account{{ID: "111122223333", Name: "Payments <production>"}}, nil
}

func (roles) EntitledRoles(_ context.Context, userID, account, after string, _ int) ([]access.Entitlement, error) {
	if userID != signintest.Alice || account != "111122223333" || after != "" {
		return nil, nil
	}
	e := access.Entitlement{Account: organization.Account{ID: account, Name: "Payments <production>"}}
	own := e
	e.Set.Name, own.Existing = "Admin", &access.OwnRole{Name: "role/team/Own"}
	return []access.Entitlement{e, own}, nil
}

func entitledTo(_ context.Context, who signin.Identity, r signin.Role) error {
	if who.User.ID != signintest.Alice || r.AccountID != "111122223333" || r.Name != "Admin" && r.Name != "role/team/Own" {
		return fault.New(fault.Denied, "No access")
	}
	return nil
}

var _ signinpages.Roles = roles{}

func loginQuery(client string) url.Values {
	h := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {"http://127.0.0.1:49152/oauth/callback"}, "state": {`a b&c="<é>+%`},
		"code_challenge_method": {"SHA-256"}, "scope": {"openid"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(h[:])},
	}
	if client == signin.CrossDevice {
		q.Set("redirect_uri", signintest.ServerURL+signin.ConfirmationPath)
	}
	return q
}

// exchange gets what a code buys.
func (s *site) loginExchange(client, code string) (signin.Login, error) {
	return s.ExchangeLogin(s.t.Context(), client, signin.CodeExchange{Code: code, RedirectURI: loginQuery(client).Get("redirect_uri"), Verifier: verifier},
		signin.Possession{Thumbprint: "key", ID: code, Until: s.Clock.Now()})
}

// roleForm goes as far as the choice of a role and returns the form.
func (s *site) roleForm(q url.Values) url.Values {
	s.t.Helper()
	accounts := s.get("/v1/authorize?" + q.Encode())
	accounts.show(s.t, 200, "Payments &lt;production&gt; · 111122223333")
	f := accounts.fields()
	f.Set("account", "111122223333")
	page := s.get("/v1/authorize?" + f.Encode())
	page.show(s.t, 200, "Payments &lt;production&gt;", `value="Admin"`, `value="role/team/Own"`, "Did you start this yourself")
	return page.fields()
}

func TestAWSLoginOnThisComputer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	q := loginQuery(signin.SameDevice)
	s.get("/v1/authorize?"+q.Encode()).goes(t, "/signin?return_to="+url.QueryEscape("/v1/authorize?"+q.Encode()))
	s.signInAs(signintest.Alice)
	f := s.roleForm(q)
	f.Set("role", "Admin")
	f.Set("decision", "allow")
	back, err := url.Parse(s.post("/v1/authorize", f).location())
	if err != nil || back.Host != "127.0.0.1:49152" || back.Path != "/oauth/callback" || back.Query().Get("state") != q.Get("state") {
		t.Fatalf("went to %v, %v", back, err)
	}
	got, err := s.loginExchange(signin.SameDevice, back.Query().Get("code"))
	if err != nil || got.Role != (signin.Role{AccountID: "111122223333", Name: "Admin"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	f.Set("decision", "deny")
	if denied := s.post("/v1/authorize", f).location(); !strings.HasPrefix(denied, "http://127.0.0.1:49152/oauth/callback?") || !strings.Contains(denied, "error=access_denied") || strings.Contains(denied, "code=") {
		t.Errorf("denied: %s", denied)
	}
}

var shownCode = regexp.MustCompile(`<pre><code>([^<]+)</code></pre>`)

// TestAWSLoginOnAnotherComputer: the AWS CLI takes what is shown apart as base64 of state and code.
func TestAWSLoginOnAnotherComputer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signInAs(signintest.Alice)
	q := loginQuery(signin.CrossDevice)
	f := s.roleForm(q)
	f.Set("role", "role/team/Own")
	f.Set("decision", "allow")
	page := s.post("/v1/authorize", f)
	m := shownCode.FindStringSubmatch(page.body)
	if page.status != 200 || m == nil {
		t.Fatalf("got %d %s", page.status, page.body)
	}
	text, err := base64.StdEncoding.DecodeString(unescape.Replace(m[1]))
	carried, err2 := url.ParseQuery(string(text))
	if err != nil || err2 != nil || carried.Get("state") != q.Get("state") {
		t.Fatalf("the code is %s, %v, %v", text, err, err2)
	}
	if got, err := s.loginExchange(signin.CrossDevice, carried.Get("code")); err != nil || got.Role.Name != "role/team/Own" {
		t.Errorf("got %+v, %v", got, err)
	}
	f.Set("decision", "deny")
	if page := s.post("/v1/authorize", f); page.status != 200 || shownCode.MatchString(page.body) {
		t.Errorf("denied: %d %s", page.status, page.body)
	}
}

// TestLoginsThatGetNothing: each is one way in that must stay shut.
func TestLoginsThatGetNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signInAs(signintest.Alice)
	for name, change := range map[string]func(url.Values){
		"an unknown client":       func(q url.Values) { q.Set("client_id", "arn:aws:signin:::devtools/evil") },
		"an address elsewhere":    func(q url.Values) { q.Set("redirect_uri", "https://evil.example/oauth/callback") },
		"a parameter twice":       func(q url.Values) { q.Add("redirect_uri", "http://127.0.0.1:2/") },
		"another's account":       func(q url.Values) { q.Set("account", "444455556666") },
		"an account that is none": func(q url.Values) { q.Set("account", "x") },
	} {
		q := loginQuery(signin.SameDevice)
		change(q)
		if a := s.get("/v1/authorize?" + q.Encode()); a.status < 400 || a.location() != "" {
			t.Errorf("%s: got %d to %q", name, a.status, a.location())
		}
	}
	for name, change := range map[string]func(url.Values){
		"no PKCE": func(q url.Values) { q.Del("code_challenge") }, "plain PKCE": func(q url.Values) { q.Set("code_challenge_method", "plain") },
		"a token at once": func(q url.Values) { q.Set("response_type", "token") },
	} {
		q := loginQuery(signin.SameDevice)
		change(q)
		if a := s.get("/v1/authorize?" + q.Encode()); !strings.HasPrefix(a.location(), "http://127.0.0.1:49152/oauth/callback?error=") {
			t.Errorf("%s: got %d to %q", name, a.status, a.location())
		}
	}
	good := s.roleForm(loginQuery(signin.SameDevice))
	good.Set("role", "Admin")
	good.Set("decision", "allow")
	for name, change := range map[string]func(url.Values){
		"no token":          func(f url.Values) { f.Del("token") },
		"another challenge": func(f url.Values) { f.Set("code_challenge", strings.Repeat("A", 43)) },
		"another port":      func(f url.Values) { f.Set("redirect_uri", "http://127.0.0.1:1/oauth/callback") },
		"another account":   func(f url.Values) { f.Set("account", "444455556666") },
		"another client":    func(f url.Values) { f.Set("client_id", signin.CrossDevice) },
		"no role":           func(f url.Values) { f.Del("role") },
		"a role not hers":   func(f url.Values) { f.Set("role", "Owner") },
		"two roles":         func(f url.Values) { f.Add("role", "Owner") },
		"no decision":       func(f url.Values) { f.Del("decision") },
	} {
		f := url.Values{}
		for k, v := range good {
			f[k] = append([]string{}, v...)
		}
		change(f)
		if a := s.post("/v1/authorize", f); a.status < 400 || a.location() != "" {
			t.Errorf("%s: got %d to %q", name, a.status, a.location())
		}
	}
	// The form of one session is no use in another.
	s.signInAs(signintest.Bob)
	if a := s.post("/v1/authorize", good); a.status != 403 {
		t.Errorf("another's form: %d", a.status)
	}
}
