package tenant

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

const (
	disableAnn = `PATCH /Users/U2 ` + op + `[{"op":"Replace","path":"active","value":"False"}]}`
	enableAnn  = `PATCH /Users/U2 ` + op + `[{"op":"Replace","path":"active","value":"True"}]}`
	getAnn     = `GET /Users/U2`
	getDevs    = `GET /Groups/G3?excludedAttributes=members`
)

// TestLifecycle is the table of what each event in Entra does at the application, event after event on one person.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	const ann = "ann@contoso.test"
	steps := func(fs ...func(*world)) []func(*world) { return fs }
	do := func(f func(*world) error) func(*world) { return func(w *world) { w.t.Helper(); w.ok(f(w)) } }
	sends := func(want ...string) func(*world) {
		return func(w *world) { w.t.Helper(); w.run(); w.wire(append([]string(nil), want...)...) }
	}
	disable, enable := do(func(w *world) error { return w.SetEnabled(ann, false) }), do(func(w *world) error { return w.SetEnabled(ann, true) })
	del, restore := do(func(w *world) error { return w.DeleteUser(ann) }), do(func(w *world) error { return w.RestoreUser(ann) })
	purge := do(func(w *world) error { return w.PurgeUser(ann) })
	leave, join := do(func(w *world) error { return w.RemoveMember("Devs", ann) }), do(func(w *world) error { return w.AddMember("devs", ann) })
	for _, c := range []struct {
		name  string
		steps []func(*world)
	}{
		{"disabled and enabled", steps(disable, sends(getAnn, disableAnn), enable, sends(getAnn, enableAnn))},
		{"deleted and restored: memberships are not sent again", steps(del, sends(getAnn, disableAnn), restore, sends(getAnn, enableAnn))},
		{"deleted and purged", steps(del, sends(getAnn, disableAnn), purge, sends(`DELETE /Users/U2`, getDevs))},
		{"purged by itself after thirty days", steps(del, sends(getAnn, disableAnn), func(w *world) { w.clock.advance(30*24*time.Hour + time.Minute) }, sends(`DELETE /Users/U2`, getDevs))},
		{"out of scope, then purged: stays for ever", steps(
			leave, sends(getAnn, disableAnn, getDevs, `PATCH /Groups/G3 `+op+`[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"U2"}]}]}`),
			del, sends(), purge, sends())},
		{"leaves and comes back", steps(
			leave, sends(getAnn, disableAnn, getDevs, `PATCH /Groups/G3 `+op+`[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"U2"}]}]}`),
			join, sends(getAnn, enableAnn, getDevs, `GET /Groups?filter=id+eq+%22G3%22+and+members+eq+%22U2%22&attributes=id`,
				`PATCH /Groups/G3 `+op+`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"U2"}]}]}`))},
		{"leaves the group but is assigned directly: the membership only", steps(
			do(func(w *world) error { return w.Assign(ann, "") }), sends(getAnn),
			leave, sends(getAnn, getDevs, `PATCH /Groups/G3 `+op+`[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"U2"}]}]}`))},
		{"group unassigned: deleted, its people disabled", steps(
			do(func(w *world) error { return w.Unassign("Devs") }),
			sends(`GET /Users/U1`, `PATCH /Users/U1 `+op+`[{"op":"Replace","path":"active","value":"False"}]}`, getAnn, disableAnn, `DELETE /Groups/G3`))},
		{"group deleted", steps(
			do(func(w *world) error { return w.DeleteGroup("Devs") }),
			sends(`GET /Users/U1`, `PATCH /Users/U1 `+op+`[{"op":"Replace","path":"active","value":"False"}]}`, getAnn, disableAnn, `DELETE /Groups/G3`))},
		{"made again under the same name: matched, externalId replaced", steps(
			del, sends(getAnn, disableAnn), leave, sends(getDevs, `PATCH /Groups/G3 `+op+`[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"U2"}]}]}`),
			purge, sends(),
			do(func(w *world) error {
				u, err := w.AddUser(User{UserPrincipalName: ann, Mail: ann, GivenName: "Ann", Surname: "Ash", DisplayName: "Ann Ash", Department: "IT", EmployeeID: "1", JobTitle: "Engineer", AccountEnabled: true})
				w.ids["ann2"] = u.ID
				if err == nil {
					err = w.Assign(ann, "")
				}
				return err
			}),
			sends(`GET /Users?filter=userName+eq+%22ann%40contoso.test%22`,
				`PATCH /Users/U2 `+op+`[{"op":"Replace","path":"active","value":"True"},{"op":"Replace","path":"externalId","value":"{ann2}"}]}`))},
		{"disabled before the first cycle saw it: never created", steps(
			do(func(w *world) error { return w.SetEnabled("cat@contoso.test", false) }),
			do(func(w *world) error { return w.AddMember("Devs", "cat@contoso.test") }), sends(getDevs),
			do(func(w *world) error { return w.SetEnabled("cat@contoso.test", true) }),
			sends(`GET /Users?filter=userName+eq+%22cat%40contoso.test%22`, postCat,
				`PATCH /Groups/G3 `+op+`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"U4"}]}]}`))},
		{"a value that goes away is not sent", steps(
			do(func(w *world) error { return update(w, "ann", func(u *User) { u.Department = "" }) }), sends(getAnn))},
		{"nested group assigned by itself", steps(
			do(func(w *world) error { return w.Assign("Leads", "") }),
			sends(`GET /Users?filter=userName+eq+%22cat%40contoso.test%22`, postCat, `GET /Groups?excludedAttributes=members&filter=displayName+eq+%22Leads%22`,
				`POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"{Leads}","displayName":"Leads","meta":{"resourceType":"Group"}}`,
				`PATCH /Groups/G5 `+op+`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"U4"}]}]}`))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.run()
			w.rec.take()
			for _, s := range c.steps {
				s(w)
			}
		})
	}
}

