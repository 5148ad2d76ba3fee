package tenant

import (
	"slices"
	"strings"
	"testing"
)

const (
	postBob = `POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"{bob}","userName":"bob@contoso.test","active":true,"displayName":"Bob Berg","emails":[{"primary":true,"type":"work","value":"bob@contoso.test"}],"meta":{"resourceType":"User"},"name":{"formatted":"Bob Berg","familyName":"Berg","givenName":"Bob"},"roles":[]}`
	postAnn = `POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"{ann}","userName":"ann@contoso.test","active":true,"displayName":"Ann Ash","emails":[{"primary":true,"type":"work","value":"ann@contoso.test"}],"meta":{"resourceType":"User"},"name":{"formatted":"Ann Ash","familyName":"Ash","givenName":"Ann"},"roles":[],"title":"Engineer","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"IT","employeeNumber":"1"}}`
)

// TestInitialCycle is the whole first conversation: users, groups empty, then references; the nested group and who is only
// in it are not there.
func TestInitialCycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.run()
	w.wire(
		`GET /Users?filter=userName+eq+%22bob%40contoso.test%22`,
		postBob,
		`GET /Users?filter=userName+eq+%22ann%40contoso.test%22`,
		postAnn,
		`GET /Groups?excludedAttributes=members&filter=displayName+eq+%22Devs%22`,
		`POST /Groups {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"{Devs}","displayName":"Devs","meta":{"resourceType":"Group"}}`,
		`PATCH /Users/U2 {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"manager","value":[{"$ref":"{base}/Users/U1","value":"U1"}]}]}`,
		`PATCH /Groups/G3 {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[{"$ref":null,"value":"U2"},{"$ref":null,"value":"U1"}]}]}`,
	)
	if c.Result != "Succeeded" || !c.Initial || c.Users.Created != 2 || c.Groups.Created != 1 || c.MembersAdded != 2 || c.Managers != 1 {
		t.Errorf("summary: %+v", c)
	}
	if got := w.run(); got.Initial || got.Requests != 2 {
		t.Errorf("the second cycle sent %d requests (initial %v), want only the two of the connection test", got.Requests, got.Initial)
	}
}

// TestConnectionTest is §1.2 of how Entra probes: a random name among users, then among groups; and the headers of every request.
func TestConnectionTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.TestConnection(t.Context()))
	want := []string{"GET /Users?filter=userName+eq+PROBE", "GET /Groups?excludedAttributes=members&filter=displayName+eq+PROBE"}
	if !slices.Equal(w.rec.seen, want) {
		t.Errorf("got %q, want %q", w.rec.seen, want)
	}
	w.run()
	for i, h := range w.rec.headers {
		if _, has := h["User-Agent"]; has {
			t.Errorf("request %d has a User-Agent; Entra sends none", i)
		}
		body := strings.Contains(w.rec.seen[i], " {")
		if ct := h.Get("Content-Type"); body && ct != "application/scim+json; charset=utf-8" || !body && ct != "" {
			t.Errorf("request %d %q has Content-Type %q", i, w.rec.seen[i][:20], ct)
		}
	}
}

