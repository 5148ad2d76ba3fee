package ssoclient_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/apptest"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/signin"
	"gatehouse/internal/ssoclient"
)

// person is someone with one role in the management account, and her command line.
type person struct {
	*ssoclient.Client
	program *apptest.Program
	user    directory.User
	account string
	asked   int
}

func start(t *testing.T) *person {
	t.Helper()
	ctx := t.Context()
	p := apptest.Start(t)
	by := audit.Actor{Kind: audit.System, Name: "test"}
	u, err := p.Directory.CreateUser(ctx, by, directory.User{UserName: "mary@example.com", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	set, err := p.Access.CreateSet(ctx, by, access.PermissionSet{InstanceID: p.Instance.ID, Name: "ReadOnly"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Access.Assign(ctx, by, access.RoleKey{AccountID: p.Instance.OwnerAccountID, PermissionSetID: set.ID}, access.Principal{Type: access.User, ID: u.ID})
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if got, err := p.Access.Request(ctx, access.CreateAssignment, r.ID); err == nil && got.Status == access.Succeeded {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	me := &person{program: p, user: u, account: p.Instance.OwnerAccountID}
	me.Client = &ssoclient.Client{
		URL: p.URL, Region: "us-east-1", Session: "gatehouse", Cache: filepath.Join(t.TempDir(), "cache"), HTTP: &http.Client{Timeout: 10 * time.Second},
		Now: p.Clock.Now, Sleep: func(context.Context, time.Duration) error { return nil },
		Ask: func(_, code string) {
			me.asked++
			o, err := p.SignIn.OpenSession(ctx, u, signin.Proof{Method: signin.SAML}, "")
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := p.SignIn.DecideDevice(ctx, signin.Identity{User: u, Session: o.Session}, code, true); err != nil {
				t.Error(err)
			}
		},
	}
	if me.StartURL, err = me.DiscoverStartURL(ctx); err != nil || me.StartURL != p.StartURL() {
		t.Fatalf("start URL %q, %v", me.StartURL, err)
	}
	return me
}

func TestTokenIsAskedForOnceThenCachedThenRefreshed(t *testing.T) {
	t.Parallel()
	p := start(t)
	if _, err := p.Token(t.Context(), false); !errors.Is(err, ssoclient.ErrSignIn) {
		t.Errorf("without a token and without asking: %v", err)
	}
	first, err := p.Token(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Token(t.Context(), false)
	if err != nil || again != first || p.asked != 1 {
		t.Errorf("the cached token: same %v, asked %d times, %v", again == first, p.asked, err)
	}
	p.program.Clock.Move(2 * time.Hour)
	next, err := p.Token(t.Context(), false)
	if err != nil || next == first || p.asked != 1 {
		t.Errorf("the refreshed token: new %v, asked %d times, %v", next != first, p.asked, err)
	}
	p.program.Clock.Move(9 * time.Hour) // the session is over
	if _, err := p.Token(t.Context(), false); !errors.Is(err, ssoclient.ErrSignIn) {
		t.Errorf("after the session: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(p.Cache, "*.json"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != cacheName {
		t.Errorf("cache files %v, %v", files, err)
	}
	if st, err := os.Stat(files[0]); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the token lies there with mode %v, %v", st.Mode(), err)
	}
}

func TestAccountsRolesAndCredentials(t *testing.T) {
	t.Parallel()
	p := start(t)
	token, err := p.Token(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	as, err := p.Accounts(t.Context(), token)
	if err != nil || len(as) != 1 || as[0].ID != p.account {
		t.Fatalf("got %v, %v", as, err)
	}
	rs, err := p.Roles(t.Context(), token, p.account)
	if err != nil || len(rs) != 1 || rs[0] != "ReadOnly" {
		t.Errorf("got %v, %v", rs, err)
	}
	k, err := p.Credentials(t.Context(), token, p.account, "ReadOnly")
	if err != nil || !strings.HasPrefix(k.AccessKeyID, "ASIA") || time.UnixMilli(k.Expiration).Before(p.program.Clock.Now()) {
		t.Errorf("got %s until %d, %v", k.AccessKeyID, k.Expiration, err)
	}
	var refused *ssoclient.Refused
	if _, err := p.Credentials(t.Context(), token, p.account, "Administrator"); !errors.As(err, &refused) || refused.Status != 403 || refused.Message != "No access" {
		t.Errorf("a role she has not: %v", err)
	}
}

func TestConfigureTouchesOnlyItsOwnPart(t *testing.T) {
	t.Parallel()
	c := &ssoclient.Client{URL: "https://sso.example.com", StartURL: "https://d-0123456789.awsapps.com/start", Region: "us-east-1", Session: "gatehouse"}
	file := filepath.Join(t.TempDir(), "aws", "config")
	ps := []ssoclient.Profile{{AccountID: "111111111111", AccountName: "Payments Production", Role: "ReadOnly"}, {AccountID: "222222222222", AccountName: "payments-production!", Role: "ReadOnly"}, {AccountID: "222222222222", AccountName: "Böse\n[profile x]", Role: "A"}}
	if err := c.Configure(file, ps); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(file)
	for _, want := range []string{"[sso-session gatehouse]\n", "[profile payments-production-ReadOnly-111111111111]\n", "[profile payments-production-ReadOnly-222222222222]\n", "[profile b-se-profile-x-A]\n"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the file lacks %q:\n%s", want, b)
		}
	}
	mine := "[default]\nregion = eu-west-1\n"
	after := "\n[profile after]\nregion = x\n"
	if err := os.WriteFile(file, []byte(mine+"\n"+string(b)+after), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := c.Configure(file, ps[:1]); err != nil {
		t.Fatal(err)
	}
	b, _ = os.ReadFile(file)
	if s := string(b); !strings.HasPrefix(s, mine+"\n# begin gatehouse") || !strings.HasSuffix(s, after) || strings.Contains(s, "222222222222") || strings.Count(s, "[sso-session") != 1 {
		t.Errorf("got:\n%s", s)
	}
	if st, _ := os.Stat(file); st.Mode().Perm() != 0o640 {
		t.Errorf("the mode became %v", st.Mode())
	}
	broken := strings.SplitAfter(string(b), "[sso-session")[0]
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Configure(file, ps); err == nil {
		t.Error("a section without an end was cut")
	}
	if now, _ := os.ReadFile(file); string(now) != broken {
		t.Error("a refused change changed the file")
	}
}

// cacheName is the SHA-1 of "gatehouse", as the AWS CLI names the file.
const cacheName = "053b5e05dd1a60457217c282aaea91e3f67c704e.json"
