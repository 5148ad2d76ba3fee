package credential_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"gatehouse/internal/credential"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

func TestAPasswordOpensASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	begun, err := w.Begin(w.ctx(), " ANN@example.com", "/device?user_code=A", false)
	w.ok(err)
	b := credential.Browser{Attempt: begun.Secret}
	w.step(b, credential.StepPassword)
	w.ok(w.Password(w.ctx(), b, goodWord))
	w.step(b, credential.StepOpen)
	out, err := w.Open(w.ctx(), b, "")
	w.ok(err)
	who := w.who(out)
	if who.User.ID != w.ann.ID || who.Session.Proof.Method != signin.Password || who.Session.Proof.SourceID != directory.BuiltIn || out.ReturnTo != "/device?user_code=A" {
		t.Errorf("got %+v, to %q", who.Session.Proof, out.ReturnTo)
	}
	_, err = w.Open(w.ctx(), b, "")
	w.no(err, fault.Denied, "step")
	w.step(b, credential.StepDone)
}

// TestNobodyLearnsWhoExists: the answers, the step and the limits are the same for those who are there and those who are not.
func TestNobodyLearnsWhoExists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	w.user("nopassword@example.com")
	inactive := w.user("inactive@example.com")
	w.password(inactive, goodWord)
	_, err := w.people.UpdateUser(w.ctx(), admin, inactive.ID, 0, func(u *directory.User) error { u.Active = false; return nil })
	w.ok(err)
	entra, err := w.people.CreateUser(w.ctx(), admin, directory.User{UserName: "entra@example.com", Active: true, Source: "entra"})
	w.ok(err)
	var said []string
	for i, name := range []string{"ann@example.com", "nobody@example.com", "nopassword@example.com", inactive.UserName, entra.UserName} {
		ctx := w.from(fmt.Sprintf("198.51.100.%d", i))
		begun, err := w.Begin(ctx, name, "", false)
		w.ok(err)
		b := credential.Browser{Attempt: begun.Secret}
		var lines []string
		for range 7 {
			lines = append(lines, fmt.Sprint(w.Password(ctx, b, "wrong "+goodWord)))
		}
		if name == inactive.UserName {
			w.pass(time.Hour)
			lines = append(lines, fmt.Sprint(w.Password(ctx, b, goodWord)))
			lines = lines[:7]
		}
		v, err := w.Next(ctx, b)
		if name != inactive.UserName {
			w.ok(err)
			lines = append(lines, string(v.Step))
		} else {
			lines = append(lines, string(credential.StepPassword))
		}
		said = append(said, strings.Join(lines, "|"))
	}
	for _, s := range said[1:] {
		if s != said[0] {
			t.Errorf("got %s\nand %s", s, said[0])
		}
	}
}

// TestWhoMayNotIsRefusedWithTheRightPassword: a password that fits is not enough.
func TestWhoMayNotIsRefusedWithTheRightPassword(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"disabled": func(w *world) {
			_, err := w.people.UpdateUser(w.ctx(), admin, w.ann.ID, 0, func(u *directory.User) error { u.Active = false; return nil })
			w.ok(err)
		},
		"taken over by a source": func(w *world) {
			_, err := w.people.UpdateUser(w.ctx(), admin, w.ann.ID, 0, func(u *directory.User) error { u.Source = "entra"; return nil })
			w.ok(err)
		},
		"switched off": func(w *world) { w.set(func(s *credential.Settings) { s.Enabled = false }) },
		"deleted":      func(w *world) { w.ok(w.people.DeleteUser(w.ctx(), admin, w.ann.ID, 0)) },
		"no password":  func(w *world) { w.ok(w.RemovePassword(w.ctx(), admin, w.ann.ID)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.password(w.ann, goodWord)
			b := w.begin(w.ann.UserName)
			change(w)
			w.no(w.Password(w.ctx(), b, goodWord), fault.Denied, "wrong")

			// The same between the password and the session.
			w = newWorld(t)
			w.password(w.ann, goodWord)
			b = w.begin(w.ann.UserName)
			w.ok(w.Password(w.ctx(), b, goodWord))
			change(w)
			if _, err := w.Open(w.ctx(), b, ""); !fault.Is(err, fault.Denied) {
				t.Errorf("opened: %v", err)
			}
		})
	}
}

