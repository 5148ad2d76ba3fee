package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse/internal/plan/adopt"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/live"
	"gatehouse/internal/plan/source"
)

func importCommand() *cobra.Command {
	c := liveFlags(&cobra.Command{
		Use: "import [--out DIR|FILE.yaml]", Short: "Write files that describe the access there is", Args: noArgs,
		Long: `Reads who may do what, of an Identity Center instance of AWS or of a Gatehouse server, and writes the files that "gatehouse plan" reads: permission sets, the
groups that no identity provider owns, applications, and assignments folded into groups, permission sets and accounts, which are chosen by units and tags where these
choose exactly the accounts there are. What is written is planned first: right after, a plan shows no change.

With --terraform and --cloudformation what these describe is written instead. Both name people, groups and accounts by id; names are looked up in the instance, or in an
export (--estate), unless the files tell them themselves (--offline).`,
		Example: "  gatehouse import --profile identity --region eu-central-1 --out access/\n  gatehouse import --estate estate.json.gz --selectors ou --out access.yaml\n  terraform show -json > state.json && gatehouse import --terraform state.json --profile identity --out access/\n  gatehouse import --cloudformation access.yaml --parameter Stage=prod --data DIR --out access/",
		RunE:    runImport,
	})
	f := c.Flags()
	f.String("out", "", "directory to write, or one file whose name ends in .yaml (default: standard output)")
	f.String("estate", "", "read this estate, which \"gatehouse export\" wrote, without any connection")
	f.StringArray("terraform", nil, "read this state, which \"terraform show -json\" printed; may be given several times")
	f.StringArray("cloudformation", nil, "read this template; may be given several times")
	f.StringArray("parameter", nil, "a parameter of the templates, as NAME=VALUE; AWS::AccountId and what else only the stack knows may be given, too")
	f.Bool("offline", false, "look up no names: those in the state or the template must do")
	f.StringSlice("only", nil, "write only these: permission_sets, groups, members, assignments, attributes, applications")
	f.StringSlice("selectors", nil, "by what accounts may be chosen beside their names: all, ou, tags, patterns, or names for nothing else (default: all,ou,tags)")
	return c
}

func runImport(c *cobra.Command, _ []string) error {
	o, err := importOptions(c)
	if err != nil {
		return err
	}
	out, _ := c.Flags().GetString("out")
	if err := vacant(out); err != nil {
		return err
	}
	e, known, o, err := described(c, o)
	if err != nil {
		return err
	}
	w, err := adopt.Files(e, o)
	if err != nil {
		return err
	}
	w.Problems.Write(c.ErrOrStderr(), nil)
	if o.Single != "" && (out == "" || out == "-") {
		_, err := c.OutOrStdout().Write(w.Files[o.Single])
		return err
	}
	if len(w.Problems) > 0 {
		fmt.Fprintln(c.ErrOrStderr())
	}
	if err := writeFiles(out, w.Files, o.Single != ""); err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s, %s, %s, %s in %s → %s\n", source.Count(w.Sets, "permission set"), source.Count(w.Groups, "group"), source.Count(w.Applications, "application"),
		source.Count(w.Assignments, "assignment"), source.Count(w.Rules, "entry"), out)
	if known != nil {
		compare(c, w, known)
	}
	next := "Next: gatehouse plan " + out
	for _, flag := range []string{"estate", "data", "profile", "region", "role-arn", "external-id", "instance-arn", "endpoint-url"} { // where it was read
		if c.Flags().Changed(flag) {
			value, _ := c.Flags().GetString(flag)
			next += " --" + flag + " " + value
		}
	}
	fmt.Fprintln(c.ErrOrStderr(), next)
	return nil
}

// compare tells in how far what another tool describes is what is there.
func compare(c *cobra.Command, w *adopt.Written, known *estate.Estate) {
	p, problems := w.Plan(known)
	switch {
	case problems.Failed():
		fmt.Fprintln(c.ErrOrStderr(), "What is described does not fit what is there:")
		problems.Write(c.ErrOrStderr(), w.Files)
	case p.Empty():
		fmt.Fprintln(c.ErrOrStderr(), "What is described is what is there: a plan shows no change.")
	default:
		s := p.Summary()
		fmt.Fprintf(c.ErrOrStderr(), "What is described is not quite what is there: a plan would add %d, change %d and remove %d.\n", s.Add, s.Change, s.Remove)
	}
}

