package ssoadmin

import (
	"context"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

// named is what an input names, as it came.
type named struct {
	instance, set, account, resource *string
	application, issuer, provider    *string
	tags                             []Tag
	tagKeys                          []string
	// own is the account on whose applications alone the operation works; a caller of it needs no right to the instance.
	own string
	// anyone is true where the operation shows or makes only what is the caller's own.
	anyone bool
	// alone is true where policies are asked about the named resource and not about the instance beside it; nowhere, where they are asked
	// about no resource.
	alone, nowhere bool
	// makes is what an operation makes: policies are asked about it beside the rest.
	makes maker
}

// maker is a type of resource that is made.
type maker string

const (
	makesSet         maker = "permissionSet"
	makesApplication maker = "application"
	makesIssuer      maker = "trustedTokenIssuer"
	makesInstance    maker = "instance"
)

// of stands for whatever will be made.
func (m maker) of(p place, account string) string {
	switch m {
	case makesInstance:
		return "arn:aws:sso:::instance/*"
	case makesSet:
		account = ""
	}
	return "arn:aws:sso::" + account + ":" + string(m) + "/" + p.instance + "/*"
}

func onSet(instance, set *string) named { return named{instance: instance, set: set} }
func onRole(instance, set, account *string) named {
	return named{instance: instance, set: set, account: account}
}

// place is what an input names, parsed: the instance, and the permission set, account, application, issuer or application provider
// where it names them.
type place struct {
	instance, set, account string
	application, issuer    arn.InInstance
	provider               string
}

func (p place) role() access.RoleKey {
	return access.RoleKey{AccountID: p.account, PermissionSetID: p.set}
}

// where parses what an input names. A permission set, application or issuer of another instance is not found, as if it were not there.
func (n named) where() (place, error) {
	p := place{account: awswire.Val(n.account)}
	var err error
	if n.instance != nil {
		if p.instance, err = arn.ParseInstance(*n.instance); err != nil {
			return place{}, err
		}
	}
	if n.provider != nil {
		if p.provider, err = arn.ParseApplicationProvider(*n.provider); err != nil {
			return place{}, err
		}
	}
	if n.resource != nil {
		if ins, err := arn.ParseInstance(*n.resource); err == nil {
			return p.in(ins)
		}
		n = n.tagged()
	}
	switch {
	case n.application != nil:
		if p.application, err = arn.ParseApplication(*n.application); err != nil {
			return place{}, err
		}
		return p.in(p.application.InstanceID)
	case n.issuer != nil:
		if p.issuer, err = arn.ParseTrustedTokenIssuer(*n.issuer); err != nil {
			return place{}, err
		}
		return p.in(p.issuer.InstanceID)
	case n.set == nil:
		return p, nil
	}
	ins, ps, err := arn.ParsePermissionSet(*n.set)
	if err != nil {
		return place{}, err
	}
	p.set = ps
	return p.in(ins)
}

// tagged files the resource of a tag operation under what it is.
func (n named) tagged() named {
	if _, err := arn.ParseApplication(*n.resource); err == nil {
		n.application = n.resource
	} else if _, err := arn.ParseTrustedTokenIssuer(*n.resource); err == nil {
		n.issuer = n.resource
	} else {
		n.set = n.resource
	}
	return n
}

// in settles the instance, which a resource's ARN and the input's InstanceArn must agree about.
func (p place) in(instance string) (place, error) {
	if p.instance != "" && p.instance != instance {
		return place{}, fault.New(fault.NotFound, "The resource belongs to instance %s, not to %s", instance, p.instance).About(access.ResourceInstance, instance)
	}
	p.instance = instance
	return p, nil
}

// of reports whether what an operation touches is an account's own, so that the account's policies alone decide.
func (n named) of(p place, account string) bool {
	return n.anyone || account != "" && (n.own == account || p.application.AccountID == account || p.issuer.AccountID == account)
}

// target is what an IAM policy must allow the action on, as the service authorization reference has it: the application or issuer, or else
// the instance with the permission set, account and application provider; and what is made.
func (n named) target(p place, account string) awswire.Target {
	t := awswire.Target{Context: map[string][]string{}}
	switch {
	case n.nowhere:
	case p.application.ID != "":
		t.Resources = []string{arn.Application(p.application)}
	case p.issuer.ID != "":
		t.Resources = []string{arn.TrustedTokenIssuer(p.issuer)}
	case p.instance != "" && !(n.alone && p.set != ""):
		t.Resources = []string{arn.Instance(p.instance)}
	}
	if p.set != "" {
		t.Resources = append(t.Resources, arn.PermissionSet(p.instance, p.set))
	}
	if p.account != "" {
		t.Resources = append(t.Resources, arn.SSOAccount(p.account))
	}
	if p.provider != "" {
		t.Resources = append(t.Resources, arn.ApplicationProvider(p.provider))
	}
	if n.makes != "" {
		t.Resources = append(t.Resources, n.makes.of(p, account))
	}
	switch {
	case n.makes == makesApplication:
		t.Context["sso:ApplicationAccount"] = []string{account}
	case n.own != "" && !n.nowhere:
		t.Context["sso:ApplicationAccount"] = []string{n.own}
	}
	if len(n.tags)+len(n.tagKeys) == 0 {
		return t
	}
	keys := n.tagKeys
	for _, tag := range n.tags {
		keys = append(keys, *tag.Key)
		t.Context["aws:RequestTag/"+*tag.Key] = []string{*tag.Value}
	}
	t.Context["aws:TagKeys"] = keys
	if n.makes != "" && len(n.tags) > 0 { // to make something with tags is to tag it
		of := awswire.Target{Resources: []string{n.makes.of(p, account)}, Context: t.Context, Fresh: true}
		t.Further = []awswire.Further{{Action: "sso:TagResource", On: of}}
	}
	return t
}

// onProviders are all application providers.
func onProviders[P any](context.Context, *awswire.Call[P], *ListApplicationProvidersRequest) (awswire.Target, error) {
	return awswire.On("arn:aws:sso::aws:applicationProvider/*"), nil
}

// namer is an input that names what it touches.
type namer interface{ names() named }

func (in *CreatePermissionSetRequest) names() named {
	return named{instance: in.InstanceArn, tags: in.Tags, makes: makesSet}
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
	return named{instance: in.InstanceArn, resource: in.ResourceArn, tags: in.Tags, alone: true}
}
func (in *UntagResourceRequest) names() named {
	return named{instance: in.InstanceArn, resource: in.ResourceArn, tagKeys: in.TagKeys, alone: true}
}
func (in *ListTagsForResourceRequest) names() named {
	return named{instance: in.InstanceArn, resource: in.ResourceArn, alone: true}
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
