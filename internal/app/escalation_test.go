package app

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
)

// The tests of this file are ways to more than one was given. Each must stay shut; beside each stands the like that is allowed, so that
// a test does not pass because everything is refused.

// user makes an IAM user of the management account with these statements, and returns the program as he sees it.
func (p *program) user(name string, statements ...string) *program {
	p.t.Helper()
	return p.userOf(p.Instance.OwnerAccountID, name, statements...)
}

func (p *program) userOf(account, name string, statements ...string) *program {
	p.t.Helper()
	ctx := p.t.Context()
	if _, err := p.IAM.CreateUser(ctx, audit.Gatehouse, localiam.User{Identity: localiam.Identity{AccountID: account, Name: name, Path: "/"}}); err != nil {
		p.t.Fatal(err)
	}
	if len(statements) > 0 {
		document := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		if err := p.IAM.PutInline(ctx, audit.Gatehouse, localiam.UserRef(account, name), localiam.InlinePolicy{Name: "own", Document: document}); err != nil {
			p.t.Fatal(err)
		}
	}
	k, err := p.IAM.CreateAccessKey(ctx, audit.Gatehouse, account, name)
	if err != nil {
		p.t.Fatal(err)
	}
	return &program{p.App, p.t, awswire.Key{ID: k.ID, Secret: k.Secret}}
}

// versions of the Query APIs.
var versions = map[string]string{"iam": "2010-05-08", "sts": "2011-06-15", "cloudformation": "2010-05-15"}

