package ssoadmin

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

func (d *Door[P]) onAnyInstance(_ context.Context, _ *awswire.Call[P], in *DescribeInstanceRequest) (awswire.Target, error) {
	_, err := arn.ParseInstance(*in.InstanceArn)
	return awswire.On(*in.InstanceArn), err
}

// listInstances has no second page: there is one organization instance. RegionScope changes nothing, because
// an installation is one region.
func (d *Door[P]) listInstances(ctx context.Context, _ *awswire.Call[P], in *ListInstancesRequest) (*ListInstancesResponse, error) {
	if _, err := awswire.Cursor(in.NextToken, "ListInstances"); err != nil {
		return nil, err
	}
	all, err := d.Access.Instances(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListInstancesResponse{Instances: []InstanceMetadata{}}
	for _, i := range all {
		rs, err := d.regions(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		out.Instances = append(out.Instances, InstanceMetadata{
			InstanceArn: new(arn.Instance(i.ID)), IdentityStoreId: new(i.IdentityStoreID), IdentityStoreArn: new(arn.IdentityStore(i.OwnerAccountID, i.IdentityStoreID)),
			OwnerAccountId: new(i.OwnerAccountID), Name: awswire.Opt(i.Name), CreatedDate: awswire.At(i.CreatedAt), Status: new("ACTIVE"),
			PrimaryRegion: new(i.Region), Regions: rs,
		})
	}
	return out, nil
}

func (d *Door[P]) describeInstance(ctx context.Context, _ *awswire.Call[P], in *DescribeInstanceRequest) (*DescribeInstanceResponse, error) {
	id, err := arn.ParseInstance(*in.InstanceArn)
	if err != nil {
		return nil, err
	}
	i, err := d.Access.Instance(ctx, id)
	if err != nil {
		return nil, err
	}
	rs, err := d.regions(ctx, i.ID)
	if err != nil {
		return nil, err
	}
	return &DescribeInstanceResponse{
		InstanceArn: new(arn.Instance(i.ID)), IdentityStoreId: new(i.IdentityStoreID), IdentityStoreArn: new(arn.IdentityStore(i.OwnerAccountID, i.IdentityStoreID)),
		OwnerAccountId: new(i.OwnerAccountID), Name: awswire.Opt(i.Name), CreatedDate: awswire.At(i.CreatedAt), Status: new("ACTIVE"),
		PermissionSetsEnabled: new(true), PrimaryRegion: new(i.Region), Regions: rs,
		EncryptionConfigurationDetails: &EncryptionConfigurationDetails{KeyType: new("AWS_OWNED_KMS_KEY"), EncryptionStatus: new("ENABLED")},
	}, nil
}

// createInstance: one organization instance serves every account. Account instances are turned off, which AWS lets the management
// account do too and answers in this way.
func (d *Door[P]) createInstance(_ context.Context, c *awswire.Call[P], _ *CreateInstanceRequest) (*CreateInstanceResponse, error) {
	if c.Actor.AccountID == d.Owner {
		return nil, fault.New(fault.Conflict, "The account has an instance already: the instance of the organization").About(access.ResourceInstance, d.Owner)
	}
	return nil, fault.New(fault.Denied, "%s is not authorized to perform sso:CreateInstance: account instances are turned off in this organization", c.Actor.ID)
}

func onNewInstance[P any](_ context.Context, c *awswire.Call[P], in *CreateInstanceRequest) (awswire.Target, error) {
	return named{tags: in.Tags, makes: makesInstance}.target(place{}, c.Actor.AccountID), nil
}

// resourceKey names an encryption key in faults.
const resourceKey = "KMS_KEY"

// updateInstance: permission sets are enabled from the start and data is encrypted with a key of the server's own; asking for either changes
// nothing. There is no key management service, so every customer key is one that does not exist.
func (d *Door[P]) updateInstance(ctx context.Context, c *awswire.Call[P], p place, in *UpdateInstanceRequest) (*UpdateInstanceResponse, error) {
	if in.EncryptionConfiguration != nil && in.PermissionSetsEnabled != nil {
		return nil, fault.New(fault.Invalid, "EncryptionConfiguration and PermissionSetsEnabled are set in separate requests").At("PermissionSetsEnabled")
	}
	if in.PermissionSetsEnabled != nil && !*in.PermissionSetsEnabled {
		return nil, fault.New(fault.Invalid, "PermissionSetsEnabled can only be set to true").At("PermissionSetsEnabled")
	}
	if e := in.EncryptionConfiguration; e != nil {
		if custom := *e.KeyType == "CUSTOMER_MANAGED_KEY"; custom != (e.KmsKeyArn != nil) {
			return nil, fault.New(fault.Invalid, "KmsKeyArn is given if, and only if, KeyType is CUSTOMER_MANAGED_KEY").At("KmsKeyArn")
		} else if custom {
			return nil, fault.New(fault.NotFound, "The key %s does not exist", *e.KmsKeyArn).About(resourceKey, *e.KmsKeyArn)
		}
	}
	if _, err := d.Access.Instance(ctx, p.instance); err != nil || in.Name == nil {
		return &UpdateInstanceResponse{}, err
	}
	return &UpdateInstanceResponse{}, d.Access.RenameInstance(ctx, c.Actor, p.instance, *in.Name)
}

// deleteInstance never deletes: the instance holds the identity store, and the server is nothing without it.
func (d *Door[P]) deleteInstance(ctx context.Context, _ *awswire.Call[P], p place, _ *DeleteInstanceRequest) (*DeleteInstanceResponse, error) {
	if _, err := d.Access.Instance(ctx, p.instance); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.Conflict, "The instance of the organization cannot be deleted through the API: this server exists for it").About(access.ResourceInstance, p.instance)
}

// addRegion answers ADDING, as AWS does; there is nothing to copy, so the region is active by the time somebody asks.
func (d *Door[P]) addRegion(ctx context.Context, c *awswire.Call[P], p place, in *AddRegionRequest) (*AddRegionResponse, error) {
	if _, err := d.Access.AddRegion(ctx, c.Actor, p.instance, *in.RegionName); err != nil {
		return nil, err
	}
	return &AddRegionResponse{Status: new("ADDING")}, nil
}

func (d *Door[P]) removeRegion(ctx context.Context, c *awswire.Call[P], p place, in *RemoveRegionRequest) (*RemoveRegionResponse, error) {
	if _, err := d.Access.RemoveRegion(ctx, c.Actor, p.instance, *in.RegionName); err != nil {
		return nil, err
	}
	return &RemoveRegionResponse{Status: new("REMOVING")}, nil
}

func (d *Door[P]) describeRegion(ctx context.Context, _ *awswire.Call[P], p place, in *DescribeRegionRequest) (*DescribeRegionResponse, error) {
	r, err := d.Access.Region(ctx, p.instance, *in.RegionName)
	if err != nil {
		return nil, err
	}
	w := wireRegion(r)
	return &DescribeRegionResponse{RegionName: w.RegionName, Status: w.Status, AddedDate: w.AddedDate, IsPrimaryRegion: w.IsPrimaryRegion}, nil
}

func (d *Door[P]) listRegions(ctx context.Context, _ *awswire.Call[P], p place, in *ListRegionsRequest) (*ListRegionsResponse, error) {
	rs, err := d.Access.Regions(ctx, p.instance)
	if err != nil {
		return nil, err
	}
	rs, next, err := slicePage(rs, in.MaxResults, in.NextToken, func(r access.Region) string { return r.Name }, "ListRegions", p.instance)
	if err != nil {
		return nil, err
	}
	out := &ListRegionsResponse{Regions: []RegionMetadata{}, NextToken: next}
	for _, r := range rs {
		out.Regions = append(out.Regions, wireRegion(r))
	}
	return out, nil
}

func wireRegion(r access.Region) RegionMetadata {
	return RegionMetadata{RegionName: new(r.Name), Status: new("ACTIVE"), AddedDate: awswire.At(r.AddedAt), IsPrimaryRegion: new(r.Primary)}
}

// regions are all regions of an instance.
func (d *Door[P]) regions(ctx context.Context, instance string) ([]RegionMetadata, error) {
	rs, err := d.Access.Regions(ctx, instance)
	if err != nil {
		return nil, err
	}
	out := make([]RegionMetadata, len(rs))
	for i, r := range rs {
		out[i] = wireRegion(r)
	}
	return out, nil
}
