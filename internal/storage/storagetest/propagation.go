package storagetest

import (
	"fmt"
	"testing"

	"gatehouse/internal/application"
	"gatehouse/internal/propagation"
	"gatehouse/internal/storage/sqlstore"
)

func propagated(name any) (propagation.Grant, propagation.Tokens) {
	g := propagation.Grant{
		ID: id("grant", name), Application: "arn:aws:sso::1:application/x", UserID: "user", Began: application.JWTBearer, SessionID: "session", Background: true, Issuer: "arn:issuer", SourceID: "entra",
		Scopes: []string{"aws", "openid"}, AuthenticatedAt: epoch(), CreatedAt: after(1), ExpiresAt: after(7200),
	}
	return g, propagatedTokens(name, g)
}

func propagatedTokens(name any, g propagation.Grant) propagation.Tokens {
	return propagation.Tokens{
		Access:  propagation.AccessToken{Hash: hash("access", name), GrantID: g.ID, Scopes: []string{"aws"}, CreatedAt: after(1), ExpiresAt: after(3600)},
		Refresh: &propagation.RefreshToken{Hash: hash("refresh", name), GrantID: g.ID, CreatedAt: after(1), ExpiresAt: g.ExpiresAt},
	}
}

func testPropagation(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Propagation()
	g, ts := propagated("a")
	complete(t, g)
	complete(t, ts, "Refresh.RotatedAt", "Refresh.Nonce")
	k := propagation.Code{
		Hash: hash("code"), Application: g.Application, RedirectURI: "https://app.example/back", Challenge: "c", Scopes: []string{"aws"}, GrantID: g.ID, UserID: "user",
		SessionID: "session", CreatedAt: epoch(), ExpiresAt: after(120),
	}
	complete(t, k, "UsedAt")
	ok(t, s.InsertCode(ctx, k, event("x", "x")))
	used("exists").check(t, s.InsertCode(ctx, k, event("x", "x")))
	same(t, "code", must(s.Code(ctx, k.Hash))(t), k)
	absent("CODE").check(t, second(s.Code(ctx, hash("other"))))

	// A code is exchanged once; who comes second leaves neither grant nor tokens.
	exactlyOne(t, atOnce(8, func(i int) error {
		g, ts := propagated(i)
		return s.ExchangeCode(ctx, k.Hash, after(5), g, ts, event("x", "x"))
	}), used("used"))
	k.UsedAt = after(5)
	same(t, "used code", must(s.Code(ctx, k.Hash))(t), k)
	there := 0
	for i := range 8 {
		g, _ := propagated(i)
		if _, err := s.Grant(ctx, g.ID); err == nil {
			there++
		}
	}
	same(t, "grants of one code", there, 1)
	used("used").check(t, s.ExchangeCode(ctx, hash("no code"), after(5), g, ts, event("x", "x")))

	// An assertion is used once.
	once := &propagation.Assertion{Hash: hash("jti"), ExpiresAt: after(300)}
	exactlyOne(t, atOnce(8, func(i int) error {
		g, ts := propagated(fmt.Sprint("jwt", i))
		return s.Begin(ctx, g, ts, once, event("x", "x"))
	}), used("replay"))
	ok(t, s.Begin(ctx, g, ts, nil, event("x", "x")))
	used("exists").check(t, s.Begin(ctx, g, ts, nil, event("x", "x")))
	same(t, "grant", must(s.Grant(ctx, g.ID))(t), g)
	absent("GRANT").check(t, second(s.Grant(ctx, "none")))
	access, of, err := s.AccessToken(ctx, ts.Access.Hash)
	ok(t, err)
	same(t, "access token", access, ts.Access)
	same(t, "its grant", of, g)
	refresh, of, err := s.RefreshToken(ctx, ts.Refresh.Hash)
	ok(t, err)
	same(t, "refresh token", refresh, *ts.Refresh)
	same(t, "its grant", of, g)
	absent("TOKEN").check(t, third(s.AccessToken(ctx, ts.Refresh.Hash)))
	absent("TOKEN").check(t, third(s.RefreshToken(ctx, ts.Access.Hash)))

	// A refresh token is rotated once; then it answers only as long as its successor is current.
	next := propagatedTokens("next", g)
	exactlyOne(t, atOnce(8, func(int) error { return s.Rotate(ctx, ts.Refresh.Hash, hash("nonce"), next, event("x", "x")) }), used("rotated"))
	rotated := must(thirdOut(s.RefreshToken(ctx, ts.Refresh.Hash)))(t)
	same(t, "rotated", rotated.RotatedAt, next.Access.CreatedAt)
	same(t, "nonce", rotated.Nonce, hash("nonce"))
	again := propagatedTokens("again", g)
	ok(t, s.Reissue(ctx, next.Refresh.Hash, again.Access, event("x", "x")))
	ok(t, third(s.AccessToken(ctx, again.Access.Hash)))
	more := propagatedTokens("more", g)
	used("rotated").check(t, s.Reissue(ctx, ts.Refresh.Hash, more.Access, event("x", "x")))
	absent("TOKEN").check(t, third(s.AccessToken(ctx, more.Access.Hash)))

	// Revoking takes all, and wins against whoever is issuing.
	ok(t, s.Revoke(ctx, g.ID, event("x", "x")))
	ok(t, s.Revoke(ctx, g.ID, event("x", "x")))
	for _, h := range [][]byte{ts.Access.Hash, next.Access.Hash, again.Access.Hash} {
		absent("TOKEN").check(t, third(s.AccessToken(ctx, h)))
	}
	absent("TOKEN").check(t, third(s.RefreshToken(ctx, next.Refresh.Hash)))
	absent("GRANT").check(t, s.Rotate(ctx, next.Refresh.Hash, hash("n"), more, event("x", "x")))
	absent("GRANT").check(t, s.Reissue(ctx, next.Refresh.Hash, more.Access, event("x", "x")))
	for round := range 8 {
		g, ts := propagated(fmt.Sprint("race", round))
		next := propagatedTokens(fmt.Sprint("race next", round), g)
		ok(t, s.Begin(ctx, g, ts, nil, event("x", "x")))
		atOnce(2, func(i int) error {
			if i == 0 {
				return s.Revoke(ctx, g.ID, event("x", "x"))
			}
			return s.Rotate(ctx, ts.Refresh.Hash, hash("n"), next, event("x", "x"))
		})
		absent("TOKEN").check(t, third(s.AccessToken(ctx, next.Access.Hash)))
		absent("TOKEN").check(t, third(s.RefreshToken(ctx, next.Refresh.Hash)))
	}
}

