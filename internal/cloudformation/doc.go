// Package cloudformation is stacks: templates that say which resources there should be, and the engine that brings
// them about.
//
// # What it owns
//
// The template language (YAML with its short forms, and JSON), parameters, conditions, mappings, loops and intrinsic functions;
// stacks, change sets, events and exports; the order in which resources are made, changed and removed; rollback.
//
// # What it leaves to others
//
// What a resource is. A [Provider] per resource type makes, changes and removes it through the domain's services (package
// resource), as the very caller who started the operation and with the permissions he has at that moment.
//
// # States of a stack
//
//	(none) ─ change set ─▶ REVIEW_IN_PROGRESS ─ execute ─┐
//	(none) ─ CreateStack ────────────────────────────────┴▶ CREATE_IN_PROGRESS ─▶ CREATE_COMPLETE
//	                    │ a resource fails
//	                    ├─ rollback ─▶ ROLLBACK_IN_PROGRESS ─▶ ROLLBACK_COMPLETE | ROLLBACK_FAILED   (can only be deleted)
//	                    └─ rollback is off ─▶ CREATE_FAILED
//	…_COMPLETE ─ update ─▶ UPDATE_IN_PROGRESS ─▶ UPDATE_COMPLETE_CLEANUP_IN_PROGRESS ─▶ UPDATE_COMPLETE
//	                    │ a resource fails
//	                    ├─ rollback ─▶ UPDATE_ROLLBACK_IN_PROGRESS ─▶ UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS ─▶ UPDATE_ROLLBACK_COMPLETE
//	                    │              └─▶ UPDATE_ROLLBACK_FAILED ─ ContinueUpdateRollback ─▶ UPDATE_ROLLBACK_IN_PROGRESS
//	                    └─ rollback is off ─▶ UPDATE_FAILED
//	any of these at rest ─ delete ─▶ DELETE_IN_PROGRESS ─▶ DELETE_COMPLETE | DELETE_FAILED
//
// # The operation is the queue entry
//
// A stack whose status ends in IN_PROGRESS (but REVIEW_IN_PROGRESS) has an [Operation] and a row of work that a [Worker] of
// any node claims. Each step is stored before it is taken and after: what is claimed again, because its worker
// died, goes on where it stood. A step that was begun and not recorded as done is taken again with Resumed set; providers then take a
// resource that was made since the step began for their own.
//
// # Invariants
//
//   - One operation per stack at a time. A live stack's name is unique in its account and region, an export's too.
//   - A resource is made after what it depends on and removed before it.
//   - An operation never ends IN_PROGRESS: passing failures are tried a bounded number of times.
//
// Start reading at [Service] for what the API asks, at run in operate.go for the engine, and at [Provider].
package cloudformation
