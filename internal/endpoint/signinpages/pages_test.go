package signinpages_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

func TestTheSignInPageOffersWhatIsConfigured(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.get("/signin?return_to=%2Fdevice%3Fuser_code%3DBCDF-GHJK")
	a.show(t, 200, "Continue with Contoso Entra ID", "Continue with Zebra Okta", `href="/saml/entra/login?return_to=%2Fdevice%3Fuser_code%3DBCDF-GHJK"`, "A command line asks")
	if strings.Contains(a.body, "Only SCIM") {
		t.Error("a source without an identity provider is offered")
	}
	if strings.Index(a.body, "Contoso") > strings.Index(a.body, "Zebra") {
		t.Error("the ways are not in order of their names")
	}
	*s.sources = []directory.Source{}
	s.get("/signin").show(t, 200, "No identity provider is connected", "gatehouse idp set --metadata FILE_OR_URL")
}

func TestTheSignInPageIsNoOpenRedirect(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/signin?return_to=/signin", "/%2f/evil.example"} {
		a := s.get("/signin?return_to=" + url.QueryEscape(to))
		a.show(t, 200, `login?return_to=%2Fstart"`)
	}
	s.signInAs(signintest.Alice)
	for _, to := range []string{"https://evil.example/", "//evil.example"} {
		s.get("/signin?return_to="+url.QueryEscape(to)).goes(t, "/start")
	}
	s.get("/signin?return_to=%2Fdevice").goes(t, "/device")
}

func TestTheSignInPageSaysWhatHappened(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/signin?signed_out=1").show(t, 200, "You are signed out.")
	s.get("/signin?problem=browser&ref="+requestID).show(t, 200, "begun in another browser", requestID)
	a := s.get("/signin?problem=%3Cb%3Eyou+won&ref=%3Cscript%3E")
	if a.show(t, 200); strings.Contains(a.body, "you won") || strings.Contains(a.body, "<script") {
		t.Error("text from the address is shown")
	}
}

func TestHostileNamesAreShownAsText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	*s.sources = []directory.Source{{ID: `x"/><script>`, Name: `<img src=x onerror=alert(1)>`, SAML: directory.SAMLSettings{EntityID: "x"}}}
	a := s.get("/signin")
	if strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, "<script") {
		t.Errorf("not escaped:\n%s", a.body)
	}
}

func TestEveryPageIsSentWithItsProtections(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, target := range []string{"/signin", "/device", "/signin/style.css", "/nothing"} {
		h := s.get(target).header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %q", target, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") {
			t.Errorf("%s: policy %q", target, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", target, h)
		}
	}
	if got := s.get("/signin").header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if a := s.get("/signin/style.css"); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("style sheet: %d %v", a.status, a.header)
	}
	for _, target := range []string{"/signin/frame.html", "/signin/..%2fpages.go", "/signin/"} {
		if a := s.get(target); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", target, a.status)
		}
	}
}

func TestSigningOutAsksFirstAndEndsTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/signout").goes(t, "/signin?signed_out=1")
	s.signInAs(signintest.Alice)
	a := s.get("/signout")
	a.show(t, 200, "Sign out?", "alice@example.com")
	if _, err := s.Authenticate(t.Context(), s.cookie); err != nil {
		t.Fatal("a GET signed out")
	}
	s.post("/signout", url.Values{"token": {"x"}}).show(t, 403)
	a = s.post("/signout", a.fields())
	a.goes(t, "/signin?signed_out=1")
	if c := a.header.Get("Set-Cookie"); !strings.Contains(c, "gatehouse_session=;") || !strings.Contains(c, "Max-Age=0") || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
		t.Errorf("cookie %q", c)
	}
	if _, err := s.Authenticate(t.Context(), s.cookie); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the session lives on: %v", err)
	}
	s.post("/signout", url.Values{}).show(t, 403)
}

