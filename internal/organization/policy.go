package organization

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// ServiceControl is the one type of policy there is: what the principals of an account may do at most.
const ServiceControl = "SERVICE_CONTROL_POLICY"

// Quotas of AWS Organizations for service control policies.
const (
	MaxAttached      = 5
	MaxPolicyContent = 5120
)

// Resource names used in faults.
const (
	ResourcePolicy = "POLICY"
	ResourceTarget = "TARGET"
)

// Policy is a service control policy.
type Policy struct {
	// ID is "p-…". Name is unique, 1–128 characters; Description has at most 512.
	ID, Name, Description string
	// Content is the document, exactly as it was given.
	Content   string
	Tags      map[string]string
	CreatedAt time.Time
	// AWSManaged is true of [FullAccess] alone.
	AWSManaged bool
}

// FullAccessID is the policy that AWS gives every root, unit and account when service control policies are turned on.
const FullAccessID = "p-FullAWSAccess"

// FullAccess returns that policy. It cannot be changed or deleted; it can be detached where another policy takes its place.
func FullAccess() Policy {
	return Policy{ID: FullAccessID, Name: "FullAWSAccess", Description: "Allows access to every operation", AWSManaged: true,
		Content: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}
}

// Attachment is a policy at a root, unit or account.
type Attachment struct{ PolicyID, TargetID string }

func errNoPolicy(id string) error {
	return fault.New(fault.NotFound, "We can't find a policy with the PolicyId %q that you specified.", id).About(ResourcePolicy, id)
}

// checkPolicy checks what a customer gives.
func (s *Service) checkPolicy(p Policy) error {
	if n := utf8.RuneCountInString(p.Name); n < 1 || n > 128 || !printable(p.Name) {
		return invalid("Name", "a policy's name has 1 to 128 printable characters")
	}
	if utf8.RuneCountInString(p.Description) > 512 {
		return invalid("Description", "a policy's description has at most 512 characters")
	}
	if utf8.RuneCountInString(p.Content) > MaxPolicyContent {
		return fault.New(fault.Quota, "The policy has more than %d characters.", MaxPolicyContent).For("content")
	}
	if err := s.check(p.Content); err != nil {
		return fault.Of(err).For("malformed-policy")
	}
	return checkTags(p.Tags)
}

// CreatePolicy adds a service control policy; it is attached nowhere.
func (s *Service) CreatePolicy(ctx context.Context, a audit.Actor, p Policy) (Policy, error) {
	p.ID, p.CreatedAt, p.AWSManaged = arn.NewPolicyID(s.rand), s.now(), false
	if err := s.checkPolicy(p); err != nil {
		return Policy{}, err
	}
	if p.Name == FullAccess().Name {
		return Policy{}, fault.New(fault.Conflict, "A policy with the specified name and type already exists.").For("duplicate-policy")
	}
	return p, s.store.InsertPolicy(ctx, p, audit.New(ctx, p.CreatedAt, a, "organizations:CreatePolicy", p.ID).With("name", p.Name))
}

// PolicyChange holds what UpdatePolicy changes; nil means leave.
type PolicyChange struct{ Name, Description, Content *string }

// UpdatePolicy changes a customer's policy. It holds for the next request on every node.
func (s *Service) UpdatePolicy(ctx context.Context, a audit.Actor, id string, c PolicyChange) (Policy, error) {
	p, err := s.own(ctx, id)
	if err != nil {
		return Policy{}, err
	}
	for to, from := range map[*string]*string{&p.Name: c.Name, &p.Description: c.Description, &p.Content: c.Content} {
		if from != nil {
			*to = *from
		}
	}
	if err := s.checkPolicy(p); err != nil {
		return Policy{}, err
	}
	return p, s.store.UpdatePolicy(ctx, p, audit.New(ctx, s.now(), a, "organizations:UpdatePolicy", id))
}

// own returns a customer's policy, refusing AWS's.
func (s *Service) own(ctx context.Context, id string) (Policy, error) {
	if id == FullAccessID {
		return Policy{}, invalid("PolicyId", "You can't change the policy %s: it is managed by AWS.", id).(*fault.Fault).For("immutable")
	}
	return s.Policy(ctx, id)
}

// DeletePolicy removes a policy that is attached nowhere.
func (s *Service) DeletePolicy(ctx context.Context, a audit.Actor, id string) error {
	if _, err := s.own(ctx, id); err != nil {
		return err
	}
	return s.store.DeletePolicy(ctx, id, audit.New(ctx, s.now(), a, "organizations:DeletePolicy", id))
}

// Policy returns one policy.
func (s *Service) Policy(ctx context.Context, id string) (Policy, error) {
	if id == FullAccessID {
		return FullAccess(), nil
	}
	p, err := s.store.Policy(ctx, id)
	if fault.Is(err, fault.NotFound) {
		err = errNoPolicy(id)
	}
	return p, err
}

// Policies lists all policies by id, [FullAccess] among them.
func (s *Service) Policies(ctx context.Context, after string, limit int) ([]Policy, error) {
	out, err := s.store.Policies(ctx, after, limit)
	if err != nil || after >= FullAccessID {
		return out, err
	}
	at, _ := slices.BinarySearchFunc(out, FullAccessID, func(p Policy, id string) int { return strings.Compare(p.ID, id) })
	if at < limit {
		out = slices.Insert(out, at, FullAccess())
	}
	return out[:min(len(out), limit)], nil
}

