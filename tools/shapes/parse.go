package main

import (
	"bufio"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The description language, a line each; "#" begins a comment line, and indented lines belong to the
// structure, union or operation above them:
//
//	service NAME
//	version DATE
//	protocol json|query|rest-json
//	target PREFIX                       X-Amz-Target prefix (json)
//	namespace URL                       XML namespace (query)
//	signing NAME                        service in the credential scope
//	operation NAME [unsigned]
//	  in SHAPE · out SHAPE · errors SHAPE… · http METHOD PATH
//	error SHAPE STATUS CODE
//	structure NAME, union NAME
//	  MEMBER SHAPE [required] [query=NAME] [header=NAME]
//	list NAME of SHAPE [MIN..MAX]
//	map NAME of KEY to VALUE [MIN..MAX]
//	string NAME [MIN..MAX] [pattern RE2…to the end of the line]
//	enum NAME VALUE…
//	integer|long NAME [MIN..MAX]
//	boolean|timestamp|document|blob NAME
//
// MIN..MAX with MAX left out has no upper bound.

type api struct {
	service, version, protocol, target, namespace, signing string

	operations []*operation
	errors     []errorShape
	shapes     []*shape
	byName     map[string]*shape
}

type operation struct {
	name, in, out, method, path string
	unsigned                    bool
	errors                      []string
}

type errorShape struct {
	name, code string
	status     int
}

type shape struct {
	kind, name string
	members    []member
	item, key  string // of a list; of a map: key and value (item)
	min, max   int64
	bounded    bool
	pattern    string
	enum       []string
}

type member struct {
	name, shape, query, header string
	required                   bool
}

const noMax = -1

func parse(text string) (*api, error) {
	a := &api{byName: map[string]*shape{}}
	p := parser{api: a}
	sc := bufio.NewScanner(strings.NewReader(text))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return a, a.resolve()
}

type parser struct {
	api *api
	op  *operation
	st  *shape
}

func (p *parser) line(line string) error {
	f := strings.Fields(line)
	indented := line[0] == ' ' || line[0] == '\t'
	switch {
	case indented && p.op != nil:
		return p.operationLine(f)
	case indented && p.st != nil:
		return p.memberLine(f)
	case indented:
		return fmt.Errorf("an indented line outside an operation or structure")
	}
	p.op, p.st = nil, nil
	if len(f) < 2 {
		return fmt.Errorf("%q lacks a name", f[0])
	}
	switch f[0] {
	case "service":
		p.api.service = f[1]
	case "version":
		p.api.version = f[1]
	case "protocol":
		p.api.protocol = f[1]
	case "target":
		p.api.target = f[1]
	case "namespace":
		p.api.namespace = f[1]
	case "signing":
		p.api.signing = f[1]
	case "operation":
		p.op = &operation{name: f[1], unsigned: len(f) > 2 && f[2] == "unsigned"}
		p.api.operations = append(p.api.operations, p.op)
	case "error":
		return p.errorLine(f)
	default:
		return p.shapeLine(f, line)
	}
	return nil
}

func (p *parser) operationLine(f []string) error {
	switch {
	case f[0] == "in" && len(f) == 2:
		p.op.in = f[1]
	case f[0] == "out" && len(f) == 2:
		p.op.out = f[1]
	case f[0] == "errors":
		p.op.errors = f[1:]
	case f[0] == "http" && len(f) == 3:
		p.op.method, p.op.path = f[1], f[2]
	default:
		return fmt.Errorf("unknown line in operation %s: %v", p.op.name, f)
	}
	return nil
}

func (p *parser) memberLine(f []string) error {
	if len(f) < 2 {
		return fmt.Errorf("a member needs a name and a shape")
	}
	m := member{name: f[0], shape: f[1]}
	for _, w := range f[2:] {
		switch k, v, _ := strings.Cut(w, "="); k {
		case "required":
			m.required = true
		case "query":
			m.query = v
		case "header":
			m.header = v
		default:
			return fmt.Errorf("unknown word %q", w)
		}
	}
	p.st.members = append(p.st.members, m)
	return nil
}

func (p *parser) errorLine(f []string) error {
	if len(f) != 4 {
		return fmt.Errorf("want: error SHAPE STATUS CODE")
	}
	status, err := strconv.Atoi(f[2])
	p.api.errors = append(p.api.errors, errorShape{name: f[1], status: status, code: f[3]})
	return err
}

func (p *parser) shapeLine(f []string, line string) error {
	s := &shape{kind: f[0], name: f[1], max: noMax}
	if p.api.byName[s.name] != nil {
		return fmt.Errorf("shape %s twice", s.name)
	}
	p.api.shapes = append(p.api.shapes, s)
	p.api.byName[s.name] = s
	rest := f[2:]
	switch s.kind {
	case "structure", "union":
		p.st = s
	case "list":
		if len(rest) < 2 || rest[0] != "of" {
			return fmt.Errorf("want: list NAME of SHAPE")
		}
		s.item, rest = rest[1], rest[2:]
	case "map":
		if len(rest) < 4 || rest[0] != "of" || rest[2] != "to" {
			return fmt.Errorf("want: map NAME of KEY to VALUE")
		}
		s.key, s.item, rest = rest[1], rest[3], rest[4:]
	case "enum":
		s.enum, rest = rest, nil
	case "string":
		if _, pattern, ok := strings.Cut(line, " pattern "); ok {
			s.pattern = pattern
			if len(rest) > 0 && rest[0] == "pattern" {
				rest = nil
			} else {
				rest = rest[:1]
			}
		}
	case "integer", "long", "boolean", "timestamp", "document", "blob":
	default:
		return fmt.Errorf("unknown word %q", s.kind)
	}
	if len(rest) == 0 {
		return nil
	}
	return s.bounds(rest[0])
}

func (s *shape) bounds(w string) error {
	lo, hi, ok := strings.Cut(w, "..")
	if !ok {
		return fmt.Errorf("%q is not MIN..MAX", w)
	}
	var err error
	if s.min, err = strconv.ParseInt(lo, 10, 64); err != nil {
		return err
	}
	if hi != "" {
		s.max, err = strconv.ParseInt(hi, 10, 64)
	}
	s.bounded = true
	return err
}

// resolve refuses a description that names what it does not define.
func (a *api) resolve() error {
	known := func(name, where string) error {
		if name != "" && a.byName[name] == nil {
			return fmt.Errorf("%s names unknown shape %s", where, name)
		}
		return nil
	}
	errs := map[string]bool{}
	for _, e := range a.errors {
		errs[e.name] = true
	}
	for _, o := range a.operations {
		if err := known(o.in, o.name); err != nil {
			return err
		}
		if err := known(o.out, o.name); err != nil {
			return err
		}
		for _, e := range o.errors {
			if !errs[e] {
				return fmt.Errorf("%s names unknown error %s", o.name, e)
			}
		}
	}
	for _, s := range a.shapes {
		for _, m := range s.members {
			if err := known(m.shape, s.name); err != nil {
				return err
			}
		}
		if err := known(s.item, s.name); err != nil {
			return err
		}
		if _, err := regexp.Compile("^(?:" + s.pattern + ")$"); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
