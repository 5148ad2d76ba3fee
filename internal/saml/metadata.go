package saml

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// IDPMetadata is what a service provider needs to know of an identity provider.
type IDPMetadata struct {
	// EntityID is the identity provider's name, which it writes as Issuer.
	EntityID string
	// SSORedirectURL and SSOPostURL take authentication requests under the two bindings. At least one is not empty.
	SSORedirectURL, SSOPostURL string
	// SLORedirectURL and SLOPostURL take logout requests; empty where not offered.
	SLORedirectURL, SLOPostURL string
	// SLORedirectAnswerURL and SLOPostAnswerURL take the answers to the provider's own logout requests; empty where they go to the same addresses.
	SLORedirectAnswerURL, SLOPostAnswerURL string
	// Certificates are all signing certificates, in document order and each once: the current one, the next one, and old
	// ones not yet removed. There is at least one.
	Certificates []*x509.Certificate
	// WantAuthnRequestsSigned says that unsigned requests may be refused.
	WantAuthnRequestsSigned bool
	// ValidUntil is when the metadata should be fetched again; zero when it does not say.
	ValidUntil time.Time
}

// maxCertificates bounds how many signatures one response can make us check.
const maxCertificates = 16

// ParseIDPMetadata reads the metadata of one identity provider: an EntityDescriptor, or an EntitiesDescriptor with exactly
// one identity provider in it, at most 256 KiB (AWS takes 75,000 characters).
//
// It tolerates what metadata really has: a byte order mark, comments, WS-Federation role descriptors, and a signature,
// which is not checked because metadata is trusted for the administrator who brings it. Certificates may have expired; the
// caller shows their dates. Anything that cannot be used is a fault of kind Invalid whose reason is xml, not-metadata,
// no-idp, several-idps, entity-id, sso-url, certificate or no-certificate.
//
// Source: SAML 2.0 Metadata §2.
func ParseIDPMetadata(data []byte) (IDPMetadata, error) {
	root, err := scanMetadata(data)
	if err != nil {
		return IDPMetadata{}, invalidXML("The metadata", err)
	}
	return idpMetadata(root)
}

// ParseSignedIDPMetadata is [ParseIDPMetadata] for metadata that one of the signers must have signed as a whole: what is read is what the signature
// covers. Comments and processing instructions are refused then. Metadata without a good signature is a fault of kind Unauthenticated, with the reasons of
// [Verify].
//
// Source: SAML 2.0 Metadata §3.
func ParseSignedIDPMetadata(data []byte, signers []*x509.Certificate) (IDPMetadata, error) {
	root, err := Message{XML: data}.verified(signers)
	if err != nil {
		return IDPMetadata{}, err
	}
	return idpMetadata(root)
}

func idpMetadata(root *element) (IDPMetadata, error) {
	if !root.is(nsMetadata, "EntityDescriptor") && !root.is(nsMetadata, "EntitiesDescriptor") {
		return IDPMetadata{}, badMetadata("not-metadata", "The document is not SAML 2.0 metadata: its root is neither an EntityDescriptor nor an EntitiesDescriptor.")
	}
	role, err := onlyIDP(root)
	if err != nil {
		return IDPMetadata{}, err
	}
	entity := role.parent
	m := IDPMetadata{EntityID: entity.value("entityID"), WantAuthnRequestsSigned: isTrue(role.value("WantAuthnRequestsSigned"))}
	if m.EntityID == "" || len(m.EntityID) > 1024 || m.EntityID != strings.TrimSpace(m.EntityID) {
		return IDPMetadata{}, badMetadata("entity-id", "The metadata's entityID is missing, longer than 1,024 characters, or has spaces around it.")
	}
	m.ValidUntil, _ = parseInstant(entity.value("validUntil"))
	if err := m.endpoints(role); err != nil {
		return IDPMetadata{}, err
	}
	if err := m.certificates(role); err != nil {
		return IDPMetadata{}, err
	}
	return m, nil
}

func badMetadata(reason, message string) error {
	return fault.New(fault.Invalid, "%s", message).For(reason).At("metadata")
}

