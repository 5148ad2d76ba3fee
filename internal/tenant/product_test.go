package tenant

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var writeGolden = flag.Bool("golden", false, "write the conversations of testdata anew; read the difference before you keep it")

// otherProducts are the dialects that are not Entra's.
func otherProducts() []Dialect {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(products)), func(d Dialect) bool { return products[d] == &entraProduct })
}

// TestConversations holds everything that each product sends, event after event, against a file to read.
func TestConversations(t *testing.T) {
	t.Parallel()
	for _, d := range otherProducts() {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			got := conversation(t, d)
			file := filepath.Join("testdata", string(d)+".txt")
			if *writeGolden {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s: another conversation:\n%s", file, got)
			}
		})
	}
}

// story is what happens in the tenant, in order.
var story = []struct {
	say string
	do  func(*world) error
}{
	{"the first cycle", func(*world) error { return nil }},
	{"nothing happens", func(*world) error { return nil }},
	{"ann marries", func(w *world) error {
		return update(w, "ann", func(u *User) { u.Surname, u.DisplayName = "Oak", "Ann Oak" })
	}},
	{"the group gets another name", func(w *world) error {
		name := "Builders"
		_, err := w.UpdateGroup("Devs", &name, nil)
		return err
	}},
	{"cat joins", func(w *world) error { return w.AddMember("Builders", "cat@contoso.test") }},
	{"ann is disabled", func(w *world) error { return w.SetEnabled("ann@contoso.test", false) }},
	{"ann is enabled", func(w *world) error { return w.SetEnabled("ann@contoso.test", true) }},
	{"ann leaves the group", func(w *world) error { return w.RemoveMember("Builders", "ann@contoso.test") }},
	{"ann comes back", func(w *world) error { return w.AddMember("Builders", "ann@contoso.test") }},
	{"cat is deleted", func(w *world) error { return w.DeleteUser("cat@contoso.test") }},
	{"cat is purged", func(w *world) error { return w.PurgeUser("cat@contoso.test") }},
	{"an initial cycle again", func(w *world) error { return w.Restart() }},
	{"the group is unassigned", func(w *world) error { return w.Unassign("Builders") }},
}

var atRandom = regexp.MustCompile(`(jc-test-|"password":")[0-9a-f]{8}`)

// conversation is the story as the application hears it.
func conversation(t *testing.T, d Dialect) string {
	t.Helper()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.Dialect = d }))
	var b strings.Builder
	for _, s := range story {
		w.ok(s.do(w))
		if c := w.run(); c.Result != "Succeeded" {
			t.Errorf("%s: %+v", s.say, c)
		}
		fmt.Fprintf(&b, "# %s\n", s.say)
		for _, line := range w.rec.take() {
			for name, id := range w.ids {
				line = strings.ReplaceAll(line, id, "{"+name+"}")
			}
			b.WriteString(atRandom.ReplaceAllString(line, "${1}RANDOM") + "\n")
		}
	}
	return b.String()
}

// TestHeadersOfProducts: User-Agent, Accept and Content-Type of every request, and that the chaos switch takes the first away.
func TestHeadersOfProducts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dialect       Dialect
		agent, bodies string
		always        bool
	}{
		{"okta", "Okta SCIM Client 1.0.0", "application/scim+json; charset=utf-8", false},
		{"authentik", "authentik@2026.8.0", "application/scim+json", true},
		{"jumpcloud", "", "application/scim+json", false},
	} {
		for _, without := range []bool{false, true} {
			w := newWorld(t)
			w.ok(w.SetJob(func(s *Settings) { s.Dialect, s.Chaos.NoUserAgent = c.dialect, without }))
			w.run()
			agent := c.agent
			if without {
				agent = ""
			}
			for i, h := range w.rec.headers {
				want := ""
				if c.always || strings.Contains(w.rec.seen[i], " {") {
					want = c.bodies
				}
				if _, has := h["User-Agent"]; has != (agent != "") || h.Get("User-Agent") != agent || h.Get("Content-Type") != want || h.Get("Accept") != "application/scim+json" {
					t.Errorf("%s: %.60s: %v", c.dialect, w.rec.seen[i], h)
				}
			}
		}
	}
}

