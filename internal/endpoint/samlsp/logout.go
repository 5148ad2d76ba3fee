package samlsp

import (
	"cmp"
	"context"
	"crypto/x509"
	"net/http"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

// outPage says how signing out ended.
type outPage struct {
	Name string
	// Everywhere says that the identity provider, too, has ended its session.
	Everywhere bool
}

// SignOutURL returns where to send the browser of somebody who has just signed out here, so that she is signed out at the identity provider she
// came from too; empty where the source does not want that, or she came by another way. It is the provider's address with a signed logout request,
// or, for a provider that takes requests by POST only, a page of ours that carries it.
func SignOutURL(ctx context.Context, c Config, p signin.Proof) (string, error) {
	if p.Method != signin.SAML || p.NameID == "" {
		return "", nil
	}
	src, err := c.Directory.Source(ctx, p.SourceID)
	if fault.Is(err, fault.NotFound) || err == nil && !src.SAML.SingleLogout {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	signer, err := c.signer(src)
	if err != nil {
		return "", err
	}
	q := c.logoutRequest(src, p.NameID, p.SessionIndex)
	switch {
	case src.SAML.SLORedirectURL != "":
		q.Destination = src.SAML.SLORedirectURL
	case src.SAML.SLOPostURL != "":
		q.Destination = c.logoutPage(src)
	default:
		return "", nil
	}
	return q.RedirectURL("", signer)
}

func (c Config) logoutRequest(src directory.Source, nameID, sessionIndex string) saml.LogoutRequest {
	q := saml.LogoutRequest{ID: saml.NewID(c.Rand), IssueInstant: c.Now(), Issuer: EntityID(c.URL, src.ID), NameID: nameID}
	if sessionIndex != "" {
		q.SessionIndexes = []string{sessionIndex}
	}
	return q
}

// logoutPage is the address of the page that carries logout requests of ours.
func (c Config) logoutPage(src directory.Source) string { return c.URL + "/saml/" + src.ID + "/logout" }

// logout shows the form that carries a logout request to the provider. What it is to say is in the address, signed by ourselves (SignOutURL): nobody
// else can have the page say something.
func (d *door) logout(w http.ResponseWriter, r *http.Request) {
	src, signer, err := d.withKey(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	m, err := saml.ReadRedirect(r.URL.RawQuery, saml.FieldRequest)
	if err == nil {
		var ours saml.LogoutRequest
		ours, err = saml.VerifyLogoutRequest(m, saml.Peer{
			Certificates: []*x509.Certificate{signer.Certificate}, Issuer: EntityID(d.URL, src.ID), Destination: d.logoutPage(src), Now: d.Now(),
		})
		if err == nil && src.SAML.SLOPostURL != "" {
			q := d.logoutRequest(src, ours.NameID, "")
			q.SessionIndexes, q.Destination = ours.SessionIndexes, src.SAML.SLOPostURL
			form, err := q.PostForm("", signer)
			if err != nil {
				d.fail(w, r, err)
				return
			}
			d.post(w, r, form, true)
			return
		}
	}
	d.Log.WarnContext(r.Context(), "samlsp: an address for signing out at the provider was refused", "source", src.ID, "why", err)
	d.show(w, r, http.StatusOK, "signedout.html", outPage{Name: d.Name})
}

// withKey returns the source of the path, which must have a provider and a key.
func (d *door) withKey(r *http.Request) (directory.Source, *saml.Signer, error) {
	src, err := d.source(r)
	if err != nil {
		return src, nil, err
	}
	signer, err := d.signer(src)
	if fault.Is(err, fault.NotFound) || err == nil && src.SAML.EntityID == "" {
		return src, nil, fault.New(fault.NotFound, "Single logout is not set up here.")
	}
	return src, signer, err
}

// slo takes the identity provider's logout messages under both bindings.
func (d *door) slo(w http.ResponseWriter, r *http.Request) {
	src, signer, err := d.withKey(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	m, field, err := logoutMessage(w, r)
	seen := sighting{source: src.ID, message: m.XML}
	if err != nil {
		d.refuse(w, r, seen, err)
		return
	}
	if field == saml.FieldResponse {
		d.loggedOut(w, r, src, m)
		return
	}
	q, err := d.logoutOf(src, m)
	if src, again := d.renewed(r.Context(), src, err); again {
		q, err = d.logoutOf(src, m)
	}
	if err != nil {
		d.refuse(w, r, seen, err)
		return
	}
	seen.vouched = true
	n, err := d.SignIn.EndNamed(r.Context(), src.ID, q.NameID, q.SessionIndexes, q.ID, q.ReplayUntil)
	if err != nil {
		d.refuse(w, r, seen, err)
		return
	}
	d.Log.InfoContext(r.Context(), "samlsp: the identity provider has signed somebody out", "source", src.ID, "sessions", n)
	d.answerLogout(w, r, src, signer, q.ID, m.RelayState)
}

// logoutMessage reads the one message of a request, and says what it is.
func logoutMessage(w http.ResponseWriter, r *http.Request) (saml.Message, saml.Field, error) {
	field := saml.FieldRequest
	if r.Method == http.MethodGet {
		if !r.URL.Query().Has(string(field)) {
			field = saml.FieldResponse
		}
		m, err := saml.ReadRedirect(r.URL.RawQuery, field)
		return m, field, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return saml.Message{}, field, fault.New(fault.Invalid, "The form could not be read or is too large.").For("form").Because(err)
	}
	if !r.PostForm.Has(string(field)) {
		field = saml.FieldResponse
	}
	m, err := saml.ReadPost(r.PostForm, field)
	return m, field, err
}

func (d *door) peer(src directory.Source) (saml.Peer, error) {
	trusted, err := certificates(src)
	return saml.Peer{Certificates: trusted, Issuer: src.SAML.EntityID, Destination: SLOURL(d.URL, src.ID), Now: d.Now()}, err
}

func (d *door) logoutOf(src directory.Source, m saml.Message) (saml.LogoutRequest, error) {
	p, err := d.peer(src)
	if err != nil {
		return saml.LogoutRequest{}, err
	}
	return saml.VerifyLogoutRequest(m, p)
}

// answerLogout tells the provider that its request was carried out. That nobody had to be signed out is a success too: the person is signed
// out here.
func (d *door) answerLogout(w http.ResponseWriter, r *http.Request, src directory.Source, signer *saml.Signer, to, relay string) {
	a := saml.LogoutResponse{ID: saml.NewID(d.Rand), InResponseTo: to, IssueInstant: d.Now(), Issuer: EntityID(d.URL, src.ID), Success: true}
	if a.Destination = cmp.Or(src.SAML.SLORedirectAnswerURL, src.SAML.SLORedirectURL); a.Destination != "" {
		address, err := a.RedirectURL(relay, signer)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		http.Redirect(w, r, address, http.StatusSeeOther)
		return
	}
	if a.Destination = cmp.Or(src.SAML.SLOPostAnswerURL, src.SAML.SLOPostURL); a.Destination == "" {
		d.show(w, r, http.StatusOK, "signedout.html", outPage{Name: d.Name})
		return
	}
	form, err := a.PostForm(relay, signer)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.post(w, r, form, true)
}

// loggedOut shows how the provider answered a logout request of ours. The answer ends nothing: the session here was over before the request was
// made. Therefore it need not be tied to a request either.
func (d *door) loggedOut(w http.ResponseWriter, r *http.Request, src directory.Source, m saml.Message) {
	p, err := d.peer(src)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	a, err := saml.VerifyLogoutResponse(m, p)
	if err != nil {
		d.refuse(w, r, sighting{source: src.ID, message: m.XML}, err)
		return
	}
	d.show(w, r, http.StatusOK, "signedout.html", outPage{Name: d.Name, Everywhere: a.Success})
}
