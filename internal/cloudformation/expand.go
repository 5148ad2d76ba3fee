package cloudformation

import (
	"fmt"

	"gatehouse/internal/fault"
)

// Expanded is a resource of a template whose properties were resolved without making anything.
type Expanded struct {
	LogicalID, Type string
	Properties      Properties
}

// Expand resolves a template for somebody who reads it, and no stack: conditions are decided, and resources whose condition does not hold are left out. Values are given
// for its parameters, and may be for pseudo parameters (AWS::AccountId). What is known only in a stack is text with mark on both sides of its
// name: "Logical" for Ref, "Logical.Attribute" for Fn::GetAtt, "AWS::Region" for pseudo parameters that are not given, "ImportValue name" for exports; it may be given under that name, but for
// what Ref is of a resource, which another template may have a parameter called like.
// What a function makes of such text has the marks still, so that nobody takes a part of a name for a value. Properties
// are not checked against the types of resources, which may be any; rules and hooks are passed over. Parameters may have types of other services; those whose value is kept by
// SSM must be given it. The template may have a megabyte, as one in S3 may. What is wrong with the template is an Invalid fault with the sentence to show.
func Expand(body string, given func(name string) (string, bool), mark string) ([]Expanded, error) {
	root, err := parseTree(body, maxStored)
	if err != nil {
		return nil, err
	}
	draft, err := newDraft(root, true)
	if err != nil {
		return nil, err
	}
	var parameters []Parameter
	for _, d := range draft.Parameters {
		if v, ok := given(d.Name); ok {
			parameters = append(parameters, Parameter{Key: d.Name, Value: v})
		}
	}
	values, err := draft.bind(parameters, nil)
	if err != nil {
		return nil, err
	}
	t, err := draft.template(values)
	if err != nil {
		return nil, err
	}
	unknown := func(name string) string {
		if v, ok := given(name); ok {
			return v
		}
		return mark + name + mark
	}
	s := &scope{t: t, mark: mark, values: map[string]any{"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::NotificationARNs": []any{}}, conditions: map[string]bool{},
		ref:       func(logical string) (any, error) { return mark + logical + mark, nil },
		attribute: func(logical, name string) (any, error) { return unknown(logical + "." + name), nil },
		imported:  func(name string) (any, error) { return unknown("ImportValue " + name), nil }}
	for _, d := range t.Parameters {
		s.values[d.Name] = d.value(values[d.Name])
	}
	pseudo := []string{"AWS::AccountId", "AWS::Region", "AWS::StackName", "AWS::StackId", "AWS::Partition"}
	for _, name := range pseudo {
		if v, ok := given(name); ok {
			s.values[name] = v
		}
	}
	// A condition must not be decided by the text that stands for something unknown.
	ref, imported := s.ref, s.imported
	s.ref = func(name string) (any, error) {
		return nil, fault.New(fault.Invalid, "Parameters: [%s] must have values, since a condition depends on them", name).At("Parameters")
	}
	s.imported = s.ref
	if err := s.decideAll(); err != nil {
		return nil, err
	}
	s.ref, s.imported = ref, imported
	for _, name := range pseudo {
		if s.values[name] == nil {
			s.values[name] = unknown(name)
		}
	}
	var out []Expanded
	for _, d := range t.Resources {
		if yes, known := s.decided(d.Condition); known && !yes {
			continue
		}
		p, err := s.resolved(d)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", d.LogicalID, err)
		}
		out = append(out, Expanded{d.LogicalID, d.Type, p})
	}
	return out, nil
}
