package iam

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

func (d *Door) outboundRows() []awswire.Operation[localiam.Caller] {
	none := func(*empty) touch { return touch{} }
	return []awswire.Operation[localiam.Caller]{
		row(d, "EnableOutboundWebIdentityFederation", none, d.enableOutbound),
		row(d, "DisableOutboundWebIdentityFederation", none, d.disableOutbound),
		row(d, "GetOutboundWebIdentityFederationInfo", none, d.getOutbound),
	}
}

func (d *Door) enableOutbound(ctx context.Context, c *call, _ *empty) (*EnableOutboundWebIdentityFederationResponse, error) {
	issuer, err := d.iam.EnableOutboundFederation(ctx, c.Actor, c.Principal.AccountID)
	return &EnableOutboundWebIdentityFederationResponse{IssuerIdentifier: &issuer}, err
}

func (d *Door) disableOutbound(ctx context.Context, c *call, _ *empty) (*empty, error) {
	return nil, d.iam.DisableOutboundFederation(ctx, c.Actor, c.Principal.AccountID)
}

func (d *Door) getOutbound(ctx context.Context, c *call, _ *empty) (*GetOutboundWebIdentityFederationInfoResponse, error) {
	issuer, err := d.iam.OutboundFederation(ctx, c.Principal.AccountID)
	return &GetOutboundWebIdentityFederationInfoResponse{IssuerIdentifier: &issuer, JwtVendingEnabled: new(true)}, err
}
