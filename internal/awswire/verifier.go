package awswire

import (
	"context"
	"crypto/subtle"
	"net/http"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Credential is what an access key opens.
type Credential[P any] struct {
	// Secret is the secret access key. It is used to check a signature and goes nowhere else.
	Secret string
	// Principal is who the key belongs to.
	Principal P
	// Actor is the same party for the audit log.
	Actor audit.Actor
}

// Authenticator finds the credential of an access key.
type Authenticator[P any] interface {
	// Credential returns the credential with this access key id and session token (empty for a
	// long-term key). An unknown or inactive key, or a token that is not this key's own, is an
	// Unauthenticated fault with ReasonUnknownKey; an expired or revoked session one with ReasonExpired.
	Credential(ctx context.Context, keyID, sessionToken string) (Credential[P], error)
}

// Verifier checks signed requests.
type Verifier[P any] struct {
	// Authenticator knows the keys.
	Authenticator Authenticator[P]
	// Regions are the regions a credential scope may name.
	Regions []string
	// Region reports whether a scope may name a further region; nil for none. It is asked only about regions that are not in Regions.
	Region func(ctx context.Context, name string) bool
	// Now tells the time.
	Now func() time.Time

	keys keyCache
}

// Verify returns the credential with which the request, with this body, was signed for the service,
// or an Unauthenticated fault. service is the name in the credential scope ("sso", "iam", "gatehouse").
func (v *Verifier[P]) Verify(r *http.Request, body []byte, service string) (Credential[P], error) {
	s, err := ParseSignature(r)
	if err != nil {
		return Credential[P]{}, err
	}
	return v.check(s, r, body, service)
}

func (v *Verifier[P]) check(s *Signature, r *http.Request, body []byte, service string) (Credential[P], error) {
	var none Credential[P]
	if s.Service != service {
		return none, mismatch("The credential is scoped to service %q and must be scoped to %q.", clip(s.Service), service)
	}
	if !slices.Contains(v.Regions, s.Region) && (v.Region == nil || !v.Region(r.Context(), s.Region)) {
		return none, mismatch("The credential is scoped to region %q, which this server does not serve.", clip(s.Region))
	}
	// The time is checked again with the signature; here it spares the store a look-up for stale requests.
	if err := s.fresh(v.Now()); err != nil {
		return none, err
	}
	c, err := v.Authenticator.Credential(r.Context(), s.KeyID, s.Token)
	if err != nil {
		return none, err
	}
	if c.Secret == "" {
		return none, fault.New(fault.Internal, "the credential of key %s has no secret", clip(s.KeyID))
	}
	if err := s.Verify(r, body, v.keys.derive(c.Secret, s), v.Now()); err != nil {
		return none, err
	}
	return c, nil
}

// keyCache keeps derived keys: four HMACs per request saved. An entry counts only for the very secret
// it was made from, so a key that changes its secret is never checked against the old one.
type keyCache struct {
	mu      sync.Mutex
	entries map[cacheKey]cacheEntry
}

type cacheKey struct{ keyID, date, region, service string }

type cacheEntry struct {
	secret string
	key    []byte
}

// maxCached bounds the cache; when it is full it starts anew, which costs little.
const maxCached = 4096

func (k *keyCache) derive(secret string, s *Signature) []byte {
	id := cacheKey{s.KeyID, s.Date, s.Region, s.Service}
	k.mu.Lock()
	e, ok := k.entries[id]
	k.mu.Unlock()
	if ok && subtle.ConstantTimeCompare([]byte(e.secret), []byte(secret)) == 1 {
		return e.key
	}
	key := DerivedKey(secret, s.Date, s.Region, s.Service)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.entries == nil || len(k.entries) >= maxCached {
		k.entries = make(map[cacheKey]cacheEntry)
	}
	k.entries[id] = cacheEntry{secret, key}
	return key
}
