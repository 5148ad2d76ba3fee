package app

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
)

// stacked is a program whose worker of stacks runs.
type stacked struct{ *managed }

func startStacked(t *testing.T) stacked {
	t.Helper()
	m := startManaged(t)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.builder.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
	return stacked{m}
}

// stack begins an operation and returns the stack as it is then; the answer waits for the end.
func (s stacked) stack(action, template string, parameters ...string) string {
	s.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-15"}, "StackName": {"access"}}
	if template != "" {
		form.Set("TemplateBody", template)
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		form.Set("Parameters.member."+string(rune('1'+i/2))+".ParameterKey", parameters[i])
		form.Set("Parameters.member."+string(rune('1'+i/2))+".ParameterValue", parameters[i+1])
	}
	if status, body := s.query("cloudformation", form.Encode()); status != 200 {
		return body
	}
	for {
		_, body := s.query("cloudformation", "Action=DescribeStacks&Version=2010-05-15&StackName=access")
		if !strings.Contains(body, "_IN_PROGRESS</StackStatus>") {
			return body
		}
	}
}

func (s stacked) events() string {
	_, body := s.query("cloudformation", "Action=DescribeStackEvents&Version=2010-05-15&StackName=access")
	return body
}

func (s stacked) entitlements(n arn.Manager) []access.RoleEntitlement {
	s.t.Helper()
	ens, err := s.Access.RoleEntitlements(s.t.Context(), n, access.EntitlementFilter{}, access.EntitlementPlace{}, 100)
	s.try(err)
	return ens
}

const accessStack = `
Parameters:
  Instance: {Type: String}
  User: {Type: String}
  Role: {Type: String}
  Team: {Type: String, Default: identity}
Resources:
  Manager:
    Type: AWS::AccountAccess::Application
    Properties:
      IdentitySource: {IdentityCenter: {InstanceArn: !Ref Instance}}
      Tags: [{Key: team, Value: !Ref Team}]
  Enter:
    Type: AWS::AccountAccess::Entitlement
    Properties:
      ApplicationArn: !Ref Manager
      Entitlement: {PrincipalRole: {Principal: {IdentityCenter: {UserId: !Ref User}}, RoleArn: !Ref Role}}
Outputs:
  Arn: {Value: !GetAtt Manager.ApplicationArn}
  Tenant: {Value: !GetAtt Manager.TenantId}
  App: {Value: !GetAtt Manager.IdentitySource.IdentityCenter.ApplicationArn}
  Entitlement: {Value: !Ref Enter}
  Account: {Value: !GetAtt Enter.Entitlement.PrincipalRole.Account}
`

func output(stack, key string) string {
	_, after, _ := strings.Cut(stack, "<OutputKey>"+key+"</OutputKey>")
	_, after, _ = strings.Cut(after, "<OutputValue>")
	value, _, _ := strings.Cut(after, "</OutputValue>")
	return value
}

