package localiam

import (
	"context"
	"regexp"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
)

var federatedName = regexp.MustCompile(`^[\w+=,.@-]{2,32}$`)

// FederatedRequest is what GetFederationToken is asked.
type FederatedRequest struct {
	// Name is 2–32 characters of [\w+=,.@-].
	Name string
	// Duration is 15 minutes to 36 hours; zero means 12 hours.
	Duration time.Duration
	// Policy and PolicyARNs narrow the session; without any the session may do nothing.
	Policy     string
	PolicyARNs []string
	Tags       map[string]string
}

// FederationToken makes temporary credentials for somebody whom the calling user vouches for: what both the user's policies and
// those of the session allow, but nothing of IAM and of STS only GetCallerIdentity. Only a user with a long-term key may ask.
func (s *Service) FederationToken(ctx context.Context, c Caller, in FederatedRequest) (Credentials, error) {
	if c.Kind != KindUser || c.Temporary() {
		return Credentials{}, fault.New(fault.Denied, "Cannot call GetFederationToken with session credentials")
	}
	if !federatedName.MatchString(in.Name) {
		return Credentials{}, fault.New(fault.Invalid, `The name must have 2 to 32 characters of [\w+=,.@-].`).At("Name")
	}
	// The bounds of session policies and tags are those of role sessions.
	about := SessionRequest{SessionName: in.Name, Policy: in.Policy, PolicyARNs: in.PolicyARNs, Tags: in.Tags}
	if err := s.checkSession(ctx, Role{Identity: Identity{AccountID: c.AccountID}}, about); err != nil {
		return Credentials{}, err
	}
	duration := in.Duration
	if duration == 0 {
		duration = maxSession
	}
	if duration < minSession || duration > maxUserSession {
		return Credentials{}, fault.New(fault.Invalid, "DurationSeconds must be between 900 and 129600.").At("DurationSeconds")
	}
	out, err := s.issue(claims{Kind: KindFederated, AccountID: c.AccountID, Name: c.Name, ID: c.uniqueID, SessionName: in.Name, Policy: in.Policy, PolicyARNs: in.PolicyARNs, Tags: in.Tags}, duration)
	out.ARN, out.UserID = federatedARN(c.AccountID, in.Name), c.AccountID+":"+in.Name
	return out, err
}

func federatedARN(accountID, name string) string {
	return arn.ARN{Partition: "aws", Service: "sts", AccountID: accountID, Resource: "federated-user/" + name}.String()
}
