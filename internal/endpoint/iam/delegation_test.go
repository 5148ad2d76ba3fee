package iam

import "testing"

// TestDelegationRequestsCannotExist: no partner can ask here, and nobody without permission learns even that.
func TestDelegationRequestsCannotExist(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ask := []string{"Description", "d", "Permissions.PolicyTemplateArn", "arn:aws:iam:::delegation-template/partner/read", "RequestorWorkflowId", "workflow-1",
		"NotificationChannel", "arn:aws:sns:us-east-1:111122223333:topic", "SessionDuration", "3600"}
	b.refused(400, "InvalidInput", "is not registered", "CreateDelegationRequest", ask...)
	if got := b.do("ListDelegationRequests"); first(got, "isTruncated") != "false" || first(got, "DelegationRequestId") != "" {
		t.Errorf("got %s", got)
	}
	const id = "dr-0123456789abcdef"
	for _, operation := range []string{"GetDelegationRequest", "AssociateDelegationRequest", "UpdateDelegationRequest", "AcceptDelegationRequest", "RejectDelegationRequest", "SendDelegationToken"} {
		b.refused(404, "NoSuchEntity", "does not exist", operation, "DelegationRequestId", id)
		b.refused(400, "ValidationError", "delegationRequestId", operation)
	}
	b.user("Ann").refused(403, "AccessDenied", "iam:CreateDelegationRequest", "CreateDelegationRequest", ask...)
}
