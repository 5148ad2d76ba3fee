package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// kit is what planning and working have in common.
type kit struct {
	store     Store
	providers map[string]Provider
}

func (k *kit) provider(resourceType string) (Provider, error) {
	p := k.providers[resourceType]
	if p == nil {
		return nil, formatError("Unrecognized resource types: [%s]", clip(resourceType))
	}
	return p, nil
}

// knownTypes refuses a template with types or properties that there are not.
func (k *kit) knownTypes(t *Template) error {
	var missing []string
	for _, typ := range t.Types() {
		if k.providers[typ] == nil {
			missing = append(missing, clip(typ))
		}
	}
	if len(missing) > 0 {
		return formatError("Unrecognized resource types: [%s]", strings.Join(missing, ", "))
	}
	for _, d := range t.Resources {
		if err := k.providers[d.Type].Schema().checkNames(d.properties, d.LogicalID); err != nil {
			return err
		}
	}
	return nil
}

// Capabilities are what a template must be acknowledged with, and why.
func (k *kit) capabilities(t *Template) (need []string, reason string) {
	var iam, named []string
	for _, d := range t.Resources {
		p := k.providers[d.Type]
		if p == nil || p.Schema().Capability == "" {
			continue
		}
		if d.properties.get(p.Schema().NameProperty) != nil && p.Schema().NameProperty != "" {
			named = append(named, d.Type)
		} else {
			iam = append(iam, d.Type)
		}
	}
	types := slices.Compact(slices.Sorted(slices.Values(append(iam, named...))))
	if len(types) == 0 {
		return nil, ""
	}
	reason = "The following resource(s) require capabilities: [" + strings.Join(types, ", ") + "]"
	if len(named) > 0 {
		return []string{"CAPABILITY_NAMED_IAM"}, reason
	}
	return []string{"CAPABILITY_IAM"}, reason
}

func (k *kit) acknowledged(t *Template, given []string) error {
	need, _ := k.capabilities(t)
	if len(need) == 0 || slices.Contains(given, "CAPABILITY_NAMED_IAM") || need[0] == "CAPABILITY_IAM" && slices.Contains(given, "CAPABILITY_IAM") {
		return nil
	}
	return fault.New(fault.Invalid, "Requires capabilities : [%s]", need[0]).For("capabilities")
}

// plan is what bringing a stack to a revision would do.
type plan struct {
	changes []Change
	// other is true if something but resources changes: outputs, policies of deletion.
	other bool
}

func (p plan) empty() bool { return len(p.changes) == 0 && !p.other }

// plan compares a stack and its resources with a revision. Everything that can be wrong with the revision is found here.
func (k *kit) plan(ctx context.Context, s Stack, have []Resource, t *Template, rev Revision) (plan, error) {
	var out plan
	sc := k.newScope(ctx, s, t, rev)
	if err := sc.decideAll(); err != nil {
		return out, err
	}
	order, err := t.order(sc.decided)
	if err != nil {
		return out, err
	}
	if len(order) == 0 {
		return out, fault.New(fault.Invalid, "Template error: no resource of the template is made under these conditions").At("TemplateBody")
	}
	rows := map[string]Resource{}
	for _, r := range have {
		if r.PhysicalID != "" && r.Status != DeleteComplete {
			rows[r.LogicalID] = r
		}
	}
	remade := map[string]bool{}
	sc.ref = func(logical string) (any, error) {
		r, ok := rows[logical]
		if !ok || remade[logical] {
			return unknown{}, nil
		}
		return r.PhysicalID, nil
	}
	sc.attribute = func(logical, name string) (any, error) {
		d, ok := t.resource(logical)
		if !ok {
			return nil, templateError("instance of Fn::GetAtt references undefined resource %s", clip(logical))
		}
		schema := k.providers[d.Type].Schema()
		r, ok := rows[logical]
		if v, err := attributeOf(schema, logical, r.State, name); err != nil || ok && !remade[logical] {
			return v, err
		}
		return unknown{}, nil
	}
	for _, logical := range order {
		d, _ := t.resource(logical)
		r, ok := rows[logical]
		schema := k.providers[d.Type].Schema()
		props, err := sc.properties(d, schema, rev.Tags)
		if err != nil {
			return out, err
		}
		delete(rows, logical)
		if ok {
			rows[logical] = r
		}
		c := compare(d, r, ok, props, schema)
		if c.Replacement != "" && c.Replacement != "False" || c.Action == "Add" {
			remade[logical] = true
		}
		if c.Action != "" {
			out.changes = append(out.changes, c)
		}
		out.other = out.other || ok && (r.DeletionPolicy != d.DeletionPolicy || r.UpdateReplacePolicy != d.UpdateReplacePolicy)
	}
	outputs, err := sc.outputs()
	if err != nil {
		return out, err
	}
	out.other = out.other || s.Status != ReviewInProgress && !slices.Equal(outputs, s.Outputs) || s.Status == CreateFailed || s.Status == UpdateFailed
	out.changes = append(out.changes, removals(rows, order)...)
	return out, nil
}

func removals(rows map[string]Resource, order []string) []Change {
	var out []Change
	for _, logical := range slices.Sorted(maps.Keys(rows)) {
		if r := rows[logical]; !slices.Contains(order, logical) {
			out = append(out, Change{Action: "Remove", LogicalID: logical, PhysicalID: r.PhysicalID, Type: r.Type})
		}
	}
	return out
}

// compare says what becomes of one resource; an empty Action is nothing.
func compare(d Declared, r Resource, exists bool, props Properties, schema Schema) Change {
	c := Change{LogicalID: d.LogicalID, PhysicalID: r.PhysicalID, Type: d.Type}
	if !exists {
		c.Action = "Add"
		return c
	}
	if r.Type != d.Type {
		c.Action, c.Replacement = "Modify", "True"
		return c
	}
	c.Properties = differences(r.Properties, props, schema)
	if len(c.Properties) == 0 && r.Status != CreateFailed && r.Status != UpdateFailed {
		return c
	}
	c.Action, c.Replacement = "Modify", "False"
	for _, p := range c.Properties {
		switch {
		case p.Recreation == "Always" && !p.Dynamic:
			c.Replacement = "True"
		case p.Recreation == "Always" && c.Replacement == "False":
			c.Replacement = "Conditional"
		}
	}
	return c
}

// differences lists the properties in which two states differ.
func differences(before, after Properties, schema Schema) []PropertyChange {
	var out []PropertyChange
	for _, p := range schema.Properties {
		a, hadA := before[p.Name]
		b, hasB := after[p.Name]
		if hadA == hasB && equal(a, b) {
			continue
		}
		c := PropertyChange{Name: p.Name, Recreation: "Never", Dynamic: isUnknown(b)}
		if p.CreateOnly {
			c.Recreation = "Always"
		}
		out = append(out, c)
	}
	return out
}

func replaces(cs []PropertyChange) bool {
	return slices.ContainsFunc(cs, func(c PropertyChange) bool { return c.Recreation == "Always" })
}
