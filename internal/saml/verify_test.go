package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// wantAnna is what entraResponse says under testParams.
func wantAnna() Assertion {
	return Assertion{
		ID: assertionID, Issuer: testIssuer, Audience: testEntity, Recipient: testACS,
		NameID: "anna@contoso.example", NameIDFormat: NameIDEmail, InResponseTo: testRequest,
		AuthnInstant: instant("2026-11-24T08:12:00Z"), AuthnContext: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
		SessionIndex: assertionID, NotOnOrAfter: instant("2026-11-24T10:29:58.025Z"), ReplayUntil: instant("2026-11-24T10:32:58.025Z"),
		Attributes: []Attribute{
			{Name: "http://schemas.microsoft.com/identity/claims/tenantid", Values: []string{"3f2a8c1e-5b74-4d0f-9a66-0c1d2e3f4a5b"}},
			{Name: "http://schemas.microsoft.com/identity/claims/displayname", Values: []string{"Anna Müller & Søn"}},
			{Name: "http://schemas.microsoft.com/claims/authnmethodsreferences", Values: []string{
				"http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password", "http://schemas.microsoft.com/claims/multipleauthn"}},
			{Name: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", Values: []string{"anna.mueller@contoso.example"}},
		},
	}
}

func TestVerifyAcceptsEntra(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		doc  string
	}{
		{"assertion signed", signIt(t, entraResponse, assertionID)},
		{"response signed", signIt(t, entraResponse, responseID)},
		{"both signed", signIt(t, entraResponse, assertionID, responseID)},
		{"by the next certificate", signWith(t, nextKey(), entraResponse, assertionID)},
		{"XML declaration and byte order mark", "\uFEFF<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\r\n" + signIt(t, entraResponse, assertionID) + "\n"},
	}
	for _, tt := range tests {
		got, err := Verify([]byte(tt.doc), testParams())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(wantAnna(), got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}

// Every signature that Sign makes and Verify takes must be one that xmlsec1 takes, and the other way round for a damaged one.
func TestVerifyAgreesWithXmlsec(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, doc, kind, xpath string
		good                   bool
	}{
		{"assertion", signIt(t, entraResponse, assertionID), nsProtocol + ":Response", "//*[local-name()='Assertion']/*[local-name()='Signature']", true},
		{"response", signIt(t, entraResponse, responseID), nsProtocol + ":Response", signedXPath, true},
		{"both, the outer", signIt(t, entraResponse, assertionID, responseID), nsProtocol + ":Response", signedXPath, true},
		{"changed name", strings.Replace(signIt(t, entraResponse, assertionID), "anna@", "root@", 1), nsProtocol + ":Response", "//*[local-name()='Assertion']/*[local-name()='Signature']", false},
		{"another key", signWith(t, attackKey(), entraResponse, responseID), nsProtocol + ":Response", signedXPath, false},
	}
	for _, tt := range tests {
		_, err := Verify([]byte(tt.doc), testParams())
		oracle := oracleAccepts(t, []byte(tt.doc), tt.kind, tt.xpath)
		if oracle != tt.good || (err == nil) != tt.good {
			t.Errorf("%s: Verify says %v, xmlsec1 accepts: %v, want accepted: %v", tt.name, err, oracle, tt.good)
		}
	}
}

func TestVerifySkewAndSessions(t *testing.T) {
	t.Parallel()
	withSession := edit(t, entraResponse, ` SessionIndex=`, ` SessionNotOnOrAfter="2026-11-24T12:00:00Z" SessionIndex=`, 1)
	doc := []byte(signIt(t, withSession, assertionID))
	p := testParams()
	got, err := Verify(doc, p)
	if err != nil {
		t.Fatal(err)
	}
	if want := instant("2026-11-24T12:00:00Z"); !got.SessionNotOnOrAfter.Equal(want) {
		t.Errorf("got session end %v, want %v", got.SessionNotOnOrAfter, want)
	}
	end, start := got.NotOnOrAfter, instant("2026-11-24T09:29:58.119Z") // the issue instant is the latest beginning
	for _, tt := range []struct {
		now    time.Time
		reason string
	}{
		{end.Add(DefaultSkew - time.Millisecond), ""},
		{end.Add(DefaultSkew), "expired"},
		{start.Add(-DefaultSkew), ""},
		{start.Add(-DefaultSkew - time.Millisecond), "not-yet-valid"},
	} {
		p.Now = tt.now
		if _, err := Verify(doc, p); reasonOf(err) != tt.reason {
			t.Errorf("at %v: got %v, want reason %q", tt.now, err, tt.reason)
		}
	}
	p.Now = end.Add(4 * time.Minute)
	p.Skew = MaxSkew
	if got, err := Verify(doc, p); err != nil || !got.ReplayUntil.Equal(end.Add(MaxSkew)) {
		t.Errorf("with five minutes of skew: got %v, %v", got.ReplayUntil, err)
	}
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	if f := fault.Of(err); f.Kind == fault.Unauthenticated {
		return f.Reason
	}
	return "not Unauthenticated: " + err.Error()
}

// Profiles §4.1.5: an unsolicited response carries no InResponseTo, and only a door that wants it takes it.
//
// Attack class 15.
func TestVerifyUnsolicited(t *testing.T) {
	t.Parallel()
	solicited := signIt(t, entraResponse, assertionID)
	unsolicited := signIt(t, edit(t, entraResponse, ` InResponseTo="`+testRequest+`"`, "", 2), assertionID)
	// Only the unsigned response claims nothing; the assertion still names a request.
	stripped := edit(t, solicited, testACS+`" InResponseTo="`+testRequest+`" xmlns:samlp`, testACS+`" xmlns:samlp`, 1)
	tests := []struct {
		name, doc, request string
		rule               Unsolicited
		reason             string
	}{
		{"pending, answered", solicited, testRequest, RefuseUnsolicited, ""},
		{"pending, another answered", solicited, "_other", RefuseUnsolicited, "in-response-to"},
		{"pending, nothing answered", unsolicited, testRequest, RefuseUnsolicited, "in-response-to"},
		{"pending, nothing answered, unsolicited enabled", unsolicited, testRequest, AcceptUnsolicited, "in-response-to"},
		{"pending, stripped", stripped, testRequest, RefuseUnsolicited, "in-response-to"},
		{"none pending", unsolicited, "", RefuseUnsolicited, "unsolicited"},
		{"none pending, one answered", solicited, "", RefuseUnsolicited, "unsolicited"},
		{"none pending, enabled", unsolicited, "", AcceptUnsolicited, ""},
		{"none pending, enabled, one answered", solicited, "", AcceptUnsolicited, "in-response-to"},
		{"none pending, enabled, stripped", stripped, "", AcceptUnsolicited, "in-response-to"},
		{"to be looked up", solicited, "", CallerLooksUp, ""},
		{"to be looked up, unsolicited", unsolicited, "", CallerLooksUp, ""},
		{"to be looked up, stripped", stripped, "", CallerLooksUp, "in-response-to"},
		{"to be looked up, another in the response", edit(t, solicited, testACS+`" InResponseTo="`+testRequest+`" xmlns:samlp`, testACS+`" InResponseTo="_other" xmlns:samlp`, 1), "", CallerLooksUp, "in-response-to"},
		{"to be looked up, added to the response", edit(t, unsolicited, testACS+`" xmlns:samlp`, testACS+`" InResponseTo="`+testRequest+`" xmlns:samlp`, 1), "", CallerLooksUp, "in-response-to"},
		{"pending, another answered, to be looked up", solicited, "_other", CallerLooksUp, "in-response-to"},
		{"as a credential", solicited, "", IgnoreInResponseTo, ""},
		{"as a credential, unsolicited", unsolicited, "", IgnoreInResponseTo, ""},
	}
	for _, tt := range tests {
		p := testParams()
		p.RequestID, p.Unsolicited = tt.request, tt.rule
		if _, err := Verify([]byte(tt.doc), p); reasonOf(err) != tt.reason {
			t.Errorf("%s: got %v, want reason %q", tt.name, err, tt.reason)
		}
	}
}

// AssumeRoleWithSAML: two audiences are good, a Destination is not demanded.
func TestVerifyForSTS(t *testing.T) {
	t.Parallel()
	const signin = "https://signin.aws.amazon.com/saml"
	doc := edit(t, entraResponse, ` Destination="`+testACS+`"`, "", 1)
	doc = edit(t, edit(t, doc, testACS, signin, 1), `<Audience>`+testEntity, `<Audience>urn:amazon:webservices`, 1)
	doc = edit(t, doc, `<AttributeStatement>`, `<AttributeStatement><Attribute Name="https://aws.amazon.com/SAML/Attributes/Role"><AttributeValue>a,b</AttributeValue><AttributeValue>c,d</AttributeValue></Attribute>`, 1)
	doc = signIt(t, doc, assertionID)
	p := testParams()
	p.Audiences, p.Recipients = []string{signin, "urn:amazon:webservices"}, []string{signin, "https://us-east-1.signin.aws.amazon.com/saml"}
	p.RequestID, p.Unsolicited = "", IgnoreInResponseTo
	if _, err := Verify([]byte(doc), p); reasonOf(err) != "destination" {
		t.Errorf("without a Destination: got %v", err)
	}
	p.DestinationOptional = true
	got, err := Verify([]byte(doc), p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a,b", "c,d"}, got.Values("https://aws.amazon.com/SAML/Attributes/Role")); diff != "" || got.Audience != "urn:amazon:webservices" || got.Recipient != signin {
		t.Errorf("got audience %s, recipient %s, %s", got.Audience, got.Recipient, diff)
	}
	elsewhere := strings.Replace(doc, `Version="2.0" IssueInstant="2026-11-24T09:29:58.123Z"`, `Version="2.0" Destination="https://evil.example/" IssueInstant="2026-11-24T09:29:58.123Z"`, 1)
	if _, err := Verify([]byte(elsewhere), p); reasonOf(err) != "destination" {
		t.Errorf("with another Destination: got %v", err)
	}
}

func TestVerifyDemandsItsParams(t *testing.T) {
	t.Parallel()
	doc := []byte(signIt(t, entraResponse, assertionID))
	for name, spoil := range map[string]func(*Params){
		"Certificates": func(p *Params) { p.Certificates = nil }, "nil certificate": func(p *Params) { p.Certificates = []*x509.Certificate{nil} },
		"Issuer": func(p *Params) { p.Issuer = "" }, "Audiences": func(p *Params) { p.Audiences = nil }, "empty audience": func(p *Params) { p.Audiences = []string{""} },
		"Recipients": func(p *Params) { p.Recipients = nil }, "empty recipient": func(p *Params) { p.Recipients = []string{testACS, ""} },
		"Skew": func(p *Params) { p.Skew = MaxSkew + 1 }, "negative skew": func(p *Params) { p.Skew = -1 }, "Now": func(p *Params) { p.Now = time.Time{} },
		"Unsolicited": func(p *Params) { p.Unsolicited = 9 },
	} {
		p := testParams()
		spoil(&p)
		if _, err := Verify(doc, p); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: got %v, want an internal fault", name, err)
		}
	}
}

