package directory

import (
	"context"
	"fmt"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// The guard holds back a source's SCIM client that takes away too much: a wrong scoping filter or an application
// deleted at the identity provider looks, from here, like everybody leaving at once, and disabled people lose
// their sessions and keys at once. Removals are counted per source; past the set share further ones are refused until an
// administrator says that they are meant. Whatever else the client asks for goes on.

// Guard is a source's setting. The zero Guard is the default one.
type Guard struct {
	// Off lets everything through.
	Off bool
	// Share is how many of a hundred of the source's users, or groups, may be taken away in [GuardWindow]: 1 to 100;
	// 0 means [DefaultGuardShare].
	Share int
	// Least is how many may be taken away whatever share that is; 0 means [DefaultGuardLeast].
	Least int
}

// Figures of a guard that sets none, and how long removals are counted together.
const (
	DefaultGuardShare = 20
	DefaultGuardLeast = 20
	GuardWindow       = 24 * time.Hour
)

// Bounds of what a confirmation may allow.
const (
	MinConfirmation = time.Minute
	MaxConfirmation = 7 * 24 * time.Hour
)

// GuardState is what the guard has seen of a source.
type GuardState struct {
	SourceID string
	// Version is 0 of a state that is not stored yet.
	Version int64
	// Since is when the window began; Users and Groups are how many the source had then.
	Since         time.Time
	Users, Groups int
	// UsersRemoved and GroupsRemoved are what was taken away since.
	UsersRemoved, GroupsRemoved int
	// HeldAt is when the first removal was refused, zero when the source is not held; Refused is how many were.
	HeldAt  time.Time
	Refused int
	// ConfirmedUntil lets everything through until then.
	ConfirmedUntil time.Time
}

// Held reports whether removals are refused at that time.
func (st GuardState) Held(now time.Time) bool {
	return !st.HeldAt.IsZero() && !now.Before(st.ConfirmedUntil)
}

// removal is a kind of taking away.
type removal int

const (
	removeUser removal = iota
	removeGroup
)

// Figures returns the guard's numbers with defaults in their places.
func (g Guard) Figures() (share, least int) {
	share, least = g.Share, g.Least
	if share == 0 {
		share = DefaultGuardShare
	}
	if least == 0 {
		least = DefaultGuardLeast
	}
	return share, least
}

// Allowed is how many of a population may be taken away in one window.
func (g Guard) Allowed(population int) int {
	share, least := g.Figures()
	return max(least, population*share/100)
}

func checkGuard(g Guard) error {
	if g.Share < 0 || g.Share > 100 {
		return invalid("guard", "the guard's share is 1 to 100 of a hundred, not %d", g.Share)
	}
	if g.Least < 0 || g.Least > 1_000_000 {
		return invalid("guard", "the guard's least number is 1 to 1000000, not %d", g.Least)
	}
	return nil
}

// over reports whether counting begins anew: the window has ended, or none has begun. It does not end while removals are held.
func (st GuardState) over(now time.Time) bool {
	return st.Since.IsZero() || st.HeldAt.IsZero() && !now.Before(st.Since.Add(GuardWindow))
}

// count adds a removal to the state, or refuses it.
func (g Guard) count(st *GuardState, what removal, now time.Time) (admitted bool) {
	removed, population := &st.UsersRemoved, st.Users
	if what == removeGroup {
		removed, population = &st.GroupsRemoved, st.Groups
	}
	if now.Before(st.ConfirmedUntil) || *removed < g.Allowed(population) {
		*removed++
		return true
	}
	if st.HeldAt.IsZero() {
		st.HeldAt = now
	}
	st.Refused++
	return false
}

// guard counts a removal that a source's client asks for, and refuses it with fault.Denied "held" past the set share.
// Others than SCIM clients are not held back. It counts before the change is made: one that then fails has counted.
func (s *Service) guard(ctx context.Context, a audit.Actor, what removal) error {
	if a.Kind != audit.Directory {
		return nil
	}
	src, err := s.store.Source(ctx, a.ID)
	if err != nil || src.Guard.Off {
		return err
	}
	for try := 0; ; try++ {
		st, err := s.store.GuardState(ctx, a.ID)
		if err != nil {
			return err
		}
		now := s.now()
		heldBefore := st.Held(now)
		if st.over(now) {
			st = GuardState{SourceID: st.SourceID, Version: st.Version, Since: now, ConfirmedUntil: st.ConfirmedUntil}
			if st.Users, st.Groups, err = s.store.CountsOf(ctx, src.ID); err != nil {
				return err
			}
		}
		admitted := src.Guard.count(&st, what, now)
		st.Version++
		if !admitted && !heldBefore {
			e := audit.New(ctx, now, a, "gatehouse:HoldSync", a.ID).With("users", fmt.Sprintf("%d of %d", st.UsersRemoved, st.Users)).
				With("groups", fmt.Sprintf("%d of %d", st.GroupsRemoved, st.Groups))
			err = s.store.PutGuardState(ctx, st, e)
		} else {
			err = s.store.NoteGuardState(ctx, st)
		}
		if again(ctx, err, try) {
			continue
		}
		if err == nil && !admitted {
			err = held(st)
		}
		return err
	}
}

// guardEmptying counts a group out of which a source's client takes everybody whom it sees: to them it is a group removed. It reads no more members than
// are taken out, and one.
func (s *Service) guardEmptying(ctx context.Context, a audit.Actor, id string, owners []string, mc MemberChange) error {
	if !mc.Replace && len(mc.Remove) == 0 || len(without(mc.Add, mc.Remove)) > 0 {
		return nil
	}
	gone := make(map[string]bool, len(mc.Remove))
	for _, u := range mc.Remove {
		gone[u] = true
	}
	const page = 1000
	for after, some := "", false; ; some = true {
		ms, err := s.store.MembersOwnedBy(ctx, id, owners, after, min(len(gone)+1, page))
		if err != nil || len(ms) == 0 && !some {
			return err
		}
		for _, m := range ms {
			if !mc.Replace && !gone[m.UserID] {
				return nil
			}
		}
		if mc.Replace || len(ms) < page {
			return s.guard(ctx, a, removeGroup)
		}
		after = ms[len(ms)-1].UserID
	}
}

func held(st GuardState) error {
	return fault.New(fault.Denied, "this directory has taken away %d of %d users and %d of %d groups since %s; further removals are held until an administrator confirms them (gatehouse directory guard %s --confirm 2h)",
		st.UsersRemoved, st.Users, st.GroupsRemoved, st.Groups, st.Since.UTC().Format(time.RFC3339), st.SourceID).For("held").About(ResourceSource, st.SourceID)
}

// GuardState returns what the guard has seen of a source.
func (s *Service) GuardState(ctx context.Context, sourceID string) (GuardState, error) {
	if _, err := s.store.Source(ctx, sourceID); err != nil {
		return GuardState{}, err
	}
	st, err := s.store.GuardState(ctx, sourceID)
	if err != nil || !st.Since.IsZero() {
		return st, err
	}
	st.Users, st.Groups, err = s.store.CountsOf(ctx, sourceID)
	return st, err
}

// ConfirmRemovals lets the source's client take away whatever it wants for a while, [MinConfirmation] to [MaxConfirmation]:
// what was held was meant.
func (s *Service) ConfirmRemovals(ctx context.Context, a audit.Actor, sourceID string, d time.Duration) (GuardState, error) {
	if d < MinConfirmation || d > MaxConfirmation {
		return GuardState{}, invalid("hours", "removals can be confirmed for one minute to seven days")
	}
	return s.changeGuard(ctx, a, sourceID, "gatehouse:ConfirmRemovals", func(st *GuardState, now time.Time) {
		st.ConfirmedUntil, st.HeldAt, st.Refused = now.Add(d), time.Time{}, 0
	})
}

// ForgetRemovals begins to count anew and takes a confirmation back: what was held was a mistake, and has been mended where it was made.
func (s *Service) ForgetRemovals(ctx context.Context, a audit.Actor, sourceID string) (GuardState, error) {
	return s.changeGuard(ctx, a, sourceID, "gatehouse:ForgetRemovals", func(st *GuardState, _ time.Time) {
		*st = GuardState{SourceID: st.SourceID, Version: st.Version}
	})
}

func (s *Service) changeGuard(ctx context.Context, a audit.Actor, sourceID, action string, change func(*GuardState, time.Time)) (GuardState, error) {
	if _, err := s.store.Source(ctx, sourceID); err != nil {
		return GuardState{}, err
	}
	for try := 0; ; try++ {
		st, err := s.store.GuardState(ctx, sourceID)
		if err != nil {
			return GuardState{}, err
		}
		now := s.now()
		change(&st, now)
		st.Version++
		err = s.store.PutGuardState(ctx, st, audit.New(ctx, now, a, action, sourceID))
		if again(ctx, err, try) {
			continue
		}
		if err != nil {
			return GuardState{}, err
		}
		return s.GuardState(ctx, sourceID)
	}
}
