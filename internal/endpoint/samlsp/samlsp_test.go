package samlsp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

const acsPath, loginPath = "/saml/entra/acs", "/saml/entra/login?return_to=%2Fdevice%3Fuser_code%3DABCD-EFGH"

// follow sends the browser where a 303 points and returns the answer; the hop must stay on this server.
func (b *browser) follow(resp *http.Response) *http.Response {
	b.w.t.Helper()
	to := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/saml/entra/finish?") {
		body, _ := io.ReadAll(resp.Body)
		b.w.t.Fatalf("got status %d, location %q: %s", resp.StatusCode, to, body)
	}
	return b.get(to)
}

// signedIn returns the name of the person whose session the browser has, or "".
func (b *browser) signedIn() string {
	c := b.cookies[signin.CookieName(b.w.url)]
	if c == nil {
		return ""
	}
	who, err := b.w.signIn.Authenticate(b.w.t.Context(), c.Value)
	if err != nil {
		return ""
	}
	return who.User.UserName
}

func wantPage(t *testing.T, resp *http.Response, status int, text string) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || !strings.Contains(string(body), text) || !strings.Contains(string(body), "<code>ref-") {
		t.Errorf("got status %d, want %d with %q and the reference:\n%s", resp.StatusCode, status, text, body)
	}
}

// Profiles §4.1: the whole way, on https and on plain http of the loopback interface.
//
// Attack class 13.
func TestSignIn(t *testing.T) {
	t.Parallel()
	for _, address := range []string{server, "http://127.0.0.1:8080"} {
		w := newWorld(t, address)
		b := w.browser()
		q, relay := b.begin(loginPath)
		if q.Issuer != EntityID(address, "entra") || q.ACSURL != ACSURL(address, "entra") || q.Destination != idpSSO || q.NameIDFormat != saml.NameIDEmail || !q.IssueInstant.Equal(w.clock) {
			t.Errorf("got request %+v", q)
		}
		response := w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example"})
		back := b.post(acsPath, form(response, relay))
		if len(back.Cookies()) != 0 || b.signedIn() != "" {
			t.Error("the cross-site POST alone signed somebody in")
		}
		last := b.follow(back)
		if last.StatusCode != http.StatusSeeOther || last.Header.Get("Location") != "/device?user_code=ABCD-EFGH" {
			t.Errorf("got status %d, location %q", last.StatusCode, last.Header.Get("Location"))
		}
		if got := b.signedIn(); got != "anna@contoso.example" {
			t.Errorf("signed in is %q", got)
		}
		if len(b.cookies) != 1 {
			t.Errorf("cookies left over: %v", b.cookies)
		}
		// The same answer again, and the same handle again.
		wantPage(t, b.post(acsPath, form(response, relay)), http.StatusForbidden, "used already")
		wantPage(t, b.get(back.Header.Get("Location")), http.StatusForbidden, "used already")
	}
}

// Login CSRF: the attacker's answer, posted through the victim's browser, opens no session there.
//
// Attack class 15.
func TestSomeoneElsesAnswerOpensNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	attacker, victim := w.browser(), w.browser()
	q, relay := attacker.begin(loginPath)
	victim.begin(loginPath) // one of her own under way changes nothing
	back := victim.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example"}), relay))
	wantPage(t, victim.follow(back), http.StatusForbidden, "another browser")
	// Not even with her own request's tag.
	u, _ := url.Parse(back.Header.Get("Location"))
	v := u.Query()
	for name := range victim.cookies {
		v.Set("for", strings.TrimPrefix(name, securePrefix))
	}
	wantPage(t, victim.get(u.Path+"?"+v.Encode()), http.StatusForbidden, "another browser")
	if victim.signedIn() != "" {
		t.Error("the victim is signed in")
	}
	// The refusals did not use the handle up: the browser that began may still finish.
	if last := attacker.get(back.Header.Get("Location")); last.StatusCode != http.StatusSeeOther || attacker.signedIn() == "" {
		t.Errorf("the browser that began got status %d", last.StatusCode)
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	b := w.browser()
	first, firstRelay := b.begin("/saml/entra/login?return_to=/a")
	second, secondRelay := b.begin("/saml/entra/login?return_to=/b")
	for _, tab := range []struct{ id, relay, to string }{{second.ID, secondRelay, "/b"}, {first.ID, firstRelay, "/a"}} {
		last := b.follow(b.post(acsPath, form(w.answer(letter{inResponseTo: tab.id, nameID: "anna@contoso.example"}), tab.relay)))
		if last.Header.Get("Location") != tab.to {
			t.Errorf("got status %d, location %q, want %s", last.StatusCode, last.Header.Get("Location"), tab.to)
		}
	}
	for range 20 {
		b.begin(loginPath)
	}
	if len(b.cookies) > maxPending+2 {
		t.Errorf("%d cookies have piled up", len(b.cookies))
	}
}

