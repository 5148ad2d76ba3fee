package signin_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		end  func(*testing.T, signintest.World, string, signin.Identity)
	}{
		{"at its time", func(_ *testing.T, w signintest.World, _ string, _ signin.Identity) {
			w.Clock.Pass(signin.DefaultSessionLength)
		}},
		{"when it is signed out", func(t *testing.T, w signintest.World, secret string, _ signin.Identity) {
			if err := w.SignOut(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
		}},
		{"when the user is deactivated", func(_ *testing.T, w signintest.World, _ string, _ signin.Identity) {
			w.People.Switch(signintest.Alice, false)
		}},
		{"when the user is deleted", func(_ *testing.T, w signintest.World, _ string, _ signin.Identity) { w.People.Delete(signintest.Alice) }},
		{"when an administrator ends it", func(t *testing.T, w signintest.World, _ string, who signin.Identity) {
			if err := w.EndSession(t.Context(), audit.Gatehouse, signintest.Alice, who.Session.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"when an administrator ends all", func(t *testing.T, w signintest.World, _ string, _ signin.Identity) {
			if n, err := w.EndSessions(t.Context(), audit.Gatehouse, signintest.Alice); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}},
		{"when its source vouches no more", func(_ *testing.T, w signintest.World, _ string, _ signin.Identity) { w.People.Remove("entra") }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			secret, who := w.SignIn(t, signintest.Alice)
			tokens := login(t, w, who, sessionProfile)
			if _, err := w.Bearer(t.Context(), tokens.AccessToken); err != nil {
				t.Fatal(err)
			}
			row.end(t, w, secret, who)
			if _, err := w.Authenticate(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("the cookie: got %v, want Unauthenticated", err)
			}
			if _, err := w.Bearer(t.Context(), tokens.AccessToken); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("the access token: got %v, want Unauthenticated", err)
			}
			_, err := w.Refresh(t.Context(), tokens.client, tokens.secret, tokens.RefreshToken)
			wantReason(t, err, fault.Invalid, signin.InvalidGrant)
		})
	}
}

// TestEndSessionsBySource: they end in batches, each person is told of once in a batch and before her sessions are gone, answers that wait are dropped, and what
// failed is done by the next call.
func TestEndSessionsBySource(t *testing.T) {
	t.Parallel()
	w := signintest.New(t)
	const n = 1100
	for i := range n {
		w.SignIn(t, []string{signintest.Alice, signintest.Bob}[i%2])
	}
	w.SignInBy(t, signintest.Alice, "okta")
	b := begin(t, w, "")
	waiting := park(t, w, answered(w, b, "_a1"))
	left := func() int {
		t.Helper()
		n, err := w.CountSessionsBySource(t.Context(), "entra")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	broken := errors.New("broken")
	if _, err := w.EndSessionsBySource(t.Context(), audit.Gatehouse, "entra", func(context.Context, []string) error { return broken }); !errors.Is(err, broken) || left() != n {
		t.Errorf("%v, %d sessions are left", err, left())
	}
	if _, err := w.Claim(t.Context(), waiting.Handle, b.BrowserSecret, ""); !fault.Is(err, fault.Denied) {
		t.Errorf("an answer that waited: got %v, want Denied", err)
	}
	for turn, want := range []int{600, 100, 0} {
		var told []string
		more, err := w.EndSessionsBySource(t.Context(), audit.Gatehouse, "entra", func(_ context.Context, users []string) error {
			told = users
			if left() != want+500 && left() != 100 {
				t.Errorf("turn %d: %d sessions are left before it", turn, left())
			}
			return nil
		})
		if more != (want > 0) || err != nil || left() != want || !slices.Equal(told, []string{signintest.Alice, signintest.Bob}) {
			t.Errorf("turn %d: %v, %v, %d sessions are left, and %q were told of", turn, more, err, left(), told)
		}
	}
	var ended int
	for _, e := range w.Store.Events() {
		if e.Action == "signin:EndSession" {
			ended++
		}
	}
	if ended != n {
		t.Errorf("%d events of %d sessions", ended, n)
	}
	if n, err := w.CountSessionsBySource(t.Context(), "okta"); n != 1 || err != nil {
		t.Errorf("%d sessions of another source are left, %v", n, err)
	}
}

func TestASessionDoesNotComeBackToLifeWithItsUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, _ := w.SignIn(t, signintest.Alice)
	w.People.Switch(signintest.Alice, false)
	_, _ = w.Authenticate(t.Context(), secret) // somebody looked
	w.People.Switch(signintest.Alice, true)
	if _, err := w.Authenticate(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("got %v, want Unauthenticated", err)
	}
}

func TestNobodyIsSignedInWithoutASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SignIn(t, signintest.Alice)
	for _, secret := range []string{"", "x", "alice@example.com"} {
		if _, err := w.Authenticate(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%q: got %v", secret, err)
		}
	}
	if err := w.SignOut(t.Context(), "x"); err != nil {
		t.Errorf("signing nobody out: %v", err)
	}
}

func TestAnInactiveUserOpensNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, _ := w.People.User(t.Context(), signintest.Alice)
	u.Active = false
	_, err := w.OpenSession(t.Context(), u, signin.Proof{Method: signin.SAML}, "")
	wantReason(t, err, fault.Denied, "inactive")
}

func TestLastSeenIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	w := signintest.New(t)
	secret, who := w.SignIn(t, signintest.Alice)
	seen := func() time.Time {
		if _, err := w.Authenticate(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		s, err := w.Store.Session(t.Context(), who.Session.ID)
		if err != nil {
			t.Fatal(err)
		}
		return s.LastSeenAt
	}
	w.Clock.Pass(30 * time.Second)
	if got := seen(); !got.Equal(who.Session.CreatedAt) {
		t.Errorf("after 30 s it was written: %v", got)
	}
	w.Clock.Pass(30 * time.Second)
	if got := seen(); !got.Equal(w.Clock.Now()) {
		t.Errorf("after a minute it was not written: %v", got)
	}
}

func TestAnotherUsersSessionCannotBeEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, alice := w.SignIn(t, signintest.Alice)
	if err := w.EndSession(t.Context(), audit.Gatehouse, signintest.Bob, alice.Session.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
	got, err := w.Sessions(t.Context(), signintest.Alice, "", 10)
	if err != nil || len(got) != 1 || got[0].ID != alice.Session.ID {
		t.Errorf("alice's sessions: %v, %v", got, err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, err := w.Settings(t.Context())
	if err != nil || v.SessionLength != 8*time.Hour || v.Version != 0 {
		t.Fatalf("defaults: %+v, %v", v, err)
	}
	for _, d := range []time.Duration{0, -time.Hour, 15*time.Minute - 1, 90*24*time.Hour + 1} {
		if _, err := w.SetSettings(t.Context(), audit.Gatehouse, signin.Settings{SessionLength: d}, 0); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: got %v, want Invalid", d, err)
		}
	}
	if v, err = w.SetSettings(t.Context(), audit.Gatehouse, signin.Settings{SessionLength: 15 * time.Minute}, 0); err != nil || v.Version != 1 {
		t.Fatalf("got %+v, %v", v, err)
	}
	_, err = w.SetSettings(t.Context(), audit.Gatehouse, signin.Settings{SessionLength: time.Hour}, 0)
	wantReason(t, err, fault.Conflict, "version")
	secret, who := w.SignIn(t, signintest.Alice)
	if got := who.Session.ExpiresAt.Sub(who.Session.CreatedAt); got != 15*time.Minute {
		t.Errorf("a session lasts %v", got)
	}
	w.Clock.Pass(15 * time.Minute)
	if _, err := w.Authenticate(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after its end: %v", err)
	}
}

func TestSweepRemovesWhatHasExpiredAndNothingElse(t *testing.T) {
	t.Parallel()
	w := signintest.New(t)
	_, who := w.SignIn(t, signintest.Alice)
	login(t, w, who, sessionProfile)
	park(t, w, answered(w, begin(t, w, ""), "_a1"))
	before := w.Store.Rows()
	if n, err := w.Sweep(t.Context()); n != 0 || err != nil || w.Store.Rows() != before {
		t.Fatalf("nothing has expired: removed %d, %v", n, err)
	}
	w.Clock.Pass(signin.ClientLife)
	if _, err := w.Sweep(t.Context()); err != nil || w.Store.Rows() != 0 {
		t.Errorf("%d rows left, %v", w.Store.Rows(), err)
	}
}

func TestFormTokensAreOfOneSessionAndPurpose(t *testing.T) {
	t.Parallel()
	tok := signin.FormToken("secret", "device BCDF-GHJK")
	for name, ok := range map[string]bool{
		"itself":          signin.IsFormToken(tok, "secret", "device BCDF-GHJK"),
		"another session": !signin.IsFormToken(tok, "other", "device BCDF-GHJK"),
		"another purpose": !signin.IsFormToken(tok, "secret", "device ZZZZ-ZZZZ"),
		"no session":      !signin.IsFormToken(signin.FormToken("", "x"), "", "x"),
		"nothing":         !signin.IsFormToken("", "secret", "x"),
	} {
		if !ok {
			t.Errorf("%s: wrong answer", name)
		}
	}
}

func TestTheCookiesNameFollowsTheScheme(t *testing.T) {
	t.Parallel()
	if got := signin.CookieName("https://gatehouse.example"); got != "__Host-gatehouse" {
		t.Errorf("https: %q", got)
	}
	if got := signin.CookieName("http://127.0.0.1:8080"); got != "gatehouse_session" {
		t.Errorf("http: %q", got)
	}
}
