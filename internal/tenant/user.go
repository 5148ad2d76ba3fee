package tenant

import (
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/fault"
)

// User is a person of the tenant, in Graph's spelling. Empty members are absent attributes.
type User struct {
	// ID is the objectId, a lower-case UUID; it is given by the tenant and never reused.
	ID                string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
	Mail              string `json:"mail,omitempty"`
	MailNickname      string `json:"mailNickname,omitempty"`
	GivenName         string `json:"givenName,omitempty"`
	Surname           string `json:"surname,omitempty"`
	DisplayName       string `json:"displayName"`
	JobTitle          string `json:"jobTitle,omitempty"`
	Department        string `json:"department,omitempty"`
	EmployeeID        string `json:"employeeId,omitempty"`
	TelephoneNumber   string `json:"telephoneNumber,omitempty"`
	StreetAddress     string `json:"streetAddress,omitempty"`
	City              string `json:"city,omitempty"`
	State             string `json:"state,omitempty"`
	PostalCode        string `json:"postalCode,omitempty"`
	Country           string `json:"country,omitempty"`
	PreferredLanguage string `json:"preferredLanguage,omitempty"`
	// Manager is the objectId of the user's manager.
	Manager        string `json:"manager,omitempty"`
	AccountEnabled bool   `json:"accountEnabled"`
	// DeletedDateTime is when the user was soft-deleted; nil while the user is not in the bin.
	DeletedDateTime *time.Time `json:"deletedDateTime,omitempty"`
}

// Deleted reports whether u is in the bin (soft-deleted, restorable for thirty days).
func (u *User) Deleted() bool { return u.DeletedDateTime != nil }

// userRecord is a user as stored: what the tenant knows of a person beyond what it tells.
type userRecord struct {
	User
	PasswordHash string `json:"passwordHash,omitempty"`
	// Rev is the tenant's revision at which something that the provisioning job cares about last changed.
	Rev uint64 `json:"rev"`
}

// softDeleteKept is how long a deleted user can be restored before the tenant purges it by itself.
const softDeleteKept = 30 * 24 * time.Hour

// maxAttribute caps every attribute, in bytes; Entra's own limits lie between 64 and 1,024 characters.
const maxAttribute = 1024

// attribute returns the value of a Graph attribute that mappings and claims may name, and whether the
// name is known. References (manager) are not values.
func (u *User) attribute(name string) (string, bool) {
	f, ok := userAttributes[strings.ToLower(name)]
	if !ok {
		return "", false
	}
	return *f(u), true
}

// userAttributes are the attributes of a user that are plain text. A table, so that mapping expressions,
// claims, validation and the API agree on what exists.
var userAttributes = map[string]func(*User) *string{
	"objectid":          func(u *User) *string { return &u.ID },
	"userprincipalname": func(u *User) *string { return &u.UserPrincipalName },
	"mail":              func(u *User) *string { return &u.Mail },
	"mailnickname":      func(u *User) *string { return &u.MailNickname },
	"givenname":         func(u *User) *string { return &u.GivenName },
	"surname":           func(u *User) *string { return &u.Surname },
	"displayname":       func(u *User) *string { return &u.DisplayName },
	"jobtitle":          func(u *User) *string { return &u.JobTitle },
	"department":        func(u *User) *string { return &u.Department },
	"employeeid":        func(u *User) *string { return &u.EmployeeID },
	"telephonenumber":   func(u *User) *string { return &u.TelephoneNumber },
	"streetaddress":     func(u *User) *string { return &u.StreetAddress },
	"city":              func(u *User) *string { return &u.City },
	"state":             func(u *User) *string { return &u.State },
	"postalcode":        func(u *User) *string { return &u.PostalCode },
	"country":           func(u *User) *string { return &u.Country },
	"preferredlanguage": func(u *User) *string { return &u.PreferredLanguage },
}

// validText refuses what no attribute of a directory may hold: broken UTF-8, control characters, excess.
func validText(field, s string) error {
	if len(s) > maxAttribute {
		return fault.New(fault.Invalid, "%s is longer than %d bytes.", field, maxAttribute).At(field)
	}
	if !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return fault.New(fault.Invalid, "%s holds control characters or is not UTF-8.", field).At(field)
	}
	return nil
}

// check says whether u may be stored; it does not look at other users.
func (u *User) check() error {
	for name, field := range userAttributes {
		if err := validText(name, *field(u)); err != nil {
			return err
		}
	}
	if a, err := mail.ParseAddress(u.UserPrincipalName); err != nil || a.Address != u.UserPrincipalName {
		return fault.New(fault.Invalid, "userPrincipalName must have the form name@domain.").At("userPrincipalName")
	}
	if u.DisplayName == "" {
		return fault.New(fault.Invalid, "displayName is required.").At("displayName")
	}
	return nil
}

// Users returns every user, the soft-deleted included, in order of creation.
func (t *Tenant) Users() []User {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]User, len(t.st.Users))
	for i, u := range t.st.Users {
		out[i] = u.User
	}
	return out
}

// User returns the user with that objectId or user principal name (in any case).
func (t *Tenant) User(key string) (User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, err := t.st.user(key)
	if err != nil {
		return User{}, err
	}
	return u.User, nil
}

