package jwt

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/fault"
)

const (
	// MaxKeys is how many keys of an issuer are looked at.
	MaxKeys = 100
	// minRSA is the shortest RSA key, in bits (RFC 7518 §3.3), and maxRSA the longest: verifying costs with the length.
	minRSA, maxRSA = 2048, 8192
)

// Keys are an issuer's public keys. The zero value verifies nothing.
type Keys struct{ keys []jose.JSONWebKey }

// Len returns how many keys there are.
func (k Keys) Len() int { return len(k.keys) }

// ParseKeys reads a JWK set (RFC 7517 §5). Keys of which nothing is to be had here are left out, as the paragraph wants: of other types, for
// other uses, too short, secret ones. A set with no key left is fault.Invalid.
func ParseKeys(doc []byte) (Keys, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(doc, &set); err != nil {
		return Keys{}, fault.New(fault.Invalid, "the issuer's keys are not a JWK set").Because(err)
	}
	var out Keys
	for _, raw := range set.Keys[:min(len(set.Keys), MaxKeys)] {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) == nil && usable(k) {
			out.keys = append(out.keys, k)
		}
	}
	if len(out.keys) == 0 {
		return Keys{}, fault.New(fault.Invalid, "the issuer has no key that could verify a token")
	}
	return out, nil
}

func usable(k jose.JSONWebKey) bool {
	if !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
		return false
	}
	switch pub := k.Key.(type) {
	case *rsa.PublicKey:
		return pub.N.BitLen() >= minRSA && pub.N.BitLen() <= maxRSA
	case *ecdsa.PublicKey:
		return true
	}
	return false
}

// suits reports whether a key may verify an algorithm: it is of its family and, for ES, on its curve (RFC 7518 §3.4), and names no other.
func suits(k jose.JSONWebKey, alg string) bool {
	if k.Algorithm != "" && k.Algorithm != alg {
		return false
	}
	switch pub := k.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg] == pub.Curve.Params().Name
	}
	return false
}

// ParseDiscovery returns where an issuer's discovery document (OpenID Connect Discovery 1.0 §4.3) says that its keys are. The document must
// name that issuer, letter by letter.
func ParseDiscovery(doc []byte, issuer string) (string, error) {
	var d struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return "", fault.New(fault.Invalid, "the issuer's discovery document cannot be read").Because(err)
	}
	if d.Issuer != issuer || issuer == "" {
		return "", fault.New(fault.Invalid, "the discovery document is of another issuer")
	}
	if !trustworthy(d.Keys) {
		return "", fault.New(fault.Invalid, "the discovery document names no https address of keys")
	}
	return d.Keys, nil
}

// trustworthy reports whether what an address answers can be believed: over https, or from this very machine.
func trustworthy(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && a.IsLoopback())
}
