// Package signintest helps tests of sign-in and of its doors: a Service over a store in memory, people who
// can be switched off, and a clock that is moved by hand.
//
// The store in memory keeps the contract of signin.Store with one lock; the suite in storagetest holds the databases to the same
// contract.
package signintest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Memory is a signin.Store.
type Memory struct {
	mu       sync.Mutex
	settings signin.Settings
	requests map[string]signin.Request
	replays  map[[2]string]signin.Replay
	parked   map[string]signin.Parked
	sessions map[string]signin.Session
	clients  map[string]signin.Client
	devices  map[string]signin.Device
	codes    map[string]signin.Code
	access   map[string]signin.AccessToken
	refresh  map[string]signin.RefreshToken
	failures map[string]signin.Failure
	events   []audit.Event
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		requests: map[string]signin.Request{}, replays: map[[2]string]signin.Replay{}, parked: map[string]signin.Parked{},
		sessions: map[string]signin.Session{}, clients: map[string]signin.Client{}, devices: map[string]signin.Device{},
		codes: map[string]signin.Code{}, access: map[string]signin.AccessToken{}, refresh: map[string]signin.RefreshToken{}, failures: map[string]signin.Failure{},
	}
}

// Events returns what was recorded so far, oldest first.
func (m *Memory) Events() []audit.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events)
}

// Rows returns how many rows there are of all nouns together.
func (m *Memory) Rows() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.requests) + len(m.replays) + len(m.parked) + len(m.sessions) + len(m.clients) + len(m.devices) + len(m.codes) + len(m.access) + len(m.refresh) + len(m.failures)
}

func conflict(reason string) error { return fault.New(fault.Conflict, "%s", reason).For(reason) }
func missing(noun string) error    { return fault.New(fault.NotFound, "no such %s", noun).About(noun, "") }

// write runs f under the lock and records the event if f succeeds. f must check before it changes anything.
func (m *Memory) write(e audit.Event, f func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := f(); err != nil {
		return err
	}
	m.events = append(m.events, e)
	return nil
}

func get[K comparable, V any](m *Memory, in map[K]V, key K, noun string) (V, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := in[key]
	if !ok {
		return v, missing(noun)
	}
	return v, nil
}

func insert[K comparable, V any](in map[K]V, key K, v V) error {
	if _, taken := in[key]; taken {
		return conflict("exists")
	}
	in[key] = v
	return nil
}

// Settings implements signin.Store, as do all methods below.
func (m *Memory) Settings(context.Context) (signin.Settings, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.settings, nil
}

func (m *Memory) PutSettings(_ context.Context, s signin.Settings, ifVersion int64, e audit.Event) error {
	return m.write(e, func() error {
		if m.settings.Version != ifVersion {
			return conflict("version")
		}
		m.settings = s
		return nil
	})
}

func (m *Memory) InsertRequest(_ context.Context, r signin.Request, e audit.Event) error {
	return m.write(e, func() error { return insert(m.requests, r.ID, r) })
}

func (m *Memory) Request(_ context.Context, id string) (signin.Request, error) {
	return get(m, m.requests, id, "REQUEST")
}

func (m *Memory) Park(_ context.Context, p signin.Parked, r signin.Replay, e audit.Event) error {
	return m.write(e, func() error {
		q, known := m.requests[p.RequestID]
		if p.RequestID != "" && (!known || !q.UsedAt.IsZero() || q.SourceID != r.SourceID) {
			return conflict("used")
		}
		if _, seen := m.replays[[2]string{r.SourceID, r.AssertionID}]; seen {
			return conflict("replay")
		}
		if err := insert(m.parked, string(p.Hash), p); err != nil {
			return err
		}
		if known {
			q.UsedAt = p.CreatedAt
			m.requests[q.ID] = q
		}
		m.replays[[2]string{r.SourceID, r.AssertionID}] = r
		return nil
	})
}

func (m *Memory) UseProof(_ context.Context, r signin.Replay) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, seen := m.replays[[2]string{r.SourceID, r.AssertionID}]; seen {
		return conflict("replay")
	}
	m.replays[[2]string{r.SourceID, r.AssertionID}] = r
	return nil
}

