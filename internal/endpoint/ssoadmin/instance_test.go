package ssoadmin

import (
	"slices"
	"strings"
	"testing"
)

func TestInstanceChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("UpdateInstance", `{"InstanceArn":"$I","Name":"Renamed","EncryptionConfiguration":{"KeyType":"AWS_OWNED_KMS_KEY"}}`)
	b.do("UpdateInstance", `{"InstanceArn":"$I","PermissionSetsEnabled":true}`)
	got := b.do("DescribeInstance", `{"InstanceArn":"$I"}`)
	if got["Name"] != "Renamed" || got["PermissionSetsEnabled"] != true || in[string](t, got, "EncryptionConfigurationDetails", "KeyType") != "AWS_OWNED_KMS_KEY" {
		t.Errorf("DescribeInstance = %v", got)
	}
	const key = `"arn:aws:kms:us-east-1:111122223333:key/0b1c2d3e-0000-4000-8000-000000000000"`
	for _, bad := range []struct{ code, body string }{
		{"ValidationException", `"PermissionSetsEnabled":false`},
		{"ValidationException", `"PermissionSetsEnabled":true,"EncryptionConfiguration":{"KeyType":"AWS_OWNED_KMS_KEY"}`},
		{"ValidationException", `"EncryptionConfiguration":{"KeyType":"CUSTOMER_MANAGED_KEY"}`},
		{"ValidationException", `"EncryptionConfiguration":{"KeyType":"AWS_OWNED_KMS_KEY","KmsKeyArn":` + key + `}`},
		{"ResourceNotFoundException", `"EncryptionConfiguration":{"KeyType":"CUSTOMER_MANAGED_KEY","KmsKeyArn":` + key + `}`},
		{"ValidationException", `"Name":"a b"`},
	} {
		b.refused(bad.code, "UpdateInstance", `{"InstanceArn":"$I",`+bad.body+`}`)
	}
	if _, out := b.as(b.owner, "UpdateInstance", `{"InstanceArn":"$I","EncryptionConfiguration":{"KeyType":"CUSTOMER_MANAGED_KEY","KmsKeyArn":`+key+`}}`); out["Reason"] != "KMS_NotFoundException" {
		t.Errorf("an unknown key: %v", out)
	}
	b.refused("ConflictException", "DeleteInstance", `{"InstanceArn":"$I"}`)
	b.refused("AccessDeniedException", "DeleteInstance", `{"InstanceArn":"arn:aws:sso:::instance/ssoins-0000000000000000"}`)
	b.refused("ConflictException", "CreateInstance", `{}`)
	if status, out := b.as(b.accounts[0], "CreateInstance", `{"Name":"mine"}`); status != 400 || out["__type"] != "AccessDeniedException" {
		t.Errorf("CreateInstance of a member: %d %v", status, out)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := func(region string) string { return `{"InstanceArn":"$I","RegionName":"` + region + `"}` }
	if out := b.do("AddRegion", at("eu-west-1")); out["Status"] != "ADDING" {
		t.Errorf("AddRegion = %v", out)
	}
	if out := b.do("DescribeRegion", at("eu-west-1")); out["Status"] != "ACTIVE" || out["IsPrimaryRegion"] != false {
		t.Errorf("DescribeRegion = %v", out)
	}
	if out := b.do("DescribeRegion", at("us-east-1")); out["IsPrimaryRegion"] != true {
		t.Errorf("DescribeRegion = %v", out)
	}
	b.refused("ConflictException", "AddRegion", at("eu-west-1"))
	b.refused("ConflictException", "AddRegion", at("us-east-1"))
	b.refused("ValidationException", "AddRegion", at("nowhere"))
	b.refused("ResourceNotFoundException", "DescribeRegion", at("eu-west-2"))
	b.refused("ResourceNotFoundException", "RemoveRegion", at("eu-west-2"))
	b.refused("ValidationException", "RemoveRegion", at("us-east-1"))
	for _, r := range []string{"ap-south-1", "ap-east-1", "eu-north-1", "sa-east-1"} {
		b.do("AddRegion", at(r))
	}
	b.refused("ServiceQuotaExceededException", "AddRegion", at("ca-west-1"))
	var names []string
	for token := ""; ; {
		out := b.do("ListRegions", `{"InstanceArn":"$I","MaxResults":4`+token+`}`)
		for _, r := range in[[]any](t, out, "Regions") {
			names = append(names, in[string](t, r, "RegionName"))
		}
		if out["NextToken"] == nil {
			break
		}
		token = `,"NextToken":"` + in[string](t, out, "NextToken") + `"`
	}
	if want := []string{"us-east-1", "ap-east-1", "ap-south-1", "eu-north-1", "eu-west-1", "sa-east-1"}; !slices.Equal(names, want) {
		t.Errorf("regions %v, want %v", names, want)
	}
	if out := b.do("RemoveRegion", at("eu-west-1")); out["Status"] != "REMOVING" {
		t.Errorf("RemoveRegion = %v", out)
	}
	if n := len(in[[]any](t, b.do("DescribeInstance", `{"InstanceArn":"$I"}`), "Regions")); n != 5 {
		t.Errorf("%d regions, want 5", n)
	}
}

func TestAttributesForAccessControl(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const name = "InstanceAccessControlAttributeConfiguration"
	config := func(list string) string {
		return `{"InstanceArn":"$I","` + name + `":{"AccessControlAttributes":[` + list + `]}}`
	}
	attribute := func(key, source string) string { return `{"Key":"` + key + `","Value":{"Source":["` + source + `"]}}` }
	team := attribute("Team", "${path:enterprise.department}")
	b.refused("ResourceNotFoundException", "Describe"+name, `{"InstanceArn":"$I"}`)
	b.refused("ResourceNotFoundException", "Update"+name, config(team))
	b.refused("ResourceNotFoundException", "Delete"+name, `{"InstanceArn":"$I"}`)
	b.do("Create"+name, config(team))
	b.refused("ConflictException", "Create"+name, config(team))
	place := attribute("Place", `${path:addresses[type eq \"work\"].locality}`)
	b.do("Update"+name, config(place))
	got := b.do("Describe"+name, `{"InstanceArn":"$I"}`)
	if text, _ := jsonText(in[any](t, got, name, "AccessControlAttributes")); got["Status"] != "ENABLED" || text != "["+place+"]" {
		t.Errorf("Describe = %v", got)
	}
	for _, bad := range []string{
		team + "," + attribute("team", "${path:title}"), attribute("x", "enterprise.department"), attribute("x", "${path:password}"), attribute("x", "${path:title"),
		attribute("aws:x", "${path:title}"), attribute("", "${path:title}"), `{"Key":"x","Value":{"Source":[]}}`, `{"Key":"x","Value":{"Source":["${path:title}","${path:title}"]}}`,
		strings.Repeat(team+",", 50) + team,
	} {
		b.refused("ValidationException", "Update"+name, config(bad))
	}
	b.do("Delete"+name, `{"InstanceArn":"$I"}`)
	b.refused("ResourceNotFoundException", "Describe"+name, `{"InstanceArn":"$I"}`)
}

// TestEveryOperationIsThere: the table has a row for each of the operations.
func TestEveryOperationIsThere(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, o := range New[string](Config{}).Service().Operations {
		have[o.Name] = true
	}
	for _, o := range model.Operations {
		if !have[o.Name] {
			t.Errorf("%s is missing", o.Name)
		}
	}
	if len(have) != 79 {
		t.Errorf("%d operations, want 79", len(have))
	}
}
