package access

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// MaxAttributes is how many attributes for access control an instance may have, and a session may carry (STS: 50 session tags).
const MaxAttributes = 50

// Attribute is an attribute for access control: a session tag and where its value comes from.
type Attribute struct {
	// Key is the session tag's: 1–128 characters, unique in the instance.
	Key string
	// Source is "${path:…}" with a path of a user's attribute.
	Source string
}

// ResourceAttributes names an instance's configuration in faults.
const ResourceAttributes = "ACCESS_CONTROL_ATTRIBUTE_CONFIGURATION"

// AttributeStore keeps the attributes for access control of instances.
type AttributeStore interface {
	// InsertAttributes enables attribute-based access control; fault.Conflict "exists" if it is.
	InsertAttributes(ctx context.Context, instanceID string, as []Attribute, e audit.Event) error
	// UpdateAttributes replaces them, DeleteAttributes disables; fault.NotFound if there is no configuration.
	UpdateAttributes(ctx context.Context, instanceID string, as []Attribute, e audit.Event) error
	DeleteAttributes(ctx context.Context, instanceID string, e audit.Event) error
	Attributes(ctx context.Context, instanceID string) ([]Attribute, error)
}

// EnableAttributes turns attribute-based access control on.
func (s *Service) EnableAttributes(ctx context.Context, a audit.Actor, instanceID string, as []Attribute) error {
	if err := s.checkAttributes(ctx, instanceID, as); err != nil {
		return err
	}
	return s.store.InsertAttributes(ctx, instanceID, as, audit.New(ctx, s.now(), a, "sso:CreateInstanceAccessControlAttributeConfiguration", arn.Instance(instanceID)))
}

// ReplaceAttributes replaces the attributes for access control.
func (s *Service) ReplaceAttributes(ctx context.Context, a audit.Actor, instanceID string, as []Attribute) error {
	if err := s.checkAttributes(ctx, instanceID, as); err != nil {
		return err
	}
	return s.store.UpdateAttributes(ctx, instanceID, as, audit.New(ctx, s.now(), a, "sso:UpdateInstanceAccessControlAttributeConfiguration", arn.Instance(instanceID)))
}

// DisableAttributes turns attribute-based access control off: no session carries attributes any more, wherever they come from.
func (s *Service) DisableAttributes(ctx context.Context, a audit.Actor, instanceID string) error {
	if _, err := s.store.Instance(ctx, instanceID); err != nil {
		return err
	}
	return s.store.DeleteAttributes(ctx, instanceID, audit.New(ctx, s.now(), a, "sso:DeleteInstanceAccessControlAttributeConfiguration", arn.Instance(instanceID)))
}

// Attributes returns the attributes for access control; fault.NotFound if the instance has attribute-based access control not enabled.
func (s *Service) Attributes(ctx context.Context, instanceID string) ([]Attribute, error) {
	if _, err := s.store.Instance(ctx, instanceID); err != nil {
		return nil, err
	}
	return s.store.Attributes(ctx, instanceID)
}

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func tagFits(key, value string) bool {
	k, v := utf8.RuneCountInString(key), utf8.RuneCountInString(value)
	return utf8.ValidString(key) && utf8.ValidString(value) && k >= 1 && k <= 128 && v <= 256 && tagText.MatchString(key) && tagText.MatchString(value)
}

func (s *Service) checkAttributes(ctx context.Context, instanceID string, as []Attribute) error {
	if _, err := s.store.Instance(ctx, instanceID); err != nil {
		return err
	}
	if len(as) > MaxAttributes {
		return invalid("AccessControlAttributes", "there are at most %d attributes for access control", MaxAttributes)
	}
	seen := map[string]bool{}
	for _, at := range as {
		// STS compares the keys of tags in any case.
		if fold := strings.ToLower(at.Key); !tagFits(at.Key, "") || strings.HasPrefix(fold, "aws:") || seen[fold] {
			return invalid("Key", "an attribute's key has 1 to 128 letters, digits, spaces and _.:/=+-@, does not begin with \"aws:\", and is there once")
		} else {
			seen[fold] = true
		}
		if _, ok := sourcePath(at.Source); !ok {
			return invalid("Source", "%q is not a source: ${path:…} with one of %s", at.Source, strings.Join(slices.Sorted(maps.Keys(attributePaths())), ", "))
		}
	}
	return nil
}

