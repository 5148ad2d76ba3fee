// Package adopt turns access that exists into files that describe it: an estate, whether it was read of an instance or of another tool's
// configuration, becomes YAML that a person can read and that plans to no change.
//
//	live state, export ─────────────┐
//	Terraform, CloudFormation ──Reading──► estate ──fold──► rules ──cover──► selectors ──► files ──plan.Make──► no change
//
// Assignments are rows of account, permission set and principal. They are folded: whoever gets the same sets in the same accounts is in one rule, and
// the accounts are written as the units, tags and names that choose exactly them (see cover.go). What is written is planned against the
// estate before it is handed out, so that nothing has to be believed.
package adopt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/plan"
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
)

// Section is a part of the files.
type Section string

// Sections in the order in which they are written.
const (
	Sets         Section = "permission_sets"
	Groups       Section = "groups"
	Members      Section = "members" // of the groups
	Assignments  Section = "assignments"
	Attributes   Section = "attributes"
	Applications Section = "applications"
)

// Sections are all of them.
var Sections = []Section{Sets, Groups, Members, Assignments, Attributes, Applications}

// SchemaFile is the JSON Schema for editors, written beside files of a directory.
const SchemaFile = "access.schema.json"

// Options say what is written, and how.
type Options struct {
	Only []Section // nil: all
	// Groups, by index, are those that are described; nil: all that no identity provider owns.
	Groups    []bool
	Selectors []Kind // by what accounts may be chosen besides their names; nil: [DefaultSelectors]
	// Single puts everything into one file of this name; when it is empty, each section has a file of its own.
	Single string
}

func (o Options) has(s Section) bool { return o.Only == nil || slices.Contains(o.Only, s) }

// Written is what became of an estate.
type Written struct {
	Files map[string][]byte // by name
	// Problems are warnings: what could not be written, or will not stay as it is, and what to do.
	Problems source.Problems
	// How much there is in the files: permission sets, groups, assignments before they were folded, and rules after.
	Sets, Groups, Assignments, Rules, Applications int
}

// Files writes an estate. An error says that the files would not be what the estate is; it lists the differences, and there are no files then.
func Files(e *estate.Estate, o Options) (*Written, error) {
	w := &writer{e: e, x: estate.NewIndex(e), o: o, out: &Written{Files: map[string][]byte{}}}
	w.sort()
	sections := map[Section]mapping{}
	add := func(s Section, m mapping) {
		if len(m) > 0 {
			sections[s] = m
		}
	}
	if o.has(Sets) {
		add(Sets, w.sets())
	}
	if o.has(Groups) || o.has(Members) {
		add(Groups, w.groups())
	}
	if o.has(Assignments) {
		if rules := w.rules(); len(rules) > 0 {
			add(Assignments, mapping{{key: string(Assignments), value: rules}})
		}
	}
	if o.has(Attributes) {
		add(Attributes, w.attributes())
	}
	if o.has(Applications) {
		add(Applications, w.applications())
	}
	if w.out.Sets > 0 && !o.has(Assignments) {
		// Otherwise the files would say that nobody has these sets.
		sections[Sets] = append(mapping{{key: "manage", value: mapping{{key: "assignments", value: exact("additive")}}}}, sections[Sets]...)
	}
	if err := w.render(sections); err != nil {
		return nil, err
	}
	return w.out, w.check()
}

// writer is an estate on its way into files.
type writer struct {
	e   *estate.Estate
	x   *estate.Index
	o   Options
	out *Written

	gone     map[estate.Principal]bool // who was deleted, and has an assignment still
	nameless map[estate.Principal]bool // who is there, and whom no name means alone
	beyond   map[int32]string          // permission sets that files cannot describe without taking them from somebody, and why
}

func (w *writer) warn(code, text, advice, format string, args ...any) {
	w.out.Problems.Warn(code, source.Position{}, text, advice, format, args...)
}

// render writes the sections into their files.
func (w *writer) render(sections map[Section]mapping) error {
	if len(sections) == 0 {
		return fmt.Errorf("there is nothing to write: no %s", w.o.names())
	}
	const first = "# Written by `gatehouse import`.\n"
	if w.o.Single != "" {
		var b strings.Builder
		b.WriteString(first)
		for _, s := range Sections {
			if m := sections[s]; m != nil {
				b.WriteString("\n")
				emit(&b, m)
			}
		}
		w.out.Files[w.o.Single] = []byte(b.String())
		return nil
	}
	for s, m := range sections {
		var b strings.Builder
		b.WriteString("# yaml-language-server: $schema=" + SchemaFile + "\n" + first + "\n")
		emit(&b, m)
		w.out.Files[strings.ReplaceAll(string(s), "_", "-")+".yaml"] = []byte(b.String())
	}
	w.out.Files[SchemaFile] = file.Schema()
	return nil
}

