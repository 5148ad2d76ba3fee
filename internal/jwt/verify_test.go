package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"gatehouse/internal/fault"
)

const (
	issuer   = "https://login.example.com/tenant"
	audience = "api://gatehouse"
)

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ec(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }

// sign makes a token with go-jose; header members are added.
func sign(alg jose.SignatureAlgorithm, key any, kid string, header map[jose.HeaderKey]any, payload string) string {
	o := (&jose.SignerOptions{}).WithType("JWT")
	for k, v := range header {
		o.WithHeader(k, v)
	}
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, o))
	return must(must(s.Sign([]byte(payload))).CompactSerialize())
}

func public(key crypto.Signer, kid string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: kid}
}

func set(keys ...jose.JSONWebKey) Keys {
	return must(ParseKeys(must(jsonOf(jose.JSONWebKeySet{Keys: keys}))))
}

func jsonOf(s jose.JSONWebKeySet) ([]byte, error) {
	var parts []string
	for _, k := range s.Keys {
		b, err := k.MarshalJSON()
		if err != nil {
			return nil, err
		}
		parts = append(parts, string(b))
	}
	return []byte(`{"keys":[` + strings.Join(parts, ",") + `]}`), nil
}

// good are claims that are accepted; edit changes them, nil removes.
func good(edit map[string]any) string {
	c := map[string]any{"iss": issuer, "aud": audience, "sub": "ada", "jti": "1", "iat": noon().Unix(), "exp": noon().Add(5 * time.Minute).Unix(),
		"user": map[string]any{"email": "ada@example.com"}}
	maps.Copy(c, edit)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return string(must(json.Marshal(c)))
}

func params(keys Keys) Params {
	return Params{Issuer: issuer, Keys: keys, Audiences: []string{"other", audience}, Now: noon()}
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) || fault.Of(err).Reason != Refused {
		t.Errorf("%s: got %v, want a refusal", what, err)
	}
}

func TestEveryAllowedAlgorithm(t *testing.T) {
	t.Parallel()
	ecs := map[jose.SignatureAlgorithm]*ecdsa.PrivateKey{jose.ES256: ec(elliptic.P256()), jose.ES384: ec(elliptic.P384()), jose.ES512: ec(elliptic.P521())}
	for _, alg := range algorithms() {
		var key crypto.Signer = rsaKey()
		if k := ecs[alg]; k != nil {
			key = k
		}
		c, err := Verify(sign(alg, key, "k", nil, good(nil)), params(set(public(key, "k"))))
		if err != nil || c.Subject != "ada" || c.ID != "1" || !c.Until.Equal(noon().Add(5*time.Minute+Skew)) {
			t.Errorf("%s: %+v %v", alg, c, err)
		}
		if mail, ok := c.Text("user.email"); !ok || mail != "ada@example.com" {
			t.Errorf("%s: user.email = %q", alg, mail)
		}
		for _, path := range []string{"", "user", "user.none", "sub.none", "exp", "user.email.x", "."} {
			if s, ok := c.Text(path); ok {
				t.Errorf("the path %q leads to %q", path, s)
			}
		}
	}
}

