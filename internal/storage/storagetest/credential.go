package storagetest

import (
	"testing"
	"time"

	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func credentials(userID string) credential.Person {
	return credential.Person{
		UserID: userID, Version: 1, Password: credential.Password{Hash: "$argon2id$x", SetAt: epoch(), ExpiresAt: after(3600)},
		TOTP:     []credential.TOTP{{ID: id("totp", userID), Name: "Äpp", Sealed: []byte{1}, LastStep: 7, CreatedAt: epoch(), LastUsedAt: after(1)}},
		Passkeys: []credential.Passkey{{ID: id("key", userID), Name: "Key", CredentialID: hash("key", userID), Sealed: []byte{2}, CreatedAt: epoch(), LastUsedAt: after(2)}},
		Recovery: [][]byte{hash("a"), hash("b")}, BreakGlass: true,
	}
}

func insertUsers(t *testing.T, db *sqlstore.DB, n int) []directory.User {
	t.Helper()
	us := make([]directory.User, n)
	for i := range us {
		us[i] = sampleUser(i)
		ok(t, db.Directory().InsertUser(t.Context(), us[i], event("x", "x")))
	}
	return us
}

func testCredentials(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Credential()
	us := insertUsers(t, db, 2)
	anna, bert := us[0].ID, us[1].ID
	same(t, "nothing kept", must(s.Person(ctx, anna))(t), credential.Person{UserID: anna})
	p := credentials(anna)
	complete(t, p)
	ok(t, s.PutPerson(ctx, p, credential.Consequences{}, 0, event("x", "x")))
	same(t, "person", must(s.Person(ctx, anna))(t), p)
	want{kind: fault.Conflict, reason: "version"}.check(t, s.PutPerson(ctx, p, credential.Consequences{}, 0, event("x", "x")))
	want{kind: fault.NotFound, resource: "USER"}.check(t, s.PutPerson(ctx, credentials(id("gone")), credential.Consequences{}, 0, event("x", "x")))

	// A passkey is one person's.
	q := credentials(bert)
	q.Passkeys = p.Passkeys
	want{kind: fault.Conflict, reason: "exists"}.check(t, s.PutPerson(ctx, q, credential.Consequences{}, 0, event("x", "x")))
	same(t, "nothing was written", must(s.Person(ctx, bert))(t), credential.Person{UserID: bert})
	keys := p.Passkeys
	p.Version, p.Passkeys = 2, nil
	ok(t, s.PutPerson(ctx, p, credential.Consequences{}, 1, event("x", "x")))
	q.Passkeys = keys
	ok(t, s.PutPerson(ctx, q, credential.Consequences{}, 0, event("x", "x")))

	exactlyOne(t, atOnce(8, func(int) error {
		next := p
		next.Version = 3
		return s.PutPerson(ctx, next, credential.Consequences{}, 2, event("x", "x"))
	}), want{kind: fault.Conflict, reason: "version"})

	// Everything goes with the user, and what she had is free again.
	ok(t, s.PutKnown(ctx, credential.Known{Hash: hash("b"), UserID: bert, ExpiresAt: after(60)}))
	ok(t, s.InsertLink(ctx, credential.Link{Hash: hash("l"), UserID: bert, Kind: "reset", ExpiresAt: after(60)}, event("x", "x")))
	ok(t, db.Directory().DeleteUser(ctx, bert, 0, event("x", "x")))
	same(t, "of a deleted user", must(s.Person(ctx, bert))(t), credential.Person{UserID: bert})
	want{kind: fault.NotFound, resource: "BROWSER"}.check(t, second(s.Known(ctx, hash("b"), bert)))
	want{kind: fault.NotFound, resource: "LINK"}.check(t, second(s.Link(ctx, hash("l"))))
	p.Version, p.Passkeys = 4, keys
	ok(t, s.PutPerson(ctx, p, credential.Consequences{}, 3, event("x", "x")))
}

func testCredentialLinks(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Credential()
	us := insertUsers(t, db, 2)
	anna, bert := us[0].ID, us[1].ID
	l := credential.Link{Hash: hash("l"), UserID: anna, Kind: credential.Reset, Address: "anna@example.com", CreatedAt: epoch(), ExpiresAt: after(3600)}
	complete(t, l)
	ok(t, s.InsertLink(ctx, l, event("x", "x")))
	same(t, "link", must(s.Link(ctx, l.Hash))(t), l)
	want{kind: fault.NotFound, resource: "USER"}.check(t, s.InsertLink(ctx, credential.Link{Hash: hash("m"), UserID: id("gone")}, event("x", "x")))
	k := credential.Known{Hash: hash("browser"), UserID: anna, Places: []string{"192.0.2.1"}, LastSeenAt: epoch(), ExpiresAt: after(60)}
	complete(t, k)
	ok(t, s.PutKnown(ctx, k))
	k.Places = append(k.Places, "192.0.2.2")
	ok(t, s.PutKnown(ctx, k))
	same(t, "browser", must(s.Known(ctx, k.Hash, anna))(t), k)
	want{kind: fault.NotFound, resource: "BROWSER"}.check(t, second(s.Known(ctx, k.Hash, bert)))

	// Another's link changes nothing.
	use := credential.Consequences{UseLink: l.Hash, DropLinks: true, ForgetBrowsers: true}
	q := credentials(bert)
	want{kind: fault.Conflict, reason: "used"}.check(t, s.PutPerson(ctx, q, use, 0, event("x", "x")))
	same(t, "nothing was written", must(s.Person(ctx, bert))(t).Version, int64(0))

	other := l
	other.Hash = hash("other")
	ok(t, s.InsertLink(ctx, other, event("x", "x")))
	p := credentials(anna)
	ok(t, s.PutPerson(ctx, p, use, 0, event("x", "x")))
	for _, h := range [][]byte{l.Hash, other.Hash} {
		want{kind: fault.NotFound, resource: "LINK"}.check(t, second(s.Link(ctx, h)))
	}
	want{kind: fault.NotFound, resource: "BROWSER"}.check(t, second(s.Known(ctx, k.Hash, anna)))
	p.Version = 2
	want{kind: fault.Conflict, reason: "used"}.check(t, s.PutPerson(ctx, p, use, 1, event("x", "x")))
	same(t, "still", must(s.Person(ctx, anna))(t).Version, int64(1))
}

func testAttempts(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Credential()
	a := credential.Attempt{
		Hash: hash("a"), Version: 1, Purpose: credential.SignIn, Identifier: "ann", Local: true, UserID: "u", SessionID: "s", ReturnTo: "/start",
		PasswordAt: after(1), SecondAt: after(2), PasskeyAt: after(3), Ceremony: []byte("{}"), CeremonyFor: "alone", PendingTOTP: []byte{1},
		DoneAt: after(4), CreatedAt: epoch(), ExpiresAt: after(600),
	}
	complete(t, a)
	ok(t, s.InsertAttempt(ctx, a))
	same(t, "attempt", must(s.Attempt(ctx, a.Hash))(t), a)
	want{kind: fault.Conflict, reason: "exists"}.check(t, s.InsertAttempt(ctx, a))
	want{kind: fault.NotFound, resource: "ATTEMPT"}.check(t, second(s.Attempt(ctx, hash("none"))))
	a.Version, a.Ceremony = 2, nil
	exactlyOne(t, atOnce(8, func(int) error { return s.UpdateAttempt(ctx, a) }), want{kind: fault.Conflict, reason: "version"})
	same(t, "attempt after the update", must(s.Attempt(ctx, a.Hash))(t), a)

	set := credential.Settings{
		Version: 1, Enabled: true, MFA: credential.Always, WithoutDevice: credential.Block, MinLength: 9, SelfReset: true,
		Mail: credential.MailServer{Host: "h", Port: 25, Security: "tls", Username: "u", Sealed: []byte{1}, From: "f@x"},
	}
	complete(t, set)
	same(t, "no settings", must(s.Settings(ctx))(t), credential.Settings{})
	ok(t, s.PutSettings(ctx, set, 0, event("x", "x")))
	same(t, "settings", must(s.Settings(ctx))(t), set)
	want{kind: fault.Conflict, reason: "version"}.check(t, s.PutSettings(ctx, set, 0, event("x", "x")))
	set.Version = 2
	exactlyOne(t, atOnce(4, func(int) error { return s.PutSettings(ctx, set, 1, event("x", "x")) }), want{kind: fault.Conflict, reason: "version"})
	ok(t, s.Note(ctx, event("x", "x")))
}

func testLimits(t *testing.T, db *sqlstore.DB) {
	ctx, s, now := t.Context(), db.Credential(), epoch()
	small := credential.Bucket{Key: hash("small"), Burst: 3, Every: time.Minute}
	large := credential.Bucket{Key: hash("large"), Burst: 50, Every: time.Second}
	spent := make([]bool, 20)
	for _, err := range atOnce(len(spent), func(i int) error {
		bs := []credential.Bucket{small, large}
		if i%2 == 1 {
			bs = []credential.Bucket{large, small}
		}
		wait, err := s.Spend(ctx, bs, now)
		spent[i] = wait == 0
		return err
	}) {
		ok(t, err)
	}
	n := 0
	for _, s := range spent {
		if s {
			n++
		}
	}
	if n != small.Burst {
		t.Errorf("%d of %d at the same time took from a bucket of %d", n, len(spent), small.Burst)
	}
	spend := func(at time.Time, want time.Duration, bs ...credential.Bucket) {
		t.Helper()
		if got := must(s.Spend(ctx, bs, at))(t); got != want {
			t.Errorf("wait %v, want %v", got, want)
		}
	}
	// An empty bucket takes nothing from the others.
	spend(now, time.Minute, small, large)
	for range large.Burst - small.Burst {
		spend(now, 0, large)
	}
	spend(now, time.Second, large)
	// One comes back each interval, and one that is given back can be taken again.
	spend(now.Add(time.Minute), 0, small)
	spend(now.Add(time.Minute), time.Minute, small)
	ok(t, s.Refund(ctx, []credential.Bucket{small}, now.Add(time.Minute)))
	spend(now.Add(time.Minute), 0, small)
	spend(now.Add(time.Minute), time.Minute, small)
	ok(t, s.Fill(ctx, [][]byte{small.Key, hash("none")}))
	for range small.Burst {
		spend(now.Add(time.Minute), 0, small)
	}
	spend(now.Add(time.Minute), time.Minute, small)
	// More are never given back than were taken.
	for range 10 {
		ok(t, s.Refund(ctx, []credential.Bucket{large}, now.Add(time.Hour)))
	}
	for range large.Burst {
		spend(now.Add(time.Hour), 0, large)
	}
	spend(now.Add(time.Hour), time.Second, large)
}

func testCredentialSweep(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.Credential()
	us := insertUsers(t, db, 1)
	for i := range 5 {
		end := after(i * 60)
		ok(t, s.InsertAttempt(ctx, credential.Attempt{Hash: hash("a", i), Version: 1, ExpiresAt: end}))
		ok(t, s.InsertLink(ctx, credential.Link{Hash: hash("l", i), UserID: us[0].ID, ExpiresAt: end}, event("x", "x")))
		ok(t, s.PutKnown(ctx, credential.Known{Hash: hash("k", i), UserID: us[0].ID, ExpiresAt: end}))
		must(s.Spend(ctx, []credential.Bucket{{Key: hash("s", i), Burst: 1, Every: time.Duration(i) * time.Minute}}, epoch()))(t)
	}
	if n := must(s.Sweep(ctx, after(120), 2))(t); n != 8 {
		t.Errorf("swept %d, want 2 of each", n)
	}
	if n := must(s.Sweep(ctx, after(120), 2))(t); n != 4 {
		t.Errorf("swept %d, want the third of each", n)
	}
	if n := must(s.Sweep(ctx, after(120), 2))(t); n != 0 {
		t.Errorf("swept %d of what has not expired", n)
	}
	for i := 3; i < 5; i++ {
		must(s.Attempt(ctx, hash("a", i)))(t)
		must(s.Link(ctx, hash("l", i)))(t)
		must(s.Known(ctx, hash("k", i), us[0].ID))(t)
	}
	want{kind: fault.NotFound, resource: "ATTEMPT"}.check(t, second(s.Attempt(ctx, hash("a", 2))))
}
