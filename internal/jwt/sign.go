package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/fault"
)

// Algorithms with which tokens are signed here.
const (
	RS256 = "RS256" // RSA of 2048 bits with SHA-256
	ES384 = "ES384" // P-384 with SHA-384
)

// PrivateKey signs tokens. The zero value signs nothing.
type PrivateKey struct {
	// ID is the key's RFC 7638 thumbprint with SHA-256, in base64url: what "kid" holds.
	ID string
	// Algorithm is [RS256] or [ES384].
	Algorithm string
	key       crypto.Signer
}

// NewPrivateKey makes a key for an algorithm, with the machine's randomness. Another algorithm is fault.Invalid.
func NewPrivateKey(algorithm string) (PrivateKey, error) {
	var key crypto.Signer
	var err error
	switch algorithm {
	case RS256:
		key, err = rsa.GenerateKey(rand.Reader, minRSA)
	case ES384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	if err != nil {
		return PrivateKey{}, fault.New(fault.Internal, "make a signing key").Because(err)
	}
	return named(key, algorithm)
}

// ParsePrivateKey reads what [PrivateKey.Marshal] wrote.
func ParsePrivateKey(pkcs8 []byte, algorithm string) (PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return PrivateKey{}, fault.New(fault.Internal, "a signing key does not parse").Because(err)
	}
	signer, _ := key.(crypto.Signer)
	return named(signer, algorithm)
}

// named gives a key its ID, if it fits the algorithm.
func named(key crypto.Signer, algorithm string) (PrivateKey, error) {
	if key == nil || algorithm != RS256 && algorithm != ES384 {
		return PrivateKey{}, fault.New(fault.Invalid, "tokens are signed with RS256 or ES384")
	}
	public := jose.JSONWebKey{Key: key.Public()}
	if !usable(public) || !suits(public, algorithm) {
		return PrivateKey{}, fault.New(fault.Internal, "a signing key is not one for %s", algorithm)
	}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return PrivateKey{}, fault.New(fault.Internal, "name a signing key").Because(err)
	}
	return PrivateKey{ID: base64.RawURLEncoding.EncodeToString(sum), Algorithm: algorithm, key: key}, nil
}

// Marshal returns the key in PKCS #8 (RFC 5208), DER. It is a secret in clear.
func (k PrivateKey) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, fault.New(fault.Internal, "encode a signing key").Because(err)
	}
	return der, nil
}

// Public returns the public key as a JWK (RFC 7517), with "kid", "alg" and "use".
func (k PrivateKey) Public() ([]byte, error) {
	b, err := jose.JSONWebKey{Key: k.key.Public(), KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"}.MarshalJSON()
	if err != nil {
		return nil, fault.New(fault.Internal, "encode a public key").Because(err)
	}
	return b, nil
}

// KeySet returns a JWK set (RFC 7517 §5) of keys that [PrivateKey.Public] wrote.
func KeySet(public ...[]byte) ([]byte, error) {
	set := struct {
		Keys []jsontext.Value `json:"keys"`
	}{Keys: []jsontext.Value{}}
	for _, k := range public {
		set.Keys = append(set.Keys, k)
	}
	b, err := json.Marshal(set)
	if err != nil {
		return nil, fault.New(fault.Internal, "encode a JWK set").Because(err)
	}
	return b, nil
}

// Sign returns claims as a JWT in compact serialization (RFC 7519 §7.1). claims is whatever encodes to a JSON object; its names come out in
// a fixed order. The header has "alg", "kid" and "typ": "JWT".
func Sign(k PrivateKey, claims any) (string, error) {
	failed := fault.New(fault.Internal, "sign a token")
	if k.key == nil {
		return "", failed
	}
	payload, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		return "", failed.Because(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: jose.JSONWebKey{Key: k.key, KeyID: k.ID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", failed.Because(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", failed.Because(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", failed.Because(err)
	}
	return token, nil
}
