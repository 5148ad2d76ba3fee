package storagetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/storage/sqlstore"
)

func hash(words ...any) []byte {
	h := sha256.Sum256(fmt.Append(nil, words...))
	return h[:]
}

func session(name any) signin.Session {
	return signin.Session{
		ID: id("session", name), Hash: hash("session", name), UserID: "user", CreatedAt: epoch(), ExpiresAt: after(3600), LastSeenAt: epoch(),
		Proof: signin.Proof{
			Method: signin.SAML, SourceID: "entra", NameID: "n", SessionIndex: "i", NotOnOrAfter: after(7200), Attributes: map[string]string{"Team": "ü"},
		},
	}
}

func accessToken(name any, s signin.Session) signin.AccessToken {
	return signin.AccessToken{
		Hash: hash("access", name), GrantID: id("grant", s.ID), ClientID: "client", UserID: s.UserID, SessionID: s.ID, Scopes: []string{signin.ScopeAccountAccess},
		CreatedAt: after(1), ExpiresAt: after(3600),
	}
}

func tokens(name any, s signin.Session) signin.Tokens {
	a := accessToken(name, s)
	return signin.Tokens{Access: a, Refresh: &signin.RefreshToken{
		Hash: hash("refresh", name), GrantID: a.GrantID, ClientID: a.ClientID, UserID: a.UserID, SessionID: s.ID, Scopes: a.Scopes, CreatedAt: after(1), ExpiresAt: s.ExpiresAt,
		Role: signin.Role{AccountID: acct, Name: "Admin"}, Key: "thumbprint",
	}}
}

func device(name any, s signin.Session, status signin.DeviceStatus) signin.Device {
	return signin.Device{
		Hash: hash("device", name), UserCode: fmt.Sprintf("CODE%v", name), ClientID: "client", GrantID: id("grant", s.ID), Origin: "192.0.2.1", Status: status,
		UserID: s.UserID, SessionID: s.ID, CreatedAt: epoch(), ExpiresAt: after(600),
	}
}

func code(name any, s signin.Session) signin.Code {
	return signin.Code{
		Hash: hash("code", name), ClientID: "client", RedirectURI: "http://127.0.0.1:1/", Challenge: "c", Scopes: []string{"a", "b"}, GrantID: id("grant", s.ID),
		UserID: s.UserID, SessionID: s.ID, CreatedAt: epoch(), ExpiresAt: after(120), Role: signin.Role{AccountID: acct, Name: "role/path/Own"},
	}
}

func absent(resource string) want { return want{kind: fault.NotFound, resource: resource} }

func used(reason string) want { return want{kind: fault.Conflict, reason: reason} }