func TestClaimsRFC7519(t *testing.T) {
	t.Parallel()
	key := ec(elliptic.P256())
	keys := set(public(key, "k"))
	now := noon().Unix()
	for _, c := range []struct {
		what string
		edit map[string]any
		ok   bool
	}{
		{"as it should be", nil, true},
		{"§4.1.3 one of several audiences", map[string]any{"aud": []any{"x", 7, audience}}, true},
		{"§4.1.3 another audience", map[string]any{"aud": "x"}, false},
		{"§4.1.3 an audience that begins like ours", map[string]any{"aud": audience + "/x"}, false},
		{"§4.1.3 audiences, none ours", map[string]any{"aud": []any{"x", ""}}, false},
		{"§4.1.3 no audience", map[string]any{"aud": nil}, false},
		{"§4.1.3 an object for an audience", map[string]any{"aud": map[string]any{audience: audience}}, false},
		{"§4.1.1 no issuer", map[string]any{"iss": nil}, false},
		{"§4.1.1 another issuer", map[string]any{"iss": "https://evil.example.com"}, false},
		{"§4.1.1 a slash more", map[string]any{"iss": issuer + "/"}, false},
		{"§4.1.1 a list of issuers", map[string]any{"iss": []any{issuer}}, false},
		{"§4.1.4 no end", map[string]any{"exp": nil}, false},
		{"§4.1.4 an end in words", map[string]any{"exp": "tomorrow"}, false},
		{"§4.1.4 an end beyond time", map[string]any{"exp": 1e300}, false},
		{"§4.1.4 a negative end", map[string]any{"exp": -1}, false},
		{"§4.1.4 ended, within the skew", map[string]any{"exp": now - 59}, true},
		{"§4.1.4 ended at the skew", map[string]any{"exp": now - 60}, false},
		{"§4.1.4 fractions", map[string]any{"exp": float64(now) + 0.5}, true},
		{"§4.1.5 soon, within the skew", map[string]any{"nbf": now + 60}, true},
		{"§4.1.5 not yet", map[string]any{"nbf": now + 61}, false},
		{"§4.1.5 no date", map[string]any{"nbf": "x"}, false},
		{"§4.1.6 made tomorrow", map[string]any{"iat": now + 86400}, false},
		{"§4.1.6 not said", map[string]any{"iat": nil}, true},
	} {
		_, err := Verify(sign(jose.ES256, key, "k", nil, good(c.edit)), params(keys))
		if c.ok && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if !c.ok {
			wantRefused(t, c.what, err)
		}
	}
	p := params(keys)
	p.Audiences = nil
	_, err := Verify(sign(jose.ES256, key, "k", nil, good(nil)), p)
	wantRefused(t, "no audience of ours", err)
	p = params(keys)
	p.Issuer = ""
	_, err = Verify(sign(jose.ES256, key, "k", nil, good(map[string]any{"iss": ""})), p)
	wantRefused(t, "an empty issuer", err)
	for _, payload := range []string{``, `null`, `[]`, `"x"`, `{`, strings.Replace(good(nil), `{`, `{"iss":"x",`, 1), strings.Replace(good(nil), `ada`, "\xff", 1)} {
		_, err := Verify(sign(jose.ES256, key, "k", nil, payload), params(keys))
		wantRefused(t, "the payload "+payload, err)
	}
}

