package awswire

import (
	"context"
	"maps"
	"net/http"

	"gatehouse/internal/audit"
)

// Call is what a handler knows of a request beyond its input. P is the type of an authenticated
// principal.
type Call[P any] struct {
	// Principal is the verified caller; the zero P for an unsigned operation.
	Principal P
	// Actor is the caller for the audit log.
	Actor audit.Actor
	// Service and Operation name what was called ("iam", "CreateRole").
	Service, Operation string
	// RequestID is the id that the answer carries.
	RequestID string
	// Request is the HTTP request. Its body is read already.
	Request *http.Request

	authorizer Authorizer[P]
	context    map[string][]string
}

// Access is one question to an Authorizer: may the principal perform Action on every one of Resources?
type Access struct {
	// Action is an IAM action such as "sso:CreateAccountAssignment".
	Action string
	// Resources are ARNs; never empty ("*" where an action has no resource).
	Resources []string
	// Context holds condition keys of the request ("aws:SourceIp", "aws:RequestTag/team"). The Authorizer adds those of the principal,
	// of the time, and of each resource ("aws:ResourceTag/team").
	Context map[string][]string
	// Fresh says that the resources are to be made. What bears such a name now is something else, and its keys count for nothing.
	Fresh bool
}

// Authorizer decides what a principal may do.
type Authorizer[P any] interface {
	// Authorize returns nil when the principal's policies allow the action on all the resources, a
	// Denied fault when they do not.
	Authorize(ctx context.Context, principal P, a Access) error
}

// Target is what an operation is about to touch, as an IAM policy names it.
type Target struct {
	// Resources are ARNs. None means "*".
	Resources []string
	// Context holds further condition keys of the request. Those of the resources, such as their tags, are the Authorizer's to look up.
	Context map[string][]string
	// Fresh says that the resources are to be made.
	Fresh bool
	// Further is what the operation needs beside the action of its name, such as to tag what it makes.
	Further []Further
}

// Further is one more action that an operation needs, and on what.
type Further struct {
	Action string
	On     Target
}

// On makes a target of ARNs.
func On(arns ...string) Target { return Target{Resources: arns} }

// Authorize asks whether the caller may perform a further action, such as iam:PassRole. The operation's
// own action was authorized before its handler ran.
func (c *Call[P]) Authorize(ctx context.Context, action string, t Target) error {
	a := Access{Action: action, Resources: t.Resources, Context: maps.Clone(c.context), Fresh: t.Fresh}
	if len(a.Resources) == 0 {
		a.Resources = []string{"*"}
	}
	maps.Copy(a.Context, t.Context)
	return c.authorizer.Authorize(ctx, c.Principal, a)
}

// Operation is one row of a service's table. Make it with Op.
type Operation[P any] struct {
	// Name is the operation's name in the API.
	Name string
	// Action is the IAM action; empty for an operation that needs no permission.
	Action string

	newInput func() Checker
	target   func(context.Context, *Call[P], Checker) (Target, error)
	handle   func(context.Context, *Call[P], Checker) (any, error)
}

// Op makes a row: the operation's name, the IAM action it needs, what it touches, and its handler.
//
// target is called with a valid input and says which resources the caller must be allowed the action
// on; nil means "*". It may look things up; a fault it returns is the answer. An action of "" needs no
// permission (sts:GetCallerIdentity), and target is then not called.
//
// handle is called when the input is valid and the caller is allowed. Its output may be nil where the
// operation has no members to answer.
func Op[P, In, Out any, I interface {
	*In
	Checker
}](name, action string, target func(context.Context, *Call[P], I) (Target, error), handle func(context.Context, *Call[P], I) (*Out, error)) Operation[P] {
	o := Operation[P]{Name: name, Action: action}
	o.newInput = func() Checker { return I(new(In)) }
	if target != nil {
		o.target = func(ctx context.Context, c *Call[P], in Checker) (Target, error) { return target(ctx, c, in.(I)) }
	}
	o.handle = func(ctx context.Context, c *Call[P], in Checker) (any, error) {
		out, err := handle(ctx, c, in.(I))
		if err != nil {
			return nil, err
		}
		if out == nil {
			return nil, nil
		}
		return out, nil
	}
	return o
}

// Service is one AWS API: its model, its table of operations, its way with errors.
type Service[P any] struct {
	// Model is the generated description.
	Model *Model
	// Operations is the table. An operation of the model that has no row answers that it is not
	// implemented.
	Operations []Operation[P]
	// Errors adjusts the protocol's own choice for an error: another code, further members. Nil keeps
	// the choice. It is not asked about authentication and about unknown operations, and about malformed requests only by a REST service, because most models
	// of those have no name for them.
	Errors func(operation string, err error, e WireError) WireError
	// ErrorBody writes the body of an error of a REST service that has a form of its own (OAuth's). Without it, and where it returns nil, the form is the
	// protocol's.
	ErrorBody func(WireError) []byte
	// MaxBody is the largest body that is read for a REST service, in bytes; zero means the constant MaxBody.
	MaxBody int64
}
