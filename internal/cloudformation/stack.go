package cloudformation

import (
	"strings"
	"time"

	"gatehouse/internal/audit"
)

// Resource names used in faults.
const (
	ResourceStack     = "STACK"
	ResourceChangeSet = "CHANGE_SET"
	ResourceExport    = "EXPORT"
)

// Status is a stack's or a resource's.
type Status string

// Statuses of stacks; those of resources are among them.
const (
	ReviewInProgress         Status = "REVIEW_IN_PROGRESS"
	CreateInProgress         Status = "CREATE_IN_PROGRESS"
	CreateComplete           Status = "CREATE_COMPLETE"
	CreateFailed             Status = "CREATE_FAILED"
	RollbackInProgress       Status = "ROLLBACK_IN_PROGRESS"
	RollbackComplete         Status = "ROLLBACK_COMPLETE"
	RollbackFailed           Status = "ROLLBACK_FAILED"
	UpdateInProgress         Status = "UPDATE_IN_PROGRESS"
	UpdateCleanup            Status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
	UpdateComplete           Status = "UPDATE_COMPLETE"
	UpdateFailed             Status = "UPDATE_FAILED"
	UpdateRollbackInProgress Status = "UPDATE_ROLLBACK_IN_PROGRESS"
	UpdateRollbackCleanup    Status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	UpdateRollbackComplete   Status = "UPDATE_ROLLBACK_COMPLETE"
	UpdateRollbackFailed     Status = "UPDATE_ROLLBACK_FAILED"
	DeleteInProgress         Status = "DELETE_IN_PROGRESS"
	DeleteComplete           Status = "DELETE_COMPLETE"
	DeleteFailed             Status = "DELETE_FAILED"
	DeleteSkipped            Status = "DELETE_SKIPPED"
)

// Busy reports whether an operation is under way.
func (s Status) Busy() bool {
	return s != ReviewInProgress && strings.HasSuffix(string(s), "_IN_PROGRESS")
}

// Updatable reports whether a stack at rest may be updated.
func (s Status) updatable() bool {
	switch s {
	case CreateComplete, UpdateComplete, UpdateRollbackComplete, CreateFailed, UpdateFailed:
		return true
	}
	return false
}

// Place is where stacks live: names are unique in it.
type Place struct{ AccountID, Region string }

// Revision is what a stack is made from: a template and what fills it.
type Revision struct {
	Template string
	// Parameters are the values of all the template's parameters.
	Parameters       map[string]string
	Tags             map[string]string
	Capabilities     []string
	NotificationARNs []string
}

// Stack is a set of resources that are made, changed and removed together.
type Stack struct {
	// ID is the stack's ARN: arn:aws:cloudformation:<region>:<account>:stack/<name>/<uuid>.
	ID string
	Place
	Name   string
	Status Status
	// Reason says more about the status.
	Reason      string
	Description string
	Revision    Revision
	Outputs     []Output
	// Protected stacks are not deleted.
	Protected bool
	// RollbackOff is what CreateStack's DisableRollback said.
	RollbackOff bool
	// ChangeSetID is the change set executed last.
	ChangeSetID string
	CreatedAt   time.Time
	// UpdatedAt and DeletedAt are zero if it never was.
	UpdatedAt, DeletedAt time.Time
	// Operation is what is under way, or failed in a way that it can be continued; nil at rest.
	Operation *Operation
	// Version grows with each save; it guards read-modify-write. Zero: not yet stored.
	Version int64
}

// Live reports whether the stack holds its name.
func (s Stack) Live() bool { return s.Status != DeleteComplete }

// Output is a value that a stack shows.
type Output struct{ Key, Value, Description, Export string }

// OnFailure says what becomes of a stack whose creation or update fails.
type OnFailure string

// What can become of it.
const (
	Rollback  OnFailure = "ROLLBACK"
	DoNothing OnFailure = "DO_NOTHING"
	Delete    OnFailure = "DELETE"
)

