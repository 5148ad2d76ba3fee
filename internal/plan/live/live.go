// Package live is the way between an estate and AWS's public API, of AWS itself or of a Gatehouse server: it reads an [estate.Estate] with as
// few calls as there can be, and makes single changes, inside the limits that AWS sets.
package live

import "gatehouse/internal/plan/estate"

// Want says what to read beyond what every estate has (the instance, units and accounts, names of permission sets).
type Want struct {
	// All reads everything there is: an export.
	All bool
	// Sets are names of permission sets whose details and assignments are read; AllSets reads those of every set. Sets of names that are
	// not there are passed over.
	Sets    []string
	AllSets bool
	// Groups and Users are names that must be found if they are there: display names, and user names or e-mail addresses.
	Groups, Users []string
	// AllGroups reads every group.
	AllGroups bool
	// Members are names of groups whose members are read.
	Members []string
	// AllMembers reads the members of every group that has an assignment.
	AllMembers bool
	// Tags reads the tags of accounts; they cost a call each.
	Tags bool
	// Attributes reads the attributes for access control, Applications reads applications and who may use them.
	Attributes, Applications bool
	// Policies are customer managed policies that the files' sets refer to: accounts in which such a set is wanted are looked into, if
	// the role that is named in the options can be assumed there.
	Policies []NeededPolicy
}

// NeededPolicy is a customer managed policy, and ids of accounts that must have it.
type NeededPolicy struct {
	Policy   estate.PolicyRef
	Accounts []string
}

// Progress is told how many steps of how many are done; total may grow.
type Progress func(step string, done, total int)
