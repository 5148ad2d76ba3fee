package tenant

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object with its members in the order in which Entra writes them.
type object []member

type member struct {
	name string
	val  any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := compact(m.name)
		if err != nil {
			return nil, err
		}
		val, err := compact(m.val)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(val)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// compact is json.Marshal without the escaping for HTML, which Entra does not do.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// target is a parsed mapping target.
type target struct {
	attr   string // emails, name, userName; for the extension the attribute's own name
	filter string // work in emails[type eq "work"].value
	sub    string
	ext    bool
}

func parseTarget(s string) target {
	if rest, ok := strings.CutPrefix(s, enterpriseUser+":"); ok {
		return target{attr: rest, ext: true}
	}
	if attr, rest, ok := strings.Cut(s, "["); ok {
		filter, sub, _ := strings.Cut(rest, `"].`)
		return target{attr: attr, filter: strings.TrimPrefix(filter, `type eq "`), sub: sub}
	}
	attr, sub, _ := strings.Cut(s, ".")
	return target{attr: attr, sub: sub}
}

// newUserBody writes the POST for a user: schemas, externalId and userName first, then by the alphabet, the
// extension last.
func newUserBody(vals []value, c Chaos) object {
	ext := enterpriseUser
	if c.TypoSchema {
		ext = enterpriseTypo
	}
	simple, extension := profile(vals)
	if v := mappedTo(vals, targetActive); v != "" {
		simple[targetActive] = createActive(v, c)
	}
	simple["schemas"] = []string{coreUser, ext}
	simple["meta"] = object{{"resourceType", "User"}}
	simple["roles"] = []any{}
	if c.NullAttributes {
		addNulls(simple, "addresses", "phoneNumbers", "title", "preferredLanguage")
		addNulls(extension, "manager", "costCenter")
	}
	body := sorted(simple, "schemas", "externalId", "userName")
	if len(extension) > 0 {
		body = append(body, member{ext, sorted(extension)})
	}
	return body
}

func addNulls(m map[string]any, names ...string) {
	for _, n := range names {
		if _, ok := m[n]; !ok {
			m[n] = nil
		}
	}
}

func createActive(text string, c Chaos) any {
	if c.StringActive {
		return text
	}
	return text == "True"
}

// elements writes the values of a multi-valued attribute. Only e-mail addresses are marked primary.
func elements(attr string, byType map[string]map[string]any) []object {
	var out []object
	for _, typ := range sortedKeys(byType) {
		e := byType[typ]
		e["type"] = typ
		if attr == "emails" {
			e["primary"] = typ == "work"
		}
		out = append(out, sorted(e, "primary", "type"))
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// sorted turns a map into an object: the named members first, the others by the alphabet.
func sorted(m map[string]any, first ...string) object {
	var o object
	for _, k := range first {
		if v, ok := m[k]; ok {
			o = append(o, member{k, v})
		}
	}
	for _, k := range sortedKeys(m) {
		if !slices.Contains(first, k) {
			o = append(o, member{k, m[k]})
		}
	}
	return o
}

func newGroupBody(g *Group) object {
	return object{
		{"schemas", []string{coreGroup, microsoftGroup}},
		{"externalId", g.ID},
		{"displayName", g.DisplayName},
		{"meta", object{{"resourceType", "Group"}}},
	}
}

// change is one attribute to be written by PATCH.
type change struct {
	op     string // Add or Replace
	target string
	text   string
	old    string
}

// diff compares what the application has with what it should have. An attribute that has no value over
// there is added, one with another value replaced; nothing is ever removed.
func diff(vals []value, res map[string]any, c Chaos) []change {
	var out []change
	for _, v := range vals {
		cur, ok := lookup(res, v.target)
		if ok && (cur == v.text || v.target == targetActive && strings.EqualFold(cur, v.text)) {
			continue
		}
		op := "Replace"
		if !ok && !c.ReplaceMissing {
			op = "Add"
		}
		out = append(out, change{op: op, target: v.target, text: v.text, old: cur})
	}
	return out
}

// lookup reads one value out of a resource as it came over the wire; a boolean reads True or False.
func lookup(res map[string]any, path string) (string, bool) {
	t := parseTarget(path)
	if t.ext {
		ext, _ := res[enterpriseUser].(map[string]any)
		return text(ext[t.attr])
	}
	if t.filter != "" {
		list, _ := res[t.attr].([]any)
		for _, e := range list {
			if el, _ := e.(map[string]any); el["type"] == t.filter {
				return text(el[t.sub])
			}
		}
		return "", false
	}
	if t.sub != "" {
		sub, _ := res[t.attr].(map[string]any)
		return text(sub[t.sub])
	}
	return text(res[t.attr])
}

func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, v != ""
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func patchBody(ops ...object) object {
	return object{{"schemas", []string{patchOp}}, {"Operations", ops}}
}

// userPatch writes the changes in a dialect.
func userPatch(d Dialect, changes []change) object {
	if d == DialectFlag {
		return patchBody(flagOps(changes)...)
	}
	ops := make([]object, 0, len(changes))
	for _, c := range changes {
		ops = append(ops, object{{"op", c.op}, {"path", c.target}, {"value", c.text}})
	}
	return patchBody(ops...)
}

// flagOps writes the changes as aadOptscim062020 does: several single-valued attributes share one operation
// without a path whose keys are paths; multi-valued ones keep an operation each.
func flagOps(changes []change) []object {
	var ops []object
	for _, op := range []string{"Add", "Replace"} {
		var single object
		for _, c := range changes {
			if c.op != op {
				continue
			}
			if parseTarget(c.target).filter != "" {
				ops = append(ops, object{{"op", strings.ToLower(op)}, {"path", c.target}, {"value", c.text}})
				continue
			}
			single = append(single, member{c.target, typed(c)})
		}
		switch len(single) {
		case 0:
		case 1:
			ops = append(ops, object{{"op", strings.ToLower(op)}, {"path", single[0].name}, {"value", single[0].val}})
		default:
			ops = append(ops, object{{"op", strings.ToLower(op)}, {"value", single}})
		}
	}
	return ops
}

func typed(c change) any {
	if c.target == targetActive {
		return c.text == "True"
	}
	return c.text
}

// memberOps adds or removes members, one kind at a time. With the flag a removal names each member in the path.
func memberOps(d Dialect, moves []move) []object {
	add := moves[0].add
	if d == DialectFlag && !add {
		ops := make([]object, 0, len(moves))
		for _, m := range moves {
			ops = append(ops, byFilter(m))
		}
		return ops
	}
	op := "Remove"
	if add {
		op = "Add"
	}
	if d == DialectFlag {
		op = strings.ToLower(op)
	}
	vals := make([]object, 0, len(moves))
	for _, m := range moves {
		vals = append(vals, object{{"$ref", nil}, {"value", m.target}})
	}
	return []object{{{"op", op}, {"path", "members"}, {"value", vals}}}
}

// managerPatch sets the manager, or clears it when id is empty.
func managerPatch(d Dialect, op, base, id string, c Chaos) object {
	if d == DialectFlag {
		op = strings.ToLower(op)
	}
	switch {
	case id == "":
		return patchBody(object{{"op", op}, {"path", "manager"}, {"value", ""}})
	case c.StringManager:
		return patchBody(object{{"op", op}, {"path", targetManager}, {"value", id}})
	}
	return patchBody(object{{"op", op}, {"path", "manager"}, {"value", []object{{{"$ref", base + "/Users/" + id}, {"value", id}}}}})
}
