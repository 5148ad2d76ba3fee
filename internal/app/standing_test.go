package app

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

// program is everything in one process, spoken to over signed HTTP.
type program struct {
	*App
	t   *testing.T
	key awswire.Key
}

func startProgram(t *testing.T) *program {
	t.Helper()
	return startProgramWith(t, Config{})
}

func startProgramWith(t *testing.T, c Config) *program {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	if c.Data == "" {
		c.Data = t.TempDir()
		sqlitetest.Make(t, filepath.Join(c.Data, "gatehouse.db"))
	}
	a, err := New(t.Context(), c, Surroundings{Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	env, err := ReadEnvironment(a.Config.Data)
	if err != nil {
		t.Fatal(err)
	}
	return &program{a, t, awswire.Key{ID: env["AWS_ACCESS_KEY_ID"], Secret: env["AWS_SECRET_ACCESS_KEY"]}}
}

// member makes an account and returns its id and the program as its administrator.
func (p *program) member(name string) (string, *program) {
	p.t.Helper()
	acct, err := p.Organization.CreateAccount(p.t.Context(), audit.Gatehouse, name, name+"@example.com", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	k, err := p.IAM.CreateAdministrator(p.t.Context(), audit.Gatehouse, acct.ID, "admin")
	if err != nil {
		p.t.Fatal(err)
	}
	return acct.ID, &program{p.App, p.t, awswire.Key{ID: k.ID, Secret: k.Secret}}
}

// call makes one JSON 1.1 request; target is the value of X-Amz-Target.
func (p *program) call(service, target, body string) (int, string) {
	p.t.Helper()
	return p.send(service, target, "application/x-amz-json-1.1", body)
}

// query makes one request of a Query API.
func (p *program) query(service, form string) (int, string) {
	p.t.Helper()
	return p.send(service, "", "application/x-www-form-urlencoded; charset=utf-8", form)
}

func (p *program) send(service, target, contentType, body string) (int, string) {
	p.t.Helper()
	r := httptest.NewRequest("POST", p.Config.URL+"/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	if err := awswire.Sign(r, []byte(body), p.key, "us-east-1", service, time.Now()); err != nil {
		p.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	b, _ := io.ReadAll(w.Body)
	return w.Code, string(b)
}

func (p *program) want(status int, text string, got int, body string) {
	p.t.Helper()
	if got != status || !strings.Contains(body, text) {
		p.t.Errorf("got %d %s, want %d %q", got, body, status, text)
	}
}

const (
	listUsers = "Action=ListUsers&Version=2010-05-08"
	listRoles = "Action=ListRoles&Version=2010-05-08"
	denyUsers = `{"Version":"2012-10-17","Statement":[{"Sid":"NoUsers","Effect":"Deny","Action":"iam:ListUsers","Resource":"*"}]}`
	rolesOnly = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}]}`
)

func TestServiceControlPoliciesBoundAccountsAtOnce(t *testing.T) {
	t.Parallel()
	p, ctx := startProgram(t), t.Context()
	org := p.Organization
	one, asOne := p.member("one")
	_, asTwo := p.member("two")
	o, err := org.Organization(ctx)
	if err != nil {
		t.Fatal(err)
	}
	unit, err := org.CreateUnit(ctx, audit.Gatehouse, o.RootID, "Work", nil)
	if err != nil {
		t.Fatal(err)
	}
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ask := func(q *program, form string, allowed bool) {
		t.Helper()
		status, body := q.query("iam", form)
		if (status == 200) != allowed || !allowed && !strings.Contains(body, "service control policy") {
			t.Errorf("%s: %d %s, want allowed %v", form, status, body, allowed)
		}
	}
	deny, err := org.CreatePolicy(ctx, audit.Gatehouse, organization.Policy{Name: "No users", Content: denyUsers})
	try(err)
	few, err := org.CreatePolicy(ctx, audit.Gatehouse, organization.Policy{Name: "Roles only", Content: rolesOnly})
	try(err)
	try(org.SwitchControl(ctx, audit.Gatehouse, o.RootID, true))
	ask(asOne, listUsers, true)

	// A deny on the unit holds for who comes into it, and no longer for who leaves.
	try(org.AttachPolicy(ctx, audit.Gatehouse, organization.Attachment{PolicyID: deny.ID, TargetID: unit.ID}))
	ask(asOne, listUsers, true)
	try(org.MoveAccount(ctx, audit.Gatehouse, one, o.RootID, unit.ID))
	ask(asOne, listUsers, false)
	ask(asOne, listRoles, true)
	ask(asTwo, listUsers, true)
	_, body := asOne.query("iam", listUsers)
	if !strings.Contains(body, "with an explicit deny in a service control policy") {
		t.Errorf("the reason: %s", body)
	}
	try(org.MoveAccount(ctx, audit.Gatehouse, one, unit.ID, o.RootID))
	ask(asOne, listUsers, true)

	// Each level must allow: what the account has, the root must have too.
	try(org.AttachPolicy(ctx, audit.Gatehouse, organization.Attachment{PolicyID: few.ID, TargetID: o.RootID}))
	ask(asOne, listUsers, true)
	try(org.DetachPolicy(ctx, audit.Gatehouse, organization.Attachment{PolicyID: organization.FullAccessID, TargetID: o.RootID}))
	ask(asOne, listUsers, false)
	ask(asOne, listRoles, true)
	// The management account is bound by none.
	ask(p, listUsers, true)
	// A changed policy holds at once.
	try1 := func(_ organization.Policy, err error) { t.Helper(); try(err) }
	try1(org.UpdatePolicy(ctx, audit.Gatehouse, few.ID, organization.PolicyChange{Content: new(strings.Replace(rolesOnly, "iam:ListRoles", "iam:List*", 1))}))
	ask(asOne, listUsers, true)
	try(org.SwitchControl(ctx, audit.Gatehouse, o.RootID, false))
	ask(asOne, "Action=GetUser&Version=2010-05-08&UserName=admin", true)

	// The principals of a closed account may do nothing.
	try(org.CloseAccount(ctx, audit.Gatehouse, one))
	status, body := asOne.query("iam", listRoles)
	p.want(403, "is closed", status, body)
}

func TestDelegatedAdministrators(t *testing.T) {
	t.Parallel()
	p, ctx := startProgram(t), t.Context()
	one, asOne := p.member("one")
	two, asTwo := p.member("two")
	instance := `"InstanceArn":"` + arn.Instance(p.Instance.ID) + `"`
	create := func(q *program, name string) (int, string) {
		return q.call("sso", "SWBExternalService.CreatePermissionSet", `{`+instance+`,"Name":"`+name+`"}`)
	}
	status, body := create(asOne, "Mine")
	p.want(400, "AccessDeniedException", status, body)
	status, body = asOne.call("identitystore", "AWSIdentityStore.ListUsers", `{"IdentityStoreId":"`+p.Instance.IdentityStoreID+`"}`)
	p.want(400, "AccessDeniedException", status, body)
	if err := p.Organization.RegisterDelegate(ctx, audit.Gatehouse, one, organization.IdentityCenter); err != nil {
		t.Fatal(err)
	}
	status, body = create(asOne, "Mine")
	p.want(200, "PermissionSetArn", status, body)
	_, rest, _ := strings.Cut(body, `"PermissionSetArn":"`)
	set, _, _ := strings.Cut(rest, `"`)
	status, body = asOne.call("identitystore", "AWSIdentityStore.CreateUser", `{"IdentityStoreId":"`+p.Instance.IdentityStoreID+`","UserName":"ann","DisplayName":"Ann","Name":{"GivenName":"A","FamilyName":"N"}}`)
	p.want(200, "UserId", status, body)
	_, rest, _ = strings.Cut(body, `"UserId":"`)
	user, _, _ := strings.Cut(rest, `"`)
	status, body = create(asTwo, "Others")
	p.want(400, "AccessDeniedException", status, body)

	assign := func(q *program, account string) (int, string) {
		return q.call("sso", "SWBExternalService.CreateAccountAssignment", `{`+instance+`,"PermissionSetArn":"`+set+`","TargetId":"`+account+`","TargetType":"AWS_ACCOUNT","PrincipalType":"USER","PrincipalId":"`+user+`"}`)
	}
	status, body = assign(asOne, two)
	p.want(200, "IN_PROGRESS", status, body)
	status, body = assign(asOne, p.Instance.OwnerAccountID)
	p.want(400, "provisioned in the management account", status, body)
	change := func(q *program) (int, string) {
		return q.call("sso", "SWBExternalService.UpdatePermissionSet", `{`+instance+`,"PermissionSetArn":"`+set+`","Description":"d"}`)
	}
	status, body = change(asOne)
	p.want(200, "", status, body)
	status, body = assign(p, p.Instance.OwnerAccountID)
	p.want(200, "IN_PROGRESS", status, body)
	p.provisioned(p.Instance.OwnerAccountID)
	status, body = change(asOne)
	p.want(400, "provisioned in the management account", status, body)
	status, body = change(p)
	p.want(200, "", status, body)

	// A user of the delegated account needs permission as everywhere.
	if _, err := p.IAM.CreateUser(ctx, audit.Gatehouse, localiam.User{Identity: localiam.Identity{AccountID: one, Name: "nobody"}}); err != nil {
		t.Fatal(err)
	}
	k, err := p.IAM.CreateAccessKey(ctx, audit.Gatehouse, one, "nobody")
	if err != nil {
		t.Fatal(err)
	}
	nobody := &program{p.App, t, awswire.Key{ID: k.ID, Secret: k.Secret}}
	status, body = create(nobody, "Nobodys")
	p.want(400, "no identity-based policy allows", status, body)

	if err := p.Organization.DeregisterDelegate(ctx, audit.Gatehouse, one, organization.IdentityCenter); err != nil {
		t.Fatal(err)
	}
	status, body = create(asOne, "Late")
	p.want(400, "AccessDeniedException", status, body)
}

// provisioned runs the worker until a role of the set is in the account.
func (p *program) provisioned(account string) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer stop()
	done := make(chan struct{})
	go func() { defer close(done); p.worker.Run(ctx) }()
	for ctx.Err() == nil {
		if rs, err := p.Access.RolesOfAccount(ctx, account, "", 1); err == nil && len(rs) > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	<-done
}
