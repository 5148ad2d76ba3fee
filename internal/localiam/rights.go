package localiam

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// rights are the compiled policies of a user or role.
type rights struct {
	identity []policy.Named
	boundary *policy.Named
	tags     map[string]string
}

// rightsOf reads the policies of the caller's user or role through the cache.
func (s *Service) rightsOf(ctx context.Context, c Caller) (*rights, error) {
	if c.Kind == KindRoot {
		return &rights{}, nil // nothing is attached to a root user; the session's task policy bounds it
	}
	return cached(ctx, s, c.AccountID, c.uniqueID, func(n *snapshot) map[string]*rights { return n.rights }, func() (*rights, error) {
		var id Identity
		if c.Kind == KindRoleSession {
			r, err := s.cfg.Store.Role(ctx, c.AccountID, c.Name)
			if err != nil {
				return nil, gone(err)
			}
			id = r.Identity
		} else {
			u, err := s.cfg.Store.User(ctx, c.AccountID, c.Name)
			if err != nil {
				return nil, gone(err)
			}
			id = u.Identity
		}
		if id.ID != c.uniqueID {
			return nil, errUnknownKey()
		}
		r, err := s.compile(ctx, id)
		if err != nil || c.Kind == KindRoleSession {
			return r, err
		}
		return r, s.addGroups(ctx, id, r)
	})
}

// addGroups adds what a user may do by the groups he is in.
func (s *Service) addGroups(ctx context.Context, id Identity, r *rights) error {
	groups, err := s.cfg.Store.GroupsOf(ctx, id.AccountID, id.Name, "", 1000)
	if err != nil {
		return err
	}
	for _, g := range groups {
		of, err := s.compile(ctx, g.Identity)
		if err != nil {
			return err
		}
		r.identity = append(r.identity, of.identity...)
	}
	return nil
}

// gone says that the principal of a request no longer exists.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return errUnknownKey()
	}
	return err
}

// compile loads and parses everything attached to an identity. A policy that is attached and missing is a
// defect of the store, and nothing may be decided without it: it could hold a Deny.
func (s *Service) compile(ctx context.Context, id Identity) (*rights, error) {
	arns := slices.Clone(id.Attached)
	if id.BoundaryARN != "" {
		arns = append(arns, id.BoundaryARN)
	}
	documents, err := s.managed(ctx, id.AccountID, arns)
	if err != nil {
		return nil, err
	}
	r := &rights{tags: id.Tags}
	for _, a := range id.Attached {
		d, ok := documents[a]
		if !ok {
			return nil, missingPolicy(a)
		}
		r.identity = append(r.identity, policy.Named{Name: a, Document: d})
	}
	if id.BoundaryARN != "" {
		d, ok := documents[id.BoundaryARN]
		if !ok {
			return nil, missingPolicy(id.BoundaryARN)
		}
		r.boundary = &policy.Named{Name: id.BoundaryARN, Document: d}
	}
	for _, name := range sortedKeys(id.Inline) {
		d, err := s.document(id.Inline[name], policy.ForIdentity)
		if err != nil {
			return nil, err
		}
		r.identity = append(r.identity, policy.Named{Name: name, Document: d})
	}
	return r, nil
}

// missingPolicy: one of AWS's is missing when it was taken out of the directory it was read from; then nobody who has it may do anything until
// it is back, or taken from him.
func missingPolicy(policyARN string) error {
	if strings.HasPrefix(policyARN, "arn:aws:iam::aws:") {
		return fault.New(fault.Denied, "the policy %s is attached and is not on this server; put it back into the directory of managed policies, or detach it", policyARN)
	}
	return fault.New(fault.Internal, "the attached policy %s is missing", policyARN)
}

// managed returns the documents in force of the managed policies that exist, AWS's and the account's own.
func (s *Service) managed(ctx context.Context, accountID string, arns []string) (map[string]*policy.Document, error) {
	out := make(map[string]*policy.Document, len(arns))
	var own []string
	for _, a := range arns {
		if m, ok := s.cfg.Managed.Find(a); ok {
			out[a] = m.Document
		} else if parsed, err := arn.Parse(a); err == nil && parsed.AccountID == accountID {
			own = append(own, a)
		}
	}
	if len(own) == 0 {
		return out, nil
	}
	found, err := s.cfg.Store.PoliciesByARN(ctx, accountID, own)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		d, err := s.document(p.Document(), policy.ForIdentity)
		if err != nil {
			return nil, err
		}
		out[p.ARN()] = d
	}
	return out, nil
}

// sessionPolicies returns the policies that were given when the session began, as they are now. When a managed one is gone, the
// session may do nothing any more: it could have held a Deny.
func (s *Service) sessionPolicies(ctx context.Context, c Caller) ([]policy.Named, error) {
	if c.session == nil {
		return nil, nil
	}
	var out []policy.Named
	if c.Kind == KindFederated { // without policies of its own such a session may do nothing
		out = append(out, policy.Named{Name: "session policy", Document: new(policy.Document)})
	}
	if c.session.Policy != "" {
		d, err := s.document(c.session.Policy, policy.ForIdentity)
		if err != nil {
			return nil, err
		}
		out = append(out, policy.Named{Name: "session policy", Document: d})
	}
	if len(c.session.PolicyARNs) > 0 {
		documents, err := s.managed(ctx, c.AccountID, c.session.PolicyARNs)
		if err != nil {
			return nil, err
		}
		for _, a := range c.session.PolicyARNs {
			d, ok := documents[a]
			if !ok {
				return nil, fault.New(fault.Denied, "User: %s is not authorized: the session policy %s no longer exists", c.ARN, a)
			}
			out = append(out, policy.Named{Name: a, Document: d})
		}
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
