package cloudformation

import (
	"context"
	"slices"

	"gatehouse/internal/awswire"
	domain "gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
)

// given is what the inputs that bring a template have in common.
type given struct {
	body, url, role             *string
	previous                    *bool
	parameters                  []Parameter
	tags                        []Tag
	capabilities, notify, types []string
	policies                    []*string
	monitored                   *RollbackConfiguration
	name, token                 *string
}

func refuse(member, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(member)
}

// input reads what a stack is to be made from.
func (d *Door) input(g given) (domain.Input, error) {
	in := domain.Input{
		Name: awswire.Val(g.name), Template: awswire.Val(g.body), Capabilities: g.capabilities, NotificationARNs: g.notify, Token: awswire.Val(g.token),
	}
	previous := awswire.Val(g.previous)
	switch {
	case g.url != nil:
		return in, refuse("TemplateURL", "Gatehouse takes templates as TemplateBody only: there is no S3 here")
	case g.role != nil:
		return in, refuse("RoleARN", "Gatehouse does not support service roles (RoleARN): stacks are made with the caller's own permissions")
	case slices.ContainsFunc(g.policies, func(p *string) bool { return p != nil }):
		return in, refuse("StackPolicyBody", "Gatehouse does not support stack policies")
	case g.monitored != nil && len(g.monitored.RollbackTriggers) > 0:
		return in, refuse("RollbackConfiguration", "Gatehouse does not support rollback triggers: there are no alarms here")
	case (in.Template == "") != previous:
		return in, refuse("TemplateBody", "Either Template URL or Template Body must be specified.")
	}
	for _, p := range g.parameters {
		in.Parameters = append(in.Parameters, domain.Parameter{Key: awswire.Val(p.ParameterKey), Value: awswire.Val(p.ParameterValue), UsePrevious: awswire.Val(p.UsePreviousValue)})
	}
	in.KeepTags = g.tags == nil
	var err error
	if in.Tags, err = tags(g.tags); err != nil || len(g.types) == 0 || previous {
		return in, err
	}
	t, err := d.stacks.Check(in.Template)
	if err != nil {
		return in, err
	}
	for _, typ := range t.Types() {
		if !slices.ContainsFunc(g.types, func(allowed string) bool { return matches(allowed, typ) }) {
			return in, refuse("ResourceTypes", "Resource type %s is not allowed by parameter ResourceTypes %v", typ, g.types)
		}
	}
	return in, nil
}

// matches compares a type with AWS::*, AWS::SSO::* or itself.
func matches(pattern, typ string) bool {
	if n := len(pattern); n > 0 && pattern[n-1] == '*' {
		return len(typ) >= n-1 && typ[:n-1] == pattern[:n-1]
	}
	return pattern == typ
}

func tags(in []Tag) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range in {
		if _, twice := out[*t.Key]; twice {
			return nil, refuse("Tags", "The tag key %q is given twice", *t.Key)
		}
		out[*t.Key] = *t.Value
	}
	return out, nil
}

