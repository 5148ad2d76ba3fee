package credential

import (
	"cmp"
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Registrar is who registers a device: somebody in the middle of a sign-in that asks for it, or the person of an open session
// who proved a short while ago who she is.
type Registrar struct {
	Browser
	// Who is nil in the middle of a sign-in.
	Who *signin.Identity
}

// registering looks up the attempt in which a device may be registered now.
func (s *Service) registering(ctx context.Context, r Registrar) (standing, error) {
	if r.Who != nil {
		return s.recent(ctx, r.Browser, *r.Who)
	}
	st, err := s.due(ctx, r.Browser, StepRegister)
	if err == nil && !st.may {
		err = errOver
	}
	return st, err
}

// Registered is a device that was registered.
type Registered struct {
	// Codes are recovery codes to show once; empty when she has some already.
	Codes []string
}

// register adds a device to the person's record. Browsers that were remembered while nothing could be asked of her are forgotten.
func (s *Service) register(ctx context.Context, st standing, kind, name string, add func(*Person)) (Registered, error) {
	codes, hashes := s.newRecovery()
	var out Registered
	e := audit.New(ctx, s.now(), actorOf(st.u), "credential:AddDevice", st.u.ID).With("kind", kind).With("name", name)
	// The attempt goes first: of two registrations with one ceremony or secret, one is told that it is over.
	a, err := s.advance(ctx, st.a, func(a *Attempt) {
		a.PendingTOTP, a.Ceremony, a.SecondAt = nil, nil, s.now()
	})
	if err != nil {
		return out, err
	}
	_, err = s.change(ctx, st.u.ID, Consequences{ForgetBrowsers: true}, e, func(p *Person) error {
		if p.Devices() >= MaxDevices {
			return fault.New(fault.Quota, "You have %d devices already; remove one first.", MaxDevices)
		}
		add(p)
		if out.Codes = nil; len(p.Recovery) == 0 {
			out.Codes, p.Recovery = codes, hashes
		}
		return nil
	})
	if err != nil { // nothing was registered, so nothing was shown
		if _, undo := s.advance(ctx, a, func(a *Attempt) { a.SecondAt = st.a.SecondAt }); undo != nil {
			return out, cmp.Or(undo, err)
		}
	}
	return out, err
}

// deviceName checks the name that a person gives a device.
func deviceName(name, otherwise string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return otherwise, nil
	}
	if utf8.RuneCountInString(name) > 64 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", fault.New(fault.Invalid, "A device's name has at most 64 characters, on one line.").At("name")
	}
	return name, nil
}

// SetPassword is the step of a sign-in in which a one-time password is replaced.
//
// Faults: Denied "step", "over"; Invalid "password" for one that is not good enough.
func (s *Service) SetPassword(ctx context.Context, b Browser, password string) error {
	st, err := s.due(ctx, b, StepNewPassword)
	if err != nil {
		return err
	}
	if !st.may {
		return errOver
	}
	if err := s.replace(ctx, st.u, st.set, password, Consequences{DropLinks: true}, actorOf(st.u), ""); err != nil {
		return err
	}
	_, err = s.advance(ctx, st.a, func(a *Attempt) { a.PasswordAt = s.now() })
	return err
}

// ChangePassword replaces the person's own password; her other sessions end.
//
// Faults: Denied "again" unless she proved a short while ago who she is; Invalid "password".
func (s *Service) ChangePassword(ctx context.Context, b Browser, who signin.Identity, password string) error {
	st, err := s.recent(ctx, b, who)
	if err != nil {
		return err
	}
	if err := s.replace(ctx, st.u, st.set, password, Consequences{DropLinks: true, ForgetBrowsers: true}, who.Actor(), ""); err != nil {
		return err
	}
	if !st.a.PasswordAt.IsZero() {
		if _, err := s.advance(ctx, st.a, func(a *Attempt) { a.PasswordAt = s.now() }); err != nil {
			return err
		}
	}
	return s.endOthers(ctx, who)
}

// replace sets a chosen password. The present one is no new one.
func (s *Service) replace(ctx context.Context, u directory.User, set Settings, password string, c Consequences, a audit.Actor, how string) error {
	if err := s.checkPassword(set, u, password); err != nil {
		return err
	}
	p, err := s.store.Person(ctx, u.ID)
	if err != nil {
		return err
	}
	if same, _, err := s.hasher.check(ctx, p.Password.Hash, password); err != nil {
		return err
	} else if same {
		return fault.New(fault.Invalid, "This is the password that you have now. Choose another one.").At("password").For("password")
	}
	hashed, err := s.hasher.make(ctx, password)
	if err != nil {
		return err
	}
	e := audit.New(ctx, s.now(), a, "credential:SetPassword", u.ID)
	if how != "" {
		e = e.With("by", how)
	}
	_, err = s.change(ctx, u.ID, c, e, func(p *Person) error {
		p.Password = Password{Hash: hashed, SetAt: s.now()}
		return nil
	})
	return err
}

// endOthers ends the person's sessions but the one she is in.
func (s *Service) endOthers(ctx context.Context, who signin.Identity) error {
	for after := ""; ; {
		page, err := s.sessions.Sessions(ctx, who.User.ID, after, 100)
		if err != nil {
			return err
		}
		for _, ses := range page {
			if after = ses.ID; ses.ID == who.Session.ID {
				continue
			}
			if err := s.sessions.EndSession(ctx, who.Actor(), who.User.ID, ses.ID); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		if len(page) == 0 {
			return nil
		}
	}
}
