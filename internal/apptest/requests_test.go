package apptest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/apptest"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scimlog"
	"gatehouse/internal/signin"
)

// scim sends a request of the directory's client and returns status and body.
func (w *world) scim(token, method, path, body string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.URL+"/scim/"+w.dir+"/v2"+path, strings.NewReader(body))
	w.ok(err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/scim+json")
	res, err := http.DefaultClient.Do(r)
	w.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	w.ok(err)
	return res.StatusCode, string(b)
}

// everything is what a dry run must leave as it is: people, groups, who is in them, what the guard has counted, and the audit trail.
func (w *world) everything() string {
	w.t.Helper()
	ctx := w.t.Context()
	users, err := w.Directory.Users(ctx, "", 1000)
	w.ok(err)
	groups, err := w.Directory.Groups(ctx, "", 1000)
	w.ok(err)
	out := fmt.Sprintf("%+v\n%+v\n", users, groups)
	for _, g := range groups {
		ms, err := w.Directory.MembersOf(ctx, g.ID, "", 1000)
		w.ok(err)
		out += fmt.Sprintf("%+v\n", ms)
	}
	guard, err := w.Directory.GuardState(ctx, w.dir)
	w.ok(err)
	n, err := w.Directory.CountUsers(ctx)
	w.ok(err)
	return out + fmt.Sprintf("%+v %d %s", guard, n, w.admin("GET", "/api/v1/events?limit=1000", ""))
}

// TestReplayChangesNothing: a tenant's life is logged; all of it is rehearsed again, twice, and everything stays as it is, sessions included.
func TestReplayChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "default", directory.ProfileRFC)
	ctx := t.Context()
	w.sync()
	begin := w.Clock.Now()
	w.Clock.Move(time.Minute)
	w.ok(w.tenant.SetEnabled(ann, false))
	w.sync()
	w.ok(w.tenant.SetEnabled(ann, true))
	w.sync()
	w.Clock.Move(time.Minute)
	session := w.session(ann)
	if !session() {
		t.Fatal("ann's session is not good")
	}

	disabling, _, err := w.Requests.Requests(ctx, w.dir, scimlog.Filter{Name: ann, Method: "PATCH", Outcome: scimlog.Changed, Since: begin.Add(time.Second)}, "", 10)
	w.ok(err)
	if len(disabling) != 2 || fmt.Sprintf("%s", disabling[1].Result.Change.Attributes) != "[{active true false}]" {
		t.Fatalf("the log of ann being disabled and enabled: %+v", disabling)
	}
	before := w.everything()
	for range 2 {
		got, next, err := w.Requests.ReplayRange(ctx, w.dir, scimlog.Filter{}, "")
		w.ok(err)
		if len(got) < 15 || next != "" {
			t.Errorf("%d requests were replayed, then %q", len(got), next)
		}
		for _, r := range got {
			// Who was created is there now; everybody else's requests find things as they were, since the one after undoes what the one before did.
			if r.Skipped != "" || r.Of.Request.Method == "POST" && r.Now.Result.Status != http.StatusConflict || r.Of.Request.Method != "POST" && r.Now.Result.Status != r.Of.Result.Status {
				t.Errorf("%s %s: then %+v, now %+v %s", r.Of.Request.Method, r.Of.Request.Path, r.Of.Result, r.Now.Result, r.Skipped)
			}
		}
		alone, err := w.Requests.ReplayRequests(ctx, w.dir, []string{disabling[1].ID})
		w.ok(err)
		if r := alone[0].Now.Result; r.Outcome != scimlog.Changed || fmt.Sprintf("%s", r.Change.Attributes) != "[{active true false}]" {
			t.Errorf("disabling ann would come out as %+v", r)
		}
	}
	if after := w.everything(); after != before {
		t.Errorf("the dry run left\n%s\nof\n%s", after, before)
	}
	if !session() {
		t.Error("ann's session has ended in a dry run")
	}
}

// session opens a session for somebody and returns whether it is still good.
func (w *world) session(name string) (good func() bool) {
	w.t.Helper()
	u, err := w.Directory.UserByName(w.t.Context(), name)
	w.ok(err)
	opened, err := w.SignIn.OpenSession(w.t.Context(), u, signin.Proof{Method: signin.SAML, SourceID: w.dir}, "")
	w.ok(err)
	return func() bool {
		_, err := w.SignIn.Authenticate(w.t.Context(), opened.Secret)
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			w.t.Fatal(err)
		}
		return err == nil
	}
}

