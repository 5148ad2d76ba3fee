package samlsp

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

const (
	sloPath  = "/saml/entra/slo"
	idpSLO   = "https://idp.example/slo"
	idpAfter = "https://idp.example/after"
)

func idpSigner() *saml.Signer {
	key, cert := idpKey()
	return &saml.Signer{Key: key, Certificate: cert}
}

// withLogout is a world whose provider takes logout messages.
func withLogout(t *testing.T) *world {
	w := newWorld(t, server)
	for _, id := range []string{"entra", "okta"} {
		w.set(id, func(s *directory.Source) {
			s.SAML.SLORedirectURL, s.SAML.SLORedirectAnswerURL, s.SAML.SigningKey, s.SAML.SingleLogout = idpSLO, idpAfter, []byte("sealed"), true
		})
	}
	return w
}

// signedIn opens a session of anna's in a new browser.
func (w *world) anna() *browser {
	w.t.Helper()
	b := w.browser()
	q, relay := b.begin(loginPath)
	b.follow(b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example"}), relay)))
	if b.signedIn() == "" {
		w.t.Fatal("anna is not signed in")
	}
	return b
}

// order is a logout request of the provider.
func (w *world) order(change func(*saml.LogoutRequest)) saml.LogoutRequest {
	r := saml.LogoutRequest{ID: saml.NewID(rand.Reader), IssueInstant: w.clock, Issuer: idpEntity, Destination: SLOURL(w.url, "entra"), NameID: "anna@contoso.example", SessionIndexes: []string{"s1"}}
	if change != nil {
		change(&r)
	}
	return r
}

// path is the address under which a browser brings the request by redirect.
func (w *world) path(r saml.LogoutRequest, relay string, s *saml.Signer) string {
	w.t.Helper()
	address, err := r.RedirectURL(relay, s)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.RequestURI()
}

func formOf(t *testing.T, f saml.PostForm, err error) url.Values {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{string(f.Field): {f.Message}, "RelayState": {f.RelayState}}
}

// peerOfOurs verifies what the service provider sends.
func (w *world) peerOfOurs(destination string) saml.Peer {
	_, cert := spKey()
	return saml.Peer{Certificates: []*x509.Certificate{cert}, Issuer: EntityID(w.url, "entra"), Destination: destination, Now: w.clock}
}

// Profiles §4.4: the provider ends the sessions it names, on every node, and gets a signed answer; nothing else is ended, and once.
func TestLogoutByTheProvider(t *testing.T) {
	t.Parallel()
	for _, binding := range []string{"redirect", "post"} {
		w := withLogout(t)
		here, there, bare := w.anna(), w.anna(), w.browser()
		other := New(w.config) // another node on the same store
		q := w.order(nil)
		var resp *http.Response
		relay := "https://idp.example/?next=1"
		if binding == "redirect" {
			resp = bare.get(w.path(q, relay, idpSigner()))
		} else {
			f, err := q.PostForm(relay, idpSigner())
			resp = bare.post(sloPath, formOf(t, f, err))
		}
		to, err := resp.Location()
		if err != nil || resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to.String(), idpAfter+"?") {
			body, _ := io.ReadAll(resp.Body)
			t.Fatalf("%s: status %d to %v: %s", binding, resp.StatusCode, to, body)
		}
		m, err := saml.ReadRedirect(to.RawQuery, saml.FieldResponse)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := saml.VerifyLogoutResponse(m, w.peerOfOurs(idpAfter)); err != nil || a.InResponseTo != q.ID || !a.Success || m.RelayState != relay {
			t.Errorf("%s: answered %+v, %v, relay %q", binding, a, err, m.RelayState)
		}
		if here.signedIn() != "" || there.signedIn() != "" {
			t.Errorf("%s: a session that was named is open", binding)
		}
		// The same request again, at the other node too, with a session opened meanwhile.
		again := w.anna()
		for _, node := range []http.Handler{w.handler, other} {
			w.handler = node
			wantPage(t, bare.get(w.path(q, relay, idpSigner())), http.StatusForbidden, "used already")
		}
		if again.signedIn() == "" {
			t.Errorf("%s: a replayed request ended a session", binding)
		}
	}
	// A provider that takes messages by POST only gets its answer by POST.
	w := withLogout(t)
	w.set("entra", func(s *directory.Source) {
		s.SAML.SLORedirectURL, s.SAML.SLORedirectAnswerURL, s.SAML.SLOPostURL = "", "", "https://idp.example/slo-post"
	})
	resp := w.browser().get(w.path(w.order(nil), "", idpSigner()))
	page, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), `action="https://idp.example/slo-post"`) || !strings.Contains(string(page), `name="SAMLResponse"`) || strings.Contains(string(page), "<script") {
		t.Errorf("status %d: %s", resp.StatusCode, page)
	}
}

