package ssooidc

import (
	"strings"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// wireError is one row: the error's name to AWS's clients, and to OAuth. Statuses are the model's.
type wireError struct{ name, oauth string }

var (
	invalidRequest = wireError{"InvalidRequestException", signin.InvalidRequest}
	serverError    = wireError{"InternalServerException", "server_error"}
)

// byReason is the table for faults that name an OAuth error.
var byReason = map[string]wireError{
	signin.AuthorizationPending:  {"AuthorizationPendingException", signin.AuthorizationPending},
	signin.SlowDown:              {"SlowDownException", signin.SlowDown},
	signin.ExpiredToken:          {"ExpiredTokenException", signin.ExpiredToken},
	signin.AccessDenied:          {"AccessDeniedException", signin.AccessDenied},
	signin.InvalidGrant:          {"InvalidGrantException", signin.InvalidGrant},
	signin.InvalidClient:         {"InvalidClientException", signin.InvalidClient},
	signin.UnauthorizedClient:    {"UnauthorizedClientException", signin.UnauthorizedClient},
	signin.UnsupportedGrantType:  {"UnsupportedGrantTypeException", signin.UnsupportedGrantType},
	signin.InvalidScope:          {"InvalidScopeException", signin.InvalidScope},
	signin.InvalidClientMetadata: {"InvalidClientMetadataException", signin.InvalidClientMetadata},
	signin.InvalidRedirectURI:    {"InvalidRedirectUriException", signin.InvalidRedirectURI},
}

// byKind is the table for the others.
var byKind = map[fault.Kind]wireError{
	fault.Invalid:         invalidRequest,
	fault.NotFound:        invalidRequest,
	fault.Conflict:        invalidRequest,
	fault.Quota:           invalidRequest,
	fault.Unauthenticated: {"InvalidClientException", signin.InvalidClient},
	fault.Denied:          {"AccessDeniedException", signin.AccessDenied},
	fault.Throttled:       {"SlowDownException", signin.SlowDown},
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

// wireErrors chooses the API's code.
func wireErrors(_ string, err error, e awswire.WireError) awswire.WireError {
	w := onWire(err)
	e.Code = w.name
	return e.With("error", w.oauth)
}

// oauthBody is RFC 6749 §5.2.
type oauthBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitzero"`
}

// errorBody writes OAuth's form. What is wrong with a signature or a path is no error of OAuth's, and has the protocol's own form.
func errorBody(e awswire.WireError) []byte {
	for _, m := range e.Members {
		if m.Name == "error" {
			body, _ := awswire.EncodeJSON(oauthBody{m.Value, strings.ToValidUTF8(e.Message, "\uFFFD")}) // two valid strings always encode
			return body
		}
	}
	return nil
}
