package mail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

// server is a mail server that takes one conversation and remembers it.
type server struct {
	t        *testing.T
	tls      *tls.Config
	security string
	user     string
	lines    chan string
	port     int
}

func listen(t *testing.T, security, user string) (*server, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, _ := x509.ParseCertificate(der)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	s := &server{t: t, security: security, user: user, lines: make(chan string, 1000), tls: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.port = l.Addr().(*net.TCPAddr).Port
	if security == "tls" {
		l = tls.NewListener(l, s.tls)
	}
	go func() {
		defer close(s.lines)
		if c, err := l.Accept(); err == nil {
			s.talk(c)
		}
	}()
	return s, roots
}

func (s *server) talk(c net.Conn) {
	defer func() { c.Close() }()
	encrypted := s.security == "tls"
	r := bufio.NewReader(c)
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	say("220 mail.example.com ESMTP")
	inData := false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.lines <- line
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch {
		case inData && line == ".":
			inData = false
			say("250 taken")
		case inData:
		case verb == "EHLO" && s.security == "starttls" && !encrypted:
			say("250-mail.example.com\r\n250 STARTTLS")
		case verb == "EHLO" && s.user != "":
			say("250-mail.example.com\r\n250 AUTH PLAIN")
		case verb == "EHLO":
			say("250 mail.example.com")
		case verb == "STARTTLS":
			say("220 go on")
			t := tls.Server(c, s.tls)
			if t.Handshake() != nil {
				return
			}
			c, r, encrypted = t, bufio.NewReader(t), true
		case verb == "AUTH":
			if !strings.Contains(line, base64.StdEncoding.EncodeToString([]byte("\x00"+s.user+"\x00secret"))) {
				say("535 no, not %s", line)
				continue
			}
			say("235 welcome")
		case verb == "DATA":
			inData = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *server) said() string {
	var b strings.Builder
	for l := range s.lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}

var message = mail.Message{To: "ann@example.com", Subject: "Zugang für Ännchen", Text: "Hello\n.\nhttps://sso.example.com/signin/link?token=abc\n", At: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}

func TestSend(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ security, user string }{{"tls", ""}, {"tls", "u"}, {"starttls", ""}, {"starttls", "u"}, {"none", ""}} {
		t.Run(row.security+row.user, func(t *testing.T) {
			t.Parallel()
			s, roots := listen(t, row.security, row.user)
			err := mail.Send(t.Context(), mail.Server{Host: "127.0.0.1", Port: s.port, Security: row.security, Username: row.user, Password: "secret", From: "Gatehouse <sso@example.com>", Roots: roots}, message)
			if err != nil {
				t.Fatal(err)
			}
			said := s.said()
			for _, want := range []string{"MAIL FROM:<sso@example.com>", "RCPT TO:<ann@example.com>", "Subject: =?UTF-8?q?Zugang_f=C3=BCr_=C3=84nnchen?=", "Auto-Submitted: auto-generated", "token=3Dabc"} {
				if !strings.Contains(said, want) {
					t.Errorf("the server was not told %q:\n%s", want, said)
				}
			}
			if (row.user != "") != strings.Contains(said, "AUTH PLAIN") {
				t.Errorf("authentication:\n%s", said)
			}
		})
	}
}

func TestNothingIsSaidInClearThatShouldNotBe(t *testing.T) {
	t.Parallel()
	// A server that offers no STARTTLS, as somebody on the way would make it look.
	s, roots := listen(t, "none", "u")
	err := mail.Send(t.Context(), mail.Server{Host: "127.0.0.1", Port: s.port, Security: "starttls", Username: "u", Password: "secret", From: "a@example.com", Roots: roots}, message)
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if said := s.said(); strings.Contains(said, "AUTH") || strings.Contains(said, "MAIL") {
		t.Errorf("it went on without encryption:\n%s", said)
	}
	// A certificate that nobody vouches for.
	s, _ = listen(t, "tls", "")
	if err := mail.Send(t.Context(), mail.Server{Host: "127.0.0.1", Port: s.port, Security: "tls", From: "a@example.com"}, message); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	// A server that repeats what it was told.
	s, roots = listen(t, "tls", "u")
	err = mail.Send(t.Context(), mail.Server{Host: "127.0.0.1", Port: s.port, Security: "tls", Username: "u", Password: "other", From: "a@example.com", Roots: roots}, message)
	if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "other") || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte("\x00u\x00other"))) {
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := mail.Send(ctx, mail.Server{Host: "127.0.0.1", Port: 1, Security: "none", From: "a@example.com"}, message)
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mail")
	for range 2 {
		if err := mail.Drop(dir, "sso@example.com", message); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(files) != 2 {
		t.Fatalf("got %v, %v", files, err)
	}
	st, err := os.Stat(files[0])
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if b, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(b), "ann@example.com") {
		t.Errorf("got %s, %v", b, err)
	}
	bad := message
	bad.To = "ann@example.com\r\nBcc: all@example.com"
	if err := mail.Drop(dir, "sso@example.com", bad); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}
