package tenant

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// api sends one request with the administrator's token and decodes the answer.
func (s *site) api(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.srv.URL+path, strings.NewReader(body))
	s.ok(err)
	req.Header.Set("Authorization", "Bearer "+s.AdminToken())
	code, text, _ := s.do(req)
	var v map[string]any
	if text != "" && json.Unmarshal([]byte(text), &v) != nil {
		s.t.Errorf("%s %s: not JSON: %s", method, path, text)
	}
	return code, v
}

// TestAPIDeniesByDefault: every operation of the table, without a token, with a wrong one, and with the administrator's cookie.
func TestAPIDeniesByDefault(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, _, h := s.get(strings.TrimPrefix(s.AdminLink(), "http://tenant.test"))
	if h.Get("Set-Cookie") == "" {
		t.Fatal("the link gave no session")
	}
	before := s.Users()
	for _, c := range [][2]string{
		{"GET", "/api/tenant"}, {"GET", "/api/users"}, {"POST", "/api/users"}, {"DELETE", "/api/users/ann@contoso.test"}, {"POST", "/api/users/ann@contoso.test/disable"},
		{"GET", "/api/groups"}, {"POST", "/api/groups/Devs/members"}, {"GET", "/api/job"}, {"PATCH", "/api/job"}, {"POST", "/api/job/run"}, {"GET", "/api/log"}, {"GET", "/api/none"},
	} {
		for _, auth := range []string{"", "Bearer ", "Bearer wrong", s.AdminToken(), "Basic " + s.AdminToken()} {
			req, err := http.NewRequest(c[0], s.srv.URL+c[1], nil)
			s.ok(err)
			if auth != "" {
				req.Header.Set("Authorization", auth)
			}
			if code, body, h := s.do(req); code != 401 || h.Get("WWW-Authenticate") == "" || strings.Contains(body, "contoso") {
				t.Errorf("%s %s with %.10q: %d %s", c[0], c[1], auth, code, body)
			}
		}
	}
	if !cmp.Equal(before, s.Users()) {
		t.Error("an unauthenticated request changed something")
	}
}

