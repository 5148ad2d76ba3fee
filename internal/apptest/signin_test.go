package apptest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/app"
	"gatehouse/internal/directory"
	"gatehouse/internal/signin"
	"gatehouse/internal/tenant"
)

// newSignIn is a world whose people have been pushed.
func newSignIn(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, app.DefaultSource, directory.ProfileRFC)
	w.sync()
	return w
}

func (w *world) provider(edit func(*directory.SAMLSettings)) {
	w.t.Helper()
	_, err := w.Directory.UpdateSource(w.t.Context(), tester, w.dir, func(s *directory.Source) error { edit(&s.SAML); return nil })
	w.ok(err)
}

// session asks who is signed in.
func (b *browser) session() (user string, ends time.Time) {
	b.w.t.Helper()
	var s struct {
		User      struct{ UserName string }
		ExpiresAt time.Time
	}
	switch status := b.api("GET", "/session", nil, &s); status {
	case http.StatusOK, http.StatusUnauthorized:
	default:
		b.w.t.Fatalf("GET /session: HTTP %d", status)
	}
	return s.User.UserName, s.ExpiresAt
}

func (b *browser) wantSession(want string) {
	b.w.t.Helper()
	if got, _ := b.session(); got != want {
		b.w.t.Errorf("signed in is %q, want %q", got, want)
	}
}

// TestSignInBegunHere is the common way (SAML 2.0 Profiles §4.1.4): asked for here, answered at the tenant, back where the person was going.
func TestSignInBegunHere(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	b := w.browser()
	b.wantSession("")
	if p := b.trySignIn(ann, "/device?user_code=ABCD-EFGH"); p.status != http.StatusSeeOther || p.location() != "/device?user_code=ABCD-EFGH" {
		t.Fatalf("HTTP %d to %q: %s", p.status, p.location(), text(p.body))
	}
	b.wantSession(ann)
	for _, elsewhere := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"} {
		if p := b.trySignIn(ann, elsewhere); p.location() != "/start" {
			t.Errorf("return_to %q led to %q", elsewhere, p.location())
		}
	}
	w.browser().wantSession("")
	other := w.browser()
	acs, form := other.response(bob, "/start")
	if p := other.deliver(acs, form); p.status != http.StatusSeeOther {
		t.Fatalf("bob: HTTP %d %s", p.status, text(p.body))
	}
	other.wantSession(bob)
	b.wantSession(ann)
	if p := other.deliver(acs, form); p.status != http.StatusForbidden || !strings.Contains(p.body, "used already") {
		t.Errorf("the same answer a second time: HTTP %d %s", p.status, text(p.body))
	}
}

// TestAnswerOfAnotherBrowser is login CSRF: mallory's answer, posted through ann's browser, signs nobody in.
func TestAnswerOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	mallory, victim := w.browser(), w.browser()
	acs, form := mallory.response(bob, "/start")
	if p := victim.deliver(acs, form); p.status != http.StatusForbidden || !strings.Contains(p.body, "another browser") {
		t.Errorf("HTTP %d %s", p.status, text(p.body))
	}
	victim.wantSession("")
}

// TestSignInBegunAtTheProvider works where it is switched on and nowhere else.
func TestSignInBegunAtTheProvider(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	launch := func(b *browser) page {
		return b.deliver(b.atTenant(w.tenant.BaseURL()+"/myapps/launch?unsolicited=1", ann).form(t))
	}
	b := w.browser()
	if p := launch(b); p.status != http.StatusForbidden || !strings.Contains(p.body, "not waiting") {
		t.Errorf("off: HTTP %d %s", p.status, text(p.body))
	}
	b.wantSession("")
	w.provider(func(s *directory.SAMLSettings) { s.AllowIDPInitiated = true })
	if p := launch(b); p.status != http.StatusSeeOther || p.location() != "/start" {
		t.Errorf("on: HTTP %d %s", p.status, text(p.body))
	}
	b.wantSession(ann)
}

