package saml

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // an algorithm that must be refused
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

// attack is a response that must be refused for the given reason. If it were accepted, the test says as whom.
type attack struct{ name, doc, reason string }

func refuseAll(t *testing.T, attacks []attack) {
	t.Helper()
	for _, a := range attacks {
		got, err := Verify([]byte(a.doc), testParams())
		if err == nil {
			t.Errorf("%s: ACCEPTED as %q", a.name, got.NameID)
		} else if reasonOf(err) != a.reason {
			t.Errorf("%s: got %v (%s), want reason %q", a.name, err, reasonOf(err), a.reason)
		}
	}
}

// pieces are the parts that wrapping attacks move around.
type pieces struct {
	doc, assertion, signature, bare, evil string
}

// cut takes apart a response whose assertion is signed: the assertion, its signature, the assertion without it, and
// an evil twin without a signature and with another ID.
func cut(t *testing.T) pieces {
	t.Helper()
	p := pieces{doc: signIt(t, entraResponse, assertionID)}
	p.assertion = between(t, p.doc, "<Assertion ", "</Assertion>")
	p.signature = between(t, p.doc, "<Signature ", "</Signature>")
	p.bare = strings.Replace(p.assertion, p.signature, "", 1)
	p.evil = edit(t, edit(t, p.bare, "anna@contoso.example", attackerName, 1), `ID="`+assertionID+`"`, `ID="_evil"`, 1)
	return p
}

// with puts something in place of the assertion.
func (p pieces) with(s string) string { return strings.Replace(p.doc, p.assertion, s, 1) }

// signedEvil is the evil twin with the original signature after its issuer, and perhaps something in that signature.
func (p pieces) signedEvil(inside string) string {
	sig := strings.Replace(p.signature, "</Signature>", inside+"</Signature>", 1)
	return strings.Replace(p.evil, "</Issuer>", "</Issuer>"+sig, 1)
}

