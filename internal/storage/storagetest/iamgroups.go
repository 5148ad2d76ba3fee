package storagetest

import (
	"fmt"
	"testing"

	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/storage/sqlstore"
)

func iamUser(name string) localiam.User {
	return localiam.User{Identity: localiam.Identity{AccountID: acct, Name: name, Path: "/", ID: "AIDA" + name, CreatedAt: epoch()}}
}

func iamGroup(name string) localiam.Group {
	return localiam.Group{Identity: localiam.Identity{AccountID: acct, Name: name, Path: "/", ID: "AGPA" + name, CreatedAt: epoch()}}
}

func userName(u localiam.User) string   { return u.Name }
func groupName(g localiam.Group) string { return g.Name }

func testIAMGroups(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	p := iamPolicy("Read")
	ok(t, s.SavePolicy(ctx, p, event("x", "x")))
	g := iamGroup("Team")
	g.Path, g.Attached, g.Inline = "/t/", []string{p.ARN()}, map[string]string{"p": "{ }"}
	ok(t, s.SaveGroup(ctx, g, event("x", "x")))
	ok(t, s.SaveUser(ctx, iamUser("team"), event("x", "x"))) // users and groups do not share names
	want{fault.Conflict, "exists", "", "GROUP", ""}.check(t, s.SaveGroup(ctx, iamGroup("TEAM"), event("x", "x")))
	g.Revision = 1
	same(t, "group", must(s.Group(ctx, acct, "tEAM"))(t), g)
	same(t, "groups by path", must(s.Groups(ctx, acct, "/t/", "", 9))(t), []localiam.Group{g})
	same(t, "who has the policy", must(s.PolicyUses(ctx, acct, []string{p.ARN()}))(t), map[string]localiam.PolicyUse{p.ARN(): {Policies: 1}})
	want{kind: fault.Conflict, reason: "attached", resource: "POLICY"}.check(t, s.DeletePolicy(ctx, acct, "read", 1, event("x", "x")))

	m := func(group, user string) localiam.Membership {
		return localiam.Membership{AccountID: acct, Group: group, User: user}
	}
	want{fault.NotFound, "group", "", "GROUP", "none"}.check(t, s.AddMember(ctx, m("none", "team"), event("x", "x")))
	want{fault.NotFound, "user", "", "USER", "none"}.check(t, s.AddMember(ctx, m("Team", "none"), event("x", "x")))
	for i := range 5 {
		ok(t, s.SaveUser(ctx, iamUser(fmt.Sprint("U", i)), event("x", "x")))
		before := must(s.Generation(ctx, acct))(t)
		ok(t, s.AddMember(ctx, m("team", fmt.Sprint("u", i)), event("x", "x")))
		ok(t, s.AddMember(ctx, m("TEAM", fmt.Sprint("U", i)), event("x", "x")))
		if now := must(s.Generation(ctx, acct))(t); now < before+1 {
			t.Errorf("adding a member left the generation at %d", now)
		}
	}
	ok(t, s.SaveGroup(ctx, iamGroup("alpha"), event("x", "x")))
	ok(t, s.AddMember(ctx, m("alpha", "u3"), event("x", "x")))
	same(t, "members", keys(pages(t, 2, userName, func(after string, n int) ([]localiam.User, error) { return s.Members(ctx, acct, "team", after, n) }), userName), []string{"U0", "U1", "U2", "U3", "U4"})
	same(t, "groups of a user", keys(pages(t, 1, groupName, func(after string, n int) ([]localiam.Group, error) { return s.GroupsOf(ctx, acct, "U3", after, n) }), groupName), []string{"alpha", "Team"})
	want{fault.Conflict, "groups", "", "USER", ""}.check(t, s.DeleteUser(ctx, acct, "u0", 1, event("x", "x")))
	want{fault.Conflict, "members", "", "GROUP", ""}.check(t, s.DeleteGroup(ctx, acct, "alpha", 1, event("x", "x")))
	ok(t, s.RemoveMember(ctx, m("ALPHA", "U3"), event("x", "x")))
	want{kind: fault.NotFound, resource: "MEMBERSHIP"}.check(t, s.RemoveMember(ctx, m("ALPHA", "U3"), event("x", "x")))
	want{fault.Conflict, "version", "", "GROUP", ""}.check(t, s.DeleteGroup(ctx, acct, "alpha", 2, event("x", "x")))
	ok(t, s.DeleteGroup(ctx, acct, "alpha", 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "GROUP"}.check(t, second(s.Group(ctx, acct, "alpha")))

	for round := range 10 {
		g, u := iamGroup(fmt.Sprint("race", round)), fmt.Sprint("U", round%5)
		ok(t, s.SaveGroup(ctx, g, event("x", "x")))
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return s.DeleteGroup(ctx, acct, g.Name, 1, event("x", "x"))
			}
			return s.AddMember(ctx, m(g.Name, u), event("x", "x"))
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("round %d: deleting the group gave %v, adding a member %v; want exactly one to succeed", round, errs[0], errs[1])
		}
	}
}

