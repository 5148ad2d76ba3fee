// Package credential is the built-in directory's side of sign-in: what people prove themselves with when no external
// identity provider vouches for them, and the steps by which they do.
//
// # What it owns
//
// One record for each user ([Person]): her password, TOTP devices, passkeys and recovery codes, and whether she is a break-glass
// administrator. The sign-ins under way ([Attempt]), the browsers that she signed in with before, the links that set a
// password, the limits on guesses, and the [Settings] that say what is asked of whom.
//
// # What it leaves to others
//
// Who the user is and whether she is active is package directory's, asked anew at every step. Sessions are package signin's: a
// finished attempt opens one and is not one.
//
// # States
//
//	attempt:  begun → password → [second factor] → [new password] → [registration] → done   (10 minutes)
//	          begun → passkey alone → done
//	link:     issued → used | expired | replaced by a change of the password
//	password: none → one-time → chosen
//
// The next step is computed from the attempt, the record and the settings ([Service.Next]); no step trusts a browser to come in order.
//
// # Invariants
//
//   - A record is written only if it is still the version that was read, so a TOTP step, a recovery code and a sign counter are used once.
//   - An attempt's ceremony (WebAuthn challenge) is removed before its answer is looked at.
//   - Nothing tells users that exist from those that do not: neither answers nor limits nor the work done.
//   - Passwords are argon2id hashes; TOTP secrets, passkeys and the mail server's password are sealed; every other secret is random and kept as SHA-256.
//
// See docs/decisions/0013-built-in-directory.md for why. Start reading at [Service], then attempt.go; the contract towards databases is in store.go.
package credential
