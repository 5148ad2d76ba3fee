package apptest_test

import (
	"fmt"
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

// twoNodes are two servers of one database. Their clocks stand at the same time.
func twoNodes(t *testing.T) []*apptest.Program {
	t.Helper()
	database := pgtest.Start(t).Database(t)
	data := t.TempDir()
	node := func() *apptest.Program {
		return apptest.StartWith(t, func(c *apptest.Settings) {
			c.Database, c.Data, c.Keyset = database, data, filepath.Join(data, "keyset.json")
		})
	}
	nodes := []*apptest.Program{node(), node()}
	nodes[0].Clock.Move(nodes[1].Clock.Now().Sub(nodes[0].Clock.Now())) // the second came up later
	return nodes
}

// reservedRole makes a role for sessions of people.
func reservedRole(t *testing.T, p *apptest.Program) (name string) {
	t.Helper()
	name = "AWSReservedSSO_T_0123456789abcdef"
	account := p.Instance.OwnerAccountID
	_, err := p.IAM.PutRole(t.Context(), tester, localiam.Role{
		Identity:    localiam.Identity{AccountID: account, Name: name, Path: "/aws-reserved/sso.amazonaws.com/"},
		TrustPolicy: localiam.ReservedTrust(account), MaxSessionDuration: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestNodesGoOnWithARemoval: what whoever asked for a removal left undone is done without her asking again: at every node the keys that people had are void.
func TestNodesGoOnWithARemoval(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t)
	one := nodes[0]
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	account, role := one.Instance.OwnerAccountID, reservedRole(t, one)
	var people []localiam.Credentials
	for i := range 501 { // one more than sessions end in one transaction
		u, err := one.Directory.CreateUser(ctx, tester, directory.User{UserName: fmt.Sprint("u", i), Active: true, Source: "default"})
		ok(err)
		_, err = one.SignIn.OpenSession(ctx, u, signin.Proof{Method: signin.SAML, SourceID: "default"}, "")
		ok(err)
		keys, err := one.IAM.IssueForSSO(ctx, localiam.SSOSession{AccountID: account, RoleName: role, SessionName: u.UserName, PersonID: u.ID, Duration: time.Hour})
		ok(err)
		people = append(people, keys)
	}
	good := func(n *apptest.Program) (count int) {
		for _, k := range people {
			if _, err := n.IAM.Credential(ctx, k.AccessKeyID, k.SessionToken); err == nil {
				count++
			}
		}
		return count
	}
	move := func(d time.Duration) {
		for _, n := range nodes {
			n.Clock.Move(d)
		}
	}
	move(time.Second)
	src, err := one.Directory.RemoveProvider(ctx, tester, "default", time.Time{}.Add(1))
	ok(err)
	if n := good(one); !src.ProviderClosing || n != 1 {
		t.Fatalf("the first turn leaves %d keys that are good: %+v", n, src)
	}
	move(time.Minute)
	for end := time.Now().Add(time.Minute); src.ProviderClosing; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody goes on with the removal")
		}
		src, err = one.Directory.Source(ctx, "default")
		ok(err)
	}
	for i, n := range nodes {
		if left := good(n); left != 0 {
			t.Errorf("node %d takes %d keys still", i+1, left)
		}
	}
}

// TestSessionsEndOnEveryNode: what ends a person's sessions at one node has ended them at the others with their next request: in the browser, on the command line, and
// with the keys that she has.
func TestSessionsEndOnEveryNode(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t)
	one, two := nodes[0], nodes[1]
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	account, role := one.Instance.OwnerAccountID, reservedRole(t, one)
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
