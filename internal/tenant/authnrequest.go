package tenant

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gatehouse/internal/saml"
)

// authnRequest is what the tenant keeps of a request that it has accepted.
type authnRequest struct {
	saml.AuthnRequest
	// methods are the requested authentication context classes, all exact.
	methods []string
}

// aadsts is an error that Entra shows instead of answering.
type aadsts struct {
	code int
	text string
}

func (e *aadsts) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.code, e.text) }

func refuse(code int, format string, args ...any) error {
	return &aadsts{code, fmt.Sprintf(format, args...)}
}

// formats that Entra issues; another in NameIDPolicy is an error.
var nameIDFormats = []string{"", saml.NameIDPersistent, saml.NameIDEmail, saml.NameIDUnspecified, saml.NameIDTransient}

// readRequest decodes an AuthnRequest of either binding and checks it as Entra does. Signatures are ignored, as
// Entra ignores them unless it was told otherwise; Destination, Consent and ProviderName too.
func (t *Tenant) readRequest(param string, post bool) (*authnRequest, error) {
	decode := saml.InflateRedirect
	if post {
		decode = saml.DecodePost
	}
	doc, err := decode(param)
	if err != nil {
		return nil, refuse(750054, "SAMLRequest or SAMLResponse must be present as query string parameters in HTTP request for SAML Redirect binding.")
	}
	parsed, err := saml.ParseAuthnRequest(doc)
	if err != nil {
		return nil, refuse(75005, "The request is not a valid Saml2 protocol message.")
	}
	r := &authnRequest{AuthnRequest: parsed}
	if c := r.ID[0]; c >= '0' && c <= '9' {
		return nil, refuse(7500529, "The value '%s' is not a valid SAML ID. The ID must not begin with a number.", clip(r.ID, 100))
	}
	if err := r.extras(doc); err != nil {
		return nil, err
	}
	app := t.Application()
	if app.EntityID == "" || r.Issuer != app.EntityID {
		return nil, refuse(700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.", clip(r.Issuer, 200), t.st.Name)
	}
	return r, t.checkReply(r, &app)
}

func (t *Tenant) checkReply(r *authnRequest, app *Application) error {
	switch {
	case r.ACSURL == "" && len(app.ReplyURLs) > 0:
		r.ACSURL = app.ReplyURLs[0]
	case !slices.Contains(app.ReplyURLs, r.ACSURL):
		return refuse(50011, "The reply URL '%s' specified in the request does not match the reply URLs configured for the application '%s'.", clip(r.ACSURL, 300), app.EntityID)
	}
	if !slices.Contains(nameIDFormats, r.NameIDFormat) {
		return refuse(75016, "SAML2 Authentication Request has invalid NameIdPolicy: '%s'.", clip(r.NameIDFormat, 200))
	}
	return nil
}

// extras reads the two parts of a request that Entra has an opinion on and ordinary readers drop. The document has
// passed the strict reader, so the lenient one here cannot see another document.
func (r *authnRequest) extras(doc []byte) error {
	var x struct {
		Policy struct {
			SPNameQualifier string `xml:",attr"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:protocol NameIDPolicy"`
		Context struct {
			Comparison string   `xml:",attr"`
			Classes    []string `xml:"urn:oasis:names:tc:SAML:2.0:assertion AuthnContextClassRef"`
		} `xml:"urn:oasis:names:tc:SAML:2.0:protocol RequestedAuthnContext"`
	}
	if err := xml.Unmarshal(doc, &x); err != nil {
		return refuse(75005, "The request is not a valid Saml2 protocol message.")
	}
	if x.Policy.SPNameQualifier != "" {
		return refuse(90011, "The SAML authentication request property 'NameIDPolicy/SPNameQualifier' is not supported.")
	}
	if c := x.Context.Comparison; c != "" && c != "exact" {
		return refuse(900236, "The SAML authentication request property 'RequestedAuthenticationContext/Comparison' is not supported and must not be set to other than 'exact'.")
	}
	for _, class := range x.Context.Classes {
		r.methods = append(r.methods, strings.TrimSpace(class))
	}
	return nil
}

const (
	classPassword    = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
	classPPT         = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	classUnspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
)

// satisfied reports whether signing in by password is one of the methods that were asked for.
func (r *authnRequest) satisfied() bool {
	return len(r.methods) == 0 || slices.Contains(r.methods, classPassword) || slices.Contains(r.methods, classPPT) || slices.Contains(r.methods, classUnspecified)
}

// audience names the application in an assertion; an identifier that is no URI comes as spn:.
func audience(entityID string) string {
	if u, err := url.Parse(entityID); err != nil || u.Scheme == "" {
		return "spn:" + entityID
	}
	return entityID
}
