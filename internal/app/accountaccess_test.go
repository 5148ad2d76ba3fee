package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
	"gatehouse/internal/signin"
)

// rest makes one signed request of the account access manager's API.
func (p *program) rest(method, path, body string) (int, string) {
	p.t.Helper()
	r := httptest.NewRequest(method, p.Config.URL+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if err := awswire.Sign(r, []byte(body), p.key, "us-east-1", "account-access", time.Now()); err != nil {
		p.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	b, _ := io.ReadAll(w.Body)
	return w.Code, string(b)
}

// good makes a request that must succeed, and returns a member of the answer.
func (p *program) good(member, method, path, body string) string {
	p.t.Helper()
	status, answer := p.rest(method, path, body)
	if status/100 != 2 {
		p.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if member == "" {
		return answer
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		p.t.Fatal(err)
	}
	s, _ := out[member].(string)
	return s
}

const trustsAccountAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"account-access.amazonaws.com"},"Action":["sts:AssumeRole","sts:SetContext","sts:TagSession"]}]}`

// managed is a program with an account access manager, a member account with a role that lets it in, and ann.
type managed struct {
	*program
	manager, path string // its ARN, and the ARN as a segment of a path
	account, role string // the member account and the role's ARN
	ann           directory.User
}

func (p *program) try(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func startManaged(t *testing.T) *managed {
	t.Helper()
	m, ctx := &managed{program: startProgram(t)}, t.Context()
	m.account, _ = m.member("one")
	m.role = m.newRole(m.account, "Deployer", trustsAccountAccess)
	var err error
	m.ann, err = m.Directory.CreateUser(ctx, audit.Gatehouse, directory.User{UserName: "ann@example.com", Active: true})
	m.try(err)
	m.try(m.Organization.EnableService(ctx, audit.Gatehouse, arn.AccountAccess))
	m.manager = m.good("applicationArn", "POST", "/applications", m.source(""))
	m.path = url.PathEscape(m.manager)
	return m
}

func (p *program) source(more string) string {
	return `{"identitySource":{"identityCenter":{"instanceArn":"` + arn.Instance(p.Instance.ID) + `"}}` + more + `}`
}

func (p *program) newRole(account, name, trust string) string {
	p.t.Helper()
	r, err := p.IAM.CreateRole(p.t.Context(), audit.Gatehouse, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: name, Path: "/workforce/"}, TrustPolicy: trust, MaxSessionDuration: 4 * time.Hour})
	p.try(err)
	return r.ARN()
}

func (m *managed) want4(what string, status int, code, method, path, body string) {
	m.t.Helper()
	if got, answer := m.rest(method, path, body); got != status || !strings.Contains(answer, code) {
		m.t.Errorf("%s: %d %s, want %d %s", what, got, answer, status, code)
	}
}

func (m *managed) entitlement(principal, role string) string {
	return `{"applicationArn":"` + m.manager + `","entitlement":{"principalRole":{"principal":{"identityCenter":{` + principal + `}},"roleArn":"` + role + `"}}}`
}

func (m *managed) forAnn() string { return `"userId":"` + m.ann.ID + `"` }

func TestAccountAccessManagerLife(t *testing.T) {
	t.Parallel()
	m := startManaged(t)
	if again := m.good("applicationArn", "POST", "/applications", m.source("")); again != m.manager {
		t.Errorf("made again: %s", again)
	}
	m.want4("made again with tags", 409, "AlreadyCreatedException", "POST", "/applications", m.source(`,"tags":{"a":"b"}`))
	m.good("", "POST", "/tags/"+m.path, `{"tags":{"team":"identity","x":"y"}}`)
	m.good("", "DELETE", "/tags/"+m.path+"?tagKeys=x&tagKeys=none", "")
	if got := m.good("", "GET", "/tags/"+m.path, ""); got != `{"tags":{"team":"identity"}}` {
		t.Errorf("tags: %s", got)
	}
	got := m.good("", "GET", "/applications/"+m.path, "")
	for _, part := range []string{`"status":"ACTIVE"`, `"tenantId":"aa-`, `"instanceArn":"` + arn.Instance(m.Instance.ID) + `"`, `"applicationArn":"arn:aws:sso::` + m.Instance.OwnerAccountID + `:application/`, `"tags":{"team":"identity"}`, `"createdAt":"20`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s lacks %s", got, part)
		}
	}
	if got := m.good("", "POST", "/applications-list", `{}`); !strings.Contains(got, `"applicationArn":"`+m.manager+`"`) || strings.Contains(got, "nextToken") {
		t.Errorf("listed: %s", got)
	}

	// Its application in Identity Center is a real one; without it nobody comes through, and it can be made again.
	status, apps := m.call("sso", "SWBExternalService.ListApplications", `{"InstanceArn":"`+arn.Instance(m.Instance.ID)+`"}`)
	m.want(200, "applicationProvider/account-access", status, apps)
	_, after, _ := strings.Cut(apps, `"ApplicationArn":"`)
	app, _, _ := strings.Cut(after, `"`)
	status, body := m.call("sso", "SWBExternalService.DeleteApplication", `{"ApplicationArn":"`+app+`"}`)
	m.want(200, "", status, body)
	if got := m.good("", "GET", "/applications/"+m.path, ""); !strings.Contains(got, `"status":"CREATE_FAILED"`) || !strings.Contains(got, `"code":"RESOURCE_NOT_FOUND_ERROR"`) {
		t.Errorf("without its application: %s", got)
	}
	if again := m.good("applicationArn", "POST", "/applications", m.source(`,"tags":{"team":"identity"}`)); again != m.manager {
		t.Errorf("made again: %s", again)
	}
	if got := m.good("", "GET", "/applications/"+m.path, ""); !strings.Contains(got, `"status":"ACTIVE"`) {
		t.Errorf("after it was made again: %s", got)
	}

	for range 2 { // deleting what is gone is no error
		if status, body := m.rest("DELETE", "/applications/"+m.path, ""); status != 204 || body != "" {
			t.Errorf("deleted: %d %s", status, body)
		}
	}
	m.want4("after it was deleted", 404, "ResourceNotFoundException", "GET", "/applications/"+m.path, "")
	if status, apps := m.call("sso", "SWBExternalService.ListApplications", `{"InstanceArn":"`+arn.Instance(m.Instance.ID)+`"}`); status != 200 || strings.Contains(apps, "account-access") {
		t.Errorf("its application is left: %d %s", status, apps)
	}
}

