package fetch

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

// server answers over TLS; hits counts what reached it.
func server(t *testing.T, h http.HandlerFunc) (s *httptest.Server, roots *x509.CertPool, hits *atomic.Int32) {
	t.Helper()
	hits = new(atomic.Int32)
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hits.Add(1); h(w, r) }))
	s.StartTLS()
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, roots, hits
}

func TestGet(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "plain") }))
	t.Cleanup(plain.Close)
	s, roots, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		var n int
		switch {
		case r.URL.Path == "/ok":
			fmt.Fprint(w, "here")
		case r.URL.Path == "/none":
			http.Error(w, "secret of the inside", http.StatusTeapot)
		case r.URL.Path == "/large":
			w.Write(make([]byte, MaxSize+1))
		case r.URL.Path == "/largest":
			w.Write(make([]byte, MaxSize))
		case r.URL.Path == "/plain":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		case r.URL.Path == "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case r.URL.Path == "/headers":
			w.Header().Set("X-Long", strings.Repeat("x", maxHeader*2))
		default:
			if _, err := fmt.Sscanf(r.URL.Path, "/hop/%d", &n); err == nil && n > 0 {
				http.Redirect(w, r, fmt.Sprintf("/hop/%d", n-1), http.StatusFound)
				return
			}
			fmt.Fprint(w, "arrived")
		}
	})
	c := New(Config{Loopback: true, Roots: roots})
	for path, want := range map[string]string{"/ok": "here", "/hop/3": "arrived"} {
		if b, err := c.Get(t.Context(), s.URL+path); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
	if b, err := c.Get(t.Context(), s.URL+"/largest"); err != nil || len(b) != MaxSize {
		t.Errorf("the largest: %d, %v", len(b), err)
	}
	if b, err := c.Get(t.Context(), plain.URL); err != nil || string(b) != "plain" {
		t.Errorf("this machine over http: %q, %v", b, err)
	}
	for _, path := range []string{"/none", "/large", "/hop/4", "/plain", "/file"} {
		b, err := c.Get(t.Context(), s.URL+path)
		if !fault.Is(err, fault.Invalid) || strings.Contains(fault.Shown(err), "secret") {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
	if _, err := c.Get(t.Context(), s.URL+"/headers"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a huge header: %v", err)
	}
	if _, err := New(Config{Loopback: true}).Get(t.Context(), s.URL+"/ok"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a certificate of nobody: %v", err)
	}
}

func TestAddressesThatAreNeverAsked(t *testing.T) {
	t.Parallel()
	s, roots, hits := server(t, func(http.ResponseWriter, *http.Request) {})
	c := New(Config{Roots: roots})
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, bad := range []string{
		s.URL, "https://localhost" + port, "https://[::1]" + port, "https://[::ffff:127.0.0.1]" + port, "https://127.1.2.3" + port, "https://0.0.0.0" + port,
		"https://[::]" + port, "https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://224.0.0.1/", "https://[64:ff9b::7f00:1]/",
		"http://example.com/", "http://127.0.0.1" + port, "http://localhost" + port, "https://user:pw@example.com/", "ftp://example.com/", "file:///etc/passwd", "//example.com", "https://", "https://%zz/",
	} {
		if b, err := c.Get(t.Context(), bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %q, %v", bad, b, err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests reached this machine", n)
	}
	for _, good := range []string{"10.0.0.1:443", "192.168.1.1:443", "[2001:db8::1]:443", "203.0.113.1:443"} {
		if err := c.control("tcp", good, nil); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestASlowServerIsGivenUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, roots, _ := server(t, func(_ http.ResponseWriter, r *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := New(Config{Loopback: true, Roots: roots}).Get(ctx, s.URL)
		done <- err
	}()
	cancel(nil)
	if err := <-done; !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if MaxTime > 15*time.Second {
		t.Error("callers wait for a document; they cannot for longer")
	}
}
