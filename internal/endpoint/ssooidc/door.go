// Package ssooidc is the API sso-oidc: how a command line gets tokens.
//
// # What it owns
//
// The wire only: POST /client/register, /device_authorization and /token with JSON bodies in camel case, and OAuth's errors in AWS's clothes.
// The rules are package signin's. The pages that people see on the way (/device, /authorize) are package signinpages'.
//
// # Errors
//
// The AWS CLI knows an error by the header x-amzn-ErrorType; the body holds OAuth's own fields (RFC 6749 §5.2). The one table
// is in errors.go. Nobody is authenticated by the wire: a client shows its id and secret in the body, and these operations are never signed.
//
// # Not here
//
// CreateTokenWithIAM (/token?aws_iam=t), which exchanges tokens for applications: it answers invalid_request and says so.
//
// Start reading at [New].
package ssooidc

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
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

// Config is what the door is made of; every field is required.
type Config struct {
	Grants Grants
	// URL is the server's own, without a trailing slash: http://127.0.0.1:8080. People are sent to /device and /authorize below it.
	URL string
	Log *slog.Logger
}

// Paths are where the handler of [New] is to be mounted, for the method POST.
var Paths = [...]string{"/client/register", "/device_authorization", "/token"}

// New returns the handler of all operations.
func New(c Config) http.Handler {
	d := door{c}
	mux := http.NewServeMux()
	mux.Handle("POST /client/register", operation(d, d.registerClient))
	mux.Handle("POST /device_authorization", operation(d, d.startDeviceAuthorization))
	mux.Handle("POST /token", operation(d, d.createToken))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.refuse(w, r, fault.New(fault.Invalid, "there is no such operation; use POST"))
	})
	return mux
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

type door struct{ Config }

// maxBody is far more than any request needs.
const maxBody = 64 << 10

// operation is the adapter of every operation: it reads and checks the input, and writes the output or the error.
func operation[I any, O any, P interface {
	*I
	awswire.Checker
}](d door, f func(context.Context, *I) (*O, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("aws_iam") {
			d.refuse(w, r, fault.New(fault.Invalid, "CreateTokenWithIAM is not implemented"))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			d.refuse(w, r, fault.New(fault.Invalid, "the body could not be read or is longer than %d bytes", maxBody).Because(err))
			return
		}
		in := new(I)
		if err := awswire.DecodeREST(r, body, P(in)); err != nil {
			d.refuse(w, r, err)
			return
		}
		if err := awswire.Valid(P(in)); err != nil {
			d.refuse(w, r, err)
			return
		}
		out, err := f(r.Context(), in)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		if err := awswire.WriteREST(w, audit.OriginOf(r.Context()).RequestID, out); err != nil {
			d.refuse(w, r, err)
		}
	})
}

func (d door) registerClient(ctx context.Context, in *RegisterClientRequest) (*RegisterClientResponse, error) {
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

func (d door) startDeviceAuthorization(ctx context.Context, in *StartDeviceAuthorizationRequest) (*StartDeviceAuthorizationResponse, error) {
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

func (d door) createToken(ctx context.Context, in *CreateTokenRequest) (*CreateTokenResponse, error) {
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
func (d door) exchange(ctx context.Context, in *CreateTokenRequest) (signin.Issued, error) {
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
