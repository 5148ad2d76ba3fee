// Package saml is SAML 2.0 as pure functions: no HTTP, no storage, no clock and no randomness of its own.
//
// It has two sides that share nothing but the XML reader, the canonical form and the names in this file.
//
// The service provider's side, which Gatehouse is to an external identity provider:
//
//   - [ParseIDPMetadata] reads what an administrator uploads; [SPMetadata] writes what he gives to the identity provider.
//   - [AuthnRequest] asks the identity provider to sign somebody in ([AuthnRequest.RedirectURL], [AuthnRequest.PostForm]).
//   - [DecodePost] and [Verify] turn the answer into an [Assertion], or into a fault whose reason says which check failed.
//   - [ReadRedirect], [ReadPost], [VerifyLogoutRequest] and [VerifyLogoutResponse] read what the provider says of the end of a session;
//     [LogoutRequest] and [LogoutResponse] say it to the provider.
//
// The identity provider's side, which the emulated tenant and the embedded accounts are:
//
//   - [InflateRedirect], [DecodePost] and [ParseAuthnRequest] read the question.
//   - [Sign] signs a message that the caller has built; [SelfSign] makes the certificate to sign with.
//
// What it leaves to others: whether a request was pending and in which browser, whether an assertion has been used
// before, who the person is, and every setting. [Verify] takes what it must know as [Params] and returns what
// the caller must remember ([Assertion.ReplayUntil]).
//
// Verification is written here, on one strict XML reader, instead of on a general XML Signature library: the only
// way to be sure that what is read is what was signed is that the same code reads both, and that it reads only the bytes
// that were digested. DESIGN.md has the argument, the order of the checks and the attacks each one stops. Start reading at
// Verify in verify.go.
package saml

// Namespaces.
const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// Bindings (SAML 2.0 Bindings §3).
const (
	BindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	BindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// Name identifier formats (SAML 2.0 Core §8.3).
const (
	NameIDEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	NameIDUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	NameIDPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	NameIDTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
)

const (
	protocolSupport = "urn:oasis:names:tc:SAML:2.0:protocol"
	statusSuccess   = "urn:oasis:names:tc:SAML:2.0:status:Success"
	methodBearer    = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)

// Algorithms that signing writes and verification accepts (see allow-lists in dsig.go).
const (
	algExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	algInclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	algRSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algSHA256    = "http://www.w3.org/2001/04/xmlenc#sha256"
)
