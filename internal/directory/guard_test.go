package directory_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// pushed makes a source with n users of its own and returns their ids, and the actor that its client is.
func pushed(t *testing.T, s *directory.Service, g directory.Guard, n int) ([]string, audit.Actor) {
	t.Helper()
	if _, err := s.CreateSource(t.Context(), admin, directory.Source{ID: "entra", Guard: g}); err != nil {
		t.Fatal(err)
	}
	client := audit.Actor{Kind: audit.Directory, ID: "entra"}
	ids := make([]string, n)
	for i := range ids {
		u, err := s.CreateUser(t.Context(), client, directory.User{UserName: fmt.Sprint("u", i), Active: true, Source: "entra"})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = u.ID
	}
	return ids, client
}

func disable(s *directory.Service, t *testing.T, a audit.Actor, id string) error {
	_, err := s.UpdateUser(t.Context(), a, id, 0, func(u *directory.User) error { u.Active = false; return nil })
	return err
}

func TestTheGuardHoldsASyncThatTakesTooMuchAway(t *testing.T) {
	t.Parallel()
	s, now := start(t)
	ids, client := pushed(t, s, directory.Guard{Share: 30, Least: 2}, 10)
	for i, remove := range []func(string) error{
		func(id string) error { return disable(s, t, client, id) },
		func(id string) error { return s.DeleteUser(t.Context(), client, id, 0) },
		func(id string) error { return disable(s, t, client, id) },
	} {
		if err := remove(ids[i]); err != nil {
			t.Fatalf("removal %d of three in ten: %v", i+1, err)
		}
	}
	// The fourth is held, however it is asked for, and nothing is changed.
	wantFault(t, disable(s, t, client, ids[3]), fault.Denied, "held")
	wantFault(t, s.DeleteUser(t.Context(), client, ids[3], 0), fault.Denied, "held")
	if u, err := s.User(t.Context(), ids[3]); err != nil || !u.Active {
		t.Errorf("a held removal was made: %+v, %v", u, err)
	}
	if err := disable(s, t, client, ids[3]); !strings.Contains(err.Error(), "3 of 10 users") || !strings.Contains(err.Error(), "--confirm") {
		t.Errorf("the refusal does not say what to do: %v", err)
	}
	// Whatever takes nothing away goes on: other changes, new people, deleting who is disabled already.
	if _, err := s.UpdateUser(t.Context(), client, ids[3], 0, func(u *directory.User) error { u.Title = "T"; return nil }); err != nil {
		t.Errorf("another change: %v", err)
	}
	if err := s.DeleteUser(t.Context(), client, ids[0], 0); err != nil {
		t.Errorf("deleting one who is disabled: %v", err)
	}
	// The window does not end while it is held, and an administrator is not held back.
	*now = now.Add(3 * directory.GuardWindow)
	wantFault(t, disable(s, t, client, ids[3]), fault.Denied, "held")
	if err := disable(s, t, admin, ids[9]); err != nil {
		t.Errorf("the administrator: %v", err)
	}
	st, err := s.GuardState(t.Context(), "entra")
	if err != nil || !st.Held(*now) || st.UsersRemoved != 3 || st.Users != 10 || st.Refused != 4 {
		t.Errorf("%+v, %v", st, err)
	}

	// Confirmed, all goes through for as long as was said.
	if _, err := s.ConfirmRemovals(t.Context(), admin, "entra", time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[3:6] {
		if err := disable(s, t, client, id); err != nil {
			t.Errorf("confirmed: %v", err)
		}
	}
	*now = now.Add(time.Hour)
	// It counts anew by then, with what the source has now.
	if st, err = s.GuardState(t.Context(), "entra"); err != nil || st.Held(*now) {
		t.Errorf("%+v, %v", st, err)
	}
	*now = now.Add(directory.GuardWindow)
	for i, want := range []bool{true, true, false} {
		if err := disable(s, t, client, ids[6+i]); (err == nil) != want {
			t.Errorf("removal %d of the next window: %v", i+1, err)
		}
	}
	// Forgotten, it is as if nothing had been.
	if st, err = s.ForgetRemovals(t.Context(), admin, "entra"); err != nil || st.Held(*now) || st.UsersRemoved != 0 || st.Users != 8 {
		t.Errorf("%+v, %v", st, err)
	}
	if err := disable(s, t, client, ids[8]); err != nil {
		t.Errorf("after it was forgotten: %v", err)
	}
}

func TestTheGuardCountsGroupsByThemselves(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	_, client := pushed(t, s, directory.Guard{Share: 50, Least: 1}, 1)
	var groups []string
	for i := range 4 {
		g, err := s.CreateGroup(t.Context(), client, directory.Group{DisplayName: fmt.Sprint("g", i), Source: "entra"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, g.ID)
	}
	for i, want := range []bool{true, true, false, false} {
		if err := s.DeleteGroup(t.Context(), client, groups[i], 0); (err == nil) != want {
			t.Errorf("group %d: %v", i+1, err)
		}
	}
	wantFault(t, s.DeleteGroup(t.Context(), client, "none", 0), fault.NotFound, "")
	if st, err := s.GuardState(t.Context(), "entra"); err != nil || st.GroupsRemoved != 2 || st.UsersRemoved != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestTheGuardCountsGroupsThatAreEmptied: to whom was in it, a group without anybody is a group removed, however the client says so.
func TestTheGuardCountsGroupsThatAreEmptied(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	ids, client := pushed(t, s, directory.Guard{Share: 1, Least: 3}, 3)
	made := 0
	full := func() string {
		made++
		g, err := s.CreateGroup(t.Context(), client, directory.Group{DisplayName: fmt.Sprint("g", made), Source: "entra"}, ids)
		if err != nil {
			t.Fatal(err)
		}
		return g.ID
	}
	change := func(by audit.Actor, id string, mc directory.MemberChange) error {
		_, err := s.UpdateGroup(t.Context(), by, id, 0, func(*directory.Group) (directory.MemberChange, error) { return mc, nil })
		return err
	}
	removed := func(want int) {
		t.Helper()
		if st, err := s.GuardState(t.Context(), "entra"); err != nil || st.GroupsRemoved != want {
			t.Errorf("%d groups are counted, want %d; %v", st.GroupsRemoved, want, err)
		}
	}
	one := full()
	for what, mc := range map[string]directory.MemberChange{
		"some go":                {Remove: ids[:2]},
		"others come":            {Replace: true, Add: ids[1:]},
		"who was there is added": {Add: ids},
		"all go and one comes":   {Remove: ids[1:], Add: ids[:1]},
		"by an administrator":    {},
	} {
		by := client
		if what == "by an administrator" {
			by, mc = admin, directory.MemberChange{Replace: true}
		}
		if err := change(by, full(), mc); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	removed(0)
	for what, mc := range map[string]directory.MemberChange{"replaced by nobody": {Replace: true}, "all are named": {Remove: ids}, "and one who comes and goes": {Remove: ids, Add: ids[:1]}} {
		if err := change(client, full(), mc); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	removed(3)
	// The fourth is held and stays as it is; one by one it is no different, and what is empty already loses nobody.
	wantFault(t, change(client, one, directory.MemberChange{Replace: true}), fault.Denied, "held")
	for i, id := range ids {
		if err := change(client, one, directory.MemberChange{Remove: []string{id}}); (err == nil) != (i < 2) {
			t.Errorf("member %d of 3: %v", i+1, err)
		}
	}
	if ms, err := s.MembersOf(t.Context(), one, "", 10); err != nil || len(ms) != 1 {
		t.Errorf("%d members are left, want 1; %v", len(ms), err)
	}
	empty, err := s.CreateGroup(t.Context(), client, directory.Group{DisplayName: "empty", Source: "entra"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, mc := range []directory.MemberChange{{Replace: true}, {Remove: ids}} {
		if err := change(client, empty.ID, mc); err != nil {
			t.Errorf("an empty group: %v", err)
		}
	}
	removed(3)
}

// TestTheGuardHoldsWhenManyAskAtOnce: clients send in parallel, and together they get no more than one alone.
func TestTheGuardHoldsWhenManyAskAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	ids, client := pushed(t, s, directory.Guard{Share: 1, Least: 5}, 12)
	var mu sync.Mutex
	var wg sync.WaitGroup
	through := 0
	for _, id := range ids {
		wg.Go(func() {
			if err := disable(s, t, client, id); err == nil {
				mu.Lock()
				through++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if through != 5 {
		t.Errorf("%d removals went through, want 5", through)
	}
}

func TestGuardSettings(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	for _, g := range []directory.Guard{{Share: -1}, {Share: 101}, {Least: -1}, {Least: 1_000_001}} {
		_, err := s.CreateSource(t.Context(), admin, directory.Source{ID: "x", Guard: g})
		wantFault(t, err, fault.Invalid, "")
	}
	if got := (directory.Guard{}).Allowed(1000); got != 200 {
		t.Errorf("by default %d of 1000 may go", got)
	}
	if got := (directory.Guard{}).Allowed(10); got != 20 {
		t.Errorf("by default %d of 10 may go", got)
	}
	ids, client := pushed(t, s, directory.Guard{Off: true, Share: 1, Least: 1}, 5)
	for _, id := range ids {
		if err := disable(s, t, client, id); err != nil {
			t.Errorf("turned off: %v", err)
		}
	}
	for _, d := range []time.Duration{0, time.Second, directory.MaxConfirmation + 1} {
		_, err := s.ConfirmRemovals(t.Context(), admin, "entra", d)
		wantFault(t, err, fault.Invalid, "")
	}
	for _, err := range []error{second(s.GuardState(t.Context(), "none")), second(s.ConfirmRemovals(t.Context(), admin, "none", time.Hour)), second(s.ForgetRemovals(t.Context(), admin, "none"))} {
		wantFault(t, err, fault.NotFound, "")
	}
}

func second[T any](_ T, err error) error { return err }
