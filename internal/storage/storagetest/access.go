package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

const (
	theInstance = "ssoins-1111222233334444"
	worker      = "worker-1"
)

func set(n int) access.PermissionSet {
	return access.PermissionSet{ID: fmt.Sprintf("ps-%016d", n), InstanceID: theInstance, Name: fmt.Sprintf("Set%d", n), Version: 1, Revision: 1, CreatedAt: epoch()}
}

func account(n int) string { return fmt.Sprintf("1%011d", n) }

func roleKey(acct, ps int) access.RoleKey {
	return access.RoleKey{AccountID: account(acct), PermissionSetID: set(ps).ID}
}

func group(n int) access.Principal { return access.Principal{Type: access.Group, ID: id("group", n)} }

func user(n int) access.Principal { return access.Principal{Type: access.User, ID: id("user", n)} }

// after is a moment some seconds after the epoch.
func after(seconds int) time.Time { return epoch().Add(time.Duration(seconds) * time.Second) }

func request(kind access.RequestKind, name any, k access.RoleKey, p access.Principal, at time.Time) access.Request {
	return access.Request{
		ID: id("request", name), Kind: kind, RoleKey: k, Principal: p, Status: access.InProgress, CreatedAssignment: kind == access.CreateAssignment, CreatedAt: at,
	}
}

func assign(s *sqlstore.Access, t testing.TB, name any, k access.RoleKey, p access.Principal, at time.Time) error {
	return s.Assign(t.Context(), access.Assignment{RoleKey: k, Principal: p, CreatedAt: at}, request(access.CreateAssignment, name, k, p, at), event("sso:CreateAccountAssignment", k.AccountID))
}

func unassign(s *sqlstore.Access, t testing.TB, name any, k access.RoleKey, p access.Principal, at time.Time) error {
	return s.Unassign(t.Context(), access.Assignment{RoleKey: k, Principal: p}, request(access.DeleteAssignment, name, k, p, at), event("sso:DeleteAccountAssignment", k.AccountID))
}

func role(k access.RoleKey, at time.Time) *access.ProvisionedRole {
	return &access.ProvisionedRole{RoleKey: k, Suffix: "0123456789abcdef", RoleName: "AWSReservedSSO_Set_0123456789abcdef", Revision: 1, ProvisionedAt: at}
}

// claim claims the only work that is due.
func claim(s *sqlstore.Access, t testing.TB, worker string, now, until time.Time) access.RoleWork {
	t.Helper()
	ws := must(s.ClaimWork(t.Context(), worker, now, until, 10))(t)
	if len(ws) != 1 {
		t.Fatalf("claimed %v, want one role", ws)
	}
	return ws[0]
}

func finish(s *sqlstore.Access, t testing.TB, w access.RoleWork, o access.Outcome) {
	t.Helper()
	ok(t, s.FinishWork(t.Context(), worker, w, o, event("provision:ApplyRole", w.AccountID)))
}

// provisioned makes a role exist, through the queue.
func provisioned(s *sqlstore.Access, t testing.TB, name any, k access.RoleKey, p access.Principal) {
	t.Helper()
	ok(t, assign(s, t, name, k, p, epoch()))
	w := claim(s, t, worker, epoch(), after(60))
	finish(s, t, w, access.Outcome{Role: role(k, epoch()), At: epoch()})
}

func status(s *sqlstore.Access, t testing.TB, name any) access.Request {
	t.Helper()
	return must(s.Request(t.Context(), id("request", name)))(t)
}

