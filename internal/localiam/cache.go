package localiam

import (
	"context"
	"sync"

	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Bounds of the cache. What does not fit is read again; nothing depends on it being there.
const (
	maxCachedAccounts   = 512
	maxCachedPrincipals = 512 // in each account
	maxCachedDocuments  = 4096
)

// cache holds what was read of accounts, each for one generation, and parsed documents, which never change.
type cache struct {
	mu        sync.Mutex
	accounts  map[string]*snapshot
	documents map[documentKey]*policy.Document
}

type documentKey struct {
	use  policy.Use
	text string
}

// snapshot is what was read of an account since its generation was last seen to change.
type snapshot struct {
	generation int64
	roles      map[string]Role
	users      map[string]User
	rights     map[string]*rights    // by the principal's unique id
	keys       map[string]Credential // of long-term keys, by the key's id
}

func newCache() *cache {
	return &cache{accounts: map[string]*snapshot{}, documents: map[documentKey]*policy.Document{}}
}

// at returns the snapshot of an account at a generation, a new one if what is there is older. Callers read the
// generation before they read anything else, so that what they put in is never older than it says.
func (c *cache) at(accountID string, generation int64) *snapshot {
	if s := c.accounts[accountID]; s != nil && s.generation == generation {
		return s
	}
	if len(c.accounts) >= maxCachedAccounts {
		clear(c.accounts)
	}
	s := &snapshot{generation: generation, roles: map[string]Role{}, users: map[string]User{}, rights: map[string]*rights{}, keys: map[string]Credential{}}
	c.accounts[accountID] = s
	return s
}

// cached returns what pick's map holds under key, or reads it and puts it there. Nothing is put in place of what is there for something
// that cannot be read: whoever makes up accounts and keys does not empty the cache.
func cached[V any](ctx context.Context, s *Service, accountID, key string, pick func(*snapshot) map[string]V, read func() (V, error)) (V, error) {
	var none V
	generation, err := s.cfg.Store.Generation(ctx, accountID)
	if err != nil {
		return none, err
	}
	if v, ok := kept(s.cache, accountID, generation, key, pick); ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return none, err
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	m := pick(s.cache.at(accountID, generation))
	if len(m) >= maxCachedPrincipals {
		clear(m)
	}
	m[key] = v
	return v, nil
}

func kept[V any](c *cache, accountID string, generation int64, key string, pick func(*snapshot) map[string]V) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.accounts[accountID]; s != nil && s.generation == generation {
		v, ok = pick(s)[key]
	}
	return v, ok
}

// role reads a role through the cache.
func (s *Service) role(ctx context.Context, accountID, name string) (Role, error) {
	return cached(ctx, s, accountID, Fold(name), func(n *snapshot) map[string]Role { return n.roles }, func() (Role, error) {
		return s.cfg.Store.Role(ctx, accountID, name)
	})
}

// user reads a user through the cache.
func (s *Service) user(ctx context.Context, accountID, name string) (User, error) {
	return cached(ctx, s, accountID, Fold(name), func(n *snapshot) map[string]User { return n.users }, func() (User, error) {
		return s.cfg.Store.User(ctx, accountID, name)
	})
}

// document parses a document that was checked when it was stored, through the cache.
func (s *Service) document(text string, use policy.Use) (*policy.Document, error) {
	key := documentKey{use, text}
	s.cache.mu.Lock()
	d, ok := s.cache.documents[key]
	s.cache.mu.Unlock()
	if ok {
		return d, nil
	}
	d, err := policy.Parse([]byte(text), use)
	if err != nil {
		return nil, fault.New(fault.Internal, "a stored policy does not parse").Because(err)
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if len(s.cache.documents) >= maxCachedDocuments {
		clear(s.cache.documents)
	}
	s.cache.documents[key] = d
	return d, nil
}
