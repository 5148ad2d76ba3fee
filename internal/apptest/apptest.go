// Package apptest is the whole program in one process, for tests of flows: a real SQLite database in a temporary directory, a real
// listener on loopback, and a clock that the test sets.
//
// Start reading at [Start].
package apptest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/app"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

// Program is a running Gatehouse.
type Program struct {
	*app.App
	// URL is its address, Env what `gatehouse env` would print.
	URL string
	Env app.Environment
	// Clock is what it goes by.
	Clock *Clock
}

// Clock is a clock that stands until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock on.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Start runs Gatehouse until the test ends. The clock begins at the real time, so that clients with clocks of their own are
// understood.
func Start(t *testing.T) *Program {
	t.Helper()
	return StartWith(t, func(*Settings) {})
}

// Settings is the configuration that a test may edit.
type Settings = app.Config

// StartWith is Start with an edited configuration.
func StartWith(t *testing.T, edit func(*Settings)) *Program {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{URL: "http://" + l.Addr().String(), Clock: &Clock{now: time.Now()}}
	cfg := app.Config{Listen: l.Addr().String(), Data: t.TempDir()}
	edit(&cfg)
	if cfg.Database == "" {
		if _, err := os.Stat(filepath.Join(cfg.Data, "gatehouse.db")); errors.Is(err, os.ErrNotExist) {
			sqlitetest.Make(t, filepath.Join(cfg.Data, "gatehouse.db"))
		}
	}
	p.App, err = app.New(t.Context(), cfg, app.Surroundings{Now: p.Clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if p.Env, err = app.ReadEnvironment(cfg.Data); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.App.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the program ended with %v", err)
		}
		if err := p.App.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return p
}

// Browser returns a client that keeps cookies and follows no redirect.
func (p *Program) Browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
