package identitystore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

func TestUserLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.do("CreateUser", ada)
	id := str(t, made["UserId"])
	if made["UserArn"] != "arn:aws:identitystore:::user/"+id || made["Revision"] != "1" || made["IdentityStoreId"] != storeID {
		t.Errorf("CreateUser = %v", made)
	}
	got := b.do("DescribeUser", `{"IdentityStoreId":"$S","UserId":"`+id+`"}`)
	if _, isNumber := got["CreatedAt"].(float64); !isNumber || got["CreatedBy"] != "arn:aws:iam::"+owner+":user/admin" {
		t.Errorf("CreatedAt = %v, CreatedBy = %v", got["CreatedAt"], got["CreatedBy"])
	}
	for _, k := range []string{"CreatedAt", "UpdatedAt", "CreatedBy", "UpdatedBy"} {
		delete(got, k)
	}
	want := map[string]any{
		"IdentityStoreId": storeID, "UserId": id, "UserArn": "arn:aws:identitystore:::user/" + id, "Revision": "1", "UserName": "ada", "DisplayName": "Ada Lovelace",
		"Name": map[string]any{"GivenName": "Ada", "FamilyName": "Lovelace"}, "UserStatus": "ENABLED",
		"Emails": []any{map[string]any{"Value": "Ada@Example.com", "Type": "work", "Primary": true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DescribeUser (-want +got):\n%s", diff)
	}
	// The extension comes only when it is asked for, and ARNs are as good as ids.
	got = b.do("DescribeUser", `{"IdentityStoreId":"arn:aws:identitystore::`+owner+`:identitystore/$S","UserId":"arn:aws:identitystore:::user/`+id+`","Extensions":["aws:identitystore:enterprise"]}`)
	if diff := cmp.Diff(map[string]any{"aws:identitystore:enterprise": map[string]any{"costCenter": "42", "manager": map[string]any{"value": "m1"}}}, got["Extensions"]); diff != "" {
		t.Errorf("Extensions (-want +got):\n%s", diff)
	}
	b.do("DeleteUser", `{"IdentityStoreId":"$S","UserId":"`+id+`"}`)
	e := b.refused("ResourceNotFoundException", "DescribeUser", `{"IdentityStoreId":"$S","UserId":"`+id+`"}`)
	if e["ResourceType"] != "USER" || e["ResourceId"] != id {
		t.Errorf("not found = %v", e)
	}
}

func TestUpdateUserByAttributePaths(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := str(t, b.do("CreateUser", ada)["UserId"])
	update := func(path, value string) string {
		if value != "" {
			value = `,"AttributeValue":` + value
		}
		return `{"IdentityStoreId":"$S","UserId":"` + id + `","Operations":[{"AttributePath":"` + path + `"` + value + `}]}`
	}
	for _, tt := range []struct {
		path, value, member string
		want                any
	}{
		{"title", `"Countess"`, "Title", "Countess"},
		{"TITLE", ``, "Title", nil},
		{"nickName", `"A."`, "NickName", "A."},
		{"nickName", `null`, "NickName", nil},
		{"userName", `"ada.l"`, "UserName", "ada.l"},
		{"name.familyName", `"King"`, "Name", map[string]any{"GivenName": "Ada", "FamilyName": "King"}},
		{"name", `{"givenName":"Augusta","familyName":"King"}`, "Name", map[string]any{"GivenName": "Augusta", "FamilyName": "King"}},
		{"emails", `[{"value":"a@b.c","primary":true}]`, "Emails", []any{map[string]any{"Value": "a@b.c", "Primary": true}}},
		{"emails", `[{"Value":"a@b.d","Type":"home"}]`, "Emails", []any{map[string]any{"Value": "a@b.d", "Type": "home", "Primary": false}}},
		{"emails", `null`, "Emails", nil},
		{"addresses", `[{"locality":"London","country":"UK"}]`, "Addresses", []any{map[string]any{"Locality": "London", "Country": "UK", "Primary": false}}},
		{"phoneNumbers", `[{"value":"1"}]`, "PhoneNumbers", []any{map[string]any{"Value": "1", "Primary": false}}},
		{"aws:identitystore:enterprise.department", `"Engines"`, "Extensions", map[string]any{"aws:identitystore:enterprise": map[string]any{"costCenter": "42", "department": "Engines", "manager": map[string]any{"value": "m1"}}}},
		{"aws:identitystore:enterprise", `{"division":"D"}`, "Extensions", map[string]any{"aws:identitystore:enterprise": map[string]any{"division": "D"}}},
	} {
		b.do("UpdateUser", update(tt.path, tt.value))
		got := b.do("DescribeUser", `{"IdentityStoreId":"$S","UserId":"`+id+`","Extensions":["aws:identitystore:enterprise"]}`)[tt.member]
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s = %s (-want +got):\n%s", tt.path, tt.value, diff)
		}
	}
	for _, bad := range []struct{ path, value string }{
		{"userName", ``}, {"userName", `""`}, {"userName", `7`}, {"userName", `"with blank"`}, {"displayName", `["x"]`}, {"externalIds", `[]`}, {"active", `false`},
		{"emails", `[{"value":"a@b.c"},{"value":"a@b.d"}]`}, {"emails", `{"value":"a@b.c"}`}, {"emails", `[{"value":"a","shape":"b"}]`}, {"emails", `["a@b.c"]`},
		{"aws:identitystore:other", `{}`}, {"name", `"Ada"`}, {"a.b.c.d", `"x"`},
	} {
		b.refused("ValidationException", "UpdateUser", update(bad.path, bad.value))
	}
}

func TestRevisionGuardsChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := str(t, b.do("CreateUser", ada)["UserId"])
	change := func(revision string) string {
		return `{"IdentityStoreId":"$S","UserId":"` + id + `","Revision":"` + revision + `","Operations":[{"AttributePath":"title","AttributeValue":"t` + revision + `"}]}`
	}
	if out := b.do("UpdateUser", change("1")); out["Revision"] != "2" || out["UserId"] != id {
		t.Errorf("UpdateUser = %v", out)
	}
	for _, stale := range []string{"1", "0", "99999999999999999999"} {
		if e := b.refused("ConflictException", "UpdateUser", change(stale)); e["Reason"] != "CONCURRENT_MODIFICATION" {
			t.Errorf("revision %s: %v", stale, e)
		}
	}
	b.refused("ConflictException", "DeleteUser", `{"IdentityStoreId":"$S","UserId":"`+id+`","Revision":"1"}`)
	b.refused("ConflictException", "DeleteUser", `{"IdentityStoreId":"$S","UserId":"`+id+`","Revision":"0"}`)
	b.do("DeleteUser", `{"IdentityStoreId":"$S","UserId":"`+id+`","Revision":"2"}`)
}

func TestCreateUserDemandsTheProfile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateUser", ada)
	if e := b.refused("ConflictException", "CreateUser", strings.Replace(ada, `"ada"`, `"ADA"`, 1)); e["Reason"] != "UNIQUENESS_CONSTRAINT_VIOLATION" {
		t.Errorf("a taken name: %v", e)
	}
	for name, cut := range map[string]string{"user name": `"UserName":"ada",`, "display name": `"DisplayName":"Ada Lovelace",`, "given name": `"GivenName":"Ada",`, "family name": `,"FamilyName":"Lovelace"`} {
		if body := strings.Replace(ada, cut, "", 1); body == ada {
			t.Fatalf("%s: nothing was cut", name)
		} else {
			b.refused("ValidationException", "CreateUser", body)
		}
	}
	for _, bad := range []string{"Administrator", "AWSAdministrators", "a b", strings.Repeat("x", 129)} {
		b.refused("ValidationException", "CreateUser", strings.Replace(ada, `"ada"`, `"`+bad+`"`, 1))
	}
	b.refused("ValidationException", "CreateUser", strings.Replace(ada, `aws:identitystore:enterprise`, `aws:identitystore:other`, 1))
	b.refused("ResourceNotFoundException", "CreateUser", strings.Replace(ada, `$S`, `d-9999999999`, 1))
	b.refused("ResourceNotFoundException", "CreateUser", strings.Replace(ada, `$S`, `arn:aws:identitystore::999999999999:identitystore/$S`, 1))
	b.refused("ValidationException", "CreateUser", strings.Replace(ada, `[{`, `[{},{`, 1))
}

