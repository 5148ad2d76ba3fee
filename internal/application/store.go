package application

import (
	"context"
	"time"

	"gatehouse/internal/audit"
)

// Store is what application needs of a database. Changing methods are one transaction with the event; reads of one thing answer
// fault.NotFound; listings are by key, rows after the given key, at most limit.
type Store interface {
	ApplicationStore
	IssuerStore
}

// Token makes a creation happen once; the zero Token does not.
type Token struct {
	// Key names who creates what by which client token.
	Key string
	// Fingerprint is of the parameters: 32 bytes.
	Fingerprint []byte
	// Now is the time of the call; a token that expired by then counts as never seen. ExpiresAt is when this one does.
	Now, ExpiresAt time.Time
}

// ApplicationStore keeps applications and their assignments.
type ApplicationStore interface {
	// InsertApplication adds an application and answers its id. If t's key was used and has not expired, nothing is written: with the same
	// fingerprint the answer is the id that was made then; with another it is fault.Conflict "idempotency". An instance that has max applications
	// already takes no more: fault.Quota. A missing instance is fault.NotFound.
	InsertApplication(ctx context.Context, a Application, max int, t Token, e audit.Event) (id string, err error)
	// UpdateApplication replaces the application whose Version is ifVersion; else fault.Conflict "version". Instance, account and provider stay.
	UpdateApplication(ctx context.Context, a Application, ifVersion int64, e audit.Event) error
	// DeleteApplication removes it with its assignments.
	DeleteApplication(ctx context.Context, id string, e audit.Event) error
	Application(ctx context.Context, id string) (Application, error)
	// Applications lists by id.
	Applications(ctx context.Context, f Filter, after string, limit int) ([]Application, error)

	// Assign adds an assignment; it is no error if it is there already (and no event is written). A missing application is fault.NotFound. Of
	// groups it takes at most maxGroups per application, else fault.Quota.
	Assign(ctx context.Context, a Assignment, maxGroups int, e audit.Event) error
	// Unassign removes one; a missing one is fault.NotFound "APPLICATION_ASSIGNMENT".
	Unassign(ctx context.Context, a Assignment, e audit.Event) error
	Assignment(ctx context.Context, applicationID string, p Principal) (Assignment, error)
	// AssignmentsOf lists an application's assignments by principal (type, id); AssignmentsFor a principal's by application.
	AssignmentsOf(ctx context.Context, applicationID string, after Principal, limit int) ([]Assignment, error)
	AssignmentsFor(ctx context.Context, p Principal, after string, limit int) ([]Assignment, error)
	// Assigned reports whether any of the principals (at most 10,000) is assigned.
	Assigned(ctx context.Context, applicationID string, ps []Principal) (bool, error)
}

// Filter says which applications to list; empty members do not narrow, except that InstanceID is required.
type Filter struct{ InstanceID, AccountID, Provider string }

// IssuerStore keeps trusted token issuers; its methods are as those of applications.
type IssuerStore interface {
	InsertIssuer(ctx context.Context, i Issuer, max int, t Token, e audit.Event) (id string, err error)
	UpdateIssuer(ctx context.Context, i Issuer, ifVersion int64, e audit.Event) error
	DeleteIssuer(ctx context.Context, id string, e audit.Event) error
	Issuer(ctx context.Context, id string) (Issuer, error)
	Issuers(ctx context.Context, instanceID, after string, limit int) ([]Issuer, error)
}
