package credential

import "time"

// Lifetimes and limits that are not settings.
const (
	// AttemptLife is how long a sign-in may take, and for how long afterwards it counts as recent.
	AttemptLife = 10 * time.Minute
	// TemporaryLife is how long a one-time password may wait for its use.
	TemporaryLife = 7 * 24 * time.Hour
	// InvitationLife and ResetLife are how long links work.
	InvitationLife = 7 * 24 * time.Hour
	ResetLife      = time.Hour
	// KnownLife is how long a browser is remembered after the last sign-in with it.
	KnownLife = 180 * 24 * time.Hour
	// MaxDevices is how many second factors a person may have, as with AWS.
	MaxDevices = 8
	// MaxPlaces is how many addresses are remembered of a browser.
	MaxPlaces = 10
	// RecoveryCodes is how many recovery codes are made at once.
	RecoveryCodes = 10
)

// Limits of passwords, in characters (NIST SP 800-63B §3.1.1.2).
const (
	DefaultMinLength = 12
	LeastMinLength   = 8
	MaxLength        = 256
)

// MFA says when a second factor is asked for.
type MFA string

// The modes, as AWS has them.
const (
	// Always asks at every sign-in.
	Always MFA = "always"
	// AtRisk asks when the browser or the address is new for the person.
	AtRisk MFA = "at-risk"
	// Never asks nobody.
	Never MFA = "never"
)

// WithoutDevice says what happens when a second factor is asked of a person who has none.
type WithoutDevice string

const (
	// Register lets her register one before the session opens.
	Register WithoutDevice = "register"
	// Block refuses her.
	Block WithoutDevice = "block"
	// Allow lets her in.
	Allow WithoutDevice = "allow"
)

// Settings are what an administrator may choose.
type Settings struct {
	// Version starts at 0 (never written: the defaults) and grows with each change.
	Version int64
	// Enabled lets people sign in with the built-in directory. Break-glass administrators may anyway.
	Enabled       bool
	MFA           MFA
	WithoutDevice WithoutDevice
	// MinLength is the least number of characters of a password.
	MinLength int
	// SelfReset lets people ask for a link by e-mail that sets a new password.
	SelfReset bool
	Mail      MailServer
}

// MailServer is where mail is handed in.
type MailServer struct {
	// Host is empty when there is none.
	Host string
	Port int
	// Security is "starttls", "tls", or "none", which is for this machine alone.
	Security string
	// Username is empty for a server that asks for none. Sealed is the sealed password.
	Username string
	Sealed   []byte
	// From is the sender's address.
	From string
}

// Person is what is kept of one user. The zero value with a UserID is somebody of whom nothing is kept.
type Person struct {
	UserID string
	// Version is 0 for what was never written, and grows with each change.
	Version  int64
	Password Password
	TOTP     []TOTP
	Passkeys []Passkey
	// Recovery are the SHA-256 hashes of unused recovery codes.
	Recovery [][]byte
	// BreakGlass lets her sign in also when the built-in directory is switched off, and whatever her e-mail domain says.
	BreakGlass bool
}

// Devices is how many second factors she has.
func (p Person) Devices() int { return len(p.TOTP) + len(p.Passkeys) }

// Password is a person's password; the zero value is none.
type Password struct {
	// Hash is argon2id in PHC form, with its parameters.
	Hash  string
	SetAt time.Time
	// ExpiresAt is set for a one-time password: it works until then, and must be replaced at its first use.
	ExpiresAt time.Time
}

// OneTime reports whether it must be replaced.
func (p Password) OneTime() bool { return !p.ExpiresAt.IsZero() }

// TOTP is an authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds).
type TOTP struct {
	// ID is a UUID; Name is the person's own.
	ID, Name string
	// Sealed is the sealed secret, bound to the user.
	Sealed []byte
	// LastStep is the last time step whose code was accepted; neither it nor an earlier one is accepted again (§5.2).
	LastStep              int64
	CreatedAt, LastUsedAt time.Time
}

// Passkey is a WebAuthn credential.
type Passkey struct {
	ID, Name string
	// CredentialID is the authenticator's; unique among all people.
	CredentialID []byte
	// Sealed is the sealed credential record: public key, flags, sign counter.
	Sealed                []byte
	CreatedAt, LastUsedAt time.Time
}

// Purpose is what an attempt is for.
type Purpose string

const (
	// SignIn opens a session.
	SignIn Purpose = "sign-in"
	// Again proves once more who sits before an open session.
	Again Purpose = "again"
)

// Attempt is a sign-in under way, bound to its browser by a cookie.
type Attempt struct {
	// Hash is SHA-256 of the cookie's secret: 32 bytes.
	Hash    []byte
	Version int64
	Purpose Purpose
	// Identifier is what was typed; empty for a passkey alone.
	Identifier string
	// Local says that it came through the door of break-glass administrators, which is nobody else's.
	Local bool
	// UserID is empty while nobody is known, and for an identifier that names nobody who may sign in here.
	UserID string
	// SessionID is the session that Again is about, or that was opened in the end.
	SessionID string
	// ReturnTo is a local path.
	ReturnTo string
	// PasswordAt, SecondAt and PasskeyAt are when these were proved; zero: not (yet).
	PasswordAt, SecondAt, PasskeyAt time.Time
	// Ceremony is the WebAuthn ceremony under way, as the library keeps it; empty: none. CeremonyFor says what it is for.
	Ceremony    []byte
	CeremonyFor string
	// PendingTOTP is the sealed secret of an authenticator app that is being registered.
	PendingTOTP                  []byte
	DoneAt, CreatedAt, ExpiresAt time.Time
}

// Known is a browser that a person signed in with before.
type Known struct {
	// Hash is SHA-256 of the secret in its cookie: 32 bytes. Several people may share a browser, so UserID belongs to the key.
	Hash   []byte
	UserID string
	// Places are the addresses from which she signed in with everything that was asked of her, the latest last.
	Places                []string
	LastSeenAt, ExpiresAt time.Time
}

// Link is a link that sets a password.
type Link struct {
	// Hash is SHA-256 of the secret in it: 32 bytes.
	Hash   []byte
	UserID string
	// Kind is "invitation" or "reset".
	Kind string
	// Address is where it was mailed to, and while it is her primary address the link works; empty for one that an administrator hands over.
	Address              string
	CreatedAt, ExpiresAt time.Time
}
