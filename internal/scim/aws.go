package scim

import (
	"strings"
	"unicode"
)

// awsRefused are attributes that AWS's endpoint does not take in the body of a user.
var awsRefused = []string{"password", "ims", "photos", "x509Certificates", "entitlements"}

// maxAWSMembers bounds the memberships of one request.
const maxAWSMembers = 100

// checkAWSBody refuses what can no longer be seen once the body is normalised: attributes AWS does not
// take, and empty strings.
func checkAWSBody(in object) error {
	for _, name := range awsRefused {
		if v, ok := in.get(name); ok && v != nil {
			return refuse(InvalidValue, "The attribute %s is not supported", name).At(name)
		}
	}
	if l, _ := in.get("groups"); l != nil {
		if l, ok := l.([]any); !ok || len(l) > 0 {
			return refuse(InvalidValue, "The attribute groups is not supported").At("groups")
		}
	}
	return checkAWSValue(in, "", 0)
}

func checkAWSValue(v any, at string, depth int) error {
	switch v := v.(type) {
	case string:
		if v == "" {
			return refuse(InvalidValue, "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length greater than or equal to 1", at).At(at)
		}
	case []any:
		for _, e := range v {
			if err := checkAWSValue(e, at, depth+1); err != nil {
				return err
			}
		}
	case object:
		for _, m := range v {
			if depth > 0 && foldEqual(m.name, "display") {
				return refuse(InvalidValue, "The attribute %s.display is not supported", at).At(at)
			}
			if err := checkAWSValue(m.value, strings.TrimPrefix(at+"."+m.name, "."), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckUser holds a whole user, as it would be stored, against the profile.
func (p Profile) CheckUser(u User) error {
	if p != AWS {
		return nil
	}
	for _, r := range []struct{ at, value string }{
		{"userName", u.UserName}, {"name.givenName", u.Name.GivenName}, {"name.familyName", u.Name.FamilyName}, {"displayName", u.DisplayName},
	} {
		if r.value == "" {
			return refuse(InvalidValue, "%s is a required attribute", r.at).At(r.at)
		}
	}
	for _, l := range []struct {
		at string
		n  int
	}{{"emails", len(u.Emails)}, {"addresses", len(u.Addresses)}, {"phoneNumbers", len(u.PhoneNumbers)}, {"roles", len(u.Roles)}} {
		if l.n > 1 {
			return refuse(InvalidValue, "List attribute %s exceeds allowed limit of 1", l.at).At(l.at)
		}
	}
	return checkAWSText(u.Object(), "")
}

// checkAWSText applies the pattern that AWS documents for every string.
func checkAWSText(v any, at string) error {
	switch v := v.(type) {
	case string:
		for _, r := range v {
			if !awsRune(r) {
				return refuse(InvalidValue, "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r ]+", at).At(at)
			}
		}
	case []any:
		for _, e := range v {
			if err := checkAWSText(e, at); err != nil {
				return err
			}
		}
	case Object:
		for name, x := range v {
			if err := checkAWSText(x, strings.TrimPrefix(at+"."+name, ".")); err != nil {
				return err
			}
		}
	}
	return nil
}

func awsRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P) || strings.ContainsRune("\t\n\r \u00a0\u3000", r)
}

func (p Profile) checkMembers(n int) error {
	if p == AWS && n > maxAWSMembers {
		return refuse(InvalidValue, "A request can change at most %d memberships", maxAWSMembers).At("members")
	}
	return nil
}

// CheckGroupChange holds a change of a group against the profile: AWS replaces or removes no membership as a whole.
func (p Profile) CheckGroupChange(g GroupChange) error {
	if p != AWS {
		return nil
	}
	if g.ReplaceMembers {
		return refuse(InvalidValue, "Replacing or removing all memberships in one request is not supported").At("members")
	}
	return p.checkMembers(len(g.AddMembers) + len(g.RemoveMembers))
}

// CheckFilter holds a filter against the profile: AWS knows eq and "and".
func (p Profile) CheckFilter(f *Filter) error {
	if p == AWS && !f.OnlyEqAnd() {
		return refuse(InvalidFilter, "Invalid Filter format")
	}
	return nil
}

// checkAWS refuses several operations on userName or active. That AWS also refuses a pathless operation
// with several keys is not copied: Entra's aadOptscim062020 sends it.
func (p Patch) checkAWS() error {
	seen := map[string]bool{}
	for _, op := range p.operations {
		cs, err := op.changes(userType)
		if err != nil {
			return err
		}
		for _, c := range cs {
			name := c.target.name()
			if (name == "userName" || name == "active") && seen[name] {
				return refuse(InvalidValue, "Multiple operations on %s are not supported", name).At(name)
			}
			seen[name] = true
		}
	}
	return nil
}
