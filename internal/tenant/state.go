package tenant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"gatehouse/internal/fault"
)

// state is everything the tenant remembers, as its file has it. Guarded by Tenant.mu; nothing that holds
// the lock waits for the network.
type state struct {
	Version  int    `json:"version"`
	TenantID string `json:"tenantId"`
	Domain   string `json:"domain"`
	Name     string `json:"name"`
	// Rev counts changes. The watermark of the provisioning job is a Rev: what has a higher one changed since.
	Rev        uint64         `json:"rev"`
	Users      []*userRecord  `json:"users"`
	Groups     []*groupRecord `json:"groups"`
	Tombstones []tombstone    `json:"tombstones"`
	App        Application    `json:"application"`
	Job        jobRecord      `json:"job"`
	Keys       []keyRecord    `json:"keys"`
	AdminToken string         `json:"adminToken"`
}

// tombstone remembers an object that was removed for good until the job has dealt with it.
type tombstone struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	Rev  uint64 `json:"rev"`
	// InScope is whether the object was in scope when it went; a user who was not stays disabled for ever.
	InScope bool `json:"inScope"`
}

const (
	stateFile = "tenant.json"
	logFile   = "provisioning-log.json"
	tokenFile = "admin-token"
)

func (st *state) bump() uint64 {
	st.Rev++
	return st.Rev
}

func (st *state) leaveTombstone(id, kind, name string, inScope bool) {
	if st.Job.Links[id] == nil {
		return // never exported: nothing to take back
	}
	st.Tombstones = append(st.Tombstones, tombstone{ID: id, Kind: kind, Name: name, Rev: st.bump(), InScope: inScope})
}

func (st *state) userByID(id string) *userRecord {
	for _, u := range st.Users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

func (st *state) groupByID(id string) *groupRecord {
	for _, g := range st.Groups {
		if g.ID == id {
			return g
		}
	}
	return nil
}

// user finds a user by objectId or user principal name.
func (st *state) user(key string) (*userRecord, error) {
	for _, u := range st.Users {
		if u.ID == key || strings.EqualFold(u.UserPrincipalName, key) {
			return u, nil
		}
	}
	return nil, fault.New(fault.NotFound, "No user %q.", clip(key, 120)).About(kindUser, key)
}

// group finds a group by objectId or display name.
func (st *state) group(key string) (*groupRecord, error) {
	for _, g := range st.Groups {
		if g.ID == key || strings.EqualFold(g.DisplayName, key) {
			return g, nil
		}
	}
	return nil, fault.New(fault.NotFound, "No group %q.", clip(key, 120)).About(kindGroup, key)
}

// principal finds a user or a group.
func (st *state) principal(key string) (id, kind string, err error) {
	if u, err := st.user(key); err == nil {
		return u.ID, kindUser, nil
	}
	if g, err := st.group(key); err == nil {
		return g.ID, kindGroup, nil
	}
	return "", "", fault.New(fault.NotFound, "No user and no group %q.", clip(key, 120))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// change runs one change of the state and writes the file before it returns: what was answered
// survives. fn must validate before it changes anything.
func (t *Tenant) change(fn func(*state) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := fn(t.st); err != nil {
		return err
	}
	return t.save()
}

// save writes the state file; the caller holds t.mu.
func (t *Tenant) save() error {
	if err := writeJSON(filepath.Join(t.dir, stateFile), t.st); err != nil {
		return fault.New(fault.Internal, "the tenant's state could not be written").Because(err)
	}
	return nil
}

// writeJSON replaces the file as a whole: readers and a crash see the old one or the new one.
func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFile(path, b)
}

// writeFile replaces a file of mode 0600, whole or not at all.
func writeFile(path string, b []byte) error {
	return renameio.WriteFile(path, b, 0o600, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
}

// readJSON reports whether the file was there.
func readJSON(path string, v any) (bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return true, nil
}

// scope answers who is effectively entitled, for one moment's state.
type scope struct {
	all    bool
	users  map[string]bool
	groups map[string]bool
	// defaultOnly are principals skipped because their only assignment is Default Access although the
	// application publishes roles.
	defaultOnly map[string]bool
}

// newScope evaluates assignments as the job does: direct assignments and the direct user members of
// assigned groups; nested groups are not opened.
func (st *state) newScope() *scope {
	s := &scope{all: st.Job.Settings.Scope == ScopeAll, users: map[string]bool{}, groups: map[string]bool{}, defaultOnly: map[string]bool{}}
	for _, a := range st.App.Assignments {
		if a.Role == DefaultAccess && len(st.App.Roles) > 0 {
			s.defaultOnly[a.Principal] = true
			continue
		}
		if a.Kind == kindUser {
			s.users[a.Principal] = true
			continue
		}
		s.groups[a.Principal] = true
		if g := st.groupByID(a.Principal); g != nil {
			for _, m := range g.Members {
				s.users[m] = true
			}
		}
	}
	return s
}

func (s *scope) user(id string) bool  { return s.all || s.users[id] }
func (s *scope) group(id string) bool { return s.all || s.groups[id] }

func (st *state) userInScope(id string) bool { return st.newScope().user(id) }

// assigned reports whether a user may sign in to the application: any direct assignment, or direct
// membership in an assigned group; here Default Access counts.
func (st *state) assigned(userID string) bool {
	return slices.ContainsFunc(st.App.Assignments, func(a Assignment) bool {
		if a.Principal == userID {
			return true
		}
		g := st.groupByID(a.Principal)
		return g != nil && slices.Contains(g.Members, userID)
	})
}
