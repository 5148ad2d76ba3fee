package credential_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// totp is the present code of an authenticator app.
func (w *world) totp(secret string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), w.now())
	w.ok(err)
	return code
}

// enrolled gives ann a password and an app, and returns the app's secret, her recovery codes and her browser, which is remembered.
func (w *world) enrolled() (secret string, codes []string, b credential.Browser, who signin.Identity) {
	w.t.Helper()
	w.password(w.ann, goodWord)
	b, out := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	who = w.who(out)
	r := credential.Registrar{Browser: b, Who: &who}
	app, err := w.BeginTOTP(w.ctx(), r)
	w.ok(err)
	again, err := w.BeginTOTP(w.ctx(), r)
	w.ok(err)
	if again.Secret != app.Secret || len(app.PNG) == 0 {
		w.t.Error("a page that is reloaded shows another secret")
	}
	_, err = w.FinishTOTP(w.ctx(), r, "Phone", "000000")
	w.no(err, fault.Denied, "wrong")
	reg, err := w.FinishTOTP(w.ctx(), r, "Phone", w.totp(app.Secret))
	w.ok(err)
	if len(reg.Codes) != credential.RecoveryCodes {
		w.t.Errorf("%d recovery codes", len(reg.Codes))
	}
	w.pass(time.Minute) // the step of the registration is used
	return app.Secret, reg.Codes, b, who
}

// atSecond is ann after her password.
func (w *world) atSecond() credential.Browser {
	w.t.Helper()
	b := w.begin(w.ann.UserName)
	w.ok(w.Password(w.ctx(), b, goodWord))
	w.step(b, credential.StepSecond)
	return b
}

func TestCodesOfAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, _, _, _ := w.enrolled()
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	b := w.atSecond()
	_, err := w.Open(w.ctx(), b, "")
	w.no(err, fault.Denied, "step")
	code := w.totp(secret)
	w.ok(w.Code(w.ctx(), b, code[:3]+" "+code[3:]))
	out, err := w.Open(w.ctx(), b, "")
	w.ok(err)
	if m := out.Opened.Session.Proof.Method; m != signin.PasswordAndSecond {
		t.Errorf("method %q", m)
	}
	// RFC 6238 §5.2: a code is taken once, also in another sign-in and on another node.
	b = w.atSecond()
	w.no(w.node(func(*credential.Config) {}).Code(w.ctx(), b, code), fault.Denied, "wrong")
	// One step late and early is near enough, two are not.
	for _, drift := range []time.Duration{-60 * time.Second, 60 * time.Second} {
		now := w.totpAt(secret, drift)
		w.no(w.Code(w.ctx(), b, now), fault.Denied, "wrong")
	}
	w.pass(30 * time.Second)
	early := w.totpAt(secret, 30*time.Second)
	w.ok(w.Code(w.ctx(), b, early))
	// And what was taken early shuts out what is before it.
	b = w.atSecond()
	w.no(w.Code(w.ctx(), b, w.totp(secret)), fault.Denied, "wrong")
}

func (w *world) totpAt(secret string, d time.Duration) string {
	w.t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), w.now().Add(d))
	w.ok(err)
	return code
}

