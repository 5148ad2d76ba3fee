package awslogin

import (
	"net/http"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// wireError is one row: the error's name, the code by which clients tell what to do, and the status.
type wireError struct {
	name, code string
	status     int
}

var (
	invalid = wireError{"ValidationException", "INVALID_REQUEST", http.StatusBadRequest}
	broken  = wireError{"InternalServerException", "server_error", http.StatusInternalServerError}
)

// onWire says how an error is told. What is wrong with a code or a token sends the person through the sign-in again, whatever it is.
func onWire(grantType string, err error) wireError {
	f := fault.Of(err)
	switch {
	case f.Reason == signin.InvalidGrant && grantType == "refresh_token":
		return wireError{"AccessDeniedException", "TOKEN_EXPIRED", http.StatusUnauthorized}
	case f.Reason == signin.InvalidGrant:
		return wireError{"AccessDeniedException", "AUTHCODE_EXPIRED", http.StatusUnauthorized}
	case f.Reason == signin.AccessDenied:
		return wireError{"AccessDeniedException", "USER_CREDENTIALS_CHANGED", http.StatusForbidden}
	case f.Kind == fault.Denied:
		return wireError{"AccessDeniedException", "INSUFFICIENT_PERMISSIONS", http.StatusForbidden}
	case f.Kind == fault.Throttled:
		return wireError{"TooManyRequestsError", "INVALID_REQUEST", http.StatusTooManyRequests}
	case f.Kind == fault.Internal, f.Kind == fault.Unavailable:
		return broken
	}
	return invalid
}

type errorBody struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

func (d door) refuse(w http.ResponseWriter, r *http.Request, grantType string, err error) {
	e := onWire(grantType, err)
	if e == broken {
		d.Log.ErrorContext(r.Context(), "signin: a request failed", "path", r.URL.Path, "error", err)
	}
	body, _ := awswire.EncodeJSON(errorBody{e.code, fault.Shown(err)}) // two strings always encode
	awswire.WriteRESTError(w, audit.OriginOf(r.Context()).RequestID, awswire.WireError{Code: e.name, Status: e.status}, body)
}