func testSignIns(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SignIn()
	same(t, "settings never written", must(s.Settings(ctx))(t), signin.Settings{})
	set := signin.Settings{Version: 1, SessionLength: 8*time.Hour + time.Second}
	exactlyOne(t, atOnce(8, func(int) error { return s.PutSettings(ctx, set, 0, event("x", "x")) }), used("version"))
	set.Version = 2
	ok(t, s.PutSettings(ctx, set, 1, event("x", "x")))
	used("version").check(t, s.PutSettings(ctx, set, 1, event("x", "x")))
	same(t, "settings", must(s.Settings(ctx))(t), set)

	r := signin.Request{ID: "_1", SourceID: "entra", Relay: "r", BrowserHash: hash("b"), ReturnTo: "/start", CreatedAt: epoch(), ExpiresAt: after(600)}
	complete(t, r, "UsedAt")
	ok(t, s.InsertRequest(ctx, r, event("x", "x")))
	used("exists").check(t, s.InsertRequest(ctx, r, event("x", "x")))
	same(t, "request", must(s.Request(ctx, "_1"))(t), r)
	absent("REQUEST").check(t, second(s.Request(ctx, "_2")))
	park := func(name, request, source string) error {
		p := signin.Parked{Hash: hash("parked", name), RequestID: request, BrowserHash: r.BrowserHash, ReturnTo: "/x", UserID: "user", Proof: session(0).Proof, CreatedAt: after(7), ExpiresAt: after(120)}
		return s.Park(ctx, p, signin.Replay{SourceID: source, AssertionID: "assertion " + name, ExpiresAt: after(300)}, event("signin:SAMLSignIn", "x"))
	}
	used("used").check(t, park("other source", "_1", "okta"))
	used("used").check(t, park("unknown request", "_9", "entra"))
	same(t, "request after refused answers", must(s.Request(ctx, "_1"))(t), r)
	exactlyOne(t, atOnce(8, func(i int) error { return park(fmt.Sprint(i), "_1", "entra") }), used("used"))
	r.UsedAt = after(7)
	same(t, "used request", must(s.Request(ctx, "_1"))(t), r)
	exactlyOne(t, atOnce(8, func(int) error { return park("unasked", "", "entra") }), used("replay"))
	used("exists").check(t, park("unasked", "", "okta")) // another source's assertion may have the same id, but the handle is taken
	p := must(s.Parked(ctx, hash("parked", "unasked")))(t)
	same(t, "parked", p, signin.Parked{
		Hash: hash("parked", "unasked"), BrowserHash: r.BrowserHash, ReturnTo: "/x", UserID: "user", Proof: session(0).Proof, CreatedAt: after(7), ExpiresAt: after(120),
	})
	absent("PARKED").check(t, second(s.Parked(ctx, hash("parked", "okta"))))

	// Dropping: what one source vouched for, with an event if there was any.
	parked := func(name, source string) []byte {
		x := signin.Parked{Hash: hash("dropped", name), UserID: "user", Proof: signin.Proof{SourceID: source}, ExpiresAt: after(120)}
		ok(t, s.Park(ctx, x, signin.Replay{SourceID: source, AssertionID: "dropped " + name, ExpiresAt: after(300)}, event("x", "x")))
		return x.Hash
	}
	one, two, other := parked("1", "gone"), parked("2", "gone"), parked("3", "stays")
	same(t, "dropped", must(s.DropParked(ctx, "gone", event("signin:DropSignIns", "gone")))(t), 2)
	same(t, "dropped again", must(s.DropParked(ctx, "gone", event("signin:DropSignIns", "gone")))(t), 0)
	same(t, "events of what was dropped", len(must(db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{Resource: "gone"}, 10))(t).Events), 1)
	absent("PARKED").check(t, second(s.Parked(ctx, one)))
	absent("PARKED").check(t, second(s.Parked(ctx, two)))
	ok(t, second(s.Parked(ctx, other)))

	// Claiming: once, and the session that was open in the browser goes with all that hangs on it.
	old := session("old")
	ok(t, s.InsertSession(ctx, old, event("x", "x")))
	ok(t, s.InsertCode(ctx, code("old", old), event("x", "x")))
	exactlyOne(t, atOnce(8, func(i int) error { return s.Claim(ctx, p.Hash, session(i), old.ID, event("x", "x")) }), used("used"))
	absent("PARKED").check(t, second(s.Parked(ctx, p.Hash)))
	absent("SESSION").check(t, second(s.Session(ctx, old.ID)))
	absent("CODE").check(t, second(s.Code(ctx, code("old", old).Hash)))
	same(t, "sessions", len(must(s.SessionsOf(ctx, "user", "", 10))(t)), 1)
	used("used").check(t, s.Claim(ctx, p.Hash, session("late"), "", event("x", "x")))
	ok(t, s.Note(ctx, event("signin:Refused", "x")))
	notes := must(db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{Action: "signin:Refused"}, 10))(t).Events
	same(t, "noted", len(notes), 1)
}

