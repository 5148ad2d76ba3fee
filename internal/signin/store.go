package signin

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what sign-in needs of a database, divided by noun; one database implements them all.
//
// The same rules hold for every part:
//
//   - A changing method is one transaction that also writes the event. Exceptions are the methods that say so.
//   - A read of one thing answers fault.NotFound when it is not there. Reads do not look at ExpiresAt, Used… or
//     Status: judging is [Service]'s.
//   - "If still …" conditions are part of the write (one conditional UPDATE or DELETE whose row count is looked
//     at), so that of two concurrent calls exactly one succeeds; the other gets the fault named and writes nothing, no event either.
//   - Hashes are keys of 32 bytes. A key that is taken is fault.Conflict with Reason "exists".
//   - nil and empty maps and lists are the same thing. Times come back in UTC, exact to the microsecond.
//   - A method that inserts or removes codes or tokens locks the row of their session first (SELECT … FOR UPDATE where the engine
//     has it) and answers fault.NotFound "SESSION" when it is gone; so that what is revoked while it is being issued stays revoked.
//   - Nothing here refers to a user by foreign key: users belong to package directory and may go at any time.
type Store interface {
	SettingStore
	RequestStore
	SessionStore
	ClientStore
	DeviceStore
	CodeStore
	TokenStore
	FailureStore
	// Sweep removes rows whose ExpiresAt is not after now: at most limit of each of requests, replays, parked results, sessions (with
	// all that hangs on them), clients, devices, codes, access tokens and refresh tokens, found by an index on the expiry. It returns how many it removed in
	// all; the caller repeats until that is less than limit. It also removes failures whose ExpiresAt is not after now and those beyond the newest
	// [MaxFailures] of each kind. It writes no event.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
}

// SettingStore keeps the settings: one row.
type SettingStore interface {
	// Settings answers the zero Settings when none were written.
	Settings(ctx context.Context) (Settings, error)
	// PutSettings writes s if the stored Version is still ifVersion (0: nothing stored), else fault.Conflict "version".
	PutSettings(ctx context.Context, s Settings, ifVersion int64, e audit.Event) error
}

// RequestStore keeps sign-ins under way.
type RequestStore interface {
	InsertRequest(ctx context.Context, r Request, e audit.Event) error
	Request(ctx context.Context, id string) (Request, error)
	// Park takes a verified answer, in one transaction: if p.RequestID is not empty, sets the request's UsedAt to
	// p.CreatedAt if still zero and r.SourceID is the request's source (else fault.Conflict "used"); inserts r, whose key must be new (else fault.Conflict "replay"); inserts p.
	Park(ctx context.Context, p Parked, r Replay, e audit.Event) error
	Parked(ctx context.Context, hash []byte) (Parked, error)
	// DropParked removes the parked results of a source and returns how many there were; it writes the event if there were any.
	DropParked(ctx context.Context, sourceID string, e audit.Event) (int, error)
	// Claim removes the parked result if it is still there (else fault.Conflict "used"), inserts s, and removes the
	// session named previous with all that hangs on it, unless previous is empty or not there.
	Claim(ctx context.Context, parked []byte, s Session, previous string, e audit.Event) error
	// UseProof remembers r if its key is new (else fault.Conflict "replay"). It writes no event: the exchange that follows does.
	UseProof(ctx context.Context, r Replay) error
	// Note writes the event and nothing else: a refused sign-in.
	Note(ctx context.Context, e audit.Event) error
}