// ask makes a request of a Query API from pairs of names and values.
func (p *program) ask(service, action string, pairs ...string) (int, string) {
	p.t.Helper()
	form := url.Values{"Action": {action}, "Version": {versions[service]}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return p.query(service, form.Encode())
}

// may asserts that a request succeeds, mayNot that it is refused for want of permission.
func (p *program) may(service, action string, pairs ...string) string {
	p.t.Helper()
	status, body := p.ask(service, action, pairs...)
	if status != 200 {
		p.t.Errorf("%s %v: %d %s", action, pairs, status, body)
	}
	return body
}

func (p *program) mayNot(service, action string, pairs ...string) {
	p.t.Helper()
	if status, body := p.ask(service, action, pairs...); status != 403 || !strings.Contains(body, "AccessDenied") {
		p.t.Errorf("%s %v: %d %s, want it refused", action, pairs, status, body)
	}
}

// sso makes a request of the Identity Center API with a body of names and values.
func (p *program) sso(operation string, body map[string]any) (int, string) {
	p.t.Helper()
	return p.target("sso", "SWBExternalService."+operation, body)
}

func (p *program) target(service, target string, body map[string]any) (int, string) {
	p.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.call(service, target, string(b))
}

// member returns the text of the first XML element of that name.
func element(body, name string) string {
	_, rest, _ := strings.Cut(body, "<"+name+">")
	out, _, _ := strings.Cut(rest, "</"+name+">")
	return out
}

// TestAChangeSetIsOfItsOwnStack: a change set's ARN says whose it is; naming another stack beside it, of which one may do anything, does not help.
func TestAChangeSetIsOfItsOwnStack(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	template := `{"Resources":{"G":{"Type":"AWS::IAM::Group"}}}`
	made := p.may("cloudformation", "CreateChangeSet", "StackName", "theirs", "ChangeSetName", "c", "ChangeSetType", "CREATE", "TemplateBody", template, "Capabilities.member.1", "CAPABILITY_IAM")
	set := element(made, "Id")
	p.may("cloudformation", "CreateChangeSet", "StackName", "mine", "ChangeSetName", "c", "ChangeSetType", "CREATE", "TemplateBody", template, "Capabilities.member.1", "CAPABILITY_IAM")
	eve := p.user("eve", `{"Effect":"Allow","Action":["cloudformation:*","iam:*"],"Resource":["arn:aws:cloudformation:*:*:stack/mine/*","arn:aws:iam::*:group/*"]}`)
	eve.may("cloudformation", "DescribeChangeSet", "StackName", "mine", "ChangeSetName", "c")
	for _, operation := range []string{"DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "GetTemplate"} {
		eve.mayNot("cloudformation", operation, "StackName", "mine", "ChangeSetName", set)
		eve.mayNot("cloudformation", operation, "StackName", "theirs", "ChangeSetName", "c")
	}
	if status, body := p.ask("cloudformation", "ExecuteChangeSet", "StackName", "mine", "ChangeSetName", set); !strings.Contains(body, "ChangeSetNotFound") {
		t.Errorf("another stack is named: %d %s", status, body)
	}
	p.may("cloudformation", "ExecuteChangeSet", "StackName", "theirs", "ChangeSetName", set)
}

// role makes a role of the management account that may be assumed by its users and may do what the statements say.
func (p *program) role(name, condition string, statements ...string) string {
	p.t.Helper()
	account := p.Instance.OwnerAccountID
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]` + condition + `}]}`
	r, err := p.IAM.CreateRole(p.t.Context(), audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: name}, TrustPolicy: trust, MaxSessionDuration: 12 * time.Hour})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(statements) > 0 {
		document := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		if err := p.IAM.PutInline(p.t.Context(), audit.Gatehouse, localiam.RoleRef(account, name), localiam.InlinePolicy{Name: "own", Document: document}); err != nil {
			p.t.Fatal(err)
		}
	}
	return r.ARN()
}

// assume returns the program as a session of a role sees it.
func (p *program) assume(role string, pairs ...string) *program {
	p.t.Helper()
	return p.holding(p.may("sts", "AssumeRole", append([]string{"RoleArn", role, "RoleSessionName", "session"}, pairs...)...))
}

func (p *program) holding(body string) *program {
	return &program{p.App, p.t, awswire.Key{ID: element(body, "AccessKeyId"), Secret: element(body, "SecretAccessKey"), Token: element(body, "SessionToken")}}
}

const trustOwnAccount = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// TestDelegatedRolesStayWithinTheirBoundary: the usual delegation, in which somebody makes roles that are bounded by one policy.
func TestDelegatedRolesStayWithinTheirBoundary(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	account := p.Instance.OwnerAccountID
	bound := "arn:aws:iam::" + account + ":policy/Bound"
	p.may("iam", "CreatePolicy", "PolicyName", "Bound", "PolicyDocument", rolesOnly)
	p.may("iam", "CreateRole", "RoleName", "Free", "AssumeRolePolicyDocument", trustOwnAccount)
	eve := p.user("eve",
		`{"Effect":"Allow","Action":["iam:CreateRole","iam:AttachRolePolicy","iam:PutRolePolicy","iam:DetachRolePolicy","iam:DeleteRolePolicy","iam:PutRolePermissionsBoundary","iam:UpdateAssumeRolePolicy"],"Resource":"*","Condition":{"ArnEquals":{"iam:PermissionsBoundary":"`+bound+`"}}}`,
		`{"Effect":"Allow","Action":["iam:DeleteRole","iam:CreatePolicy","iam:CreatePolicyVersion","iam:SetDefaultPolicyVersion"],"Resource":"*"}`,
		`{"Effect":"Deny","Action":["iam:DeleteRolePermissionsBoundary","iam:DeleteUserPermissionsBoundary"],"Resource":"*"}`,
		`{"Effect":"Deny","Action":["iam:CreatePolicyVersion","iam:DeletePolicy","iam:DeletePolicyVersion","iam:SetDefaultPolicyVersion"],"Resource":"`+bound+`"}`,
		`{"Effect":"Allow","Action":"cloudformation:*","Resource":"*"}`)
	const admin = "arn:aws:iam::aws:policy/AdministratorAccess"
	eve.mayNot("iam", "CreateRole", "RoleName", "Mine", "AssumeRolePolicyDocument", trustOwnAccount)
	eve.mayNot("iam", "CreateRole", "RoleName", "Mine", "AssumeRolePolicyDocument", trustOwnAccount, "PermissionsBoundary", admin)
	eve.may("iam", "CreateRole", "RoleName", "Mine", "AssumeRolePolicyDocument", trustOwnAccount, "PermissionsBoundary", bound)
	eve.may("iam", "AttachRolePolicy", "RoleName", "Mine", "PolicyArn", admin) // it is bounded all the same
	eve.may("iam", "PutRolePolicy", "RoleName", "Mine", "PolicyName", "p", "PolicyDocument", rolesOnly)
	eve.mayNot("iam", "PutRolePermissionsBoundary", "RoleName", "Mine", "PermissionsBoundary", admin)
	eve.mayNot("iam", "DeleteRolePermissionsBoundary", "RoleName", "Mine")
	eve.mayNot("iam", "CreatePolicyVersion", "PolicyArn", bound, "PolicyDocument", rolesOnly, "SetAsDefault", "true")
	eve.mayNot("iam", "AttachRolePolicy", "RoleName", "Free", "PolicyArn", admin)
	eve.mayNot("iam", "UpdateAssumeRolePolicy", "RoleName", "Free", "PolicyDocument", trustOwnAccount)
	// Creating what is there already asks about what will be: the boundary of the role that bears the name now is not the new one's.
	eve.mayNot("iam", "CreateRole", "RoleName", "Mine", "AssumeRolePolicyDocument", trustOwnAccount)
}

// TestNobodyTakesHisOwnBoundaryAway although his policies would let him.
func TestNobodyTakesHisOwnBoundaryAway(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	eve := p.user("eve", `{"Effect":"Allow","Action":"iam:*","Resource":"*"}`)
	eve.may("iam", "ListUsers")
	p.may("iam", "PutUserPermissionsBoundary", "UserName", "eve", "PermissionsBoundary", "arn:aws:iam::aws:policy/IAMReadOnlyAccess")
	eve.may("iam", "ListUsers")
	eve.mayNot("iam", "DeleteUserPermissionsBoundary", "UserName", "eve")
	eve.mayNot("iam", "PutUserPermissionsBoundary", "UserName", "eve", "PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess")
	eve.mayNot("iam", "CreateAccessKey", "UserName", "gatehouse-administrator")
}

// TestAVersionIsInForceWhenItIsSetSo: to add a version is one thing, to put it in force another; SetAsDefault does both, as AWS documents.
func TestAVersionIsInForceWhenItIsSetSo(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	arn := "arn:aws:iam::" + p.Instance.OwnerAccountID + ":policy/P"
	p.may("iam", "CreatePolicy", "PolicyName", "P", "PolicyDocument", rolesOnly)
	eve := p.user("eve", `{"Effect":"Allow","Action":"iam:CreatePolicyVersion","Resource":"*"}`)
	p.may("iam", "AttachUserPolicy", "UserName", "eve", "PolicyArn", arn)
	eve.may("iam", "CreatePolicyVersion", "PolicyArn", arn, "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`)
	eve.mayNot("iam", "ListUsers")
	eve.mayNot("iam", "SetDefaultPolicyVersion", "PolicyArn", arn, "VersionId", "v2")
	eve.may("iam", "ListRoles")
}

