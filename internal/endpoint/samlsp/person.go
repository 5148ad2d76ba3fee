package samlsp

import (
	"context"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/saml"
	"gatehouse/internal/signin"
)

// Reasons of this package's own refusals, beside those of saml.Verify and signin: form, unsolicited, pending, unknown-user,
// inactive, just-in-time, attributes.

// verified finds the person whom the assertion names and says what is known of the sign-in.
func (d *door) verified(ctx context.Context, src directory.Source, a saml.Assertion) (signin.Verified, error) {
	tags, err := accessControl(a)
	if err != nil {
		return signin.Verified{}, err
	}
	u, err := d.person(ctx, src, a)
	if err != nil {
		return signin.Verified{}, err
	}
	return signin.Verified{
		SourceID: src.ID, RequestID: a.InResponseTo, Unsolicited: a.InResponseTo == "",
		AssertionID: a.ID, AssertionExpires: a.ReplayUntil, UserID: u.ID,
		Proof: signin.Proof{Method: signin.SAML, NameID: a.NameID, SessionIndex: a.SessionIndex, NotOnOrAfter: a.SessionNotOnOrAfter, Attributes: tags},
	}, nil
}

// person returns the user whose name is the NameID, character by character: the identity store finds names in folded
// case, but who is meant must not depend on how two systems fold.
func (d *door) person(ctx context.Context, src directory.Source, a saml.Assertion) (directory.User, error) {
	u, err := d.Directory.UserByName(ctx, a.NameID)
	if fault.Is(err, fault.NotFound) && src.SAML.JustInTime {
		u, err = d.create(ctx, src, a)
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return directory.User{}, denied("unknown-user", "There is no user named %q. Is she assigned to the application, and has provisioning run?", clip(a.NameID))
	case err != nil:
		return directory.User{}, err
	case u.UserName != a.NameID:
		return directory.User{}, denied("unknown-user", "The NameID %q and the user name %q differ in case. They must be the same.", clip(a.NameID), u.UserName)
	case !src.Admits(u):
		return directory.User{}, denied("unknown-user", "The user %q belongs to another identity source.", u.UserName)
	case !u.Active:
		return directory.User{}, denied("inactive", "The user %q is inactive.", u.UserName)
	}
	return u, nil
}

func denied(reason, format string, args ...any) error {
	return fault.New(fault.Denied, format, args...).For(reason)
}

func clip(s string) string {
	if utf8.RuneCountInString(s) > 128 {
		return string([]rune(s)[:128]) + "…"
	}
	return s
}

// create makes the user just in time, with what the assertion says of her. Someone may have made her meanwhile.
func (d *door) create(ctx context.Context, src directory.Source, a saml.Assertion) (directory.User, error) {
	u := directory.User{
		UserName: a.NameID, Active: true, Source: src.ID,
		DisplayName: said(a, "displayname", "http://schemas.microsoft.com/identity/claims/displayname", "urn:oid:2.16.840.1.113730.3.1.241"),
		Name: directory.Name{
			GivenName:  said(a, "givenname", claims+"givenname", "urn:oid:2.5.4.42", "firstname"),
			FamilyName: said(a, "surname", claims+"surname", "urn:oid:2.5.4.4", "sn", "familyname", "lastname"),
		},
	}
	if u.DisplayName == "" {
		u.DisplayName = strings.TrimSpace(u.Name.GivenName + " " + u.Name.FamilyName)
	}
	if u.DisplayName == "" {
		u.DisplayName = a.NameID
	}
	mail := said(a, "email", claims+"emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "mail", "emailaddress")
	if mail == "" && a.NameIDFormat == saml.NameIDEmail {
		mail = a.NameID
	}
	if mail != "" {
		u.Emails = []directory.Value{{Value: mail, Type: "work", Primary: true}}
	}
	created, err := d.Directory.CreateUser(ctx, audit.Actor{Kind: audit.Directory, ID: src.ID, Name: src.Name}, u)
	if fault.Is(err, fault.Conflict) {
		return d.Directory.UserByName(ctx, a.NameID)
	}
	if fault.Is(err, fault.Invalid) {
		return directory.User{}, denied("just-in-time", "The user %q could not be made: %s", clip(a.NameID), fault.Shown(err))
	}
	return created, err
}

// claims is the beginning of the attribute names that Entra ID and AD FS use.
const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

// said returns the first value of the first attribute that has one of the names, without regard to case.
func said(a saml.Assertion, names ...string) string {
	for _, name := range names {
		for _, at := range a.Attributes {
			if strings.EqualFold(at.Name, name) && len(at.Values) > 0 && at.Values[0] != "" {
				return strings.TrimSpace(at.Values[0])
			}
		}
	}
	return ""
}

// accessControlName is the beginning of the names of attributes for access control; a tag key follows.
const accessControlName = "https://aws.amazon.com/SAML/Attributes/AccessControl:"

// accessControl returns the attributes for access control: at most 50, each once and with one value, as AWS demands. An
// answer that breaks this is refused as a whole, because policies may deny by an attribute that was left out.
func accessControl(a saml.Assertion) (map[string]string, error) {
	tags := map[string]string{}
	for _, at := range a.Attributes {
		key, ok := strings.CutPrefix(at.Name, accessControlName)
		if !ok {
			continue
		}
		_, twice := tags[key]
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128:
			return nil, denied("attributes", "The key of an attribute for access control is empty or longer than 128 characters.")
		case twice || len(at.Values) != 1:
			return nil, denied("attributes", "The attribute for access control %q does not have exactly one value.", key)
		case utf8.RuneCountInString(at.Values[0]) > 256:
			return nil, denied("attributes", "The attribute for access control %q is longer than 256 characters.", key)
		case len(tags) == 50:
			return nil, denied("attributes", "There are more than 50 attributes for access control.")
		}
		tags[key] = at.Values[0]
	}
	return tags, nil
}