func testSets(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Access()
	i := access.Instance{ID: theInstance, Name: "n", IdentityStoreID: "d-9067642ac7", OwnerAccountID: account(0), Region: "eu-central-1", Tags: map[string]string{"a": "b"}, CreatedAt: epoch()}
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, s.UpdateInstance(ctx, i, event("x", "x")))
	complete(t, i)
	ok(t, s.InsertInstance(ctx, i, event("x", "x")))
	want{fault.Conflict, "exists", "", "INSTANCE", ""}.check(t, s.InsertInstance(ctx, i, event("x", "x")))
	i.Name, i.Tags = "renamed", nil
	ok(t, s.UpdateInstance(ctx, i, event("x", "x")))
	same(t, "instance", must(s.Instance(ctx, i.ID))(t), i)
	same(t, "instances", must(s.Instances(ctx))(t), []access.Instance{i})
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, second(s.Instance(ctx, "none")))

	full := access.PermissionSet{
		ID: "ps-ffffffffffffffff", InstanceID: theInstance, Name: "Full", Description: "d", SessionDuration: 90 * time.Minute, SessionText: "PT90M", RelayState: "https://r",
		Tags: map[string]string{"k": "v"}, ManagedPolicies: []string{"b", "a"}, CustomerPolicies: []access.PolicyRef{{Name: "n", Path: "/p/"}}, InlinePolicy: "{}",
		Boundary: &access.Boundary{Customer: &access.PolicyRef{Name: "b", Path: "/"}}, Revision: 3, Version: 1, CreatedAt: epoch(),
	}
	complete(t, full, "Boundary.ManagedPolicyARN")
	ok(t, s.InsertSet(ctx, full, event("x", "x")))
	same(t, "set", must(s.Set(ctx, full.ID))(t), full)
	want{fault.Conflict, "duplicate-name", "", "PERMISSION_SET", ""}.check(t, s.InsertSet(ctx, access.PermissionSet{ID: "ps-0", InstanceID: theInstance, Name: "Full"}, event("x", "x")))
	ok(t, s.InsertSet(ctx, access.PermissionSet{ID: "ps-0", InstanceID: theInstance, Name: "full"}, event("x", "x"))) // exact case
	full.Version, full.Boundary, full.Revision = 2, &access.Boundary{ManagedPolicyARN: "arn"}, 4
	ok(t, s.UpdateSet(ctx, full, 1, event("x", "x")))
	want{fault.Conflict, "version", "", "PERMISSION_SET", full.ID}.check(t, s.UpdateSet(ctx, full, 1, event("x", "x")))
	same(t, "set by name", must(s.SetByName(ctx, theInstance, "Full"))(t), full)
	absent := want{kind: fault.NotFound, resource: "PERMISSION_SET"}
	absent.check(t, s.UpdateSet(ctx, access.PermissionSet{ID: "none"}, 1, event("x", "x")))
	absent.check(t, second(s.Set(ctx, "none")))
	absent.check(t, second(s.SetByName(ctx, "other", "Full")))
	absent.check(t, s.DeleteSet(ctx, "other", full.ID, event("x", "x")))
	for n := range 20 {
		ok(t, s.InsertSet(ctx, set(n), event("x", "x")))
	}
	setID := func(s access.PermissionSet) string { return s.ID }
	all := keys(pages(t, 6, setID, func(after string, limit int) ([]access.PermissionSet, error) {
		return s.Sets(ctx, theInstance, after, limit)
	}), setID)
	if len(all) != 22 || !slices.IsSorted(all) {
		t.Errorf("sets %v, want 22 by id", all)
	}
	same(t, "count", must(s.CountSets(ctx, theInstance))(t), 22)
	same(t, "by ids", keys(must(s.SetsByID(ctx, []string{full.ID, "x"}))(t), setID), []string{full.ID})

	k := roleKey(1, 1)
	inUse := want{fault.Conflict, "in-use", "", "PERMISSION_SET", set(1).ID}
	ok(t, assign(s, t, "a", k, group(1), epoch()))
	inUse.check(t, s.DeleteSet(ctx, theInstance, set(1).ID, event("x", "x"))) // assignment and work
	finish(s, t, claim(s, t, worker, epoch(), after(1)), access.Outcome{Role: role(k, epoch()), At: epoch()})
	ok(t, unassign(s, t, "d", k, group(1), epoch()))
	w := claim(s, t, worker, epoch(), after(1))
	inUse.check(t, s.DeleteSet(ctx, theInstance, set(1).ID, event("x", "x"))) // work and role
	finish(s, t, w, access.Outcome{Role: role(k, epoch()), Failure: "it could not be removed", At: epoch()})
	inUse.check(t, s.DeleteSet(ctx, theInstance, set(1).ID, event("x", "x"))) // role alone
	ok(t, s.StartProvision(ctx, request(access.Provision, "p", k, access.Principal{}, epoch()), nil, event("x", "x")))
	finish(s, t, claim(s, t, worker, epoch(), after(1)), access.Outcome{At: epoch()})
	ok(t, s.DeleteSet(ctx, theInstance, set(1).ID, event("x", "x")))
	absent.check(t, assign(s, t, "late", k, group(1), epoch()))
}

