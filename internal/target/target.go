// Package target says what it is to be a place where roles live.
//
// A target is an account inside this server (package local) or a real AWS account. Package provision makes the
// roles at a target match what package access wants; the portal asks a target for credentials. What a target must
// do is the [Target] interface; every target passes the suite in targettest.
//
// A target never decides who may do what: it is told. What has been handed out, a [Revoker] can end.
package target

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Role is a role as it should be at a target, computed from a permission set.
type Role struct {
	AccountID string
	// Name is AWSReservedSSO_<set>_<16 hex>; Path /aws-reserved/sso.amazonaws.com/[region/].
	Name, Path  string
	Description string
	// ManagedPolicies are ARNs of AWS managed policies.
	ManagedPolicies []string
	// CustomerPolicies are policies that the account itself must have.
	CustomerPolicies []PolicyRef
	// InlinePolicy is a document or empty.
	InlinePolicy string
	// BoundaryARN or BoundaryPolicy is the permissions boundary; both empty for none.
	BoundaryARN    string
	BoundaryPolicy *PolicyRef
}

// PolicyRef names a customer managed policy in the role's own account.
type PolicyRef struct{ Name, Path string }

// InlinePolicyName is the name under which a set's inline policy stands in the role, as with AWS.
const InlinePolicyName = "AwsSSOInlinePolicy"

// MaxSessionDuration is what every such role allows, as with AWS; the set's own duration limits what is asked for.
const MaxSessionDuration = 12 * time.Hour

// Session says for whom and for how long credentials are wanted.
type Session struct {
	AccountID, RoleName string
	// SessionName is the user's name: the last part of the assumed-role ARN.
	SessionName string
	// UserID is the identity store's id of the person, so that all her sessions can be ended.
	UserID   string
	Duration time.Duration
	// Tags are session tags (attributes for access control).
	Tags map[string]string
}

// Visit says for whom credentials are wanted of a role that the account made itself, which the account access manager may ask for if the role's
// trust policy lets it.
type Visit struct {
	// RoleARN is the role, RoleID its unique id: another role of that ARN is not meant.
	RoleARN, RoleID string
	// ManagerARN is the account access manager, ManagerAccount the account it belongs to: aws:SourceArn and aws:SourceAccount.
	ManagerARN, ManagerAccount string
	// SessionName is the user's name, UserID her id in the identity store.
	SessionName, UserID string
	// Duration is 15 minutes to the role's maximum; zero means the maximum.
	Duration time.Duration
	// Tags are session tags (attributes for access control).
	Tags map[string]string
}

// Credentials are short-lived AWS credentials.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
	// RoleARN is the session's ARN: arn:aws:sts::<account>:assumed-role/<role>/<session>.
	RoleARN string
	// EndpointURL is where the credentials work; empty for AWS itself.
	EndpointURL string
}

// Target is a place where roles live. All methods may be called at the same time from several goroutines.
type Target interface {
	// Apply makes the role be exactly as given, with its trust and its SAML provider. It may be called again
	// with the same role. A customer managed policy that the account lacks is fault.NotFound whose message
	// is fit for FailureReason; the role is then as it was before.
	Apply(ctx context.Context, a audit.Actor, r Role) error
	// Remove takes the role away; one that is not there is success.
	Remove(ctx context.Context, a audit.Actor, accountID, roleName string) error
	// Credentials returns credentials of a session of the role.
	Credentials(ctx context.Context, s Session) (Credentials, error)
	// Visit returns credentials of a session of a role that the account made itself, for as long as the role allows. A role that is gone, or has
	// become another one, is fault.NotFound; one that a service keeps fault.Invalid; one that does not let the account access manager in is
	// fault.Denied "trust", with a message for the person.
	Visit(ctx context.Context, v Visit) (Credentials, error)
}
