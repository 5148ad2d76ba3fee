package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatehouse/internal/fault"
)

const (
	// ProofWindow is by how much a proof's time may differ from ours, either way: a proof is made for one request, by a machine whose clock may be off.
	ProofWindow = 5 * time.Minute
	// maxProof is the longest proof read, in bytes; maxProofID the longest "jti".
	maxProof, maxProofID = 4 << 10, 256
	// InvalidProof is the reason of every refusal of a proof (RFC 9449 §5).
	InvalidProof = "invalid_dpop_proof"
)

// Proof is what a DPoP proof shows: that who sends the request has a private key (RFC 9449).
type Proof struct {
	// Thumbprint is the public key's (RFC 7638, SHA-256, base64url): what a token is bound to.
	Thumbprint string
	// ID is the claim "jti": of proofs with the same one, by the same key, only the first is good, until Until.
	ID    string
	Until time.Time
}

// VerifyProof reads a DPoP proof for a request of a method to an address, whose query and fragment do not matter (RFC 9449 §4.3). Remembering that a proof was
// used is the caller's. Only ES256 is taken. An access token's hash ("ath") is not looked at: proofs are taken for token requests alone.
//
// Every refusal is fault.Invalid with Reason [InvalidProof].
func VerifyProof(proof, method, address string, now time.Time) (Proof, error) {
	no := func(format string, args ...any) (Proof, error) {
		return Proof{}, fault.New(fault.Invalid, format, args...).For(InvalidProof)
	}
	if len(proof) > maxProof {
		return no("a DPoP proof has at most %d bytes", maxProof)
	}
	signed, err := jose.ParseSignedCompact(proof, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return no("this is not a DPoP proof signed with ES256")
	}
	h := signed.Signatures[0].Protected
	if typ, _ := h.ExtraHeaders[jose.HeaderType].(string); typ != "dpop+jwt" {
		return no("a DPoP proof has the type dpop+jwt")
	}
	if _, critical := h.ExtraHeaders["crit"]; critical {
		return no("the DPoP proof demands extensions that are not known")
	}
	key := h.JSONWebKey
	if key == nil || !key.Valid() || !key.IsPublic() {
		return no("a DPoP proof brings its public key")
	}
	if public, ok := key.Key.(*ecdsa.PublicKey); !ok || public.Curve.Params().Name != "P-256" {
		return no("the DPoP proof's key is not one for ES256")
	}
	payload, err := signed.Verify(key.Key)
	if err != nil {
		return no("the DPoP proof is not signed with its key")
	}
	claims, err := object(payload)
	if err != nil {
		return no("the DPoP proof's payload is not a JSON object")
	}
	text := func(name string) string { s, _ := claims[name].(string); return s }
	at, ok := date(claims["iat"])
	switch id := text("jti"); {
	case id == "" || len(id) > maxProofID:
		return no("a DPoP proof has an id of 1 to %d bytes", maxProofID)
	case text("htm") != method:
		return no("the DPoP proof is for another method")
	case !sameAddress(text("htu"), address):
		return no("the DPoP proof is for another address than %s", address)
	case !ok || at.Before(now.Add(-ProofWindow)) || at.After(now.Add(ProofWindow)):
		return no("the DPoP proof is not of now: check the clock")
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return no("the DPoP proof's key cannot be read")
	}
	return Proof{Thumbprint: base64.RawURLEncoding.EncodeToString(sum), ID: text("jti"), Until: at.Add(ProofWindow + time.Second)}, nil
}

// sameAddress compares two URLs without query and fragment, normalized as RFC 3986 §6.2.2 and §6.2.3 have it. Names of this very machine are one: a
// client may call it localhost where we say 127.0.0.1.
func sameAddress(a, b string) bool {
	x, ok := normal(a)
	y, ok2 := normal(b)
	return ok && ok2 && x == y
}

func normal(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if host == "localhost" || host == "::1" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://" + net.JoinHostPort(host, port) + path, true
}
