package access_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// ownRoles stands for the accounts' IAM: unique ids by account and name; an id of "-" is a role that a service keeps.
type ownRoles map[access.Place]string

func (r ownRoles) OwnRole(_ context.Context, accountID, name string) (access.OwnRole, error) {
	id, ok := r[access.Place{AccountID: accountID, Role: name}]
	switch {
	case !ok:
		return access.OwnRole{}, fault.New(fault.NotFound, "no role")
	case id == "-":
		return access.OwnRole{}, fault.New(fault.Invalid, "reserved")
	}
	return access.OwnRole{Name: name, ID: id}, nil
}

// apps stands for applications: which are open, and whom they keep out.
type apps struct {
	open    map[arn.InInstance]bool
	shutOut []string
}

func (a *apps) Open(_ context.Context, _ audit.Actor, n arn.InInstance) error {
	a.open[n] = true
	return nil
}

func (a *apps) Close(_ context.Context, _ audit.Actor, n arn.InInstance) error {
	delete(a.open, n)
	return nil
}

func (a *apps) There(_ context.Context, n arn.InInstance) (bool, error) { return a.open[n], nil }

func (a *apps) Admits(_ context.Context, n arn.InInstance, userID string) (bool, error) {
	return a.open[n] && !slices.Contains(a.shutOut, userID), nil
}

