package storagetest

import (
	"testing"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func testGuards(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	sources(t, db, "entra", "okta")
	same(t, "no state", must(s.GuardState(ctx, "entra"))(t), directory.GuardState{SourceID: "entra"})
	st := directory.GuardState{
		SourceID: "entra", Version: 1, Since: epoch(), Users: 10, Groups: 20, UsersRemoved: 3, GroupsRemoved: 4, HeldAt: after(5), Refused: 6, ConfirmedUntil: after(7),
	}
	complete(t, st)
	ok(t, s.PutGuardState(ctx, st, event("x", "x")))
	same(t, "state", must(s.GuardState(ctx, "entra"))(t), st)
	same(t, "another's state", must(s.GuardState(ctx, "okta"))(t), directory.GuardState{SourceID: "okta"})
	lost := want{fault.Conflict, "version", "", "SOURCE", "entra"}
	lost.check(t, s.PutGuardState(ctx, st, event("x", "x")))
	st.Version = 3
	lost.check(t, s.NoteGuardState(ctx, st))

	// Of many who count at once, each version is one's.
	won := 0
	for i, err := range atOnce(8, func(i int) error {
		return s.NoteGuardState(ctx, directory.GuardState{SourceID: "entra", Version: 2, Users: i})
	}) {
		if err == nil {
			won++
			same(t, "the winner's", must(s.GuardState(ctx, "entra"))(t).Users, i)
		}
	}
	same(t, "winners", won, 1)
	testCountsOf(t, s)
}

// testCountsOf: every way in which a source comes to have more or less.
func testCountsOf(t *testing.T, s *sqlstore.Directory) {
	ctx := t.Context()
	counts := func(source string, users, groups int) {
		t.Helper()
		u, g, err := s.CountsOf(ctx, source)
		ok(t, err)
		same(t, "users and groups of "+source, []int{u, g}, []int{users, groups})
	}
	person := func(n int, source string) directory.User {
		return directory.User{ID: id("guarded", n), Version: 1, UserName: id("guarded", n), Source: source}
	}
	counts("entra", 0, 0)
	ok(t, s.InsertUser(ctx, person(1, "entra"), event("x", "x")))
	ok(t, s.InsertUser(ctx, person(2, "entra"), event("x", "x")))
	ok(t, s.InsertUser(ctx, person(3, ""), event("x", "x")))
	if err := s.InsertUser(ctx, person(1, "entra"), event("x", "x")); err == nil {
		t.Error("one user was made twice")
	}
	ok(t, s.InsertGroup(ctx, directory.Group{ID: id("guarded group"), Version: 1, DisplayName: "guarded", Source: "okta"}, directory.MembershipChange{}, event("x", "x")))
	counts("entra", 2, 0)
	counts("okta", 0, 1)
	counts("", 1, 0)
	moved := person(2, "okta")
	moved.Version = 2
	ok(t, s.UpdateUser(ctx, moved, 1, event("x", "x")))
	counts("entra", 1, 0)
	counts("okta", 1, 1)
	ok(t, s.DeleteUser(ctx, id("guarded", 1), 0, event("x", "x")))
	ok(t, s.DeleteUser(ctx, id("guarded", 3), 0, event("x", "x")))
	ok(t, s.DeleteGroup(ctx, id("guarded group"), 0, event("x", "x")))
	counts("entra", 0, 0)
	counts("okta", 1, 0)
	counts("", 0, 0)
}
