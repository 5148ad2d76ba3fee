package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

type network struct {
	APISources  []string `json:"apiSources,omitempty" minItems:"1" maxItems:"200" doc:"Addresses and CIDR networks from which the Identity Store API answers; left out for any"`
	SCIMSources []string `json:"scimSources,omitempty" minItems:"1" maxItems:"200" doc:"Addresses and CIDR networks from which SCIM answers; left out for any"`
}

// registerNetwork is the way back in for whom the identity store's network configuration shuts out: this API does not ask it.
func (d *door) registerNetwork(api huma.API) {
	type networkOut struct{ Body network }
	show := func(n directory.Network) *networkOut { return &networkOut{network{n.APISources, n.SCIMSources}} }
	forAdmin(api, d, operation{http.MethodGet, "/settings/network", "GetNetworkSettings", "From where the identity store is reached", 0},
		func(ctx context.Context, _ audit.Actor, _ *none) (*networkOut, error) {
			n, err := d.Directory.Network(ctx)
			return show(n), err
		})
	type putNetworkIn struct{ Body network }
	forAdmin(api, d, operation{http.MethodPut, "/settings/network", "PutNetworkSettings", "Change from where the identity store is reached; replaces all of it", 0},
		func(ctx context.Context, a audit.Actor, in *putNetworkIn) (*networkOut, error) {
			n, err := d.Directory.SetNetwork(ctx, a, directory.Network{APISources: in.Body.APISources, SCIMSources: in.Body.SCIMSources})
			return show(n), err
		})
}