func TestAccountAccessInAStack(t *testing.T) {
	t.Parallel()
	s := startStacked(t)
	second := s.newRole(s.account, "Second", trustsAccountAccess)
	with := func(role, team string) []string {
		return []string{"Instance", arn.Instance(s.Instance.ID), "User", s.ann.ID, "Role", role, "Team", team}
	}
	has := func(what, stack, status string) {
		t.Helper()
		if !strings.Contains(stack, "<StackStatus>"+status+"</StackStatus>") {
			t.Fatalf("%s: %s\n%s", what, stack, s.events())
		}
	}
	// An instance has one manager: that of another way stands in the way, and is not touched by the rollback.
	has("beside another", s.stack("CreateStack", accessStack, with(s.role, "x")...), "ROLLBACK_COMPLETE")
	if !strings.Contains(s.events(), "has an account access manager already") {
		t.Error(s.events())
	}
	s.good("", "GET", "/applications/"+s.path, "")
	s.good("", "DELETE", "/applications/"+s.path, "")
	s.stack("DeleteStack", "")

	made := s.stack("CreateStack", accessStack, with(s.role, "identity")...)
	has("created", made, "CREATE_COMPLETE")
	n, err := arn.ParseManager(output(made, "Arn"))
	s.try(err)
	if output(made, "Account") != s.account || !strings.HasPrefix(output(made, "Tenant"), "aa-") || !strings.Contains(output(made, "App"), ":application/"+s.Instance.ID+"/apl-") || !strings.HasPrefix(output(made, "Entitlement"), "ent-") {
		t.Errorf("outputs: %s", made)
	}
	if _, who, err := s.enterAs("role/workforce/Deployer"); err != nil || !strings.Contains(who, "assumed-role/Deployer/") {
		t.Errorf("entitled by the stack: %s, %v", who, err)
	}

	updated := s.stack("UpdateStack", accessStack, with(second, "platform")...)
	has("updated", updated, "UPDATE_COMPLETE")
	if ens := s.entitlements(n); len(ens) != 1 || ens[0].RoleARN() != second || ens[0].ID == output(made, "Entitlement") || output(updated, "Arn") != n.String() {
		t.Errorf("after the update: %+v", ens)
	}
	m, err := s.Access.Manager(t.Context(), n)
	s.try(err)
	if len(m.Tags) != 1 || m.Tags["team"] != "platform" {
		t.Errorf("tags: %v", m.Tags)
	}
	if body := s.stack("UpdateStack", accessStack, with(second, "platform")...); !strings.Contains(body, "No updates are to be performed") {
		t.Errorf("nothing to do: %s", body)
	}

	// A failing update is taken back: the tags, and the entitlement that was to be replaced.
	more := accessStack + `
`
	more = strings.Replace(more, "Outputs:", `  Fails:
    Type: AWS::AccountAccess::Entitlement
    DependsOn: Enter
    Properties:
      ApplicationArn: !Ref Manager
      Entitlement: {PrincipalRole: {Principal: {IdentityCenter: {UserId: !Ref User}}, RoleArn: !Sub "${Role}None"}}
Outputs:`, 1)
	before := s.entitlements(n)
	has("a failing update", s.stack("UpdateStack", more, with(s.role, "other")...), "UPDATE_ROLLBACK_COMPLETE")
	m, err = s.Access.Manager(t.Context(), n)
	s.try(err)
	if ens := s.entitlements(n); len(ens) != 1 || ens[0] != before[0] || m.Tags["team"] != "platform" {
		t.Errorf("taken back: %+v, want %+v; tags %v", ens, before, m.Tags)
	}

	// What is wrong in a template is refused, and leaves nothing.
	for what, wrong := range map[string]string{
		"two principals":  strings.Replace(accessStack, "UserId: !Ref User", "UserId: !Ref User, GroupId: !Ref User", 1),
		"another account": strings.Replace(accessStack, "RoleArn: !Ref Role", "RoleArn: !Ref Role, Account: '999999999999'", 1),
		"no role":         strings.Replace(accessStack, "RoleArn: !Ref Role", "RoleArn: Deployer", 1),
	} {
		has(what, s.stack("UpdateStack", wrong, with(s.role, "platform")...), "UPDATE_ROLLBACK_COMPLETE")
	}
	s.stack("DeleteStack", "")
	if _, err := s.Access.Manager(t.Context(), n); err == nil {
		t.Errorf("the manager is left: %s", s.events())
	}
	if _, who, err := s.enterAs("role/workforce/Second"); err == nil {
		t.Errorf("still entitled: %s", who)
	}
}

// TestAStackMayNotDoWhatItsAuthorMayNot: a delegated administrator's stack, and a member's.
func TestAStackOfAccountAccessMayDoWhatItsAuthorMay(t *testing.T) {
	t.Parallel()
	s, ctx := startStacked(t), t.Context()
	ours := s.newRole(s.Instance.OwnerAccountID, "Admin", trustsAccountAccess)
	entitle := func(role string) string {
		return `{"Resources":{"Enter":{"Type":"AWS::AccountAccess::Entitlement","Properties":{"ApplicationArn":"` + s.manager + `","Entitlement":{"PrincipalRole":{"Principal":{"IdentityCenter":{"UserId":"` + s.ann.ID + `"}},"RoleArn":"` + role + `"}}}}}}`
	}
	id, member := s.member("two")
	as := func(p *program) stacked { m := *s.managed; m.program = p; return stacked{&m} }
	for what, template := range map[string]string{
		"an entitlement": entitle(s.role),
		"a manager":      `{"Resources":{"M":{"Type":"AWS::AccountAccess::Application","Properties":{"IdentitySource":{"IdentityCenter":{"InstanceArn":"` + arn.Instance(s.Instance.ID) + `"}}}}}}`,
	} {
		if got := as(member).stack("CreateStack", template); !strings.Contains(got, "ROLLBACK_COMPLETE") {
			t.Errorf("a member makes %s: %s", what, got)
		}
		as(member).stack("DeleteStack", "")
	}
	s.try(s.Organization.RegisterDelegate(ctx, audit.Gatehouse, id, arn.AccountAccess))
	if got := as(member).stack("CreateStack", entitle(ours)); !strings.Contains(got, "ROLLBACK_COMPLETE") || !strings.Contains(as(member).events(), "no say in access to the management account") {
		t.Errorf("a delegate entitles to the management account: %s", got)
	}
	as(member).stack("DeleteStack", "")
	if got := as(member).stack("CreateStack", entitle(s.role)); !strings.Contains(got, "CREATE_COMPLETE") {
		t.Errorf("a delegate entitles elsewhere: %s %s", got, as(member).events())
	}
	if ens := s.entitlements(s.name()); len(ens) != 1 || ens[0].RoleARN() != s.role {
		t.Errorf("entitlements: %+v", ens)
	}
}
