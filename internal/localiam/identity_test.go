package localiam

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/policy"
)

func TestReservedRoles(t *testing.T) {
	t.Parallel()
	w := start(t)
	const name = "AWSReservedSSO_Ops_0123456789abcdef"
	provider := try[SAMLProvider](t)(w.EnsureSAMLProvider(ctx, actor, member, "<md/>"))
	r := w.reserved(t, name)
	if !strings.Contains(r.TrustPolicy, provider.ARN()) || r.ARN() != "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/"+name {
		t.Errorf("got %+v", r)
	}
	events := len(w.store.events)
	again := w.reserved(t, name)
	if again.ID != r.ID || again.Revision != r.Revision || len(w.store.events) != events {
		t.Error("the same role was written again")
	}
	try[SAMLProvider](t)(w.EnsureSAMLProvider(ctx, actor, member, "<md/>"))
	if len(w.store.events) != events {
		t.Error("the same provider was written again")
	}

	missing := r
	missing.Attached = []string{"arn:aws:iam::444455556666:policy/team/Limits"}
	_, err := w.PutRole(ctx, actor, missing)
	wantFault(t, err, fault.NotFound, "policy")
	if f := fault.Of(err); f == nil || !strings.Contains(f.Message, "policy/team/Limits") {
		t.Errorf("the policy is not named: %v", err)
	}
	if now := try[Role](t)(w.Role(ctx, member, name)); !slices.Equal(now.Attached, r.Attached) {
		t.Error("the role changed although it failed")
	}
	unknown := r
	unknown.Attached = []string{"arn:aws:iam::aws:policy/NoSuchPolicy"}
	_, err = w.PutRole(ctx, actor, unknown)
	wantFault(t, err, fault.NotFound, "policy")

	ref := RoleRef(member, name)
	text := "Cannot perform the operation on the protected role 'AWSReservedSSO_Ops_0123456789abcdef' - this role is only modifiable by AWS"
	d := "x"
	for what, err := range map[string]error{
		"attach": w.Attach(ctx, actor, ref, administratorAccess), "detach": w.Detach(ctx, actor, ref, administratorAccess),
		"put inline": w.PutInline(ctx, actor, ref, InlinePolicy{"a", allowAll}), "delete inline": w.DeleteInline(ctx, actor, ref, "a"),
		"boundary": w.SetBoundary(ctx, actor, ref, administratorAccess), "tag": w.Tag(ctx, actor, ref, map[string]string{"a": "b"}), "untag": w.Untag(ctx, actor, ref, []string{"a"}),
		"trust": w.SetTrust(ctx, actor, ref, trustAccount(member)), "update": w.UpdateRole(ctx, actor, ref, RoleChange{Description: &d}), "delete": w.DeleteRole(ctx, actor, member, name),
	} {
		if f := fault.Of(err); f == nil || f.Kind != fault.Denied || f.Reason != "unmodifiable" || f.Message != text {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err = w.CreateRole(ctx, actor, Role{Identity: Identity{AccountID: member, Name: "x", Path: "/aws-reserved/x/"}, TrustPolicy: trustAccount(member)})
	wantFault(t, err, fault.Invalid, "")

	cr := try[Credentials](t)(w.IssueForSSO(ctx, SSOSession{AccountID: member, RoleName: name, SessionName: "ann@example.com", PersonID: "u-1", Duration: 4 * time.Hour, Tags: map[string]string{"Team": "red"}}))
	if cr.ARN != "arn:aws:sts::444455556666:assumed-role/"+name+"/ann@example.com" || !cr.Expires.Equal(w.now().Add(4*time.Hour)) {
		t.Errorf("got %+v", cr)
	}
	c := try[Credential](t)(w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)).Caller
	if c.PersonID != "u-1" {
		t.Errorf("got %+v", c)
	}
	if err := w.Authorize(ctx, c, Check{Action: "iam:ListRoles"}); err != nil {
		t.Error(err)
	}
	_, err = w.IssueForSSO(ctx, SSOSession{AccountID: member, RoleName: w.role(t, "Plain").Name, SessionName: "ann", Duration: time.Hour})
	wantFault(t, err, fault.NotFound, "")
	_, err = w.IssueForSSO(ctx, SSOSession{AccountID: member, RoleName: name, SessionName: "ann", Duration: 13 * time.Hour})
	wantFault(t, err, fault.Invalid, "")

	w.pass(time.Second)
	if err := w.RevokePersonSessions(ctx, actor, "u-1"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)
	wantFault(t, err, fault.Unauthenticated, ReasonExpired)

	wantFault(t, w.RemoveRole(ctx, actor, member, "Plain"), fault.Conflict, "")
	for range 2 {
		if err := w.RemoveRole(ctx, actor, member, name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIAMRules(t *testing.T) {
	t.Parallel()
	w := start(t)
	r := w.role(t, "R", allowS3)
	_, err := w.CreateRole(ctx, actor, Role{Identity: Identity{AccountID: member, Name: "r"}, TrustPolicy: trustAccount(member)})
	wantFault(t, err, fault.Conflict, "exists")
	for name, bad := range map[string]Role{
		"name":     {Identity: Identity{Name: "a b"}, TrustPolicy: trustAccount(member)},
		"path":     {Identity: Identity{Name: "x", Path: "x"}, TrustPolicy: trustAccount(member)},
		"trust":    {Identity: Identity{Name: "x"}, TrustPolicy: allowS3},
		"no trust": {Identity: Identity{Name: "x"}},
		"duration": {Identity: Identity{Name: "x"}, TrustPolicy: trustAccount(member), MaxSessionDuration: time.Minute},
		"tag":      {Identity: Identity{Name: "x", Tags: map[string]string{"a": "1", "A": "2"}}, TrustPolicy: trustAccount(member)},
	} {
		bad.AccountID = member
		if _, err := w.CreateRole(ctx, actor, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ref := RoleRef(member, "R")
	wantFault(t, w.DeleteRole(ctx, actor, member, "R"), fault.Conflict, "in-use")
	wantFault(t, w.PutInline(ctx, actor, ref, InlinePolicy{"p", `{"Version":"2012-10-17"}`}), fault.Invalid, "malformed-policy")
	wide := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::` + strings.Repeat("x", 10300) + `"]}]}`
	wantFault(t, w.PutInline(ctx, actor, ref, InlinePolicy{"q", wide}), fault.Quota, "")
	if got := try[string](t)(w.Inline(ctx, ref, "p0")); got != allowS3 {
		t.Errorf("got %q", got)
	}
	_, err = w.Inline(ctx, ref, "none")
	wantFault(t, err, fault.NotFound, "")
	for range 2 { // attaching twice is success
		if err := w.Attach(ctx, actor, ref, administratorAccess); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Detach(ctx, actor, ref, administratorAccess); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.Detach(ctx, actor, ref, administratorAccess), fault.NotFound, "")
	wantFault(t, w.Attach(ctx, actor, RoleRef(member, "none"), administratorAccess), fault.NotFound, "")
	if err := w.DeleteInline(ctx, actor, ref, "p0"); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteRole(ctx, actor, member, "r"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Role(ctx, member, r.Name)
	wantFault(t, err, fault.NotFound, "")

	u := User{Identity{AccountID: member, Name: "u"}}
	try[User](t)(w.CreateUser(ctx, actor, u))
	k := try[NewKey](t)(w.CreateAccessKey(ctx, actor, member, "u"))
	wantFault(t, w.DeleteUser(ctx, actor, member, "u"), fault.Conflict, "in-use")
	if got := try[string](t)(w.KeyAccount(ctx, k.ID)); got != member {
		t.Errorf("got account %s", got)
	}
	if err := w.DeleteAccessKey(ctx, actor, KeyRef{member, "u", k.ID}); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteUser(ctx, actor, member, "u"); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentAttachmentsAllHold(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.role(t, "R")
	var arns []string
	for _, p := range policy.Builtin().All()[:6] {
		arns = append(arns, p.ARN)
	}
	var wg sync.WaitGroup
	for _, a := range arns {
		wg.Go(func() {
			if err := w.Attach(ctx, actor, RoleRef(member, "R"), a); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r := try[Role](t)(w.Role(ctx, member, "R"))
	if len(r.Attached) != len(arns) {
		t.Errorf("got %d attachments, want %d", len(r.Attached), len(arns))
	}
}

func TestEveryChangeWritesAnEvent(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.role(t, "R", allowS3)
	last := w.store.events[len(w.store.events)-1]
	if last.Action != "iam:PutRolePolicy" || last.Resource != "arn:aws:iam::444455556666:role/R" || last.Outcome != "success" || !last.At.Equal(w.now()) {
		t.Errorf("got %+v", last)
	}
	for generation, e := range w.store.events {
		if e.Action == "" || e.Resource == "" {
			t.Errorf("event %d is empty", generation)
		}
	}
}
