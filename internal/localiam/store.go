package localiam

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what localiam asks of a database. It is divided by noun; one database implements them all.
//
// The same rules hold for every part:
//
//   - A reading method that names one thing answers a NotFound fault when it is not there.
//   - A Save method creates when the value's Revision is 0 and otherwise replaces the stored value if
//     the stored revision is still that one; either way the stored revision becomes Revision+1. Creating
//     what exists (same key in folded case) is a Conflict with Reason "exists"; replacing what has
//     changed, or what is gone, is a Conflict with Reason "version". Nothing is written then.
//   - A Delete method deletes only the revision it is given: Conflict with Reason "version" when another one is stored,
//     NotFound when the thing is not there.
//   - Every changing method writes the event in the same transaction, and in that transaction raises
//     the account's generation ([SessionStore]).
//   - Lists are in ascending order of the folded name (of the ID for access keys, byte order), begin
//     after the given key (empty: at the beginning) and have at most limit entries, limit being 1–1000.
//   - Names given to methods may be in any case; the store compares [Fold]. Values keep their case.
//   - nil and empty maps and lists are the same thing. Times come back in UTC, exact to the microsecond.
type Store interface {
	RoleStore
	UserStore
	PolicyStore
	ProviderStore
	GroupStore
	ProfileStore
	AccountStore
	SessionStore
}

// RoleStore keeps roles. The key of a role is (account, folded name); its path is not part of it.
type RoleStore interface {
	Role(ctx context.Context, accountID, name string) (Role, error)
	// Roles lists the roles whose path begins with pathPrefix ("/" or empty: all), by folded name.
	Roles(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]Role, error)
	// SaveRole creates or replaces a role with all its attachments. When Attached or BoundaryARN name a customer
	// managed policy that does not exist, it is a NotFound fault with Reason "policy" and the ARN
	// as ID; AWS managed policies (account "aws" in the ARN) are not looked up.
	SaveRole(ctx context.Context, r Role, ev audit.Event) error
	// DeleteRole answers a Conflict with Reason "profiles" while the role is in an instance profile.
	DeleteRole(ctx context.Context, accountID, name string, revision int64, ev audit.Event) error
}

// UserStore keeps IAM users and their access keys.
type UserStore interface {
	User(ctx context.Context, accountID, name string) (User, error)
	Users(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]User, error)
	// SaveUser is to users what SaveRole is to roles.
	SaveUser(ctx context.Context, u User, ev audit.Event) error
	// RenameUser moves a user with his keys, memberships and attachments to the name and path that u has now. Conflict with
	// Reason "exists" when the name is taken; the stored revision becomes u.Revision+1.
	RenameUser(ctx context.Context, oldName string, u User, ev audit.Event) error
	// DeleteUser answers a Conflict with Reason "keys" while the user has access keys, "groups" while he is in a group.
	DeleteUser(ctx context.Context, accountID, name string, revision int64, ev audit.Event) error

	// AccessKey finds a key by its ID alone: the ID is all that a signature tells.
	AccessKey(ctx context.Context, id string) (AccessKey, error)
	// AccessKeys lists a user's keys, by ID.
	AccessKeys(ctx context.Context, accountID, userName, after string, limit int) ([]AccessKey, error)
	// SaveAccessKey answers NotFound with Reason "user" when the user does not exist, and Quota when a new key would be one more than
	// max of the user's; the count and the insert are one transaction.
	SaveAccessKey(ctx context.Context, k AccessKey, max int, ev audit.Event) error
	DeleteAccessKey(ctx context.Context, id string, revision int64, ev audit.Event) error
}

// PolicyStore keeps customer managed policies. The key is (account, folded name); a policy is asked
// for by name and the caller compares the path.
type PolicyStore interface {
	Policy(ctx context.Context, accountID, name string) (ManagedPolicy, error)
	Policies(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]ManagedPolicy, error)
	// PoliciesByARN returns those of the customer managed policies that exist, in any order; unknown
	// ones are left out. At most 1,000 ARNs, all of the account.
	PoliciesByARN(ctx context.Context, accountID string, arns []string) ([]ManagedPolicy, error)
	SavePolicy(ctx context.Context, p ManagedPolicy, ev audit.Event) error
	// DeletePolicy answers a Conflict with Reason "attached" while a role or user has the policy attached
	// or as boundary.
	DeletePolicy(ctx context.Context, accountID, name string, revision int64, ev audit.Event) error
	// PolicyUses says by ARN how often policies are attached in the account; one that nobody has is left out. The policies may be AWS managed
	// ones. At most 1,000 ARNs.
	PolicyUses(ctx context.Context, accountID string, arns []string) (map[string]PolicyUse, error)
	// AttachedPolicies lists the ARNs of the managed policies that somebody in the account has, either way, of those that begin so, by ARN.
	AttachedPolicies(ctx context.Context, accountID, begin, after string, limit int) ([]string, error)
	// PolicyHolders lists who has the policy, those that the filter wants, in the order of [HolderPlace]. Who has it both as a permissions policy
	// and as boundary comes once, as who has it as a permissions policy, unless boundaries alone are wanted.
	PolicyHolders(ctx context.Context, accountID, policyARN string, f HolderFilter, after HolderPlace, limit int) ([]PolicyHolder, error)
}

