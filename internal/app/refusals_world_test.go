package app

import (
	"context"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/awswire/model"
	"gatehouse/internal/localiam"
	"gatehouse/internal/signin"
	"gatehouse/internal/storage/sqlstore"
)

// refusals is a world in which every operation has something to be about, and the callers who ask.
type refusals struct {
	*program
	apis []*api

	admin, nobody, denier, foreigner *caller

	// known are valid values: by "service.Member" or "service:Shape". also are further members of an operation's request, and values that
	// it alone has, by "service.Operation".
	known map[string]any
	also  map[string]map[string]any
	// names are references that name nothing or what is somebody else's, by "service.Member" or "service:Shape".
	names map[mischief]map[string]string
	// used remembers the lines of refusals_data_test.go that were asked for.
	used map[string]bool
	// tokens are the page tokens of each operation, in the world as it is.
	tokens map[string]string
}

func newRefusalWorld(t *testing.T) *refusals {
	t.Helper()
	w := &refusals{program: startProgram(t), known: map[string]any{}, also: map[string]map[string]any{},
		names: map[mischief]map[string]string{unknown: {}, foreign: {}}, used: map[string]bool{}, tokens: map[string]string{}}
	w.apis = w.tables()
	w.run()
	w.admin = &caller{id: "admin", key: w.key}
	w.nobody, w.denier = w.user("nobody", ""), w.user("denied", "")
	w.fill()
	return w
}

// tables are all APIs with their implemented operations: of the doors with tables by these, of those that have paths of their own by asking.
func (w *refusals) tables() []*api {
	var out []*api
	there := map[string]bool{}
	for _, s := range w.awsServices() {
		a := &api{rows: map[string]string{}}
		for _, row := range s.Operations {
			a.rows[row.Name] = row.Action
		}
		a.desc = w.described(s.Model.Service)
		there[s.Model.Service] = true
		out = append(out, a)
	}
	for _, name := range model.Services() {
		if there[name] {
			continue
		}
		a := &api{desc: w.described(name), rows: map[string]string{}}
		for _, o := range a.desc.Operations {
			rec := httptest.NewRecorder()
			w.Handler().ServeHTTP(rec, httptest.NewRequest(o.Method, w.Config.URL+o.Path, strings.NewReader("{}")))
			if rec.Code != 404 && rec.Code != 405 && rec.Code != 501 && !strings.Contains(rec.Body.String(), "not implemented") {
				a.rows[o.Name] = ""
			}
		}
		out = append(out, a)
	}
	return out
}

func (w *refusals) described(service string) *model.API {
	w.t.Helper()
	a, err := model.Read(service)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// run lets the workers work.
func (w *refusals) run() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, l) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// user makes an IAM user of the management account with one policy, or none.
func (w *refusals) user(name, document string) *caller {
	w.t.Helper()
	ctx, account := w.t.Context(), w.Instance.OwnerAccountID
	if _, err := w.IAM.CreateUser(ctx, audit.Gatehouse, localiam.User{Identity: localiam.Identity{AccountID: account, Path: "/", Name: name}}); err != nil {
		w.t.Fatal(err)
	}
	if document != "" {
		if err := w.IAM.PutInline(ctx, audit.Gatehouse, localiam.UserRef(account, name), localiam.InlinePolicy{Name: "policy", Document: document}); err != nil {
			w.t.Fatal(err)
		}
	}
	k, err := w.IAM.CreateAccessKey(ctx, audit.Gatehouse, account, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return &caller{id: name, key: awswire.Key{ID: k.ID, Secret: k.Secret}}
}

// denying is an administrator whose policy denies one action. One user plays them all, one after the other.
func (w *refusals) denying(action string) *caller {
	w.t.Helper()
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"` + action + `","Resource":"*"}]}`
	if err := w.IAM.PutInline(w.t.Context(), audit.Gatehouse, localiam.UserRef(w.Instance.OwnerAccountID, w.denier.id), localiam.InlinePolicy{Name: "policy", Document: document}); err != nil {
		w.t.Fatal(err)
	}
	return w.denier
}

// lastEvent is the place of the newest event of the audit log.
func (w *refusals) lastEvent() int64 {
	w.t.Helper()
	page, err := w.db.Events().Events(w.t.Context(), sqlstore.EventCursor{}, audit.Filter{}, 1)
	if err != nil || len(page.Events) != 1 {
		w.t.Fatal(err)
	}
	return page.Next.Seq
}

// do sends a request that must succeed and returns the JSON answer, or of XML nothing.
func (w *refusals) do(service, operation string, in map[string]any) answer {
	w.t.Helper()
	for _, a := range w.apis {
		if a.desc.Service != service {
			continue
		}
		for _, o := range a.desc.Operations {
			if o.Name == operation {
				ans := w.send(a, o, w.admin, in)
				if ans.status != 200 {
					w.t.Fatalf("%s %s: HTTP %d %s", service, operation, ans.status, ans.body)
				}
				return ans
			}
		}
	}
	w.t.Fatalf("there is no %s %s", service, operation)
	return answer{}
}

// at reads a text in an answer: a path of names in JSON, an element in XML.
func (a answer) at(path ...string) string {
	if a.out == nil {
		_, rest, _ := strings.Cut(a.body, "<"+path[0]+">")
		text, _, _ := strings.Cut(rest, "</")
		return text
	}
	var v any = a.out
	for _, name := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			v = x[0].(map[string]any)[name]
		}
	}
	s, _ := v.(string)
	return s
}

// badTokens are page tokens that an operation must refuse.
func (w *refusals) badTokens(a *api, o *model.Operation, member string) map[string]any {
	w.t.Helper()
	out := map[string]any{"garbage": "AAAA"}
	if w.tokens[a.desc.Service] == "" {
		for _, o := range a.desc.Operations {
			if _, there := a.rows[o.Name]; there {
				if tok := w.token(a, o); tok != "" {
					w.tokens[a.desc.Service+"."+o.Name] = tok
				}
			}
		}
		w.tokens[a.desc.Service] = "asked"
	}
	for key, tok := range w.tokens {
		if strings.HasPrefix(key, a.desc.Service+".") && key != a.desc.Service+"."+o.Name {
			out["another operation's"] = tok
			break
		}
	}
	if own := w.tokens[a.desc.Service+"."+o.Name]; own != "" {
		b := []byte(own)
		b[0] ^= 1 // still of the alphabet: A and B, a and b, 0 and 1 differ in the last bit
		if b[0] == '@' || b[0] == '`' || b[0] == '/' {
			b[0] = 'x'
		}
		out["tampered"] = string(b)
		out["cut"] = own[:len(own)/2]
	}
	return out
}

