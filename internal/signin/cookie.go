package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Names of the session cookie.
const (
	// SecureCookie has the prefix __Host-: browsers take it only over https, for this host and the path / (RFC 6265bis §4.1.3.2), so that
	// no neighbour plants one.
	SecureCookie = "__Host-gatehouse"
	// PlainCookie is for plain http on the loopback interface, where the prefix is not allowed.
	PlainCookie = "gatehouse_session"
)

// CookieName returns the name of the session cookie of a server with the address: [SecureCookie] for https. The cookie holds Opened.Secret and
// is set with Path=/, HttpOnly, SameSite=Lax, Expires as the session, and Secure with https.
func CookieName(serverURL string) string {
	if strings.HasPrefix(serverURL, "https://") {
		return SecureCookie
	}
	return PlainCookie
}

// FormToken binds a form to the session of the browser it is shown in: HMAC-SHA256 of its purpose, keyed with the session's
// secret. It tells nothing about the secret, and whoever has no session cookie of the person cannot make one.
func FormToken(sessionSecret, purpose string) string {
	m := hmac.New(sha256.New, []byte(sessionSecret))
	m.Write([]byte("form\x00" + purpose))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// IsFormToken reports, in constant time, whether token is the FormToken of the session and purpose.
func IsFormToken(token, sessionSecret, purpose string) bool {
	return sessionSecret != "" && hmac.Equal([]byte(token), []byte(FormToken(sessionSecret, purpose)))
}
