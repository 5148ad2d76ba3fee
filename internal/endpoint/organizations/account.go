package organizations

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
	"gatehouse/internal/organization"
)

// accessRole is the role that every new account has; the management account may assume it.
const accessRole = "OrganizationAccountAccessRole"

func (d *Door[P]) describeOrganization(ctx context.Context, _ *awswire.Call[P], _ *awswire.Empty) (*DescribeOrganizationResponse, error) {
	o, err := d.org.Organization(ctx)
	if err != nil {
		return nil, err
	}
	m, err := d.org.Account(ctx, o.ManagementAccountID)
	if err != nil {
		return nil, err
	}
	types, err := d.policyTypes(ctx)
	if err != nil {
		return nil, err
	}
	n := names{o}
	return &DescribeOrganizationResponse{Organization: &Organization{
		Id: &o.ID, Arn: new(n.prefix() + "organization/" + o.ID), FeatureSet: new("ALL"), AvailablePolicyTypes: types,
		MasterAccountArn: new(n.arn(m.ID)), MasterAccountId: &m.ID, MasterAccountEmail: &m.Email,
	}}, nil
}

func (d *Door[P]) listAccounts(ctx context.Context, _ *awswire.Call[P], in *ListAccountsRequest) (*ListAccountsResponse, error) {
	after, err := awswire.Cursor(in.NextToken, "ListAccounts")
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	accts, err := d.org.Accounts(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	accts, next := awswire.Page(accts, limit, accountID)
	out, err := d.accounts(ctx, accts)
	return &ListAccountsResponse{Accounts: out, NextToken: awswire.PageToken(next, "ListAccounts")}, err
}

func (d *Door[P]) listAccountsForParent(ctx context.Context, _ *awswire.Call[P], in *ListAccountsForParentRequest) (*ListAccountsForParentResponse, error) {
	what := []string{"ListAccountsForParent", *in.ParentId}
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	accts, err := d.org.AccountsOf(ctx, *in.ParentId, after, limit+1)
	if err != nil {
		return nil, err
	}
	accts, next := awswire.Page(accts, limit, accountID)
	out, err := d.accounts(ctx, accts)
	return &ListAccountsForParentResponse{Accounts: out, NextToken: awswire.PageToken(next, what...)}, err
}

func (d *Door[P]) describeAccount(ctx context.Context, _ *awswire.Call[P], in *DescribeAccountRequest) (*DescribeAccountResponse, error) {
	acct, err := d.org.Account(ctx, *in.AccountId)
	if err != nil {
		return nil, err
	}
	out, err := d.accounts(ctx, []organization.Account{acct})
	if err != nil {
		return nil, err
	}
	return &DescribeAccountResponse{Account: &out[0]}, nil
}

// limit is the page size of this API: at most 20, which is also the default.
func limit(maxResults *int32) int {
	const most = 20
	return min(awswire.Limit(maxResults), most)
}

func accountID(a organization.Account) string { return a.ID }

// accounts writes accounts with their ARNs and paths.
func (d *Door[P]) accounts(ctx context.Context, accts []organization.Account) ([]Account, error) {
	o, err := d.org.Organization(ctx)
	if err != nil {
		return nil, err
	}
	paths := d.paths(o)
	out := make([]Account, 0, len(accts))
	for _, a := range accts {
		path, err := paths.of(ctx, a.ParentID)
		if err != nil {
			return nil, err
		}
		method := "CREATED"
		if a.ID == o.ManagementAccountID {
			method = "INVITED" // as AWS shows the account that the organization was made from
		}
		out = append(out, Account{
			Id: new(a.ID), Arn: new(names{o}.arn(a.ID)), Email: new(a.Email), Name: new(a.Name), Status: new(string(a.Status)), State: new(string(a.Status)),
			Paths: []string{path + a.ID + "/"}, JoinedMethod: &method, JoinedTimestamp: awswire.At(a.JoinedAt),
		})
	}
	return out, nil
}

// createAccount answers IN_PROGRESS, as AWS does, though all is done: the account is there, with its access role, or has failed, and
// the next question about the request says so. The id of an account that was made is answered at once; AWS leaves it out until then.
func (d *Door[P]) createAccount(ctx context.Context, c *awswire.Call[P], in *CreateAccountRequest) (*CreateAccountResponse, error) {
	if r := awswire.Val(in.RoleName); r != "" && r != accessRole {
		return nil, fault.New(fault.Invalid, "the access role of a new account is always called %s", accessRole).At("RoleName")
	}
	tags, err := uniqueTags(in.Tags)
	if err != nil {
		return nil, err
	}
	r, err := d.org.RequestAccount(ctx, c.Actor, *in.AccountName, *in.Email, tags)
	if err != nil {
		return nil, err
	}
	w := request(r)
	w.State, w.CompletedTimestamp, w.FailureReason = new("IN_PROGRESS"), nil, nil
	return &CreateAccountResponse{CreateAccountStatus: w}, nil
}

const statusPrefix = "car-"

// describeCreateAccountStatus knows requests, and accounts that were made without one by "car-" and their id.
func (d *Door[P]) describeCreateAccountStatus(ctx context.Context, _ *awswire.Call[P], in *DescribeCreateAccountStatusRequest) (*DescribeCreateAccountStatusResponse, error) {
	id := *in.CreateAccountRequestId
	if account := strings.TrimPrefix(id, statusPrefix); arn.IsAccountID(account) {
		acct, err := d.org.Account(ctx, account)
		if err != nil {
			return nil, err
		}
		r := organization.AccountRequest{ID: id, Name: acct.Name, AccountID: acct.ID, State: organization.Succeeded, RequestedAt: acct.JoinedAt, CompletedAt: acct.JoinedAt}
		return &DescribeCreateAccountStatusResponse{CreateAccountStatus: request(r)}, nil
	}
	r, err := d.org.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	return &DescribeCreateAccountStatusResponse{CreateAccountStatus: request(r)}, nil
}

// listCreateAccountStatus lists requests by id; when some states are wanted, it reads on until the page is full.
func (d *Door[P]) listCreateAccountStatus(ctx context.Context, _ *awswire.Call[P], in *ListCreateAccountStatusRequest) (*ListCreateAccountStatusResponse, error) {
	what := append([]string{"ListCreateAccountStatus"}, in.States...)
	after, err := awswire.Cursor(in.NextToken, what...)
	if err != nil {
		return nil, err
	}
	limit := limit(in.MaxResults)
	var found []organization.AccountRequest
	for len(found) <= limit {
		batch, err := d.org.Requests(ctx, after, 100)
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			break
		}
		for _, r := range batch {
			if after = r.ID; len(in.States) == 0 || slices.Contains(in.States, r.State) {
				found = append(found, r)
			}
		}
	}
	found, next := awswire.Page(found[:min(len(found), limit+1)], limit, func(r organization.AccountRequest) string { return r.ID })
	out := &ListCreateAccountStatusResponse{CreateAccountStatuses: []CreateAccountStatus{}, NextToken: awswire.PageToken(next, what...)}
	for _, r := range found {
		out.CreateAccountStatuses = append(out.CreateAccountStatuses, *request(r))
	}
	return out, nil
}

