package credential_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/credential"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// passkey registers one for ann, who signs in with her password for it.
func (w *world) passkey() (*authenticator, credential.Browser, signin.Identity) {
	w.t.Helper()
	w.password(w.ann, goodWord)
	b, out := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	who := w.who(out)
	a := newAuthenticator(w.t)
	ask, err := w.BeginPasskey(w.ctx(), credential.Registrar{Browser: b, Who: &who})
	w.ok(err)
	reg, err := w.FinishPasskey(w.ctx(), credential.Registrar{Browser: b, Who: &who}, "Laptop", a.create(ask.Options))
	w.ok(err)
	if len(reg.Codes) == 0 {
		w.t.Error("no recovery codes")
	}
	return a, b, who
}

// ask begins a sign-in with a passkey alone.
func (w *world) ask() (credential.Browser, any) {
	w.t.Helper()
	c, err := w.AskPasskey(w.ctx(), credential.Browser{}, "/start")
	w.ok(err)
	return credential.Browser{Attempt: c.Begun.Secret}, c.Options
}

func TestAPasskeyAloneSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _, _ := w.passkey()
	w.set(func(s *credential.Settings) { s.MFA, s.WithoutDevice = credential.Always, credential.Block })
	b, options := w.ask()
	o := a.options(options)
	if o.UserVerification != "required" || len(o.AllowCredentials) != 0 {
		t.Errorf("asked for %+v", o)
	}
	w.ok(w.AnswerPasskey(w.ctx(), b, a.get(options)))
	out, err := w.Open(w.ctx(), b, "")
	w.ok(err)
	if who := w.who(out); who.User.ID != w.ann.ID || who.Session.Proof.Method != signin.Passkey {
		t.Errorf("signed in %q by %q", who.User.ID, who.Session.Proof.Method)
	}
}

func TestAPasskeyAsSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _, _ := w.passkey()
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	b := w.atSecond()
	c, err := w.AskPasskey(w.ctx(), b, "")
	w.ok(err)
	if o := a.options(c.Options); c.Begun != nil || len(o.AllowCredentials) != 1 {
		t.Errorf("asked for %+v", o)
	}
	a.unverified = true // the password is the other factor
	w.ok(w.AnswerPasskey(w.ctx(), b, a.get(c.Options)))
	out, err := w.Open(w.ctx(), b, "")
	w.ok(err)
	if m := out.Opened.Session.Proof.Method; m != signin.PasswordAndSecond {
		t.Errorf("method %q", m)
	}
}

// TestPasskeysThatAreRefused: each row is wrong in one thing.
func TestPasskeysThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, get := range map[string]func(w *world, a *authenticator, options any) []byte{
		"another relying party": func(_ *world, a *authenticator, o any) []byte { a.rp = "evil.example"; return a.get(o) },
		"another origin":        func(_ *world, a *authenticator, o any) []byte { a.origin = "https://evil.example"; return a.get(o) },
		"a sibling origin": func(_ *world, a *authenticator, o any) []byte {
			a.origin = "https://x.sso.example.com"
			return a.get(o)
		},
		"plain http":           func(_ *world, a *authenticator, o any) []byte { a.origin = "http://sso.example.com"; return a.get(o) },
		"another port":         func(_ *world, a *authenticator, o any) []byte { a.origin += ":8443"; return a.get(o) },
		"no user verification": func(_ *world, a *authenticator, o any) []byte { a.unverified = true; return a.get(o) },
		"nobody present":       func(_ *world, a *authenticator, o any) []byte { a.absent = true; return a.get(o) },
		"another challenge": func(_ *world, a *authenticator, _ any) []byte {
			return a.answer(b64([]byte("0123456789abcdef0123456789abcdef")))
		},
		"the challenge of another sign-in": func(w *world, a *authenticator, _ any) []byte {
			_, other := w.ask()
			return a.get(other)
		},
		"another's user handle": func(w *world, a *authenticator, o any) []byte {
			a.handle = []byte(w.user("bob@example.com").ID)
			return a.get(o)
		},
		"a user handle of nobody":  func(_ *world, a *authenticator, o any) []byte { a.handle = []byte("x"); return a.get(o) },
		"no user handle":           func(_ *world, a *authenticator, o any) []byte { a.handle = nil; return a.get(o) },
		"another key":              func(w *world, a *authenticator, o any) []byte { a.key = newAuthenticator(w.t).key; return a.get(o) },
		"another credential":       func(_ *world, a *authenticator, o any) []byte { a.id = []byte("0123456789abcdef"); return a.get(o) },
		"a counter that went back": func(_ *world, a *authenticator, o any) []byte { a.count = 0; return a.get(o) },
		"a counter that stood":     func(_ *world, a *authenticator, o any) []byte { a.count = 6; return a.get(o) },
		"a broken signature": func(_ *world, a *authenticator, o any) []byte {
			var v map[string]any
			_ = json.Unmarshal(a.get(o), &v)
			r := v["response"].(map[string]any)
			r["signature"] = strings.Repeat("A", len(r["signature"].(string)))
			b, _ := json.Marshal(v)
			return b
		},
		"a registration's answer": func(_ *world, a *authenticator, o any) []byte { return a.create(o) },
		"no JSON":                 func(*world, *authenticator, any) []byte { return []byte("{") },
		"null":                    func(*world, *authenticator, any) []byte { return []byte("null") },
		"nothing":                 func(*world, *authenticator, any) []byte { return nil },
		"a megabyte":              func(*world, *authenticator, any) []byte { return bytes.Repeat([]byte(" "), 1<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, _, _ := w.passkey()
			a.count = 6
			b, options := w.ask()
			w.ok(w.AnswerPasskey(w.ctx(), b, a.get(options))) // the counter is 7 now
			b, options = w.ask()
			w.no(w.AnswerPasskey(w.ctx(), b, get(w, a, options)), fault.Denied, "wrong")
			_, err := w.Open(w.ctx(), b, "")
			w.no(err, fault.Denied, "step")
			// The challenge is used up, so the right answer comes too late.
			w.no(w.AnswerPasskey(w.ctx(), b, a.get(options)), fault.Denied, "over")
		})
	}
}

func TestAnAnswerIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _, _ := w.passkey()
	b, options := w.ask()
	answer := a.get(options)
	w.ok(w.AnswerPasskey(w.ctx(), b, answer))
	w.no(w.AnswerPasskey(w.ctx(), b, answer), fault.Denied, "step")
	other, _ := w.ask()
	w.no(w.AnswerPasskey(w.ctx(), other, answer), fault.Denied, "wrong")
	w.no(w.AnswerPasskey(w.ctx(), credential.Browser{}, answer), fault.Denied, "over")
}

// TestWrongPasskeysAreLimited: each leaves an event in the audit trail, and a stranger needs no more than one sign-in under way to show them.
func TestWrongPasskeysAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.ask()
	wrong := 0
	for range 300 {
		if _, err := w.AskPasskey(w.ctx(), b, ""); err != nil {
			w.no(err, fault.Throttled, "")
			break
		}
		w.no(w.AnswerPasskey(w.ctx(), b, []byte("{}")), fault.Denied, "wrong")
		wrong++
	}
	if wrong > 150 {
		t.Errorf("%d wrong passkeys at once", wrong)
	}
	w.pass(time.Minute)
	_, err := w.AskPasskey(w.ctx(), b, "")
	w.ok(err)
}

func TestAPasskeyOfAnotherIsNoSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _, _ := w.passkey()
	bob := w.user("bob@example.com")
	w.password(bob, goodWord)
	bobs, out := w.signIn(w.ctx(), credential.Browser{}, bob.UserName, goodWord, nil)
	who := w.who(out)
	r := credential.Registrar{Browser: bobs, Who: &who}
	ask, err := w.BeginPasskey(w.ctx(), r)
	w.ok(err)
	key := newAuthenticator(t)
	_, err = w.FinishPasskey(w.ctx(), r, "", key.create(ask.Options))
	w.ok(err)
	w.set(func(s *credential.Settings) { s.MFA = credential.Always })
	b := w.atSecond()
	c, err := w.AskPasskey(w.ctx(), b, "")
	w.ok(err)
	w.no(w.AnswerPasskey(w.ctx(), b, key.get(c.Options)), fault.Denied, "wrong")
	// Nor with ann's handle in it.
	c, err = w.AskPasskey(w.ctx(), b, "")
	w.ok(err)
	key.handle = a.handle
	w.no(w.AnswerPasskey(w.ctx(), b, key.get(c.Options)), fault.Denied, "wrong")
	// And a passkey of bob's confirms no session of ann's.
	key.handle = []byte(bob.ID)
	begun, err := w.BeginAgain(w.ctx(), w.session(w.ann.UserName, a), "/start/security")
	w.ok(err)
	b = credential.Browser{Attempt: begun.Secret}
	c, err = w.AskPasskey(w.ctx(), b, "")
	w.ok(err)
	w.no(w.AnswerPasskey(w.ctx(), b, key.get(c.Options)), fault.Denied, "wrong")
	c, err = w.AskPasskey(w.ctx(), b, "")
	w.ok(err)
	w.ok(w.AnswerPasskey(w.ctx(), b, a.get(c.Options)))
}

