package localiam

import (
	"context"

	"gatehouse/internal/audit"
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
	// Revision counts the saves; zero means that nothing was ever set.
	Revision int64
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
