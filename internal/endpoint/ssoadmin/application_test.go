package ssoadmin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/application"
)

const custom = "arn:aws:sso::aws:applicationProvider/custom"

// application makes an application and returns its ARN.
func (b *bench) application(name string) string {
	b.t.Helper()
	return in[string](b.t, b.do("CreateApplication", `{"InstanceArn":"$I","ApplicationProviderArn":"`+custom+`","Name":"`+name+`"}`), "ApplicationArn")
}

func (b *bench) issuer(name string) string {
	b.t.Helper()
	return in[string](b.t, b.do("CreateTrustedTokenIssuer", newIssuer(name)), "TrustedTokenIssuerArn")
}

func newIssuer(name string) string {
	return `{"InstanceArn":"$I","Name":"` + name + `","TrustedTokenIssuerType":"OIDC_JWT","TrustedTokenIssuerConfiguration":{"OidcJwtConfiguration":{
		"IssuerUrl":"https://idp.example.com/oauth2","ClaimAttributePath":"email","IdentityStoreAttributePath":"emails.value","JwksRetrievalOption":"OPEN_ID_DISCOVERY"}}}`
}

func TestApplicationProviders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var got []string
	token := ""
	for {
		out := b.do("ListApplicationProviders", `{"MaxResults":1`+token+`}`)
		for _, p := range in[[]any](t, out, "ApplicationProviders") {
			got = append(got, in[string](t, p, "ApplicationProviderArn")+" "+in[string](t, p, "FederationProtocol"))
		}
		if out["NextToken"] == nil {
			break
		}
		token = `,"NextToken":"` + in[string](t, out, "NextToken") + `"`
	}
	if want := []string{strings.TrimSuffix(custom, "custom") + "account-access OAUTH", custom + " OAUTH", custom + "-saml SAML"}; !slices.Equal(got, want) {
		t.Errorf("providers %v, want %v", got, want)
	}
	if p := b.do("DescribeApplicationProvider", `{"ApplicationProviderArn":"`+custom+`"}`); p["FederationProtocol"] != "OAUTH" || in[string](t, p, "DisplayData", "DisplayName") != "Custom application" {
		t.Errorf("DescribeApplicationProvider = %v", p)
	}
	b.refused("ResourceNotFoundException", "DescribeApplicationProvider", `{"ApplicationProviderArn":"`+custom+`/nothing"}`)
	// The application of the account access manager is the manager's to make.
	b.refused("ValidationException", "CreateApplication", `{"InstanceArn":"$I","ApplicationProviderArn":"`+strings.TrimSuffix(custom, "custom")+`account-access","Name":"Mine"}`)
}

func TestApplicationLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.do("CreateApplication", `{"InstanceArn":"$I","ApplicationProviderArn":"`+custom+`","Name":"Wiki","Description":"notes","Status":"DISABLED","Tags":[{"Key":"a","Value":"1"}],
		"PortalOptions":{"Visibility":"DISABLED","SignInOptions":{"Origin":"APPLICATION","ApplicationUrl":"https://wiki.example.com/"}}}`)
	app := in[string](t, made, "ApplicationArn")
	on := `{"ApplicationArn":"` + app + `"`
	got := b.do("DescribeApplication", on+`}`)
	want := map[string]any{
		"ApplicationArn": app, "ApplicationProviderArn": custom, "Name": "Wiki", "Description": "notes", "Status": "DISABLED", "ApplicationAccount": b.owner, "InstanceArn": b.instance,
		"IdentityStoreArn": "arn:aws:identitystore::" + b.owner + ":identitystore/d-0123456789", "CreatedDate": got["CreatedDate"], "CreatedFrom": "us-east-1",
		"PortalOptions": map[string]any{"Visibility": "DISABLED", "SignInOptions": map[string]any{"Origin": "APPLICATION", "ApplicationUrl": "https://wiki.example.com/"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DescribeApplication (-want +got):\n%s", diff)
	}
	if made["IdentityStoreArn"] != want["IdentityStoreArn"] || made["InstanceArn"] != b.instance {
		t.Errorf("CreateApplication = %v", made)
	}
	// What an update does not name stays.
	b.do("UpdateApplication", on+`,"Name":"Notes","Status":"ENABLED","PortalOptions":{"SignInOptions":{"Origin":"IDENTITY_CENTER"}}}`)
	want["Name"], want["Status"] = "Notes", "ENABLED"
	want["PortalOptions"] = map[string]any{"Visibility": "DISABLED", "SignInOptions": map[string]any{"Origin": "IDENTITY_CENTER"}}
	if diff := cmp.Diff(want, b.do("DescribeApplication", on+`}`)); diff != "" {
		t.Errorf("after the update (-want +got):\n%s", diff)
	}
	if tags, _ := jsonText(b.do("ListTagsForResource", `{"ResourceArn":"`+app+`"}`)["Tags"]); tags != `[{"Key":"a","Value":"1"}]` {
		t.Errorf("tags = %s", tags)
	}
	for _, bad := range []struct{ code, body string }{
		{"ValidationException", `"Name":"","ApplicationProviderArn":"` + custom + `"`},
		{"ValidationException", `"Name":"x","ApplicationProviderArn":"` + custom + `-saml"`},
		{"ResourceNotFoundException", `"Name":"x","ApplicationProviderArn":"` + custom + `/unknown"`},
		{"ValidationException", `"Name":"x","ApplicationProviderArn":"` + custom + `","PortalOptions":{"SignInOptions":{"Origin":"APPLICATION"}}`},
		{"ValidationException", `"Name":"x","ApplicationProviderArn":"` + custom + `","PortalOptions":{"SignInOptions":{"Origin":"IDENTITY_CENTER","ApplicationUrl":"https://x/"}}`},
		{"ValidationException", `"Name":"` + strings.Repeat("x", 101) + `","ApplicationProviderArn":"` + custom + `"`},
		{"ValidationException", `"Name":"x","ApplicationProviderArn":"` + custom + `","Tags":[{"Key":"aws:x","Value":""}]`},
	} {
		b.refused(bad.code, "CreateApplication", `{"InstanceArn":"$I",`+bad.body+`}`)
	}
	b.refused("ResourceNotFoundException", "CreateApplication", `{"InstanceArn":"arn:aws:sso:::instance/ssoins-0000000000000000","Name":"x","ApplicationProviderArn":"`+custom+`"}`)
	b.do("DeleteApplication", on+`}`)
	for _, op := range []string{"DescribeApplication", "DeleteApplication", "ListApplicationGrants", "ListApplicationAssignments", "GetApplicationAssignmentConfiguration"} {
		b.refused("ResourceNotFoundException", op, on+`}`)
	}
}

func TestListApplicationsByKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := map[string]bool{}
	for n := range 7 {
		want[b.application(fmt.Sprint("App ", n))] = true
	}
	list := func(filter string) map[string]bool {
		got, token := map[string]bool{}, ""
		for {
			out := b.do("ListApplications", `{"InstanceArn":"$I","MaxResults":3`+filter+token+`}`)
			for _, a := range in[[]any](t, out, "Applications") {
				got[in[string](t, a, "ApplicationArn")] = true
			}
			if out["NextToken"] == nil {
				return got
			}
			token = `,"NextToken":"` + in[string](t, out, "NextToken") + `"`
		}
	}
	for filter, want := range map[string]map[string]bool{
		``: want, `,"Filter":{"ApplicationAccount":"` + b.owner + `"}`: want, `,"Filter":{"ApplicationAccount":"` + b.accounts[0] + `"}`: {},
		`,"Filter":{"ApplicationProvider":"` + custom + `"}`: want, `,"Filter":{"ApplicationProvider":"` + custom + `-saml"}`: {},
	} {
		if diff := cmp.Diff(want, list(filter)); diff != "" {
			t.Errorf("ListApplications%s (-want +got):\n%s", filter, diff)
		}
	}
	next := in[string](t, b.do("ListApplications", `{"InstanceArn":"$I","MaxResults":3}`), "NextToken")
	b.refused("ValidationException", "ListApplications", `{"InstanceArn":"$I","NextToken":"`+next+`","Filter":{"ApplicationAccount":"`+b.owner+`"}}`)
	b.refused("AccessDeniedException", "ListApplications", `{"InstanceArn":"arn:aws:sso:::instance/ssoins-0000000000000000"}`)
}

func TestClientTokenMakesACreationHappenOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for op, body := range map[string]string{
		"CreateApplication":        `{"InstanceArn":"$I","ApplicationProviderArn":"` + custom + `","Name":"Wiki","ClientToken":"t-1","Tags":[{"Key":"b","Value":"2"},{"Key":"a","Value":"1"}]}`,
		"CreateTrustedTokenIssuer": strings.Replace(newIssuer("Okta"), `"Name"`, `"ClientToken":"t-1","Name"`, 1),
	} {
		first := b.do(op, body)
		if again := b.do(op, body); !cmp.Equal(first, again) {
			t.Errorf("%s again: %v, want %v", op, again, first)
		}
		other := strings.Replace(strings.Replace(body, "Wiki", "Blog", 1), "Okta", "Auth0", 1)
		status, out := b.as(b.owner, op, other)
		if status != 400 || out["__type"] != "ConflictException" || !strings.Contains(in[string](t, out, "Message"), "IdempotentParameterMismatch") {
			t.Errorf("%s with other parameters: %d %v", op, status, out)
		}
		if fresh := b.do(op, strings.Replace(other, "t-1", "t-2", 1)); cmp.Equal(first, fresh) {
			t.Errorf("%s with another token made nothing new", op)
		}
	}
	if n := len(in[[]any](t, b.do("ListApplications", `{"InstanceArn":"$I"}`), "Applications")); n != 2 {
		t.Errorf("%d applications, want 2", n)
	}
}

