package cloudformation

import (
	"slices"
	"strings"
)

// loopPrefix begins the key of a loop, Fn::ForEach::Name: [identifier, collection, fragment]. The members of the fragment take the place of the
// loop once for each item of the collection. In their keys and texts ${identifier} is the item, and &{identifier} its letters and digits; Ref of the
// identifier is the item as well (AWS CloudFormation template reference, Fn::ForEach).
const loopPrefix = "Fn::ForEach::"

// unroller writes loops out. A collection may be made of parameters, mappings and the items of loops around it.
type unroller struct {
	// scope has the values of parameters.
	scope *scope
	// open is set when a collection hangs on a parameter without a value; its loop is written once, with the identifier as the item.
	open  bool
	names map[string]bool
	count int
}

// items are those that loops around a fragment are at.
type items struct {
	values map[string]item
	// plain replaces identifiers in keys and texts, sub in texts of Fn::Sub, where an item stays literal.
	plain, sub *strings.Replacer
	longest    int
}

// item is one in the forms in which it takes the place of its identifier: as it is, its letters and digits, and as text of Fn::Sub.
type item struct{ whole, short, sub string }

func newItem(s string) item {
	short := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
	return item{s, short, strings.ReplaceAll(s, "${", "${!")}
}

// with is another loop inside, whose identifier hides one of the same name.
func (all items) with(identifier, s string) items {
	values := map[string]item{identifier: newItem(s)}
	for name, value := range all.values {
		if _, hidden := values[name]; !hidden {
			values[name] = value
		}
	}
	var plain, sub []string
	for name, v := range values {
		plain = append(plain, "${"+name+"}", v.whole, "&{"+name+"}", v.short)
		sub = append(sub, "${"+name+"}", v.sub, "&{"+name+"}", v.short)
	}
	return items{values, strings.NewReplacer(plain...), strings.NewReplacer(sub...), max(all.longest, len(s))}
}

// unroll writes the loops of the sections out that may have some. values are those of the parameters; the others have their defaults.
func (t *Template) unroll(root *node, values map[string]string) (_ *node, open bool, err error) {
	u := &unroller{names: map[string]bool{}, scope: &scope{t: t, values: map[string]any{}}}
	for _, d := range t.Parameters {
		v, given := values[d.Name]
		if !given && d.Default != nil {
			v, given = *d.Default, true
		}
		if given {
			u.scope.values[d.Name] = d.value(v)
		}
	}
	out := *root
	out.items = slices.Clone(root.items)
	for i, section := range root.keys {
		switch section {
		case "Conditions", "Resources", "Outputs":
			if out.items[i], err = u.node(root.items[i], items{}); err != nil {
				return nil, false, err
			}
		}
	}
	return &out, u.open, nil
}

// node is a value with its loops written out and identifiers replaced.
func (u *unroller) node(n *node, at items) (*node, error) {
	if u.count++; u.count > maxNodes {
		return nil, n.wrong("with its loops written out the template has more than %d values", maxNodes)
	}
	out := &node{kind: n.kind, text: n.text, line: n.line, col: n.col}
	var err error
	switch n.kind {
	case textNode:
		out.text, err = u.replace(n, n.text, at.plain, at)
		return out, err
	case listNode:
		for _, item := range n.items {
			v, err := u.node(item, at)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, v)
		}
		return out, nil
	case mapNode:
		name, arg, ok := n.call()
		if ok && !strings.HasPrefix(name, loopPrefix) {
			return u.call(n, name, arg, at)
		}
		return out, u.members(&made{out, map[string]bool{}}, n, at)
	}
	return out, nil
}

// made is a map that is being written, and the keys that it has.
type made struct {
	*node
	has map[string]bool
}

// members adds a map's members to another map.
func (u *unroller) members(out *made, n *node, at items) error {
	for i, key := range n.keys {
		if loop, is := strings.CutPrefix(key, loopPrefix); is {
			if !u.scope.t.extended() {
				return n.items[i].wrong("Fn::ForEach needs the transform %s", LanguageExtensions)
			}
			if err := u.loop(out, loop, n.items[i], at); err != nil {
				return err
			}
			continue
		}
		word, err := u.replace(n.items[i], key, at.plain, at)
		if err != nil {
			return err
		}
		v, err := u.node(n.items[i], at)
		if err != nil {
			return err
		}
		if out.has[word] {
			return n.items[i].wrong("the key %q occurs twice once loops are written out; the keys of a loop must have its identifier in them", clip(word))
		}
		out.has[word] = true
		out.keys, out.items = append(out.keys, word), append(out.items, v)
	}
	return nil
}