// names of the sections that are written.
func (o Options) names() string {
	var out []string
	for _, s := range Sections {
		if o.has(s) {
			out = append(out, strings.ReplaceAll(string(s), "_", " "))
		}
	}
	return strings.Join(out, ", ")
}

// sort looks at who holds what, for what cannot be said in files.
func (w *writer) sort() {
	w.gone, w.nameless, w.beyond = map[estate.Principal]bool{}, map[estate.Principal]bool{}, map[int32]string{}
	for i := range w.e.Sets {
		if s := &w.e.Sets[i]; s.DetailsRead && !s.AssignmentsRead {
			w.beyond[int32(i)] = "its assignments were not read"
		}
	}
	seen := map[estate.Principal]bool{}
	for _, a := range w.e.Assignments {
		if p := a.Principal; !seen[p] {
			seen[p] = true
			if _, named := w.person(p); !named {
				w.gone[p] = w.e.Gone(p)
				w.nameless[p] = !w.gone[p]
			}
		}
		if w.nameless[a.Principal] {
			w.beyond[a.Set] = "somebody has it whom no name means alone, " + w.e.ID(a.Principal)
		}
	}
}

// check plans the files against the estate, as if they had the say in every assignment. Roles that are behind, and assignments of whoever was deleted, are told; anything
// else that would change is an error.
func (w *writer) check() error {
	files := maps.Clone(w.out.Files)
	if w.o.has(Assignments) {
		files["check.yaml"] = []byte("manage: {scope: {permission_sets: '*'}}\n")
	}
	p, problems := planned(files, w.e)
	if problems.Failed() {
		return fmt.Errorf("the files would have faults, and are not written; --only leaves parts out: %s", first(problems))
	}
	behind, orphans := 0, 0
	for _, c := range p.Provision {
		behind += len(c.Accounts)
	}
	rest := *p
	rest.Provision = nil
	rest.Assignments = slices.DeleteFunc(slices.Clone(p.Assignments), func(c plan.AssignmentChange) bool {
		gone := c.Remove && w.gone[c.Principal]
		if gone {
			orphans++
		}
		return gone || c.Remove && w.nameless[c.Principal] && w.beyond[c.Set] != ""
	})
	for _, x := range p.Problems {
		if x.Code == "pending" {
			w.out.Problems = append(w.out.Problems, x)
		}
	}
	if behind > 0 {
		w.warn("behind", "", "`gatehouse apply` provisions what is behind", "%s %s not what the permission set says now: a plan shows it", source.Count(behind, "role"), are(behind))
	}
	if orphans > 0 {
		w.warn("unnamed", "", "`gatehouse apply` removes what nobody has", "%s %s of groups or people who were deleted: a plan shows it", source.Count(orphans, "assignment"), are(orphans))
	}
	if rest.Empty() {
		return nil
	}
	var lines []string
	for _, l := range rest.Lines() {
		lines = append(lines, "  "+l.Sign+" "+l.Section+": "+l.Text)
	}
	return fmt.Errorf("the files would not be what is there, and are not written; --only leaves parts out:\n%s", strings.Join(lines[:min(len(lines), 20)], "\n"))
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func first(ps source.Problems) string {
	for _, p := range ps {
		if p.Severity == source.Error {
			return p.String()
		}
	}
	return ""
}

// Plan plans the files against an estate; the plan is nil when they have faults.
func (w *Written) Plan(e *estate.Estate) (*plan.Plan, source.Problems) { return planned(w.Files, e) }

// planned is the plan of files against an estate, and what is wrong with them.
func planned(files map[string][]byte, e *estate.Estate) (*plan.Plan, source.Problems) {
	src := &file.Source{Files: map[string][]byte{}}
	for name, data := range files {
		if name != SchemaFile {
			src.Files[name] = data
		}
	}
	src.Names = slices.Sorted(maps.Keys(src.Files))
	d, problems := file.Load([]*file.Source{src}, nil)
	if d == nil {
		return nil, problems
	}
	p := plan.Make(d, e, plan.Options{MassRemoval: true, BreakGlass: true})
	return p, append(problems, p.Problems...)
}
