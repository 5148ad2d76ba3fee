package credential

import (
	"context"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Settings returns the settings in force.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	v, err := s.store.Settings(ctx)
	if err != nil {
		return v, err
	}
	if v.MFA == "" {
		v.MFA = AtRisk
	}
	if v.WithoutDevice == "" {
		v.WithoutDevice = Register
	}
	if v.MinLength == 0 {
		v.MinLength = DefaultMinLength
	}
	return v, nil
}

// UpdateSettings reads the settings, lets change edit them, checks them and writes them back. ifVersion 0 means any version; another one than the
// present is fault.Conflict "version". The mail server is SetMail's.
func (s *Service) UpdateSettings(ctx context.Context, a audit.Actor, ifVersion int64, change func(*Settings) error) (Settings, error) {
	return s.settings(ctx, a, "credential:PutSettings", ifVersion, func(v *Settings) error {
		kept := v.Mail
		err := change(v)
		v.Mail = kept
		return err
	})
}

func (s *Service) settings(ctx context.Context, a audit.Actor, action string, ifVersion int64, change func(*Settings) error) (Settings, error) {
	for try := 0; ; try++ {
		v, err := s.Settings(ctx)
		if err != nil {
			return v, err
		}
		old := v.Version
		if ifVersion != 0 && ifVersion != old {
			return v, fault.New(fault.Conflict, "the settings were changed by someone else; read them again").For("version")
		}
		if err := change(&v); err != nil {
			return v, err
		}
		v.Version = old + 1
		if err := checkSettings(v); err != nil {
			return v, err
		}
		e := audit.New(ctx, s.now(), a, action, "built-in directory").With("enabled", strconv.FormatBool(v.Enabled)).
			With("mfa", string(v.MFA)).With("withoutDevice", string(v.WithoutDevice)).With("mailServer", v.Mail.Host)
		err = s.store.PutSettings(ctx, v, old, e)
		if isVersion(err) && ifVersion == 0 && try < maxRetries {
			continue
		}
		return v, err
	}
}

func checkSettings(v Settings) error {
	bad := func(field, format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).At(field)
	}
	switch {
	case v.MFA != Always && v.MFA != AtRisk && v.MFA != Never:
		return bad("mfa", "mfa is %q, %q or %q", Always, AtRisk, Never)
	case v.WithoutDevice != Register && v.WithoutDevice != Block && v.WithoutDevice != Allow:
		return bad("withoutDevice", "withoutDevice is %q, %q or %q", Register, Block, Allow)
	case v.MinLength < LeastMinLength || v.MinLength > 64:
		return bad("minLength", "the least length of passwords is between %d and 64", LeastMinLength)
	}
	return nil
}

// SetMail says where mail is handed in; the zero MailServer nowhere. An empty password keeps the present one if server and user name stay the same.
//
// Faults: Invalid for what cannot be such a server, or would send the password in clear.
func (s *Service) SetMail(ctx context.Context, a audit.Actor, m MailServer, password string) (Settings, error) {
	if err := checkMail(m); err != nil {
		return Settings{}, err
	}
	return s.settings(ctx, a, "credential:PutMailServer", 0, func(v *Settings) error {
		old := v.Mail
		v.Mail = m
		v.Mail.Sealed = nil
		switch {
		case m.Host == "" || m.Username == "":
			return nil
		case password != "":
			sealed, err := s.sealer.Seal([]byte(password), mailData(m))
			v.Mail.Sealed = sealed
			return err
		case old.Host == m.Host && old.Username == m.Username:
			v.Mail.Sealed = old.Sealed
		}
		if v.Mail.Sealed == nil {
			return fault.New(fault.Invalid, "give the password of the user %q at %s", m.Username, m.Host).At("password")
		}
		return nil
	})
}

// mailData binds the sealed password to the server it is for: it must not be sent to another.
func mailData(m MailServer) []byte { return []byte("mail\x00" + m.Host + "\x00" + m.Username) }

func checkMail(m MailServer) error {
	bad := func(field, format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).At(field)
	}
	if m.Host == "" {
		return nil
	}
	if strings.ContainsAny(m.Host, " /@\r\n\t") || len(m.Host) > 253 {
		return bad("host", "%q is not the name of a mail server", m.Host)
	}
	if m.Port < 1 || m.Port > 65535 {
		return bad("port", "a port is between 1 and 65535; mail servers take 587 (starttls) or 465 (tls)")
	}
	ip := net.ParseIP(m.Host)
	switch {
	case m.Security == "none" && m.Host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return bad("security", "without encryption mail goes to this machine alone: it has links in it that set passwords")
	case m.Security != "none" && m.Security != "starttls" && m.Security != "tls":
		return bad("security", "security is \"starttls\", \"tls\" or, on this machine, \"none\"")
	case m.Security == "none" && m.Username != "":
		return bad("security", "a password is not sent without encryption")
	}
	if from, err := mail.ParseAddress(m.From); err != nil || strings.ContainsAny(m.From, "\r\n") || from.Address == "" {
		return bad("from", "%q is not an e-mail address", m.From)
	}
	return nil
}

// send hands a message in.
func (s *Service) send(ctx context.Context, set Settings, m Message) error {
	var password string
	if set.Mail.Username != "" {
		plain, err := s.sealer.Open(set.Mail.Sealed, mailData(set.Mail))
		if err != nil {
			return fault.New(fault.Internal, "the mail server's password").Because(err)
		}
		password = string(plain)
	}
	return s.mail(ctx, set.Mail, password, m)
}

// TestMail sends a message that says nothing.
func (s *Service) TestMail(ctx context.Context, a audit.Actor, to string) error {
	if err := checkAddress(to); err != nil {
		return err
	}
	set, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	if err := s.send(ctx, set, Message{to, "Test from " + s.name, "This is a test. " + s.name + " at " + s.url + " can send mail.\n"}); err != nil {
		return err
	}
	return s.store.Note(ctx, audit.New(ctx, s.now(), a, "credential:TestMail", to))
}

func checkAddress(to string) error {
	if a, err := mail.ParseAddress(to); err != nil || a.Address != to || strings.ContainsAny(to, "\r\n") {
		return fault.New(fault.Invalid, "%q is not an e-mail address", to).At("to")
	}
	return nil
}
