package resource

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
)

// holding is what a role, user or group is wanted to hold.
type holding struct {
	managed  []string
	inline   map[string]string
	boundary string
	tags     map[string]string
}

func policiesProperty() property {
	return property{Name: "Policies", Kind: cloudformation.List, Members: []property{
		{Name: "PolicyName", Required: true}, {Name: "PolicyDocument", Kind: cloudformation.Any, Required: true}}}
}

func wantedHolding(p props) (holding, error) {
	h := holding{managed: strs(p, "ManagedPolicyArns"), inline: map[string]string{}, boundary: str(p, "PermissionsBoundary")}
	for _, in := range objects(p, "Policies") {
		doc, err := document(in, "PolicyDocument")
		if err != nil {
			return h, err
		}
		if _, twice := h.inline[str(in, "PolicyName")]; twice {
			return h, fault.New(fault.Invalid, "the policy %s is given twice", str(in, "PolicyName")).At("Policies")
		}
		h.inline[str(in, "PolicyName")] = doc
	}
	var err error
	h.tags, err = tags(p)
	return h, err
}

// hold makes a role, user or group hold what is wanted, asking for each action that this takes.
func (s Services) hold(ctx context.Context, r request, ref localiam.Ref, want holding) error {
	id, name, err := s.IAM.Identity(ctx, ref)
	if err != nil {
		return err
	}
	kind, actor := string(ref.Kind), r.Caller.Actor()
	if id.BoundaryARN != want.boundary && ref.Kind != localiam.OfGroup {
		verb := "Put"
		if want.boundary == "" {
			verb = "Delete"
		}
		more := map[string][]string{}
		if want.boundary != "" {
			more["iam:PermissionsBoundary"] = []string{want.boundary}
		}
		if err := askWith(ctx, r, "iam:"+verb+kind+"PermissionsBoundary", more, name); err != nil {
			return err
		}
		if err := s.IAM.SetBoundary(ctx, actor, ref, want.boundary); err != nil {
			return err
		}
	}
	// Policies that were attached otherwise, by a resource AWS::IAM::ManagedPolicy say, are left alone.
	for _, p := range without(strs(r.Old, "ManagedPolicyArns"), want.managed) {
		if !slices.Contains(id.Attached, p) {
			continue
		}
		if err := askWith(ctx, r, "iam:Detach"+kind+"Policy", map[string][]string{"iam:PolicyARN": {p}}, name); err != nil {
			return err
		}
		if err := gone(s.IAM.Detach(ctx, actor, ref, p)); err != nil {
			return err
		}
	}
	for _, p := range without(want.managed, id.Attached) {
		if err := askWith(ctx, r, "iam:Attach"+kind+"Policy", map[string][]string{"iam:PolicyARN": {p}}, name); err != nil {
			return err
		}
		if err := s.IAM.Attach(ctx, actor, ref, p); err != nil {
			return err
		}
	}
	if err := s.inlines(ctx, r, ref, id, name, want); err != nil || ref.Kind == localiam.OfGroup {
		return err
	}
	return s.retag(ctx, r, ref, id, name, want)
}

// inlines brings inline policies to what is wanted; those that a resource AWS::IAM::Policy put there are left alone.
func (s Services) inlines(ctx context.Context, r request, ref localiam.Ref, id localiam.Identity, name string, want holding) error {
	kind, actor := string(ref.Kind), r.Caller.Actor()
	for _, old := range objects(r.Old, "Policies") {
		n := str(old, "PolicyName")
		if _, keep := want.inline[n]; keep {
			continue
		}
		if err := ask(ctx, r, "iam:Delete"+kind+"Policy", name); err != nil {
			return err
		}
		if err := gone(s.IAM.DeleteInline(ctx, actor, ref, n)); err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(want.inline)) {
		if id.Inline[n] == want.inline[n] {
			continue
		}
		if err := ask(ctx, r, "iam:Put"+kind+"Policy", name); err != nil {
			return err
		}
		if err := s.IAM.PutInline(ctx, actor, ref, localiam.InlinePolicy{Name: n, Document: want.inline[n]}); err != nil {
			return err
		}
	}
	return nil
}

