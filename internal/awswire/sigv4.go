package awswire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// Signature Version 4, the verifier's side. Everything in this file is a pure function of the request,
// the key and the time; signatures are compared in constant time.

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	stampForm  = "20060102T150405Z"

	// MaxSkew is how far the client's clock may be off, either way.
	MaxSkew = 5 * time.Minute
	// maxPresign is the longest life that a presigned request may ask for.
	maxPresign = 7 * 24 * time.Hour
	// maxPresignLife is how long it is accepted whatever it asks for: STS, whose GetCallerIdentity is what
	// requests are presigned for here, stops after fifteen minutes, and a longer life only helps a thief.
	maxPresignLife = 15 * time.Minute
	// maxSignedHeaders bounds the work that a request can ask for before it is known to be genuine.
	maxSignedHeaders = 100
)

// Signature is what a request claims about its own signature. Nothing in it is verified until Verify
// says so.
type Signature struct {
	// KeyID is the access key id.
	KeyID string
	// Date (yyyymmdd), Region and Service are the credential scope.
	Date, Region, Service string
	// Token is the session token of temporary credentials, or empty.
	Token string
	// At is when the client says it signed.
	At time.Time

	stamp     string // At as it was written
	headers   []string
	mac       []byte
	presigned bool
	life      time.Duration // of a presigned request
}

func incomplete(format string, args ...any) error {
	return fault.New(fault.Unauthenticated, format, args...).For(ReasonIncomplete)
}

func mismatch(format string, args ...any) error {
	return fault.New(fault.Unauthenticated, format, args...).For(ReasonSignature)
}

// ParseSignature reads the signature of a request, from its Authorization header or, for a presigned
// request, from its query string.
func ParseSignature(r *http.Request) (*Signature, error) {
	query, err := splitQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	auth := r.Header.Values("Authorization")
	_, presigned := query.get("X-Amz-Signature")
	switch {
	case len(auth) > 1:
		return nil, incomplete("The Authorization header occurs more than once.")
	case len(auth) == 1 && presigned:
		return nil, incomplete("The request is signed in its Authorization header and in its query string; use one of them.")
	case presigned:
		return parsePresigned(query)
	case len(auth) == 0 || auth[0] == "":
		return nil, fault.New(fault.Unauthenticated, "The request carries no signature. Sign it with AWS Signature Version 4.").For(ReasonMissing)
	}
	s, err := ParseAuthorization(auth[0])
	if err != nil {
		return nil, err
	}
	if len(r.Header.Values("X-Amz-Security-Token")) > 1 || len(r.Header.Values("X-Amz-Date")) > 1 {
		return nil, incomplete("X-Amz-Date or X-Amz-Security-Token occurs more than once.")
	}
	s.Token = r.Header.Get("X-Amz-Security-Token")
	return s, s.setTime(r.Header.Get("X-Amz-Date"), r.Header.Get("Date"))
}

// ParseAuthorization reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func ParseAuthorization(v string) (*Signature, error) {
	rest, ok := strings.CutPrefix(v, algorithm+" ")
	if !ok {
		return nil, incomplete("The Authorization header must begin with %s.", algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || parts[name] != "" || value == "" {
			return nil, incomplete("The Authorization header must hold Credential, SignedHeaders and Signature, once each.")
		}
		parts[name] = value
	}
	if len(parts) != 3 {
		return nil, incomplete("The Authorization header must hold Credential, SignedHeaders and Signature, once each.")
	}
	return newSignature(parts["Credential"], parts["SignedHeaders"], parts["Signature"])
}

func parsePresigned(q query) (*Signature, error) {
	one := map[string]string{}
	for _, p := range q {
		switch p.name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token":
			if _, twice := one[p.name]; twice {
				return nil, incomplete("The parameter %s occurs more than once.", p.name)
			}
			one[p.name] = p.value
		}
	}
	if one["X-Amz-Algorithm"] != algorithm {
		return nil, incomplete("X-Amz-Algorithm must be %s.", algorithm)
	}
	s, err := newSignature(one["X-Amz-Credential"], one["X-Amz-SignedHeaders"], one["X-Amz-Signature"])
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(one["X-Amz-Expires"], 10, 64)
	if err != nil || seconds < 1 || seconds > int64(maxPresign/time.Second) {
		return nil, incomplete("X-Amz-Expires must be a number of seconds between 1 and %d.", int64(maxPresign/time.Second))
	}
	s.presigned, s.life, s.Token = true, time.Duration(seconds)*time.Second, one["X-Amz-Security-Token"]
	return s, s.setTime(one["X-Amz-Date"], "")
}

