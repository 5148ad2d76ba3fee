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

// nester makes groups and puts them into each other.
type nester struct {
	t testing.TB
	s *sqlstore.Directory
}

func (n nester) group(name string, users ...directory.Membership) string {
	n.t.Helper()
	g := directory.Group{ID: id("nest", name), Version: 1, DisplayName: name}
	ok(n.t, n.s.InsertGroup(n.t.Context(), g, directory.MembershipChange{Add: users}, event("x", g.ID)))
	return g.ID
}

func (n nester) change(id string, m directory.MembershipChange) error {
	for {
		g, err := n.s.Group(n.t.Context(), id)
		if err != nil {
			return err
		}
		g.Version++
		_, err = n.s.UpdateGroup(n.t.Context(), g, g.Version-1, m, event("x", id))
		if f := fault.Of(err); f == nil || f.Reason != "version" {
			return err
		}
	}
}

func (n nester) nest(above string, below ...string) error {
	var m directory.MembershipChange
	for _, b := range below {
		m.AddGroups = append(m.AddGroups, directory.NestedGroup{GroupID: above, MemberID: b, CreatedAt: epoch(), CreatedBy: "by"})
	}
	return n.change(above, m)
}

func nestedMember(g directory.NestedGroup) string { return g.MemberID }

func testNesting(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	for i := range 3 {
		u := sampleUser(i)
		u.ExternalIDs = nil
		ok(t, s.InsertUser(ctx, u, event("x", u.ID)))
	}
	n := nester{t, s}
	// all ⊃ engineering ⊃ {platform, apps} ⊃ shared; user 0 is in platform and shared, 1 in shared, 2 in all.
	platform, shared, apps := n.group("platform", members(0, 1, "p")...), n.group("shared", members(0, 2, "s")...), n.group("apps")
	engineering, everybody := n.group("engineering"), n.group("everybody", members(2, 3, "e")...)
	ok(t, n.nest(engineering, platform, apps))
	ok(t, n.nest(platform, shared))
	ok(t, n.nest(apps, shared))
	ok(t, n.nest(everybody, engineering))
	ok(t, n.nest(everybody, engineering)) // twice is once
	groups := func(i int, want ...string) {
		t.Helper()
		slices.Sort(want)
		got := must(s.GroupIDsOf(ctx, sampleUser(i).ID))(t)
		if !slices.Equal(got, want) {
			t.Errorf("effective groups of user %d: %v, want %v", i, got, want)
		}
		ms := pages(t, 2, func(m directory.Membership) string { return m.GroupID }, func(after string, limit int) ([]directory.Membership, error) {
			return s.EffectiveMembershipsOf(ctx, sampleUser(i).ID, after, limit)
		})
		same(t, "as memberships", keys(ms, func(m directory.Membership) string { return m.GroupID }), got)
		for _, m := range ms {
			direct := must(s.Membership(ctx, m.ID))(t)
			inherited := direct
			inherited.GroupID = m.GroupID
			same(t, "what a membership hangs on", m, inherited)
			if own, err := s.MembershipOf(ctx, m.GroupID, m.UserID); err == nil {
				same(t, "a direct membership", m, own)
			}
		}
	}
	groups(0, platform, shared, apps, engineering, everybody)
	groups(1, platform, shared, apps, engineering, everybody)
	groups(2, everybody)
	same(t, "below engineering", must(s.GroupsBelow(ctx, engineering))(t), sortedIDs(engineering, platform, apps, shared))
	same(t, "below shared", must(s.GroupsBelow(ctx, shared))(t), []string{shared})
	same(t, "in engineering", keys(pages(t, 1, nestedMember, func(after string, limit int) ([]directory.NestedGroup, error) {
		return s.NestedIn(ctx, engineering, after, limit)
	}), nestedMember), sortedIDs(platform, apps))
	above := func(g directory.NestedGroup) string { return g.GroupID }
	same(t, "over shared", keys(pages(t, 1, above, func(after string, limit int) ([]directory.NestedGroup, error) {
		return s.NestedUnder(ctx, shared, after, limit)
	}), above), sortedIDs(platform, apps))
	edge := must(s.NestedIn(ctx, everybody, "", 2))(t)[0]
	complete(t, edge)
	same(t, "an edge", edge, directory.NestedGroup{GroupID: everybody, MemberID: engineering, CreatedAt: epoch(), CreatedBy: "by"})

	circle := want{fault.Invalid, "nesting", "members", "GROUP", ""}
	before := must(s.Group(ctx, shared))(t).Version
	for _, above := range []string{everybody, engineering, platform, shared} {
		circle.check(t, n.nest(shared, above))
	}
	same(t, "the version after refused circles", must(s.Group(ctx, shared))(t).Version, before)
	want{fault.NotFound, "", "", "GROUP", "none"}.check(t, n.nest(shared, "none"))

	// Deleted groups take their edges along, and those above them change.
	before = must(s.Group(ctx, engineering))(t).Version
	later := event("x", apps)
	later.At = later.At.Add(time.Hour)
	ok(t, s.DeleteGroup(ctx, apps, 0, later))
	same(t, "the version of a group whose member is gone", must(s.Group(ctx, engineering))(t).Version, before+1)
	same(t, "when", must(s.Group(ctx, engineering))(t).UpdatedAt, later.At)
	groups(1, platform, shared, engineering, everybody)
	ok(t, n.change(engineering, directory.MembershipChange{RemoveGroups: []string{platform, "none"}}))
	groups(1, platform, shared)
	ok(t, n.nest(engineering, platform))
	groups(1, platform, shared, engineering, everybody)
	ok(t, n.change(engineering, directory.MembershipChange{Replace: true}))
	groups(1, platform, shared)
	t.Run("bounds", func(t *testing.T) { testNestingBounds(t, s) })
	t.Run("owners", func(t *testing.T) { testNestingOwners(t, db) })
}