// TestScopeChangeNeedsRestart: from all to assigned nothing happens by itself; a restart disables who is left over.
func TestScopeChangeNeedsRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.Scope = ScopeAll }))
	if c := w.run(); c.Users.Created != 3 || c.Groups.Created != 2 {
		t.Fatalf("scope all: %+v", c)
	}
	w.ok(w.SetJob(func(s *Settings) { s.Scope = ScopeAssigned }))
	if c := w.run(); c.Users.Disabled != 0 || c.Groups.Deleted != 0 {
		t.Errorf("before the restart: %+v", c)
	}
	w.ok(w.Restart())
	if c := w.run(); !c.Initial || c.Users.Disabled != 1 || c.Groups.Deleted != 1 || c.Users.Unchanged != 2 {
		t.Errorf("after the restart: %+v", c)
	}
}

// TestDefaultAccessIsSkipped: the application publishes roles, so Default Access does not count for provisioning.
func TestDefaultAccessIsSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.Assign("cat@contoso.test", "Default Access"))
	if c := w.run(); c.Users.Created != 2 || c.Users.Skipped != 1 {
		t.Errorf("%+v", c.Users)
	}
	if e := w.Log(100); e[len(e)-1].SkipReason != "NotEffectivelyEntitled" && !strings.Contains(logText(e), "NotEffectivelyEntitled") {
		t.Errorf("the log does not say why: %v", logText(e))
	}
}

func logText(es []LogEntry) string {
	var b strings.Builder
	for _, e := range es {
		b.WriteString(e.Action + " " + e.Source.Name + " " + e.Status + " " + e.SkipReason + " " + e.ErrorCode + "\n")
	}
	return b.String()
}

// TestSkipOutOfScopeDeletions suppresses the disable of the unassigned, not that of the disabled.
func TestSkipOutOfScopeDeletions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.SkipOutOfScopeDeletions = true }))
	w.run()
	w.ok(w.RemoveMember("Devs", "ann@contoso.test"))
	w.ok(w.SetEnabled("bob@contoso.test", false))
	if c := w.run(); c.Users.Disabled != 1 || c.Users.Skipped != 1 {
		t.Errorf("%+v", c.Users)
	}
}

// TestActiveNotMapped: without a mapping of active there is nothing to disable by, and DELETE is sent.
func TestActiveNotMapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) {
		s.Mappings = []Mapping{{"userName", "userPrincipalName"}, {"displayName", "displayName"}}
	}))
	w.run()
	w.rec.take()
	w.ok(w.SetEnabled("ann@contoso.test", false))
	w.run()
	w.wire(`DELETE /Users/U2`)
}