func (m *Memory) Parked(_ context.Context, hash []byte) (signin.Parked, error) {
	return get(m, m.parked, string(hash), "PARKED")
}

func (m *Memory) Claim(_ context.Context, parked []byte, s signin.Session, previous string, e audit.Event) error {
	return m.write(e, func() error {
		if _, there := m.parked[string(parked)]; !there {
			return conflict("used")
		}
		if err := insert(m.sessions, s.ID, s); err != nil {
			return err
		}
		delete(m.parked, string(parked))
		m.drop(previous)
		return nil
	})
}

// DropParked implements [signin.RequestStore].
func (m *Memory) DropParked(_ context.Context, sourceID string, e audit.Event) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for hash, p := range m.parked {
		if p.Proof.SourceID == sourceID {
			delete(m.parked, hash)
			n++
		}
	}
	if n > 0 {
		m.events = append(m.events, e)
	}
	return n, nil
}

func (m *Memory) Note(_ context.Context, e audit.Event) error {
	return m.write(e, func() error { return nil })
}

func (m *Memory) InsertSession(_ context.Context, s signin.Session, e audit.Event) error {
	return m.write(e, func() error { return insert(m.sessions, s.ID, s) })
}

func (m *Memory) SessionByHash(_ context.Context, hash []byte) (signin.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if string(s.Hash) == string(hash) {
			return s, nil
		}
	}
	return signin.Session{}, missing("SESSION")
}

func (m *Memory) Session(_ context.Context, id string) (signin.Session, error) {
	return get(m, m.sessions, id, "SESSION")
}

func (m *Memory) SessionsOf(_ context.Context, userID, after string, limit int) ([]signin.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []signin.Session
	for _, s := range m.sessions {
		if s.UserID == userID && s.ID > after {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b signin.Session) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(limit, len(out))], nil
}

func (m *Memory) SessionsBySource(_ context.Context, sourceID, after string, limit int) ([]signin.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []signin.Session
	for _, s := range m.sessions {
		if s.Proof.SourceID == sourceID && s.ID > after {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b signin.Session) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(limit, len(out))], nil
}

// CountSessionsBySource implements [signin.SessionStore].
func (m *Memory) CountSessionsBySource(ctx context.Context, sourceID string) (int, error) {
	ss, err := m.SessionsBySource(ctx, sourceID, "", math.MaxInt)
	return len(ss), err
}

func (m *Memory) TouchSession(_ context.Context, id string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.sessions[id]; ok {
		s.LastSeenAt = at
		m.sessions[id] = s
	}
	return nil
}

func (m *Memory) DeleteSession(_ context.Context, id string, e audit.Event) error {
	return m.write(e, func() error {
		if _, ok := m.sessions[id]; !ok {
			return missing("SESSION")
		}
		m.drop(id)
		return nil
	})
}

// DeleteSessions implements [signin.SessionStore].
func (m *Memory) DeleteSessions(_ context.Context, es []audit.Event) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range es {
		if _, ok := m.sessions[e.Resource]; ok {
			m.drop(e.Resource)
			m.events = append(m.events, e)
			n++
		}
	}
	return n, nil
}

// DeleteSessionsNamed implements [signin.SessionStore].
func (m *Memory) DeleteSessionsNamed(_ context.Context, nameID string, indexes []string, r signin.Replay, e audit.Event) (n int, err error) {
	err = m.write(e, func() error {
		key := [2]string{r.SourceID, r.AssertionID}
		if _, ok := m.replays[key]; ok {
			return conflict("replay")
		}
		m.replays[key] = r
		for id, s := range m.sessions {
			if p := s.Proof; p.SourceID == r.SourceID && p.NameID == nameID && (len(indexes) == 0 || slices.Contains(indexes, p.SessionIndex)) {
				m.drop(id)
				n++
			}
		}
		return nil
	})
	return n, err
}

// InsertFailure implements [signin.FailureStore].
func (m *Memory) InsertFailure(_ context.Context, f signin.Failure, e audit.Event) error {
	return m.write(e, func() error { return insert(m.failures, f.ID, f) })
}

