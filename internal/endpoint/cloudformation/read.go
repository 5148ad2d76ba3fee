package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"gatehouse/internal/awswire"
	domain "gatehouse/internal/cloudformation"
)

const pageSize = 100

func (d *Door) stack(ctx context.Context, c *call, name *string) (domain.Stack, error) {
	p, err := place(c)
	if err != nil {
		return domain.Stack{}, err
	}
	if awswire.Val(name) == "" {
		return domain.Stack{}, refuse("StackName", "StackName must be given")
	}
	return d.stacks.Stack(ctx, p, *name)
}

// list is never nil, so that an empty list has its element.
func list(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}

func wireTags(in map[string]string) []Tag {
	out := []Tag{}
	for _, k := range slices.Sorted(maps.Keys(in)) {
		out = append(out, Tag{Key: new(k), Value: new(in[k])})
	}
	return out
}

func parameters(rev domain.Revision) []Parameter {
	out := []Parameter{}
	for _, p := range domain.Shown(rev) {
		out = append(out, Parameter{ParameterKey: &p.Key, ParameterValue: &p.Value})
	}
	return out
}

func wireStack(s domain.Stack) Stack {
	out := Stack{
		StackId: &s.ID, StackName: &s.Name, ChangeSetId: awswire.Opt(s.ChangeSetID), Description: awswire.Opt(s.Description), Parameters: parameters(s.Revision),
		CreationTime: awswire.At(s.CreatedAt), DeletionTime: awswire.At(s.DeletedAt), LastUpdatedTime: awswire.At(s.UpdatedAt), RollbackConfiguration: &RollbackConfiguration{},
		StackStatus: new(string(s.Status)), StackStatusReason: awswire.Opt(s.Reason), DisableRollback: &s.RollbackOff, NotificationARNs: list(s.Revision.NotificationARNs),
		Capabilities: list(s.Revision.Capabilities), Outputs: []Output{}, Tags: wireTags(s.Revision.Tags), EnableTerminationProtection: &s.Protected,
		DriftInformation: &StackDriftInformation{StackDriftStatus: new("NOT_CHECKED")},
	}
	for _, o := range s.Outputs {
		out.Outputs = append(out.Outputs, Output{OutputKey: &o.Key, OutputValue: &o.Value, Description: awswire.Opt(o.Description), ExportName: awswire.Opt(o.Export)})
	}
	return out
}

func (d *Door) describeStacks(ctx context.Context, c *call, in *DescribeStacksInput) (*DescribeStacksOutput, error) {
	if awswire.Val(in.StackName) != "" {
		s, err := d.stack(ctx, c, in.StackName)
		if err != nil {
			return nil, err
		}
		return &DescribeStacksOutput{Stacks: []Stack{wireStack(s)}}, nil
	}
	stacks, next, err := d.page(ctx, c, in.NextToken, false, "DescribeStacks")
	if err != nil {
		return nil, err
	}
	out := &DescribeStacksOutput{Stacks: []Stack{}, NextToken: next}
	for _, s := range stacks {
		out.Stacks = append(out.Stacks, wireStack(s))
	}
	return out, nil
}

func (d *Door) page(ctx context.Context, c *call, token *string, all bool, what ...string) ([]domain.Stack, *string, error) {
	p, err := place(c)
	if err != nil {
		return nil, nil, err
	}
	what = append(what, p.AccountID, p.Region)
	after, err := awswire.Cursor(token, what...)
	if err != nil {
		return nil, nil, err
	}
	stacks, err := d.stacks.Stacks(ctx, p, all, after, pageSize+1)
	if err != nil {
		return nil, nil, err
	}
	stacks, next := awswire.Page(stacks, pageSize, func(s domain.Stack) string { return s.ID })
	return stacks, awswire.PageToken(next, what...), nil
}