// TestGuard holds back too many deletions until the administrator has decided.
func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		allow bool
		want  int
	}{{"allowed", true, 2}, {"rejected", false, 0}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ok(w.SetJob(func(s *Settings) { s.DeletionThreshold = 1 }))
			w.run()
			w.ok(w.SetEnabled("ann@contoso.test", false))
			w.ok(w.SetEnabled("bob@contoso.test", false))
			w.rec.take()
			cy, err := w.RunCycle(t.Context())
			if !fault.Is(err, fault.Unavailable) || cy.Result != "Quarantined" || w.Job().Quarantine.Reason != ReasonDeletes {
				t.Fatalf("got %v, %+v", err, cy)
			}
			w.wire()
			w.ok(w.Deletions(c.allow))
			if cy := w.run(); cy.Users.Disabled != c.want {
				t.Errorf("disabled %d, want %d", cy.Users.Disabled, c.want)
			}
			if err := w.Deletions(true); !fault.Is(err, fault.Conflict) {
				t.Errorf("a second answer: %v", err)
			}
			w.ok(w.SetEnabled("ann@contoso.test", true))
			w.run()
			w.ok(w.SetEnabled("ann@contoso.test", false))
			if cy := w.run(); cy.Users.Disabled != 1 {
				t.Errorf("a later disable within the threshold: %+v", cy.Users)
			}
		})
	}
}

// TestEscrow follows one failing export: the next cycle, then 6, 12, 24 hours, then daily, given up after 28 days.
func TestEscrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rec.fail = func(method, path, body string) int {
		if method == "POST" && strings.Contains(body, "ann@") {
			return 500
		}
		return 0
	}
	c := w.run()
	if c.Result != "Partial" || c.Users.Failed != 1 || c.Users.Created != 1 || c.MembersAdded != 1 {
		t.Fatalf("%+v", c)
	}
	tries := func() int {
		w.t.Helper()
		w.rec.take()
		w.run()
		n := 0
		for _, s := range w.rec.take() {
			if strings.HasPrefix(s, "POST /Users") {
				n++
			}
		}
		return n
	}
	for i, s := range []struct {
		after time.Duration
		want  int
	}{{40 * time.Minute, 1}, {5 * time.Hour, 0}, {time.Hour, 1}, {11 * time.Hour, 0}, {time.Hour, 1}, {23 * time.Hour, 0}, {time.Hour, 1}, {24 * time.Hour, 1}} {
		w.clock.advance(s.after)
		if got := tries(); got != s.want {
			t.Errorf("step %d: %d attempts, want %d", i, got, s.want)
		}
	}
	if x := w.Job().Escrows; len(x) != 1 || x[0].Attempts != 6 || x[0].ErrorCode != errorPrefix+"InternalServerError" {
		t.Errorf("escrow: %+v", x)
	}
	w.clock.advance(27 * 24 * time.Hour)
	w.run()
	if x := w.Job().Escrows; len(x) != 0 {
		t.Errorf("not given up after 28 days: %+v", x)
	}
	w.rec.fail = nil
	w.ok(update(w, "ann", func(u *User) { u.JobTitle = "Lead" }))
	if c := w.run(); c.Users.Created != 1 || c.MembersAdded != 1 {
		t.Errorf("after the server is well again and the user changed: %+v", c)
	}
}

// TestEscrowOfMembers: the group stands, its members failed; the retry sends the members and nothing else.
func TestEscrowOfMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rec.fail = func(method, path, _ string) int {
		if method == "PATCH" && strings.HasPrefix(path, "/Groups") {
			return 400
		}
		return 0
	}
	if c := w.run(); c.Groups.Created != 1 || c.Groups.Failed != 1 || c.MembersAdded != 0 {
		t.Fatalf("%+v", c)
	}
	if x := w.Job().Escrows; len(x) != 1 || x[0].Reference != "members" {
		t.Fatalf("%+v", x)
	}
	w.rec.fail = nil
	w.rec.take()
	w.run()
	w.wire(
		`GET /Groups?filter=id+eq+%22G3%22+and+members+eq+%22U2%22&attributes=id`,
		`GET /Groups?filter=id+eq+%22G3%22+and+members+eq+%22U1%22&attributes=id`,
		`PATCH /Groups/G3 `+op+`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"U2"},{"$ref":null,"value":"U1"}]}]}`)
	if x := w.Job().Escrows; len(x) != 0 {
		t.Errorf("left over: %+v", x)
	}
}

// TestGone: a cached identifier answers 404; the next cycle matches by name, makes the account anew and adds it to its groups.
func TestGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	delete(w.rec.users, "U2")
	w.ok(update(w, "ann", func(u *User) { u.JobTitle = "Lead" }))
	if c := w.run(); c.Users.Failed != 1 || c.Failures[0].Code != errorPrefix+"NotFound" {
		t.Fatalf("%+v", c)
	}
	if c := w.run(); c.Users.Created != 1 || c.MembersAdded != 1 {
		t.Errorf("%+v", c)
	}
}