func (s Services) retag(ctx context.Context, r request, ref localiam.Ref, id localiam.Identity, name string, want holding) error {
	if maps.Equal(id.Tags, want.tags) {
		return nil
	}
	kind, actor := string(ref.Kind), r.Caller.Actor()
	if remove := without(slices.Sorted(maps.Keys(id.Tags)), slices.Sorted(maps.Keys(want.tags))); len(remove) > 0 {
		if err := askWith(ctx, r, "iam:Untag"+kind, map[string][]string{"aws:TagKeys": remove}, name); err != nil {
			return err
		}
		if err := s.IAM.Untag(ctx, actor, ref, remove); err != nil {
			return err
		}
	}
	if len(want.tags) == 0 {
		return nil
	}
	if err := askWith(ctx, r, "iam:Tag"+kind, tagKeys(want.tags), name); err != nil {
		return err
	}
	return s.IAM.Tag(ctx, actor, ref, want.tags)
}

// release takes away what the stack gave a role, user or group, so that it can be deleted, and asks for the deletion itself.
func (s Services) release(ctx context.Context, r request, ref localiam.Ref) error {
	id, name, err := s.IAM.Identity(ctx, ref)
	if err != nil {
		return err
	}
	kind := string(ref.Kind)
	if err := ask(ctx, r, "iam:Delete"+kind, name); err != nil {
		return err
	}
	for _, p := range strs(r.Old, "ManagedPolicyArns") {
		if !slices.Contains(id.Attached, p) {
			continue
		}
		if err := askWith(ctx, r, "iam:Detach"+kind+"Policy", map[string][]string{"iam:PolicyARN": {p}}, name); err != nil {
			return err
		}
		if err := gone(s.IAM.Detach(ctx, r.Caller.Actor(), ref, p)); err != nil {
			return err
		}
	}
	for _, old := range objects(r.Old, "Policies") {
		if err := ask(ctx, r, "iam:Delete"+kind+"Policy", name); err != nil {
			return err
		}
		if err := gone(s.IAM.DeleteInline(ctx, r.Caller.Actor(), ref, str(old, "PolicyName"))); err != nil {
			return err
		}
	}
	return nil
}

func pathOr(p props) string {
	if s := str(p, "Path"); s != "" {
		return s
	}
	return "/"
}

// creationKeys are the condition keys of a creation.
func creationKeys(h holding) map[string][]string {
	out := map[string][]string{}
	maps.Copy(out, tagKeys(h.tags))
	if h.boundary != "" {
		out["iam:PermissionsBoundary"] = []string{h.boundary}
	}
	return out
}

// found answers for a step that is taken again: true if what has the name is the step's own.
func found(r request, createdAt time.Time, err error) (bool, error) {
	if err == nil {
		return ours(r, createdAt), nil
	}
	return false, gone(err)
}

// iamRole is AWS::IAM::Role. Its physical id is its name.
type iamRole struct{ Services }

func (iamRole) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::IAM::Role", Attributes: []string{"Arn", "RoleId"}, Taggable: true, Capability: "CAPABILITY_IAM", NameProperty: "RoleName",
		Properties: []property{
			{Name: "RoleName", CreateOnly: true}, {Name: "Path", CreateOnly: true}, {Name: "AssumeRolePolicyDocument", Kind: cloudformation.Any, Required: true},
			{Name: "Description"}, {Name: "MaxSessionDuration", Kind: cloudformation.Integer}, {Name: "PermissionsBoundary"},
			{Name: "ManagedPolicyArns", Kind: cloudformation.List}, policiesProperty(), {Name: "Tags", Kind: cloudformation.Tags},
		},
	}
}

