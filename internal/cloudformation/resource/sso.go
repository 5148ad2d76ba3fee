package resource

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/arn"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
)

type property = cloudformation.Property

// permissionSet is AWS::SSO::PermissionSet. Its physical id is InstanceArn|PermissionSetArn. A change is provisioned to every account
// that has the set, as AWS's does.
type permissionSet struct{ Services }

func policyReference() []property {
	return []property{{Name: "Name", Required: true}, {Name: "Path"}}
}

func (permissionSet) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::SSO::PermissionSet", Attributes: []string{"PermissionSetArn"}, Taggable: true,
		Properties: []property{
			{Name: "Name", Required: true, CreateOnly: true}, {Name: "InstanceArn", Required: true, CreateOnly: true},
			{Name: "Description"}, {Name: "SessionDuration"}, {Name: "RelayStateType"},
			{Name: "ManagedPolicies", Kind: cloudformation.List},
			{Name: "CustomerManagedPolicyReferences", Kind: cloudformation.List, Members: policyReference()},
			{Name: "PermissionsBoundary", Kind: cloudformation.Object, Members: []property{
				{Name: "ManagedPolicyArn"}, {Name: "CustomerManagedPolicyReference", Kind: cloudformation.Object, Members: policyReference()}}},
			{Name: "InlinePolicy", Kind: cloudformation.Any}, {Name: "Tags", Kind: cloudformation.Tags},
		},
	}
}

// wanted reads the properties.
func (s permissionSet) wanted(p props) (access.PermissionSet, error) {
	out := access.PermissionSet{Name: str(p, "Name"), Description: str(p, "Description"), RelayState: str(p, "RelayStateType"), ManagedPolicies: strs(p, "ManagedPolicies")}
	var err error
	if out.InstanceID, err = arn.ParseInstance(str(p, "InstanceArn")); err != nil {
		return out, err
	}
	if out.SessionDuration, err = duration(str(p, "SessionDuration")); err != nil {
		return out, err
	}
	if out.InlinePolicy, err = document(p, "InlinePolicy"); err != nil {
		return out, err
	}
	if out.Tags, err = tags(p); err != nil {
		return out, err
	}
	for _, ref := range objects(p, "CustomerManagedPolicyReferences") {
		r, err := access.CheckPolicyRef(access.PolicyRef{Name: str(ref, "Name"), Path: str(ref, "Path")})
		if err != nil {
			return out, err
		}
		out.CustomerPolicies = append(out.CustomerPolicies, r)
	}
	if b := object(p["PermissionsBoundary"]); len(b) > 0 {
		out.Boundary = &access.Boundary{ManagedPolicyARN: str(b, "ManagedPolicyArn")}
		if ref := object(b["CustomerManagedPolicyReference"]); ref != nil {
			r, err := access.CheckPolicyRef(access.PolicyRef{Name: str(ref, "Name"), Path: str(ref, "Path")})
			if err != nil {
				return out, err
			}
			out.Boundary.Customer = &r
		}
	}
	return out, nil
}

// duration reads PT8H and the like. Empty is the default.
func duration(s string) (time.Duration, error) {
	if s == "" {
		return access.MinSession, nil
	}
	return access.ParseDuration(s)
}

func (s permissionSet) result(set access.PermissionSet) made {
	instance, ps := arn.Instance(set.InstanceID), arn.PermissionSet(set.InstanceID, set.ID)
	return made{PhysicalID: instance + "|" + ps, Attributes: map[string]string{"PermissionSetArn": ps}}
}

func (s permissionSet) Create(ctx context.Context, r request) (made, error) {
	want, err := s.wanted(r.New)
	if err != nil {
		return made{}, err
	}
	if err := s.owned(ctx, r, "sso:CreatePermissionSet"); err != nil {
		return made{}, err
	}
	every := "arn:aws:sso:::permissionSet/" + want.InstanceID + "/*"
	if err := askWith(ctx, r, "sso:CreatePermissionSet", tagKeys(want.Tags), arn.Instance(want.InstanceID), every); err != nil {
		return made{}, err
	}
	if len(want.Tags) > 0 {
		if err := askWith(ctx, r, "sso:TagResource", tagKeys(want.Tags), every); err != nil {
			return made{}, err
		}
	}
	if r.Resumed {
		set, err := s.Access.SetByName(ctx, want.InstanceID, want.Name)
		if err == nil && ours(r, set.CreatedAt) {
			return s.result(set), s.converge(ctx, r, set, want)
		}
		if gone(err) != nil {
			return made{}, err
		}
	}
	set, err := s.Access.CreateSet(ctx, r.Caller.Actor(), access.PermissionSet{
		InstanceID: want.InstanceID, Name: want.Name, Description: want.Description, SessionDuration: want.SessionDuration, RelayState: want.RelayState, Tags: want.Tags,
	})
	if err != nil {
		return made{}, err
	}
	return s.result(set), s.converge(ctx, r, set, want)
}

