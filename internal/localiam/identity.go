package localiam

import (
	"context"
	"maps"
	"slices"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

// Holder says whether a [Ref] names a user, a role or a group.
type Holder string

const (
	// OfUser and OfRole are spelled as in the names of IAM's actions.
	OfUser Holder = "User"
	OfRole Holder = "Role"
	// OfGroup too.
	OfGroup Holder = "Group"
)

// Ref names a user or role of an account. What is the same for both is one method that takes a Ref.
type Ref struct {
	AccountID string
	Kind      Holder
	Name      string
}

// RoleRef and UserRef name a role and a user.
func RoleRef(accountID, name string) Ref { return Ref{accountID, OfRole, name} }

// UserRef names a user.
func UserRef(accountID, name string) Ref { return Ref{accountID, OfUser, name} }

// Identity returns what users and roles have in common, and the ARN. NotFound with AWS's sentence.
func (s *Service) Identity(ctx context.Context, ref Ref) (Identity, string, error) {
	if ref.Kind == OfRole {
		r, err := s.Role(ctx, ref.AccountID, ref.Name)
		return r.Identity, r.ARN(), err
	}
	if ref.Kind == OfGroup {
		g, err := s.Group(ctx, ref.AccountID, ref.Name)
		return g.Identity, g.ARN(), err
	}
	u, err := s.User(ctx, ref.AccountID, ref.Name)
	return u.Identity, u.ARN(), err
}

// errUnmodifiable is what AWS answers to a customer's write on a reserved role.
func errUnmodifiable(name string) error {
	return fault.New(fault.Denied, "Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", name).For("unmodifiable").About("ROLE", name)
}

// change reads an identity, lets edit change it, and saves it; again if another writer was faster. edit reports whether
// anything is different; it must not depend on anything but its argument. action is "Attach%sPolicy" with the kind left out.
func (s *Service) change(ctx context.Context, a audit.Actor, ref Ref, w write) error {
	action := "iam:" + w.before + string(ref.Kind) + w.after
	return retry(func() error {
		if ref.Kind == OfRole {
			return s.changeRole(ctx, a, ref, action, func(r *Role) (bool, error) { return w.edit(&r.Identity) })
		}
		if ref.Kind == OfGroup {
			g, err := s.Group(ctx, ref.AccountID, ref.Name)
			if err != nil {
				return err
			}
			if changed, err := w.edit(&g.Identity); err != nil || !changed {
				return err
			}
			return s.cfg.Store.SaveGroup(ctx, g, s.event(ctx, a, action, g.ARN()))
		}
		u, err := s.User(ctx, ref.AccountID, ref.Name)
		if err != nil {
			return err
		}
		if changed, err := w.edit(&u.Identity); err != nil || !changed {
			return err
		}
		return s.cfg.Store.SaveUser(ctx, u, s.event(ctx, a, action, u.ARN()))
	})
}

// write is an edit and the two halves of its action's name.
type write struct {
	before, after string
	edit          func(*Identity) (changed bool, err error)
}

// changeRole is one attempt to change a customer's role.
func (s *Service) changeRole(ctx context.Context, a audit.Actor, ref Ref, action string, edit func(*Role) (bool, error)) error {
	r, err := s.Role(ctx, ref.AccountID, ref.Name)
	if err != nil {
		return err
	}
	if r.Protected {
		return errUnmodifiable(r.Name)
	}
	if changed, err := edit(&r); err != nil || !changed {
		return err
	}
	return s.cfg.Store.SaveRole(ctx, r, s.event(ctx, a, action, r.ARN()))
}

// Attach attaches a managed policy; one that is attached already is success. NotFound: no such policy.
func (s *Service) Attach(ctx context.Context, a audit.Actor, ref Ref, policyARN string) error {
	if err := s.attachable(ctx, ref.AccountID, policyARN); err != nil {
		return err
	}
	err := s.change(ctx, a, ref, write{"Attach", "Policy", func(id *Identity) (bool, error) {
		if slices.Contains(id.Attached, policyARN) {
			return false, nil
		}
		if most := s.cfg.Quotas.AttachedPolicies; len(id.Attached) >= most {
			return false, fault.New(fault.Quota, "Cannot exceed quota for PoliciesPer%s: %d", ref.Kind, most)
		}
		id.Attached = append(slices.Clone(id.Attached), policyARN)
		return true, nil
	}})
	return policyGone(err, policyARN)
}

// attachable checks that a managed policy exists and belongs to AWS or to the account.
func (s *Service) attachable(ctx context.Context, accountID, policyARN string) error {
	owner, name, err := splitARN(policyARN, "policy/")
	if err != nil {
		return err
	}
	if _, ok := s.cfg.Managed.Find(policyARN); ok {
		return nil
	}
	if owner == accountID {
		p, err := s.cfg.Store.Policy(ctx, accountID, name)
		if err == nil && p.ARN() == policyARN || err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return errNotAttachable(policyARN)
}

func errNotAttachable(policyARN string) error {
	return fault.New(fault.NotFound, "Policy %s does not exist or is not attachable.", clip(policyARN)).For("policy").About("POLICY", policyARN)
}

// policyGone turns the store's answer for a policy that vanished meanwhile into the service's.
func policyGone(err error, policyARN string) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound && f.Reason == "policy" {
		return errNotAttachable(policyARN)
	}
	return err
}

// Detach takes a managed policy away. NotFound when it is not attached.
func (s *Service) Detach(ctx context.Context, a audit.Actor, ref Ref, policyARN string) error {
	return s.change(ctx, a, ref, write{"Detach", "Policy", func(id *Identity) (bool, error) {
		i := slices.Index(id.Attached, policyARN)
		if i < 0 {
			return false, fault.New(fault.NotFound, "Policy %s was not found.", clip(policyARN)).About("POLICY", policyARN)
		}
		id.Attached = slices.Delete(slices.Clone(id.Attached), i, i+1)
		return true, nil
	}})
}

// PutInline adds or replaces an inline policy.
func (s *Service) PutInline(ctx context.Context, a audit.Actor, ref Ref, in InlinePolicy) error {
	if !policyName.MatchString(in.Name) {
		return invalid("PolicyName", `The specified value for policyName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`)
	}
	if _, err := policy.Parse([]byte(in.Document), policy.ForIdentity); err != nil {
		return err
	}
	limit := map[Holder]int{OfRole: maxRoleInline, OfUser: maxUserInline, OfGroup: maxGroupInline}[ref.Kind]
	return s.change(ctx, a, ref, write{"Put", "Policy", func(id *Identity) (bool, error) {
		inline := maps.Clone(id.Inline)
		if inline == nil {
			inline = map[string]string{}
		}
		inline[in.Name] = in.Document
		total := 0
		for _, document := range inline {
			total += policy.Size(document)
		}
		if total > limit {
			return false, fault.New(fault.Quota, "Maximum policy size of %d bytes exceeded for %s %s", limit, Fold(string(ref.Kind)), id.Name)
		}
		id.Inline = inline
		return true, nil
	}})
}

// InlinePolicy is a policy that belongs to one user or role.
type InlinePolicy struct{ Name, Document string }

// DeleteInline takes an inline policy away. NotFound when there is none of that name.
func (s *Service) DeleteInline(ctx context.Context, a audit.Actor, ref Ref, name string) error {
	return s.change(ctx, a, ref, write{"Delete", "Policy", func(id *Identity) (bool, error) {
		if _, ok := id.Inline[name]; !ok {
			return false, errNoInline(name, ref)
		}
		id.Inline = maps.Clone(id.Inline)
		delete(id.Inline, name)
		return true, nil
	}})
}

func errNoInline(name string, ref Ref) error {
	return fault.New(fault.NotFound, "The %s policy with name %s cannot be found.", Fold(string(ref.Kind)), clip(name)).About("POLICY", name)
}

// Inline returns the document of an inline policy.
func (s *Service) Inline(ctx context.Context, ref Ref, name string) (string, error) {
	id, _, err := s.Identity(ctx, ref)
	if err != nil {
		return "", err
	}
	document, ok := id.Inline[name]
	if !ok {
		return "", errNoInline(name, ref)
	}
	return document, nil
}

// SetBoundary sets the permissions boundary; an empty ARN takes it away.
func (s *Service) SetBoundary(ctx context.Context, a audit.Actor, ref Ref, policyARN string) error {
	before := "Delete"
	if policyARN != "" {
		before = "Put"
		if err := s.attachable(ctx, ref.AccountID, policyARN); err != nil {
			return err
		}
	}
	err := s.change(ctx, a, ref, write{before, "PermissionsBoundary", func(id *Identity) (bool, error) {
		changed := id.BoundaryARN != policyARN
		id.BoundaryARN = policyARN
		return changed, nil
	}})
	return policyGone(err, policyARN)
}

// Tag adds tags and replaces those of the same key (keys are compared in folded case).
func (s *Service) Tag(ctx context.Context, a audit.Actor, ref Ref, tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	return s.change(ctx, a, ref, write{"Tag", "", func(id *Identity) (bool, error) {
		merged := withoutKeys(id.Tags, sortedKeys(tags))
		maps.Copy(merged, tags)
		id.Tags = merged
		return true, checkTags(merged)
	}})
}

// Untag takes tags away; keys that are not there do not matter.
func (s *Service) Untag(ctx context.Context, a audit.Actor, ref Ref, keys []string) error {
	return s.change(ctx, a, ref, write{"Untag", "", func(id *Identity) (bool, error) {
		id.Tags = withoutKeys(id.Tags, keys)
		return true, nil
	}})
}

// withoutKeys returns a copy of tags without the given keys.
func withoutKeys(tags map[string]string, keys []string) map[string]string {
	gone := map[string]bool{}
	for _, k := range keys {
		gone[Fold(k)] = true
	}
	out := map[string]string{}
	for k, v := range tags {
		if !gone[Fold(k)] {
			out[k] = v
		}
	}
	return out
}

// fresh fills in what a new user or role gets.
func (s *Service) fresh(id *Identity, kind Holder) error {
	if id.Path == "" {
		id.Path = "/"
	}
	prefix := map[Holder]string{OfRole: "AROA", OfUser: "AIDA", OfGroup: "AGPA"}[kind]
	id.ID, id.CreatedAt, id.Revision = arn.NewIAMID(s.cfg.Rand, prefix), s.now(), 0
	id.Attached, id.Inline = nil, nil
	return checkIdentityName(kind, *id)
}

func checkIdentityName(kind Holder, id Identity) error {
	pattern := entityName
	if kind == OfGroup {
		pattern = policyName // as long as a policy's
	}
	return checkName(string(kind), id.Name, id.Path, pattern)
}