func testSessions(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SignIn()
	a := session("a")
	complete(t, a)
	ok(t, s.InsertSession(ctx, a, event("x", "x")))
	used("exists").check(t, s.InsertSession(ctx, a, event("x", "x")))
	same(t, "session", must(s.Session(ctx, a.ID))(t), a)
	same(t, "session by hash", must(s.SessionByHash(ctx, a.Hash))(t), a)
	absent("SESSION").check(t, second(s.SessionByHash(ctx, hash("x"))))
	ok(t, s.TouchSession(ctx, a.ID, after(60)))
	ok(t, s.TouchSession(ctx, "none", after(60)))
	same(t, "seen", must(s.Session(ctx, a.ID))(t).LastSeenAt, after(60))
	for i := range 6 {
		ok(t, s.InsertSession(ctx, session(i), event("x", "x")))
	}
	sessionID := func(s signin.Session) string { return s.ID }
	list := func(after string, limit int) ([]signin.Session, error) {
		return s.SessionsOf(ctx, "user", after, limit)
	}
	same(t, "sessions of a user", len(pages(t, 3, sessionID, list)), 7)

	hang := func(name any, on signin.Session) {
		ok(t, s.InsertDevice(ctx, device(name, on, signin.DeviceApproved), event("x", "x")))
		ok(t, s.ExchangeDevice(ctx, hash("device", name), tokens(name, on), event("x", "x")))
		ok(t, s.InsertCode(ctx, code(name, on), event("x", "x")))
	}
	left := func(name any) (n int) {
		for _, err := range []error{
			second(s.Device(ctx, hash("device", name))), second(s.Code(ctx, hash("code", name))),
			third(s.AccessToken(ctx, hash("access", name))), third(s.RefreshToken(ctx, hash("refresh", name))),
		} {
			if err == nil {
				n++
			}
		}
		return n
	}
	// By the name that a source gave, with or without its session indexes, and once for each request.
	named := func(name, source, nameID, index string) signin.Session {
		x := session(name)
		x.UserID, x.Proof.SourceID, x.Proof.NameID, x.Proof.SessionIndex = "named", source, nameID, index
		ok(t, s.InsertSession(ctx, x, event("x", "x")))
		return x
	}
	one, two, other, foreign := named("n1", "entra", "n1", "i1"), named("n2", "entra", "n1", "i2"), named("n3", "entra", "N1", "i1"), named("n4", "okta", "n1", "i1")
	hang("on n1", one)
	end := func(request string, indexes ...string) (int, error) {
		return s.DeleteSessionsNamed(ctx, "n1", indexes, signin.Replay{SourceID: "entra", AssertionID: request, ExpiresAt: after(60)}, event("x", "x"))
	}
	same(t, "ended of a session that is not there", must(end("r0", "i9"))(t), 0)
	exactlyOne(t, atOnce(8, func(int) error { return second(end("r1", "i9", "i1")) }), used("replay"))
	absent("SESSION").check(t, second(s.Session(ctx, one.ID)))
	same(t, "left of the session that was ended by name", left("on n1"), 0)
	same(t, "the other session", must(s.Session(ctx, two.ID))(t), two)
	same(t, "ended by name alone", must(end("r2"))(t), 1)
	absent("SESSION").check(t, second(s.Session(ctx, two.ID)))
	same(t, "a name in another case", must(s.Session(ctx, other.ID))(t), other)
	same(t, "another source's", must(s.Session(ctx, foreign.ID))(t), foreign)
	same(t, "sessions of the named", must(s.DeleteSessionsOf(ctx, "named", event("x", "x")))(t), 2)

	for i := range 5 {
		vouched := session(fmt.Sprint("vouched", i))
		vouched.UserID, vouched.Proof.SourceID = fmt.Sprint("someone", i), "removed"
		ok(t, s.InsertSession(ctx, vouched, event("x", "x")))
	}
	bySource := func(after string, limit int) ([]signin.Session, error) {
		return s.SessionsBySource(ctx, "removed", after, limit)
	}
	same(t, "sessions by source", len(pages(t, 2, sessionID, bySource)), 5)
	same(t, "sessions by no such source", len(must(s.SessionsBySource(ctx, "none", "", 10))(t)), 0)
	same(t, "sessions counted by source", must(s.CountSessionsBySource(ctx, "removed"))(t), 5)
	same(t, "sessions counted by no such source", must(s.CountSessionsBySource(ctx, "none"))(t), 0)

	// Several at once: those that are there, each with its event.
	hang("on vouched", session("vouched0"))
	ended := func(names ...string) (es []audit.Event) {
		for _, name := range names {
			es = append(es, event("signin:EndSession", session(name).ID))
		}
		return es
	}
	same(t, "deleted at once", must(s.DeleteSessions(ctx, ended("vouched0", "none", "vouched3")))(t), 2)
	same(t, "deleted again", must(s.DeleteSessions(ctx, ended("vouched0", "vouched3", "vouched4")))(t), 1)
	same(t, "deleted of nothing", must(s.DeleteSessions(ctx, nil))(t), 0)
	same(t, "left of a session that was deleted with others", left("on vouched"), 0)
	stay := []string{session("vouched1").ID, session("vouched2").ID}
	slices.Sort(stay)
	same(t, "sessions by source that are left", keys(must(bySource("", 10))(t), sessionID), stay)
	for name, n := range map[string]int{"vouched0": 1, "none": 0, "vouched3": 1, "vouched4": 1} {
		same(t, "events of "+name, len(must(db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{Action: "signin:EndSession", Resource: session(name).ID}, 10))(t).Events), n)
	}

	hang("on a", a)
	hang("on 0", session(0))
	ok(t, s.DeleteSession(ctx, a.ID, event("x", "x")))
	same(t, "left of the deleted session", left("on a"), 0)
	same(t, "left of another session", left("on 0"), 4)
	absent("SESSION").check(t, s.DeleteSession(ctx, a.ID, event("x", "x")))
	stranger := session("stranger")
	stranger.UserID = "stranger"
	ok(t, s.InsertSession(ctx, stranger, event("x", "x")))
	same(t, "deleted of a user", must(s.DeleteSessionsOf(ctx, "user", event("x", "x")))(t), 6)
	same(t, "left of her sessions", left("on 0"), 0)
	same(t, "deleted of a user without sessions", must(s.DeleteSessionsOf(ctx, "user", event("x", "x")))(t), 0)
	same(t, "another user's session", must(s.Session(ctx, stranger.ID))(t), stranger)
}

