package cloudformation

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"gatehouse/internal/fault"
)

// Limits of templates (CloudFormation quotas).
const (
	// MaxTemplate is the most bytes of a template given in a request.
	MaxTemplate = 51200
	// maxStored is the most bytes of a template that lies elsewhere.
	maxStored      = 1 << 20
	maxDepth       = 60
	maxNodes       = 100_000
	MaxResources   = 500
	MaxParameters  = 200
	MaxMappings    = 200
	MaxOutputs     = 200
	maxDescription = 1024
)

// kind says what a node is.
type kind uint8

const (
	textNode kind = iota
	numberNode
	boolNode
	listNode
	mapNode
)

// node is a value of a template as it is written, short forms already spelled out ({"Ref": …}, {"Fn::Sub": …}).
type node struct {
	kind kind
	// text is a scalar as it was written; of a boolean "true" or "false".
	text string
	// items are a list's elements, or a map's values in the order of keys.
	items     []*node
	keys      []string
	line, col int
}

// get returns a map's member, or nil.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapNode {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.items[i]
		}
	}
	return nil
}

// byKey are a map's members, for many of which one asks.
func (n *node) byKey() map[string]*node {
	if n == nil || n.kind != mapNode {
		return nil
	}
	out := make(map[string]*node, len(n.keys))
	for i, k := range n.keys {
		out[k] = n.items[i]
	}
	return out
}

// call returns the function and argument of a map that is a call of an intrinsic function.
func (n *node) call() (name string, arg *node, ok bool) {
	if n.kind != mapNode || len(n.keys) != 1 {
		return "", nil, false
	}
	name = n.keys[0]
	return name, n.items[0], name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::")
}

// scalar returns a scalar's text.
func (n *node) scalar() (string, bool) {
	if n == nil || n.kind > boolNode {
		return "", false
	}
	return n.text, true
}

// wrong is a ValidationError with a place in the template.
func (n *node) wrong(format string, args ...any) error {
	return formatError("[line %d, column %d] %s", n.line, n.col, fmt.Sprintf(format, args...))
}

func formatError(format string, args ...any) error {
	return fault.New(fault.Invalid, "Template format error: %s", fmt.Sprintf(format, args...)).At("TemplateBody")
}

func templateError(format string, args ...any) error {
	return fault.New(fault.Invalid, "Template error: %s", fmt.Sprintf(format, args...)).At("TemplateBody")
}

// parseTree reads the text of a template, of at most limit bytes: JSON is read as YAML, of which it is a subset.
func parseTree(text string, limit int) (*node, error) {
	if text == "" {
		return nil, formatError("the template is empty")
	}
	if len(text) > limit {
		return nil, fault.New(fault.Invalid, "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", limit).At("TemplateBody")
	}
	if !utf8.ValidString(text) {
		return nil, formatError("the template is not valid UTF-8")
	}
	json := strings.HasPrefix(strings.TrimSpace(text), "{")
	if json {
		text = spaced(text)
	}
	doc, err := load(text)
	if err != nil {
		if json {
			return nil, formatError("JSON not well-formed. (%s)", oneLine(err))
		}
		return nil, formatError("YAML not well-formed. (%s)", oneLine(err))
	}
	c := converter{}
	root, err := c.node(doc, 0)
	if err != nil {
		return nil, err
	}
	if root.kind != mapNode {
		return nil, formatError("unsupported structure.")
	}
	return root, nil
}

// load reads the one document of a text. The library promises no more than not to loop; a panic in it is an ill-formed template.
func load(text string) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			doc, err = nil, fmt.Errorf("%v", p)
		}
	}()
	l, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var n, more yaml.Node
	if err := l.Load(&n); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the template is empty")
		}
		return nil, err
	}
	if err := l.Load(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("a template is one document")
	}
	return &n, nil
}

func oneLine(err error) string {
	s := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: ")
	if len(s) > 300 {
		s = s[:300]
	}
	return strings.ToValidUTF8(s, "")
}

// spaced replaces tabs outside of strings, which JSON has for white space and YAML has not, by spaces.
func spaced(text string) string {
	b := []byte(text)
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && quoted:
			i++
		case b[i] == '"':
			quoted = !quoted
		case b[i] == '\t' && !quoted:
			b[i] = ' '
		}
	}
	return string(b)
}

type converter struct{ count int }

