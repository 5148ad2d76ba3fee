package iam

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
	"gatehouse/internal/policy"
	"gatehouse/internal/seal"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

const (
	account   = "111122223333"
	other     = "444455556666"
	readS3    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
	trustSelf = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
)

// bench is the door with real IAM, policies and signatures over a real SQLite, spoken to as clients do.
type bench struct {
	t      *testing.T
	iam    *localiam.Service
	router http.Handler
	key    awswire.Key // whom requests come from
}

// callers is localiam as the router wants it.
type callers struct{ iam *localiam.Service }

func (k callers) Credential(ctx context.Context, id, token string) (awswire.Credential[localiam.Caller], error) {
	c, err := k.iam.Credential(ctx, id, token)
	return awswire.Credential[localiam.Caller]{Secret: c.Secret, Principal: c.Caller, Actor: c.Caller.Actor()}, err
}

func (k callers) Authorize(ctx context.Context, c localiam.Caller, a awswire.Access) error {
	for _, r := range a.Resources {
		about := map[string][]string{}
		if !a.Fresh {
			keys, err := k.iam.ResourceKeys(ctx, r)
			if err != nil {
				return err
			}
			maps.Copy(about, keys)
		}
		maps.Copy(about, a.Context)
		if err := k.iam.Authorize(ctx, c, localiam.Check{Action: a.Action, Resource: r, Context: about}); err != nil {
			return err
		}
	}
	return nil
}

func newBench(t *testing.T, more ...func(*localiam.Config)) *bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keyset, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Parse(keyset)
	if err != nil {
		t.Fatal(err)
	}
	cfg := localiam.Config{Store: db.LocalIAM(), Sealer: sealer, Now: time.Now, Rand: rand.Reader}
	for _, f := range more {
		f(&cfg)
	}
	b := &bench{t: t, iam: localiam.NewService(cfg)}
	b.router, err = awswire.NewRouter(awswire.Config[localiam.Caller]{
		Verifier:   &awswire.Verifier[localiam.Caller]{Authenticator: callers{b.iam}, Regions: []string{"us-east-1"}, Now: time.Now},
		Authorizer: callers{b.iam}, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, New(b.iam).Service())
	if err != nil {
		t.Fatal(err)
	}
	b.key = b.administrator(account)
	return b
}

func (b *bench) administrator(account string) awswire.Key {
	b.t.Helper()
	k, err := b.iam.CreateAdministrator(b.t.Context(), audit.Gatehouse, account, "admin")
	if err != nil {
		b.t.Fatal(err)
	}
	return awswire.Key{ID: k.ID, Secret: k.Secret}
}

// as returns the bench with requests from another key.
func (b *bench) as(k awswire.Key) *bench {
	c := *b
	c.key = k
	return &c
}