// What must end no session: logout CSRF in all its forms, and messages that are meant for others.
func TestLogoutsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := withLogout(t)
	b := w.anna()
	attacker, attackerCert := attackerKey()
	evil := &saml.Signer{Key: attacker, Certificate: attackerCert}
	edit := w.order
	tests := []struct {
		name, path, reason string
		form               url.Values
	}{
		{"not signed", w.path(edit(nil), "", nil), "unsigned", nil},
		{"by the attacker", w.path(edit(nil), "", evil), "signature", nil},
		{"for another source's address", w.path(edit(func(r *saml.LogoutRequest) { r.Destination = SLOURL(server, "okta") }), "", idpSigner()), "destination", nil},
		{"of another provider", w.path(edit(func(r *saml.LogoutRequest) { r.Issuer = "https://evil.example/" }), "", idpSigner()), "issuer", nil},
		{"old", w.path(edit(func(r *saml.LogoutRequest) { r.IssueInstant = w.clock.Add(-time.Hour) }), "", idpSigner()), "expired", nil},
		{"a response where a request is", strings.Replace(w.path(edit(nil), "", idpSigner()), "SAMLRequest", "SAMLResponse", 1), "signature", nil},
		{"twice in one address", w.path(edit(nil), "", idpSigner()) + "&SAMLRequest=AAAA", "form", nil},
		{"a form that is no message", sloPath, "form", url.Values{"x": {"y"}}},
		{"an entity bomb", sloPath, "xml", url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(`<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">&b;</samlp:LogoutRequest>`))}}},
		{"too deep", sloPath, "xml", url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("<a>"), 5000))}}},
		{"an answer to sign in", sloPath, "structure", nil},
	}
	signedResponse := w.answer(letter{nameID: "anna@contoso.example"})
	for _, tt := range tests {
		w.clock = w.clock.Add(time.Millisecond) // records are listed by time
		path := strings.Replace(tt.path, "/okta/", "/entra/", 1)
		var resp *http.Response
		switch {
		case tt.name == "an answer to sign in":
			resp = b.post(path, url.Values{"SAMLRequest": {signedResponse}})
		case tt.form != nil:
			resp = b.post(path, tt.form)
		default:
			resp = b.get(path)
		}
		if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", tt.name, resp.StatusCode)
		}
		if tt.name == "an answer to sign in" {
			tt.reason = "signature-shape" // the only signature stands inside
		}
		if f := w.lastFailure(); f.Reason != tt.reason || f.Vouched {
			t.Errorf("%s: recorded is %+v, want %s", tt.name, f, tt.reason)
		}
	}
	// Signed and for us, but of nobody who is signed in so: a success that ends nothing.
	for name, r := range map[string]saml.LogoutRequest{
		"another person": edit(func(r *saml.LogoutRequest) { r.NameID = "ben@contoso.example" }), "another session": edit(func(r *saml.LogoutRequest) { r.SessionIndexes = []string{"s2"} }),
		"another case": edit(func(r *saml.LogoutRequest) { r.NameID = "Anna@contoso.example" }),
	} {
		if resp := b.get(w.path(r, "", idpSigner())); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
	// Another source ends no sessions of this one, though the name is the same.
	okta := edit(func(r *saml.LogoutRequest) { r.Destination = SLOURL(server, "okta") })
	if resp := b.get(w.path(okta, "", idpSigner())); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("okta: status %d", resp.StatusCode)
	}
	if b.signedIn() == "" {
		t.Error("a session was ended")
	}
	// A source without a key, or without a provider, takes none.
	for _, path := range []string{"/saml/bare/slo", "/saml/none/slo", "/saml/bare/logout"} {
		if resp := b.get(path + "?SAMLRequest=AAAA"); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
}

