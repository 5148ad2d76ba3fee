package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
	"gatehouse/internal/policy"
)

// standing tells localiam what the organization means for an account: which service control policies bear on it. What was
// computed holds for one generation of the organization, which every node reads anew for each request; so a policy that is
// attached on one node holds for the next request on all.
type standing struct {
	org *organization.Service

	mu         sync.Mutex
	generation int64
	accounts   map[string]localiam.Standing
	delegates  map[delegation]bool
	documents  map[string]*policy.Document
}

type delegation struct{ account, service string }

// maxStandings bounds the cache; when it is full it starts anew.
const maxStandings = 10_000

func newStanding(org *organization.Service) *standing { return &standing{org: org} }

// checkControl is what package organization asks of the policy language.
func checkControl(document string) error {
	_, err := policy.Parse([]byte(document), policy.ForOrganization)
	return err
}

// kept looks a value up under the present generation, or computes and keeps it.
func kept[K comparable, V any](ctx context.Context, s *standing, key K, pick func() map[K]V, compute func() (V, error)) (V, error) {
	var none V
	generation, err := s.org.Generation(ctx)
	if err != nil {
		return none, err
	}
	s.mu.Lock()
	if s.generation != generation || s.accounts == nil || len(s.accounts)+len(s.delegates) > maxStandings {
		s.generation, s.accounts, s.delegates = generation, map[string]localiam.Standing{}, map[delegation]bool{}
	}
	v, ok := pick()[key]
	s.mu.Unlock()
	if ok {
		return v, nil
	}
	if v, err = compute(); err != nil {
		return none, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == generation { // else it may be older than what is kept now
		pick()[key] = v
	}
	return v, nil
}

// Standing implements [localiam.Organization].
func (s *standing) Standing(ctx context.Context, accountID string) (localiam.Standing, error) {
	out, err := kept(ctx, s, accountID, func() map[string]localiam.Standing { return s.accounts }, func() (localiam.Standing, error) {
		st, err := s.org.Standing(ctx, accountID)
		if err != nil {
			return localiam.Standing{}, err
		}
		return s.compile(st)
	})
	if fault.Is(err, fault.NotFound) { // an account that is not in the organization has no principals
		return localiam.Standing{Closed: true}, nil
	}
	return out, err
}

func (s *standing) compile(st organization.Standing) (localiam.Standing, error) {
	out := localiam.Standing{OrganizationID: st.Organization.ID, Path: st.Path, Closed: st.Closed}
	for _, level := range st.Control {
		var named []policy.Named
		for _, p := range level {
			d, err := s.document(p.Content)
			if err != nil {
				return out, fault.New(fault.Internal, "the service control policy %s does not parse", p.ID).Because(err)
			}
			named = append(named, policy.Named{Name: p.ID, Document: d})
		}
		out.ServiceControl = append(out.ServiceControl, named)
	}
	return out, nil
}

// document parses a policy once: thousands of accounts share a few.
func (s *standing) document(text string) (*policy.Document, error) {
	s.mu.Lock()
	d, ok := s.documents[text]
	s.mu.Unlock()
	if ok {
		return d, nil
	}
	d, err := policy.Parse([]byte(text), policy.ForOrganization)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.documents == nil || len(s.documents) > maxStandings {
		s.documents = map[string]*policy.Document{}
	}
	s.documents[text] = d
	return d, nil
}

// delegate reports whether an account administers Identity Center for the organization.
func (s *standing) delegate(ctx context.Context, accountID string) (bool, error) {
	return s.delegateOf(ctx, accountID, organization.IdentityCenter)
}

// administers reports whether an account is one of those that administer Identity Center: the management account, or its delegate.
func (a *App) administers(ctx context.Context, accountID string) (bool, error) {
	if accountID == a.Instance.OwnerAccountID {
		return true, nil
	}
	return a.standing.delegate(ctx, accountID)
}

// accountAccess reports whether an account administers account access for the organization.
func (s *standing) accountAccess(ctx context.Context, accountID string) (bool, error) {
	return s.delegateOf(ctx, accountID, arn.AccountAccess)
}

func (s *standing) delegateOf(ctx context.Context, accountID, service string) (bool, error) {
	return kept(ctx, s, delegation{accountID, service}, func() map[delegation]bool { return s.delegates }, func() (bool, error) {
		return s.org.IsDelegate(ctx, accountID, service)
	})
}

// rootAccess is what package localiam asks about centralized root access.
func (a *App) rootAccess(ctx context.Context, accountID string) (localiam.RootAccess, error) {
	o, err := a.Organization.Organization(ctx)
	if err != nil {
		return localiam.RootAccess{}, err
	}
	out := localiam.RootAccess{OrganizationID: o.ID, ManagementAccountID: o.ManagementAccountID, Manager: accountID == o.ManagementAccountID}
	if !out.Manager {
		if out.Manager, err = a.Organization.IsDelegate(ctx, accountID, organization.IAM); err != nil {
			return out, err
		}
	}
	out.Trusted, err = a.Organization.ServiceEnabled(ctx, organization.IAM)
	return out, err
}

// rights decides what callers of the AWS APIs may do: their policies, and whose the thing is that they want to touch.
type rights struct {
	iam *localiam.Service
	// management owns the organization, the instance and the identity store.
	management string
	standing   *standing
	// uses reports whether a permission set is provisioned in an account, or is about to be.
	uses func(context.Context, access.RoleKey) (bool, error)
	// applications have policies of their own about who may act as them.
	applications *application.Service
	// keys are the condition keys of a resource.
	keys func(ctx context.Context, resource string, fresh bool) (map[string][]string, error)
	log  *slog.Logger
}

func (a *App) rights() rights {
	return rights{a.IAM, a.Instance.OwnerAccountID, a.standing, a.usesSet, a.Applications, a.resourceKeys, a.log}
}

// Authorize implements [awswire.Authorizer].
func (r rights) Authorize(ctx context.Context, c localiam.Caller, a awswire.Access) error {
	if a.Action == actAs {
		return r.acts(ctx, c, a)
	}
	owner, err := r.owner(ctx, c, a)
	if err != nil {
		return err
	}
	checks := make([]localiam.Check, len(a.Resources))
	shared := map[string][]string{}
	for i, resource := range a.Resources {
		keys, err := r.keysOf(ctx, a, resource)
		if err != nil {
			return err
		}
		for key, values := range keys { // the keys of a user or group are those of the identity store that is asked about beside it
			if strings.HasPrefix(key, "identitystore:") {
				shared[key] = values
			}
		}
		checks[i] = localiam.Check{Action: a.Action, Resource: resource, ResourceAccount: owner, Context: keys}
	}
	for i := range checks {
		for key, values := range shared {
			if _, own := checks[i].Context[key]; !own {
				checks[i].Context[key] = values
			}
		}
	}
	if err := r.iam.Authorize(ctx, c, checks...); err != nil {
		r.note(ctx, err)
		return err
	}
	if owner == c.AccountID && owner != r.management && strings.HasPrefix(a.Action, "sso:") {
		return r.spared(ctx, c, a)
	}
	return nil
}

// actAs is the action of acting as an application.
const actAs = "sso-oauth:CreateTokenWithIAM"

// acts decides who may act as an application: whose own policies allow it, and whom the application's authentication method names. An application that
// is not there, and one without a method, look like one that names others.
func (r rights) acts(ctx context.Context, c localiam.Caller, a awswire.Access) error {
	for _, resource := range a.Resources {
		refused := fault.New(fault.Denied, "User: %s is not authorized to perform: %s on resource: %s because no authentication method of the application allows it", c.ARN, a.Action, resource)
		n, err := arn.ParseApplication(resource)
		if err != nil {
			return err
		}
		app, err := r.applications.Application(ctx, n)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || app.ActorPolicy == "" {
			return refused
		}
		keys, err := r.keysOf(ctx, a, resource)
		if err != nil {
			return err
		}
		if err := r.iam.AuthorizeActor(ctx, c, localiam.Check{Action: a.Action, Resource: resource, ResourceAccount: n.AccountID, Context: keys}, app.ActorPolicy); err != nil {
			r.note(ctx, err)
			return err
		}
	}
	return nil
}

// note writes a refusal to the log with what decided it, which the answer tells by the sort of policy alone, as AWS's does.
func (r rights) note(ctx context.Context, err error) {
	q, d, ok := localiam.Refused(err)
	if !ok {
		return
	}
	about := []any{"principal", q.Principal.Name(), "action", q.Action, "resource", q.Resource, "layer", d.Layer.String(), "explicit", d.Explicit}
	if d.Policy != "" {
		about = append(about, "policy", d.Policy, "statement", d.Statement+1, "sid", d.Sid)
	}
	r.log.InfoContext(ctx, "refused by policy", about...)
}

// keysOf are the condition keys of a request about one resource. What the request brings goes before what is: it is what will be.
func (r rights) keysOf(ctx context.Context, a awswire.Access, resource string) (map[string][]string, error) {
	keys, err := r.keys(ctx, resource, a.Fresh)
	if err != nil {
		return nil, err
	}
	if keys == nil {
		keys = map[string][]string{}
	}
	maps.Copy(keys, a.Context)
	return keys, nil
}

// owner is the account to which what an action touches belongs, where the ARNs do not say so. Without it an administrator of a
// member account could administer the whole organization, because the ARNs of instances, permission sets, users and groups name no account.
// Any account of an organization may ask which organization it is in, and which instances it can see (the door shows a member account none).
//
// What belongs to Identity Center is as if it were its own for the account that is registered as delegated administrator of
// sso.amazonaws.com; what the organization tells, for a delegated administrator of any service (the door lets him read alone).
//
// The account access manager is likewise for delegated administrators of account-access.amazonaws.com; any account may list its own, of which a
// member has none.
//
// Applications and trusted token issuers belong to the account that made them, which their ARNs bear. To make an application, and to list its own,
// an account needs no right to the instance (the door shows it no others).
func (r rights) owner(ctx context.Context, c localiam.Caller, a awswire.Access) (string, error) {
	action := a.Action
	service, name, _ := strings.Cut(action, ":")
	switch {
	case service == "sso" && (slices.Contains(aboutOwnApplications, name) || ownedBy(c.AccountID, a.Resources)):
		return c.AccountID, nil
	case action == "sts:AssumeRoot": // of which other accounts, package localiam decides
		return c.AccountID, nil
	case action == "organizations:DescribeOrganization", action == "sso:ListInstances", action == "sso:DescribeInstance", action == "account-access:ListApplications":
		return c.AccountID, nil
	case c.AccountID == r.management, c.AccountID == "":
	case service == "sso", service == "sso-directory", service == "identitystore":
		ok, err := r.standing.delegate(ctx, c.AccountID)
		if err != nil || ok {
			return c.AccountID, err
		}
	case service == "account-access":
		ok, err := r.standing.accountAccess(ctx, c.AccountID)
		if err != nil || ok {
			return c.AccountID, err
		}
	case service == "organizations" && (strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Describe")):
		ok, err := r.standing.org.IsDelegate(ctx, c.AccountID, "")
		if err != nil || ok {
			return c.AccountID, err
		}
	}
	switch service {
	case "sso", "sso-directory", "identitystore", "organizations", "account-access":
		return r.management, nil
	}
	return "", nil
}

// aboutOwnApplications are the actions on the instance in which the door lets every account see and make only what is its own.
var aboutOwnApplications = []string{"CreateApplication", "ListApplications", "ListApplicationAssignmentsForPrincipal", "DescribeApplicationProvider", "ListApplicationProviders"}

// ownedBy reports whether the ARNs bear the account.
func ownedBy(account string, resources []string) bool {
	for _, resource := range resources {
		if a, err := arn.Parse(resource); err != nil || account == "" || a.AccountID != account {
			return false
		}
	}
	return len(resources) > 0
}

// spared refuses a delegated administrator what stays the management account's: access to itself, permission sets that are
// provisioned in it, and the instance (User Guide, «Delegated administration»).
func (r rights) spared(ctx context.Context, c localiam.Caller, a awswire.Access) error {
	_, name, _ := strings.Cut(a.Action, ":")
	for _, reading := range []string{"List", "Describe", "Get"} {
		if strings.HasPrefix(name, reading) {
			return nil
		}
	}
	refused := fault.New(fault.Denied, "User: %s is not authorized to perform: %s: a delegated administrator cannot delete, modify, remove or assign access to permission sets provisioned in the management account", c.ARN, a.Action)
	if name == "DeleteInstance" || name == "UpdateInstance" {
		return refused
	}
	for _, resource := range a.Resources {
		if resource == arn.SSOAccount(r.management) {
			return refused
		}
		_, set, err := arn.ParsePermissionSet(resource)
		if err != nil {
			continue
		}
		// An assignment elsewhere does not change the set.
		if name == "CreateAccountAssignment" || name == "DeleteAccountAssignment" {
			continue
		}
		used, err := r.uses(ctx, access.RoleKey{AccountID: r.management, PermissionSetID: set})
		if err != nil {
			return err
		}
		if used {
			return refused
		}
	}
	return nil
}

// usesSet reports whether the role of a permission set is in an account or is about to be. The assignment is asked for first: it is there
// before the role, which takes what the set says when it is made, and what a delegated administrator wrote into the set meanwhile with it.
func (a *App) usesSet(ctx context.Context, k access.RoleKey) (bool, error) {
	as, err := a.Access.AssignmentsOfRole(ctx, k, access.Principal{}, 1)
	if err != nil || len(as) > 0 {
		return err == nil, err
	}
	_, err = a.Access.Role(ctx, k)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}
