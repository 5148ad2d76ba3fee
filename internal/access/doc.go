// Package access is who may act as what, where: the instance, permission sets, assignments, and the
// requests that change them.
//
// # What it owns
//
// The rules of permission sets and assignments, and the answer to «may this user act as this set in this
// account» ([Service.Entitled]), computed from live assignments, live memberships and live status each time it
// is asked. Nothing is copied per person, so a membership that ends anywhere ends the access at once.
//
// Attributes for access control and regions are an instance's and live here too: [Service.SessionTags] says which tags a session
// carries, read from the user as she is when credentials are issued.
//
// # What it leaves to others
//
// Making roles: package provision reads [RoleWork] and calls targets. The request that the API shows IN_PROGRESS
// *is* the queue entry; there is no second queue to disagree with it.
//
// # How an assignment becomes a role
//
//	CreateAccountAssignment ─ one transaction ─▶ assignment + request(IN_PROGRESS) + role work(seq+1) + event
//	worker: claim role work ─▶ compute desired role from state ─▶ target.Apply ─▶ finish: every request with
//	seq ≤ the claimed seq becomes SUCCEEDED or FAILED, the work row goes unless its seq has grown meanwhile
//
// Work is keyed by role (account, permission set): a thousand requests on one role are one Apply. A claim lapses
// when its worker dies. A create request that FAILED takes its assignment back.
//
// # States
//
//	request: IN_PROGRESS → SUCCEEDED | FAILED
//	role:    (none) → provisioned at a revision of the set → stale when the set's revision grows → (none)
//
// The role is made at the first assignment and by ProvisionPermissionSet; later edits of the set do not
// touch it until then, as with AWS. The last assignment's removal removes the role; a new one gets a new suffix.
//
// Start reading at [Service]; the contract towards databases is in store.go.
package access
