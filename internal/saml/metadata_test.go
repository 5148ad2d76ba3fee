package saml

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func keyDescriptor(use string, certs ...*x509.Certificate) string {
	s := `<KeyDescriptor` + use + `><KeyInfo xmlns="` + nsSignature + `"><X509Data>`
	for _, c := range certs {
		text := base64.StdEncoding.EncodeToString(c.Raw)
		s += "<X509Certificate>\r\n" + text[:64] + "\r\n" + text[64:] + "</X509Certificate>"
	}
	return s + `</X509Data></KeyInfo></KeyDescriptor>`
}

// entraMetadata has what Entra ID's has: a byte order mark, a signature, two WS-Federation roles with certificates of
// their own, the same certificate several times, and the next one.
func entraMetadata() string {
	const wsfed = ` protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706">`
	sso := "https://login.microsoftonline.com/3f2a8c1e/saml2"
	return "\uFEFF" + `<?xml version="1.0" encoding="utf-8"?><EntityDescriptor ID="_0a" entityID="` + testIssuer + `" xmlns="` + nsMetadata + `">` +
		`<Signature xmlns="` + nsSignature + `"><SignedInfo/><SignatureValue>AAAA</SignatureValue></Signature>` +
		`<RoleDescriptor xsi:type="fed:SecurityTokenServiceType"` + wsfed + keyDescriptor(` use="signing"`, attackKey().cert) + `<fed:ClaimTypesOffered><auth:ClaimType Uri="urn:x" xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706"><auth:DisplayName>Näme</auth:DisplayName></auth:ClaimType></fed:ClaimTypesOffered></RoleDescriptor>` +
		`<RoleDescriptor xsi:type="fed:ApplicationServiceType"` + wsfed + keyDescriptor(` use="signing"`, attackKey().cert) + `</RoleDescriptor>` +
		`<IDPSSODescriptor protocolSupportEnumeration="` + protocolSupport + `">` + keyDescriptor(` use="signing"`, idpKey().cert) + keyDescriptor(` use="signing"`, nextKey().cert) + keyDescriptor(` use="signing"`, idpKey().cert) +
		`<SingleLogoutService Binding="` + BindingRedirect + `" Location="` + sso + `"/><SingleSignOnService Binding="` + BindingRedirect + `" Location="` + sso + `"/><SingleSignOnService Binding="` + BindingPost + `" Location="` + sso + `"/>` +
		`</IDPSSODescriptor></EntityDescriptor>`
}

func TestParseIDPMetadataOfEntra(t *testing.T) {
	t.Parallel()
	got, err := ParseIDPMetadata([]byte(entraMetadata()))
	if err != nil {
		t.Fatal(err)
	}
	sso := "https://login.microsoftonline.com/3f2a8c1e/saml2"
	want := IDPMetadata{EntityID: testIssuer, SSORedirectURL: sso, SSOPostURL: sso, SLORedirectURL: sso, Certificates: []*x509.Certificate{idpKey().cert, nextKey().cert}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *x509.Certificate) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseIDPMetadataVariants(t *testing.T) {
	t.Parallel()
	// As Shibboleth and Google write it: prefixes, comments, a validity, no use on the key, and service providers beside it.
	other := `<!-- made by hand --><md:EntitiesDescriptor xmlns:md="` + nsMetadata + `" xmlns:ds="` + nsSignature + `">` +
		`<md:EntityDescriptor entityID="https://sp.example/"><md:SPSSODescriptor protocolSupportEnumeration="` + protocolSupport + `"/></md:EntityDescriptor>` +
		`<md:EntityDescriptor entityID="https://idp.example/idp" validUntil="2031-02-20T10:46:54.000Z"><!-- - -->` +
		`<md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol ` + protocolSupport + `">` +
		strings.NewReplacer("<K", "<md:K", "</K", "</md:K").Replace(strings.NewReplacer("<KeyInfo", "<ds:KeyInfo", "</KeyInfo", "</ds:KeyInfo", "<X", "<ds:X", "</X", "</ds:X").Replace(keyDescriptor("", idpKey().cert, attackKey().cert)+keyDescriptor(` use="encryption"`, nextKey().cert))) +
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="ignored"/>` +
		`<md:SingleSignOnService Binding="` + BindingPost + `" Location="https://idp.example/sso?x=1&amp;y=2"/>` +
		`<md:SingleSignOnService Binding="` + BindingPost + `" Location="https://idp.example/second"/>` +
		`</md:IDPSSODescriptor></md:EntityDescriptor></md:EntitiesDescriptor>`
	got, err := ParseIDPMetadata([]byte(other))
	if err != nil {
		t.Fatal(err)
	}
	if got.EntityID != "https://idp.example/idp" || got.SSOPostURL != "https://idp.example/sso?x=1&y=2" || got.SSORedirectURL != "" || !got.WantAuthnRequestsSigned || got.ValidUntil.Year() != 2031 {
		t.Errorf("got %+v", got)
	}
	if len(got.Certificates) != 1 || !got.Certificates[0].Equal(idpKey().cert) {
		t.Errorf("got %d certificates, want the first of the chain only, and none for encryption", len(got.Certificates))
	}
}

func TestParseIDPMetadataRefuses(t *testing.T) {
	t.Parallel()
	good := entraMetadata()
	many := strings.Repeat(keyDescriptor(``, idpKey().cert), 2)
	for i := range maxCertificates {
		k, err := freshCertificate(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		many += keyDescriptor(``, k)
	}
	idp := between(t, good, "<IDPSSODescriptor ", "</IDPSSODescriptor>")
	keys := strings.SplitN(idp, "<SingleLogoutService", 2)[0]
	keys = keys[strings.Index(keys, "<KeyDescriptor"):]
	endpoints := idp[strings.Index(idp, "<SingleSignOn"):strings.Index(idp, "</IDPSSODescriptor>")]
	replace := func(old, new string) string { return edit(t, good, old, new, -1) }
	tests := []struct{ name, doc, reason string }{
		{"not XML", "{}", "xml"},
		{"document type", `<!DOCTYPE a>` + strings.TrimPrefix(good, "\uFEFF"), "xml"},
		{"an HTML page", "<html><body/></html>", "not-metadata"},
		{"a service provider's", string(SPMetadata{EntityID: "sp", ACSURLs: []string{testACS}}.XML()), "no-idp"},
		{"SAML 1.1 only", replace(`<IDPSSODescriptor protocolSupportEnumeration="`+protocolSupport, `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol`), "no-idp"},
		{"two roles", replace(idp, idp+idp), "several-idps"},
		{"two entities", `<EntitiesDescriptor xmlns="` + nsMetadata + `">` + strings.Repeat(good[strings.Index(good, "<Entity"):], 2) + `</EntitiesDescriptor>`, "several-idps"},
		{"no entity ID", replace(` entityID="`+testIssuer+`"`, ``), "entity-id"},
		{"entity ID with a space", replace(`entityID="`, `entityID=" `), "entity-id"},
		{"no sign-on address", replace(endpoints, ""), "sso-url"},
		{"script as address", replace(`Location="https://login`, `Location="javascript://login`), "sso-url"},
		{"relative address", replace(`Location="https://login.microsoftonline.com`, `Location="`), "sso-url"},
		{"address with a password", replace(`Location="https://`, `Location="https://a:b@`), "sso-url"},
		{"no certificate", replace(keys, ""), "no-certificate"},
		{"certificates for encryption only", replace(keys, keyDescriptor(` use="encryption"`, idpKey().cert)), "no-certificate"},
		{"certificate not base64", replace(keys, strings.Replace(keys, "MII", "???", 1)), "certificate"},
		{"certificate not a certificate", replace(keys, strings.Replace(keys, "MII", "AAA", 1)), "certificate"},
		{"too many certificates", replace(keys, many), "certificate"},
		{"too large", good + strings.Repeat(" ", maxDocument), "xml"},
	}
	for _, tt := range tests {
		got, err := ParseIDPMetadata([]byte(tt.doc))
		if f := fault.Of(err); err == nil || f.Kind != fault.Invalid || f.Reason != tt.reason {
			t.Errorf("%s: got %+v, %v, want reason %s", tt.name, got.EntityID, err, tt.reason)
		}
	}
}

