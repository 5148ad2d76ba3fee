package scimv2_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

func (w *world) expand() {
	w.t.Helper()
	if _, err := w.service.SetNesting(w.t.Context(), admin, w.id, directory.NestingExpand); err != nil {
		w.t.Fatal(err)
	}
}

// member is one as clients send it; Okta leaves the type out.
func member(id, kind string) string {
	if kind == "" {
		return `{"value":"` + id + `"}`
	}
	return `{"value":"` + id + `","type":"` + kind + `"}`
}

func addMembers(members ...string) string {
	return patch(`{"op":"add","path":"members","value":[` + strings.Join(members, ",") + `]}`)
}

// TestNestedGroupsAreRefusedByDefault: whatever the client calls the member's type, and with a reason that says what would let it in.
func TestNestedGroupsAreRefusedByDefault(t *testing.T) {
	t.Parallel()
	for _, profile := range []directory.Profile{directory.ProfileRFC, directory.ProfileAWS} {
		w := start(t, profile)
		child, parent := w.group("child", w.user("ann")), w.group("parent")
		before := (&attacked{world: w}).everything()
		for _, kind := range []string{"Group", "group", "User", ""} {
			got := w.must(400, "PATCH", "/Groups/"+parent, addMembers(member(child, kind)))
			if got.text("scimType") != "invalidValue" && profile == directory.ProfileRFC || !strings.Contains(got.raw, "gatehouse directory nesting entra expand") {
				t.Errorf("%q: %s", kind, got.raw)
			}
			w.must(400, "POST", "/Groups", `{"displayName":"new","members":[`+member(child, kind)+`]}`)
		}
		if after := (&attacked{world: w}).everything(); after != before {
			t.Errorf("%s\n%s", before, after)
		}
	}
}

func TestNestedGroups(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	w.expand()
	ann, bob := w.user("ann"), w.user("bob")
	team := w.group("team", ann)
	area := w.must(201, "POST", "/Groups", `{"displayName":"area","members":[`+member(team, "Group")+`]}`).text("id")
	all := w.group("all", bob)
	w.must(204, "PATCH", "/Groups/"+all, addMembers(member(area, "")))

	// Both kinds are shown, and a user's groups say how she is in them.
	if got := w.must(200, "GET", "/Groups/"+all, ""); got.at("members/#") != 2.0 || got.text("members/0/value") != bob || got.text("members/0/type") != "User" ||
		got.text("members/1/value") != area || got.text("members/1/type") != "Group" || got.text("members/1/$ref") != "http://gatehouse.test/scim/entra/v2/Groups/"+area {
		t.Errorf("%s", got.raw)
	}
	kinds := map[string]string{}
	got := w.must(200, "GET", "/Users/"+ann, "")
	for i := range 3 {
		kinds[got.text(fmt.Sprintf("groups/%d/display", i))] = got.text(fmt.Sprintf("groups/%d/type", i))
	}
	if got.at("groups/#") != 3.0 || kinds["team"] != "direct" || kinds["area"] != "indirect" || kinds["all"] != "indirect" {
		t.Errorf("%s", got.raw)
	}
	for path, want := range map[string]float64{
		`/Users?filter=groups.value+eq+%22` + all + `%22`: 2, `/Users?filter=groups.value+eq+%22` + team + `%22`: 1, `/Users?filter=groups.value+eq+%22` + all + `%22&count=1&cursor=`: 0,
		`/Users?filter=userName+eq+%22ann%22+and+groups.value+eq+%22` + all + `%22`: 1, `/Users?filter=userName+eq+%22bob%22+and+groups.value+eq+%22` + area + `%22`: 0,
		`/Groups?filter=members.value+eq+%22` + area + `%22`: 1, `/Groups?filter=members.value+eq+%22` + ann + `%22`: 1,
		`/Groups?filter=id+eq+%22` + all + `%22+and+members.value+eq+%22` + area + `%22`: 1, `/Groups?filter=id+eq+%22` + all + `%22+and+members.value+eq+%22` + team + `%22`: 0,
	} {
		if strings.HasSuffix(path, "cursor=") {
			first := w.must(200, "GET", path, "")
			second := w.must(200, "GET", path+first.text("nextCursor"), "")
			if a, b := first.text("Resources/0/id"), second.text("Resources/0/id"); a == "" || b == "" || a == b || second.at("nextCursor") != nil {
				t.Errorf("%s\n%s", first.raw, second.raw)
			}
			continue
		}
		if got := w.must(200, "GET", path, ""); got.at("totalResults") != want {
			t.Errorf("%s: %s, want %v", path, got.raw, want)
		}
	}

	// A circle is refused, and a repetition is no change.
	for _, above := range []string{all, area, team} {
		if got := w.must(400, "PATCH", "/Groups/"+team, addMembers(member(above, "Group"))); got.text("scimType") != "invalidValue" {
			t.Errorf("%s", got.raw)
		}
	}
	tag := w.must(200, "GET", "/Groups/"+all, "").header.Get("ETag")
	w.must(204, "PATCH", "/Groups/"+all, addMembers(member(area, ""), member(bob, "")))
	w.must(204, "PATCH", "/Groups/"+all, patch(`{"op":"remove","path":"members[value eq \"`+team+`\"]"}`))
	if now := w.must(200, "GET", "/Groups/"+all, "").header.Get("ETag"); now != tag {
		t.Errorf("repetitions changed %s to %s", tag, now)
	}
	w.must(400, "PATCH", "/Groups/"+all, addMembers(member("0123456789-00000000-0000-0000-0000-000000000000", "Group")))

	// Out again, by removal, by replacement, by the group's end.
	in := func(group string, want bool) {
		t.Helper()
		got := w.must(200, "GET", `/Users?filter=userName+eq+%22ann%22+and+groups.value+eq+%22`+group+`%22`, "")
		if (got.at("totalResults") == 1.0) != want {
			t.Errorf("ann is in %s: %s", group, got.raw)
		}
	}
	w.must(204, "PATCH", "/Groups/"+all, patch(`{"op":"remove","path":"members","value":[`+member(area, "Group")+`]}`))
	in(all, false)
	w.must(200, "PUT", "/Groups/"+all, `{"displayName":"all","members":[`+member(bob, "")+`,`+member(area, "")+`]}`)
	in(all, true)
	w.must(200, "PUT", "/Groups/"+all, group("all", bob))
	in(all, false)
	in(area, true)
	w.must(204, "DELETE", "/Groups/"+team, "")
	in(area, false)
}