// onlyIDP returns the only IDPSSODescriptor that speaks SAML 2.0.
func onlyIDP(root *element) (*element, error) {
	var found []*element
	root.walk(func(e *element) {
		if e.is(nsMetadata, "IDPSSODescriptor") && e.parent != nil && e.parent.is(nsMetadata, "EntityDescriptor") &&
			slices.Contains(strings.Fields(e.value("protocolSupportEnumeration")), protocolSupport) {
			found = append(found, e)
		}
	})
	switch len(found) {
	case 0:
		return nil, badMetadata("no-idp", "The metadata describes no SAML 2.0 identity provider (IDPSSODescriptor). Is it a service provider's metadata?")
	case 1:
		return found[0], nil
	}
	return nil, badMetadata("several-idps", "The metadata describes several identity providers. Bring in the metadata of one.")
}

// endpoints reads where to send requests; the first address for a binding counts.
func (m *IDPMetadata) endpoints(role *element) error {
	for _, kind := range []struct {
		name           string
		redirect, post *string
	}{
		{"SingleSignOnService", &m.SSORedirectURL, &m.SSOPostURL},
		{"SingleLogoutService", &m.SLORedirectURL, &m.SLOPostURL},
	} {
		for _, e := range role.all(nsMetadata, kind.name) {
			target := map[string]*string{BindingRedirect: kind.redirect, BindingPost: kind.post}[e.value("Binding")]
			if target == nil || *target != "" {
				continue
			}
			// A browser is sent there, so nothing but a web address will do: a javascript: address would run.
			if *target = e.value("Location"); !webAddress(*target) {
				return badMetadata("sso-url", "An address in the metadata is not an absolute http or https URL.")
			}
			answer := map[*string]*string{&m.SLORedirectURL: &m.SLORedirectAnswerURL, &m.SLOPostURL: &m.SLOPostAnswerURL}[target]
			if other, has := e.attr("ResponseLocation"); has && answer != nil {
				if *answer = other; !webAddress(other) {
					return badMetadata("sso-url", "An address in the metadata is not an absolute http or https URL.")
				}
			}
		}
	}
	if m.SSORedirectURL == "" && m.SSOPostURL == "" {
		return badMetadata("sso-url", "The metadata has no single sign-on address for the HTTP-Redirect or HTTP-POST binding.")
	}
	return nil
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && len(s) <= 2048
}

// certificates reads the signing certificates. Of a chain the first certificate counts, as is the custom: trusting
// the others would trust whatever else their authority signs with that key.
func (m *IDPMetadata) certificates(role *element) error {
	for _, k := range role.all(nsMetadata, "KeyDescriptor") {
		if use, has := k.attr("use"); has && use != "signing" {
			continue
		}
		for _, info := range k.all(nsSignature, "KeyInfo") {
			for _, data := range info.all(nsSignature, "X509Data") {
				if err := m.certificate(data.all(nsSignature, "X509Certificate")); err != nil {
					return err
				}
			}
		}
	}
	if len(m.Certificates) == 0 {
		return badMetadata("no-certificate", "The metadata has no signing certificate.")
	}
	return nil
}

func (m *IDPMetadata) certificate(chain []*element) error {
	if len(chain) == 0 {
		return nil
	}
	der, ok := base64Text(chain[0])
	if !ok {
		return badMetadata("certificate", "A signing certificate in the metadata is not base64.")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return badMetadata("certificate", "A signing certificate in the metadata cannot be read.")
	}
	if slices.ContainsFunc(m.Certificates, cert.Equal) {
		return nil
	}
	if len(m.Certificates) == maxCertificates {
		return badMetadata("certificate", "The metadata has more than 16 signing certificates.")
	}
	m.Certificates = append(m.Certificates, cert)
	return nil
}