func TestLookUps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := str(t, b.do("CreateUser", ada)["UserId"])
	gid := str(t, b.do("CreateGroup", `{"IdentityStoreId":"$S","DisplayName":"Engines"}`)["GroupId"])
	alt := func(kind, inner string) string {
		return `{"IdentityStoreId":"$S","AlternateIdentifier":{"` + kind + `":` + inner + `}}`
	}
	for _, attr := range []string{`{"AttributePath":"userName","AttributeValue":"ADA"}`, `{"AttributePath":"username","AttributeValue":"ada"}`, `{"AttributePath":"emails.value","AttributeValue":"ada@example.COM"}`} {
		if out := b.do("GetUserId", alt("UniqueAttribute", attr)); out["UserId"] != id {
			t.Errorf("GetUserId by %s = %v", attr, out)
		}
	}
	if out := b.do("GetGroupId", alt("UniqueAttribute", `{"AttributePath":"displayName","AttributeValue":"engines"}`)); out["GroupId"] != gid || out["GroupArn"] != "arn:aws:identitystore:::group/"+gid {
		t.Errorf("GetGroupId = %v", out)
	}
	b.refused("ResourceNotFoundException", "GetUserId", alt("UniqueAttribute", `{"AttributePath":"userName","AttributeValue":"eve"}`))
	b.refused("ResourceNotFoundException", "GetUserId", alt("UniqueAttribute", `{"AttributePath":"emails.value","AttributeValue":"eve@example.com"}`))
	b.refused("ResourceNotFoundException", "GetUserId", alt("ExternalId", `{"Issuer":"i","Id":"x"}`))
	b.refused("ValidationException", "GetUserId", alt("UniqueAttribute", `{"AttributePath":"title","AttributeValue":"x"}`))
	b.refused("ValidationException", "GetUserId", alt("UniqueAttribute", `{"AttributePath":"userName","AttributeValue":["ada"]}`))
	b.refused("ValidationException", "GetUserId", `{"IdentityStoreId":"$S","AlternateIdentifier":{}}`)
	b.refused("ValidationException", "GetGroupId", alt("UniqueAttribute", `{"AttributePath":"userName","AttributeValue":"x"}`))

	if out := b.do("ListUsers", `{"IdentityStoreId":"$S","Filters":[{"AttributePath":"UserName","AttributeValue":"ada"}]}`); len(out["Users"].([]any)) != 1 {
		t.Errorf("ListUsers by name = %v", out)
	}
	if out := b.do("ListGroups", `{"IdentityStoreId":"$S","Filters":[{"AttributePath":"DisplayName","AttributeValue":"None"}]}`); len(out["Groups"].([]any)) != 0 {
		t.Errorf("ListGroups by a name that nobody has = %v", out)
	}
	b.refused("ValidationException", "ListUsers", `{"IdentityStoreId":"$S","Filters":[{"AttributePath":"Title","AttributeValue":"x"}]}`)
}

