package sqlstore

import "gatehouse/internal/directory"

// userDoc is the stored shape of a user, but for the id and the version.
type userDoc struct {
	UserName     string          `json:"userName"`
	Name         nameDoc         `json:"name,omitzero"`
	DisplayName  string          `json:"displayName,omitzero"`
	NickName     string          `json:"nickName,omitzero"`
	ProfileURL   string          `json:"profileUrl,omitzero"`
	Title        string          `json:"title,omitzero"`
	UserType     string          `json:"userType,omitzero"`
	Language     string          `json:"language,omitzero"`
	Locale       string          `json:"locale,omitzero"`
	Timezone     string          `json:"timezone,omitzero"`
	Website      string          `json:"website,omitzero"`
	Birthdate    string          `json:"birthdate,omitzero"`
	Inactive     bool            `json:"inactive,omitzero"`
	Emails       []valueDoc      `json:"emails,omitempty"`
	PhoneNumbers []valueDoc      `json:"phoneNumbers,omitempty"`
	Photos       []valueDoc      `json:"photos,omitempty"`
	Roles        []valueDoc      `json:"roles,omitempty"`
	IMs          []valueDoc      `json:"ims,omitempty"`
	Entitlements []valueDoc      `json:"entitlements,omitempty"`
	Addresses    []addressDoc    `json:"addresses,omitempty"`
	Enterprise   enterpriseDoc   `json:"enterprise,omitzero"`
	ExternalIDs  []externalIDDoc `json:"externalIds,omitempty"`
	Source       string          `json:"source,omitzero"`
	CreatedAt    stamp           `json:"createdAt,omitzero"`
	UpdatedAt    stamp           `json:"updatedAt,omitzero"`
	DisabledAt   stamp           `json:"disabledAt,omitzero"`
	CreatedBy    string          `json:"createdBy,omitzero"`
	UpdatedBy    string          `json:"updatedBy,omitzero"`
}

type nameDoc struct {
	Formatted string `json:"formatted,omitzero"`
	Family    string `json:"family,omitzero"`
	Given     string `json:"given,omitzero"`
	Middle    string `json:"middle,omitzero"`
	Prefix    string `json:"prefix,omitzero"`
	Suffix    string `json:"suffix,omitzero"`
}

type valueDoc struct {
	Value   string `json:"value"`
	Type    string `json:"type,omitzero"`
	Display string `json:"display,omitzero"`
	Primary bool   `json:"primary,omitzero"`
}

type addressDoc struct {
	Formatted  string `json:"formatted,omitzero"`
	Street     string `json:"street,omitzero"`
	Locality   string `json:"locality,omitzero"`
	Region     string `json:"region,omitzero"`
	PostalCode string `json:"postalCode,omitzero"`
	Country    string `json:"country,omitzero"`
	Type       string `json:"type,omitzero"`
	Primary    bool   `json:"primary,omitzero"`
}

type enterpriseDoc struct {
	EmployeeNumber string `json:"employeeNumber,omitzero"`
	CostCenter     string `json:"costCenter,omitzero"`
	Organization   string `json:"organization,omitzero"`
	Division       string `json:"division,omitzero"`
	Department     string `json:"department,omitzero"`
	Manager        string `json:"manager,omitzero"`
}

type externalIDDoc struct {
	Issuer string `json:"issuer"`
	ID     string `json:"id"`
}