func TestAccountAccessEntitlementLife(t *testing.T) {
	t.Parallel()
	m := startManaged(t)
	id := m.good("entitlementId", "POST", "/entitlements", m.entitlement(m.forAnn(), m.role))
	if again := m.good("entitlementId", "POST", "/entitlements", m.entitlement(m.forAnn(), m.role)); again != id {
		t.Errorf("made again: %s, %s", id, again)
	}
	query := "?applicationArn=" + url.QueryEscape(m.manager)
	got := m.good("", "GET", "/entitlements/"+id+query, "")
	want := `"entitlement":{"principalRole":{"principal":{"identityCenter":{"userId":"` + m.ann.ID + `"}},"roleArn":"` + m.role + `","account":"` + m.account + `","accountName":"one"}}`
	if !strings.Contains(got, want) || !strings.Contains(got, `"applicationArn":"`+m.manager+`"`) {
		t.Errorf("got %s, want %s in it", got, want)
	}
	var groups []string
	for i := range 5 {
		g, err := m.Directory.CreateGroup(t.Context(), audit.Gatehouse, directory.Group{DisplayName: fmt.Sprint("g", i)}, nil)
		m.try(err)
		groups = append(groups, g.ID)
		m.good("entitlementId", "POST", "/entitlements", m.entitlement(`"groupId":"`+g.ID+`"`, m.role))
	}
	second := m.newRole(m.account, "Second", trustsAccountAccess)
	m.good("entitlementId", "POST", "/entitlements", m.entitlement(`"groupId":"`+groups[0]+`"`, second))
	for filter, n := range map[string]int{
		`{}`: 7, `{"principalRole":{}}`: 7, `{"principalRole":{"account":"` + m.account + `"}}`: 7, `{"principalRole":{"roleArn":"` + m.role + `"}}`: 6,
		`{"principalRole":{"principal":{"identityCenter":{"groupId":"` + groups[0] + `"}}}}`:                                    2,
		`{"principalRole":{"principal":{"identityCenter":{"userId":"` + m.ann.ID + `"}},"account":"` + m.account + `"}}`:        1,
		`{"principalRole":{"principal":{"identityCenter":{"groupId":"` + groups[0] + `"}},"roleArn":"` + second + `"}}`:         1,
		`{"principalRole":{"account":"` + m.Instance.OwnerAccountID + `"}}`:                                                     0,
		`{"principalRole":{"roleArn":"` + m.role + `","account":"` + m.Instance.OwnerAccountID + `"}}`:                          0,
		`{"principalRole":{"roleArn":"arn:aws:iam::` + m.account + `:role/Deployer"}}`:                                          0,
		`{"principalRole":{"principal":{"identityCenter":{"userId":"` + groups[0] + `"}}}}`:                                     0,
		`{"principalRole":{"principal":{"identityCenter":{"userId":"` + m.ann.ID + `"}},"roleArn":"` + m.role + `"}}`:           1,
		`{"principalRole":{"principal":{"identityCenter":{"groupId":"` + groups[1] + `"}},"roleArn":"` + second + `"}}`:         0,
		`{"principalRole":{"principal":{"identityCenter":{"groupId":"` + groups[1] + `"}},"account":"` + m.account + `"}}`:      1,
		`{"principalRole":{"principal":{"identityCenter":{"groupId":"` + groups[1] + `"}},"account":"` + "000000000000" + `"}}`: 0,
	} {
		seen := map[string]bool{}
		for token := ""; ; {
			var page struct {
				Entitlements []struct{ EntitlementID string }
				NextToken    string
			}
			m.try(json.Unmarshal([]byte(m.good("", "POST", "/entitlements-list", `{"applicationArn":"`+m.manager+`","filter":`+filter+`,"maxResults":2`+token+`}`)), &page))
			for _, e := range page.Entitlements {
				seen[e.EntitlementID] = true
			}
			if page.NextToken == "" {
				break
			}
			token = `,"nextToken":"` + page.NextToken + `"`
			m.want4("a token of another filter", 400, "ValidationException", "POST", "/entitlements-list",
				`{"applicationArn":"`+m.manager+`","filter":{"principalRole":{"account":"123456789012"}}`+token+`}`)
		}
		if len(seen) != n {
			t.Errorf("%s: %d entitlements, want %d", filter, len(seen), n)
		}
	}
	for range 2 {
		if status, body := m.rest("DELETE", "/entitlements/"+id+query, ""); status != 204 || body != "" {
			t.Errorf("deleted: %d %s", status, body)
		}
	}
	m.want4("after it was deleted", 404, "Entitlement not found", "GET", "/entitlements/"+id+query, "")
}

func TestAccountAccessRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	m := startManaged(t)
	none := strings.Replace(m.manager, "aam-", "aam-0", 1)
	withNone := func(body string) string { return strings.Replace(body, m.manager, none, 1) }
	good := m.entitlement(m.forAnn(), m.role)
	for _, c := range []struct {
		what               string
		status             int
		code               string
		method, path, body string
	}{
		{"no identity source", 400, "ValidationException", "POST", "/applications", `{}`},
		{"an empty identity source", 400, "ValidationException", "POST", "/applications", `{"identitySource":{}}`},
		{"a foreign instance", 404, "ResourceNotFoundException", "POST", "/applications", `{"identitySource":{"identityCenter":{"instanceArn":"arn:aws:sso:::instance/ssoins-0000000000000000"}}}`},
		{"no instance", 400, "ValidationException", "POST", "/applications", `{"identitySource":{"identityCenter":{"instanceArn":"ssoins-0000000000000000"}}}`},
		{"a reserved tag", 400, "ValidationException", "POST", "/tags/" + m.path, `{"tags":{"aws:x":"y"}}`},
		{"no tags", 400, "ValidationException", "POST", "/tags/" + m.path, `{}`},
		{"no tag keys", 400, "ValidationException", "DELETE", "/tags/" + m.path, ""},
		{"tags of nothing", 404, "ResourceNotFoundException", "GET", "/tags/" + url.PathEscape(none), ""},
		{"tags of what is no ARN", 400, "ValidationException", "GET", "/tags/x", ""},
		{"an ARN with a path", 400, "ValidationException", "GET", "/applications/" + url.PathEscape(m.manager+"/../x"), ""},
		{"an ARN that is not escaped", 404, "UnknownOperationException", "GET", "/applications/" + m.manager, ""},
		{"no such manager", 404, "ResourceNotFoundException", "GET", "/applications/" + url.PathEscape(none), ""},
		{"another region's", 404, "ResourceNotFoundException", "GET", "/applications/" + url.PathEscape(strings.Replace(m.manager, "us-east-1", "eu-west-1", 1)), ""},
		{"another account's", 404, "ResourceNotFoundException", "GET", "/applications/" + url.PathEscape(strings.Replace(m.manager, m.Instance.OwnerAccountID, m.account, 1)), ""},
		{"entitled by nothing", 404, "ResourceNotFoundException", "POST", "/entitlements", withNone(good)},
		{"nobody", 404, "ResourceNotFoundException", "POST", "/entitlements", m.entitlement(`"userId":"00000000-0000-4000-8000-000000000000"`, m.role)},
		{"a user as a group", 404, "ResourceNotFoundException", "POST", "/entitlements", m.entitlement(`"groupId":"`+m.ann.ID+`"`, m.role)},
		{"two principals", 400, "ValidationException", "POST", "/entitlements", m.entitlement(m.forAnn()+`,"groupId":"`+m.ann.ID+`"`, m.role)},
		{"no principal", 400, "ValidationException", "POST", "/entitlements", m.entitlement(``, m.role)},
		{"a name", 400, "ValidationException", "POST", "/entitlements", m.entitlement(`"userId":"ann@example.com"`, m.role)},
		{"no role", 404, "ResourceNotFoundException", "POST", "/entitlements", m.entitlement(m.forAnn(), m.role+"2")},
		{"another path", 404, "ResourceNotFoundException", "POST", "/entitlements", m.entitlement(m.forAnn(), strings.Replace(m.role, "/workforce/", "/", 1))},
		{"a path that leads back", 404, "ResourceNotFoundException", "POST", "/entitlements", m.entitlement(m.forAnn(), strings.Replace(m.role, "/workforce/", "/x/../workforce/", 1))},
		{"a user's ARN", 400, "ValidationException", "POST", "/entitlements", m.entitlement(m.forAnn(), strings.Replace(m.role, ":role/", ":user/", 1))},
		{"an account outside", 404, "ResourceNotFoundException", "POST", "/entitlements", m.entitlement(m.forAnn(), strings.Replace(m.role, m.account, "999999999999", 1))},
		{"a token of nothing", 400, "ValidationException", "POST", "/entitlements-list", `{"applicationArn":"` + m.manager + `","filter":{},"nextToken":"x"}`},
		{"no filter", 400, "ValidationException", "POST", "/entitlements-list", `{"applicationArn":"` + m.manager + `"}`},
		{"too much", 400, "ValidationException", "POST", "/entitlements-list", `{"applicationArn":"` + m.manager + `","filter":{},"maxResults":101}`},
		{"listed by nothing", 404, "ResourceNotFoundException", "POST", "/entitlements-list", `{"applicationArn":"` + none + `","filter":{}}`},
		{"no manager", 400, "ValidationException", "GET", "/entitlements/ent-1", ""},
		{"an id with a path", 400, "ValidationException", "GET", "/entitlements/..%2Fx?applicationArn=" + url.QueryEscape(m.manager), ""},
		{"an id with a NUL", 400, "ValidationException", "DELETE", "/entitlements/%00?applicationArn=" + url.QueryEscape(m.manager), ""},
		{"no JSON", 400, "", "POST", "/entitlements", `{`},
		{"no operation", 404, "UnknownOperationException", "GET", "/entitlement", ""},
		{"another method", 405, "UnknownOperationException", "PUT", "/entitlements", `{}`},
	} {
		m.want4(c.what, c.status, c.code, c.method, c.path, c.body)
	}
	if got := m.good("", "POST", "/entitlements-list", `{"applicationArn":"`+m.manager+`","filter":{}}`); got != `{"entitlements":[]}` {
		t.Errorf("refused entitlements were written: %s", got)
	}
}

