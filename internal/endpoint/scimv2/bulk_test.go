package scimv2_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/directory"
)

func bulk(failOnErrors int, ops ...string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":%d,"Operations":[%s]}`, failOnErrors, strings.Join(ops, ","))
}

func bulkPost(kind, id, data string) string {
	return `{"method":"POST","path":"/` + kind + `","bulkId":"` + id + `","data":` + data + `}`
}

// statuses are the results' own, in order.
func (r response) bulkStatuses() string {
	var out []string
	list, _ := r.at("Operations").([]any)
	for i := range list {
		out = append(out, r.text(fmt.Sprintf("Operations/%d/status", i)))
	}
	return strings.Join(out, " ")
}

func TestBulkRFC7644Section37(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	old, gone := w.user("old"), w.user("gone")
	managed := func(name, boss string) string {
		return strings.TrimSuffix(user(name), "}") + `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","manager":{"value":"` + boss + `"}}}`
	}
	got := w.must(200, "POST", "/Bulk", bulk(0,
		bulkPost("Groups", "g", group("Team", "bulkId:a", old, "bulkId:b")), // before those it speaks of
		bulkPost("Users", "a", managed("a", "bulkId:b")),                    // each other's manager
		bulkPost("Users", "b", managed("b", "bulkId:a")),
		`{"method":"PATCH","path":"/Users/`+old+`","version":"W/\"1\"","data":`+patch(`{"op":"replace","path":"title","value":"T"}`)+`}`,
		`{"method":"PATCH","path":"/Users/`+old+`","version":"W/\"1\"","data":`+patch(`{"op":"replace","path":"title","value":"U"}`)+`}`, // no longer 1
		`{"method":"DELETE","path":"/Users/`+gone+`"}`,
		`{"method":"DELETE","path":"/Users/`+gone+`"}`,
		bulkPost("Users", "twice", user("OLD")),
		bulkPost("Groups", "none", group("Lost", "bulkId:twice")),
		`{"method":"PATCH","path":"/Groups/bulkId:g","data":`+patch(`{"op":"remove","path":"members[value eq \"`+old+`\"]"}`)+`}`,
	))
	if want := "201 201 201 200 412 204 404 409 400 204"; got.bulkStatuses() != want {
		t.Fatalf("got  %s\nwant %s\n%s", got.bulkStatuses(), want, got.raw)
	}
	id := func(i int) string {
		l := got.text(fmt.Sprintf("Operations/%d/location", i))
		return l[strings.LastIndexByte(l, '/')+1:]
	}
	g, a, b := id(0), id(1), id(2)
	if got.text("Operations/7/bulkId") != "twice" || got.text("Operations/7/response/scimType") != "uniqueness" || got.at("Operations/0/response") != nil {
		t.Errorf("%s", got.raw)
	}
	if team := w.must(200, "GET", "/Groups/"+g, ""); team.at("members/#") != 2.0 || !strings.Contains(team.raw, a) || !strings.Contains(team.raw, b) {
		t.Errorf("the team: %s", team.raw)
	}
	for i, who := range []string{a, b} {
		u := w.must(200, "GET", "/Users/"+who, "")
		x := "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/"
		if u.text(x+"manager/value") != []string{b, a}[i] || u.text(x+"department") != "D" || u.text("meta/version") != got.text(fmt.Sprintf("Operations/%d/version", i+1)) {
			t.Errorf("%s\n%s", u.raw, got.raw)
		}
	}
	if n := w.must(200, "GET", "/Groups?filter=displayName+eq+%22Lost%22", "").at("totalResults"); n != 0.0 {
		t.Errorf("a group whose member was refused is there")
	}
}

func TestBulkStopsAfterSoManyErrors(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	bad := `{"method":"DELETE","path":"/Users/x"}`
	got := w.must(200, "POST", "/Bulk", bulk(2, bulkPost("Users", "a", user("a")), bad, bulkPost("Users", "b", user("b")), bad, bulkPost("Users", "c", user("c")), bad))
	if got.bulkStatuses() != "201 404 201 404" {
		t.Errorf("%s", got.raw)
	}
	if n := w.must(200, "GET", "/Users", "").at("totalResults"); n != 2.0 {
		t.Errorf("%v users, want those of before", n)
	}
}

