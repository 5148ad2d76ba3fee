package saml

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// xmlsecSign lets xmlsec1 fill in a signature template over the assertion.
func xmlsecSign(t *testing.T, doc string) string {
	t.Helper()
	if xmlsecPath() == "" {
		t.Skip("xmlsec1 is not installed (Debian: apt-get install xmlsec1): the differential check with another implementation is skipped")
	}
	in := filepath.Join(t.TempDir(), "in.xml")
	if err := os.WriteFile(in, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(xmlsecPath(), "--sign", "--privkey-pem", "testdata/idp-key.pem", "--id-attr:ID", nsAssertion+":Assertion", in).Output()
	if err != nil {
		t.Fatalf("xmlsec1 cannot sign: %v", err)
	}
	return string(out)
}

// template is a signature to be filled in, with the two canonicalizations as given.
func template(method, transform string) string {
	return `<ds:Signature xmlns:ds="` + nsSignature + `"><ds:SignedInfo>` + method + `<ds:SignatureMethod Algorithm="` + algRSASHA256 + `"/>` +
		`<ds:Reference URI="#` + assertionID + `"><ds:Transforms><ds:Transform Algorithm="` + algEnveloped + `"/>` + transform + `</ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + algSHA256 + `"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>`
}

// What xmlsec1 signs in every accepted variant must verify here: the canonical forms agree, byte for byte.
func TestCanonicalFormsAgreeWithXmlsec(t *testing.T) {
	t.Parallel()
	prefixes := func(list string) string {
		return `<ec:InclusiveNamespaces xmlns:ec="` + nsExclusive + `" PrefixList="` + list + `"/>`
	}
	element := func(name, algorithm, inside string) string {
		return `<ds:` + name + ` Algorithm="` + algorithm + `">` + inside + `</ds:` + name + `>`
	}
	plain := element("Transform", algExclusive, "")
	// Declarations that are not used by name, xml: attributes on ancestors, line ends, references, a default namespace
	// that is taken back: everything where canonical forms differ.
	rich := strings.Replace(entraResponse, `xmlns:samlp=`, `xml:lang="de" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:u="urn:u" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:samlp=`, 1)
	rich = strings.Replace(rich, `<Assertion `, `<Assertion xmlns:v="urn:v" `, 1)
	rich = strings.Replace(rich, `<AttributeStatement>`, "<AttributeStatement>\r\n\t<Attribute z='&#xA;&#13;&quot;&lt;>' Name='rich' xml:lang='en'>"+
		"<AttributeValue xsi:type='xs:string' u:b='1' xsi:a='2'>&#13;x\r\ny ü &gt; ]] </AttributeValue><AttributeValue><v:x xmlns='urn:d'><y xmlns=''/><y/></v:x></AttributeValue></Attribute>", 1)
	tests := []struct{ name, method, transform string }{
		{"exclusive", element("CanonicalizationMethod", algExclusive, ""), plain},
		{"exclusive with prefixes", element("CanonicalizationMethod", algExclusive, prefixes("samlp u")), element("Transform", algExclusive, prefixes("xs v nowhere"))},
		{"exclusive with the default namespace", element("CanonicalizationMethod", algExclusive, prefixes("#default")), element("Transform", algExclusive, prefixes("#default xs"))},
		{"SignedInfo inclusive (Canonical XML 1.0)", element("CanonicalizationMethod", algInclusive, ""), plain},
	}
	for _, tt := range tests {
		doc := strings.Replace(rich, testIssuer+"</Issuer><Subject>", testIssuer+"</Issuer>"+template(tt.method, tt.transform)+"<Subject>", 1)
		signed := xmlsecSign(t, doc)
		got, err := Verify([]byte(signed), testParams())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if want := "\rx\ny ü > ]] "; len(got.Attributes) == 0 || len(got.Attributes[0].Values) != 1 || got.Attributes[0].Values[0] != want {
			t.Errorf("%s: got attributes %q, want one simple value %q", tt.name, got.Attributes, want)
		}
		if _, err := Verify([]byte(edit(t, signed, "anna@", "root@", 1)), testParams()); reasonOf(err) != "digest" {
			t.Errorf("%s, changed: got %v", tt.name, err)
		}
	}
}
