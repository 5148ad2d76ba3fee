// Package sqlstore implements every Store of the domain on SQL, once, for all engines.
//
// # What it owns
//
// The queries, the stored shape of every noun, and the mapping between that shape and the domain's types. A row is
// a few key columns, by which it is found and ordered, and one JSON document with the rest. The document has
// types of its own (…Doc), so that renaming a domain field can never silently change what is on disk.
//
// # What it leaves to others
//
// Opening, migrating and locking a database, and how a transaction is run, belong to the engines (packages
// sqlite and postgres), which give it an [Engine]. What the engines' SQL does not share is named in [Dialect] and
// nowhere else. Rules belong to the domain: a store refuses only what a constraint refuses.
//
// # How it is used
//
// An engine's Open returns a [DB]; DB.Directory, DB.Organization, DB.Access, DB.Application, DB.LocalIAM, DB.SignIn, DB.Credential and DB.SCIMLog are the
// domain's stores over it, and DB.Events reads the audit log. DB.DryRun gives the same stores over a
// transaction that is undone.
//
// # Invariants
//
//   - One store method is one transaction, and its event is in it. The functions that run inside may be run
//     again from the start (PostgreSQL, after a deadlock), so they assign to variables outside and never append.
//   - READ COMMITTED is enough: whatever is read in order to be written is locked first, and uniqueness is the
//     schema's. Rows are locked in the order group, user; within a kind by id.
//   - Text is compared by bytes: folded columns are computed in Go, and PostgreSQL's key columns have collation "C".
//   - Times are microseconds since 1970 (BIGINT); the zero time is an ordinary, very early number.
//   - Every listing seeks by an index to the key it continues after.
//
// # Counters
//
// Users and groups are counted in table id_counts by the beginning of their ids. The counts add up to how many there are, and tell where
// the place with a given number is, without walking there.
//
// Start reading at [DB], then users.go, then work.go, which is the hard part.
package sqlstore
