package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

// fullUser has every field set, with text that is awkward to store.
func fullUser() directory.User {
	v := []directory.Value{{Value: "a@example.com", Type: "work", Display: "A", Primary: true}, {Value: "b@example.com", Type: "home"}}
	return directory.User{
		ID: id("full"), Version: 1, UserName: "Ünïcode.Ǆ@Example.COM",
		Name:        directory.Name{Formatted: "f", FamilyName: "O'Brien \"x\"", GivenName: "名前", MiddleName: "m", HonorificPrefix: "Dr", HonorificSuffix: "III"},
		DisplayName: "\u2028\u0001 👩‍🚀 <&>", NickName: "n", ProfileURL: "https://example.com/?a=b&c", Title: "t", UserType: "u",
		PreferredLanguage: "de-CH", Locale: "de", Timezone: "Europe/Zurich", Website: "https://w", Birthdate: "1980-02-29",
		Active: true, Emails: v, PhoneNumbers: v[:1], Photos: v, Roles: v, IMs: v, Entitlements: v,
		Addresses: []directory.Address{{Formatted: "f", StreetAddress: "s\ns", Locality: "l", Region: "r", PostalCode: "p", Country: "CH", Type: "work", Primary: true}},
		Enterprise: directory.Enterprise{
			EmployeeNumber: "1", CostCenter: "2", Organization: "3", Division: "4", Department: "5", ManagerID: id("manager"),
		},
		ExternalIDs: []directory.ExternalID{{Issuer: "scim/entra", ID: "X-1"}, {Issuer: "other", ID: "X-1"}},
		Source:      "entra", CreatedAt: epoch(), UpdatedAt: epoch().Add(time.Microsecond), DisabledAt: epoch().Add(time.Hour), CreatedBy: "c", UpdatedBy: "u",
	}
}

func testUsers(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	u := fullUser()
	complete(t, u)
	want{kind: fault.NotFound, resource: "SOURCE"}.check(t, s.InsertUser(ctx, u, event("x", u.ID)))
	sources(t, db, "entra")
	ok(t, s.InsertUser(ctx, u, event("identitystore:CreateUser", u.ID)))
	inactive := directory.User{ID: id("bare"), Version: 1, UserName: "bare"}
	ok(t, s.InsertUser(ctx, inactive, event("identitystore:CreateUser", inactive.ID)))
	same(t, "a user with every field", must(s.User(ctx, u.ID))(t), u)
	same(t, "a user with no field", must(s.User(ctx, inactive.ID))(t), inactive)
	same(t, "by name in another case", must(s.UserByName(ctx, "üNÏCODE.ǆ@example.com"))(t).ID, u.ID)
	same(t, "by external id", must(s.UserByExternalID(ctx, directory.ExternalID{Issuer: "other", ID: "X-1"}))(t).ID, u.ID)
	same(t, "by ids", keys(must(s.UsersByID(ctx, []string{inactive.ID, "unknown"}))(t), userID), []string{inactive.ID})
	same(t, "by no ids", must(s.UsersByID(ctx, nil))(t), []directory.User{})
	same(t, "count", must(s.CountUsers(ctx))(t), 2)

	absent := want{kind: fault.NotFound, resource: "USER"}
	for what, err := range map[string]error{
		"User":             second(s.User(ctx, "nobody")),
		"UserByName":       second(s.UserByName(ctx, "nobody")),
		"UserByExternalID": second(s.UserByExternalID(ctx, directory.ExternalID{Issuer: "other", ID: "x-1"})),
		"UpdateUser":       s.UpdateUser(ctx, directory.User{ID: "nobody", UserName: "nobody"}, 1, event("x", "x")),
		"DeleteUser":       s.DeleteUser(ctx, "nobody", 0, event("x", "x")),
	} {
		t.Run("absent "+what, func(t *testing.T) { absent.check(t, err) })
	}
	t.Run("clashes", func(t *testing.T) { testUserClashes(t, s, u) })
	t.Run("update", func(t *testing.T) { testUserUpdate(t, s, u) })
	t.Run("delete", func(t *testing.T) { testUserDelete(t, s, u) })
}

func userID(u directory.User) string { return u.ID }

func second[T any](_ T, err error) error { return err }

