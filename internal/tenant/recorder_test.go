package tenant

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// testKeys are made once: two RSA keys cost a third of a second.
var testKeys = sync.OnceValue(func() []keyRecord {
	t := &Tenant{now: func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }, rand: rand.NewChaCha8([32]byte{1})}
	keys, err := t.newKeys()
	if err != nil {
		panic(err)
	}
	return keys
})

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// recorder is a SCIM server of the test's own: it keeps resources as JSON objects, knows just enough to answer
// Entra, and writes down every request.
type recorder struct {
	t  *testing.T
	mu sync.Mutex
	// seen are the requests, "METHOD /path?query" and for bodies a space and the body; random names are shown as PROBE.
	seen    []string
	headers []http.Header
	users   map[string]map[string]any
	groups  map[string]map[string]any
	next    int
	// operations is how many the server says it takes at once.
	operations int
	// fail, when not nil, may answer instead of the server: 0 lets the request through.
	fail func(method, path, body string) int
	srv  *httptest.Server
}

var probeName = regexp.MustCompile(`%22[0-9a-f]{8}-[0-9a-f-]{27}%22`)

func newRecorder(t *testing.T) *recorder {
	r := &recorder{t: t, users: map[string]map[string]any{}, groups: map[string]map[string]any{}, operations: 1000}
	r.srv = httptest.NewServer(r)
	t.Cleanup(r.srv.Close)
	return r
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	line := req.Method + " " + strings.TrimPrefix(req.URL.RequestURI(), "/scim/v2")
	if strings.Contains(line, "filter=userName") || strings.Contains(line, "filter=displayName") {
		line = probeName.ReplaceAllString(line, "PROBE")
	}
	if len(body) > 0 {
		line += " " + string(body)
	}
	r.seen = append(r.seen, line)
	r.headers = append(r.headers, req.Header.Clone())
	path := strings.TrimPrefix(req.URL.Path, "/scim/v2")
	if r.fail != nil {
		if status := r.fail(req.Method, path, string(body)); status != 0 {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d","detail":"as the test wants"}`, status)
			return
		}
	}
	if req.Header.Get("Authorization") != "Bearer s3cret-token" {
		w.WriteHeader(401)
		return
	}
	_, kind, id := cut3(path)
	if kind == "ServiceProviderConfig" {
		fmt.Fprintf(w, `{"bulk":{"supported":true,"maxOperations":%d}}`, r.operations)
		return
	}
	store := r.users
	if kind == "Groups" {
		store = r.groups
	}
	r.answer(w, req, store, id, body)
}

func cut3(p string) (a, b, c string) {
	parts := append(strings.SplitN(p, "/", 3), "", "", "")
	return parts[0], parts[1], parts[2]
}

