package sts

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/localiam"
)

const idp = "https://idp.example.com/realm"

// web stands for the servers outside: documents by address. What is not there does not answer.
type web struct {
	mu    sync.Mutex
	docs  map[string]string
	asked int
}

func (w *web) get(_ context.Context, address string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	doc, ok := w.docs[address]
	if !ok {
		return nil, fault.New(fault.Unavailable, "no answer")
	}
	return []byte(doc), nil
}

// publish makes an issuer with a key.
func (w *web) publish(t *testing.T, issuer string, keys ...jwt.PrivateKey) {
	t.Helper()
	var public [][]byte
	for _, k := range keys {
		b, err := k.Public()
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, b)
	}
	set, err := jwt.KeySet(public...)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs[issuer+"/.well-known/openid-configuration"] = fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, issuer+"/keys")
	w.docs[issuer+"/keys"] = string(set)
}

// federated is a bench whose account has the provider idp, for the client "app", and a key of the provider's.
type federated struct {
	*bench
	web *web
	key jwt.PrivateKey
}

var key = sync.OnceValues(func() (jwt.PrivateKey, error) { return jwt.NewPrivateKey(jwt.RS256) })

func newFederated(t *testing.T) *federated {
	t.Helper()
	f := &federated{web: &web{docs: map[string]string{}}}
	var err error
	if f.key, err = key(); err != nil {
		t.Fatal(err)
	}
	f.bench = newBench(t, nil, func(c *localiam.Config) { c.Identities = jwt.NewKeyring(f.web.get, c.Now) })
	f.bench.key.ID = "" // nobody signs
	f.web.publish(t, idp, f.key)
	f.provider(idp, "app")
	return f
}

func (f *federated) provider(url string, clients ...string) {
	f.t.Helper()
	if _, err := f.iam.CreateOIDCProvider(f.t.Context(), audit.Gatehouse, localiam.OIDCProvider{AccountID: account, URL: url, ClientIDs: clients}); err != nil {
		f.t.Fatal(err)
	}
}

// trusting makes a role with a statement of trust; %s in it is the provider's ARN.
func (f *federated) trusting(name, statement string) {
	f.t.Helper()
	doc := `{"Version":"2012-10-17","Statement":[` + strings.ReplaceAll(statement, "%s", "arn:aws:iam::"+account+":oidc-provider/idp.example.com/realm") + `]}`
	if _, err := f.iam.CreateRole(f.t.Context(), audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: name}, TrustPolicy: doc}); err != nil {
		f.t.Fatal(err)
	}
}

// claims are those of a good token, changed.
func (f *federated) claims(changes ...any) map[string]any {
	now := f.clock.now().Unix()
	c := map[string]any{"iss": idp, "aud": "app", "sub": "system:serviceaccount:ns:sa", "iat": now, "exp": now + 600}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(c, changes[i].(string))
		} else {
			c[changes[i].(string)] = changes[i+1]
		}
	}
	return c
}

