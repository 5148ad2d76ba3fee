package identitystore

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

func (d *Door[P]) createUser(ctx context.Context, c *awswire.Call[P], in *CreateUserRequest) (*CreateUserResponse, error) {
	u, err := fromCreate(in)
	if err != nil {
		return nil, err
	}
	if u, err = d.people.CreateUser(ctx, c.Actor, u); err != nil {
		return nil, err
	}
	return &CreateUserResponse{IdentityStoreId: new(d.people.IdentityStoreID()), UserId: &u.ID, UserArn: new(arn.User(u.ID)), Revision: revision(u.Version)}, nil
}

// fromCreate reads the attributes and demands those that Identity Center does of a user made here: SCIM
// providers know better and have their own profile.
func fromCreate(in *CreateUserRequest) (directory.User, error) {
	u := directory.User{
		UserName: awswire.Val(in.UserName), DisplayName: awswire.Val(in.DisplayName), NickName: awswire.Val(in.NickName),
		ProfileURL: awswire.Val(in.ProfileUrl), UserType: awswire.Val(in.UserType), Title: awswire.Val(in.Title),
		PreferredLanguage: awswire.Val(in.PreferredLanguage), Locale: awswire.Val(in.Locale), Timezone: awswire.Val(in.Timezone),
		Website: awswire.Val(in.Website), Birthdate: awswire.Val(in.Birthdate), Active: true,
	}
	if n := in.Name; n != nil {
		u.Name = directory.Name{
			Formatted: awswire.Val(n.Formatted), FamilyName: awswire.Val(n.FamilyName), GivenName: awswire.Val(n.GivenName),
			MiddleName: awswire.Val(n.MiddleName), HonorificPrefix: awswire.Val(n.HonorificPrefix), HonorificSuffix: awswire.Val(n.HonorificSuffix),
		}
	}
	for _, e := range in.Emails {
		u.Emails = append(u.Emails, value(e.Value, e.Type, nil, e.Primary))
	}
	for _, p := range in.PhoneNumbers {
		u.PhoneNumbers = append(u.PhoneNumbers, value(p.Value, p.Type, nil, p.Primary))
	}
	for _, p := range in.Photos {
		u.Photos = append(u.Photos, value(p.Value, p.Type, p.Display, p.Primary))
	}
	for _, r := range in.Roles {
		u.Roles = append(u.Roles, value(r.Value, r.Type, nil, r.Primary))
	}
	for _, a := range in.Addresses {
		u.Addresses = append(u.Addresses, directory.Address{
			Formatted: awswire.Val(a.Formatted), StreetAddress: awswire.Val(a.StreetAddress), Locality: awswire.Val(a.Locality), Region: awswire.Val(a.Region),
			PostalCode: awswire.Val(a.PostalCode), Country: awswire.Val(a.Country), Type: awswire.Val(a.Type), Primary: awswire.Val(a.Primary),
		})
	}
	for name, doc := range in.Extensions {
		if err := setExtension(&u, name, doc); err != nil {
			return u, err
		}
	}
	return u, checkProfile(&u)
}

func value(v, kind, display *string, primary *bool) directory.Value {
	return directory.Value{Value: awswire.Val(v), Type: awswire.Val(kind), Display: awswire.Val(display), Primary: awswire.Val(primary)}
}

// checkProfile holds what Identity Center demands of users and the directory does not.
func checkProfile(u *directory.User) error {
	for _, f := range []struct{ name, value string }{
		{"userName", u.UserName}, {"displayName", u.DisplayName}, {"name.givenName", u.Name.GivenName}, {"name.familyName", u.Name.FamilyName},
	} {
		if f.value == "" {
			return fault.New(fault.Invalid, "%s is a required attribute", f.name).At(f.name)
		}
	}
	if u.UserName == "Administrator" || u.UserName == "AWSAdministrators" {
		return fault.New(fault.Invalid, "%q is a reserved name and cannot be a user's", u.UserName).At("userName")
	}
	return nil
}

func (d *Door[P]) describeUser(ctx context.Context, _ *awswire.Call[P], in *DescribeUserRequest) (*DescribeUserResponse, error) {
	id, err := userID(in.UserId)
	if err != nil {
		return nil, err
	}
	extensions, err := checkExtensions(in.Extensions)
	if err != nil {
		return nil, err
	}
	u, err := d.people.User(ctx, id)
	if err != nil {
		return nil, err
	}
	return new(DescribeUserResponse(d.user(u, extensions))), nil
}

