package signin

import (
	"net/url"
	"strings"
)

// maxPath bounds a place to return to; an /authorize request with its parameters is the longest one.
const maxPath = 4096

// LocalPath reports whether s is a path of this server that a browser may be sent to after a sign-in: it
// begins with one slash, and no reading of it by a browser leads to another host. Query and fragment are allowed.
//
// Browsers take a backslash for a slash, drop tabs and line ends, and read // as the beginning of a host (WHATWG URL,
// "relative slash state"); none of these may occur, neither plainly nor, in the path, percent-encoded. Dot segments
// are refused because nobody needs them here.
func LocalPath(s string) bool {
	if len(s) > maxPath || !strings.HasPrefix(s, "/") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '\\' {
			return false
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return false
	}
	if strings.ContainsAny(u.Path, "\\\x00\r\n\t") || strings.Contains(u.Path, "//") {
		return false
	}
	for seg := range strings.SplitSeq(u.Path, "/") {
		if seg == "." || seg == ".." {
			return false
		}
	}
	return strings.HasPrefix(u.Path, "/")
}

// DefaultReturn is where a sign-in leads that came from nowhere in particular: the portal.
const DefaultReturn = "/start"

// ReturnPath returns s if it is a [LocalPath], else [DefaultReturn].
func ReturnPath(s string) string {
	if LocalPath(s) {
		return s
	}
	return DefaultReturn
}

// normalStartURL brings a start URL to the form in which they are compared: scheme and host in lower case, no trailing
// slash, no fragment (people paste …/start/#/ from the browser). It refuses what is not an absolute http(s) URL
// without user name and query.
func normalStartURL(s string) (string, bool) {
	if len(s) > 1024 {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", false
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/"), true
}

// isStartURL reports whether s names this instance.
func (s *Service) isStartURL(v string) bool {
	n, ok := normalStartURL(v)
	return ok && s.startURLs[n]
}

// loopback reports whether s may be registered as a redirect URI: an http URL of this machine (RFC 8252 §7.3)
// without user name and fragment.
func loopback(s string) (*url.URL, bool) {
	if len(s) > 1024 || strings.ContainsAny(s, "\\\r\n\t #") {
		return nil, false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	switch u.Hostname() {
	case "127.0.0.1", "::1", "localhost":
		return u, true
	}
	return nil, false
}

// redirectAllowed reports whether uri is one of those registered. The port is not compared: a command line listens on
// whatever port is free (RFC 8252 §7.3).
func redirectAllowed(registered []string, uri string) bool {
	u, ok := loopback(uri)
	if !ok {
		return false
	}
	for _, r := range registered {
		v, ok := loopback(r)
		if ok && v.Hostname() == u.Hostname() && v.EscapedPath() == u.EscapedPath() && v.RawQuery == u.RawQuery {
			return true
		}
	}
	return false
}
