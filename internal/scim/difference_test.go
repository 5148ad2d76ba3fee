package scim

import (
	"fmt"
	"testing"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	before := User{ID: "1", UserName: "ann", Active: &yes, Name: Name{GivenName: "Ann", FamilyName: "Ash"}, Emails: []Value{{Value: "a@x", Type: "work", Primary: true}}, Enterprise: Enterprise{Department: "IT"}}
	after := User{ID: "1", UserName: "ann", Active: &no, Name: Name{GivenName: "Ann", FamilyName: "Oak"}, Title: "Lead", Emails: []Value{{Value: "b@x", Type: "work", Primary: true}}}
	got := ""
	for _, d := range Differences(before.Object(), after.Object()) {
		got += fmt.Sprintf("%s: %s → %s\n", d.Attribute, d.Before, d.After)
	}
	want := `active: true → false
emails: [{"primary":true,"type":"work","value":"a@x"}] → [{"primary":true,"type":"work","value":"b@x"}]
name.familyName: "Ash" → "Oak"
title:  → "Lead"
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department: "IT" → 
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := len(Differences(nil, before.Object())); n != 6 {
		t.Errorf("a new user differs from none in %d attributes, want 6: neither id nor meta", n)
	}
	if d := Differences(before.Object(), before.Object()); d != nil {
		t.Errorf("a user differs from herself: %v", d)
	}
}