// TestSignatureAttacks are those of RFC 8725 §2 and of the libraries that fell for them.
func TestSignatureAttacks(t *testing.T) {
	t.Parallel()
	key, evil := ec(elliptic.P256()), ec(elliptic.P256())
	keys := set(public(key, "k"), public(rsaKey(), "r"))
	fine := sign(jose.ES256, key, "k", nil, good(nil))
	parts := strings.Split(fine, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	mac := func(header string, secret []byte) string {
		in := b64([]byte(header)) + "." + parts[1]
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(in))
		return in + "." + b64(m.Sum(nil))
	}
	spki := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	embedded := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: evil}, &jose.SignerOptions{EmbedJWK: true}))
	rs := sign(jose.RS256, rsaKey(), "k", nil, good(nil))
	for what, token := range map[string]string{
		"empty": "", "dots": "..", "no signature": parts[0] + "." + parts[1] + ".", "two parts": parts[0] + "." + parts[1], "five parts": fine + ".x.y",
		"none":                               b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"None":                               b64([]byte(`{"alg":"None","kid":"k"}`)) + "." + parts[1] + "." + parts[2],
		"HS256, public key":                  mac(`{"alg":"HS256","kid":"r"}`, spki),
		"HS256, empty secret":                mac(`{"alg":"HS256","kid":"r"}`, nil),
		"another's key":                      sign(jose.ES256, evil, "k", nil, good(nil)),
		"a key it brings":                    must(must(embedded.Sign([]byte(good(nil)))).CompactSerialize()),
		"a key it points to":                 sign(jose.ES256, evil, "k", map[jose.HeaderKey]any{"jku": "https://evil.example.com/keys"}, good(nil)),
		"an unknown key id":                  sign(jose.ES256, key, "x", nil, good(nil)),
		"a key of another type under the id": rs,
		"another payload":                    parts[0] + "." + b64([]byte(good(map[string]any{"sub": "root"}))) + "." + parts[2],
		"a signature of zeros":               parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)),
		"crit":                               sign(jose.ES256, key, "k", map[jose.HeaderKey]any{"crit": []string{"x"}, "x": 1}, good(nil)),
		"crit b64":                           sign(jose.ES256, key, "k", map[jose.HeaderKey]any{"crit": []string{"b64"}, "b64": true}, good(nil)),
		"a logout token":                     sign(jose.ES256, key, "k", map[jose.HeaderKey]any{"typ": "logout+jwt"}, good(nil)),
		"a type that is none":                sign(jose.ES256, key, "k", map[jose.HeaderKey]any{"typ": 7}, good(nil)),
		"JSON serialization":                 `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"too long":                           sign(jose.ES256, key, "k", nil, good(map[string]any{"x": strings.Repeat("x", MaxToken)})),
	} {
		_, err := Verify(token, params(keys))
		wantRefused(t, what, err)
		if _, err := Verify(token, params(Keys{})); err == nil {
			t.Errorf("%s: accepted with no keys", what)
		}
	}
	if _, err := Verify(fine, params(keys)); err != nil {
		t.Errorf("the token that the attacks vary: %v", err)
	}
}

// TestTheSameTokenHasTheSameDigest also when its ECDSA signature is the other one that is valid: (r, n-s).
func TestTheSameTokenHasTheSameDigest(t *testing.T) {
	t.Parallel()
	key := ec(elliptic.P256())
	token := sign(jose.ES256, key, "k", nil, good(nil))
	i := strings.LastIndexByte(token, '.')
	sig := must(base64.RawURLEncoding.DecodeString(token[i+1:]))
	n := key.Params().N
	s := new(big.Int).Sub(n, new(big.Int).SetBytes(sig[32:]))
	twin := token[:i+1] + base64.RawURLEncoding.EncodeToString(append(sig[:32:32], s.FillBytes(make([]byte, 32))...))
	one, err1 := Verify(token, params(set(public(key, "k"))))
	two, err2 := Verify(twin, params(set(public(key, "k"))))
	if err1 != nil || err2 != nil || token == twin || one.Digest != two.Digest {
		t.Errorf("%v %v: %x and %x, want the same digest", err1, err2, one.Digest, two.Digest)
	}
	other, err := Verify(sign(jose.ES256, key, "k", nil, good(map[string]any{"jti": "2"})), params(set(public(key, "k"))))
	if err != nil || other.Digest == one.Digest {
		t.Errorf("another token (%v) has the same digest", err)
	}
}

func TestKeySelection(t *testing.T) {
	t.Parallel()
	a, b := ec(elliptic.P256()), ec(elliptic.P256())
	nameless := sign(jose.ES256, a, "", nil, good(nil))
	if _, err := Verify(nameless, params(set(public(a, "a"), public(rsaKey(), "r")))); err != nil {
		t.Errorf("OpenID Connect Core 1.0 §10.1, no key id and one key that fits: %v", err)
	}
	_, err := Verify(nameless, params(set(public(a, "a"), public(b, "b"))))
	wantRefused(t, "no key id and two keys that fit", err)
	_, err = Verify(sign(jose.ES256, a, "a", nil, good(nil)), params(set(public(a, "a"), public(b, "a"))))
	wantRefused(t, "two keys of one id", err)
	named := public(rsaKey(), "r")
	named.Algorithm = "RS256"
	_, err = Verify(sign(jose.PS256, rsaKey(), "r", nil, good(nil)), params(set(named)))
	wantRefused(t, "RFC 7517 §4.4, a key for another algorithm", err)
}

func TestParseKeysRFC7517(t *testing.T) {
	t.Parallel()
	k := ec(elliptic.P256())
	enc := public(k, "enc")
	enc.Use = "enc"
	mixed := must(jsonOf(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		public(k, "good"), enc, {Key: k, KeyID: "private"}, {Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "secret"},
	}}))
	odd := strings.Replace(string(mixed), `{"keys":[`, `{"keys":[{"kty":"new"},7,null,{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"short"},`, 1)
	got, err := ParseKeys([]byte(odd))
	if err != nil || got.Len() != 1 || got.keys[0].KeyID != "good" {
		t.Errorf("got %d keys, %v; want the good one alone (§5)", got.Len(), err)
	}
	for _, doc := range []string{``, `[]`, `null`, `{}`, `{"keys":{}}`, `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA"}]}`, `{"keys":[],"keys":[]}`} {
		if _, err := ParseKeys([]byte(doc)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := ec(elliptic.P256())
	keys := set(public(key, "k"))
	fine := sign(jose.ES256, key, "k", nil, good(nil))
	f.Add(fine)
	f.Add("..")
	f.Add(sign(jose.ES256, ec(elliptic.P256()), "k", nil, good(nil)))
	f.Add(sign(jose.ES256, key, "k", map[jose.HeaderKey]any{"crit": []string{"b64"}, "b64": false}, good(nil)))
	signed := fine[:strings.LastIndexByte(fine, '.')]
	f.Fuzz(func(t *testing.T, token string) {
		_, _ = Issuer(token)
		if _, err := Verify(token, params(keys)); err == nil && !strings.HasPrefix(token, signed+".") {
			t.Errorf("%q was never signed", token)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(must(jsonOf(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public(ec(elliptic.P256()), "k")}})))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"RSA","n":"","e":""}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		k, err := ParseKeys(doc)
		if err == nil && k.Len() == 0 {
			t.Error("no keys and no refusal")
		}
		_, _ = ParseDiscovery(doc, issuer)
	})
}
