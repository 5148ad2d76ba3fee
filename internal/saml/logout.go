package saml

import (
	"time"
)

// LogoutRequest asks a peer to end sessions of a person (SAML 2.0 Core §3.7.1).
type LogoutRequest struct {
	// ID is the request's identifier, from [NewID]; the answer comes back with it as InResponseTo.
	ID string
	// IssueInstant is when it was made.
	IssueInstant time.Time
	// Issuer is the sender's entity ID, Destination the address it is sent to.
	Issuer, Destination string
	// NameID is the person, exactly as the assertion named her, NameIDFormat the URN of the name's format ("" when not said).
	NameID, NameIDFormat string
	// SessionIndexes are the sessions to end; empty means all of the person's.
	SessionIndexes []string
	// ReplayUntil is until when a request that was verified must be remembered, so that it is taken once. It is not written.
	ReplayUntil time.Time
}

// XML returns the request as a document, unsigned.
func (r LogoutRequest) XML() []byte {
	w := &markup{}
	w.open("samlp:LogoutRequest", "xmlns:samlp", nsProtocol, "ID", r.ID, "Version", "2.0", "IssueInstant", Instant(r.IssueInstant), "Destination", r.Destination)
	w.issuer(r.Issuer)
	w.open("NameID", "xmlns", nsAssertion, "Format", r.NameIDFormat)
	escapeInto(&w.Buffer, r.NameID)
	w.close("NameID")
	for _, index := range r.SessionIndexes {
		w.leaf("samlp:SessionIndex", index)
	}
	w.close("samlp:LogoutRequest")
	return w.Bytes()
}

func (w *markup) issuer(name string) {
	w.open("Issuer", "xmlns", nsAssertion)
	escapeInto(&w.Buffer, name)
	w.close("Issuer")
}

// RedirectURL returns the signed request for the HTTP-Redirect binding, PostForm for the HTTP-POST binding. relayState is left out when empty.
func (r LogoutRequest) RedirectURL(relayState string, signer *Signer) (string, error) {
	return redirectURL(r.Destination, FieldRequest, r.XML(), relayState, signer)
}

// PostForm is described with RedirectURL.
func (r LogoutRequest) PostForm(relayState string, signer *Signer) (PostForm, error) {
	return postForm(r.Destination, FieldRequest, r.ID, r.XML(), relayState, signer)
}

// maxIndexes bounds how many sessions one request may name.
const maxIndexes = 100

// VerifyLogoutRequest decides whether a message is a logout request of the peer for us, and returns what it says, read from signed bytes alone.
// A request that is not signed is refused: anybody could end anybody's session by it. The caller must take a request once
// ([LogoutRequest.ReplayUntil]).
//
// Faults are as for [Verify]: kind Unauthenticated, whose reason is the check that failed.
//
// Source: SAML 2.0 Core §3.7.3.2, Profiles §4.4.
func VerifyLogoutRequest(m Message, p Peer) (LogoutRequest, error) {
	root, until, err := m.open("LogoutRequest", p)
	if err != nil {
		return LogoutRequest{}, err
	}
	r := LogoutRequest{ID: root.value("ID"), Issuer: p.Issuer, Destination: p.Destination, ReplayUntil: until}
	r.IssueInstant, _ = parseInstant(root.value("IssueInstant")) // open has read it
	if text, has := root.attr("NotOnOrAfter"); has {
		if end, ok := parseInstant(text); !ok {
			return LogoutRequest{}, refuse("structure", "A time in the logout request is malformed.")
		} else if !end.After(p.Now.Add(-DefaultSkew)) {
			return LogoutRequest{}, refuse("expired", "The logout request expired %s ago.", ago(p.Now.Sub(end)))
		}
	}
	name, ok := root.one(nsAssertion, "NameID")
	if !ok {
		return LogoutRequest{}, refuse("name-id", "The logout request does not have exactly one NameID in clear.")
	}
	if r.NameID, ok = name.text(); !ok || !cleanName(r.NameID) {
		return LogoutRequest{}, refuse("name-id", "The NameID is empty, longer than 1,024 characters, or has spaces around it or control characters in it.")
	}
	r.NameIDFormat = name.value("Format")
	for _, e := range root.all(nsProtocol, "SessionIndex") {
		index, ok := e.text()
		if !ok || index == "" || len(index) > 1024 || len(r.SessionIndexes) == maxIndexes {
			return LogoutRequest{}, refuse("structure", "The logout request names a session badly, or more than %d.", maxIndexes)
		}
		r.SessionIndexes = append(r.SessionIndexes, index)
	}
	return r, nil
}

// LogoutResponse answers a logout request (SAML 2.0 Core §3.7.2).
type LogoutResponse struct {
	// ID is the response's identifier, InResponseTo the request's.
	ID, InResponseTo string
	// IssueInstant is when it was made.
	IssueInstant time.Time
	// Issuer is the sender's entity ID, Destination the address it is sent to.
	Issuer, Destination string
	// Success says whether everything was ended that was to be.
	Success bool
}

// XML returns the response as a document, unsigned.
func (r LogoutResponse) XML() []byte {
	w := &markup{}
	w.open("samlp:LogoutResponse", "xmlns:samlp", nsProtocol, "ID", r.ID, "Version", "2.0", "IssueInstant", Instant(r.IssueInstant),
		"Destination", r.Destination, "InResponseTo", r.InResponseTo)
	w.issuer(r.Issuer)
	status := statusSuccess
	if !r.Success {
		status = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	}
	w.open("samlp:Status")
	w.open("samlp:StatusCode", "Value", status)
	w.close("samlp:StatusCode", "samlp:Status", "samlp:LogoutResponse")
	return w.Bytes()
}

// RedirectURL and PostForm are as those of [LogoutRequest].
func (r LogoutResponse) RedirectURL(relayState string, signer *Signer) (string, error) {
	return redirectURL(r.Destination, FieldResponse, r.XML(), relayState, signer)
}

// PostForm is described with RedirectURL.
func (r LogoutResponse) PostForm(relayState string, signer *Signer) (PostForm, error) {
	return postForm(r.Destination, FieldResponse, r.ID, r.XML(), relayState, signer)
}

// VerifyLogoutResponse reads a logout response of the peer. Faults are as for [VerifyLogoutRequest].
//
// Source: SAML 2.0 Core §3.7.2.
func VerifyLogoutResponse(m Message, p Peer) (LogoutResponse, error) {
	root, _, err := m.open("LogoutResponse", p)
	if err != nil {
		return LogoutResponse{}, err
	}
	r := LogoutResponse{ID: root.value("ID"), InResponseTo: root.value("InResponseTo"), Issuer: p.Issuer, Destination: p.Destination}
	r.IssueInstant, _ = parseInstant(root.value("IssueInstant"))
	r.Success = status(root) == nil
	return r, nil
}
