package adopt

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/plan/estate"
)

// known is the organization that the configurations in testdata are of.
func known() *estate.Estate {
	e := &estate.Estate{
		Instance: estate.Instance{ARN: "arn:aws:sso:::instance/ssoins-1111111111111111", Owner: "100000000001"},
		Units:    []estate.Unit{{ID: "r-1", Name: "Root"}, {ID: "ou-1", Parent: "r-1", Name: "Work"}},
		Accounts: []estate.Account{{ID: "100000000001", Name: "Management", Management: true, Unit: "r-1"}, {ID: "100000000002", Name: "Shop", Unit: "ou-1"}, {ID: "100000000003", Name: "Lake", Unit: "ou-1"}, {ID: "100000000005", Name: "Play", Unit: "r-1"}},
		Users:    []estate.User{{ID: "906790c1-0000-4000-8000-00000000000a", Name: "ann"}},
		Groups:   []estate.Group{{ID: "906790c1-0000-4000-8000-000000000001", Name: "Data Engineers", External: true}, {ID: "906790c1-0000-4000-8000-000000000002", Name: "On Call"}, {ID: "g-crew", Name: "Crew"}, {ID: "g-other", Name: "Other"}},
		Sets:     []estate.Set{{ARN: "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-3333333333333333", Name: "AWSAudit"}},
	}
	return e
}

// testFile is a file of testdata.
func testFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func problems(r *Reading) string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, p.String())
	}
	return strings.Join(out, "\n")
}

// written is what a reading becomes, with its warnings behind.
func written(t *testing.T, r *Reading, known *estate.Estate) string {
	t.Helper()
	d := r.Estate(known)
	if r.Problems.Failed() {
		t.Fatal(problems(r))
	}
	w, err := Files(d.Estate, d.Options(Options{Single: "access.yaml"}))
	if err != nil {
		t.Fatal(err)
	}
	out := string(w.Files["access.yaml"])
	for _, p := range append(r.Problems, w.Problems...) {
		out += "\n# " + p.String()
	}
	return out + "\n"
}

func TestTerraform(t *testing.T) {
	t.Parallel()
	r := NewReading()
	r.Terraform("state.json", testFile(t, "state.json"))
	golden(t, "terraform.yaml", []byte(written(t, r, known())))
	r = NewReading()
	r.Terraform("state.json", testFile(t, "state.json"))
	golden(t, "terraform-offline.yaml", []byte(written(t, r, nil)))
}