// Somorovsky et al., "On Breaking SAML" (2012), the eight permutations and their later relatives.
//
// Attack classes 1 and 2.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	p := cut(t)
	response := signIt(t, entraResponse, responseID)
	responseSig := between(t, response, "<Signature ", "</Signature>")
	bareResponse := strings.Replace(response, responseSig, "", 1)
	evilResponse := edit(t, edit(t, bareResponse, responseID, "_evilresponse", 1), "anna@contoso.example", attackerName, 1)
	sameID := strings.Replace(p.evil, "_evil", assertionID, 1)
	intoEvilResponse := func(s string) string {
		return strings.Replace(evilResponse, "<samlp:Status>", s+"<samlp:Status>", 1)
	}
	object := func(s string) string { return `<Object>` + s + `</Object>` }
	refuseAll(t, []attack{
		{"XSW1: the signed response inside the signature of the evil one", intoEvilResponse(strings.Replace(responseSig, "</Signature>", object(bareResponse)+"</Signature>", 1)), "structure"},
		{"XSW2: the signed response beside its signature in the evil one", intoEvilResponse(bareResponse + responseSig), "structure"},
		{"XSW3: the evil assertion before the signed one", p.with(p.evil + p.assertion), "structure"},
		{"XSW3: after it", p.with(p.assertion + p.evil), "structure"},
		{"XSW4: the evil assertion around the signed one", p.with(strings.Replace(p.evil, "</Assertion>", p.assertion+"</Assertion>", 1)), "structure"},
		{"XSW5: the evil assertion with the signature, the original at the end", p.with(p.signedEvil("") + p.bare), "structure"},
		{"XSW6: the original inside the signature of the evil one", p.with(p.signedEvil(p.bare)), "structure"},
		{"XSW7: the evil assertion in Extensions", strings.Replace(p.doc, "<samlp:Status>", "<samlp:Extensions>"+p.evil+"</samlp:Extensions><samlp:Status>", 1), "structure"},
		{"XSW8: the original in an Object of the evil one's signature", p.with(p.signedEvil(object(p.bare))), "structure"},
		{"XSW9: the original in StatusDetail, the evil one in its place", strings.Replace(p.with(p.evil), "</samlp:Status>", "<samlp:StatusDetail>"+p.assertion+"</samlp:StatusDetail></samlp:Status>", 1), "structure"},
		{"the original in the evil one's Advice", p.with(strings.Replace(p.evil, "<AttributeStatement>", "<Advice>"+p.assertion+"</Advice><AttributeStatement>", 1)), "structure"},
		{"evil twin with the same ID", p.with(sameID + p.assertion), "structure"},
		{"another element with the same ID", strings.Replace(p.doc, "<samlp:Status>", `<samlp:Status ID="`+assertionID+`">`, 1), "structure"},
		{"another element with the same Id, spelled otherwise", strings.Replace(p.doc, "<samlp:Status>", `<samlp:Status xml:id="`+assertionID+`">`, 1), "structure"},
		{"only the evil assertion, with the signature", p.with(p.signedEvil("")), "reference"},
		{"the same, with the same ID", p.with(strings.Replace(p.signedEvil(""), `ID="_evil"`, `ID="`+assertionID+`"`, 1)), "digest"},
		{"the assertion renamed in another namespace", strings.Replace(p.doc, `xmlns="urn:oasis:names:tc:SAML:2.0:assertion"><Issuer>`, `xmlns="urn:oasis:names:tc:SAML:1.0:assertion"><Issuer>`, 1), "structure"},
		{"the assertion's signature moved to the response", strings.Replace(p.with(p.evil), "<samlp:Status>", p.signature+"<samlp:Status>", 1), "reference"},
		{"the signature moved into the subject", p.with(strings.Replace(p.bare, "<Subject>", "<Subject>"+p.signature, 1)), "signature-shape"},
		{"a second signature in the assertion", p.with(strings.Replace(p.assertion, "<Subject>", p.signature+"<Subject>", 1)), "signature-shape"},
		{"a signature in Extensions", strings.Replace(p.doc, "<samlp:Status>", "<samlp:Extensions>"+p.signature+"</samlp:Extensions><samlp:Status>", 1), "signature-shape"},
		{"text beside the assertion", p.with("x" + p.assertion), "structure"},
		{"an assertion as the root", p.assertion, "structure"},
		{"two roots", p.doc + p.doc, "xml"},
		{"a response in a SOAP envelope", `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>` + p.doc + `</e:Body></e:Envelope>`, "structure"},
	})
}

// Both signatures are verified where both exist: a good one does not excuse a bad one.
//
// Attack class 12.
func TestBothSignaturesCount(t *testing.T) {
	t.Parallel()
	byAttacker := signWith(t, attackKey(), entraResponse, assertionID)
	outerGood := signIt(t, byAttacker, responseID)
	outerBad := signWith(t, attackKey(), signIt(t, entraResponse, assertionID), responseID)
	refuseAll(t, []attack{
		{"good response, bad assertion", outerGood, "signature"},
		{"bad response, good assertion", outerBad, "signature"},
		{"changed between the two", strings.Replace(signIt(t, entraResponse, assertionID, responseID), "status:Success", "status:Success ", 1), "status"},
	})
}

