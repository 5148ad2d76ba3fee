package scim

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestEncodeUserRoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 3, 0, 0, 123456789, time.UTC)
	u := User{
		ID: "u-1", ExternalID: "e", UserName: "a", Active: yes(), Name: Name{Formatted: "F"},
		Emails: []Value{{Value: "x", Type: "work", Primary: true}}, IMs: []Value{{Value: "im"}},
		Addresses: []Address{{Locality: "L", Type: "home", Primary: true}}, Enterprise: Enterprise{ManagerID: "m", ManagerRef: "http://h/Users/m"},
		Groups: []Link{{ID: "g", Ref: "http://h/Groups/g", Display: "G"}},
		Meta:   Meta{Created: at, LastModified: at, Location: "http://h/Users/u-1", Version: ETag(3)},
	}
	got := string(Encode(Users(), u.Object()))
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + enterprise + `"],"id":"u-1","externalId":"e","userName":"a","name":{"formatted":"F"},"active":true,` +
		`"emails":[{"value":"x","type":"work","primary":true}],"ims":[{"value":"im"}],"addresses":[{"locality":"L","type":"home","primary":true}],` +
		`"groups":[{"value":"g","$ref":"http://h/Groups/g","display":"G"}],"` + enterprise + `":{"manager":{"value":"m","$ref":"http://h/Users/m"}},` +
		`"meta":{"resourceType":"User","created":"2026-11-24T03:00:00.123Z","lastModified":"2026-11-24T03:00:00.123Z","location":"http://h/Users/u-1","version":"W/\"3\""}}`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	back, err := DecodeUser(RFC, []byte(got))
	if err != nil {
		t.Fatal(err)
	}
	// The client may not set these.
	u.ID, u.Groups, u.Meta, u.Enterprise.ManagerRef = "", nil, Meta{}, ""
	if d := cmp.Diff(u, back); d != "" {
		t.Error(d)
	}
}

func TestProjectionRFC7644Section39(t *testing.T) {
	t.Parallel()
	o := userObject(t, sampleUser)
	o["id"] = "u-1"
	for _, tc := range []struct{ attributes, excluded, want string }{
		{"userName", "", `{"schemas":["` + UserURN + `"],"id":"u-1","userName":"bjensen@example.com"}`},
		{"USERNAME, active", "", `{"schemas":["` + UserURN + `"],"id":"u-1","userName":"bjensen@example.com","active":true}`},
		{"id", "", `{"schemas":["` + UserURN + `"],"id":"u-1"}`},
		{"nosuch", "", `{"schemas":["` + UserURN + `"],"id":"u-1"}`},
		{"name.givenName,emails.value,emails.type", "", `{"schemas":["` + UserURN + `"],"id":"u-1","name":{"givenName":"Barbara"},"emails":[{"value":"bjensen@example.com","type":"work"},{"value":"babs@home.example","type":"home"}]}`},
		{enterprise + ":department", "", `{"schemas":["` + UserURN + `","` + enterprise + `"],"id":"u-1","` + enterprise + `":{"department":"Tours"}}`},
		{enterprise, "", `{"schemas":["` + UserURN + `","` + enterprise + `"],"id":"u-1","` + enterprise + `":{"department":"Tours","manager":{"value":"m-1"}}}`},
		{"userName,title", "title,id", `{"schemas":["` + UserURN + `"],"id":"u-1","userName":"bjensen@example.com"}`},
		{"", "externalId,displayName,active,title,name,emails,roles,addresses.locality,addresses.country," + enterprise, `{"schemas":["` + UserURN + `"],"id":"u-1","userName":"bjensen@example.com","addresses":[{"type":"work"}]}`},
	} {
		before := o.clone()
		p := ParseProjection(Users(), tc.attributes, tc.excluded)
		if d := cmp.Diff(tc.want, string(Encode(Users(), p.Apply(o)))); d != "" {
			t.Errorf("attributes=%s excludedAttributes=%s: %s", tc.attributes, tc.excluded, d)
		}
		if !o.equal(before) {
			t.Fatal("the resource itself changed")
		}
	}
	for _, tc := range []struct {
		attributes, excluded string
		want                 bool
	}{{"", "", true}, {"", "members", false}, {"displayName", "", false}, {"members", "", true}, {"members.value", "", true}, {"id", "", false}, {"", "members.display", true}} {
		if got := ParseProjection(Groups(), tc.attributes, tc.excluded).Wants("members"); got != tc.want {
			t.Errorf("attributes=%s excludedAttributes=%s: Wants(members) = %v", tc.attributes, tc.excluded, got)
		}
	}
}

