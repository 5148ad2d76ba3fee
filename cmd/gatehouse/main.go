// Command gatehouse is the one binary: the server, the emulated tenant, the demo, and the command line that
// administers them. It reads flags and starts things; what they do is in the internal packages.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // what does not end at the first signal is ended by the second
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError is a mistake in how the command was typed: exit code 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes one command line and returns its exit code: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var e exitCode
	if errors.As(err, &e) {
		return int(e)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "gatehouse: ended before it was done")
		return 1
	}
	fmt.Fprintln(stderr, "gatehouse:", err)
	var u usageError
	if errors.As(err, &u) {
		fmt.Fprintln(stderr, "Try `gatehouse --help`, or --help after the command.")
		return 2
	}
	return 1
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "A self-hosted IAM Identity Center",
		Long: `Gatehouse takes people and groups from an identity provider (SAML 2.0, SCIM 2.0), maps them by permission sets
and assignments to roles in many accounts, and hands out short-lived credentials in a portal and to "aws sso login".`,
		Example:       "  gatehouse demo\n  eval \"$(gatehouse env --data DIR)\"\n  gatehouse access what mary@example.com",
		Version:       version,
		SilenceErrors: true, SilenceUsage: true,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(), demoCommand(), tenantCommand(), envCommand(), configureCommand(), credentialsCommand(),
		idpCommand(), scimTokenCommand(), directoryCommand(), userCommand(), groupCommand(), sessionCommand(), mailCommand(), accessCommand(), eventCommand(),
		validateCommand(), planCommand(), applyCommand(), exportCommand(), importCommand())
	return root
}

func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case c.HasSubCommands():
		return usagef("there is no command %q", args[0])
	}
	return usagef("%s takes no argument, and %q is one", c.CommandPath(), args[0])
}

// exactly checks the number of arguments and names them in the error.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usagef("%s takes %s", c.CommandPath(), strings.Join(names, " and "))
	}
}

// atMost allows one argument or none, and names it in the error.
func atMost(one string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return usagef("%s takes at most %s", c.CommandPath(), one)
	}
}

// family is a command that only holds others.
func family(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Example: subs[0].Example, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("there is no command %q under %s", args[0], c.CommandPath())
		}
		return c.Help()
	}}
	c.AddCommand(subs...)
	return c
}
