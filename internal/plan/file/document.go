// Package file reads access as code: YAML files with permission sets, groups, assignments and tests of access, by names. What it returns
// is checked as far as files can be checked by themselves; names of people, groups and accounts are resolved against an estate later.
//
//	bytes ──read──► nodes with places ──variables──► nodes ──check against the shapes──► decode ──► *Document
//
// Every fault is told with its place and an advice, all at once. schema.go describes the files.
package file

import (
	"fmt"
	"strings"
	"time"

	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
)

// Text is a word of the files and where it stands.
type Text struct {
	Value string
	At    source.Position
}

// Document is what all files say together.
type Document struct {
	Sets         []Set
	Groups       []Group
	Rules        []Rule // assignments; those for emergencies, too
	Manage       Manage
	Protected    Protected
	Attributes   *Attributes // nil: not looked at
	Applications []Application
	Production   *Accounts // nil: by the usual names
	Removals     Limit
	Tests        []Test
	// Texts are the files, for excerpts.
	Texts source.Files
}

// Set is a permission set as it should be. ARNs of AWS managed policies are of the partition aws.
type Set struct {
	estate.Set
	At source.Position
}

// Group is a group as it should be. Members is nil when they are not looked at.
type Group struct {
	Name        Text
	Description *string
	Members     []Text
	Managed     bool // Members is given
	Additive    bool // others stay members
}

// Rule gives every group and user every set in every account that it chooses.
type Rule struct {
	At            source.Position
	Groups, Users []Text
	Sets          []Text
	Accounts      Accounts
	BreakGlass    bool
}

// Accounts chooses accounts: those that any of Any matches and none of Except.
type Accounts struct {
	At          source.Position
	Any, Except []Selector
}

// Selector matches accounts for which everything that is said holds.
type Selector struct {
	At         source.Position
	Text       string // as it is written, for messages
	All        bool   // every active member account
	Management bool   // the management account
	Names, IDs []Text
	Units      []Text
	Direct     bool // accounts of units below do not belong
	Tags       []Tag
}

// key is what a selector says, without where it stands.
func (s *Selector) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%t %t %t", s.All, s.Management, s.Direct)
	for _, ts := range [][]Text{s.Names, s.IDs, s.Units} {
		b.WriteString(" :")
		for _, t := range ts {
			fmt.Fprintf(&b, " %q", t.Value)
		}
	}
	for _, t := range s.Tags {
		fmt.Fprintf(&b, " %q=%q", t.Key, t.Values)
	}
	return b.String()
}

// Same tells whether two selectors say the same.
func (s *Selector) Same(o *Selector) bool { return s.key() == o.key() }

// Tag is a tag key and patterns of the values it may have.
type Tag struct {
	Key    string
	Values []string
}

// Manage is what the files have the say in.
type Manage struct {
	ExclusiveSets, ExclusiveGroups, ExclusiveApplications bool
	AdditiveMembers, AdditiveAssignments                  bool
	ScopeAccounts                                         *Accounts // nil: all and the management account
	ScopeSets                                             []Text    // patterns; nil: those of the files
}

// Protected is what is never touched.
type Protected struct {
	Sets, Groups, Users []Text // patterns
	Accounts            *Accounts
}

// Attributes are the attributes for access control.
type Attributes struct {
	At   source.Position
	List []estate.Attribute
}

// Application is an application as it should be, without its principals.
type Application struct {
	estate.Application
	At            source.Position
	Groups, Users []Text
	GivesGroups   bool // groups or users are given
	GivesVisible  bool // visible is given
}

// Limit is a number, or a share of 100.
type Limit struct {
	Number  int
	Percent bool
}

// DefaultRemovals is the limit when the files name none.
var DefaultRemovals = Limit{Number: 25, Percent: true}

// Of is the limit for a whole of n.
func (l Limit) Of(n int) int {
	if l.Percent {
		return n * l.Number / 100
	}
	return l.Number
}

// Test is a test of access; which it is, its fields say.
type Test struct {
	Name          Text
	Groups, Users []Text
	Sets          []Text    // patterns
	Accounts      *Accounts // nil: all
	Only          *Principals
	Reach         *Accounts
	Has, Lacks    bool
	Can, Cannot   []Text
	On            []string // nil: some resource, any resource
	Context       map[string][]string
}

// Principals are groups and users.
type Principals struct{ Groups, Users []Text }

// Set by name.
func (d *Document) Set(name string) *Set {
	for i := range d.Sets {
		if d.Sets[i].Name == name {
			return &d.Sets[i]
		}
	}
	return nil
}

// The bounds of a permission set's session.
const (
	minSession = time.Hour
	maxSession = 12 * time.Hour
)
