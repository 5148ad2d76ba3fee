package adopt

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"gatehouse/internal/plan/estate"
)

// res is a resource as a state has it; values are the members of an object.
func res(kind, name, values string) string {
	mode, address := "managed", kind+"."+name
	if data, ok := strings.CutPrefix(kind, "data."); ok {
		mode, kind = "data", data
	}
	return fmt.Sprintf(`{"address":%q,"mode":%q,"type":%q,"values":{%s}}`, address, mode, kind, values)
}

const (
	setA     = `"arn":"arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-a","name":"A"`
	ofA      = `"permission_set_arn":"arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-a"`
	crewIn   = ofA + `,"principal_id":"g-crew","principal_type":"GROUP","target_id":`
	crewName = `"group_id":"g-crew","display_name":"Crew"`
)

func readState(resources ...string) *Reading {
	r := NewReading()
	r.Terraform("x", []byte(tf(resources...)))
	return r
}

// TestAccountsAreTheirIDs: access in an account that is gone does not come up in another that is called the same.
func TestAccountsAreTheirIDs(t *testing.T) {
	t.Parallel()
	r := readState(res("aws_ssoadmin_permission_set", "a", setA), res("aws_organizations_account", "old", `"id":"999999999999","name":"Shop"`), res("aws_ssoadmin_account_assignment", "a", crewIn+`"999999999999"`))
	d := r.Estate(known())
	if r.Problems.Failed() || len(d.Assignments) != 0 || !strings.Contains(problems(r), "aws_ssoadmin_account_assignment.a is left out: there is no account 999999999999 any more") {
		t.Errorf("%v %s", d.Assignments, problems(r))
	}
}

// TestTagsOfSomeAccountsChooseNone: a state has the tags of the accounts that it made, and nothing of those of the others, which may have the same.
func TestTagsOfSomeAccountsChooseNone(t *testing.T) {
	t.Parallel()
	accounts := `{"id":"100000000001","name":"Boss","status":"ACTIVE"},{"id":"100000000009","name":"Play","status":"ACTIVE"}`
	all := []string{res("aws_organizations_account", "boss", `"id":"100000000001","name":"Boss"`), res("aws_ssoadmin_permission_set", "a", setA), res("aws_identitystore_group", "crew", crewName)}
	for i := range 6 {
		id := fmt.Sprint(100000000002 + i)
		accounts += fmt.Sprintf(`,{"id":%q,"name":"n%d","status":"ACTIVE"}`, id, i)
		all = append(all, res("aws_organizations_account", fmt.Sprint(i), fmt.Sprintf(`"id":%q,"name":"n%d","tags":{"env":"prod"}`, id, i)), res("aws_ssoadmin_account_assignment", fmt.Sprint(i), crewIn+`"`+id+`"`))
	}
	all = append(all, res("data.aws_organizations_organization", "this", `"master_account_id":"100000000001","accounts":[`+accounts+`]`))
	got := written(t, readState(all...), nil)
	if strings.Contains(got, "tags:") || !strings.Contains(got, "accounts: all\n    except: Play") {
		t.Error(got)
	}
	// All members are all, whether or not the management account is described beside them.
	got = written(t, readState(append(all, res("aws_ssoadmin_account_assignment", "third", crewIn+`"100000000009"`))...), nil)
	if !strings.Contains(got, "accounts: all") {
		t.Error(got)
	}
	// An account that is closed, which newer versions of the provider call a state, is none of them.
	closed := strings.Replace(strings.Join(all, ","), `"name":"Play","status":"ACTIVE"`, `"name":"Play","state":"SUSPENDED"`, 1)
	if got = written(t, readState(closed), nil); !strings.Contains(got, "accounts: all") {
		t.Error(got)
	}
}

