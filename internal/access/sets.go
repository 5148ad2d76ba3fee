package access

import (
	"context"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/arn"
	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
)

// Quotas limit how many there may be.
type Quotas struct {
	// Sets and Regions (the home region included) are per instance; Policies, AWS managed and customer managed together, per set; Tags per
	// resource.
	Sets, Regions, Policies, Tags int
	// SetsPerAccount is how many sets may be provisioned in an account, GroupsPerRole how many groups may have one set in one account.
	SetsPerAccount, GroupsPerRole int
	// GroupsPerExistingRole is how many groups may be entitled to one role that an account made itself.
	GroupsPerExistingRole int
}

// DefaultQuotas are AWS's figures.
func DefaultQuotas() Quotas {
	return Quotas{Sets: 3500, Regions: 6, Policies: 25, Tags: 50, SetsPerAccount: 500, GroupsPerRole: 100, GroupsPerExistingRole: 20}
}

// Limits of permission sets (IAM Identity Center quotas that nobody can raise; sso-admin model).
const (
	MaxInlineBytes   = 32768
	MaxInlineNoSpace = 10240
	MinSession       = time.Hour
	MaxSession       = 12 * time.Hour
)

var (
	setName    = regexp.MustCompile(`^[\w+=,.@-]{1,32}$`)
	setText    = regexp.MustCompile(`^[\x{09}\x{0A}\x{0D}\x{20}-\x{7E}\x{A1}-\x{FF}]{0,700}$`)
	relayState = regexp.MustCompile(`^[a-zA-Z0-9&$@#\\/%?=~\-_'"|!:,.;*+\[\] (){}]{0,240}$`)
	policyName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	policyPath = regexp.MustCompile(`^((/[A-Za-z0-9.,+@=_-]+)*)/$`)
)

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(field)
}

// CreateSet adds a permission set: a template only, nothing appears in any account.
func (s *Service) CreateSet(ctx context.Context, a audit.Actor, set PermissionSet) (PermissionSet, error) {
	if _, err := s.store.Instance(ctx, set.InstanceID); err != nil {
		return PermissionSet{}, err
	}
	n, err := s.store.CountSets(ctx, set.InstanceID)
	if err != nil {
		return PermissionSet{}, err
	}
	if n >= s.quotas.Sets {
		return PermissionSet{}, fault.New(fault.Quota, "You have exceeded the limit of %d permission sets in an instance", s.quotas.Sets)
	}
	set.ID, set.Revision, set.Version, set.CreatedAt = arn.NewPermissionSetID(s.rand), 1, 1, s.now()
	if set.SessionDuration == 0 {
		set.SessionDuration = MinSession
	}
	if err := s.checkSet(&set); err != nil {
		return PermissionSet{}, err
	}
	e := audit.New(ctx, set.CreatedAt, a, "sso:CreatePermissionSet", arn.PermissionSet(set.InstanceID, set.ID)).With("name", set.Name)
	return set, s.store.InsertSet(ctx, set, e)
}

func (s *Service) checkSet(set *PermissionSet) error {
	switch {
	case !setName.MatchString(set.Name):
		return invalid("Name", `a permission set's name has 1 to 32 characters of [\w+=,.@-]`)
	case !utf8.ValidString(set.Description) || !setText.MatchString(set.Description):
		return invalid("Description", "a permission set's description has at most 700 characters of Latin-1")
	case set.SessionDuration < MinSession || set.SessionDuration > MaxSession:
		return invalid("SessionDuration", "a session lasts from one to twelve hours (PT1H to PT12H)")
	case !relayState.MatchString(set.RelayState):
		return invalid("RelayState", "a relay state has at most 240 characters of those allowed in a URL")
	case len(set.ManagedPolicies)+len(set.CustomerPolicies) > s.quotas.Policies:
		return fault.New(fault.Quota, "You have exceeded AWS SSO limits. Cannot create ManagedPolicy more than %d for id %s", s.quotas.Policies, set.ID)
	}
	if err := s.checkInline(set.InlinePolicy); err != nil {
		return err
	}
	return s.checkTags(set.Tags)
}

