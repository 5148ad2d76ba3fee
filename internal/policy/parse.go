package policy

import (
	"fmt"
	"regexp"

	"gatehouse/internal/fault"
)

// Parse checks and compiles a document. It accepts what IAM accepts for that use and refuses the rest with an Invalid
// fault of Reason "malformed-policy", whose message gives line and column. It does no more than
// the document's length asks: at most [MaxBytes] are looked at.
func Parse(document []byte, use Use) (*Document, error) {
	if len(document) > MaxBytes {
		return nil, fault.New(fault.Quota, "The policy has %d bytes; at most %d are allowed.", len(document), MaxBytes).For("policy-size").At("PolicyDocument")
	}
	root, err := read(document)
	if err != nil {
		return nil, err
	}
	p := &parser{data: document, use: use, sids: map[string]bool{}, out: &Document{version: "2008-10-17"}, read: reading{document, 0, Position{1, 1}}}
	if err := p.document(root); err != nil {
		return nil, err
	}
	return p.out, nil
}

// parser compiles one document.
type parser struct {
	data []byte
	use  Use
	out  *Document
	sids map[string]bool
	read reading
}

// errorf is a fault of the grammar at a place.
func (p *parser) errorf(at node, format string, args ...any) error {
	return malformed(p.data, at.offset, format, args...)
}

// refuse is a fault that IAM has a sentence of its own for.
func (p *parser) refuse(at node, format string, args ...any) error {
	line, column := position(p.data, at.offset)
	return fault.New(fault.Invalid, "%s (line %d, column %d)", fmt.Sprintf(format, args...), line, column).For("malformed-policy").At("PolicyDocument")
}

