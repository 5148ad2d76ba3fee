package localiam

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func TestQuotas(t *testing.T) {
	t.Parallel()
	if got := start(t).Quotas(); got != DefaultQuotas() {
		t.Errorf("without a setting: %+v", got)
	}
	w := start(t, func(c *Config) { c.Quotas = Quotas{AttachedPolicies: 2, TrustPolicySize: 300} })
	w.role(t, "R")
	var arns []string
	for i := range 3 {
		p, err := w.CreatePolicy(ctx, actor, ManagedPolicy{AccountID: member, Name: fmt.Sprint("P", i)}, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}]}`)
		if err != nil {
			t.Fatal(err)
		}
		arns = append(arns, p.ARN())
	}
	for i, want := range []bool{true, true, false} {
		if err := w.Attach(ctx, actor, RoleRef(member, "R"), arns[i]); (err == nil) != want || err != nil && !fault.Is(err, fault.Quota) {
			t.Errorf("attaching policy %d: %v", i+1, err)
		}
	}
	if err := w.Attach(ctx, actor, RoleRef(member, "R"), arns[0]); err != nil {
		t.Errorf("attaching again what is attached: %v", err)
	}
	trust := func(names int) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + member + `"},"Action":[` + strings.Repeat(`"sts:AssumeRole",   `, names) + `"sts:TagSession"]}]}`
	}
	if err := w.SetTrust(ctx, actor, RoleRef(member, "R"), trust(8)); err != nil {
		t.Errorf("a trust policy that fits without its white space: %v", err)
	}
	wantFault(t, w.SetTrust(ctx, actor, RoleRef(member, "R"), trust(20)), fault.Quota, "")
	_, err := w.CreateRole(ctx, actor, Role{Identity: Identity{AccountID: member, Name: "Long"}, TrustPolicy: trust(20)})
	wantFault(t, err, fault.Quota, "")
}
