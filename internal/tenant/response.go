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
	dialect               *dialect
	issuer, audience, acs string
	recipient             string // acs, unless spoiled
	inResponseTo          string // empty: IdP-initiated
	nameID                string
	now, authnInstant     time.Time
	attributes            []attribute

	expired, precise, pretty bool // spoiled
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
	if names := dialects[app.SAMLDialect].names; names != nil {
		out = renamed(out, names)
	}
	for _, c := range app.Claims {
		if src, err := parseSource(c.Source); err == nil {
			add(c.Name, src(&u.User))
		}
	}
	return out
}

// renamed gives attributes the names of another dialect and leaves out those that it does not send.
func renamed(all []attribute, names map[string]string) []attribute {
	var out []attribute
	for _, a := range all {
		if name, ok := names[a.name]; ok {
			out = append(out, attribute{name, a.values})
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
	chaos := t.st.App.SAMLChaos
	chaos.spoil(&rep)
	respID, assertID := rep.dialect.idPrefix+t.uuid(), rep.dialect.idPrefix+t.uuid()
	doc := []byte(rep.document(respID, assertID))
	k := t.signer()
	var err error
	for _, step := range []struct {
		id string
		on bool
	}{{assertID, t.st.App.Sign != "response"}, {respID, t.st.App.Sign != "assertion"}} {
		if !step.on || chaos.Unsigned {
			continue
		}
		if doc, err = saml.Sign(doc, step.id, k.key, k.cert); err != nil {
			return nil, err
		}
	}
	return chaos.tamper(doc), nil
}

// instant writes a time, with Entra's three digits or, spoiled, with seven.
func (r *reply) instant(at time.Time) string {
	s := saml.Instant(at)
	if r.precise {
		s = strings.TrimSuffix(s, "Z") + "0000Z"
	}
	return s
}

// document writes the response in its dialect, unsigned.
func (r *reply) document(respID, assertID string) string {
	p, a := prefixed(r.dialect.protocol), prefixed(r.dialect.assertion)
	at, until := r.instant(r.now), r.instant(r.now.Add(r.dialect.after))
	if r.expired {
		until = r.instant(r.now.Add(-24 * time.Hour))
	}
	inResponse, issuerFormat := "", ""
	if r.inResponseTo != "" {
		inResponse = ` InResponseTo="` + xmlText(r.inResponseTo) + `"`
	}
	if r.dialect.issuerFormat {
		issuerFormat = ` Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity"`
	}
	issuer, recipient := xmlText(r.issuer), r.acs
	if r.recipient != "" {
		recipient = r.recipient
	}
	gap := ""
	if r.pretty {
		gap = "\n  "
	}
	var b strings.Builder
	if r.dialect.declaration {
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
	}
	fmt.Fprintf(&b, `<%sResponse ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"%s%s>`+gap, p, respID, at, xmlText(r.acs), inResponse, declared(r.dialect.protocol, "urn:oasis:names:tc:SAML:2.0:protocol"))
	fmt.Fprintf(&b, `<%sIssuer%s%s>%s</%[1]sIssuer>`+gap, a, issuerFormat, declared(r.dialect.assertion, nsAssertion), issuer)
	fmt.Fprintf(&b, `<%sStatus><%[1]sStatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></%[1]sStatus>`+gap, p)
	fmt.Fprintf(&b, `<%sAssertion ID="%s" IssueInstant="%s" Version="2.0"%s>`+gap+`<%[1]sIssuer%[5]s>%[6]s</%[1]sIssuer>`+gap, a, assertID, at, declared(r.dialect.assertion, nsAssertion), issuerFormat, issuer)
	fmt.Fprintf(&b, `<%sSubject><%[1]sNameID Format="%[2]s">%[3]s</%[1]sNameID><%[1]sSubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><%[1]sSubjectConfirmationData%[4]s NotOnOrAfter="%[5]s" Recipient="%[6]s"/></%[1]sSubjectConfirmation></%[1]sSubject>`+gap,
		a, saml.NameIDEmail, xmlText(r.nameID), inResponse, until, xmlText(recipient))
	fmt.Fprintf(&b, `<%sConditions NotBefore="%[2]s" NotOnOrAfter="%[3]s"><%[1]sAudienceRestriction><%[1]sAudience>%[4]s</%[1]sAudience></%[1]sAudienceRestriction></%[1]sConditions>`+gap,
		a, r.instant(r.now.Add(-r.dialect.before)), until, xmlText(r.audience))
	if r.dialect.authnFirst {
		b.WriteString(r.authn(a, assertID) + gap + r.statement(a) + gap)
	} else {
		b.WriteString(r.statement(a) + gap + r.authn(a, assertID) + gap)
	}
	fmt.Fprintf(&b, `</%sAssertion>`+gap+`</%sResponse>`, a, p)
	return b.String()
}

const nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"

// prefixed is what stands before a name, declared the declaration of its namespace.
func prefixed(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + ":"
}

func declared(prefix, namespace string) string {
	if prefix == "" {
		return ` xmlns="` + namespace + `"`
	}
	return ` xmlns:` + prefix + `="` + namespace + `"`
}

func (r *reply) authn(a, sessionIndex string) string {
	ends := ""
	if r.dialect.sessionFor > 0 {
		ends = ` SessionNotOnOrAfter="` + r.instant(r.now.Add(r.dialect.sessionFor)) + `"`
	}
	return fmt.Sprintf(`<%sAuthnStatement AuthnInstant="%[2]s" SessionIndex="%[3]s"%[4]s><%[1]sAuthnContext><%[1]sAuthnContextClassRef>%[5]s</%[1]sAuthnContextClassRef></%[1]sAuthnContext></%[1]sAuthnStatement>`,
		a, r.instant(r.authnInstant), sessionIndex, ends, r.dialect.class)
}

func (r *reply) statement(a string) string {
	format, typed := "", ""
	if r.dialect.nameFormat != "" {
		format = ` NameFormat="` + r.dialect.nameFormat + `"`
	}
	if r.dialect.typed {
		typed = ` xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string"`
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<%sAttributeStatement>`, a)
	for _, at := range r.attributes {
		fmt.Fprintf(&b, `<%sAttribute Name="%s"%s>`, a, xmlText(at.name), format)
		for _, v := range at.values {
			fmt.Fprintf(&b, `<%sAttributeValue%s>%s</%[1]sAttributeValue>`, a, typed, xmlText(v))
		}
		fmt.Fprintf(&b, `</%sAttribute>`, a)
	}
	fmt.Fprintf(&b, `</%sAttributeStatement>`, a)
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
