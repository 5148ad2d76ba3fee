package iam

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/policy"
)

// maxSimulated bounds the questions of one simulation, and simulationTime the time for them: policies can be written so that each costs tens of
// milliseconds, and an account's administrator must not be able to keep the server from the others.
const (
	maxSimulated   = 1000
	simulationTime = 2 * time.Second
)

// questions is what the two simulations ask alike.
type questions struct {
	actions, resources []string
	entries            []ContextEntry
	owner, handling    *string
	marker             *string
	maxItems           *int32
}

func (d *Door) simulatePrincipalPolicy(ctx context.Context, c *call, in *SimulatePrincipalPolicyRequest) (*SimulatePolicyResponse, error) {
	bound, err := atMostOne(in.PermissionsBoundaryPolicyInputList)
	if err != nil {
		return nil, err
	}
	return d.simulated(ctx, localiam.Simulation{
		AccountID: c.Principal.AccountID, Principal: *in.PolicySourceArn, Policies: in.PolicyInputList, Boundary: bound,
		Resource: awswire.Val(in.ResourcePolicy), Caller: awswire.Val(in.CallerArn), Excluded: excluded(in.PolicyExclusionList),
	}, questions{in.ActionNames, in.ResourceArns, in.ContextEntries, in.ResourceOwner, in.ResourceHandlingOption, in.Marker, in.MaxItems})
}

func (d *Door) simulateCustomPolicy(ctx context.Context, c *call, in *SimulateCustomPolicyRequest) (*SimulatePolicyResponse, error) {
	bound, err := atMostOne(in.PermissionsBoundaryPolicyInputList)
	if err != nil {
		return nil, err
	}
	s := localiam.Simulation{AccountID: c.Principal.AccountID, Policies: in.PolicyInputList, Boundary: bound, Resource: awswire.Val(in.ResourcePolicy), Caller: awswire.Val(in.CallerArn)}
	for _, level := range in.OrderedOrganizationPolicyInputList {
		s.Organization = append(s.Organization, level.ServiceControlPolicyInputList)
	}
	return d.simulated(ctx, s, questions{in.ActionNames, in.ResourceArns, in.ContextEntries, in.ResourceOwner, in.ResourceHandlingOption, in.Marker, in.MaxItems})
}

func excluded(in []PolicyIdentifier) []localiam.Exclusion {
	out := make([]localiam.Exclusion, len(in))
	for i, x := range in {
		out[i] = localiam.Exclusion{Type: awswire.Val(x.PolicyType), ARN: awswire.Val(x.PolicyArn)}
		if n := x.InlinePolicyIdentifier; n != nil {
			out[i].Inline, out[i].Holder = *n.PolicyName, *n.AttachmentName
			out[i].Kind = map[string]localiam.Holder{"user": localiam.OfUser, "role": localiam.OfRole, "group": localiam.OfGroup}[*n.AttachmentType]
		}
	}
	return out
}

func atMostOne(boundaries []string) (string, error) {
	switch len(boundaries) {
	case 0:
		return "", nil
	case 1:
		return boundaries[0], nil
	}
	return "", fault.New(fault.Invalid, "At most one permissions boundary can be given.").At("PermissionsBoundaryPolicyInputList")
}

func (d *Door) simulated(ctx context.Context, s localiam.Simulation, q questions) (*SimulatePolicyResponse, error) {
	if q.handling != nil {
		return nil, fault.New(fault.Invalid, "Gatehouse has no EC2 scenarios; ResourceHandlingOption is not supported.").At("ResourceHandlingOption")
	}
	if len(q.resources) == 0 {
		q.resources = []string{"*"}
	}
	if len(q.resources)*len(q.actions) > maxSimulated {
		return nil, fault.New(fault.Invalid, "At most %d combinations of actions and resources can be simulated at once.", maxSimulated)
	}
	p, err := listing(q.marker, q.maxItems, append([]string{"Simulate", s.Principal}, q.actions...)...)
	if err != nil {
		return nil, err
	}
	m, err := d.iam.Simulate(ctx, s)
	if err != nil {
		return nil, err
	}
	about := policy.Context{}
	for _, e := range q.entries {
		if e.ContextKeyName != nil {
			about.Set(*e.ContextKeyName, e.ContextKeyValues...)
		}
	}
	limited, stop := context.WithTimeout(ctx, simulationTime)
	defer stop()
	all := make([]EvaluationResult, 0, len(q.actions))
	for _, action := range q.actions {
		var sum summary
		for _, resource := range q.resources {
			if limited.Err() != nil {
				return nil, fault.New(fault.Invalid, "The simulation takes too long; ask about fewer actions and resources at once.")
			}
			sum.add(resource, m.Ask(localiam.Check{Action: action, Resource: resource, ResourceAccount: accountOf(awswire.Val(q.owner)), Context: about}))
		}
		all = append(all, sum.result(action))
	}
	from, _ := strconv.Atoi(p.after) // a marker is no secret, so anything can be in it
	from = min(max(from, 0), len(all))
	to := min(from+p.limit, len(all))
	out := &SimulatePolicyResponse{EvaluationResults: all[from:to], IsTruncated: new(to < len(all))}
	if to < len(all) {
		out.Marker = awswire.PageToken(strconv.Itoa(to), p.what...)
	}
	return out, nil
}

