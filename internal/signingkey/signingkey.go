package signingkey

import (
	"context"
	"strconv"
	"sync"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
)

const (
	// Life is how long a key signs.
	Life = 90 * 24 * time.Hour
	// Lead is how long a successor is published before it signs.
	Lead = 7 * 24 * time.Hour
	// Keep is how long a key is published after it signed last: longer than any token lives.
	Keep = 24 * time.Hour
)

// Key is a key pair of a scope.
type Key struct {
	Scope, Algorithm string
	// Number counts the keys of a scope and algorithm from 1.
	Number int
	// Sealed is the private key (PKCS #8), sealed. Public is the public key as a JWK.
	Sealed, Public []byte
	// From is when the key begins to sign, Until when it ends (exclusive).
	From, Until time.Time
	CreatedAt   time.Time
}

// Store keeps keys.
type Store interface {
	// SigningKeys returns the keys of a scope, by algorithm and number.
	SigningKeys(ctx context.Context, scope string) ([]Key, error)
	// InsertSigningKey adds a key, and removes those of its scope whose Until is before forget. A key with the same scope, algorithm and number is
	// a Conflict with Reason "exists"; nothing is written then.
	InsertSigningKey(ctx context.Context, k Key, forget time.Time, e audit.Event) error
}

// Sealer is authenticated encryption; see package seal.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Service signs. It is safe for concurrent use.
type Service struct {
	store  Store
	sealer Sealer
	now    func() time.Time

	mu     sync.Mutex
	opened map[place]jwt.PrivateKey
}

// place is where a key is kept.
type place struct {
	scope, algorithm string
	number           int
}

func (k Key) place() place { return place{k.Scope, k.Algorithm, k.Number} }

// associated binds a sealed key to its place.
func (k Key) associated() []byte {
	return []byte("gatehouse/signing-key/" + k.Algorithm + "/" + strconv.Itoa(k.Number) + "/" + k.Scope)
}

// maxOpened bounds the private keys held in memory; what does not fit is opened again.
const maxOpened = 1024

// NewService returns a Service.
func NewService(store Store, sealer Sealer, now func() time.Time) *Service {
	return &Service{store: store, sealer: sealer, now: now, opened: map[place]jwt.PrivateKey{}}
}

// Sign returns claims as a JWT signed with the key of the scope and algorithm whose turn it is; a first key is made when there is none.
// The token must not outlive [Keep].
//
// Faults: Invalid for an algorithm that jwt does not sign with.
func (s *Service) Sign(ctx context.Context, scope, algorithm string, claims any) (string, error) {
	k, err := s.current(ctx, scope, algorithm)
	if err != nil {
		return "", err
	}
	private, err := s.open(k)
	if err != nil {
		return "", err
	}
	return jwt.Sign(private, claims)
}

// KeySet returns the JWK set of a scope: what signs, what signed lately, what will sign soon. For the algorithms named it makes a first key
// where there is none, so that whoever reads the set before the first token finds what will verify it.
func (s *Service) KeySet(ctx context.Context, scope string, algorithms ...string) ([]byte, error) {
	for _, algorithm := range algorithms {
		if _, err := s.current(ctx, scope, algorithm); err != nil {
			return nil, err
		}
	}
	keys, err := s.store.SigningKeys(ctx, scope)
	if err != nil {
		return nil, err
	}
	var public [][]byte
	for _, k := range keys {
		if s.now().Before(k.Until.Add(Keep)) {
			public = append(public, k.Public)
		}
	}
	return jwt.KeySet(public...)
}

// tries is how often a key that another node made first is looked for.
const tries = 4

// current returns the key whose turn it is, and makes it, or its successor, where that is due.
func (s *Service) current(ctx context.Context, scope, algorithm string) (Key, error) {
	var err error
	for range tries {
		var keys []Key
		if keys, err = s.store.SigningKeys(ctx, scope); err != nil {
			return Key{}, err
		}
		now := s.now()
		var signs, last Key
		for _, k := range keys {
			if k.Algorithm != algorithm {
				continue
			}
			if !now.Before(k.From) && now.Before(k.Until) && k.Number > signs.Number {
				signs = k
			}
			if k.Number > last.Number {
				last = k
			}
		}
		next := Key{Scope: scope, Algorithm: algorithm, Number: last.Number + 1, From: now, CreatedAt: now}
		if signs.Number != 0 {
			if last.Number != signs.Number || now.Before(signs.Until.Add(-Lead)) {
				return signs, nil
			}
			next.From = signs.Until
		}
		if next, err = s.make(ctx, next); err == nil {
			if signs.Number != 0 {
				return signs, nil
			}
			return next, nil
		}
		if f := fault.Of(err); f.Kind != fault.Conflict || f.Reason != "exists" {
			return Key{}, err
		}
	}
	return Key{}, err
}

// make fills a key in and stores it.
func (s *Service) make(ctx context.Context, k Key) (Key, error) {
	private, err := jwt.NewPrivateKey(k.Algorithm)
	if err != nil {
		return Key{}, err
	}
	if k.Public, err = private.Public(); err != nil {
		return Key{}, err
	}
	plain, err := private.Marshal()
	if err != nil {
		return Key{}, err
	}
	if k.Sealed, err = s.sealer.Seal(plain, k.associated()); err != nil {
		return Key{}, fault.New(fault.Internal, "seal a signing key").Because(err)
	}
	k.Until = k.From.Add(Life)
	e := audit.New(ctx, k.CreatedAt, audit.Gatehouse, "gatehouse:CreateSigningKey", k.Scope).With("algorithm", k.Algorithm).With("kid", private.ID)
	return k, s.store.InsertSigningKey(ctx, k, k.CreatedAt.Add(-Keep), e)
}

// open returns the private key.
func (s *Service) open(k Key) (jwt.PrivateKey, error) {
	s.mu.Lock()
	private, ok := s.opened[k.place()]
	s.mu.Unlock()
	if ok {
		return private, nil
	}
	plain, err := s.sealer.Open(k.Sealed, k.associated())
	if err != nil {
		return private, fault.New(fault.Internal, "a signing key does not open: the keyset is not the one it was sealed with").Because(err)
	}
	if private, err = jwt.ParsePrivateKey(plain, k.Algorithm); err != nil {
		return private, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.opened) >= maxOpened {
		clear(s.opened)
	}
	s.opened[k.place()] = private
	return private, nil
}
