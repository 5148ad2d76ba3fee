package scimv2_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/directory"
)

// everything is all that the identity store holds, for comparison.
func (w *world) everything() string {
	w.t.Helper()
	ctx := w.t.Context()
	users, err1 := w.service.Users(ctx, "", 1000)
	groups, err2 := w.service.Groups(ctx, "", 1000)
	var members []directory.Membership
	for _, g := range groups {
		ms, err := w.service.MembersOf(ctx, g.ID, "", 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		members = append(members, ms...)
	}
	out, err3 := json.Marshal([]any{users, groups, members})
	if err := errors.Join(err1, err2, err3); err != nil {
		w.t.Fatal(err)
	}
	return string(out)
}

// attacked is a world with something to lose: one user, one group with her in it, and the valid requests that
// hostile ones are made from.
type attacked struct {
	*world
	user, group string
	// valid are requests that would change something.
	valid []attempt
}

type attempt struct{ method, path, body string }

func startAttacked(t *testing.T) *attacked {
	w := start(t, directory.ProfileRFC)
	a := &attacked{world: w, user: w.user("ann")}
	a.group = w.group("G", a.user)
	full := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"new","externalId":"n","active":false,"name":{"givenName":"N"},` +
		`"emails":[{"value":"n@example.com","type":"work","primary":true}],"addresses":[{"type":"work","country":"DE"}],` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","manager":{"value":"m"}}}`
	a.valid = []attempt{
		{"POST", "/Users", full},
		{"PUT", "/Users/" + a.user, full},
		{"PATCH", "/Users/" + a.user, patch(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x@y"}`, `{"op":"add","value":{"name.givenName":"H","active":false}}`)},
		{"POST", "/Groups", group("New", a.user)},
		{"PUT", "/Groups/" + a.group, `{"displayName":"P","members":[]}`},
		{"PATCH", "/Groups/" + a.group, patch(`{"op":"remove","path":"members[value eq \"`+a.user+`\"]"}`, `{"op":"replace","path":"displayName","value":"Q"}`)},
		{"DELETE", "/Users/" + a.user, ""},
		{"DELETE", "/Groups/" + a.group, ""},
	}
	return a
}

// refused demands that a request is the client's fault and changed nothing.
func (a *attacked) refused(what, before string, got response, statuses ...int) {
	a.t.Helper()
	if !slices.Contains(statuses, got.status) {
		a.t.Errorf("%s: got %d %s, want one of %v", what, got.status, got.raw, statuses)
	}
	if got.text("status") != fmt.Sprint(got.status) || got.at("schemas/0") != "urn:ietf:params:scim:api:messages:2.0:Error" {
		a.t.Errorf("%s: the error is not SCIM's: %s", what, got.raw)
	}
	if after := a.everything(); after != before {
		a.t.Fatalf("%s changed something:\n%s\n%s", what, before, after)
	}
}

func TestAttackTruncatedBodies(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	before := a.everything()
	for _, v := range a.valid {
		for n := 1; n < len(v.body); n++ {
			got := a.send(v.method, v.path, v.body[:n])
			if got.status != 400 {
				t.Fatalf("%s %s cut at %d: %d %s", v.method, v.path, n, got.status, got.raw)
			}
		}
		if v.body != "" {
			a.refused("no body", before, a.send(v.method, v.path, ""), 400)
			a.refused("two bodies", before, a.send(v.method, v.path, v.body+v.body), 400)
			a.refused("a tail", before, a.send(v.method, v.path, v.body+"\x00"), 400)
			a.refused("a byte order mark", before, a.send(v.method, v.path, "\xef\xbb\xbf"+v.body), 400)
		}
	}
}

func TestAttackTooMuch(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	before := a.everything()
	pad := func(body string) string { return body[:len(body)-1] + `,"x":"` + strings.Repeat("x", 1<<20) + `"}` }
	deep := func(body string) string {
		return body[:len(body)-1] + `,"x":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}`
	}
	for _, v := range a.valid {
		if v.body == "" {
			continue
		}
		a.refused("a huge body", before, a.send(v.method, v.path, pad(v.body)), 413)
		a.refused("a deep body", before, a.send(v.method, v.path, deep(v.body)), 400)
	}
	for name, v := range map[string]attempt{
		"long user name":      {"POST", "/Users", user(strings.Repeat("n", 129))},
		"long display name":   {"PATCH", "/Users/" + a.user, patch(`{"op":"add","path":"displayName","value":"` + strings.Repeat("n", 1025) + `"}`)},
		"long group name":     {"POST", "/Groups", group(strings.Repeat("n", 1025))},
		"many e-mails":        {"POST", "/Users", `{"userName":"m","emails":[` + strings.Repeat(`"x",`, 50_000) + `"y"]}`},
		"many operations":     {"PATCH", "/Users/" + a.user, patch(strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"x"},`, 20_000), ","))},
		"many unknown people": {"PATCH", "/Groups/" + a.group, patch(`{"op":"add","path":"members","value":[` + strings.Repeat(`"u",`, 100_000) + `"v"]}`)},
		"long filter":         {"GET", "/Users?filter=" + url.QueryEscape(`userName eq "`+strings.Repeat("x", 9000)+`"`), ""},
		"deep filter":         {"GET", "/Users?filter=" + strings.Repeat("(", 3000) + "id+pr" + strings.Repeat(")", 3000), ""},
		"wide filter":         {"GET", "/Users?filter=id+pr" + strings.Repeat("+or+id+pr", 900), ""},
		"long path":           {"PATCH", "/Users/" + a.user, patch(`{"op":"add","path":"` + strings.Repeat("a", 9000) + `","value":1}`)},
		"deep path":           {"PATCH", "/Users/" + a.user, patch(`{"op":"add","path":"emails[` + strings.Repeat("(", 4000) + `","value":1}`)},
	} {
		a.refused(name, before, a.send(v.method, v.path, v.body), 400)
	}
}

func TestAttackWrongTypes(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	for _, v := range a.valid {
		var body any
		if v.body == "" || json.Unmarshal([]byte(v.body), &body) != nil {
			continue
		}
		for _, bad := range []any{nil, true, 17, -1e300, "", "\u0000", strings.Repeat("z", 5000), []any{}, []any{[]any{}}, []any{nil}, map[string]any{}, map[string]any{"": map[string]any{"value": 1}}} {
			for _, hostile := range replaceEach(body, bad) {
				text, err := json.Marshal(hostile)
				if err != nil {
					t.Fatal(err)
				}
				before := a.everything()
				got := a.send(v.method, v.path, string(text))
				if got.status >= 500 || got.status >= 400 && a.everything() != before {
					t.Fatalf("%s %s %s: %d %s", v.method, v.path, text, got.status, got.raw)
				}
				if got.status == 201 { // harmless after all: what is unknown is ignored
					a.must(204, "DELETE", strings.SplitN(v.path, "?", 2)[0]+"/"+got.text("id"), "")
				}
			}
		}
	}
	// After all that the user and the group still answer and are who they were.
	a.must(200, "GET", "/Users/"+a.user, "")
	a.must(200, "GET", "/Groups/"+a.group, "")
	if strings.Contains(a.log.String(), "level=ERROR") {
		t.Errorf("the log: %s", a.log)
	}
}

// replaceEach returns copies of v with each part in turn replaced by bad.
func replaceEach(v, bad any) []any {
	out := []any{bad}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			for _, y := range replaceEach(x, bad) {
				c := map[string]any{}
				for k2, x2 := range v {
					c[k2] = x2
				}
				c[k] = y
				out = append(out, c)
			}
		}
	case []any:
		for i, x := range v {
			for _, y := range replaceEach(x, bad) {
				c := slices.Clone(v)
				c[i] = y
				out = append(out, c)
			}
		}
	}
	return out
}

func TestAttackDuplicateNames(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	before := a.everything()
	for _, v := range []attempt{
		{"POST", "/Users", `{"userName":"a1","userName":"a2"}`},
		{"POST", "/Users", `{"userName":"a1","USERNAME":"a2"}`},
		{"POST", "/Users", `{"userName":"a1","\u0075serName":"a2"}`},
		{"PUT", "/Users/" + a.user, `{"userName":"a1","name":{"givenName":"x","givenname":"y"}}`},
		{"PATCH", "/Users/" + a.user, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"title","value":"1","value":"2"}]}`},
		{"PATCH", "/Groups/" + a.group, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","OP":"remove","path":"members"}]}`},
		{"POST", "/Groups", `{"displayName":"H","members":[],"Members":[]}`},
	} {
		a.refused(v.body, before, a.send(v.method, v.path, v.body), 400)
	}
}

func TestAttackTokens(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	_, other := a.source("okta", directory.ProfileRFC, true)
	before := a.everything()
	for _, v := range a.valid {
		for name, value := range map[string]string{"none": "", "wrong": "Bearer x", "another directory's": "Bearer " + other, "two words": "Bearer " + a.token + " " + a.token, "hostile": "Bearer \x00\xff", "basic": "Basic " + a.token} {
			got := a.send(v.method, v.path, v.body, func(r *http.Request) {
				r.Header.Del("Authorization")
				if value != "" {
					r.Header["Authorization"] = []string{value}
				}
			})
			a.refused(v.method+" "+v.path+" with token "+name, before, got, 401)
		}
	}
	if strings.Contains(a.log.String(), a.token) || strings.Contains(a.log.String(), other) {
		t.Error("a token is in the log")
	}
}

func TestAttackAddresses(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	before := a.everything()
	for _, path := range []string{
		"/Users/%00", "/Users/%ff%fe", "/Users/..%2f..%2fetc", "/Users/%27%20OR%201=1--", "/Users/" + strings.Repeat("a", 5000), "/Users/" + a.group, "/Groups/" + a.user,
		"/Users/" + a.user + "%00", "/Users/" + strings.ToUpper(a.user) + "%20",
	} {
		for _, v := range a.valid {
			body := v.body
			if strings.HasPrefix(path, "/Users") != strings.HasPrefix(v.path, "/Users") || v.method == "POST" {
				continue
			}
			a.refused(v.method+" "+path, before, a.send(v.method, path, body), 404)
		}
	}
	for _, raw := range []string{"/scim/entra/v2/Users?filter=%", "/scim/entra/v2/Users?a=1;b=2", "/scim/entra/v2/Users?cursor=%ff", "/scim/entra/v2/Users?attributes=" + strings.Repeat("a,", 100_000)} {
		r := httptest.NewRequest("GET", "http://x/", nil)
		path, query, _ := strings.Cut(raw, "?")
		r.URL = &url.URL{Path: path, RawQuery: query}
		r.Header.Set("Authorization", "Bearer "+a.token)
		if got := a.do(r); got.status >= 500 {
			t.Errorf("%.60s: %d", raw, got.status)
		}
	}
}

func TestAttackClashesChangeNothing(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	bob := a.world.user("bob")
	a.world.group("H")
	before := a.everything()
	for _, v := range []attempt{
		{"PATCH", "/Users/" + bob, patch(`{"op":"replace","path":"title","value":"T"}`, `{"op":"replace","path":"userName","value":"ANN"}`)},
		{"PATCH", "/Users/" + bob, patch(`{"op":"replace","path":"externalId","value":"x-ann"}`)},
		{"PUT", "/Users/" + bob, user("ann")},
		{"POST", "/Users", user("bob")},
		{"PATCH", "/Groups/" + a.group, patch(`{"op":"remove","path":"members"}`, `{"op":"replace","path":"displayName","value":"h"}`)},
		{"PUT", "/Groups/" + a.group, group("h")},
		{"POST", "/Groups", group("H", bob)},
	} {
		got := a.send(v.method, v.path, v.body)
		a.refused(v.method+" "+v.path, before, got, 409)
		if got.text("scimType") != "uniqueness" {
			t.Errorf("%s %s: %s", v.method, v.path, got.raw)
		}
	}
}

// A body that stops arriving.
func TestAttackBrokenConnection(t *testing.T) {
	t.Parallel()
	a := startAttacked(t)
	before := a.everything()
	r := httptest.NewRequest("POST", "/scim/entra/v2/Users", brokenReader{})
	r.Header.Set("Authorization", "Bearer "+a.token)
	a.refused("a broken connection", before, a.do(r), 400)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestConcurrentMembersAreAllKept(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	g := w.group("G")
	const n = 24
	users := make([]string, n)
	for i := range users {
		users[i] = w.user(fmt.Sprint("u", i))
	}
	var wait sync.WaitGroup
	statuses := make([]int, n)
	for i, u := range users {
		wait.Go(func() {
			r := httptest.NewRequest("PATCH", "/scim/entra/v2/Groups/"+g, strings.NewReader(patch(`{"op":"add","path":"members","value":[{"value":"`+u+`"}]}`)))
			r.Header.Set("Authorization", "Bearer "+w.token)
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, r)
			statuses[i] = rec.Code
		})
	}
	wait.Wait()
	for i, s := range statuses {
		if s != 204 {
			t.Errorf("member %d: %d", i, s)
		}
	}
	if got := w.must(200, "GET", "/Groups/"+g, ""); got.at("members/#") != float64(n) {
		t.Errorf("%v members, want %d", got.at("members/#"), n)
	}
}

func TestConcurrentPatchesOfAUserAreAllKept(t *testing.T) {
	t.Parallel()
	w := start(t, directory.ProfileRFC)
	id := w.user("ann")
	const n = 24
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			r := httptest.NewRequest("PATCH", "/scim/entra/v2/Users/"+id, strings.NewReader(patch(fmt.Sprintf(`{"op":"add","path":"emails","value":"e%d"}`, i))))
			r.Header.Set("Authorization", "Bearer "+w.token)
			rec := httptest.NewRecorder()
			if w.handler.ServeHTTP(rec, r); rec.Code != 200 {
				t.Errorf("address %d: %d %s", i, rec.Code, rec.Body)
			}
		})
	}
	wait.Wait()
	if got := w.must(200, "GET", "/Users/"+id, ""); got.at("emails/#") != float64(n) {
		t.Errorf("%v addresses, want %d", got.at("emails/#"), n)
	}
}

// watched counts readings of whole memberships, and of the whole store.
type watched struct {
	directory.Store
	listings *int
}

func (s watched) UsersOf(ctx context.Context, source, after string, limit int) ([]directory.User, error) {
	*s.listings++
	return s.Store.UsersOf(ctx, source, after, limit)
}

func (s watched) GroupsOf(ctx context.Context, source, after string, limit int) ([]directory.Group, error) {
	*s.listings++
	return s.Store.GroupsOf(ctx, source, after, limit)
}

func (s watched) Users(ctx context.Context, after string, limit int) ([]directory.User, error) {
	*s.listings++
	return s.Store.Users(ctx, after, limit)
}

func (s watched) Groups(ctx context.Context, after string, limit int) ([]directory.Group, error) {
	*s.listings++
	return s.Store.Groups(ctx, after, limit)
}

func (s watched) MembersOwnedBy(ctx context.Context, groupID string, owners []string, after string, limit int) ([]directory.Membership, error) {
	if limit > 2 { // the guard looks at one more than are taken out
		*s.listings++
	}
	return s.Store.MembersOwnedBy(ctx, groupID, owners, after, limit)
}

func TestFiltersThatNameAKeyDoNotReadTheStore(t *testing.T) {
	t.Parallel()
	listings := 0
	w := startOn(t, directory.ProfileRFC, func(s directory.Store) directory.Store { return watched{s, &listings} })
	for _, filter := range []string{
		`userName eq "a"`, `externalId eq "a"`, `id eq "a"`, `emails[type eq "work"].value eq "a"`, `emails eq "a" and active eq true`,
		`groups.value eq "0123456789-00000000-0000-0000-0000-000000000000"`, `title pr and userName eq "a"`,
	} {
		w.must(200, "GET", "/Users?filter="+url.QueryEscape(filter), "")
		if listings != 0 {
			t.Fatalf("%s reads the store", filter)
		}
	}
	for _, filter := range []string{`displayName eq "a"`, `externalId eq "a"`, `id eq "a"`, `members eq "0123456789-00000000-0000-0000-0000-000000000000"`} {
		w.must(200, "GET", "/Groups?filter="+url.QueryEscape(filter), "")
		if listings != 0 {
			t.Fatalf("%s reads the store", filter)
		}
	}
	w.must(200, "GET", "/Users?filter=title+pr", "")
	w.must(200, "GET", "/Groups?filter=displayName+pr", "")
	if listings != 2 {
		t.Error("the watch does not see listings")
	}
}

func TestMembersAreReadOnlyToBeShown(t *testing.T) {
	t.Parallel()
	listings := 0
	w := startOn(t, directory.ProfileRFC, func(s directory.Store) directory.Store { return watched{s, &listings} })
	u, v := w.user("ann"), w.user("bob")
	g := w.group("G", u)
	listings = 0
	w.must(204, "PATCH", "/Groups/"+g, patch(`{"op":"Add","path":"members","value":[{"value":"`+v+`"}]}`))
	w.must(204, "PATCH", "/Groups/"+g, patch(`{"op":"Remove","path":"members","value":[{"value":"`+v+`"}]}`))
	w.must(200, "GET", "/Groups/"+g+"?excludedAttributes=members", "")
	w.must(200, "GET", "/Groups?excludedAttributes=members&filter=displayName+eq+%22G%22", "")
	w.must(200, "GET", "/Groups?attributes=id&filter=id+eq+%22"+g+"%22+and+members+eq+%22"+u+"%22", "")
	w.must(200, "GET", "/Groups?attributes=id&filter=members+eq+%22"+u+"%22", "")
	if listings != 0 {
		t.Errorf("members were listed %d times", listings)
	}
	w.must(200, "GET", "/Groups/"+g, "")
	if listings != 1 {
		t.Error("the watch does not see listings")
	}
}

// meddling changes a user behind the door's back, once, after she was read.
type meddling struct {
	directory.Store
	after *func()
}

func (s meddling) User(ctx context.Context, id string) (directory.User, error) {
	u, err := s.Store.User(ctx, id)
	if f := *s.after; f != nil {
		*s.after = nil
		f()
	}
	return u, err
}

func TestVersionsRFC7644Section314WhenTheRaceIsLost(t *testing.T) {
	t.Parallel()
	var after func()
	w := startOn(t, directory.ProfileRFC, func(s directory.Store) directory.Store { return meddling{s, &after} })
	id := w.user("ann")
	change := patch(`{"op":"replace","path":"title","value":"mine"}`)
	meddle := func() {
		if _, err := w.service.UpdateUser(t.Context(), admin, id, 0, func(u *directory.User) error { u.NickName += "x"; return nil }); err != nil {
			t.Error(err)
		}
	}
	after = meddle
	w.must(412, "PATCH", "/Users/"+id, change, header("If-Match", `W/"1"`))
	after = meddle
	w.must(412, "DELETE", "/Users/"+id, "", header("If-Match", `W/"2"`))
	// Without a condition both changes are kept.
	after = meddle
	if got := w.must(200, "PATCH", "/Users/"+id, change); got.text("title") != "mine" || got.text("nickName") != "xxx" {
		t.Error(got.raw)
	}
}

// A database that fails is a 500 that says nothing of it, and one line in the log.
type broken struct{ directory.Store }

func (broken) User(context.Context, string) (directory.User, error) {
	return directory.User{}, errors.New("disk on fire at /secret/place")
}

func TestInternalErrorsShowNothing(t *testing.T) {
	t.Parallel()
	w := startOn(t, directory.ProfileRFC, func(s directory.Store) directory.Store { return broken{s} })
	got := w.must(500, "GET", "/Users/0123456789-00000000-0000-0000-0000-000000000000", "")
	if strings.Contains(got.raw, "fire") || strings.Contains(got.raw, "secret") {
		t.Errorf("shown: %s", got.raw)
	}
	if !strings.Contains(w.log.String(), "disk on fire") {
		t.Errorf("not logged: %s", w.log)
	}
}
