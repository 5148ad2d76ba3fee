package organization

import (
	"context"
	"regexp"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// IdentityCenter is the service principal of IAM Identity Center. An account registered for it may administer the instance
// and its identity store as the management account does, but for what is provisioned in the management account.
const IdentityCenter = "sso.amazonaws.com"

// IAM is the service principal of IAM; with it the organization lets go its members' root credentials.
const IAM = "iam.amazonaws.com"

// TrustedService is a service that works with the organization.
type TrustedService struct {
	// Name is a service principal such as "sso.amazonaws.com".
	Name      string
	EnabledAt time.Time
}

// Delegate is an account that administers a service for the organization.
type Delegate struct {
	AccountID, Service string
	EnabledAt          time.Time
}

// DelegateFilter chooses registrations; empty members choose all.
type DelegateFilter struct {
	AccountID, Service string
	// AfterAccount and AfterService are the last registration seen.
	AfterAccount, AfterService string
	Limit                      int
}

// maxDelegates is how many accounts may administer one service; Identity Center takes one.
const maxDelegates = 5

var servicePrincipal = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,110}\.(amazonaws\.com|aws\.internal)$`)

func checkService(name string) error {
	if !servicePrincipal.MatchString(name) {
		return invalid("ServicePrincipal", "You specified an unrecognized service principal.").(*fault.Fault).For("service-principal")
	}
	return nil
}

// EnableService lets a service work with the organization. Enabling it again changes nothing.
func (s *Service) EnableService(ctx context.Context, a audit.Actor, name string) error {
	if err := checkService(name); err != nil {
		return err
	}
	now := s.now()
	err := s.store.EnableService(ctx, TrustedService{name, now}, audit.New(ctx, now, a, "organizations:EnableAWSServiceAccess", name))
	if f := fault.Of(err); f != nil && f.Kind == fault.Conflict && f.Reason == "enabled" {
		return nil
	}
	return err
}

// DisableService ends that; it is refused while an account administers the service. Disabling what is not enabled changes nothing.
func (s *Service) DisableService(ctx context.Context, a audit.Actor, name string) error {
	if err := checkService(name); err != nil {
		return err
	}
	registered, err := s.store.Delegates(ctx, DelegateFilter{Service: name, Limit: 1})
	if err != nil {
		return err
	}
	if len(registered) > 0 {
		return fault.New(fault.Quota, "You must first deregister all delegated administrators of %s.", name).For("delegate-exists")
	}
	err = s.store.DisableService(ctx, name, audit.New(ctx, s.now(), a, "organizations:DisableAWSServiceAccess", name))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// EnabledServices lists the services that work with the organization, by name.
func (s *Service) EnabledServices(ctx context.Context, after string, limit int) ([]TrustedService, error) {
	return s.store.EnabledServices(ctx, after, limit)
}

// ServiceEnabled reports whether a service works with the organization.
func (s *Service) ServiceEnabled(ctx context.Context, name string) (bool, error) {
	// Listed after its own beginning, the service comes among the first.
	for after := name[:max(len(name)-1, 0)]; ; {
		ts, err := s.store.EnabledServices(ctx, after, 10)
		if err != nil {
			return false, err
		}
		for _, t := range ts {
			if t.Name >= name {
				return t.Name == name, nil
			}
			after = t.Name
		}
		if len(ts) < 10 {
			return false, nil
		}
	}
}

// RegisterDelegate makes a member account administer a service. Identity Center has one such account at most, others five.
func (s *Service) RegisterDelegate(ctx context.Context, a audit.Actor, accountID, service string) error {
	if err := checkService(service); err != nil {
		return err
	}
	o, err := s.store.Organization(ctx)
	if err != nil {
		return err
	}
	if accountID == o.ManagementAccountID {
		return fault.New(fault.Quota, "You cannot register management account/yourself as delegated administrator for your organization.").For("delegate-management")
	}
	acct, err := s.store.Account(ctx, accountID)
	if err != nil {
		return err
	}
	if acct.Status != Active {
		return fault.New(fault.Quota, "You cannot register a suspended account as a delegated administrator.").For("delegate-suspended")
	}
	most := maxDelegates
	if service == IdentityCenter {
		most = 1
	}
	have, err := s.store.Delegates(ctx, DelegateFilter{Service: service, Limit: most})
	if err != nil {
		return err
	}
	for _, d := range have {
		if d.AccountID == accountID {
			return errRegistered(accountID)
		}
	}
	if len(have) >= most {
		return fault.New(fault.Quota, "You have exceeded the allowed number of delegated administrators for the delegated service.").For("delegates")
	}
	d := Delegate{accountID, service, s.now()}
	return s.store.InsertDelegate(ctx, d, audit.New(ctx, d.EnabledAt, a, "organizations:RegisterDelegatedAdministrator", accountID).With("service", service))
}

func errRegistered(accountID string) error {
	return fault.New(fault.Conflict, "The account %s is already a delegated administrator for the service.", accountID).For("registered").About(ResourceAccount, accountID)
}

// DeregisterDelegate ends that.
func (s *Service) DeregisterDelegate(ctx context.Context, a audit.Actor, accountID, service string) error {
	if err := checkService(service); err != nil {
		return err
	}
	if _, err := s.store.Account(ctx, accountID); err != nil {
		return err
	}
	return s.store.DeleteDelegate(ctx, Delegate{AccountID: accountID, Service: service},
		audit.New(ctx, s.now(), a, "organizations:DeregisterDelegatedAdministrator", accountID).With("service", service))
}

// Delegates lists registrations by account and service.
func (s *Service) Delegates(ctx context.Context, f DelegateFilter) ([]Delegate, error) {
	return s.store.Delegates(ctx, f)
}

// IsDelegate reports whether an account administers a service ("" for any service).
func (s *Service) IsDelegate(ctx context.Context, accountID, service string) (bool, error) {
	if accountID == "" {
		return false, nil
	}
	ds, err := s.store.Delegates(ctx, DelegateFilter{AccountID: accountID, Service: service, Limit: 1})
	return len(ds) > 0, err
}

// ErrNotDelegate is the fault for an account that administers no service.
func ErrNotDelegate(accountID string) error {
	return fault.New(fault.NotFound, "The specified account is not a delegated administrator for your organization.").For("not-registered").About(ResourceAccount, accountID)
}