// manager makes the account access manager.
func (w *world) manager(t *testing.T) access.Manager {
	t.Helper()
	if err := w.org.EnableService(t.Context(), admin, arn.AccountAccess); err != nil {
		t.Fatal(err)
	}
	m, err := w.CreateManager(t.Context(), w.administrator(), w.ins.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// administrator is one of the management account; member one of another.
func (w *world) administrator() audit.Actor { return principal(w.o.ManagementAccountID) }

func principal(account string) audit.Actor {
	return audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::" + account + ":user/x", AccountID: account}
}

func (w *world) ownRole(account, name, id string) string {
	w.roles[access.Place{AccountID: account, Role: name}] = id
	return arn.IAM(account, name)
}

func (w *world) entitle(t *testing.T, m access.Manager, p access.Principal, roleARN string) access.RoleEntitlement {
	t.Helper()
	en, err := w.Entitle(t.Context(), w.administrator(), m.Name(), p, roleARN)
	if err != nil {
		t.Fatal(err)
	}
	return en
}

func userOf(u directory.User) access.Principal { return access.Principal{Type: access.User, ID: u.ID} }

// may reports whether a person is entitled to a role, and fails if the lists say otherwise.
func (w *world) may(t *testing.T, u directory.User, account, name string) bool {
	t.Helper()
	e, _, err := w.Entitled(t.Context(), w.ins.ID, u.ID, account, name)
	if err != nil && !fault.Is(err, fault.Denied) {
		t.Fatal(err)
	}
	if err == nil && (e.Name() != name || e.Account.ID != account) {
		t.Errorf("asked about %s, answered about %s in %s", name, e.Name(), e.Account.ID)
	}
	roles, _ := w.EntitledRoles(t.Context(), u.ID, account, "", 100)
	listed := slices.ContainsFunc(roles, func(e access.Entitlement) bool { return e.Name() == name })
	who, err2 := w.Who(t.Context(), account)
	reported := slices.ContainsFunc(who, func(r access.Reach) bool { return r.User.ID == u.ID && (r.Role == name || r.Set.Name == name) })
	what, err3 := w.What(t.Context(), u.ID)
	if fault.Is(err3, fault.Denied) { // she is disabled
		err3 = nil
	}
	explained := slices.ContainsFunc(what, func(r access.Reach) bool { return r.Account.ID == account && (r.Role == name || r.Set.Name == name) })
	if err2 != nil || err3 != nil || listed != (err == nil) || reported != listed || explained != listed {
		t.Fatalf("the question says %v, the list %v, the reports %v and %v (%v, %v)", err, listed, reported, explained, err2, err3)
	}
	return err == nil
}

func TestEntitlementToAnExistingRoleFollowsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	m, u, acct := w.manager(t), w.user(t, "mary@x"), w.account(t, "Prod")
	g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: "G"}, []string{u.ID})
	if err != nil {
		t.Fatal(err)
	}
	const name = "role/workforce/Deployer"
	role := w.ownRole(acct.ID, name, "AROA1")
	if w.may(t, u, acct.ID, name) {
		t.Error("entitled before there is an entitlement")
	}
	en := w.entitle(t, m, access.Principal{Type: access.Group, ID: g.ID}, role)
	check := func(what string, want bool) {
		t.Helper()
		if w.may(t, u, acct.ID, name) != want {
			t.Errorf("%s: entitled is %v", what, !want)
		}
	}
	check("entitled through the group", true)
	for _, other := range []string{"role/Deployer", "role/workforce/deployer", "role/workforce/Deployer2", "Deployer", "role/workforce/../workforce/Deployer", "role/"} {
		if w.may(t, u, acct.ID, other) {
			t.Errorf("entitled to %q", other)
		}
	}

	members := func(c directory.MemberChange) {
		if _, err := w.people.UpdateGroup(ctx, admin, g.ID, 0, func(*directory.Group) (directory.MemberChange, error) { return c, nil }); err != nil {
			t.Fatal(err)
		}
	}
	members(directory.MemberChange{Remove: []string{u.ID}})
	check("left the group", false)
	members(directory.MemberChange{Add: []string{u.ID}})
	active := func(on bool) {
		if _, err := w.people.UpdateUser(ctx, admin, u.ID, 0, func(u *directory.User) error { u.Active = on; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	active(false)
	check("disabled", false)
	active(true)
	check("enabled", true)

	w.apps.shutOut = []string{u.ID}
	check("kept out by the application", false)
	w.apps.shutOut = nil
	w.apps.open[m.Application()] = false
	check("the application is gone", false)
	if works, err := w.ManagerState(ctx, m); works || err != nil {
		t.Errorf("a manager without application: %v, %v", works, err)
	}
	if _, err := w.CreateManager(ctx, w.administrator(), w.ins.ID, nil); err != nil {
		t.Error(err)
	}
	check("the application was made again", true)

	delete(w.roles, access.Place{AccountID: acct.ID, Role: name})
	check("the role is gone", false)
	w.ownRole(acct.ID, name, "AROA2")
	check("another role took the name", false)
	again := w.entitle(t, m, access.Principal{Type: access.Group, ID: g.ID}, role)
	if again.ID != en.ID || again.RoleID != "AROA2" {
		t.Errorf("entitled anew: %+v", again)
	}
	check("entitled to the other role", true)
	w.ownRole(acct.ID, name, "-")
	check("a service keeps the role now", false)
	w.ownRole(acct.ID, name, "AROA2")

	if err := w.org.CloseAccount(ctx, admin, acct.ID); err != nil {
		t.Fatal(err)
	}
	check("the account is closed", false)
	if err := w.Disentitle(ctx, w.administrator(), m.Name(), en.ID); err != nil {
		t.Error(err)
	}
	if err := w.Disentitle(ctx, w.administrator(), m.Name(), en.ID); err != nil {
		t.Errorf("ended twice: %v", err)
	}
}

func TestEndingAnEntitlementOrItsManagerEndsTheAccess(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	m, u, acct := w.manager(t), w.user(t, "mary@x"), w.account(t, "Prod")
	role := w.ownRole(acct.ID, "role/A", "AROA1")
	en := w.entitle(t, m, userOf(u), role)
	if !w.may(t, u, acct.ID, "role/A") {
		t.Fatal("not entitled")
	}
	if err := w.Disentitle(ctx, w.administrator(), m.Name(), en.ID); err != nil {
		t.Fatal(err)
	}
	if w.may(t, u, acct.ID, "role/A") {
		t.Error("entitled after the entitlement was ended")
	}
	w.entitle(t, m, userOf(u), role)
	if err := w.DeleteManager(ctx, w.administrator(), m.Name()); err != nil {
		t.Fatal(err)
	}
	if w.may(t, u, acct.ID, "role/A") || w.apps.open[m.Application()] {
		t.Error("entitled after the manager was deleted")
	}
	if err := w.DeleteManager(ctx, w.administrator(), m.Name()); err != nil {
		t.Errorf("deleted twice: %v", err)
	}
	if next := w.manager(t); next.ID == m.ID || w.may(t, u, acct.ID, "role/A") {
		t.Error("a new manager has the entitlements of the old one")
	}
}

func TestEntitleRefuses(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	m, u, acct := w.manager(t), w.user(t, "mary@x"), w.account(t, "Prod")
	role, reserved := w.ownRole(acct.ID, "role/A", "AROA1"), w.ownRole(acct.ID, "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_A_0123456789abcdef", "-")
	ours := w.ownRole(w.o.ManagementAccountID, "role/Admin", "AROA9")
	closed := w.account(t, "Closed")
	gone := w.ownRole(closed.ID, "role/A", "AROA2")
	if err := w.org.CloseAccount(ctx, admin, closed.ID); err != nil {
		t.Fatal(err)
	}
	good := m.Name()
	other := func(change func(*arn.Manager)) arn.Manager { n := good; change(&n); return n }
	for name, c := range map[string]struct {
		by   audit.Actor
		n    arn.Manager
		p    access.Principal
		role string
		want fault.Kind
	}{
		"another manager":                    {w.administrator(), other(func(n *arn.Manager) { n.ID = "aam-none" }), userOf(u), role, fault.NotFound},
		"a manager of another account":       {w.administrator(), other(func(n *arn.Manager) { n.AccountID = acct.ID }), userOf(u), role, fault.NotFound},
		"a manager of another region":        {w.administrator(), other(func(n *arn.Manager) { n.Region = "eu-west-1" }), userOf(u), role, fault.NotFound},
		"no user":                            {w.administrator(), good, access.Principal{Type: access.User, ID: "00000000-0000-4000-8000-000000000000"}, role, fault.NotFound},
		"a group's id as a user's":           {w.administrator(), good, access.Principal{Type: access.Group, ID: u.ID}, role, fault.NotFound},
		"no principal":                       {w.administrator(), good, access.Principal{}, role, fault.Invalid},
		"no role":                            {w.administrator(), good, userOf(u), arn.IAM(acct.ID, "role/B"), fault.NotFound},
		"another path":                       {w.administrator(), good, userOf(u), arn.IAM(acct.ID, "role/x/A"), fault.NotFound},
		"a user's ARN":                       {w.administrator(), good, userOf(u), arn.IAM(acct.ID, "user/A"), fault.Invalid},
		"a pattern":                          {w.administrator(), good, userOf(u), arn.IAM(acct.ID, "role/*"), fault.Invalid},
		"a reserved role":                    {w.administrator(), good, userOf(u), reserved, fault.Invalid},
		"an account that is not ours":        {w.administrator(), good, userOf(u), arn.IAM("999999999999", "role/A"), fault.NotFound},
		"a closed account":                   {w.administrator(), good, userOf(u), gone, fault.Conflict},
		"a delegate and the management role": {principal(acct.ID), good, userOf(u), ours, fault.Denied},
	} {
		if en, err := w.Entitle(ctx, c.by, c.n, c.p, c.role); !fault.Is(err, c.want) {
			t.Errorf("%s: %+v, %v, want %v", name, en, err, c.want)
		}
	}
	if ens, err := w.RoleEntitlements(ctx, good, access.EntitlementFilter{}, access.EntitlementPlace{}, 10); err != nil || len(ens) != 0 {
		t.Errorf("refused entitlements were written: %v, %v", ens, err)
	}
	en := w.entitle(t, m, userOf(u), ours)
	if err := w.Disentitle(ctx, principal(acct.ID), good, en.ID); !fault.Is(err, fault.Denied) {
		t.Errorf("a delegate ended an entitlement to the management account: %v", err)
	}
	if _, err := w.Entitle(ctx, principal(acct.ID), good, userOf(u), role); err != nil {
		t.Errorf("a delegate elsewhere: %v", err)
	}
	if err := w.DeleteManager(ctx, principal(acct.ID), good); !fault.Is(err, fault.Denied) {
		t.Errorf("a delegate deleted the manager: %v", err)
	}
}

func TestManagerRules(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	if _, err := w.CreateManager(ctx, w.administrator(), w.ins.ID, nil); !fault.Is(err, fault.Denied) {
		t.Errorf("before the organization trusts the service: %v", err)
	}
	m := w.manager(t)
	if _, err := w.CreateManager(ctx, principal(w.account(t, "M").ID), w.ins.ID, nil); !fault.Is(err, fault.Denied) {
		t.Errorf("by a member: %v", err)
	}
	if _, err := w.CreateManager(ctx, w.administrator(), "ssoins-0000000000000000", nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("for a foreign instance: %v", err)
	}
	if again, err := w.CreateManager(ctx, w.administrator(), w.ins.ID, nil); err != nil || again.ID != m.ID {
		t.Errorf("made again: %v, %v", again, err)
	}
	_, err := w.CreateManager(ctx, w.administrator(), w.ins.ID, map[string]string{"a": "b"})
	if f := fault.Of(err); f == nil || f.Reason != "already-created" {
		t.Errorf("made again with other tags: %v", err)
	}
	if err := w.TagManager(ctx, w.administrator(), m.Name(), map[string]string{"a": "b", "c": "d"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.TagManager(ctx, w.administrator(), m.Name(), nil, []string{"c"}); err != nil {
		t.Fatal(err)
	}
	if err := w.TagManager(ctx, w.administrator(), m.Name(), map[string]string{"aws:x": "y"}, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("a reserved tag: %v", err)
	}
	if now, err := w.Manager(ctx, m.Name()); err != nil || len(now.Tags) != 1 || now.Tags["a"] != "b" || now.Version != 3 {
		t.Errorf("tagged: %+v, %v", now, err)
	}
}

func TestAQuotaOfGroupsPerRole(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	m, acct := w.manager(t), w.account(t, "Prod")
	role := w.ownRole(acct.ID, "role/A", "AROA1")
	for i := range access.DefaultQuotas().GroupsPerExistingRole + 1 {
		g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: fmt.Sprint("g", i)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Entitle(ctx, admin, m.Name(), access.Principal{Type: access.Group, ID: g.ID}, role)
		if full := i == access.DefaultQuotas().GroupsPerExistingRole; fault.Is(err, fault.Quota) != full || err != nil && !full {
			t.Errorf("group %d: %v", i, err)
		}
	}
	w.entitle(t, m, userOf(w.user(t, "a@x")), role)
}

// TestSetsAndRolesAreListedTogether: whatever the size of pages, everything comes once and in order, and what leads nowhere is left out.
func TestSetsAndRolesAreListedTogether(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	m, u := w.manager(t), w.user(t, "a@x")
	g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: "G"}, []string{u.ID})
	if err != nil {
		t.Fatal(err)
	}
	// A set and a role of one name, in the same account, are two things.
	set := w.set(t, "Deployer")
	var want []access.Place
	accounts := map[string]bool{}
	for i := range 6 {
		a := w.account(t, fmt.Sprint("A", i))
		if i%3 != 1 {
			if _, err := w.Assign(ctx, admin, access.RoleKey{AccountID: a.ID, PermissionSetID: set.ID}, userOf(u)); err != nil {
				t.Fatal(err)
			}
			want, accounts[a.ID] = append(want, access.Place{AccountID: a.ID, Role: set.ID}), true
		}
		for _, name := range []string{"role/Deployer", "role/a/X", "role/dead", "role/other"} {
			role := w.ownRole(a.ID, name, "AROA-"+name)
			if i%3 == 2 {
				continue
			}
			w.entitle(t, m, access.Principal{Type: access.Group, ID: g.ID}, role)
			if name == "role/Deployer" { // twice, once by a role of that name that is gone
				w.ownRole(a.ID, name, "AROA-new")
				w.entitle(t, m, userOf(u), role)
			}
			if name == "role/dead" || i == 1 && name != "role/Deployer" {
				w.ownRole(a.ID, name, "AROA-another")
				continue
			}
			want, accounts[a.ID] = append(want, access.Place{AccountID: a.ID, Role: name}), true
		}
	}
	w.work(t, "")
	slices.SortFunc(want, func(a, b access.Place) int {
		return slices.Compare([]string{a.AccountID, a.Role}, []string{b.AccountID, b.Role})
	})
	for limit := 1; limit <= len(want)+3; limit++ {
		var got []access.Place
		for at := (access.Place{}); ; {
			es, err := w.Entitlements(ctx, u.ID, at, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(es) == 0 {
				break
			}
			for _, e := range es {
				got, at = append(got, e.Place()), e.Place()
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("by %d: %v\nwant %v", limit, got, want)
		}
		seen := map[string]bool{}
		for after := ""; ; {
			as, err := w.EntitledAccounts(ctx, u.ID, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range as {
				if seen[a.ID] || a.ID <= after {
					t.Fatalf("by %d: account %s again or out of order", limit, a.ID)
				}
				seen[a.ID], after = true, a.ID
				var roles []string
				for at := ""; ; {
					es, err := w.EntitledRoles(ctx, u.ID, a.ID, at, limit)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range es {
						roles, at = append(roles, e.Place().Role), e.Place().Role
					}
					if len(es) < limit {
						break
					}
				}
				var mine []string
				for _, p := range want {
					if p.AccountID == a.ID {
						mine = append(mine, p.Role)
					}
				}
				if !slices.Equal(roles, mine) {
					t.Errorf("by %d, roles of %s: %v, want %v", limit, a.ID, roles, mine)
				}
			}
			if len(as) < limit {
				break
			}
		}
		if len(seen) != len(accounts) {
			t.Errorf("by %d: %d accounts, want %d", limit, len(seen), len(accounts))
		}
	}
	what, err := w.What(ctx, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	var explained []access.Place
	for _, r := range what {
		explained = append(explained, access.Place{AccountID: r.Account.ID, Role: cmp.Or(r.Role, r.Set.ID)})
		if (r.Via == g.ID) != (r.Role != "" && r.Role != "role/Deployer") {
			t.Errorf("%s %s comes through %q", r.Role, r.Set.Name, r.Via)
		}
	}
	if !slices.Equal(explained, want) {
		t.Errorf("ways: %v\nwant %v", explained, want)
	}
	for _, p := range want {
		name := p.Role
		if name == set.ID {
			name = set.Name
		}
		if !w.may(t, u, p.AccountID, name) {
			t.Errorf("not entitled to %s in %s", name, p.AccountID)
		}
	}
}
