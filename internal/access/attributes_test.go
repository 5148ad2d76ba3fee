package access_test

import (
	"maps"
	"strings"
	"testing"

	"gatehouse/internal/access"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// rich has a value for every attribute that may become a session tag.
var rich = directory.User{
	UserName: "ada", Name: directory.Name{FamilyName: "Lovelace", GivenName: "Ada"}, DisplayName: "Ada L.", NickName: "AL", UserType: "Employee", Title: "Analyst",
	Locale: "en-GB", Timezone: "Europe/London", Active: true,
	Emails:       []directory.Value{{Value: "first@example.com"}, {Value: "ada@example.com", Primary: true}},
	PhoneNumbers: []directory.Value{{Value: "+1", Type: "home"}, {Value: "+44", Type: "work"}},
	Addresses:    []directory.Address{{Locality: "Home", Type: "home"}, {Formatted: "All", StreetAddress: "1 St James", Locality: "London", Region: "LDN", PostalCode: "SW1", Country: "GB", Type: "Work"}},
	Enterprise:   directory.Enterprise{EmployeeNumber: "7", CostCenter: "cc1", Organization: "Engines", Division: "Analytical", Department: "Programs", ManagerID: "m-1"},
}

func TestEveryPathReadsItsAttribute(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	paths := map[string]string{
		"userName": "ada", "name.familyName": "Lovelace", "name.givenName": "Ada", "displayName": "Ada L.", "nickName": "AL", "emails[primary eq true].value": "ada@example.com",
		`addresses[type eq "work"].streetAddress`: "1 St James", `addresses[type eq "work"].locality`: "London", `addresses[type eq "work"].region`: "LDN",
		`addresses[type eq "work"].postalCode`: "SW1", `addresses[type eq "work"].country`: "GB", `addresses[type eq "work"].formatted`: "All",
		`phoneNumbers[type eq "work"].value`: "+44", "userType": "Employee", "title": "Analyst", "locale": "en-GB", "timezone": "Europe/London",
		"enterprise.employeeNumber": "7", "enterprise.costCenter": "cc1", "enterprise.organization": "Engines", "enterprise.division": "Analytical",
		"enterprise.department": "Programs", "enterprise.manager.value": "m-1",
	}
	var as []access.Attribute
	want, n := map[string]string{}, 0
	for path, value := range paths {
		n++
		key := strings.Repeat("k", n)
		as, want[key] = append(as, access.Attribute{Key: key, Source: "${path:" + path + "}"}), value
	}
	if err := w.EnableAttributes(ctx, admin, w.ins.ID, as); err != nil {
		t.Fatal(err)
	}
	got, err := w.SessionTags(ctx, w.ins.ID, rich, nil)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := w.SessionTags(ctx, w.ins.ID, directory.User{}, nil); err != nil || len(got) != 0 {
		t.Errorf("of a user without attributes: %v, %v", got, err)
	}
}

func TestSessionTags(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	tags := func(proved map[string]string) (map[string]string, error) {
		return w.SessionTags(ctx, w.ins.ID, rich, proved)
	}
	if got, err := tags(map[string]string{"Team": "a"}); err != nil || len(got) != 0 {
		t.Errorf("while not enabled: %v, %v", got, err)
	}
	if err := w.EnableAttributes(ctx, admin, w.ins.ID, []access.Attribute{{Key: "Title", Source: "${path:title}"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ proved, want map[string]string }{
		{nil, map[string]string{"Title": "Analyst"}},
		{map[string]string{"Team": "a"}, map[string]string{"Title": "Analyst", "Team": "a"}},
		{map[string]string{"Title": "Queen"}, map[string]string{"Title": "Analyst"}},
		{map[string]string{"title": "Queen"}, map[string]string{"Title": "Analyst"}}, // STS compares keys in any case
	} {
		if got, err := tags(c.proved); err != nil || !maps.Equal(got, c.want) {
			t.Errorf("proved %v: %v, %v, want %v", c.proved, got, err, c.want)
		}
	}
	many := map[string]string{}
	for i := range 50 {
		many[strings.Repeat("k", i+1)] = "v"
	}
	for _, bad := range []map[string]string{{"Team": "R&D"}, {"Team": strings.Repeat("x", 257)}, {"a\x00": "x"}, {"": "x"}, {"Team": "\xff"}, many} {
		if got, err := tags(bad); !fault.Is(err, fault.Denied) || fault.Of(err).Reason != "attribute" {
			t.Errorf("%v: %v, %v, want a refusal", bad, got, err)
		}
	}
}

func TestInstanceNameAndTags(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), t.Context()
	if err := w.RenameInstance(ctx, admin, w.ins.ID, "New.name"); err != nil {
		t.Fatal(err)
	}
	if err := w.RenameInstance(ctx, admin, w.ins.ID, "no spaces"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a name with a space: %v", err)
	}
	if err := w.TagInstance(ctx, admin, w.ins.ID, map[string]string{"a": "1"}, nil); err != nil {
		t.Fatal(err)
	}
	if i, err := w.Instance(ctx, w.ins.ID); err != nil || i.Name != "New.name" || i.Tags["a"] != "1" {
		t.Errorf("the instance is %v, %v", i, err)
	}
	if ok, err := w.HasRegion(ctx, "x\x00"); ok || err != nil {
		t.Errorf("a hostile region: %v, %v", ok, err)
	}
}
