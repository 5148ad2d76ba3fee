package tenant

import (
	"encoding/base64"
	"strings"
	"time"

	"gatehouse/internal/saml"
)

// dialect is what tells the messages of one identity provider's product from another's. Entra's is measured; the others are put together from what
// their documentation and published responses have in common, and a detail may differ from a given version.
type dialect struct {
	// protocol and assertion are the prefixes of the two namespaces; an empty one makes its namespace the default.
	protocol, assertion string
	// declaration puts an XML declaration first.
	declaration bool
	// idPrefix begins identifiers.
	idPrefix string
	// issuerFormat says that the issuer is an entity (Core §8.3.6).
	issuerFormat bool
	// authnFirst puts the authentication statement before the attributes.
	authnFirst bool
	// nameFormat is the format of attribute names, typed gives values the type xs:string.
	nameFormat string
	typed      bool
	// before and after bound the validity.
	before, after time.Duration
	// class is the authentication context class, sessionFor how long a session may last (0: not said).
	class      string
	sessionFor time.Duration
	// names are the attributes' names by ours; nil for Entra's own. What is not named is not sent.
	names map[string]string
}

const basicName = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"

// dialects are the dialects; "" is "entra".
var dialects = map[string]*dialect{
	"": &entraDialect, "entra": &entraDialect,
	"okta": {
		protocol: "saml2p", assertion: "saml2", declaration: true, idPrefix: "id", issuerFormat: true, authnFirst: true, nameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified", typed: true,
		before: 5 * time.Minute, after: 5 * time.Minute, class: classPPT,
		names: map[string]string{claimPerson + "emailaddress": "email", claimPerson + "givenname": "firstName", claimPerson + "surname": "lastName", claimIdentity + "displayname": "displayName", claimGroups: "groups"},
	},
	"authentik": {
		protocol: "samlp", assertion: "saml", idPrefix: "_", authnFirst: true, before: 5 * time.Minute, after: 5 * time.Minute, class: classPPT, sessionFor: 24 * time.Hour,
		names: map[string]string{
			claimPerson + "emailaddress": claimPerson + "emailaddress", claimPerson + "name": "http://schemas.goauthentik.io/2021/02/saml/username", claimIdentity + "displayname": claimPerson + "name",
			claimIdentity + "objectidentifier": "http://schemas.goauthentik.io/2021/02/saml/uid", claimGroups: "http://schemas.xmlsoap.org/claims/Group",
		},
	},
	"jumpcloud": {
		protocol: "samlp", assertion: "saml", idPrefix: "_", authnFirst: true, nameFormat: basicName, typed: true, before: 10 * time.Minute, after: 10 * time.Minute, class: classPPT,
		names: map[string]string{claimPerson + "emailaddress": "email", claimPerson + "givenname": "firstname", claimPerson + "surname": "lastname", claimGroups: "memberOf"},
	},
}

var entraDialect = dialect{protocol: "samlp", idPrefix: "_", before: notBefore, after: notOnOrAfter, class: classPassword}

// issuerIn is the entity ID under which a tenant signs people in, in a dialect.
func (t *Tenant) issuerIn(dialect string) string {
	switch dialect {
	case "okta":
		return "http://www.okta.com/exk" + strings.ReplaceAll(t.st.TenantID, "-", "")[:17]
	case "authentik":
		return t.base + "/application/saml/" + t.st.TenantID
	case "jumpcloud":
		return "https://sso.jumpcloud.com/saml2/" + t.st.TenantID
	}
	return "https://sts.windows.net/" + t.st.TenantID + "/"
}

// plainMetadata is the metadata of the dialects that are not Entra's: without WS-Federation, not signed. The caller holds t.mu.
func (t *Tenant) plainMetadata() []byte {
	endpoint := t.base + "/" + t.st.TenantID + "/saml2"
	m := saml.IDPMetadata{EntityID: t.issuerIn(t.st.App.SAMLDialect), SSORedirectURL: endpoint, SSOPostURL: endpoint, SLORedirectURL: endpoint}
	for _, k := range t.signing {
		m.Certificates = append(m.Certificates, k.cert)
	}
	return append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`), m.XML()...)
}

// SAMLChaos switches on what identity providers, and people between them and the application, have been seen to do to responses. The first group must not
// trouble an application; each of the second must be refused.
type SAMLChaos struct {
	// Precision writes times with seven digits after the point, LineBreaks breaks the form's base64 into lines, Pretty puts white space between elements.
	Precision  bool `json:"precision,omitempty"`
	LineBreaks bool `json:"lineBreaks,omitempty"`
	Pretty     bool `json:"pretty,omitempty"`
	// ClockAheadSeconds is how far the tenant's clock is ahead (behind, when negative); a few minutes are tolerated.
	ClockAheadSeconds int `json:"clockAheadSeconds,omitempty"`

	// Unsigned leaves the signatures out.
	Unsigned bool `json:"unsigned,omitempty"`
	// Comment cuts the name in two by a comment, which leaves the signature good.
	Comment bool `json:"comment,omitempty"`
	// SpaceAfterName signs a name with a space after it.
	SpaceAfterName bool `json:"spaceAfterName,omitempty"`
	// WrongAudience and WrongRecipient are meant for, and sent to, others.
	WrongAudience  bool `json:"wrongAudience,omitempty"`
	WrongRecipient bool `json:"wrongRecipient,omitempty"`
	// Expired ends before it begins.
	Expired bool `json:"expired,omitempty"`
	// Unsolicited leaves out which request is answered.
	Unsolicited bool `json:"unsolicited,omitempty"`
	// Repeat sends the last response again, whoever signs in.
	Repeat bool `json:"repeat,omitempty"`
}

// spoil changes what a response is made of, before it is signed.
func (c SAMLChaos) spoil(r *reply) {
	r.now = r.now.Add(time.Duration(c.ClockAheadSeconds) * time.Second)
	if c.SpaceAfterName {
		r.nameID += " "
	}
	if c.WrongAudience {
		r.audience = "https://another.example/"
	}
	if c.WrongRecipient {
		r.recipient = "https://another.example/acs"
	}
	if c.Unsolicited {
		r.inResponseTo = ""
	}
	r.expired, r.precise, r.pretty = c.Expired, c.Precision, c.Pretty
}

// tamper changes a response that is signed.
func (c SAMLChaos) tamper(doc []byte) []byte {
	if !c.Comment {
		return doc
	}
	// The text of the NameID is followed by its end tag, whatever its prefix.
	s := string(doc)
	if at := strings.Index(s, "NameID>"); at > 0 {
		end := strings.LastIndex(s[:at], "</")
		return []byte(s[:end] + "<!-- -->" + s[end:])
	}
	return doc
}

// encoded is a message as the form carries it.
func (c SAMLChaos) encoded(doc []byte) string {
	s := base64.StdEncoding.EncodeToString(doc)
	if !c.LineBreaks {
		return s
	}
	var b strings.Builder
	for ; len(s) > 76; s = s[76:] {
		b.WriteString(s[:76] + "\r\n")
	}
	b.WriteString(s)
	return b.String()
}
