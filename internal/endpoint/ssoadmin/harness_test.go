package ssoadmin

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/policy"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

const secret = "the secret of every key in these tests"

// bench is the door over the real domain in a real SQLite, spoken to as clients do: signed, over HTTP.
type bench struct {
	t      *testing.T
	store  access.Store
	access *access.Service
	people *directory.Service
	apps   *application.Service
	org    *organization.Service
	router http.Handler
	asked  recorder

	owner, instance string // the management account; the instance's ARN
	accounts        []string
}

// recorder authenticates key "AKIA" + account as that account's administrator and records what was asked of the
// authorizer; an action in denied is refused.
type recorder struct {
	denied string
	asked  []awswire.Access
}

func (*recorder) Credential(_ context.Context, keyID, _ string) (awswire.Credential[string], error) {
	account := strings.TrimPrefix(keyID, "AKIA")
	arn := "arn:aws:iam::" + account + ":user/admin"
	return awswire.Credential[string]{Secret: secret, Principal: arn, Actor: audit.Actor{Kind: audit.Principal, ID: arn, Name: "admin", AccountID: account}}, nil
}

func (r *recorder) Authorize(_ context.Context, principal string, a awswire.Access) error {
	r.asked = append(r.asked, a)
	if a.Action == r.denied {
		return fault.New(fault.Denied, "User: %s is not authorized to perform: %s", principal, a.Action)
	}
	return nil
}

// policies is the policy language as access wants it.
type policies struct{}

func (policies) CheckPolicy(document string) error {
	_, err := policy.Parse([]byte(document), policy.ForIdentity)
	return err
}

func (policies) HasManagedPolicy(arn string) bool {
	_, ok := policy.Builtin().Find(arn)
	return ok
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := context.Background()
	db, err := sqlite.Open(ctx, sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := &bench{t: t, store: db.Access()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const storeID = "d-0123456789"
	b.people = directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: storeID, Now: time.Now, Rand: rand.Reader})
	nothing := func(context.Context, audit.Actor, string, organization.Account) error { return nil }
	b.org = organization.NewService(organization.Config{Store: db.Organization(), Now: time.Now, Rand: rand.Reader, Opened: nothing})
	b.access = access.NewService(access.Config{Store: b.store, People: b.people, Accounts: b.org, Policies: policies{}, Now: time.Now, Rand: rand.Reader, Wake: func() {}})
	o, err := b.org.Create(ctx, audit.Gatehouse, "Management", "management@example.com")
	must(err)
	b.owner = o.ManagementAccountID
	for _, n := range []string{"one", "two", "three"} {
		a, err := b.org.CreateAccount(ctx, audit.Gatehouse, n, n+"@example.com", nil)
		must(err)
		b.accounts = append(b.accounts, a.ID)
	}
	i, err := b.access.CreateInstance(ctx, audit.Gatehouse, access.Instance{Name: "main", IdentityStoreID: storeID, OwnerAccountID: b.owner, Region: "us-east-1"})
	must(err)
	b.instance = arn.Instance(i.ID)
	b.apps = application.NewService(application.Config{
		Store: db.Application(), People: b.people, Instance: func(ctx context.Context, id string) error {
			_, err := b.access.Instance(ctx, id)
			return err
		},
		CheckPolicy: func(document string) error {
			_, err := policy.Parse([]byte(document), policy.ForResource)
			return err
		},
		Quotas: application.DefaultQuotas(), Now: time.Now, Rand: rand.Reader,
	})
	b.router, err = awswire.NewRouter(awswire.Config[string]{
		Verifier:   &awswire.Verifier[string]{Authenticator: &b.asked, Regions: []string{"us-east-1"}, Now: time.Now},
		Authorizer: &b.asked, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, New[string](Config{Access: b.access, People: b.people, Applications: b.apps, Owner: b.owner}).Service())
	must(err)
	return b
}

// as sends one request from an account's administrator and returns the status and the answer; $I in the body is
// the instance's ARN.
func (b *bench) as(account, operation, body string) (int, map[string]any) {
	b.t.Helper()
	body = strings.ReplaceAll(body, "$I", b.instance)
	r := httptest.NewRequest("POST", "http://gatehouse.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "SWBExternalService."+operation)
	if err := awswire.Sign(r, []byte(body), awswire.Key{ID: "AKIA" + account, Secret: secret}, "us-east-1", "sso", time.Now()); err != nil {
		b.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	b.router.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		b.t.Fatalf("%s: the answer is not JSON: %s", operation, w.Body)
	}
	return w.Code, out
}

// do sends a request that must succeed.
func (b *bench) do(operation, body string) map[string]any {
	b.t.Helper()
	status, out := b.as(b.owner, operation, body)
	if status != 200 {
		b.t.Fatalf("%s %s: %d %v", operation, body, status, out)
	}
	return out
}

// refused sends a request that must fail with the code.
func (b *bench) refused(code, operation, body string) {
	b.t.Helper()
	if status, out := b.as(b.owner, operation, body); status == 200 || out["__type"] != code {
		b.t.Errorf("%s %s: %d %v, want %s", operation, body, status, out, code)
	}
}

// set makes a permission set and returns its ARN.
func (b *bench) set(name string) string {
	b.t.Helper()
	return in[string](b.t, b.do("CreatePermissionSet", `{"InstanceArn":"$I","Name":"`+name+`"}`), "PermissionSet", "PermissionSetArn")
}

func (b *bench) user(name string) string {
	b.t.Helper()
	u, err := b.people.CreateUser(context.Background(), audit.Gatehouse, directory.User{UserName: name, Active: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return u.ID
}

func (b *bench) group(name string, members ...string) string {
	b.t.Helper()
	g, err := b.people.CreateGroup(context.Background(), audit.Gatehouse, directory.Group{DisplayName: name}, members)
	if err != nil {
		b.t.Fatal(err)
	}
	return g.ID
}

// work does what the provisioning worker does, without targets: every role that has assignments becomes one at the
// set's revision, every other is gone; failure, if not empty, ends the requests as FAILED.
func (b *bench) work(failure string) {
	b.t.Helper()
	ctx, now := context.Background(), time.Now()
	claimed, err := b.store.ClaimWork(ctx, "test", now.Add(time.Second), now.Add(time.Minute), 100)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, w := range claimed {
		set, err := b.store.Set(ctx, w.PermissionSetID)
		if err != nil {
			b.t.Fatal(err)
		}
		n, err := b.store.CountAssignments(ctx, w.RoleKey, 1)
		if err != nil {
			b.t.Fatal(err)
		}
		o := access.Outcome{Failure: failure, At: now}
		if n > 0 && failure == "" {
			o.Role = &access.ProvisionedRole{RoleKey: w.RoleKey, Suffix: "0123456789abcdef", RoleName: "AWSReservedSSO_" + set.Name + "_0123456789abcdef", Revision: set.Revision, ProvisionedAt: now}
		}
		if err := b.store.FinishWork(ctx, "test", w, o, audit.New(ctx, now, audit.Gatehouse, "provision:Finish", w.AccountID)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// in walks into nested objects and returns what is there.
func in[T any](t *testing.T, v any, path ...string) T {
	t.Helper()
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no object at %s in %v", p, v)
		}
		v = m[p]
	}
	out, ok := v.(T)
	if !ok {
		t.Fatalf("got %v (%T) at %v", v, v, path)
	}
	return out
}

// jsonText writes v with its members in the order of their names.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	return string(b), err
}

func groupNamed(name string) directory.Group { return directory.Group{DisplayName: name} }