// Attack class 14.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tag := `<Attribute Name="https://aws.amazon.com/SAML/Attributes/AccessControl:%">`
	value := `<AttributeValue>x</AttributeValue>`
	many := strings.Builder{}
	for i := range 51 {
		many.WriteString(strings.Replace(tag, "%", strings.Repeat("k", i+1), 1) + value + "</Attribute>")
	}
	tests := []struct {
		name         string
		s            letter
		status       int
		text, reason string
	}{
		{"unknown person", letter{nameID: "nobody@contoso.example"}, 403, "does not (yet)", "unknown-user"},
		{"name in another case", letter{nameID: "Anna@contoso.example"}, 403, "does not (yet)", "unknown-user"},
		{"person of another source", letter{nameID: "carla@contoso.example"}, 403, "does not (yet)", "unknown-user"},
		{"inactive person", letter{nameID: "ben@contoso.example"}, 403, "You may not sign in", "inactive"},
		{"for another source's ACS", letter{nameID: "anna@contoso.example", acs: ACSURL(server, "okta")}, 403, "was refused", "destination"},
		{"for another source", letter{nameID: "anna@contoso.example", audience: EntityID(server, "okta")}, 403, "was refused", "audience"},
		{"attribute with two values", letter{nameID: "anna@contoso.example", attributes: tag + value + value + "</Attribute>"}, 403, "was refused", "attributes"},
		{"attribute twice", letter{nameID: "anna@contoso.example", attributes: strings.Repeat(tag+value+"</Attribute>", 2)}, 403, "was refused", "attributes"},
		{"51 attributes", letter{nameID: "anna@contoso.example", attributes: many.String()}, 403, "was refused", "attributes"},
	}
	for _, tt := range tests {
		w := newWorld(t, server)
		b := w.browser()
		q, relay := b.begin(loginPath)
		tt.s.inResponseTo = q.ID
		wantPage(t, b.post(acsPath, form(w.answer(tt.s), relay)), tt.status, tt.text)
		w.wantNoted(tt.name, tt.reason)
		// What was refused did not use the request up.
		if b.follow(b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example"}), relay))); b.signedIn() == "" {
			t.Errorf("%s: the request was used up by the refusal", tt.name)
		}
	}
}

// wantNoted checks that the last event and the log have the reason.
func (w *world) wantNoted(name, reason string) {
	w.t.Helper()
	events := w.store.Events()
	last := events[len(events)-1]
	if last.Action != "signin:SignIn" || last.Outcome != "Denied" || !strings.HasPrefix(last.Detail["why"], reason+": ") || last.Detail["source"] != "entra" {
		w.t.Errorf("%s: the last event is %+v, want reason %s", name, last, reason)
	}
	if !strings.Contains(w.log.String(), "reason="+reason) {
		w.t.Errorf("%s: the log is %q", name, w.log)
	}
}

