package credential_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

func certificate(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := saml.SelfSign(rand.Reader, key, saml.CertificateSpec{CommonName: "idp", NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return c.Raw
}

func TestAnInvitationSetsAPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent, err := w.Invite(w.ctx(), admin, w.ann.ID, credential.Invitation, false)
	w.ok(err)
	if sent.To != w.ann.UserName || sent.URL != "" {
		t.Errorf("got %+v", sent)
	}
	m := <-w.mails
	link := serverURL + "/signin/link?token="
	if m.To != w.ann.UserName || strings.Count(m.Text, link) != 1 {
		t.Fatalf("got %+v", m)
	}
	secret := strings.Fields(token(m.Text))[0]
	u, set, err := w.LinkOf(w.ctx(), secret)
	w.ok(err)
	if u.ID != w.ann.ID || set.MinLength != credential.DefaultMinLength {
		t.Errorf("got %+v", u)
	}
	_, err = w.UseLink(w.ctx(), secret, "short")
	w.no(err, fault.Invalid, "password")
	_, err = w.UseLink(w.ctx(), secret, goodWord)
	w.ok(err)
	_, err = w.UseLink(w.ctx(), secret, "another good set of words")
	w.no(err, fault.Denied, "over")
	w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
}

// TestALinkEndsWithItsAddress: what was mailed to an address that is not hers any more, or never was, sets no password. One that an administrator hands over went to
// no address.
func TestALinkEndsWithItsAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Invite(w.ctx(), admin, w.ann.ID, credential.Invitation, false)
	w.ok(err)
	mistyped := strings.Fields(token((<-w.mails).Text))[0]
	handed, err := w.Invite(w.ctx(), admin, w.ann.ID, credential.Invitation, true)
	w.ok(err)
	to := func(address string) {
		_, err := w.people.UpdateUser(w.ctx(), admin, w.ann.ID, 0, func(u *directory.User) error {
			u.Emails = []directory.Value{{Value: address, Primary: true}}
			return nil
		})
		w.ok(err)
	}
	to("Ann@Example.com") // the same
	_, _, err = w.LinkOf(w.ctx(), mistyped)
	w.ok(err)
	to("ann.other@example.com")
	_, _, err = w.LinkOf(w.ctx(), mistyped)
	w.no(err, fault.Denied, "over")
	_, err = w.UseLink(w.ctx(), mistyped, goodWord)
	w.no(err, fault.Denied, "over")
	_, err = w.Invite(w.ctx(), admin, w.ann.ID, credential.Reset, false)
	w.ok(err)
	_, _, err = w.LinkOf(w.ctx(), strings.Fields(token((<-w.mails).Text))[0])
	w.ok(err)
	_, err = w.UseLink(w.ctx(), token(handed.URL), goodWord)
	w.ok(err)
}

func TestLinksThatDoNotWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get := func(kind string) string {
		sent, err := w.Invite(w.ctx(), admin, w.ann.ID, kind, true)
		w.ok(err)
		return token(sent.URL)
	}
	wrong := func(name, secret string) {
		t.Helper()
		_, _, err := w.LinkOf(w.ctx(), secret)
		w.no(err, fault.Denied, "over")
		_, err = w.UseLink(w.ctx(), secret, "another good set of words")
		w.no(err, fault.Denied, "over")
	}
	wrong("none", "")
	wrong("made up", strings.Repeat("A", 43))
	old := get(credential.Reset)
	w.pass(credential.ResetLife)
	wrong("expired", old)
	// One that was used voids the others, and so does every change of the password.
	first, second := get(credential.Reset), get(credential.Invitation)
	_, err := w.UseLink(w.ctx(), second, goodWord)
	w.ok(err)
	wrong("another one was used", first)
	third := get(credential.Reset)
	b, out := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	w.ok(w.ChangePassword(w.ctx(), b, w.who(out), "quite another word"))
	wrong("the password was changed", third)
	// Using one ends sessions.
	fourth := get(credential.Reset)
	_, err = w.UseLink(w.ctx(), fourth, goodWord)
	w.ok(err)
	if _, err := w.sessions.Authenticate(w.ctx(), out.Opened.Secret); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the session is still open: %v", err)
	}
	// Somebody who was disabled or handed over meanwhile sets none.
	fifth := get(credential.Reset)
	change := func(f func(*directory.User)) {
		_, err := w.people.UpdateUser(w.ctx(), admin, w.ann.ID, 0, func(u *directory.User) error { f(u); return nil })
		w.ok(err)
	}
	change(func(u *directory.User) { u.Active = false })
	wrong("disabled", fifth)
	_, err = w.Invite(w.ctx(), admin, w.ann.ID, credential.Reset, true)
	w.no(err, fault.Conflict, "inactive")
	change(func(u *directory.User) { u.Active, u.Source = true, "entra" })
	wrong("handed over", fifth)
	_, err = w.Invite(w.ctx(), admin, w.ann.ID, credential.Reset, true)
	w.no(err, fault.Conflict, "other-source")
	change(func(u *directory.User) { u.Source = "" })
	w.set(func(s *credential.Settings) { s.Enabled = false })
	wrong("switched off", fifth)
	_, err = w.Invite(w.ctx(), admin, w.ann.ID, credential.Reset, true)
	w.no(err, fault.Conflict, "off")
}

func TestALinkUsedAtTheSameTimeIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent, err := w.Invite(w.ctx(), admin, w.ann.ID, credential.Reset, true)
	w.ok(err)
	errs := make(chan error, 4)
	for i := range cap(errs) {
		go func() {
			_, err := w.UseLink(w.ctx(), token(sent.URL), fmt.Sprintf("a good set of words %d", i))
			errs <- err
		}()
	}
	won := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			won++
		} else {
			w.no(err, fault.Denied, "over")
		}
	}
	if won != 1 {
		t.Errorf("%d set a password with one link", won)
	}
}

// TestAskingForANewPassword: the answer is the same whoever is named; only those who are there get mail, and not too much of it.
// overtaken are sessions whose opening is overtaken by something else.
type overtaken struct {
	*signin.Service
	by func()
}

func (o overtaken) OpenSession(ctx context.Context, u directory.User, p signin.Proof, previous string) (signin.Opened, error) {
	o.by()
	return o.Service.OpenSession(ctx, u, p, previous)
}

// TestASignInThatAChangeOvertakesEnds: whoever gives somebody another password ends the sessions that are there. One that the old password was about to open on
// another node must not come after.
func TestASignInThatAChangeOvertakesEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range map[string]func(){
		"a link":              func() { w.password(w.ann, "another good set of words") },
		"a one-time password": func() { _, _, err := w.GiveOneTime(w.ctx(), admin, w.ann.ID); w.ok(err) },
		"no password":         func() { w.ok(w.RemovePassword(w.ctx(), admin, w.ann.ID)) },
		"off":                 func() { w.set(func(s *credential.Settings) { s.Enabled = false }) },
		"nothing":             func() {},
	} {
		w.set(func(s *credential.Settings) { s.Enabled = true })
		word := "seven words before " + name
		w.password(w.ann, word)
		b := w.begin(w.ann.UserName)
		w.ok(w.Password(w.ctx(), b, word))
		w.pass(time.Second)
		node := w.node(func(c *credential.Config) { c.Sessions = overtaken{w.sessions, change} })
		out, err := node.Open(w.ctx(), b, "")
		left, lerr := w.sessions.Sessions(w.ctx(), w.ann.ID, "", 10)
		w.ok(lerr)
		if name == "nothing" {
			w.ok(err)
			if len(left) != 1 {
				t.Errorf("%d sessions, want 1", len(left))
			}
			continue
		}
		if !fault.Is(err, fault.Denied) || out.Opened != nil || len(left) != 0 {
			t.Errorf("%s: %v, and %d sessions are left", name, err, len(left))
		}
	}
}

func TestAskingForANewPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancel(w.ctx())
	defer stop()
	go w.Run(ctx)
	w.user("bob@example.com")
	nomail, err := w.people.CreateUser(w.ctx(), admin, directory.User{UserName: "nomail", Active: true})
	w.ok(err)
	_, err = w.people.CreateUser(w.ctx(), admin, directory.User{UserName: "entra@example.com", Active: true, Source: "entra", Emails: []directory.Value{{Value: "entra@example.com"}}})
	w.ok(err)
	ask := func(from, name string) error { return w.AskReset(w.from(from), name) }
	for i, name := range []string{"nobody@example.com", nomail.UserName, "entra@example.com"} {
		w.ok(ask(fmt.Sprintf("192.0.2.%d", i), name))
	}
	for i := range 6 {
		w.ok(ask(fmt.Sprintf("198.51.100.%d", i), "ann@example.com"))
	}
	w.ok(ask("192.0.2.99", "bob@example.com")) // the queue is in order: when bob's is there, ann's are
	for i := range 4 {
		m := <-w.mails
		want := w.ann.UserName
		if i == 3 {
			want = "bob@example.com"
		}
		if m.To != want {
			t.Fatalf("mail %d went to %s, want %s", i, m.To, want)
		}
		if want == w.ann.UserName && !strings.Contains(m.Text, fmt.Sprintf("from the address 198.51.100.%d", i)) {
			t.Errorf("it does not say who asked: %s", m.Text)
		}
	}
	n := 0
	for range 20 {
		if ask("203.0.113.1", "ann@example.com") == nil {
			n++
		}
	}
	if n != 10 {
		t.Errorf("one address asked %d times", n)
	}
	w.no(ask("192.0.2.50", strings.Repeat("a", 129)), fault.Invalid, "")
	w.set(func(s *credential.Settings) { s.SelfReset = false })
	w.no(ask("192.0.2.51", "ann@example.com"), fault.Denied, "off")
}

func TestALinkDoesNotSkipTheSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, codes, home, _ := w.enrolled()
	w.set(func(s *credential.Settings) { s.MFA = credential.AtRisk })
	sent, err := w.Invite(w.ctx(), admin, w.ann.ID, credential.Reset, true)
	w.ok(err)
	_, err = w.UseLink(w.ctx(), token(sent.URL), "quite another word")
	w.ok(err)
	begun, err := w.Begin(w.ctx(), w.ann.UserName, "", false)
	w.ok(err)
	b := credential.Browser{Attempt: begun.Secret, Known: home.Known}
	w.ok(w.Password(w.ctx(), b, "quite another word"))
	w.step(b, credential.StepSecond)
	w.ok(w.Code(w.ctx(), b, codes[0]))
}

func TestNamesAddNoLinesToALetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, err := w.people.CreateUser(w.ctx(), admin, directory.User{
		UserName: "eve", Active: true, DisplayName: "Eve\r\nBcc: all@example.com\r\n\r\nClick https://evil.example", Emails: []directory.Value{{Value: "eve@example.com"}},
	})
	w.ok(err)
	_, err = w.Invite(w.ctx(), admin, u.ID, credential.Invitation, false)
	w.ok(err)
	if m := <-w.mails; !strings.HasPrefix(m.Text, "Hello Eve Bcc: all@example.com Click https://evil.example,\n") {
		t.Errorf("got %q", m.Text)
	}
}

func TestMailServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := credential.MailServer{Host: "mail.example.com", Port: 587, Security: "starttls", Username: "u", From: "Gatehouse <sso@example.com>"}
	bad := func(password string, change func(*credential.MailServer)) {
		t.Helper()
		m := good
		change(&m)
		_, err := w.SetMail(w.ctx(), admin, m, password)
		w.no(err, fault.Invalid, "")
	}
	bad("", func(*credential.MailServer) {})
	bad("p", func(m *credential.MailServer) { m.Security = "none" })
	bad("p", func(m *credential.MailServer) { m.Security, m.Username = "none", "" })
	bad("p", func(m *credential.MailServer) { m.Security, m.Host = "none", "127.0.0.1" })
	bad("p", func(m *credential.MailServer) { m.Security = "" })
	bad("p", func(m *credential.MailServer) { m.Port = 0 })
	bad("p", func(m *credential.MailServer) { m.From = "nobody" })
	bad("p", func(m *credential.MailServer) { m.From = "a@example.com\r\nBcc: b@example.com" })
	bad("p", func(m *credential.MailServer) { m.Host = "mail.example.com\r\nQUIT" })
	_, err := w.SetMail(w.ctx(), admin, good, "secret")
	w.ok(err)
	// The password stays while server and user do, and goes to no other.
	again := good
	again.Port = 2525
	v, err := w.SetMail(w.ctx(), admin, again, "")
	w.ok(err)
	if v.Mail.Port != 2525 || len(v.Mail.Sealed) == 0 {
		t.Errorf("got %+v", v.Mail)
	}
	bad("", func(m *credential.MailServer) { m.Host = "evil.example.com" })
	bad("", func(m *credential.MailServer) { m.Username = "other" })
	w.ok(w.TestMail(w.ctx(), admin, "me@example.com"))
	w.no(w.TestMail(w.ctx(), admin, "me@example.com\nx"), fault.Invalid, "")
	w.set(func(s *credential.Settings) { s.Mail = credential.MailServer{} })
	if v, err := w.Settings(w.ctx()); err != nil || v.Mail.Host != good.Host {
		t.Errorf("the directory's settings changed the mail server's: %+v, %v", v.Mail, err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, change := range []func(*credential.Settings){
		func(s *credential.Settings) { s.MFA = "sometimes" },
		func(s *credential.Settings) { s.WithoutDevice = "ask" },
		func(s *credential.Settings) { s.MinLength = 7 },
		func(s *credential.Settings) { s.MinLength = 65 },
	} {
		_, err := w.UpdateSettings(w.ctx(), admin, 0, func(s *credential.Settings) error { change(s); return nil })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("row %d: %v", i, err)
		}
	}
	v, err := w.Settings(w.ctx())
	w.ok(err)
	_, err = w.UpdateSettings(w.ctx(), admin, v.Version+1, func(*credential.Settings) error { return nil })
	w.no(err, fault.Conflict, "version")
}

func TestTheEMailDomainChoosesTheSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := directory.SAMLSettings{EntityID: "e", SSORedirectURL: "https://idp/", Certificates: [][]byte{certificate(t)}}
	for id, domains := range map[string][]string{"contoso": {"Contoso.com", "contoso.DE"}, "fabrikam": {"fabrikam.example"}} {
		_, err := w.people.CreateSource(w.ctx(), admin, directory.Source{ID: id, Domains: domains, SAML: idp})
		w.ok(err)
	}
	_, err := w.people.CreateSource(w.ctx(), admin, directory.Source{ID: "no-idp", Domains: []string{"plain.example"}})
	w.ok(err)
	for name, want := range map[string]string{
		"mary@contoso.com": "contoso", "MARY@CONTOSO.DE": "contoso", "x@y@fabrikam.example": "fabrikam", "mary@sub.contoso.com": "", "mary@notcontoso.com": "", "mary": "", "contoso.com": "", "mary@": "", "a@plain.example": "",
	} {
		got, err := w.Begin(w.ctx(), name, "", false)
		if err != nil || got.Source != want || (got.Secret == "") != (want != "") {
			t.Errorf("%q leads to %+v (%v), want %q", name, got, err, want)
		}
	}
	_, err = w.people.CreateSource(w.ctx(), admin, directory.Source{ID: "thief", Domains: []string{"CONTOSO.com"}})
	w.no(err, fault.Conflict, "uniqueness")
	for _, d := range []string{"", "@contoso.com", "a b", "x/y", "-x.com", "*.com"} {
		_, err = w.people.UpdateSource(w.ctx(), admin, "fabrikam", func(s *directory.Source) error { s.Domains = []string{d}; return nil })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("domain %q: %v", d, err)
		}
	}
	_, err = w.people.CreateSource(w.ctx(), admin, directory.Source{ID: directory.BuiltIn})
	w.no(err, fault.Invalid, "")
}
