package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/apply"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/plan/source"
)

// Access as code: validate, plan and apply. Files and a live state go in; everything is decided in internal/plan.

// exitCode ends the program with a code of its own, after everything was said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func fileFlags(c *cobra.Command) *cobra.Command {
	c.Flags().StringArray("var", nil, "set a variable of the files, as name=value; may be given several times")
	return c
}

// variables are those given with --var.
func variables(c *cobra.Command) (map[string]string, error) { return pairsOf(c, "var") }

// pairsOf are what a flag that may be given several times says, each time as name=value.
func pairsOf(c *cobra.Command, flag string) (map[string]string, error) {
	given, _ := c.Flags().GetStringArray(flag)
	out := map[string]string{}
	for _, v := range given {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, usagef("--%s takes name=value, and %q is not", flag, v)
		}
		out[name] = value
	}
	return out, nil
}

// loaded are files that were read, and what is wrong with them.
type loaded struct {
	sources   []*file.Source
	variables map[string]string
	document  *file.Document // nil when there are errors
	problems  source.Problems
	texts     source.Files
}

func load(c *cobra.Command, paths []string) (*loaded, error) {
	vars, err := variables(c)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	sources, err := file.Open(paths...)
	if err != nil {
		return nil, err
	}
	return loadSources(sources, vars), nil
}

func loadSources(sources []*file.Source, vars map[string]string) *loaded {
	l := &loaded{sources: sources, variables: vars, texts: source.Files{}}
	l.document, l.problems = file.Load(sources, vars)
	for _, s := range sources {
		for name, text := range s.Files {
			l.texts[s.Shown(name)] = text
		}
	}
	return l
}

// refuse prints what is wrong and returns the error that ends the command.
func (l *loaded) refuse(c *cobra.Command) error {
	l.problems.Write(c.ErrOrStderr(), l.texts)
	n := 0
	for _, p := range l.problems {
		if p.Severity == source.Error {
			n++
		}
	}
	return fmt.Errorf("%s in the files", source.Count(n, "error"))
}

func validateCommand() *cobra.Command {
	c := fileFlags(jsonFlag(&cobra.Command{
		Use: "validate [PATH...]", Short: "Check files that describe access", Args: cobra.ArbitraryArgs,
		Long: `Checks files, or every .yaml and .yml file in directories, without any connection: form, names, durations, policy documents, and tests of what permission sets
can do. With --estate, an export, everything is checked that a plan would check, tests of who can reach what included.`,
		Example: "  gatehouse validate access/\n  gatehouse validate access/ --estate estate.json\n  gatehouse validate --schema > access.schema.json",
		RunE:    runValidate,
	}))
	c.Flags().Bool("schema", false, "print the JSON Schema of the files, for editors")
	c.Flags().String("estate", "", "check against this estate, which \"gatehouse export\" wrote")
	return c
}

func runValidate(c *cobra.Command, args []string) error {
	if schema, _ := c.Flags().GetBool("schema"); schema {
		_, err := c.OutOrStdout().Write(file.Schema())
		return err
	}
	l, err := load(c, args)
	if err != nil {
		return err
	}
	problems, tests := l.problems, []plan.TestResult(nil)
	if l.document != nil {
		e, err := offline(c)
		if err != nil {
			return err
		}
		var more source.Problems
		if e != nil {
			p := plan.Make(l.document, e, plan.Options{MassRemoval: true, BreakGlass: true})
			more, tests = p.Problems, p.Tests
		} else {
			tests, more = plan.TestOffline(l.document)
		}
		problems = append(problems, more...)
	}
	if asJSON, _ := c.Flags().GetBool("json"); asJSON {
		if err := printJSON(c, struct {
			Valid    bool              `json:"valid"`
			Problems source.Problems   `json:"problems"`
			Tests    []plan.TestResult `json:"tests"`
		}{!problems.Failed(), append(source.Problems{}, problems.Sorted()...), append([]plan.TestResult{}, tests...)}); err != nil {
			return err
		}
		if problems.Failed() {
			return exitCode(1)
		}
		return nil
	}
	l.problems = problems
	if problems.Failed() {
		return l.refuse(c)
	}
	problems.Write(c.ErrOrStderr(), l.texts)
	fmt.Fprintln(c.OutOrStdout(), summary(l.document, tests))
	return nil
}

