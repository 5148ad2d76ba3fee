package nodes

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/storage/postgres"
	"gatehouse/internal/storage/postgres/pgtest"
	"gatehouse/test/process"
)

// TestNodes shares one PostgreSQL server; each part has a database of its own.
//
// Attack class 13.
func TestNodes(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	t.Run("first start together on nothing", func(t *testing.T) { t.Parallel(); firstStart(t, pg.Database(t)) })
	for range 3 { // without migrations, which one node makes while the others wait, they come closer together
		t.Run("first start together on empty tables", func(t *testing.T) { t.Parallel(); firstStart(t, migrated(t, pg)) })
	}
	t.Run("either node will do", func(t *testing.T) { t.Parallel(); either(t, pg) })
	t.Run("a node is killed", func(t *testing.T) { t.Parallel(); killed(t, pg) })
}

func migrated(t *testing.T, pg *pgtest.Server) string {
	t.Helper()
	url := pg.Database(t)
	db, err := postgres.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	ok(t, err)
	ok(t, db.Close())
	return url
}

// firstStart: nodes that find the same empty database at the same time make one installation.
func firstStart(t *testing.T, database string) {
	t.Helper()
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	nodes := []*node{newNode(t, database, keyset), newNode(t, database, keyset), newNode(t, database, keyset)}
	start(t, nodes...)
	with := 0
	for _, n := range nodes {
		for _, name := range []string{"GATEHOUSE_INSTANCE_ARN", "GATEHOUSE_IDENTITY_STORE_ID", "GATEHOUSE_START_URL"} {
			if n.Env[name] != nodes[0].Env[name] {
				t.Errorf("%s is %s here and %s there", name, n.Env[name], nodes[0].Env[name])
			}
		}
		if n.Env["AWS_ACCESS_KEY_ID"] == "" {
			continue // a user has two keys at most
		}
		with++
		var instances struct {
			Instances []struct{ InstanceArn string }
		}
		ok(t, n.aws().Call(t.Context(), process.SSOAdmin, "ListInstances", struct{}{}, &instances))
		if len(instances.Instances) != 1 || instances.Instances[0].InstanceArn != n.Env["GATEHOUSE_INSTANCE_ARN"] {
			t.Errorf("instances: %+v, want only %s", instances, n.Env["GATEHOUSE_INSTANCE_ARN"])
		}
		var accounts struct{ Accounts []struct{ Id string } }
		ok(t, n.aws().Call(t.Context(), process.Organizations, "ListAccounts", struct{}{}, &accounts))
		if len(accounts.Accounts) != 1 {
			t.Errorf("accounts: %+v, want only the management account", accounts)
		}
		var directories struct{ Directories []struct{ ID string } }
		ok(t, n.admin().Do(t.Context(), http.MethodGet, "/directories", nil, &directories))
		if len(directories.Directories) != 1 || directories.Directories[0].ID != "default" {
			t.Errorf("directories: %+v", directories)
		}
	}
	if with != 2 {
		t.Errorf("%d of three nodes have an administrator's key, want two, which is all a user may have", with)
	}
}

// either: what one node was told the other knows, and what works once works once.
func either(t *testing.T, pg *pgtest.Server) {
	p := newPair(t, pg)
	p.reads()
	p.connect()
	p.signIn()
	p.replay()
	account := p.entitle()
	token := p.commandLine(account)
	p.authorizationCode()
	p.signOut(token)
}

func (p *pair) reads() {
	p.t.Helper()
	store := p.a.Env["GATEHOUSE_IDENTITY_STORE_ID"]
	for i := range 20 {
		from, to := p.a, p.b
		if i%2 == 1 {
			from, to = p.b, p.a
		}
		name := fmt.Sprintf("user-%d@example.com", i)
		var u struct{ UserId, UserName string }
		ok(p.t, from.aws().Call(p.t.Context(), process.IdentityStore, "CreateUser", map[string]any{"IdentityStoreId": store, "UserName": name, "DisplayName": name,
			"Name": map[string]string{"GivenName": "A", "FamilyName": "B"}}, &u))
		id := map[string]string{"IdentityStoreId": store, "UserId": u.UserId}
		ok(p.t, to.aws().Call(p.t.Context(), process.IdentityStore, "DescribeUser", id, &u))
		if u.UserName != name {
			p.t.Errorf("got %q, want %q", u.UserName, name)
		}
		var refused *process.Refused
		if err := to.aws().Call(p.t.Context(), process.IdentityStore, "CreateUser", map[string]any{"IdentityStoreId": store, "UserName": strings.ToUpper(name), "DisplayName": name,
			"Name": map[string]string{"GivenName": "A", "FamilyName": "B"}}, nil); !errors.As(err, &refused) || !strings.Contains(refused.Type, "ConflictException") {
			p.t.Errorf("the name again at the other node: %v", err)
		}
		ok(p.t, to.aws().Call(p.t.Context(), process.IdentityStore, "DeleteUser", id, nil))
		if err := from.aws().Call(p.t.Context(), process.IdentityStore, "DescribeUser", id, nil); !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
			p.t.Errorf("a deleted user at the other node: %v", err)
		}
	}
}

