package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// awsModel is the part of an AWS service-2.json that matters here.
type awsModel struct {
	Metadata struct {
		APIVersion, Protocol, TargetPrefix, SigningName, EndpointPrefix, XMLNamespace string
	}
	Operations map[string]modelOperation
	Shapes     map[string]modelShape
}

type modelOperation struct {
	HTTP struct {
		Method, RequestURI string
		ResponseCode       int
	}
	Input, Output struct{ Shape string }
	Errors        []struct{ Shape string }
	AuthType      string
}

type modelShape struct {
	Type      string
	Required  []string
	Members   orderedMembers
	Member    struct{ Shape string }
	Key       struct{ Shape string }
	Value     struct{ Shape string }
	Min, Max  *int64
	Pattern   string
	Enum      []string
	Exception bool
	Union     bool
	Document  bool
	Fault     bool
	Payload   string
	Error     struct {
		Code           string
		HTTPStatusCode int
	}
}

type modelMember struct{ Name, Shape, Location, LocationName string }

// orderedMembers keeps the model's order, which the Query protocol's answers follow.
type orderedMembers []modelMember

func (o *orderedMembers) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var m modelMember
		if err := d.Decode(&m); err != nil {
			return err
		}
		m.Name = name.(string)
		*o = append(*o, m)
	}
	return nil
}

