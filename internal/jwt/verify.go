package jwt

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"gatehouse/internal/fault"
)

const (
	// MaxToken is the longest token read, in bytes.
	MaxToken = 16 << 10
	// Skew is by how much the issuer's clock may differ from ours.
	Skew = time.Minute
	// Refused is the reason of every refusal of a token: RFC 7523 §3.1 tells it so.
	Refused = "invalid_grant"
)

// Params says what a token must be.
type Params struct {
	// Issuer is what the claim "iss" must be; Keys are that issuer's.
	Issuer string
	Keys   Keys
	// Audiences are ours; the token must name one. None accepts no token.
	Audiences []string
	// Authorized makes the claim "azp", in a token that has it, be looked for among the audiences in place of "aud", which is how AWS STS reads tokens.
	Authorized bool
	Now        time.Time
}

// Claims are what a verified token says.
type Claims struct {
	// Subject and ID are the claims "sub" and "jti"; empty where the token has none.
	Subject, ID string
	// Until is when the token is refused by its age: its end and the skew. Whoever remembers used tokens need not remember longer.
	Until time.Time
	// Digest is SHA-256 of what was signed. The signature is left out: of some algorithms it can be altered and stays valid, and the
	// altered token must be recognised as the same.
	Digest [sha256.Size]byte

	all map[string]any
}

// All returns every claim, as JSON has it. The caller must not change it.
func (c Claims) All() map[string]any { return c.all }

// Text returns the claim that a path names, words with dots between leading into objects, if it is a string that is not empty.
func (c Claims) Text(path string) (string, bool) {
	var v any = c.all
	for word := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return "", false
		}
		v = m[word]
	}
	s, ok := v.(string)
	return s, ok && s != ""
}

func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512}
}

func refused(format string, args ...any) *fault.Fault {
	return fault.New(fault.Invalid, format, args...).For(Refused)
}

// Causes of refusals, for protocols that tell them apart.
var (
	ErrExpired  = errors.New("expired")
	ErrAudience = errors.New("another audience")
	// ErrKey is the cause of the refusal that newer keys of the issuer might not make.
	ErrKey = errors.New("no key fits")
)

func unsigned(cause error) error {
	return refused("the token is signed by no key of its issuer").Because(errors.Join(ErrKey, cause))
}

// Verify returns what a token in compact serialization says, if all of the package's rules hold. Every refusal is fault.Invalid with
// Reason [Refused].
func Verify(token string, p Params) (Claims, error) {
	signed, err := parse(token)
	if err != nil {
		return Claims{}, err
	}
	if err := signedBy(signed, p.Keys); err != nil {
		return Claims{}, err
	}
	all, err := object(signed.UnsafePayloadWithoutVerification()) // verified on the line before
	if err != nil {
		return Claims{}, err
	}
	c := Claims{all: all, Digest: sha256.Sum256([]byte(token[:strings.LastIndexByte(token, '.')]))}
	c.Subject, _ = c.Text("sub")
	c.ID, _ = c.Text("jti")
	if iss, ok := all["iss"].(string); !ok || iss != p.Issuer || iss == "" {
		return Claims{}, refused("the token is of another issuer")
	}
	if err := p.addressed(all); err != nil {
		return Claims{}, err
	}
	c.Until, err = current(all, p.Now)
	return c, err
}

// Issuer returns the issuer that a token names, without believing it: it says only whose keys to verify it with.
func Issuer(token string) (string, error) {
	signed, err := parse(token)
	if err != nil {
		return "", err
	}
	all, err := object(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return "", err
	}
	iss, ok := all["iss"].(string)
	if !ok || iss == "" {
		return "", refused("the token names no issuer")
	}
	return iss, nil
}

