package saml

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// DefaultSkew is how far the identity provider's clock may be from ours. Entra ID asks for three to five minutes.
const DefaultSkew = 3 * time.Minute

// MaxSkew is the largest [Params.Skew].
const MaxSkew = 5 * time.Minute

// Unsolicited says what to make of InResponseTo when the caller has no request of its own pending.
type Unsolicited uint8

const (
	// RefuseUnsolicited refuses every response without a pending request. It is the zero value.
	RefuseUnsolicited Unsolicited = iota
	// AcceptUnsolicited takes a response that claims to answer no request at all: sign-in begun at the identity
	// provider. One that names a request is refused, since somebody else's request must not be passed off as none.
	AcceptUnsolicited
	// CallerLooksUp is for a door that learns only from the answer which request it answers, because browsers send no
	// same-site cookie with it. The response and the assertion must name the same request, or both none; the caller
	// must then look [Assertion.InResponseTo] up, and refuse an empty one where AcceptUnsolicited would not be right.
	CallerLooksUp
	// IgnoreInResponseTo takes a response whatever it claims to answer. It is for AssumeRoleWithSAML, where the assertion
	// is shown as a credential and no browser is to be bound. A sign-in door must not use it.
	IgnoreInResponseTo
)

// Params is what [Verify] must know. Fields without "optional" must be set: a missing one is a fault of kind
// Internal, never a check left out.
type Params struct {
	// Certificates are those of the identity provider's metadata. A signature by any of them is good. Their dates are
	// not looked at: they are pinned keys, not links to an authority.
	Certificates []*x509.Certificate
	// Issuer is the identity provider's entity ID.
	Issuer string
	// Audiences are the names of this service provider, any of which the assertion may be meant for. A door has one: its
	// entity ID.
	Audiences []string
	// Recipients are the addresses the response may have been sent to. A door has one: its own ACS URL.
	Recipients []string
	// RequestID is the pending request's ID, which the response must answer. Optional: without it Unsolicited decides.
	RequestID string
	// Unsolicited decides when RequestID is empty. Optional; the zero value refuses.
	Unsolicited Unsolicited
	// DestinationOptional accepts a response without a Destination; one that is there must match anyway. Optional, for
	// AssumeRoleWithSAML.
	DestinationOptional bool
	// Skew is the tolerance for clocks. Optional: zero means DefaultSkew, and more than MaxSkew is refused.
	Skew time.Duration
	// Now is the present time.
	Now time.Time
}

// Assertion is what an identity provider said about somebody, verified. Every field comes from signed bytes.
type Assertion struct {
	// ID is the assertion's identifier, unique for its issuer: the key of the replay cache.
	ID string
	// Issuer, Audience and Recipient are the ones of [Params] that matched.
	Issuer, Audience, Recipient string
	// NameID is the person's name as sent, exactly: nothing is trimmed or folded.
	NameID string
	// NameIDFormat is the URN of its format; NameIDUnspecified when the assertion does not say.
	NameIDFormat string
	// InResponseTo is the request that is answered; empty when the sign-in was begun at the identity provider.
	InResponseTo string
	// AuthnInstant is when the person proved who he is, AuthnContext the URN of how ("" when not said).
	AuthnInstant time.Time
	AuthnContext string
	// SessionIndex names the session at the identity provider; empty when not said.
	SessionIndex string
	// SessionNotOnOrAfter is when a session made from this assertion must end; zero when not said.
	SessionNotOnOrAfter time.Time
	// NotOnOrAfter is when the assertion expires, as it says itself.
	NotOnOrAfter time.Time
	// ReplayUntil is NotOnOrAfter with the clock skew: until then the same assertion would verify again, so until then
	// the caller must remember that it has been used.
	ReplayUntil time.Time
	// Attributes are in document order. Two may have the same name.
	Attributes []Attribute
}

// Attribute is one statement about the person.
type Attribute struct {
	Name string
	// NameFormat is the URN of the name's format; empty when not said (Entra ID does not).
	NameFormat string
	// Values are the simple values in order. Values that are XML structures or nil are left out.
	Values []string
}

// Values returns the values of all attributes with the given name, in order.
func (a Assertion) Values(name string) []string {
	var values []string
	for _, attribute := range a.Attributes {
		if attribute.Name == name {
			values = append(values, attribute.Values...)
		}
	}
	return values
}

