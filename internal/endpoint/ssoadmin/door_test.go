package ssoadmin

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse/internal/audit"
)

func TestInstances(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	list := in[[]any](t, b.do("ListInstances", `{}`), "Instances")
	if len(list) != 1 || in[string](t, list[0], "InstanceArn") != b.instance || in[string](t, list[0], "IdentityStoreArn") != "arn:aws:identitystore::"+b.owner+":identitystore/d-0123456789" {
		t.Errorf("ListInstances = %v", list)
	}
	// Every account may see it; nobody learns whether another exists.
	if status, out := b.as(b.accounts[0], "DescribeInstance", `{"InstanceArn":"$I"}`); status != 200 || out["OwnerAccountId"] != b.owner || out["Status"] != "ACTIVE" {
		t.Errorf("DescribeInstance = %d %v", status, out)
	}
	b.refused("AccessDeniedException", "DescribeInstance", `{"InstanceArn":"arn:aws:sso:::instance/ssoins-0000000000000000"}`)
	b.refused("ValidationException", "DescribeInstance", `{"InstanceArn":"arn:aws:sso:::permissionSet/ssoins-0000000000000000"}`)
}

func TestPermissionSetLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.do("CreatePermissionSet", `{"InstanceArn":"$I","Name":"Admin","Description":"all","SessionDuration":"PT90M","RelayState":"https://x/","Tags":[{"Key":"team","Value":"a"}]}`)
	ps := in[string](t, made, "PermissionSet", "PermissionSetArn")
	on := `{"InstanceArn":"$I","PermissionSetArn":"` + ps + `"`
	got := in[map[string]any](t, b.do("DescribePermissionSet", on+`}`), "PermissionSet")
	want := map[string]any{"Name": "Admin", "PermissionSetArn": ps, "Description": "all", "SessionDuration": "PT90M", "RelayState": "https://x/", "CreatedDate": got["CreatedDate"]}
	if _, number := got["CreatedDate"].(float64); !number || !cmp.Equal(want, got) {
		t.Errorf("DescribePermissionSet: %s", cmp.Diff(want, got))
	}
	// What an update does not name is cleared.
	b.do("UpdatePermissionSet", on+`,"SessionDuration":"PT12H"}`)
	got = in[map[string]any](t, b.do("DescribePermissionSet", on+`}`), "PermissionSet")
	if got["SessionDuration"] != "PT12H" || got["Description"] != nil || got["RelayState"] != nil {
		t.Errorf("after the update: %v", got)
	}
	b.refused("ConflictException", "CreatePermissionSet", `{"InstanceArn":"$I","Name":"Admin"}`)
	for _, bad := range []string{"PT0S", "PT13H", "P1D", "PT", "1H", "PT59M", "-PT1H", "PT1H1H", "PT1M1H", "P1M", "PT999999999H", "PT１H"} {
		b.refused("ValidationException", "UpdatePermissionSet", on+`,"SessionDuration":"`+bad+`"}`)
	}
	if sets := in[[]any](t, b.do("ListPermissionSets", `{"InstanceArn":"$I"}`), "PermissionSets"); !cmp.Equal(sets, []any{ps}) {
		t.Errorf("ListPermissionSets = %v", sets)
	}
	b.do("DeletePermissionSet", on+`}`)
	b.refused("ResourceNotFoundException", "DescribePermissionSet", on+`}`)
}

