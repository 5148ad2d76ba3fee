package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/scimlog"
	"gatehouse/internal/storage/sqlstore"
)

// entry is a request of a directory, the n-th second after the epoch.
func entry(source string, n int) scimlog.Entry {
	return scimlog.Entry{
		ID: fmt.Sprintf("%014x-%08x", after(n).UnixMicro(), n), Directory: source, At: after(n), RequestID: "r", TokenID: "t", ClientAddr: "192.0.2.1", UserAgent: "agent", Took: 3 * time.Millisecond,
		Request: scimlog.Request{
			Method: "PATCH", Path: "/scim/entra/v2/Users/x", Query: "a=b", ContentType: "application/json", IfMatch: "1", IfNoneMatch: "2",
			Body: scimlog.Body{Text: `{"a":"\u0000ü"}`, Size: 12, Cut: true, Problem: "p"},
		},
		Resource: scimlog.Resource{Kind: scimlog.KindUser, ID: fmt.Sprint("id", n%5), ExternalID: fmt.Sprint("ext", n%5), Name: fmt.Sprint("Näme", n%5)},
		Result: scimlog.Result{Status: 200 + n%2, Outcome: scimlog.Changed, ScimType: "s", Why: "w", Change: scimlog.Change{
			Action: "changed", Attributes: []scimlog.Difference{{Attribute: "title", Before: json.RawMessage(`"a"`), After: json.RawMessage(`"b"`)}},
			Added: scimlog.Members{Count: 2, IDs: []string{"u"}}, Removed: scimlog.Members{Count: 1, IDs: []string{"v"}}, Cut: true,
		}},
		PartOf: "whole", Operation: 4, Operations: 9, FailedOperations: 2, Lost: 7,
	}
}

