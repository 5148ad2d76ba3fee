package scim

import "time"

// User is a user as SCIM shows one: the wire's nouns, not the domain's. Empty strings are unassigned.
type User struct {
	ID, ExternalID, UserName string
	Name                     Name
	DisplayName, NickName    string
	ProfileURL, Title        string
	UserType                 string
	PreferredLanguage        string
	Locale, Timezone         string
	// Active is nil when the client said nothing: a PUT that is silent about it must not give access back.
	Active       *bool
	Emails       []Value
	PhoneNumbers []Value
	IMs          []Value
	Photos       []Value
	Entitlements []Value
	Roles        []Value
	Addresses    []Address
	Enterprise   Enterprise
	// Groups is read-only.
	Groups []Link
	Meta   Meta
}

// Name is the parts of a name (RFC 7643 §4.1.1).
type Name struct {
	Formatted, FamilyName, GivenName, MiddleName, HonorificPrefix, HonorificSuffix string
}

// Value is an element of emails, phoneNumbers and the like.
type Value struct {
	Value, Type, Display string
	Primary              bool
}

// Address is an element of addresses.
type Address struct {
	Formatted, StreetAddress, Locality, Region, PostalCode, Country, Type string
	Primary                                                               bool
}

// Enterprise is the enterprise extension (RFC 7643 §4.3). ManagerRef is read-only.
type Enterprise struct {
	EmployeeNumber, CostCenter, Organization, Division, Department string
	ManagerID, ManagerRef                                          string
}

// Link points at another resource: a group of a user, a member of a group.
type Link struct {
	// ID is the other resource's id, Ref its address, Display its name for people to read.
	ID, Ref, Display string
	// Type is "User" or "Group" of a member, "direct" or "indirect" of a group that a user is in (RFC 7643 §4.1.2).
	Type string
}

// Meta is what the server says about a resource (RFC 7643 §3.1).
type Meta struct {
	Created, LastModified time.Time
	// Location is the absolute address of the resource, Version its entity tag.
	Location, Version string
}

// Object returns the user as the tables see it.
func (u User) Object() Object {
	o := Object{}
	o.put("id", u.ID)
	o.put("externalId", u.ExternalID)
	o.put("userName", u.UserName)
	o.put("displayName", u.DisplayName)
	o.put("nickName", u.NickName)
	o.put("profileUrl", u.ProfileURL)
	o.put("title", u.Title)
	o.put("userType", u.UserType)
	o.put("preferredLanguage", u.PreferredLanguage)
	o.put("locale", u.Locale)
	o.put("timezone", u.Timezone)
	if u.Active != nil {
		o["active"] = *u.Active
	}
	o.putObject("name", u.Name.object())
	o.putValues("emails", u.Emails)
	o.putValues("phoneNumbers", u.PhoneNumbers)
	o.putValues("ims", u.IMs)
	o.putValues("photos", u.Photos)
	o.putValues("entitlements", u.Entitlements)
	o.putValues("roles", u.Roles)
	o.putAddresses(u.Addresses)
	o.putObject(EnterpriseURN, u.Enterprise.object())
	o.putLinks("groups", u.Groups)
	o.putObject("meta", u.Meta.object("User"))
	return o
}

func (o Object) putObject(name string, x Object) {
	if len(x) > 0 {
		o[name] = x
	}
}

func (n Name) object() Object {
	o := Object{}
	o.put("formatted", n.Formatted)
	o.put("familyName", n.FamilyName)
	o.put("givenName", n.GivenName)
	o.put("middleName", n.MiddleName)
	o.put("honorificPrefix", n.HonorificPrefix)
	o.put("honorificSuffix", n.HonorificSuffix)
	return o
}

func (o Object) putValues(name string, vs []Value) {
	var l []any
	for _, v := range vs {
		e := Object{}
		e.put("value", v.Value)
		e.put("type", v.Type)
		e.put("display", v.Display)
		if v.Primary {
			e["primary"] = true
		}
		l = append(l, e)
	}
	if len(l) > 0 {
		o[name] = l
	}
}