func (s iamRole) result(role localiam.Role) made {
	return made{PhysicalID: role.Name, Attributes: map[string]string{"Arn": role.ARN(), "RoleId": role.ID}}
}

func (iamRole) wanted(p props) (trust string, longest time.Duration, h holding, err error) {
	if h, err = wantedHolding(p); err != nil {
		return "", 0, h, err
	}
	longest = time.Hour
	if n := str(p, "MaxSessionDuration"); n != "" {
		if longest, err = time.ParseDuration(n + "s"); err != nil {
			return "", 0, h, fault.New(fault.Invalid, "MaxSessionDuration must be a number of seconds").At("MaxSessionDuration")
		}
	}
	trust, err = document(p, "AssumeRolePolicyDocument")
	return trust, longest, h, err
}

func (s iamRole) Create(ctx context.Context, r request) (made, error) {
	trust, longest, h, err := s.wanted(r.New)
	if err != nil {
		return made{}, err
	}
	n := nameOr(r, "RoleName", 64)
	ref := localiam.RoleRef(r.AccountID, n)
	if err := askNew(ctx, r, "iam:CreateRole", "iam:TagRole", h.tags, creationKeys(h), arn.IAM(r.AccountID, "role"+pathOr(r.New)+n)); err != nil {
		return made{}, err
	}
	if r.Resumed {
		role, err := s.IAM.Role(ctx, r.AccountID, n)
		if mine, err := found(r, role.CreatedAt, err); err != nil {
			return made{}, err
		} else if mine {
			return s.result(role), s.hold(ctx, r, ref, h)
		}
	}
	role, err := s.IAM.CreateRole(ctx, r.Caller.Actor(), localiam.Role{
		Identity:    localiam.Identity{AccountID: r.AccountID, Name: n, Path: pathOr(r.New), BoundaryARN: h.boundary, Tags: h.tags},
		Description: str(r.New, "Description"), TrustPolicy: trust, MaxSessionDuration: longest,
	})
	if err != nil {
		return made{}, err
	}
	return s.result(role), s.hold(ctx, r, ref, h)
}

func (s iamRole) Update(ctx context.Context, r request) (made, error) {
	trust, longest, h, err := s.wanted(r.New)
	if err != nil {
		return made{}, err
	}
	role, err := s.IAM.Role(ctx, r.AccountID, r.PhysicalID)
	if err != nil {
		return made{}, err
	}
	ref, actor := localiam.RoleRef(r.AccountID, role.Name), r.Caller.Actor()
	if d := str(r.New, "Description"); d != role.Description || longest != role.MaxSessionDuration {
		if err := ask(ctx, r, "iam:UpdateRole", role.ARN()); err != nil {
			return made{}, err
		}
		if err := s.IAM.UpdateRole(ctx, actor, ref, localiam.RoleChange{Description: &d, MaxSessionDuration: &longest}); err != nil {
			return made{}, err
		}
	}
	if trust != role.TrustPolicy {
		if err := ask(ctx, r, "iam:UpdateAssumeRolePolicy", role.ARN()); err != nil {
			return made{}, err
		}
		if err := s.IAM.SetTrust(ctx, actor, ref, trust); err != nil {
			return made{}, err
		}
	}
	return s.result(role), s.hold(ctx, r, ref, h)
}

func (s iamRole) Delete(ctx context.Context, r request) error {
	if err := s.release(ctx, r, localiam.RoleRef(r.AccountID, r.PhysicalID)); err != nil {
		return gone(err)
	}
	return gone(s.IAM.DeleteRole(ctx, r.Caller.Actor(), r.AccountID, r.PhysicalID))
}

// iamUser is AWS::IAM::User, without login profile. Its physical id is its name.
type iamUser struct{ Services }

func (iamUser) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::IAM::User", Attributes: []string{"Arn"}, Taggable: true, Capability: "CAPABILITY_IAM", NameProperty: "UserName",
		Properties: []property{
			{Name: "UserName", CreateOnly: true}, {Name: "Path", CreateOnly: true}, {Name: "PermissionsBoundary"}, {Name: "Groups", Kind: cloudformation.List},
			{Name: "ManagedPolicyArns", Kind: cloudformation.List}, policiesProperty(), {Name: "Tags", Kind: cloudformation.Tags},
		},
	}
}

