package ssoadmin

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

// listAssignmentsForPrincipal lists what a principal is assigned: for a user her own assignments first, then those of
// her groups by group id, each under the principal that it was made to.
func (d *Door[P]) listAssignmentsForPrincipal(ctx context.Context, _ *awswire.Call[P], p place, in *ListAccountAssignmentsForPrincipalRequest) (*ListAccountAssignmentsForPrincipalResponse, error) {
	if _, err := d.Access.Instance(ctx, p.instance); err != nil {
		return nil, err
	}
	who := principal(in.PrincipalType, in.PrincipalId)
	account := ""
	if in.Filter != nil {
		account = awswire.Val(in.Filter.AccountId)
	}
	what := []string{"ListAccountAssignmentsForPrincipal", p.instance, string(who.Type), who.ID, account}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := awswire.Limit(in.MaxResults)
	as, err := d.assignmentsFrom(ctx, who, account, after, limit+1)
	if err != nil {
		return nil, err
	}
	as, next := awswire.Page(as, limit, func(a access.Assignment) string { return a.Principal.ID + "/" + a.AccountID + "/" + a.PermissionSetID })
	out := &ListAccountAssignmentsForPrincipalResponse{AccountAssignments: []AccountAssignmentForPrincipal{}, NextToken: awswire.PageToken(next, what...)}
	for _, a := range as {
		out.AccountAssignments = append(out.AccountAssignments, AccountAssignmentForPrincipal{
			AccountId: new(a.AccountID), PermissionSetArn: new(arn.PermissionSet(p.instance, a.PermissionSetID)),
			PrincipalType: new(string(a.Principal.Type)), PrincipalId: new(a.Principal.ID),
		})
	}
	return out, nil
}

// assignmentsFrom collects up to n assignments of who and, for a user, of her groups, from after the cursor
// "principal/account/set" on. A non-empty account selects that account.
func (d *Door[P]) assignmentsFrom(ctx context.Context, who access.Principal, account, after string, n int) ([]access.Assignment, error) {
	principals, err := d.withGroups(ctx, who)
	if err != nil {
		return nil, err
	}
	begin := access.RoleKey{AccountID: account} // sorts before every role of the account, or before all
	principals, from := resume(principals, after, begin)
	var out []access.Assignment
	for _, p := range principals {
		as, err := d.Access.AssignmentsOfPrincipal(ctx, p, from, n-len(out))
		if fault.Is(err, fault.NotFound) && p != who {
			continue // a group deleted a moment ago
		}
		if err != nil {
			return nil, err
		}
		for _, a := range as {
			if account == "" || a.AccountID == account {
				out = append(out, a)
			}
		}
		if len(out) >= n {
			return out, nil
		}
		from = begin
	}
	return out, nil
}

// withGroups returns the principal and, after a user, her groups by id.
func (d *Door[P]) withGroups(ctx context.Context, who access.Principal) ([]access.Principal, error) {
	if who.Type != access.User {
		return []access.Principal{who}, nil
	}
	if _, err := d.People.User(ctx, who.ID); err != nil {
		return nil, err
	}
	groups, err := d.People.GroupIDsOf(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	slices.Sort(groups)
	out := make([]access.Principal, 0, len(groups)+1)
	out = append(out, who)
	for _, g := range groups {
		out = append(out, access.Principal{Type: access.Group, ID: g})
	}
	return out, nil
}

// resume drops the principals that earlier pages have finished and says from where on to list the first one
// left. If the cursor's own principal is gone, the listing goes on with the next from its beginning.
func resume(principals []access.Principal, after string, begin access.RoleKey) ([]access.Principal, access.RoleKey) {
	if after == "" {
		return principals, begin
	}
	id, rest, _ := strings.Cut(after, "/")
	account, set, _ := strings.Cut(rest, "/")
	from := access.RoleKey{AccountID: account, PermissionSetID: set}
	if principals[0].ID == id {
		return principals, from
	}
	i := 1
	for i < len(principals) && principals[i].ID < id {
		i++
	}
	if i == len(principals) || principals[i].ID != id {
		from = begin
	}
	return principals[i:], from
}
