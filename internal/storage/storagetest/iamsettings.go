package storagetest

import (
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/storage/sqlstore"
)

func testIAMSettings(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	same(t, "settings of an account that never had any", must(s.Settings(ctx, acct))(t), localiam.Settings{AccountID: acct})
	want{kind: fault.NotFound, resource: "ISSUER"}.check(t, second(s.IssuerAccount(ctx, "")))
	before := must(s.Generation(ctx, acct))(t)
	set := localiam.Settings{AccountID: acct, IssuerID: "i-1", Outbound: true, RootSessions: true, RootCredentials: true,
		Passwords: &localiam.PasswordPolicy{MinimumLength: 8, MaxAge: 90, Reuse: 3, Symbols: true, Numbers: true, Uppercase: true, Lowercase: true, OwnChange: true, HardExpiry: true}}
	complete(t, set, "Revision")
	ok(t, s.SaveSettings(ctx, set, event("x", "x")))
	if must(s.Generation(ctx, acct))(t) == before {
		t.Error("a change of settings raises no generation")
	}
	set.Revision = 1
	same(t, "settings", must(s.Settings(ctx, acct))(t), set)
	same(t, "whose issuer", must(s.IssuerAccount(ctx, "i-1"))(t), acct)
	want{kind: fault.NotFound, resource: "ISSUER"}.check(t, second(s.IssuerAccount(ctx, "i-2")))
	want{kind: fault.Conflict, reason: "exists", resource: "ISSUER"}.check(t, s.SaveSettings(ctx, localiam.Settings{AccountID: other, IssuerID: "i-1"}, event("x", "x")))
	ok(t, s.SaveSettings(ctx, localiam.Settings{AccountID: other}, event("x", "x"))) // many have no issuer
	ok(t, s.SaveSettings(ctx, localiam.Settings{AccountID: "333333333333"}, event("x", "x")))
	for _, revision := range []int64{0, 7} {
		stale := set
		stale.Revision = revision
		want{kind: fault.Conflict, reason: "version", resource: "ACCOUNT_SETTINGS"}.check(t, s.SaveSettings(ctx, stale, event("x", "x")))
	}
	exactlyOne(t, atOnce(8, func(int) error { return s.SaveSettings(ctx, set, event("x", "x")) }), want{kind: fault.Conflict, reason: "version"})
}
