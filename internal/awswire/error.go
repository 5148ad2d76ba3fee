package awswire

import (
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/internal/fault"
)

// Reasons of Unauthenticated faults. An Authenticator that finds a key unknown or a token expired says
// so with these; every other refusal is made here.
const (
	// ReasonMissing: the request carries no signature.
	ReasonMissing = "missing"
	// ReasonIncomplete: the signature's parts are not all there or not well formed.
	ReasonIncomplete = "incomplete"
	// ReasonUnknownKey: no such access key, or the session token is not its own.
	ReasonUnknownKey = "unknown-key"
	// ReasonSignature: the signature is not that of this request by this key at this time.
	ReasonSignature = "signature"
	// ReasonExpired: the session token has expired.
	ReasonExpired = "expired"
)

// WireError is an error as a protocol shows it.
type WireError struct {
	// Code is the name that clients act on, such as "ConflictException".
	Code string
	// Status is the HTTP status; zero means what the service's model says, or 400.
	Status int
	// Message is for people.
	Message string
	// RequestID is the id of the request, for services that repeat it in the body.
	RequestID string
	// Members are further members of the error's body (JSON protocols), in order.
	Members []Member
}

// Member is one further member of an error's body. An empty value is left out.
type Member struct{ Name, Value string }

// With returns a copy of e with one more member.
func (e WireError) With(name, value string) WireError {
	e.Members = append(e.Members[:len(e.Members):len(e.Members)], Member{name, value})
	return e
}

// codes is one protocol's table from fault kinds (and the reasons of this package) to error codes.
type codes struct {
	kinds   map[fault.Kind]coded
	reasons map[string]coded
}

type coded struct {
	code   string
	status int
}

// jsonCodes is the table of AWS JSON 1.1 services.
var jsonCodes = codes{
	kinds: map[fault.Kind]coded{
		fault.Internal:        {"InternalServerException", 500},
		fault.Invalid:         {"ValidationException", 400},
		fault.Unauthenticated: {"UnrecognizedClientException", 400},
		fault.Denied:          {"AccessDeniedException", 400},
		fault.NotFound:        {"ResourceNotFoundException", 400},
		fault.Conflict:        {"ConflictException", 400},
		fault.Quota:           {"ServiceQuotaExceededException", 400},
		fault.Throttled:       {"ThrottlingException", 400},
		fault.Unavailable:     {"ServiceUnavailableException", 503},
	},
	reasons: map[string]coded{
		ReasonMissing:          {"MissingAuthenticationTokenException", 400},
		ReasonIncomplete:       {"IncompleteSignatureException", 400},
		ReasonUnknownKey:       {"UnrecognizedClientException", 400},
		ReasonSignature:        {"InvalidSignatureException", 400},
		ReasonExpired:          {"ExpiredTokenException", 400},
		ReasonSerialization:    {"SerializationException", 400},
		ReasonTooLarge:         {"RequestEntityTooLargeException", 413},
		ReasonUnknownOperation: {"UnknownOperationException", 400},
		ReasonUnimplemented:    {"UnsupportedOperationException", 400},
	},
}

// queryCodes is the table of AWS Query services.
var queryCodes = codes{
	kinds: map[fault.Kind]coded{
		fault.Internal:        {"InternalFailure", 500},
		fault.Invalid:         {"ValidationError", 400},
		fault.Unauthenticated: {"InvalidClientTokenId", 403},
		fault.Denied:          {"AccessDenied", 403},
		fault.NotFound:        {"NoSuchEntity", 404},
		fault.Conflict:        {"EntityAlreadyExists", 409},
		fault.Quota:           {"LimitExceeded", 409},
		fault.Throttled:       {"Throttling", 400},
		fault.Unavailable:     {"ServiceUnavailable", 503},
	},
	reasons: map[string]coded{
		ReasonMissing:          {"MissingAuthenticationToken", 403},
		ReasonIncomplete:       {"IncompleteSignature", 400},
		ReasonUnknownKey:       {"InvalidClientTokenId", 403},
		ReasonSignature:        {"SignatureDoesNotMatch", 403},
		ReasonExpired:          {"ExpiredToken", 403},
		ReasonSerialization:    {"MalformedInput", 400},
		ReasonTooLarge:         {"RequestEntityTooLarge", 413},
		ReasonUnknownOperation: {"InvalidAction", 400},
		ReasonUnimplemented:    {"UnsupportedOperation", 400},
	},
}

// restCodes is the table of rest-json services: the names of JSON 1.1 with HTTP's own statuses.
var restCodes = codes{
	kinds: map[fault.Kind]coded{
		fault.Internal:        {"InternalServerException", 500},
		fault.Invalid:         {"ValidationException", 400},
		fault.Unauthenticated: {"UnrecognizedClientException", 403},
		fault.Denied:          {"AccessDeniedException", 403},
		fault.NotFound:        {"ResourceNotFoundException", 404},
		fault.Conflict:        {"ConflictException", 409},
		fault.Quota:           {"ServiceQuotaExceededException", 402},
		fault.Throttled:       {"ThrottlingException", 429},
		fault.Unavailable:     {"ServiceUnavailableException", 503},
	},
	reasons: map[string]coded{
		ReasonMissing:          {"MissingAuthenticationTokenException", 403},
		ReasonIncomplete:       {"IncompleteSignatureException", 400},
		ReasonUnknownKey:       {"UnrecognizedClientException", 403},
		ReasonSignature:        {"InvalidSignatureException", 403},
		ReasonExpired:          {"ExpiredTokenException", 403},
		ReasonSerialization:    {"SerializationException", 400},
		ReasonTooLarge:         {"RequestEntityTooLargeException", 413},
		ReasonUnknownOperation: {"UnknownOperationException", 404},
		ReasonWrongMethod:      {"UnknownOperationException", 405},
		ReasonUnimplemented:    {"UnsupportedOperationException", 400},
	},
}

// table returns the protocol's table.
func (p Protocol) table() *codes {
	switch p {
	case Query:
		return &queryCodes
	case REST:
		return &restCodes
	}
	return &jsonCodes
}

// wireError turns any error into what the protocol shows. The reasons of this package count only
// within their own kinds: a NotFound whose Reason happens to read "expired" stays a NotFound.
func (p Protocol) wireError(err error, requestID string) WireError {
	f := fault.Of(err)
	t := p.table()
	c := t.kinds[f.Kind]
	if f.Kind == fault.Invalid || f.Kind == fault.Unauthenticated {
		if r, ok := t.reasons[f.Reason]; ok {
			c = r
		}
	}
	return WireError{Code: c.code, Status: c.status, Message: fault.Shown(f), RequestID: requestID}
}

// encodeJSONError writes {"__type":…,"Message":…} and the further members.
func encodeJSONError(e WireError) []byte { return encodeError("Message", e) }

// encodeRESTError writes {"__type":…,"message":…} and the further members; the name is in x-amzn-ErrorType too, which not every client reads.
func encodeRESTError(e WireError) []byte { return encodeError("message", e) }

func encodeError(message string, e WireError) []byte {
	b := []byte(`{"__type":`)
	b = quote(b, e.Code)
	b = append(b, `,"`+message+`":`...)
	b = quote(b, e.Message)
	for _, m := range e.Members {
		if m.Value == "" {
			continue
		}
		b = append(b, ',')
		b = quote(b, m.Name)
		b = append(b, ':')
		b = quote(b, m.Value)
	}
	return append(b, '}')
}

// quote appends s as a JSON string; bytes that are not UTF-8 become U+FFFD.
func quote(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
