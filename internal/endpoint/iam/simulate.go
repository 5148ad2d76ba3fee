package iam

import (
	"context"
	"strconv"
	"time"

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
	if len(in.PolicyExclusionList) > 0 {
		return nil, fault.New(fault.Invalid, "Gatehouse simulates with all policies of the principal; PolicyExclusionList is not supported.").At("PolicyExclusionList")
	}
	bound, err := atMostOne(in.PermissionsBoundaryPolicyInputList)
	if err != nil {
		return nil, err
	}
	return d.simulated(ctx, localiam.Simulation{
		AccountID: c.Principal.AccountID, Principal: *in.PolicySourceArn, Policies: in.PolicyInputList, Boundary: bound,
		Resource: awswire.Val(in.ResourcePolicy), Caller: awswire.Val(in.CallerArn),
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
	all := make([]EvaluationResult, 0, len(q.actions)*len(q.resources))
	for _, action := range q.actions {
		for _, resource := range q.resources {
			if limited.Err() != nil {
				return nil, fault.New(fault.Invalid, "The simulation takes too long; ask about fewer actions and resources at once.")
			}
			check := localiam.Check{Action: action, Resource: resource, ResourceAccount: awswire.Val(q.owner), Context: about}
			all = append(all, result(check, m.Ask(check)))
		}
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

func result(k localiam.Check, a localiam.Answer) EvaluationResult {
	r := EvaluationResult{EvalActionName: &k.Action, EvalResourceName: &k.Resource, EvalDecision: new("implicitDeny"), MatchedStatements: []Statement{}, MissingContextValues: append([]string{}, a.Missing...)}
	switch {
	case a.Allowed:
		r.EvalDecision = new("allowed")
	case a.Explicit:
		r.EvalDecision = new("explicitDeny")
	}
	for _, s := range a.Steps {
		if s.Applies {
			r.MatchedStatements = append(r.MatchedStatements, Statement{SourcePolicyId: &s.Policy, SourcePolicyType: new("IAM Policy")})
		}
	}
	if a.Organized {
		r.OrganizationsDecisionDetail = &OrganizationsDecisionDetail{AllowedByOrganizations: new(a.Allowed || a.Layer != policy.LayerOrganization)}
	}
	if a.Bounded {
		r.PermissionsBoundaryDecisionDetail = &PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: new(a.Allowed || a.Layer != policy.LayerBoundary)}
	}
	return r
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
