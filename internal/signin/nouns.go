package signin

import "time"

// Lifetimes that are not settings.
const (
	// RequestLife is how long a person may take at the identity provider.
	RequestLife = 10 * time.Minute
	// ParkedLife is how long a verified answer waits for its browser; it comes by redirect, at once.
	ParkedLife = 2 * time.Minute
	// ClientLife is how long a registration of an OIDC client lasts.
	ClientLife = 90 * 24 * time.Hour
	// DeviceLife is how long a device code may wait for its approval.
	DeviceLife = 10 * time.Minute
	// CodeLife is how long an authorization code may wait for its exchange (RFC 6749 §4.1.2: 10 minutes at most).
	CodeLife = 2 * time.Minute
	// AccessLife is how long an access token lasts that comes with a refresh token.
	AccessLife = time.Hour
)

// Limits of the session length.
const (
	DefaultSessionLength = 8 * time.Hour
	MinSessionLength     = 15 * time.Minute
	MaxSessionLength     = 90 * 24 * time.Hour
)

// Settings are what an administrator may choose.
type Settings struct {
	// Version starts at 0 (never written: the defaults) and grows with each change.
	Version int64
	// SessionLength is how long a portal session lasts, [MinSessionLength] to [MaxSessionLength]. An identity provider's
	// SessionNotOnOrAfter may make a session shorter, never longer.
	SessionLength time.Duration
}

// Request is a sign-in under way: someone was sent to an identity provider.
type Request struct {
	// ID is the AuthnRequest's ID: "_" and 40 hexadecimal digits, an NCName. It travels through the browser and is not secret.
	ID string
	// SourceID is the identity source asked.
	SourceID string
	// Relay is the opaque RelayState sent along: 32 characters.
	Relay string
	// BrowserHash is SHA-256 of the secret in the browser's cookie: 32 bytes.
	BrowserHash []byte
	// ReturnTo is where to go afterwards, a local path.
	ReturnTo             string
	CreatedAt, ExpiresAt time.Time
	// UsedAt is zero until an answer came.
	UsedAt time.Time
}

// Replay remembers an assertion that was accepted.
type Replay struct {
	// SourceID and AssertionID are the key: identity providers choose their ids on their own.
	SourceID, AssertionID string
	// ExpiresAt is when the assertion is refused anyway (NotOnOrAfter and the skew allowed).
	ExpiresAt time.Time
}

// Parked is a verified answer that waits for its browser.
type Parked struct {
	// Hash is SHA-256 of the handle: 32 bytes.
	Hash []byte
	// RequestID is the request answered; empty when nobody asked (IdP-initiated).
	RequestID string
	// BrowserHash is the request's, or that of the secret minted for a sign-in nobody asked for.
	BrowserHash []byte
	// ReturnTo is where to go afterwards, a local path.
	ReturnTo string
	// UserID is the user whom the assertion names.
	UserID               string
	Proof                Proof
	CreatedAt, ExpiresAt time.Time
}

// Method says how a person proved who she is.
type Method string

// How a person may prove who she is.
const (
	// SAML is an external identity provider's assertion.
	SAML Method = "saml"
	// Password is a password of the built-in directory, and nothing else.
	Password Method = "password"
	// PasswordAndSecond is a password and a second factor.
	PasswordAndSecond Method = "password+mfa"
	// Passkey is a passkey alone, of which the authenticator verified the user.
	Passkey Method = "passkey"
)

// Proof is what is known of how a person signed in; it is kept with the session.
type Proof struct {
	Method Method
	// SourceID is the identity source that vouched.
	SourceID string
	// NameID and SessionIndex are the identity provider's names of the person and of its session.
	NameID, SessionIndex string
	// NotOnOrAfter is the end of the identity provider's own session (SessionNotOnOrAfter); zero when it named none.
	NotOnOrAfter time.Time
	// Attributes are the access control attributes of the assertion: tag key to value. At most 50.
	Attributes map[string]string
}

// Session is a signed-in browser.
type Session struct {
	// ID is a UUID; it is not secret.
	ID string
	// Hash is SHA-256 of the cookie's secret: 32 bytes.
	Hash   []byte
	UserID string
	Proof  Proof
	// CreatedAt is when the person signed in.
	CreatedAt, ExpiresAt time.Time
	// LastSeenAt is kept to about a minute's precision.
	LastSeenAt time.Time
}