// TestAlikeIsOnce: what two configurations describe in the same way is there once, and what they describe in different ways is told.
func TestAlikeIsOnce(t *testing.T) {
	t.Parallel()
	state := testFile(t, "state.json")
	once, twice := NewReading(), NewReading()
	once.Terraform("state.json", state)
	twice.Terraform("state.json", state)
	twice.Terraform("again.json", state)
	if a, b := written(t, once, known()), written(t, twice, known()); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	policy := func(name, action string) string {
		return res("aws_ssoadmin_permission_set_inline_policy", name, ofA+fmt.Sprintf(`,"inline_policy":"{\"Statement\":\"%s\"}"`, action))
	}
	boundary := func(name, arn string) string {
		return res("aws_ssoadmin_permissions_boundary_attachment", name, ofA+fmt.Sprintf(`,"permissions_boundary":[{"managed_policy_arn":%q}]`, arn))
	}
	app := func(name, url string) string {
		return res("aws_ssoadmin_application", name, fmt.Sprintf(`"arn":"arn:app","name":"Wiki","portal_options":[{"sign_in_options":[{"application_url":%q}]}]`, url))
	}
	required := func(name string, yes bool) string {
		return res("aws_ssoadmin_application_assignment_configuration", name, fmt.Sprintf(`"application_arn":"arn:app","assignment_required":%v`, yes))
	}
	attributes := func(name, key string) string {
		return res("aws_ssoadmin_instance_access_control_attributes", name, fmt.Sprintf(`"attribute":[{"key":%q,"value":[{"source":["x"]}]}]`, key))
	}
	set := res("aws_ssoadmin_permission_set", "a", setA)
	for _, c := range []struct {
		first, again, other, says string
	}{
		{set, set, res("aws_ssoadmin_permission_set", "b", setA+`,"description":"other"`), `aws_ssoadmin_permission_set.b: the permission set "A" is described differently by aws_ssoadmin_permission_set.a in x`},
		{res("aws_identitystore_group", "a", crewName), res("aws_identitystore_group", "b", crewName), res("aws_identitystore_group", "c", crewName+`,"description":"other"`), `aws_identitystore_group.c: the group "Crew" is described differently by aws_identitystore_group.a in x`},
		{policy("a", "s3:*"), policy("b", "s3:*"), policy("c", "iam:*"), `aws_ssoadmin_permission_set_inline_policy.c: the permission set "A" has another inline policy already`},
		{boundary("a", "arn:p"), boundary("b", "arn:p"), boundary("c", "arn:q"), `aws_ssoadmin_permissions_boundary_attachment.c: the permission set "A" has another boundary already`},
		{app("a", "https://a"), app("b", "https://a"), app("c", "https://b"), `aws_ssoadmin_application.c: the application "Wiki" is described differently already`},
		{required("a", true), required("b", true), required("c", false), `aws_ssoadmin_application_assignment_configuration.c: whether the application needs assignments is described differently already`},
		{attributes("a", "k"), attributes("b", "k"), attributes("c", "l"), `aws_ssoadmin_instance_access_control_attributes.c: the attributes for access control are described differently already`},
	} {
		r := readState(set, c.first, c.again)
		if r.Estate(nil); r.Problems.Failed() {
			t.Error(problems(r))
		}
		r = readState(set, c.first, c.other)
		if r.Estate(nil); !strings.Contains(problems(r), c.says+"; ") {
			t.Errorf("%q is not said, but %s", c.says, problems(r))
		}
	}
}

