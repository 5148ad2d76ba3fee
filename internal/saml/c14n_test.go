package saml

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// randomDocument writes a document in which namespaces, attributes and text come in every order that the scanner
// accepts. The same seed gives the same document.
func randomDocument(r *rand.Rand) string {
	prefixes, uris := []string{"", "a", "b", "c"}, []string{"urn:1", "urn:2", "http://example.com/x?y=1#z", "urn:3"}
	texts := []string{"x", " ", "\n\t", "&amp;", "&lt;&gt;", "ü€😀", "&#13;", "&#xD;&#10;", "\r\n", "]]", "\"'", "&quot;&apos;", "&#9;"}
	var b strings.Builder
	var element func(depth int, scope map[string]bool)
	element = func(depth int, scope map[string]bool) {
		here := map[string]bool{}
		for p := range scope {
			here[p] = true
		}
		var decls, attrs strings.Builder
		for _, p := range prefixes {
			if r.IntN(4) > 0 {
				continue
			}
			if p == "" {
				if r.IntN(3) == 0 {
					decls.WriteString(` xmlns=""`)
				} else {
					decls.WriteString(` xmlns="` + uris[r.IntN(len(uris))] + `"`)
				}
				continue
			}
			decls.WriteString(` xmlns:` + p + `='` + uris[r.IntN(len(uris))] + `'`)
			here[p] = true
		}
		qualified := func(local string) string {
			if p := prefixes[r.IntN(len(prefixes))]; here[p] {
				return p + ":" + local
			}
			return local
		}
		for _, local := range []string{"z", "y", "x", "xml:lang"} {
			if r.IntN(3) > 0 {
				continue
			}
			name := local
			if local != "xml:lang" {
				name = qualified(local) // one local name each: never the same attribute twice
			}
			attrs.WriteString(" " + name + `="` + strings.NewReplacer(`"`, "&quot;").Replace(texts[r.IntN(len(texts))]+texts[r.IntN(len(texts))]) + `"`)
		}
		name := qualified("e" + strconv.Itoa(r.IntN(3)))
		b.WriteString("<" + name)
		if r.IntN(2) == 0 {
			b.WriteString(attrs.String() + decls.String())
		} else {
			b.WriteString(decls.String() + "\n" + attrs.String())
		}
		if r.IntN(4) == 0 {
			b.WriteString(" />")
			return
		}
		b.WriteString(">")
		for range r.IntN(4) {
			if depth < 6 && r.IntN(2) == 0 {
				element(depth+1, here)
			} else {
				b.WriteString(texts[r.IntN(len(texts))])
			}
		}
		b.WriteString("</" + name + " >")
	}
	b.WriteString(`<samlp:Response xmlns:samlp="` + nsProtocol + `" xmlns:a="urn:1" ID="_r">`)
	for range 8 {
		element(0, map[string]bool{"a": true})
	}
	b.WriteString("</samlp:Response>")
	return b.String()
}

// The canonical form of any document is the one that xmlsec1 computes: it accepts the signature over it.
//
// Attack class 5.
func TestRandomDocumentsAgreeWithXmlsec(t *testing.T) {
	t.Parallel()
	k := idpKey()
	for seed := range uint64(40) {
		doc := randomDocument(rand.New(rand.NewPCG(seed, 1)))
		signed, err := Sign([]byte(doc), "_r", k.key, k.cert)
		if err != nil {
			t.Fatalf("seed %d: %v: %v\n%s", seed, err, errors.Unwrap(err), doc)
		}
		if !oracleAccepts(t, signed, nsProtocol+":Response", signedXPath) {
			t.Fatalf("seed %d: xmlsec1 has another canonical form of\n%s", seed, doc)
		}
	}
}