func testAssignments(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Access()
	for n := range 4 {
		ok(t, s.InsertSet(ctx, set(n), event("x", "x")))
	}
	k := roleKey(1, 1)
	ok(t, assign(s, t, "first", k, group(1), epoch()))
	ok(t, assign(s, t, "again", k, group(1), after(1)))
	first, again := status(s, t, "first"), status(s, t, "again")
	same(t, "request", first, request(access.CreateAssignment, "first", k, group(1), epoch()))
	if again.CreatedAssignment || again.Status != access.InProgress {
		t.Errorf("a repeated assignment: %+v, want a request IN_PROGRESS that created nothing", again)
	}
	same(t, "assignments", must(s.AssignmentsOfRole(ctx, k, access.Principal{}, 10))(t), []access.Assignment{{RoleKey: k, Principal: group(1), CreatedAt: epoch()}})
	want{kind: fault.NotFound, resource: "PERMISSION_SET"}.check(t, assign(s, t, "x", access.RoleKey{AccountID: account(1), PermissionSetID: "ps-none"}, group(1), epoch()))
	want{kind: fault.NotFound, resource: "ASSIGNMENT"}.check(t, unassign(s, t, "x", k, group(2), epoch()))
	want{kind: fault.NotFound, resource: "REQUEST"}.check(t, second(s.Request(ctx, id("request", "x"))))

	// One role with many principals, one principal with many roles; only some roles are provisioned.
	finish(s, t, claim(s, t, worker, after(1), after(60)), access.Outcome{Role: role(k, epoch()), At: epoch()})
	for n := range 12 {
		ok(t, assign(s, t, fmt.Sprint("g", n), k, []access.Principal{group(100 + n), user(n)}[n%2], epoch()))
	}
	of := pages(t, 5, func(a access.Assignment) string { return string(a.Principal.Type) + "/" + a.Principal.ID }, func(after string, limit int) ([]access.Assignment, error) {
		return s.AssignmentsOfRole(ctx, k, cutPrincipal(after), limit)
	})
	ps := keys(of, func(a access.Assignment) string { return string(a.Principal.Type) + "/" + a.Principal.ID })
	if len(ps) != 13 || !slices.IsSorted(ps) {
		t.Errorf("assignments of the role %v, want 13 by principal", ps)
	}
	same(t, "counted no further than max", must(s.CountAssignments(ctx, k, 5))(t), 5)
	same(t, "counted", must(s.CountAssignments(ctx, k, 100))(t), 13)
	finish(s, t, claim(s, t, worker, after(1), after(60)), access.Outcome{Role: role(k, epoch()), At: epoch()})

	var made []access.RoleKey
	for acct := range 10 {
		for ps := range 3 {
			k := roleKey(10+acct, ps)
			if acct%2 == 0 {
				provisioned(s, t, fmt.Sprint("many", acct, ps), k, user(77))
				ok(t, assign(s, t, fmt.Sprint("by group too", acct, ps), k, group(77), epoch()))
				finish(s, t, claim(s, t, worker, after(1), after(60)), access.Outcome{Role: role(k, epoch()), At: epoch()})
				made = append(made, k)
			}
		}
	}
	unfinished := 0
	for _, acct := range []int{9, 11, 13, 15, 50} { // before, among and behind those that are there
		for ps := range 3 {
			ok(t, assign(s, t, fmt.Sprint("not provisioned", acct, ps), roleKey(acct, ps), user(77), epoch()))
			unfinished++
		}
	}
	both := []access.Principal{user(77), group(77), group(9999)}
	roleName := func(k access.RoleKey) string { return k.AccountID + "/" + k.PermissionSetID }
	for limit := 1; limit <= len(made)+1; limit++ {
		same(t, "roles of principals, once each, provisioned ones only", pages(t, limit, roleName, func(at string, limit int) ([]access.RoleKey, error) {
			acct, set, _ := strings.Cut(at, "/")
			return s.RolesOf(ctx, both, access.RoleKey{AccountID: acct, PermissionSetID: set}, limit)
		}), made)
		same(t, "roles of principals in an account", pages(t, limit, roleName, func(at string, limit int) ([]access.RoleKey, error) {
			_, set, _ := strings.Cut(at, "/")
			return s.RolesIn(ctx, both, access.RoleKey{AccountID: made[0].AccountID, PermissionSetID: set}, limit)
		}), made[:3])
	}
	same(t, "roles in an account without any", must(s.RolesIn(ctx, both, access.RoleKey{AccountID: account(11)}, 4))(t), []access.RoleKey{})
	same(t, "roles of nobody", must(s.RolesOf(ctx, nil, access.RoleKey{}, 4))(t), []access.RoleKey{})
	list := must(s.AssignmentsOfPrincipal(ctx, user(77), made[3], 100))(t)
	same(t, "assignments of a principal after a key", len(list), len(made)-4+unfinished-3*2) // two accounts are before it
	for _, c := range []struct {
		k    access.RoleKey
		ps   []access.Principal
		want bool
	}{{made[0], both, true}, {made[0], both[2:], false}, {made[0], nil, false}, {roleKey(50, 1), both, false}, {roleKey(11, 1), both, false}} {
		if got := must(s.Assigned(ctx, c.k, c.ps))(t); got != c.want {
			t.Errorf("Assigned(%v, %v): got %v, want %v", c.k, c.ps, got, c.want)
		}
	}
	same(t, "roles of a set", len(must(s.RolesOfSet(ctx, set(1).ID, account(12), 100))(t)), 3)
	same(t, "roles of an account", len(must(s.RolesOfAccount(ctx, account(12), set(0).ID, 100))(t)), 2)
	same(t, "role", must(s.Role(ctx, made[0]))(t), *role(made[0], epoch()))
	want{kind: fault.NotFound, resource: "ROLE"}.check(t, second(s.Role(ctx, roleKey(50, 1))))
}