func (iamUser) result(u localiam.User) made {
	return made{PhysicalID: u.Name, Attributes: map[string]string{"Arn": u.ARN()}}
}

func (s iamUser) Create(ctx context.Context, r request) (made, error) {
	h, err := wantedHolding(r.New)
	if err != nil {
		return made{}, err
	}
	n := nameOr(r, "UserName", 64)
	if err := askNew(ctx, r, "iam:CreateUser", "iam:TagUser", h.tags, creationKeys(h), arn.IAM(r.AccountID, "user"+pathOr(r.New)+n)); err != nil {
		return made{}, err
	}
	if r.Resumed {
		u, err := s.IAM.User(ctx, r.AccountID, n)
		if mine, err := found(r, u.CreatedAt, err); err != nil {
			return made{}, err
		} else if mine {
			return s.result(u), s.settle(ctx, r, n, h)
		}
	}
	u, err := s.IAM.CreateUser(ctx, r.Caller.Actor(), localiam.User{Identity: localiam.Identity{AccountID: r.AccountID, Name: n, Path: pathOr(r.New), BoundaryARN: h.boundary, Tags: h.tags}})
	if err != nil {
		return made{}, err
	}
	return s.result(u), s.settle(ctx, r, n, h)
}

// settle gives a user policies and groups.
func (s iamUser) settle(ctx context.Context, r request, n string, h holding) error {
	if err := s.hold(ctx, r, localiam.UserRef(r.AccountID, n), h); err != nil {
		return err
	}
	for _, g := range without(strs(r.Old, "Groups"), strs(r.New, "Groups")) {
		if err := s.join(ctx, r, g, n, false); gone(err) != nil {
			return err
		}
	}
	for _, g := range strs(r.New, "Groups") {
		if err := s.join(ctx, r, g, n, true); err != nil {
			return err
		}
	}
	return nil
}

// join puts a user into a group, or takes him out.
func (s iamUser) join(ctx context.Context, r request, g, n string, in bool) error {
	group, err := s.IAM.Group(ctx, r.AccountID, g)
	if err != nil {
		return err
	}
	m := localiam.Membership{AccountID: r.AccountID, Group: g, User: n}
	if !in {
		if err := ask(ctx, r, "iam:RemoveUserFromGroup", group.ARN()); err != nil {
			return err
		}
		return s.IAM.RemoveFromGroup(ctx, r.Caller.Actor(), m)
	}
	if err := ask(ctx, r, "iam:AddUserToGroup", group.ARN()); err != nil {
		return err
	}
	return s.IAM.AddToGroup(ctx, r.Caller.Actor(), m)
}

func (s iamUser) Update(ctx context.Context, r request) (made, error) {
	h, err := wantedHolding(r.New)
	if err != nil {
		return made{}, err
	}
	u, err := s.IAM.User(ctx, r.AccountID, r.PhysicalID)
	if err != nil {
		return made{}, err
	}
	return s.result(u), s.settle(ctx, r, u.Name, h)
}

func (s iamUser) Delete(ctx context.Context, r request) error {
	if err := s.release(ctx, r, localiam.UserRef(r.AccountID, r.PhysicalID)); err != nil {
		return gone(err)
	}
	for _, g := range strs(r.Old, "Groups") {
		if err := s.join(ctx, r, g, r.PhysicalID, false); gone(err) != nil {
			return err
		}
	}
	return gone(s.IAM.DeleteUser(ctx, r.Caller.Actor(), r.AccountID, r.PhysicalID))
}

// iamGroup is AWS::IAM::Group. Its physical id is its name.
type iamGroup struct{ Services }