func (p *parser) document(root node) error {
	if root.kind != '{' {
		return p.errorf(root, "a policy is a JSON object")
	}
	var list *node
	for i := range root.members {
		m := &root.members[i]
		switch m.name {
		case "Version":
			if m.value.kind != '"' || (m.value.text != "2012-10-17" && m.value.text != "2008-10-17") {
				return p.refuse(m.value, `The policy must contain a valid version string: "2012-10-17" or "2008-10-17"`)
			}
			p.out.version = m.value.text
		case "Id":
			if m.value.kind != '"' {
				return p.errorf(m.value, "Id must be a string")
			}
			p.out.id = m.value.text
		case "Statement":
			list = &m.value
		default:
			return p.errorf(node{offset: m.offset}, "unknown element %q", clip(m.name))
		}
	}
	if list == nil {
		return p.errorf(root, "the element Statement is missing")
	}
	items := list.items
	if list.kind == '{' {
		items = []node{*list}
	} else if list.kind != '[' || len(items) == 0 {
		return p.errorf(*list, "Statement must be a statement or a list of at least one")
	}
	for i := range items {
		if err := p.statement(items[i], i); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) statement(n node, index int) error {
	if n.kind != '{' {
		return p.errorf(n, "a statement is a JSON object")
	}
	s := statement{index: index, start: p.read.to(n.offset), end: p.read.to(n.end)}
	seen := map[string]bool{}
	for _, m := range n.members {
		seen[m.name] = true
		if err := p.element(&s, m); err != nil {
			return err
		}
	}
	if err := p.complete(n, seen); err != nil {
		return err
	}
	p.out.statements = append(p.out.statements, s)
	return nil
}

// element compiles one member of a statement.
func (p *parser) element(s *statement, m member) error {
	switch m.name {
	case "Sid":
		return p.sid(s, m.value)
	case "Effect":
		if m.value.kind != '"' || (m.value.text != "Allow" && m.value.text != "Deny") {
			return p.errorf(m.value, "Effect must be Allow or Deny")
		}
		if m.value.text == "Allow" {
			s.effect = Allow
		}
		return nil
	case "Action", "NotAction":
		s.notAction = m.name == "NotAction"
		return p.actions(s, m.value)
	case "Resource", "NotResource":
		s.notResource = m.name == "NotResource"
		return p.resources(s, m)
	case "Principal", "NotPrincipal":
		s.notPrincipal = m.name == "NotPrincipal"
		return p.principals(s, m)
	case "Condition":
		return p.conditions(s, m.value)
	default:
		return p.errorf(node{offset: m.offset}, "unknown element %q in a statement", clip(m.name))
	}
}

// complete checks which elements a statement has, and has not.
func (p *parser) complete(n node, seen map[string]bool) error {
	for _, name := range [...]string{"Action", "Resource", "Principal"} {
		if seen[name] && seen["Not"+name] {
			return p.errorf(n, "a statement has %s or Not%s, not both", name, name)
		}
	}
	principal := seen["Principal"] || seen["NotPrincipal"]
	target := seen["Resource"] || seen["NotResource"]
	wantsPrincipal := p.use == ForTrust || p.use == ForResource
	switch {
	case !seen["Effect"]:
		return p.errorf(n, "the element Effect is missing")
	case !seen["Action"] && !seen["NotAction"]:
		return p.refuse(n, "Policy statement must contain actions.")
	case principal && !wantsPrincipal:
		return p.refuse(n, "Policy document should not specify a principal.")
	case !principal && wantsPrincipal:
		return p.refuse(n, "Missing required field Principal")
	case target && p.use == ForTrust:
		return p.refuse(n, "Has prohibited field Resource")
	case !target && p.use != ForTrust:
		return p.refuse(n, "Policy statement must contain resources.")
	}
	return nil
}

var plainSid = regexp.MustCompile(`^[a-zA-Z0-9]*$`)

func (p *parser) sid(s *statement, v node) error {
	switch {
	case v.kind != '"':
		return p.errorf(v, "Sid must be a string")
	case p.use != ForResource && !plainSid.MatchString(v.text):
		return p.refuse(v, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
	case v.text != "" && p.sids[v.text]:
		return p.refuse(v, "Statement IDs (SID) in a single policy must be unique.")
	}
	s.sid = v.text
	p.sids[v.text] = true
	return nil
}

// strings returns the strings of a value that may be one string or a list of them.
func (p *parser) strings(v node, what string) ([]node, error) {
	items := v.items
	if v.kind == '"' {
		items = []node{v}
	} else if v.kind != '[' {
		return nil, p.errorf(v, "%s must be a string or a list of strings", what)
	}
	for _, i := range items {
		if i.kind != '"' {
			return nil, p.errorf(i, "%s must be a string or a list of strings", what)
		}
	}
	return items, nil
}

func (p *parser) principals(s *statement, m member) error {
	s.principals = newPrincipals()
	if m.value.kind == '"' && m.value.text == "*" {
		s.principals.everyone = true
		return nil
	}
	if m.value.kind != '{' || len(m.value.members) == 0 {
		return p.errorf(m.value, `%s must be "*" or an object such as {"AWS": …}`, m.name)
	}
	for _, kind := range m.value.members {
		values, err := p.strings(kind.value, "a principal")
		if err != nil {
			return err
		}
		if len(values) == 0 {
			return p.errorf(kind.value, "the list of principals is empty")
		}
		for _, v := range values {
			if !s.principals.add(kind.name, v.text) {
				return p.refuse(v, "Invalid principal in policy: %q:%q", clip(kind.name), clip(v.text))
			}
		}
	}
	return nil
}

func (p *parser) conditions(s *statement, v node) error {
	if v.kind != '{' {
		return p.errorf(v, "Condition must be an object")
	}
	for _, op := range v.members {
		if op.value.kind != '{' {
			return p.errorf(op.value, "a condition operator must have an object of keys and values")
		}
		for _, key := range op.value.members {
			c, err := p.condition(op, key)
			if err != nil {
				return err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}

var conditionKey = regexp.MustCompile(`^[^:\s]+:\S.*$`)

func (p *parser) condition(op, key member) (condition, error) {
	at := node{offset: key.offset}
	if !conditionKey.MatchString(key.name) {
		return condition{}, p.refuse(at, "Condition keys must be prefaced by a vendor, e.g., aws, iam, sts: %q is not", clip(key.name))
	}
	c, kind, err := newCondition(op.name, key.name)
	if err != nil {
		return c, p.refuse(node{offset: op.offset}, "%s", err)
	}
	values := key.value.items
	if key.value.kind != '[' {
		values = []node{key.value}
	}
	for _, v := range values {
		if v.kind == '{' || v.kind == '[' || v.kind == 'n' {
			return c, p.errorf(v, "a condition value must be a string, number or boolean")
		}
		if c.null {
			want, ok := parseBool(v.text)
			if !ok || len(values) != 1 {
				return c, p.errorf(v, "the operator Null takes true or false")
			}
			c.wantNull = want
			continue
		}
		compiled, err := kind.compile(v.text, p.out.version == "2012-10-17")
		if err != nil {
			return c, p.errorf(v, "condition %s: %s", clip(op.name), err)
		}
		c.values = append(c.values, compiled)
	}
	if len(values) == 0 {
		return c, p.errorf(key.value, "a condition needs at least one value")
	}
	return c, nil
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
