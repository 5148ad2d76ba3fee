package scimlog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Masked stands where a secret stood.
const Masked = "(masked)"

// leastSecret is how long a secret must be to be looked for where nobody expects it: shorter ones are parts of ordinary words.
const leastSecret = 4

// maxSecrets bounds how many secrets of one part of a request are looked for where nobody expects them, which costs time for each and each text. Whatever is
// called a secret is masked where it stands, however many there are.
const maxSecrets = 200

// maxDepth bounds the nesting of a body that is kept, as the door bounds it.
const maxDepth = 32

// words are what names of secrets are made of, without the separators between them.
var words = []string{
	"password", "passwort", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "apikey", "accesskey", "privatekey", "credential", "authorization", "bearer", "cookie",
}

// secretName reports whether what is called so is a secret: "password", "urn:example:User:api_key", "Operations[0].clientSecret". Names are compared as
// SCIM compares them (RFC 7643 §2.1), and a little more widely, since a log that hides too much is better than one that hides too little.
func secretName(name string) bool {
	s := squeezed(name)
	return s == "pin" || hasWord(s)
}

func hasWord(squeezed string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(squeezed, w) })
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "", " ", "", ":", "", "/", "")

// squeezed is a text folded, without the separators that names are written with.
func squeezed(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			return separators.Replace(folded(s))
		case 'A' <= c && c <= 'Z':
			b = append(b, c-'A'+'a')
		case c != '-' && c != '_' && c != '.' && c != ' ' && c != ':' && c != '/':
			b = append(b, c)
		}
	}
	return string(b)
}

// folded lowers a text; the long s and the sign of Kelvin become the letters that they equal.
func folded(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.ToLower(strings.ToUpper(s))
		}
	}
	return strings.ToLower(s)
}

// MaskBody returns what may be kept of a JSON body: values whose names, or whose paths in a PATCH, are those of secrets are replaced, and so are the given
// secrets wherever they stand. It also returns the secrets that it met. Of a body that cannot be read nothing is kept but its size and where it broke.
func MaskBody(body []byte, secrets []string) (Body, []string) {
	out := Body{Size: len(body)}
	if len(bytes.TrimSpace(body)) == 0 {
		return out, nil
	}
	if plain(body, secrets) {
		out.Text, out.Cut = cut(string(body))
		return out, nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	v, err := read(d, 0)
	if err == nil {
		if _, after := d.ReadToken(); !errors.Is(after, io.EOF) {
			err = errors.New("there is more after the JSON text")
		}
	}
	if err != nil {
		out.Problem = problem(err)
		return out, nil
	}
	m := masker{secrets: slices.Clone(secrets)}
	v = m.mask(v)
	var b bytes.Buffer
	write(jsontext.NewEncoder(&b), m.scrub(v))
	out.Text, out.Cut = cut(strings.TrimSuffix(b.String(), "\n"))
	return out, m.secrets[len(secrets):]
}

// plain reports whether a body is JSON that surely has nothing to mask. A backslash could spell a letter, so it makes a body unsure.
func plain(body []byte, secrets []string) bool {
	if bytes.IndexByte(body, '\\') >= 0 {
		return false
	}
	text := string(body)
	if s := squeezed(text); hasWord(s) || strings.Contains(s, `"pin"`) || scrub(text, secrets) != text {
		return false
	}
	return depth(body) <= maxDepth && jsontext.Value(body).IsValid()
}

// depth is how deep brackets are nested, those in texts included.
func depth(body []byte) (most int) {
	n := 0
	for _, c := range body {
		switch c {
		case '{', '[':
			n++
			most = max(most, n)
		case '}', ']':
			n--
		}
	}
	return most
}

// problem says what is wrong with a body, in words that hold nothing of it.
func problem(err error) string {
	var s *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "not kept: a JSON object has the same name twice"
	case errors.As(err, &s):
		return "not kept: it is not JSON from byte " + jsontext.Int(s.ByteOffset).String() + " on"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "not kept: the JSON ends early"
	}
	return "not kept: " + err.Error() // one of this file's own sentences
}

type (
	object []member
	member struct {
		name  string
		value any
	}
	// raw is a number, true, false or null.
	raw string
)

