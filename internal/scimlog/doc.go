// Package scimlog is the log of SCIM requests: what a directory's client asked for, what became of it and why, what it changed, and what would
// become of it now.
//
// # What it owns
//
// An [Entry] for every request to /scim/, the rule of what may be kept of one ([Mask]: no token, no password, and nothing of a body that cannot be
// read), the queue by which entries get into the database without anybody waiting for them ([Recorder]), how long they are kept, and how they are
// found again ([Service]).
//
// # What it leaves to others
//
// The log is for diagnosis. Who changed what is the audit trail's, which is written with each change and cannot fall behind; this log is written
// afterwards and may have gaps. What a request means is the SCIM door's, also when it is rehearsed: the door hands a [Draft] to the recorder, and
// package app connects [Config].Rehearse with a door whose changes are undone.
//
// # How an entry comes about
//
//	door: Draft, as it was sent ──→ queue, bounded by bytes ──→ masked, differences found ──→ one transaction for a batch
//	                                  └─ full: counted ──────────────→ an entry of outcome "gap"
//
// A Draft holds the request as it came and never leaves memory. Requests that nobody was authenticated for come from anybody, so they are
// counted apart: some a second, and the newest [MaxStrangers], without a body.
//
// # Invariants
//
//   - The ids of entries begin with the time and are in the order in which requests of one node began.
//   - Nothing that a client sent as a secret is in an entry, wherever in the request it stood.
//   - Recording never blocks and never fails; what is lost is counted in an entry of its own.
//
// Start reading at [Entry], then recorder.go; mask.go is the part that must not be wrong.
package scimlog
