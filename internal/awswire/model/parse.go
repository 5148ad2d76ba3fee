package model

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
//	  in SHAPE · out SHAPE · errors SHAPE… · http METHOD PATH [STATUS]
//	error SHAPE STATUS CODE
//	structure NAME, union NAME
//	  MEMBER SHAPE [required] [name=NAME] [path=LABEL|query=NAME|header=NAME|status|payload]
//	list NAME of SHAPE [MIN..MAX]
//	map NAME of KEY to VALUE [MIN..MAX]
//	string NAME [MIN..MAX] [pattern RE2…to the end of the line]
//	enum NAME VALUE…
//	integer|long NAME [MIN..MAX]
//	boolean|timestamp|document|blob NAME
//
// MIN..MAX with MAX left out has no upper bound. PATH is a template: literal segments, labels {LABEL} and one greedy label {LABEL+}, and literal query
// parameters. A member is in the JSON body under its own name (name=: another one) unless it is bound elsewhere (rest-json): path, query and header in requests, header
// and status in answers; payload makes it the whole body.

// API is one service.
type API struct {
	// Service is our name of the service, Version the API's date. Protocol is json, query or rest-json.
	Service, Version, Protocol string
	// Target is the prefix of X-Amz-Target (json), Namespace that of the XML (query), Signing the service of the credential scope.
	Target, Namespace, Signing string

	Operations []*Operation
	Errors     []ErrorShape
	// Shapes are in the order of the description.
	Shapes []*Shape
	byName map[string]*Shape
}

// Shape returns the shape of that name, or nil.
func (a *API) Shape(name string) *Shape { return a.byName[name] }

// Operation is one operation. In and Out name shapes, or are empty; Method and Path are those of rest-json.
type Operation struct {
	Name, In, Out, Method, Path string
	// Success is the HTTP status of an answer (rest-json); zero means 200.
	Success int
	// Unsigned operations carry no signature.
	Unsigned bool
	// Errors name error shapes.
	Errors []string
}

// ErrorShape is an error: the name that clients know, the code on the wire, the HTTP status.
type ErrorShape struct {
	Name, Code string
	Status     int
}

// Shape is a type of the API, with its limits.
type Shape struct {
	// Kind is the word that begins the shape's line: structure, union, list, map, string, enum, integer …
	Kind, Name string
	// Members are those of a structure or union.
	Members []Member
	// Item is the shape in a list, or the value of a map, whose key is Key.
	Item, Key string
	// Min and Max bound a length or a value where Bounded; Max may be NoMax.
	Min, Max int64
	Bounded  bool
	// Pattern is RE2 and must match the whole string; empty for any.
	Pattern string
	// Enum holds the values of an enum.
	Enum []string
}

// Member is a member of a structure: its name and its shape.
type Member struct {
	Name, Shape string
	// Wire is its name in the body, where that is another.
	Wire string
	// Path (a label), Query and Header say where a rest-json message carries it, if not in the body; Status that it is the answer's HTTP status, Payload that it
	// is the whole body.
	Path, Query, Header string
	Status, Payload     bool
	Required            bool
}

// NoMax is the Max of a shape without an upper bound.
const NoMax = -1

// Parse reads a description. It refuses one that names what it does not define.
func Parse(text string) (*API, error) {
	a := &API{byName: map[string]*Shape{}}
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
	api *API
	op  *Operation
	st  *Shape
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
		p.api.Service = f[1]
	case "version":
		p.api.Version = f[1]
	case "protocol":
		p.api.Protocol = f[1]
	case "target":
		p.api.Target = f[1]
	case "namespace":
		p.api.Namespace = f[1]
	case "signing":
		p.api.Signing = f[1]
	case "operation":
		p.op = &Operation{Name: f[1], Unsigned: len(f) > 2 && f[2] == "unsigned"}
		p.api.Operations = append(p.api.Operations, p.op)
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
		p.op.In = f[1]
	case f[0] == "out" && len(f) == 2:
		p.op.Out = f[1]
	case f[0] == "errors":
		p.op.Errors = f[1:]
	case f[0] == "http" && (len(f) == 3 || len(f) == 4):
		p.op.Method, p.op.Path = f[1], f[2]
		if len(f) == 4 {
			var err error
			p.op.Success, err = strconv.Atoi(f[3])
			return err
		}
	default:
		return fmt.Errorf("unknown line in operation %s: %v", p.op.Name, f)
	}
	return nil
}

func (p *parser) memberLine(f []string) error {
	if len(f) < 2 {
		return fmt.Errorf("a member needs a name and a shape")
	}
	m := Member{Name: f[0], Shape: f[1]}
	for _, w := range f[2:] {
		switch k, v, _ := strings.Cut(w, "="); k {
		case "required":
			m.Required = true
		case "name":
			m.Wire = v
		case "path":
			m.Path = v
		case "status":
			m.Status = true
		case "payload":
			m.Payload = true
		case "query":
			m.Query = v
		case "header":
			m.Header = v
		default:
			return fmt.Errorf("unknown word %q", w)
		}
	}
	p.st.Members = append(p.st.Members, m)
	return nil
}

func (p *parser) errorLine(f []string) error {
	if len(f) != 4 {
		return fmt.Errorf("want: error SHAPE STATUS CODE")
	}
	status, err := strconv.Atoi(f[2])
	p.api.Errors = append(p.api.Errors, ErrorShape{Name: f[1], Status: status, Code: f[3]})
	return err
}