func sortedIDs(ids ...string) []string {
	slices.Sort(ids)
	return ids
}

// testNestingBounds: no path is longer than the bound, whichever end grows, and of edges that close a circle together one is refused.
func testNestingBounds(t *testing.T, s *sqlstore.Directory) {
	n := nester{t, s}
	chain := make([]string, directory.MaxNesting+1)
	for i := range chain {
		chain[i] = n.group(fmt.Sprint("level ", i))
	}
	for i := len(chain) - 1; i > 0; i-- { // from the bottom, so that what is below is counted
		ok(t, n.nest(chain[i-1], chain[i]))
	}
	deep := want{fault.Invalid, "nesting", "members", "GROUP", ""}
	deep.check(t, n.nest(n.group("roof"), chain[0]))
	deep.check(t, n.nest(chain[len(chain)-1], n.group("cellar")))
	for round := range 5 {
		ring := make([]string, 4)
		for i := range ring {
			ring[i] = n.group(fmt.Sprint("ring ", round, i))
		}
		refused := 0
		for _, err := range atOnce(len(ring), func(i int) error { return n.nest(ring[i], ring[(i+1)%len(ring)]) }) {
			if err != nil {
				deep.check(t, err)
				refused++
			}
		}
		same(t, "edges of a ring that were refused", refused, 1)
	}
}

// testNestingOwners: a change in the name of one owner leaves groups of the others in their places.
func testNestingOwners(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	sources(t, db, "entra", "okta")
	n := nester{t, s}
	top, foreign := n.group("top"), n.group("foreign")
	want{kind: fault.NotFound}.check(t, second(s.NestingOf(ctx, "entra")))
	own := directory.Group{ID: id("nest", "own"), Version: 1, DisplayName: "own", Source: "entra"}
	ok(t, s.InsertGroup(ctx, own, directory.MembershipChange{}, event("x", own.ID)))
	ok(t, n.nest(top, foreign, own.ID))
	want{kind: fault.NotFound}.check(t, second(s.NestingOf(ctx, "entra")))
	ok(t, n.change(top, directory.MembershipChange{Replace: true, Owners: []string{"entra"}}))
	same(t, "in top after a bounded replacement", keys(must(s.NestedIn(ctx, top, "", 9))(t), nestedMember), []string{foreign})
	ok(t, n.change(top, directory.MembershipChange{RemoveGroups: []string{foreign}, Owners: []string{"entra"}}))
	same(t, "in top after a bounded removal", len(must(s.NestedIn(ctx, top, "", 9))(t)), 1)
	above := directory.Group{ID: id("nest", "above"), Version: 1, DisplayName: "above", Source: "entra"}
	ok(t, s.InsertGroup(ctx, above, directory.MembershipChange{AddGroups: []directory.NestedGroup{{GroupID: above.ID, MemberID: own.ID, CreatedAt: epoch(), CreatedBy: "by"}}}, event("x", above.ID)))
	same(t, "a group of entra's with groups in it", must(s.NestingOf(ctx, "entra"))(t), above.ID)
}
