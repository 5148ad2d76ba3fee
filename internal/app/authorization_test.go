package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/awswire/model"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/organization"
)

// TestWhatPoliciesAreAskedAbout holds every operation of every API against testdata/authorization: which resources, which condition keys,
// which further actions. Everything that an operation may name is there and has all that policies can ask about it; the operation is
// stopped at the last question that it should ask, so that nothing happens.
func TestWhatPoliciesAreAskedAbout(t *testing.T) {
	t.Parallel()
	w := newAskedWorld(t)
	for _, service := range w.awsServices() {
		t.Run(service.Model.Service, func(t *testing.T) {
			table := readAsked(t, service.Model.Service)
			api, err := model.Read(service.Model.Service)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range service.Operations {
				want, ok := table[row.Name]
				if !ok {
					t.Errorf("%s has no line in testdata/authorization/%s.txt", row.Name, service.Model.Service)
					continue
				}
				delete(table, row.Name)
				w.compare(t, api, row, want)
			}
			for name := range table {
				t.Errorf("testdata/authorization/%s.txt has %s, which is no operation of the table", service.Model.Service, name)
			}
		})
	}
}

// asked is a line of the tables.
type asked struct{ types, keys, further []string }

func readAsked(t *testing.T, service string) map[string]asked {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "authorization", service+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	list := func(s string) []string {
		out := strings.Fields(s)
		if slices.Equal(out, []string{"-"}) {
			out = nil
		}
		slices.Sort(out)
		return out
	}
	out := map[string]asked{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, " : ")
		if len(f) != 4 {
			t.Fatalf("%s: %q has not four parts", service, line)
		}
		for _, name := range strings.Fields(f[3]) {
			if _, twice := out[name]; twice {
				t.Errorf("%s: %s is there twice", service, name)
			}
			out[name] = asked{list(f[0]), list(f[1]), list(f[2])}
		}
	}
	return out
}

// resourceTypes are the types of the service authorization reference by the form of their ARNs.
var resourceTypes = []struct{ form, name string }{
	{`^\*$`, "*"},
	{`^arn:aws:sso:::instance/`, "Instance"}, {`^arn:aws:sso:::permissionSet/`, "PermissionSet"}, {`^arn:aws:sso:::account/\d{12}$`, "Account"},
	{`^arn:aws:sso::\d{12}:application/`, "Application"}, {`^arn:aws:sso::aws:applicationProvider/`, "ApplicationProvider"}, {`^arn:aws:sso::\d{12}:trustedTokenIssuer/`, "TrustedTokenIssuer"},
	{`^arn:aws:identitystore::\d{12}:identitystore/d-`, "Identitystore"}, {`^arn:aws:identitystore:::user/\*$`, "AllUsers"}, {`^arn:aws:identitystore:::group/\*$`, "AllGroups"},
	{`^arn:aws:identitystore:::membership/\*$`, "AllGroupMemberships"}, {`^arn:aws:identitystore:::user/`, "User"}, {`^arn:aws:identitystore:::group/`, "Group"}, {`^arn:aws:identitystore:::membership/`, "GroupMembership"},
	{`^arn:aws:organizations::\d{12}:account/o-[^/]+/`, "account"}, {`^arn:aws:organizations::\d{12}:root/o-[^/]+/r-`, "root"}, {`^arn:aws:organizations::\d{12}:ou/o-[^/]+/`, "organizationalunit"},
	{`^arn:aws:organizations::\d{12}:policy/o-[^/]+/service_control_policy/`, "policy"},
	{`^arn:aws:iam::\d{12}:(role|user|group|policy|instance-profile|saml-provider|oidc-provider)/`, ""}, {`^arn:aws:iam::\d{12}:root$`, "root-user"}, {`^arn:aws:sts::\d{12}:federated-user/`, "federated-user"}, {`^arn:aws:sts::\d{12}:self$`, "self-session"},
	{`^arn:aws:account-access:[a-z0-9-]+:\d{12}:application/`, "application"},
	{`^arn:aws:cloudformation:[a-z0-9-]+:\d{12}:stack/`, "stack"},
}

