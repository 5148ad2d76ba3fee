package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func testEvents(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	e := event("identitystore:CreateUser", "the resource").With("why", "because")
	ok(t, s.InsertUser(ctx, directory.User{ID: id(0), Version: 1, UserName: "0"}, e))
	got := must(db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{}, 10))(t).Events
	if len(got) != 1 || !arn.IsPrincipalID(got[0].ID) {
		t.Fatalf("got events %v, want one with an id", got)
	}
	e.ID = got[0].ID
	same(t, "event", got[0], e)

	want{kind: fault.Conflict, reason: "uniqueness"}.check(t, s.InsertUser(ctx, directory.User{ID: id(1), Version: 1, UserName: "0"}, event("refused", "x")))
	for i := 1; i <= 20; i++ {
		e := audit.Event{At: epoch().Add(time.Duration(i/2) * time.Second), Actor: audit.Actor{Kind: audit.Person, ID: fmt.Sprint("actor", i%2)},
			Action: []string{"scim:PatchUser", "scim:PatchGroup", "signin:SignIn"}[i%3], Resource: fmt.Sprint("r", i%4), Outcome: []string{"success", "Denied"}[i%2]}
		ok(t, s.InsertUser(ctx, directory.User{ID: id(i), Version: 1, UserName: fmt.Sprint(i)}, e))
	}
	list := func(f audit.Filter, size int) (out []audit.Event) {
		var from sqlstore.EventCursor
		for {
			page := must(db.Events().Events(ctx, from, f, size))(t)
			if out = append(out, page.Events...); page.Next == (sqlstore.EventCursor{}) {
				return out
			}
			from = page.Next
		}
	}
	all := list(audit.Filter{}, 4)
	if len(all) != 21 {
		t.Fatalf("%d events, want 21: one per change and none for the refused one", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].At.After(all[i-1].At) {
			t.Errorf("event %d is newer than the one before it", i)
		}
	}
	for _, c := range []struct {
		filter audit.Filter
		want   int
	}{
		{audit.Filter{ActorID: "actor1"}, 10},
		{audit.Filter{Resource: "r3"}, 5},
		{audit.Filter{Action: "scim:PatchUser"}, 6},
		{audit.Filter{Action: "scim:*"}, 13},
		{audit.Filter{Outcome: "Denied"}, 10},
		{audit.Filter{Since: epoch().Add(5 * time.Second)}, 11},
		{audit.Filter{Until: epoch().Add(5 * time.Second)}, 10},
		{audit.Filter{Since: epoch().Add(time.Second), Until: epoch().Add(2 * time.Second), ActorID: "actor0", Action: "signin:*"}, 1},
		{audit.Filter{Action: "%"}, 0},
		{audit.Filter{Action: "*"}, 21},
		{audit.Filter{Outcome: audit.Success}, 11},
		{audit.Filter{Outcome: "None"}, 0},
		{audit.Filter{Outcome: "Denied", Action: "scim:PatchUser"}, 3},
		{audit.Filter{Outcome: "Denied", Action: "scim:PatchUser", ActorID: "actor1", Resource: "r3", Since: epoch()}, 2},
		{audit.Filter{Outcome: audit.Success, ActorID: "actor1"}, 0},
		{audit.Filter{Resource: "r2", ActorID: "actor0", Action: "scim:*"}, 3},
	} {
		for _, size := range []int{1, 3, 100} {
			got := list(c.filter, size)
			if len(got) != c.want {
				t.Errorf("%+v, pages of %d: %d events, want %d", c.filter, size, len(got), c.want)
			}
			if !slices.IsSortedFunc(got, func(a, b audit.Event) int { return b.At.Compare(a.At) }) {
				t.Errorf("%+v, pages of %d: not newest first", c.filter, size)
			}
		}
	}
	testRareEvents(t, db)
}

