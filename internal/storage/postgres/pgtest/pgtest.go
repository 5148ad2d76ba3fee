// Package pgtest gives tests a real PostgreSQL.
//
// It is GATEHOUSE_TEST_POSTGRES, when that is set to the URL of a server on which databases may be created; else a server of its own,
// started from Debian's package (/usr/lib/postgresql/*/bin) in a temporary directory, on a Unix socket only,
// without flushing to disk, and stopped when the test binary's last user is done. A test that needs it and cannot
// have it fails, and says what to install, unless -short was given.
package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Server is a running PostgreSQL.
type Server struct {
	url *url.URL
}

// Start starts a server for the time of a test, or skips the test with -short.
func Start(tb testing.TB) *Server {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs PostgreSQL; left out with -short")
	}
	s, stop, err := start(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Errorf("stop PostgreSQL: %v", err)
		}
	})
	return s
}

// Database creates an empty database for the time of a test and returns its URL.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	return s.DatabaseIn(tb, "UTF8")
}

// DatabaseIn is [Server.Database] with another encoding.
func (s *Server) DatabaseIn(tb testing.TB, encoding string) string {
	tb.Helper()
	return s.database(tb, fresh(tb), ` ENCODING '`+encoding+`' TEMPLATE template0`)
}

// Copy creates a database for the time of a test as a copy of another that nobody is connected to, which takes a tenth of the time that it takes to make a schema.
func (s *Server) Copy(tb testing.TB, of string) string {
	tb.Helper()
	u, err := url.Parse(of)
	if err != nil {
		tb.Fatal(err)
	}
	return s.database(tb, fresh(tb), ` TEMPLATE `+strings.TrimPrefix(u.Path, "/"))
}

func fresh(tb testing.TB) string {
	tb.Helper()
	suffix := make([]byte, 6)
	if _, err := rand.Read(suffix); err != nil {
		tb.Fatal(err)
	}
	return "gatehouse_test_" + hex.EncodeToString(suffix)
}

func (s *Server) database(tb testing.TB, name, like string) string {
	tb.Helper()
	s.run(tb, `CREATE DATABASE `+name+like)
	tb.Cleanup(func() { s.run(tb, `DROP DATABASE `+name+` WITH (FORCE)`) })
	u := *s.url
	u.Path = "/" + name
	return u.String()
}

func (s *Server) run(tb testing.TB, statement string) {
	tb.Helper()
	cfg, err := pgx.ParseConfig(s.url.String())
	if err != nil {
		tb.Fatalf("GATEHOUSE_TEST_POSTGRES: not a PostgreSQL URL")
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		tb.Errorf("%s: %v", statement, err)
	}
}

func start(ctx context.Context) (*Server, func() error, error) {
	if given := os.Getenv("GATEHOUSE_TEST_POSTGRES"); given != "" {
		u, err := url.Parse(given)
		if err != nil {
			return nil, nil, errors.New("GATEHOUSE_TEST_POSTGRES is not a URL (postgres://user:password@host/postgres)")
		}
		return &Server{u}, func() error { return nil }, nil
	}
	bin, err := binaries()
	if err != nil {
		return nil, nil, err
	}
	// Not the test's own directory: its path is too long for a socket, and may not be entered by another user.
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, nil, err
	}
	s, stop, err := run(ctx, bin, dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, func() error { return errors.Join(stop(), os.RemoveAll(dir)) }, nil
}

// binaries finds the newest installed server.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return "", errors.New("no PostgreSQL server found: install it (Debian: apt-get install postgresql), or set GATEHOUSE_TEST_POSTGRES to the URL of one, or leave these tests out with -short")
	}
	slices.SortFunc(found, func(a, b string) int { return major(b) - major(a) })
	return filepath.Dir(found[0]), nil
}

// major is the version in /usr/lib/postgresql/15/bin/initdb; 0 elsewhere.
func major(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

func run(ctx context.Context, bin, dir string) (*Server, func() error, error) {
	as, err := notRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata", data, "--username", "gatehouse", "--auth", "trust",
		"--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	var logged bytes.Buffer
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "deadlock_timeout=100ms")
	server.SysProcAttr, server.Dir, server.Stdout, server.Stderr = as, dir, &logged, &logged
	if err := server.Start(); err != nil {
		return nil, nil, fmt.Errorf("start postgres: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	stop := func() error {
		// An immediate shutdown: nothing in the directory is wanted any more.
		return errors.Join(server.Process.Signal(syscall.SIGQUIT), ignoreExit(<-ended))
	}
	u := &url.URL{Scheme: "postgres", User: url.User("gatehouse"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}
	if err := await(ctx, u, ended); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("postgres does not start: %w\n%s", err, &logged), server.Process.Kill())
	}
	return &Server{u}, stop, nil
}

// notRoot: PostgreSQL refuses to run as root, so root runs it as the package's own user.
func notRoot(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("running as root, and there is no user postgres to run PostgreSQL as: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2, os.Chown(dir, int(uid), int(gid))); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// await waits until the server answers.
func await(ctx context.Context, u *url.URL, ended chan error) error {
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := ping(ctx, db)
		if err == nil {
			return nil
		}
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("it ended: %w", err)
		case <-time.After(25 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

func ping(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return db.PingContext(ctx)
}

// ignoreExit drops the exit status that an immediate shutdown has.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