func resourceType(resource string) string {
	for _, rt := range resourceTypes {
		if m := regexp.MustCompile(rt.form).FindStringSubmatch(resource); m != nil {
			if rt.name == "" {
				return m[1]
			}
			return rt.name
		}
	}
	return "unknown: " + resource
}

// askedWorld is a program with one of everything, and a router that notes what is asked.
type askedWorld struct {
	*program
	known map[string]any // members of inputs by service and name, or by name
}

// noting is an authorizer that notes what is asked and refuses at the last question that it waits for.
type noting struct {
	*App
	waits int
	asked []awswire.Access
	keys  [][]string
}

func (n *noting) Authorize(ctx context.Context, _ localiam.Caller, a awswire.Access) error {
	var keys []string
	for _, r := range a.Resources {
		of, err := n.rights().keysOf(ctx, a, r)
		if err != nil {
			return err
		}
		for k := range of {
			name, _, _ := strings.Cut(k, "/")
			switch name {
			case "aws:SecureTransport", "aws:SourceIp", "aws:UserAgent", "aws:RequestedRegion", "aws:Referer":
			default:
				keys = append(keys, name)
			}
		}
	}
	slices.Sort(keys)
	n.asked, n.keys = append(n.asked, a), append(n.keys, slices.Compact(keys))
	if len(n.asked) >= n.waits {
		return fault.New(fault.Denied, "noted")
	}
	return nil
}

func (w *askedWorld) compare(t *testing.T, api *model.API, row awswire.Operation[localiam.Caller], want asked) {
	t.Helper()
	if slices.Equal(want.types, []string{"nobody"}) {
		if row.Action != "" {
			t.Errorf("%s needs no permission, and asks for %s", row.Name, row.Action)
		}
		return
	}
	n := &noting{App: w.App, waits: 1 + len(want.further)}
	status, body := w.perform(t, api, row.Name, n)
	if status != http.StatusForbidden && status != http.StatusBadRequest || !strings.Contains(body, "noted") || len(n.asked) != n.waits {
		t.Errorf("%s: asked %d times, then %d %s", row.Name, len(n.asked), status, body)
		return
	}
	prefix := map[string]string{"sso-admin": "sso", "sso-oidc": "sso-oauth"}[api.Service]
	if prefix == "" {
		prefix = api.Service
	}
	if main := n.asked[0]; main.Action != prefix+":"+row.Name {
		t.Errorf("%s asks for %s", row.Name, main.Action)
	}
	var types, further []string
	for _, r := range n.asked[0].Resources {
		types = append(types, resourceType(r))
	}
	slices.Sort(types)
	if !slices.Equal(slices.Compact(types), want.types) {
		t.Errorf("%s asks about %v, want %v", row.Name, n.asked[0].Resources, want.types)
	}
	for _, a := range n.asked[1:] {
		further = append(further, a.Action)
	}
	if slices.Sort(further); !slices.Equal(further, want.further) {
		t.Errorf("%s asks for %v too, want %v", row.Name, further, want.further)
	}
	for _, k := range want.keys {
		if !slices.Contains(n.keys[0], k) {
			t.Errorf("%s: the key %s is not there: %v", row.Name, k, n.keys[0])
		}
	}
	for _, k := range n.keys[0] {
		// A resource has all its keys, also where the reference does not say that an action looks at them.
		if own := k == "iam:PermissionsBoundary" || strings.HasSuffix(k, "ExternalIdIssuers"); !own && !slices.Contains(want.keys, k) {
			t.Errorf("%s: the key %s is not documented", row.Name, k)
		}
	}
}

