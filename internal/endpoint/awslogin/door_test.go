package awslogin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
	"gatehouse/internal/target"
)

const (
	address  = "https://gatehouse.test/v1/token"
	redirect = "http://127.0.0.1:49152/oauth/callback"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkdBjftJeZ4CVP-mB92K27u"
)

// shell is a command line with a key, in front of the door.
type shell struct {
	t *testing.T
	signintest.World
	door   http.Handler
	key    *ecdsa.PrivateKey
	who    signin.Identity
	secret string
	// refuses is what asking for credentials answers, if not nil.
	refuses *error
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, World: signintest.New(t), key: newKey(t), refuses: new(error)}
	s.secret, s.who = s.SignIn(t, signintest.Alice)
	s.door = New(Config{
		Logins: s.Service, URL: "https://gatehouse.test", Issuer: "https://gatehouse.test/oidc/signin", Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler),
		Sign: func(_ context.Context, claims any) (string, error) {
			b, err := json.Marshal(claims)
			return "e30." + base64.RawURLEncoding.EncodeToString(b) + ".AA", err
		},
		Credentials: func(_ context.Context, who signin.Identity, role signin.Role, most time.Duration) (target.Credentials, error) {
			if *s.refuses != nil {
				return target.Credentials{}, *s.refuses
			}
			return target.Credentials{AccessKeyID: "ASIA" + role.AccountID, SecretAccessKey: "secret", SessionToken: "token", Expires: s.Clock.Now().Add(most),
				RoleARN: arn.AssumedRole(role.AccountID, role.Name, who.User.UserName)}, nil
		},
	})
	return s
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// proof makes a proof as botocore does, for an address, with an id.
func (s *shell) proof(key *ecdsa.PrivateKey, htu, jti string) string {
	s.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		s.t.Fatal(err)
	}
	payload, _ := json.Marshal(map[string]any{"htm": "POST", "htu": htu, "iat": s.Clock.Now().Unix(), "jti": jti})
	signed, err := signer.Sign(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *shell) code() string {
	s.t.Helper()
	sum := sha256.Sum256([]byte(verifier))
	code, err := s.AuthorizeLogin(s.t.Context(), s.who, signin.LoginRequest{ResponseType: "code", ClientID: signin.SameDevice, RedirectURI: redirect, State: "s",
		Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), ChallengeMethod: "SHA-256", Scope: "openid"}, signin.Role{AccountID: "111122223333", Name: "Admin"})
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// send posts a JSON body, or a form, with headers.
func (s *shell) send(body any, proofs ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	kind, text := "application/json", ""
	switch b := body.(type) {
	case url.Values:
		kind, text = "application/x-www-form-urlencoded", b.Encode()
	case string:
		text = b
	default:
		j, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		text = string(j)
	}
	r := httptest.NewRequest("POST", address, strings.NewReader(text))
	r.Header.Set("Content-Type", kind)
	for _, p := range proofs {
		r.Header.Add("DPoP", p)
	}
	w := httptest.NewRecorder()
	s.door.ServeHTTP(w, r)
	return w
}

func (s *shell) fresh() string { return s.proof(s.key, address, rand.Text()) }

type tokens struct {
	AccessToken                      struct{ AccessKeyId, SecretAccessKey, SessionToken string }
	TokenType, RefreshToken, IdToken string
	ExpiresIn                        int
}

func (s *shell) got(w *httptest.ResponseRecorder) (out tokens) {
	s.t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		s.t.Fatalf("got %d %s, %v", w.Code, w.Body, err)
	}
	return out
}

