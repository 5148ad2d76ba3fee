package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
	"gatehouse/internal/storage/sqlstore"
)

func testSources(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Directory()
	src := directory.Source{
		ID: "entra", Version: 1, Name: "Entra ID", Profile: directory.ProfileAWS, Domains: []string{"example.com", "straße.example"}, LocalUsers: true, CreatedAt: epoch(),
		Guard: directory.Guard{Off: true, Share: 30, Least: 5}, Nested: directory.NestingExpand, Closing: directory.Release, ProviderClosing: true, VouchesSince: after(7), ContinueAt: after(8),
		Owners: directory.Owners{Local: directory.RuleAdopt, Directories: map[string]directory.OwnerRule{"alpha": directory.RuleAdopt}},
		SAML: directory.SAMLSettings{EntityID: "e", SSORedirectURL: "r", SSOPostURL: "p", Certificates: [][]byte{{0, 1, 255}, {2}}, MetadataURL: "m", AllowIDPInitiated: true, JustInTime: true,
			SLORedirectURL: "l", SLOPostURL: "o", SLORedirectAnswerURL: "la", SLOPostAnswerURL: "oa", MetadataSigners: [][]byte{{7}}, ValidUntil: after(99), SignRequests: true, SingleLogout: true,
			SigningKey: []byte("k"), SigningCertificate: []byte("c")},
	}
	complete(t, src)
	want{kind: fault.NotFound, resource: "SOURCE"}.check(t, s.PutSource(ctx, src, 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "SOURCE"}.check(t, second(s.Source(ctx, "entra")))
	ok(t, s.PutSource(ctx, src, 0, event("x", "x")))
	want{fault.Conflict, "uniqueness", "", "SOURCE", "entra"}.check(t, s.PutSource(ctx, src, 0, event("x", "x")))
	same(t, "source", must(s.Source(ctx, "entra"))(t), src)
	src.Version, src.LocalUsers = 2, false
	ok(t, s.PutSource(ctx, src, 1, event("x", "x")))
	want{fault.Conflict, "version", "", "SOURCE", "entra"}.check(t, s.PutSource(ctx, src, 1, event("x", "x")))
	ok(t, s.PutSource(ctx, directory.Source{ID: "alpha", Version: 1}, 0, event("x", "x")))
	same(t, "sources by id", keys(must(s.Sources(ctx))(t), func(s directory.Source) string { return s.ID }), []string{"alpha", "entra"})

	same(t, "no check", must(s.MetadataCheck(ctx, "entra"))(t), directory.MetadataCheck{})
	claim := func(at, ifNotAfter time.Time) error {
		_, claimed, err := s.ClaimMetadataCheck(ctx, "entra", at, ifNotAfter)
		if err == nil && !claimed {
			err = fault.New(fault.Conflict, "claimed").For("claimed")
		}
		return err
	}
	exactlyOne(t, atOnce(8, func(int) error { return claim(after(10), after(9)) }), want{kind: fault.Conflict, reason: "claimed"})
	check := directory.MetadataCheck{SourceID: "entra", CheckedAt: after(10), Problem: "p", GoodAt: after(5)}
	complete(t, check)
	ok(t, s.PutMetadataCheck(ctx, check))
	same(t, "check", must(s.MetadataCheck(ctx, "entra"))(t), check)
	exactlyOne(t, atOnce(8, func(int) error { return claim(after(20), after(10)) }), want{kind: fault.Conflict, reason: "claimed"})
	check.CheckedAt = after(20)
	same(t, "check claimed again", must(s.MetadataCheck(ctx, "entra"))(t), check)

	token := func(i int, made time.Time) directory.Token {
		return directory.Token{ID: id("token", i), SourceID: "entra", Hash: []byte(id("hash", i))[:32], CreatedAt: made, ExpiresAt: made.Add(time.Hour), CreatedBy: "c"}
	}
	want{kind: fault.NotFound, resource: "SOURCE"}.check(t, s.InsertToken(ctx, directory.Token{ID: "t", SourceID: "none", Hash: []byte("h")}, 2, event("x", "x")))
	errs := atOnce(8, func(i int) error { return s.InsertToken(ctx, token(i, epoch()), 2, event("x", "x")) })
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			want{kind: fault.Quota}.check(t, err)
		}
	}
	if made != 2 {
		t.Errorf("%d of 8 tokens made at the same time, want 2", made)
	}
	later := token(10, epoch().Add(time.Hour))
	ok(t, s.InsertToken(ctx, later, 2, event("x", "x"))) // the first two end at that very moment
	list := must(s.Tokens(ctx, "entra"))(t)
	if len(list) != 3 || list[0].ID != later.ID {
		t.Errorf("tokens %v, want 3, newest first", list)
	}
	same(t, "token by hash", must(s.TokenByHash(ctx, later.Hash))(t), later)
	want{kind: fault.NotFound, resource: "TOKEN"}.check(t, second(s.TokenByHash(ctx, []byte("other"))))
	ok(t, s.TouchToken(ctx, later.ID, epoch().Add(2*time.Hour)))
	ok(t, s.TouchToken(ctx, later.ID, epoch()))
	ok(t, s.TouchToken(ctx, "none", epoch()))
	same(t, "last used", must(s.TokenByHash(ctx, later.Hash))(t).LastUsedAt, epoch().Add(2*time.Hour))
	want{kind: fault.NotFound, resource: "TOKEN"}.check(t, s.DeleteToken(ctx, "alpha", later.ID, event("x", "x")))
	ok(t, s.DeleteToken(ctx, "entra", later.ID, event("x", "x")))
	want{kind: fault.NotFound, resource: "TOKEN"}.check(t, second(s.TokenByHash(ctx, later.Hash)))
}

