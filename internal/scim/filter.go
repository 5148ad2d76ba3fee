package scim

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a filter. A real one has three terms and a hundred characters.
const (
	maxFilterLength = 8 << 10
	maxFilterDepth  = 32
	// maxFilterTerms bounds what one resource costs when many are looked at.
	maxFilterTerms = 200
)

// Filter is a parsed filter, bound to a resource type (RFC 7644 §3.4.2.2). The nil Filter matches every
// resource. It is immutable.
type Filter struct {
	// conjuncts are the operands of the outermost "and"; one expression when there is none.
	conjuncts []expr
}

// expr is a node of a filter: and, or, not, compare or valuePath.
type expr interface {
	// match reports whether the object satisfies the expression.
	match(o Object) bool
}

type (
	and struct{ left, right expr }
	or  struct{ left, right expr }
	not struct{ inner expr }
	// compare is "attribute operator value"; operator "pr" has no value.
	compare struct {
		ref   ref
		op    string
		value literal
	}
	// valuePath is "attribute[filter]", and with an operator "attribute[filter].sub operator value": RFC 7644
	// does not allow the latter in filters, only in PATCH paths, but Entra looks users up by it.
	valuePath struct {
		ref   ref
		inner expr
		cmp   *compare
	}
	// literal is a comparison value: nil, bool, string, number or time.Time.
	literal any
)

// ParseFilter reads a filter over resources of type rt. Errors have scimType invalidFilter.
func ParseFilter(rt *ResourceType, s string) (*Filter, error) {
	if len(s) > maxFilterLength {
		return nil, refuse(InvalidFilter, "the filter is longer than %d bytes", maxFilterLength)
	}
	p := &filterParser{in: s, scope: rt.resolve}
	e, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.in) {
		return nil, p.fail("expected the end or \"and\" or \"or\"")
	}
	return &Filter{conjuncts: conjuncts(e)}, nil
}

func conjuncts(e expr) []expr {
	if a, ok := e.(and); ok {
		return append(conjuncts(a.left), conjuncts(a.right)...)
	}
	return []expr{e}
}

// filterParser is a recursive descent over RFC 7644's Figure 1: or binds weakest, then and, then not.
type filterParser struct {
	in  string
	pos int
	// scope resolves attribute paths: of the resource, or of the element inside a value path.
	scope func(string) ref
	// inElement forbids value paths inside value paths.
	inElement bool
	terms     int
}

func (p *filterParser) fail(what string) error {
	return refuse(InvalidFilter, "the filter cannot be read at character %d: %s", p.pos+1, what)
}

func (p *filterParser) space() {
	for p.pos < len(p.in) && p.in[p.pos] == ' ' {
		p.pos++
	}
}

