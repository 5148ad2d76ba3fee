package access

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what access needs of a database. Changing methods are one transaction with the event; reads of
// one thing answer fault.NotFound; listings are by key, rows after the given key, at most limit.
type Store interface {
	InstanceStore
	SetStore
	AssignmentStore
	WorkStore
	AttributeStore
	RegionStore
	ManagerStore
}

// InstanceStore keeps instances.
type InstanceStore interface {
	InsertInstance(ctx context.Context, i Instance, e audit.Event) error
	UpdateInstance(ctx context.Context, i Instance, e audit.Event) error
	// EditInstance lets change edit the instance as it is, while nobody else can.
	EditInstance(ctx context.Context, id string, change func(*Instance) error, e audit.Event) error
	Instance(ctx context.Context, id string) (Instance, error)
	// Instances lists all; there are few.
	Instances(ctx context.Context) ([]Instance, error)
}

// SetStore keeps permission sets.
type SetStore interface {
	// InsertSet refuses a taken name: fault.Conflict "duplicate-name".
	InsertSet(ctx context.Context, s PermissionSet, e audit.Event) error
	// UpdateSet replaces the set whose Version is ifVersion; else fault.Conflict "version".
	UpdateSet(ctx context.Context, s PermissionSet, ifVersion int64, e audit.Event) error
	// DeleteSet refuses a set with assignments, a provisioned role or open work: fault.Conflict "in-use".
	DeleteSet(ctx context.Context, instanceID, id string, e audit.Event) error
	Set(ctx context.Context, id string) (PermissionSet, error)
	SetByName(ctx context.Context, instanceID, name string) (PermissionSet, error)
	// Sets lists an instance's sets by id.
	Sets(ctx context.Context, instanceID, after string, limit int) ([]PermissionSet, error)
	SetsByID(ctx context.Context, ids []string) ([]PermissionSet, error)
	CountSets(ctx context.Context, instanceID string) (int, error)
}

// AssignmentStore keeps assignments and the requests that change them.
type AssignmentStore interface {
	// Assign inserts the assignment unless it is there (then r.CreatedAssignment is stored false), the request
	// (IN_PROGRESS), and raises the role's work, all in one transaction.
	Assign(ctx context.Context, a Assignment, r Request, e audit.Event) error
	// Unassign removes the assignment, at once, inserts the request and raises the role's work. A missing
	// assignment is fault.NotFound "ASSIGNMENT" and nothing is written.
	Unassign(ctx context.Context, a Assignment, r Request, e audit.Event) error
	// StartProvision inserts a Provision request: with an AccountID, one row and its work; a parent gets a
	// child and work per provisioned role of the set, and is SUCCEEDED at once when there is none.
	StartProvision(ctx context.Context, r Request, childID func() string, e audit.Event) error
	Request(ctx context.Context, id string) (Request, error)
	// Requests lists an instance's requests of a kind (no children) newest first; after is the last request's
	// (CreatedAt, ID); status empty means any.
	Requests(ctx context.Context, kind RequestKind, status Status, after RequestCursor, limit int) ([]Request, error)

	// AssignmentsOfRole lists the assignments of one role by principal (type, id).
	AssignmentsOfRole(ctx context.Context, k RoleKey, after Principal, limit int) ([]Assignment, error)
	// AssignmentsOfPrincipal lists by (account, set).
	AssignmentsOfPrincipal(ctx context.Context, p Principal, after RoleKey, limit int) ([]Assignment, error)
	// RolesOf returns the keys of provisioned roles assigned to any of the principals, once each, by (account,
	// set), after the key, at most limit. At most 10,000 principals.
	RolesOf(ctx context.Context, ps []Principal, after RoleKey, limit int) ([]RoleKey, error)
	// RolesIn is RolesOf within the account of the key.
	RolesIn(ctx context.Context, ps []Principal, after RoleKey, limit int) ([]RoleKey, error)
	// Assigned reports whether any of the principals is assigned to the role and the role is provisioned.
	Assigned(ctx context.Context, k RoleKey, ps []Principal) (bool, error)
}

// RequestCursor is a place in a newest-first listing; the zero value is the start.
type RequestCursor struct {
	CreatedAt time.Time
	ID        string
}

// WorkStore is the queue of roles and the record of what exists at targets.
type WorkStore interface {
	// ClaimWork claims up to max roles whose work is due at now and unclaimed (or whose claim has lapsed) until
	// `until`, for the named worker. Two workers never hold one role at a time.
	ClaimWork(ctx context.Context, worker string, now, until time.Time, max int) ([]RoleWork, error)
	// PlanRole records, before a role is made, the suffix it will have; later claims of the work show it. It is
	// fault.Conflict "claim-lost" if the worker no longer holds the claim. It writes no event: nothing exists yet.
	PlanRole(ctx context.Context, worker string, k RoleKey, suffix string) error
	// FinishWork ends the work if the worker still holds the claim (else fault.Conflict "claim-lost"): writes or
	// removes the provisioned role, ends every request of the role up to w.Seq, takes back the assignments of failed
	// create requests (CreatedAssignment), ends parents whose last child ended (FAILED if any child failed), and removes the work row or, when
	// newer requests came, makes it due again.
	FinishWork(ctx context.Context, worker string, w RoleWork, o Outcome, e audit.Event) error
	// RetryWork gives the claim back and makes the work due at the given time; the requests stay IN_PROGRESS.
	RetryWork(ctx context.Context, worker string, w RoleWork, due time.Time) error
	// NextWork returns when the earliest unfinished work becomes claimable; ok is false when there is none.
	NextWork(ctx context.Context) (due time.Time, ok bool, err error)

	Role(ctx context.Context, k RoleKey) (ProvisionedRole, error)
	// RolesOfSet lists the provisioned roles of a set by account; RolesOfAccount those of an account by set.
	RolesOfSet(ctx context.Context, setID, afterAccountID string, limit int) ([]ProvisionedRole, error)
	RolesOfAccount(ctx context.Context, accountID, afterSetID string, limit int) ([]ProvisionedRole, error)
	// CountAssignments returns how many assignments a role has, counting no further than max.
	CountAssignments(ctx context.Context, k RoleKey, max int) (int, error)
}