func read(d *jsontext.Decoder, level int) (any, error) {
	if level > maxDepth {
		return nil, errors.New("the JSON is nested too deeply")
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '"':
		return t.String(), nil
	case '{':
		return readObject(d, level)
	case '[':
		list := []any{}
		for d.PeekKind() != ']' {
			v, err := read(d, level+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.ReadToken()
		return list, err
	}
	return raw(t.String()), nil
}

func readObject(d *jsontext.Decoder, level int) (any, error) {
	o := object{}
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := t.String()
		v, err := read(d, level+1)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name, v})
	}
	_, err := d.ReadToken()
	return o, err
}

// write writes what read gave. A bytes.Buffer does not fail, and the texts came out of a decoder.
func write(e *jsontext.Encoder, v any) {
	switch v := v.(type) {
	case string:
		_ = e.WriteToken(jsontext.String(v))
	case raw:
		_ = e.WriteValue(jsontext.Value(v))
	case []any:
		_ = e.WriteToken(jsontext.BeginArray)
		for _, x := range v {
			write(e, x)
		}
		_ = e.WriteToken(jsontext.EndArray)
	case object:
		_ = e.WriteToken(jsontext.BeginObject)
		for _, m := range v {
			_ = e.WriteToken(jsontext.String(m.name))
			write(e, m.value)
		}
		_ = e.WriteToken(jsontext.EndObject)
	}
}

// masker replaces secrets and remembers them.
type masker struct{ secrets []string }

func (m *masker) mask(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = m.mask(v[i])
		}
	case object:
		named := v.namesSecret()
		for i, x := range v {
			switch name := folded(x.name); {
			case secretName(name), named && strings.HasPrefix(name, "value"):
				v[i].value = m.hide(x.value)
			case name == "filter" || name == "path":
				v[i].value = m.maskExpression(x.value)
			default:
				v[i].value = m.mask(x.value)
			}
		}
	}
	return v
}

// namesSecret reports whether an object says of its value that it is a secret: {"op":"replace","path":"password","value":…}, {"type":"token","value":…}.
func (o object) namesSecret() bool {
	return slices.ContainsFunc(o, func(x member) bool {
		s, ok := x.value.(string)
		switch folded(x.name) {
		case "path", "name", "type", "key", "attribute", "id", "display":
			return ok && secretName(s)
		}
		return false
	})
}

// hide replaces a value. What holds nothing, a truth value included, stays: it makes a difference and tells none.
func (m *masker) hide(v any) any {
	switch x := v.(type) {
	case raw:
		if x == "null" || x == "true" || x == "false" {
			return v
		}
	case string:
		if x == "" {
			return v
		}
	}
	m.note(v)
	return Masked
}

func (m *masker) note(v any) {
	switch v := v.(type) {
	case string:
		m.add(v)
	case raw:
		m.add(string(v))
	case []any:
		for _, x := range v {
			m.note(x)
		}
	case object:
		for _, x := range v {
			m.note(x.value)
		}
	}
}

// add notes secrets that are not noted yet, while there is room.
func (m *masker) add(secrets ...string) {
	for _, s := range secretsIn(secrets) {
		if len(m.secrets) < maxSecrets && !slices.Contains(m.secrets, s) {
			m.secrets = append(m.secrets, s)
		}
	}
}

// attributePath is a filter or path that is nothing but a name.
var attributePath = regexp.MustCompile(`^[\pL\pN_.:$-]*$`)

// maskExpression replaces a filter, or the filter in a path, that speaks of a secret.
func (m *masker) maskExpression(v any) any {
	s, ok := v.(string)
	if !ok {
		return m.mask(v)
	}
	if attributePath.MatchString(s) || !secretName(s) {
		return s
	}
	m.add(literals(s)...)
	return Masked
}

// quoted finds texts in quotation marks, parts the words of an expression.
var (
	quoted = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"?`)
	parts  = regexp.MustCompile(`[^\s()\[\]"]+`)
)

// literals are what an expression compares with, and any of its other words that could be.
func literals(s string) (out []string) {
	for _, q := range quoted.FindAllStringSubmatch(s, maxSecrets) {
		out = append(out, q[1])
		if text := ""; json.Unmarshal([]byte(`"`+q[1]+`"`), &text) == nil {
			out = append(out, text)
		}
	}
	for _, p := range parts.FindAllString(s, maxSecrets) {
		if !secretName(p) {
			out = append(out, p)
		}
	}
	return secretsIn(out)
}