func TestOverHTTPSOnlyTheHostCookieCounts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.at("https://gatehouse.example")
	s.signInAs(signintest.Alice)
	a := s.get("/signout")
	a.show(t, 200, "alice@example.com")
	s.cookieName = signin.PlainCookie
	if got := s.get("/device"); got.status != http.StatusSeeOther {
		t.Errorf("a cookie without the prefix, which a neighbour may have planted, was taken: %d", got.status)
	}
	s.cookieName = signin.SecureCookie
	if c := s.post("/signout", a.fields()).header.Get("Set-Cookie"); !strings.Contains(c, "__Host-gatehouse=;") || !strings.Contains(c, "Secure") {
		t.Errorf("cookie %q", c)
	}
}

// Who came through a provider that is to be told is sent there; she is signed out here before that.
func TestSignOutLeadsOnToTheProvider(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signInAs(signintest.Alice)
	s.onward = "https://idp.example/slo?SAMLRequest=x"
	a := s.get("/signout")
	if csp := a.header.Get("Content-Security-Policy"); strings.Contains(csp, "form-action") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("browsers would not follow the form's answer: %q", csp)
	}
	a = s.post("/signout", a.fields())
	if a.location() != s.onward || !strings.Contains(a.header.Get("Set-Cookie"), "=;") {
		t.Errorf("got %d %q, cookie %q", a.status, a.location(), a.header.Get("Set-Cookie"))
	}
	s.get("/signout").goes(t, "/signin?signed_out=1")
}

func TestApprovingADevice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	code, exchange := s.device()
	s.get("/device?user_code="+code).goes(t, "/signin?return_to=%2Fdevice%3Fuser_code%3D"+code)
	s.signInAs(signintest.Alice)
	s.get("/device").show(t, 200, `<form method="get" action="/device">`, `<label for="user_code">`)
	a := s.get("/device?user_code=" + strings.ToLower(code))
	a.show(t, 200, code, "botocore-client-&lt;dev&gt;", "Deny", "192.0.2.7", "alice@example.com")
	if _, err := exchange(); err == nil {
		t.Fatal("looking at the page approved it")
	}
	f := a.fields()
	f.Set("decision", "allow")
	s.post("/device", f).show(t, 200, "You may close this window")
	if i, err := exchange(); err != nil || i.AccessToken == "" {
		t.Errorf("got %+v, %v", i, err)
	}
	s.post("/device", f).show(t, 404)
}

func TestDenyingADevice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signInAs(signintest.Alice)
	code, exchange := s.device()
	f := s.get("/device?user_code=" + code).fields()
	f.Set("decision", "deny")
	s.post("/device", f).show(t, 200, "Access denied")
	_, err := exchange()
	if got := fault.Of(err); got == nil || got.Reason != signin.AccessDenied {
		t.Errorf("got %v", err)
	}
}

func TestAWrongCodeIsToldAndLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signInAs(signintest.Alice)
	for range 10 {
		s.get("/device?user_code=BBBB-BBBB").show(t, 404, "no such code", `value="BBBB-BBBB"`, `aria-invalid="true"`)
	}
	s.get("/device?user_code=BBBB-BBBB").show(t, 429, "Too many codes")
	if a := s.get("/device?user_code=" + strings.Repeat("%3Cscript%3E", 20)); strings.Contains(a.body, "<script") {
		t.Error("not escaped")
	}
}

