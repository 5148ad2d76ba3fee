package signin

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Users is what sign-in asks of the identity store: the user as she is now. *directory.Service has it.
type Users interface {
	User(ctx context.Context, id string) (directory.User, error)
	// Vouches reports whether what an identity source vouched for at a time is good still.
	Vouches(ctx context.Context, sourceID string, at time.Time) (bool, error)
}

// Config is what a Service is made of.
type Config struct {
	Store Store
	Users Users
	// StartURLs are the URLs by which clients may name this instance: the AWS-looking one
	// (https://d-….awsapps.com/start), the issuer (https://identitycenter.amazonaws.com/ssoins-…) and the server's own.
	StartURLs []string
	Now       func() time.Time
	// Rand yields random bytes without end; crypto/rand.Reader outside tests.
	Rand io.Reader
	Log  *slog.Logger
}

// Service holds the rules. All of its methods are safe for concurrent use.
type Service struct {
	store     Store
	users     Users
	startURLs map[string]bool
	clock     func() time.Time
	rand      io.Reader
	log       *slog.Logger

	// The limits are kept per process: they slow guessing and hammering down, and nothing else depends on them.
	polls    *limiter
	guesses  *limiter
	arrivals *limiter
}

// NewService returns a Service. Every field of c is required.
func NewService(c Config) *Service {
	urls := make(map[string]bool, len(c.StartURLs))
	for _, u := range c.StartURLs {
		if n, ok := normalStartURL(u); ok {
			urls[n] = true
		}
	}
	return &Service{
		store: c.Store, users: c.Users, startURLs: urls, clock: c.Now, rand: c.Rand, log: c.Log,
		// A command line polls twice back to back, then every second; only a client that ignores the interval notices.
		polls: newLimiter(2, 10),
		// RFC 8628 §5.1: 20^8 user codes, ten minutes, ten misses at once and one more a minute, for each user.
		guesses: newLimiter(1.0/60, 10),
		// What strangers may write: 20 a second for an address, as AWS has it for RegisterClient.
		arrivals: newLimiter(20, 60),
	}
}

// Identity is a signed-in person.
type Identity struct {
	// User is as she was in the identity store a moment ago, and active.
	User    directory.User
	Session Session
}

// Actor returns the person as the audit trail names her.
func (i Identity) Actor() audit.Actor { return actorOf(i.User) }

func actorOf(u directory.User) audit.Actor {
	return audit.Actor{Kind: audit.Person, ID: u.ID, Name: u.UserName}
}

var anonymous = audit.Actor{Kind: audit.Anonymous}

// now is the time in the precision that databases keep.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// secret mints a bearer secret of 258 random bits. The prefix tells secret scanners what was found.
func (s *Service) secret(prefix string) string { return prefix + arn.NewSecret(s.rand, 43) }

// Hash is what is kept of a secret. The secrets are random and long, so a slow hash would add nothing.
func Hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// gone turns NotFound into the fault the caller is to see, and leaves outages what they are.
func gone(err error, f *fault.Fault) error {
	if fault.Is(err, fault.NotFound) {
		return f.Because(err)
	}
	return err
}

// lost does the same for a conditional write that came second.
func lost(err error, f *fault.Fault) error {
	if fault.Is(err, fault.Conflict) {
		return f.Because(err)
	}
	return err
}

// person loads the user behind a session. Someone who was deactivated or deleted is nobody, and loses
// the session for good: it must not come back to life when she is enabled again. Nor is one whose source vouches no more; these
// sessions are ended where the source is removed, which takes its time when they are many.
func (s *Service) person(ctx context.Context, ses Session) (Identity, error) {
	nobody := fault.New(fault.Unauthenticated, "You are not signed in.").For("inactive")
	u, err := s.users.User(ctx, ses.UserID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Identity{}, err
	}
	if err == nil && u.Active && u.DisabledAt.Before(ses.CreatedAt) {
		if ses.Proof.SourceID != "" {
			good, err := s.users.Vouches(ctx, ses.Proof.SourceID, ses.CreatedAt)
			if err != nil {
				return Identity{}, err
			}
			if !good {
				return Identity{}, nobody.For("removed")
			}
		}
		return Identity{User: u, Session: ses}, nil
	}
	e := audit.New(ctx, s.now(), audit.Gatehouse, "signin:EndSession", ses.ID).With("userId", ses.UserID).With("why", "user inactive or deleted")
	if err := s.store.DeleteSession(ctx, ses.ID, e); err != nil && !fault.Is(err, fault.NotFound) {
		s.log.WarnContext(ctx, "ending the session of an inactive user failed; it is refused all the same", "session", ses.ID, "error", err)
	}
	return Identity{}, nobody
}

// Settings returns the settings in force.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	v, err := s.store.Settings(ctx)
	if err == nil && v.SessionLength == 0 {
		v.SessionLength = DefaultSessionLength
	}
	return v, err
}

// SetSettings changes the settings if they are still the version given. Sessions that exist keep their end.
//
// Faults: Invalid for a session length out of range; Conflict "version".
func (s *Service) SetSettings(ctx context.Context, a audit.Actor, v Settings, ifVersion int64) (Settings, error) {
	if v.SessionLength < MinSessionLength || v.SessionLength > MaxSessionLength {
		return Settings{}, fault.New(fault.Invalid, "the session length must be between 15 minutes and 90 days").At("sessionLength")
	}
	v.Version = ifVersion + 1
	e := audit.New(ctx, s.now(), a, "signin:PutSettings", "settings").With("sessionLength", v.SessionLength.String())
	return v, s.store.PutSettings(ctx, v, ifVersion, e)
}

// sweepBatch bounds how long one sweep holds the database.
const sweepBatch = 500

// Sweep removes what has expired, in small transactions, until nothing is left or ctx ends. Run it every few minutes.
func (s *Service) Sweep(ctx context.Context) (removed int, err error) {
	for {
		n, err := s.store.Sweep(ctx, s.now(), sweepBatch)
		removed += n
		if err != nil || n < sweepBatch {
			return removed, err
		}
		if err := ctx.Err(); err != nil {
			return removed, err
		}
	}
}
