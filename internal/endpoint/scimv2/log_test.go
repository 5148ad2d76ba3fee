package scimv2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/scimlog"
)

// logged flushes the log and returns the directory's entries, oldest first.
func (w *world) logged(id string, f scimlog.Filter) []scimlog.Entry {
	w.t.Helper()
	all, next, err := w.requests.Requests(w.t.Context(), id, f, "", scimlog.MaxPage)
	if err != nil || next != "" {
		w.t.Fatal(err, next)
	}
	slices.Reverse(all)
	return all
}

// last is the entry of the request just made.
func (w *world) last() scimlog.Entry {
	w.t.Helper()
	all := w.logged(w.id, scimlog.Filter{})
	if len(all) == 0 {
		w.t.Fatal("nothing is logged")
	}
	return all[len(all)-1]
}

// changes writes a change in a line.
func changes(c scimlog.Change) string {
	out := c.Action
	for _, d := range c.Attributes {
		out += fmt.Sprintf(" %s:%s>%s", d.Attribute, d.Before, d.After)
	}
	if c.Added.Count > 0 {
		out += fmt.Sprintf(" +%d", c.Added.Count)
	}
	if c.Removed.Count > 0 {
		out += fmt.Sprintf(" -%d", c.Removed.Count)
	}
	return out
}