func third[A, B any](_ A, _ B, err error) error { return err }

func testGrants(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SignIn()
	c := signin.Client{
		ID: "client", SecretHash: hash("secret"), Name: "n", GrantTypes: []signin.GrantType{signin.GrantDeviceCode}, RedirectURIs: []string{"u"}, Scopes: []string{"s"},
		IssuerURL: "i", CreatedAt: epoch(), ExpiresAt: after(9),
	}
	complete(t, c)
	ok(t, s.InsertClient(ctx, c, event("x", "x")))
	used("exists").check(t, s.InsertClient(ctx, c, event("x", "x")))
	same(t, "client", must(s.Client(ctx, "client"))(t), c)
	absent("CLIENT").check(t, second(s.Client(ctx, "none")))
	on := session("on")
	ok(t, s.InsertSession(ctx, on, event("x", "x")))

	d := device(1, signin.Session{}, signin.DevicePending)
	ok(t, s.InsertDevice(ctx, d, event("x", "x")))
	same(t, "device", must(s.Device(ctx, d.Hash))(t), d)
	same(t, "device by user code", must(s.DeviceByUserCode(ctx, d.UserCode))(t), d)
	sameCode := device(2, on, signin.DevicePending)
	sameCode.UserCode = d.UserCode
	used("exists").check(t, s.InsertDevice(ctx, sameCode, event("x", "x")))
	used("used").check(t, s.ExchangeDevice(ctx, d.Hash, tokens("early", on), event("x", "x")))
	exactlyOne(t, atOnce(8, func(i int) error {
		decided := d
		decided.Status, decided.UserID, decided.SessionID = []signin.DeviceStatus{signin.DeviceApproved, signin.DeviceApproved}[i%2], "user", on.ID
		return s.DecideDevice(ctx, decided, event("x", "x"))
	}), used("decided"))
	d.Status, d.UserID, d.SessionID = signin.DeviceApproved, "user", on.ID
	complete(t, d)
	same(t, "decided device", must(s.Device(ctx, d.Hash))(t), d)
	exactlyOne(t, atOnce(8, func(i int) error { return s.ExchangeDevice(ctx, d.Hash, tokens(i, on), event("x", "x")) }), used("used"))
	same(t, "used device", must(s.DeviceByUserCode(ctx, d.UserCode))(t).Status, signin.DeviceUsed)
	absent("DEVICE").check(t, second(s.Device(ctx, hash("none"))))
	absent("DEVICE").check(t, second(s.DeviceByUserCode(ctx, "none")))
	used("decided").check(t, s.DecideDevice(ctx, signin.Device{Hash: hash("none")}, event("x", "x")))

	k := code(1, on)
	complete(t, k, "UsedAt")
	ok(t, s.InsertCode(ctx, k, event("x", "x")))
	used("exists").check(t, s.InsertCode(ctx, k, event("x", "x")))
	same(t, "code", must(s.Code(ctx, k.Hash))(t), k)
	exactlyOne(t, atOnce(8, func(i int) error {
		return s.ExchangeCode(ctx, k.Hash, after(5), signin.Tokens{Access: accessToken(fmt.Sprint("code ", i), on)}, event("x", "x"))
	}), used("used"))
	same(t, "used code", must(s.Code(ctx, k.Hash))(t).UsedAt, after(5))
	k2 := code(2, on)
	ok(t, s.InsertCode(ctx, k2, event("x", "x")))
	used("exists").check(t, s.ExchangeCode(ctx, k2.Hash, after(5), tokens(firstToken(t, s), on), event("x", "x"))) // a token that is there
	same(t, "code after a refused exchange", must(s.Code(ctx, k2.Hash))(t), k2)

	gone := session("gone")
	absent("SESSION").check(t, s.InsertCode(ctx, code("gone", gone), event("x", "x")))
	absent("SESSION").check(t, s.ExchangeCode(ctx, k2.Hash, after(5), tokens("gone", gone), event("x", "x")))
	absent("SESSION").check(t, s.Rotate(ctx, hash("x"), hash("n"), tokens("gone", gone), event("x", "x")))
	absent("SESSION").check(t, s.Reissue(ctx, hash("x"), accessToken("gone", gone), event("x", "x")))
}