func TestForgedFormsApproveNothing(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		forge func(*site, url.Values) answer
		want  int
	}{
		{"no token", func(s *site, f url.Values) answer { f.Del("token"); return s.post("/device", f) }, 403},
		{"another form's token", func(s *site, f url.Values) answer {
			f.Set("token", signin.FormToken(s.cookie, "sign out"))
			return s.post("/device", f)
		}, 403},
		{"another code's token", func(s *site, f url.Values) answer {
			other, _ := s.device()
			f.Set("token", s.get("/device?user_code="+other).fields().Get("token"))
			return s.post("/device", f)
		}, 403},
		{"the attacker's own session's token", func(s *site, f url.Values) answer {
			mallory, _ := s.SignIn(s.t, signintest.Bob)
			f.Set("token", signin.FormToken(mallory, "device "+f.Get("user_code")))
			return s.post("/device", f)
		}, 403},
		{"from another site (cross-origin protection)", func(s *site, f url.Values) answer {
			r := httptest.NewRequest(http.MethodPost, "/device", strings.NewReader(f.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return s.do(r)
		}, 403},
		{"by GET", func(s *site, f url.Values) answer { return s.get("/device?" + f.Encode()) }, 200},
		{"in the query", func(s *site, f url.Values) answer { return s.post("/device?"+f.Encode(), url.Values{}) }, 403},
		{"no button", func(s *site, f url.Values) answer { f.Del("decision"); return s.post("/device", f) }, 400},
		{"another button", func(s *site, f url.Values) answer { f.Set("decision", "ALLOW"); return s.post("/device", f) }, 400},
		{"nobody signed in", func(s *site, f url.Values) answer { s.cookie = ""; return s.post("/device", f) }, 403},
		{"a huge form", func(s *site, f url.Values) answer {
			f.Set("x", strings.Repeat("x", 1<<20))
			return s.post("/device", f)
		}, 400},
		{"deactivated meanwhile", func(s *site, f url.Values) answer {
			s.People.Switch(signintest.Alice, false)
			return s.post("/device", f)
		}, 403},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.signInAs(signintest.Alice)
			code, exchange := s.device()
			f := s.get("/device?user_code=" + code).fields()
			f.Set("decision", "allow")
			row.forge(s, f).show(t, row.want)
			if _, err := exchange(); fault.Of(err) == nil || fault.Of(err).Reason != signin.AuthorizationPending {
				t.Errorf("after the forgery: %v, want it still pending", err)
			}
		})
	}
}

func TestTheAuthorizationCodeFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	q, exchange := s.authorization()
	a := s.get("/authorize?" + q.Encode())
	a.goes(t, "/signin?return_to="+url.QueryEscape("/authorize?"+q.Encode()))
	s.signInAs(signintest.Alice)
	to, err := url.Parse(a.location())
	if err != nil {
		t.Fatal(err)
	}
	s.get("/signin?"+to.RawQuery).goes(t, "/authorize?"+q.Encode())
	a = s.get("/authorize?" + q.Encode())
	a.show(t, 200, "botocore-client-dev", "127.0.0.1:49152", "alice@example.com")
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' http://127.0.0.1:49152;") {
		t.Errorf("policy %q stops the form's redirect", csp)
	}
	f := a.fields()
	f.Set("decision", "allow")
	a = s.post("/authorize", f)
	back, err := url.Parse(a.location())
	if err != nil || a.status != http.StatusSeeOther {
		t.Fatalf("got %d %q", a.status, a.location())
	}
	if back.Host != "127.0.0.1:49152" || back.Path != "/oauth/callback" || back.Query().Get("state") != q.Get("state") || back.Query().Has("error") {
		t.Errorf("returned to %v", back)
	}
	if i, err := exchange(back.Query().Get("code")); err != nil || i.RefreshToken == "" {
		t.Errorf("got %+v, %v", i, err)
	}
}

func TestDenyingAnAuthorization(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signInAs(signintest.Alice)
	q, _ := s.authorization()
	f := s.get("/authorize?" + q.Encode()).fields()
	f.Set("decision", "deny")
	back, err := url.Parse(s.post("/authorize", f).location())
	if err != nil || back.Query().Get("error") != "access_denied" || back.Query().Get("state") != q.Get("state") || back.Query().Has("code") {
		t.Errorf("returned to %v, %v", back, err)
	}
}

func TestAuthorizationRequestsThatNeverRedirect(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		change func(url.Values)
	}{
		{"unknown client", func(q url.Values) { q.Set("client_id", "x") }},
		{"no client", func(q url.Values) { q.Del("client_id") }},
		{"another host", func(q url.Values) { q.Set("redirect_uri", "https://evil.example/cb") }},
		{"a look-alike", func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1.evil.example/oauth/callback") }},
		{"another path", func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:1/other") }},
		{"a redirect URI twice", func(q url.Values) { q.Add("redirect_uri", "http://evil.example/") }},
		{"a client twice", func(q url.Values) { q.Add("client_id", "x") }},
		{"no redirect URI", func(q url.Values) { q.Del("redirect_uri") }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.signInAs(signintest.Alice)
			q, _ := s.authorization()
			good := maps.Clone(q)
			row.change(q)
			a := s.get("/authorize?" + q.Encode())
			a.show(t, 400, requestID)
			if a.location() != "" {
				t.Errorf("redirects to %q", a.location())
			}
			// Nor with a token of a good request: it is bound to every parameter.
			f := s.get("/authorize?" + good.Encode()).fields()
			f.Set("decision", "allow")
			for _, name := range slices.Collect(maps.Keys(good)) {
				f[name] = q[name]
			}
			if a := s.post("/authorize", f); a.location() != "" || a.status < 400 {
				t.Errorf("the form: %d to %q", a.status, a.location())
			}
		})
	}
}