// TestEveryRequestIsLogged: what was asked, what became of it, why, and what it changed.
func TestEveryRequestIsLogged(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	tokens, err := w.service.Tokens(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := w.user("ann"), w.user("bob")
	devs := w.group("Devs", ann)
	many := `[`
	for i := range 40 {
		many += `{"value":"` + w.user(fmt.Sprint("m", i)) + `"},`
	}
	many += `{"value":"` + ann + `"},{"value":"` + bob + `"}]`
	for _, c := range []struct {
		method, path, body string
		status             int
		outcome            scimlog.Outcome
		about, change, why string
	}{
		{"GET", "/Users/" + ann, "", 200, scimlog.Read, ann + " ann x-ann", "", ""},
		{"GET", "/Users?filter=userName+eq+%22ANN%22", "", 200, scimlog.Read, " ANN ", "", ""},
		{"GET", "/Groups?filter=externalId+eq+%22e%22&count=1", "", 200, scimlog.Read, "  e", "", ""},
		{"POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName eq \"ann\""}`, 200, scimlog.Read, " ann ", "", ""},
		{"GET", "/Schemas", "", 200, scimlog.Read, "  ", "", ""},
		{"GET", "/Users?filter=userName+xx", "", 400, scimlog.Refused, "  ", "", "invalidFilter"},
		{"PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"name.familyName","value":"Oak"}`), 200, scimlog.Changed, ann + " ann x-ann", `changed name.familyName:"F">"Oak"`, ""},
		{"PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"name.familyName","value":"Oak"}`), 200, scimlog.Unchanged, ann + " ann x-ann", "", ""},
		{"PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"active","value":"maybe"}`), 400, scimlog.Refused, ann + " ann x-ann", "", "invalidValue"},
		{"PUT", "/Users/" + ann, user("ann"), 200, scimlog.Changed, ann + " ann x-ann", `changed name.familyName:"Oak">"F"`, ""},
		{"POST", "/Users", user("ANN"), 409, scimlog.Refused, " ANN x-ANN", "", "uniqueness"},
		{"POST", "/Users", `{"userName":`, 400, scimlog.Refused, "  ", "", "invalidSyntax"},
		{"PATCH", "/Groups/" + devs, patch(`{"op":"add","path":"members","value":[{"value":"` + bob + `"},{"value":"` + ann + `"}]}`), 204, scimlog.Changed, devs + " Devs ", "changed +1", ""},
		{"PATCH", "/Groups/" + devs, patch(`{"op":"add","path":"members","value":[{"value":"` + bob + `"}]}`), 204, scimlog.Unchanged, devs + " Devs ", "", ""},
		{"PATCH", "/Groups/" + devs, patch(`{"op":"add","path":"members","value":` + many + `}`), 204, scimlog.Changed, devs + " Devs ", "changed +40", ""},
		{"PUT", "/Groups/" + devs, group("Team", ann), 200, scimlog.Changed, devs + " Team ", `changed displayName:"Devs">"Team" -41`, ""},
		{"PATCH", "/Groups/" + devs, patch(`{"op":"remove","path":"members[value eq \"` + ann + `\"]"}`), 204, scimlog.Changed, devs + " Team ", "changed -1", ""},
		{"POST", "/Groups", group("Ops", "nobody"), 400, scimlog.Refused, " Ops ", "", "invalidValue"},
		{"DELETE", "/Groups/" + devs, "", 204, scimlog.Changed, devs + " Team ", `deleted displayName:"Team">`, ""},
		{"DELETE", "/Groups/" + devs, "", 404, scimlog.Refused, devs + "  ", "", ""},
		{"DELETE", "/Users/" + bob, "", 204, scimlog.Changed, bob + " bob x-bob", `deleted active:true> displayName:"D bob"> externalId:"x-bob"> name.familyName:"F"> name.givenName:"G"> userName:"bob">`, ""},
		{"PURGE", "/Users/" + ann, "", 405, scimlog.Refused, "  ", "", ""},
		{"GET", "/Nothing", "", 404, scimlog.Refused, "  ", "", ""},
		{"GET", "/Me", "", 501, scimlog.Refused, "  ", "", ""},
	} {
		got := w.send(c.method, c.path, c.body)
		e := w.last()
		what := c.method + " " + c.path + " " + c.body
		if got.status != c.status || e.Result.Status != c.status || e.Result.Outcome != c.outcome {
			t.Errorf("%s: answered %d, logged %d %s, want %d %s\n%s", what, got.status, e.Result.Status, e.Result.Outcome, c.status, c.outcome, got.raw)
		}
		if about := e.Resource.ID + " " + e.Resource.Name + " " + e.Resource.ExternalID; strings.TrimSuffix(about, " ") != strings.TrimSuffix(c.about, " ") {
			t.Errorf("%s is about %q, want %q", what, about, c.about)
		}
		if change := changes(e.Result.Change); change != c.change {
			t.Errorf("%s: change\n%s, want\n%s", what, change, c.change)
		}
		if e.Result.ScimType != c.why || (c.status >= 400) != (e.Result.Why != "") {
			t.Errorf("%s: because of %q %q, want %q", what, e.Result.ScimType, e.Result.Why, c.why)
		}
		path, query, _ := strings.Cut(c.path, "?")
		if e.Request.Method != c.method || e.Request.Path != "/scim/entra/v2"+path || (e.Request.Query == "") != (query == "") || e.TokenID != tokens[0].ID || e.Directory != "entra" || e.At != w.now || e.UserAgent != "" {
			t.Errorf("%s: logged as %+v", what, e)
		}
		if kept := c.body != "" && !strings.HasSuffix(c.body, ":"); kept != (e.Request.Body.Text != "") || e.Request.Body.Size != len(c.body) || (c.body != "" && !kept) != (e.Request.Body.Problem != "") {
			t.Errorf("%s: body %+v", what, e.Request.Body)
		}
	}
}

// TestStrangersAreLoggedWithoutABody: with the directory that they name, if there is one.
func TestStrangersAreLoggedWithoutABody(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	other, token := w.source("other", directory.ProfileRFC, false)
	const secret = "ghscim_wrongwrongwrong"
	for _, auth := range []string{"Bearer " + secret, "Bearer " + token, "", "Basic YW5uOmh1bnRlcjIyMg=="} {
		w.must(401, "POST", "/Users?access_token=abcdefgh", `{"userName":"hunter222"}`, header("Authorization", auth), header("User-Agent", "x "+auth))
		e := w.last()
		if e.Result.Outcome != scimlog.Unauthenticated || e.Result.Status != 401 || e.TokenID != "" || e.Request.Body != (scimlog.Body{}) || e.Directory != w.id {
			t.Errorf("%s: logged as %+v", auth, e)
		}
		for _, s := range []string{secret, token, "hunter222", "YW5uOmh1bnRlcjIyMg", "abcdefgh"} {
			if strings.Contains(fmt.Sprintf("%+v", e), s) {
				t.Errorf("%q is in %+v", s, e)
			}
		}
	}
	w.as("nowhere", w.token).must(401, "GET", "/Users", "")
	w.do(newRequest("GET", "/scim/", w.token))
	w.do(newRequest("GET", "/scim/entra/v1/Users", w.token))
	if all := w.logged(scimlog.Unknown, scimlog.Filter{}); len(all) != 3 || all[0].Request.Path != "/scim/nowhere/v2/Users" {
		t.Errorf("requests for no directory: %+v", all)
	}
	if all := w.logged(other, scimlog.Filter{}); len(all) != 0 {
		t.Errorf("the directory whose token was shown elsewhere has %+v", all)
	}
}

func newRequest(method, path, token string) *http.Request {
	r, _ := http.NewRequest(method, "http://gatehouse.test"+path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// TestWhatIsHeldBackIsLogged: the guard's refusals and those of addresses.
func TestWhatIsHeldBackIsLogged(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	id := w.user("a")
	if _, err := w.service.UpdateSource(t.Context(), admin, w.id, func(s *directory.Source) error { s.Guard = directory.Guard{Share: 1, Least: 1}; return nil }); err != nil {
		t.Fatal(err)
	}
	w.must(204, "DELETE", "/Users/"+id, "")
	id = w.user("b")
	w.must(403, "DELETE", "/Users/"+id, "")
	if e := w.last(); e.Result.Outcome != scimlog.Refused || !strings.Contains(e.Result.Why, "held until an administrator confirms") || e.Resource.Name != "b" {
		t.Errorf("held: %+v", e)
	}
	if _, err := w.service.SetNetwork(t.Context(), admin, directory.Network{SCIMSources: []string{"192.0.2.1"}}); err != nil {
		t.Fatal(err)
	}
	w.must(403, "GET", "/Users", "", func(r *http.Request) {
		*r = *r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{RequestID: "r1", ClientAddr: "203.0.113.9"}))
	})
	if e := w.last(); e.Result.Outcome != scimlog.Refused || e.TokenID == "" || e.ClientAddr != "203.0.113.9" || e.RequestID != "r1" || !strings.Contains(e.Result.Why, "network") {
		t.Errorf("from another address: %+v", e)
	}
}

// TestOperationsOfBulkAreLogged: the request, and each operation as its part.
func TestOperationsOfBulkAreLogged(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	w.must(200, "POST", "/Bulk", bulk(0, bulkPost("Users", "a", strings.TrimSuffix(user("a"), "}")+`,"password":"hunter222"}`), bulkPost("Groups", "g", group("G", "bulkId:a")),
		`{"method":"DELETE","path":"/Users/x"}`, bulkPost("Groups", "h", group("H", "bulkId:none")), `{"method":"GET","path":"/Users"}`))
	all := w.logged(w.id, scimlog.Filter{})
	if len(all) != 6 || all[0].Operations != 5 || all[0].FailedOperations != 3 || all[0].Result.Outcome != scimlog.Changed || strings.Contains(fmt.Sprintf("%+v", all), "hunter222") {
		t.Fatalf("%+v", all)
	}
	var got []string
	seen := map[int]bool{}
	for _, e := range all[1:] {
		if e.PartOf != all[0].ID || e.TokenID == "" || seen[e.Operation] {
			t.Errorf("an operation is logged as %+v", e)
		}
		seen[e.Operation] = true
		got = append(got, fmt.Sprintf("%d %s %s %d %s", e.Operation, e.Request.Method, strings.TrimPrefix(e.Request.Path, "/scim/entra/v2"), e.Result.Status, e.Result.Outcome))
	}
	if want := "0 POST /Users 201 changed|1 POST /Groups 201 changed|2 DELETE /Users/x 404 refused|3 POST /Groups 400 refused|4 GET /Users 400 refused"; strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	w.must(200, "POST", "/Bulk", bulk(0, `{"method":"DELETE","path":"/Users/x"}`))
	if e := w.logged(w.id, scimlog.Filter{Requests: true})[1]; e.Result.Outcome != scimlog.Refused || e.Result.Status != 200 {
		t.Errorf("a bulk request of which nothing was done: %+v", e)
	}
}

// TestAPanicIsLogged: the entry has status 0.
func TestAPanicIsLogged(t *testing.T) {
	t.Parallel()
	w := startOn(t, directory.ProfileRFC, func(s directory.Store) directory.Store { return panicking{s} })
	func() {
		defer func() { _ = recover() }()
		w.send("POST", "/Users", user("a"))
	}()
	if e := w.last(); e.Result.Outcome != scimlog.Failed || e.Result.Status != 0 || e.Resource.Name != "a" {
		t.Errorf("%+v", e)
	}
}

// TestHostileBytesAreLogged: no text that a client can send keeps it, or its neighbours, out of the log.
func TestHostileBytesAreLogged(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	n := 0
	for _, text := range []string{"a\x00b", "\xff", "a\xc3", "\xed\xa0\x80", strings.Repeat("ü", 3000)} {
		escaped := url.QueryEscape(text)
		for _, edit := range []func(*http.Request){
			func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/scim/entra/v2/Users/"+text, "" },
			func(r *http.Request) { r.URL.RawQuery = "filter=" + escaped },
			func(r *http.Request) { r.URL.RawQuery = text },
			func(r *http.Request) { r.Header.Set("User-Agent", text) },
			func(r *http.Request) { r.Header.Set("If-Match", text) },
			func(r *http.Request) { r.Method = text },
			func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+text) },
		} {
			w.send("GET", "/Users/"+text[:0], "", edit)
			n++
		}
		quoted, _ := json.Marshal(text)
		w.send("POST", "/Users", `{"userName":`+string(quoted)+`,"externalId":`+string(quoted)+`}`)
		w.send("POST", "/Users", `{"userName":"`+text+`"}`)
		w.send("POST", "/Bulk", bulk(0, `{"method":"PUT","path":"/Users/%`+escaped+`","data":{"userName":`+string(quoted)+`}}`))
		n += 4
	}
	all := w.logged(w.id, scimlog.Filter{})
	if gaps := w.logged(w.id, scimlog.Filter{Outcome: scimlog.Gap}); len(gaps) != 0 || len(all) != n {
		t.Errorf("%d entries, want %d; gaps: %+v", len(all), n, gaps)
	}
}

// TestSweep: entries go with time, and with their directory.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	other := w.as(w.source("other", directory.ProfileRFC, false))
	w.user("old")
	w.now = w.now.Add(scimlog.DefaultAge)
	w.user("new")
	other.must(200, "GET", "/Users", "")
	sweep := func(want int) {
		t.Helper()
		if n, err := w.requests.Sweep(t.Context()); n != want || err != nil {
			t.Errorf("%d entries went, %v, want %d", n, err, want)
		}
	}
	w.requests.Recorder().Flush(t.Context())
	sweep(0)
	w.now = w.now.Add(time.Second)
	sweep(1)
	if _, err := w.service.DeleteSource(t.Context(), admin, "other", directory.Delete, time.Time{}); err != nil {
		t.Fatal(err)
	}
	sweep(1)
	if all := w.logged(w.id, scimlog.Filter{}); len(all) != 1 || all[0].Resource.Name != "new" {
		t.Errorf("left: %+v", all)
	}
}

type panicking struct{ directory.Store }

func (panicking) InsertUser(context.Context, directory.User, audit.Event) error { panic("a defect") }
