package directory

import (
	"context"
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

// DeleteSource removes an identity source. From the first moment its tokens open nothing and nobody can sign in through it; then the sessions for
// which it vouched end, its users and groups are disposed of, each in a transaction with an event of its own, and at last the source goes. Owner rules that
// name the source go with it.
//
// It works until a time, if one is given, and a little longer: done is false when something is left then. Calling it again, with the same
// disposal or another, goes on, also after an error.
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
	over := func() bool { return !until.IsZero() && !s.now().Before(until) }
	for more := s.vouched != nil; more; {
		if more, err = s.vouched(ctx, a, id); err != nil || (more && over()) {
			return false, err
		}
	}
	for {
		if done, err := s.disposeOf(ctx, a, id, people, over); err != nil || !done {
			return false, err
		}
		if err := s.forgetRules(ctx, a, id); err != nil {
			return false, err
		}
		err := s.store.DeleteSource(ctx, id, audit.New(ctx, s.now(), a, "gatehouse:DeleteSource", id).With("people", string(people)))
		if f := fault.Of(err); f == nil || f.Reason != "in-use" {
			return err == nil, err
		}
		// Somebody was made by a request that began before the source was closed.
	}
}

// close notes that a source is being removed, so that its tokens and its identity provider open nothing any more, and in the event how many it owns.
func (s *Service) close(ctx context.Context, a audit.Actor, id string, people Disposal, users, groups int) error {
	for try := 0; ; try++ {
		src, err := s.store.Source(ctx, id)
		if err != nil || src.Closing == people {
			return err
		}
		old := src.Version
		src.Version, src.Closing, src.SAML, src.Domains = old+1, people, SAMLSettings{}, nil
		e := audit.New(ctx, s.now(), a, "gatehouse:CloseSource", id).With("people", string(people)).With("users", strconv.Itoa(users)).With("groups", strconv.Itoa(groups))
		err = s.store.PutSource(ctx, src, old, e)
		if !again(ctx, err, try) {
			return err
		}
	}
}

// disposeOf works through all that a source owns, until it is over.
func (s *Service) disposeOf(ctx context.Context, a audit.Actor, id string, people Disposal, over func() bool) (done bool, err error) {
	done, err = eachOf(ctx, over, func(ctx context.Context, n int) ([]Group, error) { return s.store.GroupsOf(ctx, id, "", n) }, func(ctx context.Context, g Group) error {
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
	return eachOf(ctx, over, func(ctx context.Context, n int) ([]User, error) { return s.store.UsersOf(ctx, id, "", n) }, func(ctx context.Context, u User) error {
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
