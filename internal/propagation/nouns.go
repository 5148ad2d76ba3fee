package propagation

import (
	"time"

	"gatehouse/internal/application"
)

// Lifetimes.
const (
	// AccessLife is how long an access token, an ID token and an identity context last at most.
	AccessLife = time.Hour
	// BackgroundLife is how long a background session lasts (User Guide, «User background sessions»: seven days unless changed).
	BackgroundLife = 7 * 24 * time.Hour
)

// Scopes that every application may ask for, and is given if it asks for none in particular (API_CreateTokenWithIAM).
const (
	ScopeOpenID          = "openid"
	ScopeAWS             = "aws"
	ScopeIdentityContext = "sts:identity_context"
)

// Token types of RFC 8693 §3, as far as they are accepted and issued.
const (
	TypeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"
	TypeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"
)

// Grant is one person's standing with one application: the family of tokens that came of one beginning.
type Grant struct {
	// ID is a UUID: the credential id that policies and logs name.
	ID string
	// Application is the application's ARN.
	Application string
	UserID      string
	// Began is how.
	Began application.GrantType
	// SessionID is the portal session the grant ends with; empty for none.
	SessionID string
	// Background is a session that outlives signing out, or what was exchanged from one: nothing begun from it lasts longer than it.
	Background bool
	// Issuer is the ARN of the trusted token issuer whose assertion was believed at the beginning; empty for none.
	Issuer string
	// SourceID is the identity source that vouched for the person at AuthenticatedAt; empty for none. The grant ends when that vouches no more, also one whose
	// portal session is long over.
	SourceID string
	// Scopes are what was granted, in their order.
	Scopes []string
	// AuthenticatedAt is when the person proved who she is, as far as that is known here.
	AuthenticatedAt      time.Time
	CreatedAt, ExpiresAt time.Time
}

// Code is an authorization code for an application, with its PKCE challenge (RFC 7636).
type Code struct {
	// Hash is SHA-256 of the code: 32 bytes.
	Hash []byte
	// Application is the application's ARN.
	Application string
	// RedirectURI is the one of the request; the exchange must name it exactly.
	RedirectURI string
	// Challenge is BASE64URL(SHA256(code verifier)): 43 characters. The method is always S256.
	Challenge string
	Scopes    []string
	// GrantID is the id of the grant that will come of it.
	GrantID              string
	UserID, SessionID    string
	CreatedAt, ExpiresAt time.Time
	// UsedAt is zero until the code was exchanged.
	UsedAt time.Time
}

// AccessToken is a bearer token that an application holds for a person.
type AccessToken struct {
	// Hash is SHA-256 of the token: 32 bytes.
	Hash    []byte
	GrantID string
	// Scopes are among the grant's.
	Scopes               []string
	CreatedAt, ExpiresAt time.Time
}

// RefreshToken gets new access tokens while its grant lives.
type RefreshToken struct {
	// Hash is SHA-256 of the token: 32 bytes.
	Hash                 []byte
	GrantID              string
	CreatedAt, ExpiresAt time.Time
	// RotatedAt is zero for the current token of its grant.
	RotatedAt time.Time
	// Nonce (32 bytes) makes the successor; empty while current.
	Nonce []byte
}

// Tokens is what is issued together. Refresh is nil for a grant that gets none.
type Tokens struct {
	Access  AccessToken
	Refresh *RefreshToken
}

// Assertion remembers one that was used.
type Assertion struct {
	// Hash is SHA-256 of the issuer's ARN and the assertion's id: 32 bytes.
	Hash []byte
	// ExpiresAt is when it is refused anyway.
	ExpiresAt time.Time
}
