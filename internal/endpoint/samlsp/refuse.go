package samlsp

import (
	"net/http"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
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

// refuse ends a sign-in: the reason goes to the log and the audit trail, a sentence to the person. requestID is empty
// unless an answer with a good signature named it.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, sourceID, requestID string, err error) {
	f, ref := fault.Of(err), audit.OriginOf(r.Context()).RequestID
	if status, _ := statusOf(f.Kind); status >= http.StatusInternalServerError {
		d.fail(w, r, err)
		return
	}
	d.Log.WarnContext(r.Context(), "samlsp: a sign-in was refused", "source", sourceID, "reason", f.Reason, "why", f.Message, "requestId", ref)
	if d.notes.AllowN(d.Now(), 1) {
		if err := d.SignIn.Refuse(r.Context(), sourceID, requestID, f.Reason+": "+f.Message); err != nil {
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
