package jwt

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/internal/fault"
)

// published returns the key's set as a relying party reads it.
func published(t *testing.T, ks ...PrivateKey) Keys {
	t.Helper()
	var public [][]byte
	for _, k := range ks {
		b, err := k.Public()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(`"d"`)) {
			t.Fatalf("the published key has its private part: %s", b)
		}
		public = append(public, b)
	}
	set, err := KeySet(public...)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(set)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestSignedTokensVerify(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	claims := map[string]any{"iss": "https://issuer.example", "aud": "a", "sub": "s", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix()}
	for _, alg := range []string{RS256, ES384} {
		k, err := NewPrivateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		der, err := k.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePrivateKey(der, alg)
		if err != nil || again.ID != k.ID {
			t.Fatalf("%s: read back %q, %v; want %q", alg, again.ID, err, k.ID)
		}
		other, err := NewPrivateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		token, err := Sign(again, claims)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		if err != nil || signed.Signatures[0].Protected.KeyID != k.ID || signed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != "JWT" {
			t.Errorf("%s: the header is %+v, %v", alg, signed.Signatures[0].Protected, err)
		}
		p := Params{Issuer: "https://issuer.example", Keys: published(t, other, k), Audiences: []string{"a"}, Now: now}
		c, err := Verify(token, p)
		if err != nil || c.Subject != "s" {
			t.Errorf("%s: got %q, %v", alg, c.Subject, err)
		}
		p.Keys = published(t, other)
		if _, err := Verify(token, p); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: another key's set verifies it: %v", alg, err)
		}
	}
}

func TestKeysForOtherAlgorithmsAreNotMade(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"", "none", "HS256", "ES256", "rs256"} {
		if _, err := NewPrivateKey(alg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v", alg, err)
		}
	}
	k, err := NewPrivateKey(ES384)
	if err != nil {
		t.Fatal(err)
	}
	der, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePrivateKey(der, RS256); err == nil {
		t.Error("a P-384 key was taken for RS256")
	}
	if _, err := ParsePrivateKey(der[1:], ES384); err == nil {
		t.Error("a damaged key was taken")
	}
	if _, err := Sign(PrivateKey{}, map[string]any{}); err == nil {
		t.Error("the zero key signed")
	}
	if token, err := Sign(k, make(chan int)); err == nil || strings.Contains(token, ".") {
		t.Error("what is no JSON was signed")
	}
}