// allOperations calls everything, and returns the answers by operation.
func (m *managed) allOperations(as *program, id string) map[string]string {
	query := "?applicationArn=" + url.QueryEscape(m.manager)
	out := map[string]string{}
	for _, c := range [][4]string{
		{"CreateApplication", "POST", "/applications", m.source("")}, {"GetApplication", "GET", "/applications/" + m.path, ""}, {"TagResource", "POST", "/tags/" + m.path, `{"tags":{"a":"b"}}`},
		{"ListTagsForResource", "GET", "/tags/" + m.path, ""}, {"UntagResource", "DELETE", "/tags/" + m.path + "?tagKeys=a", ""}, {"ListApplications", "POST", "/applications-list", `{}`},
		{"CreateEntitlement", "POST", "/entitlements", m.entitlement(m.forAnn(), m.role)}, {"GetEntitlement", "GET", "/entitlements/" + id + query, ""},
		{"ListEntitlements", "POST", "/entitlements-list", `{"applicationArn":"` + m.manager + `","filter":{}}`},
		{"DeleteEntitlement", "DELETE", "/entitlements/" + id + query, ""}, {"DeleteApplication", "DELETE", "/applications/" + m.path, ""},
	} {
		status, body := as.rest(c[1], c[2], c[3])
		out[c[0]] = fmt.Sprint(status, " ", body)
	}
	return out
}

