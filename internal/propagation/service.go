package propagation

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"slices"
	"time"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/signin"
)

// Applications is what propagation asks of package application. *application.Service has it.
type Applications interface {
	Application(ctx context.Context, n arn.InInstance) (application.Application, error)
	Entitled(ctx context.Context, n arn.InInstance, userID string) (application.Application, error)
	Accepts(ctx context.Context, a application.Application, issuer string) ([]application.Accepted, error)
	Named(ctx context.Context, i application.Issuer, value string) (directory.User, error)
}

// People is what propagation asks of the identity store: the person as she is now. *directory.Service has it.
type People interface {
	User(ctx context.Context, id string) (directory.User, error)
	// Vouches reports whether what an identity source vouched for at a time is good still.
	Vouches(ctx context.Context, sourceID string, at time.Time) (bool, error)
}

// Sessions is what propagation asks of sign-in. *signin.Service has it.
type Sessions interface {
	// Approver returns the person with her portal session, as both are now; a fault that is not Internal when either is over.
	Approver(ctx context.Context, userID, sessionID string) (signin.Identity, error)
	Settings(ctx context.Context) (signin.Settings, error)
}

// Assertions verifies what trusted token issuers signed. *jwt.Keyring has it.
type Assertions interface {
	Verify(ctx context.Context, token, issuer string, audiences []string) (jwt.Claims, error)
}

// Sealer is authenticated encryption; see package seal.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Config is what a Service is made of. Every field is required.
type Config struct {
	Store        Store
	Applications Applications
	People       People
	Sessions     Sessions
	Assertions   Assertions
	Sealer       Sealer
	// Sign returns claims as a signed JWT.
	Sign func(ctx context.Context, claims any) (string, error)
	// Revoked returns the time before which everything that a person was given is void; zero when nothing is.
	Revoked func(ctx context.Context, userID string) (time.Time, error)
	// Administers reports whether an account administers the instance: owns it, or was delegated to.
	Administers func(ctx context.Context, accountID string) (bool, error)
	// Instance is the instance's id; Owner the account that owns it; IdentityStore the identity store's id.
	Instance, Owner, IdentityStore string
	// Issuer is the claim "iss" of ID tokens.
	Issuer string
	Now    func() time.Time
	// Rand yields random bytes without end; crypto/rand.Reader outside tests.
	Rand io.Reader
	Log  *slog.Logger
}

// Service holds the rules. All of its methods are safe for concurrent use.
type Service struct {
	store Store
	cfg   Config
}

// NewService returns a Service.
func NewService(c Config) *Service { return &Service{store: c.Store, cfg: c} }

// oauth makes a fault whose Reason is an OAuth error code.
func oauth(code, format string, args ...any) *fault.Fault {
	k := fault.Invalid
	if code == signin.AccessDenied {
		k = fault.Denied
	}
	return fault.New(k, format, args...).For(code)
}

// hide turns the kinds of faults that speak of a person or a thing into the one that the caller is to see, and leaves outages what they are.
func hide(err error, shown *fault.Fault) error {
	switch fault.Of(err).Kind {
	case fault.NotFound, fault.Denied, fault.Invalid, fault.Unauthenticated:
		return shown.Because(err)
	}
	return err
}

// now is the time in the precision that databases keep.
func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// secret mints a bearer secret of 258 random bits.
func (s *Service) secret(prefix string) string { return prefix + arn.NewSecret(s.cfg.Rand, 43) }

// scopes are what a request is granted: what it asks for, if the application may have it, else all that the application may have.
func scopes(a application.Application, asked []string) ([]string, error) {
	may := []string{ScopeAWS, ScopeOpenID, ScopeIdentityContext}
	for _, sc := range a.Scopes {
		may = append(may, sc.Name)
	}
	return within(may, asked)
}

// within returns the scopes asked for if all are among those there may be; all of those if none is asked for.
func within(may, asked []string) ([]string, error) {
	if len(asked) == 0 {
		asked = may
	}
	for _, sc := range asked {
		if !slices.Contains(may, sc) {
			return nil, oauth(signin.InvalidScope, "a scope is asked for that the application has not, or that was not granted")
		}
	}
	out := slices.Clone(asked)
	slices.Sort(out)
	return slices.Compact(out), nil
}

// user returns the person, if she may use the application now and could since the grant was given.
func (s *Service) user(ctx context.Context, n arn.InInstance, userID string, since time.Time) (directory.User, error) {
	no := oauth(signin.AccessDenied, "The user has no access to the application.")
	if _, err := s.cfg.Applications.Entitled(ctx, n, userID); err != nil {
		return directory.User{}, hide(err, no)
	}
	u, err := s.cfg.People.User(ctx, userID)
	if err != nil {
		return directory.User{}, hide(err, no)
	}
	// Somebody who was disabled meanwhile does not get old tokens back when she is enabled again.
	if !u.Active || !since.IsZero() && !u.DisabledAt.Before(since) {
		return directory.User{}, no
	}
	return u, nil
}

// lives answers nil if the grant is not over: by its own end, or by that of the portal session it hangs on. One that hangs on none, of a job or begun by an
// outside issuer's word, is over when its person is signed out everywhere, and when the identity source that vouched for her does so no more.
func (s *Service) lives(ctx context.Context, g Grant) error {
	over := oauth(signin.InvalidGrant, "The token is unknown, used or expired, or the sign-in behind it is over.")
	if !s.now().Before(g.ExpiresAt) {
		return over
	}
	if g.SessionID == "" {
		before, err := s.cfg.Revoked(ctx, g.UserID)
		if err != nil {
			return err
		}
		good := !g.CreatedAt.Before(before)
		if good && g.SourceID != "" {
			if good, err = s.cfg.People.Vouches(ctx, g.SourceID, g.AuthenticatedAt); err != nil {
				return err
			}
		}
		if !good {
			return over
		}
		return nil
	}
	if _, err := s.cfg.Sessions.Approver(ctx, g.UserID, g.SessionID); err != nil {
		return hide(err, over)
	}
	return nil
}

// reused ends the grant of a code or refresh token that came a second time, and returns answer.
func (s *Service) reused(ctx context.Context, grantID string, answer error) error {
	e := audit.New(ctx, s.now(), audit.Gatehouse, "sso-oauth:RevokeGrant", grantID).With("why", "a single-use secret was shown twice")
	if err := s.store.Revoke(ctx, grantID, e); err != nil {
		return err
	}
	s.cfg.Log.WarnContext(ctx, "an application's code or refresh token was shown twice; its tokens are revoked", "grant", grantID)
	return answer
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

// spent names an assertion by its issuer and id, without ambiguity.
func spent(issuerARN, id string) []byte {
	h := sha256.New()
	h.Write([]byte(issuerARN + "\x00" + id)) // an ARN has no NUL
	return h.Sum(nil)
}
