package organization

import (
	"context"

	"gatehouse/internal/audit"
)

// PolicyStore keeps service control policies and where they are attached. The policy [FullAccessID] is not kept: it is
// part of the program; only its attachments are.
type PolicyStore interface {
	// InsertPolicy and UpdatePolicy refuse a taken name (compared exactly): fault.Conflict "duplicate-policy".
	InsertPolicy(ctx context.Context, p Policy, e audit.Event) error
	UpdatePolicy(ctx context.Context, p Policy, e audit.Event) error
	// DeletePolicy refuses an attached policy: fault.Conflict "policy-in-use".
	DeletePolicy(ctx context.Context, id string, e audit.Event) error
	Policy(ctx context.Context, id string) (Policy, error)
	Policies(ctx context.Context, after string, limit int) ([]Policy, error)
	// Attach refuses a second attachment (fault.Conflict "attached"), a target with most policies already
	// (fault.Quota "most") and a policy that is gone (fault.NotFound). While the type is off: fault.Conflict "type-off".
	Attach(ctx context.Context, a Attachment, most int, e audit.Event) error
	// Detach refuses what is not attached (fault.NotFound "not-attached") and a target's last policy (fault.Quota "least").
	Detach(ctx context.Context, a Attachment, e audit.Event) error
	// PolicyIDsOf returns the ids of the policies attached to each of the targets (at most 10 targets), ascending.
	PolicyIDsOf(ctx context.Context, targetIDs []string) (map[string][]string, error)
	// TargetsOf lists the targets a policy is attached to, ascending.
	TargetsOf(ctx context.Context, policyID, after string, limit int) ([]string, error)
	// ControlOn reports whether service control policies are on.
	ControlOn(ctx context.Context) (bool, error)
	// SwitchControl turns them on, attaching [FullAccessID] to the root, every unit and every account; or off,
	// taking all attachments away. fault.Conflict "type-on" or "type-off" when it is so already. While they are on, InsertUnit and
	// InsertAccount attach [FullAccessID] to what is new.
	SwitchControl(ctx context.Context, on bool, e audit.Event) error
	// Generation grows with every change to policies, attachments, accounts and delegations.
	Generation(ctx context.Context) (int64, error)
}

// DelegateStore keeps which services work with the organization and which accounts administer them.
type DelegateStore interface {
	// EnableService is a fault.Conflict "enabled" when it is so already, DisableService a fault.NotFound when it is not.
	EnableService(ctx context.Context, s TrustedService, e audit.Event) error
	DisableService(ctx context.Context, name string, e audit.Event) error
	EnabledServices(ctx context.Context, after string, limit int) ([]TrustedService, error)
	// InsertDelegate refuses a second registration (fault.Conflict "registered").
	InsertDelegate(ctx context.Context, d Delegate, e audit.Event) error
	// DeleteDelegate answers fault.NotFound "not-registered".
	DeleteDelegate(ctx context.Context, d Delegate, e audit.Event) error
	// Delegates lists registrations, by account and service, of all accounts or of one, for all services or for one; after is
	// an account and a service.
	Delegates(ctx context.Context, f DelegateFilter) ([]Delegate, error)
}

// RequestStore keeps what became of requests for accounts.
type RequestStore interface {
	// InsertRequest stores a request together with the account that it made, if it made one; refusals as InsertAccount.
	InsertRequest(ctx context.Context, r AccountRequest, made *Account, e audit.Event) error
	Request(ctx context.Context, id string) (AccountRequest, error)
	// Requests lists requests by id.
	Requests(ctx context.Context, after string, limit int) ([]AccountRequest, error)
	// RootTags returns the root's tags; SetRootTags replaces them.
	RootTags(ctx context.Context) (map[string]string, error)
	SetRootTags(ctx context.Context, tags map[string]string, e audit.Event) error
}