func (r *recorder) answer(w http.ResponseWriter, req *http.Request, store map[string]map[string]any, id string, body []byte) {
	w.Header().Set("Content-Type", "application/scim+json")
	reply := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch {
	case req.Method == "GET" && id == "":
		found := r.filter(store, req.URL.Query().Get("filter"))
		reply(200, map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": len(found), "Resources": found})
	case req.Method == "POST":
		var res map[string]any
		if err := json.Unmarshal(body, &res); err != nil {
			reply(400, nil)
			return
		}
		for _, other := range store {
			if other["userName"] == res["userName"] && other["displayName"] == res["displayName"] {
				reply(409, nil)
				return
			}
		}
		if list, ok := res["members"].([]any); ok {
			res["members"] = listed(list)
		}
		r.next++
		id := fmt.Sprintf("%c%d", req.URL.Path[len("/scim/v2/")], r.next)
		res["id"] = id
		store[id] = res
		reply(201, res)
	case store[id] == nil:
		w.WriteHeader(404)
	case req.Method == "DELETE":
		delete(store, id)
		w.WriteHeader(204)
	case req.Method == "PUT":
		var res map[string]any
		if err := json.Unmarshal(body, &res); err != nil {
			reply(400, nil)
			return
		}
		if list, ok := res["members"].([]any); ok {
			res["members"] = listed(list)
		}
		res["id"] = id
		store[id] = res
		reply(200, res)
	case req.Method == "GET" && store[id]["members"] != nil:
		shown := maps.Clone(store[id])
		members := []any{}
		for _, m := range memberIDs(store[id]) {
			members = append(members, map[string]any{"value": m})
		}
		shown["members"] = members
		reply(200, shown)
	case req.Method == "GET":
		reply(200, store[id])
	case req.Method == "PATCH":
		r.patch(store[id], body)
		w.WriteHeader(204)
	}
}

// filter understands the look-ups that Entra sends.
func (r *recorder) filter(store map[string]map[string]any, f string) []map[string]any {
	found := []map[string]any{}
	if f == "" {
		for _, id := range sortedKeys(store) {
			found = append(found, store[id])
		}
		return found
	}
	if m := regexp.MustCompile(`^id eq "(.*)" and (members|manager) eq "(.*)"$`).FindStringSubmatch(f); m != nil {
		res := store[m[1]]
		if res == nil {
			return found
		}
		if m[2] == "members" && slices.Contains(memberIDs(res), m[3]) || m[2] == "manager" && fmt.Sprint(res["manager"]) == m[3] {
			found = append(found, res)
		}
		return found
	}
	m := regexp.MustCompile(`^(\w+) eq "(.*)"$`).FindStringSubmatch(f)
	if m == nil {
		r.t.Errorf("a filter that no server knows: %s", f)
		return found
	}
	for _, id := range sortedKeys(store) {
		if s, _ := store[id][m[1]].(string); strings.EqualFold(s, m[2]) {
			found = append(found, store[id])
		}
	}
	return found
}

func listed(members []any) []string {
	ids := []string{}
	for _, m := range members {
		ids = append(ids, m.(map[string]any)["value"].(string))
	}
	return ids
}

func memberIDs(group map[string]any) []string {
	ids, _ := group["members"].([]string)
	return ids
}

// patch applies the shapes that the tenant sends, and complains about any other.
func (r *recorder) patch(res map[string]any, body []byte) {
	var b struct {
		Schemas    []string `json:"schemas"`
		Operations []struct {
			Op, Path string
			Value    any
		}
	}
	if err := json.Unmarshal(body, &b); err != nil || len(b.Schemas) != 1 || b.Schemas[0] != patchOp {
		r.t.Errorf("not a PatchOp: %s", body)
	}
	one := regexp.MustCompile(`^members\[value eq "(.*)"\]$`)
	for _, op := range b.Operations {
		m := one.FindStringSubmatch(op.Path)
		switch {
		case m != nil:
			res["members"] = minus(memberIDs(res), []string{m[1]})
		case op.Path == "members" && op.Op == "replace":
			res["members"] = listed(op.Value.([]any))
		case op.Path == "members":
			for _, v := range op.Value.([]any) {
				id := v.(map[string]any)["value"].(string)
				if strings.EqualFold(op.Op, "add") {
					res["members"] = plus(memberIDs(res), id)
				} else {
					res["members"] = minus(memberIDs(res), []string{id})
				}
			}
		case strings.HasSuffix(op.Path, "manager"):
			switch v := op.Value.(type) {
			case string:
				res["manager"] = v
			case []any:
				res["manager"] = v[0].(map[string]any)["value"]
			}
		case op.Path == "":
			for k, v := range op.Value.(map[string]any) {
				put(res, k, v)
			}
		default:
			put(res, op.Path, op.Value)
		}
	}
}

// put writes one value under a path.
func put(res map[string]any, path string, v any) {
	t := parseTarget(path)
	sub := func(name string) map[string]any {
		m, ok := res[name].(map[string]any)
		if !ok {
			m = map[string]any{}
			res[name] = m
		}
		return m
	}
	switch {
	case t.ext:
		sub(enterpriseUser)[t.attr] = v
	case t.filter != "":
		list, _ := res[t.attr].([]any)
		for _, e := range list {
			if el := e.(map[string]any); el["type"] == t.filter {
				el[t.sub] = v
				return
			}
		}
		res[t.attr] = append(list, map[string]any{"type": t.filter, t.sub: v})
	case t.sub != "":
		sub(t.attr)[t.sub] = v
	default:
		res[t.attr] = v
	}
}

// take returns the requests since the last take, without the connection test at their start.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []string{}
	for _, s := range r.seen {
		if !strings.Contains(s, "PROBE") {
			out = append(out, s)
		}
	}
	r.seen = nil
	return out
}

