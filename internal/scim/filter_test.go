package scim

import (
	"strings"
	"testing"

	"gatehouse/internal/fault"

	"github.com/google/go-cmp/cmp"
)

const sampleUser = `{
 "schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
 "userName":"bjensen@example.com","externalId":"Ext-1","displayName":"Babs \"B\" Jensen","active":true,"title":"Tour Guide",
 "name":{"familyName":"Jensen","givenName":"Barbara"},
 "emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@home.example","type":"home"}],
 "roles":[{"value":"reader","primary":true}],
 "addresses":[{"type":"work","locality":"Hollywood","country":"US"}],
 "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Tours","manager":{"value":"m-1"}}}`

func userObject(t testing.TB, body string) Object {
	t.Helper()
	u, err := DecodeUser(RFC, []byte(body))
	if err != nil {
		t.Fatalf("DecodeUser: %v", err)
	}
	return u.Object()
}

func TestFilterRFC7644Section3422(t *testing.T) {
	t.Parallel()
	o := userObject(t, sampleUser)
	o["id"] = "u-1"
	o["meta"] = Object{"lastModified": "2026-11-24T03:00:00.000Z"}
	for _, tc := range []struct {
		filter string
		want   bool
	}{
		{`userName eq "bjensen@example.com"`, true},
		{`userName Eq "BJENSEN@example.com"`, true}, // caseExact false, operator in any case
		{`USERNAME eq "bjensen@example.com"`, true}, // 7643 §2.1
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "bj"`, true},
		{`externalId eq "Ext-1"`, true},
		{`externalId eq "ext-1"`, false}, // caseExact true
		{`name.familyName co "ens"`, true},
		{`name.familyName co "xyz"`, false},
		{`userName ew ".com"`, true},
		{`title pr`, true},
		{`nickName pr`, false},
		{`nickName eq null`, true},
		{`title eq null`, false},
		{`title ne null`, true},
		{`nickName ne "x"`, true},
		{`title ne "Tour Guide"`, false},
		{`active eq true`, true},
		{`active eq "True"`, true}, // Entra
		{`active ne false`, true},
		{`title pr and active eq false`, false},
		{`title pr or active eq false`, true},
		{`not (title pr)`, false},
		{`not (nickName pr) and title pr`, true},
		{`nickName pr and title pr or active eq true`, true},    // and before or
		{`nickName pr and (title pr or active eq true)`, false}, // parentheses
		{`emails eq "babs@home.example"`, true},                 // default sub-attribute
		{`emails co "home.example"`, true},
		{`emails.type eq "home"`, true},
		{`emails[type eq "work" and value co "@example.com"]`, true},
		{`emails[type eq "home" and value co "@example.com"]`, false},
		{`emails[not (type eq "work")]`, true},
		{`emails[type eq "work"].value eq "bjensen@example.com"`, true}, // not in the RFC's grammar; Entra
		{`emails[type eq "home"].value eq "bjensen@example.com"`, false},
		{`emails[type eq "home"].value pr`, true},
		{`emails[type eq "other"].value pr`, false},
		{`emails[primary eq "True"].value sw "bj"`, true},
		{`emails[primary eq false].value sw "babs"`, true},
		{`roles[primary eq "True"].value eq "reader"`, true},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "tours"`, true},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m-1"`, true},
		{`id eq "u-1" and manager eq "m-1"`, true},
		{`manager eq "m-2" and id eq "u-1"`, false},
		{`meta.lastModified gt "2026-11-24T02:00:00Z"`, true},
		{`meta.lastModified ge "2026-11-24T04:00:00+01:00"`, true},
		{`meta.lastModified lt "2026-11-24T03:00:00Z"`, false},
		{`userName gt "a" and userName lt "c"`, true},
		{`displayName eq "Babs \"B\" Jensen"`, true}, // escapes are decoded
		{`displayName eq "Babs \u0022B\u0022 Jensen"`, true},
		{`nosuch eq "x"`, false},
		{`nosuch pr`, false},
		{`not (nosuch pr)`, true},
		{`  userName   eq   "bjensen@example.com"  `, true},
		{`(((userName pr)))`, true},
	} {
		t.Run(tc.filter, func(t *testing.T) {
			t.Parallel()
			f, err := ParseFilter(Users(), tc.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Match(o); got != tc.want {
				t.Errorf("Match = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestFilterRefusedWithInvalidFilterRFC7644Section312(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		``, ` `, `userName`, `userName eq`, `userName eq 'x'`, `userName co x`, `userName eq x"y"`, `userName eq x y`, `userName eq true`, `nosuch eq x`, `userName eq "x`, `userName is "x"`, `eq "x"`, `"x" eq userName`,
		`userName eq "x" and`, `userName eq "x" or or title pr`, `(userName pr`, `userName pr)`, `not userName pr`,
		`emails[type eq "work"`, `emails[type eq "work"].`, `emails[type eq "work"].nosuch eq "x"`, `emails[]`, `title[value pr]`,
		`emails[emails[type pr]]`, `active gt true`, `active eq "yes"`, `active co "t"`, `active eq 1`, `meta.lastModified gt "yesterday"`,
		`meta.lastModified gt 5`, `title eq true`, `title gt null`, `name eq "x"`, `userName eq "\x"`, "userName eq \"\xff\"",
		`userName eq 1 2`, `user..Name pr`, `.x pr`, `userName eq "a" "b"`, `userName eq "x" xor title pr`,
		strings.Repeat("(", 60) + `title pr` + strings.Repeat(")", 60),
		strings.Repeat("not (", 60) + `title pr` + strings.Repeat(")", 60),
		`title eq "` + strings.Repeat("x", maxFilterLength) + `"`,
		`title pr` + strings.Repeat(` or title pr`, maxFilterTerms),
	} {
		f, err := ParseFilter(Users(), s)
		if err == nil {
			t.Errorf("%q was read as %+v", clip(s), f)
			continue
		}
		if got := fault.Of(err); got.Kind != fault.Invalid || got.Reason != InvalidFilter {
			t.Errorf("%q: %v %q", clip(s), got.Kind, got.Reason)
		}
	}
}

func TestFilterKeysAreWhatEveryMatchMustSatisfy(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rt     *ResourceType
		filter string
		want   []Key
	}{
		{Users(), `userName eq "a"`, []Key{{"userName", "a"}}},
		{Users(), `userName eq a+b@example.com`, []Key{{"userName", "a+b@example.com"}}},
		{Users(), `userName eq 007 and title pr`, []Key{{"userName", "007"}}},
		{Users(), `(userName eq a) and emails eq a@example.com`, []Key{{"userName", "a"}, {"emails.value", "a@example.com"}}},
		{Users(), `emails[type eq "work"].value eq "x"`, []Key{{"emails.value", "x"}}},
		{Users(), `emails[type eq "work" and value eq "x"]`, []Key{{"emails.value", "x"}}},
		{Users(), `emails eq "x"`, []Key{{"emails.value", "x"}}},
		{Users(), `emails.value eq "x"`, []Key{{"emails.value", "x"}}},
		{Users(), `groups.value eq "g"`, []Key{{"groups.value", "g"}}},
		{Users(), `manager eq "m" and id eq "u"`, []Key{{"manager.value", "m"}, {"id", "u"}}},
		{Users(), `(userName eq "a" and title pr) and externalId eq "e"`, []Key{{"userName", "a"}, {"externalId", "e"}}},
		{Users(), `userName eq "a" or externalId eq "e"`, nil},
		{Users(), `not (userName eq "a")`, nil},
		{Users(), `userName sw "a"`, nil},
		{Users(), `userName eq null`, nil},
		{Users(), `nosuch eq "a"`, nil},
		{Groups(), `id eq "g" and members eq "u"`, []Key{{"id", "g"}, {"members.value", "u"}}},
		{Groups(), `member eq "u"`, []Key{{"members.value", "u"}}},
		{Groups(), `members[value eq "u"]`, []Key{{"members.value", "u"}}},
		{Groups(), `displayName eq "G"`, []Key{{"displayName", "G"}}},
	} {
		f, err := ParseFilter(tc.rt, tc.filter)
		if err != nil {
			t.Errorf("%s: %v", tc.filter, err)
			continue
		}
		if d := cmp.Diff(tc.want, f.Keys()); d != "" {
			t.Errorf("%s: %s", tc.filter, d)
		}
	}
}

func TestFilterWithoutAnAnsweredKey(t *testing.T) {
	t.Parallel()
	f, err := ParseFilter(Groups(), `members eq "u" and displayName sw "A"`)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Uses("members") {
		t.Error("Uses(members) = false")
	}
	rest := f.Without(Key{"members.value", "u"})
	if rest.Uses("members") {
		t.Error("the answered condition is still there")
	}
	if !rest.Match(Object{"displayName": "abc"}) || rest.Match(Object{"displayName": "xyz"}) {
		t.Error("the rest is not displayName sw \"A\"")
	}
	f, _ = ParseFilter(Groups(), `members eq "u"`)
	if f.Without(Key{"members.value", "u"}) != nil || !f.Without(Key{"members.value", "u"}).Match(Object{}) {
		t.Error("nothing should be left, and nothing matches everything")
	}
	if f, _ = ParseFilter(Groups(), `members[value eq "u"]`); f.Without(Key{"members.value", "u"}) != nil {
		t.Error("a value path that says only the key is answered by it")
	}
	if f, _ = ParseFilter(Users(), `emails[type eq "work" and value eq "x"]`); f.Without(Key{"emails.value", "x"}) == nil {
		t.Error("a value path that says more than the key is not answered by it")
	}
	if f, _ = ParseFilter(Groups(), `members eq "u" and members eq "v"`); f == nil {
		t.Fatal("not read")
	}
	if _, ok := f.Value("members.value"); ok {
		t.Error("two different demands are not one value")
	}
}

func TestFilterProfileAWSKnowsOnlyEqAnd(t *testing.T) {
	t.Parallel()
	for filter, ok := range map[string]bool{
		`userName eq "a"`: true, `id eq "u" and manager eq "m"`: true, `emails[type eq "work"].value eq "x"`: true,
		`userName sw "a"`: false, `userName eq "a" or title eq "b"`: false, `not (title eq "a")`: false, `title pr`: false,
	} {
		f, err := ParseFilter(Users(), filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := AWS.CheckFilter(f) == nil; got != ok {
			t.Errorf("%s: accepted = %v, want %v", filter, got, ok)
		}
		if RFC.CheckFilter(f) != nil {
			t.Errorf("%s: refused by the rfc profile", filter)
		}
	}
}

func BenchmarkParseFilter(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseFilter(userType, `userName eq "bjensen"`); err != nil {
			b.Fatal(err)
		}
	}
}
