package scimv2_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/endpoint/scimv2"
	"gatehouse/internal/scimlog"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/storage/sqlstore"
)

var admin = audit.Actor{Kind: audit.System, ID: "test"}

// world is a door in front of a real database, with one directory and its token.
type world struct {
	t       testing.TB
	service *directory.Service
	events  *sqlstore.Events
	handler http.Handler
	now     time.Time
	// id and token are the directory's that requests are sent to.
	id, token string
	log       *lines
	requests  *scimlog.Service
}

// start makes a world whose directory is alone, and through which hand-made users may sign in.
func start(t testing.TB, profile directory.Profile) *world {
	t.Helper()
	return startOn(t, profile, func(s directory.Store) directory.Store { return s })
}

// startOn lets a test stand between the rules and the database.
func startOn(t testing.TB, profile directory.Profile, between func(directory.Store) directory.Store) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), log: &lines{}}
	w.events = db.Events()
	now := func() time.Time { return w.now }
	w.service = directory.NewService(directory.Config{Store: between(db.Directory()), IdentityStoreID: "d-0123456789", Now: now, Rand: rand.Reader})
	w.requests = scimlog.NewService(scimlog.Config{
		Store: db.SCIMLog(), Now: now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Directories: func(ctx context.Context) (ids []string, err error) {
			sources, err := w.service.Sources(ctx)
			for _, s := range sources {
				ids = append(ids, s.ID)
			}
			return ids, err
		},
	})
	w.handler = scimv2.New(scimv2.Config{Directory: w.service, URL: "http://gatehouse.test", Now: now, Requests: w.requests.Recorder(), Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	w.id, w.token = w.source("entra", profile, true)
	return w
}

// lines is a log that several requests may write to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// source adds an identity source and a token for it.
func (w *world) source(id string, profile directory.Profile, local bool) (string, string) {
	w.t.Helper()
	if _, err := w.service.CreateSource(w.t.Context(), admin, directory.Source{ID: id, Profile: profile, LocalUsers: local}); err != nil {
		w.t.Fatal(err)
	}
	_, secret, err := w.service.CreateToken(w.t.Context(), admin, id, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return id, secret
}

// lastEvent is the newest event about a resource.
func (w *world) lastEvent(resource string) audit.Event {
	w.t.Helper()
	page, err := w.events.Events(w.t.Context(), sqlstore.EventCursor{}, audit.Filter{Resource: resource}, 1)
	if err != nil || len(page.Events) == 0 {
		w.t.Fatalf("no event about %s: %v", resource, err)
	}
	return page.Events[0]
}

// as returns a view of the world for another directory.
func (w *world) as(id, token string) *world {
	v := *w
	v.id, v.token = id, token
	return &v
}

// response is an answer with its body read.
type response struct {
	status int
	header http.Header
	raw    string
	body   any
}

// send makes a request below the directory's root; edit may change it.
func (w *world) send(method, path, body string, edit ...func(*http.Request)) response {
	w.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "/scim/"+w.id+"/v2"+path, in)
	r.Header.Set("Authorization", "Bearer "+w.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	for _, f := range edit {
		f(r)
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) response {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	got := response{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	if got.raw != "" {
		if err := json.Unmarshal([]byte(got.raw), &got.body); err != nil {
			w.t.Fatalf("%s %s: the answer is not JSON: %s", r.Method, r.URL, got.raw)
		}
	}
	return got
}

// must sends and demands a status.
func (w *world) must(status int, method, path, body string, edit ...func(*http.Request)) response {
	w.t.Helper()
	got := w.send(method, path, body, edit...)
	if got.status != status {
		w.t.Fatalf("%s %s: got %d %s, want %d", method, path, got.status, got.raw, status)
	}
	return got
}

// at walks the body by a path of names and indexes separated by "/"; "#" is the length of an array. What is
// not there is nil.
func (r response) at(path string) any {
	v := r.body
	for _, step := range strings.Split(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			switch {
			case step == "#":
				v = float64(len(x))
			case err != nil || i >= len(x):
				return nil
			default:
				v = x[i]
			}
		default:
			return nil
		}
	}
	return v
}

func (r response) text(path string) string { s, _ := r.at(path).(string); return s }

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func user(name string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `","displayName":"D ` + name + `","name":{"givenName":"G","familyName":"F"},"externalId":"x-` + name + `"}`
}

func group(name string, members ...string) string {
	out := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `"`
	for i, m := range members {
		out += []string{`,"members":[`, `,`}[min(i, 1)] + `{"value":"` + m + `"}`
	}
	if len(members) > 0 {
		out += `]`
	}
	return out + `}`
}

func patch(ops ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(ops, ",") + `]}`
}

func (w *world) user(name string) string {
	w.t.Helper()
	return w.must(201, "POST", "/Users", user(name)).text("id")
}

func (w *world) group(name string, members ...string) string {
	w.t.Helper()
	return w.must(201, "POST", "/Groups", group(name, members...)).text("id")
}