// send makes one request: pairs are parameter names and values.
func (b *bench) send(operation string, pairs ...string) (int, string) {
	b.t.Helper()
	form := url.Values{"Action": {operation}, "Version": {"2010-05-08"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body := form.Encode()
	r := httptest.NewRequest("POST", "http://gatehouse.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if err := awswire.Sign(r, []byte(body), b.key, "us-east-1", "iam", time.Now()); err != nil {
		b.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	b.router.ServeHTTP(w, r)
	if err := xml.Unmarshal(w.Body.Bytes(), new(struct{})); err != nil {
		b.t.Fatalf("%s: not XML: %s", operation, w.Body)
	}
	return w.Code, w.Body.String()
}

// do sends a request that must succeed, and returns the answer.
func (b *bench) do(operation string, pairs ...string) string {
	b.t.Helper()
	status, body := b.send(operation, pairs...)
	if status != 200 {
		b.t.Fatalf("%s %v: %d %s", operation, pairs, status, body)
	}
	return body
}

// refused sends a request that must fail with the status, the code and the text.
func (b *bench) refused(status int, code, text, operation string, pairs ...string) {
	b.t.Helper()
	got, body := b.send(operation, pairs...)
	if got != status || first(body, "Code") != code || !strings.Contains(first(body, "Message"), text) {
		b.t.Errorf("%s %v: got %d %s, want %d %s %q", operation, pairs, got, body, status, code, text)
	}
}

// all returns the texts of all elements of a name, in order.
func all(body, name string) []string {
	var out []string
	for _, rest := range strings.Split(body, "<"+name+">")[1:] {
		text, _, _ := strings.Cut(rest, "</"+name+">")
		out = append(out, strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text))
	}
	return out
}

func first(body, name string) string {
	if a := all(body, name); len(a) > 0 {
		return a[0]
	}
	return ""
}

func TestRoleLifeCycle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got := b.do("CreateRole", "RoleName", "Builder", "Path", "/team/", "AssumeRolePolicyDocument", trustSelf, "Description", "builds <things>", "MaxSessionDuration", "7200",
		"Tags.member.1.Key", "team", "Tags.member.1.Value", "red")
	if first(got, "Arn") != "arn:aws:iam::111122223333:role/team/Builder" || !strings.HasPrefix(first(got, "RoleId"), "AROA") {
		t.Errorf("got %s", got)
	}
	b.refused(409, "EntityAlreadyExists", "Role with name builder already exists", "CreateRole", "RoleName", "builder", "AssumeRolePolicyDocument", trustSelf)
	got = b.do("GetRole", "RoleName", "BUILDER")
	document, err := url.PathUnescape(first(got, "AssumeRolePolicyDocument"))
	if err != nil || document != trustSelf || first(got, "Description") != "builds <things>" || first(got, "MaxSessionDuration") != "7200" || first(got, "Key") != "team" {
		t.Errorf("got %s", got)
	}
	b.do("AttachRolePolicy", "RoleName", "Builder", "PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	b.do("AttachRolePolicy", "RoleName", "Builder", "PolicyArn", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess")
	b.refused(404, "NoSuchEntity", "arn:aws:iam::aws:policy/NoSuchAccess does not exist or is not attachable", "AttachRolePolicy", "RoleName", "Builder", "PolicyArn", "arn:aws:iam::aws:policy/NoSuchAccess")
	if got := all(b.do("ListAttachedRolePolicies", "RoleName", "Builder"), "PolicyName"); len(got) != 2 || got[0] != "ReadOnlyAccess" || got[1] != "ViewOnlyAccess" {
		t.Errorf("got %v", got)
	}
	if got := all(b.do("ListAttachedRolePolicies", "RoleName", "Builder", "PathPrefix", "/job-function/"), "PolicyName"); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	b.do("PutRolePolicy", "RoleName", "Builder", "PolicyName", "s3", "PolicyDocument", readS3)
	if got, _ := url.PathUnescape(first(b.do("GetRolePolicy", "RoleName", "Builder", "PolicyName", "s3"), "PolicyDocument")); got != readS3 {
		t.Errorf("got %s", got)
	}
	if got := first(b.do("ListRolePolicies", "RoleName", "Builder"), "member"); got != "s3" {
		t.Errorf("got %s", got)
	}
	b.refused(400, "MalformedPolicyDocument", "Effect must be Allow or Deny", "PutRolePolicy", "RoleName", "Builder", "PolicyName", "x", "PolicyDocument", `{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}`)
	b.refused(400, "MalformedPolicyDocument", "Missing required field Principal", "UpdateAssumeRolePolicy", "RoleName", "Builder", "PolicyDocument", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`)
	b.do("UpdateAssumeRolePolicy", "RoleName", "Builder", "PolicyDocument", trustSelf)
	b.do("UpdateRole", "RoleName", "Builder", "MaxSessionDuration", "3600")
	b.do("PutRolePermissionsBoundary", "RoleName", "Builder", "PermissionsBoundary", "arn:aws:iam::aws:policy/PowerUserAccess")
	if got := b.do("GetRole", "RoleName", "Builder"); first(got, "PermissionsBoundaryArn") != "arn:aws:iam::aws:policy/PowerUserAccess" || first(got, "MaxSessionDuration") != "3600" {
		t.Errorf("got %s", got)
	}
	b.do("DeleteRolePermissionsBoundary", "RoleName", "Builder")
	b.do("TagRole", "RoleName", "Builder", "Tags.member.1.Key", "Team", "Tags.member.1.Value", "")
	if got := b.do("ListRoleTags", "RoleName", "Builder"); first(got, "Key") != "Team" || !strings.Contains(got, "<Value></Value>") {
		t.Errorf("got %s", got)
	}
	b.do("UntagRole", "RoleName", "Builder", "TagKeys.member.1", "team")
	b.do("ListInstanceProfilesForRole", "RoleName", "Builder")

	b.refused(409, "DeleteConflict", "must detach all policies first", "DeleteRole", "RoleName", "Builder")
	b.do("DetachRolePolicy", "RoleName", "Builder", "PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	b.do("DetachRolePolicy", "RoleName", "Builder", "PolicyArn", "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess")
	b.refused(409, "DeleteConflict", "must delete policies first", "DeleteRole", "RoleName", "Builder")
	b.do("DeleteRolePolicy", "RoleName", "Builder", "PolicyName", "s3")
	b.do("DeleteRole", "RoleName", "Builder")
	b.refused(404, "NoSuchEntity", "The role with name Builder cannot be found.", "GetRole", "RoleName", "Builder")
}

func TestReservedRolesCanOnlyBeRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const name = "AWSReservedSSO_Ops_0123456789abcdef"
	if _, err := b.iam.EnsureSAMLProvider(t.Context(), audit.Gatehouse, account, "<md/>"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.iam.PutRole(t.Context(), audit.Gatehouse, localiam.Role{
		Identity:    localiam.Identity{AccountID: account, Name: name, Path: "/aws-reserved/sso.amazonaws.com/", Attached: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}, Inline: map[string]string{"AwsSSOInlinePolicy": readS3}},
		TrustPolicy: localiam.ReservedTrust(account), MaxSessionDuration: 12 * time.Hour,
	}); err != nil {
		t.Fatal(err)
	}
	if got := b.do("GetRole", "RoleName", name); first(got, "MaxSessionDuration") != "43200" || first(got, "Path") != "/aws-reserved/sso.amazonaws.com/" {
		t.Errorf("got %s", got)
	}
	if got := all(b.do("ListRoles", "PathPrefix", "/aws-reserved/"), "RoleName"); len(got) != 1 || got[0] != name {
		t.Errorf("got %v", got)
	}
	b.do("GetRolePolicy", "RoleName", name, "PolicyName", "AwsSSOInlinePolicy")
	text := "Cannot perform the operation on the protected role '" + name + "' - this role is only modifiable by AWS"
	b.refused(400, "UnmodifiableEntity", text, "DeleteRole", "RoleName", name)
	b.refused(400, "UnmodifiableEntity", text, "AttachRolePolicy", "RoleName", name, "PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess")
	b.refused(400, "UnmodifiableEntity", text, "PutRolePolicy", "RoleName", name, "PolicyName", "x", "PolicyDocument", readS3)
	b.refused(400, "UnmodifiableEntity", text, "UpdateAssumeRolePolicy", "RoleName", name, "PolicyDocument", trustSelf)
	b.refused(400, "InvalidInput", "reserved", "CreateRole", "RoleName", "x", "Path", "/aws-reserved/sso.amazonaws.com/", "AssumeRolePolicyDocument", trustSelf)

	got := b.do("ListSAMLProviders")
	arn := first(got, "Arn")
	if !strings.HasPrefix(arn, "arn:aws:iam::111122223333:saml-provider/AWSSSO_") || !strings.HasSuffix(arn, "_DO_NOT_DELETE") {
		t.Errorf("got %s", got)
	}
	if got := b.do("GetSAMLProvider", "SAMLProviderArn", arn); first(got, "SAMLMetadataDocument") != "<md/>" {
		t.Errorf("got %s", got)
	}
}

func TestManagedPolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	arn := first(b.do("CreatePolicy", "PolicyName", "S3", "Path", "/team/", "PolicyDocument", readS3, "Description", "d"), "Arn")
	if arn != "arn:aws:iam::111122223333:policy/team/S3" {
		t.Fatalf("got %s", arn)
	}
	b.refused(409, "EntityAlreadyExists", "A policy called s3 already exists", "CreatePolicy", "PolicyName", "s3", "PolicyDocument", readS3)
	b.refused(400, "MalformedPolicyDocument", "should not specify a principal", "CreatePolicy", "PolicyName", "x", "PolicyDocument", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
	b.refused(409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144", "CreatePolicy", "PolicyName", "x", "PolicyDocument", strings.Replace(readS3, `"*"`, `"arn:aws:s3:::`+strings.Repeat("x", 6200)+`"`, 1))
	b.do("AttachUserPolicy", "UserName", "admin", "PolicyArn", arn)
	if got := b.do("GetPolicy", "PolicyArn", arn); first(got, "AttachmentCount") != "1" || first(got, "DefaultVersionId") != "v1" || first(got, "Description") != "d" {
		t.Errorf("got %s", got)
	}
	if got := b.do("ListEntitiesForPolicy", "PolicyArn", arn); first(got, "UserName") != "admin" {
		t.Errorf("got %s", got)
	}
	b.do("CreatePolicyVersion", "PolicyArn", arn, "PolicyDocument", readS3, "SetAsDefault", "true")
	if got := all(b.do("ListPolicyVersions", "PolicyArn", arn), "VersionId"); len(got) != 2 || got[0] != "v2" {
		t.Errorf("got %v", got)
	}
	b.do("SetDefaultPolicyVersion", "PolicyArn", arn, "VersionId", "v1")
	b.refused(409, "DeleteConflict", "default version", "DeletePolicyVersion", "PolicyArn", arn, "VersionId", "v1")
	b.do("DeletePolicyVersion", "PolicyArn", arn, "VersionId", "v2")
	b.refused(404, "NoSuchEntity", "version v2", "GetPolicyVersion", "PolicyArn", arn, "VersionId", "v2")
	b.refused(409, "DeleteConflict", "attached to entities", "DeletePolicy", "PolicyArn", arn)
	b.do("DetachUserPolicy", "UserName", "admin", "PolicyArn", arn)
	b.do("DeletePolicy", "PolicyArn", arn)
	b.refused(404, "NoSuchEntity", "was not found", "GetPolicy", "PolicyArn", arn)

	got := b.do("GetPolicyVersion", "PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess", "VersionId", "v1")
	if text, _ := url.PathUnescape(first(got, "Document")); !strings.Contains(text, `"*"`) {
		t.Errorf("got %s", got)
	}
	b.refused(404, "NoSuchEntity", "was not found", "GetPolicy", "PolicyArn", "arn:aws:iam::aws:policy/NoSuchAccess")
	b.refused(404, "NoSuchEntity", "was not found", "DeletePolicy", "PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess")
}

func TestListsHavePages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, name := range []string{"a", "B", "c", "d"} {
		b.do("CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trustSelf)
		b.do("CreatePolicy", "PolicyName", name, "PolicyDocument", readS3)
	}
	collect := func(operation, element string, pairs ...string) (names []string, pages int) {
		for marker := ""; ; {
			args := pairs
			if marker != "" {
				args = append(append([]string{}, pairs...), "Marker", marker)
			}
			got := b.do(operation, args...)
			pages++
			names = append(names, all(got, element)...)
			if marker = first(got, "Marker"); first(got, "IsTruncated") != "true" {
				return names, pages
			}
		}
	}
	if names, pages := collect("ListRoles", "RoleName", "MaxItems", "3"); strings.Join(names, "") != "aBcd" || pages != 2 {
		t.Errorf("got %v in %d pages", names, pages)
	}
	if names, _ := collect("ListRoles", "RoleName", "MaxItems", "1000"); len(names) != 4 {
		t.Errorf("got %v", names)
	}
	want := len(policy.Builtin().All()) + 4
	if names, pages := collect("ListPolicies", "PolicyName", "MaxItems", "7"); len(names) != want || pages != (want+6)/7 {
		t.Errorf("got %d names in %d pages, want %d", len(names), pages, want)
	}
	if names, _ := collect("ListPolicies", "PolicyName", "Scope", "Local", "MaxItems", "1"); strings.Join(names, "") != "aBcd" {
		t.Errorf("got %v", names)
	}
	if names, _ := collect("ListPolicies", "PolicyName", "OnlyAttached", "true"); len(names) != 1 || names[0] != "AdministratorAccess" {
		t.Errorf("got %v", names)
	}
	b.refused(400, "ValidationError", "", "ListRoles", "Marker", "nonsense")
	b.refused(400, "ValidationError", "", "ListRoles", "MaxItems", "0")
}

func TestUsersAndKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if got := b.do("GetUser"); first(got, "Arn") != "arn:aws:iam::111122223333:user/admin" {
		t.Errorf("got %s", got)
	}
	b.do("CreateUser", "UserName", "bot")
	got := b.do("CreateAccessKey", "UserName", "bot")
	bot := b.as(awswire.Key{ID: first(got, "AccessKeyId"), Secret: first(got, "SecretAccessKey")})
	bot.refused(403, "AccessDenied", "User: arn:aws:iam::111122223333:user/bot is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111122223333:user/bot because no identity-based policy allows the iam:GetUser action", "GetUser")
	bot.refused(403, "AccessDenied", "iam:GetRole on resource: arn:aws:iam::111122223333:role/None", "GetRole", "RoleName", "None") // not even whether it exists
	b.do("PutUserPolicy", "UserName", "bot", "PolicyName", "self", "PolicyDocument", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"}}`)
	bot.do("GetUser")
	bot.refused(403, "AccessDenied", "", "GetUser", "UserName", "admin")
	if got := first(b.do("ListUserPolicies", "UserName", "bot"), "member"); got != "self" {
		t.Errorf("got %s", got)
	}
	b.do("UpdateAccessKey", "UserName", "bot", "AccessKeyId", bot.key.ID, "Status", "Inactive")
	bot.refused(403, "InvalidClientTokenId", "invalid", "GetUser")
	if got := b.do("ListAccessKeys", "UserName", "bot"); first(got, "Status") != "Inactive" || strings.Contains(got, bot.key.Secret) {
		t.Errorf("got %s", got)
	}
	b.refused(409, "DeleteConflict", "", "DeleteUser", "UserName", "bot")
	b.do("DeleteUserPolicy", "UserName", "bot", "PolicyName", "self")
	b.refused(409, "DeleteConflict", "access keys", "DeleteUser", "UserName", "bot")
	b.do("DeleteAccessKey", "UserName", "bot", "AccessKeyId", bot.key.ID)
	b.do("DeleteUser", "UserName", "bot")
	b.refused(404, "NoSuchEntity", "", "GetUser", "UserName", "bot")
	if got := all(b.do("ListUsers"), "UserName"); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestEveryOperationActsOnTheCallersAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateRole", "RoleName", "mine", "AssumeRolePolicyDocument", trustSelf)
	arn := first(b.do("CreatePolicy", "PolicyName", "mine", "PolicyDocument", readS3), "Arn")
	stranger := b.as(b.administrator(other))
	stranger.refused(404, "NoSuchEntity", "", "GetRole", "RoleName", "mine")
	stranger.refused(403, "AccessDenied", "", "GetPolicy", "PolicyArn", arn)
	stranger.refused(403, "AccessDenied", "", "DeletePolicy", "PolicyArn", arn)
	stranger.do("CreateRole", "RoleName", "theirs", "AssumeRolePolicyDocument", trustSelf)
	stranger.refused(404, "NoSuchEntity", "not attachable", "AttachRolePolicy", "RoleName", "theirs", "PolicyArn", arn)
	stranger.refused(403, "AccessDenied", "", "SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::111122223333:user/admin", "ActionNames.member.1", "s3:GetObject")
}

func TestTagsDecide(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateUser", "UserName", "bot")
	got := b.do("CreateAccessKey", "UserName", "bot")
	bot := b.as(awswire.Key{ID: first(got, "AccessKeyId"), Secret: first(got, "SecretAccessKey")})
	b.do("PutUserPolicy", "UserName", "bot", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:GetRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}},
		{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"red"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}},
		{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}]}`)
	bot.do("CreateRole", "RoleName", "red", "AssumeRolePolicyDocument", trustSelf, "Tags.member.1.Key", "team", "Tags.member.1.Value", "red")
	bot.refused(403, "AccessDenied", "", "CreateRole", "RoleName", "blue", "AssumeRolePolicyDocument", trustSelf, "Tags.member.1.Key", "team", "Tags.member.1.Value", "blue")
	bot.refused(403, "AccessDenied", "", "CreateRole", "RoleName", "more", "AssumeRolePolicyDocument", trustSelf, "Tags.member.1.Key", "team", "Tags.member.1.Value", "red", "Tags.member.2.Key", "x", "Tags.member.2.Value", "y")
	b.do("CreateRole", "RoleName", "plain", "AssumeRolePolicyDocument", trustSelf)
	bot.do("GetRole", "RoleName", "red")
	bot.refused(403, "AccessDenied", "", "GetRole", "RoleName", "plain")
	bot.do("AttachRolePolicy", "RoleName", "red", "PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	bot.refused(403, "AccessDenied", "", "AttachRolePolicy", "RoleName", "red", "PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess")
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", trustSelf)
	b.do("PutRolePolicy", "RoleName", "r", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}`)
	got := b.do("SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::111122223333:role/r", "ActionNames.member.1", "s3:GetObject", "ActionNames.member.2", "s3:DeleteObject", "ActionNames.member.3", "ec2:RunInstances")
	if d := strings.Join(all(got, "EvalDecision"), " "); d != "allowed explicitDeny implicitDeny" {
		t.Errorf("got %s", got)
	}
	b.refused(404, "NoSuchEntity", "", "SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::111122223333:role/none", "ActionNames.member.1", "s3:GetObject")
}