// TestAttackBulk: what a bulk request may not do, alone or hidden among what it may.
func TestAttackBulk(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	otherID, otherToken := w.source("okta", directory.ProfileRFC, false)
	theirs := w.as(otherID, otherToken).user("theirs")
	data := user("x")
	for name, tc := range map[string]struct{ op, status string }{
		"reading":               {`{"method":"GET","path":"/Users/` + theirs + `"}`, "400"},
		"discovery":             {`{"method":"GET","path":"/Schemas"}`, "400"},
		"bulk in bulk":          {`{"method":"POST","path":"/Bulk","bulkId":"b","data":` + bulk(0, bulkPost("Users", "u", data)) + `}`, "400"},
		"a search":              {`{"method":"POST","path":"/Users/.search","bulkId":"b","data":{}}`, "400"},
		"a query":               {`{"method":"DELETE","path":"/Users/` + theirs + `?x=1"}`, "400"},
		"another directory":     {`{"method":"DELETE","path":"/../okta/v2/Users/` + theirs + `"}`, "404"},
		"another's user":        {`{"method":"DELETE","path":"/Users/` + theirs + `"}`, "404"},
		"another host":          {`{"method":"DELETE","path":"http://okta/Users/` + theirs + `"}`, "400"},
		"no path":               {`{"method":"DELETE","path":"Users"}`, "400"},
		"an unknown verb":       {`{"method":"BREW","path":"/Users"}`, "405"},
		"no data":               {`{"method":"POST","path":"/Users","bulkId":"b"}`, "400"},
		"data that is no user":  {bulkPost("Users", "b", `[1]`), "400"},
		"a reference to itself": {bulkPost("Groups", "b", group("G", "bulkId:b")), "400"},
		"an unknown reference":  {bulkPost("Groups", "b", group("G", "bulkId:zzz")), "400"},
		"a reference as a name": {bulkPost("Users", "b", user("bulkId:b")), "400"},
		"a circle of groups":    {bulkPost("Groups", "b", group("G", "bulkId:c")) + "," + bulkPost("Groups", "c", group("H", "bulkId:b")), "409 400"},
		"deleting everybody":    {`{"method":"DELETE","path":"/Users"}`, "405"},
	} {
		got := w.must(200, "POST", "/Bulk", bulk(0, tc.op))
		if got.bulkStatuses() != tc.status || !strings.HasPrefix(tc.status, got.text("Operations/0/response/status")) {
			t.Errorf("%s: %s, want %s", name, got.raw, tc.status)
		}
	}
	if n := w.must(200, "GET", "/Users", "").at("totalResults"); n != 0.0 {
		t.Errorf("%v users were made", n)
	}
	if n := w.must(200, "GET", "/Groups", "").at("totalResults"); n != 0.0 {
		t.Errorf("%v groups were made", n)
	}
	w.as(otherID, otherToken).must(200, "GET", "/Users/"+theirs, "")

	many := strings.Repeat(`{"method":"DELETE","path":"/Users/1"},`, 1000) + `{"method":"DELETE","path":"/Users/1"}`
	if got := w.must(400, "POST", "/Bulk", bulk(0, many)); got.text("scimType") != "tooMany" {
		t.Errorf("%s", got.raw)
	}
	r := httptest.NewRequest("POST", "/scim/"+w.id+"/v2/Bulk", strings.NewReader(bulk(0, bulkPost("Users", "u", data))))
	r.Header.Set("Authorization", "Bearer "+otherToken)
	if got := w.do(r); got.status != 401 {
		t.Errorf("with another directory's token: %d", got.status)
	}
	aws := start(t, directory.ProfileAWS)
	for _, path := range []string{"/Bulk", "/Users/.search", "/Me"} {
		if got := aws.send("POST", path, "{}"); got.status != 404 && got.status != 405 {
			t.Errorf("profile aws, %s: %d", path, got.status)
		}
	}
}

// TestABulkRequestOfManyReferencesIsDoneSoon: what waits for what is found out by looking at each reference a few times. By comparing all with all, a request of a
// megabyte took minutes.
func TestABulkRequestOfManyReferencesIsDoneSoon(t *testing.T) {
	t.Parallel()
	speaksOf := func(id string, n int, ref func(int) string) string {
		refs := make([]string, n)
		for i := range refs {
			refs[i] = `{"value":"bulkId:` + ref(i) + `"}`
		}
		return bulkPost("Groups", id, `{"displayName":"`+id+`","members":[`+strings.Join(refs, ",")+`]}`)
	}
	one := speaksOf("g", 38_000, func(i int) string { return fmt.Sprintf("%05d", i) })
	var circles []string
	for i := range 600 { // the first half waits for the second, whose groups wait for each other
		circles = append(circles, speaksOf(fmt.Sprintf("g%d", i), 40, func(k int) string { return fmt.Sprintf("g%d", 300+(i+k*7+1)%300) }))
	}
	for name, body := range map[string]string{"a group of many": bulk(0, one), "circles in circles": bulk(0, circles...)} {
		w := start(t, directory.ProfileRFC)
		began := time.Now()
		w.must(200, "POST", "/Bulk", body)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s, %d bytes: %s", name, len(body), took)
		}
	}
}

