package scimv2

import (
	"errors"
	"net/http"
	"slices"

	"gatehouse/internal/fault"
	"gatehouse/internal/scim"
)

// refusal is an answer that HTTP knows and the domain does not.
type refusal struct {
	status           int
	scimType, detail string
	// allow, challenge, retryAfter and etag are the headers Allow, WWW-Authenticate, Retry-After and ETag.
	allow, challenge, retryAfter, etag string
}

// Error implements error.
func (r *refusal) Error() string { return r.detail }

var (
	noEndpoint      = &refusal{status: http.StatusNotFound, detail: "there is no such endpoint"}
	unauthenticated = fault.New(fault.Unauthenticated, "the bearer token is missing, unknown, expired or of another directory")
)

// row says how a kind of fault is told.
type row struct {
	status int
	// scimType is used when the fault's reason is none of the RFC's.
	scimType   string
	retryAfter string
}

// kinds is the one table of this protocol (RFC 7644 §3.12).
var kinds = map[fault.Kind]row{
	fault.Internal:        {status: http.StatusInternalServerError},
	fault.Invalid:         {status: http.StatusBadRequest, scimType: scim.InvalidValue},
	fault.Unauthenticated: {status: http.StatusUnauthorized},
	fault.Denied:          {status: http.StatusForbidden},
	fault.NotFound:        {status: http.StatusNotFound},
	fault.Conflict:        {status: http.StatusConflict},
	fault.Quota:           {status: http.StatusBadRequest, scimType: scim.TooMany},
	fault.Throttled:       {status: http.StatusTooManyRequests, retryAfter: "1"},
	fault.Unavailable:     {status: http.StatusServiceUnavailable, retryAfter: "1"},
}

// scimTypes are the reasons that may be shown as scimType.
var scimTypes = []string{
	scim.InvalidFilter, scim.InvalidPath, scim.InvalidSyntax, scim.InvalidValue, scim.Mutability, scim.NoTarget,
	scim.TooMany, scim.Uniqueness, scim.InvalidCursor, scim.InvalidCount,
}

// wireError finds the answer for an error.
func wireError(err error) *refusal {
	var direct *refusal
	if errors.As(err, &direct) {
		return direct
	}
	f := fault.Of(err)
	t, ok := kinds[f.Kind]
	if !ok {
		t = kinds[fault.Internal]
	}
	e := &refusal{status: t.status, scimType: t.scimType, retryAfter: t.retryAfter, detail: fault.Shown(err)}
	if slices.Contains(scimTypes, f.Reason) {
		e.scimType = f.Reason
	}
	if f.Kind == fault.Unauthenticated {
		e.challenge = `Bearer realm="scim", error="invalid_token"`
	}
	return e
}