// session signs ann in with her passkey.
func (w *world) session(_ string, a *authenticator) signin.Identity {
	w.t.Helper()
	b, options := w.ask()
	w.ok(w.AnswerPasskey(w.ctx(), b, a.get(options)))
	out, err := w.Open(w.ctx(), b, "")
	w.ok(err)
	return w.who(out)
}

func TestOnePasskeyIsOnePersons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _, _ := w.passkey()
	bob := w.user("bob@example.com")
	w.password(bob, goodWord)
	b, out := w.signIn(w.ctx(), credential.Browser{}, bob.UserName, goodWord, nil)
	who := w.who(out)
	r := credential.Registrar{Browser: b, Who: &who}
	ask, err := w.BeginPasskey(w.ctx(), r)
	w.ok(err)
	thief := newAuthenticator(t)
	thief.id = a.id // WebAuthn §7.1 step 26
	_, err = w.FinishPasskey(w.ctx(), r, "", thief.create(ask.Options))
	w.no(err, fault.Conflict, "exists")
	// A registration's challenge is answered once, and only where it was asked.
	ask, err = w.BeginPasskey(w.ctx(), r)
	w.ok(err)
	key := newAuthenticator(t)
	key.rp = "evil.example"
	_, err = w.FinishPasskey(w.ctx(), r, "", key.create(ask.Options))
	w.no(err, fault.Denied, "wrong")
	key.rp = "sso.example.com"
	_, err = w.FinishPasskey(w.ctx(), r, "", key.create(ask.Options))
	w.no(err, fault.Denied, "over")
}

func TestThereAreOnlySoManyDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, b, who := w.passkey()
	r := credential.Registrar{Browser: b, Who: &who}
	for i := 1; ; i++ {
		ask, err := w.BeginPasskey(w.ctx(), r)
		w.ok(err)
		reg, err := w.FinishPasskey(w.ctx(), r, fmt.Sprint(i), newAuthenticator(t).create(ask.Options))
		if i == credential.MaxDevices {
			w.no(err, fault.Quota, "")
			return
		}
		w.ok(err)
		if len(reg.Codes) != 0 {
			t.Error("recovery codes again")
		}
	}
}

// TestThePasskeyOfWhoMayNotIsRefused: disabled, of another source, switched off.
func TestThePasskeyOfWhoMayNotIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _, _ := w.passkey()
	w.set(func(s *credential.Settings) { s.Enabled = false })
	b, options := w.ask()
	w.no(w.AnswerPasskey(w.ctx(), b, a.get(options)), fault.Denied, "wrong")
	w.set(func(s *credential.Settings) { s.Enabled = true })
	w.ok(w.people.DeleteUser(w.ctx(), admin, w.ann.ID, 0))
	b, options = w.ask()
	w.no(w.AnswerPasskey(w.ctx(), b, a.get(options)), fault.Denied, "wrong")
}

func TestAnIPAddressHasNoPasskeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.node(func(c *credential.Config) { c.URL = "http://127.0.0.1:8080" })
	if s.Passkeys() {
		t.Error("it says it has")
	}
	_, err := s.AskPasskey(w.ctx(), credential.Browser{}, "")
	w.no(err, fault.Denied, "no-passkeys")
	w.no(s.AnswerPasskey(w.ctx(), credential.Browser{}, nil), fault.Denied, "no-passkeys")
}

// FuzzAnswerPasskey: whatever an authenticator answers, nobody is signed in, and nothing breaks.
func FuzzAnswerPasskey(f *testing.F) {
	w := newWorld(f)
	a, _, _ := w.passkey()
	_, options := w.ask()
	f.Add(a.get(options))
	f.Add(a.create(options))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		w.t = t
		w.pass(time.Second)
		c, err := w.AskPasskey(w.ctx(), credential.Browser{}, "")
		if err != nil {
			t.Fatal(err)
		}
		err = w.AnswerPasskey(w.ctx(), credential.Browser{Attempt: c.Begun.Secret}, answer)
		if !fault.Is(err, fault.Denied) {
			t.Fatalf("%q: %v", answer, err)
		}
	})
}