// rewritten replaces the patterns that RE2 cannot express (look-ahead) by equivalent ones.
func rewritten(shape, pattern string) string {
	switch shape {
	case "Duration":
		const date = `(?:\d+Y(?:\d+M)?(?:\d+[DW])?|\d+M(?:\d+[DW])?|\d+[DW])`
		const sec = `\d+(?:\.\d+)?S`
		return `-?P(?:` + date + `(?:T(?:\d+H)?(?:\d+M)?(?:` + sec + `)?)?|T(?:\d+H(?:\d+M)?(?:` + sec + `)?|\d+M(?:` + sec + `)?|` + sec + `))`
	case "accountAliasType":
		return `[a-z0-9](?:-?[a-z0-9])*`
	}
	var b strings.Builder
	for _, r := range javaEscape.ReplaceAllString(pattern, `\x{$1}`) {
		if r < 0x7f {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\x{%X}`, r) // a no-break space is invisible in a file that people edit
		}
	}
	return b.String()
}

var javaEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

func convert(name string, raw []byte) (string, error) {
	var m awsModel
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", err
	}
	var b strings.Builder
	meta := m.Metadata
	signing := meta.SigningName
	if signing == "" {
		signing = meta.EndpointPrefix
	}
	fmt.Fprintf(&b, "# The %s API: members, types, limits, patterns and errors. The language is described in tools/shapes/parse.go.\n", name)
	fmt.Fprintf(&b, "service %s\nversion %s\nprotocol %s\n", name, meta.APIVersion, meta.Protocol)
	if meta.TargetPrefix != "" {
		fmt.Fprintf(&b, "target %s\n", meta.TargetPrefix)
	}
	if meta.XMLNamespace != "" {
		fmt.Fprintf(&b, "namespace %s\n", meta.XMLNamespace)
	}
	fmt.Fprintf(&b, "signing %s\n\n", signing)
	for _, n := range sorted(m.Operations) {
		writeOperation(&b, n, m.Operations[n], meta.Protocol)
	}
	for _, n := range sorted(m.Shapes) {
		if s := m.Shapes[n]; s.Exception {
			writeError(&b, n, s)
		}
	}
	for _, n := range m.reachable() {
		writeShape(&b, n, m.Shapes[n])
	}
	return b.String(), nil
}

func sorted[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func writeOperation(b *strings.Builder, name string, o modelOperation, protocol string) {
	fmt.Fprintf(b, "operation %s", name)
	if o.AuthType == "none" {
		b.WriteString(" unsigned")
	}
	b.WriteString("\n")
	if protocol == "rest-json" {
		fmt.Fprintf(b, "  http %s %s", o.HTTP.Method, o.HTTP.RequestURI)
		if code := o.HTTP.ResponseCode; code != 0 && code != 200 {
			fmt.Fprintf(b, " %d", code)
		}
		b.WriteString("\n")
	}
	if o.Input.Shape != "" {
		fmt.Fprintf(b, "  in %s\n", o.Input.Shape)
	}
	if o.Output.Shape != "" {
		fmt.Fprintf(b, "  out %s\n", o.Output.Shape)
	}
	if len(o.Errors) > 0 {
		b.WriteString("  errors")
		for _, e := range o.Errors {
			b.WriteString(" " + e.Shape)
		}
		b.WriteString("\n")
	}
}

func writeError(b *strings.Builder, name string, s modelShape) {
	code, status := s.Error.Code, s.Error.HTTPStatusCode
	if code == "" {
		code = name
	}
	if status == 0 {
		if status = 400; s.Fault {
			status = 500
		}
	}
	fmt.Fprintf(b, "error %s %d %s\n", name, status, code)
}

// reachable lists the shapes that operations use, members of error shapes aside.
func (m *awsModel) reachable() []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(n string) {
		if n == "" || seen[n] {
			return
		}
		seen[n] = true
		s := m.Shapes[n]
		for _, mem := range s.Members {
			visit(mem.Shape)
		}
		visit(s.Member.Shape)
		visit(s.Key.Shape)
		visit(s.Value.Shape)
	}
	for _, o := range m.Operations {
		visit(o.Input.Shape)
		visit(o.Output.Shape)
	}
	return sorted(seen)
}

func writeShape(b *strings.Builder, name string, s modelShape) {
	switch {
	case s.Type == "structure" && s.Document:
		fmt.Fprintf(b, "document %s\n", name)
	case s.Type == "structure":
		writeStructure(b, name, s)
	case s.Type == "list":
		fmt.Fprintf(b, "list %s of %s%s\n", name, s.Member.Shape, bounds(s))
	case s.Type == "map":
		fmt.Fprintf(b, "map %s of %s to %s%s\n", name, s.Key.Shape, s.Value.Shape, bounds(s))
	case s.Type == "string" && len(s.Enum) > 0:
		fmt.Fprintf(b, "enum %s %s\n", name, strings.Join(s.Enum, " "))
	case s.Type == "string":
		fmt.Fprintf(b, "string %s%s", name, bounds(s))
		if s.Pattern != "" {
			b.WriteString(" pattern " + rewritten(name, s.Pattern))
		}
		b.WriteString("\n")
	default:
		fmt.Fprintf(b, "%s %s%s\n", s.Type, name, bounds(s))
	}
}

func writeStructure(b *strings.Builder, name string, s modelShape) {
	kind := "structure"
	if s.Union {
		kind = "union"
	}
	fmt.Fprintf(b, "%s %s\n", kind, name)
	for _, m := range s.Members {
		fmt.Fprintf(b, "  %s %s", m.Name, m.Shape)
		if contains(s.Required, m.Name) {
			b.WriteString(" required")
		}
		switch m.Location {
		case "querystring":
			b.WriteString(" query=" + m.LocationName)
		case "header":
			b.WriteString(" header=" + m.LocationName)
		case "uri":
			b.WriteString(" path=" + m.LocationName)
		case "statusCode":
			b.WriteString(" status")
		case "":
			if m.LocationName != "" && m.LocationName != m.Name {
				b.WriteString(" name=" + m.LocationName)
			}
		default:
			b.WriteString(" " + m.Location) // which parse refuses: the adapter has no such binding
		}
		if s.Payload == m.Name {
			b.WriteString(" payload")
		}
		b.WriteString("\n")
	}
}

func bounds(s modelShape) string {
	switch {
	case s.Min == nil && s.Max == nil:
		return ""
	case s.Max == nil:
		return fmt.Sprintf(" %d..", *s.Min)
	case s.Min == nil:
		return fmt.Sprintf(" 0..%d", *s.Max)
	}
	return fmt.Sprintf(" %d..%d", *s.Min, *s.Max)
}
