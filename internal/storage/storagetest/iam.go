package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/fault"
	"gatehouse/internal/localiam"
	"gatehouse/internal/storage/sqlstore"
)

const (
	acct  = "111122223333"
	other = "444455556666"
)

func iamRole(name string) localiam.Role {
	return localiam.Role{
		Identity: localiam.Identity{AccountID: acct, Name: name, Path: "/", ID: "AROA" + strings.ToUpper(name), CreatedAt: epoch()}, TrustPolicy: "{}", MaxSessionDuration: time.Hour,
	}
}

func iamPolicy(name string) localiam.ManagedPolicy {
	return localiam.ManagedPolicy{
		AccountID: acct, Name: name, Path: "/", ID: "ANPA" + name, Default: 1, Last: 7, CreatedAt: epoch(), UpdatedAt: epoch(),
		Versions: []localiam.PolicyVersion{{Number: 1, Document: "{ }", CreatedAt: epoch()}},
	}
}

func testIAMIdentities(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	generation := func() int64 { return must(s.Generation(ctx, acct))(t) }
	same(t, "generation of nothing", generation(), int64(0))
	r := iamRole("Admin.Role")
	r.Path, r.Description, r.TrustPolicy, r.Protected = "/aws-reserved/sso/", "d", `{"a": "ü"}`, true
	r.MaxSessionDuration, r.Attached, r.BoundaryARN = 90*time.Minute, []string{"arn:aws:iam::aws:policy/Z", "arn:aws:iam::aws:policy/A"}, "arn:aws:iam::aws:policy/B"
	r.Inline, r.Tags, r.TrustedIDs = map[string]string{"p": `{ "x":1 }`}, map[string]string{"k": "v"}, map[string]string{"arn": "AROA"}
	complete(t, r, "Identity.Revision")
	ok(t, s.SaveRole(ctx, r, event("iam:CreateRole", r.ARN())))
	same(t, "generation", generation(), int64(1))
	want{fault.Conflict, "exists", "", "ROLE", ""}.check(t, s.SaveRole(ctx, iamRole("ADMIN.role"), event("x", "x")))
	same(t, "generation after a refused change", generation(), int64(1))
	r.Revision = 1
	same(t, "role by name in another case", must(s.Role(ctx, acct, "admin.ROLE"))(t), r)
	elsewhere := iamRole("Admin.Role")
	elsewhere.AccountID = other
	ok(t, s.SaveRole(ctx, elsewhere, event("x", "x")))
	same(t, "generation of another account's change", generation(), int64(1))

	r.Attached, r.Inline, r.Tags, r.BoundaryARN = r.Attached[:1], nil, nil, ""
	ok(t, s.SaveRole(ctx, r, event("x", "x")))
	stale := want{fault.Conflict, "version", "", "ROLE", ""}
	stale.check(t, s.SaveRole(ctx, r, event("x", "x")))
	r.Revision = 2
	same(t, "changed role", must(s.Role(ctx, acct, "Admin.Role"))(t), r)
	gone := iamRole("gone")
	gone.Revision = 1
	stale.check(t, s.SaveRole(ctx, gone, event("x", "x")))
	stale.check(t, s.DeleteRole(ctx, acct, "admin.role", 1, event("x", "x")))
	absent := want{kind: fault.NotFound, resource: "ROLE"}
	absent.check(t, s.DeleteRole(ctx, acct, "none", 1, event("x", "x")))
	absent.check(t, second(s.Role(ctx, other, "none")))

	for i := range 15 {
		x := iamRole([]string{"b%02d", "B%02dx"}[i%2])
		x.Name = fmt.Sprintf(x.Name, i)
		x.Path = []string{"/team/", "/team/a_b/", "/teams/"}[i%3]
		ok(t, s.SaveRole(ctx, x, event("x", "x")))
	}
	for prefix, n := range map[string]int{"": 16, "/": 16, "/team": 15, "/team/": 10, "/team/a_b/": 5, "/team/aXb/": 0, "/TEAM/": 0} {
		folded := func(r localiam.Role) string { return localiam.Fold(r.Name) }
		got := keys(pages(t, 4, func(r localiam.Role) string { return r.Name }, func(after string, limit int) ([]localiam.Role, error) {
			return s.Roles(ctx, acct, prefix, after, limit)
		}), folded)
		if len(got) != n || !slices.IsSorted(got) {
			t.Errorf("roles with path %q: %v, want %d by folded name", prefix, got, n)
		}
	}
	ok(t, s.DeleteRole(ctx, acct, "ADMIN.ROLE", 2, event("x", "x")))
	absent.check(t, second(s.Role(ctx, acct, "Admin.Role")))
	exactlyOne(t, atOnce(8, func(i int) error {
		return s.SaveRole(ctx, iamRole([]string{"Race", "RACE"}[i%2]), event("x", "x"))
	}), want{fault.Conflict, "exists", "", "ROLE", ""})
	same(t, "generation after 15 more, a change, a deletion and the race", generation(), int64(19))
}