// world is a tenant with a clock and a recorder to provision to.
type world struct {
	*Tenant
	t     *testing.T
	rec   *recorder
	clock *clock
	ids   map[string]string // objectIds by user name or group name
}

func newTenant(t *testing.T, c *clock) *Tenant {
	t.Helper()
	tn, err := New(Config{
		BaseURL: "http://tenant.test", DataDir: t.TempDir(), Domain: "contoso.test", Name: "Contoso", Now: c.now,
		Rand: rand.NewChaCha8([32]byte{7}), keys: testKeys(), HashRounds: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tn
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)} }

// newWorld has ann (managed by bob) and bob in the assigned group Devs, which also holds the nested group Leads with cat.
func newWorld(t *testing.T) *world {
	t.Helper()
	c := newClock()
	w := &world{Tenant: newTenant(t, c), t: t, rec: newRecorder(t), clock: c, ids: map[string]string{}}
	for _, u := range []User{
		{UserPrincipalName: "bob@contoso.test", Mail: "bob@contoso.test", GivenName: "Bob", Surname: "Berg", DisplayName: "Bob Berg", AccountEnabled: true},
		{UserPrincipalName: "ann@contoso.test", Mail: "ann@contoso.test", GivenName: "Ann", Surname: "Ash", DisplayName: "Ann Ash", Department: "IT", EmployeeID: "1", JobTitle: "Engineer", Manager: "bob@contoso.test", AccountEnabled: true},
		{UserPrincipalName: "cat@contoso.test", GivenName: "Cat", Surname: "Cole", DisplayName: "Cat Cole", AccountEnabled: true},
	} {
		u, err := w.AddUser(u)
		w.ok(err)
		w.ids[u.MailNickname] = u.ID
	}
	for _, g := range []Group{{DisplayName: "Leads", Members: []string{"cat@contoso.test"}}, {DisplayName: "Devs", Members: []string{"ann@contoso.test", "bob@contoso.test", "Leads"}}} {
		g, err := w.AddGroup(g)
		w.ok(err)
		w.ids[g.DisplayName] = g.ID
	}
	w.ok(w.Assign("Devs", ""))
	w.ok(w.SetJob(func(s *Settings) { s.BaseURL = w.rec.srv.URL + "/scim/v2" }))
	w.ok(w.SetSecretToken("s3cret-token"))
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run runs a cycle that must succeed as a cycle.
func (w *world) run() Cycle {
	w.t.Helper()
	c, err := w.RunCycle(w.t.Context())
	if err != nil {
		w.t.Fatalf("cycle: %v", err)
	}
	return c
}

// wire compares requests with what is wanted. In want, {ann} stands for an objectId and {base} for the server's address.
func (w *world) wire(want ...string) {
	w.t.Helper()
	got := w.rec.take()
	for i := range want {
		for name, id := range w.ids {
			want[i] = strings.ReplaceAll(want[i], "{"+name+"}", id)
		}
		want[i] = strings.ReplaceAll(want[i], "{base}", w.rec.srv.URL+"/scim/v2")
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("requests:\n  got\n\t%s\n  want\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func get(filter string) string { return "filter=" + url.QueryEscape(filter) }

func testLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
