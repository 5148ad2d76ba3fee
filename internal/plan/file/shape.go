package file

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/plan/source"
)

// shape says what may stand at a place: it is what files are checked against, what the JSON Schema is printed from, and what the reference is
// written from. See schema.go for the shapes there are.
type shape struct {
	name    string // of a record that the schema and the reference define once
	doc     string // one sentence or more, for people
	kind    shapeKind
	fields  []field  // of a record
	of      *shape   // of a list or table: its values
	keys    *shape   // of a table: its keys, text
	options []*shape // of a choice: told apart by kind
	// of text
	pattern  *regexp.Regexp
	says     string // what the pattern asks for, in words
	min, max int    // length in characters, of text; how many, of lists and tables (max 0: any)
	words    []string
	example  string
}

type shapeKind uint8

const (
	isText     shapeKind = iota
	isFlag               // true or false
	isDuration           // 4h, 90m
	isList               // a single value stands for a list of one
	isRecord
	isTable
	isChoice
	isAny
)

type field struct {
	name     string
	shape    *shape
	doc      string // what the value means here; empty: what the shape says
	required bool
}

func (f field) meaning() string { return cmp.Or(f.doc, f.shape.doc) }

func (s *shape) field(name string) *shape {
	for _, f := range s.fields {
		if f.name == name {
			return f.shape
		}
	}
	return nil
}

// accepts tells whether a value of that kind can be of the shape at all.
func (s *shape) accepts(k kind) bool {
	switch s.kind {
	case isAny:
		return true
	case isText, isFlag, isDuration:
		return k == text
	case isList:
		return k == list || s.of.accepts(k)
	case isRecord, isTable:
		return k == table
	case isChoice:
		return slices.ContainsFunc(s.options, func(o *shape) bool { return o.accepts(k) })
	}
	return false
}

// what names the shape for a message: "a name", "a list of names" …
func (s *shape) what() string {
	switch s.kind {
	case isText:
		if len(s.words) > 0 {
			return "one of " + strings.Join(s.words, ", ")
		}
		return "text"
	case isFlag:
		return "true or false"
	case isDuration:
		return "a duration such as 4h"
	case isList:
		return "a list"
	case isRecord, isTable:
		return "a mapping"
	case isChoice:
		var all []string
		for _, o := range s.options {
			if w := o.what(); !slices.Contains(all, w) {
				all = append(all, w)
			}
		}
		return strings.Join(all, " or ")
	}
	return "anything"
}

// checker compares nodes with shapes and tells every difference.
type checker struct{ problems *source.Problems }

// check tells whether n, which stands at a place called path, has the shape.
func (c checker) check(n *node, s *shape, path string) bool {
	if n.wrong {
		return false // it was told
	}
	if s.kind == isAny {
		return true
	}
	if n.kind == null {
		if s.kind == isTable || s.kind == isRecord && !slices.ContainsFunc(s.fields, func(f field) bool { return f.required }) {
			return true // an empty section
		}
		advice := "write " + example(s) + ", or remove the key"
		if n.value != "" {
			advice = fmt.Sprintf("write %q if that is the name, or remove the key", n.value)
		}
		c.problems.Add("type", n.at, n.value, advice, "%s has no value; %s belongs here", path, s.what())
		return false
	}
	if !s.accepts(n.kind) {
		c.problems.Add("type", n.at, n.value, "write "+example(s), "%s must be %s, and this is %s", path, s.what(), n.kind)
		return false
	}
	switch s.kind {
	case isText:
		return c.text(n, s, path)
	case isFlag:
		if n.tag != "!!bool" && n.value != "true" && n.value != "false" {
			c.problems.Add("type", n.at, n.value, "write true or false", "%s must be true or false", path)
			return false
		}
	case isList:
		return c.list(n, s, path)
	case isRecord:
		return c.record(n, s, path)
	case isTable:
		return c.table(n, s, path)
	case isChoice:
		for _, o := range s.options {
			if o.accepts(n.kind) {
				return c.check(n, o, path)
			}
		}
	}
	return true
}

func example(s *shape) string {
	switch {
	case s.example != "":
		return s.example
	case s.kind == isList:
		return "[" + example(s.of) + "]"
	case s.kind == isChoice:
		return example(s.options[0])
	}
	return s.what()
}

func (c checker) text(n *node, s *shape, path string) bool {
	if len(s.words) > 0 && !slices.Contains(s.words, n.value) {
		advice := source.Meant(n.value, s.words)
		if advice == "" {
			advice = "write " + s.what()
		}
		c.problems.Add("value", n.at, n.value, advice, "%s cannot be %s", path, quote(n.value))
		return false
	}
	if length := utf8.RuneCountInString(n.value); length < s.min || s.max > 0 && length > s.max {
		c.problems.Add("length", n.at, n.value, "", "%s must have from %d to %d characters, and has %d", path, s.min, s.max, length)
		return false
	}
	if s.pattern != nil && !s.pattern.MatchString(n.value) {
		c.problems.Add("pattern", n.at, n.value, "", "%s cannot be %s: %s", path, quote(n.value), s.says)
		return false
	}
	return true
}

func (c checker) list(n *node, s *shape, path string) bool {
	items := elements(n)
	good := true
	if len(items) < s.min || s.max > 0 && len(items) > s.max {
		good = false
		if s.max == 0 {
			c.problems.Add("length", n.at, "", "", "%s must not be empty", path)
		} else {
			c.problems.Add("length", n.at, "", "", "%s has %d values; from %d to %d are possible", path, len(items), s.min, s.max)
		}
	}
	for _, i := range items {
		good = c.check(i, s.of, path) && good
	}
	return good
}

func (c checker) record(n *node, s *shape, path string) bool {
	good := true
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	for _, e := range n.entries {
		f := s.field(e.key.value)
		if f == nil {
			good = false
			advice := source.Meant(e.key.value, names)
			if advice == "" {
				advice = "possible are " + strings.Join(names, ", ")
			}
			c.problems.Add("unknown-key", e.key.at, e.key.value, advice, "%s has no key %s", path, quote(e.key.value))
			continue
		}
		good = c.check(e.value, f, e.key.value) && good
	}
	for _, f := range s.fields {
		if f.required && n.get(f.name) == nil {
			good = false
			c.problems.Add("missing-key", n.at, "", "add "+f.name+": "+example(f.shape), "%s needs the key %q", path, f.name)
		}
	}
	return good
}

func (c checker) table(n *node, s *shape, path string) bool {
	good := true
	if s.max > 0 && len(n.entries) > s.max {
		good = false
		c.problems.Add("length", n.at, "", "", "%s has %d entries; at most %d are possible", path, len(n.entries), s.max)
	}
	for _, e := range n.entries {
		if s.keys != nil {
			good = c.check(e.key, s.keys, s.keys.doc) && good
		}
		good = c.check(e.value, s.of, e.key.value) && good
	}
	return good
}
