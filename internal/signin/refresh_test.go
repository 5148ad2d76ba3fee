package signin_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	token, seen := l.RefreshToken, map[string]bool{l.RefreshToken: true}
	for hour := range 7 {
		w.Clock.Pass(time.Hour)
		i, err := w.Refresh(t.Context(), l.client, l.secret, token)
		if err != nil {
			t.Fatalf("hour %d: %v", hour+1, err)
		}
		if seen[i.RefreshToken] || i.RefreshToken == "" {
			t.Fatalf("hour %d: the refresh token did not change", hour+1)
		}
		if _, err := w.Bearer(t.Context(), i.AccessToken); err != nil {
			t.Fatal(err)
		}
		token, seen[i.RefreshToken] = i.RefreshToken, true
	}
	w.Clock.Pass(30 * time.Minute)
	i, err := w.Refresh(t.Context(), l.client, l.secret, token)
	if err != nil || i.Life != 30*time.Minute {
		t.Errorf("near the session's end: %+v, %v", i, err)
	}
	w.Clock.Pass(30 * time.Minute)
	_, err = w.Refresh(t.Context(), l.client, l.secret, i.RefreshToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
}

func TestALostAnswerIsRepeatedWithTheSameSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	lost, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Pass(3 * time.Hour) // the laptop slept
	again, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	if err != nil || again.RefreshToken != lost.RefreshToken || again.AccessToken == lost.AccessToken {
		t.Fatalf("got %+v after %+v, %v", again, lost, err)
	}
	if _, err := w.Bearer(t.Context(), again.AccessToken); err != nil {
		t.Error(err)
	}
}

func TestParallelCommandLinesAllStaySignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	got := make([]signin.Issued, 12)
	var all sync.WaitGroup
	for n := range got {
		all.Go(func() {
			i, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
			if err != nil {
				t.Errorf("process %d: %v", n, err)
			}
			got[n] = i
		})
	}
	all.Wait()
	for n, i := range got {
		if i.RefreshToken != got[0].RefreshToken {
			t.Errorf("process %d was given another successor", n)
		}
		if _, err := w.Bearer(t.Context(), i.AccessToken); err != nil {
			t.Errorf("process %d: %v", n, err)
		}
	}
}

func TestAStolenRefreshTokenRevokesTheGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	other := login(t, w, who, sessionProfile)
	second, err := w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	third, err := w.Refresh(t.Context(), l.client, l.secret, second.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken) // the thief, or the owner, comes late
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	if _, err := w.Refresh(t.Context(), l.client, l.secret, third.RefreshToken); err == nil {
		t.Error("the newest refresh token lives on")
	}
	if _, err := w.Bearer(t.Context(), third.AccessToken); err == nil {
		t.Error("the newest access token lives on")
	}
	if _, err := w.Bearer(t.Context(), other.AccessToken); err != nil {
		t.Errorf("another command line was hit: %v", err)
	}
}

func TestRefreshRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	oid, osecret := register(t, w, sessionProfile)
	_, err := w.Refresh(t.Context(), oid, osecret, l.RefreshToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	_, err = w.Refresh(t.Context(), l.client, osecret, l.RefreshToken)
	wantReason(t, err, fault.Unauthenticated, signin.InvalidClient)
	_, err = w.Refresh(t.Context(), l.client, l.secret, l.AccessToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
	if _, err := w.Bearer(t.Context(), l.RefreshToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a refresh token served as access token: %v", err)
	}
	w.People.Switch(signintest.Alice, false)
	_, err = w.Refresh(t.Context(), l.client, l.secret, l.RefreshToken)
	wantReason(t, err, fault.Invalid, signin.InvalidGrant)
}

func TestLogoutOfACommandLineEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	if err := w.SignOutBearer(t.Context(), l.AccessToken); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), cookie); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the browser's session: %v", err)
	}
	if err := w.SignOutBearer(t.Context(), l.AccessToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a second logout: %v, want Unauthenticated", err)
	}
}

func TestNoSecretIsStoredOrRecorded(t *testing.T) {
	t.Parallel()
	w := signintest.New(t)
	cookie, who := w.SignIn(t, signintest.Alice)
	l := login(t, w, who, sessionProfile)
	secrets := []string{cookie, l.AccessToken, l.RefreshToken, l.secret}
	for _, e := range w.Store.Events() {
		for _, v := range e.Detail {
			for _, s := range secrets {
				if strings.Contains(v+e.Resource+e.Actor.ID, s) {
					t.Errorf("%s tells a secret", e.Action)
				}
			}
		}
	}
	for _, s := range secrets {
		if w.Store.Holds(s) {
			t.Error("the store keeps a secret as it is")
		}
	}
}
