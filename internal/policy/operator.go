package policy

import (
	"encoding/base64"
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// comparand is the compiled value that a policy compares a request's value with.
type comparand interface {
	compare(have string, c Context) verdict
}

// operator is a condition operator: how its values are compiled, and whether the outcome is negated.
type operator struct {
	compile func(value string, variables bool) (comparand, error)
	negated bool
}

// operators returns the operator of a name, without qualifier and IfExists. Names are case sensitive. Null is
// not among them: it compares no values.
func operatorOf(name string) (operator, bool) {
	for i := range operators {
		if operators[i].name == name {
			return operators[i].operator, true
		}
	}
	return operator{}, false
}

// operators is the whole table (IAM JSON policy elements: condition operators). It is never written.
var operators = [...]struct {
	name string
	operator
}{
	{"StringEquals", operator{text(dialect{}, nil), false}},
	{"StringNotEquals", operator{text(dialect{}, nil), true}},
	{"StringEqualsIgnoreCase", operator{text(dialect{}, strings.ToLower), false}},
	{"StringNotEqualsIgnoreCase", operator{text(dialect{}, strings.ToLower), true}},
	{"StringLike", operator{text(dialect{wildcards: true}, nil), false}},
	{"StringNotLike", operator{text(dialect{wildcards: true}, nil), true}},
	{"ArnEquals", operator{arnPattern, false}}, // the same as ArnLike, as IAM says
	{"ArnNotEquals", operator{arnPattern, true}},
	{"ArnLike", operator{arnPattern, false}},
	{"ArnNotLike", operator{arnPattern, true}},
	{"NumericEquals", operator{number(func(order int) bool { return order == 0 }), false}},
	{"NumericNotEquals", operator{number(func(order int) bool { return order == 0 }), true}},
	{"NumericLessThan", operator{number(func(order int) bool { return order < 0 }), false}},
	{"NumericLessThanEquals", operator{number(func(order int) bool { return order <= 0 }), false}},
	{"NumericGreaterThan", operator{number(func(order int) bool { return order > 0 }), false}},
	{"NumericGreaterThanEquals", operator{number(func(order int) bool { return order >= 0 }), false}},
	{"DateEquals", operator{date(func(order int) bool { return order == 0 }), false}},
	{"DateNotEquals", operator{date(func(order int) bool { return order == 0 }), true}},
	{"DateLessThan", operator{date(func(order int) bool { return order < 0 }), false}},
	{"DateLessThanEquals", operator{date(func(order int) bool { return order <= 0 }), false}},
	{"DateGreaterThan", operator{date(func(order int) bool { return order > 0 }), false}},
	{"DateGreaterThanEquals", operator{date(func(order int) bool { return order >= 0 }), false}},
	{"Bool", operator{boolean, false}},
	{"BinaryEquals", operator{binary, false}},
	{"IpAddress", operator{network, false}},
	{"NotIpAddress", operator{network, true}},
}

// stringValue compares text; fold is nil or applied to both sides.
type stringValue struct {
	template template
	fold     func(string) string
}

func text(d dialect, fold func(string) string) func(string, bool) (comparand, error) {
	return func(value string, variables bool) (comparand, error) {
		d := d
		d.variables = variables
		t, err := compileTemplate(value, d)
		return &stringValue{t, fold}, err
	}
}

func (v *stringValue) compare(have string, c Context) verdict {
	if v.fold == nil {
		return v.template.matches(have, c)
	}
	pattern, ok := v.template.expand(c)
	if !ok {
		return unknown
	}
	return verdictOf(v.fold(pattern) == v.fold(have))
}

// arnValue compares ARNs part by part: a wildcard does not reach over a colon, except in the last part.
type arnValue struct{ parts []template }

func arnPattern(value string, variables bool) (comparand, error) {
	parts, err := split(value, dialect{wildcards: true, variables: variables}, 6)
	if err != nil {
		return nil, err
	}
	if len(parts) != 6 && !(len(parts) == 1 && (value == "*" || parts[0].pieces != nil)) {
		return nil, errors.New("the value is not an ARN")
	}
	return &arnValue{parts}, nil
}

func (v *arnValue) compare(have string, c Context) verdict {
	if len(v.parts) == 1 {
		return v.parts[0].matches(have, c)
	}
	got := strings.SplitN(have, ":", 6)
	if len(got) != 6 {
		return unknown
	}
	out := yes
	for i := range v.parts {
		switch v.parts[i].matches(got[i], c) {
		case no:
			return no
		case unknown:
			out = unknown
		}
	}
	return out
}

type numberValue struct {
	want float64
	test func(order int) bool
}

func number(test func(int) bool) func(string, bool) (comparand, error) {
	return func(value string, _ bool) (comparand, error) {
		n, ok := parseNumber(value)
		if !ok {
			return nil, errors.New("the value is not a number")
		}
		return numberValue{n, test}, nil
	}
}

// parseNumber reads an integer or decimal number.
func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false // ParseFloat also reads "Inf", "NaN", hexadecimal and underscores
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

func (v numberValue) compare(have string, _ Context) verdict {
	n, ok := parseNumber(have)
	switch {
	case !ok:
		return unknown
	case n < v.want:
		return verdictOf(v.test(-1))
	case n > v.want:
		return verdictOf(v.test(1))
	default:
		return verdictOf(v.test(0))
	}
}

type dateValue struct {
	want time.Time
	test func(order int) bool
}

func date(test func(int) bool) func(string, bool) (comparand, error) {
	return func(value string, _ bool) (comparand, error) {
		t, ok := parseDate(value)
		if !ok {
			return nil, errors.New("the value is not a date (2026-01-31T23:59:59Z, or seconds since 1970)")
		}
		return dateValue{t, test}, nil
	}
}

// parseDate reads the W3C profile of ISO 8601, or seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, ok := parseNumber(s)
	if !ok || math.Abs(n) > 1e12 {
		return time.Time{}, false
	}
	whole, part := math.Modf(n)
	return time.Unix(int64(whole), int64(part*1e9)), true
}