// TestPlansOfWhatIsNotKnown: nothing that a plan does not know yet is taken for nothing.
func TestPlansOfWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, values, unknown, says string }{
		{"aws_ssoadmin_permission_set_inline_policy", ofA, `"inline_policy":true`, "inline_policy"},
		{"aws_ssoadmin_managed_policy_attachment", ofA, `"managed_policy_arn":true,"id":true`, "managed_policy_arn"},
		{"aws_ssoadmin_managed_policy_attachments_exclusive", ofA, `"managed_policy_arns":true`, "managed_policy_arns"},
		{"aws_ssoadmin_managed_policy_attachments_exclusive", ofA + `,"managed_policy_arns":["arn:p",null]`, `"managed_policy_arns":[false,true]`, "managed_policy_arns"},
		{"aws_ssoadmin_customer_managed_policy_attachment", ofA + `,"customer_managed_policy_reference":[{"path":"/"}]`, `"customer_managed_policy_reference":[{"name":true}]`, "customer_managed_policy_reference"},
		{"aws_ssoadmin_permissions_boundary_attachment", ofA + `,"permissions_boundary":[{"customer_managed_policy_reference":[]}]`, `"permissions_boundary":[{"customer_managed_policy_reference":[],"managed_policy_arn":true}]`, "permissions_boundary"},
		{"aws_ssoadmin_account_assignment", crewIn + `"100000000002"`, `"principal_type":true`, "principal_type"},
		{"aws_ssoadmin_permission_set", setA, `"description":true`, "description"},
		{"aws_identitystore_group", `"group_id":"g-crew"`, `"display_name":true`, "display_name"},
	} {
		r := NewReading()
		r.Terraform("x", fmt.Appendf(nil, `{"format_version":"1.2","planned_values":{"root_module":{"resources":[%s]}},"resource_changes":[{"address":%q,"change":{"actions":["update"],"after_unknown":{%s}}}]}`, res(c.kind, "a", c.values), c.kind+".a", c.unknown))
		if r.Estate(known()); !strings.Contains(problems(r), fmt.Sprintf("%s.a: its %s is known only after `terraform apply`; read the state then", c.kind, c.says)) {
			t.Errorf("%s: %s", c.kind, problems(r))
		}
	}
	// What has been replaced stands there under the same address, and has nothing that is unknown.
	r := NewReading()
	r.Terraform("x", fmt.Appendf(nil, `{"format_version":"1.2","planned_values":{"root_module":{"resources":[%s]}},"resource_changes":[{"address":"aws_ssoadmin_permission_set.a","change":{"actions":["update"],"after_unknown":{"description":true}}},{"address":"aws_ssoadmin_permission_set.a","deposed":"2771f104","change":{"actions":["delete"],"after_unknown":{}}}]}`, res("aws_ssoadmin_permission_set", "a", setA)))
	if !strings.Contains(problems(r), "aws_ssoadmin_permission_set.a: its description is known only after") {
		t.Error(problems(r))
	}
	// What only the provider sets, and what is known, are no matter.
	r = NewReading()
	r.Terraform("x", fmt.Appendf(nil, `{"format_version":"1.2","planned_values":{"root_module":{"resources":[%s]}},"resource_changes":[{"address":"aws_ssoadmin_permission_set.a","change":{"after_unknown":{"id":true,"created_date":true,"tags":{},"tags_all":{"a":false}}}},{"address":"null_resource.a","change":{"after_unknown":true}}]}`, res("aws_ssoadmin_permission_set", "a", setA)))
	if d := r.Estate(nil); len(r.Problems) > 0 || len(d.Sets) != 1 {
		t.Error(problems(r))
	}
}

