package signin_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
	"gatehouse/internal/signin/signintest"
)

// wantReason fails unless err is a fault of the kind and reason.
func wantReason(t *testing.T, err error, kind fault.Kind, reason string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Kind != kind || f.Reason != reason {
		t.Fatalf("got %v (%+v), want a fault %v %q", err, f, kind, reason)
	}
}

// answered is a verified answer to a request of the source entra, naming alice.
func answered(w signintest.World, b signin.Begun, assertion string) signin.Verified {
	return signin.Verified{
		SourceID: "entra", RequestID: b.RequestID, Relay: b.Relay, AssertionID: assertion,
		AssertionExpires: w.Clock.Now().Add(5 * time.Minute), UserID: signintest.Alice,
		Proof: signin.Proof{Method: signin.SAML, NameID: "alice@example.com", SessionIndex: "_s", Attributes: map[string]string{"Department": "R&D"}},
	}
}

func begin(t *testing.T, w signintest.World, returnTo string) signin.Begun {
	t.Helper()
	b, err := w.BeginSignIn(t.Context(), "entra", returnTo)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func park(t *testing.T, w signintest.World, v signin.Verified) signin.Waiting {
	t.Helper()
	p, err := w.Park(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSignInLeadsToASessionAndBackToThePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := begin(t, w, "/device?user_code=BCDF-GHJK")
	if len(b.RequestID) != 41 || b.RequestID[0] != '_' {
		t.Errorf("request id %q is not an NCName of 41 characters", b.RequestID)
	}
	p := park(t, w, answered(w, b, "_a1"))
	if p.BrowserSecret != "" {
		t.Error("a solicited answer minted a browser secret; the browser has one already")
	}
	o, err := w.Claim(t.Context(), p.Handle, b.BrowserSecret, "")
	if err != nil {
		t.Fatal(err)
	}
	if o.ReturnTo != "/device?user_code=BCDF-GHJK" {
		t.Errorf("returns to %q", o.ReturnTo)
	}
	who, err := w.Authenticate(t.Context(), o.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if who.User.ID != signintest.Alice || who.Session.Proof.Attributes["Department"] != "R&D" || who.Session.Proof.SourceID != "entra" {
		t.Errorf("got %+v", who)
	}
	if got := who.Session.ExpiresAt.Sub(who.Session.CreatedAt); got != signin.DefaultSessionLength {
		t.Errorf("session lasts %v, want %v", got, signin.DefaultSessionLength)
	}
}

func TestParkRefuses(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		change func(*testing.T, signintest.World, *signin.Verified)
		kind   fault.Kind
		reason string
	}{
		{"a request never made", func(_ *testing.T, _ signintest.World, v *signin.Verified) { v.RequestID = "_0" }, fault.Denied, "unknown-request"},
		{"another source's request (row 14)", func(_ *testing.T, _ signintest.World, v *signin.Verified) { v.SourceID = "okta" }, fault.Denied, "unknown-request"},
		{"another RelayState (row 21)", func(_ *testing.T, _ signintest.World, v *signin.Verified) { v.Relay = "https://evil.example/" }, fault.Denied, "unknown-request"},
		{"a request answered already (row 13)", func(t *testing.T, w signintest.World, v *signin.Verified) {
			first := *v
			first.AssertionID = "_first"
			park(t, w, first)
		}, fault.Denied, "used"},
		{"a late answer", func(_ *testing.T, w signintest.World, v *signin.Verified) {
			w.Clock.Pass(signin.RequestLife)
			v.AssertionExpires = w.Clock.Now().Add(time.Minute)
		}, fault.Denied, "expired"},
		{"an expired assertion", func(_ *testing.T, w signintest.World, v *signin.Verified) { v.AssertionExpires = w.Clock.Now() }, fault.Denied, "expired"},
		{"InResponseTo stripped (row 15)", func(_ *testing.T, _ signintest.World, v *signin.Verified) { v.RequestID = "" }, fault.Invalid, ""},
		{"unsolicited with InResponseTo", func(_ *testing.T, _ signintest.World, v *signin.Verified) { v.Unsolicited = true }, fault.Invalid, ""},
		{"no assertion id", func(_ *testing.T, _ signintest.World, v *signin.Verified) { v.AssertionID = "" }, fault.Invalid, ""},
		{"no user", func(_ *testing.T, _ signintest.World, v *signin.Verified) { v.UserID = "" }, fault.Invalid, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := answered(w, begin(t, w, "/start"), "_a1")
			row.change(t, w, &v)
			_, err := w.Park(t.Context(), v)
			wantReason(t, err, row.kind, row.reason)
		})
	}
}

func TestAReplayedAssertionIsRefusedEvenForAFreshRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	park(t, w, answered(w, begin(t, w, ""), "_a1"))
	again := begin(t, w, "")
	_, err := w.Park(t.Context(), answered(w, again, "_a1"))
	wantReason(t, err, fault.Denied, "replay")
	// The fresh request is still good: a replay must not use it up.
	park(t, w, answered(w, again, "_a2"))
}

