package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/ssoclient"
)

// personal adds the flags by which a person's command finds server and session.
func personal(c *cobra.Command) *cobra.Command {
	c.Flags().String("url", "", "the server (default: $GATEHOUSE_URL, else http://127.0.0.1:8080)")
	c.Flags().String("session", "gatehouse", "name of the sso-session")
	c.Flags().String("region", "", "region of the instance (default: $AWS_REGION, else us-east-1)")
	return c
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func person(c *cobra.Command) (*ssoclient.Client, error) {
	flag := func(name string) string { v, _ := c.Flags().GetString(name); return v }
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	cl := &ssoclient.Client{
		URL: firstOf(flag("url"), os.Getenv("GATEHOUSE_URL"), "http://127.0.0.1:8080"), Region: firstOf(flag("region"), os.Getenv("AWS_REGION"), "us-east-1"),
		Session: flag("session"), Cache: filepath.Join(home, ".aws", "sso", "cache"), HTTP: &http.Client{Timeout: 30 * time.Second}, Now: time.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(d):
				return nil
			}
		},
		Ask: func(address, code string) {
			fmt.Fprintf(c.ErrOrStderr(), "Open this address in a browser and compare the code:\n\n  %s\n\n  %s\n\n", address, code)
		},
	}
	cl.StartURL, err = cl.DiscoverStartURL(c.Context())
	return cl, err
}

func configureCommand() *cobra.Command {
	c := personal(&cobra.Command{
		Use: "configure", Short: "Write AWS CLI profiles for every account and role you have", Args: noArgs,
		Long: `Sign in (in a browser, unless "aws sso login" did it already) and write an sso-session and a profile for each of your roles into the AWS CLI's configuration
file. Only the part between the two lines that name Gatehouse is written; the rest of the file stays as it is.`,
		Example: "  gatehouse configure --url https://sso.example.com\n  aws sts get-caller-identity --profile payments-production-ReadOnly",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := person(c)
			if err != nil {
				return err
			}
			token, err := cl.Token(c.Context(), true)
			if err != nil {
				return err
			}
			ps, err := profiles(c.Context(), cl, token)
			if err != nil {
				return err
			}
			file, _ := c.Flags().GetString("file")
			if file == "" {
				home, err := os.UserHomeDir()
				if err != nil {
					return err
				}
				file = firstOf(os.Getenv("AWS_CONFIG_FILE"), filepath.Join(home, ".aws", "config"))
			}
			if err := cl.Configure(file, ps); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%d profiles written to %s\n", len(ps), file)
			return nil
		},
	})
	c.Flags().String("file", "", "configuration file (default: $AWS_CONFIG_FILE, else ~/.aws/config)")
	return c
}

func profiles(ctx context.Context, cl *ssoclient.Client, token string) ([]ssoclient.Profile, error) {
	accounts, err := cl.Accounts(ctx, token)
	if err != nil {
		return nil, err
	}
	var ps []ssoclient.Profile
	for _, a := range accounts {
		roles, err := cl.Roles(ctx, token, a.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			ps = append(ps, ssoclient.Profile{AccountID: a.ID, AccountName: a.Name, Role: r})
		}
	}
	return ps, nil
}

func credentialsCommand() *cobra.Command {
	c := personal(&cobra.Command{
		Use: "credentials --account ID --role NAME", Short: "Print credentials of a role, for credential_process", Args: noArgs,
		Long:    "Print short-lived credentials of one role in one account as JSON, in the form that credential_process of the AWS CLI and SDKs takes. It never asks; sign in before with `gatehouse configure` or `aws sso login`.",
		Example: "  # in ~/.aws/config\n  [profile night]\n  credential_process = gatehouse credentials --url https://sso.example.com --account 123456789012 --role NightShift",
		RunE: func(c *cobra.Command, _ []string) error {
			account, _ := c.Flags().GetString("account")
			role, _ := c.Flags().GetString("role")
			if account == "" || role == "" {
				return usagef("credentials needs --account ID and --role NAME")
			}
			cl, err := person(c)
			if err != nil {
				return err
			}
			token, err := cl.Token(c.Context(), false)
			if errors.Is(err, ssoclient.ErrSignIn) {
				return fmt.Errorf("%w; run `gatehouse configure` or `aws sso login --sso-session %s`", err, cl.Session)
			}
			if err != nil {
				return err
			}
			k, err := cl.Credentials(c.Context(), token, account, role)
			if err != nil {
				return fmt.Errorf("%s in %s: %w", role, account, err)
			}
			return printJSON(c, map[string]any{
				"Version": 1, "AccessKeyId": k.AccessKeyID, "SecretAccessKey": k.SecretAccessKey, "SessionToken": k.SessionToken,
				"Expiration": time.UnixMilli(k.Expiration).UTC().Format(time.RFC3339),
			})
		},
	})
	c.Flags().String("account", "", "the account's id")
	c.Flags().String("role", "", "the permission set's name")
	return c
}
