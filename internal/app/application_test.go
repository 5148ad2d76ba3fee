package app

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/signin"
)

// TestAnAccountOwnsItsApplications: the policies of the account that made an application decide about it.
func TestAnAccountOwnsItsApplications(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	one, asOne := p.member("one")
	_, asTwo := p.member("two")
	instance := `"InstanceArn":"arn:aws:sso:::instance/` + p.Instance.ID + `"`
	do := func(as *program, operation, body string) (int, string) {
		return as.call("sso", "SWBExternalService."+operation, body)
	}
	status, out := do(asOne, "CreateApplication", `{`+instance+`,"ApplicationProviderArn":"arn:aws:sso::aws:applicationProvider/custom","Name":"Wiki"}`)
	p.want(200, "arn:aws:sso::"+one+":application/", status, out)
	var made struct{ ApplicationArn string }
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	on := `{"ApplicationArn":"` + made.ApplicationArn + `"`
	for _, as := range []*program{asOne, p} {
		status, out = do(as, "DescribeApplication", on+`}`)
		p.want(200, "Wiki", status, out)
	}
	status, out = do(asTwo, "DescribeApplication", on+`}`)
	p.want(400, "AccessDeniedException", status, out)
	status, out = do(asTwo, "DeleteApplication", on+`}`)
	p.want(400, "AccessDeniedException", status, out)
	status, out = do(asOne, "ListApplications", `{`+instance+`,"Filter":{"ApplicationAccount":"`+one+`"}}`)
	p.want(200, made.ApplicationArn, status, out)
	status, out = do(asOne, "ListApplications", `{`+instance+`}`)
	p.want(400, "AccessDeniedException", status, out)
	status, out = do(asOne, "ListApplicationProviders", `{}`)
	p.want(200, "custom-saml", status, out)
	status, out = do(asOne, "TagResource", `{"ResourceArn":"`+made.ApplicationArn+`","Tags":[{"Key":"k","Value":"v"}]}`)
	p.want(200, "{}", status, out)
	status, out = do(asOne, "CreateTrustedTokenIssuer", `{`+instance+`,"Name":"x","TrustedTokenIssuerType":"OIDC_JWT","TrustedTokenIssuerConfiguration":{"OidcJwtConfiguration":{
		"IssuerUrl":"https://x.example.com","ClaimAttributePath":"email","IdentityStoreAttributePath":"emails.value","JwksRetrievalOption":"OPEN_ID_DISCOVERY"}}}`)
	p.want(400, "AccessDeniedException", status, out)
}

// TestRequestsMayBeSignedForAnAdditionalRegion from the moment the region is added until it is removed.
func TestRequestsMayBeSignedForAnAdditionalRegion(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	region := `{"InstanceArn":"arn:aws:sso:::instance/` + p.Instance.ID + `","RegionName":"eu-west-3"}`
	there := func(want bool) {
		t.Helper()
		if got := p.additionalRegion(t.Context(), "eu-west-3"); got != want {
			t.Errorf("the region is served: %v, want %v", got, want)
		}
		status, out := p.signedFor("eu-west-3", "SWBExternalService.ListInstances", `{}`)
		if (status == 200) != want {
			t.Errorf("a request signed for the region: %d %s", status, out)
		}
	}
	there(false)
	status, out := p.call("sso", "SWBExternalService.AddRegion", region)
	p.want(200, "ADDING", status, out)
	there(true)
	status, out = p.call("sso", "SWBExternalService.RemoveRegion", region)
	p.want(200, "REMOVING", status, out)
	there(false)
	for _, hostile := range []string{"", "us-east-1\x00", strings.Repeat("a-", 40) + "1", "../x"} {
		if p.additionalRegion(t.Context(), hostile) {
			t.Errorf("%q is served", hostile)
		}
	}
}

// signedFor makes one request whose signature is scoped to a region.
func (p *program) signedFor(region, target, body string) (int, string) {
	p.t.Helper()
	r := httptest.NewRequest("POST", p.Config.URL+"/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	if err := awswire.Sign(r, []byte(body), p.key, region, "sso", time.Now()); err != nil {
		p.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// onlyPlatform lets sessions list users whose tag Department is Platform and whose tag Floor is 3.
const onlyPlatform = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*",
	"Condition":{"StringEquals":{"aws:PrincipalTag/Department":"Platform","aws:PrincipalTag/Floor":"3"}}}]}`

// TestAttributesForAccessControlDecide: a policy about aws:PrincipalTag sees the identity store's attributes and the identity provider's.
func TestAttributesForAccessControlDecide(t *testing.T) {
	t.Parallel()
	p, ctx := startProgram(t), t.Context()
	ada, err := p.Directory.CreateUser(ctx, audit.Gatehouse, directory.User{UserName: "ada", Active: true, Enterprise: directory.Enterprise{Department: "Platform"}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := p.Access.CreateSet(ctx, audit.Gatehouse, access.PermissionSet{InstanceID: p.Instance.ID, Name: "Users", InlinePolicy: onlyPlatform})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Access.Assign(ctx, audit.Gatehouse, access.RoleKey{AccountID: p.Instance.OwnerAccountID, PermissionSetID: set.ID}, access.Principal{Type: access.User, ID: ada.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.worker.Step(ctx); err != nil {
		t.Fatal(err)
	}
	allowed := func(want bool, proved map[string]string) {
		t.Helper()
		c, err := p.credentials(ctx, signin.Identity{User: ada, Session: signin.Session{Proof: signin.Proof{Attributes: proved}}}, p.Instance.OwnerAccountID, "Users")
		if err != nil {
			t.Fatal(err)
		}
		as := &program{p.App, t, awswire.Key{ID: c.AccessKeyID, Secret: c.SecretAccessKey, Token: c.SessionToken}}
		if status, out := as.query("iam", listUsers); (status == 200) != want {
			t.Errorf("with %v: %d %s, want allowed %v", proved, status, out, want)
		}
	}
	both := map[string]string{"Department": "Platform", "Floor": "3"}
	allowed(false, both) // not enabled: nothing is passed on
	enable := func(as ...access.Attribute) {
		t.Helper()
		_ = p.Access.DisableAttributes(ctx, audit.Gatehouse, p.Instance.ID) // there may be none yet
		if err := p.Access.EnableAttributes(ctx, audit.Gatehouse, p.Instance.ID, as); err != nil {
			t.Fatal(err)
		}
	}
	enable()
	allowed(true, both)
	allowed(false, map[string]string{"Department": "Platform", "Floor": "4"})
	enable(access.Attribute{Key: "Department", Source: "${path:enterprise.department}"})
	allowed(true, map[string]string{"Department": "Sales", "Floor": "3"}) // what is configured goes before what the identity provider says
	enable(access.Attribute{Key: "Department", Source: "${path:title}"})
	allowed(false, both) // a configured attribute without a value lets none through
	if _, err := p.credentials(ctx, signin.Identity{User: ada, Session: signin.Session{Proof: signin.Proof{Attributes: map[string]string{"Floor": "3 & 4"}}}}, p.Instance.OwnerAccountID, "Users"); !fault.Is(err, fault.Denied) {
		t.Errorf("a value that cannot be a session tag: %v, want a refusal", err)
	}
}
