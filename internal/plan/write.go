package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
)

// Style says how a plan is printed for people.
type Style struct {
	Details bool         // everything that a line folds
	Colour  bool         // of a terminal
	Drift   bool         // in the words of somebody who asks whether anything was changed by hand
	Files   source.Files // for excerpts
}

// shown are the details of a line that are printed.
func (s Style) shown(l Line) []string {
	if s.Details || l.Section != "Assignments" && len(l.Details) <= 12 {
		return l.Details
	}
	return nil
}

// Summary counts changes by what they do.
type Summary struct {
	Add    int `json:"add"`
	Change int `json:"change"`
	Remove int `json:"remove"`
}

// Summary of the plan.
func (p *Plan) Summary() (s Summary) {
	count := func(a Action) {
		switch a {
		case Create:
			s.Add++
		case Update:
			s.Change++
		case Delete:
			s.Remove++
		}
	}
	for _, c := range p.Groups {
		count(c.Action)
	}
	for _, c := range p.Members {
		count(c.Action)
	}
	for _, c := range p.Sets {
		count(c.Action)
	}
	s.Change += len(p.Provision)
	for _, c := range p.Assignments {
		count(act(c.Remove))
	}
	if p.Attributes != nil {
		count(p.Attributes.Action)
	}
	for _, c := range p.Applications {
		count(c.Action)
	}
	for _, c := range p.Uses {
		count(act(c.Remove))
	}
	return s
}

func act(remove bool) Action {
	if remove {
		return Delete
	}
	return Create
}

func (s Summary) String() string {
	return fmt.Sprintf("%d to add, %d to change, %d to remove", s.Add, s.Change, s.Remove)
}

// Write prints the plan as text.
func (p *Plan) Write(w io.Writer, style Style) {
	colour := func(sign, text string) string {
		if !style.Colour {
			return text
		}
		return map[string]string{"+": "\x1b[32m", "~": "\x1b[33m", "-": "\x1b[31m"}[sign] + text + "\x1b[0m"
	}
	lines := p.Lines()
	for _, section := range sections {
		first := true
		for _, l := range lines {
			if l.Section != section {
				continue
			}
			if first {
				fmt.Fprintf(w, "%s\n", section)
				first = false
			}
			fmt.Fprintf(w, "  %s\n", colour(l.Sign, l.Sign+" "+l.Text))
			for _, d := range style.shown(l) {
				fmt.Fprintf(w, "      %s\n", d)
			}
		}
		if !first {
			fmt.Fprintln(w)
		}
	}
	p.Problems.Write(w, style.Files)
	if len(p.Problems) > 0 {
		fmt.Fprintln(w)
	}
	if len(p.Tests) > 0 {
		fmt.Fprintf(w, "Tests of access: %s.\n", p.testSummary())
	}
	switch {
	case p.Empty() && p.Problems.Failed():
		fmt.Fprintln(w, "What would change cannot be said before the errors are mended.")
	case p.Empty() && style.Drift:
		fmt.Fprintln(w, "No drift: what is there is what the files say.")
	case p.Empty():
		fmt.Fprintln(w, "No changes: what is there is what the files say.")
	case style.Drift:
		fmt.Fprintf(w, "Drift: to make it what the files say, there is %s.\n", p.Summary())
	case !p.complete():
		fmt.Fprintf(w, "As far as can be said before the errors are mended: %s.\n", p.Summary())
	default:
		fmt.Fprintf(w, "Plan: %s.\n", p.Summary())
	}
}

// complete tells whether all changes could be worked out. What refuses a plan, or contradicts it, leaves it whole; any other error may hide changes.
func (p *Plan) complete() bool {
	return !slices.ContainsFunc(p.Problems, func(q source.Problem) bool {
		return q.Severity == source.Error && !slices.Contains([]string{"mass-removal", "break-glass", "missing-policy", "test-failed"}, q.Code)
	})
}

func (p *Plan) testSummary() string {
	n := map[Outcome]int{}
	for _, t := range p.Tests {
		n[t.Outcome]++
	}
	out := fmt.Sprintf("%d passed", n[Passed])
	if n[Failed] > 0 {
		out += fmt.Sprintf(", %d failed", n[Failed])
	}
	if n[Undecided] > 0 {
		out += fmt.Sprintf(", %d undecided", n[Undecided])
	}
	return out
}

