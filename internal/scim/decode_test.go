package scim

import (
	"strings"
	"testing"

	"gatehouse/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func yes() *bool { b := true; return &b }

func TestDecodeUser(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		want       User
	}{
		{"7643 §2.1 names in any case", `{"USERNAME":"a","Name":{"GIVENNAME":"G"}}`, User{UserName: "a", Name: Name{GivenName: "G"}}},
		{"7643 §2.5 null, [] and empty are unassigned", `{"userName":"a","title":null,"emails":[],"name":{},"nickName":"","addresses":[null,{}]}`, User{UserName: "a"}},
		{"7643 §3.1 id and meta are the server's", `{"userName":"a","id":"x","meta":{"created":"y"}}`, User{UserName: "a"}},
		{"7643 §4.1.2 groups are read-only", `{"userName":"a","groups":[{"value":"g"}]}`, User{UserName: "a"}},
		{"7644 §3.3 unknown attributes are ignored", `{"userName":"a","x509Certificates":[{"value":"x"}],"password":"p","foo":{"bar":[1,2]}}`, User{UserName: "a"}},
		{"unknown schemas are ignored", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:x"],"userName":"a"}`, User{UserName: "a"}},
		{"no schemas", `{"userName":"a"}`, User{UserName: "a"}},
		{"booleans as strings", `{"userName":"a","active":"True","emails":[{"value":"e","primary":"true"}]}`, User{UserName: "a", Active: yes(), Emails: []Value{{Value: "e", Primary: true}}}},
		{"7643 §2.4 one primary", `{"userName":"a","emails":[{"value":"e","primary":true},{"value":"f","primary":true}]}`, User{UserName: "a", Emails: []Value{{Value: "e", Primary: true}, {Value: "f"}}}},
		{"7643 §2.4 no element twice", `{"userName":"a","emails":[{"value":"e","type":"work"},{"type":"work","value":"e","primary":false}]}`, User{UserName: "a", Emails: []Value{{Value: "e", Type: "work"}}}},
		{"one element without an array", `{"userName":"a","emails":{"value":"e"}}`, User{UserName: "a", Emails: []Value{{Value: "e"}}}},
		{"elements as strings", `{"userName":"a","roles":["r","s"]}`, User{UserName: "a", Roles: []Value{{Value: "r"}, {Value: "s"}}}},
		{"elements that only say their type", `{"userName":"a","emails":[{"type":"work"}],"addresses":[{"type":"work","primary":true}]}`, User{UserName: "a"}},
		{"manager as a string", `{"userName":"a","` + enterprise + `":{"manager":"m"}}`, User{UserName: "a", Enterprise: Enterprise{ManagerID: "m"}}},
		{"manager as an object", `{"userName":"a","` + enterprise + `":{"manager":{"value":"m","displayName":"M"}}}`, User{UserName: "a", Enterprise: Enterprise{ManagerID: "m"}}},
		{"manager as an array", `{"userName":"a","` + enterprise + `":{"manager":[{"value":"m"}]}}`, User{UserName: "a", Enterprise: Enterprise{ManagerID: "m"}}},
		{"manager empty", `{"userName":"a","` + enterprise + `":{"manager":{"value":""}}}`, User{UserName: "a"}},
		{"manager outside its extension", `{"userName":"a","manager":{"value":"m"}}`, User{UserName: "a", Enterprise: Enterprise{ManagerID: "m"}}},
		{"qualified and dotted names", `{"userName":"a","name.givenName":"G","` + enterprise + `:department":"D"}`, User{UserName: "a", Name: Name{GivenName: "G"}, Enterprise: Enterprise{Department: "D"}}},
		{"extension URN without its colon, as Entra sends it", `{"userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0User":{"department":"D"}}`, User{UserName: "a", Enterprise: Enterprise{Department: "D"}}},
		{"extension URN in any case", `{"userName":"a","` + strings.ToUpper(enterprise) + `":{"Department":"D"}}`, User{UserName: "a", Enterprise: Enterprise{Department: "D"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := DecodeUser(RFC, []byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeUserRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, scimType string }{
		{"no JSON", ``, InvalidSyntax},
		{"truncated", `{"userName":"a"`, InvalidSyntax},
		{"an array", `[{"userName":"a"}]`, InvalidSyntax},
		{"8259 §4 duplicate names", `{"userName":"a","userName":"b"}`, InvalidSyntax},
		{"duplicate names in another case", `{"userName":"a","username":"b"}`, InvalidSyntax},
		{"duplicate names below", `{"userName":"a","name":{"givenName":"G","GivenName":"H"}}`, InvalidSyntax},
		{"duplicate by qualification", `{"userName":"a","urn:ietf:params:scim:schemas:core:2.0:User:userName":"b"}`, InvalidSyntax},
		{"7643 §4.1.1 userName missing", `{"displayName":"A"}`, InvalidValue},
		{"7643 §4.1.1 userName empty", `{"userName":""}`, InvalidValue},
		{"userName a number", `{"userName":1}`, InvalidValue},
		{"userName an array", `{"userName":["a"]}`, InvalidValue},
		{"title a boolean", `{"userName":"a","title":true}`, InvalidValue},
		{"active a number", `{"userName":"a","active":1}`, InvalidValue},
		{"active a word", `{"userName":"a","active":"yes"}`, InvalidValue},
		{"name a string", `{"userName":"a","name":"A B"}`, InvalidValue},
		{"emails a number", `{"userName":"a","emails":5}`, InvalidValue},
		{"an element a number", `{"userName":"a","emails":[5]}`, InvalidValue},
		{"an element's value an object", `{"userName":"a","emails":[{"value":{}}]}`, InvalidValue},
		{"addresses as strings", `{"userName":"a","addresses":["Main St"]}`, InvalidValue},
		{"two managers", `{"userName":"a","` + enterprise + `":{"manager":[{"value":"m"},{"value":"n"}]}}`, InvalidValue},
		{"an extension a string", `{"userName":"a","` + enterprise + `":"x"}`, InvalidValue},
		{"schemas a string", `{"userName":"a","schemas":"urn:ietf:params:scim:schemas:core:2.0:User"}`, InvalidValue},
		{"schemas of numbers", `{"userName":"a","schemas":[1]}`, InvalidValue},
		{"schemas of something else", `{"userName":"a","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`, InvalidValue},
		{"control characters", `{"userName":"a\u0000b"}`, InvalidValue},
		{"too many elements", `{"userName":"a","emails":[` + strings.Repeat(`"x",`, maxElements) + `"y"]}`, InvalidValue},
		{"deep", `{"userName":"a","x":` + strings.Repeat(`{"x":`, 200) + `1` + strings.Repeat(`}`, 200) + `}`, InvalidSyntax},
	} {
		_, err := DecodeUser(RFC, []byte(tc.body))
		if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Reason != tc.scimType {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.scimType)
		}
	}
}

func TestDecodeGroup(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		want       Group
		scimType   string
	}{
		{"empty", `{"displayName":"G"}`, Group{DisplayName: "G"}, ""},
		{"members null is silence", `{"displayName":"G","members":null}`, Group{DisplayName: "G"}, ""},
		{"members empty is none", `{"displayName":"G","members":[]}`, Group{DisplayName: "G", MembersGiven: true}, ""},
		{"members", `{"displayName":"G","externalId":"e","Members":[{"value":"a","display":"A","type":"User"},"b",{"value":"a"}]}`, Group{DisplayName: "G", ExternalID: "e", MembersGiven: true, Members: []Link{{ID: "a"}, {ID: "b"}}}, ""},
		{"Microsoft's schema", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"displayName":"G"}`, Group{DisplayName: "G"}, ""},
		{"7643 §4.2 displayName required", `{"members":[]}`, Group{}, InvalidValue},
		{"members twice", `{"displayName":"G","members":[],"member":[]}`, Group{}, InvalidSyntax},
		{"nested groups", `{"displayName":"G","members":[{"value":"g","type":"Group"},{"value":"u","type":"User"}]}`, Group{DisplayName: "G", MembersGiven: true, Members: []Link{{ID: "g"}, {ID: "u"}}}, ""},
		{"members of other types", `{"displayName":"G","members":[{"value":"g","type":"Device"}]}`, Group{}, InvalidValue},
		{"member without value", `{"displayName":"G","members":[{}]}`, Group{}, InvalidValue},
		{"members a number", `{"displayName":"G","members":3}`, Group{}, InvalidValue},
	} {
		got, err := DecodeGroup(RFC, []byte(tc.body))
		if tc.scimType != "" {
			if f := fault.Of(err); f == nil || f.Reason != tc.scimType {
				t.Errorf("%s: got %v, want %s", tc.name, err, tc.scimType)
			}
			continue
		}
		if d := cmp.Diff(tc.want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tc.name, err, d)
		}
	}
}

const awsUser = `{"userName":"a","displayName":"A","name":{"givenName":"G","familyName":"F"}`

func TestProfileAWSCreateUser(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		ok   bool
	}{
		"the least":                {awsUser + `}`, true},
		"Entra's nulls":            {awsUser + `,"addresses":null,"photos":null,"roles":[]}`, true},
		"one of each":              {awsUser + `,"emails":[{"value":"e","primary":true}],"phoneNumbers":[{"value":"1"}]}`, true},
		"Okta's empty groups":      {awsUser + `,"groups":[]}`, true},
		"no displayName":           {`{"userName":"a","name":{"givenName":"G","familyName":"F"}}`, false},
		"no givenName":             {`{"userName":"a","displayName":"A","name":{"familyName":"F"}}`, false},
		"no familyName":            {`{"userName":"a","displayName":"A","name":{"givenName":"G"}}`, false},
		"two e-mails":              {awsUser + `,"emails":[{"value":"e"},{"value":"f"}]}`, false},
		"two phones":               {awsUser + `,"phoneNumbers":[{"value":"1"},{"value":"2"}]}`, false},
		"password":                 {awsUser + `,"password":"x"}`, false},
		"empty photos (authentik)": {awsUser + `,"photos":[]}`, false},
		"entitlements":             {awsUser + `,"entitlements":[{"value":"x"}]}`, false},
		"groups":                   {awsUser + `,"groups":[{"value":"g"}]}`, false},
		"display":                  {awsUser + `,"emails":[{"value":"e","display":"E"}]}`, false},
		"empty string":             {awsUser + `,"title":""}`, false},
		"a private-use character":  {awsUser + `,"title":"\ue000"}`, false},
	} {
		_, err := DecodeUser(AWS, []byte(tc.body))
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
		if f := fault.Of(err); f != nil && f.Kind != fault.Invalid {
			t.Errorf("%s: %v", name, f.Kind)
		}
	}
}

func TestProfileAWSPatch(t *testing.T) {
	t.Parallel()
	u, err := DecodeUser(AWS, []byte(awsUser+`,"emails":[{"value":"e","type":"work"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for ops, ok := range map[string]bool{
		`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"f"}`:                                      true,
		`{"op":"replace","value":{"displayName":"D","name.givenName":"H"}}`:                                         true,
		`{"op":"Replace","path":"active","value":"False"}`:                                                          true,
		`{"op":"add","path":"emails","value":[{"value":"g","type":"home"}]}`:                                        false,
		`{"op":"remove","path":"displayName"}`:                                                                      false,
		`{"op":"replace","path":"active","value":false},{"op":"replace","path":"active","value":true}`:              false,
		`{"op":"replace","path":"userName","value":"x"},{"op":"replace","path":"userName","value":"y"}`:             false,
		`{"op":"replace","path":"name.givenName","value":"x"},{"op":"replace","path":"name.givenName","value":"y"}`: true,
		`{"op":"remove"}`: false,
	} {
		p, err := DecodePatch([]byte(patchOf(ops)))
		if err == nil {
			_, _, err = PatchUser(AWS, u, p)
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", ops, err)
		}
	}
}

func TestProfileAWSGroupChange(t *testing.T) {
	t.Parallel()
	many := make([]string, 101)
	for name, tc := range map[string]struct {
		change GroupChange
		ok     bool
	}{
		"one hundred":     {GroupChange{AddMembers: many[:60], RemoveMembers: many[:40]}, true},
		"one hundred one": {GroupChange{AddMembers: many[:60], RemoveMembers: many[:41]}, false},
		"replace all":     {GroupChange{ReplaceMembers: true, AddMembers: many[:1]}, false},
		"remove all":      {GroupChange{ReplaceMembers: true}, false},
		"rename":          {GroupChange{DisplayName: str("D")}, true},
	} {
		if got := AWS.CheckGroupChange(tc.change) == nil; got != tc.ok {
			t.Errorf("%s: accepted = %v", name, got)
		}
		if RFC.CheckGroupChange(tc.change) != nil {
			t.Errorf("%s: refused by the rfc profile", name)
		}
	}
}
