package directory_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/storage/sqlstore"
)

// closable is a service with a source "okta" that owns some users and a group of them, one of whom is disabled, and that "entra" may adopt from.
func closable(t *testing.T, between ...func(directory.Store) directory.Store) (s *directory.Service, ids []string, group, secret string) {
	t.Helper()
	s, _ = start(t, between...)
	ctx := t.Context()
	for _, id := range []string{"okta", "entra"} {
		if _, err := s.CreateSource(ctx, admin, directory.Source{ID: id, Domains: []string{id + ".example"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.SetOwners(ctx, admin, "entra", directory.Owners{Directories: map[string]directory.OwnerRule{"okta": directory.RuleAdopt}}); err != nil {
		t.Fatal(err)
	}
	_, secret, err := s.CreateToken(ctx, admin, "okta", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		u, err := s.CreateUser(ctx, admin, directory.User{
			UserName: fmt.Sprint("u", i), Active: i > 0, Source: "okta",
			ExternalIDs: []directory.ExternalID{{Issuer: "scim/okta", ID: fmt.Sprint(i)}, {Issuer: "hr", ID: fmt.Sprint(i)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	g, err := s.CreateGroup(ctx, admin, directory.Group{DisplayName: "g", Source: "okta"}, ids)
	if err != nil {
		t.Fatal(err)
	}
	return s, ids, g.ID, secret
}

// deleteSource removes a source, however long it takes.
func deleteSource(t *testing.T, s *directory.Service, id string, people directory.Disposal) error {
	t.Helper()
	done, err := s.DeleteSource(t.Context(), admin, id, people, time.Time{})
	if done != (err == nil) {
		t.Errorf("done is %v, the error %v", done, err)
	}
	return err
}

func TestDeleteSourceAsksWhatBecomesOfItsPeople(t *testing.T) {
	t.Parallel()
	s, ids, _, secret := closable(t)
	ctx := t.Context()
	wantFault(t, deleteSource(t, s, "okta", ""), fault.Conflict, "in-use")
	wantFault(t, deleteSource(t, s, "okta", "forget"), fault.Invalid, "")
	wantFault(t, deleteSource(t, s, "none", ""), fault.NotFound, "")
	if _, _, err := s.Authenticate(ctx, "okta", secret); err != nil {
		t.Errorf("a refused removal closed the source: %v", err)
	}
	if u, err := s.User(ctx, ids[0]); err != nil || u.Source != "okta" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestDeleteSource(t *testing.T) {
	t.Parallel()
	for _, people := range []directory.Disposal{directory.Release, directory.Disable, directory.Delete} {
		t.Run(string(people), func(t *testing.T) {
			t.Parallel()
			s, ids, group, secret := closable(t)
			ctx := t.Context()
			if err := deleteSource(t, s, "okta", people); err != nil {
				t.Fatal(err)
			}
			_, err := s.Source(ctx, "okta")
			wantFault(t, err, fault.NotFound, "")
			_, _, err = s.Authenticate(ctx, "okta", secret)
			wantFault(t, err, fault.Unauthenticated, "")
			for i, id := range ids {
				u, err := s.User(ctx, id)
				if people == directory.Delete {
					wantFault(t, err, fault.NotFound, "")
					continue
				}
				if err != nil || u.Source != "" || u.ExternalID("scim/okta") != "" || u.ExternalID("hr") == "" || u.Active != (i > 0 && people == directory.Release) {
					t.Errorf("%+v, %v", u, err)
				}
			}
			if people == directory.Delete {
				_, err := s.Group(ctx, group)
				wantFault(t, err, fault.NotFound, "")
			} else if ms, err := s.MembersOf(ctx, group, "", 100); err != nil || len(ms) != len(ids) {
				t.Errorf("%d of %d memberships are left, %v", len(ms), len(ids), err)
			}
			for source, n := range map[string]int{"okta": 0, "": len(ids)} {
				users, _, err := s.CountsOf(ctx, source)
				if people == directory.Delete {
					n = 0
				}
				if err != nil || users != n {
					t.Errorf("%q owns %d users, want %d, %v", source, users, n, err)
				}
			}
			// Another one of the same id begins with nothing: no rule of others names it, and its domain is free.
			if src, err := s.Source(ctx, "entra"); err != nil || src.Adopts("okta") {
				t.Errorf("%+v, %v", src.Owners, err)
			}
			if _, err := s.CreateSource(ctx, admin, directory.Source{ID: "okta", Domains: []string{"okta.example"}}); err != nil {
				t.Error(err)
			}
		})
	}
}

// interrupted is a database that goes away when some users have been changed.
type interrupted struct {
	directory.Store
	left atomic.Int64
}

func (i *interrupted) UpdateUser(ctx context.Context, u directory.User, ifVersion int64, e audit.Event) error {
	if i.left.Add(-1) < 0 {
		return fault.New(fault.Unavailable, "gone")
	}
	return i.Store.UpdateUser(ctx, u, ifVersion, e)
}

// TestDeleteSourceGoesOn: while people are disposed of the source opens no door and can be set to nothing else, and what was interrupted goes on.
func TestDeleteSourceGoesOn(t *testing.T) {
	t.Parallel()
	between := &interrupted{}
	between.left.Store(5)
	s, ids, _, secret := closable(t, func(st directory.Store) directory.Store { between.Store = st; return between })
	ctx := t.Context()
	wantFault(t, deleteSource(t, s, "okta", directory.Disable), fault.Unavailable, "")
	if users, _, err := s.CountsOf(ctx, "okta"); err != nil || users != len(ids)-5 {
		t.Errorf("%d users are left, %v", users, err)
	}
	_, _, err := s.Authenticate(ctx, "okta", secret)
	wantFault(t, err, fault.Unauthenticated, "")
	_, err = s.UpdateSource(ctx, admin, "okta", func(src *directory.Source) error { src.Name = "new"; return nil })
	wantFault(t, err, fault.Conflict, "closing")
	wantFault(t, deleteSource(t, s, "okta", ""), fault.Conflict, "in-use")
	between.left.Store(1000)
	if err := deleteSource(t, s, "okta", directory.Disable); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if u, err := s.User(ctx, id); err != nil || u.Active || u.Source != "" {
			t.Errorf("%+v, %v", u, err)
		}
	}
}

// meanwhile is a database in which somebody else changes the source when the first user is disposed of.
type meanwhile struct {
	directory.Store
	once   sync.Once
	change func(*directory.Source)
}

func (m *meanwhile) UpdateUser(ctx context.Context, u directory.User, ifVersion int64, e audit.Event) error {
	var err error
	m.once.Do(func() {
		var src directory.Source
		if src, err = m.Source(ctx, "okta"); err == nil {
			m.change(&src)
			src.Version++
			err = m.PutSource(ctx, src, src.Version-1, e)
		}
	})
	if err != nil {
		return err
	}
	return m.Store.UpdateUser(ctx, u, ifVersion, e)
}

// TestDeleteSourceLooksAgain: a removal that others ended stops, also where there is a source of the same id by then; and one with whose people something else is to be
// done now does not go on with what it was told.
func TestDeleteSourceLooksAgain(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*meanwhile{
		"another source of its id": {change: func(s *directory.Source) { s.Closing = "" }},
		"another disposal":         {change: func(s *directory.Source) { s.Closing = directory.Delete }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, _, _ := closable(t, func(st directory.Store) directory.Store { m.Store = st; return m })
			err := deleteSource(t, s, "okta", directory.Release)
			if name == "another disposal" {
				wantFault(t, err, fault.Conflict, "closing")
			} else if err != nil {
				t.Error(err)
			}
			if _, err := s.Source(t.Context(), "okta"); err != nil {
				t.Errorf("the source that is there now: %v", err)
			}
		})
	}
}

// TestDeleteSourceTakesTurns: when its time is over it says that something is left, and each call does some of it.
func TestDeleteSourceTakesTurns(t *testing.T) {
	t.Parallel()
	s, ids, group, _ := closable(t)
	ctx, past := t.Context(), time.Time{}.Add(1)
	for turn, left := range [][2]int{{len(ids), 0}, {0, 0}} { // the group first, then the users
		done, err := s.DeleteSource(ctx, admin, "okta", directory.Release, past)
		if users, groups, e := s.CountsOf(ctx, "okta"); done || err != nil || e != nil || [2]int{users, groups} != left {
			t.Errorf("turn %d: %v, %v, %v, %d users and %d groups are left", turn, done, err, e, users, groups)
		}
		if src, err := s.Source(ctx, "okta"); err != nil || src.Closing != directory.Release {
			t.Errorf("turn %d: %+v, %v", turn, src, err)
		}
	}
	if done, err := s.DeleteSource(ctx, admin, "okta", directory.Release, past); !done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	if _, err := s.Source(ctx, "okta"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if g, err := s.Group(ctx, group); err != nil || g.Source != "" {
		t.Errorf("%+v, %v", g, err)
	}
}

// vouching is directory.Sessions: how many sessions there are, of which ten end at a time.
type vouching struct {
	left   int
	broken error
}

func (v *vouching) CountVouched(context.Context, string) (int, error) { return v.left, nil }

func (v *vouching) EndVouched(context.Context, audit.Actor, string) (bool, error) {
	if v.broken != nil {
		return false, v.broken
	}
	v.left = max(0, v.left-10)
	return v.left > 0, nil
}

// TestRemoveProvider: from the first moment the source vouches for nobody and trusts no provider, another one must wait for the end of the sessions, what was
// interrupted goes on, and the event says how many they were.
func TestRemoveProvider(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sessions := &vouching{left: 25}
	s := directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: "d-0123456789", Now: time.Now, Rand: rand.Reader, Sessions: sessions})
	ctx, past := t.Context(), time.Time{}.Add(1)
	if _, err := s.CreateSource(ctx, admin, directory.Source{ID: "okta"}); err != nil {
		t.Fatal(err)
	}
	set := func() error {
		_, err := s.SetProvider(ctx, admin, "okta", func(src *directory.Source) error {
			src.SAML = directory.SAMLSettings{EntityID: "https://idp.example", SSOPostURL: "https://idp.example/sso", Certificates: [][]byte{selfSigned(t)}}
			return nil
		})
		return err
	}
	if err := set(); err != nil {
		t.Fatal(err)
	}
	vouches := func(when string, want bool) {
		t.Helper()
		if got, err := s.Vouches(ctx, "okta", time.Now()); got != want || err != nil {
			t.Errorf("%s it vouches: %v, %v", when, got, err)
		}
	}
	remove := func(when string, left int, want bool) {
		t.Helper()
		src, err := s.RemoveProvider(ctx, admin, "okta", past)
		if err != nil || src.ProviderClosing != want || src.SAML.EntityID != "" || sessions.left != left {
			t.Errorf("%s: %+v, %v, %d sessions are left", when, src, err, sessions.left)
		}
	}
	vouches("before", true)
	before := time.Now()
	if got, err := s.Vouches(ctx, "okta", before.Add(-time.Hour)); got || err != nil {
		t.Errorf("it vouched before it was there: %v, %v", got, err)
	}
	sessions.broken = fault.New(fault.Unavailable, "gone")
	_, err = s.RemoveProvider(ctx, admin, "okta", past)
	wantFault(t, err, fault.Unavailable, "")
	vouches("when it was interrupted", false)
	sessions.broken = nil
	remove("the first turn", 15, true)
	wantFault(t, set(), fault.Conflict, "closing")
	vouches("between turns", false)
	remove("the second turn", 5, true)
	remove("the last turn", 0, false)
	vouches("after", true)
	if got, err := s.Vouches(ctx, "okta", before); got || err != nil {
		t.Errorf("what was vouched for before the removal is good when that is over: %v, %v", got, err)
	}
	remove("again", 0, false)
	if err := set(); err != nil {
		t.Error(err)
	}
	for action, n := range map[string]int{"gatehouse:CloseIdentityProvider": 1, "gatehouse:DeleteIdentityProvider": 1} {
		page, err := db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{Action: action, Resource: "okta"}, 10)
		if err != nil || len(page.Events) != n {
			t.Errorf("%d events %s, want %d, %v", len(page.Events), action, n, err)
		} else if d := page.Events[0].Detail; action == "gatehouse:CloseIdentityProvider" && (d["sessions"] != "25" || d["entityId"] != "https://idp.example") {
			t.Errorf("%v", d)
		}
	}
	_, err = s.RemoveProvider(ctx, admin, "none", past)
	wantFault(t, err, fault.NotFound, "")
	for id, want := range map[string]bool{"none": false, directory.BuiltIn: true} {
		if got, err := s.Vouches(ctx, id, time.Now()); got != want || err != nil {
			t.Errorf("%s vouches: %v, %v", id, got, err)
		}
	}
}

// TestInterruptedRemovalsGoOn: a removal that nobody works on any more is brought to its end by one of the servers, however many look, and not before it has rested for a
// while since the last turn began.
func TestInterruptedRemovalsGoOn(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	var passed atomic.Int64
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return began.Add(time.Duration(passed.Load())) }
	sessions := &vouching{left: 25}
	server := func() *directory.Service {
		return directory.NewService(directory.Config{Store: db.Directory(), IdentityStoreID: "d-0123456789", Now: now, Rand: rand.Reader, Sessions: sessions})
	}
	s, servers := server(), []*directory.Service{server(), server(), server()}
	ctx, past := t.Context(), time.Time{}.Add(1)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	goOn := func(when string, after time.Duration, left int) {
		t.Helper()
		passed.Add(int64(after))
		var wait sync.WaitGroup
		for _, s := range servers {
			wait.Go(func() {
				if err := s.ContinueRemovals(ctx); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			})
		}
		wait.Wait()
		if sessions.left != left {
			t.Errorf("%s: %d sessions are left, want %d", when, sessions.left, left)
		}
	}
	turns := func(a audit.Actor, want int) {
		t.Helper()
		page, err := db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{Action: "gatehouse:ContinueRemoval", Resource: "okta"}, 100)
		ok(err)
		n := 0
		for _, e := range page.Events {
			if e.Actor == a {
				n++
			}
		}
		if n != want {
			t.Errorf("%d turns of %v, want %d", n, a, want)
		}
	}

	_, err = s.CreateSource(ctx, admin, directory.Source{ID: "okta"})
	ok(err)
	u, err := s.CreateUser(ctx, admin, directory.User{UserName: "jo", Active: true, Source: "okta"})
	ok(err)
	goOn("where nothing is removed", time.Hour, 25)
	sessions.broken = fault.New(fault.Unavailable, "gone")
	_, err = s.RemoveProvider(ctx, admin, "okta", past)
	wantFault(t, err, fault.Unavailable, "")
	sessions.broken = nil
	goOn("a moment after it was interrupted", 29*time.Second, 25)
	_, err = s.RemoveProvider(ctx, admin, "okta", past) // somebody asks again
	ok(err)
	goOn("a moment after the next turn", 29*time.Second, 15)
	turns(admin, 1)
	turns(audit.Gatehouse, 0)
	goOn("when it has rested", time.Second, 0)
	turns(audit.Gatehouse, 1)
	src, err := s.Source(ctx, "okta")
	ok(err)
	if src.ProviderClosing || !src.ContinueAt.IsZero() {
		t.Errorf("the provider's removal is not over: %+v", src)
	}
	goOn("when it is over", time.Hour, 0)
	turns(audit.Gatehouse, 1)

	sessions.left = 15
	done, err := s.DeleteSource(ctx, admin, "okta", directory.Disable, past)
	if done || err != nil {
		t.Fatal(done, err)
	}
	goOn("a moment after the directory's first turn", 29*time.Second, 5)
	goOn("when the directory has rested", time.Second, 0)
	turns(audit.Gatehouse, 2)
	_, err = s.Source(ctx, "okta")
	wantFault(t, err, fault.NotFound, "")
	if u, err = s.User(ctx, u.ID); err != nil || u.Active || u.Source != "" {
		t.Errorf("%+v, %v", u, err)
	}
}

// selfSigned is a certificate of a key that nobody has.
func selfSigned(t *testing.T) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
