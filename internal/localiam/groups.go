package localiam

import (
	"context"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// maxGroupsPerUser is IAM's quota.
const maxGroupsPerUser = 10

// GroupRef names a group.
func GroupRef(accountID, name string) Ref { return Ref{accountID, OfGroup, name} }

func errNoGroup(name string) error {
	return fault.New(fault.NotFound, "The group with name %s cannot be found.", clip(name)).About("GROUP", name)
}

// Group returns a group. NotFound with AWS's sentence.
func (s *Service) Group(ctx context.Context, accountID, name string) (Group, error) {
	g, err := s.cfg.Store.Group(ctx, accountID, name)
	if fault.Is(err, fault.NotFound) {
		err = errNoGroup(name)
	}
	return g, err
}

// Groups lists the groups of an account, by folded name.
func (s *Service) Groups(ctx context.Context, accountID string, p Page) ([]Group, error) {
	return s.cfg.Store.Groups(ctx, accountID, p.PathPrefix, p.After, p.limit())
}

// CreateGroup creates a group from its name and path.
func (s *Service) CreateGroup(ctx context.Context, a audit.Actor, g Group) (Group, error) {
	if err := s.fresh(&g.Identity, OfGroup); err != nil {
		return Group{}, err
	}
	g.BoundaryARN, g.Tags = "", nil
	err := s.cfg.Store.SaveGroup(ctx, g, s.event(ctx, a, "iam:CreateGroup", g.ARN()))
	if isConflict(err, "exists") {
		return Group{}, errTaken("Group", g.Name)
	}
	g.Revision = 1
	return g, err
}

func errTaken(kind, name string) error {
	return fault.New(fault.Conflict, "%s with name %s already exists.", kind, name).For("exists")
}

// Rename is a new name and path; empty means leave.
type Rename struct{ Name, Path string }

func (r Rename) apply(id *Identity, kind Holder) error {
	if r.Name != "" {
		id.Name = r.Name
	}
	if r.Path != "" {
		id.Path = r.Path
	}
	return checkIdentityName(kind, *id)
}

// RenameGroup gives a group another name or path. Members and policies stay.
func (s *Service) RenameGroup(ctx context.Context, a audit.Actor, ref Ref, to Rename) error {
	return retry(func() error {
		g, err := s.Group(ctx, ref.AccountID, ref.Name)
		if err != nil {
			return err
		}
		old := g
		if err := to.apply(&g.Identity, OfGroup); err != nil {
			return err
		}
		err = s.cfg.Store.RenameGroup(ctx, old.Name, g, s.event(ctx, a, "iam:UpdateGroup", old.ARN()).With("newArn", g.ARN()))
		if isConflict(err, "exists") {
			return errTaken("Group", g.Name)
		}
		return err
	})
}

// RenameUser gives a user another name or path. His keys, groups and policies stay.
func (s *Service) RenameUser(ctx context.Context, a audit.Actor, ref Ref, to Rename) error {
	return retry(func() error {
		u, err := s.User(ctx, ref.AccountID, ref.Name)
		if err != nil {
			return err
		}
		old := u
		if err := to.apply(&u.Identity, OfUser); err != nil {
			return err
		}
		err = s.cfg.Store.RenameUser(ctx, old.Name, u, s.event(ctx, a, "iam:UpdateUser", old.ARN()).With("newArn", u.ARN()))
		if isConflict(err, "exists") {
			return errTaken("User", u.Name)
		}
		return err
	})
}

// DeleteGroup deletes a group that has no members and no policies left.
func (s *Service) DeleteGroup(ctx context.Context, a audit.Actor, accountID, name string) error {
	return retry(func() error {
		g, err := s.Group(ctx, accountID, name)
		if err != nil {
			return err
		}
		if err := g.removable(); err != nil {
			return err
		}
		err = s.cfg.Store.DeleteGroup(ctx, accountID, g.Name, g.Revision, s.event(ctx, a, "iam:DeleteGroup", g.ARN()))
		if isConflict(err, "members") {
			return fault.New(fault.Conflict, "Cannot delete entity, must remove users from group first.").For("in-use")
		}
		return err
	})
}

// AddToGroup puts a user into a group; one who is in it already stays so.
func (s *Service) AddToGroup(ctx context.Context, a audit.Actor, m Membership) error {
	g, err := s.Group(ctx, m.AccountID, m.Group)
	if err != nil {
		return err
	}
	u, err := s.User(ctx, m.AccountID, m.User)
	if err != nil {
		return err
	}
	have, err := s.cfg.Store.GroupsOf(ctx, m.AccountID, u.Name, "", maxGroupsPerUser+1)
	if err != nil {
		return err
	}
	for _, h := range have {
		if h.ID == g.ID {
			return nil
		}
	}
	if len(have) >= maxGroupsPerUser {
		return fault.New(fault.Quota, "Cannot exceed quota for GroupsPerUser: %d", maxGroupsPerUser)
	}
	err = s.cfg.Store.AddMember(ctx, m, s.event(ctx, a, "iam:AddUserToGroup", g.ARN()).With("user", u.Name))
	switch f := fault.Of(err); {
	case f != nil && f.Kind == fault.NotFound && f.Reason == "group":
		return errNoGroup(m.Group)
	case f != nil && f.Kind == fault.NotFound && f.Reason == "user":
		_, err = s.User(ctx, m.AccountID, m.User)
	}
	return err
}

// RemoveFromGroup takes a user out of a group.
func (s *Service) RemoveFromGroup(ctx context.Context, a audit.Actor, m Membership) error {
	g, err := s.Group(ctx, m.AccountID, m.Group)
	if err != nil {
		return err
	}
	if _, err := s.User(ctx, m.AccountID, m.User); err != nil {
		return err
	}
	err = s.cfg.Store.RemoveMember(ctx, m, s.event(ctx, a, "iam:RemoveUserFromGroup", g.ARN()).With("user", m.User))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "User %s is not in group %s.", clip(m.User), clip(m.Group))
	}
	return err
}

// Members lists the users in a group, by folded name.
func (s *Service) Members(ctx context.Context, accountID, group string, p Page) ([]User, error) {
	return s.cfg.Store.Members(ctx, accountID, group, p.After, p.limit())
}

// GroupsOf lists the groups of a user, by folded name.
func (s *Service) GroupsOf(ctx context.Context, accountID, user string, p Page) ([]Group, error) {
	return s.cfg.Store.GroupsOf(ctx, accountID, user, p.After, p.limit())
}
