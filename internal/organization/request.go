package organization

import (
	"context"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// States of a request for an account.
const (
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
)

// AccountRequest is what became of a request for an account. It is decided when it is made; clients may look for as long as they
// like.
type AccountRequest struct {
	// ID is "car-" and 32 hexadecimal digits.
	ID string
	// Name is the account's name, AccountID its id when it was made.
	Name, AccountID string
	State           string
	// FailureReason is AWS's word, EMAIL_ALREADY_EXISTS.
	FailureReason string
	RequestedAt   time.Time
	CompletedAt   time.Time
}

// RequestAccount makes an account as [Service.CreateAccount] does, and a record of it. A taken e-mail address fails the
// request, not the call: so it is with AWS, where the address is looked at later.
func (s *Service) RequestAccount(ctx context.Context, a audit.Actor, name, email string, tags map[string]string) (AccountRequest, error) {
	now := s.now()
	r := AccountRequest{ID: "car-" + arn.Hex(s.rand, 32), Name: name, State: Succeeded, RequestedAt: now, CompletedAt: now}
	acct, err := s.prepare(ctx, a, Account{Name: name, Email: email, Tags: tags})
	if err != nil {
		return AccountRequest{}, err
	}
	r.AccountID = acct.ID
	e := audit.New(ctx, now, a, "organizations:CreateAccount", acct.ID).With("name", name)
	err = s.store.InsertRequest(ctx, r, &acct, e)
	if f := fault.Of(err); f != nil && f.Kind == fault.Conflict && f.Reason == "duplicate" {
		r.State, r.AccountID, r.FailureReason = Failed, "", "EMAIL_ALREADY_EXISTS"
		e = audit.New(ctx, now, a, "organizations:CreateAccount", "").With("name", name)
		e.Outcome = fault.Conflict.String()
		err = s.store.InsertRequest(ctx, r, nil, e)
	}
	return r, err
}

// Request returns a request. Accounts that were made by other ways than a request can be asked for as "car-" and their id.
func (s *Service) Request(ctx context.Context, id string) (AccountRequest, error) {
	return s.store.Request(ctx, id)
}

// Requests lists requests by id.
func (s *Service) Requests(ctx context.Context, after string, limit int) ([]AccountRequest, error) {
	return s.store.Requests(ctx, after, limit)
}

// CloseAccount closes a member account: it stays in the list as SUSPENDED, and its principals may do nothing from now on.
func (s *Service) CloseAccount(ctx context.Context, a audit.Actor, id string) error {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return err
	}
	if id == o.ManagementAccountID {
		return fault.New(fault.Quota, "You cannot close the management account.").For("close-management")
	}
	acct, err := s.store.Account(ctx, id)
	if err != nil {
		return err
	}
	if acct.Status != Active {
		return fault.New(fault.Conflict, "The account %s is closed already.", id).For("closed").About(ResourceAccount, id)
	}
	delegate, err := s.IsDelegate(ctx, id, "")
	if err != nil {
		return err
	}
	if delegate {
		return fault.New(fault.Quota, "You cannot close an account that is a delegated administrator; deregister it first.").For("remove-delegate")
	}
	acct.Status = Suspended
	return s.store.UpdateAccount(ctx, acct, audit.New(ctx, s.now(), a, "organizations:CloseAccount", id))
}

// RemoveAccount always refuses: an account of this server has no life outside the organization.
func (s *Service) RemoveAccount(ctx context.Context, id string) error {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return err
	}
	if id == o.ManagementAccountID {
		return fault.New(fault.Conflict, "You can't remove the management account from the organization.").For("management")
	}
	if _, err := s.store.Account(ctx, id); err != nil {
		return err
	}
	return fault.New(fault.Quota, "An account of this server cannot leave the organization: it exists only here. It can be closed.").For("cannot-leave")
}

// RootTags returns the tags of the root.
func (s *Service) RootTags(ctx context.Context) (map[string]string, error) {
	return s.store.RootTags(ctx)
}

// TagRoot sets and removes tags of the root.
func (s *Service) TagRoot(ctx context.Context, a audit.Actor, rootID string, set map[string]string, remove []string) error {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return err
	}
	if o.RootID != rootID {
		return fault.New(fault.NotFound, "there is no root %q", rootID).About(ResourceParent, rootID)
	}
	have, err := s.store.RootTags(ctx)
	if err != nil {
		return err
	}
	tags, err := retag(have, set, remove)
	if err != nil {
		return err
	}
	return s.store.SetRootTags(ctx, tags, audit.New(ctx, s.now(), a, "organizations:TagResource", rootID))
}
