package directory

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

// Limits of the identity store (AWS Identity Store model: UserName 128, SensitiveString 1024, ExternalIds 10).
const (
	MaxUserName    = 128
	MaxString      = 1024
	MaxExternalIDs = 10
	maxValues      = 100
)

func (u User) clone() User {
	u.Emails = slices.Clone(u.Emails)
	u.PhoneNumbers = slices.Clone(u.PhoneNumbers)
	u.Photos = slices.Clone(u.Photos)
	u.Roles = slices.Clone(u.Roles)
	u.IMs = slices.Clone(u.IMs)
	u.Entitlements = slices.Clone(u.Entitlements)
	u.Addresses = slices.Clone(u.Addresses)
	u.ExternalIDs = slices.Clone(u.ExternalIDs)
	return u
}

func (g Group) clone() Group {
	g.ExternalIDs = slices.Clone(g.ExternalIDs)
	return g
}

// same compares two values, taking a nil slice for an empty one.
func same[T any](a, b T) bool {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range va.NumField() {
		fa, fb := va.Field(i), vb.Field(i)
		if fa.Kind() == reflect.Slice && fa.Len() == 0 && fb.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(fa.Interface(), fb.Interface()) {
			return false
		}
	}
	return true
}

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(field)
}

// checkUser enforces the rules of every door. What only AWS's profile demands (a display name, one e-mail
// address) is checked at the doors that speak it.
func checkUser(u *User) error {
	if err := checkName("userName", u.UserName, MaxUserName, false); err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{
		{"displayName", u.DisplayName}, {"nickName", u.NickName}, {"profileUrl", u.ProfileURL}, {"title", u.Title},
		{"userType", u.UserType}, {"preferredLanguage", u.PreferredLanguage}, {"locale", u.Locale}, {"timezone", u.Timezone},
		{"website", u.Website}, {"birthdate", u.Birthdate},
		{"name.formatted", u.Name.Formatted}, {"name.familyName", u.Name.FamilyName}, {"name.givenName", u.Name.GivenName},
		{"name.middleName", u.Name.MiddleName}, {"name.honorificPrefix", u.Name.HonorificPrefix}, {"name.honorificSuffix", u.Name.HonorificSuffix},
		{"employeeNumber", u.Enterprise.EmployeeNumber}, {"costCenter", u.Enterprise.CostCenter}, {"organization", u.Enterprise.Organization},
		{"division", u.Enterprise.Division}, {"department", u.Enterprise.Department}, {"manager", u.Enterprise.ManagerID},
	} {
		if err := checkText(f.name, f.value); err != nil {
			return err
		}
	}
	for _, l := range []struct {
		name   string
		values []Value
	}{{"emails", u.Emails}, {"phoneNumbers", u.PhoneNumbers}, {"photos", u.Photos}, {"roles", u.Roles}, {"ims", u.IMs}, {"entitlements", u.Entitlements}} {
		if err := checkValues(l.name, l.values); err != nil {
			return err
		}
	}
	if err := checkAddresses(u.Addresses); err != nil {
		return err
	}
	return checkExternalIDs(u.ExternalIDs)
}

func checkGroup(g *Group) error {
	if err := checkName("displayName", g.DisplayName, MaxString, true); err != nil {
		return err
	}
	if err := checkText("description", g.Description); err != nil {
		return err
	}
	return checkExternalIDs(g.ExternalIDs)
}

// checkName checks a required name: letters, marks, symbols, numbers and punctuation; spaces where allowed, but
// not at the ends, where nobody would see them.
func checkName(field, s string, max int, spaces bool) error {
	if s == "" {
		return invalid(field, "%s is a required attribute", field)
	}
	if utf8.RuneCountInString(s) > max {
		return invalid(field, "%s is longer than %d characters", field, max)
	}
	if !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return invalid(field, "%s must be valid UTF-8 and not begin or end with white space", field)
	}
	for _, r := range s {
		if r == ' ' && spaces {
			continue
		}
		if !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P) {
			return invalid(field, "%s holds a character that is not allowed (%U)", field, r)
		}
	}
	return nil
}

func checkText(field, s string) error {
	if len(s) <= MaxString && isPlainASCII(s) {
		return nil
	}
	if !utf8.ValidString(s) {
		return invalid(field, "%s is not valid UTF-8", field)
	}
	if utf8.RuneCountInString(s) > MaxString {
		return invalid(field, "%s is longer than %d characters", field, MaxString)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' {
			return invalid(field, "%s holds a control character (%U)", field, r)
		}
	}
	return nil
}

func isPlainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func checkValues(field string, vs []Value) error {
	if len(vs) > maxValues {
		return invalid(field, "%s has more than %d values", field, maxValues)
	}
	primary := 0
	for _, v := range vs {
		if v.Value == "" && field == "emails" {
			return invalid(field+".value", "%s has an element without a value", field)
		}
		for _, s := range []string{v.Value, v.Type, v.Display} {
			if err := checkText(field, s); err != nil {
				return err
			}
		}
		if v.Primary {
			primary++
		}
	}
	if primary > 1 { // RFC 7643 §2.4: true for at most one value
		return invalid(field, "%s marks %d values as primary; at most one may be", field, primary)
	}
	return nil
}

func checkAddresses(as []Address) error {
	if len(as) > maxValues {
		return invalid("addresses", "addresses has more than %d values", maxValues)
	}
	primary := 0
	for _, a := range as {
		for _, s := range []string{a.Formatted, a.StreetAddress, a.Locality, a.Region, a.PostalCode, a.Country, a.Type} {
			if err := checkText("addresses", s); err != nil {
				return err
			}
		}
		if a.Primary {
			primary++
		}
	}
	if primary > 1 {
		return invalid("addresses", "addresses marks %d values as primary; at most one may be", primary)
	}
	return nil
}

func checkExternalIDs(xs []ExternalID) error {
	if len(xs) > MaxExternalIDs {
		return invalid("externalIds", "a resource has at most %d external ids", MaxExternalIDs)
	}
	seen := map[string]bool{}
	for _, x := range xs {
		if x.Issuer == "" || x.ID == "" || len(x.Issuer) > MaxString || len(x.ID) > MaxString {
			return invalid("externalId", "an external id needs an issuer and an id of at most %d bytes", MaxString)
		}
		if seen[x.Issuer] {
			return invalid("externalId", "there are two external ids of issuer %q", x.Issuer)
		}
		seen[x.Issuer] = true
		if err := checkText("externalId", x.ID); err != nil {
			return err
		}
	}
	return nil
}
