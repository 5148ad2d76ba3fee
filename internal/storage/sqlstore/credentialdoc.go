package sqlstore

import (
	"gatehouse/internal/credential"
)

type credentialSettingsDoc struct {
	Enabled       bool                     `json:"enabled,omitzero"`
	MFA           credential.MFA           `json:"mfa,omitzero"`
	WithoutDevice credential.WithoutDevice `json:"withoutDevice,omitzero"`
	MinLength     int                      `json:"minLength,omitzero"`
	SelfReset     bool                     `json:"selfReset,omitzero"`
	Mail          mailServerDoc            `json:"mail,omitzero"`
}

type mailServerDoc struct {
	Host     string `json:"host,omitzero"`
	Port     int    `json:"port,omitzero"`
	Security string `json:"security,omitzero"`
	Username string `json:"username,omitzero"`
	Sealed   []byte `json:"sealed,omitempty"`
	From     string `json:"from,omitzero"`
}

func scanCredentialSettings(r row) (credential.Settings, error) {
	var s credential.Settings
	var doc string
	if err := r.Scan(&s.Version, &doc); err != nil {
		return s, err
	}
	d, err := decode[credentialSettingsDoc](doc)
	s.Enabled, s.MFA, s.WithoutDevice, s.MinLength, s.SelfReset = d.Enabled, d.MFA, d.WithoutDevice, d.MinLength, d.SelfReset
	s.Mail = credential.MailServer(d.Mail)
	return s, err
}

type personDoc struct {
	Password   passwordDoc  `json:"password,omitzero"`
	TOTP       []totpDoc    `json:"totp,omitempty"`
	Passkeys   []passkeyDoc `json:"passkeys,omitempty"`
	Recovery   [][]byte     `json:"recovery,omitempty"`
	BreakGlass bool         `json:"breakGlass,omitzero"`
}

type passwordDoc struct {
	Hash      string `json:"hash,omitzero"`
	SetAt     stamp  `json:"setAt,omitzero"`
	ExpiresAt stamp  `json:"expiresAt,omitzero"`
}

type totpDoc struct {
	ID         string `json:"id,omitzero"`
	Name       string `json:"name,omitzero"`
	Sealed     []byte `json:"sealed,omitempty"`
	LastStep   int64  `json:"lastStep,omitzero"`
	CreatedAt  stamp  `json:"createdAt,omitzero"`
	LastUsedAt stamp  `json:"lastUsedAt,omitzero"`
}

type passkeyDoc struct {
	ID           string `json:"id,omitzero"`
	Name         string `json:"name,omitzero"`
	CredentialID []byte `json:"credentialId,omitempty"`
	Sealed       []byte `json:"sealed,omitempty"`
	CreatedAt    stamp  `json:"createdAt,omitzero"`
	LastUsedAt   stamp  `json:"lastUsedAt,omitzero"`
}

func newPersonDoc(p credential.Person) personDoc {
	return personDoc{
		Password: passwordDoc{p.Password.Hash, stamp{p.Password.SetAt}, stamp{p.Password.ExpiresAt}},
		TOTP: mapped(p.TOTP, func(t credential.TOTP) totpDoc {
			return totpDoc{t.ID, t.Name, t.Sealed, t.LastStep, stamp{t.CreatedAt}, stamp{t.LastUsedAt}}
		}),
		Passkeys: mapped(p.Passkeys, func(k credential.Passkey) passkeyDoc {
			return passkeyDoc{k.ID, k.Name, k.CredentialID, k.Sealed, stamp{k.CreatedAt}, stamp{k.LastUsedAt}}
		}),
		Recovery: p.Recovery, BreakGlass: p.BreakGlass,
	}
}