func testIAMUsers(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	u := localiam.User{Identity: localiam.Identity{AccountID: acct, Name: "Ann", Path: "/x/", ID: "AIDA", Tags: map[string]string{"a": "b"}, CreatedAt: epoch()}}
	ok(t, s.SaveUser(ctx, u, event("x", "x")))
	ok(t, s.SaveRole(ctx, iamRole("ann"), event("x", "x"))) // roles and users do not share names
	u.Revision = 1
	same(t, "user", must(s.User(ctx, acct, "ANN"))(t), u)
	same(t, "users", must(s.Users(ctx, acct, "/x/", "", 10))(t), []localiam.User{u})
	k := localiam.AccessKey{ID: "AKIA2", AccountID: acct, UserName: "Ann", SealedSecret: []byte{0, 255, 7}, Active: true, CreatedAt: epoch()}
	noUser := want{fault.NotFound, "user", "", "USER", ""}
	bad := k
	bad.UserName = "Bob"
	noUser.check(t, s.SaveAccessKey(ctx, bad, 5, event("x", "x")))
	complete(t, k, "Revision")
	ok(t, s.SaveAccessKey(ctx, k, 5, event("x", "x")))
	want{fault.Conflict, "exists", "", "ACCESS_KEY", ""}.check(t, s.SaveAccessKey(ctx, k, 5, event("x", "x")))
	k.Revision = 1
	same(t, "access key", must(s.AccessKey(ctx, "AKIA2"))(t), k)
	k.Active = false
	ok(t, s.SaveAccessKey(ctx, k, 5, event("x", "x")))
	want{fault.Conflict, "version", "", "ACCESS_KEY", ""}.check(t, s.SaveAccessKey(ctx, k, 5, event("x", "x")))
	ok(t, s.SaveAccessKey(ctx, localiam.AccessKey{ID: "AKIA1", AccountID: acct, UserName: "ANN", SealedSecret: []byte("s")}, 5, event("x", "x")))
	keyID := func(k localiam.AccessKey) string { return k.ID }
	same(t, "keys by id", keys(pages(t, 1, keyID, func(after string, limit int) ([]localiam.AccessKey, error) {
		return s.AccessKeys(ctx, acct, "aNN", after, limit)
	}), keyID), []string{"AKIA1", "AKIA2"})
	before := must(s.Generation(ctx, acct))(t)
	want{fault.Conflict, "keys", "", "USER", ""}.check(t, s.DeleteUser(ctx, acct, "ann", 1, event("x", "x")))
	want{fault.Conflict, "version", "", "ACCESS_KEY", ""}.check(t, s.DeleteAccessKey(ctx, "AKIA2", 1, event("x", "x")))
	ok(t, s.DeleteAccessKey(ctx, "AKIA2", 2, event("x", "x")))
	ok(t, s.DeleteAccessKey(ctx, "AKIA1", 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "ACCESS_KEY"}.check(t, s.DeleteAccessKey(ctx, "AKIA1", 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "ACCESS_KEY"}.check(t, second(s.AccessKey(ctx, "AKIA1")))
	want{fault.Conflict, "version", "", "USER", ""}.check(t, s.DeleteUser(ctx, acct, "ann", 2, event("x", "x")))
	ok(t, s.DeleteUser(ctx, acct, "ann", 1, event("x", "x")))
	want{kind: fault.NotFound, resource: "USER"}.check(t, second(s.User(ctx, acct, "Ann")))
	same(t, "generation", must(s.Generation(ctx, acct))(t), before+3)

	// Many keys at once: the quota holds.
	ok(t, s.SaveUser(ctx, localiam.User{Identity: localiam.Identity{AccountID: acct, Name: "many", Path: "/"}}, event("x", "x")))
	made := 0
	for _, err := range atOnce(8, func(i int) error {
		return s.SaveAccessKey(ctx, localiam.AccessKey{ID: fmt.Sprint("AKIA-many", i), AccountID: acct, UserName: "many", SealedSecret: []byte("s")}, 2, event("x", "x"))
	}) {
		if err == nil {
			made++
		} else if !fault.Is(err, fault.Quota) {
			t.Errorf("a key too many: got %v, want Quota", err)
		}
	}
	if keys := must(s.AccessKeys(ctx, acct, "many", "", 100))(t); made != 2 || len(keys) != 2 {
		t.Errorf("%d creations succeeded and %d keys are there, want 2", made, len(keys))
	}

	// A key comes while its user goes: one of the two is refused, and no key is left without a user.
	for round := range 10 {
		u := localiam.User{Identity: localiam.Identity{AccountID: acct, Name: fmt.Sprint("u", round), Path: "/"}}
		ok(t, s.SaveUser(ctx, u, event("x", "x")))
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return s.DeleteUser(ctx, acct, u.Name, 1, event("x", "x"))
			}
			return s.SaveAccessKey(ctx, localiam.AccessKey{ID: fmt.Sprint("AKIA-race", round), AccountID: acct, UserName: u.Name, SealedSecret: []byte("s")}, 5, event("x", "x"))
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("round %d: deleting gave %v, adding a key %v; want exactly one to succeed", round, errs[0], errs[1])
		}
	}
}

