package localiam

import (
	"context"
	"maps"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Profile returns an instance profile. NotFound with AWS's sentence.
func (s *Service) Profile(ctx context.Context, accountID, name string) (InstanceProfile, error) {
	p, err := s.cfg.Store.Profile(ctx, accountID, name)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "Instance Profile %s cannot be found.", clip(name)).About("INSTANCE_PROFILE", name)
	}
	return p, err
}

// Profiles lists the instance profiles of an account, by folded name.
func (s *Service) Profiles(ctx context.Context, accountID string, p Page) ([]InstanceProfile, error) {
	return s.cfg.Store.Profiles(ctx, accountID, p.PathPrefix, p.After, p.limit())
}

// ProfilesOf lists the instance profiles a role is in.
func (s *Service) ProfilesOf(ctx context.Context, accountID, role string, p Page) ([]InstanceProfile, error) {
	if _, err := s.Role(ctx, accountID, role); err != nil {
		return nil, err
	}
	return s.cfg.Store.ProfilesOf(ctx, accountID, role, p.After, p.limit())
}

// CreateProfile creates an empty instance profile from its name, path and tags.
func (s *Service) CreateProfile(ctx context.Context, a audit.Actor, p InstanceProfile) (InstanceProfile, error) {
	if p.Path == "" {
		p.Path = "/"
	}
	if err := checkName("InstanceProfile", p.Name, p.Path, policyName); err != nil {
		return InstanceProfile{}, err
	}
	if err := checkTags(p.Tags); err != nil {
		return InstanceProfile{}, err
	}
	p.ID, p.CreatedAt, p.RoleName, p.Revision = arn.NewIAMID(s.cfg.Rand, "AIPA"), s.now(), "", 0
	err := s.cfg.Store.SaveProfile(ctx, p, s.event(ctx, a, "iam:CreateInstanceProfile", p.ARN()))
	if isConflict(err, "exists") {
		return InstanceProfile{}, fault.New(fault.Conflict, "Instance Profile %s already exists.", p.Name).For("exists")
	}
	p.Revision = 1
	return p, err
}

// changeProfile reads an instance profile, lets edit change it, and saves it.
func (s *Service) changeProfile(ctx context.Context, a audit.Actor, ref ProfileRef, action string, edit func(*InstanceProfile) error) error {
	return retry(func() error {
		p, err := s.Profile(ctx, ref.AccountID, ref.Name)
		if err != nil {
			return err
		}
		if err := edit(&p); err != nil {
			return err
		}
		err = s.cfg.Store.SaveProfile(ctx, p, s.event(ctx, a, "iam:"+action, p.ARN()))
		if f := fault.Of(err); f != nil && f.Kind == fault.NotFound && f.Reason == "role" {
			_, err = s.Role(ctx, p.AccountID, p.RoleName)
		}
		return err
	})
}

// ProfileRef names an instance profile.
type ProfileRef struct{ AccountID, Name string }

// PutRoleIntoProfile puts a role into an empty instance profile.
func (s *Service) PutRoleIntoProfile(ctx context.Context, a audit.Actor, ref ProfileRef, role string) error {
	r, err := s.Role(ctx, ref.AccountID, role)
	if err != nil {
		return err
	}
	if r.Protected {
		return errUnmodifiable(r.Name)
	}
	return s.changeProfile(ctx, a, ref, "AddRoleToInstanceProfile", func(p *InstanceProfile) error {
		if p.RoleName != "" {
			return fault.New(fault.Quota, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		}
		p.RoleName = r.Name
		return nil
	})
}

// TakeRoleFromProfile empties an instance profile that holds the role.
func (s *Service) TakeRoleFromProfile(ctx context.Context, a audit.Actor, ref ProfileRef, role string) error {
	return s.changeProfile(ctx, a, ref, "RemoveRoleFromInstanceProfile", func(p *InstanceProfile) error {
		if p.RoleName == "" || Fold(p.RoleName) != Fold(role) {
			return fault.New(fault.NotFound, "The role with name %s cannot be found.", clip(role)).About("ROLE", role)
		}
		p.RoleName = ""
		return nil
	})
}

// TagProfile sets and removes tags of an instance profile.
func (s *Service) TagProfile(ctx context.Context, a audit.Actor, ref ProfileRef, t Retag) error {
	return s.changeProfile(ctx, a, ref, t.verb()+"InstanceProfile", func(p *InstanceProfile) (err error) {
		p.Tags, err = t.of(p.Tags)
		return err
	})
}

// DeleteProfile deletes an instance profile without a role.
func (s *Service) DeleteProfile(ctx context.Context, a audit.Actor, ref ProfileRef) error {
	return retry(func() error {
		p, err := s.Profile(ctx, ref.AccountID, ref.Name)
		if err != nil {
			return err
		}
		if p.RoleName != "" {
			return fault.New(fault.Conflict, "Cannot delete entity, must remove roles from instance profile first.").For("in-use")
		}
		return s.cfg.Store.DeleteProfile(ctx, p.AccountID, p.Name, p.Revision, s.event(ctx, a, "iam:DeleteInstanceProfile", p.ARN()))
	})
}

// Retag is a change of tags: some are set, some removed.
type Retag struct {
	Set    map[string]string
	Remove []string
}

func (t Retag) verb() string {
	if len(t.Remove) > 0 {
		return "Untag"
	}
	return "Tag"
}

// of returns the tags after the change; keys are compared in folded case.
func (t Retag) of(have map[string]string) (map[string]string, error) {
	if err := checkTags(t.Set); err != nil {
		return nil, err
	}
	out := withoutKeys(withoutKeys(have, t.Remove), sortedKeys(t.Set))
	maps.Copy(out, t.Set)
	return out, checkTags(out)
}