func request(r organization.AccountRequest) *CreateAccountStatus {
	return &CreateAccountStatus{
		Id: &r.ID, AccountId: awswire.Opt(r.AccountID), AccountName: &r.Name, State: &r.State, FailureReason: awswire.Opt(r.FailureReason),
		RequestedTimestamp: awswire.At(r.RequestedAt), CompletedTimestamp: awswire.At(r.CompletedAt),
	}
}

func (d *Door[P]) closeAccount(ctx context.Context, c *awswire.Call[P], in *CloseAccountRequest) (*awswire.Empty, error) {
	return nil, d.org.CloseAccount(ctx, c.Actor, *in.AccountId)
}

func (d *Door[P]) removeAccount(ctx context.Context, _ *awswire.Call[P], in *RemoveAccountFromOrganizationRequest) (*awswire.Empty, error) {
	return nil, d.org.RemoveAccount(ctx, *in.AccountId)
}

func (d *Door[P]) moveAccount(ctx context.Context, c *awswire.Call[P], in *MoveAccountRequest) (*awswire.Empty, error) {
	if *in.SourceParentId == *in.DestinationParentId {
		return nil, fault.New(fault.Conflict, "the account is already below %s", *in.DestinationParentId).For("same-parent")
	}
	return nil, d.org.MoveAccount(ctx, c.Actor, *in.AccountId, *in.SourceParentId, *in.DestinationParentId)
}