// loop writes a loop out, into the map that it stands in.
func (u *unroller) loop(out *made, name string, n *node, at items) error {
	if !logicalID.MatchString(name) {
		return n.wrong("the name of the loop %s%s is not alphanumeric", loopPrefix, clip(name))
	}
	if len(at.values) == 0 && u.names[name] { // a loop within a loop comes by once for each item of that
		return n.wrong("there are two loops %s%s", loopPrefix, name)
	}
	u.names[name] = true
	if n.kind != listNode || len(n.items) != 3 || n.items[2].kind != mapNode {
		return n.wrong("%s%s takes a list of an identifier, a collection and a map", loopPrefix, name)
	}
	identifier, ok := n.items[0].scalar()
	if !ok || !logicalID.MatchString(identifier) {
		return n.items[0].wrong("the identifier of %s%s is an alphanumeric name", loopPrefix, name)
	}
	all, err := u.collection(n.items[1], loopPrefix+name, identifier, at)
	if err != nil {
		return err
	}
	for _, item := range all {
		if u.count++; u.count > maxNodes {
			return n.wrong("loops run more than %d times", maxNodes)
		}
		w, ok := text(item)
		if !ok {
			return n.items[1].wrong("%s%s runs over a list of strings", loopPrefix, name)
		}
		if err := u.members(out, n.items[2], at.with(identifier, w)); err != nil {
			return err
		}
	}
	return nil
}

// collection is what a loop runs over.
func (u *unroller) collection(n *node, name, identifier string, at items) ([]any, error) {
	n, err := u.node(n, at)
	if err != nil {
		return nil, err
	}
	uses := uses{extended: true}
	if err := uses.walk(n); err != nil {
		return nil, err
	}
	for _, used := range uses.names {
		i := slices.IndexFunc(u.scope.t.Parameters, func(d Declaration) bool { return d.Name == used })
		switch {
		case i < 0:
			return nil, n.wrong("%s runs over what parameters and mappings have; %s is no parameter", name, clip(used))
		case u.scope.t.Parameters[i].NoEcho:
			return nil, n.wrong("%s cannot run over the parameter %s, which has NoEcho: names of resources would show it", name, used)
		case u.scope.values[used] == nil:
			u.open = true
			return []any{identifier}, nil
		}
	}
	all, later, err := u.scope.list(n, name)
	if err == nil && later {
		err = n.wrong("%s cannot run over what is known later", name)
	}
	return all, err
}

// call is a function with identifiers replaced.
func (u *unroller) call(n *node, name string, arg *node, at items) (*node, error) {
	word, plain := arg.scalar()
	if name == "Ref" && plain {
		if item, is := at.values[word]; is {
			return &node{text: item.whole, line: n.line, col: n.col}, nil
		}
	}
	out := &node{kind: mapNode, keys: n.keys, line: n.line, col: n.col}
	var err error
	if name == "Fn::Sub" {
		arg, err = u.sub(arg, at)
	} else {
		arg, err = u.node(arg, at)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case name == "Ref":
		arg = arg.subbed()
	case name == "Fn::GetAtt" && arg.kind == listNode && len(arg.items) > 0:
		arg.items[0] = arg.items[0].subbed()
	}
	out.items = []*node{arg}
	return out, nil
}

// sub is the argument of Fn::Sub with identifiers replaced: items stay as they are, whatever they look like.
func (u *unroller) sub(arg *node, at items) (*node, error) {
	if arg.kind == listNode && len(arg.items) == 2 && arg.items[0].kind == textNode {
		first, err := u.sub(arg.items[0], at)
		if err != nil {
			return nil, err
		}
		second, err := u.node(arg.items[1], at)
		return &node{kind: listNode, items: []*node{first, second}, line: arg.line, col: arg.col}, err
	}
	if arg.kind != textNode {
		return u.node(arg, at)
	}
	word, err := u.replace(arg, arg.text, at.sub, at)
	return &node{text: word, line: arg.line, col: arg.col}, err
}

// subbed is the name that Fn::Sub makes when nothing is left for it to substitute, as in Ref of a resource that a loop makes.
func (n *node) subbed() *node {
	name, arg, ok := n.call()
	word, plain := arg.scalar()
	if !ok || name != "Fn::Sub" || !plain || strings.Contains(word, "${") {
		return n
	}
	return &node{text: word, line: n.line, col: n.col}
}

func (u *unroller) replace(n *node, s string, with *strings.Replacer, at items) (string, error) {
	if with == nil || !strings.Contains(s, "{") {
		return s, nil
	}
	if strings.Count(s, "{")*at.longest > maxText {
		return "", n.wrong("a loop makes a text of more than %d bytes", maxText)
	}
	s = with.Replace(s)
	return s, u.scope.grow(len(s))
}