func (f *federated) token(changes ...any) string {
	f.t.Helper()
	token, err := jwt.Sign(f.key, f.claims(changes...))
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

func asking(role, token string, more ...string) []string {
	return append([]string{"RoleArn", "arn:aws:iam::" + account + ":role/" + role, "RoleSessionName", "pod-7", "WebIdentityToken", token}, more...)
}

const trustsAudAndSub = `{"Effect":"Allow","Principal":{"Federated":"%s"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"],
	"Condition":{"StringEquals":{"idp.example.com/realm:aud":"app"},"StringLike":{"idp.example.com/realm:sub":"system:serviceaccount:ns:*"}}}`

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	t.Parallel()
	f := newFederated(t)
	f.trusting("pod", trustsAudAndSub)
	got := f.do("AssumeRoleWithWebIdentity", asking("pod", f.token(), "DurationSeconds", "900", "Policy", allowSome)...)
	for element, want := range map[string]string{
		"SubjectFromWebIdentityToken": "system:serviceaccount:ns:sa", "Provider": idp, "Audience": "app",
		"Arn": "arn:aws:sts::111122223333:assumed-role/pod/pod-7", "Expiration": "2026-03-01T12:15:00Z",
	} {
		if first(got, element) != want {
			t.Errorf("%s: got %q, want %q", element, first(got, element), want)
		}
	}
	if me := f.as(got).do("GetCallerIdentity"); first(me, "Arn") != "arn:aws:sts::111122223333:assumed-role/pod/pod-7" {
		t.Errorf("the credentials are %s", me)
	}

	// The token's claims are condition keys of the session: what a role may do can depend on them.
	if err := f.iam.PutInline(t.Context(), audit.Gatehouse, localiam.RoleRef(account, "pod"), localiam.InlinePolicy{Name: "p", Document: `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"idp.example.com/realm:sub":"system:serviceaccount:ns:sa","aws:FederatedProvider":"arn:aws:iam::111122223333:oidc-provider/idp.example.com/realm"}}},
		{"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{"idp.example.com/realm:sub":"other"}}}]}`}); err != nil {
		t.Fatal(err)
	}
	session := f.as(f.do("AssumeRoleWithWebIdentity", asking("pod", f.token())...))
	if !session.may("s3:GetObject") || session.may("s3:PutObject") {
		t.Error("the session's policies do not see the token's claims")
	}

	// Tags and source identity of the token.
	got = f.do("AssumeRoleWithWebIdentity", asking("pod", f.token("https://aws.amazon.com/source_identity", "ann",
		"https://aws.amazon.com/tags", map[string]any{"principal_tags": map[string]any{"team": []string{"red"}}, "transitive_tag_keys": []string{"team"}},
		"https://aws.amazon.com/tags/principal_tags/cost", []string{"7"}))...)
	if first(got, "SourceIdentity") != "ann" {
		t.Errorf("got %s", got)
	}
	c, err := f.iam.Credential(t.Context(), first(got, "AccessKeyId"), first(got, "SessionToken"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"aws:PrincipalTag/team": "red", "aws:PrincipalTag/cost": "7", "aws:SourceIdentity": "ann"} {
		if !f.sees(c.Caller, key, want) {
			t.Errorf("the session does not have %s = %s", key, want)
		}
	}
}

// sees reports whether a condition on a key is met in requests of the caller; his role gets a policy that asks.
func (f *federated) sees(c localiam.Caller, key, value string) bool {
	f.t.Helper()
	doc := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x:sees","Resource":"*","Condition":{"StringEquals":{%q:%q}}}]}`, key, value)
	if err := f.iam.PutInline(f.t.Context(), audit.Gatehouse, localiam.RoleRef(account, c.Name), localiam.InlinePolicy{Name: "sees", Document: doc}); err != nil {
		f.t.Fatal(err)
	}
	return f.iam.Authorize(f.t.Context(), c, localiam.Check{Action: "x:sees"}) == nil
}

// TestTokensThatAreNotBelieved: each is one way in that must stay shut.
func TestTokensThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	f := newFederated(t)
	f.trusting("pod", trustsAudAndSub)
	good := f.token()
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	header := func(h string) string { return b64([]byte(h)) + "." + parts[1] }
	now := f.clock.now().Unix()
	stranger, err := jwt.NewPrivateKey(jwt.ES384)
	if err != nil {
		t.Fatal(err)
	}
	bySomebodyElse, err := jwt.Sign(stranger, f.claims())
	if err != nil {
		t.Fatal(err)
	}
	public, err := f.key.Public()
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, public)
	confused := header(`{"alg":"HS256","typ":"JWT"}`)
	mac.Write([]byte(confused))
	// A token that brings a key of its own, or points to one.
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	brings := func(h string) string {
		signed := header(h)
		sum := sha256.Sum256([]byte(signed))
		sig, err := rsa.SignPKCS1v15(nil, own, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + b64(sig)
	}
	jwk, _ := json.Marshal(map[string]string{"kty": "RSA", "n": b64(own.N.Bytes()), "e": "AQAB"})
	f.web.publish(t, "https://other.example.com", f.key)
	f.provider("https://slash.example.com/", "app")
	f.web.publish(t, "https://slash.example.com", f.key)

	for name, c := range map[string]struct{ token, code, says string }{
		"no JWT":                       {"abcd", "InvalidIdentityToken", "not a valid JWT"},
		"alg none":                     {header(`{"alg":"none"}`) + ".", "InvalidIdentityToken", "not a valid JWT"},
		"HS256 with the public key":    {confused + "." + b64(mac.Sum(nil)), "InvalidIdentityToken", "not a valid JWT"},
		"no signature":                 {parts[0] + "." + parts[1] + ".", "InvalidIdentityToken", ""},
		"another key":                  {bySomebodyElse, "InvalidIdentityToken", "Couldn't retrieve verification key"},
		"a jwk in the header":          {brings(`{"alg":"RS256","jwk":` + string(jwk) + `}`), "InvalidIdentityToken", ""},
		"jku":                          {brings(`{"alg":"RS256","jku":"https://evil.example/keys"}`), "InvalidIdentityToken", ""},
		"x5u":                          {brings(`{"alg":"RS256","x5u":"https://evil.example/cert"}`), "InvalidIdentityToken", ""},
		"kid of another":               {brings(`{"alg":"RS256","kid":"../../etc/passwd"}`), "InvalidIdentityToken", ""},
		"crit":                         {brings(`{"alg":"RS256","crit":["x"],"x":1}`), "InvalidIdentityToken", ""},
		"changed payload":              {parts[0] + "." + b64([]byte(`{"iss":"`+idp+`","aud":"app","sub":"root","exp":9999999999}`)) + "." + parts[2], "InvalidIdentityToken", ""},
		"another audience":             {f.token("aud", "another"), "InvalidIdentityToken", "Incorrect token audience"},
		"no audience":                  {f.token("aud", nil), "InvalidIdentityToken", "Incorrect token audience"},
		"asked for by another":         {f.token("azp", "another"), "InvalidIdentityToken", "Incorrect token audience"},
		"azp that is no text":          {f.token("azp", 7), "InvalidIdentityToken", "Incorrect token audience"},
		"azp that is a list":           {f.token("azp", []any{"app"}, "aud", nil), "InvalidIdentityToken", "Incorrect token audience"},
		"aud that is more than text":   {f.token("aud", []any{"app", 7}), "InvalidIdentityToken", "The claim aud is malformed"},
		"expired":                      {f.token("exp", now-61), "ExpiredTokenException", fmt.Sprintf("current date/time %d must be before the expiration date/time %d", now, now-61)},
		"no end":                       {f.token("exp", nil), "InvalidIdentityToken", "no end"},
		"not yet":                      {f.token("nbf", now+120), "InvalidIdentityToken", "not valid yet"},
		"from the future":              {f.token("iat", now+120), "InvalidIdentityToken", "not valid yet"},
		"no subject":                   {f.token("sub", nil), "InvalidIdentityToken", "sub"},
		"a long subject":               {f.token("sub", strings.Repeat("s", 256)), "InvalidIdentityToken", "sub"},
		"no issuer":                    {f.token("iss", nil), "InvalidIdentityToken", ""},
		"an issuer over http":          {f.token("iss", "http://idp.example.com/realm"), "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"an issuer not in the account": {f.token("iss", "https://other.example.com"), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://other.example.com"},
		"the issuer and a slash":       {f.token("iss", idp+"/"), "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"the issuer in other case":     {f.token("iss", "https://IDP.example.com/realm"), "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"the issuer without a slash":   {f.token("iss", "https://slash.example.com"), "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"a huge token":                 {f.token("x", strings.Repeat("x", 13<<10)), "InvalidIdentityToken", ""},
		"huge claims":                  {f.token("email", strings.Repeat("x", 4<<10)), "InvalidIdentityToken", "condition keys"},
		"malformed tags":               {f.token("https://aws.amazon.com/tags", "admin"), "InvalidIdentityToken", "tags is malformed"},
		"malformed principal tags":     {f.token("https://aws.amazon.com/tags", map[string]any{"principal_tags": map[string]any{"a": []string{"1", "2"}}}), "InvalidIdentityToken", "tags is malformed"},
		"malformed source identity":    {f.token("https://aws.amazon.com/source_identity", 7), "InvalidIdentityToken", "source_identity is malformed"},
		"this server's own token":      {f.token("iss", "https://gatehouse.test/oidc/00000000-0000-4000-8000-000000000000"), "InvalidIdentityToken", "No OpenIDConnect provider found"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := f.send("AssumeRoleWithWebIdentity", asking("pod", c.token)...)
			if status != 400 || first(answer, "Code") != c.code || !strings.Contains(first(answer, "Message"), c.says) {
				t.Errorf("got %d %s, want %s %q", status, answer, c.code, c.says)
			}
		})
	}
	// Nothing of that was because the good one is bad, and no token made the server ask its own address.
	f.do("AssumeRoleWithWebIdentity", asking("pod", good)...)
	// Of role that there is not, and of one that does not trust the provider, nothing is told even to who has a good token.
	f.trusting("stranger", `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/other.example.com"},"Action":"sts:AssumeRoleWithWebIdentity"}`)
	f.trusting("narrow", `{"Effect":"Allow","Principal":{"Federated":"%s"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"idp.example.com/realm:sub":"other"}}}`)
	f.trusting("amr", `{"Effect":"Allow","Principal":{"Federated":"%s"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"ForAnyValue:StringEquals":{"idp.example.com/realm:amr":"mfa"}}}`)
	f.role("forusers")
	for _, role := range []string{"none", "stranger", "narrow", "amr", "forusers"} {
		if status, answer := f.send("AssumeRoleWithWebIdentity", asking(role, good)...); status != 403 || first(answer, "Message") != "Not authorized to perform sts:AssumeRoleWithWebIdentity" {
			t.Errorf("%s: got %d %s", role, status, answer)
		}
	}
	f.do("AssumeRoleWithWebIdentity", asking("amr", f.token("amr", []string{"pwd", "mfa"}))...)
	// Tags and source identity need their own permissions.
	f.trusting("plain", `{"Effect":"Allow","Principal":{"Federated":"%s"},"Action":"sts:AssumeRoleWithWebIdentity"}`)
	for _, claims := range [][]any{{"https://aws.amazon.com/source_identity", "ann"}, {"https://aws.amazon.com/tags", map[string]any{"principal_tags": map[string]any{"a": []string{"1"}}}}} {
		f.refused(403, "AccessDenied", "Not authorized to perform sts:", "AssumeRoleWithWebIdentity", asking("plain", f.token(claims...))...)
	}
	f.refused(400, "ValidationError", "", "AssumeRoleWithWebIdentity", asking("plain", good, "DurationSeconds", "3601")...)
	f.refused(400, "InvalidIdentityToken", "www.amazon.com", "AssumeRoleWithWebIdentity", asking("plain", good, "ProviderId", "www.amazon.com")...)
	f.refused(400, "ValidationError", "invalid", "AssumeRoleWithWebIdentity", "RoleArn", "arn:aws:iam::111122223333:user/pod", "RoleSessionName", "pod", "WebIdentityToken", good)
	f.refused(400, "ValidationError", "", "AssumeRoleWithWebIdentity", "RoleArn", "arn:aws:iam::111122223333:role/pod", "RoleSessionName", "a b", "WebIdentityToken", good)
	// An account without the provider does not know the issuer, whatever another account has.
	f.refused(400, "InvalidIdentityToken", "No OpenIDConnect provider found", "AssumeRoleWithWebIdentity", "RoleArn", "arn:aws:iam::444455556666:role/pod", "RoleSessionName", "pod", "WebIdentityToken", good)
}

func TestHostileProviders(t *testing.T) {
	t.Parallel()
	f := newFederated(t)
	set := func(issuer, discovery, keys string) {
		maps.Copy(f.web.docs, map[string]string{issuer + "/.well-known/openid-configuration": discovery, issuer + "/keys": keys})
		if discovery == "" {
			delete(f.web.docs, issuer+"/.well-known/openid-configuration")
		}
		f.provider(issuer, "app")
	}
	at := func(issuer string) string { return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, issuer+"/keys") }
	many := `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{"kty":"oct","k":"AA"},`, 10_000), ",") + `]}`
	for issuer, c := range map[string]struct{ discovery, keys, code string }{
		"https://silent.example.com":  {"", "", "IDPCommunicationError"},
		"https://html.example.com":    {"<html>", "", "InvalidIdentityToken"},
		"https://posing.example.com":  {at(idp), "", "InvalidIdentityToken"},
		"https://file.example.com":    {`{"issuer":"https://file.example.com","jwks_uri":"file:///etc/passwd"}`, "", "InvalidIdentityToken"},
		"https://plain.example.com":   {`{"issuer":"https://plain.example.com","jwks_uri":"http://plain.example.com/keys"}`, "", "InvalidIdentityToken"},
		"https://notkeys.example.com": {at("https://notkeys.example.com"), "[]", "InvalidIdentityToken"},
		"https://nokeys.example.com":  {at("https://nokeys.example.com"), `{"keys":[]}`, "InvalidIdentityToken"},
		"https://many.example.com":    {at("https://many.example.com"), many, "InvalidIdentityToken"},
	} {
		set(issuer, c.discovery, c.keys)
		f.refused(400, c.code, "", "AssumeRoleWithWebIdentity", asking("pod", f.token("iss", issuer))...)
	}
	// However many unknown keys tokens name, the provider is asked a few times.
	before := f.web.asked
	for range 50 {
		k, err := jwt.NewPrivateKey(jwt.ES384)
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Sign(k, f.claims())
		if err != nil {
			t.Fatal(err)
		}
		f.refused(400, "InvalidIdentityToken", "", "AssumeRoleWithWebIdentity", asking("pod", token)...)
	}
	if n := f.web.asked - before; n > 4 {
		t.Errorf("50 tokens with unknown keys made %d requests to the provider", n)
	}
}