// testUserClashes: nothing is written by an insert or update that meets a taken name or external id.
func testUserClashes(t *testing.T, s *sqlstore.Directory, u directory.User) {
	ctx := t.Context()
	before := must(s.CountUsers(ctx))(t)
	named := directory.User{ID: id("clash"), Version: 1, UserName: "ÜNÏCODE.ǅ@example.com", Emails: []directory.Value{{Value: "clash@example.com"}}}
	want{fault.Conflict, "uniqueness", "userName", "USER", ""}.check(t, s.InsertUser(ctx, named, event("x", named.ID)))
	known := directory.User{ID: id("clash"), Version: 1, UserName: "clash", Emails: named.Emails, ExternalIDs: []directory.ExternalID{{Issuer: "fresh", ID: "1"}, u.ExternalIDs[0]}}
	want{fault.Conflict, "uniqueness", "externalId", "USER", ""}.check(t, s.InsertUser(ctx, known, event("x", known.ID)))
	want{fault.Conflict, "uniqueness", "id", "USER", u.ID}.check(t, s.InsertUser(ctx, directory.User{ID: u.ID, Version: 1, UserName: "clash"}, event("x", u.ID)))
	want{kind: fault.NotFound}.check(t, second(s.User(ctx, id("clash"))))
	want{kind: fault.NotFound}.check(t, second(s.UserByExternalID(ctx, directory.ExternalID{Issuer: "fresh", ID: "1"})))
	same(t, "users with the address", must(s.UsersByEmail(ctx, "clash@example.com", 10))(t), []directory.User{})
	same(t, "count after refused inserts", must(s.CountUsers(ctx))(t), before)

	other := directory.User{ID: id("other"), Version: 1, UserName: "other"}
	ok(t, s.InsertUser(ctx, other, event("x", other.ID)))
	renamed := other
	renamed.Version, renamed.UserName = 2, u.UserName
	want{fault.Conflict, "uniqueness", "userName", "USER", ""}.check(t, s.UpdateUser(ctx, renamed, 1, event("x", other.ID)))
	taken := other
	taken.Version, taken.ExternalIDs = 2, u.ExternalIDs[1:]
	want{fault.Conflict, "uniqueness", "externalId", "USER", ""}.check(t, s.UpdateUser(ctx, taken, 1, event("x", other.ID)))
	same(t, "the user after refused updates", must(s.User(ctx, other.ID))(t), other)
}

func testUserUpdate(t *testing.T, s *sqlstore.Directory, u directory.User) {
	ctx := t.Context()
	now := u
	now.Version, now.UserName, now.Active = 2, "renamed", false
	now.Emails = []directory.Value{{Value: "B@example.com"}, {Value: "c@example.com"}, {Value: "C@EXAMPLE.com"}}
	now.ExternalIDs = []directory.ExternalID{{Issuer: "other", ID: "X-1"}, {Issuer: "scim/entra", ID: "X-2"}}
	want{fault.Conflict, "version", "", "USER", u.ID}.check(t, s.UpdateUser(ctx, now, 7, event("x", u.ID)))
	ok(t, s.UpdateUser(ctx, now, 1, event("x", u.ID)))
	want{fault.Conflict, "version", "", "USER", u.ID}.check(t, s.UpdateUser(ctx, now, 1, event("x", u.ID)))
	same(t, "updated", must(s.User(ctx, u.ID))(t), now)
	want{kind: fault.NotFound}.check(t, second(s.UserByName(ctx, u.UserName)))
	want{kind: fault.NotFound}.check(t, second(s.UserByExternalID(ctx, u.ExternalIDs[0])))
	same(t, "by new external id", must(s.UserByExternalID(ctx, now.ExternalIDs[1]))(t).ID, u.ID)
	for address, found := range map[string]int{"a@example.com": 0, "b@EXAMPLE.com": 1, "c@example.com": 1} {
		if got := must(s.UsersByEmail(ctx, address, 10))(t); len(got) != found {
			t.Errorf("%d users have %s, want %d", len(got), address, found)
		}
	}
	back := now
	back.Version, back.UserName = 3, "RENAMED"
	ok(t, s.UpdateUser(ctx, back, 2, event("x", u.ID))) // a user's own name in another case is not taken
}

func testUserDelete(t *testing.T, s *sqlstore.Directory, u directory.User) {
	ctx := t.Context()
	before := must(s.CountUsers(ctx))(t)
	g := directory.Group{ID: id("group of the deleted"), Version: 1, DisplayName: "group of the deleted"}
	ok(t, s.InsertGroup(ctx, g, directory.MembershipChange{Add: []directory.Membership{{ID: id("m"), UserID: u.ID}}}, event("x", g.ID)))
	want{fault.Conflict, "version", "", "USER", u.ID}.check(t, s.DeleteUser(ctx, u.ID, 99, event("x", u.ID)))
	ok(t, s.DeleteUser(ctx, u.ID, 3, event("x", u.ID)))
	want{kind: fault.NotFound}.check(t, second(s.User(ctx, u.ID)))
	want{kind: fault.NotFound}.check(t, second(s.UserByName(ctx, "renamed")))
	same(t, "memberships of the deleted", must(s.MembershipsOf(ctx, u.ID, "", 10))(t), []directory.Membership{})
	same(t, "members of her group", must(s.MembersOf(ctx, g.ID, "", 10))(t), []directory.Membership{})
	same(t, "version of her group", must(s.Group(ctx, g.ID))(t).Version, int64(2))
	same(t, "count", must(s.CountUsers(ctx))(t), before-1)
	again := fullUser()
	again.ID = id("again")
	ok(t, s.InsertUser(ctx, again, event("x", again.ID))) // name, addresses and external ids are free again
}