// freshCertificate returns another certificate for the identity provider's key.
func freshCertificate(name string) (*x509.Certificate, error) {
	return SelfSign(strings.NewReader(strings.Repeat(name, 64)), idpKey().key, CertificateSpec{CommonName: name, NotBefore: testNow, NotAfter: testNow.AddDate(1, 0, 0)})
}

func TestMetadataOut(t *testing.T) {
	t.Parallel()
	sp := SPMetadata{EntityID: "https://sso.example/saml/d-1?a=1&b=\"<2>\"", ACSURLs: []string{testACS, testACS + "/2"}}.XML()
	root, err := scan(sp)
	if err != nil {
		t.Fatal(err)
	}
	role, ok := root.one(nsMetadata, "SPSSODescriptor")
	if !ok || root.value("entityID") != `https://sso.example/saml/d-1?a=1&b="<2>"` || role.value("WantAssertionsSigned") != "true" || role.value("AuthnRequestsSigned") != "false" {
		t.Errorf("got %s", sp)
	}
	acs := role.all(nsMetadata, "AssertionConsumerService")
	if len(acs) != 2 || acs[0].value("Location") != testACS || acs[0].value("Binding") != BindingPost || acs[0].value("isDefault") != "true" || acs[1].value("index") != "1" {
		t.Errorf("got %s", sp)
	}
	want := IDPMetadata{EntityID: testIssuer, SSORedirectURL: "https://idp.example/sso?a=1&b=2", SLOPostURL: "https://idp.example/slo", SSOPostURL: "http://127.0.0.1:8081/sso",
		Certificates: []*x509.Certificate{idpKey().cert, nextKey().cert}, ValidUntil: testNow}
	got, err := ParseIDPMetadata(want.XML())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *x509.Certificate) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzParseIDPMetadata(f *testing.F) {
	f.Add([]byte(entraMetadata()))
	f.Add(IDPMetadata{EntityID: "x", SSOPostURL: "https://idp.example/", Certificates: []*x509.Certificate{idpKey().cert}}.XML())
	f.Add([]byte(`<EntitiesDescriptor xmlns="` + nsMetadata + `"><!-- --></EntitiesDescriptor>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := ParseIDPMetadata(doc)
		if err != nil {
			if f := fault.Of(err); f.Kind != fault.Invalid || f.Reason == "" {
				t.Errorf("refused without a reason: %v", err)
			}
			return
		}
		again, err := ParseIDPMetadata(got.XML())
		if err != nil || again.EntityID != got.EntityID || len(again.Certificates) != len(got.Certificates) {
			t.Errorf("writing and reading again gives %+v, %v, want %+v", again, err, got)
		}
	})
}