func newUserDoc(u directory.User) userDoc {
	n, x := u.Name, u.Enterprise
	return userDoc{
		UserName: u.UserName, DisplayName: u.DisplayName, NickName: u.NickName, ProfileURL: u.ProfileURL, Title: u.Title, UserType: u.UserType,
		Name:     nameDoc{n.Formatted, n.FamilyName, n.GivenName, n.MiddleName, n.HonorificPrefix, n.HonorificSuffix},
		Language: u.PreferredLanguage, Locale: u.Locale, Timezone: u.Timezone, Website: u.Website, Birthdate: u.Birthdate, Inactive: !u.Active,
		Emails: valueDocs(u.Emails), PhoneNumbers: valueDocs(u.PhoneNumbers), Photos: valueDocs(u.Photos),
		Roles: valueDocs(u.Roles), IMs: valueDocs(u.IMs), Entitlements: valueDocs(u.Entitlements),
		Addresses: mapped(u.Addresses, func(a directory.Address) addressDoc {
			return addressDoc{a.Formatted, a.StreetAddress, a.Locality, a.Region, a.PostalCode, a.Country, a.Type, a.Primary}
		}),
		Enterprise:  enterpriseDoc{x.EmployeeNumber, x.CostCenter, x.Organization, x.Division, x.Department, x.ManagerID},
		ExternalIDs: externalIDDocs(u.ExternalIDs), Source: u.Source,
		CreatedAt: stamp{u.CreatedAt}, UpdatedAt: stamp{u.UpdatedAt}, DisabledAt: stamp{u.DisabledAt}, CreatedBy: u.CreatedBy, UpdatedBy: u.UpdatedBy,
	}
}

func (d userDoc) user(id string, version int64) directory.User {
	n, x := d.Name, d.Enterprise
	return directory.User{
		ID: id, Version: version,
		UserName: d.UserName, DisplayName: d.DisplayName, NickName: d.NickName, ProfileURL: d.ProfileURL, Title: d.Title, UserType: d.UserType,
		Name: directory.Name{
			Formatted: n.Formatted, FamilyName: n.Family, GivenName: n.Given, MiddleName: n.Middle, HonorificPrefix: n.Prefix, HonorificSuffix: n.Suffix,
		},
		PreferredLanguage: d.Language, Locale: d.Locale, Timezone: d.Timezone, Website: d.Website, Birthdate: d.Birthdate, Active: !d.Inactive,
		Emails: values(d.Emails), PhoneNumbers: values(d.PhoneNumbers), Photos: values(d.Photos),
		Roles: values(d.Roles), IMs: values(d.IMs), Entitlements: values(d.Entitlements),
		Addresses: mapped(d.Addresses, func(a addressDoc) directory.Address {
			return directory.Address{
				Formatted: a.Formatted, StreetAddress: a.Street, Locality: a.Locality, Region: a.Region,
				PostalCode: a.PostalCode, Country: a.Country, Type: a.Type, Primary: a.Primary,
			}
		}),
		Enterprise: directory.Enterprise{
			EmployeeNumber: x.EmployeeNumber, CostCenter: x.CostCenter, Organization: x.Organization,
			Division: x.Division, Department: x.Department, ManagerID: x.Manager,
		},
		ExternalIDs: externalIDs(d.ExternalIDs), Source: d.Source,
		CreatedAt: d.CreatedAt.Time, UpdatedAt: d.UpdatedAt.Time, DisabledAt: d.DisabledAt.Time, CreatedBy: d.CreatedBy, UpdatedBy: d.UpdatedBy,
	}
}

func valueDocs(vs []directory.Value) []valueDoc {
	return mapped(vs, func(v directory.Value) valueDoc { return valueDoc{v.Value, v.Type, v.Display, v.Primary} })
}

func values(ds []valueDoc) []directory.Value {
	return mapped(ds, func(d valueDoc) directory.Value {
		return directory.Value{Value: d.Value, Type: d.Type, Display: d.Display, Primary: d.Primary}
	})
}

func externalIDDocs(xs []directory.ExternalID) []externalIDDoc {
	return mapped(xs, func(x directory.ExternalID) externalIDDoc { return externalIDDoc{x.Issuer, x.ID} })
}

func externalIDs(ds []externalIDDoc) []directory.ExternalID {
	return mapped(ds, func(d externalIDDoc) directory.ExternalID { return directory.ExternalID{Issuer: d.Issuer, ID: d.ID} })
}
