// Package ssoadmin is the door of the IAM Identity Center administration API (AWS JSON 1.1, target
// SWBExternalService): instances, permission sets, account assignments, applications and trusted token issuers.
//
// It owns nothing. It turns wire shapes into nouns of packages access and application and back, and lets their Services decide.
// What is the API's own, and therefore here: ARNs; ISO 8601 session durations; that UpdatePermissionSet
// clears what it does not name; page tokens; the three families of request statuses.
//
// Requests that change roles are answered IN_PROGRESS at once; the status operations show the very rows that the
// provisioning worker works from.
//
// Who gets in: principals of the account that owns the instance and of accounts to which it delegates, to everything; principals of any
// account, to the applications that their account made; and every account may see that the instance exists (ListInstances, DescribeInstance). What
// somebody who gets in may do, policies decide.
//
// Start reading at [Door.Service], the table.
package ssoadmin

import (
	"context"
	"slices"

	"gatehouse/internal/access"
	"gatehouse/internal/application"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Door answers the administration API. P is the type of an authenticated principal.
type Door[P any] struct{ Config }

// Config is what a Door is made of.
type Config struct {
	Access       *access.Service
	People       *directory.Service
	Applications *application.Service
	// Owner is the account (12 digits) that owns the instance.
	Owner string
	// Delegate reports whether another account administers the instance beside the owner. What it may not do there is the authorizer's
	// to say. Nil for none.
	Delegate func(ctx context.Context, accountID string) (bool, error)
}

// New returns a door.
func New[P any](c Config) *Door[P] { return &Door[P]{c} }

// administers refuses a caller whose account neither owns nor administers the instance.
func (d *Door[P]) administers(ctx context.Context, c *awswire.Call[P], name string) error {
	if ok, err := d.administering(ctx, c.Actor.AccountID); ok || err != nil {
		return err
	}
	return fault.New(fault.Denied, "%s is not authorized to perform sso:%s: the instance belongs to another account", c.Actor.ID, name)
}

// administering reports whether an account owns or administers the instance.
func (d *Door[P]) administering(ctx context.Context, account string) (bool, error) {
	if account == d.Owner || d.Delegate == nil {
		return account == d.Owner, nil
	}
	return d.Delegate(ctx, account)
}

// Service returns the table of operations. What each touches is in targets.go.
func (d *Door[P]) Service() awswire.Service[P] {
	return awswire.Service[P]{Model: &model, Errors: wireError, Operations: []awswire.Operation[P]{
		awswire.Op("ListInstances", "sso:ListInstances", nil, d.listInstances),
		awswire.Op("DescribeInstance", "sso:DescribeInstance", d.onAnyInstance, d.describeInstance),
		awswire.Op("CreateInstance", "sso:CreateInstance", onNewInstance[P], d.createInstance),
		row(d, "UpdateInstance", d.updateInstance),
		row(d, "DeleteInstance", d.deleteInstance),

		row(d, "AddRegion", d.addRegion),
		row(d, "RemoveRegion", d.removeRegion),
		row(d, "DescribeRegion", d.describeRegion),
		row(d, "ListRegions", d.listRegions),

		row(d, "CreateInstanceAccessControlAttributeConfiguration", d.createAttributes),
		row(d, "UpdateInstanceAccessControlAttributeConfiguration", d.updateAttributes),
		row(d, "DescribeInstanceAccessControlAttributeConfiguration", d.describeAttributes),
		row(d, "DeleteInstanceAccessControlAttributeConfiguration", d.deleteAttributes),

		row(d, "CreatePermissionSet", d.createSet),
		row(d, "DescribePermissionSet", d.describeSet),
		row(d, "UpdatePermissionSet", d.updateSet),
		row(d, "DeletePermissionSet", d.deleteSet),
		row(d, "ListPermissionSets", d.listSets),

		row(d, "AttachManagedPolicyToPermissionSet", d.attachManaged),
		row(d, "DetachManagedPolicyFromPermissionSet", d.detachManaged),
		row(d, "ListManagedPoliciesInPermissionSet", d.listManaged),
		row(d, "AttachCustomerManagedPolicyReferenceToPermissionSet", d.attachCustomer),
		row(d, "DetachCustomerManagedPolicyReferenceFromPermissionSet", d.detachCustomer),
		row(d, "ListCustomerManagedPolicyReferencesInPermissionSet", d.listCustomer),
		row(d, "PutInlinePolicyToPermissionSet", d.putInline),
		row(d, "GetInlinePolicyForPermissionSet", d.getInline),
		row(d, "DeleteInlinePolicyFromPermissionSet", d.deleteInline),
		row(d, "PutPermissionsBoundaryToPermissionSet", d.putBoundary),
		row(d, "GetPermissionsBoundaryForPermissionSet", d.getBoundary),
		row(d, "DeletePermissionsBoundaryFromPermissionSet", d.deleteBoundary),

		row(d, "TagResource", d.tag),
		row(d, "UntagResource", d.untag),
		row(d, "ListTagsForResource", d.listTags),

		row(d, "CreateAccountAssignment", d.assign),
		row(d, "DeleteAccountAssignment", d.unassign),
		row(d, "ListAccountAssignments", d.listAssignments),
		row(d, "ListAccountAssignmentsForPrincipal", d.listAssignmentsForPrincipal),
		row(d, "ProvisionPermissionSet", d.provision),
		row(d, "ListAccountsForProvisionedPermissionSet", d.listAccounts),
		row(d, "ListPermissionSetsProvisionedToAccount", d.listProvisioned),

		row(d, "DescribeAccountAssignmentCreationStatus", d.describeCreation),
		row(d, "DescribeAccountAssignmentDeletionStatus", d.describeDeletion),
		row(d, "DescribePermissionSetProvisioningStatus", d.describeProvisioning),
		row(d, "ListAccountAssignmentCreationStatus", d.listCreations),
		row(d, "ListAccountAssignmentDeletionStatus", d.listDeletions),
		row(d, "ListPermissionSetProvisioningStatus", d.listProvisionings),

		awswire.Op("ListApplicationProviders", "sso:ListApplicationProviders", onProviders[P], d.listProviders),
		row(d, "DescribeApplicationProvider", d.describeProvider),

		row(d, "CreateApplication", d.createApplication),
		row(d, "DescribeApplication", d.describeApplication),
		row(d, "UpdateApplication", d.updateApplication),
		row(d, "DeleteApplication", d.deleteApplication),
		row(d, "ListApplications", d.listApplications),

		row(d, "CreateApplicationAssignment", d.assignApplication),
		row(d, "DescribeApplicationAssignment", d.describeApplicationAssignment),
		row(d, "DeleteApplicationAssignment", d.unassignApplication),
		row(d, "ListApplicationAssignments", d.listApplicationAssignments),
		row(d, "ListApplicationAssignmentsForPrincipal", d.listApplicationAssignmentsForPrincipal),
		row(d, "PutApplicationAssignmentConfiguration", d.putAssignmentConfiguration),
		row(d, "GetApplicationAssignmentConfiguration", d.getAssignmentConfiguration),

		row(d, "PutApplicationAccessScope", d.putScope),
		row(d, "GetApplicationAccessScope", d.getScope),
		row(d, "DeleteApplicationAccessScope", d.deleteScope),
		row(d, "ListApplicationAccessScopes", d.listScopes),
		row(d, "PutApplicationAuthenticationMethod", d.putMethod),
		row(d, "GetApplicationAuthenticationMethod", d.getMethod),
		row(d, "DeleteApplicationAuthenticationMethod", d.deleteMethod),
		row(d, "ListApplicationAuthenticationMethods", d.listMethods),
		row(d, "PutApplicationGrant", d.putGrant),
		row(d, "GetApplicationGrant", d.getGrant),
		row(d, "DeleteApplicationGrant", d.deleteGrant),
		row(d, "ListApplicationGrants", d.listGrants),
		row(d, "PutApplicationSessionConfiguration", d.putSessions),
		row(d, "GetApplicationSessionConfiguration", d.getSessions),

		row(d, "CreateTrustedTokenIssuer", d.createIssuer),
		row(d, "DescribeTrustedTokenIssuer", d.describeIssuer),
		row(d, "UpdateTrustedTokenIssuer", d.updateIssuer),
		row(d, "DeleteTrustedTokenIssuer", d.deleteIssuer),
		row(d, "ListTrustedTokenIssuers", d.listIssuers),
	}}
}

// row is an operation on what its input names. Its action bears its name.
func row[P, In, Out any, I interface {
	*In
	awswire.Checker
	namer
}](d *Door[P], name string, handle func(context.Context, *awswire.Call[P], place, I) (*Out, error)) awswire.Operation[P] {
	return awswire.Op(name, "sso:"+name,
		func(ctx context.Context, c *awswire.Call[P], in I) (awswire.Target, error) {
			n := in.names()
			p, err := n.where()
			if err != nil {
				return awswire.Target{}, err
			}
			if !n.of(p, c.Actor.AccountID) {
				if err := d.administers(ctx, c, name); err != nil {
					return awswire.Target{}, err
				}
			}
			return n.target(p, c.Actor.AccountID), nil
		},
		func(ctx context.Context, c *awswire.Call[P], in I) (*Out, error) {
			p, err := in.names().where()
			if err != nil {
				return nil, err
			}
			return handle(ctx, c, p, in)
		})
}

// wireError: an operation whose model knows no ResourceNotFoundException does not tell what is not there from what is forbidden. A
// key management service, which some errors name, does not exist here.
func wireError(operation string, err error, e awswire.WireError) awswire.WireError {
	f := fault.Of(err)
	if f.Kind != fault.NotFound {
		return e
	}
	if f.Resource == resourceKey {
		return e.With("Reason", "KMS_NotFoundException")
	}
	if o, ok := model.Operation(operation); ok && !slices.Contains(o.Errors, e.Code) {
		e.Code, e.Message = "AccessDeniedException", "There is no such instance, or you may not see it"
	}
	return e
}