// AddUser stores a new user, enabled if AccountEnabled is set. ID and DeletedDateTime are the tenant's to give; an absent MailNickname is
// the local part of the name, as Entra makes it. Manager may be an objectId or a user principal name.
// Faults: Invalid, Conflict (the name is taken, also by a soft-deleted user).
func (t *Tenant) AddUser(u User) (User, error) {
	var made User
	err := t.change(func(st *state) error {
		r, err := t.newUser(st, u)
		if err == nil {
			made = r.User
		}
		return err
	})
	return made, err
}

func (t *Tenant) newUser(st *state, u User) (*userRecord, error) {
	u.ID, u.DeletedDateTime = t.uuid(), nil
	if u.MailNickname == "" {
		u.MailNickname, _, _ = strings.Cut(u.UserPrincipalName, "@")
	}
	if err := u.check(); err != nil {
		return nil, err
	}
	if _, err := st.user(u.UserPrincipalName); err == nil {
		return nil, fault.New(fault.Conflict, "A user named %s exists already (it may be in the bin).", u.UserPrincipalName).At("userPrincipalName")
	}
	if err := st.resolveManager(&u); err != nil {
		return nil, err
	}
	r := &userRecord{User: u, Rev: st.bump()}
	st.Users = append(st.Users, r)
	return r, nil
}

func (st *state) resolveManager(u *User) error {
	if u.Manager == "" {
		return nil
	}
	m, err := st.user(u.Manager)
	if err != nil {
		return fault.New(fault.Invalid, "No user %q to be the manager.", u.Manager).At("manager")
	}
	if m.ID == u.ID {
		return fault.New(fault.Invalid, "A user cannot be their own manager.").At("manager")
	}
	u.Manager = m.ID
	return nil
}

// UpdateUser lets edit change the user named by key (objectId or user principal name) and stores the result.
// What edit does to ID and DeletedDateTime is ignored. Faults: NotFound, Invalid, Conflict.
func (t *Tenant) UpdateUser(key string, edit func(*User)) (User, error) {
	var now User
	err := t.change(func(st *state) error {
		r, err := st.user(key)
		if err != nil {
			return err
		}
		next := r.User
		edit(&next)
		next.ID, next.DeletedDateTime = r.ID, r.DeletedDateTime
		if err := next.check(); err != nil {
			return err
		}
		if o, err := st.user(next.UserPrincipalName); err == nil && o != r {
			return fault.New(fault.Conflict, "A user named %s exists already.", next.UserPrincipalName).At("userPrincipalName")
		}
		if err := st.resolveManager(&next); err != nil {
			return err
		}
		if next != r.User {
			r.User, r.Rev = next, st.bump()
		}
		now = r.User
		return nil
	})
	return now, err
}

// SetEnabled sets accountEnabled. A disabled user cannot sign in and is disabled at the application by
// the next cycle.
func (t *Tenant) SetEnabled(key string, enabled bool) error {
	_, err := t.UpdateUser(key, func(u *User) { u.AccountEnabled = enabled })
	return err
}

// DeleteUser puts a user in the bin. Assignments and memberships stay, so that a restored user has
// them again, as in Entra.
func (t *Tenant) DeleteUser(key string) error {
	return t.change(func(st *state) error {
		r, err := st.user(key)
		if err != nil {
			return err
		}
		if r.Deleted() {
			return fault.New(fault.Conflict, "%s is deleted already.", r.UserPrincipalName)
		}
		at := t.now().UTC()
		r.DeletedDateTime, r.Rev = &at, st.bump()
		return nil
	})
}

// RestoreUser takes a user out of the bin.
func (t *Tenant) RestoreUser(key string) error {
	return t.change(func(st *state) error {
		r, err := st.user(key)
		if err != nil {
			return err
		}
		if !r.Deleted() {
			return fault.New(fault.Conflict, "%s is not deleted.", r.UserPrincipalName)
		}
		r.DeletedDateTime, r.Rev = nil, st.bump()
		return nil
	})
}

// PurgeUser removes a soft-deleted user for good; the next cycle sends DELETE if the user was in scope.
func (t *Tenant) PurgeUser(key string) error {
	return t.change(func(st *state) error {
		r, err := st.user(key)
		if err != nil {
			return err
		}
		if !r.Deleted() {
			return fault.New(fault.Conflict, "%s must be deleted before it can be purged.", r.UserPrincipalName)
		}
		st.purge(r)
		return nil
	})
}

func (st *state) purge(r *userRecord) {
	st.leaveTombstone(r.ID, kindUser, r.UserPrincipalName, st.userInScope(r.ID))
	st.Users = slices.DeleteFunc(st.Users, func(u *userRecord) bool { return u == r })
	for _, g := range st.Groups {
		if i := slices.Index(g.Members, r.ID); i >= 0 {
			g.Members, g.Rev = slices.Delete(g.Members, i, i+1), st.bump()
		}
	}
	for _, u := range st.Users {
		if u.Manager == r.ID {
			u.Manager, u.Rev = "", st.bump()
		}
	}
	st.App.dropAssignment(r.ID)
}

// purgeOld removes for good who has been in the bin for thirty days.
func (t *Tenant) purgeOld(st *state) {
	limit := t.now().Add(-softDeleteKept)
	for _, u := range slices.Clone(st.Users) {
		if u.Deleted() && u.DeletedDateTime.Before(limit) {
			st.purge(u)
		}
	}
}