// TestOddConfigurations: who is neither group nor user, what has no name, and what another provider made are told.
func TestOddConfigurations(t *testing.T) {
	t.Parallel()
	set := res("aws_ssoadmin_permission_set", "a", setA)
	deep := strings.Repeat(`{"child_modules":[`, 200) + `{"resources":[` + set + `]}` + strings.Repeat(`]}`, 200)
	for _, c := range []struct{ name, terraform, template, says string }{
		{"a principal of no kind", tf(set, res("aws_ssoadmin_account_assignment", "a", ofA+`,"principal_id":"g-crew","principal_type":"ROLE","target_id":"100000000002"`)), "", `aws_ssoadmin_account_assignment.a: "ROLE" is neither GROUP nor USER`},
		{"an application's", tf(res("aws_ssoadmin_application_assignment", "a", `"application_arn":"arn:app","principal_id":"g-crew","principal_type":""`)), "", `aws_ssoadmin_application_assignment.a: "" is neither GROUP nor USER`},
		{"a template's", "", "Resources: {A: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: a, PrincipalType: group, PrincipalId: g, TargetId: '100000000002'}}}", `A: "group" is neither GROUP nor USER`},
		{"a kind that only the stack knows", "", "Resources: {A: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: a, PrincipalType: !ImportValue K, PrincipalId: g, TargetId: '100000000002'}}}", "A depends on ImportValue K, which only the stack knows"},
		{"a group without a name", tf(res("aws_identitystore_group", "a", `"group_id":"g-crew","display_name":""`)), "", "aws_identitystore_group.a: the group has no name"},
		{"a template's group", "", "Resources: {G: {Type: AWS::IdentityStore::Group, Properties: {Description: x}}}", "G: the group has no name"},
		{"a template's set", "", "Resources: {A: {Type: AWS::SSO::PermissionSet, Properties: {Description: x}}}", "A: the permission set has no name"},
		{"a set without a name", tf(res("aws_ssoadmin_permission_set", "a", `"arn":"arn:a"`)), "", "aws_ssoadmin_permission_set.a: the permission set has no name"},
		{"Cloud Control's", tf(res("awscc_sso_assignment", "a", "")), "", "awscc_sso_assignment.a is left out: resources of the provider hashicorp/awscc are not read; import them from the instance"},
		{"two instances", tf(set, res("aws_ssoadmin_permission_set", "b", `"arn":"arn:aws:sso:::permissionSet/ssoins-2222222222222222/ps-b","name":"B"`)), "", "aws_ssoadmin_permission_set.b is of the instance ssoins-2222222222222222, and others are of ssoins-1111111111111111; read the configurations of one instance at a time"},
		{"replaced, and not destroyed yet", tf(set, strings.Replace(res("aws_ssoadmin_permission_set", "a", `"arn":"arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-old","name":"A"`), `"mode"`, `"deposed_key":"0badcafe","mode"`, 1)), "", "x: warning: aws_ssoadmin_permission_set.a is left out in the form that was replaced and is still to be destroyed"},
		{"the same in the file of a state", `{"version":4,"resources":[{"mode":"managed","type":"aws_ssoadmin_permission_set","name":"a","instances":[{"deposed":"0badcafe","attributes":{"arn":"arn:a","name":"A"}}]}]}`, "", "x: warning: aws_ssoadmin_permission_set.a is left out in the form"},
		{"a stack in a stack", "", "Resources: {A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://x'}}}", "x: warning: A is left out: it is of another template; read its template, too, with the parameters it is given"},
		{"stacks in other accounts", "", "Resources: {A: {Type: AWS::CloudFormation::StackSet}}", "x: warning: A is left out: it is of another template"},
		{"a module", "", "Resources: {A: {Type: 'My::Own::Sets::MODULE'}}", "x: warning: A is left out: what is in the module My::Own::Sets::MODULE is not in the template; read what CloudFormation made of it"},
		{"modules far down", `{"format_version":"1.0","values":{"root_module":` + deep + `}}`, "", ""},
	} {
		r := NewReading()
		if c.terraform != "" {
			r.Terraform("x", []byte(c.terraform))
		} else {
			r.CloudFormation("x", []byte(c.template), nil)
		}
		d := r.Estate(known())
		if got := problems(r); !strings.Contains(got, c.says) || c.says == "" && (got != "" || len(d.Sets) != 1) {
			t.Errorf("%s: %q is not said, but\n%s", c.name, c.says, got)
		}
	}
	// Names that are looked up in another instance than the configuration is of are told of, since its ids mean nothing there.
	other := known()
	other.Instance.ARN = "arn:aws:sso:::instance/ssoins-9999999999999999"
	r := readState(set)
	if r.Estate(other); r.Problems.Failed() || !strings.Contains(problems(r), "what is described is of the instance ssoins-1111111111111111, and names are looked up in ssoins-9999999999999999") {
		t.Error(problems(r))
	}
}