// described is the estate to write, and what it can be compared with when it was not read there.
func described(c *cobra.Command, o adopt.Options) (e, known *estate.Estate, _ adopt.Options, err error) {
	terraform, _ := c.Flags().GetStringArray("terraform")
	templates, _ := c.Flags().GetStringArray("cloudformation")
	parameters, err := pairsOf(c, "parameter")
	if err != nil {
		return nil, nil, o, err
	}
	offline, _ := c.Flags().GetBool("offline")
	if len(terraform)+len(templates) == 0 {
		if offline || len(parameters) > 0 {
			return nil, nil, o, usagef("--offline and --parameter are for --terraform and --cloudformation")
		}
		e, err = existing(c)
		return e, nil, o, err
	}
	names := slices.Sorted(maps.Keys(parameters))
	states, err := contents(terraform)
	if err != nil {
		return nil, nil, o, err
	}
	bodies, err := contents(templates)
	if err != nil {
		return nil, nil, o, err
	}
	if !offline { // which can take minutes
		if known, err = existing(c); err != nil {
			return nil, nil, o, err
		}
		// A stack is in the region of the instance; in which account, the owner's or that of a delegated administrator, nothing tells.
		if _, given := parameters["AWS::Region"]; !given && known.Instance.Region != "" {
			parameters["AWS::Region"] = known.Instance.Region
		}
	}
	r := adopt.NewReading()
	for i, name := range terraform {
		r.Terraform(name, states[i])
	}
	for i, name := range templates {
		r.CloudFormation(name, bodies[i], parameters)
	}
	if !r.Problems.Failed() {
		r.Unused(names)
	}
	d := r.Estate(known)
	r.Problems.Write(c.ErrOrStderr(), nil)
	if r.Problems.Failed() {
		return nil, nil, o, errors.New("not everything could be read, and nothing was written")
	}
	return d.Estate, known, d.Options(o), nil
}

// contents are those of files, in their order.
func contents(names []string) ([][]byte, error) {
	out := make([][]byte, len(names))
	for i, name := range names {
		var err error
		if out[i], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func importOptions(c *cobra.Command) (o adopt.Options, err error) {
	only, _ := c.Flags().GetStringSlice("only")
	for _, s := range only {
		if !slices.Contains(adopt.Sections, adopt.Section(s)) {
			return o, usagef("--only %s: there are permission_sets, groups, members, assignments, attributes and applications", s)
		}
		o.Only = append(o.Only, adopt.Section(s))
	}
	selectors, _ := c.Flags().GetStringSlice("selectors")
	for _, s := range selectors {
		switch {
		case s == "names" && len(selectors) == 1:
			o.Selectors = []adopt.Kind{}
		case slices.Contains(adopt.Kinds, adopt.Kind(s)):
			o.Selectors = append(o.Selectors, adopt.Kind(s))
		default:
			return o, usagef("--selectors %s: there are all, ou, tags and patterns, or names alone", strings.Join(selectors, ","))
		}
	}
	switch out, _ := c.Flags().GetString("out"); {
	case out == "" || out == "-":
		o.Single = "access.yaml"
	case strings.HasSuffix(out, ".yaml") || strings.HasSuffix(out, ".yml"):
		o.Single = filepath.Base(out)
	}
	return o, nil
}

// vacant tells whether files can be written there: nothing is replaced, and what is read with them would describe things twice.
func vacant(out string) error {
	if out == "" || out == "-" {
		return nil
	}
	info, err := os.Stat(out)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is there already: remove it, or name another file", out)
	}
	var there string
	if sources, err := file.Open(out); err == nil { // an error says that nothing is
		there = sources[0].Names[0]
	} else if _, err := os.Stat(filepath.Join(out, adopt.SchemaFile)); err == nil {
		there = adopt.SchemaFile
	}
	if there == "" {
		return nil
	}
	return fmt.Errorf("%s is there already, and would be read with what is written: remove it, or name another directory", filepath.Join(out, there))
}

// existing is the estate to describe.
func existing(c *cobra.Command) (*estate.Estate, error) {
	if e, err := offline(c); e != nil || err != nil {
		return e, err
	}
	client, err := openLive(c)
	if err != nil {
		return nil, err
	}
	e, err := client.Read(c.Context(), live.Want{All: true}, progressOn(c))
	return e, unreachable(err)
}

// writeFiles writes all files or none, and replaces nothing. Permission sets come last: where they are described and their assignments are not, files would say that nobody
// has them.
func writeFiles(out string, files map[string][]byte, single bool) (err error) {
	dir := out
	if single {
		dir = filepath.Dir(out)
	}
	if err := errors.Join(vacant(out), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(files)) // permission-sets.yaml is the last in the alphabet
	var done []string
	defer func() {
		if err != nil {
			for _, name := range done {
				_ = os.Remove(name) // it was made here
			}
		}
	}()
	for _, name := range names {
		at := filepath.Join(dir, name)
		if err := create(at, files[name]); err != nil {
			return err
		}
		done = append(done, at)
	}
	return nil
}

// create writes a file whole, where there is none.
func create(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".import-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the file keeps its other name
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), name)
}
