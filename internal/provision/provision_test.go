package provision_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/provision"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/target"
)

var admin = audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:user/admin"}

// place is a target that keeps roles in a map and fails when told to.
type place struct {
	mu      sync.Mutex
	roles   map[string]target.Role
	applied int
	fail    func(target.Role) error
	// after runs when a role was applied, before Apply returns.
	after func()
}

func (p *place) Apply(_ context.Context, _ audit.Actor, r target.Role) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		if err := p.fail(r); err != nil {
			return err
		}
	}
	p.applied++
	p.roles[r.AccountID+"/"+r.Name] = r
	if p.after != nil {
		p.after()
	}
	return nil
}

func (p *place) Remove(_ context.Context, _ audit.Actor, account, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.roles, account+"/"+name)
	return nil
}

func (p *place) Credentials(context.Context, target.Session) (target.Credentials, error) {
	return target.Credentials{}, fault.New(fault.Unavailable, "not here")
}

func (p *place) Visit(context.Context, target.Visit) (target.Credentials, error) {
	return target.Credentials{}, fault.New(fault.Unavailable, "not here")
}

func (p *place) names() []string { return slices.Sorted(maps.Keys(p.roles)) }

type yes struct{}

func (yes) CheckPolicy(string) error     { return nil }
func (yes) HasManagedPolicy(string) bool { return true }

type world struct {
	access *access.Service
	store  access.Store
	worker *provision.Worker
	place  *place
	set    access.PermissionSet
	acct   string
	people []access.Principal
	now    time.Time
}

