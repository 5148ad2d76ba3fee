package directory

import (
	"net/netip"
	"testing"
)

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source, client string
		want           bool
	}{
		{"203.0.113.0/24", "203.0.113.9", true},
		{"203.0.113.0/24", "203.0.114.9", false},
		{"203.0.113.77/24", "203.0.113.9", true}, // bits beyond the prefix mean nothing
		{"203.0.113.9", "203.0.113.9", true},
		{"203.0.113.9", "203.0.113.10", false},
		{"203.0.113.0/24", "::ffff:203.0.113.9", true},
		{"2001:db8::/32", "2001:db8:1::1", true},
		{"fe80::/10", "fe80::1%eth0", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"0.0.0.0/0", "198.51.100.1", true},
		{"0.0.0.0/0", "", false},
		{"0.0.0.0/0", "nonsense", false},
		{"::ffff:203.0.113.0/120", "203.0.113.9", false}, // cannot be stored; if it were, it would hold nobody
	} {
		if got := within([]string{"192.0.2.1", c.source}, c.client); got != c.want {
			t.Errorf("within(%q, %q) = %v, want %v", c.source, c.client, got, c.want)
		}
	}
}

func FuzzParseNetwork(f *testing.F) {
	for _, s := range []string{"", "10.0.0.0/8", "10.1.2.3", "::1", "::ffff:1.2.3.4", "fe80::1%x", "10.0.0.0/33", "010.0.0.1", "2001:db8::/32"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseNetwork(s)
		if err != nil {
			return
		}
		if !p.Contains(p.Addr()) || p != p.Masked() {
			t.Errorf("%q parsed as %v", s, p)
		}
		if a, err := netip.ParseAddr(s); err == nil && !within([]string{s}, a.String()) {
			t.Errorf("the address %q is not within itself", s)
		}
	})
}
