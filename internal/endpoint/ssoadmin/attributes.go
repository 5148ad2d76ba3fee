package ssoadmin

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/awswire"
)

func (d *Door[P]) createAttributes(ctx context.Context, c *awswire.Call[P], p place, in *CreateInstanceAccessControlAttributeConfigurationRequest) (*CreateInstanceAccessControlAttributeConfigurationResponse, error) {
	return &CreateInstanceAccessControlAttributeConfigurationResponse{}, d.Access.EnableAttributes(ctx, c.Actor, p.instance, fromAttributes(in.InstanceAccessControlAttributeConfiguration))
}

func (d *Door[P]) updateAttributes(ctx context.Context, c *awswire.Call[P], p place, in *UpdateInstanceAccessControlAttributeConfigurationRequest) (*UpdateInstanceAccessControlAttributeConfigurationResponse, error) {
	return &UpdateInstanceAccessControlAttributeConfigurationResponse{}, d.Access.ReplaceAttributes(ctx, c.Actor, p.instance, fromAttributes(in.InstanceAccessControlAttributeConfiguration))
}

func (d *Door[P]) deleteAttributes(ctx context.Context, c *awswire.Call[P], p place, _ *DeleteInstanceAccessControlAttributeConfigurationRequest) (*DeleteInstanceAccessControlAttributeConfigurationResponse, error) {
	return &DeleteInstanceAccessControlAttributeConfigurationResponse{}, d.Access.DisableAttributes(ctx, c.Actor, p.instance)
}

func (d *Door[P]) describeAttributes(ctx context.Context, _ *awswire.Call[P], p place, _ *DescribeInstanceAccessControlAttributeConfigurationRequest) (*DescribeInstanceAccessControlAttributeConfigurationResponse, error) {
	as, err := d.Access.Attributes(ctx, p.instance)
	if err != nil {
		return nil, err
	}
	list := make([]AccessControlAttribute, len(as))
	for i, a := range as {
		list[i] = AccessControlAttribute{Key: new(a.Key), Value: &AccessControlAttributeValue{Source: []string{a.Source}}}
	}
	return &DescribeInstanceAccessControlAttributeConfigurationResponse{
		Status: new("ENABLED"), InstanceAccessControlAttributeConfiguration: &InstanceAccessControlAttributeConfiguration{AccessControlAttributes: list},
	}, nil
}

func fromAttributes(c *InstanceAccessControlAttributeConfiguration) []access.Attribute {
	out := make([]access.Attribute, len(c.AccessControlAttributes))
	for i, a := range c.AccessControlAttributes {
		out[i] = access.Attribute{Key: *a.Key, Source: a.Value.Source[0]}
	}
	return out
}