// summary says what was checked.
func summary(d *file.Document, tests []plan.TestResult) string {
	passed, undecided, estate := 0, 0, ""
	for _, t := range tests {
		switch t.Outcome {
		case plan.Passed:
			passed++
		case plan.Undecided:
			undecided++
			if slices.Contains(t.Reasons, plan.NeedsEstate) {
				estate = " (an export, given with --estate, decides who can reach what)"
			}
		}
	}
	out := fmt.Sprintf("Valid: %s, %s, %s.", source.Count(len(d.Sets), "permission set"), source.Count(len(d.Groups), "group"), source.Count(len(d.Rules), "assignment"))
	if len(tests) > 0 {
		out += fmt.Sprintf(" Tests of access: %d passed", passed)
		if undecided > 0 {
			out += fmt.Sprintf(", %d undecided%s", undecided, estate)
		}
		out += "."
	}
	return out
}

// offline is the estate that --estate names, or nil.
func offline(c *cobra.Command) (*estate.Estate, error) {
	name, _ := c.Flags().GetString("estate")
	if name == "" {
		return nil, nil
	}
	return readEstate(name)
}

func planFlags(c *cobra.Command) *cobra.Command {
	c.Flags().Bool("allow-mass-removal", false, "plan even if more is removed than the files' limit allows")
	c.Flags().Bool("unlock-break-glass", false, "plan even if emergency access is changed")
	c.Flags().Bool("details", false, "show every account, person and policy that a line stands for")
	return fileFlags(c)
}

func planOptions(c *cobra.Command) plan.Options {
	mass, _ := c.Flags().GetBool("allow-mass-removal")
	glass, _ := c.Flags().GetBool("unlock-break-glass")
	if drift, _ := c.Flags().GetBool("drift"); drift && !c.Flags().Changed("out") { // nobody is going to apply it, and what was changed by hand is what is asked for
		mass, glass = true, true
	}
	return plan.Options{MassRemoval: mass, BreakGlass: glass}
}

func style(c *cobra.Command, l *loaded) plan.Style {
	details, _ := c.Flags().GetBool("details")
	drift, _ := c.Flags().GetBool("drift")
	return plan.Style{Details: details, Drift: drift, Files: l.texts, Colour: isTerminal(c.OutOrStdout()) && os.Getenv("NO_COLOR") == ""}
}

// isTerminal tells whether a stream is a terminal, to which one can draw and ask. The null device, which is a character device too, is none.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

func planCommand() *cobra.Command {
	c := liveFlags(planFlags(jsonFlag(&cobra.Command{
		Use: "plan [PATH...]", Short: "Show what would change for access to be what files say", Args: cobra.ArbitraryArgs,
		Long: `Compares files with what is there, on a Gatehouse server or on AWS IAM Identity Center, and prints the changes that make it what the files say.
Nothing is changed. With --out the plan is saved, to be applied later exactly as it is shown. With --drift the exit code is 2 when there is a difference.`,
		Example: "  gatehouse plan access/\n  gatehouse plan access/ --profile identity --out plan.bin && gatehouse apply plan.bin\n  gatehouse plan access/ --drift --junit drift.xml\n  gatehouse plan access/ --estate estate.json",
		RunE:    runPlan,
	})))
	f := c.Flags()
	f.String("estate", "", "plan against this estate, which \"gatehouse export\" wrote, without any connection")
	f.String("out", "", "save the plan to this file, for \"gatehouse apply\"")
	f.Bool("markdown", false, "print Markdown, for a comment on a pull request")
	f.Bool("detailed-exitcode", false, "exit with 0 when nothing changes, 1 when something failed, 2 when there are changes")
	f.Bool("drift", false, "ask whether anything was changed by hand; the exit code is as with --detailed-exitcode")
	f.String("junit", "", "write a JUnit report to this file")
	f.String("sarif", "", "write a SARIF report to this file")
	return c
}

