package apptest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/app"
	"gatehouse/internal/apptest"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/tenant"
)

// tester is who does what an administrator does.
var tester = audit.Actor{Kind: audit.System, Name: "test"}

const password = "Correct-horse-1"

// world is a server and an emulated tenant that know each other, both on the same clock.
type world struct {
	*apptest.Program
	t      *testing.T
	tenant *tenant.Tenant
	dir    string
	// signed are the tenant's cookies of people who gave their password once.
	signed map[string][]*http.Cookie
}

// company is the data directory of a tenant with three people: ann and bob in the group Devs, which is assigned, and cat, who is assigned
// herself. Bob leads ann. It is made once and copied, because keys take their time.
var company = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "apptest")
	if err != nil {
		return "", err
	}
	t, err := tenant.New(tenant.Config{BaseURL: "http://127.0.0.1:1", DataDir: dir, Domain: "contoso.test", HashRounds: 1})
	if err != nil {
		return "", err
	}
	for _, u := range []tenant.User{staff("bob", "Bob", "Berg"), staff("ann", "Ann", "Ash"), staff("cat", "Cat", "Cole")} {
		if u.UserPrincipalName == ann {
			u.Manager = bob
		}
		if _, err := t.AddUser(u); err != nil {
			return "", err
		}
	}
	_, err = t.AddGroup(tenant.Group{DisplayName: "Devs", Members: []string{ann, bob}})
	return dir, errors.Join(err, t.Assign("Devs", ""), t.Assign(cat, ""), t.SetPassword(ann, password), t.SetPassword(bob, password))
})

