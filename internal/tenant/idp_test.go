package tenant

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/saml"
)

const (
	spEntity = "https://sp.test/saml/metadata"
	spACS    = "https://sp.test/saml/acs"
	annPass  = "correct horse battery"
)

// site is a world with its pages served and a browser in front of it.
type site struct {
	*world
	srv     *httptest.Server
	browser *http.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	w := newWorld(t)
	w.ok(w.SetApplication(func(a *Application) { a.EntityID, a.ReplyURLs = spEntity, []string{spACS} }))
	w.st.userByID(w.ids["ann"]).PasswordHash = w.hash(annPass)
	w.st.userByID(w.ids["cat"]).PasswordHash = w.hash(annPass)
	s := &site{world: w, srv: httptest.NewServer(w.Handler())}
	t.Cleanup(s.srv.Close)
	s.newBrowser()
	return s
}

func (s *site) newBrowser() {
	jar, _ := cookiejar.New(nil)
	s.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *site) do(req *http.Request) (int, string, http.Header) {
	s.t.Helper()
	res, err := s.browser.Do(req)
	s.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	s.ok(err)
	return res.StatusCode, string(b), res.Header
}

func (s *site) get(path string) (int, string, http.Header) {
	s.t.Helper()
	req, err := http.NewRequest("GET", s.srv.URL+path, nil)
	s.ok(err)
	return s.do(req)
}

func (s *site) post(path string, form url.Values) (int, string, http.Header) {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.srv.URL+path, strings.NewReader(form.Encode()))
	s.ok(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(req)
}

func (s *site) request(edit func(*saml.AuthnRequest)) saml.AuthnRequest {
	r := saml.AuthnRequest{ID: "_req1", IssueInstant: s.clock.now(), Issuer: spEntity, ACSURL: spACS, Destination: "http://tenant.test/" + s.ID() + "/saml2", NameIDFormat: saml.NameIDEmail}
	if edit != nil {
		edit(&r)
	}
	return r
}

// ask sends a request by redirect.
func (s *site) ask(r saml.AuthnRequest, relay string) (int, string, http.Header) {
	s.t.Helper()
	u, err := r.RedirectURL(relay, nil)
	s.ok(err)
	return s.get(strings.TrimPrefix(u, "http://tenant.test"))
}

var hidden = regexp.MustCompile(`name="(\w+)" value="([^"]*)"`)

func fields(page string) map[string]string {
	m := map[string]string{}
	for _, f := range hidden.FindAllStringSubmatch(page, -1) {
		m[f[1]] = strings.NewReplacer("&#43;", "+", "&amp;", "&", "&#34;", `"`).Replace(f[2])
	}
	return m
}

// signIn answers the sign-in page for ann.
func (s *site) signIn(page, name, password string) (int, string, http.Header) {
	s.t.Helper()
	return s.post("/"+s.ID()+"/login", url.Values{"flow": {fields(page)["flow"]}, "loginfmt": {name}, "passwd": {password}})
}

func (s *site) certificates() []*x509.Certificate {
	var out []*x509.Certificate
	for _, k := range s.signing {
		out = append(out, k.cert)
	}
	return out
}

func (s *site) verify(doc []byte, id string) (saml.Assertion, error) {
	p := saml.Params{Certificates: s.certificates(), Issuer: s.Issuer(), Audiences: []string{spEntity}, Recipients: []string{spACS}, RequestID: id, Now: s.clock.now()}
	if id == "" {
		p.Unsolicited = saml.AcceptUnsolicited
	}
	return saml.Verify(doc, p)
}