// TestTextsOfWindows: what PowerShell writes with > is read, and so is a byte order mark.
func TestTextsOfWindows(t *testing.T) {
	t.Parallel()
	state := tf(res("aws_ssoadmin_permission_set", "a", strings.Replace(setA, `"A"`, `"Ä🙂"`, 1)))
	wide := func(order binary.AppendByteOrder, s string) (out []byte) {
		for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
			out = order.AppendUint16(out, u)
		}
		return out
	}
	for _, data := range [][]byte{wide(binary.LittleEndian, state), wide(binary.BigEndian, state), []byte("\ufeff" + state)} {
		r := NewReading()
		r.Terraform("x", data)
		if d := r.Estate(nil); r.Problems.Failed() || len(d.Sets) != 1 || d.Sets[0].Name != "Ä🙂" {
			t.Error(problems(r))
		}
	}
	r := NewReading()
	r.CloudFormation("x", wide(binary.LittleEndian, "Resources: {A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A}}}"), nil)
	if d := r.Estate(nil); r.Problems.Failed() || len(d.Sets) != 1 {
		t.Error(problems(r))
	}
}

// TestLargeTemplates: a template that is too large for a request may be in S3, up to a megabyte.
func TestLargeTemplates(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("Resources:\n  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A}}\n")
	for i := range 400 {
		fmt.Fprintf(&b, "  Assignment%d: {Type: AWS::SSO::Assignment, Properties: {InstanceArn: 'arn:aws:sso:::instance/ssoins-1111111111111111', PermissionSetArn: !GetAtt A.PermissionSetArn, PrincipalType: GROUP, PrincipalId: g-crew, TargetType: AWS_ACCOUNT, TargetId: '%d'}}\n", i, 200000000000+i)
	}
	e := known()
	for i := range 400 {
		e.Accounts = append(e.Accounts, estate.Account{ID: fmt.Sprint(200000000000 + i), Name: fmt.Sprint("n", i)})
	}
	r := NewReading()
	r.CloudFormation("x", []byte(b.String()), nil)
	if d := r.Estate(e); r.Problems.Failed() || len(d.Assignments) != 400 {
		t.Errorf("%.300s", problems(r))
	}
	r = NewReading()
	r.CloudFormation("x", []byte("# "+strings.Repeat("x", 1<<20)), nil)
	if !strings.Contains(problems(r), "less than or equal to 1048576") {
		t.Errorf("%.300s", problems(r))
	}
}

// TestTemplatesThatAskAround: what a custom resource finds, another account or another stack decides is told, and may be given.
func TestTemplatesThatAskAround(t *testing.T) {
	t.Parallel()
	const template = `
Transform: AWS::LanguageExtensions
Mappings:
  Places: {'100000000001': {Of: '100000000002'}}
Resources:
  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A}}
  Lookup: {Type: Custom::GroupLookup, Properties: {ServiceToken: !ImportValue Function, Name: Crew}}
  Given: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: !GetAtt A.PermissionSetArn, PrincipalType: GROUP, PrincipalId: !GetAtt Lookup.GroupId, TargetId: !FindInMap [Places, !Ref AWS::AccountId, Of, {DefaultValue: '100000000003'}]}}
`
	for _, e := range []*estate.Estate{nil, known()} {
		r := NewReading()
		r.CloudFormation("x", []byte(template), nil)
		r.Estate(e)
		got := problems(r)
		for _, says := range []string{"error: Given depends on Lookup.GroupId, which only the stack knows; give it with --parameter 'Lookup.GroupId=VALUE', or import it from the instance instead",
			"error: Given depends on a part of AWS::AccountId, which only the stack knows; give it with --parameter AWS::AccountId=VALUE"} {
			if !strings.Contains(got, says) {
				t.Errorf("%q is not said, but %s", says, got)
			}
		}
	}
	r := NewReading()
	r.CloudFormation("x", []byte(template), map[string]string{"Lookup.GroupId": "g-crew", "AWS::AccountId": "100000000001"})
	if got := written(t, r, known()); !strings.Contains(got, "- groups: [Crew]\n    permission_sets: [A]\n    accounts: Shop\n") {
		t.Error(got)
	}
	// A resource of another type has no such id, and one that is left out has none at all.
	for id, says := range map[string]string{"!GetAtt Lookup.PermissionSetArn": "Lookup.PermissionSetArn", "!GetAtt Off.PermissionSetArn": "Off.PermissionSetArn", "!Ref Lookup": "Lookup"} {
		r := NewReading()
		r.CloudFormation("x", []byte("Conditions: {No: !Equals [a, b]}\n"+strings.Replace(template, "!GetAtt A.PermissionSetArn", id, 1)+"  'Off': {Type: AWS::SSO::PermissionSet, Condition: 'No', Properties: {Name: Off}}\n"), nil)
		if !strings.Contains(problems(r), "error: Given depends on "+says+", which only the stack knows") {
			t.Error(problems(r))
		}
	}
	r = NewReading()
	r.CloudFormation("x", []byte("Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A}}}"), nil)
	if !strings.Contains(problems(r), "read what CloudFormation made of it: aws cloudformation get-template --template-stage Processed") {
		t.Error(problems(r))
	}
}