// TestUnknownPerson is refused, unless the source makes people at their first sign-in.
func TestUnknownPerson(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	w.person(staff("dora", "Dora", "Dahl"))
	const dora = "dora@contoso.test"
	w.ok(w.tenant.SetPassword(dora, password))
	w.ok(w.tenant.Assign(dora, ""))
	if p := w.browser().trySignIn(dora, "/start"); p.status != http.StatusForbidden || !strings.Contains(p.body, "does not (yet)") {
		t.Errorf("off: HTTP %d %s", p.status, text(p.body))
	}
	if n, _ := w.Directory.CountUsers(t.Context()); n != 3 {
		t.Errorf("a refused sign-in made a user: %d", n)
	}
	w.provider(func(s *directory.SAMLSettings) { s.JustInTime = true })
	b := w.browser()
	b.signIn(dora)
	b.wantSession(dora)
	u, err := w.Directory.UserByName(t.Context(), dora)
	w.ok(err)
	if u.Source != w.dir || u.Name.GivenName != "Dora" || u.Name.FamilyName != "Dahl" || u.PrimaryEmail() != dora || !u.Active {
		t.Errorf("made at sign-in: %+v", u)
	}
	w.sync() // the push finds her by name and makes her its own
	if w.user(dora).ID != u.ID {
		t.Error("the push made another dora")
	}
	b.wantSession(dora)
}

// TestDisabledPerson may not come in: the tenant refuses, and so does the server when the tenant has not noticed.
func TestDisabledPerson(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	_, err := w.Directory.UpdateUser(t.Context(), tester, w.user(ann).ID, 0, func(u *directory.User) error { u.Active = false; return nil })
	w.ok(err)
	b := w.browser()
	if p := b.trySignIn(ann, "/start"); p.status != http.StatusForbidden || !strings.Contains(p.body, "You may not sign in") {
		t.Errorf("HTTP %d %s", p.status, text(p.body))
	}
	b.wantSession("")
	w.ok(w.tenant.SetEnabled(bob, false))
	other := w.browser()
	_, fields := other.get(other.get("/saml/default/login").location()).form(t)
	fields.Set("loginfmt", bob)
	fields.Set("passwd", password)
	if p := other.post(w.tenant.BaseURL()+"/"+w.tenant.ID()+"/login", fields); p.status != http.StatusUnauthorized {
		t.Errorf("the tenant let a disabled person in: HTTP %d", p.status)
	}
}

// TestAnswerForAnotherDirectory: two directories trust the same provider, and an answer for one is not taken by the other (SAML 2.0
// Core §2.5.1.4, audience; Profiles §4.1.4.2, recipient).
func TestAnswerForAnotherDirectory(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	_, err := w.Directory.CreateSource(t.Context(), tester, directory.Source{ID: "other", LocalUsers: true, SAML: directory.SAMLSettings{}})
	w.ok(err)
	xml, err := w.tenant.Metadata()
	w.ok(err)
	w.ok(w.TrustIDP(t.Context(), tester, "other", "Other", xml))
	_, err = w.Directory.UpdateSource(t.Context(), tester, "other", func(s *directory.Source) error { s.SAML.AllowIDPInitiated = true; return nil })
	w.ok(err)
	b := w.browser()
	acs, form := b.response(ann, "/start")
	if p := b.deliver(strings.Replace(acs, "/default/", "/other/", 1), form); p.status != http.StatusForbidden {
		t.Errorf("HTTP %d %s", p.status, text(p.body))
	}
	b.wantSession("")
	// The same person asked for through the other directory does not belong to it.
	w.ok(w.tenant.SetApplication(func(a *tenant.Application) {
		a.EntityID, a.ReplyURLs = w.URL+"/saml/other/metadata", []string{w.URL + "/saml/other/acs"}
	}))
	p := b.get("/saml/other/login")
	if p = b.deliver(b.atTenant(p.location(), ann).form(t)); p.status != http.StatusForbidden || !strings.Contains(p.body, "does not (yet)") {
		t.Errorf("HTTP %d %s", p.status, text(p.body))
	}
	b.wantSession("")
}

// TestCertificateRollover: the tenant signs with its second certificate, which metadata announced.
func TestCertificateRollover(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	b := w.browser()
	for _, c := range w.tenant.Certificates() {
		if !c.Active {
			w.ok(w.tenant.ActivateCertificate(c.Thumbprint))
			break
		}
	}
	b.signIn(ann)
	w.provider(func(s *directory.SAMLSettings) { s.Certificates = s.Certificates[:1] })
	second := w.browser()
	p := second.trySignIn(bob, "/start")
	if first := w.tenant.Certificates()[0].Active; (p.status == http.StatusSeeOther) != first {
		t.Errorf("with the signing certificate trusted %v: HTTP %d %s", first, p.status, text(p.body))
	}
}

type portalPage struct {
	Accounts []struct {
		ID, Name string
		Roles    []struct {
			Name, Description string
			SessionSeconds    int
		}
	}
	Next string
}