// testRareEvents: what several filters let through is looked for in thousands of events at a time; each page says where to go on, until the end, whatever
// is written meanwhile.
func testRareEvents(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	const n = 12_000
	write := func(from, to int) {
		t.Helper()
		es := make([]audit.Event, 0, to-from)
		for i := from; i < to; i++ {
			action := "iam:CreateRole"
			if i == 3 || i == 7000 {
				action = "iam:DeleteRole"
			}
			es = append(es, audit.Event{At: after(100 + i), Actor: audit.Actor{ID: "busy"}, Action: action, Resource: fmt.Sprint("busy", i), Outcome: audit.Success})
		}
		ok(t, s.Revoke(ctx, nil, es))
	}
	write(0, n)
	for _, c := range []struct {
		filter audit.Filter
		want   []string
	}{
		{audit.Filter{ActorID: "busy", Action: "iam:DeleteRole"}, []string{"busy7000", "busy3"}},
		{audit.Filter{Action: "iam:D*"}, []string{"busy7000", "busy3"}},
		{audit.Filter{Action: "iam:D*", Until: after(7000)}, []string{"busy3"}},
		{audit.Filter{ActorID: "busy", Outcome: "Denied"}, nil}, // the outcome seeks an index
	} {
		var got []string
		var from sqlstore.EventCursor
		pages := 0
		for {
			page := must(db.Events().Events(ctx, from, c.filter, 10))(t)
			got = append(got, keys(page.Events, func(e audit.Event) string { return e.Resource })...)
			if pages++; page.Next == (sqlstore.EventCursor{}) {
				break
			}
			if from = page.Next; pages == 1 {
				write(n, n+10)
			}
		}
		if !slices.Equal(got, c.want) || (pages == 1) != (c.want == nil) || pages > 4 {
			t.Errorf("%+v: %q on %d pages, want %q", c.filter, got, pages, c.want)
		}
	}
}

// testHostileText: bytes that one engine would refuse are refused by every engine, as the caller's fault, and change nothing.
func testHostileText(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	for _, text := range []string{"a\x00b", "\xff", "a\xc3", "\xed\xa0\x80"} {
		for what, err := range map[string]error{
			"name":        s.InsertUser(ctx, directory.User{ID: id(text), Version: 1, UserName: text}, event("x", "x")),
			"address":     s.InsertUser(ctx, directory.User{ID: id(text), Version: 1, UserName: "n", Emails: []directory.Value{{Value: text}}}, event("x", "x")),
			"external id": s.InsertUser(ctx, directory.User{ID: id(text), Version: 1, UserName: "n", ExternalIDs: []directory.ExternalID{{Issuer: "i", ID: text}}}, event("x", "x")),
			"event":       s.InsertUser(ctx, directory.User{ID: id(text), Version: 1, UserName: "n"}, event("x", text)),
			"look-up":     second(s.UserByName(ctx, text)),
			"list of ids": second(s.UsersByID(ctx, []string{"x", text})),
		} {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q as %s: got %v, want Invalid", text, what, err)
			}
		}
		// Inside a document a NUL is stored as an escape, so it is taken; what is not UTF-8 cannot be.
		err := s.InsertUser(ctx, directory.User{ID: id("title", text), Version: 1, UserName: id("title", text), Title: text}, event("x", "x"))
		if strings.Contains(text, "\x00") {
			ok(t, err)
			same(t, "title", must(s.User(ctx, id("title", text)))(t).Title, text)
		} else if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q as title: got %v, want Invalid", text, err)
		}
	}
	for _, text := range []string{"'; DROP TABLE users; --", "$1", "{list $1}", "%", "_", "\\", "\"", "𝕏"} {
		u := directory.User{ID: id("odd", text), Version: 1, UserName: text}
		ok(t, s.InsertUser(ctx, u, event("x", text)))
		same(t, "odd name", must(s.UserByName(ctx, text))(t), u)
	}
	same(t, "count", must(s.CountUsers(ctx))(t), 9)
}
