package scimv2_test

import (
	"net/http"
	"strings"
	"testing"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

func from(address string) func(*http.Request) {
	return func(r *http.Request) {
		*r = *r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{ClientAddr: address}))
	}
}

func TestSCIMAllowSourceIps(t *testing.T) {
	t.Parallel()
	for _, profile := range []directory.Profile{directory.ProfileRFC, directory.ProfileAWS} {
		w := start(t, profile)
		set := func(n directory.Network) {
			if _, err := w.service.SetNetwork(t.Context(), admin, n); err != nil {
				t.Fatal(err)
			}
		}
		set(directory.Network{APISources: []string{"192.0.2.1"}}) // the API's list is not SCIM's
		w.must(200, "GET", "/Users", "", from("203.0.113.9"))
		set(directory.Network{SCIMSources: []string{"203.0.113.0/28"}})
		w.must(200, "GET", "/Users", "", from("203.0.113.9"))
		for _, address := range []string{"203.0.113.99", "2001:db8::1", ""} {
			for _, path := range []string{"/Users", "/ServiceProviderConfig", "/Groups/none", "/nowhere"} {
				got := w.must(403, "GET", path, "", from(address))
				if !strings.Contains(got.raw, "network configuration") {
					t.Errorf("%s from %q: %s", path, address, got.raw)
				}
			}
			got := w.must(403, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g"}`, from(address))
			if profile == directory.ProfileRFC && got.at("status") != "403" {
				t.Errorf("RFC 7644 §3.12: %s", got.raw)
			}
		}
		stranger := w.as(w.id, "not a token")
		stranger.must(401, "GET", "/Users", "", from("203.0.113.99"))
		if n, err := w.service.CountGroups(t.Context()); err != nil || n != 0 {
			t.Errorf("%d groups (%v), want none: a refused request wrote", n, err)
		}
		set(directory.Network{})
		w.must(200, "GET", "/Users", "", from("203.0.113.99"))
	}
}