func TestMemberships(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	uid := str(t, b.do("CreateUser", ada)["UserId"])
	gid := str(t, b.do("CreateGroup", `{"IdentityStoreId":"$S","DisplayName":"Engines"}`)["GroupId"])
	other := str(t, b.do("CreateGroup", `{"IdentityStoreId":"$S","DisplayName":"Poets"}`)["GroupId"])
	pair := `{"IdentityStoreId":"$S","GroupId":"` + gid + `","MemberId":{"UserId":"` + uid + `"}}`
	mid := str(t, b.do("CreateGroupMembership", pair)["MembershipId"])
	if e := b.refused("ConflictException", "CreateGroupMembership", pair); e["Reason"] != "UNIQUENESS_CONSTRAINT_VIOLATION" {
		t.Errorf("a second membership: %v", e)
	}
	if out := b.do("GetGroupMembershipId", pair); out["MembershipId"] != mid || out["MembershipArn"] != "arn:aws:identitystore:::membership/"+mid {
		t.Errorf("GetGroupMembershipId = %v", out)
	}
	if out := b.do("DescribeGroupMembership", `{"IdentityStoreId":"$S","MembershipId":"`+mid+`"}`); out["GroupId"] != gid || out["MemberId"].(map[string]any)["UserId"] != uid {
		t.Errorf("DescribeGroupMembership = %v", out)
	}
	out := b.do("IsMemberInGroups", `{"IdentityStoreId":"$S","MemberId":{"UserId":"`+uid+`"},"GroupIds":["`+other+`","arn:aws:identitystore:::group/`+gid+`"]}`)
	want := []any{
		map[string]any{"GroupId": other, "MemberId": map[string]any{"UserId": uid}, "MembershipExists": false},
		map[string]any{"GroupId": gid, "MemberId": map[string]any{"UserId": uid}, "MembershipExists": true},
	}
	if diff := cmp.Diff(want, out["Results"]); diff != "" {
		t.Errorf("IsMemberInGroups (-want +got):\n%s", diff)
	}
	if out := b.do("ListGroupMemberships", `{"IdentityStoreId":"$S","GroupId":"`+gid+`"}`); len(out["GroupMemberships"].([]any)) != 1 {
		t.Errorf("ListGroupMemberships = %v", out)
	}
	if out := b.do("ListGroupMembershipsForMember", `{"IdentityStoreId":"$S","MemberId":{"UserId":"`+uid+`"}}`); len(out["GroupMemberships"].([]any)) != 1 {
		t.Errorf("ListGroupMembershipsForMember = %v", out)
	}
	b.do("DeleteGroupMembership", `{"IdentityStoreId":"$S","MembershipId":"`+mid+`"}`)
	if e := b.refused("ResourceNotFoundException", "GetGroupMembershipId", pair); e["ResourceType"] != "GROUP_MEMBERSHIP" {
		t.Errorf("a membership that ended: %v", e)
	}
	gone := storeID[2:] + "-00000000-0000-4000-8000-000000000000"
	b.refused("ResourceNotFoundException", "CreateGroupMembership", strings.Replace(pair, uid, gone, 1))
	b.refused("ResourceNotFoundException", "ListGroupMemberships", `{"IdentityStoreId":"$S","GroupId":"`+gone+`"}`)
	b.refused("ResourceNotFoundException", "IsMemberInGroups", `{"IdentityStoreId":"$S","MemberId":{"UserId":"`+uid+`"},"GroupIds":["`+gone+`"]}`)
	b.refused("ValidationException", "DescribeGroup", `{"IdentityStoreId":"$S","GroupId":"arn:aws:identitystore:::user/`+uid+`"}`)
}