// TestPlansOfAPart: what a plan does not look at, or lets Terraform forget, stays; what it destroys is told.
func TestPlansOfAPart(t *testing.T) {
	t.Parallel()
	set := res("aws_ssoadmin_permission_set", "a", setA)
	in := func(name, account string) string {
		return res("aws_ssoadmin_account_assignment", name, crewIn+`"`+account+`"`)
	}
	change := func(name, more string, actions string) string {
		return fmt.Sprintf(`{"address":"aws_ssoadmin_account_assignment.%s",%s"change":{"actions":[%s],"after_unknown":{}}}`, name, more, actions)
	}
	old := strings.Replace(in("looked_at", "100000000005"), `"mode"`, `"deposed_key":"0badcafe","mode"`, 1)
	data := fmt.Sprintf(`{"format_version":"1.2","complete":false,"planned_values":{"root_module":{"resources":[%s]}},"resource_changes":[%s],"prior_state":{"format_version":"1.0","values":{"root_module":{"resources":[%s]}}}}`,
		strings.Join([]string{set, in("looked_at", "100000000001"), in("moved", "100000000005")}, ","),
		strings.Join([]string{change("looked_at", "", `"no-op"`), change("moved", `"previous_address":"aws_ssoadmin_account_assignment.before",`, `"no-op"`), change("forgotten", "", `"forget"`), change("ended", "", `"delete"`)}, ","),
		strings.Join([]string{set, in("looked_at", "100000000003"), old, in("before", "100000000003"), in("forgotten", "100000000002"), in("aside", "100000000003"), in("ended", "100000000005")}, ","))
	r := NewReading()
	r.Terraform("x", []byte(data))
	var got []string
	for _, g := range r.assignments {
		got = append(got, strings.TrimPrefix(g.at.name, "aws_ssoadmin_account_assignment.")+" "+g.account)
	}
	if want := "looked_at 100000000001, moved 100000000005, forgotten 100000000002, aside 100000000003"; strings.Join(got, ", ") != want {
		t.Errorf("%s, not %s", strings.Join(got, ", "), want)
	}
	if p := problems(r); r.Problems.Failed() || !strings.Contains(p, "aws_ssoadmin_account_assignment.ended is left out: the plan destroys it; read the state if it is to stay") || !strings.Contains(p, "aws_ssoadmin_account_assignment.looked_at is left out in the form that was replaced") {
		t.Error(p)
	}
	r = NewReading()
	r.Terraform("x", []byte(strings.Replace(data, `"complete"`, `"errored":true,"complete"`, 1)))
	if !r.Problems.Failed() || !strings.Contains(problems(r), "the plan ended with errors, and is not whole") {
		t.Error(problems(r))
	}
}

