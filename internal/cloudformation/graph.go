package cloudformation

import (
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// uses collects the names that an expression refers to: Ref, Fn::GetAtt, and ${…} of Fn::Sub. skip says of a condition's name
// whether its value is known, and which.
type uses struct {
	names   []string
	decided func(condition string) (value, known bool)
	// conditions are those that Fn::If names.
	conditions []string
	// extended says that the template has the functions of [LanguageExtensions].
	extended bool
}

func (u *uses) walk(n *node) error {
	if n == nil {
		return nil
	}
	name, arg, ok := n.call()
	if !ok {
		for _, item := range n.items {
			if err := u.walk(item); err != nil {
				return err
			}
		}
		return nil
	}
	switch name {
	case "Ref":
		w, ok := arg.scalar()
		if !ok {
			return arg.wrong("Ref takes a name")
		}
		u.names = append(u.names, w)
		return nil
	case "Fn::GetAtt":
		return u.getAtt(arg)
	case "Fn::Sub":
		return u.sub(arg)
	case "Fn::If":
		return u.branches(arg)
	case "Condition":
		return nil
	}
	if _, known := functions()[name]; !known {
		return n.wrong("%s is not a function that is supported", clip(name))
	}
	if slices.Contains(extensions(), name) && !u.extended {
		return n.wrong("%s needs the transform %s", name, LanguageExtensions)
	}
	return u.walk(arg)
}

func (u *uses) getAtt(arg *node) error {
	if w, ok := arg.scalar(); ok {
		logical, _, _ := strings.Cut(w, ".")
		u.names = append(u.names, logical)
		return nil
	}
	if arg.kind != listNode || len(arg.items) != 2 {
		return arg.wrong("Fn::GetAtt takes two non-empty values: the resource name and the resource attribute")
	}
	w, ok := arg.items[0].scalar()
	if !ok {
		return arg.wrong("Fn::GetAtt takes two non-empty values: the resource name and the resource attribute")
	}
	u.names = append(u.names, w)
	return u.walk(arg.items[1])
}

func (u *uses) sub(arg *node) error {
	text, vars, err := subParts(arg)
	if err != nil {
		return err
	}
	parts, ok := pieces(text)
	if !ok {
		return arg.wrong("Fn::Sub: ${ is not closed, or names nothing")
	}
	own := vars.byKey()
	for _, p := range parts {
		if p.name == "" || own[p.name] != nil {
			continue
		}
		logical, _, dotted := strings.Cut(p.name, ".")
		if !dotted {
			logical = p.name
		}
		u.names = append(u.names, logical)
	}
	return u.walk(vars)
}

func (u *uses) branches(arg *node) error {
	if err := arg.arguments("Fn::If", 3); err != nil {
		return err
	}
	condition, ok := arg.items[0].scalar()
	if !ok {
		return arg.wrong("Fn::If takes a condition's name and two values")
	}
	u.conditions = append(u.conditions, condition)
	value, known := false, false
	if u.decided != nil {
		value, known = u.decided(condition)
	}
	if !known || value {
		if err := u.walk(arg.items[1]); err != nil {
			return err
		}
	}
	if !known || !value {
		return u.walk(arg.items[2])
	}
	return nil
}

func pseudo(name string) bool { return strings.HasPrefix(name, "AWS::") }

// pseudoNames are the pseudo parameters there are.
func pseudoNames() []string {
	return []string{"AWS::AccountId", "AWS::Region", "AWS::StackName", "AWS::StackId", "AWS::Partition", "AWS::NoValue", "AWS::URLSuffix", "AWS::NotificationARNs"}
}

// check refuses names that are not declared, in every branch, and cycles.
func (t *Template) check() error {
	var missing []string
	known := func(name string) bool {
		if pseudo(name) {
			return slices.Contains(pseudoNames(), name)
		}
		_, isResource := t.resource(name)
		return isResource || slices.ContainsFunc(t.Parameters, func(d Declaration) bool { return d.Name == name })
	}
	look := func(section string, exprs ...*node) error {
		u := uses{extended: t.extended()}
		for _, e := range exprs {
			if err := u.walk(e); err != nil {
				return err
			}
		}
		for _, name := range u.names {
			if !known(name) {
				missing = append(missing, clip(name))
			}
		}
		for _, c := range u.conditions {
			if t.conditions[c] == nil {
				return templateError("Unresolved condition %s in the %s block of the template", clip(c), section)
			}
		}
		if len(missing) > 0 {
			slices.Sort(missing)
			return formatError("Unresolved resource dependencies [%s] in the %s block of the template", strings.Join(slices.Compact(missing), ", "), section)
		}
		return nil
	}
	for _, name := range t.conditionOrder {
		if err := t.checkCondition(name, look); err != nil {
			return err
		}
	}
	for _, d := range t.Resources {
		for _, on := range d.DependsOn {
			if _, ok := t.resource(on); !ok {
				missing = append(missing, clip(on))
			}
		}
		if d.Condition != "" && t.conditions[d.Condition] == nil {
			return templateError("Unresolved condition %s of resource %s", clip(d.Condition), d.LogicalID)
		}
		if err := look("Resources", d.properties); err != nil {
			return err
		}
	}
	for _, o := range t.Outputs {
		if o.condition != "" && t.conditions[o.condition] == nil {
			return templateError("Unresolved condition %s of output %s", clip(o.condition), o.name)
		}
		if err := look("Outputs", o.value, o.export); err != nil {
			return err
		}
	}
	_, err := t.order(nil)
	return err
}

// checkCondition refuses conditions that refer to resources.
func (t *Template) checkCondition(name string, look func(string, ...*node) error) error {
	n := t.conditions[name]
	if err := look("Conditions", n); err != nil {
		return err
	}
	u := uses{extended: t.extended()}
	if err := u.walk(n); err != nil {
		return err
	}
	for _, used := range u.names {
		if _, isResource := t.resource(used); isResource {
			return templateError("condition %s refers to resource %s; conditions can refer to parameters and mappings only", name, used)
		}
	}
	return nil
}

// dependencies returns the resources that each resource is made after. decided, if not nil, tells values of conditions; branches
// not taken do not count then, and neither do resources that are not made.
func (t *Template) dependencies(decided func(string) (bool, bool)) (map[string][]string, error) {
	active := func(logical string) bool {
		d, ok := t.resource(logical)
		if !ok || d.Condition == "" || decided == nil {
			return ok
		}
		value, known := decided(d.Condition)
		return !known || value
	}
	out := make(map[string][]string, len(t.Resources))
	for _, d := range t.Resources {
		if !active(d.LogicalID) {
			continue
		}
		u := uses{names: slices.Clone(d.DependsOn), decided: decided, extended: t.extended()}
		if err := u.walk(d.properties); err != nil {
			return nil, err
		}
		on := slices.DeleteFunc(u.names, func(n string) bool { return !active(n) })
		slices.Sort(on)
		out[d.LogicalID] = slices.Compact(on)
	}
	return out, nil
}

// order returns the logical ids of the resources that are made, each after what it depends on. A cycle is an Invalid fault.
func (t *Template) order(decided func(string) (bool, bool)) ([]string, error) {
	deps, err := t.dependencies(decided)
	if err != nil {
		return nil, err
	}
	var out, names []string
	for _, d := range t.Resources {
		if _, ok := deps[d.LogicalID]; ok {
			names = append(names, d.LogicalID)
		}
	}
	done := map[string]bool{}
	for len(out) < len(names) {
		progress := false
		for _, name := range names {
			if !done[name] && !slices.ContainsFunc(deps[name], func(on string) bool { return !done[on] }) {
				done[name], progress = true, true
				out = append(out, name)
			}
		}
		if !progress {
			left := slices.DeleteFunc(names, func(n string) bool { return done[n] })
			return nil, fault.New(fault.Invalid, "Circular dependency between resources: [%s]", strings.Join(left, ", ")).At("TemplateBody")
		}
	}
	return out, nil
}
