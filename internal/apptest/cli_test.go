package apptest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatehouse/internal/access"
	"gatehouse/internal/directory"
	"gatehouse/internal/tenant"
)

// cli is a command line: a registered client with the tokens it got.
type cli struct {
	w                   *world
	id, secret, refresh string
	token               string
}

// oauth sends a JSON body to an operation of sso-oidc and returns the status and the answer.
func (w *world) oauth(path string, in map[string]any) (int, map[string]any) {
	w.t.Helper()
	b, err := json.Marshal(in)
	w.ok(err)
	res, err := http.Post(w.URL+path, "application/json", bytes.NewReader(b))
	w.ok(err)
	defer res.Body.Close()
	var out map[string]any
	w.ok(json.NewDecoder(res.Body).Decode(&out))
	if res.StatusCode >= 500 {
		w.t.Fatalf("POST %s: HTTP %d %v", path, res.StatusCode, out)
	}
	return res.StatusCode, out
}

func (w *world) must(path string, in map[string]any) map[string]any {
	w.t.Helper()
	status, out := w.oauth(path, in)
	if status != http.StatusOK {
		w.t.Fatalf("POST %s: HTTP %d %v", path, status, out)
	}
	return out
}

// device runs the device flow to its end, with the approval of who is signed in in b.
func (b *browser) device() *cli {
	b.w.t.Helper()
	w := b.w
	r := w.must("/client/register", map[string]any{"clientName": "botocore-client", "clientType": "public", "scopes": []string{"sso:account:access"},
		"grantTypes": []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}})
	c := &cli{w: w, id: r["clientId"].(string), secret: r["clientSecret"].(string)}
	d := w.must("/device_authorization", map[string]any{"clientId": c.id, "clientSecret": c.secret, "startUrl": w.StartURL()})
	if status, out := c.exchange(d["deviceCode"].(string)); status != http.StatusBadRequest || out["error"] != "authorization_pending" {
		w.t.Errorf("before the approval: HTTP %d %v", status, out)
	}
	w.Clock.Move(2 * time.Second)
	action, form := b.get("/device?user_code=" + url.QueryEscape(d["userCode"].(string))).form(w.t)
	form.Set("decision", "allow")
	if p := b.post(action, form); p.status != http.StatusOK || !strings.Contains(p.body, "You are signed in on the command line") {
		w.t.Fatalf("approving: HTTP %d %s", p.status, text(p.body))
	}
	status, out := c.exchange(d["deviceCode"].(string))
	if status != http.StatusOK {
		w.t.Fatalf("after the approval: HTTP %d %v", status, out)
	}
	c.token, c.refresh = out["accessToken"].(string), out["refreshToken"].(string)
	if status, out := c.exchange(d["deviceCode"].(string)); status == http.StatusOK {
		w.t.Errorf("a device code worked twice: %v", out)
	}
	return c
}

func (c *cli) exchange(code string) (int, map[string]any) {
	c.w.t.Helper()
	return c.w.oauth("/token", map[string]any{"clientId": c.id, "clientSecret": c.secret, "grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": code})
}

// renew uses the refresh token and returns the status.
func (c *cli) renew() int {
	c.w.t.Helper()
	status, out := c.w.oauth("/token", map[string]any{"clientId": c.id, "clientSecret": c.secret, "grantType": "refresh_token", "refreshToken": c.refresh})
	if status == http.StatusOK {
		c.token, c.refresh = out["accessToken"].(string), out["refreshToken"].(string)
	}
	return status
}

// call sends an operation of the portal API and returns the status and the answer.
func (c *cli) call(method, path string) (int, map[string]any) {
	c.w.t.Helper()
	r, err := http.NewRequest(method, c.w.URL+path, nil)
	c.w.ok(err)
	r.Header.Set("X-Amz-Sso_bearer_token", c.token)
	res, err := http.DefaultClient.Do(r)
	c.w.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	c.w.ok(err)
	var out map[string]any
	_ = json.Unmarshal(b, &out) // Logout answers nothing
	return res.StatusCode, out
}