// TestAnotherFormIsNoDifference: two configurations may write the same in their own ways.
func TestAnotherFormIsNoDifference(t *testing.T) {
	t.Parallel()
	policy := func(name, document string) string {
		return res("aws_ssoadmin_permission_set_inline_policy", name, ofA+fmt.Sprintf(`,"inline_policy":%q`, document))
	}
	r := readState(res("aws_ssoadmin_permission_set", "a", setA+`,"tags":null,"tags_all":{}`), res("aws_ssoadmin_permission_set", "b", setA+`,"tags":{},"tags_all":null`), res("aws_ssoadmin_permission_set", "c", setA+`,"description":null`),
		policy("a", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":"*"}]}`), policy("b", `{"Statement": {"Action": "s3:*", "Effect": "Allow", "Resource": ["*"]}, "Version": "2012-10-17"}`))
	if d := r.Estate(known()); len(r.Problems) > 0 || len(d.Sets) != 1 || !strings.HasPrefix(d.Sets[0].Inline, `{"Version"`) {
		t.Error(problems(r))
	}
}

// TestDynamicReferences: what Systems Manager keeps is no text, wherever it is referred to, and may be given.
func TestDynamicReferences(t *testing.T) {
	t.Parallel()
	const set = "Resources:\n  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A, %s}}\n  B: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: !GetAtt A.PermissionSetArn, PrincipalType: GROUP, PrincipalId: '%s', TargetId: '%s'}}\n"
	const ref = "{{resolve:ssm:/where:1}}"
	for _, c := range []struct{ set, group, account, who string }{
		{"Description: 'x " + ref + "'", "g-crew", "100000000002", "A"}, {"ManagedPolicies: ['" + ref + "']", "g-crew", "100000000002", "A"},
		{"InlinePolicy: {Statement: {Resource: '" + ref + "'}}", "g-crew", "100000000002", "A"}, {"InlinePolicy: '{\"Statement\":\"" + ref + "\"}'", "g-crew", "100000000002", "A"},
		{"Tags: [{Key: k, Value: !Sub '" + ref + "'}]", "g-crew", "100000000002", "A"}, {"Description: x", ref, "100000000002", "B"}, {"Description: x", "g-crew", ref, "B"},
	} {
		body := fmt.Appendf(nil, set, c.set, c.group, c.account)
		r := NewReading()
		r.CloudFormation("x", body, nil)
		r.Estate(known())
		if says := c.who + " depends on " + ref + ", which only the stack knows; give it with --parameter '" + ref + "=VALUE'"; !strings.Contains(problems(r), says) {
			t.Errorf("%q is not said, but %s", says, problems(r))
		}
		r = NewReading()
		r.CloudFormation("x", body, map[string]string{ref: map[string]string{c.group: "g-crew", c.account: "100000000002"}[ref]})
		if d := r.Estate(known()); r.Problems.Failed() || len(d.Assignments) != 1 {
			t.Error(problems(r))
		}
	}
	// An account that a template makes is known by its name, if that is one account's.
	body := []byte("Resources:\n  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A}}\n  Shop: {Type: AWS::Organizations::Account, Properties: {AccountName: Shop}}\n  B: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: !GetAtt A.PermissionSetArn, PrincipalType: GROUP, PrincipalId: g-crew, TargetId: !Ref Shop}}\n")
	for n, change := range map[int]func(*estate.Estate){0: func(e *estate.Estate) { e.Accounts[1].Name = "Store" }, 2: func(e *estate.Estate) { e.Accounts[2].Name = "Shop" }} {
		e := known()
		change(e)
		r := NewReading()
		r.CloudFormation("x", body, nil)
		r.Estate(e)
		if says := fmt.Sprintf("x: error: B: %d accounts are called \"Shop\"; put the account's id there", n); !strings.Contains(problems(r), says) {
			t.Errorf("%q is not said, but %s", says, problems(r))
		}
	}
}

// TestUnusedParameters: a parameter that is mistyped is told of, and one that stands for what a stack knows is not.
func TestUnusedParameters(t *testing.T) {
	t.Parallel()
	r := NewReading()
	given := map[string]string{"Stage": "prod", "Stgae": "dev", "AWS::AcountId": "100000000001", "Lookup.Name": "x", "{{resolve:ssm:/x}}": "y"}
	r.CloudFormation("x", []byte("Parameters: {Stage: {Type: String, Default: dev}}\nResources:\n  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: !Sub '${Stage}-${Lookup.Name}', Description: '{{resolve:ssm:/x}}'}}\n  Lookup: {Type: Custom::Lookup}\n"), given)
	r.Unused([]string{"AWS::AcountId", "Lookup.Name", "Stage", "Stgae", "{{resolve:ssm:/x}}"})
	if got := problems(r); got != `warning: the parameter "AWS::AcountId" is left out: nothing that was read depends on it; look how the template writes it`+"\n"+`warning: the parameter "Stgae" is left out: nothing that was read depends on it; look how the template writes it` {
		t.Error(got)
	}
}

// TestParametersOfSeveralTemplates: what is a parameter of one template is no resource of another, and what is given for a resource is of one alone.
func TestParametersOfSeveralTemplates(t *testing.T) {
	t.Parallel()
	given := map[string]string{"Crew": "g-other", "Lookup.GroupId": "g-other"}
	r := NewReading()
	r.CloudFormation("x", []byte("Parameters: {Crew: {Type: String}}\nResources: {A: {Type: AWS::SSO::PermissionSet, Properties: {Name: !Ref Crew}}}"), given)
	r.CloudFormation("y", []byte("Resources:\n  B: {Type: AWS::SSO::PermissionSet, Properties: {Name: B}}\n  Crew: {Type: AWS::IdentityStore::Group, Properties: {DisplayName: Crew}}\n  C: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: !GetAtt B.PermissionSetArn, PrincipalType: GROUP, PrincipalId: !Ref Crew, TargetId: '100000000002'}}"), given)
	d := r.Estate(known())
	if r.Problems.Failed() || len(d.Assignments) != 1 || d.Name(d.Assignments[0].Principal) != "Crew" {
		t.Error(d.Assignments, problems(r))
	}
	lookup := []byte("Resources:\n  B: {Type: AWS::SSO::PermissionSet, Properties: {Name: B}}\n  Lookup: {Type: Custom::Lookup}\n  C: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: !GetAtt B.PermissionSetArn, PrincipalType: GROUP, PrincipalId: !GetAtt Lookup.GroupId, TargetId: '100000000002'}}")
	r.CloudFormation("z", lookup, given)
	if r.Problems.Failed() {
		t.Error(problems(r))
	}
	r.CloudFormation("again", lookup, given)
	if !strings.Contains(problems(r), "again: error: Lookup.GroupId stands for two resources: z has one as well; give one of the resources another logical id") {
		t.Error(problems(r))
	}
}

// TestInstancesOfTemplates: templates of two instances are not taken together, and neither is one taken for another instance's.
func TestInstancesOfTemplates(t *testing.T) {
	t.Parallel()
	set := func(name, instance string) []byte {
		return []byte("Resources: {" + name + ": {Type: AWS::SSO::PermissionSet, Properties: {Name: " + name + ", InstanceArn: 'arn:aws:sso:::instance/" + instance + "'}}}")
	}
	group := func(name, store string) []byte {
		return []byte("Resources: {" + name + ": {Type: AWS::IdentityStore::Group, Properties: {DisplayName: " + name + ", IdentityStoreId: " + store + "}}}")
	}
	for _, c := range []struct {
		first, second []byte
		says          string
	}{
		{set("A", "ssoins-1111111111111111"), set("B", "ssoins-2222222222222222"), "B is of the instance ssoins-2222222222222222, and others are of ssoins-1111111111111111"},
		{group("A", "d-1"), group("B", "d-2"), "B is of the identity store d-2, and others are of d-1"},
		{set("A", "ssoins-2222222222222222"), set("B", "ssoins-2222222222222222"), "what is described is of the instance ssoins-2222222222222222, and names are looked up in ssoins-1111111111111111"},
		{set("A", "ssoins-1111111111111111"), set("B", "ssoins-1111111111111111"), ""},
	} {
		r := NewReading()
		r.CloudFormation("x", c.first, nil)
		r.CloudFormation("y", c.second, nil)
		if r.Estate(known()); !strings.Contains(problems(r), c.says) || c.says == "" && len(r.Problems) > 0 {
			t.Errorf("%q is not said, but %s", c.says, problems(r))
		}
	}
}
