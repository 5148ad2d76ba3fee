package iam

import (
	"context"
	"strings"

	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

func (d *Door) accountRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "ListAccountAliases", func(*ListAccountAliasesRequest) touch { return touch{} }, d.listAccountAliases),
		row(d, "CreateAccountAlias", func(*CreateAccountAliasRequest) touch { return touch{} }, d.createAccountAlias),
		row(d, "DeleteAccountAlias", func(*DeleteAccountAliasRequest) touch { return touch{} }, d.deleteAccountAlias),
		row(d, "GetAccountSummary", func(*empty) touch { return touch{} }, d.getAccountSummary),
		row(d, "GetAccountAuthorizationDetails", func(*GetAccountAuthorizationDetailsRequest) touch { return touch{} }, d.getAccountAuthorizationDetails),

		row(d, "GetAccountPasswordPolicy", func(*empty) touch { return touch{} }, d.getPasswordPolicy),
		row(d, "UpdateAccountPasswordPolicy", func(*UpdateAccountPasswordPolicyRequest) touch { return touch{} }, d.updatePasswordPolicy),
		row(d, "DeleteAccountPasswordPolicy", func(*empty) touch { return touch{} }, d.deletePasswordPolicy),

		row(d, "CreateServiceLinkedRole", func(in *CreateServiceLinkedRoleRequest) touch {
			return touch{fresh: "role/aws-service-role/" + *in.AWSServiceName + "/*", service: in.AWSServiceName}
		}, d.createServiceLinkedRole),
		row(d, "DeleteServiceLinkedRole", func(in *DeleteServiceLinkedRoleRequest) touch { return touch{role: in.RoleName} }, d.deleteServiceLinkedRole),
		row(d, "GetServiceLinkedRoleDeletionStatus", func(in *GetServiceLinkedRoleDeletionStatusRequest) touch {
			return touch{fresh: "role" + deleted(*in.DeletionTaskId)}
		}, d.getDeletionStatus),

		row(d, "SimulatePrincipalPolicy", func(in *SimulatePrincipalPolicyRequest) touch { return touch{arn: in.PolicySourceArn} }, d.simulatePrincipalPolicy),
		row(d, "SimulateCustomPolicy", func(*SimulateCustomPolicyRequest) touch { return touch{} }, d.simulateCustomPolicy),
		row(d, "GetContextKeysForPrincipalPolicy", func(in *GetContextKeysForPrincipalPolicyRequest) touch { return touch{arn: in.PolicySourceArn} }, d.contextKeysForPrincipal),
		row(d, "GetContextKeysForCustomPolicy", func(*GetContextKeysForCustomPolicyRequest) touch { return touch{} }, d.contextKeysForCustom),

		// What cannot be made here is not there. Tools ask before they delete a user.
		row(d, "GetLoginProfile", func(in *GetLoginProfileRequest) touch { return touch{user: orSelf(in.UserName)} }, d.getLoginProfile),
		row(d, "ListMFADevices", func(in *ListMFADevicesRequest) touch { return touch{user: orSelf(in.UserName)} }, d.listMFADevices),
		row(d, "ListSSHPublicKeys", func(in *ListSSHPublicKeysRequest) touch { return touch{user: orSelf(in.UserName)} }, d.listSSHKeys),
		row(d, "ListSigningCertificates", func(in *ListSigningCertificatesRequest) touch { return touch{user: orSelf(in.UserName)} }, d.listSigningCertificates),
		row(d, "ListServiceSpecificCredentials", func(in *ListServiceSpecificCredentialsRequest) touch { return touch{user: orSelf(in.UserName)} }, d.listServiceCredentials),
		row(d, "ListVirtualMFADevices", func(*ListVirtualMFADevicesRequest) touch { return touch{} }, d.listVirtualMFADevices),
	}
}

// deleted is the path and name of the role that a deletion task is about: task/aws-service-role/<service>/<role>/<id>.
func deleted(task string) string {
	rest, ok := strings.CutPrefix(task, "task/")
	at := strings.LastIndexByte(rest, '/')
	if !ok || at < 0 {
		return "/*"
	}
	return "/" + rest[:at]
}

func (d *Door) listAccountAliases(ctx context.Context, c *call, in *ListAccountAliasesRequest) (*ListAccountAliasesResponse, error) {
	if err := onePage(in.Marker, c.Operation); err != nil {
		return nil, err
	}
	out := &ListAccountAliasesResponse{AccountAliases: []string{}, IsTruncated: new(false)}
	a, err := d.iam.Alias(ctx, c.Principal.AccountID)
	if a != "" {
		out.AccountAliases = []string{a}
	}
	return out, err
}