func runPlan(c *cobra.Command, args []string) error {
	if c.Flags().Changed("json") && c.Flags().Changed("markdown") {
		return usagef("--json and --markdown are two ways to print the same; give one")
	}
	l, err := load(c, args)
	if err != nil {
		return err
	}
	if l.document == nil {
		return l.refuse(c)
	}
	o := planOptions(c)
	e, err := offline(c)
	if err != nil {
		return err
	}
	var p *plan.Plan
	if e != nil {
		p = plan.Make(l.document, e, o)
	} else {
		client, err := openLive(c)
		if err != nil {
			return err
		}
		if p, err = readAndMake(c, client, l, o); err != nil {
			return err
		}
	}
	p.Problems = append(l.problems, p.Problems...)
	if err := printPlan(c, p, l); err != nil {
		return err
	}
	if err := writePlan(c, p, l, o); err != nil {
		return err
	}
	detailed, _ := c.Flags().GetBool("detailed-exitcode")
	drift, _ := c.Flags().GetBool("drift")
	switch {
	case p.Problems.Failed():
		return errors.New("the plan has errors and cannot be applied")
	case (detailed || drift) && !p.Empty():
		return exitCode(2)
	}
	return nil
}

// readAndMake reads what the files must be compared with, and then looks for policies that the changes need, and for tags that say whether accounts in which
// somebody becomes an administrator are production.
func readAndMake(c *cobra.Command, client *live.Client, l *loaded, o plan.Options) (*plan.Plan, error) {
	ctx := c.Context()
	e, err := client.Read(ctx, wanted(l.document), progressOn(c))
	if err != nil {
		return nil, unreachable(err)
	}
	p := plan.Make(l.document, e, o)
	var needed []live.NeededPolicy
	for _, n := range plan.NeededPolicies(p) {
		needed = append(needed, live.NeededPolicy{Policy: n.Policy, Accounts: n.Accounts})
	}
	tags := len(p.Raised) > 0 && l.document.Production == nil && !plan.NeedsOf(l.document).Tags
	if len(needed) == 0 && !tags {
		return p, nil
	}
	if tags {
		// Whoever may not read them is warned by the units alone.
		if err := client.AccountTags(ctx, e, p.Raised, progressOn(c)); err != nil && live.Code(err) != "AccessDeniedException" {
			return nil, unreachable(err)
		}
	}
	if len(needed) > 0 {
		if err := client.Policies(ctx, e, needed, progressOn(c)); err != nil {
			return nil, unreachable(err)
		}
	}
	return plan.Make(l.document, e, o), nil
}

// unreachable adds to an error of the network what to look for.
func unreachable(err error) error {
	var network *net.OpError
	if errors.As(err, &network) {
		return fmt.Errorf("nobody answers (is `gatehouse serve` running there, or is the endpoint or region wrong?): %w", err)
	}
	return err
}

func wanted(d *file.Document) live.Want {
	n := plan.NeedsOf(d)
	return live.Want{AllSets: n.AllSets, AllGroups: n.AllGroups, Sets: n.Sets, Groups: n.Groups, Users: n.Users, Members: n.Members, AllMembers: n.AllMembers,
		Tags: n.Tags, Attributes: n.Attributes, Applications: n.Applications}
}

func printPlan(c *cobra.Command, p *plan.Plan, l *loaded) error {
	asJSON, _ := c.Flags().GetBool("json")
	markdown, _ := c.Flags().GetBool("markdown")
	switch {
	case asJSON:
		return p.WriteJSON(c.OutOrStdout())
	case markdown:
		p.WriteMarkdown(c.OutOrStdout(), style(c, l))
	default:
		p.Write(c.OutOrStdout(), style(c, l))
	}
	return nil
}

