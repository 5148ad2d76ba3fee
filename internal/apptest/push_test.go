package apptest_test

import (
	"fmt"
	"testing"

	"gatehouse/internal/directory"
	"gatehouse/internal/fault"
	"gatehouse/internal/tenant"
)

// TestPush is the life of people and groups in the tenant, and what it makes of them at the server, in every dialect and
// for both profiles of a directory.
func TestPush(t *testing.T) {
	t.Parallel()
	for dir, profile := range map[string]directory.Profile{"default": directory.ProfileRFC, "strict": directory.ProfileAWS} {
		for _, dialect := range []tenant.Dialect{tenant.DialectDefault, tenant.DialectFlag, tenant.DialectMixed} {
			t.Run(fmt.Sprintf("%s/%s", profile, dialect), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, dir, profile)
				w.job(func(s *tenant.Settings) { s.Dialect = dialect })
				w.life()
			})
		}
	}
}

// TestPushUnderChaos sends the same with everything odd that Entra has been seen to do: each by itself, and all at once.
func TestPushUnderChaos(t *testing.T) {
	t.Parallel()
	all := tenant.Chaos{NullAttributes: true, TypoSchema: true, StringManager: true, StringActive: true, RepeatedAdds: true, ReplaceMissing: true, Probes: true, NoUserAgent: true}
	for name, chaos := range map[string]tenant.Chaos{
		"null attributes": {NullAttributes: true}, "typo schema": {TypoSchema: true}, "string manager": {StringManager: true}, "string active": {StringActive: true},
		"repeated adds": {RepeatedAdds: true}, "replace missing": {ReplaceMissing: true}, "probes": {Probes: true}, "no user agent": {NoUserAgent: true}, "all": all,
	} {
		for dir, profile := range map[string]directory.Profile{"default": directory.ProfileRFC, "strict": directory.ProfileAWS} {
			if profile == directory.ProfileAWS && chaos != all && !chaos.NullAttributes {
				continue // what the strict profile checks besides is in the bodies of these two
			}
			t.Run(fmt.Sprintf("%s/%s", name, profile), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, dir, profile)
				w.job(func(s *tenant.Settings) { s.Chaos, s.Dialect = chaos, tenant.DialectMixed })
				w.life()
			})
		}
	}
}

const ann, bob, cat = "ann@contoso.test", "bob@contoso.test", "cat@contoso.test"

// life is what happens to people and groups, event after event.
func (w *world) life() {
	w.t.Helper()
	w.firstCycle()
	w.renames()
	w.disabled()
	w.binned()
	w.unassigned()
}

func (w *world) firstCycle() {
	w.t.Helper()
	w.sync()
	u := w.user(ann)
	if u.UserName != ann || u.DisplayName != "Ann Ash" || u.Name.GivenName != "Ann" || u.Name.FamilyName != "Ash" || u.PrimaryEmail() != ann ||
		u.Title != "Engineer" || u.Enterprise.Department != "IT" || u.Enterprise.EmployeeNumber != "1-ann" || !u.Active || u.Source != w.dir {
		w.t.Errorf("ann came as %+v", u)
	}
	if boss := w.user(bob).ID; u.Enterprise.ManagerID != boss {
		w.t.Errorf("ann's manager is %q, want bob, %s", u.Enterprise.ManagerID, boss)
	}
	w.wantMembers("Devs", "ann", "bob")
	if n, err := w.Directory.CountUsers(w.t.Context()); err != nil || n != 3 {
		w.t.Errorf("%d users, %v, want 3: probes must not make any", n, err)
	}
	if c := w.sync(); c.Initial || c.Users.Created+c.Users.Updated+c.Users.Disabled+c.Groups.Updated+c.MembersAdded+c.MembersRemoved > 0 {
		w.t.Errorf("nothing had changed, and the next cycle did %+v", c)
	}
}

