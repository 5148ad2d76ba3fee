// Package signinpages is what people see on their way in: sign-in and sign-out, the approval of command lines, and the console
// of an embedded account.
//
// # What it owns
//
//	GET  /signin?return_to=      the ways to sign in: a user name, or one click each: /saml/{source}/login
//	POST /signin                 begins with a user name: its e-mail domain leads to a source, or to the built-in directory
//	GET  /signin/step            the step that is due there · POST /signin/{password,code,new-password,app,open}  the steps
//	POST /signin/passkey/{ask,answer,begin,finish}   what the script of passkeys asks: JSON
//	GET  /signin/local · POST    the door of break-glass administrators
//	GET  /signin/forgot · POST   asks for a link by e-mail · GET /signin/link?token= · POST  sets a password with one
//	GET  /signin/again           proves once more who sits before the session
//	GET  /start/security         what a person signs in with; POST /start/security/{rename,remove,codes,device,password}
//	     …&signed_out=1          says so · &problem=REASON&ref=ID  says why a sign-in failed (reasons: see problems)
//	GET  /signout · POST         asks, then ends the session
//	GET  /device?user_code= · POST   the code of `aws sso login`, then Allow or Deny
//	GET  /authorize? · POST      the same for the authorization code flow; leads back to the command line's own port
//	GET  /v1/authorize? · POST   the same for `aws login`, with the choice of a role; or a code to carry to another machine
//	GET  /start/console?account_id=&role_name=   who one is in an embedded account, for how long, with which policies
//
// Everything is made on the server with html/template, and works without a script. The one there is lets browsers use passkeys; pages without passkeys
// have none, and their Content-Security-Policy allows none.
// Decisions are package signin's: a handler here reads a form, asks, and shows.
//
// # Forms
//
// A form that changes something is a POST with a token bound to the session and to what the form is about ([signin.FormToken]), on top of the
// same-site cookie and of the protection against cross-origin requests that the whole server has. Pages refuse to be framed.
//
// Start reading at [New].
package signinpages

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/signin"
)

// SignIn is what the pages ask of sign-in. *signin.Service has it.
type SignIn interface {
	Authenticate(ctx context.Context, secret string) (signin.Identity, error)
	SignOut(ctx context.Context, secret string) error
	DeviceAsking(ctx context.Context, who signin.Identity, userCode string) (signin.Asking, error)
	DecideDevice(ctx context.Context, who signin.Identity, userCode string, approve bool) (signin.Client, error)
	AuthorizationClient(ctx context.Context, r signin.AuthorizationRequest) (signin.Client, error)
	Authorize(ctx context.Context, who signin.Identity, r signin.AuthorizationRequest) (code string, err error)
	AuthorizeLogin(ctx context.Context, who signin.Identity, r signin.LoginRequest, role signin.Role) (code string, err error)
}

// Roles lists what a person may act as. *access.Service has it.
type Roles interface {
	EntitledAccounts(ctx context.Context, userID, after string, limit int) ([]organization.Account, error)
	EntitledRoles(ctx context.Context, userID, accountID, after string, limit int) ([]access.Entitlement, error)
}

// Console is what the console page shows of a role in an embedded account.
type Console struct {
	// ARN is arn:aws:sts::<account>:assumed-role/<role>/<session>.
	ARN                    string
	AccountID, AccountName string
	// PermissionSet is the role's permission set by name; empty for an account's own role.
	PermissionSet string
	// Expires is when credentials taken now would end.
	Expires  time.Time
	Policies []Policy
}

// Policy is one policy of a role.
type Policy struct {
	Name string
	// Kind is for people: "AWS managed", "Customer managed", "Inline", "Permissions boundary".
	Kind string
	// Document is the policy's JSON, indented; may be empty.
	Document string
}

// Config is what the pages are made of; every field is required.
type Config struct {
	SignIn SignIn
	Roles  Roles
	// EntitledTo reports whether the person may act as the role now; fault.Denied otherwise, whatever the reason.
	EntitledTo func(ctx context.Context, who signin.Identity, role signin.Role) error
	// Credentials is the built-in directory.
	Credentials *credential.Service
	// Sources lists the identity sources; those with a SAML identity provider are offered.
	Sources func(ctx context.Context) ([]directory.Source, error)
	// Console describes a role that the person is entitled to now; fault.Denied otherwise, whatever the reason.
	Console func(ctx context.Context, who signin.Identity, accountID, setName string) (Console, error)
	// Onward returns where the browser of somebody who signs out is sent, so that she is signed out at her identity provider too; empty for nowhere.
	Onward func(ctx context.Context, p signin.Proof) string
	// Name is the installation's name, shown at the top.
	Name string
	// URL is the server's own, without a trailing slash; with https the cookie is Secure.
	URL string
	Now func() time.Time
	Log *slog.Logger
}

