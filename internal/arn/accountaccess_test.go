package arn_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"gatehouse/internal/arn"
)

func TestARNsOfAccountAccess(t *testing.T) {
	t.Parallel()
	m := arn.Manager{Region: "us-east-1", AccountID: "111122223333", ID: arn.NewManagerID(rand.Reader)}
	if got, err := arn.ParseManager(m.String()); err != nil || got != m {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{
		"", "arn:aws:account-access:us-east-1:111122223333:application/", "arn:aws:account-access:us-east-1:111122223333:application/a/b",
		"arn:aws:account-access:us-east-1:111122223333:application/../x", "arn:aws:account-access::111122223333:application/x", "arn:aws:account-access:us-east-1:1:application/x",
		"arn:aws:sso:us-east-1:111122223333:application/x", "arn:aws-cn:account-access:us-east-1:111122223333:application/x", "arn:aws:account-access:us-east-1:111122223333:application/x\n",
		"arn:aws:account-access:us-east-1:111122223333:application/" + strings.Repeat("x", 65),
	} {
		if got, err := arn.ParseManager(bad); err == nil {
			t.Errorf("%q was taken for %v", bad, got)
		}
	}
}

func TestARNsOfRoles(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"role/Deployer", "role/workforce/a.b/De_ployer+=,.@-"} {
		account, resource, err := arn.ParseRole(arn.IAM("111122223333", good))
		if err != nil || account != "111122223333" || resource != good {
			t.Errorf("%s: %s %s %v", good, account, resource, err)
		}
	}
	for _, bad := range []string{
		"arn:aws:iam::111122223333:user/Deployer", "arn:aws:iam::111122223333:role", "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role//Deployer",
		"arn:aws:iam::111122223333:role/a/", "arn:aws:iam::11112222333:role/Deployer", "arn:aws:sts::111122223333:role/Deployer", "arn:aws:iam:us-east-1:111122223333:role/Deployer",
		"arn:aws:iam::111122223333:role/Dep*", "arn:aws:iam::111122223333:role/Dep loyer", "arn:aws:iam::111122223333:role/" + strings.Repeat("x", 65),
	} {
		if account, resource, err := arn.ParseRole(bad); err == nil {
			t.Errorf("%q was taken for %s of %s", bad, resource, account)
		}
	}
}
