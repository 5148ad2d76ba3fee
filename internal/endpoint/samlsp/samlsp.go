// Package samlsp is the SAML 2.0 service provider's door: people come in through the identity provider of a source.
//
// # What it owns
//
//	GET  /saml/{directory}/metadata   what the identity provider needs to know of us
//	GET  /saml/{directory}/login?return_to=   begins a sign-in and sends the browser to the identity provider
//	POST /saml/{directory}/acs        takes the identity provider's answer (assertion consumer service)
//	GET  /saml/{directory}/finish?handle=&for=   opens the session, in the browser that began
//	GET  /saml/{directory}/slo · POST   takes the identity provider's logout requests, and its answers to ours
//	GET  /saml/{directory}/logout     the page that posts a logout request of ours to a provider that takes no redirects
//
// Verifying is package saml's, remembering is package signin's, who people are is package directory's. A handler here reads a form,
// asks, and sends the browser on.
//
// # The answer is bound to the browser
//
// An answer comes as a cross-site POST, and browsers send no SameSite=Lax cookie with it. SameSite=None would need https,
// which a server on the loopback interface does not have. So the answer is taken in two steps, the same with and
// without https (docs/decisions/0003-saml-acs-browser-binding.md):
//
//	login   a secret in a cookie (Lax), its hash with the request           ──▶ identity provider
//	acs     verified, request used up, assertion remembered, result parked  ──▶ 303 to finish, with a handle
//	finish  the cookie comes with this GET: secret and handle fit together? ──▶ session cookie, 303 to where the person was going
//
// Someone else's answer posted through a victim's browser (login CSRF) ends at finish, for the victim's browser has no
// cookie of that request. Each request has a cookie of its own, so that two tabs do not disturb each other.
//
// Sign-in begun at the identity provider has no request to be bound to. It is off by default; where it is on, acs sets
// a cookie with a fresh secret, which binds the handle to the browser that brought the answer, and finish refuses it while a
// request is pending in that browser, so that nothing is gained by leaving InResponseTo out.
//
// # Single logout
//
// Who signs out here is signed out at the provider where the source's settings say so ([SignOutURL]); the session here has ended before that is
// tried. A logout request of the provider ends the sessions that it names, on every node, because sessions are rows in the database; it must
// be signed, recent, addressed to this source, and is taken once. So nobody can sign people out through their browsers (logout CSRF). RelayState is
// given back to the provider and leads nowhere here.
//
// # Errors
//
// What is refused is kept for administrators (signin.Failure): the check that failed, what to do, and the message with personal values masked. The person sees a page that says what to do, with the request's id. The reason, which is saml's, signin's or one of this package
// (see person.go), goes to the log and the audit trail as well; it never holds what an unverified message said.
//
// # For the program around it
//
// The POST to acs is cross-origin by nature: exempt [CrossOrigin] from the protection against cross-origin requests, and
// nothing else here. Start reading at [New], then acs.go.
package samlsp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"embed"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

// SignIn is what the door asks of sign-in. *signin.Service has it.
type SignIn interface {
	BeginSignIn(ctx context.Context, sourceID, returnTo string) (signin.Begun, error)
	Park(ctx context.Context, v signin.Verified) (signin.Waiting, error)
	Claim(ctx context.Context, handle, browserSecret, previous string) (signin.Opened, error)
	EndSession(ctx context.Context, a audit.Actor, userID, id string) error
	Fail(ctx context.Context, f signin.Failure) (signin.Failure, error)
	EndNamed(ctx context.Context, sourceID, nameID string, indexes []string, requestID string, replayUntil time.Time) (int, error)
}

// Directory is what the door asks of the identity store. *directory.Service has it.
type Directory interface {
	Source(ctx context.Context, id string) (directory.Source, error)
	UserByName(ctx context.Context, userName string) (directory.User, error)
	CreateUser(ctx context.Context, a audit.Actor, u directory.User) (directory.User, error)
	Signer(src directory.Source) (crypto.Signer, *x509.Certificate, error)
	RefreshMetadata(ctx context.Context, a audit.Actor, id string, least time.Duration) (changed bool, err error)
}

