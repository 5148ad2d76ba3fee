package policy

import (
	"fmt"
	"strings"
)

// quantifier is the set operator in front of a condition operator.
type quantifier uint8

const (
	single quantifier = iota
	forAllValues
	forAnyValue
)

// condition is one operator applied to one key.
type condition struct {
	operator string // as written, for explanations
	key      string // as written
	folded   string // the key in lower case

	quantifier quantifier
	ifExists   bool
	negated    bool
	null       bool // the Null operator; wantNull says which way
	wantNull   bool
	values     []comparand
}

// newCondition reads an operator's name; values come later.
func newCondition(name, key string) (condition, operator, error) {
	c := condition{operator: name, key: key, folded: lower(key)}
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		c.quantifier, base = forAllValues, rest
	} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		c.quantifier, base = forAnyValue, rest
	}
	if base == "Null" && c.quantifier == single {
		c.null = true
		return c, operator{}, nil
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	op, ok := operatorOf(base)
	if !ok {
		return c, op, fmt.Errorf("Invalid Condition type : %s.", clip(name)) //nolint:staticcheck // IAM's sentence
	}
	c.negated = op.negated
	return c, op, nil
}

// holds reports whether the condition is met. The effect of the statement decides what happens with what
// cannot be known: it never helps an Allow and never hinders a negated condition of a Deny.
func (c *condition) holds(ctx Context, effect Effect) bool {
	have := ctx[c.folded]
	if c.null {
		return (len(have) == 0) == c.wantNull
	}
	if len(have) == 1 && have[0] == Ambiguous {
		return effect == Deny
	}
	if c.quantifier != single && onlyEmpty(have) {
		have = nil // to a set operator this is an empty set
	}
	if len(have) == 0 {
		switch {
		case c.ifExists, c.quantifier == forAllValues:
			return true
		case c.quantifier == forAnyValue:
			return false
		default:
			return c.negated
		}
	}
	// A key with several values and no quantifier: one match is enough to meet a positive operator and to
	// fail a negated one.
	all := c.quantifier == forAllValues || (c.quantifier == single && c.negated)
	for _, h := range have {
		if c.met(h, ctx, effect) != all {
			return !all
		}
	}
	return all
}

// onlyEmpty reports whether all values are empty strings.
func onlyEmpty(values []string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}

// met compares one value of the request with all values of the policy.
func (c *condition) met(have string, ctx Context, effect Effect) bool {
	out := no
	for _, v := range c.values {
		switch v.compare(have, ctx) {
		case yes:
			return !c.negated
		case unknown:
			out = unknown
		}
	}
	if out == unknown {
		return c.negated && effect == Deny
	}
	return c.negated
}