func TestAPasswordThatWasReplacedMeanwhileIsShownInVain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	b := w.begin(w.ann.UserName)
	w.ok(w.Password(w.ctx(), b, goodWord))
	w.pass(time.Second)
	w.password(w.ann, "another set of words")
	_, err := w.Open(w.ctx(), b, "")
	w.no(err, fault.Denied, "over")
}

// guess tries a wrong password from an address and reports whether it was looked at.
func (w *world) guess(s *credential.Service, b credential.Browser, addr, name string) bool {
	w.t.Helper()
	begun, err := s.Begin(w.from(addr), name, "", false)
	if fault.Is(err, fault.Throttled) {
		return false
	}
	w.ok(err)
	b.Attempt = begun.Secret
	err = s.Password(w.from(addr), b, "no")
	if fault.Is(err, fault.Throttled) {
		return false
	}
	w.no(err, fault.Denied, "wrong")
	return true
}

func TestGuessesAreCountedOverAllNodesAndAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	nodes := []*credential.Service{w.Service, w.node(func(*credential.Config) {})}
	n := 0
	for i := range 20 {
		if w.guess(nodes[i%2], credential.Browser{}, "203.0.113.9", w.ann.UserName) {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d guesses from one address, want 5", n)
	}
	// One address cannot empty the user's bucket: she still comes in from elsewhere.
	w.signIn(w.from("192.0.2.77"), credential.Browser{}, w.ann.UserName, goodWord, nil)
	for i := range 100 {
		if w.guess(nodes[i%2], credential.Browser{}, fmt.Sprintf("203.0.113.%d", 10+i%50), w.ann.UserName) {
			n++
		}
	}
	if n != 30 {
		t.Errorf("%d guesses from many addresses, want 30", n)
	}
	// IPv6: a subscriber's whole network is one address.
	w = newWorld(t)
	n = 0
	for i := range 20 {
		if w.guess(w.Service, credential.Browser{}, fmt.Sprintf("2001:db8::%x", i), "whoever") {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d guesses from one network, want 5", n)
	}
}

func TestGuessesAtTheSameTimeAreCountedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	nodes := []*credential.Service{w.Service, w.node(func(*credential.Config) {})}
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	b := w.begin(w.ann.UserName)
	for i := range 24 {
		wg.Go(func() {
			err := nodes[i%2].Password(w.ctx(), b, "no")
			mu.Lock()
			defer mu.Unlock()
			if !fault.Is(err, fault.Throttled) && !fault.Is(err, fault.Unavailable) {
				n++
			}
		})
	}
	wg.Wait()
	if n != 5 {
		t.Errorf("%d guesses were looked at, want 5", n)
	}
}

// TestNobodyIsLockedOutForLong: many addresses can empty the bucket of a user, and what they cannot touch still lets her in.
func TestNobodyIsLockedOutForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	home, _ := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	for i := range 60 {
		w.guess(w.Service, credential.Browser{}, fmt.Sprintf("203.0.113.%d", i), w.ann.UserName)
	}
	if w.guess(w.Service, credential.Browser{}, "198.51.100.1", w.ann.UserName) {
		t.Fatal("the bucket is not empty")
	}
	// On a browser that she signed in with before, from a new address even.
	w.signIn(w.from("198.51.100.2"), credential.Browser{Known: home.Known}, w.ann.UserName, goodWord, nil)
	// Two minutes later anywhere, if nobody is quicker.
	w.pass(2 * time.Minute)
	w.signIn(w.from("198.51.100.3"), credential.Browser{}, w.ann.UserName, goodWord, nil)
	// Or when an administrator says so.
	w.guess(w.Service, credential.Browser{}, "198.51.100.4", w.ann.UserName)
	w.ok(w.Unlock(w.ctx(), admin, w.ann.ID))
	w.signIn(w.from("198.51.100.5"), credential.Browser{}, w.ann.UserName, goodWord, nil)
}

