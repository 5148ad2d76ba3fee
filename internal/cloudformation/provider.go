package cloudformation

import (
	"context"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Caller is the principal on whose behalf resources are changed.
type Caller interface {
	// Authorize returns nil if the caller's policies, as they are now, allow what is asked.
	Authorize(ctx context.Context, q Access) error
	Actor() audit.Actor
}

// Access is one question: may the caller perform Action on all of Resources ("*" when there are none)? Context holds condition keys of the
// change; those of the resources are looked up where it is decided, unless the resources are yet to be made (Fresh).
type Access struct {
	Action    string
	Resources []string
	Context   map[string][]string
	Fresh     bool
}

// Callers finds a caller again by his key. Keys that are gone, switched off or over are an Unauthenticated fault.
type Callers interface {
	Caller(ctx context.Context, k CallerKey) (Caller, error)
}

// Request is what a provider is told of one step.
type Request struct {
	Caller Caller
	Place
	StackName, StackID, LogicalID string
	// Token is the same each time the step is taken.
	Token string
	// Resumed is true if the step may have been taken before and its outcome was lost. What is found then, made since Since, is the
	// provider's own work.
	Resumed bool
	Since   time.Time
	// New are the wanted properties, Old those before (Update, Delete).
	New, Old Properties
	// PhysicalID is of the resource to change or remove.
	PhysicalID string
}

// Made is what a provider made.
type Made struct {
	// PhysicalID is what Ref gives.
	PhysicalID string
	// Attributes are what Fn::GetAtt gives.
	Attributes map[string]string
}

// Provider makes, changes and removes resources of one type. Its methods return when the change is in force, and may be called again for
// the same step. Faults of kind
// Internal, Unavailable and Throttled are tried again; every other fails the resource with its sentence.
type Provider interface {
	Schema() Schema
	// Create makes the resource. With an error it may return a PhysicalID: what is there of it is then removed by the rollback.
	Create(ctx context.Context, r Request) (Made, error)
	// Update changes the resource in place; only properties that are not create-only differ.
	Update(ctx context.Context, r Request) (Made, error)
	// Delete removes the resource; one that is gone already is success.
	Delete(ctx context.Context, r Request) error
}

// Kind is the form a property's value has.
type Kind uint8

// Kinds of properties.
const (
	Text Kind = iota
	Integer
	Boolean
	List
	Object
	// Any is an object or a string of JSON: a policy document.
	Any
	// Tags are a list of objects of Key and Value.
	Tags
)

// Property describes a property of a resource type.
type Property struct {
	Name       string
	Kind       Kind
	Required   bool
	CreateOnly bool
	// Values, if any, are all that a text may be.
	Values []string
	// Members are those of an object, or of the objects in a list.
	Members []Property
}

// Schema describes a resource type.
type Schema struct {
	Type       string
	Properties []Property
	// Attributes are the names that Fn::GetAtt takes.
	Attributes []string
	// Capability is what a template with the type must be acknowledged with: CAPABILITY_IAM or, when NameProperty is set in it,
	// CAPABILITY_NAMED_IAM. Empty: nothing.
	Capability   string
	NameProperty string
	// Taggable types get the stack's tags too, in their property Tags.
	Taggable bool
}

func (s Schema) property(name string) (Property, bool) {
	i := slices.IndexFunc(s.Properties, func(p Property) bool { return p.Name == name })
	if i < 0 {
		return Property{}, false
	}
	return s.Properties[i], true
}

// checkNames refuses properties that the type does not have, before anything is begun.
func (s Schema) checkNames(props *node, logical string) error {
	if props == nil || props.kind != mapNode {
		return nil
	}
	if _, _, call := props.call(); call {
		return nil
	}
	for _, k := range props.keys {
		if _, ok := s.property(k); !ok {
			return unsupported(logical, k)
		}
	}
	return nil
}

func unsupported(logical, property string) error {
	return fault.New(fault.Invalid, "Properties validation failed for resource %s with message:\n#: extraneous key [%s] is not permitted", logical, clip(property)).At("TemplateBody")
}

// check refuses properties that the type does not allow, in CloudFormation's words.
func (s Schema) check(logical string, p Properties) error {
	var wrong []string
	checkObject("#", s.Properties, p, &wrong)
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "Properties validation failed for resource %s with message:\n%s", logical, strings.Join(wrong, "\n")).For("properties")
}

func checkObject(where string, props []Property, v map[string]any, wrong *[]string) {
	for _, p := range props {
		x, ok := v[p.Name]
		if !ok {
			if p.Required {
				*wrong = append(*wrong, where+": required key ["+p.Name+"] not found")
			}
			continue
		}
		if !isUnknown(x) {
			checkValue(where+"/"+p.Name, p, x, wrong)
		}
	}
	for _, k := range sortedKeys(v) {
		if !slices.ContainsFunc(props, func(p Property) bool { return p.Name == k }) {
			*wrong = append(*wrong, where+": extraneous key ["+k+"] is not permitted")
		}
	}
}

func checkValue(where string, p Property, v any, wrong *[]string) {
	bad := func(what string) { *wrong = append(*wrong, where+": expected type: "+what) }
	switch p.Kind {
	case Text:
		w, ok := text(v)
		if !ok {
			bad("String")
		} else if len(p.Values) > 0 && !slices.Contains(p.Values, w) {
			*wrong = append(*wrong, where+": "+clip(w)+" is not a valid enum value")
		}
	case Integer:
		if w, ok := text(v); !ok || !isNumber(w) || strings.ContainsAny(w, ".eE") {
			bad("Integer")
		}
	case Boolean:
		if w, _ := text(v); w != "true" && w != "false" {
			bad("Boolean")
		}
	case List:
		l, ok := v.([]any)
		if !ok {
			bad("JSONArray")
			return
		}
		for i, item := range l {
			at := where + "/" + itoa(i)
			if len(p.Members) == 0 {
				checkValue(at, Property{Kind: Text}, item, wrong)
				continue
			}
			checkValue(at, Property{Kind: Object, Members: p.Members}, item, wrong)
		}
	case Object:
		m, ok := v.(map[string]any)
		if !ok {
			bad("JSONObject")
			return
		}
		checkObject(where, p.Members, m, wrong)
	case Tags:
		checkValue(where, Property{Kind: List, Members: []Property{{Name: "Key", Required: true}, {Name: "Value", Required: true}}}, v, wrong)
	case Any:
		if _, isList := v.([]any); isList {
			bad("JSONObject")
		}
	}
}
