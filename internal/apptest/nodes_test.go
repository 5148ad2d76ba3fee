package apptest_test

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"gatehouse/internal/apptest"
	"gatehouse/internal/directory"
	"gatehouse/internal/localiam"
	"gatehouse/internal/signin"
	"gatehouse/internal/storage/postgres/pgtest"
)

// TestSessionsEndOnEveryNode: what ends a person's sessions at one node has ended them at the others with their next request: in the browser, on the command line, and
// with the keys that she has.
func TestSessionsEndOnEveryNode(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t).Database(t)
	data := t.TempDir()
	node := func() *apptest.Program {
		return apptest.StartWith(t, func(c *apptest.Settings) {
			c.Database, c.Data, c.Keyset = database, data, filepath.Join(data, "keyset.json")
		})
	}
	nodes := []*apptest.Program{node(), node()}
	one, two := nodes[0], nodes[1]
	one.Clock.Move(two.Clock.Now().Sub(one.Clock.Now())) // the second came up later, and their clocks stand
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const role = "AWSReservedSSO_T_0123456789abcdef"
	account := one.Instance.OwnerAccountID
	_, err := one.IAM.PutRole(ctx, tester, localiam.Role{
		Identity:    localiam.Identity{AccountID: account, Name: role, Path: "/aws-reserved/sso.amazonaws.com/"},
		TrustPolicy: localiam.ReservedTrust(account), MaxSessionDuration: time.Hour,
	})
	ok(err)
	u, err := one.Directory.CreateUser(ctx, tester, directory.User{UserName: "mary@example.com", Active: true})
	ok(err)
	active := func(at *apptest.Program, active bool) {
		t.Helper()
		_, err := at.Directory.UpdateUser(ctx, tester, u.ID, 0, func(u *directory.User) error { u.Active = active; return nil })
		ok(err)
	}
	for name, out := range map[string]func(){
		"signed out everywhere": func() {
			_, err := two.SignIn.EndSessions(ctx, tester, u.ID)
			ok(err)
			ok(two.IAM.RevokePersonSessions(ctx, tester, u.ID))
		},
		"disabled": func() { active(two, false) },
		"her identity provider removed": func() {
			src, err := two.Directory.RemoveProvider(ctx, tester, "default", time.Time{})
			ok(err)
			if src.ProviderClosing {
				t.Error("something is left of the identity provider")
			}
		},
	} {
		o, err := one.SignIn.OpenSession(ctx, u, signin.Proof{Method: signin.SAML, SourceID: "default"}, "")
		ok(err)
		keys, err := one.IAM.IssueForSSO(ctx, localiam.SSOSession{AccountID: account, RoleName: role, SessionName: "mary", PersonID: u.ID, Duration: time.Hour})
		ok(err)
		want := func(when string, status int) {
			t.Helper()
			for i, n := range nodes {
				r, err := http.NewRequestWithContext(ctx, "GET", n.URL+"/api/v1/session", nil)
				ok(err)
				r.AddCookie(&http.Cookie{Name: signin.CookieName(n.URL), Value: o.Secret})
				res, err := http.DefaultClient.Do(r)
				ok(err)
				res.Body.Close()
				if res.StatusCode != status {
					t.Errorf("%s, %s: node %d answers HTTP %d, want %d", name, when, i+1, res.StatusCode, status)
				}
				if _, err := n.IAM.Credential(ctx, keys.AccessKeyID, keys.SessionToken); (err == nil) != (status == http.StatusOK) {
					t.Errorf("%s, %s: the keys at node %d: %v", name, when, i+1, err)
				}
			}
		}
		want("before", http.StatusOK) // and so every node has looked at her once
		for _, n := range nodes {
			n.Clock.Move(time.Second)
		}
		out()
		want("after", http.StatusUnauthorized)
		active(one, true)
		want("when she is back", http.StatusUnauthorized)
		for _, n := range nodes {
			n.Clock.Move(time.Second)
		}
	}
}
