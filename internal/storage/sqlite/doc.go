// Package sqlite opens the embedded database: one file in the data directory, one process.
//
// # Durability
//
// The file is in WAL mode with synchronous=FULL: a transaction whose commit returned is on the disk. A commit
// costs one flush of the disk however much is in it, therefore writers share commits ([writer]):
//
//	waiting writers ─▶ BEGIN IMMEDIATE
//	                     first writer's statements
//	                     second writer's statements
//	                     …
//	                   COMMIT ─▶ every writer is answered
//
// A writer that fails before it has changed anything is answered with its error and disturbs nobody. If one fails later, the batch is rolled back
// and run again with a savepoint around each writer's statements, so that only its own changes go.
//
// While one batch is flushed the next one gathers, so that under load the number of flushes stays and the size of the batches grows;
// a lone writer waits for nobody. Nobody is answered before the commit.
//
// # Access
//
// All writing goes through one connection that belongs to the writer; reads use a pool of read-only connections, each
// read seeing the last commit. The file, its WAL and its index are readable by the owner alone (mode 0600).
// An advisory lock on <file>.lock keeps a second process out: SQLite itself would allow it, and the two
// would then hand out the same work.
//
// Start reading at [Open], then writer.go.
package sqlite
