package access

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// Resource names used in faults.
const (
	ResourceInstance   = "INSTANCE"
	ResourceSet        = "PERMISSION_SET"
	ResourceAssignment = "ASSIGNMENT"
	ResourceRequest    = "REQUEST"
	ResourceRole       = "ROLE"
	ResourcePolicy     = "POLICY"
	ResourceBoundary   = "PERMISSIONS_BOUNDARY"
	// ResourceManager is an account access manager, ResourceEntitlement one of its entitlements.
	ResourceManager     = "ACCOUNT_ACCESS_MANAGER"
	ResourceEntitlement = "ENTITLEMENT"
)

// People is what access asks of the identity store.
type People interface {
	User(ctx context.Context, id string) (directory.User, error)
	Group(ctx context.Context, id string) (directory.Group, error)
	// GroupIDsOf returns all groups of a user, those that she is in by way of others too; MembershipsOf those of which she is a direct member.
	GroupIDsOf(ctx context.Context, userID string) ([]string, error)
	MembershipsOf(ctx context.Context, userID, afterGroupID string, limit int) ([]directory.Membership, error)
	// NestedIn lists the groups that are direct members of a group, NestedUnder those of which it is one.
	NestedIn(ctx context.Context, groupID, after string, limit int) ([]directory.NestedGroup, error)
	NestedUnder(ctx context.Context, memberID, after string, limit int) ([]directory.NestedGroup, error)
	UsersByID(ctx context.Context, ids []string) ([]directory.User, error)
	MembersOf(ctx context.Context, groupID, afterUserID string, limit int) ([]directory.Membership, error)
}

// Accounts is what access asks of the organization.
type Accounts interface {
	Account(ctx context.Context, id string) (organization.Account, error)
	AccountsByID(ctx context.Context, ids []string) ([]organization.Account, error)
	// ServiceEnabled reports whether the organization trusts a service.
	ServiceEnabled(ctx context.Context, service string) (bool, error)
}

// Policies is what access asks of the policy language.
type Policies interface {
	// CheckPolicy refuses a document that is not a policy for permissions, with fault.Invalid.
	CheckPolicy(document string) error
	// HasManagedPolicy reports whether an AWS managed policy with the ARN is known.
	HasManagedPolicy(arn string) bool
}

// Service holds the rules of who may act as what.
type Service struct {
	store        Store
	people       People
	accounts     Accounts
	policies     Policies
	roles        Roles
	applications Applications
	now          func() time.Time
	rand         io.Reader
	wake         func()
	quotas       Quotas
}

// Config is what a Service is made of; every field but Quotas is required.
type Config struct {
	Store    Store
	People   People
	Accounts Accounts
	Policies Policies
	// Roles and Applications are what account access needs of accounts and of applications.
	Roles        Roles
	Applications Applications
	Now          func() time.Time
	Rand         io.Reader
	// Wake tells the provisioning worker that there is work. It must not block.
	Wake func()
	// Quotas are AWS's figures where they are zero.
	Quotas Quotas
}

// NewService returns a Service.
func NewService(c Config) *Service {
	q, d := c.Quotas, DefaultQuotas()
	q = Quotas{
		cmp.Or(q.Sets, d.Sets), cmp.Or(q.Regions, d.Regions), cmp.Or(q.Policies, d.Policies), cmp.Or(q.Tags, d.Tags),
		cmp.Or(q.SetsPerAccount, d.SetsPerAccount), cmp.Or(q.GroupsPerRole, d.GroupsPerRole),
		cmp.Or(q.GroupsPerExistingRole, d.GroupsPerExistingRole),
	}
	return &Service{store: c.Store, people: c.People, accounts: c.Accounts, policies: c.Policies, roles: c.Roles, applications: c.Applications, now: c.Now, rand: c.Rand, wake: c.Wake, quotas: q}
}

// CreateInstance makes the organization instance.
func (s *Service) CreateInstance(ctx context.Context, a audit.Actor, i Instance) (Instance, error) {
	i.ID, i.CreatedAt = arn.NewInstanceID(s.rand), s.now()
	return i, s.store.InsertInstance(ctx, i, audit.New(ctx, i.CreatedAt, a, "sso:CreateInstance", arn.Instance(i.ID)))
}

// Instance returns one instance.
func (s *Service) Instance(ctx context.Context, id string) (Instance, error) {
	return s.store.Instance(ctx, id)
}

