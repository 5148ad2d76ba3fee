// Package nodes runs two `gatehouse serve` processes on one PostgreSQL and one keyset, as an installation with several nodes does, and
// tests that it does not matter which node is asked: both know the same, what works once works once on all of them, and a node that is
// killed loses nothing. It needs the built binary and PostgreSQL; -short leaves it out.
package nodes