func TestOneCodeAtTheSameTimeOpensOneDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, codes, _, _ := w.enrolled()
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	for _, code := range []string{w.totp(secret), codes[0]} {
		nodes := []*credential.Service{w.Service, w.node(func(*credential.Config) {})}
		browsers := make([]credential.Browser, 6)
		for i := range browsers {
			browsers[i] = w.atSecond()
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		won := 0
		for i, b := range browsers {
			wg.Go(func() {
				err := nodes[i%2].Code(w.ctx(), b, code)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d sign-ins used the code %q", won, code)
		}
		w.ok(w.Unlock(w.ctx(), admin, w.ann.ID))
	}
}

func TestCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, codes, _, _ := w.enrolled()
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	nodes := []*credential.Service{w.Service, w.node(func(*credential.Config) {})}
	looked := 0
	b := w.atSecond()
	for i := range 30 {
		if i%10 == 9 {
			b = w.atSecond() // a new sign-in brings no new guesses
		}
		guess := "000000"
		if i%3 == 0 {
			guess = "aaaa-bbbb-cccc-dddd"
		}
		err := nodes[i%2].Code(w.ctx(), b, guess)
		if !fault.Is(err, fault.Throttled) {
			looked++
			w.no(err, fault.Denied, "wrong")
		}
	}
	if looked != 10 {
		t.Errorf("%d guesses were looked at, want 10", looked)
	}
	if err := w.Code(w.ctx(), b, codes[0]); !fault.Is(err, fault.Throttled) {
		t.Errorf("the right code after the limit: %v", err)
	}
	b = w.atSecond()
	w.pass(15 * time.Minute)
	b = w.atSecond()
	w.ok(w.Code(w.ctx(), b, codes[0]))
}

func TestRecoveryCodesWorkOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, codes, home, who := w.enrolled()
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	b := w.atSecond()
	w.ok(w.Code(w.ctx(), b, strings.ToUpper(codes[3])))
	_, err := w.Open(w.ctx(), b, "")
	w.ok(err)
	w.no(w.Code(w.ctx(), w.atSecond(), codes[3]), fault.Denied, "wrong")
	sum, err := w.Summary(w.ctx(), w.ann.ID)
	w.ok(err)
	if sum.RecoveryCodes != credential.RecoveryCodes-1 || len(w.events("credential:UseRecoveryCode")) != 1 {
		t.Errorf("%d left", sum.RecoveryCodes)
	}
	// New ones void the old ones.
	fresh, err := w.RenewRecovery(w.ctx(), home, who)
	w.ok(err)
	w.no(w.Code(w.ctx(), w.atSecond(), codes[4]), fault.Denied, "wrong")
	w.ok(w.Code(w.ctx(), w.atSecond(), fresh[0]))
}

func TestWhenASecondFactorIsAskedFor(t *testing.T) {
	t.Parallel()
	const has, hasNot = true, false
	for _, row := range []struct {
		mode    credential.MFA
		without credential.WithoutDevice
		device  bool
		// elsewhere is a known browser at a new address; fresh a new browser.
		elsewhere, fresh bool
		want             credential.Step
	}{
		{credential.Never, credential.Block, has, false, true, credential.StepOpen},
		{credential.Never, credential.Block, hasNot, false, true, credential.StepOpen},
		{credential.Always, credential.Allow, has, false, false, credential.StepSecond},
		{credential.Always, credential.Allow, hasNot, false, false, credential.StepOpen},
		{credential.Always, credential.Register, hasNot, false, false, credential.StepRegister},
		{credential.Always, credential.Block, hasNot, false, false, credential.StepBlocked},
		{credential.AtRisk, credential.Register, has, false, false, credential.StepOpen},
		{credential.AtRisk, credential.Register, has, true, false, credential.StepSecond},
		{credential.AtRisk, credential.Register, has, false, true, credential.StepSecond},
		{credential.AtRisk, credential.Register, hasNot, false, false, credential.StepOpen},
		{credential.AtRisk, credential.Register, hasNot, false, true, credential.StepRegister},
		{credential.AtRisk, credential.Block, hasNot, true, false, credential.StepBlocked},
	} {
		w := newWorld(t)
		var b credential.Browser
		if row.device {
			_, codes, _, _ := w.enrolled()
			w.set(func(s *credential.Settings) { s.MFA = credential.Always })
			b, _ = w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, func(b credential.Browser) { w.ok(w.Code(w.ctx(), b, codes[0])) })
		} else {
			w.password(w.ann, goodWord)
			b, _ = w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
		}
		w.set(func(s *credential.Settings) { s.MFA, s.WithoutDevice = row.mode, row.without })
		if row.fresh {
			b.Known = ""
		}
		ctx := w.ctx()
		if row.elsewhere {
			ctx = w.from("198.51.100.99")
		}
		begun, err := w.Begin(ctx, w.ann.UserName, "", false)
		w.ok(err)
		b.Attempt = begun.Secret
		w.ok(w.Password(ctx, b, goodWord))
		v, err := w.Next(ctx, b)
		w.ok(err)
		if v.Step != row.want {
			t.Errorf("%+v: the step due is %q", row, v.Step)
		}
		if _, err := w.Open(ctx, b, ""); (err == nil) != (row.want == credential.StepOpen) {
			t.Errorf("%+v: opening: %v", row, err)
		}
	}
}

