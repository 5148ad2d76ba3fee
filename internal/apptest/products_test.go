package apptest_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/tenant"
)

// pusher is what an identity provider's product makes of what happens to people and groups.
type pusher struct {
	dialect tenant.Dialect
	// deletesLeavers: who leaves is deleted, rather than disabled. keepsUsers: nobody is ever deleted. usersOnly: there are no groups.
	deletesLeavers, keepsUsers, usersOnly bool
	// mends: a restart makes good what somebody else did to a group.
	mends bool
	// strict: it can speak to a directory of the profile aws.
	strict bool
}

var pushers = []pusher{
	{dialect: "okta", keepsUsers: true, mends: true},
	{dialect: "okta-wizard", keepsUsers: true, mends: true},
	{dialect: "authentik", deletesLeavers: true, mends: true},
	{dialect: "authentik-aws", deletesLeavers: true, mends: true, strict: true},
	{dialect: "jumpcloud", keepsUsers: true, mends: true, strict: true},
	{dialect: "google", usersOnly: true, strict: true},
	{dialect: "onelogin", usersOnly: true},
	{dialect: "ping", mends: true, strict: true},
}

// TestPushOfOtherProducts is the life of people and groups as other products than Entra push it, against both profiles of a directory where the
// product can speak to both. After every event the next cycle changes nothing.
func TestPushOfOtherProducts(t *testing.T) {
	t.Parallel()
	for _, p := range pushers {
		for dir, profile := range map[string]directory.Profile{"default": directory.ProfileRFC, "strict": directory.ProfileAWS} {
			if profile == directory.ProfileAWS && !p.strict {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", p.dialect, profile), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, dir, profile)
				w.job(func(s *tenant.Settings) { s.Dialect = p.dialect })
				w.lifeOf(p)
			})
		}
	}
}

// TestPushOfOtherProductsUnderChaos: repeated adds, probes and no User-Agent trouble nobody.
func TestPushOfOtherProductsUnderChaos(t *testing.T) {
	t.Parallel()
	for _, p := range pushers {
		t.Run(string(p.dialect), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "default", directory.ProfileRFC)
			w.job(func(s *tenant.Settings) {
				s.Dialect, s.Chaos = p.dialect, tenant.Chaos{RepeatedAdds: true, ReplaceMissing: true, Probes: true, NoUserAgent: true}
			})
			w.lifeOf(p)
		})
	}
}

// TestProductsThatTheProfileAWSRefuses: what AWS's endpoint does not take (a password, photos, empty strings) is refused in its own form, and
// nothing is half made.
func TestProductsThatTheProfileAWSRefuses(t *testing.T) {
	t.Parallel()
	for _, p := range pushers {
		if p.strict {
			continue
		}
		t.Run(string(p.dialect), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "strict", directory.ProfileAWS)
			w.job(func(s *tenant.Settings) { s.Dialect = p.dialect })
			c, err := w.tenant.RunCycle(t.Context())
			w.ok(err)
			if c.Result != "Partial" || c.Users.Failed != 3 {
				t.Fatalf("%+v", c)
			}
			for _, f := range c.Failures {
				if f.Kind == "User" && (!strings.Contains(f.Detail, "status 400") || !strings.Contains(f.Detail, `"exceptionRequestId"`) || !strings.Contains(f.Detail, `"schema":[`)) {
					t.Errorf("refused with %s", f.Detail)
				}
			}
			if n, err := w.Directory.CountUsers(t.Context()); err != nil || n != 0 {
				t.Errorf("%d users, %v", n, err)
			}
		})
	}
}

func (w *world) lifeOf(p pusher) {
	w.t.Helper()
	w.settled()
	for _, key := range []string{ann, bob, cat} {
		u := w.named(key)
		of, err := w.tenant.User(key)
		w.ok(err)
		if u.DisplayName != of.DisplayName || u.Name.GivenName != of.GivenName || u.Name.FamilyName != of.Surname || u.PrimaryEmail() != of.Mail || !u.Active || u.Source != w.dir {
			w.t.Errorf("%s came as %+v", key, u)
		}
	}
	if n, err := w.Directory.CountUsers(w.t.Context()); err != nil || n != 3 {
		w.t.Errorf("%d users, %v, want 3: tests of the connection leave none", n, err)
	}
	w.wantGroup(p, "Devs", "ann", "bob")
	w.changed(p)
	w.comesAndGoes(p)
	w.purged(p)
	w.restarted(p)
	w.ok(w.tenant.Assign(bob, ""))
	w.ok(w.tenant.Unassign("Builders"))
	w.settled()
	w.wantAccount(bob, true)
	w.wantLeft(p, ann)
	if _, err := w.Directory.GroupByName(w.t.Context(), "Builders"); !fault.Is(err, fault.NotFound) {
		w.t.Errorf("the unassigned group is still there: %v", err)
	}
}

// changed: attributes, a user name, and the name of the group.
func (w *world) changed(p pusher) {
	w.t.Helper()
	was := w.named(ann)
	_, err := w.tenant.UpdateUser(ann, func(u *tenant.User) {
		u.UserPrincipalName, u.Mail, u.Surname, u.DisplayName = "ann.oak@contoso.test", "ann.oak@contoso.test", "Oak", "Ann Oak"
	})
	w.ok(err)
	name := "Builders"
	_, err = w.tenant.UpdateGroup("Devs", &name, nil)
	w.ok(err)
	w.settled()
	u := w.named("ann.oak@contoso.test")
	if u.ID != was.ID || u.Name.FamilyName != "Oak" || u.DisplayName != "Ann Oak" || u.PrimaryEmail() != "ann.oak@contoso.test" || len(u.Emails) != 1 || !u.Active {
		w.t.Errorf("renamed ann is %+v", u)
	}
	w.wantGroup(p, "Builders", "ann.oak", "bob")
	_, err = w.tenant.UpdateUser("ann.oak@contoso.test", func(u *tenant.User) { u.UserPrincipalName, u.Mail = ann, ann })
	w.ok(err)
	w.settled()
}