func (o Object) putAddresses(as []Address) {
	var l []any
	for _, a := range as {
		e := Object{}
		e.put("formatted", a.Formatted)
		e.put("streetAddress", a.StreetAddress)
		e.put("locality", a.Locality)
		e.put("region", a.Region)
		e.put("postalCode", a.PostalCode)
		e.put("country", a.Country)
		e.put("type", a.Type)
		if a.Primary {
			e["primary"] = true
		}
		l = append(l, e)
	}
	if len(l) > 0 {
		o["addresses"] = l
	}
}

func (e Enterprise) object() Object {
	o := Object{}
	o.put("employeeNumber", e.EmployeeNumber)
	o.put("costCenter", e.CostCenter)
	o.put("organization", e.Organization)
	o.put("division", e.Division)
	o.put("department", e.Department)
	if e.ManagerID != "" {
		m := Object{"value": e.ManagerID}
		m.put("$ref", e.ManagerRef)
		o["manager"] = m
	}
	return o
}

func (o Object) putLinks(name string, ls []Link) {
	var l []any
	for _, x := range ls {
		e := Object{"value": x.ID}
		e.put("$ref", x.Ref)
		e.put("display", x.Display)
		e.put("type", x.Type)
		l = append(l, e)
	}
	if len(l) > 0 {
		o[name] = l
	}
}

func (m Meta) object(kind string) Object {
	if m.Location == "" && m.Created.IsZero() {
		return nil
	}
	o := Object{"resourceType": kind}
	o.put("created", stamped(m.Created))
	o.put("lastModified", stamped(m.LastModified))
	o.put("location", m.Location)
	o.put("version", m.Version)
	return o
}

// stamped writes a time with milliseconds, in UTC, as xsd:dateTime (RFC 7643 §2.3.5).
func stamped(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// UserOf reads a user back from an Object.
func UserOf(o Object) User {
	u := User{
		ID: o.text("id"), ExternalID: o.text("externalId"), UserName: o.text("userName"),
		DisplayName: o.text("displayName"), NickName: o.text("nickName"), ProfileURL: o.text("profileUrl"),
		Title: o.text("title"), UserType: o.text("userType"), PreferredLanguage: o.text("preferredLanguage"),
		Locale: o.text("locale"), Timezone: o.text("timezone"),
		Emails: o.values("emails"), PhoneNumbers: o.values("phoneNumbers"), IMs: o.values("ims"),
		Photos: o.values("photos"), Entitlements: o.values("entitlements"), Roles: o.values("roles"),
	}
	if b, ok := o["active"].(bool); ok {
		u.Active = &b
	}
	n := o.object("name")
	u.Name = Name{
		Formatted: n.text("formatted"), FamilyName: n.text("familyName"), GivenName: n.text("givenName"),
		MiddleName: n.text("middleName"), HonorificPrefix: n.text("honorificPrefix"), HonorificSuffix: n.text("honorificSuffix"),
	}
	for _, e := range o.list("addresses") {
		e := e.(Object)
		u.Addresses = append(u.Addresses, Address{
			Formatted: e.text("formatted"), StreetAddress: e.text("streetAddress"), Locality: e.text("locality"),
			Region: e.text("region"), PostalCode: e.text("postalCode"), Country: e.text("country"),
			Type: e.text("type"), Primary: e["primary"] == true,
		})
	}
	x := o.object(EnterpriseURN)
	u.Enterprise = Enterprise{
		EmployeeNumber: x.text("employeeNumber"), CostCenter: x.text("costCenter"), Organization: x.text("organization"),
		Division: x.text("division"), Department: x.text("department"), ManagerID: x.object("manager").text("value"),
	}
	return u
}

func (o Object) values(name string) []Value {
	var out []Value
	for _, e := range o.list(name) {
		e := e.(Object)
		out = append(out, Value{Value: e.text("value"), Type: e.text("type"), Display: e.text("display"), Primary: e["primary"] == true})
	}
	return out
}