func TestPartsOfAnApplication(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	app, tti := b.application("Wiki"), b.issuer("Okta")
	on := `{"ApplicationArn":"` + app + `"`

	scope := on + `,"Scope":"redshift:connect"`
	b.refused("ResourceNotFoundException", "GetApplicationAccessScope", scope+`}`)
	b.do("PutApplicationAccessScope", scope+`}`)
	b.do("PutApplicationAccessScope", scope+`,"AuthorizedTargets":["$I","`+app+`"]}`)
	if got, _ := jsonText(b.do("GetApplicationAccessScope", scope+`}`)); got != `{"AuthorizedTargets":["`+b.instance+`","`+app+`"],"Scope":"redshift:connect"}` {
		t.Errorf("GetApplicationAccessScope = %s", got)
	}
	unknown := strings.Replace(app, "/apl-", "/apl-0000", 1)[:len(app)]
	b.refused("ResourceNotFoundException", "PutApplicationAccessScope", scope+`,"AuthorizedTargets":["`+unknown+`"]}`)
	b.refused("ResourceNotFoundException", "PutApplicationAccessScope", scope+`,"AuthorizedTargets":["arn:aws:sso:::instance/ssoins-0000000000000000"]}`)
	b.refused("ValidationException", "PutApplicationAccessScope", on+`,"Scope":"a:b:c:d"}`)
	for n := range 24 {
		b.do("PutApplicationAccessScope", fmt.Sprintf(`%s,"Scope":"s%02d"}`, on, n))
	}
	b.refused("ServiceQuotaExceededException", "PutApplicationAccessScope", on+`,"Scope":"one_more"}`)
	var names []string
	for token := ""; ; {
		out := b.do("ListApplicationAccessScopes", on+token+`}`)
		page := in[[]any](t, out, "Scopes")
		if len(page) > 10 {
			t.Errorf("a page of %d scopes", len(page))
		}
		for _, s := range page {
			names = append(names, in[string](t, s, "Scope"))
		}
		if out["NextToken"] == nil {
			break
		}
		token = `,"NextToken":"` + in[string](t, out, "NextToken") + `"`
	}
	if len(names) != 25 || !slices.IsSorted(names) {
		t.Errorf("scopes %v", names)
	}
	b.do("DeleteApplicationAccessScope", scope+`}`)
	b.refused("ResourceNotFoundException", "DeleteApplicationAccessScope", scope+`}`)

	grants := map[application.GrantType]string{
		application.AuthorizationCode: `{"AuthorizationCode":{"RedirectUris":["http://127.0.0.1:8080/callback","com.example.app:/x"]}}`,
		application.RefreshToken:      `{"RefreshToken":{}}`,
		application.JWTBearer:         `{"JwtBearer":{"AuthorizedTokenIssuers":[{"AuthorizedAudiences":["wiki"],"TrustedTokenIssuerArn":"` + tti + `"}]}}`,
		application.TokenExchange:     `{"TokenExchange":{}}`,
	}
	for _, kind := range application.Types() {
		g := on + `,"GrantType":"` + string(kind) + `"`
		b.refused("ResourceNotFoundException", "GetApplicationGrant", g+`}`)
		b.do("PutApplicationGrant", g+`,"Grant":`+grants[kind]+`}`)
		if got, _ := jsonText(b.do("GetApplicationGrant", g+`}`)["Grant"]); got != grants[kind] {
			t.Errorf("grant %s = %s, want %s", kind, got, grants[kind])
		}
	}
	if n := len(in[[]any](t, b.do("ListApplicationGrants", on+`}`), "Grants")); n != 4 {
		t.Errorf("%d grants, want 4", n)
	}
	for _, bad := range []struct{ code, kind, grant string }{
		{"ValidationException", "refresh_token", `{"TokenExchange":{}}`},
		{"ValidationException", "authorization_code", `{"AuthorizationCode":{}}`},
		{"ValidationException", "authorization_code", `{"AuthorizationCode":{"RedirectUris":["https://x/#y"]}}`},
		{"ValidationException", "authorization_code", `{"AuthorizationCode":{"RedirectUris":["javascript:alert(1)"]}}`},
		{"ValidationException", "urn:ietf:params:oauth:grant-type:jwt-bearer", `{"JwtBearer":{}}`},
		{"ValidationException", "urn:ietf:params:oauth:grant-type:jwt-bearer", `{"JwtBearer":{"AuthorizedTokenIssuers":[{"TrustedTokenIssuerArn":"` + tti + `"}]}}`},
		{"ValidationException", "urn:ietf:params:oauth:grant-type:jwt-bearer", `{"JwtBearer":{"AuthorizedTokenIssuers":[{"AuthorizedAudiences":["a"]}]}}`},
		{"ResourceNotFoundException", "urn:ietf:params:oauth:grant-type:jwt-bearer", `{"JwtBearer":{"AuthorizedTokenIssuers":[{"AuthorizedAudiences":["a"],"TrustedTokenIssuerArn":"` + tti[:len(tti)-4] + `0000"}]}}`},
	} {
		b.refused(bad.code, "PutApplicationGrant", on+`,"GrantType":"`+bad.kind+`","Grant":`+bad.grant+`}`)
	}
	// An issuer may go while a grant names it; the grant can still be read, and other parts edited.
	b.do("DeleteTrustedTokenIssuer", `{"TrustedTokenIssuerArn":"`+tti+`"}`)
	if got, _ := jsonText(b.do("GetApplicationGrant", on+`,"GrantType":"urn:ietf:params:oauth:grant-type:jwt-bearer"}`)["Grant"]); got != grants[application.JWTBearer] {
		t.Errorf("the grant after its issuer went: %s", got)
	}
	b.do("DeleteApplicationGrant", on+`,"GrantType":"refresh_token"}`)
	b.refused("ResourceNotFoundException", "DeleteApplicationGrant", on+`,"GrantType":"refresh_token"}`)

	method := on + `,"AuthenticationMethodType":"IAM"`
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + b.owner + `"},"Action":"sso-oauth:CreateTokenWithIAM","Resource":"*"}]}`
	b.refused("ResourceNotFoundException", "GetApplicationAuthenticationMethod", method+`}`)
	b.do("PutApplicationAuthenticationMethod", method+`,"AuthenticationMethod":{"Iam":{"ActorPolicy":`+policy+`}}}`)
	if got := b.do("GetApplicationAuthenticationMethod", method+`}`); in[string](t, got, "AuthenticationMethod", "Iam", "ActorPolicy", "Version") != "2012-10-17" {
		t.Errorf("GetApplicationAuthenticationMethod = %v", got)
	}
	if n := len(in[[]any](t, b.do("ListApplicationAuthenticationMethods", on+`}`), "AuthenticationMethods")); n != 1 {
		t.Errorf("%d methods, want 1", n)
	}
	for _, bad := range []string{`{}`, `null`, `""`, `[]`, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`} {
		b.refused("ValidationException", "PutApplicationAuthenticationMethod", method+`,"AuthenticationMethod":{"Iam":{"ActorPolicy":`+bad+`}}}`)
	}
	b.do("DeleteApplicationAuthenticationMethod", method+`}`)
	b.refused("ResourceNotFoundException", "DeleteApplicationAuthenticationMethod", method+`}`)

	if got := b.do("GetApplicationSessionConfiguration", on+`}`)["UserBackgroundSessionApplicationStatus"]; got != "DISABLED" {
		t.Errorf("background sessions = %v", got)
	}
	b.do("PutApplicationSessionConfiguration", on+`,"UserBackgroundSessionApplicationStatus":"ENABLED"}`)
	if got := b.do("GetApplicationSessionConfiguration", on+`}`)["UserBackgroundSessionApplicationStatus"]; got != "ENABLED" {
		t.Errorf("background sessions = %v", got)
	}
}

func TestApplicationAssignments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	app, ada := b.application("Wiki"), b.user("ada")
	g := b.group("writers", ada)
	on := `{"ApplicationArn":"` + app + `"`
	to := func(kind, id string) string {
		return on + `,"PrincipalType":"` + kind + `","PrincipalId":"` + id + `"}`
	}
	b.refused("ResourceNotFoundException", "DescribeApplicationAssignment", to("USER", ada))
	b.refused("ResourceNotFoundException", "DeleteApplicationAssignment", to("USER", ada))
	b.refused("ResourceNotFoundException", "CreateApplicationAssignment", to("GROUP", ada))
	b.do("CreateApplicationAssignment", to("USER", ada))
	b.do("CreateApplicationAssignment", to("USER", ada))
	b.do("CreateApplicationAssignment", to("GROUP", g))
	if got := b.do("DescribeApplicationAssignment", to("GROUP", g)); got["PrincipalId"] != g || got["ApplicationArn"] != app {
		t.Errorf("DescribeApplicationAssignment = %v", got)
	}
	first := b.do("ListApplicationAssignments", on+`,"MaxResults":1}`)
	rest := b.do("ListApplicationAssignments", on+`,"MaxResults":1,"NextToken":"`+in[string](t, first, "NextToken")+`"}`)
	got := append(in[[]any](t, first, "ApplicationAssignments"), in[[]any](t, rest, "ApplicationAssignments")...)
	want := []any{map[string]any{"ApplicationArn": app, "PrincipalType": "GROUP", "PrincipalId": g}, map[string]any{"ApplicationArn": app, "PrincipalType": "USER", "PrincipalId": ada}}
	if diff := cmp.Diff(want, got); diff != "" || rest["NextToken"] != nil {
		t.Errorf("ListApplicationAssignments (-want +got):\n%s", diff)
	}

	// For a user also what comes through her groups, in pages of one.
	other := b.application("Blog")
	b.do("CreateApplicationAssignment", strings.Replace(to("GROUP", g), app, other, 1))
	forAda := `{"InstanceArn":"$I","PrincipalType":"USER","PrincipalId":"` + ada + `","MaxResults":1`
	var seen []string
	for token := ""; ; {
		out := b.do("ListApplicationAssignmentsForPrincipal", forAda+token+`}`)
		for _, a := range in[[]any](t, out, "ApplicationAssignments") {
			seen = append(seen, in[string](t, a, "PrincipalType")+" "+in[string](t, a, "ApplicationArn"))
		}
		if out["NextToken"] == nil {
			break
		}
		token = `,"NextToken":"` + in[string](t, out, "NextToken") + `"`
	}
	if len(seen) != 3 || seen[0] != "USER "+app || !slices.Contains(seen, "GROUP "+app) || !slices.Contains(seen, "GROUP "+other) {
		t.Errorf("for ada: %v", seen)
	}
	only := b.do("ListApplicationAssignmentsForPrincipal", `{"InstanceArn":"$I","PrincipalType":"USER","PrincipalId":"`+ada+`","Filter":{"ApplicationArn":"`+other+`"}}`)
	if as := in[[]any](t, only, "ApplicationAssignments"); len(as) != 1 || in[string](t, as[0], "ApplicationArn") != other {
		t.Errorf("only the blog: %v", as)
	}
	b.refused("ResourceNotFoundException", "ListApplicationAssignmentsForPrincipal", `{"InstanceArn":"$I","PrincipalType":"GROUP","PrincipalId":"`+ada+`"}`)

	if got := b.do("GetApplicationAssignmentConfiguration", on+`}`)["AssignmentRequired"]; got != true {
		t.Errorf("AssignmentRequired = %v", got)
	}
	b.do("PutApplicationAssignmentConfiguration", on+`,"AssignmentRequired":false}`)
	if got := b.do("GetApplicationAssignmentConfiguration", on+`}`)["AssignmentRequired"]; got != false {
		t.Errorf("AssignmentRequired = %v", got)
	}
	b.do("DeleteApplicationAssignment", to("USER", ada))
	b.refused("ResourceNotFoundException", "DeleteApplicationAssignment", to("USER", ada))
}

func TestTrustedTokenIssuers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tti := b.issuer("Okta")
	on := `{"TrustedTokenIssuerArn":"` + tti + `"`
	b.do("UpdateTrustedTokenIssuer", on+`,"Name":"Auth0","TrustedTokenIssuerConfiguration":{"OidcJwtConfiguration":{"ClaimAttributePath":"user.email"}}}`)
	want := map[string]any{"TrustedTokenIssuerArn": tti, "Name": "Auth0", "TrustedTokenIssuerType": "OIDC_JWT", "TrustedTokenIssuerConfiguration": map[string]any{"OidcJwtConfiguration": map[string]any{
		"IssuerUrl": "https://idp.example.com/oauth2", "ClaimAttributePath": "user.email", "IdentityStoreAttributePath": "emails.value", "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
	}}}
	if diff := cmp.Diff(want, b.do("DescribeTrustedTokenIssuer", on+`}`)); diff != "" {
		t.Errorf("DescribeTrustedTokenIssuer (-want +got):\n%s", diff)
	}
	b.do("TagResource", `{"ResourceArn":"`+tti+`","Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}`)
	b.do("UntagResource", `{"ResourceArn":"`+tti+`","TagKeys":["a"]}`)
	if tags, _ := jsonText(b.do("ListTagsForResource", `{"ResourceArn":"`+tti+`"}`)["Tags"]); tags != `[{"Key":"b","Value":"2"}]` {
		t.Errorf("tags = %s", tags)
	}
	for n := range 9 {
		b.issuer(fmt.Sprint("i", n))
	}
	b.refused("ServiceQuotaExceededException", "CreateTrustedTokenIssuer", newIssuer("eleventh"))
	first := b.do("ListTrustedTokenIssuers", `{"InstanceArn":"$I","MaxResults":9}`)
	rest := b.do("ListTrustedTokenIssuers", `{"InstanceArn":"$I","MaxResults":9,"NextToken":"`+in[string](t, first, "NextToken")+`"}`)
	if n, m := len(in[[]any](t, first, "TrustedTokenIssuers")), len(in[[]any](t, rest, "TrustedTokenIssuers")); n != 9 || m != 1 || rest["NextToken"] != nil {
		t.Errorf("pages of %d and %d", n, m)
	}
	b.do("DeleteTrustedTokenIssuer", on+`}`)
	b.refused("ResourceNotFoundException", "DescribeTrustedTokenIssuer", on+`}`)
	for _, bad := range [][2]string{
		{`"Name":"`, `"Name":"a b`}, {"https://idp.example.com/oauth2", "https://idp.example.com/.well-known/openid-configuration"}, {"https://idp.example.com/oauth2", "ftp://idp.example.com"},
		{"https://idp.example.com/oauth2", "https:///x"}, {`"ClaimAttributePath":"email"`, `"ClaimAttributePath":"e-mail"`}, {"OPEN_ID_DISCOVERY", "STATIC"},
	} {
		b.refused("ValidationException", "CreateTrustedTokenIssuer", strings.Replace(newIssuer("x"), bad[0], bad[1], 1))
	}
}