// TestSignIn goes through the pages of an SP-initiated sign-in and holds the response to Entra's shape.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	code, page, h := s.ask(s.request(nil), "relay & state")
	if code != 200 || !strings.Contains(page, "Emulated Entra tenant") || !strings.Contains(page, `type="password"`) {
		t.Fatalf("sign-in page: %d %s", code, page)
	}
	if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "script-src") {
		t.Errorf("policy of the sign-in page: %s", h.Get("Content-Security-Policy"))
	}
	code, page, h = s.signIn(page, "Ann@contoso.test", annPass)
	f := fields(page)
	if code != 200 || f["RelayState"] != "relay & state" || !strings.Contains(page, `action="`+spACS+`"`) || !strings.Contains(page, `<button type="submit"`) {
		t.Fatalf("post page: %d %s", code, page)
	}
	if c := h.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
		t.Errorf("cookie: %s", c)
	}
	doc, err := base64.StdEncoding.DecodeString(f["SAMLResponse"])
	s.ok(err)
	if a, err := s.verify(doc, "_req1"); err != nil || a.NameID != "ann@contoso.test" {
		t.Errorf("verification: %v %+v", err, a)
	}
	if got := shape(doc, s.Tenant, s.ids); got != wantResponse {
		t.Errorf("response:\n got %s\nwant %s", got, wantResponse)
	}
	if code, page, _ = s.ask(s.request(func(r *saml.AuthnRequest) { r.ID = "_req2" }), ""); code != 200 || fields(page)["SAMLResponse"] == "" {
		t.Errorf("single sign-on by the session: %d", code)
	}
	if _, page, _ = s.ask(s.request(func(r *saml.AuthnRequest) { r.ForceAuthn = true }), ""); fields(page)["SAMLResponse"] != "" {
		t.Error("ForceAuthn was answered without a sign-in")
	}
	s.ok(s.SetEnabled("ann@contoso.test", false))
	if _, page, _ = s.ask(s.request(nil), ""); fields(page)["SAMLResponse"] != "" {
		t.Error("a disabled person still has a session")
	}
}

// wantResponse is the capture of the reference with everything that varies named.
const wantResponse = `<samlp:Response ID="_{r}" Version="2.0" IssueInstant="2026-11-24T09:00:00.000Z" Destination="https://sp.test/saml/acs" InResponseTo="_req1" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">` +
	`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">https://sts.windows.net/{tid}/</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
	`<Assertion ID="_{a}" IssueInstant="2026-11-24T09:00:00.000Z" Version="2.0" xmlns="urn:oasis:names:tc:SAML:2.0:assertion"><Issuer>https://sts.windows.net/{tid}/</Issuer>{signature of a}` +
	`<Subject><NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">ann@contoso.test</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData InResponseTo="_req1" NotOnOrAfter="2026-11-24T10:00:00.000Z" Recipient="https://sp.test/saml/acs"/></SubjectConfirmation></Subject>` +
	`<Conditions NotBefore="2026-11-24T08:55:00.000Z" NotOnOrAfter="2026-11-24T10:00:00.000Z"><AudienceRestriction><Audience>https://sp.test/saml/metadata</Audience></AudienceRestriction></Conditions>` +
	`<AttributeStatement><Attribute Name="http://schemas.microsoft.com/identity/claims/tenantid"><AttributeValue>{tid}</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.microsoft.com/identity/claims/objectidentifier"><AttributeValue>{ann}</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.microsoft.com/identity/claims/displayname"><AttributeValue>Ann Ash</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.microsoft.com/identity/claims/identityprovider"><AttributeValue>https://sts.windows.net/{tid}/</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.microsoft.com/claims/authnmethodsreferences"><AttributeValue>http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"><AttributeValue>Ann</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"><AttributeValue>Ash</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"><AttributeValue>ann@contoso.test</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"><AttributeValue>ann@contoso.test</AttributeValue></Attribute></AttributeStatement>` +
	`<AuthnStatement AuthnInstant="2026-11-24T09:00:00.000Z" SessionIndex="_{a}"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>`

// shape names what varies in a response.
func shape(doc []byte, t *Tenant, ids map[string]string) string {
	out := strings.ReplaceAll(string(doc), t.ID(), "{tid}")
	for name, id := range ids {
		out = strings.ReplaceAll(out, id, "{"+name+"}")
	}
	if m := regexp.MustCompile(`<samlp:Response ID="_([0-9a-f-]{36})"`).FindStringSubmatch(out); m != nil {
		out = strings.ReplaceAll(out, m[1], "{r}")
	}
	if m := regexp.MustCompile(`<Assertion ID="_([0-9a-f-]{36})"`).FindStringSubmatch(out); m != nil {
		out = strings.ReplaceAll(out, m[1], "{a}")
	}
	return regexp.MustCompile(`<Signature .*?URI="#_\{(.)\}".*?</Signature>`).ReplaceAllString(out, "{signature of $1}")
}