func newSignature(credential, headers, signature string) (*Signature, error) {
	c := strings.Split(credential, "/")
	if len(c) != 5 || c[4] != terminator || c[0] == "" || c[1] == "" || c[2] == "" || c[3] == "" {
		return nil, incomplete("The credential must read KEYID/YYYYMMDD/REGION/SERVICE/%s.", terminator)
	}
	mac, err := hex.DecodeString(signature)
	if err != nil || len(mac) != sha256.Size || signature != strings.ToLower(signature) {
		return nil, incomplete("The signature must be %d lower-case hexadecimal digits.", 2*sha256.Size)
	}
	s := &Signature{KeyID: c[0], Date: c[1], Region: c[2], Service: c[3], mac: mac}
	s.headers = strings.Split(headers, ";")
	if len(s.headers) > maxSignedHeaders {
		return nil, incomplete("There are more than %d signed headers.", maxSignedHeaders)
	}
	for i, h := range s.headers {
		if h == "" || h != strings.ToLower(h) || i > 0 && s.headers[i-1] >= h {
			return nil, incomplete("SignedHeaders must name each header once, in lower case, sorted, separated by semicolons.")
		}
	}
	return s, nil
}

// setTime takes X-Amz-Date, or the Date header where that is absent.
func (s *Signature) setTime(stamp, date string) error {
	if stamp == "" && date != "" {
		t, err := http.ParseTime(date)
		if err != nil {
			return incomplete("The Date header is not an HTTP date.")
		}
		stamp = t.UTC().Format(stampForm)
	}
	t, err := time.Parse(stampForm, stamp)
	if err != nil {
		return incomplete("X-Amz-Date must be there and read YYYYMMDDTHHMMSSZ.")
	}
	s.At, s.stamp = t, stamp
	if stamp[:8] != s.Date {
		return mismatch("The date in the credential scope, %s, is not the date of the request, %s.", clip(s.Date), stamp[:8])
	}
	return nil
}

func clip(s string) string {
	const limit = 64
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

// DerivedKey is the key that signs for one day, region and service.
func DerivedKey(secret, date, region, service string) []byte {
	k := sign([]byte("AWS4"+secret), date)
	k = sign(k, region)
	k = sign(k, service)
	return sign(k, terminator)
}

func sign(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// Verify checks that the request, with this body, was signed with the derived key, that everything
// that matters was signed, and that now is within the signature's life.
func (s *Signature) Verify(r *http.Request, body, key []byte, now time.Time) error {
	if err := s.fresh(now); err != nil {
		return err
	}
	if err := s.covers(r.Header); err != nil {
		return err
	}
	canonical, err := s.canonical(r, body)
	if err != nil {
		return err
	}
	if !hmac.Equal(s.mac256(canonical, key), s.mac) {
		return mismatch("The signature is not that of this request. Check the secret access key and how the request is signed.")
	}
	return nil
}

// fresh checks the time, which the signature covers, against now.
func (s *Signature) fresh(now time.Time) error {
	now = now.UTC()
	end := s.At.Add(MaxSkew)
	if s.presigned {
		end = s.At.Add(min(s.life, maxPresignLife))
	}
	if now.After(end) {
		return mismatch("Signature expired: %s is too long ago; it is %s now.", s.stamp, now.Format(stampForm))
	}
	if s.At.After(now.Add(MaxSkew)) {
		return mismatch("Signature not yet current: %s is still to come; it is %s now.", s.stamp, now.Format(stampForm))
	}
	return nil
}

// covers checks that the host and every x-amz- header of the request are signed: an attacker who holds
// a signed request must not be able to add one.
func (s *Signature) covers(h http.Header) error {
	signed := func(name string) bool {
		i := sort.SearchStrings(s.headers, name)
		return i < len(s.headers) && s.headers[i] == name
	}
	if !signed("host") {
		return mismatch("The host header must be signed.")
	}
	if !s.presigned && !signed("x-amz-date") && !signed("date") {
		return mismatch("The x-amz-date header must be signed.")
	}
	for name := range h {
		if low := strings.ToLower(name); strings.HasPrefix(low, "x-amz-") && !signed(low) {
			return mismatch("The header %s is present and not signed.", clip(low))
		}
	}
	return nil
}
