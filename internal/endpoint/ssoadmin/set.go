package ssoadmin

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

func (d *Door[P]) createSet(ctx context.Context, c *awswire.Call[P], p place, in *CreatePermissionSetRequest) (*CreatePermissionSetResponse, error) {
	duration, err := parseDuration(in.SessionDuration)
	if err != nil {
		return nil, err
	}
	set, err := d.Access.CreateSet(ctx, c.Actor, access.PermissionSet{
		InstanceID: p.instance, Name: *in.Name, Description: awswire.Val(in.Description), SessionDuration: duration, SessionText: awswire.Val(in.SessionDuration),
		RelayState: awswire.Val(in.RelayState), Tags: fromTags(in.Tags),
	})
	if err != nil {
		return nil, err
	}
	return &CreatePermissionSetResponse{PermissionSet: wireSet(set)}, nil
}

func (d *Door[P]) describeSet(ctx context.Context, _ *awswire.Call[P], p place, _ *DescribePermissionSetRequest) (*DescribePermissionSetResponse, error) {
	set, err := d.Access.Set(ctx, p.instance, p.set)
	if err != nil {
		return nil, err
	}
	return &DescribePermissionSetResponse{PermissionSet: wireSet(set)}, nil
}

// updateSet replaces the three optional parts: what the input does not name is cleared, as AWS does with the relay
// state, and a session lasts the default hour again.
func (d *Door[P]) updateSet(ctx context.Context, c *awswire.Call[P], p place, in *UpdatePermissionSetRequest) (*UpdatePermissionSetResponse, error) {
	duration, err := parseDuration(in.SessionDuration)
	if err != nil {
		return nil, err
	}
	if duration == 0 {
		duration = access.MinSession
	}
	_, err = d.Access.UpdateSet(ctx, c.Actor, p.instance, p.set, "UpdatePermissionSet", func(set *access.PermissionSet) error {
		set.Description, set.RelayState = awswire.Val(in.Description), awswire.Val(in.RelayState)
		set.SessionDuration, set.SessionText = duration, awswire.Val(in.SessionDuration)
		return nil
	})
	return &UpdatePermissionSetResponse{}, err
}

func (d *Door[P]) deleteSet(ctx context.Context, c *awswire.Call[P], p place, _ *DeletePermissionSetRequest) (*DeletePermissionSetResponse, error) {
	return &DeletePermissionSetResponse{}, d.Access.DeleteSet(ctx, c.Actor, p.instance, p.set)
}

func (d *Door[P]) listSets(ctx context.Context, _ *awswire.Call[P], p place, in *ListPermissionSetsRequest) (*ListPermissionSetsResponse, error) {
	what := []string{"ListPermissionSets", p.instance}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	sets, err := d.Access.Sets(ctx, p.instance, after, limit+1)
	if err != nil {
		return nil, err
	}
	sets, next := awswire.Page(sets, limit, func(s access.PermissionSet) string { return s.ID })
	out := &ListPermissionSetsResponse{PermissionSets: []string{}, NextToken: awswire.PageToken(next, what...)}
	for _, s := range sets {
		out.PermissionSets = append(out.PermissionSets, arn.PermissionSet(s.InstanceID, s.ID))
	}
	return out, nil
}

func wireSet(s access.PermissionSet) *PermissionSet {
	return &PermissionSet{
		Name: &s.Name, PermissionSetArn: new(arn.PermissionSet(s.InstanceID, s.ID)), Description: awswire.Opt(s.Description),
		CreatedDate: awswire.At(s.CreatedAt), SessionDuration: new(shownDuration(s)), RelayState: awswire.Opt(s.RelayState),
	}
}

func fromTags(tags []Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[*t.Key] = *t.Value
	}
	return out
}

func toTags(tags map[string]string) []Tag {
	out := make([]Tag, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, Tag{Key: new(k), Value: new(tags[k])})
	}
	return out
}