// TestAPI walks through the operations that scripts use.
func TestAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, c := range []struct {
		method, path, body string
		code               int
		want               string // somewhere in the answer
	}{
		{"GET", "/api/tenant", "", 200, "sts.windows.net"},
		{"POST", "/api/users", `{"userPrincipalName":"dan@contoso.test","displayName":"Dan","givenName":"Dan","surname":"Day","password":"a long password","manager":"bob@contoso.test"}`, 201, "dan@contoso.test"},
		{"POST", "/api/users", `{"userPrincipalName":"DAN@contoso.test","displayName":"Dan"}`, 409, "Conflict"},
		{"POST", "/api/users", `{"userPrincipalName":"dan","displayName":"Dan"}`, 400, "userPrincipalName"},
		{"POST", "/api/users", `{"userPrincipalName":"x@contoso.test","displayName":"a","displayName":"b"}`, 400, "duplicate"},
		{"POST", "/api/users", `{"userPrincipalName":"x@contoso.test","id":"1"}`, 400, "unknown"},
		{"POST", "/api/users", `{"userPrincipalName":"x@contoso.test","displayName":"a\u0000b"}`, 400, "control"},
		{"POST", "/api/users", `{"userPrincipalName":"x@contoso.test","displayName":"x","password":"short"}`, 400, "password"},
		{"POST", "/api/users", `[`, 400, "Invalid"},
		{"POST", "/api/users", ``, 400, "Invalid"},
		{"POST", "/api/users", `{"displayName":"` + strings.Repeat("x", maxBody) + `"}`, 413, "Quota"},
		{"GET", "/api/users/dan@contoso.test", "", 200, "Day"},
		{"GET", "/api/users/nobody@contoso.test", "", 404, "NotFound"},
		{"PATCH", "/api/users/dan@contoso.test", `{"department":"IT"}`, 200, `"department":"IT"`},
		{"POST", "/api/groups/Devs/members", `{"user":"dan@contoso.test"}`, 204, ""},
		{"POST", "/api/groups/Devs/members", `{"user":"dan@contoso.test"}`, 204, ""},
		{"POST", "/api/groups/Leads/members", `{"group":"Devs"}`, 400, "contain itself"},
		{"POST", "/api/groups/Devs/members", `{}`, 400, "either"},
		{"POST", "/api/groups/None/members", `{"user":"dan@contoso.test"}`, 404, "NotFound"},
		{"GET", "/api/groups/Devs/members", "", 200, "dan@contoso.test"},
		{"POST", "/api/job/run", `{"wait":true}`, 200, `"created":3`},
		{"POST", "/api/job/run", ``, 409, "stopped"},
		{"POST", "/api/users/dan@contoso.test/disable", "", 204, ""},
		{"POST", "/api/job/run", `{"wait":true}`, 200, `"disabled":1`},
		{"POST", "/api/users/dan@contoso.test/enable", "", 204, ""},
		{"DELETE", "/api/groups/Devs/members/dan@contoso.test", "", 204, ""},
		{"DELETE", "/api/groups/Devs/members/dan@contoso.test", "", 404, "not a member"},
		{"POST", "/api/assignments", `{"principal":"dan@contoso.test"}`, 204, ""},
		{"GET", "/api/assignments", "", 200, RoleUser},
		{"POST", "/api/job/ondemand", `{"user":"dan@contoso.test"}`, 200, "TestConnection"},
		{"POST", "/api/job/ondemand", `{"user":"a","group":"b"}`, 400, "either"},
		{"DELETE", "/api/assignments/dan@contoso.test", "", 204, ""},
		{"DELETE", "/api/assignments/dan@contoso.test", "", 404, "not assigned"},
		{"POST", "/api/users/dan@contoso.test/purge", "", 409, "must be deleted"},
		{"POST", "/api/users/dan@contoso.test/delete", "", 204, ""},
		{"DELETE", "/api/users/dan@contoso.test", "", 409, "deleted already"},
		{"POST", "/api/users/dan@contoso.test/restore", "", 204, ""},
		{"POST", "/api/groups", `{"displayName":"New","members":["ann@contoso.test"]}`, 201, "New"},
		{"POST", "/api/groups", `{"displayName":"new"}`, 409, "Conflict"},
		{"POST", "/api/groups", `{"displayName":"Bad","members":["nobody"]}`, 404, "nobody"},
		{"GET", "/api/groups/Bad", "", 404, "NotFound"},
		{"PATCH", "/api/groups/New", `{"displayName":"Newer"}`, 200, "Newer"},
		{"DELETE", "/api/groups/Newer", "", 204, ""},
		{"PATCH", "/api/job", `{"intervalSeconds":5,"dialect":"aadOptscim062020","scope":"all"}`, 200, `"intervalSeconds":5`},
		{"PATCH", "/api/job", `{"dialect":"french"}`, 400, "dialect"},
		{"PATCH", "/api/job", `{"dialect":"okta","chaos":{"noUserAgent":true}}`, 200, `"dialect":"okta"`},
		{"POST", "/api/job/run", `{"wait":true}`, 200, `"result":"Succeeded"`},
		{"PATCH", "/api/job", `{"dialect":"entra","chaos":{}}`, 200, `"dialect":"default"`},
		{"PATCH", "/api/job", `{"intervalSeconds":0.1}`, 400, "interval"},
		{"PATCH", "/api/job", `{"intervalSeconds":1e300}`, 400, "interval"},
		{"PATCH", "/api/job", `{"baseUrl":"javascript:alert(1)"}`, 400, "URL"},
		{"PATCH", "/api/job", `{"mappings":[{"target":"displayName","source":"displayName"}]}`, 400, "matching"},
		{"PATCH", "/api/job", `{"mappings":[{"target":"userName","source":"Evil()"}]}`, 400, "expression"},
		{"PATCH", "/api/application", `{"sign":"nothing"}`, 400, "sign"},
		{"PATCH", "/api/application", `{"replyUrls":["javascript:alert(1)"]}`, 400, "URL"},
		{"PATCH", "/api/application", `{"groupsClaim":"all"}`, 200, `"groupsClaim":"all"`},
		{"POST", "/api/job/deletions", `{"allow":true}`, 409, "No deletions"},
		{"POST", "/api/job/deletions", `{}`, 400, "allow"},
		{"POST", "/api/job/start", "", 204, ""},
		{"POST", "/api/job/run", "", 204, ""},
		{"POST", "/api/job/stop", "", 204, ""},
		{"POST", "/api/job/restart", "", 204, ""},
		{"POST", "/api/job/test", "", 204, ""},
		{"GET", "/api/job", "", 200, `"initial":true`},
		{"GET", "/api/log?limit=2", "", 200, "provisioningSteps"},
		{"GET", "/api/log?limit=x", "", 400, "limit"},
		{"POST", "/api/users/ann@contoso.test/password", `{"password":"another password"}`, 204, ""},
		{"PUT", "/api/users", "", 404, "no such operation"},
	} {
		code, v := s.api(c.method, c.path, c.body)
		b, _ := compact(v)
		if code != c.code || !strings.Contains(string(b), c.want) {
			t.Errorf("%d %s %s: %d %s, want %d with %q", i, c.method, c.path, code, b, c.code, c.want)
		}
	}
}

