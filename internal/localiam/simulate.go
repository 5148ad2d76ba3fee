package localiam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Simulation asks what somebody might do.
type Simulation struct {
	// AccountID is whose account it is.
	AccountID string
	// Principal is the ARN of a user, role or group of the account whose policies count; empty: only those given here do.
	Principal string
	// Policies are counted as well; Boundary takes the place of the principal's.
	Policies []string
	Boundary string
	// Organization has one list for each level from the root down; it takes the place of the account's.
	Organization [][]string
	// Resource is the resource's policy; Caller the ARN of who asks, if not Principal.
	Resource, Caller string
}

// Simulated is a simulation with its policies read. It may be asked any number of questions.
type Simulated struct {
	policies  policy.Policies
	principal policy.Principal
	context   policy.Context
	keys      []string
}

// Simulate reads the policies of a simulation.
func (s *Service) Simulate(ctx context.Context, in Simulation) (*Simulated, error) {
	out := &Simulated{context: policy.Context{}, principal: policy.Principal{Kind: policy.User, ARN: arn.IAM(in.AccountID, "user/simulated"), AccountID: in.AccountID}}
	if in.Principal != "" {
		if err := s.simulatePrincipal(ctx, in, out); err != nil {
			return nil, err
		}
	}
	if err := s.simulateGiven(in, out); err != nil {
		return nil, err
	}
	if in.Caller != "" {
		a, err := arn.Parse(in.Caller)
		if err != nil || !arn.IsAccountID(a.AccountID) || !strings.HasPrefix(a.Resource, "user/") {
			return nil, invalid("CallerArn", "The ARN %s is not that of a user.", clip(in.Caller))
		}
		out.principal = policy.Principal{Kind: policy.User, ARN: in.Caller, AccountID: a.AccountID}
		out.context.Set("aws:PrincipalArn", in.Caller)
	}
	out.keys = contextKeys(out.policies)
	return out, nil
}

// simulatePrincipal reads the policies that hold for somebody now.
func (s *Service) simulatePrincipal(ctx context.Context, in Simulation, out *Simulated) error {
	ref, err := principalRef(in.AccountID, in.Principal)
	if err != nil {
		return err
	}
	id, found, err := s.Identity(ctx, ref)
	if err == nil && found != in.Principal {
		err = fault.New(fault.NotFound, "The principal %s cannot be found.", clip(in.Principal))
	}
	if err != nil {
		return err
	}
	if ref.Kind == OfGroup {
		r, err := s.compile(ctx, id)
		if err == nil {
			out.policies.Identity = r.identity
		}
		return err
	}
	c := Caller{Kind: KindUser, AccountID: in.AccountID, ARN: found, PrincipalARN: found, UserID: id.ID, Name: id.Name, uniqueID: id.ID}
	if ref.Kind == OfRole {
		c.Kind = KindRoleSession
	}
	q, p, err := s.question(ctx, c, Check{})
	if err != nil {
		return err
	}
	out.policies, out.principal, out.context = p, q.Principal, q.Context
	out.policies.Identity = slices.Clone(p.Identity) // it is the cache's
	return nil
}

// principalRef reads the ARN of a user, role or group of the account.
func principalRef(accountID, name string) (Ref, error) {
	for kind, prefix := range map[Holder]string{OfUser: "user/", OfRole: "role/", OfGroup: "group/"} {
		owner, short, err := splitARN(name, prefix)
		if err == nil && owner == accountID {
			return Ref{accountID, kind, short}, nil
		}
	}
	return Ref{}, invalid("PolicySourceArn", "Invalid Entity Arn: %s does not clearly define entity type and name.", clip(name))
}

// simulateGiven adds the policies that come with the simulation.
func (s *Service) simulateGiven(in Simulation, out *Simulated) error {
	for i, text := range in.Policies {
		d, err := policy.Parse([]byte(text), policy.ForIdentity)
		if err != nil {
			return err
		}
		out.policies.Identity = append(out.policies.Identity, policy.Named{Name: fmt.Sprintf("PolicyInputList.%d", i+1), Document: d})
	}
	if in.Boundary != "" {
		d, err := policy.Parse([]byte(in.Boundary), policy.ForIdentity)
		if err != nil {
			return err
		}
		out.policies.Boundary = &policy.Named{Name: "PermissionsBoundaryPolicyInputList.1", Document: d}
	}
	if in.Resource != "" {
		d, err := policy.Parse([]byte(in.Resource), policy.ForResource)
		if err != nil {
			return err
		}
		out.policies.Resource = &policy.Named{Name: "ResourcePolicy", Document: d}
	}
	if len(in.Organization) > 0 {
		out.policies.Organization = nil
	}
	for i, level := range in.Organization {
		var named []policy.Named
		for j, text := range level {
			d, err := policy.Parse([]byte(text), policy.ForOrganization)
			if err != nil {
				return err
			}
			named = append(named, policy.Named{Name: fmt.Sprintf("OrderedOrganizationPolicyInputList.%d.%d", i+1, j+1), Document: d})
		}
		out.policies.Organization = append(out.policies.Organization, named)
	}
	return nil
}

// Answer is a decision and how it came about.
type Answer struct {
	policy.Decision
	Steps []policy.Step
	// Missing are the condition keys that policies ask about and nobody gave.
	Missing []string
	// Bounded and Organized say whether a boundary and service control policies took part.
	Bounded, Organized bool
}

// Ask decides one question. Context keys that the check gives take the place of the principal's own.
func (m *Simulated) Ask(k Check) Answer {
	about := policy.Context{}
	for key, values := range m.context {
		about.Set(key, values...)
	}
	for key, values := range k.Context {
		about.Set(key, values...)
	}
	if k.Resource == "" {
		k.Resource = "*"
	}
	q := policy.Request{Principal: m.principal, Action: k.Action, Resource: k.Resource, ResourceAccount: k.ResourceAccount, Context: about}
	out := Answer{Bounded: m.policies.Boundary != nil, Organized: len(m.policies.Organization) > 0}
	out.Decision, out.Steps = policy.Explain(m.policies, q)
	for _, key := range m.keys {
		if len(about[Fold(key)]) == 0 {
			out.Missing = append(out.Missing, key)
		}
	}
	return out
}

// Keys are the condition keys that the simulation's policies ask about, sorted.
func (m *Simulated) Keys() []string { return m.keys }

func contextKeys(p policy.Policies) []string {
	all := slices.Concat(p.Identity, p.Session)
	for _, level := range p.Organization {
		all = append(all, level...)
	}
	for _, one := range []*policy.Named{p.Boundary, p.Resource} {
		if one != nil {
			all = append(all, *one)
		}
	}
	found := map[string]string{}
	for _, n := range all {
		for _, key := range n.Document.ContextKeys() {
			if _, known := found[Fold(key)]; !known {
				found[Fold(key)] = key
			}
		}
	}
	var out []string
	for _, folded := range sortedKeys(found) {
		out = append(out, found[folded])
	}
	return out
}
