package localiam

import (
	"context"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Settings are what there is once in an account besides its alias.
type Settings struct {
	AccountID string
	// IssuerID is the part of the account's issuer URL that is its own, a UUID; empty until outbound federation was enabled for the first time. It
	// never changes then: relying parties are configured with it.
	IssuerID string
	// Outbound says that the account's principals may get web identity tokens.
	Outbound bool
	// RootSessions and RootCredentials are the features of centralized root access; they are the organization's, and kept with its management account.
	RootSessions, RootCredentials bool
	// Passwords is the account's password policy; nil when there is none.
	Passwords *PasswordPolicy
	// Revision counts the saves; zero means that nothing was ever set.
	Revision int64
}

// PasswordPolicy is what passwords of IAM users must be. Users have no passwords here: it is kept for those who describe whole accounts.
type PasswordPolicy struct {
	// MinimumLength is 6–128. MaxAge is 1–1095 days, Reuse 1–24 former passwords; zero for no limit.
	MinimumLength, MaxAge, Reuse           int
	Symbols, Numbers, Uppercase, Lowercase bool
	// OwnChange lets users change their own; HardExpiry bars them once it has expired.
	OwnChange, HardExpiry bool
}

// PasswordPolicy returns the account's password policy.
func (s *Service) PasswordPolicy(ctx context.Context, accountID string) (PasswordPolicy, error) {
	set, err := s.cfg.Store.Settings(ctx, accountID)
	if err != nil {
		return PasswordPolicy{}, err
	}
	if set.Passwords == nil {
		return PasswordPolicy{}, errNoPasswordPolicy(accountID)
	}
	return *set.Passwords, nil
}

func errNoPasswordPolicy(accountID string) error {
	return fault.New(fault.NotFound, "The Password Policy with domain name %s cannot be found.", accountID)
}

// SetPasswordPolicy replaces the account's password policy.
func (s *Service) SetPasswordPolicy(ctx context.Context, a audit.Actor, accountID string, p PasswordPolicy) error {
	_, err := s.changeSettings(ctx, a, accountID, "UpdateAccountPasswordPolicy", func(set *Settings) error {
		set.Passwords = &p
		return nil
	})
	return err
}

// DeletePasswordPolicy takes it away.
func (s *Service) DeletePasswordPolicy(ctx context.Context, a audit.Actor, accountID string) error {
	_, err := s.changeSettings(ctx, a, accountID, "DeleteAccountPasswordPolicy", func(set *Settings) error {
		if set.Passwords == nil {
			return errNoPasswordPolicy(accountID)
		}
		set.Passwords = nil
		return nil
	})
	return err
}

// changeSettings reads an account's settings, lets edit change them, and saves them.
func (s *Service) changeSettings(ctx context.Context, a audit.Actor, accountID, action string, edit func(*Settings) error) (Settings, error) {
	var out Settings
	err := retry(func() error {
		var err error
		if out, err = s.cfg.Store.Settings(ctx, accountID); err != nil {
			return err
		}
		if err := edit(&out); err != nil {
			return err
		}
		return s.cfg.Store.SaveSettings(ctx, out, s.event(ctx, a, "iam:"+action, accountID))
	})
	return out, err
}
