package application

import (
	"time"

	"gatehouse/internal/arn"
)

// Application is something that people sign in to, or that acts on their behalf.
type Application struct {
	// ID is "apl-…", InstanceID "ssoins-…".
	ID, InstanceID string
	// AccountID is the account that made it; its ARN bears it.
	AccountID string
	// Provider is the name of the application provider, such as "custom".
	Provider string
	// Name has 1–100 characters and need not be unique; Description has at most 128.
	Name, Description string
	// Disabled applications are entered by nobody.
	Disabled bool
	Portal   Portal
	// OpenToAll lets in every user of the instance, assigned or not.
	OpenToAll bool
	// BackgroundSessions lets users leave a job running after they signed out.
	BackgroundSessions bool
	// Scopes are in the order of their names; at most Quotas.Scopes.
	Scopes []Scope
	Grants Grants
	// ActorPolicy says which IAM principals may get tokens as this application (authentication method IAM); empty for none.
	ActorPolicy string
	Tags        map[string]string
	// Version grows with each change; it guards read-modify-write.
	Version   int64
	CreatedAt time.Time
	// CreatedFrom is the region in which it was made.
	CreatedFrom string
}

// ARN returns the application's ARN.
func (a Application) ARN() string { return arn.Application(a.named()) }

func (a Application) named() arn.InInstance {
	return arn.InInstance{AccountID: a.AccountID, InstanceID: a.InstanceID, ID: a.ID}
}

// Portal is how an application shows in the access portal.
type Portal struct {
	Hidden bool
	// Origin says where a sign-in begins; empty if it was not said.
	Origin Origin
	// URL is where the application is; required if Origin is [FromApplication], else empty.
	URL string
}

// Origin is where a sign-in to an application begins.
type Origin string

const (
	FromIdentityCenter Origin = "IDENTITY_CENTER"
	FromApplication    Origin = "APPLICATION"
)

// Scope is an access scope that an application may ask for.
type Scope struct {
	// Name is one to three parts of at most 50 letters, digits and underscores, with colons between.
	Name string
	// Targets are ARNs of applications or of the instance; at most ten, empty for any.
	Targets []string
}

// GrantType is an OAuth grant type as it is written on the wire.
type GrantType string

const (
	AuthorizationCode GrantType = "authorization_code"
	RefreshToken      GrantType = "refresh_token"
	JWTBearer         GrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	TokenExchange     GrantType = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// Grants are the ways in which an application may get tokens.
type Grants struct {
	// RedirectURIs are where an authorization code may be sent, 1–10; none if there is no such grant.
	RedirectURIs []string
	RefreshToken bool
	// Issuers are whose JWTs may be exchanged, 1–10; none if there is no such grant.
	Issuers       []TrustedIssuer
	TokenExchange bool
}

// Has reports whether there is a grant of the type.
func (g Grants) Has(t GrantType) bool {
	switch t {
	case AuthorizationCode:
		return len(g.RedirectURIs) > 0
	case RefreshToken:
		return g.RefreshToken
	case JWTBearer:
		return len(g.Issuers) > 0
	case TokenExchange:
		return g.TokenExchange
	}
	return false
}

// Only returns the one grant of the type, as if there were no other.
func (g Grants) Only(t GrantType) Grants {
	switch t {
	case AuthorizationCode:
		return Grants{RedirectURIs: g.RedirectURIs}
	case RefreshToken:
		return Grants{RefreshToken: g.RefreshToken}
	case JWTBearer:
		return Grants{Issuers: g.Issuers}
	case TokenExchange:
		return Grants{TokenExchange: g.TokenExchange}
	}
	return Grants{}
}

// put replaces the grant of one type by that in from; an empty from removes it.
func (g *Grants) put(t GrantType, from Grants) {
	switch t {
	case AuthorizationCode:
		g.RedirectURIs = from.RedirectURIs
	case RefreshToken:
		g.RefreshToken = from.RefreshToken
	case JWTBearer:
		g.Issuers = from.Issuers
	case TokenExchange:
		g.TokenExchange = from.TokenExchange
	}
}

// Types are the grant types, in the order in which they are listed.
func Types() []GrantType {
	return []GrantType{AuthorizationCode, RefreshToken, JWTBearer, TokenExchange}
}

// TrustedIssuer is an issuer that a grant accepts, and for which audiences.
type TrustedIssuer struct {
	// AccountID, InstanceID and IssuerID ("tti-…") are those of its ARN.
	AccountID, InstanceID, IssuerID string
	// Audiences are 1–10 values of the claim "aud", each of 1–512 characters.
	Audiences []string
}

// ARN returns the issuer's ARN, also when the issuer is gone.
func (t TrustedIssuer) ARN() string { return arn.TrustedTokenIssuer(t.named()) }

func (t TrustedIssuer) named() arn.InInstance {
	return arn.InInstance{AccountID: t.AccountID, InstanceID: t.InstanceID, ID: t.IssuerID}
}

// Issuer is a trusted token issuer: an OpenID provider outside.
type Issuer struct {
	// ID is "tti-…", InstanceID "ssoins-…".
	ID, InstanceID string
	// AccountID is the account that made it.
	AccountID string
	// Name is 1–255 characters [\w+=,.@-] and need not be unique.
	Name string
	// URL is the claim "iss", without the path of the discovery document. It never changes.
	URL string
	// ClaimPath names the claim that says who the user is; UserPath the attribute of the identity store that it equals.
	ClaimPath, UserPath string
	Tags                map[string]string
	// Version grows with each change; it guards read-modify-write.
	Version   int64
	CreatedAt time.Time
}

// ARN returns the issuer's ARN.
func (i Issuer) ARN() string { return arn.TrustedTokenIssuer(i.named()) }

func (i Issuer) named() arn.InInstance {
	return arn.InInstance{AccountID: i.AccountID, InstanceID: i.InstanceID, ID: i.ID}
}

// PrincipalType is USER or GROUP.
type PrincipalType string

const (
	User  PrincipalType = "USER"
	Group PrincipalType = "GROUP"
)

// Principal is whom an assignment is for.
type Principal struct {
	Type PrincipalType
	ID   string
}

// Assignment lets a principal use an application.
type Assignment struct {
	ApplicationID string
	Principal     Principal
	CreatedAt     time.Time
}

// Provider is a kind of application.
type Provider struct {
	// Name is the last part of its ARN.
	Name string
	// Protocol is OAUTH or SAML.
	Protocol           string
	Title, Description string
	// Managed applications are made by a service, not through the API of applications.
	Managed bool
}

// AccountAccess is the provider of the application through which people come to the account access manager.
const AccountAccess = "account-access"

// Providers lists the kinds of applications, by name. AWS has a catalogue of several hundred besides; their entries hold
// settings of products, and none can be used through the API.
func Providers() []Provider {
	return []Provider{
		{Name: AccountAccess, Protocol: "OAUTH", Title: "AWS account access", Description: "Access to accounts through roles of their own", Managed: true},
		{Name: "custom", Protocol: "OAUTH", Title: "Custom application", Description: "A customer managed OAuth 2.0 application"},
		{Name: "custom-saml", Protocol: "SAML", Title: "Custom SAML 2.0 application", Description: "A customer managed SAML 2.0 application"},
	}
}
