package sts

import (
	"context"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/localiam"
	"gatehouse/internal/policy"
)

const member, closed, stranger, delegate = "444455556666", "555566667777", "666677778888", "777788889999"

// company is an organization: account manages it, delegate administers IAM for it.
type company struct {
	trusted bool
	control string // a service control policy of member
}

func (o *company) Standing(_ context.Context, id string) (localiam.Standing, error) {
	out := localiam.Standing{OrganizationID: "o-1", Closed: id == closed || id == stranger}
	if id == member && o.control != "" {
		d, err := policy.Parse([]byte(o.control), policy.ForOrganization)
		if err != nil {
			return out, err
		}
		out.ServiceControl = [][]policy.Named{{{Name: "p-1", Document: d}}}
	}
	return out, nil
}

func (o *company) rootAccess(_ context.Context, id string) (localiam.RootAccess, error) {
	if id == stranger {
		return localiam.RootAccess{}, nil
	}
	return localiam.RootAccess{OrganizationID: "o-1", ManagementAccountID: account, Manager: id == account || id == delegate, Trusted: o.trusted}, nil
}

func newCompany(t *testing.T) (*bench, *company) {
	t.Helper()
	o := &company{trusted: true}
	return newBench(t, nil, func(c *localiam.Config) { c.Organization, c.RootAccess = o, o.rootAccess }), o
}

const tasks = "arn:aws:iam::aws:policy/root-task/"

func root(target, task string, more ...string) []string {
	return append([]string{"TargetPrincipal", target, "TaskPolicyArn.arn", tasks + task}, more...)
}

func TestAssumeRoot(t *testing.T) {
	t.Parallel()
	b, o := newCompany(t)
	ctx := t.Context()
	b.refused(403, "AccessDenied", "RootCredentialsManagement of centralized root access is not enabled", "AssumeRoot", root(member, "IAMAuditRootUserCredentials")...)
	for _, f := range []localiam.Feature{localiam.RootCredentials, localiam.RootSessions} {
		if _, err := b.iam.SetFeature(ctx, audit.Gatehouse, account, f, true); err != nil {
			t.Fatal(err)
		}
	}

	got := b.do("AssumeRoot", root(member, "IAMAuditRootUserCredentials")...)
	if first(got, "Expiration") != b.clock.now().Add(15*time.Minute).Format(time.RFC3339) {
		t.Errorf("got %s", got)
	}
	b.do("AssumeRoot", root("arn:aws:iam::"+member+":root", "S3UnlockBucketPolicy", "DurationSeconds", "60")...)
	as := b.as(got)
	if me := as.do("GetCallerIdentity"); first(me, "Arn") != "arn:aws:iam::444455556666:root" || first(me, "Account") != member || first(me, "UserId") != member {
		t.Errorf("the session is %s", me)
	}
	c, err := b.iam.Credential(ctx, first(got, "AccessKeyId"), first(got, "SessionToken"))
	if err != nil {
		t.Fatal(err)
	}
	// The task policy bounds what is otherwise all-powerful.
	rootARN := "arn:aws:iam::" + member + ":root"
	for _, k := range []struct {
		action, resource string
		allowed          bool
	}{
		{"iam:ListAccessKeys", rootARN, true}, {"iam:GetAccountSummary", "*", true}, {"iam:GetLoginProfile", rootARN, true},
		{"iam:DeleteAccessKey", rootARN, false}, {"iam:ListAccessKeys", "arn:aws:iam::" + member + ":user/ann", false}, {"iam:CreateUser", "arn:aws:iam::" + member + ":user/ann", false},
		{"s3:GetBucketPolicy", "arn:aws:s3:::b", false}, {"sts:AssumeRole", "arn:aws:iam::" + member + ":role/r", false}, {"sso:ListInstances", "*", false},
		{"iam:GetAccountSummary", "arn:aws:iam::" + account + ":root", false}, {"iam:ListAccessKeys", "arn:aws:iam::" + stranger + ":root", false},
	} {
		if err := b.iam.Authorize(ctx, c.Caller, localiam.Check{Action: k.action, Resource: k.resource}); (err == nil) != k.allowed {
			t.Errorf("%s on %s: %v", k.action, k.resource, err)
		}
	}
	// No further session comes of it, even where a role of the account trusts the whole account.
	if _, err := b.iam.CreateRole(ctx, audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: member, Name: "open"},
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["` + member + `","*"]},"Action":"sts:AssumeRole"}]}`}); err != nil {
		t.Fatal(err)
	}
	as.refused(403, "AccessDenied", "", "AssumeRole", "RoleArn", "arn:aws:iam::"+member+":role/open", "RoleSessionName", "root")
	as.refused(403, "AccessDenied", "", "GetSessionToken")
	as.refused(403, "AccessDenied", "", "GetFederationToken", "Name", "root")
	as.refused(403, "AccessDenied", "", "AssumeRoot", root(member, "IAMAuditRootUserCredentials")...)

	// Service control policies bound it too.
	o.control = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:ListAccessKeys","Resource":"*"}]}`
	if err := b.iam.Authorize(ctx, c.Caller, localiam.Check{Action: "iam:ListAccessKeys", Resource: rootARN}); err == nil {
		t.Error("a service control policy does not bind the session")
	}
	b.clock.pass(15 * time.Minute)
	as.refused(403, "ExpiredToken", "expired", "GetCallerIdentity")
}

