// Package fetch gets small public documents from servers outside: metadata of identity providers, discovery documents and keys of token issuers.
//
// The addresses come from people who may do less than this server can reach: whoever makes an OIDC provider in an account names
// its URL, and the document found there names the next. So a [Client] is careful on their behalf:
//
//   - https only, with the certificate verified for the name: what it would reach inside a network by a name of the asker's choosing has no
//     certificate for that name. Plain http is for this very machine, and only if [Config.Loopback] says so.
//   - No connection is made to loopback (without [Config.Loopback]), link-local, multicast or unspecified addresses. The rule is looked at
//     when connecting, after names were resolved and at every redirect, so that no name can change its mind in between. Private networks
//     may be reached: that is where the identity providers of those are who run their own servers.
//     Where the environment names a proxy (HTTPS_PROXY), the proxy connects, and its own rules hold for names.
//   - Few redirects, a bounded size, a bounded time for everything together, no cookies, no credentials, one connection per document.
//
// What an answer that is refused says is shown to nobody.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"gatehouse/internal/fault"
)

// Limits of one document.
const (
	// MaxSize is the largest document, in bytes.
	MaxSize = 256 << 10
	// MaxTime bounds resolving, connecting, redirects and reading together.
	MaxTime = 10 * time.Second
	// maxRedirects is how many redirects are followed.
	maxRedirects = 3
	// maxHeader is the largest header of an answer, in bytes.
	maxHeader = 64 << 10
)

// Config says what a Client may do.
type Config struct {
	// Loopback permits addresses of this machine, over https and http.
	Loopback bool
	// Roots are the certificate authorities; nil: the system's.
	Roots *x509.CertPool
}

// Client gets documents. It is safe for concurrent use.
type Client struct {
	loopback bool
	http     http.Client
}

// New returns a Client.
func New(cfg Config) *Client {
	c := &Client{loopback: cfg.Loopback}
	dialer := net.Dialer{Timeout: MaxTime, Control: c.control}
	c.http = http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: MaxTime, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || next.URL.Scheme != via[0].URL.Scheme || c.check(next.URL) != nil {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	return c
}

// Get returns the document at an address.
//
// Faults: Invalid for an address that is never asked, and for an answer other than 200 or too large; Unavailable if there is no answer.
func (c *Client) Get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q is not a URL", address)
	}
	if err := c.check(u); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q is not a URL", address)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if refused := errForbidden(""); errors.As(err, &refused) {
			return nil, fault.New(fault.Invalid, "%s", refused.Error())
		}
		return nil, fault.New(fault.Unavailable, "%s does not answer: %s", u.Host, reason(err)).Because(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Invalid, "fetching from %s was answered with HTTP %d", u.Host, res.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, MaxSize+1))
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the document could not be fetched whole from %s", u.Host).Because(err)
	}
	if len(b) > MaxSize {
		return nil, fault.New(fault.Invalid, "the document at %s has more than %d bytes", u.Host, MaxSize)
	}
	return b, nil
}

// check says whether an address may be asked, as far as that can be seen from it.
func (c *Client) check(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		return fault.New(fault.Invalid, "%q is not an http(s) URL", u.Redacted())
	case u.Scheme == "http" && !(c.loopback && loopback(u.Hostname())):
		// Whoever is on the way could put keys of his own into the answer, and then be whom he likes.
		return fault.New(fault.Invalid, "documents that say whose word is believed are fetched over https only; %q is not an https address", u.Redacted())
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !c.permits(a.Unmap()) { // a proxy would be asked to connect there
		return fault.New(fault.Invalid, "%s", errForbidden(a.String()).Error())
	}
	return nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// errForbidden is an address to which no connection is made.
type errForbidden string

func (e errForbidden) Error() string {
	return fmt.Sprintf("no connection is made to %s: it is not an address of a server outside", string(e))
}

// control looks at the address to which a connection is about to be made.
func (c *Client) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errForbidden(address)
	}
	if a := at.Addr().Unmap(); !c.permits(a) {
		return errForbidden(a.String())
	}
	return nil
}

// permits reports whether a connection may be made to an address.
func (c *Client) permits(a netip.Addr) bool {
	if a.IsLoopback() {
		return c.loopback
	}
	return !a.IsLinkLocalUnicast() && !a.IsMulticast() && !a.IsUnspecified() && !special(a)
}

// special reports whether an address is one of «this network» (RFC 1122), of a translator behind which any IPv4 address is (RFC 6052, RFC 8215), or of a
// cloud's metadata service.
func special(a netip.Addr) bool {
	for _, p := range []string{"64:ff9b::/96", "64:ff9b:1::/48", "fd00:ec2::/32", "0.0.0.0/8"} {
		if netip.MustParsePrefix(p).Contains(a) {
			return true
		}
	}
	return false
}

// reason is what a person can act on, without the address, which the caller knows.
func reason(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", MaxTime)
	}
	return err.Error()
}
