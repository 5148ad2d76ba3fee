package cloudformation

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

// Declaration is a parameter as a template declares it.
type Declaration struct {
	Name, Type, Description, Constraint string
	// Default is nil when there is none.
	Default       *string
	AllowedValues []string
	NoEcho        bool

	pattern                                *regexp.Regexp
	patternText                            string
	minLength, maxLength, minimum, maximum *float64
}

// Parameter is a value given to a parameter.
type Parameter struct {
	Key, Value string
	// UsePrevious asks for the value that the stack has.
	UsePrevious bool
}

const maxParameterBytes = 4096

func (t *Template) parameters(root *node) error {
	return root.members("Parameters", MaxParameters, func(name string, v *node) error {
		if !logicalID.MatchString(name) {
			return formatError("Parameter name %s is non alphanumeric.", clip(name))
		}
		if v.kind != mapNode {
			return formatError("[/Parameters/%s] every Parameters object must be a map", name)
		}
		d, err := declaration(name, v, t.read)
		t.Parameters = append(t.Parameters, d)
		return err
	})
}

// foreignType is a parameter type of another service, or a list of one.
var foreignType = regexp.MustCompile(`^(?:List<)?AWS::[A-Za-z0-9]+::[A-Za-z0-9]+(?:::[A-Za-z0-9]+)*(?:<[A-Za-z0-9:<>]+>)?>?$`)

// declaration reads a parameter. Types of other services are for templates that are only read.
func declaration(name string, v *node, foreign bool) (Declaration, error) {
	d := Declaration{Name: name}
	where := "/Parameters/" + name + "/"
	for i, k := range v.keys {
		item := v.items[i]
		var err error
		switch k {
		case "Type":
			d.Type, err = item.word(where + k)
		case "Description":
			d.Description, err = item.word(where + k)
		case "ConstraintDescription":
			d.Constraint, err = item.word(where + k)
		case "Default":
			var s string
			s, err = item.word(where + k)
			d.Default = &s
		case "AllowedValues":
			d.AllowedValues, err = item.words(where + k)
		case "AllowedPattern":
			if err = d.setPattern(item); foreign {
				err = nil // what a pattern of Java refuses, its stack has refused
			}
		case "NoEcho":
			s, _ := item.scalar()
			d.NoEcho = strings.EqualFold(s, "true")
		case "MinLength":
			d.minLength, err = item.number(where + k)
		case "MaxLength":
			d.maxLength, err = item.number(where + k)
		case "MinValue":
			d.minimum, err = item.number(where + k)
		case "MaxValue":
			d.maximum, err = item.number(where + k)
		default:
			err = fault.New(fault.Invalid, "Invalid template parameter property '%s'", clip(k)).At("TemplateBody")
		}
		if err != nil {
			return d, err
		}
	}
	switch d.Type {
	case "String", "Number", "List<Number>", "CommaDelimitedList":
	case "":
		return d, formatError("Every Parameters object must contain a Type member.")
	default:
		if !foreign || !foreignType.MatchString(d.Type) {
			return d, formatError("Unrecognized parameter type: %s", clip(d.Type))
		}
		if strings.HasPrefix(d.Type, "AWS::SSM::Parameter::Value<") {
			d.Default = nil // it names what has the value
		}
	}
	return d, nil
}

func (d *Declaration) setPattern(n *node) error {
	s, err := n.word("/Parameters/" + d.Name + "/AllowedPattern")
	if err != nil {
		return err
	}
	d.patternText = s
	if d.pattern, err = regexp.Compile("^(?:" + s + ")$"); err != nil {
		return n.wrong("AllowedPattern of parameter %s is not a regular expression that is supported here (RE2): %s", d.Name, clip(s))
	}
	return nil
}

func (n *node) number(where string) (*float64, error) {
	s, _ := n.scalar()
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return nil, formatError("[%s] a number is expected", where)
	}
	return &f, nil
}