func (s permissionSet) Update(ctx context.Context, r request) (made, error) {
	want, err := s.wanted(r.New)
	if err != nil {
		return made{}, err
	}
	set, err := s.find(ctx, r.PhysicalID)
	if err != nil {
		return made{}, err
	}
	if err := s.owned(ctx, r, "sso:UpdatePermissionSet"); err != nil {
		return made{}, err
	}
	before := set.Revision
	if err := s.converge(ctx, r, set, want); err != nil {
		return made{}, err
	}
	if set, err = s.find(ctx, r.PhysicalID); err != nil {
		return made{}, err
	}
	if set.Revision == before && !r.Resumed {
		return s.result(set), nil
	}
	return s.result(set), s.provision(ctx, r, set)
}

func (s permissionSet) provision(ctx context.Context, r request, set access.PermissionSet) error {
	if err := ask(ctx, r, "sso:ProvisionPermissionSet", arn.Instance(set.InstanceID), arn.PermissionSet(set.InstanceID, set.ID)); err != nil {
		return err
	}
	q, err := s.Access.Provision(ctx, r.Caller.Actor(), access.RoleKey{PermissionSetID: set.ID})
	if err != nil {
		return err
	}
	return s.ended(ctx, access.Provision, q.ID)
}

// ended waits for a request and gives its failure.
func (s Services) ended(ctx context.Context, kind access.RequestKind, id string) error {
	return untilDone(ctx, func() (bool, error) {
		q, err := s.Access.Request(ctx, kind, id)
		if err != nil || q.Status == access.InProgress {
			return false, err
		}
		if q.Status == access.Failed {
			return true, fault.New(fault.Invalid, "%s", q.FailureReason)
		}
		return true, nil
	})
}

func (s permissionSet) find(ctx context.Context, physical string) (access.PermissionSet, error) {
	_, ps := halves(physical)
	ins, id, err := arn.ParsePermissionSet(ps)
	if err != nil {
		return access.PermissionSet{}, err
	}
	return s.Access.Set(ctx, ins, id)
}