// admin opens the pages as the administrator.
func (s *site) admin() string {
	s.t.Helper()
	s.get(strings.TrimPrefix(s.AdminLink(), "http://tenant.test"))
	code, page, _ := s.get("/")
	if code != 200 || !strings.Contains(page, "Provisioning log") {
		s.t.Fatalf("the administrator's page: %d %s", code, page)
	}
	return page
}

func TestPageNeedsTheAdministrator(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, page, _ := s.get("/"); strings.Contains(page, "ann@contoso.test") {
		t.Error("the page shows people to anybody")
	}
	if code, _, _ := s.post("/admin/do", url.Values{"action": {"disable"}, "user": {"ann@contoso.test"}}); code != 403 {
		t.Errorf("an action without a session: %d", code)
	}
	if u, _ := s.User("ann@contoso.test"); !u.AccountEnabled {
		t.Error("it was done all the same")
	}
	link := strings.TrimPrefix(s.AdminLink(), "http://tenant.test")
	if code, _, h := s.get(link); code != 303 || h.Get("Location") != "/" {
		t.Errorf("link: %d", code)
	}
	s.newBrowser()
	if code, _, h := s.get(link); code != 403 || h.Get("Set-Cookie") != "" {
		t.Errorf("the link worked twice: %d", code)
	}
	if code, _, _ := s.post("/admin/signin", url.Values{"token": {"wrong"}}); code != 403 {
		t.Errorf("a wrong token: %d", code)
	}
	if code, _, _ := s.post("/admin/signin", url.Values{"token": {s.AdminToken()}}); code != 303 {
		t.Errorf("the token: %d", code)
	}
	if _, page, _ := s.get("/"); !strings.Contains(page, "ann@contoso.test") {
		t.Error("signed in by token, and no page")
	}
	s.post("/admin/signout", nil)
	if _, page, _ := s.get("/"); strings.Contains(page, "ann@contoso.test") {
		t.Error("the page is still there after signing out")
	}
}

