package credential

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// Step is what is due in an attempt.
type Step string

// The steps, in their order.
const (
	StepPassword    Step = "password"
	StepSecond      Step = "second"
	StepNewPassword Step = "new-password"
	StepRegister    Step = "register"
	// StepBlocked is the end for who has no second factor and may not register one.
	StepBlocked Step = "blocked"
	// StepOpen means that everything was proved: [Service.Open] is next.
	StepOpen Step = "open"
	// StepDone means that the attempt has led to its end already.
	StepDone Step = "done"
)

// Browser is what a browser brings along: the secrets in its cookies; "" for one it has not.
type Browser struct {
	// Attempt is of the sign-in under way, Known of a browser that was remembered.
	Attempt, Known string
}

// Begun is an attempt that was begun, or where to go instead.
type Begun struct {
	// Source is the id of the external source that the e-mail domain belongs to; empty: an attempt was begun here.
	Source string
	// Secret goes into the attempt's cookie (HttpOnly, SameSite=Lax) until ExpiresAt.
	Secret    string
	ExpiresAt time.Time
}

// Begin begins a sign-in with a user name. Where it goes on depends on the text alone, not on whether it names somebody. local is the
// door of break-glass administrators: it never leads to an external source.
//
// Faults: Invalid for a text that cannot be a user name; Throttled; Denied "off" when the built-in directory is switched off.
func (s *Service) Begin(ctx context.Context, identifier, returnTo string, local bool) (Begun, error) {
	identifier = strings.TrimSpace(identifier)
	if identifier == "" || utf8.RuneCountInString(identifier) > directory.MaxUserName || !utf8.ValidString(identifier) || strings.ContainsRune(identifier, 0) {
		return Begun{}, fault.New(fault.Invalid, "Enter your user name.").At("identifier")
	}
	if err := s.spend(ctx, beginBucket(signin.Place(ctx))); err != nil {
		return Begun{}, err
	}
	if !local {
		if source, err := s.sourceOf(ctx, identifier); err != nil || source != "" {
			return Begun{Source: source}, err
		}
		if set, err := s.Settings(ctx); err != nil || !set.Enabled {
			return Begun{}, cmp.Or(err, error(fault.New(fault.Denied, "No identity source takes this name. Check its spelling, or ask your administrator.").For("off")))
		}
	}
	a := Attempt{Purpose: SignIn, Identifier: identifier, Local: local, ReturnTo: signin.ReturnPath(returnTo)}
	u, err := s.users.UserByName(ctx, identifier)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Begun{}, err
	}
	a.UserID = u.ID
	return s.insert(ctx, a)
}

// sourceOf returns the external source that signs in people of the e-mail domain of a name; "" for none.
func (s *Service) sourceOf(ctx context.Context, identifier string) (string, error) {
	at := strings.LastIndexByte(identifier, '@')
	if at < 0 {
		return "", nil
	}
	domain := directory.Fold(identifier[at+1:])
	sources, err := s.users.Sources(ctx)
	if err != nil {
		return "", err
	}
	for _, src := range sources {
		if src.SAML.EntityID != "" && slices.Contains(src.Domains, domain) {
			return src.ID, nil
		}
	}
	return "", nil
}

// BeginAgain begins to prove once more who sits before an open session.
func (s *Service) BeginAgain(ctx context.Context, who signin.Identity, returnTo string) (Begun, error) {
	if _, err := s.owned(ctx, who.User.ID); err != nil {
		return Begun{}, err
	}
	if err := s.spend(ctx, beginBucket(signin.Place(ctx))); err != nil {
		return Begun{}, err
	}
	return s.insert(ctx, Attempt{Purpose: Again, Identifier: who.User.UserName, UserID: who.User.ID, SessionID: who.Session.ID, ReturnTo: signin.ReturnPath(returnTo)})
}

func (s *Service) insert(ctx context.Context, a Attempt) (Begun, error) {
	secret := s.secret()
	a.Hash, a.Version, a.CreatedAt = signin.Hash(secret), 1, s.now()
	a.ExpiresAt = a.CreatedAt.Add(AttemptLife)
	return Begun{Secret: secret, ExpiresAt: a.ExpiresAt}, s.store.InsertAttempt(ctx, a)
}

