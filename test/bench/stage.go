package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gatehouse/internal/app"
	"gatehouse/internal/audit"
	"gatehouse/test/process"
)

var bencher = audit.Actor{Kind: audit.System, Name: "bench"}

// stage is a running server.
type stage struct {
	*app.App
	url  string
	env  app.Environment
	dir  string
	stop func()
}

// start starts a server over an empty store, which goes with it.
func start(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return nil, err
	}
	s, err := startIn(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop := s.stop
	s.stop = func() {
		stop()
		os.RemoveAll(dir)
	}
	return s, nil
}

// startIn starts a server over the store in a directory.
func startIn(ctx context.Context, dir string) (*stage, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	cfg := app.Config{Listen: l.Addr().String(), Data: filepath.Join(dir, "data"), Database: *database}
	a, err := app.New(ctx, cfg, app.Surroundings{Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	env, err := app.ReadEnvironment(cfg.Data)
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(run, l) }()
	return &stage{a, "http://" + l.Addr().String(), env, dir, func() {
		stop()
		<-done
		a.Close()
	}}, nil
}

// transport keeps connections of n clients, and gives them up before the server would: it closes one that has had no request for ten seconds, and a
// POST that meets the closing is lost, since no client may send it twice.
func transport(n int) *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: n, IdleConnTimeout: 5 * time.Second}
}

func (s *stage) client() *process.Client {
	return &process.Client{URL: s.url, Region: s.env["AWS_REGION"], Key: s.env["AWS_ACCESS_KEY_ID"], Secret: s.env["AWS_SECRET_ACCESS_KEY"],
		HTTP: &http.Client{Transport: transport(*clients)}}
}
