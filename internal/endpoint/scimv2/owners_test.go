package scimv2_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/arn"
	"gatehouse/internal/directory"
)

// twoDirectories is a world with a directory of each profile, each with its own token, and one user and one group of each and by hand.
type twoDirectories struct {
	rfc, aws                           *world
	rfcUser, awsUser, localUser        string
	rfcGroup, awsGroup, localGroup     string
	rfcName, awsName, localName, email string
}

func startTwo(t *testing.T) *twoDirectories {
	t.Helper()
	d := &twoDirectories{rfc: start(t, directory.ProfileRFC), rfcName: "ann", awsName: "olga", localName: "liz", email: "shared@example.com"}
	d.aws = d.rfc.as(d.rfc.source("okta", directory.ProfileAWS, false))
	mailed := func(name string) string { // the same address and the same externalId everywhere
		return strings.Replace(strings.TrimSuffix(user(name), "}"), `"externalId":"x-`+name+`"`, `"externalId":"x-1"`, 1) + `,"emails":[{"value":"` + d.email + `","type":"work","primary":true}]}`
	}
	d.rfcUser = d.rfc.must(201, "POST", "/Users", mailed(d.rfcName)).text("id")
	d.awsUser = d.aws.must(201, "POST", "/Users", mailed(d.awsName)).text("id")
	d.rfcGroup, d.awsGroup = d.rfc.group("Entra people", d.rfcUser), d.aws.group("Okta people", d.awsUser)
	local, err := d.rfc.service.CreateUser(t.Context(), admin, directory.User{UserName: d.localName, DisplayName: "Liz", Active: true, Emails: []directory.Value{{Value: d.email}}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := d.rfc.service.CreateGroup(t.Context(), admin, directory.Group{DisplayName: "By hand"}, []string{local.ID})
	if err != nil {
		t.Fatal(err)
	}
	d.localUser, d.localGroup = local.ID, g.ID
	return d
}

func (d *twoDirectories) adopt(t *testing.T, w *world, o directory.Owners) {
	t.Helper()
	if _, err := w.service.SetOwners(t.Context(), admin, w.id, o); err != nil {
		t.Fatal(err)
	}
}

// TestOwnersOneDirectoryMeetsWhatAnotherOwns: of what is not its own a directory's client sees nothing, changes nothing and names nothing as a
// member, whatever way it asks; only that a name is taken it is told, and by whom.
func TestOwnersOneDirectoryMeetsWhatAnotherOwns(t *testing.T) {
	t.Parallel()
	d := startTwo(t)
	before := (&attacked{world: d.rfc}).everything()
	for _, tc := range []struct {
		w                                        *world
		own, ownGroup                            string
		user, name, group, groupName, whose, fix string
	}{
		{d.rfc, d.rfcUser, d.rfcGroup, d.awsUser, d.awsName, d.awsGroup, "Okta people", "belongs to the directory okta", "gatehouse directory owners entra --directory okta=adopt"},
		{d.rfc, d.rfcUser, d.rfcGroup, d.localUser, d.localName, d.localGroup, "By hand", "was made by hand", "gatehouse directory owners entra --local adopt"},
		{d.aws, d.awsUser, d.awsGroup, d.rfcUser, d.rfcName, d.rfcGroup, "Entra people", "belongs to the directory entra", "gatehouse directory owners okta --directory entra=adopt"},
		{d.aws, d.awsUser, d.awsGroup, d.localUser, d.localName, d.localGroup, "By hand", "was made by hand", "gatehouse directory owners okta --local adopt"},
	} {
		w := tc.w
		for _, v := range []attempt{
			{"GET", "/Users/" + tc.user, ""}, {"PUT", "/Users/" + tc.user, user("stolen")}, {"DELETE", "/Users/" + tc.user, ""},
			{"PATCH", "/Users/" + tc.user, patch(`{"op":"replace","path":"active","value":false}`)},
			{"GET", "/Groups/" + tc.group, ""}, {"DELETE", "/Groups/" + tc.group, ""},
			{"PATCH", "/Groups/" + tc.group, patch(`{"op":"add","path":"members","value":[{"value":"` + tc.own + `"}]}`)},
		} {
			w.must(404, v.method, v.path, v.body)
		}
		w.must(400, "PATCH", "/Groups/"+tc.ownGroup, patch(`{"op":"add","path":"members","value":[{"value":"`+tc.user+`"}]}`))
		w.must(400, "POST", "/Groups", group("With a stranger", tc.user))
		w.must(204, "PATCH", "/Groups/"+tc.ownGroup, patch(`{"op":"remove","path":"members","value":[{"value":"`+tc.user+`"}]}`)) // no member, for all it knows
		for _, v := range []attempt{
			{"POST", "/Users", user(strings.ToUpper(tc.name))}, {"PUT", "/Users/" + tc.own, user(tc.name)},
			{"PATCH", "/Users/" + tc.own, patch(`{"op":"replace","path":"userName","value":"` + tc.name + `"}`)},
			{"POST", "/Groups", group(tc.groupName)}, {"PATCH", "/Groups/" + tc.ownGroup, patch(`{"op":"replace","path":"displayName","value":"` + tc.groupName + `"}`)},
		} {
			got := w.must(409, v.method, v.path, v.body)
			detail := got.text("detail")
			if !strings.Contains(detail, tc.whose) || !strings.Contains(detail, tc.fix) {
				t.Errorf("%s %s: %s", v.method, v.path, got.raw)
			}
			for _, secret := range []string{tc.user, tc.group, d.email, "x-1", "Liz"} {
				if strings.Contains(got.raw, secret) {
					t.Errorf("%s %s tells %q of another owner's: %s", v.method, v.path, secret, got.raw)
				}
			}
		}
		for _, path := range []string{
			`/Users?filter=userName+eq+%22` + tc.name + `%22`, `/Users?filter=id+eq+%22` + tc.user + `%22`, `/Groups?filter=displayName+eq+%22` + strings.ReplaceAll(tc.groupName, " ", "+") + `%22`,
			`/Groups?filter=id+eq+%22` + tc.group + `%22`,
		} {
			if got := w.must(200, "GET", path, ""); got.at("totalResults") != 0.0 {
				t.Errorf("%s %s: %s", w.id, path, got.raw)
			}
		}
		// What both have alike finds one's own alone.
		for _, path := range []string{`/Users?filter=externalId+eq+%22x-1%22`, "/Users", "/Groups"} {
			if got := w.must(200, "GET", path, ""); got.at("totalResults") != 1.0 || !slices.Contains([]string{tc.own, tc.ownGroup}, got.text("Resources/0/id")) {
				t.Errorf("%s %s: %s", w.id, path, got.raw)
			}
		}
	}
	if got := d.rfc.must(200, "GET", `/Users?filter=emails.value+eq+%22`+d.email+`%22`, ""); got.at("totalResults") != 1.0 {
		t.Errorf("by a shared address: %s", got.raw)
	}
	for _, path := range []string{`/Groups?filter=members.value+eq+%22` + d.awsUser + `%22`, `/Users?filter=groups.value+eq+%22` + d.awsGroup + `%22`} {
		if got := d.rfc.must(200, "GET", path, ""); got.at("totalResults") != 0.0 {
			t.Errorf("%s: %s", path, got.raw)
		}
	}
	if after := (&attacked{world: d.rfc}).everything(); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	// Each token opens its own door alone.
	d.rfc.as("okta", d.rfc.token).must(401, "GET", "/Users", "")
	d.aws.as("entra", d.aws.token).must(401, "GET", "/Users", "")
}

// TestOwnersMembersOfOthersStay: an administrator may put anybody into a directory's group. The directory's client neither sees nor removes
// those whom it could not have put there.
func TestOwnersMembersOfOthersStay(t *testing.T) {
	t.Parallel()
	d := startTwo(t)
	ctx := t.Context()
	for _, id := range []string{d.awsUser, d.localUser} {
		if _, err := d.rfc.service.AddMember(ctx, admin, d.rfcGroup, id); err != nil {
			t.Fatal(err)
		}
	}
	second := d.rfc.user("bob")
	path := "/Groups/" + d.rfcGroup
	if got := d.rfc.must(200, "GET", path, ""); got.at("members/#") != 1.0 || got.text("members/0/value") != d.rfcUser {
		t.Errorf("shown: %s", got.raw)
	}
	for _, v := range []attempt{
		{"PUT", path, group("Entra people", second)},
		{"PATCH", path, patch(`{"op":"replace","path":"members","value":[{"value":"` + second + `"}]}`)},
		{"PATCH", path, patch(`{"op":"remove","path":"members[value eq \"` + d.localUser + `\"]"}`)},
		{"PATCH", path, patch(`{"op":"remove","path":"members"}`)},
	} {
		if got := d.rfc.send(v.method, v.path, v.body); got.status >= 300 {
			t.Fatalf("%s %s: %d %s", v.method, v.body, got.status, got.raw)
		}
		for _, id := range []string{d.awsUser, d.localUser} {
			if _, err := d.rfc.service.MembershipOf(ctx, d.rfcGroup, id); err != nil {
				t.Errorf("after %s %s: %v", v.method, v.body, err)
			}
		}
	}
	if ms, err := d.rfc.service.MembersOf(ctx, d.rfcGroup, "", 10); err != nil || len(ms) != 2 {
		t.Errorf("%v, %v", ms, err)
	}
}

// TestOwnersAdopt: with a rule the client finds what is not its own, and owns it from its first change on; the id stays.
func TestOwnersAdopt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rules       directory.Owners
		user, group func(*twoDirectories) string
		name, team  string
		owner       string
	}{
		"made by hand":         {directory.Owners{Local: directory.RuleAdopt}, func(d *twoDirectories) string { return d.localUser }, func(d *twoDirectories) string { return d.localGroup }, "liz", "By hand", "local"},
		"of another directory": {directory.Owners{Directories: map[string]directory.OwnerRule{"okta": directory.RuleAdopt}}, func(d *twoDirectories) string { return d.awsUser }, func(d *twoDirectories) string { return d.awsGroup }, "olga", "Okta people", "okta"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startTwo(t)
			d.adopt(t, d.rfc, tc.rules)
			id, gid := tc.user(d), tc.group(d)
			// Found, and nothing taken over by looking, nor by a change that changes nothing.
			found := d.rfc.must(200, "GET", `/Users?filter=userName+eq+%22`+tc.name+`%22`, "")
			if found.text("Resources/0/id") != id || found.at("Resources/0/externalId") != nil {
				t.Fatalf("%s", found.raw)
			}
			if got := d.rfc.must(200, "GET", "/Users", ""); got.at("totalResults") != 2.0 {
				t.Errorf("%s", got.raw)
			}
			if got := d.rfc.must(409, "POST", "/Users", user(tc.name)); !strings.Contains(got.text("detail"), "this directory may adopt it") {
				t.Errorf("%s", got.raw)
			}
			d.rfc.must(200, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":true}`))
			if got := d.rfc.must(403, "DELETE", "/Users/"+id, ""); !strings.Contains(got.text("detail"), "can delete only what it owns") {
				t.Errorf("%s", got.raw)
			}
			d.rfc.must(403, "DELETE", "/Groups/"+gid, "")
			if u, err := d.rfc.service.User(t.Context(), id); err != nil || u.Source == "entra" || u.UpdatedBy == "entra" {
				t.Fatalf("taken over by looking: %+v, %v", u, err)
			}
			// The first change.
			d.rfc.must(200, "PATCH", "/Users/"+id, patch(`{"op":"add","path":"externalId","value":"e-7"}`))
			d.rfc.must(204, "PATCH", "/Groups/"+gid, patch(`{"op":"add","path":"members","value":[{"value":"`+d.rfcUser+`"}]}`))
			u, err := d.rfc.service.User(t.Context(), id)
			if err != nil || u.Source != "entra" || len(u.ExternalIDs) != 1 || u.ExternalID("scim/entra") != "e-7" || !u.Active {
				t.Errorf("%+v, %v", u, err)
			}
			g, err := d.rfc.service.Group(t.Context(), gid)
			if err != nil || g.Source != "entra" || g.ExternalID("scim/okta") != "" {
				t.Errorf("%+v, %v", g, err)
			}
			if ms, err := d.rfc.service.MembersOf(t.Context(), gid, "", 10); err != nil || len(ms) != 2 {
				t.Errorf("memberships after an adoption: %v, %v", ms, err)
			}
			users, groups, err := d.rfc.service.CountsOf(t.Context(), "entra")
			if err != nil || users != 2 || groups != 2 {
				t.Errorf("entra owns %d users and %d groups, %v", users, groups, err)
			}
			for resource, kind := range map[string]string{arn.User(id): "User", arn.Group(gid): "Group"} {
				e := d.rfc.lastEvent(resource)
				if e.Action != "gatehouse:Adopt"+kind || e.Detail["ownerBefore"] != tc.owner || e.Detail["owner"] != "entra" || e.Actor.ID != "entra" {
					t.Errorf("audited as %+v", e)
				}
			}
			d.aws.must(404, "GET", "/Users/"+id, "") // whoever owned it before
			d.rfc.must(204, "DELETE", "/Users/"+id, "")
		})
	}
}

