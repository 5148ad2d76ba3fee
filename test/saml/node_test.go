package samlclients

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/tenant"
)

// script is a program for Node that answers lines of JSON.
type script struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// startNode runs a script of the directory node, whose packages test/run installs.
func startNode(t *testing.T, name string, args ...string) *script {
	t.Helper()
	node := need(t, "node", "nodejs")
	if !exists(filepath.Join("node", "node_modules", "samlify")) {
		t.Skip("the packages of test/saml/node are not installed (npm ci there)")
	}
	cmd := exec.Command(node, append([]string{filepath.Join("node", name)}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said lockedBuffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said.tail(4000))
		}
	})
	s := &script{t, in, bufio.NewScanner(out)}
	s.out.Buffer(nil, 1<<20)
	return s
}

func (s *script) read(v any) {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("it has ended: %v", s.out.Err())
	}
	if err := json.Unmarshal(s.out.Bytes(), v); err != nil {
		s.t.Fatalf("it said %q", s.out.Text())
	}
}

func (s *script) ask(question, answer any) {
	s.t.Helper()
	line, err := json.Marshal(question)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatal(err)
	}
	s.read(answer)
}

// samlifyAnswer is what the identity provider on samlify says.
type samlifyAnswer struct{ Metadata, Response, ACS, URL, To, Error string }

// samlify signs people in, with every way to sign its answers; and is held to its rules by us.
func TestSamlify(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g gatehouse) {
		idp, metadata := startSamlify(t, g)
		g.trust(t, metadata, false)
		for _, tt := range []struct {
			sign, name string
			status     int
		}{{"assertion", anna, http.StatusOK}, {"message", anna, http.StatusOK}, {"both", anna, http.StatusOK}, {"both", nobody, http.StatusForbidden}} {
			b := newBrowser(t)
			p := b.viaSamlify(g, idp, map[string]any{"name": tt.name, "sign": tt.sign})
			want := ""
			if tt.status == http.StatusOK {
				want = anna
			}
			if got := b.whoami(g); got != want || p.status != tt.status && want == "" {
				t.Errorf("%+v: status %d at %s, signed in is %q:\n%s", tt, p.status, p.at, got, p.body)
			}
		}
	})
}

func startSamlify(t *testing.T, g gatehouse) (*script, []byte) {
	t.Helper()
	dir := t.TempDir()
	certificate(t, dir)
	write(t, filepath.Join(dir, "sp.xml"), newBrowser(t).get(g.url+"/saml/"+sourceID+"/metadata").body)
	idp := startNode(t, "idp.mjs", dir, "http://"+freeAddress(t))
	var first samlifyAnswer
	idp.read(&first)
	return idp, []byte(first.Metadata)
}

// viaSamlify goes the whole way of a sign-in.
func (b browser) viaSamlify(g gatehouse, idp *script, ask map[string]any) page {
	b.t.Helper()
	at := b.beginAt(g)
	q := at.Query()
	ask["query"] = at.RawQuery
	var a samlifyAnswer
	if idp.ask(ask, &a); a.Error != "" {
		b.t.Fatalf("samlify refuses: %s", a.Error)
	}
	if a.ACS != g.acs() {
		b.t.Errorf("samlify answers to %s, want %s", a.ACS, g.acs())
	}
	return b.do(http.MethodPost, a.ACS, url.Values{"SAMLResponse": {a.Response}, "RelayState": {q.Get("RelayState")}})
}

