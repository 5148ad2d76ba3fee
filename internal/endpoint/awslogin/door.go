// Package awslogin is the token endpoint of AWS Sign-In, the API signin: where `aws login`, and the SDKs after it, get a person's credentials.
//
// # What it owns
//
// The wire only: POST /v1/token with a JSON or form body, in AWS's camel case or OAuth's snake case, a DPoP proof in the header, and the API's errors. The page where the person
// approves and chooses a role is package signinpages' (/v1/authorize); codes and refresh tokens are package signin's; whether the person is entitled to
// the role now is asked again with every answer.
//
// Nobody is authenticated by the wire: the clients have fixed ids and no secret. A code is good with its PKCE verifier; a refresh token with a proof of
// the key that was shown with the code (RFC 9449). The proof is required with the code too, because the token is bound to it.
//
// Start reading at [New].
package awslogin

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/signin"
	"gatehouse/internal/target"
)

// Logins is what this door asks of sign-in. *signin.Service has it.
type Logins interface {
	ExchangeLogin(ctx context.Context, clientID string, x signin.CodeExchange, p signin.Possession) (signin.Login, error)
	RefreshLogin(ctx context.Context, clientID, refreshToken string, p signin.Possession) (signin.Login, error)
}

// Config is what the door is made of; every field is required.
type Config struct {
	Logins Logins
	// Credentials returns credentials for the role in the account, for at most the time given: fault.Denied if the person is not entitled to it now.
	Credentials func(ctx context.Context, who signin.Identity, role signin.Role, most time.Duration) (target.Credentials, error)
	// Sign signs an ID token in the name of Issuer.
	Sign   func(ctx context.Context, claims any) (string, error)
	Issuer string
	// URL is the server's own, without a trailing slash.
	URL string
	Now func() time.Time
	Log *slog.Logger
}

// Path is where the handler of [New] is to be mounted.
const Path = "/v1/token"

// CredentialsLife is how long credentials last: AWS's fifteen minutes.
const CredentialsLife = 15 * time.Minute

// maxBody is far more than any request needs.
const maxBody = 64 << 10

type door struct{ Config }

// New returns the handler.
func New(c Config) http.Handler {
	d := door{c}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			d.refuse(w, r, "", fault.New(fault.Invalid, "use POST"))
			return
		}
		if r.URL.RawQuery != "" {
			d.refuse(w, r, "", fault.New(fault.Invalid, "this operation is not implemented; CreateOAuth2Token has no query"))
			return
		}
		in, err := d.read(w, r)
		if err != nil {
			d.refuse(w, r, "", err)
			return
		}
		out, err := d.createToken(r, in)
		if err == nil {
			w.Header().Set("Cache-Control", "no-store")
			err = awswire.WriteREST(w, audit.OriginOf(r.Context()).RequestID, out)
		}
		if err != nil {
			d.refuse(w, r, *in.GrantType, err)
		}
	})
}

// members are the input's, under the names that OAuth has for them.
var members = map[string]string{
	"client_id": "clientId", "grant_type": "grantType", "redirect_uri": "redirectUri", "code_verifier": "codeVerifier", "refresh_token": "refreshToken",
}

func (d door) read(w http.ResponseWriter, r *http.Request) (*CreateOAuth2TokenRequest, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the body could not be read or is longer than %d bytes", maxBody).Because(err)
	}
	fields := map[string]jsontext.Value{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fault.New(fault.Invalid, "the body is not a form").Because(err)
		}
		for name, values := range form {
			if len(values) != 1 { // RFC 6749 §3.2
				return nil, fault.New(fault.Invalid, "a parameter is given twice")
			}
			if fields[name], err = json.Marshal(values[0]); err != nil {
				return nil, fault.New(fault.Invalid, "the form is not UTF-8").Because(err)
			}
		}
	} else if err := json.Unmarshal(body, &fields); err != nil {
		return nil, fault.New(fault.Invalid, "the body is not a JSON object").Because(err)
	}
	for theirs, ours := range members {
		v, there := fields[theirs]
		if !there {
			continue
		}
		if _, twice := fields[ours]; twice {
			return nil, fault.New(fault.Invalid, "%s is given twice", ours)
		}
		fields[ours] = v
	}
	if body, err = json.Marshal(fields); err != nil {
		return nil, fault.New(fault.Invalid, "the body is not a JSON object").Because(err)
	}
	in := new(CreateOAuth2TokenRequest)
	if err := awswire.DecodeJSON(body, in); err != nil {
		return nil, err
	}
	return in, awswire.Valid(in)
}

// createToken exchanges what the client has for credentials.
func (d door) createToken(r *http.Request, in *CreateOAuth2TokenRequest) (*CreateOAuth2TokenResponse, error) {
	ctx := r.Context()
	shown := r.Header.Values("DPoP")
	if len(shown) != 1 { // RFC 9449 §4.3
		return nil, fault.New(fault.Invalid, "the request needs one header DPoP with a proof of the client's key").For(jwt.InvalidProof)
	}
	proof, err := jwt.VerifyProof(shown[0], http.MethodPost, d.URL+Path, d.Now())
	if err != nil {
		return nil, err
	}
	has := signin.Possession{Thumbprint: proof.Thumbprint, ID: proof.ID, Until: proof.Until}
	var got signin.Login
	first := *in.GrantType == "authorization_code"
	switch {
	case first && (in.Code == nil || in.RedirectUri == nil || in.CodeVerifier == nil):
		return nil, fault.New(fault.Invalid, "authorization_code needs code, redirectUri and codeVerifier")
	case first:
		got, err = d.Logins.ExchangeLogin(ctx, *in.ClientId, signin.CodeExchange{Code: *in.Code, RedirectURI: *in.RedirectUri, Verifier: *in.CodeVerifier}, has)
	case in.RefreshToken == nil:
		return nil, fault.New(fault.Invalid, "refresh_token needs refreshToken")
	default:
		got, err = d.Logins.RefreshLogin(ctx, *in.ClientId, *in.RefreshToken, has)
	}
	if err != nil {
		return nil, err
	}
	c, err := d.Credentials(ctx, got.Who, got.Role, CredentialsLife)
	if err != nil {
		return nil, err
	}
	out := &CreateOAuth2TokenResponse{
		AccessToken: &AccessToken{AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.SecretAccessKey, SessionToken: &c.SessionToken},
		TokenType:   new("aws_sigv4"), ExpiresIn: new(int32(c.Expires.Sub(d.Now()) / time.Second)), RefreshToken: &got.RefreshToken,
	}
	if first {
		token, err := d.idToken(ctx, *in.ClientId, c)
		if err != nil {
			return nil, err
		}
		out.IdToken = &token
	}
	return out, nil
}

// idClaims is what an ID token says: clients read the role session's ARN off it, and name the profile by it.
type idClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Session  string `json:"session_arn"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

func (d door) idToken(ctx context.Context, clientID string, c target.Credentials) (string, error) {
	return d.Sign(ctx, idClaims{Issuer: d.Issuer, Subject: c.RoleARN, Audience: clientID, Session: c.RoleARN, IssuedAt: d.Now().Unix(), Expires: c.Expires.Unix()})
}