func testSCIMLog(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SCIMLog()
	complete(t, entry("entra", 1))
	var all []scimlog.Entry
	for n := range 100 {
		e := entry("entra", n)
		if n%3 > 0 {
			e.PartOf, e.Operation = "", 0
		}
		if n%10 == 7 {
			e.Result = scimlog.Result{Status: 409, Outcome: scimlog.Refused}
			e.Request.Method, e.Resource = "POST", scimlog.Resource{Kind: scimlog.KindGroup, Name: "Devs"}
		}
		all = append(all, e)
	}
	ok(t, s.AppendRequests(ctx, all))
	ok(t, s.AppendRequests(ctx, []scimlog.Entry{entry("okta", 50), entry("entra", 3)})) // the second is there already
	ok(t, s.AppendRequests(ctx, nil))
	same(t, "entry", must(s.Request(ctx, "entra", all[4].ID))(t), all[4])
	same(t, "an entry without a change", must(s.Request(ctx, "entra", all[7].ID))(t), all[7])
	absent("SCIM_REQUEST").check(t, second(s.Request(ctx, "okta", all[4].ID)))
	some := must(s.RequestsByID(ctx, "entra", []string{all[9].ID, all[2].ID, "none"}))(t)
	same(t, "entries by id, in order", some, []scimlog.Entry{all[2], all[9]})
	same(t, "no ids", must(s.RequestsByID(ctx, "entra", nil))(t), []scimlog.Entry{})

	// numbers pages through what a filter leaves and returns which entries it found.
	numbers := func(f scimlog.Filter, p scimlog.Page) (out []int) {
		for range 100 {
			found := must(s.FindRequests(ctx, "entra", f, p))(t)
			if len(found.IDs) > p.Limit {
				t.Fatalf("a page of %d, want at most %d", len(found.IDs), p.Limit)
			}
			for _, id := range found.IDs {
				out = append(out, slices.IndexFunc(all, func(e scimlog.Entry) bool { return e.ID == id }))
			}
			if found.Next == "" {
				return out
			}
			p.Before = found.Next
		}
		t.Fatal("the listing does not end")
		return nil
	}
	every := func(f func(n int) bool) (out []int) {
		for n := 99; n >= 0; n-- {
			if f(n) {
				out = append(out, n)
			}
		}
		return out
	}
	for what, c := range map[string]struct {
		filter scimlog.Filter
		want   func(n int) bool
	}{
		"all":                     {scimlog.Filter{}, func(int) bool { return true }},
		"refused":                 {scimlog.Filter{Outcome: scimlog.Refused}, func(n int) bool { return n%10 == 7 }},
		"by resource":             {scimlog.Filter{ResourceID: "id3"}, func(n int) bool { return n%5 == 3 }},
		"by external id":          {scimlog.Filter{ExternalID: "ext2"}, func(n int) bool { return n%5 == 2 && n%10 != 7 }},
		"by name in any case":     {scimlog.Filter{Name: "NÄME1"}, func(n int) bool { return n%5 == 1 }},
		"by resource and outcome": {scimlog.Filter{Name: "devs", Outcome: scimlog.Refused}, func(n int) bool { return n%10 == 7 }},
		"of a resource no such":   {scimlog.Filter{ResourceID: "id3", Outcome: scimlog.Refused}, func(int) bool { return false }},
		"by method":               {scimlog.Filter{Method: "POST"}, func(n int) bool { return n%10 == 7 }},
		"by kind and status":      {scimlog.Filter{Kind: scimlog.KindUser, Status: 201}, func(n int) bool { return n%2 == 1 && n%10 != 7 }},
		"since":                   {scimlog.Filter{Since: after(40)}, func(n int) bool { return n >= 40 }},
		"until":                   {scimlog.Filter{Until: after(40)}, func(n int) bool { return n < 40 }},
		"between":                 {scimlog.Filter{Since: after(10), Until: after(40), Outcome: scimlog.Refused}, func(n int) bool { return n >= 10 && n < 40 && n%10 == 7 }},
		"requests alone":          {scimlog.Filter{Requests: true}, func(n int) bool { return n%3 > 0 }},
	} {
		for _, p := range []scimlog.Page{{Limit: 7, Examine: 1000}, {Limit: 7, Examine: 8}, {Limit: 200, Examine: 1000}, {Limit: 1, Examine: 3}} {
			same(t, fmt.Sprint(what, p), numbers(c.filter, p), every(c.want))
			p.OldestFirst = true
			forward := every(c.want)
			slices.Reverse(forward)
			same(t, fmt.Sprint(what, p), numbers(c.filter, p), forward)
		}
	}
	same(t, "directories that have entries", must(s.LoggedDirectories(ctx))(t), []string{"entra", "okta"})
	testPruneRequests(t, s)
}

func testPruneRequests(t *testing.T, s *sqlstore.SCIMLog) {
	ctx := t.Context()
	left := func(source string) int {
		found := must(s.FindRequests(ctx, source, scimlog.Filter{}, scimlog.Page{Limit: 10000, Examine: 10000}))(t)
		return len(found.IDs)
	}
	same(t, "pruned by age", must(s.PruneRequests(ctx, "entra", after(10), 1000, 100))(t), 10)
	same(t, "pruned by number", must(s.PruneRequests(ctx, "entra", after(10), 50, 100))(t), 40)
	same(t, "left", left("entra"), 50)
	same(t, "another directory's", left("okta"), 1)
	same(t, "nothing to prune", must(s.PruneRequests(ctx, "none", after(10), 50, 100))(t), 0)
	var strangers []scimlog.Entry
	for n := range 1200 {
		e := entry("okta", 100+n)
		e.Result.Outcome = []scimlog.Outcome{scimlog.Unauthenticated, scimlog.Gap}[n%2]
		strangers = append(strangers, e)
	}
	ok(t, s.AppendRequests(ctx, strangers))
	same(t, "strangers and gaps pruned", must(s.PruneRequests(ctx, "okta", after(10), 10000, 5))(t), 1190)
	same(t, "left of okta", left("okta"), 11)
}