// TestNestedGroupsOfOthers: what another directory owns is no member, neither to be named nor to be shown nor to be taken out.
func TestNestedGroupsOfOthers(t *testing.T) {
	t.Parallel()
	d := startTwo(t)
	d.rfc.expand()
	for _, theirs := range []string{d.awsGroup, d.localGroup} {
		d.rfc.must(400, "PATCH", "/Groups/"+d.rfcGroup, addMembers(member(theirs, "Group")))
		_, err := d.rfc.service.UpdateGroup(t.Context(), admin, d.rfcGroup, 0, func(*directory.Group) (directory.MemberChange, error) {
			return directory.MemberChange{AddGroups: []string{theirs}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := d.rfc.must(200, "GET", "/Groups/"+d.rfcGroup, ""); got.at("members/#") != 1.0 {
		t.Errorf("%s", got.raw)
	}
	d.rfc.must(204, "PATCH", "/Groups/"+d.rfcGroup, patch(`{"op":"remove","path":"members"}`))
	if ns, err := d.rfc.service.NestedIn(t.Context(), d.rfcGroup, "", 10); err != nil || len(ns) != 2 {
		t.Errorf("%v, %v", ns, err)
	}
}

// TestNestedGroupsCountForTheGuard: a group that is taken out of another takes away what all who are below it had by it.
func TestNestedGroupsCountForTheGuard(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	w.expand()
	_, err := w.service.UpdateSource(t.Context(), admin, w.id, func(s *directory.Source) error {
		s.Guard = directory.Guard{Share: 1, Least: 2}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var below []string
	for i := range 4 {
		below = append(below, w.group(fmt.Sprint("g", i)))
	}
	top := w.group("top", below...)
	remove := func(id string) string { return patch(`{"op":"remove","path":"members[value eq \"` + id + `\"]"}`) }
	w.must(204, "PATCH", "/Groups/"+top, remove(below[0]))
	w.must(204, "PATCH", "/Groups/"+top, remove(below[0])) // is none any more
	w.must(204, "PATCH", "/Groups/"+top, remove(below[1]))
	for _, body := range []string{remove(below[2]), patch(`{"op":"remove","path":"members"}`)} {
		if got := w.must(403, "PATCH", "/Groups/"+top, body); !strings.Contains(got.raw, "removals are held") {
			t.Errorf("%s", got.raw)
		}
	}
	if ns, err := w.service.NestedIn(t.Context(), top, "", 10); err != nil || len(ns) != 2 {
		t.Errorf("%v, %v", ns, err)
	}
	_, err = w.service.SetNesting(t.Context(), admin, w.id, directory.NestingRefuse)
	if f := fault.Of(err); f == nil || f.Reason != "in-use" {
		t.Errorf("nesting was forbidden while a group has groups: %v", err)
	}
}