// Instances lists all instances; there are few.
func (s *Service) Instances(ctx context.Context) ([]Instance, error) { return s.store.Instances(ctx) }

// Assign gives a principal a permission set in an account. It answers at once with a request IN_PROGRESS; the role
// follows. Repeating an assignment that exists succeeds.
//
// Faults: NotFound for a principal, set or account that is not there; Conflict for a suspended account; Quota for too many sets in the
// account or groups with the role. Quotas are looked at before the transaction, so assignments made at the same moment may exceed
// them by as many.
func (s *Service) Assign(ctx context.Context, a audit.Actor, k RoleKey, p Principal) (Request, error) {
	set, err := s.store.Set(ctx, k.PermissionSetID)
	if err != nil {
		return Request{}, err
	}
	return s.AssignSet(ctx, a, set, k.AccountID, p)
}

// AssignSet is Assign for who has read the set.
func (s *Service) AssignSet(ctx context.Context, a audit.Actor, set PermissionSet, accountID string, p Principal) (Request, error) {
	k := RoleKey{AccountID: accountID, PermissionSetID: set.ID}
	if err := s.checkAccount(ctx, accountID); err != nil {
		return Request{}, err
	}
	if err := s.checkPrincipal(ctx, p); err != nil {
		return Request{}, err
	}
	if err := s.checkRoom(ctx, k, p); err != nil {
		return Request{}, err
	}
	now := s.now()
	r := Request{ID: arn.TimeUUID(s.rand, now), Kind: CreateAssignment, RoleKey: k, Principal: p, Status: InProgress, CreatedAssignment: true, CreatedAt: now}
	e := assignmentEvent(audit.New(ctx, now, a, "sso:CreateAccountAssignment", arn.PermissionSet(set.InstanceID, set.ID)), k, p)
	if err := s.store.Assign(ctx, Assignment{RoleKey: k, Principal: p, CreatedAt: now}, r, e); err != nil {
		return Request{}, err
	}
	s.wake()
	return r, nil
}

// Unassign ends an assignment. The access is gone with the answer; the role goes with its last assignment.
func (s *Service) Unassign(ctx context.Context, a audit.Actor, k RoleKey, p Principal) (Request, error) {
	set, err := s.store.Set(ctx, k.PermissionSetID)
	if err != nil {
		return Request{}, err
	}
	now := s.now()
	r := Request{ID: arn.TimeUUID(s.rand, now), Kind: DeleteAssignment, RoleKey: k, Principal: p, Status: InProgress, CreatedAt: now}
	e := assignmentEvent(audit.New(ctx, now, a, "sso:DeleteAccountAssignment", arn.PermissionSet(set.InstanceID, set.ID)), k, p)
	if err := s.store.Unassign(ctx, Assignment{RoleKey: k, Principal: p}, r, e); err != nil {
		return Request{}, err
	}
	s.wake()
	return r, nil
}

// checkRoom refuses an assignment for which the quotas leave no room. One that is there already needs none.
func (s *Service) checkRoom(ctx context.Context, k RoleKey, p Principal) error {
	if p.Type == Group {
		// Groups sort before users.
		as, err := s.store.AssignmentsOfRole(ctx, k, Principal{Type: Group}, s.quotas.GroupsPerRole)
		if err != nil {
			return err
		}
		full := len(as) == s.quotas.GroupsPerRole && as[len(as)-1].Principal.Type == Group
		if full && !slices.ContainsFunc(as, func(a Assignment) bool { return a.Principal == p }) {
			return fault.New(fault.Quota, "You have exceeded the limit of %d groups assigned to a permission set in an account", s.quotas.GroupsPerRole)
		}
	}
	_, err := s.store.Role(ctx, k)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return err
	}
	roles, err := s.store.RolesOfAccount(ctx, k.AccountID, "", s.quotas.SetsPerAccount)
	if err == nil && len(roles) == s.quotas.SetsPerAccount {
		err = fault.New(fault.Quota, "You have exceeded the limit of %d permission sets provisioned in an account", s.quotas.SetsPerAccount)
	}
	return err
}

func assignmentEvent(e audit.Event, k RoleKey, p Principal) audit.Event {
	e.Detail = map[string]string{"account": k.AccountID, "principalType": string(p.Type), "principal": p.ID}
	return e
}

