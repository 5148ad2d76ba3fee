package localiam

import (
	"context"
	"maps"
	"slices"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Assertions verifies SAML assertions.
type Assertions interface {
	// VerifyAssertion checks a base64 SAML response against the provider's metadata: signature, audience (STS's
	// own), recipient and times. Anything doubtful is an Invalid or Denied fault.
	VerifyAssertion(ctx context.Context, provider SAMLProvider, response string, now time.Time) (Assertion, error)
}

// Assertion is what a verified SAML assertion says, by the attributes that STS knows
// (https://aws.amazon.com/SAML/Attributes/…).
type Assertion struct {
	// Roles are the pairs of role and provider ARN in the attribute Role.
	Roles []RoleGrant
	// SessionName is RoleSessionName, Duration SessionDuration (zero if absent), SourceIdentity and Tags
	// (PrincipalTag:…) likewise.
	SessionName    string
	Duration       time.Duration
	SourceIdentity string
	Tags           map[string]string
	TransitiveTags []string
	// Subject is the NameID, SubjectType its format ("persistent", "transient" or a URI), Issuer and Audience as
	// in the assertion, NameQualifier the hash that STS answers.
	Subject, SubjectType, Issuer, Audience, NameQualifier string
	// NotOnOrAfter bounds the session, when the provider says so (SessionNotOnOrAfter).
	NotOnOrAfter time.Time
}

// RoleGrant is one pair of the attribute Role.
type RoleGrant struct{ RoleARN, ProviderARN string }

// FederationRequest is what AssumeRoleWithSAML is asked.
type FederationRequest struct {
	RoleARN, ProviderARN string
	// Response is the base64 SAML response.
	Response   string
	Duration   time.Duration
	Policy     string
	PolicyARNs []string
}

// AssumeRoleWithSAML makes a session of a role for the subject of a SAML assertion. Reserved roles are refused, as AWS
// refuses them.
func (s *Service) AssumeRoleWithSAML(ctx context.Context, in FederationRequest) (Credentials, Assertion, error) {
	refused := fault.New(fault.Denied, "Not authorized to perform sts:AssumeRoleWithSAML")
	if s.cfg.SAML == nil {
		return Credentials{}, Assertion{}, refused
	}
	// The assertion before the role: whoever has none must not learn by the refusal which roles there are.
	provider, err := s.provider(ctx, in.ProviderARN)
	if fault.Is(err, fault.NotFound) {
		return Credentials{}, Assertion{}, refused
	}
	if err != nil {
		return Credentials{}, Assertion{}, err
	}
	said, err := s.cfg.SAML.VerifyAssertion(ctx, provider, in.Response, s.cfg.Now())
	if err != nil {
		return Credentials{}, Assertion{}, err
	}
	role, err := s.assumable(ctx, in.RoleARN)
	if fault.Is(err, fault.NotFound) {
		return Credentials{}, said, refused
	}
	if err != nil {
		return Credentials{}, said, err
	}
	if provider.AccountID != role.AccountID || !slices.Contains(said.Roles, RoleGrant{in.RoleARN, in.ProviderARN}) {
		return Credentials{}, said, refused
	}
	c, err := s.federate(ctx, role, provider, in, said)
	return c, said, err
}

func (s *Service) federate(ctx context.Context, role Role, provider SAMLProvider, in FederationRequest, said Assertion) (Credentials, error) {
	want := SessionRequest{RoleARN: in.RoleARN, SessionName: said.SessionName, Duration: in.Duration, Policy: in.Policy, PolicyARNs: in.PolicyARNs,
		Tags: said.Tags, TransitiveTags: said.TransitiveTags, SourceIdentity: said.SourceIdentity}
	actions := want.actions()
	actions[0] = "sts:AssumeRoleWithSAML"
	for _, action := range actions {
		if err := s.trustsProvider(ctx, role, provider, action, want, said); err != nil {
			return Credentials{}, err
		}
	}
	if err := s.checkSession(ctx, role, want); err != nil {
		return Credentials{}, err
	}
	if want.Duration == 0 {
		want.Duration = said.Duration
	}
	duration, err := sessionDuration(want.Duration, role.MaxSessionDuration, false)
	if err != nil {
		return Credentials{}, err
	}
	if !said.NotOnOrAfter.IsZero() {
		if duration = min(duration, said.NotOnOrAfter.Sub(s.cfg.Now())); duration <= 0 {
			return Credentials{}, fault.New(fault.Invalid, "The session that the assertion speaks of is over.").For("expired-assertion")
		}
	}
	c := want.claims(role)
	c.Provider = provider.ARN()
	return s.issue(c, duration)
}

// trustsProvider asks the role's trust policy about the provider; whoever has no credentials yet has no policies of
// his own.
func (s *Service) trustsProvider(ctx context.Context, r Role, p SAMLProvider, action string, want SessionRequest, said Assertion) error {
	trust, err := s.trust(r)
	if err != nil {
		return err
	}
	k := Check{Action: action, Resource: r.ARN(), ResourceAccount: r.AccountID, Context: keysOf(r.Identity, "role")}
	maps.Copy(k.Context, want.context())
	caller := Caller{PrincipalARN: p.ARN(), AccountID: p.AccountID}
	about := s.context(ctx, caller, k, &rights{}, Standing{})
	for key, value := range map[string]string{"SAML:aud": said.Audience, "SAML:iss": said.Issuer, "SAML:sub": said.Subject, "SAML:sub_type": said.SubjectType, "SAML:namequalifier": said.NameQualifier, "aws:FederatedProvider": p.ARN()} {
		if value != "" {
			about.Set(key, value)
		}
	}
	q := policy.Request{Principal: policy.Principal{Kind: policy.Federated, ARN: p.ARN(), AccountID: p.AccountID}, Action: action, Resource: r.ARN(), ResourceAccount: r.AccountID, Context: about}
	d := policy.Evaluate(policy.Policies{Resource: &policy.Named{Name: r.Name, Document: trust}, Trust: true}, q)
	if !d.Allowed {
		return fault.New(fault.Denied, "Not authorized to perform %s", action)
	}
	return nil
}

// provider finds a SAML provider by its ARN.
func (s *Service) provider(ctx context.Context, providerARN string) (SAMLProvider, error) {
	account, name, err := splitARN(providerARN, "saml-provider/")
	if err != nil {
		return SAMLProvider{}, err
	}
	p, err := s.cfg.Store.SAMLProvider(ctx, account, name)
	if err == nil && p.ARN() != providerARN {
		return SAMLProvider{}, fault.New(fault.NotFound, "there is no such provider")
	}
	return p, err
}

// SSOSession is what a person's session of a reserved role is made of.
type SSOSession struct {
	AccountID, RoleName string
	// SessionName is the person's user name.
	SessionName string
	// PersonID is the identity store's id of the person; a revocation of [PersonSubject] ends the session.
	PersonID string
	// Duration is 15 minutes to 12 hours.
	Duration time.Duration
	// Tags are attributes for access control.
	Tags map[string]string
}

// IssueForSSO makes a session of a reserved role for a person. Whether the person is entitled to it was decided by the
// caller of this method; here only the role's own limits are checked. NotFound: the role does not exist, or is not a reserved one.
func (s *Service) IssueForSSO(ctx context.Context, in SSOSession) (Credentials, error) {
	r, err := s.role(ctx, in.AccountID, in.RoleName)
	if err != nil {
		return Credentials{}, err
	}
	if !r.Protected {
		return Credentials{}, fault.New(fault.NotFound, "There is no reserved role %s in account %s.", clip(in.RoleName), in.AccountID).About("ROLE", in.RoleName)
	}
	want := SessionRequest{SessionName: in.SessionName, Tags: in.Tags}
	if err := s.checkSession(ctx, r, want); err != nil {
		return Credentials{}, err
	}
	duration, err := sessionDuration(in.Duration, r.MaxSessionDuration, false)
	if err != nil {
		return Credentials{}, err
	}
	c := want.claims(r)
	c.PersonID, c.Provider = in.PersonID, arn.IAM(in.AccountID, "saml-provider/"+ReservedProviderName(in.AccountID))
	return s.issue(c, duration)
}
