package signintest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// StartURL is the AWS-looking start URL of a World.
const StartURL = "https://d-0123456789.awsapps.com/start"

// ServerURL is a World's own address.
const ServerURL = "http://127.0.0.1:8080"

// World is a sign-in service with everything around it.
type World struct {
	*signin.Service
	// Store is set when the world's store is in memory.
	Store *Memory
	Clock *Clock
	// People are the users there are.
	People *People
}

// New returns a World over a store in memory.
func New(t testing.TB) World {
	t.Helper()
	m := NewMemory()
	w := Over(t, m)
	w.Store = m
	return w
}

// Over returns a World over any store, with the active users alice and bob. Its field Store is nil.
func Over(t testing.TB, store signin.Store) World {
	t.Helper()
	// It begins at the real time, because real clients with clocks of their own are among those who ask.
	w := World{Clock: &Clock{now: time.Now().UTC().Truncate(time.Second)}, People: &People{all: map[string]directory.User{}, removed: map[string]bool{}}}
	for _, name := range []string{"alice", "bob"} {
		w.People.Put(directory.User{ID: "0123456789-" + name, UserName: name + "@example.com", DisplayName: name, Active: true})
	}
	w.Service = signin.NewService(signin.Config{
		Store: store, Users: w.People, Now: w.Clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		StartURLs: []string{StartURL, "https://identitycenter.amazonaws.com/ssoins-0123456789abcdef", ServerURL + "/start"},
	})
	return w
}

// Alice and Bob are the ids of the two.
const (
	Alice = "0123456789-alice"
	Bob   = "0123456789-bob"
)

// SignIn opens a session for a user and returns its cookie's secret and who it is.
func (w World) SignIn(t testing.TB, userID string) (secret string, who signin.Identity) {
	t.Helper()
	return w.SignInBy(t, userID, "entra")
}

// SignInBy does the same through an identity source.
func (w World) SignInBy(t testing.TB, userID, sourceID string) (secret string, who signin.Identity) {
	t.Helper()
	u, err := w.People.User(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.OpenSession(t.Context(), u, signin.Proof{Method: signin.SAML, SourceID: sourceID}, "")
	if err != nil {
		t.Fatal(err)
	}
	return o.Secret, signin.Identity{User: u, Session: o.Session}
}

// Clock is moved by hand.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass lets time pass.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// People is signin.Users.
type People struct {
	mu      sync.Mutex
	all     map[string]directory.User
	removed map[string]bool
	broken  error
}

// User implements signin.Users.
func (p *People) User(_ context.Context, id string) (directory.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return directory.User{}, p.broken
	}
	u, ok := p.all[id]
	if !ok {
		return u, fault.New(fault.NotFound, "no such user").About(directory.ResourceUser, id)
	}
	return u, nil
}

// Vouches implements signin.Users.
func (p *People) Vouches(_ context.Context, sourceID string, _ time.Time) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.removed[sourceID], p.broken
}

// Remove makes a source vouch for nobody.
func (p *People) Remove(sourceID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removed[sourceID] = true
}

// Put adds or replaces a user.
func (p *People) Put(u directory.User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[u.ID] = u
}

// Switch makes a user active or inactive.
func (p *People) Switch(id string, active bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.all[id]
	u.Active = active
	p.all[id] = u
}

// Delete removes a user.
func (p *People) Delete(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, id)
}

// Break makes every look-up fail with err; nil repairs.
func (p *People) Break(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = err
}