func (s *Service) checkInline(doc string) error {
	if doc == "" {
		return nil
	}
	if len(doc) > MaxInlineBytes {
		return invalid("InlinePolicy", "an inline policy has at most %d bytes", MaxInlineBytes)
	}
	n := 0
	for _, r := range doc {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			n++
		}
	}
	if n > MaxInlineNoSpace {
		return fault.New(fault.Quota, "an inline policy has at most %d characters other than white space, not %d", MaxInlineNoSpace, n).At("InlinePolicy")
	}
	return s.policies.CheckPolicy(doc)
}

func (s *Service) checkTags(tags map[string]string) error {
	if len(tags) > s.quotas.Tags {
		return fault.New(fault.Quota, "a resource has at most %d tags", s.quotas.Tags).At("Tags")
	}
	for k, v := range tags {
		if n := utf8.RuneCountInString(k); n < 1 || n > 128 || strings.HasPrefix(strings.ToLower(k), "aws:") || utf8.RuneCountInString(v) > 256 {
			return invalid("Tags", "a tag has a key of 1 to 128 characters, not beginning with \"aws:\", and a value of at most 256")
		}
	}
	return nil
}

// Set returns a permission set of an instance.
func (s *Service) Set(ctx context.Context, instanceID, id string) (PermissionSet, error) {
	set, err := s.store.Set(ctx, id)
	if err == nil && set.InstanceID != instanceID {
		err = fault.New(fault.NotFound, "Could not find PermissionSet with id %s", id).About(ResourceSet, id)
	}
	return set, err
}

// SetByName returns the set with a name, in exact case.
func (s *Service) SetByName(ctx context.Context, instanceID, name string) (PermissionSet, error) {
	return s.store.SetByName(ctx, instanceID, name)
}

// Sets lists an instance's sets by id.
func (s *Service) Sets(ctx context.Context, instanceID, after string, limit int) ([]PermissionSet, error) {
	if _, err := s.store.Instance(ctx, instanceID); err != nil {
		return nil, err
	}
	return s.store.Sets(ctx, instanceID, after, limit)
}

// SetsByID returns those of the ids that exist, in no order.
func (s *Service) SetsByID(ctx context.Context, ids []string) ([]PermissionSet, error) {
	return s.store.SetsByID(ctx, ids)
}

// DeleteSet removes a set that nobody uses; else fault.Conflict "in-use".
func (s *Service) DeleteSet(ctx context.Context, a audit.Actor, instanceID, id string) error {
	if _, err := s.Set(ctx, instanceID, id); err != nil {
		return err
	}
	return s.store.DeleteSet(ctx, instanceID, id, audit.New(ctx, s.now(), a, "sso:DeletePermissionSet", arn.PermissionSet(instanceID, id)))
}

// UpdateSet lets change edit a set's description, session duration, relay state, policies, boundary or tags, checks
// the result and writes it. Name and instance stay. Nothing changes in any account until the set is provisioned.
// operation is the API's name for the edit, for the audit trail.
func (s *Service) UpdateSet(ctx context.Context, a audit.Actor, instanceID, id, operation string, change func(*PermissionSet) error) (PermissionSet, error) {
	for try := 0; ; try++ {
		old, err := s.Set(ctx, instanceID, id)
		if err != nil {
			return PermissionSet{}, err
		}
		set := old.clone()
		if err := change(&set); err != nil {
			return PermissionSet{}, err
		}
		set.ID, set.InstanceID, set.Name, set.CreatedAt, set.Version = old.ID, old.InstanceID, old.Name, old.CreatedAt, old.Version+1
		if err := s.checkSet(&set); err != nil {
			return PermissionSet{}, err
		}
		if visible(set, old) {
			set.Revision = old.Revision + 1
		}
		e := audit.New(ctx, s.now(), a, "sso:"+operation, arn.PermissionSet(instanceID, id)).With("name", set.Name)
		err = s.store.UpdateSet(ctx, set, old.Version, e)
		if err != nil && try < 8 && fault.Of(err).Reason == "version" {
			continue
		}
		return set, err
	}
}

func (p PermissionSet) clone() PermissionSet {
	p.ManagedPolicies = slices.Clone(p.ManagedPolicies)
	p.CustomerPolicies = slices.Clone(p.CustomerPolicies)
	p.Tags = maps.Clone(p.Tags)
	if p.Boundary != nil {
		b := *p.Boundary
		if b.Customer != nil {
			c := *b.Customer
			b.Customer = &c
		}
		p.Boundary = &b
	}
	return p
}

