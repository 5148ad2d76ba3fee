package scim

// Key is a condition of a filter that an index can answer: the attribute equals the value. Attribute is the
// canonical dotted name: "id", "userName", "externalId", "displayName", "emails.value", "members.value",
// "groups.value", "manager.value" or any other attribute that was compared with eq.
type Key struct {
	Attribute, Value string
}

// Keys lists the conditions that every match must satisfy, in the order of the filter. A caller that has an
// index for one of them loads its few candidates and asks [Filter.Match] of each.
func (f *Filter) Keys() []Key {
	if f == nil {
		return nil
	}
	var out []Key
	for _, e := range f.conjuncts {
		if k, ok := keyOf(e); ok {
			out = append(out, k)
		}
	}
	return out
}

// Value returns the value that the filter demands of an attribute, if it demands exactly one.
func (f *Filter) Value(attribute string) (string, bool) {
	value, found := "", false
	for _, k := range f.Keys() {
		if k.Attribute != attribute {
			continue
		}
		if found && k.Value != value {
			return "", false
		}
		value, found = k.Value, true
	}
	return value, found
}

// Impossible reports whether the filter demands a value of an attribute that resources of its type do not have: nothing can match, and nothing
// need be looked at.
func (f *Filter) Impossible() bool {
	if f == nil {
		return false
	}
	for _, e := range f.conjuncts {
		switch e := e.(type) {
		case compare:
			if e.ref.attr == nil && (e.op == "pr" || !e.matchAbsent()) {
				return true
			}
		case valuePath:
			if e.ref.attr == nil {
				return true
			}
		}
	}
	return false
}

func keyOf(e expr) (Key, bool) {
	switch e := e.(type) {
	case compare:
		return keyOfCompare(e, e.ref.attr)
	case valuePath:
		if e.cmp != nil {
			return keyOfCompare(*e.cmp, e.ref.attr)
		}
		for _, c := range conjuncts(e.inner) {
			if c, ok := c.(compare); ok && c.ref.attr != nil && c.ref.attr.Name == "value" {
				return keyOfCompare(c, e.ref.attr)
			}
		}
	}
	return Key{}, false
}

// keyOfCompare names the compared attribute; outer is the attribute around it inside a value path.
func keyOfCompare(c compare, outer *Attribute) (Key, bool) {
	s, ok := c.value.(string)
	a := c.operand()
	if !ok || c.op != "eq" || a == nil {
		return Key{}, false
	}
	if a == outer {
		return Key{a.Name, s}, true
	}
	return Key{outer.Name + "." + a.Name, s}, true
}

// Without returns the filter without the top-level conditions that say k, which the caller has answered by
// other means; nil when nothing is left.
func (f *Filter) Without(k Key) *Filter {
	if f == nil {
		return nil
	}
	var rest []expr
	for _, e := range f.conjuncts {
		// A value path may say more than its key, so only a plain comparison is fully answered by it.
		if c, plain := e.(compare); plain {
			if got, ok := keyOf(c); ok && got == k {
				continue
			}
		}
		rest = append(rest, e)
	}
	if len(rest) == 0 {
		return nil
	}
	return &Filter{conjuncts: rest}
}

// Uses reports whether the filter looks at the attribute anywhere.
func (f *Filter) Uses(attribute string) bool {
	found := false
	f.walk(func(e expr) {
		switch e := e.(type) {
		case compare:
			found = found || e.ref.attr != nil && e.ref.attr.Name == attribute
		case valuePath:
			found = found || e.ref.attr.Name == attribute
		}
	})
	return found
}

// OnlyEqAnd reports whether the filter is made of eq and "and" alone, all that AWS's endpoint takes.
func (f *Filter) OnlyEqAnd() bool {
	ok := true
	f.walk(func(e expr) {
		switch e := e.(type) {
		case or, not:
			ok = false
		case compare:
			ok = ok && e.op == "eq"
		}
	})
	return ok
}

func (f *Filter) walk(visit func(expr)) {
	if f == nil {
		return
	}
	var each func(expr)
	each = func(e expr) {
		visit(e)
		switch e := e.(type) {
		case and:
			each(e.left)
			each(e.right)
		case or:
			each(e.left)
			each(e.right)
		case not:
			each(e.inner)
		case valuePath:
			each(e.inner)
			if e.cmp != nil {
				each(*e.cmp)
			}
		}
	}
	for _, e := range f.conjuncts {
		each(e)
	}
}
