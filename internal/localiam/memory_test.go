package localiam

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// memory is a Store in memory that keeps the contract; the SQL stores are held to the same contract by their own suite.
type memory struct {
	// What these keep is tested over a real database, with the door; here nobody is in a group.
	GroupStore
	ProfileStore
	AccountStore

	mu          sync.Mutex
	roles       map[string]Role
	users       map[string]User
	keys        map[string]AccessKey
	policies    map[string]ManagedPolicy
	providers   map[string]SAMLProvider
	generations map[string]int64
	revoked     map[string]time.Time
	events      []audit.Event
	reads       int
}

func newMemory() *memory {
	return &memory{roles: map[string]Role{}, users: map[string]User{}, keys: map[string]AccessKey{}, policies: map[string]ManagedPolicy{}, providers: map[string]SAMLProvider{},
		generations: map[string]int64{}, revoked: map[string]time.Time{}}
}

func key(account, name string) string { return account + "/" + Fold(name) }

func missing() error { return fault.New(fault.NotFound, "not there") }

func clone(id Identity) Identity {
	id.Attached, id.Inline, id.Tags = slices.Clone(id.Attached), maps.Clone(id.Inline), maps.Clone(id.Tags)
	return id
}

func (m *memory) wrote(account string, ev audit.Event) {
	m.generations[account]++
	m.events = append(m.events, ev)
}

// stale checks a revision against what is stored (zero: nothing).
func stale(want, have int64) error {
	switch {
	case want == have:
		return nil
	case want == 0:
		return fault.New(fault.Conflict, "exists").For("exists")
	default:
		return fault.New(fault.Conflict, "changed").For("version")
	}
}

func deletable(want, have int64) error {
	if have == 0 {
		return missing()
	}
	return stale(want, have)
}

func list[V any](m map[string]V, account, after string, limit int, keep func(V) bool) []V {
	var out []V
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if name, ok := strings.CutPrefix(k, account+"/"); ok && name > Fold(after) && len(out) < limit && keep(m[k]) {
			out = append(out, m[k])
		}
	}
	return out
}

func (m *memory) policiesExist(id Identity) error {
	for _, a := range append(slices.Clone(id.Attached), id.BoundaryARN) {
		if a == "" || strings.HasPrefix(a, "arn:aws:iam::aws:") {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(m.policies)), func(p ManagedPolicy) bool { return p.ARN() == a }) {
			return fault.New(fault.NotFound, "no policy %s", a).For("policy").About("POLICY", a)
		}
	}
	return nil
}

func (m *memory) Role(_ context.Context, account, name string) (Role, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	r, ok := m.roles[key(account, name)]
	if !ok {
		return Role{}, missing()
	}
	r.Identity = clone(r.Identity)
	return r, nil
}

func (m *memory) Roles(_ context.Context, account, prefix, after string, limit int) ([]Role, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return list(m.roles, account, after, limit, func(r Role) bool { return strings.HasPrefix(r.Path, prefix) }), nil
}

func (m *memory) SaveRole(_ context.Context, r Role, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := key(r.AccountID, r.Name)
	if err := cmp.Or(stale(r.Revision, m.roles[k].Revision), m.policiesExist(r.Identity)); err != nil {
		return err
	}
	r.Identity = clone(r.Identity)
	r.Revision++
	m.roles[k] = r
	m.wrote(r.AccountID, ev)
	return nil
}

func (m *memory) DeleteRole(_ context.Context, account, name string, revision int64, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := deletable(revision, m.roles[key(account, name)].Revision); err != nil {
		return err
	}
	delete(m.roles, key(account, name))
	m.wrote(account, ev)
	return nil
}

func (m *memory) User(_ context.Context, account, name string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	u, ok := m.users[key(account, name)]
	if !ok {
		return User{}, missing()
	}
	u.Identity = clone(u.Identity)
	return u, nil
}

func (m *memory) Users(_ context.Context, account, prefix, after string, limit int) ([]User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return list(m.users, account, after, limit, func(u User) bool { return strings.HasPrefix(u.Path, prefix) }), nil
}

func (m *memory) SaveUser(_ context.Context, u User, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := key(u.AccountID, u.Name)
	if err := cmp.Or(stale(u.Revision, m.users[k].Revision), m.policiesExist(u.Identity)); err != nil {
		return err
	}
	u.Identity = clone(u.Identity)
	u.Revision++
	m.users[k] = u
	m.wrote(u.AccountID, ev)
	return nil
}

func (m *memory) DeleteUser(_ context.Context, account, name string, revision int64, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := deletable(revision, m.users[key(account, name)].Revision); err != nil {
		return err
	}
	for _, k := range m.keys {
		if k.AccountID == account && Fold(k.UserName) == Fold(name) {
			return fault.New(fault.Conflict, "has keys").For("keys")
		}
	}
	delete(m.users, key(account, name))
	m.wrote(account, ev)
	return nil
}

func (m *memory) AccessKey(_ context.Context, id string) (AccessKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.keys[id]
	if !ok {
		return AccessKey{}, missing()
	}
	return k, nil
}

func (m *memory) AccessKeys(_ context.Context, account, user, after string, limit int) ([]AccessKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []AccessKey
	for _, id := range slices.Sorted(maps.Keys(m.keys)) {
		if k := m.keys[id]; k.AccountID == account && Fold(k.UserName) == Fold(user) && id > after && len(out) < limit {
			out = append(out, k)
		}
	}
	return out, nil
}