// list reports whether the parameter's value is a list.
func (d Declaration) list() bool {
	kind := strings.TrimPrefix(d.Type, "AWS::SSM::Parameter::Value<")
	return strings.HasPrefix(kind, "List<") || strings.HasPrefix(kind, "CommaDelimitedList")
}

// value is what Ref gives for the parameter.
func (d Declaration) value(s string) any {
	if !d.list() {
		return s
	}
	out := []any{}
	for part := range strings.SplitSeq(s, ",") {
		out = append(out, strings.TrimSpace(part))
	}
	return out
}

func (d Declaration) check(s string) error {
	if len(s) > maxParameterBytes {
		return fault.New(fault.Invalid, "Parameter '%s' must have at most %d bytes", d.Name, maxParameterBytes).At("Parameters")
	}
	parts := []string{s}
	if d.list() {
		parts = strings.Split(s, ",")
	}
	for _, part := range parts {
		if d.list() {
			part = strings.TrimSpace(part)
		}
		if why := d.violated(part); why != "" {
			if d.Constraint != "" {
				return fault.New(fault.Invalid, "Parameter %s failed to satisfy constraint: %s", d.Name, d.Constraint).At("Parameters")
			}
			return fault.New(fault.Invalid, "Parameter '%s' must %s", d.Name, why).At("Parameters")
		}
	}
	return nil
}

func (d Declaration) violated(s string) string {
	trim := func(f *float64) string { return strconv.FormatFloat(*f, 'f', -1, 64) }
	if strings.Contains(d.Type, "Number") {
		f, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil:
			return "be a number"
		case d.minimum != nil && f < *d.minimum:
			return "be a number not less than " + trim(d.minimum)
		case d.maximum != nil && f > *d.maximum:
			return "be a number not greater than " + trim(d.maximum)
		}
	}
	n := float64(utf8.RuneCountInString(s))
	switch {
	case len(d.AllowedValues) > 0 && !slices.Contains(d.AllowedValues, s):
		return "be one of AllowedValues"
	case d.pattern != nil && !d.pattern.MatchString(s):
		return "match pattern " + d.patternText
	case d.minLength != nil && n < *d.minLength:
		return "contain at least " + trim(d.minLength) + " characters"
	case d.maxLength != nil && n > *d.maxLength:
		return "contain at most " + trim(d.maxLength) + " characters"
	}
	return ""
}

// bind settles the value of every parameter: given, previous, or default.
func (t *Template) bind(given []Parameter, previous map[string]string) (map[string]string, error) {
	values, byKey := map[string]string{}, map[string]Parameter{}
	for _, p := range given {
		if _, twice := byKey[p.Key]; twice {
			return nil, fault.New(fault.Invalid, "Duplicate parameter %s", clip(p.Key)).At("Parameters")
		}
		byKey[p.Key] = p
	}
	var missing []string
	for _, d := range t.Parameters {
		p, ok := byKey[d.Name]
		delete(byKey, d.Name)
		old, had := previous[d.Name]
		switch {
		case ok && p.UsePrevious && had:
			values[d.Name] = old
		case ok && p.UsePrevious:
			return nil, fault.New(fault.Invalid, "Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", d.Name).At("Parameters")
		case ok:
			values[d.Name] = p.Value
		case d.Default != nil:
			values[d.Name] = *d.Default
		default:
			missing = append(missing, d.Name)
		}
	}
	if len(missing) > 0 {
		return nil, fault.New(fault.Invalid, "Parameters: [%s] must have values", strings.Join(missing, ", ")).At("Parameters")
	}
	if len(byKey) > 0 {
		return nil, fault.New(fault.Invalid, "Parameters: [%s] do not exist in the template", strings.Join(sortedKeys(byKey), ", ")).At("Parameters")
	}
	for _, d := range t.Parameters {
		if err := d.check(values[d.Name]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, clip(k))
	}
	slices.Sort(out)
	return out
}
