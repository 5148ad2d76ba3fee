package apptest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/app"
	"gatehouse/internal/directory"
	"gatehouse/internal/signin"
	"gatehouse/internal/tenant"
)

func (w *world) application(edit func(*tenant.Application)) {
	w.t.Helper()
	w.ok(w.tenant.SetApplication(edit))
}

// trusted brings in the tenant's metadata as it is now.
func (w *world) trusted(edit func(*directory.SAMLSettings)) {
	w.t.Helper()
	xml, err := w.tenant.Metadata()
	w.ok(err)
	w.ok(w.TrustIDP(w.t.Context(), tester, w.dir, "Contoso", xml))
	w.provider(edit)
}

// lastFailure is the newest record of a sign-in that failed.
func (w *world) lastFailure() signin.Failure {
	w.t.Helper()
	fs, err := w.SignIn.Failures(w.t.Context(), signin.FailureKey{}, 1)
	w.ok(err)
	if len(fs) == 0 {
		w.t.Fatal("nothing was recorded")
	}
	return fs[0]
}

// TestDialectsOfIdentityProviders: people sign in through each product's shape of messages, however it signs them, and nobody of one dialect comes
// in while another is trusted.
func TestDialectsOfIdentityProviders(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	before := ""
	for _, dialect := range []string{"okta", "authentik", "jumpcloud", "entra"} {
		w.application(func(a *tenant.Application) { a.SAMLDialect, a.Sign = dialect, "both" })
		if p := w.browser().trySignIn(ann, "/start"); p.status != http.StatusForbidden || w.lastFailure().Reason != "issuer" {
			t.Errorf("%s while %q is trusted: HTTP %d, %s", dialect, before, p.status, w.lastFailure().Reason)
		}
		w.trusted(func(s *directory.SAMLSettings) {
			if s.EntityID == "" || s.EntityID == before || s.SLORedirectURL == "" {
				t.Errorf("%s: settings %+v", dialect, s)
			}
			before = s.EntityID
		})
		for _, sign := range []string{"assertion", "response", "both"} {
			w.application(func(a *tenant.Application) { a.Sign = sign })
			b := w.browser()
			if p := b.trySignIn(ann, "/start"); p.status != http.StatusSeeOther {
				t.Errorf("%s, %s signed: HTTP %d: %+v", dialect, sign, p.status, w.lastFailure())
			}
			b.wantSession(ann)
		}
	}
	if _, ends := func() (string, time.Time) { b := w.browser(); b.signIn(ann); return b.session() }(); !ends.After(w.Clock.Now()) {
		t.Error("the session has no end")
	}
}

// TestWhatIdentityProvidersDoToResponses: what is harmless troubles nobody; what is not is refused, and the record says why.
func TestWhatIdentityProvidersDoToResponses(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	for name, c := range map[string]tenant.SAMLChaos{
		"seven digits": {Precision: true}, "lines": {LineBreaks: true}, "white space": {Pretty: true}, "a clock two minutes ahead": {ClockAheadSeconds: 120}, "and behind": {ClockAheadSeconds: -120},
		"all of it": {Precision: true, LineBreaks: true, Pretty: true, ClockAheadSeconds: 60},
	} {
		w.application(func(a *tenant.Application) { a.SAMLChaos = c })
		b := w.browser()
		if p := b.trySignIn(ann, "/start"); p.status != http.StatusSeeOther {
			t.Errorf("%s: HTTP %d: %+v", name, p.status, w.lastFailure())
		}
		b.wantSession(ann)
	}
	for reason, c := range map[string]tenant.SAMLChaos{
		"unsigned": {Unsigned: true}, "xml": {Comment: true}, "name-id": {SpaceAfterName: true}, "audience": {WrongAudience: true}, "recipient": {WrongRecipient: true}, "expired": {Expired: true}, "unsolicited": {Unsolicited: true},
		"not-yet-valid": {ClockAheadSeconds: 600},
	} {
		w.Clock.Move(time.Second) // records are listed by time
		w.application(func(a *tenant.Application) { a.SAMLChaos = c })
		b := w.browser()
		p := b.trySignIn(ann, "/start")
		f := w.lastFailure()
		if p.status != http.StatusForbidden || f.Reason != reason || !strings.Contains(p.body, f.ID) || f.Advice == "" {
			t.Errorf("%s: HTTP %d, recorded is %+v", reason, p.status, f)
		}
		if strings.Contains(f.Message, ann) || f.Message == "" && reason != "xml" {
			t.Errorf("%s: the message is kept as %s", reason, f.Message)
		}
		b.wantSession("")
	}
	w.application(func(a *tenant.Application) { a.SAMLChaos = tenant.SAMLChaos{} })
	w.browser().signIn(ann)
	w.application(func(a *tenant.Application) { a.SAMLChaos.Repeat = true })
	b := w.browser()
	if p := b.trySignIn(bob, "/start"); p.status != http.StatusForbidden {
		t.Errorf("ann's answer again, for bob: HTTP %d", p.status)
	}
	b.wantSession("")
}