func (w *world) lastFailure() signin.Failure {
	w.t.Helper()
	fs, err := w.signIn.Failures(w.t.Context(), signin.FailureKey{}, 1)
	if err != nil || len(fs) != 1 {
		w.t.Fatalf("failures %v, %v", fs, err)
	}
	return fs[0]
}

// Profiles §4.4.3: who signs out here is sent to the provider with a signed request that names her session there.
func TestSignOutAtTheProvider(t *testing.T) {
	t.Parallel()
	w := withLogout(t)
	proof := signin.Proof{Method: signin.SAML, SourceID: "entra", NameID: "anna@contoso.example", SessionIndex: "s1"}
	address, err := SignOutURL(t.Context(), w.config, proof)
	if err != nil || !strings.HasPrefix(address, idpSLO+"?SAMLRequest=") {
		t.Fatalf("got %s, %v", address, err)
	}
	m, err := saml.ReadRedirect(address[len(idpSLO)+1:], saml.FieldRequest)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := saml.VerifyLogoutRequest(m, w.peerOfOurs(idpSLO)); err != nil || q.NameID != proof.NameID || len(q.SessionIndexes) != 1 || q.SessionIndexes[0] != "s1" {
		t.Errorf("got %+v, %v", q, err)
	}
	// By POST only: a page of ours carries it, and says only what we signed.
	w.set("entra", func(s *directory.Source) {
		s.SAML.SLORedirectURL, s.SAML.SLOPostURL = "", "https://idp.example/slo-post"
	})
	address, err = SignOutURL(t.Context(), w.config, proof)
	if err != nil || !strings.HasPrefix(address, server+"/saml/entra/logout?") {
		t.Fatalf("got %s, %v", address, err)
	}
	resp := w.browser().get(strings.TrimPrefix(address, server))
	body, _ := io.ReadAll(resp.Body)
	page := string(body)
	if resp.StatusCode != http.StatusOK || !strings.Contains(page, `action="https://idp.example/slo-post"`) || strings.Contains(page, "<script") {
		t.Fatalf("status %d: %s", resp.StatusCode, page)
	}
	_, after, _ := strings.Cut(page, `name="SAMLRequest" value="`)
	value, _, _ := strings.Cut(after, `"`)
	m, err = saml.ReadPost(url.Values{"SAMLRequest": {strings.ReplaceAll(value, "&#43;", "+")}}, saml.FieldRequest)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := saml.VerifyLogoutRequest(m, w.peerOfOurs("https://idp.example/slo-post")); err != nil || q.NameID != proof.NameID {
		t.Errorf("got %+v, %v", q, err)
	}
	for name, path := range map[string]string{
		"signed by the provider": w.path(w.order(func(r *saml.LogoutRequest) {
			r.Destination, r.Issuer = server+"/saml/entra/logout", EntityID(server, "entra")
		}), "", idpSigner()),
		"not signed": w.path(w.order(func(r *saml.LogoutRequest) { r.Destination = server + "/saml/entra/logout" }), "", nil),
		"nothing":    "/saml/entra/logout",
	} {
		resp := w.browser().get(path)
		if body, _ := io.ReadAll(resp.Body); strings.Contains(string(body), "SAMLRequest") {
			t.Errorf("%s: the page carries it: %s", name, body)
		}
	}
	// Nobody is sent anywhere who came otherwise, or whose source does not want it.
	w.set("okta", func(s *directory.Source) { s.SAML.SingleLogout = false })
	for _, p := range []signin.Proof{{}, {Method: "password", SourceID: "entra", NameID: "x"}, {Method: signin.SAML, SourceID: "okta", NameID: "x"}, {Method: signin.SAML, SourceID: "gone", NameID: "x"}, {Method: signin.SAML, SourceID: "entra"}} {
		if to, err := SignOutURL(t.Context(), w.config, p); err != nil || to != "" {
			t.Errorf("%+v: sent to %s, %v", p, to, err)
		}
	}
	// The provider's answer ends nothing and leads nowhere.
	b := w.anna()
	for success, text := range map[bool]string{true: "here and at your identity provider", false: "may still know you"} {
		a := saml.LogoutResponse{ID: "_a", InResponseTo: "_x", IssueInstant: w.clock, Issuer: idpEntity, Destination: SLOURL(server, "entra"), Success: success}
		to, err := a.RedirectURL("https://evil.example/", idpSigner())
		if err != nil {
			t.Fatal(err)
		}
		resp := b.get(strings.TrimPrefix(to, server))
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), text) || strings.Contains(string(body), "evil") {
			t.Errorf("status %d: %s", resp.StatusCode, body)
		}
	}
	if b.signedIn() == "" {
		t.Error("an answer ended a session")
	}
}

