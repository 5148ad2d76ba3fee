// Package ssooidc is the door of the API sso-oidc (rest-json): how command lines and applications get tokens.
//
// # What it owns
//
// The wire only: POST /client/register, /device_authorization and /token with JSON bodies in camel case, and OAuth's errors in AWS's clothes.
// The rules are package signin's, and for CreateTokenWithIAM package propagation's. The pages that people see on the way (/device, /authorize) are package
// signinpages'.
//
// # Who calls
//
// CreateTokenWithIAM (/token?aws_iam=t) is signed, by a principal who must be allowed sso-oauth:CreateTokenWithIAM on the application it acts as; the authorizer asks
// the application's own policy too. Everything else is unsigned: a client shows its id and secret in the body.
//
// # Errors
//
// The AWS CLI knows an error by the header x-amzn-ErrorType; the body holds OAuth's own fields (RFC 6749 §5.2). The one table is in errors.go.
//
// Start reading at [Door.Service], the table.
package ssooidc

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/propagation"
	"gatehouse/internal/signin"
)

// Grants is what this door asks of sign-in. *signin.Service has it.
type Grants interface {
	RegisterClient(ctx context.Context, r signin.Registration) (signin.Client, string, error)
	StartDevice(ctx context.Context, clientID, clientSecret, startURL string) (signin.Started, error)
	ExchangeDevice(ctx context.Context, clientID, clientSecret, deviceCode string) (signin.Issued, error)
	ExchangeCode(ctx context.Context, clientID, clientSecret string, x signin.CodeExchange) (signin.Issued, error)
	Refresh(ctx context.Context, clientID, clientSecret, refreshToken string) (signin.Issued, error)
}

// Applications is what this door asks for applications. *propagation.Service has it.
type Applications interface {
	CreateToken(ctx context.Context, by audit.Actor, r propagation.Request) (propagation.Issued, error)
}

// Config is what the door is made of; every field is required.
type Config struct {
	Grants       Grants
	Applications Applications
	// URL is the server's own, without a trailing slash: http://127.0.0.1:8080. People are sent to /device and /authorize below it.
	URL string
}

// Door answers the API. P is the type of an authenticated principal.
type Door[P any] struct{ Config }

// New returns a door.
func New[P any](c Config) *Door[P] { return &Door[P]{c} }

// maxBody is far more than any request needs.
const maxBody = 64 << 10

// Service returns the table of operations.
func (d *Door[P]) Service() awswire.Service[P] {
	return awswire.Service[P]{Model: &model, Errors: wireErrors, ErrorBody: errorBody, MaxBody: maxBody, Operations: []awswire.Operation[P]{
		awswire.Op("RegisterClient", "", nil, d.registerClient),
		awswire.Op("StartDeviceAuthorization", "", nil, d.startDeviceAuthorization),
		awswire.Op("CreateToken", "", nil, d.createToken),
		awswire.Op("CreateTokenWithIAM", "sso-oauth:CreateTokenWithIAM", d.onApplication, d.createTokenWithIAM),
	}}
}

// StartAlias answers HEAD /start with a redirect to the AWS-looking start URL. The AWS CLI from 2.35.13 asks for it when its
// configuration names this server, and takes no other answer for proof that the URL means an Identity Center instance.
func StartAlias(startURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", startURL)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusFound)
	})
}

func (d *Door[P]) registerClient(ctx context.Context, _ *awswire.Call[P], in *RegisterClientRequest) (*RegisterClientResponse, error) {
	if in.EntitledApplicationArn != nil {
		// It asks for limits; to register the client without them would give it more than it asked for.
		return nil, fault.New(fault.Invalid, "entitledApplicationArn is not supported").For(signin.InvalidRequest)
	}
	grants := make([]signin.GrantType, len(in.GrantTypes))
	for i, g := range in.GrantTypes {
		grants[i] = signin.GrantType(g)
	}
	c, secret, err := d.Grants.RegisterClient(ctx, signin.Registration{
		Name: text(in.ClientName), Type: text(in.ClientType), GrantTypes: grants,
		RedirectURIs: in.RedirectUris, Scopes: in.Scopes, IssuerURL: text(in.IssuerUrl),
	})
	if err != nil {
		return nil, err
	}
	return &RegisterClientResponse{
		ClientId: &c.ID, ClientSecret: &secret,
		ClientIdIssuedAt: new(c.CreatedAt.Unix()), ClientSecretExpiresAt: new(c.ExpiresAt.Unix()),
		AuthorizationEndpoint: new(d.URL + "/authorize"), TokenEndpoint: new(d.URL + "/token"),
	}, nil
}

