package localiam

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Bounds of a session's life.
const (
	minSession     = 15 * time.Minute
	defaultSession = time.Hour
	maxSession     = 12 * time.Hour
	maxChained     = time.Hour // a role assumed by a role session
	maxUserSession = 36 * time.Hour
)

// SessionRequest is what a caller asks of AssumeRole.
type SessionRequest struct {
	// RoleARN is the role to assume, SessionName 2–64 characters of [\w+=,.@-].
	RoleARN, SessionName string
	// Duration is 15 minutes to the role's maximum; zero means an hour.
	Duration time.Duration
	// Policy and PolicyARNs (at most 10) narrow the session.
	Policy     string
	PolicyARNs []string
	// Tags are at most 50; TransitiveTags are keys of them that pass on to sessions assumed with this one.
	Tags           map[string]string
	TransitiveTags []string
	// ExternalID is what the role's trust policy may ask for.
	ExternalID string
	// SourceIdentity, once set, stays the same through all further sessions.
	SourceIdentity string
	// Contexts say on whose behalf the caller acts; at most one.
	Contexts []ProvidedContext

	person *PersonContext // what Contexts say, once believed
}

// AssumeRole makes a session of a role when its trust policy, and where needed the caller's own policies, allow that.
// What a caller may not assume and what does not exist look the same to him: a Denied fault. Reserved roles
// (AWSReservedSSO_…) are never assumed this way.
func (s *Service) AssumeRole(ctx context.Context, c Caller, in SessionRequest) (Credentials, error) {
	if c.Kind == "" {
		return Credentials{}, notAuthorized(c, "sts:AssumeRole", in.RoleARN) // a trust policy for everyone is still for those who have credentials
	}
	role, err := s.assumable(ctx, in.RoleARN)
	if fault.Is(err, fault.NotFound) {
		return Credentials{}, notAuthorized(c, "sts:AssumeRole", in.RoleARN)
	}
	if err != nil {
		return Credentials{}, err
	}
	if err := inherit(c, &in); err != nil {
		return Credentials{}, err
	}
	if err := s.openContext(ctx, c, &in); err != nil {
		return Credentials{}, err
	}
	for _, action := range in.actions() {
		if err := s.trusts(ctx, c, role, action, in); err != nil {
			return Credentials{}, err
		}
	}
	if err := s.checkSession(ctx, role, in); err != nil {
		return Credentials{}, err
	}
	chained := c.Kind == KindRoleSession
	duration, err := sessionDuration(in.Duration, role.MaxSessionDuration, chained)
	if err != nil {
		return Credentials{}, err
	}
	made := in.claims(role)
	made.Behind = c.session.person()
	if err := made.carry(c.session, in.person); err != nil {
		return Credentials{}, err
	}
	return s.issue(made, duration)
}

func notAuthorized(c Caller, action, resource string) error {
	return fault.New(fault.Denied, "User: %s is not authorized to perform: %s on resource: %s", c.ARN, action, resource)
}

// assumable finds the role with that very ARN, unless it is reserved.
func (s *Service) assumable(ctx context.Context, roleARN string) (Role, error) {
	r, err := s.roleByARN(ctx, roleARN)
	if err == nil && r.Protected {
		return Role{}, fault.New(fault.NotFound, "there is no such role")
	}
	return r, err
}

// roleByARN finds the role with that very ARN.
func (s *Service) roleByARN(ctx context.Context, roleARN string) (Role, error) {
	a, err := arn.Parse(roleARN)
	rest, isRole := strings.CutPrefix(a.Resource, "role/")
	if err != nil || !isRole || a.Service != "iam" || a.Region != "" || !arn.IsAccountID(a.AccountID) {
		return Role{}, fault.New(fault.Invalid, "%s is invalid", clip(roleARN)).At("RoleArn")
	}
	r, err := s.role(ctx, a.AccountID, rest[strings.LastIndexByte(rest, '/')+1:])
	if err != nil {
		return Role{}, err
	}
	if r.ARN() != roleARN {
		return Role{}, fault.New(fault.NotFound, "there is no such role")
	}
	return r, nil
}

