package localiam

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/seal"
)

const (
	management = "111122223333"
	member     = "444455556666"
	allowAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	allowS3    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
)

// world is a service with a clock that tests move.
type world struct {
	*Service
	store *memory
	mu    sync.Mutex
	clock time.Time
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

func start(t testing.TB, more ...func(*Config)) *world {
	t.Helper()
	keyset, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Parse(keyset)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: newMemory(), clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cfg := Config{Store: w.store, Sealer: sealer, Now: w.now, Rand: rand.Reader}
	for _, f := range more {
		f(&cfg)
	}
	w.Service = NewService(cfg)
	return w
}

var (
	ctx   = context.Background()
	actor = audit.Gatehouse
)

// try stops the test on an error that is none of its business.
func try[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantFault(t testing.TB, err error, kind fault.Kind, reason string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Kind != kind || reason != "" && f.Reason != reason {
		t.Errorf("got %v (%+v), want %v %q", err, f, kind, reason)
	}
}

// admin makes the administrator and returns him as a caller.
func (w *world) admin(t testing.TB, account string) Caller {
	t.Helper()
	k := try[NewKey](t)(w.CreateAdministrator(ctx, actor, account, "admin"))
	return try[Credential](t)(w.Credential(ctx, k.ID, "")).Caller
}

// role makes a customer's role that the account itself may assume.
func (w *world) role(t testing.TB, name string, policies ...string) Role {
	t.Helper()
	r := Role{Identity: Identity{AccountID: member, Name: name}, TrustPolicy: trustAccount(member)}
	r = try[Role](t)(w.CreateRole(ctx, actor, r))
	for i, p := range policies {
		if err := w.PutInline(ctx, actor, RoleRef(member, name), InlinePolicy{fmt.Sprint("p", i), p}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func trustAccount(id string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`, id)
}

func (w *world) assume(t testing.TB, c Caller, in SessionRequest) (Credentials, Caller) {
	t.Helper()
	cr := try[Credentials](t)(w.AssumeRole(ctx, c, in))
	return cr, try[Credential](t)(w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)).Caller
}

// reserved provisions a role as a permission set makes it.
func (w *world) reserved(t testing.TB, name string) Role {
	t.Helper()
	r := Role{Identity: Identity{AccountID: member, Name: name, Path: "/aws-reserved/sso.amazonaws.com/", Attached: []string{"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}},
		TrustPolicy: ReservedTrust(member), MaxSessionDuration: 12 * time.Hour}
	return try[Role](t)(w.PutRole(ctx, actor, r))
}
