package apptest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/awswire"
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
		"signed out everywhere": {func(w *world) { w.admin("DELETE", "/api/v1/users/"+ann+"/sessions", "") }, func(*world) {}},
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

// TestIssuedCredentialsAreNoted: one event for what a session gets of a role in a quarter of an hour, and it tells no secret.
func TestIssuedCredentialsAreNoted(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	account := w.Instance.OwnerAccountID
	for _, set := range []string{"ReadOnly", "Other"} {
		w.grant(set, access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	}
	b := w.browser()
	b.signIn(ann)
	want := func(when string, n int) {
		t.Helper()
		es := w.events("sso:GetRoleCredentials")
		if len(es) != n {
			t.Errorf("%s: %d events, want %d", when, len(es), n)
		}
	}
	first, _ := b.credentials(account, "ReadOnly")
	second, _ := b.credentials(account, "ReadOnly")
	want("twice the same", 1)
	e := w.events("sso:GetRoleCredentials")[0]
	if e.ActorName != ann || e.Detail["accessKeyId"] != first.AccessKeyID || e.Detail["account"] != account || e.Detail["permissionSet"] != "ReadOnly" || e.ClientAddr == "" {
		t.Errorf("the event: %+v", e)
	}
	for _, v := range e.Detail {
		if strings.Contains(v, first.SecretAccessKey) || strings.Contains(v, first.SessionToken) || strings.Contains(v, second.SecretAccessKey) {
			t.Error("the event tells a secret")
		}
	}
	b.credentials(account, "Other")
	want("another role", 2)
	b.credentials(account, "Nothing")
	want("refused", 2)
	w.Clock.Move(16 * time.Minute)
	b.credentials(account, "ReadOnly")
	want("a quarter of an hour later", 3)
	again := w.browser()
	again.signIn(ann)
	again.credentials(account, "ReadOnly")
	want("another session", 4)
}

type event struct {
	Action, ActorName, ClientAddr string
	Detail                        map[string]string
}

// events reads the events of an action from the admin API.
func (w *world) events(action string) []event {
	w.t.Helper()
	var out struct{ Events []event }
	w.ok(json.Unmarshal(w.admin("GET", "/api/v1/events?limit=1000", ""), &out))
	return slices.DeleteFunc(out.Events, func(e event) bool { return e.Action != action })
}

// admin calls the admin API with the administrator's key.
func (w *world) admin(method, path, body string) []byte {
	w.t.Helper()
	r, err := http.NewRequest(method, w.URL+path, strings.NewReader(body))
	w.ok(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	k := awswire.Key{ID: w.Env["AWS_ACCESS_KEY_ID"], Secret: w.Env["AWS_SECRET_ACCESS_KEY"]}
	w.ok(awswire.Sign(r, []byte(body), k, w.Config.Region, "gatehouse", w.Clock.Now()))
	res, err := http.DefaultClient.Do(r)
	w.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	w.ok(err)
	if res.StatusCode >= 300 {
		w.t.Fatalf("%s %s: HTTP %d %s", method, path, res.StatusCode, b)
	}
	return b
}