// comesAndGoes: disabled and enabled, out of the group and back, and somebody new in it.
func (w *world) comesAndGoes(p pusher) {
	w.t.Helper()
	was := w.named(ann)
	w.ok(w.tenant.SetEnabled(ann, false))
	w.settled()
	w.wantAccount(ann, false)
	w.wantGroup(p, "Builders", "ann", "bob") // memberships of the disabled stay
	w.ok(w.tenant.SetEnabled(ann, true))
	w.settled()
	w.wantAccount(ann, true)
	if w.named(ann).ID != was.ID {
		w.t.Error("ann is another user since she was disabled")
	}
	w.ok(w.tenant.RemoveMember("Builders", ann))
	w.settled()
	w.wantLeft(p, ann)
	w.wantGroup(p, "Builders", "bob")
	w.ok(w.tenant.AddMember("Builders", ann))
	w.ok(w.tenant.AddMember("Builders", cat))
	w.settled()
	w.wantAccount(ann, true)
	w.wantGroup(p, "Builders", "ann", "bob", "cat")
}

// purged: deleted, restored, deleted for good.
func (w *world) purged(p pusher) {
	w.t.Helper()
	w.ok(w.tenant.DeleteUser(cat))
	w.settled()
	w.wantLeft(p, cat)
	w.ok(w.tenant.RestoreUser(cat))
	w.settled()
	w.wantAccount(cat, true)
	w.wantGroup(p, "Builders", "ann", "bob", "cat")
	w.ok(w.tenant.DeleteUser(cat))
	w.settled()
	w.ok(w.tenant.PurgeUser(cat))
	w.settled()
	u, err := w.Directory.UserByName(w.t.Context(), cat)
	if p.keepsUsers {
		if err != nil || u.Active {
			w.t.Errorf("purged cat is %+v, %v, want a disabled account", u, err)
		}
	} else if !fault.Is(err, fault.NotFound) {
		w.t.Errorf("purged cat is still there: %v", err)
	}
	w.wantGroup(p, "Builders", "ann", "bob")
}

// restarted: an initial cycle finds everything as it should be and changes nothing; what somebody else took from a group comes back, if the
// product looks at all.
func (w *world) restarted(p pusher) {
	w.t.Helper()
	before := w.named(ann)
	w.ok(w.tenant.Restart())
	if c := w.sync(); !c.Initial {
		w.t.Errorf("no initial cycle: %+v", c)
	}
	if after := w.named(ann); after.Version != before.Version {
		w.t.Errorf("an initial cycle changed ann, who had not changed: version %d, then %d", before.Version, after.Version)
	}
	w.wantGroup(p, "Builders", "ann", "bob")
	if p.usersOnly || !p.mends {
		return
	}
	w.takeOut("Builders", bob)
	w.ok(w.tenant.Restart())
	w.sync()
	w.wantGroup(p, "Builders", "ann", "bob")
}

func (w *world) takeOut(group, user string) {
	w.t.Helper()
	_, err := w.Directory.UpdateGroup(w.t.Context(), tester, w.groupID(group), 0, func(*directory.Group) (directory.MemberChange, error) {
		return directory.MemberChange{Remove: []string{w.named(user).ID}}, nil
	})
	w.ok(err)
}

// settled runs a cycle, and another that must find nothing to do.
func (w *world) settled() {
	w.t.Helper()
	w.sync()
	if c := w.sync(); c.Initial || c.Users.Created+c.Users.Updated+c.Users.Disabled+c.Users.Deleted+c.Groups.Created+c.Groups.Updated+c.Groups.Deleted+c.MembersAdded+c.MembersRemoved > 0 {
		w.t.Errorf("nothing had changed, and the next cycle did %+v", c)
	}
}

// named is the account that has a person's user name.
func (w *world) named(key string) directory.User {
	w.t.Helper()
	u, err := w.Directory.UserByName(w.t.Context(), key)
	if err != nil {
		w.t.Fatalf("%s at the server: %v", key, err)
	}
	return u
}

func (w *world) wantAccount(key string, active bool) {
	w.t.Helper()
	if u := w.named(key); u.Active != active {
		w.t.Errorf("%s: active is %v, want %v", key, u.Active, active)
	}
}

// wantLeft: her account is gone, or disabled.
func (w *world) wantLeft(p pusher, key string) {
	w.t.Helper()
	u, err := w.Directory.UserByName(w.t.Context(), key)
	if p.deletesLeavers != fault.Is(err, fault.NotFound) || u.Active {
		w.t.Errorf("%s has left, and her account is %+v, %v", key, u, err)
	}
}

func (w *world) wantGroup(p pusher, group string, want ...string) {
	w.t.Helper()
	if p.usersOnly {
		if gs, err := w.Directory.Groups(w.t.Context(), "", 10); err != nil || len(gs) > 0 {
			w.t.Errorf("groups: %v, %v, want none", gs, err)
		}
		return
	}
	w.wantMembers(group, want...)
}