var limits = []string{"MaxResults", "MaxItems", "maxResults"}

// token is the token of the second page of an operation's list, where the world has two.
func (w *refusals) token(a *api, o *model.Operation) string {
	w.t.Helper()
	in := a.desc.Shape(o.In)
	if in == nil || !slices.ContainsFunc(in.Members, func(m model.Member) bool { return slices.Contains(tokenMembers, m.Name) }) {
		return ""
	}
	req := w.request(a, o)
	for _, m := range in.Members {
		if slices.Contains(limits, m.Name) {
			req[m.Name] = 1
		}
	}
	ans := w.send(a, o, w.admin, req)
	for _, name := range tokenMembers {
		if tok := ans.at(name); ans.status == 200 && tok != "" {
			return tok
		}
	}
	return ""
}

// fill makes the world.
func (w *refusals) fill() {
	instance, store, owner := arn.Instance(w.Instance.ID), w.Instance.IdentityStoreID, w.Instance.OwnerAccountID
	w.identities(store)
	one, _ := w.member("one")
	two, asTwo := w.member("two")
	w.foreigner = &caller{id: "foreigner", key: asTwo.key}
	w.organization(one)
	w.sets(instance, owner, one)
	w.applications(instance, owner)
	w.iam(owner, two)
	w.stacks()
	w.accountAccess(instance, owner)
	w.portal(one)
}

func (w *refusals) identities(store string) {
	const s = "identitystore"
	w.known[s+".IdentityStoreId"] = store
	user := func(name string) string {
		return w.do(s, "CreateUser", map[string]any{"IdentityStoreId": store, "UserName": name, "DisplayName": name, "Name": map[string]any{"GivenName": name, "FamilyName": "Test"}}).at("UserId")
	}
	group := func(name string) string {
		return w.do(s, "CreateGroup", map[string]any{"IdentityStoreId": store, "DisplayName": name}).at("GroupId")
	}
	ann, bob, devs, ops := user("ann"), user("bob"), group("Devs"), group("Ops")
	var membership string
	for _, g := range []string{devs, ops} {
		for _, u := range []string{ann, bob} {
			membership = w.do(s, "CreateGroupMembership", map[string]any{"IdentityStoreId": store, "GroupId": g, "MemberId": map[string]any{"UserId": u}}).at("MembershipId")
		}
	}
	w.known[s+".UserId"], w.known[s+".GroupId"], w.known[s+".MembershipId"], w.known[s+".GroupIds"] = ann, devs, membership, []any{devs}
	w.known[s+":ResourceId"] = ann
	w.known[s+".AttributePath"], w.known[s+".AttributeValue"] = "displayName", "Other"
	w.known["sso-admin.PrincipalId"], w.known["sso-admin.PrincipalType"] = ann, "USER"
	w.also[s+".CreateUser"] = map[string]any{"UserName": "new", "DisplayName": "New", "Name": map[string]any{"GivenName": "N", "FamilyName": "N"}}
	w.also[s+".CreateGroup"] = map[string]any{"DisplayName": "New"}
	w.also[s+".CreateGroupMembership"] = map[string]any{"GroupId": group("Empty")}
	w.also[s+".GetUserId"] = map[string]any{"AlternateIdentifier": map[string]any{"UniqueAttribute": map[string]any{"AttributePath": "userName", "AttributeValue": "ann"}}}
	w.also[s+".GetGroupId"] = map[string]any{"AlternateIdentifier": map[string]any{"UniqueAttribute": map[string]any{"AttributePath": "displayName", "AttributeValue": "Devs"}}}
	rename := []any{map[string]any{"AttributePath": "displayName", "AttributeValue": "Other"}}
	w.also[s+".UpdateUser"], w.also[s+".UpdateGroup"] = map[string]any{"Operations": rename}, map[string]any{"Operations": rename}
	w.also[s+".DeleteUser"], w.also[s+".DeleteGroup"] = map[string]any{"UserId": user("gone")}, map[string]any{"GroupId": group("Gone")}
	none := "00000000-0000-4000-8000-000000000000"
	for _, m := range []string{"UserId", "GroupId", "MembershipId", "GroupIds"} {
		w.names[unknown][s+"."+m] = none
	}
	w.names[unknown][s+".IdentityStoreId"] = "d-0000000000"
	w.names[foreign][s+".IdentityStoreId"] = "arn:aws:identitystore::999999999999:identitystore/" + store
	w.names[unknown]["sso-admin.PrincipalId"] = none
}