// TestARoleIsPassedToTheServiceThatIsMeant.
func TestARoleIsPassedToTheServiceThatIsMeant(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	p.role("Worker", "")
	p.may("iam", "CreateInstanceProfile", "InstanceProfileName", "Machines")
	pass := func(service string) string {
		return `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"` + service + `"}}}`
	}
	eve := p.user("eve", `{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"}`, pass("lambda.amazonaws.com"))
	bob := p.user("bob", `{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"}`, pass("ec2.amazonaws.com"))
	eve.mayNot("iam", "AddRoleToInstanceProfile", "InstanceProfileName", "Machines", "RoleName", "Worker")
	bob.may("iam", "AddRoleToInstanceProfile", "InstanceProfileName", "Machines", "RoleName", "Worker")
}

// TestARenameNeedsBothNames: moving somebody to a path of which one may not touch anybody, or out of it, is refused.
func TestARenameNeedsBothNames(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	p.may("iam", "CreateUser", "UserName", "dev", "Path", "/dev/")
	p.may("iam", "CreateUser", "UserName", "boss", "Path", "/admin/")
	p.may("iam", "CreateGroup", "GroupName", "devs", "Path", "/dev/")
	eve := p.user("eve", `{"Effect":"Allow","Action":["iam:UpdateUser","iam:UpdateGroup"],"Resource":["arn:aws:iam::*:user/dev/*","arn:aws:iam::*:group/dev/*"]}`)
	eve.mayNot("iam", "UpdateUser", "UserName", "dev", "NewPath", "/admin/")
	eve.mayNot("iam", "UpdateUser", "UserName", "boss", "NewPath", "/dev/")
	eve.mayNot("iam", "UpdateGroup", "GroupName", "devs", "NewPath", "/admin/")
	eve.may("iam", "UpdateUser", "UserName", "dev", "NewPath", "/dev/senior/", "NewUserName", "dev2")
	eve.may("iam", "UpdateGroup", "GroupName", "devs", "NewGroupName", "devs2")
}

