package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/demo"
	"gatehouse/internal/tenant"
)

func logger(level string, w io.Writer) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the configuration's check names a wrong level; until then info is meant
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// settings reads the configuration file, the environment and the flags that were given.
func settings(c *cobra.Command, name string) (app.Config, error) {
	file, _ := c.Flags().GetString("config")
	cfg, err := app.LoadConfig(file, os.Environ())
	if err != nil {
		return cfg, err
	}
	for flag, p := range map[string]*string{"listen": &cfg.Listen, "data": &cfg.Data, "database": &cfg.Database, "url": &cfg.URL, "log-level": &cfg.LogLevel} {
		if f := c.Flags().Lookup(flag); f != nil && f.Changed {
			*p = f.Value.String()
		}
	}
	if cfg.Data == "" {
		cfg.Data = app.DefaultData(name)
	}
	return cfg, nil
}

// listen opens the configured address, so that port 0 becomes a real one before addresses are handed out.
func listen(cfg *app.Config) (net.Listener, error) {
	full, err := cfg.Complete()
	if err != nil {
		return nil, fmt.Errorf("the configuration is wrong:\n%w", err)
	}
	l, err := net.Listen("tcp", full.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w (choose another with --listen HOST:PORT)", full.Listen, err)
	}
	cfg.Listen = full.Listen
	if strings.HasSuffix(full.Listen, ":0") {
		cfg.Listen = l.Addr().String()
	}
	return l, nil
}

func serveFlags(c *cobra.Command) *cobra.Command {
	c.Flags().String("listen", "127.0.0.1:8080", "address to listen on, HOST:PORT")
	c.Flags().String("data", "", "data directory (default: below the user's data directory)")
	c.Flags().String("log-level", "info", "debug, info, warn or error")
	return c
}

func serveCommand() *cobra.Command {
	c := serveFlags(&cobra.Command{
		Use: "serve", Short: "Run the server", Args: noArgs,
		Long: `Run the server. An empty data directory becomes an organization: a management account, an Identity Center instance with its identity
store, and an administrator's access key, which "gatehouse env" prints.`,
		Example: "  gatehouse serve --data /var/lib/gatehouse\n  gatehouse serve --database postgres://gatehouse@db/gatehouse --config gatehouse.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := settings(c, "gatehouse")
			if err != nil {
				return err
			}
			l, err := listen(&cfg)
			if err != nil {
				return err
			}
			a, err := app.New(c.Context(), cfg, app.Real(logger(cfg.LogLevel, c.ErrOrStderr())))
			if err != nil {
				l.Close()
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Gatehouse %s\n  portal  %s/start\n  next    eval \"$(gatehouse env --data %s)\"\n", version, a.Config.URL, quoted(a.Config.Data))
			if a.NewKey {
				fmt.Fprintf(c.OutOrStdout(), "  An administrator's access key was made; `gatehouse env` prints it.\n")
			}
			err = a.Run(c.Context(), l)
			if cerr := a.Close(); err == nil {
				err = cerr
			}
			return err
		},
	})
	c.Flags().String("database", "", "PostgreSQL URL (default: SQLite in the data directory)")
	c.Flags().String("config", "", "configuration file (YAML)")
	c.Flags().String("url", "", "the address clients use, if it is not http://LISTEN")
	return c
}

