package localiam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/jwt"
	"gatehouse/internal/policy"
)

// Identities verifies tokens of OIDC providers with the keys that they publish; *jwt.Keyring does.
type Identities interface {
	VerifyAs(ctx context.Context, token string, p jwt.Params) (jwt.Claims, error)
}

// Reasons of refusals of web identity tokens.
const (
	// ReasonIdentityToken: the token is not believed. (InvalidIdentityToken)
	ReasonIdentityToken = "identity-token"
	// ReasonIdentityExpired: it was good once. (ExpiredTokenException)
	ReasonIdentityExpired = "identity-token-expired"
	// ReasonIDPUnreachable: its provider does not answer; trying again may help. (IDPCommunicationError)
	ReasonIDPUnreachable = "idp-unreachable"
)

func untrusted(format string, args ...any) *fault.Fault {
	return fault.New(fault.Invalid, format, args...).For(ReasonIdentityToken).At("WebIdentityToken")
}

// WebIdentityRequest is what AssumeRoleWithWebIdentity is asked.
type WebIdentityRequest struct {
	RoleARN, SessionName string
	// Token is an ID token of an OIDC provider. ProviderID names one that gives out other tokens; none of them is believed here.
	Token, ProviderID string
	Duration          time.Duration
	Policy            string
	PolicyARNs        []string
}

// WebIdentity is whom a web identity token names.
type WebIdentity struct {
	// Subject and Issuer are the claims "sub" and "iss"; Audience is the client that the token is for.
	Subject, Issuer, Audience string

	provider federator
	// keys are the condition keys that the token gives: in the trust policy, and in policies of the session.
	keys   map[string][]string
	tags   map[string]string
	passed []string // keys of tags that pass on
	source string
}

// federator is who vouches: an OIDC provider of the account, or one that every account knows.
type federator struct {
	// principal is how trust policies name it, prefix how condition keys begin.
	principal, prefix string
	// audiences are the account's client ids; nil for one that every account knows: then the trust policy must name them.
	audiences []string
	known     bool
}

// knownProviders are those that trust policies name without an OIDC provider in the account, by issuer (IAM User Guide, «Create a role for OpenID Connect
// federation»). Facebook and Login with Amazon give out no ID tokens.
var knownProviders = map[string]string{
	"https://accounts.google.com":            "accounts.google.com",
	"https://cognito-identity.amazonaws.com": "cognito-identity.amazonaws.com",
}

// furtherClaims are claims of a provider that become condition keys besides "sub", "aud", "oaud", "amr" and "email", by the provider's prefix.
var furtherClaims = map[string][]string{
	"token.actions.githubusercontent.com": {"actor", "actor_id", "environment", "enterprise", "enterprise_id", "job_workflow_ref", "ref", "repository", "repository_id",
		"repository_owner", "repository_owner_id", "workflow", "workflow_ref"},
}

// AssumeRoleWithWebIdentity makes a session of a role for whom a token of an OIDC provider names. Whoever shows no token that is believed learns
// nothing about roles.
//
// Faults: Invalid with one of the reasons above; Denied if the role does not trust the provider with such a token; as AssumeRole.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in WebIdentityRequest) (Credentials, WebIdentity, error) {
	account, _, err := splitARN(in.RoleARN, "role/")
	if err != nil {
		return Credentials{}, WebIdentity{}, fault.New(fault.Invalid, "%s is invalid", clip(in.RoleARN)).At("RoleArn")
	}
	who, err := s.webIdentity(ctx, account, in)
	if err != nil {
		return Credentials{}, who, err
	}
	refused := fault.New(fault.Denied, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	role, err := s.assumable(ctx, in.RoleARN)
	if fault.Is(err, fault.NotFound) {
		return Credentials{}, who, refused
	}
	if err != nil {
		return Credentials{}, who, err
	}
	want := SessionRequest{RoleARN: in.RoleARN, SessionName: in.SessionName, Duration: in.Duration, Policy: in.Policy, PolicyARNs: in.PolicyARNs,
		Tags: who.tags, TransitiveTags: who.passed, SourceIdentity: who.source}
	actions := want.actions()
	actions[0] = "sts:AssumeRoleWithWebIdentity"
	for _, action := range actions {
		if err := s.trustsIdentity(ctx, role, who, action, want); err != nil {
			return Credentials{}, who, err
		}
	}
	if err := s.checkSession(ctx, role, want); err != nil {
		return Credentials{}, who, err
	}
	duration, err := sessionDuration(want.Duration, role.MaxSessionDuration, false)
	if err != nil {
		return Credentials{}, who, err
	}
	made := want.claims(role)
	made.Provider, made.Web = who.provider.principal, who.keys
	c, err := s.issue(made, duration)
	return c, who, err
}

