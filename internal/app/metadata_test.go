package app

import "testing"

func TestMetadataOfSAMLProvidersIsRead(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	text, err := p.reservedMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	until, err := metadata{}.CheckMetadata(text)
	if years := until.Year() - p.now().Year(); err != nil || years != 100 {
		t.Errorf("valid for %d years, %v; want the hundred of the certificate", years, err)
	}
	for _, bad := range []string{"", "<x/>", text[1:], text[:len(text)/2], "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"x\"/>"} {
		if _, err := (metadata{}).CheckMetadata(bad); err == nil {
			t.Errorf("%.40q was taken for an identity provider's metadata", bad)
		}
	}
}
