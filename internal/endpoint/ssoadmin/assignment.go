package ssoadmin

import (
	"context"
	"strings"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

func (d *Door[P]) assign(ctx context.Context, c *awswire.Call[P], p place, in *CreateAccountAssignmentRequest) (*CreateAccountAssignmentResponse, error) {
	set, err := d.Access.Set(ctx, p.instance, p.set)
	if err != nil {
		return nil, err
	}
	r, err := d.Access.AssignSet(ctx, c.Actor, set, p.account, principal(in.PrincipalType, in.PrincipalId))
	if err != nil {
		return nil, err
	}
	return &CreateAccountAssignmentResponse{AccountAssignmentCreationStatus: assignmentStatus(p.instance, r)}, nil
}

func (d *Door[P]) unassign(ctx context.Context, c *awswire.Call[P], p place, in *DeleteAccountAssignmentRequest) (*DeleteAccountAssignmentResponse, error) {
	if _, err := d.Access.Set(ctx, p.instance, p.set); err != nil {
		return nil, err
	}
	r, err := d.Access.Unassign(ctx, c.Actor, p.role(), principal(in.PrincipalType, in.PrincipalId))
	if err != nil {
		return nil, err
	}
	return &DeleteAccountAssignmentResponse{AccountAssignmentDeletionStatus: assignmentStatus(p.instance, r)}, nil
}

func principal(kind, id *string) access.Principal {
	return access.Principal{Type: access.PrincipalType(*kind), ID: *id}
}

func (d *Door[P]) listAssignments(ctx context.Context, _ *awswire.Call[P], p place, in *ListAccountAssignmentsRequest) (*ListAccountAssignmentsResponse, error) {
	if _, err := d.Access.Set(ctx, p.instance, p.set); err != nil {
		return nil, err
	}
	if err := d.Access.HasAccount(ctx, p.account); err != nil {
		return nil, err
	}
	what := []string{"ListAccountAssignments", p.account, p.set}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	kind, id, _ := strings.Cut(after, "/")
	limit := awswire.Limit(in.MaxResults)
	as, err := d.Access.AssignmentsOfRole(ctx, p.role(), access.Principal{Type: access.PrincipalType(kind), ID: id}, limit+1)
	if err != nil {
		return nil, err
	}
	as, next := awswire.Page(as, limit, func(a access.Assignment) string { return string(a.Principal.Type) + "/" + a.Principal.ID })
	out := &ListAccountAssignmentsResponse{AccountAssignments: []AccountAssignment{}, NextToken: awswire.PageToken(next, what...)}
	for _, a := range as {
		out.AccountAssignments = append(out.AccountAssignments, AccountAssignment{
			AccountId: new(a.AccountID), PermissionSetArn: new(arn.PermissionSet(p.instance, a.PermissionSetID)),
			PrincipalType: new(string(a.Principal.Type)), PrincipalId: new(a.Principal.ID),
		})
	}
	return out, nil
}

// provision brings roles to the set's present state, in one account or in all that have it.
func (d *Door[P]) provision(ctx context.Context, c *awswire.Call[P], p place, in *ProvisionPermissionSetRequest) (*ProvisionPermissionSetResponse, error) {
	if one := *in.TargetType == "AWS_ACCOUNT"; one != (p.account != "") {
		return nil, fault.New(fault.Invalid, "TargetId names the account if TargetType is AWS_ACCOUNT, and must be left out if it is ALL_PROVISIONED_ACCOUNTS").At("TargetId")
	}
	if _, err := d.Access.Set(ctx, p.instance, p.set); err != nil {
		return nil, err
	}
	r, err := d.Access.Provision(ctx, c.Actor, p.role())
	if err != nil {
		return nil, err
	}
	return &ProvisionPermissionSetResponse{PermissionSetProvisioningStatus: provisioningStatus(p.instance, r)}, nil
}

// Values of ProvisioningStatus.
const (
	latest   = "LATEST_PERMISSION_SET_PROVISIONED"
	notYet   = "LATEST_PERMISSION_SET_NOT_PROVISIONED"
	scanPage = 200
)

// shows reports whether a role at a revision belongs into a listing with the filter.
func shows(filter string, role, set int64) bool {
	return filter == "" || (filter == latest) == (role == set)
}

func (d *Door[P]) listAccounts(ctx context.Context, _ *awswire.Call[P], p place, in *ListAccountsForProvisionedPermissionSetRequest) (*ListAccountsForProvisionedPermissionSetResponse, error) {
	set, err := d.Access.Set(ctx, p.instance, p.set)
	if err != nil {
		return nil, err
	}
	filter := awswire.Val(in.ProvisioningStatus)
	what := []string{"ListAccountsForProvisionedPermissionSet", p.set, filter}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	ids := []string{}
	for len(ids) <= limit {
		roles, err := d.Access.RolesOfSet(ctx, p.set, after, scanPage)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			if shows(filter, r.Revision, set.Revision) {
				ids = append(ids, r.AccountID)
			}
			after = r.AccountID
		}
		if len(roles) < scanPage {
			break
		}
	}
	ids, next := awswire.Page(ids, limit, func(id string) string { return id })
	return &ListAccountsForProvisionedPermissionSetResponse{AccountIds: ids, NextToken: awswire.PageToken(next, what...)}, nil
}

func (d *Door[P]) listProvisioned(ctx context.Context, _ *awswire.Call[P], p place, in *ListPermissionSetsProvisionedToAccountRequest) (*ListPermissionSetsProvisionedToAccountResponse, error) {
	if _, err := d.Access.Instance(ctx, p.instance); err != nil {
		return nil, err
	}
	if err := d.Access.HasAccount(ctx, p.account); err != nil {
		return nil, err
	}
	filter := awswire.Val(in.ProvisioningStatus)
	what := []string{"ListPermissionSetsProvisionedToAccount", p.instance, p.account, filter}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	ids := []string{}
	for len(ids) <= limit {
		roles, err := d.Access.RolesOfAccount(ctx, p.account, after, scanPage)
		if err != nil {
			return nil, err
		}
		revisions, err := d.revisions(ctx, roles)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			if rev, ok := revisions[r.PermissionSetID]; ok && shows(filter, r.Revision, rev) {
				ids = append(ids, r.PermissionSetID)
			}
			after = r.PermissionSetID
		}
		if len(roles) < scanPage {
			break
		}
	}
	ids, next := awswire.Page(ids, limit, func(id string) string { return id })
	out := &ListPermissionSetsProvisionedToAccountResponse{PermissionSets: []string{}, NextToken: awswire.PageToken(next, what...)}
	for _, id := range ids {
		out.PermissionSets = append(out.PermissionSets, arn.PermissionSet(p.instance, id))
	}
	return out, nil
}

// revisions returns the present revision of each role's permission set.
func (d *Door[P]) revisions(ctx context.Context, roles []access.ProvisionedRole) (map[string]int64, error) {
	ids := make([]string, len(roles))
	for i, r := range roles {
		ids[i] = r.PermissionSetID
	}
	if len(ids) == 0 {
		return nil, nil
	}
	sets, err := d.Access.SetsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(sets))
	for _, s := range sets {
		out[s.ID] = s.Revision
	}
	return out, nil
}
