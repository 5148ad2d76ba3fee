package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func portal() fs.FS {
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	return fstest.MapFS{
		".keep":                   file(""),
		"index.html":              file("index"),
		"index.html.gz":           file("index gz"),
		"favicon.svg":             file("<svg/>"),
		"assets/app-1a2b.js":      file("script"),
		"assets/app-1a2b.js.gz":   file("script gz"),
		"assets/app-1a2b.js.br":   file("script br"),
		"assets/style-3c4d.css":   file("style"),
		"assets/fonts/x-5e6f.bin": file("bin"),
	}
}

func get(t *testing.T, method, target, acceptEncoding string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	if acceptEncoding != "" {
		r.Header.Set("Accept-Encoding", acceptEncoding)
	}
	w := httptest.NewRecorder()
	handler(portal()).ServeHTTP(w, r)
	return w
}

func TestHandlerChoosesFileOrIndex(t *testing.T) {
	t.Parallel()
	const once, forever = "no-cache", "public, max-age=31536000, immutable"
	for _, test := range []struct {
		path, body, contentType, cache string
		status                         int
	}{
		{"/start", "index", "text/html; charset=utf-8", once, 200},
		{"/start/", "index", "text/html; charset=utf-8", once, 200},
		{"/start/some/page", "index", "text/html; charset=utf-8", once, 200},
		{"/start/assets", "index", "text/html; charset=utf-8", once, 200},
		{"/start/favicon.svg", "<svg/>", "image/svg+xml", once, 200},
		{"/start/assets/app-1a2b.js", "script", "text/javascript; charset=utf-8", forever, 200},
		{"/start/assets/style-3c4d.css", "style", "text/css; charset=utf-8", forever, 200},
		{"/start/assets/app-gone.js", "no such file\n", "text/plain; charset=utf-8", "no-store", 404},
		{"/start/assets/fonts", "no such file\n", "text/plain; charset=utf-8", "no-store", 404},
		{"/start/assets/app-1a2b.js.gz", "no such file\n", "text/plain; charset=utf-8", "no-store", 404},
		{"/start/.keep", "index", "text/html; charset=utf-8", once, 200},
		{"/start/%2e%2e/handler.go", "index", "text/html; charset=utf-8", once, 200},
		{"/start/assets/..%2f..%2fhandler.go", "no such file\n", "text/plain; charset=utf-8", "no-store", 404},
	} {
		w := get(t, "GET", test.path, "")
		got := []any{w.Code, w.Body.String(), w.Header().Get("Content-Type"), w.Header().Get("Cache-Control")}
		want := []any{test.status, test.body, test.contentType, test.cache}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: got %v, want %v", test.path, got[i], want[i])
			}
		}
		if w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: encoded for a client that did not ask", test.path)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != ContentSecurityPolicy {
			t.Errorf("%s: Content-Security-Policy %q", test.path, got)
		}
	}
}

func TestHandlerServesPrecompressed_RFC9110_12_5_3(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ path, accept, encoding, body string }{
		{"/start/assets/app-1a2b.js", "gzip, deflate, br", "br", "script br"},
		{"/start/assets/app-1a2b.js", "gzip", "gzip", "script gz"},
		{"/start/assets/app-1a2b.js", "GZIP ; q=0.5", "gzip", "script gz"},
		{"/start/assets/app-1a2b.js", "br;q=0, gzip;q=1.0", "gzip", "script gz"},
		{"/start/assets/app-1a2b.js", "br; q=0.000, gzip;q=0", "", "script"},
		{"/start/assets/app-1a2b.js", "deflate, zstd", "", "script"},
		{"/start/assets/style-3c4d.css", "gzip, br", "", "style"},
		{"/start/anything", "gzip, br", "gzip", "index gz"},
	} {
		w := get(t, "GET", test.path, test.accept)
		if got := w.Header().Get("Content-Encoding"); got != test.encoding {
			t.Errorf("%s accepting %q: encoding %q, want %q", test.path, test.accept, got, test.encoding)
		}
		if got := w.Body.String(); got != test.body {
			t.Errorf("%s accepting %q: body %q, want %q", test.path, test.accept, got, test.body)
		}
		if got := w.Header().Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("%s: Vary %q", test.path, got)
		}
	}
}

func TestHandlerHeadHasLengthAndNoBody(t *testing.T) {
	t.Parallel()
	w := get(t, "HEAD", "/start/assets/app-1a2b.js", "gzip")
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "9" {
		t.Errorf("got %d, %d bytes, Content-Length %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestHandlerRefusesOtherMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		w := get(t, method, "/start/", "")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestHandlerKeepsStricterPolicyOfWrapper(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	handler(portal()).ServeHTTP(w, httptest.NewRequest("GET", "/start", nil))
	if got := w.Header().Values("Content-Security-Policy"); len(got) != 1 || got[0] != "default-src 'none'" {
		t.Errorf("got %q", got)
	}
}

// What is compiled in is the portal or the placeholder; either is a page, and a built one asks only for files that
// are there.
func TestAssetsIsAPageWhoseFilesExist(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(Assets(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "Gatehouse") {
		t.Error("index.html does not name the product")
	}
	for _, part := range strings.Split(string(page), `"`) {
		if name, ok := strings.CutPrefix(part, Prefix+"/"); ok {
			if _, err := fs.Stat(Assets(), name); err != nil {
				t.Errorf("index.html asks for %s: %v", part, err)
			}
		}
	}
}

func TestPlaceholderIsServedWhereThePortalWasNotBuilt(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(placeholder, "placeholder/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "was not built") {
		t.Error("the placeholder does not say what is missing")
	}
}