func testIAMPolicies(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	p := iamPolicy("Read")
	p.Path, p.Description, p.Tags = "/team/", "d", map[string]string{"k": "v"}
	complete(t, p, "Revision")
	ok(t, s.SavePolicy(ctx, p, event("x", "x")))
	want{fault.Conflict, "exists", "", "POLICY", ""}.check(t, s.SavePolicy(ctx, iamPolicy("READ"), event("x", "x")))
	p.Revision = 1
	same(t, "policy", must(s.Policy(ctx, acct, "reAd"))(t), p)
	p.Versions, p.Default, p.UpdatedAt = append(p.Versions, localiam.PolicyVersion{Number: 2, Document: "{}", CreatedAt: epoch()}), 2, after(1)
	ok(t, s.SavePolicy(ctx, p, event("x", "x")))
	want{fault.Conflict, "version", "", "POLICY", ""}.check(t, s.SavePolicy(ctx, p, event("x", "x")))
	p.Revision = 2
	same(t, "by ARN", must(s.PoliciesByARN(ctx, acct, []string{p.ARN(), "arn:aws:iam::" + acct + ":policy/Read", "x"}))(t), []localiam.ManagedPolicy{p})
	same(t, "by another account", must(s.PoliciesByARN(ctx, other, []string{p.ARN()}))(t), []localiam.ManagedPolicy{})
	ok(t, s.SavePolicy(ctx, iamPolicy("write"), event("x", "x")))
	same(t, "policies", len(must(s.Policies(ctx, acct, "", "READ", 10))(t)), 1)
	same(t, "policies by path", len(must(s.Policies(ctx, acct, "/team/", "", 10))(t)), 1)

	// Attaching: what is named must exist, and does not go while it is attached.
	r, aws := iamRole("Zed"), "arn:aws:iam::aws:policy/ReadOnlyAccess"
	r.Attached = []string{aws, "arn:aws:iam::" + acct + ":policy/none"}
	unknown := want{fault.NotFound, "policy", "", "POLICY", r.Attached[1]}
	unknown.check(t, s.SaveRole(ctx, r, event("x", "x")))
	r.Attached, r.BoundaryARN = []string{aws, p.ARN()}, "arn:aws:iam::"+other+":policy/Read"
	unknown.id = r.BoundaryARN
	unknown.check(t, s.SaveRole(ctx, r, event("x", "x")))
	want{kind: fault.NotFound}.check(t, second(s.Role(ctx, acct, "Zed")))
	r.BoundaryARN = p.ARN()
	ok(t, s.SaveRole(ctx, r, event("x", "x")))
	u := localiam.User{Identity: localiam.Identity{AccountID: acct, Name: "Ann", Path: "/", Attached: []string{p.ARN()}}}
	ok(t, s.SaveUser(ctx, u, event("x", "x")))
	ok(t, s.SaveRole(ctx, localiam.Role{Identity: localiam.Identity{AccountID: acct, Name: "alpha", Path: "/", Attached: []string{p.ARN()}}}, event("x", "x")))
	bounded := localiam.Role{Identity: localiam.Identity{AccountID: acct, Name: "bounded", Path: "/deep/down/", BoundaryARN: p.ARN(), ID: "AROABOUNDED"}}
	ok(t, s.SaveRole(ctx, bounded, event("x", "x")))
	same(t, "uses", must(s.PolicyUses(ctx, acct, []string{p.ARN(), aws, "arn:aws:iam::aws:policy/Other"}))(t), map[string]localiam.PolicyUse{p.ARN(): {Policies: 3, Boundaries: 2}, aws: {Policies: 1}})
	have := func(account, begin string) []string {
		return pages(t, 1, func(a string) string { return a }, func(after string, limit int) ([]string, error) {
			return s.AttachedPolicies(ctx, account, begin, after, limit)
		})
	}
	ours := "arn:aws:iam::" + acct + ":policy/"
	same(t, "attached of AWS's", have(acct, "arn:aws:iam::aws:policy/"), []string{aws})
	same(t, "attached of the account's", have(acct, ours), []string{p.ARN()})
	same(t, "attached that begin otherwise", have(acct, p.ARN()+"/"), []string(nil))
	same(t, "attached in another account", have(other, ours), []string(nil))
	for _, c := range []struct {
		f    localiam.HolderFilter
		want []string
	}{
		{localiam.HolderFilter{}, []string{"role alpha", "role Zed", "role bounded boundary", "user Ann"}},
		{localiam.HolderFilter{Use: "policy"}, []string{"role alpha", "role Zed", "user Ann"}},
		{localiam.HolderFilter{Use: "boundary"}, []string{"role bounded boundary", "role Zed boundary"}},
		{localiam.HolderFilter{Kind: "user"}, []string{"user Ann"}},
		{localiam.HolderFilter{Kind: "role", Use: "policy"}, []string{"role alpha", "role Zed"}},
		{localiam.HolderFilter{PathPrefix: "/deep/"}, []string{"role bounded boundary"}},
		{localiam.HolderFilter{Kind: "group"}, nil},
	} {
		for size := 1; size < 6; size++ {
			var got []string
			for at, more := (localiam.HolderPlace{}), true; more; {
				page := must(s.PolicyHolders(ctx, acct, p.ARN(), c.f, at, size))(t)
				for _, h := range page {
					at = h.HolderPlace
					got = append(got, strings.TrimSpace(h.Kind+" "+h.Name+" "+map[bool]string{true: "boundary"}[h.Boundary]))
				}
				more = len(page) == size
			}
			same(t, fmt.Sprintf("holders of a policy, %+v, %d at a time", c.f, size), got, c.want)
		}
	}
	if hs := must(s.PolicyHolders(ctx, acct, p.ARN(), localiam.HolderFilter{PathPrefix: "/deep/"}, localiam.HolderPlace{}, 1))(t); hs[0].ID != bounded.ID {
		t.Errorf("got %+v, want the id too", hs)
	}
	ok(t, s.DeleteRole(ctx, acct, "bounded", 1, event("x", "x")))
	attached := want{fault.Conflict, "attached", "", "POLICY", ""}
	attached.check(t, s.DeletePolicy(ctx, acct, "read", 2, event("x", "x")))
	r.Revision, r.Attached = 1, nil
	ok(t, s.SaveRole(ctx, r, event("x", "x")))
	ok(t, s.DeleteUser(ctx, acct, "Ann", 1, event("x", "x")))
	ok(t, s.DeleteRole(ctx, acct, "alpha", 1, event("x", "x")))
	attached.check(t, s.DeletePolicy(ctx, acct, "read", 2, event("x", "x"))) // as a boundary
	r.Revision, r.BoundaryARN = 2, ""
	ok(t, s.SaveRole(ctx, r, event("x", "x")))
	same(t, "users of a policy nobody has", must(s.PolicyUses(ctx, acct, []string{p.ARN()}))(t), map[string]localiam.PolicyUse{})
	want{fault.Conflict, "version", "", "POLICY", ""}.check(t, s.DeletePolicy(ctx, acct, "read", 1, event("x", "x")))
	ok(t, s.DeletePolicy(ctx, acct, "read", 2, event("x", "x")))
	want{kind: fault.NotFound, resource: "POLICY"}.check(t, s.DeletePolicy(ctx, acct, "read", 2, event("x", "x")))
	want{kind: fault.NotFound, resource: "POLICY"}.check(t, second(s.Policy(ctx, acct, "read")))

	for round := range 10 {
		p := iamPolicy(fmt.Sprint("race", round))
		ok(t, s.SavePolicy(ctx, p, event("x", "x")))
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return s.DeletePolicy(ctx, acct, p.Name, 1, event("x", "x"))
			}
			r := iamRole(p.Name)
			r.Attached = []string{p.ARN()}
			return s.SaveRole(ctx, r, event("x", "x"))
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("round %d: deleting gave %v, attaching %v; want exactly one to succeed", round, errs[0], errs[1])
		}
	}
}

