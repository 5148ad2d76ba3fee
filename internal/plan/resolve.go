package plan

import (
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
	"gatehouse/internal/policy"
)

// resolver turns names of the files into indices of an estate, and tells of those that stand for nothing.
type resolver struct {
	e        *estate.Estate
	x        *estate.Index
	problems *source.Problems
	told     map[string]bool // names that were told once
}

func newResolver(e *estate.Estate, problems *source.Problems) *resolver {
	return &resolver{e: e, x: estate.NewIndex(e), problems: problems, told: map[string]bool{}}
}

// missing tells of a name once.
func (r *resolver) missing(code, what string, t file.Text, names []string, otherwise string) {
	if key := code + "\x00" + t.Value; !r.told[key] {
		r.told[key] = true
		advice := source.Meant(t.Value, names)
		if parts := strings.Split(t.Value, ","); advice == "" && len(parts) > 1 {
			for i := range parts {
				parts[i] = strings.TrimSpace(parts[i])
			}
			if !slices.ContainsFunc(parts, func(p string) bool { return !slices.Contains(names, p) }) {
				advice = "write a list: [" + strings.Join(parts, ", ") + "]"
			}
		}
		if advice == "" {
			advice = otherwise
		}
		r.problems.Add(code, t.At, t.Value, advice, "there is no %s %q", what, t.Value)
	}
}

func names[T any](of []T, name func(T) string) []string {
	out := make([]string, len(of))
	for i := range of {
		out[i] = name(of[i])
	}
	return out
}

func (r *resolver) group(t file.Text) (int, bool) {
	if i, ok := r.x.Group(t.Value); ok {
		return i, true
	}
	r.missing("no-such-group", "group", t, names(r.e.Groups, func(g estate.Group) string { return g.Name }), "describe it under groups, or have the identity provider push it first")
	return 0, false
}

func (r *resolver) user(t file.Text) (int, bool) {
	found := r.x.Users(t.Value)
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		var names []string
		for i := range r.e.Users {
			names = append(append(names, r.e.Users[i].Name), r.e.Users[i].Emails...)
		}
		r.missing("no-such-user", "user", t, names, "write the user name or the e-mail address as the identity store has it")
	default:
		if key := "ambiguous\x00" + t.Value; !r.told[key] {
			r.told[key] = true
			var names []string
			for _, i := range found {
				names = append(names, r.e.Users[i].Name)
			}
			r.problems.Add("ambiguous-user", t.At, t.Value, "write one of the user names "+strings.Join(names, ", "), "%d people have the address %q", len(found), t.Value)
		}
	}
	return 0, false
}

func (r *resolver) set(t file.Text) (int, bool) {
	if i, ok := r.x.Set(t.Value); ok {
		return i, true
	}
	r.missing("no-such-permission-set", "permission set", t, names(r.e.Sets, func(s estate.Set) string { return s.Name }), "describe it under permission_sets")
	return 0, false
}

func (r *resolver) principals(groups, users []file.Text) (out []estate.Principal) {
	for _, t := range groups {
		if i, ok := r.group(t); ok {
			out = append(out, estate.GroupPrincipal(i))
		}
	}
	for _, t := range users {
		if i, ok := r.user(t); ok {
			out = append(out, estate.UserPrincipal(i))
		}
	}
	return out
}

// matching tells which permission sets the patterns choose; a pattern that chooses none is told when it is no pattern.
func (r *resolver) matching(patterns []file.Text) []bool {
	out := make([]bool, len(r.e.Sets))
	for _, t := range patterns {
		if !isPattern(t.Value) {
			if i, ok := r.set(t); ok {
				out[i] = true
			}
			continue
		}
		for i := range r.e.Sets {
			out[i] = out[i] || policy.Like(t.Value, r.e.Sets[i].Name)
		}
	}
	return out
}

// accountID is what may be meant as an account's id, and is none.
var accountID = regexp.MustCompile(`^\d[\d ._-]{7,}$`)

func isPattern(s string) bool { return strings.ContainsAny(s, "*?") }

func likeAny(patterns []file.Text, name string) bool {
	return slices.ContainsFunc(patterns, func(t file.Text) bool { return policy.Like(strings.ToLower(t.Value), strings.ToLower(name)) })
}

// accounts tells which accounts are chosen. A selector that chooses none is told: it is a mistake, or a leftover.
func (r *resolver) accounts(a *file.Accounts) []bool {
	out := make([]bool, len(r.e.Accounts))
	for _, s := range a.Any {
		r.choose(s, func(i int) { out[i] = true })
	}
	for _, s := range a.Except {
		r.choose(s, func(i int) { out[i] = false })
	}
	return out
}