// TestKnownProvidersNeedAClientInTheTrustPolicy: Google signs tokens for everybody's clients, so a policy that takes any of them takes none.
func TestKnownProvidersNeedAClientInTheTrustPolicy(t *testing.T) {
	t.Parallel()
	f := newFederated(t)
	f.web.publish(t, "https://accounts.google.com", f.key)
	google := func(condition string) string {
		return `{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"` + condition + `}`
	}
	f.trusting("open", google(""))
	f.trusting("subject", google(`,"Condition":{"StringEquals":{"accounts.google.com:sub":"123456"}}`))
	f.trusting("any", google(`,"Condition":{"StringLike":{"accounts.google.com:aud":"*"}}`))
	f.trusting("client", google(`,"Condition":{"StringEquals":{"accounts.google.com:aud":"app.apps.example"}}`))
	token := f.token("iss", "https://accounts.google.com", "aud", "audience", "azp", "app.apps.example", "sub", "123456")
	for _, role := range []string{"open", "subject", "any"} {
		f.refused(403, "AccessDenied", "", "AssumeRoleWithWebIdentity", asking(role, token)...)
	}
	if got := f.do("AssumeRoleWithWebIdentity", asking("client", token)...); first(got, "Audience") != "app.apps.example" || first(got, "Provider") != "https://accounts.google.com" {
		t.Errorf("got %s", got)
	}
	f.refused(403, "AccessDenied", "", "AssumeRoleWithWebIdentity", asking("client", f.token("iss", "https://accounts.google.com", "aud", "app.apps.example", "azp", "evil", "sub", "123456"))...)
}
