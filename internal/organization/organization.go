// Package organization knows the accounts: the organization, its tree of organizational units, and the
// accounts with their tags.
//
// It decides where an account stands and what it is called; it does not know what anyone may do there
// (package access) nor what is inside an account (package localiam, through targets). An account's id
// never comes back; a closed account stays in the list as SUSPENDED.
//
//	account: ACTIVE → SUSPENDED
//
// It also knows the service control policies and where they are attached, and which account administers which
// service for the organization. What a policy says is for others to evaluate (package localiam, with package policy): here is only
// which of them bear on an account ([Service.Standing]).
//
// Invariants: one organization per installation; the management account is never moved out of the tree,
// closed or deleted; a unit's name is unique among its siblings; the tree is at most five units deep
// (AWS Organizations quotas); e-mail addresses of accounts are unique in folded case.
//
// Start reading at [Service].
package organization

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Organization is the whole: there is one.
type Organization struct {
	// ID is "o-…"; RootID "r-…"; ManagementAccountID twelve digits.
	ID, RootID, ManagementAccountID string
	CreatedAt                       time.Time
}

// Unit is an organizational unit, a node of the tree below the root.
type Unit struct {
	// ID is "ou-…"; ParentID the root's id or another unit's.
	ID, ParentID, Name string
	Tags               map[string]string
	CreatedAt          time.Time
}

// Status is an account's state.
type Status string

const (
	Active    Status = "ACTIVE"
	Suspended Status = "SUSPENDED"
)

// Account is one cloud account.
type Account struct {
	// ID is twelve digits; ParentID the root's or a unit's id.
	ID, ParentID, Name, Email string
	Status                    Status
	Tags                      map[string]string
	JoinedAt                  time.Time
}

// Store is what the organization needs of a database. Changing methods are one transaction with the event;
// reads of one thing answer fault.NotFound; listings are by key (id), rows after `after`, at most limit.
type Store interface {
	PolicyStore
	DelegateStore
	RequestStore

	// InsertOrganization creates the organization with its management account; fault.Conflict "exists" if
	// there is one already.
	InsertOrganization(ctx context.Context, o Organization, management Account, e audit.Event) error
	// Organization answers fault.NotFound before first start.
	Organization(ctx context.Context) (Organization, error)

	// InsertUnit and UpdateUnit refuse a name taken among the siblings (compared exactly): fault.Conflict
	// "duplicate-name". DeleteUnit refuses a unit with children: fault.Conflict "not-empty".
	InsertUnit(ctx context.Context, u Unit, e audit.Event) error
	UpdateUnit(ctx context.Context, u Unit, e audit.Event) error
	DeleteUnit(ctx context.Context, id string, e audit.Event) error
	Unit(ctx context.Context, id string) (Unit, error)
	// UnitsOf lists the units directly below a parent.
	UnitsOf(ctx context.Context, parentID, after string, limit int) ([]Unit, error)

	// InsertAccount refuses a taken id or e-mail (folded): fault.Conflict "duplicate".
	InsertAccount(ctx context.Context, a Account, e audit.Event) error
	UpdateAccount(ctx context.Context, a Account, e audit.Event) error
	Account(ctx context.Context, id string) (Account, error)
	// AccountsByID returns those that exist, in no order. At most 1,000 ids.
	AccountsByID(ctx context.Context, ids []string) ([]Account, error)
	Accounts(ctx context.Context, after string, limit int) ([]Account, error)
	// AccountsOf lists the accounts directly below a parent.
	AccountsOf(ctx context.Context, parentID, after string, limit int) ([]Account, error)
}
