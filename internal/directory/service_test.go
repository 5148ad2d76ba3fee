package directory_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

var admin = audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:user/admin", Name: "admin"}

// start returns a service on a database of its own, with what is to stand between them, and the clock it goes by.
func start(t *testing.T, between ...func(directory.Store) directory.Store) (*directory.Service, *time.Time) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	store := directory.Store(db.Directory())
	for _, b := range between {
		store = b(store)
	}
	return directory.NewService(directory.Config{Store: store, IdentityStoreID: "d-0123456789", Now: func() time.Time { return now }, Rand: rand.Reader}), &now
}

func mustUser(t *testing.T, s *directory.Service, name string) directory.User {
	t.Helper()
	u, err := s.CreateUser(t.Context(), admin, directory.User{UserName: name, Active: true})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wantFault(t *testing.T, err error, k fault.Kind, reason string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Kind != k || (reason != "" && f.Reason != reason) {
		t.Errorf("got %v, want a fault %v %q", err, k, reason)
	}
}

func TestUserNamesAreUniqueInFoldedCase(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	mustUser(t, s, "Ärger@Example.com")
	for _, name := range []string{"ärger@example.com", "ÄRGER@EXAMPLE.COM", "A\u0308rger@example.com"} {
		_, err := s.CreateUser(t.Context(), admin, directory.User{UserName: name})
		wantFault(t, err, fault.Conflict, "uniqueness")
	}
	u, err := s.UserByName(t.Context(), "äRGER@EXAMPLE.com")
	if err != nil || u.UserName != "Ärger@Example.com" {
		t.Errorf("got %q, %v", u.UserName, err)
	}
}

func TestUserRules(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	for name, u := range map[string]directory.User{
		"no name":                    {},
		"space inside":               {UserName: "a b"},
		"too long":                   {UserName: strings.Repeat("x", 129)},
		"control character":          {UserName: "a\x00b"},
		"invalid UTF-8":              {UserName: "a\xff"},
		"control in display name":    {UserName: "u", DisplayName: "a\x07"},
		"long display name":          {UserName: "u", DisplayName: strings.Repeat("x", 1025)},
		"two primary e-mails":        {UserName: "u", Emails: []directory.Value{{Value: "a@x", Primary: true}, {Value: "b@x", Primary: true}}},
		"e-mail without value":       {UserName: "u", Emails: []directory.Value{{Type: "work"}}},
		"external id without issuer": {UserName: "u", ExternalIDs: []directory.ExternalID{{ID: "1"}}},
		"two ids of one issuer":      {UserName: "u", ExternalIDs: []directory.ExternalID{{Issuer: "i", ID: "1"}, {Issuer: "i", ID: "2"}}},
	} {
		_, err := s.CreateUser(t.Context(), admin, u)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
	if n, err := s.CountUsers(t.Context()); n != 0 || err != nil {
		t.Errorf("refused users left %d rows, %v", n, err)
	}
}

func TestUpdateThatChangesNothingKeepsTheVersion(t *testing.T) {
	t.Parallel()
	s, now := start(t)
	u := mustUser(t, s, "a@x")
	*now = now.Add(time.Hour)
	got, err := s.UpdateUser(t.Context(), admin, u.ID, 0, func(*directory.User) error { return nil })
	if err != nil || got.Version != 1 || !got.UpdatedAt.Equal(u.UpdatedAt) {
		t.Errorf("got version %d at %v, %v", got.Version, got.UpdatedAt, err)
	}
	got, err = s.UpdateUser(t.Context(), admin, u.ID, 1, func(u *directory.User) error { u.Title = "x"; u.ID = "other"; u.Version = 99; return nil })
	if err != nil || got.Version != 2 || got.ID != u.ID || got.Title != "x" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = s.UpdateUser(t.Context(), admin, u.ID, 1, func(u *directory.User) error { u.Title = "y"; return nil })
	wantFault(t, err, fault.Conflict, "version")
}

func TestConcurrentUpdatesAllCount(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	u := mustUser(t, s, "a@x")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := s.UpdateUser(context.Background(), admin, u.ID, 0, func(u *directory.User) error { u.Title += "x"; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, _ := s.User(t.Context(), u.ID); got.Title != "xxxxxx" || got.Version != 7 {
		t.Errorf("got title %q at version %d: an update was lost", got.Title, got.Version)
	}
}

func TestInactiveUsersKeepTheirMemberships(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	u := mustUser(t, s, "a@x")
	g, err := s.CreateGroup(t.Context(), admin, directory.Group{DisplayName: "Platform Engineers"}, []string{u.ID, u.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateUser(t.Context(), admin, u.ID, 0, func(u *directory.User) error { u.Active = false; return nil }); err != nil {
		t.Fatal(err)
	}
	ids, err := s.GroupIDsOf(t.Context(), u.ID)
	if err != nil || len(ids) != 1 || ids[0] != g.ID {
		t.Errorf("got %v, %v", ids, err)
	}
}

func TestMemberChangesRepeatHarmlessly(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	a, b := mustUser(t, s, "a@x"), mustUser(t, s, "b@x")
	g, err := s.CreateGroup(t.Context(), admin, directory.Group{DisplayName: "G"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	change := func(c directory.MemberChange) error {
		_, err := s.UpdateGroup(t.Context(), admin, g.ID, 0, func(*directory.Group) (directory.MemberChange, error) { return c, nil })
		return err
	}
	members := func() string {
		ms, err := s.MembersOf(t.Context(), g.ID, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, m := range ms {
			out += map[string]string{a.ID: "a", b.ID: "b"}[m.UserID]
		}
		return out
	}
	for _, step := range []struct {
		change directory.MemberChange
		want   string
	}{
		{directory.MemberChange{Add: []string{a.ID}}, "a"},
		{directory.MemberChange{Add: []string{a.ID, a.ID}}, "a"},
		{directory.MemberChange{Remove: []string{b.ID}}, "a"},
		{directory.MemberChange{Add: []string{b.ID}, Remove: []string{b.ID}}, "a"},
		{directory.MemberChange{Replace: true, Add: []string{b.ID}}, "b"},
		{directory.MemberChange{Replace: true}, ""},
	} {
		if err := change(step.change); err != nil {
			t.Fatal(err)
		}
		if got := members(); got != step.want {
			t.Errorf("after %+v: got %q, want %q", step.change, got, step.want)
		}
	}
	err = change(directory.MemberChange{Add: []string{a.ID, "0123456789-00000000-0000-4000-8000-000000000000"}})
	wantFault(t, err, fault.NotFound, "")
	if got := members(); got != "" {
		t.Errorf("a refused change left members %q", got)
	}
}

func TestTokensOpenOnlyTheirOwnDirectory(t *testing.T) {
	t.Parallel()
	s, now := start(t)
	for _, id := range []string{"one", "two"} {
		if _, err := s.CreateSource(t.Context(), admin, directory.Source{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	tok, secret, err := s.CreateToken(t.Context(), admin, "one", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if src, _, err := s.Authenticate(t.Context(), "one", secret); err != nil || src.ID != "one" {
		t.Errorf("the right token: %v, %v", src.ID, err)
	}
	_, _, err = s.Authenticate(t.Context(), "two", secret)
	wantFault(t, err, fault.Unauthenticated, "")
	_, _, err = s.Authenticate(t.Context(), "one", secret+"x")
	wantFault(t, err, fault.Unauthenticated, "")
	_, _, err = s.Authenticate(t.Context(), "one", "")
	wantFault(t, err, fault.Unauthenticated, "")
	if ts, _ := s.Tokens(t.Context(), "one"); len(ts) != 1 || !ts[0].LastUsedAt.Equal(*now) {
		t.Errorf("last use was not noted: %+v", ts)
	}
	if _, _, err := s.CreateToken(t.Context(), admin, "one", 0); err != nil {
		t.Error("a second token:", err)
	}
	_, _, err = s.CreateToken(t.Context(), admin, "one", 0)
	wantFault(t, err, fault.Quota, "")

	*now = now.Add(24 * time.Hour)
	_, _, err = s.Authenticate(t.Context(), "one", secret)
	wantFault(t, err, fault.Unauthenticated, "")
	if err := s.DeleteToken(t.Context(), admin, "two", tok.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("deleting through another directory: %v", err)
	}
	if err := s.DeleteToken(t.Context(), admin, "one", tok.ID); err != nil {
		t.Error(err)
	}
}

func TestSourceRules(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	for name, src := range map[string]directory.Source{
		"no id":           {},
		"upper case":      {ID: "Contoso"},
		"slash":           {ID: "a/b"},
		"profile":         {ID: "a", Profile: "strict"},
		"no certificate":  {ID: "a", SAML: directory.SAMLSettings{EntityID: "e", SSORedirectURL: "https://idp/sso"}},
		"no address":      {ID: "a", SAML: directory.SAMLSettings{EntityID: "e", Certificates: [][]byte{{1}}}},
		"script address":  {ID: "a", SAML: directory.SAMLSettings{EntityID: "e", SSORedirectURL: "javascript:alert(1)", Certificates: [][]byte{{1}}}},
		"bad certificate": {ID: "a", SAML: directory.SAMLSettings{EntityID: "e", SSORedirectURL: "https://idp/sso", Certificates: [][]byte{{1, 2, 3}}}},
	} {
		if _, err := s.CreateSource(t.Context(), admin, src); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
}

func TestDisablingIsRemembered(t *testing.T) {
	t.Parallel()
	s, now := start(t)
	u := mustUser(t, s, "a@x")
	set := func(active bool) directory.User {
		u, err := s.UpdateUser(t.Context(), admin, u.ID, 0, func(u *directory.User) error { u.Active = active; u.DisabledAt = time.Time{}; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	at := *now
	if got := set(false); !got.DisabledAt.Equal(at) {
		t.Errorf("got %v, want %v", got.DisabledAt, at)
	}
	*now = now.Add(time.Hour)
	set(true)
	if got, err := s.User(t.Context(), u.ID); err != nil || !got.Active || !got.DisabledAt.Equal(at) {
		t.Errorf("got %v %v, %v", got.Active, got.DisabledAt, err)
	}
}
