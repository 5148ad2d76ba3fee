package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func groupID(g directory.Group) string { return g.ID }

func testGroups(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	g := directory.Group{
		ID: id("g"), Version: 1, DisplayName: "Straße", Description: "d", Source: "entra", CreatedAt: epoch(), UpdatedAt: epoch(), CreatedBy: "c", UpdatedBy: "u",
		ExternalIDs: []directory.ExternalID{{Issuer: "scim/entra", ID: "G-1"}},
	}
	complete(t, g)
	want{kind: fault.NotFound, resource: "SOURCE"}.check(t, s.InsertGroup(ctx, g, directory.MembershipChange{}, event("x", g.ID)))
	sources(t, db, "entra")
	ok(t, s.InsertGroup(ctx, g, directory.MembershipChange{}, event("identitystore:CreateGroup", g.ID)))
	same(t, "group", must(s.Group(ctx, g.ID))(t), g)
	same(t, "by name in another case", must(s.GroupByName(ctx, "STRASSE"))(t).ID, g.ID)
	same(t, "by external id", must(s.GroupByExternalID(ctx, g.ExternalIDs[0]))(t).ID, g.ID)
	same(t, "by ids", keys(must(s.GroupsByID(ctx, []string{"x", g.ID}))(t), groupID), []string{g.ID})
	clash := want{fault.Conflict, "uniqueness", "displayName", "GROUP", ""}
	clash.check(t, s.InsertGroup(ctx, directory.Group{ID: id("h"), Version: 1, DisplayName: "strasse"}, directory.MembershipChange{}, event("x", "h")))
	h := directory.Group{ID: id("h"), Version: 1, DisplayName: "h", ExternalIDs: g.ExternalIDs}
	want{fault.Conflict, "uniqueness", "externalId", "GROUP", ""}.check(t, s.InsertGroup(ctx, h, directory.MembershipChange{}, event("x", h.ID)))
	h.ExternalIDs = nil
	ok(t, s.InsertGroup(ctx, h, directory.MembershipChange{}, event("x", h.ID)))
	same(t, "count", must(s.CountGroups(ctx))(t), 2)

	h.Version, h.DisplayName = 2, "STRASSE"
	clash.check(t, second(s.UpdateGroup(ctx, h, 1, directory.MembershipChange{}, event("x", h.ID))))
	h.DisplayName, h.ExternalIDs = "H", []directory.ExternalID{{Issuer: "scim/entra", ID: "G-2"}}
	want{fault.Conflict, "version", "", "GROUP", h.ID}.check(t, second(s.UpdateGroup(ctx, h, 2, directory.MembershipChange{}, event("x", h.ID))))
	ok(t, second(s.UpdateGroup(ctx, h, 1, directory.MembershipChange{}, event("x", h.ID))))
	same(t, "updated", must(s.Group(ctx, h.ID))(t), h)

	want{kind: fault.NotFound, resource: "GROUP"}.check(t, second(s.UpdateGroup(ctx, directory.Group{ID: "none", DisplayName: "none"}, 1, directory.MembershipChange{}, event("x", "x"))))
	want{kind: fault.NotFound, resource: "GROUP"}.check(t, second(s.Group(ctx, "none")))
	want{kind: fault.NotFound, resource: "GROUP"}.check(t, second(s.GroupByName(ctx, "none")))
	want{kind: fault.NotFound, resource: "GROUP"}.check(t, s.DeleteGroup(ctx, "none", 0, event("x", "x")))
	want{fault.Conflict, "version", "", "GROUP", h.ID}.check(t, s.DeleteGroup(ctx, h.ID, 1, event("x", h.ID)))
	ok(t, s.DeleteGroup(ctx, h.ID, 2, event("x", h.ID)))
	want{kind: fault.NotFound}.check(t, second(s.GroupByExternalID(ctx, directory.ExternalID{Issuer: "scim/entra", ID: "G-2"})))
	same(t, "count", must(s.CountGroups(ctx))(t), 1)

	for i := range 24 {
		ok(t, s.InsertGroup(ctx, directory.Group{ID: id("many", i), Version: 1, DisplayName: fmt.Sprint("many ", i)}, directory.MembershipChange{}, event("x", "x")))
	}
	all := keys(pages(t, 10, groupID, func(after string, limit int) ([]directory.Group, error) { return s.Groups(ctx, after, limit) }), groupID)
	if len(all) != 25 || !slices.IsSorted(all) {
		t.Errorf("listed %d groups %v, want 25 by id", len(all), all)
	}
	same(t, "by index", keys(must(s.GroupsFrom(ctx, 20, 10))(t), groupID), all[20:])
}

