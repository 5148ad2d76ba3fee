package tenant

import (
	"encoding/xml"
	"net/http"

	"gatehouse/internal/saml"
)

// logoutRequest tells a LogoutRequest, for which the same address is registered, and returns its ID. As at Entra its signature, its NameID and
// its session indexes are not looked at: it ends the session of the browser that brings it, and no other.
func (t *Tenant) logoutRequest(param string, post bool) (id string, ok bool) {
	decode := saml.InflateRedirect
	if post {
		decode = saml.DecodePost
	}
	doc, err := decode(param)
	if err != nil {
		return "", false
	}
	var root struct {
		XMLName xml.Name
		ID      string `xml:"ID,attr"`
	}
	return root.ID, xml.Unmarshal(doc, &root) == nil && root.XMLName.Local == "LogoutRequest"
}

// answerLogout ends the session of the browser and sends the answer to the application, if it has an address for that.
func (t *Tenant) answerLogout(w http.ResponseWriter, r *http.Request, id, relay string) {
	t.forget(w, r)
	app := t.Application()
	if app.LogoutURL == "" || len(relay) > 1024 {
		t.page(w, http.StatusOK, "signedout.html", nil)
		return
	}
	a := saml.LogoutResponse{ID: "_" + t.uuid(), InResponseTo: id, IssueInstant: t.now(), Issuer: t.Issuer(), Destination: app.LogoutURL, Success: true}
	to, err := a.RedirectURL(relay, t.samlSigner())
	t.sendOn(w, r, to, err)
}

// serveLogout signs a person out here, and then at the application if it has an address for that.
func (t *Tenant) serveLogout(w http.ResponseWriter, r *http.Request) {
	s, signedIn := t.person(r)
	t.forget(w, r)
	app := t.Application()
	u, err := t.User(s.user)
	if !signedIn || err != nil || app.LogoutURL == "" {
		t.page(w, http.StatusOK, "signedout.html", nil)
		return
	}
	q := saml.LogoutRequest{ID: "_" + t.uuid(), IssueInstant: t.now(), Issuer: t.Issuer(), Destination: app.LogoutURL, NameID: u.UserPrincipalName, NameIDFormat: saml.NameIDEmail}
	if app.NameIDSource == "mail" {
		q.NameID = u.Mail
	}
	to, err := q.RedirectURL("", t.samlSigner())
	t.sendOn(w, r, to, err)
}

func (t *Tenant) sendOn(w http.ResponseWriter, r *http.Request, to string, err error) {
	if err != nil {
		t.log.Error("logout message not signed", "err", err)
		t.page(w, http.StatusOK, "signedout.html", nil)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (t *Tenant) samlSigner() *saml.Signer {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.signer()
	return &saml.Signer{Key: k.key, Certificate: k.cert}
}

// forget ends the session of the browser here.
func (t *Tenant) forget(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(personCookie); err == nil {
		t.sessions.signOut(c.Value)
	}
	http.SetCookie(w, t.cookie(personCookie, "", -1))
}
