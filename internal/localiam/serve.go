package localiam

import (
	"context"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// ServiceSession is a session of a customer's role that an AWS service makes for a person (account access manager).
type ServiceSession struct {
	// RoleARN is the role, RoleID its unique id: another role of that ARN is not meant.
	RoleARN, RoleID string
	// Service is the service principal that the role must trust ("account-access.amazonaws.com"); SourceARN and SourceAccount are on whose behalf it
	// acts, as the trust policy may ask (aws:SourceArn, aws:SourceAccount).
	Service, SourceARN, SourceAccount string
	// SessionName is the person's user name, PersonID her id in the identity store; a revocation of [PersonSubject] ends the session.
	SessionName, PersonID string
	// Duration is 15 minutes to the role's maximum; zero means the maximum.
	Duration time.Duration
	// Tags are attributes for access control.
	Tags map[string]string
}

// CustomerRole returns the role with that very ARN. NotFound if there is none, Invalid if it is one that a service keeps.
func (s *Service) CustomerRole(ctx context.Context, roleARN string) (Role, error) {
	r, err := s.roleByARN(ctx, roleARN)
	if err == nil && r.Protected {
		return Role{}, invalid("RoleArn", "The role %s is reserved: AWS services alone use it.", clip(roleARN))
	}
	return r, err
}

// IssueForService makes a session of a customer's role if its trust policy lets the service in: sts:AssumeRole, and sts:SetContext, by which it
// says who the person is. Whether the person is entitled to the role was decided by the caller of this method.
//
// Session tags need sts:TagSession. A trust policy that does not speak of it gets the session without them, as with AWS (IAM User Guide, «Prepare
// your IAM roles»); one that denies it refuses the session, which might be allowed what a policy denies by a tag.
//
// Faults: NotFound if the role is gone or another bears its ARN; Denied "trust" if the role does not let the service in.
func (s *Service) IssueForService(ctx context.Context, in ServiceSession) (Credentials, error) {
	r, err := s.CustomerRole(ctx, in.RoleARN)
	if err == nil && r.ID != in.RoleID {
		err = fault.New(fault.NotFound, "The role %s is another one than was meant.", clip(in.RoleARN)).About("ROLE", in.RoleARN)
	}
	if err != nil {
		return Credentials{}, err
	}
	want := SessionRequest{RoleARN: in.RoleARN, SessionName: in.SessionName, Tags: in.Tags}
	if len(in.Tags) > 0 {
		d, err := s.trustsService(ctx, r, "sts:TagSession", in, want)
		if err != nil {
			return Credentials{}, err
		}
		if d.Explicit {
			return Credentials{}, distrusted(in, "sts:TagSession")
		}
		if !d.Allowed {
			want.Tags = nil
		}
	}
	for _, action := range []string{"sts:AssumeRole", "sts:SetContext"} {
		if d, err := s.trustsService(ctx, r, action, in, want); err != nil {
			return Credentials{}, err
		} else if !d.Allowed {
			return Credentials{}, distrusted(in, action)
		}
	}
	if err := s.checkSession(ctx, r, want); err != nil {
		return Credentials{}, err
	}
	if in.Duration == 0 {
		in.Duration = r.MaxSessionDuration
	}
	duration, err := sessionDuration(in.Duration, r.MaxSessionDuration, false)
	if err != nil {
		return Credentials{}, err
	}
	c := want.claims(r)
	c.PersonID = in.PersonID
	return s.issue(c, duration)
}

func distrusted(in ServiceSession, action string) error {
	return fault.New(fault.Denied, "The trust policy of %s does not allow %s to the service %s (aws:SourceArn is %s). Ask whoever administers the account to add it.",
		clip(in.RoleARN), action, in.Service, in.SourceARN).For("trust")
}

// trustsService asks the role's trust policy about the service. It has no policies of its own.
func (s *Service) trustsService(ctx context.Context, r Role, action string, in ServiceSession, want SessionRequest) (policy.Decision, error) {
	trust, err := s.trust(r)
	if err != nil {
		return policy.Decision{}, err
	}
	k := Check{Action: action, Resource: r.ARN(), ResourceAccount: r.AccountID, Context: want.context()}
	about := s.context(ctx, Caller{}, k, &rights{}, Standing{})
	delete(about, "aws:principalarn") // a service has neither; keys are kept in folded case
	delete(about, "aws:principalaccount")
	about.Set("aws:PrincipalIsAWSService", "true")
	about.Set("aws:PrincipalServiceName", in.Service)
	about.Set("aws:SourceArn", in.SourceARN)
	about.Set("aws:SourceAccount", in.SourceAccount)
	if s.cfg.Organization != nil {
		source, err := s.cfg.Organization.Standing(ctx, in.SourceAccount)
		if err != nil {
			return policy.Decision{}, err
		}
		if source.OrganizationID != "" {
			about.Set("aws:SourceOrgID", source.OrganizationID)
			about.Set("aws:SourceOrgPaths", source.Path)
		}
	}
	q := policy.Request{Principal: policy.Principal{Kind: policy.Service, Service: in.Service}, Action: action, Resource: r.ARN(), ResourceAccount: r.AccountID, Context: about}
	return policy.Evaluate(policy.Policies{Resource: &policy.Named{Name: r.Name, Document: trust}, Trust: true}, q), nil
}