func start(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	db, err := sqlite.Open(ctx, sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), store: db.Access(), place: &place{roles: map[string]target.Role{}}}
	now := func() time.Time { return w.now }
	people := directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: "d-0123456789", Now: now, Rand: rand.Reader})
	org := organization.NewService(organization.Config{Store: db.Organization(), Now: now, Rand: rand.Reader,
		Opened: func(context.Context, audit.Actor, string, organization.Account) error { return nil }})
	w.worker = w.another("one")
	w.access = access.NewService(access.Config{Store: w.store, People: people, Accounts: org, Policies: yes{}, Now: now, Rand: rand.Reader, Wake: w.worker.Wake})
	o, err := org.Create(ctx, admin, "Management", "root@example.com")
	if err != nil {
		t.Fatal(err)
	}
	ins, err := w.access.CreateInstance(ctx, admin, access.Instance{Name: "T", IdentityStoreID: "d-0123456789", OwnerAccountID: o.ManagementAccountID, Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	w.acct = o.ManagementAccountID
	if w.set, err = w.access.CreateSet(ctx, admin, access.PermissionSet{InstanceID: ins.ID, Name: "S", Description: "first"}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		u, err := people.CreateUser(ctx, admin, directory.User{UserName: fmt.Sprintf("u%d@x", i), Active: true})
		if err != nil {
			t.Fatal(err)
		}
		w.people = append(w.people, access.Principal{Type: access.User, ID: u.ID})
	}
	return w
}

// another is a second worker on the same database.
func (w *world) another(name string) *provision.Worker {
	return provision.New(provision.Config{Store: w.store, Target: w.place, Name: name, Parallel: 4, Now: func() time.Time { return w.now }, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
}

func (w *world) key() access.RoleKey {
	return access.RoleKey{AccountID: w.acct, PermissionSetID: w.set.ID}
}

func (w *world) step(t *testing.T) int {
	t.Helper()
	n, err := w.worker.Step(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) assign(t *testing.T, i int) string {
	t.Helper()
	r, err := w.access.Assign(t.Context(), admin, w.key(), w.people[i])
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func (w *world) status(t *testing.T, id string) access.Request {
	t.Helper()
	r, err := w.store.Request(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestManyRequestsOnOneRoleAreOneApply(t *testing.T) {
	t.Parallel()
	w := start(t)
	ids := []string{w.assign(t, 0), w.assign(t, 1), w.assign(t, 2), w.assign(t, 0)}
	w.step(t)
	if w.place.applied != 1 {
		t.Errorf("applied %d times, want 1", w.place.applied)
	}
	for _, id := range ids {
		if r := w.status(t, id); r.Status != access.Succeeded {
			t.Errorf("request %s is %s %s", id, r.Status, r.FailureReason)
		}
	}
	if n := w.step(t); n != 0 {
		t.Errorf("%d roles still wait", n)
	}
	r := w.place.roles[w.place.names()[0]]
	if !strings.HasPrefix(r.Name, "AWSReservedSSO_S_") || len(r.Name) != len("AWSReservedSSO_S_")+16 || r.Path != "/aws-reserved/sso.amazonaws.com/eu-west-1/" {
		t.Errorf("got role %s at %s", r.Name, r.Path)
	}
}

func TestEditsReachTheRoleOnlyByProvisioning(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.assign(t, 0)
	w.step(t)
	if _, err := w.access.UpdateSet(t.Context(), admin, w.set.InstanceID, w.set.ID, "UpdatePermissionSet", func(p *access.PermissionSet) error { p.Description = "second"; return nil }); err != nil {
		t.Fatal(err)
	}
	w.assign(t, 1)
	w.step(t)
	name := w.place.names()[0]
	if got := w.place.roles[name].Description; got != "first" {
		t.Errorf("a further assignment pushed the edit: %q", got)
	}
	r, err := w.access.Provision(t.Context(), admin, access.RoleKey{PermissionSetID: w.set.ID})
	if err != nil || r.Status != access.InProgress {
		t.Fatalf("got %+v, %v", r, err)
	}
	w.step(t)
	if got := w.place.roles[name].Description; got != "second" || len(w.place.roles) != 1 {
		t.Errorf("after provisioning: %q in %v", got, w.place.names())
	}
	if got := w.status(t, r.ID); got.Status != access.Succeeded {
		t.Errorf("the parent request is %s", got.Status)
	}
}

func TestProvisioningASetWithoutRolesSucceedsAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	r, err := w.access.Provision(t.Context(), admin, access.RoleKey{PermissionSetID: w.set.ID})
	if err != nil || r.Status != access.Succeeded {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestTheLastAssignmentTakesTheRoleAndANewOneHasANewSuffix(t *testing.T) {
	t.Parallel()
	w := start(t)
	unassign := func(i int) string {
		r, err := w.access.Unassign(t.Context(), admin, w.key(), w.people[i])
		if err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	w.assign(t, 0)
	w.assign(t, 1)
	w.step(t)
	first := w.place.names()
	unassign(0)
	w.step(t)
	if !slices.Equal(w.place.names(), first) {
		t.Errorf("the role went with an assignment that was not the last: %v", w.place.names())
	}
	id := unassign(1)
	w.step(t)
	if len(w.place.roles) != 0 || w.status(t, id).Status != access.Succeeded {
		t.Errorf("after the last: %v, %s", w.place.names(), w.status(t, id).Status)
	}
	w.assign(t, 0)
	w.step(t)
	if got := w.place.names(); len(got) != 1 || got[0] == first[0] {
		t.Errorf("got %v after %v", got, first)
	}
}

func TestAMissingPolicyFailsWithItsReasonAndLeavesNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.place.fail = func(target.Role) error {
		return fault.New(fault.NotFound, "Policy arn:aws:iam::1:policy/P does not exist or is not attachable.")
	}
	id := w.assign(t, 0)
	w.step(t)
	r := w.status(t, id)
	if r.Status != access.Failed || r.FailureReason != "Received a 404 status error: Policy arn:aws:iam::1:policy/P does not exist or is not attachable." {
		t.Errorf("got %+v", r)
	}
	if n, _ := w.store.CountAssignments(t.Context(), w.key(), 1); n != 0 {
		t.Error("the assignment stays")
	}
	w.place.fail = nil
	id = w.assign(t, 0)
	w.step(t)
	if r := w.status(t, id); r.Status != access.Succeeded {
		t.Errorf("once the policy is there: %+v", r)
	}
}

func TestAPassingFailureIsTriedAgainAndEndsAtLast(t *testing.T) {
	t.Parallel()
	w := start(t)
	calls := 0
	w.place.fail = func(target.Role) error { calls++; return fault.New(fault.Unavailable, "later") }
	id := w.assign(t, 0)
	for range 50 {
		w.step(t)
		w.now = w.now.Add(time.Minute)
	}
	r := w.status(t, id)
	if r.Status != access.Failed || r.FailureReason != "An unexpected internal service exception was encountered" || calls != 6 {
		t.Errorf("after %d calls: %+v", calls, r)
	}
}

// TestAConcurrentChangeIsTriedAgain: a role or account that somebody else changed at the same moment is read again.
func TestAConcurrentChangeIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := start(t)
	calls := 0
	w.place.fail = func(target.Role) error {
		if calls++; calls == 1 {
			return fault.New(fault.Conflict, "it was changed in the meantime; read it again").For("version")
		}
		return nil
	}
	id := w.assign(t, 0)
	for range 3 {
		w.step(t)
		w.now = w.now.Add(time.Minute)
	}
	if r := w.status(t, id); r.Status != access.Succeeded || calls != 2 {
		t.Errorf("after %d calls: %+v", calls, r)
	}
}

func TestADeadWorkersRoleIsFoundAgain(t *testing.T) {
	t.Parallel()
	w := start(t)
	id := w.assign(t, 0)
	// The first worker makes the role and dies before it can say so: its claim is taken from it while it works.
	w.place.after = func() {
		w.now = w.now.Add(time.Hour)
		w.place.after = nil
		if _, err := w.store.ClaimWork(context.Background(), "thief", w.now, w.now.Add(time.Second), 10); err != nil {
			t.Error(err)
		}
	}
	w.step(t)
	if r := w.status(t, id); r.Status != access.InProgress {
		t.Fatalf("a worker without a claim finished the request: %+v", r)
	}
	made := w.place.names()
	w.now = w.now.Add(time.Hour)
	if n, err := w.another("two").Step(t.Context()); err != nil || n != 1 {
		t.Fatalf("the second worker claimed %d, %v", n, err)
	}
	if got := w.place.names(); !slices.Equal(got, made) {
		t.Errorf("an orphan is left: %v, the first had made %v", got, made)
	}
	if r := w.status(t, id); r.Status != access.Succeeded {
		t.Errorf("got %+v", r)
	}
}

func TestAnAssignmentWithdrawnAfterACrashLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.assign(t, 0)
	w.place.after = func() {
		w.now = w.now.Add(time.Hour)
		w.place.after = nil
		if _, err := w.store.ClaimWork(context.Background(), "thief", w.now, w.now.Add(time.Second), 10); err != nil {
			t.Error(err)
		}
	}
	w.step(t)
	if _, err := w.access.Unassign(t.Context(), admin, w.key(), w.people[0]); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Hour)
	w.step(t)
	if len(w.place.roles) != 0 {
		t.Errorf("the role nobody recorded is still there: %v", w.place.names())
	}
}

func TestRunWorksUntilStopped(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.worker.Run(ctx); close(done) }()
	id := w.assign(t, 0)
	for range 400 {
		if w.status(t, id).Status == access.Succeeded {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if r := w.status(t, id); r.Status != access.Succeeded {
		t.Errorf("got %+v", r)
	}
	stop()
	<-done
}
