package app

import (
	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/localiam"
)

// Quotas limit how many there may be. A quota that is not set has AWS's figure. They are set in the configuration file alone.
type Quotas struct {
	// PermissionSets is per instance. Default 3500.
	PermissionSets int `yaml:"permission_sets"`
	// PoliciesPerPermissionSet counts AWS managed and customer managed policies. Default 25.
	PoliciesPerPermissionSet int `yaml:"policies_per_permission_set"`
	// PermissionSetsPerAccount counts those that are provisioned in one account. Default 500.
	PermissionSetsPerAccount int `yaml:"permission_sets_per_account"`
	// GroupsPerPermissionSet counts the groups that have one permission set in one account. Default 100.
	GroupsPerPermissionSet int `yaml:"groups_per_permission_set"`
	// GroupsPerRole counts the groups that are entitled to one role that an account made itself. Default 20.
	GroupsPerRole int `yaml:"groups_per_role"`
	// Regions is per instance, the home region included. Default 6.
	Regions int `yaml:"regions"`
	// Applications is per instance. Default 7000.
	Applications int `yaml:"applications"`
	// ScopesPerApplication is of access scopes. Default 25.
	ScopesPerApplication int `yaml:"scopes_per_application"`
	// GroupsPerApplication is of groups assigned to one application. Default 100.
	GroupsPerApplication int `yaml:"groups_per_application"`
	// TrustedTokenIssuers is per instance. Default 10.
	TrustedTokenIssuers int `yaml:"trusted_token_issuers"`
	// TagsPerResource is of tags on an instance, permission set, application or trusted token issuer. Default 50.
	TagsPerResource int `yaml:"tags_per_resource"`
	// AttachedPolicies counts the managed policies attached to one IAM user, group or role of an account, reserved roles left out. Default 10.
	AttachedPolicies int `yaml:"attached_policies"`
	// TrustPolicySize is of an IAM role's trust policy, in characters without white space. Default 2048.
	TrustPolicySize int `yaml:"trust_policy_size"`
}

// negative reports whether a quota is below zero.
func (q Quotas) negative() bool {
	return min(q.PermissionSets, q.PermissionSetsPerAccount, q.GroupsPerPermissionSet, q.GroupsPerRole, q.PoliciesPerPermissionSet, q.Regions, q.Applications, q.ScopesPerApplication, q.GroupsPerApplication, q.TrustedTokenIssuers, q.TagsPerResource,
		q.AttachedPolicies, q.TrustPolicySize) < 0
}

func (q Quotas) access() access.Quotas {
	return access.Quotas{
		Sets: q.PermissionSets, Regions: q.Regions, Policies: q.PoliciesPerPermissionSet, Tags: q.TagsPerResource,
		SetsPerAccount: q.PermissionSetsPerAccount, GroupsPerRole: q.GroupsPerPermissionSet, GroupsPerExistingRole: q.GroupsPerRole,
	}
}

func (q Quotas) application() application.Quotas {
	return application.Quotas{
		Applications: q.Applications, Issuers: q.TrustedTokenIssuers, Scopes: q.ScopesPerApplication, Groups: q.GroupsPerApplication, Tags: q.TagsPerResource,
	}
}

func (q Quotas) iam() localiam.Quotas {
	return localiam.Quotas{AttachedPolicies: q.AttachedPolicies, TrustPolicySize: q.TrustPolicySize}
}
