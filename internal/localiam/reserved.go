package localiam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// ReservedProviderName is the name of the SAML provider that reserved roles of an account trust. It is derived from
// the account, so that two nodes that make it at once make the same one.
func ReservedProviderName(accountID string) string {
	sum := sha256.Sum256([]byte("gatehouse/reserved-provider/" + accountID))
	return "AWSSSO_" + hex.EncodeToString(sum[:8]) + "_DO_NOT_DELETE"
}

// ReservedTrust is the trust policy of the reserved roles of an account.
func ReservedTrust(accountID string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"%s"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"],"Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}]}`,
		arn.IAM(accountID, "saml-provider/"+ReservedProviderName(accountID)))
}

// EnsureSAMLProvider makes the provider of the account's reserved roles exist with the given metadata, and returns it. It
// writes nothing when it is so already.
func (s *Service) EnsureSAMLProvider(ctx context.Context, a audit.Actor, accountID, metadata string) (SAMLProvider, error) {
	want := SAMLProvider{AccountID: accountID, Name: ReservedProviderName(accountID), Metadata: metadata, Protected: true}
	if !arn.IsAccountID(accountID) || metadata == "" {
		return SAMLProvider{}, invalid("AccountId", "An account and metadata are needed.")
	}
	err := retry(func() error {
		have, err := s.cfg.Store.SAMLProvider(ctx, accountID, want.Name)
		if err == nil && have.Metadata == metadata && have.Protected {
			want = have
			return nil
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		action := "iam:UpdateSAMLProvider"
		want.CreatedAt, want.Revision = have.CreatedAt, have.Revision
		if have.Revision == 0 {
			action, want.CreatedAt = "iam:CreateSAMLProvider", s.now()
		}
		want.ValidUntil = s.now().AddDate(100, 0, 0)
		return existsIsVersion(s.cfg.Store.SaveSAMLProvider(ctx, want, s.event(ctx, a, action, want.ARN())))
	})
	return want, err
}

// existsIsVersion makes a creation that met another's be tried again as an update.
func existsIsVersion(err error) error {
	if isConflict(err, "exists") {
		return fault.New(fault.Conflict, "created meanwhile").For("version")
	}
	return err
}

// PutRole makes a reserved role be exactly as given: policies, trust, boundary, description. Identifier and creation
// time are kept when the role is there already; nothing is written when it is as wanted. A customer managed policy
// that the account lacks is NotFound, naming it; the role is then as it was. Inline policies whose names are among keep stay as the role has them.
func (s *Service) PutRole(ctx context.Context, a audit.Actor, r Role, keep ...string) (Role, error) {
	r.Protected = true
	if err := checkName(string(OfRole), r.Name, r.Path, entityName); err != nil {
		return Role{}, err
	}
	if err := r.check(s.cfg.Quotas.TrustPolicySize); err != nil {
		return Role{}, err
	}
	for _, name := range sortedKeys(r.Inline) {
		if err := checkDocument(r.Inline[name], policy.ForIdentity, maxRoleInline, "AwsSSOInlinePolicy"); err != nil {
			return Role{}, err
		}
	}
	err := retry(func() error {
		if err := s.allExist(ctx, r); err != nil {
			return err
		}
		return s.putOnce(ctx, a, &r, keep)
	})
	return r, err
}

// EditReservedPolicy changes one inline policy of a reserved role, which nobody else may (UnmodifiableEntity). edit gets the time, how many characters there is
// room for beside the role's other policies, and the document, "" if there is none; it returns the new one, "" for none. It is called again when
// another change came between. A role that is not there is NotFound; an account's own is Conflict.
func (s *Service) EditReservedPolicy(ctx context.Context, a audit.Actor, accountID, roleName, policyName string, edit func(now time.Time, room int, old string) (string, error)) error {
	return retry(func() error {
		r, err := s.Role(ctx, accountID, roleName)
		if err != nil {
			return err
		}
		if !r.Protected {
			return fault.New(fault.Conflict, "Role %s belongs to the account.", r.Name).About("ROLE", r.Name)
		}
		room := maxRoleInline
		for name, document := range r.Inline {
			if name != policyName {
				room -= len(document)
			}
		}
		old := r.Inline[policyName]
		document, err := edit(s.now(), room, old)
		if err != nil || document == old {
			return err
		}
		inline := map[string]string{}
		maps.Copy(inline, r.Inline)
		if inline[policyName] = document; document == "" {
			delete(inline, policyName)
		} else if err := checkDocument(document, policy.ForIdentity, maxRoleInline, policyName); err != nil {
			return err
		}
		r.Inline = inline
		return s.cfg.Store.SaveRole(ctx, r, s.event(ctx, a, "iam:PutRolePolicy", r.ARN()).With("policy", policyName))
	})
}

// allExist checks every policy the role names.
func (s *Service) allExist(ctx context.Context, r Role) error {
	arns := r.Attached
	if r.BoundaryARN != "" {
		arns = append(slices.Clone(arns), r.BoundaryARN)
	}
	for _, p := range arns {
		if err := s.attachable(ctx, r.AccountID, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) putOnce(ctx context.Context, a audit.Actor, r *Role, keep []string) error {
	have, err := s.cfg.Store.Role(ctx, r.AccountID, r.Name)
	action := "iam:UpdateRole"
	switch {
	case fault.Is(err, fault.NotFound):
		action = "iam:CreateRole"
		r.ID, r.CreatedAt, r.Revision = arn.NewIAMID(s.cfg.Rand, "AROA"), s.now(), 0
	case err != nil:
		return err
	case !have.Protected:
		return fault.New(fault.Conflict, "Role with name %s already exists and belongs to the account.", r.Name).For("exists").About("ROLE", r.Name)
	default:
		r.ID, r.CreatedAt, r.Revision = have.ID, have.CreatedAt, have.Revision
		r.Inline = withKept(r.Inline, have.Inline, keep)
		if sameRole(*r, have) {
			return nil
		}
	}
	if err := existsIsVersion(s.cfg.Store.SaveRole(ctx, *r, s.event(ctx, a, action, r.ARN()))); err != nil {
		return err
	}
	r.Revision++
	return nil
}

// withKept returns wanted inline policies with those of the names as they are.
func withKept(wanted, have map[string]string, names []string) map[string]string {
	if len(names) == 0 {
		return wanted
	}
	out := map[string]string{}
	maps.Copy(out, wanted)
	for _, name := range names {
		delete(out, name)
		if document, ok := have[name]; ok {
			out[name] = document
		}
	}
	return out
}

func sameRole(a, b Role) bool {
	return a.Name == b.Name && a.Path == b.Path && a.Description == b.Description && a.TrustPolicy == b.TrustPolicy && a.MaxSessionDuration == b.MaxSessionDuration &&
		a.BoundaryARN == b.BoundaryARN && slices.Equal(a.Attached, b.Attached) && maps.Equal(a.Inline, b.Inline) && maps.Equal(a.Tags, b.Tags)
}

// RemoveRole takes a reserved role away; one that is not there is success. Sessions of it end at once. A customer's role
// of that name is left alone: Conflict.
func (s *Service) RemoveRole(ctx context.Context, a audit.Actor, accountID, name string) error {
	return retry(func() error {
		r, err := s.cfg.Store.Role(ctx, accountID, name)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if !r.Protected {
			return fault.New(fault.Conflict, "Role %s belongs to the account.", r.Name).About("ROLE", r.Name)
		}
		err = s.cfg.Store.DeleteRole(ctx, accountID, r.Name, r.Revision, s.event(ctx, a, "iam:DeleteRole", r.ARN()))
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
}

// AccountAccessRole is the role that the management account may assume in every member account.
const AccountAccessRole = "OrganizationAccountAccessRole"

// EnsureAccount makes a member account have its [AccountAccessRole], as AWS Organizations does. The role belongs to the
// account, which may change or delete it; one that is there is left as it is.
func (s *Service) EnsureAccount(ctx context.Context, a audit.Actor, accountID, managementAccountID string) error {
	if accountID == managementAccountID {
		return nil
	}
	r := Role{Identity: Identity{AccountID: accountID, Name: AccountAccessRole}, MaxSessionDuration: time.Hour}
	r.TrustPolicy = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"sts:AssumeRole"}]}`, managementAccountID)
	if err := s.fresh(&r.Identity, OfRole); err != nil {
		return err
	}
	r.Attached = []string{administratorAccess}
	err := s.cfg.Store.SaveRole(ctx, r, s.event(ctx, a, "iam:CreateRole", r.ARN()))
	if isConflict(err, "exists") {
		return nil
	}
	return err
}

const administratorAccess = "arn:aws:iam::aws:policy/AdministratorAccess"

// CreateAdministrator makes a user with AdministratorAccess and a new access key for him: what an empty organization
// begins with. A user of that name that is there already is left as he is and gets the key; so a first start that was interrupted can
// be repeated.
func (s *Service) CreateAdministrator(ctx context.Context, a audit.Actor, accountID, name string) (NewKey, error) {
	u := User{Identity{AccountID: accountID, Name: name}}
	if err := s.fresh(&u.Identity, OfUser); err != nil {
		return NewKey{}, err
	}
	u.Attached = []string{administratorAccess}
	if err := s.cfg.Store.SaveUser(ctx, u, s.event(ctx, a, "iam:CreateUser", u.ARN())); err != nil && !isConflict(err, "exists") {
		return NewKey{}, err
	}
	return s.CreateAccessKey(ctx, a, accountID, name)
}
