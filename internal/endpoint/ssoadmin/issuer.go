package ssoadmin

import (
	"context"

	"gatehouse/internal/application"
	"gatehouse/internal/awswire"
)

func (d *Door[P]) createIssuer(ctx context.Context, c *awswire.Call[P], p place, in *CreateTrustedTokenIssuerRequest) (*CreateTrustedTokenIssuerResponse, error) {
	oidc := in.TrustedTokenIssuerConfiguration.OidcJwtConfiguration
	i, err := d.Applications.CreateIssuer(ctx, c.Actor, application.Issuer{
		InstanceID: p.instance, AccountID: c.Actor.AccountID, Name: *in.Name, URL: *oidc.IssuerUrl,
		ClaimPath: *oidc.ClaimAttributePath, UserPath: *oidc.IdentityStoreAttributePath, Tags: fromTags(in.Tags),
	}, awswire.Val(in.ClientToken))
	if err != nil {
		return nil, err
	}
	return &CreateTrustedTokenIssuerResponse{TrustedTokenIssuerArn: new(i.ARN())}, nil
}

func (d *Door[P]) describeIssuer(ctx context.Context, _ *awswire.Call[P], p place, _ *DescribeTrustedTokenIssuerRequest) (*DescribeTrustedTokenIssuerResponse, error) {
	i, err := d.Applications.Issuer(ctx, p.issuer)
	if err != nil {
		return nil, err
	}
	return &DescribeTrustedTokenIssuerResponse{
		TrustedTokenIssuerArn: new(i.ARN()), Name: new(i.Name), TrustedTokenIssuerType: new("OIDC_JWT"),
		TrustedTokenIssuerConfiguration: &TrustedTokenIssuerConfiguration{OidcJwtConfiguration: &OidcJwtConfiguration{
			IssuerUrl: new(i.URL), ClaimAttributePath: new(i.ClaimPath), IdentityStoreAttributePath: new(i.UserPath), JwksRetrievalOption: new("OPEN_ID_DISCOVERY"),
		}},
	}, nil
}

func (d *Door[P]) updateIssuer(ctx context.Context, c *awswire.Call[P], p place, in *UpdateTrustedTokenIssuerRequest) (*UpdateTrustedTokenIssuerResponse, error) {
	_, err := d.Applications.UpdateIssuer(ctx, c.Actor, p.issuer, "UpdateTrustedTokenIssuer", func(i *application.Issuer) {
		if in.Name != nil {
			i.Name = *in.Name
		}
		if in.TrustedTokenIssuerConfiguration == nil {
			return
		}
		oidc := in.TrustedTokenIssuerConfiguration.OidcJwtConfiguration
		if oidc.ClaimAttributePath != nil {
			i.ClaimPath = *oidc.ClaimAttributePath
		}
		if oidc.IdentityStoreAttributePath != nil {
			i.UserPath = *oidc.IdentityStoreAttributePath
		}
	})
	return &UpdateTrustedTokenIssuerResponse{}, err
}

func (d *Door[P]) deleteIssuer(ctx context.Context, c *awswire.Call[P], p place, _ *DeleteTrustedTokenIssuerRequest) (*DeleteTrustedTokenIssuerResponse, error) {
	return &DeleteTrustedTokenIssuerResponse{}, d.Applications.DeleteIssuer(ctx, c.Actor, p.issuer)
}

func (d *Door[P]) listIssuers(ctx context.Context, _ *awswire.Call[P], p place, in *ListTrustedTokenIssuersRequest) (*ListTrustedTokenIssuersResponse, error) {
	what := []string{"ListTrustedTokenIssuers", p.instance}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	is, err := d.Applications.Issuers(ctx, p.instance, after, limit+1)
	if err != nil {
		return nil, err
	}
	is, next := awswire.Page(is, limit, func(i application.Issuer) string { return i.ID })
	out := &ListTrustedTokenIssuersResponse{TrustedTokenIssuers: []TrustedTokenIssuerMetadata{}, NextToken: awswire.PageToken(next, what...)}
	for _, i := range is {
		out.TrustedTokenIssuers = append(out.TrustedTokenIssuers, TrustedTokenIssuerMetadata{TrustedTokenIssuerArn: new(i.ARN()), Name: new(i.Name), TrustedTokenIssuerType: new("OIDC_JWT")})
	}
	return out, nil
}
