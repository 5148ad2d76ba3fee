package localiam

import (
	"context"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestAssumeRoleIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	outsider := w.admin(t, management)
	open := w.role(t, "Open", allowS3)
	powerless := Caller{}
	{
		try[User](t)(w.CreateUser(ctx, actor, User{Identity{AccountID: member, Name: "nobody"}}))
		k := try[NewKey](t)(w.CreateAccessKey(ctx, actor, member, "nobody"))
		powerless = try[Credential](t)(w.Credential(ctx, k.ID, "")).Caller
	}
	guarded := w.role(t, "Guarded")
	if err := w.SetTrust(ctx, actor, RoleRef(member, "Guarded"), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+management+`"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"42"}}}]}`); err != nil {
		t.Fatal(err)
	}
	w.reserved(t, "AWSReservedSSO_Ops_0123456789abcdef")
	_, chained := w.assume(t, admin, SessionRequest{RoleARN: w.role(t, "Chain", allowAll).ARN(), SessionName: "xx"})
	tests := []struct {
		name   string
		caller Caller
		in     SessionRequest
		kind   fault.Kind
		text   string
	}{
		{"not trusted", outsider, SessionRequest{RoleARN: open.ARN(), SessionName: "xx"}, fault.Denied, "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/Open"},
		{"trusted account, but no permission of his own", powerless, SessionRequest{RoleARN: open.ARN(), SessionName: "xx"}, fault.Denied, "not authorized"},
		{"does not exist", admin, SessionRequest{RoleARN: "arn:aws:iam::444455556666:role/None", SessionName: "xx"}, fault.Denied, "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/None"},
		{"other path", admin, SessionRequest{RoleARN: "arn:aws:iam::444455556666:role/p/Open", SessionName: "xx"}, fault.Denied, "not authorized"},
		{"not a role", admin, SessionRequest{RoleARN: "arn:aws:iam::444455556666:user/Open", SessionName: "xx"}, fault.Invalid, "is invalid"},
		{"reserved role", admin, SessionRequest{RoleARN: "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123456789abcdef", SessionName: "xx"}, fault.Denied, "not authorized"},
		{"external id missing", outsider, SessionRequest{RoleARN: guarded.ARN(), SessionName: "xx"}, fault.Denied, "not authorized"},
		{"external id wrong", outsider, SessionRequest{RoleARN: guarded.ARN(), SessionName: "xx", ExternalID: "43"}, fault.Denied, "not authorized"},
		{"tags not trusted", outsider, SessionRequest{RoleARN: guarded.ARN(), SessionName: "xx", ExternalID: "42", Tags: map[string]string{"a": "b"}}, fault.Denied, "sts:TagSession"},
		{"source identity not trusted", outsider, SessionRequest{RoleARN: guarded.ARN(), SessionName: "xx", ExternalID: "42", SourceIdentity: "me"}, fault.Denied, "sts:SetSourceIdentity"},
		{"longer than the role allows", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", Duration: 2 * time.Hour}, fault.Invalid, "exceeds the MaxSessionDuration"},
		{"too short", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", Duration: time.Minute}, fault.Invalid, "between 900 and 43200"},
		{"bad session name", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "a b"}, fault.Invalid, "role session name"},
		{"session policy is none", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", Policy: "{"}, fault.Invalid, "Syntax errors in policy"},
		{"session policy unknown", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", PolicyARNs: []string{"arn:aws:iam::aws:policy/None"}}, fault.Invalid, "does not exist"},
		{"too much to pack", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", Policy: allowAll + strings.Repeat(" ", maxPacked)}, fault.Quota, "packed"},
		{"transitive key is no tag", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", TransitiveTags: []string{"a"}}, fault.Invalid, "not among the tags"},
		{"reserved tag key", admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", Tags: map[string]string{"AWS:x": "b"}}, fault.Invalid, "tag key"},
		{"nobody", Caller{}, SessionRequest{RoleARN: open.ARN(), SessionName: "xx"}, fault.Denied, "not authorized"},
	}
	for _, tt := range tests {
		_, err := w.AssumeRole(ctx, tt.caller, tt.in)
		if f := fault.Of(err); f == nil || f.Kind != tt.kind || !strings.Contains(f.Message, tt.text) {
			t.Errorf("%s: got %v, want %v %q", tt.name, err, tt.kind, tt.text)
		}
	}
	w.assume(t, outsider, SessionRequest{RoleARN: guarded.ARN(), SessionName: "xx", ExternalID: "42"})
	if err := w.SetTrust(ctx, actor, RoleRef(member, "Guarded"), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`); err != nil {
		t.Fatal(err)
	}
	w.assume(t, outsider, SessionRequest{RoleARN: guarded.ARN(), SessionName: "xx"})
	_, err := w.AssumeRole(ctx, Caller{}, SessionRequest{RoleARN: guarded.ARN(), SessionName: "xx"})
	wantFault(t, err, fault.Denied, "")
	long := time.Duration(12 * time.Hour)
	if err := w.UpdateRole(ctx, actor, RoleRef(member, "Open"), RoleChange{MaxSessionDuration: &long}); err != nil {
		t.Fatal(err)
	}
	w.assume(t, admin, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", Duration: 2 * time.Hour})
	_, err = w.AssumeRole(ctx, chained, SessionRequest{RoleARN: open.ARN(), SessionName: "xx", Duration: 2 * time.Hour})
	if f := fault.Of(err); f == nil || !strings.Contains(f.Message, "role chaining") {
		t.Errorf("chained: got %v", err)
	}
}

func TestSessionPoliciesNarrow(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	r := w.role(t, "All", allowAll)
	p := try[ManagedPolicy](t)(w.CreatePolicy(ctx, actor, ManagedPolicy{AccountID: member, Name: "S3"}, allowS3))
	for name, in := range map[string]SessionRequest{"inline": {Policy: allowS3}, "managed": {PolicyARNs: []string{p.ARN()}}} {
		in.RoleARN, in.SessionName = r.ARN(), "xx"
		_, c := w.assume(t, admin, in)
		if err := w.Authorize(ctx, c, Check{Action: "s3:GetObject"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		err := w.Authorize(ctx, c, Check{Action: "iam:GetRole"})
		if f := fault.Of(err); f == nil || !strings.HasSuffix(f.Message, "because no session policy allows the iam:GetRole action") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTransitiveTagsAndSourceIdentityPassOn(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	first := w.role(t, "First", allowAll)
	second := w.role(t, "Second", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"red","aws:SourceIdentity":"ann"},"Null":{"aws:PrincipalTag/other":"true"}}}]}`)
	_, c1 := w.assume(t, admin, SessionRequest{RoleARN: first.ARN(), SessionName: "xx", Tags: map[string]string{"team": "red", "other": "x"}, TransitiveTags: []string{"Team"}, SourceIdentity: "ann"})
	_, c2 := w.assume(t, c1, SessionRequest{RoleARN: second.ARN(), SessionName: "yy"})
	if err := w.Authorize(ctx, c2, Check{Action: "s3:GetObject"}); err != nil {
		t.Error(err)
	}
	_, err := w.AssumeRole(ctx, c1, SessionRequest{RoleARN: second.ARN(), SessionName: "yy", Tags: map[string]string{"TEAM": "blue"}})
	wantFault(t, err, fault.Invalid, "")
	_, err = w.AssumeRole(ctx, c1, SessionRequest{RoleARN: second.ARN(), SessionName: "yy", SourceIdentity: "bob"})
	wantFault(t, err, fault.Denied, "")
	// A caller cannot pass off keys of the principal as keys of his request.
	_, plain := w.assume(t, admin, SessionRequest{RoleARN: second.ARN(), SessionName: "yy"})
	wantFault(t, w.Authorize(ctx, plain, Check{Action: "s3:GetObject", Context: map[string][]string{"aws:PrincipalTag/Team": {"red"}, "aws:SourceIdentity": {"ann"}}}), fault.Denied, "")
}

func TestAccountAccessRole(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin, stranger := w.admin(t, management), w.admin(t, "777788889999")
	for range 2 {
		if err := w.EnsureAccount(ctx, actor, member, management); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.EnsureAccount(ctx, actor, management, management); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Role(ctx, management, AccountAccessRole); !fault.Is(err, fault.NotFound) {
		t.Errorf("the management account has the role: %v", err)
	}
	in := SessionRequest{RoleARN: "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole", SessionName: "admin"}
	_, c := w.assume(t, admin, in)
	if err := w.Authorize(ctx, c, Check{Action: "iam:CreateRole", Resource: "arn:aws:iam::444455556666:role/x"}); err != nil {
		t.Error(err)
	}
	wantFault(t, w.Authorize(ctx, c, Check{Action: "iam:CreateRole", Resource: "arn:aws:iam::111122223333:role/x"}), fault.Denied, "") // another account's
	_, err := w.AssumeRole(ctx, stranger, in)
	wantFault(t, err, fault.Denied, "")
}

func TestSessionToken(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin(t, member)
	cr := try[Credentials](t)(w.SessionToken(ctx, admin, 0))
	c := try[Credential](t)(w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)).Caller
	if c.ARN != admin.ARN || !c.Temporary() || !cr.Expires.Equal(w.now().Add(12*time.Hour)) {
		t.Errorf("got %+v", c)
	}
	if err := w.Authorize(ctx, c, Check{Action: "s3:GetObject"}); err != nil {
		t.Error(err)
	}
	wantFault(t, w.Authorize(ctx, c, Check{Action: "IAM:GetRole"}), fault.Denied, "")
	_, err := w.SessionToken(ctx, c, 0)
	wantFault(t, err, fault.Denied, "")
	_, err = w.SessionToken(ctx, admin, 37*time.Hour)
	wantFault(t, err, fault.Invalid, "")
}

// asserts is an Assertions that says what a test wants.
type asserts struct {
	said Assertion
	err  error
}

func (a *asserts) VerifyAssertion(context.Context, SAMLProvider, string, time.Time) (Assertion, error) {
	return a.said, a.err
}

func TestAssumeRoleWithSAML(t *testing.T) {
	t.Parallel()
	a := &asserts{}
	w := start(t, func(c *Config) { c.SAML = a })
	provider := try[SAMLProvider](t)(w.EnsureSAMLProvider(ctx, actor, member, "<md/>"))
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + provider.ARN() + `"},"Action":"sts:AssumeRoleWithSAML","Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}]}`
	r := try[Role](t)(w.CreateRole(ctx, actor, Role{Identity: Identity{AccountID: member, Name: "Fed"}, TrustPolicy: trust}))
	reserved := w.reserved(t, "AWSReservedSSO_Ops_0123456789abcdef")
	good := Assertion{Roles: []RoleGrant{{r.ARN(), provider.ARN()}, {reserved.ARN(), provider.ARN()}}, SessionName: "ann", Audience: "https://signin.aws.amazon.com/saml", Subject: "ann", SubjectType: "persistent", Issuer: "idp"}
	in := FederationRequest{RoleARN: r.ARN(), ProviderARN: provider.ARN(), Response: "x"}

	a.said = good
	cr, said, err := w.AssumeRoleWithSAML(ctx, in)
	if err != nil || said.Subject != "ann" || cr.ARN != "arn:aws:sts::444455556666:assumed-role/Fed/ann" {
		t.Fatalf("got %+v, %v", cr, err)
	}
	try[Credential](t)(w.Credential(ctx, cr.AccessKeyID, cr.SessionToken))

	refuse := func(name string, in FederationRequest, said Assertion, kind fault.Kind) {
		t.Helper()
		a.said = said
		_, _, err := w.AssumeRoleWithSAML(ctx, in)
		if !fault.Is(err, kind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	other := good
	other.Audience = "https://elsewhere"
	refuse("another audience", in, other, fault.Denied)
	none := good
	none.Roles = nil
	refuse("role not granted", in, none, fault.Denied)
	tagged := good
	tagged.Tags = map[string]string{"a": "b"}
	refuse("tags not trusted", in, tagged, fault.Denied)
	over := good
	over.NotOnOrAfter = w.now()
	refuse("session over", in, over, fault.Invalid)
	refuse("reserved role", FederationRequest{RoleARN: reserved.ARN(), ProviderARN: provider.ARN(), Response: "x"}, good, fault.Denied)
	refuse("unknown provider", FederationRequest{RoleARN: r.ARN(), ProviderARN: "arn:aws:iam::444455556666:saml-provider/None", Response: "x"}, good, fault.Denied)
	a.err = fault.New(fault.Invalid, "bad signature").For("assertion")
	// Without a good assertion a role that is there, one that is not and a reserved one are all the same.
	for _, role := range []string{r.ARN(), "arn:aws:iam::444455556666:role/None", reserved.ARN()} {
		_, _, err = w.AssumeRoleWithSAML(ctx, FederationRequest{RoleARN: role, ProviderARN: provider.ARN(), Response: "x"})
		wantFault(t, err, fault.Invalid, "assertion")
	}
	bare := start(t)
	_, _, err = bare.AssumeRoleWithSAML(ctx, in)
	wantFault(t, err, fault.Denied, "")
}
