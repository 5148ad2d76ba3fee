package directory

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// MaxSources is how many networks a list of [Network] has at most; AWS names no figure.
const MaxSources = 200

// Network says from where an identity store may be reached. A nil list is no restriction; an empty one cannot be stored, because
// "nobody" and "everybody" are too easily taken for each other.
type Network struct {
	// APISources and SCIMSources are addresses or networks in CIDR form, as they were given: those from which the
	// Identity Store API and the SCIM endpoints answer.
	APISources, SCIMSources []string
	// UpdatedAt and UpdatedBy are of the last change; zero when there was none.
	UpdatedAt time.Time
	UpdatedBy string
}

// NetworkStore keeps the network settings of identity stores.
type NetworkStore interface {
	// PutNetwork replaces the settings of an identity store, whole; the first time it inserts them. The last writer wins.
	PutNetwork(ctx context.Context, storeID string, n Network, e audit.Event) error
	// Network returns the settings; fault.NotFound (ResourceStore) when none were ever put.
	Network(ctx context.Context, storeID string) (Network, error)
}

// SetNetwork replaces the network settings. It takes effect with the next request, on every node.
//
// Faults: Invalid for an empty list, one of more than [MaxSources], or an element that is neither an address nor a network.
func (s *Service) SetNetwork(ctx context.Context, a audit.Actor, n Network) (Network, error) {
	for _, l := range []struct {
		name    string
		sources []string
	}{{"ApiAllowSourceIps", n.APISources}, {"ScimAllowSourceIps", n.SCIMSources}} {
		if err := checkSources(l.name, l.sources); err != nil {
			return Network{}, err
		}
	}
	n.UpdatedAt, n.UpdatedBy = s.now(), a.ID
	e := audit.New(ctx, n.UpdatedAt, a, "identitystore:UpdateIdentityStore", s.storeID).
		With("apiAllowSourceIps", summary(n.APISources)).With("scimAllowSourceIps", summary(n.SCIMSources))
	return n, s.store.PutNetwork(ctx, s.storeID, n, e)
}

// Network returns the network settings; the zero value restricts nothing.
func (s *Service) Network(ctx context.Context) (Network, error) {
	n, err := s.store.Network(ctx, s.storeID)
	if fault.Is(err, fault.NotFound) {
		return Network{}, nil
	}
	return n, err
}

// AdmitAPI answers fault.Denied unless the request's address, as [audit.OriginOf] has it, may use the Identity Store API.
func (s *Service) AdmitAPI(ctx context.Context) error {
	return s.admit(ctx, func(n Network) []string { return n.APISources })
}

// AdmitSCIM answers fault.Denied unless the request's address may use the SCIM endpoints.
func (s *Service) AdmitSCIM(ctx context.Context) error {
	return s.admit(ctx, func(n Network) []string { return n.SCIMSources })
}

func (s *Service) admit(ctx context.Context, list func(Network) []string) error {
	n, err := s.Network(ctx)
	if err != nil {
		return err
	}
	sources := list(n)
	if sources == nil || within(sources, audit.OriginOf(ctx).ClientAddr) {
		return nil
	}
	return fault.New(fault.Denied, "the identity store's network configuration does not allow requests from this address").For("network")
}

// within reports whether an address is in one of the networks. What is no address is in none.
func within(sources []string, client string) bool {
	at, err := netip.ParseAddr(client)
	if err != nil {
		return false
	}
	at = at.Unmap().WithZone("") // a network holds no address with a zone
	return slices.ContainsFunc(sources, func(s string) bool {
		p, err := parseNetwork(s)
		return err == nil && p.Contains(at)
	})
}

// parseNetwork reads a network, or an address as the network of it alone. Bits beyond the prefix's length mean nothing, as in
// aws:SourceIp. IPv4 in IPv6's clothing is refused: it would hold nothing, since addresses are compared unwrapped.
func parseNetwork(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(s); err == nil && a.Zone() == "" { // PrefixFrom drops the zone
			p = netip.PrefixFrom(a, a.BitLen())
		}
	}
	if err != nil || !p.IsValid() || p.Addr().Is4In6() {
		return netip.Prefix{}, fault.New(fault.Invalid, "%q is neither an IP address nor a network such as 203.0.113.0/24", s)
	}
	return p.Masked(), nil
}

func checkSources(field string, sources []string) error {
	if sources == nil {
		return nil
	}
	if len(sources) == 0 || len(sources) > MaxSources {
		return invalid(field, "%s has 1 to %d elements; leave it out to restrict nothing", field, MaxSources)
	}
	for _, s := range sources {
		if _, err := parseNetwork(s); err != nil {
			return fault.Of(err).At(field)
		}
	}
	return nil
}
