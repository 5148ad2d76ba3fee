package access

import "time"

// Instance is an Identity Center instance. One organization instance exists per installation.
type Instance struct {
	// ID is "ssoins-…"; its ARN is arn.Instance(ID).
	ID, Name string
	// IdentityStoreID is "d-…".
	IdentityStoreID string
	// OwnerAccountID is the management account.
	OwnerAccountID string
	// Region is the home region that role paths and ARNs show.
	Region    string
	Tags      map[string]string
	CreatedAt time.Time
}

// PermissionSet is a template for roles.
type PermissionSet struct {
	// ID is "ps-…"; InstanceID "ssoins-…".
	ID, InstanceID string
	// Name is 1–32 characters [\w+=,.@-], unique in the instance in exact case, and never changes.
	Name        string
	Description string
	// SessionDuration is how long credentials last: 1 h to 12 h; the default is 1 h.
	SessionDuration time.Duration
	// SessionText is how the duration was written (ISO 8601, "PT90M"), so that it can be told as it was; it counts only while it means
	// SessionDuration. At most 100 characters.
	SessionText string
	RelayState  string
	Tags        map[string]string
	// ManagedPolicies are ARNs of AWS managed policies, in the order attached.
	ManagedPolicies []string
	// CustomerPolicies name policies that must exist in every target account.
	CustomerPolicies []PolicyRef
	// InlinePolicy is a policy document, or empty.
	InlinePolicy string
	// Boundary is the permissions boundary; nil for none.
	Boundary *Boundary
	// Revision grows with each change that a role would show (not with tags).
	Revision int64
	// Version grows with each change of any kind; it guards read-modify-write.
	Version   int64
	CreatedAt time.Time
}

// PolicyRef names a customer managed policy by name and path (path "/" by default).
type PolicyRef struct{ Name, Path string }

// Boundary is either an AWS managed policy or a customer managed one.
type Boundary struct {
	ManagedPolicyARN string
	Customer         *PolicyRef
}

// PrincipalType is USER or GROUP.
type PrincipalType string

const (
	User  PrincipalType = "USER"
	Group PrincipalType = "GROUP"
)

// Principal is whom an assignment is for.
type Principal struct {
	Type PrincipalType
	ID   string
}

// RoleKey names a role that Gatehouse makes: one per account and permission set.
type RoleKey struct{ AccountID, PermissionSetID string }

// Assignment gives a principal a permission set in an account.
type Assignment struct {
	RoleKey
	Principal Principal
	CreatedAt time.Time
}

// Status of a request.
type Status string

const (
	InProgress Status = "IN_PROGRESS"
	Succeeded  Status = "SUCCEEDED"
	Failed     Status = "FAILED"
)

// RequestKind says which of AWS's three status families a request belongs to.
type RequestKind string

const (
	CreateAssignment RequestKind = "CREATE"
	DeleteAssignment RequestKind = "DELETE"
	// Provision is ProvisionPermissionSet. With all accounts it is a parent (AccountID empty) whose
	// children, one per role, carry ParentID.
	Provision RequestKind = "PROVISION"
)

// Request is an asynchronous change: what the API shows as a status, and at the same time the queue entry.
type Request struct {
	// ID is a UUID.
	ID   string
	Kind RequestKind
	// ParentID is set on the children of a Provision request for all accounts; they are not listed.
	ParentID string
	// RoleKey's AccountID is empty on a parent.
	RoleKey
	Principal     Principal
	Status        Status
	FailureReason string
	// CreatedAssignment is true on a CREATE request whose assignment was not there before: if it fails, the
	// assignment is taken back.
	CreatedAssignment bool
	CreatedAt         time.Time
	FinishedAt        time.Time
}

// ProvisionedRole is a role that exists at a target.
type ProvisionedRole struct {
	RoleKey
	// Suffix is the sixteen hexadecimal digits of the role's name.
	Suffix string
	// RoleName is AWSReservedSSO_<set>_<suffix>.
	RoleName string
	// Revision is the set's revision that the role shows.
	Revision      int64
	ProvisionedAt time.Time
}

// RoleWork is a claimed role: what a worker has to bring about.
type RoleWork struct {
	RoleKey
	// Seq is the newest request counted when the claim was made; finishing covers requests up to it.
	Seq int64
	// Attempt counts claims since the work last finished, from 1.
	Attempt int
	// Reprovision is true when a Provision request waits: the role must be brought to the set's present
	// revision even if it exists.
	Reprovision bool
	// PlannedSuffix is what PlanRole recorded on this work before; empty if nothing. A worker that died between
	// making a role and finishing leaves it here, so that the next one finds the role it made.
	PlannedSuffix string
	// ClaimedUntil is when the claim lapses.
	ClaimedUntil time.Time
}

// Outcome ends a piece of role work.
type Outcome struct {
	// Role is the role as it now is at the target; nil when there is none.
	Role *ProvisionedRole
	// Failure is empty on success, else the sentence the API shows as FailureReason.
	Failure string
	At      time.Time
}