func (w *refusals) organization(one string) {
	const s = "organizations"
	root := w.do(s, "ListRoots", nil).at("Roots", "Id")
	unit := w.do(s, "CreateOrganizationalUnit", map[string]any{"ParentId": root, "Name": "Work"}).at("OrganizationalUnit", "Id")
	empty := w.do(s, "CreateOrganizationalUnit", map[string]any{"ParentId": root, "Name": "Empty"}).at("OrganizationalUnit", "Id")
	three := w.do(s, "CreateAccount", map[string]any{"Email": "three@example.com", "AccountName": "three"})
	request := three.at("CreateAccountStatus", "Id")
	four := w.do(s, "CreateAccount", map[string]any{"Email": "four@example.com", "AccountName": "four"}).at("CreateAccountStatus", "AccountId")
	w.do(s, "RegisterDelegatedAdministrator", map[string]any{"AccountId": four, "ServicePrincipal": "cloudtrail.amazonaws.com"})
	w.also[s+".ListDelegatedServicesForAccount"], w.also[s+".CloseAccount"] = map[string]any{"AccountId": four}, map[string]any{"AccountId": three.at("CreateAccountStatus", "AccountId")}
	w.do(s, "EnablePolicyType", map[string]any{"RootId": root, "PolicyType": "SERVICE_CONTROL_POLICY"})
	content := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
	policy := func(name string) string {
		return w.do(s, "CreatePolicy", map[string]any{"Content": content, "Description": "d", "Name": name, "Type": "SERVICE_CONTROL_POLICY"}).at("Policy", "PolicySummary", "Id")
	}
	scp := policy("NoS3")
	w.also[s+".DeletePolicy"], w.also[s+".AttachPolicy"] = map[string]any{"PolicyId": policy("Gone")}, map[string]any{"TargetId": four}
	w.do(s, "AttachPolicy", map[string]any{"PolicyId": scp, "TargetId": unit})
	w.do(s, "AttachPolicy", map[string]any{"PolicyId": scp, "TargetId": one})
	w.do(s, "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": "sso.amazonaws.com"})
	w.do(s, "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": "cloudtrail.amazonaws.com"})
	w.also[s+".DisableAWSServiceAccess"] = map[string]any{"ServicePrincipal": "sso.amazonaws.com"}
	for m, v := range map[string]any{"AccountId": one, "ParentId": root, "SourceParentId": root, "DestinationParentId": unit, "OrganizationalUnitId": empty, "PolicyId": scp,
		"TargetId": one, "ResourceId": unit, "RootId": root, "CreateAccountRequestId": request, "ChildId": one, "ServicePrincipal": "cloudtrail.amazonaws.com",
		"PolicyType": "SERVICE_CONTROL_POLICY", "Filter": "SERVICE_CONTROL_POLICY", "Type": "SERVICE_CONTROL_POLICY", "Content": content} {
		w.known[s+"."+m] = v
	}
	w.known[s+".Email"] = "new@example.com"
	for m, v := range map[string]string{"AccountId": "999999999999", "ParentId": "ou-0000-00000000", "SourceParentId": "ou-0000-00000000", "DestinationParentId": "ou-0000-00000000",
		"OrganizationalUnitId": "ou-0000-00000000", "PolicyId": "p-00000000", "TargetId": "999999999999", "ResourceId": "ou-0000-00000000", "RootId": "r-0000",
		"CreateAccountRequestId": "car-00000000", "ChildId": "999999999999"} {
		w.names[unknown][s+"."+m] = v
	}
}

