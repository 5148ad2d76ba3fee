// Package cloudformation is the door of the CloudFormation API (AWS Query, version 2010-05-15): stacks, change sets, events, exports.
//
// It owns nothing. It turns wire shapes into nouns of package cloudformation and back. What is the API's own, and therefore here: names or
// ids wherever a stack is meant, page tokens, and which inputs are refused because nothing here could honour them (templates in S3,
// service roles, stack policies, imports).
//
// Stacks live in the account of the caller and the region he signed for. Resources are made with the very credentials of the request;
// see package cloudformation.
//
// Start reading at [Door.Service], the table. Operations of the API without a row answer that they are not implemented.
package cloudformation

import (
	"context"
	"strings"

	"gatehouse/internal/awswire"
	domain "gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// Door answers the CloudFormation API.
type Door struct{ stacks *domain.Service }

// New returns a door.
func New(s *domain.Service) *Door { return &Door{stacks: s} }

type call = awswire.Call[localiam.Caller]

// Service returns the table of operations.
func (d *Door) Service() awswire.Service[localiam.Caller] {
	return awswire.Service[localiam.Caller]{Model: &model, Errors: wireError, Operations: []awswire.Operation[localiam.Caller]{
		row(d, "CreateStack", d.createStack),
		row(d, "UpdateStack", d.updateStack),
		row(d, "DeleteStack", d.deleteStack),
		row(d, "ContinueUpdateRollback", d.continueRollback),
		row(d, "UpdateTerminationProtection", d.protect),
		row(d, "DescribeStacks", d.describeStacks),
		row(d, "DescribeStackEvents", d.describeEvents),
		row(d, "DescribeStackResources", d.describeResources),
		row(d, "DescribeStackResource", d.describeResource),
		row(d, "ListStackResources", d.listResources),
		awswire.Op("ListStacks", "cloudformation:ListStacks", nil, d.listStacks),
		row(d, "GetTemplate", d.getTemplate),
		row(d, "GetTemplateSummary", d.getTemplateSummary),
		awswire.Op("ValidateTemplate", "cloudformation:ValidateTemplate", nil, d.validateTemplate),
		row(d, "CreateChangeSet", d.createChangeSet),
		row(d, "DescribeChangeSet", d.describeChangeSet),
		row(d, "ExecuteChangeSet", d.executeChangeSet),
		row(d, "DeleteChangeSet", d.deleteChangeSet),
		row(d, "ListChangeSets", d.listChangeSets),
		awswire.Op("ListExports", "cloudformation:ListExports", nil, d.listExports),
		awswire.Op("ListImports", "cloudformation:ListImports", nil, d.listImports),
	}}
}

// named is an input that names a stack, or a change set of one, and perhaps tags.
type named interface {
	names() (stack, changeSet *string, tags []Tag)
}

// row is an operation on the stack its input names. Its action bears its name.
func row[In, Out any, I interface {
	*In
	awswire.Checker
	named
}](d *Door, name string, handle func(context.Context, *call, I) (*Out, error)) awswire.Operation[localiam.Caller] {
	return awswire.Op(name, "cloudformation:"+name, func(ctx context.Context, c *call, in I) (awswire.Target, error) {
		stack, set, tags := in.names()
		there := awswire.Val(set)
		if name == "CreateChangeSet" {
			there = "" // it is to be the stack's, whatever bears its name
		}
		t, err := d.target(ctx, c, awswire.Val(stack), there)
		t.Fresh = name == "CreateStack"
		t.Context = map[string][]string{}
		if set != nil && name != "GetTemplate" {
			t.Context["cloudformation:ChangeSetName"] = []string{changeSetName(*set)}
		}
		if name == "DescribeStacks" && stack == nil {
			t.Further = []awswire.Further{{Action: "cloudformation:ListStacks"}} // all of them
		}
		if len(tags) > 0 {
			for _, tag := range tags {
				t.Context["aws:RequestTag/"+*tag.Key] = []string{*tag.Value}
				t.Context["aws:TagKeys"] = append(t.Context["aws:TagKeys"], *tag.Key)
			}
		}
		return t, err
	}, handle)
}

// changeSetName is the name in a change set's ARN (…:changeSet/<name>/<id>), or what is no ARN itself.
func changeSetName(s string) string {
	_, rest, ok := strings.Cut(s, ":changeSet/")
	if !ok {
		return s
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// target finds the ARN of what is named. What does not exist gets the ARN it would have, so that only those who are allowed to look learn
// that it does not.
func (d *Door) target(ctx context.Context, c *call, stack, set string) (awswire.Target, error) {
	p, err := place(c)
	if err != nil {
		return awswire.Target{}, err
	}
	if strings.HasPrefix(set, "arn:") { // it says whose it is, whatever stack is named beside it
		cs, _, err := d.stacks.ChangeSet(ctx, p, "", set)
		if fault.Is(err, fault.NotFound) {
			return awswire.On(set), nil
		}
		return awswire.On(cs.StackID), err
	}
	if strings.HasPrefix(stack, "arn:") {
		return awswire.On(stack), nil
	}
	if stack == "" {
		return awswire.Target{}, nil
	}
	s, err := d.stacks.Stack(ctx, p, stack)
	if fault.Is(err, fault.NotFound) {
		return awswire.On("arn:aws:cloudformation:" + p.Region + ":" + p.AccountID + ":stack/" + stack + "/*"), nil
	}
	return awswire.On(s.ID), err
}

// place is where the caller's stacks live.
func place(c *call) (domain.Place, error) {
	by, err := caller(c)
	return by.Place, err
}

// caller is who asks, and where. The signature was verified before; it is read again for the region and the session token.
func caller(c *call) (domain.By, error) {
	sig, err := awswire.ParseSignature(c.Request)
	if err != nil {
		return domain.By{}, err
	}
	return domain.By{
		Place: domain.Place{AccountID: c.Principal.AccountID, Region: sig.Region},
		Actor: c.Actor, Key: domain.CallerKey{AccessKeyID: sig.KeyID, SessionToken: sig.Token},
	}, nil
}

// wireError chooses CloudFormation's codes: what is not there is a ValidationError, but for change sets.
func wireError(_ string, err error, e awswire.WireError) awswire.WireError {
	f := fault.Of(err)
	switch {
	case f.Kind == fault.NotFound && f.Reason == "change-set":
		e.Code = "ChangeSetNotFound"
	case f.Kind == fault.NotFound:
		e.Code, e.Status = "ValidationError", 400
	case f.Kind == fault.Conflict && f.Reason == "exists":
		e.Code = "AlreadyExistsException"
	case f.Kind == fault.Conflict && f.Reason == "change-set-status":
		e.Code = "InvalidChangeSetStatus"
	case f.Kind == fault.Conflict:
		e.Code, e.Status = "ValidationError", 400
	case f.Kind == fault.Quota:
		e.Code = "LimitExceededException"
	case f.Kind == fault.Invalid && f.Reason == "capabilities":
		e.Code = "InsufficientCapabilitiesException"
	}
	return e
}

func (in *CreateStackInput) names() (*string, *string, []Tag) { return in.StackName, nil, in.Tags }
func (in *UpdateStackInput) names() (*string, *string, []Tag) { return in.StackName, nil, in.Tags }
func (in *DeleteStackInput) names() (*string, *string, []Tag) { return in.StackName, nil, nil }
func (in *ContinueUpdateRollbackInput) names() (*string, *string, []Tag) {
	return in.StackName, nil, nil
}
func (in *UpdateTerminationProtectionInput) names() (*string, *string, []Tag) {
	return in.StackName, nil, nil
}
func (in *DescribeStacksInput) names() (*string, *string, []Tag)      { return in.StackName, nil, nil }
func (in *DescribeStackEventsInput) names() (*string, *string, []Tag) { return in.StackName, nil, nil }
func (in *DescribeStackResourcesInput) names() (*string, *string, []Tag) {
	return in.StackName, nil, nil
}
func (in *DescribeStackResourceInput) names() (*string, *string, []Tag) {
	return in.StackName, nil, nil
}
func (in *ListStackResourcesInput) names() (*string, *string, []Tag) { return in.StackName, nil, nil }
func (in *GetTemplateInput) names() (*string, *string, []Tag) {
	return in.StackName, in.ChangeSetName, nil
}
func (in *GetTemplateSummaryInput) names() (*string, *string, []Tag) { return in.StackName, nil, nil }
func (in *CreateChangeSetInput) names() (*string, *string, []Tag) {
	return in.StackName, in.ChangeSetName, in.Tags
}
func (in *DescribeChangeSetInput) names() (*string, *string, []Tag) {
	return in.StackName, in.ChangeSetName, nil
}
func (in *ExecuteChangeSetInput) names() (*string, *string, []Tag) {
	return in.StackName, in.ChangeSetName, nil
}
func (in *DeleteChangeSetInput) names() (*string, *string, []Tag) {
	return in.StackName, in.ChangeSetName, nil
}
func (in *ListChangeSetsInput) names() (*string, *string, []Tag) { return in.StackName, nil, nil }
