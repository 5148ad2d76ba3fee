package app

import (
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
)

// page is what every HTML answer of ours may do: nothing but show itself and post forms home.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// around is what happens to every request, whichever door it is for: it gets an id, its origin is noted, defaults of
// browser security are set (a door may tighten or replace them), and a panic becomes an answer and a log entry.
func (a *App) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := arn.UUID(a.rand)
		host := a.proxies.client(r)
		r = r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{RequestID: id, ClientAddr: host}))
		h := w.Header()
		h.Set("X-Amzn-Requestid", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // no-referrer would make browsers send "Origin: null" with forms
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", contentPolicy)
		if strings.HasPrefix(a.Config.URL, "https://") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				a.log.Error("a handler panicked", "requestId", id, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if !rec.wrote {
					http.Error(rec, "An internal error occurred; the server's log has it under "+id+".", http.StatusInternalServerError)
				}
			}
			took := time.Since(began)
			a.metrics.request(door(r.URL.Path), rec.status, took)
			a.log.Debug("request", "requestId", id, "method", r.Method, "path", r.URL.Path, "status", rec.status, "took", took, "client", host)
		}()
		next.ServeHTTP(rec, r)
	})
}

// door is the first segment of a path, for metrics; unknown ones are counted together so that nobody can make up series.
func door(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "":
		return "aws"
	case "client", "device_authorization", "token", "authorize", "assignment", "federation", "logout", "oidc", "v1", "scim", "saml", "start", "api", "signin", "signout", "device", "healthz", "readyz":
		return first
	}
	return "other"
}

type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (a *App) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz answers whether the database takes reads and writes.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	if err := a.db.Ping(r.Context()); err != nil {
		a.log.Error("not ready", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	a.healthz(w, r)
}