func (w *refusals) sets(instance, owner, one string) {
	const s = "sso-admin"
	w.known[s+".InstanceArn"] = instance
	set := func(name string) string {
		return w.do(s, "CreatePermissionSet", map[string]any{"InstanceArn": instance, "Name": name}).at("PermissionSet", "PermissionSetArn")
	}
	ps := set("Set")
	w.also[s+".DeletePermissionSet"] = map[string]any{"PermissionSetArn": set("Other")}
	on := func(operation string, more map[string]any) answer {
		in := map[string]any{"InstanceArn": instance, "PermissionSetArn": ps}
		for k, v := range more {
			in[k] = v
		}
		return w.do(s, operation, in)
	}
	readOnly := "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
	for _, p := range []string{readOnly, "arn:aws:iam::aws:policy/AdministratorAccess"} {
		on("AttachManagedPolicyToPermissionSet", map[string]any{"ManagedPolicyArn": p})
	}
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}`
	on("PutInlinePolicyToPermissionSet", map[string]any{"InlinePolicy": document})
	on("PutPermissionsBoundaryToPermissionSet", map[string]any{"PermissionsBoundary": map[string]any{"ManagedPolicyArn": readOnly}})
	assign := map[string]any{"TargetType": "AWS_ACCOUNT", "TargetId": one, "PrincipalType": "USER", "PrincipalId": w.known[s+".PrincipalId"]}
	creation := on("CreateAccountAssignment", assign).at("AccountAssignmentCreationStatus", "RequestId")
	w.done("DescribeAccountAssignmentCreationStatus", "AccountAssignmentCreationRequestId", creation)
	second := copied(assign).(map[string]any)
	second["TargetId"] = owner
	w.done("DescribeAccountAssignmentCreationStatus", "AccountAssignmentCreationRequestId", on("CreateAccountAssignment", second).at("AccountAssignmentCreationStatus", "RequestId"))
	group := copied(assign).(map[string]any)
	group["PrincipalType"], group["PrincipalId"] = "GROUP", w.known["identitystore.GroupId"]
	w.done("DescribeAccountAssignmentCreationStatus", "AccountAssignmentCreationRequestId", on("CreateAccountAssignment", group).at("AccountAssignmentCreationStatus", "RequestId"))
	deletion := on("DeleteAccountAssignment", group).at("AccountAssignmentDeletionStatus", "RequestId")
	w.done("DescribeAccountAssignmentDeletionStatus", "AccountAssignmentDeletionRequestId", deletion)
	on("CreateAccountAssignment", group)
	w.done("DescribeAccountAssignmentDeletionStatus", "AccountAssignmentDeletionRequestId", on("DeleteAccountAssignment", group).at("AccountAssignmentDeletionStatus", "RequestId"))
	on("CreateAccountAssignment", group)
	var provisioning string
	for range 2 {
		provisioning = on("ProvisionPermissionSet", map[string]any{"TargetType": "ALL_PROVISIONED_ACCOUNTS"}).at("PermissionSetProvisioningStatus", "RequestId")
		w.done("DescribePermissionSetProvisioningStatus", "ProvisionPermissionSetRequestId", provisioning)
	}
	on("AttachCustomerManagedPolicyReferenceToPermissionSet", map[string]any{"CustomerManagedPolicyReference": map[string]any{"Name": "Local"}})
	on("AttachCustomerManagedPolicyReferenceToPermissionSet", map[string]any{"CustomerManagedPolicyReference": map[string]any{"Name": "More"}})
	w.do(s, "TagResource", map[string]any{"InstanceArn": instance, "ResourceArn": ps, "Tags": []any{map[string]any{"Key": "team", "Value": "a"}}})
	w.do(s, "AddRegion", map[string]any{"InstanceArn": instance, "RegionName": "eu-central-1"})
	w.do(s, "CreateInstanceAccessControlAttributeConfiguration", map[string]any{"InstanceArn": instance, "InstanceAccessControlAttributeConfiguration": map[string]any{
		"AccessControlAttributes": []any{map[string]any{"Key": "title", "Value": map[string]any{"Source": []any{"${path:title}"}}}}}})
	for m, v := range map[string]any{"PermissionSetArn": ps, "TargetId": one, "AccountId": one, "TargetType": "AWS_ACCOUNT", "ManagedPolicyArn": readOnly, "ResourceArn": ps,
		"AccountAssignmentCreationRequestId": creation, "AccountAssignmentDeletionRequestId": deletion, "ProvisionPermissionSetRequestId": provisioning, "RegionName": "eu-central-1",
		"InlinePolicy": document, "PermissionsBoundary": map[string]any{"ManagedPolicyArn": readOnly}, "Source": []any{"${path:title}"},
		"CustomerManagedPolicyReference": map[string]any{"Name": "Local"}, "TagKeys": []any{"team"}} {
		w.known[s+"."+m] = v
	}
	w.known[s+":TagList"] = []any{map[string]any{"Key": "k", "Value": "v"}}
	w.known[s+":AccessControlAttributeList"] = []any{map[string]any{"Key": "title", "Value": map[string]any{"Source": []any{"${path:title}"}}}}
	w.also[s+".AddRegion"] = map[string]any{"RegionName": "eu-west-1"}
	w.also[s+".AttachManagedPolicyToPermissionSet"] = map[string]any{"ManagedPolicyArn": "arn:aws:iam::aws:policy/IAMFullAccess"}
	w.also[s+".AttachCustomerManagedPolicyReferenceToPermissionSet"] = map[string]any{"CustomerManagedPolicyReference": map[string]any{"Name": "New"}}
	w.also[s+".UpdateInstance"] = map[string]any{"Name": "renamed"}
	w.also[s+".ProvisionPermissionSet"] = map[string]any{"TargetType": "AWS_ACCOUNT", "TargetId": one}
	w.names[unknown][s+".InstanceArn"] = "arn:aws:sso:::instance/ssoins-0000000000000000"
	w.names[unknown][s+".PermissionSetArn"] = ps[:len(ps)-16] + "0000000000000000"
	w.names[foreign][s+".PermissionSetArn"] = strings.Replace(ps, w.Instance.ID, "ssoins-0000000000000000", 1)
	w.names[unknown][s+".ResourceArn"], w.names[foreign][s+".ResourceArn"] = w.names[unknown][s+".PermissionSetArn"], w.names[foreign][s+".PermissionSetArn"]
	for _, m := range []string{"TargetId", "AccountId"} {
		w.names[unknown][s+"."+m] = "999999999999"
	}
	w.names[unknown][s+".ManagedPolicyArn"] = "arn:aws:iam::aws:policy/NoSuchPolicy"
	w.names[unknown][s+".RegionName"] = "ap-south-1"
	for _, m := range []string{"AccountAssignmentCreationRequestId", "AccountAssignmentDeletionRequestId", "ProvisionPermissionSetRequestId"} {
		w.names[unknown][s+"."+m] = "00000000-0000-4000-8000-000000000000"
	}
}

// done returns when a request of the instance has succeeded.
func (w *refusals) done(operation, member, id string) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		body := w.do("sso-admin", operation, map[string]any{"InstanceArn": w.known["sso-admin.InstanceArn"], member: id}).body
		if strings.Contains(body, `"SUCCEEDED"`) {
			return
		}
		if strings.Contains(body, `"FAILED"`) || time.Now().After(end) {
			w.t.Fatalf("%s: %s", operation, body)
		}
	}
}

func (w *refusals) applications(instance, owner string) {
	const s = "sso-admin"
	custom := "arn:aws:sso::aws:applicationProvider/custom"
	application := func(name string) string {
		return w.do(s, "CreateApplication", map[string]any{"InstanceArn": instance, "ApplicationProviderArn": custom, "Name": name}).at("ApplicationArn")
	}
	app := application("Wiki")
	w.also[s+".DeleteApplication"] = map[string]any{"ApplicationArn": application("Shop")}
	issuer := func(name string) string {
		return w.do(s, "CreateTrustedTokenIssuer", map[string]any{"InstanceArn": instance, "Name": name, "TrustedTokenIssuerType": "OIDC_JWT", "TrustedTokenIssuerConfiguration": oidcIssuer("https://" + name + ".example.com")}).at("TrustedTokenIssuerArn")
	}
	tti := issuer("okta")
	issuer("ping")
	user, group := w.known[s+".PrincipalId"], w.known["identitystore.GroupId"]
	w.do(s, "CreateApplicationAssignment", map[string]any{"ApplicationArn": app, "PrincipalType": "USER", "PrincipalId": user})
	w.do(s, "CreateApplicationAssignment", map[string]any{"ApplicationArn": app, "PrincipalType": "GROUP", "PrincipalId": group})
	for _, scope := range []string{"read", "write"} {
		w.do(s, "PutApplicationAccessScope", map[string]any{"ApplicationArn": app, "Scope": scope})
	}
	w.do(s, "PutApplicationGrant", map[string]any{"ApplicationArn": app, "GrantType": "refresh_token", "Grant": map[string]any{"RefreshToken": map[string]any{}}})
	actor := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Principal": "*", "Action": "sso-oauth:CreateTokenWithIAM", "Resource": "*"}}}
	method := map[string]any{"Iam": map[string]any{"ActorPolicy": actor}}
	w.do(s, "PutApplicationAuthenticationMethod", map[string]any{"ApplicationArn": app, "AuthenticationMethodType": "IAM", "AuthenticationMethod": method})
	for m, v := range map[string]any{"ApplicationArn": app, "ApplicationProviderArn": custom, "TrustedTokenIssuerArn": tti, "Scope": "read", "GrantType": "refresh_token",
		"Grant": map[string]any{"RefreshToken": map[string]any{}}, "AuthenticationMethod": method, "ActorPolicy": actor, "AuthorizedTargets": []any{instance},
		"AuthorizedTokenIssuers": []any{map[string]any{"TrustedTokenIssuerArn": tti, "AuthorizedAudiences": []any{"wiki"}}}, "IssuerUrl": "https://new.example.com"} {
		w.known[s+"."+m] = v
	}
	w.known[s+":TrustedTokenIssuerConfiguration"] = oidcIssuer("https://new.example.com")
	w.also[s+".PutApplicationGrant"] = map[string]any{"GrantType": "urn:ietf:params:oauth:grant-type:jwt-bearer", "Grant": map[string]any{"JwtBearer": map[string]any{
		"AuthorizedTokenIssuers": []any{map[string]any{"TrustedTokenIssuerArn": tti, "AuthorizedAudiences": []any{"wiki"}}}}}}
	w.names[unknown][s+".ApplicationArn"] = app[:len(app)-16] + "0000000000000000"
	w.names[foreign][s+".ApplicationArn"] = strings.Replace(app, owner, "999999999999", 1)
	w.names[unknown][s+".TrustedTokenIssuerArn"] = tti[:len(tti)-36] + "00000000-0000-4000-8000-000000000000"
	w.names[foreign][s+".TrustedTokenIssuerArn"] = strings.Replace(tti, owner, "999999999999", 1)
	w.names[unknown][s+".ApplicationProviderArn"] = custom + "/unknown"
	w.names[unknown][s+".AuthorizedTargets"] = "arn:aws:sso:::instance/ssoins-0000000000000000"
}

func oidcIssuer(url string) map[string]any {
	return map[string]any{"OidcJwtConfiguration": map[string]any{"IssuerUrl": url, "ClaimAttributePath": "email", "IdentityStoreAttributePath": "emails.value", "JwksRetrievalOption": "OPEN_ID_DISCOVERY"}}
}

func (w *refusals) iam(owner, two string) {
	const s = "iam"
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}`
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + owner + `:root"},"Action":"sts:AssumeRole"}]}`
	metadata, err := w.reservedMetadata(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	policyARN := func(name string) string {
		return w.do(s, "CreatePolicy", map[string]any{"PolicyName": name, "PolicyDocument": document}).at("Arn")
	}
	polly, spare := policyARN("polly"), policyARN("spare")
	w.do(s, "CreatePolicyVersion", map[string]any{"PolicyArn": polly, "PolicyDocument": document})
	for _, name := range []string{"ursula", "victor"} {
		w.do(s, "CreateUser", map[string]any{"UserName": name})
		w.do(s, "CreateGroup", map[string]any{"GroupName": "g-" + name})
		w.do(s, "CreateRole", map[string]any{"RoleName": "r-" + name, "AssumeRolePolicyDocument": trust})
		w.do(s, "CreateInstanceProfile", map[string]any{"InstanceProfileName": "i-" + name})
	}
	oidc := w.do(s, "CreateOpenIDConnectProvider", map[string]any{"Url": "https://issuer.example.com", "ClientIDList": []any{"client"}}).at("OpenIDConnectProviderArn")
	saml := w.do(s, "CreateSAMLProvider", map[string]any{"Name": "entra", "SAMLMetadataDocument": metadata}).at("SAMLProviderArn")
	w.do(s, "CreateServiceLinkedRole", map[string]any{"AWSServiceName": "autoscaling.amazonaws.com"})
	w.do(s, "CreateServiceLinkedRole", map[string]any{"AWSServiceName": "elasticloadbalancing.amazonaws.com"})
	task := w.do(s, "DeleteServiceLinkedRole", map[string]any{"RoleName": "AWSServiceRoleForElasticLoadBalancing"}).at("DeletionTaskId")
	w.do(s, "CreateAccountAlias", map[string]any{"AccountAlias": "work"})
	key := w.do(s, "CreateAccessKey", map[string]any{"UserName": "ursula"}).at("AccessKeyId")
	w.do(s, "CreateAccessKey", map[string]any{"UserName": "ursula"})
	w.do(s, "AddRoleToInstanceProfile", map[string]any{"InstanceProfileName": "i-ursula", "RoleName": "r-ursula"})
	for _, g := range []string{"g-ursula", "g-victor"} {
		w.do(s, "AddUserToGroup", map[string]any{"GroupName": g, "UserName": "ursula"})
	}
	w.do(s, "AddUserToGroup", map[string]any{"GroupName": "g-ursula", "UserName": "victor"})
	for _, h := range []struct{ kind, member, name string }{{"User", "UserName", "ursula"}, {"Group", "GroupName", "g-ursula"}, {"Role", "RoleName", "r-ursula"}} {
		for _, name := range []string{"inline", "more"} {
			w.do(s, "Put"+h.kind+"Policy", map[string]any{h.member: h.name, "PolicyName": name, "PolicyDocument": document})
		}
		for _, p := range []string{polly, spare} {
			w.do(s, "Attach"+h.kind+"Policy", map[string]any{h.member: h.name, "PolicyArn": p})
		}
		if h.kind != "Group" {
			w.do(s, "Put"+h.kind+"PermissionsBoundary", map[string]any{h.member: h.name, "PermissionsBoundary": polly})
		}
	}
	two2 := []any{map[string]any{"Key": "k", "Value": "v"}, map[string]any{"Key": "l", "Value": "v"}}
	w.do(s, "TagUser", map[string]any{"UserName": "ursula", "Tags": two2})
	w.do(s, "TagRole", map[string]any{"RoleName": "r-ursula", "Tags": two2})
	w.do(s, "TagPolicy", map[string]any{"PolicyArn": polly, "Tags": two2})
	for m, v := range map[string]any{"UserName": "ursula", "GroupName": "g-ursula", "RoleName": "r-ursula", "InstanceProfileName": "i-ursula", "PolicyArn": polly, "PolicySourceArn": "arn:aws:iam::" + owner + ":user/ursula",
		"PermissionsBoundary": spare, "OpenIDConnectProviderArn": oidc, "SAMLProviderArn": saml, "AccessKeyId": key, "AccountAlias": "work", "ClientID": "client", "VersionId": "v1",
		"PolicyDocument": document, "AssumeRolePolicyDocument": trust, "PolicyInputList": []any{document}, "ActionNames": []any{"iam:GetUser"}, "SAMLMetadataDocument": metadata, "PolicyName": "inline",
		"AWSServiceName": "ecs.amazonaws.com", "ThumbprintList": []any{strings.Repeat("a", 40)}, "TagKeys": []any{"k"}, "Url": "https://new.example.com", "DeletionTaskId": task} {
		w.known[s+"."+m] = v
	}
	here := "arn:aws:iam::" + owner + ":"
	for m, v := range map[string]string{"UserName": "none", "GroupName": "none", "RoleName": "none", "InstanceProfileName": "none", "PolicyName": "none", "VersionId": "v9", "AccountAlias": "none",
		"ClientID": "none", "AccessKeyId": "AKIA0000000000000000", "PolicyArn": here + "policy/none", "PermissionsBoundary": here + "policy/none", "PolicySourceArn": here + "user/none",
		"OpenIDConnectProviderArn": here + "oidc-provider/none.example.com", "SAMLProviderArn": here + "saml-provider/none", "DeletionTaskId": task + "0"} {
		w.names[unknown][s+"."+m] = v
	}
	w.names[unknown]["iam.CreateAccountAlias.AccountAlias"] = ""
	there, err := w.IAM.CreatePolicy(w.t.Context(), audit.Gatehouse, localiam.ManagedPolicy{AccountID: two, Path: "/", Name: "theirs"}, document)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range []string{"PolicyArn", "PermissionsBoundary"} {
		w.names[foreign][s+"."+m] = there.ARN()
	}
	w.names[foreign][s+".PolicySourceArn"] = "arn:aws:iam::" + two + ":user/admin"
	w.names[foreign][s+".OpenIDConnectProviderArn"] = strings.Replace(oidc, owner, two, 1)
	w.names[foreign][s+".SAMLProviderArn"] = strings.Replace(saml, owner, two, 1)
	for m, v := range map[string]any{"RoleArn": here + "role/r-ursula", "RoleSessionName": "session", "PrincipalArn": saml, "AccessKeyId": key, "Name": "fed", "SAMLAssertion": "PHg+PC94Pg==", "SigningAlgorithm": "ES384", "TargetPrincipal": two,
		"TaskPolicyArn": map[string]any{"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}} {
		w.known["sts."+m] = v
	}
	for _, a := range w.apis {
		for _, o := range a.desc.Operations {
			if a.desc.Service == "sts" && o.Name == "GetFederationToken" {
				_, message, _ := strings.Cut(w.send(a, o, w.nobody, map[string]any{"Name": "fed"}).message, "failure message: ")
				w.known["sts.EncodedMessage"] = message
			}
		}
	}
	w.names[unknown]["sts.RoleArn"], w.names[foreign]["sts.RoleArn"] = here+"role/none", "arn:aws:iam::"+two+":role/none"
	w.names[unknown]["sts.PrincipalArn"], w.names[foreign]["sts.PrincipalArn"] = here+"saml-provider/none", strings.Replace(saml, owner, two, 1)
	for _, noun := range []string{"User", "Group", "Role", "InstanceProfile", "Policy"} {
		member := noun + "Name"
		gone := w.do(s, "Create"+noun, map[string]any{member: "gone", "AssumeRolePolicyDocument": trust, "PolicyDocument": document})
		w.also[s+".Delete"+noun] = map[string]any{member: "gone"}
		if noun == "Policy" {
			w.also[s+".DeletePolicy"] = map[string]any{"PolicyArn": gone.at("Arn")}
		}
	}
	w.also[s+".DeleteOpenIDConnectProvider"] = map[string]any{"OpenIDConnectProviderArn": w.do(s, "CreateOpenIDConnectProvider", map[string]any{"Url": "https://gone.example.com"}).at("OpenIDConnectProviderArn")}
	w.also[s+".DeleteSAMLProvider"] = map[string]any{"SAMLProviderArn": w.do(s, "CreateSAMLProvider", map[string]any{"Name": "gone", "SAMLMetadataDocument": metadata}).at("SAMLProviderArn")}
	w.also[s+".DeletePolicyVersion"], w.also[s+".AddRoleToInstanceProfile"] = map[string]any{"VersionId": "v2"}, map[string]any{"InstanceProfileName": "i-victor"}
	w.also[s+".CreateUser"] = map[string]any{"UserName": "new"}
	w.also[s+".CreateGroup"] = map[string]any{"GroupName": "new"}
	w.also[s+".CreateRole"] = map[string]any{"RoleName": "new"}
	w.also[s+".CreatePolicy"] = map[string]any{"PolicyName": "new"}
	w.also[s+".CreateInstanceProfile"] = map[string]any{"InstanceProfileName": "new"}
	w.also[s+".CreateSAMLProvider"] = map[string]any{"Name": "new"}
	w.also[s+".UpdateAssumeRolePolicy"] = map[string]any{"PolicyDocument": trust}
	w.also[s+".CreateAccessKey"] = map[string]any{"UserName": "victor"}
	w.also[s+".DeleteAccessKey"] = map[string]any{"UserName": "ursula"}
	w.also[s+".UpdateAccessKey"] = map[string]any{"UserName": "ursula"}
	w.also[s+".DeleteServiceLinkedRole"] = map[string]any{"RoleName": "AWSServiceRoleForAutoScaling"}
}

func (w *refusals) accountAccess(instance, owner string) {
	const s = "account-access"
	w.do("iam", "EnableOutboundWebIdentityFederation", nil)
	for _, service := range []string{"account-access.amazonaws.com", "iam.amazonaws.com"} {
		w.do("organizations", "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": service})
	}
	w.do("iam", "EnableOrganizationsRootSessions", nil)
	w.do("iam", "EnableOrganizationsRootCredentialsManagement", nil)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"account-access.amazonaws.com"},"Action":["sts:AssumeRole","sts:SetContext","sts:TagSession"]}]}`
	w.do("iam", "CreateRole", map[string]any{"RoleName": "existing", "AssumeRolePolicyDocument": trust})
	w.do("iam", "CreateRole", map[string]any{"RoleName": "spare", "AssumeRolePolicyDocument": trust})
	here := "arn:aws:iam::" + owner + ":role/"
	user := w.known["sso-admin.PrincipalId"]
	app := w.do(s, "CreateApplication", map[string]any{"identitySource": map[string]any{"identityCenter": map[string]any{"instanceArn": instance}}}).at("applicationArn")
	grant := func(role string) map[string]any {
		return map[string]any{"principalRole": map[string]any{"principal": map[string]any{"identityCenter": map[string]any{"userId": user}}, "roleArn": here + role}}
	}
	entitlement := w.do(s, "CreateEntitlement", map[string]any{"applicationArn": app, "entitlement": grant("existing")}).at("entitlementId")
	for m, v := range map[string]any{"applicationArn": app, "resourceArn": app, "entitlementId": entitlement, "instanceArn": instance, "userId": user, "groupId": w.known["identitystore.GroupId"], "roleArn": here + "existing",
		"tags": map[string]any{"k": "v"}, "tagKeys": []any{"k"}} {
		w.known[s+"."+m] = v
	}
	w.also[s+".CreateEntitlement"] = map[string]any{"entitlement": grant("spare")}
	last := strings.LastIndexByte(app, '/') + 1
	for m, v := range map[string]string{"applicationArn": app[:last] + "none-such", "resourceArn": app[:last] + "none-such", "entitlementId": "none-such", "instanceArn": "arn:aws:sso:::instance/ssoins-0000000000000000",
		"userId": "00000000-0000-4000-8000-000000000000", "groupId": "00000000-0000-4000-8000-000000000000"} {
		w.names[unknown][s+"."+m] = v
	}
	w.names[foreign][s+".applicationArn"] = strings.Replace(app, owner, "999999999999", 1)
	w.names[foreign][s+".resourceArn"] = w.names[foreign][s+".applicationArn"]
}

func (w *refusals) stacks() {
	const s = "cloudformation"
	template := func(name string) string {
		return `{"Resources":{"G":{"Type":"AWS::IAM::Group","Properties":{"GroupName":"` + name + `"}}},"Outputs":{"O":{"Value":"x","Export":{"Name":"` + name + `"}}}}`
	}
	for _, name := range []string{"stack", "gone"} {
		w.do(s, "CreateStack", map[string]any{"StackName": name, "TemplateBody": template("of-" + name), "Capabilities": []any{"CAPABILITY_NAMED_IAM"}})
	}
	w.do(s, "CreateStack", map[string]any{"StackName": "importer", "Capabilities": []any{"CAPABILITY_NAMED_IAM"}, "TemplateBody": `{"Resources":{"G":{"Type":"AWS::IAM::Group","Properties":{"GroupName":{"Fn::Join":["",["imports-",{"Fn::ImportValue":"of-stack"}]]}}}}}`})
	w.also[s+".DeleteStack"] = map[string]any{"StackName": "gone"}
	w.do(s, "CreateChangeSet", map[string]any{"StackName": "stack", "ChangeSetName": "change", "TemplateBody": template("of-stack2"), "Capabilities": []any{"CAPABILITY_NAMED_IAM"}})
	for m, v := range map[string]any{"StackName": "stack", "ChangeSetName": "change", "LogicalResourceId": "G", "ExportName": "of-stack", "TemplateBody": template("new"), "Capabilities": []any{"CAPABILITY_NAMED_IAM"}} {
		w.known[s+"."+m] = v
	}
	for _, m := range []string{"StackName", "ChangeSetName", "LogicalResourceId", "ExportName"} {
		w.names[unknown][s+"."+m] = "none"
	}
	w.names[foreign][s+".StackName"] = "arn:aws:cloudformation:us-east-1:999999999999:stack/stack/00000000-0000-4000-8000-000000000000"
	for _, o := range []string{"CreateStack", "UpdateStack"} {
		w.also[s+"."+o] = map[string]any{"TemplateBody": template("new"), "Capabilities": []any{"CAPABILITY_NAMED_IAM"}}
	}
	w.also[s+".CreateStack"]["StackName"] = "new"
	w.also[s+".CreateChangeSet"] = map[string]any{"ChangeSetName": "other", "TemplateBody": template("new"), "Capabilities": []any{"CAPABILITY_NAMED_IAM"}}
	for _, o := range []string{"DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "GetTemplate", "DescribeStackResources", "DescribeStackEvents"} {
		w.also[s+"."+o] = map[string]any{"StackName": "stack"}
	}
	w.also[s+".ValidateTemplate"], w.also[s+".GetTemplateSummary"] = map[string]any{"TemplateBody": template("new")}, map[string]any{"TemplateBody": template("new")}
	w.names[foreign][s+".CreateStack.StackName"], w.names[foreign][s+".CreateChangeSet.StackName"] = "", ""
	w.names[unknown][s+".CreateChangeSet.StackName"] = ""
}

// portal signs ann in on a command line.
func (w *refusals) portal(one string) {
	ctx := w.t.Context()
	u, err := w.Directory.User(ctx, w.known["sso-admin.PrincipalId"].(string))
	if err != nil {
		w.t.Fatal(err)
	}
	o, err := w.SignIn.OpenSession(ctx, u, signin.Proof{Method: signin.SAML, SourceID: DefaultSource}, "")
	if err != nil {
		w.t.Fatal(err)
	}
	client := w.do("sso-oidc", "RegisterClient", map[string]any{"clientName": "cli", "clientType": "public", "scopes": []any{"sso:account:access"}})
	id, secret := client.at("clientId"), client.at("clientSecret")
	device := func() answer {
		return w.do("sso-oidc", "StartDeviceAuthorization", map[string]any{"clientId": id, "clientSecret": secret, "startUrl": w.StartURL()})
	}
	d := device()
	if _, err := w.SignIn.DecideDevice(ctx, signin.Identity{User: u, Session: o.Session}, d.at("userCode"), true); err != nil {
		w.t.Fatal(err)
	}
	grant := "urn:ietf:params:oauth:grant-type:device_code"
	tok := w.do("sso-oidc", "CreateToken", map[string]any{"clientId": id, "clientSecret": secret, "grantType": grant, "deviceCode": d.at("deviceCode")})
	for m, v := range map[string]any{"clientId": id, "clientSecret": secret, "grantType": "refresh_token", "refreshToken": tok.at("refreshToken"), "startUrl": w.StartURL(), "clientName": "cli", "clientType": "public"} {
		w.known["sso-oidc."+m] = v
	}
	w.also["sso-oidc.CreateToken"] = map[string]any{"refreshToken": tok.at("refreshToken")}
	app := w.known["sso-admin.ApplicationArn"].(string)
	w.do("sso-admin", "PutApplicationGrant", map[string]any{"ApplicationArn": app, "GrantType": "refresh_token", "Grant": map[string]any{"RefreshToken": map[string]any{}}})
	w.also["sso-oidc.CreateTokenWithIAM"] = map[string]any{"clientId": app, "grantType": "refresh_token", "refreshToken": tok.at("refreshToken")}
	w.names[unknown]["sso-oidc.CreateTokenWithIAM.clientId"] = w.names[unknown]["sso-admin.ApplicationArn"]
	for m, v := range map[string]any{"accessToken": tok.at("accessToken"), "accountId": one, "roleName": "Set"} {
		w.known["sso."+m] = v
	}
	w.names[unknown]["sso.accessToken"], w.names[unknown]["sso.roleName"], w.names[unknown]["sso.accountId"] = "gtat_nothing", "NoSuchSet", "999999999999"
	w.names[unknown]["sso-oidc.clientId"], w.names[unknown]["sso-oidc.clientSecret"], w.names[unknown]["sso-oidc.startUrl"] = "nothing", "nothing", "https://d-0000000000.awsapps.com/start"
	w.names[unknown]["sso-oidc.refreshToken"] = "nothing"
}