// TestReplayOfWhatWasMasked: a request with a password is rehearsed without it; one that was cut, or not read, says why it is not.
func TestReplayOfWhatWasMasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "default", directory.ProfileRFC)
	ctx := t.Context()
	_, token, err := w.Directory.CreateToken(ctx, tester, w.dir, 0)
	w.ok(err)
	want := func(status int, method, path, body string) string {
		t.Helper()
		got, answer := w.scim(token, method, path, body)
		if got != status {
			t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
		}
		return answer
	}
	want(201, "POST", "/Users", `{"userName":"dan","password":"hunter222","title":"`+token+`"}`)
	want(400, "POST", "/Users", `{"userName":"eve","password":"hunter222`)
	want(201, "POST", "/Users", `{"userName":"fay","x":"`+strings.Repeat("y", scimlog.MaxBody)+`"}`)
	dan, err := w.Directory.UserByName(ctx, "dan")
	w.ok(err)
	want(204, "DELETE", "/Users/"+dan.ID, "")
	want(404, "DELETE", "/Users/"+dan.ID, "")
	if status, _ := w.scim("ghscim_guessed", "DELETE", "/Users/"+dan.ID, ""); status != 401 {
		t.Fatal(status)
	}
	all, _, err := w.Requests.Requests(ctx, w.dir, scimlog.Filter{}, "", 100)
	w.ok(err)
	if kept := fmt.Sprintf("%+v", all); strings.Contains(kept, "hunter222") || strings.Contains(kept, token) || strings.Contains(kept, "guessed") {
		t.Errorf("a secret is in the log: %s", kept)
	}
	var ids []string
	for _, e := range all {
		ids = append(ids, e.ID)
	}
	got, err := w.Requests.ReplayRequests(ctx, w.dir, ids)
	w.ok(err)
	var lines []string
	for _, r := range got {
		lines = append(lines, fmt.Sprintf("%s %d→%d %s %s", r.Of.Request.Method, r.Of.Result.Status, r.Now.Result.Status, r.Now.Result.Change.Action, r.Skipped))
	}
	for i, line := range []string{"POST 201→201 created ", "POST 400→0  the body was not kept", "POST 201→0  the body was longer", "DELETE 204→404  ", "DELETE 404→404  ", "DELETE 401→0  there was no valid token"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], line) {
			t.Errorf("got %q, want %q", lines, line)
		}
	}
}

// TestReplaySeesWhatCameBefore: requests that are tried together build on each other, and the guard counts among them alone.
func TestReplaySeesWhatCameBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "default", directory.ProfileRFC)
	ctx := t.Context()
	_, err := w.Directory.UpdateSource(ctx, tester, w.dir, func(s *directory.Source) error { s.Guard = directory.Guard{Share: 1, Least: 2}; return nil })
	w.ok(err)
	var ids []string
	for i := range 4 {
		u, err := w.Directory.CreateUser(ctx, tester, directory.User{UserName: fmt.Sprint("u", i), Active: true, Source: w.dir})
		w.ok(err)
		ids = append(ids, u.ID)
	}
	before := w.everything()
	var tries []scimlog.Request
	for _, id := range ids {
		tries = append(tries, scimlog.Request{Method: "DELETE", Path: "/Users/" + id})
	}
	tries = append(tries, scimlog.Request{Method: "POST", Path: "Users", Body: scimlog.Body{Text: `{"userName":"u0","password":"hunter222"}`}}, scimlog.Request{Method: "GET", Path: "/Users", Query: "filter=userName+eq+%22u0%22"},
		scimlog.Request{Method: "GET", Path: "/Users/%zz"}, scimlog.Request{Method: "GET", Path: "/../../../api/v1/users"})
	for range 3 {
		got, err := w.Requests.Try(ctx, w.dir, tries)
		w.ok(err)
		var statuses []int
		for _, r := range got {
			statuses = append(statuses, r.Now.Result.Status)
		}
		if fmt.Sprint(statuses) != "[204 204 403 403 201 200 404 404]" {
			t.Errorf("got %v", statuses)
		}
	}
	if after := w.everything(); after != before {
		t.Errorf("the dry run left\n%s\nof\n%s", after, before)
	}
	if all, _, err := w.Requests.Requests(ctx, w.dir, scimlog.Filter{}, "", 100); err != nil || len(all) != 0 {
		t.Errorf("what is tried is not logged: %v %v", all, err)
	}
	if _, err := w.Requests.Try(ctx, "nowhere", tries); !fault.Is(err, fault.NotFound) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// TestRequestsSurviveAStop: what was answered is in the log after the program has ended, unless it is told to keep none.
func TestRequestsSurviveAStop(t *testing.T) {
	t.Parallel()
	for _, off := range []bool{false, true} {
		data := t.TempDir()
		start := func(t *testing.T) *world {
			return &world{t: t, dir: "default", Program: apptest.StartWith(t, func(c *apptest.Settings) { c.Data, c.SCIMLog.Off = data, off })}
		}
		t.Run("before", func(t *testing.T) {
			w := start(t)
			for range 5 {
				w.scim("none", "GET", "/Users", "")
			}
		})
		t.Run("after", func(t *testing.T) {
			w := start(t)
			all, _, err := w.Requests.Requests(t.Context(), w.dir, scimlog.Filter{}, "", 100)
			w.ok(err)
			if want := map[bool]int{false: 5, true: 0}[off]; len(all) != want {
				t.Errorf("off: %v; %d requests are in the log, want %d", off, len(all), want)
			}
		})
	}
}