// inherit carries over from the caller's session what passes on: the source identity and transitive tags.
func inherit(c Caller, in *SessionRequest) error {
	if c.session == nil {
		return nil
	}
	if c.SourceIdentity != "" {
		if in.SourceIdentity != "" && in.SourceIdentity != c.SourceIdentity {
			return fault.New(fault.Denied, "The session's source identity is set and cannot be changed")
		}
		in.SourceIdentity = c.SourceIdentity
	}
	if len(c.session.Transitive) == 0 {
		return nil
	}
	tags := maps.Clone(in.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	given := map[string]bool{}
	for key := range in.Tags {
		given[Fold(key)] = true
	}
	in.TransitiveTags = slices.Clone(in.TransitiveTags)
	for key, value := range c.session.Tags {
		if !slices.Contains(c.session.Transitive, Fold(key)) {
			continue
		}
		if given[Fold(key)] {
			return fault.New(fault.Invalid, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.").At("Tags")
		}
		tags[key] = value
		in.TransitiveTags = append(in.TransitiveTags, key)
	}
	in.Tags = tags
	return nil
}

// actions are all that a request needs to be allowed.
func (in SessionRequest) actions() []string {
	out := []string{"sts:AssumeRole"}
	if len(in.Tags) > 0 {
		out = append(out, "sts:TagSession")
	}
	if in.SourceIdentity != "" {
		out = append(out, "sts:SetSourceIdentity")
	}
	if len(in.Contexts) > 0 {
		out = append(out, "sts:SetContext")
	}
	return out
}

// context holds the keys that a trust policy asks about.
func (in SessionRequest) context() map[string][]string {
	out := policy.Context{}
	out.Set("sts:RoleSessionName", in.SessionName)
	if in.ExternalID != "" {
		out.Set("sts:ExternalId", in.ExternalID)
	}
	if in.SourceIdentity != "" {
		out.Set("sts:SourceIdentity", in.SourceIdentity)
	}
	for key, value := range in.Tags {
		out.Set("aws:RequestTag/"+key, value)
	}
	if len(in.Tags) > 0 {
		out.Set("aws:TagKeys", sortedKeys(in.Tags)...)
	}
	if len(in.TransitiveTags) > 0 {
		out.Set("sts:TransitiveTagKeys", in.TransitiveTags...)
	}
	in.person.requested(out)
	return out
}

// trusts asks the role's trust policy together with the caller's own policies.
func (s *Service) trusts(ctx context.Context, c Caller, r Role, action string, in SessionRequest) error {
	about := keysOf(r.Identity, "role")
	maps.Copy(about, in.context())
	q, p, err := s.question(ctx, c, Check{Action: action, Resource: r.ARN(), ResourceAccount: r.AccountID, Context: about})
	if err != nil {
		return err
	}
	trust, err := s.trust(r)
	if err != nil {
		return err
	}
	p.Resource, p.Trust = &policy.Named{Name: r.Name, Document: trust}, true
	if !policy.Evaluate(p, q).Allowed {
		return notAuthorized(c, action, r.ARN())
	}
	return nil
}

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// checkSession checks what the shapes do not say: names, session policies, tags.
func (s *Service) checkSession(ctx context.Context, r Role, in SessionRequest) error {
	if !sessionName.MatchString(in.SessionName) {
		return fault.New(fault.Invalid, `The role session name must have 2 to 64 characters of [\w+=,.@-].`).At("RoleSessionName")
	}
	if in.SourceIdentity != "" && (!sessionName.MatchString(in.SourceIdentity) || strings.HasPrefix(Fold(in.SourceIdentity), "aws:")) {
		return fault.New(fault.Invalid, `The source identity must have 2 to 64 characters of [\w+=,.@-].`).At("SourceIdentity")
	}
	if in.Policy != "" {
		if _, err := policy.Parse([]byte(in.Policy), policy.ForIdentity); err != nil {
			return err
		}
	}
	if len(in.PolicyARNs) > 10 {
		return fault.New(fault.Invalid, "At most 10 managed session policies can be given.").At("PolicyArns")
	}
	known, err := s.managed(ctx, r.AccountID, in.PolicyARNs)
	if err != nil {
		return err
	}
	for _, a := range in.PolicyARNs {
		if known[a] == nil {
			return fault.New(fault.Invalid, "The session policy %s does not exist.", clip(a)).For("malformed-policy").At("PolicyArns")
		}
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	for _, key := range in.TransitiveTags {
		if !hasFolded(in.Tags, key) {
			return fault.New(fault.Invalid, "The transitive tag key %s is not among the tags.", clip(key)).At("TransitiveTagKeys")
		}
	}
	if in.claims(r).packed() > 100 {
		return fault.New(fault.Quota, "The session policies and tags together exceed the packed size limit.").For("packed-policy")
	}
	return nil
}

func hasFolded(m map[string]string, key string) bool {
	for k := range m {
		if Fold(k) == Fold(key) {
			return true
		}
	}
	return false
}

// claims makes the session of the request.
func (in SessionRequest) claims(r Role) claims {
	c := claims{Kind: KindRoleSession, AccountID: r.AccountID, Name: r.Name, ID: r.ID, SessionName: in.SessionName, SourceIdentity: in.SourceIdentity,
		Policy: in.Policy, PolicyARNs: in.PolicyARNs, Tags: in.Tags}
	for _, key := range in.TransitiveTags {
		c.Transitive = append(c.Transitive, Fold(key))
	}
	return c
}

// sessionDuration checks a duration against the role and the chaining limit.
func sessionDuration(asked, roleMaximum time.Duration, chained bool) (time.Duration, error) {
	d := asked
	if d == 0 {
		d = min(defaultSession, roleMaximum)
	}
	switch {
	case d < minSession || d > maxSession:
		return 0, fault.New(fault.Invalid, "DurationSeconds must be between 900 and 43200.").At("DurationSeconds")
	case d > roleMaximum:
		return 0, fault.New(fault.Invalid, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.").At("DurationSeconds")
	case chained && d > maxChained:
		return 0, fault.New(fault.Invalid, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.").At("DurationSeconds")
	}
	return d, nil
}

// SessionToken makes temporary credentials of the calling user himself (GetSessionToken). duration is 15 minutes to
// 36 hours; zero means 12 hours. Only a user with a long-term key may ask.
func (s *Service) SessionToken(_ context.Context, c Caller, duration time.Duration) (Credentials, error) {
	if c.Kind != KindUser || c.Temporary() {
		return Credentials{}, fault.New(fault.Denied, "Cannot call GetSessionToken with session credentials")
	}
	if duration == 0 {
		duration = maxSession
	}
	if duration < minSession || duration > maxUserSession {
		return Credentials{}, fault.New(fault.Invalid, "DurationSeconds must be between 900 and 129600.").At("DurationSeconds")
	}
	out, err := s.issue(claims{Kind: KindUser, AccountID: c.AccountID, Name: c.Name, ID: c.uniqueID}, duration)
	out.ARN = c.ARN
	return out, err
}

// KeyAccount returns the account of an access key (GetAccessKeyInfo), of a long-term key by looking it up. A temporary key is
// not kept anywhere, and its id tells the account, as with AWS.
func (s *Service) KeyAccount(ctx context.Context, keyID string) (string, error) {
	if strings.HasPrefix(keyID, "ASIA") {
		account, ok := arn.AccessKeyAccount(keyID)
		if !ok {
			return "", fault.New(fault.NotFound, "there is no such key")
		}
		return account, nil
	}
	k, err := s.cfg.Store.AccessKey(ctx, keyID)
	return k.AccountID, err
}

func clip(s string) string {
	if len(s) > 128 {
		return s[:128] + "…"
	}
	return s
}