// Operation is what is being done to a stack: the queue entry.
type Operation struct {
	// ID is a UUID; the resources it has touched bear it.
	ID string
	// Token is the ClientRequestToken, shown in events.
	Token string
	Actor audit.Actor
	// Key is the access key of the caller, and of temporary credentials the token (ciphertext, useless without the secret in it). With it
	// the caller is known again, with the permissions he has then. It is erased when the operation ends.
	Key CallerKey
	// Old is what the stack is taken back to if the operation fails; nil for a new stack.
	Old *Revision
	// OldOutputs are the outputs of Old.
	OldOutputs []Output
	OnFailure  OnFailure
	// Retain are logical ids that a deletion leaves.
	Retain    []string
	StartedAt time.Time
}

// CallerKey names a caller's credentials without the secret.
type CallerKey struct{ AccessKeyID, SessionToken string }

// State is a resource as it is at one moment.
type State struct {
	// PhysicalID is empty for what was not made yet.
	PhysicalID string
	Type       string
	Properties Properties
	Attributes map[string]string
}

// Resource is a resource of a stack.
type Resource struct {
	StackID, LogicalID string
	State
	Status    Status
	Reason    string
	UpdatedAt time.Time
	// DependsOn are the resources it was made after.
	DependsOn           []string
	DeletionPolicy      string
	UpdateReplacePolicy string
	// OperationID is the operation that touched it last; StepToken and StepAt are of its last step.
	OperationID, StepToken string
	StepAt                 time.Time
	// Previous is what it was before that operation; nil if it was not there.
	Previous *State
	// New is true while the operation that made it has not ended.
	New bool
	// Doomed are older incarnations that are still to be removed.
	Doomed []State
}

// Event is one thing that happened to a stack or to a resource of it.
type Event struct {
	// ID is shown; Seq orders and is given by the store.
	ID  string
	Seq int64
	// StackID, StackName and what the event is about; the stack itself has its name as LogicalID.
	StackID, StackName, LogicalID, PhysicalID, Type string
	Status                                          Status
	Reason                                          string
	// Properties are JSON.
	Properties string
	Token      string
	At         time.Time
}

// Export is an output that other stacks of the same place may import.
type Export struct {
	Place
	Name, Value, StackID string
}

// ChangeSetStatus is how far a change set is.
type ChangeSetStatus string

// Statuses of change sets, and of their execution.
const (
	ChangeSetReady  ChangeSetStatus = "CREATE_COMPLETE"
	ChangeSetFailed ChangeSetStatus = "FAILED"

	Available   = "AVAILABLE"
	Unavailable = "UNAVAILABLE"
	Executed    = "EXECUTE_COMPLETE"
	Executing   = "EXECUTE_IN_PROGRESS"
	ExecFailed  = "EXECUTE_FAILED"
	Obsolete    = "OBSOLETE"
)

// ChangeSet is an operation that is prepared and not begun.
type ChangeSet struct {
	// ID is its ARN: arn:aws:cloudformation:<region>:<account>:changeSet/<name>/<uuid>.
	ID, StackID, StackName, Name, Description string
	Create                                    bool
	Status                                    ChangeSetStatus
	Reason                                    string
	Execution                                 string
	Revision                                  Revision
	Changes                                   []Change
	CreatedAt                                 time.Time
}

// Change is what a change set would do to one resource.
type Change struct {
	// Action is Add, Modify or Remove.
	Action                      string
	LogicalID, PhysicalID, Type string
	// Replacement is True, False or Conditional, for Modify.
	Replacement string
	// Properties are those that differ.
	Properties []PropertyChange
}

// PropertyChange is a property that differs.
type PropertyChange struct {
	Name string
	// Recreation is Always or Never.
	Recreation string
	// Dynamic is true if the new value is known only when the change is made.
	Dynamic bool
}