func cutPrincipal(key string) access.Principal {
	for _, t := range []access.PrincipalType{access.User, access.Group} {
		if len(key) > len(t) && key[:len(t)] == string(t) {
			return access.Principal{Type: t, ID: key[len(t)+1:]}
		}
	}
	return access.Principal{}
}

func testRequests(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Access()
	ok(t, s.InsertSet(ctx, set(1), event("x", "x")))
	for n := range 30 {
		ok(t, assign(s, t, n, roleKey(n, 1), group(1), after(n/3))) // three requests have the same time
	}
	for n := range 20 {
		w := claim2(s, t, after(100))
		o := access.Outcome{Role: role(w.RoleKey, epoch()), At: after(50)}
		if n%4 == 0 {
			o = access.Outcome{Failure: "no such policy", At: after(50)}
		}
		finish(s, t, w, o)
	}
	ok(t, unassign(s, t, "other kind", roleKey(29, 1), group(1), after(60)))
	ok(t, s.StartProvision(ctx, request(access.Provision, "parent", access.RoleKey{PermissionSetID: set(1).ID}, access.Principal{}, after(61)), childIDs("c"), event("x", "x")))
	for _, c := range []struct {
		kind   access.RequestKind
		status access.Status
		want   int
	}{
		{access.CreateAssignment, "", 30}, {access.CreateAssignment, access.Succeeded, 15}, {access.CreateAssignment, access.Failed, 5},
		{access.CreateAssignment, access.InProgress, 10}, {access.DeleteAssignment, "", 1}, {access.Provision, "", 1}, {access.Provision, access.Failed, 0},
	} {
		var got []access.Request
		for at := (access.RequestCursor{}); ; {
			page := must(s.Requests(ctx, c.kind, c.status, at, 4))(t)
			got = append(got, page...)
			if len(page) < 4 {
				break
			}
			last := page[len(page)-1]
			at = access.RequestCursor{CreatedAt: last.CreatedAt, ID: last.ID}
		}
		newest := slices.IsSortedFunc(got, func(a, b access.Request) int {
			if d := b.CreatedAt.Compare(a.CreatedAt); d != 0 {
				return d
			}
			return map[bool]int{true: -1, false: 1}[a.ID > b.ID]
		})
		if len(got) != c.want || !newest {
			t.Errorf("%s %s: %d requests, newest first %v; want %d, true", c.kind, c.status, len(got), newest, c.want)
		}
		for _, r := range got {
			if r.Kind != c.kind || c.status != "" && r.Status != c.status || r.ParentID != "" || (r.Status == access.Failed) != (r.FailureReason != "") {
				t.Errorf("%s %s: listed %+v", c.kind, c.status, r)
			}
		}
	}
}

// claim2 claims one of several.
func claim2(s *sqlstore.Access, t testing.TB, now time.Time) access.RoleWork {
	t.Helper()
	ws := must(s.ClaimWork(t.Context(), worker, now, now.Add(time.Hour), 1))(t)
	if len(ws) != 1 {
		t.Fatalf("claimed %v, want one role", ws)
	}
	return ws[0]
}

func childIDs(name string) func() string {
	n := 0
	return func() string {
		n++
		return id("child", name, n)
	}
}
