package localiam

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Check is one question: may the caller do this?
type Check struct {
	// Action is an IAM action, "sso:CreatePermissionSet".
	Action string
	// Resource is an ARN, or "*" (also when empty) for an action that names none.
	Resource string
	// ResourceAccount owns the resource; empty means the account in the ARN, or the caller's own when the ARN
	// names none.
	ResourceAccount string
	// Context holds condition keys of the request and the resource. Keys of the principal are set here and cannot
	// be given.
	Context map[string][]string
}

// Authorize returns nil when the caller's policies, as they are now, allow every one of the checks; otherwise a Denied fault
// with AWS's sentence about the first that they do not. A resource of another account is always denied: no resource here but roles
// has a policy of its own, and roles are asked by [Service.AssumeRole].
func (s *Service) Authorize(ctx context.Context, c Caller, checks ...Check) error {
	if len(checks) == 0 {
		return fault.New(fault.Internal, "nothing was asked about")
	}
	g, err := s.grounds(ctx, c)
	if err != nil {
		return err
	}
	for _, k := range checks {
		q, p, err := s.ask(ctx, c, k, g)
		if err != nil {
			return err
		}
		if d := policy.Evaluate(p, q); !d.Allowed {
			return denied(q, d)
		}
	}
	return nil
}

// AuthorizeActor answers whether a caller may act as something that has a policy of its own about who may: the caller's own policies must allow the
// check, as for a thing of his account, and actors, a resource-based policy, must allow it too. So neither who writes policies in the caller's
// account nor who wrote the thing's decides alone, and the caller may be of another account than the thing.
func (s *Service) AuthorizeActor(ctx context.Context, c Caller, k Check, actors string) error {
	g, err := s.grounds(ctx, c)
	if err != nil {
		return err
	}
	own := k
	own.ResourceAccount = c.AccountID
	q, p, err := s.ask(ctx, c, own, g)
	if err != nil {
		return err
	}
	if d := policy.Evaluate(p, q); !d.Allowed {
		return denied(q, d)
	}
	document, err := s.document(actors, policy.ForResource)
	if err != nil {
		return err
	}
	if q, p, err = s.ask(ctx, c, k, g); err != nil {
		return err
	}
	p.Resource, p.Trust = &policy.Named{Name: k.Resource, Document: document}, true
	if d := policy.Evaluate(p, q); !d.Allowed {
		return denied(q, d)
	}
	return nil
}

// Explain answers like Authorize, with every statement that was looked at.
func (s *Service) Explain(ctx context.Context, c Caller, k Check) (policy.Decision, []policy.Step, error) {
	q, p, err := s.question(ctx, c, k)
	if err != nil {
		return policy.Decision{}, nil, err
	}
	d, steps := policy.Explain(p, q)
	return d, steps, nil
}

func denied(q policy.Request, d policy.Decision) error {
	return fault.New(fault.Denied, "%s", policy.Denial(q, d)).Because(&refusal{q, d})
}

// grounds are what a caller's requests are decided by, as it is now.
type grounds struct {
	policies policy.Policies
	rights   *rights
	standing Standing
}

// grounds reads them: once for all checks of a request.
func (s *Service) grounds(ctx context.Context, c Caller) (*grounds, error) {
	if c.Kind == "" {
		return &grounds{}, nil // nobody: no policy allows him anything
	}
	r, err := s.rightsOf(ctx, c)
	if err != nil {
		return nil, err
	}
	g := &grounds{policies: policy.Policies{Identity: r.identity, Boundary: r.boundary}, rights: r}
	if g.policies.Session, err = s.sessionPolicies(ctx, c); err != nil {
		return nil, err
	}
	if s.cfg.Organization != nil {
		if g.standing, err = s.cfg.Organization.Standing(ctx, c.AccountID); err != nil {
			return nil, err
		}
		g.policies.Organization = g.standing.ServiceControl
	}
	return g, nil
}