// TestThePasswordAloneMakesNoAddressFamiliar: who has the password only, while nothing more is asked, is still at risk when it is.
func TestThePasswordAloneMakesNoAddressFamiliar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enrolled()
	thief, _ := w.signIn(w.from("203.0.113.66"), credential.Browser{}, w.ann.UserName, goodWord, nil) // the mode is never
	w.set(func(s *credential.Settings) { s.MFA = credential.AtRisk })
	begun, err := w.Begin(w.from("203.0.113.66"), w.ann.UserName, "", false)
	w.ok(err)
	thief.Attempt = begun.Secret
	w.ok(w.Password(w.from("203.0.113.66"), thief, goodWord))
	w.step(thief, credential.StepSecond)
}

func TestRegistrationInTheMiddleOfASignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	b := w.begin(w.ann.UserName)
	r := credential.Registrar{Browser: b}
	_, err := w.BeginTOTP(w.ctx(), r)
	w.no(err, fault.Denied, "step")
	_, err = w.FinishTOTP(w.ctx(), r, "", "123456")
	w.no(err, fault.Denied, "step")
	w.ok(w.Password(w.ctx(), b, goodWord))
	w.step(b, credential.StepRegister)
	w.no(w.Code(w.ctx(), b, "123456"), fault.Denied, "step")
	app, err := w.BeginTOTP(w.ctx(), r)
	w.ok(err)
	reg, err := w.FinishTOTP(w.ctx(), r, "", w.totp(app.Secret))
	w.ok(err)
	if len(reg.Codes) == 0 {
		t.Error("no recovery codes")
	}
	_, err = w.Open(w.ctx(), b, "")
	w.ok(err)
	// Who has a device registers no other with the password alone.
	b = w.atSecond()
	_, err = w.BeginTOTP(w.ctx(), credential.Registrar{Browser: b})
	w.no(err, fault.Denied, "step")
	_, err = w.BeginPasskey(w.ctx(), credential.Registrar{Browser: b})
	w.no(err, fault.Denied, "step")
}

// TestASignInWithoutTheDeviceChangesNone: where only sign-ins at risk are asked for the second factor, a remembered browser opens a session with the password
// alone. That does for work, and not for changing what she signs in with: else whoever has the password and sits at her browser takes her devices out and
// puts his own in.
func TestASignInWithoutTheDeviceChangesNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, _, home, _ := w.enrolled()
	w.set(func(s *credential.Settings) { s.MFA = credential.AtRisk })
	home, _ = w.signIn(w.ctx(), home, w.ann.UserName, goodWord, func(b credential.Browser) { w.ok(w.Code(w.ctx(), b, w.totp(secret))) })
	b, out := w.signIn(w.ctx(), home, w.ann.UserName, goodWord, nil)
	who := w.who(out)
	if m := who.Session.Proof.Method; m != signin.Password {
		t.Fatalf("method %q, want a sign-in that was not asked for the device", m)
	}
	sum, err := w.Summary(w.ctx(), w.ann.ID)
	w.ok(err)
	device := sum.Devices[0].ID
	if recent, err := w.Recent(w.ctx(), b, who); err != nil || recent {
		t.Errorf("recent %v, %v", recent, err)
	}
	_, err = w.BeginTOTP(w.ctx(), credential.Registrar{Browser: b, Who: &who})
	w.no(err, fault.Denied, "again")
	_, err = w.RenewRecovery(w.ctx(), b, who)
	w.no(err, fault.Denied, "again")
	w.no(w.ChangePassword(w.ctx(), b, who, "quite another word"), fault.Denied, "again")
	w.no(w.RemoveOwnDevice(w.ctx(), b, who, device), fault.Denied, "again")

	w.pass(time.Minute)
	begun, err := w.BeginAgain(w.ctx(), who, "/start/security")
	w.ok(err)
	b.Attempt = begun.Secret
	w.ok(w.Password(w.ctx(), b, goodWord))
	w.ok(w.Code(w.ctx(), b, w.totp(secret)))
	_, err = w.Open(w.ctx(), b, "")
	w.ok(err)
	w.ok(w.RemoveOwnDevice(w.ctx(), b, who, device))

	// Whoever has no device registers several in one go: she has shown the first.
	var app credential.NewTOTP
	for _, name := range []string{"One", "Two"} {
		r := credential.Registrar{Browser: b, Who: &who}
		app, err = w.BeginTOTP(w.ctx(), r)
		w.ok(err)
		_, err = w.FinishTOTP(w.ctx(), r, name, w.totp(app.Secret))
		w.ok(err)
	}
	// Where nobody is asked for a device, changes do not ask for it either.
	w.set(func(s *credential.Settings) { s.MFA = credential.Never })
	b, out = w.signIn(w.ctx(), home, w.ann.UserName, goodWord, nil)
	w.ok(w.ChangePassword(w.ctx(), b, w.who(out), "quite another word"))
}

