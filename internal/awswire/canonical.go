package awswire

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sort"
	"strconv"
	"strings"
)

// The canonical request of Signature Version 4, and the encoding it is made of.

// canonical writes the canonical request: method, path, query, headers, list of headers, body hash.
func (s *Signature) canonical(r *http.Request, body []byte) ([]byte, error) {
	q, err := splitQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	b := make([]byte, 0, 1024)
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendEscaped(b, path, true) // the path is encoded twice by every service but S3
	b = append(b, '\n')
	b = q.appendCanonical(b, s.presigned)
	b = append(b, '\n')
	for _, name := range s.headers {
		if b, err = appendHeader(b, name, r); err != nil {
			return nil, err
		}
	}
	b = append(b, '\n')
	b = append(b, strings.Join(s.headers, ";")...)
	b = append(b, '\n')
	sum := sha256.Sum256(body)
	return hex.AppendEncode(b, sum[:]), nil
}

// appendHeader writes "name:value\n": values joined by commas, inner blanks folded.
func appendHeader(b []byte, name string, r *http.Request) ([]byte, error) {
	var values []string
	switch name {
	case "host":
		values = []string{r.Host}
	case "content-length": // net/http keeps this one apart
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	default:
		values = r.Header.Values(name)
		if len(values) == 0 {
			return nil, mismatch("The header %s is signed and not present.", clip(name))
		}
	}
	b = append(b, name...)
	b = append(b, ':')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFolded(b, strings.Trim(v, " \t"))
	}
	return append(b, '\n'), nil
}

// appendFolded writes runs of blanks as one.
func appendFolded(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] != ' ' || i == 0 || s[i-1] != ' ' {
			b = append(b, s[i])
		}
	}
	return b
}

// query is a decoded query string, in its order.
type query []parameter

type parameter struct{ name, value string }

func (q query) get(name string) (string, bool) {
	for _, p := range q {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

func splitQuery(raw string) (query, error) {
	var q query
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		if len(q) == MaxParameters {
			return nil, incomplete("There are more than %d parameters.", MaxParameters)
		}
		name, value, _ := strings.Cut(pair, "=")
		n, ok1 := unescape(name)
		v, ok2 := unescape(value)
		if !ok1 || !ok2 {
			return nil, incomplete("The query string is not valid percent-encoding.")
		}
		q = append(q, parameter{n, v})
	}
	return q, nil
}

// appendCanonical writes the parameters sorted by their encoded names, then values. A presigned
// request's own signature is not part of what it signs.
func (q query) appendCanonical(b []byte, presigned bool) []byte {
	pairs := make([]string, 0, len(q))
	for _, p := range q {
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		pair := appendEscaped(nil, p.name, false)
		pair = append(pair, '\x00') // sorts before every encoded character, so that names decide first
		pairs = append(pairs, string(appendEscaped(pair, p.value, false)))
	}
	sort.Strings(pairs)
	for i, pair := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		name, value, _ := strings.Cut(pair, "\x00")
		b = append(append(append(b, name...), '='), value...)
	}
	return b
}

const upperHex = "0123456789ABCDEF"

// appendEscaped percent-encodes all but RFC 3986's unreserved characters, and the slash of a path.
func appendEscaped(b []byte, s string, path bool) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~', path && c == '/':
			b = append(b, c)
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// unescape decodes percent-encoding and "+"; it reports false where an escape is broken.
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			b = append(b, byte(v))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b), true
}