// visible reports whether two states of a set make different roles.
func visible(a, b PermissionSet) bool {
	return a.Description != b.Description || a.InlinePolicy != b.InlinePolicy || !slices.Equal(a.ManagedPolicies, b.ManagedPolicies) ||
		!slices.Equal(a.CustomerPolicies, b.CustomerPolicies) || !reflect.DeepEqual(a.Boundary, b.Boundary)
}

// AttachManagedPolicy adds an AWS managed policy to a set.
func (s *Service) AttachManagedPolicy(ctx context.Context, a audit.Actor, instanceID, id, policyARN string) error {
	if !s.policies.HasManagedPolicy(policyARN) {
		return fault.New(fault.NotFound, "Policy %s does not exist or is not attachable", policyARN).About(ResourcePolicy, policyARN).At("ManagedPolicyArn")
	}
	_, err := s.UpdateSet(ctx, a, instanceID, id, "AttachManagedPolicyToPermissionSet", func(p *PermissionSet) error {
		if slices.Contains(p.ManagedPolicies, policyARN) {
			return fault.New(fault.Conflict, "Permission set with id %s already has a typed link attachment to a managed policy with arn %s", id, policyARN).For("attached")
		}
		p.ManagedPolicies = append(p.ManagedPolicies, policyARN)
		return nil
	})
	return err
}

// DetachManagedPolicy takes an AWS managed policy off a set.
func (s *Service) DetachManagedPolicy(ctx context.Context, a audit.Actor, instanceID, id, policyARN string) error {
	_, err := s.UpdateSet(ctx, a, instanceID, id, "DetachManagedPolicyFromPermissionSet", func(p *PermissionSet) error {
		i := slices.Index(p.ManagedPolicies, policyARN)
		if i < 0 {
			return fault.New(fault.NotFound, "Could not find ManagedPolicy with arn %s attached to permission set %s", policyARN, id).About(ResourcePolicy, policyARN)
		}
		p.ManagedPolicies = slices.Delete(p.ManagedPolicies, i, i+1)
		return nil
	})
	return err
}

// CheckPolicyRef completes a reference (path "/" by default) and checks its form.
func CheckPolicyRef(r PolicyRef) (PolicyRef, error) {
	if r.Path == "" {
		r.Path = "/"
	}
	if !policyName.MatchString(r.Name) {
		return r, invalid("Name", `a customer managed policy's name has 1 to 128 characters of [\w+=,.@-]`)
	}
	if len(r.Path) > 512 || !policyPath.MatchString(r.Path) {
		return r, invalid("Path", "a customer managed policy's path begins and ends with a slash and has at most 512 characters")
	}
	return r, nil
}

// AttachCustomerPolicy adds a reference to a policy that must exist in every target account.
func (s *Service) AttachCustomerPolicy(ctx context.Context, a audit.Actor, instanceID, id string, r PolicyRef) error {
	r, err := CheckPolicyRef(r)
	if err != nil {
		return err
	}
	_, err = s.UpdateSet(ctx, a, instanceID, id, "AttachCustomerManagedPolicyReferenceToPermissionSet", func(p *PermissionSet) error {
		if slices.Contains(p.CustomerPolicies, r) {
			return fault.New(fault.Conflict, "Permission set with id %s already references the customer managed policy %s%s", id, r.Path, r.Name).For("attached")
		}
		p.CustomerPolicies = append(p.CustomerPolicies, r)
		return nil
	})
	return err
}

// DetachCustomerPolicy takes such a reference off a set.
func (s *Service) DetachCustomerPolicy(ctx context.Context, a audit.Actor, instanceID, id string, r PolicyRef) error {
	r, err := CheckPolicyRef(r)
	if err != nil {
		return err
	}
	_, err = s.UpdateSet(ctx, a, instanceID, id, "DetachCustomerManagedPolicyReferenceFromPermissionSet", func(p *PermissionSet) error {
		i := slices.Index(p.CustomerPolicies, r)
		if i < 0 {
			return fault.New(fault.NotFound, "permission set %s does not reference the customer managed policy %s%s", id, r.Path, r.Name).About(ResourcePolicy, r.Path+r.Name)
		}
		p.CustomerPolicies = slices.Delete(p.CustomerPolicies, i, i+1)
		return nil
	})
	return err
}