func TestAssertionIDsOfTwoSourcesDoNotClash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, source := range []string{"entra", "okta"} {
		v := answered(w, signin.Begun{}, "_same")
		v.SourceID, v.Unsolicited = source, true
		park(t, w, v)
	}
}

func TestClaimRefuses(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		claim  func(*testing.T, signintest.World, *string, *string)
		reason string
	}{
		{"another browser (login CSRF, row 15)", func(t *testing.T, w signintest.World, _, secret *string) { *secret = begin(t, w, "").BrowserSecret }, "browser"},
		{"no cookie", func(_ *testing.T, _ signintest.World, _, secret *string) { *secret = "" }, "browser"},
		{"a guessed handle", func(_ *testing.T, _ signintest.World, handle, _ *string) { *handle = "x" }, "unknown"},
		{"too late", func(_ *testing.T, w signintest.World, _, _ *string) { w.Clock.Pass(signin.ParkedLife) }, "unknown"},
		{"a user deactivated meanwhile", func(_ *testing.T, w signintest.World, _, _ *string) { w.People.Switch(signintest.Alice, false) }, "inactive"},
		{"a user deleted meanwhile", func(_ *testing.T, w signintest.World, _, _ *string) { w.People.Delete(signintest.Alice) }, "inactive"},
		{"a second time", func(t *testing.T, w signintest.World, handle, secret *string) {
			if _, err := w.Claim(t.Context(), *handle, *secret, ""); err != nil {
				t.Fatal(err)
			}
		}, "unknown"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := begin(t, w, "")
			handle, secret := park(t, w, answered(w, b, "_a1")).Handle, b.BrowserSecret
			row.claim(t, w, &handle, &secret)
			_, err := w.Claim(t.Context(), handle, secret, "")
			wantReason(t, err, fault.Denied, row.reason)
		})
	}
}

func TestAHandleIsClaimedOnceByManyAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := begin(t, w, "")
	p := park(t, w, answered(w, b, "_a1"))
	var won atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			_, err := w.Claim(t.Context(), p.Handle, b.BrowserSecret, "")
			if err == nil {
				won.Add(1)
			} else if f := fault.Of(err); f.Reason != "unknown" {
				t.Errorf("a loser got %v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d claims succeeded, want 1", won.Load())
	}
}

func TestAnUnsolicitedAnswerIsBoundToTheBrowserThatBroughtIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := answered(w, signin.Begun{}, "_a1")
	v.Unsolicited, v.Relay = true, "/start/console?account_id=111122223333&role_name=ReadOnly"
	p := park(t, w, v)
	if p.BrowserSecret == "" {
		t.Fatal("no browser secret was minted")
	}
	_, err := w.Claim(t.Context(), p.Handle, "", "")
	wantReason(t, err, fault.Denied, "browser")
	o, err := w.Claim(t.Context(), p.Handle, p.BrowserSecret, "")
	if err != nil || o.ReturnTo != v.Relay {
		t.Errorf("got %q, %v", o.ReturnTo, err)
	}
}

func TestAnUnsolicitedRelayStateIsNoOpenRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := answered(w, signin.Begun{}, "_a1")
	v.Unsolicited, v.Relay = true, "https://evil.example/"
	p := park(t, w, v)
	o, err := w.Claim(t.Context(), p.Handle, p.BrowserSecret, "")
	if err != nil || o.ReturnTo != signin.DefaultReturn {
		t.Errorf("got %q, %v", o.ReturnTo, err)
	}
}

func TestSessionFixation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	planted, _ := w.SignIn(t, signintest.Bob)
	b := begin(t, w, "")
	o, err := w.Claim(t.Context(), park(t, w, answered(w, b, "_a1")).Handle, b.BrowserSecret, planted)
	if err != nil {
		t.Fatal(err)
	}
	if o.Secret == planted || o.Secret == b.BrowserSecret {
		t.Error("the session took over a secret that was known before the sign-in")
	}
	if _, err := w.Authenticate(t.Context(), planted); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("bob's session outlived alice's sign-in in the same browser: %v", err)
	}
}

func TestSigningInAgainKeepsOnesOwnCommandLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, _ := w.SignIn(t, signintest.Alice)
	b := begin(t, w, "")
	if _, err := w.Claim(t.Context(), park(t, w, answered(w, b, "_a1")).Handle, b.BrowserSecret, first); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), first); err != nil {
		t.Errorf("alice's first session ended: %v", err)
	}
}

func TestTheIdentityProvidersSessionCapsOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claim := func(notOnOrAfter time.Time, assertion string) (signin.Opened, error) {
		b := begin(t, w, "")
		v := answered(w, b, assertion)
		v.Proof.NotOnOrAfter = notOnOrAfter
		return w.Claim(t.Context(), park(t, w, v).Handle, b.BrowserSecret, "")
	}
	now := w.Clock.Now()
	if o, err := claim(now.Add(time.Hour), "_1"); err != nil || !o.Session.ExpiresAt.Equal(now.Add(time.Hour)) {
		t.Errorf("capped: got %v, %v", o.Session.ExpiresAt, err)
	}
	if o, err := claim(now.Add(100*time.Hour), "_2"); err != nil || !o.Session.ExpiresAt.Equal(now.Add(signin.DefaultSessionLength)) {
		t.Errorf("never longer: got %v, %v", o.Session.ExpiresAt, err)
	}
	_, err := claim(now, "_3")
	wantReason(t, err, fault.Denied, "expired")
}

func TestBeginningIsLimitedForOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var err error
	for range 100 {
		if _, err = w.BeginSignIn(t.Context(), "entra", ""); err != nil {
			break
		}
	}
	if !fault.Is(err, fault.Throttled) {
		t.Errorf("a hundred at once: got %v, want Throttled", err)
	}
	w.Clock.Pass(time.Second)
	if _, err := w.BeginSignIn(t.Context(), "entra", ""); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

func TestARefusedSignInIsRecorded(t *testing.T) {
	t.Parallel()
	w := signintest.New(t)
	ctx := audit.WithOrigin(t.Context(), audit.Origin{RequestID: "ref-1", ClientAddr: "192.0.2.1"})
	f, err := w.Fail(ctx, signin.Failure{SourceID: "entra", RequestID: "_r", Reason: "signature", Why: "It was changed.", Message: "<a/>"})
	if err != nil {
		t.Fatal(err)
	}
	es := w.Store.Events()
	if len(es) != 1 || es[0].Outcome != "Denied" || es[0].Detail["why"] != "signature: It was changed." || es[0].Detail["source"] != "entra" {
		t.Errorf("got %+v", es)
	}
	if got, err := w.Failure(ctx, "ref-1"); err != nil || got != f || got.ClientAddr != "192.0.2.1" || !got.At.Equal(w.Clock.Now()) {
		t.Errorf("got %+v, %v", got, err)
	}
	if fs, err := w.Failures(ctx, signin.FailureKey{}, 10); err != nil || len(fs) != 1 {
		t.Errorf("got %+v, %v", fs, err)
	}
	w.Clock.Pass(signin.FailureLife)
	if _, err := w.Failure(ctx, "ref-1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("after its life: %v", err)
	}
}

func TestAnOutageIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, _ := w.SignIn(t, signintest.Alice)
	w.People.Break(errors.New("the database is away"))
	if _, err := w.Authenticate(t.Context(), secret); !fault.Is(err, fault.Internal) {
		t.Fatalf("got %v, want Internal", err)
	}
	w.People.Break(nil)
	if _, err := w.Authenticate(t.Context(), secret); err != nil {
		t.Errorf("the session did not survive an outage of the identity store: %v", err)
	}
}

// TestLimitsAreOfThePlace: what strangers may have written is limited by where they come from, and neither another address of the
// same IPv6 network nor another registration is another place.
func TestLimitsAreOfThePlace(t *testing.T) {
	t.Parallel()
	from := func(addr string) context.Context {
		return audit.WithOrigin(t.Context(), audit.Origin{ClientAddr: addr})
	}
	t.Run("addresses of one IPv6 network", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		refused := 0
		for i := range 100 {
			if _, err := w.BeginSignIn(from(fmt.Sprintf("2001:db8:1:2::%x", i)), "default", "/start"); fault.Is(err, fault.Throttled) {
				refused++
			}
		}
		if refused == 0 {
			t.Error("a hundred sign-ins of one /64 network were begun at once")
		}
		if _, err := w.BeginSignIn(from("2001:db8:1:3::1"), "default", "/start"); err != nil {
			t.Errorf("the neighbour network: %v", err)
		}
		if _, err := w.BeginSignIn(from("::ffff:192.0.2.1"), "default", "/start"); err != nil {
			t.Errorf("an IPv4 address: %v", err)
		}
	})
	t.Run("device authorizations of many clients", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		refused := 0
		for i := range 100 {
			c, secret, err := w.RegisterClient(from(fmt.Sprintf("192.0.2.%d", i)), legacyProfile)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.StartDevice(from("198.51.100.1"), c.ID, secret, signintest.StartURL); fault.Is(err, fault.Throttled) {
				refused++
			}
		}
		if refused == 0 {
			t.Error("a hundred clients of one address started at once")
		}
	})
}
