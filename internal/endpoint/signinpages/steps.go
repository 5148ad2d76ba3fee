package signinpages

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/internal/credential"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// This file is a sign-in with the built-in directory: one form a step. Which step is due is package credential's to say; a handler here reads
// a form, hands it over and shows what comes next.

// Names of the cookies: of the sign-in under way, and of a browser that was remembered. See signin.SecureCookie for the prefix.
const (
	attemptCookie = "attempt"
	knownCookie   = "known"
)

func (p *pages) secureServer() bool { return strings.HasPrefix(p.URL, "https://") }

func (p *pages) cookieName(what string) string {
	if p.secureServer() {
		return signin.SecureCookie + "-" + what
	}
	return "gatehouse_" + what
}

func (p *pages) cookie(what string) *http.Cookie {
	return &http.Cookie{Name: p.cookieName(what), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.secureServer()}
}

func (p *pages) read(r *http.Request, what string) string {
	c, err := r.Cookie(p.cookieName(what))
	if err != nil || len(c.Value) > 128 {
		return ""
	}
	return c.Value
}

func (p *pages) browser(r *http.Request) credential.Browser {
	return credential.Browser{Attempt: p.read(r, attemptCookie), Known: p.read(r, knownCookie)}
}

// begun puts the secret of a new attempt into its cookie.
func (p *pages) begun(w http.ResponseWriter, b credential.Begun) {
	c := p.cookie(attemptCookie)
	c.Value, c.Expires = b.Secret, b.ExpiresAt
	http.SetCookie(w, c)
}

// localPage is the door of break-glass administrators.
type localPage struct{ ReturnTo, Problem, Identifier string }

func (p *pages) local(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "local", frame{Title: "Break-glass sign-in", Page: localPage{ReturnTo: local(r.URL.Query().Get("return_to"))}})
}

// local returns where a sign-in leads afterwards.
func local(to string) string {
	if isLocal(to) {
		return to
	}
	return signin.DefaultReturn
}

// begin takes the user name.
func (p *pages) begin(w http.ResponseWriter, r *http.Request) {
	f, ok := p.parse(w, r)
	if !ok {
		return
	}
	to, name, breakGlass := local(f.Get("return_to")), f.Get("identifier"), r.URL.Path == "/signin/local"
	b, err := p.Credentials.Begin(r.Context(), name, to, breakGlass)
	switch {
	case isPersons(err) && breakGlass:
		p.show(w, r, status(err), "local", frame{Title: "Break-glass sign-in", Page: localPage{to, fault.Shown(err), clipName(name)}})
	case isPersons(err):
		p.showSignIn(w, r, status(err), to, signInPage{Wrong: fault.Shown(err), Identifier: clipName(name)})
	case err != nil:
		p.fail(w, r, err)
	case b.Source != "":
		http.Redirect(w, r, loginLink(b.Source, to), http.StatusSeeOther)
	default:
		p.begun(w, b)
		http.Redirect(w, r, "/signin/step", http.StatusSeeOther)
	}
}

// isPersons reports whether the person can do something about an error where she is.
func isPersons(err error) bool {
	switch f := fault.Of(err); {
	case f == nil || f.Reason == "over" || f.Reason == "step" || f.Reason == "again" || f.Reason == "other-source":
		return false
	default:
		return f.Kind == fault.Invalid || f.Kind == fault.Denied || f.Kind == fault.Throttled || f.Kind == fault.Quota || f.Kind == fault.Conflict || f.Kind == fault.Unavailable
	}
}

func status(err error) int { return byKind[fault.Of(err).Kind].status }

// clipName keeps what is shown again short.
func clipName(s string) string {
	if len(s) > 256 {
		return ""
	}
	return s
}

// parse reads a form that is bound to nothing but this site.
func (p *pages) parse(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.fail(w, r, fault.New(fault.Invalid, "The form could not be read.").Because(err))
		return nil, false
	}
	return r.PostForm, true
}

// attemptForm reads a form of the attempt in this browser, and checks its token.
func (p *pages) attemptForm(w http.ResponseWriter, r *http.Request) (url.Values, credential.Browser, bool) {
	b := p.browser(r)
	f, ok := p.parse(w, r)
	if !ok {
		return nil, b, false
	}
	if b.Attempt == "" {
		p.lost(w, r)
		return nil, b, false
	}
	if !signin.IsFormToken(f.Get("token"), b.Attempt, attemptToken) {
		p.fail(w, r, fault.New(fault.Denied, "This form is not of the sign-in that is under way in this browser. Begin again."))
		return nil, b, false
	}
	return f, b, true
}

