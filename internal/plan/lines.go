package plan

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
)

// Line is one line of a plan as a person thinks: many changes that are one thought are one line.
type Line struct {
	Section string // Groups, Members, Permission sets …
	Sign    string // + ~ -
	Text    string
	Details []string
	Count   int // changes in it
}

// sections in the order in which they are shown.
var sections = []string{"Groups", "Members", "Permission sets", "Roles to bring up to date", "Assignments", "Attributes for access control", "Applications", "Use of applications"}

func sign(a Action) string {
	return map[Action]string{Create: "+", Update: "~", Delete: "-"}[a]
}

// Lines folds the changes of a plan.
func (p *Plan) Lines() []Line {
	var out []Line
	add := func(section, sign, text string, n int, details ...string) {
		out = append(out, Line{section, sign, source.Visible(text), visible(details), n})
	}
	x := estate.NewIndex(p.After)
	for _, c := range p.Groups {
		name := p.After.Groups[c.Group].Name
		switch c.Action {
		case Update:
			add("Groups", "~", name, 1, difference(Difference{"description", c.Before.Description, c.After.Description}))
		default:
			add("Groups", sign(c.Action), name, 1)
		}
	}
	p.memberLines(add)
	for _, c := range p.Sets {
		var details []string
		if c.Action != Delete {
			for _, d := range SetDifferences(c.Before, c.After) {
				details = append(details, difference(d))
			}
		}
		add("Permission sets", sign(c.Action), p.After.Sets[c.Set].Name, 1, details...)
	}
	for _, c := range p.Provision {
		text := p.After.Sets[c.Set].Name + " wherever it is assigned"
		var details []string
		if len(c.Accounts) > 0 {
			text = fmt.Sprintf("%s in %s that are behind", p.After.Sets[c.Set].Name, source.Count(len(c.Accounts), "account"))
			details = slices.Clone(c.Accounts)
		}
		add("Roles to bring up to date", "~", text, 1, details...)
	}
	for _, l := range p.assignmentLines(x) {
		add(l.Section, l.Sign, l.Text, l.Count, l.Details...)
	}
	if c := p.Attributes; c != nil {
		var details []string
		for _, d := range attributeDifferences(c.Before, c.After) {
			details = append(details, difference(d))
		}
		add("Attributes for access control", sign(c.Action), source.Count(len(c.After), "attribute"), 1, details...)
	}
	for _, c := range p.Applications {
		var details []string
		if c.Action != Delete {
			for _, d := range ApplicationDifferences(c.Before, c.After) {
				details = append(details, difference(d))
			}
		}
		add("Applications", sign(c.Action), p.After.Applications[c.Application].Name, 1, details...)
	}
	for _, c := range p.Uses {
		s, verb := "+", "may use"
		if c.Remove {
			s, verb = "-", "may not use any more"
		}
		add("Use of applications", s, fmt.Sprintf("%s %s %s", p.who(c.Principal), verb, p.After.Applications[c.Application].Name), 1)
	}
	return out
}

func visible(ss []string) []string {
	for i := range ss {
		ss[i] = source.Visible(ss[i])
	}
	return ss
}

func attributeDifferences(was, now []estate.Attribute) []Difference {
	texts := func(as []estate.Attribute) (out []string) {
		for _, a := range as {
			out = append(out, a.Key+" from "+strings.Join(a.Source, ", "))
		}
		return out
	}
	return listDifferences("attribute", texts(was), texts(now))
}

// difference in a line: what: a → b, or + and - for what only comes or goes.
func difference(d Difference) string {
	switch {
	case d.What == "inline_policy" && d.Before == "":
		return "+ inline_policy " + clip(d.After)
	case d.What == "inline_policy" && d.After == "":
		return "- inline_policy"
	case d.What == "inline_policy":
		return "~ inline_policy"
	case d.Before == "":
		return "+ " + d.What + " " + d.After
	case d.After == "":
		return "- " + d.What + " " + d.Before
	}
	return "~ " + d.What + " " + d.Before + " → " + d.After
}

func clip(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return s
}

func (p *Plan) who(q estate.Principal) string {
	if q.IsUser() {
		return "user " + p.After.Name(q)
	}
	return "group " + p.After.Name(q)
}

func (p *Plan) memberLines(add func(section, sign, text string, n int, details ...string)) {
	type key struct {
		group  int
		action Action
	}
	var order []key
	users := map[key][]string{}
	for _, c := range p.Members {
		k := key{c.Group, c.Action}
		if users[k] == nil {
			order = append(order, k)
		}
		users[k] = append(users[k], p.After.Name(estate.UserPrincipal(c.User)))
	}
	for _, k := range order {
		verb := "gets"
		if k.action == Delete {
			verb = "loses"
		}
		add("Members", sign(k.action), fmt.Sprintf("%s %s %s", p.After.Groups[k.group].Name, verb, few(users[k], 5)), len(users[k]), beyond(users[k], 5)...)
	}
}

