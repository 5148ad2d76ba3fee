package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestScanAccepts(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, doc, canonical string }{
		{"empty element", `<a/>`, `<a></a>`},
		{"attributes and quotes", `<a  c = 'x"y' b="x'y" />`, `<a b="x'y" c="x&quot;y"></a>`},
		{"references (XML 1.0 §4.1, §4.6)", `<a b="&#65;&#x41;&amp;&lt;&gt;&quot;&apos;">&#65;&#x1F600;&amp;&lt;&gt;&quot;&apos;</a>`, `<a b="AA&amp;&lt;>&quot;'">A😀&amp;&lt;&gt;"'</a>`},
		{"line ends in text (XML 1.0 §2.11)", "<a>1\r\n2\r3\n4&#13;</a>", "<a>1\n2\n3\n4&#xD;</a>"},
		{"white space in attributes (XML 1.0 §3.3.3)", "<a b='1\r\n2\r3\n4\t5&#13;&#10;&#9;'/>", "<a b=\"1 2 3 4 5&#xD;&#xA;&#x9;\"></a>"},
		{"declaration and byte order mark", "\uFEFF<?xml version='1.0' encoding='UTF-8' standalone=\"no\" ?>\n<a/>\n", `<a></a>`},
		{"declaration without encoding", `<?xml version="1.0"?><a/>`, `<a></a>`},
		{"brackets in text", `<a>]] ></a>`, `<a>]] &gt;</a>`},
		{"default namespace undeclared", `<a xmlns="urn:a"><b xmlns=""><c xmlns="urn:a"/></b></a>`, `<a xmlns="urn:a"><b xmlns=""><c xmlns="urn:a"></c></b></a>`},
		{"prefix redeclared", `<p:a xmlns:p="urn:a"><p:b xmlns:p="urn:b"/></p:a>`, `<p:a xmlns:p="urn:a"><p:b xmlns:p="urn:b"></p:b></p:a>`},
		{"unused declarations are left out (exc-c14n §3)", `<a xmlns:u="urn:u" xmlns="urn:a"><u:b xmlns:u="urn:v"/></a>`, `<a xmlns="urn:a"><u:b xmlns:u="urn:v"></u:b></a>`},
		{"attribute order (c14n §2.2)", `<a xmlns:y="urn:1" xmlns:x="urn:2" x:b="1" y:c="2" c="3" a="4" xml:lang="de"/>`, `<a xmlns:x="urn:2" xmlns:y="urn:1" a="4" c="3" xml:lang="de" y:c="2" x:b="1"></a>`},
		{"space in an end tag", "<a>x</a >", "<a>x</a>"},
	}
	for _, tt := range tests {
		root, err := scan([]byte(tt.doc))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got, err := canonicalization{}.canonical(root, nil)
		if err != nil || string(got) != tt.canonical {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.canonical)
		}
	}
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ doc, slug string }{
		{"", "no-root-element"}, {"x", "no-root-element"}, {"<", "bad-name"}, {"<a", "bad-start-tag"}, {"<a>", "document-ends-early"}, {"<a></b>", "mismatched-end-tag"},
		{"</a>", "mismatched-end-tag"}, {"<a></a", "mismatched-end-tag"}, {"<a/><b/>", "content-after-root"}, {"<a/>x", "content-after-root"}, {"<a/></a>", "content-after-root"},
		{"<a><b></a></b>", "mismatched-end-tag"}, {"<p:a xmlns:p='urn:a'></a>", "mismatched-end-tag"}, {"<p:a xmlns:p='urn:a' xmlns:q='urn:a'></q:a>", "mismatched-end-tag"},
		{"<1/>", "bad-name"}, {"<:a/>", "bad-name"}, {"<a:/>", "bad-name"}, {"<a:b:c/>", "bad-start-tag"}, {"<ä/>", "bad-name"}, {"< a/>", "bad-name"}, {"<a / >", "bad-start-tag"},
		{"<a b/>", "bad-attribute"}, {"<a b=c/>", "bad-attribute"}, {"<a b='c/>", "document-ends-early"}, {"<a b='<'/>", "bad-attribute"}, {"<a b='1'c='2'/>", "bad-start-tag"},
		{"<a b='1' b='2'/>", "duplicate-attribute"}, {"<a :b='1'/>", "bad-name"}, {"<a xmlns='urn:a' xmlns='urn:a'/>", "duplicate-namespace-declaration"},
		{"<a xmlns:p='urn:a' xmlns:q='urn:a' p:b='' q:b=''/>", "duplicate-attribute"}, {"<p:a/>", "undeclared-prefix"}, {"<a p:b=''/>", "undeclared-prefix"},
		{"<a><b xmlns:p='urn:a'/><p:c/></a>", "undeclared-prefix"}, {"<a xmlns:p=''/>", "reserved-namespace"}, {"<a xmlns:xml='" + xmlNamespace + "'/>", "reserved-namespace"},
		{"<a xmlns:xmlns='urn:a'/>", "reserved-namespace"}, {"<a xmlns='" + xmlnsNamespace + "'/>", "reserved-namespace"}, {"<xmlns:a/>", "undeclared-prefix"},
		{"<a xmlns='rel'/>", "relative-namespace"}, {"<a xmlns='#x'/>", "relative-namespace"}, {"<a xmlns=':x'/>", "relative-namespace"}, {"<a xmlns='1x:y'/>", "relative-namespace"},
		{"<a xmlns='urn:a b'/>", "bad-namespace"}, {"<a xmlns='urn:ä'/>", "bad-namespace"},
		{"<a xmlns='urn:a?b&amp;c'/>", "bad-namespace"}, {"<a xmlns='urn:&#x22;'/>", "bad-namespace"}, {"<a xmlns:p='urn:&lt;'/>", "bad-namespace"}, {"<a xmlns='urn:" + strings.Repeat("x", 600) + "'/>", "namespace-too-long"},
		{"<a>&x;</a>", "bad-reference"}, {"<a>&</a>", "bad-reference"}, {"<a>&;</a>", "bad-reference"}, {"<a>&#;</a>", "bad-reference"}, {"<a>&#x;</a>", "bad-reference"}, {"<a>&#0;</a>", "bad-reference"},
		{"<a>&#xD800;</a>", "bad-reference"}, {"<a>&#xFFFE;</a>", "bad-reference"}, {"<a>&#x110000;</a>", "bad-reference"}, {"<a>&#-1;</a>", "bad-reference"}, {"<a>&#X41;</a>", "bad-reference"},
		{"<a>&#1_0;</a>", "bad-reference"}, {"<a>&#0000000000065;</a>", "bad-reference"}, {"<a>&amp</a>", "bad-reference"}, {"<a b='&lt'/>", "bad-reference"}, {"<a>]]></a>", "bad-character-data"},
		{"<!-- --><a/>", "comment"}, {"<a><!-- --></a>", "comment"}, {"<a/><!-- -->", "comment"}, {"<?x?><a/>", "processing-instruction"}, {"<a><?x?></a>", "processing-instruction"},
		{"<a><![CDATA[x]]></a>", "cdata-section"}, {"<!DOCTYPE a><a/>", "document-type-declaration"}, {"<a><!ELEMENT a ANY></a>", "document-type-declaration"},
		{" <?xml version='1.0'?><a/>", "processing-instruction"}, {"<a/><?xml version='1.0'?>", "processing-instruction"}, {"<?xml version='1.1'?><a/>", "bad-xml-declaration"}, {"<?xml ?><a/>", "bad-xml-declaration"},
		{"<?xml version='1.0' encoding='latin1'?><a/>", "bad-xml-declaration"}, {"<?xml version='1.0' standalone='maybe'?><a/>", "bad-xml-declaration"}, {"<?xml encoding='utf-8'?><a/>", "bad-xml-declaration"},
		{"<?xml version='1.0' version='1.0'?><a/>", "bad-xml-declaration"}, {"<?xml version='1.0'encoding='utf-8'?><a/>", "bad-xml-declaration"}, {"<?xml version='1.0'", "bad-xml-declaration"},
		{"<a>\x00</a>", "bad-character"}, {"<a>\x0b</a>", "bad-character"}, {"<a>\xc3</a>", "bad-character"}, {"<a>\xed\xa0\x80</a>", "bad-character"}, {"<a>\uFFFE</a>", "bad-character"}, {"<a/>\uFEFF", "content-after-root"},
		{strings.Repeat("<a>", maxDepth+1), "too-deep"}, {"<a>" + strings.Repeat("<b/>", maxElements), "too-many-elements"}, {strings.Repeat(" ", maxDocument+1), "document-too-large"},
	}
	for _, tt := range tests {
		_, err := scan([]byte(tt.doc))
		var refused *scanError
		if !errors.As(err, &refused) || refused.slug != tt.slug {
			t.Errorf("%.80q: got %v, want %s", tt.doc, err, tt.slug)
		}
	}
	var many strings.Builder
	for i := range maxDeclarations/8 + 1 {
		many.WriteString("<a")
		for j := range 8 {
			many.WriteString(" xmlns:p" + strings.Repeat("i", i) + strings.Repeat("j", j) + "='urn:a'")
		}
		many.WriteString(">")
	}
	if _, err := scan([]byte(many.String())); err == nil || !strings.HasPrefix(err.Error(), "too-many-namespaces") {
		t.Errorf("got %v, want too-many-namespaces", err)
	}
}

