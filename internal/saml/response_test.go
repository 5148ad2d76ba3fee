package saml

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// The two parties of the tests.
const (
	testIssuer   = "https://sts.windows.net/3f2a8c1e-5b74-4d0f-9a66-0c1d2e3f4a5b/"
	testEntity   = "https://sso.example/saml/d-1234567890"
	testACS      = "https://sso.example/saml/d-1234567890/acs"
	testRequest  = "_5c1f0d9e8b7a69584736251403f2e1d0"
	responseID   = "_8d6ab0f1-1f0e-4f3c-a1a5-6a0b9d7c2e11"
	assertionID  = "_2c7de1f0-9a1b-4b5e-8f00-5f6c7d8e9f00"
	attackerName = "root@contoso.example"
)

// entraResponse is a response as Entra ID writes it: only samlp is a prefix, attributes come before the authentication
// statement, NotOnOrAfter is the same in both places.
const entraResponse = `<samlp:Response ID="` + responseID + `" Version="2.0" IssueInstant="2026-11-24T09:29:58.123Z" Destination="` + testACS + `" InResponseTo="` + testRequest + `" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">` +
	`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + testIssuer + `</Issuer>` +
	`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
	`<Assertion ID="` + assertionID + `" IssueInstant="2026-11-24T09:29:58.1190000Z" Version="2.0" xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
	`<Issuer>` + testIssuer + `</Issuer>` +
	`<Subject><NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">anna@contoso.example</NameID>` +
	`<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData InResponseTo="` + testRequest + `" NotOnOrAfter="2026-11-24T10:29:58.025Z" Recipient="` + testACS + `"/></SubjectConfirmation></Subject>` +
	`<Conditions NotBefore="2026-11-24T09:24:58.025Z" NotOnOrAfter="2026-11-24T10:29:58.025Z"><AudienceRestriction><Audience>` + testEntity + `</Audience></AudienceRestriction></Conditions>` +
	`<AttributeStatement>` +
	`<Attribute Name="http://schemas.microsoft.com/identity/claims/tenantid"><AttributeValue>3f2a8c1e-5b74-4d0f-9a66-0c1d2e3f4a5b</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.microsoft.com/identity/claims/displayname"><AttributeValue>Anna Müller &amp; Søn</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.microsoft.com/claims/authnmethodsreferences"><AttributeValue>http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password</AttributeValue><AttributeValue>http://schemas.microsoft.com/claims/multipleauthn</AttributeValue></Attribute>` +
	`<Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"><AttributeValue>anna.mueller@contoso.example</AttributeValue></Attribute>` +
	`</AttributeStatement>` +
	`<AuthnStatement AuthnInstant="2026-11-24T08:12:00.000Z" SessionIndex="` + assertionID + `"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement>` +
	`</Assertion></samlp:Response>`

// testParams is what the door of the tests knows.
func testParams() Params {
	return Params{
		Certificates: []*x509.Certificate{nextKey().cert, idpKey().cert}, Issuer: testIssuer,
		Audiences: []string{testEntity}, Recipients: []string{testACS}, RequestID: testRequest, Now: testNow,
	}
}

// edit replaces text that must be there, and must be there n times (-1: at least once).
func edit(t testing.TB, doc, old, new string, n int) string {
	t.Helper()
	if got := strings.Count(doc, old); got != n && (n >= 0 || got == 0) {
		t.Fatalf("the document has %q %d times, want %d", old, got, n)
	}
	return strings.ReplaceAll(doc, old, new)
}

// signIt signs the elements with the given IDs, in this order, with the identity provider's key.
func signIt(t testing.TB, doc string, ids ...string) string {
	t.Helper()
	return signWith(t, idpKey(), doc, ids...)
}

func signWith(t testing.TB, k testKey, doc string, ids ...string) string {
	t.Helper()
	for _, id := range ids {
		signed, err := Sign([]byte(doc), id, k.key, k.cert)
		if err != nil {
			t.Fatal(err)
		}
		doc = string(signed)
	}
	return doc
}

// between returns the part of doc from the first occurrence of from up to the end of the next occurrence of to.
func between(t testing.TB, doc, from, to string) string {
	t.Helper()
	i := strings.Index(doc, from)
	if i < 0 {
		t.Fatalf("no %q in the document", from)
	}
	j := strings.Index(doc[i:], to)
	if j < 0 {
		t.Fatalf("no %q in the document", to)
	}
	return doc[i : i+j+len(to)]
}

func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}
