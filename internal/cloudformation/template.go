package cloudformation

import (
	"regexp"
	"slices"
	"strings"

	"gatehouse/internal/fault"
)

// Template is a parsed template whose form is right: every name it uses is declared in it, and no resource depends on itself.
type Template struct {
	Description string
	Version     string
	// Transforms are those that the template declares.
	Transforms []string
	Parameters []Declaration
	mappings   map[string]map[string]map[string]*node
	conditions map[string]*node
	// conditionOrder is the order in which the conditions are written.
	conditionOrder []string
	// Resources are in the order written.
	Resources []Declared
	Outputs   []declaredOutput
	// read says that the template is read, and that no stack is made of it: what only a stack has to do with may be in it.
	read bool
}

// Declared is a resource as a template declares it.
type Declared struct {
	LogicalID, Type string
	Condition       string
	DependsOn       []string
	// DeletionPolicy and UpdateReplacePolicy are Delete, Retain or RetainExceptOnCreate.
	DeletionPolicy, UpdateReplacePolicy string
	properties                          *node
	at                                  *node
}

type declaredOutput struct {
	name, description, condition string
	value, export                *node
}

var (
	logicalID = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)
	// anyType is one that a template may have which is only read: custom resources and modules beside those of services.
	anyType      = regexp.MustCompile(`^(?:Custom::[A-Za-z0-9_@-]{1,60}|(?:[A-Za-z0-9]{2,64}::){2,3}[A-Za-z0-9]{2,64})$`)
	resourceType = regexp.MustCompile(`^[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}$`)
)

// ParseTemplate reads a template, YAML or JSON, and writes its loops out. What is wrong with it is an Invalid fault with the sentence to show. values are those of
// its parameters; others have their defaults. A loop over a parameter that has neither is written out once, and names are not looked up then.
func ParseTemplate(body string, values map[string]string) (*Template, error) {
	d, err := stackDraft(body)
	if err != nil {
		return nil, err
	}
	return d.template(values)
}

// draft is a template of which the parameters are read, and what else there is to know before its loops are written out.
type draft struct {
	*Template
	root *node
}

// stackDraft is the draft of a template that a stack is to be made of.
func stackDraft(body string) (*draft, error) {
	root, err := parseTree(body, MaxTemplate)
	if err != nil {
		return nil, err
	}
	return newDraft(root, false)
}

func newDraft(root *node, read bool) (*draft, error) {
	t := &Template{conditions: map[string]*node{}, mappings: map[string]map[string]map[string]*node{}, read: read}
	var unknown []string
	for _, k := range root.keys {
		switch k {
		case "AWSTemplateFormatVersion", "Description", "Parameters", "Mappings", "Conditions", "Resources", "Outputs", "Metadata", "Transform":
		case "Rules", "Hooks":
			if !read {
				return nil, root.get(k).wrong("Gatehouse does not support the section %s", k)
			}
		default:
			unknown = append(unknown, clip(k))
		}
	}
	if len(unknown) > 0 {
		return nil, fault.New(fault.Invalid, "Invalid template property or properties [%s]", strings.Join(unknown, ", ")).At("TemplateBody")
	}
	return &draft{t, root}, t.sections(root, t.head, t.transforms, t.parameters, t.mapTables)
}

// template is the whole template. It can be asked for once.
func (d *draft) template(values map[string]string) (*Template, error) {
	t := d.Template
	root, open, err := t.unroll(d.root, values)
	if err != nil {
		return nil, err
	}
	if err := t.sections(root, t.conditionTable, t.resources, t.outputs); err != nil || open {
		return t, err
	}
	return t, t.check()
}