// listStacks narrows a page by status: a page may be shorter than another, and even empty, and still have a next.
func (d *Door) listStacks(ctx context.Context, c *call, in *ListStacksInput) (*ListStacksOutput, error) {
	stacks, next, err := d.page(ctx, c, in.NextToken, true, append([]string{"ListStacks"}, in.StackStatusFilter...)...)
	if err != nil {
		return nil, err
	}
	out := &ListStacksOutput{StackSummaries: []StackSummary{}, NextToken: next}
	for _, s := range stacks {
		if len(in.StackStatusFilter) > 0 && !slices.Contains(in.StackStatusFilter, string(s.Status)) {
			continue
		}
		out.StackSummaries = append(out.StackSummaries, StackSummary{
			StackId: &s.ID, StackName: &s.Name, TemplateDescription: awswire.Opt(s.Description), CreationTime: awswire.At(s.CreatedAt), LastUpdatedTime: awswire.At(s.UpdatedAt),
			DeletionTime: awswire.At(s.DeletedAt), StackStatus: new(string(s.Status)), StackStatusReason: awswire.Opt(s.Reason),
			DriftInformation: &StackDriftInformationSummary{StackDriftStatus: new("NOT_CHECKED")},
		})
	}
	return out, nil
}

func (d *Door) describeEvents(ctx context.Context, c *call, in *DescribeStackEventsInput) (*DescribeStackEventsOutput, error) {
	s, err := d.stack(ctx, c, in.StackName)
	if err != nil {
		return nil, err
	}
	what := []string{"DescribeStackEvents", s.ID}
	cursor, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	before, _ := strconv.ParseInt(cursor, 10, 64) // an empty cursor is 0: from the newest
	events, err := d.stacks.Events(ctx, s.ID, before, pageSize+1)
	if err != nil {
		return nil, err
	}
	events, next := awswire.Page(events, pageSize, func(e domain.Event) string { return strconv.FormatInt(e.Seq, 10) })
	out := &DescribeStackEventsOutput{StackEvents: []StackEvent{}, NextToken: awswire.PageToken(next, what...)}
	for _, e := range events {
		out.StackEvents = append(out.StackEvents, StackEvent{
			StackId: &e.StackID, EventId: &e.ID, StackName: &e.StackName, LogicalResourceId: &e.LogicalID, PhysicalResourceId: &e.PhysicalID, ResourceType: &e.Type,
			Timestamp: awswire.At(e.At), ResourceStatus: new(string(e.Status)), ResourceStatusReason: awswire.Opt(e.Reason), ResourceProperties: awswire.Opt(e.Properties),
			ClientRequestToken: awswire.Opt(e.Token),
		})
	}
	return out, nil
}

// visible leaves out resources that a live stack no longer has.
func visible(s domain.Stack, rows []domain.Resource) []domain.Resource {
	return slices.DeleteFunc(rows, func(r domain.Resource) bool {
		return r.Status == domain.DeleteComplete && s.Live() && s.Status == domain.UpdateComplete
	})
}

