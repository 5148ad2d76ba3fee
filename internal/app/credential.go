package app

import (
	"cmp"
	"context"
	"fmt"

	"gatehouse/internal/credential"
	"gatehouse/internal/fault"
	"gatehouse/internal/mail"
)

// credentialService makes the built-in directory.
func (a *App) credentialService() error {
	var breached credential.Breached
	if a.Config.BreachedPasswords != "" {
		var err error
		if breached, err = credential.OpenBreached(a.Config.BreachedPasswords); err != nil {
			return fmt.Errorf("breached_passwords: %w", err)
		}
	}
	var err error
	a.Credentials, err = credential.NewService(credential.Config{
		Store: a.db.Credential(), Users: a.Directory, Sessions: a.SignIn, Sealer: a.sealer, Mail: a.sendMail, Breached: breached,
		URL: a.Config.URL, Name: a.Instance.Name, Now: a.now, Rand: a.rand, Log: a.log,
	})
	return err
}

// sendMail is where mail goes: to the server that is set, else into the directory for trying things out.
func (a *App) sendMail(ctx context.Context, s credential.MailServer, password string, m credential.Message) error {
	msg := mail.Message{To: m.To, Subject: m.Subject, Text: m.Text, At: a.now()}
	switch {
	case s.Host != "":
		return mail.Send(ctx, mail.Server{Host: s.Host, Port: s.Port, Security: s.Security, Username: s.Username, Password: password, From: s.From}, msg)
	case a.Config.MailDrop != "":
		return mail.Drop(a.Config.MailDrop, cmp.Or(s.From, a.Config.Email), msg)
	}
	return fault.New(fault.Conflict, "no mail server is set; set one with `gatehouse mail set`, or take the link yourself and hand it over").For("no-mail")
}