// TestSigningOptions: assertion, response or both; an independent program verifies each signature.
func TestSigningOptions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for sign, want := range map[string][]string{"assertion": {"Assertion"}, "response": {"Response"}, "both": {"Assertion", "Response"}} {
		s.ok(s.SetApplication(func(a *Application) { a.Sign = sign }))
		s.newBrowser()
		_, page, _ := s.ask(s.request(nil), "")
		_, page, _ = s.signIn(page, "ann@contoso.test", annPass)
		doc, err := base64.StdEncoding.DecodeString(fields(page)["SAMLResponse"])
		s.ok(err)
		if _, err := s.verify(doc, "_req1"); err != nil {
			t.Errorf("%s: %v", sign, err)
		}
		if n := bytes.Count(doc, []byte("<SignedInfo>")); n != len(want) {
			t.Errorf("%s: %d signatures, want %d", sign, n, len(want))
		}
		for _, el := range want {
			xmlsec(t, doc, el, s.signing[0].cert)
		}
	}
}

// xmlsec checks the signature that is a child of the named element with xmlsec1, where that is installed.
func xmlsec(t *testing.T, doc []byte, element string, cert *x509.Certificate) {
	t.Helper()
	tool, err := exec.LookPath("xmlsec1")
	if err != nil {
		t.Log("xmlsec1 is not installed (Debian package xmlsec1): the second opinion on signatures is skipped")
		return
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	ns := map[string]string{"Assertion": "urn:oasis:names:tc:SAML:2.0:assertion", "Response": "urn:oasis:names:tc:SAML:2.0:protocol", "EntityDescriptor": "urn:oasis:names:tc:SAML:2.0:metadata"}[element]
	out, err := exec.Command(tool, "--verify", "--pubkey-cert-pem", write("cert.pem", []byte(certPEM(cert))), "--enabled-key-data", "rsa", "--id-attr:ID", ns+":"+element,
		"--node-xpath", "//*[local-name()='"+element+"']/*[local-name()='Signature']", write("doc.xml", doc)).CombinedOutput()
	if err != nil {
		t.Errorf("xmlsec1 on %s: %v\n%s", element, err, out)
	}
}

// TestMetadata has both certificates and is read by the service provider's parser; its signature is good.
func TestMetadata(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	code, doc, _ := s.get(strings.TrimPrefix(s.MetadataURL(), "http://tenant.test"))
	m, err := saml.ParseIDPMetadata([]byte(doc))
	if code != 200 || err != nil {
		t.Fatalf("%d %v", code, err)
	}
	if m.EntityID != "https://sts.windows.net/"+s.ID()+"/" || len(m.Certificates) != 2 {
		t.Errorf("%s with %d certificates", m.EntityID, len(m.Certificates))
	}
	for _, want := range []string{`xsi:type="fed:SecurityTokenServiceType"`, `xsi:type="fed:ApplicationServiceType"`, `Location="http://tenant.test/` + s.ID() + `/saml2"`} {
		if !strings.Contains(doc, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, no := range []string{"NameIDFormat", "WantAuthnRequestsSigned"} {
		if strings.Contains(doc, no) {
			t.Errorf("has %s, which Entra's has not", no)
		}
	}
	xmlsec(t, []byte(doc), "EntityDescriptor", s.signing[0].cert)
	if cn := s.signing[0].cert.Subject.String(); cn != "CN=Microsoft Azure Federated SSO Certificate" {
		t.Errorf("certificate %s", cn)
	}
}

// TestRollover: an administrator makes the other certificate active; later the active one expires and the tenant switches by itself.
func TestRollover(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	certs := s.Certificates()
	if len(certs) != 2 || !certs[0].Active || certs[1].Active {
		t.Fatalf("%+v", certs)
	}
	s.ok(s.ActivateCertificate(certs[1].Thumbprint))
	if !s.signer().cert.Equal(s.signing[1].cert) {
		t.Error("the second certificate does not sign")
	}
	if err := s.ActivateCertificate("00"); err == nil {
		t.Error("an unknown certificate was activated")
	}
	short := *s.signing[1].cert
	short.NotAfter = s.clock.now()
	s.signing[1].cert = &short
	if !s.signer().cert.Equal(s.signing[0].cert) {
		t.Error("an expired certificate still signs although another is valid")
	}
}

// TestErrors are the errors that people meet, with Entra's codes.
func TestErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	raw := func(inner string) string {
		doc := `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0" IssueInstant="2026-11-24T09:00:00Z"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + spEntity + `</Issuer>` + inner + `</samlp:AuthnRequest>`
		return base64.StdEncoding.EncodeToString([]byte(doc))
	}
	redirect := func(edit func(*saml.AuthnRequest)) func() (int, string, http.Header) {
		return func() (int, string, http.Header) { return s.ask(s.request(edit), "") }
	}
	posted := func(field string) func() (int, string, http.Header) {
		return func() (int, string, http.Header) {
			return s.post("/"+s.ID()+"/saml2", url.Values{"SAMLRequest": {field}})
		}
	}
	for _, c := range []struct {
		name string
		do   func() (int, string, http.Header)
		code int
		want string
	}{
		{"unknown identifier", redirect(func(r *saml.AuthnRequest) { r.Issuer = "https://other.test" }), 400, "AADSTS700016"},
		{"reply URL mismatch", redirect(func(r *saml.AuthnRequest) { r.ACSURL = "https://evil.test/acs" }), 400, "AADSTS50011"},
		{"identifier begins with a digit", redirect(func(r *saml.AuthnRequest) { r.ID = "1abc" }), 400, "AADSTS7500529"},
		{"name identifier format", redirect(func(r *saml.AuthnRequest) {
			r.NameIDFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
		}), 400, "AADSTS75016"},
		{"SPNameQualifier", posted(raw(`<samlp:NameIDPolicy SPNameQualifier="x"/>`)), 400, "AADSTS90011"},
		{"comparison", posted(raw(`<samlp:RequestedAuthnContext Comparison="minimum"/>`)), 400, "AADSTS900236"},
		{"not a request", posted(base64.StdEncoding.EncodeToString([]byte(`<x/>`))), 400, "AADSTS75005"},
		{"not XML", posted("!!"), 400, "AADSTS750054"},
		{"doctype", posted(base64.StdEncoding.EncodeToString([]byte(`<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>`))), 400, "AADSTS75005"},
		{"no parameter", func() (int, string, http.Header) { return s.get("/" + s.ID() + "/saml2") }, 400, "AADSTS750054"},
		{"another tenant", func() (int, string, http.Header) { return s.get("/11111111-0000-4000-8000-000000000000/saml2") }, 404, "AADSTS90002"},
		{"sign-in without a flow", func() (int, string, http.Header) {
			return s.signIn("", "ann@contoso.test", annPass)
		}, 400, "AADSTS900144"},
		{"wrong password", func() (int, string, http.Header) {
			_, page, _ := s.ask(s.request(nil), "")
			return s.signIn(page, "ann@contoso.test", "wrong")
		}, 401, "AADSTS50126"},
		{"nobody of that name", func() (int, string, http.Header) {
			_, page, _ := s.ask(s.request(nil), "")
			return s.signIn(page, "<script>@contoso.test", annPass)
		}, 401, "AADSTS50034"},
		{"no password set", func() (int, string, http.Header) {
			_, page, _ := s.ask(s.request(nil), "")
			return s.signIn(page, "bob@contoso.test", "")
		}, 401, "AADSTS50126"},
		{"only in a nested group", func() (int, string, http.Header) {
			_, page, _ := s.ask(s.request(nil), "")
			return s.signIn(page, "cat@contoso.test", annPass)
		}, 403, "AADSTS50105"},
		{"disabled", func() (int, string, http.Header) {
			s.ok(s.SetEnabled("ann@contoso.test", false))
			_, page, _ := s.ask(s.request(nil), "")
			return s.signIn(page, "ann@contoso.test", annPass)
		}, 401, "AADSTS50057"},
		{"disabled, wrong password: not told", func() (int, string, http.Header) {
			_, page, _ := s.ask(s.request(nil), "")
			return s.signIn(page, "ann@contoso.test", "wrong")
		}, 401, "AADSTS50126"},
	} {
		s.newBrowser()
		code, page, h := c.do()
		if code != c.code || !strings.Contains(page, c.want+":") {
			t.Errorf("%s: %d, want %d %s in %s", c.name, code, c.code, c.want, page)
		}
		if strings.Contains(page, "<script>") || fields(page)["SAMLResponse"] != "" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: page with script, response or without policy", c.name)
		}
	}
}

// TestNotAnswerable: what Entra can tell the application, it posts as a response without an assertion.
func TestNotAnswerable(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, page, _ := s.ask(s.request(func(r *saml.AuthnRequest) { r.IsPassive = true }), "")
	doc, _ := base64.StdEncoding.DecodeString(fields(page)["SAMLResponse"])
	if !bytes.Contains(doc, []byte("status:NoPassive")) || !bytes.Contains(doc, []byte("AADSTS50058")) || bytes.Contains(doc, []byte("<Assertion")) {
		t.Errorf("passive: %s", doc)
	}
	req := `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0" IssueInstant="2026-11-24T09:00:00Z"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + spEntity +
		`</Issuer><samlp:RequestedAuthnContext Comparison="exact"><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:oasis:names:tc:SAML:2.0:ac:classes:X509</AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>`
	_, page, _ = s.post("/"+s.ID()+"/saml2", url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(req))}})
	doc, _ = base64.StdEncoding.DecodeString(fields(page)["SAMLResponse"])
	if !bytes.Contains(doc, []byte("status:NoAuthnContext")) || !bytes.Contains(doc, []byte("AADSTS75011")) {
		t.Errorf("method: %s", doc)
	}
}