func testOrganization(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Organization()
	want{kind: fault.NotFound, resource: "ORGANIZATION"}.check(t, second(s.Organization(ctx)))
	o := organization.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccountID: "111122223333", CreatedAt: epoch()}
	m := organization.Account{
		ID: o.ManagementAccountID, ParentID: o.RootID, Name: "Management", Email: "Root@Example.com", Status: organization.Active,
		Tags: map[string]string{"k": "v"}, JoinedAt: epoch(),
	}
	exactlyOne(t, atOnce(8, func(int) error { return s.InsertOrganization(ctx, o, m, event("x", "x")) }), want{fault.Conflict, "exists", "", "ORGANIZATION", ""})
	same(t, "organization", must(s.Organization(ctx))(t), o)
	same(t, "management account", must(s.Account(ctx, m.ID))(t), m)
	t.Run("units", func(t *testing.T) { testUnits(t, s, o) })
	t.Run("accounts", func(t *testing.T) { testAccounts(t, s, o) })
	t.Run("a unit goes while an account comes", func(t *testing.T) { testUnitRace(t, s, o) })
}

func unitID(u organization.Unit) string { return u.ID }

func testUnits(t *testing.T, s *sqlstore.Organization, o organization.Organization) {
	ctx := t.Context()
	u := organization.Unit{ID: "ou-abcd-1", ParentID: o.RootID, Name: "Work", Tags: map[string]string{"a": "b"}, CreatedAt: epoch()}
	want{kind: fault.NotFound, resource: "PARENT"}.check(t, s.InsertUnit(ctx, organization.Unit{ID: "x", ParentID: "ou-none", Name: "x"}, event("x", "x")))
	ok(t, s.InsertUnit(ctx, u, event("x", "x")))
	same(t, "unit", must(s.Unit(ctx, u.ID))(t), u)
	taken := want{fault.Conflict, "duplicate-name", "", "ORGANIZATIONAL_UNIT", ""}
	taken.check(t, s.InsertUnit(ctx, organization.Unit{ID: "ou-abcd-2", ParentID: o.RootID, Name: "Work"}, event("x", "x")))
	ok(t, s.InsertUnit(ctx, organization.Unit{ID: "ou-abcd-2", ParentID: o.RootID, Name: "work"}, event("x", "x"))) // compared exactly
	ok(t, s.InsertUnit(ctx, organization.Unit{ID: "ou-abcd-3", ParentID: u.ID, Name: "Work"}, event("x", "x")))
	taken.check(t, s.UpdateUnit(ctx, organization.Unit{ID: "ou-abcd-3", ParentID: o.RootID, Name: "Work"}, event("x", "x")))
	u.Name, u.Tags = "Play", nil
	ok(t, s.UpdateUnit(ctx, u, event("x", "x")))
	same(t, "renamed unit", must(s.Unit(ctx, u.ID))(t), u)
	want{kind: fault.NotFound, resource: "ORGANIZATIONAL_UNIT"}.check(t, s.UpdateUnit(ctx, organization.Unit{ID: "none", ParentID: o.RootID, Name: "n"}, event("x", "x")))
	want{kind: fault.NotFound, resource: "ORGANIZATIONAL_UNIT"}.check(t, second(s.Unit(ctx, "none")))
	same(t, "units of the root", keys(pages(t, 1, unitID, func(after string, limit int) ([]organization.Unit, error) {
		return s.UnitsOf(ctx, o.RootID, after, limit)
	}), unitID), []string{"ou-abcd-1", "ou-abcd-2"})
	want{fault.Conflict, "not-empty", "", "ORGANIZATIONAL_UNIT", u.ID}.check(t, s.DeleteUnit(ctx, u.ID, event("x", "x")))
	ok(t, s.DeleteUnit(ctx, "ou-abcd-3", event("x", "x")))
	ok(t, s.DeleteUnit(ctx, u.ID, event("x", "x")))
	want{kind: fault.NotFound, resource: "ORGANIZATIONAL_UNIT"}.check(t, s.DeleteUnit(ctx, u.ID, event("x", "x")))
}

