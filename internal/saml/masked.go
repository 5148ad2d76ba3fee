package saml

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Texts and attributes that say how a message is made and nothing about a person. What is in neither list is masked.
var (
	plainTexts      = []string{"Issuer", "Audience", "AuthnContextClassRef", "AuthnContextDeclRef"}
	plainAttributes = []string{
		"ID", "Version", "IssueInstant", "Destination", "InResponseTo", "Recipient", "NotBefore", "NotOnOrAfter", "AuthnInstant", "SessionNotOnOrAfter", "SessionIndex",
		"Name", "NameFormat", "Format", "Method", "Algorithm", "URI", "Value", "Consent", "PrefixList", "Encoding", "AssertionConsumerServiceURL", "ProtocolBinding",
	}
)

// maxMasked is the largest result of Masked, in bytes.
const maxMasked = 32 << 10

// Masked writes a message for an administrator who wants to know why it was refused: indented, and with every value masked that
// could say something about a person. Of what looks like a mail address the first character and the domain are left, of other values their length, of
// certificates their fingerprint. It verifies nothing. ok is false when the message is not acceptable XML: nothing is shown of it then.
func Masked(message []byte) (text string, ok bool) {
	root, err := scan(message)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	maskElement(&b, root, 0)
	if b.Len() > maxMasked {
		return strings.ToValidUTF8(b.String()[:maxMasked], "") + "\n…", true
	}
	return b.String(), true
}

func maskElement(b *strings.Builder, e *element, depth int) {
	if b.Len() > maxMasked {
		return
	}
	name := e.local
	if e.prefix != "" {
		name = e.prefix + ":" + e.local
	}
	fmt.Fprintf(b, "%s<%s", strings.Repeat("  ", min(depth, maxDepth)), name)
	for _, d := range e.decls {
		if d.prefix == "" {
			fmt.Fprintf(b, " xmlns=%q", clipped(d.uri))
		} else {
			fmt.Fprintf(b, " xmlns:%s=%q", d.prefix, clipped(d.uri))
		}
	}
	for _, a := range e.attrs {
		value := maskValue(a.value)
		if a.space == "" && slices.Contains(plainAttributes, a.local) {
			value = clipped(a.value)
		}
		if a.prefix != "" {
			b.WriteString(" " + a.prefix + ":" + a.local)
		} else {
			b.WriteString(" " + a.local)
		}
		fmt.Fprintf(b, "=%q", value)
	}
	text, leaf := e.text()
	switch {
	case leaf && text == "":
		b.WriteString("/>\n")
	case leaf:
		fmt.Fprintf(b, ">%s</%s>\n", maskText(e, text), name)
	default:
		b.WriteString(">\n")
		for _, c := range e.children {
			if c.elem != nil {
				maskElement(b, c.elem, depth+1)
			} else if strings.TrimSpace(c.text) != "" {
				fmt.Fprintf(b, "%s%s\n", strings.Repeat("  ", min(depth+1, maxDepth)), maskValue(c.text))
			}
		}
		fmt.Fprintf(b, "%s</%s>\n", strings.Repeat("  ", min(depth, maxDepth)), name)
	}
}

func maskText(e *element, text string) string {
	switch {
	case e.space == nsAssertion && slices.Contains(plainTexts, e.local):
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(clipped(text))
	case e.is(nsProtocol, "StatusMessage"):
		return maskValue(text) + entraCode(text)
	case e.is(nsSignature, "X509Certificate"):
		if der, ok := base64Text(e); ok {
			return fmt.Sprintf("(certificate with the SHA-256 fingerprint %s)", Fingerprint(der))
		}
	case e.space == nsSignature:
		return fmt.Sprintf("(%d bytes)", base64.StdEncoding.DecodedLen(len(text)))
	}
	return maskValue(text)
}

// Fingerprint is SHA-256 of a certificate (DER), in hexadecimal digits: its name in diagnoses.
func Fingerprint(der []byte) string { return fmt.Sprintf("%x", sha256.Sum256(der)) }

// maskValue hides a value: "a…@contoso.example (20 characters)", or only how long it is, and whether there is white space around it.
func maskValue(s string) string {
	around := ""
	if s != strings.TrimSpace(s) {
		around = ", with white space around"
	}
	size := fmt.Sprintf("(%d characters%s)", utf8.RuneCountInString(s), around)
	local, domain, ok := strings.Cut(strings.TrimSpace(s), "@")
	if first, _ := utf8.DecodeRuneInString(local); ok && unicode.IsLetter(first) && len(domain) <= 100 && hostName(domain) {
		return string(first) + "…@" + domain + " " + size
	}
	return size
}

func hostName(s string) bool {
	return strings.Contains(s, ".") && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// clipped is a value that is shown, if it is not too long and has nothing invisible in it.
func clipped(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
	if utf8.RuneCountInString(s) > 256 {
		return string([]rune(s)[:256]) + "…"
	}
	return s
}
