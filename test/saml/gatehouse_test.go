package samlclients

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/endpoint/samlsp"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

// sourceID is the identity source that a first start makes.
const sourceID = "default"

// gatehouse is a server that people sign in to.
type gatehouse struct {
	url string
	// trust brings in an identity provider's metadata.
	trust func(t *testing.T, metadata []byte, idpInitiated bool)
	// trustWith does the same with flags of `gatehouse idp set`; nil for the door.
	trustWith func(t *testing.T, metadata []byte, flags ...string)
	// who is where the server says who is signed in, and said finds the user name in the answer; "" for nobody.
	who  string
	said func(status int, body []byte) string
}

func (g gatehouse) entityID() string { return samlsp.EntityID(g.url, sourceID) }
func (g gatehouse) acs() string      { return samlsp.ACSURL(g.url, sourceID) }
func (g gatehouse) login() string {
	return g.url + "/saml/" + sourceID + "/login?return_to=" + "%2Fstart%3Ffrom%3Dtest"
}

// The people of the tests.
const (
	anna   = "anna@contoso.example"
	nobody = "nobody@contoso.example"
)

// onEach runs the test against the door in this process and against the built binary.
func onEach(t *testing.T, test func(t *testing.T, g gatehouse)) {
	t.Run("door", func(t *testing.T) {
		t.Parallel()
		test(t, startDoor(t))
	})
	t.Run("binary", func(t *testing.T) {
		t.Parallel()
		test(t, startBinary(t))
	})
}

// startDoor serves the door with a real sign-in service.
func startDoor(t *testing.T) gatehouse {
	t.Helper()
	p := &people{source: directory.Source{ID: sourceID, Name: "Test"}}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	signIn := signin.NewService(signin.Config{Store: signintest.NewMemory(), Users: p, Now: time.Now, Rand: rand.Reader, Log: log, StartURLs: []string{url + "/start"}})
	mux := http.NewServeMux()
	mux.Handle(samlsp.Path, samlsp.New(samlsp.Config{SignIn: signIn, Directory: p, Name: "Gatehouse", URL: url, Now: time.Now, Rand: rand.Reader, Log: log}))
	mux.HandleFunc("/start", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie(signin.CookieName(url)); err == nil {
			if who, err := signIn.Authenticate(r.Context(), c.Value); err == nil {
				_, _ = io.WriteString(w, who.User.UserName)
			}
		}
	})
	bypassed := http.NewCrossOriginProtection()
	for _, pattern := range samlsp.CrossOrigin {
		bypassed.AddInsecureBypassPattern(pattern)
	}
	server.Config.Handler = bypassed.Handler(mux)
	server.Start()
	t.Cleanup(server.Close)
	return gatehouse{
		url: url, who: url + "/start",
		said: func(_ int, body []byte) string { return string(body) },
		trust: func(t *testing.T, metadata []byte, idpInitiated bool) {
			t.Helper()
			m, err := saml.ParseIDPMetadata(metadata)
			if err != nil {
				t.Fatalf("the metadata is refused: %v\n%s", err, metadata)
			}
			s := directory.SAMLSettings{EntityID: m.EntityID, SSORedirectURL: m.SSORedirectURL, SSOPostURL: m.SSOPostURL, AllowIDPInitiated: idpInitiated}
			for _, c := range m.Certificates {
				s.Certificates = append(s.Certificates, c.Raw)
			}
			p.trust(s)
		},
	}
}

// people is an identity store with one source and one person.
type people struct {
	mu     sync.Mutex
	source directory.Source
}

func (p *people) trust(s directory.SAMLSettings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.source.SAML = s
}

func (p *people) Source(_ context.Context, id string) (directory.Source, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != p.source.ID {
		return directory.Source{}, fault.New(fault.NotFound, "no such source")
	}
	return p.source, nil
}

var annaUser = directory.User{ID: "0123456789-anna", UserName: anna, Active: true, Source: sourceID}

func (p *people) Vouches(context.Context, string, time.Time) (bool, error) { return true, nil }