// accountOf is the account of a resource's owner, who is given by an account id or an ARN.
func accountOf(owner string) string {
	if a, err := arn.Parse(owner); err == nil {
		return a.AccountID
	}
	return owner
}

// summary is what a simulation says of one action on all the resources.
type summary struct {
	resources []ResourceSpecificResult
	decision  int // the most restrictive: an index of decisions
	matched   []Statement
	missing   []string
	details   map[string]int
	bound     *bool
	organized *bool
}

// decisions are in order of how restrictive they are.
var decisions = [...]string{"allowed", "implicitDeny", "explicitDeny"}

func restriction(allows, denies bool) int {
	switch {
	case denies:
		return 2
	case allows:
		return 0
	}
	return 1
}

func (s *summary) add(resource string, a localiam.Answer) {
	decision := restriction(a.Allowed, a.Explicit)
	r := ResourceSpecificResult{EvalResourceName: &resource, EvalResourceDecision: &decisions[decision], MatchedStatements: wire(a.Matched, wireStatement), MissingContextValues: append([]string{}, a.Missing...)}
	s.decision = max(s.decision, decision)
	for _, m := range r.MatchedStatements {
		if !slices.ContainsFunc(s.matched, func(have Statement) bool { return reflect.DeepEqual(have, m) }) {
			s.matched = append(s.matched, m)
		}
	}
	s.missing = a.Missing // it is the same for every resource
	if a.Boundary != nil {
		allowed := a.Boundary.Permits()
		r.PermissionsBoundaryDecisionDetail = &PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: &allowed}
		s.bound = both(s.bound, allowed)
	}
	if a.Organization != nil {
		s.organized = both(s.organized, a.Organization.Permits())
	}
	if a.CrossAccount && (a.Organization == nil || a.Organization.Permits()) {
		r.EvalDecisionDetails = map[string]string{}
		for sort, v := range map[string]*localiam.Verdict{"IAM Policy": a.Identity, "Resource Policy": a.Resource} {
			d := restriction(v != nil && v.Allows, v != nil && v.Denies)
			r.EvalDecisionDetails[sort] = decisions[d]
			if s.details == nil {
				s.details = map[string]int{}
			}
			s.details[sort] = max(s.details[sort], d)
		}
	}
	s.resources = append(s.resources, r)
}

// both is true while all that were added are.
func both(have *bool, more bool) *bool { return new(more && (have == nil || *have)) }

// result sums up; an action on one resource is called by that resource.
func (s *summary) result(action string) EvaluationResult {
	r := EvaluationResult{EvalActionName: &action, EvalResourceName: new("*"), EvalDecision: &decisions[s.decision], MatchedStatements: append([]Statement{}, s.matched...),
		MissingContextValues: append([]string{}, s.missing...), ResourceSpecificResults: s.resources}
	if len(s.resources) == 1 {
		r.EvalResourceName = s.resources[0].EvalResourceName
	}
	if s.organized != nil {
		r.OrganizationsDecisionDetail = &OrganizationsDecisionDetail{AllowedByOrganizations: s.organized}
	}
	if s.bound != nil {
		r.PermissionsBoundaryDecisionDetail = &PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: s.bound}
	}
	for sort, d := range s.details {
		if r.EvalDecisionDetails == nil {
			r.EvalDecisionDetails = map[string]string{}
		}
		r.EvalDecisionDetails[sort] = decisions[d]
	}
	return r
}

func wireStatement(s policy.Step) *Statement {
	sort := "IAM Policy"
	if s.Layer == policy.LayerResource {
		sort = "Resource Policy"
	}
	return &Statement{
		SourcePolicyId: &s.Policy, SourcePolicyType: &sort,
		StartPosition: &Position{Line: new(int32(s.Start.Line)), Column: new(int32(s.Start.Column))},
		EndPosition:   &Position{Line: new(int32(s.End.Line)), Column: new(int32(s.End.Column))},
	}
}

func (d *Door) contextKeysForPrincipal(ctx context.Context, c *call, in *GetContextKeysForPrincipalPolicyRequest) (*GetContextKeysForPolicyResponse, error) {
	m, err := d.iam.Simulate(ctx, localiam.Simulation{AccountID: c.Principal.AccountID, Principal: *in.PolicySourceArn, Policies: in.PolicyInputList})
	if err != nil {
		return nil, err
	}
	return &GetContextKeysForPolicyResponse{ContextKeyNames: append([]string{}, m.Keys()...)}, nil
}

func (d *Door) contextKeysForCustom(ctx context.Context, c *call, in *GetContextKeysForCustomPolicyRequest) (*GetContextKeysForPolicyResponse, error) {
	m, err := d.iam.Simulate(ctx, localiam.Simulation{AccountID: c.Principal.AccountID, Policies: in.PolicyInputList})
	if err != nil {
		return nil, err
	}
	return &GetContextKeysForPolicyResponse{ContextKeyNames: append([]string{}, m.Keys()...)}, nil
}
