package storagetest

import (
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/signingkey"
	"gatehouse/internal/storage/sqlstore"
)

func testSigningKeys(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SigningKeys()
	key := func(scope, algorithm string, number int) signingkey.Key {
		from := epoch().Add(time.Duration(number) * time.Hour)
		return signingkey.Key{Scope: scope, Algorithm: algorithm, Number: number, Sealed: []byte{1, byte(number)}, Public: []byte(`{"kty":"x"}`),
			From: from, Until: from.Add(time.Hour), CreatedAt: epoch().Add(time.Minute)}
	}
	complete(t, key("a", "ES384", 1))
	if got := must(s.SigningKeys(ctx, "a"))(t); len(got) != 0 {
		t.Errorf("got %v of an unknown scope", got)
	}
	never := time.Time{}
	for _, k := range []signingkey.Key{key("a", "RS256", 1), key("a", "ES384", 2), key("a", "ES384", 1), key("b", "ES384", 1)} {
		ok(t, s.InsertSigningKey(ctx, k, never, event("x", "x")))
	}
	same(t, "keys of a scope", must(s.SigningKeys(ctx, "a"))(t), []signingkey.Key{key("a", "ES384", 1), key("a", "ES384", 2), key("a", "RS256", 1)})

	// A new key drives out the old ones of its own scope; one that is taken drives out nobody.
	later := key("a", "ES384", 1).Until.Add(time.Second)
	want{kind: fault.Conflict, reason: "exists"}.check(t, s.InsertSigningKey(ctx, key("a", "ES384", 2), later, event("x", "x")))
	if got := must(s.SigningKeys(ctx, "a"))(t); len(got) != 3 {
		t.Errorf("a refused insert removed keys: %d are left", len(got))
	}
	ok(t, s.InsertSigningKey(ctx, key("a", "ES384", 3), later, event("x", "x")))
	same(t, "after removal", must(s.SigningKeys(ctx, "a"))(t), []signingkey.Key{key("a", "ES384", 2), key("a", "ES384", 3)})
	same(t, "another scope", must(s.SigningKeys(ctx, "b"))(t), []signingkey.Key{key("b", "ES384", 1)})

	exactlyOne(t, atOnce(8, func(i int) error {
		k := key("c", "RS256", 1)
		k.Sealed = []byte{byte(i)}
		return s.InsertSigningKey(ctx, k, never, event("x", "x"))
	}), want{kind: fault.Conflict, reason: "exists"})
}