// PolicyUse counts who has a managed policy: as a permissions policy, and as permissions boundary.
type PolicyUse struct{ Policies, Boundaries int }

// HolderFilter narrows a listing of who has a policy; empty members do not narrow.
type HolderFilter struct {
	// Kind is "group", "role" or "user".
	Kind string
	// Use is "policy" or "boundary".
	Use        string
	PathPrefix string
}

// HolderPlace is a place in a listing of who has a policy: by kind, those with the policy as boundary last, by folded name.
type HolderPlace struct {
	Kind     string
	Boundary bool
	Name     string
}

// PolicyHolder is a group, role or user that has a policy.
type PolicyHolder struct {
	HolderPlace
	// ID is the unique id (AROA…).
	ID string
}

// ProviderStore keeps SAML identity providers. The key is (account, folded name).
type ProviderStore interface {
	SAMLProvider(ctx context.Context, accountID, name string) (SAMLProvider, error)
	SAMLProviders(ctx context.Context, accountID, after string, limit int) ([]SAMLProvider, error)
	SaveSAMLProvider(ctx context.Context, p SAMLProvider, ev audit.Event) error
	DeleteSAMLProvider(ctx context.Context, accountID, name string, revision int64, ev audit.Event) error
}

// GroupStore keeps IAM groups and who is in them. A group's key is (account, folded name).
type GroupStore interface {
	Group(ctx context.Context, accountID, name string) (Group, error)
	Groups(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]Group, error)
	// SaveGroup is to groups what SaveRole is to roles, RenameGroup what RenameUser is to users.
	SaveGroup(ctx context.Context, g Group, ev audit.Event) error
	RenameGroup(ctx context.Context, oldName string, g Group, ev audit.Event) error
	// DeleteGroup answers a Conflict with Reason "members" while somebody is in the group.
	DeleteGroup(ctx context.Context, accountID, name string, revision int64, ev audit.Event) error
	// AddMember answers NotFound with Reason "group" or "user" for what does not exist. Adding a member again is success.
	AddMember(ctx context.Context, m Membership, ev audit.Event) error
	// RemoveMember answers NotFound when the user is not in the group.
	RemoveMember(ctx context.Context, m Membership, ev audit.Event) error
	// Members lists the users in a group, GroupsOf the groups of a user.
	Members(ctx context.Context, accountID, group, after string, limit int) ([]User, error)
	GroupsOf(ctx context.Context, accountID, user, after string, limit int) ([]Group, error)
}

// ProfileStore keeps instance profiles and OIDC providers.
type ProfileStore interface {
	Profile(ctx context.Context, accountID, name string) (InstanceProfile, error)
	Profiles(ctx context.Context, accountID, pathPrefix, after string, limit int) ([]InstanceProfile, error)
	ProfilesOf(ctx context.Context, accountID, role, after string, limit int) ([]InstanceProfile, error)
	// SaveProfile answers NotFound with Reason "role" when the role in it does not exist.
	SaveProfile(ctx context.Context, p InstanceProfile, ev audit.Event) error
	DeleteProfile(ctx context.Context, accountID, name string, revision int64, ev audit.Event) error

	// OIDC providers are known by their URL without scheme.
	OIDCProvider(ctx context.Context, accountID, url string) (OIDCProvider, error)
	OIDCProviders(ctx context.Context, accountID, after string, limit int) ([]OIDCProvider, error)
	SaveOIDCProvider(ctx context.Context, p OIDCProvider, ev audit.Event) error
	DeleteOIDCProvider(ctx context.Context, accountID, url string, revision int64, ev audit.Event) error
}

// AccountStore keeps what there is once in an account.
type AccountStore interface {
	// Alias returns the account's alias; NotFound when it has none.
	Alias(ctx context.Context, accountID string) (string, error)
	// SetAlias replaces it; Conflict with Reason "exists" when another account has it.
	SetAlias(ctx context.Context, accountID, alias string, ev audit.Event) error
	DeleteAlias(ctx context.Context, accountID, alias string, ev audit.Event) error
	// Settings returns the account's settings: with Revision 0 when nothing was ever set.
	Settings(ctx context.Context, accountID string) (Settings, error)
	// SaveSettings creates or replaces them; see [Store]. An issuer's id is one account's alone.
	SaveSettings(ctx context.Context, s Settings, ev audit.Event) error
	// IssuerAccount returns the account whose issuer has the id.
	IssuerAccount(ctx context.Context, issuerID string) (string, error)
	// Counts says how many of everything an account has.
	Counts(ctx context.Context, accountID string) (Counts, error)
}

// SessionStore keeps what the use of stateless credentials must look up: whether they were
// revoked, and whether what is cached about the account is still true.
type SessionStore interface {
	// Generation is a number that grows with every change to the account's roles, users, keys, policies
	// and providers. An account nothing was ever written for has generation 0.
	Generation(ctx context.Context, accountID string) (int64, error)
	// RevokedBefore returns the latest Before among the revocations of the subjects (at most 4), or the zero time.
	RevokedBefore(ctx context.Context, subjects ...string) (time.Time, error)
	// Revoke stores revocations, each of another subject. It never moves Before back: the later one stays. May be repeated.
	// It concerns no account and raises no generation.
	Revoke(ctx context.Context, rs []Revocation, evs []audit.Event) error
}