func (*Template) sections(root *node, each ...func(*node) error) error {
	for _, section := range each {
		if err := section(root); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) head(root *node) error {
	if v := root.get("AWSTemplateFormatVersion"); v != nil {
		if s, _ := v.scalar(); s != "2010-09-09" {
			return v.wrong("%s is not a supported value for AWSTemplateFormatVersion.", clip(s))
		}
		t.Version = "2010-09-09"
	}
	if d := root.get("Description"); d != nil {
		s, ok := d.scalar()
		if !ok || len(s) > maxDescription {
			return d.wrong("Description must be a string of at most %d bytes", maxDescription)
		}
		t.Description = s
	}
	return nil
}

// members walks over a section that maps names to values.
func (n *node) members(section string, most int, each func(name string, v *node) error) error {
	s := n.get(section)
	if s == nil {
		return nil
	}
	if s.kind != mapNode {
		return s.wrong("every %s member must be an object.", section)
	}
	if len(s.keys) > most {
		return fault.New(fault.Invalid, "Template may not exceed %d %s.", most, strings.ToLower(section)).At("TemplateBody")
	}
	for i, name := range s.keys {
		if err := each(name, s.items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) mapTables(root *node) error {
	return root.members("Mappings", MaxMappings, func(name string, v *node) error {
		if !logicalID.MatchString(name) || v.kind != mapNode {
			return v.wrong("every Mappings member %s must be a map of alphanumeric name", clip(name))
		}
		table := map[string]map[string]*node{}
		for i, top := range v.keys {
			if v.items[i].kind != mapNode {
				return v.items[i].wrong("every Mappings attribute must be a map of names to values")
			}
			table[top] = map[string]*node{}
			for j, second := range v.items[i].keys {
				leaf := v.items[i].items[j]
				if leaf.kind == mapNode || leaf.kind == listNode && slices.ContainsFunc(leaf.items, func(x *node) bool { return x.kind > boolNode }) {
					return leaf.wrong("a value of a mapping must be a string or a list of strings")
				}
				table[top][second] = leaf
			}
		}
		t.mappings[name] = table
		return nil
	})
}

func (t *Template) conditionTable(root *node) error {
	return root.members("Conditions", MaxMappings, func(name string, v *node) error {
		if !logicalID.MatchString(name) {
			return v.wrong("the condition name %s is not alphanumeric", clip(name))
		}
		t.conditions[name] = v
		t.conditionOrder = append(t.conditionOrder, name)
		return nil
	})
}

func (t *Template) resources(root *node) error {
	if s := root.get("Resources"); s == nil || s.kind == mapNode && len(s.keys) == 0 {
		return formatError("At least one Resources member must be defined.")
	}
	return root.members("Resources", MaxResources, func(name string, v *node) error {
		if !logicalID.MatchString(name) {
			return formatError("Resource name %s is non alphanumeric.", clip(name))
		}
		d, err := declared(name, v, t.read)
		t.Resources = append(t.Resources, d)
		return err
	})
}

func declared(name string, v *node, read bool) (Declared, error) {
	d := Declared{LogicalID: name, DeletionPolicy: "Delete", UpdateReplacePolicy: "Delete", at: v}
	if v.kind != mapNode {
		return d, formatError("[/Resources/%s] resource definition is malformed", name)
	}
	for i, k := range v.keys {
		item := v.items[i]
		var err error
		switch k {
		case "Type":
			d.Type, err = item.word("/Resources/" + name + "/Type")
		case "Properties":
			if d.properties = item; item.kind != mapNode {
				err = formatError("[/Resources/%s/Properties] 'Properties' must be a map", name)
			}
		case "Condition":
			d.Condition, err = item.word("/Resources/" + name + "/Condition")
		case "DeletionPolicy":
			d.DeletionPolicy, err = item.policy(name, k, read)
		case "UpdateReplacePolicy":
			d.UpdateReplacePolicy, err = item.policy(name, k, read)
		case "DependsOn":
			d.DependsOn, err = item.words("/Resources/" + name + "/DependsOn")
		case "Metadata", "CreationPolicy", "UpdatePolicy", "Version":
		default:
			err = fault.New(fault.Invalid, "Invalid template resource property '%s'", clip(k)).At("TemplateBody")
		}
		if err != nil {
			return d, err
		}
	}
	if d.Type == "" {
		return d, formatError("[/Resources/%s] Every Resources object must contain a Type member.", name)
	}
	if !resourceType.MatchString(d.Type) && !(read && anyType.MatchString(d.Type)) {
		return d, formatError("Unrecognized resource types: [%s]", clip(d.Type))
	}
	return d, nil
}

func (n *node) word(where string) (string, error) {
	s, ok := n.scalar()
	if !ok {
		return "", formatError("[%s] a string is expected", where)
	}
	return s, nil
}

func (n *node) words(where string) ([]string, error) {
	if n.kind != listNode {
		s, err := n.word(where)
		return []string{s}, err
	}
	var out []string
	for _, item := range n.items {
		s, err := item.word(where)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (n *node) policy(name, attribute string, read bool) (string, error) {
	s, _ := n.scalar()
	switch {
	case read:
		return s, nil
	case s == "Delete", s == "Retain", s == "RetainExceptOnCreate" && attribute == "DeletionPolicy":
		return s, nil
	case s == "Snapshot":
		return "", templateError("resource type of %s does not support %s Snapshot", name, attribute)
	}
	return "", templateError("Unrecognized %s %s for resource %s", attribute, clip(s), name)
}

func (t *Template) outputs(root *node) error {
	return root.members("Outputs", MaxOutputs, func(name string, v *node) error {
		if !logicalID.MatchString(name) {
			return formatError("Output name %s is non alphanumeric.", clip(name))
		}
		if v.kind != mapNode || v.get("Value") == nil {
			return formatError("Every Outputs member must contain a Value object")
		}
		o := declaredOutput{name: name, value: v.get("Value")}
		for i, k := range v.keys {
			var err error
			switch k {
			case "Value":
			case "Description":
				o.description, err = v.items[i].word("/Outputs/" + name + "/Description")
			case "Condition":
				o.condition, err = v.items[i].word("/Outputs/" + name + "/Condition")
			case "Export":
				if o.export = v.items[i].get("Name"); o.export == nil || len(v.items[i].keys) != 1 {
					err = formatError("[/Outputs/%s/Export] Export must have a Name and nothing else", name)
				}
			default:
				err = fault.New(fault.Invalid, "Invalid template output property '%s'", clip(k)).At("TemplateBody")
			}
			if err != nil {
				return err
			}
		}
		t.Outputs = append(t.Outputs, o)
		return nil
	})
}

// resource returns the declaration of a logical id.
func (t *Template) resource(logical string) (Declared, bool) {
	i := slices.IndexFunc(t.Resources, func(d Declared) bool { return d.LogicalID == logical })
	if i < 0 {
		return Declared{}, false
	}
	return t.Resources[i], true
}

// Types are the resource types of the template, each once, sorted.
func (t *Template) Types() []string {
	var out []string
	for _, d := range t.Resources {
		out = append(out, d.Type)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