// TestMatchesTwo: two accounts match, which is an error and touches neither.
func TestMatchesTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rec.users["X1"] = map[string]any{"id": "X1", "userName": "ann@contoso.test"}
	w.rec.users["X2"] = map[string]any{"id": "X2", "userName": "ANN@contoso.test"}
	if c := w.run(); c.Users.Failed != 1 || c.Failures[0].Code != "DuplicateTargetEntries" {
		t.Errorf("%+v", c)
	}
}

// TestConflict: 409 is logged and tried again; there is no other look-up.
func TestConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rec.fail = func(method, path, body string) int {
		if method == "POST" && strings.Contains(body, "ann@") {
			return 409
		}
		return 0
	}
	if c := w.run(); len(c.Failures) != 1 || c.Failures[0].Code != errorPrefix+"Conflict" || len(w.Job().Escrows) != 1 {
		t.Errorf("%+v", c)
	}
}

// TestQuarantine: a refused token, a doubling interval up to a day, disabled after four weeks, cleared when healthy.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.ok(w.SetSecretToken("wrong"))
	for i, want := range []time.Duration{80 * time.Minute, 160 * time.Minute, 320 * time.Minute, 640 * time.Minute, 1280 * time.Minute, 24 * time.Hour, 24 * time.Hour} {
		if _, err := w.RunCycle(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("cycle %d: %v", i, err)
		}
		j := w.Job()
		if j.Status != StatusQuarantine || j.Quarantine.Reason != ReasonException || !strings.Contains(j.Quarantine.Detail, "InvalidCredentials") {
			t.Fatalf("cycle %d: %s %+v", i, j.Status, j.Quarantine)
		}
		if got := j.NextRun.Sub(w.clock.now()); got != want {
			t.Errorf("after failure %d the next cycle is in %v, want %v", i+1, got, want)
		}
		if strings.Contains(j.Quarantine.Detail, "wrong") {
			t.Error("the detail has the token")
		}
	}
	w.ok(w.SetSecretToken("s3cret-token"))
	w.run()
	if j := w.Job(); j.Status != StatusActive || j.Quarantine != nil {
		t.Errorf("healthy again: %s %+v", j.Status, j.Quarantine)
	}
	w.ok(w.SetSecretToken("wrong"))
	w.ok(w.Start())
	_, _ = w.RunCycle(t.Context())
	w.clock.advance(28 * 24 * time.Hour)
	_, _ = w.RunCycle(t.Context())
	if j := w.Job(); j.Status != StatusDisabled || j.Enabled {
		t.Errorf("after four weeks: %s, enabled %v", j.Status, j.Enabled)
	}
	w.ok(w.SetSecretToken("s3cret-token"))
	w.ok(w.Restart())
	if c := w.run(); !c.Initial || w.Job().Status != StatusActive {
		t.Errorf("restart: %+v %s", c, w.Job().Status)
	}
}

// TestQuarantineReasons are the answers that quarantine a job at once.
func TestQuarantineReasons(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{401: "InvalidCredentials", 403: "Forbidden", 404: "ServiceIncompatible", 200: "ServiceIncompatible", 500: "InternalServerError"} {
		w := newWorld(t)
		w.rec.fail = func(string, string, string) int { return status } // 200 with a body that is no ListResponse
		if _, err := w.RunCycle(t.Context()); err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("%d: %v, want %s", status, err, code)
		}
	}
	w := newWorld(t)
	w.rec.srv.Close()
	if _, err := w.RunCycle(t.Context()); err == nil || !strings.Contains(err.Error(), "ServiceUnavailable") {
		t.Errorf("nobody there: %v", err)
	}
}

// TestRefusedInTheMiddle: three refusals running end the cycle.
func TestRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, n := range []string{"d", "e", "f", "g"} {
		_, err := w.AddUser(User{UserPrincipalName: n + "@contoso.test", DisplayName: n, AccountEnabled: true})
		w.ok(err)
		w.ok(w.AddMember("Devs", n+"@contoso.test"))
	}
	w.rec.fail = func(method, _, _ string) int {
		if method == "POST" {
			return 403
		}
		return 0
	}
	c, err := w.RunCycle(t.Context())
	if err == nil || c.Result != "Quarantined" || c.Users.Failed != 3 {
		t.Errorf("%v %+v", err, c)
	}
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failed, objects int
		want            bool
	}{{4999, 5000, false}, {5000, 12500, false}, {5000, 12499, true}, {40000, 1000000, false}, {40001, 1000000, true}, {0, 0, false}} {
		if got := overThreshold(c.failed, c.objects) != nil; got != c.want {
			t.Errorf("%d of %d: %v, want %v", c.failed, c.objects, got, c.want)
		}
	}
}

