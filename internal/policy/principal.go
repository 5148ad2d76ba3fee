package policy

import (
	"regexp"
	"strings"

	"gatehouse/internal/arn"
)

// PrincipalKind says what sort of party makes a request.
type PrincipalKind uint8

const (
	// Anonymous is nobody: no credentials.
	Anonymous PrincipalKind = iota
	// Root is an account's root user. No identity policy limits it.
	Root
	// User is an IAM user.
	User
	// RoleSession is a session of a role.
	RoleSession
	// Federated is a person known by a SAML provider who has no credentials yet.
	Federated
	// Service is an AWS service.
	Service
)

// Principal is the party that makes a request.
type Principal struct {
	Kind PrincipalKind
	// ARN is the root's, the user's, or the role's ARN (with its path); for Federated the provider's.
	// It is what aws:PrincipalArn holds.
	ARN string
	// SessionARN is the assumed-role ARN of a RoleSession; empty for others.
	SessionARN string
	// AccountID is the account the principal belongs to, 12 digits.
	AccountID string
	// ID is the unique id of the user or role (AIDA…, AROA…), which trust policies may name too.
	ID string
	// Service is a service principal's name ("sso.amazonaws.com"); for Kind Service only.
	Service string
}

// Name returns the ARN by which messages speak of the principal.
func (p Principal) Name() string {
	switch {
	case p.SessionARN != "":
		return p.SessionARN
	case p.Kind == Service:
		return p.Service
	case p.Kind == Anonymous:
		return "anonymous"
	default:
		return p.ARN
	}
}

// principals is a compiled Principal or NotPrincipal element.
type principals struct {
	everyone  bool
	accounts  map[string]bool // delegation to a whole account
	aws       map[string]bool // ARNs of users, roles and sessions, and unique ids
	federated map[string]bool
	services  map[string]bool
}

// reach says how a principal element names a principal.
type reach uint8

const (
	notNamed     reach = iota
	throughOwner       // its account is named: the account's own policies must allow too
	named              // the role or user itself, or everyone
	namedSession       // the very session, which even boundary and session policies do not limit by omission
)

func (s *principals) names(p Principal) reach {
	switch {
	case p.Kind == Service:
		return reachIf(s.everyone || s.services[p.Service], named)
	case p.Kind == Federated:
		return max(reachIf(s.everyone || s.federated[p.ARN], named), reachIf(s.accounts[p.AccountID], throughOwner))
	case s.everyone:
		return named
	case p.Kind == Anonymous:
		return notNamed
	case p.SessionARN != "" && s.aws[p.SessionARN]:
		return namedSession
	case p.Kind == User && (s.aws[p.ARN] || s.aws[p.ID]):
		return namedSession // a user named directly is limited by no boundary's omission either
	case s.aws[p.ARN], p.ID != "" && s.aws[p.ID]:
		return named
	default:
		return reachIf(s.accounts[p.AccountID], throughOwner)
	}
}

func reachIf(b bool, r reach) reach {
	if b {
		return r
	}
	return notNamed
}

var (
	uniqueID      = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,124}$`)
	awsIdentity   = regexp.MustCompile(`^arn:aws(-[a-z]{1,5}){0,3}:(iam::(\d{12}):(root|(role|user)/\S+)|sts::\d{12}:(assumed-role/[^/\s]+/\S+|federated-user/\S+))$`)
	canonicalUser = regexp.MustCompile(`^[0-9a-f]{64}$`)
	serviceName   = regexp.MustCompile(`^[a-z0-9.-]{1,120}\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|api\.aws)$`)
	federation    = regexp.MustCompile(`^(arn:aws(-[a-z]{1,5}){0,3}:iam::\d{12}:(saml|oidc)-provider/\S+|[a-z0-9.-]{3,250})$`)
)

// addAWS adds an entry of {"AWS": …}. It reports whether the entry has a form that IAM knows.
func (s *principals) addAWS(v string) bool {
	switch {
	case v == "*":
		s.everyone = true
	case arn.IsAccountID(v):
		s.accounts[v] = true
	case uniqueID.MatchString(v):
		s.aws[v] = true
	default:
		m := awsIdentity.FindStringSubmatch(v)
		if m == nil || strings.ContainsAny(v, "*?$") { // neither wildcards nor variables stand for somebody
			return false
		}
		if m[4] == "root" {
			s.accounts[m[3]] = true
		} else {
			s.aws[v] = true
		}
	}
	return true
}

// add adds an entry of the given kind of principal.
func (s *principals) add(kind, v string) bool {
	switch kind {
	case "AWS":
		return s.addAWS(v)
	case "Service":
		s.services[v] = true
		return serviceName.MatchString(v)
	case "Federated":
		s.federated[v] = true
		return federation.MatchString(v)
	case "CanonicalUser":
		return canonicalUser.MatchString(v) // an S3 owner; nobody here is one
	default:
		return false
	}
}

// spares reports whether a NotPrincipal element takes p out of the statement. Naming the account beside
// the user is how AWS wants a Deny to be written, and does not spare the account's other users; in an Allow
// naming the account leaves them all out.
func (s *principals) spares(p Principal, effect Effect) bool {
	r := s.names(p)
	if effect == Deny && p.Kind != Root {
		return r >= named
	}
	return r != notNamed
}

func newPrincipals() *principals {
	return &principals{accounts: map[string]bool{}, aws: map[string]bool{}, federated: map[string]bool{}, services: map[string]bool{}}
}