func (m *memory) SaveAccessKey(_ context.Context, k AccessKey, _ int, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.users[key(k.AccountID, k.UserName)]; !ok {
		return fault.New(fault.NotFound, "no user").For("user")
	}
	if err := stale(k.Revision, m.keys[k.ID].Revision); err != nil {
		return err
	}
	k.Revision++
	m.keys[k.ID] = k
	m.wrote(k.AccountID, ev)
	return nil
}

func (m *memory) DeleteAccessKey(_ context.Context, id string, revision int64, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := deletable(revision, m.keys[id].Revision); err != nil {
		return err
	}
	m.wrote(m.keys[id].AccountID, ev)
	delete(m.keys, id)
	return nil
}

func (m *memory) Policy(_ context.Context, account, name string) (ManagedPolicy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.policies[key(account, name)]
	if !ok {
		return ManagedPolicy{}, missing()
	}
	return p, nil
}

func (m *memory) Policies(_ context.Context, account, prefix, after string, limit int) ([]ManagedPolicy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return list(m.policies, account, after, limit, func(p ManagedPolicy) bool { return strings.HasPrefix(p.Path, prefix) }), nil
}

func (m *memory) PoliciesByARN(_ context.Context, account string, arns []string) ([]ManagedPolicy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return list(m.policies, account, "", 1000, func(p ManagedPolicy) bool { return slices.Contains(arns, p.ARN()) }), nil
}

func (m *memory) SavePolicy(_ context.Context, p ManagedPolicy, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := key(p.AccountID, p.Name)
	if err := stale(p.Revision, m.policies[k].Revision); err != nil {
		return err
	}
	p.Versions = slices.Clone(p.Versions)
	p.Revision++
	m.policies[k] = p
	m.wrote(p.AccountID, ev)
	return nil
}

func (m *memory) DeletePolicy(ctx context.Context, account, name string, revision int64, ev audit.Event) error {
	m.mu.Lock()
	p := m.policies[key(account, name)]
	m.mu.Unlock()
	uses, _ := m.PolicyUses(ctx, account, []string{p.ARN()})
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := deletable(revision, p.Revision); err != nil {
		return err
	}
	if uses[p.ARN()] != (PolicyUse{}) {
		return fault.New(fault.Conflict, "attached").For("attached")
	}
	delete(m.policies, key(account, name))
	m.wrote(account, ev)
	return nil
}

func (m *memory) PolicyUses(_ context.Context, account string, arns []string) (map[string]PolicyUse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]PolicyUse{}
	count := func(i Identity) {
		for _, policyARN := range arns {
			use := out[policyARN]
			if slices.Contains(i.Attached, policyARN) {
				use.Policies++
			}
			if i.BoundaryARN == policyARN {
				use.Boundaries++
			}
			out[policyARN] = use
		}
	}
	for _, r := range list(m.roles, account, "", 1000, func(Role) bool { return true }) {
		count(r.Identity)
	}
	for _, u := range list(m.users, account, "", 1000, func(User) bool { return true }) {
		count(u.Identity)
	}
	return out, nil
}

func (m *memory) AttachedPolicies(context.Context, string, string, string, int) ([]string, error) {
	return nil, fault.New(fault.Internal, "nothing here asks for them")
}

func (m *memory) PolicyHolders(context.Context, string, string, HolderFilter, HolderPlace, int) ([]PolicyHolder, error) {
	return nil, fault.New(fault.Internal, "nothing here asks for them")
}

func (m *memory) SAMLProvider(_ context.Context, account, name string) (SAMLProvider, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.providers[key(account, name)]
	if !ok {
		return SAMLProvider{}, missing()
	}
	return p, nil
}

func (m *memory) SAMLProviders(_ context.Context, account, after string, limit int) ([]SAMLProvider, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return list(m.providers, account, after, limit, func(SAMLProvider) bool { return true }), nil
}

func (m *memory) SaveSAMLProvider(_ context.Context, p SAMLProvider, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := key(p.AccountID, p.Name)
	if err := stale(p.Revision, m.providers[k].Revision); err != nil {
		return err
	}
	p.Revision++
	m.providers[k] = p
	m.wrote(p.AccountID, ev)
	return nil
}

func (m *memory) DeleteSAMLProvider(_ context.Context, account, name string, revision int64, ev audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := deletable(revision, m.providers[key(account, name)].Revision); err != nil {
		return err
	}
	delete(m.providers, key(account, name))
	m.wrote(account, ev)
	return nil
}

func (m *memory) Generation(_ context.Context, account string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.generations[account], nil
}

func (m *memory) RevokedBefore(_ context.Context, subjects ...string) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out time.Time
	for _, s := range subjects {
		if t := m.revoked[s]; t.After(out) {
			out = t
		}
	}
	return out, nil
}

func (m *memory) Revoke(_ context.Context, rs []Revocation, evs []audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range rs {
		if r.Before.After(m.revoked[r.Subject]) {
			m.revoked[r.Subject] = r.Before
		}
	}
	m.events = append(m.events, evs...)
	return nil
}

// inOrganization is an Organization with service control policies.
type inOrganization map[string]Standing

func (o inOrganization) Standing(_ context.Context, account string) (Standing, error) {
	return o[account], nil
}

func named(name, text string) policy.Named {
	d, err := policy.Parse([]byte(text), policy.ForIdentity)
	if err != nil {
		panic(err) // a test's own text
	}
	return policy.Named{Name: name, Document: d}
}

func (m *memory) GroupsOf(context.Context, string, string, string, int) ([]Group, error) {
	return nil, nil
}

func (m *memory) RenameUser(context.Context, string, User, audit.Event) error { return missing() }