func (v dateValue) compare(have string, _ Context) verdict {
	t, ok := parseDate(have)
	if !ok {
		return unknown
	}
	return verdictOf(v.test(t.Compare(v.want)))
}

type boolValue bool

func boolean(value string, _ bool) (comparand, error) {
	b, ok := parseBool(value)
	if !ok {
		return nil, errors.New("the value is neither true nor false")
	}
	return boolValue(b), nil
}

func parseBool(s string) (value, ok bool) {
	return strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
}

func (v boolValue) compare(have string, _ Context) verdict {
	b, ok := parseBool(have)
	if !ok {
		return unknown
	}
	return verdictOf(b == bool(v))
}

type binaryValue string

func binary(value string, _ bool) (comparand, error) {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errors.New("the value is not base64")
	}
	return binaryValue(b), nil
}

func (v binaryValue) compare(have string, _ Context) verdict {
	b, err := base64.StdEncoding.DecodeString(have)
	if err != nil {
		return unknown
	}
	return verdictOf(string(b) == string(v))
}

type networkValue struct{ prefix netip.Prefix }

func network(value string, _ bool) (comparand, error) {
	if p, err := netip.ParsePrefix(value); err == nil {
		return networkValue{p.Masked()}, nil
	}
	a, err := netip.ParseAddr(value)
	if err != nil || a.Zone() != "" {
		return nil, errors.New("the value is not an IP address or a range in CIDR form")
	}
	return networkValue{netip.PrefixFrom(a, a.BitLen())}, nil
}

func (v networkValue) compare(have string, _ Context) verdict {
	a, err := netip.ParseAddr(have)
	if err != nil {
		return unknown
	}
	return verdictOf(v.prefix.Contains(a.Unmap().WithZone("")))
}
