// Package signingkey keeps the keys with which this server signs tokens that others verify: which key signs now, which ones are published,
// and when the next one takes over.
//
// # What it owns
//
// A [Key] belongs to one scope, the issuer in whose name it signs (an account's web identity tokens, an instance's ID tokens), and to one
// algorithm. The keys of one scope never vouch for another. [Service.Sign] signs with the key whose turn it is; [Service.KeySet]
// is the JWK set of a scope.
//
// # What it leaves to others
//
// What is in a token, what an issuer is called, and where its set is published. Cryptography is package jwt's.
//
// # Rotation
//
//	made ──► published ──► signs for 90 days ──► published for another day ──► forgotten
//	            └ a successor is made a week before its turn, so that who caches the set knows it in time
//
// Keys are made by the first call that needs one, on whichever node that is: a key is stored under (scope, algorithm, number),
// of nodes that make one at the same time one wins, and the others take the winner's. Nothing runs in the background. Private keys are sealed with
// their place (scope, algorithm and number) as associated data.
package signingkey
