package arn

import (
	"crypto/rand"
	"testing"
)

func TestApplicationsAndIssuers(t *testing.T) {
	t.Parallel()
	for range 20 {
		app := InInstance{"111122223333", NewInstanceID(rand.Reader), NewApplicationID(rand.Reader)}
		if got, err := ParseApplication(Application(app)); err != nil || got != app {
			t.Errorf("ParseApplication(%s) = %v, %v", Application(app), got, err)
		}
		tti := InInstance{"111122223333", app.InstanceID, NewTrustedTokenIssuerID(rand.Reader)}
		if got, err := ParseTrustedTokenIssuer(TrustedTokenIssuer(tti)); err != nil || got != tti {
			t.Errorf("ParseTrustedTokenIssuer(%s) = %v, %v", TrustedTokenIssuer(tti), got, err)
		}
	}
	if got, err := ParseApplicationProvider(ApplicationProvider("catalog/x")); err != nil || got != "catalog/x" {
		t.Errorf("ParseApplicationProvider = %q, %v", got, err)
	}
	const ins, apl = "ssoins-0123456789abcdef", "apl-0123456789abcdef"
	for _, bad := range []string{
		"", "apl-0123456789abcdef", "arn:aws:sso:::application/" + ins + "/" + apl, "arn:aws:sso::aws:application/" + ins + "/" + apl,
		"arn:aws:sso::111122223333:application/" + ins, "arn:aws:sso::111122223333:application/" + ins + "/" + apl + "/", "arn:aws:sso::111122223333:application/" + ins + "/" + apl + "\n",
		"arn:aws:sso:us-east-1:111122223333:application/" + ins + "/" + apl, "arn:aws:iam::111122223333:application/" + ins + "/" + apl, "arn:aws:sso::111122223333:trustedTokenIssuer/" + ins + "/" + apl,
	} {
		if got, err := ParseApplication(bad); err == nil {
			t.Errorf("ParseApplication(%q) = %v", bad, got)
		}
		if got, err := ParseTrustedTokenIssuer(bad); err == nil {
			t.Errorf("ParseTrustedTokenIssuer(%q) = %v", bad, got)
		}
		if got, err := ParseApplicationProvider(bad); err == nil {
			t.Errorf("ParseApplicationProvider(%q) = %v", bad, got)
		}
	}
}
