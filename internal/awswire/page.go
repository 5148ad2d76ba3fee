package awswire

import (
	"crypto/sha256"
	"encoding/base64"

	"gatehouse/internal/fault"
)

// Page tokens carry the domain's cursor and a fingerprint of it and of what was being listed: a token of one
// operation, or of one operation with other parameters, is refused instead of continuing somewhere
// surprising, and so is one that was cut or altered on its way. The cursor is a position in what the caller may list anyway, so the token is no
// secret and the fingerprint needs no key.

const fingerprintSize = 12

// maxCursor bounds the token; sso-admin's own limit is 2048 characters.
const maxCursor = 1024

// PageToken returns the token for cursor, or nil for an empty one, which ends the list. what names the operation and
// every parameter that selects what is listed (not the page size).
func PageToken(cursor string, what ...string) *string {
	if cursor == "" {
		return nil
	}
	f := fingerprint(what, cursor)
	return new(base64.RawURLEncoding.EncodeToString(append(f[:], cursor...)))
}

// Cursor returns the cursor in a token that PageToken made for the same what; nil or empty gives the beginning. Any
// other token is an Invalid fault.
func Cursor(token *string, what ...string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*token)
	if err == nil && len(raw) > fingerprintSize && len(raw) <= fingerprintSize+maxCursor {
		cursor := string(raw[fingerprintSize:])
		if f := fingerprint(what, cursor); [fingerprintSize]byte(raw) == f {
			return cursor, nil
		}
	}
	return "", fault.New(fault.Invalid, "The NextToken is not one that this operation returned for these parameters.").At("NextToken")
}

func fingerprint(what []string, cursor string) (f [fingerprintSize]byte) {
	h := sha256.New()
	for _, w := range append(what[:len(what):len(what)], cursor) {
		n := len(w)
		h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) // lengths keep ("ab","c") from ("a","bc")
		h.Write([]byte(w))
	}
	copy(f[:], h.Sum(nil))
	return f
}

// Limit returns the page size that a request asks for, or the default of 100, which is also AWS's most.
func Limit(maxResults *int32) int {
	const most = 100
	if maxResults == nil || *maxResults < 1 || *maxResults > most {
		return most
	}
	return int(*maxResults)
}

// Page cuts rows to limit. The caller asked the store for one row more; if it is there, cursor is the key of
// the last row that is kept, else empty.
func Page[T any](rows []T, limit int, key func(T) string) (page []T, cursor string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], key(rows[limit-1])
}
