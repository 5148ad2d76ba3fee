package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the algorithms below
	_ "crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"unicode/utf8"
)

// signatureAlgorithm is one that may sign. There is no SHA-1, because collisions are within reach; and no HMAC, because
// its key would be whatever the verifier has, which is a public certificate.
type signatureAlgorithm struct {
	hash     crypto.Hash
	elliptic bool
}

// signatureAlgorithms is the allow-list (RFC 6931 §2.3.2 to §2.3.6).
func signatureAlgorithms(uri string) (signatureAlgorithm, bool) {
	switch uri {
	case algRSASHA256:
		return signatureAlgorithm{hash: crypto.SHA256}, true
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":
		return signatureAlgorithm{hash: crypto.SHA384}, true
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":
		return signatureAlgorithm{hash: crypto.SHA512}, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256":
		return signatureAlgorithm{hash: crypto.SHA256, elliptic: true}, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384":
		return signatureAlgorithm{hash: crypto.SHA384, elliptic: true}, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512":
		return signatureAlgorithm{hash: crypto.SHA512, elliptic: true}, true
	}
	return signatureAlgorithm{}, false
}

// digestAlgorithms is the allow-list of digests (XML Encryption §5.7, RFC 6931 §2.1.3).
func digestAlgorithms(uri string) (crypto.Hash, bool) {
	switch uri {
	case algSHA256:
		return crypto.SHA256, true
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384, true
	case "http://www.w3.org/2001/04/xmlenc#sha512":
		return crypto.SHA512, true
	}
	return 0, false
}

// minRSABits is the smallest RSA key that is trusted.
const minRSABits = 2048

// verifySignature checks the Signature sig, which stands directly in signed, and returns signed parsed again from
// the very bytes that were digested. Callers must read from the result only.
//
// The order is that of XML Signature §3.2 turned safe: the shape first, then the signature over SignedInfo with the
// pinned certificates, then the one reference. What SignedInfo says about the reference is read from the bytes that
// the signature covers.
func verifySignature(signed, sig *element, certificates []*x509.Certificate) (*element, error) {
	parts, ok := exactly(sig, "SignedInfo", "SignatureValue")
	if !ok {
		return nil, refuse("signature-shape", "The signature has parts that are not allowed or lacks some.")
	}
	info, value := parts[0], parts[1]
	covered, algorithm, err := signedInfo(info)
	if err != nil {
		return nil, err
	}
	signature, ok := base64Text(value)
	if !ok {
		return nil, refuse("signature-shape", "The signature value is not base64.")
	}
	if err := checkKey(algorithm, covered, signature, certificates); err != nil {
		return nil, err
	}
	trusted, err := scan(covered)
	if err != nil {
		return nil, refuse("signature-shape", "The canonical form of the signature is not acceptable XML: %v.", err)
	}
	reference, ok := trusted.one(nsSignature, "Reference")
	if !ok {
		return nil, refuse("signature-shape", "The signature does not have exactly one reference.")
	}
	return checkReference(signed, sig, reference)
}

// exactly returns the children of e, which must be the named elements of the XML Signature namespace in this order and
// nothing else, but for one KeyInfo at the end. KeyInfo is never read: a key that comes with a message proves nothing.
func exactly(e *element, names ...string) ([]*element, bool) {
	var parts []*element
	for _, c := range e.children {
		if c.elem == nil {
			continue
		}
		switch {
		case c.elem.space != nsSignature:
			return nil, false
		case len(parts) < len(names) && c.elem.local == names[len(parts)]:
		case len(parts) == len(names) && c.elem.local == "KeyInfo" && e.local == "Signature":
		default:
			return nil, false
		}
		parts = append(parts, c.elem)
	}
	return parts, len(parts) >= len(names) && e.elementsOnly()
}

// maxSignedInfo is how many elements SignedInfo may have, itself included; with all that is accepted it has eleven.
const maxSignedInfo = 32

