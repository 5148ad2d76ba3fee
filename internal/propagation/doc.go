// Package propagation is trusted identity propagation: how an application acts on behalf of a person, with tokens that say who she is, as
// far as an administrator has configured the application to.
//
// # What it owns
//
// What CreateTokenWithIAM issues. A person's standing with an application is a [Grant]: one family of access and refresh tokens, begun by an authorization
// code, by the assertion of a trusted token issuer, or by exchange of another application's token. With the tokens come an ID token and an identity context:
// a sealed statement of who the person is, which STS takes for AssumeRole (ProvidedContexts) and nobody can make or alter.
//
// # What it leaves to others
//
// Package application says which grants, scopes and issuers an application has and who may use it. Package signin says whether a person is still
// signed in. Whether the caller is the application is decided before this package is asked: by the caller's own policies and by the application's
// authentication method.
//
// # Rules
//
//   - Whoever is issued a token is active and may use the application at that moment; so at each refresh, each exchange and each use.
//   - A grant begun in the portal (authorization code) ends with the portal session. One begun by an assertion lasts as long as a portal session would.
//     One begun by exchange ends with the grant it was exchanged from, unless it is a background session, which outlives sign-out by design.
//   - Scopes are those of the application, and openid, aws and sts:identity_context. They never grow by a refresh.
//   - A token is exchanged by another application only if a scope of it, still configured, has that application among its targets.
//   - Codes are used once. A code or refresh token shown twice by its own application ends the grant (RFC 6749 §4.1.2, RFC 9700 §4.14.2), with the same
//     tolerance as in package signin. An assertion with a "jti" is used once.
//   - Secrets are random, and only their SHA-256 is kept.
//
// Start reading at [Service.CreateToken]; the contract towards databases is in store.go.
package propagation