func (c *cli) credentials(account, role string) (int, keys) {
	c.w.t.Helper()
	status, out := c.call("GET", "/federation/credentials?account_id="+account+"&role_name="+role)
	if status != http.StatusOK {
		return status, keys{}
	}
	k := out["roleCredentials"].(map[string]any)
	return status, keys{AccessKeyID: k["accessKeyId"].(string), SecretAccessKey: k["secretAccessKey"].(string), SessionToken: k["sessionToken"].(string),
		Expiration: time.UnixMilli(int64(k["expiration"].(float64)))}
}

// out checks that a command line has nothing left.
func (c *cli) out(why string) {
	c.w.t.Helper()
	for _, path := range []string{"/assignment/accounts", "/assignment/roles?account_id=" + c.w.Instance.OwnerAccountID, "/federation/credentials?account_id=" + c.w.Instance.OwnerAccountID + "&role_name=ReadOnly"} {
		if status, _ := c.call("GET", path); status != http.StatusUnauthorized {
			c.w.t.Errorf("%s: GET %s: HTTP %d", why, path, status)
		}
	}
	if status := c.renew(); status == http.StatusOK {
		c.w.t.Errorf("%s: the refresh token works", why)
	}
}

// query signs an AWS Query request with keys, at the program's time, and returns status and body.
func (w *world) query(k keys, service, form string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest("POST", w.URL+"/", strings.NewReader(form))
	w.ok(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(form))
	w.ok(v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken},
		r, hex.EncodeToString(sum[:]), service, w.Config.Region, w.Clock.Now()))
	res, err := http.DefaultClient.Do(r)
	w.ok(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	w.ok(err)
	return res.StatusCode, string(b)
}

const whoAmI = "Action=GetCallerIdentity&Version=2011-06-15"

// TestCommandLine: tokens hang on the session they were approved in, and go with it whichever way it goes.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	account := w.Instance.OwnerAccountID
	b := w.browser()
	b.signIn(ann)

	c := b.device()
	if status, out := c.call("GET", "/assignment/accounts"); status != http.StatusOK || len(out["accountList"].([]any)) != 1 {
		t.Fatalf("HTTP %d %v", status, out)
	}
	if status := c.renew(); status != http.StatusOK {
		t.Errorf("refresh: HTTP %d", status)
	}
	status, k := c.credentials(account, "ReadOnly")
	if status != http.StatusOK {
		t.Fatalf("HTTP %d", status)
	}
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusOK || !strings.Contains(body, "/ann@contoso.test</Arn>") {
		t.Errorf("HTTP %d %s", status, body)
	}
	if status, body := w.query(k, "iam", "Action=CreateUser&UserName=m&Version=2010-05-08"); status != http.StatusForbidden || !strings.Contains(body, "<Code>AccessDenied</Code>") {
		t.Errorf("HTTP %d %s", status, body)
	}

	if status := b.api("POST", "/session/logout", nil, nil); status != http.StatusNoContent {
		t.Errorf("sign-out: HTTP %d", status)
	}
	b.wantSession("")
	c.out("after sign-out in the browser")

	b.signIn(ann)
	c, sibling := b.device(), b.device()
	if status, _ := c.call("POST", "/logout"); status != http.StatusOK && status != http.StatusNoContent {
		t.Errorf("aws sso logout: HTTP %d", status)
	}
	c.out("after aws sso logout")
	sibling.out("after another's aws sso logout")
	b.wantSession("")

	b.signIn(ann)
	c = b.device()
	w.Clock.Move(9 * time.Hour)
	c.out("after the session's end")
}

