package credential

import (
	"context"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Outcome is the end of an attempt.
type Outcome struct {
	// Opened is set when a session was opened.
	Opened *signin.Opened
	// Known goes into the cookie of remembered browsers until KnownUntil.
	Known      string
	KnownUntil time.Time
	// Until is when the attempt stops counting as recent, and its cookie ends.
	Until    time.Time
	ReturnTo string
}

// Open ends an attempt in which everything was proved: it opens a session, or confirms the one that [Again] is about. previous is the
// secret in the browser's session cookie, see [signin.Service.OpenSession].
//
// Faults: Denied "step" when something is missing; "over"; those of OpenSession.
func (s *Service) Open(ctx context.Context, b Browser, previous string) (Outcome, error) {
	st, err := s.due(ctx, b, StepOpen)
	if err != nil {
		return Outcome{}, err
	}
	if !st.may {
		return Outcome{}, s.wrong(ctx, st, "may not sign in (any more)", errWrongPassword)
	}
	now := s.now()
	out := Outcome{Until: now.Add(AttemptLife), ReturnTo: st.a.ReturnTo}
	a, err := s.advance(ctx, st.a, func(a *Attempt) { a.DoneAt, a.ExpiresAt = now, out.Until })
	if err != nil {
		return Outcome{}, err
	}
	if a.Purpose == Again {
		e := audit.New(ctx, now, actorOf(st.u), "signin:Confirm", a.SessionID).With("method", string(method(a)))
		return out, s.store.Note(ctx, e)
	}
	o, err := s.sessions.OpenSession(ctx, st.u, signin.Proof{Method: method(a), SourceID: directory.BuiltIn}, previous)
	if err != nil {
		return Outcome{}, err
	}
	if err := s.overtaken(ctx, st, b, o.Session); err != nil {
		return Outcome{}, err
	}
	out.Opened = &o
	// What follows is for convenience and for those who watch; the session is open already.
	if _, err := s.advance(ctx, a, func(a *Attempt) { a.SessionID = o.Session.ID }); err != nil {
		s.log.WarnContext(ctx, "a sign-in will not count as recent", "session", o.Session.ID, "error", err)
	}
	if out.Known, out.KnownUntil, err = s.remember(ctx, st, b); err != nil {
		s.log.WarnContext(ctx, "a browser will not be remembered", "user", st.u.ID, "error", err)
	}
	if st.p.BreakGlass {
		s.alarm(ctx, st, o.Session.ID)
	}
	return out, nil
}

// overtaken looks again at whom the session was opened for. Whoever changes a password, or what lets her in, ends the sessions that are there: one that came too late
// to be found finds the change here, and ends.
func (s *Service) overtaken(ctx context.Context, st standing, b Browser, ses signin.Session) error {
	err := s.fill(ctx, &st, b)
	if err == nil && !st.may {
		err = errOver
	}
	if err == nil {
		return nil
	}
	if end := s.sessions.EndSession(ctx, audit.Gatehouse, ses.UserID, ses.ID); end != nil && !fault.Is(end, fault.NotFound) {
		return end
	}
	return err
}

func method(a Attempt) signin.Method {
	switch {
	case !a.PasskeyAt.IsZero():
		return signin.Passkey
	case !a.SecondAt.IsZero():
		return signin.PasswordAndSecond
	}
	return signin.Password
}

// alarm says loudly that a break-glass administrator is in.
func (s *Service) alarm(ctx context.Context, st standing, session string) {
	e := audit.New(ctx, s.now(), actorOf(st.u), "signin:BreakGlass", session).With("method", string(method(st.a)))
	s.log.WarnContext(ctx, "a break-glass administrator has signed in", "user", st.u.UserName, "address", st.place, "session", session)
	if err := s.store.Note(ctx, e); err != nil {
		s.log.ErrorContext(ctx, "the sign-in of a break-glass administrator could not be noted", "user", st.u.UserName, "error", err)
	}
}

// remember notes the browser. Its secret is minted here unless it is of a browser remembered for her already: one that came from outside
// could be known to others. The address is noted only after everything that can be asked of her was shown; else whoever has the
// password alone would be nobody new the next time.
func (s *Service) remember(ctx context.Context, st standing, b Browser) (secret string, until time.Time, err error) {
	k := st.known
	if secret = b.Known; k.Hash == nil {
		secret = s.secret()
		k = Known{Hash: signin.Hash(secret), UserID: st.u.ID}
	}
	if st.whole() {
		k.Places = append(slices.DeleteFunc(slices.Clone(k.Places), func(p string) bool { return p == st.place }), st.place)
		k.Places = k.Places[max(0, len(k.Places)-MaxPlaces):]
	}
	k.LastSeenAt = s.now()
	k.ExpiresAt = k.LastSeenAt.Add(KnownLife)
	return secret, k.ExpiresAt, s.store.PutKnown(ctx, k)
}

// whole reports whether everything was shown that can be asked of her.
func (st standing) whole() bool {
	return !st.a.SecondAt.IsZero() || !st.a.PasskeyAt.IsZero() || st.p.Devices() == 0
}

// Recent reports whether the person of a session proved who she is a short while ago, in this browser: changes of devices and passwords ask for it. A
// sign-in in which she was not asked for her device, as the browser is remembered, is none: changing what she signs in with takes what she signs in with.
func (s *Service) Recent(ctx context.Context, b Browser, who signin.Identity) (bool, error) {
	_, err := s.recent(ctx, b, who)
	if fault.Is(err, fault.Denied) {
		return false, nil
	}
	return err == nil, err
}

// recent is stand for a finished attempt of the person's session.
func (s *Service) recent(ctx context.Context, b Browser, who signin.Identity) (standing, error) {
	st, err := s.stand(ctx, b)
	if err == nil && (st.a.DoneAt.IsZero() || st.a.UserID != who.User.ID || st.a.SessionID != who.Session.ID || st.set.MFA != Never && !st.whole()) {
		err = fault.New(fault.Denied, "Sign in again first.").For("again")
	}
	if err == nil && !st.may {
		err = fault.New(fault.Denied, "Your sign-in is not managed here.").For("other-source")
	}
	return st, err
}