// TestAuthentikAdopts: what is there already is found by listing before the first cycle, and later by the refusal of a create.
func TestAuthentikAdopts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.Dialect = "authentik" }))
	w.rec.users["U90"] = map[string]any{"id": "U90", "userName": "ANN@contoso.test"}
	w.rec.users["U91"] = map[string]any{"id": "U91", "userName": "stranger@contoso.test"}
	w.rec.groups["G90"] = map[string]any{"id": "G90", "displayName": "devs", "members": []string{"U91"}}
	if c := w.run(); c.Users.Created != 1 || c.Users.Updated != 1 || c.Groups.Created != 0 {
		t.Errorf("%+v", c)
	}
	if got := memberIDs(w.rec.groups["G90"]); !slices.Equal(got, []string{"U90", "U1"}) {
		t.Errorf("members are %q, want ann and bob, without the stranger", got)
	}
	w.rec.users["U92"] = map[string]any{"id": "U92", "userName": "cat@contoso.test", "displayName": "Cat Cole"}
	w.ok(w.AddMember("Devs", "cat@contoso.test"))
	w.rec.take()
	w.run()
	got := w.rec.take()
	want := []string{"GET /ServiceProviderConfig", "POST /Users", `GET /Users?filter=userName+eq+%22cat%40contoso.test%22`, "PUT /Users/U92", "PATCH /Groups/G90"}
	for i := range got {
		got[i], _, _ = strings.Cut(got[i], " {")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAuthentikChunks: as many operations in one request as the application says it takes at once.
func TestAuthentikChunks(t *testing.T) {
	t.Parallel()
	for operations, want := range map[int]int{0: 1, 1: 2, 2: 1} {
		w := newWorld(t)
		w.rec.operations = operations
		w.ok(w.SetJob(func(s *Settings) { s.Dialect = "authentik" }))
		w.run()
		if n := strings.Count(strings.Join(w.rec.take(), "\n"), "PATCH /Groups"); n != want {
			t.Errorf("%d operations at once: %d requests, want %d", operations, n, want)
		}
	}
}

// TestGoneInOtherProducts: who replaces without reading learns from the refusal that an account is gone, and makes it anew.
func TestGoneInOtherProducts(t *testing.T) {
	t.Parallel()
	for _, d := range []Dialect{"authentik", "jumpcloud", "okta"} {
		w := newWorld(t)
		w.ok(w.SetJob(func(s *Settings) { s.Dialect = d }))
		w.run()
		for id, u := range w.rec.users {
			if u["userName"] == "ann@contoso.test" {
				delete(w.rec.users, id)
			}
		}
		w.ok(update(w, "ann", func(u *User) { u.DisplayName = "A" }))
		if c := w.run(); c.Users.Failed != 1 || c.Failures[0].Code != errorPrefix+"NotFound" {
			t.Errorf("%s: %+v", d, c)
		}
		if c := w.run(); c.Users.Created != 1 || c.MembersAdded < 1 {
			t.Errorf("%s: %+v", d, c)
		}
	}
}

// TestGroupGoneInOtherProducts: who does not read groups learns it from a change of members, and makes the group anew.
func TestGroupGoneInOtherProducts(t *testing.T) {
	t.Parallel()
	for _, d := range []Dialect{"authentik", "jumpcloud", "okta", "okta-wizard", "ping"} {
		w := newWorld(t)
		w.ok(w.SetJob(func(s *Settings) { s.Dialect = d }))
		w.run()
		clear(w.rec.groups)
		w.ok(w.AddMember("Devs", "cat@contoso.test"))
		if c := w.run(); c.Groups.Failed != 1 || c.Failures[0].Code != errorPrefix+"NotFound" {
			t.Errorf("%s: %+v", d, c)
		}
		if c := w.run(); c.Groups.Created != 1 || c.Result != "Succeeded" || len(w.Job().Escrows) > 0 {
			t.Errorf("%s: %+v", d, c)
		}
		for _, g := range w.rec.groups {
			if got := memberIDs(g); len(got) != 3 {
				t.Errorf("%s: members %q", d, got)
			}
		}
	}
}

// TestJumpCloudRehearses: activation is what fails when the application cannot delete.
func TestJumpCloudRehearses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.Dialect = "jumpcloud" }))
	w.ok(w.TestConnection(t.Context()))
	if n := len(w.rec.take()); n != 6 || len(w.rec.users)+len(w.rec.groups) > 0 {
		t.Errorf("%d requests, left over: %v %v", n, w.rec.users, w.rec.groups)
	}
	w.rec.fail = func(method, path, _ string) int {
		if method == "DELETE" && strings.HasPrefix(path, "/Users") {
			return 405
		}
		return 0
	}
	if err := w.TestConnection(t.Context()); err == nil || !strings.Contains(err.Error(), "DELETE /Users") {
		t.Errorf("without DELETE the test gave %v", err)
	}
}