// Signed requests and single logout with samlify: it takes requests that must be signed, signs a person out, and understands the answer.
func TestSamlifyTakesSignedRequestsAndSignsOut(t *testing.T) {
	t.Parallel()
	g := startBinary(t)
	_, metadata := startSamlify(t, g)
	g.trustWith(t, metadata, "--sign-requests", "--single-logout")
	// The server has its key only now, so the provider is started anew with metadata that has it.
	idp, metadata := startSamlify(t, g)
	g.trustWith(t, metadata, "--sign-requests", "--single-logout")
	b := newBrowser(t)
	b.viaSamlify(g, idp, map[string]any{"name": anna, "sign": "both", "demand": true})
	if b.whoami(g) != anna {
		t.Fatal("nobody is signed in")
	}
	q := b.beginAt(g).RawQuery
	var a samlifyAnswer
	if idp.ask(map[string]any{"query": strings.Replace(q, "RelayState=", "RelayState=x", 1), "name": anna, "sign": "both", "demand": true}, &a); a.Error == "" {
		t.Error("samlify takes a request that was changed: it does not look at the signature")
	}
	var out samlifyAnswer
	if idp.ask(map[string]any{"logout": anna, "index": "session-1", "sign": "both"}, &out); out.Error != "" {
		t.Fatalf("samlify makes no logout request: %s", out.Error)
	}
	stay := *b.client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := stay.Get(out.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %s", resp.StatusCode, body)
	}
	if b.whoami(g) != "" {
		t.Error("the session that the provider ended is open")
	}
	if idp.ask(map[string]any{"answer": to.RawQuery, "sign": "both"}, &out); out.Error != "" || out.To == "" {
		t.Errorf("samlify does not understand the answer: %s", out.Error)
	}
	// The same request again ends nothing and is refused.
	if p := b.get(out.URL); out.URL != "" && p.status != http.StatusForbidden {
		t.Errorf("the logout request again: status %d", p.status)
	}
}

// node-saml accepts the responses of the emulated tenant, in every way of signing them, and reads in them what the tenant meant.
func TestNodeSAMLAcceptsTheTenant(t *testing.T) {
	t.Parallel()
	sp := startNode(t, "sp.mjs")
	server := httptest.NewUnstartedServer(nil)
	at := "http://" + server.Listener.Addr().String()
	idp, err := tenant.New(tenant.Config{BaseURL: at, DataDir: t.TempDir(), Domain: "contoso.example", HashRounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = idp.Handler()
	server.Start()
	t.Cleanup(server.Close)
	const acs, entity, password = "https://sp.example/acs", "https://sp.example/metadata", "Correct-horse-1"
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = idp.AddUser(tenant.User{UserPrincipalName: anna, DisplayName: "Anna Müller & Søn", GivenName: "Anna", Surname: "Müller", Mail: anna, AccountEnabled: true})
	check(err)
	check(idp.SetPassword(anna, password))
	check(idp.Assign(anna, ""))
	b := newBrowser(t)
	action, login := b.get(at + "/myapps").form(t)
	login.Set("loginfmt", anna)
	login.Set("passwd", password)
	resp, err := b.client.PostForm(action, login) // from the tenant's own page
	check(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("signing in at the tenant: status %d", resp.StatusCode)
	}
	for _, sign := range []string{"assertion", "response", "both"} {
		check(idp.SetApplication(func(a *tenant.Application) {
			a.EntityID, a.ReplyURLs, a.Sign = entity, []string{acs}, sign
		}))
		_, form := b.get(at + "/myapps/launch?unsolicited=1").form(t)
		ask := map[string]any{
			"response": form.Get("SAMLResponse"), "certificate": activeCertificate(t, idp), "acs": acs, "entity": entity, "issuer": idp.Issuer(),
			"assertion": sign != "response", "message": sign != "assertion",
		}
		var a struct {
			Profile struct {
				NameID       string `json:"nameID"`
				Issuer       string `json:"issuer"`
				SessionIndex string `json:"sessionIndex"`
			}
			Error string
		}
		if sp.ask(ask, &a); a.Error != "" || a.Profile.NameID != anna || a.Profile.Issuer != idp.Issuer() || a.Profile.SessionIndex == "" {
			t.Errorf("%s: node-saml reads %+v", sign, a)
		}
		doc, err := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
		check(err)
		ask["response"] = base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(doc), ">"+anna+"<", ">root@contoso.example<", 1)))
		a.Error = ""
		if sp.ask(ask, &a); a.Error == "" {
			t.Errorf("%s: node-saml takes a changed response: the test proves nothing", sign)
		}
	}
}

// activeCertificate is the certificate with which the tenant signs, in PEM.
func activeCertificate(t *testing.T, idp *tenant.Tenant) string {
	t.Helper()
	for _, c := range idp.Certificates() {
		if c.Active {
			return c.PEM
		}
	}
	t.Fatal("no certificate signs")
	return ""
}
