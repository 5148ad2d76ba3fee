package sts

import (
	"context"

	"gatehouse/internal/awswire"
	"gatehouse/internal/localiam"
)

// onRoot is what a policy names for AssumeRoot: the root user of the target account, and the task.
func (d *Door) onRoot(_ context.Context, _ *call, in *AssumeRootRequest) (awswire.Target, error) {
	root, err := localiam.RootTarget(*in.TargetPrincipal)
	t := awswire.On(root)
	t.Context = map[string][]string{"sts:TaskPolicyArn": {awswire.Val(in.TaskPolicyArn.Arn)}}
	return t, err
}

func (d *Door) assumeRoot(ctx context.Context, c *call, in *AssumeRootRequest) (*AssumeRootResponse, error) {
	out, err := d.iam.AssumeRoot(ctx, c.Principal, localiam.RootRequest{Target: *in.TargetPrincipal, TaskPolicyARN: awswire.Val(in.TaskPolicyArn.Arn), Duration: seconds(in.DurationSeconds)})
	return &AssumeRootResponse{Credentials: credentials(out), SourceIdentity: awswire.Opt(out.SourceIdentity)}, err
}
