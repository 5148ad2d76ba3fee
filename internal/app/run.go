package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Run serves on the listener and works in the background until ctx ends; then it stops taking requests, lets those
// under way finish (ten seconds), and returns.
func (a *App) Run(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { a.worker.Run(ctx) })
	wg.Go(func() { a.builder.Run(ctx) })
	wg.Go(func() { a.Credentials.Run(ctx) })
	wg.Go(func() { a.sweep(ctx) })
	wg.Go(func() { a.refreshMetadata(ctx) })
	wg.Go(func() { a.continueRemovals(ctx) })
	// The log of SCIM requests ends after the last request.
	logging, stopLogging := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLogging()
	wg.Go(func() { a.Requests.Recorder().Run(logging) })
	errs := make(chan error, 2)
	servers := []*http.Server{a.server(a.handler)}
	if a.Config.TLSCertificate != "" {
		cert, err := tls.LoadX509KeyPair(a.Config.TLSCertificate, a.Config.TLSKey)
		if err != nil {
			l.Close()
			stop()
			stopLogging()
			wg.Wait()
			return fmt.Errorf("tls_certificate and tls_key: %w", err)
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	go func() { errs <- servers[0].Serve(l) }()
	if a.Config.Metrics != "" {
		ml, err := net.Listen("tcp", a.Config.Metrics)
		if err != nil {
			l.Close()
			stop()
			stopLogging()
			wg.Wait()
			return fmt.Errorf("metrics: %w", err)
		}
		servers = append(servers, a.server(a.metrics.handler()))
		go func() { errs <- servers[1].Serve(ml) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-errs:
	}
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, s := range servers {
		_ = s.Shutdown(grace) // what is still running then is cut off when the process ends
	}
	stopLogging()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// idleTimeout is longer than clients and load balancers keep a connection that nobody uses: two minutes for some clients, ten for some
// balancers. Whoever closes first is safe. A server that closes while a request is on its way answers it by closing, and what is not idempotent,
// as POST and PATCH of a SCIM client are not, is not sent again by anybody.
const idleTimeout = 11 * time.Minute

func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// sweepEvery is how often what has expired is removed. Nothing depends on it: expiry is checked on every use.
const sweepEvery = 10 * time.Minute

func (a *App) sweep(ctx context.Context) {
	for {
		for _, sweep := range []func(context.Context) (int, error){a.SignIn.Sweep, a.Propagation.Sweep, a.Credentials.Sweep, a.Requests.Sweep} {
			if _, err := sweep(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("removing what has expired failed; it will be tried again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
		}
	}
}
