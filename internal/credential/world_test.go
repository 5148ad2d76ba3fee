package credential_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/seal"
	"gatehouse/internal/signin"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/storage/sqlstore"
)

var admin = audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:user/admin", Name: "admin"}

const (
	serverURL = "https://sso.example.com"
	goodWord  = "seven green cups of tea"
)

// weak makes tests quick; what is tested is not argon2.
var weak = argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// world is the built-in directory over a real database, with a clock.
type world struct {
	t testing.TB
	*credential.Service
	db       *sqlstore.DB
	people   *directory.Service
	sessions *signin.Service
	sealer   *seal.Sealer

	mu   sync.Mutex
	time time.Time
	// mails are those that were sent; refused makes sending fail.
	mails   chan credential.Message
	refused error
	// ann is an active user made by hand.
	ann directory.User
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, time: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC), mails: make(chan credential.Message, 100)}
	var err error
	w.db, err = sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	w.ok(err)
	t.Cleanup(func() { w.db.Close() })
	w.people = directory.NewService(directory.Config{Store: w.db.Directory(), IdentityStoreID: "d-0123456789", Now: w.now, Rand: rand.Reader})
	if _, err := w.people.CreateSource(t.Context(), admin, directory.Source{ID: "entra"}); err != nil {
		t.Fatal(err)
	}
	w.sessions = signin.NewService(signin.Config{Store: w.db.SignIn(), Users: w.people, Now: w.now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	keys, err := seal.Generate()
	w.ok(err)
	w.sealer, err = seal.Parse(keys)
	w.ok(err)
	w.Service = w.node(func(*credential.Config) {})
	w.set(func(s *credential.Settings) { s.Enabled, s.SelfReset, s.MFA = true, true, credential.Never })
	w.ann = w.user("ann@example.com")
	return w
}

// node is another server over the same database.
func (w *world) node(edit func(*credential.Config)) *credential.Service {
	w.t.Helper()
	c := credential.Config{
		Store: w.db.Credential(), Users: w.people, Sessions: w.sessions, Sealer: w.sealer, URL: serverURL, Name: "Gatehouse", Hashing: &weak,
		Mail: func(_ context.Context, _ credential.MailServer, _ string, m credential.Message) error {
			if w.refused == nil {
				w.mails <- m
			}
			return w.refused
		},
		Now: w.now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}
	edit(&c)
	s, err := credential.NewService(c)
	w.ok(err)
	return s
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(change func(*credential.Settings)) {
	w.t.Helper()
	_, err := w.UpdateSettings(w.ctx(), admin, 0, func(s *credential.Settings) error { change(s); return nil })
	w.ok(err)
}

func (w *world) user(name string) directory.User {
	w.t.Helper()
	u, err := w.people.CreateUser(w.t.Context(), admin, directory.User{UserName: name, DisplayName: name, Active: true, Emails: []directory.Value{{Value: name, Primary: true}}})
	w.ok(err)
	return u
}

// ctx is of a request from the usual address.
func (w *world) ctx() context.Context { return w.from("192.0.2.1") }

func (w *world) from(addr string) context.Context {
	return audit.WithOrigin(w.t.Context(), audit.Origin{RequestID: "0f8fad5b-d9cb-469f-a165-70867728950e", ClientAddr: addr})
}

// password gives a user a password by a link, as an administrator would.
func (w *world) password(u directory.User, password string) {
	w.t.Helper()
	sent, err := w.Invite(w.ctx(), admin, u.ID, credential.Invitation, true)
	w.ok(err)
	_, err = w.UseLink(w.ctx(), token(sent.URL), password)
	w.ok(err)
}

func token(url string) string {
	_, token, _ := strings.Cut(url, "token=")
	return token
}

// begin begins a sign-in.
func (w *world) begin(name string) credential.Browser {
	w.t.Helper()
	b, err := w.Begin(w.ctx(), name, "/start", false)
	w.ok(err)
	return credential.Browser{Attempt: b.Secret}
}

// signIn goes all the way with a password, and a second factor where one is asked for.
func (w *world) signIn(ctx context.Context, b credential.Browser, name, password string, second func(credential.Browser)) (credential.Browser, credential.Outcome) {
	w.t.Helper()
	begun, err := w.Begin(ctx, name, "/start", false)
	w.ok(err)
	b.Attempt = begun.Secret
	w.ok(w.Password(ctx, b, password))
	if second != nil {
		second(b)
	}
	out, err := w.Open(ctx, b, "")
	w.ok(err)
	b.Known = out.Known
	return b, out
}

// who is the identity behind an outcome.
func (w *world) who(o credential.Outcome) signin.Identity {
	w.t.Helper()
	id, err := w.sessions.Authenticate(w.t.Context(), o.Opened.Secret)
	w.ok(err)
	return id
}

func (w *world) step(b credential.Browser, want credential.Step) {
	w.t.Helper()
	v, err := w.Next(w.ctx(), b)
	w.ok(err)
	if v.Step != want {
		w.t.Errorf("the step due is %q, want %q", v.Step, want)
	}
}

// refused wants a fault.
func (w *world) no(err error, kind fault.Kind, reason string) {
	w.t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != kind || f.Reason != reason {
		w.t.Errorf("got %v, want a fault %v %q", fmt.Sprint(err), kind, reason)
	}
}

// events returns the newest events of an action.
func (w *world) events(action string) []audit.Event {
	w.t.Helper()
	page, err := w.db.Events().Events(w.t.Context(), sqlstore.EventCursor{}, audit.Filter{Action: action}, 100)
	w.ok(err)
	return page.Events
}
