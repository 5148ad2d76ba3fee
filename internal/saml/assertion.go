package saml

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"gatehouse/internal/fault"
)

// readAssertion reads an assertion whose bytes are signed and applies the rules for the web browser profile (SAML 2.0
// Profiles §4.1.4.2 and §4.1.4.3).
func readAssertion(e *element, p Params) (Assertion, error) {
	a := Assertion{ID: e.value("ID"), Issuer: p.Issuer}
	if e.value("Version") != "2.0" || !messageID(a.ID) || !e.elementsOnly() {
		return Assertion{}, refuse("structure", "The assertion has no identifier or is not SAML 2.0.")
	}
	if issuer, ok := e.one(nsAssertion, "Issuer"); !ok {
		return Assertion{}, refuse("structure", "The assertion does not have exactly one issuer.")
	} else if text, ok := issuer.text(); !ok || text != p.Issuer {
		return Assertion{}, wrongIssuer()
	}
	if issued, ok := parseInstant(e.value("IssueInstant")); !ok {
		return Assertion{}, refuse("structure", "The assertion does not say when it was issued.")
	} else if err := notBefore(issued, p); err != nil {
		return Assertion{}, err
	}
	for _, read := range []func(*element, Params) error{a.subject, a.conditions, a.authnStatements, a.attributes} {
		if err := read(e, p); err != nil {
			return Assertion{}, err
		}
	}
	a.ReplayUntil = a.NotOnOrAfter.Add(p.Skew)
	return a, nil
}

// notBefore refuses a time that is still to come.
func notBefore(t time.Time, p Params) error {
	if t.After(p.Now.Add(p.Skew)) {
		return refuse("not-yet-valid", "The assertion becomes valid only in %s. Compare the clocks of this server and the identity provider.", ago(t.Sub(p.Now)))
	}
	return nil
}

// notOnOrAfter refuses a time that has been reached.
func notOnOrAfter(t time.Time, p Params) error {
	if !t.After(p.Now.Add(-p.Skew)) {
		return refuse("expired", "The assertion expired %s ago. Sign in again; if it happens again, compare the clocks of this server and the identity provider.", ago(p.Now.Sub(t)))
	}
	return nil
}

// instants reads and checks the optional NotBefore and NotOnOrAfter of e, and returns the latter (zero when absent).
func instants(e *element, p Params) (time.Time, error) {
	if s, has := e.attr("NotBefore"); has {
		t, ok := parseInstant(s)
		if !ok {
			return time.Time{}, refuse("structure", "A time in the assertion is malformed.")
		}
		if err := notBefore(t, p); err != nil {
			return time.Time{}, err
		}
	}
	s, has := e.attr("NotOnOrAfter")
	if !has {
		return time.Time{}, nil
	}
	t, ok := parseInstant(s)
	if !ok {
		return time.Time{}, refuse("structure", "A time in the assertion is malformed.")
	}
	return t, notOnOrAfter(t, p)
}

// expires lets the assertion expire at t if that is earlier than what is known.
func (a *Assertion) expires(t time.Time) {
	if !t.IsZero() && (a.NotOnOrAfter.IsZero() || t.Before(a.NotOnOrAfter)) {
		a.NotOnOrAfter = t
	}
}

// subject reads the name and finds a bearer confirmation that is for us, now.
func (a *Assertion) subject(e *element, p Params) error {
	s, ok := e.one(nsAssertion, "Subject")
	if !ok || !s.elementsOnly() {
		return refuse("subject", "The assertion does not have exactly one subject.")
	}
	name, ok := s.one(nsAssertion, "NameID")
	if !ok {
		return refuse("name-id", "The subject has no NameID. Let the identity provider send the user name as NameID.")
	}
	if a.NameID, ok = name.text(); !ok || !cleanName(a.NameID) {
		return refuse("name-id", "The NameID is empty, longer than 1,024 characters, or has spaces around it or control characters in it.")
	}
	if a.NameIDFormat = name.value("Format"); a.NameIDFormat == "" {
		a.NameIDFormat = NameIDUnspecified
	}
	first := error(refuse("subject", "The subject has no bearer confirmation."))
	for i, c := range s.all(nsAssertion, "SubjectConfirmation") {
		err := a.confirmation(c, p)
		if err == nil {
			return nil
		}
		if i == 0 {
			first = err
		}
	}
	return first
}

