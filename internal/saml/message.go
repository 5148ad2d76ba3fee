package saml

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// Field is the parameter that carries a message.
type Field string

// The fields of both bindings (SAML 2.0 Bindings §3.4.4.1, §3.5.4).
const (
	FieldRequest  Field = "SAMLRequest"
	FieldResponse Field = "SAMLResponse"
)

// Signer signs what the service provider sends: an RSA key and its certificate.
type Signer struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// Message is a protocol message as a binding delivered it. Nothing in it is believed before it has been verified.
type Message struct {
	// XML is the decoded document.
	XML []byte
	// RelayState is what came with it; at most 1,024 bytes.
	RelayState string

	// What the HTTP-Redirect binding signs: the octets of the query, by an algorithm.
	redirect  bool
	octets    []byte
	algorithm string
	signature []byte
}

// maxRelay is generous: the standard says 80 bytes (Bindings §3.4.3), and identity providers send more.
const maxRelay = 1024

// redirectParameters are those the HTTP-Redirect binding knows.
var redirectParameters = []string{string(FieldRequest), string(FieldResponse), "RelayState", "SigAlg", "Signature", "SAMLEncoding"}

// ReadRedirect reads the message in the field from a raw query of the HTTP-Redirect binding.
//
// A signature of that binding covers the octets of the query as they were sent, so they are taken as they are, and a query in which
// another reader could find other parameters than this one is refused: a parameter that comes twice, one whose name is written in
// percent signs or other case, a request beside a response (CVE-2025-27773). Faults are of kind Invalid with the reasons
// form, encoding and too-large.
//
// Source: SAML 2.0 Bindings §3.4.4.1.
func ReadRedirect(rawQuery string, field Field) (Message, error) {
	raw, err := parameters(rawQuery)
	if err != nil {
		return Message{}, err
	}
	other := FieldRequest
	if field == FieldRequest {
		other = FieldResponse
	}
	_, mixed := raw[string(other)]
	encoding, named := raw["SAMLEncoding"]
	if named {
		encoding, _ = url.QueryUnescape(encoding)
	}
	if _, there := raw[string(field)]; !there || mixed || named && encoding != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return Message{}, badQuery()
	}
	m := Message{redirect: true}
	value := func(name string) string {
		v, e := url.QueryUnescape(raw[name])
		if e != nil {
			err = badQuery()
		}
		return v
	}
	encoded, signature := value(string(field)), value("Signature")
	m.RelayState, m.algorithm = value("RelayState"), value("SigAlg")
	if err != nil {
		return Message{}, err
	}
	if len(m.RelayState) > maxRelay {
		return Message{}, badQuery()
	}
	if m.XML, err = InflateRedirect(encoded); err != nil {
		return Message{}, err
	}
	if signature != "" {
		if m.signature, err = base64.StdEncoding.Strict().DecodeString(signature); err != nil {
			return Message{}, notDecodable()
		}
	}
	m.octets = []byte(string(field) + "=" + raw[string(field)])
	for _, name := range []string{"RelayState", "SigAlg"} {
		if v, there := raw[name]; there {
			m.octets = append(m.octets, "&"+name+"="+v...)
		}
	}
	return m, nil
}

// parameters splits a raw query and returns the binding's parameters, still encoded.
func parameters(rawQuery string) (map[string]string, error) {
	if len(rawQuery) > maxRedirect || strings.Contains(rawQuery, ";") {
		return nil, badQuery()
	}
	raw := map[string]string{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			return nil, badQuery()
		}
		i := slices.IndexFunc(redirectParameters, func(p string) bool { return strings.EqualFold(p, strings.Trim(plain, " \t[]")) })
		if i < 0 {
			continue
		}
		if _, twice := raw[name]; twice || name != redirectParameters[i] {
			return nil, badQuery()
		}
		raw[name] = value
	}
	return raw, nil
}

func badQuery() error {
	return fault.New(fault.Invalid, "The address does not carry exactly one SAML message, each parameter once and under its own name.").For("form")
}

// ReadPost reads the message in the field from a form of the HTTP-POST binding. Faults are as for [ReadRedirect].
//
// Source: SAML 2.0 Bindings §3.5.4.
func ReadPost(form url.Values, field Field) (Message, error) {
	if len(form[string(FieldRequest)])+len(form[string(FieldResponse)]) != 1 || len(form[string(field)]) != 1 || len(form["RelayState"]) > 1 ||
		len(form.Get("RelayState")) > maxRelay {
		return Message{}, fault.New(fault.Invalid, "The form does not have exactly one %s and at most one RelayState.", field).For("form")
	}
	xml, err := DecodePost(form.Get(string(field)))
	return Message{XML: xml, RelayState: form.Get("RelayState")}, err
}