// GrantType is an OAuth grant type as it is written on the wire.
type GrantType string

// The grant types of public clients.
const (
	GrantDeviceCode        GrantType = "urn:ietf:params:oauth:grant-type:device_code"
	GrantAuthorizationCode GrantType = "authorization_code"
	GrantRefreshToken      GrantType = "refresh_token"
)

// ScopeAccountAccess is the scope that lists accounts and gets credentials, and that entitles to refresh tokens.
const ScopeAccountAccess = "sso:account:access"

// Client is a registered OIDC client: one installation of a command line. Its type is always public, the secret notwithstanding.
type Client struct {
	// ID is 32 hexadecimal digits; it is not secret.
	ID string
	// SecretHash is SHA-256 of the client secret: 32 bytes.
	SecretHash []byte
	// Name is what the client calls itself, unverified; shown when it asks for approval.
	Name string
	// GrantTypes is empty for a registration that named none (the device flow's).
	GrantTypes []GrantType
	// RedirectURIs are loopback URLs; the port is ignored when they are compared.
	RedirectURIs []string
	// Scopes is empty for a profile without an sso-session.
	Scopes []string
	// IssuerURL is the start URL the client named at registration; may be empty.
	IssuerURL            string
	CreatedAt, ExpiresAt time.Time
}

// DeviceStatus is the state of a device grant.
type DeviceStatus string

const (
	DevicePending  DeviceStatus = "pending"
	DeviceApproved DeviceStatus = "approved"
	DeviceDenied   DeviceStatus = "denied"
	DeviceUsed     DeviceStatus = "used"
)

// Device is a device grant (RFC 8628): a command line waits for a person to approve it in a browser.
type Device struct {
	// Hash is SHA-256 of the device code: 32 bytes.
	Hash []byte
	// UserCode is what the person compares: eight letters of [UserCodeAlphabet], without the dash. Unique.
	UserCode string
	ClientID string
	// GrantID names the family of tokens that will come of it: a UUID.
	GrantID string
	// Origin is the IP address the request came from; shown to the person.
	Origin string
	Status DeviceStatus
	// UserID and SessionID are of the person who decided; empty while pending.
	UserID, SessionID    string
	CreatedAt, ExpiresAt time.Time
}

// Code is an authorization code (RFC 6749 §4.1) with its PKCE challenge (RFC 7636).
type Code struct {
	// Hash is SHA-256 of the code: 32 bytes.
	Hash     []byte
	ClientID string
	// RedirectURI is the one of the request, with its port; the exchange must name it exactly.
	RedirectURI string
	// Challenge is BASE64URL(SHA256(code verifier)): 43 characters. The method is always S256.
	Challenge string
	Scopes    []string
	// GrantID names the family of tokens that will come of it.
	GrantID              string
	UserID, SessionID    string
	CreatedAt, ExpiresAt time.Time
	// Role is what the person chose for `aws login`; zero for a code of a registered client.
	Role Role
	// UsedAt is zero until the code was exchanged.
	UsedAt time.Time
}

// AccessToken is a bearer token of the portal API.
type AccessToken struct {
	// Hash is SHA-256 of the token: 32 bytes.
	Hash                 []byte
	GrantID              string
	ClientID             string
	UserID, SessionID    string
	Scopes               []string
	CreatedAt, ExpiresAt time.Time
}

// RefreshToken gets new access tokens while its session lives.
type RefreshToken struct {
	// Hash is SHA-256 of the token: 32 bytes.
	Hash              []byte
	GrantID           string
	ClientID          string
	UserID, SessionID string
	Scopes            []string
	// Role and Key are of `aws login` alone: the role whose credentials it gets, and the thumbprint of the key that must prove each request.
	Role Role
	Key  string
	// ExpiresAt is the session's end, or before.
	CreatedAt, ExpiresAt time.Time
	// RotatedAt is zero for the current token of its grant.
	RotatedAt time.Time
	// Nonce (32 bytes) makes the successor: HMAC-SHA256(token, nonce). Empty while current.
	Nonce []byte
}

// Tokens is what an exchange issues. Refresh is nil for a client that gets none. An Access without a Hash is not kept: it only says whose the exchange is.
type Tokens struct {
	Access  AccessToken
	Refresh *RefreshToken
}
