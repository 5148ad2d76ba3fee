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
	// Excluded are taken out of what the principal has.
	Excluded []Exclusion
}

// Exclusion names policies of a principal, in one of three ways. In ARN (after its last colon) and Holder a star, of which there is one at most, stands for
// any number of characters and a question mark for one.
type Exclusion struct {
	// Type is "inline", "aws-managed", "user-managed", "permission-boundary", "scp" or "rcp"; of the last there are none.
	Type string
	// ARN is that of a managed policy.
	ARN string
	// Inline is the name of an inline policy of Holder, a user, role or group.
	Inline string
	Kind   Holder
	Holder string
}

// check refuses what is no identifier.
func (x Exclusion) check() error {
	if x.ARN != "" {
		at := strings.LastIndexByte(x.ARN, ':') + 1
		if _, _, err := splitARN(x.ARN, "policy/"); err != nil || strings.ContainsAny(x.ARN[:at], "*?") || strings.Count(x.ARN, "*") > 1 {
			return invalid("PolicyExclusionList", "The policy ARN %s is not valid.", clip(x.ARN))
		}
	}
	if strings.ContainsAny(x.Inline, "*?") || strings.Count(x.Holder, "*") > 1 {
		return invalid("PolicyExclusionList", "Of wildcards an inline policy's identifier takes one * and any number of ?, in the name of the entity alone.")
	}
	return nil
}

// attached is a policy that somebody has: a managed one by its ARN, or an inline one of a holder.
type attached struct {
	arn            string
	inline, holder string
	kind           Holder
}

func (x Exclusion) takes(a attached) bool {
	switch {
	case x.Type == "inline":
		return a.arn == ""
	case x.Type == "aws-managed":
		return strings.HasPrefix(a.arn, "arn:aws:iam::aws:")
	case x.Type == "user-managed":
		return a.arn != "" && !strings.HasPrefix(a.arn, "arn:aws:iam::aws:")
	case x.ARN != "":
		return a.arn != "" && policy.Like(x.ARN, a.arn)
	case x.Inline != "":
		return a.arn == "" && a.inline == x.Inline && a.kind == x.Kind && policy.Like(x.Holder, a.holder)
	}
	return false
}

// shown is the name that simulations give a policy: a managed one's own, role_<role>_<policy> of an inline one.
func (a attached) shown() string {
	if a.arn != "" {
		return a.arn[strings.LastIndexByte(a.arn, '/')+1:]
	}
	return Fold(string(a.kind)) + "_" + a.holder + "_" + a.inline
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
	for _, x := range in.Excluded {
		if err := x.check(); err != nil {
			return nil, err
		}
	}
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
		out.policies.Identity, err = s.simulateHolder(ctx, in, ref.Kind, id)
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
	if out.policies.Identity, err = s.simulateHolder(ctx, in, ref.Kind, id); err != nil {
		return err
	}
	if ref.Kind == OfUser {
		groups, err := s.cfg.Store.GroupsOf(ctx, id.AccountID, id.Name, "", 1000)
		if err != nil {
			return err
		}
		for _, g := range groups {
			more, err := s.simulateHolder(ctx, in, OfGroup, g.Identity)
			if err != nil {
				return err
			}
			out.policies.Identity = append(out.policies.Identity, more...)
		}
	}
	for _, x := range in.Excluded {
		switch x.Type {
		case "permission-boundary":
			out.policies.Boundary = nil
		case "scp":
			out.policies.Organization = nil
		}
	}
	return nil
}

// simulateHolder reads the policies of a user, role or group but for those that are excluded.
func (s *Service) simulateHolder(ctx context.Context, in Simulation, kind Holder, id Identity) ([]policy.Named, error) {
	r, err := s.compile(ctx, id)
	if err != nil {
		return nil, err
	}
	var out []policy.Named
	for i, n := range r.identity {
		a := attached{inline: n.Name, holder: id.Name, kind: kind}
		if i < len(id.Attached) { // compile puts these first
			a = attached{arn: n.Name}
		}
		if !slices.ContainsFunc(in.Excluded, func(x Exclusion) bool { return x.takes(a) }) {
			out = append(out, policy.Named{Name: a.shown(), Document: n.Document})
		}
	}
	return out, nil
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
	// Matched are the statements of identity- and resource-based policies that the decision rests on: those that deny, or else those that allow.
	Matched []policy.Step
	// Missing are the condition keys that these policies ask about and nobody gave.
	Missing []string
	// Identity and Resource are what these policies come to by themselves, Boundary and Organization those that bound them; nil where
	// there are none. Across accounts both of the first must allow.
	Identity, Resource, Boundary, Organization *Verdict
	CrossAccount                               bool
}

// Verdict is what the policies of one sort come to by themselves. The zero Verdict allows nothing and denies nothing.
type Verdict struct{ Allows, Denies bool }

// Permits reports whether what these policies bound may be.
func (v *Verdict) Permits() bool { return v.Allows && !v.Denies }

// verdict sums up the steps of a layer, of an organization's each level.
func verdict(steps []policy.Step, layer policy.Layer, levels int) *Verdict {
	allows := make([]bool, levels)
	out := &Verdict{}
	for _, s := range steps {
		if s.Layer != layer || !s.Applies {
			continue
		}
		if s.Effect == policy.Deny {
			out.Denies = true
		} else {
			allows[s.Level] = true
		}
	}
	out.Allows = !slices.Contains(allows, false)
	return out
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
	out := Answer{CrossAccount: k.ResourceAccount != "" && k.ResourceAccount != m.principal.AccountID}
	var steps []policy.Step
	out.Decision, steps = policy.Explain(m.policies, q)
	out.Identity = verdict(steps, policy.LayerIdentity, 1)
	if m.policies.Resource != nil {
		out.Resource = verdict(steps, policy.LayerResource, 1)
	}
	if m.policies.Boundary != nil {
		out.Boundary = verdict(steps, policy.LayerBoundary, 1)
	}
	if n := len(m.policies.Organization); n > 0 {
		out.Organization = verdict(steps, policy.LayerOrganization, n)
	}
	for _, s := range steps {
		rests := s.Effect == policy.Deny && out.Explicit || s.Effect == policy.Allow && out.Allowed
		if s.Applies && rests && (s.Layer == policy.LayerIdentity || s.Layer == policy.LayerResource) {
			out.Matched = append(out.Matched, s)
		}
	}
	for _, key := range m.keys {
		if len(about[Fold(key)]) == 0 {
			out.Missing = append(out.Missing, key)
		}
	}
	return out
}

// Keys are the condition keys that the simulation's policies ask about, sorted.
func (m *Simulated) Keys() []string { return m.keys }

// contextKeys are those that policies ask about; service control policies do not count.
func contextKeys(p policy.Policies) []string {
	all := slices.Concat(p.Identity, p.Session)
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