func (iamGroup) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::IAM::Group", Attributes: []string{"Arn"}, Capability: "CAPABILITY_IAM", NameProperty: "GroupName",
		Properties: []property{{Name: "GroupName", CreateOnly: true}, {Name: "Path", CreateOnly: true}, {Name: "ManagedPolicyArns", Kind: cloudformation.List}, policiesProperty()},
	}
}

func (iamGroup) result(g localiam.Group) made {
	return made{PhysicalID: g.Name, Attributes: map[string]string{"Arn": g.ARN()}}
}

func (s iamGroup) Create(ctx context.Context, r request) (made, error) {
	h, err := wantedHolding(r.New)
	if err != nil {
		return made{}, err
	}
	n := nameOr(r, "GroupName", 128)
	ref := localiam.GroupRef(r.AccountID, n)
	if err := askNew(ctx, r, "iam:CreateGroup", "", nil, nil, arn.IAM(r.AccountID, "group"+pathOr(r.New)+n)); err != nil {
		return made{}, err
	}
	if r.Resumed {
		g, err := s.IAM.Group(ctx, r.AccountID, n)
		if mine, err := found(r, g.CreatedAt, err); err != nil {
			return made{}, err
		} else if mine {
			return s.result(g), s.hold(ctx, r, ref, h)
		}
	}
	g, err := s.IAM.CreateGroup(ctx, r.Caller.Actor(), localiam.Group{Identity: localiam.Identity{AccountID: r.AccountID, Name: n, Path: pathOr(r.New)}})
	if err != nil {
		return made{}, err
	}
	return s.result(g), s.hold(ctx, r, ref, h)
}

func (s iamGroup) Update(ctx context.Context, r request) (made, error) {
	h, err := wantedHolding(r.New)
	if err != nil {
		return made{}, err
	}
	g, err := s.IAM.Group(ctx, r.AccountID, r.PhysicalID)
	if err != nil {
		return made{}, err
	}
	return s.result(g), s.hold(ctx, r, localiam.GroupRef(r.AccountID, g.Name), h)
}

func (s iamGroup) Delete(ctx context.Context, r request) error {
	if err := s.release(ctx, r, localiam.GroupRef(r.AccountID, r.PhysicalID)); err != nil {
		return gone(err)
	}
	return gone(s.IAM.DeleteGroup(ctx, r.Caller.Actor(), r.AccountID, r.PhysicalID))
}

// holders are the roles, users and groups that a policy's properties name.
func holders(r request, p props) []localiam.Ref {
	var out []localiam.Ref
	for _, n := range strs(p, "Roles") {
		out = append(out, localiam.RoleRef(r.AccountID, n))
	}
	for _, n := range strs(p, "Users") {
		out = append(out, localiam.UserRef(r.AccountID, n))
	}
	for _, n := range strs(p, "Groups") {
		out = append(out, localiam.GroupRef(r.AccountID, n))
	}
	return out
}

func holdersProperties() []property {
	return []property{{Name: "Roles", Kind: cloudformation.List}, {Name: "Users", Kind: cloudformation.List}, {Name: "Groups", Kind: cloudformation.List}}
}

// lost are the holders that the old properties name and the new do not.
func lost(r request) []localiam.Ref {
	now := holders(r, r.New)
	return slices.DeleteFunc(holders(r, r.Old), func(ref localiam.Ref) bool { return slices.Contains(now, ref) })
}

// forHolder asks for an action on a role, user or group: "Attach" and "Policy" become iam:AttachRolePolicy.
func (s Services) forHolder(ctx context.Context, r request, verb string, ref localiam.Ref, more map[string][]string) error {
	_, name, err := s.IAM.Identity(ctx, ref)
	if err != nil {
		return err
	}
	return askWith(ctx, r, "iam:"+verb+string(ref.Kind)+"Policy", more, name)
}

// iamManagedPolicy is AWS::IAM::ManagedPolicy. Its physical id is its ARN.
type iamManagedPolicy struct{ Services }