// webIdentity verifies a token shown to an account.
func (s *Service) webIdentity(ctx context.Context, account string, in WebIdentityRequest) (WebIdentity, error) {
	if in.ProviderID != "" {
		return WebIdentity{}, untrusted("OAuth 2.0 access tokens of %s are not accepted; only OpenID Connect ID tokens are", clip(in.ProviderID))
	}
	issuer, err := jwt.Issuer(in.Token)
	if err != nil {
		return WebIdentity{}, untrusted("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)").Because(err)
	}
	by, err := s.federator(ctx, account, issuer)
	if err != nil {
		return WebIdentity{}, err
	}
	p := jwt.Params{Issuer: issuer, Authorized: true, Audiences: by.audiences}
	if by.known {
		p.Audiences = jwt.Audiences(in.Token) // the trust policy decides about them
	}
	said, err := s.cfg.Identities.VerifyAs(ctx, in.Token, p)
	if err != nil {
		return WebIdentity{}, s.unbelieved(err, said)
	}
	return by.identity(said, issuer)
}

// federator finds who vouches for an issuer's tokens in an account.
func (s *Service) federator(ctx context.Context, account, issuer string) (federator, error) {
	none := untrusted("No OpenIDConnect provider found in your account for %s", clip(issuer))
	name, ok := strings.CutPrefix(issuer, "https://")
	if !ok || s.cfg.Identities == nil || strings.HasPrefix(issuer, s.cfg.URL+"/") { // tokens of this server are for others
		return federator{}, none
	}
	if known, ok := knownProviders[issuer]; ok {
		return federator{principal: known, prefix: known, known: true}, nil
	}
	p, err := s.cfg.Store.OIDCProvider(ctx, account, name)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) || err == nil && p.URL != name {
		return federator{}, none
	}
	return federator{principal: p.ARN(), prefix: p.URL, audiences: p.ClientIDs}, err
}

// unbelieved tells why a token is refused, in AWS's words where they are known.
func (s *Service) unbelieved(err error, said jwt.Claims) error {
	f := fault.Of(err)
	switch {
	case f.Kind == fault.Unavailable && fault.Is(errors.Unwrap(f), fault.Unavailable):
		return fault.New(fault.Invalid, "The identity provider that was asked to verify the incoming identity token could not be reached").For(ReasonIDPUnreachable).Because(err)
	case f.Kind == fault.Unavailable, errors.Is(err, jwt.ErrKey):
		return untrusted("Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements").Because(err)
	case errors.Is(err, jwt.ErrAudience):
		return untrusted("Incorrect token audience").Because(err)
	case errors.Is(err, jwt.ErrExpired):
		return fault.New(fault.Invalid, "Token expired: current date/time %d must be before the expiration date/time %d", s.cfg.Now().Unix(), said.Until.Add(-jwt.Skew).Unix()).For(ReasonIdentityExpired).Because(err)
	case f.Kind == fault.Invalid:
		return untrusted("The web identity token that was passed is not accepted: %s", f.Message).Because(err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, "the request ended before the identity provider answered").Because(err)
	}
	return err
}

// Bounds of what a token brings into a session, whose own token travels with every request: the subject in characters, all condition keys in bytes.
const (
	maxSubject   = 255
	maxWebClaims = 3 << 10
)

// identity reads what STS knows of a verified token's claims.
func (by federator) identity(said jwt.Claims, issuer string) (WebIdentity, error) {
	all := said.All()
	who := WebIdentity{Subject: said.Subject, Issuer: issuer, provider: by, keys: map[string][]string{}}
	if who.Subject == "" {
		return who, untrusted("Missing a required claim: sub")
	}
	if len(who.Subject) > maxSubject {
		return who, untrusted("The claim sub has more than %d characters", maxSubject)
	}
	set := func(name string, values []string) {
		if len(values) > 0 {
			who.keys[by.prefix+":"+name] = values
		}
	}
	aud := texts(all["aud"])
	if aud == nil && all["aud"] != nil {
		return who, untrusted("The claim aud is malformed")
	}
	if azp, ok := said.Text("azp"); ok { // the client that asked for the token; whom it is shown to is then "oaud"
		set("oaud", aud)
		aud = []string{azp}
	}
	set("aud", aud)
	set("sub", []string{who.Subject})
	for _, name := range append([]string{"amr", "email"}, furtherClaims[by.prefix]...) {
		set(name, texts(all[name]))
	}
	n := 0
	for key, values := range who.keys {
		n += len(key) + size(values)
	}
	if n > maxWebClaims {
		return who, untrusted("The claims that become condition keys have more than %d bytes", maxWebClaims)
	}
	who.Audience = aud[0]
	if i := slices.IndexFunc(aud, func(a string) bool { return slices.Contains(by.audiences, a) }); i > 0 {
		who.Audience = aud[i]
	}
	return who, who.readTags(all)
}

