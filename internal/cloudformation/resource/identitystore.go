package resource

import (
	"context"

	"gatehouse/internal/arn"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

func storeProperty() property {
	return property{Name: "IdentityStoreId", Required: true, CreateOnly: true}
}

// on asks for an action on things of the identity store that the properties name.
func (s Services) on(ctx context.Context, r request, p props, action string, arns ...string) error {
	if err := s.owned(ctx, r, action); err != nil {
		return err
	}
	id := str(p, "IdentityStoreId")
	if err := s.Directory.CheckStore(id); err != nil {
		return err
	}
	return ask(ctx, r, action, append(arns, arn.IdentityStore(s.Owner, id))...)
}

// group is AWS::IdentityStore::Group. Its physical id is GroupId|IdentityStoreId.
type group struct{ Services }

func (group) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::IdentityStore::Group", Attributes: []string{"GroupId"},
		Properties: []property{storeProperty(), {Name: "DisplayName", Required: true}, {Name: "Description"}},
	}
}

func (s group) result(g directory.Group) made {
	return made{PhysicalID: g.ID + "|" + s.Directory.IdentityStoreID(), Attributes: map[string]string{"GroupId": g.ID}}
}

func (s group) Create(ctx context.Context, r request) (made, error) {
	if err := s.on(ctx, r, r.New, "identitystore:CreateGroup"); err != nil {
		return made{}, err
	}
	display := str(r.New, "DisplayName")
	if r.Resumed {
		g, err := s.Directory.GroupByName(ctx, display)
		if err == nil && ours(r, g.CreatedAt) && g.CreatedBy == r.Caller.Actor().ID {
			return s.result(g), nil
		}
		if gone(err) != nil {
			return made{}, err
		}
	}
	g, err := s.Directory.CreateGroup(ctx, r.Caller.Actor(), directory.Group{DisplayName: display, Description: str(r.New, "Description")}, nil)
	if err != nil {
		return made{}, err
	}
	return s.result(g), nil
}

func (s group) Update(ctx context.Context, r request) (made, error) {
	id, _ := halves(r.PhysicalID)
	if err := s.on(ctx, r, r.New, "identitystore:UpdateGroup", arn.Group(id)); err != nil {
		return made{}, err
	}
	g, err := s.Directory.UpdateGroup(ctx, r.Caller.Actor(), id, 0, func(g *directory.Group) (directory.MemberChange, error) {
		g.DisplayName, g.Description = str(r.New, "DisplayName"), str(r.New, "Description")
		return directory.MemberChange{}, nil
	})
	if err != nil {
		return made{}, err
	}
	return s.result(g), nil
}

func (s group) Delete(ctx context.Context, r request) error {
	id, _ := halves(r.PhysicalID)
	if err := s.on(ctx, r, r.Old, "identitystore:DeleteGroup", arn.Group(id)); err != nil {
		return err
	}
	return gone(s.Directory.DeleteGroup(ctx, r.Caller.Actor(), id, 0))
}

// membership is AWS::IdentityStore::GroupMembership. Its physical id is MembershipId|IdentityStoreId. Nothing of it can change.
type membership struct{ Services }

func (membership) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::IdentityStore::GroupMembership", Attributes: []string{"MembershipId"},
		Properties: []property{storeProperty(), {Name: "GroupId", Required: true, CreateOnly: true},
			{Name: "MemberId", Kind: cloudformation.Object, Required: true, CreateOnly: true, Members: []property{{Name: "UserId", Required: true}}}},
	}
}

func (s membership) result(m directory.Membership) made {
	return made{PhysicalID: m.ID + "|" + s.Directory.IdentityStoreID(), Attributes: map[string]string{"MembershipId": m.ID}}
}

func (s membership) Create(ctx context.Context, r request) (made, error) {
	groupID, userID := str(r.New, "GroupId"), str(object(r.New["MemberId"]), "UserId")
	if err := s.on(ctx, r, r.New, "identitystore:CreateGroupMembership", arn.Group(groupID), arn.User(userID)); err != nil {
		return made{}, err
	}
	if r.Resumed {
		m, err := s.Directory.MembershipOf(ctx, groupID, userID)
		if err == nil && ours(r, m.CreatedAt) {
			return s.result(m), nil
		}
		if gone(err) != nil {
			return made{}, err
		}
	}
	m, err := s.Directory.AddMember(ctx, r.Caller.Actor(), groupID, userID)
	if err != nil {
		return made{}, err
	}
	return s.result(m), nil
}

func (membership) Update(_ context.Context, r request) (made, error) {
	id, _ := halves(r.PhysicalID)
	return made{PhysicalID: r.PhysicalID, Attributes: map[string]string{"MembershipId": id}}, nil
}

func (s membership) Delete(ctx context.Context, r request) error {
	id, _ := halves(r.PhysicalID)
	m, err := s.Directory.Membership(ctx, id)
	if err != nil {
		return gone(err)
	}
	if err := s.on(ctx, r, r.Old, "identitystore:DeleteGroupMembership", arn.Membership(id), arn.Group(m.GroupID), arn.User(m.UserID)); err != nil {
		return err
	}
	return gone(s.Directory.DeleteMembership(ctx, r.Caller.Actor(), id))
}

