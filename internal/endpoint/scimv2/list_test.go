package scimv2_test

import (
	"fmt"
	"net/url"
	"sort"
	"testing"

	"gatehouse/internal/directory"
)

// crowd makes n users and tells their ids in order.
func (w *world) crowd(n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = w.user(fmt.Sprintf("user%03d", i))
	}
	sort.Strings(ids)
	return ids
}

func (r response) ids() []string {
	var out []string
	list, _ := r.at("Resources").([]any)
	for _, x := range list {
		out = append(out, x.(map[string]any)["id"].(string))
	}
	return out
}

func TestIndexPagingRFC7644Section3424(t *testing.T) {
	t.Parallel()
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprintf("alone=%v", alone), func(t *testing.T) {
			t.Parallel()
			w := start(t, directory.ProfileRFC)
			if !alone { // then the store's own counter does not tell
				w.source("okta", directory.ProfileRFC, false)
			}
			ids := w.crowd(7)
			for _, tc := range []struct {
				query        string
				start        float64
				wantFrom, to int
			}{
				{"", 1, 0, 7}, {"?startIndex=1&count=3", 1, 0, 3}, {"?startIndex=4&count=3", 4, 3, 6}, {"?startIndex=7&count=3", 7, 6, 7},
				{"?startIndex=8", 8, 7, 7}, {"?startIndex=999999999999", 0, 7, 7}, {"?startIndex=0&count=2", 1, 0, 2}, {"?startIndex=-5&count=2", 1, 0, 2},
				{"?count=0", 1, 0, 0}, {"?count=-1", 1, 0, 0}, {"?count=100000", 1, 0, 7}, {"?startIndex=&count=", 1, 0, 7},
			} {
				got := w.must(200, "GET", "/Users"+tc.query, "")
				if fmt.Sprint(got.ids()) != fmt.Sprint(ids[tc.wantFrom:tc.to]) || got.at("totalResults") != 7.0 {
					t.Errorf("%s: %v of %v, want %v", tc.query, got.ids(), got.at("totalResults"), ids[tc.wantFrom:tc.to])
				}
				if tc.start != 0 && got.at("startIndex") != tc.start || got.at("itemsPerPage") != float64(tc.to-tc.wantFrom) {
					t.Errorf("%s: startIndex %v, itemsPerPage %v", tc.query, got.at("startIndex"), got.at("itemsPerPage"))
				}
			}
			for _, q := range []string{"?count=x", "?startIndex=1.5", "?count=1&count=2", "?count=1&COUNT=2", "?filter=%zz", "?startIndex=99999999999999999999"} {
				if got := w.send("GET", "/Users"+q, ""); got.status != 400 || got.text("scimType") != "invalidValue" {
					t.Errorf("%s: %d %s", q, got.status, got.raw)
				}
			}
		})
	}
}