// signIn goes from node to node with every step.
func (p *pair) signIn() {
	p.t.Helper()
	g := p.send(p.a, http.MethodGet, "/saml/default/login?return_to=/start", nil)
	acs, form := p.answered(g.location)
	g = p.send(p.b, http.MethodPost, acs, form)
	finish := g.location
	if g = p.send(p.a, http.MethodGet, finish, nil); g.status != http.StatusSeeOther || g.location != "/start" {
		p.t.Fatalf("HTTP %d to %q %s", g.status, g.location, g.body)
	}
	for _, n := range []*node{p.a, p.b} {
		if got := p.session(n); got != http.StatusOK {
			p.t.Errorf("the session at %s: HTTP %d", n.Listen, got)
		}
		if g := p.send(n, http.MethodGet, finish, nil); g.status != http.StatusForbidden {
			p.t.Errorf("the handle again at %s: HTTP %d", n.Listen, g.status)
		}
		if g := p.send(n, http.MethodPost, acs, form); g.status != http.StatusForbidden || !strings.Contains(g.body, "used already") {
			p.t.Errorf("the answer again at %s: HTTP %d", n.Listen, g.status)
		}
	}
}

// replay shows one assertion that nobody asked for to both nodes at once, again and again.
func (p *pair) replay() {
	p.t.Helper()
	for range 5 {
		acs, form := p.answered(p.tenant.BaseURL() + "/myapps/launch?unsolicited=1")
		var took sync.Map
		var wg sync.WaitGroup
		for i := range 8 {
			n := []*node{p.a, p.b}[i%2]
			wg.Go(func() {
				c := n.http()
				c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				res, err := c.PostForm(acs, form)
				if err != nil {
					p.t.Error(err)
					return
				}
				res.Body.Close()
				if res.StatusCode == http.StatusSeeOther {
					took.Store(i, true)
				} else if res.StatusCode != http.StatusForbidden {
					p.t.Errorf("HTTP %d", res.StatusCode)
				}
			})
		}
		wg.Wait()
		n := 0
		took.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			p.t.Errorf("one assertion was taken %d times", n)
		}
	}
}

// entitle gives the person a role in the management account and returns the account.
func (p *pair) entitle() string {
	p.t.Helper()
	c, instance := p.a.aws(), p.a.Env["GATEHOUSE_INSTANCE_ARN"]
	var set struct {
		PermissionSet struct{ PermissionSetArn string }
	}
	ok(p.t, c.Call(p.t.Context(), process.SSOAdmin, "CreatePermissionSet", map[string]any{"InstanceArn": instance, "Name": "ReadOnly"}, &set))
	var org struct {
		Organization struct{ MasterAccountId string }
	}
	ok(p.t, c.Call(p.t.Context(), process.Organizations, "DescribeOrganization", struct{}{}, &org))
	var user struct{ UserId string }
	ok(p.t, p.b.aws().Call(p.t.Context(), process.IdentityStore, "GetUserId", map[string]any{"IdentityStoreId": p.a.Env["GATEHOUSE_IDENTITY_STORE_ID"],
		"AlternateIdentifier": map[string]any{"UniqueAttribute": map[string]string{"AttributePath": "userName", "AttributeValue": person}}}, &user))
	var r request
	ok(p.t, p.b.aws().Call(p.t.Context(), process.SSOAdmin, "CreateAccountAssignment", map[string]string{"InstanceArn": instance, "PermissionSetArn": set.PermissionSet.PermissionSetArn,
		"TargetId": org.Organization.MasterAccountId, "TargetType": "AWS_ACCOUNT", "PrincipalType": "USER", "PrincipalId": user.UserId}, &r))
	p.a.succeeds(p.t, r.AccountAssignmentCreationStatus.RequestId, 20*time.Second)
	return org.Organization.MasterAccountId
}

type request struct {
	AccountAssignmentCreationStatus struct{ RequestId, Status, FailureReason string }
}

