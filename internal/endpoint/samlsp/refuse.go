package samlsp

import (
	"net/http"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

// errorPage is what a person sees when a sign-in fails.
type errorPage struct {
	// Name is the installation's, Heading and Text say what happened, Ref finds it in the log.
	Name, Heading, Text, Ref string
}

// sentences say by reason what a person can do. Every other reason is the administrator's business and one to her.
func (d *door) sentence(reason string) string {
	switch reason {
	case "unknown-user":
		return "Your identity provider knows you, but this server does not (yet). Ask your administrator to give you access."
	case "inactive":
		return "You may not sign in. Ask your administrator."
	case "browser":
		return "That sign-in was begun in another browser, or cookies are switched off. Open this server as " + d.URL + " and sign in there."
	case "expired", "session-expired":
		return "That sign-in took too long. Try again."
	case "used", "replay", "unknown":
		return "That sign-in was used already or is over. Try again."
	case "unknown-request", "unsolicited":
		return "This server was not waiting for that sign-in. Begin here."
	case "pending":
		return "Another sign-in is under way in this browser. Begin here."
	}
	return "The answer of your identity provider was refused. Try again; if it happens again, ask your administrator."
}

// advice says by reason what an administrator can do. Reasons are those of package saml, of signin and of this package.
func advice(reason string) string {
	switch reason {
	case "xml", "structure", "signature-shape", "reference", "transforms", "canonicalization", "encoding", "form", "too-large":
		return "The message is not what identity providers send. If it came from yours, compare the masked message with the provider's settings; if you do not know the address it came from, somebody may be trying."
	case "encrypted":
		return "Switch token encryption off for this application at the identity provider."
	case "status":
		return "The identity provider refused. Look for the person and the time in the provider's own sign-in log."
	case "issuer", "certificate", "signature":
		return "Compare the provider's entity ID and signing certificate with those of \"gatehouse idp show\", and bring its metadata in again with \"gatehouse idp set\". With Entra ID take the metadata address of this very application (with appid)."
	case "digest":
		return "Something between the identity provider and this server changes messages, or somebody tried to."
	case "destination", "recipient":
		return "Enter this server's reply URL (ACS) or logout URL at the identity provider exactly as \"gatehouse idp show\" gives it."
	case "audience":
		return "Enter this server's entity ID at the identity provider exactly as its metadata has it."
	case "expired", "not-yet-valid":
		return "Compare the clocks of this server and of the identity provider."
	case "session-expired":
		return "The person's session at the identity provider is over; she signs in there again."
	case "unsigned":
		return "Let the identity provider sign its assertions, its responses, or both, and its logout requests."
	case "signature-algorithm", "digest-algorithm":
		return "Set the identity provider to sign with RSA or ECDSA and SHA-256 or better."
	case "unsolicited", "in-response-to":
		return "People begin at this server's portal. Sign-ins that begin at the provider are allowed with \"gatehouse idp set --idp-initiated\"."
	case "pending", "unknown-request", "used", "replay", "unknown", "browser":
		return "The person begins again at the portal, in one browser and with cookies. If it happens again and again, look at the address it came from: somebody may show stolen or foreign answers."
	case "unknown-user", "name-id", "subject":
		return "Let the provider send as NameID exactly the user name that it pushes by SCIM, assign the person to the application, and let provisioning run; or switch on just-in-time creation."
	case "inactive":
		return "The user is disabled. Enable her in the directory that owns her."
	case "removed":
		return "The directory was removed. People sign in another way from now on."
	case "attributes", "just-in-time":
		return "Correct the attributes that the identity provider sends with the assertion."
	case "condition", "authn-statement":
		return "The assertion lacks a part of the web browser profile, or has one that is not understood; compare the masked message with the provider's settings."
	}
	return "Look into the server's log under the reference."
}

// statuses is the table of errors. To a browser it makes no difference whether the identity provider's word or the person was refused.
func statusOf(k fault.Kind) (status int, heading string) {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest, "That did not work"
	case fault.Unauthenticated, fault.Denied:
		return http.StatusForbidden, "You are not signed in"
	case fault.NotFound:
		return http.StatusNotFound, "Nothing here"
	case fault.Conflict, fault.Quota:
		return http.StatusConflict, "That did not work"
	case fault.Throttled:
		return http.StatusTooManyRequests, "Too many tries"
	case fault.Unavailable:
		return http.StatusServiceUnavailable, "Not available just now"
	}
	return http.StatusInternalServerError, "Something broke"
}

// sighting is what is known of a message that is refused.
type sighting struct {
	source string
	// message is the decoded message, if there was one.
	message []byte
	// vouched says that its signature was good; requestID is then the request that it answers.
	vouched   bool
	requestID string
}

// refuse ends a sign-in or a logout: the reason goes to the log and into a record for administrators, a sentence to the person.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, seen sighting, err error) {
	f, ref := fault.Of(err), audit.OriginOf(r.Context()).RequestID
	if status, _ := statusOf(f.Kind); status >= http.StatusInternalServerError {
		d.fail(w, r, err)
		return
	}
	d.Log.WarnContext(r.Context(), "samlsp: a sign-in was refused", "source", seen.source, "reason", f.Reason, "why", f.Message, "requestId", ref)
	limit := d.notes
	if seen.vouched {
		limit = d.vouched
	}
	if limit.AllowN(d.Now(), 1) {
		record := signin.Failure{SourceID: seen.source, Vouched: seen.vouched, Reason: f.Reason, Why: f.Message, Advice: advice(f.Reason), RequestID: seen.requestID}
		record.Message, _ = saml.Masked(seen.message)
		if _, err := d.SignIn.Fail(r.Context(), record); err != nil {
			d.Log.ErrorContext(r.Context(), "samlsp: a refusal could not be recorded", "requestId", ref, "error", err)
		}
	}
	status, heading := statusOf(f.Kind)
	d.show(w, r, status, "error.html", errorPage{Name: d.Name, Heading: heading, Text: d.sentence(f.Reason), Ref: ref})
}

// fail shows an error that has nothing to do with whether a sign-in is to be believed.
func (d *door) fail(w http.ResponseWriter, r *http.Request, err error) {
	f, ref := fault.Of(err), audit.OriginOf(r.Context()).RequestID
	status, heading := statusOf(f.Kind)
	if status >= http.StatusInternalServerError {
		d.Log.ErrorContext(r.Context(), "samlsp: a request failed", "path", r.URL.Path, "requestId", ref, "error", err)
	}
	d.show(w, r, status, "error.html", errorPage{Name: d.Name, Heading: heading, Text: fault.Shown(err), Ref: ref})
}
