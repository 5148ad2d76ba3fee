package directory

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Disposal says what becomes of a source's users and groups when the source is removed.
type Disposal string

const (
	// Release makes them hand-made: they keep ids, memberships and assignments, and lose the external id of the source. People go on working, if there
	// is another way for them to sign in.
	Release Disposal = "release"
	// Disable does the same, and disables the users: everybody is out at once, and can be let in again one by one.
	Disable Disposal = "disable"
	// Delete deletes them.
	Delete Disposal = "delete"
)

func closing(id string) error {
	return fault.New(fault.Conflict, "the identity source %q is being removed", id).For("closing").About(ResourceSource, id)
}

// RemoveProvider makes a source trust no identity provider any more, and ends the sessions for which it vouched. From the first moment nobody can sign in
// through it, and none of these sessions opens anything. It works until a time as [Service.DeleteSource] does; the source that it returns says whether something
// is left. Calling it again goes on, as the server does by itself after a while ([Service.ContinueRemovals]).
func (s *Service) RemoveProvider(ctx context.Context, a audit.Actor, id string, until time.Time) (Source, error) {
	n, err := s.countVouched(ctx, id)
	if err != nil {
		return Source{}, err
	}
	src, err := s.closeProvider(ctx, a, id, n)
	if err != nil || !src.ProviderClosing {
		return src, err
	}
	return s.finishProvider(ctx, a, src, until)
}

// finishProvider ends the sessions of an identity provider that is forgotten, and says so when none is left.
func (s *Service) finishProvider(ctx context.Context, a audit.Actor, src Source, until time.Time) (Source, error) {
	id := src.ID
	if done, err := s.endVouched(ctx, a, id, s.over(until)); err != nil || !done {
		return src, err
	}
	return s.putSource(ctx, id, func(src *Source) (audit.Event, bool) {
		change := src.ProviderClosing
		src.ProviderClosing, src.ContinueAt = false, time.Time{}
		return audit.New(ctx, s.now(), a, "gatehouse:DeleteIdentityProvider", id), change
	})
}

// closeProvider forgets the provider, and notes that its sessions are being ended, and in the event how many they are. Where there is neither it changes nothing. Where that was
// done it takes the next turn.
func (s *Service) closeProvider(ctx context.Context, a audit.Actor, id string, sessions int) (Source, error) {
	return s.putSource(ctx, id, func(src *Source) (audit.Event, bool) {
		if src.Closing != "" || !src.ProviderClosing && src.SAML.EntityID == "" && sessions == 0 {
			return audit.Event{}, false
		}
		turn := s.turn(ctx, a, src)
		if src.ProviderClosing {
			return turn, true
		}
		e := audit.New(ctx, turn.At, a, "gatehouse:CloseIdentityProvider", id).With("entityId", src.SAML.EntityID).With("sessions", strconv.Itoa(sessions))
		src.SAML, src.ProviderClosing, src.VouchesSince = SAMLSettings{}, true, e.At
		return e, true
	})
}

// DeleteSource removes an identity source. From the first moment its tokens open nothing and nobody can sign in through it; then the sessions for
// which it vouched end, its users and groups are disposed of, each in a transaction with an event of its own, and at last the source goes. Owner rules that
// name the source go with it.
//
// It works until a time, if one is given, and a little longer: done is false when something is left then. Calling it again, with the same
// disposal or another, goes on, also after an error; so does the server by itself after a while ([Service.ContinueRemovals]).
//
// Faults: NotFound; Invalid for an unknown disposal; Conflict "in-use" when the source owns somebody and people is "".
func (s *Service) DeleteSource(ctx context.Context, a audit.Actor, id string, people Disposal, until time.Time) (done bool, err error) {
	if people != "" && people != Release && people != Disable && people != Delete {
		return false, invalid("people", "people are to be %q, %q or %q, not %q", Release, Disable, Delete, people)
	}
	if _, err := s.store.Source(ctx, id); err != nil {
		return false, err
	}
	users, groups, err := s.store.CountsOf(ctx, id)
	if err != nil {
		return false, err
	}
	if people == "" && users+groups > 0 {
		return false, fault.New(fault.Conflict, "the identity source %q owns %d users and %d groups; say what becomes of them: %s (made by hand from now on), %s (that, and nobody can sign in), or %s",
			id, users, groups, Release, Disable, Delete).For("in-use").About(ResourceSource, id)
	}
	if people == "" {
		people = Release // nobody, unless somebody is made this very moment
	}
	if err := s.close(ctx, a, id, people, users, groups); err != nil {
		return false, err
	}
	return s.finishSource(ctx, a, id, people, until)
}

