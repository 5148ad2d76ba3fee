package tenant

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/saml"
)

// xmlText writes s as character data or as the value of a double-quoted attribute.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// reply is everything that a response is made of.
type reply struct {
	issuer, audience, acs string
	inResponseTo          string // empty: IdP-initiated
	nameID                string
	now, authnInstant     time.Time
	attributes            []attribute
}

type attribute struct {
	name   string
	values []string
}

const (
	claimIdentity = "http://schemas.microsoft.com/identity/claims/"
	claimPerson   = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	claimMethods  = "http://schemas.microsoft.com/claims/authnmethodsreferences"
	claimGroups   = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
	claimOverage  = "http://schemas.microsoft.com/claims/groups.link"
	methodPW      = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"

	// Entra's assertions are good from five minutes before to an hour after they are made.
	notBefore    = 5 * time.Minute
	notOnOrAfter = time.Hour
	maxGroups    = 150 // beyond, a link stands for the groups
)

// attributesOf are the claims about u, in the order in which Entra writes them. The caller holds t.mu.
func (t *Tenant) attributesOf(u *userRecord, methods []string) []attribute {
	app := &t.st.App
	var out []attribute
	add := func(name string, values ...string) {
		values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
		if len(values) > 0 {
			out = append(out, attribute{name, values})
		}
	}
	add(claimIdentity+"tenantid", t.st.TenantID)
	add(claimIdentity+"objectidentifier", u.ID)
	add(claimIdentity+"displayname", u.DisplayName)
	groups := t.st.groupsOf(u.ID, app)
	if len(groups) > maxGroups {
		add(claimOverage, "https://graph.windows.net/"+t.st.TenantID+"/users/"+u.ID+"/getMemberObjects")
	} else {
		add(claimGroups, groups...)
	}
	add(claimIdentity+"identityprovider", "https://sts.windows.net/"+t.st.TenantID+"/")
	add(claimMethods, methods...)
	add(claimPerson+"givenname", u.GivenName)
	add(claimPerson+"surname", u.Surname)
	add(claimPerson+"emailaddress", u.Mail)
	add(claimPerson+"name", u.UserPrincipalName)
	for _, c := range app.Claims {
		if src, err := parseSource(c.Source); err == nil {
			add(c.Name, src(&u.User))
		}
	}
	return out
}

// groupsOf are the objectIds for the groups claim: none, every group the user is in (directly or through others),
// or those of them that are assigned to the application.
func (st *state) groupsOf(user string, app *Application) []string {
	if app.GroupsClaim == "none" {
		return nil
	}
	var ids []string
	for _, g := range st.Groups {
		if !st.contains(g, user, 0) {
			continue
		}
		if app.GroupsClaim == "assigned" && !slices.ContainsFunc(app.Assignments, func(a Assignment) bool { return a.Principal == g.ID }) {
			continue
		}
		ids = append(ids, g.ID)
	}
	return ids
}

// respond builds and signs the response for a person who is signed in. The caller holds t.mu.
func (t *Tenant) respond(rep reply) ([]byte, error) {
	respID, assertID := "_"+t.uuid(), "_"+t.uuid()
	doc := []byte(rep.document(respID, assertID))
	k := t.signer()
	var err error
	for _, step := range []struct {
		id string
		on bool
	}{{assertID, t.st.App.Sign != "response"}, {respID, t.st.App.Sign != "assertion"}} {
		if !step.on {
			continue
		}
		if doc, err = saml.Sign(doc, step.id, k.key, k.cert); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

func (r *reply) document(respID, assertID string) string {
	at, until := saml.Instant(r.now), saml.Instant(r.now.Add(notOnOrAfter))
	inResponse := ""
	if r.inResponseTo != "" {
		inResponse = ` InResponseTo="` + xmlText(r.inResponseTo) + `"`
	}
	issuer := xmlText(r.issuer)
	var b strings.Builder
	fmt.Fprintf(&b, `<samlp:Response ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"%s xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">`, respID, at, xmlText(r.acs), inResponse)
	fmt.Fprintf(&b, `<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">%s</Issuer>`, issuer)
	b.WriteString(`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`)
	fmt.Fprintf(&b, `<Assertion ID="%s" IssueInstant="%s" Version="2.0" xmlns="urn:oasis:names:tc:SAML:2.0:assertion"><Issuer>%s</Issuer>`, assertID, at, issuer)
	fmt.Fprintf(&b, `<Subject><NameID Format="%s">%s</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData%s NotOnOrAfter="%s" Recipient="%s"/></SubjectConfirmation></Subject>`,
		saml.NameIDEmail, xmlText(r.nameID), inResponse, until, xmlText(r.acs))
	fmt.Fprintf(&b, `<Conditions NotBefore="%s" NotOnOrAfter="%s"><AudienceRestriction><Audience>%s</Audience></AudienceRestriction></Conditions>`,
		saml.Instant(r.now.Add(-notBefore)), until, xmlText(r.audience))
	b.WriteString(`<AttributeStatement>`)
	for _, a := range r.attributes {
		fmt.Fprintf(&b, `<Attribute Name="%s">`, xmlText(a.name))
		for _, v := range a.values {
			fmt.Fprintf(&b, `<AttributeValue>%s</AttributeValue>`, xmlText(v))
		}
		b.WriteString(`</Attribute>`)
	}
	fmt.Fprintf(&b, `</AttributeStatement><AuthnStatement AuthnInstant="%s" SessionIndex="%s"><AuthnContext><AuthnContextClassRef>%s</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>`,
		saml.Instant(r.authnInstant), assertID, classPassword)
	return b.String()
}

// failureResponse is a response without an assertion: what Entra posts when it can tell the application.
func (t *Tenant) failureResponse(r *authnRequest, sub, message string) []byte {
	now := saml.Instant(t.now())
	return fmt.Appendf(nil, `<samlp:Response ID="_%s" Version="2.0" IssueInstant="%s" Destination="%s" InResponseTo="%s" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">`+
		`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">%s</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:%s"/></samlp:StatusCode>`+
		`<samlp:StatusMessage>%s Trace ID: %s Timestamp: %s</samlp:StatusMessage></samlp:Status></samlp:Response>`,
		t.uuid(), now, xmlText(r.ACSURL), xmlText(r.ID), xmlText(t.Issuer()), sub, xmlText(message), t.uuid(), t.now().UTC().Format("2006-01-02 15:04:05Z"))
}
