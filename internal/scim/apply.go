package scim

// Apply applies the operations in order to a copy of a resource and returns the copy, and whether it differs
// from the original. On an error nothing has happened (RFC 7644 §3.5.2: a PATCH is atomic). It is meant for
// resources that fit in memory, users; for groups see [PatchGroup].
func (p Patch) Apply(rt *ResourceType, o Object) (Object, bool, error) {
	out := o.clone()
	for i, op := range p.operations {
		if err := applyOperation(rt, out, op); err != nil {
			return nil, false, inOperation(i, err)
		}
	}
	prune(rt, out)
	return out, !out.equal(o), nil
}

func applyOperation(rt *ResourceType, o Object, op operation) error {
	cs, err := op.changes(rt)
	if err != nil {
		return err
	}
	for _, c := range cs {
		if err := c.apply(o); err != nil {
			return err
		}
	}
	return nil
}

func (c change) apply(o Object) error {
	t := c.target
	if t.attr == nil {
		return nil // an attribute we do not keep
	}
	if t.attr.Mutability == ReadOnly || t.sub != nil && t.sub.Mutability == ReadOnly {
		if c.pathless {
			return nil
		}
		return refuse(Mutability, "%q cannot be written", t.name())
	}
	in := container(o, t.ref, true)
	switch {
	case t.filter != nil:
		return c.applyFiltered(in)
	case t.sub != nil:
		return c.applySub(in)
	case c.kind == "remove":
		return c.remove(in)
	default:
		return c.assign(in)
	}
}

// keep reports whether the attribute may not be unassigned: userName, which every user has, and active,
// whose loss would have to mean either access or no access and must not be guessed.
func keep(a *Attribute) bool { return a.Required || a.Name == "active" }

// remove unassigns an attribute (RFC 7644 §3.5.2.2). With a value, which the RFC does not know, only the
// elements with that value go: Entra removes members that way, and reading it as "remove all" empties groups.
func (c change) remove(in Object) error {
	a := c.target.attr
	if keep(a) {
		return refuse(Mutability, "%q cannot be removed", a.Name)
	}
	if !a.Multi || c.value == nil {
		delete(in, a.Name)
		return nil
	}
	gone, err := coerceMany(a, c.value)
	if err != nil {
		return err
	}
	var rest []any
	for _, e := range in.list(a.Name) {
		if !named(gone, e.(Object)) {
			rest = append(rest, e)
		}
	}
	setList(in, a, rest)
	return nil
}

// named reports whether the element is one of those that a removal lists: by its value, or whole where it
// has none.
func named(gone []any, e Object) bool {
	for _, g := range gone {
		g := g.(Object)
		if g.equal(e) || g.text("value") != "" && fold(g.text("value")) == fold(e.text("value")) {
			return true
		}
	}
	return false
}

func setList(in Object, a *Attribute, list []any) {
	if len(list) == 0 {
		delete(in, a.Name)
		return
	}
	in[a.Name] = list
}

// assign is add and replace of a whole attribute (RFC 7644 §3.5.2.1, §3.5.2.3).
func (c change) assign(in Object) error {
	a := c.target.attr
	if sub, ok := c.value.(object); ok && a.Type == Complex && !a.Multi {
		return setSubs(child(in, a), a, sub)
	}
	v, err := coerce(a, c.value)
	if err != nil {
		return err
	}
	switch {
	case v == nil && c.kind == "add":
	case v == nil && keep(a):
		return refuse(InvalidValue, "%q must have a value", a.Name)
	case v == nil:
		delete(in, a.Name)
	case a.Multi && c.kind == "add":
		list := addElements(in.list(a.Name), v.([]any))
		if len(list) > maxElements {
			return tooManyElements(a)
		}
		in[a.Name] = list
	default:
		in[a.Name] = v
	}
	return nil
}

// addElements adds what is not there yet. An element of the same value and type is completed rather than
// doubled, and a new primary one takes the place of the old (RFC 7644 §3.5.2).
func addElements(list, more []any) []any {
	for _, m := range more {
		m := m.(Object)
		at := sameElement(list, m)
		if at < 0 {
			list = append(list, m)
			at = len(list) - 1
		} else {
			for k, v := range m {
				list[at].(Object)[k] = v
			}
		}
		if m["primary"] == true {
			onePrimary(list, at)
		}
	}
	return list
}

func sameElement(list []any, m Object) int {
	for i, e := range list {
		e := e.(Object)
		if e.equal(m) || m.text("value") != "" && e.text("value") == m.text("value") && e.text("type") == m.text("type") {
			return i
		}
	}
	return -1
}

