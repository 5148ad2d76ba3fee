package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/live"
)

// liveFlags adds to a command the flags by which it finds an instance: of AWS, as the AWS CLI does, or of a Gatehouse server.
func liveFlags(c *cobra.Command) *cobra.Command {
	f := c.Flags()
	f.String("profile", "", "AWS profile (default: AWS_PROFILE)")
	f.String("region", "", "Region of the Identity Center instance (default: the profile's, AWS_REGION)")
	f.String("role-arn", "", "role to assume first")
	f.String("external-id", "", "external id for that role")
	f.String("role-session-name", "", "name of the session of that role (default: gatehouse)")
	f.String("instance-arn", "", "the instance, if there is more than one (default: the organization's)")
	f.String("endpoint-url", "", "URL of a server that stands in for AWS (default: AWS_ENDPOINT_URL)")
	f.String("data", "", "data directory of a Gatehouse server on this machine: its address and access key")
	f.String("limits", "auto", "what the service allows: auto, aws, none, calls a second (20), with assignment requests under way (20,15)")
	f.String("account-role", "", "role to assume in accounts to look for customer managed policies (default: OrganizationAccountAccessRole)")
	return c
}

// openLive opens what the flags name. It makes no call yet.
func openLive(c *cobra.Command) (*live.Client, error) {
	get := func(name string) string { s, _ := c.Flags().GetString(name); return s }
	o := live.Options{Profile: get("profile"), Region: get("region"), Role: get("role-arn"), ExternalID: get("external-id"), Session: get("role-session-name"), Instance: get("instance-arn"), Endpoint: get("endpoint-url"), AccountRole: get("account-role")}
	var err error
	if o.Limits, err = live.ParseLimits(get("limits")); err != nil {
		return nil, usageError{err}
	}
	if o.Endpoint != "" && !strings.HasPrefix(o.Endpoint, "http://") && !strings.HasPrefix(o.Endpoint, "https://") {
		return nil, usagef("--endpoint-url takes an address that begins with http:// or https://, and %q does not", o.Endpoint)
	}
	if data := get("data"); data != "" {
		if o.Profile != "" || o.Endpoint != "" {
			return nil, usagef("--data names the server and its access key; --profile and --endpoint-url cannot be given with it")
		}
		env, err := app.ReadEnvironment(data)
		if err != nil {
			return nil, err
		}
		o.Endpoint, o.Key, o.Secret = env["GATEHOUSE_URL"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
		if o.Region == "" {
			o.Region = env["AWS_REGION"]
		}
	}
	return live.Open(c.Context(), o)
}

// progressOn is a line on the terminal that standard error is, or nil where it is none. What is printed afterwards begins on a line of its own.
func progressOn(c *cobra.Command) live.Progress {
	out := c.ErrOrStderr()
	if !isTerminal(out) {
		return nil
	}
	return (&bar{out: out, now: time.Now}).step
}

// bar is a progress bar on one line. It redraws itself at most ten times a second, and goes away when everything is done.
type bar struct {
	mu    sync.Mutex
	out   io.Writer
	now   func() time.Time
	drawn time.Time
	width int
	steps map[string][2]int
}

func (b *bar) step(step string, done, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.steps == nil {
		b.steps = map[string][2]int{}
	}
	b.steps[step] = [2]int{done, total}
	now := b.now()
	left := b.left()
	if left != "" && now.Sub(b.drawn) < 100*time.Millisecond {
		return
	}
	b.drawn = now
	line := ""
	if left != "" {
		var sum, of int
		for _, n := range b.steps {
			sum, of = sum+n[0], of+n[1]
		}
		const cells = 24
		full := cells * sum / max(of, 1)
		line = "[" + strings.Repeat("=", full) + strings.Repeat(" ", cells-full) + "] " + left
	}
	pad := max(0, b.width-len(line))
	b.width = len(line)
	fmt.Fprintf(b.out, "\r%s%s", line, strings.Repeat(" ", pad))
	if line == "" {
		fmt.Fprint(b.out, "\r")
	}
}

// left names the steps that are not done, shortly enough for a line.
func (b *bar) left() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(b.steps)) {
		if n := b.steps[name]; n[0] < n[1] {
			parts = append(parts, fmt.Sprintf("%s %d/%d", name, n[0], n[1]))
		}
	}
	if len(parts) > 2 {
		parts = append(parts[:2], "…")
	}
	return strings.Join(parts, " · ")
}

func exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "export [--out FILE]", Short: "Write who may do what in the organization into a file", Args: noArgs,
		Long: `Read accounts, groups, people, permission sets, assignments, attributes and applications of an Identity Center instance, of AWS or of a Gatehouse
server, and write them into one JSON file: against it "gatehouse plan --estate FILE" makes plans without a connection. A name that ends in .gz is compressed.`,
		Example: "  gatehouse export --profile admin --region eu-west-1 --out estate.json.gz\n  gatehouse export --data DIR --out estate.json",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := openLive(c)
			if err != nil {
				return err
			}
			e, err := cl.Read(c.Context(), live.Want{All: true}, progressOn(c))
			if err != nil {
				return unreachable(err)
			}
			file, _ := c.Flags().GetString("out")
			if file == "" || file == "-" {
				return estate.Write(c.OutOrStdout(), e)
			}
			if err := writeEstate(file, e); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "%d accounts, %d groups, %d people, %d permission sets, %d assignments, %d applications → %s\n",
				len(e.Accounts), len(e.Groups), len(e.Users), len(e.Sets), len(e.Assignments), len(e.Applications), file)
			return nil
		},
	}
	c.Flags().String("out", "", "file to write (default: standard output)")
	return liveFlags(c)
}

// writeEstate replaces a file whole or not at all. Only its owner can read it: it tells who can do what.
func writeEstate(file string, e *estate.Estate) error {
	return writeFile(file, func(w io.Writer) error {
		if !strings.HasSuffix(file, ".gz") {
			return estate.Write(w, e)
		}
		z := gzip.NewWriter(w)
		return errors.Join(estate.Write(z, e), z.Close())
	}, renameio.WithPermissions(0o600), renameio.WithStaticPermissions(0o600))
}

// readEstate reads what export wrote.
func readEstate(file string) (*estate.Estate, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	e, err := estate.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return e, nil
}