func (s *shell) refused(what string, w *httptest.ResponseRecorder, status int, name, code string) {
	s.t.Helper()
	var body struct{ Error, Message string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != status || w.Header().Get("x-amzn-ErrorType") != name || body.Error != code || body.Message == "" {
		s.t.Errorf("%s: got %d %s %s, want %d %s %s", what, w.Code, w.Header().Get("x-amzn-ErrorType"), w.Body, status, name, code)
	}
}

func first(code string) map[string]string {
	return map[string]string{"clientId": signin.SameDevice, "grantType": "authorization_code", "code": code, "redirectUri": redirect, "codeVerifier": verifier}
}

func later(token string) map[string]string {
	return map[string]string{"clientId": signin.SameDevice, "grantType": "refresh_token", "refreshToken": token}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	got := s.got(s.send(first(s.code()), s.fresh()))
	if got.AccessToken.AccessKeyId != "ASIA111122223333" || got.AccessToken.SecretAccessKey != "secret" || got.AccessToken.SessionToken != "token" || got.TokenType != "aws_sigv4" || got.ExpiresIn != 900 {
		t.Errorf("got %+v", got)
	}
	// What the AWS CLI reads off the ID token: three parts, and the ARN with the account in "sub".
	parts := strings.Split(got.IdToken, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || len(parts) != 3 || json.Unmarshal(payload, &claims) != nil || claims["sub"] != "arn:aws:sts::111122223333:assumed-role/Admin/alice@example.com" || claims["aud"] != signin.SameDevice {
		t.Errorf("the ID token says %s, %v", payload, err)
	}
	next := s.got(s.send(later(got.RefreshToken), s.fresh()))
	if next.IdToken != "" || next.RefreshToken == got.RefreshToken {
		t.Errorf("got %+v", next)
	}
	// OAuth's own spelling, as JSON and as a form.
	next = s.got(s.send(map[string]string{"client_id": signin.SameDevice, "grant_type": "refresh_token", "refresh_token": next.RefreshToken}, s.fresh()))
	next = s.got(s.send(url.Values{"client_id": {signin.SameDevice}, "grant_type": {"refresh_token"}, "refresh_token": {next.RefreshToken}}, s.fresh()))
	s.got(s.send(later(next.RefreshToken), s.proof(s.key, "https://GATEHOUSE.test:443/v1/token", "other spelling")))
}

// TestWhatBuysNothing: each is one way in that must stay shut.
func TestWhatBuysNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	const bad, denied = "ValidationException", "AccessDeniedException"
	without := func(m map[string]string, name string) map[string]string { delete(m, name); return m }
	with := func(m map[string]string, name, value string) map[string]string { m[name] = value; return m }
	code := s.code()
	thief := newKey(t)
	s.refused("no proof", s.send(first(code)), 400, bad, "INVALID_REQUEST")
	s.refused("two proofs", s.send(first(code), s.fresh(), s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("a proof for another server", s.send(first(code), s.proof(s.key, "https://evil.test/v1/token", "1")), 400, bad, "INVALID_REQUEST")
	s.refused("a proof for another path", s.send(first(code), s.proof(s.key, "https://gatehouse.test/token", "2")), 400, bad, "INVALID_REQUEST")
	s.refused("no verifier", s.send(without(first(code), "codeVerifier"), s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("a short verifier", s.send(with(first(code), "codeVerifier", "short"), s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("another verifier", s.send(with(first(code), "codeVerifier", verifier[1:]+"x"), s.fresh()), 401, denied, "AUTHCODE_EXPIRED")
	s.refused("no redirect", s.send(without(first(code), "redirectUri"), s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("another redirect", s.send(with(first(code), "redirectUri", "http://127.0.0.1:1/oauth/callback"), s.fresh()), 401, denied, "AUTHCODE_EXPIRED")
	s.refused("another client", s.send(with(first(code), "clientId", signin.CrossDevice), s.fresh()), 401, denied, "AUTHCODE_EXPIRED")
	s.refused("no such client", s.send(with(first(code), "clientId", "arn:aws:signin:::devtools/evil"), s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("another grant", s.send(with(first(code), "grantType", "password"), s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("no body", s.send("", s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("no object", s.send("[]", s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("null members", s.send(`{"clientId":null,"grantType":null}`, s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("numbers", s.send(`{"clientId":1,"grantType":2}`, s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("a member twice", s.send(`{"clientId":"a","clientId":"b","grantType":"refresh_token"}`, s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("a member in both spellings", s.send(with(later("x"), "refresh_token", "y"), s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("a form's parameter twice", s.send(url.Values{"client_id": {signin.SameDevice, signin.CrossDevice}, "grant_type": {"refresh_token"}}, s.fresh()), 400, bad, "INVALID_REQUEST")
	s.refused("a huge body", s.send(strings.Repeat("x", maxBody+1), s.fresh()), 400, bad, "INVALID_REQUEST")

	proof := s.fresh()
	got := s.got(s.send(first(code), proof))
	s.refused("a proof shown again", s.send(later(got.RefreshToken), proof), 400, bad, "INVALID_REQUEST")
	s.refused("a proof of another key", s.send(later(got.RefreshToken), s.proof(thief, address, "3")), 401, denied, "TOKEN_EXPIRED")
	s.refused("an unknown token", s.send(later("ASORnone"), s.fresh()), 401, denied, "TOKEN_EXPIRED")
	s.refused("the code again", s.send(first(code), s.fresh()), 401, denied, "AUTHCODE_EXPIRED")
	s.refused("what the code bought, after", s.send(later(got.RefreshToken), s.fresh()), 401, denied, "TOKEN_EXPIRED")

	got = s.got(s.send(first(s.code()), s.fresh()))
	*s.refuses = fault.New(fault.Denied, "No access")
	s.refused("a role that is no more hers", s.send(later(got.RefreshToken), s.fresh()), 403, denied, "INSUFFICIENT_PERMISSIONS")
	*s.refuses = errors.New("secret of the database")
	if w := s.send(first(s.code()), s.fresh()); w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	*s.refuses = nil

	got = s.got(s.send(first(s.code()), s.fresh()))
	code = s.code()
	s.People.Switch(signintest.Alice, false)
	s.refused("a disabled user's token", s.send(later(got.RefreshToken), s.fresh()), 401, denied, "TOKEN_EXPIRED")
	w := s.send(first(code), s.fresh())
	if w.Code != 401 && w.Code != 403 {
		t.Errorf("a disabled user's code: %d %s", w.Code, w.Body)
	}

	r := httptest.NewRequest("GET", address, nil)
	get := httptest.NewRecorder()
	s.door.ServeHTTP(get, r)
	s.refused("GET", get, 400, bad, "INVALID_REQUEST")
	r = httptest.NewRequest("POST", address+"?x-amz-client-auth-method=iam", strings.NewReader("{}"))
	iam := httptest.NewRecorder()
	s.door.ServeHTTP(iam, r)
	s.refused("CreateOAuth2TokenWithIAM", iam, 400, bad, "INVALID_REQUEST")
}