// Failure implements [signin.FailureStore].
func (m *Memory) Failure(_ context.Context, id string) (signin.Failure, error) {
	return get(m, m.failures, id, "FAILURE")
}

// Failures implements [signin.FailureStore].
func (m *Memory) Failures(_ context.Context, before signin.FailureKey, limit int) ([]signin.Failure, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := func(a, b signin.Failure) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID)) }
	all := slices.SortedFunc(maps.Values(m.failures), newest)
	if !before.At.IsZero() {
		all = slices.DeleteFunc(all, func(f signin.Failure) bool {
			return newest(signin.Failure{At: before.At, ID: before.ID}, f) >= 0
		})
	}
	return all[:min(len(all), limit)], nil
}

func (m *Memory) DeleteSessionsOf(_ context.Context, userID string, e audit.Event) (n int, err error) {
	err = m.write(e, func() error {
		for id, s := range m.sessions {
			if s.UserID == userID {
				m.drop(id)
				n++
			}
		}
		return nil
	})
	return n, err
}

// drop removes a session and all that hangs on it.
func (m *Memory) drop(id string) {
	delete(m.sessions, id)
	if id == "" {
		return
	}
	maps.DeleteFunc(m.devices, func(_ string, d signin.Device) bool { return d.SessionID == id })
	maps.DeleteFunc(m.codes, func(_ string, c signin.Code) bool { return c.SessionID == id })
	maps.DeleteFunc(m.access, func(_ string, t signin.AccessToken) bool { return t.SessionID == id })
	maps.DeleteFunc(m.refresh, func(_ string, t signin.RefreshToken) bool { return t.SessionID == id })
}

func (m *Memory) InsertClient(_ context.Context, c signin.Client, e audit.Event) error {
	return m.write(e, func() error { return insert(m.clients, c.ID, c) })
}

func (m *Memory) Client(_ context.Context, id string) (signin.Client, error) {
	return get(m, m.clients, id, "CLIENT")
}

func (m *Memory) InsertDevice(_ context.Context, d signin.Device, e audit.Event) error {
	return m.write(e, func() error {
		for _, o := range m.devices {
			if o.UserCode == d.UserCode {
				return conflict("exists")
			}
		}
		return insert(m.devices, string(d.Hash), d)
	})
}

func (m *Memory) Device(_ context.Context, hash []byte) (signin.Device, error) {
	return get(m, m.devices, string(hash), "DEVICE")
}

func (m *Memory) DeviceByUserCode(_ context.Context, userCode string) (signin.Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.devices {
		if d.UserCode == userCode {
			return d, nil
		}
	}
	return signin.Device{}, missing("DEVICE")
}

func (m *Memory) DecideDevice(_ context.Context, d signin.Device, e audit.Event) error {
	return m.write(e, func() error {
		o, ok := m.devices[string(d.Hash)]
		if !ok || o.Status != signin.DevicePending {
			return conflict("decided")
		}
		o.Status, o.UserID, o.SessionID = d.Status, d.UserID, d.SessionID
		m.devices[string(d.Hash)] = o
		return nil
	})
}

// issue inserts tokens of a session that must be there.
func (m *Memory) issue(t signin.Tokens) error {
	if _, ok := m.sessions[t.Access.SessionID]; !ok {
		return missing("SESSION")
	}
	if len(t.Access.Hash) > 0 {
		m.access[string(t.Access.Hash)] = t.Access
	}
	if t.Refresh != nil {
		m.refresh[string(t.Refresh.Hash)] = *t.Refresh
	}
	return nil
}

func (m *Memory) ExchangeDevice(_ context.Context, hash []byte, t signin.Tokens, e audit.Event) error {
	return m.write(e, func() error {
		d, ok := m.devices[string(hash)]
		if !ok || d.Status != signin.DeviceApproved {
			return conflict("used")
		}
		if err := m.issue(t); err != nil {
			return err
		}
		d.Status = signin.DeviceUsed
		m.devices[string(hash)] = d
		return nil
	})
}

