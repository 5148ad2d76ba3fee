// Package plan is access as code: what the files want is compared with what is there, and the difference is a list of changes that
// a person can read and a program can make.
//
//	files ──file.Load──► file.Document ──┐
//	live state ──live.Read──► estate ────┴─Make──► *Plan ──Write…──► text, Markdown, JSON, JUnit, SARIF
//	                                                 └──apply.Run──► the live state as the files want it
//
// Nothing in this package speaks with anybody: [Make] is a pure function of the document and the estate.
package plan

import (
	"gatehouse/internal/plan/estate"
	"gatehouse/internal/plan/source"
)

// Action is what a change does.
type Action string

// The three things that can happen to something.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Plan is the difference between files and an estate.
//
// Groups, users, sets, accounts and applications are named by index in After, which begins with everything that Before has, in the same
// order; what is to be made is appended to it, without ids. What is to be deleted is still there, and in the list of changes.
type Plan struct {
	Before *estate.Estate
	After  *estate.Estate

	Groups       []GroupChange
	Members      []MemberChange
	Sets         []SetChange
	Provision    []Provision
	Assignments  []AssignmentChange // sorted by account, set, principal
	Attributes   *AttributesChange
	Applications []ApplicationChange
	Uses         []UseChange

	// Problems are faults, with which a plan must not be applied, and warnings.
	Problems source.Problems
	// Raised are ids of accounts in which somebody becomes an administrator, sorted: whether they are production their tags may say.
	Raised []string
	// Tests are the outcomes of the files' tests of access against After.
	Tests []TestResult
}

// GroupChange makes, changes or deletes a group. Before is nil for Create, After for Delete.
type GroupChange struct {
	Action        Action
	Group         int // index
	Before, After *estate.Group
}

// MemberChange puts a user into a group (Create) or takes her out (Delete).
type MemberChange struct {
	Action      Action
	Group, User int // indices
}

// SetChange makes, changes or deletes a permission set. Before is nil for Create, After for Delete.
type SetChange struct {
	Action        Action
	Set           int // index
	Before, After *estate.Set
}

// Provision brings the roles of a set up to date where it is assigned already: after a change of the set (Accounts is empty: all), or because
// some are behind.
type Provision struct {
	Set      int
	Accounts []string // ids of the accounts that are behind; empty: every account that has the set
}

// AssignmentChange makes an assignment, or removes it.
type AssignmentChange struct {
	estate.Assignment
	Remove bool
}

// AttributesChange replaces the attributes for access control; nil is: not enabled.
type AttributesChange struct {
	Action        Action
	Before, After []estate.Attribute
}

// ApplicationChange makes, changes or deletes an application.
type ApplicationChange struct {
	Action        Action
	Application   int // index
	Before, After *estate.Application
}

// UseChange gives a principal an application, or takes it away.
type UseChange struct {
	Application int
	Principal   estate.Principal
	Remove      bool
}

// TestResult is the outcome of one test of access.
type TestResult struct {
	Name    string          `json:"name"`
	At      source.Position `json:"at"`
	Outcome Outcome         `json:"outcome"`
	Reasons []string        `json:"reasons,omitempty"` // what contradicts it, or why it could not be decided
}

// Outcome of a test of access.
type Outcome string

// Undecided is a test that needs to know more than there is: it does not pass.
const (
	Passed    Outcome = "passed"
	Failed    Outcome = "failed"
	Undecided Outcome = "undecided"
)

// Empty tells whether there is nothing to do.
func (p *Plan) Empty() bool { return p.Count() == 0 }

// Count is how many changes there are.
func (p *Plan) Count() int {
	n := len(p.Groups) + len(p.Members) + len(p.Sets) + len(p.Provision) + len(p.Assignments) + len(p.Applications) + len(p.Uses)
	if p.Attributes != nil {
		n++
	}
	return n
}