func (r *resolver) choose(s file.Selector, do func(int)) {
	before := len(*r.problems)
	found := false
	match := r.matcher(s)
	for i := range r.e.Accounts {
		if match(i) {
			found = true
			do(i)
		}
	}
	if !found && len(*r.problems) == before && !s.All && !s.Management {
		if key := "nothing\x00" + s.Text; !r.told[key] {
			r.told[key] = true
			r.problems.Add("no-such-account", s.At, s.Text, r.accountAdvice(s), "no account is chosen by %s", s.Text)
		}
	}
}

func (r *resolver) accountAdvice(s file.Selector) string {
	if len(s.Names) == 1 && !isPattern(s.Names[0].Value) {
		switch name := strings.ToLower(s.Names[0].Value); {
		case name == "all" || name == "management":
			return "write " + name
		case accountID.MatchString(name):
			return "if it is an account's id, write its 12 digits and nothing between them"
		}
		if meant := source.Meant(s.Names[0].Value, names(r.e.Accounts, func(a estate.Account) string { return a.Name })); meant != "" {
			return meant
		}
	}
	return "remove it, or see `aws organizations list-accounts` for what there is"
}

// matcher compiles a selector. Only active accounts are ever chosen, and the management account by its word, its name or its id alone: access to it is
// access to everything, and must not come with a pattern, a unit or a tag.
func (r *resolver) matcher(s file.Selector) func(int) bool {
	var tests []func(int) bool
	add := func(f func(int) bool) { tests = append(tests, f) }
	switch {
	case s.All:
		add(func(i int) bool { return !r.e.Accounts[i].Management })
	case s.Management:
		add(func(i int) bool { return r.e.Accounts[i].Management })
	}
	if len(s.Names) > 0 {
		named := make([]bool, len(r.e.Accounts))
		for _, t := range s.Names {
			found := r.x.AccountsNamed(t.Value)
			for _, i := range found {
				named[i] = true
			}
			if len(found) > 1 && !isPattern(t.Value) && !r.told["twins\x00"+t.Value] {
				r.told["twins\x00"+t.Value] = true
				ids := make([]string, len(found))
				for n, i := range found {
					ids[n] = r.e.Accounts[i].ID
				}
				r.problems.Add("ambiguous-account", t.At, t.Value, "write the id of the one that is meant: "+strings.Join(ids, ", "), "%d accounts are called %q", len(found), t.Value)
			}
			if len(found) == 0 && isPattern(t.Value) {
				for i := range r.e.Accounts {
					named[i] = named[i] || policy.Like(t.Value, r.e.Accounts[i].Name)
				}
			}
		}
		add(func(i int) bool { return named[i] })
	}
	if len(s.IDs) > 0 {
		ids := make(map[string]bool, len(s.IDs))
		for _, t := range s.IDs {
			ids[t.Value] = true
		}
		add(func(i int) bool { return ids[r.e.Accounts[i].ID] })
	}
	if len(s.Units) > 0 {
		var units []int
		for _, t := range s.Units {
			if u, ok := r.x.Unit(t.Value); ok {
				units = append(units, u)
			} else {
				advice := "write its names from the root on, such as Workloads/Prod"
				if i := slices.IndexFunc(r.e.Units, func(u estate.Unit) bool { return u.ID == t.Value }); i >= 0 {
					advice = "write " + r.x.Path(i)
				}
				r.missing("no-such-unit", "organizational unit", t, r.x.Paths(), advice)
			}
		}
		add(func(i int) bool {
			chain := r.x.Chain(i)
			if s.Direct && len(chain) > 0 {
				chain = chain[:1]
			}
			return slices.ContainsFunc(chain, func(u int) bool { return slices.Contains(units, u) })
		})
	}
	for _, tag := range s.Tags {
		add(func(i int) bool {
			v, has := r.e.Accounts[i].Tags[tag.Key]
			return has && slices.ContainsFunc(tag.Values, func(p string) bool { return policy.Like(p, v) })
		})
	}
	return func(i int) bool {
		a := &r.e.Accounts[i]
		if !a.Active() || len(tests) == 0 {
			return false
		}
		called := func(t file.Text) bool { return t.Value == a.Name || t.Value == a.ID }
		if a.Management && !s.Management && !slices.ContainsFunc(s.Names, called) && !slices.ContainsFunc(s.IDs, called) {
			return false
		}
		for _, t := range tests {
			if !t(i) {
				return false
			}
		}
		return true
	}
}