// resign replaces the signature value in doc after changing SignedInfo, with the given signing function over its canonical bytes.
func resign(t testing.TB, doc string, change func(signedInfo string) string, sign func(canonical []byte) []byte) string {
	t.Helper()
	info := between(t, doc, "<SignedInfo>", "</SignedInfo>")
	changed := change(info)
	canonical := strings.Replace(changed, "<SignedInfo>", `<SignedInfo xmlns="`+nsSignature+`">`, 1)
	value := between(t, doc, "<SignatureValue>", "</SignatureValue>")
	doc = strings.Replace(doc, info, changed, 1)
	return strings.Replace(doc, value, "<SignatureValue>"+base64.StdEncoding.EncodeToString(sign([]byte(canonical)))+"</SignatureValue>", 1)
}

func rsaOver(t testing.TB, key *rsa.PrivateKey, h crypto.Hash) func([]byte) []byte {
	return func(b []byte) []byte {
		d := h.New()
		d.Write(b)
		sig, err := rsa.SignPKCS1v15(nil, key, h, d.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
}

// RFC 6931: the stronger algorithms verify as well, with their digests.
func TestVerifyAlgorithms(t *testing.T) {
	t.Parallel()
	base := signIt(t, entraResponse, assertionID)
	more := "http://www.w3.org/2001/04/xmldsig-more#"
	stripped, err := scan([]byte(entraResponse))
	if err != nil {
		t.Fatal(err)
	}
	assertion, _ := stripped.one(nsAssertion, "Assertion")
	content, err := canonicalization{}.canonical(assertion, nil)
	if err != nil {
		t.Fatal(err)
	}
	d512 := sha512.Sum512(content)
	with := func(algorithm string) func(string) string {
		return func(info string) string {
			info = strings.Replace(info, algRSASHA256, algorithm, 1)
			info = strings.Replace(info, algSHA256, "http://www.w3.org/2001/04/xmlenc#sha512", 1)
			digest := between(t, info, "<DigestValue>", "</DigestValue>")
			return strings.Replace(info, digest, "<DigestValue>"+base64.StdEncoding.EncodeToString(d512[:])+"</DigestValue>", 1)
		}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecCert, err := SelfSign(rand.Reader, ec, CertificateSpec{CommonName: "EC", NotBefore: testNow, NotAfter: testNow.AddDate(1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	ecOver := func(b []byte) []byte {
		d := sha256.Sum256(b)
		r, s, err := ecdsa.Sign(rand.Reader, ec, d[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	p := testParams()
	p.Certificates = append(p.Certificates, ecCert)
	for name, doc := range map[string]string{
		"rsa-sha512":   resign(t, base, with(more+"rsa-sha512"), rsaOver(t, idpKey().key, crypto.SHA512)),
		"rsa-sha384":   resign(t, base, with(more+"rsa-sha384"), rsaOver(t, idpKey().key, crypto.SHA384)),
		"ecdsa-sha256": resign(t, base, with(more+"ecdsa-sha256"), ecOver),
	} {
		got, err := Verify([]byte(doc), p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(wantAnna(), got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		broken := strings.Replace(doc, "anna@", "root@", 1)
		if _, err := Verify([]byte(broken), p); reasonOf(err) != "digest" {
			t.Errorf("%s, changed: got %v", name, err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	doc := []byte(signIt(b, entraResponse, assertionID))
	p := testParams()
	p.Certificates = []*x509.Certificate{idpKey().cert}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(doc, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	k := idpKey()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sign([]byte(entraResponse), assertionID, k.key, k.cert); err != nil {
			b.Fatal(err)
		}
	}
}
