package identitystore

import (
	"strings"

	"github.com/go-json-experiment/json"

	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Attribute paths of UpdateUser and UpdateGroup, and the documents that are their values. Paths are
// compared without case. An absent value, null, and the empty string all remove the attribute: clients use each.

const enterpriseName = "aws:identitystore:enterprise"

func badValue(what string) error {
	return fault.New(fault.Invalid, "the attribute value must be %s", what).At("AttributeValue")
}

// gone reports whether a document says that the attribute is to be removed.
func gone(doc awswire.Document) bool { return len(doc) == 0 || string(doc) == "null" }

// text reads a document that must be a string.
func text(doc awswire.Document) (string, error) {
	var s string
	if doc.Kind() != '"' || json.Unmarshal(doc, &s) != nil {
		return "", badValue("a string")
	}
	return s, nil
}

// read reads a document into v, without regard to the case of member names and refusing unknown ones.
func read(doc awswire.Document, v any, what string) error {
	if gone(doc) {
		return nil
	}
	if err := json.Unmarshal(doc, v, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil {
		return badValue(what)
	}
	return nil
}

// valueDocument is an element of emails, phoneNumbers, photos and roles.
type valueDocument struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Display string `json:"display"`
	Primary bool   `json:"primary"`
}

type addressDocument struct {
	Formatted     string `json:"formatted"`
	StreetAddress string `json:"streetAddress"`
	Locality      string `json:"locality"`
	Region        string `json:"region"`
	PostalCode    string `json:"postalCode"`
	Country       string `json:"country"`
	Type          string `json:"type"`
	Primary       bool   `json:"primary"`
}

type nameDocument struct {
	Formatted       string `json:"formatted"`
	FamilyName      string `json:"familyName"`
	GivenName       string `json:"givenName"`
	MiddleName      string `json:"middleName"`
	HonorificPrefix string `json:"honorificPrefix"`
	HonorificSuffix string `json:"honorificSuffix"`
}

// enterprise is the extension's document (RFC 7643 §4.3).
type enterprise struct {
	EmployeeNumber string   `json:"employeeNumber,omitzero"`
	CostCenter     string   `json:"costCenter,omitzero"`
	Organization   string   `json:"organization,omitzero"`
	Division       string   `json:"division,omitzero"`
	Department     string   `json:"department,omitzero"`
	Manager        *manager `json:"manager,omitzero"`
}

type manager struct {
	Value string `json:"value,omitzero"`
}

// setUser applies one operation of UpdateUser.
func setUser(u *directory.User, path string, doc awswire.Document) error {
	low := strings.ToLower(path)
	if field := userText(u, low); field != nil {
		return setText(field, doc)
	}
	if strings.HasPrefix(low, enterpriseName) {
		return setEnterprise(u, strings.TrimPrefix(strings.TrimPrefix(low, enterpriseName), "."), doc)
	}
	switch low {
	case "name":
		var n nameDocument
		if err := read(doc, &n, "an object with givenName, familyName …"); err != nil {
			return err
		}
		u.Name = directory.Name(n)
		return nil
	case "emails":
		return setValues(&u.Emails, doc, 1)
	case "phonenumbers":
		return setValues(&u.PhoneNumbers, doc, 1)
	case "roles":
		return setValues(&u.Roles, doc, 1)
	case "photos":
		return setValues(&u.Photos, doc, maxPhotos)
	case "addresses":
		return setAddresses(u, doc)
	}
	return fault.New(fault.Invalid, "%s is not an attribute that can be updated", path).At("AttributePath")
}

// userText returns the string attribute at a path in lower case, or nil.
func userText(u *directory.User, path string) *string {
	switch path {
	case "username":
		return &u.UserName
	case "displayname":
		return &u.DisplayName
	case "nickname":
		return &u.NickName
	case "profileurl":
		return &u.ProfileURL
	case "usertype":
		return &u.UserType
	case "title":
		return &u.Title
	case "preferredlanguage":
		return &u.PreferredLanguage
	case "locale":
		return &u.Locale
	case "timezone":
		return &u.Timezone
	case "website":
		return &u.Website
	case "birthdate":
		return &u.Birthdate
	case "name.formatted":
		return &u.Name.Formatted
	case "name.familyname":
		return &u.Name.FamilyName
	case "name.givenname":
		return &u.Name.GivenName
	case "name.middlename":
		return &u.Name.MiddleName
	case "name.honorificprefix":
		return &u.Name.HonorificPrefix
	case "name.honorificsuffix":
		return &u.Name.HonorificSuffix
	}
	return nil
}

func setText(field *string, doc awswire.Document) error {
	if gone(doc) {
		*field = ""
		return nil
	}
	s, err := text(doc)
	if err == nil {
		*field = s
	}
	return err
}

// setValues replaces a multi-valued attribute; most is how many values the API allows.
func setValues(field *[]directory.Value, doc awswire.Document, most int) error {
	var docs []valueDocument
	if err := read(doc, &docs, "a list of objects with value, type and primary"); err != nil {
		return err
	}
	if len(docs) > most {
		return fault.New(fault.Invalid, "the list attribute exceeds the allowed limit of %d", most).At("AttributeValue")
	}
	*field = nil
	for _, v := range docs {
		*field = append(*field, directory.Value(v))
	}
	return nil
}

func setAddresses(u *directory.User, doc awswire.Document) error {
	var docs []addressDocument
	if err := read(doc, &docs, "a list of objects with streetAddress, locality …"); err != nil {
		return err
	}
	if len(docs) > 1 {
		return fault.New(fault.Invalid, "the list attribute exceeds the allowed limit of 1").At("AttributeValue")
	}
	u.Addresses = nil
	for _, a := range docs {
		u.Addresses = append(u.Addresses, directory.Address(a))
	}
	return nil
}

// setEnterprise sets the whole extension (path "") or one of its attributes.
func setEnterprise(u *directory.User, path string, doc awswire.Document) error {
	e := &u.Enterprise
	switch path {
	case "":
		return setExtension(u, enterpriseName, doc)
	case "employeenumber":
		return setText(&e.EmployeeNumber, doc)
	case "costcenter":
		return setText(&e.CostCenter, doc)
	case "organization":
		return setText(&e.Organization, doc)
	case "division":
		return setText(&e.Division, doc)
	case "department":
		return setText(&e.Department, doc)
	case "manager.value":
		return setText(&e.ManagerID, doc)
	case "manager":
		var m manager
		if err := read(doc, &m, "an object with value"); err != nil {
			return err
		}
		e.ManagerID = m.Value
		return nil
	}
	return fault.New(fault.Invalid, "%s.%s is not an attribute that can be updated", enterpriseName, path).At("AttributePath")
}

// setExtension replaces an extension; the enterprise extension is the only one.
func setExtension(u *directory.User, name string, doc awswire.Document) error {
	if name != enterpriseName {
		return fault.New(fault.Invalid, "there is no extension %s; %s is the only one", name, enterpriseName).At("Extensions")
	}
	var e enterprise
	if err := read(doc, &e, "an object with employeeNumber, costCenter, organization, division, department and manager"); err != nil {
		return err
	}
	u.Enterprise = directory.Enterprise{EmployeeNumber: e.EmployeeNumber, CostCenter: e.CostCenter, Organization: e.Organization, Division: e.Division, Department: e.Department}
	if e.Manager != nil {
		u.Enterprise.ManagerID = e.Manager.Value
	}
	return nil
}

// checkExtensions reports whether the enterprise extension was asked for.
func checkExtensions(names []string) (bool, error) {
	for _, n := range names {
		if n != enterpriseName {
			return false, fault.New(fault.Invalid, "there is no extension %s; %s is the only one", n, enterpriseName).At("Extensions")
		}
	}
	return len(names) > 0, nil
}

func enterpriseDocument(e directory.Enterprise) awswire.Document {
	doc := enterprise{EmployeeNumber: e.EmployeeNumber, CostCenter: e.CostCenter, Organization: e.Organization, Division: e.Division, Department: e.Department}
	if e.ManagerID != "" {
		doc.Manager = &manager{e.ManagerID}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return awswire.Document("{}") // strings of the directory are valid UTF-8, and nothing else can fail
	}
	return b
}

// setGroup applies one operation of UpdateGroup.
func setGroup(g *directory.Group, path string, doc awswire.Document) error {
	switch strings.ToLower(path) {
	case "displayname":
		return setText(&g.DisplayName, doc)
	case "description":
		return setText(&g.Description, doc)
	}
	return fault.New(fault.Invalid, "%s is not an attribute that can be updated", path).At("AttributePath")
}
