package scim

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func patchOf(ops string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`
}

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// Each row patches a user who begins as before (userName "u" is added) and compares all that is left.
var userPatches = []struct {
	name, before, ops, want string
	scimType                string
}{
	// RFC 7644 §3.5.2.1 add
	{"3.5.2.1 add simple", `{}`, `{"op":"add","path":"title","value":"T"}`, `{"title":"T"}`, ""},
	{"3.5.2.1 add replaces a single value", `{"title":"A"}`, `{"op":"add","path":"title","value":"B"}`, `{"title":"B"}`, ""},
	{"3.5.2.1 add to complex keeps the rest", `{"name":{"givenName":"G"}}`, `{"op":"add","path":"name","value":{"familyName":"F"}}`, `{"name":{"givenName":"G","familyName":"F"}}`, ""},
	{"3.5.2.1 add to multi-valued appends", `{"emails":[{"value":"a","type":"work"}]}`, `{"op":"add","path":"emails","value":[{"value":"b","type":"home"}]}`, `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]}`, ""},
	{"3.5.2.1 add one object to multi-valued", `{}`, `{"op":"add","path":"emails","value":{"value":"b"}}`, `{"emails":[{"value":"b"}]}`, ""},
	{"3.5.2.1 add one string to multi-valued", `{}`, `{"op":"add","path":"emails","value":"b"}`, `{"emails":[{"value":"b"}]}`, ""},
	{"3.5.2.1 add without path", `{}`, `{"op":"add","value":{"title":"T","name":{"givenName":"G"},"emails":[{"value":"e"}]}}`, `{"title":"T","name":{"givenName":"G"},"emails":[{"value":"e"}]}`, ""},
	{"3.5.2.1 add what is there changes nothing", `{"emails":[{"value":"a","type":"work","primary":true}]}`, `{"op":"add","path":"emails","value":[{"value":"a","type":"work","primary":true}]}`, ``, ""},
	{"3.5.2.1 add with false primary is what is there", `{"emails":[{"value":"a","type":"work"}]}`, `{"op":"add","path":"emails","value":[{"value":"a","type":"work","primary":false}]}`, ``, ""},
	{"3.5.2 new primary unsets the old", `{"emails":[{"value":"a","primary":true}]}`, `{"op":"add","path":"emails","value":[{"value":"b","primary":true}]}`, `{"emails":[{"value":"a"},{"value":"b","primary":true}]}`, ""},
	{"3.5.2 primary set by sub-attribute unsets the old", `{"emails":[{"value":"a","type":"work","primary":true},{"value":"b","type":"home"}]}`, `{"op":"replace","path":"emails[type eq \"home\"].primary","value":"True"}`, `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"home","primary":true}]}`, ""},
	// RFC 7644 §3.5.2.2 remove
	{"3.5.2.2 remove simple", `{"title":"T"}`, `{"op":"remove","path":"title"}`, `{}`, ""},
	{"3.5.2.2 remove sub-attribute", `{"name":{"givenName":"G","familyName":"F"}}`, `{"op":"remove","path":"name.givenName"}`, `{"name":{"familyName":"F"}}`, ""},
	{"3.5.2.2 remove all elements", `{"emails":[{"value":"a"},{"value":"b"}]}`, `{"op":"remove","path":"emails"}`, `{}`, ""},
	{"3.5.2.2 remove chosen elements", `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]}`, `{"op":"remove","path":"emails[type eq \"work\"]"}`, `{"emails":[{"value":"b","type":"home"}]}`, ""},
	{"3.5.2.2 remove the value leaves no empty element", `{"emails":[{"value":"a","type":"work"}]}`, `{"op":"remove","path":"emails[type eq \"work\"].value"}`, `{}`, ""},
	{"3.5.2.2 remove by value array takes those only", `{"emails":[{"value":"a"},{"value":"b"}]}`, `{"op":"Remove","path":"emails","value":[{"value":"a"}]}`, `{"emails":[{"value":"b"}]}`, ""},
	{"3.5.2.2 remove without a match succeeds", `{"title":"T"}`, `{"op":"remove","path":"emails[type eq \"work\"]"}`, ``, ""},
	{"3.5.2.2 remove without path: noTarget", `{}`, `{"op":"remove"}`, ``, NoTarget},
	{"3.5.2.2 remove required: mutability", `{}`, `{"op":"remove","path":"userName"}`, ``, Mutability},
	{"3.5.2.2 remove active would have to guess: mutability", `{"active":false}`, `{"op":"remove","path":"active"}`, ``, Mutability},
	{"3.5.2.2 remove an extension", `{"title":"T","` + enterprise + `":{"department":"D","manager":{"value":"m"}}}`, `{"op":"remove","path":"` + enterprise + `"}`, `{"title":"T"}`, ""},
	{"3.5.2.2 remove an extension attribute", `{"` + enterprise + `":{"department":"D"}}`, `{"op":"remove","path":"` + enterprise + `:department"}`, `{}`, ""},
	// RFC 7644 §3.5.2.3 replace
	{"3.5.2.3 replace simple", `{"title":"A"}`, `{"op":"replace","path":"title","value":"B"}`, `{"title":"B"}`, ""},
	{"3.5.2.3 replace of what is not there adds", `{}`, `{"op":"replace","path":"nickName","value":"B"}`, `{"nickName":"B"}`, ""},
	{"3.5.2.3 replace multi-valued replaces all", `{"emails":[{"value":"a"},{"value":"b"}]}`, `{"op":"replace","path":"emails","value":[{"value":"c"}]}`, `{"emails":[{"value":"c"}]}`, ""},
	{"3.5.2.3 replace with nothing unassigns", `{"emails":[{"value":"a"}]}`, `{"op":"replace","path":"emails","value":[]}`, `{}`, ""},
	{"3.5.2.3 replace with null unassigns", `{"title":"A"}`, `{"op":"replace","path":"title","value":null}`, `{}`, ""},
	{"3.5.2.3 replace with an empty string unassigns", `{"title":"A"}`, `{"op":"replace","path":"title","value":""}`, `{}`, ""},
	{"3.5.2.3 replace complex replaces given sub-attributes", `{"name":{"givenName":"G","familyName":"F"}}`, `{"op":"replace","path":"name","value":{"givenName":"H"}}`, `{"name":{"givenName":"H","familyName":"F"}}`, ""},
	{"3.5.2.3 replace a chosen element", `{"addresses":[{"type":"work","country":"US","locality":"L"}]}`, `{"op":"replace","path":"addresses[type eq \"work\"]","value":{"country":"DE"}}`, `{"addresses":[{"type":"work","country":"DE"}]}`, ""},
	{"3.5.2.3 replace required with nothing: invalidValue", `{}`, `{"op":"replace","path":"userName","value":""}`, ``, InvalidValue},
	{"3.5.2.3 replace without match: noTarget", `{"emails":[{"value":"a","type":"work"}]}`, `{"op":"replace","path":"emails[type eq \"nonexistent\"].value","value":"x"}`, ``, NoTarget},
	{"3.5.2.3 replace without match, compound filter: noTarget", `{}`, `{"op":"replace","path":"emails[type eq \"work\" and primary eq true].value","value":"x"}`, ``, NoTarget},
	{"3.5.2.3 replace without match, whole element: noTarget", `{}`, `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"x"}}`, ``, NoTarget},
	// RFC 7644 §3.5.2 in general
	{"3.5.2 readOnly by path: mutability", `{}`, `{"op":"replace","path":"id","value":"x"}`, ``, Mutability},
	{"3.5.2 groups by path: mutability", `{}`, `{"op":"add","path":"groups","value":[{"value":"g"}]}`, ``, Mutability},
	{"3.5.2 meta by path: mutability", `{}`, `{"op":"replace","path":"meta.created","value":"x"}`, ``, Mutability},
	{"3.5.2 readOnly without path is skipped", `{}`, `{"op":"replace","value":{"id":"x","meta":{},"groups":[],"schemas":[],"title":"T"}}`, `{"title":"T"}`, ""},
	{"3.5.2 atomic", `{"title":"A"}`, `{"op":"replace","path":"title","value":"B"},{"op":"remove","path":"userName"}`, ``, Mutability},
	{"3.5.2 in order", `{}`, `{"op":"add","path":"title","value":"A"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"C"}`, `{"title":"C"}`, ""},
	{"3.12 wrong type: invalidValue", `{}`, `{"op":"replace","path":"title","value":{"a":1}}`, ``, InvalidValue},
	{"3.12 wrong type of boolean: invalidValue", `{}`, `{"op":"replace","path":"active","value":"maybe"}`, ``, InvalidValue},
	{"3.12 pathless value not an object: invalidValue", `{}`, `{"op":"replace","value":"x"}`, ``, InvalidValue},
	{"3.12 malformed path: invalidPath", `{}`, `{"op":"replace","path":"emails]","value":"x"}`, ``, InvalidPath},
	{"3.12 path of another type: invalidPath", `{}`, `{"op":"replace","path":5,"value":"x"}`, ``, InvalidPath},
	{"3.12 filter on a simple attribute: invalidPath", `{}`, `{"op":"replace","path":"title[value eq \"x\"]","value":"x"}`, ``, InvalidPath},
	{"3.12 tail after the filter: invalidPath", `{}`, `{"op":"replace","path":"emails[type eq \"work\"]x","value":"x"}`, ``, InvalidPath},
	{"3.12 malformed filter in a path: invalidFilter", `{}`, `{"op":"replace","path":"emails[type is \"work\"].value","value":"x"}`, ``, InvalidFilter},
	{"3.12 open filter in a path: invalidFilter", `{}`, `{"op":"replace","path":"emails[type eq \"work\"","value":"x"}`, ``, InvalidFilter},
	{"unknown attributes are ignored", `{}`, `{"op":"add","path":"favouriteColour","value":"red"},{"op":"add","path":"urn:example:ext:2.0:User:x","value":1},{"op":"add","value":{"x509Certificates":[{"value":"y"}],"title":"T"}}`, `{"title":"T"}`, ""},
	// Entra
	{"Entra replace of a work e-mail that is not there makes it", `{}`, `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x"}`, `{"emails":[{"type":"work","value":"x"}]}`, ""},
	{"Entra: an element made so is not primary", `{"emails":[{"value":"h","type":"home","primary":true}]}`, `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x"}`, `{"emails":[{"value":"h","type":"home","primary":true},{"type":"work","value":"x"}]}`, ""},
	{"Entra: canonical types of each attribute", `{}`, `{"op":"Replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"1"},{"op":"Replace","path":"phoneNumbers[type eq \"fax\"].value","value":"2"}`, `{"phoneNumbers":[{"type":"mobile","value":"1"},{"type":"fax","value":"2"}]}`, ""},
	{"Entra: mobile is no type of an e-mail", `{}`, `{"op":"Replace","path":"emails[type eq \"mobile\"].value","value":"1"}`, ``, NoTarget},
	{"Entra add with any equality makes the element", `{}`, `{"op":"Add","path":"roles[type eq \"x\"].value","value":"r"}`, `{"roles":[{"type":"x","value":"r"}]}`, ""},
	{"Entra add that cannot be made: noTarget", `{}`, `{"op":"Add","path":"roles[type co \"x\"].value","value":"r"}`, ``, NoTarget},
	{"Entra roles by primary eq \"True\"", `{}`, `{"op":"Replace","path":"roles[primary eq \"True\"].display","value":"D"},{"op":"Replace","path":"roles[primary eq \"True\"].value","value":"V"}`, `{"roles":[{"primary":true,"display":"D","value":"V"}]}`, ""},
	{"Entra sets an address piece by piece", `{}`, `{"op":"Add","path":"addresses[type eq \"work\"].country","value":"DE"},{"op":"Add","path":"addresses[type eq \"work\"].locality","value":"B"}`, `{"addresses":[{"type":"work","country":"DE","locality":"B"}]}`, ""},
	{"Entra clears a phone that is not there", `{"title":"T"}`, `{"op":"Replace","path":"phoneNumbers[type eq \"work\"].value","value":""}`, ``, ""},
	{"Entra disables with a string", `{"active":true}`, `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`, ""},
	{"Entra manager as a string", `{}`, `{"op":"Replace","path":"` + enterprise + `:manager","value":"m"}`, `{"` + enterprise + `":{"manager":{"value":"m"}}}`, ""},
	{"Entra manager as an object", `{}`, `{"op":"Add","path":"manager","value":{"value":"m"}}`, `{"` + enterprise + `":{"manager":{"value":"m"}}}`, ""},
	{"Entra manager as an array", `{}`, `{"op":"Add","path":"manager","value":[{"$ref":"http://x/Users/m","value":"m"}]}`, `{"` + enterprise + `":{"manager":{"value":"m"}}}`, ""},
	{"Entra manager by sub-attribute", `{}`, `{"op":"Add","path":"` + enterprise + `:manager.value","value":"m"}`, `{"` + enterprise + `":{"manager":{"value":"m"}}}`, ""},
	{"Entra manager cleared by an empty string", `{"` + enterprise + `":{"manager":{"value":"m"}}}`, `{"op":"Replace","path":"` + enterprise + `:manager","value":""}`, `{}`, ""},
	{"Entra manager cleared by an empty object value", `{"` + enterprise + `":{"manager":{"value":"m"}}}`, `{"op":"Replace","path":"manager","value":{"value":""}}`, `{}`, ""},
	{"Entra manager cleared by an empty array", `{"` + enterprise + `":{"manager":{"value":"m"}}}`, `{"op":"Replace","path":"manager","value":[]}`, `{}`, ""},
	{"Entra roles as strings of JSON", `{}`, `{"op":"Add","path":"roles","value":[{"value":"{\"id\":\"1\"}"},"{\"value\":\"Admin\",\"display\":\"A\"}"]}`, `{"roles":[{"value":"{\"id\":\"1\"}"},{"value":"Admin","display":"A"}]}`, ""},
	{"aadOptscim062020 dotted and qualified keys", `{"name":{"familyName":"F"}}`, `{"op":"replace","value":{"displayName":"D","name.givenName":"G","` + enterprise + `:employeeNumber":"7"}}`, `{"displayName":"D","name":{"familyName":"F","givenName":"G"},"` + enterprise + `":{"employeeNumber":"7"}}`, ""},
	{"old jobs separate the URN with a dot", `{}`, `{"op":"replace","value":{"` + enterprise + `.department":"D"}}`, `{"` + enterprise + `":{"department":"D"}}`, ""},
	{"value paths as pathless keys", `{}`, `{"op":"add","value":{"emails[type eq \"work\"].value":"x"}}`, `{"emails":[{"type":"work","value":"x"}]}`, ""},
	{"an extension as a pathless object", `{}`, `{"op":"add","value":{"` + enterprise + `":{"department":"D","manager":"m"}}}`, `{"` + enterprise + `":{"department":"D","manager":{"value":"m"}}}`, ""},
	{"core URN before a path", `{}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName","value":"G"}`, `{"name":{"givenName":"G"}}`, ""},
	{"Okta pathless", `{"active":true}`, `{"op":"replace","value":{"active":false}}`, `{"active":false}`, ""},
	{"too many elements, one by one", `{}`, manyAdds, ``, InvalidValue},
	{"sub-attribute of every element", `{"emails":[{"value":"a"},{"value":"b"}]}`, `{"op":"replace","path":"emails.type","value":"work"}`, `{"emails":[{"value":"a","type":"work"},{"value":"b","type":"work"}]}`, ""},
}