// succeeds waits until a request has.
func (n *node) succeeds(t *testing.T, id string, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		var r request
		ok(t, n.aws().Call(t.Context(), process.SSOAdmin, "DescribeAccountAssignmentCreationStatus",
			map[string]string{"InstanceArn": n.Env["GATEHOUSE_INSTANCE_ARN"], "AccountAssignmentCreationRequestId": id}, &r))
		switch s := r.AccountAssignmentCreationStatus; {
		case s.Status == "SUCCEEDED":
			return
		case s.Status == "FAILED" || time.Now().After(end):
			t.Fatalf("request %s is %s: %s", id, s.Status, s.FailureReason)
		}
	}
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func (p *pair) register() map[string]any {
	p.t.Helper()
	status, c := p.a.json(p.t, "/client/register", map[string]any{"clientName": "nodes", "clientType": "public", "scopes": []string{"sso:account:access"},
		"grantTypes": []string{deviceGrant, "refresh_token", "authorization_code"}, "redirectUris": []string{"http://127.0.0.1/oauth/callback"}, "issuerUrl": p.a.Env["GATEHOUSE_START_URL"]})
	if status != http.StatusOK {
		p.t.Fatalf("HTTP %d %v", status, c)
	}
	return c
}

// commandLine runs the device flow across the nodes and returns an access token.
func (p *pair) commandLine(account string) string {
	p.t.Helper()
	client := p.register()
	with := func(m map[string]any) map[string]any {
		m["clientId"], m["clientSecret"] = client["clientId"], client["clientSecret"]
		return m
	}
	status, d := p.b.json(p.t, "/device_authorization", with(map[string]any{"startUrl": p.a.Env["GATEHOUSE_START_URL"]}))
	if status != http.StatusOK {
		p.t.Fatalf("HTTP %d %v", status, d)
	}
	action, form := p.send(p.a, http.MethodGet, "/device?user_code="+url.QueryEscape(d["userCode"].(string)), nil).form(p.t)
	form.Set("decision", "allow")
	if g := p.send(p.b, http.MethodPost, action, form); g.status != http.StatusOK {
		p.t.Fatalf("HTTP %d %s", g.status, g.body)
	}
	exchange := with(map[string]any{"grantType": deviceGrant, "deviceCode": d["deviceCode"]})
	issued := p.once("the device code", "/token", exchange)
	token := issued["accessToken"].(string)
	for _, n := range []*node{p.a, p.b} {
		if status, out := n.bearer(p.t, "/assignment/accounts", token); status != http.StatusOK || len(out["accountList"].([]any)) != 1 {
			p.t.Errorf("the token at %s: HTTP %d %v", n.Listen, status, out)
		}
	}
	status, out := p.a.bearer(p.t, "/federation/credentials?role_name=ReadOnly&account_id="+account, token)
	if status != http.StatusOK {
		p.t.Fatalf("HTTP %d %v", status, out)
	}
	k := out["roleCredentials"].(map[string]any)
	c := p.b.aws()
	c.Key, c.Secret, c.Token = k["accessKeyId"].(string), k["secretAccessKey"].(string), k["sessionToken"].(string)
	var refused *process.Refused
	if err := c.Call(p.t.Context(), process.SSOAdmin, "ListInstances", struct{}{}, nil); !errors.As(err, &refused) || !strings.Contains(refused.Type, "AccessDenied") {
		p.t.Errorf("credentials of one node at the other: %v, want a verified signature and AccessDenied", err)
	}
	p.refresh(with(map[string]any{"grantType": "refresh_token", "refreshToken": issued["refreshToken"]}))
	return token
}

// once sends the same exchange to both nodes at the same time; one of them must answer with tokens, which are returned.
func (p *pair) once(what, path string, in map[string]any) map[string]any {
	p.t.Helper()
	type answer struct {
		status int
		out    map[string]any
	}
	answers := make(chan answer, 6)
	for i := range cap(answers) {
		n := []*node{p.a, p.b}[i%2]
		go func() {
			status, out := n.json(p.t, path, in)
			answers <- answer{status, out}
		}()
	}
	var won map[string]any
	n := 0
	for range cap(answers) {
		if a := <-answers; a.status == http.StatusOK {
			won, n = a.out, n+1
		} else if a.status >= 500 {
			p.t.Errorf("%s: HTTP %d %v", what, a.status, a.out)
		}
	}
	if n != 1 {
		p.t.Fatalf("%s worked %d times", what, n)
	}
	return won
}

// refresh: a client whose two processes refresh at the same time gets the same successor from both nodes.
func (p *pair) refresh(in map[string]any) {
	p.t.Helper()
	var next [2]string
	var wg sync.WaitGroup
	for i, n := range []*node{p.a, p.b} {
		wg.Go(func() {
			if status, out := n.json(p.t, "/token", in); status == http.StatusOK {
				next[i] = out["refreshToken"].(string)
			} else {
				p.t.Errorf("refresh: HTTP %d %v", status, out)
			}
		})
	}
	wg.Wait()
	if next[0] != next[1] {
		p.t.Error("two nodes gave different refresh tokens for one")
	}
}