func (d *Door) createStack(ctx context.Context, c *call, in *CreateStackInput) (*CreateStackOutput, error) {
	by, err := caller(c)
	if err != nil {
		return nil, err
	}
	if in.OnFailure != nil && in.DisableRollback != nil {
		return nil, refuse("OnFailure", "You can specify either DisableRollback or OnFailure, but not both.")
	}
	q, err := d.input(given{
		body: in.TemplateBody, url: in.TemplateURL, role: in.RoleARN, parameters: in.Parameters, tags: in.Tags, capabilities: in.Capabilities,
		notify: in.NotificationARNs, types: in.ResourceTypes, policies: []*string{in.StackPolicyBody, in.StackPolicyURL}, monitored: in.RollbackConfiguration,
		name: in.StackName, token: in.ClientRequestToken,
	})
	if err != nil {
		return nil, err
	}
	q.OnFailure, q.Protected = onFailure(in.DisableRollback), awswire.Val(in.EnableTerminationProtection)
	if in.OnFailure != nil {
		q.OnFailure = domain.OnFailure(*in.OnFailure)
	}
	s, err := d.stacks.CreateStack(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return &CreateStackOutput{StackId: &s.ID}, nil
}

func onFailure(disabled *bool) domain.OnFailure {
	if awswire.Val(disabled) {
		return domain.DoNothing
	}
	return domain.Rollback
}

func (d *Door) updateStack(ctx context.Context, c *call, in *UpdateStackInput) (*UpdateStackOutput, error) {
	by, err := caller(c)
	if err != nil {
		return nil, err
	}
	q, err := d.input(given{
		body: in.TemplateBody, url: in.TemplateURL, role: in.RoleARN, previous: in.UsePreviousTemplate, parameters: in.Parameters, tags: in.Tags,
		capabilities: in.Capabilities, notify: in.NotificationARNs, types: in.ResourceTypes, monitored: in.RollbackConfiguration,
		policies: []*string{in.StackPolicyBody, in.StackPolicyURL, in.StackPolicyDuringUpdateBody, in.StackPolicyDuringUpdateURL},
		name:     in.StackName, token: in.ClientRequestToken,
	})
	if err != nil {
		return nil, err
	}
	q.OnFailure = onFailure(in.DisableRollback)
	s, err := d.stacks.UpdateStack(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return &UpdateStackOutput{StackId: &s.ID}, nil
}

func (d *Door) deleteStack(ctx context.Context, c *call, in *DeleteStackInput) (*awswire.Empty, error) {
	by, err := caller(c)
	if err != nil {
		return nil, err
	}
	if in.RoleARN != nil {
		return nil, refuse("RoleARN", "Gatehouse does not support service roles (RoleARN): stacks are removed with the caller's own permissions")
	}
	return nil, d.stacks.DeleteStack(ctx, by, *in.StackName, awswire.Val(in.ClientRequestToken), in.RetainResources)
}

func (d *Door) continueRollback(ctx context.Context, c *call, in *ContinueUpdateRollbackInput) (*ContinueUpdateRollbackOutput, error) {
	by, err := caller(c)
	if err != nil {
		return nil, err
	}
	if in.RoleARN != nil || len(in.ResourcesToSkip) > 0 {
		return nil, refuse("ResourcesToSkip", "Gatehouse does not support RoleARN and ResourcesToSkip")
	}
	return &ContinueUpdateRollbackOutput{}, d.stacks.ContinueRollback(ctx, by, *in.StackName, awswire.Val(in.ClientRequestToken))
}

func (d *Door) protect(ctx context.Context, c *call, in *UpdateTerminationProtectionInput) (*UpdateTerminationProtectionOutput, error) {
	by, err := caller(c)
	if err != nil {
		return nil, err
	}
	s, err := d.stacks.Protect(ctx, by, *in.StackName, *in.EnableTerminationProtection)
	if err != nil {
		return nil, err
	}
	return &UpdateTerminationProtectionOutput{StackId: &s.ID}, nil
}

func (d *Door) createChangeSet(ctx context.Context, c *call, in *CreateChangeSetInput) (*CreateChangeSetOutput, error) {
	by, err := caller(c)
	if err != nil {
		return nil, err
	}
	kind := awswire.Val(in.ChangeSetType)
	if kind == "IMPORT" || len(in.ResourcesToImport) > 0 {
		return nil, refuse("ChangeSetType", "Gatehouse does not support importing resources into stacks")
	}
	q, err := d.input(given{
		body: in.TemplateBody, url: in.TemplateURL, role: in.RoleARN, previous: in.UsePreviousTemplate, parameters: in.Parameters, tags: in.Tags,
		capabilities: in.Capabilities, notify: in.NotificationARNs, types: in.ResourceTypes, monitored: in.RollbackConfiguration, name: in.StackName, token: in.ClientToken,
	})
	if err != nil {
		return nil, err
	}
	set, err := d.stacks.CreateChangeSet(ctx, by, q, domain.ChangeSet{Name: *in.ChangeSetName, Description: awswire.Val(in.Description), Create: kind == "CREATE"})
	if err != nil {
		return nil, err
	}
	return &CreateChangeSetOutput{Id: &set.ID, StackId: &set.StackID}, nil
}

func (d *Door) changeSet(ctx context.Context, c *call, stack, set *string) (domain.ChangeSet, domain.Stack, domain.By, error) {
	by, err := caller(c)
	if err != nil {
		return domain.ChangeSet{}, domain.Stack{}, by, err
	}
	cs, s, err := d.stacks.ChangeSet(ctx, by.Place, awswire.Val(stack), *set)
	return cs, s, by, err
}

func (d *Door) executeChangeSet(ctx context.Context, c *call, in *ExecuteChangeSetInput) (*ExecuteChangeSetOutput, error) {
	cs, s, by, err := d.changeSet(ctx, c, in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	return &ExecuteChangeSetOutput{}, d.stacks.Execute(ctx, by, cs, s, domain.Input{Token: awswire.Val(in.ClientRequestToken), OnFailure: onFailure(in.DisableRollback)})
}

func (d *Door) deleteChangeSet(ctx context.Context, c *call, in *DeleteChangeSetInput) (*DeleteChangeSetOutput, error) {
	cs, s, by, err := d.changeSet(ctx, c, in.StackName, in.ChangeSetName)
	if fault.Is(err, fault.NotFound) && fault.Of(err).Reason == "change-set" {
		return &DeleteChangeSetOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &DeleteChangeSetOutput{}, d.stacks.DeleteChangeSet(ctx, by, cs, s)
}

func (d *Door) describeChangeSet(ctx context.Context, c *call, in *DescribeChangeSetInput) (*DescribeChangeSetOutput, error) {
	if in.NextToken != nil { // all changes fit into one answer, so no token was ever given out
		return nil, fault.New(fault.Invalid, "The NextToken is not one that this operation returned for these parameters.").At("NextToken")
	}
	cs, _, _, err := d.changeSet(ctx, c, in.StackName, in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	out := &DescribeChangeSetOutput{
		ChangeSetName: &cs.Name, ChangeSetId: &cs.ID, StackId: &cs.StackID, StackName: &cs.StackName, Description: awswire.Opt(cs.Description),
		Parameters: parameters(cs.Revision), CreationTime: awswire.At(cs.CreatedAt), ExecutionStatus: &cs.Execution, Status: new(string(cs.Status)),
		StatusReason: awswire.Opt(cs.Reason), NotificationARNs: list(cs.Revision.NotificationARNs), RollbackConfiguration: &RollbackConfiguration{},
		Capabilities: list(cs.Revision.Capabilities), Tags: wireTags(cs.Revision.Tags), Changes: []Change{}, IncludeNestedStacks: new(false),
	}
	for _, ch := range cs.Changes {
		out.Changes = append(out.Changes, wireChange(ch))
	}
	return out, nil
}

func wireChange(c domain.Change) Change {
	r := &ResourceChange{
		Action: &c.Action, LogicalResourceId: &c.LogicalID, PhysicalResourceId: awswire.Opt(c.PhysicalID), ResourceType: &c.Type,
		Replacement: awswire.Opt(c.Replacement), Scope: []string{}, Details: []ResourceChangeDetail{},
	}
	for _, p := range c.Properties {
		r.Scope = []string{"Properties"}
		evaluation := "Static"
		if p.Dynamic {
			evaluation = "Dynamic"
		}
		r.Details = append(r.Details, ResourceChangeDetail{
			Target: &ResourceTargetDefinition{Attribute: new("Properties"), Name: &p.Name, RequiresRecreation: &p.Recreation}, Evaluation: &evaluation, ChangeSource: new("DirectModification"),
		})
	}
	return Change{Type: new("Resource"), ResourceChange: r}
}

func (d *Door) listChangeSets(ctx context.Context, c *call, in *ListChangeSetsInput) (*ListChangeSetsOutput, error) {
	s, err := d.stack(ctx, c, in.StackName)
	if err != nil {
		return nil, err
	}
	what := []string{"ListChangeSets", s.ID}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	sets, err := d.stacks.ChangeSets(ctx, s.ID, after, pageSize+1)
	if err != nil {
		return nil, err
	}
	sets, next := awswire.Page(sets, pageSize, func(c domain.ChangeSet) string { return c.Name })
	out := &ListChangeSetsOutput{Summaries: []ChangeSetSummary{}, NextToken: awswire.PageToken(next, what...)}
	for _, cs := range sets {
		out.Summaries = append(out.Summaries, ChangeSetSummary{
			StackId: &cs.StackID, StackName: &cs.StackName, ChangeSetId: &cs.ID, ChangeSetName: &cs.Name, ExecutionStatus: &cs.Execution, Status: new(string(cs.Status)),
			StatusReason: awswire.Opt(cs.Reason), CreationTime: awswire.At(cs.CreatedAt), Description: awswire.Opt(cs.Description), IncludeNestedStacks: new(false),
		})
	}
	return out, nil
}
