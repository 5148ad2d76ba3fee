package iam

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// user makes a user with a key and returns the bench as him.
func (b *bench) user(name string) *bench {
	b.t.Helper()
	b.do("CreateUser", "UserName", name)
	k := b.do("CreateAccessKey", "UserName", name)
	return b.as(awswire.Key{ID: first(k, "AccessKeyId"), Secret: first(k, "SecretAccessKey")})
}

const allowListUsers = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}]}`

func TestGroupsGiveTheirMembersPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann := b.user("Ann")
	got := b.do("CreateGroup", "GroupName", "Team", "Path", "/t/")
	if first(got, "Arn") != "arn:aws:iam::111122223333:group/t/Team" || !strings.HasPrefix(first(got, "GroupId"), "AGPA") || len(first(got, "GroupId")) != 21 {
		t.Errorf("got %s", got)
	}
	b.refused(409, "EntityAlreadyExists", "Group with name team already exists", "CreateGroup", "GroupName", "team")
	b.do("PutGroupPolicy", "GroupName", "Team", "PolicyName", "list", "PolicyDocument", allowListUsers)
	b.do("AttachGroupPolicy", "GroupName", "Team", "PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	ann.refused(403, "AccessDenied", "no identity-based policy allows", "ListUsers")
	b.refused(404, "NoSuchEntity", "The user with name Bob cannot be found", "AddUserToGroup", "GroupName", "Team", "UserName", "Bob")
	b.refused(404, "NoSuchEntity", "The group with name None cannot be found", "AddUserToGroup", "GroupName", "None", "UserName", "Ann")
	b.do("AddUserToGroup", "GroupName", "team", "UserName", "ann")
	ann.do("ListUsers")
	ann.do("GetGroup", "GroupName", "Team")
	if got := all(b.do("GetGroup", "GroupName", "Team"), "UserName"); !slices.Equal(got, []string{"Ann"}) {
		t.Errorf("members %v", got)
	}
	if got := all(b.do("ListGroupsForUser", "UserName", "Ann"), "GroupName"); !slices.Equal(got, []string{"Team"}) {
		t.Errorf("groups %v", got)
	}
	if got := first(b.do("ListEntitiesForPolicy", "PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"), "GroupName"); got != "Team" {
		t.Errorf("who has the policy: %v", got)
	}
	readOnly := "arn:aws:iam::aws:policy/ReadOnlyAccess"
	b.do("AttachUserPolicy", "UserName", "Ann", "PolicyArn", readOnly)
	page := b.do("ListEntitiesForPolicy", "PolicyArn", readOnly, "MaxItems", "1")
	if first(page, "GroupName") != "Team" || first(page, "UserName") != "" || first(page, "IsTruncated") != "true" {
		t.Errorf("the first of who has the policy: %v", page)
	}
	page = b.do("ListEntitiesForPolicy", "PolicyArn", readOnly, "MaxItems", "1", "Marker", first(page, "Marker"))
	if first(page, "UserName") != "Ann" || first(page, "GroupName") != "" || first(page, "IsTruncated") != "false" || first(page, "UserId") == "" {
		t.Errorf("the second of who has the policy: %v", page)
	}
	b.refused(400, "ValidationError", "", "ListEntitiesForPolicy", "PolicyArn", readOnly, "EntityFilter", "User", "Marker", "x")
	if got := b.do("ListEntitiesForPolicy", "PolicyArn", readOnly, "EntityFilter", "User"); first(got, "GroupName") != "" || first(got, "UserName") != "Ann" {
		t.Errorf("users with the policy: %v", got)
	}
	b.do("DetachUserPolicy", "UserName", "Ann", "PolicyArn", readOnly)

	// The new name of a user and of a group keeps all.
	b.do("UpdateUser", "UserName", "Ann", "NewUserName", "Anna", "NewPath", "/p/")
	b.do("UpdateGroup", "GroupName", "Team", "NewGroupName", "Crew")
	if got := ann.do("GetUser"); first(got, "Arn") != "arn:aws:iam::111122223333:user/p/Anna" {
		t.Errorf("got %s", got)
	}
	ann.do("ListUsers")
	b.refused(404, "NoSuchEntity", "Ann cannot be found", "GetUser", "UserName", "Ann")
	b.refused(409, "EntityAlreadyExists", "already exists", "UpdateUser", "UserName", "Anna", "NewUserName", "admin")

	b.refused(409, "DeleteConflict", "must detach all policies first", "DeleteGroup", "GroupName", "Crew")
	b.do("DetachGroupPolicy", "GroupName", "Crew", "PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	b.do("DeleteGroupPolicy", "GroupName", "Crew", "PolicyName", "list")
	ann.refused(403, "AccessDenied", "", "ListUsers")
	b.refused(409, "DeleteConflict", "must remove users from group first", "DeleteGroup", "GroupName", "Crew")
	b.do("RemoveUserFromGroup", "GroupName", "Crew", "UserName", "Anna")
	b.refused(404, "NoSuchEntity", "is not in group", "RemoveUserFromGroup", "GroupName", "Crew", "UserName", "Anna")
	b.do("DeleteGroup", "GroupName", "Crew")
	b.refused(404, "NoSuchEntity", "", "GetGroup", "GroupName", "Crew")
	for i := range 10 {
		name := "g" + string(rune('a'+i))
		b.do("CreateGroup", "GroupName", name)
		b.do("AddUserToGroup", "GroupName", name, "UserName", "Anna")
	}
	b.do("CreateGroup", "GroupName", "eleventh")
	b.refused(409, "LimitExceeded", "GroupsPerUser: 10", "AddUserToGroup", "GroupName", "eleventh", "UserName", "Anna")
	if got := all(b.do("ListGroupsForUser", "UserName", "Anna", "MaxItems", "4"), "GroupName"); len(got) != 4 {
		t.Errorf("a page of %d", len(got))
	}
}

func TestInstanceProfiles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateRole", "RoleName", "Worker", "AssumeRolePolicyDocument", trustSelf)
	got := b.do("CreateInstanceProfile", "InstanceProfileName", "Machines", "Path", "/m/", "Tags.member.1.Key", "k", "Tags.member.1.Value", "v")
	if first(got, "Arn") != "arn:aws:iam::111122223333:instance-profile/m/Machines" || !strings.HasPrefix(first(got, "InstanceProfileId"), "AIPA") {
		t.Errorf("got %s", got)
	}
	b.do("AddRoleToInstanceProfile", "InstanceProfileName", "Machines", "RoleName", "Worker")
	b.refused(409, "LimitExceeded", "InstanceSessionsPerInstanceProfile: 1", "AddRoleToInstanceProfile", "InstanceProfileName", "Machines", "RoleName", "Worker")
	if got := b.do("GetInstanceProfile", "InstanceProfileName", "machines"); first(got, "RoleName") != "Worker" {
		t.Errorf("got %s", got)
	}
	if got := all(b.do("ListInstanceProfilesForRole", "RoleName", "Worker"), "InstanceProfileName"); !slices.Equal(got, []string{"Machines"}) {
		t.Errorf("got %v", got)
	}
	b.refused(409, "DeleteConflict", "must remove roles from instance profile first", "DeleteRole", "RoleName", "Worker")
	b.refused(409, "DeleteConflict", "must remove roles from instance profile first", "DeleteInstanceProfile", "InstanceProfileName", "Machines")
	b.do("TagInstanceProfile", "InstanceProfileName", "Machines", "Tags.member.1.Key", "K", "Tags.member.1.Value", "w")
	if got := b.do("ListInstanceProfileTags", "InstanceProfileName", "Machines"); !slices.Equal(all(got, "Key"), []string{"K"}) || first(got, "Value") != "w" {
		t.Errorf("got %s", got)
	}
	b.do("UntagInstanceProfile", "InstanceProfileName", "Machines", "TagKeys.member.1", "k")

	// Whoever fills a profile gives the role away, and must be allowed to.
	mary := b.user("mary")
	b.do("PutUserPolicy", "UserName", "mary", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*InstanceProfile","Resource":"*"}]}`)
	mary.do("RemoveRoleFromInstanceProfile", "InstanceProfileName", "Machines", "RoleName", "Worker")
	mary.refused(403, "AccessDenied", "iam:PassRole on resource: arn:aws:iam::111122223333:role/Worker", "AddRoleToInstanceProfile", "InstanceProfileName", "Machines", "RoleName", "Worker")
	b.do("DeleteInstanceProfile", "InstanceProfileName", "Machines")
	b.do("DeleteRole", "RoleName", "Worker")
	b.refused(404, "NoSuchEntity", "Instance Profile Machines cannot be found", "GetInstanceProfile", "InstanceProfileName", "Machines")
}