// authorizationCode: a code that is shown at both nodes works once, and showing it again takes back what it got (RFC 6749 §4.1.2).
func (p *pair) authorizationCode() {
	p.t.Helper()
	client := p.register()
	verifier := strings.Repeat("v", 50)
	sum := sha256.Sum256([]byte(verifier))
	const redirect = "http://127.0.0.1:45123/oauth/callback"
	q := url.Values{"response_type": {"code"}, "client_id": {client["clientId"].(string)}, "redirect_uri": {redirect}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "scopes": {"sso:account:access"}}
	action, form := p.send(p.b, http.MethodGet, "/authorize?"+q.Encode(), nil).form(p.t)
	form.Set("decision", "allow")
	g := p.send(p.a, http.MethodPost, action, form)
	to, err := url.Parse(g.location)
	ok(p.t, err)
	in := map[string]any{"clientId": client["clientId"], "clientSecret": client["clientSecret"], "grantType": "authorization_code",
		"code": to.Query().Get("code"), "redirectUri": redirect, "codeVerifier": verifier}
	issued := p.once("the authorization code", "/token", in)
	for _, n := range []*node{p.a, p.b} {
		if status, _ := n.bearer(p.t, "/assignment/accounts", issued["accessToken"].(string)); status != http.StatusUnauthorized {
			p.t.Errorf("the token of a code that was shown again, at %s: HTTP %d", n.Listen, status)
		}
	}
}

// signOut at one node is sign-out at the other, for browser and command line.
func (p *pair) signOut(token string) {
	p.t.Helper()
	if g := p.send(p.b, http.MethodPost, "/api/v1/session/logout", url.Values{}); g.status != http.StatusNoContent {
		p.t.Errorf("HTTP %d %s", g.status, g.body)
	}
	for _, n := range []*node{p.a, p.b} {
		if got := p.session(n); got != http.StatusUnauthorized {
			p.t.Errorf("the session at %s: HTTP %d", n.Listen, got)
		}
		if status, _ := n.bearer(p.t, "/assignment/accounts", token); status != http.StatusUnauthorized {
			p.t.Errorf("the token at %s: HTTP %d", n.Listen, status)
		}
	}
}

// killed: a node dies in the midst of its work; the other finishes every request that was answered, and the role is made once.
func killed(t *testing.T, pg *pgtest.Server) {
	p := newPair(t, pg)
	ctx, instance := t.Context(), p.a.Env["GATEHOUSE_INSTANCE_ARN"]
	var org struct {
		Organization struct{ MasterAccountId string }
	}
	ok(t, p.a.aws().Call(ctx, process.Organizations, "DescribeOrganization", struct{}{}, &org))
	var user struct{ UserId string }
	ok(t, p.a.aws().Call(ctx, process.IdentityStore, "CreateUser", map[string]any{"IdentityStoreId": p.a.Env["GATEHOUSE_IDENTITY_STORE_ID"], "UserName": "k@example.com", "DisplayName": "K",
		"Name": map[string]string{"GivenName": "A", "FamilyName": "B"}}, &user))

	var mu sync.Mutex
	answered := []string{}
	work, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			c := p.a.aws()
			for n := 0; ; n++ {
				var set struct {
					PermissionSet struct{ PermissionSetArn string }
				}
				if c.Call(work, process.SSOAdmin, "CreatePermissionSet", map[string]any{"InstanceArn": instance, "Name": fmt.Sprintf("Kill-%d-%d", i, n)}, &set) != nil {
					return
				}
				var r request
				if c.Call(work, process.SSOAdmin, "CreateAccountAssignment", map[string]string{"InstanceArn": instance, "PermissionSetArn": set.PermissionSet.PermissionSetArn,
					"TargetId": org.Organization.MasterAccountId, "TargetType": "AWS_ACCOUNT", "PrincipalType": "USER", "PrincipalId": user.UserId}, &r) != nil {
					return
				}
				mu.Lock()
				answered = append(answered, r.AccountAssignmentCreationStatus.RequestId)
				mu.Unlock()
			}
		})
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		n := len(answered)
		mu.Unlock()
		if n >= 60 || time.Now().After(end) {
			break
		}
	}
	p.a.Kill()
	stop()
	wg.Wait()
	if len(answered) < 60 {
		t.Fatalf("only %d requests were answered: the test did not test much", len(answered))
	}
	for _, id := range answered {
		p.b.succeeds(t, id, 60*time.Second) // a claim of the dead node lapses after ten seconds
	}
	ok(t, p.a.Start(ctx)) // and it comes back
	p.a.succeeds(t, answered[0], time.Second)
}
