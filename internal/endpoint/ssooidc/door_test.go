package ssooidc_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/awswire"
	"gatehouse/internal/endpoint/ssooidc"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

// client speaks the wire with a handler.
type client struct {
	t testing.TB
	h http.Handler
}

func newDoor(t testing.TB) (signintest.World, client) {
	t.Helper()
	w := signintest.New(t)
	return w, client{t, handler(t, w.Clock.Now, ssooidc.Config{Grants: w.Service, Applications: &applications{}, URL: signintest.ServerURL})}
}

// handler mounts the door as the server does. Principals are their own ARNs; one key is known.
func handler(t testing.TB, now func() time.Time, c ssooidc.Config) http.Handler {
	t.Helper()
	rt, err := awswire.NewRouter(awswire.Config[string]{
		Verifier: &awswire.Verifier[string]{Authenticator: keys{}, Regions: []string{"us-east-1"}, Now: now}, Authorizer: keys{}, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, ssooidc.New[string](c).Service())
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

type object = map[string]any

// post sends v (a string is sent as it is) and returns the answer.
func (c client) post(path string, v any) (status int, header http.Header, body object) {
	c.t.Helper()
	raw, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			c.t.Fatal(err)
		}
		raw = string(b)
	}
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	c.h.ServeHTTP(rec, r)
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		c.t.Fatalf("%s %s: status %d, body %q: %v", path, raw, rec.Code, rec.Body, err)
	}
	if got := rec.Header().Get("Content-Type"); got != "application/json" {
		c.t.Errorf("Content-Type %q", got)
	}
	if got := rec.Header().Get("Cache-Control"); got != "no-store" {
		c.t.Errorf("RFC 6749 §5.1: Cache-Control %q", got)
	}
	return rec.Code, rec.Header(), body
}

// must posts and wants 200.
func (c client) must(path string, v any) object {
	c.t.Helper()
	status, _, body := c.post(path, v)
	if status != http.StatusOK {
		c.t.Fatalf("%s: %d %v", path, status, body)
	}
	return body
}

// refused posts and wants an error: status, name in the header, OAuth's code in the body (contract §5.1).
func (c client) refused(path string, v any, status int, name, code string) {
	c.t.Helper()
	got, header, body := c.post(path, v)
	if got != status || header.Get("x-amzn-ErrorType") != name || body["error"] != code || body["error_description"] == "" {
		c.t.Errorf("%s %v: got %d %s %v, want %d %s %s", path, v, got, header.Get("x-amzn-ErrorType"), body, status, name, code)
	}
}

func deviceRegistration() object {
	return object{"clientName": "botocore-client-dev", "clientType": "public", "scopes": []string{"sso:account:access"}}
}

func TestDeviceFlowOnTheWire(t *testing.T) {
	t.Parallel()
	w, c := newDoor(t)
	reg := c.must("/client/register", deviceRegistration())
	issued, expires := reg["clientIdIssuedAt"].(float64), reg["clientSecretExpiresAt"].(float64)
	if int64(issued) != w.Clock.Now().Unix() || time.Duration(expires-issued)*time.Second != signin.ClientLife {
		t.Errorf("registration from %v to %v: want epoch seconds", issued, expires)
	}
	id, secret := reg["clientId"], reg["clientSecret"]
	dev := c.must("/device_authorization", object{"clientId": id, "clientSecret": secret, "startUrl": signintest.StartURL})
	if dev["expiresIn"] != 600.0 || dev["interval"] != 1.0 || dev["verificationUri"] != signintest.ServerURL+"/device" ||
		dev["verificationUriComplete"] != signintest.ServerURL+"/device?user_code="+dev["userCode"].(string) {
		t.Errorf("got %v", dev)
	}
	poll := object{"clientId": id, "clientSecret": secret, "deviceCode": dev["deviceCode"], "grantType": "urn:ietf:params:oauth:grant-type:device_code"}
	for range 2 {
		c.refused("/token", poll, 400, "AuthorizationPendingException", "authorization_pending")
	}
	_, alice := w.SignIn(t, signintest.Alice)
	if _, err := w.DecideDevice(t.Context(), alice, dev["userCode"].(string), true); err != nil {
		t.Fatal(err)
	}
	tok := c.must("/token", poll)
	if tok["tokenType"] != "Bearer" || tok["expiresIn"] != 3600.0 || tok["idToken"] != nil {
		t.Errorf("got %v", tok)
	}
	if _, err := w.Bearer(t.Context(), tok["accessToken"].(string)); err != nil {
		t.Error(err)
	}
	c.refused("/token", poll, 400, "InvalidGrantException", "invalid_grant")

	refresh := object{"clientId": id, "clientSecret": secret, "refreshToken": tok["refreshToken"], "grantType": "refresh_token", "scope": []string{"ignored"}}
	again := c.must("/token", refresh)
	if s, _ := again["refreshToken"].(string); s == "" {
		t.Error("a refresh without refreshToken makes SDKs forget theirs (contract §0.12)")
	}
}

