// Package demo is everything on one machine: the server, the emulated Entra tenant, and a sample organization whose
// people and groups come through the tenant's real SCIM push and sign in through its real SAML.
//
// It takes no short cut that a user could not take: the tenant gets a SCIM token made for it and the service provider's addresses; the
// server gets the tenant's metadata; accounts, permission sets and assignments are made through the same services as
// the APIs use. A data directory that has a sample organization already is left as it is.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"gatehouse/internal/app"
	"gatehouse/internal/tenant"
)

// Config is what a demo is made of.
type Config struct {
	App app.Config
	// TenantListener is where the tenant answers; ServerListener where the server does. Both are open already.
	ServerListener, TenantListener net.Listener
	Log                            *slog.Logger
}

// Demo is a running demo.
type Demo struct {
	App    *app.App
	Tenant *tenant.Tenant
	// SignIns are a few people of the sample and their passwords at the tenant.
	SignIns []SignIn
	// Env is what `gatehouse env` prints.
	Env app.Environment

	stop context.CancelFunc
	done sync.WaitGroup
	errs chan error
}

// SignIn is a person to try the demo as.
type SignIn struct {
	UserName string `json:"userName"`
	Password string `json:"password"`
	Who      string `json:"who"`
}

// syncEvery is how often the demo's tenant runs a cycle; Entra takes 40 minutes.
const syncEvery = 30 * time.Second

// Start brings everything up and fills it with the sample. Stop ends it.
func Start(ctx context.Context, c Config) (_ *Demo, err error) {
	if c.App.MailDrop == "" && c.App.Data != "" {
		c.App.MailDrop = filepath.Join(c.App.Data, "mail")
	}
	a, err := app.New(ctx, c.App, app.Real(c.Log))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	t, err := tenant.New(tenant.Config{
		BaseURL: "http://" + c.TenantListener.Addr().String(), DataDir: filepath.Join(a.Config.Data, "tenant"), Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &Demo{App: a, Tenant: t, stop: stop, errs: make(chan error, 3)}
	d.done.Go(func() { d.errs <- a.Run(run, c.ServerListener) })
	d.done.Go(func() { d.errs <- ServeTenant(run, t, c.TenantListener) })
	if err := d.fill(ctx); err != nil {
		stop()
		d.done.Wait()
		return nil, fmt.Errorf("filling the demo: %w", err)
	}
	d.done.Go(func() {
		if err := t.Run(run); err != nil && !errors.Is(err, context.Canceled) {
			d.errs <- err
		}
	})
	return d, nil
}

// ServeTenant answers for a tenant on a listener until ctx ends.
func ServeTenant(ctx context.Context, t *tenant.Tenant, l net.Listener) error {
	s := &http.Server{Handler: t.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(grace)
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Wait returns when ctx ends (nil) or a part of the demo fails.
func (d *Demo) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.errs:
		return err
	}
}

// Stop ends everything and waits for it.
func (d *Demo) Stop() error {
	d.stop()
	d.done.Wait()
	return d.App.Close()
}
