package signin

import (
	"context"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Failure is a sign-in, or a logout by an identity provider, that was refused: what an administrator needs to find out why. Nothing in it is
// secret, and what the message said of a person is masked.
type Failure struct {
	// ID is the reference number that the person was shown: the request's id, a UUID.
	ID       string
	SourceID string
	// At is when it happened, ExpiresAt when the record goes.
	At, ExpiresAt time.Time
	// Vouched says that the message was signed by the identity provider and then refused. What is not vouched for, anybody can have sent.
	Vouched bool
	// Reason is the slug of the check that failed, Why a sentence on it, Advice what to do.
	Reason, Why, Advice string
	// ClientAddr is where it came from.
	ClientAddr string
	// RequestID is the sign-in request that it answered, if that is known.
	RequestID string
	// Message is the decoded message with personal values masked; empty when there was none that could be read.
	Message string
}

const (
	// FailureLife is how long a failure is kept.
	FailureLife = 30 * 24 * time.Hour
	// MaxFailures is how many failures are kept of those vouched for, and how many of the others, so that strangers cannot push out what matters.
	MaxFailures = 1000
)

// FailureKey is a place in a newest-first listing of failures; the zero value is the start.
type FailureKey struct {
	At time.Time
	ID string
}

// Fail records that a sign-in was refused before it came to Park: a bad signature, an unknown user. The service sets ID, At, ExpiresAt and
// ClientAddr.
func (s *Service) Fail(ctx context.Context, f Failure) (Failure, error) {
	from := audit.OriginOf(ctx)
	f.At, f.ID, f.ClientAddr = s.now(), from.RequestID, from.ClientAddr
	f.ExpiresAt = f.At.Add(FailureLife)
	if f.ID == "" {
		f.ID = arn.UUID(s.rand)
	}
	e := audit.New(ctx, f.At, anonymous, "signin:SignIn", f.RequestID).With("source", f.SourceID).With("why", f.Reason+": "+f.Why)
	e.Outcome = fault.Denied.String()
	return f, s.store.InsertFailure(ctx, f, e)
}

// Failure returns one failure. Faults: NotFound "FAILURE".
func (s *Service) Failure(ctx context.Context, id string) (Failure, error) {
	f, err := s.store.Failure(ctx, id)
	if err == nil && !s.now().Before(f.ExpiresAt) {
		return Failure{}, fault.New(fault.NotFound, "there is no failed sign-in with the reference %s", id).About("FAILURE", id)
	}
	return f, err
}

// Failures lists failures, newest first, those that come before the key, at most limit.
func (s *Service) Failures(ctx context.Context, before FailureKey, limit int) ([]Failure, error) {
	return s.store.Failures(ctx, before, limit)
}

// EndNamed ends the sessions of a person on the word of the source that opened them: those with one of the session indexes, or all when none is named.
// The name is the source's own, exactly. requestID is remembered until replayUntil, and a second request with it is refused.
//
// Faults: Denied "replay".
func (s *Service) EndNamed(ctx context.Context, sourceID, nameID string, indexes []string, requestID string, replayUntil time.Time) (int, error) {
	e := audit.New(ctx, s.now(), audit.Actor{Kind: audit.Directory, ID: sourceID}, "signin:EndSessions", requestID).
		With("source", sourceID).With("why", "logout at the identity provider")
	// Assertions and logout requests are told apart, in case a provider counts both.
	r := Replay{SourceID: sourceID, AssertionID: "logout " + requestID, ExpiresAt: replayUntil}
	n, err := s.store.DeleteSessionsNamed(ctx, nameID, indexes, r, e)
	return n, lost(err, refused("replay", "This logout request was used already."))
}