// Audiences returns for whom a token says that it is ("azp" before "aud"), without believing it.
func Audiences(token string) []string {
	signed, err := parse(token)
	if err != nil {
		return nil
	}
	all, err := object(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil
	}
	aud, ok := all["azp"]
	if !ok {
		aud = all["aud"]
	}
	var out []string
	switch v := aud.(type) {
	case string:
		out = []string{v}
	case []any:
		for _, one := range v {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func parse(token string) (*jose.JSONWebSignature, error) {
	if len(token) > MaxToken {
		return nil, refused("a token has at most %d bytes", MaxToken)
	}
	signed, err := jose.ParseSignedCompact(token, algorithms())
	if err != nil || len(signed.Signatures) != 1 {
		return nil, refused("this is not a token signed with an accepted algorithm").Because(err)
	}
	h := signed.Signatures[0].Protected
	if _, critical := h.ExtraHeaders["crit"]; critical {
		return nil, refused("the token demands extensions that are not known") // RFC 7515 §4.1.11
	}
	if typ, there := h.ExtraHeaders[jose.HeaderType]; there {
		// RFC 8725 §3.11: what was signed for another purpose (a logout, a security event) is no assertion.
		switch s, _ := typ.(string); strings.ToLower(strings.TrimPrefix(strings.ToLower(s), "application/")) {
		case "jwt", "at+jwt":
		default:
			return nil, refused("the token is of another type")
		}
	}
	return signed, nil
}

// signedBy verifies the signature with the one key that the header names, or, if it names none, with the only one that fits.
func signedBy(signed *jose.JSONWebSignature, keys Keys) error {
	h := signed.Signatures[0].Protected
	var fits []jose.JSONWebKey
	for _, k := range keys.keys {
		if suits(k, h.Algorithm) && (h.KeyID == "" || h.KeyID == k.KeyID) {
			fits = append(fits, k)
		}
	}
	if len(fits) != 1 {
		return unsigned(nil)
	}
	if _, err := signed.Verify(fits[0].Key); err != nil {
		return unsigned(err)
	}
	return nil
}

// object reads the payload: a JSON object with unique names in valid UTF-8.
func object(payload []byte) (map[string]any, error) {
	var all map[string]any
	if err := json.Unmarshal(payload, &all); err != nil || all == nil {
		return nil, refused("the token's payload is not a JSON object").Because(err)
	}
	return all, nil
}

// addressed refuses a token that is for others.
func (p Params) addressed(all map[string]any) error {
	aud := all["aud"]
	if azp, there := all["azp"]; there && p.Authorized {
		aud, _ = azp.(string) // one client (OpenID Connect Core §2)
	}
	if !addressed(aud, p.Audiences) {
		return refused("the token is for another audience").Because(ErrAudience)
	}
	return nil
}

// addressed reads "aud", a string or a list of strings (RFC 7519 §4.1.3).
func addressed(aud any, ours []string) bool {
	switch v := aud.(type) {
	case string:
		return v != "" && slices.Contains(ours, v)
	case []any:
		return slices.ContainsFunc(v, func(one any) bool {
			s, ok := one.(string)
			return ok && s != "" && slices.Contains(ours, s)
		})
	}
	return false
}

// current checks the times and returns until when the token would be, or would have been, taken.
func current(all map[string]any, now time.Time) (time.Time, error) {
	end, ok := date(all["exp"])
	if !ok {
		return time.Time{}, refused("the token has no end")
	}
	until := end.Add(Skew)
	if !now.Before(until) {
		return until, refused("the token has expired").Because(ErrExpired)
	}
	for _, name := range []string{"nbf", "iat"} {
		v, there := all[name]
		at, ok := date(v)
		if there && !ok {
			return time.Time{}, refused("the token's %s is not a date", name)
		}
		if there && at.After(now.Add(Skew)) {
			return time.Time{}, refused("the token is not valid yet")
		}
	}
	return until, nil
}

// lastDate bounds what is taken for a date: the year 9999, beyond which neither Go's nor the databases' times are sure.
const lastDate = 253402300799

// date reads a NumericDate (RFC 7519 §2); fractions of a second are dropped.
func date(v any) (time.Time, bool) {
	n, ok := v.(float64)
	if !ok || n < 0 || n > lastDate {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0).UTC(), true
}
