package plan

import (
	"fmt"
	"slices"
	"strings"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/file"
	"gatehouse/internal/plan/source"
	"gatehouse/internal/policy"
)

// TestOffline decides the tests that need no estate: what permission sets of the files can do. Tests of who can reach what are decided as far as the
// assignments of the files say it by themselves, and are undecided otherwise.
func TestOffline(d *file.Document) ([]TestResult, source.Problems) {
	var problems source.Problems
	e := &estate.Estate{}
	for i := range d.Sets {
		e.Sets = append(e.Sets, d.Sets[i].Set)
	}
	r := newResolver(e, &problems)
	var out []TestResult
	for i := range d.Tests {
		t := &d.Tests[i]
		if len(t.Can)+len(t.Cannot) == 0 {
			out = append(out, byRules(d, t, &problems))
			continue
		}
		one := *d
		one.Tests = d.Tests[i : i+1]
		if missing := undescribed(d, t); missing != "" {
			out = append(out, TestResult{Name: t.Name.Value, At: t.Name.At, Outcome: Undecided, Reasons: []string{"the permission set " + missing + " is not in the files"}})
			continue
		}
		out = append(out, runTests(&one, e, r, &problems)...)
	}
	return out, problems
}

// undescribed is a permission set that a test names and the files do not describe.
func undescribed(d *file.Document, t *file.Test) string {
	for _, s := range t.Sets {
		if !isPattern(s.Value) && d.Set(s.Value) == nil {
			return s.Value
		}
	}
	return ""
}

// overlap says whether two choices of accounts have an account in common, as far as it can be told without knowing the accounts.
type overlap uint8

const (
	apart overlap = iota
	common
	perhaps
)

// overlapOf compares choices by what is written: all of one is in anything that chooses something, the same words choose the same accounts, and ids
// are told apart. Names could be two for one account, and units and tags hold who knows what.
func overlapOf(a, b *file.Accounts) overlap {
	if a == nil || b == nil {
		return common
	}
	out := apart
	for _, x := range a.Any {
		for _, y := range b.Any {
			switch o := selectorsOverlap(x, y); {
			case o == common && len(a.Except)+len(b.Except) == 0:
				return common
			case o != apart:
				out = perhaps
			}
		}
	}
	return out
}

func selectorsOverlap(x, y file.Selector) overlap {
	switch {
	case x.Same(&y):
		return common
	case x.All && y.Management || x.Management && y.All:
		return apart
	case onlyIDs(x) && onlyIDs(y):
		if slices.ContainsFunc(x.IDs, func(i file.Text) bool {
			return slices.ContainsFunc(y.IDs, func(j file.Text) bool { return i.Value == j.Value })
		}) {
			return common
		}
		return apart
	}
	return perhaps
}

func onlyIDs(s file.Selector) bool {
	return len(s.IDs) > 0 && len(s.Names)+len(s.Units)+len(s.Tags) == 0
}

// NeedsEstate is why a test is undecided that the files alone do not decide.
const NeedsEstate = "it needs to know accounts and members: give --estate, or plan"

// byRules decides a test of access by the assignments of the files alone. It can be contradicted there; that it holds can be said only when no rule
// comes near it and the files have the say in every assignment of the sets.
func byRules(d *file.Document, t *file.Test, problems *source.Problems) TestResult {
	out := TestResult{Name: t.Name.Value, At: t.Name.At, Outcome: Undecided, Reasons: []string{NeedsEstate}}
	var contradictions []string
	doubt := d.Manage.AdditiveAssignments || t.Has || t.Reach != nil || len(t.Users) > 0
	for i := range d.Rules {
		r := &d.Rules[i]
		who := offenders(r, t)
		if len(who) == 0 || !concerns(r, t) {
			continue
		}
		switch where(r, t) {
		case common:
			contradictions = append(contradictions, fmt.Sprintf("%s: %s", r.At, strings.Join(who, ", ")))
		case perhaps:
			doubt = true
		}
	}
	for _, s := range t.Sets {
		doubt = doubt || isPattern(s.Value) || d.Set(s.Value) == nil // others may be given by hand
	}
	switch {
	case len(contradictions) > 0:
		out.Outcome, out.Reasons = Failed, contradictions
		problems.Add("test-failed", t.Name.At, "", "", "the test %q fails: %s", t.Name.Value, few(contradictions, manyReasons))
	case !doubt:
		out.Outcome, out.Reasons = Passed, nil
	}
	return out
}

// offenders are those of a rule who must not have what the test is about.
func offenders(r *file.Rule, t *file.Test) (out []string) {
	has := func(ts []file.Text, name string) bool {
		return slices.ContainsFunc(ts, func(x file.Text) bool { return strings.EqualFold(x.Value, name) })
	}
	switch {
	case t.Only != nil:
		for _, g := range r.Groups {
			if !has(t.Only.Groups, g.Value) {
				out = append(out, g.Value)
			}
		}
		if len(t.Only.Groups) == 0 { // a user may be a member of one of the groups
			for _, u := range r.Users {
				if !has(t.Only.Users, u.Value) {
					out = append(out, u.Value)
				}
			}
		}
	case t.Lacks || t.Reach != nil:
		for _, g := range r.Groups {
			if has(t.Groups, g.Value) {
				out = append(out, g.Value)
			}
		}
		for _, u := range r.Users {
			if has(t.Users, u.Value) {
				out = append(out, u.Value)
			}
		}
	}
	return out
}

// concerns tells whether a rule gives one of the sets that the test is about.
func concerns(r *file.Rule, t *file.Test) bool {
	return len(t.Sets) == 0 || slices.ContainsFunc(r.Sets, func(s file.Text) bool {
		return slices.ContainsFunc(t.Sets, func(p file.Text) bool { return policy.Like(p.Value, s.Value) })
	})
}

// where tells whether a rule gives it where it must not be. That accounts are outside of what may be reached is certain only of ids, and of all.
func where(r *file.Rule, t *file.Test) overlap {
	if t.Reach == nil {
		return overlapOf(&r.Accounts, t.Accounts)
	}
	if overlapOf(&r.Accounts, t.Reach) == apart {
		return common
	}
	return perhaps
}
