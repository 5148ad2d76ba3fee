package apptest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/internal/access"
)

// shell is a command line that runs `aws login`: a key of its own, and what it was given.
type shell struct {
	w       *world
	key     *ecdsa.PrivateKey
	refresh string
}

const (
	sameDevice    = "arn:aws:signin:::devtools/same-device"
	shellRedirect = "http://127.0.0.1:49152/oauth/callback"
	shellVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkdBjftJeZ4CVP-mB92K27u"
)

// token asks the token endpoint, with a proof of the shell's key as botocore makes it.
func (s *shell) token(in map[string]string) (status int, code string, k keys) {
	w := s.w
	w.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	w.ok(err)
	proof, err := json.Marshal(map[string]any{"htm": "POST", "htu": w.URL + "/v1/token", "iat": w.Clock.Now().Unix(), "jti": rand.Text()})
	w.ok(err)
	signed, err := signer.Sign(proof)
	w.ok(err)
	header, err := signed.CompactSerialize()
	w.ok(err)
	in["clientId"] = sameDevice
	body, err := json.Marshal(in)
	w.ok(err)
	r, err := http.NewRequest("POST", w.URL+"/v1/token", bytes.NewReader(body))
	w.ok(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("DPoP", header)
	res, err := http.DefaultClient.Do(r)
	w.ok(err)
	defer res.Body.Close()
	var out struct {
		Error        string `json:"error"`
		AccessToken  struct{ AccessKeyID, SecretAccessKey, SessionToken string }
		RefreshToken string
		ExpiresIn    int
	}
	w.ok(json.NewDecoder(res.Body).Decode(&out))
	if res.StatusCode == http.StatusOK {
		s.refresh = out.RefreshToken
	}
	a := out.AccessToken
	return res.StatusCode, out.Error, keys{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey, SessionToken: a.SessionToken, Expiration: w.Clock.Now().Add(time.Duration(out.ExpiresIn) * time.Second)}
}

func (s *shell) renew() (status int, code string, k keys) {
	return s.token(map[string]string{"grantType": "refresh_token", "refreshToken": s.refresh})
}

// login runs `aws login` with who is signed in in the browser.
func (b *browser) login(account, role string) (*shell, keys) {
	w := b.w
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.ok(err)
	s := &shell{w: w, key: key}
	sum := sha256.Sum256([]byte(shellVerifier))
	q := url.Values{"response_type": {"code"}, "client_id": {sameDevice}, "redirect_uri": {shellRedirect}, "state": {"s"}, "scope": {"openid"},
		"code_challenge_method": {"SHA-256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "account": {account}}
	action, form := b.get("/v1/authorize?" + q.Encode()).form(w.t)
	form.Set("role", role)
	form.Set("decision", "allow")
	back, err := url.Parse(b.post(action, form).header.Get("Location"))
	w.ok(err)
	if back.Host != "127.0.0.1:49152" || back.Query().Get("state") != "s" {
		w.t.Fatalf("went to %s", back)
	}
	status, code, k := s.token(map[string]string{"grantType": "authorization_code", "code": back.Query().Get("code"), "redirectUri": shellRedirect, "codeVerifier": shellVerifier})
	if status != http.StatusOK {
		w.t.Fatalf("HTTP %d %s", status, code)
	}
	return s, k
}

// TestAWSLogin: what a person chooses in the browser, her command line gets, as long as she may and stays signed in.
func TestAWSLogin(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	w.grant("BobsOwn", access.Principal{Type: access.User, ID: w.user(bob).ID})
	account := w.Instance.OwnerAccountID
	b := w.browser()
	b.signIn(ann)

	s, k := b.login(account, "ReadOnly")
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusOK || !strings.Contains(body, "AWSReservedSSO_ReadOnly_") || !strings.Contains(body, "/ann@contoso.test</Arn>") {
		t.Errorf("HTTP %d %s", status, body)
	}
	if left := k.Expiration.Sub(w.Clock.Now()); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("the credentials last %s", left)
	}
	w.Clock.Move(15 * time.Minute)
	if status, _ := w.query(k, "sts", whoAmI); status != http.StatusForbidden {
		t.Errorf("after a quarter of an hour: HTTP %d", status)
	}
	status, code, k := s.renew()
	if status != http.StatusOK {
		t.Fatalf("HTTP %d %s", status, code)
	}
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusOK {
		t.Errorf("HTTP %d %s", status, body)
	}
	if got := w.events("signin:CreateOAuth2Token"); len(got) != 2 {
		t.Errorf("%d events of tokens, want 2", len(got))
	}

	// A key that is not the shell's gets nothing, and ends nothing.
	thief := &shell{w: w, refresh: s.refresh}
	var err error
	thief.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.ok(err)
	if status, code, _ := thief.renew(); status != http.StatusUnauthorized || code != "TOKEN_EXPIRED" {
		t.Errorf("a thief: HTTP %d %s", status, code)
	}
	if status, code, _ := s.renew(); status != http.StatusOK {
		t.Errorf("after a thief: HTTP %d %s", status, code)
	}

	// What is another's is not to be chosen.
	if p := b.get("/v1/authorize?" + url.Values{"response_type": {"code"}, "client_id": {sameDevice}, "redirect_uri": {shellRedirect}, "code_challenge_method": {"S256"},
		"code_challenge": {strings.Repeat("A", 43)}, "account": {account}}.Encode()); strings.Contains(p.body, "BobsOwn") || !strings.Contains(p.body, "ReadOnly") {
		t.Errorf("the choice is %s", text(p.body))
	}

	if status := b.api("POST", "/session/logout", nil, nil); status != http.StatusNoContent {
		t.Errorf("sign-out: HTTP %d", status)
	}
	if status, code, _ := s.renew(); status != http.StatusUnauthorized || code != "TOKEN_EXPIRED" {
		t.Errorf("after sign-out: HTTP %d %s", status, code)
	}

	b.signIn(ann)
	s, k = b.login(account, "ReadOnly")
	w.setActive(ann, false)
	if status, _ := w.query(k, "sts", whoAmI); status != http.StatusForbidden {
		t.Errorf("a disabled user's credentials: HTTP %d", status)
	}
	if status, _, _ := s.renew(); status != http.StatusUnauthorized {
		t.Errorf("a disabled user's refresh: HTTP %d", status)
	}
}

// TestAWSLoginEndsWithTheRole: entitlement is asked about with every answer.
func TestAWSLoginEndsWithTheRole(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	set := w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	account := w.Instance.OwnerAccountID
	b := w.browser()
	b.signIn(ann)
	s, _ := b.login(account, "ReadOnly")
	_, err := w.Access.Unassign(t.Context(), tester, access.RoleKey{AccountID: account, PermissionSetID: set.ID}, access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	w.ok(err)
	if status, code, _ := s.renew(); status != http.StatusForbidden || code != "INSUFFICIENT_PERMISSIONS" {
		t.Errorf("HTTP %d %s", status, code)
	}
}
