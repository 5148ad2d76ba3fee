package live

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

// Status is where a request stands.
type Status string

// What becomes of a request.
const (
	InProgress Status = "IN_PROGRESS"
	Succeeded  Status = "SUCCEEDED"
	Failed     Status = "FAILED"
)

// Requests are one of the three kinds of requests that sso-admin works on after it has answered: creations and removals of
// assignments, and provisioning.
type Requests struct {
	list     func(ctx context.Context, status types.StatusValues, token *string) (ids []string, statuses []types.StatusValues, next *string, err error)
	describe func(ctx context.Context, id string) (types.StatusValues, *string, error)
}

// UnderWay are the ids of all that are in progress, one call for a hundred, and when the first of these calls was made.
func (rs Requests) UnderWay(ctx context.Context) (ids map[string]bool, at time.Time, err error) {
	ids = map[string]bool{}
	err = pages(func(token *string) (*string, error) {
		call := ctx
		if token == nil {
			call = context.WithValue(ctx, sent{}, &at)
		}
		page, _, next, err := rs.list(call, types.StatusValuesInProgress, token)
		for _, id := range page {
			ids[id] = true
		}
		return next, err
	})
	return ids, at, err
}

// Outcomes tells where requests stand. It reads the list of all requests, newest first, for as long as that takes no more calls than to ask for each;
// those that it does not find there it asks for.
func (rs Requests) Outcomes(ctx context.Context, ids []string) (map[string]Status, error) {
	left, out := map[string]bool{}, map[string]Status{}
	for _, id := range ids {
		left[id] = true
	}
	var token *string
	for read := 0; read < len(left) && len(left) > 1; read++ {
		page, statuses, next, err := rs.list(ctx, "", token)
		if err != nil {
			return nil, err
		}
		for i, id := range page {
			if left[id] {
				out[id] = Status(statuses[i])
				delete(left, id)
			}
		}
		if aws.ToString(next) == "" {
			break
		}
		token = next
	}
	for id := range left {
		s, _, err := rs.Describe(ctx, id)
		if err != nil {
			return nil, err
		}
		out[id] = s
	}
	return out, nil
}

// Describe tells where one request stands, and why it failed.
func (rs Requests) Describe(ctx context.Context, id string) (Status, string, error) {
	s, reason, err := rs.describe(ctx, id)
	return Status(s), aws.ToString(reason), err
}

func filter(s types.StatusValues) *types.OperationStatusFilter {
	if s == "" {
		return nil
	}
	return &types.OperationStatusFilter{Status: s}
}

func summaries(in []types.AccountAssignmentOperationStatusMetadata) (ids []string, statuses []types.StatusValues) {
	for _, s := range in {
		ids, statuses = append(ids, aws.ToString(s.RequestId)), append(statuses, s.Status)
	}
	return ids, statuses
}

// Creations are requests to make an assignment.
func (c *Client) Creations() Requests {
	return Requests{
		list: func(ctx context.Context, status types.StatusValues, token *string) ([]string, []types.StatusValues, *string, error) {
			out, err := do(ctx, c.center, c.admin.ListAccountAssignmentCreationStatus, &ssoadmin.ListAccountAssignmentCreationStatusInput{InstanceArn: &c.instance.ARN, Filter: filter(status), MaxResults: hundred, NextToken: token})
			if err != nil {
				return nil, nil, nil, err
			}
			ids, statuses := summaries(out.AccountAssignmentsCreationStatus)
			return ids, statuses, out.NextToken, nil
		},
		describe: func(ctx context.Context, id string) (types.StatusValues, *string, error) {
			out, err := do(ctx, c.center, c.admin.DescribeAccountAssignmentCreationStatus, &ssoadmin.DescribeAccountAssignmentCreationStatusInput{InstanceArn: &c.instance.ARN, AccountAssignmentCreationRequestId: &id})
			if err != nil {
				return "", nil, err
			}
			return out.AccountAssignmentCreationStatus.Status, out.AccountAssignmentCreationStatus.FailureReason, nil
		},
	}
}

// Removals are requests to end an assignment.
func (c *Client) Removals() Requests {
	return Requests{
		list: func(ctx context.Context, status types.StatusValues, token *string) ([]string, []types.StatusValues, *string, error) {
			out, err := do(ctx, c.center, c.admin.ListAccountAssignmentDeletionStatus, &ssoadmin.ListAccountAssignmentDeletionStatusInput{InstanceArn: &c.instance.ARN, Filter: filter(status), MaxResults: hundred, NextToken: token})
			if err != nil {
				return nil, nil, nil, err
			}
			ids, statuses := summaries(out.AccountAssignmentsDeletionStatus)
			return ids, statuses, out.NextToken, nil
		},
		describe: func(ctx context.Context, id string) (types.StatusValues, *string, error) {
			out, err := do(ctx, c.center, c.admin.DescribeAccountAssignmentDeletionStatus, &ssoadmin.DescribeAccountAssignmentDeletionStatusInput{InstanceArn: &c.instance.ARN, AccountAssignmentDeletionRequestId: &id})
			if err != nil {
				return "", nil, err
			}
			return out.AccountAssignmentDeletionStatus.Status, out.AccountAssignmentDeletionStatus.FailureReason, nil
		},
	}
}

// Provisionings are requests to bring roles up to date.
func (c *Client) Provisionings() Requests {
	return Requests{
		list: func(ctx context.Context, status types.StatusValues, token *string) ([]string, []types.StatusValues, *string, error) {
			out, err := do(ctx, c.center, c.admin.ListPermissionSetProvisioningStatus, &ssoadmin.ListPermissionSetProvisioningStatusInput{InstanceArn: &c.instance.ARN, Filter: filter(status), MaxResults: hundred, NextToken: token})
			if err != nil {
				return nil, nil, nil, err
			}
			var ids []string
			var statuses []types.StatusValues
			for _, s := range out.PermissionSetsProvisioningStatus {
				ids, statuses = append(ids, aws.ToString(s.RequestId)), append(statuses, s.Status)
			}
			return ids, statuses, out.NextToken, nil
		},
		describe: func(ctx context.Context, id string) (types.StatusValues, *string, error) {
			out, err := do(ctx, c.center, c.admin.DescribePermissionSetProvisioningStatus, &ssoadmin.DescribePermissionSetProvisioningStatusInput{InstanceArn: &c.instance.ARN, ProvisionPermissionSetRequestId: &id})
			if err != nil {
				return "", nil, err
			}
			return out.PermissionSetProvisioningStatus.Status, out.PermissionSetProvisioningStatus.FailureReason, nil
		},
	}
}
