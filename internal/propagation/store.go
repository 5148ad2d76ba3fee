package propagation

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what propagation needs of a database. The rules of package signin's Store hold here: a changing method is one transaction that also writes the
// event; reads do not judge; "if still …" is part of the write; a taken hash is fault.Conflict "exists". A token without its grant does not
// exist. A method that adds tokens to a grant locks its row first and answers fault.NotFound "GRANT" when it is gone.
type Store interface {
	InsertCode(ctx context.Context, c Code, e audit.Event) error
	Code(ctx context.Context, hash []byte) (Code, error)
	// ExchangeCode sets the code's UsedAt to at if still zero (else fault.Conflict "used"), and inserts the grant and its first tokens.
	ExchangeCode(ctx context.Context, hash []byte, at time.Time, g Grant, t Tokens, e audit.Event) error
	// Begin inserts a grant and its first tokens. If used is not nil, it is remembered; if it was already, fault.Conflict "replay" and nothing is written.
	Begin(ctx context.Context, g Grant, t Tokens, used *Assertion, e audit.Event) error
	Grant(ctx context.Context, id string) (Grant, error)
	// AccessToken and RefreshToken return a token and its grant in one read.
	AccessToken(ctx context.Context, hash []byte) (AccessToken, Grant, error)
	RefreshToken(ctx context.Context, hash []byte) (RefreshToken, Grant, error)
	// Rotate sets RotatedAt (to next.Access.CreatedAt) and Nonce of the refresh token with the hash if it is still current (else fault.Conflict
	// "rotated"), and inserts both tokens of next, whose Refresh is never nil.
	Rotate(ctx context.Context, hash, nonce []byte, next Tokens, e audit.Event) error
	// Reissue inserts the access token if the refresh token with the hash is there and current, else fault.Conflict "rotated".
	Reissue(ctx context.Context, refresh []byte, a AccessToken, e audit.Event) error
	// Revoke removes the grant with its tokens; one that is gone is no error.
	Revoke(ctx context.Context, grantID string, e audit.Event) error
	// Sweep removes rows whose ExpiresAt is not after now, at most limit of each noun, and returns how many. It writes no event.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
}