// take consumes c and reports whether it was there.
func (p *filterParser) take(c byte) bool {
	p.space()
	if p.pos < len(p.in) && p.in[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// word consumes the characters of an attribute path, operator or literal.
func (p *filterParser) word() string {
	p.space()
	start := p.pos
	for p.pos < len(p.in) && isWord(p.in[p.pos]) {
		p.pos++
	}
	return p.in[start:p.pos]
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '.' || c == ':' || c == '-' || c == '_' || c == '$' || c == '+'
}

// keyword consumes the word k in any case, and nothing else.
func (p *filterParser) keyword(k string) bool {
	before := p.pos
	if strings.EqualFold(p.word(), k) {
		return true
	}
	p.pos = before
	return false
}

func (p *filterParser) or(depth int) (expr, error) {
	left, err := p.and(depth)
	for err == nil && p.keyword("or") {
		var right expr
		if right, err = p.and(depth); err == nil {
			left = or{left, right}
		}
	}
	return left, err
}

func (p *filterParser) and(depth int) (expr, error) {
	left, err := p.term(depth)
	for err == nil && p.keyword("and") {
		var right expr
		if right, err = p.term(depth); err == nil {
			left = and{left, right}
		}
	}
	return left, err
}

func (p *filterParser) term(depth int) (expr, error) {
	if depth > maxFilterDepth {
		return nil, refuse(InvalidFilter, "the filter is nested deeper than %d levels", maxFilterDepth)
	}
	if p.terms++; p.terms > maxFilterTerms {
		return nil, refuse(InvalidFilter, "the filter has more than %d terms", maxFilterTerms)
	}
	if p.take('(') {
		return p.group(depth)
	}
	before := p.pos
	if p.keyword("not") && p.take('(') {
		inner, err := p.group(depth)
		return not{inner}, err
	}
	p.pos = before
	return p.attribute(depth)
}

func (p *filterParser) group(depth int) (expr, error) {
	inner, err := p.or(depth + 1)
	if err == nil && !p.take(')') {
		err = p.fail("expected \")\"")
	}
	return inner, err
}

func (p *filterParser) attribute(depth int) (expr, error) {
	at := p.pos
	path := p.word()
	if !isAttributePath(path) {
		p.pos = at
		return nil, p.fail("expected the name of an attribute")
	}
	r := p.scope(path)
	if p.pos < len(p.in) && p.in[p.pos] == '[' {
		return p.valuePath(r, depth)
	}
	return p.comparison(r)
}

func isAttributePath(s string) bool {
	if s == "" || s == "$ref" {
		return s != ""
	}
	c := s[0] | 0x20
	return 'a' <= c && c <= 'z' && !strings.Contains(s, "..") && !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, ":")
}

func (p *filterParser) valuePath(r ref, depth int) (expr, error) {
	if p.inElement {
		return nil, p.fail("a value path cannot stand inside another")
	}
	if r.attr == nil || r.sub != nil || r.attr.Type != Complex {
		return nil, p.fail("only a complex attribute can be followed by \"[\"")
	}
	inner, err := p.element(r.attr, depth)
	if err != nil {
		return nil, err
	}
	v := valuePath{ref: r, inner: inner}
	if p.pos >= len(p.in) || p.in[p.pos] != '.' {
		return v.simplified(), nil
	}
	p.pos++
	s := r.attr.sub(p.word())
	if s == nil {
		return nil, p.fail("\"" + r.attr.Name + "\" has no such sub-attribute")
	}
	c, err := p.comparison(ref{attr: s})
	if err != nil {
		return nil, err
	}
	cmp := c.(compare)
	v.cmp = &cmp
	return v, nil
}

// simplified writes members[value eq "x"] as members.value eq "x", which means the same and which an index
// can answer.
func (v valuePath) simplified() expr {
	c, ok := v.inner.(compare)
	if _, text := c.value.(string); !ok || !text || c.op != "eq" || c.ref.attr == nil {
		return v
	}
	c.ref = ref{ext: v.ref.ext, attr: v.ref.attr, sub: c.ref.attr}
	return c
}

// element parses "[filter]" whose attributes are a's sub-attributes.
func (p *filterParser) element(a *Attribute, depth int) (expr, error) {
	p.pos++ // the bracket
	outer := p.scope
	p.inElement, p.scope = true, func(name string) ref { return ref{attr: a.sub(name)} }
	inner, err := p.or(depth + 1)
	p.inElement, p.scope = false, outer
	if err == nil && !p.take(']') {
		err = p.fail("expected \"]\"")
	}
	return inner, err
}

func (p *filterParser) comparison(r ref) (expr, error) {
	op := strings.ToLower(p.word())
	switch op {
	case "pr":
		return compare{ref: r, op: op}, nil
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le":
	default:
		return nil, p.fail("expected an operator (eq ne co sw ew gt ge lt le pr)")
	}
	v, err := p.literal(op == "eq" && r.isText())
	if err != nil {
		return nil, err
	}
	c := compare{ref: r, op: op, value: v}
	return c.bind()
}

// isText reports whether the operand is known and a string.
func (r ref) isText() bool {
	a := compare{ref: r}.operand()
	return a != nil && a.Type == String
}

// literal reads a value. bare says that a string may stand without quotes, which RFC 7644 does not allow, but by which authentik's releases of two
// years look users up; only where a string is compared for equality, so that nothing else gets another meaning.
func (p *filterParser) literal(bare bool) (literal, error) {
	p.space()
	if p.pos < len(p.in) && p.in[p.pos] == '"' {
		return p.quoted()
	}
	w := ""
	if bare {
		w = p.bareText()
	} else {
		w = p.word()
	}
	switch strings.ToLower(w) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if bare && w != "" {
		return w, nil
	}
	if v := jsontext.Value(w); w != "" && v.IsValid() && v.Kind() == '0' {
		return number(w), nil
	}
	return nil, p.fail("expected a value: a string in double quotes, a number, true, false or null")
}

// bareText reads up to a space, a quotation mark or a parenthesis. Text in single quotes is none: it would be compared with its quotes.
func (p *filterParser) bareText() string {
	start := p.pos
	if end := strings.IndexAny(p.in[start:], ` "'()[]`); end >= 0 {
		p.pos += end
	} else {
		p.pos = len(p.in)
	}
	return p.in[start:p.pos]
}

// quoted reads a JSON string, escapes decoded: what is compared is what the client meant.
func (p *filterParser) quoted() (literal, error) {
	end := p.pos + 1
	for end < len(p.in) && p.in[end] != '"' {
		if p.in[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.in) {
		return nil, p.fail("a string is not closed")
	}
	s, err := jsontext.AppendUnquote(nil, p.in[p.pos:end+1])
	if err != nil {
		return nil, p.fail("a string is not a JSON string")
	}
	p.pos = end + 1
	return string(s), nil
}

// bind fits the value to the attribute's type and refuses operators that mean nothing for it (RFC 7644
// §3.4.2.2, Table 3). Unknown attributes have no value and compare as such.
func (c compare) bind() (expr, error) {
	a := c.operand()
	if a == nil || c.value == nil {
		if c.value == nil && c.op != "eq" && c.op != "ne" {
			return nil, refuse(InvalidFilter, "null can only be compared with eq and ne")
		}
		return c, nil
	}
	switch a.Type {
	case Boolean:
		if c.op != "eq" && c.op != "ne" {
			return nil, refuse(InvalidFilter, "the boolean %q can only be compared with eq and ne", a.Name)
		}
		return c.bindBoolean(a)
	case DateTime:
		return c.bindTime(a)
	case Complex:
		return nil, refuse(InvalidFilter, "%q cannot be compared as a whole; name one of its sub-attributes", a.Name)
	}
	switch v := c.value.(type) {
	case string:
	case number:
		c.value = string(v)
	default:
		return nil, refuse(InvalidFilter, "%q is a string and cannot be compared with a boolean", a.Name)
	}
	return c, nil
}

// bindBoolean takes the strings "True" and "False" too: Entra writes roles[primary eq "True"].
func (c compare) bindBoolean(a *Attribute) (expr, error) {
	switch v := c.value.(type) {
	case bool:
		return c, nil
	case string:
		if strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
			c.value = strings.EqualFold(v, "true")
			return c, nil
		}
	}
	return nil, refuse(InvalidFilter, "%q is a boolean; compare it with true or false", a.Name)
}

func (c compare) bindTime(a *Attribute) (expr, error) {
	s, ok := c.value.(string)
	if !ok {
		return nil, refuse(InvalidFilter, "%q is a time; compare it with a string such as \"2026-01-02T15:04:05Z\"", a.Name)
	}
	if c.op == "co" || c.op == "sw" || c.op == "ew" {
		return c, nil // on the text (RFC 7644 §3.4.2.2)
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, refuse(InvalidFilter, "%q is compared with something that is not a time", a.Name)
	}
	c.value = t
	return c, nil
}

// operand is the attribute whose values are compared: the sub-attribute, or the default sub-attribute
// "value" of a complex one (RFC 7643 §2.4).
func (c compare) operand() *Attribute {
	if c.ref.sub != nil {
		return c.ref.sub
	}
	if c.ref.attr != nil && c.ref.attr.Type == Complex {
		if v := c.ref.attr.sub("value"); v != nil {
			return v
		}
	}
	return c.ref.attr
}