func TestALegacyRegistrationGetsNoRefreshToken(t *testing.T) {
	t.Parallel()
	w, c := newDoor(t)
	reg := c.must("/client/register", object{"clientName": "botocore-client-1", "clientType": "public"})
	dev := c.must("/device_authorization", object{"clientId": reg["clientId"], "clientSecret": reg["clientSecret"], "startUrl": signintest.StartURL})
	_, alice := w.SignIn(t, signintest.Alice)
	if _, err := w.DecideDevice(t.Context(), alice, dev["userCode"].(string), true); err != nil {
		t.Fatal(err)
	}
	tok := c.must("/token", object{"clientId": reg["clientId"], "clientSecret": reg["clientSecret"], "deviceCode": dev["deviceCode"], "grantType": "urn:ietf:params:oauth:grant-type:device_code"})
	if _, there := tok["refreshToken"]; there || tok["expiresIn"] != signin.DefaultSessionLength.Seconds() {
		t.Errorf("got %v", tok)
	}
}

func TestErrorsOnTheWire(t *testing.T) {
	t.Parallel()
	w, c := newDoor(t)
	reg := c.must("/client/register", deviceRegistration())
	id, secret := reg["clientId"], reg["clientSecret"]
	dev := func() object {
		return c.must("/device_authorization", object{"clientId": id, "clientSecret": secret, "startUrl": signintest.StartURL})
	}
	token := func(code any) object {
		return object{"clientId": id, "clientSecret": secret, "deviceCode": code, "grantType": "urn:ietf:params:oauth:grant-type:device_code"}
	}
	with := func(o object, k string, v any) object {
		n := object{}
		for key, val := range o {
			n[key] = val
		}
		if n[k] = v; v == nil {
			delete(n, k)
		}
		return n
	}
	c.refused("/client/register", with(deviceRegistration(), "clientType", "confidential"), 400, "InvalidClientMetadataException", "invalid_client_metadata")
	c.refused("/client/register", with(deviceRegistration(), "clientName", nil), 400, "InvalidRequestException", "invalid_request")
	c.refused("/client/register", with(deviceRegistration(), "scopes", []string{"x"}), 400, "InvalidScopeException", "invalid_scope")
	c.refused("/client/register", with(deviceRegistration(), "grantTypes", []string{"password"}), 400, "UnsupportedGrantTypeException", "unsupported_grant_type")
	c.refused("/client/register", with(deviceRegistration(), "redirectUris", []string{"https://evil.example"}), 400, "InvalidRedirectUriException", "invalid_redirect_uri")
	c.refused("/client/register", with(deviceRegistration(), "entitledApplicationArn", "arn:aws:sso::1:application/x"), 400, "InvalidRequestException", "invalid_request")
	c.refused("/device_authorization", object{"clientId": id, "clientSecret": "x", "startUrl": signintest.StartURL}, 401, "InvalidClientException", "invalid_client")
	c.refused("/device_authorization", object{"clientId": id, "clientSecret": secret, "startUrl": "https://x.awsapps.com/start"}, 400, "InvalidRequestException", "invalid_request")
	c.refused("/token", with(token("x"), "grantType", "password"), 400, "UnsupportedGrantTypeException", "unsupported_grant_type")
	c.refused("/token", with(token("x"), "deviceCode", nil), 400, "InvalidRequestException", "invalid_request")
	c.refused("/token", with(token("x"), "clientSecret", "x"), 401, "InvalidClientException", "invalid_client")
	c.refused("/token", token("x"), 400, "InvalidGrantException", "invalid_grant")
	c.refused("/token", object{"clientId": id, "clientSecret": secret, "grantType": "authorization_code", "code": "x", "redirectUri": "x", "codeVerifier": "x"}, 400, "UnauthorizedClientException", "unauthorized_client")

	_, alice := w.SignIn(t, signintest.Alice)
	denied := dev()
	if _, err := w.DecideDevice(t.Context(), alice, denied["userCode"].(string), false); err != nil {
		t.Fatal(err)
	}
	c.refused("/token", token(denied["deviceCode"]), 400, "AccessDeniedException", "access_denied")
	late := dev()
	for range 20 {
		c.post("/token", token(late["deviceCode"]))
	}
	c.refused("/token", token(late["deviceCode"]), 400, "SlowDownException", "slow_down")
	w.Clock.Pass(signin.DeviceLife)
	c.refused("/token", token(late["deviceCode"]), 400, "ExpiredTokenException", "expired_token")
}

