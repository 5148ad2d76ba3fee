package directory_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
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