// TestMain removes what company made.
func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := company(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// newWorld connects a tenant, a copy of company, with one directory of the server.
func newWorld(t *testing.T, dir string, profile directory.Profile) *world {
	t.Helper()
	w := &world{Program: apptest.Start(t), t: t, dir: dir, signed: map[string][]*http.Cookie{}}
	if dir != app.DefaultSource {
		_, err := w.Directory.CreateSource(t.Context(), tester, directory.Source{ID: dir, Profile: profile})
		w.ok(err)
	}
	made, err := company()
	w.ok(err)
	data := filepath.Join(t.TempDir(), "tenant")
	w.ok(os.CopyFS(data, os.DirFS(made)))
	srv := httptest.NewUnstartedServer(nil)
	w.tenant, err = tenant.New(tenant.Config{BaseURL: "http://" + srv.Listener.Addr().String(), DataDir: data, Now: w.Clock.Now, HashRounds: 1})
	w.ok(err)
	srv.Config.Handler = w.tenant.Handler()
	srv.Start()
	t.Cleanup(srv.Close)
	w.ok(w.tenant.SetApplication(func(a *tenant.Application) {
		a.EntityID, a.ReplyURLs = w.URL+"/saml/"+dir+"/metadata", []string{w.URL + "/saml/" + dir + "/acs"}
		a.SignOnURL = ""
	}))
	xml, err := w.tenant.Metadata()
	w.ok(err)
	w.ok(w.TrustIDP(t.Context(), tester, dir, "Contoso", xml))
	_, secret, err := w.Directory.CreateToken(t.Context(), tester, dir, 0)
	w.ok(err)
	w.ok(w.tenant.SetSecretToken(secret))
	w.job(func(s *tenant.Settings) { s.BaseURL = w.URL + "/scim/" + dir + "/v2" })
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) job(edit func(*tenant.Settings)) {
	w.t.Helper()
	w.ok(w.tenant.SetJob(edit))
}

func staff(name, given, sur string) tenant.User {
	upn := name + "@contoso.test"
	return tenant.User{
		UserPrincipalName: upn, Mail: upn, MailNickname: name, GivenName: given, Surname: sur, DisplayName: given + " " + sur,
		Department: "IT", EmployeeID: "1-" + name, JobTitle: "Engineer", AccountEnabled: true,
	}
}

// person adds someone to the tenant.
func (w *world) person(u tenant.User) {
	w.t.Helper()
	_, err := w.tenant.AddUser(u)
	w.ok(err)
}

// sync runs a cycle that must go through without a failure.
func (w *world) sync() tenant.Cycle {
	w.t.Helper()
	c, err := w.tenant.RunCycle(w.t.Context())
	w.ok(err)
	if c.Result != "Succeeded" || len(c.Failures) > 0 || len(w.tenant.Job().Escrows) > 0 {
		w.t.Fatalf("the cycle ended %s: %s %+v", c.Result, c.Error, c.Failures)
	}
	return c
}

// user returns what the server knows of a person of the tenant, by the tenant's own id of her.
func (w *world) user(key string) directory.User {
	w.t.Helper()
	of, err := w.tenant.User(key)
	w.ok(err)
	u, err := w.Directory.UserByExternalID(w.t.Context(), directory.ExternalID{Issuer: "scim/" + w.dir, ID: of.ID})
	if err != nil {
		w.t.Fatalf("%s at the server: %v", key, err)
	}
	return u
}

// members returns the user names of a group's members at the server, sorted.
func (w *world) members(group string) []string {
	w.t.Helper()
	g, err := w.Directory.GroupByName(w.t.Context(), group)
	w.ok(err)
	ms, err := w.Directory.MembersOf(w.t.Context(), g.ID, "", 1000)
	w.ok(err)
	names := []string{}
	for _, m := range ms {
		u, err := w.Directory.User(w.t.Context(), m.UserID)
		w.ok(err)
		names = append(names, strings.TrimSuffix(u.UserName, "@contoso.test"))
	}
	slices.Sort(names)
	return names
}

func (w *world) wantMembers(group string, want ...string) {
	w.t.Helper()
	if got := w.members(group); !slices.Equal(got, want) {
		w.t.Errorf("members of %s: got %q, want %q", group, got, want)
	}
}

func (w *world) wantActive(key string, want bool) {
	w.t.Helper()
	if u := w.user(key); u.Active != want {
		w.t.Errorf("%s: active is %v, want %v", key, u.Active, want)
	}
}

// grant makes a permission set, assigns it in the management account, and returns when the role stands.
func (w *world) grant(set string, to access.Principal) access.PermissionSet {
	w.t.Helper()
	ps, err := w.Access.CreateSet(w.t.Context(), tester, access.PermissionSet{
		InstanceID: w.Instance.ID, Name: set, Description: "for " + set, ManagedPolicies: []string{"arn:aws:iam::aws:policy/IAMReadOnlyAccess"},
	})
	w.ok(err)
	w.assign(access.RoleKey{AccountID: w.Instance.OwnerAccountID, PermissionSetID: ps.ID}, to)
	return ps
}

func (w *world) assign(k access.RoleKey, to access.Principal) {
	w.t.Helper()
	r, err := w.Access.Assign(w.t.Context(), tester, k, to)
	w.ok(err)
	w.finished(r)
}

func (w *world) finished(r access.Request) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		rs, err := w.Access.Requests(w.t.Context(), r.Kind, access.InProgress, access.RequestCursor{}, 1)
		w.ok(err)
		if len(rs) == 0 {
			return
		}
		if time.Now().After(end) {
			w.t.Fatal("a request is in progress after twenty seconds")
		}
	}
}

func (w *world) groupID(name string) string {
	w.t.Helper()
	g, err := w.Directory.GroupByName(w.t.Context(), name)
	w.ok(err)
	return g.ID
}

// browser is a person's browser: it keeps cookies and goes where it is sent only when the test says so.
type browser struct {
	w *world
	c *http.Client
}

func (w *world) browser() *browser { return &browser{w, w.Browser(w.t)} }

// page is an answer that was read.
type page struct {
	status int
	header http.Header
	body   string
}

func (p page) location() string { return p.header.Get("Location") }

