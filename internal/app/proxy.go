package app

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word about where a request came from is believed.
type proxies []netip.Prefix

// parseProxies reads addresses and networks in CIDR form. A network of every address is refused: whoever may name his own address
// escapes the limits, lies to the audit trail, and meets every aws:SourceIp.
func parseProxies(list []string) (proxies, error) {
	var out proxies
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if a, aerr := netip.ParseAddr(s); err != nil && aerr == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", s)
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%q would believe everybody", s)
		}
		if p.Addr().Is4In6() {
			return nil, fmt.Errorf("%q: write an IPv4 network as one", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (p proxies) hold(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// maxHops bounds how many entries of X-Forwarded-For are looked at.
const maxHops = 32

// client returns the address that a request comes from: the peer's, or, where the peer is a trusted proxy, the last one in X-Forwarded-For
// that is not. Entries are added at the end, so everything before the first one that is not trusted may be made up, and is not looked at. An
// entry that is no address ends the search: the proxy that passed it on is as far as anybody knows.
func (p proxies) client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	at, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	at = at.Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && len(hops)-i <= maxHops && p.hold(at); i-- {
		before, ok := hop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		at = before
	}
	return at.String()
}

// hop reads an entry: an address, or, as some proxies write it, an address and a port.
func hop(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		ap, perr := netip.ParseAddrPort(s)
		a, err = ap.Addr(), perr
	}
	return a.Unmap().WithZone(""), err == nil
}