func TestWhoMayUseAccountAccess(t *testing.T) {
	t.Parallel()
	m, ctx := startManaged(t), t.Context()
	id := m.good("entitlementId", "POST", "/entitlements", m.entitlement(m.forAnn(), m.role))
	_, stranger := m.member("two")
	for op, answer := range m.allOperations(stranger, id) {
		if op == "ListApplications" {
			if answer != `200 {"applications":[]}` {
				t.Errorf("a member lists %s", answer)
			}
		} else if !strings.HasPrefix(answer, "403 ") || !strings.Contains(answer, "AccessDeniedException") {
			t.Errorf("a member, %s: %s", op, answer)
		}
	}
	delegateID, delegate := m.member("three")
	m.try(m.Organization.RegisterDelegate(ctx, audit.Gatehouse, delegateID, organization.IdentityCenter))
	for op, answer := range m.allOperations(delegate, id) {
		if op != "ListApplications" && !strings.HasPrefix(answer, "403 ") {
			t.Errorf("a delegate for something else, %s: %s", op, answer)
		}
	}
	m.try(m.Organization.RegisterDelegate(ctx, audit.Gatehouse, delegateID, arn.AccountAccess))
	for op, answer := range m.allOperations(delegate, id) {
		if refused := op == "CreateApplication" || op == "DeleteApplication"; refused != strings.HasPrefix(answer, "403 ") || !refused && answer[0] != '2' {
			t.Errorf("a delegate, %s: %s", op, answer)
		}
	}
	if got := delegate.good("", "POST", "/applications-list", `{}`); !strings.Contains(got, m.manager) {
		t.Errorf("a delegate lists %s", got)
	}
	ours := m.newRole(m.Instance.OwnerAccountID, "Admin", trustsAccountAccess)
	status, body := delegate.rest("POST", "/entitlements", m.entitlement(m.forAnn(), ours))
	m.want(403, "AccessDeniedException", status, body)
	into := m.good("entitlementId", "POST", "/entitlements", m.entitlement(m.forAnn(), ours))
	status, body = delegate.rest("DELETE", "/entitlements/"+into+"?applicationArn="+url.QueryEscape(m.manager), "")
	m.want(403, "AccessDeniedException", status, body)

	// In the owning account policies decide, by action, ARN and tags.
	m.good("", "POST", "/tags/"+m.path, `{"tags":{"team":"identity"}}`)
	may := func(name, statement string) *program {
		_, err := m.IAM.CreateUser(ctx, audit.Gatehouse, localiam.User{Identity: localiam.Identity{AccountID: m.Instance.OwnerAccountID, Name: name}})
		m.try(err)
		m.try(m.IAM.PutInline(ctx, audit.Gatehouse, localiam.UserRef(m.Instance.OwnerAccountID, name), localiam.InlinePolicy{Name: "p", Document: `{"Version":"2012-10-17","Statement":[` + statement + `]}`}))
		k, err := m.IAM.CreateAccessKey(ctx, audit.Gatehouse, m.Instance.OwnerAccountID, name)
		m.try(err)
		return &program{m.App, t, awswire.Key{ID: k.ID, Secret: k.Secret}}
	}
	for name, c := range map[string]struct {
		statement string
		may       []string
	}{
		"nobody":    {`{"Effect":"Allow","Action":"sso:*","Resource":"*"}`, nil},
		"reader":    {`{"Effect":"Allow","Action":["account-access:Get*","account-access:ListTagsForResource"],"Resource":"` + m.manager + `"}`, []string{"GetApplication", "GetEntitlement", "ListTagsForResource"}},
		"elsewhere": {`{"Effect":"Allow","Action":"account-access:*","Resource":"` + m.manager + `x"}`, nil},
		"tagged":    {`{"Effect":"Allow","Action":"account-access:GetApplication","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"identity"}}}`, []string{"GetApplication"}},
		"mistagged": {`{"Effect":"Allow","Action":"account-access:GetApplication","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"other"}}}`, nil},
		"tagger":    {`{"Effect":"Allow","Action":"account-access:*TagResource","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]},"Null":{"aws:TagKeys":"false"}}},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/a":"b"}}}`, []string{"UntagResource"}},
		// Making and deleting the manager makes and deletes an application too.
		"half": {`{"Effect":"Allow","Action":"account-access:*","Resource":"*"},{"Effect":"Deny","Action":"account-access:*Entitlement","Resource":"*"}`, []string{"GetApplication", "TagResource", "ListTagsForResource", "UntagResource", "ListApplications", "ListEntitlements"}},
	} {
		for op, answer := range m.allOperations(may(name, c.statement), into) {
			if allowed := answer[0] == '2'; allowed != slices.Contains(c.may, op) || !allowed && !strings.HasPrefix(answer, "403 ") {
				t.Errorf("%s, %s: %s", name, op, answer)
			}
		}
	}
	if status, body := (&program{m.App, t, awswire.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "x"}}).rest("GET", "/applications/"+m.path, ""); status != 403 {
		t.Errorf("an unknown key: %d %s", status, body)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", m.Config.URL+"/applications/"+m.path, nil))
	if w.Code != 403 {
		t.Errorf("without a signature: %d %s", w.Code, w.Body)
	}
	if _, err := m.Access.RoleEntitlement(ctx, arn.Manager{Region: "us-east-1", AccountID: m.Instance.OwnerAccountID, ID: m.manager[strings.LastIndex(m.manager, "/")+1:]}, into); err != nil {
		t.Errorf("somebody who may not took an entitlement away: %v", err)
	}
}