func (m *Memory) InsertCode(_ context.Context, c signin.Code, e audit.Event) error {
	return m.write(e, func() error {
		if _, ok := m.sessions[c.SessionID]; !ok {
			return missing("SESSION")
		}
		return insert(m.codes, string(c.Hash), c)
	})
}

func (m *Memory) Code(_ context.Context, hash []byte) (signin.Code, error) {
	return get(m, m.codes, string(hash), "CODE")
}

func (m *Memory) ExchangeCode(_ context.Context, hash []byte, at time.Time, t signin.Tokens, e audit.Event) error {
	return m.write(e, func() error {
		c, ok := m.codes[string(hash)]
		if !ok || !c.UsedAt.IsZero() {
			return conflict("used")
		}
		if err := m.issue(t); err != nil {
			return err
		}
		c.UsedAt = at
		m.codes[string(hash)] = c
		return nil
	})
}

func (m *Memory) AccessToken(_ context.Context, hash []byte) (signin.AccessToken, signin.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.access[string(hash)]
	s, ok2 := m.sessions[t.SessionID]
	if !ok || !ok2 {
		return signin.AccessToken{}, signin.Session{}, missing("TOKEN")
	}
	return t, s, nil
}

func (m *Memory) RefreshToken(_ context.Context, hash []byte) (signin.RefreshToken, signin.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.refresh[string(hash)]
	s, ok2 := m.sessions[t.SessionID]
	if !ok || !ok2 {
		return signin.RefreshToken{}, signin.Session{}, missing("TOKEN")
	}
	return t, s, nil
}

func (m *Memory) Rotate(_ context.Context, hash, nonce []byte, next signin.Tokens, e audit.Event) error {
	return m.write(e, func() error {
		t, ok := m.refresh[string(hash)]
		if !ok || !t.RotatedAt.IsZero() {
			return conflict("rotated")
		}
		if err := m.issue(next); err != nil {
			return err
		}
		t.RotatedAt, t.Nonce = next.Access.CreatedAt, nonce
		m.refresh[string(hash)] = t
		return nil
	})
}

func (m *Memory) Reissue(_ context.Context, refresh []byte, a signin.AccessToken, e audit.Event) error {
	return m.write(e, func() error {
		t, ok := m.refresh[string(refresh)]
		if !ok || !t.RotatedAt.IsZero() {
			return conflict("rotated")
		}
		return m.issue(signin.Tokens{Access: a})
	})
}

func (m *Memory) RevokeGrant(_ context.Context, _, grantID string, e audit.Event) error {
	return m.write(e, func() error {
		maps.DeleteFunc(m.access, func(_ string, t signin.AccessToken) bool { return t.GrantID == grantID })
		maps.DeleteFunc(m.refresh, func(_ string, t signin.RefreshToken) bool { return t.GrantID == grantID })
		return nil
	})
}

func (m *Memory) Sweep(_ context.Context, now time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for id, s := range m.sessions {
		if !now.Before(s.ExpiresAt) && n < limit {
			m.drop(id)
			n++
		}
	}
	n += sweep(m.requests, limit, func(v signin.Request) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.replays, limit, func(v signin.Replay) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.parked, limit, func(v signin.Parked) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.clients, limit, func(v signin.Client) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.devices, limit, func(v signin.Device) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.codes, limit, func(v signin.Code) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.access, limit, func(v signin.AccessToken) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.refresh, limit, func(v signin.RefreshToken) time.Time { return v.ExpiresAt }, now)
	n += sweep(m.failures, limit, func(v signin.Failure) time.Time { return v.ExpiresAt }, now)
	return n, nil
}

func sweep[K comparable, V any](in map[K]V, limit int, ends func(V) time.Time, now time.Time) (n int) {
	for k, v := range in {
		if n < limit && !now.Before(ends(v)) {
			delete(in, k)
			n++
		}
	}
	return n
}

// Holds reports whether the store keeps s anywhere as it is.
func (m *Memory) Holds(s string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Contains(fmt.Sprintf("%s", []any{m.requests, m.parked, m.sessions, m.clients, m.devices, m.codes, m.access, m.refresh, m.failures, m.events}), s)
}
