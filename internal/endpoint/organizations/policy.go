package organizations

import (
	"context"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// policyRows are the operations on service control policies.
func (d *Door[P]) policyRows() []awswire.Operation[P] {
	return []awswire.Operation[P]{
		row(d, "EnablePolicyType", func(in *EnablePolicyTypeRequest) ids { return ids{in.RootId} }, d.enablePolicyType),
		row(d, "DisablePolicyType", func(in *DisablePolicyTypeRequest) ids { return ids{in.RootId} }, d.disablePolicyType),
		row(d, "CreatePolicy", func(*CreatePolicyRequest) ids { return nil }, d.createPolicy),
		row(d, "UpdatePolicy", func(in *UpdatePolicyRequest) ids { return ids{in.PolicyId} }, d.updatePolicy),
		row(d, "DescribePolicy", func(in *DescribePolicyRequest) ids { return ids{in.PolicyId} }, d.describePolicy),
		row(d, "DeletePolicy", func(in *DeletePolicyRequest) ids { return ids{in.PolicyId} }, d.deletePolicy),
		row(d, "ListPolicies", func(*ListPoliciesRequest) ids { return nil }, d.listPolicies),
		row(d, "AttachPolicy", func(in *AttachPolicyRequest) ids { return ids{in.PolicyId, in.TargetId} }, d.attachPolicy),
		row(d, "DetachPolicy", func(in *DetachPolicyRequest) ids { return ids{in.PolicyId, in.TargetId} }, d.detachPolicy),
		row(d, "ListPoliciesForTarget", func(in *ListPoliciesForTargetRequest) ids { return ids{in.TargetId} }, d.listPoliciesForTarget),
		row(d, "ListTargetsForPolicy", func(in *ListTargetsForPolicyRequest) ids { return ids{in.PolicyId} }, d.listTargetsForPolicy),
	}
}

func (in *CreatePolicyRequest) tags() ([]Tag, []string) { return in.Tags, nil }

// typed is an input that names a type of policy: it becomes the condition key organizations:PolicyType.
type typed interface{ policyType() *string }

func (in *EnablePolicyTypeRequest) policyType() *string      { return in.PolicyType }
func (in *DisablePolicyTypeRequest) policyType() *string     { return in.PolicyType }
func (in *CreatePolicyRequest) policyType() *string          { return in.Type }
func (in *ListPoliciesRequest) policyType() *string          { return in.Filter }
func (in *ListPoliciesForTargetRequest) policyType() *string { return in.Filter }
func (in *UpdatePolicyRequest) policyType() *string          { return new(organization.ServiceControl) }
func (in *DescribePolicyRequest) policyType() *string        { return new(organization.ServiceControl) }
func (in *DeletePolicyRequest) policyType() *string          { return new(organization.ServiceControl) }
func (in *AttachPolicyRequest) policyType() *string          { return new(organization.ServiceControl) }
func (in *DetachPolicyRequest) policyType() *string          { return new(organization.ServiceControl) }
func (in *ListTargetsForPolicyRequest) policyType() *string  { return new(organization.ServiceControl) }

// served refuses the types of policy that are not there.
func served(policyType string) error {
	if policyType != organization.ServiceControl {
		return fault.New(fault.Invalid, "You can't use the policy type %s: this organization has service control policies only.", policyType).For("policy-type")
	}
	return nil
}

func (d *Door[P]) enablePolicyType(ctx context.Context, c *awswire.Call[P], in *EnablePolicyTypeRequest) (*EnablePolicyTypeResponse, error) {
	root, err := d.switched(ctx, c, *in.RootId, *in.PolicyType, true)
	return &EnablePolicyTypeResponse{Root: root}, err
}

func (d *Door[P]) disablePolicyType(ctx context.Context, c *awswire.Call[P], in *DisablePolicyTypeRequest) (*DisablePolicyTypeResponse, error) {
	root, err := d.switched(ctx, c, *in.RootId, *in.PolicyType, false)
	return &DisablePolicyTypeResponse{Root: root}, err
}

func (d *Door[P]) switched(ctx context.Context, c *awswire.Call[P], rootID, policyType string, on bool) (*Root, error) {
	if err := served(policyType); err != nil {
		return nil, err
	}
	if err := d.org.SwitchControl(ctx, c.Actor, rootID, on); err != nil {
		return nil, err
	}
	return d.root(ctx)
}

// root describes the one root.
func (d *Door[P]) root(ctx context.Context) (*Root, error) {
	o, err := d.org.Organization(ctx)
	if err != nil {
		return nil, err
	}
	types, err := d.policyTypes(ctx)
	return &Root{Id: &o.RootID, Arn: new(names{o}.arn(o.RootID)), Name: new("Root"), PolicyTypes: types}, err
}

func (d *Door[P]) policyTypes(ctx context.Context) ([]PolicyTypeSummary, error) {
	on, err := d.org.ControlOn(ctx)
	if err != nil || !on {
		return []PolicyTypeSummary{}, err
	}
	return []PolicyTypeSummary{{Type: new(organization.ServiceControl), Status: new("ENABLED")}}, nil
}

func (d *Door[P]) createPolicy(ctx context.Context, c *awswire.Call[P], in *CreatePolicyRequest) (*CreatePolicyResponse, error) {
	if err := served(*in.Type); err != nil {
		return nil, err
	}
	tags, err := uniqueTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p, err := d.org.CreatePolicy(ctx, c.Actor, organization.Policy{Name: *in.Name, Description: *in.Description, Content: *in.Content, Tags: tags})
	if err != nil {
		return nil, err
	}
	w, err := d.policy(ctx, p)
	return &CreatePolicyResponse{Policy: w}, err
}

func (d *Door[P]) updatePolicy(ctx context.Context, c *awswire.Call[P], in *UpdatePolicyRequest) (*UpdatePolicyResponse, error) {
	p, err := d.org.UpdatePolicy(ctx, c.Actor, *in.PolicyId, organization.PolicyChange{Name: in.Name, Description: in.Description, Content: in.Content})
	if err != nil {
		return nil, err
	}
	w, err := d.policy(ctx, p)
	return &UpdatePolicyResponse{Policy: w}, err
}

func (d *Door[P]) describePolicy(ctx context.Context, _ *awswire.Call[P], in *DescribePolicyRequest) (*DescribePolicyResponse, error) {
	p, err := d.org.Policy(ctx, *in.PolicyId)
	if err != nil {
		return nil, err
	}
	w, err := d.policy(ctx, p)
	return &DescribePolicyResponse{Policy: w}, err
}

func (d *Door[P]) deletePolicy(ctx context.Context, c *awswire.Call[P], in *DeletePolicyRequest) (*awswire.Empty, error) {
	return nil, d.org.DeletePolicy(ctx, c.Actor, *in.PolicyId)
}

func (d *Door[P]) policy(ctx context.Context, p organization.Policy) (*Policy, error) {
	o, err := d.org.Organization(ctx)
	return &Policy{PolicySummary: new(names{o}.summary(p)), Content: &p.Content}, err
}

func (n names) summary(p organization.Policy) PolicySummary {
	return PolicySummary{Id: &p.ID, Arn: new(n.arn(p.ID)), Name: &p.Name, Description: &p.Description, Type: new(organization.ServiceControl), AwsManaged: &p.AWSManaged}
}

func (d *Door[P]) listPolicies(ctx context.Context, _ *awswire.Call[P], in *ListPoliciesRequest) (*ListPoliciesResponse, error) {
	what := []string{"ListPolicies", *in.Filter}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	out := &ListPoliciesResponse{Policies: []PolicySummary{}}
	if *in.Filter != organization.ServiceControl {
		return out, nil // there are none of another type
	}
	limit := limit(in.MaxResults)
	ps, err := d.org.Policies(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	ps, next := awswire.Page(ps, limit, policyID)
	out.Policies, err = d.summaries(ctx, ps)
	out.NextToken = awswire.PageToken(next, what...)
	return out, err
}

func policyID(p organization.Policy) string { return p.ID }

func (d *Door[P]) summaries(ctx context.Context, ps []organization.Policy) ([]PolicySummary, error) {
	o, err := d.org.Organization(ctx)
	out := make([]PolicySummary, len(ps))
	for i, p := range ps {
		out[i] = names{o}.summary(p)
	}
	return out, err
}

func (d *Door[P]) attachPolicy(ctx context.Context, c *awswire.Call[P], in *AttachPolicyRequest) (*awswire.Empty, error) {
	return nil, d.org.AttachPolicy(ctx, c.Actor, organization.Attachment{PolicyID: *in.PolicyId, TargetID: *in.TargetId})
}

func (d *Door[P]) detachPolicy(ctx context.Context, c *awswire.Call[P], in *DetachPolicyRequest) (*awswire.Empty, error) {
	return nil, d.org.DetachPolicy(ctx, c.Actor, organization.Attachment{PolicyID: *in.PolicyId, TargetID: *in.TargetId})
}

func (d *Door[P]) listPoliciesForTarget(ctx context.Context, _ *awswire.Call[P], in *ListPoliciesForTargetRequest) (*ListPoliciesForTargetResponse, error) {
	what := []string{"ListPoliciesForTarget", *in.TargetId, *in.Filter}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	ps, err := d.org.PoliciesOf(ctx, *in.TargetId)
	if err != nil {
		return nil, err
	}
	if *in.Filter != organization.ServiceControl {
		ps = nil
	}
	for len(ps) > 0 && ps[0].ID <= after {
		ps = ps[1:]
	}
	ps, next := awswire.Page(ps, limit(in.MaxResults), policyID)
	out, err := d.summaries(ctx, ps)
	return &ListPoliciesForTargetResponse{Policies: out, NextToken: awswire.PageToken(next, what...)}, err
}

func (d *Door[P]) listTargetsForPolicy(ctx context.Context, _ *awswire.Call[P], in *ListTargetsForPolicyRequest) (*ListTargetsForPolicyResponse, error) {
	what := []string{"ListTargetsForPolicy", *in.PolicyId}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	targets, err := d.org.TargetsOf(ctx, *in.PolicyId, after, limit+1)
	if err != nil {
		return nil, err
	}
	targets, next := awswire.Page(targets, limit, func(id string) string { return id })
	o, err := d.org.Organization(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListTargetsForPolicyResponse{Targets: []PolicyTargetSummary{}, NextToken: awswire.PageToken(next, what...)}
	for _, id := range targets {
		t := PolicyTargetSummary{TargetId: &id, Arn: new(names{o}.arn(id)), Name: new("Root"), Type: new("ROOT")}
		switch {
		case arn.IsAccountID(id):
			a, err := d.org.Account(ctx, id)
			if err != nil {
				return nil, err
			}
			t.Name, t.Type = &a.Name, new("ACCOUNT")
		case strings.HasPrefix(id, "ou-"):
			u, err := d.org.Unit(ctx, id)
			if err != nil {
				return nil, err
			}
			t.Name, t.Type = &u.Name, new("ORGANIZATIONAL_UNIT")
		}
		out.Targets = append(out.Targets, t)
	}
	return out, nil
}
