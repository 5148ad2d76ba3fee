package localiam

import (
	"context"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Role returns a role. NotFound with AWS's sentence.
func (s *Service) Role(ctx context.Context, accountID, name string) (Role, error) {
	r, err := s.cfg.Store.Role(ctx, accountID, name)
	if fault.Is(err, fault.NotFound) {
		return Role{}, fault.New(fault.NotFound, "The role with name %s cannot be found.", clip(name)).About("ROLE", name)
	}
	return r, err
}

// Page says which part of a list is wanted.
type Page struct {
	// PathPrefix narrows a list of things with paths; empty or "/" means all.
	PathPrefix string
	// After is the name of the last entry seen; empty means the beginning.
	After string
	// Limit is 1–1000; zero means 100.
	Limit int
}

func (p Page) limit() int {
	if p.Limit <= 0 {
		return 100
	}
	return min(p.Limit, 1000)
}

// Roles lists the roles of an account, by folded name.
func (s *Service) Roles(ctx context.Context, accountID string, p Page) ([]Role, error) {
	return s.cfg.Store.Roles(ctx, accountID, p.PathPrefix, p.After, p.limit())
}

// CreateRole creates a customer's role from its name, path, description, trust policy, maximum session duration (zero: an
// hour), boundary and tags. Policies are attached afterwards.
func (s *Service) CreateRole(ctx context.Context, a audit.Actor, r Role) (Role, error) {
	r.Protected = false
	if r.MaxSessionDuration == 0 {
		r.MaxSessionDuration = time.Hour
	}
	if err := s.fresh(&r.Identity, OfRole); err != nil {
		return Role{}, err
	}
	if strings.HasPrefix(r.Path, reservedPath) || strings.HasPrefix(r.Path, linkedPath) || strings.HasPrefix(Fold(r.Name), "awsreservedsso_") {
		return Role{}, invalid("Path", "The path %s and role names that begin with AWSReservedSSO_ are reserved for services.", reservedPath)
	}
	if err := r.check(s.cfg.Quotas.TrustPolicySize); err != nil {
		return Role{}, err
	}
	var err error
	if r.TrustedIDs, err = s.bind(ctx, r.TrustPolicy); err != nil {
		return Role{}, err
	}
	if r.BoundaryARN != "" {
		if err := s.attachable(ctx, r.AccountID, r.BoundaryARN); err != nil {
			return Role{}, err
		}
	}
	err = s.cfg.Store.SaveRole(ctx, r, s.event(ctx, a, "iam:CreateRole", r.ARN()))
	if isConflict(err, "exists") {
		return Role{}, fault.New(fault.Conflict, "Role with name %s already exists.", r.Name).For("exists").About("ROLE", r.Name)
	}
	r.Revision = 1
	return r, policyGone(err, r.BoundaryARN)
}

// RoleChange holds what UpdateRole changes; nil means leave.
type RoleChange struct {
	Description        *string
	MaxSessionDuration *time.Duration
}

// UpdateRole changes a customer's role.
func (s *Service) UpdateRole(ctx context.Context, a audit.Actor, ref Ref, c RoleChange) error {
	return retry(func() error {
		return s.changeRole(ctx, a, ref, "iam:UpdateRole", func(r *Role) (bool, error) {
			if c.Description != nil {
				r.Description = *c.Description
			}
			if c.MaxSessionDuration != nil {
				r.MaxSessionDuration = *c.MaxSessionDuration
			}
			return true, r.check(s.cfg.Quotas.TrustPolicySize)
		})
	})
}

// SetTrust replaces the trust policy of a customer's role.
func (s *Service) SetTrust(ctx context.Context, a audit.Actor, ref Ref, document string) error {
	if err := checkDocument(document, policy.ForTrust, s.cfg.Quotas.TrustPolicySize, "ACLSizePerRole"); err != nil {
		return err
	}
	ids, err := s.bind(ctx, document)
	if err != nil {
		return err
	}
	return retry(func() error {
		return s.changeRole(ctx, a, ref, "iam:UpdateAssumeRolePolicy", func(r *Role) (bool, error) {
			r.TrustPolicy, r.TrustedIDs = document, ids
			return true, nil
		})
	})
}

// DeleteRole deletes a customer's role that has no policies left. Sessions of it end at once.
func (s *Service) DeleteRole(ctx context.Context, a audit.Actor, accountID, name string) error {
	return retry(func() error {
		r, err := s.Role(ctx, accountID, name)
		if err != nil {
			return err
		}
		if r.Protected {
			return errUnmodifiable(r.Name)
		}
		if err := r.removable(); err != nil {
			return err
		}
		err = s.cfg.Store.DeleteRole(ctx, accountID, r.Name, r.Revision, s.event(ctx, a, "iam:DeleteRole", r.ARN()))
		if isConflict(err, "profiles") {
			return fault.New(fault.Conflict, "Cannot delete entity, must remove roles from instance profile first.").For("in-use")
		}
		return err
	})
}

// removable refuses to delete what still has policies, as IAM does.
func (id *Identity) removable() error {
	switch {
	case len(id.Attached) > 0:
		return fault.New(fault.Conflict, "Cannot delete entity, must detach all policies first.").For("in-use")
	case len(id.Inline) > 0:
		return fault.New(fault.Conflict, "Cannot delete entity, must delete policies first.").For("in-use")
	}
	return nil
}

// RevokeRoleSessions ends all sessions of a role that exist now.
func (s *Service) RevokeRoleSessions(ctx context.Context, a audit.Actor, accountID, name string) error {
	r, err := s.Role(ctx, accountID, name)
	if err != nil {
		return err
	}
	return s.cfg.Store.Revoke(ctx, []Revocation{{Subject: r.ID, Before: s.now()}}, []audit.Event{s.event(ctx, a, "iam:RevokeSessions", r.ARN())})
}

// RevokePersonSessions ends all sessions that a person of the identity store has now, in every account.
func (s *Service) RevokePersonSessions(ctx context.Context, a audit.Actor, personID string) error {
	return s.RevokePeopleSessions(ctx, a, []string{personID})
}

// RevokePeopleSessions does the same for several people, each of whom is named once, in one transaction.
func (s *Service) RevokePeopleSessions(ctx context.Context, a audit.Actor, personIDs []string) error {
	rs, es := make([]Revocation, len(personIDs)), make([]audit.Event, len(personIDs))
	for i, id := range personIDs {
		rs[i], es[i] = Revocation{Subject: PersonSubject(id), Before: s.now()}, s.event(ctx, a, "sso:RevokeSessions", id)
	}
	return s.cfg.Store.Revoke(ctx, rs, es)
}

// PersonRevoked returns the time of the latest [Service.RevokePersonSessions]; zero for none.
func (s *Service) PersonRevoked(ctx context.Context, personID string) (time.Time, error) {
	return s.cfg.Store.RevokedBefore(ctx, PersonSubject(personID))
}