// TestChangesNeedARecentSignIn: an open session alone changes nothing, nor does a sign-in of somebody else or of another session.
func TestChangesNeedARecentSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, codes, home, who := w.enrolled()
	sum, err := w.Summary(w.ctx(), w.ann.ID)
	w.ok(err)
	device := sum.Devices[0].ID
	all := func(b credential.Browser, who signin.Identity) []error {
		r := credential.Registrar{Browser: b, Who: &who}
		_, e1 := w.BeginTOTP(w.ctx(), r)
		_, e2 := w.FinishTOTP(w.ctx(), r, "", "123456")
		_, e3 := w.BeginPasskey(w.ctx(), r)
		_, e4 := w.FinishPasskey(w.ctx(), r, "", []byte("{}"))
		_, e5 := w.RenewRecovery(w.ctx(), b, who)
		return []error{e1, e2, e3, e4, e5, w.RemoveOwnDevice(w.ctx(), b, who, device), w.RenameDevice(w.ctx(), b, who, device, "x"), w.ChangePassword(w.ctx(), b, who, "quite another word")}
	}
	bob := w.user("bob@example.com")
	w.password(bob, goodWord)
	bobs, _ := w.signIn(w.ctx(), credential.Browser{}, bob.UserName, goodWord, nil)
	half := w.begin(w.ann.UserName)
	w.ok(w.Password(w.ctx(), half, goodWord))
	otherSession, _ := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	for name, b := range map[string]credential.Browser{"no attempt": {}, "a made up one": {Attempt: "x"}, "somebody else's": bobs, "an unfinished one": half, "one of another session": otherSession} {
		for i, err := range all(b, who) {
			if f := fault.Of(err); f == nil || f.Kind != fault.Denied {
				t.Errorf("%s, change %d: %v", name, i, err)
			}
		}
	}
	w.pass(credential.AttemptLife)
	for i, err := range all(home, who) {
		if !fault.Is(err, fault.Denied) {
			t.Errorf("ten minutes later, change %d: %v", i, err)
		}
	}
	// Signing in again asks for the device as well, if the policy asks anybody.
	w.set(func(s *credential.Settings) { s.MFA = credential.AtRisk })
	begun, err := w.BeginAgain(w.ctx(), who, "/start/security")
	w.ok(err)
	b := credential.Browser{Attempt: begun.Secret, Known: home.Known}
	w.ok(w.Password(w.ctx(), b, goodWord))
	w.step(b, credential.StepSecond)
	w.ok(w.Code(w.ctx(), b, codes[0]))
	out, err := w.Open(w.ctx(), b, "")
	w.ok(err)
	if out.Opened != nil || out.ReturnTo != "/start/security" {
		t.Errorf("got %+v", out)
	}
	w.ok(w.RenameDevice(w.ctx(), b, who, device, "Old phone"))
	w.no(w.RenameDevice(w.ctx(), b, who, device, "two\nlines"), fault.Invalid, "")
	w.no(w.RemoveOwnDevice(w.ctx(), b, who, "none"), fault.NotFound, "")
	w.ok(w.RemoveOwnDevice(w.ctx(), b, who, device))
	if sum, err = w.Summary(w.ctx(), w.ann.ID); err != nil || len(sum.Devices) != 0 || sum.RecoveryCodes != 0 {
		t.Errorf("left: %+v, %v", sum, err)
	}
}

func TestChangingThePasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	_, other := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	b, mine := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	w.no(w.ChangePassword(w.ctx(), b, w.who(mine), goodWord), fault.Invalid, "password")
	w.ok(w.ChangePassword(w.ctx(), b, w.who(mine), "quite another word"))
	w.who(mine)
	if _, err := w.sessions.Authenticate(w.ctx(), other.Opened.Secret); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the other session is still open: %v", err)
	}
	w.ok(w.ChangePassword(w.ctx(), b, w.who(mine), "and yet another one"))
}

