// Package estate is who may do what in an organization at one moment: accounts and where they stand, people and groups, permission
// sets, assignments, as AWS's public API tells it. An [Estate] is a value without any connection to where it was read: it can be
// written to a file, compared, and planned against.
//
// People, groups, sets and accounts are named in other places of the estate by their index, which makes a million
// assignments twelve megabytes.
package estate

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Estate is the whole. What was not asked for is not in it (see the reader's Want): an estate that was read for a plan has the groups
// and users that the plan needs.
type Estate struct {
	Taken        time.Time     // when reading began
	Caller       string        // ARN of who read it
	Instance     Instance      //
	Units        []Unit        // the root first
	Accounts     []Account     //
	Groups       []Group       //
	Users        []User        //
	Sets         []Set         // permission sets
	Assignments  []Assignment  // sorted by account, set, principal; see [Sort]
	Attributes   []Attribute   // attributes for access control; nil when they are not enabled
	Applications []Application //
	// Missing are customer managed policies that a set needs and an account lacks, as far as the accounts could be looked into.
	Missing []MissingPolicy
	// Unchecked are ids of accounts that could not be looked into, sorted.
	Unchecked []string
	// Pending is how many assignment requests were under way when reading began.
	Pending int
}

// Instance is the Identity Center instance.
type Instance struct {
	ARN             string `json:"arn"`
	IdentityStoreID string `json:"identity_store_id"`
	Owner           string `json:"owner"` // account id
	Region          string `json:"region,omitempty"`
}

// Unit is an organizational unit, or the root, whose Parent is empty.
type Unit struct {
	ID     string `json:"id"`
	Parent string `json:"parent,omitempty"`
	Name   string `json:"name"`
}

// Account is an account of the organization.
type Account struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Email      string            `json:"email,omitempty"`
	Status     string            `json:"status,omitempty"` // ACTIVE, SUSPENDED, PENDING_CLOSURE; empty is ACTIVE
	Unit       string            `json:"unit,omitempty"`   // id
	Management bool              `json:"management,omitzero"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// Active tells whether anything can be assigned in the account.
func (a *Account) Active() bool { return a.Status == "" || a.Status == "ACTIVE" }

// Group is a group of the identity store.
type Group struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	External    bool   `json:"external,omitzero"` // an identity provider owns it: members are not ours to write
	// Members are indices of users, sorted; MembersRead says whether they were read at all.
	Members     []int32 `json:"-"`
	MembersRead bool    `json:"-"`
}

// User is a person of the identity store.
type User struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"` // userName
	Emails   []string `json:"emails,omitempty"`
	Display  string   `json:"display,omitempty"`
	External bool     `json:"external,omitzero"`
}

// PolicyRef is a customer managed policy by name: every account that the set is in must have one.
type PolicyRef struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"` // "/" when empty
}

// String is path and name, without the leading slash.
func (r PolicyRef) String() string { return strings.TrimPrefix(r.Path, "/") + r.Name }

// Same tells whether two references are to the same policy: no path and "/" are one.
func (r PolicyRef) Same(o PolicyRef) bool {
	return r.Name == o.Name && cmp.Or(r.Path, "/") == cmp.Or(o.Path, "/")
}

// Boundary is a permissions boundary: one of the two is set.
type Boundary struct {
	AWS      string     `json:"aws,omitempty"` // ARN of an AWS managed policy
	Customer *PolicyRef `json:"customer,omitempty"`
}

// Set is a permission set.
type Set struct {
	ARN              string            `json:"arn"`
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	Session          time.Duration     `json:"-"`
	RelayState       string            `json:"relay_state,omitempty"`
	AWSPolicies      []string          `json:"aws_policies,omitempty"` // ARNs, sorted
	CustomerPolicies []PolicyRef       `json:"customer_policies,omitempty"`
	Inline           string            `json:"inline_policy,omitempty"` // the document in compact form; "" is none
	Boundary         *Boundary         `json:"boundary,omitempty"`
	Tags             map[string]string `json:"tags,omitempty"`
	// DetailsRead says whether more than the name was read.
	DetailsRead bool `json:"details_read,omitzero"`
	// AssignmentsRead says whether the estate has all assignments of the set.
	AssignmentsRead bool `json:"assignments_read,omitzero"`
	// Behind are ids of accounts whose role is not what the set is now.
	Behind []string `json:"behind,omitempty"`
}

// Principal is a group, or a user, by index.
type Principal int32

// GroupPrincipal names the group at an index of [Estate.Groups].
func GroupPrincipal(i int) Principal { return Principal(i) }

// UserPrincipal names the user at an index of [Estate.Users].
func UserPrincipal(i int) Principal { return Principal(^i) }

// IsUser tells users from groups.
func (p Principal) IsUser() bool { return p < 0 }

// Index is the index in [Estate.Groups] or [Estate.Users].
func (p Principal) Index() int {
	if p < 0 {
		return int(^p)
	}
	return int(p)
}

// Assignment gives a principal a permission set in an account.
type Assignment struct {
	Account   int32
	Set       int32
	Principal Principal
}

// Compare is the order in which assignments are kept.
func (a Assignment) Compare(b Assignment) int {
	switch {
	case a.Account != b.Account:
		return int(a.Account) - int(b.Account)
	case a.Set != b.Set:
		return int(a.Set) - int(b.Set)
	default:
		return int(a.Principal) - int(b.Principal)
	}
}

// Sort puts assignments into their order and drops repetitions.
func Sort(as []Assignment) []Assignment {
	slices.SortFunc(as, Assignment.Compare)
	return slices.Compact(as)
}

// Attribute is one attribute for access control: a tag key and where its value comes from, such as "${path:enterprise.department}".
type Attribute struct {
	Key    string   `json:"key"`
	Source []string `json:"source"`
}

// Application is an application of the instance.
type Application struct {
	ARN          string            `json:"arn"`
	Name         string            `json:"name"`
	Provider     string            `json:"provider"` // ARN of its application provider
	Description  string            `json:"description,omitempty"`
	Visible      bool              `json:"visible,omitzero"`   // in the portal
	URL          string            `json:"url,omitempty"`      // where the portal sends people who pick it
	Disabled     bool              `json:"disabled,omitzero"`  //
	AnyoneMayUse bool              `json:"anyone,omitzero"`    // no assignment is required
	Tags         map[string]string `json:"tags,omitempty"`     //
	Principals   []Principal       `json:"-"`                  // sorted
	Elsewhere    bool              `json:"elsewhere,omitzero"` // of an account that is not the caller's
	Managed      bool              `json:"managed,omitzero"`   // made by an AWS service, not ours to change
}

// MissingPolicy is a customer managed policy that an account lacks.
type MissingPolicy struct {
	Account string    `json:"account"`
	Policy  PolicyRef `json:"policy"`
}

// Reserved tells whether a tag key is AWS's own: such tags cannot be given or taken by anybody else.
func Reserved(key string) bool { return len(key) >= 4 && strings.EqualFold(key[:4], "aws:") }