func accountID(a organization.Account) string { return a.ID }

func testAccounts(t *testing.T, s *sqlstore.Organization, o organization.Organization) {
	ctx := t.Context()
	ok(t, s.InsertUnit(ctx, organization.Unit{ID: "ou-abcd-9", ParentID: o.RootID, Name: "Nine"}, event("x", "x")))
	taken := want{fault.Conflict, "duplicate", "", "ACCOUNT", ""}
	taken.check(t, s.InsertAccount(ctx, organization.Account{ID: "222222222222", ParentID: o.RootID, Email: "rOOt@example.COM"}, event("x", "x")))
	taken.check(t, s.InsertAccount(ctx, organization.Account{ID: o.ManagementAccountID, ParentID: o.RootID, Email: "fresh@example.com"}, event("x", "x")))
	want{kind: fault.NotFound, resource: "PARENT"}.check(t, s.InsertAccount(ctx, organization.Account{ID: "222222222222", ParentID: "ou-none", Email: "x@example.com"}, event("x", "x")))
	for i := range 25 {
		parent := o.RootID
		if i%5 == 0 {
			parent = "ou-abcd-9"
		}
		a := organization.Account{ID: fmt.Sprintf("2%011d", i), ParentID: parent, Name: "n", Email: fmt.Sprintf("a%d@example.com", i), Status: organization.Active}
		ok(t, s.InsertAccount(ctx, a, event("x", "x")))
	}
	all := keys(pages(t, 7, accountID, func(after string, limit int) ([]organization.Account, error) { return s.Accounts(ctx, after, limit) }), accountID)
	if len(all) != 26 || !slices.IsSorted(all) {
		t.Errorf("accounts %v, want 26 by id", all)
	}
	below := keys(pages(t, 2, accountID, func(after string, limit int) ([]organization.Account, error) {
		return s.AccountsOf(ctx, "ou-abcd-9", after, limit)
	}), accountID)
	same(t, "accounts of a unit", below, []string{"200000000000", "200000000005", "200000000010", "200000000015", "200000000020"})
	same(t, "by ids", keys(must(s.AccountsByID(ctx, []string{"200000000003", "9"}))(t), accountID), []string{"200000000003"})
	a := must(s.Account(ctx, "200000000003"))(t)
	a.Status, a.ParentID, a.Tags, a.Email = organization.Suspended, "ou-abcd-9", map[string]string{"x": "y"}, "new@example.com"
	ok(t, s.UpdateAccount(ctx, a, event("x", "x")))
	same(t, "changed account", must(s.Account(ctx, a.ID))(t), a)
	a.Email = "A4@example.com"
	taken.check(t, s.UpdateAccount(ctx, a, event("x", "x")))
	a.ID = "999999999999"
	a.Email = "other@example.com"
	want{kind: fault.NotFound, resource: "ACCOUNT"}.check(t, s.UpdateAccount(ctx, a, event("x", "x")))
	want{kind: fault.NotFound, resource: "ACCOUNT"}.check(t, second(s.Account(ctx, a.ID)))
	want{fault.Conflict, "not-empty", "", "ORGANIZATIONAL_UNIT", ""}.check(t, s.DeleteUnit(ctx, "ou-abcd-9", event("x", "x")))
}

func testUnitRace(t *testing.T, s *sqlstore.Organization, o organization.Organization) {
	ctx := t.Context()
	for round := range 10 {
		u := organization.Unit{ID: fmt.Sprint("ou-race-", round), ParentID: o.RootID, Name: fmt.Sprint("race ", round)}
		ok(t, s.InsertUnit(ctx, u, event("x", "x")))
		a := organization.Account{ID: fmt.Sprintf("3%011d", round), ParentID: u.ID, Email: fmt.Sprintf("race%d@example.com", round)}
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return s.DeleteUnit(ctx, u.ID, event("x", "x"))
			}
			return s.InsertAccount(ctx, a, event("x", "x"))
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("round %d: deleting the unit gave %v, adding an account to it %v; want exactly one to succeed", round, errs[0], errs[1])
		}
	}
}