// TestIdPInitiated launches from My Apps: no InResponseTo, the configured RelayState.
func TestIdPInitiated(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ok(s.SetApplication(func(a *Application) { a.RelayState = "https://sp.test/start" }))
	_, page, _ := s.get("/myapps")
	code, _, h := s.signIn(page, "ann@contoso.test", annPass)
	if code != 303 || h.Get("Location") != "/myapps" {
		t.Fatalf("%d %s", code, h.Get("Location"))
	}
	if _, page, _ = s.get("/myapps"); !strings.Contains(page, "/myapps/launch") || !strings.Contains(page, "Ann Ash") {
		t.Fatalf("My Apps: %s", page)
	}
	_, page, _ = s.get("/myapps/launch")
	f := fields(page)
	doc, err := base64.StdEncoding.DecodeString(f["SAMLResponse"])
	s.ok(err)
	if bytes.Contains(doc, []byte("InResponseTo")) || f["RelayState"] != "https://sp.test/start" {
		t.Errorf("RelayState %q in %s", f["RelayState"], doc)
	}
	if _, err := s.verify(doc, ""); err != nil {
		t.Error(err)
	}
	s.ok(s.SetApplication(func(a *Application) { a.SignOnURL = "https://sp.test/start" }))
	if code, _, h = s.get("/myapps/launch"); code != 303 || h.Get("Location") != "https://sp.test/start" {
		t.Errorf("with a sign-on URL: %d %s", code, h.Get("Location"))
	}
	if code, page, _ = s.post("/"+s.ID()+"/logout", nil); code != 200 || !strings.Contains(page, "signed out") {
		t.Errorf("sign-out: %d", code)
	}
	if _, page, _ = s.get("/myapps/launch"); fields(page)["SAMLResponse"] != "" {
		t.Error("launched after sign-out")
	}
}