// Attack classes 11 and 12.
func TestSignatureExclusionAndKeyTrust(t *testing.T) {
	t.Parallel()
	p := cut(t)
	evil := strings.Replace(entraResponse, "anna@contoso.example", attackerName, 1)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weakCert, err := SelfSign(rand.Reader, weak, CertificateSpec{CommonName: "Weak", NotBefore: testNow, NotAfter: testNow.AddDate(1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	refuseAll(t, []attack{
		{"no signature at all", entraResponse, "unsigned"},
		{"an empty signature", strings.Replace(evil, "<Subject>", `<Signature xmlns="`+nsSignature+`"/><Subject>`, 1), "signature-shape"},
		{"a signature in another namespace", strings.Replace(evil, "<Subject>", `<Signature xmlns="http://www.w3.org/2000/09/xmldsig"/><Subject>`, 1), "unsigned"},
		{"signed by the attacker, whose certificate is in KeyInfo (CVE-2021-21239)", signWith(t, attackKey(), evil, assertionID), "signature"},
		{"the identity provider's certificate in KeyInfo of the attacker's signature", strings.Replace(signWith(t, attackKey(), evil, assertionID),
			base64.StdEncoding.EncodeToString(attackKey().cert.Raw), base64.StdEncoding.EncodeToString(idpKey().cert.Raw), 1), "signature"},
		{"an empty signature value", strings.Replace(p.doc, between(t, p.doc, "<SignatureValue>", "</SignatureValue>"), "<SignatureValue></SignatureValue>", 1), "signature-shape"},
		{"changed signed content", strings.Replace(p.doc, "anna@", "root@", 1), "digest"},
		{"changed signed info", strings.Replace(p.doc, "<DigestValue>", "<DigestValue> ", 1), "signature"},
	})
	params := testParams()
	params.Certificates = []*x509.Certificate{weakCert}
	if _, err := Verify([]byte(signWith(t, testKey{weak, weakCert}, entraResponse, assertionID)), params); reasonOf(err) != "certificate" {
		t.Errorf("RSA-1024: got %v", err)
	}
	// KeyInfo is not read, so its absence or a stranger's certificate in a good signature changes nothing.
	keyInfo := between(t, p.doc, "<KeyInfo>", "</KeyInfo>")
	for name, doc := range map[string]string{
		"no KeyInfo":       strings.Replace(p.doc, keyInfo, "", 1),
		"hostile KeyInfo":  strings.Replace(p.doc, keyInfo, `<KeyInfo><RetrievalMethod URI="https://evil.example/"/><KeyName>'; --</KeyName></KeyInfo>`, 1),
		"foreign X509Data": strings.Replace(p.doc, base64.StdEncoding.EncodeToString(idpKey().cert.Raw), "AAAA", 1),
	} {
		if _, err := Verify([]byte(doc), testParams()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Algorithm confusion: each of these is correctly computed, so only the allow-list can stop it.
//
// Attack class 10.
func TestAlgorithmsThatAreRefused(t *testing.T) {
	t.Parallel()
	base := signIt(t, entraResponse, assertionID)
	swap := func(old, new string) func(string) string {
		return func(info string) string { return edit(t, info, old, new, 1) }
	}
	idp := rsaOver(t, idpKey().key, crypto.SHA256)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idpKey().cert.Raw})
	mac := func(key []byte) func([]byte) []byte {
		return func(b []byte) []byte {
			m := hmac.New(sha256.New, key)
			m.Write(b)
			return m.Sum(nil)
		}
	}
	sha1Digest := func(info string) string {
		root, err := scan([]byte(entraResponse))
		if err != nil {
			t.Fatal(err)
		}
		assertion, _ := root.one(nsAssertion, "Assertion")
		content, _ := canonicalization{}.canonical(assertion, nil)
		h := crypto.SHA1.New()
		h.Write(content)
		info = strings.Replace(info, between(t, info, "<DigestValue>", "</DigestValue>"), "<DigestValue>"+base64.StdEncoding.EncodeToString(h.Sum(nil))+"</DigestValue>", 1)
		return strings.Replace(info, algSHA256, "http://www.w3.org/2000/09/xmldsig#sha1", 1)
	}
	more := "http://www.w3.org/2001/04/xmldsig-more#"
	refuseAll(t, []attack{
		{"RSA-SHA1", resign(t, base, swap(algRSASHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), rsaOver(t, idpKey().key, crypto.SHA1)), "signature-algorithm"},
		{"SHA-1 digest", resign(t, base, sha1Digest, idp), "digest-algorithm"},
		{"HMAC keyed with the certificate", resign(t, base, swap(algRSASHA256, more+"hmac-sha256"), mac(idpKey().cert.Raw)), "signature-algorithm"},
		{"HMAC keyed with the certificate's PEM", resign(t, base, swap(algRSASHA256, more+"hmac-sha256"), mac(certPEM)), "signature-algorithm"},
		{"HMAC-SHA1 of XML Signature itself", resign(t, base, swap(algRSASHA256, nsSignature+"hmac-sha1"), mac(nil)), "signature-algorithm"},
		{"no algorithm", resign(t, base, swap(` Algorithm="`+algRSASHA256+`"`, ""), idp), "signature-algorithm"},
		{"ECDSA named, RSA keys", resign(t, base, swap("rsa-sha256", "ecdsa-sha256"), idp), "certificate"},
		{"HMAC output length", resign(t, base, swap(`></SignatureMethod>`, `><HMACOutputLength>0</HMACOutputLength></SignatureMethod>`), idp), "signature-algorithm"},
	})
}

// What SignedInfo may say. All of these are signed with the right key.
//
// Attack classes 4, 9 and 19.
func TestSignedInfoThatIsRefused(t *testing.T) {
	t.Parallel()
	base := signIt(t, entraResponse, assertionID)
	idp := rsaOver(t, idpKey().key, crypto.SHA256)
	swap := func(old, new string) string {
		return resign(t, base, func(info string) string { return edit(t, info, old, new, -1) }, idp)
	}
	reference := between(t, base, "<Reference ", "</Reference>")
	info := between(t, base, "<SignedInfo>", "</SignedInfo>")
	value := between(t, base, "<SignatureValue>", "</SignatureValue>")
	transforms := between(t, base, "<Transforms>", "</Transforms>")
	enveloped, exclusive := `<Transform Algorithm="`+algEnveloped+`"></Transform>`, `<Transform Algorithm="`+algExclusive+`"></Transform>`
	inTransforms := func(s string) string { return swap(transforms, "<Transforms>"+s+"</Transforms>") }
	other := func(uri string) string { return `<Transform Algorithm="` + uri + `"></Transform>` }
	refuseAll(t, []attack{
		{"two SignedInfo (CVE-2025-29774)", strings.Replace(base, info, info+strings.Replace(info, "#"+assertionID, "#_evil", 1), 1), "signature-shape"},
		{"two SignedInfo, the other first", strings.Replace(base, info, strings.Replace(info, "#"+assertionID, "#_evil", 1)+info, 1), "signature-shape"},
		{"two signature values", strings.Replace(base, value, value+value, 1), "signature-shape"},
		{"an Object", strings.Replace(base, "</KeyInfo>", "</KeyInfo><Object/>", 1), "signature-shape"},
		{"text in the signature", strings.Replace(base, value, "x"+value, 1), "signature-shape"},
		{"two references", swap(reference, reference+reference), "signature-shape"},
		{"no reference", swap(reference, ""), "signature-shape"},
		{"two digest values (CVE-2025-29775)", swap("</DigestValue>", "</DigestValue><DigestValue>AAAA</DigestValue>"), "signature-shape"},
		{"element in the digest value", swap("</DigestValue>", "<b></b></DigestValue>"), "signature-shape"},
		{"comment in the digest value (CVE-2025-29775)", swap("<DigestValue>", "<DigestValue><!--AAAA-->"), "xml"},
		{"empty reference: the whole document", swap(`URI="#`+assertionID+`"`, `URI=""`), "reference"},
		{"no URI", swap(` URI="#`+assertionID+`"`, ``), "reference"},
		{"reference to the response", swap("#"+assertionID, "#"+responseID), "reference"},
		{"XPointer", swap("#"+assertionID, "#xpointer(id('"+assertionID+"'))"), "reference"},
		{"external reference", swap("#"+assertionID, "https://evil.example/#"+assertionID), "reference"},
		{"XSLT", inTransforms(enveloped + other("http://www.w3.org/TR/1999/REC-xslt-19991116") + exclusive), "transforms"},
		{"XPath", inTransforms(enveloped + other("http://www.w3.org/TR/1999/REC-xpath-19991116")), "transforms"},
		{"XPath filter 2 instead of the enveloped signature", inTransforms(other("http://www.w3.org/2002/06/xmldsig-filter2") + exclusive), "transforms"},
		{"base64 transform", inTransforms(enveloped + other("http://www.w3.org/2000/09/xmldsig#base64")), "transforms"},
		{"canonicalization with comments", inTransforms(enveloped + other(algExclusive+"WithComments")), "transforms"},
		{"inclusive canonicalization of the content", inTransforms(enveloped + other(algInclusive)), "transforms"},
		{"transforms the other way round", inTransforms(exclusive + enveloped), "transforms"},
		{"three transforms", inTransforms(enveloped + exclusive + exclusive), "transforms"},
		{"the enveloped transform alone", inTransforms(enveloped), "transforms"},
		{"digest method under another name", swap("DigestMethod", "DigestMethods"), "signature-shape"},
		{"canonicalization method under another name", swap("CanonicalizationMethod", "CanonicalizationMethods"), "signature-shape"},
		{"transform under another name", inTransforms(strings.ReplaceAll(enveloped, "Transform", "Transform2") + exclusive), "transforms"},
		{"no transforms", swap(transforms, ""), "signature-shape"},
		{"content in the enveloped transform", inTransforms(`<Transform Algorithm="` + algEnveloped + `"><XPath>1</XPath></Transform>` + exclusive), "transforms"},
		{"two prefix lists", inTransforms(enveloped + `<Transform Algorithm="` + algExclusive + `"><i:InclusiveNamespaces xmlns:i="` + nsExclusive + `" PrefixList="a"></i:InclusiveNamespaces><i:InclusiveNamespaces xmlns:i="` + nsExclusive + `" PrefixList="b"></i:InclusiveNamespaces></Transform>`), "transforms"},
		{"SignedInfo canonicalized with comments", swap(`<CanonicalizationMethod Algorithm="`+algExclusive, `<CanonicalizationMethod Algorithm="`+algExclusive+"WithComments"), "canonicalization"},
		{"no canonicalization algorithm", swap(`<CanonicalizationMethod Algorithm="`+algExclusive+`"`, `<CanonicalizationMethod`), "canonicalization"},
	})
}

// PortSwigger, "The Fragile Lock" (2025): void canonicalization, attribute pollution, namespace confusion; and what
// XML readers disagree about.
//
// Attack classes 3, 5, 6, 8 and 18.
func TestReaderDifferentials(t *testing.T) {
	t.Parallel()
	doc := signIt(t, entraResponse, assertionID)
	inName := func(s string) string {
		return strings.Replace(doc, "anna@contoso.example", "anna@contoso.example"+s, 1)
	}
	atRoot := func(s string) string { return strings.Replace(doc, `xmlns:samlp=`, s+` xmlns:samlp=`, 1) }
	deep := strings.Repeat("<x>", 80) + strings.Repeat("</x>", 80)
	long := &strings.Builder{}
	for i := range 400 {
		fmt.Fprintf(long, " a%d=''", i)
	}
	refuseAll(t, []attack{
		{"comment in the NameID (CVE-2017-11427)", inName("<!---->.evil.example"), "xml"},
		{"processing instruction in the NameID", inName("<?x?>.evil.example"), "xml"},
		{"CDATA in the NameID", inName("<![CDATA[.evil.example]]>"), "xml"},
		{"document type (XXE)", `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + inName("&x;"), "xml"},
		{"document type that ends early (CVE-2025-25292)", `<!DOCTYPE a SYSTEM 'x"><!--'>-->` + doc, "xml"},
		{"undefined entity", inName("&x;"), "xml"},
		{"relative namespace: void canonicalization (CVE-2025-66568)", atRoot(`xmlns:ns="1"`), "xml"},
		{"empty namespace of a prefix", atRoot(`xmlns:ns=""`), "xml"},
		{"the prefix xml rebound", atRoot(`xmlns:xml="http://evil.example/"`), "xml"},
		{"the namespace of xml under another prefix", atRoot(`xmlns:y="` + xmlNamespace + `"`), "xml"},
		{"attribute twice", atRoot(`ID="_1"`), "xml"},
		{"attribute twice under two prefixes", atRoot(`xmlns:a="urn:a" xmlns:b="urn:a" a:x="1" b:x="2"`), "xml"},
		{"namespace declared twice", atRoot(`xmlns:samlp="urn:evil"`), "xml"},
		{"undeclared prefix", inName("<y:z/>"), "xml"},
		{"element named :a", inName("<:a/>"), "xml"},
		{"NUL", inName("\x00"), "xml"},
		{"not UTF-8", inName("\xff"), "xml"},
		{"UTF-16 declared", `<?xml version="1.0" encoding="UTF-16"?>` + doc, "xml"},
		{"XML 1.1", `<?xml version="1.1"?>` + doc, "xml"},
		{"junk after the root", doc + "x", "xml"},
		{"comment after the root", doc + "<!-- -->", "xml"},
		{"cut short", doc[:len(doc)-20], "xml"},
		{"empty", "", "xml"},
		{"too deep", strings.Replace(doc, "<samlp:Status>", "<samlp:Extensions>"+deep+"</samlp:Extensions><samlp:Status>", 1), "xml"},
		{"too many elements", strings.Replace(doc, "<samlp:Status>", "<samlp:Extensions>"+strings.Repeat("<x/>", 9000)+"</samlp:Extensions><samlp:Status>", 1), "xml"},
		{"too many attributes", atRoot(long.String()), "xml"},
		{"too large", strings.Replace(doc, "<samlp:Status>", strings.Repeat(" ", maxDocument)+"<samlp:Status>", 1), "xml"},
	})
}

// Canonical forms can be far longer than the document; that must cost nothing and end in a refusal.
//
// Attack class 18.
func TestCanonicalizationBomb(t *testing.T) {
	t.Parallel()
	doc := signIt(t, entraResponse, assertionID)
	long := "urn:" + strings.Repeat("n", 500)
	doc = strings.Replace(doc, `xmlns:samlp=`, `xmlns:p="`+long+`" xmlns:samlp=`, 1)
	doc = strings.Replace(doc, "<Subject>", strings.Repeat("<p:a/>", 8000)+"<Subject>", 1)
	if _, err := Verify([]byte(doc), testParams()); reasonOf(err) != "digest" {
		t.Errorf("got %v", err)
	}
	root, err := scan([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	w := canonicalWriter{}
	w.element(root, true)
	if w.buf.Len() > maxDocument+4096 {
		t.Errorf("%d bytes were written before it was given up", w.buf.Len())
	}
}

// Everything the profile demands of a response that is signed by the right identity provider (Profiles §4.1.4.2).
//
// Attack classes 14, 16 and 22.
func TestProfileRulesOfSignedResponses(t *testing.T) {
	t.Parallel()
	change := func(old, new string, n int) string {
		return signIt(t, edit(t, entraResponse, old, new, n), assertionID)
	}
	acs, entity := `Recipient="`+testACS+`"`, `<Audience>`+testEntity+`</Audience>`
	restriction := between(t, entraResponse, "<AudienceRestriction>", "</AudienceRestriction>")
	conditions := between(t, entraResponse, "<Conditions ", "</Conditions>")
	subject := between(t, entraResponse, "<Subject>", "</Subject>")
	name := between(t, entraResponse, "<NameID ", "</NameID>")
	confirmation := between(t, entraResponse, "<SubjectConfirmation ", "</SubjectConfirmation>")
	authn := between(t, entraResponse, "<AuthnStatement ", "</AuthnStatement>")
	nameAs := func(s string) string { return change("anna@contoso.example", s, 1) }
	refuseAll(t, []attack{
		{"for another recipient", change(acs, `Recipient="https://other.example/acs"`, 1), "recipient"},
		{"recipient with another path", change(acs, `Recipient="`+testACS+`/"`, 1), "recipient"},
		{"no recipient", change(" "+acs, "", 1), "recipient"},
		{"for another destination", change(`Destination="`+testACS+`"`, `Destination="https://other.example/acs"`, 1), "destination"},
		{"no destination", change(` Destination="`+testACS+`"`, "", 1), "destination"},
		{"for another audience", change(entity, `<Audience>https://other.example/</Audience>`, 1), "audience"},
		{"no audience", change(entity, "", 1), "audience"},
		{"no audience restriction", change(restriction, "", 1), "audience"},
		{"two restrictions, one for another", change(restriction, restriction+"<AudienceRestriction><Audience>https://other.example/</Audience></AudienceRestriction>", 1), "audience"},
		{"audience with a space", change(entity, `<Audience>`+testEntity+` </Audience>`, 1), "audience"},
		{"no conditions", change(conditions, "", 1), "condition"},
		{"two sets of conditions", change(conditions, conditions+conditions, 1), "condition"},
		{"unknown condition", change(restriction, restriction+`<Condition xmlns:x="urn:x" x:type="y"/>`, 1), "condition"},
		{"another issuer of both", change(testIssuer, "https://sts.windows.net/other/", 2), "issuer"},
		{"another issuer of the assertion", change(`<Issuer>`+testIssuer, `<Issuer>https://sts.windows.net/other/`, 1), "issuer"},
		{"no issuer of the assertion", change(`<Issuer>`+testIssuer+`</Issuer>`, ``, 1), "structure"},
		{"another issuer of the response", change(`assertion">`+testIssuer, `assertion">https://sts.windows.net/other/`, 1), "issuer"},
		{"another request", change(testRequest, "_other", 2), "in-response-to"},
		{"another request in the assertion", change(`InResponseTo="`+testRequest+`" NotOnOrAfter`, `InResponseTo="_other" NotOnOrAfter`, 1), "in-response-to"},
		{"expired conditions", change(`NotOnOrAfter="2026-11-24T10:29:58.025Z"><Aud`, `NotOnOrAfter="2026-11-24T09:26:00Z"><Aud`, 1), "expired"},
		{"expired confirmation", change(`NotOnOrAfter="2026-11-24T10:29:58.025Z" Rec`, `NotOnOrAfter="2026-11-24T09:26:00Z" Rec`, 1), "expired"},
		{"conditions not valid yet", change(`NotBefore="2026-11-24T09:24:58.025Z"`, `NotBefore="2026-11-24T09:34:00Z"`, 1), "not-yet-valid"},
		{"confirmation without an end", change(` NotOnOrAfter="2026-11-24T10:29:58.025Z" Rec`, ` Rec`, 1), "subject"},
		{"malformed time", change(`NotBefore="2026-11-24T09:24:58.025Z"`, `NotBefore="yesterday"`, 1), "structure"},
		{"time without a zone", change(`NotBefore="2026-11-24T09:24:58.025Z"`, `NotBefore="2026-11-24T09:24:58.025"`, 1), "structure"},
		{"no subject", change(subject, "", 1), "subject"},
		{"two subjects", change(subject, subject+subject, 1), "subject"},
		{"no confirmation", change(confirmation, "", 1), "subject"},
		{"holder of key", change("cm:bearer", "cm:holder-of-key", 1), "subject"},
		{"no NameID", change(name, "", 1), "name-id"},
		{"two NameIDs", change(name, name+name, 1), "name-id"},
		{"empty NameID", nameAs(""), "name-id"},
		{"NameID with a space after it", nameAs("anna@contoso.example "), "name-id"},
		{"NameID with a line end after it", nameAs("anna@contoso.example\n"), "name-id"},
		{"NameID with a no-break space after it", nameAs("anna@contoso.example\u00a0"), "name-id"},
		{"NameID with a control character", nameAs("anna&#x9;@contoso.example"), "name-id"},
		{"NameID with elements", nameAs("anna<b/>@contoso.example"), "name-id"},
		{"NameID too long", nameAs(strings.Repeat("a", 1025)), "name-id"},
		{"no authentication statement", change(authn, "", 1), "authn-statement"},
		{"session over", change(` SessionIndex=`, ` SessionNotOnOrAfter="2026-11-24T09:00:00Z" SessionIndex=`, 1), "session-expired"},
		{"attribute without a name", change(`<Attribute Name="http://schemas.microsoft.com/identity/claims/tenantid">`, `<Attribute>`, 1), "attributes"},
		{"encrypted assertion", change("<samlp:Status>", `<EncryptedAssertion xmlns="`+nsAssertion+`"/><samlp:Status>`, 1), "encrypted"},
		{"encrypted name", change(name, "<EncryptedID/>", 1), "encrypted"},
		{"SAML 1.1", change(`Version="2.0" xmlns="`, `Version="1.1" xmlns="`, 1), "structure"},
		{"another message", change("samlp:Response", "samlp:ArtifactResponse", -1), "structure"},
		{"no status", change(between(t, entraResponse, "<samlp:Status>", "</samlp:Status>"), "", 1), "structure"},
		{"response without a time", change(` IssueInstant="2026-11-24T09:29:58.123Z"`, "", 1), "structure"},
		{"partial success", change("status:Success", "status:Responder", 1), "status"},
	})
}

// What an identity provider answers instead of an assertion reaches the administrator as a code, never as its text.
func TestStatusIsTold(t *testing.T) {
	t.Parallel()
	status := between(t, entraResponse, "<samlp:Status>", "</samlp:Status>")
	failed := strings.Replace(entraResponse, status, `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Requester"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:&lt;b>"/></samlp:StatusCode>`+
		`<samlp:StatusMessage>AADSTS75011: secret &lt;script></samlp:StatusMessage></samlp:Status>`, 1)
	failed = strings.Replace(failed, between(t, failed, "<Assertion ", "</Assertion>"), "", 1)
	_, err := Verify([]byte(failed), testParams())
	if reasonOf(err) != "status" || !strings.Contains(err.Error(), "(Requester/unknown, AADSTS75011)") {
		t.Errorf("got %v", err)
	}
}

// No diagnosis repeats what the response said.
func TestDiagnosesShowNothingOfTheResponse(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		strings.ReplaceAll(entraResponse, testACS, "https://marker.example/"), strings.ReplaceAll(entraResponse, testIssuer, "marker"),
		signIt(t, strings.ReplaceAll(entraResponse, testEntity, "marker"), assertionID), "<marker>", "<a marker='1' marker='2'/>", "<a><!--marker--></a>",
	} {
		_, err := Verify([]byte(doc), testParams())
		if err == nil || strings.Contains(err.Error(), "marker") {
			t.Errorf("got %v", err)
		}
	}
}

// FuzzVerify: whatever is done to signed responses, they are refused, or they say exactly what was signed.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(signIt(f, entraResponse, assertionID)))
	f.Add([]byte(signIt(f, entraResponse, responseID)))
	f.Add([]byte(signIt(f, entraResponse, assertionID, responseID)))
	f.Add([]byte(entraResponse))
	f.Add([]byte(`<!DOCTYPE a><a/>`))
	want := fmt.Sprintf("%+v", wantAnna())
	params := testParams()
	params.Certificates = []*x509.Certificate{idpKey().cert}
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := Verify(doc, params)
		if err != nil {
			if reason := reasonOf(err); strings.HasPrefix(reason, "not ") || reason == "" {
				t.Errorf("refused without a reason: %v", err)
			}
			return
		}
		if got := fmt.Sprintf("%+v", got); got != want {
			t.Errorf("accepted\n%s\nwant\n%s", got, want)
		}
	})
}

// TestSignedInfoOfManyParts: what is not signed yet is not worth canonicalizing thousands of elements for.
//
// Attack class 18.
func TestSignedInfoOfManyParts(t *testing.T) {
	t.Parallel()
	p := cut(t)
	refuseAll(t, []attack{
		{"in the reference", edit(t, p.doc, "<DigestMethod ", strings.Repeat("<Transform></Transform>", 8000)+"<DigestMethod ", 1), "signature-shape"},
		{"in a method", edit(t, p.doc, "</SignatureMethod>", strings.Repeat("<x></x>", 100)+"</SignatureMethod>", 1), "signature-shape"},
	})
}
