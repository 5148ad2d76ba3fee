package ssoadmin

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
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
	all, err := d.access.Instances(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListInstancesResponse{Instances: []InstanceMetadata{}}
	for _, i := range all {
		out.Instances = append(out.Instances, InstanceMetadata{
			InstanceArn: new(arn.Instance(i.ID)), IdentityStoreId: new(i.IdentityStoreID), IdentityStoreArn: new(arn.IdentityStore(i.OwnerAccountID, i.IdentityStoreID)),
			OwnerAccountId: new(i.OwnerAccountID), Name: awswire.Opt(i.Name), CreatedDate: awswire.At(i.CreatedAt), Status: new("ACTIVE"),
			PrimaryRegion: new(i.Region), Regions: regions(i),
		})
	}
	return out, nil
}

func (d *Door[P]) describeInstance(ctx context.Context, _ *awswire.Call[P], in *DescribeInstanceRequest) (*DescribeInstanceResponse, error) {
	id, err := arn.ParseInstance(*in.InstanceArn)
	if err != nil {
		return nil, err
	}
	i, err := d.access.Instance(ctx, id)
	if err != nil {
		return nil, err
	}
	return &DescribeInstanceResponse{
		InstanceArn: new(arn.Instance(i.ID)), IdentityStoreId: new(i.IdentityStoreID), IdentityStoreArn: new(arn.IdentityStore(i.OwnerAccountID, i.IdentityStoreID)),
		OwnerAccountId: new(i.OwnerAccountID), Name: awswire.Opt(i.Name), CreatedDate: awswire.At(i.CreatedAt), Status: new("ACTIVE"),
		PermissionSetsEnabled: new(true), PrimaryRegion: new(i.Region), Regions: regions(i),
	}, nil
}

func regions(i access.Instance) []RegionMetadata {
	return []RegionMetadata{{RegionName: new(i.Region), Status: new("ACTIVE"), AddedDate: awswire.At(i.CreatedAt), IsPrimaryRegion: new(true)}}
}

func (d *Door[P]) tag(ctx context.Context, c *awswire.Call[P], p place, in *TagResourceRequest) (*TagResourceResponse, error) {
	return &TagResourceResponse{}, d.retag(ctx, c, p, fromTags(in.Tags), nil)
}

func (d *Door[P]) untag(ctx context.Context, c *awswire.Call[P], p place, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	return &UntagResourceResponse{}, d.retag(ctx, c, p, nil, in.TagKeys)
}

func (d *Door[P]) retag(ctx context.Context, c *awswire.Call[P], p place, set map[string]string, remove []string) error {
	if p.set != "" {
		return d.access.TagSet(ctx, c.Actor, p.instance, p.set, set, remove)
	}
	return d.access.TagInstance(ctx, c.Actor, p.instance, set, remove)
}

// listTags has no pages: a resource has at most fifty tags.
func (d *Door[P]) listTags(ctx context.Context, _ *awswire.Call[P], p place, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	if _, err := awswire.Cursor(in.NextToken, "ListTagsForResource"); err != nil {
		return nil, err
	}
	if p.set != "" {
		set, err := d.access.Set(ctx, p.instance, p.set)
		if err != nil {
			return nil, err
		}
		return &ListTagsForResourceResponse{Tags: toTags(set.Tags)}, nil
	}
	i, err := d.access.Instance(ctx, p.instance)
	if err != nil {
		return nil, err
	}
	return &ListTagsForResourceResponse{Tags: toTags(i.Tags)}, nil
}