// TestTerraformForms: a plan and the file of a state say the same as what is shown of the state.
func TestTerraformForms(t *testing.T) {
	t.Parallel()
	shown := testFile(t, "state.json")
	want := NewReading()
	want.Terraform("state.json", shown)
	text := written(t, want, nil)

	var state struct{ Values tfValues }
	if err := json.Unmarshal(shown, &state); err != nil {
		t.Fatal(err)
	}
	var stored []string
	var planned, prior []string
	for _, x := range state.Values.RootModule.all() {
		one, err := json.Marshal(map[string]any{"address": x.Address, "mode": x.Mode, "type": x.Type, "values": json.RawMessage(x.Values)})
		if err != nil {
			t.Fatal(err)
		}
		if x.Mode == "data" {
			prior = append(prior, string(one))
		} else {
			planned = append(planned, string(one))
		}
		module, name := "", x.Address
		if i := strings.LastIndex(x.Address, ".aws_"); i > 0 && x.Mode != "data" {
			module, name = x.Address[:i], x.Address[i+1:]
		}
		name, index, _ := strings.Cut(name[strings.LastIndex(name, ".")+1:], "[")
		if index = strings.TrimSuffix(index, "]"); index == "" {
			index = "null"
		}
		stored = append(stored, fmt.Sprintf(`{"module":%q,"mode":%q,"type":%q,"name":%q,"provider":"provider[\"registry.terraform.io/hashicorp/aws\"]","instances":[{"index_key":%s,"schema_version":0,"attributes":%s,"sensitive_attributes":[]}]}`,
			module, x.Mode, x.Type, name, index, x.Values))
	}
	for name, data := range map[string]string{
		"plan":  `{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{"root_module":{"resources":[` + strings.Join(planned, ",") + `]}},"prior_state":{"format_version":"1.0","values":{"root_module":{"resources":[` + strings.Join(prior, ",") + `]}}},"configuration":{}}`,
		"state": `{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"x","outputs":{},"resources":[` + strings.Join(stored, ",") + `]}`,
	} {
		r := NewReading()
		r.Terraform("state.json", []byte(data))
		got, _, _ := strings.Cut(written(t, r, nil), "\n# ")
		if want, _, _ := strings.Cut(text, "\n# "); got != want {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func TestCloudFormation(t *testing.T) {
	t.Parallel()
	r := NewReading()
	r.CloudFormation("template.yaml", testFile(t, "template.yaml"), map[string]string{"Stage": "prod", "InstanceArn": "arn:aws:sso:::instance/ssoins-1111111111111111", "AWS::AccountId": "100000000001", "Of": "another template"})
	golden(t, "cloudformation.yaml", []byte(written(t, r, known())))
	// The same with a loop over the accounts.
	before, rest, _ := strings.Cut(string(testFile(t, "template.yaml")), "  CrewShop:\n")
	_, after, found := strings.Cut(rest, "  AnnHere:\n")
	if !found {
		t.Fatal("the assignments of Crew are not in the template")
	}
	looped := "Transform: AWS::LanguageExtensions\n" + before + `
  Fn::ForEach::Crew:
    - Account
    - !Ref Accounts
    - Crew${Account}:
        Type: AWS::SSO::Assignment
        Properties: {InstanceArn: !Ref InstanceArn, PermissionSetArn: !GetAtt ReadOnly.PermissionSetArn, PrincipalType: GROUP, PrincipalId: !GetAtt Crew.GroupId, TargetType: AWS_ACCOUNT, TargetId: !Ref Account}
  AnnHere:
` + after
	r = NewReading()
	r.CloudFormation("template.yaml", []byte(looped), map[string]string{"Stage": "prod", "InstanceArn": "arn:aws:sso:::instance/ssoins-1111111111111111", "AWS::AccountId": "100000000001"})
	if got := written(t, r, known()); got != string(testFile(t, "cloudformation.yaml")) {
		t.Error(got)
	}
	// Another stage has less in it, and does not need to know the account.
	r = NewReading()
	r.CloudFormation("template.yaml", testFile(t, "template.yaml"), map[string]string{"InstanceArn": "x"})
	if got := written(t, r, known()); strings.Contains(got, "Extra") || !strings.Contains(got, "ReadOnly-dev") || !strings.Contains(got, "session: 8h") {
		t.Error(got)
	}
}

// TestOfACompany: what an instance holds, described by the other tools, is written as what the instance holds.
func TestOfACompany(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*Reading, *estate.Estate){"terraform": asState, "cloudformation": asTemplate} {
		e := company()
		e.Applications = e.Applications[:2]
		r := NewReading()
		read(r, e)
		d := r.Estate(e)
		w, err := Files(d.Estate, d.Options(Options{}))
		if err != nil || r.Problems.Failed() {
			t.Fatalf("%s: %v %s", name, err, problems(r))
		}
		p, faults := w.Plan(e)
		if faults.Failed() {
			t.Fatal(faults)
		}
		for _, l := range p.Lines() {
			if !strings.Contains(l.Text, "u-gone") {
				t.Errorf("%s: %s %s %v", name, l.Sign, l.Text, l.Details)
			}
		}
	}
}

// principal is the kind and id of whoever has an assignment.
func principal(e *estate.Estate, p estate.Principal) (kind, id string) {
	if p.IsUser() {
		return "USER", e.Users[p.Index()].ID
	}
	return "GROUP", e.Groups[p.Index()].ID
}

// asState writes an estate as Terraform's state would have it, and reads that.
func asState(r *Reading, e *estate.Estate) {
	var all []map[string]any
	add := func(kind string, values map[string]any) {
		all = append(all, map[string]any{"address": fmt.Sprintf("%s.x[%d]", kind, len(all)), "mode": "managed", "type": kind, "values": values})
	}
	for _, s := range e.Sets {
		tags := map[string]string{}
		for k, v := range s.Tags {
			if !estate.Reserved(k) {
				tags[k] = v
			}
		}
		add("aws_ssoadmin_permission_set", map[string]any{"arn": s.ARN, "name": s.Name, "description": s.Description, "relay_state": s.RelayState, "session_duration": fmt.Sprintf("PT%dM", int(s.Session.Minutes())), "tags": tags, "tags_all": tags})
		for _, p := range s.AWSPolicies {
			add("aws_ssoadmin_managed_policy_attachment", map[string]any{"permission_set_arn": s.ARN, "managed_policy_arn": p})
		}
		for _, p := range s.CustomerPolicies {
			add("aws_ssoadmin_customer_managed_policy_attachment", map[string]any{"permission_set_arn": s.ARN, "customer_managed_policy_reference": []any{map[string]any{"name": p.Name, "path": p.Path}}})
		}
		if b := s.Boundary; b != nil {
			add("aws_ssoadmin_permissions_boundary_attachment", map[string]any{"permission_set_arn": s.ARN, "permissions_boundary": []any{map[string]any{"managed_policy_arn": "", "customer_managed_policy_reference": []any{map[string]any{"name": b.Customer.Name, "path": b.Customer.Path}}}}})
		}
		if s.Inline != "" {
			add("aws_ssoadmin_permission_set_inline_policy", map[string]any{"permission_set_arn": s.ARN, "inline_policy": s.Inline})
		}
	}
	for _, a := range e.Assignments {
		kind, id := principal(e, a.Principal)
		add("aws_ssoadmin_account_assignment", map[string]any{"permission_set_arn": e.Sets[a.Set].ARN, "principal_type": kind, "principal_id": id, "target_id": e.Accounts[a.Account].ID})
	}
	for _, g := range e.Groups {
		if g.External {
			continue
		}
		add("aws_identitystore_group", map[string]any{"group_id": g.ID, "display_name": g.Name, "description": g.Description})
		for _, m := range g.Members {
			add("aws_identitystore_group_membership", map[string]any{"group_id": g.ID, "member_id": e.Users[m].ID})
		}
	}
	for _, a := range e.Applications {
		visibility := map[bool]string{true: "ENABLED", false: "DISABLED"}
		add("aws_ssoadmin_application", map[string]any{"arn": a.ARN, "name": a.Name, "application_provider_arn": a.Provider, "description": a.Description, "status": visibility[!a.Disabled],
			"portal_options": []any{map[string]any{"visibility": visibility[a.Visible], "sign_in_options": []any{map[string]any{"application_url": a.URL}}}}})
		add("aws_ssoadmin_application_assignment_configuration", map[string]any{"application_arn": a.ARN, "assignment_required": !a.AnyoneMayUse})
		for _, p := range a.Principals {
			kind, id := principal(e, p)
			add("aws_ssoadmin_application_assignment", map[string]any{"application_arn": a.ARN, "principal_type": kind, "principal_id": id})
		}
	}
	data, err := json.Marshal(map[string]any{"format_version": "1.0", "values": map[string]any{"root_module": map[string]any{"resources": all}}})
	if err != nil {
		panic(err)
	}
	r.Terraform("state.json", data)
}

// asTemplate writes an estate as a template of CloudFormation, and reads that. Who may use an application without being assigned is nothing that a template can say.
func asTemplate(r *Reading, e *estate.Estate) {
	all := map[string]any{}
	add := func(kind string, properties map[string]any) string {
		name := fmt.Sprint("R", len(all))
		all[name] = map[string]any{"Type": kind, "Properties": properties}
		return name
	}
	for i := range e.Applications {
		e.Applications[i].AnyoneMayUse = false
	}
	var sets []string
	for _, s := range e.Sets {
		p := map[string]any{"Name": s.Name, "Description": s.Description, "RelayStateType": s.RelayState, "SessionDuration": fmt.Sprintf("PT%dM", int(s.Session.Minutes())), "ManagedPolicies": append([]string{}, s.AWSPolicies...)}
		if s.Inline != "" {
			p["InlinePolicy"] = json.RawMessage(s.Inline)
		}
		var refs, tags []any
		for _, c := range s.CustomerPolicies {
			refs = append(refs, map[string]any{"Name": c.Name, "Path": c.Path})
		}
		for k, v := range s.Tags {
			if !estate.Reserved(k) {
				tags = append(tags, map[string]any{"Key": k, "Value": v})
			}
		}
		if refs != nil {
			p["CustomerManagedPolicyReferences"] = refs
		}
		if tags != nil {
			p["Tags"] = tags
		}
		if b := s.Boundary; b != nil {
			p["PermissionsBoundary"] = map[string]any{"CustomerManagedPolicyReference": map[string]any{"Name": b.Customer.Name}}
		}
		sets = append(sets, add("AWS::SSO::PermissionSet", p))
	}
	groups := map[string]any{}
	for _, g := range e.Groups {
		groups[g.ID] = g.ID
		if g.External {
			continue
		}
		name := add("AWS::IdentityStore::Group", map[string]any{"DisplayName": g.Name, "Description": g.Description})
		groups[g.ID] = map[string]any{"Fn::GetAtt": []any{name, "GroupId"}}
		for _, m := range g.Members {
			add("AWS::IdentityStore::GroupMembership", map[string]any{"GroupId": groups[g.ID], "MemberId": map[string]any{"UserId": e.Users[m].ID}})
		}
	}
	grant := func(kind, of string, to any, p estate.Principal, more map[string]any) {
		more[of] = to
		more["PrincipalType"], more["PrincipalId"] = principal(e, p)
		if !p.IsUser() {
			more["PrincipalId"] = groups[e.Groups[p.Index()].ID]
		}
		add(kind, more)
	}
	for _, a := range e.Assignments {
		grant("AWS::SSO::Assignment", "PermissionSetArn", map[string]any{"Fn::GetAtt": []any{sets[a.Set], "PermissionSetArn"}}, a.Principal, map[string]any{"TargetId": e.Accounts[a.Account].ID})
	}
	for _, a := range e.Applications {
		visibility := map[bool]string{true: "ENABLED", false: "DISABLED"}
		name := add("AWS::SSO::Application", map[string]any{"Name": a.Name, "ApplicationProviderArn": a.Provider, "Description": a.Description, "Status": visibility[!a.Disabled], "PortalOptions": map[string]any{"Visibility": visibility[a.Visible], "SignInOptions": map[string]any{"ApplicationUrl": a.URL}}})
		for _, p := range a.Principals {
			grant("AWS::SSO::ApplicationAssignment", "ApplicationArn", map[string]any{"Fn::GetAtt": []any{name, "ApplicationArn"}}, p, map[string]any{})
		}
	}
	data, err := json.Marshal(map[string]any{"Resources": all})
	if err != nil {
		panic(err)
	}
	r.CloudFormation("template.json", data, nil)
}

func tf(resources ...string) string {
	return `{"format_version":"1.0","values":{"root_module":{"resources":[` + strings.Join(resources, ",") + `]}}}`
}

// TestWrongConfigurations: each says what is wrong, where, and what to do.
func TestWrongConfigurations(t *testing.T) {
	t.Parallel()
	set := `{"address":"aws_ssoadmin_permission_set.a","mode":"managed","type":"aws_ssoadmin_permission_set","values":{"arn":"arn:a","name":"A"}}`
	assignment := `{"address":"aws_ssoadmin_account_assignment.a","mode":"managed","type":"aws_ssoadmin_account_assignment","values":{"permission_set_arn":"arn:a","principal_id":"g-1","principal_type":"GROUP","target_id":"100000000002"}}`
	template := func(resources string) string { return "Resources:\n" + resources }
	for _, c := range []struct{ name, terraform, template, says string }{
		{"no JSON", "resource \"aws\" {}", "", "x: error: this is not what `terraform show -json` prints: jsontext: invalid character 'r' at start of value; write it with `terraform show -json > state.json`"},
		{"another JSON", `{"a":1}`, "", "this is neither what `terraform show -json` prints nor a state of version 4"},
		{"an old state", `{"version":3,"modules":[]}`, "", "nor a state of version 4"},
		{"a new format", `{"format_version":"2.0"}`, "", `the format "2.0" is newer than what is read here`},
		{"nothing of ours", tf(`{"address":"aws_s3_bucket.a","mode":"managed","type":"aws_s3_bucket","values":{}}`), "", "x: warning: x describes no permission set, assignment, group or application; name the state of the configuration that has them"},
		{"a plan of what is new", tf(`{"address":"aws_ssoadmin_permission_set.a","mode":"managed","type":"aws_ssoadmin_permission_set","values":{"name":"A"}}`), "", "aws_ssoadmin_permission_set.a has not been made yet, or refers to what has not; read the state after `terraform apply`"},
		{"another shape", tf(`{"address":"aws_ssoadmin_permission_set.a","mode":"managed","type":"aws_ssoadmin_permission_set","values":{"arn":1}}`), "", "aws_ssoadmin_permission_set.a is not as the provider hashicorp/aws has it"},
		{"twice", tf(set, strings.Replace(set, `"name"`, `"description":"x","name"`, 1)), "", `the permission set "A" is described differently by aws_ssoadmin_permission_set.a in x`},
		{"two of a name", tf(set, strings.ReplaceAll(set, "arn:a", "arn:b")), "", `another permission set is called "A", too`},
		{"no name", tf(set, assignment), "", "aws_ssoadmin_account_assignment.a: nothing says what the group g-1 is called; name the instance (--profile, --region, --data) or an export of it (--estate), where names are looked up"},
		{"no set", tf(assignment, `{"address":"data.g","mode":"data","type":"aws_identitystore_group","values":{"group_id":"g-1","display_name":"G"}}`), "", "nothing says what the permission set arn:a is called"},
		{"a part of nothing", tf(`{"address":"aws_ssoadmin_managed_policy_attachment.a","mode":"managed","type":"aws_ssoadmin_managed_policy_attachment","values":{"permission_set_arn":"arn:a","managed_policy_arn":"arn:p"}}`), "", "warning: aws_ssoadmin_managed_policy_attachment.a is left out: the permission set it is a part of is not described"},
		{"no policy", tf(set, `{"address":"aws_ssoadmin_permission_set_inline_policy.a","mode":"managed","type":"aws_ssoadmin_permission_set_inline_policy","values":{"permission_set_arn":"arn:a","inline_policy":"{"}}`), "", "aws_ssoadmin_permission_set_inline_policy.a: the policy document is not JSON"},
		{"no duration", tf(strings.ReplaceAll(set, `"name"`, `"session_duration":"P1Y","name"`)), "", `"P1Y" is no duration`},
		{"others of the provider", tf(set, `{"address":"aws_ssoadmin_application_grant.a","mode":"managed","type":"aws_ssoadmin_application_grant","values":{}}`), "", "warning: aws_ssoadmin_application_grant.a is left out: files do not describe aws_ssoadmin_application_grant; leave it to Terraform"},
		{"no template", "", "just text", "x: error: the template cannot be read: "},
		{"a parameter", "", "Parameters: {P: {Type: String}}\n" + template("  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: !Ref P}}"), "Parameters: [P] must have values; give parameters with --parameter NAME=VALUE, as the stack has them"},
		{"a condition on the region", "", "Conditions: {C: !Equals [!Ref AWS::Region, eu-west-1]}\n" + template("  A: {Type: AWS::SSO::PermissionSet, Condition: C, Properties: {Name: A}}"), "Parameters: [AWS::Region] must have values, since a condition depends on them"},
		{"an account that is not known", "", template("  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: !Sub 'A-${AWS::AccountId}'}}"), "A depends on AWS::AccountId, which only the stack knows; give it with --parameter AWS::AccountId=VALUE"},
		{"an export", "", template("  A: {Type: AWS::SSO::Assignment, Properties: {PermissionSetArn: !ImportValue Sets, PrincipalType: GROUP, PrincipalId: g-1, TargetId: '100000000002'}}"), "A depends on ImportValue Sets, which only the stack knows; give it with --parameter 'ImportValue Sets=VALUE', or import it from the instance instead"},
		{"a policy with an id", "", template("  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A, InlinePolicy: !Sub '{\"Resource\":\"${B}\"}'}}\n  B: {Type: AWS::S3::Bucket}"), "A depends on B, which only the stack knows"},
		{"another type", "", template("  A: {Type: AWS::SSO::PermissionSet, Properties: {Name: A, ManagedPolicies: x}}"), "A: its properties are not those of AWS::SSO::PermissionSet"},
		{"nothing in it", "", template("  B: {Type: AWS::S3::Bucket}"), "warning: x describes no permission set, assignment, group or application; name the template that has them"},
		{"a part that is missing", "", template("  A: {Type: AWS::SSO::Assignment, Properties: {PrincipalType: GROUP, PrincipalId: g-1, TargetId: '100000000002'}}"), "A lacks a required property"},
	} {
		r := NewReading()
		if c.terraform != "" {
			r.Terraform("x", []byte(c.terraform))
		} else {
			r.CloudFormation("x", []byte(c.template), nil)
		}
		r.Estate(nil)
		if got := problems(r); !strings.Contains(got, c.says) || strings.Contains(got, mark) {
			t.Errorf("%s: %q is not said, but\n%s", c.name, c.says, got)
		}
	}
	// What is gone is told, and left out.
	r := NewReading()
	r.Terraform("x", []byte(tf(set, assignment)))
	if d := r.Estate(known()); r.Problems.Failed() || len(d.Assignments) != 0 || !strings.Contains(problems(r), "aws_ssoadmin_account_assignment.a is left out: there is no group g-1 any more") {
		t.Error(problems(r))
	}
}

// TestMembersOfAProvidersGroup: they are the provider's, whatever Terraform says.
func TestMembersOfAProvidersGroup(t *testing.T) {
	t.Parallel()
	r := NewReading()
	r.Terraform("x", []byte(tf(`{"address":"aws_ssoadmin_permission_set.a","mode":"managed","type":"aws_ssoadmin_permission_set","values":{"arn":"arn:a","name":"A"}}`,
		`{"address":"aws_identitystore_group_membership.m","mode":"managed","type":"aws_identitystore_group_membership","values":{"group_id":"906790c1-0000-4000-8000-000000000001","member_id":"906790c1-0000-4000-8000-00000000000a"}}`)))
	if got := written(t, r, known()); strings.Contains(got, "members: ") || !strings.Contains(got, `the description and the members of the group "Data Engineers" are left out: an identity provider owns it`) {
		t.Error(got)
	}
}

// FuzzTerraform and FuzzCloudFormation: whatever is read, there are files of it that plan to no change, or a problem says why not.
func FuzzTerraform(f *testing.F) {
	state, err := os.ReadFile("testdata/state.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Add([]byte(`{"version":4,"resources":[{"mode":"data","type":"aws_ssoadmin_permission_set","name":"x","instances":[{"index_key":1,"attributes":{"arn":"a"}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range []*estate.Estate{nil, known()} {
			r := NewReading()
			r.Terraform("x", data)
			holds(t, r, e)
		}
	})
}

func FuzzCloudFormation(f *testing.F) {
	template, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(template)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReading()
		r.CloudFormation("x", data, map[string]string{"InstanceArn": "x", "Stage": "prod", "AWS::AccountId": "100000000001"})
		holds(t, r, known())
	})
}

func holds(t *testing.T, r *Reading, e *estate.Estate) {
	t.Helper()
	d := r.Estate(e)
	if r.Problems.Failed() {
		return
	}
	if _, err := Files(d.Estate, d.Options(Options{Single: "access.yaml"})); err != nil && strings.Contains(err.Error(), "would not be what is there") {
		t.Error(err)
	}
}