// TestApplicationsOfAMemberAccount: an account administers the applications that it made, and sees no others.
func TestApplicationsOfAMemberAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	theirs := b.application("Of the owner")
	member, body := b.accounts[0], `{"InstanceArn":"$I","ApplicationProviderArn":"`+custom+`","Name":"Mine"}`
	status, out := b.as(member, "CreateApplication", body)
	if status != 200 {
		t.Fatalf("CreateApplication as a member: %d %v", status, out)
	}
	mine := in[string](t, out, "ApplicationArn")
	if !strings.HasPrefix(mine, "arn:aws:sso::"+member+":application/") {
		t.Errorf("the application's ARN is %s", mine)
	}
	for _, c := range []struct {
		account, op, body string
		status            int
	}{
		{member, "DescribeApplication", `{"ApplicationArn":"` + mine + `"}`, 200},
		{member, "PutApplicationAssignmentConfiguration", `{"ApplicationArn":"` + mine + `","AssignmentRequired":false}`, 200},
		{member, "TagResource", `{"ResourceArn":"` + mine + `","Tags":[{"Key":"a","Value":"1"}]}`, 200},
		{member, "ListApplications", `{"InstanceArn":"$I","Filter":{"ApplicationAccount":"` + member + `"}}`, 200},
		{b.owner, "DescribeApplication", `{"ApplicationArn":"` + mine + `"}`, 200},
		{member, "DescribeApplication", `{"ApplicationArn":"` + theirs + `"}`, 400},
		{b.accounts[1], "DescribeApplication", `{"ApplicationArn":"` + mine + `"}`, 400},
		{member, "DeleteApplication", `{"ApplicationArn":"` + strings.Replace(theirs, b.owner, member, 1) + `"}`, 400},
		{member, "ListApplications", `{"InstanceArn":"$I"}`, 400},
		{member, "ListApplications", `{"InstanceArn":"$I","Filter":{"ApplicationAccount":"` + b.owner + `"}}`, 400},
		{member, "TagResource", `{"ResourceArn":"$I","Tags":[{"Key":"a","Value":"1"}]}`, 400},
		{member, "CreateTrustedTokenIssuer", newIssuer("x"), 400},
		{member, "PutApplicationAccessScope", `{"ApplicationArn":"` + mine + `","Scope":"wiki:read"}`, 200},
		{member, "PutApplicationAccessScope", `{"ApplicationArn":"` + mine + `","Scope":"sso:account:access"}`, 400},
		{b.owner, "PutApplicationAccessScope", `{"ApplicationArn":"` + mine + `","Scope":"sso:account:access"}`, 400},
		{b.owner, "PutApplicationAccessScope", `{"ApplicationArn":"` + theirs + `","Scope":"sso:account:access"}`, 200},
		{member, "UpdateInstance", `{"InstanceArn":"$I","Name":"x"}`, 400},
		{member, "ListPermissionSets", `{"InstanceArn":"$I"}`, 400},
	} {
		if status, out := b.as(c.account, c.op, c.body); status != c.status {
			t.Errorf("%s as %s %s: %d %v, want %d", c.op, c.account, c.body, status, out, c.status)
		}
	}
}

