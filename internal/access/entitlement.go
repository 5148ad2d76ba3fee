package access

import (
	"context"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// RoleEntitlement lets a principal act as a role that an account made itself (AWS: a principal-to-role entitlement). It never changes but
// for RoleID.
type RoleEntitlement struct {
	// ID is "ent-…", ManagerID "aam-…".
	ID, ManagerID string
	Principal     Principal
	// AccountID and Role are those of the role's ARN: Role is its resource part, "role/path/Name".
	AccountID, Role string
	// RoleID is the role's unique id (AROA…) when the entitlement was made. Another role of that ARN is not meant.
	RoleID    string
	CreatedAt time.Time
}

// RoleARN is the ARN of the role.
func (e RoleEntitlement) RoleARN() string { return arn.IAM(e.AccountID, e.Role) }

// EntitlementFilter narrows a listing; empty members do not. With a Role there is its AccountID.
type EntitlementFilter struct {
	Principal       Principal
	AccountID, Role string
}

// EntitlementPlace is where a listing of entitlements stands: they are in the order of account, role and principal.
type EntitlementPlace struct {
	AccountID, Role string
	Principal       Principal
}

// HeldRole is an existing role to which somebody is entitled, with the unique id that was meant.
type HeldRole struct{ AccountID, Role, RoleID string }

// ManagerStore keeps account access managers and their entitlements.
type ManagerStore interface {
	// InsertManager refuses a second one of an instance: fault.Conflict "exists".
	InsertManager(ctx context.Context, m Manager, e audit.Event) error
	// UpdateManager replaces the one whose Version is ifVersion; else fault.Conflict "version".
	UpdateManager(ctx context.Context, m Manager, ifVersion int64, e audit.Event) error
	// DeleteManager removes it with its entitlements.
	DeleteManager(ctx context.Context, id string, e audit.Event) error
	Manager(ctx context.Context, id string) (Manager, error)
	ManagerOf(ctx context.Context, instanceID string) (Manager, error)
	// Managers lists by id; an empty accountID does not narrow.
	Managers(ctx context.Context, accountID, after string, limit int) ([]Manager, error)

	// InsertEntitlement adds an entitlement and answers it. If there is one of the same principal and role, that is the answer; its RoleID is
	// then replaced if it differs, and nothing written (no event either) if it does not. Of groups a role takes at most maxGroups,
	// else fault.Quota.
	InsertEntitlement(ctx context.Context, en RoleEntitlement, maxGroups int, e audit.Event) (RoleEntitlement, error)
	DeleteEntitlement(ctx context.Context, managerID, id string, e audit.Event) error
	Entitlement(ctx context.Context, managerID, id string) (RoleEntitlement, error)
	Entitlements(ctx context.Context, managerID string, f EntitlementFilter, after EntitlementPlace, limit int) ([]RoleEntitlement, error)
	// HeldRoles returns the roles to which any of the principals is entitled, once each, in the order of their three members, after the given one.
	// At most 10,000 principals.
	HeldRoles(ctx context.Context, managerID string, ps []Principal, after HeldRole, limit int) ([]HeldRole, error)
}

// OwnRole is a role that an account made itself.
type OwnRole struct {
	// Name is the resource part of its ARN, "role/path/Name"; ID its unique id (AROA…).
	Name, ID    string
	Description string
	// Longest is how long its sessions may last, and do.
	Longest time.Duration
}

// Roles is what access asks of the accounts about roles that they made themselves.
type Roles interface {
	// OwnRole returns the role of that very name. fault.NotFound if there is none, fault.Invalid if it is a role that a service keeps: one of
	// Identity Center's, say.
	OwnRole(ctx context.Context, accountID, name string) (OwnRole, error)
}

// Entitle lets a principal act as an existing role. Repeating an entitlement answers the one there is, and binds it to the role that
// bears the ARN now. Whether the role lets people in is its trust policy's to say, when they come.
//
// Faults: NotFound for a manager, principal, account or role that is not there; Invalid for what is no role's ARN and for a reserved role; Conflict for
// a suspended account; Denied for a delegated administrator and a role of the management account; Quota for too many groups.
func (s *Service) Entitle(ctx context.Context, a audit.Actor, n arn.Manager, p Principal, roleARN string) (RoleEntitlement, error) {
	m, err := s.Manager(ctx, n)
	if err != nil {
		return RoleEntitlement{}, err
	}
	account, role, err := arn.ParseRole(roleARN)
	if err != nil {
		return RoleEntitlement{}, err
	}
	if err := s.spared(a, m, account, "CreateEntitlement"); err != nil {
		return RoleEntitlement{}, err
	}
	if err := s.checkPrincipal(ctx, p); err != nil {
		return RoleEntitlement{}, err
	}
	own, err := s.entitleable(ctx, account, role)
	if err != nil {
		return RoleEntitlement{}, err
	}
	en := RoleEntitlement{ID: arn.NewEntitlementID(s.rand), ManagerID: m.ID, Principal: p, AccountID: account, Role: role, RoleID: own.ID, CreatedAt: s.now()}
	return s.store.InsertEntitlement(ctx, en, s.quotas.GroupsPerExistingRole, entitlementEvent(ctx, a, "CreateEntitlement", m, en))
}

// spared refuses a delegated administrator what would let him into the management account.
func (s *Service) spared(a audit.Actor, m Manager, account, operation string) error {
	if foreign(a, m.AccountID) && account == m.AccountID {
		return fault.New(fault.Denied, "%s is not authorized to perform account-access:%s: a delegated administrator has no say in access to the management account", a.ID, operation)
	}
	return nil
}

// entitleable returns a role to which somebody may be entitled.
func (s *Service) entitleable(ctx context.Context, account, role string) (OwnRole, error) {
	acct, err := s.accounts.Account(ctx, account)
	if err != nil {
		return OwnRole{}, err
	}
	if acct.Status != organization.Active {
		return OwnRole{}, fault.New(fault.Conflict, "account %s is %s; only roles of an active account can be entitled to", acct.ID, acct.Status).About(organization.ResourceAccount, acct.ID)
	}
	own, err := s.roles.OwnRole(ctx, account, role)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no role %s", arn.IAM(account, role)).About(ResourceRole, role).At("roleArn").Because(err)
	}
	return own, err
}

