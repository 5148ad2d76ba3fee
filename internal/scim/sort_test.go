package scim

import (
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func TestSortRFC7644Section3423(t *testing.T) {
	t.Parallel()
	people := map[string]string{
		"ann": `{"userName":"ann","name":{"familyName":"Zoe"},"active":true,"emails":[{"value":"b@x"},{"value":"z@x","primary":true}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"b"}}`,
		"Bob": `{"userName":"Bob","name":{"familyName":"adam"},"active":false,"emails":[{"value":"c@x"}]}`,
		"cyd": `{"userName":"cyd","active":true,"emails":[{"value":"a@x"},{"value":"y@x"}],"externalId":"A","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"A"}}`,
		"dan": `{"userName":"dan","externalId":"a"}`,
	}
	for _, tc := range []struct{ by, order, want string }{
		{"userName", "", "ann Bob cyd dan"},
		{"username", "Descending", "dan cyd Bob ann"},
		{"name.familyName", "ascending", "Bob ann cyd dan"},    // without a value: last
		{"name.familyName", "descending", "cyd dan ann Bob"},   // and first
		{"emails", "", "cyd Bob ann dan"},                      // the primary address, or the first
		{"emails.value", "descending", "dan ann Bob cyd"},      //
		{"active", "", "Bob ann cyd dan"},                      // false before true
		{"externalId", "", "cyd dan ann Bob"},                  // case counts: A before a
		{EnterpriseURN + ":department", "", "cyd ann Bob dan"}, // case does not
	} {
		s, err := ParseSort(Users(), tc.by, tc.order)
		if err != nil || !s.Given() {
			t.Errorf("%s %s: %v", tc.by, tc.order, err)
			continue
		}
		names := []string{"ann", "Bob", "cyd", "dan"}
		keys := map[string]SortKey{}
		for _, n := range names {
			keys[n] = s.Key(userObject(t, people[n]))
		}
		slices.SortStableFunc(names, func(a, b string) int { return s.Compare(keys[a], keys[b]) })
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.by, tc.order, got, tc.want)
		}
	}
	for _, tc := range []struct{ by, order, scimType string }{
		{"nothing", "", InvalidPath}, {"name", "", InvalidPath}, {"addresses", "", InvalidPath}, {"groups", "", InvalidPath}, {"groups.display", "", InvalidPath},
		{EnterpriseURN, "", InvalidPath}, {"emails[type eq \"work\"]", "", InvalidPath}, {"userName", "up", InvalidValue},
	} {
		if _, err := ParseSort(Users(), tc.by, tc.order); err == nil || reason(err) != tc.scimType {
			t.Errorf("%s %s: %v, want %s", tc.by, tc.order, err, tc.scimType)
		}
	}
	if s, err := ParseSort(Users(), " ", "sideways"); err != nil || s.Given() {
		t.Errorf("an order of nothing: %v", err)
	}
	if _, err := ParseSort(Groups(), "members", ""); reason(err) != InvalidPath {
		t.Errorf("members: %v", err)
	}
}

func TestSearchRequestRFC7644Section343(t *testing.T) {
	t.Parallel()
	const schema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]`
	got, err := DecodeSearch([]byte(`{` + schema + `,"attributes":["userName","name.givenName"],"excludedAttributes":"emails","Filter":"title pr","sortBy":"title","startIndex":2,"count":"5","other":{},"cursor":null}`))
	want := map[string]string{"attributes": "userName,name.givenName", "excludedAttributes": "emails", "filter": "title pr", "sortBy": "title", "startIndex": "2", "count": "5"}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q, want %q", k, got[k], v)
		}
	}
	for body, scimType := range map[string]string{
		`{}`:                                         InvalidSyntax,
		`[]`:                                         InvalidSyntax,
		`{"schemas":["` + patchURN + `"]}`:           InvalidSyntax,
		`{` + schema + `,"count":1.5}`:               InvalidValue,
		`{` + schema + `,"count":true}`:              InvalidValue,
		`{` + schema + `,"filter":["a"]}`:            InvalidValue,
		`{` + schema + `,"attributes":[1]}`:          InvalidValue,
		`{` + schema + `,"filter":"a","FILTER":"b"}`: InvalidSyntax,
	} {
		if _, err := DecodeSearch([]byte(body)); reason(err) != scimType {
			t.Errorf("%s: %v, want %s", body, err, scimType)
		}
	}
}

// reason is the scimType of a refusal, "" without one.
func reason(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Reason
	}
	return ""
}
