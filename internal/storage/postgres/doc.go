// Package postgres opens a PostgreSQL database, for installations of several nodes.
//
// Every node is stateless: what one wrote, another reads; work is claimed with row locks (FOR UPDATE SKIP
// LOCKED). Transactions run at READ COMMITTED, lock what they are about to write, and are run again from
// the start when the server breaks a deadlock. Migrations of nodes that start together wait for each other on a session's
// advisory lock.
//
// The driver is pgx through database/sql, in its default mode, which prepares every query once per connection; the
// simple protocol is never used.
//
// Start reading at [Open].
package postgres
