package iam

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

func (d *Door) rootRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "EnableOrganizationsRootCredentialsManagement", func(*EnableOrganizationsRootCredentialsManagementRequest) touch { return touch{} },
			func(ctx context.Context, c *call, _ *EnableOrganizationsRootCredentialsManagementRequest) (*EnableOrganizationsRootCredentialsManagementResponse, error) {
				id, on, err := d.setFeature(ctx, c, localiam.RootCredentials, true)
				return &EnableOrganizationsRootCredentialsManagementResponse{OrganizationId: id, EnabledFeatures: on}, err
			}),
		row(d, "DisableOrganizationsRootCredentialsManagement", func(*DisableOrganizationsRootCredentialsManagementRequest) touch { return touch{} },
			func(ctx context.Context, c *call, _ *DisableOrganizationsRootCredentialsManagementRequest) (*DisableOrganizationsRootCredentialsManagementResponse, error) {
				id, on, err := d.setFeature(ctx, c, localiam.RootCredentials, false)
				return &DisableOrganizationsRootCredentialsManagementResponse{OrganizationId: id, EnabledFeatures: on}, err
			}),
		row(d, "EnableOrganizationsRootSessions", func(*EnableOrganizationsRootSessionsRequest) touch { return touch{} },
			func(ctx context.Context, c *call, _ *EnableOrganizationsRootSessionsRequest) (*EnableOrganizationsRootSessionsResponse, error) {
				id, on, err := d.setFeature(ctx, c, localiam.RootSessions, true)
				return &EnableOrganizationsRootSessionsResponse{OrganizationId: id, EnabledFeatures: on}, err
			}),
		row(d, "DisableOrganizationsRootSessions", func(*DisableOrganizationsRootSessionsRequest) touch { return touch{} },
			func(ctx context.Context, c *call, _ *DisableOrganizationsRootSessionsRequest) (*DisableOrganizationsRootSessionsResponse, error) {
				id, on, err := d.setFeature(ctx, c, localiam.RootSessions, false)
				return &DisableOrganizationsRootSessionsResponse{OrganizationId: id, EnabledFeatures: on}, err
			}),
		row(d, "ListOrganizationsFeatures", func(*ListOrganizationsFeaturesRequest) touch { return touch{} },
			func(ctx context.Context, c *call, _ *ListOrganizationsFeaturesRequest) (*ListOrganizationsFeaturesResponse, error) {
				f, err := d.iam.Features(ctx, c.Principal.AccountID)
				return &ListOrganizationsFeaturesResponse{OrganizationId: &f.OrganizationID, EnabledFeatures: featureNames(f.On)}, err
			}),

		// Root users have no credentials here, and users no passwords, certificates and devices: there is never any to take away.
		row(d, "DeleteLoginProfile", func(in *DeleteLoginProfileRequest) touch { return touch{user: orSelf(in.UserName)} }, d.deleteLoginProfile),
		row(d, "DeleteSigningCertificate", func(in *DeleteSigningCertificateRequest) touch { return touch{user: orSelf(in.UserName)} }, d.deleteSigningCertificate),
		row(d, "DeactivateMFADevice", func(in *DeactivateMFADeviceRequest) touch { return touch{user: orSelf(in.UserName)} }, d.deactivateMFADevice),
	}
}

func (d *Door) setFeature(ctx context.Context, c *call, f localiam.Feature, on bool) (organization *string, features []string, err error) {
	out, err := d.iam.SetFeature(ctx, c.Actor, c.Principal.AccountID, f, on)
	return &out.OrganizationID, featureNames(out.On), err
}

func featureNames(fs []localiam.Feature) []string {
	out := make([]string, len(fs))
	for i, f := range fs {
		out[i] = string(f)
	}
	return out
}

// asRoot reports whether the caller is a root user who means himself.
func asRoot(c *call, name *string) bool {
	return c.Principal.Kind == localiam.KindRoot && awswire.Val(name) == ""
}

func (d *Door) deleteLoginProfile(ctx context.Context, c *call, in *DeleteLoginProfileRequest) (*empty, error) {
	name, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = fault.New(fault.NotFound, "Login Profile for User %s cannot be found.", name)
	}
	return nil, err
}

func (d *Door) deleteSigningCertificate(ctx context.Context, c *call, in *DeleteSigningCertificateRequest) (*empty, error) {
	_, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = fault.New(fault.NotFound, "The Signing Certificate with id %s cannot be found.", *in.CertificateId)
	}
	return nil, err
}

func (d *Door) deactivateMFADevice(ctx context.Context, c *call, in *DeactivateMFADeviceRequest) (*empty, error) {
	_, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = fault.New(fault.NotFound, "VirtualMFADevice with serial number %s doesn't exist.", *in.SerialNumber)
	}
	return nil, err
}