// verified returns the message's root, read from nothing but what a signature of one of the certificates covers.
func (m Message) verified(certificates []*x509.Certificate) (*element, error) {
	root, err := scan(m.XML)
	if err != nil {
		return nil, refuse("xml", "The SAML message is not acceptable XML: %v.", err)
	}
	if err := onlyOnce(root); err != nil {
		return nil, err
	}
	sig, err := signatureIn(root)
	if err != nil {
		return nil, err
	}
	if err := noOtherSignatures(root, sig); err != nil {
		return nil, err
	}
	switch {
	case !m.redirect && sig == nil, m.redirect && sig == nil && len(m.signature) == 0:
		return nil, refuse("unsigned", "The SAML message is not signed.")
	case !m.redirect:
		return verifySignature(root, sig, certificates)
	case sig != nil:
		// Bindings §3.4.4.1: what goes by redirect has its signature in the query, and none inside.
		return nil, refuse("signature-shape", "The SAML message came by redirect and has a signature inside.")
	}
	algorithm, ok := signatureAlgorithms(m.algorithm)
	if !ok {
		return nil, refuse("signature-algorithm", "The signature algorithm is not accepted. Set the identity provider to RSA or ECDSA with SHA-256 or better.")
	}
	return root, checkKey(algorithm, m.octets, m.signature, certificates)
}

// Peer is what verifying a message of the identity provider, other than a response with an assertion, must know. Every field is required.
type Peer struct {
	// Certificates and Issuer are as in [Params].
	Certificates []*x509.Certificate
	Issuer       string
	// Destination is the address of ours that took the message.
	Destination string
	Now         time.Time
}

// maxAge is how old a logout message may be: it is delivered at once, and must be remembered that long against replay.
const maxAge = 5 * time.Minute

// open verifies a message of the given kind and everything that all kinds have in common (Core §3.2). replayUntil is when it would be too
// old to be taken again.
func (m Message) open(kind string, p Peer) (root *element, replayUntil time.Time, err error) {
	if len(p.Certificates) == 0 || slices.Contains(p.Certificates, nil) || p.Issuer == "" || p.Destination == "" || p.Now.IsZero() {
		return nil, time.Time{}, fault.New(fault.Internal, "saml: a field of Peer is missing")
	}
	if root, err = m.verified(p.Certificates); err != nil {
		return nil, time.Time{}, err
	}
	if !root.is(nsProtocol, kind) || root.value("Version") != "2.0" || !messageID(root.value("ID")) || !root.elementsOnly() {
		return nil, time.Time{}, refuse("structure", "The message is not a SAML 2.0 %s.", kind)
	}
	if issuer, ok := root.one(nsAssertion, "Issuer"); !ok {
		return nil, time.Time{}, refuse("structure", "The message does not have exactly one issuer.")
	} else if text, ok := issuer.text(); !ok || text != p.Issuer {
		return nil, time.Time{}, wrongIssuer()
	}
	if root.value("Destination") != p.Destination {
		return nil, time.Time{}, refuse("destination", "The message was sent to another address. Compare the logout URL at the identity provider with this server's.")
	}
	issued, ok := parseInstant(root.value("IssueInstant"))
	switch {
	case !ok:
		return nil, time.Time{}, refuse("structure", "The message does not say when it was made.")
	case issued.After(p.Now.Add(DefaultSkew)):
		return nil, time.Time{}, refuse("not-yet-valid", "The message was made %s from now. Compare the clocks of this server and the identity provider.", ago(issued.Sub(p.Now)))
	case !issued.Add(maxAge + DefaultSkew).After(p.Now):
		return nil, time.Time{}, refuse("expired", "The message was made %s ago.", ago(p.Now.Sub(issued)))
	}
	return root, issued.Add(maxAge + DefaultSkew), nil
}

// redirectURL returns the address that carries a message under the HTTP-Redirect binding, signed if signer is not nil. Parameters that the
// destination has already are kept. Source: Bindings §3.4.4.1.
func redirectURL(destination string, field Field, message []byte, relayState string, signer *Signer) (string, error) {
	u, err := url.Parse(destination)
	if err != nil || len(relayState) > maxRelay {
		return "", fault.New(fault.Internal, "saml: the destination or the relay state cannot be used").Because(err)
	}
	query := string(field) + "=" + url.QueryEscape(deflateRedirect(message))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	if signer != nil {
		query += "&SigAlg=" + url.QueryEscape(algRSASHA256)
		digest := sha256.Sum256([]byte(query))
		value, err := signer.Key.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			return "", fault.New(fault.Internal, "saml: the key cannot sign").Because(err)
		}
		query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
	}
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return u.String(), nil
}

// postForm returns the form that carries a message with the ID under the HTTP-POST binding, signed if signer is not nil.
func postForm(destination string, field Field, id string, message []byte, relayState string, signer *Signer) (PostForm, error) {
	if signer != nil {
		var err error
		if message, err = Sign(bytes.Clone(message), id, signer.Key, signer.Certificate); err != nil {
			return PostForm{}, err
		}
	}
	return PostForm{Action: destination, Field: field, Message: base64.StdEncoding.EncodeToString(message), RelayState: relayState}, nil
}
