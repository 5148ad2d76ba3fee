package nodes

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/adminclient"
	"gatehouse/internal/storage/postgres/pgtest"
	"gatehouse/internal/tenant"
	"gatehouse/test/process"
)

// address is the one by which clients know the installation, whichever node a balancer picks. Only the tests' clients find their
// way there.
const address = "http://gatehouse.localhost"

// node is one process.
type node struct {
	*process.Server
	dial http.RoundTripper
}

// newNode prepares a node with a data directory of its own; it is not started yet.
func newNode(t *testing.T, database, keyset string) *node {
	t.Helper()
	binary, err := process.Binary()
	ok(t, err)
	listen, err := process.FreeAddress()
	ok(t, err)
	dir := t.TempDir()
	config := filepath.Join(dir, "gatehouse.yaml")
	ok(t, os.WriteFile(config, []byte("keyset: "+keyset+"\nurl: "+address+"\ndatabase: "+database+"\n"), 0o600))
	s := &process.Server{Binary: binary, Data: filepath.Join(dir, "data"), Listen: listen, Args: []string{"--config", config}}
	return &node{s, &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		if to == "gatehouse.localhost:80" {
			to = listen
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}}}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start starts nodes at the same time and ends them with the test.
func start(t *testing.T, nodes ...*node) {
	t.Helper()
	errs := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() { errs <- n.Start(context.WithoutCancel(t.Context())) }()
	}
	for range nodes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		for _, n := range nodes {
			log, _ := os.ReadFile(filepath.Join(filepath.Dir(n.Data), "serve.log"))
			t.Logf("%s\n%s", n.Listen, log)
		}
		t.FailNow()
	}
	for _, n := range nodes {
		t.Cleanup(n.Kill)
	}
}

func (n *node) http() *http.Client { return &http.Client{Transport: n.dial, Timeout: 30 * time.Second} }

// aws is a client of this node with the administrator's key.
func (n *node) aws() *process.Client {
	c := n.Client()
	c.HTTP = n.http()
	return c
}

func (n *node) admin() *adminclient.Client {
	return &adminclient.Client{URL: address, Region: n.Env["AWS_REGION"], AccessKeyID: n.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: n.Env["AWS_SECRET_ACCESS_KEY"],
		HTTP: n.http(), Now: time.Now}
}

// pair is two running nodes and a tenant that pushes to the first.
type pair struct {
	t      *testing.T
	a, b   *node
	tenant *tenant.Tenant
	// cookies are the person's browser's; it may come out at either node.
	cookies http.CookieJar
}

const (
	person   = "ann@contoso.test"
	password = "Correct-horse-1"
)

func newPair(t *testing.T, pg *pgtest.Server) *pair {
	t.Helper()
	database, keyset := pg.Database(t), filepath.Join(t.TempDir(), "keyset.json")
	p := &pair{t: t, a: newNode(t, database, keyset), b: newNode(t, database, keyset)}
	start(t, p.a, p.b)
	var err error
	p.cookies, err = cookiejar.New(nil)
	ok(t, err)
	return p
}

// connect makes a tenant with one person, who is pushed.
func (p *pair) connect() {
	p.t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	var err error
	p.tenant, err = tenant.New(tenant.Config{BaseURL: "http://" + srv.Listener.Addr().String(), DataDir: p.t.TempDir(), Domain: "contoso.test", HTTPClient: p.a.http(), HashRounds: 1})
	ok(p.t, err)
	srv.Config.Handler = p.tenant.Handler()
	srv.Start()
	p.t.Cleanup(srv.Close)
	u, err := p.tenant.AddUser(tenant.User{UserPrincipalName: person, Mail: person, GivenName: "Ann", Surname: "Ash", DisplayName: "Ann Ash", AccountEnabled: true})
	ok(p.t, err)
	ok(p.t, p.tenant.SetPassword(u.ID, password))
	ok(p.t, p.tenant.Assign(u.ID, ""))
	ok(p.t, p.tenant.SetApplication(func(a *tenant.Application) {
		a.EntityID, a.ReplyURLs, a.SignOnURL = address+"/saml/default/metadata", []string{address + "/saml/default/acs"}, ""
	}))
	xml, err := p.tenant.Metadata()
	ok(p.t, err)
	in := map[string]any{"metadata": string(xml), "allowIdpInitiated": true}
	ok(p.t, p.a.admin().Do(p.t.Context(), http.MethodPut, "/directories/default/idp", in, nil))
	var token struct{ Token, URL string }
	ok(p.t, p.b.admin().Do(p.t.Context(), http.MethodPost, "/directories/default/scim-tokens", map[string]int{}, &token))
	ok(p.t, p.tenant.SetJob(func(s *tenant.Settings) { s.BaseURL = token.URL }))
	ok(p.t, p.tenant.SetSecretToken(token.Token))
	p.sync()
}