func memberUser(m directory.Membership) string { return m.UserID }

func members(from, to int, label string) (ms []directory.Membership) {
	for i := from; i < to; i++ {
		ms = append(ms, directory.Membership{ID: id("membership", label, i), UserID: sampleUser(i).ID, CreatedAt: epoch(), CreatedBy: "by"})
	}
	return ms
}

func sampleIDs(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, sampleUser(i).ID)
	}
	slices.Sort(ids)
	return ids
}

func testGroupMembers(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	Fill(t, db, 200)
	g := directory.Group{ID: id("g"), Version: 1, DisplayName: "g"}
	stranger := directory.Membership{ID: id("stranger"), UserID: id("stranger")}
	unknown := want{kind: fault.NotFound, resource: "USER", id: stranger.UserID}
	unknown.check(t, s.InsertGroup(ctx, g, directory.MembershipChange{Add: append(members(0, 3, "a"), stranger)}, event("x", g.ID)))
	want{kind: fault.NotFound}.check(t, second(s.Group(ctx, g.ID)))
	ok(t, s.InsertGroup(ctx, g, directory.MembershipChange{Add: members(0, 100, "a")}, event("x", g.ID)))
	listed := func() []string {
		return keys(pages(t, 33, memberUser, func(after string, limit int) ([]directory.Membership, error) {
			return s.MembersOf(ctx, g.ID, after, limit)
		}), memberUser)
	}
	same(t, "members at first", listed(), sampleIDs(0, 100))
	var moves directory.MemberMoves
	change := func(m directory.MembershipChange) error {
		g.Version++
		var err error
		moves, err = s.UpdateGroup(ctx, g, g.Version-1, m, event("x", g.ID))
		if err != nil {
			g.Version--
		}
		return err
	}
	moved := func(added, removed []string) {
		t.Helper()
		slices.Sort(moves.Added)
		slices.Sort(moves.Removed)
		slices.Sort(removed)
		same(t, "who was moved", moves, directory.MemberMoves{Added: added, Removed: removed})
	}
	unknown.check(t, change(directory.MembershipChange{Add: []directory.Membership{members(120, 121, "b")[0], stranger}}))
	same(t, "members after a refused change", listed(), sampleIDs(0, 100))
	ok(t, change(directory.MembershipChange{Add: members(90, 110, "b"), Remove: append(sampleIDs(0, 10), sampleIDs(109, 110)...)}))
	same(t, "members added and removed; one in both is removed", listed(), sampleIDs(10, 109))
	moved(sampleIDs(100, 110), append(sampleIDs(0, 10), sampleIDs(109, 110)...))
	m := must(s.MembershipOf(ctx, g.ID, sampleUser(95).ID))(t)
	same(t, "a membership added again keeps its id", m, directory.Membership{ID: id("membership", "a", 95), GroupID: g.ID, UserID: sampleUser(95).ID, CreatedAt: epoch(), CreatedBy: "by"})
	same(t, "membership by id", must(s.Membership(ctx, m.ID))(t), m)
	ok(t, change(directory.MembershipChange{Replace: true, Add: members(95, 180, "c")}))
	same(t, "members replaced", listed(), sampleIDs(95, 180))
	moved(sampleIDs(109, 180), sampleIDs(10, 95))
	same(t, "a membership kept by a replacement", must(s.MembershipOf(ctx, g.ID, sampleUser(95).ID))(t).ID, m.ID)
	ok(t, change(directory.MembershipChange{Remove: []string{"nobody"}}))
	moved(nil, nil)

	absent := want{kind: fault.NotFound, resource: "GROUP_MEMBERSHIP"}
	absent.check(t, second(s.Membership(ctx, "none")))
	absent.check(t, second(s.MembershipOf(ctx, g.ID, sampleUser(0).ID)))
	absent.check(t, s.DeleteMembership(ctx, "none", epoch(), event("x", "x")))
	later := epoch().Add(time.Hour)
	ok(t, s.DeleteMembership(ctx, m.ID, later, event("x", m.ID)))
	absent.check(t, s.DeleteMembership(ctx, m.ID, later, event("x", m.ID)))
	now := must(s.Group(ctx, g.ID))(t)
	if now.Version != g.Version+1 || !now.UpdatedAt.Equal(later) {
		t.Errorf("after a membership went: version %d at %v, want %d at %v", now.Version, now.UpdatedAt, g.Version+1, later)
	}
	g.Version++
	for i := range 7 {
		h := directory.Group{ID: id("other", i), Version: 1, DisplayName: fmt.Sprint("other", i)}
		ok(t, s.InsertGroup(ctx, h, directory.MembershipChange{Add: []directory.Membership{{ID: id("o", i), UserID: sampleUser(100).ID}}}, event("x", h.ID)))
	}
	of := pages(t, 3, func(m directory.Membership) string { return m.GroupID }, func(after string, limit int) ([]directory.Membership, error) {
		return s.MembershipsOf(ctx, sampleUser(100).ID, after, limit)
	})
	if got := keys(of, func(m directory.Membership) string { return m.GroupID }); len(got) != 8 || !slices.IsSorted(got) {
		t.Errorf("memberships of a user in groups %v, want 8 by group", got)
	}
	ok(t, change(directory.MembershipChange{Replace: true}))
	same(t, "members replaced by none", listed(), []string{})
	ok(t, s.DeleteGroup(ctx, id("other", 0), 0, event("x", "x")))
	absent.check(t, second(s.Membership(ctx, id("o", 0))))
}

