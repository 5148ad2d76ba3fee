package samlsp

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

// postPage carries a message to an identity provider that takes it by POST only. Without a script the person
// presses the button.
type postPage struct {
	Name, Host string
	// Out says that it is a message about signing out.
	Out  bool
	Form saml.PostForm
}

// login begins a sign-in. Where it leads afterwards is kept with the request and does not travel.
func (d *door) login(w http.ResponseWriter, r *http.Request) {
	src, err := d.source(r)
	if err == nil && src.SAML.EntityID == "" {
		err = fault.New(fault.NotFound, "No identity provider is configured here.")
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b, err := d.SignIn.BeginSignIn(r.Context(), src.ID, r.URL.Query().Get("return_to"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.remember(w, r, tagOf(b.RequestID), b.BrowserSecret, b.ExpiresAt)
	q := saml.AuthnRequest{
		ID: b.RequestID, IssueInstant: d.Now(), Issuer: EntityID(d.URL, src.ID), ACSURL: ACSURL(d.URL, src.ID),
		Destination: src.SAML.SSORedirectURL, NameIDFormat: saml.NameIDEmail,
	}
	var signer *saml.Signer
	if src.SAML.SignRequests {
		if signer, err = d.signer(src); err != nil {
			d.fail(w, r, fault.New(fault.Internal, "requests are to be signed, and there is no key").Because(err))
			return
		}
	}
	if q.Destination == "" {
		q.Destination = src.SAML.SSOPostURL
		form, err := q.PostForm(b.Relay, signer)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		d.post(w, r, form, false)
		return
	}
	to, err := q.RedirectURL(b.Relay, signer)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// signer returns the key that signs what goes to the source's provider. Faults: NotFound when the source has none.
func (c Config) signer(src directory.Source) (*saml.Signer, error) {
	key, cert, err := c.Directory.Signer(src)
	if err != nil {
		return nil, err
	}
	return &saml.Signer{Key: key, Certificate: cert}, nil
}

// post shows the page that posts a message; out says that it is about signing out.
func (d *door) post(w http.ResponseWriter, r *http.Request, form saml.PostForm, out bool) {
	u, err := url.Parse(form.Action)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	// The identity provider may answer the form with redirects to anywhere, and browsers hold form-action against those
	// too, so the page cannot name where they lead (CSP3 §6.4.2).
	w.Header().Set("Content-Security-Policy", strings.Replace(contentPolicy, "form-action 'none'; ", "", 1))
	d.show(w, r, http.StatusOK, "post.html", postPage{Name: d.Name, Host: u.Host, Out: out, Form: form})
}

// Names of the cookies that bind sign-ins under way to their browser; the request's tag follows. See signin.SecureCookie for
// the prefix.
const (
	securePrefix = "__Host-gatehouse-signin-"
	plainPrefix  = "gatehouse_signin_"
	// unasked stands for the tag where nobody asked (IdP-initiated).
	unasked = "unasked"
	// maxPending is how many sign-ins may be under way in one browser; beginning another forgets the others.
	maxPending = 5
)

var tagForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// tagOf tells the requests of one browser apart: the first 16 hexadecimal digits of the request's ID, which is not secret.
func tagOf(requestID string) string {
	id := strings.TrimPrefix(requestID, "_")
	return id[:min(len(id), 16)]
}

func (d *door) cookieName(tag string) string {
	if d.secureServer() {
		return securePrefix + tag
	}
	return plainPrefix + tag
}

// remember puts a browser secret into the cookie for tag.
func (d *door) remember(w http.ResponseWriter, r *http.Request, tag, secret string, until time.Time) {
	if pending := d.pending(r); len(pending) >= maxPending {
		for _, name := range pending {
			d.forget(w, strings.TrimPrefix(name, d.cookieName("")))
		}
	}
	c := d.cookie(tag)
	c.Value, c.Expires = secret, until
	http.SetCookie(w, c)
}

// forget removes the cookie for tag.
func (d *door) forget(w http.ResponseWriter, tag string) {
	c := d.cookie(tag)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func (d *door) cookie(tag string) *http.Cookie {
	c := &http.Cookie{Name: d.cookieName(tag), Path: Path, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if d.secureServer() {
		c.Path, c.Secure = "/", true // the prefix __Host- demands both
	}
	return c
}

// pending returns the names of the cookies of requests that are under way in the browser.
func (d *door) pending(r *http.Request) []string {
	var names []string
	for _, c := range r.Cookies() {
		if tag, ok := strings.CutPrefix(c.Name, d.cookieName("")); ok && tag != unasked {
			names = append(names, c.Name)
		}
	}
	return names
}

// previous returns what the browser's session cookie holds, or "".
func (d *door) previous(r *http.Request) string {
	if c, err := r.Cookie(signin.CookieName(d.URL)); err == nil {
		return c.Value
	}
	return ""
}