// firstToken finds which of the tokens 0 to 7 was issued.
func firstToken(t testing.TB, s *sqlstore.SignIn) any {
	t.Helper()
	for i := range 8 {
		if _, _, err := s.AccessToken(t.Context(), hash("access", i)); err == nil {
			return i
		}
	}
	t.Fatal("no token was issued")
	return nil
}

func testTokens(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SignIn()
	on := session("on")
	ok(t, s.InsertSession(ctx, on, event("x", "x")))
	issue := func(name any) signin.Tokens {
		ok(t, s.InsertDevice(ctx, device(name, on, signin.DeviceApproved), event("x", "x")))
		ts := tokens(name, on)
		ok(t, s.ExchangeDevice(ctx, hash("device", name), ts, event("x", "x")))
		return ts
	}
	first := issue("first")
	complete(t, first, "Refresh.RotatedAt", "Refresh.Nonce")
	a, of, err := s.AccessToken(ctx, first.Access.Hash)
	ok(t, err)
	same(t, "access token", a, first.Access)
	same(t, "its session", of, on)
	r, of, err := s.RefreshToken(ctx, first.Refresh.Hash)
	ok(t, err)
	same(t, "refresh token", r, *first.Refresh)
	same(t, "its session", of, on)

	next := tokens("next", on)
	next.Access.CreatedAt = after(77)
	exactlyOne(t, atOnce(8, func(i int) error {
		ts := tokens(fmt.Sprint("next ", i), on)
		ts.Access.CreatedAt = after(77)
		return s.Rotate(ctx, first.Refresh.Hash, hash("nonce"), ts, event("x", "x"))
	}), used("rotated"))
	r, _, err = s.RefreshToken(ctx, first.Refresh.Hash)
	ok(t, err)
	if !r.RotatedAt.Equal(after(77)) || string(r.Nonce) != string(hash("nonce")) {
		t.Errorf("rotated token %+v, want it rotated at %v with its nonce", r, after(77))
	}
	used("rotated").check(t, s.Rotate(ctx, hash("none"), hash("n"), next, event("x", "x")))
	used("rotated").check(t, s.Reissue(ctx, first.Refresh.Hash, accessToken("again", on), event("x", "x")))
	absent("TOKEN").check(t, third(s.AccessToken(ctx, hash("access", "again"))))
	second := issue("second")
	ok(t, s.Reissue(ctx, second.Refresh.Hash, accessToken("again", on), event("x", "x")))
	ok(t, third(s.AccessToken(ctx, hash("access", "again"))))

	// An exchange whose access token has no hash keeps none.
	ok(t, s.InsertDevice(ctx, device("bare", on, signin.DeviceApproved), event("x", "x")))
	bare := tokens("bare", on)
	bare.Access.Hash = nil
	ok(t, s.ExchangeDevice(ctx, hash("device", "bare"), bare, event("x", "x")))
	ok(t, third(s.RefreshToken(ctx, bare.Refresh.Hash)))
	absent("TOKEN").check(t, third(s.AccessToken(ctx, nil)))
	ok(t, s.Reissue(ctx, bare.Refresh.Hash, bare.Access, event("x", "x")))

	proof := signin.Replay{SourceID: "dpop/thumbprint", AssertionID: "id", ExpiresAt: after(300)}
	exactlyOne(t, atOnce(8, func(int) error { return s.UseProof(ctx, proof) }), used("replay"))
	proof.SourceID = "dpop/another"
	ok(t, s.UseProof(ctx, proof))

	ok(t, s.RevokeGrant(ctx, on.ID, first.Access.GrantID, event("x", "x")))
	ok(t, s.RevokeGrant(ctx, "no session", "no grant", event("x", "x")))
	absent("TOKEN").check(t, third(s.AccessToken(ctx, first.Access.Hash)))
	absent("TOKEN").check(t, third(s.RefreshToken(ctx, second.Refresh.Hash)))
	t.Run("what is issued while its session goes, goes", func(t *testing.T) { testIssueRace(t, s) })
}