func (b *browser) do(r *http.Request) page {
	b.w.t.Helper()
	res, err := b.c.Do(r)
	b.w.ok(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.w.ok(err)
	if res.StatusCode >= 500 {
		b.w.t.Fatalf("%s %s: HTTP %d %s", r.Method, r.URL, res.StatusCode, body)
	}
	return page{res.StatusCode, res.Header, string(body)}
}

func (b *browser) request(method, to string, body io.Reader) *http.Request {
	b.w.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = b.w.URL + to
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, to, body)
	b.w.ok(err)
	return r
}

func (b *browser) get(to string) page { b.w.t.Helper(); return b.do(b.request("GET", to, nil)) }

func (b *browser) post(to string, form url.Values) page {
	b.w.t.Helper()
	r := b.request("POST", to, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// api calls the admin API with the browser's cookie and returns the status; the answer is read into out.
func (b *browser) api(method, path string, in, out any) int {
	b.w.t.Helper()
	var body io.Reader
	if in != nil {
		j, err := json.Marshal(in)
		b.w.ok(err)
		body = bytes.NewReader(j)
	}
	r := b.request(method, "/api/v1"+path, body)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	p := b.do(r)
	if out != nil && p.status < 300 {
		b.w.ok(json.Unmarshal([]byte(p.body), out))
	}
	return p.status
}

var (
	actionOf = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hiddenOf = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// form reads the one form of a page.
func (p page) form(t *testing.T) (action string, fields url.Values) {
	t.Helper()
	m := actionOf.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("there is no form on the page (HTTP %d):\n%s", p.status, p.body)
	}
	fields = url.Values{}
	for _, f := range hiddenOf.FindAllStringSubmatch(p.body, -1) {
		fields.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return html.UnescapeString(m[1]), fields
}

// atTenant goes to an address of the tenant and on to the page that carries the response, signing in if it is asked to.
func (b *browser) atTenant(to, user string) page {
	b.w.t.Helper()
	at, err := url.Parse(b.w.tenant.BaseURL())
	b.w.ok(err)
	p := b.get(to)
	if _, f := p.form(b.w.t); f.Has("flow") && b.w.signed[user] != nil {
		b.c.Jar.SetCookies(at, b.w.signed[user])
		p = b.get(to)
	}
	action, fields := p.form(b.w.t)
	if !fields.Has("flow") {
		return p
	}
	fields.Set("loginfmt", user)
	fields.Set("passwd", password)
	p = b.post(b.w.tenant.BaseURL()+action, fields)
	b.w.signed[user] = (&http.Response{Header: p.header}).Cookies()
	if p.status == http.StatusSeeOther { // to My Apps: nothing had been asked for
		return b.get(to)
	}
	return p
}

// response begins a sign-in and returns the form that the tenant sends back.
func (b *browser) response(user, returnTo string) (acs string, form url.Values) {
	b.w.t.Helper()
	p := b.get("/saml/" + b.w.dir + "/login?return_to=" + url.QueryEscape(returnTo))
	if p.status != http.StatusSeeOther {
		b.w.t.Fatalf("login: HTTP %d %s", p.status, p.body)
	}
	return b.atTenant(p.location(), user).form(b.w.t)
}

// deliver posts a response and follows to the end of the sign-in: the answer of finish, or of acs when it refused.
func (b *browser) deliver(acs string, form url.Values) page {
	b.w.t.Helper()
	p := b.post(acs, form)
	if p.status != http.StatusSeeOther {
		return p
	}
	return b.get(p.location())
}

// signIn signs a person of the tenant in.
func (b *browser) signIn(user string) {
	b.w.t.Helper()
	if p := b.trySignIn(user, "/start"); p.status != http.StatusSeeOther || p.location() != "/start" {
		b.w.t.Fatalf("%s could not sign in: HTTP %d %s", user, p.status, text(p.body))
	}
}

func (b *browser) trySignIn(user, returnTo string) page {
	b.w.t.Helper()
	return b.deliver(b.response(user, returnTo))
}

// text is what of a page people read, more or less.
func text(body string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")), " ")
}