func (d *Door[P]) startDeviceAuthorization(ctx context.Context, _ *awswire.Call[P], in *StartDeviceAuthorizationRequest) (*StartDeviceAuthorizationResponse, error) {
	s, err := d.Grants.StartDevice(ctx, text(in.ClientId), text(in.ClientSecret), text(in.StartUrl))
	if err != nil {
		return nil, err
	}
	page := d.URL + "/device"
	return &StartDeviceAuthorizationResponse{
		DeviceCode: &s.DeviceCode, UserCode: &s.UserCode,
		VerificationUri: &page, VerificationUriComplete: new(page + "?user_code=" + url.QueryEscape(s.UserCode)),
		ExpiresIn: seconds(s.Life), Interval: seconds(s.Interval),
	}, nil
}

func (d *Door[P]) createToken(ctx context.Context, _ *awswire.Call[P], in *CreateTokenRequest) (*CreateTokenResponse, error) {
	i, err := d.exchange(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &CreateTokenResponse{AccessToken: &i.AccessToken, TokenType: new("Bearer"), ExpiresIn: seconds(i.Life)}
	if i.RefreshToken != "" {
		out.RefreshToken = &i.RefreshToken
	}
	return out, nil
}

// exchange sorts token requests by grant type. A member that the grant type needs and that is missing is invalid_request, so that it is never taken for an
// empty secret.
func (d *Door[P]) exchange(ctx context.Context, in *CreateTokenRequest) (signin.Issued, error) {
	id, secret := text(in.ClientId), text(in.ClientSecret)
	switch signin.GrantType(text(in.GrantType)) {
	case signin.GrantDeviceCode:
		if in.DeviceCode == nil {
			return signin.Issued{}, missing("deviceCode")
		}
		return d.Grants.ExchangeDevice(ctx, id, secret, *in.DeviceCode)
	case signin.GrantAuthorizationCode:
		if in.Code == nil || in.RedirectUri == nil || in.CodeVerifier == nil {
			return signin.Issued{}, missing("code, redirectUri and codeVerifier")
		}
		return d.Grants.ExchangeCode(ctx, id, secret, signin.CodeExchange{Code: *in.Code, RedirectURI: *in.RedirectUri, Verifier: *in.CodeVerifier})
	case signin.GrantRefreshToken:
		if in.RefreshToken == nil {
			return signin.Issued{}, missing("refreshToken")
		}
		return d.Grants.Refresh(ctx, id, secret, *in.RefreshToken)
	}
	return signin.Issued{}, fault.New(fault.Invalid, "the grant type is not supported").For(signin.UnsupportedGrantType)
}

// onApplication is what a policy names: the application that the caller acts as.
func (d *Door[P]) onApplication(_ context.Context, _ *awswire.Call[P], in *CreateTokenWithIAMRequest) (awswire.Target, error) {
	n, err := arn.ParseApplication(*in.ClientId)
	return awswire.On(arn.Application(n)), notAnApplication(err)
}

func notAnApplication(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Invalid, "clientId must be the ARN of an application: %s", fault.Shown(err)).For(signin.InvalidRequest)
}

func (d *Door[P]) createTokenWithIAM(ctx context.Context, c *awswire.Call[P], in *CreateTokenWithIAMRequest) (*CreateTokenWithIAMResponse, error) {
	n, err := arn.ParseApplication(*in.ClientId)
	if err != nil {
		return nil, notAnApplication(err)
	}
	i, err := d.Applications.CreateToken(ctx, c.Actor, propagation.Request{
		Application: n, Account: c.Actor.AccountID, GrantType: application.GrantType(*in.GrantType), Code: text(in.Code), RedirectURI: text(in.RedirectUri), CodeVerifier: text(in.CodeVerifier),
		RefreshToken: text(in.RefreshToken), Assertion: text(in.Assertion), SubjectToken: text(in.SubjectToken), SubjectTokenType: text(in.SubjectTokenType),
		RequestedToken: text(in.RequestedTokenType), Scopes: in.Scope,
	})
	if err != nil {
		return nil, err
	}
	out := &CreateTokenWithIAMResponse{
		AccessToken: &i.AccessToken, TokenType: new("Bearer"), ExpiresIn: seconds(i.Life), RefreshToken: awswire.Opt(i.RefreshToken), IdToken: awswire.Opt(i.IDToken),
		IssuedTokenType: &i.Type, Scope: i.Scopes,
	}
	if i.IdentityContext != "" {
		out.AwsAdditionalDetails = &AwsAdditionalDetails{IdentityContext: &i.IdentityContext}
	}
	return out, nil
}

func missing(members string) error {
	return fault.New(fault.Invalid, "this grant type needs %s", members).For(signin.InvalidRequest)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// seconds rounds down, so that nobody uses a token after its end.
func seconds(d time.Duration) *int32 { return new(int32(d / time.Second)) }