// TestClaims: groups (nested for all, assigned otherwise) and an attribute for access control.
func TestClaims(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ok(s.SetApplication(func(a *Application) {
		a.Claims = []Claim{{"https://aws.amazon.com/SAML/Attributes/AccessControl:Department", "department"}}
	}))
	ann, cat := s.st.userByID(s.ids["ann"]), s.st.userByID(s.ids["cat"])
	find := func(u *userRecord, name string) []string {
		for _, a := range s.attributesOf(u, nil) {
			if a.name == name {
				return a.values
			}
		}
		return nil
	}
	if got := find(ann, "https://aws.amazon.com/SAML/Attributes/AccessControl:Department"); !slices.Equal(got, []string{"IT"}) {
		t.Errorf("department %q", got)
	}
	s.ok(s.SetApplication(func(a *Application) { a.GroupsClaim = "all" }))
	if got := find(cat, claimGroups); !slices.Equal(got, []string{s.ids["Leads"], s.ids["Devs"]}) {
		t.Errorf("all: %q", got)
	}
	s.ok(s.SetApplication(func(a *Application) { a.GroupsClaim = "assigned" }))
	if got := find(cat, claimGroups); !slices.Equal(got, []string{s.ids["Devs"]}) {
		t.Errorf("assigned: %q", got)
	}
	if got := audience("plain-name"); got != "spn:plain-name" {
		t.Errorf("an identifier that is no URI: %q", got)
	}
}