// question gathers what decides a check: request and policies.
func (s *Service) question(ctx context.Context, c Caller, k Check) (policy.Request, policy.Policies, error) {
	g, err := s.grounds(ctx, c)
	if err != nil {
		return policy.Request{}, policy.Policies{}, err
	}
	return s.ask(ctx, c, k, g)
}

// ask puts one check on its grounds.
func (s *Service) ask(ctx context.Context, c Caller, k Check, g *grounds) (policy.Request, policy.Policies, error) {
	if k.Resource == "" {
		k.Resource = "*"
	}
	if k.ResourceAccount == "" {
		if a, err := arn.Parse(k.Resource); err == nil && arn.IsAccountID(a.AccountID) {
			k.ResourceAccount = a.AccountID
		}
	}
	q := policy.Request{Principal: c.principal(), Action: k.Action, Resource: k.Resource, ResourceAccount: k.ResourceAccount}
	switch {
	case c.Kind == "":
		return q, policy.Policies{}, nil
	case c.Kind == KindUser && c.Temporary() && !sessionTokenMay(k.Action):
		return q, policy.Policies{}, fault.New(fault.Denied, "User: %s is not authorized to perform: %s with credentials of GetSessionToken", c.ARN, k.Action)
	case c.Kind == KindFederated && !federatedMay(k.Action):
		return q, policy.Policies{}, fault.New(fault.Denied, "User: %s is not authorized to perform: %s with credentials of GetFederationToken", c.ARN, k.Action)
	case g.standing.Closed:
		return q, policy.Policies{}, fault.New(fault.Denied, "User: %s is not authorized to perform: %s because the account %s is closed", c.ARN, k.Action, c.AccountID)
	}
	q.Context = s.context(ctx, c, k, g.rights, g.standing)
	owner := g.standing
	if s.cfg.Organization != nil && k.ResourceAccount != "" && k.ResourceAccount != c.AccountID {
		var err error
		if owner, err = s.cfg.Organization.Standing(ctx, k.ResourceAccount); err != nil {
			return q, policy.Policies{}, err
		}
	}
	if k.ResourceAccount != "" && owner.OrganizationID != "" {
		q.Context.Set("aws:ResourceOrgID", owner.OrganizationID)
		q.Context.Set("aws:ResourceOrgPaths", owner.Path)
	}
	return q, g.policies, nil
}

