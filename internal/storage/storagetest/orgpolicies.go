package storagetest

import (
	"fmt"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/storage/sqlstore"
)

// someOrganization makes an organization with a unit and an account in it.
func someOrganization(t *testing.T, s *sqlstore.Organization) (o organization.Organization, unit, account string) {
	ctx := t.Context()
	o = organization.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccountID: "111122223333", CreatedAt: epoch()}
	ok(t, s.InsertOrganization(ctx, o, organization.Account{ID: o.ManagementAccountID, ParentID: o.RootID, Email: "m@example.com", Status: organization.Active}, event("x", "x")))
	unit, account = "ou-abcd-11111111", "222222222222"
	ok(t, s.InsertUnit(ctx, organization.Unit{ID: unit, ParentID: o.RootID, Name: "U"}, event("x", "x")))
	ok(t, s.InsertAccount(ctx, organization.Account{ID: account, ParentID: unit, Email: "a@example.com", Status: organization.Active}, event("x", "x")))
	return o, unit, account
}

func testOrganizationPolicies(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Organization()
	o, unit, account := someOrganization(t, s)
	p := organization.Policy{ID: "p-aaaaaaaaaa", Name: "One", Description: "d", Content: `{ "ü": 1 }`, Tags: map[string]string{"k": "v"}, CreatedAt: epoch()}
	ok(t, s.InsertPolicy(ctx, p, event("x", "x")))
	taken := want{fault.Conflict, "duplicate-policy", "", "POLICY", ""}
	taken.check(t, s.InsertPolicy(ctx, organization.Policy{ID: "p-bbbbbbbbbb", Name: "One"}, event("x", "x")))
	same(t, "policy", must(s.Policy(ctx, p.ID))(t), p)
	two := organization.Policy{ID: "p-bbbbbbbbbb", Name: "Two", Content: "{}", CreatedAt: epoch()}
	ok(t, s.InsertPolicy(ctx, two, event("x", "x")))
	two.Name = "One"
	taken.check(t, s.UpdatePolicy(ctx, two, event("x", "x")))
	two.Name, two.Content = "2", "{ }"
	ok(t, s.UpdatePolicy(ctx, two, event("x", "x")))
	same(t, "policies", pages(t, 1, func(p organization.Policy) string { return p.ID }, func(after string, n int) ([]organization.Policy, error) { return s.Policies(ctx, after, n) }),
		[]organization.Policy{p, two})
	none := want{kind: fault.NotFound, resource: "POLICY"}
	none.check(t, s.UpdatePolicy(ctx, organization.Policy{ID: "p-none", Name: "n"}, event("x", "x")))
	none.check(t, second(s.Policy(ctx, "p-none")))
	none.check(t, s.DeletePolicy(ctx, "p-none", event("x", "x")))

	at := organization.Attachment{PolicyID: p.ID, TargetID: account}
	off := want{kind: fault.Conflict, reason: "type-off"}
	off.check(t, s.Attach(ctx, at, 5, event("x", "x")))
	off.check(t, s.SwitchControl(ctx, false, event("x", "x")))
	exactlyOne(t, atOnce(4, func(int) error { return s.SwitchControl(ctx, true, event("x", "x")) }), want{kind: fault.Conflict, reason: "type-on"})
	everything := []string{o.ManagementAccountID, account, unit, o.RootID}
	targets := func(policyID string) []string {
		return pages(t, 2, func(s string) string { return s }, func(after string, n int) ([]string, error) { return s.TargetsOf(ctx, policyID, after, n) })
	}
	same(t, "what begins with full access", targets(organization.FullAccessID), everything)
	before := must(s.Generation(ctx))(t)
	ok(t, s.InsertAccount(ctx, organization.Account{ID: "333333333333", ParentID: unit, Email: "b@example.com"}, event("x", "x")))
	ok(t, s.InsertUnit(ctx, organization.Unit{ID: "ou-abcd-22222222", ParentID: unit, Name: "V"}, event("x", "x")))
	same(t, "what is new has full access", len(targets(organization.FullAccessID)), 6)
	ok(t, s.DeleteUnit(ctx, "ou-abcd-22222222", event("x", "x")))
	same(t, "a deleted unit has none", len(targets(organization.FullAccessID)), 5)
	moved := must(s.Account(ctx, "333333333333"))(t)
	moved.ParentID = o.RootID
	ok(t, s.UpdateAccount(ctx, moved, event("x", "x")))
	if now := must(s.Generation(ctx))(t); now < before+3 {
		t.Errorf("generation %d after three changes of the tree, was %d", now, before)
	}

	ok(t, s.Attach(ctx, at, 5, event("x", "x")))
	want{kind: fault.Conflict, reason: "attached", resource: "POLICY"}.check(t, s.Attach(ctx, at, 5, event("x", "x")))
	want{kind: fault.Quota, reason: "most"}.check(t, s.Attach(ctx, organization.Attachment{PolicyID: two.ID, TargetID: account}, 2, event("x", "x")))
	none.check(t, s.Attach(ctx, organization.Attachment{PolicyID: "p-none", TargetID: account}, 5, event("x", "x")))
	want{kind: fault.NotFound, resource: "TARGET"}.check(t, s.Attach(ctx, organization.Attachment{PolicyID: p.ID, TargetID: "999999999999"}, 5, event("x", "x")))
	same(t, "attached", must(s.PolicyIDsOf(ctx, []string{account, unit}))(t), map[string][]string{account: {organization.FullAccessID, p.ID}, unit: {organization.FullAccessID}})
	want{kind: fault.Conflict, reason: "policy-in-use", resource: "POLICY"}.check(t, s.DeletePolicy(ctx, p.ID, event("x", "x")))
	ok(t, s.Detach(ctx, organization.Attachment{PolicyID: organization.FullAccessID, TargetID: account}, event("x", "x")))
	want{kind: fault.Quota, reason: "least"}.check(t, s.Detach(ctx, at, event("x", "x")))
	want{fault.NotFound, "not-attached", "", "POLICY", ""}.check(t, s.Detach(ctx, organization.Attachment{PolicyID: two.ID, TargetID: account}, event("x", "x")))
	same(t, "what a refused detaching leaves", targets(p.ID), []string{account})
	ok(t, s.SwitchControl(ctx, false, event("x", "x")))
	same(t, "attachments after switching off", len(targets(p.ID))+len(targets(organization.FullAccessID)), 0)
	ok(t, s.DeletePolicy(ctx, p.ID, event("x", "x")))

	// A policy goes while it is attached: one of the two is refused.
	ok(t, s.SwitchControl(ctx, true, event("x", "x")))
	for round := range 10 {
		p := organization.Policy{ID: fmt.Sprint("p-race", round), Name: fmt.Sprint("race ", round)}
		ok(t, s.InsertPolicy(ctx, p, event("x", "x")))
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return s.DeletePolicy(ctx, p.ID, event("x", "x"))
			}
			return s.Attach(ctx, organization.Attachment{PolicyID: p.ID, TargetID: account}, 100, event("x", "x"))
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("round %d: deleting gave %v, attaching %v; want exactly one to succeed", round, errs[0], errs[1])
		}
	}
	// Accounts come while the policies are switched on: all have full access then.
	ok(t, s.SwitchControl(ctx, false, event("x", "x")))
	for i, err := range atOnce(9, func(i int) error {
		if i == 0 {
			return s.SwitchControl(ctx, true, event("x", "x"))
		}
		return s.InsertAccount(ctx, organization.Account{ID: fmt.Sprintf("4%011d", i), ParentID: o.RootID, Email: fmt.Sprintf("c%d@example.com", i)}, event("x", "x"))
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	same(t, "full access everywhere", len(targets(organization.FullAccessID)), 5+8)
}

func testDelegates(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Organization()
	o, _, account := someOrganization(t, s)
	sso := organization.TrustedService{Name: organization.IdentityCenter, EnabledAt: after(1)}
	ok(t, s.EnableService(ctx, sso, event("x", "x")))
	want{kind: fault.Conflict, reason: "enabled"}.check(t, s.EnableService(ctx, sso, event("x", "x")))
	ok(t, s.EnableService(ctx, organization.TrustedService{Name: "a.amazonaws.com", EnabledAt: after(2)}, event("x", "x")))
	same(t, "services", must(s.EnabledServices(ctx, "a.amazonaws.com", 10))(t), []organization.TrustedService{sso})
	ok(t, s.DisableService(ctx, "a.amazonaws.com", event("x", "x")))
	want{kind: fault.NotFound, resource: "SERVICE"}.check(t, s.DisableService(ctx, "a.amazonaws.com", event("x", "x")))

	generation := must(s.Generation(ctx))(t)
	d := organization.Delegate{AccountID: account, Service: sso.Name, EnabledAt: after(3)}
	exactlyOne(t, atOnce(4, func(int) error { return s.InsertDelegate(ctx, d, event("x", "x")) }), want{fault.Conflict, "registered", "", "ACCOUNT", ""})
	ok(t, s.InsertDelegate(ctx, organization.Delegate{AccountID: account, Service: "b.amazonaws.com", EnabledAt: after(4)}, event("x", "x")))
	want{kind: fault.NotFound, resource: "ACCOUNT"}.check(t, s.InsertDelegate(ctx, organization.Delegate{AccountID: "999999999999", Service: "x"}, event("x", "x")))
	same(t, "of an account and a service", must(s.Delegates(ctx, organization.DelegateFilter{AccountID: account, Service: sso.Name, Limit: 9}))(t), []organization.Delegate{d})
	same(t, "of a service", must(s.Delegates(ctx, organization.DelegateFilter{Service: sso.Name, Limit: 9}))(t), []organization.Delegate{d})
	same(t, "of an account", len(must(s.Delegates(ctx, organization.DelegateFilter{AccountID: account, Limit: 9}))(t)), 2)
	same(t, "of another account", len(must(s.Delegates(ctx, organization.DelegateFilter{AccountID: o.ManagementAccountID, Limit: 9}))(t)), 0)
	same(t, "the second page", must(s.Delegates(ctx, organization.DelegateFilter{AfterAccount: account, AfterService: "b.amazonaws.com", Limit: 9}))(t), []organization.Delegate{d})
	ok(t, s.DeleteDelegate(ctx, d, event("x", "x")))
	want{fault.NotFound, "not-registered", "", "ACCOUNT", ""}.check(t, s.DeleteDelegate(ctx, d, event("x", "x")))
	if now := must(s.Generation(ctx))(t); now != generation+3 {
		t.Errorf("generation %d after three changes, was %d", now, generation)
	}

	made := organization.Account{ID: "555555555555", ParentID: o.RootID, Name: "n", Email: "n@example.com", Status: organization.Active, JoinedAt: epoch()}
	r := organization.AccountRequest{ID: "car-1", Name: "n", AccountID: made.ID, State: organization.Succeeded, RequestedAt: epoch(), CompletedAt: after(1)}
	ok(t, s.InsertRequest(ctx, r, &made, event("x", "x")))
	same(t, "the account", must(s.Account(ctx, made.ID))(t), made)
	twice := r
	twice.ID = "car-2"
	want{fault.Conflict, "duplicate", "", "ACCOUNT", ""}.check(t, s.InsertRequest(ctx, twice, &made, event("x", "x")))
	want{kind: fault.NotFound, resource: "ACCOUNT_REQUEST"}.check(t, second(s.Request(ctx, "car-2")))
	twice.State, twice.AccountID, twice.FailureReason = organization.Failed, "", "EMAIL_ALREADY_EXISTS"
	ok(t, s.InsertRequest(ctx, twice, nil, event("x", "x")))
	same(t, "requests", must(s.Requests(ctx, "", 9))(t), []organization.AccountRequest{r, twice})
	same(t, "a request", must(s.Request(ctx, "car-2"))(t), twice)
	same(t, "no tags", must(s.RootTags(ctx))(t), map[string]string{})
	ok(t, s.SetRootTags(ctx, map[string]string{"a": "b"}, event("x", "x")))
	same(t, "tags of the root", must(s.RootTags(ctx))(t), map[string]string{"a": "b"})
}