// manyAdds adds one more element than a user may have.
var manyAdds = func() string {
	var ops []string
	for i := range maxElements + 1 {
		ops = append(ops, fmt.Sprintf(`{"op":"add","path":"emails","value":"e%d"}`, i))
	}
	return strings.Join(ops, ",")
}()

func TestPatchUser(t *testing.T) {
	t.Parallel()
	for _, tc := range userPatches {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before := userObject(t, withUserName(tc.before))
			untouched := before.clone()
			after, changed, err := patchText(before, patchOf(tc.ops))
			if !before.equal(untouched) {
				t.Fatalf("the original changed: %v", before)
			}
			if tc.scimType != "" {
				if f := fault.Of(err); f == nil || f.Reason != tc.scimType || f.Kind != fault.Invalid {
					t.Fatalf("got error %v, want scimType %s", err, tc.scimType)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := before
			if tc.want != "" {
				want = userObject(t, withUserName(tc.want))
			}
			if d := cmp.Diff(want, after); d != "" {
				t.Errorf("after the patch (-want +got):\n%s", d)
			}
			if changed != (tc.want != "") {
				t.Errorf("changed = %v", changed)
			}
		})
	}
}

func patchText(o Object, body string) (Object, bool, error) {
	p, err := DecodePatch([]byte(body))
	if err != nil {
		return nil, false, err
	}
	return p.Apply(Users(), o)
}

