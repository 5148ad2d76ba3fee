package application_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/storage/sqlstore"
)

const account = "111122223333"

var admin = audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:user/admin", AccountID: account}

type world struct {
	*application.Service
	db     *sqlstore.DB
	people *directory.Service
	ins    string
	now    time.Time
}

func start(t testing.TB, quotas application.Quotas) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{db: db, ins: arn.NewInstanceID(rand.Reader), now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	w.people = directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: "d-0123456789", Now: now, Rand: rand.Reader})
	ok(t, db.Access().InsertInstance(t.Context(), access.Instance{ID: w.ins, OwnerAccountID: account}, audit.New(t.Context(), w.now, admin, "sso:CreateInstance", w.ins)))
	w.Service = application.NewService(application.Config{
		Store: db.Application(), People: w.people, Quotas: quotas, Now: now, Rand: rand.Reader,
		Instance: func(ctx context.Context, id string) error {
			_, err := db.Access().Instance(ctx, id)
			return err
		},
		CheckPolicy: func(doc string) error {
			if !strings.HasPrefix(doc, "{") {
				return fault.New(fault.Invalid, "not a policy")
			}
			return nil
		},
	})
	return w
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, what string, err error, k fault.Kind) {
	t.Helper()
	if !fault.Is(err, k) {
		t.Errorf("%s: %v, want %v", what, err, k)
	}
}

func (w *world) create(t testing.TB, name string) arn.InInstance {
	t.Helper()
	a, err := w.Create(t.Context(), admin, application.Application{InstanceID: w.ins, AccountID: account, Provider: "custom", Name: name}, "")
	ok(t, err)
	return arn.InInstance{AccountID: a.AccountID, InstanceID: a.InstanceID, ID: a.ID}
}

func (w *world) user(t *testing.T, name string) string {
	t.Helper()
	u, err := w.people.CreateUser(t.Context(), admin, directory.User{UserName: name, Active: true})
	ok(t, err)
	return u.ID
}

// TestEntitled walks through everything that opens and closes an application.
func TestEntitled(t *testing.T) {
	t.Parallel()
	w, ctx := start(t, application.DefaultQuotas()), t.Context()
	n, ada, bob := w.create(t, "Wiki"), w.user(t, "ada"), w.user(t, "bob")
	g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: "writers"}, []string{ada})
	ok(t, err)
	may := func(user string, want bool) {
		t.Helper()
		_, err := w.Entitled(ctx, n, user)
		switch {
		case want:
			ok(t, err)
		case !fault.Is(err, fault.Denied) || fault.Shown(err) != "No access":
			t.Errorf("got %v, want «No access»", err)
		}
	}
	edit := func(change func(*application.Application)) {
		t.Helper()
		_, err := w.Update(ctx, admin, n, "UpdateApplication", func(a *application.Application) error { change(a); return nil })
		ok(t, err)
	}
	may(ada, false)
	ok(t, w.Assign(ctx, admin, n, application.Principal{Type: application.Group, ID: g.ID}))
	may(ada, true)
	may(bob, false)
	may("0123456789-00000000-0000-4000-8000-000000000000", false)
	edit(func(a *application.Application) { a.OpenToAll = true })
	may(bob, true)
	edit(func(a *application.Application) { a.Disabled = true })
	may(ada, false)
	edit(func(a *application.Application) { a.Disabled, a.OpenToAll = false, false })
	m, err := w.people.MembershipOf(ctx, g.ID, ada)
	ok(t, err)
	ok(t, w.people.DeleteMembership(ctx, admin, m.ID))
	may(ada, false)
	ok(t, w.Assign(ctx, admin, n, application.Principal{Type: application.User, ID: ada}))
	may(ada, true)
	_, err = w.people.UpdateUser(ctx, admin, ada, 0, func(u *directory.User) error { u.Active = false; return nil })
	ok(t, err)
	may(ada, false)
	ok(t, w.Delete(ctx, admin, n))
	may(bob, false)
}

func TestOneEditDoesNotUndoAnother(t *testing.T) {
	t.Parallel()
	w, ctx := start(t, application.DefaultQuotas()), t.Context()
	n := w.create(t, "Wiki")
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() { errs[i] = w.PutScope(ctx, admin, n, application.Scope{Name: fmt.Sprint("s", i)}) })
	}
	wg.Wait()
	for _, err := range errs {
		ok(t, err)
	}
	if a, err := w.Application(ctx, n); err != nil || len(a.Scopes) != 6 || a.Version != 7 {
		t.Errorf("after six edits at once: %v, %v", a, err)
	}
}

func TestNamesMustAgree(t *testing.T) {
	t.Parallel()
	w, ctx := start(t, application.DefaultQuotas()), t.Context()
	n := w.create(t, "Wiki")
	for _, other := range []arn.InInstance{{AccountID: "444455556666", InstanceID: n.InstanceID, ID: n.ID}, {AccountID: n.AccountID, InstanceID: "ssoins-0000000000000000", ID: n.ID}, {AccountID: n.AccountID, InstanceID: n.InstanceID, ID: "apl-0000000000000000"}} {
		_, err := w.Application(ctx, other)
		wantKind(t, fmt.Sprint(other), err, fault.NotFound)
		wantKind(t, "Delete", w.Delete(ctx, admin, other), fault.NotFound)
	}
}

