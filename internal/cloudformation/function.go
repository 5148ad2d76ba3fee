package cloudformation

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"gatehouse/internal/fault"
)

// scope is what expressions of a template are resolved with.
type scope struct {
	t *Template
	// values are of the parameters and pseudo parameters.
	values map[string]any
	// conditions that are known already.
	conditions map[string]bool
	// ref, attribute and imported look up a resource's reference, its attribute, and an export.
	ref       func(logical string) (any, error)
	attribute func(logical, name string) (any, error)
	imported  func(name string) (any, error)
	// mark is on both sides of the name of what a reader of the template does not know; "" when a stack is made of it.
	mark     string
	deciding []string
	steps    int
	made     int // bytes of text that functions made
}

// maxSteps bounds how much one template may compute.
const maxSteps = 1_000_000

// maxText bounds what a function may produce, and maxMade what all of them together may.
const (
	maxText = 1 << 20
	maxMade = 64 << 20
)

// grow counts text that a function made.
func (s *scope) grow(n int) error {
	if s.made += n; s.made > maxMade {
		return templateError("the template is too complex: its functions make more than %d bytes of text", maxMade)
	}
	return nil
}

// unsure tells text that holds what a reader does not know.
func (s *scope) unsure(v any) bool {
	text, ok := v.(string)
	return ok && s.mark != "" && strings.Contains(text, s.mark)
}

// derived is what a function makes of text that is not known: what it is made of, and nothing that could be taken for a value.
func (s *scope) derived(from string) string {
	_, name, _ := strings.Cut(from, s.mark)
	name, _, _ = strings.Cut(name, s.mark)
	return s.mark + strings.TrimSuffix(name, " (a part of it)") + " (a part of it)" + s.mark
}

type function func(*scope, *node) (any, error)

// functions are the intrinsic functions by name.
func functions() map[string]function {
	return map[string]function{
		"Ref": (*scope).fnRef, "Fn::GetAtt": (*scope).fnGetAtt, "Fn::Sub": (*scope).fnSub, "Fn::Join": (*scope).fnJoin,
		"Fn::Select": (*scope).fnSelect, "Fn::Split": (*scope).fnSplit, "Fn::If": (*scope).fnIf, "Fn::FindInMap": (*scope).fnFindInMap,
		"Fn::ImportValue": (*scope).fnImportValue, "Fn::Base64": (*scope).fnBase64, "Fn::Cidr": (*scope).fnCidr,
		"Fn::Length": (*scope).fnLength, "Fn::ToJsonString": (*scope).fnToJSONString,
		"Fn::Equals": (*scope).fnCondition, "Fn::And": (*scope).fnCondition, "Fn::Or": (*scope).fnCondition, "Fn::Not": (*scope).fnCondition,
	}
}

// eval resolves a value; nil is one that is left out (AWS::NoValue).
func (s *scope) eval(n *node) (any, error) {
	if s.steps++; s.steps > maxSteps {
		return nil, templateError("the template is too complex")
	}
	switch n.kind {
	case textNode:
		return n.text, nil
	case numberNode:
		return Number(n.text), nil
	case boolNode:
		return n.text == "true", nil
	case listNode:
		out := []any{}
		for _, item := range n.items {
			v, err := s.eval(item)
			if err != nil {
				return nil, err
			}
			if v != nil {
				out = append(out, v)
			}
		}
		return out, nil
	}
	if name, arg, ok := n.call(); ok && name != "Condition" {
		f := functions()[name]
		if f == nil {
			return nil, n.wrong("%s is not a function that is supported", clip(name))
		}
		return f(s, arg)
	}
	out := map[string]any{}
	for i, k := range n.keys {
		v, err := s.eval(n.items[i])
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[k] = v
		}
	}
	return out, nil
}

func (s *scope) fnRef(n *node) (any, error) {
	name, ok := n.scalar()
	if !ok {
		return nil, n.wrong("Ref takes a name")
	}
	if name == "AWS::NoValue" {
		return nil, nil
	}
	if v, ok := s.values[name]; ok {
		return v, nil
	}
	return s.ref(name)
}

func (s *scope) fnGetAtt(n *node) (any, error) {
	logical, attr, err := s.getAttNames(n)
	if err != nil {
		return nil, err
	}
	return s.attribute(logical, attr)
}

func (s *scope) getAttNames(n *node) (logical, attr string, err error) {
	if text, ok := n.scalar(); ok {
		if logical, attr, ok = strings.Cut(text, "."); ok {
			return logical, attr, nil
		}
	}
	if n.kind == listNode && len(n.items) == 2 {
		logical, ok := n.items[0].scalar()
		v, err := s.eval(n.items[1])
		if attr, isText := text(v); ok && isText && err == nil {
			return logical, attr, nil
		}
	}
	return "", "", n.wrong("Fn::GetAtt takes two non-empty values: the resource name and the resource attribute")
}

// piece is a part of an Fn::Sub text: literal, or the name in ${…}.
type piece struct {
	literal string
	name    string
}