// PutInlinePolicy replaces a set's one inline policy; an empty document removes it, which is fault.NotFound
// when there is none.
func (s *Service) PutInlinePolicy(ctx context.Context, a audit.Actor, instanceID, id, document string) error {
	op := "PutInlinePolicyToPermissionSet"
	if document == "" {
		op = "DeleteInlinePolicyFromPermissionSet"
	}
	_, err := s.UpdateSet(ctx, a, instanceID, id, op, func(p *PermissionSet) error {
		if document == "" && p.InlinePolicy == "" {
			return fault.New(fault.NotFound, "permission set %s has no inline policy", id).About(ResourcePolicy, id)
		}
		p.InlinePolicy = document
		return nil
	})
	return err
}

// PutBoundary replaces a set's permissions boundary; nil removes it, which is fault.NotFound when there is none.
func (s *Service) PutBoundary(ctx context.Context, a audit.Actor, instanceID, id string, b *Boundary) error {
	op := "PutPermissionsBoundaryToPermissionSet"
	if b == nil {
		op = "DeletePermissionsBoundaryFromPermissionSet"
	} else {
		checked, err := s.checkBoundary(*b)
		if err != nil {
			return err
		}
		b = &checked
	}
	_, err := s.UpdateSet(ctx, a, instanceID, id, op, func(p *PermissionSet) error {
		if b == nil && p.Boundary == nil {
			return fault.New(fault.NotFound, "permission set %s has no permissions boundary", id).About(ResourceBoundary, id)
		}
		p.Boundary = b
		return nil
	})
	return err
}

func (s *Service) checkBoundary(b Boundary) (Boundary, error) {
	if (b.ManagedPolicyARN == "") == (b.Customer == nil) {
		return b, invalid("PermissionsBoundary", "a permissions boundary is either a managed policy or a customer managed policy reference")
	}
	if b.Customer != nil {
		r, err := CheckPolicyRef(*b.Customer)
		b.Customer = &r
		return b, err
	}
	if !s.policies.HasManagedPolicy(b.ManagedPolicyARN) {
		return b, fault.New(fault.NotFound, "Policy %s does not exist or is not attachable", b.ManagedPolicyARN).About(ResourcePolicy, b.ManagedPolicyARN)
	}
	return b, nil
}

// TagSet sets and removes tags.
func (s *Service) TagSet(ctx context.Context, a audit.Actor, instanceID, id string, set map[string]string, remove []string) error {
	op := "TagResource"
	if len(remove) > 0 {
		op = "UntagResource"
	}
	_, err := s.UpdateSet(ctx, a, instanceID, id, op, func(p *PermissionSet) error {
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		maps.Copy(p.Tags, set)
		for _, k := range remove {
			delete(p.Tags, k)
		}
		return nil
	})
	return err
}

// TagInstance sets and removes tags of an instance.
func (s *Service) TagInstance(ctx context.Context, a audit.Actor, id string, set map[string]string, remove []string) error {
	op := "TagResource"
	if len(remove) > 0 {
		op = "UntagResource"
	}
	return s.store.EditInstance(ctx, id, func(i *Instance) error {
		tags := map[string]string{}
		maps.Copy(tags, i.Tags)
		maps.Copy(tags, set)
		for _, k := range remove {
			delete(tags, k)
		}
		i.Tags = tags
		return s.checkTags(tags)
	}, audit.New(ctx, s.now(), a, "sso:"+op, arn.Instance(id)))
}

var instanceName = regexp.MustCompile(`^[\w+=,.@-]{0,255}$`)

// RenameInstance gives an instance another name.
func (s *Service) RenameInstance(ctx context.Context, a audit.Actor, id, name string) error {
	if !instanceName.MatchString(name) {
		return invalid("Name", `an instance's name has at most 255 characters of [\w+=,.@-]`)
	}
	return s.store.EditInstance(ctx, id, func(i *Instance) error {
		i.Name = name
		return nil
	}, audit.New(ctx, s.now(), a, "sso:UpdateInstance", arn.Instance(id)).With("name", name))
}
