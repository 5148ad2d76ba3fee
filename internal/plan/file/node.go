package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"gatehouse/internal/plan/source"
)

type kind uint8

const (
	null kind = iota
	text
	list
	table
)

// node is a value of a file with its place. It is what YAML says after aliases and merges, and later after variables, are put in.
type node struct {
	kind    kind
	at      source.Position
	value   string // of text, as written
	tag     string // of text: !!str, !!int, !!bool, !!float, !!timestamp
	block   bool   // text that was written as a block with |
	wrong   bool   // it stands for nothing, which was told
	items   []*node
	entries []entry
}

// entry is a key of a table and its value.
type entry struct {
	key   *node
	value *node
}

func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key.value == key {
			return e.value
		}
	}
	return nil
}

func (k kind) String() string {
	return [...]string{"nothing", "a single value", "a list", "a mapping"}[k]
}

// Bounds on what a file may be, so that a small one cannot become a large one by aliases or variables.
const (
	maxBytes = 32 << 20
	maxNodes = 1 << 20
	maxText  = 64 << 20 // of all files together
	maxDepth = 64
)

// reader turns one YAML document into nodes.
type reader struct {
	file     string
	problems *source.Problems
	left     int // nodes that may still be made
	deep     bool
	open     map[*yaml.Node]bool
}

// read parses a file. It returns nil when there is nothing in it, or when it is no YAML.
func read(name string, data []byte, budget *int, problems *source.Problems) *node {
	whole := source.Position{File: name}
	if len(data) > maxBytes {
		problems.Add("too-large", whole, "", "split it", "the file has %d bytes; at most %d are read", len(data), maxBytes)
		return nil
	}
	if !legible(name, data, problems) {
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(string(data)))
	if err != nil {
		problems.Add("yaml", whole, "", "", "%v", err)
		return nil
	}
	var document yaml.Node
	if err := loader.Load(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			syntax(name, data, err, problems)
		}
		return nil
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		at := source.Position{File: name, Line: second.Line, Column: second.Column}
		problems.Add("second-document", at, "", "put it into a file of its own: a directory is read as a whole", "a second YAML document begins here")
	} else if !errors.Is(err, io.EOF) {
		syntax(name, data, err, problems)
		return nil
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
		return nil
	}
	r := &reader{file: name, problems: problems, left: *budget, open: map[*yaml.Node]bool{}}
	n := r.node(document.Content[0], 0)
	*budget = r.left
	return n
}

// syntax tells where a file stops being YAML.
func syntax(name string, data []byte, err error, problems *source.Problems) {
	at := source.Position{File: name, Line: 1, Column: 1}
	message := err.Error()
	var one *yaml.LoadError
	if errors.As(err, &one) {
		at.Line, at.Column = max(one.Mark.Line, 1), max(one.Mark.Column, 1)
		message = one.Message
	}
	advice := "look at the indentation and at quotes: values that begin with any of * & ! % @ ` { [ or hold \": \" must be quoted"
	line, _ := source.Files{name: data}.Line(at)
	if strings.Contains(message, "tab character") || strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		advice = "YAML is indented with spaces, never with tabs"
	}
	problems.Add("yaml", at, "", advice, "this is not YAML: %s", message)
}

func (r *reader) at(y *yaml.Node) source.Position {
	return source.Position{File: r.file, Line: y.Line, Column: y.Column}
}

