package organizations

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

const (
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyS3   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
)

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func (b *bench) policy(name, content string) string {
	b.t.Helper()
	out := b.do("CreatePolicy", `{"Name":"`+name+`","Description":"","Type":"SERVICE_CONTROL_POLICY","Content":`+quoted(content)+`}`)
	return in[string](b.t, out, "Policy", "PolicySummary", "Id")
}

func TestPolicyLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	out := b.do("CreatePolicy", `{"Name":"No S3","Description":"d","Type":"SERVICE_CONTROL_POLICY","Content":`+quoted(denyS3)+`,"Tags":[{"Key":"k","Value":"v"}]}`)
	id := in[string](t, out, "Policy", "PolicySummary", "Id")
	want := map[string]any{"Content": denyS3, "PolicySummary": map[string]any{"Id": id, "Name": "No S3", "Description": "d", "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": false,
		"Arn": "arn:aws:organizations::" + b.org.ManagementAccountID + ":policy/" + b.org.ID + "/service_control_policy/" + id}}
	if diff := cmp.Diff(any(want), b.do("DescribePolicy", `{"PolicyId":"`+id+`"}`)["Policy"]); diff != "" {
		t.Errorf("DescribePolicy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(any(want), out["Policy"]); diff != "" {
		t.Errorf("CreatePolicy (-want +got):\n%s", diff)
	}
	full := in[map[string]any](t, b.do("DescribePolicy", `{"PolicyId":"p-FullAWSAccess"}`), "Policy", "PolicySummary")
	if full["AwsManaged"] != true || full["Arn"] != "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess" {
		t.Errorf("FullAWSAccess = %v", full)
	}
	b.refused("DuplicatePolicyException", "CreatePolicy", `{"Name":"No S3","Description":"","Type":"SERVICE_CONTROL_POLICY","Content":`+quoted(denyS3)+`}`)
	b.refused("DuplicatePolicyException", "CreatePolicy", `{"Name":"FullAWSAccess","Description":"","Type":"SERVICE_CONTROL_POLICY","Content":`+quoted(denyS3)+`}`)
	b.refused("MalformedPolicyDocumentException", "CreatePolicy", `{"Name":"x","Description":"","Type":"SERVICE_CONTROL_POLICY","Content":"{}"}`)
	b.refused("PolicyTypeNotAvailableForOrganizationException", "CreatePolicy", `{"Name":"x","Description":"","Type":"TAG_POLICY","Content":"{}"}`)
	long := strings.Replace(denyS3, "s3:*", "s3:"+strings.Repeat("x", 5120), 1)
	if e := b.refused("ConstraintViolationException", "UpdatePolicy", `{"PolicyId":"`+id+`","Content":`+quoted(long)+`}`); e["Reason"] != "POLICY_CONTENT_LIMIT_EXCEEDED" {
		t.Errorf("too long: %v", e)
	}
	b.do("UpdatePolicy", `{"PolicyId":"`+id+`","Name":"Without S3"}`)
	if got := in[string](t, b.do("DescribePolicy", `{"PolicyId":"`+id+`"}`), "Policy", "PolicySummary", "Name"); got != "Without S3" {
		t.Errorf("renamed: %s", got)
	}
	for _, op := range []string{"UpdatePolicy", "DeletePolicy"} {
		if e := b.refused("InvalidInputException", op, `{"PolicyId":"p-FullAWSAccess"}`); e["Reason"] != "IMMUTABLE_POLICY" {
			t.Errorf("%s of FullAWSAccess: %v", op, e)
		}
		b.refused("PolicyNotFoundException", op, `{"PolicyId":"p-0000000000"}`)
	}
	for i := range 4 {
		b.policy(strings.Repeat("x", i+1), allowAll)
	}
	seen, token := map[string]bool{}, ""
	for range 9 {
		out := b.do("ListPolicies", `{"Filter":"SERVICE_CONTROL_POLICY","MaxResults":2`+token+`}`)
		for _, p := range in[[]any](t, out, "Policies") {
			seen[in[string](t, p, "Id")] = true
		}
		next, more := out["NextToken"].(string)
		if !more {
			break
		}
		token = `,"NextToken":"` + next + `"`
	}
	if len(seen) != 6 || !seen["p-FullAWSAccess"] {
		t.Errorf("ListPolicies: %v, want six, FullAWSAccess among them", seen)
	}
	b.do("DeletePolicy", `{"PolicyId":"`+id+`"}`)
	b.refused("PolicyNotFoundException", "DescribePolicy", `{"PolicyId":"`+id+`"}`)
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	account, ou, id := b.account("one"), b.unit(b.org.RootID, "A"), b.policy("P", denyS3)
	root := b.org.RootID
	at := func(policy, target string) string { return `{"PolicyId":"` + policy + `","TargetId":"` + target + `"}` }
	b.refused("PolicyTypeNotEnabledException", "AttachPolicy", at(id, account))
	b.refused("PolicyTypeNotEnabledException", "DisablePolicyType", `{"RootId":"`+root+`","PolicyType":"SERVICE_CONTROL_POLICY"}`)
	b.refused("RootNotFoundException", "EnablePolicyType", `{"RootId":"r-zzzz","PolicyType":"SERVICE_CONTROL_POLICY"}`)
	b.refused("PolicyTypeNotAvailableForOrganizationException", "EnablePolicyType", `{"RootId":"`+root+`","PolicyType":"TAG_POLICY"}`)
	on := b.do("EnablePolicyType", `{"RootId":"`+root+`","PolicyType":"SERVICE_CONTROL_POLICY"}`)
	types := []any{map[string]any{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}}
	if !cmp.Equal(in[any](t, on, "Root", "PolicyTypes"), any(types)) || !cmp.Equal(in[map[string]any](t, in[[]any](t, b.do("ListRoots", `{}`), "Roots")[0])["PolicyTypes"], any(types)) {
		t.Errorf("EnablePolicyType = %v", on)
	}
	b.refused("PolicyTypeAlreadyEnabledException", "EnablePolicyType", `{"RootId":"`+root+`","PolicyType":"SERVICE_CONTROL_POLICY"}`)
	targets := in[[]any](t, b.do("ListTargetsForPolicy", `{"PolicyId":"p-FullAWSAccess"}`), "Targets")
	if len(targets) != 4 {
		t.Errorf("targets of FullAWSAccess: %v", targets)
	}
	for _, target := range []string{account, ou, root} {
		b.do("AttachPolicy", at(id, target))
		b.refused("DuplicatePolicyAttachmentException", "AttachPolicy", at(id, target))
		if got := in[[]any](t, b.do("ListPoliciesForTarget", `{"Filter":"SERVICE_CONTROL_POLICY","TargetId":"`+target+`"}`), "Policies"); len(got) != 2 {
			t.Errorf("policies of %s: %v", target, got)
		}
	}
	if got := in[[]any](t, b.do("ListPoliciesForTarget", `{"Filter":"TAG_POLICY","TargetId":"`+root+`"}`), "Policies"); len(got) != 0 {
		t.Errorf("tag policies: %v", got)
	}
	want := []any{
		map[string]any{"TargetId": account, "Name": "one", "Type": "ACCOUNT", "Arn": "arn:aws:organizations::" + b.org.ManagementAccountID + ":account/" + b.org.ID + "/" + account},
		map[string]any{"TargetId": ou, "Name": "A", "Type": "ORGANIZATIONAL_UNIT", "Arn": "arn:aws:organizations::" + b.org.ManagementAccountID + ":ou/" + b.org.ID + "/" + ou},
		map[string]any{"TargetId": root, "Name": "Root", "Type": "ROOT", "Arn": "arn:aws:organizations::" + b.org.ManagementAccountID + ":root/" + b.org.ID + "/" + root},
	}
	if diff := cmp.Diff(any(want), b.do("ListTargetsForPolicy", `{"PolicyId":"`+id+`"}`)["Targets"]); diff != "" {
		t.Errorf("ListTargetsForPolicy (-want +got):\n%s", diff)
	}
	b.refused("PolicyInUseException", "DeletePolicy", `{"PolicyId":"`+id+`"}`)
	b.do("DetachPolicy", at("p-FullAWSAccess", account))
	if e := b.refused("ConstraintViolationException", "DetachPolicy", at(id, account)); e["Reason"] != "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED" {
		t.Errorf("the last one: %v", e)
	}
	b.refused("PolicyNotAttachedException", "DetachPolicy", at("p-FullAWSAccess", account))
	b.refused("TargetNotFoundException", "AttachPolicy", at(id, "000000000001"))
	b.refused("TargetNotFoundException", "AttachPolicy", at(id, "r-zzzz"))
	b.refused("PolicyNotFoundException", "AttachPolicy", at("p-0000000000", account))
	for i := range 4 {
		b.do("AttachPolicy", at(b.policy(strings.Repeat("x", i+1), allowAll), account))
	}
	if e := b.refused("ConstraintViolationException", "AttachPolicy", at("p-FullAWSAccess", account)); e["Reason"] != "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED" {
		t.Errorf("the sixth: %v", e)
	}
	b.asked.asked = nil
	b.do("DetachPolicy", at(id, ou))
	if a := b.asked.asked[0]; a.Context["organizations:PolicyType"][0] != "SERVICE_CONTROL_POLICY" || len(a.Resources) != 2 {
		t.Errorf("asked %v", a)
	}
}