func TestAnOutageShowsNothing(t *testing.T) {
	t.Parallel()
	w, c := newDoor(t)
	reg := c.must("/client/register", deviceRegistration())
	dev := c.must("/device_authorization", object{"clientId": reg["clientId"], "clientSecret": reg["clientSecret"], "startUrl": signintest.StartURL})
	_, alice := w.SignIn(t, signintest.Alice)
	if _, err := w.DecideDevice(t.Context(), alice, dev["userCode"].(string), true); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{errors.New("dial tcp 10.0.0.7"), fault.New(fault.Unavailable, "away")} {
		w.People.Break(err)
		status, header, body := c.post("/token", object{"clientId": reg["clientId"], "clientSecret": reg["clientSecret"], "deviceCode": dev["deviceCode"], "grantType": "urn:ietf:params:oauth:grant-type:device_code"})
		if status != 500 || header.Get("x-amzn-ErrorType") != "InternalServerException" || body["error"] != "server_error" || strings.Contains(body["error_description"].(string), "10.0.0.7") {
			t.Errorf("got %d %v %v", status, header, body)
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	w, c := newDoor(t)
	before := w.Store.Rows()
	for name, body := range map[string]string{
		"empty":           "",
		"null":            "null",
		"a list":          "[]",
		"a number":        "1",
		"cut off":         `{"clientName":"x"`,
		"two values":      `{"clientName":"x","clientType":"public"}{}`,
		"a name twice":    `{"clientName":"x","clientType":"public","clientType":"public"}`,
		"a wrong type":    `{"clientName":1,"clientType":"public"}`,
		"scopes a string": `{"clientName":"x","clientType":"public","scopes":"sso:account:access"}`,
		"not UTF-8":       "{\"clientName\":\"\xff\",\"clientType\":\"public\"}",
		"Go's case":       `{"ClientName":"x","ClientType":"public"}`,
		"form encoded":    "clientName=x&clientType=public",
		"deep":            strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000),
		"huge":            `{"clientName":"` + strings.Repeat("x", 1<<20) + `","clientType":"public"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := client{t, c.h}
			c.refused("/client/register", body, 400, "InvalidRequestException", "invalid_request")
		})
	}
	if w.Store.Rows() != before {
		t.Error("something was written")
	}
}

func TestOtherMethodsAndPaths(t *testing.T) {
	t.Parallel()
	_, c := newDoor(t)
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/token", nil), httptest.NewRequest(http.MethodPost, "/other", nil), httptest.NewRequest(http.MethodPut, "/client/register", nil),
	} {
		rec := httptest.NewRecorder()
		c.h.ServeHTTP(rec, r)
		if rec.Code < 400 || rec.Code >= 500 {
			t.Errorf("%s %s: %d", r.Method, r.URL, rec.Code)
		}
	}
}

func TestHeadOfStartLeadsToTheAWSLookingURL(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(ssooidc.StartAlias(signintest.StartURL))
	defer s.Close()
	noFollow := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := noFollow.Head(s.URL + "/start")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusFound || res.Header.Get("Location") != signintest.StartURL {
		t.Errorf("got %d %q", res.StatusCode, res.Header.Get("Location"))
	}
}

var paths = [...]string{"/client/register", "/device_authorization", "/token"}

// FuzzBodies: whatever is sent, the answer is JSON with an error name, never 500, and never a token.
func FuzzBodies(f *testing.F) {
	for _, s := range []string{
		"", "null", "{}", `{"clientName":"x","clientType":"public","grantTypes":["authorization_code"],"redirectUris":["http://[::1]:1/%zz"]}`,
		`{"clientId":"x","clientSecret":"x","grantType":"refresh_token","refreshToken":""}`, "{\"clientName\":\"\\ud800\",\"clientType\":\"public\"}",
	} {
		for path := range uint8(3) {
			f.Add(path, []byte(s))
		}
	}
	_, c := newDoor(f)
	f.Fuzz(func(t *testing.T, path uint8, body []byte) {
		rec := httptest.NewRecorder()
		p := paths[int(path)%len(paths)]
		c.h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, p, bytes.NewReader(body)))
		answer, err := io.ReadAll(rec.Body)
		if err != nil || !json.Valid(answer) || rec.Code >= 500 {
			t.Fatalf("%s %q: %d %q", p, body, rec.Code, answer)
		}
		if rec.Code != http.StatusOK && rec.Header().Get("x-amzn-ErrorType") == "" {
			t.Fatalf("%s %q: %d without a name", p, body, rec.Code)
		}
		if rec.Code == http.StatusOK && p != "/client/register" {
			t.Fatalf("%s %q was accepted: %q", p, body, answer)
		}
	})
}