// SessionStore keeps browser sessions.
type SessionStore interface {
	InsertSession(ctx context.Context, s Session, e audit.Event) error
	SessionByHash(ctx context.Context, hash []byte) (Session, error)
	Session(ctx context.Context, id string) (Session, error)
	// SessionsOf lists a user's sessions by id, rows after the given id, at most limit.
	SessionsOf(ctx context.Context, userID, after string, limit int) ([]Session, error)
	// SessionsBySource lists the sessions that a source vouched for in the same way.
	SessionsBySource(ctx context.Context, sourceID, after string, limit int) ([]Session, error)
	// CountSessionsBySource counts them.
	CountSessionsBySource(ctx context.Context, sourceID string) (int, error)
	// TouchSession sets LastSeenAt; it writes no event, and a missing session is no error.
	TouchSession(ctx context.Context, id string, at time.Time) error
	// DeleteSession removes the session and the devices, codes, access and refresh tokens with its SessionID.
	DeleteSession(ctx context.Context, id string, e audit.Event) error
	// DeleteSessions does the same for the sessions that the events have as their Resource, each once, and returns how many there were; the event of one
	// that is not there is not written.
	DeleteSessions(ctx context.Context, es []audit.Event) (int, error)
	// DeleteSessionsNamed does the same for the sessions that source r.SourceID opened by the name, all of them or those with one of the session
	// indexes, and remembers r, whose key must be new (else fault.Conflict "replay"). It returns how many there were; none is no error.
	DeleteSessionsNamed(ctx context.Context, nameID string, indexes []string, r Replay, e audit.Event) (int, error)
	// DeleteSessionsOf does the same for all sessions of a user and returns how many there were; none is no error.
	DeleteSessionsOf(ctx context.Context, userID string, e audit.Event) (int, error)
}

// FailureStore keeps sign-ins that failed.
type FailureStore interface {
	// InsertFailure answers fault.Conflict "exists" when the id is taken.
	InsertFailure(ctx context.Context, f Failure, e audit.Event) error
	// Failure answers fault.NotFound "FAILURE".
	Failure(ctx context.Context, id string) (Failure, error)
	// Failures lists newest first, by time and id, those that come before the key, at most limit.
	Failures(ctx context.Context, before FailureKey, limit int) ([]Failure, error)
}

// ClientStore keeps registered OIDC clients.
type ClientStore interface {
	InsertClient(ctx context.Context, c Client, e audit.Event) error
	Client(ctx context.Context, id string) (Client, error)
}

// DeviceStore keeps device grants.
type DeviceStore interface {
	// InsertDevice answers fault.Conflict "exists" also when the user code is taken.
	InsertDevice(ctx context.Context, d Device, e audit.Event) error
	Device(ctx context.Context, hash []byte) (Device, error)
	DeviceByUserCode(ctx context.Context, userCode string) (Device, error)
	// DecideDevice writes d's Status, UserID and SessionID to the device with d.Hash if it is still pending, else
	// fault.Conflict "decided".
	DecideDevice(ctx context.Context, d Device, e audit.Event) error
	// ExchangeDevice makes the device used if it is still approved (else fault.Conflict "used") and inserts the tokens.
	ExchangeDevice(ctx context.Context, hash []byte, t Tokens, e audit.Event) error
}

// CodeStore keeps authorization codes.
type CodeStore interface {
	InsertCode(ctx context.Context, c Code, e audit.Event) error
	Code(ctx context.Context, hash []byte) (Code, error)
	// ExchangeCode sets the code's UsedAt to at if still zero (else fault.Conflict "used") and inserts the tokens.
	ExchangeCode(ctx context.Context, hash []byte, at time.Time, t Tokens, e audit.Event) error
}

// TokenStore keeps access and refresh tokens. A token whose session is gone is fault.NotFound.
type TokenStore interface {
	// AccessToken returns a token and the session it hangs on, in one read.
	AccessToken(ctx context.Context, hash []byte) (AccessToken, Session, error)
	RefreshToken(ctx context.Context, hash []byte) (RefreshToken, Session, error)
	// Rotate sets RotatedAt (to next.Access.CreatedAt) and Nonce of the refresh token with the hash if it is still current
	// (RotatedAt zero), else fault.Conflict "rotated"; then it inserts both tokens of next (Refresh is never nil).
	Rotate(ctx context.Context, hash, nonce []byte, next Tokens, e audit.Event) error
	// Reissue inserts the access token if the refresh token with the hash is there and still current, else fault.Conflict "rotated".
	Reissue(ctx context.Context, refresh []byte, a AccessToken, e audit.Event) error
	// RevokeGrant removes every access and refresh token of the grant, which hangs on the session; none, and a session that is gone, is no error.
	RevokeGrant(ctx context.Context, sessionID, grantID string, e audit.Event) error
}