func (p *pair) sync() {
	p.t.Helper()
	if c, err := p.tenant.RunCycle(p.t.Context()); err != nil || c.Result != "Succeeded" {
		p.t.Fatalf("%s %v %+v", c.Result, err, c.Failures)
	}
}

type page struct {
	status   int
	location string
	body     string
}

// send is the person's browser sending one request, to a node or to the tenant.
func (p *pair) send(n *node, method, to string, form url.Values) page {
	p.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = address + to
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, to, strings.NewReader(form.Encode()))
	ok(p.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	c := n.http()
	c.Jar, c.CheckRedirect = p.cookies, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Do(r)
	ok(p.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ok(p.t, err)
	if res.StatusCode >= 500 {
		p.t.Fatalf("%s %s: HTTP %d %s", method, to, res.StatusCode, body)
	}
	return page{res.StatusCode, res.Header.Get("Location"), string(body)}
}

var (
	actionOf = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hiddenOf = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

func (g page) form(t *testing.T) (string, url.Values) {
	t.Helper()
	m := actionOf.FindStringSubmatch(g.body)
	if m == nil {
		t.Fatalf("there is no form on the page (HTTP %d):\n%s", g.status, g.body)
	}
	f := url.Values{}
	for _, h := range hiddenOf.FindAllStringSubmatch(g.body, -1) {
		f.Set(html.UnescapeString(h[1]), html.UnescapeString(h[2]))
	}
	return html.UnescapeString(m[1]), f
}

// answered is the tenant's answer to a page it was sent to, signing in where it asks for that.
func (p *pair) answered(to string) (acs string, form url.Values) {
	p.t.Helper()
	g := p.send(p.a, http.MethodGet, to, nil)
	action, f := g.form(p.t)
	if !f.Has("flow") {
		return action, f
	}
	f.Set("loginfmt", person)
	f.Set("passwd", password)
	g = p.send(p.a, http.MethodPost, p.tenant.BaseURL()+action, f)
	if g.status == http.StatusSeeOther {
		return p.answered(to)
	}
	return g.form(p.t)
}

// session is the status of GET /api/v1/session at a node.
func (p *pair) session(n *node) int {
	p.t.Helper()
	return p.send(n, http.MethodGet, "/api/v1/session", nil).status
}

// json posts a JSON body to a node, without cookies, as a command line does.
func (n *node) json(t *testing.T, path string, in any) (int, map[string]any) {
	t.Helper()
	b, err := json.Marshal(in)
	ok(t, err)
	res, err := n.http().Post(address+path, "application/json", bytes.NewReader(b))
	ok(t, err)
	defer res.Body.Close()
	out := map[string]any{}
	ok(t, json.NewDecoder(res.Body).Decode(&out))
	return res.StatusCode, out
}

// bearer asks a node's portal API for the accounts and returns the status.
func (n *node) bearer(t *testing.T, path, token string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
	ok(t, err)
	r.Header.Set("X-Amz-Sso_bearer_token", token)
	res, err := n.http().Do(r)
	ok(t, err)
	defer res.Body.Close()
	out := map[string]any{}
	ok(t, json.NewDecoder(res.Body).Decode(&out))
	return res.StatusCode, out
}