func (d *Door) createAccountAlias(ctx context.Context, c *call, in *CreateAccountAliasRequest) (*empty, error) {
	return nil, d.iam.SetAlias(ctx, c.Actor, c.Principal.AccountID, *in.AccountAlias)
}

func (d *Door) deleteAccountAlias(ctx context.Context, c *call, in *DeleteAccountAliasRequest) (*empty, error) {
	return nil, d.iam.DeleteAlias(ctx, c.Actor, c.Principal.AccountID, *in.AccountAlias)
}

// getAccountSummary answers counts and IAM's quotas. What does not exist here is zero.
func (d *Door) getAccountSummary(ctx context.Context, c *call, _ *empty) (*GetAccountSummaryResponse, error) {
	n, err := d.iam.Counts(ctx, c.Principal.AccountID)
	q := d.iam.Quotas()
	attached := int32(q.AttachedPolicies)
	return &GetAccountSummaryResponse{SummaryMap: map[string]int32{
		"Users": int32(n.Users), "Groups": int32(n.Groups), "Roles": int32(n.Roles), "Policies": int32(n.Policies), "InstanceProfiles": int32(n.Profiles), "Providers": int32(n.Providers),
		"UsersQuota": 5000, "GroupsQuota": 300, "RolesQuota": 1000, "PoliciesQuota": 1500, "InstanceProfilesQuota": 1000,
		"AccessKeysPerUserQuota": 2, "GroupsPerUserQuota": 10, "AttachedPoliciesPerRoleQuota": attached, "AttachedPoliciesPerUserQuota": attached, "AttachedPoliciesPerGroupQuota": attached,
		"PolicySizeQuota": 6144, "UserPolicySizeQuota": 2048, "GroupPolicySizeQuota": 5120, "RolePolicySizeQuota": 10240, "AssumeRolePolicySizeQuota": int32(q.TrustPolicySize), "VersionsPerPolicyQuota": 5,
		"MFADevices": 0, "MFADevicesInUse": 0, "AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0, "AccountSigningCertificatesPresent": 0, "AccountPasswordPresent": 0, "ServerCertificates": 0,
	}}, err
}

func (d *Door) createServiceLinkedRole(ctx context.Context, c *call, in *CreateServiceLinkedRoleRequest) (*CreateServiceLinkedRoleResponse, error) {
	r, err := d.iam.CreateServiceLinkedRole(ctx, c.Actor, localiam.LinkedRole{
		AccountID: c.Principal.AccountID, Service: *in.AWSServiceName, Description: awswire.Val(in.Description), Suffix: awswire.Val(in.CustomSuffix),
	})
	if err != nil {
		return nil, err
	}
	w, err := d.wireRole(ctx, r)
	return &CreateServiceLinkedRoleResponse{Role: w}, err
}

func (d *Door) deleteServiceLinkedRole(ctx context.Context, c *call, in *DeleteServiceLinkedRoleRequest) (*DeleteServiceLinkedRoleResponse, error) {
	task, err := d.iam.DeleteServiceLinkedRole(ctx, c.Actor, c.Principal.AccountID, *in.RoleName)
	return &DeleteServiceLinkedRoleResponse{DeletionTaskId: &task}, err
}

// getDeletionStatus answers SUCCEEDED: a role is gone when its deletion is answered.
func (d *Door) getDeletionStatus(_ context.Context, c *call, in *GetServiceLinkedRoleDeletionStatusRequest) (*GetServiceLinkedRoleDeletionStatusResponse, error) {
	return &GetServiceLinkedRoleDeletionStatusResponse{Status: new("SUCCEEDED")}, d.iam.DeletionTask(c.Principal.AccountID, *in.DeletionTaskId)
}

// exists makes sure that there is such a user, of whom then there is nothing to tell. A root user always is.
func (d *Door) exists(ctx context.Context, c *call, name *string) (string, error) {
	if asRoot(c, name) {
		return c.Principal.ARN, nil
	}
	n, err := self(c, name)
	if err != nil {
		return "", err
	}
	u, err := d.iam.User(ctx, c.Principal.AccountID, n)
	return u.Name, err
}