// TestTagsDoNotOpenWhatTheyDoNotBear: a tag that a request brings is none of the resource, and only who may tag a thing tags it.
func TestTagsDoNotOpenWhatTheyDoNotBear(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	p.role("Theirs", "")
	p.may("iam", "TagRole", "RoleName", "Theirs", "Tags.member.1.Key", "owner", "Tags.member.1.Value", "bob")
	eve := p.user("eve", `{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/owner":"eve"}}}`)
	mine := []string{"Tags.member.1.Key", "owner", "Tags.member.1.Value", "eve"}
	eve.mayNot("iam", "CreateRole", append([]string{"RoleName", "Mine", "AssumeRolePolicyDocument", trustOwnAccount}, mine...)...)
	eve.mayNot("iam", "TagRole", append([]string{"RoleName", "Theirs"}, mine...)...)
	p.role("Mine", "")
	p.may("iam", "TagRole", append([]string{"RoleName", "Mine"}, mine...)...)
	eve.may("iam", "TagRole", append([]string{"RoleName", "Mine"}, mine...)...)
	// Of two tags that differ in case, neither decides.
	both := p.user("both", `{"Effect":"Allow","Action":["iam:CreateUser","iam:TagUser"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"red"}}}`)
	for range 8 { // a map's order must not be what decides
		both.mayNot("iam", "CreateUser", "UserName", "u", "Tags.member.1.Key", "team", "Tags.member.1.Value", "red", "Tags.member.2.Key", "Team", "Tags.member.2.Value", "blue")
	}
	both.may("iam", "CreateUser", "UserName", "u", "Tags.member.1.Key", "Team", "Tags.member.1.Value", "red")
	// Making something with tags is tagging.
	bare := p.user("bare", `{"Effect":"Allow","Action":["iam:CreateUser","sso:CreatePermissionSet","organizations:CreateOrganizationalUnit"],"Resource":"*"}`)
	bare.may("iam", "CreateUser", "UserName", "untagged")
	bare.mayNot("iam", "CreateUser", "UserName", "tagged", "Tags.member.1.Key", "k", "Tags.member.1.Value", "v")
	set := map[string]any{"InstanceArn": "arn:aws:sso:::instance/" + p.Instance.ID, "Name": "Set"}
	status, body := bare.sso("CreatePermissionSet", set)
	p.want(200, "PermissionSetArn", status, body)
	set["Name"], set["Tags"] = "Tagged", []any{map[string]any{"Key": "k", "Value": "v"}}
	status, body = bare.sso("CreatePermissionSet", set)
	p.want(400, "sso:TagResource", status, body)
}

