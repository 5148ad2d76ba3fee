// Package audit is the vocabulary of who did what: every change in Gatehouse has an [Actor] and writes
// an [Event] in the same transaction as the change itself.
//
// The actor is an argument of every changing Service method; the store method behind it takes the Event,
// so that a write without an event does not compile. Context carries only where the request came from
// ([Origin]).
package audit

import (
	"context"
	"time"
)

// ActorKind says what sort of party acted.
type ActorKind string

const (
	// System is Gatehouse itself: first start, workers, expiry.
	System ActorKind = "system"
	// Principal is the caller of an AWS API or the admin API, known by its IAM or STS ARN.
	Principal ActorKind = "principal"
	// Directory is a SCIM client, known by the SCIM directory whose token it showed.
	Directory ActorKind = "directory"
	// Person is a signed-in user of the identity store, in a browser or through `aws sso login`.
	Person ActorKind = "person"
	// Anonymous is someone who has not signed in; only sign-in attempts have such an actor.
	Anonymous ActorKind = "anonymous"
)

// Actor is the party that makes a change.
type Actor struct {
	Kind ActorKind
	// ID is stable: an ARN for a Principal, a SCIM directory's id, a user id. Empty for System and Anonymous.
	ID string
	// Name is for people to read: a user name, a role session name.
	Name string
	// AccountID is the account the actor belongs to, 12 digits; empty where that has no meaning.
	AccountID string
}

// Gatehouse is the actor of what the server does by itself.
var Gatehouse = Actor{Kind: System, Name: "gatehouse"}

// Success is the outcome of what was done.
const Success = "success"

// Event records one change, or one attempt that matters (a sign-in).
type Event struct {
	// ID is a lower-case UUID; the store assigns one when it is empty.
	ID string
	// At is when it happened.
	At    time.Time
	Actor Actor
	// Action is the operation, in the manner of IAM actions: "identitystore:CreateUser", "scim:PatchGroup",
	// "signin:SAMLSignIn", "provision:ApplyRole".
	Action string
	// Resource is the ARN or identifier of what was changed.
	Resource string
	// Outcome is [Success] or a fault kind's name.
	Outcome string
	// RequestID and ClientAddr say where the request came from.
	RequestID, ClientAddr string
	// Detail holds what else a reader needs, never a secret.
	Detail map[string]string
}

// Origin is where a request came from; the only thing that travels in a context.
type Origin struct {
	// RequestID is the UUID answered as x-amzn-RequestId.
	RequestID string
	// ClientAddr is the client's IP address without a port.
	ClientAddr string
}

type originKey struct{}

// WithOrigin returns a context that carries o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns the origin in ctx, or an empty one.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// New makes a successful event at the given time, with the origin that ctx carries.
func New(ctx context.Context, at time.Time, a Actor, action, resource string) Event {
	o := OriginOf(ctx)
	return Event{At: at, Actor: a, Action: action, Resource: resource, Outcome: Success, RequestID: o.RequestID, ClientAddr: o.ClientAddr}
}

// With returns a copy of e with one more detail.
func (e Event) With(key, value string) Event {
	d := make(map[string]string, len(e.Detail)+1)
	for k, v := range e.Detail {
		d[k] = v
	}
	d[key] = value
	e.Detail = d
	return e
}

// Filter narrows a listing of events; empty members do not narrow.
type Filter struct {
	// ActorID and Resource are compared exactly.
	ActorID, Resource string
	// Action is compared exactly, or by its beginning when it ends in "*" ("scim:*").
	Action string
	// Outcome is [Success] or a fault kind's name.
	Outcome string
	// Since is inclusive, Until exclusive.
	Since, Until time.Time
}