// Verify decides whether response, a decoded samlp:Response, proves who somebody is under p, and returns what it says.
//
// It accepts one unencrypted bearer assertion, signed itself or inside a signed response (both signatures are
// verified where both exist), with RSA or ECDSA and SHA-256 or better. Everything in the result was read from the bytes
// that the signature covers. What is left to the caller: that the request was pending and in this browser, and
// that the assertion ID has not been used before.
//
// A response that fails is a fault of kind Unauthenticated. Its message is for the administrator and never holds
// anything the response said; its reason is the check that failed: xml, structure, encrypted, status, issuer, destination,
// in-response-to, unsolicited, unsigned, signature-shape, signature-algorithm, digest-algorithm, canonicalization,
// transforms, reference, certificate, signature, digest, subject, recipient, expired, not-yet-valid, audience, condition,
// authn-statement, session-expired, name-id, attributes. To the person who signs in all of them are one.
//
// Sources: SAML 2.0 Core §2 and §5, Profiles §4.1.4, XML Signature §3.2. DESIGN.md argues the order of the checks.
func Verify(response []byte, p Params) (Assertion, error) {
	if err := p.check(); err != nil {
		return Assertion{}, err
	}
	root, err := scan(response)
	if err != nil {
		return Assertion{}, refuse("xml", "The SAML response is not acceptable XML: %v.", err)
	}
	assertion, err := envelope(root, p)
	if err != nil {
		return Assertion{}, err
	}
	signed, err := trusted(root, assertion, p)
	if err != nil {
		return Assertion{}, err
	}
	a, err := readAssertion(signed, p)
	if err != nil {
		return Assertion{}, err
	}
	if p.RequestID == "" && p.Unsolicited == CallerLooksUp && root.value("InResponseTo") != a.InResponseTo {
		return Assertion{}, refuse("in-response-to", "The SAML response and its assertion answer different sign-in requests.")
	}
	return a, nil
}

// refuse is the fault of a failed check.
func refuse(reason, format string, args ...any) *fault.Fault {
	return fault.New(fault.Unauthenticated, format, args...).For(reason)
}

// check refuses parameters that would leave a check out.
func (p *Params) check() error {
	if p.Skew == 0 {
		p.Skew = DefaultSkew
	}
	bad := ""
	switch {
	case len(p.Certificates) == 0 || slices.Contains(p.Certificates, nil):
		bad = "Certificates"
	case p.Issuer == "":
		bad = "Issuer"
	case len(p.Audiences) == 0 || slices.Contains(p.Audiences, ""):
		bad = "Audiences"
	case len(p.Recipients) == 0 || slices.Contains(p.Recipients, ""):
		bad = "Recipients"
	case p.Unsolicited > IgnoreInResponseTo:
		bad = "Unsolicited"
	case p.Skew < 0 || p.Skew > MaxSkew:
		bad = "Skew"
	case p.Now.IsZero():
		bad = "Now"
	default:
		return nil
	}
	return fault.New(fault.Internal, "saml: Params.%s is missing or impossible", bad)
}

// envelope checks everything about the message but its signatures and the assertion's content, and returns the only
// assertion.
func envelope(root *element, p Params) (*element, error) {
	if !root.is(nsProtocol, "Response") || root.value("Version") != "2.0" || !messageID(root.value("ID")) {
		return nil, refuse("structure", "The message is not a SAML 2.0 response.")
	}
	if err := onlyOnce(root); err != nil {
		return nil, err
	}
	if err := status(root); err != nil {
		return nil, err
	}
	assertion, err := onlyAssertion(root)
	if err != nil {
		return nil, err
	}
	if err := addressed(root, p); err != nil {
		return nil, err
	}
	return assertion, nil
}

// onlyOnce refuses identifiers that occur twice, in any spelling of the attribute that some reader takes for an
// identifier: a reference must have one meaning only.
func onlyOnce(root *element) error {
	seen := map[string]bool{}
	var err error
	root.walk(func(e *element) {
		for _, a := range e.attrs {
			if !strings.EqualFold(a.local, "ID") || (a.space != "" && a.space != xmlNamespace) {
				continue
			}
			if seen[a.value] {
				err = refuse("structure", "Two elements of the SAML response have the same identifier.")
			}
			seen[a.value] = true
		}
	})
	return err
}

// onlyAssertion returns the assertion, which is a child of the response and the only one anywhere in it.
func onlyAssertion(root *element) (*element, error) {
	count, encrypted := 0, false
	root.walk(func(e *element) {
		if e.space != nsAssertion {
			return
		}
		switch e.local {
		case "Assertion":
			count++
		case "EncryptedAssertion", "EncryptedID", "EncryptedAttribute":
			encrypted = true
		}
	})
	if encrypted {
		return nil, refuse("encrypted", "The SAML response has encrypted parts. Turn token encryption off at the identity provider.")
	}
	assertion, ok := root.one(nsAssertion, "Assertion")
	if !ok || count != 1 || !root.elementsOnly() {
		return nil, refuse("structure", "The SAML response does not have exactly one assertion in its place.")
	}
	return assertion, nil
}

// status refuses an answer that is not a success, and tells the administrator what of it is safe to repeat.
func status(root *element) error {
	s, ok := root.one(nsProtocol, "Status")
	if !ok {
		return refuse("structure", "The SAML response has no status.")
	}
	code, ok := s.one(nsProtocol, "StatusCode")
	if !ok {
		return refuse("structure", "The SAML response has no status code.")
	}
	if code.value("Value") == statusSuccess {
		return nil
	}
	said := statusName(code.value("Value"))
	if second, ok := code.one(nsProtocol, "StatusCode"); ok {
		said += "/" + statusName(second.value("Value"))
	}
	if message, ok := s.one(nsProtocol, "StatusMessage"); ok {
		if text, ok := message.text(); ok {
			said += entraCode(text)
		}
	}
	return refuse("status", "The identity provider answered that it did not sign the person in (%s).", said)
}

