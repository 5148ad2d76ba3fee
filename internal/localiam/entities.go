package localiam

import (
	"strings"
	"time"

	"gatehouse/internal/arn"
)

// Identity is what users and roles have in common: a name in an account and the policies that say what
// it may do.
type Identity struct {
	// AccountID is the account it belongs to, 12 digits.
	AccountID string
	// Name is unique in the account among its own kind, in folded (ASCII lower) case; it keeps the case
	// it was created with. 1–64 characters of [\w+=,.@-].
	Name string
	// Path begins and ends with a slash; "/" when none was given. It is part of the ARN, not of the name.
	Path string
	// ID is the unique identifier that is never used again: AROA… for a role, AIDA… for a user.
	ID string
	// Attached are the ARNs of the managed policies attached, AWS's and the account's own, in the order
	// they were attached, without repetition.
	Attached []string
	// Inline maps the names of inline policies to their documents, exactly as they were given.
	Inline map[string]string
	// BoundaryARN is the managed policy that bounds the permissions, or empty.
	BoundaryARN string
	// Tags has at most 50 entries.
	Tags map[string]string
	// CreatedAt is in UTC, exact to the microsecond.
	CreatedAt time.Time
	// Revision counts the saves; see [RoleStore]. Zero means not yet stored.
	Revision int64
}

// User is an IAM user: the long-term identity of programs, such as the administrator of the management
// account. People do not become IAM users; they have sessions of roles.
type User struct {
	Identity
}

// ARN returns arn:aws:iam::<account>:user<path><name>.
func (u User) ARN() string { return arn.IAM(u.AccountID, "user"+u.Path+u.Name) }

// Role is an IAM role.
type Role struct {
	Identity
	// Description has at most 1000 characters.
	Description string
	// TrustPolicy is the document that says who may assume the role, exactly as it was given.
	TrustPolicy string
	// MaxSessionDuration is between one and twelve hours, in whole seconds.
	MaxSessionDuration time.Duration
	// TrustedIDs maps the ARNs of users and roles that the trust policy names to the unique ids they had when it was saved: whoever
	// bears such an ARN later is another, and not trusted.
	TrustedIDs map[string]string
	// Protected roles belong to a service (the AWSReservedSSO_… roles and service-linked roles): customers may read them
	// and change nothing about them, and may not assume them.
	Protected bool
}

// ARN returns arn:aws:iam::<account>:role<path><name>.
func (r Role) ARN() string { return arn.IAM(r.AccountID, "role"+r.Path+r.Name) }

// Group is an IAM group: what is attached to it holds for the users in it. It has no boundary and no tags.
type Group struct {
	Identity
}

// ARN returns arn:aws:iam::<account>:group<path><name>.
func (g Group) ARN() string { return arn.IAM(g.AccountID, "group"+g.Path+g.Name) }

// Membership is a user in a group.
type Membership struct{ AccountID, Group, User string }

// InstanceProfile holds a role for machines. Nothing here takes credentials from one; it is kept for those who describe whole accounts.
type InstanceProfile struct {
	AccountID string
	// Name is unique in the account in folded case. 1–128 characters of [\w+=,.@-].
	Name, Path string
	// ID is AIPA….
	ID string
	// RoleName is the role in it, or empty.
	RoleName  string
	Tags      map[string]string
	CreatedAt time.Time
	Revision  int64
}

// ARN returns arn:aws:iam::<account>:instance-profile<path><name>.
func (p InstanceProfile) ARN() string { return arn.IAM(p.AccountID, "instance-profile"+p.Path+p.Name) }

// OIDCProvider is an IAM OpenID Connect identity provider.
type OIDCProvider struct {
	AccountID string
	// URL is the issuer without "https://"; it is the provider's name.
	URL string
	// ClientIDs are the audiences, at most 100; Thumbprints at most five SHA-1 sums in hexadecimal.
	ClientIDs, Thumbprints []string
	Tags                   map[string]string
	CreatedAt              time.Time
	Revision               int64
}

// ARN returns arn:aws:iam::<account>:oidc-provider/<url>.
func (p OIDCProvider) ARN() string { return arn.IAM(p.AccountID, "oidc-provider/"+p.URL) }

// Counts says how many of everything an account has.
type Counts struct{ Users, Groups, Roles, Policies, Profiles, Providers int }

// AccessKey is a long-term key of a user.
type AccessKey struct {
	// ID is AKIA… and unique in the whole server.
	ID        string
	AccountID string
	// UserName is the user's name in the case it was created with.
	UserName string
	// SealedSecret is the secret encrypted with the key's ID as associated data; see [Sealer].
	SealedSecret []byte
	// Active is false for a key that was switched off.
	Active    bool
	CreatedAt time.Time
	Revision  int64
}

// ManagedPolicy is a customer managed policy of an account. AWS managed policies are not stored; they
// live in package policy.
type ManagedPolicy struct {
	AccountID string
	// Name is unique in the account in folded case, whatever the path. 1–128 characters of [\w+=,.@-].
	Name string
	Path string
	// ID is ANPA… and never used again.
	ID          string
	Description string
	// Versions are at most five, the oldest first. Numbers are never used again.
	Versions []PolicyVersion
	// Default is the number of the version in force.
	Default int
	// Last is the highest number ever given to a version; zero means that of the newest in Versions.
	Last      int
	Tags      map[string]string
	CreatedAt time.Time
	UpdatedAt time.Time
	Revision  int64
}

// ARN returns arn:aws:iam::<account>:policy<path><name>.
func (p ManagedPolicy) ARN() string { return arn.IAM(p.AccountID, "policy"+p.Path+p.Name) }

// Document returns the document in force.
func (p ManagedPolicy) Document() string {
	for _, v := range p.Versions {
		if v.Number == p.Default {
			return v.Document
		}
	}
	return ""
}

// PolicyVersion is one version of a customer managed policy.
type PolicyVersion struct {
	// Number counts from 1 and is written "v1" on the wire.
	Number    int
	Document  string
	CreatedAt time.Time
}

// SAMLProvider is an IAM SAML identity provider of an account.
type SAMLProvider struct {
	AccountID string
	// Name is unique in the account in folded case. 1–128 characters of [\w._-].
	Name string
	// Metadata is the identity provider's SAML metadata document.
	Metadata string
	// Protected providers belong to a service (AWSSSO_<16 hex>_DO_NOT_DELETE).
	Protected  bool
	Tags       map[string]string
	CreatedAt  time.Time
	ValidUntil time.Time
	Revision   int64
}

// ARN returns arn:aws:iam::<account>:saml-provider/<name>.
func (p SAMLProvider) ARN() string { return arn.IAM(p.AccountID, "saml-provider/"+p.Name) }

// Revocation ends every session of its subject that was issued before a moment.
type Revocation struct {
	// Subject is a role's unique ID (AROA…), or "person:" and the identity store's user id.
	Subject string
	// Before is exclusive: a session issued at exactly this moment lives on.
	Before time.Time
}

// PersonSubject is the revocation subject of all sessions that belong to a person, in every account.
func PersonSubject(userID string) string { return "person:" + userID }

// Fold returns the form under which names are compared. IAM names are ASCII, so ASCII lower case it is;
// stores keep it in a column of its own and never rely on a database's collation.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, name)
}
