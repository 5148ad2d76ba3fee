package cloudformation

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what stacks need of a database. Changing methods are one transaction; those that take an audit event write it in the same
// transaction. Reads of one thing answer fault.NotFound; listings are by key, after the given key, at most limit.
type Store interface {
	StackStore
	WorkStore
	ChangeSetStore
}

// StackStore keeps stacks, their resources and what happened to them.
type StackStore interface {
	// InsertStack refuses a name that a live stack of the place has: fault.Conflict "exists". A stack with an Operation gets its
	// work, due at once.
	InsertStack(ctx context.Context, s Stack, happened []Event, e audit.Event) error
	// BeginOperation replaces the stack whose version is s.Version (else fault.Conflict "version"), removes its change
	// sets, and makes its work due at once.
	BeginOperation(ctx context.Context, s Stack, happened []Event, e audit.Event) error
	// SaveStack replaces the stack whose version is s.Version (else fault.Conflict "version"), without work.
	SaveStack(ctx context.Context, s Stack, e audit.Event) error
	Stack(ctx context.Context, id string) (Stack, error)
	// StackByName finds the live stack of a name.
	StackByName(ctx context.Context, p Place, name string) (Stack, error)
	// Stacks lists stacks by id, deleted ones too when all is true.
	Stacks(ctx context.Context, p Place, all bool, after string, limit int) ([]Stack, error)
	// Resources returns all resources of a stack by logical id.
	Resources(ctx context.Context, stackID string) ([]Resource, error)
	// Events lists what happened to a stack, newest first, before the sequence number (0: from the newest).
	Events(ctx context.Context, stackID string, before int64, limit int) ([]Event, error)
	// Export finds an export; Exports lists them by name.
	Export(ctx context.Context, p Place, name string) (Export, error)
	Exports(ctx context.Context, p Place, after string, limit int) ([]Export, error)
	// Importers lists the names of live stacks that import an export, by name.
	Importers(ctx context.Context, p Place, name, after string, limit int) ([]string, error)
}

// Claim is a worker's hold on a stack's work.
type Claim struct {
	StackID, Worker string
	Until           time.Time
	Attempt         int
}

// Step is what a worker records in one transaction.
type Step struct {
	// Stack is written if not nil; its Version must be the stored one.
	Stack *Stack
	// Resources are written, Remove are logical ids whose rows go.
	Resources []Resource
	Remove    []string
	Events    []Event
	// Trade, if not nil, replaces the stack's exports and imports.
	Trade *Trade
	// Done ends the work.
	Done bool
	// Audit, if not nil, is written too: the end of an operation.
	Audit *audit.Event
}

// Trade is what a stack exports and imports.
type Trade struct {
	Exports []Export
	Imports []string
}

// WorkStore is the queue of stacks with an operation.
type WorkStore interface {
	// ClaimStack claims one stack whose work is due at now and unclaimed, or whose claim has lapsed; ok is false when there is none.
	ClaimStack(ctx context.Context, worker string, now, until time.Time) (c Claim, ok bool, err error)
	// RenewClaim moves the end of a claim, which the caller then holds; fault.Conflict "claim-lost".
	RenewClaim(ctx context.Context, c Claim, until time.Time) error
	// ReleaseClaim gives a claim back; the work is due at the given time.
	ReleaseClaim(ctx context.Context, c Claim, due time.Time) error
	// Record writes a step of the holder of the claim; fault.Conflict "claim-lost", "version". An export whose name another live stack has
	// is fault.Conflict "export"; one that is taken away or changed while others import it is fault.Conflict "export-in-use".
	Record(ctx context.Context, c Claim, s Step) error
	// NextStack returns when the earliest work becomes claimable.
	NextStack(ctx context.Context) (due time.Time, ok bool, err error)
}

// ChangeSetStore keeps change sets.
type ChangeSetStore interface {
	// InsertChangeSet refuses a name that another change set of the stack has: fault.Conflict "exists". newStack, if not nil, is inserted
	// with it, as InsertStack does.
	InsertChangeSet(ctx context.Context, c ChangeSet, newStack *Stack, happened []Event, e audit.Event) error
	ChangeSet(ctx context.Context, id string) (ChangeSet, error)
	ChangeSetByName(ctx context.Context, stackID, name string) (ChangeSet, error)
	// ChangeSets lists a stack's change sets by name.
	ChangeSets(ctx context.Context, stackID, after string, limit int) ([]ChangeSet, error)
	// DeleteChangeSet removes one; it may be gone already.
	DeleteChangeSet(ctx context.Context, id string, e audit.Event) error
	// Execute is BeginOperation with the change set: the one executed stays, marked, and all others of the stack go.
	Execute(ctx context.Context, c ChangeSet, s Stack, happened []Event, e audit.Event) error
}