func scanPerson(r row) (credential.Person, error) {
	var p credential.Person
	var doc string
	if err := r.Scan(&p.UserID, &p.Version, &doc); err != nil {
		return p, err
	}
	d, err := decode[personDoc](doc)
	p.Password = credential.Password{Hash: d.Password.Hash, SetAt: d.Password.SetAt.Time, ExpiresAt: d.Password.ExpiresAt.Time}
	p.TOTP = mapped(d.TOTP, func(t totpDoc) credential.TOTP {
		return credential.TOTP{ID: t.ID, Name: t.Name, Sealed: t.Sealed, LastStep: t.LastStep, CreatedAt: t.CreatedAt.Time, LastUsedAt: t.LastUsedAt.Time}
	})
	p.Passkeys = mapped(d.Passkeys, func(k passkeyDoc) credential.Passkey {
		return credential.Passkey{ID: k.ID, Name: k.Name, CredentialID: k.CredentialID, Sealed: k.Sealed, CreatedAt: k.CreatedAt.Time, LastUsedAt: k.LastUsedAt.Time}
	})
	p.Recovery, p.BreakGlass = d.Recovery, d.BreakGlass
	return p, err
}

type attemptDoc struct {
	Purpose     credential.Purpose `json:"purpose,omitzero"`
	Identifier  string             `json:"identifier,omitzero"`
	Local       bool               `json:"local,omitzero"`
	UserID      string             `json:"user,omitzero"`
	SessionID   string             `json:"session,omitzero"`
	ReturnTo    string             `json:"returnTo,omitzero"`
	PasswordAt  stamp              `json:"passwordAt,omitzero"`
	SecondAt    stamp              `json:"secondAt,omitzero"`
	PasskeyAt   stamp              `json:"passkeyAt,omitzero"`
	Ceremony    []byte             `json:"ceremony,omitempty"`
	CeremonyFor string             `json:"ceremonyFor,omitzero"`
	PendingTOTP []byte             `json:"pendingTotp,omitempty"`
	DoneAt      stamp              `json:"doneAt,omitzero"`
	CreatedAt   stamp              `json:"createdAt,omitzero"`
}

func newAttemptDoc(a credential.Attempt) attemptDoc {
	return attemptDoc{
		a.Purpose, a.Identifier, a.Local, a.UserID, a.SessionID, a.ReturnTo, stamp{a.PasswordAt}, stamp{a.SecondAt}, stamp{a.PasskeyAt},
		a.Ceremony, a.CeremonyFor, a.PendingTOTP, stamp{a.DoneAt}, stamp{a.CreatedAt},
	}
}

func scanAttempt(r row) (credential.Attempt, error) {
	var a credential.Attempt
	var doc string
	if err := r.Scan(&a.Hash, &a.Version, into(&a.ExpiresAt), &doc); err != nil {
		return a, err
	}
	d, err := decode[attemptDoc](doc)
	a.Purpose, a.Identifier, a.Local, a.UserID, a.SessionID, a.ReturnTo = d.Purpose, d.Identifier, d.Local, d.UserID, d.SessionID, d.ReturnTo
	a.PasswordAt, a.SecondAt, a.PasskeyAt, a.DoneAt, a.CreatedAt = d.PasswordAt.Time, d.SecondAt.Time, d.PasskeyAt.Time, d.DoneAt.Time, d.CreatedAt.Time
	a.Ceremony, a.CeremonyFor, a.PendingTOTP = d.Ceremony, d.CeremonyFor, d.PendingTOTP
	return a, err
}

type browserDoc struct {
	Places     []string `json:"places,omitempty"`
	LastSeenAt stamp    `json:"lastSeenAt,omitzero"`
}

func scanKnown(r row) (credential.Known, error) {
	var k credential.Known
	var doc string
	if err := r.Scan(&k.Hash, &k.UserID, into(&k.ExpiresAt), &doc); err != nil {
		return k, err
	}
	d, err := decode[browserDoc](doc)
	k.Places, k.LastSeenAt = d.Places, d.LastSeenAt.Time
	return k, err
}

type linkDoc struct {
	Kind      string `json:"kind,omitzero"`
	CreatedAt stamp  `json:"createdAt,omitzero"`
	Address   string `json:"address,omitzero"`
}

func scanLink(r row) (credential.Link, error) {
	var l credential.Link
	var doc string
	if err := r.Scan(&l.Hash, &l.UserID, into(&l.ExpiresAt), &doc); err != nil {
		return l, err
	}
	d, err := decode[linkDoc](doc)
	l.Kind, l.CreatedAt, l.Address = d.Kind, d.CreatedAt.Time, d.Address
	return l, err
}