func (d *Door[P]) attachManaged(ctx context.Context, c *awswire.Call[P], p place, in *AttachManagedPolicyToPermissionSetRequest) (*AttachManagedPolicyToPermissionSetResponse, error) {
	return &AttachManagedPolicyToPermissionSetResponse{}, d.Access.AttachManagedPolicy(ctx, c.Actor, p.instance, p.set, *in.ManagedPolicyArn)
}

func (d *Door[P]) detachManaged(ctx context.Context, c *awswire.Call[P], p place, in *DetachManagedPolicyFromPermissionSetRequest) (*DetachManagedPolicyFromPermissionSetResponse, error) {
	return &DetachManagedPolicyFromPermissionSetResponse{}, d.Access.DetachManagedPolicy(ctx, c.Actor, p.instance, p.set, *in.ManagedPolicyArn)
}

func (d *Door[P]) listManaged(ctx context.Context, _ *awswire.Call[P], p place, in *ListManagedPoliciesInPermissionSetRequest) (*ListManagedPoliciesInPermissionSetResponse, error) {
	set, err := d.Access.Set(ctx, p.instance, p.set)
	if err != nil {
		return nil, err
	}
	policies, next, err := slicePage(set.ManagedPolicies, in.MaxResults, in.NextToken, func(s string) string { return s }, "ListManagedPoliciesInPermissionSet", p.set)
	if err != nil {
		return nil, err
	}
	out := &ListManagedPoliciesInPermissionSetResponse{AttachedManagedPolicies: []AttachedManagedPolicy{}, NextToken: next}
	for _, a := range policies {
		out.AttachedManagedPolicies = append(out.AttachedManagedPolicies, AttachedManagedPolicy{Name: new(a[strings.LastIndexByte(a, '/')+1:]), Arn: new(a)})
	}
	return out, nil
}

func (d *Door[P]) attachCustomer(ctx context.Context, c *awswire.Call[P], p place, in *AttachCustomerManagedPolicyReferenceToPermissionSetRequest) (*AttachCustomerManagedPolicyReferenceToPermissionSetResponse, error) {
	return &AttachCustomerManagedPolicyReferenceToPermissionSetResponse{}, d.Access.AttachCustomerPolicy(ctx, c.Actor, p.instance, p.set, fromRef(in.CustomerManagedPolicyReference))
}

func (d *Door[P]) detachCustomer(ctx context.Context, c *awswire.Call[P], p place, in *DetachCustomerManagedPolicyReferenceFromPermissionSetRequest) (*DetachCustomerManagedPolicyReferenceFromPermissionSetResponse, error) {
	return &DetachCustomerManagedPolicyReferenceFromPermissionSetResponse{}, d.Access.DetachCustomerPolicy(ctx, c.Actor, p.instance, p.set, fromRef(in.CustomerManagedPolicyReference))
}

func (d *Door[P]) listCustomer(ctx context.Context, _ *awswire.Call[P], p place, in *ListCustomerManagedPolicyReferencesInPermissionSetRequest) (*ListCustomerManagedPolicyReferencesInPermissionSetResponse, error) {
	set, err := d.Access.Set(ctx, p.instance, p.set)
	if err != nil {
		return nil, err
	}
	refs, next, err := slicePage(set.CustomerPolicies, in.MaxResults, in.NextToken, func(r access.PolicyRef) string { return r.Path + r.Name }, "ListCustomerManagedPolicyReferencesInPermissionSet", p.set)
	if err != nil {
		return nil, err
	}
	out := &ListCustomerManagedPolicyReferencesInPermissionSetResponse{CustomerManagedPolicyReferences: []CustomerManagedPolicyReference{}, NextToken: next}
	for _, r := range refs {
		out.CustomerManagedPolicyReferences = append(out.CustomerManagedPolicyReferences, *toRef(r))
	}
	return out, nil
}