func (s *Service) checkAccount(ctx context.Context, id string) error {
	acct, err := s.accounts.Account(ctx, id)
	if err != nil {
		return err
	}
	if acct.Status != organization.Active {
		return fault.New(fault.Conflict, "account %s is %s; only an active account takes assignments", acct.ID, acct.Status).About(organization.ResourceAccount, acct.ID)
	}
	return nil
}

func (s *Service) checkPrincipal(ctx context.Context, p Principal) error {
	var err error
	switch p.Type {
	case User:
		_, err = s.people.User(ctx, p.ID)
	case Group:
		_, err = s.people.Group(ctx, p.ID)
	default:
		return fault.New(fault.Invalid, "PrincipalType is USER or GROUP, not %q", p.Type).At("PrincipalType")
	}
	return err
}

// Provision brings a set's roles to the set's present revision: in one account, which must have the role, or,
// with an empty accountID, in all accounts that have it.
func (s *Service) Provision(ctx context.Context, a audit.Actor, k RoleKey) (Request, error) {
	set, err := s.store.Set(ctx, k.PermissionSetID)
	if err != nil {
		return Request{}, err
	}
	if k.AccountID != "" {
		if err := s.checkAccount(ctx, k.AccountID); err != nil {
			return Request{}, err
		}
		if _, err := s.store.Role(ctx, k); err != nil {
			return Request{}, err
		}
	}
	now := s.now()
	r := Request{ID: arn.TimeUUID(s.rand, now), Kind: Provision, RoleKey: k, Status: InProgress, CreatedAt: now}
	e := audit.New(ctx, now, a, "sso:ProvisionPermissionSet", arn.PermissionSet(set.InstanceID, set.ID)).With("account", k.AccountID)
	if err := s.store.StartProvision(ctx, r, func() string { return arn.TimeUUID(s.rand, now) }, e); err != nil {
		return Request{}, err
	}
	s.wake()
	return s.store.Request(ctx, r.ID)
}

// Request returns a request of the given kind; one of another kind is not found.
func (s *Service) Request(ctx context.Context, kind RequestKind, id string) (Request, error) {
	r, err := s.store.Request(ctx, id)
	if err == nil && (r.Kind != kind || r.ParentID != "") {
		err = fault.New(fault.NotFound, "there is no request %s of this kind", id).About(ResourceRequest, id)
	}
	return r, err
}

// Requests lists requests of a kind newest first; status empty means any.
func (s *Service) Requests(ctx context.Context, kind RequestKind, status Status, after RequestCursor, limit int) ([]Request, error) {
	return s.store.Requests(ctx, kind, status, after, limit)
}

// AssignmentsOfRole lists the assignments of one role by principal.
func (s *Service) AssignmentsOfRole(ctx context.Context, k RoleKey, after Principal, limit int) ([]Assignment, error) {
	return s.store.AssignmentsOfRole(ctx, k, after, limit)
}

// AssignmentsOfPrincipal lists the assignments made to exactly this principal, by (account, set).
func (s *Service) AssignmentsOfPrincipal(ctx context.Context, p Principal, after RoleKey, limit int) ([]Assignment, error) {
	if err := s.checkPrincipal(ctx, p); err != nil {
		return nil, err
	}
	return s.store.AssignmentsOfPrincipal(ctx, p, after, limit)
}

// Role returns the provisioned role of an account and set.
func (s *Service) Role(ctx context.Context, k RoleKey) (ProvisionedRole, error) {
	return s.store.Role(ctx, k)
}

// RolesOfSet lists a set's provisioned roles by account.
func (s *Service) RolesOfSet(ctx context.Context, setID, afterAccountID string, limit int) ([]ProvisionedRole, error) {
	return s.store.RolesOfSet(ctx, setID, afterAccountID, limit)
}

// RolesOfAccount lists an account's provisioned roles by set.
func (s *Service) RolesOfAccount(ctx context.Context, accountID, afterSetID string, limit int) ([]ProvisionedRole, error) {
	return s.store.RolesOfAccount(ctx, accountID, afterSetID, limit)
}

// HasAccount is a NotFound fault when the organization has no such account, whatever its status.
func (s *Service) HasAccount(ctx context.Context, accountID string) error {
	_, err := s.accounts.Account(ctx, accountID)
	return err
}
