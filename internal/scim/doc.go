// Package scim is the SCIM 2.0 codec: the schema tables, the strict but forgiving reading of resources,
// filters, PATCH, projection, and the documents a SCIM server answers with. It knows no HTTP and no
// database; every function is pure.
//
// # What it owns
//
// The tables of tables.go say which attributes exist, of what type, who may write them and how they
// compare. Everything else is driven by them: decoding (decode.go, object.go, coerce.go), filters (filter.go, eval.go), PATCH
// (patch.go, apply.go), projection (project.go) and the discovery documents (discovery.go). Adding an attribute
// is adding a row, plus a line in [User] and in the door that maps it to the domain.
//
// # Three shapes
//
//	bytes ──parse──▶ value (JSON in document order) ──normalise──▶ Object ──▶ User | Group
//
// A value is what the client said. An [Object] is what it means: attribute names in the table's spelling,
// booleans as booleans, nothing null or empty, unknown attributes gone. [User] and [Group] are what a door maps to and
// from its domain. Filters and PATCH work on Objects, so that they see the resource the client sees.
//
// # Groups are different
//
// A user is small and is patched as a whole, on a copy, so that a failing operation changes nothing. A
// group may have a hundred thousand members, so [PatchGroup] never sees them: it folds the operations into a
// [GroupChange], a membership delta whose size depends on the request alone.
//
// # Where it departs from the RFCs, and why
//
// Entra ID sends what RFC 7644 does not allow: booleans as strings, a manager as a bare string, removal of members by
// value, comparison after a value path, and replacement of elements that do not exist yet. PATCH is atomic, so one
// refused operation would block a person's whole synchronisation; each departure is therefore accepted and
// marked in the code with the paragraph it departs from.
//
// # Errors
//
// Every error is a fault.Fault. Of kind Invalid, its Reason is the scimType of RFC 7644 §3.12
// (invalidFilter, invalidPath, noTarget, invalidValue, mutability, tooMany, invalidSyntax).
package scim