// TestCredentialsExpire when they say so, to the second.
func TestCredentialsExpire(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	b := w.browser()
	b.signIn(ann)
	k, status := b.credentials(w.Instance.OwnerAccountID, "ReadOnly")
	if status != http.StatusOK {
		t.Fatalf("HTTP %d", status)
	}
	w.Clock.Move(k.Expiration.Sub(w.Clock.Now()) - time.Second)
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusOK {
		t.Errorf("a second before: HTTP %d %s", status, body)
	}
	w.Clock.Move(time.Second)
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusForbidden || !strings.Contains(body, "<Code>ExpiredToken</Code>") {
		t.Errorf("at the end: HTTP %d %s", status, body)
	}
	short := k
	short.SessionToken = k.SessionToken[:len(k.SessionToken)-4] + "AAAA"
	if status, body := w.query(short, "sts", whoAmI); status != http.StatusForbidden || !strings.Contains(body, "InvalidClientTokenId") {
		t.Errorf("with a changed token: HTTP %d %s", status, body)
	}
}

// TestEntitlementLoss refuses new credentials at once, whichever way the entitlement goes.
func TestEntitlementLoss(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	set := w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	account := w.Instance.OwnerAccountID
	b := w.browser()
	b.signIn(ann)
	c := b.device()
	want := func(when string, status int) {
		t.Helper()
		if got, _ := c.credentials(account, "ReadOnly"); got != status {
			t.Errorf("%s: GetRoleCredentials: HTTP %d, want %d", when, got, status)
		}
		if _, got := b.credentials(account, "ReadOnly"); got != status {
			t.Errorf("%s: the portal: HTTP %d, want %d", when, got, status)
		}
		_, roles := c.call("GET", "/assignment/roles?account_id="+account)
		if got := roles["roleList"]; (status == http.StatusOK) != (got != nil && len(got.([]any)) == 1) {
			t.Errorf("%s: roles %v", when, roles)
		}
	}
	want("entitled", http.StatusOK)
	k := access.RoleKey{AccountID: account, PermissionSetID: set.ID}
	r, err := w.Access.Unassign(t.Context(), tester, k, access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	w.ok(err)
	want("unassigned, role still there or not", http.StatusForbidden)
	w.finished(r)
	w.assign(k, access.Principal{Type: access.Group, ID: w.groupID("Devs")})
	want("assigned again", http.StatusOK)
	w.ok(w.tenant.Assign(ann, ""))
	w.ok(w.tenant.RemoveMember("Devs", ann))
	w.sync()
	want("left the group", http.StatusForbidden)
	w.assign(k, access.Principal{Type: access.User, ID: w.user(ann).ID})
	want("assigned directly", http.StatusOK)
	w.ok(w.tenant.Unassign(ann))
	w.ok(w.tenant.AddMember("Devs", ann))
	w.ok(w.tenant.Unassign("Devs"))
	w.sync()
	c.out("her group unassigned, and with it she")
}

// TestDeactivated: by whichever way somebody is deactivated, she is out everywhere at once, and none of her old sessions comes
// back with her.
func TestDeactivated(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct{ out, in func(*world) }{
		"disabled in the tenant": {
			func(w *world) { w.ok(w.tenant.SetEnabled(ann, false)); w.sync() },
			func(w *world) { w.ok(w.tenant.SetEnabled(ann, true)); w.sync() }},
		"disabled on demand": {
			func(w *world) { w.ok(w.tenant.SetEnabled(ann, false)); w.demand(ann) },
			func(w *world) { w.ok(w.tenant.SetEnabled(ann, true)); w.demand(ann) }},
		"deleted and restored": {
			func(w *world) { w.ok(w.tenant.DeleteUser(ann)); w.sync() },
			func(w *world) { w.ok(w.tenant.RestoreUser(ann)); w.sync() }},
		"unassigned": {
			func(w *world) { w.ok(w.tenant.RemoveMember("Devs", ann)); w.sync() },
			func(w *world) { w.ok(w.tenant.AddMember("Devs", ann)); w.sync() }},
		"disabled at the server": {
			func(w *world) { w.setActive(ann, false) },
			func(w *world) { w.setActive(ann, true) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSignIn(t)
			w.grant("ReadOnly", access.Principal{Type: access.Group, ID: w.groupID("Devs")})
			b, idle := w.browser(), w.browser()
			b.signIn(ann)
			idle.signIn(ann)
			c, idleCLI := b.device(), idle.device()
			waiting := w.must("/device_authorization", map[string]any{"clientId": c.id, "clientSecret": c.secret, "startUrl": w.StartURL()})
			half := w.browser()
			acs, answer := half.response(ann, "/start")

			w.Clock.Move(time.Second)
			way.out(w)
			b.wantSession("")
			c.out("while deactivated")
			if _, status := b.credentials(w.Instance.OwnerAccountID, "ReadOnly"); status != http.StatusUnauthorized {
				t.Errorf("the portal while deactivated: HTTP %d", status)
			}
			if p := b.get("/device?user_code=" + url.QueryEscape(waiting["userCode"].(string))); p.status != http.StatusSeeOther || !strings.HasPrefix(p.location(), "/signin") {
				t.Errorf("the approval page while deactivated: HTTP %d", p.status)
			}
			if p := half.deliver(acs, answer); p.status != http.StatusForbidden {
				t.Errorf("a sign-in begun before: HTTP %d", p.status)
			}

			w.Clock.Move(time.Second)
			way.in(w)
			w.wantActive(ann, true)
			w.Clock.Move(time.Second)
			for _, old := range []*browser{b, idle} {
				old.wantSession("")
			}
			c.out("after she came back")
			idleCLI.out("after she came back, a command line that asked nothing meanwhile")
			b.signIn(ann)
			b.wantSession(ann)
			if _, status := b.credentials(w.Instance.OwnerAccountID, "ReadOnly"); status != http.StatusOK {
				t.Errorf("her new session: HTTP %d", status)
			}
		})
	}
}

func (w *world) demand(user string) {
	w.t.Helper()
	entries, err := w.tenant.OnDemandUser(w.t.Context(), user)
	w.ok(err)
	for _, e := range entries {
		if e.Status == "failure" {
			w.t.Fatalf("on demand: %+v", e)
		}
	}
}

func (w *world) setActive(user string, active bool) {
	w.t.Helper()
	_, err := w.Directory.UpdateUser(w.t.Context(), tester, w.user(user).ID, 0, func(u *directory.User) error { u.Active = active; return nil })
	w.ok(err)
}

// TestGuardAndQuarantine: many leave at once and the tenant waits; a revoked token stops the job, and a new one makes it well.
func TestGuardAndQuarantine(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	w.job(func(s *tenant.Settings) { s.DeletionThreshold = 1 })
	w.ok(w.tenant.Unassign("Devs"))
	if c, err := w.tenant.RunCycle(t.Context()); err == nil || c.Result != "Quarantined" {
		t.Fatalf("got %s, %v", c.Result, err)
	}
	w.wantActive(ann, true)
	w.ok(w.tenant.Deletions(true))
	w.sync()
	w.wantActive(ann, false)
	w.wantActive(bob, false)
	ts, err := w.Directory.Tokens(t.Context(), w.dir)
	w.ok(err)
	for _, x := range ts {
		w.ok(w.Directory.DeleteToken(t.Context(), tester, w.dir, x.ID))
	}
	w.ok(w.tenant.Assign("Devs", ""))
	if c, err := w.tenant.RunCycle(t.Context()); err == nil || c.Result != "Quarantined" {
		t.Errorf("with a revoked token: got %s, %v", c.Result, err)
	}
	w.wantActive(ann, false)
	_, secret, err := w.Directory.CreateToken(t.Context(), tester, w.dir, 0)
	w.ok(err)
	w.ok(w.tenant.SetSecretToken(secret))
	w.ok(w.tenant.Restart())
	w.sync()
	w.wantActive(ann, true)
	w.wantMembers("Devs", "ann", "bob")
}