// slicePage pages through a list that is held whole: from after the row whose key the token carries. A row that
// is gone meanwhile ends the list, which is at most a few dozen long.
func slicePage[T any](rows []T, maxResults *int32, token *string, key func(T) string, what ...string) ([]T, *string, error) {
	after, err := awswire.Cursor(token, what...)
	if err != nil {
		return nil, nil, err
	}
	if after != "" {
		i := slices.IndexFunc(rows, func(r T) bool { return key(r) == after })
		if i < 0 {
			return nil, nil, nil
		}
		rows = rows[i+1:]
	}
	rows, next := awswire.Page(rows, awswire.Limit(maxResults), key)
	return rows, awswire.PageToken(next, what...), nil
}

func fromRef(r *CustomerManagedPolicyReference) access.PolicyRef {
	return access.PolicyRef{Name: *r.Name, Path: awswire.Val(r.Path)}
}

func toRef(r access.PolicyRef) *CustomerManagedPolicyReference {
	return &CustomerManagedPolicyReference{Name: new(r.Name), Path: new(r.Path)}
}

func (d *Door[P]) putInline(ctx context.Context, c *awswire.Call[P], p place, in *PutInlinePolicyToPermissionSetRequest) (*PutInlinePolicyToPermissionSetResponse, error) {
	return &PutInlinePolicyToPermissionSetResponse{}, d.Access.PutInlinePolicy(ctx, c.Actor, p.instance, p.set, *in.InlinePolicy)
}

// getInline answers an empty policy where there is none: clients ask before they know.
func (d *Door[P]) getInline(ctx context.Context, _ *awswire.Call[P], p place, _ *GetInlinePolicyForPermissionSetRequest) (*GetInlinePolicyForPermissionSetResponse, error) {
	set, err := d.Access.Set(ctx, p.instance, p.set)
	if err != nil {
		return nil, err
	}
	return &GetInlinePolicyForPermissionSetResponse{InlinePolicy: &set.InlinePolicy}, nil
}

func (d *Door[P]) deleteInline(ctx context.Context, c *awswire.Call[P], p place, _ *DeleteInlinePolicyFromPermissionSetRequest) (*DeleteInlinePolicyFromPermissionSetResponse, error) {
	return &DeleteInlinePolicyFromPermissionSetResponse{}, d.Access.PutInlinePolicy(ctx, c.Actor, p.instance, p.set, "")
}

func (d *Door[P]) putBoundary(ctx context.Context, c *awswire.Call[P], p place, in *PutPermissionsBoundaryToPermissionSetRequest) (*PutPermissionsBoundaryToPermissionSetResponse, error) {
	b := access.Boundary{ManagedPolicyARN: awswire.Val(in.PermissionsBoundary.ManagedPolicyArn)}
	if r := in.PermissionsBoundary.CustomerManagedPolicyReference; r != nil {
		b.Customer = new(fromRef(r))
	}
	return &PutPermissionsBoundaryToPermissionSetResponse{}, d.Access.PutBoundary(ctx, c.Actor, p.instance, p.set, &b)
}

func (d *Door[P]) getBoundary(ctx context.Context, _ *awswire.Call[P], p place, _ *GetPermissionsBoundaryForPermissionSetRequest) (*GetPermissionsBoundaryForPermissionSetResponse, error) {
	set, err := d.Access.Set(ctx, p.instance, p.set)
	if err != nil {
		return nil, err
	}
	if set.Boundary == nil {
		return nil, fault.New(fault.NotFound, "Permission set %s has no permissions boundary", p.set).About(access.ResourceBoundary, p.set)
	}
	b := &PermissionsBoundary{ManagedPolicyArn: awswire.Opt(set.Boundary.ManagedPolicyARN)}
	if r := set.Boundary.Customer; r != nil {
		b.CustomerManagedPolicyReference = toRef(*r)
	}
	return &GetPermissionsBoundaryForPermissionSetResponse{PermissionsBoundary: b}, nil
}

func (d *Door[P]) deleteBoundary(ctx context.Context, c *awswire.Call[P], p place, _ *DeletePermissionsBoundaryFromPermissionSetRequest) (*DeletePermissionsBoundaryFromPermissionSetResponse, error) {
	return &DeletePermissionsBoundaryFromPermissionSetResponse{}, d.Access.PutBoundary(ctx, c.Actor, p.instance, p.set, nil)
}
