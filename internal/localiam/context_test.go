package localiam

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

// TestContextsPassOnPeopleAndNotKeys: a session made with a context has its keys; one assumed with that has not, and ends with every person behind it.
func TestContextsPassOnPeopleAndNotKeys(t *testing.T) {
	t.Parallel()
	gone := map[string]bool{}
	w := start(t, func(c *Config) {
		c.Contexts = func(_ context.Context, account, assertion string) (PersonContext, error) {
			if account != member || assertion == "" {
				return PersonContext{}, fault.New(fault.Invalid, "not one of ours")
			}
			return PersonContext{UserID: assertion, Keys: map[string]string{"identitystore:UserId": assertion, "identitycenter:ApplicationArn": "arn:app"}}, nil
		}
		c.Person = func(_ context.Context, id string, _ time.Time) (bool, error) { return !gone[id], nil }
	})
	hers := func(id string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:SetContext"],"Resource":"*"},
			{"Effect":"Allow","Action":"s3:Get","Resource":"*","Condition":{"StringEquals":{"identitystore:UserId":"` + id + `"}}}]}`
	}
	role := w.role(t, "App", hers("ann"))
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + member + `"},"Action":["sts:AssumeRole","sts:SetContext"]}]}`
	if err := w.SetTrust(ctx, actor, RoleRef(member, "App"), trust); err != nil {
		t.Fatal(err)
	}
	with := func(people ...string) SessionRequest {
		in := SessionRequest{RoleARN: role.ARN(), SessionName: "job"}
		for _, p := range people {
			in.Contexts = append(in.Contexts, ProvidedContext{ContextProvider, p})
		}
		return in
	}
	may := func(c Caller, want bool, what string) {
		t.Helper()
		if err := w.Authorize(ctx, c, Check{Action: "s3:Get", Resource: "arn:aws:s3:::b"}); (err == nil) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	admin := w.admin(t, member)
	keys, ann := w.assume(t, admin, with("ann"))
	may(ann, true, "with her context")
	_, plain := w.assume(t, admin, with())
	may(plain, false, "without one")
	_, bob := w.assume(t, admin, with("bob"))
	may(bob, false, "with another's")
	next, chained := w.assume(t, ann, with())
	may(chained, false, "a role assumed with her session")
	both, second := w.assume(t, ann, with("bob"))
	may(second, false, "a role assumed with her session, for another")

	for what, in := range map[string]SessionRequest{
		"two contexts": with("ann", "ann"), "an empty one": with(""),
		"another provider": {RoleARN: role.ARN(), SessionName: "job", Contexts: []ProvidedContext{{"arn:aws:iam::aws:contextProvider/Other", "ann"}}},
	} {
		if _, err := w.AssumeRole(ctx, admin, in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := w.AssumeRole(ctx, w.admin(t, management), with("ann"))
	wantFault(t, err, fault.Invalid, "")

	alive := func(c Credentials, want bool, what string) {
		t.Helper()
		if _, err := w.Credential(ctx, c.AccessKeyID, c.SessionToken); (err == nil) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	gone["bob"] = true
	alive(keys, true, "hers, when bob is gone")
	alive(both, false, "for bob, by her, when bob is gone")
	gone["bob"], gone["ann"] = false, true
	alive(keys, false, "hers, when she is gone")
	alive(next, false, "assumed with hers, when she is gone")
	alive(both, false, "for bob, by her, when she is gone")
	gone["ann"] = false
	alive(next, true, "assumed with hers, when she is back") // whether that may be is for Person to say
	w.pass(time.Second)
	if err := w.RevokePersonSessions(ctx, actor, "ann"); err != nil {
		t.Fatal(err)
	}
	alive(next, false, "assumed with hers, when her sessions are revoked")

	c := admin
	for i := range maxSubjects {
		_, c = w.assume(t, c, with(fmt.Sprint("p", i)))
	}
	_, err = w.AssumeRole(ctx, c, with("one more"))
	wantFault(t, err, fault.Invalid, "")
}

// TestActorsNeedBoth: neither the caller's policies nor the thing's decide alone.
func TestActorsNeedBoth(t *testing.T) {
	t.Parallel()
	w := start(t)
	const act = "sso-oauth:CreateTokenWithIAM"
	const app = "arn:aws:sso::444455556666:application/ssoins-0123456789abcdef/apl-0123456789abcdef"
	names := func(effect, who string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":{"AWS":"` + who + `"},"Action":"` + act + `","Resource":"*"}]}`
	}
	admin, stranger := w.admin(t, member), w.admin(t, management)
	try[User](t)(w.CreateUser(ctx, actor, User{Identity{AccountID: member, Name: "powerless"}}))
	k := try[NewKey](t)(w.CreateAccessKey(ctx, actor, member, "powerless"))
	powerless := try[Credential](t)(w.Credential(ctx, k.ID, "")).Caller
	for what, row := range map[string]struct {
		c      Caller
		actors string
		want   bool
	}{
		"named":                         {admin, names("Allow", admin.ARN), true},
		"by the account":                {admin, names("Allow", member), true},
		"everybody":                     {admin, names("Allow", "*"), true},
		"another is named":              {admin, names("Allow", stranger.ARN), false},
		"denied by name":                {admin, names("Deny", admin.ARN), false},
		"named, and not permitted":      {powerless, names("Allow", powerless.ARN), false},
		"everybody, and not permitted":  {powerless, names("Allow", "*"), false},
		"of another account, named":     {stranger, names("Allow", stranger.ARN), true},
		"of another account, not named": {stranger, names("Allow", member), false},
		"nobody":                        {Caller{}, names("Allow", "*"), false},
	} {
		err := w.AuthorizeActor(ctx, row.c, Check{Action: act, Resource: app, ResourceAccount: member}, row.actors)
		if (err == nil) != row.want || err != nil && !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := w.AuthorizeActor(ctx, admin, Check{Action: "sso-oauth:Other", Resource: app, ResourceAccount: member}, names("Allow", admin.ARN)); !fault.Is(err, fault.Denied) {
		t.Errorf("another action: %v", err)
	}
}