// statusName returns the last word of a status URN of SAML 2.0 Core §3.2.2.2, or "unknown": only letters come through.
func statusName(urn string) string {
	name, ok := strings.CutPrefix(urn, "urn:oasis:names:tc:SAML:2.0:status:")
	if !ok || name == "" || len(name) > 40 || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz") != "" {
		return "unknown"
	}
	return name
}

// entraCode picks Entra ID's error code, such as AADSTS75011, from a status message.
func entraCode(message string) string {
	_, after, ok := strings.Cut(message, "AADSTS")
	if !ok {
		return ""
	}
	digits := after[:len(after)-len(strings.TrimLeft(after, "0123456789"))]
	if digits == "" || len(digits) > 10 {
		return ""
	}
	return ", AADSTS" + digits
}

// addressed checks who sent the response, where to, and in answer to what. For an unsigned response these are
// merely early refusals: the assertion repeats them, signed.
func addressed(root *element, p Params) error {
	if issuers := root.all(nsAssertion, "Issuer"); len(issuers) > 1 {
		return refuse("structure", "The SAML response has several issuers.")
	} else if len(issuers) == 1 {
		if text, ok := issuers[0].text(); !ok || text != p.Issuer {
			return wrongIssuer()
		}
	}
	if destination, has := root.attr("Destination"); has && !slices.Contains(p.Recipients, destination) || !has && !p.DestinationOptional {
		return refuse("destination", "The SAML response was not sent to this address. Compare the reply URL (ACS) at the identity provider with this server's.")
	}
	if _, ok := parseInstant(root.value("IssueInstant")); !ok {
		return refuse("structure", "The SAML response does not say when it was issued.")
	}
	inResponseTo, has := root.attr("InResponseTo")
	return answers(inResponseTo, has, p)
}

func wrongIssuer() error {
	return refuse("issuer", "The SAML response is from another issuer than the identity provider of this directory. Compare the entity ID in the identity provider's metadata.")
}

// answers checks an InResponseTo attribute.
func answers(id string, has bool, p Params) error {
	switch {
	case p.RequestID != "" && id != p.RequestID:
		return refuse("in-response-to", "The SAML response does not answer the sign-in request that is pending in this browser.")
	case p.RequestID != "", p.Unsolicited == CallerLooksUp, p.Unsolicited == IgnoreInResponseTo:
		return nil
	case p.Unsolicited == RefuseUnsolicited:
		return refuse("unsolicited", "No sign-in request is pending, and sign-in begun at the identity provider is not enabled.")
	case has:
		return refuse("in-response-to", "The SAML response answers a sign-in request that is not pending.")
	}
	return nil
}

// trusted verifies every signature of the response and returns the assertion as parsed from digested bytes.
func trusted(root, assertion *element, p Params) (*element, error) {
	rootSig, err := signatureIn(root)
	if err != nil {
		return nil, err
	}
	assertionSig, err := signatureIn(assertion)
	if err != nil {
		return nil, err
	}
	if err := noOtherSignatures(root, rootSig, assertionSig); err != nil {
		return nil, err
	}
	var fromRoot, fromAssertion *element
	if rootSig != nil {
		signedRoot, err := verifySignature(root, rootSig, p.Certificates)
		if err != nil {
			return nil, err
		}
		if fromRoot, err = envelope(signedRoot, p); err != nil {
			return nil, err
		}
	}
	if assertionSig != nil {
		if fromAssertion, err = verifySignature(assertion, assertionSig, p.Certificates); err != nil {
			return nil, err
		}
	}
	switch {
	case fromAssertion != nil:
		return fromAssertion, nil
	case fromRoot != nil:
		return fromRoot, nil
	}
	return nil, refuse("unsigned", "Neither the SAML response nor its assertion is signed.")
}

// signatureIn returns the signature that is a child of e, or nil when there is none.
func signatureIn(e *element) (*element, error) {
	found := e.all(nsSignature, "Signature")
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, refuse("signature-shape", "An element of the SAML response has several signatures.")
}

// noOtherSignatures refuses a signature anywhere but in the two places where one is looked for.
func noOtherSignatures(root *element, allowed ...*element) error {
	var err error
	root.walk(func(e *element) {
		if e.is(nsSignature, "Signature") && !slices.Contains(allowed, e) {
			err = refuse("signature-shape", "The SAML response has a signature in a place where none belongs.")
		}
	})
	return err
}

// ago says how long, roughly, for a diagnosis.
func ago(d time.Duration) string { return fmt.Sprint(d.Abs().Round(time.Second)) }