// confirmation takes over what a bearer confirmation says if it is for us (Profiles §4.1.4.2).
func (a *Assertion) confirmation(c *element, p Params) error {
	data, ok := c.one(nsAssertion, "SubjectConfirmationData")
	if c.value("Method") != methodBearer || !ok {
		return refuse("subject", "The subject's confirmation is not that of a bearer.")
	}
	recipient := data.value("Recipient")
	if !slices.Contains(p.Recipients, recipient) {
		return refuse("recipient", "The assertion is for another recipient. Compare the reply URL (ACS) at the identity provider with this server's.")
	}
	inResponseTo, has := data.attr("InResponseTo")
	if err := answers(inResponseTo, has, p); err != nil {
		return err
	}
	end, err := instants(data, p)
	if err != nil {
		return err
	}
	if end.IsZero() {
		return refuse("subject", "The subject's confirmation does not say when it expires.")
	}
	a.Recipient, a.InResponseTo = recipient, inResponseTo
	a.expires(end)
	return nil
}

// conditions checks the conditions, all of which must be understood and hold (Core §2.5.1.1).
func (a *Assertion) conditions(e *element, p Params) error {
	c, ok := e.one(nsAssertion, "Conditions")
	if !ok || !c.elementsOnly() {
		return refuse("condition", "The assertion does not have exactly one set of conditions.")
	}
	end, err := instants(c, p)
	if err != nil {
		return err
	}
	a.expires(end)
	for _, child := range c.children {
		switch {
		case child.elem == nil:
		case child.elem.is(nsAssertion, "AudienceRestriction"):
			if err := a.audience(child.elem, p); err != nil {
				return err
			}
		case child.elem.is(nsAssertion, "OneTimeUse"), child.elem.is(nsAssertion, "ProxyRestriction"):
			// Every assertion is used once here, and none is passed on.
		default:
			return refuse("condition", "The assertion has a condition that is not understood.")
		}
	}
	if a.Audience == "" {
		return refuse("audience", "The assertion does not say whom it is meant for.")
	}
	return nil
}

// audience checks one restriction: one of its audiences must be us (Core §2.5.1.4). Several restrictions must all hold.
func (a *Assertion) audience(restriction *element, p Params) error {
	for _, e := range restriction.all(nsAssertion, "Audience") {
		if text, ok := e.text(); ok && slices.Contains(p.Audiences, text) {
			a.Audience = text
			return nil
		}
	}
	return refuse("audience", "The assertion is meant for another service provider. Compare the identifier (entity ID) at the identity provider with this server's.")
}

// authnStatements reads how and when the person signed in, and for how long a session may last.
func (a *Assertion) authnStatements(e *element, p Params) error {
	for i, s := range e.all(nsAssertion, "AuthnStatement") {
		instant, ok := parseInstant(s.value("AuthnInstant"))
		if !ok {
			return refuse("authn-statement", "The assertion does not say when the person signed in.")
		}
		if i == 0 {
			a.AuthnInstant, a.SessionIndex, a.AuthnContext = instant, s.value("SessionIndex"), authnContext(s)
		}
		text, has := s.attr("SessionNotOnOrAfter")
		if !has {
			continue
		}
		end, ok := parseInstant(text)
		if !ok {
			return refuse("authn-statement", "A time in the assertion is malformed.")
		}
		if err := notOnOrAfter(end, p); err != nil {
			return fault.Of(err).For("session-expired")
		}
		if a.SessionNotOnOrAfter.IsZero() || end.Before(a.SessionNotOnOrAfter) {
			a.SessionNotOnOrAfter = end
		}
	}
	if a.AuthnInstant.IsZero() {
		return refuse("authn-statement", "The assertion does not say that the person signed in.")
	}
	return nil
}

func authnContext(statement *element) string {
	if c, ok := statement.one(nsAssertion, "AuthnContext"); ok {
		if ref, ok := c.one(nsAssertion, "AuthnContextClassRef"); ok {
			text, _ := ref.text()
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// attributes reads the attribute statements.
func (a *Assertion) attributes(e *element, _ Params) error {
	for _, s := range e.all(nsAssertion, "AttributeStatement") {
		for _, at := range s.all(nsAssertion, "Attribute") {
			attribute := Attribute{Name: at.value("Name"), NameFormat: at.value("NameFormat")}
			if attribute.Name == "" {
				return refuse("attributes", "An attribute in the assertion has no name.")
			}
			for _, v := range at.all(nsAssertion, "AttributeValue") {
				// A structured value has no text that could stand for it; xsi:nil says that there is no value.
				if text, ok := v.text(); ok && !isNil(v) {
					attribute.Values = append(attribute.Values, text)
				}
			}
			a.Attributes = append(a.Attributes, attribute)
		}
	}
	return nil
}

func isNil(e *element) bool {
	return slices.ContainsFunc(e.attrs, func(a attribute) bool {
		return a.local == "nil" && a.space == "http://www.w3.org/2001/XMLSchema-instance" && isTrue(a.value)
	})
}

// cleanName reports whether s can be the name of somebody. Names that differ only in what cannot be seen are refused
// instead of cleaned: the identity provider and we must mean the same name.
func cleanName(s string) bool {
	return s != "" && len(s) <= 1024 && s == strings.TrimSpace(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}