const attemptToken = "attempt"

// lost leads to the beginning when there is no attempt (any more).
func (p *pages) lost(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/signin?problem=over", http.StatusSeeOther)
}

// stepPage is the page of one step.
type stepPage struct {
	credential.View
	Token, Problem string
	// Again says that a session is open and is being confirmed.
	Again bool
	// Passkeys says that passkeys can be used here.
	Passkeys bool
	// Forgot offers a link by e-mail.
	Forgot bool
	// QR and Secret are of an authenticator app that is being registered.
	QR     template.URL
	Secret string
	// Codes are recovery codes, shown once.
	Codes []string
}

// step shows the step that is due.
func (p *pages) step(w http.ResponseWriter, r *http.Request) {
	p.showStep(w, r, http.StatusOK, "")
}

func (p *pages) showStep(w http.ResponseWriter, r *http.Request, code int, problem string) {
	b := p.browser(r)
	v, err := p.Credentials.Next(r.Context(), b)
	if err != nil {
		p.stepFailed(w, r, err)
		return
	}
	page := stepPage{View: v, Token: signin.FormToken(b.Attempt, attemptToken), Problem: problem, Again: v.Purpose == credential.Again, Passkeys: p.Credentials.Passkeys()}
	switch v.Step {
	case credential.StepPassword:
		set, err := p.Credentials.Settings(r.Context())
		if err != nil {
			p.fail(w, r, err)
			return
		}
		page.Forgot = set.SelfReset && set.Enabled && !page.Again
		p.scripted(w, page.Passkeys)
		p.show(w, r, code, "password", frame{Title: "Enter your password", Script: page.Passkeys, Page: page})
	case credential.StepSecond:
		p.scripted(w, page.Passkey)
		p.show(w, r, code, "second", frame{Title: "Confirm that it is you", Script: page.Passkey, Page: page})
	case credential.StepNewPassword:
		p.show(w, r, code, "newpassword", frame{Title: "Choose a password", Page: newPasswordPage{
			Action: "/signin/new-password", Token: page.Token, Name: v.Identifier, MinLength: v.MinLength, Problem: problem, Lead: "The password that you have is for one use. Choose one of your own."}})
	case credential.StepRegister:
		p.showRegister(w, r, code, page, credential.Registrar{Browser: b})
	case credential.StepBlocked:
		p.show(w, r, http.StatusForbidden, "error", frame{Title: "A second factor is missing", Page: problemPage("A second factor is missing", "Signing in needs a device as second factor, and you have none. Ask your administrator.")})
	case credential.StepOpen:
		p.show(w, r, code, "continue", frame{Title: "You are ready", Page: page})
	default:
		http.Redirect(w, r, signin.ReturnPath(v.ReturnTo), http.StatusSeeOther)
	}
}

func problemPage(heading, text string) problem { return problem{Heading: heading, Text: text} }

// showRegister asks for a device: an app, whose QR code is in the page, or a passkey.
func (p *pages) showRegister(w http.ResponseWriter, r *http.Request, code int, page stepPage, who credential.Registrar) {
	app, err := p.Credentials.BeginTOTP(r.Context(), who)
	if err != nil {
		p.stepFailed(w, r, err)
		return
	}
	page.QR, page.Secret = dataURL(app.PNG), app.Secret
	p.scripted(w, page.Passkeys)
	p.allowImages(w)
	p.show(w, r, code, "register", frame{Title: "Add a device", Script: page.Passkeys, Page: page})
}

func dataURL(png []byte) template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
}

// scripted lets the page's one script run, which is a file of ours and speaks to this server alone.
func (p *pages) scripted(w http.ResponseWriter, on bool) {
	if on {
		w.Header().Set("Content-Security-Policy", w.Header().Get("Content-Security-Policy")+"; script-src 'self'; connect-src 'self'")
	}
}

func (p *pages) allowImages(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", strings.Replace(w.Header().Get("Content-Security-Policy"), "img-src 'self'", "img-src 'self' data:", 1))
}