// texts reads a claim that is a string or a list of strings; what else it is counts as absent.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		out := make([]string, 0, len(v))
		for _, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil
			}
			out = append(out, s)
		}
		return out
	}
	return nil
}

// Claims by which a provider sets session tags and the source identity (IAM User Guide, «Passing session tags in AWS STS»).
const (
	tagsClaim   = "https://aws.amazon.com/tags"
	sourceClaim = "https://aws.amazon.com/source_identity"
)

// readTags reads session tags, in the nested form of the claim and in the flat one, and the source identity.
func (who *WebIdentity) readTags(all map[string]any) error {
	malformed := untrusted("The claim %s is malformed", tagsClaim)
	who.tags = map[string]string{}
	add := func(key string, v any) bool {
		values := texts(v)
		if _, twice := who.tags[key]; twice || len(values) != 1 {
			return false
		}
		who.tags[key] = values[0]
		return true
	}
	if v, there := all[tagsClaim]; there {
		m, ok := v.(map[string]any)
		if !ok {
			return malformed
		}
		principal, there := m["principal_tags"]
		tags, ok := principal.(map[string]any)
		if there && !ok {
			return malformed
		}
		for key, v := range tags {
			if !add(key, v) {
				return malformed
			}
		}
		if passed, there := m["transitive_tag_keys"]; there {
			if who.passed = texts(passed); who.passed == nil {
				return malformed
			}
		}
	}
	for name, v := range all {
		if key, ok := strings.CutPrefix(name, tagsClaim+"/principal_tags/"); ok && !add(key, v) {
			return malformed
		}
	}
	if passed, there := all[tagsClaim+"/transitive_tag_keys"]; there {
		flat := texts(passed)
		if flat == nil {
			return malformed
		}
		who.passed = append(who.passed, flat...)
	}
	if v, there := all[sourceClaim]; there {
		s, ok := v.(string)
		if !ok || s == "" {
			return untrusted("The claim %s is malformed", sourceClaim)
		}
		who.source = s
	}
	return nil
}

// trustsIdentity asks the role's trust policy about the provider and what its token says.
func (s *Service) trustsIdentity(ctx context.Context, r Role, who WebIdentity, action string, want SessionRequest) error {
	refused := fault.New(fault.Denied, "Not authorized to perform %s", action)
	trust, err := s.trust(r)
	if err != nil {
		return err
	}
	k := Check{Action: action, Resource: r.ARN(), ResourceAccount: r.AccountID, Context: want.context()}
	about := s.context(ctx, Caller{PrincipalARN: who.provider.principal, AccountID: r.AccountID}, k, &rights{}, Standing{})
	for key, values := range who.keys {
		about.Set(key, values...)
	}
	about.Set("aws:FederatedProvider", who.provider.principal)
	q := policy.Request{Principal: policy.Principal{Kind: policy.Federated, ARN: who.provider.principal, AccountID: r.AccountID}, Action: action, Resource: r.ARN(), ResourceAccount: r.AccountID, Context: about}
	asked := policy.Policies{Resource: &policy.Named{Name: r.Name, Document: trust}, Trust: true}
	if !policy.Evaluate(asked, q).Allowed {
		return refused
	}
	if !who.provider.known {
		return nil
	}
	// A provider that everybody knows gives tokens for everybody's clients. A trust policy that takes them whichever client they are for
	// would let in whoever runs one; so a policy that would take a client that there is not takes none.
	sum := sha256.Sum256([]byte(who.Audience))
	about.Set(who.provider.prefix+":aud", "no-client-"+hex.EncodeToString(sum[:]))
	about.Set(who.provider.prefix+":oaud", "no-client-"+hex.EncodeToString(sum[:]))
	if policy.Evaluate(asked, q).Allowed {
		return refused
	}
	return nil
}