// Attack class 15.
func TestRequestRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	b := w.browser()
	anna := func(id string) string { return w.answer(letter{inResponseTo: id, nameID: "anna@contoso.example"}) }
	wantPage(t, b.post(acsPath, form(anna("_never-asked"), "")), http.StatusForbidden, "was not waiting")
	wantPage(t, b.post(acsPath, form(anna(""), "")), http.StatusForbidden, "was not waiting")
	w.wantNoted("unsolicited", "unsolicited")

	q, relay := b.begin(loginPath)
	wantPage(t, b.post(acsPath, form(anna(q.ID), "another-relay")), http.StatusForbidden, "was not waiting")
	other, otherRelay := b.begin("/saml/okta/login")
	wantPage(t, b.post(acsPath, form(anna(other.ID), otherRelay)), http.StatusForbidden, "was not waiting")

	// Only the response around the signed assertion claims to answer nothing.
	envelope, err := base64.StdEncoding.DecodeString(anna(q.ID))
	if err != nil {
		t.Fatal(err)
	}
	stripped := strings.Replace(string(envelope), ` InResponseTo="`+q.ID+`">`, ">", 1)
	if stripped == string(envelope) {
		t.Fatal("nothing was stripped")
	}
	wantPage(t, b.post(acsPath, form(base64.StdEncoding.EncodeToString([]byte(stripped)), relay)), http.StatusForbidden, "was refused")
	w.wantNoted("stripped", "in-response-to")

	late := anna(q.ID)
	w.clock = w.clock.Add(signin.RequestLife)
	wantPage(t, b.post(acsPath, form(late, relay)), http.StatusForbidden, "too long")
	w.clock = w.clock.Add(2 * time.Hour)
	q, relay = b.begin(loginPath)
	wantPage(t, b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example", at: w.clock.Add(-2 * time.Hour)}), relay)), http.StatusForbidden, "too long")

	// A verified answer waits two minutes for its browser, and a person deactivated meanwhile is not let in.
	q, relay = b.begin(loginPath)
	back := b.post(acsPath, form(anna(q.ID), relay))
	w.clock = w.clock.Add(signin.ParkedLife)
	wantPage(t, b.follow(back), http.StatusForbidden, "is over")
	q, relay = b.begin(loginPath)
	back = b.post(acsPath, form(anna(q.ID), relay))
	w.people.put(directory.User{ID: "u-anna", UserName: "anna@contoso.example", Source: "entra"})
	wantPage(t, b.follow(back), http.StatusForbidden, "You may not sign in")
	if b.signedIn() != "" {
		t.Error("signed in after all")
	}
}

// Profiles §4.1.5, where it is enabled.
//
// Attack classes 15 and 21.
func TestSignInBegunAtTheIdentityProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	w.set("entra", func(s *directory.Source) { s.SAML.AllowIDPInitiated = true })
	unasked := func() string { return w.answer(letter{nameID: "anna@contoso.example"}) }
	for relay, to := range map[string]string{"": "/start", "/console": "/console", "https://evil.example/": "/start", "//evil.example": "/start", "/\\evil.example": "/start"} {
		b := w.browser()
		response := unasked()
		last := b.follow(b.post(acsPath, form(response, relay)))
		if last.Header.Get("Location") != to || b.signedIn() == "" || len(b.cookies) != 1 {
			t.Errorf("RelayState %q: got status %d, location %q, want %s", relay, last.StatusCode, last.Header.Get("Location"), to)
		}
		wantPage(t, b.post(acsPath, form(response, relay)), http.StatusForbidden, "used already")
	}
	// A request under way in the browser: leaving InResponseTo out gains nothing.
	b := w.browser()
	_, relay := b.begin(loginPath)
	wantPage(t, b.follow(b.post(acsPath, form(unasked(), relay))), http.StatusForbidden, "Another sign-in is under way")
	w.wantNoted("pending", "pending")
	// The handle alone opens nothing in another browser.
	back := b.post(acsPath, form(unasked(), ""))
	other := w.browser()
	wantPage(t, other.get(back.Header.Get("Location")), http.StatusForbidden, "another browser")
	if b.signedIn() != "" || other.signedIn() != "" {
		t.Error("signed in after all")
	}
}

// Attack class 21: nothing that comes with an answer or a request reaches a page, a header or a cookie as it is.
func TestNothingHostileIsShown(t *testing.T) {
	t.Parallel()
	const marker = `"><script>alert(1)</script>`
	w := newWorld(t, server)
	w.set("entra", func(s *directory.Source) { s.SAML.AllowIDPInitiated = true })
	b := w.browser()
	answers := []*http.Response{
		b.post(acsPath, form(marker, marker)),
		b.post(acsPath, form(base64.StdEncoding.EncodeToString([]byte(marker)), marker)),
		b.post(acsPath, form(w.answer(letter{nameID: "nobody" + marker}), marker)),
		b.get("/saml/" + url.PathEscape(marker) + "/login"),
		b.get("/saml/entra/finish?for=unasked&handle=" + url.QueryEscape(marker)),
		b.get("/saml/entra/login?return_to=" + url.QueryEscape(marker)),
	}
	w.set("entra", func(s *directory.Source) {
		s.Name = marker
		s.SAML.SSORedirectURL, s.SAML.SSOPostURL = "", "https://idp.example/"+marker
	})
	answers = append(answers, b.get(loginPath))
	for i, resp := range answers {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "<script") || strings.Contains(fmt.Sprint(resp.Header), "<script") {
			t.Errorf("answer %d shows what came:\n%v\n%s", i, resp.Header, body)
		}
	}
}

func TestJustInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	w.set("entra", func(s *directory.Source) { s.SAML.JustInTime = true })
	b := w.browser()
	q, relay := b.begin(loginPath)
	attributes := `<Attribute Name="` + claims + `givenname"><AttributeValue>Dora</AttributeValue></Attribute><Attribute Name="sn"><AttributeValue>Doe</AttributeValue></Attribute>` +
		`<Attribute Name="https://aws.amazon.com/SAML/Attributes/AccessControl:Team"><AttributeValue>blue</AttributeValue></Attribute>`
	b.follow(b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "dora@contoso.example", attributes: attributes}), relay)))
	if b.signedIn() != "dora@contoso.example" {
		t.Fatal("not signed in")
	}
	u := w.people.users["u-dora@contoso.example"]
	if u.Source != "entra" || !u.Active || u.DisplayName != "Dora Doe" || u.Name.GivenName != "Dora" || u.Name.FamilyName != "Doe" || u.PrimaryEmail() != "dora@contoso.example" {
		t.Errorf("got user %+v", u)
	}
	who, err := w.signIn.Authenticate(t.Context(), b.cookies[signin.CookieName(w.url)].Value)
	if p := who.Session.Proof; err != nil || p.Attributes["Team"] != "blue" || p.SourceID != "entra" || p.NameID != "dora@contoso.example" || p.SessionIndex != "s1" {
		t.Errorf("got proof %+v, %v", p, err)
	}
	// Just in time makes nobody active again, and nobody whose name cannot be one.
	q, relay = b.begin(loginPath)
	wantPage(t, b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "ben@contoso.example"}), relay)), http.StatusForbidden, "You may not sign in")
	wantPage(t, b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "no name"}), relay)), http.StatusForbidden, "was refused")
	w.wantNoted("bad name", "just-in-time")
}

func TestFormsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	b := w.browser()
	q, relay := b.begin(loginPath)
	good := w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example"})
	for name, f := range map[string]url.Values{
		"nothing": {}, "two responses": {"SAMLResponse": {good, good}}, "two relay states": {"SAMLResponse": {good}, "RelayState": {relay, relay}},
		"not base64": {"SAMLResponse": {"<xml/>"}}, "empty": {"SAMLResponse": {""}}, "too large": {"SAMLResponse": {strings.Repeat("A", maxForm)}},
	} {
		resp := b.post(acsPath, f)
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got status %d", name, resp.StatusCode)
		}
	}
	if resp := b.post(acsPath+"?SAMLResponse="+url.QueryEscape(good), url.Values{}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a response in the address: got status %d", resp.StatusCode)
	}
	r := httptest.NewRequest(http.MethodPost, acsPath, strings.NewReader(good))
	r.Header.Set("Content-Type", "application/xml")
	if resp := b.do(r); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("not a form: got status %d", resp.StatusCode)
	}
	for path, status := range map[string]int{
		"/saml/none/metadata": 404, "/saml/none/login": 404, "/saml/bare/login": 404, "/saml/bare/metadata": 200, "/saml/entra/acs": 404, "/saml/entra/x": 404, "/saml/": 404,
		"/saml/entra/finish": 400, "/saml/entra/finish?handle=x&for=unasked": 403, "/saml/entra/finish?handle=x&for=0123456789abcdef": 403, "/saml/entra/finish?for=%0d%0aSet-Cookie": 400, "/saml/none/finish": 404,
	} {
		if resp := w.browser().get(path); resp.StatusCode != status {
			t.Errorf("%s: got status %d, want %d", path, resp.StatusCode, status)
		}
	}
	if resp := b.post("/saml/bare/acs", form(good, relay)); resp.StatusCode != http.StatusNotFound {
		t.Errorf("acs without an identity provider: got status %d", resp.StatusCode)
	}
	if events := w.store.Events(); len(events) > 120 {
		t.Errorf("%d events", len(events))
	}
}

