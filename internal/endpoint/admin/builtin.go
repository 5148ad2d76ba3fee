package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gatehouse/internal/audit"
	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
)

type builtIn struct {
	Version       int64  `json:"version" doc:"The version that was read; 0 overwrites any"`
	Enabled       bool   `json:"enabled" doc:"Whether people may sign in with passwords and passkeys of this server"`
	MFA           string `json:"mfa" enum:"always,at-risk,never" doc:"When a second factor is asked for; at-risk: on a browser or from an address that is new for the person"`
	WithoutDevice string `json:"withoutDevice" enum:"register,block,allow" doc:"What happens when one is asked of a person who has none"`
	MinLength     int    `json:"minPasswordLength" minimum:"8" maximum:"64"`
	SelfReset     bool   `json:"selfReset" doc:"Whether people may ask for a link by e-mail that sets a new password"`
}

func builtInOf(s credential.Settings) builtIn {
	return builtIn{s.Version, s.Enabled, string(s.MFA), string(s.WithoutDevice), s.MinLength, s.SelfReset}
}

// MailServer is embedded in an input, so it is exported.
type MailServer struct {
	Host     string `json:"host" maxLength:"253" doc:"Empty for none"`
	Port     int    `json:"port,omitempty"`
	Security string `json:"security,omitempty" enum:"starttls,tls,none"`
	Username string `json:"username,omitempty"`
	From     string `json:"from,omitempty" doc:"The sender's address"`
}

// registerBuiltIn are the settings of the built-in directory.
func (d *door) registerBuiltIn(api huma.API) {
	type builtInOut struct{ Body builtIn }
	forAdmin(api, d, operation{http.MethodGet, "/settings/builtin", "GetBuiltInDirectory", "The built-in directory: whether it is on, and what it asks of people", 0},
		func(ctx context.Context, _ audit.Actor, _ *none) (*builtInOut, error) {
			s, err := d.BuiltIn.Settings(ctx)
			return &builtInOut{builtInOf(s)}, err
		})
	type putBuiltInIn struct{ Body builtIn }
	forAdmin(api, d, operation{http.MethodPut, "/settings/builtin", "PutBuiltInDirectory", "Change it", 0},
		func(ctx context.Context, a audit.Actor, in *putBuiltInIn) (*builtInOut, error) {
			b := in.Body
			s, err := d.BuiltIn.UpdateSettings(ctx, a, b.Version, func(s *credential.Settings) error {
				s.Enabled, s.MFA, s.WithoutDevice, s.MinLength, s.SelfReset = b.Enabled, credential.MFA(b.MFA), credential.WithoutDevice(b.WithoutDevice), b.MinLength, b.SelfReset
				return nil
			})
			return &builtInOut{builtInOf(s)}, err
		})
	d.registerMail(api)
	type putDomainsIn struct {
		SourcePath
		Body struct {
			Domains []string `json:"domains" maxItems:"100" doc:"E-mail domains whose people are led to this source; replaces all of them"`
		}
	}
	forAdmin(api, d, operation{http.MethodPut, "/directories/{id}/domains", "PutDirectoryDomains", "Say whose e-mail domains an identity source signs in", 0},
		func(ctx context.Context, a audit.Actor, in *putDomainsIn) (*sourceOut, error) {
			s, err := d.Directory.UpdateSource(ctx, a, in.ID, func(s *directory.Source) error {
				s.Domains = in.Body.Domains
				return nil
			})
			return &sourceOut{d.source(s)}, err
		})
}

func (d *door) registerMail(api huma.API) {
	type mailOut struct{ Body MailServer }
	show := func(m credential.MailServer) *mailOut {
		return &mailOut{MailServer{m.Host, m.Port, m.Security, m.Username, m.From}}
	}
	forAdmin(api, d, operation{http.MethodGet, "/settings/mail", "GetMailServer", "Where mail is handed in", 0},
		func(ctx context.Context, _ audit.Actor, _ *none) (*mailOut, error) {
			s, err := d.BuiltIn.Settings(ctx)
			return show(s.Mail), err
		})
	type putMailIn struct {
		Body struct {
			MailServer
			Password string `json:"password,omitempty" doc:"Kept sealed and never shown; left out keeps the present one while host and user name stay"`
		}
	}
	forAdmin(api, d, operation{http.MethodPut, "/settings/mail", "PutMailServer", "Change where mail is handed in", 0},
		func(ctx context.Context, a audit.Actor, in *putMailIn) (*mailOut, error) {
			b := in.Body
			s, err := d.BuiltIn.SetMail(ctx, a, credential.MailServer{Host: b.Host, Port: b.Port, Security: b.Security, Username: b.Username, From: b.From}, b.Password)
			return show(s.Mail), err
		})
	type testMailIn struct {
		Body struct {
			To string `json:"to"`
		}
	}
	forAdmin(api, d, operation{http.MethodPost, "/settings/mail/test", "TestMailServer", "Send a mail that says nothing", http.StatusNoContent},
		func(ctx context.Context, a audit.Actor, in *testMailIn) (*none, error) {
			return nil, d.BuiltIn.TestMail(ctx, a, in.Body.To)
		})
}
