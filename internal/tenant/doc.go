// Package tenant is an emulated Entra ID tenant: the other side of Gatehouse's SCIM and SAML doors, for
// machines that have no Entra. It is deliberately an independent implementation: its SCIM requests are written here as
// Entra, or another product, writes them, and nothing of Gatehouse's own SCIM code is used, because two sides that share their
// mistakes agree with each other.
//
// It owns people ([User]), groups ([Group]; nested ones are allowed and never expanded), one enterprise application
// ([Application]) with its assignments, the provisioning job ([Job], [Settings], [Cycle]) and a SAML identity
// provider with two signing certificates. A [Tenant] is a value: [New] opens it, [Tenant.Handler] serves it,
// [Tenant.Run] works the job's schedule. Everything is kept in files of one directory; the state is written
// before a change is answered.
//
// # The provisioning job
//
// A cycle tests the connection (look-ups of random names), then exports users, groups, managers and members, in
// this order, one request at a time. What it looks at is decided by a revision: every change of an object that matters to the job
// gives it the tenant's next one, and the watermark is the highest that a cycle has seen. Without a watermark a cycle is an
// initial one and looks at everything.
//
//	person is                         known at the application?   request
//	in scope, enabled                 no                          GET filter, then POST, or PATCH if one is found
//	in scope, enabled                 yes                         GET id, PATCH of what differs
//	out of scope, disabled, binned    yes, active                 GET id, PATCH active False
//	purged while in scope             yes                         DELETE
//	purged after falling out          yes                         nothing: the disabled account stays
//	group out of scope or deleted     yes                         DELETE
//
// Memberships are exported as differences, of direct members only; those of a person who is disabled or binned stay as they are.
// A member who is out of scope is skipped and not looked at again before a restart.
//
// What fails waits in escrow (next cycle, 6 h, 12 h, 24 h, then daily, for 28 days). What fails altogether puts the job in
// quarantine, where its interval doubles up to a day. More disables and deletes than the threshold
// wait for the administrator's word.
//
// # Other products
//
// With another dialect the job makes the requests of another product ([Settings].Dialect; product.go is the table, productbodies.go their
// bodies). What is exported, and when, stays the same; testdata holds each product's whole conversation.
//
// # The identity provider
//
// /{tenant}/federationmetadata/2007-06/federationmetadata.xml and /{tenant}/saml2, with responses in the shape that Entra's have
// on the wire, and errors as pages with AADSTS codes. Every page says that it is an emulation.
//
// # Who may administer
//
// Nobody without the administrator's token, on loopback too: other users of the machine and web pages that rebind a
// name reach loopback as well. The token is in the file admin-token of the data directory (0600). The API takes it as a bearer token,
// the pages as a password or by a one-time link ([Tenant.AdminLink]). docs/tenant.md describes the API under /api.
//
// Start reading at tenant.go, then cycle.go and exportusers.go; body.go has the wire.
package tenant