// pieces divides an Fn::Sub text. ${!Name} stands for ${Name} itself.
func pieces(text string) ([]piece, bool) {
	var out []piece
	for {
		before, rest, found := strings.Cut(text, "${")
		if before != "" {
			out = append(out, piece{literal: before})
		}
		if !found {
			return out, true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, false
		}
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			out = append(out, piece{literal: "${" + literal + "}"})
		} else if name = strings.TrimSpace(name); name == "" {
			return nil, false
		} else {
			out = append(out, piece{name: name})
		}
		text = after
	}
}

// subParts returns an Fn::Sub's text and its own variables.
func subParts(n *node) (string, *node, error) {
	if text, ok := n.scalar(); ok {
		return text, nil, nil
	}
	if n.kind == listNode && len(n.items) == 2 && n.items[1].kind == mapNode {
		if text, ok := n.items[0].scalar(); ok {
			return text, n.items[1], nil
		}
	}
	return "", nil, n.wrong("Fn::Sub takes a string, or a list of a string and a map of variables")
}

func (s *scope) fnSub(n *node) (any, error) {
	text, vars, err := subParts(n)
	if err != nil {
		return nil, err
	}
	parts, ok := pieces(text)
	if !ok {
		return nil, n.wrong("Fn::Sub: ${ is not closed, or names nothing")
	}
	own := vars.byKey()
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.literal)
		if p.name == "" {
			continue
		}
		v, err := s.variable(p.name, own, n)
		if err != nil {
			return nil, err
		}
		if isUnknown(v) {
			return unknown{}, nil
		}
		word, ok := textOf(v)
		if !ok {
			return nil, n.wrong("Fn::Sub: ${%s} is not a string", clip(p.name))
		}
		if b.WriteString(word); b.Len() > maxText {
			return nil, n.wrong("Fn::Sub makes a text of more than %d bytes", maxText)
		}
	}
	return b.String(), s.grow(b.Len())
}

func textOf(v any) (string, bool) { return text(v) }

func (s *scope) variable(name string, own map[string]*node, at *node) (any, error) {
	if v := own[name]; v != nil {
		return s.eval(v)
	}
	if v, ok := s.values[name]; ok {
		return v, nil
	}
	if logical, attr, ok := strings.Cut(name, "."); ok {
		return s.attribute(logical, attr)
	}
	if name == "AWS::NoValue" {
		return nil, at.wrong("AWS::NoValue has no value to substitute")
	}
	return s.ref(name)
}

// list resolves an argument that must be a list.
func (s *scope) list(n *node, name string) ([]any, bool, error) {
	v, err := s.eval(n)
	if err != nil {
		return nil, false, err
	}
	if _, is := v.(unknown); is {
		return nil, true, nil
	}
	l, ok := v.([]any)
	if !ok {
		return nil, false, n.wrong("%s takes a list here", name)
	}
	return l, false, nil
}

// word resolves an argument that must be a string.
func (s *scope) word(n *node, name string) (string, bool, error) {
	v, err := s.eval(n)
	if err != nil {
		return "", false, err
	}
	if isUnknown(v) {
		return "", true, nil
	}
	w, ok := text(v)
	if !ok {
		return "", false, n.wrong("%s takes a string here", name)
	}
	return w, false, nil
}

func (n *node) arguments(name string, count int) error {
	if n.kind != listNode || len(n.items) != count {
		return n.wrong("%s takes a list of %d", name, count)
	}
	return nil
}

func (s *scope) fnJoin(n *node) (any, error) {
	if err := n.arguments("Fn::Join", 2); err != nil {
		return nil, err
	}
	sep, ok := n.items[0].scalar()
	if !ok {
		return nil, n.wrong("Fn::Join takes a delimiter and a list of strings to be joined")
	}
	items, later, err := s.list(n.items[1], "Fn::Join")
	if err != nil {
		return nil, err
	}
	if later || isUnknown(items) {
		return unknown{}, nil
	}
	words, size := make([]string, len(items)), 0
	for i, v := range items {
		if words[i], ok = text(v); !ok {
			return nil, n.wrong("Fn::Join joins strings only")
		}
		if size += len(words[i]) + len(sep); size > maxText {
			return nil, n.wrong("Fn::Join makes a text of more than %d bytes", maxText)
		}
	}
	return strings.Join(words, sep), s.grow(size)
}