// Anybody can cause refusals, so they may fill the log but not the database.
func TestRefusalsDoNotFillTheAuditTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	b := w.browser()
	for range 300 {
		b.post(acsPath, form("AAAA", ""))
	}
	if n := len(w.store.Events()); n != 100 {
		t.Errorf("got %d events, want the burst of 100", n)
	}
}

func TestOutagesAreNotRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	b := w.browser()
	q, relay := b.begin(loginPath)
	w.people.broken = errors.New("the database says secret things")
	resp := b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example"}), relay))
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "secret") {
		t.Errorf("got status %d: %s", resp.StatusCode, body)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	resp := w.browser().get("/saml/entra/metadata")
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/samlmetadata+xml" ||
		!strings.Contains(string(body), `entityID="https://sso.example/saml/entra/metadata"`) || !strings.Contains(string(body), `Location="https://sso.example/saml/entra/acs"`) {
		t.Errorf("got status %d: %s", resp.StatusCode, body)
	}
}

// An identity provider that takes requests by POST only gets a form, without a script.
func TestLoginByPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server)
	w.set("entra", func(s *directory.Source) {
		s.SAML.SSORedirectURL, s.SAML.SSOPostURL = "", "https://idp.example/post?a=1&b=2"
	})
	resp := w.browser().get(loginPath)
	body, _ := io.ReadAll(resp.Body)
	page := string(body)
	if resp.StatusCode != http.StatusOK || !strings.Contains(page, `action="https://idp.example/post?a=1&amp;b=2"`) || strings.Contains(page, "<script") ||
		strings.Contains(resp.Header.Get("Content-Security-Policy"), "form-action") {
		t.Fatalf("got status %d: %s", resp.StatusCode, page)
	}
	_, after, _ := strings.Cut(page, `name="SAMLRequest" value="`)
	value, _, _ := strings.Cut(after, `"`)
	message, err := saml.DecodePost(strings.ReplaceAll(value, "&#43;", "+"))
	if err != nil {
		t.Fatal(err)
	}
	if q, err := saml.ParseAuthnRequest(message); err != nil || q.Destination != "https://idp.example/post?a=1&b=2" {
		t.Errorf("got %+v, %v", q, err)
	}
}

// FuzzACS: hostile forms never panic and never end in an internal error.
func FuzzACS(f *testing.F) {
	f.Add("PGEvPg==", "relay")
	f.Add("PHNhbWxwOlJlc3BvbnNlIHhtbG5zOnNhbWxwPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6cHJvdG9jb2wiLz4=", "")
	f.Fuzz(func(t *testing.T, response, relay string) {
		w := newWorld(t, server)
		resp := w.browser().post(acsPath, form(response, relay))
		if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusForbidden {
			t.Errorf("got status %d", resp.StatusCode)
		}
	})
}

// TestASourceThatIsRemovedOpensNoSession: an answer that was taken before the source was closed, or before it was gone, signs nobody in afterwards.
func TestASourceThatIsRemovedOpensNoSession(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*world){
		"closed":           func(w *world) { w.set("entra", func(src *directory.Source) { src.Closing = directory.Release }) },
		"provider removed": func(w *world) { w.people.endProvider = 2 },
		// The source is there when finish begins, and gone when the session is.
		"gone meanwhile": func(w *world) { w.people.lookups = 1 },
	} {
		w := newWorld(t, server)
		b := w.browser()
		q, relay := b.begin(loginPath)
		to := b.post(acsPath, form(w.answer(letter{inResponseTo: q.ID, nameID: "anna@contoso.example"}), relay)).Header.Get("Location")
		remove(w)
		wantPage(t, b.get(to), http.StatusForbidden, "was refused")
		w.wantNoted(name, "removed")
		if b.signedIn() != "" {
			t.Errorf("%s: a browser is signed in", name)
		}
		if ss, err := w.store.SessionsBySource(t.Context(), "entra", "", 10); err != nil || len(ss) != 0 {
			t.Errorf("%s: %d sessions are left, %v", name, len(ss), err)
		}
	}
}