// user is Gatehouse::IdentityStore::User, which AWS has not. Its physical id is UserId|IdentityStoreId.
type user struct{ Services }

func (user) Schema() cloudformation.Schema {
	value := []property{{Name: "Value", Required: true}, {Name: "Type"}, {Name: "Primary", Kind: cloudformation.Boolean}}
	return cloudformation.Schema{
		Type: "Gatehouse::IdentityStore::User", Attributes: []string{"UserId"},
		Properties: []property{
			storeProperty(), {Name: "UserName", Required: true}, {Name: "DisplayName", Required: true},
			{Name: "Name", Kind: cloudformation.Object, Required: true, Members: []property{
				{Name: "GivenName", Required: true}, {Name: "FamilyName", Required: true}, {Name: "MiddleName"}, {Name: "Formatted"},
				{Name: "HonorificPrefix"}, {Name: "HonorificSuffix"}}},
			{Name: "Emails", Kind: cloudformation.List, Members: value}, {Name: "PhoneNumbers", Kind: cloudformation.List, Members: value},
			{Name: "NickName"}, {Name: "ProfileUrl"}, {Name: "Title"}, {Name: "UserType"}, {Name: "PreferredLanguage"}, {Name: "Locale"}, {Name: "Timezone"},
			{Name: "Active", Kind: cloudformation.Boolean},
		},
	}
}

// write sets every attribute that the type has.
func (user) write(u *directory.User, p props) error {
	n := object(p["Name"])
	u.UserName, u.DisplayName, u.NickName, u.ProfileURL = str(p, "UserName"), str(p, "DisplayName"), str(p, "NickName"), str(p, "ProfileUrl")
	u.Title, u.UserType, u.PreferredLanguage, u.Locale, u.Timezone = str(p, "Title"), str(p, "UserType"), str(p, "PreferredLanguage"), str(p, "Locale"), str(p, "Timezone")
	u.Name = directory.Name{
		Formatted: str(n, "Formatted"), GivenName: str(n, "GivenName"), FamilyName: str(n, "FamilyName"), MiddleName: str(n, "MiddleName"),
		HonorificPrefix: str(n, "HonorificPrefix"), HonorificSuffix: str(n, "HonorificSuffix"),
	}
	u.Emails, u.PhoneNumbers = values(p, "Emails"), values(p, "PhoneNumbers")
	u.Active = str(p, "Active") != "false"
	for field, v := range map[string]string{"DisplayName": u.DisplayName, "Name.GivenName": u.Name.GivenName, "Name.FamilyName": u.Name.FamilyName} {
		if v == "" {
			return fault.New(fault.Invalid, "%s is a required attribute", field).At(field)
		}
	}
	if len(u.Emails) > 1 || len(u.PhoneNumbers) > 1 {
		return fault.New(fault.Invalid, "a user has at most one e-mail address and one phone number").At("Emails")
	}
	if u.UserName == "Administrator" || u.UserName == "AWSAdministrators" {
		return fault.New(fault.Invalid, "%q is a reserved name and cannot be a user's", u.UserName).At("UserName")
	}
	return nil
}

func values(p props, name string) []directory.Value {
	var out []directory.Value
	for _, v := range objects(p, name) {
		out = append(out, directory.Value{Value: str(v, "Value"), Type: str(v, "Type"), Primary: str(v, "Primary") == "true"})
	}
	return out
}

func (s user) result(u directory.User) made {
	return made{PhysicalID: u.ID + "|" + s.Directory.IdentityStoreID(), Attributes: map[string]string{"UserId": u.ID}}
}

func (s user) Create(ctx context.Context, r request) (made, error) {
	if err := s.on(ctx, r, r.New, "identitystore:CreateUser"); err != nil {
		return made{}, err
	}
	var u directory.User
	if err := s.write(&u, r.New); err != nil {
		return made{}, err
	}
	if r.Resumed {
		have, err := s.Directory.UserByName(ctx, u.UserName)
		if err == nil && ours(r, have.CreatedAt) && have.CreatedBy == r.Caller.Actor().ID {
			return s.result(have), nil
		}
		if gone(err) != nil {
			return made{}, err
		}
	}
	u, err := s.Directory.CreateUser(ctx, r.Caller.Actor(), u)
	if err != nil {
		return made{}, err
	}
	return s.result(u), nil
}

func (s user) Update(ctx context.Context, r request) (made, error) {
	id, _ := halves(r.PhysicalID)
	if err := s.on(ctx, r, r.New, "identitystore:UpdateUser", arn.User(id)); err != nil {
		return made{}, err
	}
	u, err := s.Directory.UpdateUser(ctx, r.Caller.Actor(), id, 0, func(u *directory.User) error { return s.write(u, r.New) })
	if err != nil {
		return made{}, err
	}
	return s.result(u), nil
}

func (s user) Delete(ctx context.Context, r request) error {
	id, _ := halves(r.PhysicalID)
	if err := s.on(ctx, r, r.Old, "identitystore:DeleteUser", arn.User(id)); err != nil {
		return err
	}
	return gone(s.Directory.DeleteUser(ctx, r.Caller.Actor(), id, 0))
}