// TestUnknownDialect: the message names those that there are; entra is Entra's default.
func TestUnknownDialect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, d := range append(otherProducts(), DialectDefault, DialectFlag, DialectMixed) {
		if err := w.SetJob(func(s *Settings) { s.Dialect = "french" }); err == nil || !strings.Contains(err.Error(), string(d)) {
			t.Errorf("the refusal does not name %s: %v", d, err)
		}
	}
	w.ok(w.SetJob(func(s *Settings) { s.Dialect = "entra" }))
	if got := w.Job().Settings.Dialect; got != DialectDefault {
		t.Errorf("entra became %q", got)
	}
}

// clientFiles are what the server is tested with, client by client.
const clientFiles = "../scim/testdata/"

// TestDialectsAgreeWithTheClientFiles: every kind of request that a dialect sends is in the file of that client which the server's own tests
// replay, so that neither knows a client that the other does not.
func TestDialectsAgreeWithTheClientFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{"default": "entra-default", "aadOptscim062020": "entra-aadopt", "okta-wizard": "okta", "authentik-aws": "authentik"}
	used := map[string]bool{}
	for _, d := range append(otherProducts(), DialectDefault, DialectFlag) {
		name := string(d)
		if files[name] != "" {
			name = files[name]
		}
		used[name+".json"] = true
		known := fileShapes(t, name)
		if d == DialectFlag {
			for s := range fileShapes(t, "entra-default") {
				known[s] = known[s] || !strings.HasPrefix(s, "PATCH") // the flag changes the bodies of PATCH only
			}
		}
		for _, line := range strings.Split(conversation(t, d), "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			method, rest, _ := strings.Cut(line, " ")
			path, body, _ := strings.Cut(rest, " ")
			for _, s := range requestShapes(t, method, path, body) {
				if !known[s] {
					t.Errorf("%s sends\n\t%s\n%s%s.json has nothing of this form: %s", d, line, clientFiles, name, s)
				}
			}
		}
	}
	all, err := filepath.Glob(clientFiles + "*.json")
	if err != nil || len(all) < len(used) {
		t.Fatalf("%d files, %v", len(all), err)
	}
	for _, f := range all {
		if !used[filepath.Base(f)] {
			t.Errorf("no dialect of the tenant speaks as %s", f)
		}
	}
}

func fileShapes(t *testing.T, name string) map[string]bool {
	t.Helper()
	b, err := os.ReadFile(clientFiles + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Steps []struct {
			Method, Path string
			Body         json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, s := range file.Steps {
		for _, s := range requestShapes(t, s.Method, s.Path, string(s.Body)) {
			out[s] = true
		}
	}
	return out
}

var (
	quotedText = regexp.MustCompile(`%22[^&]*?%22|"[^"]*"`)
	startAt    = regexp.MustCompile(`startIndex=\d+`)
)

// requestShapes are a request without what differs between two of its kind: ids, values and which attributes there are. A PATCH has one for each operation,
// with its verb, path and kind of value.
func requestShapes(t *testing.T, method, path, body string) []string {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) > 1 {
		parts[1] = "{id}"
	}
	query = startAt.ReplaceAllString(quotedText.ReplaceAllString(query, "X"), "startIndex=N")
	out := method + " /" + strings.Join(parts, "/")
	if query != "" && query != string(DialectFlag) {
		out += "?" + query
	}
	if method != "PATCH" {
		return []string{out}
	}
	var p struct{ Operations []map[string]any }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var all []string
	for _, op := range p.Operations {
		all = append(all, out+" "+operationShape(op))
	}
	return all
}

func operationShape(op map[string]any) string {
	path, _ := op["path"].(string)
	kind := fmt.Sprintf("%T", op["value"])
	switch {
	case strings.HasPrefix(path, "members[value"):
		path = "members[value eq X]"
	case path == "" || path == "members" || strings.HasSuffix(path, "manager") || path == "active":
	default:
		path = "attribute"
	}
	return fmt.Sprintf("%v %s %s", op["op"], path, kind)
}
