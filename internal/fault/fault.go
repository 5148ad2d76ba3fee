// Package fault is the one error type that crosses package borders inside Gatehouse.
//
// A fault has a [Kind] from a closed set, a sentence that may be shown to whoever asked, and
// optionally the name of a field, of a resource and a stable reason. Each protocol has exactly one table
// that turns kinds into its wire errors; an error that is not a fault is [Internal], and of an
// Internal error nothing is ever shown outside: its text goes to the log and nowhere else.
//
// Make a fault where the meaning is known (usually a domain Service or a codec); wrap it once where
// something is added; log it once, at the door or in the worker.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure happened. The set is closed: adding one means adding a row to every
// protocol's table.
type Kind uint8

const (
	// Internal is a defect or an outage of ours. Its text is never shown. It is the zero Kind, so that
	// forgetting to choose shows nothing.
	Internal Kind = iota
	// Invalid is a request that can never succeed as it stands.
	Invalid
	// Unauthenticated means that the caller did not prove who he is.
	Unauthenticated
	// Denied means that the caller is known and may not do this.
	Denied
	// NotFound names something that is not there (or that the caller may not know to be there).
	NotFound
	// Conflict is a clash with the present state: a taken name, a stale version, a thing still in use.
	Conflict
	// Quota is a limit on how many or how large.
	Quota
	// Throttled asks the caller to come back later.
	Throttled
	// Unavailable is a passing outage of something Gatehouse depends on.
	Unavailable
)

var kindNames = [...]string{"Internal", "Invalid", "Unauthenticated", "Denied", "NotFound", "Conflict", "Quota", "Throttled", "Unavailable"}

// String returns the kind's name, for logs and tests.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Fault is an error whose meaning is known.
type Fault struct {
	// Kind decides the wire error.
	Kind Kind
	// Message is one sentence for the person who asked: what was wrong, where, what to do. It is shown
	// unless Kind is Internal; it never holds a secret.
	Message string
	// Reason is a stable slug for protocols that distinguish within a kind, such as "uniqueness" or
	// "version". Empty when the kind says enough.
	Reason string
	// Field is the input member at fault, in the domain's spelling ("userName"). Optional.
	Field string
	// Resource is the noun concerned ("USER", "GROUP", "PERMISSION_SET" …). Optional.
	Resource string
	// ID is the identifier of that resource. Optional.
	ID string

	cause error
}

// Error gives the message, and the cause for logs.
func (f *Fault) Error() string {
	if f.cause != nil {
		return f.Message + ": " + f.cause.Error()
	}
	return f.Message
}

// Unwrap returns the underlying error, if any.
func (f *Fault) Unwrap() error { return f.cause }

// New makes a fault with a formatted message.
func New(k Kind, format string, args ...any) *Fault {
	return &Fault{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of f that remembers the error it came from. The cause is for logs only.
func (f *Fault) Because(err error) *Fault {
	g := *f
	g.cause = err
	return &g
}

// At returns a copy of f that names the input member at fault.
func (f *Fault) At(field string) *Fault {
	g := *f
	g.Field = field
	return &g
}

// About returns a copy of f that names the resource concerned.
func (f *Fault) About(resource, id string) *Fault {
	g := *f
	g.Resource, g.ID = resource, id
	return &g
}

// For returns a copy of f with the stable reason slug.
func (f *Fault) For(reason string) *Fault {
	g := *f
	g.Reason = reason
	return &g
}

// Of returns the fault inside err. An error without one becomes an Internal fault that wraps it; nil
// gives nil.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Kind: Internal, Message: "internal error", cause: err}
}

// Is reports whether err is or wraps a fault of kind k. A nil error is of no kind.
func Is(err error, k Kind) bool {
	f := Of(err)
	return f != nil && f.Kind == k
}

// Shown returns what of err may be shown outside: the fault's message, or a fixed sentence when the
// kind is Internal.
func Shown(err error) string {
	f := Of(err)
	if f == nil {
		return ""
	}
	if f.Kind == Internal {
		return "An internal error occurred. The server's log has the details."
	}
	return f.Message
}