func (p *parser) shapeLine(f []string, line string) error {
	s := &Shape{Kind: f[0], Name: f[1], Max: NoMax}
	if p.api.byName[s.Name] != nil {
		return fmt.Errorf("shape %s twice", s.Name)
	}
	p.api.Shapes = append(p.api.Shapes, s)
	p.api.byName[s.Name] = s
	rest := f[2:]
	switch s.Kind {
	case "structure", "union":
		p.st = s
	case "list":
		if len(rest) < 2 || rest[0] != "of" {
			return fmt.Errorf("want: list NAME of SHAPE")
		}
		s.Item, rest = rest[1], rest[2:]
	case "map":
		if len(rest) < 4 || rest[0] != "of" || rest[2] != "to" {
			return fmt.Errorf("want: map NAME of KEY to VALUE")
		}
		s.Key, s.Item, rest = rest[1], rest[3], rest[4:]
	case "enum":
		s.Enum, rest = rest, nil
	case "string":
		if _, pattern, ok := strings.Cut(line, " pattern "); ok {
			s.Pattern = pattern
			if len(rest) > 0 && rest[0] == "pattern" {
				rest = nil
			} else {
				rest = rest[:1]
			}
		}
	case "integer", "long", "boolean", "timestamp", "document", "blob":
	default:
		return fmt.Errorf("unknown word %q", s.Kind)
	}
	if len(rest) == 0 {
		return nil
	}
	return s.bounds(rest[0])
}

func (s *Shape) bounds(w string) error {
	lo, hi, ok := strings.Cut(w, "..")
	if !ok {
		return fmt.Errorf("%q is not MIN..MAX", w)
	}
	var err error
	if s.Min, err = strconv.ParseInt(lo, 10, 64); err != nil {
		return err
	}
	if hi != "" {
		s.Max, err = strconv.ParseInt(hi, 10, 64)
	}
	s.Bounded = true
	return err
}

// resolve refuses a description that names what it does not define.
func (a *API) resolve() error {
	known := func(name, where string) error {
		if name != "" && a.byName[name] == nil {
			return fmt.Errorf("%s names unknown shape %s", where, name)
		}
		return nil
	}
	errs := map[string]bool{}
	for _, e := range a.Errors {
		errs[e.Name] = true
	}
	for _, s := range a.Shapes {
		for _, m := range s.Members {
			if err := known(m.Shape, s.Name); err != nil {
				return err
			}
		}
		if err := known(s.Item, s.Name); err != nil {
			return err
		}
		if _, err := regexp.Compile("^(?:" + s.Pattern + ")$"); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	for _, o := range a.Operations {
		if err := known(o.In, o.Name); err != nil {
			return err
		}
		if err := known(o.Out, o.Name); err != nil {
			return err
		}
		for _, e := range o.Errors {
			if !errs[e] {
				return fmt.Errorf("%s names unknown error %s", o.Name, e)
			}
		}
		if err := a.bound(o); err != nil {
			return err
		}
	}
	return nil
}

var label = regexp.MustCompile(`\{([^{}+]+)\+?\}`)

// bound refuses an operation whose path and input do not name the same labels, and bindings that the adapter does not have.
func (a *API) bound(o *Operation) error {
	if a.Protocol == "rest-json" && !strings.HasPrefix(o.Path, "/") {
		return fmt.Errorf("%s needs a line http METHOD PATH", o.Name)
	}
	if strings.Count(o.Path, "+}") > 1 {
		return fmt.Errorf("%s has more than one greedy label", o.Name)
	}
	labels := map[string]bool{}
	for _, l := range label.FindAllStringSubmatch(o.Path, -1) {
		labels[l[1]] = true
	}
	if left := label.ReplaceAllString(o.Path, ""); strings.ContainsAny(left, "{}") {
		return fmt.Errorf("%s: %s is not a template", o.Name, o.Path)
	}
	for _, in := range []bool{true, false} {
		name := o.Out
		if in {
			name = o.In
		}
		s := a.byName[name]
		if s == nil {
			continue
		}
		for _, m := range s.Members {
			kind := a.byName[m.Shape].Kind
			text := kind == "string" || kind == "enum" || kind == "integer" || kind == "long" || kind == "boolean" || kind == "timestamp"
			list := kind == "list" && (a.byName[a.byName[m.Shape].Item].Kind == "string" || a.byName[a.byName[m.Shape].Item].Kind == "enum")
			switch {
			case m.Path != "" && (!in || !m.Required || !labels[m.Path] || !text || kind == "timestamp"):
				return fmt.Errorf("%s: %s must be a required scalar of the input whose label %s is in the path", o.Name, m.Name, m.Path)
			case (m.Query != "" || m.Header != "") && !text && !list, m.Query != "" && !in:
				return fmt.Errorf("%s: %s cannot be bound there", o.Name, m.Name)
			case m.Status && (in || kind != "integer"):
				return fmt.Errorf("%s: %s cannot be a status", o.Name, m.Name)
			case m.Payload && kind != "structure" && kind != "union" && kind != "blob":
				return fmt.Errorf("%s: %s cannot be a payload", o.Name, m.Name)
			}
			if in {
				delete(labels, m.Path)
			}
		}
	}
	for l := range labels {
		return fmt.Errorf("%s: no member of the input is the label %s", o.Name, l)
	}
	return nil
}
