package signin

import (
	"context"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// touchAfter is how old LastSeenAt may grow before it is written again.
const touchAfter = time.Minute

// OpenSession opens a session for a user who proved who she is by a means that needs no second visit (not for
// answers of identity providers: see Park and Claim). previous is as for Claim.
//
// Faults: Denied "inactive", Denied "expired".
func (s *Service) OpenSession(ctx context.Context, u directory.User, p Proof, previous string) (Opened, error) {
	if !u.Active {
		return Opened{}, refused("inactive", "You may not sign in. Ask your administrator.")
	}
	now := s.now()
	o, err := s.newSession(ctx, u, p, now)
	if err != nil {
		return Opened{}, err
	}
	o.ReturnTo = DefaultReturn
	if end := s.toEnd(ctx, previous, u.ID); end != "" {
		if err := s.end(ctx, actorOf(u), end, "another user signed in"); err != nil {
			return Opened{}, err
		}
	}
	e := audit.New(ctx, now, actorOf(u), "signin:SignIn", o.Session.ID).With("method", string(p.Method))
	return o, s.store.InsertSession(ctx, o.Session, e)
}

// Authenticate returns the person whose session cookie holds the secret.
//
// Faults: Unauthenticated when there is no such session, it has ended, or its user is inactive or deleted.
func (s *Service) Authenticate(ctx context.Context, secret string) (Identity, error) {
	nobody := fault.New(fault.Unauthenticated, "You are not signed in.")
	if secret == "" {
		return Identity{}, nobody
	}
	ses, err := s.store.SessionByHash(ctx, Hash(secret))
	if err != nil {
		return Identity{}, gone(err, nobody)
	}
	now := s.now()
	if !now.Before(ses.ExpiresAt) {
		return Identity{}, nobody.For("expired")
	}
	id, err := s.person(ctx, ses)
	if err != nil {
		return Identity{}, err
	}
	if now.Sub(ses.LastSeenAt) >= touchAfter {
		if err := s.store.TouchSession(ctx, ses.ID, now); err != nil {
			s.log.WarnContext(ctx, "noting the use of a session failed", "session", ses.ID, "error", err)
		}
	}
	return id, nil
}

// SignOut ends the session whose cookie holds the secret, with every token that hangs on it. A session that is gone already is no error.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	ses, err := s.store.SessionByHash(ctx, Hash(secret))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.end(ctx, audit.Actor{Kind: audit.Person, ID: ses.UserID}, ses.ID, "signed out")
}

// end removes a session; that it is gone already is no error.
func (s *Service) end(ctx context.Context, a audit.Actor, id, why string) error {
	err := s.store.DeleteSession(ctx, id, audit.New(ctx, s.now(), a, "signin:EndSession", id).With("why", why))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Sessions lists a user's open sessions by id, after the given one, at most limit (1–1,000). Sessions that ended and were not swept
// yet are left out, so that a page may be shorter.
func (s *Service) Sessions(ctx context.Context, userID, after string, limit int) ([]Session, error) {
	all, err := s.store.SessionsOf(ctx, userID, after, limit)
	if err != nil {
		return nil, err
	}
	now, open := s.now(), make([]Session, 0, len(all))
	for _, ses := range all {
		if now.Before(ses.ExpiresAt) {
			open = append(open, ses)
		}
	}
	return open, nil
}

// EndSession ends one session of a user, with its tokens.
//
// Faults: NotFound "SESSION" also when the session is another user's.
func (s *Service) EndSession(ctx context.Context, a audit.Actor, userID, id string) error {
	ses, err := s.store.Session(ctx, id)
	if err != nil {
		return err
	}
	if ses.UserID != userID {
		return fault.New(fault.NotFound, "the user has no session %s", id).About("SESSION", id)
	}
	why := "ended by an administrator"
	if a.Kind == audit.Person {
		why = "ended from another session"
	}
	return s.end(ctx, a, id, why)
}

// EndSessions ends all sessions of a user, with their tokens, and returns how many there were.
func (s *Service) EndSessions(ctx context.Context, a audit.Actor, userID string) (int, error) {
	e := audit.New(ctx, s.now(), a, "signin:EndSessions", userID)
	return s.store.DeleteSessionsOf(ctx, userID, e)
}

// endBatch is how many sessions end in one transaction.
const endBatch = 500

// CountSessionsBySource returns how many sessions an identity source vouched for; those that expired a moment ago may be among them.
func (s *Service) CountSessionsBySource(ctx context.Context, sourceID string) (int, error) {
	return s.store.CountSessionsBySource(ctx, sourceID)
}

// EndSessionsBySource ends some of the sessions that an identity source vouched for, with their tokens, and reports whether any are left. The source must
// vouch no more ([Users]). Sign-ins under way that it vouched for are dropped. Before the sessions it calls also with their users' ids, for what else rests on
// them; an error of that leaves the sessions to be found again.
func (s *Service) EndSessionsBySource(ctx context.Context, a audit.Actor, sourceID string, also func(ctx context.Context, userIDs []string) error) (more bool, err error) {
	const why = "the identity source vouches no more"
	if _, err := s.store.DropParked(ctx, sourceID, audit.New(ctx, s.now(), a, "signin:DropSignIns", sourceID).With("why", why)); err != nil {
		return false, err
	}
	ss, err := s.store.SessionsBySource(ctx, sourceID, "", endBatch)
	if err != nil || len(ss) == 0 {
		return false, err
	}
	users, events := make([]string, len(ss)), make([]audit.Event, len(ss))
	for i, ses := range ss {
		users[i] = ses.UserID
		events[i] = audit.New(ctx, s.now(), a, "signin:EndSession", ses.ID).With("why", why).With("userId", ses.UserID)
	}
	slices.Sort(users)
	if err := also(ctx, slices.Compact(users)); err != nil {
		return false, err
	}
	_, err = s.store.DeleteSessions(ctx, events)
	return len(ss) == endBatch, err
}
