package plan

import (
	"slices"
	"strings"

	"gatehouse/internal/plan/file"
)

// Needs is what of the live state a document must be compared with.
type Needs struct {
	AllSets, AllGroups       bool
	Sets                     []string // names, of sets whose details and assignments are needed
	Groups, Users            []string // names that must be found
	Members                  []string // groups whose members are needed
	AllMembers               bool     // members of every group that has an assignment
	Tags                     bool     // of accounts
	Attributes, Applications bool
}

// NeedsOf a document.
func NeedsOf(d *file.Document) Needs {
	c := collector{groups: map[string]bool{}, users: map[string]bool{}, sets: map[string]bool{}, members: map[string]bool{}}
	n := &c.n
	m := &d.Manage
	n.AllSets, n.AllGroups = m.ExclusiveSets || m.ExclusiveGroups, m.ExclusiveGroups
	n.Attributes, n.Applications = d.Attributes != nil, len(d.Applications) > 0 || m.ExclusiveApplications
	for i := range d.Sets {
		c.sets[d.Sets[i].Name] = true
	}
	c.patterns(m.ScopeSets)
	for i := range d.Groups {
		g := &d.Groups[i]
		c.groups[g.Name.Value] = true
		if g.Managed {
			c.members[g.Name.Value] = true
			put(c.users, g.Members)
		}
	}
	for i := range d.Rules {
		r := &d.Rules[i]
		put(c.groups, r.Groups)
		put(c.users, r.Users)
		put(c.sets, r.Sets)
		c.accounts(&r.Accounts)
	}
	for i := range d.Applications {
		put(c.groups, d.Applications[i].Groups)
		put(c.users, d.Applications[i].Users)
	}
	for _, t := range d.Protected.Groups { // that they are there is looked at
		if !isPattern(t.Value) {
			c.groups[t.Value] = true
		}
	}
	for _, t := range d.Protected.Users {
		if !isPattern(t.Value) {
			c.users[t.Value] = true
		}
	}
	for _, a := range []*file.Accounts{m.ScopeAccounts, d.Protected.Accounts, d.Production} {
		c.accounts(a)
	}
	for i := range d.Tests {
		c.test(&d.Tests[i])
	}
	n.Groups, n.Users, n.Sets, n.Members = sortedKeys(c.groups), sortedKeys(c.users), sortedKeys(c.sets), sortedKeys(c.members)
	return *n
}

type collector struct {
	n                            Needs
	groups, users, sets, members map[string]bool
}

func put(into map[string]bool, ts []file.Text) {
	for _, t := range ts {
		into[t.Value] = true
	}
}

// patterns of permission sets need all of them, unless they are names.
func (c *collector) patterns(ts []file.Text) {
	for _, t := range ts {
		if strings.ContainsAny(t.Value, "*?") {
			c.n.AllSets = true
		} else {
			c.sets[t.Value] = true
		}
	}
}

func (c *collector) accounts(a *file.Accounts) {
	if a == nil {
		return
	}
	for _, s := range slices.Concat(a.Any, a.Except) {
		c.n.Tags = c.n.Tags || len(s.Tags) > 0
	}
}

func (c *collector) test(t *file.Test) {
	put(c.groups, t.Groups)
	put(c.users, t.Users)
	c.patterns(t.Sets)
	c.accounts(t.Accounts)
	c.accounts(t.Reach)
	if t.Only != nil {
		put(c.groups, t.Only.Groups)
		put(c.users, t.Only.Users)
		put(c.members, t.Only.Groups)
	}
	switch {
	case t.Reach != nil: // whoever can get anywhere by any way
		put(c.members, t.Groups)
		c.n.AllSets, c.n.AllMembers = true, true
	case (t.Has || t.Lacks) && len(t.Users) > 0:
		c.n.AllMembers = true
	}
}
