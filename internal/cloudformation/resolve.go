package cloudformation

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// newScope prepares the resolution of a revision's expressions for a stack. Lookups of resources are set by the caller.
func (k *kit) newScope(ctx context.Context, s Stack, t *Template, rev Revision) *scope {
	values := map[string]any{
		"AWS::AccountId": s.AccountID, "AWS::Region": s.Region, "AWS::StackName": s.Name, "AWS::StackId": s.ID,
		"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
	}
	arns := []any{}
	for _, a := range rev.NotificationARNs {
		arns = append(arns, a)
	}
	values["AWS::NotificationARNs"] = arns
	for _, d := range t.Parameters {
		values[d.Name] = d.value(rev.Parameters[d.Name])
	}
	none := func(logical string) (any, error) {
		return nil, templateError("resource %s has no value here", clip(logical))
	}
	return &scope{
		t: t, values: values, conditions: map[string]bool{}, ref: none,
		attribute: func(logical, _ string) (any, error) { return none(logical) },
		imported: func(name string) (any, error) {
			e, err := k.store.Export(ctx, s.Place, name)
			if fault.Is(err, fault.NotFound) {
				return nil, fault.New(fault.Invalid, "No export named %s found.", clip(name))
			}
			return e.Value, err
		},
	}
}

// decideAll decides every condition of the template.
func (s *scope) decideAll() error {
	for _, name := range s.t.conditionOrder {
		if _, err := s.condition(name, s.t.conditions[name]); err != nil {
			return err
		}
	}
	return nil
}

// decided tells the value of a condition.
func (s *scope) decided(name string) (value, known bool) {
	value, known = s.conditions[name]
	return value, known
}

// properties resolves a resource's properties, the stack's tags among them, and checks them against the type.
func (s *scope) properties(d Declared, schema Schema, tags map[string]string) (Properties, error) {
	p, err := s.resolved(d)
	if err != nil {
		return nil, err
	}
	if err := schema.check(d.LogicalID, p); err != nil {
		return nil, err
	}
	if schema.Taggable && len(tags) > 0 {
		p["Tags"] = mergedTags(p["Tags"], tags)
	}
	return p, nil
}

// resolved are a resource's properties, whatever its type has.
func (s *scope) resolved(d Declared) (Properties, error) {
	if d.properties == nil {
		return Properties{}, nil
	}
	v, err := s.eval(d.properties)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, formatError("[/Resources/%s/Properties] 'Properties' must be a map", d.LogicalID)
	}
	return m, nil
}

// mergedTags adds the stack's tags to a resource's own, which win.
func mergedTags(own any, stack map[string]string) any {
	list, _ := own.([]any)
	out := slices.Clone(list)
	have := map[string]bool{}
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			if key, ok := text(m["Key"]); ok {
				have[key] = true
			}
		}
	}
	for _, key := range sortedKeys(stack) {
		if !have[key] {
			out = append(out, map[string]any{"Key": key, "Value": stack[key]})
		}
	}
	return out
}

// attributeOf gives Fn::GetAtt for a resource as it is.
func attributeOf(schema Schema, logical string, st State, name string) (any, error) {
	if !slices.Contains(schema.Attributes, name) {
		return nil, templateError("resource %s does not support attribute type %s in Fn::GetAtt", logical, clip(name))
	}
	return st.Attributes[name], nil
}

// outputs resolves the outputs, and the exports among them.
func (s *scope) outputs() ([]Output, error) {
	var out []Output
	for _, o := range s.t.Outputs {
		if o.condition != "" {
			if yes, err := s.condition(o.condition, o.value); err != nil || !yes {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		v, err := s.eval(o.value)
		if err != nil {
			return nil, err
		}
		w, ok := text(v)
		if _, isLater := v.(unknown); isLater {
			w, ok = later, true
		}
		if !ok {
			return nil, formatError("The Value field of every Outputs member must evaluate to a String (output %s).", o.name)
		}
		made := Output{Key: o.name, Value: w, Description: o.description}
		if o.export != nil {
			v, err := s.eval(o.export)
			if err != nil {
				return nil, err
			}
			if made.Export, ok = text(v); !ok || made.Export == "" || len(made.Export) > 255 || strings.Trim(made.Export, exportChars) != "" {
				return nil, formatError("the Export name of output %s must have 1 to 255 alphanumeric characters, colons or hyphens", o.name)
			}
		}
		out = append(out, made)
	}
	return out, nil
}

const exportChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-"
