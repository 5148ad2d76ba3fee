package signinpages

import (
	"net/http"
	"net/url"

	"gatehouse/internal/credential"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// securityPath is the page on which a person manages what she signs in with.
const securityPath = "/start/security"

type securityPage struct {
	credential.Summary
	Token, Problem string
	// Elsewhere says that an identity provider signs the person in.
	Elsewhere bool
	Passkeys  bool
}

// security lists; every change is behind a recent sign-in.
func (p *pages) security(w http.ResponseWriter, r *http.Request) {
	if who, ok := p.person(w, r); ok {
		p.showSecurity(w, r, http.StatusOK, who, "")
	}
}

func (p *pages) showSecurity(w http.ResponseWriter, r *http.Request, code int, who signin.Identity, problem string) {
	sum, err := p.Credentials.Summary(r.Context(), who.User.ID)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	page := securityPage{
		Summary: sum, Token: signin.FormToken(p.secret(r), securityToken), Problem: problem,
		Elsewhere: who.Session.Proof.Method == signin.SAML && sum.PasswordSetAt.IsZero() && len(sum.Devices) == 0, Passkeys: p.Credentials.Passkeys(),
	}
	p.show(w, r, code, "security", frame{Title: "Sign-in and devices", Person: &who.User, Page: page})
}

const securityToken = "security"

// recently answers who is signed in if she proved it a short while ago; else she is led to prove it again and ok is false.
func (p *pages) recently(w http.ResponseWriter, r *http.Request) (who signin.Identity, ok bool) {
	who, ok = p.person(w, r)
	if !ok {
		return who, false
	}
	recent, err := p.Credentials.Recent(r.Context(), p.browser(r), who)
	if err != nil {
		p.fail(w, r, err)
		return who, false
	}
	if recent {
		return who, true
	}
	to := securityPath
	if r.Method == http.MethodGet {
		to = r.URL.Path
	}
	http.Redirect(w, r, "/signin/again?return_to="+url.QueryEscape(to), http.StatusSeeOther)
	return who, false
}

// again begins to prove once more who sits before the session.
func (p *pages) again(w http.ResponseWriter, r *http.Request) {
	who, ok := p.person(w, r)
	if !ok {
		return
	}
	b, err := p.Credentials.BeginAgain(r.Context(), who, local(r.URL.Query().Get("return_to")))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.begun(w, b)
	http.Redirect(w, r, "/signin/step", http.StatusSeeOther)
}

// change is a form of the page that changes something.
func (p *pages) change(do func(r *http.Request, b credential.Browser, who signin.Identity, f url.Values) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := p.recently(w, r)
		if !ok {
			return
		}
		f, ok := p.form(w, r, func(url.Values) string { return securityToken })
		if !ok {
			return
		}
		if err := do(r, p.browser(r), who, f); err != nil {
			p.changeFailed(w, r, who, err)
			return
		}
		http.Redirect(w, r, securityPath, http.StatusSeeOther)
	}
}

func (p *pages) changeFailed(w http.ResponseWriter, r *http.Request, who signin.Identity, err error) {
	if k := fault.Of(err).Kind; isPersons(err) || k == fault.NotFound {
		p.showSecurity(w, r, status(err), who, fault.Shown(err))
		return
	}
	p.fail(w, r, err)
}

func (p *pages) renameDevice(r *http.Request, b credential.Browser, who signin.Identity, f url.Values) error {
	return p.Credentials.RenameDevice(r.Context(), b, who, f.Get("device"), f.Get("name"))
}

func (p *pages) removeDevice(r *http.Request, b credential.Browser, who signin.Identity, f url.Values) error {
	return p.Credentials.RemoveOwnDevice(r.Context(), b, who, f.Get("device"))
}

func (p *pages) renewCodes(w http.ResponseWriter, r *http.Request) {
	who, ok := p.recently(w, r)
	if !ok {
		return
	}
	if _, ok := p.form(w, r, func(url.Values) string { return securityToken }); !ok {
		return
	}
	codes, err := p.Credentials.RenewRecovery(r.Context(), p.browser(r), who)
	if err != nil {
		p.changeFailed(w, r, who, err)
		return
	}
	p.show(w, r, http.StatusOK, "codes", frame{Title: "Keep these codes", Person: &who.User, Page: codesPage{Codes: codes, Action: securityPath}})
}

// addDevice shows the page for a new device, registerDevice takes an app's code.
func (p *pages) addDevice(w http.ResponseWriter, r *http.Request) {
	if who, ok := p.recently(w, r); ok {
		p.showAddDevice(w, r, http.StatusOK, who, "")
	}
}

func (p *pages) showAddDevice(w http.ResponseWriter, r *http.Request, code int, who signin.Identity, problem string) {
	app, err := p.Credentials.BeginTOTP(r.Context(), credential.Registrar{Browser: p.browser(r), Who: &who})
	if err != nil {
		p.changeFailed(w, r, who, err)
		return
	}
	page := stepPage{Again: true, Token: signin.FormToken(p.secret(r), securityToken), Problem: problem, Passkeys: p.Credentials.Passkeys(), QR: dataURL(app.PNG), Secret: app.Secret}
	p.scripted(w, page.Passkeys)
	p.allowImages(w)
	p.show(w, r, code, "register", frame{Title: "Add a device", Script: page.Passkeys, Person: &who.User, Page: page})
}

func (p *pages) registerDevice(w http.ResponseWriter, r *http.Request) {
	who, ok := p.recently(w, r)
	if !ok {
		return
	}
	f, ok := p.form(w, r, func(url.Values) string { return securityToken })
	if !ok {
		return
	}
	reg, err := p.Credentials.FinishTOTP(r.Context(), credential.Registrar{Browser: p.browser(r), Who: &who}, f.Get("name"), clipName(f.Get("code")))
	switch {
	case isPersons(err):
		p.showAddDevice(w, r, status(err), who, fault.Shown(err))
	case err != nil:
		p.changeFailed(w, r, who, err)
	case len(reg.Codes) > 0:
		p.show(w, r, http.StatusOK, "codes", frame{Title: "Keep these codes", Person: &who.User, Page: codesPage{Codes: reg.Codes, Action: securityPath}})
	default:
		http.Redirect(w, r, securityPath, http.StatusSeeOther)
	}
}

func (p *pages) askPassword(w http.ResponseWriter, r *http.Request) {
	if who, ok := p.recently(w, r); ok {
		p.showAskPassword(w, r, http.StatusOK, who, "")
	}
}

func (p *pages) showAskPassword(w http.ResponseWriter, r *http.Request, code int, who signin.Identity, problem string) {
	set, err := p.Credentials.Settings(r.Context())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, code, "newpassword", frame{Title: "Change your password", Person: &who.User, Page: newPasswordPage{
		Action: securityPath + "/password", Token: signin.FormToken(p.secret(r), securityToken), Name: who.User.UserName, MinLength: set.MinLength, Problem: problem, Lead: "Your other sessions end."}})
}

func (p *pages) changePassword(w http.ResponseWriter, r *http.Request) {
	who, ok := p.recently(w, r)
	if !ok {
		return
	}
	f, ok := p.form(w, r, func(url.Values) string { return securityToken })
	if !ok {
		return
	}
	err := repeated(f)
	if err == nil {
		err = p.Credentials.ChangePassword(r.Context(), p.browser(r), who, f.Get("password"))
	}
	switch {
	case err == nil:
		http.Redirect(w, r, securityPath, http.StatusSeeOther)
	case isPersons(err):
		p.showAskPassword(w, r, status(err), who, fault.Shown(err))
	default:
		p.fail(w, r, err)
	}
}