// TestGroupsInGroups: whether somebody is in a group is told of all that she is in; lists of memberships show what has an id.
func TestGroupsInGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	uid := str(t, b.do("CreateUser", ada)["UserId"])
	team := str(t, b.do("CreateGroup", `{"IdentityStoreId":"$S","DisplayName":"Team"}`)["GroupId"])
	area := str(t, b.do("CreateGroup", `{"IdentityStoreId":"$S","DisplayName":"Area"}`)["GroupId"])
	mid := str(t, b.do("CreateGroupMembership", `{"IdentityStoreId":"$S","GroupId":"`+team+`","MemberId":{"UserId":"`+uid+`"}}`)["MembershipId"])
	_, err := b.people.UpdateGroup(t.Context(), audit.Gatehouse, area, 0, func(*directory.Group) (directory.MemberChange, error) {
		return directory.MemberChange{AddGroups: []string{team}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	out := b.do("IsMemberInGroups", `{"IdentityStoreId":"$S","MemberId":{"UserId":"`+uid+`"},"GroupIds":["`+area+`"]}`)
	if !out["Results"].([]any)[0].(map[string]any)["MembershipExists"].(bool) {
		t.Errorf("IsMemberInGroups = %v", out)
	}
	seen, token := map[string]string{}, ""
	for range 2 { // page by page
		out := b.do("ListGroupMembershipsForMember", `{"IdentityStoreId":"$S","MaxResults":1,"MemberId":{"UserId":"`+uid+`"}`+token+`}`)
		for _, m := range out["GroupMemberships"].([]any) {
			seen[m.(map[string]any)["GroupId"].(string)] = m.(map[string]any)["MembershipId"].(string)
		}
		if next, ok := out["NextToken"].(string); ok {
			token = `,"NextToken":"` + next + `"`
		}
	}
	if len(seen) != 2 || seen[team] != mid || seen[area] != mid {
		t.Errorf("ListGroupMembershipsForMember shows %v", seen)
	}
	if out := b.do("ListGroupMemberships", `{"IdentityStoreId":"$S","GroupId":"`+area+`"}`); len(out["GroupMemberships"].([]any)) != 0 {
		t.Errorf("ListGroupMemberships = %v", out)
	}
	b.refused("ResourceNotFoundException", "GetGroupMembershipId", `{"IdentityStoreId":"$S","GroupId":"`+area+`","MemberId":{"UserId":"`+uid+`"}}`)
	b.do("DeleteGroupMembership", `{"IdentityStoreId":"$S","MembershipId":"`+mid+`"}`)
	if out := b.do("ListGroupMembershipsForMember", `{"IdentityStoreId":"$S","MemberId":{"UserId":"`+uid+`"}}`); len(out["GroupMemberships"].([]any)) != 0 {
		t.Errorf("after the direct membership ended: %v", out)
	}
}

func TestGroupLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gid := str(t, b.do("CreateGroup", `{"IdentityStoreId":"$S","DisplayName":"Engines","Description":"d"}`)["GroupId"])
	out := b.do("UpdateGroup", `{"IdentityStoreId":"$S","GroupId":"`+gid+`","Revision":"1","Operations":[{"AttributePath":"displayName","AttributeValue":"Difference Engines"},{"AttributePath":"description"}]}`)
	if out["Revision"] != "2" || out["GroupId"] != gid {
		t.Errorf("UpdateGroup = %v", out)
	}
	got := b.do("DescribeGroup", `{"IdentityStoreId":"$S","GroupId":"`+gid+`"}`)
	if got["DisplayName"] != "Difference Engines" || got["Description"] != nil || got["Revision"] != "2" {
		t.Errorf("DescribeGroup = %v", got)
	}
	b.refused("ValidationException", "UpdateGroup", `{"IdentityStoreId":"$S","GroupId":"`+gid+`","Operations":[{"AttributePath":"members","AttributeValue":[]}]}`)
	b.refused("ValidationException", "UpdateGroup", `{"IdentityStoreId":"$S","GroupId":"`+gid+`","Operations":[{"AttributePath":"displayName"}]}`)
	b.refused("ValidationException", "CreateGroup", `{"IdentityStoreId":"$S"}`)
	b.do("DeleteGroup", `{"IdentityStoreId":"$S","GroupId":"`+gid+`"}`)
	b.refused("ResourceNotFoundException", "DescribeGroup", `{"IdentityStoreId":"$S","GroupId":"`+gid+`"}`)
}

func TestListUsersPagesThroughAll(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const n = 7
	for i := range n {
		if _, err := b.people.CreateUser(context.Background(), audit.Gatehouse, directory.User{UserName: fmt.Sprintf("u%d", i), Active: i%2 == 0}); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	token := ""
	for pages := 0; ; pages++ {
		body := `{"IdentityStoreId":"$S","MaxResults":3` + token + `}`
		out := b.do("ListUsers", body)
		for _, u := range out["Users"].([]any) {
			seen = append(seen, u.(map[string]any)["UserName"].(string))
		}
		next, more := out["NextToken"].(string)
		if !more {
			break
		}
		token = `,"NextToken":"` + next + `"`
		b.refused("ValidationException", "ListGroups", `{"IdentityStoreId":"$S"`+token+`}`)
		if pages > n {
			t.Fatal("the list has no end")
		}
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != n {
		t.Errorf("saw %v, want %d users once each", seen, n)
	}
	b.refused("ValidationException", "ListUsers", `{"IdentityStoreId":"$S","NextToken":"made-up"}`)
	b.refused("ValidationException", "ListUsers", `{"IdentityStoreId":"$S","MaxResults":101}`)
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	uid := str(t, b.do("CreateUser", ada)["UserId"])
	for _, call := range []struct{ op, body string }{
		{"CreateUser", ada}, {"DescribeUser", `{"IdentityStoreId":"$S","UserId":"` + uid + `"}`}, {"ListUsers", `{"IdentityStoreId":"$S"}`}, {"ListIdentityStores", `{}`},
	} {
		if status, out := b.as("444455556666", call.op, strings.ReplaceAll(call.body, "$S", storeID)); status == 200 || out["__type"] != "AccessDeniedException" {
			t.Errorf("%s by another account: %d %v", call.op, status, out)
		}
	}
	b.access.denied, b.access.asked = "identitystore:DeleteUser", nil
	b.refused("AccessDeniedException", "DeleteUser", `{"IdentityStoreId":"$S","UserId":"`+uid+`"}`)
	want := []string{"arn:aws:identitystore:::user/" + uid, "arn:aws:identitystore::" + owner + ":identitystore/" + storeID}
	if len(b.access.asked) != 1 || !slices.Equal(b.access.asked[0].Resources, want) {
		t.Errorf("asked %v, want resources %v", b.access.asked, want)
	}
	b.do("DescribeUser", `{"IdentityStoreId":"$S","UserId":"`+uid+`"}`)
}

func TestStores(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	arn := "arn:aws:identitystore::" + owner + ":identitystore/" + storeID
	if out := b.do("DescribeIdentityStore", `{"IdentityStoreId":"$S"}`); out["IdentityStoreArn"] != arn {
		t.Errorf("DescribeIdentityStore = %v", out)
	}
	if out := b.do("ListIdentityStores", `{}`); len(out["IdentityStores"].([]any)) != 1 {
		t.Errorf("ListIdentityStores = %v", out)
	}
}

// TestNoOperationTakesGarbage sends every operation of the model malformed and empty inputs: none succeeds,
// none answers 500.
func TestNoOperationTakesGarbage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, o := range model.Operations {
		for _, body := range []string{`{"IdentityStoreId":`, `[]`, `{"MaxResults":[],"IdentityStoreId":7}`, `{"MaxResults":0,"IdentityStoreId":"d-0123456789\u0000"}`, `{"IdentityStoreId":"$S","IdentityStoreId":"$S"}`,
			`{"MaxResults":-1,"IdentityStoreId":"","UserId":"x","GroupId":"x","MembershipId":"x"}`, `{"NextToken":"é","IdentityStoreId":"é"}`} {
			if status, out := b.as(owner, o.Name, strings.ReplaceAll(body, "$S", storeID)); status != 400 {
				t.Errorf("%s %s: %d %v", o.Name, body, status, out)
			}
		}
	}
}

// TestASecondEMailAddressIsKept: this API has room for one element of each list and shows the primary one; what SCIM pushed besides stays, whatever else is changed.
func TestASecondEMailAddressIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	two := func(kind string, primary int) []directory.Value {
		return []directory.Value{{Value: kind + "0@example.com", Type: "home", Primary: primary == 0}, {Value: kind + "1@example.com", Type: "work", Primary: primary == 1}}
	}
	pushed := directory.User{UserName: "two", DisplayName: "Two", Active: true, Emails: two("mail", 1), PhoneNumbers: two("phone", 0), Roles: two("role", -1),
		Photos: append(two("a", -1), two("b", -1)...), Addresses: []directory.Address{{Locality: "Bern"}, {Locality: "Ulm", Primary: true}}}
	u, err := b.people.CreateUser(t.Context(), audit.Gatehouse, pushed)
	if err != nil {
		t.Fatal(err)
	}
	b.do("UpdateUser", `{"IdentityStoreId":"$S","UserId":"`+u.ID+`","Operations":[{"AttributePath":"title","AttributeValue":"Dr"}]}`)
	out := b.do("DescribeUser", `{"IdentityStoreId":"$S","UserId":"`+u.ID+`"}`)
	for list, want := range map[string]string{"Emails": "mail1@example.com", "PhoneNumbers": "phone0@example.com", "Roles": "role0@example.com"} {
		if got, _ := out[list].([]any); len(got) != 1 || got[0].(map[string]any)["Value"] != want {
			t.Errorf("%s = %v, want %s alone", list, out[list], want)
		}
	}
	if got, _ := out["Addresses"].([]any); len(got) != 1 || got[0].(map[string]any)["Locality"] != "Ulm" {
		t.Errorf("Addresses = %v", out["Addresses"])
	}
	if got, _ := out["Photos"].([]any); len(got) != 3 {
		t.Errorf("Photos = %v", out["Photos"])
	}
	kept, err := b.people.User(t.Context(), u.ID)
	if err != nil || kept.Title != "Dr" || !slices.Equal(kept.Emails, pushed.Emails) || !slices.Equal(kept.PhoneNumbers, pushed.PhoneNumbers) || !slices.Equal(kept.Roles, pushed.Roles) ||
		len(kept.Photos) != 4 || !slices.Equal(kept.Addresses, pushed.Addresses) {
		t.Errorf("kept %+v, %v", kept, err)
	}
}