// TestPageActions presses the buttons.
func TestPageActions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.admin()
	for _, c := range []struct {
		form url.Values
		want string
	}{
		{url.Values{"action": {"add"}, "user": {"cat@contoso.test"}, "group": {s.ids["Devs"]}}, "Added to the group"},
		{url.Values{"action": {"run"}}, "3 users created"},
		{url.Values{"action": {"disable"}, "user": {s.ids["cat"]}}, "Disabled."},
		{url.Values{"action": {"ondemand"}, "user": {s.ids["cat"]}}, "Disable, success"},
		{url.Values{"action": {"enable"}, "user": {s.ids["cat"]}}, "Enabled."},
		{url.Values{"action": {"remove"}, "user": {s.ids["cat"]}, "group": {s.ids["Devs"]}}, "Removed"},
		{url.Values{"action": {"delete"}, "user": {s.ids["cat"]}}, "bin"},
		{url.Values{"action": {"restore"}, "user": {s.ids["cat"]}}, "Restored"},
		{url.Values{"action": {"assign"}, "group": {s.ids["Leads"]}}, "Assigned"},
		{url.Values{"action": {"unassign"}, "group": {s.ids["Leads"]}}, "No longer"},
		{url.Values{"action": {"test"}}, "answers"},
		{url.Values{"action": {"start"}}, "schedule"},
		{url.Values{"action": {"restart"}}, "initial"},
		{url.Values{"action": {"stop"}}, "stopped"},
		{url.Values{"action": {"allow"}}, "No deletions"},
		{url.Values{"action": {"nothing"}}, "no such action"},
		{url.Values{"action": {"disable"}, "user": {"<b>nobody"}}, "&lt;b&gt;nobody"},
	} {
		code, _, h := s.post("/admin/do", c.form)
		_, page, _ := s.get("/")
		if code != 303 || !strings.HasPrefix(h.Get("Location"), "/") || !strings.Contains(note(page), c.want) {
			t.Errorf("%v: %d, note %q, want %q", c.form, code, note(page), c.want)
		}
	}
	if _, page, _ := s.get("/?q=nobody"); !strings.Contains(page, "Nobody matches") {
		t.Error("search")
	}
}

func note(page string) string {
	_, rest, ok := strings.Cut(page, `role="status">`)
	if !ok {
		return ""
	}
	n, _, _ := strings.Cut(rest, "</p>")
	return n
}

// TestCrossSite: a form on another site cannot use the administrator's session; a service provider's post may come from anywhere.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.admin()
	send := func(path string, form url.Values) int {
		req, err := http.NewRequest("POST", s.srv.URL+path, strings.NewReader(form.Encode()))
		s.ok(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Origin", "https://sp.test")
		code, _, _ := s.do(req)
		return code
	}
	if code := send("/admin/do", url.Values{"action": {"disable"}, "user": {"ann@contoso.test"}}); code != 403 {
		t.Errorf("cross-site action: %d", code)
	}
	if code := send("/"+s.ID()+"/login", nil); code != 403 {
		t.Errorf("cross-site sign-in: %d", code)
	}
	r := s.request(nil)
	form, err := r.PostForm("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if code := send("/"+s.ID()+"/saml2", url.Values{"SAMLRequest": {form.Message}}); code != 200 {
		t.Errorf("AuthnRequest by post: %d", code)
	}
}

// TestNothingLeaks: no page, answer or log has a secret, every page has its policy, and the files are the owner's alone.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newSite(t)
	s.Tenant.log = testLogger(&log)
	s.run()
	page := s.admin()
	hash := s.st.userByID(s.ids["ann"]).PasswordHash
	secrets := []string{s.AdminToken(), "s3cret-token", hash, "pbkdf2", annPass, enc64(s.st.Keys[0].Key)}
	texts := map[string]string{"home": page}
	for _, p := range []string{"/api/tenant", "/api/users", "/api/users/ann@contoso.test", "/api/groups", "/api/application", "/api/job", "/api/log", "/api/assignments"} {
		_, v := s.api("GET", p, "")
		b, _ := json.Marshal(v)
		texts[p] = string(b)
	}
	_, sign, _ := s.ask(s.request(nil), "")
	_, texts["post"], _ = s.signIn(sign, "ann@contoso.test", annPass)
	texts["sign-in"] = sign
	texts["log"] = log.String()
	for where, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %.12q", where, secret)
			}
		}
	}
	for _, p := range []string{"/", "/myapps", "/healthz", "/assets/style.css", "/nothing", "/" + s.ID() + "/saml2"} {
		_, _, h := s.get(p)
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: policy %q", p, csp)
		}
	}
	if err := filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error {
		info, ierr := os.Stat(p)
		if err == nil && ierr == nil && !d.IsDir() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	token, err := os.ReadFile(filepath.Join(s.dir, tokenFile))
	if err != nil || strings.TrimSpace(string(token)) != s.AdminToken() {
		t.Errorf("token file: %v", err)
	}
}