// Requests are signed where the source's settings say so, under both bindings, and the metadata says so and has the certificate.
func TestSignedRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	_, cert := spKey()
	if body, _ := io.ReadAll(w.browser().get("/saml/entra/metadata").Body); !strings.Contains(string(body), `AuthnRequestsSigned="false"`) || strings.Contains(string(body), "KeyDescriptor") || strings.Contains(string(body), "SingleLogout") {
		t.Errorf("metadata without a key: %s", body)
	}
	w.set("entra", func(s *directory.Source) { s.SAML.SignRequests = true })
	if resp := w.browser().get(loginPath); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("requests are to be signed and there is no key: status %d", resp.StatusCode)
	}
	w.set("entra", func(s *directory.Source) { s.SAML.SigningKey = []byte("sealed") })
	body, _ := io.ReadAll(w.browser().get("/saml/entra/metadata").Body)
	for _, want := range []string{`AuthnRequestsSigned="true"`, base64.StdEncoding.EncodeToString(cert.Raw), `Location="` + SLOURL(server, "entra") + `"`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the metadata lacks %s:\n%s", want, body)
		}
	}
	to, err := w.browser().get(loginPath).Location()
	if err != nil || to.Query().Get("SigAlg") == "" || to.Query().Get("Signature") == "" {
		t.Errorf("sent to %v, %v", to, err)
	}
	w.set("entra", func(s *directory.Source) { s.SAML.SSORedirectURL, s.SAML.SSOPostURL = "", "https://idp.example/post" })
	page, _ := io.ReadAll(w.browser().get(loginPath).Body)
	_, after, _ := strings.Cut(string(page), `name="SAMLRequest" value="`)
	value, _, _ := strings.Cut(after, `"`)
	doc, err := saml.DecodePost(strings.ReplaceAll(value, "&#43;", "+"))
	if err != nil || !bytes.Contains(doc, []byte("<SignatureValue>")) {
		t.Errorf("the posted request is %s, %v", doc, err)
	}
}

