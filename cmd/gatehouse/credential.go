package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type builtInView struct {
	Version       int64  `json:"version"`
	Enabled       bool   `json:"enabled"`
	MFA           string `json:"mfa"`
	WithoutDevice string `json:"withoutDevice"`
	MinLength     int    `json:"minPasswordLength"`
	SelfReset     bool   `json:"selfReset"`
}

// builtInCommand shows the built-in directory, and changes what flags name.
func builtInCommand() *cobra.Command {
	c := &cobra.Command{Use: "builtin", Short: "Show or change the built-in directory: passwords and passkeys of this server", Args: noArgs,
		Example: "  gatehouse directory builtin --enable --mfa at-risk --without-device register\n  gatehouse directory builtin --json",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := client(c)
			if err != nil {
				return err
			}
			var v builtInView
			if err := cl.Do(c.Context(), http.MethodGet, "/settings/builtin", nil, &v); err != nil {
				return err
			}
			show := func(v builtInView) {
				on := "off"
				if v.Enabled {
					on = "on"
				}
				fmt.Fprintf(c.OutOrStdout(), "built-in directory      %s\nsecond factor           %s\nwithout a device        %s\nleast password length   %d\nreset by e-mail         %v\n", on, v.MFA, v.WithoutDevice, v.MinLength, v.SelfReset)
			}
			if !changed(c, "enable", "disable", "mfa", "without-device", "min-length", "self-reset") {
				return call(c, http.MethodGet, "/settings/builtin", nil, show)
			}
			f := c.Flags()
			if f.Changed("enable") && f.Changed("disable") {
				return usagef("directory builtin takes --enable or --disable, not both")
			}
			switch {
			case f.Changed("enable"):
				v.Enabled = true
			case f.Changed("disable"):
				v.Enabled = false
			}
			for flag, to := range map[string]*string{"mfa": &v.MFA, "without-device": &v.WithoutDevice} {
				if f.Changed(flag) {
					*to, _ = f.GetString(flag)
				}
			}
			if f.Changed("min-length") {
				v.MinLength, _ = f.GetInt("min-length")
			}
			if f.Changed("self-reset") {
				v.SelfReset, _ = f.GetBool("self-reset")
			}
			return call(c, http.MethodPut, "/settings/builtin", v, show)
		}}
	c.Flags().Bool("enable", false, "let people sign in with it")
	c.Flags().Bool("disable", false, "let nobody but break-glass administrators sign in with it")
	c.Flags().String("mfa", "", "when a second factor is asked for: always, at-risk or never")
	c.Flags().String("without-device", "", "what happens to who has none: register, block or allow")
	c.Flags().Int("min-length", 0, "the least length of passwords (8 to 64)")
	c.Flags().Bool("self-reset", false, "let people ask for a new password by e-mail")
	return administered(jsonFlag(c))
}

func changed(c *cobra.Command, flags ...string) bool {
	for _, f := range flags {
		if c.Flags().Changed(f) {
			return true
		}
	}
	return false
}

func domainsCommand() *cobra.Command {
	c := &cobra.Command{Use: "domains ID", Short: "Say whose e-mail domains an identity source signs in; replaces all of them", Args: exactly("ID"),
		Example: "  gatehouse directory domains contoso --domain contoso.com --domain contoso.de\n  gatehouse directory domains contoso",
		RunE: func(c *cobra.Command, args []string) error {
			domains, _ := c.Flags().GetStringSlice("domain")
			return call(c, http.MethodPut, "/directories/"+segment(args[0])+"/domains", map[string]any{"domains": append([]string{}, domains...)}, func(d directoryView) { d.print(c) })
		}}
	c.Flags().StringSlice("domain", nil, "an e-mail domain; none takes all away")
	return administered(jsonFlag(c))
}

type credentialsView struct {
	PasswordSetAt *time.Time `json:"passwordSetAt,omitempty"`
	OneTimeUntil  *time.Time `json:"oneTimeUntil,omitempty"`
	Devices       []struct {
		ID         string     `json:"id"`
		Name       string     `json:"name"`
		Kind       string     `json:"kind"`
		CreatedAt  time.Time  `json:"createdAt"`
		LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
	} `json:"devices"`
	RecoveryCodes int  `json:"recoveryCodes"`
	BreakGlass    bool `json:"breakGlass"`
}

func when(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Format(time.DateTime)
}