func TestScanMetadataLeavesOutComments(t *testing.T) {
	t.Parallel()
	root, err := scanMetadata([]byte("<?xml version='1.0'?><!-- a - b --><?style x?><a>x<!-- <b/> -->y<?p?>z</a><!-- --><?q?>\n"))
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := root.text(); !ok || text != "xyz" {
		t.Errorf("got %q, %v: text on both sides of a comment is one text", text, ok)
	}
	for _, doc := range []string{"<a><!-- -- --></a>", "<a><!-- --->x</a>", "<a><!-- </a>", "<a><?x </a>", "<a><![CDATA[x]]></a>", "<!DOCTYPE a><a/>"} {
		if _, err := scanMetadata([]byte(doc)); err == nil {
			t.Errorf("%q was accepted", doc)
		}
	}
}

// FuzzScan: what the scanner accepts, encoding/xml accepts with the same elements and text; its canonical form is a fixed point.
func FuzzScan(f *testing.F) {
	f.Add([]byte(entraResponse))
	f.Add([]byte("\uFEFF<?xml version='1.0'?><p:a xmlns:p='urn:a' p:b=' &#9;\r\n' c=\"&amp;\">x&#xD;y\r<b xmlns='urn:b'/></p:a>\n"))
	f.Add([]byte("<a>]]</a>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		root, err := scan(doc)
		if err != nil {
			return
		}
		got, want := outline(root), goOutline(t, doc)
		if got != want {
			t.Errorf("the scanner reads %q, encoding/xml reads %q", got, want)
		}
		first, err := canonicalization{}.canonical(root, nil)
		if err != nil {
			return
		}
		again, err := scan(first)
		if err != nil {
			t.Fatalf("the canonical form %q is refused: %v", first, err)
		}
		if second, err := (canonicalization{}).canonical(again, nil); err != nil || !bytes.Equal(first, second) {
			t.Errorf("canonical form %q of canonical form %q, %v", second, first, err)
		}
		if outline(again) != got {
			t.Errorf("the canonical form reads %q, the document %q", outline(again), got)
		}
	})
}

// outline lists elements with their namespaces and all text.
func outline(e *element) string {
	s := "(" + e.space + "|" + e.local
	for _, c := range e.children {
		if c.elem != nil {
			s += outline(c.elem)
		} else {
			s += c.text
		}
	}
	return s + ")"
}

func goOutline(t *testing.T, doc []byte) string {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(doc, []byte("\uFEFF"))))
	var s strings.Builder
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return s.String()
		}
		if err != nil {
			t.Fatalf("encoding/xml refuses what the scanner accepts: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			s.WriteString("(" + token.Name.Space + "|" + token.Name.Local)
		case xml.EndElement:
			depth--
			s.WriteString(")")
		case xml.CharData:
			if depth > 0 {
				s.Write(token)
			}
		}
	}
}