const op = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`

// TestDialects holds the bodies of every kind of change, in both dialects (Microsoft's page on the compatibility flag).
func TestDialects(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		do       func(*world) error
		def, new []string
	}{
		{"one attribute", func(w *world) error {
			return update(w, "ann", func(u *User) { u.Department = "R&D" })
		}, []string{
			`GET /Users/U2`,
			`PATCH /Users/U2 ` + op + `[{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"R&D"}]}`,
		}, []string{
			`GET /Users/U2`,
			`PATCH /Users/U2 ` + op + `[{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"R&D"}]}`,
		}},
		{"several attributes", func(w *world) error {
			return update(w, "ann", func(u *User) {
				u.Surname, u.Mail, u.EmployeeID, u.TelephoneNumber, u.DisplayName = "Oak", "ann.oak@contoso.test", "2", "+1 555 0100", "Ann Oak"
			})
		}, []string{
			`GET /Users/U2`,
			`PATCH /Users/U2 ` + op + `[{"op":"Replace","path":"displayName","value":"Ann Oak"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ann.oak@contoso.test"},` +
				`{"op":"Replace","path":"name.familyName","value":"Oak"},{"op":"Replace","path":"name.formatted","value":"Ann Oak"},{"op":"Add","path":"phoneNumbers[type eq \"work\"].value","value":"+1 555 0100"},` +
				`{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"2"}]}`,
		}, []string{
			`GET /Users/U2`,
			`PATCH /Users/U2 ` + op + `[{"op":"add","path":"phoneNumbers[type eq \"work\"].value","value":"+1 555 0100"},{"op":"replace","path":"emails[type eq \"work\"].value","value":"ann.oak@contoso.test"},` +
				`{"op":"replace","value":{"displayName":"Ann Oak","name.familyName":"Oak","name.formatted":"Ann Oak","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"2"}}]}`,
		}},
		{"disable", func(w *world) error { return w.SetEnabled("ann@contoso.test", false) }, []string{
			`GET /Users/U2`, `PATCH /Users/U2 ` + op + `[{"op":"Replace","path":"active","value":"False"}]}`,
		}, []string{
			`GET /Users/U2`, `PATCH /Users/U2 ` + op + `[{"op":"replace","path":"active","value":false}]}`,
		}},
		{"member leaves and is in no other scope", func(w *world) error { return w.RemoveMember("Devs", "ann@contoso.test") }, []string{
			`GET /Users/U2`, `PATCH /Users/U2 ` + op + `[{"op":"Replace","path":"active","value":"False"}]}`,
			`GET /Groups/G3?excludedAttributes=members`,
			`PATCH /Groups/G3 ` + op + `[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"U2"}]}]}`,
		}, []string{
			`GET /Users/U2`, `PATCH /Users/U2 ` + op + `[{"op":"replace","path":"active","value":false}]}`,
			`GET /Groups/G3?excludedAttributes=members`,
			`PATCH /Groups/G3 ` + op + `[{"op":"remove","path":"members[value eq \"U2\"]"}]}`,
		}},
		{"member joins", func(w *world) error { return w.AddMember("Devs", "cat@contoso.test") }, []string{
			`GET /Users?filter=userName+eq+%22cat%40contoso.test%22`, postCat,
			`GET /Groups/G3?excludedAttributes=members`,
			`PATCH /Groups/G3 ` + op + `[{"op":"Add","path":"members","value":[{"$ref":null,"value":"U4"}]}]}`,
		}, []string{
			`GET /Users?filter=userName+eq+%22cat%40contoso.test%22`, postCat,
			`GET /Groups/G3?excludedAttributes=members`,
			`PATCH /Groups/G3 ` + op + `[{"op":"add","path":"members","value":[{"$ref":null,"value":"U4"}]}]}`,
		}},
		{"rename a group", func(w *world) error {
			name := "Engineers"
			_, err := w.UpdateGroup("Devs", &name, nil)
			return err
		}, []string{
			`GET /Groups/G3?excludedAttributes=members`, `PATCH /Groups/G3 ` + op + `[{"op":"Replace","path":"displayName","value":"Engineers"}]}`,
		}, []string{
			`GET /Groups/G3?excludedAttributes=members`, `PATCH /Groups/G3 ` + op + `[{"op":"replace","path":"displayName","value":"Engineers"}]}`,
		}},
		{"clear the manager", func(w *world) error { return update(w, "ann", func(u *User) { u.Manager = "" }) }, []string{
			`GET /Users/U2`, `PATCH /Users/U2 ` + op + `[{"op":"Replace","path":"manager","value":""}]}`,
		}, []string{
			`GET /Users/U2`, `PATCH /Users/U2 ` + op + `[{"op":"replace","path":"manager","value":""}]}`,
		}},
		{"another manager", func(w *world) error { return update(w, "bob", func(u *User) { u.Manager = w.ids["ann"] }) }, []string{
			`GET /Users/U1`, `GET /Users?filter=id+eq+%22U1%22+and+manager+eq+%22U2%22&attributes=id`,
			`PATCH /Users/U1 ` + op + `[{"op":"Add","path":"manager","value":[{"$ref":"{base}/Users/U2","value":"U2"}]}]}`,
		}, []string{
			`GET /Users/U1`, `GET /Users?filter=id+eq+%22U1%22+and+manager+eq+%22U2%22&attributes=id`,
			`PATCH /Users/U1 ` + op + `[{"op":"add","path":"manager","value":[{"$ref":"{base}/Users/U2","value":"U2"}]}]}`,
		}},
	}
	for _, c := range cases {
		for dialect, want := range map[Dialect][]string{DialectDefault: c.def, DialectFlag: c.new} {
			t.Run(c.name+"/"+string(dialect), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.ok(w.SetJob(func(s *Settings) { s.Dialect = dialect }))
				w.run()
				w.rec.take()
				w.ok(c.do(w))
				w.run()
				w.wire(slices.Clone(want)...)
			})
		}
	}
}