// TestSample: sixty people with unlike names, nine groups, All Staff with nested ones, the same for the same seed.
func TestSample(t *testing.T) {
	t.Parallel()
	p := Sample(1, "contoso.test")
	if !cmp.Equal(p, Sample(1, "contoso.test")) || cmp.Equal(p, Sample(2, "contoso.test")) {
		t.Error("not determined by its seed")
	}
	names := map[string]bool{}
	for _, u := range p.Users {
		names[u.UserPrincipalName] = true
		if strings.IndexFunc(u.UserPrincipalName, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 || u.GivenName == "" || u.Surname == "" {
			t.Errorf("%+v", u)
		}
	}
	if len(p.Users) != 60 || len(names) != 60 || len(p.Groups) != 9 || len(p.SignIns) != 3 || len(givenNames) != 60 || len(surnames) != 60 {
		t.Errorf("%d people, %d names, %d groups, %d sign-ins", len(p.Users), len(names), len(p.Groups), len(p.SignIns))
	}
	tn := newTenant(t, newClock())
	ins, err := tn.Fill()
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, g := range tn.Groups() {
		groups = append(groups, g.DisplayName)
	}
	want := []string{"Platform Engineers", "Developers", "Data Engineers", "Security", "Auditors", "Finance", "Support", "Contractors", "All Staff"}
	if !slices.Equal(groups, want) {
		t.Errorf("groups %q", groups)
	}
	again, err := tn.Fill()
	if err != nil || len(tn.Users()) != 60 || len(tn.Groups()) != 9 || len(tn.Application().Assignments) != 9 {
		t.Errorf("filling twice: %v, %d people", err, len(tn.Users()))
	}
	for i, in := range again {
		if in.Password == ins[i].Password || len(in.Password) != 14 {
			t.Errorf("password %q then %q", ins[i].Password, in.Password)
		}
		if _, err := tn.checkPassword(in.UserPrincipalName, in.Password); err != nil {
			t.Errorf("%s: %v", in.UserPrincipalName, err)
		}
	}
}

// TestSampleProvisions pushes the whole sample; nested groups add no members.
func TestSampleProvisions(t *testing.T) {
	t.Parallel()
	c := newClock()
	tn, rec := newTenant(t, c), newRecorder(t)
	if _, err := tn.Fill(); err != nil {
		t.Fatal(err)
	}
	if err := tn.SetJob(func(s *Settings) { s.BaseURL = rec.srv.URL + "/scim/v2/" }); err != nil {
		t.Fatal(err)
	}
	if err := tn.SetSecretToken("s3cret-token"); err != nil {
		t.Fatal(err)
	}
	if err := tn.SetJob(func(s *Settings) { s.BaseURL = strings.TrimSuffix(s.BaseURL, "/") }); err != nil {
		t.Fatal(err)
	}
	cy, err := tn.RunCycle(t.Context())
	if err != nil || cy.Users.Created != 60 || cy.Groups.Created != 9 || cy.MembersAdded != 60 || cy.Managers != 59 || len(cy.Failures) != 0 {
		t.Errorf("%v %+v", err, cy)
	}
}

// FuzzAPI throws bodies at the operations that take one: never a 500.
func FuzzAPI(f *testing.F) {
	paths := []string{"POST /api/users", "PATCH /api/users/ann@contoso.test", "POST /api/groups", "POST /api/groups/Devs/members", "POST /api/assignments", "PATCH /api/job", "PATCH /api/application", "POST /api/job/deletions"}
	for i := range paths {
		f.Add(i, `{"displayName":"x"}`)
		f.Add(i, `{"userPrincipalName":"a@b.c","displayName":"x","manager":""}`)
	}
	f.Add(5, `{"mappings":[{"target":"userName","source":"Join(\"\",[mail],\"x\")"}],"matchingAttribute":"userName"}`)
	f.Fuzz(func(t *testing.T, i int, body string) {
		tn := newTenant(t, newClock())
		method, path, _ := strings.Cut(paths[max(i, -i)&7%len(paths)], " ")
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+tn.AdminToken())
		w := httptest.NewRecorder()
		tn.Handler().ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Errorf("%s %s %q: %d %s", method, path, body, w.Code, w.Body)
		}
	})
}