// TestEachResourceIsAskedAboutWithItsOwnTags, whatever the others bear, and whatever way a change comes.
func TestEachResourceIsAskedAboutWithItsOwnTags(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	building, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { p.builder.Run(building); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	instance := "arn:aws:sso:::instance/" + p.Instance.ID
	tag := func(resource, key, value string) {
		t.Helper()
		status, body := p.sso("TagResource", map[string]any{"ResourceArn": resource, "Tags": []any{map[string]any{"Key": key, "Value": value}}})
		p.want(200, "", status, body)
	}
	template := func(set, description string) string {
		return `{"Resources":{"S":{"Type":"AWS::SSO::PermissionSet","Properties":{"InstanceArn":"` + instance + `","Name":"` + set + `","Description":"` + description + `"}}}}`
	}
	eve := p.user("eve", `{"Effect":"Allow","Action":["sso:*","cloudformation:*"],"Resource":"*"}`, `{"Effect":"Deny","Action":"sso:UpdatePermissionSet","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/env":"prod"}}}`)
	status, body := p.sso("CreatePermissionSet", map[string]any{"InstanceArn": instance, "Name": "Set"})
	p.want(200, "", status, body)
	var made struct {
		PermissionSet struct{ PermissionSetArn string }
	}
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		t.Fatal(err)
	}
	set := made.PermissionSet.PermissionSetArn
	update := func(want int, text string) {
		t.Helper()
		status, body := eve.sso("UpdatePermissionSet", map[string]any{"InstanceArn": instance, "PermissionSetArn": set, "Description": "x"})
		p.want(want, text, status, body)
	}
	update(200, "")
	tag(set, "env", "prod")
	update(400, "explicit deny")
	tag(set, "env", "test")
	update(200, "")
	tag(instance, "env", "prod") // the set's own tag does not hide the instance's
	update(400, "explicit deny")
	tag(instance, "env", "test")
	// Through a stack.
	eve.may("cloudformation", "CreateStack", "StackName", "sets", "TemplateBody", template("Stacked", "one"))
	status, body = p.sso("ListPermissionSets", map[string]any{"InstanceArn": instance})
	var all struct{ PermissionSets []string }
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != 200 || len(all.PermissionSets) != 2 {
		t.Fatalf("%d %s", status, body)
	}
	for _, s := range all.PermissionSets {
		tag(s, "env", "prod")
	}
	eve.may("cloudformation", "UpdateStack", "StackName", "sets", "TemplateBody", template("Stacked", "two"))
	if got := eve.may("cloudformation", "DescribeStacks", "StackName", "sets"); !strings.Contains(got, "UPDATE_ROLLBACK_COMPLETE") {
		t.Errorf("a stack changed what bears the tag: %s", got)
	}
}