// stepFailed shows the step again with what was wrong, leads to the step that is due, or to the beginning.
func (p *pages) stepFailed(w http.ResponseWriter, r *http.Request, err error) {
	switch f := fault.Of(err); {
	case f.Reason == "step":
		http.Redirect(w, r, "/signin/step", http.StatusSeeOther)
	case f.Reason == "over":
		p.lost(w, r)
	case isPersons(err) && r.Method == http.MethodPost:
		p.showStep(w, r, status(err), fault.Shown(err))
	default:
		p.fail(w, r, err)
	}
}

func (p *pages) password(w http.ResponseWriter, r *http.Request) {
	f, b, ok := p.attemptForm(w, r)
	if !ok {
		return
	}
	if err := p.Credentials.Password(r.Context(), b, f.Get("password")); err != nil {
		p.stepFailed(w, r, err)
		return
	}
	p.proceed(w, r, b)
}

func (p *pages) second(w http.ResponseWriter, r *http.Request) {
	f, b, ok := p.attemptForm(w, r)
	if !ok {
		return
	}
	if err := p.Credentials.Code(r.Context(), b, clipName(f.Get("code"))); err != nil {
		p.stepFailed(w, r, err)
		return
	}
	p.proceed(w, r, b)
}

func (p *pages) newPassword(w http.ResponseWriter, r *http.Request) {
	f, b, ok := p.attemptForm(w, r)
	if !ok {
		return
	}
	err := repeated(f)
	if err == nil {
		err = p.Credentials.SetPassword(r.Context(), b, f.Get("password"))
	}
	if err != nil {
		p.stepFailed(w, r, err)
		return
	}
	p.proceed(w, r, b)
}

// repeated checks that a new password was typed twice alike.
func repeated(f url.Values) error {
	if f.Get("password") != f.Get("again") {
		return fault.New(fault.Invalid, "The two passwords differ.")
	}
	return nil
}

// registerApp takes the code of an app that is registered in the middle of a sign-in.
func (p *pages) registerApp(w http.ResponseWriter, r *http.Request) {
	f, b, ok := p.attemptForm(w, r)
	if !ok {
		return
	}
	reg, err := p.Credentials.FinishTOTP(r.Context(), credential.Registrar{Browser: b}, f.Get("name"), clipName(f.Get("code")))
	if err != nil {
		p.stepFailed(w, r, err)
		return
	}
	if len(reg.Codes) == 0 {
		p.proceed(w, r, b)
		return
	}
	p.show(w, r, http.StatusOK, "codes", frame{Title: "Keep these codes", Page: codesPage{Codes: reg.Codes, Action: "/signin/open", Token: f.Get("token")}})
}

// codesPage shows recovery codes, once.
type codesPage struct {
	Codes []string
	// Action is where «Continue» goes with the token; a link when there is no token.
	Action, Token string
}

// open is «Continue» after everything was shown.
func (p *pages) open(w http.ResponseWriter, r *http.Request) {
	if _, b, ok := p.attemptForm(w, r); ok {
		p.proceed(w, r, b)
	}
}

// proceed opens the session if nothing is missing any more, else leads to the next step.
func (p *pages) proceed(w http.ResponseWriter, r *http.Request, b credential.Browser) {
	to, err := p.arrive(w, r, b)
	if err != nil {
		p.stepFailed(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// arrive opens the session if nothing is missing any more, sets the cookies, and returns where to go.
func (p *pages) arrive(w http.ResponseWriter, r *http.Request, b credential.Browser) (string, error) {
	v, err := p.Credentials.Next(r.Context(), b)
	if err != nil {
		return "", err
	}
	if v.Step != credential.StepOpen {
		return "/signin/step", nil
	}
	out, err := p.Credentials.Open(r.Context(), b, p.secret(r))
	if err != nil {
		return "", err
	}
	p.begun(w, credential.Begun{Secret: b.Attempt, ExpiresAt: out.Until})
	if out.Known != "" {
		c := p.cookie(knownCookie)
		c.Value, c.Expires = out.Known, out.KnownUntil
		http.SetCookie(w, c)
	}
	if o := out.Opened; o != nil {
		http.SetCookie(w, &http.Cookie{
			Name: signin.CookieName(p.URL), Value: o.Secret, Path: "/", Expires: o.Session.ExpiresAt,
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.secureServer(),
		})
	}
	return signin.ReturnPath(out.ReturnTo), nil
}
