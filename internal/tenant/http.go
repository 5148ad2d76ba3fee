package tenant

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"gatehouse/internal/fault"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed pages/style.css
var styleSheet []byte

// postScript submits the one form of a page. The page has a button too, for browsers without script.
const postScript = "document.forms[0].submit();\n"

// Content security policies. The page that posts a response names no form-action: a browser applies it to the
// redirects after the post too, and those end wherever the application sends the person. That page holds nothing but
// escaped values and an action that an administrator registered.
const (
	policyPage = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	policyPost = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// Handler serves pages, identity provider and API.
func (t *Tenant) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /assets/style.css", asset("text/css; charset=utf-8", styleSheet))
	mux.HandleFunc("GET /assets/post.js", asset("text/javascript; charset=utf-8", []byte(postScript)))

	mux.HandleFunc("GET /{tenant}/federationmetadata/2007-06/federationmetadata.xml", t.inTenant(t.serveMetadata))
	mux.HandleFunc("GET /{tenant}/saml2", t.inTenant(t.serveSAML))
	mux.HandleFunc("POST /{tenant}/saml2", t.inTenant(t.serveSAML))
	mux.HandleFunc("POST /{tenant}/login", t.inTenant(t.serveLogin))
	mux.HandleFunc("POST /{tenant}/logout", t.inTenant(t.serveLogout))
	mux.HandleFunc("GET /myapps", t.serveMyApps)
	mux.HandleFunc("GET /myapps/launch", t.serveLaunch)

	mux.HandleFunc("GET /{$}", t.serveHome)
	mux.HandleFunc("GET /admin/open", t.serveOpen)
	mux.HandleFunc("POST /admin/signin", t.serveAdminSignIn)
	mux.HandleFunc("POST /admin/signout", t.serveAdminSignOut)
	mux.HandleFunc("POST /admin/do", t.serveAction)

	api := http.NewServeMux() // its own: {tenant} above would clash with "everything under /api"
	t.routeAPI(api)
	guard := http.NewCrossOriginProtection()
	guard.AddInsecureBypassPattern("POST /{tenant}/saml2") // service providers post here from their own origin
	pages := guard.Handler(mux)
	return headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") { // carries a bearer token, which no other site can make a browser send
			api.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}))
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyPage)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// maxBody caps every request body: no form and no API call of the tenant's needs more.
const maxBody = 1 << 20

func asset(contentType string, b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(b)
	}
}

// inTenant answers only under the tenant's own id or domain, as Entra does.
func (t *Tenant) inTenant(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("tenant")
		if name != t.st.TenantID && !strings.EqualFold(name, t.st.Domain) {
			t.showError(w, http.StatusNotFound, refuse(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID.", clip(name, 100)))
			return
		}
		next(w, r)
	}
}

// page renders a template with the layout. It is rendered before anything is sent, so that a fault is a clean 500.
func (t *Tenant) page(w http.ResponseWriter, status int, name string, data any) {
	tmpl, err := template.New("layout.html").Funcs(pageFuncs).ParseFS(pageFiles, "pages/layout.html", "pages/"+name)
	var b bytes.Buffer
	if err == nil {
		err = tmpl.Execute(&b, struct {
			Name, Domain, TenantID string
			Page                   any
		}{t.st.Name, t.st.Domain, t.st.TenantID, data})
	}
	if err != nil {
		t.log.Error("page", "name", name, "err", err)
		http.Error(w, "An internal error occurred.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// errorPage is a failed sign-in as Entra shows it.
type errorPage struct{ Message, TraceID, Timestamp string }

func (t *Tenant) showError(w http.ResponseWriter, status int, err error) {
	t.page(w, status, "error.html", errorPage{err.Error(), t.uuid(), t.now().UTC().Format("2006-01-02T15:04:05Z")})
}

// cookie makes a cookie that only this site's own requests and top-level visits carry. Cookies know no ports, so the names are
// unlike those of other programs on the same host.
func (t *Tenant) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(t.base, "https://"),
	}
}

// statusOf is the tenant's one table from kinds of fault to HTTP.
func statusOf(err error) int {
	switch fault.Of(err).Kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Quota:
		return http.StatusRequestEntityTooLarge
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