func (c *converter) node(y *yaml.Node, depth int) (*node, error) {
	n := &node{line: y.Line, col: y.Column}
	if c.count++; c.count > maxNodes {
		return nil, n.wrong("the template has more than %d values", maxNodes)
	}
	if depth > maxDepth {
		return nil, n.wrong("values nest deeper than %d levels", maxDepth)
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) != 1 {
			return nil, n.wrong("the template is empty")
		}
		return c.node(y.Content[0], depth)
	case yaml.AliasNode:
		return nil, n.wrong("YAML aliases are not allowed in CloudFormation templates")
	case yaml.ScalarNode:
		if err := n.setScalar(y); err != nil {
			return nil, err
		}
	case yaml.SequenceNode:
		n.kind = listNode
		for _, item := range y.Content {
			v, err := c.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, v)
		}
	case yaml.MappingNode:
		if err := c.mapping(n, y, depth); err != nil {
			return nil, err
		}
	default:
		return nil, n.wrong("unsupported structure.")
	}
	return n.tagged(y)
}

func (c *converter) mapping(n *node, y *yaml.Node, depth int) error {
	n.kind = mapNode
	seen := make(map[string]bool, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		at := &node{line: k.Line, col: k.Column}
		if k.Kind != yaml.ScalarNode || strings.HasPrefix(k.Tag, "!") && !strings.HasPrefix(k.Tag, "!!") {
			return at.wrong("a key must be a string")
		}
		if k.Value == "<<" && k.Tag == "!!merge" {
			return at.wrong("YAML merge keys are not allowed in CloudFormation templates")
		}
		if seen[k.Value] {
			return at.wrong("the key %q occurs twice", k.Value)
		}
		seen[k.Value] = true
		v, err := c.node(y.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		n.keys, n.items = append(n.keys, k.Value), append(n.items, v)
	}
	return nil
}

func (n *node) setScalar(y *yaml.Node) error {
	n.text = y.Value
	tag := y.ShortTag()
	if y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		tag = "!!str"
	}
	switch tag {
	case "!!null":
		return n.wrong("'null' values are not allowed in templates")
	case "!!bool":
		b, err := strconv.ParseBool(strings.ToLower(y.Value))
		if err != nil {
			return nil // yes, no, on and off stay words, as the YAML of today has it
		}
		n.kind, n.text = boolNode, strconv.FormatBool(b)
	case "!!int", "!!float":
		if isNumber(y.Value) {
			n.kind = numberNode
		}
	case "!!binary", "!!set", "!!omap", "!!pairs":
		return n.wrong("the YAML tag %s is not supported", tag)
	}
	return nil
}

// isNumber reports whether s is a number as JSON writes it; others (012, 0x1f, 1_000) are kept as text, so that an account id keeps
// its zeros.
func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(s) > 40 || digits[0] < '0' || digits[0] > '9' || digits[0] == '0' && len(digits) > 1 && digits[1] != '.' && digits[1] != 'e' && digits[1] != 'E' {
		return false
	}
	if last := s[len(s)-1]; last < '0' || last > '9' || strings.Trim(s, "0123456789.eE+-") != "" {
		return false
	}
	if i := strings.IndexByte(s, '.'); i >= 0 && (i+1 == len(s) || s[i+1] < '0' || s[i+1] > '9') {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// tagged spells a short form out.
func (n *node) tagged(y *yaml.Node) (*node, error) {
	tag, ok := strings.CutPrefix(y.Tag, "!")
	if !ok || tag == "" || strings.HasPrefix(tag, "!") {
		return n, nil
	}
	name := "Fn::" + tag
	switch tag {
	case "Ref", "Condition":
		name = tag
	case "GetAtt":
		if s, ok := n.scalar(); ok { // !GetAtt Resource.Attribute.With.Dots
			logical, attr, cut := strings.Cut(s, ".")
			if !cut {
				return nil, n.wrong("!GetAtt names a resource and an attribute: Resource.Attribute")
			}
			n = &node{kind: listNode, line: n.line, col: n.col, items: []*node{{text: logical, line: n.line, col: n.col}, {text: attr, line: n.line, col: n.col}}}
		}
	}
	if _, known := functions()[name]; !known && name != "Condition" {
		return nil, n.wrong("the tag !%s is not a function of CloudFormation", clip(tag))
	}
	return &node{kind: mapNode, keys: []string{name}, items: []*node{n}, line: n.line, col: n.col}, nil
}

func clip(s string) string {
	if len(s) > 128 {
		return strings.ToValidUTF8(s[:128], "") + "…"
	}
	return s
}