func TestBreakGlass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	w.ok(w.SetBreakGlass(w.ctx(), admin, w.ann.ID, true))
	u, err := w.people.User(w.ctx(), w.ann.ID)
	w.ok(err)
	if u.Source != directory.BuiltIn || (directory.Source{ID: "entra", LocalUsers: true, Owners: directory.Owners{Local: directory.RuleAdopt, Directories: map[string]directory.OwnerRule{directory.BuiltIn: directory.RuleAdopt}}}).Sees(u.Source) {
		t.Errorf("a directory may touch her: %q", u.Source)
	}
	bob := w.user("bob@example.com")
	w.password(bob, goodWord)
	// The built-in directory is off, her domain belongs to an identity provider, and the policy blocks who has no device.
	_, err = w.people.UpdateSource(w.ctx(), admin, "entra", func(s *directory.Source) error {
		s.Domains, s.SAML = []string{"Example.com"}, directory.SAMLSettings{EntityID: "e", SSORedirectURL: "https://idp/", Certificates: [][]byte{certificate(t)}}
		return nil
	})
	w.ok(err)
	w.set(func(s *credential.Settings) {
		s.Enabled, s.MFA, s.WithoutDevice = false, credential.Always, credential.Block
	})
	if begun, err := w.Begin(w.ctx(), u.UserName, "", false); err != nil || begun.Source != "entra" || begun.Secret != "" {
		t.Errorf("the domain leads to %+v, %v", begun, err)
	}
	local := func(name string) credential.Browser {
		begun, err := w.Begin(w.ctx(), name, "", true)
		w.ok(err)
		return credential.Browser{Attempt: begun.Secret}
	}
	w.no(w.Password(w.ctx(), local(bob.UserName), goodWord), fault.Denied, "wrong")
	b := local(u.UserName)
	w.ok(w.Password(w.ctx(), b, goodWord))
	w.step(b, credential.StepRegister)
	app, err := w.BeginTOTP(w.ctx(), credential.Registrar{Browser: b})
	w.ok(err)
	_, err = w.FinishTOTP(w.ctx(), credential.Registrar{Browser: b}, "", w.totp(app.Secret))
	w.ok(err)
	_, err = w.Open(w.ctx(), b, "")
	w.ok(err)
	if es := w.events("signin:BreakGlass"); len(es) != 1 || es[0].Actor.ID != u.ID {
		t.Errorf("the alarm: %+v", es)
	}
	// Also with the built-in directory on, the local door is for these alone.
	w.set(func(s *credential.Settings) { s.Enabled = true })
	w.no(w.Password(w.ctx(), local(bob.UserName), goodWord), fault.Denied, "wrong")
	w.ok(w.SetBreakGlass(w.ctx(), admin, w.ann.ID, false))
	w.no(w.Password(w.ctx(), local(u.UserName), goodWord), fault.Denied, "wrong")
}

// TestHelpByAnAdministratorIsAudited: each thing that an administrator does for a person leaves an event that names him, the person and the address he came
// from, and no secret.
func TestHelpByAnAdministratorIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enrolled()
	sum, err := w.Summary(w.ctx(), w.ann.ID)
	w.ok(err)
	ctx := w.from("198.51.100.7")
	w.ok(w.RemoveDevice(ctx, admin, w.ann.ID, sum.Devices[0].ID))
	w.ok(w.Unlock(ctx, admin, w.ann.ID))
	sent, err := w.Invite(ctx, admin, w.ann.ID, credential.Reset, true)
	w.ok(err)
	oneTime, _, err := w.GiveOneTime(ctx, admin, w.ann.ID)
	w.ok(err)
	w.ok(w.RemovePassword(ctx, admin, w.ann.ID))
	w.ok(w.SetBreakGlass(ctx, admin, w.ann.ID, true))
	w.ok(w.SetBreakGlass(ctx, admin, w.ann.ID, false))
	for _, action := range []string{"RemoveDevice", "Unlock", "CreateLink", "GiveOneTimePassword", "RemovePassword", "GiveBreakGlass", "TakeBreakGlass"} {
		es := w.events("credential:" + action)
		if len(es) == 0 {
			t.Errorf("%s: no event", action)
			continue
		}
		e := es[0] // the newest: she was invited before
		if e.Actor != admin || e.Resource != w.ann.ID || e.Outcome != "success" || e.ClientAddr != "198.51.100.7" {
			t.Errorf("%s: %+v", action, e)
		}
		for _, secret := range []string{oneTime, token(sent.URL)} {
			if secret == "" || strings.Contains(fmt.Sprintf("%+v", e), secret) {
				t.Errorf("%s: %+v holds a secret", action, e)
			}
		}
	}
}
