package localiam

// Quotas are those of IAM that AWS raises when it is asked to. A quota of zero has AWS's figure.
type Quotas struct {
	// AttachedPolicies counts the managed policies that a customer attaches to one user, group or role. Default 10.
	AttachedPolicies int
	// TrustPolicySize is of a role's trust policy, in characters without white space. Default 2048.
	TrustPolicySize int
}

// DefaultQuotas are AWS's figures.
func DefaultQuotas() Quotas { return Quotas{AttachedPolicies: 10, TrustPolicySize: 2048} }

func (q Quotas) orDefault() Quotas {
	d := DefaultQuotas()
	if q.AttachedPolicies == 0 {
		q.AttachedPolicies = d.AttachedPolicies
	}
	if q.TrustPolicySize == 0 {
		q.TrustPolicySize = d.TrustPolicySize
	}
	return q
}

// Quotas returns those in force.
func (s *Service) Quotas() Quotas { return s.cfg.Quotas }