// standing is everything on which the next step depends.
type standing struct {
	a   Attempt
	set Settings
	// u and p are zero for a name that names nobody.
	u directory.User
	p Person
	// may says that u may sign in with what is kept here.
	may bool
	// known is the browser as remembered for u; its Hash is nil when it is not.
	known Known
	place string
}

// nobody stands for the user whom a name does not name, so that the same questions are asked of the database.
const nobody = "0000000000-00000000-0000-4000-8000-000000000000"

var errOver = fault.New(fault.Denied, "This sign-in took too long, or is over. Begin again.").For("over")

// stand looks an attempt up, with all that belongs to it as it is now.
func (s *Service) stand(ctx context.Context, b Browser) (standing, error) {
	st := standing{place: signin.Place(ctx)}
	var err error
	if b.Attempt == "" {
		return st, errOver
	}
	if st.a, err = s.store.Attempt(ctx, signin.Hash(b.Attempt)); fault.Is(err, fault.NotFound) {
		return st, errOver.Because(err)
	} else if err != nil {
		return st, err
	}
	if !s.now().Before(st.a.ExpiresAt) {
		return st, errOver
	}
	return st, s.fill(ctx, &st, b)
}

// fill reads who the attempt is of.
func (s *Service) fill(ctx context.Context, st *standing, b Browser) (err error) {
	if st.set, err = s.Settings(ctx); err != nil {
		return err
	}
	id := cmp.Or(st.a.UserID, nobody)
	if st.u, err = s.users.User(ctx, id); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if st.p, err = s.store.Person(ctx, id); err != nil {
		return err
	}
	st.may = st.u.ID != "" && mayPassword(st.u) && (st.p.BreakGlass || st.set.Enabled && !st.a.Local)
	if pw := st.p.Password; !st.a.PasswordAt.IsZero() && (pw.Hash == "" || st.a.PasswordAt.Before(pw.SetAt)) {
		return errOver // the password that was shown is not hers any more
	}
	k, err := s.store.Known(ctx, signin.Hash(b.Known), id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil && s.now().Before(k.ExpiresAt) {
		st.known = k
	}
	return nil
}

// asks reports whether a second factor is asked for.
func (st standing) asks() bool {
	switch {
	case st.set.MFA == Never:
		return false
	case st.a.Purpose == Again:
		return st.p.Devices() > 0
	case st.set.MFA == Always:
		return true
	}
	return !slices.Contains(st.known.Places, st.place)
}

// next is the step that is due.
func (st standing) next() Step {
	a := st.a
	switch {
	case !a.DoneAt.IsZero():
		return StepDone
	case !a.PasskeyAt.IsZero():
		return StepOpen
	case a.PasswordAt.IsZero():
		return StepPassword
	case st.asks() && a.SecondAt.IsZero() && st.p.Devices() > 0:
		return StepSecond
	case st.p.Password.OneTime():
		return StepNewPassword
	case st.asks() && a.SecondAt.IsZero():
		return st.without()
	}
	return StepOpen
}

// without is what comes for who should show a second factor and has none. A break-glass administrator is never blocked.
func (st standing) without() Step {
	switch {
	case st.set.WithoutDevice == Allow:
		return StepOpen
	case st.set.WithoutDevice == Block && !st.p.BreakGlass:
		return StepBlocked
	}
	return StepRegister
}

// View is where an attempt stands.
type View struct {
	Step    Step
	Purpose Purpose
	// Identifier is what was typed.
	Identifier string
	ReturnTo   string
	// TOTP and Passkey say which second factors she has; meaningful only in StepSecond.
	TOTP, Passkey bool
	// MinLength is of passwords.
	MinLength int
}

// Next returns the step that is due.
//
// Faults: Denied "over" when there is no such attempt (any more).
func (s *Service) Next(ctx context.Context, b Browser) (View, error) {
	st, err := s.stand(ctx, b)
	if err != nil {
		return View{}, err
	}
	v := View{Step: st.next(), Purpose: st.a.Purpose, Identifier: st.a.Identifier, ReturnTo: st.a.ReturnTo, MinLength: st.set.MinLength}
	if v.Step == StepSecond {
		v.TOTP, v.Passkey = len(st.p.TOTP) > 0, len(st.p.Passkeys) > 0
	}
	return v, nil
}

// due looks an attempt up and refuses unless step is the one that is due: what comes later cannot be posted first, nor anything twice.
func (s *Service) due(ctx context.Context, b Browser, step Step) (standing, error) {
	st, err := s.stand(ctx, b)
	if err == nil && st.next() != step {
		err = fault.New(fault.Denied, "Another step of the sign-in comes first.").For("step")
	}
	return st, err
}

// advance writes an attempt after edit. Of two that advance it at the same time one is told that it is over.
func (s *Service) advance(ctx context.Context, a Attempt, edit func(*Attempt)) (Attempt, error) {
	edit(&a)
	a.Version++
	err := s.store.UpdateAttempt(ctx, a)
	if isVersion(err) {
		err = fault.New(fault.Denied, "This step was taken already. Begin again.").For("over").Because(err)
	}
	return a, err
}

var errWrongPassword = fault.New(fault.Denied, "User name or password is wrong.").For("wrong")

// Password checks the password of an attempt.
//
// Faults: Denied "wrong" whatever the reason, "step", "over"; Denied "password-expired" for a one-time password that waited too long; Throttled; Unavailable.
func (s *Service) Password(ctx context.Context, b Browser, password string) error {
	st, err := s.due(ctx, b, StepPassword)
	if err != nil {
		return err
	}
	known := ""
	if st.known.Hash != nil {
		known = string(st.known.Hash)
	}
	buckets := passwordBuckets(directory.Fold(st.a.Identifier), known, st.place)
	if err := s.spend(ctx, buckets...); err != nil {
		return err
	}
	match, old, err := s.hasher.check(ctx, st.p.Password.Hash, clipped(password))
	if err != nil {
		return err
	}
	if !match || !st.may {
		return s.wrong(ctx, st, why(match), errWrongPassword)
	}
	if err := s.store.Refund(ctx, buckets, s.now()); err != nil {
		return err
	}
	if pw := st.p.Password; pw.OneTime() && !s.now().Before(pw.ExpiresAt) {
		return s.wrong(ctx, st, "the one-time password has expired", fault.New(fault.Denied, "Your one-time password has expired. Ask your administrator for another one.").For("password-expired"))
	}
	if old {
		s.rehash(ctx, st.p, password)
	}
	_, err = s.advance(ctx, st.a, func(a *Attempt) { a.PasswordAt = s.now() })
	return err
}

// clipped bounds what is hashed: longer passwords than can be set are wrong anyway.
func clipped(password string) string {
	if len(password) > 4*MaxLength {
		return ""
	}
	return password
}

func why(match bool) string {
	if match {
		return "may not sign in with a password"
	}
	return "wrong password"
}

// wrong records a refusal and answers f. A name that names nobody is not recorded: people type passwords into that field.
func (s *Service) wrong(ctx context.Context, st standing, why string, f *fault.Fault) error {
	actor, resource := anonymous, "unknown user"
	if st.u.ID != "" {
		resource = st.u.ID
	}
	e := audit.New(ctx, s.now(), actor, "signin:SignIn", resource).With("source", directory.BuiltIn).With("why", why)
	e.Outcome = fault.Denied.String()
	if err := s.store.Note(ctx, e); err != nil {
		return err
	}
	return f
}

// rehash replaces a hash that was made with other parameters. It may fail: the old one still works.
func (s *Service) rehash(ctx context.Context, p Person, password string) {
	hashed, err := s.hasher.make(ctx, password)
	if err == nil {
		before := p.Version
		p.Password.Hash, p.Version = hashed, p.Version+1
		err = s.store.PutPerson(ctx, p, Consequences{}, before, audit.New(ctx, s.now(), audit.Gatehouse, "credential:RehashPassword", p.UserID))
	}
	if err != nil {
		s.log.WarnContext(ctx, "renewing the hash of a password failed; the old one stays", "user", p.UserID, "error", err)
	}
}
