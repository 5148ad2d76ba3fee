package access_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// limited is the world's service with small quotas.
func (w *world) limited(q access.Quotas) *access.Service {
	return access.NewService(access.Config{Store: w.store, People: w.people, Accounts: w.org, Policies: known{}, Now: func() time.Time { return w.now }, Rand: rand.Reader, Wake: func() {}, Quotas: q})
}

func TestQuotasOfAssignments(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	s := w.limited(access.Quotas{GroupsPerRole: 2, SetsPerAccount: 1})
	a := w.account(t, "one")
	k := access.RoleKey{AccountID: a.ID, PermissionSetID: w.set(t, "First").ID}
	u := w.user(t, "ada")
	var groups []access.Principal
	for i := range 3 {
		g, err := w.people.CreateGroup(ctx, admin, directory.Group{DisplayName: fmt.Sprint("g", i)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, access.Principal{Type: access.Group, ID: g.ID})
	}
	for _, c := range []struct {
		p    access.Principal
		full bool
	}{{access.Principal{Type: access.User, ID: u.ID}, false}, {groups[0], false}, {groups[1], false}, {groups[2], true}, {groups[0], false}} {
		if _, err := s.Assign(ctx, admin, k, c.p); fault.Is(err, fault.Quota) != c.full || err != nil && !c.full {
			t.Errorf("%v: %v, want full %v", c.p, err, c.full)
		}
	}
	work, err := w.store.ClaimWork(ctx, "w", w.now, w.now.Add(time.Minute), 10)
	if err != nil || len(work) != 1 {
		t.Fatal(work, err)
	}
	role := &access.ProvisionedRole{RoleKey: k, Suffix: "0123456789abcdef", RoleName: "r", Revision: 1, ProvisionedAt: w.now}
	if err := w.store.FinishWork(ctx, "w", work[0], access.Outcome{Role: role, At: w.now}, audit.New(ctx, w.now, admin, "provision:Finish", k.AccountID)); err != nil {
		t.Fatal(err)
	}
	second := access.RoleKey{AccountID: a.ID, PermissionSetID: w.set(t, "Second").ID}
	if _, err := s.Assign(ctx, admin, second, groups[0]); !fault.Is(err, fault.Quota) {
		t.Errorf("a second set in the account: %v", err)
	}
	if _, err := s.Assign(ctx, admin, k, groups[0]); err != nil {
		t.Errorf("the set that is there: %v", err)
	}
	if _, err := w.Assign(ctx, admin, second, groups[0]); err != nil {
		t.Errorf("with AWS's figures: %v", err)
	}
}

func TestQuotasOfSets(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	s := w.limited(access.Quotas{Sets: 1, Policies: 1, Tags: 1, Regions: 2})
	p, err := s.CreateSet(ctx, admin, access.PermissionSet{InstanceID: w.ins.ID, Name: "One", CustomerPolicies: []access.PolicyRef{{Name: "x", Path: "/"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateSet(ctx, admin, access.PermissionSet{InstanceID: w.ins.ID, Name: "Two"}); !fault.Is(err, fault.Quota) {
		t.Errorf("a second set: %v", err)
	}
	if err := s.AttachManagedPolicy(ctx, admin, w.ins.ID, p.ID, managed); !fault.Is(err, fault.Quota) {
		t.Errorf("a second policy: %v", err)
	}
	if err := s.TagSet(ctx, admin, w.ins.ID, p.ID, map[string]string{"a": "", "b": ""}, nil); !fault.Is(err, fault.Quota) {
		t.Errorf("a second tag: %v", err)
	}
	if _, err := s.AddRegion(ctx, admin, w.ins.ID, "eu-west-1"); err != nil {
		t.Error(err)
	}
	if _, err := s.AddRegion(ctx, admin, w.ins.ID, "eu-west-2"); !fault.Is(err, fault.Quota) {
		t.Errorf("a third region: %v", err)
	}
}
