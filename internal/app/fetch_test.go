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
	if b, err := fetch(t.Context(), srv.URL); err != nil || string(b) != "here" {
		t.Errorf("on this machine: %q, %v", b, err)
	}
	if _, err := fetch(t.Context(), srv.URL+"/away"); err == nil || !strings.Contains(err.Error(), "HTTP 302") {
		t.Errorf("away over plain http: %v", err)
	}
	for _, bad := range []string{"http://idp.example/metadata", "ftp://idp.example/", "file:///etc/passwd", "//idp.example", srv.URL + "/away", srv.URL + "/file"} {
		if b, err := fetch(t.Context(), bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %q, %v", bad, b, err)
		}
	}
}
