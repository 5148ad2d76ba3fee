package jwt

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/fault"
)

const (
	// KeysLife is how long an issuer's keys are believed without asking again: a key that it withdrew is refused after that.
	KeysLife = time.Hour
	// askAgain is how long nothing is asked of an issuer after it was: a stranger's made-up key ids must not become a flood of requests.
	askAgain = 30 * time.Second
	// maxIssuers bounds the memory; the one asked longest ago goes first.
	maxIssuers = 512
)

// Keyring finds the keys of issuers and keeps them for [KeysLife]. It is safe for concurrent use.
type Keyring struct {
	fetch func(ctx context.Context, url string) ([]byte, error)
	now   func() time.Time

	mu      sync.Mutex
	issuers map[string]*entry
}

// entry is what is known of an issuer.
type entry struct {
	// turn is held by the one who asks; others wait for her answer. It guards what follows, except seen, which the ring's mutex does.
	turn chan struct{}
	// asked is when the issuer was asked last, and err what came of it.
	asked time.Time
	err   error
	// keys are the last that were had, at the time got.
	keys Keys
	got  time.Time
	seen time.Time
}

// NewKeyring returns an empty keyring. fetch gets a document; it bounds time and size, and follows no redirect off https.
func NewKeyring(fetch func(ctx context.Context, url string) ([]byte, error), now func() time.Time) *Keyring {
	return &Keyring{fetch: fetch, now: now, issuers: map[string]*entry{}}
}

// Verify is [Verify] with the keys that the issuer publishes. A token signed with a key that is not known makes it ask the issuer again, if
// it was not asked just now: keys are changed.
//
// Faults: as [Verify]; Unavailable if the keys cannot be had.
func (r *Keyring) Verify(ctx context.Context, token, issuer string, audiences []string) (Claims, error) {
	return r.VerifyAs(ctx, token, Params{Issuer: issuer, Audiences: audiences})
}

// VerifyAs is Verify with all of [Params] but the keys and the time, which it fills in.
func (r *Keyring) VerifyAs(ctx context.Context, token string, p Params) (Claims, error) {
	issuer := p.Issuer
	e := r.entry(issuer)
	keys, err := r.keys(ctx, e, issuer, false)
	if err != nil {
		return Claims{}, err
	}
	p.Keys, p.Now = keys, r.now()
	c, err := Verify(token, p)
	if !errors.Is(err, ErrKey) {
		return c, err
	}
	if p.Keys, err = r.keys(ctx, e, issuer, true); err != nil {
		return Claims{}, err
	}
	return Verify(token, p)
}

func (r *Keyring) entry(issuer string) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.issuers[issuer]
	if e == nil {
		if len(r.issuers) >= maxIssuers {
			r.forget()
		}
		e = &entry{turn: make(chan struct{}, 1)}
		r.issuers[issuer] = e
	}
	e.seen = r.now()
	return e
}

// forget drops the issuer that was needed longest ago.
func (r *Keyring) forget() {
	oldest, at := "", time.Time{}
	for issuer, e := range r.issuers {
		if at.IsZero() || e.seen.Before(at) {
			oldest, at = issuer, e.seen
		}
	}
	delete(r.issuers, oldest)
}

// keys returns the issuer's keys, not older than [KeysLife]; with newer it asks for them now, unless the issuer was asked just now. One caller
// asks; those who come meanwhile wait for what she gets. An issuer that does not answer takes nothing from keys that are still good.
func (r *Keyring) keys(ctx context.Context, e *entry, issuer string, newer bool) (Keys, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return Keys{}, ctx.Err()
	}
	now := r.now()
	good := func() bool { return e.keys.Len() > 0 && now.Sub(e.got) < KeysLife }
	if (newer || !good()) && (e.asked.IsZero() || now.Sub(e.asked) >= askAgain) {
		keys, err := r.ask(ctx, issuer)
		if err != nil && ctx.Err() != nil {
			return Keys{}, ctx.Err() // a caller who went away says nothing about the issuer
		}
		e.asked, e.err = now, err
		if err == nil {
			e.got, e.keys = now, keys
		}
	}
	if good() {
		return e.keys, nil
	}
	return Keys{}, e.err
}

func (r *Keyring) ask(ctx context.Context, issuer string) (Keys, error) {
	unavailable := fault.New(fault.Unavailable, "the token issuer's keys cannot be had")
	if !trustworthy(issuer) {
		return Keys{}, unavailable.Because(fault.New(fault.Invalid, "%q is not an https address", issuer))
	}
	doc, err := r.fetch(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return Keys{}, unavailable.Because(err)
	}
	address, err := ParseDiscovery(doc, issuer)
	if err != nil {
		return Keys{}, unavailable.Because(err)
	}
	if doc, err = r.fetch(ctx, address); err != nil {
		return Keys{}, unavailable.Because(err)
	}
	keys, err := ParseKeys(doc)
	if err != nil {
		return Keys{}, unavailable.Because(err)
	}
	return keys, nil
}