func (iamManagedPolicy) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::IAM::ManagedPolicy", Attributes: []string{"PolicyArn", "PolicyId"}, Capability: "CAPABILITY_IAM", NameProperty: "ManagedPolicyName",
		Properties: append([]property{
			{Name: "ManagedPolicyName", CreateOnly: true}, {Name: "Path", CreateOnly: true}, {Name: "Description", CreateOnly: true},
			{Name: "PolicyDocument", Kind: cloudformation.Any, Required: true},
		}, holdersProperties()...),
	}
}

func (iamManagedPolicy) result(p localiam.ManagedPolicy) made {
	return made{PhysicalID: p.ARN(), Attributes: map[string]string{"PolicyArn": p.ARN(), "PolicyId": p.ID}}
}

func (s iamManagedPolicy) Create(ctx context.Context, r request) (made, error) {
	doc, err := document(r.New, "PolicyDocument")
	if err != nil {
		return made{}, err
	}
	n := nameOr(r, "ManagedPolicyName", 128)
	policyARN := arn.IAM(r.AccountID, "policy"+pathOr(r.New)+n)
	if err := askNew(ctx, r, "iam:CreatePolicy", "", nil, nil, policyARN); err != nil {
		return made{}, err
	}
	if r.Resumed {
		p, err := s.IAM.Policy(ctx, r.AccountID, policyARN)
		if mine, err := found(r, p.CreatedAt, err); err != nil {
			return made{}, err
		} else if mine {
			return s.result(p), s.attach(ctx, r, policyARN)
		}
	}
	p, err := s.IAM.CreatePolicy(ctx, r.Caller.Actor(), localiam.ManagedPolicy{AccountID: r.AccountID, Name: n, Path: pathOr(r.New), Description: str(r.New, "Description")}, doc)
	if err != nil {
		return made{}, err
	}
	return s.result(p), s.attach(ctx, r, policyARN)
}

// attach brings the holders of a policy to those that are wanted.
func (s iamManagedPolicy) attach(ctx context.Context, r request, policyARN string) error {
	keys := map[string][]string{"iam:PolicyARN": {policyARN}}
	for _, ref := range lost(r) {
		err := s.forHolder(ctx, r, "Detach", ref, keys)
		if err == nil {
			err = s.IAM.Detach(ctx, r.Caller.Actor(), ref, policyARN)
		}
		if gone(err) != nil {
			return err
		}
	}
	for _, ref := range holders(r, r.New) {
		if err := s.forHolder(ctx, r, "Attach", ref, keys); err != nil {
			return err
		}
		if err := s.IAM.Attach(ctx, r.Caller.Actor(), ref, policyARN); err != nil {
			return err
		}
	}
	return nil
}

// Update puts a new version in force. The oldest goes when there is room for no more.
func (s iamManagedPolicy) Update(ctx context.Context, r request) (made, error) {
	doc, err := document(r.New, "PolicyDocument")
	if err != nil {
		return made{}, err
	}
	p, err := s.IAM.Policy(ctx, r.AccountID, r.PhysicalID)
	if err != nil {
		return made{}, err
	}
	if p.Document() != doc {
		if err := s.version(ctx, r, p, doc); err != nil {
			return made{}, err
		}
	}
	return s.result(p), s.attach(ctx, r, p.ARN())
}

func (s iamManagedPolicy) version(ctx context.Context, r request, p localiam.ManagedPolicy, doc string) error {
	ref := localiam.PolicyRef{AccountID: r.AccountID, ARN: p.ARN()}
	const most = 5
	if len(p.Versions) >= most {
		i := slices.IndexFunc(p.Versions, func(v localiam.PolicyVersion) bool { return v.Number != p.Default })
		if err := ask(ctx, r, "iam:DeletePolicyVersion", p.ARN()); err != nil {
			return err
		}
		if err := gone(s.IAM.DeletePolicyVersion(ctx, r.Caller.Actor(), ref, p.Versions[i].Number)); err != nil {
			return err
		}
	}
	if err := ask(ctx, r, "iam:CreatePolicyVersion", p.ARN()); err != nil {
		return err
	}
	_, err := s.IAM.CreatePolicyVersion(ctx, r.Caller.Actor(), ref, localiam.NewVersion{Document: doc, IsDefault: true})
	return err
}

