package tenant

import (
	"regexp"
	"strings"

	"gatehouse/internal/fault"
)

// Mapping is one row of the attribute mapping of users: where a value goes and where it comes from.
type Mapping struct {
	// Target is a SCIM path: attr, attr.sub, attr[type eq "work"].sub, or an attribute of the enterprise
	// extension under its URN.
	Target string `json:"target"`
	// Source is a user attribute, or an expression: Join(sep, …), Append(a, b), ToLower(a), Not([IsSoftDeleted]),
	// Switch([IsSoftDeleted], , "False", "True", "True", "False"). The target manager takes manager, a reference.
	Source string `json:"source"`
}

const (
	coreUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	enterpriseTypo = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
	microsoftGroup = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
	patchOp        = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	targetActive   = "active"
	targetManager  = enterpriseUser + ":manager"
)

// DefaultMappings are those of the gallery application, with externalId from objectId as its guidance says.
func DefaultMappings() []Mapping {
	return []Mapping{
		{"userName", "userPrincipalName"},
		{targetActive, `Switch([IsSoftDeleted], , "False", "True", "True", "False")`},
		{"displayName", "displayName"},
		{"title", "jobTitle"},
		{`emails[type eq "work"].value`, "mail"},
		{"preferredLanguage", "preferredLanguage"},
		{"name.givenName", "givenName"},
		{"name.familyName", "surname"},
		{"name.formatted", `Join(" ", [givenName], [surname])`},
		{`addresses[type eq "work"].streetAddress`, "streetAddress"},
		{`addresses[type eq "work"].locality`, "city"},
		{`addresses[type eq "work"].region`, "state"},
		{`addresses[type eq "work"].postalCode`, "postalCode"},
		{`addresses[type eq "work"].country`, "country"},
		{`phoneNumbers[type eq "work"].value`, "telephoneNumber"},
		{"externalId", "objectId"},
		{enterpriseUser + ":employeeNumber", "employeeId"},
		{enterpriseUser + ":department", "department"},
		{targetManager, "manager"},
	}
}

var targetForm = regexp.MustCompile(`^(?:[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)?|[a-z][A-Za-z0-9]*\[type eq "[A-Za-z0-9]+"\]\.[a-z][A-Za-z0-9]*|` + regexp.QuoteMeta(enterpriseUser) + `:[a-z][A-Za-z0-9]*)$`)

func (m Mapping) check() error {
	if len(m.Target) > 200 || !targetForm.MatchString(m.Target) {
		return fault.New(fault.Invalid, "%q is not a target attribute.", clip(m.Target, 120)).At("mappings")
	}
	if (m.Target == targetManager) != (m.Source == "manager") {
		return fault.New(fault.Invalid, "The reference manager maps to %s only.", targetManager).At("mappings")
	}
	if m.Source == "manager" {
		return nil
	}
	_, err := parseSource(m.Source)
	return err
}

// source is a parsed mapping source.
type source func(*User) string

// parseSource reads an attribute name or one expression. Nested calls are not supported: no default
// mapping of Entra's needs them.
func parseSource(s string) (source, error) {
	bad := func() (source, error) {
		return nil, fault.New(fault.Invalid, "%q is neither a user attribute nor a supported expression.", clip(s, 120)).At("source")
	}
	if len(s) > 500 {
		return bad()
	}
	name, rest, isCall := strings.Cut(s, "(")
	if !isCall {
		if _, ok := (&User{}).attribute(s); !ok {
			return bad()
		}
		return func(u *User) string { v, _ := u.attribute(s); return v }, nil
	}
	inner, ok := strings.CutSuffix(strings.TrimSpace(rest), ")")
	args, ok2 := splitArguments(inner)
	if !ok || !ok2 {
		return bad()
	}
	f := expression(strings.TrimSpace(name), args)
	if f == nil {
		return bad()
	}
	return f, nil
}

func expression(name string, args []source) source {
	switch {
	case name == "Join" && len(args) >= 2:
		return func(u *User) string {
			var parts []string
			for _, a := range args[1:] {
				if v := a(u); v != "" {
					parts = append(parts, v)
				}
			}
			return strings.Join(parts, args[0](u))
		}
	case name == "Append" && len(args) == 2:
		return func(u *User) string { return args[0](u) + args[1](u) }
	case name == "ToLower" && len(args) == 1:
		return func(u *User) string { return strings.ToLower(args[0](u)) }
	case name == "Not" && len(args) == 1:
		return func(u *User) string {
			if args[0](u) == "True" {
				return "False"
			}
			return "True"
		}
	case name == "Switch" && len(args) >= 4 && len(args)%2 == 0:
		return func(u *User) string {
			v := args[0](u)
			for i := 2; i < len(args); i += 2 {
				if args[i](u) == v {
					return args[i+1](u)
				}
			}
			return args[1](u)
		}
	}
	return nil
}

// splitArguments reads a list of "literals", [attributes] and empty places.
func splitArguments(s string) ([]source, bool) {
	var out []source
	for {
		s = strings.TrimSpace(s)
		var arg source
		switch {
		case strings.HasPrefix(s, `"`):
			lit, rest, ok := strings.Cut(s[1:], `"`)
			if !ok {
				return nil, false
			}
			arg, s = func(*User) string { return lit }, rest
		case strings.HasPrefix(s, "["):
			attr, rest, ok := strings.Cut(s[1:], "]")
			if !ok {
				return nil, false
			}
			if arg = attributeSource(attr); arg == nil {
				return nil, false
			}
			s = rest
		default:
			arg = func(*User) string { return "" }
		}
		out = append(out, arg)
		s = strings.TrimSpace(s)
		if s == "" {
			return out, true
		}
		if s[0] != ',' {
			return nil, false
		}
		s = s[1:]
	}
}

// attributeSource also knows IsSoftDeleted, which Entra derives: true for who is unassigned, disabled or
// deleted. Here it tells only what the user tells; the cycle decides about scope before it asks.
func attributeSource(name string) source {
	if name == "IsSoftDeleted" {
		return func(u *User) string {
			if u.Deleted() || !u.AccountEnabled {
				return "True"
			}
			return "False"
		}
	}
	if _, ok := (&User{}).attribute(name); !ok {
		return nil
	}
	return func(u *User) string { v, _ := u.attribute(name); return v }
}

// value is one mapped value on its way out.
type value struct {
	target string
	text   string
}

// mapped computes what the application should have of u; empty values are left out, because Entra does
// not send attributes that have no value.
func mapped(ms []Mapping, u *User) []value {
	var out []value
	for _, m := range ms {
		if m.Source == "manager" {
			continue
		}
		src, err := parseSource(m.Source)
		if err != nil {
			continue // checked when it was set
		}
		if v := src(u); v != "" {
			out = append(out, value{m.Target, v})
		}
	}
	return out
}

func mapsTarget(ms []Mapping, target string) bool {
	for _, m := range ms {
		if m.Target == target {
			return true
		}
	}
	return false
}
