// Package jwt believes, or does not, JSON Web Tokens that others signed (RFC 7519, RFC 7515): the assertions by which a trusted
// token issuer says who somebody is (RFC 7523). And it signs those that this server gives out ([Sign]).
//
// # What it owns
//
// [Verify] is pure: a token, an issuer, its keys, the audiences and the time go in; claims or a refusal come out. [ParseKeys] and
// [ParseDiscovery] read an issuer's documents. [Keyring] is the one thing with a memory: it finds an issuer's keys and keeps them for a
// while. How documents are fetched is passed in.
//
// # What it leaves to others
//
// Which issuers and audiences are accepted, whom a claim names, and that an assertion is used once: [Claims.Digest] is what to remember, until
// [Claims.Until]. Where private keys are kept and when they change: package signingkey.
//
// # What it insists on
//
//   - Signatures of the families RS, PS and ES with SHA-256 or better. "none" and HMAC are not in the list, so that a public key
//     is never taken for a shared secret. The algorithm must fit the key, and the one the key names.
//   - Keys come from the issuer alone. Those that a token brings or points to (jwk, jku, x5c, x5u) are not looked at.
//   - The issuer is the expected one, letter by letter: the keys of one issuer never vouch for another (RFC 9207's mix-up).
//   - An audience of ours is named, the token has an end, and it is not from the future. Clocks may differ by [Skew].
//   - Names in a JSON object are unique, so that two readers cannot read two things.
//
// No refusal tells what the right value would have been.
package jwt
