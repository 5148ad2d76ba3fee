package ssoadmin

import (
	"context"
	"strings"

	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

func assignee(kind, id *string) application.Principal {
	return application.Principal{Type: application.PrincipalType(*kind), ID: *id}
}

func (d *Door[P]) assignApplication(ctx context.Context, c *awswire.Call[P], p place, in *CreateApplicationAssignmentRequest) (*CreateApplicationAssignmentResponse, error) {
	return &CreateApplicationAssignmentResponse{}, d.Applications.Assign(ctx, c.Actor, p.application, assignee(in.PrincipalType, in.PrincipalId))
}

func (d *Door[P]) unassignApplication(ctx context.Context, c *awswire.Call[P], p place, in *DeleteApplicationAssignmentRequest) (*DeleteApplicationAssignmentResponse, error) {
	return &DeleteApplicationAssignmentResponse{}, d.Applications.Unassign(ctx, c.Actor, p.application, assignee(in.PrincipalType, in.PrincipalId))
}

func (d *Door[P]) describeApplicationAssignment(ctx context.Context, _ *awswire.Call[P], p place, in *DescribeApplicationAssignmentRequest) (*DescribeApplicationAssignmentResponse, error) {
	a, err := d.Applications.Assignment(ctx, p.application, assignee(in.PrincipalType, in.PrincipalId))
	if err != nil {
		return nil, err
	}
	return &DescribeApplicationAssignmentResponse{ApplicationArn: new(arn.Application(p.application)), PrincipalType: new(string(a.Principal.Type)), PrincipalId: new(a.Principal.ID)}, nil
}

func (d *Door[P]) listApplicationAssignments(ctx context.Context, _ *awswire.Call[P], p place, in *ListApplicationAssignmentsRequest) (*ListApplicationAssignmentsResponse, error) {
	what := []string{"ListApplicationAssignments", p.application.ID}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	kind, id, _ := strings.Cut(after, "/")
	limit := awswire.Limit(in.MaxResults)
	as, err := d.Applications.Assignments(ctx, p.application, application.Principal{Type: application.PrincipalType(kind), ID: id}, limit+1)
	if err != nil {
		return nil, err
	}
	as, next := awswire.Page(as, limit, func(a application.Assignment) string { return string(a.Principal.Type) + "/" + a.Principal.ID })
	out := &ListApplicationAssignmentsResponse{ApplicationAssignments: []ApplicationAssignment{}, NextToken: awswire.PageToken(next, what...)}
	for _, a := range as {
		out.ApplicationAssignments = append(out.ApplicationAssignments, ApplicationAssignment{
			ApplicationArn: new(arn.Application(p.application)), PrincipalType: new(string(a.Principal.Type)), PrincipalId: new(a.Principal.ID),
		})
	}
	return out, nil
}

// listApplicationAssignmentsForPrincipal lists for a user also what is assigned to her groups, as ListAccountAssignmentsForPrincipal does.
func (d *Door[P]) listApplicationAssignmentsForPrincipal(ctx context.Context, _ *awswire.Call[P], p place, in *ListApplicationAssignmentsForPrincipalRequest) (*ListApplicationAssignmentsForPrincipalResponse, error) {
	who, one := assignee(in.PrincipalType, in.PrincipalId), ""
	if in.Filter != nil {
		one = awswire.Val(in.Filter.ApplicationArn)
	}
	what := []string{"ListApplicationAssignmentsForPrincipal", p.instance, string(who.Type), who.ID, one}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	f, err := d.onlyApplication(ctx, p, one)
	if err != nil {
		return nil, err
	}
	principalID, appID, _ := strings.Cut(after, "/")
	limit := awswire.Limit(in.MaxResults)
	as, err := d.Applications.AssignmentsFor(ctx, application.For{InstanceID: p.instance, Principal: who, ApplicationID: f}, application.Place{PrincipalID: principalID, ApplicationID: appID}, limit+1)
	if err != nil {
		return nil, err
	}
	as, next := awswire.Page(as, limit, func(a application.Filed) string { return a.Principal.ID + "/" + a.Application.ID })
	out := &ListApplicationAssignmentsForPrincipalResponse{ApplicationAssignments: []ApplicationAssignmentForPrincipal{}, NextToken: awswire.PageToken(next, what...)}
	for _, a := range as {
		out.ApplicationAssignments = append(out.ApplicationAssignments, ApplicationAssignmentForPrincipal{
			ApplicationArn: new(a.Application.ARN()), PrincipalType: new(string(a.Principal.Type)), PrincipalId: new(a.Principal.ID),
		})
	}
	return out, nil
}

// onlyApplication returns the id of the application that a filter names.
func (d *Door[P]) onlyApplication(ctx context.Context, p place, filter string) (string, error) {
	if filter == "" {
		return "", nil
	}
	n, err := arn.ParseApplication(filter)
	if err != nil {
		return "", err
	}
	if n.InstanceID != p.instance {
		return "", fault.New(fault.NotFound, "The application %s is not in instance %s", filter, p.instance).About(application.ResourceApplication, n.ID)
	}
	a, err := d.Applications.Application(ctx, n)
	return a.ID, err
}

func (d *Door[P]) putAssignmentConfiguration(ctx context.Context, c *awswire.Call[P], p place, in *PutApplicationAssignmentConfigurationRequest) (*PutApplicationAssignmentConfigurationResponse, error) {
	_, err := d.Applications.Update(ctx, c.Actor, p.application, "PutApplicationAssignmentConfiguration", func(a *application.Application) error {
		a.OpenToAll = !*in.AssignmentRequired
		return nil
	})
	return &PutApplicationAssignmentConfigurationResponse{}, err
}

func (d *Door[P]) getAssignmentConfiguration(ctx context.Context, _ *awswire.Call[P], p place, _ *GetApplicationAssignmentConfigurationRequest) (*GetApplicationAssignmentConfigurationResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	return &GetApplicationAssignmentConfigurationResponse{AssignmentRequired: new(!a.OpenToAll)}, nil
}