// TestOwnersNeverAdoptTheBuiltInDirectory: no rule reaches those by whom the way back in is kept.
func TestOwnersNeverAdoptTheBuiltInDirectory(t *testing.T) {
	t.Parallel()
	d := startTwo(t)
	for _, o := range []directory.Owners{
		{Directories: map[string]directory.OwnerRule{directory.BuiltIn: directory.RuleAdopt}}, {Directories: map[string]directory.OwnerRule{"entra": directory.RuleAdopt}},
		{Directories: map[string]directory.OwnerRule{"nobody": directory.RuleAdopt}}, {Local: "share"}, {Directories: map[string]directory.OwnerRule{"okta": "share"}},
	} {
		if _, err := d.rfc.service.SetOwners(t.Context(), admin, "entra", o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	d.adopt(t, d.rfc, directory.Owners{Local: directory.RuleAdopt, Directories: map[string]directory.OwnerRule{"okta": directory.RuleAdopt}})
	u, err := d.rfc.service.CreateUser(t.Context(), admin, directory.User{UserName: "rescue", Active: true, Source: directory.BuiltIn})
	if err != nil {
		t.Fatal(err)
	}
	d.rfc.must(404, "GET", "/Users/"+u.ID, "")
	d.rfc.must(404, "PATCH", "/Users/"+u.ID, patch(`{"op":"replace","path":"active","value":false}`))
	d.rfc.must(400, "PATCH", "/Groups/"+d.rfcGroup, patch(`{"op":"add","path":"members","value":[{"value":"`+u.ID+`"}]}`))
	if got := d.rfc.must(409, "POST", "/Users", user("rescue")); !strings.Contains(got.text("detail"), "belongs to the built-in directory") || strings.Contains(got.text("detail"), "adopt") {
		t.Errorf("%s", got.raw)
	}
}

// unlisted is a store whose whole listings are counted.
type unlisted struct {
	directory.Store
	whole *int
}

func (s unlisted) Users(ctx context.Context, after string, limit int) ([]directory.User, error) {
	*s.whole++
	return s.Store.Users(ctx, after, limit)
}

func (s unlisted) Groups(ctx context.Context, after string, limit int) ([]directory.Group, error) {
	*s.whole++
	return s.Store.Groups(ctx, after, limit)
}

// TestOwnersAListingReadsWhatExistsForIt: with a rule, the listing of a directory has its own and what it may adopt, each once and by id, and nobody else's is read.
func TestOwnersAListingReadsWhatExistsForIt(t *testing.T) {
	t.Parallel()
	whole := 0
	w := startOn(t, directory.ProfileRFC, func(s directory.Store) directory.Store { return unlisted{s, &whole} })
	if _, err := w.service.CreateSource(t.Context(), admin, directory.Source{ID: "stranger"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.SetOwners(t.Context(), admin, w.id, directory.Owners{Local: directory.RuleAdopt}); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		source := []string{w.id, "", "stranger"}[i%3]
		if _, err := w.service.CreateUser(t.Context(), admin, directory.User{UserName: fmt.Sprint("u", i), Active: true, Source: source}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.CreateGroup(t.Context(), admin, directory.Group{DisplayName: fmt.Sprint("u", i), Source: source}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for path, name := range map[string]string{"/Users": "userName", "/Groups": "displayName"} {
		seen := map[string]bool{}
		last := ""
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			got := w.must(200, "GET", path+"?count=3&cursor="+cursor, "")
			list, _ := got.at("Resources").([]any)
			for i := range list {
				id, n := got.text(fmt.Sprintf("Resources/%d/id", i)), got.text(fmt.Sprintf("Resources/%d/%s", i, name))
				if seen[n] || id <= last {
					t.Errorf("%s: %s again, or out of order", path, n)
				}
				seen[n], last = true, id
			}
			cursor, _ = got.at("nextCursor").(string)
		}
		if len(seen) != 8 || seen["u2"] || !seen["u0"] || !seen["u1"] {
			t.Errorf("%s: %v", path, seen)
		}
		if got := w.must(200, "GET", path+"?filter=id+pr", ""); got.at("totalResults") != 8.0 {
			t.Errorf("%s: %s", path, got.raw)
		}
	}
	if whole != 0 {
		t.Errorf("everybody was read %d times", whole)
	}
}