// testGroupConcurrency: members of one group are changed while users go; nothing is left that names a user who is gone.
func testGroupConcurrency(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	const n = 40
	Fill(t, db, n)
	g := directory.Group{ID: id("g"), Version: 1, DisplayName: "g"}
	exactlyOne(t, atOnce(8, func(i int) error {
		h := g
		if i > 0 {
			h.ID = id("g", i)
		}
		h.DisplayName = "g"
		return s.InsertGroup(ctx, h, directory.MembershipChange{}, event("x", h.ID))
	}), want{fault.Conflict, "uniqueness", "displayName", "GROUP", ""})
	g = must(s.GroupByName(ctx, "g"))(t)
	errs := atOnce(2*n, func(i int) error {
		if i%2 == 0 {
			return s.DeleteUser(ctx, sampleUser(i/2).ID, 0, event("x", "x"))
		}
		for {
			h, err := s.Group(ctx, g.ID)
			if err != nil {
				return err
			}
			h.Version++
			_, err = s.UpdateGroup(ctx, h, h.Version-1, directory.MembershipChange{Add: members(i/2, i/2+1, "m")}, event("x", g.ID))
			if fault.Of(err) == nil || fault.Of(err).Reason != "version" {
				return err
			}
		}
	})
	for i, err := range errs {
		if err != nil && (i%2 == 0 || !fault.Is(err, fault.NotFound)) {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	same(t, "members that are left", must(s.MembersOf(ctx, g.ID, "", 100))(t), []directory.Membership{})
	same(t, "users that are left", must(s.CountUsers(ctx))(t), 0)
}