func TestListResponseRFC7644Section342(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		page Page
		want string
	}{
		{Page{StartIndex: 1}, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"itemsPerPage":0,"startIndex":1,"Resources":[]}`},
		{Page{Total: 9, StartIndex: 3, Resources: [][]byte{[]byte(`{"id":"a"}`)}}, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":9,"itemsPerPage":1,"startIndex":3,"Resources":[{"id":"a"}]}`},
		{Page{Total: -1, ByCursor: true, NextCursor: "c"}, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"itemsPerPage":0,"nextCursor":"c","Resources":[]}`},
	} {
		if d := cmp.Diff(tc.want, string(EncodeList(tc.page))); d != "" {
			t.Error(d)
		}
	}
}

func TestErrorBodyRFC7644Section312(t *testing.T) {
	t.Parallel()
	e := ErrorBody{Status: 400, ScimType: InvalidValue, Detail: `no "x"`, RequestID: "59370c32", At: time.Date(2024, 4, 5, 6, 32, 12, 227e6, time.UTC)}
	if d := cmp.Diff(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"no \"x\""}`, string(e.Encode(RFC))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(`{"schema":["urn:ietf:params:scim:api:messages:2.0:Error"],"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no \"x\"","status":"400","exceptionRequestId":"59370c32","timeStamp":"2024-04-05 06:32:12.227"}`, string(e.Encode(AWS))); d != "" {
		t.Error(d)
	}
}

func TestETagRFC7644Section314(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		`W/"7"`: true, `"7"`: true, `*`: true, `W/"6", W/"7"`: true, `W/"6"`: false, `7`: false, ``: false, `W/"77"`: false,
	} {
		if got := ETagMatches(header, 7); got != want {
			t.Errorf("ETagMatches(%q, 7) = %v", header, got)
		}
	}
}

func TestDiscoveryRFC7644Section4(t *testing.T) {
	t.Parallel()
	const base = "https://h/scim/d/v2"
	config, _ := parse(ServiceProviderConfig(RFC, base))
	aws, _ := parse(ServiceProviderConfig(AWS, base))
	for part, want := range map[string]struct{ rfc, aws bool }{
		"patch": {true, true}, "filter": {true, true}, "etag": {true, true}, "bulk": {true, false}, "sort": {true, false}, "changePassword": {false, false},
	} {
		for i, w := range []bool{want.rfc, want.aws} {
			v, _ := []any{config, aws}[i].(object).get(part)
			if s, _ := v.(object).get("supported"); s != w {
				t.Errorf("%s is advertised as %v, want %v", part, s, w)
			}
		}
	}
	ids, documents := Schemas(base)
	if d := cmp.Diff([]string{UserURN, GroupURN, EnterpriseURN}, ids); d != "" {
		t.Error(d)
	}
	all := string(ServiceProviderConfig(AWS, base))
	for _, d := range documents {
		all += string(d)
		if !jsontext.Value(d).IsValid() {
			t.Errorf("not JSON: %s", d)
		}
	}
	types, typeDocuments := ResourceTypes(base)
	if d := cmp.Diff([]string{"User", "Group"}, types); d != "" {
		t.Error(d)
	}
	// 7643 §6: a resource type names schemas that exist.
	for _, d := range typeDocuments {
		v, _ := parse(d)
		s, _ := v.(object).get("schema")
		if s != UserURN && s != GroupURN {
			t.Errorf("schema %v", s)
		}
		all += string(d)
	}
	if strings.Contains(all, "null") {
		t.Error("a discovery document holds null, which Entra cannot read")
	}
}

// Whatever /Schemas says can be written must survive a write and a read.
func TestEveryWritableAttributeOfTheTablesIsKept(t *testing.T) {
	t.Parallel()
	in := Object{}
	for _, a := range append([]Attribute{common[1]}, userSchema.Attributes...) {
		if a.Mutability != ReadOnly {
			in[a.Name] = sample(&a)
		}
	}
	x := Object{}
	for _, a := range enterpriseSchema.Attributes {
		x[a.Name] = sample(&a)
	}
	in[EnterpriseURN] = x
	u, err := DecodeUser(RFC, Encode(Users(), in))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, u.Object()); d != "" {
		t.Errorf("(-sent +kept):\n%s", d)
	}
}

func sample(a *Attribute) any {
	switch {
	case a.Type == Boolean:
		return true
	case a.Type == Complex:
		e := Object{}
		for i := range a.Sub {
			if a.Sub[i].Mutability != ReadOnly {
				e[a.Sub[i].Name] = sample(&a.Sub[i])
			}
		}
		if a.Multi {
			return []any{e}
		}
		return e
	}
	return a.Name
}