// TestOnDemand speaks the default dialect whatever the flag says, and takes at most five members.
func TestOnDemand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.Dialect = DialectFlag }))
	es, err := w.OnDemandUser(t.Context(), "bob@contoso.test")
	w.ok(err)
	if len(es) != 1 || es[0].Action != "Create" || es[0].Steps[0].Name != "TestConnection" {
		t.Errorf("%+v", es)
	}
	w.rec.take()
	w.ok(update(w, "bob", func(u *User) { u.DisplayName, u.JobTitle = "B. Berg", "Boss" }))
	_, err = w.OnDemandUser(t.Context(), "bob@contoso.test")
	w.ok(err)
	w.wire(`GET /Users/U1`, `PATCH /Users/U1 `+op+`[{"op":"Replace","path":"displayName","value":"B. Berg"},{"op":"Add","path":"title","value":"Boss"}]}`)
	es, err = w.OnDemandGroup(t.Context(), "Devs", []string{"ann@contoso.test"})
	w.ok(err)
	all := strings.Join(w.rec.take(), "\n")
	if len(es) != 3 || !strings.Contains(all, `[{"op":"Add","path":"members","value":[{"$ref":null,"value":"U2"}]}]`) {
		t.Errorf("%s\n%s", logText(es), all)
	}
	if _, err = w.OnDemandGroup(t.Context(), "Devs", []string{"cat@contoso.test"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a member of a nested group: %v", err)
	}
	if _, err = w.OnDemandGroup(t.Context(), "Devs", make([]string, 6)); !fault.Is(err, fault.Invalid) {
		t.Errorf("six members: %v", err)
	}
	es, err = w.OnDemandUser(t.Context(), "cat@contoso.test")
	if err != nil || es[0].SkipReason != "NotEffectivelyEntitled" {
		t.Errorf("out of scope: %v %s", err, logText(es))
	}
	if c := w.run(); c.MembersAdded != 1 {
		t.Errorf("the cycle afterwards adds the other member: %+v", c)
	}
}

// TestSchedule lets Run work by the clock: one cycle at the start, the next forty minutes later.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.Start())
	done := make(chan error, 1)
	go func() { done <- w.Tenant.Run(t.Context()) }()
	waitFor(t, func() bool { return w.Job().Last != nil && w.Job().Status == StatusActive })
	first := w.Job().Last.ID
	w.clock.advance(39 * time.Minute)
	w.nudge()
	time.Sleep(20 * time.Millisecond)
	if w.Job().Last.ID != first {
		t.Error("a cycle ran before its time")
	}
	w.clock.advance(time.Minute)
	w.nudge()
	waitFor(t, func() bool { return w.Job().Last.ID != first })
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

// TestReopen: what was answered is there after a restart, cached identifiers included.
func TestReopen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	again, err := New(Config{BaseURL: "http://tenant.test", DataDir: w.dir, Now: w.clock.now})
	w.ok(err)
	if again.ID() != w.ID() || len(again.Users()) != 3 || again.AdminToken() != w.AdminToken() || again.Job().Links != 3 || len(again.Log(100)) != len(w.Log(100)) {
		t.Error("not the same tenant")
	}
	w.rec.take()
	if c, err := again.RunCycle(t.Context()); err != nil || c.Requests != 2 {
		t.Errorf("%v %+v", err, c)
	}
}

// TestChangesDuringCycles: people join and leave while cycles run; when it is quiet, the application has what the tenant has.
func TestChangesDuringCycles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		for i := range 40 {
			name := string(rune('d'+i%10)) + "@contoso.test"
			if i < 10 {
				_, _ = w.AddUser(User{UserPrincipalName: name, DisplayName: name, AccountEnabled: true})
			}
			if i%3 == 2 {
				_ = w.RemoveMember("Devs", name)
			} else {
				_ = w.AddMember("Devs", name)
			}
			_ = w.SetApplication(func(a *Application) { a.RelayState = name })
			_ = w.MetadataURL()
		}
	}()
	for range 5 {
		w.run()
	}
	<-quiet
	w.run()
	g, err := w.Group("Devs")
	w.ok(err)
	var want, got []string
	for _, m := range g.Members {
		if u, err := w.User(m); err == nil {
			want = append(want, u.UserPrincipalName)
		}
	}
	for _, id := range memberIDs(w.rec.groups[w.st.Job.Links[g.ID].TargetID]) {
		got = append(got, w.rec.users[id]["userName"].(string))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("members over there %q, here %q", got, want)
	}
}