func TestPartsOfAPermissionSet(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	on := `{"InstanceArn":"$I","PermissionSetArn":"` + b.set("Parts") + `"`
	const admin = "arn:aws:iam::aws:policy/AdministratorAccess"

	b.do("AttachManagedPolicyToPermissionSet", on+`,"ManagedPolicyArn":"`+admin+`"}`)
	b.refused("ConflictException", "AttachManagedPolicyToPermissionSet", on+`,"ManagedPolicyArn":"`+admin+`"}`)
	b.refused("ResourceNotFoundException", "AttachManagedPolicyToPermissionSet", on+`,"ManagedPolicyArn":"arn:aws:iam::aws:policy/NoSuchPolicy"}`)
	b.refused("ValidationException", "AttachManagedPolicyToPermissionSet", on+`,"ManagedPolicyArn":"arn:aws:iam::111122223333:policy/Mine"}`)
	got := b.do("ListManagedPoliciesInPermissionSet", on+`}`)
	if diff := cmp.Diff(map[string]any{"AttachedManagedPolicies": []any{map[string]any{"Name": "AdministratorAccess", "Arn": admin}}}, got); diff != "" {
		t.Errorf("ListManagedPolicies (-want +got):\n%s", diff)
	}
	b.do("DetachManagedPolicyFromPermissionSet", on+`,"ManagedPolicyArn":"`+admin+`"}`)
	b.refused("ResourceNotFoundException", "DetachManagedPolicyFromPermissionSet", on+`,"ManagedPolicyArn":"`+admin+`"}`)

	ref := on + `,"CustomerManagedPolicyReference":{"Name":"Mine"}}`
	b.do("AttachCustomerManagedPolicyReferenceToPermissionSet", ref)
	b.refused("ConflictException", "AttachCustomerManagedPolicyReferenceToPermissionSet", strings.Replace(ref, `}}`, `,"Path":"/"}}`, 1))
	got = b.do("ListCustomerManagedPolicyReferencesInPermissionSet", on+`}`)
	if diff := cmp.Diff(map[string]any{"CustomerManagedPolicyReferences": []any{map[string]any{"Name": "Mine", "Path": "/"}}}, got); diff != "" {
		t.Errorf("ListCustomerManagedPolicyReferences (-want +got):\n%s", diff)
	}
	b.do("DetachCustomerManagedPolicyReferenceFromPermissionSet", ref)

	if got := b.do("GetInlinePolicyForPermissionSet", on+`}`); got["InlinePolicy"] != "" {
		t.Errorf("no inline policy = %v", got)
	}
	doc := `{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}`
	b.do("PutInlinePolicyToPermissionSet", on+`,"InlinePolicy":"`+doc+`"}`)
	if got := b.do("GetInlinePolicyForPermissionSet", on+`}`); got["InlinePolicy"] != strings.ReplaceAll(doc, `\`, "") {
		t.Errorf("the inline policy = %v", got)
	}
	b.refused("ValidationException", "PutInlinePolicyToPermissionSet", on+`,"InlinePolicy":"{}"}`)
	b.refused("ValidationException", "PutInlinePolicyToPermissionSet", on+`,"InlinePolicy":""}`)
	b.do("DeleteInlinePolicyFromPermissionSet", on+`}`)
	b.refused("ResourceNotFoundException", "DeleteInlinePolicyFromPermissionSet", on+`}`)

	b.refused("ResourceNotFoundException", "GetPermissionsBoundaryForPermissionSet", on+`}`)
	for _, boundary := range []string{`{"ManagedPolicyArn":"` + admin + `"}`, `{"CustomerManagedPolicyReference":{"Name":"Limit","Path":"/x/"}}`} {
		b.do("PutPermissionsBoundaryToPermissionSet", on+`,"PermissionsBoundary":`+boundary+`}`)
		got, _ := jsonText(b.do("GetPermissionsBoundaryForPermissionSet", on+`}`)["PermissionsBoundary"])
		if got != boundary {
			t.Errorf("boundary = %s, want %s", got, boundary)
		}
	}
	b.refused("ValidationException", "PutPermissionsBoundaryToPermissionSet", on+`,"PermissionsBoundary":{}}`)
	b.do("DeletePermissionsBoundaryFromPermissionSet", on+`}`)
}

func TestTags(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps := b.set("Tagged")
	for _, resource := range []string{ps, b.instance} {
		on := `{"ResourceArn":"` + resource + `"`
		b.do("TagResource", on+`,"InstanceArn":"$I","Tags":[{"Key":"b","Value":""},{"Key":"a","Value":"1"}]}`)
		b.do("UntagResource", on+`,"TagKeys":["b","never"]}`)
		if diff := cmp.Diff(map[string]any{"Tags": []any{map[string]any{"Key": "a", "Value": "1"}}}, b.do("ListTagsForResource", on+`}`)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", resource, diff)
		}
		b.refused("ValidationException", "TagResource", on+`,"Tags":[{"Key":"aws:x","Value":"1"}]}`)
		b.refused("ValidationException", "TagResource", on+`,"Tags":[{"Key":"x"}]}`)
	}
	b.refused("ResourceNotFoundException", "ListTagsForResource", `{"InstanceArn":"arn:aws:sso:::instance/ssoins-0000000000000000","ResourceArn":"`+ps+`"}`)
	b.asked.asked = nil
	b.do("TagResource", `{"ResourceArn":"`+ps+`","Tags":[{"Key":"k","Value":"v"}]}`)
	if a := b.asked.asked[0]; !slices.Equal(a.Context["aws:RequestTag/k"], []string{"v"}) || !slices.Equal(a.Context["aws:TagKeys"], []string{"k"}) || !slices.Equal(a.Resources, []string{ps}) {
		t.Errorf("asked %v", a)
	}
}

func TestAssignmentBecomesARole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps, uid := b.set("Admin"), b.user("ada")
	to := `{"InstanceArn":"$I","PermissionSetArn":"` + ps + `","TargetType":"AWS_ACCOUNT","TargetId":"` + b.accounts[0] + `","PrincipalType":"USER","PrincipalId":"` + uid + `"}`
	b.asked.asked = nil
	status := in[map[string]any](t, b.do("CreateAccountAssignment", to), "AccountAssignmentCreationStatus")
	id := in[string](t, status, "RequestId")
	want := map[string]any{"Status": "IN_PROGRESS", "RequestId": id, "TargetId": b.accounts[0], "TargetType": "AWS_ACCOUNT", "PermissionSetArn": ps, "PrincipalType": "USER", "PrincipalId": uid}
	ignoreTime := cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "CreatedDate" })
	if diff := cmp.Diff(want, status, ignoreTime); diff != "" {
		t.Errorf("CreateAccountAssignment (-want +got):\n%s", diff)
	}
	if got, want := b.asked.asked[0].Resources, []string{b.instance, ps, "arn:aws:sso:::account/" + b.accounts[0]}; !slices.Equal(got, want) {
		t.Errorf("authorized on %v, want %v", got, want)
	}
	describe := `{"InstanceArn":"$I","AccountAssignmentCreationRequestId":"` + id + `"}`
	b.work("")
	got := in[map[string]any](t, b.do("DescribeAccountAssignmentCreationStatus", describe), "AccountAssignmentCreationStatus")
	want["Status"] = "SUCCEEDED"
	if diff := cmp.Diff(want, got, ignoreTime); diff != "" {
		t.Errorf("DescribeAccountAssignmentCreationStatus (-want +got):\n%s", diff)
	}
	b.refused("ResourceNotFoundException", "DescribeAccountAssignmentDeletionStatus", `{"InstanceArn":"$I","AccountAssignmentDeletionRequestId":"`+id+`"}`)

	b.do("CreateAccountAssignment", to) // repeating succeeds
	b.work("")
	list := `{"InstanceArn":"$I","PermissionSetArn":"` + ps + `","AccountId":"` + b.accounts[0] + `"}`
	one := []any{map[string]any{"AccountId": b.accounts[0], "PermissionSetArn": ps, "PrincipalType": "USER", "PrincipalId": uid}}
	if diff := cmp.Diff(one, b.do("ListAccountAssignments", list)["AccountAssignments"]); diff != "" {
		t.Errorf("ListAccountAssignments (-want +got):\n%s", diff)
	}
	b.refused("ConflictException", "DeletePermissionSet", `{"InstanceArn":"$I","PermissionSetArn":"`+ps+`"}`)

	gone := in[string](t, b.do("DeleteAccountAssignment", to), "AccountAssignmentDeletionStatus", "RequestId")
	if left := b.do("ListAccountAssignments", list)["AccountAssignments"]; len(left.([]any)) != 0 {
		t.Errorf("after the deletion was accepted: %v", left)
	}
	b.refused("ResourceNotFoundException", "DeleteAccountAssignment", to)
	b.work("")
	if got := in[string](t, b.do("DescribeAccountAssignmentDeletionStatus", `{"InstanceArn":"$I","AccountAssignmentDeletionRequestId":"`+gone+`"}`), "AccountAssignmentDeletionStatus", "Status"); got != "SUCCEEDED" {
		t.Errorf("deletion status = %s", got)
	}
	b.do("DeletePermissionSet", `{"InstanceArn":"$I","PermissionSetArn":"`+ps+`"}`)

	fresh := strings.Replace(to, ps, b.set("Fresh"), 1)
	for _, bad := range []struct{ code, old, new string }{
		{"ResourceNotFoundException", uid, "0123456789-00000000-0000-4000-8000-000000000000"}, {"ResourceNotFoundException", b.accounts[0], "000000000001"},
		{"ResourceNotFoundException", `"USER"`, `"GROUP"`}, {"ValidationException", `"USER"`, `"ROLE"`}, {"ValidationException", b.accounts[0], "12"}, {"ResourceNotFoundException", fresh[strings.Index(fresh, "/ps-")+4:][:16], "0000000000000000"},
	} {
		b.refused(bad.code, "CreateAccountAssignment", strings.Replace(fresh, bad.old, bad.new, 1))
	}
}

func TestFailedRequestShowsItsReason(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps, gid := b.set("Broken"), b.group("g")
	to := `{"InstanceArn":"$I","PermissionSetArn":"` + ps + `","TargetType":"AWS_ACCOUNT","TargetId":"` + b.accounts[0] + `","PrincipalType":"GROUP","PrincipalId":"` + gid + `"}`
	id := in[string](t, b.do("CreateAccountAssignment", to), "AccountAssignmentCreationStatus", "RequestId")
	b.work("the policy is missing")
	got := in[map[string]any](t, b.do("DescribeAccountAssignmentCreationStatus", `{"InstanceArn":"$I","AccountAssignmentCreationRequestId":"`+id+`"}`), "AccountAssignmentCreationStatus")
	if got["Status"] != "FAILED" || got["FailureReason"] != "the policy is missing" {
		t.Errorf("status = %v", got)
	}
	list := func(filter string) int {
		out := b.do("ListAccountAssignmentCreationStatus", `{"InstanceArn":"$I"`+filter+`}`)
		return len(in[[]any](t, out, "AccountAssignmentsCreationStatus"))
	}
	if all, failed, fine := list(""), list(`,"Filter":{"Status":"FAILED"}`), list(`,"Filter":{"Status":"SUCCEEDED"}`); all != 1 || failed != 1 || fine != 0 {
		t.Errorf("listed %d, failed %d, succeeded %d", all, failed, fine)
	}
}

func TestProvisioningBringsRolesUpToDate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps, gid := b.set("Reader"), b.group("g")
	for _, a := range b.accounts[:2] {
		b.do("CreateAccountAssignment", `{"InstanceArn":"$I","PermissionSetArn":"`+ps+`","TargetType":"AWS_ACCOUNT","TargetId":"`+a+`","PrincipalType":"GROUP","PrincipalId":"`+gid+`"}`)
	}
	b.work("")
	on := `{"InstanceArn":"$I","PermissionSetArn":"` + ps + `"`
	accounts := func(status string) int {
		return len(in[[]any](t, b.do("ListAccountsForProvisionedPermissionSet", on+status+`}`), "AccountIds"))
	}
	const isLatest, isNot = `,"ProvisioningStatus":"LATEST_PERMISSION_SET_PROVISIONED"`, `,"ProvisioningStatus":"LATEST_PERMISSION_SET_NOT_PROVISIONED"`
	if n := [...]int{accounts(""), accounts(isLatest), accounts(isNot)}; n != [...]int{2, 2, 0} {
		t.Errorf("after assigning: %v", n)
	}
	b.do("AttachManagedPolicyToPermissionSet", on+`,"ManagedPolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`)
	if n := [...]int{accounts(""), accounts(isLatest), accounts(isNot)}; n != [...]int{2, 0, 2} {
		t.Errorf("after the edit: %v", n)
	}
	r := in[map[string]any](t, b.do("ProvisionPermissionSet", on+`,"TargetType":"AWS_ACCOUNT","TargetId":"`+b.accounts[0]+`"}`), "PermissionSetProvisioningStatus")
	if r["Status"] != "IN_PROGRESS" || r["AccountId"] != b.accounts[0] {
		t.Errorf("ProvisionPermissionSet = %v", r)
	}
	b.work("")
	if n := [...]int{accounts(isLatest), accounts(isNot)}; n != [...]int{1, 1} {
		t.Errorf("after provisioning one: %v", n)
	}
	sets := in[[]any](t, b.do("ListPermissionSetsProvisionedToAccount", `{"InstanceArn":"$I","AccountId":"`+b.accounts[1]+`"`+isNot+`}`), "PermissionSets")
	if !cmp.Equal(sets, []any{ps}) {
		t.Errorf("ListPermissionSetsProvisionedToAccount = %v", sets)
	}
	id := in[string](t, b.do("ProvisionPermissionSet", on+`,"TargetType":"ALL_PROVISIONED_ACCOUNTS"}`), "PermissionSetProvisioningStatus", "RequestId")
	b.work("")
	if got := in[string](t, b.do("DescribePermissionSetProvisioningStatus", `{"InstanceArn":"$I","ProvisionPermissionSetRequestId":"`+id+`"}`), "PermissionSetProvisioningStatus", "Status"); got != "SUCCEEDED" {
		t.Errorf("status = %s", got)
	}
	if n := [...]int{accounts(isLatest), accounts(isNot)}; n != [...]int{2, 0} {
		t.Errorf("after provisioning all: %v", n)
	}
	if n := len(in[[]any](t, b.do("ListPermissionSetProvisioningStatus", `{"InstanceArn":"$I"}`), "PermissionSetsProvisioningStatus")); n != 2 {
		t.Errorf("listed %d provisioning requests, want 2", n)
	}
	b.refused("ValidationException", "ProvisionPermissionSet", on+`,"TargetType":"AWS_ACCOUNT"}`)
	b.refused("ValidationException", "ProvisionPermissionSet", on+`,"TargetType":"ALL_PROVISIONED_ACCOUNTS","TargetId":"`+b.accounts[0]+`"}`)
	b.refused("ResourceNotFoundException", "ProvisionPermissionSet", on+`,"TargetType":"AWS_ACCOUNT","TargetId":"`+b.accounts[2]+`"}`)
	// A set that is nowhere provisioned is up to date at once: Terraform asks for it.
	fresh := b.set("Fresh")
	if got := in[string](t, b.do("ProvisionPermissionSet", strings.Replace(on, ps, fresh, 1)+`,"TargetType":"ALL_PROVISIONED_ACCOUNTS"}`), "PermissionSetProvisioningStatus", "Status"); got != "SUCCEEDED" {
		t.Errorf("provisioning nothing: %s", got)
	}
}

