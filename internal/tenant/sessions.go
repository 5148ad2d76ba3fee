package tenant

import (
	"crypto/sha256"
	"sync"
	"time"
)

// sessions is what the tenant remembers between two requests of one browser. It lives in memory: a restart
// signs everybody out, which for an emulator is the simpler promise.
type sessions struct {
	mu sync.Mutex
	// by the hash of the cookie, so that a memory dump or a timing measurement gives no cookie
	people map[[32]byte]session
	admins map[[32]byte]time.Time
	codes  map[[32]byte]time.Time // one-time links of the administrator
	flows  map[string]flow
	tries  map[string]attempts
	notes  map[[32]byte]string // what the administrator's last action did, for the next page
}

// session is a person signed in at the tenant.
type session struct {
	user    string
	at      time.Time // AuthnInstant
	expires time.Time
}

// flow is a sign-in that waits for the person's password.
type flow struct {
	request *authnRequest // nil: the person only wants My Apps
	relay   string
	expires time.Time
}

const (
	sessionFor = 12 * time.Hour
	flowFor    = 15 * time.Minute
	maxKept    = 10_000 // of each kind; the oldest to expire go first
)

func newSessions() *sessions {
	return &sessions{
		people: map[[32]byte]session{}, admins: map[[32]byte]time.Time{}, codes: map[[32]byte]time.Time{}, flows: map[string]flow{},
		tries: map[string]attempts{}, notes: map[[32]byte]string{},
	}
}

func hashed(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// room drops what has expired and, when the map is still full, what expires first.
func room[K comparable, V any](m map[K]V, now time.Time, expires func(V) time.Time) {
	if len(m) < maxKept {
		return
	}
	var first K
	var at time.Time
	for k, v := range m {
		e := expires(v)
		if e.Before(now) {
			delete(m, k)
			continue
		}
		if at.IsZero() || e.Before(at) {
			first, at = k, e
		}
	}
	if len(m) >= maxKept {
		delete(m, first)
	}
}

func itself(t time.Time) time.Time { return t }

func (s *sessions) signIn(cookie, user string, now time.Time) session {
	s.mu.Lock()
	defer s.mu.Unlock()
	room(s.people, now, func(v session) time.Time { return v.expires })
	v := session{user: user, at: now, expires: now.Add(sessionFor)}
	s.people[hashed(cookie)] = v
	return v
}

func (s *sessions) person(cookie string, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.people[hashed(cookie)]
	return v, ok && now.Before(v.expires)
}

func (s *sessions) signOut(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.people, hashed(cookie))
}

func (s *sessions) begin(id string, f flow, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	room(s.flows, now, func(v flow) time.Time { return v.expires })
	f.expires = now.Add(flowFor)
	s.flows[id] = f
}

// flow returns a pending sign-in; end forgets it.
func (s *sessions) flow(id string, now time.Time) (flow, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.flows[id]
	return f, ok && now.Before(f.expires)
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flows, id)
}

func (s *sessions) locked(user string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.tries[user].until)
}

func (s *sessions) failed(user string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.tries[user]
	if a.failed++; a.failed >= lockAfter {
		a = attempts{until: now.Add(lockFor)}
	}
	s.tries[user] = a // keyed by existing users only, so it does not grow with guesses
}

func (s *sessions) succeeded(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tries, user)
}

// issue makes a one-time code or an administrator's cookie good until expires.
func (s *sessions) issue(m map[[32]byte]time.Time, secret string, now, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	room(m, now, itself)
	m[hashed(secret)] = expires
}

func (s *sessions) valid(m map[[32]byte]time.Time, secret string, now time.Time, once bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := hashed(secret)
	e, ok := m[h]
	if once {
		delete(m, h)
	}
	return ok && now.Before(e)
}

// leaveNote keeps a sentence for the next page of an administrator's session; takeNote shows it once.
func (s *sessions) leaveNote(cookie, note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notes) >= maxKept {
		clear(s.notes) // sentences that nobody came back for
	}
	s.notes[hashed(cookie)] = note
}

func (s *sessions) takeNote(cookie string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.notes[hashed(cookie)]
	delete(s.notes, hashed(cookie))
	return n
}