func testIssueRace(t *testing.T, s *sqlstore.SignIn) {
	ctx := t.Context()
	for round := range 10 {
		on := session(round)
		ok(t, s.InsertSession(ctx, on, event("x", "x")))
		ok(t, s.InsertDevice(ctx, device(round, on, signin.DeviceApproved), event("x", "x")))
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return s.DeleteSession(ctx, on.ID, event("x", "x"))
			}
			return s.ExchangeDevice(ctx, hash("device", round), tokens(round, on), event("x", "x"))
		})
		ok(t, errs[0])
		var f *fault.Fault
		if errs[1] != nil && (!errors.As(errs[1], &f) || f.Kind != fault.NotFound) {
			t.Errorf("round %d: exchange: %v", round, errs[1])
		}
		again := on
		again.Hash = hash("again", round)
		ok(t, s.InsertSession(ctx, again, event("x", "x"))) // so that a token left over would be seen
		absent("TOKEN").check(t, third(s.AccessToken(ctx, hash("access", round))))
		absent("TOKEN").check(t, third(s.RefreshToken(ctx, hash("refresh", round))))
	}
}

func testSweep(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SignIn()
	const n = 7
	for i := range n {
		end := after(100 * i) // the moment itself counts as expired
		on := session(i)
		on.ExpiresAt = end
		ok(t, s.InsertRequest(ctx, signin.Request{ID: fmt.Sprint("_", i), SourceID: "e", ExpiresAt: end}, event("x", "x")))
		ok(t, s.Park(ctx, signin.Parked{Hash: hash(i), ExpiresAt: end}, signin.Replay{SourceID: "e", AssertionID: fmt.Sprint(i), ExpiresAt: end}, event("x", "x")))
		ok(t, s.InsertSession(ctx, on, event("x", "x")))
		ok(t, s.InsertClient(ctx, signin.Client{ID: fmt.Sprint(i), ExpiresAt: end}, event("x", "x")))
		d := device(i, signin.Session{}, signin.DevicePending)
		d.ExpiresAt = end
		ok(t, s.InsertDevice(ctx, d, event("x", "x")))
		long := session(fmt.Sprint("long", i))
		ok(t, s.InsertSession(ctx, long, event("x", "x")))
		k := code(i, long)
		k.ExpiresAt = end
		ok(t, s.InsertCode(ctx, k, event("x", "x")))
		ts := tokens(i, long)
		ts.Access.ExpiresAt, ts.Refresh.ExpiresAt = end, end
		ok(t, s.ExchangeCode(ctx, k.Hash, epoch(), ts, event("x", "x")))
	}
	hung := tokens("hung", session(2))
	ok(t, s.InsertCode(ctx, code("hung", session(2)), event("x", "x")))
	ok(t, s.ExchangeCode(ctx, hash("code", "hung"), epoch(), hung, event("x", "x")))
	same(t, "swept before anything ended", must(s.Sweep(ctx, epoch().Add(-time.Second), 100))(t), 0)
	same(t, "swept with a limit of each", must(s.Sweep(ctx, after(200), 2))(t), 2*9)
	// The third session takes what hangs on it along; of each noun one is left that has ended.
	same(t, "swept the rest", must(s.Sweep(ctx, after(200), 100))(t), 9)
	same(t, "swept again", must(s.Sweep(ctx, after(200), 100))(t), 0)
	absent("TOKEN").check(t, third(s.AccessToken(ctx, hung.Access.Hash)))
	absent("SESSION").check(t, second(s.Session(ctx, session(2).ID)))
	ok(t, second(s.Session(ctx, session(3).ID)))
	ok(t, second(s.Request(ctx, "_3")))
	ok(t, second(s.Client(ctx, "3")))
	ok(t, second(s.Parked(ctx, hash(3))))
	ok(t, second(s.Code(ctx, hash("code", 3))))
	absent("CODE").check(t, second(s.Code(ctx, hash("code", 2))))
	used("replay").check(t, s.Park(ctx, signin.Parked{Hash: hash("new")}, signin.Replay{SourceID: "e", AssertionID: "3"}, event("x", "x")))
	ok(t, s.Park(ctx, signin.Parked{Hash: hash("new")}, signin.Replay{SourceID: "e", AssertionID: "2"}, event("x", "x")))
}