// finishSource ends what a closed source vouched for, disposes of what it owns, and removes it. Others may be at it too.
func (s *Service) finishSource(ctx context.Context, a audit.Actor, id string, people Disposal, until time.Time) (done bool, err error) {
	over := s.over(until)
	if done, err := s.endVouched(ctx, a, id, over); err != nil || !done {
		return false, err
	}
	for {
		done, err := s.disposeOf(ctx, a, id, people, over)
		if err == nil && !done {
			return false, nil
		}
		if err == nil {
			err = s.forgetRules(ctx, a, id)
		}
		if err == nil {
			err = s.mayDispose(ctx, id, people)
		}
		if err == nil {
			err = s.store.DeleteSource(ctx, id, audit.New(ctx, s.now(), a, "gatehouse:DeleteSource", id).With("people", string(people)))
		}
		if fault.Is(err, fault.NotFound) {
			return true, nil
		}
		if f := fault.Of(err); f == nil || f.Reason != "in-use" {
			return err == nil, err
		}
		// Somebody was made by a request that began before the source was closed.
	}
}

// close notes that a source is being removed, so that its tokens and its identity provider open nothing any more, and in the event how many it owns. Where that was done
// it takes the next turn.
func (s *Service) close(ctx context.Context, a audit.Actor, id string, people Disposal, users, groups int) error {
	sessions, err := s.countVouched(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.putSource(ctx, id, func(src *Source) (audit.Event, bool) {
		turn := s.turn(ctx, a, src)
		if src.Closing == people {
			return turn, true
		}
		src.Closing, src.SAML, src.Domains = people, SAMLSettings{}, nil
		return audit.New(ctx, turn.At, a, "gatehouse:CloseSource", id).With("people", string(people)).
			With("users", strconv.Itoa(users)).With("groups", strconv.Itoa(groups)).With("sessions", strconv.Itoa(sessions)), true
	})
	return err
}

// A removal rests when nobody has begun a turn of it for restsAfter, which is longer than a turn takes. ownTurn is how long the server works on one that rests.
const (
	restsAfter = 30 * time.Second
	ownTurn    = 20 * time.Second
)

// turn notes in a source that its removal is being worked on from now.
func (s *Service) turn(ctx context.Context, a audit.Actor, src *Source) audit.Event {
	now := s.now()
	src.ContinueAt = now.Add(restsAfter)
	return audit.New(ctx, now, a, "gatehouse:ContinueRemoval", src.ID)
}

func (s *Service) rests(src Source) bool {
	return (src.Closing != "" || src.ProviderClosing) && !s.now().Before(src.ContinueAt)
}

// ContinueRemovals goes on with removals that rest: whoever asked for them went away, or the server that worked on them did. Any number of servers may call it, again and
// again: one of them takes the turn. Should a slow one be at it still, nothing is done twice but what may be.
func (s *Service) ContinueRemovals(ctx context.Context) error {
	all, err := s.store.Sources(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, src := range all {
		if s.rests(src) {
			errs = append(errs, s.continueRemoval(ctx, src.ID))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) continueRemoval(ctx context.Context, id string) error {
	mine := false
	src, err := s.putSource(ctx, id, func(src *Source) (audit.Event, bool) {
		if mine = s.rests(*src); !mine {
			return audit.Event{}, false
		}
		return s.turn(ctx, audit.Gatehouse, src), true
	})
	switch until := s.now().Add(ownTurn); {
	case err != nil || !mine:
	case src.Closing != "":
		_, err = s.finishSource(ctx, audit.Gatehouse, id, src.Closing, until)
	default:
		_, err = s.finishProvider(ctx, audit.Gatehouse, src, until)
	}
	if fault.Is(err, fault.NotFound) {
		return nil // the source is gone
	}
	return err
}

// putSource changes a source whatever its state, with the event that edit returns, unless that says that there is nothing to change.
func (s *Service) putSource(ctx context.Context, id string, edit func(*Source) (audit.Event, bool)) (Source, error) {
	for try := 0; ; try++ {
		src, err := s.store.Source(ctx, id)
		if err != nil {
			return src, err
		}
		e, change := edit(&src)
		if !change {
			return src, nil
		}
		src.Version++
		err = s.store.PutSource(ctx, src, src.Version-1, e)
		if !again(ctx, err, try) {
			return src, err
		}
	}
}

// over tells whether the time until which a removal may work has come; the zero time never does.
func (s *Service) over(until time.Time) func() bool {
	return func() bool { return !until.IsZero() && !s.now().Before(until) }
}

func (s *Service) countVouched(ctx context.Context, id string) (int, error) {
	if s.sessions == nil {
		return 0, nil
	}
	return s.sessions.CountVouched(ctx, id)
}

// endVouched ends the sessions for which a source vouched that does so no more, until none is left or it is over.
func (s *Service) endVouched(ctx context.Context, a audit.Actor, id string, over func() bool) (done bool, err error) {
	for more := s.sessions != nil; more; {
		if more, err = s.sessions.EndVouched(ctx, a, id); err != nil || (more && over()) {
			return false, err
		}
	}
	return true, nil
}

// mayDispose looks whether a source is being removed still, and with this disposal: others may have brought that to its end, and there be a source of the same id whose
// people are not meant.
func (s *Service) mayDispose(ctx context.Context, id string, people Disposal) error {
	src, err := s.store.Source(ctx, id)
	switch {
	case err != nil:
		return err
	case src.Closing == "":
		return fault.New(fault.NotFound, "the identity source %q that was being removed is gone", id).About(ResourceSource, id)
	case src.Closing != people:
		return fault.New(fault.Conflict, "the identity source %q is being removed with another disposal of its people now: %s; ask again", id, src.Closing).For("closing").About(ResourceSource, id)
	}
	return nil
}

// disposeOf works through all that a source owns, until it is over.
func (s *Service) disposeOf(ctx context.Context, a audit.Actor, id string, people Disposal, over func() bool) (done bool, err error) {
	done, err = eachOf(ctx, over, func(ctx context.Context, n int) ([]Group, error) {
		if err := s.mayDispose(ctx, id, people); err != nil {
			return nil, err
		}
		return s.store.GroupsOf(ctx, id, "", n)
	}, func(ctx context.Context, g Group) error {
		if people == Delete {
			return s.DeleteGroup(ctx, a, g.ID, 0)
		}
		_, err := s.UpdateGroup(ctx, a, g.ID, 0, func(g *Group) (MemberChange, error) {
			g.Source = ""
			return MemberChange{}, nil
		})
		return err
	})
	if err != nil || !done {
		return false, err
	}
	return eachOf(ctx, over, func(ctx context.Context, n int) ([]User, error) {
		if err := s.mayDispose(ctx, id, people); err != nil {
			return nil, err
		}
		return s.store.UsersOf(ctx, id, "", n)
	}, func(ctx context.Context, u User) error {
		if people == Delete {
			return s.DeleteUser(ctx, a, u.ID, 0)
		}
		_, err := s.UpdateUser(ctx, a, u.ID, 0, func(u *User) error {
			u.Source = ""
			u.Active = u.Active && people != Disable
			return nil
		})
		return err
	})
}

// eachOf does something with everything that first lists, until nothing is left or it is over: what is done takes it off the list. Several are under
// way at once, because stores commit together what waits together.
func eachOf[T any](ctx context.Context, over func() bool, first func(ctx context.Context, n int) ([]T, error), do func(context.Context, T) error) (done bool, err error) {
	const page, hands = 256, 16
	for {
		xs, err := first(ctx, page)
		if err != nil || len(xs) == 0 {
			return err == nil, err
		}
		work, errs := make(chan T), make(chan error, hands)
		var wait sync.WaitGroup
		for range min(hands, len(xs)) {
			wait.Go(func() {
				var failed error
				for x := range work {
					if err := do(ctx, x); err != nil && !fault.Is(err, fault.NotFound) && failed == nil { // one that is gone is disposed of
						failed = err
					}
				}
				errs <- failed
			})
		}
		for _, x := range xs {
			work <- x
		}
		close(work)
		wait.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				return false, err
			}
		}
		if over() {
			return false, nil
		}
	}
}

// forgetRules takes the rules that name a source away from others, so that one of the same id in later days begins without them.
func (s *Service) forgetRules(ctx context.Context, a audit.Actor, id string) error {
	all, err := s.store.Sources(ctx)
	if err != nil {
		return err
	}
	for _, src := range all {
		if _, named := src.Owners.Directories[id]; !named || src.Closing != "" {
			continue
		}
		_, err := s.UpdateSource(ctx, a, src.ID, func(src *Source) error {
			delete(src.Owners.Directories, id)
			return nil
		})
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}
