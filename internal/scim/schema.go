package scim

import (
	"strings"

	"gatehouse/internal/fault"
)

// The scimType values of RFC 7644 §3.12, used as fault reasons.
const (
	InvalidFilter = "invalidFilter"
	InvalidPath   = "invalidPath"
	InvalidSyntax = "invalidSyntax"
	InvalidValue  = "invalidValue"
	Mutability    = "mutability"
	NoTarget      = "noTarget"
	TooMany       = "tooMany"
	Uniqueness    = "uniqueness"
	// InvalidCursor and InvalidCount are RFC 9865 §2.1's.
	InvalidCursor = "invalidCursor"
	InvalidCount  = "invalidCount"
)

// refuse makes a fault of kind Invalid with a scimType.
func refuse(scimType, format string, args ...any) *fault.Fault {
	return fault.New(fault.Invalid, format, args...).For(scimType)
}

// Type is an attribute's data type (RFC 7643 §2.3).
type Type string

// The data types in use.
const (
	String    Type = "string"
	Boolean   Type = "boolean"
	DateTime  Type = "dateTime"
	Reference Type = "reference"
	Complex   Type = "complex"
)

// Access says who may change an attribute (RFC 7643 §2.2, "mutability").
type Access string

// The mutabilities in use.
const (
	ReadWrite Access = "readWrite"
	ReadOnly  Access = "readOnly"
	Immutable Access = "immutable"
)

// Attribute is a row of a schema table (RFC 7643 §7).
type Attribute struct {
	Name        string
	Description string
	Type        Type
	Multi       bool
	Required    bool
	CaseExact   bool
	Mutability  Access
	// Returned is "always" or "default".
	Returned string
	// Uniqueness is "none", "server" or "global".
	Uniqueness string
	// Canonical lists the suggested values of a "type".
	Canonical []string
	// References lists what a reference may point at: "User", "Group", "external", "uri".
	References []string
	Sub        []Attribute
}

// sub returns the sub-attribute of that name in any case (RFC 7643 §2.1), or nil.
func (a *Attribute) sub(name string) *Attribute { return findAttribute(a.Sub, name) }

func findAttribute(in []Attribute, name string) *Attribute {
	for i := range in {
		if strings.EqualFold(in[i].Name, name) {
			return &in[i]
		}
	}
	return nil
}

// Schema is a named table of attributes.
type Schema struct {
	ID, Name, Description string
	Attributes            []Attribute
}

// ResourceType is a kind of resource: its core schema and the extensions it may carry (RFC 7643 §6).
type ResourceType struct {
	Name, Endpoint, Description string
	Core                        *Schema
	Extensions                  []*Schema
}

// ref is an attribute that a name was resolved to. A nil attr is a name nobody knows.
type ref struct {
	// ext is the extension the attribute belongs to, nil for core and common attributes.
	ext *Schema
	// attr is nil when the name is unknown, or names the extension as a whole.
	attr *Attribute
	// sub is the sub-attribute, or nil.
	sub *Attribute
	// whole says that the name is an extension's URN and nothing more.
	whole bool
}

// known reports whether the name meant something.
func (r ref) known() bool { return r.attr != nil || r.whole }

// name is the canonical dotted spelling, "" for an unknown attribute.
func (r ref) name() string {
	switch {
	case r.attr == nil:
		return ""
	case r.sub != nil:
		return r.attr.Name + "." + r.sub.Name
	default:
		return r.attr.Name
	}
}

// extension returns the extension whose URN is urn in any case, or nil.
func (rt *ResourceType) extension(urn string) *Schema {
	for _, x := range rt.Extensions {
		if strings.EqualFold(x.ID, urn) {
			return x
		}
	}
	return nil
}

// misspeltEnterprise is the enterprise extension's URN as some of Entra's jobs send it. Ignored like any unknown attribute, it would cost people
// their department and number without a word.
const misspeltEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"

// resolve finds what an attribute path without a filter names: "userName", "name.givenName", or either of
// them behind a schema URN and a colon (RFC 7644 §3.10). Entra's jobs from before 2018 separate the URN with a dot.
func (rt *ResourceType) resolve(path string) ref {
	if !strings.Contains(path, ":") {
		return rt.resolveIn(nil, path)
	}
	if n := len(misspeltEnterprise); len(path) >= n && strings.EqualFold(path[:n], misspeltEnterprise) {
		path = EnterpriseURN + path[n:]
	}
	if x := rt.extension(path); x != nil {
		return ref{ext: x, whole: true}
	}
	if rest, ok := afterURN(path, rt.Core.ID); ok {
		return rt.resolveIn(nil, rest)
	}
	for _, x := range rt.Extensions {
		if rest, ok := afterURN(path, x.ID); ok {
			return rt.resolveIn(x, rest)
		}
	}
	return ref{}
}

func afterURN(path, urn string) (string, bool) {
	if len(path) <= len(urn)+1 || !strings.EqualFold(path[:len(urn)], urn) {
		return "", false
	}
	if c := path[len(urn)]; c != ':' && c != '.' {
		return "", false
	}
	return path[len(urn)+1:], true
}

func (rt *ResourceType) resolveIn(x *Schema, path string) ref {
	name, subName, dotted := strings.Cut(path, ".")
	var a *Attribute
	if x != nil {
		a = findAttribute(x.Attributes, name)
	} else if a = findAttribute(rt.Core.Attributes, name); a == nil {
		a = findAttribute(common, name)
	}
	if a == nil && x == nil {
		x, a = rt.alias(name)
	}
	if a == nil {
		return ref{}
	}
	if !dotted {
		return ref{ext: x, attr: a}
	}
	s := a.sub(subName)
	if s == nil {
		return ref{}
	}
	return ref{ext: x, attr: a, sub: s}
}

// alias resolves the unqualified names that clients use for attributes of elsewhere: Entra writes the path
// "manager" and filters by it, AWS documents "member" beside "members".
func (rt *ResourceType) alias(name string) (*Schema, *Attribute) {
	switch {
	case rt == groupType && strings.EqualFold(name, "member"):
		return nil, findAttribute(groupSchema.Attributes, "members")
	case rt == userType && strings.EqualFold(name, "manager"):
		return enterpriseSchema, findAttribute(enterpriseSchema.Attributes, "manager")
	}
	return nil, nil
}
