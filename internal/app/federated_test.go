package app

import (
	"maps"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
)

// TestAttributesOfAssumeRoleWithSAML: what the identity provider says of a session reaches STS, and what it says twice is refused, because a policy may
// deny by what was left out (IAM user guide, «Configuring SAML assertions for the authentication response»).
func TestAttributesOfAssumeRoleWithSAML(t *testing.T) {
	t.Parallel()
	at := func(name string, values ...string) saml.Attribute {
		return saml.Attribute{Name: awsAttributes + name, Values: values}
	}
	good := []saml.Attribute{
		at("Role", "arn:aws:iam::111122223333:saml-provider/Idp,arn:aws:iam::111122223333:role/Dev", "arn:aws:iam::111122223333:role/Ops, arn:aws:iam::111122223333:saml-provider/Idp"), at("RoleSessionName", "anna@contoso.example"),
		at("SourceIdentity", "anna"), at("SessionDuration", "1800"), at("PrincipalTag:Team", "blue"), at("PrincipalTag:Floor", "3"), at("TransitiveTagKeys", "Team"),
	}
	got, err := federated(saml.Assertion{NameID: "n", NameIDFormat: saml.NameIDPersistent, Attributes: good})
	if err != nil || got.SessionName != "anna@contoso.example" || got.SourceIdentity != "anna" || got.Duration != 30*time.Minute || got.SubjectType != "persistent" ||
		!maps.Equal(got.Tags, map[string]string{"Team": "blue", "Floor": "3"}) || len(got.TransitiveTags) != 1 || len(got.Roles) != 2 || got.Roles[0].RoleARN != "arn:aws:iam::111122223333:role/Dev" || got.Roles[1].ProviderARN != "arn:aws:iam::111122223333:saml-provider/Idp" {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, bad := range map[string][]saml.Attribute{
		"a tag twice": {at("PrincipalTag:Team", "blue"), at("PrincipalTag:Team", "red")}, "a tag of two values": {at("PrincipalTag:Team", "blue", "red")}, "a tag without a value": {at("PrincipalTag:Team")},
		"a role that is no pair": {at("Role", "arn:aws:iam::111122223333:role/Dev")}, "no number": {at("SessionDuration", "1h")},
	} {
		if got, err := federated(saml.Assertion{Attributes: bad}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