// TestWhoMayNotAssumeRoot: each is one way in that must stay shut.
func TestWhoMayNotAssumeRoot(t *testing.T) {
	t.Parallel()
	b, o := newCompany(t)
	ctx := t.Context()
	for _, f := range []localiam.Feature{localiam.RootCredentials, localiam.RootSessions} {
		if _, err := b.iam.SetFeature(ctx, audit.Gatehouse, account, f, true); err != nil {
			t.Fatal(err)
		}
	}
	audited := root(member, "IAMAuditRootUserCredentials")
	for target, says := range map[string]string{account: "management account", closed: "not an active member", stranger: "not an active member"} {
		b.refused(403, "AccessDenied", says, "AssumeRoot", root(target, "IAMAuditRootUserCredentials")...)
	}
	for _, target := range []string{"arn:aws:iam::444455556666:user/ann", "arn:aws:iam::444455556666:role/root", "ARN:aws:iam::444455556666:root", "44445555666a", "arn:aws:iam::*:root", "4444555566660"} {
		b.refused(400, "ValidationError", "root user of an account", "AssumeRoot", root(target, "IAMAuditRootUserCredentials")...)
	}
	for _, task := range []string{"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/root-task/", "arn:aws:iam::aws:policy/root-task/iamauditrootusercredentials", "arn:aws:iam::" + account + ":policy/root-task/IAMAuditRootUserCredentials"} {
		b.refused(400, "ValidationError", "task policy", "AssumeRoot", "TargetPrincipal", member, "TaskPolicyArn.arn", task)
	}
	b.refused(400, "ValidationError", "taskPolicyArn", "AssumeRoot", "TargetPrincipal", member)
	b.refused(400, "ValidationError", "durationSeconds", "AssumeRoot", append(audited, "DurationSeconds", "901")...)

	// Policies decide, by action, by account and by task.
	some := b.user("some", allowNothing)
	some.refused(403, "AccessDenied", "sts:AssumeRoot", "AssumeRoot", audited...)
	narrow := b.user("narrow", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoot","Resource":"arn:aws:iam::`+member+`:root","Condition":{"ArnEquals":{"sts:TaskPolicyArn":"`+tasks+`IAMAuditRootUserCredentials"}}}]}`)
	narrow.do("AssumeRoot", audited...)
	narrow.refused(403, "AccessDenied", "", "AssumeRoot", root(member, "IAMDeleteRootUserCredentials")...)
	narrow.refused(403, "AccessDenied", "", "AssumeRoot", root(delegate, "IAMAuditRootUserCredentials")...)
	narrow.as(narrow.do("GetSessionToken")).refused(403, "AccessDenied", "", "AssumeRoot", audited...)

	// An administrator of a member account cannot, of the delegated administrator can.
	k, err := b.iam.CreateAdministrator(ctx, audit.Gatehouse, member, "admin")
	if err != nil {
		t.Fatal(err)
	}
	b.with(k).refused(403, "AccessDenied", "not the management account or delegated administrator", "AssumeRoot", root(delegate, "IAMAuditRootUserCredentials")...)
	k, err = b.iam.CreateAdministrator(ctx, audit.Gatehouse, delegate, "admin")
	if err != nil {
		t.Fatal(err)
	}
	b.with(k).do("AssumeRoot", audited...)

	o.trusted = false
	b.refused(403, "AccessDenied", "Trusted access is not enabled", "AssumeRoot", audited...)
	o.trusted = true
	if _, err := b.iam.SetFeature(ctx, audit.Gatehouse, account, localiam.RootSessions, false); err != nil {
		t.Fatal(err)
	}
	b.refused(403, "AccessDenied", "RootSessions", "AssumeRoot", root(member, "SQSUnlockQueuePolicy")...)
}

// with returns the bench with requests signed with a key.
func (b *bench) with(k localiam.NewKey) *bench {
	c := *b
	c.key.ID, c.key.Secret, c.key.Token = k.ID, k.Secret, ""
	return &c
}
