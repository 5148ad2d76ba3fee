package localiam

import (
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/policy"
)

// CallerKind says what sort of principal a caller is.
type CallerKind string

const (
	// KindUser is an IAM user, with his own key or a session of it (GetSessionToken).
	KindUser CallerKind = "user"
	// KindRoleSession is a session of a role.
	KindRoleSession CallerKind = "role session"
	// KindFederated is somebody for whom a user vouches (GetFederationToken).
	KindFederated CallerKind = "federated user"
	// KindRoot is a session as a member account's root user (AssumeRoot): what its task policy allows. Nobody else is root here.
	KindRoot CallerKind = "root"
)

// Caller is whose credentials a request was signed with. The zero Caller is nobody and may do nothing.
type Caller struct {
	Kind      CallerKind
	AccountID string
	// ARN is the user's ARN, or the session's (arn:aws:sts::…:assumed-role/…): what GetCallerIdentity answers.
	ARN string
	// PrincipalARN is the user's or the role's ARN, with its path.
	PrincipalARN string
	// UserID is AIDA…, or AROA…:session.
	UserID string
	// Name is the user's or the role's name.
	Name string
	// SessionName is the name of a role session; empty for users.
	SessionName string
	// PersonID is the identity store's id of the person for whom Identity Center made the session; else empty.
	PersonID string
	// SourceIdentity is who said he stands behind the session; it passes on from session to session.
	SourceIdentity string
	// AccessKeyID is the key the request was signed with.
	AccessKeyID string
	// Issued and Expires are zero for long-term keys.
	Issued, Expires time.Time

	uniqueID string  // AIDA… or AROA…
	session  *claims // nil for long-term keys
}

// Temporary reports whether the caller has temporary credentials.
func (c Caller) Temporary() bool { return c.session != nil }

// Actor is the caller for the audit log.
func (c Caller) Actor() audit.Actor {
	a := audit.Actor{Kind: audit.Principal, ID: c.ARN, Name: c.Name, AccountID: c.AccountID}
	if c.SessionName != "" {
		a.Name = c.SessionName
	}
	return a
}

// principal is the caller for the policy language.
func (c Caller) principal() policy.Principal {
	p := policy.Principal{Kind: policy.User, ARN: c.PrincipalARN, AccountID: c.AccountID, ID: c.uniqueID}
	switch c.Kind {
	case KindRoleSession:
		p.Kind, p.SessionARN = policy.RoleSession, c.ARN
	case KindFederated: // not the user himself: who trusts the user does not trust him
		p.Kind, p.SessionARN, p.ID = policy.RoleSession, c.ARN, ""
	case KindRoot:
		p.Kind, p.ID = policy.Root, ""
	case KindUser:
	default:
		p = policy.Principal{}
	}
	return p
}

// Credentials are a temporary access key and who it makes its holder.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	// Expires is when they stop working, exact to the second.
	Expires time.Time
	// ARN is the session's ARN, UserID AROA…:session (for GetSessionToken, the user's).
	ARN, UserID string
	// SourceIdentity is what the session carries.
	SourceIdentity string
	// PackedPolicySize is how much of the room for session policies and tags is used, in percent.
	PackedPolicySize int
}