// session is ann, signed in.
func (m *managed) session() signin.Identity {
	u, err := m.Directory.User(m.t.Context(), m.ann.ID)
	m.try(err)
	return signin.Identity{User: u, Session: signin.Session{ID: "s-" + arn.Hex(m.rand, 8)}}
}

// enterAs asks for credentials, and for who they are.
func (m *managed) enterAs(name string) (key awswire.Key, who string, err error) {
	c, err := m.credentials(m.t.Context(), m.session(), m.account, name)
	if err != nil {
		return awswire.Key{}, "", err
	}
	key = awswire.Key{ID: c.AccessKeyID, Secret: c.SecretAccessKey, Token: c.SessionToken}
	_, who = (&program{m.App, m.t, key}).query("sts", "Action=GetCallerIdentity&Version=2011-06-15")
	return key, who, nil
}

// TestAnExistingRoleInThePortal goes through all that can be in a person's way, each of which must shut the door at once, and open it
// again where it is taken away.
func TestAnExistingRoleInThePortal(t *testing.T) {
	t.Parallel()
	m, ctx := startManaged(t), t.Context()
	const name = "role/workforce/Deployer"
	denied := func(what, text string) {
		t.Helper()
		if _, who, err := m.enterAs(name); !fault.Is(err, fault.Denied) || !strings.Contains(fault.Shown(err), text) {
			t.Errorf("%s: %s, %v", what, who, err)
		}
	}
	in := func(what string) awswire.Key {
		t.Helper()
		key, who, err := m.enterAs(name)
		if err != nil || !strings.Contains(who, "assumed-role/Deployer/ann@example.com") {
			t.Errorf("%s: %s, %v", what, who, err)
		}
		return key
	}
	denied("not entitled", "No access")
	g, err := m.Directory.CreateGroup(ctx, audit.Gatehouse, directory.Group{DisplayName: "Deployers"}, []string{m.ann.ID})
	m.try(err)
	m.good("entitlementId", "POST", "/entitlements", m.entitlement(`"groupId":"`+g.ID+`"`, m.role))
	key := in("entitled")
	alive := func() int {
		status, _ := (&program{m.App, t, key}).query("sts", "Action=GetCallerIdentity&Version=2011-06-15")
		return status
	}
	es := m.noted("sso:GetRoleCredentials")
	if len(es) != 1 || es[0].Detail["role"] != m.role || es[0].Detail["manager"] != m.manager || es[0].Detail["accessKeyId"] != key.ID || es[0].Actor.ID != m.ann.ID {
		t.Errorf("the audit trail says %+v", es)
	}
	page, err := m.console(ctx, m.session(), m.account, name)
	if err != nil || page.PermissionSet != "" || !strings.Contains(page.ARN, "/Deployer/") {
		t.Errorf("console: %+v, %v", page, err)
	}

	// Group left.
	m.changeMembers(g.ID, directory.MemberChange{Remove: []string{m.ann.ID}})
	denied("left the group", "No access")
	m.changeMembers(g.ID, directory.MemberChange{Add: []string{m.ann.ID}})
	in("came back")

	// Trust policy changed meanwhile.
	ref := localiam.RoleRef(m.account, "Deployer")
	for what, trust := range map[string]string{
		"trust denies":                `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"account-access.amazonaws.com"},"Action":"sts:*"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:RoleSessionName":"ann@example.com"}}}]}`,
		"trust is for another":        `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		"trust is for another source": strings.Replace(trustsAccountAccess, `]}]}`, `],"Condition":{"StringEquals":{"aws:SourceAccount":"`+m.account+`"}}}]}`, 1),
	} {
		m.try(m.IAM.SetTrust(ctx, audit.Gatehouse, ref, trust))
		denied(what, "trust policy of "+m.role)
	}
	m.try(m.IAM.SetTrust(ctx, audit.Gatehouse, ref, strings.Replace(trustsAccountAccess, `]}]}`, `],"Condition":{"StringEquals":{"aws:SourceAccount":"`+m.Instance.OwnerAccountID+`","aws:SourceArn":"`+m.manager+`"}}}]}`, 1)))
	in("trust for this very manager")

	// Application disabled, closed to her, deleted.
	its, err := m.Access.Manager(ctx, m.name())
	m.try(err)
	edit := func(change func(a *application.Application)) {
		t.Helper()
		_, err := m.Applications.Update(ctx, audit.Gatehouse, its.Application(), "UpdateApplication", func(a *application.Application) error {
			change(a)
			return nil
		})
		m.try(err)
	}
	edit(func(a *application.Application) { a.Disabled = true })
	denied("the application is disabled", "No access")
	edit(func(a *application.Application) { a.Disabled, a.OpenToAll = false, false })
	denied("assignment to the application is required", "No access")
	m.try(m.Applications.Assign(ctx, audit.Gatehouse, its.Application(), application.Principal{Type: application.Group, ID: g.ID}))
	in("assigned to the application")
	edit(func(a *application.Application) { a.OpenToAll = true })
	in("open to everybody again")

	// A user who is disabled loses what she has, and does not get it back.
	m.setActive(false)
	denied("disabled", "No access")
	if alive() == 200 {
		t.Error("her credentials live on")
	}
	m.setActive(true)
	if alive() == 200 {
		t.Error("her old credentials are alive again")
	}
	key = in("enabled")
	m.try(m.IAM.RevokePersonSessions(ctx, audit.Gatehouse, m.ann.ID))
	if alive() == 200 {
		t.Error("her credentials survive being signed out everywhere")
	}

	// The role is deleted, and another takes the name.
	key = in("before the role is deleted")
	m.try(m.IAM.DeleteRole(ctx, audit.Gatehouse, m.account, "Deployer"))
	denied("the role is gone", "No access")
	m.newRole(m.account, "Deployer", trustsAccountAccess)
	denied("another role of that name", "No access")
	if alive() == 200 {
		t.Error("credentials of the role that was deleted are those of the new one")
	}
	for _, path := range []string{"role/Deployer", "role/workforce/deployer", "Deployer", "role/workforce/%2e%2e/workforce/Deployer"} {
		if _, who, err := m.enterAs(path); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %s, %v", path, who, err)
		}
	}
	m.good("entitlementId", "POST", "/entitlements", m.entitlement(`"groupId":"`+g.ID+`"`, m.role))
	in("entitled to the new role")

	// Manager deleted.
	m.good("", "DELETE", "/applications/"+m.path, "")
	denied("the manager is gone", "No access")
}

// TestARoleNamedLikeASet: a permission set and a role of one name, in one account, are asked for by two names, and neither stands in for the other.
func TestARoleNamedLikeASet(t *testing.T) {
	t.Parallel()
	m, ctx := startManaged(t), t.Context()
	set, err := m.Access.CreateSet(ctx, audit.Gatehouse, access.PermissionSet{InstanceID: m.Instance.ID, Name: "Deployer"})
	m.try(err)
	m.good("entitlementId", "POST", "/entitlements", m.entitlement(m.forAnn(), m.role))
	if _, who, err := m.enterAs("Deployer"); !fault.Is(err, fault.Denied) {
		t.Errorf("the role answers to the set's name: %s, %v", who, err)
	}
	key := access.RoleKey{AccountID: m.account, PermissionSetID: set.ID}
	_, err = m.Access.Assign(ctx, audit.Gatehouse, key, access.Principal{Type: access.User, ID: m.ann.ID})
	m.try(err)
	m.provision()
	if _, who, err := m.enterAs("Deployer"); err != nil || !strings.Contains(who, "AWSReservedSSO_Deployer_") {
		t.Errorf("the set: %s, %v", who, err)
	}
	if _, who, err := m.enterAs("role/workforce/Deployer"); err != nil || !strings.Contains(who, "assumed-role/Deployer/") {
		t.Errorf("the role: %s, %v", who, err)
	}
	role, err := m.Access.Role(ctx, key)
	m.try(err)
	reserved := "arn:aws:iam::" + m.account + ":role/aws-reserved/sso.amazonaws.com/" + role.RoleName
	m.want4("the set's own role", 400, "reserved", "POST", "/entitlements", m.entitlement(m.forAnn(), reserved))
	if _, who, err := m.enterAs("role/aws-reserved/sso.amazonaws.com/" + role.RoleName); !fault.Is(err, fault.Denied) {
		t.Errorf("the set's role by its ARN: %s, %v", who, err)
	}
}

// noted are the newest events of an action.
func (m *managed) noted(action string) []audit.Event {
	m.t.Helper()
	es, _, err := m.events(m.t.Context(), "", audit.Filter{Action: action}, 100)
	m.try(err)
	return es
}

func (m *managed) name() arn.Manager {
	n, err := arn.ParseManager(m.manager)
	m.try(err)
	return n
}

func (m *managed) changeMembers(group string, c directory.MemberChange) {
	m.t.Helper()
	_, err := m.Directory.UpdateGroup(m.t.Context(), audit.Gatehouse, group, 0, func(*directory.Group) (directory.MemberChange, error) { return c, nil })
	m.try(err)
}

func (m *managed) setActive(active bool) {
	m.t.Helper()
	_, err := m.Directory.UpdateUser(m.t.Context(), audit.Gatehouse, m.ann.ID, 0, func(u *directory.User) error {
		u.Active = active
		return nil
	})
	m.try(err)
}

func (m *managed) provision() {
	m.t.Helper()
	_, err := m.worker.Step(m.t.Context())
	m.try(err)
}