const postCat = `POST /Users {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"{cat}","userName":"cat@contoso.test","active":true,"displayName":"Cat Cole","meta":{"resourceType":"User"},"name":{"formatted":"Cat Cole","familyName":"Cole","givenName":"Cat"},"roles":[]}`

func update(w *world, nick string, edit func(*User)) error {
	_, err := w.UpdateUser(nick+"@contoso.test", edit)
	return err
}

// TestFlagInTheAddress: the flag may be the query of the tenant URL; it selects the dialect and is not sent on.
func TestFlagInTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.BaseURL += "?aadOptscim062020" }))
	w.run()
	w.rec.take()
	w.ok(w.SetEnabled("ann@contoso.test", false))
	w.run()
	w.wire(`GET /Users/U2`, `PATCH /Users/U2 `+op+`[{"op":"replace","path":"active","value":false}]}`)
}

// TestMixedDialect: one job, both dialects.
func TestMixedDialect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.Dialect = DialectMixed }))
	w.run()
	w.ok(update(w, "ann", func(u *User) { u.DisplayName = "A" }))
	w.ok(update(w, "bob", func(u *User) { u.DisplayName = "B" }))
	w.rec.take()
	w.run()
	all := strings.Join(w.rec.take(), "\n")
	if strings.Count(all, `"op":"Replace"`) != 1 || strings.Count(all, `"op":"replace"`) != 1 {
		t.Errorf("not one PATCH of each dialect:\n%s", all)
	}
}

// TestChaos holds each switch to what it is to do on the wire.
func TestChaos(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		set  func(*Chaos)
		want string
		n    int // how often, 0 for at least once
	}{
		{"null attributes", func(c *Chaos) { c.NullAttributes = true }, `"addresses":null`, 2},
		{"null manager", func(c *Chaos) { c.NullAttributes = true }, `"manager":null`, 2},
		{"typo schema", func(c *Chaos) { c.TypoSchema = true }, `"urn:ietf:params:scim:schemas:extension:enterprise:2.0User":{"department":"IT"`, 1},
		{"string manager", func(c *Chaos) { c.StringManager = true }, `{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"U1"}`, 1},
		{"string active", func(c *Chaos) { c.StringActive = true }, `"active":"True"`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ok(w.SetJob(func(s *Settings) { c.set(&s.Chaos) }))
			w.run()
			all := strings.Join(w.rec.take(), "\n")
			if n := strings.Count(all, c.want); n != c.n {
				t.Errorf("%q occurs %d times, want %d:\n%s", c.want, n, c.n, all)
			}
		})
	}
}

func TestChaosProbes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.SetJob(func(s *Settings) { s.Chaos.Probes = true }))
	w.ok(w.TestConnection(t.Context()))
	if len(w.rec.seen) != 8 {
		t.Errorf("%d probes, want four of users and four of groups", len(w.rec.seen))
	}
}

// TestChaosRepeatedAdds: an update is sent a second time as Add, and members are added without asking.
func TestChaosRepeatedAdds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.ok(w.SetJob(func(s *Settings) { s.Chaos.RepeatedAdds, s.Chaos.ReplaceMissing = true, true }))
	w.ok(update(w, "ann", func(u *User) { u.City = "Oslo" }))
	w.rec.take()
	w.run()
	w.wire(
		`GET /Users/U2`,
		`PATCH /Users/U2 `+op+`[{"op":"Replace","path":"addresses[type eq \"work\"].locality","value":"Oslo"}]}`,
		`PATCH /Users/U2 `+op+`[{"op":"Add","path":"addresses[type eq \"work\"].locality","value":"Oslo"}]}`,
	)
	w.ok(w.Restart())
	w.run()
	if all := strings.Join(w.rec.take(), "\n"); !strings.Contains(all, `"op":"Add","path":"members","value":[{"$ref":null,"value":"U2"},{"$ref":null,"value":"U1"}]`) {
		t.Errorf("members were not added again:\n%s", all)
	}
}
