// Package policy is the IAM policy language: documents are parsed, checked, compiled, evaluated and
// explained here, without any clock, network or store.
//
//	document ──Parse──► *Document (checked, compiled, immutable) ──┐
//	Request (who, what, on what, context) ─────────────────────────┴─Evaluate──► Decision
//	                                                                └─Explain───► every statement and why
//
// A [Document] is a pure value: it may be kept for ever and used by any number of goroutines. [Parse]
// refuses whatever IAM refuses (unknown elements, duplicate keys, wrong types, actions without a service,
// resources that are no ARN) and says where, by line and column. What a parsed document means does not
// depend on anything but the [Request].
//
// Anything doubtful falls on the side of less access: an unknown operator is refused when
// parsing; a policy variable that the request does not define makes an Allow not apply and a
// negated condition of a Deny hold.
//
// The AWS managed policies that people reach for first are in this package as data ([Builtin]); a
// [Catalogue] takes further ones. One that is not there is not there.
//
// DESIGN.md tells the order of evaluation and the decisions behind the corners. Start reading
// at document.go, then evaluate.go.
package policy
