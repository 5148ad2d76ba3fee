package tenant

import (
	"errors"
	"net/http"
	"strings"
)

const personCookie = "emulated_entra_session"

func (t *Tenant) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	doc, err := t.Metadata()
	if err != nil {
		t.log.Error("metadata", "err", err)
		http.Error(w, "An internal error occurred.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
	_, _ = w.Write(doc)
}

// serveSAML takes an AuthnRequest by redirect or post.
func (t *Tenant) serveSAML(w http.ResponseWriter, r *http.Request) {
	post := r.Method == http.MethodPost
	get := r.URL.Query().Get
	if post {
		get = r.PostFormValue
	}
	param := get("SAMLRequest")
	if get("SAMLResponse") != "" { // the application's answer to a logout request
		t.page(w, http.StatusOK, "signedout.html", nil)
		return
	}
	if id, ok := t.logoutRequest(param, post); ok {
		t.answerLogout(w, r, id, get("RelayState"))
		return
	}
	req, err := t.readRequest(param, post)
	if err != nil {
		t.showError(w, http.StatusBadRequest, err)
		return
	}
	f := flow{request: req, relay: get("RelayState")}
	if len(f.relay) > 1024 {
		t.showError(w, http.StatusBadRequest, refuse(90015, "Requested query string is too long."))
		return
	}
	s, signedIn := t.person(r)
	switch {
	case !req.satisfied():
		t.deliver(w, req.ACSURL, f.relay, t.failureResponse(req, "NoAuthnContext", "AADSTS75011: Authentication method 'Password' by which the user authenticated with the service doesn't match requested authentication method."))
	case signedIn && !req.ForceAuthn:
		t.answer(w, f, s)
	case req.IsPassive:
		t.deliver(w, req.ACSURL, f.relay, t.failureResponse(req, "NoPassive", "AADSTS50058: A silent sign-in request was sent but no user is signed in."))
	default:
		t.askSignIn(w, f, clip(r.URL.Query().Get("login_hint"), 200))
	}
}

// person returns the session of the browser, if its user may still sign in.
func (t *Tenant) person(r *http.Request) (session, bool) {
	c, err := r.Cookie(personCookie)
	if err != nil {
		return session{}, false
	}
	s, ok := t.sessions.person(c.Value, t.now())
	if !ok {
		return session{}, false
	}
	u, err := t.User(s.user)
	return s, err == nil && u.AccountEnabled && !u.Deleted()
}

// signInPage is the page that asks for name and password.
type signInPage struct {
	Action, Flow, Name, App, Error string
}

func (t *Tenant) askSignIn(w http.ResponseWriter, f flow, hint string) {
	id := t.secret()
	t.sessions.begin(id, f, t.now())
	t.page(w, http.StatusOK, "signin.html", t.signInPage(id, f, hint, ""))
}

func (t *Tenant) signInPage(id string, f flow, name, failed string) signInPage {
	p := signInPage{Action: "/" + t.st.TenantID + "/login", Flow: id, Name: name, Error: failed, App: "My Apps"}
	if f.request != nil {
		p.App = t.Application().DisplayName
	}
	return p
}

// serveLogin takes name and password for a pending flow.
func (t *Tenant) serveLogin(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("flow")
	f, ok := t.sessions.flow(id, t.now())
	if !ok {
		t.showError(w, http.StatusBadRequest, refuse(900144, "This sign-in has expired or was not begun here. Go back to the application and start again."))
		return
	}
	name := strings.TrimSpace(clip(r.PostFormValue("loginfmt"), 300))
	user, err := t.checkPassword(name, r.PostFormValue("passwd"))
	if err != nil {
		var se *signInError
		if !errors.As(err, &se) {
			t.showError(w, http.StatusInternalServerError, errors.New("The sign-in could not be checked."))
			return
		}
		t.log.Info("sign-in failed", "code", se.code)
		t.page(w, http.StatusUnauthorized, "signin.html", t.signInPage(id, f, name, se.Error()))
		return
	}
	t.sessions.end(id)
	cookie := t.secret() // a new one at each sign-in, so that none can be planted
	s := t.sessions.signIn(cookie, user, t.now())
	http.SetCookie(w, t.cookie(personCookie, cookie, int(sessionFor.Seconds())))
	if f.request == nil {
		http.Redirect(w, r, "/myapps", http.StatusSeeOther)
		return
	}
	t.answer(w, f, s)
}

// answer posts the response for a signed-in person, or shows why there is none.
func (t *Tenant) answer(w http.ResponseWriter, f flow, s session) {
	t.mu.Lock()
	app := t.st.App.clone()
	u := t.st.userByID(s.user)
	switch {
	case f.request == nil && (len(app.ReplyURLs) == 0 || app.EntityID == ""):
		t.mu.Unlock()
		t.showError(w, http.StatusBadRequest, refuse(500113, "No reply address is registered for the application."))
		return
	case u == nil:
		t.mu.Unlock()
		t.showError(w, http.StatusForbidden, errNoSuchUser)
		return
	case app.AssignmentRequired && !t.st.assigned(u.ID):
		name := u.UserPrincipalName
		t.mu.Unlock()
		t.showError(w, http.StatusForbidden, refuse(50105, "Your administrator has configured the application %s ('%s') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '%s' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator.", app.DisplayName, app.AppID, name))
		return
	}
	rep := reply{
		dialect: dialects[app.SAMLDialect], issuer: t.issuerIn(app.SAMLDialect), audience: audience(app.EntityID), now: t.now(), authnInstant: s.at,
		nameID: u.UserPrincipalName, attributes: t.attributesOf(u, []string{methodPW}),
	}
	if app.NameIDSource == "mail" {
		rep.nameID = u.Mail
	}
	relay := f.relay
	if f.request != nil {
		rep.acs, rep.inResponseTo = f.request.ACSURL, f.request.ID
	} else {
		rep.acs, relay = app.ReplyURLs[0], app.RelayState
	}
	doc, err := t.respond(rep)
	if app.SAMLChaos.Repeat && t.lastResponse != nil {
		doc = t.lastResponse
	}
	t.lastResponse = doc
	t.mu.Unlock()
	if err != nil {
		t.log.Error("response not signed", "err", err)
		t.showError(w, http.StatusInternalServerError, errors.New("The response could not be made."))
		return
	}
	t.deliver(w, rep.acs, relay, doc)
}

// postPage is the form that carries a response to the application.
type postPage struct{ Action, Response, RelayState string }

func (t *Tenant) deliver(w http.ResponseWriter, acs, relay string, doc []byte) {
	w.Header().Set("Content-Security-Policy", policyPost)
	t.page(w, http.StatusOK, "post.html", postPage{acs, t.Application().SAMLChaos.encoded(doc), relay})
}

// myAppsPage is the launcher.
type myAppsPage struct {
	User   User
	App    Application
	Mine   bool
	Logout string
}

func (t *Tenant) serveMyApps(w http.ResponseWriter, r *http.Request) {
	s, ok := t.person(r)
	if !ok {
		t.askSignIn(w, flow{}, "")
		return
	}
	u, err := t.User(s.user)
	if err != nil {
		t.askSignIn(w, flow{}, "")
		return
	}
	t.mu.Lock()
	mine := !t.st.App.AssignmentRequired || t.st.assigned(u.ID)
	onward := t.st.App.LogoutURL != ""
	t.mu.Unlock()
	if onward { // the answer to the sign-out form leads on to the application
		w.Header().Set("Content-Security-Policy", policyPost)
	}
	t.page(w, http.StatusOK, "myapps.html", myAppsPage{u, t.Application(), mine, "/" + t.st.TenantID + "/logout"})
}

// serveLaunch starts the application: at its sign-on URL when it has one, else by an unsolicited response, which
// ?unsolicited=1 asks for in any case.
func (t *Tenant) serveLaunch(w http.ResponseWriter, r *http.Request) {
	s, ok := t.person(r)
	if !ok {
		t.askSignIn(w, flow{}, "")
		return
	}
	app := t.Application()
	switch {
	case app.SignOnURL != "" && r.URL.Query().Get("unsolicited") == "":
		http.Redirect(w, r, app.SignOnURL, http.StatusSeeOther)
	default:
		t.answer(w, flow{}, s)
	}
}