// anyMetadata takes every document that says it is metadata.
type anyMetadata struct{}

func (anyMetadata) CheckMetadata(document string) (time.Time, error) {
	if !strings.HasPrefix(document, "<md>") {
		return time.Time{}, fault.New(fault.Invalid, "no metadata")
	}
	return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), nil
}

func TestProviders(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *localiam.Config) { c.Metadata = anyMetadata{} })
	document := "<md>" + strings.Repeat("x", 1000)
	arn := first(b.do("CreateSAMLProvider", "Name", "Corp", "SAMLMetadataDocument", document, "Tags.member.1.Key", "k", "Tags.member.1.Value", "v"), "SAMLProviderArn")
	if arn != "arn:aws:iam::111122223333:saml-provider/Corp" {
		t.Errorf("got %s", arn)
	}
	b.refused(409, "EntityAlreadyExists", "", "CreateSAMLProvider", "Name", "corp", "SAMLMetadataDocument", document)
	b.refused(400, "InvalidInput", "Could not parse metadata", "CreateSAMLProvider", "Name", "Other", "SAMLMetadataDocument", strings.Repeat("x", 1001))
	b.refused(400, "InvalidInput", "reserved", "CreateSAMLProvider", "Name", "AWSSSO_0123456789abcdef_DO_NOT_DELETE", "SAMLMetadataDocument", document)
	b.do("UpdateSAMLProvider", "SAMLProviderArn", arn, "SAMLMetadataDocument", document+"2")
	if got := b.do("GetSAMLProvider", "SAMLProviderArn", arn); first(got, "SAMLMetadataDocument") != document+"2" || first(got, "ValidUntil") != "2030-01-02T03:04:05Z" || first(got, "Key") != "k" {
		t.Errorf("got %s", got)
	}
	b.do("TagSAMLProvider", "SAMLProviderArn", arn, "Tags.member.1.Key", "a", "Tags.member.1.Value", "b")
	b.do("UntagSAMLProvider", "SAMLProviderArn", arn, "TagKeys.member.1", "k")
	if got := all(b.do("ListSAMLProviderTags", "SAMLProviderArn", arn), "Key"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("tags %v", got)
	}
	b.do("DeleteSAMLProvider", "SAMLProviderArn", arn)
	b.refused(404, "NoSuchEntity", "", "GetSAMLProvider", "SAMLProviderArn", arn)
	p, err := b.iam.EnsureSAMLProvider(t.Context(), audit.Gatehouse, account, document)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{"DeleteSAMLProvider", "UpdateSAMLProvider"} {
		b.refused(400, "UnmodifiableEntity", "only modifiable by AWS", op, "SAMLProviderArn", p.ARN(), "SAMLMetadataDocument", document)
	}

	oidc := first(b.do("CreateOpenIDConnectProvider", "Url", "https://Token.example.com/x", "ClientIDList.member.1", "one", "ThumbprintList.member.1", strings.Repeat("a", 40)), "OpenIDConnectProviderArn")
	if oidc != "arn:aws:iam::111122223333:oidc-provider/Token.example.com/x" {
		t.Errorf("got %s", oidc)
	}
	b.refused(409, "EntityAlreadyExists", "", "CreateOpenIDConnectProvider", "Url", "https://token.example.com/x")
	b.refused(400, "InvalidInput", "Invalid Open ID Connect Provider URL", "CreateOpenIDConnectProvider", "Url", "http://token.example.com")
	b.do("AddClientIDToOpenIDConnectProvider", "OpenIDConnectProviderArn", oidc, "ClientID", "two")
	b.do("RemoveClientIDFromOpenIDConnectProvider", "OpenIDConnectProviderArn", oidc, "ClientID", "one")
	b.do("UpdateOpenIDConnectProviderThumbprint", "OpenIDConnectProviderArn", oidc, "ThumbprintList.member.1", strings.Repeat("b", 40))
	b.do("TagOpenIDConnectProvider", "OpenIDConnectProviderArn", oidc, "Tags.member.1.Key", "k", "Tags.member.1.Value", "v")
	got := b.do("GetOpenIDConnectProvider", "OpenIDConnectProviderArn", oidc)
	if first(got, "Url") != "Token.example.com/x" || !strings.Contains(got, "<member>two</member>") || strings.Contains(got, "<member>one</member>") || !strings.Contains(got, strings.Repeat("b", 40)) || first(got, "Key") != "k" {
		t.Errorf("got %s", got)
	}
	if got := all(b.do("ListOpenIDConnectProviders"), "Arn"); !slices.Equal(got, []string{oidc}) {
		t.Errorf("got %v", got)
	}
	b.do("DeleteOpenIDConnectProvider", "OpenIDConnectProviderArn", oidc)
	b.refused(404, "NoSuchEntity", "", "GetOpenIDConnectProvider", "OpenIDConnectProviderArn", oidc)
}

func TestAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateAccountAlias", "AccountAlias", "our-company")
	if got := all(b.do("ListAccountAliases"), "member"); !slices.Equal(got, []string{"our-company"}) {
		t.Errorf("got %v", got)
	}
	b.as(b.administrator(other)).refused(409, "EntityAlreadyExists", "already exists", "CreateAccountAlias", "AccountAlias", "our-company")
	b.refused(404, "NoSuchEntity", "", "DeleteAccountAlias", "AccountAlias", "your-company")
	b.do("DeleteAccountAlias", "AccountAlias", "our-company")
	b.do("CreateGroup", "GroupName", "G")
	b.do("AddUserToGroup", "GroupName", "G", "UserName", "admin")
	b.do("CreatePolicy", "PolicyName", "P", "PolicyDocument", readS3)
	b.do("TagPolicy", "PolicyArn", "arn:aws:iam::111122223333:policy/P", "Tags.member.1.Key", "k", "Tags.member.1.Value", "v")
	if got := first(b.do("ListPolicyTags", "PolicyArn", "arn:aws:iam::111122223333:policy/P"), "Key"); got != "k" {
		t.Errorf("tags of a policy: %v", got)
	}
	b.do("UntagPolicy", "PolicyArn", "arn:aws:iam::111122223333:policy/P", "TagKeys.member.1", "k")
	summary := b.do("GetAccountSummary")
	for key, n := range map[string]string{"Users": "1", "Groups": "1", "Policies": "1", "Roles": "0"} {
		if !strings.Contains(summary, "<key>"+key+"</key><value>"+n+"</value>") {
			t.Errorf("%s is not %s in %s", key, n, summary)
		}
	}

	got := b.do("CreateServiceLinkedRole", "AWSServiceName", "sso.amazonaws.com")
	if first(got, "Arn") != "arn:aws:iam::111122223333:role/aws-service-role/sso.amazonaws.com/AWSServiceRoleForSSO" {
		t.Errorf("got %s", got)
	}
	b.refused(400, "InvalidInput", "has been taken", "CreateServiceLinkedRole", "AWSServiceName", "sso.amazonaws.com")
	b.refused(400, "InvalidInput", "", "CreateServiceLinkedRole", "AWSServiceName", "me.amazonaws.com")
	b.refused(400, "UnmodifiableEntity", "only modifiable by AWS", "DeleteRole", "RoleName", "AWSServiceRoleForSSO")
	b.refused(400, "UnmodifiableEntity", "", "AttachRolePolicy", "RoleName", "AWSServiceRoleForSSO", "PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	task := first(b.do("DeleteServiceLinkedRole", "RoleName", "AWSServiceRoleForSSO"), "DeletionTaskId")
	if got := first(b.do("GetServiceLinkedRoleDeletionStatus", "DeletionTaskId", task), "Status"); got != "SUCCEEDED" {
		t.Errorf("got %s", got)
	}
	b.refused(404, "NoSuchEntity", "", "GetServiceLinkedRoleDeletionStatus", "DeletionTaskId", task+"x")
	b.refused(404, "NoSuchEntity", "", "GetRole", "RoleName", "AWSServiceRoleForSSO")
	b.refused(404, "NoSuchEntity", "Login Profile for User admin cannot be found", "GetLoginProfile", "UserName", "admin")
	b.refused(404, "NoSuchEntity", "", "GetAccountPasswordPolicy")
	for _, op := range []string{"ListMFADevices", "ListSSHPublicKeys", "ListSigningCertificates", "ListServiceSpecificCredentials"} {
		b.do(op, "UserName", "admin")
		b.refused(404, "NoSuchEntity", "", op, "UserName", "nobody")
	}
}