// TestAPlantedCookieIsNoKnownBrowser: whoever sets the cookie beforehand must not own a remembered browser of the victim's afterwards.
func TestAPlantedCookieIsNoKnownBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	after, _ := w.signIn(w.ctx(), credential.Browser{Known: "planted-by-somebody-else"}, w.ann.UserName, goodWord, nil)
	if after.Known == "planted-by-somebody-else" || after.Known == "" {
		t.Errorf("the browser is known as %q", after.Known)
	}
	// And one of somebody else's is not hers.
	bob := w.user("bob@example.com")
	w.password(bob, goodWord)
	bobs, _ := w.signIn(w.ctx(), after, bob.UserName, goodWord, nil)
	if bobs.Known == after.Known {
		t.Error("two people share a remembered browser's secret")
	}
}

func TestSprayingFromOneAddressIsSlowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 0
	for i := range 300 {
		if i%100 == 0 {
			w.pass(time.Minute) // beginning has its own limit
		}
		if w.guess(w.Service, credential.Browser{}, "203.0.113.9", fmt.Sprintf("user%d@example.com", i)) {
			n++
		}
	}
	if n < 100 || n > 130 {
		t.Errorf("%d guesses in three minutes, want a hundred and what comes back", n)
	}
}

func TestOneTimePasswordsAreReplacedAndExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	word, until, err := w.GiveOneTime(w.ctx(), admin, w.ann.ID)
	w.ok(err)
	if len(word) != 23 || !until.Equal(w.now().Add(credential.TemporaryLife)) {
		t.Errorf("got %q until %v", word, until)
	}
	b := w.begin(w.ann.UserName)
	w.no(w.SetPassword(w.ctx(), b, goodWord), fault.Denied, "step")
	w.ok(w.Password(w.ctx(), b, word))
	w.step(b, credential.StepNewPassword)
	_, err = w.Open(w.ctx(), b, "")
	w.no(err, fault.Denied, "step")
	w.no(w.SetPassword(w.ctx(), b, "short"), fault.Invalid, "password")
	w.no(w.SetPassword(w.ctx(), b, word), fault.Invalid, "password")
	w.ok(w.SetPassword(w.ctx(), b, goodWord))
	_, err = w.Open(w.ctx(), b, "")
	w.ok(err)
	w.no(w.Password(w.ctx(), w.begin(w.ann.UserName), word), fault.Denied, "wrong")

	word, until, err = w.GiveOneTime(w.ctx(), admin, w.ann.ID)
	w.ok(err)
	w.pass(until.Sub(w.now()))
	w.no(w.Password(w.ctx(), w.begin(w.ann.UserName), word), fault.Denied, "password-expired")
	w.no(w.Password(w.ctx(), w.begin(w.ann.UserName), "x"+word), fault.Denied, "wrong")
}

func TestAOneTimePasswordEndsSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	_, out := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	_, _, err := w.GiveOneTime(w.ctx(), admin, w.ann.ID)
	w.ok(err)
	if _, err := w.sessions.Authenticate(w.ctx(), out.Opened.Secret); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the session is still open: %v", err)
	}
}

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "list")
	stolen := "correct horse battery"
	w := newWorld(t)
	w.ok(os.WriteFile(list, fmt.Appendf(nil, "%X:7\r\n", sha1.Sum([]byte(stolen))), 0o600))
	breached, err := credential.OpenBreached(list)
	w.ok(err)
	s := w.node(func(c *credential.Config) { c.Breached = breached })
	sent, err := s.Invite(w.ctx(), admin, w.ann.ID, credential.Invitation, true)
	w.ok(err)
	ann := w.user("annabel@example.com")
	sentLong, err := s.Invite(w.ctx(), admin, ann.ID, credential.Invitation, true)
	w.ok(err)
	for _, bad := range []string{"", "elevenchars", "aaaaaaaaaaaaaaaa", "abababababababab", stolen, strings.Repeat("long ", 60), "not\x00text and long", "\xff\xfe not text either"} {
		_, err := s.UseLink(w.ctx(), token(sent.URL), bad)
		w.no(err, fault.Invalid, "password")
	}
	_, err = s.UseLink(w.ctx(), token(sentLong.URL), "my name is Annabel!")
	w.no(err, fault.Invalid, "password")
	// Twelve characters, not bytes; the same word in two spellings of Unicode is one password.
	_, err = s.UseLink(w.ctx(), token(sent.URL), "Zwölf Jäger ü")
	w.ok(err)
	w.ok(w.Password(w.ctx(), w.begin(w.ann.UserName), "Zwo\u0308lf Ja\u0308ger u\u0308"))
}

func TestHashesAreRenewedWithTheParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.password(w.ann, goodWord)
	strong := w.node(func(c *credential.Config) {
		p := weak
		p.Memory = 128
		c.Hashing = &p
	})
	b := w.begin(w.ann.UserName)
	w.ok(strong.Password(w.ctx(), b, goodWord))
	p, err := w.db.Credential().Person(w.ctx(), w.ann.ID)
	w.ok(err)
	if got, _, _, err := argon2id.DecodeHash(p.Password.Hash); err != nil || got.Memory != 128 {
		t.Errorf("the hash is %s (%v)", p.Password.Hash, err)
	}
	w.ok(strong.Password(w.ctx(), w.begin(w.ann.UserName), goodWord))
	_, err = strong.Open(w.ctx(), b, "")
	w.ok(err)
}

// TestNothingSecretIsKeptAsItIs looks through what is stored for what must not be readable there.
func TestNothingSecretIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sent, err := w.Invite(w.ctx(), admin, w.ann.ID, credential.Invitation, true)
	w.ok(err)
	w.password(w.ann, goodWord)
	b, out := w.signIn(w.ctx(), credential.Browser{}, w.ann.UserName, goodWord, nil)
	who := w.who(out)
	app, err := w.BeginTOTP(w.ctx(), credential.Registrar{Browser: b, Who: &who})
	w.ok(err)
	reg, err := w.FinishTOTP(w.ctx(), credential.Registrar{Browser: b, Who: &who}, "", w.totp(app.Secret))
	w.ok(err)
	_, err = w.SetMail(w.ctx(), admin, credential.MailServer{Host: "mail.example.com", Port: 465, Security: "tls", Username: "u", From: "a@example.com"}, "mail-secret-word")
	w.ok(err)
	p, err := w.db.Credential().Person(w.ctx(), w.ann.ID)
	w.ok(err)
	set, err := w.db.Credential().Settings(w.ctx())
	w.ok(err)
	dump := []byte(fmt.Sprintf("%q %q", fmt.Sprint(p), fmt.Sprint(set)))
	for _, e := range w.events("") {
		dump = fmt.Appendf(dump, "%+v", e)
	}
	secrets := append(reg.Codes, goodWord, strings.ReplaceAll(app.Secret, " ", ""), token(sent.URL), b.Attempt, b.Known, "mail-secret-word")
	for _, s := range secrets {
		if s == "" || bytes.Contains(dump, []byte(s)) {
			t.Errorf("%q is kept as it is", s)
		}
	}
}

func TestBreachedLists(t *testing.T) {
	t.Parallel()
	for _, digits := range []int{10, 20, 40} {
		var lines []string
		for i := range 500 {
			lines = append(lines, fmt.Sprintf("%X", sha1.Sum(fmt.Appendf(nil, "password%d", i)))[:digits])
		}
		slices.Sort(lines)
		for _, ending := range []string{"\n", "\r\n", ":123456\r\n"} {
			for _, last := range []bool{true, false} {
				text := strings.Join(lines, ending)
				if last {
					text += ending
				}
				path := filepath.Join(t.TempDir(), "list")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				in, err := credential.OpenBreached(path)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 600 {
					got, err := in(fmt.Sprintf("password%d", i))
					if err != nil || got != (i < 500) {
						t.Fatalf("%d digits, ending %q: password%d is %v (%v)", digits, ending, i, got, err)
					}
				}
			}
		}
	}
	for name, text := range map[string]string{"empty": "", "words": "password\n123456\n", "lower case": strings.Repeat("ab", 20) + "\n", "short": "ABCDEF012\n", "long": strings.Repeat("A", 200)} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := credential.OpenBreached(path); err == nil {
			t.Errorf("%s: taken for a list", name)
		}
	}
	if _, err := credential.OpenBreached(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
