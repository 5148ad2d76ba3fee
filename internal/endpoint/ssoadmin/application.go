package ssoadmin

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
)

func (d *Door[P]) listProviders(_ context.Context, _ *awswire.Call[P], in *ListApplicationProvidersRequest) (*ListApplicationProvidersResponse, error) {
	ps, next, err := slicePage(application.Providers(), in.MaxResults, in.NextToken, func(p application.Provider) string { return p.Name }, "ListApplicationProviders")
	if err != nil {
		return nil, err
	}
	out := &ListApplicationProvidersResponse{ApplicationProviders: []ApplicationProvider{}, NextToken: next}
	for _, p := range ps {
		out.ApplicationProviders = append(out.ApplicationProviders, ApplicationProvider{
			ApplicationProviderArn: new(arn.ApplicationProvider(p.Name)), FederationProtocol: new(p.Protocol), DisplayData: displayData(p),
		})
	}
	return out, nil
}

func (d *Door[P]) describeProvider(_ context.Context, _ *awswire.Call[P], where place, _ *DescribeApplicationProviderRequest) (*DescribeApplicationProviderResponse, error) {
	p, err := application.FindProvider(where.provider)
	if err != nil {
		return nil, err
	}
	return &DescribeApplicationProviderResponse{
		ApplicationProviderArn: new(arn.ApplicationProvider(p.Name)), FederationProtocol: new(p.Protocol), DisplayData: displayData(p),
	}, nil
}

func displayData(p application.Provider) *DisplayData {
	return &DisplayData{DisplayName: new(p.Title), Description: new(p.Description)}
}

func (d *Door[P]) createApplication(ctx context.Context, c *awswire.Call[P], p place, in *CreateApplicationRequest) (*CreateApplicationResponse, error) {
	i, err := d.Access.Instance(ctx, p.instance)
	if err != nil {
		return nil, err
	}
	a := application.Application{
		InstanceID: i.ID, AccountID: c.Actor.AccountID, Provider: p.provider, Name: *in.Name, Description: awswire.Val(in.Description),
		Disabled: awswire.Val(in.Status) == "DISABLED", Tags: fromTags(in.Tags), CreatedFrom: i.Region,
	}
	if o := in.PortalOptions; o != nil {
		a.Portal = fromSignIn(o.SignInOptions)
		a.Portal.Hidden = awswire.Val(o.Visibility) == "DISABLED"
	}
	if a, err = d.Applications.Create(ctx, c.Actor, a, awswire.Val(in.ClientToken)); err != nil {
		return nil, err
	}
	return &CreateApplicationResponse{ApplicationArn: new(a.ARN()), InstanceArn: new(arn.Instance(i.ID)), IdentityStoreArn: new(arn.IdentityStore(i.OwnerAccountID, i.IdentityStoreID))}, nil
}

func fromSignIn(o *SignInOptions) application.Portal {
	if o == nil {
		return application.Portal{}
	}
	return application.Portal{Origin: application.Origin(*o.Origin), URL: awswire.Val(o.ApplicationUrl)}
}

func (d *Door[P]) describeApplication(ctx context.Context, _ *awswire.Call[P], p place, _ *DescribeApplicationRequest) (*DescribeApplicationResponse, error) {
	a, err := d.Applications.Application(ctx, p.application)
	if err != nil {
		return nil, err
	}
	i, err := d.Access.Instance(ctx, a.InstanceID)
	if err != nil {
		return nil, err
	}
	w := wireApplication(a, i)
	return &DescribeApplicationResponse{
		ApplicationArn: w.ApplicationArn, ApplicationProviderArn: w.ApplicationProviderArn, Name: w.Name, ApplicationAccount: w.ApplicationAccount, InstanceArn: w.InstanceArn,
		IdentityStoreArn: w.IdentityStoreArn, Status: w.Status, PortalOptions: w.PortalOptions, Description: w.Description, CreatedDate: w.CreatedDate, CreatedFrom: w.CreatedFrom,
	}, nil
}

func wireApplication(a application.Application, i access.Instance) Application {
	portal := &PortalOptions{Visibility: new(enabled(!a.Portal.Hidden))}
	if a.Portal.Origin != "" {
		portal.SignInOptions = &SignInOptions{Origin: new(string(a.Portal.Origin)), ApplicationUrl: awswire.Opt(a.Portal.URL)}
	}
	return Application{
		ApplicationArn: new(a.ARN()), ApplicationProviderArn: new(arn.ApplicationProvider(a.Provider)), Name: new(a.Name), ApplicationAccount: new(a.AccountID),
		InstanceArn: new(arn.Instance(i.ID)), IdentityStoreArn: new(arn.IdentityStore(i.OwnerAccountID, i.IdentityStoreID)), Status: new(enabled(!a.Disabled)),
		PortalOptions: portal, Description: awswire.Opt(a.Description), CreatedDate: awswire.At(a.CreatedAt), CreatedFrom: awswire.Opt(a.CreatedFrom),
	}
}

func enabled(yes bool) string {
	if yes {
		return "ENABLED"
	}
	return "DISABLED"
}

// updateApplication leaves what the input does not name, unlike UpdatePermissionSet.
func (d *Door[P]) updateApplication(ctx context.Context, c *awswire.Call[P], p place, in *UpdateApplicationRequest) (*UpdateApplicationResponse, error) {
	_, err := d.Applications.Update(ctx, c.Actor, p.application, "UpdateApplication", func(a *application.Application) error {
		if in.Name != nil {
			a.Name = *in.Name
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.Status != nil {
			a.Disabled = *in.Status == "DISABLED"
		}
		if in.PortalOptions != nil && in.PortalOptions.SignInOptions != nil {
			hidden := a.Portal.Hidden
			a.Portal = fromSignIn(in.PortalOptions.SignInOptions)
			a.Portal.Hidden = hidden
		}
		return nil
	})
	return &UpdateApplicationResponse{}, err
}

func (d *Door[P]) deleteApplication(ctx context.Context, c *awswire.Call[P], p place, _ *DeleteApplicationRequest) (*DeleteApplicationResponse, error) {
	return &DeleteApplicationResponse{}, d.Applications.Delete(ctx, c.Actor, p.application)
}

// mostApplications is the longest list of applications that the model allows.
const mostApplications = 50

func (d *Door[P]) listApplications(ctx context.Context, _ *awswire.Call[P], p place, in *ListApplicationsRequest) (*ListApplicationsResponse, error) {
	i, err := d.Access.Instance(ctx, p.instance)
	if err != nil {
		return nil, err
	}
	f := application.Filter{InstanceID: p.instance}
	if in.Filter != nil {
		f.AccountID = awswire.Val(in.Filter.ApplicationAccount)
		if in.Filter.ApplicationProvider != nil {
			if f.Provider, err = arn.ParseApplicationProvider(*in.Filter.ApplicationProvider); err != nil {
				return nil, err
			}
		}
	}
	what := []string{"ListApplications", f.InstanceID, f.AccountID, f.Provider}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := min(awswire.Limit(in.MaxResults), mostApplications)
	as, err := d.Applications.Applications(ctx, f, after, limit+1)
	if err != nil {
		return nil, err
	}
	as, next := awswire.Page(as, limit, func(a application.Application) string { return a.ID })
	out := &ListApplicationsResponse{Applications: []Application{}, NextToken: awswire.PageToken(next, what...)}
	for _, a := range as {
		out.Applications = append(out.Applications, wireApplication(a, i))
	}
	return out, nil
}
