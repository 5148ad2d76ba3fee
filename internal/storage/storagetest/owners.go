package storagetest

import (
	"slices"
	"testing"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

// sources makes identity sources that own things.
func sources(t testing.TB, db *sqlstore.DB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := db.Directory().PutSource(t.Context(), directory.Source{ID: id, Version: 1}, 0, event("gatehouse:CreateSource", id)); err != nil {
			t.Fatal(err)
		}
	}
}

// testOwners: what each source owns is listed by itself, and a source goes only when it owns nothing.
func testOwners(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	sources(t, db, "entra", "okta")
	g := directory.Group{ID: id("owned group"), Version: 1, DisplayName: "owned", Source: "entra"}
	for i := range 12 {
		u := sampleUser(i)
		u.ExternalIDs = nil
		u.Source = []string{"entra", "okta", ""}[i%3]
		ok(t, s.InsertUser(ctx, u, event("x", u.ID)))
	}
	ok(t, s.InsertGroup(ctx, g, directory.MembershipChange{Add: members(0, 6, "owned")}, event("x", g.ID)))
	other := directory.Group{ID: id("other group"), Version: 1, DisplayName: "other", Source: "okta"}
	ok(t, s.InsertGroup(ctx, other, directory.MembershipChange{}, event("x", other.ID)))

	for source, want := range map[string][]string{"entra": ofEach(0, 12), "okta": ofEach(1, 12), "": ofEach(2, 12), "none": nil} {
		got := keys(pages(t, 3, userID, func(after string, limit int) ([]directory.User, error) { return s.UsersOf(ctx, source, after, limit) }), userID)
		same(t, "users of "+source, got, want)
		for skip := range len(want) + 1 {
			same(t, "users of "+source+" by index", keys(must(s.UsersOfFrom(ctx, source, skip, 2))(t), userID), want[skip:min(skip+2, len(want))])
		}
	}
	same(t, "groups of entra", keys(must(s.GroupsOf(ctx, "entra", "", 10))(t), groupID), []string{g.ID})
	same(t, "groups of okta by index", keys(must(s.GroupsOfFrom(ctx, "okta", 0, 10))(t), groupID), []string{other.ID})
	same(t, "groups of okta behind the last", len(must(s.GroupsOfFrom(ctx, "okta", 1, 10))(t)), 0)
	seen := func(owners ...string) []string {
		return keys(pages(t, 1, memberUser, func(after string, limit int) ([]directory.Membership, error) {
			return s.MembersOwnedBy(ctx, g.ID, owners, after, limit)
		}), memberUser)
	}
	same(t, "members of entra's", seen("entra"), ofEach(0, 6))
	same(t, "members of entra's and local ones", len(seen("entra", "")), 4)

	sixth := ofEach(0, 6)
	among := func(owners ...string) []string {
		return slices.Sorted(slices.Values(must(s.UsersAmong(ctx, owners, append(slices.Concat(sixth, sixth), sampleUser(1).ID, sampleUser(2).ID, "unknown")))(t)))
	}
	same(t, "among entra's, each once", among("entra"), sixth)
	same(t, "among entra's and local ones", len(among("entra", "")), len(sixth)+1)
	same(t, "among nobody's", len(among()), 0)
	want{kind: fault.Invalid}.check(t, second(s.UsersAmong(ctx, []string{"entra"}, make([]string, 1001))))

	// A change in the name of one owner leaves members of the others.
	version := int64(1)
	change := func(m directory.MembershipChange) {
		t.Helper()
		g.Version++
		ok(t, second(s.UpdateGroup(ctx, g, version, m, event("x", g.ID))))
		version = g.Version
	}
	change(directory.MembershipChange{Remove: []string{sampleUser(0).ID, sampleUser(1).ID}, Owners: []string{"entra"}})
	same(t, "after a bounded removal", len(must(s.MembersOf(ctx, g.ID, "", 100))(t)), 5)
	change(directory.MembershipChange{Replace: true, Add: members(9, 10, "replaced"), Owners: []string{"entra"}})
	same(t, "entra's after a bounded replacement", seen("entra"), []string{sampleUser(9).ID})
	same(t, "others after a bounded replacement", len(seen("okta", "")), 4)
	change(directory.MembershipChange{Replace: true})
	same(t, "after a replacement", len(must(s.MembersOf(ctx, g.ID, "", 100))(t)), 0)

	inUse := want{fault.Conflict, "in-use", "", "SOURCE", "okta"}
	inUse.check(t, s.DeleteSource(ctx, "okta", event("x", "okta")))
	for i := 1; i < 12; i += 3 {
		u := must(s.User(ctx, sampleUser(i).ID))(t)
		u.Source, u.Version = "entra", 2
		ok(t, s.UpdateUser(ctx, u, 1, event("x", u.ID)))
	}
	inUse.check(t, s.DeleteSource(ctx, "okta", event("x", "okta")))
	other.Source, other.Version = "", 2
	ok(t, second(s.UpdateGroup(ctx, other, 1, directory.MembershipChange{}, event("x", other.ID))))
	same(t, "groups of okta", len(must(s.GroupsOf(ctx, "okta", "", 10))(t)), 0)
	ok(t, s.InsertToken(ctx, directory.Token{ID: id("token"), SourceID: "okta", Hash: []byte("hash"), CreatedAt: epoch(), ExpiresAt: after(9)}, 2, event("x", "okta")))
	ok(t, s.NoteGuardState(ctx, directory.GuardState{SourceID: "okta", Version: 1}))
	_, _, err := s.ClaimMetadataCheck(ctx, "okta", epoch(), epoch())
	ok(t, err)
	ok(t, s.DeleteSource(ctx, "okta", event("gatehouse:DeleteSource", "okta")))
	gone := want{kind: fault.NotFound, resource: "SOURCE"}
	gone.check(t, second(s.Source(ctx, "okta")))
	gone.check(t, s.DeleteSource(ctx, "okta", event("x", "okta")))
	want{kind: fault.NotFound, resource: "TOKEN"}.check(t, second(s.TokenByHash(ctx, []byte("hash"))))
	u := must(s.User(ctx, sampleUser(0).ID))(t)
	u.Source, u.Version = "okta", 2
	gone.check(t, s.UpdateUser(ctx, u, 1, event("x", u.ID)))
	other.Source, other.Version = "okta", 3
	gone.check(t, second(s.UpdateGroup(ctx, other, 2, directory.MembershipChange{}, event("x", other.ID))))
}

// ofEach are the ids of every third sample user, sorted.
func ofEach(from, to int) (ids []string) {
	for i := from; i < to; i += 3 {
		ids = append(ids, sampleUser(i).ID)
	}
	slices.Sort(ids)
	return ids
}
