package saml

import (
	"encoding/hex"
	"io"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// AuthnRequest is a service provider's question to an identity provider: who is this?
//
// Only what identity providers agree on is written: no SPNameQualifier and no RequestedAuthnContext, which Entra ID
// answers with errors, no Scoping and no Subject.
type AuthnRequest struct {
	// ID is the request's identifier, from [NewID]. It comes back as InResponseTo.
	ID string
	// IssueInstant is when it was made.
	IssueInstant time.Time
	// Issuer is the service provider's entity ID.
	Issuer string
	// Destination is the identity provider's URL the request is sent to.
	Destination string
	// ACSURL is where the answer is to be posted. It may be empty in a request that was parsed.
	ACSURL string
	// NameIDFormat asks for a format of name identifier; empty asks for none.
	NameIDFormat string
	// ForceAuthn asks for a fresh sign-in, IsPassive for one without any page.
	ForceAuthn, IsPassive bool
}

// NewID returns a fresh message identifier: an underscore and 32 hexadecimal digits, so that it is an XML name and
// has 128 bits of randomness (SAML 2.0 Core §1.3.4). It panics when random fails, which crypto/rand.Reader
// never does.
func NewID(random io.Reader) string {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		panic("saml: the source of randomness failed: " + err.Error()) // an identifier that can be guessed is worse
	}
	return "_" + hex.EncodeToString(b)
}

// Instant writes t as SAML writes times: UTC with milliseconds (SAML 2.0 Core §1.3.3).
func Instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// XML returns the request as a document, unsigned.
func (r AuthnRequest) XML() []byte {
	flag := func(on bool) string {
		if on {
			return "true"
		}
		return ""
	}
	w := &markup{}
	w.open("samlp:AuthnRequest", "xmlns:samlp", nsProtocol, "ID", r.ID, "Version", "2.0", "IssueInstant", Instant(r.IssueInstant),
		"Destination", r.Destination, "ProtocolBinding", BindingPost, "AssertionConsumerServiceURL", r.ACSURL,
		"ForceAuthn", flag(r.ForceAuthn), "IsPassive", flag(r.IsPassive))
	w.issuer(r.Issuer)
	if r.NameIDFormat != "" {
		w.open("samlp:NameIDPolicy", "Format", r.NameIDFormat)
		w.close("samlp:NameIDPolicy")
	}
	w.close("samlp:AuthnRequest")
	return w.Bytes()
}

// RedirectURL returns the address to send the browser to under the HTTP-Redirect binding. Parameters that Destination
// has already are kept. relayState is opaque to the identity provider, at most 80 bytes by the standard (SAML 2.0 Bindings §3.4.3),
// and left out when empty. signer is nil for a request that is not signed.
func (r AuthnRequest) RedirectURL(relayState string, signer *Signer) (string, error) {
	if len(relayState) > 80 {
		return "", fault.New(fault.Internal, "authentication request: the relay state has more than 80 bytes")
	}
	return redirectURL(r.Destination, FieldRequest, r.XML(), relayState, signer)
}

// PostForm is a message under the HTTP-POST binding: the page that carries it posts Message as Field, and RelayState unless it is empty, to
// Action.
type PostForm struct {
	Action              string
	Field               Field
	Message, RelayState string
}

// PostForm returns the request for the HTTP-POST binding. signer is as for RedirectURL.
func (r AuthnRequest) PostForm(relayState string, signer *Signer) (PostForm, error) {
	return postForm(r.Destination, FieldRequest, r.ID, r.XML(), relayState, signer)
}

// ParseAuthnRequest reads an authentication request, as an identity provider does. A signature on it is neither demanded
// nor checked: what the request says must be compared with what is registered for its Issuer before anything is
// answered. Anything that is not an acceptable request is a fault of kind Invalid whose reason names the check.
//
// Source: SAML 2.0 Core §3.4.1.
func ParseAuthnRequest(message []byte) (AuthnRequest, error) {
	root, err := scan(message)
	if err != nil {
		return AuthnRequest{}, invalidXML("The authentication request", err)
	}
	if !root.is(nsProtocol, "AuthnRequest") {
		return AuthnRequest{}, badRequest("not-a-request", "The message is not an authentication request.")
	}
	issuer, ok := root.one(nsAssertion, "Issuer")
	if !ok {
		return AuthnRequest{}, badRequest("issuer", "The authentication request does not have exactly one issuer.")
	}
	r := AuthnRequest{ID: root.value("ID"), Destination: root.value("Destination"), ACSURL: root.value("AssertionConsumerServiceURL")}
	if r.Issuer, ok = issuer.text(); !ok || r.Issuer == "" || len(r.Issuer) > 1024 {
		return AuthnRequest{}, badRequest("issuer", "The authentication request's issuer is empty or not a name.")
	}
	if root.value("Version") != "2.0" || !messageID(r.ID) {
		return AuthnRequest{}, badRequest("form", "The authentication request has no identifier or is not SAML 2.0.")
	}
	if r.IssueInstant, ok = parseInstant(root.value("IssueInstant")); !ok {
		return AuthnRequest{}, badRequest("form", "The authentication request's issue instant is not a time.")
	}
	if b, has := root.attr("ProtocolBinding"); has && b != BindingPost {
		return AuthnRequest{}, badRequest("binding", "The authentication request asks for a binding other than HTTP-POST.")
	}
	if policy, has := root.one(nsProtocol, "NameIDPolicy"); has {
		r.NameIDFormat = policy.value("Format")
	}
	r.ForceAuthn, r.IsPassive = isTrue(root.value("ForceAuthn")), isTrue(root.value("IsPassive"))
	return r, nil
}

func badRequest(reason, message string) error {
	return fault.New(fault.Invalid, "%s", message).For(reason)
}

// invalidXML is the fault for a document that the scanner refused.
func invalidXML(what string, err error) error {
	return fault.New(fault.Invalid, "%s is not acceptable XML: %s.", what, err.Error()).For("xml")
}

// isTrue reads an xs:boolean.
func isTrue(s string) bool { return s == "true" || s == "1" }

// messageID reports whether s can be the identifier of a message. XML demands a name; some identity providers begin with
// a digit, which is harmless, so any visible ASCII without quotes is taken.
func messageID(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\'' || r == '#' }) < 0
}

// parseInstant reads an xs:dateTime in UTC with a Z, with any number of fractional digits (SAML 2.0 Core §1.3.3).
func parseInstant(s string) (time.Time, bool) {
	const shape = "2006-01-02T15:04:05"
	if len(s) < len(shape)+1 || len(s) > 40 || s[len(s)-1] != 'Z' {
		return time.Time{}, false
	}
	fraction := s[len(shape) : len(s)-1]
	if fraction != "" && (fraction[0] != '.' || len(fraction) < 2 || strings.Trim(fraction[1:], "0123456789") != "") {
		return time.Time{}, false
	}
	t, err := time.Parse(shape, s[:len(shape)])
	if err != nil {
		return time.Time{}, false
	}
	if fraction != "" {
		// Nanoseconds are more than enough; further digits are cut off.
		nanos, _ := time.ParseDuration("0" + fraction[:min(len(fraction), 10)] + "s")
		t = t.Add(nanos)
	}
	return t, true
}
