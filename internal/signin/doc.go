// Package signin is who is at the other end: sign-ins under way, browser sessions, the OIDC clients
// of command lines, the grants people give them, and the tokens that come of it.
//
// # What it owns
//
// Everything between «someone is at the door» and «this is user X until T». A sign-in by an external identity
// provider is begun, parked and claimed here; package samlsp verifies the bytes in between. Sessions and tokens are
// bearer secrets of 256 random bits; only their SHA-256 is kept, so a copy of the database signs nobody in.
//
// # What it leaves to others
//
// Who the user is: the user is loaded from package directory each time a secret is shown ([Users]), so that an inactive
// or deleted user is nobody at once, with every session and token she has. What the user may reach is package access's.
//
// # A sign-in through an identity provider
//
//	browser ── GET /saml/{source}/login ──▶ BeginSignIn: request kept, browser secret in a cookie
//	browser ── POST /saml/{source}/acs  ──▶ Park: request used up, assertion remembered against replay,
//	           (cross-site: no cookie)           verified result kept under a handle
//	browser ── GET …?handle=            ──▶ Claim: the cookie's secret is the one the request was begun with,
//	           (cookie is sent: SameSite=Lax)    parked result used up, session opened
//
// The answer of the identity provider arrives by a cross-site POST, to which browsers attach no SameSite=Lax
// cookie. Therefore the result waits until the browser comes back by a GET of our own, with its cookie: an
// answer that was begun in one browser opens no session in another (login CSRF, stolen answers). For sign-ins
// that nobody asked for (IdP-initiated) Park mints the browser secret and the door sets it with its answer to
// the POST; it binds the handle to the browser that brought the assertion, which is all that can be had there.
//
// # States
//
//	request: pending → used                            (10 minutes)
//	parked:  waiting → gone                            (2 minutes; claimed once)
//	session: open → gone                               (signed out, expired)
//	device:  pending → approved → used, or → denied    (10 minutes)
//	code:    issued → used                             (2 minutes; a second use revokes what the first one got)
//	refresh: current → rotated                         (until the session ends)
//
// # Tokens of command lines
//
// What one approval yields is a grant: one family of access and refresh tokens with one grant id. Every token hangs on the browser session
// it was approved in, ends with it at the latest, and is gone when it is signed out, as with AWS (Logout ends
// the sign-in session). A registration with the scope sso:account:access and without a restriction of its grant
// types to others gets refresh tokens and access tokens of an hour; a registration without it (profiles without an sso-session)
// gets one access token for the whole session.
//
// Refresh tokens rotate: each use answers with the next one (RFC 9700 §4.14.2). A client that lost the answer, or two processes that
// share one token cache, show the same token twice: as long as the successor was never used, they get the very same
// successor again. A token whose successor was used is a copy in someone else's hands, and the whole grant is revoked. So
// that the successor can be repeated although only hashes are kept, it is HMAC-SHA256(token, nonce) with a random
// nonce in the token's row: neither the row nor the token alone tells it. The price of this tolerance: a thief who keeps exactly
// in step with the owner is not noticed before the session ends.
//
// # aws login
//
// AWS's other way in has fixed clients without secrets and no access tokens: a code, for a role that the person chose, buys credentials of that role and a refresh
// token that is bound to a key of the client (RFC 9449). See login.go.
//
// # Invariants
//
//   - A single-use thing (request, assertion id, parked result, device approval, code, rotation) is used up by a
//     conditional write; of two at the same time one loses.
//   - A token is read together with its session; without the session it does not exist.
//   - A session's secret is minted when it is opened and never accepted from outside (session fixation).
//   - Where to go after a sign-in is a path of this server ([LocalPath]); it is checked when it is stored.
//
// Start reading at [Service]; the contract towards databases is in store.go.
package signin
