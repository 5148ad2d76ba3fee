package credential

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Device is a second factor as it is shown.
type Device struct {
	ID, Name string
	// Kind is "totp" or "passkey".
	Kind                  string
	CreatedAt, LastUsedAt time.Time
}

// Summary is what may be shown of a person's record.
type Summary struct {
	// PasswordSetAt is zero when there is no password; OneTimeUntil is set for a one-time one.
	PasswordSetAt, OneTimeUntil time.Time
	// Devices are sorted by when they were added.
	Devices []Device
	// RecoveryCodes is how many are left.
	RecoveryCodes int
	BreakGlass    bool
}

// Summary returns what is kept of a user.
func (s *Service) Summary(ctx context.Context, userID string) (Summary, error) {
	p, err := s.store.Person(ctx, userID)
	if err != nil {
		return Summary{}, err
	}
	out := Summary{RecoveryCodes: len(p.Recovery), BreakGlass: p.BreakGlass}
	if p.Password.Hash != "" {
		out.PasswordSetAt, out.OneTimeUntil = p.Password.SetAt, p.Password.ExpiresAt
	}
	for _, t := range p.TOTP {
		out.Devices = append(out.Devices, Device{t.ID, t.Name, "totp", t.CreatedAt, t.LastUsedAt})
	}
	for _, k := range p.Passkeys {
		out.Devices = append(out.Devices, Device{k.ID, k.Name, "passkey", k.CreatedAt, k.LastUsedAt})
	}
	slices.SortFunc(out.Devices, func(a, b Device) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

func noDevice(id string) error {
	return fault.New(fault.NotFound, "there is no such device").About("DEVICE", id)
}

// RenameDevice gives one of the person's own devices another name.
func (s *Service) RenameDevice(ctx context.Context, b Browser, who signin.Identity, id, name string) error {
	if _, err := s.recent(ctx, b, who); err != nil {
		return err
	}
	name, err := deviceName(name, "")
	if err != nil {
		return err
	}
	if name == "" {
		return fault.New(fault.Invalid, "Enter a name.").At("name")
	}
	e := audit.New(ctx, s.now(), who.Actor(), "credential:RenameDevice", who.User.ID).With("device", id).With("name", name)
	_, err = s.change(ctx, who.User.ID, Consequences{}, e, func(p *Person) error {
		for i := range p.TOTP {
			if p.TOTP[i].ID == id {
				p.TOTP[i].Name = name
				return nil
			}
		}
		for i := range p.Passkeys {
			if p.Passkeys[i].ID == id {
				p.Passkeys[i].Name = name
				return nil
			}
		}
		return noDevice(id)
	})
	return err
}

// RemoveOwnDevice removes one of the person's own devices.
//
// Faults: Denied "again" unless she proved a short while ago who she is; NotFound; Conflict "last" for the only means of signing in.
func (s *Service) RemoveOwnDevice(ctx context.Context, b Browser, who signin.Identity, id string) error {
	if _, err := s.recent(ctx, b, who); err != nil {
		return err
	}
	return s.removeDevice(ctx, who.Actor(), who.User.ID, id, func(p Person) error {
		if p.Password.Hash == "" && len(p.Passkeys) == 0 {
			return fault.New(fault.Conflict, "This passkey is your only means of signing in. Set a password or add another one first.").For("last")
		}
		return nil
	})
}

// RemoveDevice removes a user's device for an administrator: she lost it.
func (s *Service) RemoveDevice(ctx context.Context, a audit.Actor, userID, id string) error {
	return s.removeDevice(ctx, a, userID, id, func(Person) error { return nil })
}

// removeDevice removes a device; with the last one go the recovery codes, which stand for it. check judges what is left.
func (s *Service) removeDevice(ctx context.Context, a audit.Actor, userID, id string, check func(Person) error) error {
	e := audit.New(ctx, s.now(), a, "credential:RemoveDevice", userID).With("device", id)
	_, err := s.change(ctx, userID, Consequences{ForgetBrowsers: true}, e, func(p *Person) error {
		before := p.Devices()
		p.TOTP = slices.DeleteFunc(p.TOTP, func(t TOTP) bool { return t.ID == id })
		p.Passkeys = slices.DeleteFunc(p.Passkeys, func(k Passkey) bool { return k.ID == id })
		if p.Devices() == before {
			return noDevice(id)
		}
		if p.Devices() == 0 {
			p.Recovery = nil
		}
		return check(*p)
	})
	return err
}

// RenewRecovery makes new recovery codes, which are shown once; the old ones are void.
//
// Faults: Denied "again"; Conflict when there is no device that they could stand for.
func (s *Service) RenewRecovery(ctx context.Context, b Browser, who signin.Identity) ([]string, error) {
	if _, err := s.recent(ctx, b, who); err != nil {
		return nil, err
	}
	codes, hashes := s.newRecovery()
	e := audit.New(ctx, s.now(), who.Actor(), "credential:RenewRecoveryCodes", who.User.ID)
	_, err := s.change(ctx, who.User.ID, Consequences{}, e, func(p *Person) error {
		if p.Devices() == 0 {
			return fault.New(fault.Conflict, "Recovery codes stand for a device. Add one first.").For("no-device")
		}
		p.Recovery = hashes
		return nil
	})
	return codes, err
}

// GiveOneTime gives a user a one-time password, which is returned and not kept, and ends her sessions.
//
// Faults: NotFound; Conflict "other-source", "inactive", "off".
func (s *Service) GiveOneTime(ctx context.Context, a audit.Actor, userID string) (password string, until time.Time, err error) {
	u, err := s.owned(ctx, userID)
	if err != nil {
		return "", until, err
	}
	if _, err := s.usable(ctx, u); err != nil {
		return "", until, err
	}
	password = s.oneTime()
	hashed, err := s.hasher.make(ctx, password)
	if err != nil {
		return "", until, err
	}
	until = s.now().Add(TemporaryLife)
	e := audit.New(ctx, s.now(), a, "credential:GiveOneTimePassword", u.ID)
	_, err = s.change(ctx, u.ID, Consequences{DropLinks: true, ForgetBrowsers: true}, e, func(p *Person) error {
		p.Password = Password{Hash: hashed, SetAt: s.now(), ExpiresAt: until}
		return nil
	})
	if err == nil {
		_, err = s.sessions.EndSessions(ctx, a, u.ID)
	}
	return password, until, err
}

// RemovePassword leaves a user without a password, and ends her sessions.
func (s *Service) RemovePassword(ctx context.Context, a audit.Actor, userID string) error {
	if _, err := s.users.User(ctx, userID); err != nil {
		return err
	}
	e := audit.New(ctx, s.now(), a, "credential:RemovePassword", userID)
	_, err := s.change(ctx, userID, Consequences{DropLinks: true, ForgetBrowsers: true}, e, func(p *Person) error {
		p.Password = Password{SetAt: s.now()}
		return nil
	})
	if err == nil {
		_, err = s.sessions.EndSessions(ctx, a, userID)
	}
	return err
}

// Unlock fills up the limits of guesses about a user.
func (s *Service) Unlock(ctx context.Context, a audit.Actor, userID string) error {
	u, err := s.users.User(ctx, userID)
	if err != nil {
		return err
	}
	if err := s.store.Fill(ctx, [][]byte{codeBucket(u.ID).Key, userBucket(directory.Fold(u.UserName)).Key}); err != nil {
		return err
	}
	return s.store.Note(ctx, audit.New(ctx, s.now(), a, "credential:Unlock", u.ID))
}

// SetBreakGlass makes a user a break-glass administrator, or one no more. One belongs to the built-in directory for good, so that no
// directory can disable, change or take over the way back in.
//
// Faults: NotFound; Conflict "other-source".
func (s *Service) SetBreakGlass(ctx context.Context, a audit.Actor, userID string, on bool) error {
	u, err := s.owned(ctx, userID)
	if err != nil {
		return err
	}
	if on && u.Source != directory.BuiltIn {
		_, err := s.users.UpdateUser(ctx, a, u.ID, u.Version, func(u *directory.User) error {
			u.Source = directory.BuiltIn
			return nil
		})
		if err != nil {
			return err
		}
	}
	action := "credential:GiveBreakGlass"
	if !on {
		action = "credential:TakeBreakGlass"
	}
	s.log.WarnContext(ctx, "who may break the glass was changed", "user", u.UserName, "on", on, "by", a.ID)
	_, err = s.change(ctx, u.ID, Consequences{}, audit.New(ctx, s.now(), a, action, u.ID), func(p *Person) error {
		p.BreakGlass = on
		return nil
	})
	return err
}
