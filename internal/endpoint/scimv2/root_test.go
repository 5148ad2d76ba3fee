package scimv2_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/directory"
)

// names are the user names and display names of a page, in its order.
func (r response) names() string {
	var out []string
	list, _ := r.at("Resources").([]any)
	for i := range list {
		name := r.text(fmt.Sprintf("Resources/%d/userName", i))
		if name == "" {
			name = r.text(fmt.Sprintf("Resources/%d/displayName", i))
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestQueriesAtTheRootRFC7644Section3421(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	other := w.as(w.source("okta", directory.ProfileRFC, false))
	other.group("theirs", other.user("olga"))
	ann, bob := w.user("ann"), w.user("bob")
	w.group("ann", ann, bob)
	w.group("crew", bob)
	for query, want := range map[string]string{
		"": "ann ann bob crew", "filter=id pr": "ann ann bob crew",
		`filter=userName eq "ANN"`: "ann", `filter=displayName eq "ann"`: "ann", `filter=displayName co "n"`: "ann ann",
		`filter=meta.resourceType eq "Group"`: "ann crew", `filter=meta.resourceType eq "User" and userName sw "b"`: "bob",
		`filter=userName eq "bob" or displayName eq "crew"`: "bob crew", `filter=not (userName pr)`: "ann crew", `filter=userName ne "ann"`: "ann bob crew",
		`filter=members.value eq "` + bob + `"`: "ann crew", `filter=id eq "` + ann + `"`: "ann", `filter=externalId eq "x-bob"`: "bob", `filter=userName eq "olga"`: "", `filter=displayName eq "theirs"`: "",
		`filter=nothing eq "x"`: "",
	} {
		values, _ := url.ParseQuery(strings.ReplaceAll(query, " ", "+"))
		got := w.must(200, "GET", "/?"+values.Encode(), "")
		names := strings.Fields(got.names())
		slices.Sort(names)
		if strings.Join(names, " ") != want || got.at("totalResults") != float64(len(names)) || got.at("schemas/0") != "urn:ietf:params:scim:api:messages:2.0:ListResponse" {
			t.Errorf("%s: got %v, want %q", query, got.raw, want)
		}
		body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]`
		if f := values.Get("filter"); f != "" {
			body += `,"filter":"` + strings.ReplaceAll(f, `"`, `\"`) + `"`
		}
		if searched := w.must(200, "POST", "/.search", body+"}"); searched.raw != got.raw {
			t.Errorf("%s: by POST %s, by GET %s", query, searched.raw, got.raw)
		}
	}

	// Pages by index and by cursor meet everything once, users first.
	whole := w.must(200, "GET", "/", "").names()
	var byIndex, byCursor []string
	for i := range 4 {
		got := w.must(200, "GET", fmt.Sprintf("/?startIndex=%d&count=1", i+1), "")
		byIndex = append(byIndex, got.names())
		if got.at("totalResults") != 4.0 {
			t.Errorf("%s", got.raw)
		}
	}
	for cursor, n := "", 0; n < 5; n++ {
		got := w.must(200, "GET", "/?count=1&cursor="+cursor, "")
		byCursor = append(byCursor, got.names())
		if cursor = got.text("nextCursor"); cursor == "" {
			break
		}
	}
	if strings.Join(byIndex, " ") != whole || strings.Join(byCursor, " ") != whole {
		t.Errorf("whole %q, by index %q, by cursor %q", whole, byIndex, byCursor)
	}
	if got := w.must(200, "GET", "/?sortBy=displayName", "").names(); got != "ann crew ann bob" { // "ann", "crew", "D ann", "D bob"
		t.Errorf("sorted: %q", got)
	}
	if got := w.must(200, "GET", "/?sortBy=userName&sortOrder=descending&count=2&startIndex=3", "").names(); got != "bob ann" { // those without one come first
		t.Errorf("sorted by what only users have: %q", got)
	}
	if got := w.must(200, "GET", "/?attributes=userName,displayName&filter=displayName+eq+%22crew%22", ""); got.at("Resources/0/members") != nil || got.at("Resources/0/displayName") != "crew" {
		t.Errorf("%s", got.raw)
	}
	for path, status := range map[string]int{"/?filter=x": 400, "/?filter=active+gt+true": 400, "/?sortBy=nosuch": 400, "/?cursor=AAAA": 400, "/?groups.value+sw": 200} {
		w.must(status, "GET", path, "")
	}
	if got := w.must(405, "POST", "/", "{}"); got.header.Get("Allow") != "GET" {
		t.Errorf("Allow: %v", got.header)
	}
	w.must(405, "GET", "/.search", "")
	w.must(401, "GET", "/", "", header("Authorization", "Bearer x"))
	start(t, directory.ProfileAWS).must(404, "GET", "/", "") // AWS has none
}

// TestQueriesAtTheRootDoNotReadTheStore: a key, or an attribute that one kind has not, spares the reading of that kind.
func TestQueriesAtTheRootDoNotReadTheStore(t *testing.T) {
	t.Parallel()
	listings := 0
	w := startOn(t, directory.ProfileRFC, func(s directory.Store) directory.Store { return watched{s, &listings} })
	for query, most := range map[string]int{`userName eq "a"`: 0, `userName eq "a" and title pr`: 0, `id eq "a"`: 0, `externalId eq "a"`: 0, `userName pr`: 1, `displayName eq "a"`: 1} {
		listings = 0
		if w.must(200, "GET", "/?filter="+url.QueryEscape(query), ""); listings > most {
			t.Errorf("%s lists %d times", query, listings)
		}
	}
}