// ResourceKeys are the condition keys of what an ARN of IAM's names: its tags, and of a user or role the permissions boundary. They are nil
// for what is not there and for what has none.
func (s *Service) ResourceKeys(ctx context.Context, resource string) (map[string][]string, error) {
	a, err := arn.Parse(resource)
	if err != nil || a.Service != "iam" || !arn.IsAccountID(a.AccountID) {
		return nil, nil
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	var have string
	var id Identity
	switch kind {
	case "role":
		r, lookup := s.role(ctx, a.AccountID, name)
		id, have, err = r.Identity, r.ARN(), lookup
	case "user":
		u, lookup := s.user(ctx, a.AccountID, name)
		id, have, err = u.Identity, u.ARN(), lookup
	case "policy":
		p, lookup := s.cfg.Store.Policy(ctx, a.AccountID, name)
		id.Tags, have, err = p.Tags, p.ARN(), lookup
	case "instance-profile":
		p, lookup := s.cfg.Store.Profile(ctx, a.AccountID, name)
		id.Tags, have, err = p.Tags, p.ARN(), lookup
	case "saml-provider":
		p, lookup := s.cfg.Store.SAMLProvider(ctx, a.AccountID, name)
		id.Tags, have, err = p.Tags, p.ARN(), lookup
	case "oidc-provider":
		p, lookup := s.cfg.Store.OIDCProvider(ctx, a.AccountID, rest)
		id.Tags, have, err = p.Tags, p.ARN(), lookup
	}
	if fault.Is(err, fault.NotFound) || err == nil && have != resource {
		return nil, nil
	}
	return keysOf(id, kind), err
}

// keysOf writes the keys; only users and roles have iam:ResourceTag and a boundary.
func keysOf(id Identity, kind string) map[string][]string {
	out := make(map[string][]string, 2*len(id.Tags)+1)
	for key, value := range id.Tags {
		out["aws:ResourceTag/"+key] = []string{value}
		if kind == "role" || kind == "user" {
			out["iam:ResourceTag/"+key] = []string{value}
		}
	}
	if id.BoundaryARN != "" {
		out["iam:PermissionsBoundary"] = []string{id.BoundaryARN}
	}
	return out
}

// sessionTokenMay says what the credentials of GetSessionToken, without MFA, are good for: no IAM, and of STS only
// AssumeRole and GetCallerIdentity (API_GetSessionToken).
func sessionTokenMay(action string) bool {
	service, name, _ := strings.Cut(Fold(action), ":")
	return service != "iam" && (service != "sts" || slices.Contains([]string{"assumerole", "tagsession", "setsourceidentity", "setcontext", "getcalleridentity"}, name))
}

// federatedMay says what the credentials of GetFederationToken are good for: no IAM, and no STS (GetCallerIdentity asks nobody).
func federatedMay(action string) bool {
	service, _, _ := strings.Cut(Fold(action), ":")
	return service != "iam" && service != "sts"
}

// context makes the condition keys of a request.
func (s *Service) context(ctx context.Context, c Caller, k Check, r *rights, standing Standing) policy.Context {
	now := s.cfg.Now().UTC()
	out := make(policy.Context, len(k.Context)+16)
	if addr := audit.OriginOf(ctx).ClientAddr; addr != "" {
		out.Set("aws:SourceIp", addr)
	}
	for key, values := range k.Context {
		if folded := Fold(key); !strings.HasPrefix(folded, "aws:principal") && !strings.HasPrefix(folded, "aws:resourceorg") && folded != "aws:userid" && folded != "aws:username" {
			out.Add(key, values...)
		}
	}
	out.Set("aws:CurrentTime", now.Format("2006-01-02T15:04:05Z"))
	out.Set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	out.Set("aws:PrincipalArn", c.PrincipalARN)
	out.Set("aws:PrincipalAccount", c.AccountID)
	out.Set("aws:PrincipalIsAWSService", "false")
	out.Set("aws:ViaAWSService", "false")
	if c.UserID != "" {
		out.Set("aws:userid", c.UserID)
	}
	if k.ResourceAccount != "" {
		out.Set("aws:ResourceAccount", k.ResourceAccount)
	}
	if standing.OrganizationID != "" {
		out.Set("aws:PrincipalOrgID", standing.OrganizationID)
		if standing.Path != "" {
			out.Set("aws:PrincipalOrgPaths", standing.Path)
		}
	}
	for key, value := range r.tags {
		out.Set("aws:PrincipalTag/"+key, value)
	}
	if c.Kind == KindUser {
		out.Set("aws:PrincipalType", "User")
		out.Set("aws:username", c.Name)
	} else if c.Kind == KindFederated {
		out.Set("aws:PrincipalType", "FederatedUser")
	} else if c.Kind == KindRoleSession {
		out.Set("aws:PrincipalType", "AssumedRole")
	} else if c.Kind == KindRoot {
		out.Set("aws:PrincipalType", "Account")
	}
	if c.session != nil {
		c.session.context(out, c)
	}
	return out
}

// context adds the keys that only sessions have.
func (cl *claims) context(out policy.Context, c Caller) {
	out.Set("aws:TokenIssueTime", c.Issued.Format("2006-01-02T15:04:05Z"))
	out.Set("aws:MultiFactorAuthPresent", "false")
	for key, value := range cl.Tags {
		out.Set("aws:PrincipalTag/"+key, value) // a session tag takes the place of the role's tag
	}
	for key, values := range cl.Web {
		out.Set(key, values...)
	}
	set := func(key, value string) {
		if value != "" {
			out.Set(key, value)
		}
	}
	set("aws:SourceIdentity", cl.SourceIdentity)
	set("aws:FederatedProvider", cl.Provider)
	set("identitystore:UserId", cl.PersonID)
	for key, value := range cl.Context {
		set(key, value)
	}
}
