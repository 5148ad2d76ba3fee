package iam

import (
	"context"
	"strings"
	"testing"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

const member = "444455556666"

// inOneOrganization is an organization of which account is the management account.
type inOneOrganization struct{}

func (inOneOrganization) Standing(context.Context, string) (localiam.Standing, error) {
	return localiam.Standing{OrganizationID: "o-1"}, nil
}

// centralized makes account the management account of an organization that trusts IAM if trusted says so.
func centralized(trusted *bool) func(*localiam.Config) {
	return func(c *localiam.Config) {
		c.Organization = inOneOrganization{}
		c.RootAccess = func(_ context.Context, id string) (localiam.RootAccess, error) {
			return localiam.RootAccess{OrganizationID: "o-1", ManagementAccountID: account, Manager: id == account || id == "777788889999", Trusted: *trusted}, nil
		}
	}
}

func TestOrganizationsFeatures(t *testing.T) {
	t.Parallel()
	trusted := false
	b := newBench(t, centralized(&trusted))
	b.refused(400, "ServiceAccessNotEnabledException", "iam.amazonaws.com", "EnableOrganizationsRootSessions")
	trusted = true
	if got := b.do("ListOrganizationsFeatures"); first(got, "OrganizationId") != "o-1" || strings.Contains(got, "RootSessions") {
		t.Errorf("got %s", got)
	}
	b.do("EnableOrganizationsRootSessions")
	b.do("EnableOrganizationsRootSessions") // again
	b.do("EnableOrganizationsRootCredentialsManagement")
	if got := all(b.do("ListOrganizationsFeatures"), "member"); strings.Join(got, " ") != "RootCredentialsManagement RootSessions" {
		t.Errorf("got %v", got)
	}
	b.as(b.administrator(member)).refused(400, "AccountNotManagementOrDelegatedAdministratorException", "", "ListOrganizationsFeatures")
	b.as(b.administrator("555566667777")).refused(400, "AccountNotManagementOrDelegatedAdministratorException", "", "DisableOrganizationsRootSessions")
	delegate := b.as(b.administrator("777788889999"))
	if got := all(delegate.do("DisableOrganizationsRootSessions"), "member"); strings.Join(got, " ") != "RootCredentialsManagement" {
		t.Errorf("got %v", got)
	}
	delegate.refused(400, "CallerIsNotManagementAccountException", "", "EnableOrganizationsRootSessions")
	b.do("DisableOrganizationsRootCredentialsManagement")
	b.user("Ann").refused(403, "AccessDenied", "iam:EnableOrganizationsRootSessions", "EnableOrganizationsRootSessions")
}

func TestARootSessionLooksAfterItsCredentials(t *testing.T) {
	t.Parallel()
	trusted := true
	b := newBench(t, centralized(&trusted))
	b.do("EnableOrganizationsRootCredentialsManagement")
	c, err := b.iam.Credential(t.Context(), b.key.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	root := func(task string) *bench {
		t.Helper()
		k, err := b.iam.AssumeRoot(t.Context(), c.Caller, localiam.RootRequest{Target: member, TaskPolicyARN: "arn:aws:iam::aws:policy/root-task/" + task})
		if err != nil {
			t.Fatal(err)
		}
		return b.as(awswire.Key{ID: k.AccessKeyID, Secret: k.SecretAccessKey, Token: k.SessionToken})
	}
	b.as(b.administrator(member)).user("ann")
	looks := root("IAMAuditRootUserCredentials")
	if got := looks.do("GetUser"); first(got, "Arn") != "arn:aws:iam::444455556666:root" || first(got, "UserId") != member {
		t.Errorf("got %s", got)
	}
	for _, list := range []string{"ListAccessKeys", "ListMFADevices", "ListSigningCertificates"} {
		if got := looks.do(list); strings.Contains(got, "<member>") {
			t.Errorf("%s: %s", list, got)
		}
		looks.refused(403, "AccessDenied", "", list, "UserName", "ann")
	}
	looks.do("GetAccountSummary")
	looks.refused(404, "NoSuchEntity", "cannot be found", "GetLoginProfile")
	looks.refused(403, "AccessDenied", "", "DeleteLoginProfile")
	looks.refused(403, "AccessDenied", "", "ListUsers")
	looks.refused(403, "AccessDenied", "", "CreateAccessKey", "UserName", "ann")
	removes := root("IAMDeleteRootUserCredentials")
	removes.refused(404, "NoSuchEntity", "", "DeleteLoginProfile")
	removes.refused(404, "NoSuchEntity", "", "DeleteAccessKey", "AccessKeyId", "AKIAAAAAAAAAAAAAAAAA")
	removes.refused(404, "NoSuchEntity", "", "DeactivateMFADevice", "SerialNumber", "arn:aws:iam::444455556666:mfa/root-account-mfa-device")
	removes.refused(404, "NoSuchEntity", "", "DeleteSigningCertificate", "CertificateId", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	removes.refused(403, "AccessDenied", "", "DeleteAccessKey", "AccessKeyId", "AKIAAAAAAAAAAAAAAAAA", "UserName", "ann")
	removes.refused(403, "AccessDenied", "", "CreateAccessKey")
}
