package ssooidc

import (
	"net/http"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// wireError is one row: the error's name to AWS's clients, to OAuth, and its status.
type wireError struct {
	name, oauth string
	status      int
}

var (
	invalidRequest = wireError{"InvalidRequestException", signin.InvalidRequest, http.StatusBadRequest}
	serverError    = wireError{"InternalServerException", "server_error", http.StatusInternalServerError}
)

// byReason is the table for faults that name an OAuth error.
var byReason = map[string]wireError{
	signin.AuthorizationPending:  {"AuthorizationPendingException", signin.AuthorizationPending, http.StatusBadRequest},
	signin.SlowDown:              {"SlowDownException", signin.SlowDown, http.StatusBadRequest},
	signin.ExpiredToken:          {"ExpiredTokenException", signin.ExpiredToken, http.StatusBadRequest},
	signin.AccessDenied:          {"AccessDeniedException", signin.AccessDenied, http.StatusBadRequest},
	signin.InvalidGrant:          {"InvalidGrantException", signin.InvalidGrant, http.StatusBadRequest},
	signin.InvalidClient:         {"InvalidClientException", signin.InvalidClient, http.StatusUnauthorized},
	signin.UnauthorizedClient:    {"UnauthorizedClientException", signin.UnauthorizedClient, http.StatusBadRequest},
	signin.UnsupportedGrantType:  {"UnsupportedGrantTypeException", signin.UnsupportedGrantType, http.StatusBadRequest},
	signin.InvalidScope:          {"InvalidScopeException", signin.InvalidScope, http.StatusBadRequest},
	signin.InvalidClientMetadata: {"InvalidClientMetadataException", signin.InvalidClientMetadata, http.StatusBadRequest},
	signin.InvalidRedirectURI:    {"InvalidRedirectUriException", signin.InvalidRedirectURI, http.StatusBadRequest},
}

// byKind is the table for the others.
var byKind = map[fault.Kind]wireError{
	fault.Invalid:         invalidRequest,
	fault.NotFound:        invalidRequest,
	fault.Conflict:        invalidRequest,
	fault.Quota:           invalidRequest,
	fault.Unauthenticated: {"InvalidClientException", signin.InvalidClient, http.StatusUnauthorized},
	fault.Denied:          {"AccessDeniedException", signin.AccessDenied, http.StatusBadRequest},
	fault.Throttled:       {"SlowDownException", signin.SlowDown, http.StatusBadRequest},
}

// onWire says how an error is told. What no row knows is server_error.
func onWire(err error) wireError {
	f := fault.Of(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return serverError
	}
	if e, ok := byReason[f.Reason]; ok {
		return e
	}
	if e, ok := byKind[f.Kind]; ok {
		return e
	}
	return serverError
}

// errorBody is RFC 6749 §5.2.
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitzero"`
}

// refuse answers an error. The CLI aborts on one without the header, even on authorization_pending.
func (d door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := onWire(err)
	if e.status >= http.StatusInternalServerError {
		d.Log.ErrorContext(r.Context(), "sso-oidc: a request failed", "path", r.URL.Path, "error", err)
	}
	body, _ := awswire.EncodeJSON(errorBody{e.oauth, strings.ToValidUTF8(fault.Shown(err), "�")}) // two valid strings always encode
	awswire.WriteRESTError(w, audit.OriginOf(r.Context()).RequestID, awswire.WireError{Code: e.name, Status: e.status}, body)
}
