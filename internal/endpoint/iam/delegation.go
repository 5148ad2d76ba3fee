package iam

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

// delegationRows are the operations on delegation requests, of which there are none; see package localiam.
func (d *Door) delegationRows() []awswire.Operation[localiam.Caller] {
	return []awswire.Operation[localiam.Caller]{
		row(d, "CreateDelegationRequest", func(*CreateDelegationRequestRequest) touch { return touch{} },
			func(_ context.Context, _ *call, in *CreateDelegationRequestRequest) (*CreateDelegationRequestResponse, error) {
				return nil, localiam.NoDelegationTemplate(awswire.Val(in.Permissions.PolicyTemplateArn))
			}),
		row(d, "ListDelegationRequests", func(*ListDelegationRequestsRequest) touch { return touch{} },
			func(_ context.Context, c *call, in *ListDelegationRequestsRequest) (*ListDelegationRequestsResponse, error) {
				return &ListDelegationRequestsResponse{DelegationRequests: []DelegationRequest{}, IsTruncated: new(false)}, onePage(in.Marker, c.Operation)
			}),
		row(d, "GetDelegationRequest", func(*GetDelegationRequestRequest) touch { return touch{} },
			func(_ context.Context, _ *call, in *GetDelegationRequestRequest) (*GetDelegationRequestResponse, error) {
				return nil, localiam.NoDelegationRequest(*in.DelegationRequestId)
			}),
		row(d, "AssociateDelegationRequest", func(*AssociateDelegationRequestRequest) touch { return touch{} },
			func(_ context.Context, _ *call, in *AssociateDelegationRequestRequest) (*empty, error) {
				return nil, localiam.NoDelegationRequest(*in.DelegationRequestId)
			}),
		row(d, "UpdateDelegationRequest", func(*UpdateDelegationRequestRequest) touch { return touch{} },
			func(_ context.Context, _ *call, in *UpdateDelegationRequestRequest) (*empty, error) {
				return nil, localiam.NoDelegationRequest(*in.DelegationRequestId)
			}),
		row(d, "AcceptDelegationRequest", func(*AcceptDelegationRequestRequest) touch { return touch{} },
			func(_ context.Context, _ *call, in *AcceptDelegationRequestRequest) (*empty, error) {
				return nil, localiam.NoDelegationRequest(*in.DelegationRequestId)
			}),
		row(d, "RejectDelegationRequest", func(*RejectDelegationRequestRequest) touch { return touch{} },
			func(_ context.Context, _ *call, in *RejectDelegationRequestRequest) (*empty, error) {
				return nil, localiam.NoDelegationRequest(*in.DelegationRequestId)
			}),
		row(d, "SendDelegationToken", func(*SendDelegationTokenRequest) touch { return touch{} },
			func(_ context.Context, _ *call, in *SendDelegationTokenRequest) (*empty, error) {
				return nil, localiam.NoDelegationRequest(*in.DelegationRequestId)
			}),
	}
}