// perform sends the operation with an input that names what there is.
func (w *askedWorld) perform(t *testing.T, api *model.API, operation string, n *noting) (int, string) {
	t.Helper()
	rt, err := awswire.NewRouter(awswire.Config[localiam.Caller]{
		Verifier:   &awswire.Verifier[localiam.Caller]{Authenticator: keys{w.IAM}, Regions: []string{"us-east-1"}, Now: w.now},
		Authorizer: n, Random: w.rand, Log: slog.New(slog.DiscardHandler),
	}, w.awsServices()...)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(api.Operations, func(o *model.Operation) bool { return o.Name == operation })
	in := map[string]any{}
	if name := api.Operations[i].In; name != "" {
		in = w.sample(api, name, operation, true).(map[string]any)
	}
	var body []byte
	method, path := http.MethodPost, "/"
	contentType, target := "application/x-amz-json-1.1", api.Target+"."+operation
	if api.Protocol == "rest-json" {
		method, target = api.Operations[i].Method, ""
		path = bind(api, api.Operations[i], in)
	}
	if api.Protocol == "query" {
		form := url.Values{"Action": {operation}, "Version": {api.Version}}
		leaves(form, "", in)
		body, contentType, target = []byte(form.Encode()), "application/x-www-form-urlencoded", ""
	} else if body, err = json.Marshal(in); err != nil {
		t.Fatal(err)
	}
	if method != http.MethodPost {
		body = nil
	}
	r := httptest.NewRequest(method, w.Config.URL+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	if err := awswire.Sign(r, body, w.key, "us-east-1", api.Signing, time.Now()); err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	rt.ServeHTTP(rec, r)
	b, _ := io.ReadAll(rec.Body)
	return rec.Code, string(b)
}

// bind takes the members that are in the path or its query out of an input, and returns the path.
func bind(api *model.API, o *model.Operation, in map[string]any) string {
	path, query := o.Path, url.Values{}
	for _, m := range api.Shape(o.In).Members {
		v, sent := in[m.Name]
		switch {
		case m.Path != "":
			path = strings.ReplaceAll(path, "{"+m.Path+"}", url.PathEscape(fmt.Sprint(v)))
		case m.Query != "" && sent:
			list, many := v.([]any)
			if !many {
				list = []any{v}
			}
			for _, v := range list {
				query.Add(m.Query, fmt.Sprint(v))
			}
		default:
			continue
		}
		delete(in, m.Name)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

func leaves(form url.Values, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, v := range v {
			leaves(form, strings.TrimPrefix(name+"."+k, "."), v)
		}
	case []any:
		for i, v := range v {
			leaves(form, fmt.Sprintf("%s.member.%d", name, i+1), v)
		}
	default:
		form.Set(name, fmt.Sprint(v))
	}
}

// optional are the members that are sent although they may be left out, because policies ask about them.
var optional = []string{"Tags", "tags", "PermissionsBoundary", "NewUserName", "NewGroupName", "UserName", "StackName", "ServicePrincipal"}

func (w *askedWorld) sample(api *model.API, shape, operation string, top bool) any {
	s := api.Shape(shape)
	switch s.Kind {
	case "structure":
		out := map[string]any{}
		for _, m := range s.Members {
			v, known := w.known[operation+"."+m.Name]
			if !known && (m.Required || top && slices.Contains(optional, m.Name)) {
				if v, known = w.known[api.Service+"."+m.Name]; !known {
					v = w.sample(api, m.Shape, operation, false)
				}
				known = true
			}
			if known {
				out[m.Name] = v
			}
		}
		return out
	case "union":
		first := s.Members[0]
		if v, known := w.known[api.Service+"."+first.Name]; known {
			return map[string]any{first.Name: v}
		}
		return map[string]any{first.Name: w.sample(api, first.Shape, operation, false)}
	case "list":
		return []any{w.sample(api, s.Item, operation, false)}
	case "enum":
		return s.Enum[0]
	case "boolean":
		return true
	case "integer", "long":
		return max(s.Min, 1)
	}
	return "name" + strings.Repeat("x", max(0, int(s.Min)-4))
}

func newAskedWorld(t *testing.T) *askedWorld {
	t.Helper()
	p, ctx, by := startProgram(t), t.Context(), audit.Gatehouse
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tags := map[string]string{"team": "red"}
	member, _ := p.member("member")
	o, err := p.Organization.Organization(ctx)
	try(err)
	unit, err := p.Organization.CreateUnit(ctx, by, o.RootID, "Unit", tags)
	try(err)
	scp, err := p.Organization.CreatePolicy(ctx, by, organization.Policy{Name: "SCP", Content: denyUsers, Tags: tags})
	try(err)
	json1 := func(target, service string, in map[string]any) map[string]any {
		t.Helper()
		status, body := p.target(service, target, in)
		var out map[string]any
		if err := json.Unmarshal([]byte(body), &out); status != 200 || err != nil {
			t.Fatalf("%s: %d %s", target, status, body)
		}
		return out
	}
	wireTags := []any{map[string]any{"Key": "team", "Value": "red"}}
	for _, id := range []string{member, o.RootID} {
		json1("AWSOrganizationsV20161128.TagResource", "organizations", map[string]any{"ResourceId": id, "Tags": wireTags})
	}
	instance := arn.Instance(p.Instance.ID)
	const sso = "SWBExternalService."
	json1(sso+"TagResource", "sso", map[string]any{"ResourceArn": instance, "Tags": wireTags})
	set, err := p.Access.CreateSet(ctx, by, access.PermissionSet{InstanceID: p.Instance.ID, Name: "Set", Tags: tags, SessionDuration: time.Hour})
	try(err)
	provider := "arn:aws:sso::aws:applicationProvider/custom"
	application := json1(sso+"CreateApplication", "sso", map[string]any{"InstanceArn": instance, "ApplicationProviderArn": provider, "Name": "App", "Tags": wireTags})["ApplicationArn"]
	issuer := map[string]any{"OidcJwtConfiguration": map[string]any{"IssuerUrl": "https://x.example.com", "ClaimAttributePath": "email", "IdentityStoreAttributePath": "emails.value", "JwksRetrievalOption": "OPEN_ID_DISCOVERY"}}
	issuerARN := json1(sso+"CreateTrustedTokenIssuer", "sso", map[string]any{"InstanceArn": instance, "Name": "Issuer", "TrustedTokenIssuerType": "OIDC_JWT", "TrustedTokenIssuerConfiguration": issuer, "Tags": wireTags})["TrustedTokenIssuerArn"]

	person, err := p.Directory.CreateUser(ctx, by, directory.User{UserName: "ada", DisplayName: "Ada", Name: directory.Name{GivenName: "A", FamilyName: "L"}, ExternalIDs: []directory.ExternalID{{Issuer: "https://idp.example.com", ID: "1"}}})
	try(err)
	group, err := p.Directory.CreateGroup(ctx, by, directory.Group{DisplayName: "Group", ExternalIDs: []directory.ExternalID{{Issuer: "https://idp.example.com", ID: "2"}}}, nil)
	try(err)
	membership, err := p.Directory.AddMember(ctx, by, group.ID, person.ID)
	try(err)

	account := p.Instance.OwnerAccountID
	const boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
	_, err = p.IAM.CreateUser(ctx, by, localiam.User{Identity: localiam.Identity{AccountID: account, Name: "user", Tags: tags, BoundaryARN: boundary}})
	try(err)
	_, err = p.IAM.CreateRole(ctx, by, localiam.Role{Identity: localiam.Identity{AccountID: account, Name: "role", Tags: tags, BoundaryARN: boundary}, TrustPolicy: trust})
	try(err)
	_, err = p.IAM.CreateGroup(ctx, by, localiam.Group{Identity: localiam.Identity{AccountID: account, Name: "group"}})
	try(err)
	managed, err := p.IAM.CreatePolicy(ctx, by, localiam.ManagedPolicy{AccountID: account, Name: "policy", Tags: tags}, rolesOnly)
	try(err)
	_, err = p.IAM.CreateProfile(ctx, by, localiam.InstanceProfile{AccountID: account, Name: "profile", Tags: tags})
	try(err)
	oidc, err := p.IAM.CreateOIDCProvider(ctx, by, localiam.OIDCProvider{AccountID: account, URL: "https://oidc.example.com", Tags: tags})
	try(err)
	metadata, err := p.reservedMetadata(ctx)
	try(err)
	saml, err := p.IAM.CreateSAMLProvider(ctx, by, localiam.SAMLProvider{AccountID: account, Name: "saml", Metadata: metadata, Tags: tags})
	try(err)

	building, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { p.builder.Run(building); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	template := `{"Resources":{"G":{"Type":"AWS::IAM::Group"}}}`
	stack := element(p.may("cloudformation", "CreateStack", "StackName", "stack", "TemplateBody", template, "Capabilities.member.1", "CAPABILITY_IAM", "Tags.member.1.Key", "team", "Tags.member.1.Value", "red"), "StackId")
	changes := element(p.may("cloudformation", "CreateChangeSet", "StackName", "stack", "ChangeSetName", "set", "TemplateBody", `{"Resources":{"G":{"Type":"AWS::IAM::Group"},"H":{"Type":"AWS::IAM::Group"}}}`, "Capabilities.member.1", "CAPABILITY_IAM"), "Id")

	w := &askedWorld{program: p, known: map[string]any{}}
	know := func(service string, pairs ...any) {
		for i := 0; i < len(pairs); i += 2 {
			w.known[service+"."+pairs[i].(string)] = pairs[i+1]
		}
	}
	uuid := "00000000-0000-4000-8000-000000000000"
	know("sso-admin", "InstanceArn", instance, "PermissionSetArn", arn.PermissionSet(p.Instance.ID, set.ID), "ApplicationArn", application, "TrustedTokenIssuerArn", issuerARN, "ApplicationProviderArn", provider,
		"ResourceArn", arn.PermissionSet(p.Instance.ID, set.ID), "TargetId", member, "AccountId", member, "PrincipalId", person.ID, "RegionName", "eu-west-1", "ManagedPolicyArn", boundary, "Tags", wireTags,
		"AccountAssignmentCreationRequestId", uuid, "AccountAssignmentDeletionRequestId", uuid, "ProvisionPermissionSetRequestId", uuid, "Scope", "sso:account:access", "InlinePolicy", rolesOnly,
		"PermissionsBoundary", map[string]any{"ManagedPolicyArn": boundary}, "TrustedTokenIssuerConfiguration", issuer, "Name", "new", "InstanceAccessControlAttributeConfiguration", map[string]any{"AccessControlAttributes": []any{}},
		"AuthenticationMethod", map[string]any{"Iam": map[string]any{"ActorPolicy": map[string]any{}}})
	know("ProvisionPermissionSet", "TargetType", "AWS_ACCOUNT", "TargetId", member)
	know("ListApplicationAssignmentsForPrincipal", "Filter", map[string]any{"ApplicationArn": application})
	know("UpdateTrustedTokenIssuer", "TrustedTokenIssuerConfiguration", map[string]any{"OidcJwtConfiguration": map[string]any{}})
	know("identitystore", "IdentityStoreId", p.Instance.IdentityStoreID, "UserId", person.ID, "GroupId", group.ID, "MembershipId", membership.ID, "MemberId", map[string]any{"UserId": person.ID}, "GroupIds", []any{group.ID},
		"UserName", "new", "Operations", []any{map[string]any{"AttributePath": "displayName", "AttributeValue": "x"}})
	know("GetUserId", "AlternateIdentifier", map[string]any{"UniqueAttribute": map[string]any{"AttributePath": "userName", "AttributeValue": "ada"}})
	know("GetGroupId", "AlternateIdentifier", map[string]any{"UniqueAttribute": map[string]any{"AttributePath": "displayName", "AttributeValue": "Group"}})
	know("organizations", "AccountId", member, "ParentId", o.RootID, "RootId", o.RootID, "SourceParentId", o.RootID, "DestinationParentId", unit.ID, "OrganizationalUnitId", unit.ID, "ChildId", member, "PolicyId", scp.ID, "TargetId", member,
		"ResourceId", scp.ID, "Tags", wireTags, "ServicePrincipal", "sso.amazonaws.com", "PolicyType", organization.ServiceControl, "Filter", organization.ServiceControl, "Type", organization.ServiceControl, "Content", denyUsers,
		"CreateAccountRequestId", "car-0123456789abcdef0123456789abcdef", "Email", "new@example.com")
	policyARN := managed.ARN()
	know("iam", "UserName", "user", "RoleName", "role", "GroupName", "group", "PolicyArn", policyARN, "InstanceProfileName", "profile", "SAMLProviderArn", saml.ARN(), "OpenIDConnectProviderArn", oidc.ARN(), "Tags", wireTags,
		"PolicyDocument", rolesOnly, "AssumeRolePolicyDocument", trust, "PermissionsBoundary", boundary, "VersionId", "v1", "AccessKeyId", "AKIAIOSFODNN7EXAMPLE", "PolicySourceArn", arn.IAM(account, "user/user"), "SAMLMetadataDocument", metadata,
		"AWSServiceName", "sso.amazonaws.com", "DeletionTaskId", "task/aws-service-role/sso.amazonaws.com/AWSServiceRoleForSSO/"+uuid, "Url", "https://new.example.com", "ThumbprintList", []any{strings.Repeat("a", 40)},
		"NewUserName", "other", "NewGroupName", "other", "ActionNames", []any{"s3:GetObject"}, "PolicyInputList", []any{rolesOnly}, "ClientID", "client", "AccountAlias", "alias",
		"Permissions", map[string]any{"PolicyTemplateArn": boundary})
	try(p.Organization.EnableService(ctx, by, "account-access.amazonaws.com"))
	manager, err := p.Access.CreateManager(ctx, by, p.Instance.ID, tags)
	try(err)
	know("account-access", "applicationArn", manager.Name().String(), "resourceArn", manager.Name().String(), "instanceArn", instance, "tags", map[string]any{"team": "red"}, "tagKeys", []any{"team"}, "entitlementId", strings.Repeat("a", 40), "userId", person.ID, "roleArn", arn.IAM(account, "role/role"))
	know("sts", "Tags", wireTags, "Name", "fed", "AccessKeyId", "AKIAIOSFODNN7EXAMPLE", "EncodedMessage", "x", "TargetPrincipal", member, "TaskPolicyArn", map[string]any{"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"})
	know("sso-oidc", "clientId", application)
	know("cloudformation", "StackName", "stack", "Tags", wireTags, "ChangeSetName", "set", "LogicalResourceId", "G", "ExportName", "x", "EnableTerminationProtection", true)
	know("CreateStack", "StackName", "new")
	for _, operation := range []string{"DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet"} {
		know(operation, "ChangeSetName", changes)
	}
	know("GetTemplate", "StackName", stack)
	for _, operation := range []string{"CreateRole", "CreateUser", "CreateGroup", "CreatePolicy", "CreateInstanceProfile", "CreateSAMLProvider"} {
		for _, member := range []string{"RoleName", "UserName", "GroupName", "PolicyName", "InstanceProfileName", "Name"} {
			if slices.Contains([]string{"CreateRoleRoleName", "CreateUserUserName", "CreateGroupGroupName", "CreatePolicyPolicyName", "CreateInstanceProfileInstanceProfileName", "CreateSAMLProviderName"}, operation+member) {
				w.known[operation+"."+member] = "new" + strconv.Itoa(len(w.known))
			}
		}
	}
	return w
}
