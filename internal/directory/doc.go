// Package directory is the identity store: users, groups, memberships, the identity sources they come
// from, and the SCIM tokens of those sources.
//
// # What it owns
//
// The rules of names (unique in folded case), of activity (an inactive user is kept, with her
// memberships, because Entra restores people without sending them again), of external IDs (issuer + id,
// unique) and of provenance (which source owns a user). SCIM, the Identity Store API, the admin API and
// sign-in all come through [Service]; nobody else decides what a valid user is.
//
// # What it leaves to others
//
// Who may reach what is computed by package access from live membership and live status, so nothing here
// ever touches an assignment. Browser sessions and tokens belong to package signin, which asks for the
// user each time and therefore sees a deactivation at once.
//
// # States
//
//	user:  active ⇄ inactive → deleted      (a deleted user's id never comes back)
//	token: valid → expired | revoked        (at most two valid tokens per source)
//
// # Invariants
//
//   - Two users never have the same [Fold]ed name; nor two groups; nor two users one (issuer, id).
//   - Version grows by one with every change of a user or a group; a group's members count as part of it.
//   - A membership names a user and a group that exist.
//
// Start reading at [Service], then [User]; the contract towards databases is in store.go.
package directory
