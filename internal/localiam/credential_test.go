package localiam

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestLongTermKey(t *testing.T) {
	t.Parallel()
	w := start(t)
	k := try[NewKey](t)(w.CreateAdministrator(ctx, actor, management, "admin"))
	if strings.Contains(string(k.SealedSecret), k.Secret) {
		t.Error("the secret is stored in clear")
	}
	c := try[Credential](t)(w.Credential(ctx, k.ID, ""))
	if c.Secret != k.Secret || c.Caller.ARN != "arn:aws:iam::111122223333:user/admin" || c.Caller.Kind != KindUser || !strings.HasPrefix(c.Caller.UserID, "AIDA") {
		t.Errorf("got %+v", c.Caller)
	}
	for _, tt := range []struct{ name, id, token string }{{"unknown", "AKIAAAAAAAAAAAAAAAAA", ""}, {"with a token", k.ID, "x"}, {"no form", "x", ""}, {"empty", "", ""}} {
		_, err := w.Credential(ctx, tt.id, tt.token)
		if f := fault.Of(err); f == nil || f.Reason != ReasonUnknownKey {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	ref := KeyRef{management, "ADMIN", k.ID}
	if err := w.SetAccessKeyActive(ctx, actor, ref, false); err != nil {
		t.Fatal(err)
	}
	_, err := w.Credential(ctx, k.ID, "")
	wantFault(t, err, fault.Unauthenticated, ReasonUnknownKey)
	if err := w.SetAccessKeyActive(ctx, actor, ref, true); err != nil {
		t.Fatal(err)
	}
	try[Credential](t)(w.Credential(ctx, k.ID, ""))
	try[NewKey](t)(w.CreateAccessKey(ctx, actor, management, "admin"))
	_, err = w.CreateAccessKey(ctx, actor, management, "admin")
	wantFault(t, err, fault.Quota, "")
	wantFault(t, w.DeleteAccessKey(ctx, actor, KeyRef{member, "admin", k.ID}), fault.NotFound, "")
	if err := w.DeleteAccessKey(ctx, actor, ref); err != nil {
		t.Fatal(err)
	}
	_, err = w.Credential(ctx, k.ID, "")
	wantFault(t, err, fault.Unauthenticated, ReasonUnknownKey)
}

func TestASealedSecretBelongsToItsKey(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := try[NewKey](t)(w.CreateAdministrator(ctx, actor, management, "a"))
	b := try[NewKey](t)(w.CreateAdministrator(ctx, actor, management, "b"))
	stored := w.store.keys[a.ID]
	stored.SealedSecret = w.store.keys[b.ID].SealedSecret
	w.store.keys[a.ID] = stored
	_, err := w.Credential(ctx, a.ID, "")
	wantFault(t, err, fault.Internal, "")
}

func TestAssumedRoleSession(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	r := w.role(t, "Builder", allowS3)
	cr, c := w.assume(t, admin, SessionRequest{RoleARN: r.ARN(), SessionName: "run-1"})
	if cr.ARN != "arn:aws:sts::444455556666:assumed-role/Builder/run-1" || cr.UserID != r.ID+":run-1" || !cr.Expires.Equal(w.now().Add(time.Hour)) {
		t.Errorf("got %+v", cr)
	}
	if c.ARN != cr.ARN || c.UserID != cr.UserID || c.Kind != KindRoleSession || c.PrincipalARN != r.ARN() {
		t.Errorf("got %+v", c)
	}
	if err := w.Authorize(ctx, c, Check{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}); err != nil {
		t.Error(err)
	}
	err := w.Authorize(ctx, c, Check{Action: "iam:CreateRole", Resource: "arn:aws:iam::444455556666:role/x"})
	wantFault(t, err, fault.Denied, "")
	want := "User: arn:aws:sts::444455556666:assumed-role/Builder/run-1 is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::444455556666:role/x because no identity-based policy allows the iam:CreateRole action"
	if got := fault.Shown(err); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for name, tt := range map[string]struct{ key, token string }{
		"no token":                   {cr.AccessKeyID, ""},
		"another's token":            {"ASIAAAAAAAAAAAAAAAAA", cr.SessionToken},
		"token cut":                  {cr.AccessKeyID, cr.SessionToken[:len(cr.SessionToken)-8]},
		"token altered":              {cr.AccessKeyID, cr.SessionToken[:40] + flip(cr.SessionToken[40]) + cr.SessionToken[41:]},
		"not base64":                 {cr.AccessKeyID, "%%%"},
		"too long":                   {cr.AccessKeyID, strings.Repeat("A", maxToken+4)},
		"a temporary key's id alone": {"ASIA", "AAAA"},
	} {
		_, err := w.Credential(ctx, tt.key, tt.token)
		if f := fault.Of(err); f == nil || f.Reason != ReasonUnknownKey {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// flip returns another character of base64.
func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	r := w.role(t, "Builder", allowS3)
	request := SessionRequest{RoleARN: r.ARN(), SessionName: "run-1", Duration: 15 * time.Minute}
	cr, _ := w.assume(t, admin, request)

	w.pass(15*time.Minute - time.Millisecond)
	try[Credential](t)(w.Credential(ctx, cr.AccessKeyID, cr.SessionToken))
	w.pass(time.Millisecond)
	_, err := w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)
	wantFault(t, err, fault.Unauthenticated, ReasonExpired)

	cr, _ = w.assume(t, admin, request)
	w.pass(time.Second)
	if err := w.RevokeRoleSessions(ctx, actor, member, "Builder"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)
	wantFault(t, err, fault.Unauthenticated, ReasonExpired)
	cr, c := w.assume(t, admin, request) // issued at the moment of the revocation: lives

	if err := w.DeleteInline(ctx, actor, RoleRef(member, "Builder"), "p0"); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.Authorize(ctx, c, Check{Action: "s3:GetObject"}), fault.Denied, "") // policies are live
	if err := w.DeleteRole(ctx, actor, member, "Builder"); err != nil {
		t.Fatal(err)
	}
	w.role(t, "Builder", allowS3) // the same name, another role
	_, err = w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)
	wantFault(t, err, fault.Unauthenticated, ReasonUnknownKey)
	wantFault(t, w.Authorize(ctx, c, Check{Action: "s3:GetObject"}), fault.Unauthenticated, ReasonUnknownKey)
}

func FuzzSessionToken(f *testing.F) {
	w := start(f)
	cr, err := w.SessionToken(ctx, w.admin(f, member), 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cr.AccessKeyID, cr.SessionToken+"A")
	f.Add("ASIA", "")
	f.Add("AKIA", "AAAA")
	f.Fuzz(func(t *testing.T, id, token string) {
		if id == cr.AccessKeyID && token == cr.SessionToken {
			return
		}
		if _, err := w.Credential(ctx, id, token); !fault.Is(err, fault.Unauthenticated) && !(err == nil && strings.HasPrefix(id, "AKIA")) {
			t.Fatalf("got %v", err)
		}
	})
}

func BenchmarkIssueForSSO(b *testing.B) {
	w := start(b)
	w.reserved(b, "AWSReservedSSO_Ops_0123456789abcdef")
	in := SSOSession{AccountID: member, RoleName: "AWSReservedSSO_Ops_0123456789abcdef", SessionName: "ann@example.com", PersonID: "u-1", Duration: time.Hour}
	for b.Loop() {
		if _, err := w.IssueForSSO(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCredentialAndAuthorize(b *testing.B) {
	w := start(b)
	w.reserved(b, "AWSReservedSSO_Ops_0123456789abcdef")
	cr, err := w.IssueForSSO(ctx, SSOSession{AccountID: member, RoleName: "AWSReservedSSO_Ops_0123456789abcdef", SessionName: "ann@example.com", PersonID: "u-1", Duration: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c, err := w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Authorize(ctx, c.Caller, Check{Action: "iam:ListRoles"}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestClaimsHaveNamesOfTheirOwn: of two fields with one name, JSON would drop both without a word, and a session would lose what binds it.
func TestClaimsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for i := range reflect.TypeFor[claims]().NumField() {
		f := reflect.TypeFor[claims]().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || seen[name] != "" {
			t.Errorf("%s and %s are both %q", f.Name, seen[name], name)
		}
		seen[name] = f.Name
	}
}
