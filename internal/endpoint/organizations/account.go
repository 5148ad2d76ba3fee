package organizations

import (
	"context"
	"strings"

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
	n := names{o}
	return &DescribeOrganizationResponse{Organization: &Organization{
		Id: &o.ID, Arn: new(n.prefix() + "organization/" + o.ID), FeatureSet: new("ALL"), AvailablePolicyTypes: []PolicyTypeSummary{},
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

// createAccount answers SUCCEEDED: the account is there, with its access role, before the answer.
func (d *Door[P]) createAccount(ctx context.Context, c *awswire.Call[P], in *CreateAccountRequest) (*CreateAccountResponse, error) {
	if r := awswire.Val(in.RoleName); r != "" && r != accessRole {
		return nil, fault.New(fault.Invalid, "the access role of a new account is always called %s", accessRole).At("RoleName")
	}
	acct, err := d.org.CreateAccount(ctx, c.Actor, *in.AccountName, *in.Email, fromTags(in.Tags))
	if f := fault.Of(err); f != nil && f.Kind == fault.Conflict && f.Reason == "duplicate" {
		return nil, fault.New(fault.Invalid, "EMAIL_ALREADY_EXISTS: another account has this e-mail address").At("Email")
	}
	if err != nil {
		return nil, err
	}
	return &CreateAccountResponse{CreateAccountStatus: created(acct)}, nil
}

const statusPrefix = "car-"

func (d *Door[P]) describeCreateAccountStatus(ctx context.Context, _ *awswire.Call[P], in *DescribeCreateAccountStatusRequest) (*DescribeCreateAccountStatusResponse, error) {
	acct, err := d.org.Account(ctx, strings.TrimPrefix(*in.CreateAccountRequestId, statusPrefix))
	if err != nil {
		return nil, err
	}
	return &DescribeCreateAccountStatusResponse{CreateAccountStatus: created(acct)}, nil
}

func created(a organization.Account) *CreateAccountStatus {
	return &CreateAccountStatus{
		Id: new(statusPrefix + a.ID), AccountId: new(a.ID), AccountName: new(a.Name), State: new("SUCCEEDED"),
		RequestedTimestamp: awswire.At(a.JoinedAt), CompletedTimestamp: awswire.At(a.JoinedAt),
	}
}

func (d *Door[P]) moveAccount(ctx context.Context, c *awswire.Call[P], in *MoveAccountRequest) (*awswire.Empty, error) {
	if *in.SourceParentId == *in.DestinationParentId {
		return nil, fault.New(fault.Conflict, "the account is already below %s", *in.DestinationParentId).For("same-parent")
	}
	return nil, d.org.MoveAccount(ctx, c.Actor, *in.AccountId, *in.SourceParentId, *in.DestinationParentId)
}