// XML returns metadata that ParseIDPMetadata reads, unsigned and without an ID: what an identity provider of our own
// gives to its service providers. Only the fields that are set are written.
func (m IDPMetadata) XML() []byte {
	w := &markup{}
	w.open("EntityDescriptor", "xmlns", nsMetadata, "entityID", m.EntityID, "validUntil", instantOrNone(m.ValidUntil))
	w.open("IDPSSODescriptor", "WantAuthnRequestsSigned", strconv.FormatBool(m.WantAuthnRequestsSigned), "protocolSupportEnumeration", protocolSupport)
	for _, cert := range m.Certificates {
		w.signingKey(cert)
	}
	w.endpoint("SingleLogoutService", BindingRedirect, m.SLORedirectURL)
	w.endpoint("SingleLogoutService", BindingPost, m.SLOPostURL)
	w.leaf("NameIDFormat", NameIDEmail)
	w.endpoint("SingleSignOnService", BindingRedirect, m.SSORedirectURL)
	w.endpoint("SingleSignOnService", BindingPost, m.SSOPostURL)
	w.close("IDPSSODescriptor", "EntityDescriptor")
	return w.Bytes()
}

func instantOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return Instant(t)
}

// SPMetadata is what an identity provider needs to know of this service provider.
type SPMetadata struct {
	// EntityID is the service provider's name, the audience of assertions for it.
	EntityID string
	// ACSURLs take responses under the HTTP-POST binding; the first is the default. At least one.
	ACSURLs []string
	// SLOURL takes logout messages under both bindings; empty for none.
	SLOURL string
	// Certificate belongs to the key that signs requests; nil when there is none. SignsRequests says that requests to sign in are signed
	// with it too.
	Certificate   *x509.Certificate
	SignsRequests bool
}

// XML returns the metadata document. It asks for signed assertions and e-mail shaped name identifiers.
//
// Source: SAML 2.0 Metadata §2.4.4.
func (m SPMetadata) XML() []byte {
	w := &markup{}
	w.open("EntityDescriptor", "xmlns", nsMetadata, "entityID", m.EntityID)
	w.open("SPSSODescriptor", "AuthnRequestsSigned", strconv.FormatBool(m.SignsRequests), "WantAssertionsSigned", "true", "protocolSupportEnumeration", protocolSupport)
	if m.Certificate != nil {
		w.signingKey(m.Certificate)
	}
	w.endpoint("SingleLogoutService", BindingRedirect, m.SLOURL)
	w.endpoint("SingleLogoutService", BindingPost, m.SLOURL)
	w.leaf("NameIDFormat", NameIDEmail)
	for i, location := range m.ACSURLs {
		w.open("AssertionConsumerService", "Binding", BindingPost, "Location", location, "index", strconv.Itoa(i), "isDefault", strconv.FormatBool(i == 0))
		w.close("AssertionConsumerService")
	}
	w.close("SPSSODescriptor", "EntityDescriptor")
	return w.Bytes()
}

// signingKey writes the KeyDescriptor of a certificate.
func (w *markup) signingKey(cert *x509.Certificate) {
	w.open("KeyDescriptor", "use", "signing")
	w.open("KeyInfo", "xmlns", nsSignature)
	w.open("X509Data")
	w.leaf("X509Certificate", base64.StdEncoding.EncodeToString(cert.Raw))
	w.close("X509Data", "KeyInfo", "KeyDescriptor")
}

// markup writes XML.
type markup struct{ bytes.Buffer }

// open writes a start tag. The attributes are names and values in turn; an empty value is left out.
func (w *markup) open(name string, attributes ...string) {
	w.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			w.WriteString(" " + attributes[i] + `="`)
			escapeInto(&w.Buffer, attributes[i+1])
			w.WriteByte('"')
		}
	}
	w.WriteByte('>')
}

func (w *markup) close(names ...string) {
	for _, name := range names {
		w.WriteString("</" + name + ">")
	}
}

func (w *markup) leaf(name, text string) {
	w.open(name)
	escapeInto(&w.Buffer, text)
	w.close(name)
}

// endpoint writes an endpoint unless its address is empty.
func (w *markup) endpoint(name, binding, location string) {
	if location != "" {
		w.open(name, "Binding", binding, "Location", location)
		w.close(name)
	}
}
