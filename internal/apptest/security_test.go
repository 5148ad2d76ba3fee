package apptest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/localiam"
)

// TestRoleCredentialsEndWithThePerson: whoever is disabled or deleted is out with the keys she has, also with those she went on to get with
// them, and they do not come back with her.
func TestRoleCredentialsEndWithThePerson(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		out, in func(*world)
	}{
		"disabled":              {func(w *world) { w.setActive(ann, false) }, func(w *world) { w.setActive(ann, true) }},
		"deleted":               {func(w *world) { w.ok(w.Directory.DeleteUser(w.t.Context(), tester, w.user(ann).ID, 0)) }, nil},
		"signed out everywhere": {func(w *world) { w.ok(w.IAM.RevokePersonSessions(w.t.Context(), tester, w.user(ann).ID)) }, func(*world) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSignIn(t)
			account := w.Instance.OwnerAccountID
			w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
			_, err := w.IAM.CreateRole(t.Context(), tester, localiam.Role{
				Identity:    localiam.Identity{AccountID: account, Name: "next"},
				TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`,
			})
			w.ok(err)
			b := w.browser()
			b.signIn(ann)
			hers, _ := b.credentials(account, "ReadOnly")
			next := w.assumed(hers, "arn:aws:iam::"+account+":role/next")
			third := w.assumed(next, "arn:aws:iam::"+account+":role/next")
			all := map[string]keys{"hers": hers, "assumed with hers": next, "assumed with those": third}
			for which, k := range all {
				if status, body := w.query(k, "sts", whoAmI); status != http.StatusOK {
					t.Fatalf("%s, before: HTTP %d %s", which, status, body)
				}
			}
			gone := func(when string) {
				t.Helper()
				for which, k := range all {
					if status, body := w.query(k, "sts", whoAmI); status != http.StatusForbidden || !strings.Contains(body, "ExpiredToken") {
						t.Errorf("%s, %s: HTTP %d %s", which, when, status, body)
					}
				}
			}
			w.Clock.Move(time.Second)
			way.out(w)
			gone("at once")
			if way.in != nil {
				w.Clock.Move(time.Second)
				way.in(w)
				gone("after she came back")
			}
		})
	}
}

// assumed assumes a role with the keys.
func (w *world) assumed(k keys, role string) keys {
	w.t.Helper()
	status, body := w.query(k, "sts", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=next&RoleArn="+url.QueryEscape(role))
	if status != http.StatusOK {
		w.t.Fatalf("AssumeRole: HTTP %d %s", status, body)
	}
	part := func(name string) string {
		_, after, _ := strings.Cut(body, "<"+name+">")
		value, _, _ := strings.Cut(after, "</"+name+">")
		return value
	}
	return keys{AccessKeyID: part("AccessKeyId"), SecretAccessKey: part("SecretAccessKey"), SessionToken: part("SessionToken")}
}