func TestDelegates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.account("one"), b.account("two")
	sso := `"ServicePrincipal":"sso.amazonaws.com"`
	b.do("EnableAWSServiceAccess", `{`+sso+`}`)
	b.do("EnableAWSServiceAccess", `{`+sso+`}`)
	if e := b.refused("InvalidInputException", "EnableAWSServiceAccess", `{"ServicePrincipal":"me"}`); e["Reason"] != "UNRECOGNIZED_SERVICE_PRINCIPAL" {
		t.Errorf("an unknown service: %v", e)
	}
	if got := in[[]any](t, b.do("ListAWSServiceAccessForOrganization", `{}`), "EnabledServicePrincipals"); len(got) != 1 || in[string](t, got[0], "ServicePrincipal") != "sso.amazonaws.com" {
		t.Errorf("services: %v", got)
	}
	if status, out := b.as(one, "ListAccounts", `{}`); status == 200 {
		t.Errorf("a member account lists accounts: %v", out)
	}
	b.do("RegisterDelegatedAdministrator", `{"AccountId":"`+one+`",`+sso+`}`)
	b.refused("AccountAlreadyRegisteredException", "RegisterDelegatedAdministrator", `{"AccountId":"`+one+`",`+sso+`}`)
	b.refused("AccountNotFoundException", "RegisterDelegatedAdministrator", `{"AccountId":"000000000001",`+sso+`}`)
	for body, reason := range map[string]string{
		`{"AccountId":"` + two + `",` + sso + `}`:                       "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED",
		`{"AccountId":"` + b.org.ManagementAccountID + `",` + sso + `}`: "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
	} {
		if e := b.refused("ConstraintViolationException", "RegisterDelegatedAdministrator", body); e["Reason"] != reason {
			t.Errorf("%s: %v, want %s", body, e, reason)
		}
	}
	b.do("RegisterDelegatedAdministrator", `{"AccountId":"`+one+`","ServicePrincipal":"access-analyzer.amazonaws.com"}`)
	b.do("RegisterDelegatedAdministrator", `{"AccountId":"`+two+`","ServicePrincipal":"access-analyzer.amazonaws.com"}`)
	if got := in[[]any](t, b.do("ListDelegatedAdministrators", `{}`), "DelegatedAdministrators"); len(got) != 2 {
		t.Errorf("delegated administrators: %v", got)
	}
	if got := in[[]any](t, b.do("ListDelegatedAdministrators", `{`+sso+`}`), "DelegatedAdministrators"); len(got) != 1 || in[string](t, got[0], "Id") != one || in[string](t, got[0], "Email") != "one@example.com" {
		t.Errorf("of Identity Center: %v", got)
	}
	if got := in[[]any](t, b.do("ListDelegatedServicesForAccount", `{"AccountId":"`+one+`"}`), "DelegatedServices"); len(got) != 2 {
		t.Errorf("services of an account: %v", got)
	}
	if status, out := b.as(one, "ListAccounts", `{}`); status != 200 {
		t.Errorf("a delegated administrator lists accounts: %d %v", status, out)
	}
	if status, out := b.as(one, "CreatePolicy", `{"Name":"x","Description":"","Type":"SERVICE_CONTROL_POLICY","Content":`+quoted(allowAll)+`}`); status == 200 || out["__type"] != "AccessDeniedException" {
		t.Errorf("a delegated administrator makes policies: %d %v", status, out)
	}
	if e := b.refused("ConstraintViolationException", "DisableAWSServiceAccess", `{`+sso+`}`); e["Reason"] != "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE" {
		t.Errorf("disabling: %v", e)
	}
	if e := b.refused("ConstraintViolationException", "CloseAccount", `{"AccountId":"`+one+`"}`); e["Reason"] != "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG" {
		t.Errorf("closing a delegated administrator: %v", e)
	}
	b.do("DeregisterDelegatedAdministrator", `{"AccountId":"`+one+`",`+sso+`}`)
	b.refused("AccountNotRegisteredException", "DeregisterDelegatedAdministrator", `{"AccountId":"`+one+`",`+sso+`}`)
	b.do("DisableAWSServiceAccess", `{`+sso+`}`)
	b.do("DeregisterDelegatedAdministrator", `{"AccountId":"`+one+`","ServicePrincipal":"access-analyzer.amazonaws.com"}`)
	b.refused("AccountNotRegisteredException", "ListDelegatedServicesForAccount", `{"AccountId":"`+one+`"}`)
	b.do("CloseAccount", `{"AccountId":"`+one+`"}`)
	if got := in[map[string]any](t, b.do("DescribeAccount", `{"AccountId":"`+one+`"}`), "Account"); got["Status"] != "SUSPENDED" {
		t.Errorf("a closed account: %v", got)
	}
	b.refused("AccountAlreadyClosedException", "CloseAccount", `{"AccountId":"`+one+`"}`)
	if e := b.refused("ConstraintViolationException", "RegisterDelegatedAdministrator", `{"AccountId":"`+one+`",`+sso+`}`); e["Reason"] != "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR" {
		t.Errorf("a closed account: %v", e)
	}
	if e := b.refused("ConstraintViolationException", "CloseAccount", `{"AccountId":"`+b.org.ManagementAccountID+`"}`); e["Reason"] != "CANNOT_CLOSE_MANAGEMENT_ACCOUNT" {
		t.Errorf("closing the management account: %v", e)
	}
	b.refused("MasterCannotLeaveOrganizationException", "RemoveAccountFromOrganization", `{"AccountId":"`+b.org.ManagementAccountID+`"}`)
	b.refused("ConstraintViolationException", "RemoveAccountFromOrganization", `{"AccountId":"`+two+`"}`)
	b.refused("AccountNotFoundException", "CloseAccount", `{"AccountId":"000000000001"}`)
}