// beyond is everything, when there is more than a line shows.
func beyond(names []string, limit int) []string {
	if len(names) > limit {
		return slices.Clone(names)
	}
	return nil
}

// assignmentLines folds assignments twice: the sets that one principal gets in the same accounts, then the principals that get the same sets in the
// same accounts.
func (p *Plan) assignmentLines(x *estate.Index) []Line {
	type row struct {
		remove     bool
		principals []estate.Principal
		sets       []int32
		accounts   []int32
	}
	type pair struct {
		p      estate.Principal
		set    int32
		remove bool
	}
	var pairs []pair
	accounts := map[pair][]int32{}
	for _, c := range p.Assignments {
		k := pair{c.Principal, c.Set, c.Remove}
		if accounts[k] == nil {
			pairs = append(pairs, k)
		}
		accounts[k] = append(accounts[k], c.Account)
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.remove != b.remove {
			if a.remove {
				return 1
			}
			return -1
		}
		if c := strings.Compare(p.who(a.p), p.who(b.p)); c != 0 {
			return c
		}
		return strings.Compare(p.After.Sets[a.set].Name, p.After.Sets[b.set].Name)
	})
	var rows []*row
	bySet := map[string]*row{}
	for _, k := range pairs {
		key := fmt.Sprintf("%t %d %s", k.remove, k.p, packed(accounts[k]))
		r := bySet[key]
		if r == nil {
			r = &row{k.remove, []estate.Principal{k.p}, nil, accounts[k]}
			bySet[key], rows = r, append(rows, r)
		}
		r.sets = append(r.sets, k.set)
	}
	var folded []*row
	byWho := map[string]*row{}
	for _, r := range rows {
		key := fmt.Sprintf("%t %t %s %s", r.remove, r.principals[0].IsUser(), packed(r.sets), packed(r.accounts))
		if same := byWho[key]; same != nil {
			same.principals = append(same.principals, r.principals...)
			continue
		}
		byWho[key], folded = r, append(folded, r)
	}
	places := newPlaces(p.After, x)
	var out []Line
	for _, r := range folded {
		var names, sets []string
		for _, q := range r.principals {
			names = append(names, p.After.Name(q))
		}
		for _, s := range r.sets {
			sets = append(sets, p.After.Sets[s].Name)
		}
		noun, s, verb := "group", "+", "gets"
		if r.principals[0].IsUser() {
			noun = "user"
		}
		if r.remove {
			s, verb = "-", "loses"
		}
		if len(names) > 1 {
			noun, verb = noun+"s", strings.TrimSuffix(verb, "s")
			if r.remove {
				verb = "lose"
			}
		}
		where, all := places.describe(r.accounts)
		l := Line{Section: "Assignments", Sign: s, Text: fmt.Sprintf("%s %s %s %s in %s", noun, few(names, 5), verb, few(sets, 5), where), Count: len(names) * len(sets) * len(r.accounts)}
		l.Details = append(append(beyond(names, 5), beyond(sets, 5)...), all...)
		out = append(out, l)
	}
	return out
}

func packed(ns []int32) string {
	b := make([]byte, 0, 4*len(ns))
	for _, n := range ns {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return string(b)
}

// places describes lists of accounts by where they stand.
type places struct {
	e     *estate.Estate
	x     *estate.Index
	under []int // active accounts in each unit and below
}

func newPlaces(e *estate.Estate, x *estate.Index) *places {
	p := &places{e, x, make([]int, len(e.Units))}
	for i := range e.Accounts {
		if e.Accounts[i].Active() {
			for _, u := range x.Chain(i) {
				p.under[u]++
			}
		}
	}
	return p
}

// describe says where accounts are, and lists them when it does not name them all.
func (p *places) describe(accounts []int32) (string, []string) {
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = p.e.Accounts[a].Name
	}
	if len(accounts) <= 3 {
		return strings.Join(names, ", "), nil
	}
	unit, ok := p.common(accounts)
	switch {
	case !ok:
		return source.Count(len(accounts), "account"), names
	case p.under[unit] == len(accounts):
		return fmt.Sprintf("all %s of %s", source.Count(len(accounts), "account"), p.name(unit)), names
	}
	return fmt.Sprintf("%s of %s", source.Count(len(accounts), "account"), p.name(unit)), names
}

func (p *places) name(unit int) string {
	if path := p.x.Path(unit); path != "/" {
		return "ou/" + path
	}
	return "the organization"
}

// common is the deepest unit that all accounts stand in.
func (p *places) common(accounts []int32) (int, bool) {
	chain := p.x.Chain(int(accounts[0]))
	for _, a := range accounts[1:] {
		other := p.x.Chain(int(a))
		for len(chain) > 0 && !slices.Contains(other, chain[0]) {
			chain = chain[1:]
		}
	}
	if len(chain) == 0 {
		return 0, false
	}
	return chain[0], true
}
