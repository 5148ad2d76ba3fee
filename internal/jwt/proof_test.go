package jwt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/internal/fault"
)

const tokenAddress = "https://gatehouse.test/v1/token"

// prover makes proofs.
type prover struct {
	key any
	alg jose.SignatureAlgorithm
	// embed is the key in the header; nil: the public part of key.
	embed *jose.JSONWebKey
	typ   string
}

func (p prover) prove(t testing.TB, claims map[string]any) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(p.typ))
	if p.embed == nil {
		opts.EmbedJWK = true
	} else {
		opts.WithHeader("jwk", p.embed)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func proofClaims(now time.Time, changes ...any) map[string]any {
	c := map[string]any{"htm": "POST", "htu": tokenAddress, "iat": now.Unix(), "jti": "id-1"}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(c, changes[i].(string))
		} else {
			c[changes[i].(string)] = changes[i+1]
		}
	}
	return c
}

func newP256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVerifyProof(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	key := newP256(t)
	good := prover{key: key, alg: jose.ES256, typ: "dpop+jwt"}
	p, err := VerifyProof(good.prove(t, proofClaims(now)), "POST", tokenAddress, now)
	if err != nil || len(p.Thumbprint) != 43 || p.ID != "id-1" || p.Until.Before(now.Add(ProofWindow)) {
		t.Fatalf("got %+v, %v", p, err)
	}
	again, err := VerifyProof(good.prove(t, proofClaims(now, "jti", "id-2", "htu", "HTTPS://Gatehouse.test:443/v1/token?x=1#y")), "POST", tokenAddress, now)
	if err != nil || again.Thumbprint != p.Thumbprint {
		t.Errorf("the same address in another spelling: %+v, %v", again, err)
	}
	if _, err := VerifyProof(good.prove(t, proofClaims(now, "htu", "http://localhost:8080/v1/token")), "POST", "http://127.0.0.1:8080/v1/token", now); err != nil {
		t.Errorf("this machine by another name: %v", err)
	}

	other := newP256(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hmacKey := []byte("0123456789abcdef0123456789abcdef")
	for name, proof := range map[string]string{
		"nothing":                 "",
		"garbage":                 "a.b.c",
		"huge":                    good.prove(t, proofClaims(now, "x", strings.Repeat("x", maxProof))),
		"another's key":           prover{key: key, alg: jose.ES256, typ: "dpop+jwt", embed: &jose.JSONWebKey{Key: &other.PublicKey}}.prove(t, proofClaims(now)),
		"the private key":         prover{key: key, alg: jose.ES256, typ: "dpop+jwt", embed: &jose.JSONWebKey{Key: key}}.prove(t, proofClaims(now)),
		"ES384":                   prover{key: p384, alg: jose.ES384, typ: "dpop+jwt"}.prove(t, proofClaims(now)),
		"RS256":                   prover{key: rsaKey, alg: jose.RS256, typ: "dpop+jwt"}.prove(t, proofClaims(now)),
		"HS256":                   prover{key: hmacKey, alg: jose.HS256, typ: "dpop+jwt", embed: &jose.JSONWebKey{Key: &key.PublicKey}}.prove(t, proofClaims(now)),
		"a token of another type": prover{key: key, alg: jose.ES256, typ: "JWT"}.prove(t, proofClaims(now)),
		"no id":                   good.prove(t, proofClaims(now, "jti", nil)),
		"a long id":               good.prove(t, proofClaims(now, "jti", strings.Repeat("j", maxProofID+1))),
		"another method":          good.prove(t, proofClaims(now, "htm", "GET")),
		"no method":               good.prove(t, proofClaims(now, "htm", nil)),
		"another path":            good.prove(t, proofClaims(now, "htu", "https://gatehouse.test/token")),
		"another host":            good.prove(t, proofClaims(now, "htu", "https://evil.test/v1/token")),
		"another scheme":          good.prove(t, proofClaims(now, "htu", "http://gatehouse.test/v1/token")),
		"a user in the address":   good.prove(t, proofClaims(now, "htu", "https://gatehouse.test@evil.test/v1/token")),
		"no address":              good.prove(t, proofClaims(now, "htu", nil)),
		"old":                     good.prove(t, proofClaims(now, "iat", now.Add(-ProofWindow-time.Second).Unix())),
		"of the future":           good.prove(t, proofClaims(now, "iat", now.Add(ProofWindow+time.Second).Unix())),
		"no time":                 good.prove(t, proofClaims(now, "iat", nil)),
		"a time that is text":     good.prove(t, proofClaims(now, "iat", "now")),
	} {
		got, err := VerifyProof(proof, "POST", tokenAddress, now)
		if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Reason != InvalidProof {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// FuzzVerifyProof: no bytes make it panic, and what is believed is within its bounds.
func FuzzVerifyProof(f *testing.F) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	p := prover{key: newP256(f), alg: jose.ES256, typ: "dpop+jwt"}
	f.Add(p.prove(f, proofClaims(now)))
	f.Add(p.prove(f, proofClaims(now, "htu", "http://[::1]/v1/token")))
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoiZHBvcCtqd3QifQ.e30.")
	f.Fuzz(func(t *testing.T, proof string) {
		got, err := VerifyProof(proof, "POST", tokenAddress, now)
		if err == nil && (got.ID == "" || len(got.ID) > maxProofID || len(got.Thumbprint) != 43 || got.Until.Before(now)) {
			t.Errorf("believed %+v of %q", got, proof)
		}
	})
}