func TestAuthorizationDetailsTellEverythingOnceInPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, name := range []string{"a", "b", "c"} {
		b.do("CreateUser", "UserName", "u"+name)
		b.do("CreateGroup", "GroupName", "g"+name)
		b.do("AddUserToGroup", "GroupName", "g"+name, "UserName", "ua")
		b.do("CreateRole", "RoleName", "r"+name, "AssumeRolePolicyDocument", trustSelf)
		b.do("CreatePolicy", "PolicyName", "p"+name, "PolicyDocument", readS3)
	}
	b.do("PutRolePolicy", "RoleName", "rb", "PolicyName", "in", "PolicyDocument", readS3)
	whole := b.do("GetAccountAuthorizationDetails")
	if got := all(whole, "RoleName"); !slices.Equal(got, []string{"ra", "rb", "rc"}) {
		t.Errorf("roles %v", got)
	}
	if got := all(whole, "GroupId"); len(got) != 3 {
		t.Errorf("groups %v", got)
	}
	if document, _ := url.PathUnescape(first(whole, "PolicyDocument")); document != readS3 {
		t.Errorf("inline %s", document)
	}
	if !strings.Contains(whole, "<GroupList><member>ga</member><member>gb</member><member>gc</member></GroupList>") {
		t.Errorf("groups of a user: %s", whole)
	}
	ids := func(body string) []string {
		return slices.Concat(all(body, "UserId"), all(body, "GroupId"), all(body, "RoleId"), all(body, "PolicyId"))
	}
	want := ids(whole)
	for _, size := range []string{"1", "2", "5"} {
		var got []string
		marker := ""
		for range 20 {
			pairs := []string{"MaxItems", size}
			if marker != "" {
				pairs = append(pairs, "Marker", marker)
			}
			body := b.do("GetAccountAuthorizationDetails", pairs...)
			got = append(got, ids(body)...)
			if marker = first(body, "Marker"); first(body, "IsTruncated") == "false" {
				break
			}
		}
		slices.Sort(got)
		if w := slices.Sorted(slices.Values(want)); !slices.Equal(got, w) {
			t.Errorf("pages of %s: %v, want %v", size, got, w)
		}
	}
	if got := ids(b.do("GetAccountAuthorizationDetails", "Filter.member.1", "Group")); len(got) != 3 {
		t.Errorf("only groups: %v", got)
	}
}

