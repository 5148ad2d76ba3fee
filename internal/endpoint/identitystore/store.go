package identitystore

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

func (d *Door[P]) describeStore(ctx context.Context, _ *awswire.Call[P], _ *DescribeIdentityStoreRequest) (*DescribeIdentityStoreResponse, error) {
	n, err := d.people.Network(ctx)
	if err != nil {
		return nil, err
	}
	out := &DescribeIdentityStoreResponse{IdentityStoreArn: new(d.storeARN()), IdentityStoreId: new(d.people.IdentityStoreID())}
	if !n.UpdatedAt.IsZero() {
		out.NetworkConfiguration = &NetworkConfigurationDetails{
			VpceAccessRequired: new(false), ApiAllowSourceIps: n.APISources, ScimAllowSourceIps: n.SCIMSources,
		}
	}
	return out, nil
}

// updateStore replaces the network configuration, whole. A request without one changes nothing: the member is not required, and
// taking its absence for "lift every restriction" would open the store by an omission.
func (d *Door[P]) updateStore(ctx context.Context, c *awswire.Call[P], in *UpdateIdentityStoreRequest) (*UpdateIdentityStoreResponse, error) {
	if in.NetworkConfiguration != nil {
		n, err := network(in.NetworkConfiguration)
		if err != nil {
			return nil, err
		}
		if _, err := d.people.SetNetwork(ctx, c.Actor, n); err != nil {
			return nil, err
		}
	}
	return &UpdateIdentityStoreResponse{IdentityStoreArn: new(d.storeARN()), IdentityStoreId: new(d.people.IdentityStoreID())}, nil
}

// network reads a configuration. There are no VPCs and no endpoints of them here: a demand for one would shut everybody out, and
// storing it unenforced would promise what nobody keeps.
func network(in *NetworkConfiguration) (directory.Network, error) {
	if awswire.Val(in.VpceAccessRequired) {
		return directory.Network{}, fault.New(fault.Invalid, "VpceAccessRequired must be false: this identity store is not reached through VPC endpoints").At("NetworkConfiguration.VpceAccessRequired")
	}
	if in.ApiRestrictSourceVpcs != nil {
		return directory.Network{}, fault.New(fault.Invalid, "ApiRestrictSourceVpcs is not supported: this identity store is not reached from VPCs; restrict addresses with ApiAllowSourceIps").At("NetworkConfiguration.ApiRestrictSourceVpcs")
	}
	return directory.Network{APISources: in.ApiAllowSourceIps, SCIMSources: in.ScimAllowSourceIps}, nil
}

func (d *Door[P]) listStores(_ context.Context, _ *awswire.Call[P], in *ListIdentityStoresRequest) (*ListIdentityStoresResponse, error) {
	if _, err := awswire.Cursor(in.NextToken, "ListIdentityStores"); err != nil {
		return nil, err
	}
	one := IdentityStore{IdentityStoreArn: new(d.storeARN()), IdentityStoreId: new(d.people.IdentityStoreID())}
	return &ListIdentityStoresResponse{IdentityStores: []IdentityStore{one}}, nil
}
