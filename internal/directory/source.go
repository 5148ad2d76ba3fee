package directory

import "time"

// Profile says how strictly a source's SCIM door speaks.
type Profile string

const (
	// ProfileRFC is lenient and complete (RFC 7643/7644): the default.
	ProfileRFC Profile = "rfc"
	// ProfileAWS has the limits and error bodies of AWS's own SCIM endpoint.
	ProfileAWS Profile = "aws"
)

// Source is an identity source: an external identity provider with its SCIM directory and its SAML
// sign-in. Its ID is the {directory} of /scim/{directory}/v2 and /saml/{directory}/….
type Source struct {
	// ID is 1–32 lower-case letters, digits and dashes, chosen at creation.
	ID string
	// Version grows with each change.
	Version int64
	// Name is shown on the sign-in page.
	Name    string
	Profile Profile
	// Domains are the e-mail domains, in [Fold]ed form, whose people are led to this source's identity provider at sign-in. A domain belongs
	// to one source at most.
	Domains []string
	// LocalUsers lets users made by hand (Source == "") sign in through this source too. What its SCIM client may do with them is Owners'.
	LocalUsers bool
	// Owners says what the source's SCIM client may take over from others.
	Owners Owners
	// Nested says whether groups of the source may have groups as members.
	Nested Nesting
	// Closing is set while the source is being removed: what becomes of its people. It then opens no door any more.
	Closing Disposal
	// ProviderClosing is set while the sessions of an identity provider that was removed are being ended. No other can be set meanwhile.
	ProviderClosing bool
	// VouchesSince is when an identity provider was last removed: what was vouched for before is void ([Service.Vouches]). Zero when none was.
	VouchesSince time.Time
	// ContinueAt is when the server goes on by itself with a removal that is under way, unless somebody did before ([Service.ContinueRemovals]).
	ContinueAt time.Time
	SAML       SAMLSettings
	// Guard bounds how much the source's SCIM client may take away at once.
	Guard     Guard
	CreatedAt time.Time
}

// SAMLSettings is what the service provider knows of a source's identity provider.
type SAMLSettings struct {
	// EntityID is the IdP's; empty when no IdP is configured and nobody can sign in through the source.
	EntityID string
	// SSORedirectURL and SSOPostURL are where sign-in requests go; at least one is set with EntityID.
	SSORedirectURL, SSOPostURL string
	// SLORedirectURL and SLOPostURL are where logout requests go; the other two, where they differ, are where the answers to the provider's own
	// go. Empty where not offered.
	SLORedirectURL, SLOPostURL, SLORedirectAnswerURL, SLOPostAnswerURL string
	// Certificates are the trusted signing certificates, DER, all trusted at once.
	Certificates [][]byte
	// MetadataURL is where the metadata came from, if it was a URL. It is asked again from time to time ([Service.RefreshMetadata]).
	MetadataURL string
	// MetadataSigners are the certificates (DER) one of which must have signed the metadata; empty where the connection alone is trusted.
	MetadataSigners [][]byte
	// ValidUntil is how long the metadata says it is good; zero when it does not say. It is shown and not enforced.
	ValidUntil time.Time
	// SignRequests signs sign-in requests. Off by default.
	SignRequests bool
	// SingleLogout signs people out at the provider too when they sign out here. Off by default. Logout requests of the provider are taken in any
	// case.
	SingleLogout bool
	// SigningKey is the sealed private key with which the service provider signs, SigningCertificate (DER) what it gives to the identity
	// provider. Both are empty until they are needed; they stay when the provider is exchanged.
	SigningKey, SigningCertificate []byte
	// AllowIDPInitiated accepts responses nobody asked for. Off by default.
	AllowIDPInitiated bool
	// JustInTime creates an unknown user at sign-in. Off by default.
	JustInTime bool
}

// BuiltIn is the source of users who belong to the built-in directory, where package credential keeps what they sign in with. There is no
// [Source] of this id, so no SCIM client and no identity provider may touch them.
const BuiltIn = "builtin"

// Issuer is the external-ID issuer under which a SCIM client's externalId is kept.
func (s Source) Issuer() string { return Issuer(s.ID) }

// Token is a SCIM bearer token. Its secret is shown once, at creation; only the hash is kept.
type Token struct {
	// ID is a UUID; it is not secret.
	ID, SourceID string
	// Hash is SHA-256 of the secret: 32 bytes. The secret has 256 bits of randomness, so a slow hash adds nothing.
	Hash                 []byte
	CreatedAt, ExpiresAt time.Time
	// LastUsedAt is zero for a token never used; it is kept to about a minute's precision.
	LastUsedAt time.Time
	CreatedBy  string
}
