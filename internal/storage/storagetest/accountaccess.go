package storagetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func manager() access.Manager {
	return access.Manager{
		ID: "aam-0123456789abcdef", InstanceID: theInstance, AccountID: account(1), Region: "us-east-1", TenantID: "aa-0123456789abcdef", ApplicationID: "apl-0123456789abcdef",
		Tags: map[string]string{"team": "identity"}, Version: 1, CreatedAt: epoch(), UpdatedAt: after(1),
	}
}

func testAccountAccess(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Access(), t.Context()
	complete(t, manager())
	want{kind: fault.NotFound, resource: "INSTANCE"}.check(t, s.InsertManager(ctx, manager(), event("x", "x")))
	withInstance(t, db)
	_, err := s.ManagerOf(ctx, theInstance)
	want{kind: fault.NotFound, resource: "ACCOUNT_ACCESS_MANAGER"}.check(t, err)

	// An instance has one, however many make it at once.
	errs := atOnce(5, func(i int) error {
		m := manager()
		m.ID = fmt.Sprintf("aam-%016d", i)
		return s.InsertManager(ctx, m, event("account-access:CreateApplication", m.ID))
	})
	exactlyOne(t, errs, want{kind: fault.Conflict, reason: "exists"})
	m := must(s.ManagerOf(ctx, theInstance))(t)
	like := manager()
	like.ID = m.ID
	same(t, "manager", m, like)
	same(t, "manager", must(s.Manager(ctx, m.ID))(t), like)
	_, err = s.Manager(ctx, "aam-none")
	want{kind: fault.NotFound, resource: "ACCOUNT_ACCESS_MANAGER"}.check(t, err)
	same(t, "managers", must(s.Managers(ctx, "", "", 10))(t), []access.Manager{m})
	same(t, "managers", must(s.Managers(ctx, m.AccountID, "", 10))(t), []access.Manager{m})
	same(t, "managers", must(s.Managers(ctx, account(2), "", 10))(t), []access.Manager(nil))
	same(t, "managers", must(s.Managers(ctx, "", m.ID, 10))(t), []access.Manager(nil))

	changed := m
	changed.Tags, changed.UpdatedAt, changed.Version = nil, after(9), 2
	ok(t, s.UpdateManager(ctx, changed, 1, event("account-access:UntagResource", m.ID)))
	same(t, "manager", must(s.Manager(ctx, m.ID))(t), changed)
	want{kind: fault.Conflict, reason: "version"}.check(t, s.UpdateManager(ctx, changed, 1, event("x", "x")))
	changed.ID = "aam-none"
	want{kind: fault.NotFound}.check(t, s.UpdateManager(ctx, changed, 1, event("x", "x")))
}

// entitlement is that of a principal to the n-th role of an account.
func entitlement(i, acct, role int, p access.Principal) access.RoleEntitlement {
	return access.RoleEntitlement{
		ID: fmt.Sprintf("ent-%016d", i), ManagerID: manager().ID, Principal: p, AccountID: account(acct), Role: fmt.Sprintf("role/team/Role%d", role),
		RoleID: fmt.Sprintf("AROA%016d", role), CreatedAt: after(i),
	}
}

func place(en access.RoleEntitlement) access.EntitlementPlace {
	return access.EntitlementPlace{AccountID: en.AccountID, Role: en.Role, Principal: en.Principal}
}