// quoted writes a path so that a shell reads it as one word.
func quoted(s string) string {
	if strings.ContainsAny(s, " '\"$\\`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

func demoCommand() *cobra.Command {
	c := serveFlags(&cobra.Command{
		Use: "demo", Short: "Run everything on this machine, with sample people", Args: noArgs,
		Long: `Run the server, an emulated Entra ID tenant and a sample organization on this machine. Everything is kept in the data directory and nowhere
else; delete the directory and it never was.`,
		Example: "  gatehouse demo\n  gatehouse demo --listen 127.0.0.1:9080 --tenant-listen 127.0.0.1:9081 --data /tmp/demo",
		RunE:    runDemo,
	})
	c.Flags().String("tenant-listen", "127.0.0.1:8081", "address of the emulated tenant, HOST:PORT")
	return c
}

func runDemo(c *cobra.Command, _ []string) error {
	cfg, err := settings(c, "gatehouse-demo")
	if err != nil {
		return err
	}
	if !c.Flags().Changed("log-level") {
		cfg.LogLevel = "warn"
	}
	l, err := listen(&cfg)
	if err != nil {
		return err
	}
	at, _ := c.Flags().GetString("tenant-listen")
	tl, err := net.Listen("tcp", at)
	if err != nil {
		l.Close()
		return fmt.Errorf("cannot listen on %s for the tenant: %w (choose another with --tenant-listen HOST:PORT)", at, err)
	}
	d, err := demo.Start(c.Context(), demo.Config{App: cfg, ServerListener: l, TenantListener: tl, Log: logger(cfg.LogLevel, c.ErrOrStderr())})
	if err != nil {
		return err
	}
	welcome(c.OutOrStdout(), d)
	err = d.Wait(c.Context())
	if serr := d.Stop(); err == nil {
		err = serr
	}
	return err
}

// welcome says what there is and what to try next.
func welcome(w io.Writer, d *demo.Demo) {
	data := quoted(d.App.Config.Data)
	fmt.Fprintf(w, "\nGatehouse demo is up.\n\n  Access portal    %s/start\n  Emulated tenant  %s\n                   (a link that works once; the address without it asks for a token)\n\n  Sign in as (at the tenant)\n", d.App.Config.URL, d.Tenant.AdminLink())
	for _, s := range d.SignIns {
		fmt.Fprintf(w, "    %-42s password %s   %s\n", s.UserName, s.Password, s.Who)
	}
	fmt.Fprintf(w, `
  Next, in another terminal
    eval "$(./bin/gatehouse env --data %s)"
    aws sso-admin list-instances --endpoint-url "$GATEHOUSE_URL"
    ./bin/gatehouse access what "$GATEHOUSE_DEMO_USER"

  The README walks through the six steps of the main job. Ctrl-C stops; everything is in
    %s

`, data, d.App.Config.Data)
}

func tenantCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "tenant", Short: "Run the emulated Entra ID tenant alone", Args: noArgs,
		Long:    "Run the emulated Entra ID tenant alone: people, groups, an enterprise application, a SAML identity provider and a SCIM provisioning job.",
		Example: "  gatehouse tenant --listen 127.0.0.1:8081 --data /tmp/tenant",
		RunE: func(c *cobra.Command, _ []string) error {
			at, _ := c.Flags().GetString("listen")
			data, _ := c.Flags().GetString("data")
			if data == "" {
				data = app.DefaultData("gatehouse-tenant")
			}
			l, err := net.Listen("tcp", at)
			if err != nil {
				return fmt.Errorf("cannot listen on %s: %w (choose another with --listen HOST:PORT)", at, err)
			}
			t, err := tenant.New(tenant.Config{BaseURL: "http://" + l.Addr().String(), DataDir: data, Log: logger("info", c.ErrOrStderr())})
			if err != nil {
				l.Close()
				return err
			}
			if sample, _ := c.Flags().GetBool("sample"); sample {
				ins, err := t.Fill()
				if err != nil {
					l.Close()
					return err
				}
				for _, s := range ins {
					fmt.Fprintf(c.OutOrStdout(), "  %-42s password %s   %s\n", s.UserPrincipalName, s.Password, s.Description)
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "Emulated Entra tenant %s (%s)\n  page      %s\n  metadata  %s\n  token of its API: %s/admin-token\n", t.ID(), t.Domain(), t.AdminLink(), t.MetadataURL(), data)
			ctx, stop := context.WithCancel(c.Context())
			defer stop()
			go func() { _ = t.Run(ctx) }() // it ends with ctx and has no other end
			return demo.ServeTenant(ctx, t, l)
		},
	}
	c.Flags().Bool("sample", false, "fill an empty tenant with sample people and groups")
	c.Flags().String("listen", "127.0.0.1:8081", "address to listen on, HOST:PORT")
	c.Flags().String("data", "", "data directory (default: below the user's data directory)")
	return c
}