func (s iamManagedPolicy) Delete(ctx context.Context, r request) error {
	p, err := s.IAM.Policy(ctx, r.AccountID, r.PhysicalID)
	if err != nil {
		return gone(err)
	}
	if err := s.attach(ctx, r, p.ARN()); err != nil { // no properties are wanted: every holder is lost
		return err
	}
	ref := localiam.PolicyRef{AccountID: r.AccountID, ARN: p.ARN()}
	for _, v := range p.Versions {
		if v.Number == p.Default {
			continue
		}
		if err := ask(ctx, r, "iam:DeletePolicyVersion", p.ARN()); err != nil {
			return err
		}
		if err := gone(s.IAM.DeletePolicyVersion(ctx, r.Caller.Actor(), ref, v.Number)); err != nil {
			return err
		}
	}
	if err := ask(ctx, r, "iam:DeletePolicy", p.ARN()); err != nil {
		return err
	}
	return gone(s.IAM.DeletePolicy(ctx, r.Caller.Actor(), ref))
}

// iamPolicy is AWS::IAM::Policy: one inline policy of several roles, users and groups. Its physical id tells it from others.
type iamPolicy struct{ Services }

func (iamPolicy) Schema() cloudformation.Schema {
	return cloudformation.Schema{
		Type: "AWS::IAM::Policy", Attributes: []string{"Id"}, Capability: "CAPABILITY_IAM",
		Properties: append([]property{{Name: "PolicyName", Required: true, CreateOnly: true}, {Name: "PolicyDocument", Kind: cloudformation.Any, Required: true}}, holdersProperties()...),
	}
}

func (s iamPolicy) Create(ctx context.Context, r request) (made, error) {
	if len(holders(r, r.New)) == 0 {
		return made{}, fault.New(fault.Invalid, "At least one of [Groups,Roles,Users] must be non-empty.")
	}
	id := strings.ToLower(name(r, 64))
	return made{PhysicalID: id, Attributes: map[string]string{"Id": id}}, s.put(ctx, r)
}

func (s iamPolicy) put(ctx context.Context, r request) error {
	doc, err := document(r.New, "PolicyDocument")
	if err != nil {
		return err
	}
	if err := s.take(ctx, r, lost(r)); err != nil {
		return err
	}
	for _, ref := range holders(r, r.New) {
		if err := s.forHolder(ctx, r, "Put", ref, nil); err != nil {
			return err
		}
		if err := s.IAM.PutInline(ctx, r.Caller.Actor(), ref, localiam.InlinePolicy{Name: str(r.New, "PolicyName"), Document: doc}); err != nil {
			return err
		}
	}
	return nil
}

func (s iamPolicy) take(ctx context.Context, r request, from []localiam.Ref) error {
	for _, ref := range from {
		err := s.forHolder(ctx, r, "Delete", ref, nil)
		if err == nil {
			err = s.IAM.DeleteInline(ctx, r.Caller.Actor(), ref, str(r.Old, "PolicyName"))
		}
		if gone(err) != nil {
			return err
		}
	}
	return nil
}

func (s iamPolicy) Update(ctx context.Context, r request) (made, error) {
	if len(holders(r, r.New)) == 0 {
		return made{}, fault.New(fault.Invalid, "At least one of [Groups,Roles,Users] must be non-empty.")
	}
	return made{PhysicalID: r.PhysicalID, Attributes: map[string]string{"Id": r.PhysicalID}}, s.put(ctx, r)
}

func (s iamPolicy) Delete(ctx context.Context, r request) error {
	return s.take(ctx, r, holders(r, r.Old))
}
