package app

import (
	"context"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/awswire"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/cloudformation/resource"
	"gatehouse/internal/localiam"
)

// answerAfter is how long the beginning of a stack's operation waits for its end.
const answerAfter = 3 * time.Second

// stacks makes the service and the worker of stacks.
func (a *App) stacks() (*cloudformation.Service, *cloudformation.Worker) {
	providers := resource.All(resource.Services{
		Access: a.Access, Applications: a.Applications, Directory: a.Directory, IAM: a.IAM, Owner: a.Instance.OwnerAccountID, Delegate: a.standing.delegate,
	})
	w := cloudformation.NewWorker(cloudformation.WorkerConfig{
		Store: a.db.CloudFormation(), Providers: providers, Name: "node-" + arn.Hex(a.rand, 12), Now: a.now, Rand: a.rand, Log: a.log,
		Callers: callers{a.IAM, a.rights()},
	})
	return cloudformation.NewService(cloudformation.Config{
		Store: a.db.CloudFormation(), Providers: providers, Now: a.now, Rand: a.rand, Wake: w.Wake, AnswerAfter: answerAfter,
	}), w
}

// callers finds the callers of stack operations by their keys.
type callers struct {
	iam    *localiam.Service
	rights rights
}

// Caller implements [cloudformation.Callers].
func (c callers) Caller(ctx context.Context, k cloudformation.CallerKey) (cloudformation.Caller, error) {
	found, err := c.iam.Credential(ctx, k.AccessKeyID, k.SessionToken)
	if err != nil {
		return nil, err
	}
	return stackCaller{c, k, found.Caller.Actor()}, nil
}

// stackCaller is looked up anew for each action, so that a key or session that ends while an operation runs counts no more.
type stackCaller struct {
	callers
	key   cloudformation.CallerKey
	actor audit.Actor
}

// Actor implements [cloudformation.Caller].
func (c stackCaller) Actor() audit.Actor { return c.actor }

// Authorize implements [cloudformation.Caller].
func (c stackCaller) Authorize(ctx context.Context, q cloudformation.Access) error {
	found, err := c.iam.Credential(ctx, c.key.AccessKeyID, c.key.SessionToken)
	if err != nil {
		return err
	}
	if len(q.Resources) == 0 {
		q.Resources = []string{"*"}
	}
	return c.rights.Authorize(ctx, found.Caller, awswire.Access{Action: q.Action, Resources: q.Resources, Context: q.Context, Fresh: q.Fresh})
}