func (v credentialsView) print(c *cobra.Command) {
	w := c.OutOrStdout()
	switch {
	case v.PasswordSetAt == nil:
		fmt.Fprintln(w, "password         none")
	case v.OneTimeUntil != nil:
		fmt.Fprintf(w, "password         one-time, until %s\n", when(v.OneTimeUntil))
	default:
		fmt.Fprintf(w, "password         set %s\n", when(v.PasswordSetAt))
	}
	fmt.Fprintf(w, "recovery codes   %d left\nbreak-glass      %v\n", v.RecoveryCodes, v.BreakGlass)
	if len(v.Devices) == 0 {
		return
	}
	t := newTable(c, "DEVICE", "KIND", "ADDED", "LAST USED", "ID")
	for _, d := range v.Devices {
		t.row(d.Name, d.Kind, d.CreatedAt.Format(time.DateTime), when(d.LastUsedAt), d.ID)
	}
	t.flush()
}

// credentialCommands are about what one user signs in with at the built-in directory.
func credentialCommands() []*cobra.Command {
	show := func(c *cobra.Command) func(credentialsView) {
		return func(v credentialsView) { v.print(c) }
	}
	one := func(use, short, method, suffix string) *cobra.Command {
		return onUser(use, short, func(c *cobra.Command, path string) error { return call(c, method, path+suffix, nil, show(c)) })
	}
	password := onUser("password", "Give a user a one-time password and show it, once", func(c *cobra.Command, path string) error {
		type out struct {
			Password string    `json:"password"`
			Expires  time.Time `json:"expires"`
		}
		if remove, _ := c.Flags().GetBool("remove"); remove {
			return call(c, http.MethodDelete, path+"/password", nil, show(c))
		}
		return call(c, http.MethodPost, path+"/password", nil, func(o out) {
			fmt.Fprintf(c.OutOrStdout(), "password  %s\nuntil     %s\nIt must be replaced at its first use, and is not shown again.\n", o.Password, o.Expires.Format(time.DateTime))
		})
	})
	password.Flags().Bool("remove", false, "leave her without a password instead")
	invite := onUser("invite", "Send a user a link by which she sets a password", func(c *cobra.Command, path string) error {
		in := map[string]any{"kind": "invitation"}
		if reset, _ := c.Flags().GetBool("reset"); reset {
			in["kind"] = "reset"
		}
		in["show"], _ = c.Flags().GetBool("show")
		type out struct {
			SentTo  string    `json:"sentTo,omitempty"`
			URL     string    `json:"url,omitempty"`
			Expires time.Time `json:"expires"`
		}
		return call(c, http.MethodPost, path+"/invitation", in, func(o out) {
			if o.URL != "" {
				fmt.Fprintf(c.OutOrStdout(), "link   %s\nuntil  %s\nWhoever has the link sets the password. It is not shown again.\n", o.URL, o.Expires.Format(time.DateTime))
				return
			}
			fmt.Fprintf(c.OutOrStdout(), "sent to %s; the link works until %s\n", o.SentTo, o.Expires.Format(time.DateTime))
		})
	})
	invite.Flags().Bool("reset", false, "for somebody who forgot hers: works for an hour")
	invite.Flags().Bool("show", false, "print the link instead of mailing it")
	glass := onUser("break-glass", "Make a user a break-glass administrator, who can always sign in", func(c *cobra.Command, path string) error {
		method := http.MethodPut
		if off, _ := c.Flags().GetBool("off"); off {
			method = http.MethodDelete
		}
		return call(c, method, path+"/break-glass", nil, show(c))
	})
	glass.Flags().Bool("off", false, "make her an ordinary user again")
	removeDevice := &cobra.Command{Use: "remove-device USER ID", Short: "Remove a second factor that a user has lost", Args: exactly("USER", "ID"), Example: "  gatehouse user remove-device mary@example.com 0b0c…",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodDelete, "/users/"+segment(args[0])+"/devices/"+segment(args[1]), nil, show(c))
		}}
	return []*cobra.Command{
		invite, password, one("devices", "Show what a user signs in with at the built-in directory", http.MethodGet, "/credentials"), removeDevice,
		one("unlock", "Forget the wrong guesses about a user", http.MethodPost, "/unlock"), glass,
	}
}

