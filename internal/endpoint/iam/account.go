package iam

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/policy"
)

// listSAMLProviders answers all of an account's providers: the API has no pages here.
func (d *Door) listSAMLProviders(ctx context.Context, c *call, _ *empty) (*ListSAMLProvidersResponse, error) {
	out := &ListSAMLProvidersResponse{SAMLProviderList: []SAMLProviderListEntry{}}
	for after := ""; ; {
		batch, err := d.iam.SAMLProviders(ctx, c.Principal.AccountID, localiam.Page{After: after, Limit: maxPage})
		if err != nil || len(batch) == 0 {
			return out, err
		}
		for _, p := range batch {
			after = p.Name
			out.SAMLProviderList = append(out.SAMLProviderList, SAMLProviderListEntry{new(p.ARN()), awswire.At(p.ValidUntil), awswire.At(p.CreatedAt)})
		}
	}
}

func (d *Door) getSAMLProvider(ctx context.Context, c *call, in *GetSAMLProviderRequest) (*GetSAMLProviderResponse, error) {
	p, err := d.iam.SAMLProvider(ctx, c.Principal.AccountID, *in.SAMLProviderArn)
	return &GetSAMLProviderResponse{SAMLMetadataDocument: &p.Metadata, CreateDate: awswire.At(p.CreatedAt), ValidUntil: awswire.At(p.ValidUntil)}, err
}

// listAccountAliases answers that there are none: an alias is part of a sign-in address that these accounts do not have.
func (d *Door) listAccountAliases(context.Context, *call, *ListAccountAliasesRequest) (*ListAccountAliasesResponse, error) {
	return &ListAccountAliasesResponse{AccountAliases: []string{}, IsTruncated: new(false)}, nil
}

// maxSimulated bounds the questions of one simulation.
const maxSimulated = 1000

// simulatePrincipalPolicy says what a user or role of the account may do, by the policies that hold now. Policies given with the
// request are not supported, and not silently left out.
func (d *Door) simulatePrincipalPolicy(ctx context.Context, c *call, in *SimulatePrincipalPolicyRequest) (*SimulatePolicyResponse, error) {
	if len(in.PolicyInputList)+len(in.PermissionsBoundaryPolicyInputList)+len(in.PolicyExclusionList) > 0 || in.ResourcePolicy != nil || in.CallerArn != nil || in.ResourceHandlingOption != nil {
		return nil, fault.New(fault.Invalid, "Gatehouse simulates the policies that the principal has; further policies, another caller and resource handling options are not supported.")
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	if len(resources)*len(in.ActionNames) > maxSimulated {
		return nil, fault.New(fault.Invalid, "At most %d combinations of actions and resources can be simulated at once.", maxSimulated)
	}
	about := policy.Context{}
	for _, e := range in.ContextEntries {
		if e.ContextKeyName != nil {
			about.Set(*e.ContextKeyName, e.ContextKeyValues...)
		}
	}
	out := &SimulatePolicyResponse{EvaluationResults: []EvaluationResult{}, IsTruncated: new(false)}
	for _, action := range in.ActionNames {
		for _, resource := range resources {
			check := localiam.Check{Action: action, Resource: resource, ResourceAccount: awswire.Val(in.ResourceOwner), Context: about}
			d, steps, err := d.iam.Simulate(ctx, c.Principal.AccountID, *in.PolicySourceArn, check)
			if err != nil {
				return nil, err
			}
			out.EvaluationResults = append(out.EvaluationResults, result(check, d, steps))
		}
	}
	return out, nil
}

func result(k localiam.Check, d policy.Decision, steps []policy.Step) EvaluationResult {
	r := EvaluationResult{EvalActionName: &k.Action, EvalResourceName: &k.Resource, EvalDecision: new("implicitDeny"), MatchedStatements: []Statement{}, MissingContextValues: []string{}}
	switch {
	case d.Allowed:
		r.EvalDecision = new("allowed")
	case d.Explicit:
		r.EvalDecision = new("explicitDeny")
	}
	for _, s := range steps {
		if s.Applies {
			r.MatchedStatements = append(r.MatchedStatements, Statement{SourcePolicyId: &s.Policy, SourcePolicyType: new("IAM Policy")})
		}
	}
	return r
}
