package saml

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"slices"
	"time"

	"crypto/x509/pkix"

	"gatehouse/internal/fault"
)

// Sign puts an enveloped RSA-SHA256 signature over the element of doc whose ID attribute is id, with exclusive
// canonicalization, and returns the document with the Signature element added; every other byte stays as it was.
//
// The Signature stands after the element's Issuer when that is its first child, else as first child, as the
// schemas of assertions, protocol messages and metadata demand. It is written without a prefix, as Entra ID does. To sign
// an assertion and the response around it, sign the assertion first. key must be an RSA key and cert its
// certificate. A document that [Verify]'s reader would refuse is refused here too, as a fault of kind Internal:
// it is the caller's own making.
//
// Source: SAML 2.0 Core §5.4; XML Signature §4.
func Sign(doc []byte, id string, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok || !public.Equal(cert.PublicKey) {
		return nil, fault.New(fault.Internal, "sign: the key is not RSA or does not belong to the certificate")
	}
	root, err := scan(doc)
	if err != nil {
		return nil, fault.New(fault.Internal, "sign: the document is refused").Because(err)
	}
	signed, err := elementByID(root, id)
	if err != nil {
		return nil, err
	}
	signature, err := signatureOver(signed, id, key, cert)
	if err != nil {
		return nil, err
	}
	at := signed.content
	if first := firstElement(signed); first != nil && first.is(nsAssertion, "Issuer") {
		at = first.end
	}
	return slices.Concat(doc[:at], signature, doc[at:]), nil
}

// elementByID finds the only element with the given ID that can hold a signature.
func elementByID(root *element, id string) (*element, error) {
	var found []*element
	root.walk(func(e *element) {
		if v, has := e.attr("ID"); has && v == id {
			found = append(found, e)
		}
	})
	if len(found) != 1 || id == "" {
		return nil, fault.New(fault.Internal, "sign: %d elements have the ID to sign, want one", len(found))
	}
	if len(found[0].children) == 0 {
		return nil, fault.New(fault.Internal, "sign: the element to sign is empty")
	}
	if len(found[0].all(nsSignature, "Signature")) != 0 {
		return nil, fault.New(fault.Internal, "sign: the element is signed already")
	}
	return found[0], nil
}

func firstElement(e *element) *element {
	for _, c := range e.children {
		if c.elem != nil {
			return c.elem
		}
	}
	return nil
}

// signatureOver returns the Signature element for signed.
func signatureOver(signed *element, id string, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	digested, err := canonicalization{}.canonical(signed, nil)
	if err != nil {
		return nil, fault.New(fault.Internal, "sign: the document is refused").Because(err)
	}
	digest := sha256.Sum256(digested)
	var b bytes.Buffer
	b.WriteString(`<SignedInfo xmlns="` + nsSignature + `"><CanonicalizationMethod Algorithm="` + algExclusive + `"></CanonicalizationMethod>` +
		`<SignatureMethod Algorithm="` + algRSASHA256 + `"></SignatureMethod><Reference URI="#`)
	escapeInto(&b, id)
	b.WriteString(`"><Transforms><Transform Algorithm="` + algEnveloped + `"></Transform><Transform Algorithm="` + algExclusive + `"></Transform></Transforms>` +
		`<DigestMethod Algorithm="` + algSHA256 + `"></DigestMethod><DigestValue>` + base64.StdEncoding.EncodeToString(digest[:]) +
		`</DigestValue></Reference></SignedInfo>`)
	// The text above is already in canonical form: attributes ordered, no empty-element tags, the one namespace declared.
	signedInfo := b.Bytes()
	hash := sha256.Sum256(signedInfo)
	// PKCS #1 v1.5 signatures use no randomness (RFC 8017 §8.2.1).
	value, err := key.Sign(nil, hash[:], crypto.SHA256)
	if err != nil {
		return nil, fault.New(fault.Internal, "sign: the key cannot sign").Because(err)
	}
	var out bytes.Buffer
	out.WriteString(`<Signature xmlns="` + nsSignature + `">`)
	out.WriteString(`<SignedInfo>`)
	out.Write(signedInfo[len(`<SignedInfo xmlns="`+nsSignature+`">`):])
	out.WriteString(`<SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</SignatureValue><KeyInfo><X509Data><X509Certificate>` +
		base64.StdEncoding.EncodeToString(cert.Raw) + `</X509Certificate></X509Data></KeyInfo></Signature>`)
	return out.Bytes(), nil
}

// escapeInto writes s as the value of a double-quoted attribute or as character data.
func escapeInto(b *bytes.Buffer, s string) {
	w := canonicalWriter{}
	w.escape(s, true)
	b.Write(bytes.ReplaceAll(w.buf.Bytes(), []byte(">"), []byte("&gt;")))
}

// CertificateSpec is what a self-signed certificate says.
type CertificateSpec struct {
	// CommonName is the subject and the issuer. Entra ID writes "Microsoft Azure Federated SSO Certificate".
	CommonName string
	// NotBefore and NotAfter bound its validity. Nobody trusts it for these: identity providers' certificates are
	// pinned, and their dates are shown to administrators.
	NotBefore, NotAfter time.Time
}

// SelfSign makes a self-signed certificate for a signing key. random gives the serial number and whatever the key's
// signature algorithm needs.
func SelfSign(random io.Reader, key crypto.Signer, spec CertificateSpec) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := io.ReadFull(random, serial); err != nil {
		return nil, fault.New(fault.Internal, "certificate: no randomness").Because(err)
	}
	serial[0] = serial[0]&0x3F | 0x40 // positive, and always 16 bytes long
	name := pkix.Name{CommonName: spec.CommonName}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      name,
		Issuer:       name,
		NotBefore:    spec.NotBefore.UTC(),
		NotAfter:     spec.NotAfter.UTC(),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(random, template, template, key.Public(), key)
	if err != nil {
		return nil, fault.New(fault.Internal, "certificate: cannot be made").Because(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.New(fault.Internal, "certificate: cannot be read back").Because(err)
	}
	return cert, nil
}
