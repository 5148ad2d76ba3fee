package saml

import (
	"bytes"
	"encoding/pem"
	"encoding/xml"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The differential oracle: whatever Verify accepts, xmlsec1 must verify with the same key, and what Verify read must be in the bytes that
// xmlsec1 says it digested, as a third reader, encoding/xml, finds it there.

// plan is how a signed response is changed: three bytes make a step, which picks a place, a piece and what to do with it. Most
// plans leave something that is refused; those that do not are what the oracle is for.
type plan []byte

// pieces that another reader could see otherwise, or not at all.
var snippets = []string{
	" ", "\n", "\r\n", "\t", `<samlp:Extensions><x xmlns="urn:x"/></samlp:Extensions>`, `<Advice/>`, `<x xmlns=""/>`, ` xmlns:q="urn:q"`, ` xmlns:q="urn:q" q:ID="_evil"`, ` xml:lang="en"`, ` xml:space="preserve"`,
	` Consent="urn:c"`, ` ID="_x"`, ` xmlns:samlp="urn:evil"`, ` xmlns="urn:evil"`, `<!-- -->`, `<?x y?>`, `<![CDATA[x]]>`, `&#32;`, `&amp;`, `&lt;`, `&#x61;`, "\u00a0", "\u0300",
	`<Object/>`, `<KeyName>k</KeyName>`, `<NameID>root@contoso.example</NameID>`, `<Transform Algorithm="` + algExclusive + `"/>`, `"`, `'`, `/`, `>`, `<`, `=`, `:`, `xmlns:`, `samlp:`,
}

// apply carries the plan out on doc.
func (p plan) apply(doc string) string {
	for i := 0; i+3 <= len(p) && i < 36; i += 3 {
		var at []int
		for j := range len(doc) {
			if c := doc[j]; c == '<' || c == '>' || c == '"' || c == ' ' || c == '=' {
				at = append(at, j, j+1)
			}
		}
		if len(at) == 0 {
			return doc
		}
		here, there := at[(int(p[i])*len(at)/256)%len(at)], at[(int(p[i+2])*len(at)/256)%len(at)]
		from, to := min(here, there), max(here, there)
		switch what := int(p[i+1]); what % 6 {
		case 0, 1:
			doc = doc[:here] + snippets[(what/6)%len(snippets)] + doc[here:]
		case 2:
			doc = doc[:from] + doc[to:]
		case 3:
			doc = doc[:to] + doc[from:to] + doc[to:]
		case 4:
			doc = strings.Replace(doc, "'", "\"", 1)
			if q := strings.IndexByte(doc[here:], '"'); q >= 0 { // a value in the other quotes
				if end := strings.IndexByte(doc[here+q+1:], '"'); end >= 0 {
					doc = doc[:here+q] + "'" + doc[here+q+1:here+q+1+end] + "'" + doc[here+q+2+end:]
				}
			}
		case 5:
			doc = doc[:from] + snippets[(what/6)%len(snippets)] + doc[to:]
		}
		if len(doc) > 32<<10 {
			return doc
		}
	}
	return doc
}

// said is what a third reader finds in digested bytes.
type said struct {
	ID      string `xml:"ID,attr"`
	Issuer  string `xml:"Issuer"`
	Subject struct {
		NameID       string `xml:"NameID"`
		Confirmation struct {
			Data struct {
				InResponseTo string `xml:"InResponseTo,attr"`
				Recipient    string `xml:"Recipient,attr"`
			} `xml:"SubjectConfirmationData"`
		} `xml:"SubjectConfirmation"`
	} `xml:"Subject"`
	Conditions struct {
		Audience []string `xml:"AudienceRestriction>Audience"`
	} `xml:"Conditions"`
	Attributes []struct {
		Name   string   `xml:"Name,attr"`
		Values []string `xml:"AttributeValue"`
	} `xml:"AttributeStatement>Attribute"`
	AuthnStatement struct {
		SessionIndex string `xml:"SessionIndex,attr"`
	} `xml:"AuthnStatement"`
}

// agrees holds an accepted response against xmlsec1.
func agrees(t *testing.T, doc []byte, got Assertion) {
	t.Helper()
	root, err := scan(doc)
	if err != nil {
		t.Fatalf("accepted, but not scanned: %v", err)
	}
	assertion, _ := root.one(nsAssertion, "Assertion")
	confirmed := false
	for _, where := range []struct {
		parent *element
		xpath  string
	}{{assertion, "/*/*[local-name()='Assertion']/*[local-name()='Signature' and namespace-uri()='" + nsSignature + "']"}, {root, "/*/*[local-name()='Signature' and namespace-uri()='" + nsSignature + "']"}} {
		if sig, err := signatureIn(where.parent); err != nil || sig == nil {
			continue
		}
		digested := digestedByXmlsec(t, doc, where.xpath)
		if digested == nil {
			t.Errorf("xmlsec1 refuses what was accepted:\n%s", doc)
			return
		}
		var s said
		if where.parent == root {
			var response struct {
				Assertions []said `xml:"Assertion"`
			}
			if err := xml.Unmarshal(digested, &response); err != nil || len(response.Assertions) != 1 {
				t.Errorf("the digested response has %d assertions, %v:\n%s", len(response.Assertions), err, digested)
				return
			}
			s = response.Assertions[0]
		} else if err := xml.Unmarshal(digested, &s); err != nil {
			t.Errorf("the digested assertion: %v:\n%s", err, digested)
			return
		}
		if s.Subject.NameID != got.NameID || s.ID != got.ID || s.Issuer != got.Issuer || s.Subject.Confirmation.Data.Recipient != got.Recipient || s.AuthnStatement.SessionIndex != got.SessionIndex ||
			s.Subject.Confirmation.Data.InResponseTo != got.InResponseTo || !slices.Contains(s.Conditions.Audience, got.Audience) || len(s.Attributes) != len(got.Attributes) {
			t.Errorf("read\n%+v\nbut digested was\n%+v", got, s)
			return
		}
		for i, a := range s.Attributes {
			if a.Name != got.Attributes[i].Name || !slices.Equal(a.Values, got.Attributes[i].Values) {
				t.Errorf("read attribute %+v, but digested was %+v", got.Attributes[i], a)
			}
		}
		confirmed = true
	}
	if !confirmed {
		t.Errorf("accepted without a signature:\n%s", doc)
	}
}

// digestedByXmlsec returns the bytes that xmlsec1 digested for the signature at xpath, or nil when it refuses the signature.
func digestedByXmlsec(t *testing.T, doc []byte, xpath string) []byte {
	t.Helper()
	dir := t.TempDir()
	in, cert := filepath.Join(dir, "in.xml"), filepath.Join(dir, "cert.pem")
	if err := os.WriteFile(in, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idpKey().cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(xmlsecPath(), "--verify", "--pubkey-cert-pem", cert, "--enabled-key-data", "rsa", "--store-references", "--print-debug",
		"--id-attr:ID", nsAssertion+":Assertion", "--id-attr:ID", nsProtocol+":Response", "--node-xpath", xpath, in).CombinedOutput()
	if err != nil {
		t.Logf("xmlsec1: %v: %s", err, out)
		return nil
	}
	_, after, found := bytes.Cut(out, []byte("== PreDigest data - start buffer:\n"))
	digested, _, ended := bytes.Cut(after, []byte("\n== PreDigest data - end buffer"))
	if !found || !ended {
		t.Fatalf("xmlsec1 does not say what it digested:\n%s", out)
	}
	return digested
}

// planned returns the response that a fuzzing input stands for: the plan on one of the three signed ones, or the document as it is.
func planned(variants []string, which byte, p plan, doc []byte) []byte {
	if int(which) < 2*len(variants) {
		return []byte(p.apply(variants[int(which)%len(variants)]))
	}
	return doc
}

func signedInOrder(t testing.TB) []string {
	v := signedVariants(t)
	return []string{v["assertion"], v["response"], v["both"]}
}

// TestAcceptedResponsesAgreeWithXmlsec runs the oracle over sixty changed responses that are accepted.
//
// Attack classes 1, 5 and 20.
func TestAcceptedResponsesAgreeWithXmlsec(t *testing.T) {
	t.Parallel()
	if testing.Short() || xmlsecPath() == "" {
		t.Skip("needs xmlsec1 (Debian: apt-get install xmlsec1) and some seconds")
	}
	variants, random := signedInOrder(t), rand.New(rand.NewPCG(1, 2))
	params := testParams()
	accepted := map[string]bool{}
	for n := 0; n < 400_000 && len(accepted) < 60; n++ {
		p := make(plan, 3*(1+random.IntN(3)))
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		doc := planned(variants, byte(n%3), p, nil)
		got, err := Verify(doc, params)
		if err != nil || accepted[string(doc)] {
			continue
		}
		accepted[string(doc)] = true
		agrees(t, doc, got)
	}
	if len(accepted) < 60 {
		t.Errorf("only %d changed responses were accepted: the oracle had little to say", len(accepted))
	}
	if changed := strings.Replace(variants[0], "anna@", "root@", 1); digestedByXmlsec(t, []byte(changed), "/*/*[local-name()='Assertion']/*[local-name()='Signature']") != nil {
		t.Error("xmlsec1 accepts a changed response: the oracle proves nothing")
	}
}

// FuzzVerifyAgainstXmlsec looks for a response that Verify accepts and xmlsec1 does not, or reads otherwise.
func FuzzVerifyAgainstXmlsec(f *testing.F) {
	if testing.Short() || xmlsecPath() == "" {
		f.Skip("needs xmlsec1 (Debian: apt-get install xmlsec1)")
	}
	variants := signedInOrder(f)
	for i, v := range variants {
		f.Add(byte(i), []byte{1, 0, 1}, []byte(nil))
		f.Add(byte(i), []byte{120, 7 * 6, 9, 200, 4, 3}, []byte(nil))
		f.Add(byte(255), []byte(nil), []byte(v))
	}
	params := testParams()
	params.Certificates = params.Certificates[1:] // the stored key's, so that what is found stays found
	f.Fuzz(func(t *testing.T, which byte, p, doc []byte) {
		doc = planned(variants, which, p, doc)
		if slices.Contains(variants, string(doc)) {
			return
		}
		if got, err := Verify(doc, params); err == nil {
			agrees(t, doc, got)
		}
	})
}