func TestCursorPagingRFC9865(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	ids := w.crowd(7)
	for count := 1; count <= 8; count++ {
		var got []string
		cursor, pages := "", 0
		for {
			page := w.must(200, "GET", fmt.Sprintf("/Users?count=%d&cursor=%s", count, url.QueryEscape(cursor)), "")
			got = append(got, page.ids()...)
			pages++
			if page.at("startIndex") != nil {
				t.Error("a cursor page has no startIndex")
			}
			if cursor = page.text("nextCursor"); cursor == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(ids) || pages != (7+count-1)/count {
			t.Errorf("count %d: %d pages, %v", count, pages, got)
		}
	}
	// With a filter, and while the list shrinks.
	first := w.must(200, "GET", "/Users?cursor=&count=2&filter=userName+sw+%22user%22", "")
	w.must(204, "DELETE", "/Users/"+first.ids()[1], "")
	next := w.must(200, "GET", "/Users?cursor="+first.text("nextCursor")+"&count=2&filter=userName+sw+%22user%22", "")
	if fmt.Sprint(next.ids()) != fmt.Sprint(ids[2:4]) {
		t.Errorf("after a deletion: %v, want %v", next.ids(), ids[2:4])
	}
	for _, c := range []string{"x", "!!!", "MTo", "MjphYmM", "MTonIG9yIDE9MQ"} {
		got := w.send("GET", "/Users?cursor="+url.QueryEscape(c), "")
		if c == "MTo" { // "1:" is the beginning
			continue
		}
		if got.status != 400 || got.text("scimType") != "invalidCursor" {
			t.Errorf("%q: %d %s", c, got.status, got.raw)
		}
	}
}

func TestFiltersRFC7644Section3422(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	ann, bob, cy := w.user("ann"), w.user("bob"), w.user("cy")
	w.must(200, "PATCH", "/Users/"+bob, patch(`{"op":"add","path":"emails","value":[{"value":"Bob@Work.example","type":"work"},{"value":"bob@home.example","type":"home"}]}`))
	w.must(200, "PATCH", "/Users/"+cy, patch(`{"op":"replace","path":"active","value":"False"}`, `{"op":"add","path":"manager","value":"`+ann+`"}`))
	fuss := w.user("fuß")
	w.must(200, "PATCH", "/Users/"+fuss, patch(`{"op":"remove","path":"displayName"}`))
	g, h := w.group("Admins", ann, bob), w.group("Readers", bob)
	for _, tc := range []struct {
		filter string
		want   []string
	}{
		{`userName eq "ANN"`, []string{ann}},
		{`userName eq "FUSS"`, []string{fuss}}, // case is folded as it is where names are made unique
		{`userName eq "ann" and active eq false`, nil},
		{`userName eq "nobody"`, nil},
		{`externalId eq "x-bob"`, []string{bob}},
		{`externalId eq "X-BOB"`, nil},
		{`id eq "` + cy + `"`, []string{cy}},
		{`id eq "nonsense"`, nil},
		{`id eq "` + cy + `" and manager eq "` + ann + `"`, []string{cy}},
		{`manager eq "` + bob + `" and id eq "` + cy + `"`, nil},
		{`emails[type eq "work"].value eq "bob@work.example"`, []string{bob}},
		{`emails[type eq "work"].value eq "bob@home.example"`, nil},
		{`emails eq "bob@home.example"`, []string{bob}},
		{`emails.value eq "bob@home.example" and userName sw "b"`, []string{bob}},
		{`groups.value eq "` + g + `"`, []string{ann, bob}},
		{`groups eq "` + g + `" and groups eq "` + h + `"`, []string{bob}},
		{`groups[value eq "` + h + `"]`, []string{bob}},
		{`id eq "` + ann + `" and groups.value eq "` + h + `"`, nil},
		{`groups.value eq "nonsense"`, nil},
		{`groups.value eq "0123456789-00000000-0000-0000-0000-000000000000"`, nil},
		{`active eq false`, []string{cy}},
		{`not (active eq true)`, []string{cy}},
		{`userName eq "ann" or userName eq "cy"`, []string{ann, cy}},
		{`displayName co "d "`, []string{ann, bob, cy}},
		{`meta.created ge "2026-01-01T00:00:00Z" and displayName pr`, []string{ann, bob, cy}},
		{`userName eq "a\u0000nn"`, nil},
	} {
		got := w.must(200, "GET", "/Users?filter="+url.QueryEscape(tc.filter), "")
		sort.Strings(tc.want)
		if fmt.Sprint(got.ids()) != fmt.Sprint(tc.want) || got.at("totalResults") != float64(len(tc.want)) {
			t.Errorf("%s: got %v (total %v), want %v", tc.filter, got.ids(), got.at("totalResults"), tc.want)
		}
	}
	for _, tc := range []struct {
		filter string
		want   []string
	}{
		{`displayName eq "admins"`, []string{g}},
		{`members eq "` + bob + `"`, []string{g, h}},
		{`members eq "` + bob + `" and members eq "` + ann + `"`, []string{g}},
		{`member eq "` + ann + `"`, []string{g}},
		{`members[value eq "` + ann + `"]`, []string{g}},
		{`members.value eq "` + bob + `" and displayName sw "R"`, []string{h}},
		{`id eq "` + h + `" and members eq "` + ann + `"`, nil},
		{`members eq "` + ann + `" and id eq "` + g + `"`, []string{g}},
		{`members eq "nonsense"`, nil},
		{`members eq "0123456789-00000000-0000-0000-0000-000000000000"`, nil},
		{`displayName sw "a" or displayName sw "r"`, []string{g, h}},
		{`externalId pr`, nil},
	} {
		got := w.must(200, "GET", "/Groups?attributes=id&filter="+url.QueryEscape(tc.filter), "")
		sort.Strings(tc.want)
		if fmt.Sprint(got.ids()) != fmt.Sprint(tc.want) {
			t.Errorf("%s: got %v, want %v", tc.filter, got.ids(), tc.want)
		}
	}
	for path, scimType := range map[string]string{
		"/Users?filter=": "invalidFilter", "/Users?filter=userName": "invalidFilter", "/Users?filter=userName+is+%22a%22": "invalidFilter",
		"/Users?filter=groups+pr": "invalidFilter", "/Users?filter=not+(groups+eq+%22x%22)": "invalidFilter",
		"/Groups?filter=members+pr": "invalidFilter", "/Groups?filter=members+eq+%22a%22+or+id+pr": "invalidFilter", "/Groups?filter=members.display+eq+%22a%22": "invalidFilter",
		"/Users?filter=userName+pr&filter=userName+pr": "invalidValue",
	} {
		if got := w.send("GET", path, ""); got.status != 400 || got.text("scimType") != scimType {
			t.Errorf("%s: %d %s", path, got.status, got.raw)
		}
	}
}