func testUserListings(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	same(t, "count of nothing", must(s.CountUsers(ctx))(t), 0)
	same(t, "list of nothing", must(s.UsersFrom(ctx, 0, 10))(t), []directory.User{})
	const n = 57
	Fill(t, db, n)
	var all []string
	for i := range n {
		all = append(all, sampleUser(i).ID)
	}
	slices.Sort(all)
	same(t, "count", must(s.CountUsers(ctx))(t), n)
	list := func(after string, limit int) ([]directory.User, error) { return s.Users(ctx, after, limit) }
	same(t, "by key", keys(pages(t, 10, userID, list), userID), all)
	for _, c := range []struct{ skip, limit, from, to int }{{0, 10, 0, 10}, {50, 10, 50, 57}, {56, 1, 56, 57}, {57, 10, 57, 57}, {1000, 10, 57, 57}, {3, 0, 3, 3}} {
		same(t, "by index", keys(must(s.UsersFrom(ctx, c.skip, c.limit))(t), userID), all[c.from:c.to])
	}
	// Every place, also after some have gone: the first and last by id, all that share the first's prefix, and one in the midst.
	for _, gone := range []int{n - 1, n / 2, 1, 0} {
		for skip := range len(all) + 2 {
			from := min(skip, len(all))
			same(t, fmt.Sprintf("by index from %d of %d", skip, len(all)), keys(must(s.UsersFrom(ctx, skip, 3))(t), userID), all[from:min(from+3, len(all))])
		}
		ok(t, s.DeleteUser(ctx, all[gone], 0, event("x", "x")))
		all = slices.Delete(all, gone, gone+1)
		same(t, "count", must(s.CountUsers(ctx))(t), len(all))
	}
	shared := directory.Value{Value: "Team@Example.com"}
	for i := range 5 {
		u := directory.User{ID: id("shared", i), Version: 1, UserName: id("shared", i), Emails: []directory.Value{shared}}
		ok(t, s.InsertUser(ctx, u, event("x", u.ID)))
	}
	got := keys(must(s.UsersByEmail(ctx, "team@example.com", 3))(t), userID)
	if len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("got %v, want 3 of the 5 users with the address, by id", got)
	}
}

// testUserConcurrency: of many who write at the same moment exactly one wins, and the counter is right.
func testUserConcurrency(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	clash := want{fault.Conflict, "uniqueness", "userName", "USER", ""}
	for round := range 5 {
		exactlyOne(t, atOnce(16, func(i int) error {
			u := directory.User{ID: id("same name", round, i), Version: 1, UserName: []string{"Same", "same", "SAME"}[i%3] + id(round)}
			return s.InsertUser(ctx, u, event("x", u.ID))
		}), clash)
	}
	clash.field = "externalId"
	exactlyOne(t, atOnce(16, func(i int) error {
		u := directory.User{ID: id("same external id", i), Version: 1, UserName: id(i), ExternalIDs: []directory.ExternalID{{Issuer: "i", ID: "x"}}}
		return s.InsertUser(ctx, u, event("x", u.ID))
	}), clash)
	one := must(s.UserByExternalID(ctx, directory.ExternalID{Issuer: "i", ID: "x"}))(t)
	exactlyOne(t, atOnce(16, func(i int) error {
		u := one
		u.Version, u.Title = 2, id(i)
		return s.UpdateUser(ctx, u, 1, event("x", u.ID))
	}), want{fault.Conflict, "version", "", "USER", one.ID})
	same(t, "count", must(s.CountUsers(ctx))(t), 6)
	exactlyOne(t, atOnce(8, func(int) error { return s.DeleteUser(ctx, one.ID, 0, event("x", one.ID)) }), want{kind: fault.NotFound, resource: "USER"})
	same(t, "count after delete", must(s.CountUsers(ctx))(t), 5)

	gone, cancel := context.WithCancel(ctx)
	cancel()
	u := directory.User{ID: id("cancelled"), Version: 1, UserName: "cancelled"}
	if err := s.InsertUser(gone, u, event("x", u.ID)); !errors.Is(err, context.Canceled) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("a cancelled write: got %v, want an Unavailable fault with context.Canceled", err)
	}
	want{kind: fault.NotFound}.check(t, second(s.User(ctx, u.ID)))
}
