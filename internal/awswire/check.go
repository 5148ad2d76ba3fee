package awswire

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

// Checker is a generated input structure that knows its own constraints.
type Checker interface {
	// Check reports every violated constraint to c.
	Check(c *Check)
}

// Check collects the violated constraints of one request, each with the path of the member
// concerned, so that the caller learns all of them at once. The zero Check is ready for use.
type Check struct {
	path  []string
	found []string
	total int
}

// maxReported bounds the message: a list of ten thousand bad tags must not come back tenfold.
const maxReported = 10

// Fault returns nil, or an Invalid fault with all violations in AWS's wording, as in
// "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must not be null".
func (c *Check) Fault() error {
	if c.total == 0 {
		return nil
	}
	noun := "errors"
	if c.total == 1 {
		noun = "error"
	}
	return fault.New(fault.Invalid, "%d validation %s detected: %s", c.total, noun, strings.Join(c.found, "; ")).For("constraint")
}

// Violated reports one violation: constraint continues the words "Member must".
func (c *Check) Violated(member, constraint string) {
	c.total++
	if len(c.found) < maxReported {
		c.found = append(c.found, "Value at '"+c.at(member)+"' failed to satisfy constraint: Member must "+constraint)
	}
}

// at spells a member's path as AWS does: lower camel case, list items counted from one, the word
// "member" between ("tags.1.member.key").
func (c *Check) at(member string) string {
	if member == "" {
		return strings.Join(c.path, ".")
	}
	return strings.Join(append(c.path[:len(c.path):len(c.path)], lowerFirst(member)), ".")
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

// Required reports a member that must be there and is not.
func (c *Check) Required(member string, present bool) {
	if !present {
		c.Violated(member, "not be null")
	}
}

// Size reports a list or map whose number of entries is out of bounds. maximum below zero means none.
func (c *Check) Size(member string, n, minimum, maximum int) {
	if n < minimum {
		c.Violated(member, fmt.Sprintf("have length greater than or equal to %d", minimum))
	}
	if maximum >= 0 && n > maximum {
		c.Violated(member, fmt.Sprintf("have length less than or equal to %d", maximum))
	}
}

// Range reports a number out of bounds.
func (c *Check) Range(member string, v, minimum, maximum int64) {
	if v < minimum {
		c.Violated(member, fmt.Sprintf("have value greater than or equal to %d", minimum))
	}
	if v > maximum {
		c.Violated(member, fmt.Sprintf("have value less than or equal to %d", maximum))
	}
}

// One reports a union of which not exactly one member is set.
func (c *Check) One(set ...bool) {
	n := 0
	for _, s := range set {
		if s {
			n++
		}
	}
	if n != 1 {
		c.Violated("", "have exactly one of its members set")
	}
}

// In checks a nested structure under the member's name.
func (c *Check) In(member string, inner Checker) {
	c.path = append(c.path, lowerFirst(member))
	inner.Check(c)
	c.path = c.path[:len(c.path)-1]
}

// Item checks the i-th structure (from zero) of a list.
func (c *Check) Item(member string, i int, inner Checker) {
	c.path = append(c.path, lowerFirst(member), strconv.Itoa(i+1), "member")
	inner.Check(c)
	c.path = c.path[:len(c.path)-3]
}

// ItemText checks the i-th string (from zero) of a list.
func (c *Check) ItemText(member string, i int, v string, t *Text) {
	c.path = append(c.path, lowerFirst(member), strconv.Itoa(i+1), "member")
	t.check(c, "", v)
	c.path = c.path[:len(c.path)-3]
}

// Key checks a key of a map.
func (c *Check) Key(member, key string, t *Text) {
	c.path = append(c.path, lowerFirst(member))
	t.check(c, "key", key)
	c.path = c.path[:len(c.path)-1]
}

// Text checks a string that is present.
func (c *Check) Text(member, v string, t *Text) { t.check(c, member, v) }

// Text is the constraint of a string shape. Lengths count Unicode characters.
type Text struct {
	// Min and Max bound the length; Max below zero means no bound.
	Min, Max int
	// Pattern must match the whole string. Nil means any.
	Pattern *Pattern
	// Enum holds the permitted values. Empty means any.
	Enum []string
}

func (t *Text) check(c *Check, member, v string) {
	if len(t.Enum) > 0 {
		for _, e := range t.Enum {
			if v == e {
				return
			}
		}
		c.Violated(member, "satisfy enum value set: ["+strings.Join(t.Enum, ", ")+"]")
		return
	}
	c.Size(member, utf8.RuneCountInString(v), t.Min, t.Max)
	// A string beyond its bound is refused already; matching megabytes against a pattern would only cost.
	if t.Pattern != nil && (t.Max < 0 || len(v) <= 4*t.Max) && !t.Pattern.Match(v) {
		c.Violated(member, "satisfy regular expression pattern: "+t.Pattern.source)
	}
}

// Pattern is a regular expression that is compiled when it is first used: a service has dozens, a
// process meets few.
type Pattern struct {
	source string
	once   sync.Once
	re     *regexp.Regexp
}

// NewPattern returns the pattern; source is RE2 and is matched against the whole string.
func NewPattern(source string) *Pattern { return &Pattern{source: source} }

// Match reports whether all of s matches. A source that does not compile matches nothing; the shape
// generator refuses such a source, so none gets here.
func (p *Pattern) Match(s string) bool {
	p.once.Do(func() { p.re, _ = regexp.Compile(`^(?:` + p.source + `)$`) })
	return p.re != nil && p.re.MatchString(s)
}