func (p *people) User(_ context.Context, id string) (directory.User, error) {
	if id != annaUser.ID {
		return directory.User{}, fault.New(fault.NotFound, "no such user")
	}
	return annaUser, nil
}

func (p *people) UserByName(_ context.Context, name string) (directory.User, error) {
	if name != anna {
		return directory.User{}, fault.New(fault.NotFound, "no such user")
	}
	return annaUser, nil
}

func (p *people) CreateUser(context.Context, audit.Actor, directory.User) (directory.User, error) {
	return directory.User{}, fault.New(fault.Denied, "nobody is made here")
}

func (p *people) Signer(directory.Source) (crypto.Signer, *x509.Certificate, error) {
	return nil, nil, fault.New(fault.NotFound, "there is no key here")
}

func (p *people) RefreshMetadata(context.Context, audit.Actor, string, time.Duration) (bool, error) {
	return false, nil
}

// startBinary runs `gatehouse serve` in a directory of its own, with one person made by hand.
func startBinary(t *testing.T) gatehouse {
	t.Helper()
	binary := builtBinary(t)
	address, data := freeAddress(t), t.TempDir()
	cmd := exec.Command(binary, "serve", "--listen", address, "--data", data)
	stopped := start(t, cmd)
	url := "http://" + address
	await(t, url+"/readyz", stopped)
	run := func(t *testing.T, args ...string) {
		t.Helper()
		out, err := exec.Command(binary, append(args, "--data", data)...).CombinedOutput()
		if err != nil {
			t.Fatalf("gatehouse %v: %v\n%s", args, err, out)
		}
	}
	trustWith := func(t *testing.T, metadata []byte, flags ...string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "idp.xml")
		write(t, file, metadata)
		run(t, append([]string{"idp", "set", "--metadata", file}, flags...)...)
	}
	run(t, "user", "create", anna, "--given-name", "Anna", "--family-name", "Müller", "--email", anna)
	return gatehouse{
		url: url, who: url + "/api/v1/session",
		said: func(status int, body []byte) string {
			var session struct {
				User struct {
					UserName string `json:"userName"`
				} `json:"user"`
			}
			if status != http.StatusOK || json.Unmarshal(body, &session) != nil {
				return ""
			}
			return session.User.UserName
		},
		trust: func(t *testing.T, metadata []byte, idpInitiated bool) {
			t.Helper()
			if idpInitiated {
				trustWith(t, metadata, "--idp-initiated")
			} else {
				trustWith(t, metadata)
			}
		},
		trustWith: trustWith,
	}
}

// builtBinary returns the program to test: GATEHOUSE_BINARY, else bin/gatehouse.
func builtBinary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(cmp.Or(os.Getenv("GATEHOUSE_BINARY"), "../../bin/gatehouse"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("bin/gatehouse is not built (make build): the tests run against the door alone")
	}
	return path
}

// start runs a command until the test ends; what it says is shown when the test fails. The channel is closed when it has ended.
func start(t *testing.T, cmd *exec.Cmd) <-chan struct{} {
	t.Helper()
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() { _ = cmd.Wait(); close(stopped) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-stopped:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-stopped
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), out.tail(4000))
		}
	})
	return stopped
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	return s[max(0, len(s)-n):]
}

// freeAddress returns an address on the loopback interface that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until the address answers with 200, as long as the command runs.
func await(t *testing.T, url string, stopped <-chan struct{}) {
	t.Helper()
	last := ""
	for range 300 {
		resp, err := http.Get(url)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			last = resp.Status
		} else {
			last = err.Error()
		}
		select {
		case <-stopped:
			t.Fatalf("it has ended before %s answered", url)
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not answer: %s", url, last)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// need skips the test unless the file or command is there.
func need(t *testing.T, what, debian string) string {
	t.Helper()
	if filepath.IsAbs(what) {
		if _, err := os.Stat(what); err == nil {
			return what
		}
	} else if path, err := exec.LookPath(what); err == nil {
		return path
	}
	t.Skip(fmt.Sprintf("%s is not installed (Debian: apt-get install %s)", what, debian))
	return ""
}