// Config is what the door is made of; every field is required.
type Config struct {
	SignIn    SignIn
	Directory Directory
	// Name is the installation's name, shown on pages.
	Name string
	// URL is the server's own address, without a trailing slash. Entity IDs and ACS URLs are made of it, so
	// changing it means telling the identity provider; with https cookies are Secure.
	URL string
	Now func() time.Time
	// Rand gives the identifiers of messages.
	Rand io.Reader
	Log  *slog.Logger
}

// Path is where the handler of [New] is to be mounted.
const Path = "/saml/"

// EntityID returns the service provider's entity ID for a source: the address of its metadata (SAML 2.0 Metadata §4.1).
func EntityID(serverURL, sourceID string) string {
	return serverURL + "/saml/" + sourceID + "/metadata"
}

// ACSURL returns the address that takes answers for a source.
func ACSURL(serverURL, sourceID string) string { return serverURL + "/saml/" + sourceID + "/acs" }

// SLOURL returns the address that takes logout messages for a source.
func SLOURL(serverURL, sourceID string) string { return serverURL + "/saml/" + sourceID + "/slo" }

// CrossOrigin are the patterns of what is posted from the identity provider's site by design.
var CrossOrigin = [...]string{"POST /saml/{directory}/acs", "POST /saml/{directory}/slo"}

//go:embed pages
var files embed.FS

type door struct {
	Config
	pages *template.Template
	// notes limits records of refusals that anybody can cause: what is over goes to the log only. vouched limits the others, apart, so that
	// strangers cannot keep them from being recorded.
	notes, vouched *rate.Limiter
}

// New returns the handler of everything under [Path].
func New(c Config) http.Handler {
	d := &door{Config: c, pages: template.Must(template.ParseFS(files, "pages/*.html")), notes: rate.NewLimiter(5, 100), vouched: rate.NewLimiter(5, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /saml/{directory}/metadata", d.metadata)
	mux.HandleFunc("GET /saml/{directory}/login", d.login)
	mux.HandleFunc("POST /saml/{directory}/acs", d.acs)
	mux.HandleFunc("GET /saml/{directory}/finish", d.finish)
	mux.HandleFunc("GET /saml/{directory}/slo", d.slo)
	mux.HandleFunc("POST /saml/{directory}/slo", d.slo)
	mux.HandleFunc("GET /saml/{directory}/logout", d.logout)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.fail(w, r, fault.New(fault.NotFound, "There is no such page."))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		mux.ServeHTTP(w, r)
	})
}

// contentPolicy allows the pages the sign-in pages' style sheet and icon, and nothing else.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

func secure(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // the handle in the address of finish is nobody else's business
	h.Set("Cache-Control", "no-store")
}

// source returns the identity source that the path names.
func (d *door) source(r *http.Request) (directory.Source, error) {
	src, err := d.Directory.Source(r.Context(), r.PathValue("directory"))
	if fault.Is(err, fault.NotFound) {
		return directory.Source{}, fault.New(fault.NotFound, "There is no such identity source.").Because(err)
	}
	return src, err
}

// metadata needs no identity provider to be configured: it is what one is configured with.
func (d *door) metadata(w http.ResponseWriter, r *http.Request) {
	src, err := d.source(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	m := saml.SPMetadata{EntityID: EntityID(d.URL, src.ID), ACSURLs: []string{ACSURL(d.URL, src.ID)}, SignsRequests: src.SAML.SignRequests}
	signer, err := d.signer(src)
	if err != nil && !fault.Is(err, fault.NotFound) {
		d.fail(w, r, err)
		return
	}
	if signer != nil { // without a key logout requests could not be answered
		m.Certificate, m.SLOURL = signer.Certificate, SLOURL(d.URL, src.ID)
	}
	doc := m.XML()
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(doc)))
	_, _ = w.Write(doc) // the reader is gone when this fails, and there is no one to tell
}

// show writes a page in one piece.
func (d *door) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := d.pages.ExecuteTemplate(&b, name, data); err != nil {
		d.Log.ErrorContext(r.Context(), "samlsp: a page could not be made", "page", name, "error", err)
		http.Error(w, "An internal error occurred.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// secureServer reports whether browsers reach the server by https.
func (d *door) secureServer() bool { return strings.HasPrefix(d.URL, "https://") }