func TestQuotasAreSettings(t *testing.T) {
	t.Parallel()
	w, ctx := start(t, application.Quotas{Applications: 1, Issuers: 1, Scopes: 1, Groups: 1, Tags: 1}), t.Context()
	n := w.create(t, "Wiki")
	_, err := w.Create(ctx, admin, application.Application{InstanceID: w.ins, AccountID: account, Provider: "custom", Name: "Blog"}, "token")
	wantKind(t, "a second application", err, fault.Quota)
	ok(t, w.PutScope(ctx, admin, n, application.Scope{Name: "a"}))
	wantKind(t, "a second scope", w.PutScope(ctx, admin, n, application.Scope{Name: "b"}), fault.Quota)
	wantKind(t, "a second tag", w.Tag(ctx, admin, n, map[string]string{"a": "", "b": ""}, nil), fault.Quota)
	for i, kind := range []fault.Kind{fault.Internal, fault.Quota} {
		g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: fmt.Sprint("g", i)}, nil)
		ok(t, err)
		err = w.Assign(ctx, admin, n, application.Principal{Type: application.Group, ID: g.ID})
		if i == 0 {
			ok(t, err)
		} else {
			wantKind(t, "a second group", err, kind)
		}
	}
	issuer := application.Issuer{InstanceID: w.ins, AccountID: account, Name: "Okta", URL: "https://x.example.com", ClaimPath: "email", UserPath: "emails.value"}
	_, err = w.CreateIssuer(ctx, admin, issuer, "")
	ok(t, err)
	_, err = w.CreateIssuer(ctx, admin, issuer, "")
	wantKind(t, "a second issuer", err, fault.Quota)
}

func TestClientTokensOfAccountsAndOperationsDoNotMeet(t *testing.T) {
	t.Parallel()
	w, ctx := start(t, application.DefaultQuotas()), t.Context()
	seen := map[string]bool{}
	for _, acct := range []string{account, "444455556666"} {
		a, err := w.Create(ctx, admin, application.Application{InstanceID: w.ins, AccountID: acct, Provider: "custom", Name: "Wiki"}, "t")
		ok(t, err)
		i, err := w.CreateIssuer(ctx, admin, application.Issuer{InstanceID: w.ins, AccountID: acct, Name: "x", URL: "https://x.example.com", ClaimPath: "email", UserPath: "userName"}, "t")
		ok(t, err)
		seen[a.ID], seen[i.ID] = true, true
	}
	if len(seen) != 4 {
		t.Errorf("made %v, want four things", seen)
	}
}

func TestEveryChangeIsInTheTrail(t *testing.T) {
	t.Parallel()
	w, ctx := start(t, application.DefaultQuotas()), t.Context()
	n, u := w.create(t, "Wiki"), w.user(t, "ada")
	p := application.Principal{Type: application.User, ID: u}
	ok(t, w.Assign(ctx, admin, n, p))
	ok(t, w.Assign(ctx, admin, n, p)) // changes nothing, so it is not in the trail
	ok(t, w.Unassign(ctx, admin, n, p))
	ok(t, w.PutGrant(ctx, admin, n, application.RefreshToken, application.Grants{RefreshToken: true}))
	ok(t, w.DeleteGrant(ctx, admin, n, application.RefreshToken))
	ok(t, w.PutActorPolicy(ctx, admin, n, "{}"))
	ok(t, w.PutActorPolicy(ctx, admin, n, ""))
	ok(t, w.Tag(ctx, admin, n, map[string]string{"k": "v"}, nil))
	ok(t, w.Tag(ctx, admin, n, nil, []string{"k"}))
	ok(t, w.Delete(ctx, admin, n))
	page, err := w.db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{Resource: arn.Application(n)}, 50)
	ok(t, err)
	var got []string
	for _, e := range page.Events {
		got = append(got, strings.TrimPrefix(e.Action, "sso:"))
	}
	want := "DeleteApplication UntagResource TagResource DeleteApplicationAuthenticationMethod PutApplicationAuthenticationMethod DeleteApplicationGrant PutApplicationGrant " +
		"DeleteApplicationAssignment CreateApplicationAssignment CreateApplication"
	if strings.Join(got, " ") != want {
		t.Errorf("the trail is %v, want %s", got, want)
	}
}

func FuzzRules(f *testing.F) {
	f.Add("https://wiki.example.com/", "sso:account:access", "email")
	f.Add("javascript:alert(1)", "a:b:c:d", "e-mail")
	f.Add("\x00", "\xff", "")
	f.Add("http://[::1", "é", "a.b.c.d")
	w := start(f, application.Quotas{Applications: 1e6, Issuers: 1e6, Scopes: 1, Groups: 1, Tags: 1})
	f.Fuzz(func(t *testing.T, url, scope, path string) {
		n := w.create(t, "Wiki")
		for _, err := range []error{
			w.PutScope(t.Context(), admin, n, application.Scope{Name: scope, Targets: []string{url}}),
			w.PutGrant(t.Context(), admin, n, application.AuthorizationCode, application.Grants{RedirectURIs: []string{url}}),
			w.Tag(t.Context(), admin, n, map[string]string{scope: path}, nil),
			func() error {
				_, err := w.CreateIssuer(t.Context(), admin, application.Issuer{InstanceID: w.ins, AccountID: account, Name: "x", URL: url, ClaimPath: path, UserPath: path}, scope)
				return err
			}(),
		} {
			if err != nil && fault.Of(err).Kind == fault.Internal {
				t.Errorf("%q %q %q: %v", url, scope, path, err)
			}
		}
	})
}