func (d *Door) describeResources(ctx context.Context, c *call, in *DescribeStackResourcesInput) (*DescribeStackResourcesOutput, error) {
	if in.PhysicalResourceId != nil {
		return nil, refuse("PhysicalResourceId", "Gatehouse finds resources by StackName and LogicalResourceId only")
	}
	s, err := d.stack(ctx, c, in.StackName)
	if err != nil {
		return nil, err
	}
	rows, err := d.stacks.Resources(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	out := &DescribeStackResourcesOutput{StackResources: []StackResource{}}
	for _, r := range visible(s, rows) {
		if in.LogicalResourceId != nil && r.LogicalID != *in.LogicalResourceId {
			continue
		}
		out.StackResources = append(out.StackResources, StackResource{
			StackName: &s.Name, StackId: &s.ID, LogicalResourceId: &r.LogicalID, PhysicalResourceId: awswire.Opt(r.PhysicalID), ResourceType: &r.Type,
			Timestamp: awswire.At(r.UpdatedAt), ResourceStatus: new(string(r.Status)), ResourceStatusReason: awswire.Opt(r.Reason),
			DriftInformation: &StackResourceDriftInformation{StackResourceDriftStatus: new("NOT_CHECKED")},
		})
	}
	if in.LogicalResourceId != nil && len(out.StackResources) == 0 {
		return nil, noResource(s, *in.LogicalResourceId)
	}
	return out, nil
}

func noResource(s domain.Stack, logical string) error {
	return refuse("LogicalResourceId", "Resource %s does not exist for stack %s", logical, s.Name)
}

func (d *Door) describeResource(ctx context.Context, c *call, in *DescribeStackResourceInput) (*DescribeStackResourceOutput, error) {
	s, err := d.stack(ctx, c, in.StackName)
	if err != nil {
		return nil, err
	}
	rows, err := d.stacks.Resources(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.LogicalID == *in.LogicalResourceId {
			return &DescribeStackResourceOutput{StackResourceDetail: &StackResourceDetail{
				StackName: &s.Name, StackId: &s.ID, LogicalResourceId: &r.LogicalID, PhysicalResourceId: awswire.Opt(r.PhysicalID), ResourceType: &r.Type,
				LastUpdatedTimestamp: awswire.At(r.UpdatedAt), ResourceStatus: new(string(r.Status)), ResourceStatusReason: awswire.Opt(r.Reason), Metadata: new("{}"),
				DriftInformation: &StackResourceDriftInformation{StackResourceDriftStatus: new("NOT_CHECKED")},
			}}, nil
		}
	}
	return nil, noResource(s, *in.LogicalResourceId)
}

func (d *Door) listResources(ctx context.Context, c *call, in *ListStackResourcesInput) (*ListStackResourcesOutput, error) {
	s, err := d.stack(ctx, c, in.StackName)
	if err != nil {
		return nil, err
	}
	what := []string{"ListStackResources", s.ID}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	rows, err := d.stacks.Resources(ctx, s.ID) // five hundred at most
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(visible(s, rows), func(r domain.Resource) bool { return r.LogicalID <= after })
	rows, next := awswire.Page(rows[:min(len(rows), pageSize+1)], pageSize, func(r domain.Resource) string { return r.LogicalID })
	out := &ListStackResourcesOutput{StackResourceSummaries: []StackResourceSummary{}, NextToken: awswire.PageToken(next, what...)}
	for _, r := range rows {
		out.StackResourceSummaries = append(out.StackResourceSummaries, StackResourceSummary{
			LogicalResourceId: &r.LogicalID, PhysicalResourceId: awswire.Opt(r.PhysicalID), ResourceType: &r.Type, LastUpdatedTimestamp: awswire.At(r.UpdatedAt),
			ResourceStatus: new(string(r.Status)), ResourceStatusReason: awswire.Opt(r.Reason),
			DriftInformation: &StackResourceDriftInformationSummary{StackResourceDriftStatus: new("NOT_CHECKED")},
		})
	}
	return out, nil
}

func (d *Door) getTemplate(ctx context.Context, c *call, in *GetTemplateInput) (*GetTemplateOutput, error) {
	stages := []string{"Original", "Processed"}
	if in.ChangeSetName != nil {
		cs, _, _, err := d.changeSet(ctx, c, in.StackName, in.ChangeSetName)
		if err != nil {
			return nil, err
		}
		return &GetTemplateOutput{TemplateBody: &cs.Revision.Template, StagesAvailable: stages}, nil
	}
	s, err := d.stack(ctx, c, in.StackName)
	if err != nil {
		return nil, err
	}
	return &GetTemplateOutput{TemplateBody: &s.Revision.Template, StagesAvailable: stages}, nil
}

// body is the template that an input brings or names.
func (d *Door) body(ctx context.Context, c *call, body, url, stack *string) (string, error) {
	if url != nil {
		return "", refuse("TemplateURL", "Gatehouse takes templates as TemplateBody only: there is no S3 here")
	}
	if (body == nil) == (stack == nil) {
		return "", refuse("TemplateBody", "Either Template URL or Template Body must be specified.")
	}
	if body != nil {
		return *body, nil
	}
	s, err := d.stack(ctx, c, stack)
	return s.Revision.Template, err
}

func (d *Door) getTemplateSummary(ctx context.Context, c *call, in *GetTemplateSummaryInput) (*GetTemplateSummaryOutput, error) {
	if in.StackSetName != nil {
		return nil, refuse("StackSetName", "Gatehouse has no stack sets")
	}
	body, err := d.body(ctx, c, in.TemplateBody, in.TemplateURL, in.StackName)
	if err != nil {
		return nil, err
	}
	t, err := d.stacks.Check(body)
	if err != nil {
		return nil, err
	}
	need, reason := d.stacks.Capabilities(t)
	out := &GetTemplateSummaryOutput{
		Parameters: []ParameterDeclaration{}, Description: awswire.Opt(t.Description), Capabilities: list(need), CapabilitiesReason: awswire.Opt(reason),
		ResourceTypes: list(t.Types()), Version: awswire.Opt(t.Version), DeclaredTransforms: list(t.Transforms),
	}
	for _, p := range t.Parameters {
		decl := ParameterDeclaration{
			ParameterKey: &p.Name, ParameterType: &p.Type, DefaultValue: p.Default, NoEcho: &p.NoEcho, Description: awswire.Opt(p.Description), ParameterConstraints: &ParameterConstraints{},
		}
		if len(p.AllowedValues) > 0 {
			decl.ParameterConstraints.AllowedValues = p.AllowedValues
		}
		out.Parameters = append(out.Parameters, decl)
	}
	return out, nil
}

func (d *Door) validateTemplate(ctx context.Context, c *call, in *ValidateTemplateInput) (*ValidateTemplateOutput, error) {
	body, err := d.body(ctx, c, in.TemplateBody, in.TemplateURL, nil)
	if err != nil {
		return nil, err
	}
	t, err := d.stacks.Check(body)
	if err != nil {
		return nil, err
	}
	need, reason := d.stacks.Capabilities(t)
	out := &ValidateTemplateOutput{
		Parameters: []TemplateParameter{}, Description: awswire.Opt(t.Description), Capabilities: list(need), CapabilitiesReason: awswire.Opt(reason), DeclaredTransforms: list(t.Transforms),
	}
	for _, p := range t.Parameters {
		out.Parameters = append(out.Parameters, TemplateParameter{ParameterKey: &p.Name, DefaultValue: p.Default, NoEcho: &p.NoEcho, Description: awswire.Opt(p.Description)})
	}
	return out, nil
}

func (d *Door) listExports(ctx context.Context, c *call, in *ListExportsInput) (*ListExportsOutput, error) {
	p, err := place(c)
	if err != nil {
		return nil, err
	}
	what := []string{"ListExports", p.AccountID, p.Region}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	es, err := d.stacks.Exports(ctx, p, after, pageSize+1)
	if err != nil {
		return nil, err
	}
	es, next := awswire.Page(es, pageSize, func(e domain.Export) string { return e.Name })
	out := &ListExportsOutput{Exports: []Export{}, NextToken: awswire.PageToken(next, what...)}
	for _, e := range es {
		out.Exports = append(out.Exports, Export{ExportingStackId: &e.StackID, Name: &e.Name, Value: &e.Value})
	}
	return out, nil
}

func (d *Door) listImports(ctx context.Context, c *call, in *ListImportsInput) (*ListImportsOutput, error) {
	p, err := place(c)
	if err != nil {
		return nil, err
	}
	what := []string{"ListImports", p.AccountID, p.Region, *in.ExportName}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	names, err := d.stacks.Importers(ctx, p, *in.ExportName, after, pageSize+1)
	if err != nil {
		return nil, err
	}
	names, next := awswire.Page(names, pageSize, func(s string) string { return s })
	return &ListImportsOutput{Imports: list(names), NextToken: awswire.PageToken(next, what...)}, nil
}
