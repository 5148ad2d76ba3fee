package app

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, trusted, peer string
		forwarded           []string
		want                string
	}{
		{"nobody is trusted", "", "203.0.113.9:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		{"the peer is not", "10.0.0.0/8", "203.0.113.9:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		{"the peer is", "10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"by its one address", "10.1.2.3", "10.1.2.3:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"and says nothing", "10.0.0.0/8", "10.1.2.3:1234", nil, "10.1.2.3"},
		{"what the client wrote itself does not count", "10.0.0.0/8", "10.1.2.3:1234", []string{"127.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		{"nor in a header of its own", "10.0.0.0/8", "10.1.2.3:1234", []string{"127.0.0.1", "198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.0.0.0/8", "10.1.2.3:1234", []string{"1.1.1.1, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"trusted all the way", "10.0.0.0/8", "10.1.2.3:1234", []string{"10.5.5.5,10.9.9.9"}, "10.5.5.5"},
		{"not an address", "10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.1, <script>"}, "10.1.2.3"},
		{"empty", "10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.1,"}, "10.1.2.3"},
		{"with a port", "10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.1:555"}, "198.51.100.1"},
		{"IPv6", "fd00::/8", "[fd00::1]:1234", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets with a port", "fd00::/8", "[fd00::1]:1234", []string{"[2001:db8::1]:9"}, "2001:db8::1"},
		{"an IPv4 peer on an IPv6 socket", "10.0.0.0/8", "[::ffff:10.1.2.3]:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"an endless list", "10.0.0.0/8", "10.1.2.3:1234", []string{"1.1.1.1," + strings.Repeat("10.0.0.1,", 5000) + "10.0.0.1"}, "10.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list []string
			if tt.trusted != "" {
				list = []string{tt.trusted}
			}
			p, err := parseProxies(list)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.forwarded
			if got := p.client(r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTrustedProxiesAreConfigured(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"0.0.0.0/0", "::/0", "example.com", "10.0.0.0/33", "", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		if _, err := (Config{Data: t.TempDir(), TrustedProxies: []string{bad}}).Complete(); err == nil || !strings.Contains(err.Error(), "trusted_proxies") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	c, err := LoadConfig("", []string{"GATEHOUSE_CONFIG_TRUSTED_PROXIES=10.0.0.0/8, fd00::/8"})
	if err != nil || len(c.TrustedProxies) != 2 || c.TrustedProxies[1] != "fd00::/8" {
		t.Errorf("from the environment: %q, %v", c.TrustedProxies, err)
	}
}