// testDryRun: what happens in a dry run is seen in it, fails in it as it would, and is gone afterwards.
func testDryRun(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	Fill(t, db, 5)
	g := directory.Group{ID: id("g"), Version: 1, DisplayName: "g"}
	ok(t, s.InsertGroup(ctx, g, directory.MembershipChange{Add: members(0, 2, "a")}, event("x", g.ID)))
	state := func() []any {
		return []any{
			must(s.Users(ctx, "", 100))(t), must(s.Groups(ctx, "", 100))(t), must(s.MembersOf(ctx, g.ID, "", 100))(t), must(s.CountUsers(ctx))(t), must(s.CountGroups(ctx))(t),
			len(must(db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{}, 1000))(t).Events),
		}
	}
	before := state()
	enough := errors.New("enough")
	rehearse := func(ctx context.Context, dry *sqlstore.DB) error {
		d := dry.Directory()
		u := directory.User{ID: id("new"), Version: 1, UserName: "new"}
		ok(t, d.InsertUser(ctx, u, event("x", u.ID)))
		same(t, "seen in the dry run", must(d.UserByName(ctx, "NEW"))(t), u)
		want{fault.Conflict, "uniqueness", "userName", "USER", ""}.check(t, d.InsertUser(ctx, directory.User{ID: id("other"), Version: 1, UserName: "new"}, event("x", "x")))
		// What failed is undone alone.
		unknown := directory.Membership{ID: id("m"), UserID: id("stranger")}
		want{kind: fault.NotFound}.check(t, second(d.UpdateGroup(ctx, directory.Group{ID: g.ID, Version: 2, DisplayName: "h"}, 1, directory.MembershipChange{Add: []directory.Membership{unknown}}, event("x", "x"))))
		same(t, "the group in the dry run", must(d.Group(ctx, g.ID))(t).DisplayName, "g")
		moves := must(d.UpdateGroup(ctx, directory.Group{ID: g.ID, Version: 2, DisplayName: "h"}, 1, directory.MembershipChange{Remove: sampleIDs(0, 1)}, event("x", "x")))(t)
		same(t, "moved in the dry run", moves.Removed, sampleIDs(0, 1))
		ok(t, d.DeleteUser(ctx, sampleUser(1).ID, 0, event("x", "x")))
		same(t, "counted in the dry run", must(d.CountUsers(ctx))(t), 5)
		if _, err := s.UserByName(ctx, "new"); !fault.Is(err, fault.NotFound) {
			t.Errorf("others see what a dry run did: %v", err)
		}
		return nil
	}
	ok(t, db.DryRun(ctx, rehearse))
	same(t, "after a dry run", state(), before)
	if err := db.DryRun(ctx, func(ctx context.Context, dry *sqlstore.DB) error { return errors.Join(rehearse(ctx, dry), enough) }); !errors.Is(err, enough) {
		t.Errorf("a dry run that failed answers %v", err)
	}
	same(t, "after a dry run that failed", state(), before)
	if err := db.DryRun(ctx, func(ctx context.Context, dry *sqlstore.DB) error { panic("in the dry run") }); err == nil {
		t.Error("a dry run that panicked answers nothing")
	}

	// Beside others who write at the same time each sees its own, and theirs stay.
	for i, err := range atOnce(16, func(i int) error {
		if i%2 == 0 {
			return s.InsertUser(ctx, directory.User{ID: id("real", i), Version: 1, UserName: fmt.Sprint("real", i)}, event("x", "x"))
		}
		return db.DryRun(ctx, func(ctx context.Context, dry *sqlstore.DB) error {
			return dry.Directory().InsertUser(ctx, directory.User{ID: id("unreal", i), Version: 1, UserName: fmt.Sprint("unreal", i)}, event("x", "x"))
		})
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	same(t, "users in the end", must(s.CountUsers(ctx))(t), 5+8)
	for _, u := range must(s.Users(ctx, "", 100))(t) {
		if strings.HasPrefix(u.UserName, "unreal") {
			t.Errorf("%s is left of a dry run", u.UserName)
		}
	}
}