func testIAMRenames(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	p := iamPolicy("Read")
	ok(t, s.SavePolicy(ctx, p, event("x", "x")))
	u := iamUser("Ann")
	u.Attached, u.BoundaryARN, u.Tags = []string{p.ARN()}, p.ARN(), map[string]string{"k": "v"}
	ok(t, s.SaveUser(ctx, u, event("x", "x")))
	ok(t, s.SaveUser(ctx, iamUser("Bob"), event("x", "x")))
	ok(t, s.SaveGroup(ctx, iamGroup("G"), event("x", "x")))
	ok(t, s.AddMember(ctx, localiam.Membership{AccountID: acct, Group: "G", User: "Ann"}, event("x", "x")))
	k := localiam.AccessKey{ID: "AKIA1", AccountID: acct, UserName: "Ann", SealedSecret: []byte{1, 2}, Active: true, CreatedAt: epoch()}
	ok(t, s.SaveAccessKey(ctx, k, 5, event("x", "x")))

	u.Revision, u.Name = 1, "bob"
	want{fault.Conflict, "exists", "", "USER", ""}.check(t, s.RenameUser(ctx, "Ann", u, event("x", "x")))
	u.Name, u.Revision = "Anna", 7
	want{fault.Conflict, "version", "", "USER", ""}.check(t, s.RenameUser(ctx, "Ann", u, event("x", "x")))
	want{fault.Conflict, "version", "", "USER", ""}.check(t, s.RenameUser(ctx, "nobody", u, event("x", "x")))
	u.Revision, u.Path = 1, "/new/"
	ok(t, s.RenameUser(ctx, "ann", u, event("x", "x")))
	want{kind: fault.NotFound, resource: "USER"}.check(t, second(s.User(ctx, acct, "Ann")))
	u.Revision = 2
	same(t, "renamed user", must(s.User(ctx, acct, "anna"))(t), u)
	same(t, "who has the policy", must(s.PolicyUses(ctx, acct, []string{p.ARN()}))(t), map[string]localiam.PolicyUse{p.ARN(): {Policies: 1, Boundaries: 1}})
	same(t, "his groups", keys(must(s.GroupsOf(ctx, acct, "Anna", "", 9))(t), groupName), []string{"G"})
	k.UserName, k.Revision = "Anna", 2
	same(t, "his key", must(s.AccessKey(ctx, "AKIA1"))(t), k)
	same(t, "his keys", must(s.AccessKeys(ctx, acct, "ANNA", "", 9))(t), []localiam.AccessKey{k})
	u.Name = "ANNA"
	ok(t, s.RenameUser(ctx, "Anna", u, event("x", "x"))) // only the case
	same(t, "in another case", must(s.User(ctx, acct, "anna"))(t).Name, "ANNA")

	g := iamGroup("H")
	g.Revision, g.Path = 1, "/h/"
	ok(t, s.RenameGroup(ctx, "G", g, event("x", "x")))
	same(t, "members of a renamed group", keys(must(s.Members(ctx, acct, "h", "", 9))(t), userName), []string{"ANNA"})
	same(t, "renamed group", must(s.Group(ctx, acct, "H"))(t).ARN(), "arn:aws:iam::"+acct+":group/h/H")
	want{kind: fault.NotFound, resource: "GROUP"}.check(t, second(s.Group(ctx, acct, "G")))
}