// converge makes a set be what is wanted, asking for each action that this takes.
func (s permissionSet) converge(ctx context.Context, r request, set, want access.PermissionSet) error {
	on := []string{arn.Instance(set.InstanceID), arn.PermissionSet(set.InstanceID, set.ID)}
	actor := r.Caller.Actor()
	if set.Description != want.Description || set.SessionDuration != want.SessionDuration || set.RelayState != want.RelayState {
		if err := ask(ctx, r, "sso:UpdatePermissionSet", on...); err != nil {
			return err
		}
		_, err := s.Access.UpdateSet(ctx, actor, set.InstanceID, set.ID, "UpdatePermissionSet", func(p *access.PermissionSet) error {
			p.Description, p.SessionDuration, p.RelayState = want.Description, want.SessionDuration, want.RelayState
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context, request, access.PermissionSet, access.PermissionSet, []string) error{s.managed, s.customer, s.inline, s.boundary} {
		if err := step(ctx, r, set, want, on); err != nil {
			return err
		}
	}
	return s.tag(ctx, r, set, want)
}

func (s permissionSet) managed(ctx context.Context, r request, set, want access.PermissionSet, on []string) error {
	for _, p := range without(set.ManagedPolicies, want.ManagedPolicies) {
		if err := ask(ctx, r, "sso:DetachManagedPolicyFromPermissionSet", on...); err != nil {
			return err
		}
		if err := gone(s.Access.DetachManagedPolicy(ctx, r.Caller.Actor(), set.InstanceID, set.ID, p)); err != nil {
			return err
		}
	}
	for _, p := range without(want.ManagedPolicies, set.ManagedPolicies) {
		if err := ask(ctx, r, "sso:AttachManagedPolicyToPermissionSet", on...); err != nil {
			return err
		}
		if err := s.Access.AttachManagedPolicy(ctx, r.Caller.Actor(), set.InstanceID, set.ID, p); err != nil && fault.Of(err).Reason != "attached" {
			return err
		}
	}
	return nil
}

func (s permissionSet) customer(ctx context.Context, r request, set, want access.PermissionSet, on []string) error {
	for _, p := range set.CustomerPolicies {
		if slices.Contains(want.CustomerPolicies, p) {
			continue
		}
		if err := ask(ctx, r, "sso:DetachCustomerManagedPolicyReferenceFromPermissionSet", on...); err != nil {
			return err
		}
		if err := gone(s.Access.DetachCustomerPolicy(ctx, r.Caller.Actor(), set.InstanceID, set.ID, p)); err != nil {
			return err
		}
	}
	for _, p := range want.CustomerPolicies {
		if slices.Contains(set.CustomerPolicies, p) {
			continue
		}
		if err := ask(ctx, r, "sso:AttachCustomerManagedPolicyReferenceToPermissionSet", on...); err != nil {
			return err
		}
		if err := s.Access.AttachCustomerPolicy(ctx, r.Caller.Actor(), set.InstanceID, set.ID, p); err != nil && fault.Of(err).Reason != "attached" {
			return err
		}
	}
	return nil
}

func (s permissionSet) inline(ctx context.Context, r request, set, want access.PermissionSet, on []string) error {
	if set.InlinePolicy == want.InlinePolicy {
		return nil
	}
	action := "sso:PutInlinePolicyToPermissionSet"
	if want.InlinePolicy == "" {
		action = "sso:DeleteInlinePolicyFromPermissionSet"
	}
	if err := ask(ctx, r, action, on...); err != nil {
		return err
	}
	return s.Access.PutInlinePolicy(ctx, r.Caller.Actor(), set.InstanceID, set.ID, want.InlinePolicy)
}

func (s permissionSet) boundary(ctx context.Context, r request, set, want access.PermissionSet, on []string) error {
	if same(set.Boundary, want.Boundary) {
		return nil
	}
	action := "sso:PutPermissionsBoundaryToPermissionSet"
	if want.Boundary == nil {
		action = "sso:DeletePermissionsBoundaryFromPermissionSet"
	}
	if err := ask(ctx, r, action, on...); err != nil {
		return err
	}
	return s.Access.PutBoundary(ctx, r.Caller.Actor(), set.InstanceID, set.ID, want.Boundary)
}

func same(a, b *access.Boundary) bool {
	if a == nil || b == nil || a.ManagedPolicyARN != b.ManagedPolicyARN || (a.Customer == nil) != (b.Customer == nil) {
		return a == nil && b == nil
	}
	return a.Customer == nil || *a.Customer == *b.Customer
}

func (s permissionSet) tag(ctx context.Context, r request, set, want access.PermissionSet) error {
	if maps.Equal(set.Tags, want.Tags) {
		return nil
	}
	own := arn.PermissionSet(set.InstanceID, set.ID)
	var remove []string
	for k := range set.Tags {
		if _, ok := want.Tags[k]; !ok {
			remove = append(remove, k)
		}
	}
	if len(remove) > 0 {
		if err := askWith(ctx, r, "sso:UntagResource", map[string][]string{"aws:TagKeys": remove}, own); err != nil {
			return err
		}
	}
	if len(want.Tags) > 0 {
		if err := askWith(ctx, r, "sso:TagResource", tagKeys(want.Tags), own); err != nil {
			return err
		}
	}
	return s.Access.TagSet(ctx, r.Caller.Actor(), set.InstanceID, set.ID, want.Tags, remove)
}

func (s permissionSet) Delete(ctx context.Context, r request) error {
	set, err := s.find(ctx, r.PhysicalID)
	if err != nil {
		return gone(err)
	}
	if err := s.owned(ctx, r, "sso:DeletePermissionSet"); err != nil {
		return err
	}
	if err := ask(ctx, r, "sso:DeletePermissionSet", arn.Instance(set.InstanceID), arn.PermissionSet(set.InstanceID, set.ID)); err != nil {
		return err
	}
	return gone(s.Access.DeleteSet(ctx, r.Caller.Actor(), set.InstanceID, set.ID))
}

// assignment is AWS::SSO::Assignment. Its physical id is its six properties. Nothing of it can change.
type assignment struct{ Services }

func (assignment) Schema() cloudformation.Schema {
	p := func(name string, values ...string) property {
		return property{Name: name, Required: true, CreateOnly: true, Values: values}
	}
	return cloudformation.Schema{Type: "AWS::SSO::Assignment", Properties: []property{
		p("InstanceArn"), p("TargetId"), p("TargetType", "AWS_ACCOUNT"), p("PermissionSetArn"), p("PrincipalType", "USER", "GROUP"), p("PrincipalId"),
	}}
}

// place is what an assignment's properties name.
type place struct {
	instance string
	role     access.RoleKey
	who      access.Principal
	arns     []string
}

func (assignment) place(p props) (place, error) {
	ins, err := arn.ParseInstance(str(p, "InstanceArn"))
	if err != nil {
		return place{}, err
	}
	of, set, err := arn.ParsePermissionSet(str(p, "PermissionSetArn"))
	if err != nil {
		return place{}, err
	}
	if of != ins {
		return place{}, fault.New(fault.NotFound, "Could not find PermissionSet with id %s", set)
	}
	account := str(p, "TargetId")
	if !arn.IsAccountID(account) {
		return place{}, fault.New(fault.Invalid, "TargetId %q is not an account id", account).At("TargetId")
	}
	return place{
		instance: ins, role: access.RoleKey{AccountID: account, PermissionSetID: set},
		who:  access.Principal{Type: access.PrincipalType(str(p, "PrincipalType")), ID: str(p, "PrincipalId")},
		arns: []string{arn.Instance(ins), arn.PermissionSet(ins, set), arn.SSOAccount(account)},
	}, nil
}

func (s assignment) Create(ctx context.Context, r request) (made, error) {
	at, err := s.place(r.New)
	if err != nil {
		return made{}, err
	}
	if err := s.owned(ctx, r, "sso:CreateAccountAssignment"); err != nil {
		return made{}, err
	}
	if err := ask(ctx, r, "sso:CreateAccountAssignment", at.arns...); err != nil {
		return made{}, err
	}
	if _, err := s.Access.Set(ctx, at.instance, at.role.PermissionSetID); err != nil {
		return made{}, err
	}
	there, err := s.exists(ctx, at)
	if err != nil {
		return made{}, err
	}
	if there && !r.Resumed {
		return made{}, fault.New(fault.Conflict, "The assignment exists already.").For("exists")
	}
	q, err := s.Access.Assign(ctx, r.Caller.Actor(), at.role, at.who)
	if err != nil {
		return made{}, err
	}
	var id []string
	for _, name := range []string{"InstanceArn", "TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId"} {
		id = append(id, str(r.New, name))
	}
	if err := s.ended(ctx, access.CreateAssignment, q.ID); err != nil {
		return made{}, err
	}
	return made{PhysicalID: strings.Join(id, "|")}, nil
}

// exists looks for an assignment among those of its role, from just before its principal.
func (s assignment) exists(ctx context.Context, at place) (bool, error) {
	after := access.Principal{Type: at.who.Type}
	if n := len(at.who.ID); n > 0 {
		after.ID = at.who.ID[:n-1]
	}
	// Ids differ in their last digit at most from where the listing begins: sixteen come before, and ids in capitals.
	as, err := s.Access.AssignmentsOfRole(ctx, at.role, after, 64)
	return slices.ContainsFunc(as, func(a access.Assignment) bool { return a.Principal == at.who }), err
}

func (assignment) Update(_ context.Context, r request) (made, error) {
	return made{PhysicalID: r.PhysicalID}, nil
}

func (s assignment) Delete(ctx context.Context, r request) error {
	at, err := s.place(r.Old)
	if err != nil {
		return err
	}
	if err := s.owned(ctx, r, "sso:DeleteAccountAssignment"); err != nil {
		return err
	}
	if err := ask(ctx, r, "sso:DeleteAccountAssignment", at.arns...); err != nil {
		return err
	}
	q, err := s.Access.Unassign(ctx, r.Caller.Actor(), at.role, at.who)
	if err != nil {
		return gone(err)
	}
	return s.ended(ctx, access.DeleteAssignment, q.ID)
}