func (w *world) renames() {
	w.t.Helper()
	was, group := w.user(ann), w.groupID("Devs")
	_, err := w.tenant.UpdateUser(ann, func(u *tenant.User) {
		u.UserPrincipalName, u.Mail, u.Surname, u.DisplayName = "ann.oak@contoso.test", "ann.oak@contoso.test", "Oak", "Ann Oak"
		u.Department, u.TelephoneNumber, u.JobTitle = "R&D", "+1 555 0100", "Lead"
	})
	w.ok(err)
	name := "Builders"
	_, err = w.tenant.UpdateGroup("Devs", &name, nil)
	w.ok(err)
	w.sync()
	u := w.user("ann.oak@contoso.test")
	if u.ID != was.ID || u.UserName != "ann.oak@contoso.test" || u.Name.FamilyName != "Oak" || u.DisplayName != "Ann Oak" || u.PrimaryEmail() != "ann.oak@contoso.test" ||
		u.Enterprise.Department != "R&D" || u.Title != "Lead" || len(u.PhoneNumbers) != 1 || u.PhoneNumbers[0].Value != "+1 555 0100" || len(u.Emails) != 1 {
		w.t.Errorf("renamed ann is %+v", u)
	}
	if w.groupID("Builders") != group {
		w.t.Error("the renamed group is another group")
	}
	w.wantMembers("Builders", "ann.oak", "bob")
	_, err = w.tenant.UpdateUser("ann.oak@contoso.test", func(u *tenant.User) { u.UserPrincipalName, u.Mail = ann, ann })
	w.ok(err)
	w.sync()
}

func (w *world) disabled() {
	w.t.Helper()
	w.ok(w.tenant.SetEnabled(ann, false))
	w.sync()
	w.wantActive(ann, false)
	w.wantMembers("Builders", "ann", "bob") // memberships of the disabled stay
	w.ok(w.tenant.SetEnabled(ann, true))
	w.sync()
	w.wantActive(ann, true)
	w.ok(w.tenant.RemoveMember("Builders", ann))
	w.sync()
	w.wantActive(ann, false) // out of scope
	w.wantMembers("Builders", "bob")
	w.ok(w.tenant.AddMember("Builders", ann))
	w.ok(w.tenant.AddMember("Builders", cat))
	w.sync()
	w.wantActive(ann, true)
	w.wantMembers("Builders", "ann", "bob", "cat")
}

func (w *world) binned() {
	w.t.Helper()
	was := w.user(cat)
	w.ok(w.tenant.DeleteUser(cat))
	w.sync()
	w.wantActive(cat, false)
	w.ok(w.tenant.RestoreUser(cat))
	w.sync()
	w.wantActive(cat, true)
	if w.user(cat).ID != was.ID {
		w.t.Error("restored cat is another user")
	}
	w.ok(w.tenant.DeleteUser(cat))
	w.ok(w.tenant.PurgeUser(cat))
	w.sync()
	if _, err := w.Directory.User(w.t.Context(), was.ID); !fault.Is(err, fault.NotFound) {
		w.t.Errorf("purged cat is still there: %v", err)
	}
	w.wantMembers("Builders", "ann", "bob")
	w.person(staff("cat", "Cat", "Cole"))
	w.ok(w.tenant.AddMember("Builders", cat))
	w.sync()
	if w.user(cat).ID == was.ID {
		w.t.Error("a new cat has the old one's id")
	}
	w.wantMembers("Builders", "ann", "bob", "cat")
}

func (w *world) unassigned() {
	w.t.Helper()
	w.ok(w.tenant.Assign(bob, ""))
	w.ok(w.tenant.Unassign("Builders"))
	w.sync()
	w.wantActive(ann, false)
	w.wantActive(cat, false)
	w.wantActive(bob, true) // he is assigned himself
	if _, err := w.Directory.GroupByName(w.t.Context(), "Builders"); !fault.Is(err, fault.NotFound) {
		w.t.Errorf("the unassigned group is still there: %v", err)
	}
	w.ok(w.tenant.Assign("Builders", ""))
	w.sync()
	w.wantActive(ann, true)
	w.wantMembers("Builders", "ann", "bob", "cat")
}