// scrub removes noted secrets from names and texts, in whatever part of the body they stand.
func (m *masker) scrub(v any) any {
	switch v := v.(type) {
	case string:
		return scrub(v, m.secrets)
	case raw:
		if s := scrub(string(v), m.secrets); s != string(v) {
			return s
		}
	case []any:
		for i := range v {
			v[i] = m.scrub(v[i])
		}
	case object:
		seen := map[string]bool{}
		for i := range v {
			v[i].value = m.scrub(v[i].value)
			v[i].name = scrub(v[i].name, m.secrets)
			for seen[v[i].name] {
				v[i].name += "'"
			}
			seen[v[i].name] = true
		}
	}
	return v
}

// issued finds tokens by their form: this server's own, and JSON Web Tokens.
var issued = regexp.MustCompile(`ghscim_[0-9A-Za-z]+|eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*`)

// scrub replaces secrets, and what looks like a token, in a text.
func scrub(s string, secrets []string) string {
	for _, x := range secrets {
		if strings.Contains(s, x) {
			s = strings.ReplaceAll(s, x, Masked)
		}
	}
	if strings.Contains(s, "ghscim_") || strings.Contains(s, "eyJ") {
		s = issued.ReplaceAllString(s, Masked)
	}
	return s
}

// scrubJSON is scrub for a JSON value. What is no JSON is left out.
func scrubJSON(v json.RawMessage, secrets []string) json.RawMessage {
	if len(v) == 0 || len(secrets) == 0 && scrub(string(v), nil) == string(v) {
		return v
	}
	parsed, err := read(jsontext.NewDecoder(bytes.NewReader(v)), 0)
	if err != nil {
		return nil
	}
	m := masker{secrets: secrets}
	var b bytes.Buffer
	write(jsontext.NewEncoder(&b), m.scrub(parsed))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// secretsIn leaves out what is too short to be looked for, and what is too many.
func secretsIn(all []string) (out []string) {
	for _, s := range all {
		if len(out) == maxSecrets {
			break
		}
		if len(s) >= leastSecret && s != Masked && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Presented returns what an Authorization header proves somebody with: the token, or both forms of Basic's password.
func Presented(headers []string) (out []string) {
	for _, h := range headers {
		scheme, rest, ok := strings.Cut(strings.TrimSpace(h), " ")
		if !ok {
			rest = h
		}
		rest = strings.TrimSpace(rest)
		out = append(out, rest)
		if strings.EqualFold(scheme, "Basic") {
			if b, err := base64.StdEncoding.DecodeString(rest); err == nil {
				_, password, _ := strings.Cut(string(b), ":")
				out = append(out, password)
			}
		}
	}
	return secretsIn(out)
}

// maskQuery masks a raw query. One that cannot be read is not kept.
func maskQuery(query string, secrets []string) (string, []string) {
	if query == "" {
		return "", nil
	}
	m := masker{secrets: slices.Clone(secrets)}
	var out []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, equals := strings.Cut(pair, "=")
		plainName, err := url.QueryUnescape(name)
		plainValue, wrong := url.QueryUnescape(value)
		if err != nil || wrong != nil || !utf8.ValidString(plainName) || !utf8.ValidString(plainValue) {
			return Masked, secretsIn(append(m.secrets[len(secrets):], strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == '=' })...))
		}
		masked, _ := m.mask(object{{plainName, plainValue}}).(object)[0].value.(string)
		text := url.QueryEscape(scrub(plainName, m.secrets))
		if equals {
			text += "=" + url.QueryEscape(masked)
		}
		out = append(out, text)
	}
	// A secret that stood behind what it was found in is removed by the second look.
	for i, pair := range out {
		name, value, equals := strings.Cut(pair, "=")
		if v, err := url.QueryUnescape(value); err == nil && equals {
			out[i] = name + "=" + url.QueryEscape(scrub(v, m.secrets))
		}
	}
	return clip(strings.Join(out, "&"), maxValue), m.secrets[len(secrets):]
}

// maskPath removes secrets from an escaped path, segment by segment.
func maskPath(path string, secrets []string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || !utf8.ValidString(plain) {
			segments[i] = Masked
		} else if safe := scrub(plain, secrets); safe != plain {
			segments[i] = url.PathEscape(safe)
		}
	}
	return clip(strings.Join(segments, "/"), maxText)
}

func cut(s string) (string, bool) {
	if len(s) <= MaxBody {
		return s, false
	}
	return strings.ToValidUTF8(s[:MaxBody], ""), true
}

// clip bounds a text and makes it one that every database keeps.
func clip(s string, most int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