func (r *reader) node(y *yaml.Node, depth int) *node {
	n := &node{at: r.at(y)}
	switch r.left--; {
	case r.left < 0:
		if r.left == -1 {
			r.problems.Add("too-large", n.at, "", "", "with their aliases the files have more than %d values", maxNodes)
		}
		n.wrong = true
		return n
	case depth > maxDepth:
		if !r.deep {
			r.problems.Add("too-large", n.at, "", "", "values stand more than %d deep in each other here", maxDepth)
		}
		r.deep, n.wrong = true, true
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		if r.open[y.Alias] {
			r.problems.Add("alias", n.at, "*"+y.Value, "", "the alias %q stands inside of what it names", y.Value)
			n.wrong = true
			return n
		}
		return r.node(y.Alias, depth+1)
	case yaml.ScalarNode:
		n.kind, n.value, n.tag = text, y.Value, y.ShortTag()
		n.block = y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
		if n.tag == "!!null" {
			n.kind = null
		}
		r.tag(n.at, n.tag)
	case yaml.SequenceNode:
		n.kind = list
		r.tag(n.at, y.ShortTag())
		r.open[y] = true
		for _, c := range y.Content {
			n.items = append(n.items, r.node(c, depth+1))
		}
		delete(r.open, y)
	case yaml.MappingNode:
		n.kind = table
		r.tag(n.at, y.ShortTag())
		r.open[y] = true
		r.entries(n, y, depth)
		delete(r.open, y)
	}
	return n
}

// tag tells of tags that are not those of YAML's own schema: what they ask for would not be done.
func (r *reader) tag(at source.Position, tag string) {
	switch tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge", "!!seq", "!!map":
	default:
		r.problems.Add("tag", at, tag, "leave the tag out", "tags such as %s have no meaning here", tag)
	}
}

func (r *reader) entries(n *node, y *yaml.Node, depth int) {
	seen := map[string]source.Position{}
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		if value := y.Content[i+1]; y.Content[i].ShortTag() == "!!merge" && value.Kind != yaml.ScalarNode { // a scalar is a reference to a fragment
			merged = append(merged, r.node(value, depth+1))
			continue
		}
		key := r.node(y.Content[i], depth+1)
		if key.kind == list || key.kind == table {
			r.problems.Add("key", key.at, "", "write a name", "%s cannot be a key", key.kind)
			continue
		}
		key.kind = text
		if first, twice := seen[key.value]; twice {
			r.problems.Add("duplicate-key", key.at, key.value, "keep one of the two", "%q is there already, on line %d", key.value, first.Line)
			continue
		}
		seen[key.value] = key.at
		n.entries = append(n.entries, entry{key, r.node(y.Content[i+1], depth+1)})
	}
	n.merge(merged)
}

// merge adds what n does not have of other tables, which may be several in a list.
func (n *node) merge(others []*node) {
	if len(others) == 0 {
		return
	}
	has := make(map[string]bool, len(n.entries))
	for _, e := range n.entries {
		has[e.key.value] = true
	}
	var add func(m *node)
	add = func(m *node) {
		for _, i := range m.items {
			add(i)
		}
		for _, e := range m.entries {
			if !has[e.key.value] {
				has[e.key.value] = true
				n.entries = append(n.entries, e)
			}
		}
	}
	for _, m := range others {
		add(m)
	}
}

// legible tells whether a file is text, and where it stops being so.
func legible(name string, data []byte, problems *source.Problems) bool {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		problems.Add("binary", source.Position{File: name}, "", "give saved plans to `gatehouse apply`, and exports to --estate", "this is compressed, and no YAML")
		return false
	}
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		at := func() source.Position {
			line := data[bytes.LastIndexByte(data[:i], '\n')+1 : i]
			return source.Position{File: name, Line: bytes.Count(data[:i], []byte("\n")) + 1, Column: utf8.RuneCount(line) + 1}
		}
		switch {
		case c == utf8.RuneError && size == 1:
			problems.Add("encoding", at(), "", "save the file as UTF-8", "the byte %#02x is not UTF-8", data[i])
			return false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f:
			problems.Add("encoding", at(), "", "remove it, or write it in quotes as \\x and two digits", "the control character %U cannot stand in YAML", c)
			return false
		}
		i += size
	}
	return true
}

// clip shortens text for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "…"
	}
	return s
}

func quote(s string) string { return fmt.Sprintf("%q", clip(s)) }
