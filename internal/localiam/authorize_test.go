package localiam

import (
	"strings"
	"testing"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

func TestBoundaryAndOrganization(t *testing.T) {
	t.Parallel()
	scp := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}]}`
	w := start(t, func(c *Config) {
		c.Organization = inOrganization{member: {OrganizationID: "o-1234567890", ServiceControl: [][]policy.Named{{named("root", scp)}}}}
	})
	admin := w.admin(t, member)
	ref := UserRef(member, "admin")
	wantFault(t, w.Authorize(ctx, admin, Check{Action: "s3:DeleteObject"}), fault.Denied, "")
	// A data perimeter: what is outside of the organization is denied, what is inside is not.
	perimeter := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}}]}`
	if err := w.PutInline(ctx, actor, ref, InlinePolicy{"perimeter", perimeter}); err != nil {
		t.Fatal(err)
	}
	if err := w.Authorize(ctx, admin, Check{Action: "s3:GetObject", Resource: "arn:aws:s3:::b", ResourceAccount: member}); err != nil {
		t.Error(err)
	}
	err := w.Authorize(ctx, admin, Check{Action: "s3:GetObject", Resource: "arn:aws:s3:::b", ResourceAccount: "999988887777"})
	if f := fault.Of(err); f == nil || !strings.Contains(f.Message, "with an explicit deny") {
		t.Errorf("outside of the organization: %v", err)
	}
	if err := w.Authorize(ctx, admin, Check{Action: "iam:GetRole"}); err != nil {
		t.Fatal(err)
	}
	p := try[ManagedPolicy](t)(w.CreatePolicy(ctx, actor, ManagedPolicy{AccountID: member, Name: "S3", Path: "/b/"}, allowS3))
	if err := w.SetBoundary(ctx, actor, ref, p.ARN()); err != nil {
		t.Fatal(err)
	}
	err = w.Authorize(ctx, admin, Check{Action: "iam:GetRole"})
	if f := fault.Of(err); f == nil || !strings.Contains(f.Message, "because no permissions boundary allows") {
		t.Errorf("got %v", err)
	}
	// A new version of the boundary holds at once.
	v := try[PolicyVersion](t)(w.CreatePolicyVersion(ctx, actor, PolicyRef{member, p.ARN()}, NewVersion{allowAll, true}))
	if v.Number != 2 {
		t.Errorf("got version %d", v.Number)
	}
	if err := w.Authorize(ctx, admin, Check{Action: "iam:GetRole"}); err != nil {
		t.Error(err)
	}
	wantFault(t, w.DeletePolicyVersion(ctx, actor, PolicyRef{member, p.ARN()}, 2), fault.Conflict, "in-use")
	if err := w.DeletePolicyVersion(ctx, actor, PolicyRef{member, p.ARN()}, 1); err != nil {
		t.Fatal(err)
	}
	third := try[PolicyVersion](t)(w.CreatePolicyVersion(ctx, actor, PolicyRef{member, p.ARN()}, NewVersion{allowS3, false}))
	if err := w.DeletePolicyVersion(ctx, actor, PolicyRef{member, p.ARN()}, third.Number); err != nil {
		t.Fatal(err)
	}
	fourth := try[PolicyVersion](t)(w.CreatePolicyVersion(ctx, actor, PolicyRef{member, p.ARN()}, NewVersion{allowS3, false}))
	if fourth.Number != 4 {
		t.Errorf("version number %d was used again", fourth.Number)
	}
	if err := w.DeletePolicyVersion(ctx, actor, PolicyRef{member, p.ARN()}, fourth.Number); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.DeletePolicy(ctx, actor, PolicyRef{member, p.ARN()}), fault.Conflict, "in-use")
	if err := w.SetBoundary(ctx, actor, ref, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.DeletePolicy(ctx, actor, PolicyRef{member, p.ARN()}); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.Attach(ctx, actor, ref, p.ARN()), fault.NotFound, "policy")
	wantFault(t, w.Attach(ctx, actor, ref, "arn:aws:iam::111122223333:policy/Other"), fault.NotFound, "policy")
	wantFault(t, w.Attach(ctx, actor, ref, "nonsense"), fault.Invalid, "")
}

func TestConditionKeys(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	tests := []struct {
		condition string
		want      bool
	}{
		{`{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/Keys"}}`, true},
		{`{"StringEquals":{"aws:PrincipalAccount":"444455556666"}}`, true},
		{`{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`, true},
		{`{"StringLike":{"aws:userid":"AROA*:xx"}}`, true},
		{`{"Null":{"aws:username":"true"}}`, true},
		{`{"StringEquals":{"aws:PrincipalTag/Team":"red"}}`, true},
		{`{"DateLessThan":{"aws:CurrentTime":"2026-03-01T12:00:01Z"}}`, true},
		{`{"DateGreaterThan":{"aws:CurrentTime":"2026-03-01T12:00:01Z"}}`, false},
		{`{"NumericEquals":{"aws:EpochTime":"1772366400"}}`, true},
		{`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, true},
		{`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, false},
		{`{"StringEquals":{"aws:RequestedRegion":"eu-central-1"}}`, true},
		{`{"StringEquals":{"aws:ResourceAccount":"444455556666"}}`, true},
		{`{"DateEquals":{"aws:TokenIssueTime":"2026-03-01T12:00:00Z"}}`, true},
		{`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, false},
	}
	at := audit.WithOrigin(ctx, audit.Origin{ClientAddr: "192.0.2.7"})
	w.role(t, "Keys")
	if err := w.Tag(ctx, actor, RoleRef(member, "Keys"), map[string]string{"team": "red"}); err != nil {
		t.Fatal(err)
	}
	_, c := w.assume(t, admin, SessionRequest{RoleARN: "arn:aws:iam::444455556666:role/Keys", SessionName: "xx"})
	for _, tt := range tests {
		document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + tt.condition + `}]}`
		if err := w.PutInline(ctx, actor, RoleRef(member, "Keys"), InlinePolicy{"p", document}); err != nil {
			t.Fatal(err)
		}
		err := w.Authorize(at, c, Check{Action: "iam:GetRole", Resource: "arn:aws:iam::444455556666:role/x", Context: map[string][]string{"aws:RequestedRegion": {"eu-central-1"}}})
		if (err == nil) != tt.want {
			t.Errorf("%s: got %v, want allowed=%v", tt.condition, err, tt.want)
		}
	}
}

func TestCacheIsOneGenerationLong(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	check := Check{Action: "s3:GetObject"}
	if err := w.Authorize(ctx, admin, check); err != nil {
		t.Fatal(err)
	}
	reads := w.store.reads
	for range 10 {
		if err := w.Authorize(ctx, admin, check); err != nil {
			t.Fatal(err)
		}
	}
	if w.store.reads != reads {
		t.Errorf("%d reads although nothing changed", w.store.reads-reads)
	}
	if err := w.Detach(ctx, actor, UserRef(member, "admin"), administratorAccess); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.Authorize(ctx, admin, check), fault.Denied, "")
}