// TestSingleLogoutWithTheTenant goes both ways: out here and on to the tenant, and out at the tenant and on to here.
func TestSingleLogoutWithTheTenant(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	w.application(func(a *tenant.Application) { a.LogoutURL = w.URL + "/saml/" + app.DefaultSource + "/slo" })
	w.provider(func(s *directory.SAMLSettings) { s.SingleLogout = true })

	// The server's own metadata has what the tenant needs.
	if p := w.browser().get("/saml/default/metadata"); !strings.Contains(p.body, "SingleLogoutService") || !strings.Contains(p.body, "X509Certificate") {
		t.Errorf("metadata: %s", p.body)
	}
	b := w.browser()
	b.signIn(ann)
	ask := b.get("/signout")
	_, form := ask.form(t)
	out := b.post("/signout", form)
	if !strings.HasPrefix(out.location(), w.tenant.BaseURL()+"/") || !strings.Contains(out.location(), "SAMLRequest=") || !strings.Contains(out.location(), "Signature=") {
		t.Fatalf("HTTP %d to %s", out.status, out.location())
	}
	b.wantSession("")
	back := b.get(out.location())
	if !strings.HasPrefix(back.location(), w.URL+"/saml/default/slo?SAMLResponse=") {
		t.Fatalf("HTTP %d to %s: %s", back.status, back.location(), text(back.body))
	}
	if p := b.get(back.location()); p.status != http.StatusOK || !strings.Contains(p.body, "here and at your identity provider") {
		t.Errorf("HTTP %d %s", p.status, text(p.body))
	}
	if p := b.get(w.tenant.BaseURL() + "/myapps"); !strings.Contains(p.body, "passwd") {
		t.Errorf("the tenant still knows her: %s", text(p.body))
	}

	// Out at the tenant: every session of hers that came through it ends, in other browsers as well; bob's stays.
	delete(w.signed, ann)
	here, there, other := w.browser(), w.browser(), w.browser()
	here.signIn(ann)
	there.signIn(ann)
	other.signIn(bob)
	p := here.post(w.tenant.BaseURL()+"/"+w.tenant.ID()+"/logout", nil)
	if !strings.HasPrefix(p.location(), w.URL+"/saml/default/slo?SAMLRequest=") {
		t.Fatalf("HTTP %d to %s: %s", p.status, p.location(), text(p.body))
	}
	answer := here.get(p.location())
	if answer.status != http.StatusSeeOther || !strings.HasPrefix(answer.location(), w.tenant.BaseURL()+"/") || !strings.Contains(answer.location(), "SAMLResponse=") {
		t.Errorf("HTTP %d to %s: %s", answer.status, answer.location(), text(answer.body))
	}
	here.wantSession("")
	there.wantSession("")
	other.wantSession(bob)
	if p := here.get(p.location()); p.status != http.StatusForbidden || w.lastFailure().Reason != "replay" {
		t.Errorf("the request again: HTTP %d", p.status)
	}
}
