package app

import (
	"testing"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
	"gatehouse/internal/organization"
)

// TestDelegatedAdministratorAndASetOnItsWay: from the moment the management account takes a permission set, and not only from when its
// role is made, a delegated administrator may not change what it will say. No worker runs here, so the role never comes.
func TestDelegatedAdministratorAndASetOnItsWay(t *testing.T) {
	t.Parallel()
	p, ctx := startProgram(t), t.Context()
	one, asOne := p.member("one")
	if err := p.Organization.RegisterDelegate(ctx, audit.Gatehouse, one, organization.IdentityCenter); err != nil {
		t.Fatal(err)
	}
	set, err := p.Access.CreateSet(ctx, audit.Gatehouse, access.PermissionSet{InstanceID: p.Instance.ID, Name: "Reader"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := p.Directory.CreateUser(ctx, audit.Gatehouse, directory.User{UserName: "ann", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	change := func() (int, string) {
		return asOne.call("sso", "SWBExternalService.AttachManagedPolicyToPermissionSet", `{"InstanceArn":"`+arn.Instance(p.Instance.ID)+`","PermissionSetArn":"`+
			arn.PermissionSet(p.Instance.ID, set.ID)+`","ManagedPolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`)
	}
	key, ann := access.RoleKey{AccountID: p.Instance.OwnerAccountID, PermissionSetID: set.ID}, access.Principal{Type: access.User, ID: u.ID}
	if _, err := p.Access.Assign(ctx, audit.Gatehouse, key, ann); err != nil {
		t.Fatal(err)
	}
	status, body := change()
	p.want(400, "provisioned in the management account", status, body)
	if _, err := p.Access.Unassign(ctx, audit.Gatehouse, key, ann); err != nil {
		t.Fatal(err)
	}
	status, body = change()
	p.want(200, "", status, body)
}
