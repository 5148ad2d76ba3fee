package live

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"gatehouse/internal/plan/estate"
)

// Policies looks into accounts for policies that turn out to be needed after the estate was read, and notes in it which are missing.
func (c *Client) Policies(ctx context.Context, e *estate.Estate, needed []NeededPolicy, progress Progress) error {
	r := &reader{Client: c, want: Want{Policies: needed}, steps: &steps{tell: progress}, e: e}
	e.Missing, e.Unchecked = nil, nil
	return r.policies(ctx)
}

// policies looks into the accounts that must have customer managed policies, and says which are missing and which accounts stayed shut.
func (r *reader) policies(ctx context.Context) error {
	needed := map[string][]estate.PolicyRef{}
	for _, n := range r.want.Policies {
		ref := n.Policy
		ref.Path = cmp.Or(ref.Path, "/")
		for _, a := range n.Accounts {
			if !slices.Contains(needed[a], ref) {
				needed[a] = append(needed[a], ref)
			}
		}
	}
	accounts := make([]string, 0, len(needed))
	for a := range needed {
		accounts = append(accounts, a)
	}
	slices.Sort(accounts)
	r.steps.add("policies in accounts", 0, len(accounts))
	err := each(ctx, len(accounts), func(ctx context.Context, i int) error {
		defer r.steps.add("policies in accounts", 1, 0)
		missing, err := r.missing(ctx, accounts[i], needed[accounts[i]])
		if err != nil && ctx.Err() != nil {
			return err
		}
		r.locked(func() {
			if err != nil { // that one cannot look is no reason not to plan; the plan says so
				r.e.Unchecked = append(r.e.Unchecked, accounts[i])
				return
			}
			for _, p := range missing {
				r.e.Missing = append(r.e.Missing, estate.MissingPolicy{Account: accounts[i], Policy: p})
			}
		})
		return nil
	})
	slices.Sort(r.e.Unchecked)
	slices.SortFunc(r.e.Missing, func(a, b estate.MissingPolicy) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), comparePolicies(a.Policy, b.Policy))
	})
	return err
}

func comparePolicies(a, b estate.PolicyRef) int {
	return cmp.Or(strings.Compare(cmp.Or(a.Path, "/"), cmp.Or(b.Path, "/")), strings.Compare(a.Name, b.Name))
}

// missing lists the account's policies for as long as that is no dearer than asking for each, then asks.
func (r *reader) missing(ctx context.Context, account string, needed []estate.PolicyRef) ([]estate.PolicyRef, error) {
	client, err := r.enter(ctx, account)
	if err != nil {
		return nil, err
	}
	left := slices.Clone(needed)
	var marker *string
	for read := 0; read < len(left) && len(left) > 1; read++ {
		out, err := do(ctx, r.rest, client.ListPolicies, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal, MaxItems: aws.Int32(1000), Marker: marker})
		if err != nil {
			return nil, err
		}
		for _, p := range out.Policies {
			has := estate.PolicyRef{Name: aws.ToString(p.PolicyName), Path: aws.ToString(p.Path)}
			left = slices.DeleteFunc(left, func(ref estate.PolicyRef) bool { return ref.Same(has) })
		}
		if !out.IsTruncated {
			return left, nil
		}
		marker = out.Marker
	}
	var missing []estate.PolicyRef
	for _, ref := range left {
		_, err := do(ctx, r.rest, client.GetPolicy, &iam.GetPolicyInput{PolicyArn: aws.String("arn:" + r.partition() + ":iam::" + account + ":policy" + ref.Path + ref.Name)})
		switch {
		case Code(err) == "NoSuchEntity":
			missing = append(missing, ref)
		case err != nil:
			return nil, err
		}
	}
	return missing, nil
}

// partition is aws, aws-cn or aws-us-gov.
func (c *Client) partition() string {
	parts := strings.SplitN(c.instance.ARN, ":", 3)
	if len(parts) < 3 {
		return "aws"
	}
	return parts[1]
}

// enter is IAM in an account: the caller's own as it is, another through the role that is named in the options.
func (c *Client) enter(ctx context.Context, account string) (*iam.Client, error) {
	if account == c.callerAccount {
		return iam.NewFromConfig(c.cfg), nil
	}
	out, err := do(ctx, c.rest, c.sts.AssumeRole, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:" + c.partition() + ":iam::" + account + ":role/" + strings.TrimPrefix(c.opts.AccountRole, "/")), RoleSessionName: aws.String("gatehouse-plan"),
	})
	if err != nil {
		return nil, err
	}
	cfg := c.cfg.Copy()
	k := out.Credentials
	cfg.Credentials = aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(aws.ToString(k.AccessKeyId), aws.ToString(k.SecretAccessKey), aws.ToString(k.SessionToken)))
	return iam.NewFromConfig(cfg), nil
}
