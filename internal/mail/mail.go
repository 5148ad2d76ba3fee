// Package mail hands plain-text messages to a mail server (RFC 5321), or drops them as files where people try things out.
//
// It decides nothing: who is written to, and what, is package credential's. A server is spoken to over TLS from the beginning or after STARTTLS, which is then
// not optional, and its certificate is verified; without encryption only where the caller says so. Start reading at [Send].
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"gatehouse/internal/fault"
)

// Server is where mail is handed in.
type Server struct {
	Host string
	Port int
	// Security is "tls", "starttls" or "none".
	Security string
	// Username is empty for a server that asks for none.
	Username, Password string
	// From is the sender's address.
	From string
	// Roots are the authorities believed; nil for the system's.
	Roots *x509.CertPool
}

// Message is a mail.
type Message struct {
	To, Subject, Text string
	At                time.Time
}

// timeout bounds every step of the conversation.
const timeout = 15 * time.Second

// Send hands a message in.
//
// Faults: Invalid for addresses that are none; Unavailable with what the server said.
func Send(ctx context.Context, s Server, m Message) error {
	msg, err := compose(s.From, m)
	if err != nil {
		return err
	}
	opts := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
	}
	// The library leaves a connection open on which STARTTLS or the authentication failed; so it is dialled here, and hung up here. With TLS from the
	// beginning it must dial itself, to know that what it says is encrypted.
	var line net.Conn
	dial := gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (c net.Conn, err error) {
		line, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return line, err
	})
	defer func() {
		if line != nil {
			_ = line.Close() // closed already when all went well
		}
	}()
	switch s.Security {
	case "tls":
		opts = append(opts, gomail.WithSSL())
	case "starttls":
		opts = append(opts, dial, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case "none":
		opts = append(opts, dial, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return fault.New(fault.Internal, "unknown security %q of a mail server", s.Security)
	}
	if s.Username != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.Username), gomail.WithPassword(s.Password))
	}
	c, err := gomail.NewClient(s.Host, opts...)
	if err != nil {
		return fault.New(fault.Invalid, "the mail server's settings are not usable").Because(err)
	}
	if err := c.DialAndSendWithContext(ctx, msg); err != nil {
		return fault.New(fault.Unavailable, "the mail server %s:%d did not take the message: %s", s.Host, s.Port, reason(err)).Because(errors.New("sending mail failed"))
	}
	return nil
}

// reason is what went wrong, on one line. What a server says to a user name and a password is left out: some repeat what they were told.
func reason(err error) string {
	before, _, auth := strings.Cut(strings.Join(strings.Fields(err.Error()), " "), "SMTP AUTH failed")
	if auth {
		return before + "the user name and password were refused"
	}
	return before
}

func compose(from string, m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(from); err != nil {
		return nil, fault.New(fault.Invalid, "%q is not an e-mail address", from).At("from")
	}
	if err := msg.To(m.To); err != nil {
		return nil, fault.New(fault.Invalid, "%q is not an e-mail address", m.To).At("to")
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.At)
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: nobody's absence note is to answer it
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	return msg, nil
}

// Drop writes a message as a file into a directory, for people to look at: name.eml, mode 0600, whose names sort by time.
func Drop(dir, from string, m Message) error {
	msg, err := compose(from, m)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the directory for mail: %w", err)
	}
	f, err := os.CreateTemp(dir, m.At.UTC().Format("20060102-150405.000000-")+"*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("dropping mail: %w", err)
	}
	_, werr := f.Write(b.Bytes())
	if err := errors.Join(werr, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))+".eml")
}
