package ssooidc_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/application"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/endpoint/ssooidc"
	"gatehouse/internal/fault"
	"gatehouse/internal/propagation"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

const (
	caller      = "arn:aws:iam::111122223333:role/app"
	wiki        = "arn:aws:sso::111122223333:application/ssoins-0123456789abcdef/apl-0123456789abcdef"
	notHis      = "arn:aws:sso::111122223333:application/ssoins-0123456789abcdef/apl-ffffffffffffffff"
	keyID       = "AKIAAPP"
	secret      = "the secret of the application's key"
	tokenTarget = "/token?aws_iam=t"
)

// keys knows one key, whose principal may act as the wiki alone.
type keys struct{}

func (keys) Credential(_ context.Context, id, token string) (awswire.Credential[string], error) {
	if id != keyID || token != "" {
		return awswire.Credential[string]{}, fault.New(fault.Unauthenticated, "no such key").For(awswire.ReasonUnknownKey)
	}
	return awswire.Credential[string]{Secret: secret, Principal: caller, Actor: audit.Actor{Kind: audit.Principal, ID: caller, AccountID: "111122223333"}}, nil
}

func (keys) Authorize(_ context.Context, principal string, a awswire.Access) error {
	if principal != caller || a.Action != "sso-oauth:CreateTokenWithIAM" || len(a.Resources) != 1 || a.Resources[0] != wiki {
		return fault.New(fault.Denied, "User: %s is not authorized to perform: %s", principal, a.Action)
	}
	return nil
}

// applications answers what it is told to, and remembers what it was asked.
type applications struct {
	by    audit.Actor
	asked propagation.Request
	out   propagation.Issued
	err   error
}

func (a *applications) CreateToken(_ context.Context, by audit.Actor, r propagation.Request) (propagation.Issued, error) {
	a.by, a.asked = by, r
	return a.out, a.err
}

// signed posts a body signed with the application's key, for a service.
func signed(t *testing.T, h http.Handler, now time.Time, service, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, signintest.ServerURL+tokenTarget, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if service != "" {
		if err := awswire.Sign(r, []byte(body), awswire.Key{ID: keyID, Secret: secret}, "us-east-1", service, now); err != nil {
			t.Fatal(err)
		}
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestCreateTokenWithIAMOnTheWire(t *testing.T) {
	t.Parallel()
	apps, now := &applications{}, func() time.Time { return time.Unix(1800000000, 0) }
	h := handler(t, now, ssooidc.Config{Applications: apps, URL: signintest.ServerURL})
	apps.out = propagation.Issued{AccessToken: "at", RefreshToken: "rt", Type: propagation.TypeAccessToken, Life: time.Hour, Scopes: []string{"aws", "openid"}, IDToken: "id", IdentityContext: "ctx"}
	rec := signed(t, h, now(), "sso-oauth", `{"clientId":"`+wiki+`","grantType":"authorization_code","code":"c","redirectUri":"u","codeVerifier":"v","refreshToken":"r","assertion":"a",
		"subjectToken":"s","subjectTokenType":"st","requestedTokenType":"rt","scope":["x","y"]}`)
	want := `{"accessToken":"at","tokenType":"Bearer","expiresIn":3600,"refreshToken":"rt","idToken":"id","issuedTokenType":"urn:ietf:params:oauth:token-type:access_token","scope":["aws","openid"],"awsAdditionalDetails":{"identityContext":"ctx"}}`
	if rec.Code != 200 || rec.Body.String() != want || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got  %d %s\nwant %s", rec.Code, rec.Body, want)
	}
	q := apps.asked
	if apps.by.ID != caller || q.Account != "111122223333" || q.Application.ID != "apl-0123456789abcdef" || q.GrantType != application.AuthorizationCode || q.Code != "c" || q.RedirectURI != "u" ||
		q.CodeVerifier != "v" || q.RefreshToken != "r" || q.Assertion != "a" || q.SubjectToken != "s" || q.SubjectTokenType != "st" || q.RequestedToken != "rt" || len(q.Scopes) != 2 {
		t.Errorf("asked by %+v: %+v", apps.by, q)
	}
	apps.out = propagation.Issued{AccessToken: "at", Type: propagation.TypeAccessToken, Life: time.Hour, Scopes: []string{"aws"}}
	rec = signed(t, h, now(), "sso-oauth", `{"clientId":"`+wiki+`","grantType":"refresh_token"}`)
	if want := `{"accessToken":"at","tokenType":"Bearer","expiresIn":3600,"issuedTokenType":"urn:ietf:params:oauth:token-type:access_token","scope":["aws"]}`; rec.Body.String() != want {
		t.Errorf("got %s", rec.Body)
	}
}

func TestCreateTokenWithIAMRefusals(t *testing.T) {
	t.Parallel()
	apps, now := &applications{}, func() time.Time { return time.Unix(1800000000, 0) }
	h := handler(t, now, ssooidc.Config{Applications: apps, URL: signintest.ServerURL})
	good := `{"clientId":"` + wiki + `","grantType":"refresh_token"}`
	for name, row := range map[string]struct {
		service, body string
		err           error
		status        int
		code, oauth   string
	}{
		"no signature":               {"", good, nil, 403, "MissingAuthenticationTokenException", ""},
		"signed for another":         {"sso", good, nil, 403, "InvalidSignatureException", ""},
		"another application":        {"sso-oauth", strings.Replace(good, wiki, notHis, 1), nil, 400, "AccessDeniedException", "access_denied"},
		"a client of a command line": {"sso-oauth", strings.Replace(good, wiki, "0123456789abcdef0123456789abcdef", 1), nil, 400, "InvalidRequestException", "invalid_request"},
		"no client":                  {"sso-oauth", `{"grantType":"refresh_token"}`, nil, 400, "InvalidRequestException", "invalid_request"},
		"no grant type":              {"sso-oauth", `{"clientId":"` + wiki + `"}`, nil, 400, "InvalidRequestException", "invalid_request"},
		"no JSON":                    {"sso-oauth", `<`, nil, 400, "InvalidRequestException", "invalid_request"},
		"an invalid grant":           {"sso-oauth", good, fault.New(fault.Invalid, "x").For(signin.InvalidGrant), 400, "InvalidGrantException", "invalid_grant"},
		"an unauthorized client":     {"sso-oauth", good, fault.New(fault.Invalid, "x").For(signin.UnauthorizedClient), 400, "UnauthorizedClientException", "unauthorized_client"},
		"a scope":                    {"sso-oauth", good, fault.New(fault.Invalid, "x").For(signin.InvalidScope), 400, "InvalidScopeException", "invalid_scope"},
		"an outage":                  {"sso-oauth", good, fault.New(fault.Unavailable, "x"), 500, "InternalServerException", "server_error"},
	} {
		apps.err = row.err
		rec := signed(t, h, now(), row.service, row.body)
		var body struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
			Message     string `json:"message"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %s", name, rec.Body)
		}
		if rec.Code != row.status || rec.Header().Get("x-amzn-ErrorType") != row.code || body.Error != row.oauth || body.Description+body.Message == "" {
			t.Errorf("%s: %d %s %s", name, rec.Code, rec.Header().Get("x-amzn-ErrorType"), rec.Body)
		}
	}
}