func (d *Door) getLoginProfile(ctx context.Context, c *call, in *GetLoginProfileRequest) (*GetLoginProfileResponse, error) {
	name, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = fault.New(fault.NotFound, "Login Profile for User %s cannot be found.", name)
	}
	return nil, err
}

func (d *Door) getPasswordPolicy(ctx context.Context, c *call, _ *empty) (*GetAccountPasswordPolicyResponse, error) {
	p, err := d.iam.PasswordPolicy(ctx, c.Principal.AccountID)
	return &GetAccountPasswordPolicyResponse{PasswordPolicy: &PasswordPolicy{
		MinimumPasswordLength: new(int32(p.MinimumLength)), RequireSymbols: &p.Symbols, RequireNumbers: &p.Numbers, RequireUppercaseCharacters: &p.Uppercase,
		RequireLowercaseCharacters: &p.Lowercase, AllowUsersToChangePassword: &p.OwnChange, ExpirePasswords: new(p.MaxAge > 0), MaxPasswordAge: awswire.Opt(int32(p.MaxAge)),
		PasswordReusePrevention: awswire.Opt(int32(p.Reuse)), HardExpiry: &p.HardExpiry,
	}}, err
}

// updatePasswordPolicy replaces the whole policy: what is not said goes back to its default, six characters of any kind.
func (d *Door) updatePasswordPolicy(ctx context.Context, c *call, in *UpdateAccountPasswordPolicyRequest) (*empty, error) {
	p := localiam.PasswordPolicy{
		MinimumLength: 6, MaxAge: int(awswire.Val(in.MaxPasswordAge)), Reuse: int(awswire.Val(in.PasswordReusePrevention)), Symbols: awswire.Val(in.RequireSymbols), Numbers: awswire.Val(in.RequireNumbers),
		Uppercase: awswire.Val(in.RequireUppercaseCharacters), Lowercase: awswire.Val(in.RequireLowercaseCharacters), OwnChange: awswire.Val(in.AllowUsersToChangePassword), HardExpiry: awswire.Val(in.HardExpiry),
	}
	if in.MinimumPasswordLength != nil {
		p.MinimumLength = int(*in.MinimumPasswordLength)
	}
	return nil, d.iam.SetPasswordPolicy(ctx, c.Actor, c.Principal.AccountID, p)
}

func (d *Door) deletePasswordPolicy(ctx context.Context, c *call, _ *empty) (*empty, error) {
	return nil, d.iam.DeletePasswordPolicy(ctx, c.Actor, c.Principal.AccountID)
}

func (d *Door) listMFADevices(ctx context.Context, c *call, in *ListMFADevicesRequest) (*ListMFADevicesResponse, error) {
	_, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = onePage(in.Marker, c.Operation)
	}
	return &ListMFADevicesResponse{MFADevices: []MFADevice{}, IsTruncated: new(false)}, err
}

func (d *Door) listSSHKeys(ctx context.Context, c *call, in *ListSSHPublicKeysRequest) (*ListSSHPublicKeysResponse, error) {
	_, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = onePage(in.Marker, c.Operation)
	}
	return &ListSSHPublicKeysResponse{SSHPublicKeys: []SSHPublicKeyMetadata{}, IsTruncated: new(false)}, err
}

func (d *Door) listSigningCertificates(ctx context.Context, c *call, in *ListSigningCertificatesRequest) (*ListSigningCertificatesResponse, error) {
	_, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = onePage(in.Marker, c.Operation)
	}
	return &ListSigningCertificatesResponse{Certificates: []SigningCertificate{}, IsTruncated: new(false)}, err
}

func (d *Door) listServiceCredentials(ctx context.Context, c *call, in *ListServiceSpecificCredentialsRequest) (*ListServiceSpecificCredentialsResponse, error) {
	_, err := d.exists(ctx, c, in.UserName)
	if err == nil {
		err = onePage(in.Marker, c.Operation)
	}
	return &ListServiceSpecificCredentialsResponse{ServiceSpecificCredentials: []ServiceSpecificCredentialMetadata{}}, err
}

func (d *Door) listVirtualMFADevices(_ context.Context, c *call, in *ListVirtualMFADevicesRequest) (*ListVirtualMFADevicesResponse, error) {
	return &ListVirtualMFADevicesResponse{VirtualMFADevices: []VirtualMFADevice{}, IsTruncated: new(false)}, onePage(in.Marker, c.Operation)
}
