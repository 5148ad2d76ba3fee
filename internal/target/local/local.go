// Package local is the target for accounts that exist only inside this server: their roles are rows of package
// localiam, and credentials are sessions that localiam issues. Nothing here decides who may do what.
//
// Real accounts trust a SAML provider whose key the identity center holds. The accounts here get the same provider and the same trust
// policy, so that what people see is the same; but sessions are issued inside, and the provider's private key is thrown away
// when it is made, so that no assertion for it can ever be signed.
package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/target"
)

// Target makes roles in embedded accounts.
type Target struct {
	iam      *localiam.Service
	metadata func(ctx context.Context) (string, error)
	endpoint string
}

var (
	_ target.Target  = (*Target)(nil)
	_ target.Revoker = (*Target)(nil)
)

// New returns a target. metadata gives the SAML metadata that the accounts' reserved provider shows; endpoint is the server's own
// address, where credentials of these accounts work.
func New(iam *localiam.Service, metadata func(ctx context.Context) (string, error), endpoint string) *Target {
	return &Target{iam, metadata, endpoint}
}

// Apply implements target.Target.
func (t *Target) Apply(ctx context.Context, a audit.Actor, r target.Role) error {
	metadata, err := t.metadata(ctx)
	if err != nil {
		return err
	}
	if _, err := t.iam.EnsureSAMLProvider(ctx, a, r.AccountID, metadata); err != nil {
		return err
	}
	if _, err = t.iam.PutRole(ctx, a, role(r), target.RevocationPolicyName); err != nil {
		return err
	}
	return t.editRevocations(ctx, a, r.AccountID, r.Name, func(rs target.Revocations, now time.Time) error {
		rs.Forget(now)
		return nil
	})
}

// RevokeIssuedBefore implements target.Revoker. The accounts here look at the person with each request and so end her sessions without it, those too that she went
// on to with others' roles; it is what real accounts need, and here because they are to behave like them.
func (t *Target) RevokeIssuedBefore(ctx context.Context, a audit.Actor, r target.Revocation) error {
	return t.editRevocations(ctx, a, r.AccountID, r.RoleName, func(rs target.Revocations, now time.Time) error {
		rs.Forget(now)
		return rs.Add(SessionName(r.SessionName), r.Before)
	})
}

// ForgetRevocations implements target.Revoker.
func (t *Target) ForgetRevocations(ctx context.Context, a audit.Actor, accountID, roleName string, now time.Time) error {
	return t.editRevocations(ctx, a, accountID, roleName, func(rs target.Revocations, _ time.Time) error {
		rs.Forget(now)
		return nil
	})
}

// editRevocations changes the policy in which a role's revocations stand.
func (t *Target) editRevocations(ctx context.Context, a audit.Actor, accountID, roleName string, edit func(target.Revocations, time.Time) error) error {
	err := t.iam.EditReservedPolicy(ctx, a, accountID, roleName, target.RevocationPolicyName, func(now time.Time, room int, old string) (string, error) {
		rs, err := target.ParseRevocations(old)
		if err != nil {
			return "", err
		}
		if err := edit(rs, now); err != nil {
			return "", err
		}
		return rs.Document(room)
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// role writes the wanted role in IAM's terms.
func role(r target.Role) localiam.Role {
	out := localiam.Role{
		Identity:           localiam.Identity{AccountID: r.AccountID, Name: r.Name, Path: r.Path, BoundaryARN: r.BoundaryARN},
		Description:        r.Description,
		TrustPolicy:        localiam.ReservedTrust(r.AccountID),
		MaxSessionDuration: target.MaxSessionDuration,
	}
	out.Attached = append(out.Attached, r.ManagedPolicies...)
	for _, c := range r.CustomerPolicies {
		out.Attached = append(out.Attached, policyARN(r.AccountID, c))
	}
	if r.BoundaryPolicy != nil {
		out.BoundaryARN = policyARN(r.AccountID, *r.BoundaryPolicy)
	}
	if r.InlinePolicy != "" {
		out.Inline = map[string]string{target.InlinePolicyName: r.InlinePolicy}
	}
	return out
}

func policyARN(account string, p target.PolicyRef) string {
	return arn.IAM(account, "policy"+p.Path+p.Name)
}

// Remove implements target.Target.
func (t *Target) Remove(ctx context.Context, a audit.Actor, accountID, roleName string) error {
	return t.iam.RemoveRole(ctx, a, accountID, roleName)
}

// Credentials implements target.Target.
func (t *Target) Credentials(ctx context.Context, s target.Session) (target.Credentials, error) {
	c, err := t.iam.IssueForSSO(ctx, localiam.SSOSession{
		AccountID: s.AccountID, RoleName: s.RoleName, SessionName: SessionName(s.SessionName), PersonID: s.UserID, Duration: s.Duration, Tags: s.Tags,
	})
	return t.handed(c, err)
}

// Visit implements target.Target.
func (t *Target) Visit(ctx context.Context, v target.Visit) (target.Credentials, error) {
	c, err := t.iam.IssueForService(ctx, localiam.ServiceSession{
		RoleARN: v.RoleARN, RoleID: v.RoleID, Service: arn.AccountAccess, SourceARN: v.ManagerARN, SourceAccount: v.ManagerAccount,
		SessionName: SessionName(v.SessionName), PersonID: v.UserID, Duration: v.Duration, Tags: v.Tags,
	})
	return t.handed(c, err)
}

func (t *Target) handed(c localiam.Credentials, err error) (target.Credentials, error) {
	if err != nil {
		return target.Credentials{}, err
	}
	return target.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expires: c.Expires, RoleARN: c.ARN, EndpointURL: t.endpoint}, nil
}

// SessionName makes a user name fit STS's rule for session names (2–64 characters of [\w+=,.@-]): other characters
// become underscores, and a long name is cut. A name that was changed so gets an end of its own, a hash of the whole: the session's
// name is part of its ARN, which policies and audit trails name people by, and two people must not have the same.
func SessionName(userName string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_+=,.@-", r):
			return r
		}
		return '_'
	}, userName)
	if s == userName && len(s) >= 2 && len(s) <= maxSessionName {
		return s
	}
	sum := sha256.Sum256([]byte(userName))
	end := "-" + hex.EncodeToString(sum[:6])
	return s[:min(len(s), maxSessionName-len(end))] + end
}

// maxSessionName is the longest name of a session that STS takes.
const maxSessionName = 64