func TestSimulation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"v"}}}]}`
	got := b.do("SimulateCustomPolicy", "PolicyInputList.member.1", readS3, "PolicyInputList.member.2", deny, "ActionNames.member.1", "s3:GetObject", "ActionNames.member.2", "s3:PutObject")
	if !slices.Equal(all(got, "EvalDecision"), []string{"allowed", "implicitDeny"}) || !strings.Contains(got, "<MissingContextValues><member>aws:SourceVpc</member>") {
		t.Errorf("got %s", got)
	}
	got = b.do("SimulateCustomPolicy", "PolicyInputList.member.1", readS3, "PolicyInputList.member.2", deny, "ActionNames.member.1", "s3:GetObject",
		"ContextEntries.member.1.ContextKeyName", "aws:SourceVpc", "ContextEntries.member.1.ContextKeyValues.member.1", "v", "ContextEntries.member.1.ContextKeyType", "string")
	if first(got, "EvalDecision") != "explicitDeny" || first(got, "SourcePolicyId") != "PolicyInputList.2" || strings.Contains(got, "PolicyInputList.1") {
		t.Errorf("got %s", got)
	}
	got = b.do("SimulateCustomPolicy", "PolicyInputList.member.1", readS3, "PermissionsBoundaryPolicyInputList.member.1", allowListUsers, "ActionNames.member.1", "s3:GetObject")
	if first(got, "EvalDecision") != "implicitDeny" || first(got, "AllowedByPermissionsBoundary") != "false" {
		t.Errorf("got %s", got)
	}
	b.refused(400, "MalformedPolicyDocument", "", "SimulateCustomPolicy", "PolicyInputList.member.1", "{}", "ActionNames.member.1", "s3:GetObject")
	keys := all(b.do("GetContextKeysForCustomPolicy", "PolicyInputList.member.1", deny), "member")
	if !slices.Equal(keys, []string{"aws:SourceVpc"}) {
		t.Errorf("keys %v", keys)
	}

	b.do("CreateGroup", "GroupName", "G")
	b.do("PutGroupPolicy", "GroupName", "G", "PolicyName", "p", "PolicyDocument", readS3)
	b.do("CreateUser", "UserName", "u")
	b.do("AddUserToGroup", "GroupName", "G", "UserName", "u")
	for _, source := range []string{"group/G", "user/u"} {
		if got := b.do("SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::111122223333:"+source, "ActionNames.member.1", "s3:GetObject"); first(got, "EvalDecision") != "allowed" {
			t.Errorf("%s: %s", source, got)
		}
	}
	got = b.do("SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::111122223333:user/u", "ActionNames.member.1", "iam:ListUsers", "ActionNames.member.2", "s3:GetObject", "PolicyInputList.member.1", allowListUsers, "MaxItems", "1")
	if !slices.Equal(all(got, "EvalDecision"), []string{"allowed"}) || first(got, "IsTruncated") != "true" {
		t.Errorf("got %s", got)
	}
	b.refused(404, "NoSuchEntity", "", "SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::111122223333:user/none", "ActionNames.member.1", "s3:GetObject")
	b.refused(403, "AccessDenied", "", "SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::444455556666:user/admin", "ActionNames.member.1", "s3:GetObject")
}

// TestSimulationSaysWhichStatementDecided: the statements that a decision rests on, with their places, for each resource.
func TestSimulationSaysWhichStatementDecided(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	two := "{\n \"Version\": \"2012-10-17\",\n \"Statement\": [\n  {\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"},\n  {\"Effect\":\"Deny\",\n   \"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::secret/*\"}\n ]\n}"
	got := b.do("SimulateCustomPolicy", "PolicyInputList.member.1", two, "ActionNames.member.1", "s3:GetObject", "ResourceArns.member.1", "arn:aws:s3:::open/k", "ResourceArns.member.2", "arn:aws:s3:::secret/k")
	if first(got, "EvalDecision") != "explicitDeny" || first(got, "EvalResourceName") != "*" || !slices.Equal(all(got, "EvalResourceDecision"), []string{"allowed", "explicitDeny"}) {
		t.Errorf("got %s", got)
	}
	_, each, _ := strings.Cut(got, "<ResourceSpecificResults>")
	for _, place := range []string{
		"<StartPosition><Line>4</Line><Column>3</Column></StartPosition><EndPosition><Line>4</Line><Column>60</Column></EndPosition>",
		"<StartPosition><Line>5</Line><Column>3</Column></StartPosition><EndPosition><Line>6</Line><Column>55</Column></EndPosition>",
	} {
		if strings.Count(each, place) != 1 {
			t.Errorf("%s is not there once: %s", place, each)
		}
	}
	// Across accounts both sides must allow, and each says what it comes to.
	bucket := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/caller"},"Action":"s3:PutObject","Resource":"*"}]}`
	got = b.do("SimulateCustomPolicy", "PolicyInputList.member.1", readS3, "ActionNames.member.1", "s3:GetObject", "ResourceArns.member.1", "arn:aws:s3:::theirs/k",
		"ResourcePolicy", bucket, "ResourceOwner", "arn:aws:iam::444455556666:root", "CallerArn", "arn:aws:iam::111122223333:user/caller")
	if first(got, "EvalDecision") != "implicitDeny" || !strings.Contains(got, "<key>IAM Policy</key><value>allowed</value>") || !strings.Contains(got, "<key>Resource Policy</key><value>implicitDeny</value>") {
		t.Errorf("got %s", got)
	}
	// A level of the organization that allows nothing is not hidden by a Deny elsewhere.
	got = b.do("SimulateCustomPolicy", "PolicyInputList.member.1", two, "ActionNames.member.1", "s3:GetObject", "ResourceArns.member.1", "arn:aws:s3:::secret/k",
		"OrderedOrganizationPolicyInputList.member.1.ServiceControlPolicyInputList.member.1", allowListUsers)
	if first(got, "EvalDecision") != "explicitDeny" || first(got, "AllowedByOrganizations") != "false" {
		t.Errorf("got %s", got)
	}
}

