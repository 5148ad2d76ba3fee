package ssoadmin

import (
	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

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

// namer is an input that names what it touches.
type namer interface{ names() named }

func (in *CreatePermissionSetRequest) names() named {
	return named{instance: in.InstanceArn, tags: in.Tags}
}
func (in *DescribePermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *UpdatePermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *DeletePermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *ListPermissionSetsRequest) names() named { return named{instance: in.InstanceArn} }
func (in *AttachManagedPolicyToPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *DetachManagedPolicyFromPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *ListManagedPoliciesInPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *AttachCustomerManagedPolicyReferenceToPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *DetachCustomerManagedPolicyReferenceFromPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *ListCustomerManagedPolicyReferencesInPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *PutInlinePolicyToPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *GetInlinePolicyForPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *DeleteInlinePolicyFromPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *PutPermissionsBoundaryToPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *GetPermissionsBoundaryForPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *DeletePermissionsBoundaryFromPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *TagResourceRequest) names() named {
	return named{instance: in.InstanceArn, resource: in.ResourceArn, tags: in.Tags}
}
func (in *UntagResourceRequest) names() named {
	return named{instance: in.InstanceArn, resource: in.ResourceArn, tagKeys: in.TagKeys}
}
func (in *ListTagsForResourceRequest) names() named {
	return named{instance: in.InstanceArn, resource: in.ResourceArn}
}
func (in *CreateAccountAssignmentRequest) names() named {
	return onRole(in.InstanceArn, in.PermissionSetArn, in.TargetId)
}
func (in *DeleteAccountAssignmentRequest) names() named {
	return onRole(in.InstanceArn, in.PermissionSetArn, in.TargetId)
}
func (in *ListAccountAssignmentsRequest) names() named {
	return onRole(in.InstanceArn, in.PermissionSetArn, in.AccountId)
}
func (in *ListAccountAssignmentsForPrincipalRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *ProvisionPermissionSetRequest) names() named {
	return onRole(in.InstanceArn, in.PermissionSetArn, in.TargetId)
}
func (in *ListAccountsForProvisionedPermissionSetRequest) names() named {
	return onSet(in.InstanceArn, in.PermissionSetArn)
}
func (in *ListPermissionSetsProvisionedToAccountRequest) names() named {
	return onRole(in.InstanceArn, nil, in.AccountId)
}
func (in *DescribeAccountAssignmentCreationStatusRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *DescribeAccountAssignmentDeletionStatusRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *DescribePermissionSetProvisioningStatusRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *ListAccountAssignmentCreationStatusRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *ListAccountAssignmentDeletionStatusRequest) names() named {
	return named{instance: in.InstanceArn}
}
func (in *ListPermissionSetProvisioningStatusRequest) names() named {
	return named{instance: in.InstanceArn}
}
