package signinpages

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// problems says in words why a sign-in failed, by the reasons of signin's faults and "refused" for everything else. The page shows
// these sentences and never text from the address, which anybody can write.
var problems = map[string]string{
	"refused":         "Your identity provider’s answer was refused. Try again; if it happens again, ask your administrator.",
	"unknown-user":    "Your identity provider knows you, but this server does not (yet). Ask your administrator to give you access.",
	"inactive":        "You may not sign in. Ask your administrator.",
	"browser":         "That sign-in was begun in another browser, or cookies are switched off. Sign in again in this one.",
	"expired":         "That sign-in took too long. Try again.",
	"used":            "That sign-in was used already. Try again.",
	"replay":          "That sign-in was used already. Try again.",
	"unknown":         "That sign-in is over. Try again.",
	"over":            "That sign-in took too long, or is over. Begin again.",
	"unknown-request": "This server was not waiting for that sign-in. Begin here.",
}

var reference = regexp.MustCompile(`^[0-9a-f-]{1,64}$`)

type signInPage struct {
	Ways      []way
	SignedOut bool
	Problem   string
	Ref       string
	// Device says that a command line waits, so that people know why they are asked.
	Device bool
	// PasswordSet says that a password was just set by a link.
	PasswordSet bool
	// Form asks for a user name: the built-in directory is on, or e-mail domains lead to sources. Identifier is what was typed, Wrong what is wrong with it.
	Form              bool
	Identifier, Wrong string
	// ReturnTo is where to go afterwards; Local is the door of break-glass administrators.
	ReturnTo, Local string
	// Passkeys offers to sign in with a passkey alone.
	Passkeys bool
}

// way is one identity source to sign in with.
type way struct{ Name, Link string }

func (p *pages) signIn(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	to := signin.DefaultReturn
	if v := q.Get("return_to"); isLocal(v) {
		to = v
	}
	_, err := p.SignIn.Authenticate(r.Context(), p.secret(r))
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	if !fault.Is(err, fault.Unauthenticated) {
		p.fail(w, r, err)
		return
	}
	page := signInPage{SignedOut: q.Get("signed_out") == "1", PasswordSet: q.Get("password_set") == "1", Problem: problems[q.Get("problem")]}
	if ref := q.Get("ref"); page.Problem != "" && reference.MatchString(ref) {
		page.Ref = ref
	}
	p.showSignIn(w, r, http.StatusOK, to, page)
}

func (p *pages) showSignIn(w http.ResponseWriter, r *http.Request, code int, to string, page signInPage) {
	sources, err := p.Sources(r.Context())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	set, err := p.Credentials.Settings(r.Context())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	page.Ways = ways(sources, to)
	page.Form = set.Enabled || slices.ContainsFunc(sources, func(s directory.Source) bool { return s.SAML.EntityID != "" && len(s.Domains) > 0 })
	page.Passkeys = set.Enabled && p.Credentials.Passkeys()
	page.ReturnTo, page.Local = to, "/signin/local?return_to="+url.QueryEscape(to)
	if u, err := url.Parse(to); err == nil {
		page.Device = u.Path == "/device" || u.Path == "/authorize"
	}
	p.scripted(w, page.Passkeys)
	p.show(w, r, code, "signin", frame{Title: "Sign in", Script: page.Passkeys, Page: page})
}

// ways lists the sources that have an identity provider, by name.
func ways(sources []directory.Source, to string) []way {
	sources = slices.DeleteFunc(slices.Clone(sources), func(s directory.Source) bool { return s.SAML.EntityID == "" })
	slices.SortFunc(sources, func(a, b directory.Source) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	ways := make([]way, len(sources))
	for i, s := range sources {
		ways[i] = way{cmp.Or(s.Name, s.ID), loginLink(s.ID, to)}
	}
	return ways
}

func loginLink(source, to string) string {
	return "/saml/" + url.PathEscape(source) + "/login?return_to=" + url.QueryEscape(to)
}

type signOutPage struct{ Token string }

const signOutForm = "sign out"

func (p *pages) askSignOut(w http.ResponseWriter, r *http.Request) {
	who, err := p.SignIn.Authenticate(r.Context(), p.secret(r))
	if fault.Is(err, fault.Unauthenticated) {
		p.leave(w, r)
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if p.Onward(r.Context(), who.Session.Proof) != "" {
		// The answer to the form leads on to the identity provider, and that one's to wherever it likes; browsers hold form-action against redirects too
		// (CSP3 §6.4.2).
		w.Header().Set("Content-Security-Policy", strings.Replace(contentPolicy, "form-action 'self'; ", "", 1))
	}
	p.show(w, r, http.StatusOK, "signout", frame{Title: "Sign out", Person: &who.User, Page: signOutPage{signin.FormToken(p.secret(r), signOutForm)}})
}

func (p *pages) signOut(w http.ResponseWriter, r *http.Request) {
	if p.secret(r) == "" {
		p.leave(w, r)
		return
	}
	if _, ok := p.form(w, r, func(url.Values) string { return signOutForm }); !ok {
		return
	}
	onward := ""
	if who, err := p.SignIn.Authenticate(r.Context(), p.secret(r)); err == nil {
		onward = p.Onward(r.Context(), who.Session.Proof)
	}
	if err := p.SignIn.SignOut(r.Context(), p.secret(r)); err != nil {
		p.fail(w, r, err)
		return
	}
	if onward == "" {
		p.leave(w, r)
		return
	}
	p.forget(w)
	http.Redirect(w, r, onward, http.StatusSeeOther)
}

// leave forgets the cookie and shows that nobody is signed in.
func (p *pages) leave(w http.ResponseWriter, r *http.Request) {
	p.forget(w)
	http.Redirect(w, r, "/signin?signed_out=1", http.StatusSeeOther)
}

func (p *pages) forget(w http.ResponseWriter) {
	name := signin.CookieName(p.URL)
	http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: name == signin.SecureCookie})
}