func (s *scope) fnSelect(n *node) (any, error) {
	if err := n.arguments("Fn::Select", 2); err != nil {
		return nil, err
	}
	index, later, err := s.word(n.items[0], "Fn::Select")
	if err != nil {
		return nil, err
	}
	items, laterToo, err := s.list(n.items[1], "Fn::Select")
	if err != nil || later || laterToo {
		return unknown{}, err
	}
	if len(items) == 1 && s.unsure(items[0]) { // into how many it will be divided is not known either
		return items[0], nil
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(items) {
		return nil, n.wrong("Fn::Select cannot select nonexistent value at index %s", clip(index))
	}
	return items[i], nil
}

func (s *scope) fnSplit(n *node) (any, error) {
	if err := n.arguments("Fn::Split", 2); err != nil {
		return nil, err
	}
	sep, _ := n.items[0].scalar()
	if sep == "" {
		return nil, n.wrong("Fn::Split takes a delimiter that is not empty and a string")
	}
	source, later, err := s.word(n.items[1], "Fn::Split")
	if err != nil || later {
		return unknown{}, err
	}
	if s.unsure(source) {
		return []any{s.derived(source)}, nil
	}
	parts := strings.Split(source, sep)
	if err := s.grow(len(source) + 32*len(parts)); err != nil {
		return nil, err
	}
	out := make([]any, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out, nil
}

func (s *scope) fnIf(n *node) (any, error) {
	if err := n.arguments("Fn::If", 3); err != nil {
		return nil, err
	}
	name, _ := n.items[0].scalar()
	yes, err := s.condition(name, n)
	if err != nil {
		return nil, err
	}
	if yes {
		return s.eval(n.items[1])
	}
	return s.eval(n.items[2])
}

func (s *scope) fnFindInMap(n *node) (any, error) {
	if n.kind != listNode || len(n.items) != 4 || !s.t.extended() {
		if err := n.arguments("Fn::FindInMap", 3); err != nil {
			return nil, err
		}
	}
	otherwise, err := s.otherwise(n)
	if err != nil {
		return nil, err
	}
	var keys [3]string
	for i, item := range n.items[:3] {
		w, later, err := s.word(item, "Fn::FindInMap")
		if err != nil {
			return nil, err
		}
		if later {
			return nil, n.wrong("Fn::FindInMap cannot use what is known only when resources exist")
		}
		if s.unsure(w) {
			return s.derived(w), nil
		}
		keys[i] = w
	}
	table, ok := s.t.mappings[keys[0]]
	leaf := table[keys[1]][keys[2]]
	if leaf == nil && otherwise != nil {
		return s.eval(otherwise)
	}
	if !ok {
		return nil, n.wrong("Mapping named '%s' is not present in the 'Mappings' section of template.", clip(keys[0]))
	}
	if leaf == nil {
		return nil, templateError("Unable to get mapping for %s::%s::%s", clip(keys[0]), clip(keys[1]), clip(keys[2]))
	}
	return s.eval(leaf)
}

func (s *scope) fnImportValue(n *node) (any, error) {
	name, later, err := s.word(n, "Fn::ImportValue")
	if err != nil {
		return nil, err
	}
	if later {
		return nil, n.wrong("Fn::ImportValue cannot depend on resources of the template")
	}
	return s.imported(name)
}

func (s *scope) fnBase64(n *node) (any, error) {
	w, later, err := s.word(n, "Fn::Base64")
	if err != nil || later {
		return unknown{}, err
	}
	if s.unsure(w) {
		return s.derived(w), nil
	}
	out := base64.StdEncoding.EncodeToString([]byte(w))
	return out, s.grow(len(out))
}

func (s *scope) fnCondition(n *node) (any, error) {
	return nil, n.wrong("condition functions can be used only in the Conditions section and in Fn::If")
}

// condition decides a named condition.
func (s *scope) condition(name string, at *node) (bool, error) {
	if v, ok := s.conditions[name]; ok {
		return v, nil
	}
	n, ok := s.t.conditions[name]
	if !ok {
		return false, templateError("Unresolved condition %s", clip(name))
	}
	if slices.Contains(s.deciding, name) {
		return false, fault.New(fault.Invalid, "Template validation error: Circular dependency between conditions: [%s]", strings.Join(s.deciding, ", ")).At("TemplateBody")
	}
	s.deciding = append(s.deciding, name)
	v, err := s.decide(n)
	s.deciding = s.deciding[:len(s.deciding)-1]
	if err == nil {
		s.conditions[name] = v
	}
	return v, err
}

// decide resolves a condition function.
func (s *scope) decide(n *node) (bool, error) {
	if s.steps++; s.steps > maxSteps {
		return false, templateError("the template is too complex")
	}
	name, arg, ok := n.call()
	if !ok {
		return false, n.wrong("every Conditions member must be one of the condition functions")
	}
	switch name {
	case "Condition":
		w, _ := arg.scalar()
		return s.condition(w, arg)
	case "Fn::Equals":
		if err := arg.arguments(name, 2); err != nil {
			return false, err
		}
		a, err := s.eval(arg.items[0])
		if err != nil {
			return false, err
		}
		b, err := s.eval(arg.items[1])
		return err == nil && equal(a, b), err
	case "Fn::Not":
		if err := arg.arguments(name, 1); err != nil {
			return false, err
		}
		v, err := s.decide(arg.items[0])
		return !v, err
	case "Fn::And", "Fn::Or":
		return s.several(name, arg)
	}
	return false, n.wrong("%s is not a condition function", clip(name))
}

func (s *scope) several(name string, arg *node) (bool, error) {
	if arg.kind != listNode || len(arg.items) < 2 || len(arg.items) > 10 {
		return false, arg.wrong("%s takes a list of 2 to 10 conditions", name)
	}
	all, one := true, false
	for _, item := range arg.items {
		v, err := s.decide(item)
		if err != nil {
			return false, err
		}
		all, one = all && v, one || v
	}
	if name == "Fn::And" {
		return all, nil
	}
	return one, nil
}