func sessionCommand() *cobra.Command {
	type view struct {
		ID         string    `json:"id"`
		Method     string    `json:"method"`
		Source     string    `json:"source"`
		CreatedAt  time.Time `json:"createdAt"`
		LastSeenAt time.Time `json:"lastSeenAt"`
		ExpiresAt  time.Time `json:"expiresAt"`
	}
	type page struct {
		Sessions []view `json:"sessions"`
		Next     string `json:"next"`
	}
	list := &cobra.Command{Use: "list USER", Short: "List a user's open sessions", Args: exactly("USER"), Example: "  gatehouse session list mary@example.com",
		RunE: func(c *cobra.Command, args []string) error {
			ss, err := pages(c, "/users/"+segment(args[0])+"/sessions", func(p page) ([]view, string) { return p.Sessions, p.Next })
			if err != nil {
				return err
			}
			if asJSON, _ := c.Flags().GetBool("json"); asJSON {
				return printJSON(c, map[string]any{"sessions": ss})
			}
			t := newTable(c, "SINCE", "BY", "SOURCE", "LAST SEEN", "UNTIL", "ID")
			for _, s := range ss {
				t.row(s.CreatedAt.Format(time.DateTime), s.Method, s.Source, s.LastSeenAt.Format(time.DateTime), s.ExpiresAt.Format(time.DateTime), s.ID)
			}
			t.flush()
			return nil
		}}
	end := &cobra.Command{Use: "end USER ID", Short: "End one session of a user, with its tokens", Args: exactly("USER", "ID"), Example: "  gatehouse session end mary@example.com 0b0c…",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodDelete, "/users/"+segment(args[0])+"/sessions/"+segment(args[1]), nil, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "ended") })
		}}
	for _, c := range []*cobra.Command{list, end} {
		administered(jsonFlag(c))
	}
	return family("session", "Open sessions of people", list, end)
}

func mailCommand() *cobra.Command {
	type view struct {
		Host     string `json:"host"`
		Port     int    `json:"port,omitempty"`
		Security string `json:"security,omitempty"`
		Username string `json:"username,omitempty"`
		From     string `json:"from,omitempty"`
	}
	show := func(c *cobra.Command) func(view) {
		return func(v view) {
			if v.Host == "" {
				fmt.Fprintln(c.OutOrStdout(), "no mail server; set one with `gatehouse mail set`")
				return
			}
			fmt.Fprintf(c.OutOrStdout(), "server    %s:%d (%s)\nuser      %s\nfrom      %s\n", v.Host, v.Port, v.Security, v.Username, v.From)
		}
	}
	set := &cobra.Command{Use: "set", Short: "Say where mail is handed in; without --host nowhere", Args: noArgs,
		Example: "  gatehouse mail set --host smtp.example.com --port 587 --security starttls --username sso --from sso@example.com --password-file FILE",
		RunE: func(c *cobra.Command, _ []string) error {
			in := map[string]any{}
			for _, f := range []string{"host", "security", "username", "from"} {
				if v, _ := c.Flags().GetString(f); v != "" || f == "host" {
					in[f] = v
				}
			}
			if in["host"] == "" {
				delete(in, "security")
			} else {
				in["port"], _ = c.Flags().GetInt("port")
			}
			file, _ := c.Flags().GetString("password-file")
			password, err := readSecret(c, file)
			if err != nil {
				return err
			}
			if password != "" {
				in["password"] = password
			}
			return call(c, http.MethodPut, "/settings/mail", in, show(c))
		}}
	for flag, about := range map[string]string{"host": "the mail server", "username": "the user to authenticate as", "from": "the sender's address", "password-file": "a file with the password; - for standard input"} {
		set.Flags().String(flag, "", about)
	}
	set.Flags().String("security", "starttls", "starttls, tls, or none on this machine")
	set.Flags().Int("port", 587, "its port")
	get := &cobra.Command{Use: "show", Short: "Show where mail is handed in", Args: noArgs, Example: "  gatehouse mail show --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return call(c, http.MethodGet, "/settings/mail", nil, show(c))
		}}
	test := &cobra.Command{Use: "test ADDRESS", Short: "Send a mail that says nothing", Args: exactly("ADDRESS"), Example: "  gatehouse mail test me@example.com",
		RunE: func(c *cobra.Command, args []string) error {
			return call(c, http.MethodPost, "/settings/mail/test", map[string]string{"to": args[0]}, func(struct{}) { fmt.Fprintln(c.OutOrStdout(), "sent") })
		}}
	for _, c := range []*cobra.Command{set, get, test} {
		administered(jsonFlag(c))
	}
	return family("mail", "The mail server for invitations and new passwords", set, get, test)
}

// readSecret reads a secret from a file, or from standard input for "-"; it is never an argument, which every user of the machine could read.
func readSecret(c *cobra.Command, file string) (string, error) {
	var b []byte
	var err error
	switch file {
	case "":
		return "", nil
	case "-":
		b, err = io.ReadAll(io.LimitReader(c.InOrStdin(), 1<<16))
	default:
		b, err = os.ReadFile(file)
	}
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