func TestSearchAndSortRFC7644Section343(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	w.source("okta", directory.ProfileRFC, false)
	names := func(r response) (out string) {
		list, _ := r.at("Resources").([]any)
		for _, x := range list {
			u := x.(map[string]any)
			if u["userName"] == nil {
				u["userName"] = u["displayName"]
			}
			out += u["userName"].(string) + " "
		}
		return strings.TrimSpace(out)
	}
	for _, n := range []string{"delta", "Alpha", "charlie", "bravo", "echo"} {
		w.user(n)
	}
	for _, n := range []string{"two", "One", "three"} {
		w.group(n)
	}
	for query, want := range map[string]string{
		"/Users?sortBy=userName":                                        "Alpha bravo charlie delta echo",
		"/Users?sortBy=userName&sortOrder=descending":                   "echo delta charlie bravo Alpha",
		"/Users?sortBy=userName&startIndex=2&count=2":                   "bravo charlie",
		"/Users?sortBy=userName&startIndex=5&count=2":                   "echo",
		"/Users?sortBy=userName&startIndex=6":                           "",
		"/Users?sortBy=userName&count=0":                                "",
		"/Users?sortBy=userName&filter=userName+co+%22a%22&count=2":     "Alpha bravo",
		"/Groups?sortBy=displayName":                                    "One three two",
		"/Groups?sortBy=displayName&excludedAttributes=members&count=1": "One",
	} {
		got := w.must(200, "GET", query, "")
		if names(got) != want {
			t.Errorf("%s: %s, want %s", query, names(got), want)
		}
		if total := got.at("totalResults"); !strings.Contains(query, "filter") && total != map[bool]any{true: 5.0, false: 3.0}[strings.HasPrefix(query, "/Users")] {
			t.Errorf("%s: %v in all", query, total)
		}
	}
	for query, scimType := range map[string]string{
		"sortBy=none": "invalidPath", "sortBy=groups": "invalidPath", "sortBy=userName&sortOrder=up": "invalidValue", "sortBy=userName&cursor=": "invalidValue", "sortBy=a&sortBy=b": "invalidValue",
	} {
		if got := w.must(400, "GET", "/Users?"+query, ""); got.text("scimType") != scimType {
			t.Errorf("%s: %s", query, got.raw)
		}
	}
	search := func(rest string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]` + rest + `}`
	}
	got := w.must(200, "POST", "/Users/.search", search(`,"filter":"userName sw \"a\" or userName sw \"b\"","sortBy":"userName","sortOrder":"descending","attributes":["userName"],"startIndex":1,"count":10`))
	if names(got) != "bravo Alpha" || got.at("Resources/0/name") != nil {
		t.Errorf("%s", got.raw)
	}
	if got := w.must(200, "POST", "/Groups/.search?filter=displayName+eq+%22two%22", search("")); got.at("totalResults") != 3.0 {
		t.Errorf("the query string of a search: %s", got.raw)
	}
	first := w.must(200, "POST", "/Users/.search", search(`,"cursor":"","count":3`))
	if rest := w.must(200, "POST", "/Users/.search", search(`,"cursor":"`+first.text("nextCursor")+`"`)); len(first.ids())+len(rest.ids()) != 5 {
		t.Errorf("%s\n%s", first.raw, rest.raw)
	}
	w.must(400, "POST", "/Users/.search", `{}`)
	w.must(400, "POST", "/Users/.search", search(`,"filter":"x"`))
	aws := start(t, directory.ProfileAWS)
	aws.user("b")
	aws.user("a")
	if got := aws.must(200, "GET", "/Users?sortBy=nothing&sortOrder=x", ""); len(got.ids()) != 2 {
		t.Errorf("profile aws ignores sortBy: %s", got.raw)
	}
}