func testIAMEntries(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	ok(t, s.SaveRole(ctx, iamRole("Worker"), event("x", "x")))
	p := localiam.InstanceProfile{AccountID: acct, Name: "Machines", Path: "/m/", ID: "AIPA", Tags: map[string]string{"k": "v"}, CreatedAt: epoch()}
	ok(t, s.SaveProfile(ctx, p, event("x", "x")))
	want{fault.Conflict, "exists", "", "INSTANCE_PROFILE", ""}.check(t, s.SaveProfile(ctx, p, event("x", "x")))
	p.Revision, p.RoleName = 1, "none"
	want{fault.NotFound, "role", "", "ROLE", "none"}.check(t, s.SaveProfile(ctx, p, event("x", "x")))
	p.RoleName = "Worker"
	ok(t, s.SaveProfile(ctx, p, event("x", "x")))
	want{fault.Conflict, "version", "", "INSTANCE_PROFILE", ""}.check(t, s.SaveProfile(ctx, p, event("x", "x")))
	p.Revision = 2
	same(t, "profile", must(s.Profile(ctx, acct, "machines"))(t), p)
	same(t, "profiles", must(s.Profiles(ctx, acct, "/m/", "", 9))(t), []localiam.InstanceProfile{p})
	same(t, "profiles of a role", must(s.ProfilesOf(ctx, acct, "WORKER", "", 9))(t), []localiam.InstanceProfile{p})
	same(t, "profiles elsewhere", len(must(s.Profiles(ctx, other, "", "", 9))(t)), 0)
	want{fault.Conflict, "profiles", "", "ROLE", ""}.check(t, s.DeleteRole(ctx, acct, "worker", 1, event("x", "x")))
	want{fault.Conflict, "version", "", "INSTANCE_PROFILE", ""}.check(t, s.DeleteProfile(ctx, acct, "machines", 1, event("x", "x")))
	ok(t, s.DeleteProfile(ctx, acct, "machines", 2, event("x", "x")))
	want{kind: fault.NotFound, resource: "INSTANCE_PROFILE"}.check(t, s.DeleteProfile(ctx, acct, "machines", 2, event("x", "x")))
	want{kind: fault.NotFound, resource: "INSTANCE_PROFILE"}.check(t, second(s.Profile(ctx, acct, "machines")))
	r := iamRole("Worker")
	r.Revision, r.TrustedIDs = 1, map[string]string{"arn": "AROA"}
	ok(t, s.SaveRole(ctx, r, event("x", "x")))
	same(t, "whom a role trusts", must(s.Role(ctx, acct, "Worker"))(t).TrustedIDs, r.TrustedIDs)
	ok(t, s.DeleteRole(ctx, acct, "worker", 2, event("x", "x")))

	o := localiam.OIDCProvider{AccountID: acct, URL: "Issuer.example.com/id", ClientIDs: []string{"b", "a"}, Thumbprints: []string{"00"}, Tags: map[string]string{"k": "v"}, CreatedAt: epoch()}
	ok(t, s.SaveOIDCProvider(ctx, o, event("x", "x")))
	want{fault.Conflict, "exists", "", "OIDC_PROVIDER", ""}.check(t, s.SaveOIDCProvider(ctx, o, event("x", "x")))
	o.Revision = 1
	same(t, "provider", must(s.OIDCProvider(ctx, acct, "issuer.example.com/id"))(t), o)
	same(t, "providers", must(s.OIDCProviders(ctx, acct, "", 9))(t), []localiam.OIDCProvider{o})
	ok(t, s.SaveSAMLProvider(ctx, localiam.SAMLProvider{AccountID: acct, Name: "S", Metadata: "m", Tags: map[string]string{"k": "v"}, CreatedAt: epoch(), ValidUntil: after(1)}, event("x", "x")))
	same(t, "tags of a SAML provider", must(s.SAMLProvider(ctx, acct, "s"))(t).Tags, map[string]string{"k": "v"})
	same(t, "counts", must(s.Counts(ctx, acct))(t), localiam.Counts{Providers: 2})
	ok(t, s.DeleteOIDCProvider(ctx, acct, o.URL, 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "OIDC_PROVIDER"}.check(t, s.DeleteOIDCProvider(ctx, acct, o.URL, 1, event("x", "x")))

	want{kind: fault.NotFound, resource: "ACCOUNT_ALIAS"}.check(t, second(s.Alias(ctx, acct)))
	ok(t, s.SetAlias(ctx, acct, "ours", event("x", "x")))
	ok(t, s.SetAlias(ctx, acct, "our-own", event("x", "x")))
	want{kind: fault.Conflict, reason: "exists", resource: "ACCOUNT_ALIAS"}.check(t, s.SetAlias(ctx, other, "our-own", event("x", "x")))
	ok(t, s.SetAlias(ctx, other, "ours", event("x", "x")))
	same(t, "alias", must(s.Alias(ctx, acct))(t), "our-own")
	want{kind: fault.NotFound, resource: "ACCOUNT_ALIAS"}.check(t, s.DeleteAlias(ctx, acct, "ours", event("x", "x")))
	ok(t, s.DeleteAlias(ctx, acct, "our-own", event("x", "x")))
}
