package file

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// SchemaID is where the JSON Schema says it is.
const SchemaID = "https://gatehouse.dev/schemas/access.schema.json"

// Schema is the JSON Schema (2020-12) of the files, for editors: completion, documentation under the cursor, and faults as they are typed.
func Schema() []byte {
	w := schemaWriter{defs: map[string]any{}}
	root := w.record(fileShape)
	root["$schema"], root["$id"], root["title"] = "https://json-schema.org/draft/2020-12/schema", SchemaID, "Gatehouse: access as code"
	root["$defs"] = w.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		panic("file: the schema cannot be encoded: " + err.Error()) // it is data of this package
	}
	return b.Bytes()
}

type schemaWriter struct{ defs map[string]any }

type object = map[string]any

// reference to a variable, which may stand wherever a value may.
var variable = object{"type": "string", "pattern": `\$\([A-Za-z][A-Za-z0-9_-]*\)`, "description": "A variable or a fragment."}

func (w schemaWriter) write(s *shape) object {
	out := w.bare(s)
	if s.doc != "" && s.kind != isRecord {
		if _, shared := out["$ref"]; !shared {
			out["description"] = s.doc
		}
	}
	return out
}

func (w schemaWriter) bare(s *shape) object {
	switch s.kind {
	case isText:
		return w.text(s)
	case isFlag:
		return object{"anyOf": []any{object{"type": "boolean"}, variable}}
	case isDuration:
		return object{"anyOf": []any{object{"type": "string", "pattern": `^(PT)?[0-9][0-9a-zA-Z ]*$`, "examples": []string{"4h", "90m"}}, variable}}
	case isList:
		one := w.write(s.of)
		many := object{"type": "array", "items": one}
		if s.min > 0 {
			many["minItems"] = s.min
		}
		if s.max > 0 {
			many["maxItems"] = s.max
		}
		return object{"anyOf": []any{one, many}}
	case isRecord:
		if s.name == "" {
			return w.record(s)
		}
		key := strings.ReplaceAll(s.name, " ", "_")
		if w.defs[key] == nil {
			w.defs[key] = true // so that it is written once
			w.defs[key] = w.record(s)
		}
		return object{"$ref": "#/$defs/" + key}
	case isTable:
		out := object{"type": "object", "additionalProperties": w.write(s.of)}
		if s.keys != nil {
			out["propertyNames"] = w.text(s.keys)
		}
		if s.max > 0 {
			out["maxProperties"] = s.max
		}
		return out
	case isChoice:
		var options []any
		for _, o := range s.options {
			options = append(options, w.write(o))
		}
		return object{"anyOf": options}
	}
	return object{}
}

func (w schemaWriter) text(s *shape) object {
	if len(s.words) > 0 {
		return object{"anyOf": []any{object{"enum": s.words}, variable}}
	}
	out := object{"type": []string{"string", "number"}}
	if s.min > 0 {
		out["minLength"] = s.min
	}
	if s.pattern != nil && !strings.Contains(s.pattern.String(), `\p{`) { // classes of Unicode are not in every dialect
		out["pattern"] = `\$\(|` + ecma(s.pattern.String())
	}
	if s.example != "" {
		out["examples"] = []string{strings.Trim(s.example, `"`)}
	}
	return out
}

// ecma writes a pattern of Go's in the dialect that JSON Schema uses: they differ in how a code point is written.
func ecma(pattern string) string {
	return strings.NewReplacer(`\x{ff}`, `\u00ff`, `\xa1`, `\u00a1`, `\x20`, ` `, `\x7e`, `~`, `\x00`, `\u0000`, `\x1f`, `\u001f`, `\x7f`, `\u007f`, `\x21`, `!`).Replace(pattern)
}

func (w schemaWriter) record(s *shape) object {
	properties := object{}
	var required []string
	for _, f := range s.fields {
		p := w.write(f.shape)
		if f.meaning() != "" {
			if _, shared := p["$ref"]; shared {
				p = object{"allOf": []any{p}}
			}
			p["description"] = f.meaning()
		}
		properties[f.name] = p
		if f.required {
			required = append(required, f.name)
		}
	}
	properties["<<"] = variable
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if s.doc != "" {
		out["description"] = s.doc
	}
	if len(required) > 0 && s.name != "" {
		out["required"] = required
	}
	return out
}

// Reference is the description of the files in Markdown.
func Reference() []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, "# Access as code: reference of the files\n\nWritten from the description that the files are checked against; see [the guide](access-as-code.md) for how to begin.\n\n")
	fmt.Fprint(&b, "Wherever a list stands, a single value may stand for a list of one. Wherever a value stands, `$(name)` may stand for a variable or a fragment. ",
		"Names of AWS managed policies, permission sets, groups, people and accounts are written as they are; nothing needs an ARN or an id.\n\n")
	sections := []*shape{fileShape}
	seen := map[*shape]bool{}
	for len(sections) > 0 {
		s := sections[0]
		sections = sections[1:]
		if seen[s] {
			continue
		}
		seen[s] = true
		title := s.name
		if s == fileShape {
			title = "A file"
		}
		fmt.Fprintf(&b, "## %s\n\n%s\n\n| key | value | meaning |\n|---|---|---|\n", strings.ToUpper(title[:1])+title[1:], s.doc)
		for _, f := range s.fields {
			required := ""
			if f.required {
				required = " **(required)**"
			}
			value, inner := describeShape(f.shape)
			fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", f.name, required, cell(value), cell(f.meaning()))
			sections = append(sections, inner...)
		}
		fmt.Fprintln(&b)
	}
	return b.Bytes()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// describeShape says in words what may stand there, and which records it may hold.
func describeShape(s *shape) (string, []*shape) {
	switch s.kind {
	case isText:
		return describeText(s), nil
	case isFlag:
		return "`true` or `false`", nil
	case isDuration:
		return "a duration: `4h`, `90m`, `1h30m`, `PT4H`", nil
	case isList:
		what, inner := describeShape(s.of)
		return "list: " + what, inner
	case isTable:
		what, inner := describeShape(s.of)
		keys := "name"
		if s.keys != nil && s.keys.doc != "" {
			keys = s.keys.doc
		}
		return "mapping: " + keys + " → " + what, inner
	case isRecord:
		return "[" + s.name + "](#" + strings.ReplaceAll(s.name, " ", "-") + ")", []*shape{s}
	case isChoice:
		var all []string
		var inner []*shape
		for _, o := range s.options {
			what, more := describeShape(o)
			all, inner = append(all, what), append(inner, more...)
		}
		return strings.Join(all, "; or "), inner
	}
	return "anything", nil
}

func describeText(s *shape) string {
	if len(s.words) > 0 {
		words := append([]string(nil), s.words...)
		sort.Strings(words)
		return "`" + strings.Join(words, "` or `") + "`"
	}
	out := "text"
	if s.doc != "" && !strings.HasSuffix(s.doc, ".") {
		out = s.doc
	}
	if s.says != "" {
		out += " (" + s.says + ")"
	}
	if s.max > 0 {
		out += fmt.Sprintf(", at most %d characters", s.max)
	}
	if s.example != "" {
		out += fmt.Sprintf(", such as `%s`", strings.Trim(s.example, `"`))
	}
	return out
}