// TestWhatIsAuthorized looks at the resources and condition keys that policies are asked about.
func TestWhatIsAuthorized(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	app := b.application("Wiki")
	b.do("TagResource", `{"ResourceArn":"`+app+`","Tags":[{"Key":"team","Value":"docs"}]}`)
	b.asked.asked = nil
	b.do("CreateApplication", `{"InstanceArn":"$I","ApplicationProviderArn":"`+custom+`","Name":"x","Tags":[{"Key":"k","Value":"v"}]}`)
	b.do("ListApplicationGrants", `{"ApplicationArn":"`+app+`"}`)
	every := app[:strings.LastIndexByte(app, '/')+1] + "*"
	create, tag, list := b.asked.asked[0], b.asked.asked[1], b.asked.asked[2]
	if create.Action != "sso:CreateApplication" || !slices.Equal(create.Resources, []string{b.instance, custom, every}) || !slices.Equal(create.Context["sso:ApplicationAccount"], []string{b.owner}) || !slices.Equal(create.Context["aws:RequestTag/k"], []string{"v"}) {
		t.Errorf("asked %v", create)
	}
	if tag.Action != "sso:TagResource" || !slices.Equal(tag.Resources, []string{every}) || !tag.Fresh || !slices.Equal(tag.Context["aws:TagKeys"], []string{"k"}) {
		t.Errorf("asked %v", tag)
	}
	if list.Action != "sso:ListApplicationGrants" || !slices.Equal(list.Resources, []string{app}) {
		t.Errorf("asked %v", list)
	}
}
