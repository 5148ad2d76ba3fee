package directory

import "time"

// User is a person in the identity store.
type User struct {
	// ID is the principal id: ten hexadecimal digits of the identity store, a dash, a UUID.
	ID string
	// Version starts at 1 and grows by one with each change. It is AWS's Revision and SCIM's ETag.
	Version int64
	// UserName is unique in folded case; 1–128 characters without white space.
	UserName    string
	Name        Name
	DisplayName string
	NickName    string
	ProfileURL  string
	Title       string
	UserType    string
	// PreferredLanguage, Locale and Timezone are kept as they were sent.
	PreferredLanguage, Locale, Timezone string
	Website, Birthdate                  string
	// Active is false for a person who may not sign in. Inactive users are kept, with their memberships.
	Active bool
	// DisabledAt is when Active last became false; zero if never. A session opened before it is over for good, even when
	// the person is enabled again.
	DisabledAt   time.Time
	Emails       []Value
	PhoneNumbers []Value
	Photos       []Value
	Roles        []Value
	IMs          []Value
	Entitlements []Value
	Addresses    []Address
	Enterprise   Enterprise
	// ExternalIDs are the names other systems know this user by; (Issuer, ID) is unique among users.
	ExternalIDs []ExternalID
	// Source is the id of the identity source that owns the user; empty for one made by hand.
	Source    string
	CreatedAt time.Time
	UpdatedAt time.Time
	// CreatedBy and UpdatedBy are the ids of the actors (ARN or source id).
	CreatedBy, UpdatedBy string
}

// Name is the parts of a person's name (RFC 7643 §4.1.1).
type Name struct {
	Formatted, FamilyName, GivenName, MiddleName, HonorificPrefix, HonorificSuffix string
}

// Value is one element of a multi-valued attribute such as emails.
type Value struct {
	Value, Type, Display string
	Primary              bool
}

// Address is one postal address.
type Address struct {
	Formatted, StreetAddress, Locality, Region, PostalCode, Country, Type string
	Primary                                                               bool
}

// Enterprise is the enterprise extension (RFC 7643 §4.3).
type Enterprise struct {
	EmployeeNumber, CostCenter, Organization, Division, Department string
	// ManagerID is the id of another user; it may name one that does not exist (yet).
	ManagerID string
}

// ExternalID is a name given by another system.
type ExternalID struct{ Issuer, ID string }

// PrimaryEmail returns the primary e-mail address, else the first, else "".
func (u User) PrimaryEmail() string {
	for _, e := range u.Emails {
		if e.Primary {
			return e.Value
		}
	}
	if len(u.Emails) > 0 {
		return u.Emails[0].Value
	}
	return ""
}

// ExternalID returns the id that issuer knows the user by, or "".
func (u User) ExternalID(issuer string) string { return externalID(u.ExternalIDs, issuer) }

// Group is a named set of users.
type Group struct {
	ID string
	// Version grows with each change of the group or of its members.
	Version int64
	// DisplayName is unique in folded case; 1–1024 characters.
	DisplayName string
	Description string
	ExternalIDs []ExternalID
	// Source is the identity source that owns the group; empty for one made by hand.
	Source               string
	CreatedAt, UpdatedAt time.Time
	CreatedBy, UpdatedBy string
}

// ExternalID returns the id that issuer knows the group by, or "".
func (g Group) ExternalID(issuer string) string { return externalID(g.ExternalIDs, issuer) }

func externalID(ids []ExternalID, issuer string) string {
	for _, x := range ids {
		if x.Issuer == issuer {
			return x.ID
		}
	}
	return ""
}

// SetExternalID returns ids with issuer's id replaced by id, or removed when id is empty.
func SetExternalID(ids []ExternalID, issuer, id string) []ExternalID {
	out := make([]ExternalID, 0, len(ids)+1)
	for _, x := range ids {
		if x.Issuer != issuer {
			out = append(out, x)
		}
	}
	if id != "" {
		out = append(out, ExternalID{issuer, id})
	}
	return out
}

// Membership says that a user belongs to a group.
type Membership struct {
	ID              string
	GroupID, UserID string
	CreatedAt       time.Time
	CreatedBy       string
}

// MemberChange is a change of a group's members. Adding a member who is there and removing one who is not
// are no-ops, because clients repeat themselves.
type MemberChange struct {
	// Replace makes Add the whole membership.
	Replace bool
	// Add and Remove are user ids; a user in both is removed. Every id in Add must exist.
	Add, Remove []string
	// AddGroups and RemoveGroups are the same for groups that are members (see [Nesting]).
	AddGroups, RemoveGroups []string
}

// Empty reports whether the change asks for nothing.
func (c MemberChange) Empty() bool {
	return !c.Replace && len(c.Add)+len(c.Remove)+len(c.AddGroups)+len(c.RemoveGroups) == 0
}
