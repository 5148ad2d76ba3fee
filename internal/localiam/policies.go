package localiam

import (
	"cmp"
	"context"
	"slices"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// errNoPolicy is AWS's sentence for a managed policy that does not exist.
func errNoPolicy(policyARN string) error {
	return fault.New(fault.NotFound, "Policy %s was not found.", clip(policyARN)).About("POLICY", policyARN)
}

// Policy returns a customer managed policy of the account by its ARN. AWS managed policies are found with
// [Service.Managed].
func (s *Service) Policy(ctx context.Context, accountID, policyARN string) (ManagedPolicy, error) {
	owner, name, err := splitARN(policyARN, "policy/")
	if err != nil {
		return ManagedPolicy{}, err
	}
	if owner != accountID {
		return ManagedPolicy{}, errNoPolicy(policyARN)
	}
	p, err := s.cfg.Store.Policy(ctx, accountID, name)
	if fault.Is(err, fault.NotFound) || err == nil && p.ARN() != policyARN {
		return ManagedPolicy{}, errNoPolicy(policyARN)
	}
	return p, err
}

// Policies lists the customer managed policies of an account, by folded name.
func (s *Service) Policies(ctx context.Context, accountID string, p Page) ([]ManagedPolicy, error) {
	return s.cfg.Store.Policies(ctx, accountID, p.PathPrefix, p.After, p.limit())
}

// PolicyUse says how often a managed policy of the account, or an AWS managed one, is attached in the account.
func (s *Service) PolicyUse(ctx context.Context, accountID, policyARN string) (PolicyUse, error) {
	uses, err := s.cfg.Store.PolicyUses(ctx, accountID, []string{policyARN})
	return uses[policyARN], err
}

// PolicyUses is PolicyUse for up to 1,000 policies at once, by ARN.
func (s *Service) PolicyUses(ctx context.Context, accountID string, arns []string) (map[string]PolicyUse, error) {
	return s.cfg.Store.PolicyUses(ctx, accountID, arns)
}

// AttachedPolicies lists the ARNs of the managed policies that somebody in the account has, as a permissions policy or as boundary, by ARN: AWS's, or the
// account's own.
func (s *Service) AttachedPolicies(ctx context.Context, accountID string, aws bool, p Page) ([]string, error) {
	owner := accountID
	if aws {
		owner = "aws"
	}
	return s.cfg.Store.AttachedPolicies(ctx, accountID, arn.IAM(owner, "policy"+cmp.Or(p.PathPrefix, "/")), p.After, p.limit())
}

// PoliciesByARN returns those of the account's customer managed policies that exist, up to 1,000, in any order.
func (s *Service) PoliciesByARN(ctx context.Context, accountID string, arns []string) ([]ManagedPolicy, error) {
	return s.cfg.Store.PoliciesByARN(ctx, accountID, arns)
}

// PolicyHolders lists who has a managed policy of the account, or an AWS managed one, attached in the account.
func (s *Service) PolicyHolders(ctx context.Context, accountID, policyARN string, f HolderFilter, after HolderPlace, limit int) ([]PolicyHolder, error) {
	return s.cfg.Store.PolicyHolders(ctx, accountID, policyARN, f, after, limit)
}

// CreatePolicy creates a customer managed policy from its name, path, description and tags with one version.
func (s *Service) CreatePolicy(ctx context.Context, a audit.Actor, p ManagedPolicy, document string) (ManagedPolicy, error) {
	if p.Path == "" {
		p.Path = "/"
	}
	if err := checkName("Policy", p.Name, p.Path, policyName); err != nil {
		return ManagedPolicy{}, err
	}
	if utf8.RuneCountInString(p.Description) > 1000 {
		return ManagedPolicy{}, invalid("Description", "The description has more than 1000 characters.")
	}
	if err := checkTags(p.Tags); err != nil {
		return ManagedPolicy{}, err
	}
	if err := checkDocument(document, policy.ForIdentity, maxManagedSize, "PolicySize"); err != nil {
		return ManagedPolicy{}, err
	}
	now := s.now()
	p.ID, p.CreatedAt, p.UpdatedAt, p.Revision = arn.NewIAMID(s.cfg.Rand, "ANPA"), now, now, 0
	p.Versions, p.Default = []PolicyVersion{{1, document, now}}, 1
	p.Last = 1
	err := s.cfg.Store.SavePolicy(ctx, p, s.event(ctx, a, "iam:CreatePolicy", p.ARN()))
	if isConflict(err, "exists") {
		return ManagedPolicy{}, fault.New(fault.Conflict, "A policy called %s already exists. Duplicate names are not allowed.", p.Name).For("exists").About("POLICY", p.Name)
	}
	p.Revision = 1
	return p, err
}

// changePolicy reads a policy, lets edit change it, and saves it.
func (s *Service) changePolicy(ctx context.Context, ref PolicyRef, ev func(ManagedPolicy) audit.Event, edit func(*ManagedPolicy) error) error {
	return retry(func() error {
		p, err := s.Policy(ctx, ref.AccountID, ref.ARN)
		if err != nil {
			return err
		}
		p.Versions = slices.Clone(p.Versions)
		if err := edit(&p); err != nil {
			return err
		}
		p.UpdatedAt = s.now()
		return s.cfg.Store.SavePolicy(ctx, p, ev(p))
	})
}

// PolicyRef names a customer managed policy as seen from an account.
type PolicyRef struct{ AccountID, ARN string }

// NewVersion is a new version of a managed policy.
type NewVersion struct {
	Document  string
	IsDefault bool
}

// CreatePolicyVersion adds a version; a policy has at most five.
func (s *Service) CreatePolicyVersion(ctx context.Context, a audit.Actor, ref PolicyRef, v NewVersion) (PolicyVersion, error) {
	if err := checkDocument(v.Document, policy.ForIdentity, maxManagedSize, "PolicySize"); err != nil {
		return PolicyVersion{}, err
	}
	made := PolicyVersion{Document: v.Document, CreatedAt: s.now()}
	err := s.changePolicy(ctx, ref, func(p ManagedPolicy) audit.Event { return s.event(ctx, a, "iam:CreatePolicyVersion", p.ARN()) }, func(p *ManagedPolicy) error {
		if len(p.Versions) >= maxPolicyVersions {
			return fault.New(fault.Quota, "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxPolicyVersions)
		}
		made.Number = max(p.Last, p.Versions[len(p.Versions)-1].Number) + 1
		p.Last = made.Number
		p.Versions = append(p.Versions, made)
		if v.IsDefault {
			p.Default = made.Number
		}
		return nil
	})
	return made, err
}

// SetDefaultPolicyVersion puts another version in force.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, a audit.Actor, ref PolicyRef, number int) error {
	return s.changePolicy(ctx, ref, func(p ManagedPolicy) audit.Event { return s.event(ctx, a, "iam:SetDefaultPolicyVersion", p.ARN()) }, func(p *ManagedPolicy) error {
		if _, err := p.Version(number); err != nil {
			return err
		}
		p.Default = number
		return nil
	})
}

// DeletePolicyVersion deletes a version that is not in force.
func (s *Service) DeletePolicyVersion(ctx context.Context, a audit.Actor, ref PolicyRef, number int) error {
	return s.changePolicy(ctx, ref, func(p ManagedPolicy) audit.Event { return s.event(ctx, a, "iam:DeletePolicyVersion", p.ARN()) }, func(p *ManagedPolicy) error {
		if _, err := p.Version(number); err != nil {
			return err
		}
		if p.Default == number {
			return fault.New(fault.Conflict, "Cannot delete the default version of a policy.").For("in-use")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(v PolicyVersion) bool { return v.Number == number })
		return nil
	})
}

// Version returns the version of that number.
func (p ManagedPolicy) Version(number int) (PolicyVersion, error) {
	for _, v := range p.Versions {
		if v.Number == number {
			return v, nil
		}
	}
	return PolicyVersion{}, fault.New(fault.NotFound, "Policy %s version v%d does not exist or is not attachable.", p.ARN(), number).About("POLICY", p.ARN())
}

// DeletePolicy deletes a customer managed policy that nobody uses and that has one version left.
func (s *Service) DeletePolicy(ctx context.Context, a audit.Actor, ref PolicyRef) error {
	return retry(func() error {
		p, err := s.Policy(ctx, ref.AccountID, ref.ARN)
		if err != nil {
			return err
		}
		if len(p.Versions) > 1 {
			return fault.New(fault.Conflict, "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.").For("in-use")
		}
		err = s.cfg.Store.DeletePolicy(ctx, p.AccountID, p.Name, p.Revision, s.event(ctx, a, "iam:DeletePolicy", p.ARN()))
		if isConflict(err, "attached") {
			return fault.New(fault.Conflict, "Cannot delete a policy attached to entities.").For("in-use")
		}
		return err
	})
}

// SAMLProvider returns a provider of the account by its ARN.
func (s *Service) SAMLProvider(ctx context.Context, accountID, providerARN string) (SAMLProvider, error) {
	p, err := s.provider(ctx, providerARN)
	if fault.Is(err, fault.NotFound) || err == nil && p.AccountID != accountID {
		return SAMLProvider{}, fault.New(fault.NotFound, "Manifest not found for arn %s", clip(providerARN)).About("SAML_PROVIDER", providerARN)
	}
	return p, err
}

// SAMLProviders lists the providers of an account, by folded name.
func (s *Service) SAMLProviders(ctx context.Context, accountID string, p Page) ([]SAMLProvider, error) {
	return s.cfg.Store.SAMLProviders(ctx, accountID, p.After, p.limit())
}