func (d *Door[P]) listUsers(ctx context.Context, _ *awswire.Call[P], in *ListUsersRequest) (*ListUsersResponse, error) {
	extensions, err := checkExtensions(in.Extensions)
	if err != nil {
		return nil, err
	}
	out := &ListUsersResponse{Users: []User{}}
	if len(in.Filters) == 1 {
		u, err := d.filterUser(ctx, in.Filters[0])
		if fault.Is(err, fault.NotFound) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out.Users = append(out.Users, d.user(u, extensions))
		return out, nil
	}
	after, err := awswire.Cursor(in.NextToken, "ListUsers")
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	users, err := d.people.Users(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	users, next := awswire.Page(users, limit, func(u directory.User) string { return u.ID })
	for _, u := range users {
		out.Users = append(out.Users, d.user(u, extensions))
	}
	out.NextToken = awswire.PageToken(next, "ListUsers")
	return out, nil
}

// filterUser answers the deprecated filter: at most one, by exact user name.
func (d *Door[P]) filterUser(ctx context.Context, f Filter) (directory.User, error) {
	if !strings.EqualFold(*f.AttributePath, "UserName") {
		return directory.User{}, fault.New(fault.Invalid, "users can be filtered by UserName only").At("Filters")
	}
	return d.people.UserByName(ctx, *f.AttributeValue)
}

func (d *Door[P]) getUserID(ctx context.Context, _ *awswire.Call[P], in *GetUserIdRequest) (*GetUserIdResponse, error) {
	u, err := d.findUser(ctx, in.AlternateIdentifier)
	if err != nil {
		return nil, err
	}
	return &GetUserIdResponse{IdentityStoreId: new(d.people.IdentityStoreID()), UserId: &u.ID, UserArn: new(arn.User(u.ID))}, nil
}

func (d *Door[P]) findUser(ctx context.Context, alt *AlternateIdentifier) (directory.User, error) {
	if x := alt.ExternalId; x != nil {
		return d.people.UserByExternalID(ctx, directory.ExternalID{Issuer: *x.Issuer, ID: *x.Id})
	}
	path, want, err := unique(alt.UniqueAttribute)
	if err != nil {
		return directory.User{}, err
	}
	switch path {
	case "username":
		return d.people.UserByName(ctx, want)
	case "emails.value":
		users, err := d.people.UsersByEmail(ctx, want, 2)
		switch {
		case err != nil:
			return directory.User{}, err
		case len(users) == 0:
			return directory.User{}, fault.New(fault.NotFound, "USER not found.").About(directory.ResourceUser, "")
		case len(users) > 1:
			return directory.User{}, fault.New(fault.Invalid, "more than one user has this e-mail address").At("AlternateIdentifier")
		}
		return users[0], nil
	}
	return directory.User{}, fault.New(fault.Invalid, "The attribute %s is not a unique attribute of users; userName and emails.value are", *alt.UniqueAttribute.AttributePath).At("AlternateIdentifier")
}

// unique reads a unique attribute: its path in lower case and its value, which must be a string.
func unique(a *UniqueAttribute) (path, want string, err error) {
	want, err = text(a.AttributeValue)
	return strings.ToLower(*a.AttributePath), want, err
}

func (d *Door[P]) updateUser(ctx context.Context, c *awswire.Call[P], in *UpdateUserRequest) (*UpdateUserResponse, error) {
	id, err := userID(in.UserId)
	if err != nil {
		return nil, err
	}
	u, err := d.people.UpdateUser(ctx, c.Actor, id, version(in.Revision), func(u *directory.User) error {
		for _, op := range in.Operations {
			if err := setUser(u, *op.AttributePath, op.AttributeValue); err != nil {
				return err
			}
		}
		return checkUpdated(u)
	})
	if err != nil {
		return nil, err
	}
	return &UpdateUserResponse{IdentityStoreId: new(d.people.IdentityStoreID()), UserId: &u.ID, UserArn: new(arn.User(u.ID)), Revision: revision(u.Version)}, nil
}

// checkUpdated keeps an update from taking away the name itself; a user from SCIM may lack the rest.
func checkUpdated(u *directory.User) error {
	if u.UserName == "" {
		return fault.New(fault.Invalid, "userName is a required attribute").At("userName")
	}
	return nil
}

func (d *Door[P]) deleteUser(ctx context.Context, c *awswire.Call[P], in *DeleteUserRequest) (*DeleteUserResponse, error) {
	id, err := userID(in.UserId)
	if err != nil {
		return nil, err
	}
	return &DeleteUserResponse{}, d.people.DeleteUser(ctx, c.Actor, id, version(in.Revision))
}

// user is a user on the wire, with the enterprise extension where it was asked for.
func (d *Door[P]) user(u directory.User, extensions bool) User {
	status := "DISABLED"
	if u.Active {
		status = "ENABLED"
	}
	w := User{
		IdentityStoreId: new(d.people.IdentityStoreID()), UserId: &u.ID, UserArn: new(arn.User(u.ID)), Revision: revision(u.Version),
		UserName: awswire.Opt(u.UserName), ExternalIds: externalIDs(u.ExternalIDs), DisplayName: awswire.Opt(u.DisplayName), NickName: awswire.Opt(u.NickName),
		ProfileUrl: awswire.Opt(u.ProfileURL), UserType: awswire.Opt(u.UserType), Title: awswire.Opt(u.Title),
		PreferredLanguage: awswire.Opt(u.PreferredLanguage), Locale: awswire.Opt(u.Locale), Timezone: awswire.Opt(u.Timezone),
		Website: awswire.Opt(u.Website), Birthdate: awswire.Opt(u.Birthdate), UserStatus: &status,
		CreatedAt: awswire.At(u.CreatedAt), UpdatedAt: awswire.At(u.UpdatedAt), CreatedBy: awswire.Opt(u.CreatedBy), UpdatedBy: awswire.Opt(u.UpdatedBy),
	}
	if n := u.Name; n != (directory.Name{}) {
		w.Name = &Name{
			Formatted: awswire.Opt(n.Formatted), FamilyName: awswire.Opt(n.FamilyName), GivenName: awswire.Opt(n.GivenName),
			MiddleName: awswire.Opt(n.MiddleName), HonorificPrefix: awswire.Opt(n.HonorificPrefix), HonorificSuffix: awswire.Opt(n.HonorificSuffix),
		}
	}
	isPrimary := func(v directory.Value) bool { return v.Primary }
	for _, v := range shown(u.Emails, isPrimary) {
		w.Emails = append(w.Emails, Email{Value: awswire.Opt(v.Value), Type: awswire.Opt(v.Type), Primary: new(v.Primary)})
	}
	for _, v := range shown(u.PhoneNumbers, isPrimary) {
		w.PhoneNumbers = append(w.PhoneNumbers, PhoneNumber{Value: awswire.Opt(v.Value), Type: awswire.Opt(v.Type), Primary: new(v.Primary)})
	}
	for _, v := range u.Photos[:min(len(u.Photos), maxPhotos)] {
		w.Photos = append(w.Photos, Photo{Value: awswire.Opt(v.Value), Type: awswire.Opt(v.Type), Display: awswire.Opt(v.Display), Primary: new(v.Primary)})
	}
	for _, v := range shown(u.Roles, isPrimary) {
		w.Roles = append(w.Roles, Role{Value: awswire.Opt(v.Value), Type: awswire.Opt(v.Type), Primary: new(v.Primary)})
	}
	for _, a := range shown(u.Addresses, func(a directory.Address) bool { return a.Primary }) {
		w.Addresses = append(w.Addresses, Address{
			Formatted: awswire.Opt(a.Formatted), StreetAddress: awswire.Opt(a.StreetAddress), Locality: awswire.Opt(a.Locality), Region: awswire.Opt(a.Region),
			PostalCode: awswire.Opt(a.PostalCode), Country: awswire.Opt(a.Country), Type: awswire.Opt(a.Type), Primary: new(a.Primary),
		})
	}
	if extensions && u.Enterprise != (directory.Enterprise{}) {
		w.Extensions = map[string]awswire.Document{enterpriseName: enterpriseDocument(u.Enterprise)}
	}
	return w
}

// maxPhotos is how many photos of a user this API has room for.
const maxPhotos = 3

// shown is the one element that this API has room for, the primary or else the first: SCIM clients may have pushed more, which are kept.
func shown[T any](xs []T, primary func(T) bool) []T {
	if i := slices.IndexFunc(xs, primary); i > 0 {
		return xs[i : i+1]
	}
	return xs[:min(len(xs), 1)]
}

func externalIDs(xs []directory.ExternalID) []ExternalId {
	var out []ExternalId
	for _, x := range xs {
		out = append(out, ExternalId{Issuer: new(x.Issuer), Id: new(x.ID)})
	}
	return out
}
