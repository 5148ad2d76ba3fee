package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func TestMetadataIsFetchedOverHTTPS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://metadata.invalid/", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		default:
			_, _ = w.Write([]byte("here"))
		}
	}))
	t.Cleanup(srv.Close)
	a := &App{Config: Config{URL: "http://127.0.0.1:8080"}}
	if b, err := a.metadataAt(t.Context(), srv.URL); err != nil || string(b) != "here" {
		t.Errorf("on this machine: %q, %v", b, err)
	}
	if _, err := a.metadataAt(t.Context(), srv.URL+"/away"); err == nil || !strings.Contains(err.Error(), "HTTP 302") {
		t.Errorf("away over plain http: %v", err)
	}
	for _, bad := range []string{"http://idp.example/metadata", "ftp://idp.example/", "file:///etc/passwd", "//idp.example", srv.URL + "/away", srv.URL + "/file"} {
		if b, err := a.metadataAt(t.Context(), bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %q, %v", bad, b, err)
		}
	}
}

// TestThisMachineIsOutsideOnlyForAServerOnIt: whoever makes an OIDC provider in an account names an address; a server that others reach must not be
// made to ask itself, or what else listens beside it.
func TestThisMachineIsOutsideOnlyForAServerOnIt(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("here")) }))
	t.Cleanup(srv.Close)
	for url, reached := range map[string]bool{"http://127.0.0.1:8080": true, "http://localhost:8080": true, "https://sso.example.com": false, "http://10.1.2.3": false} {
		a := &App{Config: Config{URL: url}}
		if _, err := a.outside().Get(t.Context(), srv.URL); (err == nil) != reached {
			t.Errorf("a server at %s: %v", url, err)
		}
	}
}
