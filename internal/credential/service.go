package credential

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/go-webauthn/webauthn/webauthn"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Users is what is asked of the identity store. *directory.Service has it.
type Users interface {
	User(ctx context.Context, id string) (directory.User, error)
	UserByName(ctx context.Context, userName string) (directory.User, error)
	Sources(ctx context.Context) ([]directory.Source, error)
	UpdateUser(ctx context.Context, a audit.Actor, id string, ifVersion int64, change func(*directory.User) error) (directory.User, error)
}

// Sessions is what is asked of sign-in. *signin.Service has it.
type Sessions interface {
	OpenSession(ctx context.Context, u directory.User, p signin.Proof, previous string) (signin.Opened, error)
	Sessions(ctx context.Context, userID, after string, limit int) ([]signin.Session, error)
	EndSession(ctx context.Context, a audit.Actor, userID, id string) error
	EndSessions(ctx context.Context, a audit.Actor, userID string) (int, error)
}

// Sealer encrypts what must be readable again, bound to associated data.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Message is a mail: plain text.
type Message struct{ To, Subject, Text string }

// Mail hands mail in: at the server, with its password in clear, or wherever mail goes when s.Host is empty. There is fault.Conflict
// "no-mail" when it goes nowhere.
type Mail func(ctx context.Context, s MailServer, password string, m Message) error

// Breached reports whether a password is in a list of breached ones.
type Breached func(password string) (bool, error)

// Config is what a Service is made of. All is required but Breached.
type Config struct {
	Store    Store
	Users    Users
	Sessions Sessions
	Sealer   Sealer
	Mail     Mail
	Breached Breached
	// URL is the server's own, without a trailing slash: links in mails begin with it, and passkeys are bound to it. Name is the installation's.
	URL, Name string
	// Hashing are the parameters of new password hashes; nil for the usual ones. Tests take weak ones.
	Hashing *argon2id.Params
	Now     func() time.Time
	Rand    io.Reader
	Log     *slog.Logger
}

// Service holds the rules. All of its methods are safe for concurrent use.
type Service struct {
	store    Store
	users    Users
	sessions Sessions
	sealer   Sealer
	mail     Mail
	breached Breached
	hasher   *hasher
	rp       *webauthn.WebAuthn // nil where the address allows no passkeys
	url      string
	name     string
	clock    func() time.Time
	rand     io.Reader
	log      *slog.Logger
	asked    chan asked
}

// NewService returns a Service.
func NewService(c Config) (*Service, error) {
	h, err := newHasher(c.Hashing, c.Rand)
	if err != nil {
		return nil, err
	}
	rp, err := relyingParty(c.URL, c.Name)
	if err != nil {
		return nil, err
	}
	if c.Breached == nil {
		c.Breached = func(string) (bool, error) { return false, nil }
	}
	return &Service{
		store: c.Store, users: c.Users, sessions: c.Sessions, sealer: c.Sealer, mail: c.Mail, breached: c.Breached, hasher: h, rp: rp,
		url: c.URL, name: c.Name, clock: c.Now, rand: c.Rand, log: c.Log, asked: make(chan asked, 64),
	}, nil
}

// now is the time in the precision that databases keep.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// secret mints a bearer secret of 258 random bits.
func (s *Service) secret() string { return arn.NewSecret(s.rand, 43) }

var anonymous = audit.Actor{Kind: audit.Anonymous}

func actorOf(u directory.User) audit.Actor {
	return audit.Actor{Kind: audit.Person, ID: u.ID, Name: u.UserName}
}

// maxRetries bounds the re-reading of a record that others keep changing.
const maxRetries = 10

// change reads a person's record, lets edit change it, and writes it back; what others changed meanwhile is read and edited anew.
func (s *Service) change(ctx context.Context, userID string, c Consequences, e audit.Event, edit func(*Person) error) (Person, error) {
	for try := 0; ; try++ {
		p, err := s.store.Person(ctx, userID)
		if err != nil {
			return p, err
		}
		old := p.Version
		if err := edit(&p); err != nil {
			return p, err
		}
		p.UserID, p.Version = userID, old+1
		err = s.store.PutPerson(ctx, p, c, old, e)
		if err == nil || !isVersion(err) || try == maxRetries {
			return p, err
		}
		select {
		case <-ctx.Done():
			return p, err
		case <-time.After(rand.N(time.Millisecond << min(try, 6))):
		}
	}
}

func isVersion(err error) bool {
	return err != nil && fault.Is(err, fault.Conflict) && fault.Of(err).Reason == "version"
}

// mayPassword reports whether the built-in directory is where a user may sign in: she is its own, or made by hand.
func mayPassword(u directory.User) bool {
	return u.Active && (u.Source == "" || u.Source == directory.BuiltIn)
}

// owned returns a user whose credentials are kept here, or says why there is none.
func (s *Service) owned(ctx context.Context, userID string) (directory.User, error) {
	u, err := s.users.User(ctx, userID)
	if err == nil && u.Source != "" && u.Source != directory.BuiltIn {
		err = fault.New(fault.Conflict, "the user %q comes from the identity source %q and signs in there", u.UserName, u.Source).For("other-source").About(directory.ResourceUser, u.ID)
	}
	return u, err
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