type keys struct {
	AccessKeyID, SecretAccessKey, SessionToken, Region string
	Expiration                                         time.Time
}

func (b *browser) credentials(account, role string) (keys, int) {
	b.w.t.Helper()
	var k keys
	status := b.api("POST", "/portal/credentials", map[string]string{"accountId": account, "roleName": role}, &k)
	return k, status
}

// TestPortal: a person sees her accounts and roles by page, gets credentials of them and of nothing else, and loses them at once.
func TestPortal(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	set := w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	w.grant("BobsOwn", access.Principal{Type: access.User, ID: w.user(bob).ID})
	for _, name := range []string{"One", "Two", "Three"} {
		acct, err := w.Organization.CreateAccount(t.Context(), tester, name, name+"@example.com", nil)
		w.ok(err)
		w.assign(access.RoleKey{AccountID: acct.ID, PermissionSetID: set.ID}, access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	}
	b := w.browser()
	if status := b.api("GET", "/portal/accounts", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("a stranger's list: HTTP %d", status)
	}
	b.signIn(ann)
	seen := map[string]int{}
	pages := 0
	for cursor := ""; ; pages++ {
		var p portalPage
		if status := b.api("GET", "/portal/accounts?limit=1&cursor="+url.QueryEscape(cursor), nil, &p); status != http.StatusOK {
			t.Fatalf("HTTP %d", status)
		}
		for _, a := range p.Accounts {
			for _, r := range a.Roles {
				seen[a.Name+"/"+r.Name]++
			}
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 4 || seen["Management/ReadOnly"] != 1 || seen["Two/ReadOnly"] != 1 || pages < 4 {
		t.Errorf("seen %v in %d pages", seen, pages)
	}
	k, status := b.credentials(w.Instance.OwnerAccountID, "ReadOnly")
	if status != http.StatusOK || !k.Expiration.Equal(w.Clock.Now().UTC().Truncate(time.Second).Add(time.Hour)) && k.Expiration.Sub(w.Clock.Now()).Abs() > time.Hour+time.Second {
		t.Fatalf("HTTP %d, until %v", status, k.Expiration)
	}
	for account, role := range map[string]string{w.Instance.OwnerAccountID: "BobsOwn", "111122223333": "ReadOnly"} {
		if _, status := b.credentials(account, role); status != http.StatusForbidden {
			t.Errorf("%s in %s: HTTP %d", role, account, status)
		}
	}
	w.ok(w.tenant.RemoveMember("Devs", ann))
	w.ok(w.tenant.Assign(ann, "")) // she stays a user, without the group
	w.sync()
	if _, status := b.credentials(w.Instance.OwnerAccountID, "ReadOnly"); status != http.StatusForbidden {
		t.Errorf("after she left the group: HTTP %d", status)
	}
	var p portalPage
	if status := b.api("GET", "/portal/accounts", nil, &p); status != http.StatusOK || len(p.Accounts) != 0 || p.Next != "" {
		t.Errorf("after she left the group: HTTP %d, %+v", status, p)
	}
	b.wantSession(ann)
}

// TestSessionEnds as configured, and not a moment later; a session that is open keeps its end when the setting changes.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	b := w.browser()
	b.signIn(ann)
	if _, ends := b.session(); ends.Sub(w.Clock.Now()).Round(time.Second) != signin.DefaultSessionLength {
		t.Errorf("by default a session lasts %v", ends.Sub(w.Clock.Now()))
	}
	now, err := w.SignIn.Settings(t.Context())
	w.ok(err)
	_, err = w.SignIn.SetSettings(t.Context(), tester, signin.Settings{SessionLength: 30 * time.Minute}, now.Version)
	w.ok(err)
	short := w.browser()
	short.signIn(bob)
	w.Clock.Move(30*time.Minute - time.Second)
	short.wantSession(bob)
	w.Clock.Move(time.Second)
	short.wantSession("")
	b.wantSession(ann)
	w.Clock.Move(signin.DefaultSessionLength - 30*time.Minute)
	b.wantSession("")
	if status := b.api("GET", "/portal/accounts", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("the portal after the end: HTTP %d", status)
	}
	if p := b.get("/device"); p.status != http.StatusSeeOther || !strings.HasPrefix(p.location(), "/signin?") {
		t.Errorf("a page after the end: HTTP %d to %q", p.status, p.location())
	}
}