// WriteMarkdown prints the plan as a comment on a pull request.
func (p *Plan) WriteMarkdown(w io.Writer, style Style) {
	switch {
	case p.Problems.Failed():
		fmt.Fprintf(w, "### Access plan: cannot be applied\n\n")
	case p.Empty():
		fmt.Fprintf(w, "### Access plan: no changes\n\n")
	default:
		fmt.Fprintf(w, "### Access plan: %s\n\n", p.Summary())
	}
	lines := p.Lines()
	for _, section := range sections {
		var b strings.Builder
		for _, l := range lines {
			if l.Section != section {
				continue
			}
			fmt.Fprintf(&b, "%s %s\n", l.Sign, l.Text)
			for _, d := range style.shown(l) {
				fmt.Fprintf(&b, "    %s\n", d)
			}
		}
		if b.Len() > 0 {
			fmt.Fprintf(w, "**%s**\n%s\n", section, fenced(b.String()))
		}
	}
	if len(p.Problems) > 0 {
		fmt.Fprintf(w, "**To look at**\n\n")
		for _, q := range p.Problems.Sorted() {
			mark := "⚠️"
			if q.Severity == source.Error {
				mark = "❌"
			}
			fmt.Fprintf(w, "- %s %s", mark, escapeMarkdown(q.Message))
			if q.At.File != "" {
				fmt.Fprintf(w, " (%s)", escapeMarkdown(q.At.String()))
			}
			if q.Advice != "" {
				fmt.Fprintf(w, " – %s", escapeMarkdown(q.Advice))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w)
	}
	if len(p.Tests) > 0 {
		fmt.Fprintf(w, "Tests of access: %s.\n", p.testSummary())
	}
}

// fenced puts text into a block of code that nothing in it can end.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "diff\n" + text + fence + "\n"
}

var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "|", `\|`, "#", `\#`, "@", "@\u200b", "\n", " ")

func escapeMarkdown(s string) string { return markdown.Replace(s) }

// Change is a change in JSON: one of every kind, told apart by Kind.
type Change struct {
	Kind          string       `json:"kind"` // group, member, permission_set, provision, assignment, attributes, application, application_use
	Action        Action       `json:"action"`
	Name          string       `json:"name,omitempty"` // of the group, permission set or application
	User          string       `json:"user,omitempty"`
	PrincipalType string       `json:"principal_type,omitempty"` // GROUP, USER
	Principal     string       `json:"principal,omitempty"`
	PermissionSet string       `json:"permission_set,omitempty"`
	Account       string       `json:"account,omitempty"` // id
	AccountName   string       `json:"account_name,omitempty"`
	Accounts      []string     `json:"accounts,omitempty"` // ids
	Differences   []Difference `json:"differences,omitempty"`
}

// Changes are all changes, one by one.
func (p *Plan) Changes() []Change {
	out := make([]Change, 0, p.Count())
	kindOf := func(q estate.Principal) string {
		if q.IsUser() {
			return "USER"
		}
		return "GROUP"
	}
	for _, c := range p.Groups {
		one := Change{Kind: "group", Action: c.Action, Name: p.After.Groups[c.Group].Name}
		if c.Action == Update {
			one.Differences = []Difference{{"description", c.Before.Description, c.After.Description}}
		}
		out = append(out, one)
	}
	for _, c := range p.Members {
		out = append(out, Change{Kind: "member", Action: c.Action, Name: p.After.Groups[c.Group].Name, User: p.After.Name(estate.UserPrincipal(c.User))})
	}
	for _, c := range p.Sets {
		one := Change{Kind: "permission_set", Action: c.Action, Name: p.After.Sets[c.Set].Name}
		if c.Action != Delete {
			one.Differences = SetDifferences(c.Before, c.After)
		}
		out = append(out, one)
	}
	for _, c := range p.Provision {
		out = append(out, Change{Kind: "provision", Action: Update, PermissionSet: p.After.Sets[c.Set].Name, Accounts: c.Accounts})
	}
	for _, c := range p.Assignments {
		a := &p.After.Accounts[c.Account]
		out = append(out, Change{Kind: "assignment", Action: act(c.Remove), PrincipalType: kindOf(c.Principal), Principal: p.After.Name(c.Principal),
			PermissionSet: p.After.Sets[c.Set].Name, Account: a.ID, AccountName: a.Name})
	}
	if c := p.Attributes; c != nil {
		out = append(out, Change{Kind: "attributes", Action: c.Action, Differences: attributeDifferences(c.Before, c.After)})
	}
	for _, c := range p.Applications {
		one := Change{Kind: "application", Action: c.Action, Name: p.After.Applications[c.Application].Name}
		if c.Action != Delete {
			one.Differences = ApplicationDifferences(c.Before, c.After)
		}
		out = append(out, one)
	}
	for _, c := range p.Uses {
		out = append(out, Change{Kind: "application_use", Action: act(c.Remove), Name: p.After.Applications[c.Application].Name, PrincipalType: kindOf(c.Principal), Principal: p.After.Name(c.Principal)})
	}
	return out
}

// document is the plan in JSON.
type document struct {
	Instance   estate.Instance `json:"instance"`
	Applicable bool            `json:"applicable"`
	Summary    Summary         `json:"summary"`
	Changes    []Change        `json:"changes"`
	Problems   source.Problems `json:"problems"`
	Tests      []TestResult    `json:"tests"`
}

// WriteJSON prints the plan for programs.
func (p *Plan) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	d := document{Instance: p.Before.Instance, Applicable: !p.Problems.Failed(), Summary: p.Summary(), Changes: p.Changes(), Problems: p.Problems.Sorted(), Tests: p.Tests}
	if d.Problems == nil {
		d.Problems = source.Problems{}
	}
	if d.Tests == nil {
		d.Tests = []TestResult{}
	}
	return e.Encode(d)
}
