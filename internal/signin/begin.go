package signin

import (
	"context"
	"crypto/subtle"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Begun is a sign-in that was begun: what goes to the identity provider, and what to the browser.
type Begun struct {
	// RequestID is the AuthnRequest's ID.
	RequestID string
	// Relay is the RelayState to send.
	Relay string
	// BrowserSecret goes into a cookie (HttpOnly, SameSite=Lax) and is shown again to Claim.
	BrowserSecret string
	// ExpiresAt is when an answer is no longer taken.
	ExpiresAt time.Time
}

// BeginSignIn remembers that a browser is being sent to the identity provider of a source. returnTo is where to go
// afterwards; anything but a [LocalPath] becomes [DefaultReturn]. Whether the source exists is the caller's to know.
//
// Faults: Throttled when one address begins too many.
func (s *Service) BeginSignIn(ctx context.Context, sourceID, returnTo string) (Begun, error) {
	now := s.now()
	if !s.arrivals.allow("sign-in "+Place(ctx), now) {
		return Begun{}, fault.New(fault.Throttled, "Too many sign-ins were begun. Wait a moment.")
	}
	b := Begun{
		RequestID: "_" + arn.Hex(s.rand, 40), Relay: arn.NewSecret(s.rand, 32),
		BrowserSecret: s.secret(""), ExpiresAt: now.Add(RequestLife),
	}
	r := Request{
		ID: b.RequestID, SourceID: sourceID, Relay: b.Relay, BrowserHash: Hash(b.BrowserSecret),
		ReturnTo: ReturnPath(returnTo), CreatedAt: now, ExpiresAt: b.ExpiresAt,
	}
	e := audit.New(ctx, now, anonymous, "signin:BeginSignIn", r.ID).With("source", sourceID)
	if err := s.store.InsertRequest(ctx, r, e); err != nil {
		return Begun{}, err
	}
	return b, nil
}

// Verified is an answer of an identity provider whose signature and contents were verified, and the user it names.
type Verified struct {
	SourceID string
	// RequestID is the answer's InResponseTo.
	RequestID string
	// Unsolicited says that the answer has no InResponseTo and that the source allows this. RequestID must then be
	// empty, and must not be otherwise.
	Unsolicited bool
	// Relay is the RelayState as received. For a request of ours it must be the one sent, or absent; for an
	// unsolicited answer it may be a path of this server to go to.
	Relay string
	// AssertionID is the assertion's own ID.
	AssertionID string
	// AssertionExpires is when the assertion is refused anyway: its NotOnOrAfter and the skew allowed.
	AssertionExpires time.Time
	// UserID is the user whom the assertion names. Whether she may use the source was checked; whether she is active is checked by Claim.
	UserID string
	// Proof is kept with the session. Its SourceID is set here.
	Proof Proof
}

// Waiting is an answer that waits for its browser to come back.
type Waiting struct {
	// Handle is shown to Claim; it goes into the URL the browser is sent to, works once, for [ParkedLife], and only
	// together with the browser secret.
	Handle string
	// BrowserSecret is empty when the browser has had it since BeginSignIn. For an unsolicited answer it is new, and the door sets
	// the cookie with its answer to the POST.
	BrowserSecret string
	ExpiresAt     time.Time
}

// Park takes a verified answer: the request is used up and the assertion remembered, so that neither comes in again, and
// the result waits for Claim.
//
// Faults, all Denied unless said, by Reason: "unknown-request" (never asked, asked of another source, other RelayState),
// "expired" (asked too long ago, or the assertion has expired), "used" (the request was answered already),
// "replay" (the assertion was accepted already); Invalid when Unsolicited and RequestID disagree or an id is missing.
func (s *Service) Park(ctx context.Context, v Verified) (Waiting, error) {
	now := s.now()
	if v.Unsolicited != (v.RequestID == "") || v.SourceID == "" || v.AssertionID == "" || v.UserID == "" || v.Proof.Method == "" {
		return Waiting{}, fault.New(fault.Invalid, "the answer of the identity provider lacks a part")
	}
	if !now.Before(v.AssertionExpires) {
		return Waiting{}, refused("expired", "The answer of your identity provider has expired. Sign in again.")
	}
	handle := s.secret("")
	w := Waiting{Handle: handle, ExpiresAt: now.Add(ParkedLife)}
	v.Proof.SourceID = v.SourceID
	p := Parked{
		Hash: Hash(handle), RequestID: v.RequestID, UserID: v.UserID, Proof: v.Proof,
		ReturnTo: ReturnPath(v.Relay), CreatedAt: now, ExpiresAt: w.ExpiresAt,
	}
	if v.Unsolicited {
		w.BrowserSecret = s.secret("")
		p.BrowserHash = Hash(w.BrowserSecret)
	} else {
		r, err := s.pending(ctx, v, now)
		if err != nil {
			return Waiting{}, err
		}
		p.BrowserHash, p.ReturnTo = r.BrowserHash, r.ReturnTo
	}
	replay := Replay{SourceID: v.SourceID, AssertionID: v.AssertionID, ExpiresAt: v.AssertionExpires}
	e := audit.New(ctx, now, anonymous, "signin:ParkSignIn", v.RequestID).
		With("source", v.SourceID).With("assertion", v.AssertionID).With("userId", v.UserID)
	if err := s.store.Park(ctx, p, replay, e); err != nil {
		if fault.Is(err, fault.Conflict) && fault.Of(err).Reason == "replay" {
			return Waiting{}, refused("replay", "This sign-in was used already. Sign in again.").Because(err)
		}
		return Waiting{}, lost(err, refused("used", "This sign-in was used already. Sign in again."))
	}
	return w, nil
}

func refused(reason, message string) *fault.Fault {
	return fault.New(fault.Denied, "%s", message).For(reason)
}

// pending returns the request that v answers.
func (s *Service) pending(ctx context.Context, v Verified, now time.Time) (Request, error) {
	unknown := refused("unknown-request", "This server is not waiting for such an answer. Begin again at the sign-in page.")
	r, err := s.store.Request(ctx, v.RequestID)
	switch {
	case err != nil:
		return Request{}, gone(err, unknown)
	case r.SourceID != v.SourceID, v.Relay != "" && v.Relay != r.Relay:
		return Request{}, unknown
	case !r.UsedAt.IsZero():
		return Request{}, refused("used", "This sign-in was used already. Sign in again.")
	case !now.Before(r.ExpiresAt):
		return Request{}, refused("expired", "The sign-in took longer than ten minutes. Sign in again.")
	}
	return r, nil
}

// Opened is a session that was just opened.
type Opened struct {
	// Secret goes into the session cookie, until Session.ExpiresAt.
	Secret  string
	Session Session
	User    directory.User
	// ReturnTo is a local path.
	ReturnTo string
}

// Claim opens the session that a parked answer is good for, in the browser that has its secret. previous is the
// secret in the browser's session cookie, or empty: a session of another user ends, as nobody could sign it out any more; one of the
// same user stays for the command lines that hang on it.
//
// Faults, all Denied, by Reason: "unknown" (no such handle, used, or expired), "browser" (another browser began the sign-in),
// "inactive" (the user may not sign in), "expired" (the identity provider's own session is over).
func (s *Service) Claim(ctx context.Context, handle, browserSecret, previous string) (Opened, error) {
	now := s.now()
	unknown := refused("unknown", "This sign-in is over. Sign in again.")
	p, err := s.store.Parked(ctx, Hash(handle))
	if err != nil {
		return Opened{}, gone(err, unknown)
	}
	if !now.Before(p.ExpiresAt) {
		return Opened{}, unknown
	}
	if browserSecret == "" || subtle.ConstantTimeCompare(Hash(browserSecret), p.BrowserHash) != 1 {
		return Opened{}, refused("browser", "This sign-in was begun in another browser. Sign in again in this one, and allow cookies.")
	}
	u, err := s.users.User(ctx, p.UserID)
	inactive := refused("inactive", "You may not sign in. Ask your administrator.")
	if err != nil {
		return Opened{}, gone(err, inactive)
	}
	if !u.Active {
		return Opened{}, inactive
	}
	o, err := s.newSession(ctx, u, p.Proof, now)
	if err != nil {
		return Opened{}, err
	}
	o.ReturnTo = p.ReturnTo
	end := s.toEnd(ctx, previous, u.ID)
	e := audit.New(ctx, now, actorOf(u), "signin:SignIn", o.Session.ID).
		With("method", string(p.Proof.Method)).With("source", p.Proof.SourceID)
	if err := s.store.Claim(ctx, p.Hash, o.Session, end, e); err != nil {
		return Opened{}, lost(err, unknown)
	}
	return o, nil
}

// newSession makes a session, not stored yet. Its secret is always new.
func (s *Service) newSession(ctx context.Context, u directory.User, p Proof, now time.Time) (Opened, error) {
	v, err := s.Settings(ctx)
	if err != nil {
		return Opened{}, err
	}
	end := now.Add(v.SessionLength)
	if !p.NotOnOrAfter.IsZero() && p.NotOnOrAfter.Before(end) {
		end = p.NotOnOrAfter.UTC().Truncate(time.Microsecond)
	}
	if !now.Before(end) {
		return Opened{}, refused("expired", "Your session at the identity provider is over. Sign in there again.")
	}
	secret := s.secret("")
	return Opened{Secret: secret, User: u, Session: Session{
		ID: arn.UUID(s.rand), Hash: Hash(secret), UserID: u.ID, Proof: p,
		CreatedAt: now, ExpiresAt: end, LastSeenAt: now,
	}}, nil
}

// toEnd returns the id of the session with the secret if it is of another user than the one now signing in.
func (s *Service) toEnd(ctx context.Context, secret, userID string) string {
	if secret == "" {
		return ""
	}
	ses, err := s.store.SessionByHash(ctx, Hash(secret))
	if err != nil || ses.UserID == userID {
		return ""
	}
	return ses.ID
}

// Note records what a signed-in person did that changes nothing here: role credentials that she was given.
func (s *Service) Note(ctx context.Context, e audit.Event) error { return s.store.Note(ctx, e) }
