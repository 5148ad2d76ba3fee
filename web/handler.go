package web

import (
	"bytes"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// Prefix is where the portal lives. It is also the base address that the build writes into index.html
// (vite.config.ts), so one cannot change without the other.
const Prefix = "/start"

// ContentSecurityPolicy is the policy that the portal is written for and tested under: its own files and nothing
// from elsewhere, no inline script or style, never inside a frame. Fonts and images may be data: because Cloudscape's
// style sheets carry small ones.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Handler serves the portal at Prefix and below: mount it at "/start" and "/start/". A file is served as it is; any
// other path gets index.html, because the portal's own addresses are all one page; a missing file below assets/ is a
// 404, because only a stale page asks for one. Other methods than GET and HEAD get 405.
//
// Files below assets/ carry a hash in their name and may be kept for ever; everything else is asked for again each
// time. Where the build left a .br or .gz beside a file and the client takes it, that is what it gets.
func Handler() http.Handler { return handler(Assets()) }

func handler(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setPolicy(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		name, found := resolve(files, r.URL.Path)
		if !found {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		serve(w, r, files, name)
	})
}

// setPolicy leaves alone what a wrapping handler has already said.
func setPolicy(h http.Header) {
	for key, value := range map[string]string{
		"Content-Security-Policy": ContentSecurityPolicy,
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "same-origin",
	} {
		if h.Get(key) == "" {
			h.Set(key, value)
		}
	}
}

// resolve turns a request path into the name of a file that exists. fs.ValidPath refuses "..", so no path leads out.
func resolve(files fs.FS, requestPath string) (name string, found bool) {
	name = strings.TrimPrefix(strings.TrimPrefix(requestPath, Prefix), "/")
	if isPage(files, name) {
		return name, true
	}
	if strings.HasPrefix(name, "assets/") {
		return "", false
	}
	return "index.html", isPage(files, "index.html")
}

// isPage holds for the files of the build that are asked for by name: not directories, not the file that keeps the
// place of dist, and not the precompressed copies, which are chosen by Accept-Encoding alone.
func isPage(files fs.FS, name string) bool {
	if !fs.ValidPath(name) || strings.HasPrefix(path.Base(name), ".") || encodingOf(name) != "" {
		return false
	}
	stat, err := fs.Stat(files, name)
	return err == nil && stat.Mode().IsRegular()
}

func encodingOf(name string) string {
	switch path.Ext(name) {
	case ".br":
		return "br"
	case ".gz":
		return "gzip"
	}
	return ""
}

func serve(w http.ResponseWriter, r *http.Request, files fs.FS, name string) {
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("Vary", "Accept-Encoding")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	stored := name
	for _, ext := range []string{".br", ".gz"} {
		if _, err := fs.Stat(files, name+ext); err == nil && accepts(r, encodingOf(ext)) {
			stored = name + ext
			h.Set("Content-Encoding", encodingOf(ext))
			break
		}
	}
	content, err := fs.ReadFile(files, stored)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	// No modification time: embedded files have none, and assets are known by the hash in their name.
	if h.Get("Content-Encoding") == "" {
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
		return
	}
	// ServeContent gives no length for an encoded body (it would have to for ranges), so this one is written whole.
	h.Set("Content-Length", fmt.Sprint(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) // A client that went away is nobody's fault and nothing to do.
	}
}

// contentType does not ask the operating system's table first: on a machine with an odd one, a script served as
// text/plain is refused by the browser (nosniff).
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known
	}
	return "application/octet-stream"
}

// accepts reads Accept-Encoding (RFC 9110 §12.5.3): listed, and not with a weight of zero.
func accepts(r *http.Request, encoding string) bool {
	for _, item := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), encoding) {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q=")
		return !weighted || strings.Trim(weight, "0.") != ""
	}
	return false
}
