// Package ssoadmin is the door of the IAM Identity Center administration API (AWS JSON 1.1, target
// SWBExternalService): instances, permission sets and account assignments.
//
// It owns nothing. It turns wire shapes into nouns of package access and back, and lets access.Service decide.
// What is the API's own, and therefore here: ARNs; ISO 8601 session durations; that UpdatePermissionSet
// clears what it does not name; page tokens; the three families of request statuses.
//
// Requests that change roles are answered IN_PROGRESS at once; the status operations show the very rows that the
// provisioning worker works from.
//
// Only principals of the account that owns the instance get in, whatever their policies say, except that
// every account may see that the instance exists (ListInstances, DescribeInstance).
//
// Start reading at [Door.Service], the table. Operations of the API without a row answer that they are not
// implemented.
package ssoadmin

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Door answers the administration API. P is the type of an authenticated principal.
type Door[P any] struct {
	access *access.Service
	people *directory.Service
	owner  string
	// delegate reports whether an account administers the instance beside the owner.
	delegate func(ctx context.Context, accountID string) (bool, error)
}

// New returns a door. owner is the account (12 digits) that owns the instance.
func New[P any](a *access.Service, people *directory.Service, owner string) *Door[P] {
	return &Door[P]{access: a, people: people, owner: owner, delegate: func(context.Context, string) (bool, error) { return false, nil }}
}

// Delegated makes the door let in principals of other accounts too: those that delegate says administer the instance. What they may
// not do there is the authorizer's to say.
func (d *Door[P]) Delegated(delegate func(ctx context.Context, accountID string) (bool, error)) *Door[P] {
	d.delegate = delegate
	return d
}

// administers refuses a caller whose account neither owns nor administers the instance.
func (d *Door[P]) administers(ctx context.Context, c *awswire.Call[P], name string) error {
	if c.Actor.AccountID == d.owner {
		return nil
	}
	ok, err := d.delegate(ctx, c.Actor.AccountID)
	if err == nil && !ok {
		err = fault.New(fault.Denied, "%s is not authorized to perform sso:%s: the instance belongs to another account", c.Actor.ID, name)
	}
	return err
}

// Service returns the table of operations. What each touches is in targets.go.
func (d *Door[P]) Service() awswire.Service[P] {
	return awswire.Service[P]{Model: &model, Errors: wireError, Operations: []awswire.Operation[P]{
		awswire.Op("ListInstances", "sso:ListInstances", nil, d.listInstances),
		awswire.Op("DescribeInstance", "sso:DescribeInstance", d.onAnyInstance, d.describeInstance),

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
			if err := d.administers(ctx, c, name); err != nil {
				return awswire.Target{}, err
			}
			n := in.names()
			p, err := n.where()
			if err != nil {
				return awswire.Target{}, err
			}
			return n.target(p), nil
		},
		func(ctx context.Context, c *awswire.Call[P], in I) (*Out, error) {
			p, err := in.names().where()
			if err != nil {
				return nil, err
			}
			return handle(ctx, c, p, in)
		})
}

// wireError: DescribeInstance does not tell an unknown instance from a forbidden one.
func wireError(operation string, err error, e awswire.WireError) awswire.WireError {
	if operation == "DescribeInstance" && fault.Is(err, fault.NotFound) {
		e.Code, e.Message = "AccessDeniedException", "There is no such instance, or you may not see it"
	}
	return e
}
