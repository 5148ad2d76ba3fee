package access_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"

	"context"
)

var admin = audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:user/admin"}

const managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"

// known stands for the policy language: one managed policy, and documents that begin with a brace.
type known struct{}

func (known) HasManagedPolicy(arn string) bool { return arn == managed }

func (known) CheckPolicy(doc string) error {
	if !strings.HasPrefix(doc, "{") {
		return fault.New(fault.Invalid, "not a policy")
	}
	return nil
}

type world struct {
	*access.Service
	people *directory.Service
	org    *organization.Service
	store  access.Store
	ins    access.Instance
	o      organization.Organization
	woken  int
	now    time.Time
	roles  ownRoles
	apps   *apps
}

func start(t *testing.T) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), store: db.Access()}
	now := func() time.Time { return w.now }
	w.people = directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: "d-0123456789", Now: now, Rand: rand.Reader})
	w.org = organization.NewService(organization.Config{Store: db.Organization(), Now: now, Rand: rand.Reader,
		Opened: func(context.Context, audit.Actor, string, organization.Account) error { return nil }})
	w.roles, w.apps = ownRoles{}, &apps{open: map[arn.InInstance]bool{}}
	w.Service = access.NewService(access.Config{Store: w.store, People: w.people, Accounts: w.org, Policies: known{}, Roles: w.roles, Applications: w.apps, Now: now, Rand: rand.Reader, Wake: func() { w.woken++ }})
	if w.o, err = w.org.Create(t.Context(), admin, "Management", "root@example.com"); err != nil {
		t.Fatal(err)
	}
	if w.ins, err = w.CreateInstance(t.Context(), admin, access.Instance{Name: "T", IdentityStoreID: "d-0123456789", OwnerAccountID: w.o.ManagementAccountID, Region: "us-east-1"}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) set(t *testing.T, name string) access.PermissionSet {
	t.Helper()
	p, err := w.CreateSet(t.Context(), admin, access.PermissionSet{InstanceID: w.ins.ID, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) account(t *testing.T, name string) organization.Account {
	t.Helper()
	a, err := w.org.CreateAccount(t.Context(), admin, name, strings.ReplaceAll(name, " ", "")+"@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *world) user(t *testing.T, name string) directory.User {
	t.Helper()
	u, err := w.people.CreateUser(t.Context(), admin, directory.User{UserName: name, Active: true})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// work does what the provisioning worker does, without a target: every claimed role comes to be if it is assigned.
func (w *world) work(t *testing.T, failure string) {
	t.Helper()
	works, err := w.store.ClaimWork(t.Context(), "w", w.now, w.now.Add(time.Minute), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range works {
		o := access.Outcome{At: w.now, Failure: failure}
		n, err := w.store.CountAssignments(t.Context(), k.RoleKey, 1)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 && failure == "" {
			o.Role = &access.ProvisionedRole{RoleKey: k.RoleKey, Suffix: "0123456789abcdef", RoleName: "AWSReservedSSO_X_0123456789abcdef", Revision: 1, ProvisionedAt: w.now}
		}
		if err := w.store.FinishWork(t.Context(), "w", k, o, audit.New(t.Context(), w.now, audit.Gatehouse, "provision:FinishRole", "x")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEntitlementFollowsMembershipStatusAndAssignmentAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	u, acct, set := w.user(t, "mary@x"), w.account(t, "Prod"), w.set(t, "ReadOnly")
	g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: "G"}, []string{u.ID})
	if err != nil {
		t.Fatal(err)
	}
	k, p := access.RoleKey{AccountID: acct.ID, PermissionSetID: set.ID}, access.Principal{Type: access.Group, ID: g.ID}
	entitled := func() bool {
		t.Helper()
		_, _, err := w.Entitled(ctx, w.ins.ID, u.ID, acct.ID, "ReadOnly")
		if err != nil && !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
		es, lerr := w.Entitlements(ctx, u.ID, access.Place{}, 100)
		if listed := lerr == nil && len(es) == 1; listed != (err == nil) {
			t.Fatalf("the list says %v, the question says %v", listed, err)
		}
		return err == nil
	}
	if entitled() {
		t.Error("entitled before any assignment")
	}
	r, err := w.Assign(ctx, admin, k, p)
	if err != nil || r.Status != access.InProgress || w.woken != 1 {
		t.Fatalf("got %+v, %v, woken %d", r, err, w.woken)
	}
	if entitled() {
		t.Error("entitled before the role exists")
	}
	w.work(t, "")
	if r, err := w.Request(ctx, access.CreateAssignment, r.ID); err != nil || r.Status != access.Succeeded {
		t.Errorf("got %+v, %v", r, err)
	}
	if !entitled() {
		t.Error("not entitled after the role was made")
	}
	members := func(c directory.MemberChange) {
		if _, err := w.people.UpdateGroup(ctx, admin, g.ID, 0, func(*directory.Group) (directory.MemberChange, error) { return c, nil }); err != nil {
			t.Fatal(err)
		}
	}
	members(directory.MemberChange{Remove: []string{u.ID}})
	if entitled() {
		t.Error("entitled after leaving the group")
	}
	members(directory.MemberChange{Add: []string{u.ID}})
	active := func(on bool) {
		if _, err := w.people.UpdateUser(ctx, admin, u.ID, 0, func(u *directory.User) error { u.Active = on; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	active(false)
	if entitled() {
		t.Error("entitled while disabled")
	}
	active(true)
	if !entitled() {
		t.Error("not entitled after coming back")
	}
	if _, err := w.Unassign(ctx, admin, k, p); err != nil {
		t.Fatal(err)
	}
	if entitled() {
		t.Error("entitled after the assignment was deleted, before the role is gone")
	}
}

func TestAFailedCreationTakesItsAssignmentBack(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	k := access.RoleKey{AccountID: w.account(t, "Prod").ID, PermissionSetID: w.set(t, "S").ID}
	p := access.Principal{Type: access.User, ID: w.user(t, "a@x").ID}
	r, err := w.Assign(ctx, admin, k, p)
	if err != nil {
		t.Fatal(err)
	}
	w.work(t, "Received a 404 status error: no such policy")
	r, err = w.Request(ctx, access.CreateAssignment, r.ID)
	if err != nil || r.Status != access.Failed || r.FailureReason != "Received a 404 status error: no such policy" {
		t.Errorf("got %+v, %v", r, err)
	}
	if as, _ := w.AssignmentsOfRole(ctx, k, access.Principal{}, 10); len(as) != 0 {
		t.Errorf("the failed assignment stays: %+v", as)
	}
}

// TestRequestsAreNamedByTheirTime: ids follow the time, so that new requests stand together in the index by id.
func TestRequestsAreNamedByTheirTime(t *testing.T) {
	t.Parallel()
	w := start(t)
	set, k := w.set(t, "S"), access.RoleKey{AccountID: w.account(t, "Prod").ID}
	k.PermissionSetID = set.ID
	var ids []string
	for i := range 20 {
		w.now = w.now.Add(time.Millisecond)
		r, err := w.Assign(t.Context(), admin, k, access.Principal{Type: access.User, ID: w.user(t, fmt.Sprint("u", i)).ID})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("got %q", ids)
	}
}

// TestASetThatWentMeanwhileIsNotAssigned: the set was there when it was read.
func TestASetThatWentMeanwhileIsNotAssigned(t *testing.T) {
	t.Parallel()
	w := start(t)
	set, acct, u := w.set(t, "S"), w.account(t, "A"), w.user(t, "a@x")
	if err := w.DeleteSet(t.Context(), admin, w.ins.ID, set.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AssignSet(t.Context(), admin, set, acct.ID, access.Principal{Type: access.User, ID: u.ID}); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestAssignRefusesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := start(t)
	set, acct, u := w.set(t, "S"), w.account(t, "A"), w.user(t, "a@x")
	good := access.RoleKey{AccountID: acct.ID, PermissionSetID: set.ID}
	for name, c := range map[string]struct {
		k    access.RoleKey
		p    access.Principal
		want fault.Kind
	}{
		"set":     {access.RoleKey{AccountID: acct.ID, PermissionSetID: "ps-0000000000000000"}, access.Principal{Type: access.User, ID: u.ID}, fault.NotFound},
		"account": {access.RoleKey{AccountID: "000000000000", PermissionSetID: set.ID}, access.Principal{Type: access.User, ID: u.ID}, fault.NotFound},
		"user":    {good, access.Principal{Type: access.User, ID: "00000000-0000-4000-8000-000000000000"}, fault.NotFound},
		"group":   {good, access.Principal{Type: access.Group, ID: u.ID}, fault.NotFound},
		"type":    {good, access.Principal{Type: "ROBOT", ID: u.ID}, fault.Invalid},
	} {
		if _, err := w.Assign(t.Context(), admin, c.k, c.p); !fault.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if rs, _ := w.Requests(t.Context(), access.CreateAssignment, "", access.RequestCursor{}, 10); len(rs) != 0 || w.woken != 0 {
		t.Errorf("refused assignments left %d requests", len(rs))
	}
	_, err := w.Unassign(t.Context(), admin, good, access.Principal{Type: access.User, ID: u.ID})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("unassigning what is not assigned: %v", err)
	}
}

func TestPermissionSetRules(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, p := range map[string]access.PermissionSet{
		"no name":       {},
		"long name":     {Name: strings.Repeat("x", 33)},
		"name":          {Name: "a b"},
		"em dash":       {Name: "n", Description: "a — b"},
		"short session": {Name: "n", SessionDuration: 30 * time.Minute},
		"long session":  {Name: "n", SessionDuration: 13 * time.Hour},
		"relay state":   {Name: "n", RelayState: "<script>"},
		"inline policy": {Name: "n", InlinePolicy: "rubbish"},
		"inline size":   {Name: "n", InlinePolicy: "{" + strings.Repeat(" ", access.MaxInlineBytes)},
		"aws tag":       {Name: "n", Tags: map[string]string{"aws:x": "y"}},
	} {
		p.InstanceID = w.ins.ID
		if _, err := w.CreateSet(t.Context(), admin, p); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
	w.set(t, "Once")
	if _, err := w.CreateSet(t.Context(), admin, access.PermissionSet{InstanceID: w.ins.ID, Name: "Once"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second set of one name: %v", err)
	}
	if _, err := w.CreateSet(t.Context(), admin, access.PermissionSet{InstanceID: "ssoins-0000000000000000", Name: "x"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a set of an unknown instance: %v", err)
	}
}

func TestRevisionGrowsOnlyWithWhatARoleShows(t *testing.T) {
	t.Parallel()
	w := start(t)
	set := w.set(t, "S")
	revision := func() int64 {
		p, err := w.Set(t.Context(), w.ins.ID, set.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p.Revision
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.TagSet(t.Context(), admin, w.ins.ID, set.ID, map[string]string{"a": "b"}, nil))
	if got := revision(); got != 1 {
		t.Errorf("after tagging: %d", got)
	}
	must(w.AttachManagedPolicy(t.Context(), admin, w.ins.ID, set.ID, managed))
	must(w.PutInlinePolicy(t.Context(), admin, w.ins.ID, set.ID, "{}"))
	must(w.PutBoundary(t.Context(), admin, w.ins.ID, set.ID, &access.Boundary{Customer: &access.PolicyRef{Name: "B"}}))
	must(w.AttachCustomerPolicy(t.Context(), admin, w.ins.ID, set.ID, access.PolicyRef{Name: "C"}))
	if got := revision(); got != 5 {
		t.Errorf("after four visible changes: %d, want 5", got)
	}
	err := w.AttachManagedPolicy(t.Context(), admin, w.ins.ID, set.ID, managed)
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("attaching twice: %v", err)
	}
	if err := w.AttachManagedPolicy(t.Context(), admin, w.ins.ID, set.ID, "arn:aws:iam::aws:policy/NoSuch"); !fault.Is(err, fault.NotFound) {
		t.Errorf("attaching an unknown policy: %v", err)
	}
	for i := range access.DefaultQuotas().Policies - 2 {
		must(w.AttachCustomerPolicy(t.Context(), admin, w.ins.ID, set.ID, access.PolicyRef{Name: fmt.Sprint("P", i)}))
	}
	if err := w.AttachCustomerPolicy(t.Context(), admin, w.ins.ID, set.ID, access.PolicyRef{Name: "TooMany"}); !fault.Is(err, fault.Quota) {
		t.Errorf("one policy too many: %v", err)
	}
}

func TestPagingOfEntitledAccountsMeetsEachOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	u := w.user(t, "a@x")
	sets := []access.PermissionSet{w.set(t, "A"), w.set(t, "B")}
	want := map[string]bool{}
	for i := range 7 {
		acct := w.account(t, fmt.Sprint("Account ", i))
		want[acct.ID] = true
		for _, s := range sets {
			if _, err := w.Assign(t.Context(), admin, access.RoleKey{AccountID: acct.ID, PermissionSetID: s.ID}, access.Principal{Type: access.User, ID: u.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.work(t, "")
	for limit := 1; limit <= 8; limit++ {
		seen := map[string]bool{}
		for after := ""; ; {
			as, err := w.EntitledAccounts(t.Context(), u.ID, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range as {
				if seen[a.ID] || a.ID <= after {
					t.Fatalf("limit %d: account %s came twice or out of order", limit, a.ID)
				}
				seen[a.ID], after = true, a.ID
			}
			if len(as) < limit {
				break
			}
		}
		if len(seen) != len(want) {
			t.Errorf("limit %d: met %d accounts, want %d", limit, len(seen), len(want))
		}
	}
	rs, err := w.EntitledRoles(t.Context(), u.ID, w.o.ManagementAccountID, "", 10)
	if err != nil || len(rs) != 0 {
		t.Errorf("roles where there are none: %v, %v", rs, err)
	}
	who, err := w.Who(t.Context(), func() string {
		for id := range want {
			return id
		}
		return ""
	}())
	if err != nil || len(who) != 2 || who[0].User.ID != u.ID || who[0].Via != "" {
		t.Errorf("who: %+v, %v", who, err)
	}
}

func TestASetInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := start(t)
	set := w.set(t, "S")
	k, p := access.RoleKey{AccountID: w.account(t, "A").ID, PermissionSetID: set.ID}, access.Principal{Type: access.User, ID: w.user(t, "a@x").ID}
	if _, err := w.Assign(t.Context(), admin, k, p); err != nil {
		t.Fatal(err)
	}
	w.work(t, "")
	if err := w.DeleteSet(t.Context(), admin, w.ins.ID, set.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("deleting an assigned set: %v", err)
	}
	if _, err := w.Unassign(t.Context(), admin, k, p); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteSet(t.Context(), admin, w.ins.ID, set.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("deleting a set whose role is still there: %v", err)
	}
	w.work(t, "")
	if err := w.DeleteSet(t.Context(), admin, w.ins.ID, set.ID); err != nil {
		t.Error(err)
	}
}

// TestWhatNamesEveryWay: a role reached directly and through two groups comes three times, others once, in the order of listings.
func TestWhatNamesEveryWay(t *testing.T) {
	t.Parallel()
	w := start(t)
	u := w.user(t, "a@x")
	group := func(name string, members ...string) directory.Group {
		t.Helper()
		g, err := w.people.CreateGroup(t.Context(), admin, directory.Group{DisplayName: name}, members)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	one, two, strange := group("One", u.ID), group("Two", u.ID), group("Strange")
	a, b := w.account(t, "A"), w.account(t, "B")
	set := w.set(t, "S")
	for _, to := range []struct {
		account   string
		principal access.Principal
	}{
		{a.ID, access.Principal{Type: access.User, ID: u.ID}},
		{a.ID, access.Principal{Type: access.Group, ID: one.ID}},
		{a.ID, access.Principal{Type: access.Group, ID: two.ID}},
		{b.ID, access.Principal{Type: access.Group, ID: two.ID}},
		{b.ID, access.Principal{Type: access.Group, ID: strange.ID}},
	} {
		if _, err := w.Assign(t.Context(), admin, access.RoleKey{AccountID: to.account, PermissionSetID: set.ID}, to.principal); err != nil {
			t.Fatal(err)
		}
	}
	w.work(t, "")
	what := func() (ways []string) {
		t.Helper()
		rs, err := w.What(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			ways = append(ways, r.Account.ID+" "+r.Set.Name+" "+r.Via)
		}
		return ways
	}
	want := []string{a.ID + " S ", a.ID + " S " + one.ID, a.ID + " S " + two.ID, b.ID + " S " + two.ID}
	slices.Sort(want)
	if got := what(); !slices.Equal(got, want) {
		t.Errorf("what: %q, want %q", got, want)
	}
	if err := w.people.DeleteGroup(t.Context(), admin, two.ID, 0); err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(way string) bool { return strings.HasSuffix(way, two.ID) })
	if got := what(); !slices.Equal(got, want) {
		t.Errorf("after a group is gone: %q, want %q", got, want)
	}
}

// TestGroupsInGroupsReach: who is in a group reaches what every group above it was given, both ways are told, and it ends with each link.
func TestGroupsInGroupsReach(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	ann, bob := w.user(t, "ann@x"), w.user(t, "bob@x")
	group := func(name string, members []string, below ...string) directory.Group {
		t.Helper()
		g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: name}, members, below...)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	low := group("Low", []string{ann.ID})
	side := group("Side", []string{ann.ID})
	middle := group("Middle", nil, low.ID, side.ID)
	high := group("High", []string{bob.ID}, middle.ID)
	a, set := w.account(t, "A"), w.set(t, "S")
	if _, err := w.Assign(ctx, admin, access.RoleKey{AccountID: a.ID, PermissionSetID: set.ID}, access.Principal{Type: access.Group, ID: high.ID}); err != nil {
		t.Fatal(err)
	}
	w.work(t, "")
	called := map[string]string{low.ID: "Low", side.ID: "Side", middle.ID: "Middle", high.ID: "High"}
	path := func(r access.Reach) (names string) {
		for _, g := range r.Path {
			names += " " + called[g]
		}
		return names
	}
	// Both ways through Middle are as long; the one by the group whose id comes first is told.
	first := called[min(low.ID, side.ID)]
	check := func(when, by string, names ...string) {
		t.Helper()
		want := by != ""
		if _, _, err := w.Entitled(ctx, w.ins.ID, ann.ID, a.ID, "S"); (err == nil) != want {
			t.Errorf("%s: entitled: %v", when, err)
		}
		rs, err := w.What(ctx, ann.ID)
		if len(rs) == 1 && path(rs[0]) != by {
			t.Errorf("%s: what: by%s, want%s", when, path(rs[0]), by)
		}
		if err != nil || (len(rs) == 1 && rs[0].Via == high.ID) != want || len(rs) > 1 {
			t.Errorf("%s: what: %+v, %v", when, rs, err)
		}
		who, err := w.Who(ctx, a.ID)
		var got []string
		for _, r := range who {
			if r.Via != high.ID {
				t.Errorf("%s: who: by way of %s", when, r.Via)
			}
			if want := map[string]string{ann.ID: by, bob.ID: " High"}[r.User.ID]; path(r) != want {
				t.Errorf("%s: who: %s by%s, want%s", when, r.User.UserName, path(r), want)
			}
			got = append(got, r.User.UserName)
		}
		slices.Sort(got)
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%s: who: %v, %v, want %v", when, got, err, names)
		}
	}
	change := func(g directory.Group, c directory.MemberChange) {
		t.Helper()
		if _, err := w.people.UpdateGroup(ctx, admin, g.ID, 0, func(*directory.Group) (directory.MemberChange, error) { return c, nil }); err != nil {
			t.Fatal(err)
		}
	}
	check("at first", " "+first+" Middle High", "ann@x", "bob@x") // once, though there are two ways
	change(middle, directory.MemberChange{RemoveGroups: []string{side.ID}})
	check("with one way left", " Low Middle High", "ann@x", "bob@x")
	change(low, directory.MemberChange{Remove: []string{ann.ID}})
	check("out of the lowest", "", "bob@x")
	change(low, directory.MemberChange{Add: []string{ann.ID}})
	check("in again", " Low Middle High", "ann@x", "bob@x")
	if err := w.people.DeleteGroup(ctx, admin, middle.ID, 0); err != nil {
		t.Fatal(err)
	}
	check("without the group between", "", "bob@x")
	change(high, directory.MemberChange{AddGroups: []string{low.ID}})
	check("straight below", " Low High", "ann@x", "bob@x")
	change(high, directory.MemberChange{Add: []string{ann.ID}})
	check("a member herself too", " High", "ann@x", "bob@x") // the shortest
}
