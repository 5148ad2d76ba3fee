package access

import (
	"context"
	"maps"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Manager is an account access manager, which AWS's API calls an application: what gives people of an instance access to roles that
// accounts made themselves. An instance has one at most.
type Manager struct {
	// ID is "aam-…"; its ARN is Name().String().
	ID, InstanceID string
	// AccountID is the account that owns the instance, Region the instance's: the ARN bears them.
	AccountID, Region string
	// TenantID is "aa-…", the first label of the host name under which AWS has the account access portal.
	TenantID string
	// ApplicationID is "apl-…": the application of Identity Center through which people come.
	ApplicationID string
	Tags          map[string]string
	// Version grows with each change; it guards read-modify-write.
	Version              int64
	CreatedAt, UpdatedAt time.Time
}

// Name is what its ARN says.
func (m Manager) Name() arn.Manager {
	return arn.Manager{Region: m.Region, AccountID: m.AccountID, ID: m.ID}
}

// Application names the application of Identity Center.
func (m Manager) Application() arn.InInstance {
	return arn.InInstance{AccountID: m.AccountID, InstanceID: m.InstanceID, ID: m.ApplicationID}
}

// Applications is what access asks of package application, for account access.
type Applications interface {
	// Open makes the application be there, enabled and open to everybody, if there is none of the name.
	Open(ctx context.Context, by audit.Actor, n arn.InInstance) error
	// Close removes it; one that is gone is success.
	Close(ctx context.Context, by audit.Actor, n arn.InInstance) error
	// There reports whether there is one of the name.
	There(ctx context.Context, n arn.InInstance) (bool, error)
	// Admits reports whether the person may use it now.
	Admits(ctx context.Context, n arn.InInstance, userID string) (bool, error)
}

// CreateManager makes the instance's account access manager with its application. Repeating it with the same tags answers the one there
// is, and makes its application again if that is gone. If only the application could not be made, the manager comes with the error.
//
// Faults: NotFound for an instance that is not there; Denied for an account that does not own it, and while the organization does not trust
// [arn.AccountAccess]; Conflict "already-created" if the one there is has other tags.
func (s *Service) CreateManager(ctx context.Context, a audit.Actor, instanceID string, tags map[string]string) (Manager, error) {
	i, err := s.store.Instance(ctx, instanceID)
	if err != nil {
		return Manager{}, err
	}
	if err := s.mayCreateManager(ctx, a, i, tags); err != nil {
		return Manager{}, err
	}
	m, err := s.store.ManagerOf(ctx, instanceID)
	if fault.Is(err, fault.NotFound) {
		m, err = s.insertManager(ctx, a, i, tags)
	}
	if err != nil {
		return Manager{}, err
	}
	if !maps.Equal(m.Tags, tags) {
		return Manager{}, fault.New(fault.Conflict, "The instance has an account access manager already, with other tags: %s", m.Name()).For("already-created").About(ResourceManager, m.ID)
	}
	return m, s.applications.Open(ctx, a, m.Application())
}

func (s *Service) mayCreateManager(ctx context.Context, a audit.Actor, i Instance, tags map[string]string) error {
	if foreign(a, i.OwnerAccountID) {
		return fault.New(fault.Denied, "%s is not authorized to perform account-access:CreateApplication: only the account that owns the instance may", a.ID)
	}
	if err := s.checkTags(tags); err != nil {
		return err
	}
	trusted, err := s.accounts.ServiceEnabled(ctx, arn.AccountAccess)
	if err == nil && !trusted {
		err = fault.New(fault.Denied, "The organization does not trust %s. Run: aws organizations enable-aws-service-access --service-principal %s", arn.AccountAccess, arn.AccountAccess)
	}
	return err
}

// foreign reports whether the actor is of another account. Administrators of the server and the server itself are of none.
func foreign(a audit.Actor, owner string) bool { return a.AccountID != "" && a.AccountID != owner }

func (s *Service) insertManager(ctx context.Context, a audit.Actor, i Instance, tags map[string]string) (Manager, error) {
	now := s.now()
	m := Manager{
		ID: arn.NewManagerID(s.rand), InstanceID: i.ID, AccountID: i.OwnerAccountID, Region: i.Region, TenantID: arn.NewTenantID(s.rand),
		ApplicationID: arn.NewApplicationID(s.rand), Tags: tags, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	err := s.store.InsertManager(ctx, m, audit.New(ctx, now, a, "account-access:CreateApplication", m.Name().String()))
	if f := fault.Of(err); f != nil && f.Reason == "exists" { // somebody was faster
		return s.store.ManagerOf(ctx, i.ID)
	}
	return m, err
}

// Manager returns the account access manager that a name names in full.
func (s *Service) Manager(ctx context.Context, n arn.Manager) (Manager, error) {
	m, err := s.store.Manager(ctx, n.ID)
	if err == nil && m.Name() != n || fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no account access manager %s", n).About(ResourceManager, n.ID)
	}
	return m, err
}

// ManagerState says whether a manager works: its application is there.
func (s *Service) ManagerState(ctx context.Context, m Manager) (works bool, err error) {
	return s.applications.There(ctx, m.Application())
}

// Managers lists an account's account access managers by id.
func (s *Service) Managers(ctx context.Context, accountID, after string, limit int) ([]Manager, error) {
	return s.store.Managers(ctx, accountID, after, limit)
}

// DeleteManager removes a manager with all its entitlements and its application. One that is gone is success. The application goes first:
// nobody comes through any more, whatever happens next.
func (s *Service) DeleteManager(ctx context.Context, a audit.Actor, n arn.Manager) error {
	m, err := s.Manager(ctx, n)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if foreign(a, m.AccountID) {
		return fault.New(fault.Denied, "%s is not authorized to perform account-access:DeleteApplication: only the account that owns the instance may", a.ID)
	}
	if err := s.applications.Close(ctx, a, m.Application()); err != nil {
		return err
	}
	err = s.store.DeleteManager(ctx, m.ID, audit.New(ctx, s.now(), a, "account-access:DeleteApplication", n.String()))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// TagManager sets and removes tags.
func (s *Service) TagManager(ctx context.Context, a audit.Actor, n arn.Manager, set map[string]string, remove []string) error {
	op := "TagResource"
	if len(remove) > 0 {
		op = "UntagResource"
	}
	for try := 0; ; try++ {
		err := s.tagManagerOnce(ctx, a, n, "account-access:"+op, set, remove)
		if err != nil && try < 8 && fault.Of(err).Reason == "version" {
			continue
		}
		return err
	}
}

func (s *Service) tagManagerOnce(ctx context.Context, a audit.Actor, n arn.Manager, action string, set map[string]string, remove []string) error {
	m, err := s.Manager(ctx, n)
	if err != nil {
		return err
	}
	tags := map[string]string{}
	maps.Copy(tags, m.Tags)
	maps.Copy(tags, set)
	for _, k := range remove {
		delete(tags, k)
	}
	if err := s.checkTags(tags); err != nil {
		return err
	}
	had := m.Version
	m.Tags, m.UpdatedAt, m.Version = tags, s.now(), had+1
	return s.store.UpdateManager(ctx, m, had, audit.New(ctx, m.UpdatedAt, a, action, n.String()))
}
