// Package application is what people may sign in to besides accounts: applications, who may use them, what tokens they may get, and the
// issuers of tokens whose word is taken.
//
// # What it owns
//
// An [Application] belongs to an instance and to the account that made it. It carries its whole configuration: access scopes, grants,
// authentication methods, whether assignments are required, whether background sessions are allowed. An [Issuer] (trusted token
// issuer) is an OpenID provider outside whose JWTs an application may exchange; a grant of the application names the
// issuers and the audiences that it accepts. [Service.Entitled] answers «may this user use this application now», from
// live assignments, memberships and status, as package access does for roles.
//
// # What it leaves to others
//
// Tokens: the package says which grants an application has, never issues anything. Instances belong to package access, which is asked
// only whether one is there. Discovery and keys of issuers belong to whoever verifies their tokens: an issuer's URL is not
// fetched when it is recorded, as with AWS.
//
// # Invariants
//
//   - The parts of an application's configuration are few (25 scopes, four grants, one method), so they are stored with it and replaced as
//     one, guarded by a version. Assignments are many and are rows of their own.
//   - What an application refers to exists when it is written: provider, principals, issuers, targets of scopes. It may go later: an
//     issuer that is gone makes its grant useless, a principal that is gone reaches nobody.
//   - A creation with a client token happens once: the token, a fingerprint of the parameters and the id of what was made
//     are stored with it, in its transaction. The same token with the same parameters answers the same id for a day; with others it
//     is a conflict.
//   - An assertion of an outside issuer names exactly one active user, or nobody ([Service.Accepts], [Service.Named]).
//
// Start reading at [Service]; the contract towards databases is in store.go.
package application
