// Package localiam is IAM and STS for the accounts that exist only inside this server.
//
// It owns users with long-term access keys, roles, customer managed policies and SAML providers, issues temporary
// credentials, says whose credentials a request was signed with, and decides what the caller may do by
// evaluating the policies (package policy) that hold at this moment. It leaves to others which accounts
// exist (organization), which roles a permission set needs (provision, through target), how a person
// signs in (signin), and every wire format (endpoint/iam, endpoint/sts).
//
// # Temporary credentials
//
// Temporary credentials are stateless: nothing is written when they are issued. The session token is a
// sealed (AEAD) record of the access key id, its secret, the role and its unique id, the session's name, tags, policies,
// source identity, and its times; the access key id is the associated data, so that a token cannot be moved to
// another key. What must be looked up on use is looked up on use: the role must still exist with the same
// unique id (a role deleted and made again is another role), and no revocation of the role or
// the person may be later than the issue.
//
//	issue ──► valid ──► expired                 (claims alone)
//	            ├─────► role gone               (unique id no longer found)
//	            ├─────► person gone or disabled (Config.Person; also behind sessions assumed with hers)
//	            └─────► revoked                 (Revocation.Before after issue)
//
// # Authorization
//
// [Service.Authorize] evaluates in AWS's order: an explicit deny anywhere wins; then organization (SCP),
// resource policy, boundary, session policy and identity policy must agree. Policies are read live, through a cache
// that is valid for one generation of the account ([SessionStore]), so that a change made on any node
// holds for the next request on every node.
//
// A trust policy that names a user or role by its ARN trusts who bore that ARN when the policy was saved, by his unique id: a principal
// deleted and made again is another, and is not trusted.
//
// # Protected roles
//
// AWSReservedSSO_… roles live under /aws-reserved/. Only [Service.PutRole], [Service.RemoveRole] and
// [Service.EnsureSAMLProvider], which provisioning calls, may write there; a customer's write is Denied with
// Reason "unmodifiable", and customers may not assume these roles. Sessions of them come from [Service.IssueForSSO] alone.
//
// Start reading at entities.go, then store.go, then service.go.
package localiam
