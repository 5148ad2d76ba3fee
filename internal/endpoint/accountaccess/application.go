package accountaccess

import (
	"context"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
)

// createApplication needs the permission to make the application in IAM Identity Center too, and to tag if there are tags (IAM User
// Guide, «Security in account access manager»; Service Authorization Reference).
func (d *Door[P]) createApplication(ctx context.Context, c *awswire.Call[P], in *CreateApplicationRequest) (*CreateApplicationResponse, error) {
	id, err := arn.ParseInstance(*in.IdentitySource.IdentityCenter.InstanceArn)
	if err != nil {
		return nil, err
	}
	every := "arn:aws:sso::" + c.Actor.AccountID + ":application/" + id + "/*"
	if err := c.Authorize(ctx, "sso:CreateApplication", awswire.On(arn.Instance(id), arn.ApplicationProvider(application.AccountAccess), every)); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		i, err := d.Access.Instance(ctx, id)
		if err != nil {
			return nil, err
		}
		t := awswire.Target{Resources: []string{arn.Manager{Region: i.Region, AccountID: c.Actor.AccountID, ID: "*"}.String()}, Context: map[string][]string{}}
		requestTags(t.Context, in)
		if err := c.Authorize(ctx, "account-access:TagResource", t); err != nil {
			return nil, err
		}
	}
	m, err := d.Access.CreateManager(ctx, c.Actor, id, in.Tags)
	if err != nil {
		return nil, err
	}
	return &CreateApplicationResponse{ApplicationArn: new(m.Name().String())}, nil
}

func (d *Door[P]) getApplication(ctx context.Context, _ *awswire.Call[P], n arn.Manager, _ *GetApplicationRequest) (*GetApplicationResponse, error) {
	m, err := d.Access.Manager(ctx, n)
	if err != nil {
		return nil, err
	}
	works, err := d.Access.ManagerState(ctx, m)
	if err != nil {
		return nil, err
	}
	out := &GetApplicationResponse{
		IdentitySource: &IdentitySourceDetails{IdentityCenter: &IdentityCenterDetails{InstanceArn: new(arn.Instance(m.InstanceID)), ApplicationArn: new(arn.Application(m.Application()))}},
		Status:         new("ACTIVE"), TenantId: &m.TenantID, CreatedAt: text(m.CreatedAt), UpdatedAt: text(m.UpdatedAt), Tags: m.Tags,
	}
	if !works {
		out.Status = new("CREATE_FAILED")
		out.Error = &ErrorDetails{Code: new("RESOURCE_NOT_FOUND_ERROR"), Message: new("The application in IAM Identity Center is gone, and nobody comes through. CreateApplication makes it again.")}
	}
	return out, nil
}

// text is a time as this API writes it.
func text(t time.Time) *string { return new(awswire.Time{Time: t}.Text()) }

// deleteApplication needs the permission to delete the application in IAM Identity Center too.
func (d *Door[P]) deleteApplication(ctx context.Context, c *awswire.Call[P], n arn.Manager, _ *DeleteApplicationRequest) (*struct{}, error) {
	if m, err := d.Access.Manager(ctx, n); err == nil {
		if err := c.Authorize(ctx, "sso:DeleteApplication", awswire.On(arn.Application(m.Application()))); err != nil {
			return nil, err
		}
	}
	return nil, d.Access.DeleteManager(ctx, c.Actor, n)
}

// listApplications shows an account its own, and a delegated administrator the owner's.
func (d *Door[P]) listApplications(ctx context.Context, c *awswire.Call[P], in *ListApplicationsRequest) (*ListApplicationsResponse, error) {
	account := c.Actor.AccountID
	if d.Delegate != nil {
		if ok, err := d.Delegate(ctx, account); err != nil {
			return nil, err
		} else if ok {
			account = d.Owner
		}
	}
	what := []string{"account-access:ListApplications", account}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	ms, err := d.Access.Managers(ctx, account, after, limit+1)
	if err != nil {
		return nil, err
	}
	ms, next := awswire.Page(ms, limit, func(m access.Manager) string { return m.ID })
	out := &ListApplicationsResponse{Applications: []ApplicationSummary{}, NextToken: awswire.PageToken(next, what...)}
	for _, m := range ms {
		out.Applications = append(out.Applications, ApplicationSummary{ApplicationArn: new(m.Name().String()), TenantId: &m.TenantID, CreatedAt: text(m.CreatedAt), UpdatedAt: text(m.UpdatedAt)})
	}
	return out, nil
}

func (d *Door[P]) tag(ctx context.Context, c *awswire.Call[P], n arn.Manager, in *TagResourceRequest) (*struct{}, error) {
	return nil, d.Access.TagManager(ctx, c.Actor, n, in.Tags, nil)
}

func (d *Door[P]) untag(ctx context.Context, c *awswire.Call[P], n arn.Manager, in *UntagResourceRequest) (*struct{}, error) {
	return nil, d.Access.TagManager(ctx, c.Actor, n, nil, in.TagKeys)
}

func (d *Door[P]) listTags(ctx context.Context, _ *awswire.Call[P], n arn.Manager, _ *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	m, err := d.Access.Manager(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceResponse{Tags: m.Tags}
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out, nil
}

// cursor writes a place in the listing of entitlements; slashes are in roles alone.
func cursor(at access.EntitlementPlace) string {
	return strings.Join([]string{at.AccountID, string(at.Principal.Type), at.Principal.ID, at.Role}, " ")
}

func place(cursor string) access.EntitlementPlace {
	part := strings.SplitN(cursor, " ", 4)
	if len(part) < 4 {
		return access.EntitlementPlace{}
	}
	return access.EntitlementPlace{AccountID: part[0], Role: part[3], Principal: access.Principal{Type: access.PrincipalType(part[1]), ID: part[2]}}
}
