package app

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
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