// TestNobodyIsTakenOutOfAGroupThatOneMayNotTouch by the membership's id.
func TestNobodyIsTakenOutOfAGroupThatOneMayNotTouch(t *testing.T) {
	t.Parallel()
	p, ctx := startProgram(t), t.Context()
	u, err := p.Directory.CreateUser(ctx, audit.Gatehouse, directory.User{UserName: "ada", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	memberOf := map[string]string{}
	for _, name := range []string{"Admins", "Others"} {
		g, err := p.Directory.CreateGroup(ctx, audit.Gatehouse, directory.Group{DisplayName: name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := p.Directory.AddMember(ctx, audit.Gatehouse, g.ID, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		memberOf[name], memberOf[name+"Group"] = m.ID, g.ID
	}
	eve := p.user("eve", `{"Effect":"Allow","Action":"identitystore:*","Resource":"*"}`, `{"Effect":"Deny","Action":"identitystore:*","Resource":"arn:aws:identitystore:::group/`+memberOf["AdminsGroup"]+`"}`)
	for name, want := range map[string]int{"Admins": 400, "Others": 200} {
		for _, operation := range []string{"DescribeGroupMembership", "DeleteGroupMembership"} {
			status, body := eve.target("identitystore", "AWSIdentityStore."+operation, map[string]any{"IdentityStoreId": p.Instance.IdentityStoreID, "MembershipId": memberOf[name]})
			if status != want {
				t.Errorf("%s of %s: %d %s", operation, name, status, body)
			}
		}
	}
	status, body := eve.target("identitystore", "AWSIdentityStore.GetGroupId", map[string]any{"IdentityStoreId": p.Instance.IdentityStoreID, "AlternateIdentifier": map[string]any{"UniqueAttribute": map[string]any{"AttributePath": "displayName", "AttributeValue": "Admins"}}})
	p.want(400, "explicit deny", status, body)
}

// TestSessionPoliciesOnlyTakeAway, also when they say that everything is allowed; and a chain of roles is an hour long at most.
func TestSessionPoliciesOnlyTakeAway(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	reader := p.role("Reader", "", `{"Effect":"Allow","Action":["iam:ListRoles","iam:ListGroups","sts:AssumeRole"],"Resource":"*"}`)
	next := p.role("Next", "", `{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}`)
	bob := p.user("bob", `{"Effect":"Allow","Action":["sts:AssumeRole","sts:GetFederationToken","iam:ListRoles","organizations:ListRoots"],"Resource":"*"}`)
	wide := bob.assume(reader, "Policy", everything)
	wide.may("iam", "ListRoles")
	wide.mayNot("iam", "ListUsers")
	narrow := bob.assume(reader, "Policy", rolesOnly)
	narrow.may("iam", "ListRoles")
	narrow.mayNot("iam", "ListGroups")
	narrow.mayNot("sts", "AssumeRole", "RoleArn", next, "RoleSessionName", "on")
	federated := bob.holding(bob.may("sts", "GetFederationToken", "Name", "fay", "Policy", everything))
	federated.mayNot("iam", "ListRoles") // nothing of IAM with such credentials
	status, body := federated.target("organizations", "AWSOrganizationsV20161128.ListRoots", map[string]any{})
	p.want(200, "Roots", status, body)
	status, body = federated.target("organizations", "AWSOrganizationsV20161128.ListAccounts", map[string]any{})
	p.want(400, "AccessDenied", status, body)

	chained := bob.assume(reader)
	chained.assume(next, "DurationSeconds", "3600").may("iam", "ListUsers")
	if status, body := chained.ask("sts", "AssumeRole", "RoleArn", next, "RoleSessionName", "on", "DurationSeconds", "3601"); status != 400 || !strings.Contains(body, "1 hour") {
		t.Errorf("a chained session longer than an hour: %d %s", status, body)
	}
}

// TestTheDeputyAsksForTheExternalID, in its exact form.
func TestTheDeputyAsksForTheExternalID(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	role := p.role("Deputy", `{"StringEquals":{"sts:ExternalId":"Customer-7"},"StringLike":{"sts:RoleSessionName":"${aws:username}"}}`)
	bob := p.user("bob", `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	for _, wrong := range [][]string{{}, {"ExternalId", "customer-7"}, {"ExternalId", "Customer-77"}} {
		bob.mayNot("sts", "AssumeRole", append([]string{"RoleArn", role, "RoleSessionName", "bob"}, wrong...)...)
	}
	bob.mayNot("sts", "AssumeRole", "RoleArn", role, "RoleSessionName", "alice", "ExternalId", "Customer-7")
	bob.may("sts", "AssumeRole", "RoleArn", role, "RoleSessionName", "bob", "ExternalId", "Customer-7")
	for _, trick := range []string{role + "*", strings.Replace(role, "Deputy", "Dep?ty", 1), strings.Replace(role, ":role/", ":role//", 1), strings.ToLower(role), strings.Replace(role, ":role/", ":role/x/../", 1)} {
		if status, body := bob.ask("sts", "AssumeRole", "RoleArn", trick, "RoleSessionName", "bob", "ExternalId", "Customer-7"); status == 200 {
			t.Errorf("%s was assumed: %s", trick, body)
		}
	}
}

// TestAssumingIsBoundByTheRolesTags.
func TestAssumingIsBoundByTheRolesTags(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	red, blue := p.role("Red", ""), p.role("Blue", "")
	for name, team := range map[string]string{"Red": "red", "Blue": "blue"} {
		p.may("iam", "TagRole", "RoleName", name, "Tags.member.1.Key", "team", "Tags.member.1.Value", team)
	}
	bob := p.user("bob", `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}`)
	bob.mayNot("sts", "AssumeRole", "RoleArn", red, "RoleSessionName", "bob") // he has no team
	p.may("iam", "TagUser", "UserName", "bob", "Tags.member.1.Key", "team", "Tags.member.1.Value", "red")
	bob.may("sts", "AssumeRole", "RoleArn", red, "RoleSessionName", "bob")
	bob.mayNot("sts", "AssumeRole", "RoleArn", blue, "RoleSessionName", "bob")
}

// TestNamesThatAreVariablesValues stand for themselves: a user name cannot hold what would stand for others.
func TestNamesThatAreVariablesValues(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	for _, name := range []string{"*", "a*", "?", "a/b", "${aws:username}", "a:b", "a b", ""} {
		if status, body := p.ask("iam", "CreateUser", "UserName", name); status == 200 {
			t.Errorf("a user is called %q: %s", name, body)
		}
	}
	eve := p.user("eve", `{"Effect":"Allow","Action":["iam:GetUser","iam:ListAccessKeys"],"Resource":"arn:aws:iam::*:user/${aws:username}"}`)
	p.may("iam", "CreateUser", "UserName", "evelyn")
	p.may("iam", "CreateUser", "UserName", "adam", "Path", "/eve/")
	eve.may("iam", "GetUser")
	eve.may("iam", "ListAccessKeys", "UserName", "EVE") // names are compared in any case, and it is she
	for _, other := range []string{"evelyn", "adam", "gatehouse-administrator"} {
		eve.mayNot("iam", "ListAccessKeys", "UserName", other)
	}
}

// TestACredentialScopeIsForOneServiceAndRegion.
func TestACredentialScopeIsForOneServiceAndRegion(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	try := func(region, service, target, body string) int {
		t.Helper()
		r := httptest.NewRequest("POST", p.Config.URL+"/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if target != "" {
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			r.Header.Set("X-Amz-Target", target)
		}
		if err := awswire.Sign(r, []byte(body), p.key, region, service, time.Now()); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for _, tt := range []struct {
		region, service, target, body string
		want                          bool
	}{
		{"us-east-1", "iam", "", listRoles, true},
		{"us-east-1", "sts", "", listRoles, false},
		{"eu-west-9", "iam", "", listRoles, false},
		{"us-east-1", "sso", "SWBExternalService.ListInstances", "{}", true},
		{"us-east-1", "identitystore", "SWBExternalService.ListInstances", "{}", false},
		{"us-east-1", "organizations", "SWBExternalService.ListInstances", "{}", false},
		{"us-east-1", "gatehouse", "SWBExternalService.ListInstances", "{}", false},
		{"eu-west-9", "sso", "SWBExternalService.ListInstances", "{}", false},
	} {
		if got := try(tt.region, tt.service, tt.target, tt.body); (got == 200) != tt.want {
			t.Errorf("signed for %s in %s: %d", tt.service, tt.region, got)
		}
	}
}

// TestADelegatedAdministratorIsBoundByHisOrganization: a service control policy of his account takes away what the delegation gives, and what
// the management account keeps stays kept through stacks.
func TestADelegatedAdministratorIsBoundByHisOrganization(t *testing.T) {
	t.Parallel()
	p, ctx := startProgram(t), t.Context()
	one, asOne := p.member("one")
	org := p.Organization
	o, err := org.Organization(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]any{"InstanceArn": "arn:aws:sso:::instance/" + p.Instance.ID}
	status, body := asOne.sso("ListPermissionSets", sets)
	p.want(400, "AccessDenied", status, body)
	if err := org.RegisterDelegate(ctx, audit.Gatehouse, one, organization.IdentityCenter); err != nil {
		t.Fatal(err)
	}
	status, body = asOne.sso("ListPermissionSets", sets)
	p.want(200, "PermissionSets", status, body)
	deny, err := org.CreatePolicy(ctx, audit.Gatehouse, organization.Policy{Name: "No center", Content: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sso:*","Resource":"*"}]}`})
	if err != nil {
		t.Fatal(err)
	}
	if err := org.SwitchControl(ctx, audit.Gatehouse, o.RootID, true); err != nil {
		t.Fatal(err)
	}
	if err := org.AttachPolicy(ctx, audit.Gatehouse, organization.Attachment{PolicyID: deny.ID, TargetID: one}); err != nil {
		t.Fatal(err)
	}
	status, body = asOne.sso("ListPermissionSets", sets)
	p.want(400, "service control policy", status, body)
}

// TestARefusalIsLoggedWithWhatDecided: the policy and statement are in the log, not in the answer.
func TestARefusalIsLoggedWithWhatDecided(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	var log bytes.Buffer
	r := p.rights()
	r.log = slog.New(slog.NewTextHandler(&log, nil))
	p.user("eve", `{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Sid":"NoRoles","Effect":"Deny","Action":"iam:CreateRole","Resource":"*"}`)
	k, err := p.IAM.CreateAccessKey(t.Context(), audit.Gatehouse, p.Instance.OwnerAccountID, "eve")
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.IAM.Credential(t.Context(), k.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	err = r.Authorize(t.Context(), c.Caller, awswire.Access{Action: "iam:CreateRole", Resources: []string{"arn:aws:iam::" + p.Instance.OwnerAccountID + ":role/x"}})
	if err == nil || strings.Contains(err.Error(), "NoRoles") || strings.Contains(err.Error(), `"own"`) {
		t.Errorf("the answer: %v", err)
	}
	for _, want := range []string{"user/eve", "action=iam:CreateRole", "policy=own", "statement=2", "sid=NoRoles", "explicit=true"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log: %s", want, log.String())
		}
	}
}