// TestSimulationHasAnEnd: policies can be written so that a question costs a hundredth of a second, and a simulation may ask a thousand.
func TestSimulationHasAnEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", trustSelf)
	dear := strings.TrimSuffix(strings.Repeat(`"arn:aws:s3:::*`+strings.Repeat("a", 900)+`?b",`, 10), ",")
	b.do("PutRolePolicy", "RoleName", "r", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":[`+dear+`]}]}`)
	ask := []string{"PolicySourceArn", "arn:aws:iam::111122223333:role/r"}
	for i := range 100 {
		ask = append(ask, fmt.Sprintf("ActionNames.member.%d", i+1), fmt.Sprintf("s3:Get%d", i))
	}
	for i := range 10 {
		ask = append(ask, fmt.Sprintf("ResourceArns.member.%d", i+1), "arn:aws:s3:::"+strings.Repeat("a", 1900))
	}
	b.refused(400, "InvalidInput", "takes too long", "SimulatePrincipalPolicy", ask...)

	madeUp := *awswire.PageToken("-1", "Simulate", "arn:aws:iam::111122223333:role/r", "s3:GetObject")
	b.do("SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::111122223333:role/r", "ActionNames.member.1", "s3:GetObject", "Marker", madeUp)
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.refused(400, "ValidationError", "'roleName' failed to satisfy constraint: Member must not be null", "GetRole")
	b.refused(400, "ValidationError", "regular expression pattern", "GetRole", "RoleName", "a b")
	b.refused(400, "ValidationError", "", "CreateRole", "RoleName", "x", "AssumeRolePolicyDocument", trustSelf, "MaxSessionDuration", "60")
	b.refused(400, "InvalidAction", "", "NoSuchOperation")
	b.refused(400, "UnsupportedOperation", "CreateLoginProfile", "CreateLoginProfile", "UserName", "g", "Password", "p")
	b.refused(400, "InvalidInput", "Duplicate tag keys", "TagRole", "RoleName", "x", "Tags.member.1.Key", "a", "Tags.member.1.Value", "1", "Tags.member.2.Key", "a", "Tags.member.2.Value", "2")
	forged := b.as(awswire.Key{ID: b.key.ID, Secret: "wrong"})
	forged.refused(403, "SignatureDoesNotMatch", "", "GetUser")
}
