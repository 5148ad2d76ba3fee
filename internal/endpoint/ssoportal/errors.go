package ssoportal

import (
	"net/http"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

// wireError is one row: the error's name and its status.
type wireError struct {
	name   string
	status int
}

// byKind is the table of errors. What is not in it is an InternalServerException, which shows nothing.
var byKind = map[fault.Kind]wireError{
	fault.Invalid:         {"InvalidRequestException", http.StatusBadRequest},
	fault.Conflict:        {"InvalidRequestException", http.StatusBadRequest},
	fault.Quota:           {"InvalidRequestException", http.StatusBadRequest},
	fault.Unauthenticated: {"UnauthorizedException", http.StatusUnauthorized},
	fault.Denied:          {"ForbiddenException", http.StatusForbidden},
	fault.NotFound:        {"ResourceNotFoundException", http.StatusNotFound},
	fault.Throttled:       {"TooManyRequestsException", http.StatusTooManyRequests},
	fault.Unavailable:     {"ServiceUnavailableException", http.StatusServiceUnavailable},
}

type errorBody struct {
	Message string `json:"message"`
	Type    string `json:"__type"`
}

// refuse answers an error, named in the header and in the body, as clients look in either.
func (d door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := byKind[fault.Of(err).Kind]
	if !ok {
		e = wireError{"InternalServerException", http.StatusInternalServerError}
	}
	if e.status >= http.StatusInternalServerError {
		d.Log.ErrorContext(r.Context(), "sso: a request failed", "path", r.URL.Path, "error", err)
	}
	body, _ := awswire.EncodeJSON(errorBody{strings.ToValidUTF8(fault.Shown(err), "�"), e.name}) // two valid strings always encode
	awswire.WriteRESTError(w, audit.OriginOf(r.Context()).RequestID, awswire.WireError{Code: e.name, Status: e.status}, body)
}