// The provider changes its certificate before its metadata was asked for again: nobody notices. A stranger's signature leads to nothing.
func TestCertificateRollover(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	_, next := nextKey()
	asked := 0
	w.people.refresh = func(s *directory.Source) bool {
		if asked++; asked > 1 {
			return false
		}
		s.SAML.Certificates = append(s.SAML.Certificates, next.Raw)
		return true
	}
	try := func(s letter) string {
		b := w.browser()
		q, relay := b.begin(loginPath)
		s.inResponseTo, s.nameID = q.ID, "anna@contoso.example"
		if resp := b.post(acsPath, form(w.answer(s), relay)); resp.StatusCode == http.StatusSeeOther {
			b.follow(resp)
		}
		return b.signedIn()
	}
	if try(letter{next: true}) != "" || asked != 0 {
		t.Error("a certificate that is not in the metadata was taken, or metadata asked for that has no address")
	}
	w.set("entra", func(s *directory.Source) { s.SAML.MetadataURL = "https://idp.example/metadata" })
	if try(letter{audience: "https://other.example/"}) != "" || asked != 0 {
		t.Error("a refusal that has nothing to do with certificates led to asking for metadata")
	}
	for i, s := range []letter{{}, {next: true}, {}, {next: true}} {
		if try(s) == "" {
			t.Errorf("sign-in %d was refused: %+v", i, w.lastFailure())
		}
	}
	if asked != 1 {
		t.Errorf("metadata was asked for %d times", asked)
	}
}

// What an administrator gets to see of a sign-in that failed, and what the person does.
func TestFailuresAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	b := w.browser()
	q, relay := b.begin(loginPath)
	wantPage(t, b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "nobody@contoso.example"}), relay)), http.StatusForbidden, "does not (yet)")
	f := w.lastFailure()
	if !strings.HasPrefix(f.ID, "ref-") || f.SourceID != "entra" || !f.Vouched || f.Reason != "unknown-user" || f.RequestID != q.ID || f.ClientAddr != "192.0.2.1" || !f.At.Equal(w.clock) ||
		!strings.Contains(f.Why, "nobody@contoso.example") || !strings.Contains(f.Advice, "SCIM") {
		t.Errorf("got %+v", f)
	}
	if strings.Contains(f.Message, "nobody@") || !strings.Contains(f.Message, "n…@contoso.example") || !strings.Contains(f.Message, idpEntity) {
		t.Errorf("the message is kept as\n%s", f.Message)
	}
	// Of what nobody vouched for nothing but its form is kept, and of what is no XML nothing.
	w = newWorld(t, server)
	w.browser().post(acsPath, form(base64.StdEncoding.EncodeToString([]byte(`<Response secret="marker">marker<!-- --></Response>`)), "marker"))
	if f := w.lastFailure(); f.Vouched || f.Message != "" || f.Reason != "xml" || strings.Contains(f.Why+f.Advice, "marker") {
		t.Errorf("got %+v", f)
	}
	if strings.Contains(w.log.String(), "marker") {
		t.Errorf("the log is %s", w.log)
	}
	// Strangers fill their own share alone.
	for range 150 {
		w.browser().post(acsPath, form("AAAA", ""))
	}
	b = w.browser()
	q, relay = b.begin(loginPath)
	w.clock = w.clock.Add(time.Millisecond)
	b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "ben@contoso.example"}), relay))
	fs, err := w.signIn.Failures(t.Context(), signin.FailureKey{}, 1000)
	vouched := 0
	for _, f := range fs {
		if f.Vouched {
			vouched++
		}
	}
	if err != nil || vouched != 1 || len(fs) != 101 {
		t.Errorf("%d of %d vouched for, %v", vouched, len(fs), err)
	}
}

func TestEveryReasonHasAdvice(t *testing.T) {
	t.Parallel()
	for _, reason := range strings.Fields(`xml structure encrypted status issuer destination in-response-to unsolicited unsigned signature-shape signature-algorithm digest-algorithm canonicalization
		transforms reference certificate signature digest subject recipient expired not-yet-valid audience condition authn-statement session-expired name-id attributes
		form encoding too-large pending unknown-user inactive just-in-time unknown-request used replay unknown browser removed`) {
		if advice(reason) == advice("") {
			t.Errorf("there is no advice for %s", reason)
		}
	}
}