func thirdOut[A, B any](a A, _ B, err error) (A, error) { return a, err }

func testPropagationSweep(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Propagation()
	for i := range 5 {
		end := after(100 * i)
		g, ts := propagated(i)
		g.ExpiresAt, ts.Access.ExpiresAt, ts.Refresh.ExpiresAt = end, end, end
		ok(t, s.Begin(ctx, g, ts, &propagation.Assertion{Hash: hash("jti", i), ExpiresAt: end}, event("x", "x")))
		ok(t, s.InsertCode(ctx, propagation.Code{Hash: hash("code", i), ExpiresAt: end}, event("x", "x")))
	}
	same(t, "swept before anything ended", must(s.Sweep(ctx, epoch().Add(-1), 100))(t), 0)
	same(t, "swept with a limit of each", must(s.Sweep(ctx, after(200), 2))(t), 2*5)
	same(t, "swept the rest", must(s.Sweep(ctx, after(200), 100))(t), 5)
	same(t, "swept again", must(s.Sweep(ctx, after(200), 100))(t), 0)
	g, ts := propagated(3)
	ok(t, third(s.AccessToken(ctx, ts.Access.Hash)))
	ok(t, second(s.Grant(ctx, g.ID)))
	ok(t, second(s.Code(ctx, hash("code", 3))))
	absent("CODE").check(t, second(s.Code(ctx, hash("code", 2))))
}
