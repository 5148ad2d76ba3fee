package apptest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/localiam"
)

// TestExistingRole: a role that an account made itself, from the entitlement of a group that Entra pushed to its keys in the portal and on the
// command line, and the end of it all when she leaves the group.
func TestExistingRole(t *testing.T) {
	t.Parallel()
	w := newSignIn(t)
	ctx, group := t.Context(), access.Principal{Type: access.Group, ID: w.groupID("Devs")}
	w.grant("ReadOnly", group)
	acct, err := w.Organization.CreateAccount(ctx, tester, "Payments", "payments@example.com", nil)
	w.ok(err)
	r, err := w.IAM.CreateRole(ctx, tester, localiam.Role{
		Identity: localiam.Identity{AccountID: acct.ID, Name: "Deployer", Path: "/workforce/"}, Description: "Deploys payments", MaxSessionDuration: 2 * time.Hour,
		TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"account-access.amazonaws.com"},"Action":["sts:AssumeRole","sts:SetContext"]}]}`,
	})
	w.ok(err)
	w.ok(w.IAM.Attach(ctx, tester, localiam.RoleRef(acct.ID, "Deployer"), "arn:aws:iam::aws:policy/IAMReadOnlyAccess"))
	w.ok(w.Organization.EnableService(ctx, tester, arn.AccountAccess))
	m, err := w.Access.CreateManager(ctx, audit.Gatehouse, w.Instance.ID, nil)
	w.ok(err)
	_, err = w.Access.Entitle(ctx, audit.Gatehouse, m.Name(), group, r.ARN())
	w.ok(err)

	const name = "role/workforce/Deployer"
	b := w.browser()
	b.signIn(ann)
	var page struct {
		Accounts []struct {
			ID    string
			Roles []struct {
				Name, Description string
				SessionSeconds    int
			}
		}
		Next string
	}
	// In pages of one, of which the second goes on after whichever came first.
	seen := map[string]string{}
	for cursor := ""; ; cursor = page.Next {
		if status := b.api("GET", "/portal/accounts?limit=1&cursor="+url.QueryEscape(cursor), nil, &page); status != http.StatusOK {
			t.Fatalf("the portal's list: HTTP %d", status)
		}
		if page.Next == "" {
			break
		}
		for _, a := range page.Accounts {
			for _, role := range a.Roles {
				seen[a.ID+" "+role.Name] = role.Description
				if role.Name == name && role.SessionSeconds != 7200 {
					t.Errorf("%+v", role)
				}
			}
		}
	}
	if len(seen) != 2 || seen[acct.ID+" "+name] != "Deploys payments" {
		t.Errorf("the portal shows %v", seen)
	}
	k, status := b.credentials(acct.ID, name)
	if status != http.StatusOK {
		t.Fatalf("the portal's keys: HTTP %d", status)
	}
	if p := b.get("/start/console?account_id=" + acct.ID + "&role_name=" + url.QueryEscape(name)); p.status != http.StatusOK || !strings.Contains(p.body, "assumed-role/Deployer/ann@contoso.test") || !strings.Contains(p.body, "IAMReadOnlyAccess") {
		t.Errorf("the console page: HTTP %d %s", p.status, text(p.body))
	}
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusOK || !strings.Contains(body, "assumed-role/Deployer/ann@contoso.test</Arn>") {
		t.Errorf("HTTP %d %s", status, body)
	}
	if status, body := w.query(k, "iam", "Action=CreateUser&UserName=m&Version=2010-05-08"); status != http.StatusForbidden {
		t.Errorf("more than the role may: HTTP %d %s", status, body)
	}

	c := b.device()
	if _, out := c.call("GET", "/assignment/roles?account_id="+acct.ID); len(out["roleList"].([]any)) != 1 || out["roleList"].([]any)[0].(map[string]any)["roleName"] != name {
		t.Errorf("the command line's list: %v", out)
	}
	status, onCLI := c.credentials(acct.ID, url.QueryEscape(name))
	if status != http.StatusOK || onCLI.Expiration.Sub(w.Clock.Now()) > 2*time.Hour {
		t.Errorf("the command line's keys: HTTP %d until %s", status, onCLI.Expiration)
	}
	for _, wrong := range []string{"Deployer", "role/Deployer", "role/workforce/deployer", "role/workforce/Deployer/", "role/workforce/../workforce/Deployer", "role/workforce/*", r.ARN()} {
		if status, k := c.credentials(acct.ID, url.QueryEscape(wrong)); status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("%s: HTTP %d %s", wrong, status, k.AccessKeyID)
		}
		if k, status := b.credentials(acct.ID, wrong); status != http.StatusForbidden {
			t.Errorf("%s: HTTP %d %s", wrong, status, k.AccessKeyID)
		}
	}
	if status, _ := c.credentials(w.Instance.OwnerAccountID, url.QueryEscape(name)); status != http.StatusForbidden {
		t.Errorf("the same name in another account: HTTP %d", status)
	}

	w.ok(w.tenant.RemoveMember("Devs", ann))
	w.ok(w.tenant.Assign(ann, ""))
	w.sync()
	if status, _ := c.credentials(acct.ID, url.QueryEscape(name)); status != http.StatusForbidden {
		t.Errorf("after she left the group: HTTP %d", status)
	}
	if _, out := c.call("GET", "/assignment/accounts"); len(out["accountList"].([]any)) != 0 {
		t.Errorf("after she left the group: %v", out)
	}
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusOK {
		t.Errorf("keys that she had live until they expire: HTTP %d %s", status, body)
	}
	w.Clock.Move(time.Second)
	w.setActive(ann, false)
	if status, body := w.query(k, "sts", whoAmI); status != http.StatusForbidden || !strings.Contains(body, "ExpiredToken") {
		t.Errorf("keys of somebody who was disabled: HTTP %d %s", status, body)
	}
}