// TestSimulationWithoutPolicies takes policies out in each of the ways there are, and refuses identifiers that are none.
func TestSimulationWithoutPolicies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.do("CreateGroup", "GroupName", "Readers")
	b.do("PutGroupPolicy", "GroupName", "Readers", "PolicyName", "in-line", "PolicyDocument", readS3)
	b.do("CreateUser", "UserName", "u")
	b.do("AddUserToGroup", "GroupName", "Readers", "UserName", "u")
	const mine = "arn:aws:iam::111122223333:user/u"
	ask := func(want, source string, exclude ...string) {
		t.Helper()
		got := b.do("SimulatePrincipalPolicy", append([]string{"PolicySourceArn", mine, "ActionNames.member.1", "s3:GetObject"}, exclude...)...)
		if first(got, "EvalDecision") != want || first(got, "SourcePolicyId") != source {
			t.Errorf("%v: %s, want %s by %q", exclude, got, want, source)
		}
	}
	const x = "PolicyExclusionList.member.1."
	inline := func(name, kind, holder string) []string {
		return []string{x + "InlinePolicyIdentifier.PolicyName", name, x + "InlinePolicyIdentifier.AttachmentType", kind, x + "InlinePolicyIdentifier.AttachmentName", holder}
	}
	ask("allowed", "group_Readers_in-line")
	ask("implicitDeny", "", inline("in-line", "group", "Read*")...)
	ask("allowed", "group_Readers_in-line", inline("in-line", "user", "*")...)
	ask("allowed", "group_Readers_in-line", inline("other", "group", "Readers")...)
	ask("implicitDeny", "", x+"PolicyType", "inline")
	ask("allowed", "group_Readers_in-line", x+"PolicyType", "rcp")
	b.do("AttachUserPolicy", "UserName", "u", "PolicyArn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	ask("allowed", "AmazonS3ReadOnlyAccess")
	ask("allowed", "group_Readers_in-line", x+"PolicyArn", "arn:aws:iam::aws:policy/AmazonS3*")
	ask("allowed", "group_Readers_in-line", x+"PolicyType", "aws-managed")
	b.do("PutUserPermissionsBoundary", "UserName", "u", "PermissionsBoundary", "arn:aws:iam::aws:policy/IAMReadOnlyAccess")
	ask("implicitDeny", "")
	ask("allowed", "AmazonS3ReadOnlyAccess", x+"PolicyType", "permission-boundary")
	for _, wrong := range [][]string{{x + "PolicyArn", "arn:aws:iam::*:policy/AmazonS3ReadOnlyAccess"}, {x + "PolicyArn", "arn:aws:iam::aws:policy/*S3*"}, inline("in-line", "group", "*e*")} {
		b.refused(400, "InvalidInput", "", "SimulatePrincipalPolicy", append([]string{"PolicySourceArn", mine, "ActionNames.member.1", "s3:GetObject"}, wrong...)...)
	}
}

