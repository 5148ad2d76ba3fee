package policy

import (
	"errors"
	"strings"
)

// template is a compiled string of the language: text with wildcards and policy variables.
type template struct {
	// fixed is the whole pattern when there is no variable in it.
	fixed string
	wild  bool
	// pieces is the pattern otherwise.
	pieces []piece
}

// piece is a stretch of pattern, or a variable.
type piece struct {
	text       string // a stretch of pattern, when key is empty
	key        string // a context key in lower case
	fallback   string
	hasDefault bool
}

var errVariable = errors.New("a policy variable is not of the form ${service:key} or ${service:key, 'default'}")

// dialect says how a string's special characters are read.
type dialect struct {
	wildcards bool // * and ? stand for others
	variables bool // ${…} is replaced (only since version 2012-10-17)
}

// compileTemplate compiles s.
func compileTemplate(s string, d dialect) (template, error) {
	parts, err := split(s, d, 1)
	if err != nil {
		return template{}, err
	}
	return parts[0], nil
}

// split compiles s and cuts it at colons into at most n templates; colons inside ${…} do not cut.
func split(s string, d dialect, n int) ([]template, error) {
	var out []template
	var pieces []piece
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			pieces = append(pieces, piece{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case d.variables && strings.HasPrefix(s[i:], "${"):
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return nil, errVariable
			}
			p, err := variable(s[i+2 : i+end])
			if err != nil {
				return nil, err
			}
			if p.key == "" {
				text.WriteString(p.text)
			} else {
				flush()
				pieces = append(pieces, p)
			}
			i += end
		case c == ':' && len(out) < n-1:
			flush()
			out = append(out, assemble(pieces))
			pieces = nil
		case d.wildcards && (c == '*' || c == '?'):
			text.WriteString(wild(string(rune(c))))
		default:
			text.WriteByte(c)
		}
	}
	flush()
	return append(out, assemble(pieces)), nil
}

func assemble(pieces []piece) template {
	switch {
	case len(pieces) == 0:
		return template{}
	case len(pieces) == 1 && pieces[0].key == "":
		return template{fixed: pieces[0].text, wild: isWild(pieces[0].text)}
	default:
		return template{pieces: pieces}
	}
}

// endsInStar reports whether the pattern's last character is a star that stands for others.
func (t *template) endsInStar() bool {
	last := t.fixed
	if n := len(t.pieces); n > 0 {
		last = t.pieces[n-1].text
	}
	return strings.HasSuffix(last, string(rune(anyRun)))
}

// variable reads what stands between ${ and }.
func variable(s string) (piece, error) {
	switch s {
	case "*", "?", "$": // a special character that stands for itself
		return piece{text: s}, nil
	}
	key, rest, hasDefault := strings.Cut(s, ",")
	key = strings.TrimSpace(key)
	if colon := strings.IndexByte(key, ':'); colon < 1 || colon == len(key)-1 || strings.ContainsAny(key, "${'\"*?") {
		return piece{}, errVariable
	}
	p := piece{key: lower(key), hasDefault: hasDefault}
	if hasDefault {
		rest = strings.TrimSpace(rest)
		if len(rest) < 2 || rest[0] != '\'' || rest[len(rest)-1] != '\'' || strings.ContainsAny(rest[1:len(rest)-1], "'$") {
			return piece{}, errVariable
		}
		p.fallback = rest[1 : len(rest)-1]
	}
	return p, nil
}

// expand returns the pattern with the variables replaced. It fails when a variable has no value in the request and no
// default, or has several values: IAM knows no meaning for that.
func (t *template) expand(c Context) (pattern string, ok bool) {
	if t.pieces == nil {
		return t.fixed, true
	}
	var b strings.Builder
	for _, p := range t.pieces {
		switch have := c[p.key]; {
		case p.key == "":
			b.WriteString(p.text)
		case len(have) == 1 && !isWild(have[0]):
			b.WriteString(have[0])
		case len(have) == 0 && p.hasDefault:
			b.WriteString(p.fallback)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// verdict is the outcome of one comparison.
type verdict uint8

const (
	no      verdict = iota
	unknown         // a variable without a value, or a value of the request that cannot be read
	yes
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// matches compares subject with the template's pattern.
func (t *template) matches(subject string, c Context) verdict {
	if t.pieces == nil {
		if !t.wild {
			return verdictOf(t.fixed == subject)
		}
		return verdictOf(match(t.fixed, subject))
	}
	pattern, ok := t.expand(c)
	if !ok {
		return unknown
	}
	return verdictOf(match(pattern, subject))
}
