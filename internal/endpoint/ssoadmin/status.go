package ssoadmin

import (
	"context"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/awswire"
	"gatehouse/internal/fault"
)

// assignmentStatus is a creation or deletion request on the wire.
func assignmentStatus(instance string, r access.Request) *AccountAssignmentOperationStatus {
	return &AccountAssignmentOperationStatus{
		Status: new(string(r.Status)), RequestId: &r.ID, FailureReason: awswire.Opt(r.FailureReason), TargetId: new(r.AccountID), TargetType: new("AWS_ACCOUNT"),
		PermissionSetArn: new(arn.PermissionSet(instance, r.PermissionSetID)), PrincipalType: new(string(r.Principal.Type)), PrincipalId: new(r.Principal.ID),
		CreatedDate: awswire.At(r.CreatedAt),
	}
}

// provisioningStatus is a provisioning request on the wire; one for all accounts has no AccountId.
func provisioningStatus(instance string, r access.Request) *PermissionSetProvisioningStatus {
	return &PermissionSetProvisioningStatus{
		Status: new(string(r.Status)), RequestId: &r.ID, AccountId: awswire.Opt(r.AccountID), FailureReason: awswire.Opt(r.FailureReason),
		PermissionSetArn: new(arn.PermissionSet(instance, r.PermissionSetID)), CreatedDate: awswire.At(r.CreatedAt),
	}
}

func (d *Door[P]) request(ctx context.Context, p place, kind access.RequestKind, id string) (access.Request, error) {
	if _, err := d.Access.Instance(ctx, p.instance); err != nil {
		return access.Request{}, err
	}
	return d.Access.Request(ctx, kind, id)
}

func (d *Door[P]) describeCreation(ctx context.Context, _ *awswire.Call[P], p place, in *DescribeAccountAssignmentCreationStatusRequest) (*DescribeAccountAssignmentCreationStatusResponse, error) {
	r, err := d.request(ctx, p, access.CreateAssignment, *in.AccountAssignmentCreationRequestId)
	if err != nil {
		return nil, err
	}
	return &DescribeAccountAssignmentCreationStatusResponse{AccountAssignmentCreationStatus: assignmentStatus(p.instance, r)}, nil
}

func (d *Door[P]) describeDeletion(ctx context.Context, _ *awswire.Call[P], p place, in *DescribeAccountAssignmentDeletionStatusRequest) (*DescribeAccountAssignmentDeletionStatusResponse, error) {
	r, err := d.request(ctx, p, access.DeleteAssignment, *in.AccountAssignmentDeletionRequestId)
	if err != nil {
		return nil, err
	}
	return &DescribeAccountAssignmentDeletionStatusResponse{AccountAssignmentDeletionStatus: assignmentStatus(p.instance, r)}, nil
}

func (d *Door[P]) describeProvisioning(ctx context.Context, _ *awswire.Call[P], p place, in *DescribePermissionSetProvisioningStatusRequest) (*DescribePermissionSetProvisioningStatusResponse, error) {
	r, err := d.request(ctx, p, access.Provision, *in.ProvisionPermissionSetRequestId)
	if err != nil {
		return nil, err
	}
	return &DescribePermissionSetProvisioningStatusResponse{PermissionSetProvisioningStatus: provisioningStatus(p.instance, r)}, nil
}

func (d *Door[P]) listCreations(ctx context.Context, _ *awswire.Call[P], p place, in *ListAccountAssignmentCreationStatusRequest) (*ListAccountAssignmentCreationStatusResponse, error) {
	rs, next, err := d.requests(ctx, p, access.CreateAssignment, listing{in.Filter, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &ListAccountAssignmentCreationStatusResponse{AccountAssignmentsCreationStatus: []AccountAssignmentOperationStatusMetadata{}, NextToken: next}
	for _, r := range rs {
		out.AccountAssignmentsCreationStatus = append(out.AccountAssignmentsCreationStatus, AccountAssignmentOperationStatusMetadata(summary(r)))
	}
	return out, nil
}

func (d *Door[P]) listDeletions(ctx context.Context, _ *awswire.Call[P], p place, in *ListAccountAssignmentDeletionStatusRequest) (*ListAccountAssignmentDeletionStatusResponse, error) {
	rs, next, err := d.requests(ctx, p, access.DeleteAssignment, listing{in.Filter, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &ListAccountAssignmentDeletionStatusResponse{AccountAssignmentsDeletionStatus: []AccountAssignmentOperationStatusMetadata{}, NextToken: next}
	for _, r := range rs {
		out.AccountAssignmentsDeletionStatus = append(out.AccountAssignmentsDeletionStatus, AccountAssignmentOperationStatusMetadata(summary(r)))
	}
	return out, nil
}

func (d *Door[P]) listProvisionings(ctx context.Context, _ *awswire.Call[P], p place, in *ListPermissionSetProvisioningStatusRequest) (*ListPermissionSetProvisioningStatusResponse, error) {
	rs, next, err := d.requests(ctx, p, access.Provision, listing{in.Filter, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	out := &ListPermissionSetProvisioningStatusResponse{PermissionSetsProvisioningStatus: []PermissionSetProvisioningStatusMetadata{}, NextToken: next}
	for _, r := range rs {
		out.PermissionSetsProvisioningStatus = append(out.PermissionSetsProvisioningStatus, summary(r))
	}
	return out, nil
}

func summary(r access.Request) PermissionSetProvisioningStatusMetadata {
	return PermissionSetProvisioningStatusMetadata{Status: new(string(r.Status)), RequestId: new(r.ID), CreatedDate: awswire.At(r.CreatedAt)}
}

// listing is what the three listings have in common.
type listing struct {
	filter     *OperationStatusFilter
	maxResults *int32
	token      *string
}

// requests lists requests of a kind, newest first.
func (d *Door[P]) requests(ctx context.Context, p place, kind access.RequestKind, l listing) ([]access.Request, *string, error) {
	if _, err := d.Access.Instance(ctx, p.instance); err != nil {
		return nil, nil, err
	}
	var status access.Status
	if l.filter != nil {
		status = access.Status(awswire.Val(l.filter.Status))
	}
	what := []string{"requests", p.instance, string(kind), string(status)}
	cursor, err := awswire.Cursor(l.token, what...)
	if err != nil {
		return nil, nil, err
	}
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, nil, err
	}
	limit := awswire.Limit(l.maxResults)
	rs, err := d.Access.Requests(ctx, kind, status, after, limit+1)
	if err != nil {
		return nil, nil, err
	}
	rs, next := awswire.Page(rs, limit, func(r access.Request) string { return r.CreatedAt.UTC().Format(time.RFC3339Nano) + "/" + r.ID })
	return rs, awswire.PageToken(next, what...), nil
}

// parseCursor reads "time/id"; a token can be made up, so a wrong one is the client's fault.
func parseCursor(s string) (access.RequestCursor, error) {
	if s == "" {
		return access.RequestCursor{}, nil
	}
	stamp, id, _ := strings.Cut(s, "/")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return access.RequestCursor{}, fault.New(fault.Invalid, "The NextToken is not one that this operation returned.").At("NextToken")
	}
	return access.RequestCursor{CreatedAt: at, ID: id}, nil
}