func withUserName(s string) string {
	return strings.Replace(strings.Replace(s, "{", `{"userName":"u",`, 1), ",}", "}", 1)
}

func TestDecodePatchRFC7644Section352(t *testing.T) {
	t.Parallel()
	const op = `{"op":"add","path":"title","value":"x"}`
	for _, tc := range []struct{ name, body, scimType string }{
		{"not JSON", `{`, InvalidSyntax},
		{"empty", ``, InvalidSyntax},
		{"not an object", `[]`, InvalidSyntax},
		{"no schemas", `{"Operations":[` + op + `]}`, InvalidSyntax},
		{"another schema", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"Operations":[` + op + `]}`, InvalidSyntax},
		{"no operations", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`, InvalidSyntax},
		{"empty operations", patchOf(``), InvalidSyntax},
		{"operation not an object", patchOf(`"x"`), InvalidSyntax},
		{"unknown op", patchOf(`{"op":"move","path":"title","value":"x"}`), InvalidSyntax},
		{"op of another type", patchOf(`{"op":1,"path":"title","value":"x"}`), InvalidSyntax},
		{"add without value", patchOf(`{"op":"add","path":"title"}`), InvalidValue},
		{"replace without value", patchOf(`{"op":"replace","path":"title"}`), InvalidValue},
		{"duplicate names", patchOf(`{"op":"add","op":"remove","path":"title","value":"x"}`), InvalidSyntax},
		{"duplicate names in another case", patchOf(`{"op":"add","Op":"remove","path":"title","value":"x"}`), InvalidSyntax},
		{"two Operations", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `],"operations":[` + op + `]}`, InvalidSyntax},
		{"trailing text", patchOf(op) + `x`, InvalidSyntax},
		{"two texts", patchOf(op) + patchOf(op), InvalidSyntax},
		{"too deep", patchOf(`{"op":"add","path":"title","value":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`), InvalidSyntax},
		{"invalid UTF-8", patchOf("{\"op\":\"add\",\"path\":\"title\",\"value\":\"\xff\"}"), InvalidSyntax},
		{"too many", patchOf(strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"title"},`, maxOperations+1), ",")), TooMany},
		{"too large", patchOf(`{"op":"add","path":"title","value":"` + strings.Repeat("x", MaxBody) + `"}`), InvalidSyntax},
	} {
		_, err := DecodePatch([]byte(tc.body))
		if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Reason != tc.scimType {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.scimType)
		}
	}
	for _, ok := range []string{`{"op":"ADD","path":"title","value":"x"}`, `{"Op":"Replace","Path":"title","Value":null}`, `{"op":"add","path":null,"value":{}}`} {
		if _, err := DecodePatch([]byte(patchOf(ok))); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
}

// Each row's wish is written as: name, then =: replaced, +: added, -: removed.
var groupPatches = []struct {
	name, ops string
	want      GroupChange
	scimType  string
}{
	{"Entra add", `{"op":"Add","path":"members","value":[{"$ref":null,"value":"a"},{"$ref":null,"value":"b"}]}`, GroupChange{AddMembers: []string{"a", "b"}}, ""},
	{"Entra remove by value array takes those only", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"a"}]}`, GroupChange{RemoveMembers: []string{"a"}}, ""},
	{"RFC remove by value path", `{"op":"remove","path":"members[value eq \"a\"]"}`, GroupChange{RemoveMembers: []string{"a"}}, ""},
	{"remove by value path with or", `{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"}`, GroupChange{RemoveMembers: []string{"a", "b"}}, ""},
	{"remove by one object", `{"op":"remove","path":"members","value":{"value":"a"}}`, GroupChange{RemoveMembers: []string{"a"}}, ""},
	{"remove by strings", `{"op":"remove","path":"members","value":["a"]}`, GroupChange{RemoveMembers: []string{"a"}}, ""},
	{"remove of an empty list takes nobody", `{"op":"remove","path":"members","value":[]}`, GroupChange{}, ""},
	{"remove all", `{"op":"remove","path":"members"}`, GroupChange{ReplaceMembers: true}, ""},
	{"replace", `{"op":"replace","path":"members","value":[{"value":"a"}]}`, GroupChange{ReplaceMembers: true, AddMembers: []string{"a"}}, ""},
	{"replace with none", `{"op":"replace","path":"members","value":[]}`, GroupChange{ReplaceMembers: true}, ""},
	{"object-wrapped add", `{"op":"add","path":"members","value":{"members":[{"value":"a"}]}}`, GroupChange{AddMembers: []string{"a"}}, ""},
	{"object-wrapped remove", `{"op":"remove","path":"members","value":{"members":[{"value":"a"}]}}`, GroupChange{RemoveMembers: []string{"a"}}, ""},
	{"pathless add", `{"op":"add","value":{"members":[{"value":"a"}]}}`, GroupChange{AddMembers: []string{"a"}}, ""},
	{"authentik whole group, pathless", `{"op":"replace","value":{"id":"g","displayName":"D","externalId":"e","members":[{"value":"a"}]}}`, GroupChange{DisplayName: str("D"), ExternalID: str("e"), ReplaceMembers: true, AddMembers: []string{"a"}}, ""},
	{"Okta rename, pathless with id", `{"op":"replace","value":{"id":"g","displayName":"D"}}`, GroupChange{DisplayName: str("D")}, ""},
	{"rename by path", `{"op":"Replace","path":"displayName","value":"D"}`, GroupChange{DisplayName: str("D")}, ""},
	{"rename with URN", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:Group:displayName","value":"D"}`, GroupChange{DisplayName: str("D")}, ""},
	{"external id removed", `{"op":"remove","path":"externalId"}`, GroupChange{ExternalID: str("")}, ""},
	{"remove then add the same", `{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"a","display":"A"}]}`, GroupChange{AddMembers: []string{"a"}}, ""},
	{"add then remove the same", `{"op":"add","path":"members","value":[{"value":"a"}]},{"op":"remove","path":"members","value":[{"value":"a"}]}`, GroupChange{RemoveMembers: []string{"a"}}, ""},
	{"replace then remove one", `{"op":"replace","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"remove","path":"members[value eq \"a\"]"}`, GroupChange{ReplaceMembers: true, AddMembers: []string{"b"}}, ""},
	{"remove all then add", `{"op":"remove","path":"members"},{"op":"add","path":"members","value":[{"value":"b"}]}`, GroupChange{ReplaceMembers: true, AddMembers: []string{"b"}}, ""},
	{"duplicates count once", `{"op":"add","path":"members","value":[{"value":"a"},{"value":"a"}]},{"op":"add","path":"members","value":["a"]}`, GroupChange{AddMembers: []string{"a"}}, ""},
	{"replace a chosen member", `{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}`, GroupChange{AddMembers: []string{"b"}, RemoveMembers: []string{"a"}}, ""},
	{"unknown attributes are ignored", `{"op":"add","path":"owner","value":"x"}`, GroupChange{}, ""},
	{"members without a value: invalidValue", `{"op":"add","path":"members","value":[{"display":"a"}]}`, GroupChange{}, InvalidValue},
	{"empty member must not empty the group: invalidValue", `{"op":"replace","path":"members","value":[{"value":""}]}`, GroupChange{}, InvalidValue},
	{"members of another type: invalidValue", `{"op":"add","path":"members","value":7}`, GroupChange{}, InvalidValue},
	{"groups in groups", `{"op":"add","path":"members","value":[{"value":"g","type":"Group"}]}`, GroupChange{AddMembers: []string{"g"}}, ""},
	{"devices in groups: invalidValue", `{"op":"add","path":"members","value":[{"value":"g","type":"Device"}]}`, GroupChange{}, InvalidValue},
	{"other filters: invalidFilter", `{"op":"remove","path":"members[display sw \"a\"]"}`, GroupChange{}, InvalidFilter},
	{"negated filters: invalidFilter", `{"op":"remove","path":"members[not (value eq \"a\")]"}`, GroupChange{}, InvalidFilter},
	{"conjunction is not a list: invalidFilter", `{"op":"remove","path":"members[value eq \"a\" and value eq \"b\"]"}`, GroupChange{}, InvalidFilter},
	{"remove the name: mutability", `{"op":"remove","path":"displayName"}`, GroupChange{}, Mutability},
	{"empty name: invalidValue", `{"op":"replace","path":"displayName","value":""}`, GroupChange{}, InvalidValue},
	{"id by path: mutability", `{"op":"replace","path":"id","value":"x"}`, GroupChange{}, Mutability},
	{"display of a member by path: mutability", `{"op":"replace","path":"members[value eq \"a\"].display","value":"x"}`, GroupChange{}, Mutability},
	{"atomic", `{"op":"add","path":"members","value":[{"value":"a"}]},{"op":"remove","path":"displayName"}`, GroupChange{}, Mutability},
}

func str(s string) *string { return &s }

func TestPatchGroupIsADelta(t *testing.T) {
	t.Parallel()
	for _, tc := range groupPatches {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, err := DecodePatch([]byte(patchOf(tc.ops)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := PatchGroup(p)
			if tc.scimType != "" {
				if f := fault.Of(err); f == nil || f.Reason != tc.scimType || !got.Empty() {
					t.Fatalf("got %+v, %v; want scimType %s and no change", got, err, tc.scimType)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestPatchUserKeepsWhatFollowsFromElsewhere(t *testing.T) {
	t.Parallel()
	u := User{ID: "u", UserName: "a", Groups: []Link{{ID: "g"}}, Enterprise: Enterprise{ManagerID: "m", ManagerRef: "http://x/Users/m"}}
	p, err := DecodePatch([]byte(patchOf(`{"op":"Replace","path":"manager","value":"m"}`)))
	if err != nil {
		t.Fatal(err)
	}
	after, changed, err := PatchUser(RFC, u, p)
	if err != nil || changed || len(after.Groups) != 1 || after.ID != "u" {
		t.Errorf("got %+v, changed %v, %v", after, changed, err)
	}
}