// Paths are where the handler of [New] is to be mounted, for GET and POST. "/signin/" holds the style sheet.
var Paths = [...]string{"/signin", "/signin/", "/signout", "/device", "/authorize", loginPath, "/start/console", "/start/security", "/start/security/"}

//go:embed pages
var files embed.FS

type pages struct {
	Config
	templates map[string]*template.Template
}

// New returns the handler of all pages.
func New(c Config) http.Handler {
	p := &pages{Config: c, templates: parse()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signin", p.signIn)
	mux.HandleFunc("GET /signin/{file}", asset)
	mux.HandleFunc("GET /signout", p.askSignOut)
	mux.HandleFunc("POST /signout", p.signOut)
	mux.HandleFunc("GET /device", p.askDevice)
	mux.HandleFunc("POST /device", p.decideDevice)
	mux.HandleFunc("GET /authorize", p.askAuthorize)
	mux.HandleFunc("POST /authorize", p.decideAuthorize)
	mux.HandleFunc("GET "+loginPath, p.askLogin)
	mux.HandleFunc("POST "+loginPath, p.decideLogin)
	mux.HandleFunc("GET /start/console", p.console)
	p.builtIn(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.fail(w, r, fault.New(fault.NotFound, "There is no such page."))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		mux.ServeHTTP(w, r)
	})
}

// builtIn are the pages of the built-in directory.
func (p *pages) builtIn(mux *http.ServeMux) {
	mux.HandleFunc("POST /signin", p.begin)
	mux.HandleFunc("GET /signin/local", p.local)
	mux.HandleFunc("POST /signin/local", p.begin)
	mux.HandleFunc("GET /signin/step", p.step)
	mux.HandleFunc("POST /signin/password", p.password)
	mux.HandleFunc("POST /signin/code", p.second)
	mux.HandleFunc("POST /signin/new-password", p.newPassword)
	mux.HandleFunc("POST /signin/app", p.registerApp)
	mux.HandleFunc("POST /signin/open", p.open)
	mux.HandleFunc("POST /signin/passkey/ask", p.askPasskey)
	mux.HandleFunc("POST /signin/passkey/answer", p.answerPasskey)
	mux.HandleFunc("POST /signin/passkey/begin", p.beginPasskey)
	mux.HandleFunc("POST /signin/passkey/finish", p.finishPasskey)
	mux.HandleFunc("GET /signin/forgot", p.forgot)
	mux.HandleFunc("POST /signin/forgot", p.askReset)
	mux.HandleFunc("GET /signin/link", p.link)
	mux.HandleFunc("POST /signin/link", p.useLink)
	mux.HandleFunc("GET /signin/again", p.again)
	mux.HandleFunc("GET "+securityPath, p.security)
	mux.HandleFunc("POST "+securityPath+"/rename", p.change(p.renameDevice))
	mux.HandleFunc("POST "+securityPath+"/remove", p.change(p.removeDevice))
	mux.HandleFunc("POST "+securityPath+"/codes", p.renewCodes)
	mux.HandleFunc("GET "+securityPath+"/device", p.addDevice)
	mux.HandleFunc("POST "+securityPath+"/device", p.registerDevice)
	mux.HandleFunc("GET "+securityPath+"/password", p.askPassword)
	mux.HandleFunc("POST "+securityPath+"/password", p.changePassword)
}

// contentPolicy allows the page's own style sheet and icon, and forms to this server; no script, no frame, nothing from elsewhere.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func secure(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Not no-referrer: browsers then send «Origin: null» with forms, and the protection against cross-origin requests refuses them.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// parse reads the templates, each page within the frame. They are part of the program, so a fault in them shows at the first test.
func parse() map[string]*template.Template {
	frame := template.Must(template.New("frame.html").Funcs(template.FuncMap{"utc": utc, "iso": iso}).ParseFS(files, "pages/frame.html"))
	all := make(map[string]*template.Template)
	for _, name := range [...]string{
		"signin", "signout", "code", "approve", "login", "carry", "done", "console", "error",
		"local", "password", "second", "newpassword", "register", "codes", "continue", "forgot", "security",
	} {
		all[name] = template.Must(template.Must(frame.Clone()).ParseFS(files, "pages/"+name+".html"))
	}
	return all
}

