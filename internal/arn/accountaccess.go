package arn

import (
	"io"
	"regexp"
	"strings"

	"gatehouse/internal/fault"
)

var (
	managerID    = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`)
	region       = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	existingRole = regexp.MustCompile(`^role/([a-zA-Z0-9+=,.@_-]+/)*[a-zA-Z0-9+=,.@_-]{1,64}$`)
)

// MaxRoleResource is the most characters that the resource part of a role's ARN has: "role", a path of 512 and a name of 64.
const MaxRoleResource = 4 + 512 + 64

// AccountAccess is the service principal of the account access manager: the trust policies of existing roles let it in, and the
// organization must trust it.
const AccountAccess = "account-access.amazonaws.com"

// Manager names an account access manager: what its ARN says.
type Manager struct {
	// Region is the one in which it was made, AccountID the management account.
	Region, AccountID string
	// ID is "aam-…".
	ID string
}

// String returns the ARN.
func (m Manager) String() string {
	return "arn:aws:account-access:" + m.Region + ":" + m.AccountID + ":application/" + m.ID
}

// ParseManager returns what the ARN of an account access manager names.
func ParseManager(s string) (Manager, error) {
	a, err := Parse(s)
	id, ok := strings.CutPrefix(a.Resource, "application/")
	if err != nil || !ok || a.Partition != "aws" || a.Service != "account-access" || !region.MatchString(a.Region) || !IsAccountID(a.AccountID) || !managerID.MatchString(id) {
		return Manager{}, fault.New(fault.Invalid, "%q is not the ARN of an account access manager (arn:aws:account-access:<region>:<account>:application/…)", clip(s)).At("applicationArn")
	}
	return Manager{a.Region, a.AccountID, id}, nil
}

// NewManagerID mints "aam-" and sixteen hexadecimal digits.
func NewManagerID(r io.Reader) string { return "aam-" + Hex(r, 16) }

// NewTenantID mints "aa-" and sixteen hexadecimal digits (AWS: 3–24 characters that begin with "aa-").
func NewTenantID(r io.Reader) string { return "aa-" + Hex(r, 16) }

// NewEntitlementID mints "ent-" and sixteen hexadecimal digits.
func NewEntitlementID(r io.Reader) string { return "ent-" + Hex(r, 16) }

// ParseRole returns the account and the resource ("role/path/Name") in a role's ARN.
func ParseRole(s string) (account, resource string, err error) {
	a, err := Parse(s)
	if err != nil || a.Partition != "aws" || a.Service != "iam" || a.Region != "" || !IsAccountID(a.AccountID) || !IsRoleResource(a.Resource) {
		return "", "", fault.New(fault.Invalid, "%q is not the ARN of a role (arn:aws:iam::<account>:role/…)", clip(s)).At("roleArn")
	}
	return a.AccountID, a.Resource, nil
}

// IsRoleResource reports whether s has the form of the resource part of a role's ARN: "role/", its path and its name.
func IsRoleResource(s string) bool { return len(s) <= MaxRoleResource && existingRole.MatchString(s) }