func testEntitlements(t *testing.T, db *sqlstore.DB) {
	s, ctx := db.Access(), t.Context()
	insert := func(en access.RoleEntitlement, max int) (access.RoleEntitlement, error) {
		return s.InsertEntitlement(ctx, en, max, event("account-access:CreateEntitlement", en.ID))
	}
	first := entitlement(0, 1, 1, user(1))
	complete(t, first)
	_, err := insert(first, 20)
	want{kind: fault.NotFound, resource: "ACCOUNT_ACCESS_MANAGER"}.check(t, err)
	withInstance(t, db)
	ok(t, s.InsertManager(ctx, manager(), event("account-access:CreateApplication", "x")))

	var all []access.RoleEntitlement
	i := 0
	for acct := range 3 {
		for role := range 2 {
			for _, p := range []access.Principal{user(1), user(2), group(1), group(2)} {
				en := entitlement(i, acct, role, p)
				same(t, "made", must(insert(en, 2))(t), en)
				all = append(all, en)
				i++
			}
		}
	}
	slices.SortFunc(all, func(a, b access.RoleEntitlement) int {
		return cmp.Or(strings.Compare(a.AccountID, b.AccountID), strings.Compare(a.Role, b.Role), strings.Compare(string(a.Principal.Type), string(b.Principal.Type)), strings.Compare(a.Principal.ID, b.Principal.ID))
	})
	for size := 1; size <= len(all)+1; size += 3 {
		for _, f := range []access.EntitlementFilter{
			{}, {AccountID: account(1)}, {AccountID: account(1), Role: "role/team/Role1"}, {Principal: group(2)}, {Principal: user(1), AccountID: account(2)},
			{Principal: user(2), AccountID: account(0), Role: "role/team/Role0"}, {AccountID: account(7)}, {Principal: group(9)}, {AccountID: account(1), Role: "role/Team/Role1"},
		} {
			var wanted, got []access.RoleEntitlement
			for _, en := range all {
				if (f.AccountID == "" || f.AccountID == en.AccountID) && (f.Role == "" || f.Role == en.Role) && (f.Principal == access.Principal{} || f.Principal == en.Principal) {
					wanted = append(wanted, en)
				}
			}
			for at := (access.EntitlementPlace{}); ; {
				page := must(s.Entitlements(ctx, manager().ID, f, at, size))(t)
				got = append(got, page...)
				if len(page) < size || len(got) > len(all) {
					break
				}
				at = place(page[size-1])
			}
			same(t, fmt.Sprintf("%+v by %d", f, size), got, wanted)
		}
	}

	en := all[3]
	same(t, "entitlement", must(s.Entitlement(ctx, en.ManagerID, en.ID))(t), en)
	for _, c := range [][2]string{{"aam-other", en.ID}, {en.ManagerID, "ent-none"}} {
		_, err := s.Entitlement(ctx, c[0], c[1])
		want{kind: fault.NotFound, resource: "ENTITLEMENT"}.check(t, err)
		want{kind: fault.NotFound, resource: "ENTITLEMENT"}.check(t, s.DeleteEntitlement(ctx, c[0], c[1], event("x", "x")))
	}

	// The same again is the one there is; meant for another role of the name, it is bound to that one.
	events := func() int {
		return len(must(db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{}, 1000))(t).Events)
	}
	again, before := en, events()
	again.ID, again.CreatedAt = "ent-again", after(999)
	same(t, "again", must(insert(again, 2))(t), en)
	if n := events(); n != before {
		t.Errorf("repeating an entitlement wrote %d events", n-before)
	}
	again.RoleID = "AROAOTHER"
	rebound := en
	rebound.RoleID = "AROAOTHER"
	same(t, "rebound", must(insert(again, 2))(t), rebound)
	same(t, "rebound", must(s.Entitlement(ctx, en.ManagerID, en.ID))(t), rebound)
	if n := events(); n != before+1 {
		t.Errorf("binding anew wrote %d events", n-before)
	}
	_, err = insert(entitlement(900, 0, 0, group(3)), 2)
	want{kind: fault.Quota}.check(t, err)
	must(insert(entitlement(901, 0, 0, user(3)), 2))(t)

	testHeldRoles(t, s)
	errs := atOnce(6, func(i int) error {
		_, err := insert(entitlement(1000+i, 8, 0, group(i)), 1)
		return err
	})
	exactlyOne(t, errs, want{kind: fault.Quota})
	errs = atOnce(6, func(i int) error {
		_, err := insert(entitlement(2000+i, 9, 0, user(1)), 1)
		return err
	})
	ok(t, errors.Join(errs...))
	if got := must(s.Entitlements(ctx, manager().ID, access.EntitlementFilter{AccountID: account(9)}, access.EntitlementPlace{}, 10))(t); len(got) != 1 {
		t.Errorf("made at once six times: %v", got)
	}

	ok(t, s.DeleteEntitlement(ctx, en.ManagerID, en.ID, event("account-access:DeleteEntitlement", en.ID)))
	_, err = s.Entitlement(ctx, en.ManagerID, en.ID)
	want{kind: fault.NotFound}.check(t, err)
	ok(t, s.DeleteManager(ctx, manager().ID, event("account-access:DeleteApplication", "x")))
	want{kind: fault.NotFound, resource: "ACCOUNT_ACCESS_MANAGER"}.check(t, s.DeleteManager(ctx, manager().ID, event("x", "x")))
	_, err = s.Entitlement(ctx, all[0].ManagerID, all[0].ID)
	want{kind: fault.NotFound}.check(t, err)
}

// testHeldRoles expects the entitlements of testEntitlements, the fourth of which is bound to AROAOTHER.
func testHeldRoles(t *testing.T, s *sqlstore.Access) {
	held := func(acct, role int, id string) access.HeldRole {
		en := entitlement(0, acct, role, user(1))
		return access.HeldRole{AccountID: en.AccountID, Role: en.Role, RoleID: cmp.Or(id, en.RoleID)}
	}
	everything := []access.HeldRole{held(0, 0, ""), held(0, 0, "AROAOTHER"), held(0, 1, ""), held(1, 0, ""), held(1, 1, ""), held(2, 0, ""), held(2, 1, "")}
	for size := 1; size <= 8; size++ {
		var got []access.HeldRole
		for at := (access.HeldRole{}); ; {
			page := must(s.HeldRoles(t.Context(), manager().ID, []access.Principal{user(1), group(1), user(2), group(9)}, at, size))(t)
			got = append(got, page...)
			if len(page) < size || len(got) > 20 {
				break
			}
			at = page[size-1]
		}
		same(t, fmt.Sprint("held, by ", size), got, everything)
	}
	same(t, "held by nobody", must(s.HeldRoles(t.Context(), manager().ID, []access.Principal{user(9)}, access.HeldRole{}, 9))(t), []access.HeldRole(nil))
	same(t, "held of another manager", must(s.HeldRoles(t.Context(), "aam-other", []access.Principal{user(1)}, access.HeldRole{}, 9))(t), []access.HeldRole(nil))
	same(t, "after", must(s.HeldRoles(t.Context(), manager().ID, []access.Principal{user(1)}, access.HeldRole{AccountID: account(1), Role: "~"}, 9))(t), everything[5:])
}