func utc(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// asset serves the style sheet, the icon and the script.
func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name != "style.css" && name != "icon.svg" && name != "passkey.js" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeFileFS(w, r, files, "pages/"+name)
}

// frame is what every page shows around its own part.
type frame struct {
	// Title names the page; Name the installation.
	Title, Name string
	// Person is who is signed in, or nil.
	Person *directory.User
	// Script says that the page may use passkeys.
	Script bool
	// Page is the page's own data.
	Page any
}

// show writes a page in one piece.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, name string, f frame) {
	f.Name = p.Name
	var b bytes.Buffer
	if err := p.templates[name].Execute(&b, f); err != nil {
		p.Log.ErrorContext(r.Context(), "signinpages: a page could not be made", "page", name, "error", err)
		http.Error(w, "An internal error occurred.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader is gone when this fails, and there is no one to tell
}

// problem is the data of an error page.
type problem struct {
	Heading, Text string
	// Ref is the request's id, to find it in the log.
	Ref string
}

// byKind is the table of errors.
var byKind = map[fault.Kind]struct {
	status  int
	heading string
}{
	fault.Invalid:         {http.StatusBadRequest, "That did not work"},
	fault.Unauthenticated: {http.StatusForbidden, "You are not signed in"},
	fault.Denied:          {http.StatusForbidden, "You have no access here"},
	fault.NotFound:        {http.StatusNotFound, "Nothing here"},
	fault.Conflict:        {http.StatusConflict, "That did not work"},
	fault.Quota:           {http.StatusConflict, "That did not work"},
	fault.Throttled:       {http.StatusTooManyRequests, "Too many tries"},
	fault.Unavailable:     {http.StatusServiceUnavailable, "Not available just now"},
}

// fail shows an error page.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	k, ok := byKind[fault.Of(err).Kind]
	if !ok {
		k.status, k.heading = http.StatusInternalServerError, "Something broke"
	}
	ref := audit.OriginOf(r.Context()).RequestID
	if k.status >= http.StatusInternalServerError {
		p.Log.ErrorContext(r.Context(), "signinpages: a request failed", "path", r.URL.Path, "requestId", ref, "error", err)
	}
	p.show(w, r, k.status, "error", frame{Title: k.heading, Page: problem{k.heading, fault.Shown(err), ref}})
}

// secret returns what the browser's session cookie holds, or "".
func (p *pages) secret(r *http.Request) string {
	c, err := r.Cookie(signin.CookieName(p.URL))
	if err != nil {
		return ""
	}
	return c.Value
}

// person returns who is signed in. When nobody is, the browser is sent to the sign-in page, to come back to the same address, and ok is false.
func (p *pages) person(w http.ResponseWriter, r *http.Request) (who signin.Identity, ok bool) {
	who, err := p.SignIn.Authenticate(r.Context(), p.secret(r))
	switch {
	case err == nil:
		return who, true
	case !fault.Is(err, fault.Unauthenticated):
		p.fail(w, r, err)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		p.fail(w, r, fault.New(fault.Unauthenticated, "Your session ended before you decided. Sign in and begin again."))
	default:
		http.Redirect(w, r, "/signin?return_to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	}
	return signin.Identity{}, false
}

// maxForm is far more than any form here sends.
const maxForm = 16 << 10

// form reads a form of the person's session about purpose(form), and checks its token. When it is not one, an error is shown and ok is false.
func (p *pages) form(w http.ResponseWriter, r *http.Request, purpose func(url.Values) string) (f url.Values, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.fail(w, r, fault.New(fault.Invalid, "The form could not be read.").Because(err))
		return nil, false
	}
	f = r.PostForm
	if !signin.IsFormToken(f.Get("token"), p.secret(r), purpose(f)) {
		p.fail(w, r, fault.New(fault.Denied, "This form is not from your present session. Go back, reload the page and try again."))
		return nil, false
	}
	return f, true
}

// isLocal guards redirects that were stored or typed elsewhere.
func isLocal(s string) bool { return signin.LocalPath(s) && !strings.HasPrefix(s, "/signin") }
