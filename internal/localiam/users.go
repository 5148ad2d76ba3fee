package localiam

import (
	"context"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// User returns a user. NotFound with AWS's sentence.
func (s *Service) User(ctx context.Context, accountID, name string) (User, error) {
	u, err := s.cfg.Store.User(ctx, accountID, name)
	if fault.Is(err, fault.NotFound) {
		return User{}, fault.New(fault.NotFound, "The user with name %s cannot be found.", clip(name)).About("USER", name)
	}
	return u, err
}

// Users lists the users of an account, by folded name.
func (s *Service) Users(ctx context.Context, accountID string, p Page) ([]User, error) {
	return s.cfg.Store.Users(ctx, accountID, p.PathPrefix, p.After, p.limit())
}

// CreateUser creates a user from his name, path, boundary and tags.
func (s *Service) CreateUser(ctx context.Context, a audit.Actor, u User) (User, error) {
	if err := s.fresh(&u.Identity, OfUser); err != nil {
		return User{}, err
	}
	if err := checkTags(u.Tags); err != nil {
		return User{}, err
	}
	if u.BoundaryARN != "" {
		if err := s.attachable(ctx, u.AccountID, u.BoundaryARN); err != nil {
			return User{}, err
		}
	}
	err := s.cfg.Store.SaveUser(ctx, u, s.event(ctx, a, "iam:CreateUser", u.ARN()))
	if isConflict(err, "exists") {
		return User{}, fault.New(fault.Conflict, "User with name %s already exists.", u.Name).For("exists").About("USER", u.Name)
	}
	u.Revision = 1
	return u, policyGone(err, u.BoundaryARN)
}

// DeleteUser deletes a user who has no policies and no keys left.
func (s *Service) DeleteUser(ctx context.Context, a audit.Actor, accountID, name string) error {
	return retry(func() error {
		u, err := s.User(ctx, accountID, name)
		if err != nil {
			return err
		}
		if err := u.removable(); err != nil {
			return err
		}
		err = s.cfg.Store.DeleteUser(ctx, accountID, u.Name, u.Revision, s.event(ctx, a, "iam:DeleteUser", u.ARN()))
		if isConflict(err, "groups") {
			return fault.New(fault.Conflict, "Cannot delete entity, must remove users from group first.").For("in-use")
		}
		if isConflict(err, "keys") {
			return fault.New(fault.Conflict, "Cannot delete entity, must delete access keys first.").For("in-use")
		}
		return err
	})
}

// NewKey is an access key with its secret, which is shown once.
type NewKey struct {
	AccessKey
	Secret string
}

// CreateAccessKey makes a key for a user. A user has at most two.
func (s *Service) CreateAccessKey(ctx context.Context, a audit.Actor, accountID, userName string) (NewKey, error) {
	u, err := s.User(ctx, accountID, userName)
	if err != nil {
		return NewKey{}, err
	}
	have, err := s.cfg.Store.AccessKeys(ctx, accountID, u.Name, "", maxAccessKeys)
	if err != nil {
		return NewKey{}, err
	}
	if len(have) >= maxAccessKeys {
		return NewKey{}, fault.New(fault.Quota, "Cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)
	}
	k := NewKey{AccessKey{ID: arn.NewAccessKeyID(s.cfg.Rand, "AKIA", accountID), AccountID: accountID, UserName: u.Name, Active: true, CreatedAt: s.now()}, s.secret()}
	if k.SealedSecret, err = s.cfg.Sealer.Seal([]byte(k.Secret), associatedKey(k.ID)); err != nil {
		return NewKey{}, fault.New(fault.Internal, "seal an access key").Because(err)
	}
	if err := s.cfg.Store.SaveAccessKey(ctx, k.AccessKey, maxAccessKeys, s.event(ctx, a, "iam:CreateAccessKey", u.ARN()).With("accessKeyId", k.ID)); err != nil {
		return NewKey{}, err
	}
	k.Revision = 1
	return k, nil
}

// AccessKeys lists a user's keys, without their secrets.
func (s *Service) AccessKeys(ctx context.Context, accountID, userName string) ([]AccessKey, error) {
	u, err := s.User(ctx, accountID, userName)
	if err != nil {
		return nil, err
	}
	return s.cfg.Store.AccessKeys(ctx, accountID, u.Name, "", 100)
}

// KeyRef names a user's access key.
type KeyRef struct{ AccountID, UserName, ID string }

// accessKey finds a key of that very user.
func (s *Service) accessKey(ctx context.Context, ref KeyRef) (AccessKey, error) {
	k, err := s.cfg.Store.AccessKey(ctx, ref.ID)
	if fault.Is(err, fault.NotFound) || err == nil && (k.AccountID != ref.AccountID || Fold(k.UserName) != Fold(ref.UserName)) {
		return AccessKey{}, fault.New(fault.NotFound, "The Access Key with id %s cannot be found.", clip(ref.ID)).About("ACCESS_KEY", ref.ID)
	}
	return k, err
}

// SetAccessKeyActive switches a key on or off.
func (s *Service) SetAccessKeyActive(ctx context.Context, a audit.Actor, ref KeyRef, active bool) error {
	return retry(func() error {
		k, err := s.accessKey(ctx, ref)
		if err != nil || k.Active == active {
			return err
		}
		k.Active = active
		return s.cfg.Store.SaveAccessKey(ctx, k, maxAccessKeys, s.event(ctx, a, "iam:UpdateAccessKey", arn.IAM(ref.AccountID, "user/"+k.UserName)).With("accessKeyId", k.ID))
	})
}

// DeleteAccessKey deletes a key.
func (s *Service) DeleteAccessKey(ctx context.Context, a audit.Actor, ref KeyRef) error {
	return retry(func() error {
		k, err := s.accessKey(ctx, ref)
		if err != nil {
			return err
		}
		return s.cfg.Store.DeleteAccessKey(ctx, k.ID, k.Revision, s.event(ctx, a, "iam:DeleteAccessKey", arn.IAM(ref.AccountID, "user/"+k.UserName)).With("accessKeyId", k.ID))
	})
}
