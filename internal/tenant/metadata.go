package tenant

import (
	"encoding/base64"
	"strings"

	"gatehouse/internal/saml"
)

// Metadata returns the federation metadata: with both signing certificates, with the two RoleDescriptors of
// WS-Federation that a SAML reader must skip, and signed. Entra's own has the same shape: no
// NameIDFormat, no WantAuthnRequestsSigned.
func (t *Tenant) Metadata() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if dialects[t.st.App.SAMLDialect] != &entraDialect {
		return t.plainMetadata(), nil
	}
	id := "_" + t.uuid()
	key := ""
	for _, k := range t.signing {
		key += `<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` +
			base64.StdEncoding.EncodeToString(k.cert.Raw) + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`
	}
	endpoint := xmlText(t.base + "/" + t.st.TenantID + "/saml2")
	wsfed := xmlText(t.base + "/" + t.st.TenantID + "/wsfed")
	var b strings.Builder
	b.WriteString(`<EntityDescriptor ID="` + id + `" entityID="` + xmlText(t.issuerIn("")) + `" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">`)
	for _, kind := range []string{"SecurityTokenServiceType", "ApplicationServiceType"} {
		b.WriteString(`<RoleDescriptor xsi:type="fed:` + kind + `" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706"` +
			` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706">` + key)
		if kind == "SecurityTokenServiceType" {
			b.WriteString(claimTypes())
		}
		b.WriteString(`<fed:PassiveRequestorEndpoint><wsa:EndpointReference xmlns:wsa="http://www.w3.org/2005/08/addressing"><wsa:Address>` + wsfed +
			`</wsa:Address></wsa:EndpointReference></fed:PassiveRequestorEndpoint></RoleDescriptor>`)
	}
	b.WriteString(`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + key)
	b.WriteString(`<SingleLogoutService Binding="` + saml.BindingRedirect + `" Location="` + endpoint + `"/>`)
	for _, binding := range []string{saml.BindingRedirect, saml.BindingPost} {
		b.WriteString(`<SingleSignOnService Binding="` + binding + `" Location="` + endpoint + `"/>`)
	}
	b.WriteString(`</IDPSSODescriptor></EntityDescriptor>`)
	k := t.signer()
	signed, err := saml.Sign([]byte(b.String()), id, k.key, k.cert)
	if err != nil {
		return nil, err
	}
	return append([]byte(`<?xml version="1.0" encoding="utf-8"?>`), signed...), nil
}

func claimTypes() string {
	var b strings.Builder
	b.WriteString(`<fed:ClaimTypesOffered>`)
	for _, c := range [][2]string{
		{claimPerson + "name", "Name"}, {claimPerson + "emailaddress", "Email"}, {claimPerson + "givenname", "Given Name"}, {claimPerson + "surname", "Surname"},
		{claimIdentity + "displayname", "Display Name"}, {claimIdentity + "tenantid", "TenantId"}, {claimIdentity + "objectidentifier", "ObjectIdentifier"},
		{claimGroups, "Groups"}, {claimMethods, "AuthenticationMethodsReferences"},
	} {
		b.WriteString(`<auth:ClaimType xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706" Uri="` + c[0] + `"><auth:DisplayName>` + c[1] + `</auth:DisplayName></auth:ClaimType>`)
	}
	b.WriteString(`</fed:ClaimTypesOffered>`)
	return b.String()
}
