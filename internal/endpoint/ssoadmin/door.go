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
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
)

// Door answers the administration API. P is the type of an authenticated principal.
type Door[P any] struct {
	access *access.Service
	people *directory.Service
	owner  string
}

// New returns a door. owner is the account (12 digits) that owns the instance.
func New[P any](a *access.Service, people *directory.Service, owner string) *Door[P] {
	return &Door[P]{access: a, people: people, owner: owner}
}

// Service returns the table of operations: name, what it touches, handler.
func (d *Door[P]) Service() awswire.Service[P] {
	return awswire.Service[P]{Model: &model, Errors: wireError, Operations: []awswire.Operation[P]{
		awswire.Op("ListInstances", "sso:ListInstances", nil, d.listInstances),
		awswire.Op("DescribeInstance", "sso:DescribeInstance", d.onAnyInstance, d.describeInstance),

		row(d, "CreatePermissionSet", func(in *CreatePermissionSetRequest) named { return named{instance: in.InstanceArn, tags: in.Tags} }, d.createSet),
		row(d, "DescribePermissionSet", func(in *DescribePermissionSetRequest) named { return onSet(in.InstanceArn, in.PermissionSetArn) }, d.describeSet),
		row(d, "UpdatePermissionSet", func(in *UpdatePermissionSetRequest) named { return onSet(in.InstanceArn, in.PermissionSetArn) }, d.updateSet),
		row(d, "DeletePermissionSet", func(in *DeletePermissionSetRequest) named { return onSet(in.InstanceArn, in.PermissionSetArn) }, d.deleteSet),
		row(d, "ListPermissionSets", func(in *ListPermissionSetsRequest) named { return named{instance: in.InstanceArn} }, d.listSets),

		row(d, "AttachManagedPolicyToPermissionSet", func(in *AttachManagedPolicyToPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.attachManaged),
		row(d, "DetachManagedPolicyFromPermissionSet", func(in *DetachManagedPolicyFromPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.detachManaged),
		row(d, "ListManagedPoliciesInPermissionSet", func(in *ListManagedPoliciesInPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.listManaged),
		row(d, "AttachCustomerManagedPolicyReferenceToPermissionSet", func(in *AttachCustomerManagedPolicyReferenceToPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.attachCustomer),
		row(d, "DetachCustomerManagedPolicyReferenceFromPermissionSet", func(in *DetachCustomerManagedPolicyReferenceFromPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.detachCustomer),
		row(d, "ListCustomerManagedPolicyReferencesInPermissionSet", func(in *ListCustomerManagedPolicyReferencesInPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.listCustomer),
		row(d, "PutInlinePolicyToPermissionSet", func(in *PutInlinePolicyToPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.putInline),
		row(d, "GetInlinePolicyForPermissionSet", func(in *GetInlinePolicyForPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.getInline),
		row(d, "DeleteInlinePolicyFromPermissionSet", func(in *DeleteInlinePolicyFromPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.deleteInline),
		row(d, "PutPermissionsBoundaryToPermissionSet", func(in *PutPermissionsBoundaryToPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.putBoundary),
		row(d, "GetPermissionsBoundaryForPermissionSet", func(in *GetPermissionsBoundaryForPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.getBoundary),
		row(d, "DeletePermissionsBoundaryFromPermissionSet", func(in *DeletePermissionsBoundaryFromPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.deleteBoundary),

		row(d, "TagResource", func(in *TagResourceRequest) named {
			return named{instance: in.InstanceArn, resource: in.ResourceArn, tags: in.Tags}
		}, d.tag),
		row(d, "UntagResource", func(in *UntagResourceRequest) named {
			return named{instance: in.InstanceArn, resource: in.ResourceArn, tagKeys: in.TagKeys}
		}, d.untag),
		row(d, "ListTagsForResource", func(in *ListTagsForResourceRequest) named {
			return named{instance: in.InstanceArn, resource: in.ResourceArn}
		}, d.listTags),

		row(d, "CreateAccountAssignment", func(in *CreateAccountAssignmentRequest) named {
			return onRole(in.InstanceArn, in.PermissionSetArn, in.TargetId)
		}, d.assign),
		row(d, "DeleteAccountAssignment", func(in *DeleteAccountAssignmentRequest) named {
			return onRole(in.InstanceArn, in.PermissionSetArn, in.TargetId)
		}, d.unassign),
		row(d, "ListAccountAssignments", func(in *ListAccountAssignmentsRequest) named {
			return onRole(in.InstanceArn, in.PermissionSetArn, in.AccountId)
		}, d.listAssignments),
		row(d, "ListAccountAssignmentsForPrincipal", func(in *ListAccountAssignmentsForPrincipalRequest) named { return named{instance: in.InstanceArn} }, d.listAssignmentsForPrincipal),
		row(d, "ProvisionPermissionSet", func(in *ProvisionPermissionSetRequest) named {
			return onRole(in.InstanceArn, in.PermissionSetArn, in.TargetId)
		}, d.provision),
		row(d, "ListAccountsForProvisionedPermissionSet", func(in *ListAccountsForProvisionedPermissionSetRequest) named {
			return onSet(in.InstanceArn, in.PermissionSetArn)
		}, d.listAccounts),
		row(d, "ListPermissionSetsProvisionedToAccount", func(in *ListPermissionSetsProvisionedToAccountRequest) named {
			return onRole(in.InstanceArn, nil, in.AccountId)
		}, d.listProvisioned),

		row(d, "DescribeAccountAssignmentCreationStatus", func(in *DescribeAccountAssignmentCreationStatusRequest) named { return named{instance: in.InstanceArn} }, d.describeCreation),
		row(d, "DescribeAccountAssignmentDeletionStatus", func(in *DescribeAccountAssignmentDeletionStatusRequest) named { return named{instance: in.InstanceArn} }, d.describeDeletion),
		row(d, "DescribePermissionSetProvisioningStatus", func(in *DescribePermissionSetProvisioningStatusRequest) named { return named{instance: in.InstanceArn} }, d.describeProvisioning),
		row(d, "ListAccountAssignmentCreationStatus", func(in *ListAccountAssignmentCreationStatusRequest) named { return named{instance: in.InstanceArn} }, d.listCreations),
		row(d, "ListAccountAssignmentDeletionStatus", func(in *ListAccountAssignmentDeletionStatusRequest) named { return named{instance: in.InstanceArn} }, d.listDeletions),
		row(d, "ListPermissionSetProvisioningStatus", func(in *ListPermissionSetProvisioningStatusRequest) named { return named{instance: in.InstanceArn} }, d.listProvisionings),
	}}
}

// named is what an input names, as it came.
type named struct {
	instance, set, account, resource *string
	tags                             []Tag
	tagKeys                          []string
}

func onSet(instance, set *string) named { return named{instance: instance, set: set} }
func onRole(instance, set, account *string) named {
	return named{instance: instance, set: set, account: account}
}

// place is what an input names, parsed: the instance, and the permission set and account where it names them.
type place struct{ instance, set, account string }

func (p place) role() access.RoleKey {
	return access.RoleKey{AccountID: p.account, PermissionSetID: p.set}
}

// where parses what an input names. A permission set of another instance is not found, as if it were not there.
func (n named) where() (place, error) {
	p := place{account: awswire.Val(n.account)}
	var err error
	if n.instance != nil {
		if p.instance, err = arn.ParseInstance(*n.instance); err != nil {
			return place{}, err
		}
	}
	set := n.set
	if n.resource != nil {
		if ins, err := arn.ParseInstance(*n.resource); err == nil {
			return p.in(ins)
		}
		set = n.resource
	}
	if set == nil {
		return p, nil
	}
	ins, ps, err := arn.ParsePermissionSet(*set)
	if err != nil {
		return place{}, err
	}
	p.set = ps
	return p.in(ins)
}

// in settles the instance, which a resource's ARN and the input's InstanceArn must agree about.
func (p place) in(instance string) (place, error) {
	if p.instance != "" && p.instance != instance {
		return place{}, fault.New(fault.NotFound, "The resource belongs to instance %s, not to %s", instance, p.instance).About(access.ResourceInstance, instance)
	}
	p.instance = instance
	return p, nil
}

// target is what an IAM policy must allow the action on: the instance, the permission set, the account.
func (n named) target(p place) awswire.Target {
	t := awswire.On(arn.Instance(p.instance))
	if p.set != "" {
		t.Resources = append(t.Resources, arn.PermissionSet(p.instance, p.set))
	}
	if p.account != "" {
		t.Resources = append(t.Resources, arn.SSOAccount(p.account))
	}
	if len(n.tags)+len(n.tagKeys) == 0 {
		return t
	}
	t.Context = map[string][]string{}
	keys := n.tagKeys
	for _, tag := range n.tags {
		keys = append(keys, *tag.Key)
		t.Context["aws:RequestTag/"+*tag.Key] = []string{*tag.Value}
	}
	t.Context["aws:TagKeys"] = keys
	return t
}

// row is an operation on what its input names. Its action bears its name.
func row[P, In, Out any, I interface {
	*In
	awswire.Checker
}](d *Door[P], name string, names func(I) named, handle func(context.Context, *awswire.Call[P], place, I) (*Out, error)) awswire.Operation[P] {
	return awswire.Op(name, "sso:"+name,
		func(_ context.Context, c *awswire.Call[P], in I) (awswire.Target, error) {
			if c.Actor.AccountID != d.owner {
				return awswire.Target{}, fault.New(fault.Denied, "%s is not authorized to perform sso:%s: the instance belongs to another account", c.Actor.ID, name)
			}
			n := names(in)
			p, err := n.where()
			if err != nil {
				return awswire.Target{}, err
			}
			return n.target(p), nil
		},
		func(ctx context.Context, c *awswire.Call[P], in I) (*Out, error) {
			p, err := names(in).where()
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
