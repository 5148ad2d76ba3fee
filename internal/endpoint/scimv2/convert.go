package scimv2

import (
	"gatehouse/internal/directory"
	"gatehouse/internal/scim"
)

// wireUser shows a user of the identity store as SCIM's; groups are added by who wants them.
func (q *request) wireUser(u directory.User) scim.User {
	active := u.Active
	out := scim.User{
		ID: u.ID, ExternalID: u.ExternalID(q.source.Issuer()), UserName: u.UserName, Name: scim.Name(u.Name),
		DisplayName: u.DisplayName, NickName: u.NickName, ProfileURL: u.ProfileURL, Title: u.Title, UserType: u.UserType,
		PreferredLanguage: u.PreferredLanguage, Locale: u.Locale, Timezone: u.Timezone, Active: &active,
		Emails: wireValues(u.Emails), PhoneNumbers: wireValues(u.PhoneNumbers), IMs: wireValues(u.IMs),
		Photos: wireValues(u.Photos), Entitlements: wireValues(u.Entitlements), Roles: wireValues(u.Roles),
		Meta: scim.Meta{Created: u.CreatedAt, LastModified: u.UpdatedAt, Location: q.base + "/Users/" + u.ID, Version: scim.ETag(u.Version)},
	}
	for _, a := range u.Addresses {
		out.Addresses = append(out.Addresses, scim.Address(a))
	}
	e := u.Enterprise
	out.Enterprise = scim.Enterprise{
		EmployeeNumber: e.EmployeeNumber, CostCenter: e.CostCenter, Organization: e.Organization, Division: e.Division,
		Department: e.Department, ManagerID: e.ManagerID,
	}
	if e.ManagerID != "" && q.profile != scim.AWS {
		out.Enterprise.ManagerRef = q.base + "/Users/" + e.ManagerID
	}
	return out
}

func wireValues(vs []directory.Value) []scim.Value {
	var out []scim.Value
	for _, v := range vs {
		out = append(out, scim.Value(v))
	}
	return out
}

func storedValues(vs []scim.Value) []directory.Value {
	var out []directory.Value
	for _, v := range vs {
		out = append(out, directory.Value(v))
	}
	return out
}

// store writes what SCIM speaks of into a user and leaves the rest alone: provenance, other systems'
// external ids, and attributes SCIM has no word for. A client that was silent about active leaves that alone too.
func (q *request) store(u *directory.User, in scim.User) {
	u.UserName, u.Name, u.DisplayName, u.NickName = in.UserName, directory.Name(in.Name), in.DisplayName, in.NickName
	u.ProfileURL, u.Title, u.UserType = in.ProfileURL, in.Title, in.UserType
	u.PreferredLanguage, u.Locale, u.Timezone = in.PreferredLanguage, in.Locale, in.Timezone
	if in.Active != nil {
		u.Active = *in.Active
	}
	u.Emails, u.PhoneNumbers, u.IMs = storedValues(in.Emails), storedValues(in.PhoneNumbers), storedValues(in.IMs)
	u.Photos, u.Entitlements, u.Roles = storedValues(in.Photos), storedValues(in.Entitlements), storedValues(in.Roles)
	u.Addresses = nil
	for _, a := range in.Addresses {
		u.Addresses = append(u.Addresses, directory.Address(a))
	}
	e := in.Enterprise
	u.Enterprise = directory.Enterprise{
		EmployeeNumber: e.EmployeeNumber, CostCenter: e.CostCenter, Organization: e.Organization, Division: e.Division,
		Department: e.Department, ManagerID: e.ManagerID,
	}
	u.ExternalIDs = q.externalID(u.ExternalIDs, in.ExternalID)
}

// externalID sets the id that this client knows a resource by. An unchanged one keeps its place, so that an
// update that changes nothing is seen to change nothing.
func (q *request) externalID(ids []directory.ExternalID, id string) []directory.ExternalID {
	for _, x := range ids {
		if x.Issuer == q.source.Issuer() && x.ID == id {
			return ids
		}
	}
	return directory.SetExternalID(ids, q.source.Issuer(), id)
}

// wireGroup shows a group; members are added by who wants them.
func (q *request) wireGroup(g directory.Group) scim.Group {
	return scim.Group{
		ID: g.ID, ExternalID: g.ExternalID(q.source.Issuer()), DisplayName: g.DisplayName,
		Meta: scim.Meta{Created: g.CreatedAt, LastModified: g.UpdatedAt, Location: q.base + "/Groups/" + g.ID, Version: scim.ETag(g.Version)},
	}
}