// TestPassword: the real hash, its constant shape, and the lock after ten wrong ones.
func TestPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rounds = hashRounds // other tests are none of patience
	w.ok(w.SetPassword("ann@contoso.test", annPass))
	hash := w.st.userByID(w.ids["ann"]).PasswordHash
	if !strings.HasPrefix(hash, "pbkdf2-sha256$600000$") || !w.matches(hash, annPass) || w.matches(hash, annPass+"x") || w.matches("", "") || w.matches("x$y", "") {
		t.Errorf("hash %q", hash)
	}
	w.rounds = 1
	w.st.userByID(w.ids["ann"]).PasswordHash = w.hash(annPass)
	for i := range lockAfter {
		if _, err := w.checkPassword("ann@contoso.test", "wrong"); err != errWrongPassword {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	if _, err := w.checkPassword("ann@contoso.test", annPass); err != errLocked {
		t.Errorf("after ten wrong ones: %v", err)
	}
	w.clock.advance(lockFor)
	if id, err := w.checkPassword("ann@contoso.test", annPass); err != nil || id != w.ids["ann"] {
		t.Errorf("a minute later: %v", err)
	}
	for _, p := range []string{"short", strings.Repeat("x", 257)} {
		if w.SetPassword("ann@contoso.test", p) == nil {
			t.Errorf("a password of %d bytes was taken", len(p))
		}
	}
}

// TestSessionsEnd: a session ends after twelve hours, a pending sign-in after fifteen minutes.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, page, _ := s.ask(s.request(nil), "")
	s.clock.advance(flowFor)
	if code, _, _ := s.signIn(page, "ann@contoso.test", annPass); code != 400 {
		t.Errorf("an old sign-in page was taken: %d", code)
	}
	_, page, _ = s.ask(s.request(nil), "")
	s.signIn(page, "ann@contoso.test", annPass)
	s.clock.advance(sessionFor - time.Second)
	if _, page, _ = s.ask(s.request(nil), ""); fields(page)["SAMLResponse"] == "" {
		t.Error("the session ended early")
	}
	s.clock.advance(time.Second)
	if _, page, _ = s.ask(s.request(nil), ""); fields(page)["SAMLResponse"] != "" {
		t.Error("the session did not end")
	}
}

func FuzzReadRequest(f *testing.F) {
	tn := &Tenant{st: &state{App: Application{EntityID: spEntity, ReplyURLs: []string{spACS}}}}
	for _, doc := range []string{"", "<x/>", `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0" IssueInstant="2026-11-24T09:00:00Z"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + spEntity + `</Issuer><samlp:NameIDPolicy/></samlp:AuthnRequest>`} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		field := base64.StdEncoding.EncodeToString([]byte(doc))
		tn.logoutRequest(field, true)
		r, err := tn.readRequest(field, true)
		if err == nil && (r.Issuer != spEntity || r.ACSURL != spACS || r.ID == "") {
			t.Errorf("accepted %+v", r)
		}
	})
}

func FuzzParseSource(f *testing.F) {
	for _, m := range DefaultMappings() {
		f.Add(m.Source)
	}
	f.Add(`Join(", ", [surname], "x")`)
	f.Fuzz(func(t *testing.T, s string) {
		src, err := parseSource(s)
		if err != nil {
			return
		}
		src(&User{Surname: "S", GivenName: "G"})
		if _, err := json.Marshal(s); err != nil {
			t.Error(err)
		}
	})
}