func entitlementEvent(ctx context.Context, a audit.Actor, operation string, m Manager, en RoleEntitlement) audit.Event {
	e := audit.New(ctx, en.CreatedAt, a, "account-access:"+operation, m.Name().String())
	return e.With("account", en.AccountID).With("role", en.RoleARN()).With("roleId", en.RoleID).With("principalType", string(en.Principal.Type)).With("principal", en.Principal.ID)
}

// Disentitle ends an entitlement, with the answer. One that is gone is success.
func (s *Service) Disentitle(ctx context.Context, a audit.Actor, n arn.Manager, id string) error {
	m, err := s.Manager(ctx, n)
	if err != nil {
		return err
	}
	en, err := s.store.Entitlement(ctx, m.ID, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.spared(a, m, en.AccountID, "DeleteEntitlement"); err != nil {
		return err
	}
	en.CreatedAt = s.now()
	err = s.store.DeleteEntitlement(ctx, m.ID, id, entitlementEvent(ctx, a, "DeleteEntitlement", m, en))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// RoleEntitlement returns one entitlement of a manager.
func (s *Service) RoleEntitlement(ctx context.Context, n arn.Manager, id string) (RoleEntitlement, error) {
	m, err := s.Manager(ctx, n)
	if err != nil {
		return RoleEntitlement{}, err
	}
	en, err := s.store.Entitlement(ctx, m.ID, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "Entitlement not found: %s", id).About(ResourceEntitlement, id)
	}
	return en, err
}

// RoleEntitlements lists a manager's entitlements by account, role and principal.
func (s *Service) RoleEntitlements(ctx context.Context, n arn.Manager, f EntitlementFilter, after EntitlementPlace, limit int) ([]RoleEntitlement, error) {
	m, err := s.Manager(ctx, n)
	if err != nil {
		return nil, err
	}
	return s.store.Entitlements(ctx, m.ID, f, after, limit)
}