// TestAssignmentsForPrincipal pages one by one through a user's own assignments and those of her groups.
func TestAssignmentsForPrincipal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	uid := b.user("ada")
	g1, g2 := b.group("g1", uid), b.group("g2", uid)
	other := b.group("other")
	p1, p2 := b.set("P1"), b.set("P2")
	var want []string
	for _, a := range []struct{ kind, id, set, account string }{
		{"USER", uid, p1, b.accounts[0]}, {"USER", uid, p1, b.accounts[1]}, {"GROUP", g1, p1, b.accounts[0]}, {"GROUP", g1, p2, b.accounts[2]}, {"GROUP", g2, p2, b.accounts[0]}, {"GROUP", other, p2, b.accounts[1]},
	} {
		b.do("CreateAccountAssignment", `{"InstanceArn":"$I","PermissionSetArn":"`+a.set+`","TargetType":"AWS_ACCOUNT","TargetId":"`+a.account+`","PrincipalType":"`+a.kind+`","PrincipalId":"`+a.id+`"}`)
		if a.id != other {
			want = append(want, a.id+a.set+a.account)
		}
	}
	list := func(filter string, size string) (got []string) {
		token := ""
		for range 20 {
			out := b.do("ListAccountAssignmentsForPrincipal", `{"InstanceArn":"$I","PrincipalType":"USER","PrincipalId":"`+uid+`"`+filter+`,"MaxResults":`+size+token+`}`)
			for _, a := range in[[]any](t, out, "AccountAssignments") {
				got = append(got, in[string](t, a, "PrincipalId")+in[string](t, a, "PermissionSetArn")+in[string](t, a, "AccountId"))
			}
			next, more := out["NextToken"].(string)
			if !more {
				return got
			}
			token = `,"NextToken":"` + next + `"`
		}
		t.Fatal("the list has no end")
		return nil
	}
	slices.Sort(want)
	for _, size := range []string{"1", "2", "3", "100"} {
		got := list("", size)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("page size %s (-want +got):\n%s", size, diff)
		}
	}
	var inFirst []string
	for _, w := range want {
		if strings.HasSuffix(w, b.accounts[0]) {
			inFirst = append(inFirst, w)
		}
	}
	for _, size := range []string{"1", "100"} {
		got := list(`,"Filter":{"AccountId":"`+b.accounts[0]+`"}`, size)
		slices.Sort(got)
		if diff := cmp.Diff(inFirst, got); diff != "" {
			t.Errorf("one account, page size %s (-want +got):\n%s", size, diff)
		}
	}
	if out := b.do("ListAccountAssignmentsForPrincipal", `{"InstanceArn":"$I","PrincipalType":"GROUP","PrincipalId":"`+g1+`"}`); len(in[[]any](t, out, "AccountAssignments")) != 2 {
		t.Errorf("a group's: %v", out)
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps := b.set("Admin")
	on := `{"InstanceArn":"$I","PermissionSetArn":"` + ps + `"}`
	for _, op := range []string{"DescribePermissionSet", "DeletePermissionSet"} {
		if status, out := b.as(b.accounts[0], op, on); status == 200 || out["__type"] != "AccessDeniedException" {
			t.Errorf("%s by a member account: %d %v", op, status, out)
		}
	}
	b.asked.denied = "sso:DeletePermissionSet"
	b.refused("AccessDeniedException", "DeletePermissionSet", on)
	b.do("DescribePermissionSet", on)
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{"PT1H": time.Hour, "PT90M": 90 * time.Minute, "PT1H30M": 90 * time.Minute, "PT3600S": time.Hour, "PT12H": 12 * time.Hour, "P1DT1H": 25 * time.Hour, "P1W": 168 * time.Hour, "PT1H0M5S": time.Hour + 5*time.Second} {
		if got, err := parseDuration(&in); err != nil || got != want {
			t.Errorf("parseDuration(%s) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"P30500W3DT28H", "PT2562048H", "P9999D"} { // longer than can be counted, or than anybody means
		if got, err := parseDuration(&in); err == nil {
			t.Errorf("parseDuration(%s) = %v", in, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Hour: "PT1H", 90 * time.Minute: "PT1H30M", 3605 * time.Second: "PT1H5S"} {
		if got := formatDuration(d); got != want {
			t.Errorf("formatDuration(%v) = %s, want %s", d, got, want)
		}
	}
}

// FuzzDuration: what is read is written back to the same length, and nothing panics.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"PT1H", "P1DT1H30M5S", "P", "PT", "PT1.5S", "P1Y", "PTH", "PT99999999999999999999H", "P1W1D"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDuration(&s)
		if err != nil {
			return
		}
		back := formatDuration(d)
		if again, err := parseDuration(&back); err == nil && again != d || d <= 0 {
			t.Errorf("%q = %v = %q = %v", s, d, back, again)
		}
	})
}

// TestNoOperationTakesGarbage sends every operation of the model malformed and empty inputs: none succeeds,
// none answers 500.
func TestNoOperationTakesGarbage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.people.CreateGroup(context.Background(), audit.Gatehouse, groupNamed("g"), nil); err != nil {
		t.Fatal(err)
	}
	for _, o := range model.Operations {
		for _, body := range []string{`{"InstanceArn":`, `[]`, `null`, `{"MaxResults":[],"InstanceArn":7}`, `{"MaxResults":0,"InstanceArn":"` + b.instance + `\u0000"}`, `{"InstanceArn":"$I","InstanceArn":"$I"}`,
			`{"MaxResults":-1,"InstanceArn":"","PermissionSetArn":"x","TargetId":"x"}`, `{"NextToken":"é","InstanceArn":"é","PrincipalType":"é"}`} {
			if status, out := b.as(b.owner, o.Name, body); status != 400 {
				t.Errorf("%s %s: %d %v", o.Name, body, status, out)
			}
		}
	}
}