func testFailures(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.SignIn()
	failure := func(n int, vouched bool) signin.Failure {
		return signin.Failure{
			ID: id("failure", n), SourceID: "entra", At: after(n / 2), ExpiresAt: after(3600 + n), Vouched: vouched, Reason: "digest", Why: "It was changed. ü", Advice: "Ask.", ClientAddr: "192.0.2.1",
			RequestID: "_1", Message: "<a/>",
		}
	}
	complete(t, failure(0, true))
	for n := range 25 {
		ok(t, s.InsertFailure(ctx, failure(n, n%2 == 0), event("x", "x")))
	}
	used("exists").check(t, s.InsertFailure(ctx, failure(3, true), event("x", "x")))
	same(t, "failure", must(s.Failure(ctx, id("failure", 4)))(t), failure(4, true))
	absent("FAILURE").check(t, second(s.Failure(ctx, "none")))
	var key signin.FailureKey
	var seen []signin.Failure
	for {
		page := must(s.Failures(ctx, key, 4))(t)
		seen = append(seen, page...)
		if len(page) < 4 {
			break
		}
		key = signin.FailureKey{At: page[3].At, ID: page[3].ID}
	}
	same(t, "listed", len(seen), 25)
	for i := 1; i < len(seen); i++ {
		if a, b := seen[i-1], seen[i]; a.At.Before(b.At) || a.At.Equal(b.At) && a.ID <= b.ID {
			t.Errorf("%v %s is listed before %v %s", a.At, a.ID, b.At, b.ID)
		}
	}
	same(t, "the newest", seen[0].At, after(12))
	// Of each kind the newest stay; the others go with the next sweep.
	for n := range signin.MaxFailures {
		ok(t, s.InsertFailure(ctx, failure(100+n, false), event("x", "x")))
	}
	must(s.Sweep(ctx, epoch(), 100))(t)
	absent("FAILURE").check(t, second(s.Failure(ctx, id("failure", 5))))
	same(t, "one that was vouched for", must(s.Failure(ctx, id("failure", 4)))(t).ID, id("failure", 4))
	same(t, "the first of the many", must(s.Failure(ctx, id("failure", 100)))(t).ID, id("failure", 100))
	same(t, "swept", must(s.Sweep(ctx, after(3600+8), 100))(t), 5)
	absent("FAILURE").check(t, second(s.Failure(ctx, id("failure", 8))))
}