// writePlan writes the files that the flags ask for.
func writePlan(c *cobra.Command, p *plan.Plan, l *loaded, o plan.Options) error {
	for flag, write := range map[string]func(io.Writer) error{
		"junit": p.WriteJUnit,
		"sarif": p.WriteSARIF,
		"out":   func(w io.Writer) error { return p.Save(w, l.sources, l.variables, o) },
	} {
		name, _ := c.Flags().GetString(flag)
		if name == "" || flag == "out" && p.Problems.Failed() {
			continue
		}
		if err := writeFile(name, write, renameio.WithPermissions(0o644)); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file whole or not at all.
func writeFile(name string, write func(io.Writer) error, o ...renameio.Option) error {
	t, err := renameio.NewPendingFile(name, o...)
	if err != nil {
		return err
	}
	defer t.Cleanup() //nolint:errcheck // after CloseAtomicallyReplace it does nothing
	b := bufio.NewWriter(t)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return t.CloseAtomicallyReplace()
}

func applyCommand() *cobra.Command {
	c := liveFlags(planFlags(jsonFlag(&cobra.Command{
		Use: "apply [PATH...|PLAN]", Short: "Make access what files say", Args: cobra.ArbitraryArgs,
		Long: `Plans, asks, and makes the changes: what is added first, then what is removed. What fails is told with its reason, and the rest goes on. A saved plan is applied only
if the world has not moved since, but for changes that are part of it. To apply again after a failure or a crash is always safe.`,
		Example: "  gatehouse apply access/\n  gatehouse apply plan.bin --auto-approve\n  gatehouse apply access/ --only assignments --auto-approve",
		RunE:    runApply,
	})))
	c.Flags().Bool("auto-approve", false, "do not ask")
	c.Flags().StringSlice("only", nil, "make only these changes: groups, members, permission_sets, provision, assignments, attributes, applications, uses")
	return c
}

func runApply(c *cobra.Command, args []string) error {
	saved, err := savedPlan(args)
	if err != nil {
		return err
	}
	var l *loaded
	o := planOptions(c)
	if saved != nil {
		for _, flag := range []string{"var", "allow-mass-removal", "unlock-break-glass"} {
			if c.Flags().Changed(flag) {
				return usagef("a saved plan is as it was made; --%s cannot be given with it, but when it is made", flag)
			}
		}
		l, o = loadSources(saved.Sources, saved.Variables), saved.Options
	} else if l, err = load(c, args); err != nil {
		return err
	}
	if l.document == nil {
		return l.refuse(c)
	}
	only, err := kinds(c)
	if err != nil {
		return err
	}
	client, err := openLive(c)
	if err != nil {
		return err
	}
	if saved != nil {
		i, err := client.Find(c.Context())
		if err != nil {
			return unreachable(err)
		}
		if i.ARN != saved.Instance {
			return fmt.Errorf("the plan was made for the instance %s, and this is %s", saved.Instance, i.ARN)
		}
	}
	settings := apply.Options{Only: only, Progress: progressOn(c)}
	// What a run that was killed left under way must have ended before the world is looked at.
	if err := apply.Settle(c.Context(), client, settings); err != nil {
		return unreachable(err)
	}
	p, err := readAndMake(c, client, l, o)
	if err != nil {
		return err
	}
	p.Problems = append(l.problems, p.Problems...)
	return applyPlan(c, client, p, l, saved, settings)
}

// applyPlan shows a plan, asks, and makes its changes.
func applyPlan(c *cobra.Command, client *live.Client, p *plan.Plan, l *loaded, saved *plan.Saved, settings apply.Options) error {
	asJSON, _ := c.Flags().GetBool("json")
	if !asJSON {
		p.Write(c.OutOrStdout(), style(c, l))
	}
	switch {
	case p.Problems.Failed():
		if asJSON {
			p.Problems.Write(c.ErrOrStderr(), l.texts)
		}
		return errors.New("the plan has errors and cannot be applied")
	case saved != nil:
		done, moved := saved.Moved(p)
		if len(moved) > 0 {
			return fmt.Errorf("the world has moved since the plan was saved, and it is not applied; plan again. Not in the saved plan:\n  %s", strings.Join(moved[:min(len(moved), 20)], "\n  "))
		}
		if done > 0 {
			fmt.Fprintf(c.ErrOrStderr(), "%d of the %d changes that were planned have come about already.\n", done, len(saved.Changes))
		}
	}
	if auto, _ := c.Flags().GetBool("auto-approve"); !auto && !p.Empty() {
		yes, err := confirm(c.Context(), c, "Make these changes?")
		if err != nil {
			return err
		}
		if !yes {
			return errors.New("nothing was changed")
		}
	}
	report, err := apply.Run(c.Context(), p, client, settings)
	if err != nil {
		return unreachable(err)
	}
	return tell(c, report, asJSON)
}

// tell prints what became of the changes.
func tell(c *cobra.Command, r *apply.Report, asJSON bool) error {
	done := r.Count(apply.Done)
	if asJSON {
		if err := printJSON(c, struct {
			*apply.Report
			Done    int     `json:"done"`
			Seconds float64 `json:"seconds"`
		}{r, done, r.Duration.Seconds()}); err != nil {
			return err
		}
	} else {
		for _, x := range r.Results {
			if x.Outcome == apply.Done {
				continue
			}
			fmt.Fprintf(c.ErrOrStderr(), "%s: %s: %s\n  %s\n", x.Outcome, source.Visible(x.What), source.Visible(x.Reason), x.Advice)
		}
		calls := 0
		for _, n := range r.Calls {
			calls += n
		}
		fmt.Fprintf(c.OutOrStdout(), "Applied %d of %d changes in %s, with %d calls.\n", done, len(r.Results), r.Duration.Round(10*time.Millisecond), calls)
	}
	if !r.OK() {
		return fmt.Errorf("%d changes failed, %d were skipped, %d are unfinished", r.Count(apply.Failed), r.Count(apply.Skipped), r.Count(apply.Unfinished))
	}
	return nil
}

// savedPlan reads the one argument if it is a saved plan; nil if none is one.
func savedPlan(args []string) (*plan.Saved, error) {
	for _, name := range args {
		if info, err := os.Stat(name); err != nil {
			return nil, err
		} else if !info.Mode().IsRegular() {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read from
		in := bufio.NewReader(f)
		if magic, _ := in.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			continue
		}
		if len(args) > 1 {
			return nil, usagef("%s is a saved plan, and is applied by itself", name)
		}
		s, err := plan.ReadSaved(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return s, nil
	}
	return nil, nil
}

// kinds are what --only names.
func kinds(c *cobra.Command) ([]apply.Kind, error) {
	names, _ := c.Flags().GetStringSlice("only")
	var out []apply.Kind
	for _, n := range names {
		k := apply.Kind(n)
		if n == "permission_sets" {
			k = apply.Sets
		}
		if !slices.Contains(apply.Kinds, k) {
			return nil, usagef("--only %s: there are groups, members, permission_sets, provision, assignments, attributes, applications and uses", n)
		}
		out = append(out, k)
	}
	return out, nil
}

// confirm asks on the terminal; nobody there is no.
func confirm(ctx context.Context, c *cobra.Command, question string) (bool, error) {
	in := c.InOrStdin()
	if _, ok := in.(*os.File); ok && !isTerminal(in) {
		return false, usagef("there is nobody to ask: say --auto-approve")
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s Only \"yes\" is a yes: ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case a := <-answer:
		return a == "yes", nil
	case <-ctx.Done():
		fmt.Fprintln(c.ErrOrStderr())
		return false, nil
	}
}
