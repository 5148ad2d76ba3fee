package credential

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what the built-in directory needs of a database.
//
//   - A changing method is one transaction that also writes the event. Exceptions take none: they change nothing that
//     anybody could be asked about.
//   - A read of one thing answers fault.NotFound when it is not there; expiry is not looked at.
//   - What belongs to a user is gone with the user.
type Store interface {
	PersonStore
	AttemptStore
	LimitStore
	// Settings answers the zero Settings when none were written.
	Settings(ctx context.Context) (Settings, error)
	// PutSettings writes s if the stored Version is still ifVersion (0: nothing stored), else fault.Conflict "version".
	PutSettings(ctx context.Context, s Settings, ifVersion int64, e audit.Event) error
	// Note writes the event and nothing else: a refused sign-in.
	Note(ctx context.Context, e audit.Event) error
	// Sweep removes rows whose ExpiresAt is not after now, at most limit of each kind, and returns how many.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
}

// PersonStore keeps what people prove themselves with.
type PersonStore interface {
	// Person answers a Person with the id and Version 0 when nothing is kept, whether or not there is such a user.
	Person(ctx context.Context, userID string) (Person, error)
	// PutPerson writes p if the stored Version is still ifVersion (0: nothing stored), else fault.Conflict "version", and does
	// what c says in the same transaction. A passkey whose CredentialID somebody else has is fault.Conflict "exists"; a user that is not there
	// fault.NotFound "USER".
	PutPerson(ctx context.Context, p Person, c Consequences, ifVersion int64, e audit.Event) error
	// Known returns what is known of a browser and a user.
	Known(ctx context.Context, hash []byte, userID string) (Known, error)
	// PutKnown inserts or replaces it; a user that is not there is fault.NotFound "USER".
	PutKnown(ctx context.Context, k Known) error
	// InsertLink adds a link; a user that is not there is fault.NotFound "USER".
	InsertLink(ctx context.Context, l Link, e audit.Event) error
	Link(ctx context.Context, hash []byte) (Link, error)
}

// Consequences is what a change of a person's record brings with it.
type Consequences struct {
	// UseLink must still be there, else fault.Conflict "used", and nothing is written.
	UseLink []byte
	// DropLinks removes every link of the person.
	DropLinks bool
	// ForgetBrowsers removes every browser that was remembered of the person.
	ForgetBrowsers bool
}

// AttemptStore keeps sign-ins under way. It writes no events: what an attempt leads to has its own.
type AttemptStore interface {
	InsertAttempt(ctx context.Context, a Attempt) error
	Attempt(ctx context.Context, hash []byte) (Attempt, error)
	// UpdateAttempt writes a, whose Version is one more than the stored one, else fault.Conflict "version".
	UpdateAttempt(ctx context.Context, a Attempt) error
}

// LimitStore keeps what was spent of limits.
type LimitStore interface {
	// Spend takes one from every bucket, or from none when one is empty; then it answers when to come back. Of calls at the same
	// time no more succeed than the buckets hold. Keys are different from each other.
	Spend(ctx context.Context, bs []Bucket, now time.Time) (wait time.Duration, err error)
	// Refund gives one back to every bucket.
	Refund(ctx context.Context, bs []Bucket, now time.Time) error
	// Fill fills every bucket up.
	Fill(ctx context.Context, keys [][]byte) error
}
