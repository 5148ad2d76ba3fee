package storagetest

import (
	"fmt"
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
	got := must(db.Events().Events(ctx, sqlstore.EventCursor{}, sqlstore.EventFilter{}, 10))(t)
	if len(got) != 1 || !arn.IsPrincipalID(got[0].ID) {
		t.Fatalf("got events %v, want one with an id", got)
	}
	e.ID = got[0].ID
	same(t, "event", got[0].Event, e)

	want{kind: fault.Conflict, reason: "uniqueness"}.check(t, s.InsertUser(ctx, directory.User{ID: id(1), Version: 1, UserName: "0"}, event("refused", "x")))
	for i := 1; i <= 20; i++ {
		e := audit.Event{At: epoch().Add(time.Duration(i/2) * time.Second), Actor: audit.Actor{Kind: audit.Person, ID: fmt.Sprint("actor", i%2)},
			Action: []string{"scim:PatchUser", "scim:PatchGroup", "signin:SignIn"}[i%3], Resource: fmt.Sprint("r", i%4), Outcome: []string{"success", "Denied"}[i%2]}
		ok(t, s.InsertUser(ctx, directory.User{ID: id(i), Version: 1, UserName: fmt.Sprint(i)}, e))
	}
	list := func(f sqlstore.EventFilter, size int) (out []sqlstore.StoredEvent) {
		var from sqlstore.EventCursor
		for {
			page := must(db.Events().Events(ctx, from, f, size))(t)
			out = append(out, page...)
			if len(page) < size {
				return out
			}
			from = page[len(page)-1].Cursor
		}
	}
	all := list(sqlstore.EventFilter{}, 4)
	if len(all) != 21 {
		t.Fatalf("%d events, want 21: one per change and none for the refused one", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].At.After(all[i-1].At) {
			t.Errorf("event %d is newer than the one before it", i)
		}
	}
	for _, c := range []struct {
		filter sqlstore.EventFilter
		want   int
	}{
		{sqlstore.EventFilter{ActorID: "actor1"}, 10},
		{sqlstore.EventFilter{Resource: "r3"}, 5},
		{sqlstore.EventFilter{Action: "scim:PatchUser"}, 6},
		{sqlstore.EventFilter{Action: "scim:*"}, 13},
		{sqlstore.EventFilter{Outcome: "Denied"}, 10},
		{sqlstore.EventFilter{Since: epoch().Add(5 * time.Second)}, 11},
		{sqlstore.EventFilter{Until: epoch().Add(5 * time.Second)}, 10},
		{sqlstore.EventFilter{Since: epoch().Add(time.Second), Until: epoch().Add(2 * time.Second), ActorID: "actor0", Action: "signin:*"}, 1},
		{sqlstore.EventFilter{Action: "%"}, 0},
	} {
		if got := list(c.filter, 3); len(got) != c.want {
			t.Errorf("%+v: %d events, want %d", c.filter, len(got), c.want)
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