func TestAuthorizationErrorsGoBackToTheClient(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, code string
		change     func(url.Values)
	}{
		{"no PKCE", "invalid_request", func(q url.Values) { q.Del("code_challenge") }},
		{"plain PKCE", "invalid_request", func(q url.Values) { q.Set("code_challenge_method", "plain") }},
		{"implicit flow", "unsupported_response_type", func(q url.Values) { q.Set("response_type", "token") }},
		{"scope", "invalid_scope", func(q url.Values) { q.Set("scopes", "sso:account:access admin") }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			q, _ := s.authorization()
			row.change(q)
			a := s.get("/authorize?" + q.Encode())
			back, err := url.Parse(a.location())
			if err != nil || a.status != http.StatusFound || back.Host != "127.0.0.1:49152" || back.Query().Get("error") != row.code || back.Query().Get("state") != q.Get("state") {
				t.Errorf("got %d %q", a.status, a.location())
			}
		})
	}
}

func TestTheConsoleOfAnEmbeddedAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const target = "/start/console?account_id=111122223333&role_name=ReadOnly"
	s.get(target).goes(t, "/signin?return_to="+url.QueryEscape(target))
	s.signInAs(signintest.Alice)
	s.get(target).show(t, 200, "assumed-role/AWSReservedSSO_ReadOnly_0123456789abcdef/alice@example.com", "Payments production", "1 hour", "AwsSSOInlinePolicy", "s3:GetObject")
	s.get("/start/console?account_id=111122223333&role_name=Admin").show(t, 403, "No access", requestID)
	s.get("/start/console?account_id=1&role_name=Admin").show(t, 400)
	s.get("/start/console").show(t, 400)
	s.signInAs(signintest.Bob)
	s.get(target).show(t, 403, "No access")
}

func TestAnOutageShowsAReferenceAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signInAs(signintest.Alice)
	s.People.Break(errors.New("dial tcp 10.0.0.7"))
	for _, target := range []string{"/signin", "/device", "/signout", "/start/console?account_id=111122223333&role_name=ReadOnly"} {
		a := s.get(target)
		a.show(t, 500, requestID)
		if strings.Contains(a.body, "10.0.0.7") {
			t.Errorf("%s tells what broke", target)
		}
	}
}

// FuzzAuthorize: whatever the query, nothing but the registered loopback address is ever redirected to, and nothing is a 500.
func FuzzAuthorize(f *testing.F) {
	s := newSite(f)
	q, _ := s.authorization()
	f.Add(q.Encode())
	for _, seed := range []string{"", "%zz", "client_id=x&redirect_uri=https://evil.example", "redirect_uri=//evil", "state=\x00", "scopes=+++", "client_id=" + q.Get("client_id")} {
		f.Add(seed)
		f.Add(q.Encode() + "&" + seed)
	}
	s.signInAs(signintest.Alice)
	f.Fuzz(func(t *testing.T, query string) {
		for _, signedIn := range []bool{true, false} {
			r := httptest.NewRequest(http.MethodGet, "/authorize", nil)
			r.URL.RawQuery = query
			b := *s
			b.t = t
			if !signedIn {
				b.cookie = ""
			}
			a := b.do(r)
			if a.status >= 500 {
				t.Fatalf("%q: %d", query, a.status)
			}
			l := a.location()
			if l != "" && !strings.HasPrefix(l, "http://127.0.0.1") && !strings.HasPrefix(l, "/signin?return_to=%2Fauthorize") {
				t.Fatalf("%q leads to %q", query, l)
			}
			if u, err := url.Parse(l); err != nil || (u.Host != "" && u.Hostname() != "127.0.0.1") {
				t.Fatalf("%q leads to %q", query, l)
			}
		}
	})
}