// AttachPolicy puts a policy on a root, unit or account.
func (s *Service) AttachPolicy(ctx context.Context, a audit.Actor, at Attachment) error {
	if _, err := s.Policy(ctx, at.PolicyID); err != nil {
		return err
	}
	if _, err := s.chain(ctx, at.TargetID); err != nil {
		return err
	}
	return s.store.Attach(ctx, at, MaxAttached, audit.New(ctx, s.now(), a, "organizations:AttachPolicy", at.PolicyID).With("target", at.TargetID))
}

// DetachPolicy takes a policy away; at least one stays on every root, unit and account.
func (s *Service) DetachPolicy(ctx context.Context, a audit.Actor, at Attachment) error {
	if _, err := s.Policy(ctx, at.PolicyID); err != nil {
		return err
	}
	if _, err := s.chain(ctx, at.TargetID); err != nil {
		return err
	}
	return s.store.Detach(ctx, at, audit.New(ctx, s.now(), a, "organizations:DetachPolicy", at.PolicyID).With("target", at.TargetID))
}

// PoliciesOf returns the policies attached to a target itself, by id.
func (s *Service) PoliciesOf(ctx context.Context, targetID string) ([]Policy, error) {
	if _, err := s.chain(ctx, targetID); err != nil {
		return nil, err
	}
	levels, err := s.policiesAt(ctx, []string{targetID})
	if err != nil {
		return nil, err
	}
	return levels[0], nil
}

// TargetsOf lists the ids of what a policy is attached to.
func (s *Service) TargetsOf(ctx context.Context, policyID, after string, limit int) ([]string, error) {
	if _, err := s.Policy(ctx, policyID); err != nil {
		return nil, err
	}
	return s.store.TargetsOf(ctx, policyID, after, limit)
}

// TagPolicy sets and removes tags of a customer's policy.
func (s *Service) TagPolicy(ctx context.Context, a audit.Actor, id string, set map[string]string, remove []string) error {
	p, err := s.own(ctx, id)
	if err != nil {
		return err
	}
	if p.Tags, err = retag(p.Tags, set, remove); err != nil {
		return err
	}
	return s.store.UpdatePolicy(ctx, p, audit.New(ctx, s.now(), a, "organizations:TagResource", id))
}

// ControlOn reports whether service control policies are on.
func (s *Service) ControlOn(ctx context.Context) (bool, error) { return s.store.ControlOn(ctx) }

// SwitchControl turns service control policies on or off for the organization's root. Turning them off forgets every attachment;
// turning them on begins with [FullAccess] everywhere.
func (s *Service) SwitchControl(ctx context.Context, a audit.Actor, rootID string, on bool) error {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return err
	}
	if o.RootID != rootID {
		return fault.New(fault.NotFound, "there is no root %q", rootID).About(ResourceParent, rootID).For("root")
	}
	action := "organizations:DisablePolicyType"
	if on {
		action = "organizations:EnablePolicyType"
	}
	return s.store.SwitchControl(ctx, on, audit.New(ctx, s.now(), a, action, rootID))
}

// Standing is what the organization means for the principals of an account.
type Standing struct {
	Organization Organization
	// Closed accounts have principals that may do nothing any more.
	Closed bool
	// Control holds the policies of each level, from the root to the account; empty where none apply: when they are off,
	// and for the management account always.
	Control [][]Policy
	// Path is o-…/r-…/ou-…/, the place of the account in the tree.
	Path string
}

// Standing returns the standing of an account. fault.NotFound: it is not in the organization.
func (s *Service) Standing(ctx context.Context, accountID string) (Standing, error) {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return Standing{}, err
	}
	a, err := s.store.Account(ctx, accountID)
	if err != nil {
		return Standing{}, err
	}
	chain, err := s.chain(ctx, accountID)
	if err != nil {
		return Standing{}, err
	}
	out := Standing{Organization: o, Closed: a.Status != Active, Path: o.ID + "/" + strings.Join(chain[:len(chain)-1], "/") + "/"}
	on, err := s.store.ControlOn(ctx)
	if err != nil || !on || accountID == o.ManagementAccountID {
		return out, err
	}
	out.Control, err = s.policiesAt(ctx, chain)
	return out, err
}

// Generation grows with every change that can change a standing or a delegation.
func (s *Service) Generation(ctx context.Context) (int64, error) { return s.store.Generation(ctx) }

// chain returns the ids from the root down to a target, the target included.
func (s *Service) chain(ctx context.Context, id string) ([]string, error) {
	o, err := s.store.Organization(ctx)
	if err != nil {
		return nil, err
	}
	missing := fault.New(fault.NotFound, "We can't find a root, OU, or account with the TargetId %q that you specified.", id).About(ResourceTarget, id)
	out := []string{id}
	at := id
	if arn.IsAccountID(id) {
		a, err := s.store.Account(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return nil, missing
		}
		if err != nil {
			return nil, err
		}
		at = a.ParentID
		out = append(out, at)
	}
	for at != o.RootID {
		u, err := s.store.Unit(ctx, at)
		if fault.Is(err, fault.NotFound) || len(out) > 2*MaxDepth {
			return nil, missing
		}
		if err != nil {
			return nil, err
		}
		at = u.ParentID
		out = append(out, at)
	}
	slices.Reverse(out)
	return out, nil
}

// policiesAt returns the policies attached to each target.
func (s *Service) policiesAt(ctx context.Context, targets []string) ([][]Policy, error) {
	ids, err := s.store.PolicyIDsOf(ctx, targets)
	if err != nil {
		return nil, err
	}
	out := make([][]Policy, len(targets))
	for i, t := range targets {
		out[i] = []Policy{}
		for _, id := range ids[t] {
			p, err := s.Policy(ctx, id)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], p)
		}
	}
	return out, nil
}