func testIAMProviders(t *testing.T, db *sqlstore.DB) {
	ctx, s := t.Context(), db.LocalIAM()
	p := localiam.SAMLProvider{AccountID: acct, Name: "AWSSSO_x", Metadata: "<xml/>", Protected: true, Tags: map[string]string{"k": "v"}, CreatedAt: epoch(), ValidUntil: after(9)}
	complete(t, p, "Revision")
	ok(t, s.SaveSAMLProvider(ctx, p, event("x", "x")))
	want{fault.Conflict, "exists", "", "SAML_PROVIDER", ""}.check(t, s.SaveSAMLProvider(ctx, p, event("x", "x")))
	p.Revision, p.Metadata = 1, "<new/>"
	ok(t, s.SaveSAMLProvider(ctx, p, event("x", "x")))
	want{fault.Conflict, "version", "", "SAML_PROVIDER", ""}.check(t, s.SaveSAMLProvider(ctx, p, event("x", "x")))
	p.Revision = 2
	same(t, "provider", must(s.SAMLProvider(ctx, acct, "awssso_X"))(t), p)
	ok(t, s.SaveSAMLProvider(ctx, localiam.SAMLProvider{AccountID: acct, Name: "zzz"}, event("x", "x")))
	same(t, "providers", len(must(s.SAMLProviders(ctx, acct, "AWSSSO_X", 10))(t)), 1)
	want{fault.Conflict, "version", "", "SAML_PROVIDER", ""}.check(t, s.DeleteSAMLProvider(ctx, acct, "awssso_x", 1, event("x", "x")))
	ok(t, s.DeleteSAMLProvider(ctx, acct, "awssso_x", 2, event("x", "x")))
	want{kind: fault.NotFound, resource: "SAML_PROVIDER"}.check(t, s.DeleteSAMLProvider(ctx, acct, "awssso_x", 2, event("x", "x")))
	want{kind: fault.NotFound, resource: "SAML_PROVIDER"}.check(t, second(s.SAMLProvider(ctx, acct, "awssso_x")))
	same(t, "generation", must(s.Generation(ctx, acct))(t), int64(4))

	same(t, "revoked before, of nothing", must(s.RevokedBefore(ctx, "a", "b"))(t), time.Time{})
	same(t, "revoked before, of no subject", must(s.RevokedBefore(ctx))(t), time.Time{})
	revoke := func(rs ...localiam.Revocation) error {
		es := make([]audit.Event, len(rs))
		for i, r := range rs {
			es[i] = event("sso:RevokeSessions", r.Subject)
		}
		return s.Revoke(ctx, rs, es)
	}
	ok(t, revoke(localiam.Revocation{Subject: "a", Before: after(5)}))
	ok(t, revoke(localiam.Revocation{Subject: "b", Before: after(4)}, localiam.Revocation{Subject: "a", Before: after(3)}))
	for subject, n := range map[string]int{"a": 2, "b": 1} {
		same(t, "events of revocations of "+subject, len(must(db.Events().Events(ctx, sqlstore.EventCursor{}, audit.Filter{Action: "sso:RevokeSessions", Resource: subject}, 10))(t).Events), n)
	}
	same(t, "revoked before", must(s.RevokedBefore(ctx, "b", "a", "c"))(t), after(5))
	same(t, "revoked before, one", must(s.RevokedBefore(ctx, "b"))(t), after(4))
	same(t, "generation after revocations", must(s.Generation(ctx, acct))(t), int64(4))
}