// applySub sets one sub-attribute: of the single value ("name.givenName"), or of every element
// ("emails.type"), where one is made if there is none.
func (c change) applySub(in Object) error {
	a := c.target.attr
	if !a.Multi {
		return c.setSub(child(in, a))
	}
	list := in.list(a.Name)
	if len(list) == 0 {
		if c.kind == "remove" {
			return nil
		}
		list = []any{Object{}}
	}
	for _, e := range list {
		if err := c.setSub(e.(Object)); err != nil {
			return err
		}
	}
	onePrimary(list, firstPrimary(list))
	setList(in, a, list)
	return nil
}

// setSub sets or unassigns the target's sub-attribute in e.
func (c change) setSub(e Object) error {
	v := c.value
	if c.kind == "remove" {
		v = nil
	}
	return setSubs(e, c.target.attr, object{{c.target.sub.Name, v}})
}

// applyFiltered changes the elements that a value path chooses.
func (c change) applyFiltered(in Object) error {
	a := c.target.attr
	list := in.list(a.Name)
	var chosen []int
	for i, e := range list {
		if c.target.filter.match(e.(Object)) {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 {
		if c.kind == "remove" || c.value == nil || c.value == "" {
			return nil // there is nothing to take away, and clients repeat themselves
		}
		made, ok := c.synthesise()
		if !ok {
			return refuse(NoTarget, "no element of %q matches the filter", a.Name)
		}
		if list = append(list, made); len(list) > maxElements {
			return tooManyElements(a)
		}
		chosen = []int{len(list) - 1}
	}
	return c.change(in, list, chosen)
}

func (c change) change(in Object, list []any, chosen []int) error {
	if c.kind == "remove" && c.target.sub == nil {
		setList(in, c.target.attr, without(list, chosen))
		return nil
	}
	primary := -1
	for _, i := range chosen {
		had := list[i].(Object)["primary"] == true
		e, err := c.changed(list[i].(Object))
		if err != nil {
			return err
		}
		list[i] = e
		if e["primary"] == true && !had && primary < 0 {
			primary = i
		}
	}
	if primary < 0 {
		primary = firstPrimary(list)
	}
	onePrimary(list, primary)
	setList(in, c.target.attr, list)
	return nil
}

// changed returns the element after the change.
func (c change) changed(e Object) (Object, error) {
	if c.target.sub != nil {
		return e, c.setSub(e)
	}
	a := c.target.attr
	vs, err := coerceMany(a, c.value)
	if err != nil {
		return nil, err
	}
	if len(vs) != 1 {
		return nil, refuse(InvalidValue, "the value for an element of %q must be one element", a.Name)
	}
	v := vs[0].(Object)
	if c.kind == "replace" {
		// What the filter demands stays true of the element it chose.
		e = stamp(c.target.filter)
	}
	for name, x := range v {
		e[name] = x
	}
	return e, nil
}

func without(list []any, chosen []int) []any {
	var rest []any
	for i, e := range list {
		if len(chosen) > 0 && chosen[0] == i {
			chosen = chosen[1:]
			continue
		}
		rest = append(rest, e)
	}
	return rest
}

// synthesise makes the element that a value path asks for and that does not exist.
//
// RFC 7644 §3.5.2.3 demands noTarget for a replace whose filter matches nothing. Entra replaces
// emails[type eq "work"].value of a person who has no e-mail address yet, and because a PATCH is atomic the
// refusal would block her for ever. Both are served: where the filter asks for no more than a canonical type, or for the
// primary element, and a sub-attribute is set, the element is made; where it asks for anything else a replace
// gets noTarget. An add makes the element whenever the filter says what it would be.
func (c change) synthesise() (Object, bool) {
	e := stamp(c.target.filter)
	if !c.target.filter.match(e) {
		return nil, false
	}
	if c.kind == "add" {
		return e, true
	}
	cmp, plain := c.target.filter.(compare)
	if !plain || c.target.sub == nil {
		return nil, false
	}
	switch cmp.ref.attr.Name {
	case "type":
		return e, canonical(cmp.ref.attr, e.text("type"))
	case "primary":
		return e, true
	}
	return nil, false
}

func canonical(a *Attribute, value string) bool {
	for _, v := range a.Canonical {
		if foldEqual(v, value) {
			return true
		}
	}
	return false
}

// stamp makes an element of the equalities that a filter joins with "and".
func stamp(filter expr) Object {
	e := Object{}
	for _, x := range conjuncts(filter) {
		c, ok := x.(compare)
		if !ok || c.op != "eq" || c.ref.attr == nil || c.ref.attr.Mutability == ReadOnly {
			continue
		}
		switch v := c.value.(type) {
		case string:
			e.put(c.ref.attr.Name, v)
		case bool:
			if v {
				e[c.ref.attr.Name] = true
			}
		}
	}
	return e
}
