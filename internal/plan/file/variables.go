package file

import (
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/plan/source"
)

// reference is the one form of reference to variables and fragments. `$$(` writes a `$(` that is none.
var reference = regexp.MustCompile(`\$?\$\(([^()]*)\)`)

var variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// Literal is text as files must write it to mean just that: what would be a reference in it is made none.
func Literal(s string) string {
	return reference.ReplaceAllStringFunc(s, func(m string) string { return "$" + m })
}

// substitution puts variables and fragments in where $(name) stands. A value that is nothing but a reference becomes what it names, list and
// mapping included; a list within a list is spliced into it; `<<: $(name)` adds a mapping's keys to another; within longer text only single values fit.
type substitution struct {
	values   map[string]*node
	names    []string
	open     []string // being put in: a name that comes again is a circle
	used     map[string]bool
	left     *int
	text     int // bytes of text that may still be put in
	problems *source.Problems
	told     bool
}

func (s *substitution) apply(n *node) *node {
	s.text -= len(n.value)
	if *s.left--; *s.left < 0 || s.text < 0 {
		if !s.told {
			s.told = true
			s.problems.Add("too-large", n.at, "", "", "with their variables put in the files have more than %d values, or more than %d bytes", maxNodes, maxText)
		}
		return &node{at: n.at, wrong: true}
	}
	switch n.kind {
	case text:
		return s.refer(n)
	case list:
		out := &node{kind: list, at: n.at}
		for _, i := range n.items {
			v := s.apply(i)
			if v.kind == list && i.kind == text {
				out.items = append(out.items, v.items...)
			} else {
				out.items = append(out.items, v)
			}
		}
		return out
	case table:
		return s.table(n)
	}
	return n
}

func (s *substitution) table(n *node) *node {
	out := &node{kind: table, at: n.at}
	has := map[string]bool{}
	var merged []*node
	for _, e := range n.entries {
		v := s.apply(e.value)
		if e.key.tag == "!!merge" {
			if v.wrong {
				continue
			}
			if v.kind != table {
				s.problems.Add("type", e.value.at, e.value.value, "", "only a mapping can be merged in with <<, and this is %s", v.kind)
				continue
			}
			merged = append(merged, v)
			continue
		}
		key := e.key
		if strings.Contains(key.value, "$(") {
			if key = s.refer(key); key.wrong {
				continue
			}
			if key.kind != text {
				s.problems.Add("type", e.key.at, e.key.value, "", "a key must be a single value, and %s is %s", e.key.value, key.kind)
				continue
			}
			if has[key.value] {
				s.problems.Add("duplicate-key", e.key.at, e.key.value, "keep one of the two", "%q is there already", key.value)
				continue
			}
		}
		has[key.value] = true
		out.entries = append(out.entries, entry{key, v})
	}
	out.merge(merged)
	return out
}

// refer puts in what stands for the references of a text.
func (s *substitution) refer(n *node) *node {
	if !strings.Contains(n.value, "$(") {
		return n
	}
	found := reference.FindAllStringSubmatchIndex(n.value, -1)
	if found == nil {
		return n
	}
	if m := found[0]; m[0] == 0 && m[1] == len(n.value) && !strings.HasPrefix(n.value, "$$") {
		return s.value(n, n.value[m[2]:m[3]])
	}
	var b strings.Builder
	end := 0
	for _, m := range found {
		b.WriteString(n.value[end:m[0]])
		end = m[1]
		if strings.HasPrefix(n.value[m[0]:], "$$") {
			b.WriteString(n.value[m[0]+1 : m[1]])
			continue
		}
		v := s.value(n, n.value[m[2]:m[3]])
		switch {
		case v.wrong:
			return v
		case v.kind == text:
			b.WriteString(v.value)
		default:
			s.problems.Add("type", n.at, n.value, "let the reference stand alone", "$(%s) is %s and does not fit into text", n.value[m[2]:m[3]], v.kind)
		}
	}
	b.WriteString(n.value[end:])
	out := *n
	out.value, out.tag = b.String(), "!!str"
	s.text -= b.Len()
	return &out
}

// value is what a name stands for, with what it refers to itself put in; it is wrong when that was told.
func (s *substitution) value(n *node, name string) *node {
	v, there := s.values[name]
	if !there {
		advice := source.Meant(name, s.names)
		if advice == "" {
			advice = "give it under variables or fragments, or with --var; write $$( for a $( that is no reference"
		}
		s.problems.Add("unknown-variable", n.at, n.value, advice, "there is no variable or fragment %q", name)
		return &node{at: n.at, wrong: true}
	}
	s.used[name] = true
	if slices.Contains(s.open, name) {
		s.problems.Add("circular-variable", n.at, n.value, "", "%q refers to itself: %s", name, strings.Join(append(slices.Clone(s.open), name), " → "))
		return &node{at: n.at, wrong: true}
	}
	s.open = append(s.open, name)
	out := s.apply(v)
	s.open = s.open[:len(s.open)-1]
	return out
}
