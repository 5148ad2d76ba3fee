// Package livetest is what tests of reading and applying need: a whole Gatehouse in one process without a socket, so that it also runs in the bubbles of
// testing/synctest, where hours pass in no time; and a [Proxy] before it that has AWS's limits.
package livetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/app"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

// Tester is who builds the world.
var Tester = audit.Actor{Kind: audit.System, Name: "test"}

// World is a running Gatehouse.
type World struct {
	*app.App
	testing.TB
	// Transport brings requests to the server.
	Transport http.RoundTripper
	env       app.Environment
}

// Start runs a Gatehouse until the test ends.
func Start(t testing.TB) *World {
	t.Helper()
	dir := t.TempDir()
	sqlitetest.Make(t, filepath.Join(dir, "gatehouse.db"))
	cfg := app.Config{Listen: "127.0.0.1:1", Data: dir}
	a, err := app.New(context.Background(), cfg, app.Surroundings{Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	env, err := app.ReadEnvironment(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, l) }()
	transport := &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return &World{App: a, TB: t, Transport: transport, env: env}
}

// Options are those of the server's administrator, through a transport (nil: the server's own).
func (w *World) Options(transport http.RoundTripper, limits live.Limits) live.Options {
	if transport == nil {
		transport = w.Transport
	}
	return live.Options{
		Region: w.env["AWS_REGION"], Endpoint: "http://gatehouse.test", Key: w.env["AWS_ACCESS_KEY_ID"], Secret: w.env["AWS_SECRET_ACCESS_KEY"], Limits: &limits,
		Transport: transport,
	}
}

// Open is a client of the server's administrator.
func (w *World) Open(transport http.RoundTripper, limits live.Limits) *live.Client {
	w.Helper()
	return Must(live.Open(context.Background(), w.Options(transport, limits)))(w)
}

// Must returns the value of a call that must succeed.
func Must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// OK ends the test on an error.
func (w *World) OK(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Unit makes an organizational unit below another, or below the root.
func (w *World) Unit(parent, name string) string {
	w.Helper()
	if parent == "" {
		parent = Must(w.Organization.Organization(context.Background()))(w).RootID
	}
	return Must(w.Organization.CreateUnit(context.Background(), Tester, parent, name, nil))(w).ID
}

// Account makes a member account in a unit, or below the root.
func (w *World) Account(unit, name string, tags map[string]string) string {
	w.Helper()
	ctx := context.Background()
	a := Must(w.Organization.CreateAccount(ctx, Tester, name, name+"@accounts.example.com", tags))(w)
	if unit != "" {
		w.OK(w.Organization.MoveAccount(ctx, Tester, a.ID, a.ParentID, unit))
	}
	return a.ID
}

// User makes a person, Group a group with members, and Set a permission set, which all return ids.
func (w *World) User(name string) string {
	w.Helper()
	return Must(w.Directory.CreateUser(context.Background(), Tester, directory.User{UserName: name, DisplayName: name, Active: true, Emails: []directory.Value{{Value: name + "@example.com"}}}))(w).ID
}

// Group makes a group.
func (w *World) Group(name string, members ...string) string {
	w.Helper()
	return Must(w.Directory.CreateGroup(context.Background(), Tester, directory.Group{DisplayName: name, Description: "The " + name}, members))(w).ID
}

// Set makes a permission set.
func (w *World) Set(p access.PermissionSet) string {
	w.Helper()
	p.InstanceID = w.Instance.ID
	return Must(w.Access.CreateSet(context.Background(), Tester, p))(w).ID
}

// Assign gives a group (or a user) a set in an account, and does not wait for the role.
func (w *World) Assign(account, set string, kind access.PrincipalType, principal string) {
	w.Helper()
	Must(w.Access.Assign(context.Background(), Tester, access.RoleKey{AccountID: account, PermissionSetID: set}, access.Principal{Type: kind, ID: principal}))(w)
}

// Settle waits until no request is under way.
func (w *World) Settle() {
	w.Helper()
	for _, kind := range []access.RequestKind{access.CreateAssignment, access.DeleteAssignment, access.Provision} {
		for len(Must(w.Access.Requests(context.Background(), kind, access.InProgress, access.RequestCursor{}, 1))(w)) > 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// Assignments are all assignments of a set in an account as "GROUP/id" or "USER/id".
func (w *World) Assignments(account, set string) []string {
	w.Helper()
	var out []string
	for _, a := range Must(w.Access.AssignmentsOfRole(context.Background(), access.RoleKey{AccountID: account, PermissionSetID: set}, access.Principal{}, 1000))(w) {
		out = append(out, fmt.Sprintf("%s/%s", a.Principal.Type, a.Principal.ID))
	}
	return out
}

// listener hands connections over in memory.
type listener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return newSender(here), nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// sender is the client's end of a pipe, whose writes return at once as those of a socket do: the HTTP client counts on having written a request before
// it is answered.
type sender struct {
	net.Conn
	out  chan []byte
	once sync.Once
	done chan struct{}
}

func newSender(c net.Conn) *sender {
	s := &sender{Conn: c, out: make(chan []byte, 64), done: make(chan struct{})}
	go func() {
		for {
			select {
			case b := <-s.out:
				if _, err := c.Write(b); err != nil {
					s.Close()
					return
				}
			case <-s.done:
				return
			}
		}
	}()
	return s
}

func (s *sender) Write(b []byte) (int, error) {
	select {
	case s.out <- bytes.Clone(b):
		return len(b), nil
	case <-s.done:
		return 0, net.ErrClosed
	}
}

func (s *sender) Close() error {
	s.once.Do(func() { close(s.done) })
	return s.Conn.Close()
}