func TestTrustIsBoundToWhoWasMeant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	trust := func(name string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:` + name + `"},"Action":"sts:AssumeRole"}]}`
	}
	b.refused(400, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/ann"`, "CreateRole", "RoleName", "R", "AssumeRolePolicyDocument", trust("user/ann"))
	ann := b.user("ann")
	id := first(b.do("GetUser", "UserName", "ann"), "UserId")
	b.do("CreateRole", "RoleName", "R", "AssumeRolePolicyDocument", trust("user/ann"))
	assume := func(who *bench) error {
		c, err := b.iam.Credential(t.Context(), who.key.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.iam.AssumeRole(t.Context(), c.Caller, localiam.SessionRequest{RoleARN: "arn:aws:iam::111122223333:role/R", SessionName: "ss"})
		return err
	}
	shown := func() string {
		document, _ := url.PathUnescape(first(b.do("GetRole", "RoleName", "R"), "AssumeRolePolicyDocument"))
		return document
	}
	if err := assume(ann); err != nil {
		t.Errorf("whom the role trusts: %v", err)
	}
	if shown() != trust("user/ann") {
		t.Errorf("shown: %s", shown())
	}
	b.do("DeleteAccessKey", "UserName", "ann", "AccessKeyId", ann.key.ID)
	b.do("DeleteUser", "UserName", "ann")
	if !strings.Contains(shown(), `{"AWS":"`+id+`"}`) {
		t.Errorf("shown when she is gone: %s", shown())
	}
	again := b.user("ann")
	if err := assume(again); !fault.Is(err, fault.Denied) {
		t.Errorf("another one of the same name: %v", err)
	}
	b.do("UpdateAssumeRolePolicy", "RoleName", "R", "PolicyDocument", trust("user/ann"))
	if err := assume(again); err != nil {
		t.Errorf("after the policy was saved again: %v", err)
	}
}
