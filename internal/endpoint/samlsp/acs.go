package samlsp

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

// maxForm is the largest body that acs reads: the largest message in base64, URL encoding, and the other fields.
const maxForm = 2*saml.MaxMessage + 16<<10

// acs takes the identity provider's answer. It opens nothing yet: the result waits for finish.
func (d *door) acs(w http.ResponseWriter, r *http.Request) {
	src, err := d.source(r)
	if err == nil && src.SAML.EntityID == "" {
		err = fault.New(fault.NotFound, "No identity provider is configured here.")
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	message, relay, err := answer(w, r)
	seen := sighting{source: src.ID, message: message}
	if err != nil {
		d.refuse(w, r, seen, err)
		return
	}
	a, err := d.verify(src, message)
	if src, again := d.renewed(r.Context(), src, err); again {
		a, err = d.verify(src, message)
	}
	if err != nil {
		d.refuse(w, r, seen, err)
		return
	}
	seen.vouched, seen.requestID = true, a.InResponseTo
	v, err := d.verified(r.Context(), src, a)
	if err != nil {
		d.refuse(w, r, seen, err)
		return
	}
	v.Relay = relay
	waiting, err := d.SignIn.Park(r.Context(), v)
	if err != nil {
		d.refuse(w, r, seen, err)
		return
	}
	tag := unasked
	if v.Unsolicited {
		d.remember(w, r, unasked, waiting.BrowserSecret, waiting.ExpiresAt)
	} else {
		tag = tagOf(v.RequestID)
	}
	http.Redirect(w, r, "/saml/"+url.PathEscape(src.ID)+"/finish?"+url.Values{"handle": {waiting.Handle}, "for": {tag}}.Encode(), http.StatusSeeOther)
}

// answer reads the form: one SAMLResponse, at most one RelayState. Parameters in the address do not count.
func answer(w http.ResponseWriter, r *http.Request) (message []byte, relay string, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, "", fault.New(fault.Invalid, "The form could not be read or is too large.").For("form").Because(err)
	}
	if len(r.PostForm["SAMLResponse"]) != 1 || len(r.PostForm["RelayState"]) > 1 {
		return nil, "", fault.New(fault.Invalid, "The form does not have exactly one SAMLResponse and at most one RelayState.").For("form")
	}
	message, err = saml.DecodePost(r.PostForm.Get("SAMLResponse"))
	return message, r.PostForm.Get("RelayState"), err
}

// renewed asks for the provider's metadata at once when a signature does not verify: the provider may sign with a certificate that is newer
// than what was brought in, and nobody is to be kept out until the next hour. Directory sees to it that this is done once in a while only, and that
// what cannot be used changes nothing.
func (d *door) renewed(ctx context.Context, src directory.Source, err error) (directory.Source, bool) {
	if f := fault.Of(err); err == nil || f.Kind != fault.Unauthenticated || (f.Reason != "signature" && f.Reason != "certificate") || src.SAML.MetadataURL == "" {
		return src, false
	}
	changed, err := d.Directory.RefreshMetadata(ctx, audit.Gatehouse, src.ID, directory.RefreshAtOnce)
	if err != nil || !changed {
		return src, false
	}
	fresh, err := d.Directory.Source(ctx, src.ID)
	return fresh, err == nil
}

// certificates are those of the source's identity provider.
func certificates(src directory.Source) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, der := range src.SAML.Certificates {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fault.New(fault.Internal, "a stored certificate cannot be read").Because(err)
		}
		out = append(out, cert)
	}
	return out, nil
}

// verify checks the answer against what is configured for the source. Which request it answers is looked up by Park.
func (d *door) verify(src directory.Source, message []byte) (saml.Assertion, error) {
	p := saml.Params{
		Issuer: src.SAML.EntityID, Audiences: []string{EntityID(d.URL, src.ID)}, Recipients: []string{ACSURL(d.URL, src.ID)},
		Unsolicited: saml.CallerLooksUp, Now: d.Now(),
	}
	var err error
	if p.Certificates, err = certificates(src); err != nil {
		return saml.Assertion{}, err
	}
	a, err := saml.Verify(message, p)
	if err != nil {
		return saml.Assertion{}, err
	}
	if a.InResponseTo == "" && !src.SAML.AllowIDPInitiated {
		return saml.Assertion{}, fault.New(fault.Unauthenticated, "The answer was not asked for, and sign-in begun at the identity provider is not enabled for this source.").For("unsolicited")
	}
	return a, nil
}

// finish opens the session, in the browser that has the secret.
func (d *door) finish(w http.ResponseWriter, r *http.Request) {
	src, err := d.source(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	q := r.URL.Query()
	tag := q.Get("for")
	if tag != unasked && !tagForm.MatchString(tag) {
		d.fail(w, r, fault.New(fault.Invalid, "The address is incomplete."))
		return
	}
	if tag == unasked && len(d.pending(r)) > 0 {
		d.forget(w, unasked)
		d.refuse(w, r, sighting{source: src.ID}, fault.New(fault.Denied, "The answer was not asked for, but a sign-in is under way in this browser.").For("pending"))
		return
	}
	var secret string
	if c, err := r.Cookie(d.cookieName(tag)); err == nil {
		secret = c.Value
	}
	o, err := d.SignIn.Claim(r.Context(), q.Get("handle"), secret, d.previous(r))
	if err != nil {
		d.refuse(w, r, sighting{source: src.ID}, err)
		return
	}
	if err := d.stillVouches(r.Context(), src.ID, o.Session); err != nil {
		d.refuse(w, r, sighting{source: src.ID}, err)
		return
	}
	d.forget(w, tag)
	http.SetCookie(w, &http.Cookie{
		Name: signin.CookieName(d.URL), Value: o.Secret, Path: "/", Expires: o.Session.ExpiresAt,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: d.secureServer(),
	})
	http.Redirect(w, r, signin.ReturnPath(o.ReturnTo), http.StatusSeeOther)
}

// stillVouches looks again at the source once the session is there. Whoever removes a source ends its sessions after closing it: a session that came too late to
// be found there finds the source closed here, and ends. The same goes for a source's identity provider.
func (d *door) stillVouches(ctx context.Context, sourceID string, s signin.Session) error {
	src, err := d.Directory.Source(ctx, sourceID)
	if err == nil && src.Closing == "" && src.SAML.EntityID != "" {
		return nil
	}
	if err == nil || fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Denied, "The identity source was removed while the sign-in was under way.").For("removed")
	}
	if e := d.SignIn.EndSession(ctx, audit.Gatehouse, s.UserID, s.ID); e != nil && !fault.Is(e, fault.NotFound) {
		return e
	}
	return err
}