// sourcePath returns what reads a source's value off a user.
func sourcePath(source string) (func(directory.User) string, bool) {
	path, ok := strings.CutPrefix(source, "${path:")
	if !ok {
		return nil, false
	}
	path, ok = strings.CutSuffix(path, "}")
	read, known := attributePaths()[path]
	return read, ok && known
}

// attributePaths are the attributes of a user that may become session tags (IAM Identity Center user guide, attribute mappings of external
// identity providers).
func attributePaths() map[string]func(directory.User) string {
	out := map[string]func(directory.User) string{
		"userName":                           func(u directory.User) string { return u.UserName },
		"name.familyName":                    func(u directory.User) string { return u.Name.FamilyName },
		"name.givenName":                     func(u directory.User) string { return u.Name.GivenName },
		"displayName":                        func(u directory.User) string { return u.DisplayName },
		"nickName":                           func(u directory.User) string { return u.NickName },
		"emails[primary eq true].value":      directory.User.PrimaryEmail,
		`phoneNumbers[type eq "work"].value`: func(u directory.User) string { return workPhone(u) },
		"userType":                           func(u directory.User) string { return u.UserType },
		"title":                              func(u directory.User) string { return u.Title },
		"locale":                             func(u directory.User) string { return u.Locale },
		"timezone":                           func(u directory.User) string { return u.Timezone },
		"enterprise.employeeNumber":          func(u directory.User) string { return u.Enterprise.EmployeeNumber },
		"enterprise.costCenter":              func(u directory.User) string { return u.Enterprise.CostCenter },
		"enterprise.organization":            func(u directory.User) string { return u.Enterprise.Organization },
		"enterprise.division":                func(u directory.User) string { return u.Enterprise.Division },
		"enterprise.department":              func(u directory.User) string { return u.Enterprise.Department },
		"enterprise.manager.value":           func(u directory.User) string { return u.Enterprise.ManagerID },
	}
	for part, read := range map[string]func(directory.Address) string{
		"streetAddress": func(a directory.Address) string { return a.StreetAddress },
		"locality":      func(a directory.Address) string { return a.Locality },
		"region":        func(a directory.Address) string { return a.Region },
		"postalCode":    func(a directory.Address) string { return a.PostalCode },
		"country":       func(a directory.Address) string { return a.Country },
		"formatted":     func(a directory.Address) string { return a.Formatted },
	} {
		out[`addresses[type eq "work"].`+part] = func(u directory.User) string {
			for _, a := range u.Addresses {
				if strings.EqualFold(a.Type, "work") {
					return read(a)
				}
			}
			return ""
		}
	}
	return out
}

func workPhone(u directory.User) string {
	for _, p := range u.PhoneNumbers {
		if strings.EqualFold(p.Type, "work") {
			return p.Value
		}
	}
	return ""
}

// SessionTags returns the tags of a session of the user: what her identity provider said (proved), and over it what the configuration
// reads from the identity store. They are empty while attribute-based access control is not enabled. A configured
// attribute of which the user has no value makes no tag, and does not let through the identity provider's either.
//
// Faults: Denied "attribute" if a value cannot be a session tag. A session without that tag might be allowed what a policy denies by it.
func (s *Service) SessionTags(ctx context.Context, instanceID string, u directory.User, proved map[string]string) (map[string]string, error) {
	as, err := s.store.Attributes(ctx, instanceID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for k, v := range proved {
		if !slices.ContainsFunc(as, func(a Attribute) bool { return strings.EqualFold(a.Key, k) }) {
			tags[k] = v
		}
	}
	for _, a := range as {
		read, ok := sourcePath(a.Source)
		if !ok {
			return nil, fault.New(fault.Internal, "the source %q of attribute %q is unknown", a.Source, a.Key)
		}
		if v := read(u); v != "" {
			tags[a.Key] = v
		}
	}
	for k, v := range tags {
		if !tagFits(k, v) {
			return nil, fault.New(fault.Denied, "No access: your attribute %q has characters that attributes for access control may not have, or is too long. Ask your administrator.", k).For("attribute")
		}
	}
	if len(tags) > MaxAttributes {
		return nil, fault.New(fault.Denied, "No access: you have more than %d attributes for access control. Ask your administrator.", MaxAttributes).For("attribute")
	}
	return tags, nil
}
