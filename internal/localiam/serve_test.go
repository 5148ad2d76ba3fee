package localiam

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

const (
	portal     = "account-access.amazonaws.com"
	managerARN = "arn:aws:account-access:us-east-1:111122223333:application/aam-0123456789abcdef"
)

// lets is a trust policy that lets the service do some things, under a condition.
func lets(service, actions, condition string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":[%s],"Condition":{%s}}]}`, service, actions, condition)
}

func (w *world) trusting(t testing.TB, name, trust string) Role {
	t.Helper()
	eight := Role{Identity: Identity{AccountID: member, Name: name, Path: "/workforce/"}, TrustPolicy: trust, MaxSessionDuration: 8 * time.Hour}
	return try[Role](t)(w.CreateRole(ctx, actor, eight))
}

func visit(r Role) ServiceSession {
	return ServiceSession{RoleARN: r.ARN(), RoleID: r.ID, Service: portal, SourceARN: managerARN, SourceAccount: management, SessionName: "ann@example.com", PersonID: "u-1"}
}

func TestAServiceEntersTheRolesThatTrustIt(t *testing.T) {
	t.Parallel()
	const both, all = `"sts:AssumeRole","sts:SetContext"`, `"sts:AssumeRole","sts:SetContext","sts:TagSession"`
	const source = `"StringEquals":{"aws:SourceAccount":"111122223333","aws:SourceArn":"` + managerARN + `"}`
	const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"account-access.amazonaws.com"},"Action":"sts:*"},{"Effect":"Deny","Principal":"*","Action":"sts:TagSession"}]}`
	tags := map[string]string{"Team": "red"}
	for name, c := range map[string]struct {
		trust string
		tags  map[string]string
		ok    bool
		keeps bool // the session has the tags
	}{
		"both":                                {lets(portal, both, ""), nil, true, false},
		"with its source":                     {lets(portal, both, source), nil, true, false},
		"of its organization":                 {lets(portal, both, `"StringEquals":{"aws:SourceOrgID":"o-1"}`), nil, true, false},
		"of another organization":             {lets(portal, both, `"StringEquals":{"aws:SourceOrgID":"o-2"}`), nil, false, false},
		"from another account":                {lets(portal, both, `"StringEquals":{"aws:SourceAccount":"444455556666"}`), nil, false, false},
		"from another manager":                {lets(portal, both, `"ArnLike":{"aws:SourceArn":"arn:aws:account-access:*:*:application/aam-f*"}`), nil, false, false},
		"without SetContext":                  {lets(portal, `"sts:AssumeRole"`, ""), nil, false, false},
		"without AssumeRole":                  {lets(portal, `"sts:SetContext","sts:TagSession"`, ""), nil, false, false},
		"another service":                     {lets("sso.amazonaws.com", all, ""), nil, false, false},
		"an account":                          {trustAccount(management), nil, false, false},
		"tags":                                {lets(portal, all, ""), tags, true, true},
		"tags it does not speak of":           {lets(portal, both, ""), tags, true, false},
		"tags it denies":                      {deny, tags, false, false},
		"no tags, which it denies":            {deny, nil, true, false},
		"only with a tag":                     {lets(portal, all, `"StringEquals":{"aws:RequestTag/Team":"red"}`), tags, true, true},
		"only with another tag":               {lets(portal, all, `"StringEquals":{"aws:RequestTag/Team":"blue"}`), tags, false, false},
		"only with a tag it does not let in":  {lets(portal, both, `"StringEquals":{"aws:RequestTag/Team":"red"}`), tags, false, false},
		"only people by name":                 {lets(portal, both, `"StringLike":{"sts:RoleSessionName":"*@example.com"}`), nil, true, false},
		"only services":                       {lets(portal, both, `"Bool":{"aws:PrincipalIsAWSService":"true"}`), nil, true, false},
		"nobody of an account, though no one": {lets(portal, both, `"Null":{"aws:PrincipalArn":"false"}`), nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, func(c *Config) { c.Organization = someOrganization{} })
			r := w.trusting(t, "R", c.trust)
			in := visit(r)
			in.Tags = c.tags
			cr, err := w.IssueForService(ctx, in)
			if !c.ok {
				wantFault(t, err, fault.Denied, "trust")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if cr.ARN != "arn:aws:sts::444455556666:assumed-role/R/ann@example.com" || !cr.Expires.Equal(w.now().Add(8*time.Hour)) {
				t.Errorf("got %+v", cr)
			}
			caller := try[Credential](t)(w.Credential(ctx, cr.AccessKeyID, cr.SessionToken)).Caller
			if caller.PersonID != "u-1" || caller.session.Provider != "" || (len(caller.session.Tags) > 0) != c.keeps {
				t.Errorf("got %+v", caller.session)
			}
		})
	}
}

type someOrganization struct{}

func (someOrganization) Standing(context.Context, string) (Standing, error) {
	return Standing{OrganizationID: "o-1", Path: "o-1/r-1/"}, nil
}

func TestAServiceEntersTheVeryRoleThatWasMeant(t *testing.T) {
	t.Parallel()
	w := start(t)
	trust := lets(portal, `"sts:AssumeRole","sts:SetContext"`, "")
	r := w.trusting(t, "R", trust)
	first := try[Credentials](t)(w.IssueForService(ctx, visit(r)))

	short := visit(r)
	short.Duration = 9 * time.Hour
	_, err := w.IssueForService(ctx, short)
	wantFault(t, err, fault.Invalid, "")

	if err := w.SetTrust(ctx, actor, RoleRef(member, "R"), trustAccount(member)); err != nil {
		t.Fatal(err)
	}
	_, err = w.IssueForService(ctx, visit(r))
	wantFault(t, err, fault.Denied, "trust")

	if err := w.DeleteRole(ctx, actor, member, "R"); err != nil {
		t.Fatal(err)
	}
	_, err = w.IssueForService(ctx, visit(r))
	wantFault(t, err, fault.NotFound, "")
	again := w.trusting(t, "R", trust)
	_, err = w.IssueForService(ctx, visit(r))
	wantFault(t, err, fault.NotFound, "")
	if _, err := w.Credential(ctx, first.AccessKeyID, first.SessionToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("credentials of the role that was deleted: %v", err)
	}
	try[Credentials](t)(w.IssueForService(ctx, visit(again)))

	// Another path, another case of letters, and roles that services keep, are not that role.
	for _, name := range []string{"role/R", "role/workforce/r", "role/Workforce/R", "role/workforce/../workforce/R"} {
		in := visit(again)
		in.RoleARN = "arn:aws:iam::" + member + ":" + name
		_, err := w.IssueForService(ctx, in)
		wantFault(t, err, fault.NotFound, "")
	}
	reserved := w.reserved(t, "AWSReservedSSO_Ops_0123456789abcdef")
	_, err = w.IssueForService(ctx, visit(reserved))
	if wantFault(t, err, fault.Invalid, ""); err != nil && !strings.Contains(err.Error(), "reserved") {
		t.Error(err)
	}
}
