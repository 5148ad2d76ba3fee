package iam

import (
	"strings"
	"testing"

	"gatehouse/internal/localiam"
)

func TestOutboundWebIdentityFederation(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *localiam.Config) { c.URL = "https://gatehouse.test" })
	b.refused(404, "FeatureDisabled", "not enabled", "GetOutboundWebIdentityFederationInfo")
	b.refused(404, "FeatureDisabled", "not enabled", "DisableOutboundWebIdentityFederation")
	issuer := first(b.do("EnableOutboundWebIdentityFederation"), "IssuerIdentifier")
	if !strings.HasPrefix(issuer, "https://gatehouse.test/oidc/") || len(issuer) != len("https://gatehouse.test/oidc/")+36 {
		t.Errorf("the issuer is %q", issuer)
	}
	b.refused(409, "FeatureEnabled", "already enabled", "EnableOutboundWebIdentityFederation")
	got := b.do("GetOutboundWebIdentityFederationInfo")
	if first(got, "IssuerIdentifier") != issuer || first(got, "JwtVendingEnabled") != "true" {
		t.Errorf("got %s", got)
	}
	ann := b.user("Ann")
	ann.refused(403, "AccessDenied", "iam:DisableOutboundWebIdentityFederation", "DisableOutboundWebIdentityFederation")
	ann.refused(403, "AccessDenied", "iam:EnableOutboundWebIdentityFederation", "EnableOutboundWebIdentityFederation")
	b.do("DisableOutboundWebIdentityFederation")
	if again := first(b.do("EnableOutboundWebIdentityFederation"), "IssuerIdentifier"); again != issuer {
		t.Errorf("the issuer became %q, was %q", again, issuer)
	}
}