// signedInfo checks SignedInfo's shape and returns its canonical form and the signature algorithm.
func signedInfo(info *element) ([]byte, signatureAlgorithm, error) {
	parts, ok := exactly(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if !ok {
		return nil, signatureAlgorithm{}, refuse("signature-shape", "The signature does not have exactly one reference and its two methods.")
	}
	// Nothing is signed yet, and canonicalization is the dearest step: thousands of elements in here, with dozens of
	// namespaces, would cost anybody's request a tenth of a second.
	elements := 0
	info.walk(func(*element) { elements++ })
	if elements > maxSignedInfo {
		return nil, signatureAlgorithm{}, refuse("signature-shape", "The signature's SignedInfo has more parts than a signature needs.")
	}
	rules, ok := canonicalizationOf(parts[0])
	if !ok {
		return nil, signatureAlgorithm{}, refuse("canonicalization", "The signature's canonicalization method is not accepted; exclusive canonicalization without comments is.")
	}
	algorithm, ok := signatureAlgorithms(parts[1].value("Algorithm"))
	if !ok || len(parts[1].children) != 0 {
		return nil, signatureAlgorithm{}, refuse("signature-algorithm", "The signature algorithm is not accepted. Set the identity provider to RSA or ECDSA with SHA-256 or better.")
	}
	covered, err := rules.canonical(info, nil)
	if err != nil {
		return nil, signatureAlgorithm{}, refuse("signature-shape", "The signature's canonical form is too large.")
	}
	return covered, algorithm, nil
}

// canonicalizationOf reads CanonicalizationMethod or an exclusive-canonicalization Transform.
func canonicalizationOf(method *element) (canonicalization, bool) {
	switch method.value("Algorithm") {
	case algInclusive:
		return canonicalization{inclusive: true}, len(method.children) == 0
	case algExclusive:
	default:
		return canonicalization{}, false
	}
	var c canonicalization
	list, has := method.one(nsExclusive, "InclusiveNamespaces")
	if !has {
		return c, len(method.children) == 0
	}
	for _, child := range method.children {
		if child.elem != nil && child.elem != list {
			return c, false
		}
	}
	if len(list.children) != 0 || !method.elementsOnly() {
		return c, false
	}
	c.prefixes = xmlFields(list.value("PrefixList"))
	for i, p := range c.prefixes {
		if p == "#default" {
			c.prefixes[i] = ""
		}
	}
	return c, len(c.prefixes) <= 32
}

// checkKey verifies the signature over covered with any of the pinned certificates whose key fits the algorithm.
func checkKey(a signatureAlgorithm, covered, signature []byte, certificates []*x509.Certificate) error {
	h := a.hash.New()
	h.Write(covered)
	digest := h.Sum(nil)
	fits := false
	for _, cert := range certificates {
		switch key := cert.PublicKey.(type) {
		case *rsa.PublicKey:
			if a.elliptic || key.N.BitLen() < minRSABits {
				continue
			}
			fits = true
			if rsa.VerifyPKCS1v15(key, a.hash, digest, signature) == nil {
				return nil
			}
		case *ecdsa.PublicKey:
			if !a.elliptic {
				continue
			}
			fits = true
			if verifyECDSA(key, digest, signature) {
				return nil
			}
		}
	}
	if !fits {
		return refuse("certificate", "None of the identity provider's certificates has a key for the algorithm of the signature (RSA keys need 2048 bits).")
	}
	return refuse("signature", "The signature was not made with one of the identity provider's certificates, or was changed on its way. If the provider has a new certificate, bring in its metadata again.")
}

// verifyECDSA checks a signature that is r and s side by side, each as long as the order of the curve (RFC 6931 §2.3.6).
func verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte) bool {
	size := (key.Curve.Params().N.BitLen() + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(key, digest, r, s)
}

// checkReference checks that reference speaks of signed, digests it, compares, and parses what was digested.
func checkReference(signed, sig, reference *element) (*element, error) {
	id := signed.value("ID")
	if uri, has := reference.attr("URI"); !has || id == "" || uri != "#"+id {
		return nil, refuse("reference", "The signature does not refer to the element it stands in.")
	}
	parts, ok := exactly(reference, "Transforms", "DigestMethod", "DigestValue")
	if !ok {
		return nil, refuse("signature-shape", "The signature's reference has parts that are not allowed or lacks some.")
	}
	rules, ok := transforms(parts[0])
	if !ok {
		return nil, refuse("transforms", "The signature's transforms are not the two that are accepted: enveloped signature, then exclusive canonicalization.")
	}
	hash, ok := digestAlgorithms(parts[1].value("Algorithm"))
	if !ok || len(parts[1].children) != 0 {
		return nil, refuse("digest-algorithm", "The digest algorithm is not accepted. Set the identity provider to SHA-256 or better.")
	}
	want, ok := base64Text(parts[2])
	if !ok {
		return nil, refuse("signature-shape", "The digest value is not base64.")
	}
	digested, err := rules.canonical(signed, sig)
	if err != nil {
		return nil, refuse("digest", "The canonical form of the signed element is too large.")
	}
	h := hash.New()
	h.Write(digested)
	if subtle.ConstantTimeCompare(h.Sum(nil), want) != 1 {
		return nil, refuse("digest", "The signed part was changed after it was signed.")
	}
	again, err := scan(digested)
	if err != nil || again.local != signed.local || again.space != signed.space {
		return nil, refuse("digest", "The signed bytes are not the element that was signed.")
	}
	return again, nil
}

// transforms accepts exactly the enveloped-signature transform followed by exclusive canonicalization, as SAML 2.0
// Core §5.4.4 demands; there is no XSLT and no XPath.
func transforms(list *element) (canonicalization, bool) {
	parts, ok := exactly(list, "Transform", "Transform")
	if !ok || parts[0].value("Algorithm") != algEnveloped || len(parts[0].children) != 0 {
		return canonicalization{}, false
	}
	rules, ok := canonicalizationOf(parts[1])
	return rules, ok && !rules.inclusive
}

// xmlFields splits at what XML takes for white space, and nothing else: a no-break space is none.
func xmlFields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r < utf8.RuneSelf && isSpace(byte(r)) })
}

// base64Text decodes the text of an element. White space is allowed, as XML Schema's base64Binary allows it.
func base64Text(e *element) ([]byte, bool) {
	text, ok := e.text()
	if !ok {
		return nil, false
	}
	data, err := base64.StdEncoding.Strict().DecodeString(strings.Join(xmlFields(text), ""))
	return data, err == nil && len(data) > 0
}
